"""One decoded picture seen through a window: copied where the pixel grids agree, resampled elsewhere.

Colours are averaged weighted by alpha (Pillow resamples RGBA premultiplied), so nodata leaves no dark fringe.  A
pixel of the window is covered where its middle lies in the picture, so that neighbours leave neither gap nor seam.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from orthophotos.heads import Affine
from orthophotos.scratch import Decoded
from zwilling.crs.plane import transformed
from zwilling.rasters import Window

# Grids agree when no pixel of the picture is farther off than this share of a pixel.
_OFF_GRID: Final = 0.01
# Pixels around what is asked for that the filters look at.
_MARGIN: Final = 4
# Side of the squares of a window in which the way to the picture is taken as bilinear.
_SQUARE: Final = 64


@dataclass(frozen=True, slots=True)
class Placed:
    """A picture and where it lies.

    Attributes:
        affine: see `orthophotos.heads.Head`.
        width, height: its size, pixels.
        definition: its CRS.
    """

    affine: Affine
    width: int
    height: int
    definition: str

    def agrees(self, crs: str, resolution: float, west: float, north: float) -> bool:
        """Return whether its pixels are those of a grid in `crs` with a corner at (`west`, `north`)."""
        a, b, c, d, e, f = self.affine
        return (
            self.definition == crs
            and b == d == 0.0
            and abs(a - resolution) * self.width < _OFF_GRID * resolution
            and abs(-e - resolution) * self.height < _OFF_GRID * resolution
            and _off(c - west, resolution) < _OFF_GRID
            and _off(north - f, resolution) < _OFF_GRID
        )

    def places(self, pixels: NDArray[np.float64], crs: str) -> NDArray[np.float64]:
        """Return where pixels (column and row of their upper left corners, shape (n, 2)) lie in `crs`, shape (n, 2)."""
        a, b, c, d, e, f = self.affine
        return transformed(pixels @ np.array([[a, d], [b, e]]) + (c, f), self.definition, crs)

    def pixels(self, places: NDArray[np.float64], crs: str) -> NDArray[np.float64]:
        """Return column and row of places in `crs`, shape (n, 2); infinite where its own CRS does not reach."""
        a, b, c, d, e, f = self.affine
        inverse = np.linalg.inv(np.array([[a, b], [d, e]]))
        moved: NDArray[np.float64] = (transformed(places, crs, self.definition) - (c, f)) @ inverse.T
        return moved

    def covers(self, places: NDArray[np.float64], crs: str) -> NDArray[np.bool_]:
        """Return which places in `crs` lie in it, shape (n,)."""
        pixels = self.pixels(places, crs)
        return np.asarray(((pixels >= 0) & (pixels < (self.width, self.height))).all(axis=1))

    def side(self, crs: str) -> float:
        """Return the side of its middle pixel in `crs`, metres."""
        x, y = self.width / 2, self.height / 2
        first, right, below = self.places(np.array([[x, y], [x + 1, y], [x, y + 1]]), crs)
        (ax, ay), (bx, by) = right - first, below - first
        return math.sqrt(abs(ax * by - ay * bx))


@dataclass(frozen=True, slots=True)
class Seen:
    """What of a picture is seen in a window.

    Attributes:
        column, row: where in the window it begins.
        pixels: shape (rows, columns, 4).
    """

    column: int
    row: int
    pixels: NDArray[np.uint8]


def seen(picture: Placed, decoded: Decoded, crs: str, window: Window) -> Seen | None:
    """Return what of a picture is seen in a window of `crs`; None where nothing is."""
    if picture.definition == crs and picture.affine[1] == 0.0 == picture.affine[3]:
        return _upright(picture, decoded, crs, window)
    return _turned(picture, decoded, crs, window)


def _off(distance: float, resolution: float) -> float:
    """Return how far a distance is from whole pixels, in pixels."""
    pixels = distance / resolution
    return abs(pixels - round(pixels))


def _upright(picture: Placed, decoded: Decoded, crs: str, window: Window) -> Seen | None:
    """Return it for a picture whose rows run east or west in the window's CRS."""
    a, _, c, _, e, f = picture.affine
    across = _Axis.of((window.west - c) / a, window.resolution / a, window.width, picture.width)
    down = _Axis.of((window.north - f) / e, -window.resolution / e, window.height, picture.height)
    if across.count <= 0 or down.count <= 0:
        return None
    if picture.agrees(crs, window.resolution, window.west, window.north):
        pixels = decoded.read(round(across.low), round(down.low), across.count, down.count)
        return Seen(across.first, down.first, pixels)
    scale = max(across.scale, down.scale)
    factor = max(1, int(scale + 1e-6))
    left, top = (axis.begin(factor) - _MARGIN * factor for axis in (across, down))
    right, bottom = (math.ceil(axis.high) + _MARGIN * factor for axis in (across, down))
    source = decoded.reduced(left, top, right - left, bottom - top, factor)
    box = (
        (across.low - left) / factor,
        (down.low - top) / factor,
        (across.high - left) / factor,
        (down.high - top) / factor,
    )
    image = source.resize((across.count, down.count), Image.Resampling.BICUBIC, box=box)
    if across.backwards:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if down.backwards:
        image = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    return Seen(across.first, down.first, np.asarray(image))


