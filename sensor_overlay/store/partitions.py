"""PostgreSQL keeps observations in one partition a month, so that old months go at once and cost nothing to remove.

What lies in no month that is kept (a clock of 1970 or 2099, a value that comes after its month was removed) goes to the
default partition.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from sensor_overlay.instants import DAY, instant_of, moment_of
from sensor_overlay.store.opening import Commit, Counter

AHEAD: Final = 40 * DAY
"""Partitions are made for so long a time to come, so that no month begins without one."""
BEHIND: Final = 430 * DAY
"""And for so long a time back, where values come for it."""

Month = tuple[int, int]


def month_of(instant: int) -> Month:
    """Return year and month (UTC) of an instant.

    Example:
        >>> month_of(0)
        (1970, 1)
    """
    moment = moment_of(instant)
    return moment.year, moment.month


def bounds(month: Month) -> tuple[int, int]:
    """Return the instants at which a month begins and ends."""
    year, number = month
    following = (year + number // 12, number % 12 + 1)
    first, second = (instant_of(datetime(*each, 1, tzinfo=UTC)) for each in (month, following))
    return first, second


def partition(month: Month) -> str:
    """Return the name of the table that holds a month.

    Example:
        >>> partition((2026, 3))
        'observation_2026_03'
    """
    return "observation_{:04d}_{:02d}".format(*month)


async def existing(connection: AsyncConnection) -> set[Month]:
    """Return the months that have a partition."""
    names = await connection.scalars(
        text(
            "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid"
            " where i.inhparent = 'observation'::regclass"
        )
    )
    parts = (name.split("_") for name in names)
    return {(int(part[1]), int(part[2])) for part in parts if len(part) == 3}


async def make_room(commit: Commit, times: Iterable[int]) -> None:
    """Make the partitions that observations of `times` belong in, and the one for the time to come."""
    earliest = max(commit.now - BEHIND, commit.counters[Counter.RAW_SINCE])
    last = commit.now + AHEAD
    wanted = {month_of(time) for time in {time - time % DAY for time in times} if earliest <= time <= last}
    wanted |= {month_of(commit.now), month_of(last)}
    known: set[Month] = commit.memory.setdefault("partitions", set())
    if wanted <= known:
        return
    known |= await existing(commit.connection)
    for month in sorted(wanted - known):
        await _make(commit.connection, month)


async def _make(connection: AsyncConnection, month: Month) -> None:
    """Make one partition, and move there what the default one holds of it."""
    name = partition(month)
    begin, end = bounds(month)
    await connection.execute(text(f"create table {name} (like observation including defaults including constraints)"))
    within = f"phenomenon_time >= {begin} and phenomenon_time < {end}"
    moved = f"delete from observation_default where {within} returning *"  # noqa: S608 - numbers
    await connection.execute(text(f"with moved as ({moved}) insert into {name} select * from moved"))  # noqa: S608
    await connection.execute(
        text(f"alter table observation attach partition {name} for values from ({begin}) to ({end})")
    )
