"""The real terrain files: against values taken by hand, and against GDAL's own reader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.warp import transform as warped

from tests.orthophotos.terrain_files import codes, surface
from zwilling.rasters import Rectangle

IGN = "ign_montpellier/{}_test_data_77055_627760_LA93_IGN69_50CM.tif"
FILES = [
    (IGN.format("DTM"), None), (IGN.format("DSM"), None), (IGN.format("DHM"), None),
    ("rmnp/rmnp-dem.tif", None),
    ("xyz/pdal_data.xyz", "EPSG:26711"), ("xyz/ign_DTM_77055_627760_dgm1style.xyz", "EPSG:2154"),
    ("asc/ign_DTM_77055_627760.asc", "EPSG:2154"),
]  # fmt: skip


def test_every_file_is_listed(shared_data: Path) -> None:
    folder = shared_data / "terrain"
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert found == {name for name, _ in FILES}


@pytest.mark.parametrize(("name", "crs"), FILES)
def test_every_cell_is_as_gdal_reads_it(shared_data: Path, tmp_path: Path, name: str, crs: str | None) -> None:
    path = shared_data / "terrain" / name
    terrain, _ = surface([path], tmp_path, crs)
    with rasterio.open(path) as dataset:
        heights: NDArray[np.float64] = dataset.read(1, masked=True).astype(np.float64).filled(np.nan)
        if name.endswith("dgm1style.xyz"):
            heights[heights == 0] = np.nan  # GDAL's XYZ driver puts 0 where no row is
        rows, columns = np.indices(heights.shape)
        affine, own = dataset.transform, dataset.crs
    x = affine.c + affine.a * (columns.ravel() + 0.5)
    y = affine.f + affine.e * (rows.ravel() + 0.5)
    if own is not None and own.is_geographic:
        x, y = (np.array(axis) for axis in warped(own, terrain.crs, x, y))
    found = terrain.at(np.stack((x, y), axis=1), tmp_path).reshape(heights.shape)
    known = np.isfinite(heights)
    assert known.sum() > 0.99 * known.size
    # Places that go through another CRS and back come out a micrometre aside.
    np.testing.assert_allclose(found[known], heights[known], rtol=0, atol=1e-4 if "rmnp" in name else 1e-5)
    assert np.isfinite(found).all()
    assert np.abs(found[~known] - np.median(heights[known])).max(initial=0) < np.ptp(heights[known])


def test_hand_computed_heights_of_an_xyz_file(shared_data: Path, tmp_path: Path) -> None:
    # Its first rows: 440750 3751290 107 / 440810 3751290 123 / 440870 3751290 132; the next row of the grid
    # lies 60 m south and begins with 115, 132.
    path = shared_data / "terrain" / "xyz" / "pdal_data.xyz"
    rows = np.loadtxt(path)
    below = {x: z for x, y, z in rows if y == 3751230}
    terrain, issues = surface([path], tmp_path, "EPSG:26711+5703")
    places = np.array([[440750, 3751290], [440780, 3751290], [440855, 3751290], [440780, 3751260], [440720, 3751320]])
    middle = (107 + 123 + below[440750] + below[440810]) / 4
    assert terrain.at(places, tmp_path).tolist() == pytest.approx([107, 115, 0.25 * 123 + 0.75 * 132, middle, 107])
    assert terrain.full_crs == "EPSG:26711+5703"
    assert terrain.files[0].covers == Rectangle(440720, 3750120, 441920, 3751320)
    assert codes(issues) == {"HEIGHTS_OUTSIDE_REGION"}


def test_the_three_forms_of_one_terrain_agree(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "terrain"
    places = np.random.default_rng(2).uniform((770551, 6277551), (770598, 6277598), (3000, 2))
    found = []
    for number, name in enumerate((IGN.format("DTM"), "asc/ign_DTM_77055_627760.asc", FILES[5][0])):
        scratch = tmp_path / str(number)
        terrain, issues = surface([folder / name], scratch, "EPSG:2154")
        assert codes(issues) == {"HEIGHT_SYSTEM_ASSUMED", "HEIGHTS_OUTSIDE_REGION", "HEIGHTS_GAPS_FILLED"}
        found.append(terrain.at(places, scratch))
    np.testing.assert_allclose(found[1], found[0], rtol=0, atol=1e-6)
    np.testing.assert_allclose(found[2], found[0], rtol=0, atol=0.00501)  # written with centimetres


def test_degrees_are_read_in_the_utm_zone(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "terrain" / "rmnp" / "rmnp-dem.tif"
    terrain, _ = surface([path], tmp_path)
    assert terrain.crs == "EPSG:32613"
    # Cells are 0.00275° of longitude wide (233.5 m at 40.35° N) and 0.00211° of latitude high (234.3 m).
    assert terrain.resolution == pytest.approx(0.00275 * 111_320 * np.cos(np.radians(40.356)), rel=3e-3)
    # By hand: a place a quarter of the way from the centre of cell (100, 50) to (100, 51), through rasterio's PROJ.
    with rasterio.open(path) as dataset:
        numbers, affine = dataset.read(1), dataset.transform
    lon, lat = affine.c + affine.a * 50.75, affine.f + affine.e * 100.5
    x, y = warped("EPSG:4326", "EPSG:32613", [lon], [lat])
    expected = 0.75 * float(numbers[100, 50]) + 0.25 * float(numbers[100, 51])
    assert terrain.at(np.array([[x[0], y[0]]]), tmp_path)[0] == pytest.approx(expected, abs=1e-3)
