"""LAZ: points packed by LASzip, taken apart chunk by chunk so that no number from a file reaches native code unchecked.

A LAZ file is: 8 bytes that say where the chunk table is, the chunks, the chunk table.  lazrs trusts all of it (0.8.2
ends the process on a table that claims 4 billion chunks).  Here each chunk is checked first: its place, its count and,
where it is layered (formats 6 to 10), the length of every layer.  Then lazrs is handed a file in memory with that one
chunk and a table made for it.  That costs nothing measurable, and damage in one chunk cannot spread to the next.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import lazrs
import numpy as np
from numpy.typing import NDArray

from pointclouds.heads import FETCH_AGAIN, RECORD_LENGTHS, LasHead, read_vlr
from zwilling.errors import SourceError

ROWS_AT_ONCE: Final = 1 << 16
"""Points that are unpacked before their columns are taken: few enough to stay in the processor's cache."""

_VLR: Final = struct.Struct("<HHBBHIIqqH")
_ITEM: Final = struct.Struct("<HHH")
_POINTWISE_CHUNKED, _LAYERED_CHUNKED = 2, 3
_VARIABLE: Final = 0xFFFFFFFF
# A chunk can only be unpacked as a whole, so its points have to fit in memory; LASzip's own are of 50,000.
_MOST_IN_CHUNK: Final = 20_000_000
# How many layers an item of a layered chunk has; type 14 has one for each of its bytes.
_POINT14, _BYTE14 = 10, 14
_LAYERS: Final = {_POINT14: 9, 11: 1, 12: 2, 13: 1}
_ITEMS: Final = frozenset((0, 6, 7, 8, 9, *_LAYERS, _BYTE14))

Rows = NDArray[np.int64]
"""Chunks, shape (k, 3): where one begins in the file, its bytes, its points."""


@dataclass(frozen=True, slots=True)
class Packing:
    """How the points of a LAZ file are packed.

    Attributes:
        record: the LASzip record as it stands in the file, checked.
        chunk_size: points in each chunk but the last; None where each has its own count.
        layers: layers of a chunk; 0 where chunks are not layered.
        record_length: bytes of a point.
    """

    record: bytes
    chunk_size: int | None
    layers: int
    record_length: int


def packing_of(head: LasHead) -> Packing:
    """Return how a LAZ file is packed.

    Raises:
        SourceError: the LASzip record is missing, of another kind than lazrs reads, or does not fit the points.
    """
    vlr = head.find("laszip encoded", 22204)
    if vlr is None or vlr.is_extended:
        raise _refused(head.path, "is marked as packed (LAZ), but has no record that says how")
    record = read_vlr(head.path, vlr)
    if len(record) < _VLR.size:
        raise _refused(head.path, "has a cut-off LASzip record")
    compressor, coder, _, _, _, _, chunk_size, _, _, count = _VLR.unpack_from(record)
    if compressor not in (_POINTWISE_CHUNKED, _LAYERED_CHUNKED) or coder != 0:
        raise SourceError(
            f"is packed by LASzip's method {compressor} (coder {coder}), which nothing but LASzip unpacks",
            source=head.path,
            remedy="pack it anew: laszip -i IN -o OUT.las, then laszip -i OUT.las",
        )
    if not 0 < count <= 16 or len(record) < _VLR.size + count * _ITEM.size:
        raise _refused(head.path, f"has a LASzip record of {len(record)} bytes that lists {count} items")
    items = [_ITEM.unpack_from(record, _VLR.size + i * _ITEM.size) for i in range(count)]
    is_layered = compressor == _LAYERED_CHUNKED
    if is_layered != (head.format >= 6) or is_layered != (items[0][0] == _POINT14):
        raise _refused(head.path, f"has points of format {head.format}, which its LASzip record does not fit")
    if any(kind not in _ITEMS or (kind in _LAYERS or kind == _BYTE14) != is_layered for kind, _, _ in items):
        raise _refused(head.path, "has a LASzip record with items that no format has")
    if _plain_items(head) != [item[:2] for item in items]:
        raise _refused(
            head.path, f"has records of {head.record_length} bytes in format {head.format}, and packs other items"
        )
    if chunk_size == 0:
        raise _refused(head.path, "is packed in chunks of 0 points")
    layers = sum(width if kind == _BYTE14 else _LAYERS[kind] for kind, width, _ in items) if is_layered else 0
    return Packing(
        record[: _VLR.size + count * _ITEM.size],
        None if chunk_size == _VARIABLE else chunk_size,
        layers,
        head.record_length,
    )


