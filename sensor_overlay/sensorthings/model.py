"""The eight entities of the standard: their properties, how they hang together, and who may see them.

Spec: OGC 18-088, 8.2. This table is all that addresses, filters, expansions and answers know about the schema.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Select, Table, and_, func, not_, or_, select

from sensor_overlay.access import Principal, Right, visible
from sensor_overlay.sensorthings.aliases import another
from sensor_overlay.store import schema


class Kind(Enum):
    """What a property is, or what an expression comes to."""

    NUMBER = auto()
    TEXT = auto()
    BOOLEAN = auto()
    TIME = auto()
    """An instant, or an interval that ends before its end."""
    DATE = auto()
    """Days since 1970-01-01."""
    CLOCK = auto()
    """Microseconds since midnight."""
    DURATION = auto()
    """Microseconds."""
    GEOMETRY = auto()
    DOCUMENT = auto()
    """JSON of any type."""
    UNIT = auto()
    """`unitOfMeasurement`: name, symbol, definition."""
    NULL = auto()


@dataclass(frozen=True, slots=True)
class Property:
    """A property of an entity.

    Attributes:
        name: as the standard spells it.
        kind: see `Kind`.
        columns: of the table; a time has its beginning and its end, `result` its number and its document.
        from_latest: the columns are those of `latest`, which counts what a datastream has.
        is_mandatory: a client must give it.
    """

    name: str
    kind: Kind
    columns: tuple[str, ...]
    from_latest: bool = False
    is_mandatory: bool = False


@dataclass(frozen=True, slots=True)
class ToOne:
    """A navigation to one entity.

    Attributes:
        name: as the standard spells it.
        target: entity, in the singular.
        key: SQL of the target's id, from the row of the one that has it.
        column: the foreign key, where it is one.
    """

    name: str
    target: str
    key: Callable[[FromClause], ColumnElement[Any]]
    column: str = ""


@dataclass(frozen=True, slots=True)
class ToMany:
    """A navigation to several entities.

    Attributes:
        name: as the standard spells it.
        target: entity, in the singular.
        link: condition that a row of the target belongs to the entity with this id.
    """

    name: str
    target: str
    link: Callable[[ColumnElement[Any], FromClause], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Entity:
    """One of the eight.

    Attributes:
        name: in the singular, as navigations to one spell it.
        plural: as collections spell it.
        table: where it is kept.
        properties: by name, in the order in which they are written.
        navigations: by name.
        visible: condition that a row may be seen.
    """

    name: str
    plural: str
    table: Table
    properties: Mapping[str, Property]
    navigations: Mapping[str, ToOne | ToMany]
    visible: Callable[[FromClause, Principal], ColumnElement[bool] | None]


def _visible_things(principal: Principal) -> Any:
    return select(schema.thing.c.id).where(visible(principal)).correlate(None)


def sees_all(principal: Principal) -> bool:
    """Return whether nothing is hidden from `principal`."""
    return Right.READ in principal.rights and not (principal.is_writing and principal.sites)


_Visible = Callable[[FromClause, Principal], ColumnElement[bool]]


def _unless_all(condition: _Visible) -> Callable[[FromClause, Principal], ColumnElement[bool] | None]:
    return lambda row, principal: None if sees_all(principal) else condition(row, principal)


def _by_thing(column: str) -> _Visible:
    return lambda row, principal: row.c[column].in_(_visible_things(principal))


def visible_datastreams(principal: Principal) -> Any:
    """Return a select of the ids of the datastreams that `principal` may see."""
    datastream = another(schema.datastream)
    return select(datastream.c.id).where(datastream.c.thing_id.in_(_visible_things(principal))).correlate(None)


def _by_datastreams(column: str) -> _Visible:
    """Sensors and observed properties are seen where they serve a datastream that is."""

    def condition(row: FromClause, principal: Principal) -> ColumnElement[bool]:
        datastream = another(schema.datastream)
        used = select(datastream.c[column]).where(datastream.c.thing_id.in_(_visible_things(principal)))
        seen = row.c.id.in_(used.correlate(None))
        if not _writes(principal):
            return seen
        return or_(seen, row.c.id.not_in(select(datastream.c[column]).correlate(None)))

    return condition


def _visible_locations(principal: Principal) -> Any:
    """Ids of where visible things are, and were."""
    now = another(schema.thing_location)
    then = another(schema.historical_location_location)
    moved = another(schema.historical_location)
    was = (
        select(then.c.location_id)
        .join(moved, moved.c.id == then.c.historical_location_id)
        .where(moved.c.thing_id.in_(_visible_things(principal)))
    )
    return select(now.c.location_id).where(now.c.thing_id.in_(_visible_things(principal))).union(was)


def _location_visible(row: FromClause, principal: Principal) -> ColumnElement[bool]:
    seen = row.c.id.in_(_visible_locations(principal))
    if not _writes(principal):
        return seen
    now, then = another(schema.thing_location), another(schema.historical_location_location)
    used = select(now.c.location_id).union(select(then.c.location_id))
    return or_(seen, row.c.id.not_in(used))


def _writes(principal: Principal) -> bool:
    """Return whether somebody sees, beside their things, what belongs to nobody's thing yet: to make it theirs."""
    return Right.WRITE in principal.rights


