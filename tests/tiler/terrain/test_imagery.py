"""The pyramid of pictures: where things are, what is transparent, no seams, and as sharp as GDAL draws it."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import rasterio.warp
from affine import Affine
from numpy.typing import NDArray
from PIL import Image

from tests.tiler.terrain.imagery_ground import EAST, NORTH, Painted, ground, photo
from tiler.terrain.ground import Ground
from tiler.terrain.imagery import Imagery
from tiler.terrain.work import Worked, work
from tiler.workers import Workers
from zwilling.rasters import Rectangle, Window

RESOLUTION = 0.5
WORLD = 2 * math.pi * 6378137.0
COVER = Rectangle(EAST, NORTH, EAST + 600, NORTH + 600)
MARKS = [(EAST + 61.25, NORTH + 70.25), (EAST + 300.25, NORTH + 310.75), (EAST + 540.75, NORTH + 530.25)]


def built(of: Ground, folder: Path, *, jobs: int = 1, previous: Path | None = None) -> Worked:
    """Build the pyramid of a ground into a folder."""
    scratch = folder.with_name(folder.name + "-scratch")
    for place in (folder, scratch):
        place.mkdir(parents=True)
    with Workers(jobs) as workers:
        return work([Imagery.of(of)], of, folder, scratch, workers, code="1", previous=previous)


def mosaic(folder: Path, zoom: int) -> tuple[NDArray[np.uint8], int, int]:
    """Return all tiles of a zoom side by side, with the numbers of the first column and row."""
    files = sorted(folder.glob(f"imagery/{zoom}/*/*.webp"))
    numbers = [(int(file.parent.name), int(file.stem)) for file in files]
    left, top = (min(number[axis] for number in numbers) for axis in (0, 1))
    right, bottom = (max(number[axis] for number in numbers) for axis in (0, 1))
    whole = np.zeros(((bottom - top + 1) * 512, (right - left + 1) * 512, 4), dtype=np.uint8)
    for file, (x, y) in zip(files, numbers, strict=True):
        with Image.open(file) as picture:
            assert picture.size == (512, 512)
            part = np.asarray(picture.convert("RGBA"))
        whole[(y - top) * 512 :, (x - left) * 512 :][:512, :512] = part
    return whole, left, top


def warped_by_gdal(shape: tuple[int, ...], zoom: int, left: int, top: int) -> NDArray[np.float64]:
    """Return what GDAL makes of the whole picture in one piece: bilinear, with its exact transformer."""
    side = round(600 / RESOLUTION)
    window = Window(EAST, NORTH + 600, RESOLUTION, side, side)
    centre = (np.arange(side) + 0.5) * RESOLUTION
    colours = photo(*np.meshgrid(window.west + centre, window.north - centre)).transpose(2, 0, 1)
    pixel = WORLD / (512 * 2**zoom)
    result = np.zeros((3, *shape[:2]), dtype=np.float32)
    rasterio.warp.reproject(
        colours.astype(np.float32),
        result,
        src_transform=Affine(RESOLUTION, 0, EAST, 0, -RESOLUTION, NORTH + 600),
        src_crs="EPSG:25832",
        dst_transform=Affine(pixel, 0, left * 512 * pixel - WORLD / 2, 0, -pixel, WORLD / 2 - top * 512 * pixel),
        dst_crs="EPSG:3857",
        resampling=rasterio.warp.Resampling.bilinear,
        tolerance=0.0,
    )
    return result.transpose(1, 2, 0).astype(np.float64)


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a pyramid of 600 m x 600 m, which reaches over several units."""
    folder = tmp_path_factory.mktemp("imagery") / "version"
    built(ground(photo, (COVER,), RESOLUTION), folder)
    return folder


