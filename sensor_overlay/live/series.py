"""One datastream over time, as a chart wants it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sensor_overlay.access import Principal, visible
from sensor_overlay.instants import HOUR, SECOND
from sensor_overlay.store.opening import Counter
from sensor_overlay.store.reading import hourly_means
from sensor_overlay.store.schema import counter, datastream, latest, observation, observed_property, thing
from sensor_overlay.uplink import Quality

MOST_SINGLE: Final = 2_000
"""Observations that are told one by one; where there would be more, the means of hours are."""
GAP_INTERVALS: Final = 3.5
"""Expected intervals without a value after which a line is broken: two lost uplinks are no gap, three are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """What a chart shows.

    Attributes:
        name: of the observed property in the store.
        unit: symbol, empty for none.
        site, municipality, room: of the thing.
        is_hourly: each point is the mean of an hour, and its time the hour's beginning.
        gap: seconds between two points from which on there is a gap between them.
        times: in order.
        values: one for each time; None for an implausible one.
        lows: least of each hour; empty where not hourly.
        highs: greatest of each hour; empty where not hourly.
    """

    name: str
    unit: str
    site: str
    municipality: str
    room: str
    is_hourly: bool
    gap: float
    times: list[int]
    values: list[float | None]
    lows: list[float]
    highs: list[float]


async def stretch(
    connection: AsyncConnection, thing_id: int, key: str, begin: int, end: int, principal: Principal
) -> Stretch | None:
    """Return what a property of a thing was from `begin` until before `end`.

    None where `principal` may not see the thing, it is not registered, or has no such property.
    """
    found = (await connection.execute(_datastream(thing_id, key, principal))).first()
    if found is None:
        return None
    kept = await connection.execute(select(counter.c.value).where(counter.c.name == Counter.RAW_SINCE.value))
    raw_since = kept.scalar() or 0
    if begin >= raw_since:
        single = (await connection.execute(_single(found.id, begin, end))).all()
        if len(single) <= MOST_SINGLE:
            return Stretch(
                name=found.name,
                unit=found.unit_symbol or "",
                site=found.site,
                municipality=found.municipality,
                room=found.room,
                is_hourly=False,
                gap=GAP_INTERVALS * found.expected_interval,
                times=[row.phenomenon_time for row in single],
                values=[None if row.quality & Quality.IMPLAUSIBLE else row.result for row in single],
                lows=[],
                highs=[],
            )
    rows = await hourly_means(connection, found.id, begin - begin % HOUR, end, principal)
    return Stretch(
        name=found.name,
        unit=found.unit_symbol or "",
        site=found.site,
        municipality=found.municipality,
        room=found.room,
        is_hourly=True,
        gap=max(1.5 * HOUR / SECOND, GAP_INTERVALS * found.expected_interval),
        times=[row.hour for row in rows],
        values=[row.mean for row in rows],
        lows=[row.low for row in rows],
        highs=[row.high for row in rows],
    )


def _datastream(thing_id: int, key: str, principal: Principal) -> Select[Any]:
    return (
        select(
            datastream.c.id,
            datastream.c.unit_symbol,
            observed_property.c.name,
            thing.c.expected_interval,
            thing.c.site,
            thing.c.municipality,
            thing.c.room,
        )
        .join(thing, thing.c.id == datastream.c.thing_id)
        .join(observed_property, observed_property.c.id == datastream.c.observed_property_id)
        .join(latest, latest.c.datastream_id == datastream.c.id)
        .where(
            thing.c.id == thing_id,
            thing.c.is_registered,
            visible(principal),
            or_(datastream.c.key == key, datastream.c.key.is_(None) & (observed_property.c.key == key)),
        )
        .order_by(datastream.c.id)
        .limit(1)
    )


def _single(datastream_id: int, begin: int, end: int) -> Select[Any]:
    return (
        select(observation.c.phenomenon_time, observation.c.result, observation.c.quality)
        .where(
            observation.c.datastream_id == datastream_id,
            observation.c.phenomenon_time >= begin,
            observation.c.phenomenon_time < end,
            observation.c.result.is_not(None),
            observation.c.quality.op("&")(int(Quality.CLOCK)) == 0,
        )
        .order_by(observation.c.phenomenon_time, observation.c.id)
        .limit(MOST_SINGLE + 1)
    )
