"""Real files: what is read of each equals what laspy reads, and what their list says of them."""

from __future__ import annotations

import pickle
from pathlib import Path

import laspy
import numpy as np
import pytest

from pointclouds.heads import read_head
from pointclouds.sources import LasSource
from tests.pointclouds.clouds import number_at, opened, read_all, stored
from zwilling.errors import UnknownCRSError
from zwilling.points import PointBatch

# name, points, CRS (None: refused without --crs), --crs where refused, classes
_IGN = {"1": 2264, "2": 39468, "3": 682, "4": 729, "5": 5152, "6": 24362, "64": 113}
FILES = [
    ("ahn3/ahn3_cropped_1.laz", 640510, None, "EPSG:28992+5709",
     {"1": 196137, "2": 195988, "6": 246753, "9": 267, "26": 1365}),
    ("copc/1.2-with-color.copc.laz", 1065, None, "EPSG:2994+6360", {"1": 789, "2": 276}),
    ("copc/lone-star.copc.laz", 518862, None, "EPSG:26912+5703", {"0": 518862}),
    ("ign/las_with_several_extra_byte_bloc.laz", 697721, "EPSG:2154", None,
     {"1": 3262, "2": 683023, "3": 960, "4": 873, "5": 9003, "6": 590, "65": 10}),
    ("ign/test_data_77055_627755_extra_dims.laz", 72770, "EPSG:2154", None, _IGN),
    ("ign/test_noepsg_043500_629205_IGN69.laz", 17845, None, "EPSG:2154+5720", {"1": 17845}),
    ("ign/test_semis_2023_0292_6833_LA93_IGN69.laz", 289055, "EPSG:2154", None,
     {"1": 11861, "2": 152678, "3": 3124, "4": 5962, "5": 71684, "6": 43278, "17": 267, "64": 47, "66": 12, "67": 142}),
    ("ign_montpellier/classified_1.2_pdrf3_77050_627755.laz", 84524, "EPSG:2154", None,
     {"0": 13, "1": 2047, "2": 21172, "3": 226, "4": 1227, "5": 30392, "6": 29447}),
    ("ign_montpellier/test_data_77050_627760_LA93_IGN69.laz", 56035, "EPSG:2154", None,
     {"1": 4783, "2": 33568, "3": 379, "4": 933, "5": 12154, "6": 4148, "64": 70}),
    ("ign_montpellier/test_data_77055_627755_LA93_IGN69.laz", 72770, "EPSG:2154", None, _IGN),
    ("ign_montpellier/test_data_77055_627760_LA93_IGN69.laz", 60653, "EPSG:2154", None,
     {"1": 581, "2": 22343, "3": 2497, "4": 2449, "5": 17875, "6": 14908}),
    ("las/file_with_both_wkt_and_geotiff_vlrs.las", 25408, "EPSG:6880", None,
     {"2": 9808, "3": 158, "4": 724, "5": 10956, "6": 3737, "7": 25}),
    ("las/mvk-thin.las", 6280, None, "EPSG:2255+6360", {"1": 129, "2": 1693, "4": 141, "5": 578, "9": 37, "12": 3702}),
    ("las/sample_c.las", 14408, None, "EPSG:2994+6360",
     {"2": 1368, "3": 93, "4": 29, "5": 7, "6": 12525, "11": 2, "14": 45, "31": 339}),
    ("las/simple.las", 1065, None, "EPSG:2994+6360", {"1": 789, "2": 276}),
    ("las/test1_4.las", 1000, "EPSG:2903", None, {"2": 1000}),
    *((f"las_permutations/{name}.las", 1, "EPSG:26915", None, {"2": 1})
      for name in ("1.0_0", "1.0_1", "1.1_0", "1.1_1", "1.2_0", "1.2_1", "1.2_2", "1.2_3")),
    ("laz/1_4_w_evlr.laz", 1000, "EPSG:2903", None, {"2": 1000}),
    ("laz/simple.laz", 1065, None, "EPSG:2994+6360", {"1": 789, "2": 276}),
    ("lidR/MixedConifer.laz", 37657, "EPSG:26912", None, {"1": 31832, "2": 5820, "11": 5}),
    ("lidR/Topography.laz", 73403, "EPSG:2949", None, {"1": 61347, "2": 8159, "9": 3897}),
]  # fmt: skip
_NO_COLUMNS = ("X", "Y", "Z", "wavepacket_index", "wavepacket_offset", "wavepacket_size", "return_point_wave_location",
         "x_t", "y_t", "z_t", "ExtraBytes")  # fmt: skip


