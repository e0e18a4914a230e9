"""Every way in which `glb_defects` breaks a content is found, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.glb_defects import DEFECTS
from tests.judges import craft
from tiler.check import check_tileset


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "compressed"])
def test_houses_without_defect_are_sound(compressed: bool, tmp_path: Path) -> None:
    path = craft.write_tileset(tmp_path, content=craft.houses_glb(compressed=compressed).pack())
    result = check_tileset(path)
    assert result.issues == ()
    assert result.is_valid


@pytest.mark.parametrize("name", sorted(DEFECTS))
def test_defect_is_found_and_nothing_else(name: str, tmp_path: Path) -> None:
    result = check_tileset(craft.write_tileset(tmp_path, content=DEFECTS[name].make()))
    assert {issue.code for issue in result.issues} == DEFECTS[name].codes, result.issues
