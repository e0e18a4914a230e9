"""What the head of a LAS file says, checked against the file's size before anything is allocated or decoded.

LAS 1.0 to 1.4 (ASPRS LAS 1.4 R15, 2.4 to 2.7), packed (LAZ) or not.  Nothing here is native code, and no number from
the file sizes a buffer or bounds a loop before it was compared with what the file can hold.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import BinaryIO, Final

from pointclouds.findings import finding
from zwilling.errors import SourceError
from zwilling.issues import Issue
from zwilling.points import Lattice

MAGIC: Final = b"LASF"
RECORD_LENGTHS: Final = (20, 28, 26, 34, 57, 63, 30, 36, 38, 59, 67)
"""Bytes of a point record without extra bytes, by point data record format."""

FETCH_AGAIN: Final = "fetch the file again"
_SMALLEST_HEADS: Final = {0: 227, 1: 227, 2: 227, 3: 235, 4: 375}
_FORMATS_UP_TO: Final = {0: 1, 1: 1, 2: 3, 3: 5, 4: 10}
_VLR: Final = struct.Struct("<H16sHH32s")
_EVLR: Final = struct.Struct("<H16sHQ32s")
_WKT_BIT: Final = 1 << 4
_PACKED_BITS: Final = 0xC0
_SMALLEST_STEP, _LARGEST_STEP = 1e-12, 1e3
_FARTHEST: Final = 1e10
_EMPTY_PACKED: Final = 64  # a chunk table without chunks, and where it is
_INT32: Final = 2.0**31
_FIRST_YEAR: Final = 2003  # of LAS 1.0
# What people rename to .las or .laz, by its first bytes.
_STRANGERS: Final = (
    (b"PK\x03\x04", "a ZIP archive", "unpack it first"),
    (b"\x1f\x8b", "packed with gzip", "unpack it first with gunzip"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first"),
    (b"Rar!", "a RAR archive", "unpack it first"),
    (b"ply", "a PLY file", "convert it, for example with pdal translate"),
    (b"ASTM-E57", "an E57 file", "convert it, for example with pdal translate"),
    (b"<", "a web page or an XML file", "fetch the file again: its address may have led to a page"),
    (b"{", "a JSON file", "name the point cloud itself"),
    (b"version https://git-lfs", "a Git LFS pointer", "fetch what it points to: git lfs pull"),
    (b"II*\0", "a TIFF file", "name it as terrain or picture"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Vlr:
    """A variable length record, or an extended one: who defined it, and where its data lies in the file."""

    user: str
    record: int
    offset: int
    length: int
    is_extended: bool = False


@dataclass(frozen=True, slots=True)
class LasHead:
    """What the head of a LAS file says.

    Attributes:
        path: the file.
        size: its bytes.
        version: minor version: 4 for LAS 1.4.
        format: point data record format, 0 to 10.
        record_length: bytes of one point, extra bytes included.
        is_packed: LAZ.
        count: how many points it promises.
        points_at: where point data begins.
        points_end: where it ends at the latest.
        lattice: scale and offset.
        low, high: bounds as stated, not checked.
        says_wkt: the bit in the global encoding which says that the CRS is the one in WKT.
        vlrs: variable length records, extended ones last.
        issues: findings.
        created: day, or year, in which the file was made, as it states itself (ISO 8601); empty where it does not.
    """

    path: Path
    size: int
    version: int
    format: int
    record_length: int
    is_packed: bool
    count: int
    points_at: int
    points_end: int
    lattice: Lattice
    low: tuple[float, float, float]
    high: tuple[float, float, float]
    says_wkt: bool
    vlrs: tuple[Vlr, ...]
    issues: tuple[Issue, ...]
    created: str = ""

    def find(self, user: str, record: int) -> Vlr | None:
        """Return the first record of a kind, None where there is none."""
        return next((vlr for vlr in self.vlrs if (vlr.user.lower(), vlr.record) == (user.lower(), record)), None)

    @property
    def bounds_can_be_true(self) -> bool:
        """Whether low is below high, and both lie where the lattice reaches."""
        pairs = zip(self.low, self.high, self.lattice.scale, self.lattice.offset, strict=True)
        return all(
            math.isfinite(low) and math.isfinite(high) and low <= high
            and abs(low - offset) <= (_INT32 + 1) * scale and abs(high - offset) <= (_INT32 + 1) * scale
            for low, high, scale, offset in pairs
        )  # fmt: skip


def read_head(path: Path) -> LasHead:
    """Return what the head of a LAS or LAZ file says.

    Raises:
        SourceError: it is no LAS file, of a version or format that does not exist, cut off, or promises what it
            cannot hold.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            return _Reading(path, size, file).head()
    except OSError as error:
        raise SourceError(
            f"cannot be read: {error.strerror}", source=path, remedy="check its name and rights"
        ) from error


