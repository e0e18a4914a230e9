"""Feature ids of EXT_mesh_features: does each lead to a row, and does each triangle belong to one feature.

Spec: EXT_mesh_features.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tiler.check.fields import IDENTIFIER, JsonObject, get_integer, get_object, get_objects, get_string
from tiler.check.findings import Place
from tiler.check.gltf import Primitive
from tiler.check.property_tables import Table

MESH_FEATURES: Final = "EXT_mesh_features"


def check_features(primitives: list[Primitive], tables: list[Table | None]) -> None:
    """Report feature ids that are broken, and rows of tables that no vertex refers to."""
    referenced: dict[int, list[NDArray[np.int64]]] = {}
    for primitive in primitives:
        extensions = get_object(primitive.json, "extensions", primitive.place) or {}
        extension = get_object(extensions, MESH_FEATURES, primitive.place.at("extensions"))
        if extension is None:
            continue
        at = primitive.place.at("extensions", MESH_FEATURES)
        for feature_id, place in get_objects(extension, "featureIds", at, required=True, least=1):
            count = get_integer(feature_id, "featureCount", place, required=True, minimum=1)
            null = get_integer(feature_id, "nullFeatureId", place)
            get_string(feature_id, "label", place, pattern=IDENTIFIER)
            table_index = get_integer(feature_id, "propertyTable", place)
            if table_index is not None and table_index >= len(tables):
                message = f"there are {len(tables)} property tables, so {table_index} leads nowhere"
                place.at("propertyTable").report("VALUE_NOT_IN_RANGE", message)
                table_index = None
            if "texture" in feature_id:
                place.at("texture").report("NOT_CHECKED", "feature ids in a texture")
                continue
            ids = _read_ids(primitive, feature_id, place)
            if ids is None:
                continue
            used = np.unique(ids)
            if null is not None:
                used = used[used != null]
            if count is not None and len(used) > count:
                message = f"there are {len(used)} different ids, but 'featureCount' is {count}"
                place.report("FEATURE_COUNT_MISMATCH", message)
            table = None if table_index is None else tables[table_index]
            if table is not None and len(used) and int(used[-1]) >= table.count:
                message = f"the table has {table.count} rows, but there is an id {used[-1]}"
                place.report("VALUE_NOT_IN_RANGE", message)
            corners = ids[primitive.triangles]
            mixed = int((corners != corners[:, :1]).any(axis=1).sum())
            if mixed:
                message = f"{mixed} of {len(corners)} triangles have corners of different features"
                place.report("TRIANGLE_SPANS_FEATURES", message)
            if table_index is not None:
                referenced.setdefault(table_index, []).append(used)
    for index, groups in referenced.items():
        table = tables[index]
        if table is not None:
            missing = table.count - len(np.unique(np.concatenate(groups)))
            if missing > 0:
                table.place.report("FEATURE_WITHOUT_GEOMETRY", f"{missing} of {table.count} rows have no vertex")


def _read_ids(primitive: Primitive, feature_id: JsonObject, place: Place) -> NDArray[np.int64] | None:
    """Return the feature id of each vertex; None, and a finding, if they cannot be read."""
    if "attribute" not in feature_id:
        return np.arange(len(primitive.positions))
    number = get_integer(feature_id, "attribute", place)
    if number is None:
        return None
    at = place.at("attribute")
    semantic = f"_FEATURE_ID_{number}"
    accessor = primitive.attributes.get(semantic)
    if accessor is None:
        at.report("INVALID_GLTF_STRUCTURE", f"the primitive has no attribute {semantic} that can be read")
        return None
    if accessor.type != "SCALAR" or accessor.normalized or accessor.component_type == 5125:
        message = f"{semantic} must be SCALAR, not normalized and of at most 16 bits or float, but is {accessor.type}"
        at.report("INVALID_GLTF_STRUCTURE", message)
        return None
    values = accessor.values[:, 0]
    if values.dtype.kind == "f" and (not np.isfinite(values).all() or (values != np.floor(values)).any()):
        at.report("INVALID_GLTF_STRUCTURE", f"{semantic} holds numbers that are no integers")
        return None
    if values.min() < 0 or values.max() >= 2**24:
        at.report("INVALID_GLTF_STRUCTURE", f"{semantic} holds ids outside [0, 2^24)")
        return None
    return values.astype(np.int64)
