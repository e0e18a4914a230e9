"""LiDAR -> 3D Tiles against py3dtiles, the one peer on the registry, and against bare decoding.

    python -m benchmarks.pointclouds [--runs 3] [--jobs 2] [--millions 10 50] [--no-peer]

Inputs are made up (`point_inputs.py`): LAZ of a town with colours, classes and intensity, of each number of millions of
points.  For the first number, all commands run in turn (A B A B, order turned round every other time) and medians are
compared:

  zwilling tile                     colours, class, intensity and returns of each point
  lazrs                             all fields decoded by as many threads, nothing done with them
  py3dtiles --color_scale           its fastest way (which also avoids that it hangs on coloured LAZ): colours alone
  py3dtiles, spawn, extra fields    with class and intensity, the nearest to what ours keeps

For further numbers it is one run of ours and one of py3dtiles (spawn, colours alone): time for each point, and whether
memory grows.  At last come real files, where there are some.  py3dtiles has an environment of its own (.venv-peers, or
ZWILLING_PEERS_PYTHON), in which laspy and lazrs must be, too.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Median, alternate, machine, run
from benchmarks.point_inputs import lidar

PROJECT = Path(__file__).resolve().parent.parent
BARE = """
import sys, laspy
with laspy.open(sys.argv[1], laz_backend=laspy.LazBackend.LazrsParallel) as file:
    assert sum(len(points) for points in file.chunk_iterator(1_000_000)) == file.header.point_count
"""
SPAWN = """
import multiprocessing, sys
from py3dtiles.command_line import main
if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    sys.exit(main())
"""
OURS, LAZRS, FAST, FULL = "zwilling", "bare lazrs", "py3dtiles --color_scale", "py3dtiles, class, intensity"


@dataclass(frozen=True, slots=True)
class Weight:
    """What a tileset takes on disk."""

    size: int
    files: int

    @classmethod
    def of(cls, folder: Path) -> Weight:
        """Return bytes and number of all files below a folder; of ours and the peer's alike, JSON included."""
        files = [path for path in folder.rglob("*") if path.is_file()]
        return cls(sum(path.stat().st_size for path in files), len(files))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="counted runs of each command")
    parser.add_argument("--jobs", type=int, default=2, help="processes of all")
    parser.add_argument("--millions", type=float, nargs="+", default=[10, 50], help="points of each input, in millions")
    parser.add_argument("--no-peer", action="store_true", help="leave py3dtiles out (half a minute a run)")
    parser.add_argument("--work", type=Path, help="folder for inputs and outputs; a temporary one by default")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        print(machine())
        bench = _Bench(work, options.runs, options.jobs, None if options.no_peer else _peer(work))
        first, *further = [round(number * 1e6) for number in options.millions]
        ours = bench.side_by_side(first)
        for points in further:
            bench.grown(first, ours, points)
        bench.real_files()
        print(machine())


