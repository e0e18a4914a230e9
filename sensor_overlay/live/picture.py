"""The picture of now: registered things, their newest values and the alerts that are open, kept in step with the store.

One picture serves all viewers. It is read whole once; after that only rows of later commits are asked for, by the
sequence that each commit gives to what it changes.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sensor_overlay.access import Principal, visible
from sensor_overlay.instants import DAY
from sensor_overlay.store.opening import Counter
from sensor_overlay.store.schema import (
    alert,
    counter,
    datastream,
    latest,
    location,
    observed_property,
    thing,
    thing_location,
)

RECENT: Final = DAY
"""How long an alert that is over stays in the picture."""


class Readable(Protocol):
    """A store, as far as it is read here."""

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Return a connection that sees one state of the store."""
        ...


@dataclass(frozen=True, slots=True)
class Value:
    """The newest value of a datastream.

    Attributes:
        sequence: of the commit that brought it.
        time: its phenomenonTime.
        result: in the unit of the datastream.
        quality: `sensor_overlay.uplink.Quality`.
    """

    sequence: int
    time: int
    result: float
    quality: int


@dataclass(frozen=True, slots=True)
class Series:
    """What a datastream measures.

    Attributes:
        thing_id: whose it is.
        property: key of the observed property, with the datastream's id where that is none or not the only one.
        name: of the property in the store.
        unit: symbol, empty for none.
    """

    thing_id: int
    property: str
    name: str
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What the registry says of a thing; the columns of `schema.thing` and of its location."""

    id: int
    name: str
    site: str
    site_name: str
    building: str
    storey: str
    room: str
    municipality: str
    is_test: bool
    is_synthetic: bool
    expected_interval: int
    longitude: float | None
    latitude: float | None
    height: float | None


@dataclass(slots=True)
class Thing:
    """A registered thing.

    Attributes:
        place: see `Place`.
        last_seen: server time of the newest uplink, None before the first.
        sequence: of the newest commit that changed a value.
        values: newest values by property.
    """

    place: Place
    last_seen: int | None = None
    sequence: int = 0
    values: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alert; the columns of `schema.alert`."""

    id: int
    rule: str
    kind: str
    level: str
    rank: int
    thing_id: int
    property: str | None
    opened: int
    value: float | None
    peak: float | None
    text: str
    acknowledged: int | None
    acknowledged_by: str | None
    closed: int | None
    closed_by: str | None
    sequence: int


class Picture:
    """Registered things and recent alerts, as they stood at `sequence`.

    A commit that came in between two of the questions may be in it already; it is asked for again and is no harm.
    """

    def __init__(self) -> None:
        self.sequence = -1
        self.registry = -1
        self.things: dict[int, Thing] = {}
        self.alerts: dict[int, Alert] = {}
        self.series: dict[int, Series] = {}
        """By datastream."""
        self._taken: set[tuple[int, str]] = set()
        self.losses = 0
        """How often something was gone that viewers had been told of."""

    async def load(self, connection: AsyncConnection, now: int) -> None:
        """Read everything."""
        sequence, registry = await counters(connection)
        self.things, self.series, self._taken = {}, {}, set()
        await self._take_places(connection)
        await self._take_values(connection, _values())
        await self._take_alerts(connection, now)
        self.sequence, self.registry = sequence, registry

    async def follow(self, connection: AsyncConnection, now: int) -> bool:
        """Take up what was committed since; return whether `renew` is due, because the registry is not as it was."""
        sequence, registry = await counters(connection)
        if sequence < self.sequence:  # a store that was restored from a copy
            await self.load(connection, now)
            self.losses += 1
            return True
        before = len(self.series)
        if sequence != self.sequence:
            await self._take_values(connection, _values().where(latest.c.sequence > self.sequence))
            await self._add_alerts(connection, alert.c.sequence > self.sequence)
            self.sequence = sequence
        return registry != self.registry or len(self.series) > before

    async def renew(self, connection: AsyncConnection, now: int) -> None:
        """Read anew what no sequence tells: places, what was registered or deleted; and take up what was committed."""
        before = set(self.things)
        alerts_before = {number for number, known in self.alerts.items() if known.closed is None}
        sequence, registry = await counters(connection)
        await self._take_places(connection)
        there = set((await connection.execute(select(latest.c.datastream_id))).scalars())
        for datastream_id in self.series.keys() - there:
            series = self.series.pop(datastream_id)
            self._taken.discard((series.thing_id, series.property))
            if known := self.things.get(series.thing_id):
                known.values.pop(series.property, None)
                self.losses += 1
        is_new = bool(self.things.keys() - before)
        await self._take_values(connection, _values() if is_new else _values().where(latest.c.sequence > self.sequence))
        await self._take_alerts(connection, now)
        self.losses += len(alerts_before - self.alerts.keys())
        self.sequence, self.registry = sequence, registry

    async def _take_places(self, connection: AsyncConnection) -> None:
        known = self.things
        self.things = {}
        for place, seen in await _places(connection):
            thing = known.get(place.id) or Thing(place)
            thing.place, thing.last_seen = place, seen
            self.things[place.id] = thing

    async def _take_values(self, connection: AsyncConnection, query: Select[Any]) -> None:
        for row in await connection.execute(query):
            known = self.things.get(row.thing_id)
            if known is None:  # registered since; the next whole reading brings it
                continue
            series = self.series.get(row.datastream_id) or self._new_series(row)
            known.sequence = max(known.sequence, row.sequence)
            known.last_seen = row.last_seen if row.last_seen is not None else row.result_time
            if row.phenomenon_time is not None and row.result is not None:
                known.values[series.property] = Value(row.sequence, row.phenomenon_time, row.result, row.quality or 0)

    def _new_series(self, row: Row[Any]) -> Series:
        """Return what a datastream measures, under a name that no other of its thing has."""
        name = row.key or row.property_key or "datastream"
        if not (row.key or row.property_key) or (row.thing_id, name) in self._taken:
            name = f"{name}-{row.datastream_id}"
        self._taken.add((row.thing_id, name))
        series = self.series[row.datastream_id] = Series(row.thing_id, name, row.name, row.unit_symbol or "")
        return series

    async def _take_alerts(self, connection: AsyncConnection, now: int) -> None:
        self.alerts = {}
        await self._add_alerts(connection, or_(alert.c.closed.is_(None), alert.c.closed > now - RECENT))

    async def _add_alerts(self, connection: AsyncConnection, condition: ColumnElement[bool]) -> None:
        for row in await connection.execute(_ALERTS.where(condition)):
            self.alerts[row.id] = Alert(**row._mapping)