@pytest.mark.parametrize(("name", "count", "crs", "wanted", "classes"), FILES, ids=[row[0] for row in FILES])
def test_real_files_come_out_as_laspy_reads_them(
    shared_data: Path, name: str, count: int, crs: str | None, wanted: str | None, classes: dict[str, int]
) -> None:
    path = shared_data / "pointclouds" / name
    if crs is None:
        with pytest.raises(UnknownCRSError, match=r"--crs"):
            opened(path, crs=None)
    expected = laspy.read(path)
    names = tuple(each for each in expected.point_format.dimension_names if each not in _NO_COLUMNS)
    source = pickle.loads(pickle.dumps(opened(path, crs=wanted, columns=names)))  # noqa: S301  # our own bytes
    assert source.head.crs == (crs or wanted)
    assert source.head.count == count
    points = read_all(source) if source.octree is None else in_file_order(source)
    np.testing.assert_array_equal(points.xyz, stored(expected))
    for column in source.head.columns:
        np.testing.assert_array_equal(points.columns[column], np.asarray(expected[column]), err_msg=column)
    left_out = set(names) - set(source.head.columns)
    assert left_out <= {"red", "green", "blue"}
    assert all(not np.asarray(expected[colour]).any() for colour in left_out)
    found, counts = np.unique(points.columns["classification"], return_counts=True)
    assert {str(code): int(each) for code, each in zip(found, counts, strict=True)} == classes
    # laspy takes day 0 of a year for the day before it.
    created, made = read_head(path).created, expected.header.creation_date
    day = number_at(path, 90, "<H")
    year = number_at(path, 92, "<H")
    # Some programs write day 1 of year 1, long before LAS.
    assert created == ("" if year < 2003 else made.isoformat() if day else str(year))
    np.testing.assert_allclose(source.head.low, expected.header.mins)
    np.testing.assert_allclose(source.head.high, expected.header.maxs)
    metres = points.xyz * np.array(source.head.lattice.scale) + np.array(source.head.lattice.offset)
    np.testing.assert_allclose(metres.min(axis=0), source.head.low, atol=source.head.lattice.scale[0])


def in_file_order(source: LasSource) -> PointBatch:
    """Return all points of a COPC file as its chunks follow each other."""
    order = np.argsort(source.rows[:, 0])
    batches = [source.read_chunks(row, row + 1) for row in order.tolist()]
    columns = {name: np.concatenate([batch.columns[name] for batch in batches]) for name in source.head.columns}
    return PointBatch(np.concatenate([batch.xyz for batch in batches]), source.head.lattice, columns)


def test_every_real_file_is_in_the_list(shared_data: Path) -> None:
    found = {
        str(file.relative_to(shared_data / "pointclouds")) for file in (shared_data / "pointclouds").rglob("*.la[sz]")
    }
    assert found == {row[0] for row in FILES}


def test_pieces_hold_whole_chunks_of_about_half_a_million(shared_data: Path) -> None:
    source = opened(shared_data / "pointclouds/ign/las_with_several_extra_byte_bloc.laz", crs=None)
    assert [len(source.read(piece)) for piece in range(source.head.chunks)] == [500_000, 197_721]


@pytest.mark.parametrize(
    ("name", "wanted", "is_dim"),
    [
        ("las/simple.las", "EPSG:2994+6360", True),
        ("laz/simple.laz", "EPSG:2994+6360", True),
        ("copc/1.2-with-color.copc.laz", "EPSG:2994+6360", True),
        ("las/sample_c.las", "EPSG:2994+6360", False),
        ("ign/las_with_several_extra_byte_bloc.laz", None, False),
    ],
)
def test_eight_bits_in_sixteen_are_found(shared_data: Path, name: str, wanted: str | None, is_dim: bool) -> None:
    assert opened(shared_data / "pointclouds" / name, crs=wanted).head.has_colours_of_8_bits is is_dim


def test_black_colours_are_no_colours(shared_data: Path) -> None:
    source = opened(shared_data / "pointclouds/ign_montpellier/test_data_77055_627760_LA93_IGN69.laz", crs=None)
    assert "red" not in source.head.columns
    assert [issue.code for issue in source.issues] == ["POINT_COLOURS_EMPTY"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ahn3/ahn3_cropped_1.laz", "names no coordinate system, and does not lie in Rhein-Kreis Neuss"),
        (
            "ign/test_noepsg_043500_629205_IGN69.laz",
            "names no coordinate system, and does not lie in Rhein-Kreis Neuss",
        ),
        ("copc/lone-star.copc.laz", "where EPSG:4978 does not reach"),
        ("copc/1.2-with-color.copc.laz", r"where EPSG:2991\+6360 does not reach"),
        ("las/mvk-thin.las", "heights count in feet over NAVD88 - Geoid03"),
    ],
)
def test_a_crs_that_cannot_be_is_refused(shared_data: Path, name: str, message: str) -> None:
    with pytest.raises(UnknownCRSError, match=message):
        opened(shared_data / "pointclouds" / name, crs=None)


def test_all_blocks_of_extra_bytes_are_read(shared_data: Path) -> None:
    """laspy takes the first block only, and gives the other's byte without its name."""
    path = shared_data / "pointclouds/ign/las_with_several_extra_byte_bloc.laz"
    points = read_all(opened(path, crs=None, columns=("Deviation", "confidence")))
    expected = laspy.read(path)
    np.testing.assert_array_equal(points.columns["Deviation"], expected["Deviation"])
    np.testing.assert_array_equal(points.columns["confidence"], np.asarray(expected["ExtraBytes"]).ravel())
