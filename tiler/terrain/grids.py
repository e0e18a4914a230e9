"""Grids of heights: values between their points, errors of coarser ones, and normals.

Rows run from north to south, columns from west to east.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

MILLIMETRES: Final = 1000.0
Floats = NDArray[np.float64]
_SKIRT_LEVELS: Final = 4  # how many levels coarser a neighbour may be for a skirt to reach its border
# How much a triangle's direction must have in common with the mean of its normals (cosine): as bytes they are off by
# a hundredth.
_LEAST_LIT: Final = 0.03
_TURNS: Final = 8  # then straight up


def at_points(heights: Floats, row: Floats, column: Floats) -> Floats:
    """Return heights at rows and columns that may lie between points."""
    last = len(heights) - 1
    r, c = np.minimum(row.astype(np.int64), last - 1), np.minimum(column.astype(np.int64), last - 1)
    y, x = row - r, column - c
    upper = heights[r, c] * (1 - x) + heights[r, c + 1] * x
    lower = heights[r + 1, c] * (1 - x) + heights[r + 1, c + 1] * x
    return np.asarray(upper * (1 - y) + lower * y)


def to_millimetres(heights: Floats) -> Floats:
    """Return heights in metres, rounded to whole millimetres."""
    return np.asarray(np.rint(heights * MILLIMETRES) / MILLIMETRES)


def any_of_four(drawn: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return where any of 2 x 2 cells is drawn."""
    return np.asarray(drawn[::2, ::2] | drawn[::2, 1::2] | drawn[1::2, ::2] | drawn[1::2, 1::2])


def halving_error(heights: Floats, drawn: NDArray[np.bool_]) -> float:
    """Return by how many metres every second point, joined by straight lines, is off the others at most.

    Args:
        heights: shape (2 n + 1, 2 n + 1).
        drawn: cells that count, shape (2 n, 2 n).
    """
    even = heights[::2, ::2]
    level = np.abs(heights[::2, 1::2] - (even[:, :-1] + even[:, 1:]) / 2)
    upright = np.abs(heights[1::2, ::2] - (even[:-1] + even[1:]) / 2)
    off = np.maximum(np.maximum(level[:-1], level[1:]), np.maximum(upright[:, :-1], upright[:, 1:]))
    return max(error_between(even, heights[1::2, 1::2], any_of_four(drawn)), _largest(off[any_of_four(drawn)]))


def error_between(points: Floats, centres: Floats, drawn: NDArray[np.bool_]) -> float:
    """Return by how many metres either diagonal of the drawn cells is off the heights of their middles at most."""
    falling = np.abs(centres - (points[:-1, :-1] + points[1:, 1:]) / 2)
    rising = np.abs(centres - (points[:-1, 1:] + points[1:, :-1]) / 2)
    return _largest(np.nan_to_num(np.maximum(falling, rising)[drawn]))


def border_error(heights: Floats) -> float:
    """Return how far any coarser tile's border can be from that of a tile, some halvings up, in metres."""
    largest = 0.0
    for border in (heights[0], heights[-1], heights[:, 0], heights[:, -1]):
        for level in range(1, min(_SKIRT_LEVELS, (len(border) - 1).bit_length() - 1) + 1):
            stride = 1 << level
            ends = border[::stride]
            share = np.arange(stride) / stride
            line = ends[:-1, None] * (1 - share) + ends[1:, None] * share
            largest = max(largest, float(np.abs(border[:-1] - line.ravel()).max()))
    return largest


def _largest(values: Floats) -> float:
    """Return the largest of some values, 0 of none."""
    return float(values.max(initial=0.0))


def normals_in(positions: Floats, local: Floats, slopes: Floats) -> Floats:
    """Return normals in the tile's frame, shape (v, 3).

    The grid CRS is turned and scaled against true north, by the same amount all over a tile as far as light can tell.
    """
    grid = positions[:, :2] - positions[:, :2].mean(axis=0)
    turn = np.linalg.solve(grid.T @ grid, grid.T @ (local[:, :2] - local[:, :2].mean(axis=0)))
    rise = np.linalg.solve(turn, slopes.T).T
    normals = np.column_stack([-rise, np.ones(len(rise))])
    return np.asarray(normals / np.linalg.norm(normals, axis=1, keepdims=True))


def righted(normals: Floats, local: Floats, triangles: NDArray[np.int64]) -> Floats:
    """Return normals that agree with all triangles about which side is lit.

    Slopes are measured over two cells.  In the crowns of trees of a surface model the ground goes up and down by metres
    from point to point, and triangles there turn away from such normals.  These are set up by half, again and again:
    every triangle faces up, if little, so straight up is right for all.

    Args:
        normals: unit vectors, shape (v, 3).
        local: east, north, up of the vertices, shape (v, 3).
        triangles: shape (t, 3), counter-clockwise seen from above.
    """
    a, b, c = (local[triangles[:, corner]] for corner in range(3))
    facing = np.cross(b - a, c - a)
    facing /= np.maximum(np.linalg.norm(facing, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    least = np.minimum(_LEAST_LIT, facing[:, 2] - np.abs(facing[:, 2]) / 2)
    turn = 0
    while (against := (facing * normals[triangles].mean(axis=1)).sum(axis=1) < least).any():
        bent = np.unique(triangles[against])
        normals = normals.copy() if turn == 0 else normals
        normals[bent, :2] *= 0.5 if turn < _TURNS else 0.0
        normals[bent] /= np.linalg.norm(normals[bent], axis=1, keepdims=True)
        turn += 1
    return normals
