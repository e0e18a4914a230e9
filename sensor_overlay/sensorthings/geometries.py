"""Geometry functions, which neither SQLite nor PostgreSQL knows by itself: computed here, before the statement runs.

The geometries of a county's things are few (thousands; observations are many, and have none), so all that a request
may see are read and measured with shapely at once. The statement then gets ids, or numbers by id, as one parameter.
Whatever `and`, `or` and `not` stand around them, paging, counting and both databases go on as with any other filter.

Coordinates are degrees as GeoJSON has them, and so are distances and lengths (OData 4.0, 5.1.1.10: in the units of the
coordinate reference system; FROST-Server does the same).
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
import shapely
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sensor_overlay.sensorthings.aliases import another
from sensor_overlay.sensorthings.dialects import Dialect
from sensor_overlay.sensorthings.errors import BadRequestError
from sensor_overlay.sensorthings.lookups import Lookup, Request
from sensor_overlay.sensorthings.model import DATASTREAM, Entity, Kind
from sensor_overlay.store import schema

MAX_GEOMETRIES: Final = 100_000
"""That one request may have measured; more would hold up the server for seconds."""

_Test = Callable[[Any, Any], Any]
_RELATIONS: Final[Mapping[str, _Test]] = {
    "geo.intersects": shapely.intersects,
    "st_intersects": shapely.intersects,
    "st_equals": shapely.equals,
    "st_disjoint": shapely.disjoint,
    "st_touches": shapely.touches,
    "st_within": shapely.within,
    "st_overlaps": shapely.overlaps,
    "st_crosses": shapely.crosses,
    "st_contains": shapely.contains,
}
_OPERATORS: Final[Mapping[str, _Test]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}


async def answers(connection: AsyncConnection, lookups: Sequence[Lookup], request: Request) -> dict[str, Any]:
    """Return the values of the parameters that lookups ask for.

    Raises:
        BadRequestError: a geometry in the query is none, or there are too many geometries.
    """
    stored: dict[str, tuple[list[int], Any]] = {}
    found: dict[str, Any] = {}
    for lookup in lookups:
        entity = lookup.measure.scope.entity
        if entity.name not in stored:
            stored[entity.name] = await _geometries(connection, entity, request)
        ids, shapes = stored[entity.name]
        found[lookup.name] = _answer(lookup, ids, shapes, request.dialect)
    return found


def shape_of(document: Any) -> Any:
    """Return a GeoJSON geometry or feature as shapely's; None where it is none.

    Whatever a client stored must not break what others ask.
    """
    if isinstance(document, dict) and document.get("type") == "Feature":
        document = document.get("geometry")
    if not isinstance(document, dict):
        return None
    try:
        return shapely.from_geojson(json.dumps(document))
    except (shapely.errors.ShapelyError, ValueError, TypeError):
        return None


def from_wkt(text: str) -> Any:
    """Return the geometry that a query writes as WKT, with or without `SRID=4326;` before it.

    Raises:
        BadRequestError: it is none, or in another coordinate reference system.
    """
    system, _, wkt = text.rpartition(";")
    if system and system.replace(" ", "").upper() != "SRID=4326":
        raise BadRequestError(f"{system[:40]!r}: geometries are in WGS 84 (SRID=4326)")
    try:
        shape = shapely.from_wkt(wkt)
    except shapely.errors.ShapelyError as error:
        raise BadRequestError(f"{wkt[:60]!r} is no geometry as WKT writes it") from error
    if not np.isfinite(shapely.get_coordinates(shape)).all():
        raise BadRequestError(f"{wkt[:60]!r} is no geometry as WKT writes it")
    return shape


async def _geometries(connection: AsyncConnection, entity: Entity, request: Request) -> tuple[list[int], Any]:
    row = another(entity.table)
    column = next(known.columns[0] for known in entity.properties.values() if known.kind is Kind.GEOMETRY)
    document: Any = row.c[column]
    if entity is DATASTREAM:
        document = func.coalesce(document, area_of_thing(row.c.thing_id), type_=schema.Document)
    query = select(row.c.id, document.label("document")).limit(MAX_GEOMETRIES + 1)
    allowed = entity.visible(row, request.principal)
    if allowed is not None:
        query = query.where(allowed)
    found = (await connection.execute(query)).all()
    if len(found) > MAX_GEOMETRIES:
        raise BadRequestError(f"geometry functions serve up to {MAX_GEOMETRIES} {entity.plural}; there are more")
    return [known.id for known in found], np.array([shape_of(known.document) for known in found], dtype=object)


def area_of_thing(thing_id: Any) -> Any:
    """Return the SQL of where a thing is: the location with the least id where it has several encodings of it."""
    place, location = another(schema.thing_location), another(schema.location)
    return (
        select(location.c.location)
        .join(place, place.c.location_id == location.c.id)
        .where(place.c.thing_id == thing_id)
        .order_by(location.c.id)
        .limit(1)
        .correlate_except(place, location)
        .scalar_subquery()
    )


def _answer(lookup: Lookup, ids: list[int], shapes: Any, dialect: Dialect) -> Any:
    numbers = _measured(lookup, shapes)
    if not lookup.operator:
        by_id = {str(key): float(number) for key, number in zip(ids, numbers, strict=True) if number == number}
        return msgspec.json.encode(by_id).decode()
    chosen = _OPERATORS[lookup.operator](numbers, lookup.bound)
    if numbers.dtype != bool:
        chosen &= ~np.isnan(numbers)
    return dialect.ids([key for key, is_chosen in zip(ids, chosen, strict=True) if is_chosen])


def of_constants(function: str, others: Sequence[str]) -> float | bool:
    """Return what a function gives for geometries that all stand in the query.

    Raises:
        BadRequestError: one of them is none.
    """
    first = np.array([from_wkt(others[0])], dtype=object)
    if function == "geo.length":
        return float(shapely.length(first)[0])
    found = _related(function, first, from_wkt(others[1]), others[2:])[0]
    return float(found) if function == "geo.distance" else bool(found)


def _measured(lookup: Lookup, shapes: Any) -> Any:
    """Return numbers (not a number where there is no geometry), or truth values, one for each shape."""
    name, others = lookup.measure.function, lookup.measure.others
    is_turned = name.endswith("turned")
    name = name.removesuffix("turned")
    if name == "geo.length":
        return np.where(shapely.is_missing(shapes), np.nan, shapely.length(shapes)) if len(shapes) else np.zeros(0)
    other = from_wkt(others[0])
    if not len(shapes):
        return np.zeros(0) if name == "geo.distance" else np.zeros(0, dtype=bool)
    a, b = (other, shapes) if is_turned else (shapes, other)
    shapely.prepare(other)
    return _related(name, a, b, others[1:])


def _related(name: str, a: Any, b: Any, pattern: Sequence[str]) -> Any:
    """Return distances, or whether a relation holds."""
    if name == "geo.distance":
        return shapely.distance(a, b)
    if name == "st_relate":
        try:
            return shapely.relate_pattern(a, b, pattern[0])
        except (shapely.errors.ShapelyError, ValueError) as error:
            raise BadRequestError(f"{pattern[0][:20]!r} is no DE-9IM pattern such as T*F**F***") from error
    return _RELATIONS[name](a, b)
