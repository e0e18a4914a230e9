"""Orthophotos and terrain to measure with: made up, the size and form of NRW's DOP10 and DGM1.

What encoders and meshes cost depends on what is in a picture, so pictures have what photographs of the ground have:
overlapping patches of all sizes with sharp edges ("dead leaves", see Lee, Mumford, Huang, "Occlusion models for natural
images", IJCV 41, 2001), each with its own roughness, over a texture whose amplitude falls as 1/f.  Strengths were set
so that a square kilometre compresses like real pictures of towns: three public ones (Colorado, Montpellier, Korea) need
210 to 290 kB a megapixel as JPEG of quality 85, 111 to 152 as WebP of quality 75, and differ by 6 to 9 grey values from
pixel to pixel; see `statistics`.  Woods need nearly twice as much.
"""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from rasterio import Affine
from rasterio.windows import Window

WEST, SOUTH = 344_000, 5_673_000
"""South-west corner of the first square kilometre, EPSG:25832: near Grevenbroich, Rhein-Kreis Neuss."""

_CRS = "EPSG:25832"
_FIELD = 2048  # side of the noise that is repeated, pixels or metres
_LARGEST, _SMALLEST = 512, 8  # half sides of patches, pixels
_COVERS = 1.2  # how often each octave of patches covers the picture
_TEXTURE = 34.0  # grey values, standard deviation, where a patch is roughest
_SENSOR = 2.0  # grey values, standard deviation
_ROWS = 1024


def orthophoto(folder: Path, column: int = 0, row: int = 0, side: int = 10_000) -> Path:
    """Return a picture of one square kilometre, TIFF of 512-pixel JPEG tiles (YCbCr, quality 85), without overviews.

    All squares but the first show what the first does, elsewhere.

    Args:
        folder: where it is put, or has been put before.
        column, row: of the square, in kilometres to the east and to the north of the first.
        side: pixels along a side; fewer than 10,000 for a smaller square, at 10 cm all the same.
    """
    place = folder / f"dop10rgb_32_{WEST // 1000 + column}_{SOUTH // 1000 + row}_{side}_nw_2023.tif"
    if place.is_file():
        return place
    part = place.with_suffix(".part")
    corner = Affine(0.1, 0, WEST + 1000 * column, 0, -0.1, SOUTH + 1000 * (row + 1))
    if (column, row) != (0, 0):
        shutil.copyfile(orthophoto(folder, side=side), part)
        with rasterio.open(part, "r+") as dataset:
            dataset.transform = corner
    else:
        pixels = picture(side)
        with rasterio.open(
            part, "w", driver="GTiff", width=side, height=side, count=3, dtype="uint8", crs=_CRS, transform=corner,
            tiled=True, blockxsize=512, blockysize=512, compress="JPEG", photometric="YCBCR", JPEG_QUALITY=85,
        ) as dataset:  # fmt: skip
            for begin in range(0, side, _ROWS):
                rows = pixels[begin : begin + _ROWS]
                dataset.write(rows.transpose(2, 0, 1), window=Window(0, begin, side, len(rows)))
    part.rename(place)
    return place


def terrain(folder: Path, column: int = 0, row: int = 0, side: int = 1000) -> Path:
    """Return heights of one square kilometre, 1 m, float32; neighbours go on where it ends.

    Plain with a dyke and a gentle slope, relief of 10 m whose amplitude falls as 1/f², and 2 cm of noise as of laser
    scanning.  Arguments are as in `orthophoto`, `side` in metres.
    """
    place = folder / f"dgm1_32_{WEST // 1000 + column}_{SOUTH // 1000 + row}_{side}_nw_2023.tif"
    if place.is_file():
        return place
    part = place.with_suffix(".part")
    relief = _noise(np.random.default_rng(3), 2.0)
    fine = _noise(np.random.default_rng(4), 0.0)
    x = 1000 * column + np.arange(side)
    y = 1000 * (row + 1) - 1 - np.arange(side)
    across, down = np.ix_(y % _FIELD, x % _FIELD), np.ix_(y % (_FIELD - 7), x % (_FIELD - 7))
    dyke = np.clip(3 - np.abs((x % 1000) - 430) / 3, 0, 2.5)
    heights = 45 + 3 * relief[across] + 0.02 * fine[down] + dyke + 0.002 * y[:, None]
    with rasterio.open(
        part, "w", driver="GTiff", width=side, height=side, count=1, dtype="float32", crs=_CRS, nodata=-9999.0,
        transform=Affine(1, 0, WEST + 1000 * column, 0, -1, SOUTH + 1000 * (row + 1)),
        tiled=True, blockxsize=256, blockysize=256, compress="DEFLATE", predictor=3,
    ) as dataset:  # fmt: skip
        dataset.write(heights.astype(np.float32), 1)
    part.rename(place)
    return place


