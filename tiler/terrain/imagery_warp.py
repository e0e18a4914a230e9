"""Pictures of a projected CRS drawn into tiles of the web's Mercator projection.

Within a small square both projections differ by an affine map, to a hundredth of a pixel; the square is halved until
they do.  Each is drawn with Pillow's bilinear affine transform, on all channels at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zwilling.crs.plane import transformed
from zwilling.rasters import Pictures, Rectangle, Window

DEGREES: Final = "OGC:CRS84"
TILE: Final = 512
"""Pixels along a side of a tile."""

_RADIUS: Final = 6378137.0
_HALF: Final = math.pi * _RADIUS
# Of a square's map, in pixels of the source, against PROJ in the middle of its sides and in its own middle.
_TOLERANCE: Final = 0.02
_SMALLEST: Final = 16
# What bilinear interpolation looks at beyond the square, and the rounding of a window to whole pixels.
_MARGIN: Final = 2


@dataclass(frozen=True, slots=True)
class Mercator:
    """Pixels of WebMercatorQuad at one zoom: from the north-west corner of the world, 512 to a tile."""

    zoom: int

    @property
    def pixel(self) -> float:
        """Side of a pixel in metres at the equator."""
        return 2 * _HALF / (TILE * float(2**self.zoom))

    def degrees(self, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return longitudes and latitudes of places in pixels (to the east, to the south), shape (n, 2)."""
        x, y = pixels[:, 0] * self.pixel - _HALF, _HALF - pixels[:, 1] * self.pixel
        return np.stack([np.degrees(x / _RADIUS), np.degrees(np.arctan(np.sinh(y / _RADIUS)))], axis=1)

    def pixels(self, lon_lat: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return places in pixels; the inverse of `degrees`."""
        lon, lat = np.radians(lon_lat[:, 0]), np.radians(lon_lat[:, 1])
        y = np.arcsinh(np.tan(lat)) * _RADIUS
        return np.stack([(lon * _RADIUS + _HALF) / self.pixel, (_HALF - y) / self.pixel], axis=1)


def zoom_for(resolution: float, lat_deg: float) -> int:
    """Return the zoom whose pixels are nearest in size to `resolution` metres at a latitude.

    Example:
        >>> zoom_for(0.1, 51.2), zoom_for(0.2, 51.2), zoom_for(10.0, 0.0)
        (19, 18, 13)
    """
    return max(round(math.log2(2 * _HALF / TILE * math.cos(math.radians(lat_deg)) / resolution)), 0)


@dataclass(frozen=True, slots=True)
class Source:
    """Pictures, and where the grid of their pixels begins.

    Attributes:
        pictures: what is drawn.
        anchor: a corner between pixels.
        scratch: where they have been decoded.
    """

    pictures: Pictures
    anchor: tuple[float, float]
    scratch: Path

    @property
    def resolution(self) -> float:
        """Side of a pixel, metres."""
        return self.pictures.resolution

    def read(self, area: Rectangle) -> tuple[Window, NDArray[np.uint8]]:
        """Return all pixels that share some area with `area`, and a margin."""
        side = self.resolution
        west, north = self.anchor
        first = math.floor((area.west - west) / side) - _MARGIN
        top = math.floor((north - area.north) / side) - _MARGIN
        window = Window(
            west + first * side,
            north - top * side,
            side,
            math.ceil((area.east - west) / side) + _MARGIN - first,
            math.ceil((north - area.south) / side) + _MARGIN - top,
        )
        return window, self.pictures.read(window, self.scratch)


@dataclass(frozen=True, slots=True)
class Sheet:
    """Some tiles that are drawn from one window of the source.

    Attributes:
        mercator: where they are drawn.
        window: what was read, in `crs`.
        pixels: that, with alpha.
        opaque: the same as RGB where every pixel is covered.
        crs: projected CRS of the source.
    """

    mercator: Mercator
    window: Window
    pixels: NDArray[np.uint8]
    opaque: Image.Image | None
    crs: str

    @classmethod
    def read(cls, source: Source, mercator: Mercator, left: int, top: int, side: int) -> Sheet | None:
        """Return what is needed for a square of `side` pixels; None where nothing is covered."""
        number = np.linspace(0, side, 9)
        x, y = np.meshgrid(left + number, top + number)
        places = _places(mercator, np.stack([x.ravel(), y.ravel()], axis=1), source.pictures.crs)
        low, high = places.min(axis=0).tolist(), places.max(axis=0).tolist()
        window, pixels = source.read(Rectangle(*low, *high))
        alpha = pixels[..., 3]
        lowest = alpha.min()
        if lowest == 0 and not alpha.any():
            return None
        opaque = Image.fromarray(pixels).convert("RGB") if lowest == 255 else None
        return cls(mercator, window, pixels, opaque, source.pictures.crs)

    def drawn(self, left: int, top: int, side: int) -> Image.Image | None:
        """Return a square of pixels, RGB where all of it is covered, else RGBA; None where nothing is.

        Args:
            left, top: its first pixel, within what was read.
            side: its pixels, a power of two.
        """
        corners = np.array([(0, 0), (side, 0), (0, side), (side, side)], dtype=np.float64)
        middles = np.array([(1, 0), (0, 1), (2, 1), (1, 2), (1, 1)]) * (side / 2)
        places = self._source_pixels(np.concatenate([corners, middles]) + np.array([left, top]))
        # Least squares over the corners: what is left over is spread over all of them.
        across = (places[1] + places[3] - places[0] - places[2]) / (2 * side)
        down = (places[2] + places[3] - places[0] - places[1]) / (2 * side)
        begin = places[:4].mean(axis=0) - (across + down) * (side / 2)
        straight = begin + np.concatenate([corners, middles]) @ np.stack([across, down])
        if side > _SMALLEST and np.abs(places - straight).max() > _TOLERANCE:
            return self._quarters(left, top, side // 2)
        if self.opaque is not None:
            return _transformed(self.opaque, across, down, begin, side)
        low = np.maximum(np.floor(straight.min(axis=0)).astype(int) - _MARGIN, 0)
        high = np.ceil(straight.max(axis=0)).astype(int) + _MARGIN
        picture = Image.fromarray(np.ascontiguousarray(self.pixels[low[1] : high[1], low[0] : high[0]]))
        # Pillow multiplies with alpha before it interpolates, so that colours of nowhere do not bleed in.
        part = reduced_alpha(picture)
        return None if part is None else reduced_alpha(_transformed(part, across, down, begin - low, side))

    def _quarters(self, left: int, top: int, side: int) -> Image.Image | None:
        return joined(
            [(x, y, self.drawn(left + x, top + y, side)) for y in (0, side) for x in (0, side)],
            side * 2,
        )

    def _source_pixels(self, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
        places = _places(self.mercator, pixels, self.crs)
        window = self.window
        return np.stack([places[:, 0] - window.west, window.north - places[:, 1]], axis=1) / window.resolution


def joined(parts: list[tuple[int, int, Image.Image | None]], side: int) -> Image.Image | None:
    """Return one square picture of parts, each with its place.

    RGB where all of it is covered, else RGBA; None where nothing is.
    """
    there = [(x, y, part) for x, y, part in parts if part is not None]
    if not there:
        return None
    is_opaque = len(there) == len(parts) and all(part.mode == "RGB" for _, _, part in there)
    whole = Image.new("RGB" if is_opaque else "RGBA", (side, side))
    for x, y, part in there:
        whole.paste(part if is_opaque else part.convert("RGBA"), (x, y))
    return whole


def reduced_alpha(picture: Image.Image) -> Image.Image | None:
    """Return a picture as RGB where all of it is covered; None where nothing is."""
    if picture.mode == "RGB":
        return picture
    low, high = cast(tuple[int, int], picture.getchannel("A").getextrema())
    if high == 0:
        return None
    return picture.convert("RGB") if low == 255 else picture


def _transformed(
    picture: Image.Image,
    across: NDArray[np.float64],
    down: NDArray[np.float64],
    begin: NDArray[np.float64],
    side: int,
) -> Image.Image:
    """Return a square whose pixels come from `begin` + column * `across` + row * `down`, bilinear."""
    coefficients = (across[0], down[0], begin[0], across[1], down[1], begin[1])
    return picture.transform((side, side), Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR)


def _places(mercator: Mercator, pixels: NDArray[np.float64], crs: str) -> NDArray[np.float64]:
    return transformed(mercator.degrees(pixels), DEGREES, crs)
