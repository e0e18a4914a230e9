"""Bad input: an error or a finding with the file, the place and what to do; never a spike."""

from __future__ import annotations

import gzip
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from orthophotos.heights import open_heights
from tests.orthophotos.terrain_files import (
    NORTH,
    REGION,
    WEST,
    ascii_grid,
    ascii_text,
    codes,
    float32,
    surface,
    tiff,
    xyz,
)
from zwilling.crs.plane import transformed
from zwilling.errors import SourceError, UnknownCRSError, ZwillingError
from zwilling.rasters import Rectangle

GRID = 50 + np.add.outer(np.arange(30.0), np.arange(30.0)) / 10
CENTRES = np.stack(np.meshgrid(WEST + np.arange(30) + 0.5, NORTH - np.arange(30) - 0.5), axis=-1).reshape(-1, 2)


def refused(path: Path, crs: str | None = None) -> ZwillingError:
    """Return the error that ends the reading, with the file's name and a remedy."""
    with pytest.raises(ZwillingError) as caught:
        surface([path], path.parent / "scratch", crs)
    assert path.name in str(caught.value)
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize("sign", [-9999, -32768, 1e20, 3.4028235e38, -3.4028235e38, float("inf"), 0, 99999])
@pytest.mark.parametrize("declared", [True, False])
def test_what_stands_for_no_height_is_never_a_height(tmp_path: Path, sign: float, declared: bool) -> None:
    grid = GRID.astype(np.float32)
    grid[10:12, 10:13] = sign
    grid[5, 5] = np.nan
    path = tiff(tmp_path / "a.tif", grid, WEST, NORTH, 1.0, nodata=sign if declared else None)
    terrain, issues = surface([path], tmp_path)
    random = np.random.default_rng(1).uniform((WEST, NORTH - 30), (WEST + 30, NORTH), (20_000, 2))
    heights = terrain.at(random, tmp_path)
    assert heights.min() >= 50 - 1e-6
    assert heights.max() <= GRID.max() + 1e-4
    # The gaps lie on a plane, and are closed by it.
    np.testing.assert_allclose(terrain.at(CENTRES, tmp_path), GRID.ravel(), atol=0.02)
    told = codes(issues) - {"HEIGHT_SYSTEM_ASSUMED"}
    assert told == {"HEIGHTS_GAPS_FILLED"} | (set() if declared else {"HEIGHTS_NODATA_UNDECLARED"})
    gaps = next(issue for issue in issues if issue.code == "HEIGHTS_GAPS_FILLED")
    assert gaps.message == "2 gaps of 7 m² together were closed from their rims"


def test_zero_is_a_height_on_the_coast(tmp_path: Path) -> None:
    grid = (np.add.outer(np.arange(30), np.arange(30)) / 10 - 2).astype(np.float32)
    terrain, issues = surface([tiff(tmp_path / "a.tif", grid, WEST, NORTH, 1.0)], tmp_path)
    assert codes(issues) == {"HEIGHT_SYSTEM_ASSUMED"}
    np.testing.assert_allclose(terrain.at(CENTRES, tmp_path), grid.ravel(), atol=1e-6)


def test_impossible_heights_are_left_out_and_told(tmp_path: Path) -> None:
    grid = GRID.astype(np.float32)
    grid[3, 4] = 12345.5
    terrain, issues = surface([tiff(tmp_path / "a.tif", grid, WEST, NORTH, 1.0)], tmp_path)
    told = next(issue for issue in issues if issue.code == "HEIGHTS_IMPOSSIBLE")
    assert told.where == f"{WEST + 4.5:.2f}, {NORTH - 3.5:.2f}"
    assert "such as 12345.5 m" in told.message
    assert terrain.at(CENTRES, tmp_path).max() <= GRID.max() + 1e-4


def test_a_file_without_any_height_is_told(tmp_path: Path) -> None:
    path = tiff(tmp_path / "a.tif", np.full((9, 9), -9999, np.float32), WEST, NORTH, 1.0, nodata=-9999)
    terrain, issues = surface([path], tmp_path)
    assert "HEIGHTS_MISSING" in codes(issues)
    assert np.isnan(terrain.at(np.array([[WEST + 4, NORTH - 4]]), tmp_path)).all()


