"""Reading: latest values, hours, counts; each sees only what the principal may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from sensor_overlay.access import Principal, visible
from sensor_overlay.instants import HOUR
from sensor_overlay.store.lists import Numbers, among
from sensor_overlay.store.schema import datastream, hourly, latest, observation, thing
from sensor_overlay.uplink import Quality

NEVER_AVERAGED: Final = int(Quality.IMPLAUSIBLE | Quality.CLOCK)
"""Observations with one of these are in no mean."""


@dataclass(frozen=True, slots=True)
class LatestValue:
    """The latest value of a datastream.

    Attributes:
        datastream_id: whose it is.
        thing_id: whose datastream that is.
        observed_property: key; None for datastreams that a SensorThings client made.
        phenomenon_time: instant; None where no observation has a time that can be.
        result: None where it is no number.
        quality: `Quality` as a number.
        sequence: of the commit that brought it.
    """

    datastream_id: int
    thing_id: int
    observed_property: str | None
    phenomenon_time: int | None
    result: float | None
    quality: int | None
    sequence: int


async def latest_of_all(
    connection: AsyncConnection, principal: Principal, *, since: int | None = None
) -> list[LatestValue]:
    """Return the latest value of every datastream that `principal` may see, in order of datastreams.

    Its cost is that of the datastreams alone, whatever the number of observations.

    Args:
        connection: that reads.
        principal: who asks.
        since: only what commits after this sequence changed.
    """
    query = (
        select(
            latest.c.datastream_id,
            datastream.c.thing_id,
            datastream.c.key,
            latest.c.phenomenon_time,
            latest.c.result,
            latest.c.quality,
            latest.c.sequence,
        )
        .join_from(latest, datastream, datastream.c.id == latest.c.datastream_id)
        .join(thing, thing.c.id == datastream.c.thing_id)
        .where(visible(principal))
        .order_by(latest.c.datastream_id)
    )
    if since is not None:
        query = query.where(latest.c.sequence > since)
    return [LatestValue(*row) for row in await connection.execute(query)]


async def observation_count(connection: AsyncConnection, principal: Principal) -> int:
    """Return how many observations `principal` may see, from the counts that are kept with the latest values."""
    query = (
        select(func.coalesce(func.sum(latest.c.observations), 0))
        .join_from(latest, datastream, datastream.c.id == latest.c.datastream_id)
        .join(thing, thing.c.id == datastream.c.thing_id)
        .where(visible(principal))
    )
    return int(await connection.scalar(query) or 0)


@dataclass(frozen=True, slots=True)
class HourlyMean:
    """What an hour of a datastream comes to, of the observations that can be true.

    Attributes:
        hour: instant at which it begins.
        observations: how many.
        mean: of their results.
        low: least.
        high: greatest.
    """

    hour: int
    observations: int
    mean: float
    low: float
    high: float


async def hourly_means(
    connection: AsyncConnection, datastream_id: int, begin: int, end: int, principal: Principal
) -> list[HourlyMean]:
    """Return the hours of a datastream that begin in `begin <= hour < end`, oldest first.

    Of old hours these means are all that is kept; of the others they are reckoned here.
    """
    kept = select(*hourly.c[_MEAN_NAMES]).where(
        hourly.c.datastream_id == datastream_id, hourly.c.hour >= begin, hourly.c.hour < end
    )
    reckoned = mean_of_hours(
        and_(
            observation.c.datastream_id == datastream_id,
            observation.c.phenomenon_time >= begin - begin % -HOUR,
            observation.c.phenomenon_time < end - end % -HOUR,
        )
    )
    parts = union_all(kept, reckoned.with_only_columns(*[reckoned.selected_columns[name] for name in _MEAN_NAMES]))
    each = parts.subquery()
    # A value that came after its hour was reckoned and removed stands beside the mean that is kept, for a night.
    total = func.sum(each.c.observations)
    query = (
        select(
            each.c.hour,
            total,
            func.sum(each.c.mean * each.c.observations) / total,
            func.min(each.c.low),
            func.max(each.c.high),
        )
        .where(_is_visible(datastream_id, principal))
        .group_by(each.c.hour)
        .order_by(each.c.hour)
    )
    return [HourlyMean(row[0], int(row[1]), *row[2:]) for row in await connection.execute(query)]


_MEAN_NAMES: Final = ("hour", "observations", "mean", "low", "high")


def mean_of_hours(condition: ColumnElement[bool]) -> Select[Any]:
    """Return the query for the rows of `hourly` that observations of `condition` come to."""
    hour = (observation.c.phenomenon_time - observation.c.phenomenon_time % HOUR).label("hour")
    result = observation.c.result
    return (
        select(
            observation.c.datastream_id,
            hour,
            func.count().label("observations"),
            func.avg(result).label("mean"),
            func.min(result).label("low"),
            func.max(result).label("high"),
        )
        .where(condition, result.is_not(None), observation.c.quality.op("&")(NEVER_AVERAGED) == 0)
        .group_by(observation.c.datastream_id, hour)
    )


async def last_of_each(connection: AsyncConnection, datastream_ids: Sequence[int]) -> dict[int, int]:
    """Return the id of the last observation by phenomenonTime of each of these datastreams, in one statement.

    Other than `latest` this counts times that cannot be, as SensorThings orders them.
    """
    newest = (
        select(observation.c.id)
        .where(observation.c.datastream_id == datastream.c.id)
        .order_by(observation.c.phenomenon_time.desc(), observation.c.id.desc())
        .limit(1)
        .correlate(datastream)
        .scalar_subquery()
    )
    query = select(datastream.c.id, newest).where(among(datastream.c.id, "ids", Numbers))
    rows = await connection.execute(query, {"ids": list(datastream_ids)})
    return {row[0]: row[1] for row in rows if row[1] is not None}


def _is_visible(datastream_id: int, principal: Principal) -> ColumnElement[bool]:
    return (
        select(literal(1))
        .join_from(datastream, thing, thing.c.id == datastream.c.thing_id)
        .where(datastream.c.id == bindparam(None, datastream_id), visible(principal))
        .exists()
    )
