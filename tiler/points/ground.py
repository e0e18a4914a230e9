"""Height above ground: ground from the points that are classified as such, and what stands how high above it.

While files are read, ground points are summed up in cells of about a metre, which takes little and depends on no order.
From the sums, blocks of 512 cells a side are made one by one.  A cell without ground points takes its height from
coarser cells around it, smoothly, as far as those know any: under a house from the ground beside it.  Each coarser cell
is where it is for the whole layer and looks no farther than its neighbours, so blocks meet without a step, whoever made
them.  When tiles are made, the height of the ground under a point is read between the middles of four cells.

The ground of what is left out by class counts: who draws houses alone still wants to know how high they are.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tiler.points.metadata import HEIGHT_STEP, LOWEST_HEIGHT, Range
from tiler.points.runs import disk_error

GROUND_CLASSES: Final = (2, 9, 26)
"""Ground, water, and the synthetic ground of Nordrhein-Westfalen."""

_CELL_M: Final = 1.0
_LEVELS: Final = 9  # a block is one cell of this level
_SIDE: Final = 1 << _LEVELS
_COARSE: Final = 6  # cells of this level and above are known for the blocks around
_SWEEPS: Final = 2  # by which cells without ground go over into their neighbours
# Cells at the edge of a window do not know what lies beyond.  So many of them are wrong: 2 * wrong + 3 on each finer
# level, which makes 189 on the finest of six; of coarser ones, which are not swept but for the last, 1, 3, 7 and 17.
_HALO: Final = 3 << _COARSE
_AROUND: Final = 3  # blocks on each side that a block's coarse cells may look at
_PER_BLOCK: Final = _SIDE >> _COARSE
_MOST_FLAT: Final = 1 << 22
_MOST_BLOCKS: Final = 10_000  # of one piece of a file; with more, a stray point makes its box large

Grid = NDArray[np.float64]
"""Shape (rows, columns), south first."""

Block = tuple[int, int]
"""Number of a block along x and y."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Ground points by cell.

    Attributes:
        cells: int64, shape (4, n): number of the cell along x and y, sum of the heights of its points in steps of the
            layer's grid, how many they are.
    """

    cells: NDArray[np.int64]

    @classmethod
    def of(cls, places: NDArray[np.int32], cell_bits: int) -> Sums:
        """Return the sums of places, shape (3, n), n >= 1, in cells of `2 ** cell_bits` steps a side."""
        x, y = places[0] >> np.int32(cell_bits), places[1] >> np.int32(cell_bits)
        return cls(_summed(x, y, places[2], None))

    def coarser(self, levels: int) -> Sums:
        """Return the sums in cells of `2 ** levels` of these a side."""
        x, y, sums, counts = self.cells
        return Sums(_summed(x >> levels, y >> levels, sums, counts))


def _summed(
    x: NDArray[np.integer], y: NDArray[np.integer], heights: NDArray[np.integer], counts: NDArray[np.int64] | None
) -> NDArray[np.int64]:
    """Return the sums of what lies in the same cell, as `Sums.cells`; each counts once where `counts` is None."""
    west, south = int(x.min()), int(y.min())
    width, height = int(x.max()) - west + 1, int(y.max()) - south + 1
    if width * height <= _MOST_FLAT:
        flat = (y - y.dtype.type(south)) * y.dtype.type(width) + (x - x.dtype.type(west))
        numbers = np.arange(width * height)
    else:
        keys = (y.astype(np.int64) - south) * width + (x.astype(np.int64) - west)
        numbers, flat = np.unique(keys, return_inverse=True)
    # Sums of whole numbers below 2 ** 53 are exact, whatever their order.
    total = np.bincount(flat, weights=counts, minlength=len(numbers)).astype(np.int64)
    sums = np.bincount(flat, weights=heights, minlength=len(numbers))
    filled = np.flatnonzero(total)
    row, column = np.divmod(numbers[filled], width)
    return np.stack([column + west, row + south, sums[filled].astype(np.int64), total[filled]])


@dataclass(frozen=True, slots=True)
class Part:
    """Cells of one block in a file of sums.

    Attributes:
        path: of the file, which holds `total` cells.
        start, count: which of them.
    """

    path: Path
    total: int
    start: int
    count: int

    def read(self) -> NDArray[np.int64]:
        """Return the cells, as `Sums.cells`."""
        cells = np.load(self.path, mmap_mode="r")
        return np.array(cells[:, self.start : self.start + self.count])


@dataclass(frozen=True, slots=True)
class Found:
    """Ground in one piece of a file.

    Attributes:
        parts: by block.
        coarse: its sums by cells of level 6.
    """

    parts: Mapping[Block, Part]
    coarse: Sums


def store(sums: Sums, path: Path) -> Found:
    """Store sums, sorted by block, and return where they are.

    Raises:
        TilesetError: the disk is full.
    """
    blocks = sums.cells[:2] >> _LEVELS
    west, south = blocks.min(axis=1)
    order = np.argsort((blocks[1] - south) * (int(blocks[0].max()) - west + 1) + blocks[0] - west, kind="stable")
    cells, blocks = sums.cells[:, order], blocks[:, order]
    try:
        with path.open("wb") as file:
            np.save(file, cells)
    except OSError as error:
        raise disk_error(path, error) from error
    firsts = np.flatnonzero(np.concatenate([[True], (blocks[:, 1:] != blocks[:, :-1]).any(axis=0)]))
    ends = np.append(firsts[1:], blocks.shape[1])
    parts = {
        (int(blocks[0, first]), int(blocks[1, first])): Part(path, blocks.shape[1], int(first), int(end - first))
        for first, end in zip(firsts, ends, strict=True)
    }
    return Found(parts, sums.coarser(_COARSE))


@dataclass(frozen=True, slots=True)
class BlockTask:
    """A block of ground that is to be made.

    Attributes:
        block: which.
        parts: sums of it and of those around it.
        coarse: those of level 6 in the 49 blocks around, as in `Sums.cells`.
        step: metres for each step of heights.
        path: where to.
    """

    block: Block
    parts: tuple[Part, ...]
    coarse: NDArray[np.int64]
    step: float
    path: Path


@dataclass(frozen=True, slots=True)
class Ground:
    """The ground of a layer, in blocks on disk.

    Attributes:
        folder: of the blocks.
        blocks: that there are; elsewhere nothing is known.
        cell_bits: cells are `2 ** cell_bits` steps of the layer's grid a side.
        step: metres of such a step.
    """

    folder: Path
    blocks: frozenset[Block]
    cell_bits: int
    step: float

    def heights(self, places: NDArray[np.int32]) -> NDArray[np.uint32]:
        """Return how high points are above the ground, as tiles store it; 0 where that is not known.

        Args:
            places: on the layer's grid, shape (3, n).
        """
        coded = np.zeros(places.shape[1], np.uint32)
        shift = self.cell_bits + _LEVELS
        x, y = places[0] >> np.int32(shift), places[1] >> np.int32(shift)
        west, south = int(x.min()), int(y.min())
        width, height = int(x.max()) - west + 1, int(y.max()) - south + 1
        if width * height == 1:
            return self._heights(places, (west, south)) if (west, south) in self.blocks else coded
        keys = (y.astype(np.int64) - south) * width + (x - west)
        # numpy sorts 16-bit numbers by counting.
        order = np.argsort(keys.astype(np.uint16) if width * height <= 1 << 16 else keys, kind="stable")
        ordered = keys[order]
        firsts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
        for rows in np.split(order, firsts[1:]):
            block = int(x[rows[0]]), int(y[rows[0]])
            if block in self.blocks:
                coded[rows] = self._heights(places.take(rows, axis=1), block)
        return coded

    def _heights(self, places: NDArray[np.int32], block: Block) -> NDArray[np.uint32]:
        ground = np.load(self.folder / _name(block)).ravel()
        width = _SIDE + 2
        starts, shares = [], []
        for axis in range(2):
            # From the middle of the cell before the block's first.
            steps = (places[axis] - np.int32(block[axis] << (self.cell_bits + _LEVELS))).astype(np.float32)
            at = (steps + np.float32(0.5)) * np.float32(0.5**self.cell_bits) + np.float32(0.5)
            start = at.astype(np.int32)
            starts.append(start)
            shares.append(at - start)
        corner = starts[1] * np.int32(width) + starts[0]
        low = _between(ground.take(corner), ground.take(corner + np.int32(1)), shares[0])
        corner += np.int32(width)
        high = _between(ground.take(corner), ground.take(corner + np.int32(1)), shares[0])
        above = places[2].astype(np.float32) * np.float32(self.step) - _between(low, high, shares[1])
        return coded_height(above)


def coded_height(metres: NDArray[np.float32]) -> NDArray[np.uint32]:
    """Return heights above ground as tiles store them; 0 for NaN."""
    number = np.rint((metres - np.float32(LOWEST_HEIGHT)) * np.float32(1 / HEIGHT_STEP))
    with np.errstate(invalid="ignore"):
        number = np.where(np.isnan(number), np.float32(0), np.clip(number, 1, 65_535))
    return number.astype(np.uint32)


def _between(one: NDArray[np.float32], other: NDArray[np.float32], share: NDArray[np.float32]) -> NDArray[np.float32]:
    other -= one
    other *= share
    other += one
    return other


def cell_bits_of(step: float) -> int:
    """Return how many steps of a grid, as a power of two, are about a metre."""
    return max(0, round(math.log2(_CELL_M / step)))


def block_tasks(found: Sequence[Found], near: Iterable[Block] | None, step: float, folder: Path) -> list[BlockTask]:
    """Return the blocks that are to be made: those with ground, and those beside them.

    Args:
        found: ground of all pieces.
        near: blocks that points lie in; None for all.
        step: metres for each step of heights.
        folder: for the blocks.
    """
    parts: defaultdict[Block, list[Part]] = defaultdict(list)
    coarse: defaultdict[Block, list[NDArray[np.int64]]] = defaultdict(list)
    for one in found:
        for block, part in one.parts.items():
            parts[block].append(part)
        cells = one.coarse.cells
        owners = cells[:2] >> (_LEVELS - _COARSE)
        for block in one.parts:
            coarse[block].append(cells[:, (owners[0] == block[0]) & (owners[1] == block[1])])
    merged = {block: _merged(several) for block, several in coarse.items()}
    wanted = {(x + dx, y + dy) for x, y in parts for dx, dy in product((-1, 0, 1), repeat=2)}
    if near is not None:
        wanted &= set(near)
    made = []
    for x, y in sorted(wanted):
        around = [(x + dx, y + dy) for dx, dy in product(range(-_AROUND, _AROUND + 1), repeat=2)]
        known = [merged[block] for block in around if block in merged]
        beside = tuple(
            part for block in around if max(abs(block[0] - x), abs(block[1] - y)) <= 1 for part in parts.get(block, ())
        )
        made.append(BlockTask((x, y), beside, np.concatenate(known, axis=1), step, folder / _name((x, y))))
    return made


def _merged(several: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return the sums of cells, each once."""
    x, y, sums, counts = np.concatenate(several, axis=1)
    return _summed(x, y, sums, counts)


