"""All versions and formats, packed and not, against laspy and against bytes taken apart by hand."""

from __future__ import annotations

import struct
from pathlib import Path

import laspy
import numpy as np
import pytest

from pointclouds.heads import RECORD_LENGTHS
from tests.pointclouds.clouds import cloud, opened, packed_in_chunks, read_all, stored, write

PAIRS = [
    ("1.1", 0), ("1.1", 1), *(("1.2", n) for n in range(4)), *(("1.3", n) for n in range(6)),
    *(("1.4", n) for n in range(11)),
]  # fmt: skip
_NAMES = (
    "intensity", "return_number", "number_of_returns", "scan_direction_flag", "edge_of_flight_line", "classification",
    "synthetic", "key_point", "withheld", "overlap", "scanner_channel", "scan_angle_rank", "scan_angle", "user_data",
    "point_source_id", "gps_time", "red", "green", "blue", "nir",
)  # fmt: skip


@pytest.mark.parametrize("ending", ["las", "laz"])
@pytest.mark.parametrize(("version", "layout"), PAIRS)
def test_every_dimension_of_every_format(tmp_path: Path, version: str, layout: int, ending: str) -> None:
    data = cloud(layout, version=version)
    path = write(tmp_path / f"a.{ending}", data)
    source = opened(path, columns=_NAMES, keep_withheld=True)
    present = {name for name in _NAMES if name in data.point_format.dimension_names}
    assert set(source.head.columns) == present
    assert {issue.code for issue in source.issues} <= {"POINT_COLUMN_MISSING"}
    points = read_all(source)
    np.testing.assert_array_equal(points.xyz, stored(data))
    for name in present:
        np.testing.assert_array_equal(points.columns[name], np.asarray(data[name]), err_msg=name)


@pytest.mark.parametrize(
    ("layout", "name"),
    [(layout, name) for layout in range(6, 11) for name in _NAMES if name in laspy.PointFormat(layout).dimension_names],
)
def test_a_column_comes_out_of_its_layer_alone(tmp_path: Path, layout: int, name: str) -> None:
    """Layers that are not wanted are not unpacked; each column must name the layer that it is in."""
    data = cloud(layout, count=300)
    points = read_all(opened(write(tmp_path / "a.laz", data), columns=(name,), keep_withheld=True))
    np.testing.assert_array_equal(points.columns[name], np.asarray(data[name]))
    np.testing.assert_array_equal(points.xyz, stored(data))


@pytest.mark.parametrize("layout", range(11))
def test_bytes_taken_apart_by_hand(tmp_path: Path, layout: int) -> None:
    """LAS 1.4 R15, tables 7 to 17, by struct alone."""
    data = cloud(layout, count=50)
    path = write(tmp_path / "a.las", data)
    raw = path.read_bytes()
    at, length = struct.unpack_from("<I", raw, 96)[0], struct.unpack_from("<H", raw, 105)[0]
    assert length == RECORD_LENGTHS[layout]
    points = read_all(opened(path, columns=(*_NAMES,), keep_withheld=True))
    for row in range(50):
        start = at + row * length
        assert struct.unpack_from("<3i", raw, start) == tuple(points.xyz[row])
        assert struct.unpack_from("<H", raw, start + 12)[0] == points.columns["intensity"][row]
        returns = raw[start + 14]
        if layout < 6:
            assert (returns & 7, returns >> 3 & 7) == tuple(
                points.columns[name][row] for name in ("return_number", "number_of_returns")
            )
            assert raw[start + 15] & 31 == points.columns["classification"][row]
        else:
            assert (returns & 15, returns >> 4) == tuple(
                points.columns[name][row] for name in ("return_number", "number_of_returns")
            )
            assert raw[start + 16] == points.columns["classification"][row]
        if layout in (2, 3, 5, 7, 8, 10):
            colours = struct.unpack_from("<3H", raw, start + {2: 20, 3: 28, 5: 28}.get(layout, 30))
            assert colours == tuple(points.columns[name][row] for name in ("red", "green", "blue"))
        if layout in (8, 10):
            assert struct.unpack_from("<H", raw, start + 36)[0] == points.columns["nir"][row]


