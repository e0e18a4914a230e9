"""Judges of our tilesets that nobody here wrote, behind one function: `judge(tileset_json)`.

Every test that makes a tileset passes it through `judge`.  What each judge is for:

- our own check (`tiler.check`): the whole of the standard that we know, with no error and no warning;
- the Khronos glTF validator: every GLB, no error and no warning;
- 3d-tiles-tools with glTF-Transform: reads tree, geometry and properties, and holds every vertex against the volumes;
- py3dtiles: reads the tree.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.judges import glb, khronos, py3dtiles_reader
from tests.judges.glb import Tileset, buildings_in, read_tileset
from tiler.check import check_tileset

__all__ = ["Tileset", "buildings_in", "judge", "read_tileset"]


def judge(tileset_json: Path) -> Tileset:
    """Fail unless all judges find the tileset sound, and count the same; return it as 3d-tiles-tools reads it."""
    result = check_tileset(tileset_json)
    lines = [
        f"{issue.severity}: {issue.code}: {issue.source}: {issue.where}: {issue.message}" for issue in result.issues
    ]
    assert result.is_valid, "\n".join(lines[:20])

    khronos.assert_valid_glbs(tileset_json.parent)

    tileset = glb.read_tileset(tileset_json)
    outside = {content.uri: dict(content.outside) for content in tileset.contents if content.outside}
    assert not outside, f"3d-tiles-tools: vertices outside bounding volumes: {outside}"
    counted = result.statistics
    assert tileset.tiles == counted.tiles
    assert len(tileset.contents) == counted.contents
    shown = [content for content in tileset.contents if content.is_leaf]
    if all(content.is_leaf or not _adds(tileset_json) for content in tileset.contents):
        assert sum(len(table) for content in shown for table in content.tables) == counted.features
        assert sum(len(p.triangles) for content in shown for p in content.primitives) == counted.triangles
        assert sum(len(p.positions) for content in shown for p in content.primitives) == counted.vertices

    if counted.tilesets == 1:  # py3dtiles does not follow external tilesets
        tree = py3dtiles_reader.read_tree(tileset_json)
        assert tree["tiles"] == counted.tiles
        assert tree["contents"] == sorted(content.uri for content in tileset.contents)
    return tileset


def _adds(tileset_json: Path) -> bool:
    """Return whether any tile is of refinement ADD, so that inner tiles are part of full detail."""
    return '"ADD"' in json.dumps(json.loads(tileset_json.read_bytes()))
