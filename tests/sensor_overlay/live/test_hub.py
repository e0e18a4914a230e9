"""What viewers are told, and what they are not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from sensor_overlay.access import PUBLIC, Principal, Right
from sensor_overlay.instants import HOUR, MINUTE, SECOND
from sensor_overlay.live.hub import Hub, TooManyViewersError, Update
from sensor_overlay.live.messages import Wanted
from sensor_overlay.live.picture import Picture
from sensor_overlay.store.schema import datastream, thing
from tests.sensor_overlay.live.conftest import QUICK, Play, stage
from tests.sensor_overlay.live.twin import IMPLAUSIBLE, NOW, Sensors

STAFF = Principal("hausmeister", frozenset({"public", "staff"}))
READER = Principal("leser", frozenset({"public"}), frozenset({Right.READ}))
DUTY = Principal("dienst", frozenset({"public", "staff"}), frozenset({Right.ALERTS}))

Stream = AsyncGenerator[Update, None]


def read(update: Update) -> dict[str, Any]:
    """Return a message as a viewer reads it."""
    message: dict[str, Any] = json.loads(update.data)
    assert message["type"] == update.kind
    assert message["id"] == update.id
    return message


async def told(stream: Stream) -> dict[str, Any]:
    """Return the next message."""
    return read(await anext(stream))


def test_first_comes_everything_and_then_only_what_changes(play: Play) -> None:
    async def scene(sensors: Sensors, hub: Hub) -> None:
        await sensors.add(1)
        await sensors.add(2, site="S02", room="", storey="1. OG", building="DENW1", municipality="Neuss")
        await sensors.tell(1, 812.0)
        stream = hub.follow(PUBLIC)
        first = await told(stream)
        assert first["type"] == "snapshot"
        assert first["time"] == "2026-11-20T08:15:00Z"
        assert [entry["id"] for entry in first["things"]] == ["1", "2"]
        assert first["things"][0]["latest"] == {"co2": {"time": "2026-11-20T08:15:00Z", "value": 812.0, "level": 0}}
        assert first["things"][1]["latest"] == {}
        assert first["things"][1]["building"] == "DENW1"
        assert first["properties"]["co2"]["levels"][1] == {"from": 1000.0, "name": "lüften", "rank": 1}
        sequence = await sensors.tell(1, 1240.0, at=NOW + MINUTE)
        hub.wake()
        change = await told(stream)
        assert change["type"] == "changes"
        assert change["id"].startswith(f"{sequence}.")
        assert [entry["id"] for entry in change["things"]] == ["1"]
        assert change["things"][0]["latest"] == {"co2": {"time": "2026-11-20T08:16:00Z", "value": 1240.0, "level": 1}}

    play(scene)


def test_a_change_by_another_process_is_found_without_being_woken(play: Play) -> None:
    async def scene(sensors: Sensors, hub: Hub) -> None:
        await sensors.add(1)
        stream = hub.follow(PUBLIC)
        await told(stream)
        await sensors.tell(1, 900.0)
        # The first value of a property comes with what the property is called.
        assert (await told(stream))["type"] == "snapshot"
        await sensors.tell(1, 950.0)
        assert (await told(stream))["things"][0]["latest"]["co2"]["value"] == 950.0

    play(scene)


def test_a_viewer_that_falls_behind_gets_the_newest_value_once(play: Play) -> None:
    async def scene(sensors: Sensors, hub: Hub) -> None:
        await sensors.add(1)
        await sensors.add(2)
        for number in (1, 2):
            await sensors.tell(number, 500.0)
        quick, slow = hub.follow(PUBLIC), hub.follow(PUBLIC)
        await told(quick)
        await told(slow)
        for value in range(600, 620):
            await sensors.tell(1, float(value))
            assert (await told(quick))["things"][0]["latest"]["co2"]["value"] == value
        await sensors.tell(2, 700.0)
        await told(quick)
        caught_up = await told(slow)
        assert {entry["id"]: entry["latest"]["co2"]["value"] for entry in caught_up["things"]} == {"1": 619, "2": 700}

    play(scene)


def test_viewers_who_see_the_same_get_the_same_bytes(play: Play) -> None:
    async def scene(sensors: Sensors, hub: Hub) -> None:
        await sensors.add(1)
        await sensors.tell(1, 500.0)
        streams = [hub.follow(PUBLIC) for _ in range(3)]
        for stream in streams:
            await told(stream)
        await sensors.tell(1, 600.0)
        updates = [await anext(stream) for stream in streams]
        assert len({id(update) for update in updates}) == 1

    play(scene)


def test_who_comes_back_goes_on_from_where_he_was(play: Play) -> None:
    async def scene(sensors: Sensors, hub: Hub) -> None:
        await sensors.add(1)
        await sensors.add(2)
        for number in (1, 2):
            await sensors.tell(number, 500.0)
        stream = hub.follow(PUBLIC)
        position = (await told(stream))["id"]
        await stream.aclose()
        await sensors.tell(2, 800.0)
        again = hub.follow(PUBLIC, position)
        message = await told(again)
        assert message["type"] == "changes"
        assert [entry["id"] for entry in message["things"]] == ["2"]

    play(scene)


@pytest.mark.parametrize(
    "position", ["", "0", "1.wrong", "-1.{v}", "99999999.{v}", "٣.{v}", "1" * 30 + ".{v}", "x.{v}"]
)
def test_a_position_that_is_none_begins_anew(play: Play, position: str) -> None:
    async def scene(sensors: Sensors, hub: Hub) -> None:
        await sensors.add(1)
        await sensors.tell(1, 500.0)
        stream = hub.follow(PUBLIC)
        version = (await told(stream))["id"].partition(".")[2]
        again = hub.follow(PUBLIC, position.format(v=version))
        assert (await told(again))["type"] == "snapshot"

    play(scene)


def test_a_position_holds_beyond_a_restart(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path) as (sensors, hub):
            await sensors.add(1)
            await sensors.tell(1, 500.0)
            stream = hub.follow(PUBLIC)
            position = (await told(stream))["id"]
            await stream.aclose()
        async with stage(tmp_path) as (sensors, hub):
            await sensors.tell(1, 900.0)
            stream = hub.follow(PUBLIC, position)
            message = await told(stream)
            assert (message["type"], message["things"][0]["latest"]["co2"]["value"]) == ("changes", 900.0)
            await stream.aclose()

    asyncio.run(run())


def test_hidden_things_are_absent_from_everything(play: Play) -> None:
    async def scene(sensors: Sensors, hub: Hub) -> None:
        await sensors.add(1)
        await sensors.add(2, access="staff", name="GEHEIM-2", room="GEHEIM")
        await sensors.add(3, access="crisis", name="GEHEIM-3")
        await sensors.add(4, is_registered=False, access="public", name="GEHEIM-4")
        for number in (1, 2, 3, 4):
            await sensors.tell(number, 500.0)
            await sensors.alarm(number, number, text=f"{'GEHEIM' if number > 1 else 'offen'}")
        seen: dict[str, list[str]] = {}
        for principal in (PUBLIC, STAFF, READER, replace(STAFF, sites=frozenset({"S99"}))):
            stream = hub.follow(principal)
            message = await told(stream)
            seen[principal.name + "".join(principal.sites)] = [entry["id"] for entry in message["things"]]
            assert {entry["thing"] for entry in message["alerts"]} == {entry["id"] for entry in message["things"]}
            if principal is PUBLIC:
                assert "GEHEIM" not in json.dumps(message)
            await stream.aclose()
        assert seen == {"": ["1"], "hausmeister": ["1", "2"], "leser": ["1", "2", "3"], "hausmeisterS99": ["1"]}
        # Nor do changes tell of them, not even that there were any.
        stream = hub.follow(PUBLIC)
        await told(stream)
        for number in (2, 3, 4):
            await sensors.tell(number, 2500.0)
            await sensors.alarm(number, number, peak=2500.0)
        await sensors.tell(1, 777.0)
        message = await told(stream)
        while message["things"][0]["latest"]["co2"]["value"] != 777.0:
            message = await told(stream)
        assert [entry["id"] for entry in message["things"]] == ["1"]
        assert message["alerts"] == []

    play(scene)


def test_what_is_hidden_while_somebody_looks_is_gone_at_once(play: Play) -> None:
    async def scene(sensors: Sensors, hub: Hub) -> None:
        await sensors.add(1)
        await sensors.add(2)
        stream = hub.follow(PUBLIC)
        position = (await told(stream))["id"]
        await sensors.change(2, access="staff")
        message = await told(stream)
        assert message["type"] == "snapshot"
        assert [entry["id"] for entry in message["things"]] == ["1"]
        late = hub.follow(PUBLIC, position)
        assert (await told(late))["type"] == "snapshot"

    play(scene)


def test_a_device_that_is_registered_later_appears_with_its_values(play: Play) -> None:
    async def scene(sensors: Sensors, hub: Hub) -> None:
        await sensors.add(1)
        await sensors.tell(1, 400.0)
        await sensors.add(2, is_registered=False)
        await sensors.tell(2, 450.0)
        stream = hub.follow(PUBLIC)
        await told(stream)
        await sensors.change(2, is_registered=True)
        message = await told(stream)
        assert message["type"] == "snapshot"
        assert message["things"][1]["latest"]["co2"]["value"] == 450.0

    play(scene)


def test_what_is_deleted_is_gone_from_the_picture(play: Play) -> None:
    async def scene(sensors: Sensors, hub: Hub) -> None:
        await sensors.add(1)
        await sensors.add(2)
        number = await sensors.measure(1, "temperature")
        await sensors.measure(2, "temperature")  # so that the property itself stays known
        for key in ("co2", "temperature"):
            await sensors.tell(1, 21.0, key)
            await sensors.tell(2, 21.0, key)
        stream = hub.follow(PUBLIC)
        assert set((await told(stream))["things"][0]["latest"]) == {"co2", "temperature"}
        async with sensors.store.writing() as commit:
            await commit.connection.execute(delete(datastream).where(datastream.c.id == number))
            await commit.registry_changed()
        message = await told(stream)
        assert message["type"] == "snapshot"
        assert set(message["things"][0]["latest"]) == {"co2"}
        async with sensors.store.writing() as commit:
            await commit.connection.execute(delete(thing).where(thing.c.id == 2))
            await commit.registry_changed()
        assert [entry["id"] for entry in (await told(stream))["things"]] == ["1"]

    play(scene)


def test_alerts_open_are_acknowledged_and_close(play: Play) -> None:
    async def scene(sensors: Sensors, hub: Hub) -> None:
        await sensors.add(1)
        await sensors.tell(1, 1240.0)
        public, duty = hub.follow(PUBLIC), hub.follow(DUTY)
        assert (await told(public))["alerts"] == (await told(duty))["alerts"] == []
        await sensors.alarm(7, 1)
        for stream in (public, duty):
            (opened,) = (await told(stream))["alerts"]
            assert opened["id"] == "7"
            assert opened["closed"] is None
            assert (opened["thing"], opened["property"], opened["opened"]) == ("1", "co2", "2026-11-20T08:15:00Z")
        await sensors.alarm(7, 1, acknowledged=NOW + MINUTE, acknowledged_by="Frau Müller")
        for stream, names in ((public, None), (duty, "Frau Müller")):
            (known,) = (await told(stream))["alerts"]
            assert known["acknowledged"] == "2026-11-20T08:16:00Z"
            assert known.get("acknowledged_by") == names
        await sensors.alarm(7, 1, closed=NOW + HOUR, closed_by="")
        (closed,) = (await told(public))["alerts"]
        assert closed["closed"] == "2026-11-20T09:15:00Z"

    play(scene)


def test_states_say_how_recent_an_uplink_is(play: Play) -> None:
    async def scene(sensors: Sensors, hub: Hub) -> None:
        ages = {1: 0, 2: 25 * MINUTE, 3: 60 * MINUTE, 4: 3 * HOUR}
        for number, age in ages.items():
            await sensors.add(number)
            await sensors.tell(number, 500.0, at=NOW - age)
        await sensors.add(5)
        await sensors.add(6, is_test=True)
        stream = hub.follow(PUBLIC)
        things = (await told(stream))["things"]
        assert [entry["state"] for entry in things] == ["fresh", "late", "stale", "silent", "silent", "test"]
        assert things[4]["last_seen"] is None
        assert things[0]["late_from"] == "2026-11-20T08:35:00Z"
        assert things[0]["silent_from"] == "2026-11-20T10:15:00Z"

    play(scene)


def test_implausible_values_are_named_and_have_no_level(play: Play) -> None:
    async def scene(sensors: Sensors, hub: Hub) -> None:
        await sensors.add(1)
        await sensors.tell(1, 65_535.0, quality=IMPLAUSIBLE)
        stream = hub.follow(PUBLIC)
        value = (await told(stream))["things"][0]["latest"]["co2"]
        assert value == {"time": "2026-11-20T08:15:00Z", "value": 65_535.0, "quality": ["implausible"]}

    play(scene)


def test_wishes_for_sites_and_properties(play: Play) -> None:
    async def scene(sensors: Sensors, hub: Hub) -> None:
        await sensors.add(1)
        await sensors.add(2, site="S02")
        await sensors.measure(1, "temperature")
        await sensors.tell(1, 21.0, "temperature")
        for number in (1, 2):
            await sensors.tell(number, 500.0)
            await sensors.alarm(number, number)
        stream = hub.follow(PUBLIC, None, Wanted(frozenset({"S01"}), frozenset({"co2"})))
        message = await told(stream)
        assert [entry["id"] for entry in message["things"]] == ["1"]
        assert list(message["things"][0]["latest"]) == list(message["properties"]) == ["co2"]
        assert [entry["id"] for entry in message["alerts"]] == ["1"]
        await sensors.tell(2, 600.0)
        await sensors.tell(1, 22.0, "temperature")
        await sensors.tell(1, 700.0)
        (changed,) = (await told(stream))["things"]
        assert (changed["id"], changed["latest"]["co2"]["value"]) == ("1", 700.0)

    play(scene)


def test_two_datastreams_of_one_property_in_a_thing_are_kept_apart(play: Play) -> None:
    async def scene(sensors: Sensors, hub: Hub) -> None:
        await sensors.add(1)
        await sensors.measure(1, "temperature")
        async with sensors.store.writing() as commit:
            changed = datastream.update().where(datastream.c.thing_id == 1).values(observed_property_id=1, key=None)
            await commit.connection.execute(changed)
            await commit.registry_changed()
        await sensors.tell(1, 21.0, "temperature")
        await sensors.tell(1, 500.0)
        stream = hub.follow(PUBLIC)
        values = (await told(stream))["things"][0]["latest"]
        assert {key: value["value"] for key, value in values.items()} == {"co2": 500.0, "co2-111": 21.0}

    play(scene)


def test_silence_is_told_too(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path, replace(QUICK, heartbeat=0.0)) as (sensors, hub):
            await sensors.add(1)
            stream = hub.follow(PUBLIC)
            await told(stream)
            beat = await told(stream)
            assert (beat["type"], beat["is_current"]) == ("heartbeat", True)
            await stream.aclose()

    asyncio.run(run())


def test_trouble_with_the_store_is_told_and_passes(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path, replace(QUICK, heartbeat=0.0, patience=0.0)) as (sensors, hub):
            await sensors.add(1)
            await sensors.tell(1, 500.0)
            stream = hub.follow(PUBLIC)
            await told(stream)
            path = tmp_path / "zwilling.db"
            path.rename(tmp_path / "away.db")
            await sensors.store.close()  # its connections would go on reading the file that has no name any more
            path.mkdir()
            while (await told(stream)).get("is_current", True):
                pass
            path.rmdir()
            (tmp_path / "away.db").rename(path)
            while not (await told(stream)).get("is_current", False):
                pass
            await sensors.tell(1, 600.0)
            message = await told(stream)
            while message["type"] == "heartbeat":
                message = await told(stream)
            assert message["things"][0]["latest"]["co2"]["value"] == 600.0
            await stream.aclose()

    asyncio.run(run())


def test_a_store_that_went_back_in_time_is_read_anew(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path) as (sensors, hub):
            await sensors.add(1)
            await sensors.tell(1, 500.0)
            stream = hub.follow(PUBLIC)
            await told(stream)
            for value in (600.0, 700.0):
                await sensors.tell(1, value)
            while (await told(stream))["things"][0]["latest"]["co2"]["value"] != 700.0:
                pass
            async with sensors.store.writing() as commit:
                await commit.connection.exec_driver_sql("update latest set result = 500.0, sequence = 2")
                await commit.connection.exec_driver_sql("update counter set value = 2 where name = 'commit'")
            message = await told(stream)
            assert message["type"] == "snapshot"
            assert message["things"][0]["latest"]["co2"]["value"] == 500.0
            await stream.aclose()

    asyncio.run(run())


def test_there_is_an_end_to_viewers_and_to_streams(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path, replace(QUICK, viewers=2, reserved=1)) as (sensors, hub):
            await sensors.add(1)
            streams = [hub.follow(PUBLIC), hub.follow(PUBLIC)]
            for stream in streams:
                await told(stream)
            with pytest.raises(TooManyViewersError):
                await anext(hub.follow(PUBLIC))
            duty = hub.follow(DUTY)  # a crowd of others does not keep staff out
            await told(duty)
            with pytest.raises(TooManyViewersError):
                await anext(hub.follow(DUTY))
            await streams[0].aclose()
            await duty.aclose()
            streams[0] = hub.follow(PUBLIC)
            await told(streams[0])
            hub.close()
            for stream in streams:
                assert await anext(stream, None) is None

    asyncio.run(run())


def test_who_wants_many_different_things_keeps_nobody_from_wanting_everything(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path, replace(QUICK, audiences=2)) as (sensors, hub):
            await sensors.add(1)
            one = [hub.follow(PUBLIC, None, Wanted(frozenset({site}))) for site in ("S01", "S02")]
            others = [hub.follow(PUBLIC), hub.follow(STAFF), hub.follow(STAFF, None, Wanted(frozenset({"S01"})))]
            for stream in one:
                await told(stream)
            with pytest.raises(TooManyViewersError):
                await anext(hub.follow(PUBLIC, None, Wanted(frozenset({"S03"}))))
            for stream in others:
                await told(stream)
            await one[0].aclose()
            again = hub.follow(PUBLIC, None, Wanted(frozenset({"S03"})))
            await told(again)
            for stream in (one[1], again, *others):
                await stream.aclose()

    asyncio.run(run())


def test_the_time_of_a_message_is_whole_seconds(play: Play) -> None:
    async def scene(sensors: Sensors, hub: Hub) -> None:
        await sensors.add(1)
        await sensors.tell(1, 500.0, at=NOW - 1)
        stream = hub.follow(PUBLIC)
        assert (await told(stream))["things"][0]["last_seen"] == "2026-11-20T08:14:59Z"
        assert (NOW - 1) % SECOND != 0

    play(scene)


def test_a_mistake_of_ours_is_logged_and_does_not_end_the_streams(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    follow = Picture.follow
    fails = [True]

    async def failing(self: Picture, connection: AsyncConnection, now: int) -> bool:
        if fails.pop() if fails else False:
            raise ValueError("a row that nobody thought of")
        return await follow(self, connection, now)

    async def run() -> None:
        async with stage(tmp_path, replace(QUICK, patience=0.0)) as (sensors, hub):
            await sensors.add(1)
            await sensors.tell(1, 500.0)
            stream = hub.follow(PUBLIC)
            await told(stream)
            monkeypatch.setattr(Picture, "follow", failing)
            await sensors.tell(1, 600.0)
            assert (await told(stream))["things"][0]["latest"]["co2"]["value"] == 600.0
            await stream.aclose()

    asyncio.run(run())
    assert "a row that nobody thought of" in caplog.text


def test_a_flood_of_new_devices_does_not_hold_up_values(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path, replace(QUICK, renew=3_600.0)) as (sensors, hub):
            await sensors.add(1)
            await sensors.tell(1, 500.0)
            stream = hub.follow(PUBLIC)
            await told(stream)
            # The registry has changed, and is not read for an hour; values are told all the same.
            await sensors.add(2)
            await sensors.tell(1, 600.0)
            message = await told(stream)
            assert message["type"] == "changes"
            assert message["things"][0]["latest"]["co2"]["value"] == 600.0
            await stream.aclose()

    asyncio.run(run())
