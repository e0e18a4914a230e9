"""How entities look in JSON.

Spec: OGC 18-088, 8.1 (control information), 9.3.2.2 (`$select`). Addresses are absolute, as the standard wants them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final

from sensor_overlay import instants
from sensor_overlay.sensorthings import registered
from sensor_overlay.sensorthings.model import DATASTREAM, OBSERVATION, THING, Entity, Kind, Property
from sensor_overlay.sensorthings.options import Options
from sensor_overlay.uplink import Quality

Row = Mapping[str, Any]

_FLAGS: Final = tuple(
    (int(flag), str(flag.name).lower()) for flag in (Quality.IMPLAUSIBLE, Quality.CLOCK, Quality.TEST)
)
_EXACT: Final = 2.0**53


def time_text(begin: int | None, end: int | None) -> str | None:
    """Return an instant or an interval as ISO 8601 writes it."""
    if begin is None:
        return None
    return instants.text(begin) if end is None else f"{instants.text(begin)}/{instants.text(end)}"


def number(value: float) -> float | int:
    """Return a number as it was measured: 776 and not 776.0."""
    return int(value) if value.is_integer() and abs(value) < _EXACT else value


def area(document: Any) -> Any:
    """Return the geometry of a GeoJSON document, which may be a feature."""
    if isinstance(document, dict) and document.get("type") == "Feature":
        return document.get("geometry")
    return document


def value_of(entity: Entity, known: Property) -> Callable[[Row], Any]:
    """Return the function that reads a property from a row; None where there is no value.

    An answer has thousands of rows: what kind of property it is, is asked once and not for each.
    """
    first, *others = known.columns
    if known.kind is Kind.TIME:
        if others:
            return lambda row: time_text(row[first], row[others[0]])
        return lambda row: None if row[first] is None else instants.text(row[first])
    if known.kind is Kind.UNIT:
        name, symbol, definition = known.columns
        return lambda row: {"name": row[name], "symbol": row[symbol], "definition": row[definition]}
    if known.name == "properties" and entity is THING:
        return lambda row: registered.merged(row[first], row)
    if known.name == "result":
        return lambda row: row["result_document"] if row[first] is None else number(row[first])
    if known.name == "resultQuality":
        return _quality
    if known.name == "observedArea" and entity is DATASTREAM:
        return lambda row: area(row[first])
    return itemgetter(first)


def _quality(row: Row) -> Any:
    told, quality = row["result_quality"], row["quality"]
    if told is not None or not quality:
        return told
    return {"flags": [name for flag, name in _FLAGS if quality & flag]}


def _always(entity: Entity, known: Property) -> bool:
    """Return whether a property is written although it has no value: where the standard wants one."""
    return known.is_mandatory or known.name == "description" or (entity is OBSERVATION and known.name == "resultTime")


@dataclass(frozen=True, slots=True)
class Shape:
    """Which parts of an entity are written.

    Attributes:
        properties: those.
        with_id: `@iot.id`.
        with_self_link: `@iot.selfLink`.
        links: navigations whose addresses are written.
        members: paths of those members of a property that are written; it is written whole where it has none here.
    """

    properties: tuple[Property, ...]
    with_id: bool
    with_self_link: bool
    links: tuple[str, ...]
    members: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)


def shape_of(entity: Entity, options: Options) -> Shape:
    """Return what `$select` leaves; what is expanded is always there, and then needs no link."""
    expanded = {expansion.navigation.name for expansion in options.expand}
    names = options.select
    if names is None or "*" in names:
        links = tuple(name for name in entity.navigations if name not in expanded)
        return Shape(tuple(entity.properties.values()), True, True, links)
    paths = [tuple(name.split("/")) for name in names if "/" in name]
    members = {
        path[0]: tuple(each[1:] for each in paths if each[0] == path[0]) for path in paths if path[0] not in names
    }
    return Shape(
        tuple(known for known in entity.properties.values() if known.name in names or known.name in members),
        bool({"id", "@iot.id"} & set(names)),
        "@iot.selfLink" in names,
        tuple(name for name in entity.navigations if name in names and name not in expanded),
        members,
    )


def chosen(document: Any, paths: tuple[tuple[str, ...], ...]) -> Any:
    """Return what of a document lies at some paths.

    Example:
        >>> chosen({"a": {"b": 1, "c": 2}, "d": 3}, (("a", "b"), ("e",)))
        {'a': {'b': 1}}
    """
    if not isinstance(document, dict):
        return None
    found: dict[str, Any] = {}
    for name in dict.fromkeys(path[0] for path in paths if path[0] in document):
        rests = tuple(path[1:] for path in paths if path[0] == name)
        value = document[name] if () in rests else chosen(document[name], rests)
        if value is not None:
            found[name] = value
    return found


def columns_of(entity: Entity, shape: Shape) -> list[tuple[str, bool]]:
    """Return the columns that `writer` needs, each with whether it is one of `latest`."""
    columns = [(column, known.from_latest) for known in shape.properties for column in known.columns]
    if any(known.name == "resultQuality" for known in shape.properties):
        columns.append(("quality", False))
    if entity is THING and any(known.name == "properties" for known in shape.properties):
        columns += [(column, False) for column in registered.COLUMNS]
    return columns


def writer(entity: Entity, shape: Shape, root: str) -> Callable[[Row], dict[str, Any]]:
    """Return the function that makes the JSON object of a row."""

    named = [
        (known.name, value_of(entity, known), _always(entity, known), shape.members.get(known.name))
        for known in shape.properties
    ]
    begin = f"{root}/{entity.plural}("
    links = [(f"{name}@iot.navigationLink", f"/{name}") for name in shape.links]

    def write(row: Row) -> dict[str, Any]:
        key = row["id"]
        link = f"{begin}{key})"
        content: dict[str, Any] = {}
        if shape.with_self_link:
            content["@iot.selfLink"] = link
        if shape.with_id:
            content["@iot.id"] = key
        for name, read, is_always, members in named:
            value = read(row)
            if members is not None:
                value = chosen(value, members)
            if value is not None or is_always:
                content[name] = value
        for name, rest in links:
            content[name] = link + rest
        return content

    return write
