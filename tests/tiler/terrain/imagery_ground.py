"""Pictures that are known at every pixel, without a file."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.tiler.terrain.mosaics import Marked
from tiler.terrain.ground import Ground
from zwilling.issues import Issue
from zwilling.rasters import Rectangle, Window
from zwilling.region import load_region

Paint = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.uint8]]

EAST, NORTH = 344000.0, 5674000.0


@dataclass(frozen=True)
class Painted(Marked):
    """Orthophotos whose pixels are a formula of their centres: easting and northing to colours, shape (…, 3)."""

    paint: Paint
    covers: tuple[Rectangle, ...]
    resolution: float
    crs: str = "EPSG:25832"
    issues: tuple[Issue, ...] = ()

    def read(self, window: Window, scratch: Path) -> NDArray[np.uint8]:
        result = np.zeros((window.height, window.width, 4), dtype=np.uint8)
        side = window.resolution
        for number, cover in enumerate(self.covers):
            if not cover.meets(window.rectangle):
                continue
            assert (scratch / f"{number}").is_file(), f"picture {number} is read but was not asked for"
            left = max(round((cover.west - window.west) / side), 0)
            right = min(round((cover.east - window.west) / side), window.width)
            top = max(round((window.north - cover.north) / side), 0)
            bottom = min(round((window.north - cover.south) / side), window.height)
            x = window.west + (np.arange(left, right) + 0.5) * side
            y = window.north - (np.arange(top, bottom) + 0.5) * side
            result[top:bottom, left:right, :3] = self.paint(*np.meshgrid(x, y))
            result[top:bottom, left:right, 3] = 255
        met = [cover for cover in self.covers if cover.meets(window.rectangle)]
        off = (window.west - met[-1].west) / side if met else 0.0
        assert math.isclose(off, round(off), abs_tol=1e-6), "off the pixels' grid"
        return result


def photo(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return something with soft and hard edges, as photos have: fields, roofs, roads."""
    u, v = x - EAST, y - NORTH
    field = 110 + 50 * np.sin(u / 9.0) * np.cos(v / 7.0) + 12 * np.sin(u * 1.9 + v * 1.3)
    roof = ((u // 14 + v // 11) % 5 == 0) * 70.0
    road = (np.abs((u + 0.3 * v) % 60 - 30) < 2.5) * -60.0
    red, green, blue = field + roof, field * 1.05 + road, field * 0.8 + road + roof / 3
    return np.stack([red, green, blue], axis=-1).clip(0, 255).astype(np.uint8)


def ground(paint: Paint = photo, covers: tuple[Rectangle, ...] = (), resolution: float = 0.5) -> Ground:
    """Return a ground of pictures on a plane."""
    covers = covers or (Rectangle(EAST, NORTH, EAST + 600, NORTH + 600),)
    return Ground(Painted(paint, covers, resolution), None, 0.0, "EPSG:25832+7837", load_region())
