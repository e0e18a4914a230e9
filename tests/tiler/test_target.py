"""A folder that appears whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tiler.target import replacing
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
