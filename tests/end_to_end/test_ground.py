"""Real orthophotos and terrain, from files to judged tiles; heights and colours held against rasterio's own reading."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from PIL import Image
from rasterio.transform import from_origin

from orthophotos.heights import open_heights
from orthophotos.pictures import open_pictures
from tests.judges import judge
from tests.tiler.terrain.mosaics import SOUTH, WEST, fields, hills
from tests.tiler.terrain.test_build import flat_triangles, places_on
from tiler.target import replacing
from tiler.terrain.build import GroundOptions, GroundResult, tile_ground
from tiler.terrain.ground import Ground
from tiler.terrain.texture import extract
from zwilling.crs import Georeference, parse_crs
from zwilling.rasters import Pictures
from zwilling.region import load_region

REGION = load_region()
# rasterio's own way of writing a position.
pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")


def build(ground: Ground, folder: Path, jobs: int = 1) -> GroundResult:
    with replacing(folder) as target:
        return tile_ground(ground, target, GroundOptions(jobs=jobs, copyright_lines=("© Quelle",)))


def flat(content: Any, crs: str) -> NDArray[np.float64]:
    """Return the corners of a tile's triangles in the grid CRS, without skirts."""
    return flat_triangles(content.primitives[0], Georeference.create(parse_crs(crs), REGION))


def opened(picture: Path, terrain: Path | None, horizontal: str = "") -> Ground:
    """Return the ground of one picture and one terrain file, whose heights are taken as ellipsoidal."""
    pictures: Pictures = open_pictures([picture])
    crs = f"{pictures.crs}+ellipsoidal"
    heights = None
    if terrain is not None:
        heights = open_heights([terrain], crs=f"{horizontal}+ellipsoidal", region=REGION, into=pictures.crs)
    return Ground(pictures, heights, 100.0, crs, REGION)


@pytest.mark.parametrize(
    ("picture", "terrain", "horizontal"),
    [
        (
            "ign_montpellier/test_data_rgb.tif",
            "ign_montpellier/DTM_test_data_77055_627760_LA93_IGN69_50CM.tif",
            "EPSG:2154",
        ),
        ("rmnp/rmnp-rgb.tif", "rmnp/rmnp-dem.tif", "EPSG:4326"),
    ],
)
def test_real_pictures_over_real_terrain(
    shared_data: Path, tmp_path: Path, picture: str, terrain: str, horizontal: str
) -> None:
    dem = shared_data / "terrain" / terrain
    ground = opened(shared_data / "orthophotos" / picture, dem, horizontal)
    result = build(ground, tmp_path / "out")
    tileset = judge(tmp_path / "out" / "tileset.json")
    assert result.textured_tiles > 0
    assert result.extent.high - result.extent.low < 3000
    with rasterio.open(dem) as dataset:
        assert ground.heights is not None
        same = horizontal == ground.heights.crs
        heights, bounds, transform, nodata = dataset.read(1), dataset.bounds, dataset.transform, dataset.nodata
    known = heights[np.isfinite(heights) & (heights != nodata)] if nodata is not None else heights
    stated = {tile.uri: tile.vertical_error for tile in result.tile_facts}
    random = np.random.default_rng(3)
    margin = 2 * transform.a
    places = np.column_stack(
        [
            random.uniform(bounds.left + margin, bounds.right - margin, 10_000),
            random.uniform(bounds.bottom + margin, bounds.top - margin, 10_000),
        ]
    )
    column, row = (places[:, 0] - bounds.left) / transform.a - 0.5, (bounds.top - places[:, 1]) / -transform.e - 0.5
    c, r = column.astype(int), row.astype(int)
    x, y = column - c, row - r
    four = np.stack([heights[r, c], heights[r, c + 1], heights[r + 1, c], heights[r + 1, c + 1]]).astype(float)
    good = np.isfinite(four).all(axis=0) & ((four != nodata).all(axis=0) if nodata is not None else True)
    true = (four[0] * (1 - x) + four[1] * x) * (1 - y) + (four[2] * (1 - x) + four[3] * x) * y
    compared = 0
    for content in tileset.contents:
        triangles = flat(content, ground.crs)
        assert triangles[..., 2].min() > known.min() - stated[content.uri] - 1
        assert triangles[..., 2].max() < known.max() + stated[content.uri] + 1
        if content.is_leaf and same:  # what is warped on the way is held against its source in tests/orthophotos
            found = places_on(triangles, places)
            here = np.isfinite(found) & good
            # Stated is what was measured in the middle of each cell.
            assert np.abs(found - true)[here].max(initial=0) <= 1.2 * stated[content.uri] + 0.01, content.uri
            compared += int(here.sum())
    assert compared > 5_000 or not same