@pytest.mark.parametrize("layout", [1, 6])
def test_withheld_points_are_left_out_and_told(tmp_path: Path, layout: int) -> None:
    def change(data: laspy.LasData) -> None:
        data.withheld = np.arange(len(data.points)) % 10 == 3

    data = cloud(layout, change=change)
    path = write(tmp_path / "a.laz", data)
    points = read_all(opened(path))
    np.testing.assert_array_equal(points.xyz, stored(data)[np.arange(1000) % 10 != 3])
    assert [(issue.code, issue.message) for issue in points.issues] == [
        ("POINTS_WITHHELD", "100 points are marked as withheld (deleted) and are left out")
    ]
    assert len(read_all(opened(path, keep_withheld=True))) == 1000


@pytest.mark.parametrize("ending", ["las", "laz"])
@pytest.mark.parametrize("layout", [1, 7])
def test_extra_dimensions_by_name(tmp_path: Path, layout: int, ending: str) -> None:
    header = cloud(layout).header
    header.add_extra_dims(
        [
            laspy.ExtraBytesParams("Amplitude", "f4"),
            laspy.ExtraBytesParams("treeID", "u4"),
            laspy.ExtraBytesParams("normal", "3f8"),
            laspy.ExtraBytesParams("height", "i2", scales=np.array([0.01]), offsets=np.array([100.0])),
        ]
    )
    data = laspy.LasData(header)
    numbers = np.random.default_rng(3)
    data.X, data.Y, data.Z = numbers.integers(0, 5000, (3, 200))
    data.Amplitude = np.where(np.arange(200) < 7, np.nan, 1.5).astype(np.float32)
    data.treeID = np.arange(200) + 4_000_000_000
    data.normal = numbers.normal(size=(200, 3))
    data.height = 100 + numbers.integers(0, 3000, 200) / 100
    path = write(tmp_path / f"a.{ending}", data)
    source = opened(path, columns=("Amplitude", "treeID", "normal[1]", "height", "reflectance"))
    assert source.head.columns == ("Amplitude", "treeID", "normal[1]", "height")
    assert [issue.code for issue in source.issues] == ["POINT_COLUMN_MISSING"]
    points = read_all(source)
    np.testing.assert_array_equal(points.columns["Amplitude"], data.Amplitude)
    np.testing.assert_array_equal(points.columns["treeID"], data.treeID)
    np.testing.assert_array_equal(points.columns["normal[1]"], data.normal[:, 1])
    np.testing.assert_allclose(np.asarray(points.columns["height"], float), data.height)
    assert [issue.message for issue in points.issues] == ["7 values of 'Amplitude' are no number"]


@pytest.mark.parametrize("layout", [3, 8])
def test_chunks_of_any_size(tmp_path: Path, layout: int) -> None:
    data = cloud(layout, count=5000)
    source = opened(packed_in_chunks(tmp_path / "a.laz", data, [1, 70, 2929, 2000]))
    assert source.rows[:, 2].tolist() == [1, 70, 2929, 2000]
    np.testing.assert_array_equal(read_all(source).xyz, stored(data))
    np.testing.assert_array_equal(source.read_chunks(1, 3).xyz, stored(data)[1:3000])


def test_all_points_in_one_place(tmp_path: Path) -> None:
    def change(data: laspy.LasData) -> None:
        for name in data.point_format.dimension_names:
            data[name] = np.full(len(data.points), 1 if "return" in name else 0, np.uint8)

    path = write(tmp_path / "a.laz", cloud(6, count=2_000_000, change=change))
    source = opened(path)
    assert path.stat().st_size < 30_000
    points = read_all(source)
    assert len(points) == 2_000_000
    assert not points.xyz.any()


@pytest.mark.parametrize("ending", ["las", "laz"])
def test_no_points(tmp_path: Path, ending: str) -> None:
    source = opened(write(tmp_path / f"a.{ending}", cloud(6, count=0)))
    assert (source.head.count, source.head.chunks) == (0, 0)
    assert [issue.code for issue in source.issues] == ["POINTS_NONE"]


def test_times_are_nobodys_business(tmp_path: Path) -> None:
    def change(data: laspy.LasData) -> None:
        data.gps_time[:] = np.resize([np.nan, np.inf, -1e308, 0.0], len(data.points))

    data = cloud(1, change=change)
    source = opened(write(tmp_path / "a.laz", data))
    assert not source.issues
    np.testing.assert_array_equal(read_all(source).xyz, stored(data))
