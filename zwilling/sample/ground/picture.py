"""The picture: a window of the scene as the camera takes it, in red, green, blue and near infrared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from zwilling.rasters import Window
from zwilling.sample.ground import noise
from zwilling.sample.ground.crowns import Crowns
from zwilling.sample.ground.palette import PATCH, PIXEL, WIDE
from zwilling.sample.ground.scene import SUN, Drawing, Scene, Shape
from zwilling.sample.terrain import elevation

_MARGIN = 2 * noise.STEP  # pixels around a window, so that smoothing and noise meet at its edges
_IN_SHADOW = np.array((126, 134, 148, 124), np.uint16)  # of 256: what the sky alone lights, bluer than the sun
_FINE = ((4, 0.34), (12, 0.34), (32, 0.34), (72, 0.3))
_RELIEF = 16  # pixels between the points at which the ground's slope is taken
_PATCHES = ((32, 0.22), (120, 0.42), (520, 0.5))


@dataclass(frozen=True, slots=True)
class Camera:
    """A finished scene with its trees."""

    scene: Scene
    shapes: Drawing
    shadows: Drawing
    crowns: Crowns
    seed: int

    def take(self, window: Window) -> NDArray[np.uint8]:
        """Return a picture, shape (height, width, 4), its bands red, green, blue, near infrared.

        Windows of one resolution on one grid (multiples of 4 pixels) show the same at the same place.
        """
        size = window.resolution
        west, north = window.west - _MARGIN * size, window.north + _MARGIN * size
        width, height = window.width + 2 * _MARGIN, window.height + 2 * _MARGIN
        frame = Window(west, north, size, width, height)
        colours, grains = self.scene.palette.tables()
        ink = drawn(self.shapes, frame, "I").astype(np.intp)
        shadow = drawn(self.shadows, frame, "L").copy()
        self.crowns.shade(shadow, frame)
        # Four bytes at once, and whole rows of them: fancy indexing takes five times as long.
        picture = colours.view(np.uint32).ravel().take(ink).view(np.uint8).reshape(height, width, 4)
        self._weather(picture, Image.fromarray(grains.take(ink)), frame)
        del ink
        picture = _darkened(picture, shadow)
        _relief(picture, frame)
        self.crowns.paint(picture, frame)
        return _softened(picture)

    def _weather(self, picture: NDArray[np.uint8], grain: Image.Image, frame: Window) -> None:
        """Give every surface its grain."""
        column, row = round(frame.west / frame.resolution), round(frame.north / frame.resolution)
        width, height = grain.size
        place = (column, row, width, height)
        common = noise.smooth(self.seed * 3 + 1, *place, _FINE)
        common *= _looked_up(PATCH, grain)
        dots = noise.pixels(self.seed, column, row - 1, width, height).astype(np.int16)
        dots *= _looked_up(PIXEL, grain)
        common += dots
        del dots
        common >>= 7
        wide = noise.smooth(self.seed * 3 + 2, *place, _PATCHES)
        for band in range(4):
            change = wide * _looked_up(WIDE[:, band], grain)
            change >>= 7
            change += common
            change += picture[:, :, band]
            np.clip(change, 0, 255, out=change)
            picture[:, :, band] = change


def _looked_up(table: NDArray[np.int8], grain: Image.Image) -> NDArray[np.int8]:
    """Return the table's value for each pixel."""
    values = np.zeros(256, np.int8)
    values[: len(table)] = table
    return np.asarray(grain.point(values.view(np.uint8).tolist())).view(np.int8)


