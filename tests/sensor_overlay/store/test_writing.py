"""A batch becomes observations, each once, on both databases."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from sensor_overlay.instants import DAY, HOUR, MINUTE, SECOND
from sensor_overlay.store.opening import Commit, Store
from sensor_overlay.store.schema import thing, uplink
from sensor_overlay.store.writing import Change, write
from sensor_overlay.uplink import DeviceStatus, Quality, Reading
from tests.sensor_overlay.store.stores import newest, observations, rows, using
from tests.sensor_overlay.store.uplinks import NOON, ROOM, arrival


class Recorder:
    """A judge that remembers what it was shown."""

    def __init__(self) -> None:
        self.changes: list[Change] = []

    async def judge(self, _commit: Commit, changes: Sequence[Change]) -> None:
        self.changes += changes


def test_an_uplink_becomes_observations_of_its_thing(database_url: str) -> None:
    judge = Recorder()

    async def body(store: Store) -> None:
        written = await write(
            store, [arrival(7, readings={"co2": 812.0, "temperature": 21.5})], judge=judge, now=NOON + SECOND
        )
        assert (written.stored, written.duplicates, written.observations, written.sequence) == (1, 0, 2, 1)
        assert await observations(store) == [
            (ROOM, "co2", NOON, 812.0, 0),
            (ROOM, "temperature", NOON, 21.5, 0),
        ]
        assert await newest(store) == [
            (ROOM, "co2", NOON, 812.0, 1, NOON, NOON),
            (ROOM, "temperature", NOON, 21.5, 1, NOON, NOON),
        ]
        query = select(thing.c.name, thing.c.is_registered, thing.c.access, thing.c.last_seen, thing.c.uplinks)
        assert await rows(store, query) == [("r204", False, "staff", NOON, 1)]

    using(database_url, body)
    assert [(change.observed_property, change.result, change.is_latest) for change in judge.changes] == [
        ("co2", 812.0, True),
        ("temperature", 21.5, True),
    ]
    assert judge.changes[0].thing.dev_eui == ROOM


def test_the_same_batch_again_adds_nothing(database_url: str) -> None:
    batch = [arrival(count, at=NOON + count * MINUTE) for count in range(20)]

    async def body(store: Store) -> None:
        await write(store, batch, now=NOON + HOUR)
        before = await observations(store), await newest(store)
        again = await write(store, [*batch, *reversed(batch)], now=NOON + HOUR)
        assert (again.stored, again.duplicates, again.changes) == (0, 40, ())
        assert (await observations(store), await newest(store)) == before

    using(database_url, body)


def test_a_retransmission_is_one_and_a_counter_that_began_anew_is_not(database_url: str) -> None:
    async def body(store: Store) -> None:
        await write(store, [arrival(3, at=NOON), arrival(3, at=NOON + 48 * SECOND)], now=NOON + DAY)
        await write(store, [arrival(3, at=NOON + 50 * SECOND)], now=NOON + DAY)
        assert len(await observations(store)) == 1
        await write(store, [arrival(3, at=NOON + 3 * HOUR)], now=NOON + DAY)
        await write(store, [arrival(3, at=NOON + MINUTE, dev_addr="0a0b0c0d")], now=NOON + DAY)
        assert [row[2] for row in await observations(store)] == [NOON, NOON + MINUTE, NOON + 3 * HOUR]

    using(database_url, body)


def test_late_values_go_to_their_place_and_wrong_clocks_never_lead(database_url: str) -> None:
    async def body(store: Store) -> None:
        judge = Recorder()
        await write(store, [arrival(5, at=NOON)], now=NOON)
        await write(store, [arrival(4, at=NOON - 15 * MINUTE)], judge=judge, now=NOON)
        await write(store, [arrival(6, at=0), arrival(7, at=NOON + 73 * 365 * DAY)], judge=judge, now=NOON)
        assert [(row[2], Quality(row[4])) for row in await observations(store)] == [
            (0, Quality.CLOCK),
            (NOON - 15 * MINUTE, Quality.LATE),
            (NOON, Quality.SOUND),
            (NOON + 73 * 365 * DAY, Quality.CLOCK),
        ]
        assert [row[2:5] for row in await newest(store)] == [(NOON, 605.0, 4)]
        assert [change.is_latest for change in judge.changes] == [False, False, False]

    using(database_url, body)


def test_values_that_cannot_be_are_kept_and_marked(database_url: str) -> None:
    async def body(store: Store) -> None:
        await write(store, [arrival(1, readings={"co2": 65_535.0, "ammonia": -3.0, "pm10": float("nan")})], now=NOON)
        assert [(row[1], row[3], Quality(row[4])) for row in await observations(store)] == [
            ("ammonia", -3.0, Quality.SOUND),
            ("co2", 65_535.0, Quality.IMPLAUSIBLE),
        ]

    using(database_url, body)


def test_what_nothing_decoded_becomes_observations_when_a_codec_does(database_url: str) -> None:
    async def body(store: Store) -> None:
        silent = await write(store, [arrival(9, is_decoded=False)], now=NOON)
        assert (silent.stored, silent.observations) == (1, 0)
        replayed = await write(store, [arrival(9), arrival(9)], now=NOON + HOUR)
        assert (replayed.stored, replayed.duplicates, replayed.observations) == (1, 1, 1)
        assert len(await observations(store)) == 1
        assert await rows(store, select(uplink.c.is_decoded)) == [(True,)]

    using(database_url, body)


def test_remembered_values_are_added_once_and_told_to_nobody(database_url: str) -> None:
    history = ((NOON - HOUR, Reading("co2", 700.0)), (NOON - 2 * HOUR, Reading("co2", 800.0)))

    async def body(store: Store) -> None:
        first = await write(store, [arrival(1, history=history)], now=NOON)
        await write(store, [arrival(2, at=NOON + MINUTE, history=history)], now=NOON)
        assert len(first.changes) == 1
        assert [row[2] for row in await observations(store)] == [NOON - 2 * HOUR, NOON - HOUR, NOON, NOON + MINUTE]

    using(database_url, body)


def test_a_device_tells_its_battery_in_both_ways(database_url: str) -> None:
    async def body(store: Store) -> None:
        query = select(thing.c.battery, thing.c.rssi, thing.c.last_seen)
        await write(store, [arrival(1, readings={"battery": 80.0})], now=NOON)
        assert await rows(store, query) == [(80.0, -97.0, NOON)]
        statuses = [DeviceStatus(dev_eui=ROOM, battery=79.0), DeviceStatus(dev_eui="00" * 8, battery=1.0)]
        await write(store, [], statuses=statuses, now=NOON + HOUR)
        assert await rows(store, query) == [(79.0, -97.0, NOON + HOUR)]

    using(database_url, body)