def test_large_gaps_stay_and_small_ones_at_the_border_are_closed(tmp_path: Path) -> None:
    grid = np.full((400, 400), 60, np.float32)
    grid[20:380, 20:380] = np.nan  # 129,600 m²
    grid[0:5, 100:110] = np.nan
    grid[395:, :] = np.nan  # 2,000 m² of which one side is unknown
    terrain, issues = surface([tiff(tmp_path / "a.tif", grid, WEST, NORTH, 1.0)], tmp_path)
    places = np.array([[WEST + 200, NORTH - 200], [WEST + 105, NORTH - 2], [WEST + 50, NORTH - 398]])
    np.testing.assert_array_equal(terrain.at(places, tmp_path), [np.nan, 60, np.nan])
    messages = {issue.code: issue.message for issue in issues}
    assert messages["HEIGHTS_INCOMPLETE"] == "131600 of 160000 cells (131600 m²) have no height"
    assert messages["HEIGHTS_GAPS_FILLED"].startswith("1 gaps of 50 m²")


def test_the_newest_file_is_seen_but_its_gaps_are_not(tmp_path: Path) -> None:
    old, new = np.full((20, 20), 50, np.float32), np.full((20, 20), 70, np.float32)
    new[5:8, 5:8] = np.nan
    for number, names in enumerate((("dgm_2019.tif", "dgm_2023.tif"), ("z_2019.tif", "a_2023.tif"))):
        folder = tmp_path / str(number)
        folder.mkdir()
        paths = [tiff(folder / names[0], old, WEST, NORTH, 1.0), tiff(folder / names[1], new, WEST, NORTH, 1.0)]
        terrain, _ = surface(paths[::-1], folder)
        assert [file.date for file in terrain.files] == ["2019", "2023"]
        places = np.array([[WEST + 15, NORTH - 15], [WEST + 6.5, NORTH - 6.5]])
        assert terrain.at(places, folder).tolist() == [70, 50]


def test_scales_units_and_feet(tmp_path: Path) -> None:
    numbers = np.full((9, 9), 1000, np.int16)
    place = np.array([[WEST + 4, NORTH - 4]])
    feet = "EPSG:25832+8228"  # NAVD88 height (ft)
    for number, (crs, unit, factor, full) in enumerate(
        [
            ("EPSG:25832", "cm", 0.01, "EPSG:25832+7837"),
            ("EPSG:25832+7837", "", 1.0, "EPSG:25832+7837"),
            (feet, "", 0.3048, "EPSG:25832+5703"),
            (feet, "ft", 0.3048, "EPSG:25832+5703"),
        ]
    ):
        scratch = tmp_path / str(number)
        path = tiff(tmp_path / f"{number}.tif", numbers, WEST, NORTH, 1.0, crs=crs)
        if unit:
            with rasterio.open(path, "r+") as out:
                out.units = (unit,)
        terrain, issues = surface([path], scratch)
        assert terrain.full_crs == full
        assert terrain.at(place, scratch)[0] == pytest.approx(1000 * factor, rel=1e-6)
        assert ("HEIGHT_SYSTEM_ASSUMED" in codes(issues)) == ("+" not in crs)


def test_two_height_systems_are_refused(tmp_path: Path) -> None:
    for name, crs in (("a", "EPSG:25832+7837"), ("b", "EPSG:25832+5783")):
        tiff(tmp_path / f"{name}.tif", GRID.astype(np.float32), WEST, NORTH, 1.0, crs=crs)
    with pytest.raises(SourceError, match=r"b\.tif: has heights in EPSG:5783, but .*a\.tif in EPSG:7837"):
        open_heights([tmp_path / "a.tif", tmp_path / "b.tif"], crs=None, region=REGION)


def test_ellipsoidal_heights_are_taken_as_such(tmp_path: Path) -> None:
    own = tiff(tmp_path / "a.tif", GRID.astype(np.float32), 6.75, 51.2, 1e-5, crs="EPSG:4937")
    terrain = open_heights([own], crs=None, region=REGION)
    assert (terrain.full_crs, terrain.issues) == ("EPSG:25832+ellipsoidal", ())
    told = tiff(tmp_path / "b.tif", GRID.astype(np.float32), WEST, NORTH, 1.0, crs="EPSG:25832")
    said = open_heights([told], crs="EPSG:25832+ellipsoidal", region=REGION)
    assert (said.full_crs, said.issues) == ("EPSG:25832+ellipsoidal", ())
    assert said.files[0].fingerprint != open_heights([told], crs="EPSG:25832", region=REGION).files[0].fingerprint