def picture(side: int) -> NDArray[np.uint8]:
    """Return red, green and blue, shape (side, side, 3)."""
    chance = np.random.default_rng(1)
    colours, roughness = _patches(chance, side)
    texture = _noise(chance, 1.0)
    tint = _noise(chance, 1.0)
    result = np.empty((side, side, 3), np.uint8)
    columns = np.arange(side) % _FIELD
    for begin in range(0, side, _ROWS):
        rows = np.arange(begin, min(begin + _ROWS, side))
        rough = np.asarray(roughness.crop((0, begin, side, rows[-1] + 1)), np.float32) * np.float32(_TEXTURE / 255)
        light = texture[np.ix_(rows % _FIELD, columns)] * rough
        light += chance.standard_normal(light.shape, np.float32) * np.float32(_SENSOR)
        strip = np.asarray(colours.crop((0, begin, side, rows[-1] + 1)), np.float32) + light[..., None]
        # Colours differ less than lights, in nature as in the cameras' colour filters.
        strip[..., 0] += tint[np.ix_((rows + 991) % _FIELD, columns)] * rough * np.float32(0.15)
        strip[..., 2] -= tint[np.ix_(rows % _FIELD, columns)] * rough * np.float32(0.15)
        result[rows] = np.clip(strip, 0, 255).astype(np.uint8)
    return result


def statistics(pixels: NDArray[np.uint8]) -> str:
    """Return one line on how a picture compresses, to set beside real ones."""
    image = Image.fromarray(pixels)
    megapixels = image.width * image.height / 1e6
    sizes = []
    for kind, quality in (("JPEG", 85), ("WEBP", 75)):
        buffer = io.BytesIO()
        image.save(buffer, kind, quality=quality)
        sizes.append(f"{kind} {quality}: {buffer.tell() / 1e3 / megapixels:.0f} kB/MP")
    grey = np.asarray(image.convert("L"), np.float32)
    step = float(np.abs(np.diff(grey, axis=1)).mean())
    return f"{', '.join(sizes)}; {step:.1f} grey values from pixel to pixel, standard deviation {grey.std():.0f}"


def _patches(chance: np.random.Generator, side: int) -> tuple[Image.Image, Image.Image]:
    """Return turned rectangles that hide each other, in colours, and how rough each is (0 to 255)."""
    sizes = []
    half = _LARGEST
    while half >= _SMALLEST:
        count = int(_COVERS * side**2 / (4 * half * half)) + 1
        sizes.append(half * 2 ** chance.uniform(-0.5, 0.5, count))
        half //= 2
    halves = chance.permutation(np.concatenate(sizes))
    count = len(halves)
    # Most of what is on the ground stands in a few directions, those of its streets.
    turns = np.round(chance.uniform(0, 4, count)) * 0.35 + chance.normal(0, 0.03, count)
    along, up = halves * chance.uniform(0.7, 2.0, count), halves * chance.uniform(0.4, 1.0, count)
    x, y = chance.uniform(0, side, (2, count))
    cos, sin = np.cos(turns), np.sin(turns)
    corners = np.stack(
        [
            np.stack([x + i * along * cos - j * up * sin, y + i * along * sin + j * up * cos], axis=1)
            for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))
        ],
        axis=1,
    ).reshape(count, 8)
    light = chance.normal(105, 45, count)
    hue = chance.normal((0.0, 4.0, -8.0), 12, (count, 3))
    fills = np.clip(light[:, None] + hue, 5, 250).astype(int)
    rough = (255 * chance.beta(0.9, 2.0, count)).astype(int)
    colours, roughness = Image.new("RGB", (side, side), (100, 105, 90)), Image.new("L", (side, side), 80)
    pen, rough_pen = ImageDraw.Draw(colours), ImageDraw.Draw(roughness)
    for outline, fill, own in zip(corners.tolist(), fills.tolist(), rough.tolist(), strict=True):
        pen.polygon(outline, tuple(fill))
        rough_pen.polygon(outline, own)
    # A lens has no edge sharper than about a pixel.
    return colours.filter(ImageFilter.GaussianBlur(0.7)), roughness


def _noise(chance: np.random.Generator, slope: float) -> NDArray[np.float32]:
    """Return noise whose amplitude falls as 1/f^slope, mean 0, standard deviation 1, that goes on at its borders."""
    spectrum = np.fft.rfft2(chance.standard_normal((_FIELD, _FIELD)))
    frequency = np.hypot(np.fft.fftfreq(_FIELD)[:, None], np.fft.rfftfreq(_FIELD)[None, :])
    frequency[0, 0] = np.inf
    noise = np.fft.irfft2(spectrum / frequency**slope, (_FIELD, _FIELD))
    return np.asarray(noise / noise.std(), np.float32)
