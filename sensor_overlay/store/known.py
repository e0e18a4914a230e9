"""The things and datastreams that uplinks belong to: remembered between batches, made where they are missing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Select, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sensor_overlay.observed import PROPERTIES
from sensor_overlay.store.lists import Numbers, Texts, among
from sensor_overlay.store.opening import Commit, Counter
from sensor_overlay.store.schema import datastream, observed_property, sensor, thing
from sensor_overlay.uplink import Uplink

MOST_UNKNOWN: Final = 10_000
"""Devices that nobody registered, of which no more are kept."""
MOST_DATASTREAMS: Final = 100
"""Datastreams of one thing that uplinks may make: names of values come from outside."""

OBSERVATION_TYPE: Final = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
UNKNOWN_SENSOR: Final = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownThing:
    """A thing as intake and rules need it; columns of `schema.thing`."""

    id: int
    name: str
    key: str | None
    dev_eui: str | None
    model: str
    site: str
    site_name: str
    building: str
    storey: str
    room: str
    municipality: str
    access: str
    is_registered: bool
    is_test: bool
    is_synthetic: bool
    expected_interval: int
    calibration: Mapping[str, Mapping[str, float]] | None


_COLUMNS = [thing.c[name] for name in KnownThing.__dataclass_fields__]
_BY_EUI = select(*_COLUMNS).where(among(thing.c.dev_eui, "euis", Texts))
_MODELS = select(thing.c.dev_eui, thing.c.model).where(among(thing.c.dev_eui, "euis", Texts), thing.c.model != "")
_STREAMS = select(datastream.c.thing_id, datastream.c.key, datastream.c.id).where(
    among(datastream.c.thing_id, "ids", Numbers), datastream.c.key.is_not(None)
)


@dataclass(slots=True)
class Known:
    """What is remembered; thrown away as a whole where the registry has changed.

    Attributes:
        version: of the registry.
        things: by `dev_eui`.
        streams: ids of datastreams by thing and key.
    """

    version: int
    things: dict[str, KnownThing] = field(default_factory=dict)
    streams: dict[tuple[int, str], int] = field(default_factory=dict)


def remembered(commit: Commit) -> Known:
    """Return what this process remembers, if that is still true; else an empty memory."""
    known = commit.memory.get("known")
    version = commit.counters[Counter.REGISTRY]
    if not isinstance(known, Known) or known.version != version:
        known = commit.memory["known"] = Known(version)
    return known


async def models(connection: AsyncConnection, dev_euis: Collection[str]) -> dict[str, str]:
    """Return the registry's model of each of these devices that it has one for."""
    rows = await connection.execute(_MODELS, {"euis": list(dev_euis)})
    return {str(eui): str(model) for eui, model in rows}


async def find_things(commit: Commit, known: Known, dev_euis: Iterable[str]) -> set[str]:
    """Load the things of these devices into `known`, and return the devices that there is none for."""
    missing = {eui for eui in dev_euis if eui not in known.things}
    if missing:
        rows = await commit.connection.execute(_BY_EUI, {"euis": list(missing)})
        for row in rows.mappings():
            known.things[row["dev_eui"]] = KnownThing(**row)
        missing -= known.things.keys()
    return missing


async def make_things(commit: Commit, known: Known, uplinks: Mapping[str, Uplink]) -> None:
    """Make things for devices that nobody registered, until there are `MOST_UNKNOWN`.

    Args:
        commit: the transaction.
        known: where they are added.
        uplinks: the first of each device.
    """
    count = await commit.connection.scalar(
        select(func.count()).select_from(thing).where(thing.c.is_registered.is_(False), thing.c.dev_eui.is_not(None))
    )
    chosen = list(uplinks.items())[: max(0, MOST_UNKNOWN - (count or 0))]
    if not chosen:
        return
    rows = [
        {
            "name": clean(uplink.name, 200) or eui,
            "description": "",
            "properties": {"application": clean(uplink.application, 200), "profile": clean(uplink.profile, 200)},
            "dev_eui": eui,
            "access": "staff",
            "is_registered": False,
            "first_seen": commit.now,
        }
        for eui, uplink in chosen
    ]
    await commit.connection.execute(insert(thing), rows)
    await find_things(commit, known, uplinks)


