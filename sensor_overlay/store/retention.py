"""Retention: single observations go after some months, the means of their hours stay.

It works in short transactions of its own, between which intake writes; stopped at any point, it goes on the next time.
On PostgreSQL a month goes as a whole, when all of it is old: its means are reckoned beside the intake, which waits only
while the partition is taken away.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Table,
    and_,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from sensor_overlay.instants import DAY, HOUR
from sensor_overlay.instants import now as present
from sensor_overlay.instants import text as text_of
from sensor_overlay.store.errors import StoreError, StoreUnavailableError, translated
from sensor_overlay.store.lists import Numbers, among
from sensor_overlay.store.observing import FUTURE
from sensor_overlay.store.opening import Counter, Store, lock_writers
from sensor_overlay.store.partitions import Month, bounds, existing, month_of, partition
from sensor_overlay.store.reading import mean_of_hours
from sensor_overlay.store.schema import counter, dead_letter, hourly, latest, observation, thing, uplink
from sensor_overlay.uplink import Quality

MOST_LETTERS: Final = 100_000
"""Dead letters of which no more are kept, however young they are."""

_log = logging.getLogger("zwilling.sensors")

_STREAMS_A_STEP = 40
_ROWS_A_STEP = 5_000
_TRIES = 10
_CLOCK = int(Quality.CLOCK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a run of retention removed.

    Attributes:
        observations: single ones; the means of their hours stay.
        months: partitions that went as a whole (PostgreSQL).
        uplinks: frames.
        letters: dead letters.
        devices: that nobody registered, and that were not heard for as long.
    """

    observations: int
    months: tuple[Month, ...]
    uplinks: int
    letters: int
    devices: int


async def keep(store: Store, now: int, *, days: int, letter_days: int) -> Kept:
    """Remove what is older than the settings say; return what that was.

    Args:
        store: the database.
        now: server time.
        days: that single observations and frames are kept.
        letter_days: that dead letters are kept.

    Raises:
        StoreUnavailableError: what was removed so far is; call it again.
    """
    limit = now - days * DAY
    limit -= limit % HOUR
    async with store.writing(now) as commit:
        since = commit.counters[Counter.RAW_SINCE]
        if limit > since:
            await commit.numbers(Counter.RAW_SINCE, limit - since)
    _log.info("retention begins: single observations before %s go", text_of(limit))
    months: list[Month] = []
    removed = 0
    rows_before = limit
    if store.dialect == "postgresql":
        rows_before = bounds(month_of(limit))[0]
        async with store.reading() as connection:
            there = await existing(connection)
        for month in sorted(there):
            if bounds(month)[1] <= limit:
                removed += await _drop_month(store, now, month)
                months.append(month)
    removed += await _remove_old(store, now, rows_before, limit)
    removed += await _remove_future(store, now, limit)
    kept = Kept(
        observations=removed,
        months=tuple(months),
        uplinks=await _remove_in_steps(store, now, uplink, uplink.c.received < limit),
        letters=await _remove_letters(store, now, now - letter_days * DAY),
        devices=await _forget_unknown(store, now, limit),
    )
    async with store.writing(now) as commit:
        await commit.numbers(Counter.KEPT, now - commit.counters[Counter.KEPT])
    await store.analyse(now)
    _log.info("retention ends: %s", kept)
    return kept


