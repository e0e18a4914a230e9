"""The judges themselves: they pass what is sound, and each of them notices what it is there for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tests.conformance.glb_defects import DEFECTS
from tests.judges import buildings_in, craft, glb, judge, khronos, py3dtiles_reader
from tests.judges.node_tools import run_script
from tiler.check.codes import GLTF_CODES

pytestmark = pytest.mark.node

UNKNOWN_TO_KHRONOS = {
    "column_of_a_view_that_is_not_there": "the reference stands inside EXT_structural_metadata",
    "buffer_view_stride_5": "it looks no further once the stride is wrong",
}
"""Defects that it cannot see in full, and why."""


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "compressed"])
def houses(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    content = craft.houses_glb(compressed=request.param).pack()
    return craft.write_tileset(tmp_path_factory.mktemp("houses"), content=content)


def test_sound_tileset_passes_all_judges(houses: Path) -> None:
    judge(houses)


def test_independent_reader_sees_what_was_put_in(houses: Path) -> None:
    content = glb.read_tileset(houses).contents[0]
    (primitive,) = content.primitives
    assert primitive.material == "wall"
    for row, (low, high) in enumerate(craft.HOUSES):
        own = primitive.local[primitive.ids("building") == row]
        assert_allclose([own.min(axis=0), own.max(axis=0)], [low, high], atol=1e-6)
    roofs = primitive.local[primitive.ids("surface") == 0]
    assert sorted({float(z) for z in roofs[:, 2]}) == [7.5, 9.0]
    matrix = np.array(craft.ENU_IN_NEUSS).reshape(4, 4).T
    assert_allclose(primitive.positions, primitive.local @ matrix[:3, :3].T + matrix[:3, 3], atol=1e-8)
    rows = [{key: row[key] for key in craft.ROWS[0]} for row in content.tables[0]]
    assert rows == list(craft.ROWS)
    assert buildings_in(houses) == {"DENW22AL500001kE", "DENW22AL500001kF"}


@pytest.mark.parametrize("volume", [{"box": [0, 0, 4.5, 19, 0, 0, 0, 5, 0, 0, 0, 4.5]}, {"sphere": [0, 0, 4.5, 20]}])
def test_vertices_outside_are_noticed_by_others_too(volume: dict[str, list[float]], tmp_path: Path) -> None:
    tileset = craft.houses_tileset()
    tileset["root"]["children"][0]["boundingVolume"] = volume
    (content,) = glb.read_tileset(craft.write_tileset(tmp_path, tileset)).contents
    assert len(content.outside) == 1  # in the tile; its parent holds them
    with pytest.raises(AssertionError, match="CONTENT_NOT_ENCLOSED_BY_BOUNDING_VOLUME"):
        judge(tmp_path / "tileset.json")


def test_khronos_notices_a_broken_glb(tmp_path: Path) -> None:
    craft.write_tileset(tmp_path, content=DEFECTS["normal_too_long"].make())
    assert any("ACCESSOR_VECTOR3_NON_UNIT" in line for line in khronos.complaints(tmp_path))


def test_py3dtiles_reads_the_tree(houses: Path) -> None:
    assert py3dtiles_reader.read_tree(houses) == {"tiles": 2, "contents": ["houses.glb"], "version": "1.1"}


def test_our_names_for_gltf_defects_are_those_of_khronos(tmp_path: Path) -> None:
    """Wherever we name a defect as Khronos does, Khronos finds it under that name in the same file."""
    files: dict[str, str] = {}
    for name, defect in DEFECTS.items():
        if defect.codes & GLTF_CODES.keys() and name not in UNKNOWN_TO_KHRONOS:
            (tmp_path / f"{name}.glb").write_bytes(defect.make())
            files[str(tmp_path / f"{name}.glb")] = name
    reports = run_script("gltf_validate.mjs", text="\n".join(files))
    disagreements = {}
    for report in reports:
        name = files[report["file"]]
        ours = DEFECTS[name].codes & GLTF_CODES.keys()
        theirs = {message["code"] for message in report["messages"]}
        if not ours <= theirs:
            disagreements[name] = (sorted(ours - theirs), sorted(theirs))
    assert not disagreements