def tiles_json(version: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((version / "imagery/tiles.json").read_text())
    return content


def test_the_finest_zoom_is_the_nearest_to_the_source(version: Path) -> None:
    zoom = tiles_json(version)["maxzoom"]
    ground_pixel = WORLD / (512 * 2**zoom) * math.cos(math.radians(51.2))
    assert 2**-0.5 <= ground_pixel / RESOLUTION <= 2**0.5


def _marked(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.uint8]:
    bright = np.zeros_like(x)
    for east, north in MARKS:
        bright += np.exp(-((x - east) ** 2 + (y - north) ** 2) / 2.0)
    return np.repeat((bright * 255).clip(0, 255)[..., None], 3, axis=-1).astype(np.uint8)


def test_marks_are_where_pyproj_says(tmp_path: Path) -> None:
    built(ground(_marked, (COVER,), RESOLUTION), tmp_path / "version")
    zoom = tiles_json(tmp_path / "version")["maxzoom"]
    whole, left, top = mosaic(tmp_path / "version", zoom)
    to_mercator = pyproj.Transformer.from_crs(25832, 3857, always_xy=True)
    pixel = WORLD / (512 * 2**zoom)
    for east, north in MARKS:
        x, y = to_mercator.transform(east, north)
        column, row = (x + WORLD / 2) / pixel - left * 512, (WORLD / 2 - y) / pixel - top * 512
        first_column, first_row = int(column) - 12, int(row) - 12
        light = whole[first_row : first_row + 25, first_column : first_column + 25, 0].astype(float)
        light = np.maximum(light - 20, 0)
        rows, columns = np.mgrid[:25, :25] + 0.5
        assert abs((light * columns).sum() / light.sum() + first_column - column) < 0.25
        assert abs((light * rows).sum() / light.sum() + first_row - row) < 0.25


def test_it_is_what_gdal_draws_in_one_piece(version: Path) -> None:
    """One warp of the whole has no seams; a seam of ours would be a line of large differences along a tile's edge."""
    zoom = tiles_json(version)["maxzoom"]
    whole, left, top = mosaic(version, zoom)
    expected = warped_by_gdal(whole.shape, zoom, left, top)
    inside = whole[..., 3] == 255
    difference = np.abs(whole[..., :3].astype(float) - expected).mean(axis=-1)
    ours = _ssim(whole[..., 1].astype(float), expected[..., 1], inside)
    # What GDAL would publish: its own warp, and WebP as it writes it by default (quality 75, method 4).
    theirs = _ssim(_as_webp(expected)[..., 1].astype(float), expected[..., 1], inside)
    assert ours > theirs - 0.01
    assert ours > 0.9
    edges = np.zeros_like(inside)
    for shift in (-1, 0):
        edges[:, np.arange(512, whole.shape[1], 512) + shift] = True
        edges[np.arange(512, whole.shape[0], 512) + shift] = True
    # WebP's own blocks make no difference: tiles end where blocks do.
    assert difference[inside & edges].mean() < 1.25 * difference[inside & ~edges].mean()


def test_drawn_pixels_are_gdals_before_they_are_compressed(
    version: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tiler.terrain.imagery._Writer.write", _write_losslessly)
    built(ground(photo, (COVER,), RESOLUTION), tmp_path / "version")
    zoom = tiles_json(version)["maxzoom"]
    whole, left, top = mosaic(tmp_path / "version", zoom)
    expected = warped_by_gdal(whole.shape, zoom, left, top)
    # Not at the rim, where GDAL leaves alpha aside.
    inside = _eroded(whole[..., 3] == 255)
    difference = np.abs(whole[..., :3].astype(float) - expected)[inside]
    assert np.percentile(difference, 99.9) < 3.0
    assert difference.mean() < 0.7


def _write_losslessly(writer: Any, zoom: int, x: int, y: int, picture: Image.Image) -> None:
    name = f"imagery/{zoom}/{x}/{y}.webp"
    (writer._folder / name).parent.mkdir(parents=True, exist_ok=True)
    picture.save(writer._folder / name, "WEBP", lossless=True, method=0)
    writer.zooms.add(zoom)
    writer.files.append(name)


def test_alpha_is_where_the_pictures_are(version: Path) -> None:
    zoom = tiles_json(version)["maxzoom"]
    whole, left, top = mosaic(version, zoom)
    pixel = WORLD / (512 * 2**zoom)
    rows, columns = np.mgrid[: whole.shape[0] : 7, : whole.shape[1] : 7]
    x, y = (left * 512 + columns + 0.5) * pixel - WORLD / 2, WORLD / 2 - (top * 512 + rows + 0.5) * pixel
    east, north = pyproj.Transformer.from_crs(3857, 25832, always_xy=True).transform(x, y)
    into = np.minimum(np.minimum(east - EAST, EAST + 600 - east), np.minimum(north - NORTH, NORTH + 600 - north))
    alpha = whole[::7, ::7, 3]
    assert (alpha[into > RESOLUTION] == 255).all()
    assert (alpha[into < -RESOLUTION] == 0).all()


def test_no_tile_is_empty_and_all_zooms_are_told(version: Path) -> None:
    found = tiles_json(version)
    zooms = {int(folder.name) for folder in (version / "imagery").iterdir() if folder.is_dir()}
    assert zooms == set(range(found["minzoom"], found["maxzoom"] + 1))
    assert (found["tileSize"], found["scheme"], found["tiles"]) == (512, "xyz", ["{z}/{x}/{y}.webp"])
    west, south, east, north = found["bounds"]
    assert 0 < east - west < 0.02
    assert 0 < north - south < 0.02
    for file in version.glob("imagery/*/*/*.webp"):
        with Image.open(file) as picture:
            assert picture.convert("RGBA").getchannel("A").getextrema()[1]


def _white(x: NDArray[np.float64], _y: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.full((*x.shape, 3), 250, dtype=np.uint8)


def test_colours_of_nowhere_do_not_bleed_in(tmp_path: Path) -> None:
    built(ground(_white, (COVER,), RESOLUTION), tmp_path / "version")
    for file in (tmp_path / "version").glob("imagery/*/*/*.webp"):
        with Image.open(file) as picture:
            pixels = np.asarray(picture.convert("RGBA")).astype(int)
        seen = pixels[..., 3] > 127
        assert not seen.any() or pixels[seen][:, :3].min() > 225, file


def test_any_number_of_jobs_gives_the_same_bytes(version: Path, tmp_path: Path) -> None:
    built(ground(photo, (COVER,), RESOLUTION), tmp_path / "version", jobs=2)
    assert _content(tmp_path / "version") == _content(version)


def test_one_changed_picture_costs_its_own_tiles_and_their_ancestors(tmp_path: Path) -> None:
    covers = tuple(Rectangle(EAST + 4000 * n, NORTH, EAST + 4000 * n + 200, NORTH + 200) for n in range(4))
    before = built(ground(photo, covers, RESOLUTION), tmp_path / "before")
    moved = (*covers[:3], Rectangle(covers[3].west + 10, NORTH, covers[3].east + 10, NORTH + 200))
    of = ground(photo, moved, RESOLUTION)
    after = built(of, tmp_path / "after", previous=tmp_path / "before")
    assert after.decoded == ("3.tif",)
    # One unit of each stage, of which the last has the whole world.
    assert after.fresh == len(Imagery.of(of).stages()) < before.fresh
    built(of, tmp_path / "anew")
    assert _content(tmp_path / "after") == _content(tmp_path / "anew")


def test_a_picture_on_another_grid_moves_no_other_pixels(tmp_path: Path) -> None:
    covers = tuple(Rectangle(EAST + 4000 * n, NORTH, EAST + 4000 * n + 200, NORTH + 200) for n in range(2))
    built(ground(photo, covers, RESOLUTION), tmp_path / "before")
    askew = (*covers, Rectangle(EAST + 8000.2, NORTH + 0.3, EAST + 8200.2, NORTH + 200.3))
    of = ground(photo, askew, RESOLUTION)
    assert built(of, tmp_path / "after", previous=tmp_path / "before").decoded == ("2.tif",)
    built(of, tmp_path / "anew")
    assert _content(tmp_path / "after") == _content(tmp_path / "anew")


def test_a_ground_without_pictures_is_refused() -> None:
    of = ground()
    with pytest.raises(ValueError, match="without pictures"):
        Imagery.of(Ground(None, None, 0.0, of.crs, of.region))
    assert isinstance(of.pictures, Painted)


def _as_webp(colours: NDArray[np.float64]) -> NDArray[np.uint8]:
    content = io.BytesIO()
    Image.fromarray(colours.clip(0, 255).astype(np.uint8)).save(content, "WEBP", quality=75, method=4)
    return np.asarray(Image.open(content).convert("RGB"))


def _content(version: Path) -> dict[str, bytes]:
    files = sorted((version / "imagery").rglob("*"))
    return {str(file.relative_to(version)): file.read_bytes() for file in files if file.is_file()}


def _eroded(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    result = np.zeros_like(mask)
    result[4:-4, 4:-4] = mask[4:-4, 4:-4] & mask[8:, 8:] & mask[:-8, :-8] & mask[8:, :-8] & mask[:-8, 8:]
    return result


def _ssim(one: NDArray[np.float64], other: NDArray[np.float64], where: NDArray[np.bool_]) -> float:
    """Return the structural similarity (Wang et al. 2004), mean over windows of 8 x 8 that lie wholly in `where`."""

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        rows, columns = (size // 8 * 8 for size in values.shape)
        return np.asarray(values[:rows, :columns].reshape(rows // 8, 8, columns // 8, 8).mean(axis=(1, 3)))

    mean_one, mean_other = mean(one), mean(other)
    var_one, var_other = mean(one**2) - mean_one**2, mean(other**2) - mean_other**2
    covariance = mean(one * other) - mean_one * mean_other
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    index = (2 * mean_one * mean_other + c1) * (2 * covariance + c2)
    index /= (mean_one**2 + mean_other**2 + c1) * (var_one + var_other + c2)
    return float(index[mean(where.astype(float)) == 1].mean())
