"""Coarse ground heights from what buildings stand on, for a viewer that has no terrain model yet.

Every LoD2 building states the height of its ground surface.  Between buildings the grid is filled by averages of
ever larger neighbourhoods, so it is smooth and has no holes.  It is a base to stand on, not a terrain model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zwilling.bounds import METRES_PER_DEGREE

_CELL = 25.0
_LARGEST_SIDE = 256
_MARGIN_CELLS = 4


@dataclass(frozen=True, slots=True)
class GroundGrid:
    """Samples on a regular grid of longitude and latitude.

    Attributes:
        west, south, east, north: degrees (ETRS89/WGS 84); the outermost samples lie on these lines.
        heights: float64, shape (rows, columns), from north to south and west to east; ellipsoidal metres.
    """

    west: float
    south: float
    east: float
    north: float
    heights: NDArray[np.float64]

    def to_json(self) -> dict[str, Any]:
        """Return the content of `ground.json`; heights are rounded to centimetres."""
        rows, columns = self.heights.shape
        return {
            "west": self.west,
            "south": self.south,
            "east": self.east,
            "north": self.north,
            "width": columns,
            "height": rows,
            "heights": np.round(self.heights, 2).ravel().tolist(),
        }


def ground_grid(lon_lat_height: NDArray[np.float64]) -> GroundGrid:
    """Return a grid over the given ground points, a few cells wider on each side.

    Args:
        lon_lat_height: float64, shape (n, 3), n >= 1; degrees and ellipsoidal metres.
    """
    lon, lat, height = lon_lat_height.T

    squeeze = float(np.cos(np.radians(lat.mean())))
    extent = max(float(np.ptp(lon)) * squeeze, float(np.ptp(lat))) * METRES_PER_DEGREE
    cell = max(_CELL, extent / (_LARGEST_SIDE - 2 * _MARGIN_CELLS))
    step_lat = cell / METRES_PER_DEGREE
    step_lon = step_lat / squeeze
    west = float(lon.min()) - _MARGIN_CELLS * step_lon
    north = float(lat.max()) + _MARGIN_CELLS * step_lat
    columns = int(np.ceil((float(lon.max()) - west) / step_lon)) + _MARGIN_CELLS + 1
    rows = int(np.ceil((north - float(lat.min())) / step_lat)) + _MARGIN_CELLS + 1

    column = np.rint((lon - west) / step_lon).astype(np.int64)
    row = np.rint((north - lat) / step_lat).astype(np.int64)
    place = row * columns + column
    count, total = (
        np.asarray(np.bincount(place, each, minlength=rows * columns), dtype=np.float64).reshape(rows, columns)
        for each in (np.ones(len(place)), height)
    )
    return GroundGrid(
        west,
        north - (rows - 1) * step_lat,
        west + (columns - 1) * step_lon,
        north,
        filled(total, count),
    )


def filled(total: NDArray[np.float64], count: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return averages, with the empty cells taken from a grid of half the resolution, and so on (pull-push)."""
    average: NDArray[np.float64] = np.divide(total, count, out=np.zeros_like(total), where=count > 0)
    if bool((count > 0).all()):
        return average
    rows, columns = total.shape
    even = ((0, rows % 2), (0, columns % 2))
    coarse = filled(_halved(np.pad(total, even)), _halved(np.pad(count, even)))
    # Bilinear enlargement, so that filled ground has no steps.
    row = np.clip((np.arange(rows) - 0.5) / 2, 0, coarse.shape[0] - 1)
    column = np.clip((np.arange(columns) - 0.5) / 2, 0, coarse.shape[1] - 1)
    r0, c0 = np.floor(row).astype(int), np.floor(column).astype(int)
    r1, c1 = np.minimum(r0 + 1, coarse.shape[0] - 1), np.minimum(c0 + 1, coarse.shape[1] - 1)
    fr, fc = (row - r0)[:, None], (column - c0)[None, :]
    upper = coarse[np.ix_(r0, c0)] * (1 - fc) + coarse[np.ix_(r0, c1)] * fc
    lower = coarse[np.ix_(r1, c0)] * (1 - fc) + coarse[np.ix_(r1, c1)] * fc
    smooth: NDArray[np.float64] = np.where(count > 0, average, upper * (1 - fr) + lower * fr)
    return smooth


def _halved(grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sums of 2 x 2 cells."""
    summed: NDArray[np.float64] = grid.reshape(grid.shape[0] // 2, 2, grid.shape[1] // 2, 2).sum(axis=(1, 3))
    return summed