async def find_streams(commit: Commit, known: Known, wanted: Collection[tuple[KnownThing, str, str]]) -> None:
    """Load the datastreams of these things and keys into `known`; make those that are missing.

    Args:
        commit: the transaction.
        known: where they are added.
        wanted: thing, key of the observed property, and name of the device's model.
    """
    ids = list({of.id for of, _, _ in wanted})
    for thing_id, key, stream_id in await commit.connection.execute(_STREAMS, {"ids": ids}):
        known.streams[thing_id, key] = stream_id
    counts: dict[int, int] = {}
    for thing_id, _ in known.streams:
        counts[thing_id] = counts.get(thing_id, 0) + 1
    missing: dict[tuple[int, str], tuple[KnownThing, str, str]] = {}
    for of, key, model in wanted:
        if (of.id, key) in known.streams or (of.id, key) in missing:
            continue
        if counts.get(of.id, 0) >= MOST_DATASTREAMS:
            continue
        counts[of.id] = counts.get(of.id, 0) + 1
        missing[of.id, key] = (of, key, model)
    if not missing:
        return
    properties = await _ids(commit, observed_property, {key: _property(key) for _, key, _ in missing.values()})
    sensors = await _ids(commit, sensor, {model: _sensor(model) for _, _, model in missing.values()})
    rows = []
    for of, key, model in missing.values():
        described = PROPERTIES.get(key)
        name = described.name if described else key
        rows.append(
            {
                "name": f"{name}, {of.name}",
                "description": "",
                "thing_id": of.id,
                "sensor_id": sensors[model],
                "observed_property_id": properties[key],
                "key": key,
                "observation_type": OBSERVATION_TYPE,
                "unit_name": described.unit_name if described else None,
                "unit_symbol": described.unit if described else None,
                "unit_definition": described.unit_definition if described else None,
            }
        )
    await commit.connection.execute(insert(datastream), rows)
    for thing_id, key, stream_id in await commit.connection.execute(_STREAMS, {"ids": ids}):
        known.streams[thing_id, key] = stream_id


async def _ids(commit: Commit, table: Any, rows: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """Return the id of the row of each key, making those that are missing."""
    query = select(table.c.key, table.c.id).where(among(table.c.key, "keys", Texts))
    found = await _numbered(commit, query, rows)
    missing = [dict(row) for key, row in rows.items() if key not in found]
    if missing:
        await commit.connection.execute(insert(table), missing)
        found = await _numbered(commit, query, rows)
    return found


async def _numbered(commit: Commit, query: Select[Any], keys: Iterable[str]) -> dict[str, int]:
    rows = await commit.connection.execute(query, {"keys": list(keys)})
    return {row[0]: row[1] for row in rows}


def _property(key: str) -> dict[str, Any]:
    described = PROPERTIES.get(key)
    return {
        "key": key,
        "name": described.name if described else key,
        "description": "",
        "definition": described.definition if described else "",
        "properties": {"name_en": described.name_en} if described else None,
    }


def _sensor(model: str) -> dict[str, Any]:
    return {
        "key": model,
        "name": "Unbekanntes Gerät" if model == UNKNOWN_SENSOR else model,
        "description": "",
        "metadata": "" if model == UNKNOWN_SENSOR else model,
    }


def clean(text: str, length: int) -> str:
    """Return `text` as both databases keep it: no NUL, no half of a surrogate pair, not longer than `length`.

    Example:
        >>> clean("Raum\\x00 204 \\ud800", 40)
        'Raum 204 ?'
    """
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:length]
