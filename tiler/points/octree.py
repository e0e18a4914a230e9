"""Which point is in which tile: the level of detail of all points of one octree cell, in one pass.

Tiles refine by ADD, so a point is in just one of them.  A node of the octree is overlaid with a grid of `GRID` cells a
side, and one point of each cell represents it (`sample.py` says which): if it did not already represent a coarser cell,
it belongs to this node.  Points are sorted in Morton order, and a point is the first of its cell at depth b exactly if
it leaves, at depth b or above, the cell of the point before it.  So cells of all sizes are found in one pass, by the
depth at which neighbours part.  What few points remain below a node are one leaf.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tiler.points import morton
from tiler.points.morton import SAME, Columns
from tiler.points.sample import UNSHOWN, Sample

GRID_LEVELS: Final = 7
GRID: Final = 2**GRID_LEVELS
"""Cells a side of the grid whose points a node shows."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the octree: at `depth`, the whole cube is `2 ** depth` cells a side.

    Attributes:
        depth: 0 is the whole cube.
        place: number of the cell along x, y and z.
    """

    depth: int
    place: tuple[int, int, int]

    def above(self, depth: int) -> Cell:
        """Return the cell at a smaller depth that holds this one."""
        x, y, z = self.place
        up = self.depth - depth
        return Cell(depth, (x >> up, y >> up, z >> up))

    def below(self, cell: Cell) -> Cell:
        """Return the cell that is to the whole cube what this one is to `cell`."""
        x, y, z = ((up << self.depth) + own for up, own in zip(cell.place, self.place, strict=True))
        return Cell(cell.depth + self.depth, (x, y, z))

    @property
    def name(self) -> str:
        """Unique among cells, and fit for a file: depth and place."""
        return "-".join(map(str, (self.depth, *self.place)))


@dataclass(frozen=True, slots=True)
class Node:
    """Points that one tile shows.

    Attributes:
        cell: where they are; of a leaf that several cells share, the first of those.
        part: 0, or a further number where one cell has several tiles.
        parent: index of the node above in the list that this one is in; -1 where there is none in it.
        rows: numbers of its points.
    """

    cell: Cell
    part: int
    parent: int
    rows: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Limits:
    """How large tiles are.

    Attributes:
        leaf: most points of a leaf.
        stray: as many points, or fewer, are no tile of their own, but part of the one above.
    """

    leaf: int = 50_000
    stray: int = 1_500


@dataclass(frozen=True, slots=True)
class Grown:
    """The nodes of a cell and what belongs above it.

    Attributes:
        nodes: parents before children.
        coarse: numbers of the points that belong to nodes above the cell, those of the coarsest first.
        coarse_depths: depth of the node that each of them belongs to.
    """

    nodes: list[Node]
    coarse: NDArray[np.intp]
    coarse_depths: NDArray[np.uint8]


class _UnresolvedError(Exception):
    """The digits so far do not tell enough points apart."""


def grow(places: Columns, cell: Cell, bottom: int, first_depth: int, limits: Limits) -> Grown:
    """Return the nodes of one cell.

    Args:
        places: of its points in the whole cube, shape (3, n), n >= 1, in canonical order; below `2 ** bottom`.
        cell: where they all are.
        bottom: depth at which a cell is one place.
        first_depth: depth at which the cell parts from the one before it in Morton order that has points; 0 for the
            very first.
        limits: how large nodes may be.
    """
    bits = bottom - cell.depth
    digits: list[NDArray[np.uint16]] = []
    wanted = 2  # tell 1024 places a side apart, which is fine enough for nearly all data
    while True:
        while len(digits) < wanted:
            digits.append(morton.digit(places, bits, len(digits)))
        order = morton.sort(digits)
        ordered = [key.take(order) for key in digits]
        depths = np.empty(len(order), np.uint8)
        depths[0] = first_depth
        parting = morton.parting_depths(ordered)
        parting[parting != SAME] += np.uint8(cell.depth)
        depths[1:] = parting
        resolved = cell.depth + wanted * morton.LEVELS_PER_DIGIT
        told = min(wanted, morton.MOST_JOINED)
        codes = morton.joined(ordered[:told])
        sample = Sample(places, order, codes, depths, cell.depth, cell.depth + told * morton.LEVELS_PER_DIGIT, bottom)
        try:
            return _Growth(places, order, depths, sample, cell, bottom, resolved, limits).run()
        except _UnresolvedError:
            wanted += 1


class _Growth:
    def __init__(
        self,
        places: Columns,
        order: NDArray[np.intp],
        depths: NDArray[np.uint8],
        sample: Sample,
        cell: Cell,
        bottom: int,
        resolved: int,
        limits: Limits,
    ) -> None:
        self._places = places
        self._order = order
        self._depths = depths
        self._sample = sample
        self._cell = cell
        self._bottom = bottom
        self._resolved = min(resolved, bottom)
        self._limits = limits
        self._nodes: list[Node] = []

    def run(self) -> Grown:
        depth = self._cell.depth
        shown_at = self._sample.shown_at
        for above in range(depth):
            self._sample.show(0, len(shown_at), above, above + GRID_LEVELS)
        coarse = np.flatnonzero(shown_at != UNSHOWN)
        remaining = len(shown_at) - len(coarse)
        coarse_levels = shown_at[coarse]
        if depth and remaining <= self._limits.stray:
            coarse, coarse_levels = np.arange(len(shown_at)), np.minimum(shown_at, depth - 1)
        else:
            self._grow(0, len(shown_at), self._cell, -1)
        by_level = np.argsort(coarse_levels, kind="stable")
        return Grown(self._nodes, self._order[coarse[by_level]], coarse_levels[by_level])

    def _grow(self, begin: int, end: int, cell: Cell, parent: int) -> None:
        """Make the nodes of the points from `begin` to `end`, which are those of `cell`."""
        shown_at = self._sample.shown_at[begin:end]
        remaining = np.flatnonzero(shown_at == UNSHOWN)
        if len(remaining) <= self._limits.leaf:
            if len(remaining):
                self._add(cell, parent, begin + remaining)
            return
        if cell.depth == self._bottom:
            self._heap(cell, parent, begin + remaining)
            return
        if cell.depth + GRID_LEVELS > self._resolved and self._resolved < self._bottom:
            raise _UnresolvedError
        starts = np.concatenate([[0], 1 + np.flatnonzero(self._depths[begin + 1 : end] <= cell.depth + 1)])
        is_last = len(remaining) <= 8 * self._limits.leaf
        self._sample.show(begin, end, cell.depth, cell.depth + GRID_LEVELS, is_last=is_last)
        is_below = shown_at == UNSHOWN
        left = np.add.reduceat(is_below, starts, dtype=np.int64)
        ends = np.append(starts[1:], end - begin)
        own = [np.flatnonzero(shown_at == cell.depth)]
        further: list[tuple[int, int, int]] = []
        for start, stop, count in zip(starts.tolist(), ends.tolist(), left.tolist(), strict=True):
            if count > self._limits.stray:
                further.append((begin + start, begin + stop, count))
            elif count:
                own.append(start + np.flatnonzero(is_below[start:stop]))
                is_below[start:stop] = False  # a leaf of their neighbours on both sides reaches over them
        rows = begin + (own[0] if len(own) == 1 else np.sort(np.concatenate(own)))
        if len(rows):
            # A cell that shows nothing of its own leaves its children to the one above.
            parent = self._add(cell, parent, rows)
        for start, stop, is_leaf in _packed(further, self._limits.leaf):
            below = self._cell_of(start, cell.depth + 1)
            if is_leaf:
                self._add(below, parent, start + np.flatnonzero(is_below[start - begin : stop - begin]))
            else:
                self._grow(start, stop, below, parent)

    def _cell_of(self, row: int, depth: int) -> Cell:
        x, y, z = (self._places[:, self._order[row]] >> np.uint32(self._bottom - depth)).tolist()
        return Cell(depth, (x, y, z))

    def _add(self, cell: Cell, parent: int, rows: NDArray[np.intp]) -> int:
        """Append a node, in several where it has too many points, and return its index."""
        pieces = -(-len(rows) // (2 * self._limits.leaf))
        added = len(self._nodes)
        self._nodes.append(Node(cell, 0, parent, self._order[rows[::pieces]]))
        for piece in range(1, pieces):
            self._nodes.append(Node(cell, piece, added, self._order[rows[piece::pieces]]))
        return added

    def _heap(self, cell: Cell, parent: int, rows: NDArray[np.intp]) -> None:
        """Append nodes for points that are all at one place, as a tree of eight children each."""
        pieces = [rows[start : start + self._limits.leaf] for start in range(0, len(rows), self._limits.leaf)]
        added = len(self._nodes)
        for number, piece in enumerate(pieces):
            above = added + (number - 1) // 8 if number else parent
            self._nodes.append(Node(cell, number, above, self._order[piece]))


def _packed(children: Sequence[tuple[int, int, int]], most: int) -> Iterator[tuple[int, int, bool]]:
    """Yield begin and end of each branch below a node, and whether it is a leaf of several small neighbours.

    A cell just too full for a leaf has four or eight children, each far below what a leaf may hold.  Neighbours in
    Morton order share a leaf, about evenly, so that there are fewer and larger tiles.

    Args:
        children: begin, end and number of points left, in Morton order.
        most: points of a leaf.
    """
    at = 0
    while at < len(children):
        # As many small ones as follow each other, in as few leaves as hold them.
        end = at
        while end < len(children) and children[end][2] <= most:
            end += 1
        total = sum(count for _, _, count in children[at:end])
        leaves = -(-total // most)
        for left in range(leaves, 0, -1):
            goal = total / left
            taken, first = 0, at
            while at < end and (
                at == first or (taken + children[at][2] <= most and taken + children[at][2] / 2 < goal)
            ):
                taken += children[at][2]
                at += 1
            total -= taken
            if at > first:
                yield children[first][0], children[at - 1][1], at - first > 1
        if at < end:  # uneven ones did not fit as planned
            continue
        if at < len(children):
            yield children[at][0], children[at][1], False
            at += 1
