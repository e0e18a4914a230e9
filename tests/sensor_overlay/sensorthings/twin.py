"""A small twin with what filters, expansions and access rights can get wrong, in either database."""

from __future__ import annotations

import asyncio
import atexit
from collections.abc import Coroutine
from typing import Any, TypeVar

from sqlalchemy import insert

from sensor_overlay import instants
from sensor_overlay.access import PUBLIC, Principal, Right
from sensor_overlay.sensorthings.addresses import parse_address
from sensor_overlay.sensorthings.options import parse_options
from sensor_overlay.sensorthings.reading import Reader
from sensor_overlay.store import schema
from sensor_overlay.store.observing import Observed, observe
from sensor_overlay.store.opening import Commit, Store, open_store

T = TypeVar("T")

NOW = instants.parse("2026-11-20T12:00:00Z")
EVERYTHING = Principal("test", frozenset({"public", "staff", "crisis"}), frozenset({Right.READ, Right.WRITE}))
STAFF = Principal("staff", frozenset({"public", "staff"}))
STAFF_S01 = Principal("caretaker", frozenset({"public", "staff"}), frozenset(), frozenset({"S01"}))
ROOT = "http://twin.example/sta/v1.1"

_RUNNER = asyncio.Runner()
atexit.register(_RUNNER.close)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine returns; one loop for all, which connections are bound to."""
    return _RUNNER.run(work)


THINGS: list[dict[str, Any]] = [
    # 1 and 2 are public, 3 and 4 for staff, 5 for the crisis team, 6 is a device that nobody registered.
    {"name": "R 101", "site": "S01", "access": "public", "properties": {"school": "S01", "floor": 1, "lit": True}},
    {"name": "Übergang O'Neil", "site": "S01", "access": "public", "properties": {"school": "S01", "floor": 2.5}},
    {"name": "R 201", "site": "S02", "access": "staff", "properties": {"school": "S02", "tags": ["a", {"b": 7}]}},
    {"name": "R 202", "site": "S01", "access": "staff", "properties": {"school": 7, "pm2.5": 12, "lit": False}},
    {"name": "Pegel Erft", "site": "P1", "access": "crisis", "properties": None},
    {"name": "a81758fffe0abcde", "site": "", "access": "public", "is_registered": False, "properties": None},
]
PLACES = [(6.68, 51.2), (6.69, 51.2), (6.7, 51.19), (6.71, 51.18), (6.6, 51.1), (6.5, 51.05)]


def store_at(url: str) -> Store:
    """Return a store with the small twin in it."""
    return run(_filled(url))


async def _filled(url: str) -> Store:
    store = await open_store(url)
    async with store.writing(NOW) as commit:
        await _write(commit)
    return store


async def _write(commit: Commit) -> None:
    connection = commit.connection
    for number, thing in enumerate(THINGS, 1):
        values = {"is_registered": True, "description": f"Raum {number}", **thing}
        await connection.execute(insert(schema.thing).values(id=number, **values))
        longitude, latitude = PLACES[number - 1]
        place = {"type": "Point", "coordinates": [longitude, latitude]}
        await connection.execute(
            insert(schema.location).values(
                id=number,
                name=f"Ort {number}",
                location={"type": "Feature", "geometry": place, "properties": {}} if number == 2 else place,
                longitude=longitude,
                latitude=latitude,
            )
        )
        await connection.execute(insert(schema.thing_location).values(thing_id=number, location_id=number))
        await connection.execute(
            insert(schema.historical_location).values(id=number, thing_id=number, time=NOW - number * instants.DAY)
        )
        await connection.execute(
            insert(schema.historical_location_location).values(historical_location_id=number, location_id=number)
        )
        await connection.execute(
            insert(schema.feature_of_interest).values(
                id=number,
                name=f"Ort {number}",
                feature=place,
                location_id=number,
                longitude=longitude,
                latitude=latitude,
            )
        )
    for number, name in enumerate(("ERS CO2", "Pegelsonde"), 1):
        await connection.execute(
            insert(schema.sensor).values(id=number, name=name, key=name, metadata="https://e.example")
        )
    for number, key in enumerate(("co2", "temperature", "water_level"), 1):
        await connection.execute(
            insert(schema.observed_property).values(id=number, name=key, key=key, definition=f"https://d.example/{key}")
        )
    datastream = 0
    observed: list[Observed] = []
    for thing_id in range(1, len(THINGS) + 1):
        for kind in (3,) if thing_id == 5 else (1, 2):
            datastream += 1
            await connection.execute(
                insert(schema.datastream).values(
                    id=datastream,
                    name=f"D{datastream}",
                    thing_id=thing_id,
                    sensor_id=2 if kind == 3 else 1,
                    observed_property_id=kind,
                    key=("co2", "temperature", "water_level")[kind - 1],
                    observation_type="http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
                    unit_name="Teile je Million" if kind == 1 else "Grad",
                    unit_symbol="ppm" if kind == 1 else "°C",
                    unit_definition="https://ucum.org/ucum#x",
                )
            )
            observed += _series(datastream, kind)
    await observe(commit, observed)
    await commit.registry_changed()


def _series(datastream: int, kind: int) -> list[Observed]:
    """Return 12 observations; of some datastreams one with text, one with a document, and one of an interval."""
    rows = []
    for index in range(12):
        moment = NOW - (12 - index) * instants.HOUR + datastream * instants.MINUTE
        value = 400.0 + 75 * index + datastream if kind == 1 else 18.25 + index / 4
        rows.append(
            Observed(datastream_id=datastream, phenomenon_time=moment, result=value, result_time=moment + 250_000)
        )
    if datastream == 5:  # of a hidden thing, at a place that everybody sees
        moment = NOW - 20 * instants.DAY
        rows.append(Observed(datastream_id=5, phenomenon_time=moment, result=444.0, feature_of_interest_id=1))
    if datastream == 2:
        begin = NOW - 10 * instants.DAY
        rows += [
            Observed(datastream_id=2, phenomenon_time=begin, phenomenon_end=begin + instants.DAY, result=20.5),
            Observed(datastream_id=2, phenomenon_time=begin - instants.HOUR, result_document="kaputt"),
            Observed(datastream_id=2, phenomenon_time=begin - 2 * instants.HOUR, result_document=True),
            Observed(
                datastream_id=2,
                phenomenon_time=begin - 3 * instants.HOUR,
                result_document={"level": 3, "text": "hoch"},
                parameters={"who": "Meier", "n": 2},
                result_quality={"ok": False},
                valid_from=begin,
                valid_until=begin + instants.DAY,
            ),
        ]
    return rows


def ask(store: Store, target: str, principal: Principal = PUBLIC) -> Any:
    """Return what the reader answers: a page for a collection, a document for an entity."""
    return run(answer(store, target, principal))


async def answer(store: Store, target: str, principal: Principal) -> Any:
    """See `ask`."""
    path, _, query = target.partition("?")
    address = parse_address(path)
    options = parse_options(query, address.last.entity)
    async with store.reading() as connection:
        reader = await Reader.on(connection, principal, NOW, ROOT)
        if address.last.is_collection:
            return await reader.collection(address, options)
        return await reader.entity(address, options)


def ids(store: Store, target: str, principal: Principal = PUBLIC) -> list[int]:
    """Return the ids on a page."""
    found: list[int] = ask(store, target, principal).ids
    return found
