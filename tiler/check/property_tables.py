"""Property tables of EXT_structural_metadata: does every column hold what its class promises.

Spec: 3D Metadata Specification, "Binary Table Format"; EXT_structural_metadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tiler.check.buffers import BinaryData
from tiler.check.fields import (
    IDENTIFIER,
    JsonObject,
    as_number,
    as_object,
    get_integer,
    get_object,
    get_objects,
    get_string,
    shown,
)
from tiler.check.findings import Place
from tiler.check.property_attributes import STRUCTURAL_METADATA, PropertyAttribute, read_attribute
from tiler.check.schema import ClassProperty, Schema, read_schema

_OFFSET_TYPES: Final = {"UINT8": "uint8", "UINT16": "uint16", "UINT32": "uint32", "UINT64": "uint64"}


@dataclass(frozen=True, slots=True)
class Table:
    """A property table: its number of rows, and where it is."""

    count: int
    place: Place


@dataclass(frozen=True, slots=True)
class Metadata:
    """What EXT_structural_metadata holds: property tables, None for each that has no count, and property attributes."""

    tables: list[Table | None]
    attributes: list[PropertyAttribute]


def read_metadata(document: JsonObject, data: BinaryData, place: Place, external_schema: object = None) -> Metadata:
    """Return the metadata of a glTF document, as far as it is valid.

    Args:
        document: the glTF.
        data: its buffer views.
        place: of the document.
        external_schema: what `schemaUri` leads to, already decoded; None where it could not be read.
    """
    extensions = get_object(document, "extensions", place) or {}
    extension = get_object(extensions, STRUCTURAL_METADATA, place.at("extensions"))
    if extension is None:
        return Metadata([], [])
    at = place.at("extensions", STRUCTURAL_METADATA)
    if ("schema" in extension) == ("schemaUri" in extension):
        code = "ONE_OF_ERROR" if "schema" in extension else "PROPERTY_MISSING"
        at.report(code, "either 'schema' or 'schemaUri' must be given")
    value = extension.get("schema", external_schema)
    schema = None if value is None else read_schema(value, at.at("schema"))
    if "propertyTextures" in extension:
        at.at("propertyTextures").report("NOT_CHECKED", "'propertyTextures'")
    return Metadata(
        [_read_table(table, data, where, schema) for table, where in get_objects(extension, "propertyTables", at)],
        [read_attribute(value, where, schema) for value, where in get_objects(extension, "propertyAttributes", at)],
    )


def _read_table(table: JsonObject, data: BinaryData, place: Place, schema: Schema | None) -> Table | None:
    get_string(table, "name", place)
    count = get_integer(table, "count", place, required=True, minimum=1)
    name = get_string(table, "class", place, required=True, pattern=IDENTIFIER)
    properties = get_object(table, "properties", place) or {}
    if count is None:
        return None
    if schema is not None and name is not None:
        if name not in schema.classes:
            place.at("class").report("IDENTIFIER_NOT_FOUND", f"the schema has no class {shown(name)}")
        else:
            _check_columns(properties, data, place, schema.classes[name], count)
    return Table(count, place)


def _check_columns(
    properties: JsonObject,
    data: BinaryData,
    place: Place,
    class_properties: Mapping[str, ClassProperty | None],
    count: int,
) -> None:
    for key, definition in class_properties.items():
        if definition is not None and definition.required and key not in properties:
            place.at("properties").report("METADATA_VALUE_REQUIRED_BUT_MISSING", f"'{key}' is required")
    for key, value in properties.items():
        at = place.at("properties", key)
        column = as_object(value, at, key)
        if key not in class_properties:
            at.report("IDENTIFIER_NOT_FOUND", f"the class has no property {shown(key)}")
            continue
        found = class_properties[key]
        if column is not None and found is not None:
            _Column(column, data, at, found, count).check()


@dataclass(frozen=True, slots=True)
class _Column:
    json: JsonObject
    data: BinaryData
    place: Place
    property: ClassProperty
    rows: int

    def check(self) -> None:
        """Report what is wrong with the values of this column."""
        elements = self.rows
        if self.property.is_array:
            if self.property.count is not None:
                elements *= self.property.count
            else:
                offsets = self._offsets("arrayOffsets", "arrayOffsetType", self.rows)
                if offsets is None:
                    return
                elements = int(offsets[-1])
        if self.property.type == "STRING":
            self._check_strings(elements)
        elif self.property.type == "BOOLEAN":
            self._bytes("values", np.dtype(np.uint8), (elements + 7) // 8)
        else:
            self._check_numbers(elements)

    def _bytes(self, key: str, dtype: np.dtype[Any], length: int) -> NDArray[Any] | None:
        """Return the first `length` items of a buffer view."""
        view = self.data.view_at(self.json, key, self.place, required=True)
        if view is None:
            return None
        at = self.place.at(key)
        offset = self.data.view_offset(int(self.json[key]))
        if offset % dtype.itemsize:
            at.report("METADATA_INVALID_ALIGNMENT", f"starts at byte {offset}, no multiple of {dtype.itemsize}")
        if len(view) < length * dtype.itemsize:
            message = f"must have {length * dtype.itemsize} bytes for {self.rows} rows, but has {len(view)}"
            at.report("METADATA_INVALID_LENGTH", message)
            return None
        return np.frombuffer(view, dtype, length)

    def _offsets(self, key: str, type_key: str, elements: int) -> NDArray[np.uint64] | None:
        kind = get_string(self.json, type_key, self.place, among=tuple(_OFFSET_TYPES)) or "UINT32"
        offsets = self._bytes(key, np.dtype(_OFFSET_TYPES[kind]), elements + 1)
        if offsets is None:
            return None
        falling = np.flatnonzero(offsets[1:] < offsets[:-1])
        if len(falling):
            row = int(falling[0])
            message = f"must ascend, but offset {row} is {offsets[row]} and offset {row + 1} is {offsets[row + 1]}"
            self.place.at(key).report("METADATA_INVALID_OFFSETS", message)
            return None
        return offsets.astype(np.uint64)

    def _check_strings(self, elements: int) -> None:
        offsets = self._offsets("stringOffsets", "stringOffsetType", elements)
        view = self.data.view_at(self.json, "values", self.place, required=True)
        if offsets is None or view is None:
            return
        if int(offsets[-1]) > len(view):
            message = f"the last offset is {offsets[-1]}, but there are only {len(view)} bytes"
            self.place.at("stringOffsets").report("METADATA_INVALID_OFFSETS", message)
            return
        text = bytes(view[int(offsets[0]) : int(offsets[-1])])
        try:
            text.decode("utf-8")
        except UnicodeDecodeError as error:
            self.place.at("values").report("METADATA_VALUE_NOT_UTF8", f"{error.reason} at byte {error.start}")
            return
        # The whole can be UTF-8 and a row not: an offset may point into the middle of a character.
        starts = (offsets[:-1][offsets[1:] > offsets[:-1]] - offsets[0]).astype(np.int64)
        is_continuation = (np.frombuffer(text, np.uint8)[starts] & 0xC0) == 0x80
        if is_continuation.any():
            message = f"{int(is_continuation.sum())} offsets cut a character in two"
            self.place.at("stringOffsets").report("METADATA_VALUE_NOT_UTF8", message)

    def _check_numbers(self, elements: int) -> None:
        values = self._bytes("values", np.dtype(self.property.dtype), elements * self.property.components)
        if values is None:
            return
        at = self.place.at("values")
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            bad = int((~np.isfinite(values)).sum())
            at.report("METADATA_VALUE_NOT_FINITE", f"{bad} of {len(values)} values are NaN or infinite")
            return
        if self.property.enum is not None:
            allowed = set(self.property.enum.names)
            strange = sorted(set(np.unique(values).tolist()) - allowed)
            if strange:
                at.report("METADATA_VALUE_NOT_IN_RANGE", f"{shown(strange)} are no values of the enum")
        if self.property.components == 1 and not self.property.is_array:
            self._check_range(values)

    def _check_range(self, stored: NDArray[Any]) -> None:
        """Report scalars outside `min` and `max`; rows that hold `noData` do not count."""
        present = stored
        no_data = as_number(self.property.json.get("noData"))
        if no_data is not None and _fits_dtype(no_data, stored.dtype):
            present = stored[stored != stored.dtype.type(no_data)]
        if not len(present):
            return
        values = self._transformed(present)
        for key in ("min", "max"):
            for owner, is_table in ((self.property.json, False), (self.json, True)):
                limit = as_number(owner.get(key))
                if limit is None:
                    continue
                if stored.dtype == np.float32:
                    limit = float(np.float32(limit))  # as it is stored, so that 0.1 is not below 0.1
                extreme = float(values.min() if key == "min" else values.max())
                if (extreme < limit) if key == "min" else (extreme > limit):
                    message = f"'{key}' is {limit}, but a value is {extreme}"
                    self.place.at("values").report("METADATA_VALUE_NOT_IN_RANGE", message)
                elif is_table and not np.isclose(extreme, limit, rtol=1e-6, atol=0):
                    message = f"'{key}' is {limit}, but that of the values is {extreme}"
                    self.place.at(key).report("METADATA_VALUE_MISMATCH", message)

    def _transformed(self, stored: NDArray[Any]) -> NDArray[np.float64]:
        values = stored.astype(np.float64)
        if self.property.normalized and stored.dtype.kind in "iu":
            values = np.maximum(values / np.iinfo(stored.dtype).max, -1.0)
        for key in ("scale", "offset"):
            change = as_number(self.json.get(key, self.property.json.get(key)))
            if change is not None:
                values = values * change if key == "scale" else values + change
        return values


def _fits_dtype(value: float, dtype: np.dtype[Any]) -> bool:
    if dtype.kind == "f":
        return True
    limits = np.iinfo(dtype)
    return value.is_integer() and int(limits.min) <= value <= int(limits.max)
