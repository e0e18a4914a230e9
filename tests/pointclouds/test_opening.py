"""Files opened behind a fence: an abort of native code costs one file and never the run."""

from __future__ import annotations

import os
import signal
import time
from functools import partial
from pathlib import Path

import pytest

from pointclouds.opening import Fence
from pointclouds.sources import open_one
from tests.pointclouds.clouds import CRS, REGION, cloud, opened, patched, write
from zwilling.errors import SourceError


def test_errors_come_through_the_fence(tmp_path: Path) -> None:
    path = patched(write(tmp_path / "a.las", cloud(1)), 105, "<H", 3)
    with Fence() as fence, pytest.raises(SourceError, match="has records of 3 bytes, but format 1 needs 28"):
        fence.run(path, partial(open_one, crs=CRS, region=REGION), path)


def test_a_fingerprint_follows_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.las", cloud(1))
    first = opened(path).head.fingerprint
    assert opened(path).head.fingerprint == first
    patched(path, 400, "<B", 99)
    assert opened(path).head.fingerprint != first


def test_a_file_that_aborts_is_named_and_the_next_one_is_read() -> None:
    with Fence() as fence:
        with pytest.raises(SourceError, match=r"bad\.laz: makes the decoder abort"):
            fence.run("bad.laz", _abort)
        assert fence.run("good.laz", _double, 21) == 42


def test_a_file_that_takes_for_ever_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pointclouds.opening._PATIENCE_S", 0.5)
    with Fence() as fence:
        with pytest.raises(SourceError, match=r"slow\.laz: cannot be opened within"):
            fence.run("slow.laz", time.sleep, 600)
        monkeypatch.setattr("pointclouds.opening._PATIENCE_S", 60.0)
        assert fence.run("good.laz", _double, 21) == 42


def test_what_takes_too_much_memory_is_an_error_of_that_file() -> None:
    with Fence() as fence:
        with pytest.raises(SourceError, match=r"big\.laz: needs more than 6 GB of memory"):
            fence.run("big.laz", bytearray, 8 << 30)
        assert fence.run("good.laz", _double, 21) == 42


def _abort() -> None:
    os.kill(os.getpid(), signal.SIGABRT)


def _double(number: int) -> int:
    return 2 * number
