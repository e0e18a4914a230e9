"""Metadata schemas: classes, properties and enums, of a tileset or of a glTF.

Spec: 3D Metadata Specification (in OGC 22-025r4), "Schema"; EXT_structural_metadata.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tiler.check.fields import (
    IDENTIFIER,
    JsonObject,
    as_object,
    get_flag,
    get_integer,
    get_object,
    get_objects,
    get_string,
    shown,
)
from tiler.check.findings import Place

COMPONENT_DTYPES: Final = {
    **{f"{sign}INT{bits}": f"{sign.lower()}int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)},
    "FLOAT32": "float32",
    "FLOAT64": "float64",
}
NUMERIC_TYPES: Final = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
TYPES: Final = (*NUMERIC_TYPES, "STRING", "BOOLEAN", "ENUM")
INTEGER_TYPES: Final = tuple(name for name in COMPONENT_DTYPES if "INT" in name)


@dataclass(frozen=True, slots=True)
class EnumType:
    """An enum of a schema: how it is stored, and its names by value."""

    dtype: str
    names: dict[int, str]


@dataclass(frozen=True, slots=True)
class ClassProperty:
    """A property of a class that is valid.

    Attributes:
        type: one of `TYPES`.
        dtype: numpy type of one component as it is stored; `uint8` for STRING and BOOLEAN.
        components: how many components one element has.
        is_array: whether a value is an array, of `count` elements, or of any number where `count` is None.
        normalized: whether integers stand for fractions of 1.
        required: whether every row must have a value.
        enum: the enum of an ENUM.
        json: the property itself, for `min`, `max` and so on.
    """

    type: str
    dtype: str
    components: int
    is_array: bool
    count: int | None
    normalized: bool
    required: bool
    enum: EnumType | None
    json: JsonObject


@dataclass(frozen=True, slots=True)
class Schema:
    """Classes by id, each with its valid properties by id; a property that is broken maps to None."""

    classes: dict[str, dict[str, ClassProperty | None]]


def read_schema(value: object, place: Place) -> Schema | None:
    """Return the schema `value`, as far as it is valid."""
    schema = as_object(value, place, "schema")
    if schema is None:
        return None
    get_string(schema, "id", place, required=True, pattern=IDENTIFIER)
    for key in ("name", "description", "version"):
        get_string(schema, key, place)
    enums: dict[str, EnumType | None] = {}
    for key, inner in (get_object(schema, "enums", place) or {}).items():
        at = place.at("enums", key)
        _check_identifier(key, at)
        enums[key] = _read_enum(inner, at)
    classes: dict[str, dict[str, ClassProperty | None]] = {}
    for key, inner in (get_object(schema, "classes", place) or {}).items():
        at = place.at("classes", key)
        _check_identifier(key, at)
        classes[key] = _read_class(inner, at, enums)
    return Schema(classes)


def _check_identifier(key: str, at: Place) -> None:
    if not IDENTIFIER.fullmatch(key):
        at.report("STRING_PATTERN_MISMATCH", f"an identifier must match {IDENTIFIER.pattern}, but is {shown(key)}")


def _read_enum(value: object, place: Place) -> EnumType | None:
    enum = as_object(value, place, "enum")
    if enum is None:
        return None
    kind = get_string(enum, "valueType", place, among=INTEGER_TYPES) if "valueType" in enum else "UINT16"
    dtype = COMPONENT_DTYPES[kind or "UINT16"]
    limits = np.iinfo(dtype)
    names: dict[int, str] = {}
    for entry, at in get_objects(enum, "values", place, required=True, least=1):
        name = get_string(entry, "name", at, required=True)
        number = get_integer(entry, "value", at, required=True, minimum=int(limits.min), maximum=int(limits.max))
        if name is None or number is None:
            continue
        if name in names.values():
            at.report("ENUM_VALUE_DUPLICATE_NAME", f"the name {shown(name)} is there twice")
        if number in names:
            at.report("ENUM_VALUE_DUPLICATE_VALUE", f"the value {number} is there twice")
        names[number] = name
    return EnumType(dtype, names)


def _read_class(value: object, place: Place, enums: dict[str, EnumType | None]) -> dict[str, ClassProperty | None]:
    found = as_object(value, place, "class")
    if found is None:
        return {}
    for key in ("name", "description"):
        get_string(found, key, place)
    properties: dict[str, ClassProperty | None] = {}
    semantics: dict[str, str] = {}
    for key, inner in (get_object(found, "properties", place) or {}).items():
        at = place.at("properties", key)
        _check_identifier(key, at)
        properties[key] = _read_property(inner, at, enums)
        semantic = inner.get("semantic") if isinstance(inner, dict) else None
        if isinstance(semantic, str):
            if semantic in semantics:
                message = f"{shown(semantic)} is also the semantic of {semantics[semantic]}"
                at.report("CLASS_PROPERTIES_DUPLICATE_SEMANTIC", message)
            semantics[semantic] = key
    return properties


def _read_property(value: object, place: Place, enums: dict[str, EnumType | None]) -> ClassProperty | None:
    found = as_object(value, place, "property")
    if found is None:
        return None
    for key in ("name", "description"):
        get_string(found, key, place)
    if get_string(found, "semantic", place) == "":
        place.at("semantic").report("STRING_LENGTH_MISMATCH", "'semantic' may not be empty")
    kind = get_string(found, "type", place, required=True, among=TYPES)
    component = get_string(found, "componentType", place, among=tuple(COMPONENT_DTYPES))
    if kind is None or ("componentType" in found and component is None):
        return None
    is_numeric = kind in NUMERIC_TYPES
    if is_numeric and component is None:
        place.report("CLASS_PROPERTY_COMPONENT_TYPE_MISSING", f"a {kind} needs a 'componentType'")
        return None
    if component is not None and not is_numeric:
        code = "CLASS_PROPERTY_COMPONENT_TYPE_FOR_NON_NUMERIC_TYPE"
        place.at("componentType").report(code, f"a {kind} has no 'componentType', but {component} is given")
        component = None
    enum = _enum_of(found, kind, place, enums)
    is_array = get_flag(found, "array", place)
    count = get_integer(found, "count", place, minimum=2)
    if "count" in found and not is_array:
        place.at("count").report("CLASS_PROPERTY_COUNT_FOR_NON_ARRAY", "'count' is for arrays only")
    normalized = get_flag(found, "normalized", place)
    if normalized and component not in INTEGER_TYPES:
        code = "CLASS_PROPERTY_NORMALIZED_FOR_NON_NORMALIZABLE_TYPE"
        place.at("normalized").report(code, f"only integers can be normalized, not {component or kind}")
    _check_numeric_keys(found, place, is_numeric, component is not None and (normalized or component[0] == "F"))
    required = get_flag(found, "required", place)
    _check_missing_values(found, place, kind, required, enum)
    if kind == "ENUM" and enum is None:
        return None
    dtype = COMPONENT_DTYPES[component] if component else (enum.dtype if enum else "uint8")
    components = NUMERIC_TYPES.get(kind, 1)
    return ClassProperty(kind, dtype, components, is_array, count, normalized, required, enum, found)


def _enum_of(found: JsonObject, kind: str, place: Place, enums: dict[str, EnumType | None]) -> EnumType | None:
    name = get_string(found, "enumType", place)
    if kind != "ENUM":
        if "enumType" in found:
            code = "CLASS_PROPERTY_ENUMTYPE_WITH_NON_ENUM_TYPE"
            place.at("enumType").report(code, f"a {kind} has no 'enumType'")
        return None
    if "enumType" not in found:
        place.report("CLASS_PROPERTY_ENUM_TYPE_WITHOUT_ENUMTYPE", "an ENUM needs an 'enumType'")
    elif name is not None and name not in enums:
        message = f"the schema has no enum {shown(name)}"
        place.at("enumType").report("CLASS_PROPERTY_ENUMTYPE_NOT_FOUND", message)
    return None if name is None else enums.get(name)


def _check_numeric_keys(found: JsonObject, place: Place, is_numeric: bool, is_floating: bool) -> None:
    for key in ("offset", "scale"):
        if key in found and not is_floating:
            code = "METADATA_OFFSET_SCALE_FOR_NON_FLOATING_POINT_TYPE"
            place.at(key).report(code, f"'{key}' is for floating-point or normalized values only")
    for key in ("min", "max"):
        if key in found and not is_numeric:
            place.at(key).report("METADATA_MIN_MAX_FOR_NON_NUMERIC_TYPE", f"'{key}' is for numbers only")


def _check_missing_values(found: JsonObject, place: Place, kind: str, required: bool, enum: EnumType | None) -> None:
    for key in ("noData", "default"):
        if key not in found:
            continue
        value = found[key]
        if required:
            place.at(key).report("CLASS_PROPERTY_INCONSISTENT", f"a required property has no '{key}'")
        elif key == "noData" and kind == "BOOLEAN":
            place.at(key).report("CLASS_PROPERTY_INCONSISTENT", "a BOOLEAN has no 'noData'")
        elif not _fits(value, kind):
            place.at(key).report("TYPE_MISMATCH", f"'{key}' must fit a {kind}, but is {shown(value)}")
        elif enum is not None and not set(value if isinstance(value, list) else [value]) <= set(enum.names.values()):
            code = "CLASS_PROPERTY_ENUM_VALUE_NAME_NOT_FOUND"
            place.at(key).report(code, f"{shown(value)} is no name of the enum")


def _fits(value: Any, kind: str) -> bool:
    """Return whether a JSON value is, or is a list (of lists) of, what a property of type `kind` consists of."""
    if isinstance(value, list):
        return all(_fits(inner, kind) for inner in value)
    if kind in ("STRING", "ENUM"):
        return isinstance(value, str)
    if kind == "BOOLEAN":
        return isinstance(value, bool)
    return isinstance(value, int | float) and not isinstance(value, bool)
