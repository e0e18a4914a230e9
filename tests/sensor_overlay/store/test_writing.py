"""A batch becomes observations, each once, on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import func, insert, select, update

from sensor_overlay.instants import DAY, HOUR, MINUTE, SECOND
from sensor_overlay.store import known
from sensor_overlay.store.letters import Letter, letters_since, mark_replayed
from sensor_overlay.store.opening import Commit, Store
from sensor_overlay.store.schema import datastream, dead_letter, observed_property, sensor, thing, uplink
from sensor_overlay.store.writing import Arrival, Change, write
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


def test_frames_without_counter_and_payload_are_told_apart_by_what_was_decoded(database_url: str) -> None:
    def decoded_elsewhere(ppm: float, at: int) -> Arrival:
        one = arrival(at=at, payload=b"", readings={"co2": ppm})
        return replace(one, uplink=replace(one.uplink, object={"co2": ppm, "room": {"b": 1, "a": 2}}))

    async def body(store: Store) -> None:
        sent = [decoded_elsewhere(600.0, NOON), decoded_elsewhere(610.0, NOON + MINUTE)]
        assert (await write(store, sent, now=NOON + HOUR)).stored == 2
        assert (await write(store, sent, now=NOON + HOUR)).duplicates == 2
        assert [row[3] for row in await observations(store)] == [600.0, 610.0]

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


def test_calibration_is_applied_at_intake(database_url: str) -> None:
    async def body(store: Store) -> None:
        async with store.writing(NOON) as commit:
            row = {
                "name": "Raum 204",
                "dev_eui": ROOM,
                "is_registered": True,
                "calibration": {"co2": {"offset": -12.0, "factor": 0.5}, "temperature": {"factor": 1e308}},
            }
            await commit.connection.execute(insert(thing), row)
        await write(store, [arrival(1, readings={"co2": 1_000.0, "humidity": 40.0, "temperature": 20.0})], now=NOON)
        assert [(row[1], row[3]) for row in await observations(store)] == [("co2", 488.0), ("humidity", 40.0)]

    using(database_url, body)


def test_a_thing_in_its_test_phase_says_so(database_url: str) -> None:
    async def body(store: Store) -> None:
        await write(store, [arrival(1)], now=NOON)
        async with store.writing(NOON) as commit:
            await commit.connection.execute(update(thing).values(is_test=True))
            await commit.registry_changed()
        await write(store, [arrival(2, at=NOON + MINUTE)], now=NOON)
        assert [Quality(row[4]) for row in await observations(store)] == [Quality.SOUND, Quality.TEST]

    using(database_url, body)


def test_unknown_devices_are_kept_up_to_a_number(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "MOST_UNKNOWN", 3)

    async def body(store: Store) -> None:
        batch = [arrival(1, dev_eui=f"{number:016x}") for number in range(5)]
        written = await write(store, [*batch, arrival(2, dev_eui=f"{4:016x}", at=NOON + MINUTE)], now=NOON)
        assert (written.stored, written.refused) == (3, 3)
        assert await rows(store, select(func.count()).select_from(thing)) == [(3,)]
        letters = await rows(store, select(dead_letter.c.cause, dead_letter.c.dev_eui).order_by(dead_letter.c.dev_eui))
        assert letters == [("too-many-unknown", f"{3:016x}"), ("too-many-unknown", f"{4:016x}")]
        async with store.writing(NOON) as commit:  # somebody registers one
            first = select(func.min(thing.c.id)).scalar_subquery()
            await commit.connection.execute(update(thing).where(thing.c.id == first).values(is_registered=True))
            await commit.registry_changed()
        assert (await write(store, batch, now=NOON)).stored == 1

    using(database_url, body)


def test_a_device_makes_no_more_datastreams_than_a_thing_may_have(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known, "MOST_DATASTREAMS", 4)

    async def body(store: Store) -> None:
        for number in range(4):
            names = {f"value{number}{letter}": 1.0 for letter in "ab"}
            await write(store, [arrival(number, at=NOON + number * MINUTE, readings=names)], now=NOON)
        assert len(await observations(store)) == 4
        assert await rows(store, select(func.count()).select_from(datastream)) == [(4,)]

    using(database_url, body)


def test_datastreams_name_what_they_measure_and_with_what(database_url: str) -> None:
    async def body(store: Store) -> None:
        await write(store, [arrival(1, readings={"co2": 500.0, "ammonia": 1.0})], now=NOON)
        query = (
            select(
                datastream.c.name,
                datastream.c.unit_symbol,
                datastream.c.unit_definition,
                observed_property.c.name,
                observed_property.c.definition,
                sensor.c.name,
            )
            .join(observed_property, observed_property.c.id == datastream.c.observed_property_id)
            .join(sensor, sensor.c.id == datastream.c.sensor_id)
            .order_by(datastream.c.key)
        )
        definition = "https://vocab.nerc.ac.uk/standard_name/mole_fraction_of_carbon_dioxide_in_air/"
        assert await rows(store, query) == [
            ("ammonia, r204", None, None, "ammonia", "", "ERS-CO2"),
            ("CO2, r204", "ppm", "https://ucum.org/ucum#%5Bppm%5D", "CO2", definition, "ERS-CO2"),
        ]

    using(database_url, body)


@pytest.mark.parametrize("name", ["\0", "x" * 5_000, "Raum \ud800", "'; drop table thing; --", "🏫" * 300])
def test_names_from_outside_are_text_and_nothing_else(database_url: str, name: str) -> None:
    async def body(store: Store) -> None:
        sent = arrival(1, readings={name: 1.0})
        sent = replace(sent, uplink=replace(sent.uplink, name=name, profile=name, application=name))
        assert (await write(store, [sent], now=NOON)).stored == 1
        assert (await write(store, [sent], now=NOON)).duplicates == 1
        assert len(await rows(store, select(thing.c.name))) == 1

    using(database_url, body)


def test_dead_letters_are_kept_once_and_counted(database_url: str) -> None:
    def letter(body: bytes, cause: str = "not-json", received: int = NOON) -> Letter:
        return Letter(
            source="county", network="tts", topic="v3/a\0", body=body, cause=cause, detail="\ud800", received=received
        )

    async def body(store: Store) -> None:
        await write(store, [], [letter(b"?"), letter(b"?"), letter(b"{" * 1_000_000)], now=NOON)
        await write(store, [], [letter(b"?", "malformed", NOON + HOUR)], now=NOON)
        async with store.reading() as connection:
            found = await letters_since(connection)
        assert [(one.letter.cause, one.times, one.size, len(one.letter.body)) for one in found] == [
            ("malformed", 3, 1, 1),
            ("not-json", 1, 1_000_000, 65_536),
        ]
        async with store.writing(NOON) as commit:
            await mark_replayed(commit, [found[0].id])
        async with store.reading() as connection:
            assert [one.id for one in await letters_since(connection)] == [found[1].id]
            assert await letters_since(connection, found[1].id) == []
            assert await letters_since(connection, causes=["malformed"]) == []
        await write(store, [], [letter(b"?")], now=NOON)  # it came again: whatever was done about it, did not help
        async with store.reading() as connection:
            assert len(await letters_since(connection)) == 2

    using(database_url, body)


def test_frames_of_one_session_of_the_things_stack(database_url: str) -> None:
    """Where dev_addr stays and the session's name changes, the device joined anew."""

    async def body(store: Store) -> None:
        for session in ("AYx1", "AYx2", "AYx1"):
            sent = arrival(0)
            await write(store, [replace(sent, uplink=replace(sent.uplink, session=session))], now=NOON)
        assert len(await observations(store)) == 2

    using(database_url, body)


def test_untimed_copies_are_one_within_a_week(database_url: str) -> None:
    async def body(store: Store) -> None:
        for hours in (0, 3, 100, 24 * 9):
            await write(store, [arrival(5, at=None, received=NOON + hours * HOUR)], now=NOON + hours * HOUR)
        assert [row[2] for row in await observations(store)] == [NOON, NOON + 24 * 9 * HOUR]

    using(database_url, body)


def test_the_network_servers_own_id_tells_copies_whatever_their_times(database_url: str) -> None:
    async def body(store: Store) -> None:
        for days in (0, 3):
            await write(store, [arrival(5, at=NOON + days * DAY, deduplication_id="5d0f" * 50)], now=NOON + 4 * DAY)
        assert len(await observations(store)) == 1

    using(database_url, body)
