"""Pictures inside our tiles against the source: how alike they are, and what they weigh beside a plain pyramid.

Likeness is the structural similarity index of Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error
visibility to structural similarity", IEEE Transactions on Image Processing 13 (4), 2004: of luma, with their Gaussian
window of 11 x 11 pixels (standard deviation 1.5) and constants (0.01, 0.03), averaged over all windows that lie within
the picture.  What is compared has not been scaled: the finest textures have the source's own pixels.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from PIL import Image
from rasterio.windows import Window

_RADIUS = 5
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_METHOD = 4  # libwebp's own default
_LEAF = 1024  # texels along a side of a tile


@dataclass(frozen=True, slots=True)
class Pair:
    """The picture of one tile of full detail, and the source's pixels of the same place."""

    source: Image.Image
    stored: bytes


@dataclass(frozen=True, slots=True)
class Plain:
    """Plain WebP pictures as alike to the source as ours: quality (between two whole ones), likeness, and bytes."""

    quality: float
    likeness: float
    size: float


def similarity(first: Image.Image, second: Image.Image) -> float:
    """Return the mean structural similarity of two pictures of one size: 1 where they are equal.

    Raises:
        ValueError: their sizes differ, or are smaller than the window.
    """
    return _Reference(first).similarity(second)


def texture(glb: bytes) -> bytes:
    """Return the first picture of a GLB as it is stored; empty where it has none."""
    (length,) = struct.unpack_from("<I", glb, 12)
    document = json.loads(glb[20 : 20 + length])
    if not document.get("images"):
        return b""
    view = document["bufferViews"][document["images"][0]["bufferView"]]
    begin = 20 + length + 8 + view.get("byteOffset", 0)
    return glb[begin : begin + view["byteLength"]]


def texture_bytes(tiles: Path) -> int:
    """Return the bytes of all pictures in a folder of tiles."""
    return sum(len(texture(path.read_bytes())) for path in tiles.rglob("*.glb"))


def pairs(tiles: Path, source: Path, most: int) -> list[Pair]:
    """Return some tiles of full detail with their source, spread evenly over all that it covers whole.

    Args:
        tiles: folder with `tileset.json`; its tiles are squares of 1024 texels from the origin of the source's CRS.
        source: one orthophoto, north up.
        most: how many at most.
    """
    found = []
    with rasterio.open(source) as dataset:
        resolution, west, north = dataset.transform.a, dataset.transform.c, dataset.transform.f
        for path in sorted((tiles / "tiles" / "0").glob("*.glb")):
            _, column, row = (int(number) for number in path.stem.split("-"))
            left = round((column * _LEAF * resolution - west) / resolution)
            top = round((north - (row + 1) * _LEAF * resolution) / resolution)
            if left >= 0 and top >= 0 and left + _LEAF <= dataset.width and top + _LEAF <= dataset.height:
                found.append((path, Window(left, top, _LEAF, _LEAF)))
        step = max(1, -(-len(found) // most))
        return [
            Pair(
                Image.fromarray(np.ascontiguousarray(dataset.read((1, 2, 3), window=window).transpose(1, 2, 0))),
                texture(path.read_bytes()),
            )
            for path, window in found[::step]
        ]


def likeness(some: Sequence[Pair]) -> float:
    """Return the mean similarity of our pictures with their sources."""
    return float(np.mean([similarity(pair.source, _decoded(pair.stored)) for pair in some]))


def plain_alike(some: Sequence[Pair], wanted: float, side: int) -> Plain:
    """Return what the same places weigh as plain WebP (method 4) that is just as alike, on average over all.

    Args:
        wanted: the similarity to reach.
        side: pixels along a side of each file, a divisor of 1024.
    """
    references = [_Reference(pair.source) for pair in some]

    def tried(quality: int) -> tuple[float, int]:
        alike, size = [], 0
        for pair, reference in zip(some, references, strict=True):
            whole = Image.new("RGB", pair.source.size)
            for x in range(0, _LEAF, side):
                for y in range(0, _LEAF, side):
                    data = encode(pair.source.crop((x, y, x + side, y + side)), quality)
                    size += len(data)
                    whole.paste(_decoded(data), (x, y))
            alike.append(reference.similarity(whole))
        return float(np.mean(alike)), size

    low, high = 0, 100
    known = {low: tried(low), high: tried(high)}
    while high - low > 1:
        middle = (low + high) // 2
        known[middle] = tried(middle)
        low, high = (low, middle) if known[middle][0] >= wanted else (middle, high)
    (less, small), (more, large) = known[low], known[high]
    share = min(max((wanted - less) / (more - less), 0.0), 1.0)
    return Plain(low + share, less + share * (more - less), small + share * (large - small))


def plain_pyramid(source: Path, quality: float, side: int) -> tuple[int, int]:
    """Return bytes and number of files of a plain WebP pyramid, each level half of the one below, down to one file."""
    with rasterio.open(source) as dataset:
        level = Image.fromarray(np.ascontiguousarray(dataset.read((1, 2, 3)).transpose(1, 2, 0)))
    size = count = 0
    while True:
        for x in range(0, level.width, side):
            for y in range(0, level.height, side):
                box = (x, y, min(x + side, level.width), min(y + side, level.height))
                size += len(encode(level.crop(box), quality))
                count += 1
        if max(level.size) <= side:
            return size, count
        level = level.reduce(2)


def encode(picture: Image.Image, quality: float) -> bytes:
    """Return a picture as WebP in the encoder's default method."""
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=quality, method=_METHOD)
    return buffer.getvalue()


def _decoded(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as picture:
        return picture.convert("RGB")


class _Reference:
    """One side of the comparison, whose means are taken once."""

    def __init__(self, picture: Image.Image) -> None:
        self._pixels = _luma(picture)
        if min(self._pixels.shape) <= 2 * _RADIUS:
            raise ValueError("the picture is smaller than the window")
        self._mean = _smooth(self._pixels)
        self._variance = _smooth(self._pixels**2) - self._mean**2

    def similarity(self, picture: Image.Image) -> float:
        other = _luma(picture)
        if other.shape != self._pixels.shape:
            raise ValueError(f"{other.shape} pixels are compared with {self._pixels.shape}")
        mean = _smooth(other)
        variance = _smooth(other**2) - mean**2
        common = _smooth(self._pixels * other) - self._mean * mean
        light = (2 * self._mean * mean + _C1) / (self._mean**2 + mean**2 + _C1)
        structure = (2 * common + _C2) / (self._variance + variance + _C2)
        return float((light * structure).mean())


def _luma(picture: Image.Image) -> NDArray[np.float64]:
    red, green, blue = np.moveaxis(np.asarray(picture.convert("RGB"), np.float64), 2, 0)
    return np.asarray(0.299 * red + 0.587 * green + 0.114 * blue)


def _smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return means over the window, where it lies within the picture."""
    weights = np.exp(-(np.arange(-_RADIUS, _RADIUS + 1) ** 2) / (2 * 1.5**2))
    weights /= weights.sum()
    for _ in range(2):  # down, then, turned, across
        height = len(values) - 2 * _RADIUS
        total = np.zeros((height, values.shape[1]))
        for first, weight in enumerate(weights.tolist()):
            total += weight * values[first : first + height]
        values = np.ascontiguousarray(total.T)
    return values
