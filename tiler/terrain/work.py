"""Work on the ground: which unit needs what, what is still true from the version before, and in which order.

Every product (textured tiles, terrain for the globe, pyramid of pictures) is cut into units, small pieces of work
that know what they are made from.  Units of the first stage read the mosaics; those of later stages are made from
units of the stage before, the coarser tiles.  As in `make`, a unit whose fingerprint has not changed is taken over
from the version before, so one new orthophoto costs its own tiles and their ancestors.

Every file of a mosaic is decoded once, shortly before the first unit that needs it, and forgotten after the last.
Units are made in lines across the shorter side of the area, so what is decoded at a time is hardly more than the files
beside each other on such a line, however files are named or dated.
"""

from __future__ import annotations

import hashlib
import math
import os
import pickle
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count, zip_longest
from pathlib import Path
from typing import Final, Protocol, cast

import numpy as np

from tiler.terrain.ground import Ground
from tiler.workers import Workers
from zwilling.issues import Issue
from zwilling.rasters import Mosaic, Rectangle

# What is decoded for some units while those before them are made, as pixels of four bytes: bounds the scratch folder.
_BYTES_IN_A_WAVE: Final = 2 << 30
_BYTES_OF_A_CELL: Final = 4
_LEDGER: Final = ".units"
_RUNS: Final = count()


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of work that leaves files.

    Attributes:
        key: its name, unique within all products: `tiles/3/8/5`.
        pictures, heights: what it reads of the mosaics, in their CRS; None where nothing.
        children: keys of the units it is made from.
    """

    key: str
    pictures: Rectangle | None = None
    heights: Rectangle | None = None
    children: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """What a unit left.

    Attributes:
        files: names below the target's folder.
        size: their bytes.
        value: what units of the next stage, and whoever ties the files together at the end, must know of it; numpy
            arrays and plain values.
        issues: findings.
    """

    files: tuple[str, ...]
    size: int
    value: object
    issues: tuple[Issue, ...] = ()


class Product(Protocol):
    """One thing that is made of the ground; small, and can be pickled."""

    @property
    def options(self) -> str:
        """Everything besides its inputs that shapes the product's files, as text."""
        ...

    def stages(self) -> Sequence[Sequence[Unit]]:
        """Return the units: first those that read the mosaics, then those made from them, and so on to the root."""
        ...

    def make(self, unit: Unit, children: Mapping[str, object], ground: Ground, scratch: Path, folder: Path) -> Made:
        """Make one unit; runs in a worker.

        Args:
            unit: what to make.
            children: values of the units it is made from, by key; those that left nothing are absent.
            ground: what is read.
            scratch: where the mosaics' files have been decoded.
            folder: where files go, and where those of its children stand.
        """
        ...


@dataclass(slots=True)
class Ledger:
    """What every unit left, and from what it was made; stands beside the files of a version.

    Attributes:
        entries: fingerprint and what was left, by key.
        decoded: findings of the decoding, by fingerprint of the mosaic's file.
    """

    entries: dict[str, tuple[str, Made]] = field(default_factory=dict)
    decoded: dict[str, tuple[Issue, ...]] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path | None) -> Ledger:
        """Return the ledger of a version; an empty one where there is none or it was written by another program."""
        if folder is None:
            return cls()
        try:
            entries, decoded = pickle.loads((folder / _LEDGER).read_bytes())  # noqa: S301  # our own file in our own folder
        except (OSError, ValueError, TypeError, IndexError, EOFError, AttributeError, ImportError, pickle.PickleError):
            return cls()
        return cls(entries, decoded)

    def write(self, folder: Path) -> None:
        """Write the ledger beside the files it tells of."""
        state = (self.entries, self.decoded)
        (folder / _LEDGER).write_bytes(pickle.dumps(state, protocol=pickle.HIGHEST_PROTOCOL))