def _observation_visible(row: FromClause, principal: Principal) -> ColumnElement[bool]:
    return row.c.datastream_id.in_(visible_datastreams(principal))


def _feature_visible(row: FromClause, principal: Principal) -> ColumnElement[bool]:
    """A feature is seen where its location is, or an observation of it."""
    observation = another(schema.observation)
    observed = (
        select(observation.c.id)
        .where(
            observation.c.feature_of_interest_id == row.c.id,
            observation.c.datastream_id.in_(visible_datastreams(principal)),
        )
        .correlate(row)
        .exists()
    )
    seen = or_(row.c.location_id.in_(_visible_locations(principal)), observed)
    if not _writes(principal):
        return seen
    used = select(observation.c.id).where(observation.c.feature_of_interest_id == row.c.id).correlate(row).exists()
    return or_(seen, and_(row.c.location_id.is_(None), not_(used)))


def _feature_of_datastream(datastream_id: ColumnElement[Any]) -> Any:
    """The feature made from where the datastream's thing is; the one with the least id where there are several."""
    datastream = another(schema.datastream)
    place = another(schema.thing_location)
    feature = another(schema.feature_of_interest)
    return (
        select(func.min(feature.c.id))
        .select_from(datastream)
        .join(place, place.c.thing_id == datastream.c.thing_id)
        .join(feature, feature.c.location_id == place.c.location_id)
        .where(datastream.c.id == datastream_id)
        .correlate_except(datastream, place, feature)
        .scalar_subquery()
    )


def _feature_of(observation: FromClause) -> ColumnElement[Any]:
    return func.coalesce(observation.c.feature_of_interest_id, _feature_of_datastream(observation.c.datastream_id))


def streams_of_feature(feature_id: ColumnElement[Any]) -> Any:
    """Return a select of the ids of datastreams with observations of a feature, some of which may be of others."""
    observation = another(schema.observation)
    named = select(observation.c.datastream_id).where(observation.c.feature_of_interest_id == feature_id)
    return _streams_there(feature_id).union(named.correlate_except(observation))


def _streams_there(feature_id: ColumnElement[Any]) -> Select[Any]:
    """Return a select of the ids of datastreams whose things are where the feature was made from."""
    datastream = another(schema.datastream)
    place = another(schema.thing_location)
    feature = another(schema.feature_of_interest)
    return (
        select(datastream.c.id)
        .join(place, place.c.thing_id == datastream.c.thing_id)
        .join(feature, feature.c.location_id == place.c.location_id)
        .where(feature.c.id == feature_id, _feature_of_datastream(datastream.c.id) == feature.c.id)
        .correlate_except(datastream, place, feature)
    )


def is_of_feature(feature_id: ColumnElement[Any], observation: FromClause) -> ColumnElement[bool]:
    """Observations that name the feature, and those that name none of things which are where it was made from."""
    names_none = observation.c.feature_of_interest_id.is_(None)
    return or_(
        observation.c.feature_of_interest_id == feature_id,
        and_(names_none, observation.c.datastream_id.in_(_streams_there(feature_id))),
    )


def _observed(feature_id: ColumnElement[Any], observation: FromClause) -> ColumnElement[bool]:
    """The same, with what says no more but lets an index serve."""
    streams = observation.c.datastream_id.in_(streams_of_feature(feature_id))
    return and_(streams, is_of_feature(feature_id, observation))


def _by_column(column: str) -> Callable[[FromClause], ColumnElement[Any]]:
    return lambda row: row.c[column]


def _one(name: str, column: str) -> ToOne:
    return ToOne(name, name, _by_column(column), column)


def _many(name: str, target: str, column: str) -> ToMany:
    return ToMany(name, target, lambda parent, row: row.c[column] == parent)


def _through(name: str, target: str, table: Table, own: str, other: str) -> ToMany:
    """Many to many, by a table of pairs."""

    def link(parent: ColumnElement[Any], row: FromClause) -> ColumnElement[bool]:
        pair = another(table)
        return row.c.id.in_(select(pair.c[other]).where(pair.c[own] == parent).correlate_except(pair))

    return ToMany(name, target, link)


def _text(name: str, column: str = "", *, is_mandatory: bool = False) -> Property:
    return Property(name, Kind.TEXT, (column or name,), is_mandatory=is_mandatory)


_NAME = _text("name", is_mandatory=True)
_DESCRIPTION = _text("description")
_ENCODING = _text("encodingType", "encoding_type", is_mandatory=True)
_PROPERTIES = Property("properties", Kind.DOCUMENT, ("properties",))


def _entity(
    table: Table,
    names: tuple[str, str],
    condition: _Visible,
    properties: list[Property],
    navigations: list[ToOne | ToMany],
) -> Entity:
    return Entity(
        names[0],
        names[1],
        table,
        MappingProxyType({known.name: known for known in properties}),
        MappingProxyType({known.name: known for known in navigations}),
        _unless_all(condition),
    )


