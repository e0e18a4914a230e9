"""Export of observations as CSV or Parquet: a stream that holds some thousand rows at a time, however many there are.

Rows are read in short steps by key, datastream after datastream, so that an export of hours neither stands in the
intake's way nor keeps old states of the database alive.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select, tuple_

from sensor_overlay.access import Principal, visible
from sensor_overlay.instants import text
from sensor_overlay.store.errors import StoreError
from sensor_overlay.store.opening import Store
from sensor_overlay.store.schema import datastream, observation, thing
from sensor_overlay.uplink import Quality

_ROWS_A_STEP: Final = 5_000
_ROWS_A_GROUP: Final = 100_000

COLUMNS: Final = (
    "phenomenon_time",
    "result_time",
    "thing",
    "name",
    "site",
    "room",
    "observed_property",
    "result",
    "unit",
    "quality",
)
"""Heads of the columns. `thing` is the county's own id, else the device's; `quality` is empty for a sound value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which observations are exported.

    Attributes:
        begin: first phenomenonTime, an instant.
        end: first one that is no longer part of it.
        site: short id of a school or plant; None for all.
        observed_properties: keys; empty for all.
    """

    begin: int
    end: int
    site: str | None = None
    observed_properties: frozenset[str] = frozenset()


Row = tuple[int, int | None, str, str, str, str, str, float, str, int]
"""The values of `COLUMNS`: instants, texts, and `Quality` as a number."""


async def exported(store: Store, selection: Selection, principal: Principal) -> AsyncIterator[list[Row]]:
    """Yield the numbers of a selection that `principal` may see, by thing, property and time, some thousand at a time.

    Who may see what is looked up once, at the beginning.
    """
    condition = [visible(principal)]
    if selection.site is not None:
        condition.append(thing.c.site == selection.site)
    if selection.observed_properties:
        condition.append(datastream.c.key.in_(sorted(selection.observed_properties)))
    streams = (
        select(
            datastream.c.id,
            thing.c.key,
            thing.c.dev_eui,
            thing.c.name,
            thing.c.site,
            thing.c.room,
            datastream.c.key.label("observed_property"),
            datastream.c.name.label("datastream"),
            datastream.c.unit_symbol,
        )
        .join_from(datastream, thing, thing.c.id == datastream.c.thing_id)
        .where(*condition)
        .order_by(thing.c.site, thing.c.room, thing.c.id, datastream.c.key)
    )
    async with store.reading() as connection:
        found = (await connection.execute(streams)).all()
    rows: list[Row] = []
    for stream in found:
        who = (
            stream.key or stream.dev_eui or "",
            stream.name,
            stream.site,
            stream.room,
            stream.observed_property or stream.datastream,
        )
        async for part in _values(store, stream.id, selection):
            rows += [
                (time, arrived, *who, result, stream.unit_symbol or "", quality)
                for time, arrived, result, quality in part
            ]
            if len(rows) >= _ROWS_A_STEP:
                yield rows
                rows = []
    if rows:
        yield rows


async def _values(store: Store, stream: int, selection: Selection) -> AsyncIterator[list[Any]]:
    """Yield time, time of arrival, result and quality of one datastream."""
    query = (
        select(
            observation.c.phenomenon_time,
            observation.c.result_time,
            observation.c.result,
            observation.c.quality,
            observation.c.id,
        )
        .where(
            observation.c.datastream_id == stream,
            observation.c.phenomenon_time < selection.end,
            observation.c.result.is_not(None),
        )
        .order_by(observation.c.phenomenon_time, observation.c.id)
        .limit(_ROWS_A_STEP)
    )
    place = tuple_(observation.c.phenomenon_time, observation.c.id)
    after = (selection.begin, -1)
    while True:
        async with store.reading() as connection:
            part = (await connection.execute(query.where(place > after))).all()
        if part:
            after = (part[-1].phenomenon_time, part[-1].id)
            yield [row[:4] for row in part]
        if len(part) < _ROWS_A_STEP:
            return


_WORDS = {number: "+".join(flag.name.lower() for flag in Quality(number) if flag.name) for number in range(16)}


async def csv_export(store: Store, selection: Selection, principal: Principal) -> AsyncIterator[bytes]:
    """Yield a selection as CSV (RFC 4180, UTF-8), times as RFC 3339 in UTC."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    async for rows in exported(store, selection, principal):
        writer.writerows(
            (_time(time), _time(arrived), *map(_harmless, texts), _number(result), unit, _WORDS[quality & 15])
            for time, arrived, *texts, result, unit, quality in rows
        )
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()
    if buffer.tell():
        yield buffer.getvalue().encode()


def _time(instant: int | None) -> str:
    if instant is None:
        return ""
    try:
        return text(instant)
    except OverflowError:  # no year that people count
        return str(instant)


def _number(result: float) -> str:
    return str(int(result)) if result.is_integer() and abs(result) < 1e15 else repr(result)


def _harmless(cell: Any) -> str:
    """Return a text as a spreadsheet takes it for one: a device's name is anybody's, and could be a formula.

    Example:
        >>> _harmless("=1+1"), _harmless("Raum 204")
        ("'=1+1", 'Raum 204')
    """
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


class _Sink(io.RawIOBase):
    """A file that is written and taken away piece by piece."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []
        self._length = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._length

    def write(self, piece: Any, /) -> int:
        self._pieces.append(bytes(piece))
        self._length += len(piece)
        return len(piece)

    def taken(self) -> bytes:
        pieces, self._pieces = b"".join(self._pieces), []
        return pieces


async def parquet_export(store: Store, selection: Selection, principal: Principal) -> AsyncIterator[bytes]:
    """Yield a selection as Parquet, times as timestamps in UTC, `quality` as the number.

    Raises:
        StoreError: the library for it is not installed.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise StoreError(
            "Parquet needs a library that is not installed", remedy="pip install 'zwilling[parquet]', or export CSV"
        ) from error
    instant, name = pa.timestamp("us", tz="UTC"), pa.dictionary(pa.int32(), pa.string())
    kinds = (instant, instant, name, name, name, name, name, pa.float64(), name, pa.int16())
    schema = pa.schema(list(zip(COLUMNS, kinds, strict=True)))
    sink = _Sink()

    def group(rows: Sequence[Row]) -> None:
        columns = zip(*rows, strict=True)
        arrays = [pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
        writer.write_table(pa.Table.from_arrays(arrays, schema=schema), row_group_size=len(rows))

    with parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        waiting: list[Row] = []
        async for rows in exported(store, selection, principal):
            waiting += rows
            if len(waiting) >= _ROWS_A_GROUP:
                await asyncio.to_thread(group, waiting)
                waiting = []
                yield sink.taken()
        if waiting:
            await asyncio.to_thread(group, waiting)
    yield sink.taken()
