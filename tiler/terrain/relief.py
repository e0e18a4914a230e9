"""Meshes that follow the relief: right-triangulated irregular networks, for many grids at once.

A square is halved along a diagonal, each half at the middle of its longest side, and so on, where the heights demand
it.  Both triangles beside a side look at the same point in its middle, so they are halved together and no vertex ever
lies on another triangle's side.  Three things are unlike the textbook: the error of a triangle is the largest
distance of *all* grid points in it (with the usual error of its middle alone, nested errors add up unseen); all points
of the border are vertices, so that neighbours have equal edges; and cells can be left out.

Paper: Evans, Kirkpatrick, Townsend: Right-Triangulated Irregular Networks, Algorithmica 30 (2001).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_ALWAYS: Final = np.float32(np.inf)


@dataclass(frozen=True, slots=True)
class Relief:
    """What must be known of some grids to mesh them within any error.

    Rows run from north to south, columns from west to east.

    Attributes:
        errors: float32, shape (b, n + 1, n + 1): triangles whose longest side has its middle at this point are halved
            where more than the wanted error stands here; infinity where they always are.
        drawn: bool, shape (b, n, n): cells that are part of the mesh.
    """

    errors: Floats
    drawn: NDArray[np.bool_]


def measure(heights: NDArray[np.floating], drawn: NDArray[np.bool_] | None = None) -> Relief:
    """Return the relief of grids of heights.

    Args:
        heights: shape (b, n + 1, n + 1), finite, n = 2 ** k and at least 2.
        drawn: shape (b, n, n); all cells if None.
    """
    count, points, _ = heights.shape
    n = points - 1
    if n < 2 or n & (n - 1) or heights.shape != (count, points, points):
        raise ValueError(f"a grid must have 2 ** k + 1 points on each side, not {heights.shape[1:]}")
    if drawn is None:
        drawn = np.ones((count, n, n), dtype=np.bool_)
    # Small numbers: differences of heights above sea level would lose their last millimetres in float32.
    h = (heights - heights[:, :1, :1]).astype(np.float32)
    errors = np.full((count, points, points), _ALWAYS, dtype=np.float32)
    residual = np.zeros((count, n, n), dtype=np.float32)
    whole = drawn.astype(np.float32)  # share of each square of the current size that is drawn
    centres: Floats | None = None
    side = 2
    # Squares larger than a quarter of the grid touch the border, where all points are forced in.
    while side <= max(2, n // 4):
        squares = _halves(whole)
        centres = _measure_size(h, residual, errors, centres, whole, squares, side)
        whole = squares
        side *= 2
    return Relief(errors, drawn)


def triangulate(relief: Relief, max_error: float | NDArray[np.floating]) -> list[NDArray[np.int64]]:
    """Return the triangles of each grid, shape (t, 3): numbers of points, row by row, counter-clockwise from above.

    Every point of a drawn cell is within `max_error` of the mesh.  Triangles that follow each other share a side, as
    on a Sierpinski curve.

    Args:
        max_error: for all grids or for each, shape (b,), in the unit of the heights.
    """
    count, points, _ = relief.errors.shape
    n = points - 1
    split = (relief.errors > np.asarray(max_error, dtype=np.float32).reshape(-1, 1, 1)).ravel()
    first = np.arange(count, dtype=np.int64) * points * points
    north_west, north_east, south_west, south_east = 0, n, n * points, n * points + n
    roots = [(north_west, south_east, north_east), (south_east, north_west, south_west)]
    a, b, c = (np.stack([first + root[corner] for root in roots], axis=1).ravel() for corner in range(3))
    order = np.arange(2 * count, dtype=np.int64)
    done: list[tuple[NDArray[np.int64], ...]] = []
    depth = 2 * n.bit_length() - 2
    for level in range(depth):
        middle = (a + b) >> 1
        more = split[middle]
        stay = ~more
        done.append((a[stay], b[stay], c[stay], order[stay] << (depth - level)))
        a, b, c, middle, order = a[more], b[more], c[more], middle[more], order[more] << 1
        # Halves have their longest sides the other way round, so every second level is walked backwards.
        order = np.stack([order + level % 2, order + 1 - level % 2], 1).ravel()
        a, b, c = np.stack([c, b], 1).ravel(), np.stack([a, c], 1).ravel(), np.repeat(middle, 2)
    done.append((a, b, c, order))
    corners = np.stack([np.concatenate([part[corner] for part in done]) for corner in range(3)], axis=1)
    corners = corners[np.argsort(np.concatenate([part[3] for part in done]), kind="stable")]
    grid = corners[:, 0] // (points * points)
    corners -= grid[:, None] * (points * points)
    if not relief.drawn.all():
        row, column = (part.sum(axis=1) // 3 for part in np.divmod(corners, points))
        seen = relief.drawn[grid, row, column]
        corners, grid = corners[seen], grid[seen]
    return np.split(corners, np.searchsorted(grid, np.arange(1, count)))


def _measure_size(
    h: Floats,
    residual: Floats,
    errors: Floats,
    centres: Floats | None,
    quarters: Floats,
    squares: Floats,
    side: int,
) -> Floats:
    """Write the errors of all triangles whose longest side is a side or a diagonal of squares of `side` cells.

    Args:
        h: heights.
        residual: of each point (without the last row and column), how far the mesh of the next finer triangles is off;
            afterwards that of triangles that are halves of the squares.
        errors: where the result is written.
        centres: errors of the centres of squares of half the size; None where those are single cells.
        quarters, squares: the drawn share of squares of half the size, and of this size.

    Returns:
        the errors of the squares' centres.
    """
    count, n, _ = residual.shape
    half, across = side // 2, n // side
    patterns = _patterns(side, n)
    strips = residual.reshape(count, across, side, n)

    # Triangles whose longest side is a square's side: the four quarters of a square, cut by both diagonals.
    level = h[:, ::side, half::side] - (h[:, ::side, :-1:side] + h[:, ::side, side::side]) / 2
    upright = h[:, half::side, ::side] - (h[:, :-1:side, ::side] + h[:, side::side, ::side]) / 2
    own = (level[:, :-1], level[:, 1:], upright[:, :, :-1], upright[:, :, 1:])
    for value, hat in zip(own, patterns.hats, strict=True):
        strips += np.repeat(value, side, axis=2)[:, :, None, :] * hat
    size = np.abs(strips)
    north, south, west, east = (_largest(size * mask) for mask in patterns.masks)
    level_error = np.full((count, across + 1, across), _ALWAYS, dtype=np.float32)
    upright_error = np.full((count, across, across + 1), _ALWAYS, dtype=np.float32)
    level_error[:, 1:-1] = np.maximum(south[:, :-1], north[:, 1:])
    upright_error[:, :, 1:-1] = np.maximum(east[:, :, :-1], west[:, :, 1:])
    _force_mixed(level_error[:, 1:-1], quarters[:, 1:-1].reshape(count, across - 1, 2, across, 2).sum(axis=(2, 4)))
    _force_mixed(upright_error[:, :, 1:-1], quarters[:, :, 1:-1].reshape(count, across, 2, across - 1, 2).sum((2, 4)))
    if centres is not None:
        inner = centres[:, 1:-1].reshape(count, across - 1, 2, across, 2).max(axis=(2, 4))
        np.maximum(level_error[:, 1:-1], inner, out=level_error[:, 1:-1])
        inner = centres[:, :, 1:-1].reshape(count, across, 2, across - 1, 2).max(axis=(2, 4))
        np.maximum(upright_error[:, :, 1:-1], inner, out=upright_error[:, :, 1:-1])
    errors[:, ::side, half::side] = level_error
    errors[:, half::side, ::side] = upright_error

    # Triangles whose longest side is a diagonal: the two halves of a square.  The diagonal leads to the centre of the
    # square of twice the size.
    falling = h[:, :-1:side, :-1:side] + h[:, side::side, side::side]
    rising = h[:, :-1:side, side::side] + h[:, side::side, :-1:side]
    number = np.arange(across)
    is_falling = (number[:, None] + number) % 2 == 0
    value = h[:, half::side, half::side] - np.where(is_falling, falling, rising) / 2
    strips += np.repeat(value, side, axis=2)[:, :, None, :] * patterns.tent
    centre_error = _largest(np.abs(strips))
    for edge in (level_error[:, :-1], level_error[:, 1:], upright_error[:, :, :-1], upright_error[:, :, 1:]):
        np.maximum(centre_error, edge, out=centre_error)
    _force_mixed(centre_error, squares * 4)
    errors[:, half::side, half::side] = centre_error
    return centre_error


@dataclass(frozen=True, slots=True)
class _Patterns:
    """Weights of all points of a strip of squares, each of shape (side, n), repeated along the strip.

    Attributes:
        hats: how far a point rises with the middle of the square's north, south, west and east side.
        masks: 1 for points of the quarter at that side.
        tent: how far a point rises with the square's centre.
    """

    hats: tuple[Floats, ...]
    masks: tuple[Floats, ...]
    tent: Floats


@lru_cache(maxsize=32)
def _patterns(side: int, n: int) -> _Patterns:
    row, column = np.mgrid[:side, :side].astype(np.float32)
    half = side / 2
    down, right = np.abs(row - half), np.abs(column - half)
    distances = (row + right, (side - row) + right, down + column, down + (side - column))

    def repeated(pattern: NDArray[np.floating]) -> Floats:
        return np.tile(pattern.astype(np.float32), (1, n // side))

    return _Patterns(
        tuple(repeated(np.maximum(0, 1 - distance / half)) for distance in distances),
        tuple(repeated(distance <= half) for distance in distances),
        repeated(1 - np.maximum(down, right) / half),
    )


def _largest(strips: Floats) -> Floats:
    """Return the largest value of each square: (b, across, side, n) to (b, across, across)."""
    side = strips.shape[2]
    rows: Floats = strips.max(axis=2)
    for _ in range(side.bit_length() - 1):
        rows = np.maximum(rows[..., ::2], rows[..., 1::2])
    return rows


def _halves(share: Floats) -> Floats:
    """Return the mean of 2 x 2 squares."""
    total = share[:, ::2, ::2] + share[:, ::2, 1::2] + share[:, 1::2, ::2] + share[:, 1::2, 1::2]
    return np.asarray(total / 4, dtype=np.float32)


def _force_mixed(errors: Floats, drawn: Floats) -> None:
    """Have triangles halved in four squares, whose drawn shares sum up to `drawn`, that are neither whole nor empty."""
    errors[(drawn > 0) & (drawn < 4)] = _ALWAYS
