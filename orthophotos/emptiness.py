"""Which pixels of the nodata colour are really nothing: those that hang together with the picture's side."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]

# Side of the cells in which connections are looked for: narrower bridges of nodata colour do not connect.
CELL: Final = 8
# So many pixels of nodata colour in a row along a side are nothing: 25 m at 10 cm, longer than most roofs.
LONG_RUN: Final = 256


def emptiness(candidates: Flags) -> Flags:
    """Return which candidates are nothing, shape as given.

    White (255) and black (0) are common values for nothing, and so are white roofs and black shadows.  A picture
    ends in nothing along its sides or in a corner; what has that colour inside is picture.

    Args:
        candidates: pixels of the nodata colour in some whole rows of a picture.
    """
    height, width = candidates.shape
    padded: Flags = np.ones((-(-height // CELL) * CELL, -(-width // CELL) * CELL), np.bool_)
    padded[:height, :width] = candidates
    blocks = padded.reshape(padded.shape[0] // CELL, CELL, padded.shape[1] // CELL, CELL)
    cells: Flags = np.logical_and.reduce(blocks, axis=(1, 3))
    seeds: Flags = np.zeros_like(cells)
    for line, side in ((0, 0), (-1, -1)):
        seeds[line] |= _long_runs(candidates[side])
        seeds[:, line] |= _long_runs(candidates[:, side])
    for row in (0, -1):
        for column in (0, -1):
            seeds[row, column] |= cells[row, column]
    reached = seeds & cells
    while True:
        grown = _along_rows(_along_rows(reached, cells).T, cells.T).T
        if np.array_equal(grown, reached):
            break
        reached = grown
    near = _widened(reached) | seeds
    return candidates & np.repeat(np.repeat(near, CELL, axis=0), CELL, axis=1)[:height, :width]


def _long_runs(line: Flags) -> Flags:
    """Return the cells along a side whose pixels are in long runs of candidates, or in one over all of it."""
    count = -(-len(line) // CELL)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], line.astype(np.int8), [0]])))
    kept: Flags = np.zeros(count, np.bool_)
    for begin, end in edges.reshape(-1, 2):
        if end - begin >= min(LONG_RUN, len(line)):
            kept[begin // CELL : -(-end // CELL)] = True
    return kept


def _along_rows(reached: Flags, cells: Flags) -> Flags:
    """Return `reached` spread along each row through all cells that hang together."""
    starts = cells.copy()
    starts[:, 1:] &= ~cells[:, :-1]
    runs = np.cumsum(starts.reshape(-1)).reshape(cells.shape) * cells  # a number for each run, 0 outside of them
    hit: Flags = np.zeros(int(runs.max(initial=0)) + 1, np.bool_)
    hit[runs[reached]] = True
    return hit[runs] & cells


def _widened(cells: Flags) -> Flags:
    """Return `cells` with all their eight neighbours."""
    height, width = cells.shape
    around: Flags = np.zeros((height + 2, width + 2), np.bool_)
    around[1:-1, 1:-1] = cells
    rows = around[:-2] | around[1:-1] | around[2:]
    wide: Flags = rows[:, :-2] | rows[:, 1:-1] | rows[:, 2:]
    return wide
