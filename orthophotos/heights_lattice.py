"""Cell centres as one regular lattice that many files share, and heights between them.

Neighbouring tiles of a terrain model share no cell: what lies between their outermost centres is interpolated from
cells of both.  So files are never interpolated one by one, but laid side by side on their lattice first.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from zwilling.crs.plane import transformed

# Grids whose centres lie this close, in cells, are taken for one: a millimetre in terrain models of a metre.
_SAME: Final = 1e-3
_CHUNK: Final = 1 << 14  # places for which all that is reckoned stays in the processor's cache


@dataclass(frozen=True, slots=True)
class Lattice:
    """Centres of cells: x = x0 + a*column + b*row, y = y0 + d*column + e*row.

    Attributes:
        crs: definition of the CRS, see `PlaneCRS`.
        x0, y0: centre of cell (0, 0).
        a, b, d, e: from cell to cell.
    """

    crs: str
    x0: float
    y0: float
    a: float
    b: float
    d: float
    e: float

    def cells(self, places: NDArray[np.float64], crs: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return column and row, with fractions, of places in `crs`; whole numbers are centres."""
        own = transformed(places, crs, self.crs)
        x, y = own[:, 0] - self.x0, own[:, 1] - self.y0
        if self.b == 0.0 == self.d:
            return x / self.a, y / self.e
        size = self.a * self.e - self.b * self.d
        return (self.e * x - self.b * y) / size, (self.a * y - self.d * x) / size

    def centres(self, columns: NDArray[np.float64], rows: NDArray[np.float64], crs: str) -> NDArray[np.float64]:
        """Return places in `crs`, shape (n, 2), of columns and rows."""
        own = (self.x0 + self.a * columns + self.b * rows, self.y0 + self.d * columns + self.e * rows)
        return transformed(np.stack(own, axis=1), self.crs, crs)

    def sides(self, column: float, row: float, crs: str) -> NDArray[np.float64]:
        """Return how far it is in `crs` to the next column and to the next row, shape (2, 2)."""
        places = self.centres(column + np.array([0.0, 1.0, 0.0]), row + np.array([0.0, 0.0, 1.0]), crs)
        return np.asarray(places[1:] - places[0])

    def offset_of(self, other: Lattice, width: int, height: int) -> tuple[int, int] | None:
        """Return which cell of this lattice the first one of `width` x `height` cells of another is; None if none."""
        if self.crs != other.crs:
            return None
        size = math.sqrt(abs(self.a * self.e - self.b * self.d))
        apart = max(
            max(abs(self.a - other.a), abs(self.d - other.d)) * width,
            max(abs(self.b - other.b), abs(self.e - other.e)) * height,
        )
        if apart > _SAME * size:
            return None
        column, row = self.cells(np.array([[other.x0, other.y0]]), self.crs)
        offset = round(column[0]), round(row[0])
        near = max(abs(column[0] - offset[0]), abs(row[0] - offset[1])) <= _SAME
        return offset if near else None


@dataclass(frozen=True, slots=True)
class Span:
    """Cells of a lattice: columns `left` to before `right`, rows `top` to before `bottom`."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def cells(self) -> int:
        """How many there are."""
        return max(self.right - self.left, 0) * max(self.bottom - self.top, 0)

    def meeting(self, other: Span) -> Span:
        """Return the cells that are in both."""
        return Span(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        )

    def holds(self, columns: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which places lie on these cells, to their outer sides."""
        inside = (columns >= self.left - 0.5) & (columns <= self.right - 0.5)
        return np.asarray(inside & (rows >= self.top - 0.5) & (rows <= self.bottom - 0.5))

    @classmethod
    def around(cls, columns: NDArray[np.float64], rows: NDArray[np.float64]) -> Span:
        """Return the cells from which heights at places are reckoned: two beside each on every side."""
        return cls(
            math.floor(columns.min()) - 1,
            math.floor(rows.min()) - 1,
            math.floor(columns.max()) + 3,
            math.floor(rows.max()) + 3,
        )