class _Bench:
    def __init__(self, work: Path, runs: int, jobs: int, peer: Path | None) -> None:
        self._work, self._runs, self._jobs, self._peer = work, runs, jobs, peer

    def side_by_side(self, points: int) -> Median:
        """Print all yardsticks beside ours, and return ours."""
        source = lidar(self._work, points)
        commands = {OURS: self._ours([source]), LAZRS: [sys.executable, "-c", BARE, str(source)]}
        if self._peer is not None:
            commands[FAST] = self._fork([source], "--color_scale", "256")
            commands[FULL] = self._spawn(
                [source], "full", "--extra-fields", "classification", "--extra-fields", "intensity"
            )
        print(f"\n{points:,} points, {source.stat().st_size / 1e6:.0f} MB of LAZ, {self._jobs} jobs")
        found = alternate(commands, self._runs, {"RAYON_NUM_THREADS": str(self._jobs)})
        for name, figures in found.items():
            print(row(name, figures, points))
        ours, weight = found[OURS], Weight.of(self._work / "ours")
        print(f"  {OURS}: {weight.size / points:.2f} bytes a point in {weight.files} files")
        print(verdict("wall, of bare lazrs", ours.wall / found[LAZRS].wall, 2.5, 2.0))
        if self._peer is not None:
            fast, full = found[FAST], found[FULL]
            its = Weight.of(self._work / "fast")
            print(f"  {FAST}: {its.size / points:.2f} bytes a point in {its.files} files")
            print(verdict(f"wall, of {FAST}", ours.wall / fast.wall, 1 / 2.5, 1 / 3))
            print(verdict(f"CPU, of {FAST}", ours.cpu / fast.cpu, 1 / 2.5, 1 / 3))
            print(verdict(f"wall, of {FULL}", ours.wall / full.wall, 1 / 3, 1 / 4.5))
            print(verdict("bytes, ours with class, intensity and returns", weight.size / its.size, 2 / 3, 1 / 2))
            print(verdict("files", weight.files / its.files, 1 / 3, 1 / 3))
        return ours

    def grown(self, small: int, at_small: Median, points: int) -> None:
        """Print what more points cost."""
        source = lidar(self._work, points)
        print(f"\n{points:,} points, {source.stat().st_size / 1e6:.0f} MB of LAZ, one run each")
        ours = Median.of([run(self._ours([source]))])
        print(row(OURS, ours, points))
        print(verdict(f"peak, of that for {small:,}", ours.peak / at_small.peak, 1.2, 1.2))
        print(verdict(f"wall a point, of that for {small:,}", ours.wall / points / (at_small.wall / small), 1.2, 1.2))
        print(verdict(f"CPU a point, of that for {small:,}", ours.cpu / points / (at_small.cpu / small), 1.2, 1.2))
        if self._peer is not None:
            its = Median.of([run(self._spawn([source], "spawn"))])
            print(row("py3dtiles, spawn", its, points))
            print(verdict("peak, of py3dtiles, spawn", ours.peak / its.peak, 1 / 2, 1 / 3))
            print(verdict("wall, of py3dtiles, spawn", ours.wall / its.wall, 1 / 2.5, 1 / 3))

    def real_files(self) -> None:
        """Print what becomes of real files; they are small, so it is mostly the start of the processes."""
        place = os.environ.get("ZWILLING_TEST_DATA")
        data = (Path(place) if place else PROJECT.parent / "shared" / "data") / "pointclouds"
        groups = {
            "four neighbours": sorted((data / "ign_montpellier").glob("*.laz")),
            "with colours": sorted((data / "ign").glob("las_with_several*.laz")),
        }
        found = {name: files for name, files in groups.items() if files}
        print(f"\nreal files, one run each{'' if found else ': there are none here'}")
        for name, files in found.items():
            ours = Median.of([run(self._ours(files, "EPSG:2154+ellipsoidal"))])
            print(row(f"{OURS}: {name}", ours, 0))
            if self._peer is not None:
                try:
                    its = Median.of([run(self._spawn(files, "real", crs=2154))])
                except RuntimeError as error:
                    print(f"  py3dtiles: {str(error).splitlines()[-1]}")
                    continue
                print(row(f"py3dtiles: {name}", its, 0))

    def _ours(self, sources: Sequence[Path], crs: str | None = None) -> list[str]:
        command = [sys.executable, "-m", "zwilling", "tile", *map(str, sources), "-o", str(self._work / "ours")]
        return [*command, "--quiet", "--jobs", str(self._jobs), *([] if crs is None else ["--crs", crs])]

    def _fork(self, sources: Sequence[Path], *more: str) -> list[str]:
        return [str(self._peer), "-m", "py3dtiles.command_line", *self._its(sources, "fast", 25832), *more]

    def _spawn(self, sources: Sequence[Path], name: str, *more: str, crs: int = 25832) -> list[str]:
        script = self._work / "spawn.py"
        script.write_text(SPAWN, encoding="utf-8")
        return [str(self._peer), str(script), *self._its(sources, name, crs), *more]

    def _its(self, sources: Sequence[Path], name: str, crs: int) -> list[str]:
        return [
            "convert", *map(str, sources), "--out", str(self._work / name), "--overwrite",
            "--jobs", str(self._jobs), "--srs_in", str(crs), "--force-srs-in", "--srs_out", "4978",
        ]  # fmt: skip


def _peer(work: Path) -> Path | None:
    """Return the interpreter that py3dtiles is installed for; None, with a word about it, where there is none."""
    python = Path(os.environ.get("ZWILLING_PEERS_PYTHON", PROJECT / ".venv-peers" / "bin" / "python"))
    needed = [str(python), "-c", "import laspy, lazrs, py3dtiles"]
    if python.is_file() and subprocess.run(needed, cwd=work, capture_output=True, check=False).returncode == 0:
        return python
    print(
        f"py3dtiles is left out: {python} has not all of py3dtiles, laspy and lazrs; pip install 'py3dtiles[las]' lazrs"
    )
    return None


def row(name: str, figures: Median, points: int) -> str:
    """Return one line of a table."""
    rate = f"   {points / figures.wall / 1e6:5.2f} M points/s" if points else ""
    return (
        f"  {name:28} wall {figures.wall:7.2f} s   CPU {figures.cpu:7.2f} s   "
        f"peak {figures.peak / 1e6:6.0f} MB{rate}   n={figures.runs}"
    )


def verdict(what: str, value: float, accept: float, aim: float) -> str:
    """Return one line that sets a value beside what is accepted and aimed at; smaller is better."""
    word = "aim met" if value <= aim else "accepted" if value <= accept else "TOO MUCH"
    goals = f"accept {accept:.3g}" + ("" if accept == aim else f", aim {aim:.3g}")
    return f"  {what}: {value:.3f} ({goals}): {word}"


if __name__ == "__main__":
    main()
