"""Questions to the store: answered from what is kept for them, and only to those who may see it."""

from __future__ import annotations

from sqlalchemy import select, update

from sensor_overlay.access import PUBLIC
from sensor_overlay.instants import DAY, HOUR, MINUTE
from sensor_overlay.store.observing import restate
from sensor_overlay.store.opening import Store
from sensor_overlay.store.reading import hourly_means
from sensor_overlay.store.schema import datastream, latest, observation, thing
from sensor_overlay.store.writing import write
from tests.sensor_overlay.store.stores import newest, rows, using
from tests.sensor_overlay.store.uplinks import NOON, ROOM, arrival

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


def test_hours_of_what_may_be_seen(database_url: str) -> None:
    async def body(store: Store) -> None:
        streams = await fill(store)
        span = (NOON, NOON + DAY)
        async with store.reading() as connection:
            assert [hour.mean for hour in await hourly_means(connection, streams[ROOM], *span, PUBLIC)] == [604.5]
            assert await hourly_means(connection, streams[OTHER], *span, PUBLIC) == []

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