def blocks_of(boxes: Iterable[tuple[Sequence[int], Sequence[int]]], cell_bits: int) -> set[Block] | None:
    """Return the blocks that boxes of points, lowest and highest corner, may lie in; None where they are too many."""
    shift = cell_bits + _LEVELS
    found: set[Block] = set()
    for low, high in boxes:
        columns, rows = (range(low[axis] >> shift, (high[axis] >> shift) + 1) for axis in range(2))
        if len(columns) * len(rows) > _MOST_BLOCKS:
            return None
        found.update(product(columns, rows))
    return found


def _name(block: Block) -> str:
    return f"ground{block[0]:+d}{block[1]:+d}.npy"


def make_block(task: BlockTask) -> Block:
    """Store one block of ground, metres above the grid's origin, with a cell of its neighbours on each side.

    Runs in a worker.

    Raises:
        TilesetError: the disk is full.
    """
    x, y = task.block
    side = _PER_BLOCK * (2 * _AROUND + 1)
    pyramid = _pyramid(
        *_grids([task.coarse], (x - _AROUND) * _PER_BLOCK, (y - _AROUND) * _PER_BLOCK, side), _LEVELS - _COARSE
    )
    filled = _highest(*pyramid[-1])
    for level in reversed(pyramid[:-1]):
        filled = _level(*level, _finer(filled), sweeps=_SWEEPS if level is pyramid[0] else 0)
    width = _SIDE + 2 * _HALO
    fine = _pyramid(
        *_grids([part.read() for part in task.parts], (x << _LEVELS) - _HALO, (y << _LEVELS) - _HALO, width), _COARSE
    )
    rim = (_HALO >> _COARSE) + 1  # one cell more than the halo on each side, for those between
    inner = slice(_AROUND * _PER_BLOCK - rim, (_AROUND + 1) * _PER_BLOCK + rim)
    filled = _finer(filled[inner, inner])[2:-2, 2:-2]
    for level in reversed(fine[:-1]):
        filled = _level(*level, filled, sweeps=_SWEEPS)
        if level is not fine[0]:
            filled = _finer(filled)
    edge = slice(_HALO - 1, _HALO + _SIDE + 1)
    ground = (filled[edge, edge] * task.step).astype(np.float32)
    try:
        with task.path.open("wb") as file:
            np.save(file, ground)
    except OSError as error:
        raise disk_error(task.path, error) from error
    return task.block


