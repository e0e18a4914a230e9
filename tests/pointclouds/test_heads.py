"""Heads that lie: each is refused in one sentence, before anything is allocated."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pyproj
import pytest

from pointclouds.heads import read_head
from tests.pointclouds.clouds import (
    BOUNDS,
    COUNT,
    EVLR_AT,
    FORMAT,
    LONG_COUNT,
    POINTS_AT,
    RECORD_LENGTH,
    SCALE,
    VLR_COUNT,
    cloud,
    opened,
    patched,
    read_all,
    stored,
    write,
)
from zwilling.errors import SourceError

_NAN, _INF = float("nan"), float("inf")

# what is lied about, offset, form, values, what is said of it (LAS 1.4 with 1,000 points of format 6)
LIES = [
    ("count of 4e9", LONG_COUNT, "<Q", (4_000_000_000,), "promises 4,000,000,000 points of 30 bytes, but holds 1,000"),
    ("count of 2^63", LONG_COUNT, "<Q", (1 << 63,), "promises 9,223,372,036,854,775,808 points"),
    ("one more point", LONG_COUNT, "<Q", (1001,), "promises 1,001 points of 30 bytes, but holds 1,000"),
    ("no points", LONG_COUNT, "<Q", (0,), "counts no points, though 1,000 follow"),
    ("VLR count of 4e9", VLR_COUNT, "<I", (4_294_967_295,), "claims 4,294,967,295 variable length records"),
    ("VLR count of one", VLR_COUNT, "<I", (1,), "claims 1 variable length records in the 0 bytes"),
    ("points before the head ends", POINTS_AT, "<I", (100,), "states 375 bytes for its head"),
    ("points behind the file", POINTS_AT, "<I", (4_000_000_000,), "its points should begin at byte 4,000,000,000"),
    ("head of no bytes", 94, "<H", (0,), "states 0 bytes for its head"),
    ("format 11", FORMAT, "<B", (11,), "has points of format 11; 0 to 10 are known"),
    ("format 255", FORMAT, "<B", (255,), "has points of format 255"),
    ("record length 0", RECORD_LENGTH, "<H", (0,), "has records of 0 bytes, but format 6 needs 30"),
    ("record length 29", RECORD_LENGTH, "<H", (29,), "has records of 29 bytes, but format 6 needs 30"),
    ("LAS 1.5", 24, "<BB", (1, 5), "is LAS 1.5; 1.0 to 1.4 are known"),
    ("LAS 2.0", 24, "<BB", (2, 0), "is LAS 2.0; 1.0 to 1.4 are known"),
    ("scale 0", SCALE, "<d", (0.0,), "its scale of x is 0, with which no coordinate can be told"),
    ("scale NaN", SCALE + 8, "<d", (_NAN,), "its scale of y is nan"),
    ("scale infinite", SCALE + 16, "<d", (_INF,), "its scale of z is inf"),
    ("scale 1e300", SCALE, "<d", (1e300,), "its scale of x is 1e\\+300"),
    ("scale negative", SCALE, "<d", (-0.01,), "its scale of x is -0.01"),
    ("offset NaN", SCALE + 24, "<d", (_NAN,), "its offset of x is nan"),
    ("offset infinite", SCALE + 40, "<d", (_INF,), "its offset of z is inf"),
]  # fmt: skip


@pytest.mark.parametrize(("_", "offset", "form", "values", "message"), LIES, ids=[lie[0] for lie in LIES])
def test_lies_are_refused(
    tmp_path: Path, _: str, offset: int, form: str, values: tuple[float, ...], message: str
) -> None:
    path = patched(write(tmp_path / "a.las", cloud(6)), offset, form, *values)
    with pytest.raises(SourceError, match=message):
        read_head(path)


@pytest.mark.parametrize("length", [0, 3, 4, 100, 226, 300, 374, 375, 1000])
def test_a_file_that_ends_early(tmp_path: Path, length: int) -> None:
    path = write(tmp_path / "a.las", cloud(6))
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(SourceError, match=r"cut off|is empty|does not begin with 'LASF'"):
        read_head(path)


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (b"PK\x03\x04", "is a ZIP archive, not LAS or LAZ; unpack it first"),
        (b"<!DOCTYPE html>", "is a web page"),
        (b"II*\0", "is a TIFF file"),
        (b"version https://git-lfs.github.com/spec/v1", "is a Git LFS pointer"),
        (b"\0" * 500, "is not LAS or LAZ: it does not begin with 'LASF'"),
    ],
)
def test_what_is_something_else_is_named(tmp_path: Path, start: bytes, message: str) -> None:
    path = tmp_path / "a.laz"
    path.write_bytes(start)
    with pytest.raises(SourceError, match=message):
        read_head(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read: No such file"):
        read_head(tmp_path / "a.las")


def test_a_record_that_runs_into_the_points(tmp_path: Path) -> None:
    data = cloud(6)
    data.header.add_crs(pyproj.CRS("EPSG:25832"))
    path = write(tmp_path / "a.las", data)
    patched(path, 375 + 20, "<H", 65_535)
    with pytest.raises(SourceError, match="record 1 of 1 claims 65,535 bytes and runs"):
        read_head(path)


def test_more_than_is_counted_is_told(tmp_path: Path) -> None:
    data = cloud(1)
    path = patched(write(tmp_path / "a.las", data), COUNT, "<I", 990)
    source = opened(path)
    assert [(issue.code, issue.message) for issue in source.issues] == [
        ("POINTS_UNCOUNTED", "counts 990 points, and 280 more bytes follow them, which are not read")
    ]
    assert read_all(source).xyz.tolist() == stored(data)[:990].tolist()


def test_the_long_count_goes_before_the_one_for_old_readers(tmp_path: Path) -> None:
    path = patched(write(tmp_path / "a.las", cloud(1, version="1.4")), COUNT, "<I", 7)
    source = opened(path)
    assert source.head.count == 1000
    assert [issue.code for issue in source.issues] == ["POINT_HEAD_ODD"]


@pytest.mark.parametrize(("at", "count"), [(1 << 62, 1), (10, 1), (None, 4_294_967_295), (None, 1)])
def test_extended_records_that_are_not_there(tmp_path: Path, at: int | None, count: int) -> None:
    data = cloud(6)
    path = write(tmp_path / "a.las", data)
    patched(path, EVLR_AT, "<QI", path.stat().st_size if at is None else at, count)
    source = opened(path)
    assert [issue.code for issue in source.issues] == ["POINT_TAIL_LOST"]
    assert len(read_all(source)) == 1000


def test_extended_records_end_the_points(shared_data: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.las"
    write(path, cloud(6))
    with path.open("ab") as file:
        start = file.tell()
        file.write(struct.pack("<H16sHQ32s", 0, b"someone", 42, 60, b"") + bytes(60))
    patched(path, EVLR_AT, "<QI", start, 1)
    head = read_head(path)
    assert (head.points_end, head.issues) == (start, ())
    assert [(vlr.user, vlr.record, vlr.length, vlr.is_extended) for vlr in head.vlrs] == [("someone", 42, 60, True)]
    patched(path, LONG_COUNT, "<Q", 1004)
    with pytest.raises(SourceError, match="promises 1,004 points"):
        read_head(path)


@pytest.mark.parametrize("values", [(_NAN,) * 6, (0.0, 1.0) * 3, (1e300, -1e300) * 3, (_INF, -_INF) * 3])
def test_bounds_that_cannot_be_are_found_from_the_points(tmp_path: Path, values: tuple[float, ...]) -> None:
    data = cloud(7)
    path = patched(write(tmp_path / "a.laz", data), BOUNDS, "<6d", *values)
    source = opened(path)
    assert [issue.code for issue in source.issues] == ["POINT_BOUNDS_MEASURED"]
    assert source.head.low == pytest.approx(data.xyz.min(axis=0))
    assert source.head.high == pytest.approx(data.xyz.max(axis=0))


def test_bounds_that_leave_points_outside_are_told(tmp_path: Path) -> None:
    data = cloud(1)
    path = write(tmp_path / "a.laz", data)
    low, high = data.x.min(), data.x.max()
    patched(path, BOUNDS, "<2d", (low + high) / 2, low)
    points = read_all(opened(path))
    limit = round(((low + high) / 2 - 340000) * 100) + 1
    count = int(np.count_nonzero(np.asarray(data.X) > limit))
    assert [(issue.code, issue.message.split()[0]) for issue in points.issues] == [("POINTS_OUT_OF_BOUNDS", str(count))]


def test_a_format_that_came_after_its_version(tmp_path: Path) -> None:
    path = patched(write(tmp_path / "a.las", cloud(3, version="1.2")), 25, "<B", 1)
    assert [issue.code for issue in opened(path).issues] == ["POINT_HEAD_ODD"]