def test_ellipsoidal_heights_beside_others_are_refused(tmp_path: Path) -> None:
    tiff(tmp_path / "a.tif", GRID.astype(np.float32), WEST, NORTH, 1.0, crs="EPSG:25832+7837")
    tiff(tmp_path / "b.tif", GRID.astype(np.float32), 6.75, 51.2, 1e-5, crs="EPSG:4937")
    with pytest.raises(SourceError, match=r"b\.tif: has heights above the ellipsoid, but .*a\.tif in EPSG:7837"):
        open_heights([tmp_path / "a.tif", tmp_path / "b.tif"], crs=None, region=REGION)


def test_a_missing_crs_is_that_of_the_region_and_a_prj_is_read(tmp_path: Path) -> None:
    path = xyz(tmp_path / "a", GRID, WEST, NORTH, 1.0)
    terrain, issues = surface([path], tmp_path)
    assert terrain.crs == "EPSG:25832"
    assert "HEIGHTS_CRS_ASSUMED" in codes(issues)
    path.with_suffix(".prj").write_text(
        'PROJCS["ETRS_1989_UTM_Zone_31N",GEOGCS["GCS_ETRS_1989",DATUM["D_ETRS_1989",'
        'SPHEROID["GRS_1980",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],'
        'PROJECTION["Transverse_Mercator"],PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],'
        'PARAMETER["Central_Meridian",3.0],PARAMETER["Scale_Factor",0.9996],PARAMETER["Latitude_Of_Origin",0.0],'
        'UNIT["Meter",1.0]]'
    )
    terrain, issues = surface([path], tmp_path)
    assert terrain.crs == "EPSG:25831"
    assert codes(issues) == {"HEIGHT_SYSTEM_ASSUMED", "HEIGHTS_OUTSIDE_REGION"}
    path.with_suffix(".prj").write_text("nonsense")
    assert ".prj" in str(refused(path))


def test_metres_of_a_web_map_are_no_grid_to_measure_in(tmp_path: Path) -> None:
    corner = transformed(np.array([[WEST, NORTH]]), "EPSG:25832", "EPSG:3857")[0]
    path = tiff(tmp_path / "web.tif", GRID.astype(np.float32), float(corner[0]), float(corner[1]), 1.6, crs="EPSG:3857")
    terrain, _ = surface([path], tmp_path)
    assert terrain.crs == "EPSG:25832"
    assert terrain.resolution == pytest.approx(1.6 * np.cos(np.radians(51.2)), rel=0.01)


def test_swapped_axes_and_a_wrong_crs_are_told(tmp_path: Path) -> None:
    swapped = tmp_path / "swapped.xyz"
    swapped.write_text("".join(f"{NORTH + i} {WEST + j} 50\n" for i in range(5) for j in range(5)))
    assert "x and y are swapped" in str(refused(swapped))
    assert "outside the area of" in str(refused(xyz(tmp_path / "far", GRID, WEST, NORTH, 1.0), "EPSG:4326"))
    with pytest.raises(UnknownCRSError):
        open_heights([tmp_path / "far.xyz"], crs="EPSG:999999", region=REGION)


