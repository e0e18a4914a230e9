"""Heights that are none, and gaps: no terrain model of ours ever has a spike of -9999 m, or a hole the size of a hall.

What cannot be a height of land is taken as missing, whether the file declares it or not.  Gaps are closed from their
rim by a surface without hills of its own, as a soap film does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

LOWEST: Final = -500.0
HIGHEST: Final = 9000.0

# What programs write for "no height"; all others that are impossible are told one by one.
_SIGNS: Final = (-9999.0, -99999.0, -32768.0, -32767.0, -999.0, -9990.0, 9999.0, 99999.0, 32767.0, 65535.0, 1e20)
# Exact zeros are missing where every other height is this far from zero.
_ZERO_ALONE: Final = 10.0
# A hall's roof may be cut out of a terrain model; beyond that a gap is taken for water or the end of the data.
LARGEST_GAP: Final = 100_000.0  # square metres
_AT_BORDER: Final = 100  # times smaller must be a gap of which not all sides are known
_FEWEST_CELLS: Final = 9
_FILM_STEPS: Final = 20
_FILM_ROUNDS: Final = 60
_FILM_REST: Final = 1e-4  # metres


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What was not a height.

    Attributes:
        impossible: how many cells hold a height that land cannot have.
        example: row and column of one of them, and what it holds.
        undeclared: values that stand for none without being declared, and how many cells hold each.
    """

    impossible: int
    example: tuple[int, int, float]
    undeclared: tuple[tuple[float, int], ...]


def clean(heights: NDArray[np.float32]) -> Cleaned:
    """Set to NaN what is no height, and return what that was.

    Args:
        heights: metres, NaN where the file declares that there is none; changed in place.
    """
    undeclared: list[tuple[float, int]] = []
    impossible, example = 0, (0, 0, 0.0)
    with np.errstate(invalid="ignore"):
        good = (heights >= LOWEST) & (heights <= HIGHEST)
    if not good.all():
        bad = ~good & ~np.isnan(heights)
        values = heights[bad]
        if len(values):
            signs = np.isin(values, np.array(_SIGNS, dtype=np.float32)) | ~(np.abs(values) < 1e20)
            for value, count in zip(*np.unique(values[signs], return_counts=True), strict=True):
                undeclared.append((float(value), int(count)))
            rest = np.flatnonzero(~signs)
            impossible = len(rest)
            if impossible:
                rows, columns = np.nonzero(bad)
                example = int(rows[rest[0]]), int(columns[rest[0]]), float(values[rest[0]])
            heights[bad] = np.nan
    zero = heights == 0.0
    zeros = int(np.count_nonzero(zero))
    if zeros:
        nearest = np.min(np.abs(heights), initial=np.inf, where=good & ~zero)
        if _ZERO_ALONE <= nearest < np.inf:
            heights[zero] = np.nan
            undeclared.append((0.0, zeros))
    return Cleaned(impossible, example, tuple(undeclared))


@dataclass(frozen=True, slots=True)
class Filled:
    """Gaps that were closed.

    Attributes:
        cells: flat indices, ascending.
        heights: what they got.
        gaps: how many gaps there were.
    """

    cells: NDArray[np.int64]
    heights: NDArray[np.float32]
    gaps: int


