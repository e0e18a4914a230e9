from __future__ import annotations

import gzip
import os
import random
from pathlib import Path

import brotli
import pytest

from tiler.precompress import LEAST_BYTES, precompress
from zwilling.errors import TilesetError

TEXT = b'{"boundingVolume": {"box": [0, 0, 0]}}' * 100
NOISE = random.Random(1).randbytes(5000)  # noqa: S311 - wanted: the same each time


def siblings(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.suffix in (".br", ".gz")}


def test_siblings_hold_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "tileset.json").write_bytes(TEXT)
    report = precompress(tmp_path)
    path = tmp_path / "a" / "b" / "tileset.json"
    assert brotli.decompress(Path(f"{path}.br").read_bytes()) == TEXT
    assert gzip.decompress(Path(f"{path}.gz").read_bytes()) == TEXT
    assert Path(f"{path}.gz").read_bytes()[4:8] == bytes(4)  # no time of day: RFC 1952, MTIME
    assert path.read_bytes() == TEXT
    assert (report.files, report.compressed, report.bytes_plain) == (1, 1, len(TEXT))
    assert report.bytes_br == Path(f"{path}.br").stat().st_size
    assert report.bytes_gzip == Path(f"{path}.gz").stat().st_size


def test_only_where_it_pays(tmp_path: Path) -> None:
    (tmp_path / "small.json").write_bytes(TEXT[: LEAST_BYTES - 1])
    (tmp_path / "edge.json").write_bytes(TEXT[:LEAST_BYTES])
    (tmp_path / "noise.glb").write_bytes(NOISE)
    report = precompress(tmp_path)
    assert siblings(tmp_path) == {"edge.json.br", "edge.json.gz"}
    assert (report.files, report.compressed) == (3, 1)
    assert report.bytes_br < report.bytes_plain == LEAST_BYTES - 1 + LEAST_BYTES + len(NOISE)


@pytest.mark.parametrize(
    "name", ["features.sqlite", "photo.jpg", "a.ktx2", "x.json.part", ".layer.json", ".vite/manifest.json", "a.json.gz"]
)
def test_what_is_passed_over(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(TEXT)
    report = precompress(tmp_path)
    assert report.files == 0
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {Path(name).name}


def test_links_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "out.txt").write_bytes(TEXT)
    folder = tmp_path / "tiles"
    folder.mkdir()
    (folder / "link.json").symlink_to(tmp_path / "out.txt")
    (folder / "loop").symlink_to(folder)
    assert precompress(folder).files == 0


def test_equal_files_give_equal_siblings_whatever_the_time_and_the_threads(tmp_path: Path) -> None:
    for name, moment in (("one", 1), ("two", 10**9)):
        (tmp_path / name).mkdir()
        for number in range(20):
            path = tmp_path / name / f"{number}.json"
            path.write_bytes(TEXT + b"%d" % number)
            os.utime(path, (moment, moment))
    one, two = precompress(tmp_path / "one"), precompress(tmp_path / "two", jobs=4)
    assert one == two
    for sibling in siblings(tmp_path / "one"):
        assert (tmp_path / "one" / sibling).read_bytes() == (tmp_path / "two" / sibling).read_bytes()


def test_a_sibling_that_no_longer_pays_goes_away(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(TEXT)
    precompress(tmp_path)
    (tmp_path / "a.json").write_bytes(NOISE)
    precompress(tmp_path)
    assert siblings(tmp_path) == set()


def test_a_full_disk_is_one_line_and_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.json").write_bytes(TEXT)
    original = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        original(path, data[:5])
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(TilesetError, match="cannot be compressed \\(No space left on device\\); free space"):
        precompress(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_an_empty_folder(tmp_path: Path) -> None:
    assert precompress(tmp_path).files == 0
