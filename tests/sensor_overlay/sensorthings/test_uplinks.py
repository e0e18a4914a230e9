"""What the registry and uplinks bring is published: every entity, linked as the standard wants it."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from sensor_overlay.access import PUBLIC
from sensor_overlay.registry.entries import Entry
from sensor_overlay.registry.importing import carry_out, plan_import
from sensor_overlay.registry.places import Position
from sensor_overlay.registry.tables import Record
from sensor_overlay.sensorthings import answering
from sensor_overlay.store.opening import Store, open_store
from sensor_overlay.store.writing import write
from tests.sensor_overlay.sensorthings.twin import ROOT, run
from tests.sensor_overlay.store.uplinks import NOON, ROOM, arrival

SECOND = "a81758fffe0abcdf"
THIRD = "a81758fffe0abce0"
RECORD = Record("liste.csv", 2, "line", {}, {"dev_eui": "DevEUI"})
ROOM_204 = {"dev_eui": ROOM, "name": "R 204", "site": "S07", "site_name": "BBZ", "room": "204", "access": "public"}
ROOM_205 = {"dev_eui": SECOND, "name": "R 205", "site": "S07", "room": "205", "access": "staff"}


@pytest.fixture
def county(database_url: str) -> Iterator[Store]:
    """Two registered devices and one that nobody knows, each with four uplinks."""
    store = run(open_store(database_url))

    async def fill() -> None:
        entries = [
            Entry("r204", MappingProxyType(ROOM_204), Position(6.5867, 51.0897, 104.5), RECORD),
            Entry("r205", MappingProxyType(ROOM_205), Position(6.5868, 51.0897, 104.5), RECORD),
        ]
        async with store.writing(NOON) as commit:
            plan = await plan_import(commit.connection, entries, retire=False)
            assert not [fault for fault in plan.faults if fault.is_error]
            await carry_out(commit, plan)
        arrivals = [
            arrival(
                number, dev_eui=device, at=NOON + number * 600_000_000, readings={"co2": 600.0 + number, "humidity": 41}
            )
            for number in range(4)
            for device in (ROOM, SECOND, THIRD)
        ]
        await write(store, arrivals, [], [], judge=None, now=NOON + 3600_000_000)

    run(fill())
    yield store
    run(store.close())


def get(store: Store, target: str) -> Any:
    path, _, query = target.partition("?")
    return msgspec.json.decode(run(answering.read(store, PUBLIC, path, quote(query, safe="&=$;(),/'"), ROOT)).body)


def test_a_registered_device_is_a_whole_thing(county: Store) -> None:
    [thing] = get(
        county, "Things?$expand=Locations,HistoricalLocations,Datastreams/Sensor,Datastreams/ObservedProperty"
    )["value"]
    assert thing["properties"] == {"site": "S07", "siteName": "BBZ", "room": "204"}
    assert thing["Locations"][0]["location"]["coordinates"] == [6.5867, 51.0897, 104.5]
    assert len(thing["HistoricalLocations"]) == 1
    co2 = next(one for one in thing["Datastreams"] if one["ObservedProperty"]["name"] == "CO2")
    assert co2["unitOfMeasurement"]["symbol"] == "ppm"
    assert co2["phenomenonTime"] == "2026-11-20T12:00:00Z/2026-11-20T12:30:00Z"
    assert co2["observedArea"]["type"] == "Point"
    assert co2["Sensor"]["name"]


def test_its_observations_have_a_datastream_and_a_feature(county: Store) -> None:
    page = get(
        county, "Observations?$count=true&$expand=FeatureOfInterest,Datastream/Thing&$orderby=phenomenonTime desc"
    )
    assert page["@iot.count"] == len(page["value"]) == 8  # two properties, four uplinks, one device of three
    for observation in page["value"]:
        assert observation["Datastream"]["Thing"]["name"] == "R 204"
        assert observation["FeatureOfInterest"]["feature"]["coordinates"][:2] == [6.5867, 51.0897]
    [feature] = get(county, "FeaturesOfInterest?$expand=Observations($count=true;$top=1)")["value"]
    assert feature["Observations@iot.count"] == 8
    [newest] = get(
        county,
        "Datastreams?$filter=Thing/properties/site eq 'S07' and ObservedProperty/name eq 'CO2'"
        "&$expand=Observations($orderby=phenomenonTime desc;$top=1)",
    )["value"]
    assert newest["Observations"][0]["result"] == 603
    assert newest["Observations"][0]["phenomenonTime"] == "2026-11-20T12:30:00Z"