def _grids(parts: Sequence[NDArray[np.int64]], west: int, south: int, side: int) -> tuple[Grid, Grid]:
    """Return sums and counts of the cells that lie in a square."""
    cells = np.concatenate([np.empty((4, 0), np.int64), *parts], axis=1)
    column, row = cells[0] - west, cells[1] - south
    inside = (column >= 0) & (column < side) & (row >= 0) & (row < side)
    flat = (row * side + column)[inside]
    grids = np.zeros((2, side * side))
    for grid, values in zip(grids, cells[2:], strict=True):
        grid += np.bincount(flat, weights=values[inside], minlength=side * side)
    sums, counts = grids.reshape(2, side, side)
    return sums, counts


def _pyramid(sums: Grid, counts: Grid, levels: int) -> list[tuple[Grid, Grid]]:
    """Return sums and counts of the level given and of so many coarser ones."""
    found = [(sums, counts)]
    for _ in range(levels):
        sums, counts = (
            grid[::2, ::2] + grid[1::2, ::2] + grid[::2, 1::2] + grid[1::2, 1::2] for grid in (sums, counts)
        )
        found.append((sums, counts))
    return found


def _highest(sums: Grid, counts: Grid) -> Grid:
    """Return means; of cells without any ground, that of the ground in the cells around; NaN where there is none."""
    return _filled(sums, counts, _filled(_around(sums), _around(counts), np.full(sums.shape, np.nan)))