def _plain_items(head: LasHead) -> list[tuple[int, int]]:
    """Return the items, type and bytes, that points of a format and length are packed as."""
    items: list[tuple[int, int]]
    if head.format >= 6:
        items = [(_POINT14, 30)]
        items += [(11, 6)] if head.format == 7 else [(12, 8)] if head.format in (8, 10) else []
        items += [(13, 29)] if head.format in (9, 10) else []
    else:
        items = [(6, 20)]
        items += [(7, 8)] if head.format in (1, 3, 4, 5) else []
        items += [(8, 6)] if head.format in (2, 3, 5) else []
        items += [(9, 29)] if head.format in (4, 5) else []
    extra = head.record_length - RECORD_LENGTHS[head.format]
    return items + ([(_BYTE14 if head.format >= 6 else 0, extra)] if extra else [])


def chunks_of(head: LasHead, packing: Packing) -> Rows:
    """Return the chunks of a LAZ file by its chunk table, as many points in all as its head promises.

    Raises:
        SourceError: the table is missing, cut off, or at odds with the file's size or with the head's count.
    """
    if head.count == 0:
        return np.empty((0, 3), np.int64)
    with head.path.open("rb") as file:
        table_at = _table_at(head, file)
        file.seek(table_at)
        version, count = struct.unpack("<II", file.read(8))
        room = table_at - head.points_at - 8
        if version != 0 or not 0 < count * packing.record_length <= room:
            raise _refused(
                head.path,
                f"its chunk table (version {version}) claims {count:,} chunks in {room:,} bytes of points",
            )
        file.seek(table_at)
        # A chunk's entry takes less than 16 bytes; what follows the table does no harm.
        table = file.read(64 + count * 16)
    try:
        entries = lazrs.read_chunk_table(
            io.BytesIO(struct.pack("<q", 8) + table + bytes(16)), lazrs.LazVlr(packing.record)
        )
    except BaseException as error:
        raise _from_native(head.path, "its chunk table", error) from error
    rows = np.empty((len(entries), 3), np.int64)
    try:
        rows[:, 2], rows[:, 1] = zip(*entries, strict=True)
    except (OverflowError, ValueError) as error:
        raise _refused(head.path, "its chunk table holds numbers that no chunk can have") from error
    if len(rows) != count or rows[:, 1:].min() < 0 or rows[:, 1:].max() > max(head.size, _VARIABLE):
        raise _refused(head.path, "its chunk table holds numbers that no chunk can have")
    rows = rows[rows[:, 1] > 0]
    rows[:, 0] = head.points_at + 8 + np.concatenate([[0], np.cumsum(rows[:, 1])[:-1]])
    if len(rows) == 0 or rows[-1, 0] + rows[-1, 1] > table_at:
        raise _refused(head.path, "its chunk table places chunks behind the end of its points")
    return _counted(head, packing, rows)


def _table_at(head: LasHead, file: BinaryIO) -> int:
    file.seek(head.points_at)
    data = file.read(8)
    table_at = struct.unpack("<q", data)[0] if len(data) == 8 else -1
    if table_at == -1 and head.size >= head.points_at + 24:
        # Whoever wrote to a pipe could not go back, and put it at the very end.
        file.seek(head.size - 8)
        (table_at,) = struct.unpack("<q", file.read(8))
    if not head.points_at + 8 < table_at <= head.size - 8:
        raise SourceError(
            f"is cut off or damaged: its chunk table should be at byte {table_at:,} of {head.size:,}",
            source=head.path,
            remedy=FETCH_AGAIN,
        )
    return int(table_at)


