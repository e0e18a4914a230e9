"""Entries into the store, on both databases: made, adopted, changed, moved, retired; one transaction or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from sqlalchemy import insert, select

from sensor_overlay.registry.entries import Entry
from sensor_overlay.registry.importing import Plan, carry_out, plan_import
from sensor_overlay.registry.places import Position
from sensor_overlay.registry.tables import Record
from sensor_overlay.store.opening import Counter, Store, open_store
from sensor_overlay.store.schema import (
    datastream,
    historical_location,
    historical_location_location,
    latest,
    location,
    observed_property,
    sensor,
    thing,
    thing_location,
)

Result = TypeVar("Result")
EUI, OTHER = "a81758fffe0abcde", "a81758fffe0abcdf"
RECORD = Record("liste.csv", 2, "line", {}, {"dev_eui": "DevEUI"})
HERE = Position(6.5867, 51.0897, 104.5)
THERE = Position(6.5868, 51.0897, 104.5)


def entry(key: str, position: Position | None = None, **values: Any) -> Entry:
    return Entry(key, MappingProxyType(values), position, RECORD)


def with_store(url: str, work: Callable[[Store], Coroutine[Any, Any, Result]]) -> Result:
    async def run() -> Result:
        store = await open_store(url)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())


async def imported(store: Store, *entries: Entry, retire: bool = False, now: int = 1) -> Plan:
    async with store.writing(now) as commit:
        plan = await plan_import(commit.connection, entries, retire=retire)
        if not any(fault.is_error for fault in plan.faults):
            await carry_out(commit, plan)
    return plan


async def things(store: Store) -> dict[str | None, Mapping[str, Any]]:
    async with store.reading() as connection:
        return {row["key"]: dict(row) for row in (await connection.execute(select(thing))).mappings()}


async def add_unknown(store: Store, dev_eui: str = EUI) -> int:
    """Add a device that was heard, and nobody registered; return its datastream."""
    async with store.writing(1) as commit:
        connection = commit.connection
        await connection.execute(
            insert(thing).values(name=dev_eui, dev_eui=dev_eui, is_registered=False, uplinks=7, last_seen=5)
        )
        of = await connection.scalar(select(thing.c.id).where(thing.c.dev_eui == dev_eui))
        await connection.execute(insert(sensor).values(name="s", key=dev_eui, metadata="s"))
        await connection.execute(insert(observed_property).values(name="CO2", key=dev_eui))
        stream = insert(datastream).values(
            name=f"CO2, {dev_eui}",
            thing_id=of,
            key="co2",
            observation_type="x",
            sensor_id=select(sensor.c.id).where(sensor.c.key == dev_eui).scalar_subquery(),
            observed_property_id=select(observed_property.c.id)
            .where(observed_property.c.key == dev_eui)
            .scalar_subquery(),
        )
        await connection.execute(stream)
        number: int = (
            await connection.execute(select(datastream.c.id).where(datastream.c.thing_id == of))
        ).scalar_one()
        await connection.execute(
            insert(latest).values(datastream_id=number, sequence=1, observations=1, first_time=1, last_time=1)
        )
        return number


def test_a_thing_is_made_with_its_place(database_url: str) -> None:
    async def work(store: Store) -> None:
        plan = await imported(
            store,
            entry(
                "K1",
                HERE,
                dev_eui=EUI,
                room="204",
                storey="2. OG",
                site_name="BBZ",
                calibration={"co2": {"offset": 1.0}},
            ),
            entry("K2", name="Pegel"),
            now=42,
        )
        assert (plan.new, plan.faults) == (["K1", "K2"], [])
        found = await things(store)
        row = found["K1"]
        assert (row["name"], row["dev_eui"], row["access"]) == ("Raum 204, BBZ", EUI, "staff")
        assert (row["is_registered"], row["calibration"]) == (True, {"co2": {"offset": 1.0}})
        assert found["K2"]["calibration"] is None
        async with store.reading() as connection:
            (place,) = (await connection.execute(select(location))).mappings().all()
            (history,) = (await connection.execute(select(historical_location))).mappings().all()
        assert place["name"] == "Raum 204, 2. OG, BBZ"
        assert place["location"] == {"type": "Point", "coordinates": [6.5867, 51.0897, 104.5]}
        assert (place["longitude"], place["latitude"], place["height"]) == (6.5867, 51.0897, 104.5)
        assert (history["thing_id"], history["time"]) == (row["id"], 42)

    with_store(database_url, work)


def test_a_second_import_changes_nothing(database_url: str) -> None:
    async def work(store: Store) -> None:
        lines = [entry("K1", HERE, dev_eui=EUI, room="204", calibration={"co2": {"offset": 1.0}}), entry("K2")]
        await imported(store, *lines)
        plan = await imported(store, *lines)
        assert (plan.unchanged, plan.is_idle) == (["K1", "K2"], True)

    with_store(database_url, work)


def test_what_the_file_has_no_column_for_stays(database_url: str) -> None:
    async def work(store: Store) -> None:
        await imported(store, entry("K1", HERE, dev_eui=EUI, room="204", access="public"))
        plan = await imported(store, entry("K1", room="205"))
        assert plan.changed == ["K1"]
        row = (await things(store))["K1"]
        assert (row["room"], row["name"], row["dev_eui"], row["access"]) == ("205", "Raum 205", EUI, "public")

    with_store(database_url, work)


def test_a_name_that_somebody_gave_stays(database_url: str) -> None:
    async def work(store: Store) -> None:
        await imported(store, entry("K1", room="204", name="Der vor der Mensa"))
        await imported(store, entry("K1", room="205"))
        assert (await things(store))["K1"]["name"] == "Der vor der Mensa"

    with_store(database_url, work)


def test_a_device_that_was_heard_is_adopted_with_its_history(database_url: str) -> None:
    async def work(store: Store) -> None:
        stream = await add_unknown(store)
        async with store.reading() as connection:
            before = (await connection.execute(select(latest.c.sequence))).scalar_one()
        plan = await imported(store, entry("K1", HERE, dev_eui=EUI, room="204", site_name="BBZ"))
        assert (plan.new, plan.adopted, plan.moved) == ([], ["K1"], [])
        (row,) = (await things(store)).values()
        assert (row["key"], row["is_registered"], row["uplinks"], row["last_seen"]) == ("K1", True, 7, 5)
        async with store.reading() as connection:
            found = (await connection.execute(select(datastream))).mappings().one()
            after = (await connection.execute(select(latest.c.sequence))).scalar_one()
        assert (found["id"], found["name"]) == (stream, "CO2, Raum 204, BBZ")
        assert after > before  # viewers learn of it

    with_store(database_url, work)


def test_moving_a_thing_remembers_where_it_was(database_url: str) -> None:
    async def work(store: Store) -> None:
        await imported(store, entry("K1", HERE), now=10)
        plan = await imported(store, entry("K1", Position(6.58670001, 51.0897, 104.501)), now=20)
        assert plan.unchanged == ["K1"]  # a millimetre is the same place
        plan = await imported(store, entry("K1", THERE), now=30)
        assert plan.moved == ["K1"]
        async with store.reading() as connection:
            query = (
                select(historical_location.c.time, location.c.longitude)
                .select_from(
                    historical_location.join(historical_location_location).join(
                        location, location.c.id == historical_location_location.c.location_id
                    )
                )
                .order_by(historical_location.c.time)
            )
            assert [tuple(row) for row in await connection.execute(query)] == [(10, 6.5867), (30, 6.5868)]
            current = select(location.c.longitude).select_from(location.join(thing_location))
            assert (await connection.execute(current)).scalars().all() == [6.5868]

    with_store(database_url, work)


def test_a_device_belongs_to_one_thing(database_url: str) -> None:
    async def work(store: Store) -> None:
        await imported(store, entry("K1", dev_eui=EUI))
        plan = await imported(store, entry("K2", dev_eui=EUI))
        assert [str(fault) for fault in plan.faults] == [
            "liste.csv: line 2, column 'DevEUI': belongs to 'K1'; give that one another in the same file, or none"
        ]
        assert set(await things(store)) == {"K1"}

    with_store(database_url, work)


def test_two_devices_change_places(database_url: str) -> None:
    async def work(store: Store) -> None:
        await imported(store, entry("K1", dev_eui=EUI), entry("K2", dev_eui=OTHER))
        plan = await imported(store, entry("K1", dev_eui=OTHER), entry("K2", dev_eui=EUI))
        assert (plan.changed, plan.faults) == (["K1", "K2"], [])
        found = await things(store)
        assert (found["K1"]["dev_eui"], found["K2"]["dev_eui"]) == (OTHER, EUI)

    with_store(database_url, work)


def test_a_new_device_in_an_old_place_that_was_heard_before(database_url: str) -> None:
    async def work(store: Store) -> None:
        await imported(store, entry("K1", dev_eui=OTHER))
        await add_unknown(store)
        plan = await imported(store, entry("K1", dev_eui=EUI))
        assert [(fault.is_error, fault.problem) for fault in plan.faults] == [
            (False, "was heard before it was registered; those readings stay with the unknown device")
        ]
        found = await things(store)
        assert (found["K1"]["dev_eui"], found[None]["dev_eui"]) == (EUI, None)

    with_store(database_url, work)


def test_what_the_file_no_longer_has_is_retired_only_if_wanted(database_url: str) -> None:
    async def work(store: Store) -> None:
        await imported(store, entry("K1", dev_eui=EUI), entry("K2"))
        plan = await imported(store, entry("K2"))
        assert plan.retired == []
        plan = await imported(store, entry("K2"), retire=True)
        assert plan.retired == ["K1"]
        found = await things(store)
        assert (found["K1"]["is_registered"], found["K2"]["is_registered"]) == (False, True)
        plan = await imported(store, entry("K1"))  # back again
        assert plan.changed == ["K1"]
        assert (await things(store))["K1"]["is_registered"] is True

    with_store(database_url, work)


def test_every_process_hears_of_a_change_and_of_nothing_else(database_url: str) -> None:
    async def work(store: Store) -> None:
        versions = []
        for line in (entry("K1"), entry("K1"), entry("K1", room="1")):
            await imported(store, line)
            async with store.writing(1) as commit:
                versions.append(commit.counters[Counter.REGISTRY])
        assert versions[0] == versions[1] == versions[2] - 1

    with_store(database_url, work)


def test_ten_thousand_things_at_once(database_url: str) -> None:
    async def work(store: Store) -> None:
        lines = [entry(f"K{number}", HERE, dev_eui=f"{number + 1:016x}") for number in range(10_000)]
        assert len((await imported(store, *lines)).new) == 10_000
        assert len((await imported(store, *lines)).unchanged) == 10_000

    with_store(database_url, work)
