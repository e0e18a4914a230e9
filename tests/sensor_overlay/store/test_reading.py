"""Questions to the store: answered from what is kept for them, and only to those who may see it."""

from __future__ import annotations

from sqlalchemy import func, select, update

from sensor_overlay.access import PUBLIC, Principal, Right
from sensor_overlay.instants import DAY, HOUR, MINUTE
from sensor_overlay.store.observing import restate
from sensor_overlay.store.opening import Store
from sensor_overlay.store.reading import (
    hourly_means,
    last_of_each,
    latest_of_all,
    observation_count,
)
from sensor_overlay.store.schema import datastream, latest, observation, thing
from sensor_overlay.store.writing import write
from tests.sensor_overlay.store.stores import newest, rows, using
from tests.sensor_overlay.store.uplinks import NOON, ROOM, arrival

EVERYBODY = Principal("test", rights=frozenset({Right.READ}))
OTHER = "a81758fffe0abcdf"


async def fill(store: Store) -> dict[str, int]:
    """Ten values of a public room, two of a device that nobody knows; return the datastream of each device."""
    await write(store, [arrival(count, at=NOON + count * MINUTE) for count in range(10)], now=NOON + HOUR)
    await write(store, [arrival(count, at=NOON + count * MINUTE, dev_eui=OTHER) for count in range(2)], now=NOON + HOUR)
    async with store.writing(NOON) as commit:
        shown = update(thing).where(thing.c.dev_eui == ROOM).values(is_registered=True, access="public")
        await commit.connection.execute(shown)
    found = select(thing.c.dev_eui, datastream.c.id).join(datastream, datastream.c.thing_id == thing.c.id)
    return {row[0]: row[1] for row in await rows(store, found)}


def test_latest_values_and_what_changed_since(database_url: str) -> None:
    async def body(store: Store) -> None:
        streams = await fill(store)
        async with store.reading() as connection:
            public = await latest_of_all(connection, PUBLIC)
            assert [(one.datastream_id, one.observed_property, one.result) for one in public] == [
                (streams[ROOM], "co2", 609.0)
            ]
            assert len(await latest_of_all(connection, EVERYBODY)) == 2
            since = await latest_of_all(connection, EVERYBODY, since=1)
            assert [one.datastream_id for one in since] == [streams[OTHER]]
            assert await latest_of_all(connection, EVERYBODY, since=2) == []

    using(database_url, body)


def test_counts_and_hours_of_what_may_be_seen(database_url: str) -> None:
    async def body(store: Store) -> None:
        streams = await fill(store)
        span = (NOON, NOON + DAY)
        async with store.reading() as connection:
            assert await observation_count(connection, PUBLIC) == 10
            assert await observation_count(connection, EVERYBODY) == 12
            assert [hour.mean for hour in await hourly_means(connection, streams[ROOM], *span, PUBLIC)] == [604.5]
            assert await hourly_means(connection, streams[OTHER], *span, PUBLIC) == []

    using(database_url, body)


def test_the_last_of_each_in_one_statement(database_url: str) -> None:
    async def body(store: Store) -> None:
        streams = await fill(store)
        late = [arrival(99, at=NOON - HOUR), arrival(98, at=NOON + 999 * DAY, dev_eui=OTHER)]
        await write(store, late, now=NOON + HOUR)
        async with store.reading() as connection:
            last = await last_of_each(connection, [*streams.values(), 10**9])
            times = select(observation.c.datastream_id, func.max(observation.c.phenomenon_time))
            expected = {row[0]: row[1] for row in await connection.execute(times.group_by(observation.c.datastream_id))}
            by_id = select(observation.c.id, observation.c.phenomenon_time)
            time_of = {row[0]: row[1] for row in await connection.execute(by_id)}
        assert {stream: time_of[number] for stream, number in last.items()} == expected

    using(database_url, body)


def test_what_is_reckoned_anew_is_what_was_kept(database_url: str) -> None:
    """After a removal, `latest` is as if what was removed had never come."""

    async def body(store: Store) -> None:
        streams = await fill(store)
        kept = select(*[each for each in latest.c if each.name != "sequence"]).order_by(latest.c.datastream_id)
        before = await rows(store, kept)
        async with store.writing(NOON) as commit:
            await restate(commit, streams.values())
        assert await rows(store, kept) == before
        async with store.writing(NOON) as commit:
            gone = observation.delete().where(observation.c.phenomenon_time >= NOON + 2 * MINUTE)
            await commit.connection.execute(gone)
            await restate(commit, streams.values())
        assert [row[2:5] for row in await newest(store)] == [(NOON + MINUTE, 601.0, 2)] * 2
        async with store.writing(NOON) as commit:
            await commit.connection.execute(observation.delete())
            await restate(commit, streams.values())
        assert await newest(store) == []

    using(database_url, body)
