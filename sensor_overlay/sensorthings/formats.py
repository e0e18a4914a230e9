"""Forms of a collection beside plain JSON: data arrays, GeoJSON, CSV."""

from __future__ import annotations

import csv
import io
from typing import Any, Final

import msgspec

from sensor_overlay.sensorthings.model import OBSERVATION, Entity
from sensor_overlay.sensorthings.options import Options
from sensor_overlay.sensorthings.representation import area

_DEFAULT_COMPONENTS: Final = ("id", "phenomenonTime", "resultTime", "result")
_GEOMETRIES: Final = ("location", "feature", "observedArea")
_PLACES: Final = ("Locations", "FeatureOfInterest", "Thing", "Things", "Datastream", "Datastreams")


def components(options: Options) -> tuple[str, ...]:
    """Return what a data array tells of each observation (OGC 18-088, 12.1)."""
    names = _DEFAULT_COMPONENTS if options.select is None else options.select
    return tuple("id" if name == "@iot.id" else name for name in names if name in _CELLS)


_CELLS: Final = frozenset({"id", "@iot.id", *OBSERVATION.properties})


def data_arrays(entities: list[dict[str, Any]], datastreams: list[int], options: Options, root: str) -> list[Any]:
    """Return observations in rows, grouped by their datastreams, in the order in which these come first."""
    names = components(options)
    groups: dict[int, list[list[Any]]] = {}
    for entity, datastream in zip(entities, datastreams, strict=True):
        row = [entity.get("@iot.id" if name == "id" else name) for name in names]
        groups.setdefault(datastream, []).append(row)
    return [
        {
            "Datastream@iot.navigationLink": f"{root}/Datastreams({datastream})",
            "components": list(names),
            "dataArray@iot.count": len(rows),
            "dataArray": rows,
        }
        for datastream, rows in groups.items()
    ]


def geojson(entities: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a FeatureCollection (RFC 7946): each entity with its own geometry, or the first that was expanded."""
    features = []
    for content in entities:
        geometry, properties = _geometry(content)
        feature: dict[str, Any] = {"type": "Feature", "geometry": geometry, "properties": properties}
        if "@iot.id" in content:
            feature["id"] = content["@iot.id"]
        features.append(feature)
    return {"type": "FeatureCollection", "features": features}


def _geometry(content: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the geometry of an entity, and what else it has."""
    for name in _GEOMETRIES:
        if name in content:
            return area(content[name]), {key: value for key, value in content.items() if key != name}
    for name in _PLACES:
        found = content.get(name)
        inner = found[0] if isinstance(found, list) and found else found
        if isinstance(inner, dict):
            geometry, _ = _geometry(inner)
            if geometry is not None:
                return geometry, content
    return None, content


def comma_separated(entity: Entity, entities: list[dict[str, Any]], options: Options) -> str:
    """Return a table (RFC 4180) of the properties that were selected; documents stand in it as JSON.

    A text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    names = [name for name in ("@iot.id", *entity.properties) if _is_selected(name, options)]
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(["id" if name == "@iot.id" else name for name in names])
    for content in entities:
        table.writerow([_cell(content.get(name)) for name in names])
    return written.getvalue()


def _is_selected(name: str, options: Options) -> bool:
    if options.select is None or "*" in options.select:
        return True
    return name in options.select or (name == "@iot.id" and "id" in options.select)


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return msgspec.json.encode(value).decode()
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value
