"""Heights where there are none: they go on from the edge of the data and flatten out.

A tile at the edge of a county must be whole, and what it shows beyond the edge must be neither a cliff nor a spike.
Means over squares of 2, 4, 8 … 512 points are taken from fine to coarse (what is missing is left out), and missing
ones are interpolated from coarse to fine; so the nearer the data, the closer its heights are followed.  Squares lie at
fixed places of the globe's grid, therefore neighbours that see the same surroundings fill a shared edge alike.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

BLOCK: Final = 512
"""Points along a side of the largest squares, and of the smallest array that can be filled."""

_LEVELS: Final = BLOCK.bit_length() - 1
_AROUND: Final = 8
Values = NDArray[np.float64]


def filled(heights: Values) -> Values:
    """Return heights without a gap, as far as some are known within a block or the blocks beside it; else NaN.

    Only what lies between the outermost blocks is filled, and a few points around it; the outermost blocks are there
    to be looked at.  What is known stays as it is.

    Args:
        heights: sides are multiples of `BLOCK`, whose borders are those of the globe's blocks; NaN where missing.
    """
    known = np.isfinite(heights)
    sums, counts = _sums(heights, known)
    coarse, weight = sums[-1] / np.maximum(counts[-1], 1.0), np.minimum(counts[-1], 1.0)
    seen = [(0, size) for size in coarse.shape]
    for level in range(_LEVELS - 1, -1, -1):
        coarse, weight = _doubled(coarse * weight), _doubled(weight)
        coarse /= np.where(weight > 0, weight, 1.0)
        # Of what lies beyond, the next finer level sees two squares at most.
        wanted = [
            (max((BLOCK >> level) - _AROUND, 0), min(size - (BLOCK >> level) + _AROUND, size))
            for size in (side >> level for side in heights.shape)
        ]
        inner = tuple(slice(w[0] - 2 * s[0], w[1] - 2 * s[0]) for w, s in zip(wanted, seen, strict=True))
        outer = tuple(slice(*w) for w in wanted)
        seen, coarse, weight = wanted, coarse[inner], weight[inner]
        if level > 0:
            count = counts[level][outer]
            coarse = np.where(count > 0, sums[level][outer] / np.maximum(count, 1.0), coarse)
            weight = ((weight > 0) | (count > 0)).astype(np.float64)
    result = heights.copy()
    np.copyto(result[outer], np.where(weight > 0, coarse, np.nan), where=~known[outer])
    return result


def _sums(heights: Values, known: NDArray[np.bool_]) -> tuple[list[Values], list[Values]]:
    """Return sums and numbers of what is known in squares of 1, 2, 4 … points; those of 1 point stay empty."""
    sums, counts = [np.empty(0)], [np.empty(0)]
    box = (_even_range(np.logical_or.reduce(known, axis=1)), _even_range(np.logical_or.reduce(known, axis=0)))
    total, count = np.where(known[box], heights[box], 0.0), known[box].astype(np.float64)
    for level in range(1, _LEVELS + 1):
        total, count = _sum_of_four(total), _sum_of_four(count)
        if level == 1:
            whole = np.zeros((2, heights.shape[0] // 2, heights.shape[1] // 2))
            rows, columns = (slice(part.start // 2, part.stop // 2) for part in box)
            whole[0, rows, columns], whole[1, rows, columns] = total, count
            total, count = whole
        sums.append(total)
        counts.append(count)
    return sums, counts


def _even_range(known: NDArray[np.bool_]) -> slice:
    """Return the smallest range with even ends that holds all that is known."""
    places = np.flatnonzero(known)
    return slice(0, 0) if len(places) == 0 else slice(int(places[0]) // 2 * 2, int(places[-1]) // 2 * 2 + 2)


def _sum_of_four(values: Values) -> Values:
    return values[::2, ::2] + values[1::2, ::2] + values[::2, 1::2] + values[1::2, 1::2]


def _doubled(values: Values) -> Values:
    """Return values at twice the resolution, bilinear between the squares' centres; zero beyond the border."""
    return _doubled_rows(_doubled_rows(values).T).T


def _doubled_rows(values: Values) -> Values:
    rows, columns = values.shape
    padded = np.pad(values, ((1, 1), (0, 0))) * 0.25
    result = np.empty((rows, 2, columns))
    near = values * 0.75
    result[:, 0] = padded[:-2] + near
    result[:, 1] = padded[2:] + near
    return result.reshape(2 * rows, columns)