def test_files_that_are_something_else(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_text('<VRTDataset rasterXSize="9" rasterYSize="9"><SimpleSource>/etc/passwd</SimpleSource></VRTDataset>')
    assert "VRTDataset" in str(refused(path))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    assert "picture" in str(refused(path))
    path.write_bytes(b"")
    refused(path)
    path.write_text("Sehr geehrte Damen und Herren,\nanbei das Gelände.\n")
    refused(path)
    rgb = np.zeros((3, 9, 9), np.uint8)
    with rasterio.open(path, "w", driver="GTiff", width=9, height=9, count=3, dtype="uint8", crs="EPSG:25832",
                       transform=Affine(1, 0, WEST, 0, -1, NORTH)) as out:  # fmt: skip
        out.write(rgb)
    assert "picture" in str(refused(path))
    assert "no such file" in str(refused(tmp_path / "absent.tif"))


def test_a_cut_off_or_lying_tiff_is_refused(tmp_path: Path) -> None:
    whole = float32(tmp_path / "whole", np.random.default_rng(1).uniform(50, 60, (200, 200)), WEST, NORTH, 1.0)
    content = whole.read_bytes()
    cut = tmp_path / "cut.tif"
    cut.write_bytes(content[: len(content) // 2])
    refused(cut)
    packed = tmp_path / "cut.tif.gz"
    packed.write_bytes(gzip.compress(content[: len(content) // 2]))
    assert str(refused(packed)).startswith(f"{packed}: is cut off"), "and not the name that it was unpacked to"
    # Tag 256 (ImageWidth) says a hundred million.
    lying = bytearray(content)
    at = content.index(struct.pack("<HHI", 256, 3, 1))
    lying[at : at + 12] = struct.pack("<HHII", 256, 4, 1, 100_000_000)
    cut.write_bytes(bytes(lying))
    refused(cut)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda text: text[: len(text) // 2], "cut off"),
        (lambda text: text + "1 2 3\n", "903 heights"),
        (lambda text: text.replace("nrows 30", "nrows 3000000"), "its head claims"),
        (lambda text: text.replace("nrows 30", "nrows -3"), "does not name"),
        (lambda text: text.replace("nrows 30", "nrows x"), "'x' is not a number"),
        (lambda text: text.replace("cellsize 1.0\n", ""), "does not name"),
        (lambda text: text.replace("51.0000", "5x.0000", 1), "'5x.0000' is not a number"),
    ],
)
def test_a_ragged_ascii_grid_is_refused(tmp_path: Path, spoil: object, says: str) -> None:
    path = ascii_grid(tmp_path / "a", GRID, WEST, NORTH, 1.0)
    assert callable(spoil)
    path.write_text(spoil(path.read_text()))
    assert says in str(refused(path))


def test_ascii_grids_with_wrapped_rows_and_nan_words_are_read(tmp_path: Path) -> None:
    path = ascii_grid(tmp_path / "a", GRID, WEST, NORTH, 1.0)
    head, body = path.read_text().split("-9999\n", 1)
    path.write_text(head + "-9999\n" + body.replace(" ", "\n").replace("50.5000", "nan", 1))
    terrain, _ = surface([path], tmp_path)
    np.testing.assert_allclose(terrain.at(CENTRES, tmp_path), GRID.ravel(), atol=0.06)


def test_bad_rows_of_xyz_are_named_by_line(tmp_path: Path) -> None:
    path = xyz(tmp_path / "a", GRID, WEST, NORTH, 1.0)
    lines = path.read_text().splitlines()
    for number, (line, says) in enumerate([("343000.5 x 50", "line 501"), ("343000.5 50", "line 501: has 2 numbers"),
                                           ("nan nan 50", "line 501: names no place")]):  # fmt: skip
        path = tmp_path / f"{number}.xyz"
        path.write_text("\n".join([*lines[:500], line, *lines[501:]]))
        assert says in str(refused(path))
    path.write_text("".join(f"{WEST + x} {NORTH + y} 1\n" for x, y in np.random.default_rng(1).uniform(0, 99, (99, 2))))
    assert "no grid" in str(refused(path))
    path.write_text(f"{WEST} {NORTH} 1\n{WEST + 1} {NORTH} 1\n{WEST + 10**9} {NORTH + 10**9} 1\n")
    assert "strewn over" in str(refused(path))


def test_a_point_beside_the_grid_is_left_out_and_told(tmp_path: Path) -> None:
    # First and last row, and the number of rows, are those of a whole grid; one row between is not.
    path = xyz(tmp_path / "a", np.full((300, 300), 50.0), WEST, NORTH, 1.0)
    lines = path.read_text().splitlines()
    lines[45_000] = f"{WEST - 7} {NORTH} 99"
    path.write_text("\n".join(lines))
    terrain, issues = surface([path], tmp_path)
    assert terrain.files[0].covers == Rectangle(WEST, NORTH - 300, WEST + 300, NORTH)
    told = next(issue for issue in issues if issue.code == "HEIGHTS_BESIDE_GRID")
    assert told.message == "1 rows name places beside the grid of all others; left out"
    heights = terrain.at(np.array([[WEST + 20, NORTH - 20]]), tmp_path)
    assert heights.tolist() == [50]


def test_archives_that_exhaust_or_lead_out_are_refused(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.xyz", "w") as entry:
        for _ in range(64):
            entry.write(b"343000.5 5673970.5 50\n" * 50_000)
    assert "unpacks to" in str(refused(bomb))
    out = tmp_path / "out.zip"
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("../a.asc", ascii_text(GRID, WEST, NORTH, 1.0))
    assert "leads out" in str(refused(out))
    packed = tmp_path / "a.xyz.gz"
    packed.write_bytes(gzip.compress(b"343000.5 5673970.5 50\n" * 3_000_000))
    assert "unpacks to more than" in str(refused(packed))
    packed.write_bytes(gzip.compress(xyz(tmp_path / "x", GRID, WEST, NORTH, 1.0).read_bytes())[:-400])
    assert "archive is broken" in str(refused(packed))
    nested = tmp_path / "nested.zip"
    with zipfile.ZipFile(nested, "w") as archive:
        archive.write(packed, "a.xyz.gz")
    assert "archive in an archive" in str(refused(nested))
    with zipfile.ZipFile(nested, "w") as archive:
        archive.writestr("readme.txt", "nothing")
    assert "no terrain model" in str(refused(nested))
    lying = bytearray(out.read_bytes())
    lying[-10:-6] = b"\xff\xff\xff\x7f"
    out.write_bytes(bytes(lying))
    refused(out)


def test_archives_as_other_systems_write_them_are_read(tmp_path: Path) -> None:
    rows = "".join(f"{WEST + column} {NORTH - row} 40\n" for row in range(3) for column in range(3))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a/dgm1.xyz", rows)
        archive.writestr("__MACOSX/a/._dgm1.xyz", b"\0\5\x16\7\0\2\0\0Mac OS X")
        archive.writestr("metadata.xml", "<x/>")
    assert [file.name for file in open_heights([tmp_path / "a.zip"], crs=None, region=REGION).files] == [
        f"{tmp_path / 'a.zip'}/a/dgm1.xyz"
    ]
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("dop.jpg", b"\xff\xd8\xff")
    with pytest.raises(SourceError, match="holds pictures, which are not read from archives; unpack it"):
        open_heights([tmp_path / "b.zip"], crs=None, region=REGION)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"343000 5674000 4_0.0\n343001 5674000 4\n", "line 1: is not numbers: '343000 5674000 4_0.0'"),
        (b"343000 5674000 4\n343001 5674000 4\n\0\0\0", "begins as text with heights does, and goes on as none"),
        (b"343000 5674000 4\n343001 5674001 4\n1e300 1e300 4\n", "has 3 places strewn over 1e.300 x 1e.300 cells"),
        (b"<!DOCTYPE html><html>", "is a web page and no raster"),
        (b" \n \n", "holds only zeros or blanks"),
    ],
)
def test_what_is_wrong_is_said_in_few_words(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "a.xyz").write_bytes(content)
    with pytest.raises(SourceError, match=says):
        open_heights([tmp_path / "a.xyz"], crs=None, region=REGION)


@pytest.mark.parametrize(
    "head",
    [
        "nrows 2\nncols 2\nxllcorner 343000\nyllcorner 5674000\ncellsize 1\n",
        "\ufeffncols 2\nnrows 2\nxllcorner 343000\nyllcorner 5674000\ncellsize 1\n",
        "\n  NCOLS 2\nnrows 2\nXLLCENTER 343000,5\nyllcenter 5674000,5\ndx 1\ndy 1\n",
    ],
)
def test_the_head_of_an_ascii_grid_in_any_order(head: str, tmp_path: Path) -> None:
    (tmp_path / "a.asc").write_text(f"{head}1 2\n3 4\n", encoding="utf-8")
    terrain = open_heights([tmp_path / "a.asc"], crs=None, region=REGION)
    assert terrain.decode(0, 0, tmp_path) == ()
    assert terrain.files[0].covers == Rectangle(343000, 5674000, 343002, 5674002)
    places = np.array([[343000.5, 5674001.5], [343001.5, 5674001.5], [343000.5, 5674000.5], [343001.5, 5674000.5]])
    assert terrain.at(places, tmp_path).tolist() == [1, 2, 3, 4]


def test_a_zone_before_the_easting_is_seen(tmp_path: Path) -> None:
    rows = "".join(f"32{WEST + column} {NORTH - row} 40\n" for row in range(3) for column in range(3))
    (tmp_path / "a.xyz").write_text(rows)
    with pytest.raises(
        SourceError, match=r"begins at 32343000, 5674000, which .*; pass --crs EPSG:4647, with which it"
    ):
        open_heights([tmp_path / "a.xyz"], crs=None, region=REGION)