@dataclass(frozen=True, slots=True)
class _Axis:
    """Pixels of a window along one axis whose middles lie in the picture.

    Attributes:
        first, count: which of the window's.
        low, high: what they cover together, in pixels of the picture; up to half of one of theirs beyond it.
        scale: pixels of the picture in one of the window.
        backwards: whether the picture counts against the window.
    """

    first: int
    count: int
    low: float
    high: float
    scale: float
    backwards: bool

    def begin(self, factor: int) -> int:
        """Return where groups of `factor` pixels begin, the same groups for all windows of one grid.

        Where the window's pixels are such groups, it is where they begin; else groups count from the picture's side.
        """
        if abs(self.scale - factor) < 1e-6 and abs(self.low - round(self.low)) < _OFF_GRID:
            return round(self.low)
        return math.floor(self.low / factor) * factor

    @classmethod
    def of(cls, begin: float, step: float, count: int, size: int) -> _Axis:
        """Return it for a window that begins at `begin` and goes on by `step`, in pixels of a picture of `size`."""
        ends = sorted(((0 - begin) / step, (size - begin) / step))
        # A middle that lies on the side belongs to one of two neighbours; rounding must not give it to none.
        first = max(0, math.ceil(ends[0] - 0.5 - 1e-6))
        last = min(count, math.ceil(ends[1] - 0.5 - 1e-6))
        low, high = sorted((begin + first * step, begin + last * step))
        return cls(first, last - first, low, high, abs(step), step < 0)


def _turned(picture: Placed, decoded: Decoded, crs: str, window: Window) -> Seen | None:
    """Return it for a picture in another CRS, or one that is turned."""
    xs, ys = _knots(window.width), _knots(window.height)
    columns, rows = np.meshgrid(xs, ys)
    places = np.stack(
        [
            window.west + columns.reshape(-1) * window.resolution,
            window.north - rows.reshape(-1) * window.resolution,
        ],
        axis=1,
    )
    pixels = picture.pixels(places, crs).reshape(len(ys), len(xs), 2)
    if not np.isfinite(pixels).all():
        return None
    low = np.maximum(np.floor(pixels.min(axis=(0, 1))), 0).astype(int)
    high = np.minimum(np.ceil(pixels.max(axis=(0, 1))), (picture.width, picture.height)).astype(int)
    if (low >= high).any():
        return None
    factor = max(1, int(window.resolution / picture.side(crs) + 1e-6))
    left, top = ((low // factor - _MARGIN) * factor).tolist()
    right, bottom = (high + _MARGIN * factor).tolist()
    source = decoded.reduced(left, top, right - left, bottom - top, factor)
    knots = (pixels - (left, top)) / factor
    mesh = [
        (
            (int(xs[x]), int(ys[y]), int(xs[x + 1]), int(ys[y + 1])),
            (*knots[y, x], *knots[y + 1, x], *knots[y + 1, x + 1], *knots[y, x + 1]),
        )
        for y in range(len(ys) - 1)
        for x in range(len(xs) - 1)
        if _meets(pixels[y : y + 2, x : x + 2], picture)
    ]
    image = source.transform(
        (window.width, window.height), Image.Transform.MESH, mesh, resample=Image.Resampling.BICUBIC
    )
    result = np.array(image)
    result[~_inside(pixels, xs, ys, picture)] = 0
    return Seen(0, 0, result)


def _knots(size: int) -> NDArray[np.int64]:
    return np.unique(np.append(np.arange(0, size, _SQUARE), size))


def _meets(corners: NDArray[np.float64], picture: Placed) -> bool:
    low, high = corners.min(axis=(0, 1)), corners.max(axis=(0, 1))
    return bool((low < (picture.width, picture.height)).all() and (high > 0).all())


def _inside(
    pixels: NDArray[np.float64], xs: NDArray[np.int64], ys: NDArray[np.int64], picture: Placed
) -> NDArray[np.bool_]:
    """Return which pixels of the window have their middle in the picture, shape (height, width)."""
    inside = np.zeros((int(ys[-1]), int(xs[-1])), np.bool_)
    for y in range(len(ys) - 1):
        down = ((np.arange(ys[y], ys[y + 1]) + 0.5 - ys[y]) / (ys[y + 1] - ys[y]))[:, None, None]
        for x in range(len(xs) - 1):
            corners = pixels[y : y + 2, x : x + 2]
            if not _meets(corners, picture):
                continue
            if (corners >= 0).all() and (corners < (picture.width, picture.height)).all():
                inside[ys[y] : ys[y + 1], xs[x] : xs[x + 1]] = True
                continue
            across = ((np.arange(xs[x], xs[x + 1]) + 0.5 - xs[x]) / (xs[x + 1] - xs[x]))[None, :, None]
            upper = corners[0, 0] + across * (corners[0, 1] - corners[0, 0])
            lower = corners[1, 0] + across * (corners[1, 1] - corners[1, 0])
            place = upper + down * (lower - upper)
            good = (place >= 0) & (place < (picture.width, picture.height))
            inside[ys[y] : ys[y + 1], xs[x] : xs[x + 1]] = good.all(axis=2)
    return inside
