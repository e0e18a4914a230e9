"""loaders.gl, the reader of deck.gl: nothing in it is CesiumJS's, nor that of the other judges."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.testing import assert_allclose

from tests.judges.glb import Content, Primitive, Tileset
from tests.judges.node_tools import run_script

NEAR_M = 1e-6
"""How far two readers' positions may be apart: both count in float64, where an ECEF coordinate has steps of 1e-9 m."""


def read(tileset_json: Path | str) -> dict[str, Any]:
    """Return what loaders.gl finds in a tileset, which may be a file or an address on this machine.

    Returns:
        `tiles`, their number, and `contents`: for each GLB its `uri`, `is_leaf`, `primitives` (`material`, numbers of
        `triangles` and `vertices`, `low` and `high` corner in ECEF, `feature_ids`) and `tables` with their `rows`.
    """
    found: dict[str, Any] = run_script("loaders_gl.mjs", tileset_json)
    return found


def assert_agrees(tileset_json: Path | str, tileset: Tileset) -> None:
    """Fail unless loaders.gl finds in a tileset just what 3d-tiles-tools found: `tileset`."""
    found = read(tileset_json)
    assert found["tiles"] == tileset.tiles
    others = {_folderless(content.uri): content for content in tileset.contents}
    contents = {_folderless(content["uri"]): content for content in found["contents"]}
    assert contents.keys() == others.keys()
    for name, content in contents.items():
        _assert_same_content(content, others[name])


def _folderless(uri: str) -> str:
    # A linked tileset names its contents from its own folder, so only the last part is the same to every reader.
    return uri.rsplit("/", 1)[-1]


def _assert_same_content(content: Mapping[str, Any], other: Content) -> None:
    assert content["is_leaf"] == other.is_leaf
    assert [table["rows"] for table in content["tables"]] == [list(map(dict, table)) for table in other.tables]
    assert len(content["primitives"]) == len(other.primitives)
    for primitive, its in zip(content["primitives"], other.primitives, strict=True):
        _assert_same_primitive(primitive, its)


def _assert_same_primitive(primitive: Mapping[str, Any], other: Primitive) -> None:
    assert primitive["material"] == other.material
    assert primitive["triangles"] == len(other.triangles)
    assert primitive["vertices"] == len(other.positions)
    assert primitive["largest_index"] == other.triangles.max()
    assert_allclose(primitive["low"], other.positions.min(axis=0), rtol=0, atol=NEAR_M)
    assert_allclose(primitive["high"], other.positions.max(axis=0), rtol=0, atol=NEAR_M)
    assert primitive["feature_ids"] == [
        {"label": ids.label, "table": ids.table, "distinct": np.unique(ids.values).tolist()}
        for ids in other.feature_ids
    ]
