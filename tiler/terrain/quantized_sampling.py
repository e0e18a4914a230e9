"""Ellipsoidal heights at the points of the globe's grid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tiler.terrain.ground import Ground
from zwilling.crs.plane import transformed
from zwilling.rasters import Rectangle

DEGREES: Final = "OGC:CRS84"
# Projections and the quasigeoid are asked at every 32nd point and are bilinear between: over 38 m (the grid for a DGM
# of 1 m) that is 0.02 mm in place and less than 0.1 mm in height from what PROJ says at each point.
_STRIDE: Final = 32


@dataclass(frozen=True, slots=True)
class Lattice:
    """Points of the globe's grid at one level: rows from the north pole southwards, columns from 180° W eastwards.

    Attributes:
        level: there are 128 cells along each tile of this level.
    """

    level: int

    @property
    def step(self) -> float:
        """Degrees from point to point."""
        return 180.0 / float(2**self.level) / 128

    def degrees(self, rows: NDArray[np.float64], columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return longitude and latitude of points that may lie between those of the grid, shape (n, 2)."""
        return np.stack([columns * self.step - 180.0, 90.0 - rows * self.step], axis=1)

    def numbers(self, lon_lat: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return rows and columns of places; the inverse of `degrees`."""
        return (90.0 - lon_lat[:, 1]) / self.step, (lon_lat[:, 0] + 180.0) / self.step


@dataclass(frozen=True, slots=True)
class Span:
    """Some rows and columns of a lattice; the last ones are not part of it."""

    row: int
    column: int
    row_end: int
    column_end: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.row_end - self.row, self.column_end - self.column


def sampled(
    ground: Ground, crs: str, covers: tuple[Rectangle, ...], lattice: Lattice, span: Span, scratch: Path
) -> NDArray[np.float64]:
    """Return ellipsoidal heights at the points of `span`, rows from the north; NaN where the ground has none.

    Args:
        crs: projected CRS in which `covers` are and the heights are read.
        covers: where the ground may have heights.

    Raises:
        UnknownCRSError: heights lie where their way to the ellipsoid is not known.
    """
    wide = Span(
        span.row // _STRIDE * _STRIDE,
        span.column // _STRIDE * _STRIDE,
        -(-span.row_end // _STRIDE) * _STRIDE,
        -(-span.column_end // _STRIDE) * _STRIDE,
    )
    rows = np.arange(wide.row, wide.row_end + 1, _STRIDE, dtype=np.float64)
    columns = np.arange(wide.column, wide.column_end + 1, _STRIDE, dtype=np.float64)
    knots = lattice.degrees(np.repeat(rows, len(columns)), np.tile(columns, len(rows)))
    places = transformed(knots, DEGREES, crs).reshape(len(rows), len(columns), 2)
    result = np.full((len(rows) - 1, len(columns) - 1, _STRIDE, _STRIDE), np.nan)
    seen = _squares_within(places, covers)
    if seen.any():
        x, y = (_between(places[..., axis], seen) for axis in (0, 1))
        shift = _between(_shift(ground, places, seen, covers), seen)
        heights = ground.heights_at(np.stack([x.ravel(), y.ravel()], axis=1), scratch)
        result[seen] = heights.reshape(shift.shape) + shift
    whole = result.transpose(0, 2, 1, 3).reshape(wide.shape)
    top, left = span.row - wide.row, span.column - wide.column
    return whole[top : top + span.shape[0], left : left + span.shape[1]]


def _squares_within(places: NDArray[np.float64], covers: tuple[Rectangle, ...]) -> NDArray[np.bool_]:
    """Return which squares between the knots share some area with a cover."""
    corners = (places[:-1, :-1], places[:-1, 1:], places[1:, :-1], places[1:, 1:])
    low = np.minimum(np.minimum(corners[0], corners[1]), np.minimum(corners[2], corners[3]))
    high = np.maximum(np.maximum(corners[0], corners[1]), np.maximum(corners[2], corners[3]))
    seen = np.zeros(low.shape[:2], dtype=np.bool_)
    for cover in covers:
        seen |= (
            (low[..., 0] <= cover.east)
            & (high[..., 0] >= cover.west)
            & (low[..., 1] <= cover.north)
            & (high[..., 1] >= cover.south)
        )
    return seen & np.isfinite(low).all(axis=-1) & np.isfinite(high).all(axis=-1)


def _shift(
    ground: Ground, places: NDArray[np.float64], seen: NDArray[np.bool_], covers: tuple[Rectangle, ...]
) -> NDArray[np.float64]:
    """Return by how much ellipsoidal heights are above the ground's own, at the knots of squares that are seen.

    Knots outside of the data stand at its edge: nobody needs a quasigeoid where there are no heights.
    """
    needed = np.zeros(places.shape[:2], dtype=np.bool_)
    for rows in (slice(None, -1), slice(1, None)):
        for columns in (slice(None, -1), slice(1, None)):
            needed[rows, columns] |= seen
    x = np.clip(places[..., 0][needed], min(c.west for c in covers), max(c.east for c in covers))
    y = np.clip(places[..., 1][needed], min(c.south for c in covers), max(c.north for c in covers))
    shift = np.zeros(places.shape[:2])
    shift[needed] = ground.georeference.to_geographic(np.stack([x, y, np.zeros(len(x))], axis=1))[:, 2]
    return shift


def _between(knots: NDArray[np.float64], seen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return values at the points of squares that are seen, bilinear between knots, shape (squares, 32, 32)."""
    share = np.arange(_STRIDE) / _STRIDE
    row, column = np.nonzero(seen)
    above = knots[row, column, None] * (1 - share) + knots[row, column + 1, None] * share
    below = knots[row + 1, column, None] * (1 - share) + knots[row + 1, column + 1, None] * share
    return above[:, None, :] * (1 - share)[:, None] + below[:, None, :] * share[:, None]