def is_due(last: int, now: int) -> bool:
    """Return whether retention should run: once a night, and by day where it has not for two days.

    Args:
        last: instant at which it last came to its end.
        now: server time.
    """
    since = now - last
    is_night = HOUR <= now % DAY < 4 * HOUR  # between two and six in Germany
    return since >= 2 * DAY or (is_night and since >= DAY // 2)


async def keep_nightly(store: Store, *, days: int, letter_days: int, now: Callable[[], int] = present) -> None:
    """Run retention whenever it is due, until it is cancelled; of several instances the first one does it.

    Args:
        store: the database.
        days: see `keep`.
        letter_days: see `keep`.
        now: the clock.
    """
    while True:
        try:
            async with store.reading() as connection:
                last = await connection.scalar(select(counter.c.value).where(counter.c.name == Counter.KEPT.value))
            if is_due(last or 0, now()):
                await keep(store, now(), days=days, letter_days=letter_days)
        except (StoreError, StoreUnavailableError) as error:
            _log.warning("retention stopped, and goes on later: %s", error)
        await asyncio.sleep(random.uniform(0.5, 1.0) * 3_600)  # noqa: S311 - instances should not meet


_TIME = observation.c.phenomenon_time
_HAS_CLOCK = observation.c.quality.op("&")(_CLOCK) != 0
# A wrong clock's time tells nothing: such a value goes by the time of its arrival.
_CAME_LONG_AGO = func.coalesce(observation.c.result_time, 0) < bindparam("limit", type_=BigInteger())
_IS_OLD = and_(bindparam("before", type_=BigInteger()) > _TIME, or_(~_HAS_CLOCK, _CAME_LONG_AGO))
_IS_OF = among(observation.c.datastream_id, "ids", Numbers)
_STARTS = select(observation.c.datastream_id, func.min(_TIME)).where(_IS_OF, _IS_OLD).group_by("datastream_id")


async def _remove_old(store: Store, now: int, before: int, limit: int) -> int:
    """Reckon and remove single observations, some datastreams and some days of each at a time; return how many."""
    async with store.reading() as connection:
        query = select(latest.c.datastream_id).where(latest.c.first_time < before).order_by(latest.c.datastream_id)
        ids = list(await connection.scalars(query))
    removed = 0
    span = DAY
    for begin in range(0, len(ids), _STREAMS_A_STEP):
        group = ids[begin : begin + _STREAMS_A_STEP]
        left = group
        while left:
            async with store.writing(now) as commit:
                starts = await commit.connection.execute(_STARTS, {"ids": left, "before": before, "limit": limit})
                # Whole days, so that an hour is reckoned at once.
                ends = {number: min(before, start - start % DAY + span) for number, start in starts}
                step = 0
                for end in sorted(set(ends.values())):
                    chosen = [number for number, each in ends.items() if each == end]
                    step += await _remove(commit.connection, _IS_OLD, {"ids": chosen, "before": end, "limit": limit})
                left = [number for number, end in ends.items() if end < before]
                if not left:
                    await commit.connection.execute(_BOUNDS, {"ids": group, "limit": limit})
            removed += step
            if step < _ROWS_A_STEP // 4:
                span = min(2 * span, 64 * DAY)
            elif step > _ROWS_A_STEP:
                span = max(span // 2, DAY)
            await asyncio.sleep(0)  # intake's turn
    return removed


async def _remove_future(store: Store, now: int, limit: int) -> int:
    """Remove values from wrong clocks of the time to come that arrived long ago; return how many."""
    is_future = and_(now + FUTURE < _TIME, _CAME_LONG_AGO)
    async with store.reading() as connection:
        query = select(latest.c.datastream_id).where(latest.c.last_time > now + FUTURE)
        ids = list(await connection.scalars(query))
    removed = 0
    for begin in range(0, len(ids), _STREAMS_A_STEP):
        which = {"ids": ids[begin : begin + _STREAMS_A_STEP], "limit": limit}
        async with store.writing(now) as commit:
            removed += await _remove(commit.connection, is_future, which)
            await commit.connection.execute(_BOUNDS, which)
        await asyncio.sleep(0)
    return removed


async def _remove(connection: AsyncConnection, condition: ColumnElement[bool], which: dict[str, Any]) -> int:
    """Reckon the means of observations, remove them, and count them off; return how many."""
    of = and_(_IS_OF, condition)
    tally = select(observation.c.datastream_id, func.count()).where(of).group_by(observation.c.datastream_id)
    counts = [{"of": row[0], "fewer": row[1]} for row in await connection.execute(tally, which)]
    if counts:
        await connection.execute(_add_means(connection.dialect.name, of), which)
        await connection.execute(delete(observation).where(of), which)
        await connection.execute(_FEWER, counts)
    return sum(count["fewer"] for count in counts)


def _add_means(dialect: str, condition: ColumnElement[bool]) -> Any:
    """Return the statement that adds the means of observations to those that are there."""
    made = postgresql.insert(hourly) if dialect == "postgresql" else sqlite.insert(hourly)
    # The query has a "where", without which SQLite would take the "on" of "on conflict" for a join's.
    statement = made.from_select([column.name for column in hourly.c], mean_of_hours(condition))
    new = statement.excluded
    total = hourly.c.observations + new.observations
    return statement.on_conflict_do_update(
        index_elements=[hourly.c.datastream_id, hourly.c.hour],
        set_={
            "observations": total,
            "mean": (hourly.c.mean * hourly.c.observations + new.mean * new.observations) / total,
            "low": case((hourly.c.low < new.low, hourly.c.low), else_=new.low),
            "high": case((hourly.c.high > new.high, hourly.c.high), else_=new.high),
        },
    )


_FEWER = (
    update(latest)
    .where(latest.c.datastream_id == bindparam("of"))
    .values(observations=latest.c.observations - bindparam("fewer", type_=BigInteger()))
)
_OWN = select(func.min(_TIME)).where(observation.c.datastream_id == latest.c.datastream_id)
_OWN_LAST = select(func.max(_TIME)).where(observation.c.datastream_id == latest.c.datastream_id)
_GONE = and_(latest.c.phenomenon_time < bindparam("limit", type_=BigInteger()), latest.c.observations == 0)
_BOUNDS = (
    update(latest)
    .where(among(latest.c.datastream_id, "ids", Numbers))
    .values(
        first_time=func.coalesce(_OWN.correlate(latest).scalar_subquery(), latest.c.first_time),
        last_time=func.coalesce(_OWN_LAST.correlate(latest).scalar_subquery(), latest.c.last_time),
        observation_id=case((_GONE, None), else_=latest.c.observation_id),
    )
)


async def _drop_month(store: Store, now: int, month: Month) -> int:
    """Reckon the means of a month, and take its partition away; return how many observations it had.

    All of it is one transaction, which excludes others that write only at its end.

    Raises:
        StoreUnavailableError: somebody wrote into the month, or read it, all the time.
    """
    name = partition(month)
    begin, end = bounds(month)
    async with store.aside() as connection:
        state = await _state(connection, name)
        count = text(f"select datastream_id, count(*) from {name} group by datastream_id")  # noqa: S608 - ours
        tally = {row[0]: row[1] for row in await connection.execute(count)}
        ids = sorted(tally)
        statement = _add_means("postgresql", and_(_IS_OF, begin <= _TIME, end > _TIME))
        for first in range(0, len(ids), 1_000):
            await connection.execute(statement, {"ids": ids[first : first + 1_000]})
        for attempt in range(_TRIES):
            try:
                with translated(store.source):
                    async with connection.begin_nested():
                        await lock_writers(connection)
                        if await _state(connection, name) != state:
                            raise StoreUnavailableError(f"{name} was written to", source=store.source)
                        await connection.execute(
                            _FEWER_AT_ONCE, {"ids": ids, "fewer": [tally[number] for number in ids]}
                        )
                        await connection.execute(text(f"alter table observation detach partition {name}"))
                        await connection.execute(text(f"drop table {name}"))
                break
            except StoreUnavailableError:
                if attempt == _TRIES - 1 or await _state(connection, name) != state:
                    raise
                await asyncio.sleep(1)
    for first in range(0, len(ids), 1_000):
        async with store.writing(now) as commit:
            await commit.connection.execute(_BOUNDS, {"ids": ids[first : first + 1_000], "limit": end})
        await asyncio.sleep(0)
    return sum(tally.values())


async def _state(connection: AsyncConnection, name: str) -> tuple[int | None, int | None]:
    """Return what changes where an observation of the month is added, removed or corrected."""
    newest = await connection.scalar(text(f"select max(id) from {name}"))  # noqa: S608 - ours
    return newest, await connection.scalar(select(counter.c.value).where(counter.c.name == Counter.RESTATED.value))


_FEWER_AT_ONCE = text(
    "update latest set observations = latest.observations - gone.fewer"
    " from unnest(:ids, :fewer) as gone(datastream_id, fewer) where latest.datastream_id = gone.datastream_id"
).bindparams(bindparam("ids", type_=Numbers()), bindparam("fewer", type_=Numbers()))


async def _remove_in_steps(store: Store, now: int, table: Table, condition: ColumnElement[bool]) -> int:
    """Remove rows of a table, some thousand at a time; return how many."""
    chosen = select(table.c.id).where(condition).order_by(table.c.received).limit(_ROWS_A_STEP)
    removed = 0
    while True:
        async with store.writing(now) as commit:
            ids = list(await commit.connection.scalars(chosen))
            if ids:
                await commit.connection.execute(delete(table).where(among(table.c.id, "ids", Numbers)), {"ids": ids})
        removed += len(ids)
        if len(ids) < _ROWS_A_STEP:
            return removed
        await asyncio.sleep(0)


async def _forget_unknown(store: Store, now: int, before: int) -> int:
    """Remove things that nobody registered and nobody heard since: only so many are kept, and new ones need room."""
    chosen = (
        select(thing.c.id)
        .where(thing.c.is_registered.is_(False), thing.c.dev_eui.is_not(None), thing.c.last_seen < before)
        .limit(_STREAMS_A_STEP)
    )
    removed = 0
    while True:
        async with store.writing(now) as commit:
            ids = list(await commit.connection.scalars(chosen))
            if ids:
                await commit.connection.execute(delete(thing).where(among(thing.c.id, "ids", Numbers)), {"ids": ids})
                await commit.registry_changed()
        removed += len(ids)
        if len(ids) < _STREAMS_A_STEP:
            return removed
        await asyncio.sleep(0)


async def _remove_letters(store: Store, now: int, before: int) -> int:
    """Remove dead letters that are old, or more than are kept; return how many."""
    async with store.reading() as connection:
        query = select(dead_letter.c.received).order_by(dead_letter.c.received.desc()).offset(MOST_LETTERS).limit(1)
        surplus = await connection.scalar(query)
    condition = dead_letter.c.received < before
    if surplus is not None:
        condition = or_(condition, dead_letter.c.received <= surplus)
    return await _remove_in_steps(store, now, dead_letter, condition)