def _softened(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the picture without its margin and a little softer: no lens is as sharp as drawn edges are."""
    m, n = _MARGIN, -_MARGIN
    total = picture[m:n, m:n].astype(np.uint16)
    total <<= 2
    for part in (picture[m - 1 : n - 1, m:n], picture[m + 1 : n + 1, m:n],
                 picture[m:n, m - 1 : n - 1], picture[m:n, m + 1 : n + 1]):  # fmt: skip
        total += part
    total >>= 3
    return total.astype(np.uint8)


def drawn(drawing: Drawing, frame: Window, mode: str) -> NDArray[np.uint8]:
    """Return the numbers of the uppermost shapes."""
    image = Image.new(mode, (frame.width, frame.height), 0)
    draw = ImageDraw.Draw(image)
    box = frame.rectangle
    scale = 1.0 / frame.resolution
    # Whole pixels of the country's grid: PIL cuts decimals towards 0, which would move what begins beyond the edge.
    corner = np.rint(np.array((frame.west, -frame.north)) * scale)
    for shape in drawing.within(box.west, box.south, box.east, box.north):
        places = np.rint(shape.coords * (scale, -scale) - 0.5) - corner
        _draw(draw, shape, places.astype(np.int64), scale)
    return np.asarray(image)


def _draw(draw: ImageDraw.ImageDraw, shape: Shape, places: NDArray[np.int64], scale: float) -> None:
    wide = max(1, round(shape.width * scale))
    if shape.is_hatching:
        for line in places.reshape(-1, 4).tolist():
            draw.line(line, fill=shape.ink, width=wide)
    elif shape.width:
        draw.line(places.ravel().tolist(), fill=shape.ink, width=wide)
        if wide > 4:
            half = wide // 2
            for x, y in places[1:-1].tolist():
                draw.ellipse((x - half, y - half, x + half, y + half), fill=shape.ink)
    else:
        draw.polygon(places.ravel().tolist(), fill=shape.ink)


def _darkened(picture: NDArray[np.uint8], shadow: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the picture with shadows, 255 being full shadow."""
    for band in range(4):
        share = shadow.astype(np.uint16)
        share *= np.uint16(256) - _IN_SHADOW[band]
        share >>= 8
        np.subtract(256, share, out=share)
        share *= picture[:, :, band]
        share >>= 8
        picture[:, :, band] = share
    return picture


def _relief(picture: NDArray[np.uint8], frame: Window) -> None:
    """Light slopes towards the sun and darken those away from it: the dyke, and the river's banks."""
    step = _RELIEF * frame.resolution
    column, row = round(frame.west / frame.resolution), round(frame.north / frame.resolution)
    left, low = column // _RELIEF, (row - frame.height) // _RELIEF
    x = np.arange(left - 1, (column + frame.width) // _RELIEF + 3) * step
    y = np.arange(low - 1, row // _RELIEF + 3) * step
    ground = elevation(*np.meshgrid(x, y))
    east = (ground[1:-1, 2:] - ground[1:-1, :-2]) / (2 * step)
    north = (ground[2:, 1:-1] - ground[:-2, 1:-1]) / (2 * step)
    light = (SUN[2] - SUN[0] * east - SUN[1] * north) / np.sqrt(1 + east * east + north * north) / SUN[2]
    change = np.clip((light - 1.0) * 0.8, -0.3, 0.25)
    busy = np.flatnonzero((np.abs(change) > 0.03).any(axis=0))
    if not len(busy):
        return
    first = max((left + int(busy[0]) - 1) * _RELIEF - column, 0)
    last = min((left + int(busy[-1]) + 2) * _RELIEF - column, frame.width)
    at_x = (np.arange(first, last) + column + 0.5) / _RELIEF - left
    at_y = (row - np.arange(frame.height) - 0.5) / _RELIEF - low
    i, k = at_x.astype(np.intp), at_y.astype(np.intp)
    fx, fy = (at_x - i).astype(np.float32), (at_y - k).astype(np.float32)[:, None]
    table = change.astype(np.float32)
    along = table[:, i] * (1 - fx) + table[:, i + 1] * fx
    share = (along[k] * (1 - fy) + along[k + 1] * fy) + np.float32(1.0)
    part = picture[:, first:last]
    part[:] = np.clip(part * share[:, :, None], 0, 255).astype(np.uint8)