@dataclass(frozen=True, slots=True)
class Worked:
    """What came of it.

    Attributes:
        made: what every unit left, by key.
        fresh: how many units were made, and not taken over.
        decoded: names of the mosaics' files that were decoded.
        issues: findings of the decoding and of all units.
    """

    made: Mapping[str, Made]
    fresh: int
    decoded: tuple[str, ...]
    issues: tuple[Issue, ...]


def work(
    products: Sequence[Product],
    ground: Ground,
    folder: Path,
    scratch: Path,
    workers: Workers,
    *,
    code: str,
    previous: Path | None = None,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Worked:
    """Make every unit of `products` and return what they left.

    Args:
        folder: where files go; the ledger is written there too.
        scratch: an empty folder for what is decoded.
        code: changes where the program does, so that nothing made by another one is taken over.
        previous: folder of the version before, whose files are linked where they are still true.
        on_progress: called with the number of units that are done, and of all.

    Raises:
        SourceError: a file cannot be decoded.
    """
    return _Work(products, ground, folder, scratch, workers, code, previous, on_progress).run()


@dataclass(frozen=True, slots=True)
class _Desk:
    """What all tasks of a run share; each worker loads it once, since it is large where there are many files."""

    ground: Ground
    products: tuple[Product, ...]

    def lay(self, path: Path) -> None:
        path.write_bytes(pickle.dumps(self, protocol=pickle.HIGHEST_PROTOCOL))


@lru_cache(maxsize=1)
def _desk(path: Path) -> _Desk:
    desk = pickle.loads(path.read_bytes())  # noqa: S301  # our own file in our own folder
    return cast(_Desk, desk)


@dataclass(frozen=True, slots=True)
class _Decode:
    desk: Path
    mosaic: int
    file: int
    part: int


@dataclass(frozen=True, slots=True)
class _Make:
    desk: Path
    product: int
    unit: Unit
    children: Mapping[str, object]
    folder: Path


def _do(task: _Decode | _Make) -> tuple[Issue, ...] | Made:
    desk, scratch = _desk(task.desk), task.desk.parent
    if isinstance(task, _Decode):
        return desk.ground.mosaics[task.mosaic].decode(task.file, task.part, scratch)
    return desk.products[task.product].make(task.unit, task.children, desk.ground, scratch, task.folder)


class _Places:
    """Where the files of a mosaic lie, to be asked by every unit."""

    def __init__(self, mosaic: Mosaic) -> None:
        covers = [file.covers for file in mosaic.files]
        self._west, self._south, self._east, self._north = (
            np.array([getattr(rectangle, side) for rectangle in covers], dtype=np.float64)
            for side in ("west", "south", "east", "north")
        )

    def meeting(self, wish: Rectangle) -> list[int]:
        """Return the numbers of the files that share some area with `wish`."""
        meets = (self._west < wish.east) & (wish.west < self._east)
        meets &= (self._south < wish.north) & (wish.south < self._north)
        return [int(number) for number in np.flatnonzero(meets)]


_File = tuple[int, int]  # number of the mosaic, number of its file


def _cells(mosaic: Mosaic, covers: Rectangle, wish: Rectangle | None = None) -> float:
    """Return how many of a mosaic's finest cells a file has, or how many of them lie in `wish`."""
    within = covers if wish is None else wish
    width = min(covers.east, within.east) - max(covers.west, within.west)
    return width * (min(covers.north, within.north) - max(covers.south, within.south)) / mosaic.resolution**2


@dataclass(frozen=True, slots=True)
class _Job:
    """A unit, the number of its product, its fingerprint, the files it needs, and how many of their cells."""

    product: int
    unit: Unit
    fingerprint: str
    needs: frozenset[_File]
    cells: float


class _Work:
    def __init__(
        self,
        products: Sequence[Product],
        ground: Ground,
        folder: Path,
        scratch: Path,
        workers: Workers,
        code: str,
        previous: Path | None,
        on_progress: Callable[[int, int], None],
    ) -> None:
        self._ground = ground
        self._folder = folder
        self._scratch = scratch
        self._workers = workers
        self._code = code
        self._previous = previous
        self._known = Ledger.read(previous)
        self._ledger = Ledger()
        self._issues: list[Issue] = []
        self._decoded: list[str] = []
        self._fresh = 0
        # Each time it is asked for, a mosaic makes a new list.
        self._files = [tuple(mosaic.files) for mosaic in ground.mosaics]
        self._places = [_Places(mosaic) for mosaic in ground.mosaics]
        self._products = tuple(products)
        self._stages = [[list(stage) for stage in product.stages()] for product in products]
        self._total = sum(len(stage) for stages in self._stages for stage in stages)
        self._options = [(type(product).__name__, product.options) for product in products]
        # No other run of this process has had the name, so none is taken for this one.
        self._desk = scratch / f"desk-{next(_RUNS)}"
        self._on_progress = on_progress

    def run(self) -> Worked:
        _Desk(self._ground, self._products).lay(self._desk)
        covers = {
            (number, file): each.covers for number, own in enumerate(self._files) for file, each in enumerate(own)
        }
        turns = _turns(covers)
        sizes = {need: _cells(self._ground.mosaics[need[0]], here) * _BYTES_OF_A_CELL for need, here in covers.items()}
        for number in range(max(map(len, self._stages), default=0)):
            jobs = [
                self._job(product, unit)
                for product, stages in enumerate(self._stages)
                if number < len(stages)
                for unit in stages[number]
            ]
            stale = [job for job in jobs if not self._take_over(job)]
            waves = list(_waves(stale, turns, sizes))
            self._side_by_side(waves[0].decode if waves else (), ())
            for wave, following in zip_longest(waves, waves[1:]):
                # The next files are decoded beside the making, so that no process waits.
                self._side_by_side(() if following is None else following.decode, wave.jobs)
                for mosaic, file in wave.forget:
                    self._ground.mosaics[mosaic].forget(file, self._scratch)
        self._recall_decoding()
        self._desk.unlink()
        self._ledger.write(self._folder)
        left = {key: made for key, (_, made) in self._ledger.entries.items()}
        return Worked(left, self._fresh, tuple(self._decoded), tuple(self._issues))

    def _recall_decoding(self) -> None:
        """Note the findings of all files, those that only the version before has decoded among them."""
        found: dict[str, tuple[Issue, ...]] = {}
        for files in self._files:
            for file in files:
                known = self._known.decoded.get(file.fingerprint, ())
                found[file.fingerprint] = self._ledger.decoded.get(file.fingerprint, known)
        self._ledger.decoded = found
        self._issues.extend(issue for issues in found.values() for issue in issues)

    def _job(self, product: int, unit: Unit) -> _Job:
        needs = {
            (number, file): wish
            for number, mosaic in enumerate(self._ground.mosaics)
            if (wish := unit.pictures if mosaic is self._ground.pictures else unit.heights) is not None
            for file in self._places[number].meeting(wish)
        }
        made_from = [
            self._code,
            *self._options[product],
            repr(unit),
            *(self._files[number][file].fingerprint for number, file in needs),
            *(self._ledger.entries[key][0] for key in unit.children if key in self._ledger.entries),
        ]
        fingerprint = hashlib.sha256("\n".join(made_from).encode()).hexdigest()
        cells = sum(
            _cells(self._ground.mosaics[number], self._files[number][file].covers, wish)
            for (number, file), wish in needs.items()
        )
        return _Job(product, unit, fingerprint, frozenset(needs), cells)

    def _take_over(self, job: _Job) -> bool:
        """Link what the version before has of a unit, and return whether it has all of it."""
        known = self._known.entries.get(job.unit.key)
        if known is None or known[0] != job.fingerprint or self._previous is None:
            return False
        for name in known[1].files:
            if not _link(self._previous / name, self._folder / name):
                # What is linked by now must not be written over: it is the other version's file, too.
                for linked in known[1].files:
                    (self._folder / linked).unlink(missing_ok=True)
                return False
        self._note(job, known[1])
        return True

    def _task(self, job: _Job) -> _Make:
        entries = self._ledger.entries
        children = {key: entries[key][1].value for key in job.unit.children if key in entries}
        return _Make(self._desk, job.product, job.unit, children, self._folder)

    def _note(self, job: _Job, made: Made) -> None:
        self._ledger.entries[job.unit.key] = (job.fingerprint, made)
        self._issues.extend(made.issues)
        self._on_progress(len(self._ledger.entries), self._total)

    def _side_by_side(self, files: Sequence[_File], jobs: Sequence[_Job]) -> None:
        """Decode some files and make some units, side by side."""
        decode = [
            _Decode(self._desk, number, file, part)
            for number, file in files
            for part in range(self._files[number][file].parts)
        ]
        tasks: list[_Decode | _Make] = [*decode, *map(self._task, jobs)]
        results = self._workers.map(_do, tasks)
        for task in decode:
            fingerprint = self._files[task.mosaic][task.file].fingerprint
            issues = cast(tuple[Issue, ...], next(results))
            self._ledger.decoded[fingerprint] = (*self._ledger.decoded.get(fingerprint, ()), *issues)
        for job, made in zip(jobs, results, strict=True):
            self._note(job, cast(Made, made))
            self._fresh += 1
        self._decoded.extend(self._files[number][file].name for number, file in files)


@dataclass(frozen=True, slots=True)
class _Wave:
    """Units that are made side by side, the files to decode before and to forget after."""

    jobs: tuple[_Job, ...]
    decode: tuple[_File, ...]
    forget: tuple[_File, ...]


def _waves(jobs: Sequence[_Job], turns: Mapping[_File, int], sizes: Mapping[_File, float]) -> Iterator[_Wave]:
    """Cut `jobs` into waves, for each of which only some files must be decoded that no wave before has decoded.

    Args:
        turns: when the turn of each file comes.
        sizes: its bytes when it is decoded.
    """
    jobs = sorted(jobs, key=lambda job: sorted(turns[need] for need in job.needs))
    last = {need: number for number, job in enumerate(jobs) for need in job.needs}
    decoded: set[_File] = set()
    begin = 0
    while begin < len(jobs):
        new: set[_File] = set()
        size = 0.0
        end = begin
        while end < len(jobs):
            more = jobs[end].needs - decoded - new
            size += sum(sizes[need] for need in more)
            if end > begin and more and size > _BYTES_IN_A_WAVE:
                break
            new |= more
            end += 1
        decoded |= new
        forget = tuple(sorted(need for need in decoded if last[need] < end))
        decoded.difference_update(forget)
        # Large ones first, so that at the end of a wave no process waits long for another; those of about one size stay
        # in their order, in which neighbours follow each other.
        wave = sorted(jobs[begin:end], key=lambda job: -round(math.log2(job.cells + 1)))
        yield _Wave(tuple(wave), tuple(sorted(new)), forget)
        begin = end


def _turns(covers: Mapping[_File, Rectangle]) -> dict[_File, int]:
    """Return when the turn of each file comes: by lines of files across the shorter side of the whole area."""
    if not covers:
        return {}
    sides = np.array([(each.west, each.south, each.east, each.north) for each in covers.values()])
    middles, lengths = (sides[:, :2] + sides[:, 2:]) / 2, sides[:, 2:] - sides[:, :2]
    along = int(np.argmax(np.ptp(middles, axis=0)))
    lines = np.rint((middles[:, along] - middles[:, along].min()) / max(float(np.median(lengths[:, along])), 1e-9))
    keys = list(covers)
    return {keys[number]: turn for turn, number in enumerate(np.lexsort((middles[:, 1 - along], lines)).tolist())}


def _link(source: Path, place: Path) -> bool:
    """Give a file a second name, or copy it where the disk cannot; return whether it was there."""
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, place)
    except FileNotFoundError:
        return False
    except OSError:
        try:
            shutil.copyfile(source, place)
        except FileNotFoundError:
            return False
    return True
