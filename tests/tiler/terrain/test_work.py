"""Order, waves and memory of the work: what is decoded when, and what is remade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tiler.terrain.mosaics import FakeHeights, FakePictures, fields, ground, square
from tiler.terrain import work as terrain_work
from tiler.terrain.ground import Ground
from tiler.terrain.work import Ledger, Made, Unit, Worked, work
from tiler.workers import Workers
from zwilling.rasters import Rectangle

FILES = 30
BYTES = 4 * 200 * 200  # of a file, decoded
PICTURES = FakePictures(tuple(square(100 * n, 0, 100) for n in range(FILES)), (fields,) * FILES)


@dataclass(frozen=True)
class Strips:
    """A product that notes, for each strip of two files, which files were decoded when it was made."""

    options: str = "plain"

    def stages(self) -> Sequence[Sequence[Unit]]:
        strips = [Unit(f"strips/{n}", pictures=wide(n)) for n in range(FILES - 1)]
        return [strips, [Unit("strips/all", children=tuple(unit.key for unit in strips))]]

    def make(self, unit: Unit, children: Mapping[str, object], ground: Ground, scratch: Path, folder: Path) -> Made:
        assert ground.mosaics
        decoded = tuple(sorted(path.name for path in scratch.iterdir() if not path.name.startswith("desk-")))
        name = f"{unit.key}.txt"
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(",".join(children) or "leaf")
        return Made((name,), 4, decoded)


@dataclass(frozen=True)
class Crossings(Strips):
    """A unit on each corner where four files meet."""

    def stages(self) -> Sequence[Sequence[Unit]]:
        corners = [(100 * x, 100 * y) for x in range(1, 12) for y in range(1, 4)]
        return [[Unit(f"strips/{x}-{y}", pictures=square(x - 5, y - 5, 10)) for x, y in corners]]


def wide(number: int) -> Rectangle:
    west = square(100 * number, 0, 100)
    return Rectangle(west.west + 10, west.south, west.east + 90, west.north)


def run(source: Ground, folder: Path, previous: Path | None = None, product: Strips | None = None) -> Worked:
    scratch = folder.with_name(f"{folder.name}-scratch")
    folder.mkdir()
    scratch.mkdir()
    with Workers(1) as workers:
        done = work([product or Strips()], source, folder, scratch, workers, code="1", previous=previous)
    assert not list(scratch.iterdir()), "everything is forgotten in the end"
    return done


def test_each_file_is_decoded_once_and_few_are_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terrain_work, "_BYTES_IN_A_WAVE", 4 * BYTES)
    done = run(ground(PICTURES, None), tmp_path / "a")
    assert sorted(done.decoded) == sorted(file.name for file in PICTURES.files)
    for number in range(FILES - 1):
        held = done.made[f"strips/{number}"].value
        assert isinstance(held, tuple)
        assert {f"dop{number}.0", f"dop{number + 1}.1"} <= set(held)
        assert len(held) <= 2 * (4 + 1 + 4), "files of a wave, one that the wave before shares, those of the next wave"
    assert done.made["strips/all"].value == ()
    assert len(done.issues) == FILES, "each file's second part reports once"


def test_few_files_are_held_however_they_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terrain_work, "_BYTES_IN_A_WAVE", 2 * BYTES)
    places = [(100 * (29 * n % 48 // 4), 100 * (29 * n % 4)) for n in range(48)]
    pictures = FakePictures(tuple(square(*place, 100) for place in places), (fields,) * len(places))
    done = run(ground(pictures, None), tmp_path / "a", product=Crossings())
    assert sorted(done.decoded) == sorted(file.name for file in pictures.files)
    held = [len(made.value) for made in done.made.values() if isinstance(made.value, tuple)]
    assert len(held) == 11 * 3
    # A line of four files and one, which the units of the next line share, and what two waves add.
    assert max(held) <= 2 * (4 + 1 + 2 * 4)


def test_progress_ends_at_the_total(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    (tmp_path / "s").mkdir()
    with Workers(1) as workers:
        work(
            [Strips()],
            ground(PICTURES, None),
            tmp_path,
            tmp_path / "s",
            workers,
            code="1",
            on_progress=lambda *at: seen.append(at),
        )
    assert seen[-1] == (FILES, FILES)
    assert [done for done, _ in seen] == list(range(1, FILES + 1))


def _other(*args: object) -> object:
    raise AssertionError("nobody reads it here")


def test_only_what_touches_a_changed_file_is_remade(tmp_path: Path) -> None:
    first = run(ground(PICTURES, None), tmp_path / "a")
    assert first.fresh == FILES

    colours = (*PICTURES.colours[:7], _other, *PICTURES.colours[8:])
    changed = FakePictures(PICTURES.rectangles, colours)  # type: ignore[arg-type]  # never called
    again = run(ground(changed, None), tmp_path / "b", tmp_path / "a")
    assert again.fresh == 3, "the strips 6 and 7, and what is made of all"
    assert set(again.decoded) == {"dop6.tif", "dop7.tif", "dop8.tif"}
    assert len(again.issues) == FILES, "findings of files that were not decoded again are kept"
    assert (tmp_path / "b" / "strips" / "3.txt").samefile(tmp_path / "a" / "strips" / "3.txt")
    assert not (tmp_path / "b" / "strips" / "6.txt").samefile(tmp_path / "a" / "strips" / "6.txt")


def test_other_options_or_terrain_remake_what_they_shape(tmp_path: Path) -> None:
    run(ground(PICTURES, None), tmp_path / "a")
    assert run(ground(PICTURES, None), tmp_path / "b", tmp_path / "a", Strips("fine")).fresh == FILES
    with_heights = ground(PICTURES, FakeHeights((square(0, 0, 100),)))
    assert run(with_heights, tmp_path / "c", tmp_path / "a").fresh == 0, "these units read no heights"


@pytest.mark.parametrize("content", [b"", b"no pickle", b"\x80\x05N."])
def test_a_ledger_that_cannot_be_read_is_empty(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".units").write_bytes(content)
    assert Ledger.read(tmp_path).entries == {}
    assert Ledger.read(None).entries == {}
