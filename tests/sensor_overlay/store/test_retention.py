"""Old observations go, the means of their hours stay, and nobody who looks at hours sees a difference."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import func, select, text, update

from sensor_overlay.access import Principal, Right
from sensor_overlay.instants import DAY, HOUR, MINUTE
from sensor_overlay.store import retention
from sensor_overlay.store.letters import Letter
from sensor_overlay.store.opening import Counter, Store
from sensor_overlay.store.partitions import bounds, existing
from sensor_overlay.store.reading import hourly_means
from sensor_overlay.store.retention import is_due, keep, keep_nightly
from sensor_overlay.store.schema import counter, datastream, dead_letter, hourly, latest, observation, thing, uplink
from sensor_overlay.store.writing import write
from tests.sensor_overlay.store.stores import newest, observations, rows, using
from tests.sensor_overlay.store.uplinks import NOON, ROOM, arrival

EVERYBODY = Principal("test", rights=frozenset({Right.READ}))
DAYS = 120


async def fill(store: Store) -> None:
    """Four months of two sensors, a value every twenty minutes."""
    other = "a81758fffe0abcdf"
    for day in range(DAYS, -1, -1):
        batch = [
            arrival(count, at=NOON - day * DAY + count * 20 * MINUTE, dev_eui=eui, dev_addr=f"{day:08x}")
            for count in range(24)
            for eui in (ROOM, other)
        ]
        await write(store, batch, now=NOON - day * DAY + 8 * HOUR)


def test_hours_look_the_same_before_and_after(database_url: str) -> None:
    now = NOON + 8 * HOUR

    async def body(store: Store) -> None:
        await fill(store)
        number = (await rows(store, select(datastream.c.id).order_by(datastream.c.id)))[0][0]
        span = (number, NOON - 200 * DAY, NOON + DAY, EVERYBODY)
        async with store.reading() as connection:
            before = await hourly_means(connection, *span)
        assert len(before) == (DAYS + 1) * 8
        assert before[0].mean == (600.0 + 601.0 + 602.0) / 3
        kept = await keep(store, now, days=90, letter_days=30)
        limit = now - 90 * DAY
        left = [row for row in await observations(store) if row[2] < limit]
        if store.dialect == "postgresql":  # months go as a whole
            assert kept.months == ((2026, 7),)
            assert all(row[2] >= bounds((2026, 8))[0] for row in left)
            async with store.reading() as connection:
                assert (2026, 7) not in await existing(connection)
        else:
            assert left == []
        assert kept.observations > 0
        total = (await rows(store, select(func.count()).select_from(observation)))[0][0]
        assert total == (DAYS + 1) * 48 - kept.observations
        async with store.reading() as connection:
            assert await hourly_means(connection, *span) == before
            assert await connection.scalar(select(func.sum(latest.c.observations))) == total
            first = await connection.scalar(select(func.min(latest.c.first_time)))
            assert first == await connection.scalar(select(func.min(observation.c.phenomenon_time)))
        assert (await rows(store, select(func.count()).where(uplink.c.received < limit)))[0][0] == 0
        again = await keep(store, now, days=90, letter_days=30)
        assert (again.observations, again.uplinks, again.months) == (0, 0, ())

    using(database_url, body)


def test_a_value_that_comes_after_its_hour_is_reckoned_joins_its_mean(database_url: str) -> None:
    async def body(store: Store) -> None:
        then = NOON - 120 * DAY
        await write(store, [arrival(1, at=then), arrival(5, at=NOON)], now=NOON)
        await keep(store, NOON, days=90, letter_days=30)
        await write(store, [arrival(3, at=then + MINUTE)], now=NOON)
        async with store.reading() as connection:
            number = await connection.scalar(select(datastream.c.id))
            assert number is not None
            seen = await hourly_means(connection, number, then, then + HOUR, EVERYBODY)
        assert [(hour.observations, hour.mean, hour.low, hour.high) for hour in seen] == [(2, 602.0, 601.0, 603.0)]
        await keep(store, NOON, days=90, letter_days=30)
        kept = await rows(store, select(hourly.c.observations, hourly.c.mean, hourly.c.low, hourly.c.high))
        assert kept == [(2, 602.0, 601.0, 603.0)]
        assert [row[2:5] for row in await newest(store)] == [(NOON, 605.0, 1)]

    using(database_url, body)


def test_the_latest_value_of_a_sensor_that_fell_silent_stays(database_url: str) -> None:
    async def body(store: Store) -> None:
        await write(store, [arrival(1, at=NOON)], now=NOON)
        async with store.writing(NOON) as commit:
            await commit.connection.execute(update(thing).values(is_registered=True))
        await keep(store, NOON + 200 * DAY, days=90, letter_days=30)
        assert await observations(store) == []
        assert [row[2:5] for row in await newest(store)] == [(NOON, 601.0, 0)]
        assert await rows(store, select(latest.c.observation_id)) == [(None,)]

    using(database_url, body)


def test_wrong_clocks_go_by_the_time_of_arrival_and_are_in_no_mean(database_url: str) -> None:
    async def body(store: Store) -> None:
        wrong = [arrival(1, at=0, received=NOON), arrival(2, at=NOON + 9_999 * DAY, received=NOON)]
        await write(store, [*wrong, arrival(3)], now=NOON)
        await keep(store, NOON + DAY, days=90, letter_days=30)
        assert len(await observations(store)) == 3
        async with store.writing(NOON) as commit:
            await commit.connection.execute(update(thing).values(is_registered=True))
        await keep(store, NOON + 130 * DAY, days=90, letter_days=30)
        assert await observations(store) == []
        assert await rows(store, select(hourly.c.hour, hourly.c.observations)) == [(NOON, 1)]
        assert [row[4] for row in await newest(store)] == [0]

    using(database_url, body)


def test_devices_that_nobody_knows_are_forgotten_in_the_end(database_url: str) -> None:
    async def body(store: Store) -> None:
        await write(
            store, [arrival(1), arrival(1, dev_eui="a81758fffe0abcdf", at=NOON + 60 * DAY)], now=NOON + 60 * DAY
        )
        assert (await keep(store, NOON + 95 * DAY, days=90, letter_days=30)).devices == 1
        assert await rows(store, select(thing.c.dev_eui)) == [("a81758fffe0abcdf",)]
        assert (await write(store, [arrival(2, at=NOON + 95 * DAY)], now=NOON + 95 * DAY)).stored == 1  # it is back

    using(database_url, body)


def test_sqlite_plans_by_what_is_in_its_tables(tmp_path: Path) -> None:
    """Few public things among many: their values are found from the things, not among all values."""
    question = "explain query plan select * from latest join datastream on datastream.id = latest.datastream_id"
    question += " join thing on thing.id = datastream.thing_id where thing.is_registered and thing.access = 'public'"

    async def body(store: Store) -> None:
        batch = [
            arrival(1, dev_eui=f"{number:016x}", readings={"co2": 1.0, "temperature": 1.0}) for number in range(300)
        ]
        await write(store, batch, now=NOON)
        await keep(store, NOON, days=90, letter_days=30)
        async with store.reading() as connection:
            plan = [row[3] for row in await connection.execute(text(question))]
        assert [line.split()[:2] for line in plan] == [
            ["SCAN", "thing"],
            ["SEARCH", "datastream"],
            ["SEARCH", "latest"],
        ]

    using(str(tmp_path / "zwilling.db"), body)


def test_dead_letters_go_too(database_url: str) -> None:
    def letter(day: int) -> Letter:
        return Letter(
            source="county",
            network="tts",
            topic="",
            body=f"{day}".encode(),
            cause="not-json",
            detail="",
            received=NOON - day * DAY,
        )

    async def body(store: Store) -> None:
        await write(store, [], [letter(day) for day in range(40)], now=NOON)
        kept = await keep(store, NOON, days=90, letter_days=30)
        assert kept.letters == 9
        assert (await rows(store, select(func.min(dead_letter.c.received))))[0][0] == NOON - 30 * DAY

    using(database_url, body)


def test_dead_letters_are_kept_up_to_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "MOST_LETTERS", 5)

    def letter(second: int) -> Letter:
        body = f"{second}".encode()
        return Letter(source="a", network="tts", topic="", body=body, cause="topic", detail="", received=NOON + second)

    async def body(store: Store) -> None:
        await write(store, [], [letter(second) for second in range(12)], now=NOON)
        assert (await keep(store, NOON + DAY, days=90, letter_days=30)).letters == 7
        assert (await rows(store, select(func.min(dead_letter.c.received))))[0][0] == NOON + 7

    using(str(tmp_path / "zwilling.db"), body)


def test_what_was_removed_is_remembered(database_url: str) -> None:
    async def body(store: Store) -> None:
        await keep(store, NOON, days=90, letter_days=30)
        await keep(store, NOON - 10 * DAY, days=90, letter_days=30)
        async with store.writing(NOON) as commit:
            assert commit.counters[Counter.RAW_SINCE] == NOON - 90 * DAY

    using(database_url, body)


@pytest.mark.parametrize(
    ("last", "now", "due"),
    [
        (0, NOON, True),
        (NOON - DAY, NOON, False),  # it was not done in the night, but by day it need not be
        (NOON - 2 * DAY, NOON, True),
        (NOON - 10 * HOUR, NOON - 10 * HOUR + DAY, True),
        (NOON - 10 * HOUR, NOON - 9 * HOUR, False),
        (NOON - DAY, NOON - 10 * HOUR, True),
    ],
)
def test_once_a_night(last: int, now: int, due: bool) -> None:
    assert is_due(last, now) is due


def test_the_nightly_run_is_remembered(database_url: str) -> None:
    async def body(store: Store) -> None:
        await write(store, [arrival(1, at=NOON - 99 * DAY)], now=NOON - 99 * DAY)
        async with store.writing(NOON) as commit:
            await commit.connection.execute(update(thing).values(is_registered=True))
        task = asyncio.create_task(keep_nightly(store, days=50, letter_days=30, now=lambda: NOON))
        while not await rows(store, select(counter.c.value).where(counter.c.name == "kept", counter.c.value == NOON)):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await rows(store, select(hourly.c.mean)) == [(601.0,)]

    using(database_url, body)
