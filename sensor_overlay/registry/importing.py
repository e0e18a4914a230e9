"""Entries into the store: what would happen, told first; then written in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sensor_overlay.observed import PROPERTIES
from sensor_overlay.registry.entries import Entry, derived_name
from sensor_overlay.registry.places import Position
from sensor_overlay.registry.tables import Fault
from sensor_overlay.rules.words import room_in_words
from sensor_overlay.store.lists import Numbers, Texts, among
from sensor_overlay.store.opening import Commit
from sensor_overlay.store.schema import (
    datastream,
    feature_of_interest,
    historical_location,
    historical_location_location,
    latest,
    location,
    thing,
    thing_location,
)

_DEFAULTS: Final[Mapping[str, Any]] = {
    "description": "",
    "dev_eui": None,
    "model": "",
    "site": "",
    "site_name": "",
    "building": "",
    "storey": "",
    "room": "",
    "municipality": "",
    "access": "staff",
    "is_test": False,
    "is_synthetic": False,
    "expected_interval": 900,
    "calibration": None,
}
COLUMNS: Final = ("name", *_DEFAULTS)
"""What the registry says of a thing, beside its key; names of `schema.thing`."""

_SAME_DEGREES: Final = 1e-7  # a centimetre
_SAME_METRES: Final = 0.01


@dataclass(slots=True)
class Plan:
    """What an import does.

    Attributes:
        new: keys of things that are made.
        adopted: keys of things that were heard already, and nobody had registered.
        changed: keys of things of which something is different now.
        unchanged: keys of the others in the file.
        moved: keys of known things that are elsewhere now.
        retired: keys of things that the file no longer has.
        faults: what the store makes of lines that are sound by themselves.
    """

    new: list[str] = field(default_factory=list)
    adopted: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    _freed: list[int] = field(default_factory=list)
    _inserts: list[dict[str, Any]] = field(default_factory=list)
    _updates: list[dict[str, Any]] = field(default_factory=list)
    _renamed: list[tuple[int, str, str]] = field(default_factory=list)
    _places: dict[str, Position] = field(default_factory=dict)
    _touched: list[int] = field(default_factory=list)
    _retired_ids: list[int] = field(default_factory=list)

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to write."""
        return not (self._inserts or self._updates or self._places or self._retired_ids or self._freed)


_ROWS = select(
    thing.c.id,
    thing.c.key,
    thing.c.is_registered,
    *(thing.c[name] for name in COLUMNS),
    location.c.longitude,
    location.c.latitude,
    location.c.height,
).select_from(
    thing.outerjoin(thing_location, thing_location.c.thing_id == thing.c.id).outerjoin(
        location, location.c.id == thing_location.c.location_id
    )
)


async def plan_import(connection: AsyncConnection, entries: Sequence[Entry], *, retire: bool = False) -> Plan:
    """Return what the import of `entries` does to the store as it is now.

    Args:
        connection: of the store.
        entries: sound lines, no key and no DevEUI twice.
        retire: take registered things that have a key and are not in the file out of the registry; what they
            measured stays.
    """
    rows: dict[int, dict[str, Any]] = {}
    for found in (await connection.execute(_ROWS)).mappings():
        rows.setdefault(found["id"], dict(found))
    by_key = {row["key"]: row for row in rows.values() if row["key"] is not None}
    by_device = {row["dev_eui"]: row for row in rows.values() if row["dev_eui"] is not None}
    wanted = {entry.key for entry in entries}
    plan = Plan()
    for entry in entries:
        _plan_entry(plan, entry, by_key, by_device, wanted)
    if retire:
        for key, row in by_key.items():
            if key not in wanted and row["is_registered"]:
                plan.retired.append(key)
                plan._retired_ids.append(row["id"])
    return plan


def _plan_entry(
    plan: Plan,
    entry: Entry,
    by_key: Mapping[str, dict[str, Any]],
    by_device: Mapping[str, dict[str, Any]],
    wanted: set[str],
) -> None:
    device = entry.values.get("dev_eui")
    holder = by_device.get(device) if device else None
    row = by_key.get(entry.key)
    if holder is not None and holder is not row:
        if holder["key"] is None:
            if row is None:
                row = holder
            else:
                problem = "was heard before it was registered; those readings stay with the unknown device"
                plan.faults.append(entry.record.fault("dev_eui", problem, is_error=False))
                plan._freed.append(holder["id"])
        elif holder["is_registered"] and holder["key"] not in wanted:
            problem = f"belongs to '{holder['key']}'; give that one another in the same file, or none"
            plan.faults.append(entry.record.fault("dev_eui", problem))
            return
        else:
            plan._freed.append(holder["id"])
    if row is None:
        values = {**_DEFAULTS, **entry.values, "key": entry.key, "is_registered": True}
        values.setdefault("name", derived_name(values))
        plan.new.append(entry.key)
        plan._inserts.append(values)
        if entry.position is not None:
            plan._places[entry.key] = entry.position
        return
    old = {name: row[name] for name in COLUMNS}
    values = {**old, **entry.values}
    is_known = row["is_registered"] and row["key"] is not None
    if "name" not in entry.values and (not is_known or row["name"] == derived_name(row)):
        values["name"] = derived_name({**values, "key": entry.key})
    is_moved = entry.position is not None and _is_elsewhere(row, entry.position)
    if not row["is_registered"] and row["key"] is None:
        plan.adopted.append(entry.key)
    elif values != old or is_moved or not row["is_registered"]:
        plan.changed.append(entry.key)
    else:
        plan.unchanged.append(entry.key)
        return
    if row["dev_eui"] is not None and row["dev_eui"] != values["dev_eui"]:
        plan._freed.append(row["id"])
    plan._updates.append({**values, "of": row["id"], "key": entry.key, "is_registered": True})
    plan._touched.append(row["id"])
    if values["name"] != row["name"]:
        plan._renamed.append((row["id"], row["name"], values["name"]))
    if is_moved and entry.position is not None:
        plan._places[entry.key] = entry.position
        if row["longitude"] is not None:
            plan.moved.append(entry.key)


