"""LAZ that lies: chunk tables, chunks, and the record that says how points are packed."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from tests.pointclouds.clouds import (
    COUNT,
    LONG_COUNT,
    POINTS_AT,
    RECORD_LENGTH,
    cloud,
    number_at,
    opened,
    packed_in_chunks,
    patched,
    read_all,
    stored,
    write,
)
from zwilling.errors import SourceError


@pytest.fixture
def legacy(tmp_path: Path) -> Path:
    return write(tmp_path / "legacy.laz", cloud(1, count=1000))


@pytest.fixture
def layered(tmp_path: Path) -> Path:
    return packed_in_chunks(tmp_path / "layered.laz", cloud(7, count=3000), [1000, 1000, 1000])


def table_at(path: Path) -> int:
    return number_at(path, number_at(path, POINTS_AT, "<I"), "<q")


@pytest.mark.parametrize("count", [0, 2_000, 1 << 24, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_chunk_table_that_claims_too_much(legacy: Path, count: int) -> None:
    """With 4 billion chunks lazrs 0.8.2 asks for 64 GB and ends the process."""
    patched(legacy, table_at(legacy) + 4, "<I", count)
    with pytest.raises(SourceError, match=r"claims .* chunks in"):
        opened(legacy)


@pytest.mark.parametrize("place", [0, -2, 1 << 62, 300])
def test_a_chunk_table_that_is_elsewhere(legacy: Path, place: int) -> None:
    patched(legacy, number_at(legacy, POINTS_AT, "<I"), "<q", place)
    with pytest.raises(SourceError, match="its chunk table should be at byte"):
        opened(legacy)


def test_a_chunk_table_whose_place_stands_at_the_very_end(legacy: Path) -> None:
    """LASzip writes it there when it cannot go back in its output (a pipe)."""
    expected = read_all(opened(legacy)).xyz
    place = table_at(legacy)
    patched(legacy, number_at(legacy, POINTS_AT, "<I"), "<q", -1)
    legacy.write_bytes(legacy.read_bytes() + struct.pack("<q", place))
    np.testing.assert_array_equal(read_all(opened(legacy)).xyz, expected)


@pytest.mark.parametrize("left", [0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("name", ["legacy", "layered"])
def test_cut_off(request: pytest.FixtureRequest, name: str, left: float) -> None:
    path: Path = request.getfixturevalue(name)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * left)])
    with pytest.raises(SourceError, match=r"cut off|damaged|no room|runs"):
        opened(path)


@pytest.mark.parametrize("count", [50_001, 51_000, 1_000_000_000])
def test_more_promised_than_there_are_chunks(legacy: Path, count: int) -> None:
    patched(legacy, COUNT, "<I", count)
    with pytest.raises(SourceError, match=r"promises .* but holds 1 chunks of 50,000"):
        opened(legacy)


@pytest.mark.parametrize("count", [1, 2999, 3001, 1 << 40])
def test_chunks_with_counts_of_their_own_must_add_up(layered: Path, count: int) -> None:
    patched(layered, LONG_COUNT, "<Q", count)
    patched(layered, COUNT, "<I", 0)
    with pytest.raises(SourceError, match=r"promises .* points"):
        opened(layered)


def test_more_promised_than_any_packing_holds(legacy: Path) -> None:
    patched(legacy, COUNT, "<I", 0xFFFFFFFF)
    with pytest.raises(SourceError, match=r"promises 4,294,967,295 points in 22,[0-9]+ bytes"):
        opened(legacy)


def test_none_promised_and_yet_there(legacy: Path) -> None:
    patched(legacy, COUNT, "<I", 0)
    with pytest.raises(SourceError, match=r"counts no points, though 22,[0-9]+ bytes follow"):
        opened(legacy)


def test_fewer_promised_than_a_layered_chunk_says(tmp_path: Path) -> None:
    path = write(tmp_path / "a.laz", cloud(6, count=1000))
    patched(path, LONG_COUNT, "<Q", 900)
    source = opened(path)
    with pytest.raises(SourceError, match="holds 1,000 points where 900 are promised"):
        source.read(0)


def test_more_promised_than_a_legacy_chunk_holds(legacy: Path) -> None:
    patched(legacy, COUNT, "<I", 40_000)
    with pytest.raises(SourceError, match="points 0 to 39,999: is cut off or damaged"):
        read_all(opened(legacy))


def test_layers_that_claim_more_than_their_chunk(layered: Path) -> None:
    """lazrs would allocate what a layer claims, up to 4 GB, before it reads."""
    source = opened(layered)
    second = int(source.rows[1, 0])
    patched(layered, second + 36 + 4, "<I", 0xFFFFFFFF)
    with pytest.raises(SourceError, match="points 1,000 to 1,999: is damaged: its layers claim 4,29"):
        read_all(opened(layered))


def test_a_damaged_chunk_is_left_out_where_the_user_wants_it(tmp_path: Path) -> None:
    data = cloud(7, count=3000)
    path = packed_in_chunks(tmp_path / "a.laz", data, [1000, 1000, 1000])
    patched(path, int(opened(path).rows[1, 0]) + 36, "<I", 12)
    points = read_all(opened(path, skip_damaged=True))
    np.testing.assert_array_equal(points.xyz, np.delete(stored(data), np.s_[1000:2000], axis=0))
    assert [(issue.code, issue.where) for issue in points.issues] == [("POINTS_LOST", "points 1,000 to 1,999")]
    assert "its 1,000 points are missing" in points.issues[0].message


def test_without_the_record_that_says_how(legacy: Path) -> None:
    data = legacy.read_bytes().replace(b"laszip encoded", b"laszip_encoded", 1)
    legacy.write_bytes(data)
    with pytest.raises(SourceError, match="is marked as packed"):
        opened(legacy)


@pytest.mark.parametrize(
    ("offset", "form", "value", "message"),
    [
        (0, "<H", 1, "is packed by LASzip's method 1"),
        (0, "<H", 3, "which its LASzip record does not fit"),
        (2, "<H", 7, r"method 2 \(coder 7\)"),
        (12, "<I", 0, "is packed in chunks of 0 points"),
        (32, "<H", 0xFFFF, "lists 65535 items"),
        (34, "<H", 77, "items that no format has"),
        (36, "<H", 19, "packs other items"),
    ],
)
def test_a_record_that_lies(legacy: Path, offset: int, form: str, value: int, message: str) -> None:
    record = legacy.read_bytes().index(b"laszip encoded") - 2 + 54
    patched(legacy, record + offset, form, value)
    with pytest.raises(SourceError, match=message):
        opened(legacy)


def test_chunks_that_no_memory_holds(legacy: Path) -> None:
    record = legacy.read_bytes().index(b"laszip encoded") - 2 + 54
    patched(legacy, record + 12, "<I", 0xFFFFFFFE)
    assert len(read_all(opened(legacy))) == 1000
    patched(legacy, COUNT, "<I", 20_000_001)
    with pytest.raises(SourceError, match="is packed in chunks of 20,000,001 points"):
        opened(legacy)


def test_a_record_length_that_the_packing_does_not_have(legacy: Path) -> None:
    patched(legacy, RECORD_LENGTH, "<H", 60_000)
    with pytest.raises(SourceError, match="has records of 60000 bytes in format 1, and packs other items"):
        opened(legacy)


def test_a_file_that_shrinks_after_it_was_opened(legacy: Path) -> None:
    source = opened(legacy)
    legacy.write_bytes(legacy.read_bytes()[:2000])
    with pytest.raises(SourceError, match="cut off since it was opened"):
        source.read(0)
    legacy.unlink()
    with pytest.raises(SourceError, match="cannot be read any more"):
        source.read(0)


def test_a_chunk_that_fails_midway_is_left_out_whole(tmp_path: Path) -> None:
    """Its first 65,536 points were already taken when the damage shows."""
    data = cloud(6, count=100_000)
    path = packed_in_chunks(tmp_path / "a.laz", data, [100, 99_800, 100])
    source = opened(path, skip_damaged=True)
    lengths_at = int(source.rows[1, 0]) + 30 + 4
    z, classes = (number_at(path, lengths_at + 4 * layer, "<I") for layer in (1, 2))
    # Bytes of the layer of heights are said to be the next one's: heights end before their points do.
    patched(path, lengths_at + 4, "<2I", z - 5000, classes + 5000)
    points = read_all(source)
    np.testing.assert_array_equal(points.xyz, np.delete(stored(data), np.s_[100:99_900], axis=0))
    assert [issue.code for issue in points.issues] == ["POINTS_LOST"]