THING: Final = _entity(
    schema.thing,
    ("Thing", "Things"),
    _by_thing("id"),
    [_NAME, _DESCRIPTION, _PROPERTIES],
    [
        _through("Locations", "Location", schema.thing_location, "thing_id", "location_id"),
        _many("HistoricalLocations", "HistoricalLocation", "thing_id"),
        _many("Datastreams", "Datastream", "thing_id"),
    ],
)
LOCATION: Final = _entity(
    schema.location,
    ("Location", "Locations"),
    _location_visible,
    [
        _NAME,
        _DESCRIPTION,
        _ENCODING,
        Property("location", Kind.GEOMETRY, ("location",), is_mandatory=True),
        _PROPERTIES,
    ],
    [
        _through("Things", "Thing", schema.thing_location, "location_id", "thing_id"),
        _through(
            "HistoricalLocations",
            "HistoricalLocation",
            schema.historical_location_location,
            "location_id",
            "historical_location_id",
        ),
    ],
)
HISTORICAL_LOCATION: Final = _entity(
    schema.historical_location,
    ("HistoricalLocation", "HistoricalLocations"),
    _by_thing("thing_id"),
    [Property("time", Kind.TIME, ("time",), is_mandatory=True)],
    [
        _one("Thing", "thing_id"),
        _through("Locations", "Location", schema.historical_location_location, "historical_location_id", "location_id"),
    ],
)
DATASTREAM: Final = _entity(
    schema.datastream,
    ("Datastream", "Datastreams"),
    _by_thing("thing_id"),
    [
        _NAME,
        _DESCRIPTION,
        _text("observationType", "observation_type", is_mandatory=True),
        Property("unitOfMeasurement", Kind.UNIT, ("unit_name", "unit_symbol", "unit_definition"), is_mandatory=True),
        Property("observedArea", Kind.GEOMETRY, ("observed_area",)),
        Property("phenomenonTime", Kind.TIME, ("first_time", "last_time"), from_latest=True),
        Property("resultTime", Kind.TIME, ("first_result_time", "last_result_time"), from_latest=True),
        _PROPERTIES,
    ],
    [
        _one("Thing", "thing_id"),
        _one("Sensor", "sensor_id"),
        _one("ObservedProperty", "observed_property_id"),
        _many("Observations", "Observation", "datastream_id"),
    ],
)
SENSOR: Final = _entity(
    schema.sensor,
    ("Sensor", "Sensors"),
    _by_datastreams("sensor_id"),
    [
        _NAME,
        _DESCRIPTION,
        _ENCODING,
        Property("metadata", Kind.DOCUMENT, ("metadata",), is_mandatory=True),
        _PROPERTIES,
    ],
    [_many("Datastreams", "Datastream", "sensor_id")],
)
OBSERVED_PROPERTY: Final = _entity(
    schema.observed_property,
    ("ObservedProperty", "ObservedProperties"),
    _by_datastreams("observed_property_id"),
    [_NAME, _text("definition", is_mandatory=True), _DESCRIPTION, _PROPERTIES],
    [_many("Datastreams", "Datastream", "observed_property_id")],
)
OBSERVATION: Final = _entity(
    schema.observation,
    ("Observation", "Observations"),
    _observation_visible,
    [
        Property("phenomenonTime", Kind.TIME, ("phenomenon_time", "phenomenon_end")),
        Property("resultTime", Kind.TIME, ("result_time",)),
        Property("result", Kind.DOCUMENT, ("result", "result_document"), is_mandatory=True),
        Property("resultQuality", Kind.DOCUMENT, ("result_quality",)),
        Property("validTime", Kind.TIME, ("valid_from", "valid_until")),
        Property("parameters", Kind.DOCUMENT, ("parameters",)),
    ],
    [_one("Datastream", "datastream_id"), ToOne("FeatureOfInterest", "FeatureOfInterest", _feature_of)],
)
FEATURE_OF_INTEREST: Final = _entity(
    schema.feature_of_interest,
    ("FeatureOfInterest", "FeaturesOfInterest"),
    _feature_visible,
    [
        _NAME,
        _DESCRIPTION,
        _ENCODING,
        Property("feature", Kind.GEOMETRY, ("feature",), is_mandatory=True),
        _PROPERTIES,
    ],
    [ToMany("Observations", "Observation", _observed)],
)

ENTITIES: Final = MappingProxyType(
    {
        entity.name: entity
        for entity in (
            THING,
            LOCATION,
            HISTORICAL_LOCATION,
            DATASTREAM,
            SENSOR,
            OBSERVED_PROPERTY,
            OBSERVATION,
            FEATURE_OF_INTEREST,
        )
    }
)
"""By name in the singular."""

COLLECTIONS: Final = MappingProxyType({entity.plural: entity for entity in ENTITIES.values()})
"""By name in the plural."""