def read_vlr(path: Path, vlr: Vlr, *, at_most: int = 1 << 20) -> bytes:
    """Return the data of a record; `SourceError` where it is longer than anything sensible of its kind."""
    if vlr.length > at_most:
        raise SourceError(
            f"its record {vlr.user}/{vlr.record} claims {vlr.length:,} bytes, which none of its kind needs",
            source=path,
            remedy=FETCH_AGAIN,
        )
    with path.open("rb") as file:
        file.seek(vlr.offset)
        return file.read(vlr.length)


class _Reading:
    """One pass over a head."""

    def __init__(self, path: Path, size: int, file: BinaryIO) -> None:
        self.path, self.size, self.file = path, size, file
        self.data = file.read(375)
        self.issues: list[Issue] = []

    def head(self) -> LasHead:
        self._check_magic()
        major, minor = self.data[24], self.data[25]
        if major != 1 or minor not in _SMALLEST_HEADS:
            raise self._refused(f"is LAS {major}.{minor}; 1.0 to 1.4 are known", "convert it: las2las -set_version 1.4")
        if self.size < _SMALLEST_HEADS[minor] or len(self.data) < _SMALLEST_HEADS[minor]:
            raise self._refused(f"is cut off in its head: {self.size:,} bytes", FETCH_AGAIN)
        (encoding,) = struct.unpack_from("<H", self.data, 6)
        head_size, points_at, vlr_count = struct.unpack_from("<HII", self.data, 94)
        code, record_length, count = struct.unpack_from("<BHI", self.data, 104)
        if not _SMALLEST_HEADS[minor] <= head_size <= points_at:
            raise self._refused(f"states {head_size:,} bytes for its head and point data from byte {points_at:,} on")
        if points_at > self.size:
            raise self._refused(f"has {self.size:,} bytes, and its points should begin at byte {points_at:,}")
        is_packed = code & _PACKED_BITS == 0x80
        layout = code & 0x3F if is_packed else code
        self._check_format(layout, minor, record_length)
        evlr_at = evlr_count = 0
        if minor >= 4:
            evlr_at, evlr_count, long_count = struct.unpack_from("<QIQ", self.data, 235)
            if count and long_count and count != long_count:
                self._note("POINT_HEAD_ODD", f"counts {long_count:,} points, and {count:,} for readers of old")
            count = long_count or count
        lattice = self._lattice()
        vlrs = list(self._vlrs(head_size, points_at, vlr_count))
        extended = list(self._extended(evlr_at, evlr_count, points_at))
        starts = [vlr.offset - _EVLR.size for vlr in extended if vlr.offset - _EVLR.size >= points_at]
        points_end = min(starts, default=self.size)
        self._check_count(count, record_length, points_at, points_end, is_packed)
        max_x, min_x, max_y, min_y, max_z, min_z = struct.unpack_from("<6d", self.data, 179)
        return LasHead(
            self.path, self.size, minor, layout, record_length, is_packed, count, points_at, points_end, lattice,
            (min_x, min_y, min_z), (max_x, max_y, max_z), bool(encoding & _WKT_BIT), (*vlrs, *extended),
            tuple(self.issues), _day(*struct.unpack_from("<HH", self.data, 90)),
        )  # fmt: skip

    def _check_magic(self) -> None:
        if self.data.startswith(MAGIC):
            if len(self.data) < 227:
                raise self._refused(f"is cut off in its head: {self.size:,} bytes", FETCH_AGAIN)
            return
        if not self.data:
            raise self._refused("is empty", FETCH_AGAIN)
        for start, name, remedy in _STRANGERS:
            if self.data.startswith(start):
                raise self._refused(f"is {name}, not LAS or LAZ", remedy)
        raise self._refused("is not LAS or LAZ: it does not begin with 'LASF'", "name a .las or .laz file")

    def _check_format(self, layout: int, minor: int, record_length: int) -> None:
        if layout >= len(RECORD_LENGTHS):
            raise self._refused(f"has points of format {layout}; 0 to 10 are known")
        if record_length < RECORD_LENGTHS[layout]:
            raise self._refused(
                f"has records of {record_length} bytes, but format {layout} needs {RECORD_LENGTHS[layout]}"
            )
        if layout > _FORMATS_UP_TO[minor]:
            self._note("POINT_HEAD_ODD", f"is LAS 1.{minor} with points of format {layout}, which came later")

    def _lattice(self) -> Lattice:
        numbers = struct.unpack_from("<6d", self.data, 131)
        for name, scale in zip(("x", "y", "z"), numbers[:3], strict=True):
            if not _SMALLEST_STEP <= scale <= _LARGEST_STEP:
                raise self._refused(f"its scale of {name} is {scale:g}, with which no coordinate can be told")
        for name, offset in zip(("x", "y", "z"), numbers[3:], strict=True):
            if not abs(offset) <= _FARTHEST:
                raise self._refused(f"its offset of {name} is {offset:g}, with which no coordinate can be told")
        return Lattice((numbers[0], numbers[1], numbers[2]), (numbers[3], numbers[4], numbers[5]))

    def _vlrs(self, place: int, points_at: int, count: int) -> Iterator[Vlr]:
        if count * _VLR.size > points_at - place:
            raise self._refused(
                f"claims {count:,} variable length records in the {points_at - place:,} bytes before its points"
            )
        for number in range(count):
            self.file.seek(place)
            block = self.file.read(_VLR.size)
            if place + _VLR.size > points_at or len(block) < _VLR.size:
                raise self._refused(f"has no room for record {number + 1} of {count} before its points")
            _, user, record, length, _ = _VLR.unpack(block)
            place += _VLR.size + length
            if place > points_at:
                raise self._refused(
                    f"record {number + 1} of {count} claims {length:,} bytes and runs {place - points_at:,} bytes into "
                    "the points"
                )
            yield Vlr(_text(user), record, place - length, length)

    def _extended(self, place: int, count: int, points_at: int) -> Iterator[Vlr]:
        if count == 0:
            return
        if place < points_at or place > self.size or count * _EVLR.size > self.size - place:
            self._note(
                "POINT_TAIL_LOST",
                f"claims {count:,} extended records from byte {place:,} on, which the file's {self.size:,} bytes do "
                "not hold; they are not read",
            )
            return
        for number in range(count):
            self.file.seek(place)
            block = self.file.read(_EVLR.size)
            length = _EVLR.unpack(block)[3] if len(block) == _EVLR.size else self.size
            if place + _EVLR.size + length > self.size:
                message = f"extended record {number + 1} of {count} at byte {place:,} is cut off and is not read"
                self._note("POINT_TAIL_LOST", message)
                return
            _, user, record, _, _ = _EVLR.unpack(block)
            yield Vlr(_text(user), record, place + _EVLR.size, length, is_extended=True)
            place += _EVLR.size + length

    def _check_count(self, count: int, length: int, points_at: int, points_end: int, is_packed: bool) -> None:
        room = points_end - points_at
        if is_packed:
            # Packed points need some bytes as well: points that are all alike take some 2,000 for a byte.
            if count > max(room, 0) << 16:
                raise self._refused(f"promises {count:,} points in {room:,} bytes, into which they cannot be packed")
            if count == 0 and room > _EMPTY_PACKED:
                raise self._refused(
                    f"counts no points, though {room:,} bytes follow: whoever wrote it did not finish", FETCH_AGAIN
                )
            return
        held = room // length
        if count > held:
            raise self._refused(
                f"promises {count:,} points of {length} bytes, but holds {held:,}: it is cut off, or its head lies",
                FETCH_AGAIN,
            )
        if count == 0 and held > 0:
            raise self._refused(
                f"counts no points, though {held:,} follow: whoever wrote it did not finish", FETCH_AGAIN
            )
        if room - count * length >= length:
            self._note(
                "POINTS_UNCOUNTED",
                f"counts {count:,} points, and {room - count * length:,} more bytes follow them, which are not read",
            )

    def _note(self, code: str, message: str) -> None:
        self.issues.append(finding(code, str(self.path), "header", message))

    def _refused(self, problem: str, remedy: str = FETCH_AGAIN) -> SourceError:
        return SourceError(problem, source=self.path, remedy=remedy)


def _day(day_of_year: int, year: int) -> str:
    """Return a day, or the year where no day is told (ISO 8601); empty where there was no such day, or no LAS yet.

    Example:
        >>> _day(60, 2024), _day(366, 2023), _day(0, 2023), _day(0, 0)
        ('2024-02-29', '', '2023', '')
    """
    if not (_FIRST_YEAR <= year < date.max.year and 0 <= day_of_year <= 366):
        return ""
    if day_of_year == 0:
        return str(year)
    day = date(year, 1, 1) + timedelta(days=day_of_year - 1)
    return day.isoformat() if day.year == year else ""


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("latin-1").strip()
