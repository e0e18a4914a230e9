"""The result of a check: what is counted, what is reported once, and how it stands in JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.judges import craft
from tiler.check import check_tileset
from tiler.check.codes import CODES
from zwilling.issues import Severity

PROJECT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "compressed"])
def test_counts(compressed: bool, tmp_path: Path) -> None:
    content = craft.houses_glb(compressed=compressed).pack()
    path = craft.write_tileset(tmp_path, content=content)
    found = check_tileset(tmp_path).statistics
    assert found == check_tileset(path).statistics
    assert (found.tilesets, found.tiles, found.contents, found.depth) == (1, 2, 1, 2)
    assert (found.triangles, found.vertices, found.features) == (24, 48, 2)  # two boxes of six sides
    assert found.size_bytes == len(content) + path.stat().st_size
    assert found.largest_content_bytes == len(content)
    assert found.largest_json_bytes == path.stat().st_size


def test_coarse_tiles_count_only_where_they_add(tmp_path: Path) -> None:
    tileset = craft.houses_tileset()
    tileset["root"]["content"] = {"uri": "houses.glb"}
    path = craft.write_tileset(tmp_path, tileset)
    replaced = check_tileset(path).statistics
    assert (replaced.contents, replaced.features) == (2, 2)
    tileset["root"]["refine"] = "ADD"
    craft.write_tileset(tmp_path, tileset)
    added = check_tileset(path).statistics
    assert (added.contents, added.features) == (2, 4)


def test_content_that_is_used_twice_is_reported_once_and_placed_twice(tmp_path: Path) -> None:
    glb = craft.houses_glb()
    glb.document["extensionsUsed"].append("KHR_materials_unlit")
    tileset = craft.houses_tileset()
    moved = dict(tileset["root"]["children"][0], transform=[1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 50, 0, 0, 1])
    tileset["root"]["children"].append(moved)
    result = check_tileset(craft.write_tileset(tmp_path, tileset, glb.pack()))
    assert sorted(issue.code for issue in result.issues) == [
        "CONTENT_NOT_ENCLOSED_BY_BOUNDING_VOLUME",
        "EXTENSION_USED_BUT_NOT_FOUND",
    ]


def test_vertex_outside_is_counted_measured_and_its_volume_named(tmp_path: Path) -> None:
    tileset = craft.houses_tileset()
    tileset["root"]["children"][0]["boundingVolume"]["box"][3] = 19.75  # both outer walls stand 25 cm outside
    issue = check_tileset(craft.write_tileset(tmp_path, tileset)).issues[0]
    assert issue.source == str(tmp_path / "houses.glb")
    assert issue.message == (
        "24 of 48 vertices lie outside the bounding volume of"
        f" {tmp_path / 'tileset.json'} /root/children/0, the farthest by 0.25 m"
    )


@pytest.mark.parametrize(("too_small_by_m", "is_found"), [(5e-6, False), (2e-5, True)])
def test_tolerance(too_small_by_m: float, is_found: bool, tmp_path: Path) -> None:
    tileset = craft.houses_tileset()
    tileset["root"]["children"][0]["boundingVolume"]["box"][3] = 20.0 - too_small_by_m
    assert bool(check_tileset(craft.write_tileset(tmp_path, tileset)).issues) is is_found


def test_nodes_move_what_is_below_them_parents_last(tmp_path: Path) -> None:
    glb = craft.houses_glb()
    # First 10 m along x, then a quarter turn about the upright axis: the houses stand in a row to the north.
    turned = {"children": [1], "rotation": [0, 2**-0.5, 0, 2**-0.5]}
    glb.document["nodes"] = [turned, {"mesh": 0, "translation": [10, 0, 0]}]
    tileset = craft.houses_tileset()
    for tile in (tileset["root"], tileset["root"]["children"][0]):
        tile["boundingVolume"]["box"] = [0, 10, 4.5, 5, 0, 0, 0, 20, 0, 0, 0, 4.5]
    assert check_tileset(craft.write_tileset(tmp_path, tileset, glb.pack())).issues == ()


def test_result_as_json(tmp_path: Path) -> None:
    tileset = craft.houses_tileset()
    tileset["root"]["refine"] = "replace"
    found = json.loads(json.dumps(check_tileset(craft.write_tileset(tmp_path, tileset)).to_json()))
    assert found["valid"] is False
    assert found["counts"] == {"error": 0, "warning": 1, "info": 0}
    assert found["statistics"]["features"] == 2
    assert [issue["code"] for issue in found["issues"]] == ["TILE_REFINE_WRONG_CASE"]


def test_information_leaves_a_tileset_valid(tmp_path: Path) -> None:
    glb = craft.houses_glb()
    glb.write_view(4, bytes(6))  # the first triangle becomes a point
    result = check_tileset(craft.write_tileset(tmp_path, content=glb.pack()))
    assert [issue.code for issue in result.issues] == ["TRIANGLE_DEGENERATE"]
    assert result.is_valid
    assert result.count(Severity.INFO) == 1


def test_every_code_is_documented_with_its_severity() -> None:
    page = (PROJECT / "docs" / "developers" / "checking.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    expected = [f"| `{code}` | {severity} | {meaning} |" for code, (severity, meaning) in CODES.items()]
    assert rows == expected
