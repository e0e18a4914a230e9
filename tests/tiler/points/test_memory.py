"""Memory and disk stay bounded, whatever comes in."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.tiler.points.clouds import CENTIMETRES, CRS, cloud
from zwilling.points import PointBatch, PointHead

_CHUNK = 250_000
_PROGRAM = """
import json, pathlib, sys
from tests.tiler.points.test_memory import Endless
from tiler.points.build import PointsOptions, tile_points
from tiler.target import FolderTarget
from zwilling.region import load_region
if __name__ == "__main__":
    options = PointsOptions(memory=400_000_000, jobs=2)
    target = FolderTarget(pathlib.Path(sys.argv[1]))
    result = tile_points([Endless(int(sys.argv[2]))], target, load_region(), options)
    print(json.dumps([result.points_out, result.peak_rss_bytes, result.scratch_bytes]))
"""


@dataclass(frozen=True, slots=True)
class Endless:
    """As many points as wanted, made when they are read."""

    chunks: int

    @property
    def head(self) -> PointHead:
        low, high = (343_000.0, 5_674_000.0, 40.0), (343_500.0, 5_674_500.0, 60.0)
        names = ("classification", "intensity", "return_number", "number_of_returns", "red", "green", "blue")
        return PointHead("a.laz", "", CRS, self.chunks * _CHUNK, low, high, CENTIMETRES, names, self.chunks)

    @property
    def issues(self) -> tuple[()]:
        return ()

    def read(self, chunk: int) -> PointBatch:
        rng = np.random.default_rng(chunk)
        xyz = np.stack([*rng.integers(0, 50_000, (2, _CHUNK)), rng.integers(4_000, 6_000, _CHUNK)], axis=1)
        return cloud("a.laz", xyz, chunk).read(0)


def measured(folder: Path, chunks: int) -> tuple[int, int, int]:
    """Return points, peak memory and scratch of a build in a process of its own."""
    folder.mkdir()
    program = folder.parent / "program.py"
    program.write_text(_PROGRAM, encoding="utf-8")
    done = subprocess.run(
        # A shell between, since a process inherits the peak of the one whose memory it had before `exec`.
        ["/bin/sh", "-c", '"$@"; exit $?', "sh", sys.executable, str(program), str(folder / "out"), str(chunks)],
        cwd=Path(__file__).parents[3],
        env={"PATH": "", "PYTHONPATH": str(Path(__file__).parents[3]), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    points, peak, scratch = json.loads(done.stdout)
    return points, peak, scratch


def test_five_times_the_points_need_no_more_memory(tmp_path: Path) -> None:
    points, small, scratch = measured(tmp_path / "small", 4)
    assert points == 1_000_000
    more, large, more_scratch = measured(tmp_path / "large", 20)
    assert more == 5_000_000
    assert large <= 1.2 * small
    assert large <= 400_000_000
    # LAS of the same columns takes 26 bytes a point and more.
    assert (scratch, more_scratch) == (20 * points, 20 * more)
