"""Any bytes at all: heights that land can have, or one of the project's errors."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orthophotos.heights_repair import HIGHEST, LOWEST
from tests.orthophotos.terrain_files import NORTH, WEST, WRITERS, surface
from zwilling.errors import ZwillingError

GRID = 50 + np.add.outer(np.arange(12.0), np.arange(12.0)) / 4
HURTS = [
    b"", b"\0", b"\n", b" ", b"-9999 ", b"nan", b"inf ", b"1e999 ", b"-", b";", b",", b"99999999999999999999",
    b"ncols 99999999", b"nrows -1\n", b"cellsize 0\n", b"\xff\xff\xff\xff", b"\x01\x00\x00\x00", b"PK\x03\x04",
]  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), write=st.sampled_from(WRITERS))
def test_spoilt_files_are_heights_or_an_error(data: st.DataObject, write: object) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        assert callable(write)
        path = write(folder / "a", GRID, WEST, NORTH, 1.0)
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 3))):
            at = data.draw(st.integers(0, len(content)))
            content[at : at + data.draw(st.integers(0, 12))] = data.draw(
                st.one_of(st.sampled_from(HURTS), st.binary(max_size=8))
            )
        if data.draw(st.booleans()):
            del content[data.draw(st.integers(0, len(content))) :]
        path.write_bytes(bytes(content))
        try:
            terrain, _ = surface([path], folder / "scratch")
        except ZwillingError as error:
            said = str(error)
        else:
            west, north = terrain.files[0].covers.west, terrain.files[0].covers.north
            places = np.array([[west + 2.25, north - 3.5], [WEST + 6, NORTH - 6]])
            heights = terrain.at(places, folder / "scratch")
            assert (np.isnan(heights) | ((heights >= LOWEST) & (heights <= HIGHEST))).all()
            said = path.name
        assert path.name in said


@pytest.mark.parametrize("head", HURTS)
def test_short_files_are_refused(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "a.xyz"
    path.write_bytes(head)
    with pytest.raises(ZwillingError):
        surface([path], tmp_path)
