"""What everybody hears of a school: its class, and nothing of a room."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from sensor_overlay.access import Principal, Right
from sensor_overlay.instants import MINUTE, SECOND
from sensor_overlay.live import hub as hub_module
from sensor_overlay.live.hub import Hub
from sensor_overlay.live.picture import Picture, Place, Series, Thing, Value
from sensor_overlay.live.scales import Scales
from sensor_overlay.live.sites import Classes, describe_sites
from sensor_overlay.service import Service
from sensor_overlay.store.opening import open_store
from sensor_overlay.uplink import Quality
from tests.sensor_overlay.live.twin import NOW, Sensors
from zwilling.errors import SettingsError
from zwilling.sensor_settings import DatabaseSettings, SensorSettings

READER = Principal("leser", frozenset({"public"}), frozenset({Right.READ}))
CO2 = Classes(("co2",), 3)


def place(number: int, **changes: Any) -> Place:
    known = {
        "id": number,
        "name": f"Sensor {number}",
        "site": "S07",
        "site_name": "BBZ Grevenbroich",
        "building": "",
        "storey": "2",
        "room": f"R {number}",
        "municipality": "Grevenbroich",
        "is_test": False,
        "is_synthetic": False,
        "expected_interval": 600,
        "longitude": 6.5 + number / 1000,
        "latitude": 51.0,
        "height": None,
        **changes,
    }
    return Place(**known)


def told(*things: tuple[Place, float, int, int], counted: set[int] | None = None, wanted: Classes = CO2) -> Any:
    """Return what is told of things, each with a value, how many seconds old it is, and its quality."""
    picture = Picture()
    for where, value, age, quality in things:
        newest = Value(1, NOW - age * SECOND, value, quality)
        picture.things[where.id] = Thing(where, NOW, 1, {"co2": newest})
        picture.series[where.id] = Series(where.id, "co2", "CO2", "ppm")
    ids = {where.id for where, *_ in things} if counted is None else counted
    return json.loads(describe_sites(picture, ids, Scales(), wanted, NOW + 7 * SECOND))


def rooms(*values: float, **changes: Any) -> list[tuple[Place, float, int, int]]:
    return [(place(number, **changes), value, 60, 0) for number, value in enumerate(values, 1)]


@pytest.mark.parametrize(
    ("values", "rank"),
    [((400, 500, 2500), 0), ((400, 1200, 2500), 1), ((400, 2100, 2500), 2), ((400, 500, 1500, 1600), 1)],
)
def test_a_school_is_as_its_middle_room_is(values: tuple[float, ...], rank: int) -> None:
    [site] = told(*rooms(*values))["sites"]
    assert site["classes"] == {"co2": {"rank": rank, "name": ["gut", "lüften", "dringend lüften"][rank]}}


def test_nothing_of_a_room_is_in_it() -> None:
    document = told(*rooms(411, 1222, 2333))
    assert document["sites"][0].keys() == {
        "site", "name", "municipality", "is_synthetic", "longitude", "latitude", "classes",
    }  # fmt: skip
    assert (document["sites"][0]["longitude"], document["time"]) == (6.502, "2026-11-20T08:15:00Z")
    written = json.dumps(document)
    assert not [secret for secret in ("411", "1222", "2333", "R 1", "Sensor") if secret in written]


def test_too_few_rooms_have_no_class() -> None:
    assert told(*rooms(400, 400))["sites"] == []
    one_is_old = [*rooms(400, 400), (place(3), 400.0, 3 * 3600, 0)]
    one_is_wrong = [*rooms(400, 400), (place(3), 9e4, 60, int(Quality.IMPLAUSIBLE))]
    for things in (one_is_old, one_is_wrong):
        assert told(*things)["sites"][0]["classes"] == {"co2": None}
    assert told(*rooms(400, 400), (place(3, is_test=True), 400.0, 60, 0))["sites"] == []
    assert told(*rooms(400, 400), (place(3, site="S08"), 400.0, 60, 0))["sites"] == []
    assert told(*rooms(400, 400, 400), counted={1, 2})["sites"] == []
    assert told(*rooms(400, 400, 400, site=""))["sites"] == []
    assert told(*rooms(400, 400, 400), wanted=Classes())["sites"] == []


def test_rooms_for_staff_count_those_of_the_crisis_team_do_not_and_it_lasts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        store = await open_store(tmp_path / "zwilling.db")
        sensors = Sensors(store)
        for number in range(1, 5):
            await sensors.add(number, access="staff" if number < 4 else "crisis")
            await sensors.tell(number, 1500.0 if number < 4 else 3000.0)
        hub = Hub(store, classes=CO2, now=lambda: NOW + MINUTE)
        first = await hub.sites()
        assert json.loads(first)["sites"][0]["classes"]["co2"]["rank"] == 1
        for number in range(1, 4):
            await sensors.tell(number, 400.0, at=NOW + 1)
        assert await hub.sites() == first  # who leaves a room must not be seen to leave it
        monkeypatch.setattr(hub_module, "LASTS_SECONDS", 0.0)
        assert json.loads(await hub.sites())["sites"][0]["classes"]["co2"]["rank"] == 0
        await hub.start()
        await hub.sites()
        await sensors.tell(1, 2222.0, at=NOW + 2)
        while b"2222" not in await hub.snapshot(READER):  # nobody follows, and still it is not old
            await asyncio.sleep(0)
        await hub.stop()
        await store.close()

    asyncio.run(scene())


def test_a_class_needs_levels(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="humidity"):
        Service(SensorSettings(site_classes=["humidity"]), DatabaseSettings(), base=tmp_path, data=tmp_path)
