"""Runs: points of one piece of a file on disk, sorted by the cells of space that partitions are made of.

A run is a file of 32-bit columns one after the other: x, y, z on the layer's grid, `FACTS`, and the colour where the
layer has any.  With it goes an index: which cells it has points in, in Morton order, and how many in each.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tiler.points.morton import interleave
from zwilling.errors import TilesetError

CELL_BITS: Final = 21
"""Cells are numbered by so many bits along each axis; the middle of the numbers is the layer's origin."""

_MIDDLE: Final = 1 << (CELL_BITS - 1)
_MOST_RANKS: Final = 1 << 16

Table = NDArray[np.uint32]
"""Shape (columns, n)."""


@dataclass(frozen=True, slots=True)
class Index:
    """Points of a run by cell.

    Attributes:
        codes: Morton codes of cells, uint64, ascending.
        counts: how many points each has, int64.
    """

    codes: NDArray[np.uint64]
    counts: NDArray[np.int64]

    def write(self, run: Path) -> None:
        """Store the index beside its run."""
        try:
            with _index_of(run).open("wb") as file:
                np.save(file, np.stack([self.codes, self.counts.astype(np.uint64)]))
        except OSError as error:
            raise disk_error(run, error) from error

    @classmethod
    def read(cls, run: Path) -> Index:
        """Return the index that stands beside a run."""
        codes, counts = np.load(_index_of(run))
        return cls(codes, counts.astype(np.int64))

    @classmethod
    def sum(cls, indexes: Sequence[Index]) -> Index:
        """Return all points of some runs, at least one, by cell."""
        codes, inverse = np.unique(np.concatenate([index.codes for index in indexes]), return_inverse=True)
        counts = np.zeros(len(codes), np.int64)
        np.add.at(counts, inverse, np.concatenate([index.counts for index in indexes]))
        return cls(codes, counts)


def _index_of(run: Path) -> Path:
    return run.with_name(run.name + ".index")


def cells_of(places: NDArray[np.int32], cell_bits: int) -> NDArray[np.int32]:
    """Return the cells of places; both shape (3, n)."""
    return places >> np.int32(cell_bits)


def sort_by_cell(places: NDArray[np.int32], cell_bits: int) -> tuple[NDArray[np.intp], Index]:
    """Return the order of points by cell, those of one cell as they were, and the index of that order.

    Args:
        places: shape (3, n), n >= 1.
        cell_bits: a cell is `2 ** cell_bits` steps a side.
    """
    low = (places.min(axis=1) >> cell_bits).astype(np.int64)
    high = (places.max(axis=1) >> cell_bits).astype(np.int64)
    size = high - low + 1
    if int(size.prod()) > _MOST_RANKS:
        return _sort_scattered(cells_of(places, cell_bits))
    # The cells are few, so each point gets the rank of its cell, and numpy sorts 16-bit numbers by counting.
    x, y, z = np.indices(size.tolist()).reshape(3, -1)
    codes = interleave(x + low[0] + _MIDDLE, y + low[1] + _MIDDLE, z + low[2] + _MIDDLE)
    by_code = np.argsort(codes, kind="stable")
    ranks = np.empty(len(codes), np.uint16)
    ranks[by_code] = np.arange(len(codes), dtype=np.uint16)
    number = (places[0] >> cell_bits) - np.int32(low[0])
    for axis in (1, 2):
        number *= np.int32(size[axis])
        number += (places[axis] >> cell_bits) - np.int32(low[axis])
    keys = ranks.take(number)
    counts = np.bincount(keys, minlength=len(codes))
    filled = np.flatnonzero(counts)
    return np.argsort(keys, kind="stable"), Index(codes[by_code][filled], counts[filled].astype(np.int64))


def _sort_scattered(cells: NDArray[np.int32]) -> tuple[NDArray[np.intp], Index]:
    keys = interleave(*(axis.astype(np.int64) + _MIDDLE for axis in cells))
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    return order, Index(ordered[starts], np.diff(np.append(starts, len(ordered))))


@dataclass(frozen=True, slots=True)
class Segment:
    """Points of a run that stand together.

    Attributes:
        path: file of the run.
        total: how many points the run has.
        start, count: which are meant.
    """

    path: Path
    total: int
    start: int
    count: int


def write_run(path: Path, table: Table) -> None:
    """Store the columns of a run.

    Raises:
        TilesetError: the disk is full.
    """
    try:
        with path.open("wb", buffering=0) as file:
            for column in table:
                _write_all(file.fileno(), np.ascontiguousarray(column).data.cast("B"))
    except OSError as error:
        raise disk_error(path, error) from error


def _write_all(descriptor: int, data: memoryview) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def read_segments(segments: Sequence[Segment], columns: int, *, room: int = 0) -> Table:
    """Return the points of all segments, in their order, shape (columns + room, n); what stands in the room is open."""
    table = np.empty((columns + room, sum(segment.count for segment in segments)), np.uint32)
    begin = 0
    for segment in segments:
        end = begin + segment.count
        with segment.path.open("rb", buffering=0) as file:
            for number in range(columns):
                _read_into(file.fileno(), segment, number, table[number, begin:end])
        begin = end
    return table


def _read_into(descriptor: int, segment: Segment, column: int, target: NDArray[np.uint32]) -> None:
    view = target.data.cast("B")
    offset = 4 * (column * segment.total + segment.start)
    while view:
        got = os.preadv(descriptor, [view], offset)
        if not got:
            raise TilesetError("has been cut off while the program ran", source=segment.path)
        view, offset = view[got:], offset + got


def rewrite(segment: Segment, table: Table) -> None:
    """Store points in the place of those of a segment.

    Raises:
        TilesetError: the disk is full.
    """
    try:
        with segment.path.open("r+b", buffering=0) as file:
            for number, column in enumerate(table):
                data = np.ascontiguousarray(column).data.cast("B")
                offset = 4 * (number * segment.total + segment.start)
                while data:
                    written = os.pwrite(file.fileno(), data, offset)
                    data, offset = data[written:], offset + written
    except OSError as error:
        raise disk_error(segment.path, error) from error


def disk_error(path: Path, error: OSError) -> TilesetError:
    """Return the error for a scratch file that cannot be written."""
    return TilesetError(
        f"cannot be written ({error.strerror})",
        source=path,
        remedy="free some disk space or choose another folder with -o",
    )
