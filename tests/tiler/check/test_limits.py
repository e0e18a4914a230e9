"""What is too large is said to be, and nothing runs away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.judges import craft
from tiler.check import buffers, check_tileset, files, findings, tree


def codes(path: Path) -> list[str]:
    return [issue.code for issue in check_tileset(path).issues]


def chain(depth: int) -> dict[str, Any]:
    tileset = craft.houses_tileset()
    tile = tileset["root"]
    for _ in range(depth):
        child = {"boundingVolume": {"box": craft.BOX}, "geometricError": 1, "children": tile["children"]}
        tile["children"] = [child]
        tile = child
    return tileset


def test_tree_of_fifty_levels_is_sound(tmp_path: Path) -> None:
    result = check_tileset(craft.write_tileset(tmp_path, chain(50)))
    assert result.issues == ()
    assert result.statistics.depth == 52


def test_tree_too_deep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MAX_DEPTH", 10)
    assert codes(craft.write_tileset(tmp_path, chain(20))) == ["TOO_LARGE"]


def test_tileset_that_opens_itself_ever_again_by_other_files_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each of the files names the next one twice: 2^30 tiles without a cycle.
    monkeypatch.setattr(tree, "MAX_TILES", 500)
    for level in range(30):
        tileset = craft.houses_tileset()
        content = {"uri": f"{level + 1}.json"} if level < 29 else {"uri": "houses.glb"}
        child = {"boundingVolume": {"box": craft.BOX}, "geometricError": 32, "content": content}
        tileset["root"]["children"] = [child, child]
        if level:
            tileset["root"].pop("transform")
        craft.write_tileset(tmp_path, tileset).rename(tmp_path / f"{level}.json")
    assert codes(tmp_path / "0.json") == ["TOO_LARGE"]


def test_file_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 1000)
    assert codes(craft.write_tileset(tmp_path)) == ["TOO_LARGE"]


def test_compressed_data_that_would_fill_the_memory(tmp_path: Path) -> None:
    glb = craft.houses_glb(compressed=True)
    view = glb.document["bufferViews"][0]
    view["byteLength"] = buffers.MAX_DECODED_BYTES + 8
    view["extensions"]["EXT_meshopt_compression"]["count"] = view["byteLength"] // 8
    assert codes(craft.write_tileset(tmp_path, content=glb.pack())) == ["TOO_LARGE"]


def test_findings_beyond_the_limit_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "MAX_ISSUES", 3)
    tileset = craft.houses_tileset()
    tileset["root"]["children"] += [5] * 10
    result = check_tileset(craft.write_tileset(tmp_path, tileset))
    assert [issue.code for issue in result.issues] == ["ARRAY_ELEMENT_TYPE_MISMATCH"] * 3 + ["TOO_MANY_ISSUES"]
    assert result.issues[-1].message == "7 more findings were not kept"
