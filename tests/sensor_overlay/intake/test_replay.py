from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

from sqlalchemy import select, update

from sensor_overlay.decode import decode
from sensor_overlay.instants import HOUR, now
from sensor_overlay.intake.delivery import WEBHOOK, Batch, Delivery, add, understood
from sensor_overlay.intake.replay import Replay, replay
from sensor_overlay.store.letters import Letter
from sensor_overlay.store.opening import Store, open_store
from sensor_overlay.store.schema import dead_letter, observation, thing
from sensor_overlay.store.writing import write
from sensor_overlay.uplink import BadMessageError, Cause, Decoded, Uplink
from tests.sensor_overlay.network_server import eui_of, topic_of, uplink

NOW = now()


def no_codec(uplink: Uplink, model: str, received: int) -> Decoded:
    """Understand nothing, as before the codec came."""
    raise BadMessageError(Cause.NO_CODEC, "there is none")


async def come(store: Store, *bodies: tuple[str | None, bytes], source: str = "cs", received: int = NOW) -> None:
    """Take messages in while there is no codec."""
    batch = Batch()
    for topic, body in bodies:
        delivery = Delivery(source, "chirpstack", topic, body, received, lambda: None)
        add(batch, delivery, understood(delivery), {}, no_codec)
    await write(store, batch.arrivals, batch.letters, batch.statuses, now=received)


def up(device: int, count: int, **others: Any) -> tuple[str, bytes]:
    return topic_of(device), json.dumps({**uplink(device, count, time=NOW - HOUR + count), **others}).encode()


async def values(store: Store) -> list[float | None]:
    async with store.reading() as connection:
        query = select(observation.c.result).order_by(observation.c.phenomenon_time, observation.c.result)
        return list((await connection.execute(query)).scalars())


def tried(url: str, test: Any) -> None:
    async def run() -> None:
        store = await open_store(url)
        try:
            await test(store)
        finally:
            await store.close()

    asyncio.run(run())


def test_after_a_codec_came_dead_letters_become_readings(database_url: str) -> None:
    async def test(store: Store) -> None:
        await come(store, up(1, 1), up(1, 2), up(2, 1), (topic_of(1), b"{"))
        assert await values(store) == []
        dry = await replay(store, decode, now=NOW, dry=True)
        assert (dry.looked_at, dry.replayed, dict(dry.still)) == (4, 3, {"not-json": 1})
        assert await values(store) == []
        done = await replay(store, decode, now=NOW)
        assert (done.looked_at, done.replayed, done.observations, dict(done.still)) == (4, 3, 3, {"not-json": 1})
        assert len(await values(store)) == 3
        again = await replay(store, decode, now=NOW)
        assert (again.looked_at, again.replayed, again.observations) == (1, 0, 0)
        assert len(await values(store)) == 3

    tried(database_url, test)


def test_a_replay_that_was_interrupted_is_done_again(database_url: str) -> None:
    async def test(store: Store) -> None:
        await come(store, up(1, 1), up(1, 2))
        await replay(store, decode, now=NOW)
        async with store.writing(NOW) as commit:  # as if it had stopped before the letters were marked
            await commit.connection.execute(update(dead_letter).values(replayed=None))
        done = await replay(store, decode, now=NOW)
        assert (done.replayed, done.observations) == (2, 0)
        assert len(await values(store)) == 2

    tried(database_url, test)


def test_the_registrys_model_counts(database_url: str) -> None:
    async def test(store: Store) -> None:
        nameless = up(1, 1, deviceInfo={"devEui": eui_of(1), "deviceProfileName": "Klasse A"})
        await come(store, nameless)
        assert (await replay(store, decode, now=NOW)).still == {"no-codec": 1}
        async with store.writing(NOW) as commit:
            await commit.connection.execute(update(thing).values(model="ers-co2"))
            await commit.registry_changed()
        assert (await replay(store, decode, now=NOW)).replayed == 1

    tried(database_url, test)


def test_only_those_that_are_meant(database_url: str) -> None:
    async def test(store: Store) -> None:
        await come(store, up(1, 1), (topic_of(1), b"{"), received=NOW - HOUR)
        await come(store, up(1, 2), received=NOW)
        late = await replay(store, decode, since=NOW, now=NOW)
        assert (late.looked_at, late.replayed) == (1, 1)
        none = await replay(store, decode, causes=["not-json"], now=NOW)
        assert (none.looked_at, none.replayed) == (1, 0)
        assert len(await values(store)) == 1

    tried(database_url, test)


def test_a_webhooks_letter_has_no_topic(database_url: str) -> None:
    async def test(store: Store) -> None:
        await come(store, (None, up(1, 1)[1]), source=WEBHOOK)
        assert (await replay(store, decode, now=NOW)).replayed == 1

    tried(database_url, test)


def test_what_is_kept_in_part_stays(database_url: str) -> None:
    async def test(store: Store) -> None:
        topic, body = up(1, 1)
        letter = Letter(
            source="cs",
            network="chirpstack",
            topic=topic,
            body=body + b" " * 100_000,
            cause="no-codec",
            detail="there is none",
            received=NOW,
        )
        await write(store, (), [letter, replace(letter, body=body)], now=NOW)
        done = await replay(store, decode, now=NOW)
        assert (done.looked_at, done.replayed, done.cut) == (2, 1, 1)

    tried(database_url, test)


def test_more_than_one_step(database_url: str) -> None:
    async def test(store: Store) -> None:
        await come(store, *(up(number % 7, number) for number in range(1200)))
        done = await replay(store, decode, now=NOW)
        assert (done.looked_at, done.replayed, done.observations) == (1200, 1200, 1200)

    tried(database_url, test)


def test_without_dead_letters_there_is_nothing_to_do(database_url: str) -> None:
    async def test(store: Store) -> None:
        assert await replay(store, decode, now=NOW) == Replay()

    tried(database_url, test)
