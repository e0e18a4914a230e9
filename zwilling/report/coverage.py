"""How much ground files cover: areas of rectangles that lie over and beside each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zwilling.rasters import Rectangle

_M2_PER_KM2 = 1e6
# Corners nearer than this are one: files of one grid are rounded apart by less.
_SAME_M = 0.001


def coverage(pictures: Sequence[Rectangle], heights: Sequence[Rectangle]) -> dict[str, float]:
    """Return square kilometres with pictures, with heights, with both and with one of them alone.

    `pictures_twice` and `heights_twice` are covered by two files or more.

    Example:
        >>> square = Rectangle(0, 0, 1000, 1000)
        >>> found = coverage([square, Rectangle(500, 0, 1500, 1000)], [square])
        >>> found["pictures"], found["both"], found["pictures_alone"], found["heights_alone"], found["pictures_twice"]
        (1.5, 1.0, 0.5, 0.0, 0.5)
    """
    each = (*pictures, *heights)
    xs = _lines([side for one in each for side in (one.west, one.east)])
    ys = _lines([side for one in each for side in (one.south, one.north)])
    area = np.outer(np.diff(ys), np.diff(xs)) / _M2_PER_KM2
    seen, known = _times(pictures, xs, ys), _times(heights, xs, ys)

    def total(mask: NDArray[np.bool_]) -> float:
        return round(float(area[mask].sum()), 6)

    return {
        "any": total((seen > 0) | (known > 0)),
        "pictures": total(seen > 0),
        "heights": total(known > 0),
        "both": total((seen > 0) & (known > 0)),
        "pictures_alone": total((seen > 0) & (known == 0)),
        "heights_alone": total((seen == 0) & (known > 0)),
        "pictures_twice": total(seen > 1),
        "heights_twice": total(known > 1),
    }


def _lines(sides: Sequence[float]) -> NDArray[np.float64]:
    lines = np.unique(np.array(sides, dtype=np.float64))
    return lines[np.diff(lines, prepend=-np.inf) > _SAME_M]


def _times(rectangles: Sequence[Rectangle], xs: NDArray[np.float64], ys: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return how many rectangles lie over each field between the lines."""
    # Each rectangle adds one at its south-western corner and takes it back beyond the others.
    steps = np.zeros((len(ys), len(xs)), dtype=np.int64)
    for one in rectangles:
        left, right = (_nearest(xs, side) for side in (one.west, one.east))
        low, high = (_nearest(ys, side) for side in (one.south, one.north))
        steps[low, left] += 1
        steps[high, right] += 1
        steps[low, right] -= 1
        steps[high, left] -= 1
    times: NDArray[np.int64] = steps.cumsum(axis=0).cumsum(axis=1)[:-1, :-1]
    return times


def _nearest(lines: NDArray[np.float64], side: float) -> int:
    return int(np.abs(lines - side).argmin())
