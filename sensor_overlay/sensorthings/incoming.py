"""What clients send: JSON into columns, checked before anything is written.

Spec: OGC 18-088, 10.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import shapely

from sensor_overlay.sensorthings import registered
from sensor_overlay.sensorthings.errors import BadRequestError
from sensor_overlay.sensorthings.geometries import shape_of
from sensor_overlay.sensorthings.model import (
    FEATURE_OF_INTEREST,
    LOCATION,
    THING,
    Entity,
    Kind,
    Property,
    ToMany,
    ToOne,
)
from sensor_overlay.sensorthings.values import interval, moment_of

MAX_DEPTH: Final = 50
"""Brackets in brackets of a document."""
GEOJSON: Final = ("application/geo+json", "application/vnd.geo+json")

_LONGEST: Final = 10_000
_UNITS: Final = {"unit_name": "name", "unit_symbol": "symbol", "unit_definition": "definition"}
_OPTIONAL: Final = {
    (LOCATION.name, "encodingType"): GEOJSON[0],
    (FEATURE_OF_INTEREST.name, "encodingType"): GEOJSON[0],
}


def parse_json(body: bytes) -> Any:
    """Return the JSON in a body.

    Raises:
        BadRequestError: it is none, too deep, or holds characters that cannot be stored.
    """
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequestError("the body is no JSON") from error
    _check(document, 0)
    return document


def _check(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise BadRequestError(f"the body has more than {MAX_DEPTH} brackets in brackets")
    if isinstance(value, str):
        if "\0" in value or not _is_sound(value):
            raise BadRequestError("the body has characters that are none")
    elif isinstance(value, dict):
        for name, member in value.items():
            _check(name, depth + 1)
            _check(member, depth + 1)
    elif isinstance(value, list):
        for member in value:
            _check(member, depth + 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise BadRequestError("the body has a number that is too large")


def _is_sound(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return False
    return True


def as_object(document: Any, what: str) -> dict[str, Any]:
    """Return a document that must be a JSON object.

    Raises:
        BadRequestError: it is none.
    """
    if not isinstance(document, dict):
        raise BadRequestError(f"{what} is a JSON object")
    return document


def check_names(entity: Entity, document: Mapping[str, Any]) -> None:
    """Refuse names that the entity does not have; what annotates (`@iot.…`) is passed over.

    Raises:
        BadRequestError: there is one.
    """
    for name in document:
        if "@iot." not in name and name not in entity.properties and name not in entity.navigations:
            known = ", ".join([*entity.properties, *entity.navigations])
            raise BadRequestError(f"{entity.name} has no {name[:60]!r}; it has {known}")


def columns(entity: Entity, document: Mapping[str, Any], *, is_partial: bool) -> dict[str, Any]:
    """Return the columns of the properties in a document, with their values.

    Args:
        entity: what it is.
        document: as a client sent it.
        is_partial: only what is there is to change; else what is absent gets its default.

    Raises:
        BadRequestError: a property is missing, or is not what it must be.
    """
    found: dict[str, Any] = {}
    for known in entity.properties.values():
        if known.from_latest:
            continue  # it follows from the observations, whatever a client says
        if known.name not in document:
            if is_partial:
                continue
            default = _OPTIONAL.get((entity.name, known.name))
            if known.is_mandatory and default is None:
                raise BadRequestError(f"{entity.name}: {known.name} is missing")
            if default is not None:
                found[known.columns[0]] = default
                continue
        found.update(_property(entity, known, document.get(known.name)))
    if entity in (LOCATION, FEATURE_OF_INTEREST):
        found.update(_position(entity, found))
    return found


def _property(entity: Entity, known: Property, value: Any) -> dict[str, Any]:
    where = f"{entity.name}: {known.name}"
    if value is None:
        if known.is_mandatory and known.name != "result":
            raise BadRequestError(f"{where} must not be null")
        if known.kind is Kind.TEXT:
            return {known.columns[0]: ""}
        if entity is THING:
            return {"properties": None}
        return dict.fromkeys(known.columns)
    match known.kind:
        case Kind.TEXT:
            return {known.columns[0]: _text(where, value)}
        case Kind.TIME:
            return _time(where, known, value)
        case Kind.UNIT:
            parts = as_object(value, where)
            return {column: _unit(where, parts.get(name)) for column, name in _UNITS.items()}
        case Kind.GEOMETRY:
            return {known.columns[0]: value}
        case _:
            return _document(entity, known, value, where)


def _document(entity: Entity, known: Property, value: Any, where: str) -> dict[str, Any]:
    if known.name == "result":
        return _result(value)
    if known.name in ("properties", "parameters"):
        as_object(value, where)
    if entity is THING:
        document, others = registered.parted(value)
        return {"properties": document or None, **others}
    return {known.columns[0]: value}


def _result(value: Any) -> dict[str, Any]:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number:
        return {"result": None, "result_document": value}
    try:
        return {"result": float(value), "result_document": None}
    except OverflowError as error:
        raise BadRequestError("Observation: result is too large a number") from error


def _text(where: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise BadRequestError(f"{where} is a text of at most {_LONGEST} characters")
    return value


def _unit(where: str, value: Any) -> str | None:
    return None if value is None else _text(where, value)


def _time(where: str, known: Property, value: Any) -> dict[str, Any]:
    text = _text(where, value)
    if "/" not in text:
        if known.name == "validTime":
            raise BadRequestError(f"{where} is an interval: two times with a slash between them")
        return {known.columns[0]: moment_of(text), **dict.fromkeys(known.columns[1:])}
    if len(known.columns) == 1:
        raise BadRequestError(f"{where} is one time, not an interval")
    return dict(zip(known.columns, interval(text), strict=True))


def _position(entity: Entity, found: Mapping[str, Any]) -> dict[str, Any]:
    """Return where a geometry is, for those who want a point."""
    column = "location" if entity is LOCATION else "feature"
    if column not in found:
        return {}
    encoding = found.get("encoding_type", GEOJSON[0])
    shape = shape_of(found[column])
    if shape is None or shape.is_empty:
        if encoding in GEOJSON:
            raise BadRequestError(f"{entity.name}: {column} is no GeoJSON geometry or feature")
        position: dict[str, Any] = {"longitude": None, "latitude": None}
    else:
        west, south, east, north = shape.bounds
        if not (west >= -180 and south >= -90 and east <= 180 and north <= 90):
            raise BadRequestError(f"{entity.name}: {column} lies outside of longitudes and latitudes (WGS 84)")
        middle = shape if shape.geom_type == "Point" else shape.centroid
        position = {"longitude": float(middle.x), "latitude": float(middle.y)}
    if entity is LOCATION:
        has_height = shape is not None and shape.geom_type == "Point" and shapely.has_z(shape)
        position["height"] = float(shape.z) if has_height else None
    return position


def linked(value: Any) -> int | None:
    """Return the id in a link such as `{"@iot.id": 5}`; None for an entity that is to be made.

    Raises:
        BadRequestError: the id is none of ours.
    """
    if not isinstance(value, dict) or "@iot.id" not in value:
        return None
    key = value["@iot.id"]
    if isinstance(key, str) and key.isascii() and key.isdecimal():
        key = int(key[:20])
    if not isinstance(key, int) or isinstance(key, bool) or not 0 <= key < 2**63:
        raise BadRequestError("@iot.id is a whole number")
    return key


def targets(document: Mapping[str, Any], name: str, *, is_one: bool) -> list[Any]:
    """Return what a navigation names in a document: links and entities to be made.

    Raises:
        BadRequestError: it is one where it should be a list, or the other way round.
    """
    if name not in document or document[name] is None:
        return []
    value = document[name]
    if is_one or isinstance(value, dict):
        return [as_object(value, name)]
    if not isinstance(value, list):
        raise BadRequestError(f"{name} is a list")
    return [as_object(member, name) for member in value]


def inverse(entity: Entity, target: Entity) -> str:
    """Return the navigation that leads back from `target` to `entity`; there is one for each pair."""
    return next(known.name for known in target.navigations.values() if known.target == entity.name)


def is_mutual(entity: Entity, target: Entity) -> bool:
    """Return whether each of both has several of the other."""
    return isinstance(target.navigations[inverse(entity, target)], ToMany)


def mandatory(entity: Entity) -> tuple[ToOne, ...]:
    """Return the navigations without which an entity cannot be."""
    return tuple(known for known in entity.navigations.values() if isinstance(known, ToOne) and known.column)
