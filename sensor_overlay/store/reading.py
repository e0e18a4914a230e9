"""Reading: the hours of a datastream, for those who may see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from sensor_overlay.access import Principal, visible
from sensor_overlay.instants import HOUR
from sensor_overlay.store.schema import datastream, hourly, observation, thing
from sensor_overlay.uplink import Quality

NEVER_AVERAGED: Final = int(Quality.IMPLAUSIBLE | Quality.CLOCK)
"""Observations with one of these are in no mean."""


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


def _is_visible(datastream_id: int, principal: Principal) -> ColumnElement[bool]:
    return (
        select(literal(1))
        .join_from(datastream, thing, thing.c.id == datastream.c.thing_id)
        .where(datastream.c.id == bindparam(None, datastream_id), visible(principal))
        .exists()
    )
