"""Attributes in a GLB: one property table of `EXT_structural_metadata`, one schema for the whole layer.

Spec: 3D Metadata Specification 1.0 (binary table format), `EXT_structural_metadata`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tiler.glb import GlbBuilder
from zwilling.features import INT32_MISSING, Property, PropertyTable, PropertyType, SurfaceClass, missing_mask

FEATURE_CLASS = "building"
FLOAT64_NO_DATA = -9999.0

_TYPES: dict[PropertyType, dict[str, Any]] = {
    PropertyType.STRING: {"type": "STRING", "noData": ""},
    PropertyType.FLOAT64: {"type": "SCALAR", "componentType": "FLOAT64", "noData": FLOAT64_NO_DATA},
    PropertyType.INT32: {"type": "SCALAR", "componentType": "INT32", "noData": INT32_MISSING},
}


def schema_json(properties: Sequence[Property]) -> dict[str, Any]:
    """Return the schema of a layer: one class for its rows, and the enum that explains the feature id set `surface`."""
    return {
        "id": "zwilling_buildings",
        "classes": {
            FEATURE_CLASS: {
                "name": "Gebäude",
                "description": "A building, or a part of one that carries its building's id.",
                "properties": {p.id: _property_json(p) for p in properties},
            }
        },
        "enums": {
            "SurfaceClass": {
                "name": "Flächenart",
                "description": "Meaning of the feature ids of the set labelled 'surface'.",
                "valueType": "UINT8",
                "values": [{"name": surface.name, "value": surface.value} for surface in SurfaceClass],
            }
        },
    }


def _property_json(prop: Property) -> dict[str, Any]:
    document: dict[str, Any] = {"name": prop.name, **_TYPES[prop.type]}
    description = " ".join(part for part in (prop.description, f"Unit: {prop.unit}." if prop.unit else "") if part)
    if description:
        document["description"] = description
    return document


def write_property_table(builder: GlbBuilder, table: PropertyTable) -> dict[str, Any]:
    """Append the columns of `table` to the binary chunk and return the `propertyTables` entry.

    A column in which every value is missing is left out, as the standard allows for a property that is not required.
    """
    properties: dict[str, Any] = {}
    for prop in table.properties:
        column = table.columns[prop.id]
        if prop.type is PropertyType.STRING:
            texts = column.tolist()
            if any(texts):
                properties[prop.id] = _write_strings(builder, texts)
            continue
        absent = missing_mask(table, prop.id)
        if bool(absent.all()):
            continue
        if prop.type is PropertyType.FLOAT64:
            values = np.where(absent, FLOAT64_NO_DATA, column.astype(np.float64))
            properties[prop.id] = {"values": builder.add_view(values.astype("<f8").tobytes())}
        else:
            properties[prop.id] = {"values": builder.add_view(column.astype("<i4").tobytes())}
    return {"class": FEATURE_CLASS, "count": len(table), "properties": properties}


def _write_strings(builder: GlbBuilder, strings: list[str]) -> dict[str, Any]:
    joined = "".join(strings)
    lengths = map(len, strings) if joined.isascii() else (len(text.encode("utf-8")) for text in strings)
    offsets = np.zeros(len(strings) + 1, dtype=np.int64)
    np.cumsum(list(lengths), out=offsets[1:])
    narrow = offsets[-1] < 2**16
    entry: dict[str, Any] = {
        "values": builder.add_view(joined.encode("utf-8")),
        "stringOffsets": builder.add_view(offsets.astype("<u2" if narrow else "<u4").tobytes()),
    }
    if narrow:
        entry["stringOffsetType"] = "UINT16"
    return entry