def between(
    window: NDArray[np.float32],
    columns: NDArray[np.float64],
    rows: NDArray[np.float64],
    fill: Callable[[NDArray[np.intp]], NDArray[np.float32]] | None = None,
) -> NDArray[np.float64]:
    """Return heights at places, bilinear between the centres of cells.

    Where some of the four cells have no height, the others are taken; where none has, the nearest of those within one
    cell; NaN where there is none of those.

    Args:
        window: heights of cells, NaN where there is none; written to where `fill` knows more.
        columns, rows: places within it, at least one cell from its border.
        fill: returns heights for flat indices of cells that have none.
    """
    heights = np.empty(len(columns))
    for begin in range(0, len(columns), _CHUNK):
        part = slice(begin, begin + _CHUNK)
        heights[part] = _bilinear(window, columns[part], rows[part])
    bad = np.flatnonzero(np.isnan(heights))
    if len(bad):
        columns, rows = columns[bad], rows[bad]
        if fill is not None:
            needed = np.unique(_corners(window, columns, rows))
            needed = needed[np.isnan(window.reshape(-1)[needed])]
            window.reshape(-1)[needed] = fill(needed)
        # Most of them, as a rule, lie far outside of everything that is known.
        near = np.flatnonzero(_within_reach(window)[rows.astype(np.intp), columns.astype(np.intp)])
        heights[bad[near]] = _from_some(window, columns[near], rows[near])
    return heights


def _bilinear(
    window: NDArray[np.float32], columns: NDArray[np.float64], rows: NDArray[np.float64]
) -> NDArray[np.float64]:
    column, row = columns.astype(np.intp), rows.astype(np.intp)  # places are never negative here: this is floor
    right, down = columns - column, rows - row
    flat, width = window.reshape(-1), window.shape[1]
    cell = row * width
    cell += column
    upper, upper_right = flat.take(cell), flat[1:].take(cell)
    lower, lower_right = flat[width:].take(cell), flat[width + 1 :].take(cell)
    above = upper + (upper_right - upper) * right
    below = lower + (lower_right - lower) * right
    below -= above
    below *= down
    above += below
    return np.asarray(above)


def _corners(window: NDArray[np.float32], columns: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return flat indices of the four cells around each place, shape (n, 4)."""
    width = window.shape[1]
    cell = rows.astype(np.intp) * width + columns.astype(np.intp)
    return np.asarray(cell[:, None] + np.array([0, 1, width, width + 1]), dtype=np.intp)


def _within_reach(window: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return for each cell whether any height is known from the cell before it to the second one behind, both ways.

    Of no other cells are heights taken for a place that is in it, or between it and the next.
    """
    known = np.isfinite(window)
    for _ in range(2):  # down, then, turned, across
        wide = known.copy()
        wide[1:] |= known[:-1]
        wide[:-1] |= known[1:]
        wide[:-2] |= known[2:]
        known = wide.T
    return known


def _from_some(
    window: NDArray[np.float32], columns: NDArray[np.float64], rows: NDArray[np.float64]
) -> NDArray[np.float64]:
    flat, width = window.reshape(-1), window.shape[1]
    right, down = columns % 1.0, rows % 1.0
    weights = np.stack([(1 - right) * (1 - down), right * (1 - down), (1 - right) * down, right * down], axis=1)
    heights = flat[_corners(window, columns, rows)].astype(np.float64)
    known = np.isfinite(heights)
    weights *= known
    total = weights.sum(axis=1)
    some = total > 1e-9
    result = np.full(len(columns), np.nan)
    weighted = (weights[some] * np.where(known[some], heights[some], 0.0)).sum(axis=1)
    result[some] = weighted / total[some]

    rest = np.flatnonzero(~some)
    column, row = np.rint(columns[rest]), np.rint(rows[rest])
    nearest = np.full(len(rest), np.inf)
    for down_by in (0, -1, 1):
        for right_by in (0, -1, 1):
            across, along = column + right_by - columns[rest], row + down_by - rows[rest]
            distance = np.where(
                np.maximum(np.abs(across), np.abs(along)) <= 1.0 + 1e-6, np.hypot(across, along), np.inf
            )
            height = flat[((row + down_by) * width + column + right_by).astype(np.intp)]
            nearer = (distance < nearest) & np.isfinite(height)
            nearest[nearer] = distance[nearer]
            result[rest[nearer]] = height[nearer]
    return result