def fill_gaps(heights: NDArray[np.float32], cell_area: float) -> Filled:
    """Return heights for the small gaps, which stay NaN in `heights`.

    Args:
        heights: NaN where there is none.
        cell_area: of one cell, square metres.
    """
    nothing = Filled(np.zeros(0, np.int64), np.zeros(0, np.float32), 0)
    gap = np.isnan(heights)
    if not gap.any() or gap.all() or min(heights.shape) < 2:
        return nothing
    regions = _regions(gap)
    most = int(max(LARGEST_GAP / cell_area, _FEWEST_CELLS))
    limit = np.where(regions.at_border, max(most // _AT_BORDER, _FEWEST_CELLS), most)
    runs = np.flatnonzero((regions.cells <= limit)[regions.labels])
    if not len(runs):
        return nothing
    lengths = (regions.ends - regions.begins)[runs]
    labels = np.repeat(regions.labels[runs], lengths)
    cells = np.arange(lengths.sum()) + np.repeat(regions.begins[runs] - (np.cumsum(lengths) - lengths), lengths)
    rows, columns = np.divmod(cells, heights.shape[1])
    film = _film(heights, cells, labels, rows, columns)
    return Filled(cells.astype(np.int64), film, len(np.unique(labels)))


@dataclass(frozen=True, slots=True)
class _Regions:
    """Connected regions of cells (corners connect), as runs within rows.

    Attributes:
        begins, ends: flat index of the first cell of each run and of the one behind its last.
        labels: region of each run.
        cells: how many each region has.
        at_border: whether it reaches the border of the grid.
    """

    begins: NDArray[np.intp]
    ends: NDArray[np.intp]
    labels: NDArray[np.intp]
    cells: NDArray[np.int64]
    at_border: NDArray[np.bool_]


def _regions(gap: NDArray[np.bool_]) -> _Regions:
    height, width = gap.shape
    padded = np.zeros((height, width + 1), dtype=np.int8)  # a column between the rows, so that no run goes on
    padded[:, :-1] = gap
    change = np.diff(padded.reshape(-1), prepend=np.int8(0))
    begins, ends = np.flatnonzero(change > 0), np.flatnonzero(change < 0)
    # A run touches those of the row below that begin before or at its end, and end at or after its begin.
    first = np.searchsorted(ends, begins + width + 1, "left")
    after = np.searchsorted(begins, ends + width + 1, "right")
    touching = np.maximum(after - first, 0)
    upper = np.repeat(np.arange(len(begins)), touching)
    lower = np.arange(touching.sum()) + np.repeat(first - (np.cumsum(touching) - touching), touching)
    labels = _united(len(begins), upper, lower)

    row, left = np.divmod(begins, width + 1)
    right = ends - row * (width + 1)
    border = (row == 0) | (row == height - 1) | (left == 0) | (right == width)
    at_border = np.zeros(len(begins), dtype=bool)
    at_border[labels[border]] = True
    cells = np.zeros(len(begins), dtype=np.int64)
    np.add.at(cells, labels, ends - begins)
    return _Regions(begins - row, ends - row, labels, cells, at_border)


def _united(count: int, one: NDArray[np.intp], two: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return for each of `count` things the smallest one that pairs lead to from it."""
    labels = np.arange(count)
    while True:
        low = np.minimum(labels[one], labels[two])
        before = labels.copy()
        np.minimum.at(labels, before[one], low)
        np.minimum.at(labels, before[two], low)
        while (labels[labels] != labels).any():
            labels = labels[labels]
        if (labels == before).all():
            return labels


def _film(
    heights: NDArray[np.float32],
    cells: NDArray[np.intp],
    labels: NDArray[np.intp],
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
) -> NDArray[np.float32]:
    """Return heights that each lie at the mean of their neighbours (the discrete Laplace equation).

    Successive over-relaxation, red and black cells in turn; a gap is left alone once it has come to rest.
    """
    height, width = heights.shape
    surface = heights.astype(np.float64).reshape(-1)
    numbers = np.unique(labels, return_inverse=True)[1]
    neighbours = np.empty((4, len(cells)), dtype=np.intp)
    known = np.empty((4, len(cells)), dtype=bool)
    for side, (down, across) in enumerate(((-1, 0), (1, 0), (0, -1), (0, 1))):
        row, column = rows + down, columns + across
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        neighbours[side] = np.where(inside, row * width + column, cells)
        known[side] = inside & np.isfinite(surface[neighbours[side]])

    # All begins level, at the mean of the gap's rim.
    rim = np.where(known, surface[neighbours], 0.0).sum(axis=0)
    count = np.bincount(numbers, weights=known.sum(axis=0))
    mean = np.bincount(numbers, weights=rim) / np.maximum(count, 1)
    surface[cells] = mean[numbers]
    # Beyond the border of the grid there is nothing: the film ends there at right angles, as if it were mirrored.
    neighbours = np.where(np.isfinite(surface[neighbours]), neighbours, cells)

    low, high = np.full((2, len(mean)), np.inf), np.full((2, len(mean)), -np.inf)
    for axis, values in enumerate((rows, columns)):
        np.minimum.at(low[axis], numbers, values)
        np.maximum.at(high[axis], numbers, values)
    extent = (high - low).min(axis=0) + 2
    speed = (2 / (1 + np.sin(np.pi / extent)))[numbers]
    colour = (rows + columns) % 2
    moving = np.arange(len(cells))
    for _ in range(_FILM_ROUNDS):
        halves = [moving[colour[moving] == one] for one in (0, 1)]
        for _ in range(_FILM_STEPS):
            moved = [_relaxed(surface, cells[half], neighbours[:, half], speed[half]) for half in halves]
        restless = np.zeros(len(mean), dtype=bool)
        for half, by in zip(halves, moved, strict=True):
            restless[numbers[half[by > _FILM_REST]]] = True
        moving = moving[restless[numbers[moving]]]
        if not len(moving):
            break
    return surface[cells].astype(np.float32)


def _relaxed(
    surface: NDArray[np.float64], cells: NDArray[np.intp], neighbours: NDArray[np.intp], speed: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Move some cells towards, and past, the mean of their neighbours; return by how much."""
    step = surface.take(neighbours[0])
    for side in neighbours[1:]:
        step += surface.take(side)
    step *= 0.25
    old = surface.take(cells)
    step -= old
    step *= speed
    surface[cells] = old + step
    return np.asarray(np.abs(step))
