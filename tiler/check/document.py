"""What a tileset.json says about itself: asset, extensions, schema, groups, statistics.

Spec: 3D Tiles 1.1 (OGC 22-025r4), `core-tileset-json`, `core-metadata`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tiler.check.content import load_json
from tiler.check.extensions import check_declarations
from tiler.check.fields import (
    JsonObject,
    as_object,
    get_number,
    get_object,
    get_objects,
    get_string,
    shown,
)
from tiler.check.files import Folder
from tiler.check.findings import Place
from tiler.check.schema import Schema, read_schema


@dataclass(frozen=True, slots=True)
class Declared:
    """The schema of a tileset: whether one is given at all, and what it is as far as it is valid."""

    has_schema: bool
    schema: Schema | None


def check_document(tileset: JsonObject, path: Path, folder: Folder, place: Place) -> Declared:
    """Report what is wrong at the top of a tileset.json; return what it declares for the tiles below."""
    asset = get_object(tileset, "asset", place, required=True)
    if asset is not None:
        version = get_string(asset, "version", place.at("asset"), required=True)
        if version is not None and version not in ("1.0", "1.1"):
            place.at("asset", "version").report("ASSET_VERSION_UNKNOWN", f"{shown(version)} is neither 1.0 nor 1.1")
        get_string(asset, "tilesetVersion", place.at("asset"))
    for key in get_object(tileset, "properties", place) or {}:
        at = place.at("properties", key)
        entry = as_object(tileset["properties"][key], at, key)
        low = None if entry is None else get_number(entry, "minimum", at, required=True)
        high = None if entry is None else get_number(entry, "maximum", at, required=True)
        if low is not None and high is not None and low > high:
            at.report("PROPERTIES_MINIMUM_LARGER_THAN_MAXIMUM", f"{low} is larger than {high}")
    declared = _read_schema(tileset, path, folder, place)
    for key in ("groups", "metadata", "statistics"):
        if key in tileset and not declared.has_schema:
            place.at(key).report("REQUIRED_VALUE_NOT_FOUND", f"'{key}' needs a schema, but there is none")
    for group, at in get_objects(tileset, "groups", place):
        check_metadata(group, at, declared)
    if "metadata" in tileset:
        check_metadata(tileset["metadata"], place.at("metadata"), declared)
    _check_statistics(tileset, declared, place)
    check_declarations(tileset, place, "EXTENSION_FOUND_BUT_NOT_USED")
    return declared


def check_metadata(value: object, place: Place, declared: Declared) -> None:
    """Report what is wrong with a metadata entity: its class, and the names of its properties."""
    entity = as_object(value, place, "metadata")
    if entity is None:
        return
    if not declared.has_schema:
        place.report("REQUIRED_VALUE_NOT_FOUND", "metadata needs a schema, but there is none")
        return
    name = get_string(entity, "class", place, required=True)
    properties = get_object(entity, "properties", place) or {}
    if name is None or declared.schema is None:
        return
    if name not in declared.schema.classes:
        place.at("class").report("IDENTIFIER_NOT_FOUND", f"the schema has no class {shown(name)}")
        return
    defined = declared.schema.classes[name]
    for key in properties:
        if key not in defined:
            place.at("properties", key).report("IDENTIFIER_NOT_FOUND", f"{name} has no property {shown(key)}")
    for key, definition in defined.items():
        if definition is not None and definition.required and key not in properties:
            place.report("METADATA_VALUE_REQUIRED_BUT_MISSING", f"'{key}' is required")


def _read_schema(tileset: JsonObject, path: Path, folder: Folder, place: Place) -> Declared:
    if "schema" in tileset and "schemaUri" in tileset:
        place.report("ONE_OF_ERROR", "'schema' and 'schemaUri' exclude each other")
    if "schema" in tileset:
        return Declared(True, read_schema(tileset["schema"], place.at("schema")))
    if "schemaUri" not in tileset:
        return Declared(False, None)
    uri = get_string(tileset, "schemaUri", place)
    value = None if uri is None else load_json(uri, path.parent, folder, place.at("schemaUri"))
    return Declared(True, None if value is None else read_schema(value, place.at("schemaUri")))


def _check_statistics(tileset: JsonObject, declared: Declared, place: Place) -> None:
    statistics = get_object(tileset, "statistics", place) or {}
    at = place.at("statistics", "classes")
    classes = get_object(statistics, "classes", place.at("statistics")) or {}
    if declared.schema is None:
        return
    for name, value in classes.items():
        if name not in declared.schema.classes:
            at.at(name).report("IDENTIFIER_NOT_FOUND", f"the schema has no class {shown(name)}")
            continue
        entry = as_object(value, at.at(name), name) or {}
        get_number(entry, "count", at.at(name), minimum=0)
        for key in get_object(entry, "properties", at.at(name)) or {}:
            if key not in declared.schema.classes[name]:
                where = at.at(name, "properties", key)
                where.report("IDENTIFIER_NOT_FOUND", f"{name} has no property {shown(key)}")
