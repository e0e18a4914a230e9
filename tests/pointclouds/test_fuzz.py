"""Bytes flipped, cut out and put in: always points or an error of ours, never an abort, a hang or another exception."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pointclouds.opening import Fence
from tests.pointclouds.clouds import CRS, REGION, cloud, in_memory, opened
from zwilling.errors import ZwillingError
from zwilling.points import OPTIONAL_COLUMNS

_NASTY = (
    b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\xff" * 8, b"\xff" * 7 + b"\x7f",
    struct.pack("<d", float("nan")), struct.pack("<d", 1e300), struct.pack("<d", float("inf")),
)  # fmt: skip
_ABORTED = "makes the decoder abort"


@st.composite
def damaged(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """Return a file with one to four places damaged, mostly near its head, its points' beginning and its end."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 4))):
        if len(data) < 120:
            break
        points_at = min(struct.unpack_from("<I", data, 96)[0], len(data) - 1)
        at = draw(
            st.one_of(
                st.integers(0, 400),
                st.integers(max(0, points_at - 120), points_at + 120),
                st.integers(max(0, len(data) - 60), len(data) - 1),
                st.integers(0, len(data) - 1),
            )
        )
        at = min(at, len(data) - 1)
        kind = draw(st.sampled_from(("flip", "flip", "cut", "out", "in", "over")))
        if kind == "flip":
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "cut":
            del data[at:]
        elif kind == "out":
            del data[at : at + draw(st.integers(1, 40))]
        elif kind == "in":
            data[at:at] = draw(st.binary(min_size=1, max_size=40))
        else:
            nasty = draw(st.sampled_from(_NASTY))
            data[at : at + len(nasty)] = nasty
    return bytes(data)


def _seeds() -> list[bytes]:
    return [in_memory(cloud(layout, count=200), packed=packed) for layout in range(11) for packed in (False, True)]


def read(path: Path) -> int:
    """Return how many points come out of a damaged file; 0 where it is refused, -1 where it is so without its name."""
    try:
        source = opened(path, crs=CRS if path.stat().st_size % 2 else None, columns=(*OPTIONAL_COLUMNS, "gps_time"))
        count = 0
        for piece in range(source.head.chunks):
            batch = source.read(piece)
            assert batch.xyz.dtype == np.int32
            assert batch.xyz.shape == (len(batch), 3)
            assert all(len(column) == len(batch) for column in batch.columns.values())
            count += len(batch)
        assert count <= source.head.count
    except ZwillingError as error:
        return 0 if error.source == str(path) else -1
    return count


@pytest.fixture(scope="module")
def fence() -> Iterator[Fence]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pointclouds.opening._PATIENCE_S", 30.0)
        with Fence() as one:
            yield one


_RULES = settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@_RULES
@given(data=damaged(_seeds()))
def test_damaged_files_of_all_formats(tmp_path: Path, fence: Fence, data: bytes) -> None:
    path = tmp_path / "a.laz"
    path.write_bytes(data)
    assert fence.run(path, read, path) >= 0


@_RULES
@given(data=st.data())
def test_damaged_copc(shared_data: Path, tmp_path: Path, fence: Fence, data: st.DataObject) -> None:
    folder = shared_data / "pointclouds"
    seeds = [(folder / "copc/1.2-with-color.copc.laz").read_bytes(), (folder / "laz/1_4_w_evlr.laz").read_bytes()]
    path = tmp_path / "a.laz"
    path.write_bytes(data.draw(damaged(seeds)))
    assert fence.run(path, read, path) >= 0


def test_the_fence_tells_an_abort_from_an_error(tmp_path: Path, fence: Fence) -> None:
    """What the two tests above rely on: the other process's end would reach them as an error."""
    from tests.pointclouds.test_opening import _abort

    with pytest.raises(ZwillingError, match=_ABORTED):
        fence.run(tmp_path, _abort)
    assert fence.run(tmp_path, REGION.contains, 6.7, 51.2)