@pytest.mark.parametrize(
    "name",
    ["colorado/hro_rgb.tif", "colorado/hro_rgba.tif", "korea/cogeo.tif", "neon/OSBS_029.tif", "jpeg2000/goodstuff.j2k"],
)
def test_real_pictures_on_a_plane(shared_data: Path, tmp_path: Path, name: str) -> None:
    if name.endswith(".j2k"):
        from zwilling.errors import ZwillingError

        with pytest.raises(ZwillingError):
            opened(shared_data / "orthophotos" / name, None)
        return
    ground = opened(shared_data / "orthophotos" / name, None)
    result = build(ground, tmp_path / "out")
    judge(tmp_path / "out" / "tileset.json")
    assert result.textured_tiles == result.tiles


@pytest.fixture(scope="module")
def neuss(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Write a picture and a terrain model as the state delivers them: pixels of 20 cm, terrain of 1 m."""
    folder = tmp_path_factory.mktemp("neuss")
    north = SOUTH + 300
    east, up = np.meshgrid(WEST + (np.arange(1500) + 0.5) * 0.2, north - (np.arange(1500) + 0.5) * 0.2)
    dop, dgm = folder / "dop20rgb_32_344_5673_1_nw_2024.tif", folder / "dgm1_32_344_5673_1_nw_2024.tif"
    profile = {"driver": "GTiff", "crs": "EPSG:25832", "width": 1500, "height": 1500, "count": 3, "dtype": "uint8"}
    with rasterio.open(dop, "w", **profile, transform=from_origin(WEST, north, 0.2, 0.2)) as dataset:
        dataset.write(fields(east, up).transpose(2, 0, 1))
    east, up = np.meshgrid(WEST + np.arange(300) + 0.5, north - np.arange(300) - 0.5)
    profile |= {"width": 300, "height": 300, "count": 1, "dtype": "float32", "nodata": -9999}
    with rasterio.open(dgm, "w", **profile, transform=from_origin(WEST, north, 1, 1)) as dataset:
        dataset.write(hills(east, up).astype(np.float32), 1)
    return dop, dgm


def test_files_as_the_state_delivers_them(neuss: tuple[Path, Path], tmp_path: Path) -> None:
    dop, dgm = neuss
    pictures = open_pictures([dop])
    heights = open_heights([dgm], crs="EPSG:25832+7837", region=REGION, into=pictures.crs)
    ground = Ground(pictures, heights, 0.0, "EPSG:25832+7837", REGION)
    result = build(ground, tmp_path / "one")
    tileset = judge(tmp_path / "one" / "tileset.json")
    assert result.levels[0].vertical_error_max < 0.35
    random = np.random.default_rng(11)
    places = np.column_stack([WEST + random.uniform(2, 298, 10_000), SOUTH + random.uniform(2, 298, 10_000)])
    found = np.full(len(places), np.nan)
    for content in tileset.contents:
        if content.is_leaf:
            on_tile = places_on(flat(content, ground.crs), places)
            found[np.isfinite(on_tile)] = on_tile[np.isfinite(on_tile)]
    assert np.isfinite(found).all(), "no gap"
    off = np.abs(found - hills(*places.T))
    # The model of 1 m itself is off the hills at the dyke's foot.
    assert np.median(off) < 0.03
    assert off.max() < result.levels[0].vertical_error_max + 0.3

    leaf = next(tile for tile in result.tile_facts if tile.place[0] == 0)
    data = extract((tmp_path / "one" / leaf.uri).read_bytes())
    assert data is not None
    picture = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
    left, top, right, bottom = leaf.covered
    assert picture.shape[:2] == (bottom - top, right - left)
    side = 204.8
    east = leaf.place[1] * side + (np.arange(left, right) + 0.5) * 0.2
    north = (leaf.place[2] + 1) * side - (np.arange(top, bottom) + 0.5) * 0.2
    true = fields(*np.meshgrid(east, north)).astype(int)
    assert np.abs(picture - true).mean() < 2
    assert np.abs(picture - true).max() < 25

    build(ground, tmp_path / "two", jobs=2)
    for file in (tmp_path / "one").rglob("*.*"):
        if file.is_file() and file.name != ".units":
            assert file.read_bytes() == (tmp_path / "two" / file.relative_to(tmp_path / "one")).read_bytes()
