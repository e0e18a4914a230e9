"""Point clouds through the command line: every file that we have, damaged ones, colours, and a killed build.

What went in is read by laspy, what came out by 3d-tiles-tools.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import struct
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import laspy
import numpy as np
import pyproj
import pytest
import rasterio
from numpy.typing import NDArray

from tests.end_to_end.program import run, zwilling
from tests.judges import Tileset, judge
from zwilling.crs import Georeference, parse_crs
from zwilling.region import load_region

# rasterio's own way of writing a position.
pytestmark = [pytest.mark.node, pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")]

LAMBERT = "EPSG:2154+ellipsoidal"
OREGON = "EPSG:2992+ellipsoidal"


@dataclass(frozen=True, slots=True)
class Cloud:
    """A file that becomes tiles, and what was counted in it by others.

    Attributes:
        path: below the folder of the data.
        crs: given by the user: none of these is German, so their heights are said to be ellipsoidal.
        points: all of them.
        classes: points by class.
        findings: codes of all findings but that it lies outside the region.
    """

    path: str
    crs: str
    points: int
    classes: dict[int, int]
    findings: set[str] = field(default_factory=set)


NO_COLOURS, OTHER_CRS = {"POINT_COLOURS_EMPTY"}, {"POINTS_OTHER_CRS"}
MONTPELLIER_755 = {1: 2264, 2: 39468, 3: 682, 4: 729, 5: 5152, 6: 24362, 64: 113}
CLOUDS = [
    # AHN3 is in the Netherlands and names no CRS; its own one has no way to the ellipsoid here, so it is put elsewhere.
    Cloud(
        "ahn3/ahn3_cropped_1.laz",
        "EPSG:32631+ellipsoidal",
        640510,
        {1: 196137, 2: 195988, 6: 246753, 9: 267, 26: 1365},
    ),
    Cloud("copc/1.2-with-color.copc.laz", OREGON, 1065, {1: 789, 2: 276}, OTHER_CRS),
    Cloud("copc/lone-star.copc.laz", "EPSG:32614+ellipsoidal", 518862, {0: 518862}),
    Cloud(
        "ign/las_with_several_extra_byte_bloc.laz",
        LAMBERT,
        697721,
        {1: 3262, 2: 683023, 3: 960, 4: 873, 5: 9003, 6: 590, 65: 10},
    ),
    Cloud("ign/test_data_77055_627755_extra_dims.laz", LAMBERT, 72770, MONTPELLIER_755, NO_COLOURS),
    Cloud("ign/test_noepsg_043500_629205_IGN69.laz", LAMBERT, 17845, {1: 17845}, NO_COLOURS),
    Cloud(
        "ign/test_semis_2023_0292_6833_LA93_IGN69.laz",
        LAMBERT,
        289055,
        {1: 11861, 2: 152678, 3: 3124, 4: 5962, 5: 71684, 6: 43278, 17: 267, 64: 47, 66: 12, 67: 142},
    ),
    Cloud(
        "ign_montpellier/classified_1.2_pdrf3_77050_627755.laz",
        LAMBERT,
        84524,
        {0: 13, 1: 2047, 2: 21172, 3: 226, 4: 1227, 5: 30392, 6: 29447},
        NO_COLOURS,
    ),
    Cloud(
        "ign_montpellier/test_data_77050_627760_LA93_IGN69.laz",
        LAMBERT,
        56035,
        {1: 4783, 2: 33568, 3: 379, 4: 933, 5: 12154, 6: 4148, 64: 70},
        NO_COLOURS,
    ),
    Cloud("ign_montpellier/test_data_77055_627755_LA93_IGN69.laz", LAMBERT, 72770, MONTPELLIER_755, NO_COLOURS),
    Cloud(
        "ign_montpellier/test_data_77055_627760_LA93_IGN69.laz",
        LAMBERT,
        60653,
        {1: 581, 2: 22343, 3: 2497, 4: 2449, 5: 17875, 6: 14908},
        NO_COLOURS,
    ),
    Cloud(
        "las/file_with_both_wkt_and_geotiff_vlrs.las",
        "EPSG:6880+ellipsoidal",
        25408,
        {2: 9808, 3: 158, 4: 724, 5: 10956, 6: 3737, 7: 25},
        OTHER_CRS,
    ),
    Cloud(
        "las/mvk-thin.las",
        "EPSG:2255+ellipsoidal",
        6280,
        {1: 129, 2: 1693, 4: 141, 5: 578, 9: 37, 12: 3702},
        OTHER_CRS,
    ),
    Cloud(
        "las/sample_c.las",
        OREGON,
        14408,
        {2: 1368, 3: 93, 4: 29, 5: 7, 6: 12525, 11: 2, 14: 45, 31: 339},
        OTHER_CRS,
    ),
    Cloud("las/simple.las", OREGON, 1065, {1: 789, 2: 276}, OTHER_CRS),
    Cloud("las/test1_4.las", "EPSG:2903+ellipsoidal", 1000, {2: 1000}, OTHER_CRS),
    *(
        Cloud(f"las_permutations/{name}.las", "EPSG:26915+ellipsoidal", 1, {2: 1})
        for name in ("1.0_0", "1.0_1", "1.1_0", "1.1_1", "1.2_0", "1.2_1", "1.2_2", "1.2_3")
    ),
    Cloud("laz/1_4_w_evlr.laz", "EPSG:2903+ellipsoidal", 1000, {2: 1000}, OTHER_CRS),
    Cloud("laz/simple.laz", OREGON, 1065, {1: 789, 2: 276}, OTHER_CRS),
    Cloud("lidR/MixedConifer.laz", "EPSG:26912+ellipsoidal", 37657, {1: 31832, 2: 5820, 11: 5}),
    Cloud("lidR/Topography.laz", "EPSG:2949+ellipsoidal", 73403, {1: 61347, 2: 8159, 9: 3897}),
]

NAME_HEIGHTS = (
    "EPSG:{0} ({1}) says nothing about heights; pass --crs EPSG:{0}+CODE with the height system's code, for example "
    "+7837 for DHHN2016, or EPSG:{0}+ellipsoidal"
)
REFUSED = [
    (
        "ahn3/ahn3_cropped_1.laz",
        (
            "names no coordinate system, and does not lie in Rhein-Kreis Neuss with EPSG:25832+7837; pass --crs with "
            "the one that it is in, for example --crs EPSG:25832+7837"
        ),
    ),
    (
        "copc/lone-star.copc.laz",
        (
            "lies around (515384.8, 4918360.7, 2330.7), where EPSG:4978 does not reach; pass the CRS that it is in "
            "with --crs"
        ),
    ),
    (
        "ign_montpellier/test_data_77055_627760_LA93_IGN69.laz",
        NAME_HEIGHTS.format(2154, "RGF93 v1 / Lambert-93"),
    ),
    (
        "las/mvk-thin.las",
        (
            "its heights count in feet over NAVD88 - Geoid03 (Feet); pass --crs EPSG:2255+CODE with the code of the "
            "height system"
        ),
    ),
]
"""File, and all that the program says about it where nobody names its CRS."""


def test_no_file_is_forgotten(shared_data: Path) -> None:
    folder = shared_data / "pointclouds"
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == {
        cloud.path for cloud in CLOUDS
    }


def tile(out: Path, *arguments: str | Path, home: Path) -> dict[str, Any]:
    """Make tiles and return the report."""
    report = out.with_suffix(".json")
    done = run("tile", *arguments, "-o", out, "--report", report, home=home)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(report.read_bytes()))


def ecef_of(tileset: Tileset) -> NDArray[np.float64]:
    return np.concatenate([primitive.positions for content in tileset.contents for primitive in content.primitives])


def attribute(tileset: Tileset, name: str) -> NDArray[np.float64]:
    return np.concatenate([p.attributes[name] for content in tileset.contents for p in content.primitives])


def classes_of(tileset: Tileset) -> dict[int, int]:
    return {int(code): count for code, count in Counter(attribute(tileset, "_CLASSIFICATION")[:, 0]).items()}


def assert_same_places(tileset: Tileset, expected: NDArray[np.float64], metres: float) -> None:
    """Compare places axis by axis, in the order of their numbers: what is moved, lost or doubled moves that."""
    found = ecef_of(tileset)
    assert found.shape == expected.shape
    assert np.abs(np.sort(found, axis=0) - np.sort(expected, axis=0)).max() < metres


@pytest.mark.parametrize("cloud", CLOUDS, ids=lambda cloud: cloud.path.rpartition("/")[2])
def test_every_file(cloud: Cloud, shared_data: Path, home_with_grid: Path, tmp_path: Path) -> None:
    path = shared_data / "pointclouds" / cloud.path
    report = tile(tmp_path / "out", path, "--crs", cloud.crs, "--jobs", "1", home=home_with_grid)
    tileset = judge(tmp_path / "out" / "tileset.json")
    assert (report["points_promised"], report["points_in"], report["points_out"]) == (cloud.points,) * 3
    assert classes_of(tileset) == cloud.classes
    assert {one["code"]: one["points"] for one in report["classes"]} == cloud.classes
    assert {finding["code"] for finding in report["findings"]} == {"OUTSIDE_REGION", *cloud.findings}
    with laspy.open(path) as file:
        points = file.read()
    header = points.header
    way = Georeference.create(parse_crs(cloud.crs), load_region())
    # A file that counts in feet is put on the layer's grid, of millimetres.
    slack = 0.005 if cloud.findings & OTHER_CRS else 0.0
    assert_same_places(tileset, way.to_ecef(points.xyz), report["position_error"] + slack + 1e-4)
    assert np.sort(attribute(tileset, "_INTENSITY")[:, 0]).tolist() == np.sort(np.asarray(points.intensity)).tolist()
    (told,) = report["point_files"]
    packing = "COPC" if ".copc." in cloud.path else "LAZ" if cloud.path.endswith(".laz") else "LAS"
    assert told["version"] == f"{packing} {header.version.major}.{header.version.minor}"
    assert told["format"] == header.point_format.id
    assert sum(level["points"] for level in report["point_levels"]) == cloud.points
    assert {path.name for path in (tmp_path / "out").iterdir() if path.name.startswith(".")} == set()


@pytest.mark.parametrize(("path", "message"), REFUSED)
def test_refused(path: str, message: str, shared_data: Path, home_with_grid: Path, tmp_path: Path) -> None:
    file = shared_data / "pointclouds" / path
    done = run("tile", file, "-o", tmp_path / "out", home=home_with_grid)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == f"zwilling: {file}: {message}"
    assert list(tmp_path.iterdir()) == []


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_order_and_jobs_change_no_byte(shared_data: Path, home_with_grid: Path, tmp_path: Path) -> None:
    files = sorted((shared_data / "pointclouds/ign_montpellier").iterdir())
    one = tile(tmp_path / "one", *files, "--crs", LAMBERT, "--jobs", "1", home=home_with_grid)
    two = tile(tmp_path / "two", *reversed(files), files[0], "--crs", LAMBERT, "--jobs", "2", home=home_with_grid)
    assert one["points_out"] == two["points_out"] == 273_982
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert len(contents(tmp_path / "one")) > 5


def test_what_is_dropped_is_counted(shared_data: Path, home_with_grid: Path, tmp_path: Path) -> None:
    cloud = next(cloud for cloud in CLOUDS if cloud.path.startswith("lidR/Topography"))
    report = tile(
        tmp_path / "out", shared_data / "pointclouds" / cloud.path, "--crs", cloud.crs, "--drop-class", "9",
        "--drop-class", "1", "--memory", "400 MB", home=home_with_grid,
    )  # fmt: skip
    assert report["dropped"] == {"1": 61347, "9": 3897}
    assert report["points_in"] == cloud.points == report["points_out"] + 61347 + 3897
    assert classes_of(judge(tmp_path / "out" / "tileset.json")) == {2: 8159}


def test_orthophotos_paint_points(shared_data: Path, home_with_grid: Path, tmp_path: Path) -> None:
    bare = shared_data / "pointclouds/ign_montpellier/test_data_77055_627760_LA93_IGN69.laz"
    picture = shared_data / "orthophotos/ign_montpellier/test_data_rgb.tif"
    report = tile(
        tmp_path / "out", bare, "--crs", LAMBERT, "--colour-from", picture, "--jobs", "2", home=home_with_grid
    )
    assert report["has_colour"]
    assert [file["colours"] for file in report["point_files"]] == ["painted"]
    tileset = judge(tmp_path / "out" / "tileset.json")
    way = Georeference.create(parse_crs(LAMBERT), load_region())
    places = way.from_ecef(ecef_of(tileset))
    with rasterio.open(picture) as file:
        pixels = file.read()
        columns, rows = ~file.transform * (places[:, 0], places[:, 1])
    # A point near the edge of a pixel may be in the next one, since tiles are exact to a fraction of a millimetre.
    is_inside = np.all([np.abs(place - np.round(place)) > 0.01 for place in (columns, rows)], axis=0)
    coded = pixels[:, np.floor(rows[is_inside]).astype(int), np.floor(columns[is_inside]).astype(int)].T / 255
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    shown = attribute(tileset, "COLOR_0")[is_inside, :3] / 255
    seen = ~np.all(coded == 1, axis=1)  # the file's nodata
    assert np.count_nonzero(seen) > 50_000
    assert np.abs(shown - linear)[seen].max() < 0.51 / 255


def test_points_beyond_the_pictures_are_grey_and_told(shared_data: Path, home_with_grid: Path, tmp_path: Path) -> None:
    folder = shared_data / "pointclouds/ign_montpellier"
    files = [folder / f"test_data_{name}_LA93_IGN69.laz" for name in ("77055_627760", "77050_627760")]
    picture = shared_data / "orthophotos/ign_montpellier/test_data_rgb.tif"
    report = tile(tmp_path / "out", *files, "--crs", LAMBERT, "--colour-from", picture, home=home_with_grid)
    (told,) = [
        finding for finding in report["findings"] if "77050" in finding["source"] and "UNPAINTED" in finding["code"]
    ]
    beyond = int(told["message"].split()[0])
    assert 55_000 < beyond <= 56_035
    colours = attribute(judge(tmp_path / "out" / "tileset.json"), "COLOR_0")
    assert np.count_nonzero((colours[:, :3] == colours[0, :3] * 0 + 175).all(axis=1)) >= beyond


NEUSS = (343_000.0, 5_674_000.0, 40.0)
WKT = pyproj.CRS("EPSG:25832+7837")


def made(path: Path, count: int = 5000, *, layout: int = 6, seed: int = 1, east: float = 0.0) -> Path:
    """Write a cloud in the county, as LAZ or LAS by its name."""
    rng = np.random.default_rng(seed)
    header = laspy.LasHeader(point_format=layout, version="1.4" if layout >= 6 else "1.2")
    header.scales, header.offsets = np.full(3, 0.01), np.array(NEUSS)
    if layout >= 6:
        header.add_crs(WKT)
    las = laspy.LasData(header)
    las.xyz = NEUSS + rng.uniform(0, [200, 200, 20], (count, 3)) + (east, 0, 0)
    las.classification = rng.choice(np.array([2, 20, 26], np.uint8), count)
    las.intensity = rng.integers(0, 2**16, count)
    las.write(path)
    return path


def patched(path: Path, offset: int, layout: str, *values: float) -> Path:
    data = bytearray(path.read_bytes())
    struct.pack_into(layout, data, offset, *values)
    path.write_bytes(data)
    return path


def cut(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def content(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def archive(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        packed.write(made(path.with_name("inside.laz")), "inside.laz")
    path.with_name("inside.laz").unlink()
    return path


def hostile_table(path: Path) -> Path:
    """Let the chunk table promise four billion chunks, on which lazrs alone aborts the process."""
    data = bytearray(made(path).read_bytes())
    (points_at,) = struct.unpack_from("<I", data, 96)
    (table_at,) = struct.unpack_from("<q", data, points_at)
    struct.pack_into("<I", data, table_at + 4, 2**32 - 1)
    return content(path, bytes(data))


BAD: dict[str, tuple[Callable[[Path], Sequence[Path]], str]] = {
    "cut-off LAZ": (lambda f: [cut(made(f / "a.laz", 200_000))], "a.laz: "),
    "cut-off LAS": (lambda f: [cut(made(f / "a.las"))], "a.las: promises 5,000 points"),
    "point count": (lambda f: [patched(made(f / "a.las"), 247, "<Q", 10**12)], "a.las: "),
    "count of records": (lambda f: [patched(made(f / "a.las"), 100, "<I", 2**32 - 1)], "a.las: claims 4,294,967,295"),
    "length of a record": (lambda f: [patched(made(f / "a.las"), 375 + 20, "<H", 65535)], "a.las: record 1 of"),
    "start of the points": (lambda f: [patched(made(f / "a.las"), 96, "<I", 2**31)], "a.las: "),
    "length of a point": (lambda f: [patched(made(f / "a.las"), 105, "<H", 5)], "a.las: has records of 5 bytes"),
    "scale 0": (lambda f: [patched(made(f / "a.laz"), 131, "<d", 0.0)], "a.laz: its scale of x is 0"),
    "scale NaN": (lambda f: [patched(made(f / "a.laz"), 131, "<d", float("nan"))], "a.laz: its scale of x is nan"),
    "no points": (lambda f: [made(f / "a.laz", 0)], "there are no points"),
    "chunk table": (lambda f: [hostile_table(f / "a.laz")], "a.laz: "),
    "beyond its CRS": (lambda f: [made(f / "a.laz", east=5e6)], "a.laz: lies around ("),
    "empty file": (lambda f: [content(f / "a.laz", b"")], "a.laz: is empty"),
    "web page": (lambda f: [content(f / "a.laz", b"<html>404</html>")], "a.laz: is a web page"),
    "gzip": (lambda f: [content(f / "a.laz", gzip.compress(b"LASF"))], "a.laz: is packed with gzip"),
    "gzip by content": (lambda f: [content(f / "a.gz", gzip.compress(b"LASF" * 9))], "packed with gzip"),
    "zip": (lambda f: [archive(f / "a.zip")], "a.zip: is a ZIP archive"),
    "folder": (lambda f: [made(f / "a.laz").parent], "is a folder, with 1 point clouds; name its files: "),
    "missing": (lambda f: [made(f / "a.laz"), f / "b.laz"], "b.laz: "),
    "no picture": (
        lambda f: [made(f / "a.laz"), "--colour-from", content(f / "b.tif", b"II*\0" + bytes(9))],  # type: ignore[list-item]
        "b.tif: ",
    ),
    "another kind": (lambda f: [made(f / "a.laz"), content(f / "b.gml", b"<CityModel/>")], "holds a "),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_ends_with_one_line_and_leaves_nothing(name: str, home_with_grid: Path, tmp_path: Path) -> None:
    make, said = BAD[name]
    files, work = tmp_path / "files", tmp_path / "work"
    files.mkdir()
    work.mkdir()
    done = run("tile", *make(files), "-o", work / "out", "--jobs", "1", home=home_with_grid)
    assert (done.returncode, done.stdout) == (1, "")
    (last,) = [line for line in done.stderr.splitlines() if line.startswith("zwilling: ")]
    assert said in last
    assert "fault in the program" not in done.stderr
    assert "Traceback" not in done.stderr
    assert list(work.iterdir()) == []


def test_bits_that_flip_in_a_chunk_never_end_the_program_otherwise(home_with_grid: Path, tmp_path: Path) -> None:
    file = made(tmp_path / "a.laz", 100_000)
    data = bytearray(file.read_bytes())
    for place in np.random.default_rng(7).integers(2000, len(data) - 100, 200).tolist():
        data[place] ^= 0x55
    file.write_bytes(data)
    done = run("tile", file, "-o", tmp_path / "out", "--jobs", "1", home=home_with_grid)
    assert done.returncode in (0, 1)
    assert "Traceback" not in done.stderr
    assert "fault in the program" not in done.stderr
    assert (tmp_path / "out").exists() == (done.returncode == 0)


def test_a_damaged_file_is_left_out_where_that_is_wished(home_with_grid: Path, tmp_path: Path) -> None:
    whole, broken = made(tmp_path / "a.laz"), content(tmp_path / "b.laz", b"LASF")
    report = tile(tmp_path / "out", whole, broken, "--skip-unreadable", home=home_with_grid)
    assert report["losses"] == {"POINTS_FILE_LOST": 1}
    assert report["points_out"] == 5000
    judge(tmp_path / "out" / "tileset.json")


def odd_values(path: Path) -> Path:
    """Return a cloud whose times and an extra dimension are no numbers."""
    las = laspy.read(made(path))
    las.add_extra_dim(laspy.ExtraBytesParams("height_above", "f4"))
    las.height_above = np.full(len(las.points), np.nan, np.float32)
    las.gps_time = np.full(len(las.points), np.nan)
    las.write(path)
    return path


def test_dimensions_that_were_asked_for_reach_the_tiles(
    shared_data: Path, home_with_grid: Path, tmp_path: Path
) -> None:
    file = shared_data / "pointclouds/ign/test_data_77055_627755_extra_dims.laz"
    names = ("gps_time", "scan_angle", "point_source_id")
    las = laspy.read(file)
    extra = next(iter(las.point_format.extra_dimension_names))
    options = [part for name in (*names, extra) for part in ("--dimension", name)]
    tile(tmp_path / "out", file, "--crs", LAMBERT, *options, home=home_with_grid)
    tileset = judge(tmp_path / "out" / "tileset.json")
    schema = json.loads((tmp_path / "out" / "schema.json").read_bytes())
    properties = schema["classes"]["point"]["properties"]
    for name in (*names, extra):
        shown = attribute(tileset, f"_{name.upper()}")[:, 0].astype(np.float64)
        origin = properties[name.upper()].get("extras", {}).get("origin", 0.0)
        expected = np.sort(np.asarray(las[name], np.float64))
        assert np.abs(np.sort(shown + origin) - expected).max() <= 2e-7 * max(expected[-1] - origin, 1.0), name


def test_heights_above_ground_are_those_above_the_agencys_terrain(
    shared_data: Path, home_with_grid: Path, tmp_path: Path
) -> None:
    """The terrain model of the same 50 m was made by others, from these and further points; 0.5 m a cell."""
    name = "test_data_77055_627760_LA93_IGN69"
    file = shared_data / f"pointclouds/ign_montpellier/{name}.laz"
    tile(tmp_path / "out", file, "--crs", LAMBERT, "--height-above-ground", home=home_with_grid)
    tileset = judge(tmp_path / "out" / "tileset.json")
    coded = attribute(tileset, "_HEIGHT_ABOVE_GROUND")[:, 0]
    # 3d-tiles-tools gives normalized numbers as they are stored.
    found = -50 + 3276.75 * (coded / 65_535)
    places = Georeference.create(parse_crs(LAMBERT), load_region()).from_ecef(ecef_of(tileset))
    with rasterio.open(shared_data / f"terrain/ign_montpellier/DTM_{name}_50CM.tif") as raster:
        terrain, to_cell = raster.read(1).astype(np.float64), ~raster.transform
        terrain[terrain == raster.nodata] = np.nan
    column, row = (np.floor(part).astype(int) for part in to_cell @ (places[:, 0], places[:, 1]))
    inside = (column >= 0) & (row >= 0) & (column < terrain.shape[1]) & (row < terrain.shape[0])
    expected = places[inside, 2] - terrain[row[inside], column[inside]]
    off = np.abs(found[inside] - expected)[~np.isnan(expected)]
    assert len(off) > 50_000
    assert np.median(off) <= 0.05
    assert np.percentile(off, 95) <= 0.3


def test_the_report_tells_of_when_the_points_are(home_with_grid: Path, tmp_path: Path) -> None:
    """By the year in the name, else by the day in the head; the newest counts, but not of a file without points."""
    days = {"a.laz": (64, 2021), "3dm_32_343_5674_1_nw_2020.laz": (1, 2024), "c.laz": (0, 0), "d.laz": (1, 2025)}
    for seed, (name, day) in enumerate(days.items(), 1):
        patched(made(tmp_path / name, 0 if name == "d.laz" else 500, seed=seed), 90, "<HH", *day)
    report = tile(tmp_path / "out", *(tmp_path / name for name in days), home=home_with_grid)
    assert report["data_date"] == "2021-03-05"
    told = {Path(file["name"]).name: file["date"] for file in report["point_files"]}
    assert told == {"a.laz": "2021-03-05", "3dm_32_343_5674_1_nw_2020.laz": "2020", "c.laz": "", "d.laz": "2025-01-01"}


def test_a_dimension_that_no_file_has_is_told_with_those_that_there_are(home_with_grid: Path, tmp_path: Path) -> None:
    cloud = made(tmp_path / "a.laz")
    done = run("tile", cloud, "-o", tmp_path / "out", "--dimension", "gps", "--quiet", home=home_with_grid)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"zwilling: {cloud}: has no dimension 'gps'; it has intensity, return_number,")
    assert "gps_time" in line
    assert not (tmp_path / "out").exists()


def test_a_file_without_the_dimension_is_told_and_its_points_have_none(home_with_grid: Path, tmp_path: Path) -> None:
    """Format 1 has times, format 2 has none."""
    files = made(tmp_path / "a.laz", layout=1), made(tmp_path / "b.laz", layout=2, seed=2)
    report = tile(tmp_path / "out", *files, "--dimension", "gps_time", home=home_with_grid)
    found = {(one["code"], one["severity"]) for one in report["findings"]}
    assert ("POINT_COLUMN_MISSING", "warning") in found
    schema = json.loads((tmp_path / "out" / "schema.json").read_bytes())
    gap = schema["classes"]["point"]["properties"]["GPS_TIME"]["noData"]
    shown = attribute(judge(tmp_path / "out" / "tileset.json"), "_GPS_TIME")[:, 0]
    assert np.count_nonzero(shown == np.float32(gap)) == 5000
    assert np.count_nonzero(shown == 0.0) == 5000


def one_place(path: Path) -> Path:
    las = laspy.read(made(path, 200_000))
    las.xyz = np.tile(NEUSS, (len(las.points), 1))
    las.write(path)
    return path


@pytest.mark.parametrize(
    ("make", "points"),
    [
        (lambda f: [odd_values(f / "a.laz")], 5000),
        (lambda f: [one_place(f / "a.laz")], 200_000),
        (
            lambda f: [made(f / "a.laz"), made(f / "b.laz", layout=1, seed=2), made(f / "c.las", layout=3, seed=3)],
            15_000,
        ),
        (lambda f: [made(f / "a.laz"), made(f / "b.laz", 0)], 5000),
    ],
    ids=["odd values", "one place", "several formats", "one without points"],
)
def test_odd_clouds_keep_all_their_points(
    make: Callable[[Path], Sequence[Path]], points: int, home_with_grid: Path, tmp_path: Path
) -> None:
    files = make(tmp_path)
    report = tile(tmp_path / "out", *files, home=home_with_grid)
    assert report["points_in"] == report["points_out"] == points
    tileset = judge(tmp_path / "out" / "tileset.json")
    way = Georeference.create(parse_crs("EPSG:25832+7837"), load_region())
    expected = np.concatenate([laspy.read(file).xyz for file in files])
    assert_same_places(tileset, way.to_ecef(expected), 0.02 + report["position_error"])


def test_files_of_several_systems_make_one_layer(home_with_grid: Path, tmp_path: Path) -> None:
    one = made(tmp_path / "a.laz", 3000)
    las = laspy.read(made(tmp_path / "b.laz", 2000, seed=2))
    ways = [Georeference.create(parse_crs(f"EPSG:{code}+7837"), load_region()) for code in (25832, 4647)]
    ecef = [ways[0].to_ecef(laspy.read(one).xyz), ways[0].to_ecef(las.xyz)]
    header = laspy.LasHeader(point_format=6, version="1.4")
    header.scales, header.offsets = np.full(3, 0.01), NEUSS + np.array([32e6, 0, 0])
    header.add_crs(pyproj.CRS("EPSG:4647+7837"))
    other = laspy.LasData(header)
    other.xyz = ways[1].from_ecef(ecef[1])
    other.write(tmp_path / "b.laz")
    report = tile(tmp_path / "out", one, tmp_path / "b.laz", home=home_with_grid)
    assert report["crs"] == ["EPSG:25832+7837"]
    assert "POINTS_OTHER_CRS" in {finding["code"] for finding in report["findings"]}
    assert_same_places(judge(tmp_path / "out" / "tileset.json"), np.concatenate(ecef), 0.02)


def test_check_tells_statistics_and_findings(shared_data: Path, home_with_grid: Path) -> None:
    cloud = next(cloud for cloud in CLOUDS if "lone-star" in cloud.path)
    done = run("check", shared_data / "pointclouds" / cloud.path, "--crs", cloud.crs, "--json", home=home_with_grid)
    assert done.returncode == 0, done.stderr
    ((source,), findings) = (json.loads(done.stdout)[key] for key in ("sources", "findings"))
    assert source["kind"] == "point cloud"
    told = source["statistics"]
    assert (told["points"], told["promised"], told["classes"]) == (518862, 518862, {"0": 518862})
    assert (told["packing"], told["version"], told["format"]) == ("COPC", "LAS 1.4", 6)
    assert told["octree_levels"] >= 3
    np.testing.assert_allclose(told["low"], [515368.6, 4918340.36, 2322.9], atol=0.01)
    np.testing.assert_allclose(told["high"], [515401.04, 4918381.12, 2338.58], atol=0.01)
    assert {finding["severity"] for finding in findings} <= {"info", "warning"}


def test_check_of_a_damaged_file_says_what_is_wrong(home_with_grid: Path, tmp_path: Path) -> None:
    done = run("check", cut(made(tmp_path / "a.laz", 100_000)), home=home_with_grid)
    assert done.returncode == 1
    assert done.stderr.startswith(f"zwilling: {tmp_path / 'a.laz'}: ")
    assert len(done.stderr.splitlines()) == 1


SETTINGS = """
[[layer]]
id = "laserpunkte"
title = "Laserpunkte"
kind = "points"
sources = ["*.laz"]
drop_classes = [26]
memory = "1 GB"
"""


@dataclass(frozen=True, slots=True)
class Twin:
    """A twin of one point cloud."""

    folder: Path
    home: Path

    @property
    def layer(self) -> Path:
        return self.folder / "data/layers/laserpunkte"

    @property
    def version(self) -> Path:
        return self.layer / str(json.loads((self.layer / "layer.json").read_bytes())["version"])

    def build(self) -> None:
        zwilling("build", self.folder / "zwilling.toml", "--jobs", "2", home=self.home)

    def half_built(self) -> list[Path]:
        return list(self.layer.glob(".*.part/.scratch/*"))


@pytest.fixture
def twin(home_with_grid: Path, tmp_path: Path) -> Twin:
    (tmp_path / "zwilling.toml").write_text(SETTINGS, encoding="utf-8")
    made(tmp_path / "a.laz", 1000)
    return Twin(tmp_path, home_with_grid)


def test_a_layer_is_built_once_and_anew_when_a_file_changes(twin: Twin) -> None:
    twin.build()
    first = twin.version
    stamp = (first / "tileset.json").stat().st_mtime_ns
    assert "Rauschen" not in (first / "report.html").read_text(encoding="utf-8")
    assert "Boden" in (first / "report.html").read_text(encoding="utf-8")
    twin.build()
    assert twin.version == first
    assert (first / "tileset.json").stat().st_mtime_ns == stamp
    made(twin.folder / "b.laz", 1000, seed=2)
    twin.build()
    assert twin.version != first
    judge(twin.version / "tileset.json")


def test_a_build_that_was_killed_is_cleaned_up_and_the_next_one_makes_the_same(twin: Twin, tmp_path: Path) -> None:
    twin.build()
    old = twin.version
    made(twin.folder / "a.laz", 2_000_000)
    process = subprocess.Popen(
        [sys.executable, "-m", "zwilling", "build", str(twin.folder / "zwilling.toml"), "--jobs", "2", "--quiet"],
        env={**os.environ, "XDG_DATA_HOME": str(twin.home), "PROJ_NETWORK": "OFF"},
        start_new_session=True,
    )
    while process.poll() is None and not twin.half_built():
        pass
    process.kill()
    process.wait()
    assert twin.half_built(), "the build was over before it was killed"
    assert twin.version == old
    judge(old / "tileset.json")

    twin.build()
    new = twin.version
    assert new != old
    assert twin.half_built() == []
    assert [path for path in twin.layer.iterdir() if path.name.endswith(".part")] == []
    again = contents(new)
    shutil.rmtree(twin.layer)
    twin.build()
    assert twin.version == new
    own = {"report.json", "report.html"}
    fresh = contents(new)
    assert {name for name in fresh if fresh[name] != again.get(name)} <= own
    assert fresh.keys() == again.keys()
