"""Property attributes: what is sound passes, and each thing that can be wrong is found."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tiler.points.clouds import cloud
from tiler.check import check_tileset
from tiler.glb import Compression
from tiler.points.build import PointsOptions, tile_points
from tiler.target import FolderTarget
from zwilling.region import load_region

Change = Callable[[dict[str, Any]], None]


def _extension(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["extensions"]["EXT_structural_metadata"]["propertyAttributes"][0]
    return found


def _primitive(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["meshes"][0]["primitives"][0]
    return found


def _unknown_class(document: dict[str, Any]) -> None:
    _extension(document)["class"] = "building"


def _unknown_property(document: dict[str, Any]) -> None:
    _extension(document)["properties"]["HEIGHT"] = {"attribute": "_INTENSITY"}


def _no_property(document: dict[str, Any]) -> None:
    del _extension(document)["properties"]["INTENSITY"]


def _no_attribute(document: dict[str, Any]) -> None:
    _extension(document)["properties"]["INTENSITY"] = {"attribute": "_NOWHERE"}


def _other_type(document: dict[str, Any]) -> None:
    _extension(document)["properties"]["INTENSITY"] = {"attribute": "_CLASSIFICATION"}


def _strange_value(document: dict[str, Any]) -> None:
    _extension(document)["properties"]["CLASSIFICATION"] = {"attribute": "_RETURN_NUMBER"}


def _no_such_entry(document: dict[str, Any]) -> None:
    _primitive(document)["extensions"]["EXT_structural_metadata"]["propertyAttributes"] = [1]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda _: None, None),
        (_unknown_class, "IDENTIFIER_NOT_FOUND"),
        (_unknown_property, "IDENTIFIER_NOT_FOUND"),
        (_no_property, "METADATA_VALUE_REQUIRED_BUT_MISSING"),
        (_no_attribute, "INVALID_GLTF_STRUCTURE"),
        (_other_type, "INVALID_GLTF_STRUCTURE"),
        (_strange_value, "METADATA_VALUE_NOT_IN_RANGE"),
        (_no_such_entry, "VALUE_NOT_IN_RANGE"),
    ],
)
def test_what_is_wrong_is_found(tmp_path: Path, change: Change, code: str | None) -> None:
    source = cloud("a.laz", np.arange(300).reshape(-1, 3))
    source.columns["classification"][:] = 2
    source.columns["return_number"][:] = 7
    options = PointsOptions(compression=Compression.NONE)
    tile_points([source], FolderTarget(tmp_path), load_region(), options)
    if change is _strange_value:
        _forget_class(tmp_path / "schema.json", 7)
    path = tmp_path / "0" / "0-0-0-0.glb"
    _rewrite(path, change)
    result = check_tileset(tmp_path / "tileset.json")
    found = {issue.code for issue in result.issues if issue.severity == "error"}
    assert found == (set() if code is None else {code})


def _forget_class(path: Path, value: int) -> None:
    schema = json.loads(path.read_bytes())
    values = schema["enums"]["Classification"]["values"]
    schema["enums"]["Classification"]["values"] = [entry for entry in values if entry["value"] != value]
    path.write_text(json.dumps(schema), encoding="utf-8")


def _rewrite(path: Path, change: Change) -> None:
    data = path.read_bytes()
    (length,) = struct.unpack_from("<I", data, 12)
    document = json.loads(data[20 : 20 + length])
    change(document)
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    rest = data[20 + length :]
    head = struct.pack("<4sIII4s", b"glTF", 2, 20 + len(text) + len(rest), len(text), b"JSON")
    path.write_bytes(head + text + rest)