def _counted(head: LasHead, packing: Packing, rows: Rows) -> Rows:
    """Return chunks with their points, the last one of fixed size with what is left for it."""
    if packing.chunk_size is not None:
        rows[:, 2] = packing.chunk_size
        left = head.count - (len(rows) - 1) * packing.chunk_size
        if not 0 < left <= packing.chunk_size:
            raise _refused(
                head.path,
                f"promises {head.count:,} points, but holds {len(rows):,} chunks of {packing.chunk_size:,}: it is cut "
                "off, or its head lies",
            )
        rows[-1, 2] = left
    elif int(rows[:, 2].sum()) != head.count or rows[:, 2].min() <= 0:
        raise _refused(
            head.path, f"promises {head.count:,} points, but its chunks hold {int(rows[:, 2].sum()):,}: its head lies"
        )
    if (most := int(rows[:, 2].max())) > _MOST_IN_CHUNK:
        raise SourceError(
            f"is packed in chunks of {most:,} points, which no program can read in parts",
            source=head.path,
            remedy="pack it anew in chunks of 50,000, for example with las2las or pdal translate",
        )
    return rows


def unpacked(
    path: Path,
    packing: Packing,
    data: bytes,
    count: int,
    where: str,
    *,
    selection: int | None = None,
    most: int | None = None,
) -> Iterator[NDArray[np.uint8]]:
    """Yield the records of one chunk, each time up to `ROWS_AT_ONCE`, shape (n, record length); the array is reused.

    Args:
        path: the file, for messages.
        packing: see `packing_of`.
        data: the chunk's bytes.
        count: its points.
        where: which chunk, for messages.
        selection: lazrs' bits for the fields that are wanted, for layered chunks; others come out as anything.
        most: how many of its points are wanted, all if None.

    Raises:
        SourceError: the chunk is damaged.
    """
    _check_chunk(path, packing, data, count, where)
    wanted_rows = count if most is None else min(count, most)
    room = np.empty((min(wanted_rows, ROWS_AT_ONCE), packing.record_length), np.uint8)
    try:
        whole = io.BytesIO()
        whole.write(struct.pack("<q", 8 + len(data)))
        whole.write(data)
        lazrs.write_chunk_table(whole, [(count, len(data))], lazrs.LazVlr(packing.record))
        whole.seek(0)
        wanted = None if selection is None or not packing.layers else lazrs.DecompressionSelection(selection)
        decompressor = lazrs.LasZipDecompressor(whole, packing.record, wanted)
        for start in range(0, wanted_rows, ROWS_AT_ONCE):
            rows = room[: min(ROWS_AT_ONCE, wanted_rows - start)]
            decompressor.decompress_many(rows.reshape(-1))
            yield rows
    except GeneratorExit:
        raise
    except BaseException as error:
        raise _from_native(path, where, error) from error


def _check_chunk(path: Path, packing: Packing, data: bytes, count: int, where: str) -> None:
    """Refuse a chunk that contradicts itself; a layered one states its points and the length of each layer."""
    if len(data) < packing.record_length:
        raise SourceError("is cut off", source=path, where=where, remedy=FETCH_AGAIN)
    if not packing.layers:
        return
    at = packing.record_length
    if len(data) < at + 4 + 4 * packing.layers:
        if count == 1 and len(data) == at:
            return
        raise SourceError("is cut off", source=path, where=where, remedy=FETCH_AGAIN)
    own, *lengths = struct.unpack_from(f"<I{packing.layers}I", data, at)
    if own != count:
        problem = f"holds {own:,} points where {count:,} are promised: the file is damaged, or its head lies"
        raise SourceError(problem, source=path, where=where, remedy=FETCH_AGAIN)
    held = len(data) - at - 4 - 4 * packing.layers
    if sum(lengths) != held:
        problem = f"is damaged: its layers claim {sum(lengths):,} bytes of {held:,}"
        raise SourceError(problem, source=path, where=where, remedy=FETCH_AGAIN)


def _from_native(path: Path, where: str, error: BaseException) -> SourceError:
    """Return what lazrs raised as one of our errors; a panic of Rust code comes as a BaseException of its own."""
    if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
        raise error
    return SourceError(
        f"is cut off or damaged ({str(error)[:120]})",
        source=path,
        where=where,
        remedy=FETCH_AGAIN,
    )


def _refused(path: Path, problem: str) -> SourceError:
    return SourceError(problem, source=path, remedy=FETCH_AGAIN)
