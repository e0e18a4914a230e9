"""Point clouds as sources for tiles: opened once, then read piece by piece, by any process."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from pointclouds.copc import BrokenOctreeError, CopcOctree, octree_of
from pointclouds.findings import finding
from pointclouds.heads import FETCH_AGAIN, LasHead, read_head
from pointclouds.packing import ROWS_AT_ONCE, Packing, Rows, chunks_of, packing_of, unpacked
from pointclouds.records import COLOURS, Field, ends_of, fields_of, layers_of, xyz_of
from pointclouds.systems import placed
from zwilling.errors import SourceError
from zwilling.issues import Issue
from zwilling.points import OPTIONAL_COLUMNS, PointBatch, PointHead
from zwilling.region import Region

POINTS_A_PIECE: Final = 500_000
_SAMPLED_CHUNKS, _SAMPLED_POINTS = 8, 2048
_BRIGHTEST_OF_8_BITS: Final = 255


@dataclass(frozen=True, slots=True, eq=False)
class LasSource:
    """A LAS, LAZ or COPC file, ready to be read piece by piece; it holds no open file.

    Attributes:
        head: what is known of it.
        issues: findings.
        octree: the file's own, where it is COPC and the octree is sound.
        pieces: int64, shape (pieces + 1,): where each piece begins among the chunks.
        rows: chunks of the file, int64, shape (k, 3): place, bytes, points; those of `octree` where there is one.
        dimensions: LAS names of all that the file has of a point beside its place.
    """

    head: PointHead
    issues: tuple[Issue, ...]
    octree: CopcOctree | None
    pieces: NDArray[np.int64]
    rows: Rows
    dimensions: tuple[str, ...]
    _las: LasHead
    _packing: Packing | None
    _fields: dict[str, Field]
    _keep_withheld: bool
    _skip_damaged: bool

    def read(self, chunk: int) -> PointBatch:
        """Return the points of one piece, in file order (of COPC: that of the octree); no point is in two pieces.

        Points that are withheld, which in LAS means deleted, are left out unless they were asked for.

        Raises:
            SourceError: the file is cut off or damaged, or has changed since it was opened.
        """
        return self.read_chunks(int(self.pieces[chunk]), int(self.pieces[chunk + 1]))

    def read_chunks(self, first: int, end: int) -> PointBatch:
        """Return the points of some chunks, which are the nodes of `octree` where there is one.

        Args:
            first, end: rows of `rows`, `end` not included.

        Raises:
            SourceError: as `read`.
        """
        count = int(self.rows[first:end, 2].sum())
        xyz = np.empty((count, 3), np.int32)
        columns = {name: np.empty(count, self._fields[name].dtype) for name in self.head.columns}
        withheld = None if self._keep_withheld else np.zeros(count, bool)
        issues: list[Issue] = []
        at = 0
        with _opened(self._las) as file:
            for number in range(first, end):
                begin = at
                try:
                    for records in self._records(file, number):
                        rows = slice(at, at + len(records))
                        xyz[rows] = xyz_of(records)
                        for name, column in columns.items():
                            column[rows] = self._fields[name].of(records)
                        if withheld is not None:
                            withheld[rows] = self._fields["withheld"].of(records)
                        at = rows.stop
                except SourceError as error:
                    if not self._skip_damaged:
                        raise
                    at = begin
                    lost = int(self.rows[number, 2])
                    message = f"{error.problem}; its {lost:,} points are missing in the result"
                    issues.append(finding("POINTS_LOST", self.head.name, error.where or "", message))
        xyz, columns = xyz[:at], {name: column[:at] for name, column in columns.items()}
        where = self._where(first, end)
        if withheld is not None and (deleted := int(np.count_nonzero(withheld[:at]))):
            kept = ~withheld[:at]
            xyz, columns = xyz[kept], {name: column[kept] for name, column in columns.items()}
            message = f"{deleted:,} points are marked as withheld (deleted) and are left out"
            issues.append(finding("POINTS_WITHHELD", self.head.name, where, message))
        issues += self._oddities(xyz, columns, where)
        return PointBatch(xyz, self.head.lattice, columns, tuple(issues))

    def _records(self, file: BinaryIO, number: int, most: int | None = None) -> Iterator[NDArray[np.uint8]]:
        """Yield the records of one chunk, shape (n, record length); the array is reused."""
        place, size, count = map(int, self.rows[number])
        if self._packing is None:
            yield from _plain(self._las, file, place, count if most is None else min(most, count))
            return
        file.seek(place)
        data = file.read(size)
        if len(data) < size:
            raise SourceError("is cut off since it was opened", source=self.head.name, remedy=FETCH_AGAIN)
        wanted = layers_of(self.head.columns, with_flags=not self._keep_withheld)
        where = self._where(number, number + 1)
        yield from unpacked(self._las.path, self._packing, data, count, where, selection=wanted, most=most)

    def _where(self, first: int, end: int) -> str:
        if self.octree is not None:  # its nodes stand anywhere in the file
            node = "-".join(map(str, self.octree.keys[first].tolist()))
            more = end - first - 1
            return f"octree node {node} and {more:,} more" if more else f"octree node {node}"
        start = int(self.rows[:first, 2].sum())
        return f"points {start:,} to {start + int(self.rows[first:end, 2].sum()) - 1:,}"

    def _oddities(self, xyz: NDArray[np.int32], columns: dict[str, NDArray[np.generic]], where: str) -> Iterator[Issue]:
        if len(xyz) == 0:
            return
        low, high = _in_steps(self.head)
        lowest, highest = ends_of(xyz)
        if (lowest < low).any() or (highest > high).any():
            count = int(((xyz < low) | (xyz > high)).any(axis=1).sum())
            message = f"{count:,} points lie outside of the bounds that the file's head states"
            yield finding("POINTS_OUT_OF_BOUNDS", self.head.name, where, message)
        for name, column in columns.items():
            if column.dtype.kind == "f" and (count := int(np.count_nonzero(~_finite(column)))):
                message = f"{count:,} values of '{name}' are no number"
                yield finding("POINT_COLUMN_NAN", self.head.name, where, message)
        if self.head.has_colours_of_8_bits:
            bright = max(int(columns[name].max()) for name in COLOURS if name in columns)
            if bright > _BRIGHTEST_OF_8_BITS:
                message = f"colours were taken as 0 to 255, as most of the file has them, but reach {bright:,}"
                yield finding("POINT_COLOURS_MIXED", self.head.name, where, message)

    def _brightest(self) -> int:
        """Return the brightest colour in a sample that is spread over the file."""
        numbers = np.unique(np.linspace(0, len(self.rows) - 1, _SAMPLED_CHUNKS).astype(int))
        brightest = 0
        with _opened(self._las) as file:
            for number in numbers:
                try:
                    for records in self._records(file, int(number), _SAMPLED_POINTS):
                        found = (int(self._fields[name].of(records).max()) for name in COLOURS)
                        brightest = max(brightest, *found)
                except SourceError:
                    if not self._skip_damaged:
                        raise
        return brightest


def open_one(
    path: Path,
    *,
    crs: str | None = None,
    region: Region,
    columns: Sequence[str] = OPTIONAL_COLUMNS,
    keep_withheld: bool = False,
    skip_damaged: bool = False,
) -> LasSource:
    """Return one LAS, LAZ or COPC file as a source.

    Runs native code on what the file holds; `pointclouds.opening.Fence` runs it in a process of its own.

    Args:
        path: the file.
        crs: the user's word on the CRS, which goes before what the file says.
        region: what is assumed where the file says nothing.
        columns: dimensions to read, by their LAS names; those of `OPTIONAL_COLUMNS` that a file lacks are not missed.
        keep_withheld: read points also that are marked as withheld, which in LAS means deleted.
        skip_damaged: leave damaged chunks out, with a finding, where otherwise an error ends the reading.

    Raises:
        SourceError: it cannot be read.
        UnknownCRSError: its CRS is missing or unknown, or does not reach where the points are.
    """
    las = read_head(path)
    issues = list(las.issues)
    packing = packing_of(las) if las.is_packed else None
    octree, rows = None, _plain_rows(las)
    if packing is not None:
        octree = _octree(las, issues)
        rows = chunks_of(las, packing) if octree is None else octree.rows
    fields = dict(fields_of(las))
    chosen = [name for name in dict.fromkeys(columns) if name in fields]
    for name in dict.fromkeys(columns):
        if name not in fields and name not in OPTIONAL_COLUMNS:
            message = f"has no dimension '{name}'; it has {', '.join(fields)}"
            issues.append(finding("POINT_COLUMN_MISSING", str(path), "header", message))
    if las.count == 0:
        issues.append(finding("POINTS_NONE", str(path), "header", "has no points"))
    draft = PointHead(
        str(path), _fingerprint(las, crs), "", las.count, las.low, las.high, las.lattice, tuple(chosen), 0
    )
    pieces = _pieces(rows)
    source = LasSource(
        draft, (), octree, pieces, rows, tuple(fields), las, packing, fields, keep_withheld, skip_damaged
    )
    low, high = las.low, las.high
    if las.count and not las.bounds_can_be_true:
        low, high = _measured(source)
        message = "the bounds in the head cannot be true; they were found by reading all points"
        issues.append(finding("POINT_BOUNDS_MEASURED", str(path), "header", message))
    elif las.count == 0:
        low = high = las.lattice.offset
    where = placed(las, crs=crs, region=region, places=(low, high) if las.count else ())
    is_dim = False
    if las.count and set(COLOURS) <= set(chosen):
        brightest = source._brightest()
        is_dim = 0 < brightest <= _BRIGHTEST_OF_8_BITS
        if brightest == 0:
            chosen = [name for name in chosen if name not in COLOURS]
            issues.append(finding("POINT_COLOURS_EMPTY", str(path), "header", "has room for colours, but none"))
    head = replace(
        draft, crs=where.crs.name, low=low, high=high, columns=tuple(chosen), chunks=len(pieces) - 1,
        has_colours_of_8_bits=is_dim,
    )  # fmt: skip
    kept = {name: fields[name] for name in {*chosen, "withheld"}}
    return replace(source, head=head, issues=(*issues, *where.issues), _fields=kept)


def _octree(las: LasHead, issues: list[Issue]) -> CopcOctree | None:
    try:
        return octree_of(las)
    except BrokenOctreeError as error:
        message = f"its octree (COPC) is not used: {error}"
        issues.append(finding("COPC_UNUSABLE", str(las.path), "copc", message))
        return None


def _plain_rows(las: LasHead) -> Rows:
    """Return unpacked points as if they were chunks, each one a piece."""
    starts = np.arange(0, las.count if not las.is_packed else 0, POINTS_A_PIECE, dtype=np.int64)
    counts = np.minimum(POINTS_A_PIECE, las.count - starts)
    return np.stack([las.points_at + starts * las.record_length, counts * las.record_length, counts], axis=1)


def _pieces(rows: Rows) -> NDArray[np.int64]:
    """Return where pieces of about `POINTS_A_PIECE` begin among the chunks, and the end."""
    begun = (np.cumsum(rows[:, 2]) - rows[:, 2]) // POINTS_A_PIECE
    firsts = np.flatnonzero(np.diff(begun, prepend=-1)) if len(rows) else np.empty(0, np.int64)
    return np.append(firsts, len(rows)).astype(np.int64)


def _plain(las: LasHead, file: BinaryIO, place: int, count: int) -> Iterator[NDArray[np.uint8]]:
    file.seek(place)
    for start in range(0, count, ROWS_AT_ONCE):
        wanted = min(ROWS_AT_ONCE, count - start)
        data = file.read(wanted * las.record_length)
        if len(data) < wanted * las.record_length:
            raise SourceError("is cut off since it was opened", source=las.path, remedy=FETCH_AGAIN)
        yield np.frombuffer(data, np.uint8).reshape(wanted, las.record_length)


def _opened(las: LasHead) -> BinaryIO:
    try:
        return las.path.open("rb")
    except OSError as error:
        raise SourceError(
            f"cannot be read any more: {error.strerror}", source=las.path, remedy="check that it is still there"
        ) from error


def _measured(source: LasSource) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Return lowest and highest corner of all points."""
    bare = replace(source, head=replace(source.head, columns=()))
    low, high = np.full(3, 2**31 - 1, np.int64), np.full(3, -(2**31), np.int64)
    with _opened(bare._las) as file:
        for number in range(len(bare.rows)):
            try:
                for records in bare._records(file, number):
                    lowest, highest = ends_of(xyz_of(records))
                    low, high = np.minimum(low, lowest), np.maximum(high, highest)
            except SourceError:
                if not bare._skip_damaged:
                    raise
    scale, offset = np.array(bare.head.lattice.scale), np.array(bare.head.lattice.offset)
    lows, highs = low * scale + offset, high * scale + offset
    return (float(lows[0]), float(lows[1]), float(lows[2])), (float(highs[0]), float(highs[1]), float(highs[2]))


def _finite(column: NDArray[Any]) -> NDArray[np.bool_]:
    finite: NDArray[np.bool_] = np.isfinite(column)  # as they are: turning some NaN into doubles is worth a warning
    return finite


def _in_steps(head: PointHead) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the head's bounds as stored coordinates, with a step to spare for rounding."""
    scale, offset = np.array(head.lattice.scale), np.array(head.lattice.offset)
    low, high = (np.array(head.low) - offset) / scale, (np.array(head.high) - offset) / scale
    return np.floor(low).astype(np.int64) - 1, np.ceil(high).astype(np.int64) + 1


def _fingerprint(las: LasHead, crs: str | None) -> str:
    """Return what changes with a file: its size and time, its beginning and its end."""
    try:
        with las.path.open("rb") as file:
            digest = hashlib.sha256(f"{las.size} {las.path.stat().st_mtime_ns} {crs}".encode())
            digest.update(file.read(1 << 16))
            file.seek(max(0, las.size - (1 << 16)))
            digest.update(file.read(1 << 16))
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", source=las.path) from error
    return digest.hexdigest()
