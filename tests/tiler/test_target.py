"""A folder that appears whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tiler.target import replacing, sweep
from zwilling.errors import TilesetError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_files_appear_together_at_the_end(tmp_path: Path) -> None:
    with replacing(tmp_path / "out") as target:
        target.write("tileset.json", b"{}")
        target.write("tiles/r.glb", b"glb")
        assert not (tmp_path / "out").exists()
    assert names(tmp_path) == ["out"]
    assert (tmp_path / "out" / "tiles" / "r.glb").read_bytes() == b"glb"
    assert (target.files, target.bytes) == (2, 5)


def test_an_error_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), replacing(tmp_path / "out") as target:
        target.write("tileset.json", b"{}")
        raise RuntimeError
    assert names(tmp_path) == []


def test_an_error_leaves_the_old_tileset_as_it_was(tmp_path: Path) -> None:
    with replacing(tmp_path / "out") as target:
        target.write("tileset.json", b"old")
    with pytest.raises(RuntimeError), replacing(tmp_path / "out") as target:
        target.write("tileset.json", b"new")
        raise RuntimeError
    assert (tmp_path / "out" / "tileset.json").read_bytes() == b"old"
    assert names(tmp_path) == ["out"]


def test_an_old_tileset_is_replaced_as_a_whole(tmp_path: Path) -> None:
    with replacing(tmp_path / "out") as target:
        target.write("tileset.json", b"old")
        target.write("old.glb", b"")
    with replacing(tmp_path / "out") as target:
        target.write("tileset.json", b"new")
    assert names(tmp_path / "out") == ["tileset.json"]


def test_a_folder_with_other_things_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.docx").touch()
    with pytest.raises(TilesetError, match=r"not empty.*choose another folder"), replacing(tmp_path / "out"):
        pass
    assert names(tmp_path / "out") == ["thesis.docx"]


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(TilesetError, match="is a file, not a folder"), replacing(tmp_path / "out"):
        pass


def test_nan_never_gets_into_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"), replacing(tmp_path / "out") as target:
        target.write_json("tileset.json", {"geometricError": float("nan")})
    assert names(tmp_path) == []


GONE = 99_999_999  # no process has a number beyond the kernel's limit of 2**22


def test_what_a_killed_run_had_begun_is_removed(tmp_path: Path) -> None:
    for name in (f".out.{GONE}.part", f".out.{os.getpid()}.part", f".other.{GONE}.part"):
        (tmp_path / name).mkdir()
    sweep(tmp_path, "out")
    assert names(tmp_path) == [f".other.{GONE}.part", f".out.{os.getpid()}.part"]


def test_a_folder_that_a_killed_run_moved_away_is_put_back(tmp_path: Path) -> None:
    moved = tmp_path / f".out.{GONE}.old"
    moved.mkdir()
    (moved / "tileset.json").write_bytes(b"old")
    with pytest.raises(RuntimeError), replacing(tmp_path / "out"):
        raise RuntimeError
    assert names(tmp_path) == ["out"]
    assert (tmp_path / "out" / "tileset.json").read_bytes() == b"old"


def test_a_folder_that_a_killed_run_had_replaced_is_not_undone(tmp_path: Path) -> None:
    for name, content in ((f".out.{GONE}.old", b"old"), ("out", b"new")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tileset.json").write_bytes(content)
    sweep(tmp_path)
    assert names(tmp_path) == ["out"]
    assert (tmp_path / "out" / "tileset.json").read_bytes() == b"new"
