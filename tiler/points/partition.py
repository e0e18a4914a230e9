"""Cutting space into partitions: cells of the octree whose points fit into a worker's memory.

How it is cut depends on the points alone, never on the order in which files were read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tiler.points.morton import interleave
from tiler.points.octree import Cell
from tiler.points.runs import CELL_BITS, Index

_MIDDLE = 1 << (CELL_BITS - 1)


@dataclass(frozen=True, slots=True)
class Cube:
    """The cube that the octree divides.

    Attributes:
        low: the smallest numbers of its places on the layer's grid: int64, shape (3,).
        bottom: depth at which a cell is one place; the cube is `2 ** bottom` steps a side, at most 2 ** 32.
        cell_bits: cells of runs are `2 ** cell_bits` steps a side.
    """

    low: tuple[int, int, int]
    bottom: int
    cell_bits: int

    def side(self, depth: int) -> int:
        """Return how many steps a cell of the octree is a side."""
        return 1 << (self.bottom - depth)


@dataclass(frozen=True, slots=True)
class Partition:
    """A cell of the octree whose points one task turns into tiles.

    Attributes:
        cell: which.
        first_depth: depth at which it parts from the partition before it in Morton order.
        count: its points.
        begin, end: which of the histogram's cells it holds.
    """

    cell: Cell
    first_depth: int
    count: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """Points of a layer by cell, in Morton order from the cube's corner.

    Attributes:
        cube: which.
        codes: Morton codes of cells within the cube, uint64, ascending.
        counts: their points.
    """

    cube: Cube
    codes: NDArray[np.uint64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, index: Index, cell_bits: int) -> Histogram:
        """Return the histogram that the sum of the indexes of all runs makes."""
        places = _places(index.codes)
        low = places.min(axis=1)
        levels = int((places.max(axis=1) - low).max()).bit_length()
        x, y, z = ((low - _MIDDLE) << cell_bits).tolist()
        codes = interleave(*(places - low[:, None]))
        order = np.argsort(codes)
        return cls(Cube((x, y, z), levels + cell_bits, cell_bits), codes[order], index.counts[order])

    @classmethod
    def of_cell(cls, index: Index, bottom: int, cell_bits: int) -> Histogram:
        """Return the histogram of points in a cube of `2 ** bottom` steps whose corner is the origin."""
        codes = interleave(*(_places(index.codes) - _MIDDLE))
        order = np.argsort(codes)
        return cls(Cube((0, 0, 0), bottom, cell_bits), codes[order], index.counts[order])

    def within(self, codes: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return, for cells of a run, their codes within the cube."""
        low = np.array(self.cube.low, np.int64) >> self.cube.cell_bits
        return interleave(*(_places(codes) - (low + _MIDDLE)[:, None]))

    def partitions(self, most: int) -> list[Partition]:
        """Return cells of at most `most` points each, or of one cell of the histogram, in Morton order."""
        levels = self.cube.bottom - self.cube.cell_bits
        found = []
        before: int | None = None
        for cell, begin, end in self._cut(Cell(0, (0, 0, 0)), 0, len(self.codes), levels, most):
            code = int(self.codes[begin])
            parting = 0 if before is None else levels - ((code ^ before).bit_length() - 1) // 3
            before = int(self.codes[end - 1])
            found.append(Partition(cell, parting, int(self.counts[begin:end].sum()), begin, end))
        return found

    def _cut(self, cell: Cell, begin: int, end: int, levels: int, most: int) -> Iterator[tuple[Cell, int, int]]:
        if cell.depth == levels or self.counts[begin:end].sum() <= most:
            yield cell, begin, end
            return
        shift = np.uint64(3 * (levels - cell.depth - 1))
        children = self.codes[begin:end] >> shift
        starts = np.flatnonzero(np.concatenate([[True], children[1:] != children[:-1]]))
        for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), end - begin], strict=True):
            octant = int(children[start]) & 7
            x, y, z = cell.place
            place = (2 * x + (octant & 1), 2 * y + (octant >> 1 & 1), 2 * z + (octant >> 2))
            yield from self._cut(Cell(cell.depth + 1, place), begin + start, begin + stop, levels, most)


def _places(codes: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the places that Morton codes stand for, shape (3, n)."""
    return np.stack([_gather(codes >> np.uint64(axis)) for axis in range(3)]).astype(np.int64)


def _gather(spread: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Take every third bit."""
    bits = spread & np.uint64(0x1249249249249249)
    for distance, mask in (
        (2, 0x10C30C30C30C30C3),
        (4, 0x100F00F00F00F00F),
        (8, 0x1F0000FF0000FF),
        (16, 0x1F00000000FFFF),
        (32, 0x1FFFFF),
    ):
        bits = (bits | bits >> np.uint64(distance)) & np.uint64(mask)
    return bits
