"""How ground is shaded: slopes at the points of a grid, equal on both sides of every border.

A hill shade shows slopes, not heights: where a mesh follows the heights within decimetres, a triangle may still lie
across the crest of a dyke and show it as a blot.  So slopes have an error of their own, by which triangles are halved,
too.  And where there are more vertices than slopes need, along every border, these have the slopes of the triangle that
would do: else the last centimetre of noise would be seen there, and nowhere else.

Rows run from north to south, columns from west to east; slopes are metres of rise per metre eastwards and northwards.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tiler.terrain import relief

BARE: Final = 0.05
"""How far slopes of bare ground may be off: some ten grey values of the viewer's hill shade."""
PICTURED: Final = 0.15
"""The same below a picture, which has shades of its own."""
EVERY: Final = 8
"""Points of a bare grid from one slope that is always shown to the next."""
Floats = NDArray[np.float64]


def slopes_of(heights: Floats, step: float) -> Floats:
    """Return slopes at the points of a grid, shape (n + 1, n + 1, 2), from the heights on both sides of each.

    Args:
        heights: with one more point on each side, shape (n + 3, n + 3).
        step: metres between two points.
    """
    east = heights[1:-1, 2:] - heights[1:-1, :-2]
    north = heights[:-2, 1:-1] - heights[2:, 1:-1]
    return np.stack([east, north], axis=2) / (2 * step)


def measure(slopes: Floats, drawn: NDArray[np.bool_], allowed: float) -> relief.Floats:
    """Return how far slopes of triangles are off, as `relief.measure` does of heights, in shares of what is allowed.

    Args:
        slopes: shape (b, n + 1, n + 1, 2).
        drawn: shape (b, n, n).
        allowed: the error that is 1.
    """
    count, points = slopes.shape[:2]
    errors = np.zeros((count, points, points), dtype=np.float32)
    # No mean of slopes is further off than they are from each other: most level ground needs no closer look.
    rough = np.flatnonzero((np.ptp(slopes, axis=(1, 2)) > allowed).any(axis=1))
    for axis in (0, 1) if len(rough) else ():
        found = relief.measure(slopes[rough, :, :, axis] / allowed, drawn[rough]).errors
        errors[rough] = np.maximum(errors[rough], found)
    return errors


def eased(slopes: Floats, errors: relief.Floats, allowed: float) -> Floats:
    """Return slopes with those between every eighth point that no triangle needs replaced by the mean of its ends.

    Along a border it is the border alone that decides, so neighbours do alike.  Nothing changes by more than twice
    what is allowed.

    Args:
        slopes: shape (b, n + 1, n + 1, 2).
        errors: what `measure` found, shape (b, n + 1, n + 1).
        allowed: as there.
    """
    result = slopes.copy()
    for border in (result[:, 0], result[:, -1], result[:, :, 0], result[:, :, -1]):
        _ease_line(border, allowed)
    needed = (errors > 1)[..., None]
    side = EVERY
    while side > 1:
        half = side // 2
        across = (slopes.shape[1] - 1) // side
        number = np.arange(across)
        is_falling = ((number[:, None] + number) % 2 == 0)[..., None]
        low, high = slice(None, -1, side), slice(side, None, side)
        falling, rising = result[:, low, low] + result[:, high, high], result[:, low, high] + result[:, high, low]
        middle = slice(half, None, side)
        _set(result[:, middle, middle], np.where(is_falling, falling, rising) / 2, needed[:, middle, middle])
        inner = slice(side, -side, side)
        level = (result[:, inner, low] + result[:, inner, high]) / 2
        _set(result[:, inner, middle], level, needed[:, inner, middle])
        upright = (result[:, low, inner] + result[:, high, inner]) / 2
        _set(result[:, middle, inner], upright, needed[:, middle, inner])
        side = half
    return result


def passed_on(slopes: Floats) -> Floats:
    """Return the slopes along the four borders that the tile above needs, shape (4, n / 2 + 1, 2).

    North, south, west and east.  The tile above cannot ask beyond its own border, but the tiles below it did, so it
    takes the slopes there from them: of every second point, and half of what is beside it on the border.
    """
    borders = np.stack([slopes[0], slopes[-1], slopes[:, 0], slopes[:, -1]])
    kept = borders[:, ::2].copy()
    kept[:, 1:-1] = (2 * borders[:, 2:-1:2] + borders[:, 1:-2:2] + borders[:, 3::2]) / 4
    return kept


def _set(part: Floats, values: Floats, stay: NDArray[np.bool_]) -> None:
    part[:] = np.where(stay, part, values)


def _ease_line(line: Floats, allowed: float) -> None:
    """Replace slopes along a border in place, shape (b, n + 1, 2)."""
    side = EVERY
    while side > 1:
        share = (np.arange(1, side) / side)[:, None]
        straight = line[:, :-1:side, None] * (1 - share) + line[:, side::side, None] * share
        own = line[:, :-1].reshape(len(line), -1, side, 2)[:, :, 1:]
        off = np.abs(own - straight).max(axis=(2, 3))[..., None]
        for number in range(1, side):
            line[:, number:-1:side] = np.where(off > allowed, own[:, :, number - 1], straight[:, :, number - 1])
        side //= 2