def _level(sums: Grid, counts: Grid, coarser: Grid, *, sweeps: int) -> Grid:
    """Return means; of cells beside such, the mean of those around; of others what coarser cells know, smoothed."""
    is_open = counts == 0
    if not is_open.any():
        return sums / counts
    means = _filled(sums, counts, np.zeros(sums.shape))
    beside = _filled(_around(means), _around((~is_open).astype(np.float64)), coarser)
    grid = _filled(sums, counts, beside)
    for _ in range(sweeps):
        wide = np.pad(grid, 1, mode="edge")
        mean = (wide[:-2, 1:-1] + wide[2:, 1:-1] + wide[1:-1, :-2] + wide[1:-1, 2:]) / 4
        grid = np.where(is_open & ~np.isnan(mean), mean, grid)
    return grid


def _around(grid: Grid) -> Grid:
    """Return the sums of each cell and the eight around it."""
    wide = np.pad(grid, 1)
    rows = wide[:-2] + wide[1:-1] + wide[2:]
    around: Grid = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
    return around


def _filled(sums: Grid, counts: Grid, otherwise: Grid) -> Grid:
    """Return means, and something else where there is nothing to take the mean of."""
    np.divide(sums, counts, out=otherwise, where=counts > 0)
    return otherwise


def _finer(grid: Grid) -> Grid:
    """Return the values at cells half as large, between the middles of the four nearest; of those that are known."""
    known = ~np.isnan(grid)
    if known.all():
        return _doubled(_doubled(grid).T).T
    weights = _doubled(_doubled(known.astype(np.float64)).T).T
    values = _doubled(_doubled(np.where(known, grid, 0.0)).T).T
    return _filled(values, weights, np.full(values.shape, np.nan))


def _doubled(grid: Grid) -> Grid:
    wide = np.concatenate([grid[:1], grid, grid[-1:]])
    finer = np.empty((2 * len(grid), grid.shape[1]))
    finer[::2] = 0.75 * grid + 0.25 * wide[:-2]
    finer[1::2] = 0.75 * grid + 0.25 * wide[2:]
    return finer


def range_of(coded: NDArray[np.uint32]) -> Range:
    """Return which heights above ground occur among those that tiles store, metres."""
    known = coded[coded > 0]
    if not len(known):
        return Range(is_whole=False, gaps=len(coded))
    low, high = (LOWEST_HEIGHT + HEIGHT_STEP * int(end) for end in (known.min(), known.max()))
    return Range(low, high, False, len(coded) - len(known))
