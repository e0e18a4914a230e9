"""Each file of `3dtiles/` is one clause of the standard, broken in one place; `expected-codes.json` says what is found.

A name that begins with `valid` is sound.  The content that the files refer to, `houses.glb`, is made by the test.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.conformance.glb_defects import DEFECTS
from tests.judges import craft
from tiler.check import check_tileset
from tiler.check.codes import CODES
from zwilling.issues import Severity

FOLDER = Path(__file__).parent / "3dtiles"
EXPECTED: dict[str, list[str]] = json.loads((FOLDER / "expected-codes.json").read_text(encoding="utf-8"))
FOUND = {entry.name.removesuffix(".json") for entry in FOLDER.iterdir()} - {"expected-codes", "README.md"}

SHOWN_ELSEWHERE = {"TOO_LARGE", "TOO_MANY_ISSUES"}
"""Codes that need more than a small file; `tests/tiler/check/test_limits.py` has them."""


def place(name: str, folder: Path) -> Path:
    """Copy a case into `folder`, together with its content; return its tileset.json."""
    source = FOLDER / name
    if source.is_dir():
        shutil.copytree(source, folder, dirs_exist_ok=True)
    else:
        shutil.copy(source.with_suffix(".json"), folder / "tileset.json")
    (folder / "houses.glb").write_bytes(craft.houses_glb().pack())
    return folder / "tileset.json"


def test_every_file_has_an_expectation_and_every_expectation_a_file() -> None:
    assert set(EXPECTED) == FOUND


def test_every_code_is_shown_by_a_defect() -> None:
    shown = {code for codes in EXPECTED.values() for code in codes}
    shown |= {code for defect in DEFECTS.values() for code in defect.codes}
    assert shown | SHOWN_ELSEWHERE == set(CODES)


def test_a_name_that_begins_with_valid_expects_nothing() -> None:
    assert {name for name, codes in EXPECTED.items() if not codes} == {
        name for name in EXPECTED if name.startswith("valid")
    }


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_defect_is_found_and_nothing_else(name: str, tmp_path: Path) -> None:
    result = check_tileset(place(name, tmp_path))
    assert sorted({issue.code for issue in result.issues}) == EXPECTED[name], result.issues
    assert result.is_valid == name.startswith("valid")


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_findings_name_a_file_and_a_place(name: str, tmp_path: Path) -> None:
    for issue in check_tileset(place(name, tmp_path)).issues:
        assert Path(issue.source).is_relative_to(tmp_path)
        assert issue.where.startswith("/")
        assert issue.message
        assert issue.severity in Severity
