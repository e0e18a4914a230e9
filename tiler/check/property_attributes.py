"""Property attributes of EXT_structural_metadata: does every vertex attribute hold what its class promises.

Spec: EXT_structural_metadata, "Property Attributes".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from tiler.check.buffers import Accessor
from tiler.check.fields import (
    IDENTIFIER,
    JsonObject,
    as_number,
    as_object,
    get_array,
    get_object,
    get_string,
    shown,
)
from tiler.check.findings import Place
from tiler.check.gltf import Primitive
from tiler.check.schema import ClassProperty, Schema

STRUCTURAL_METADATA: Final = "EXT_structural_metadata"


@dataclass(frozen=True, slots=True)
class PropertyAttribute:
    """A property attribute: which vertex attribute, by property, and what its class says of each."""

    columns: Mapping[str, tuple[ClassProperty | None, str, Place]]
    place: Place


def read_attribute(value: JsonObject, place: Place, schema: Schema | None) -> PropertyAttribute:
    """Return one entry of `propertyAttributes`, as far as it is valid."""
    get_string(value, "name", place)
    name = get_string(value, "class", place, required=True, pattern=IDENTIFIER)
    properties = get_object(value, "properties", place) or {}
    definitions: Mapping[str, ClassProperty | None] = {}
    if schema is not None and name is not None:
        if name not in schema.classes:
            place.at("class").report("IDENTIFIER_NOT_FOUND", f"the schema has no class {shown(name)}")
        else:
            definitions = schema.classes[name]
            for key, definition in definitions.items():
                if definition is not None and definition.required and key not in properties:
                    place.at("properties").report("METADATA_VALUE_REQUIRED_BUT_MISSING", f"'{key}' is required")
    columns = {}
    for key, column in properties.items():
        at = place.at("properties", key)
        found = as_object(column, at, key)
        semantic = None if found is None else get_string(found, "attribute", at, required=True)
        if definitions and key not in definitions:
            at.report("IDENTIFIER_NOT_FOUND", f"the class has no property {shown(key)}")
        elif semantic is not None:
            columns[key] = (definitions.get(key), semantic, at)
    return PropertyAttribute(columns, place)


def check_attributes(primitives: list[Primitive], attributes: list[PropertyAttribute]) -> None:
    """Report primitives that lack what they promise, and values that are none of their class."""
    for primitive in primitives:
        extensions = get_object(primitive.json, "extensions", primitive.place) or {}
        extension = get_object(extensions, STRUCTURAL_METADATA, primitive.place.at("extensions"))
        if extension is None:
            continue
        at = primitive.place.at("extensions", STRUCTURAL_METADATA)
        for position, index in enumerate(get_array(extension, "propertyAttributes", at) or ()):
            where = at.at("propertyAttributes", position)
            if isinstance(index, bool) or not isinstance(index, int):
                where.report("ARRAY_ELEMENT_TYPE_MISMATCH", "must be an index")
            elif not 0 <= index < len(attributes):
                message = f"there are {len(attributes)} property attributes, so {index} leads nowhere"
                where.report("VALUE_NOT_IN_RANGE", message)
            else:
                for definition, semantic, place in attributes[index].columns.values():
                    _check_column(primitive, definition, semantic, place)


def _check_column(primitive: Primitive, definition: ClassProperty | None, semantic: str, place: Place) -> None:
    at = place.at("attribute")
    accessor = primitive.attributes.get(semantic)
    if accessor is None:
        at.report("INVALID_GLTF_STRUCTURE", f"the primitive has no attribute {semantic} that can be read")
    elif definition is not None:
        if _form(definition) != (accessor.type, accessor.values.dtype, accessor.normalized):
            message = f"{semantic} is {accessor.type} of {accessor.values.dtype}, which is not what its class says"
            at.report("INVALID_GLTF_STRUCTURE", message)
        else:
            _check_values(accessor, definition, at)


def _form(definition: ClassProperty) -> tuple[str, np.dtype[np.generic], bool]:
    kind = "SCALAR" if definition.type == "ENUM" else definition.type
    return kind, np.dtype(definition.dtype), definition.normalized


def _check_values(accessor: Accessor, definition: ClassProperty, at: Place) -> None:
    values = accessor.values
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        at.report("METADATA_VALUE_NOT_FINITE", f"{int((~np.isfinite(values)).sum())} values are NaN or infinite")
        return
    if definition.enum is not None:
        strange = sorted(set(np.unique(values).tolist()) - set(definition.enum.names))
        if strange:
            at.report("METADATA_VALUE_NOT_IN_RANGE", f"{shown(strange)} are no values of the enum")
    elif definition.components == 1 and not definition.normalized:
        for key, extreme in (("min", float(values.min())), ("max", float(values.max()))):
            limit = as_number(definition.json.get(key))
            if limit is not None and (extreme < limit if key == "min" else extreme > limit):
                at.report("METADATA_VALUE_NOT_IN_RANGE", f"'{key}' is {limit}, but a value is {extreme}")
