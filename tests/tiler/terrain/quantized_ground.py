"""Grounds whose heights are known at every place, without a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.tiler.terrain.mosaics import Marked
from tiler.terrain.ground import Ground
from zwilling.issues import Issue
from zwilling.rasters import Rectangle
from zwilling.region import load_region

Surface = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]

# A place in Neuss; heights there are some 46 m more above the ellipsoid than above NHN.
EAST, NORTH = 344000.0, 5674000.0


@dataclass(frozen=True)
class Sheets(Marked):
    """A DGM in files of one square each, whose heights are those of a formula between the cells' centres, too."""

    surface: Surface
    covers: tuple[Rectangle, ...]
    resolution: float = 1.0
    crs: str = "EPSG:25832"
    issues: tuple[Issue, ...] = ()

    def at(self, places: NDArray[np.float64], scratch: Path) -> NDArray[np.float64]:
        x, y = places.T
        heights = np.full(len(places), np.nan)
        for number, cover in enumerate(self.covers):
            inside = (x >= cover.west) & (x <= cover.east) & (y >= cover.south) & (y <= cover.north)
            if inside.any():
                assert (scratch / f"{number}").is_file(), f"sheet {number} is read but was not asked for"
                heights[inside] = self.surface(x[inside], y[inside])
        return heights


def hills(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return heights between some 40 and 80 m, with a dyke 4 m high."""
    u, v = (x - EAST) / 100.0, (y - NORTH) / 100.0
    dyke = 4.0 * np.exp(-(((u - 0.2 * v - 4.0) / 0.08) ** 2))
    return np.asarray(58.0 + 9.0 * np.sin(u / 3.1) * np.cos(v / 2.7) + 2.0 * np.sin(u * 1.7 + v) + dyke)


def square(east: float = EAST, north: float = NORTH, side: float = 1000.0) -> Rectangle:
    """Return a square by its south-western corner."""
    return Rectangle(east, north, east + side, north + side)


def ground(surface: Surface = hills, covers: tuple[Rectangle, ...] = (square(),), resolution: float = 1.0) -> Ground:
    """Return a ground of sheets, heights above NHN."""
    return Ground(None, Sheets(surface, covers, resolution), 0.0, "EPSG:25832+7837", load_region())