async def visible_ids(connection: AsyncConnection, principal: Principal) -> frozenset[int]:
    """Return the registered things that `principal` may see."""
    rows = await connection.execute(select(thing.c.id).where(thing.c.is_registered, visible(principal)))
    return frozenset(rows.scalars())


async def counters(connection: AsyncConnection) -> tuple[int, int]:
    """Return the sequence of the newest commit, and how often the registry has changed."""
    found = {row.name: row.value for row in await connection.execute(_COUNTERS)}
    return found.get(Counter.COMMIT.value, 0), found.get(Counter.REGISTRY.value, 0)


async def _places(connection: AsyncConnection) -> list[tuple[Place, int | None]]:
    # The standard lets a thing have several locations, each in another encoding: the first with a place counts.
    first = (
        select(thing_location.c.thing_id, func.min(location.c.id).label("location_id"))
        .join(location, location.c.id == thing_location.c.location_id)
        .where(location.c.longitude.is_not(None), location.c.latitude.is_not(None))
        .group_by(thing_location.c.thing_id)
        .subquery()
    )
    query = (
        select(
            thing.c.id,
            thing.c.name,
            thing.c.site,
            thing.c.site_name,
            thing.c.building,
            thing.c.storey,
            thing.c.room,
            thing.c.municipality,
            thing.c.is_test,
            thing.c.is_synthetic,
            thing.c.expected_interval,
            location.c.longitude,
            location.c.latitude,
            location.c.height,
            thing.c.last_seen,
        )
        .outerjoin(first, first.c.thing_id == thing.c.id)
        .outerjoin(location, location.c.id == first.c.location_id)
        .where(thing.c.is_registered)
        .order_by(thing.c.id)
    )
    return [
        (Place(**{k: v for k, v in row._mapping.items() if k != "last_seen"}), row.last_seen)
        for row in await connection.execute(query)
    ]


def _values() -> Select[Any]:
    return (
        select(
            latest.c.datastream_id,
            latest.c.sequence,
            latest.c.phenomenon_time,
            latest.c.result_time,
            latest.c.result,
            latest.c.quality,
            datastream.c.thing_id,
            datastream.c.key,
            datastream.c.unit_symbol,
            observed_property.c.key.label("property_key"),
            observed_property.c.name,
            thing.c.last_seen,
        )
        .join(datastream, datastream.c.id == latest.c.datastream_id)
        .join(observed_property, observed_property.c.id == datastream.c.observed_property_id)
        .join(thing, and_(thing.c.id == datastream.c.thing_id, thing.c.is_registered))
        .order_by(latest.c.datastream_id)
    )


_COUNTERS: Final = select(counter.c.name, counter.c.value).where(
    counter.c.name.in_([Counter.COMMIT.value, Counter.REGISTRY.value])
)
_ALERTS: Final = select(
    alert.c.id,
    alert.c.rule,
    alert.c.kind,
    alert.c.level,
    alert.c.rank,
    alert.c.thing_id,
    func.coalesce(datastream.c.key, observed_property.c.key).label("property"),
    alert.c.opened,
    alert.c.value,
    alert.c.peak,
    alert.c.text,
    alert.c.acknowledged,
    alert.c.acknowledged_by,
    alert.c.closed,
    alert.c.closed_by,
    alert.c.sequence,
).select_from(
    alert.outerjoin(datastream, datastream.c.id == alert.c.datastream_id).outerjoin(
        observed_property, observed_property.c.id == datastream.c.observed_property_id
    )
)
