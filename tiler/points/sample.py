"""Which point of a cell stands for it, so that far views look even: no two crowd each other, and no place is left open.

The best one is near a fixed spot of the cell, since spots of all cells are evenly spaced.  Tiles refine by ADD: what is
seen at a level are its points and those of all levels above.  So the spot of a cell has to be that of the smaller cell
that it lies in, too, level for level.  A third of the way into cells of odd depth, two thirds into those of even depth
is such a spot; the middle is none, as it is a corner of smaller cells.

A surface that passes through a cell near its side leaves a sliver, whose point has one of the next cell close by.  That
cell is left without a point of its own for the time being: its place is covered.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tiler.points.morton import Columns

UNSHOWN: Final = 255
"""Depth of a node, for points that none shows yet."""

_LEVELS: Final = 3
"""How much finer than a cell a point's place in it is looked at, and how many levels above it neighbours meet."""
_NEAR: Final = 0.5  # of a cell
_NUMBER_BITS: Final = 32 - 3 * _LEVELS  # what ranks leave of 32


class Sample:
    """Points of one cell of the octree in Morton order, and which nodes show them.

    Attributes:
        shown_at: depth of the node that shows each point, shape (n,); `UNSHOWN` until one does.
    """

    def __init__(
        self,
        places: Columns,
        order: NDArray[np.intp],
        codes: NDArray[np.integer],
        depths: NDArray[np.uint8],
        top: int,
        resolved: int,
        bottom: int,
    ) -> None:
        """Show nothing yet.

        Args:
            places: of the points in the whole cube, shape (3, n).
            order: of the points; everything else here counts in this order.
            codes: Morton codes below depth `top`, down to `resolved`.
            depths: at which each parts from the one before it.
            top: depth of the cell that all are in.
            resolved: depth to which codes tell points apart.
            bottom: depth at which a cell is one place.
        """
        self._places, self._order, self._codes, self._depths = places, order, codes, depths
        self._top, self._resolved, self._bottom = top, resolved, bottom
        self.shown_at = np.full(len(order), UNSHOWN, np.uint8)

    def show(self, begin: int, end: int, node: int, depth: int, *, is_last: bool = False) -> None:
        """Let nodes show one point of each cell that has none yet.

        Args:
            begin, end: which points; whole cells, but that the first may have begun before.
            node: depth of the nodes.
            depth: of the cells that their points stand for.
            is_last: leaves are next, with all points; so it is not worth much time.
        """
        known = max(min(self._resolved, self._bottom) - depth, 0) if depth >= self._top else 0
        finer = min(known, _LEVELS - is_last)
        depths = self._depths[begin:end]
        # Points in one of the small cells are told apart no further: the first stands for all of them.
        rows = np.flatnonzero(depths <= depth + finer)
        starts = np.flatnonzero(depths.take(rows) <= depth)
        if not len(starts):
            return
        rows, starts = rows[starts[0] :] + begin, starts - starts[0]
        codes = (
            self._codes.take(rows) >> 3 * (self._resolved - depth - finer) if finer else np.zeros(len(rows), np.uint32)
        )
        ranks = _ranks(finer, depth % 2).take(codes & 8**finer - 1)
        ranks[self.shown_at.take(rows) != UNSHOWN] = 0  # a cell that has a point keeps it
        # Rank and number in one, so that the least of them is the first of the best.
        number_bits = len(rows).bit_length()
        keys = ranks.astype(np.uint32 if number_bits <= _NUMBER_BITS else np.uint64)
        keys <<= number_bits
        keys |= np.arange(len(rows), dtype=keys.dtype)
        best = np.minimum.reduceat(keys, starts) & ((1 << number_bits) - 1)
        rows = rows.take(best)
        is_new = self.shown_at.take(rows) == UNSHOWN
        if finer and not is_last:
            is_new &= ~self._crowded(rows, codes.take(best), is_new, depth, finer)
        self.shown_at[rows[is_new]] = node

    def _crowded(
        self,
        rows: NDArray[np.intp],
        codes: NDArray[np.integer],
        is_new: NDArray[np.bool_],
        depth: int,
        finer: int,
    ) -> NDArray[np.bool_]:
        """Return which new points are too close to that of a cell beside theirs.

        Cells are beside each other if they are in one cell some levels above, so no other task is asked.

        Args:
            rows: of the points that stand for cells.
            codes: Morton codes of the small cells that they are in, ascending.
            depth: of the cells.
            finer: how many levels small cells are below them.
        """
        reach = _NEAR * (1 << (self._bottom - depth))
        cells = codes >> 3 * finer
        levels = min(_LEVELS, depth - self._top)
        crowded = np.zeros(len(rows), np.bool_)
        for axis in range(3):
            lower, upper = self._pairs(cells, codes & (1 << 3 * finer - 3 + axis) != 0, axis, levels, depth % 2)
            can_yield = is_new[lower] | is_new[upper]
            lower, upper = lower[can_yield], upper[can_yield]
            one, two = (self._order.take(rows.take(some)) for some in (lower, upper))
            apart = np.zeros(len(one))
            for column in self._places:
                apart += (column.take(one).astype(np.float64) - column.take(two)) ** 2
            is_near = apart < reach**2
            lower, upper = lower[is_near], upper[is_near]
            yields = is_new[upper]
            crowded[upper[yields & ~crowded[lower]]] = True
            crowded[lower[~yields & ~crowded[upper]]] = True
        return crowded

    @staticmethod
    def _pairs(
        cells: NDArray[np.integer], is_upper: NDArray[np.bool_], axis: int, levels: int, odd: int
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return lower and upper of two cells side by side along an axis, whose points may be close.

        Of two that are, one is in the upper half of the lower cell, the other in the lower half of the upper cell.
        Spots are in the lower half where the depth is odd, so few points are in the upper one; else few in the lower.
        """
        field = 8**levels - 1
        bits = sum(1 << 3 * level + axis for level in range(levels))
        inner = cells & bits
        if odd:
            own = np.flatnonzero(is_upper & (inner != bits))
            inner = inner[own]
            beside = cells[own] ^ inner ^ ((inner | field & ~bits) + (1 << axis) & bits)
        else:
            own = np.flatnonzero(~is_upper & (inner != 0))
            inner = inner[own]
            beside = cells[own] ^ inner ^ (inner - (1 << axis) & bits)
        other = np.searchsorted(cells, beside)
        is_there = cells.take(other, mode="clip") == beside
        is_there &= is_upper.take(other, mode="clip") != bool(odd)
        own, other = own[is_there], other[is_there]
        return (own, other) if odd else (other, own)


@cache
def _ranks(levels: int, odd: int) -> NDArray[np.uint16]:
    """Return how near each small cell of a cell is to its spot: 1 for the nearest, by Morton code.

    Args:
        levels: how much smaller they are.
        odd: whether the depth of the cell is odd.
    """
    spot = (1 if odd else 2) / 3 * 2**levels - 0.5
    codes = np.arange(8**levels)
    away = np.zeros(len(codes))
    for axis in range(3):
        place = sum((codes >> 3 * level + axis & 1) << level for level in range(levels))
        away += (place - spot) ** 2
    ranks: NDArray[np.uint16] = (1 + np.unique(np.round(away, 9), return_inverse=True)[1]).astype(np.uint16)
    return ranks