def _is_elsewhere(row: Mapping[str, Any], position: Position) -> bool:
    if row["longitude"] is None or row["latitude"] is None:
        return True
    if (row["height"] is None) != (position.height is None):
        return True
    risen = 0.0 if position.height is None else abs(row["height"] - position.height)
    shifted = max(abs(row["longitude"] - position.longitude), abs(row["latitude"] - position.latitude))
    return bool(shifted > _SAME_DEGREES or risen > _SAME_METRES)


_FREE = update(thing).where(thing.c.id == bindparam("of")).values(dev_eui=None)
_UPDATE = (
    update(thing)
    .where(thing.c.id == bindparam("of"))
    .values({name: bindparam(name) for name in (*COLUMNS, "key", "is_registered")})
)
_RETIRE = update(thing).where(thing.c.id == bindparam("of")).values(is_registered=False)
_IDS = select(thing.c.key, thing.c.id, *(thing.c[name] for name in ("name", "room", "storey", "site_name"))).where(
    among(thing.c.key, "keys", Texts)
)
_TOUCH = (
    update(latest)
    .where(
        latest.c.datastream_id.in_(
            select(datastream.c.id).where(among(datastream.c.thing_id, "ids", Numbers)).scalar_subquery()
        )
    )
    .values(sequence=bindparam("now"))
)
_RENAME = (
    update(datastream)
    .where(datastream.c.thing_id == bindparam("of"), datastream.c.name == bindparam("was"))
    .values(name=bindparam("now"))
)
_LEAVE = delete(thing_location).where(among(thing_location.c.thing_id, "ids", Numbers))


async def carry_out(commit: Commit, plan: Plan) -> None:
    """Write a plan that was made in this very transaction.

    Args:
        commit: the transaction.
        plan: see `plan_import`.
    """
    if plan.is_idle:
        return
    connection = commit.connection
    if plan._freed:  # first, so that devices can change places within one import
        await connection.execute(_FREE, [{"of": number} for number in set(plan._freed)])
    if plan._updates:
        await connection.execute(_UPDATE, plan._updates)
    if plan._inserts:
        await connection.execute(insert(thing), plan._inserts)
    if plan._retired_ids:
        await connection.execute(_RETIRE, [{"of": number} for number in plan._retired_ids])
    renamed = [
        {"of": number, "was": f"{described.name}, {old}", "now": f"{described.name}, {new}"}
        for number, old, new in plan._renamed
        for described in PROPERTIES.values()
    ]
    if renamed:
        await connection.execute(_RENAME, renamed)
    if plan._places:
        await _place(commit, plan._places)
    if plan._touched:  # viewers learn of it as they learn of new values
        await connection.execute(_TOUCH, {"ids": plan._touched, "now": commit.sequence})
    await commit.registry_changed()


async def _place(commit: Commit, places: Mapping[str, Position]) -> None:
    """Put things where they are now, and remember where they were (OGC 18-088, 8.2.3)."""
    connection = commit.connection
    rows = [dict(row) for row in (await connection.execute(_IDS, {"keys": list(places)})).mappings()]
    ids = [row["id"] for row in rows]
    located = [_location(row, places[row["key"]]) for row in rows]
    made = await connection.execute(insert(location).returning(location.c.id, sort_by_parameter_order=True), located)
    numbers = list(made.scalars())
    features = [
        {**_described(place), "feature": place["location"], "location_id": number}
        for place, number in zip(located, numbers, strict=True)
    ]
    await connection.execute(insert(feature_of_interest), features)  # every observation has one (8.2.8)
    await connection.execute(_LEAVE, {"ids": ids})
    pairs = list(zip(ids, numbers, strict=True))
    await connection.execute(insert(thing_location), [{"thing_id": of, "location_id": at} for of, at in pairs])
    history = await connection.execute(
        insert(historical_location).returning(historical_location.c.id, sort_by_parameter_order=True),
        [{"thing_id": of, "time": commit.now} for of in ids],
    )
    await connection.execute(
        insert(historical_location_location),
        [
            {"historical_location_id": then, "location_id": at}
            for then, at in zip(history.scalars(), numbers, strict=True)
        ],
    )


def _described(place: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a feature of interest takes over from the location that it is made from."""
    return {name: place[name] for name in ("name", "description", "longitude", "latitude")}


def _location(row: Mapping[str, Any], position: Position) -> dict[str, Any]:
    place = [position.longitude, position.latitude]
    if position.height is not None:
        place.append(position.height)
    words = ", ".join(part for part in (room_in_words(row["room"]), row["storey"], row["site_name"]) if part)
    return {
        "name": words or row["name"],
        "description": "Mitte des Gebäudes" if position.is_of_building else "",
        "location": {"type": "Point", "coordinates": place},
        "longitude": position.longitude,
        "latitude": position.latitude,
        "height": position.height,
    }
