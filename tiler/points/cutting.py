"""Who makes what: the points of all runs cut into partitions, and those again where the first cut was too coarse.

Cells of runs are chosen before any point is read.  Where points are far denser than the heads of the files made
believe, a cell can hold more than a worker's memory takes.  Its points are then sorted anew, by finer cells, in
the place where they stand on disk.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from tiler.points.morton import SAME
from tiler.points.octree import Cell
from tiler.points.partition import Cube, Histogram
from tiler.points.runs import Index, Segment, read_segments, rewrite, sort_by_cell
from tiler.points.spill import PLACE_COLUMNS
from tiler.workers import Workers

_FINER: Final = 5  # levels at once; as many cells as can be sorted by counting
_PARTS: Final = 100_000  # more than the tiles of one share


@dataclass(frozen=True, slots=True)
class Share:
    """What one task makes tiles of: the points of a cell.

    Attributes:
        cell: which.
        first_depth: depth at which it parts from the one before it in Morton order.
        first_part: number of its first tile; not 0 where a cell has more points than one task may hold.
        segments: its points, in canonical order.
    """

    cell: Cell
    first_depth: int
    first_part: int
    segments: tuple[Segment, ...]

    @property
    def count(self) -> int:
        """How many points there are."""
        return sum(segment.count for segment in self.segments)


def cut(runs: Sequence[Path], histogram: Histogram, most: int, columns: int, workers: Workers) -> list[Share]:
    """Return who makes what, in Morton order, each with at most `most` points.

    Args:
        runs: in canonical order, with their indexes beside them.
        histogram: of all their points.
        most: points of a share.
        columns: how many columns runs have.
        workers: sort anew what must be.
    """
    whole = [(Segment(run, int(index.counts.sum()), 0, int(index.counts.sum())), index) for run, index in _read(runs)]
    shares = _shares(whole, histogram, most, Cell(0, (0, 0, 0)), 0)
    while any(share.count > most and share.cell.depth < histogram.cube.bottom for share in shares):
        shares = [finer for share in shares for finer in _finer(share, histogram.cube, most, columns, workers)]
    return [part for share in shares for part in _divided(share, most)]


def _read(runs: Sequence[Path]) -> Iterator[tuple[Path, Index]]:
    for run in runs:
        yield run, Index.read(run)


def _shares(
    parts: Sequence[tuple[Segment, Index]], histogram: Histogram, most: int, cell: Cell, first_depth: int
) -> list[Share]:
    """Return the shares of what is in `cell`, whose corner and depth the histogram counts from."""
    partitions = histogram.partitions(most)
    firsts = histogram.codes[[partition.begin for partition in partitions]]
    found: list[list[Segment]] = [[] for _ in partitions]
    for segment, index in parts:
        starts = np.concatenate([[0], np.cumsum(index.counts)])
        owners = np.searchsorted(firsts, histogram.within(index.codes), side="right") - 1
        cuts = np.flatnonzero(np.concatenate([[True], owners[1:] != owners[:-1], [True]]))
        for begin, end in pairwise(cuts.tolist()):
            start, stop = int(starts[begin]), int(starts[end])
            part = replace(segment, start=segment.start + start, count=stop - start)
            found[int(owners[begin])].append(part)
    return [
        Share(
            partition.cell.below(cell),
            cell.depth + partition.first_depth if number else first_depth,
            0,
            tuple(segments),
        )
        for number, (partition, segments) in enumerate(zip(partitions, found, strict=True))
    ]


@dataclass(frozen=True, slots=True)
class _Sort:
    """Points of one cell to be sorted by finer cells."""

    segment: Segment
    columns: int
    low: tuple[int, int, int]
    cell_bits: int


def _sort(task: _Sort) -> Index:
    table = read_segments([task.segment], task.columns)
    low = np.array(task.low, np.int64)[:, None]
    places = (table[:PLACE_COLUMNS].view(np.int32) - low).astype(np.int32)
    order, index = sort_by_cell(places, task.cell_bits)
    rewrite(task.segment, table.take(order, axis=1))
    return index


def _finer(share: Share, cube: Cube, most: int, columns: int, workers: Workers) -> list[Share]:
    levels = cube.bottom - share.cell.depth
    if share.count <= most or not levels:
        return [share]
    cell_bits = max(levels - _FINER, 0)
    x, y, z = (low + (place << levels) for low, place in zip(cube.low, share.cell.place, strict=True))
    tasks = [_Sort(segment, columns, (x, y, z), cell_bits) for segment in share.segments]
    indexes = list(workers.map(_sort, tasks))
    histogram = Histogram.of_cell(Index.sum(indexes), levels, cell_bits)
    parts = list(zip(share.segments, indexes, strict=True))
    return _shares(parts, histogram, most, share.cell, share.first_depth)


def _divided(share: Share, most: int) -> Iterator[Share]:
    """Yield a share in several, where more points than `most` are at one place."""
    group: list[Segment] = []
    number = room = 0
    for segment in share.segments:
        start = segment.start
        while start < segment.start + segment.count:
            if not room:
                if group:
                    yield _part(share, number, group)
                    number += 1
                group, room = [], most
            count = min(room, segment.start + segment.count - start)
            group.append(replace(segment, start=start, count=count))
            start, room = start + count, room - count
    yield _part(share, number, group)


def _part(share: Share, number: int, segments: Sequence[Segment]) -> Share:
    # Points of a later part are at the place of those before, so none is the first of any cell.
    first_depth = SAME if number else share.first_depth
    return Share(share.cell, first_depth, number * _PARTS, tuple(segments))
