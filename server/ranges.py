"""Parts of a file: the `Range` header and the multipart body that answers several ranges.

Spec: RFC 9110, 14.1.2 (byte ranges), 14.2 (Range), 14.6 (multipart/byteranges).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

MAX_RANGES = 32
"""More ranges than this in one request are answered with the whole file, as 14.2 lets a server do."""

_SPEC = re.compile(r"([0-9]*)-([0-9]*)")
_FAR = 10**18  # beyond every file; keeps numbers of thousands of digits from being parsed


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes from `start` up to, not including, `end`."""

    start: int
    end: int

    @property
    def size(self) -> int:
        """Count of bytes."""
        return self.end - self.start

    def content_range(self, complete: int) -> str:
        """Return the `Content-Range` value for this part of a representation of `complete` bytes."""
        return f"bytes {self.start}-{self.end - 1}/{complete}"


def parse_ranges(header: str, complete: int) -> tuple[ByteRange, ...] | None:
    """Return the satisfiable ranges asked for, in the order asked; none means 416.

    Overlapping ranges are merged, then in ascending order, so no byte is ever sent twice.

    Args:
        header: value of `Range`.
        complete: size of the representation in bytes.

    Returns:
        None where the header is to be ignored: another unit, a syntax error, or too many ranges.

    Example:
        >>> parse_ranges("bytes=0-1, -2", 10)
        (ByteRange(start=0, end=2), ByteRange(start=8, end=10))
        >>> parse_ranges("bytes=10-", 10)
        ()
    """
    unit, _, rest = header.partition("=")
    if unit.strip().lower() != "bytes" or rest.count(",") >= MAX_RANGES:
        return None
    found: list[ByteRange] = []
    for spec in rest.split(","):
        match = _SPEC.fullmatch(spec.strip())
        if match is None or not (match[1] or match[2]):
            return None
        first, last = match.groups()
        if first and last and _position(last) < _position(first):
            return None
        start = _position(first) if first else max(0, complete - _position(last))
        end = min(complete, _position(last) + 1) if first and last else complete
        if start < end:
            found.append(ByteRange(start, end))
    return _merged(found)


def _position(digits: str) -> int:
    digits = digits.lstrip("0") or "0"
    return int(digits) if len(digits) <= 18 else _FAR


def _merged(ranges: Sequence[ByteRange]) -> tuple[ByteRange, ...]:
    ascending = sorted(ranges, key=lambda part: part.start)
    if all(one.end <= next_.start for one, next_ in pairwise(ascending)):
        return tuple(ranges)
    merged = [ascending[0]]
    for part in ascending[1:]:
        if part.start <= merged[-1].end:
            merged[-1] = ByteRange(merged[-1].start, max(merged[-1].end, part.end))
        else:
            merged.append(part)
    return tuple(merged)


def multipart(ranges: Sequence[ByteRange], complete: int, media_type: str, boundary: str) -> list[bytes | ByteRange]:
    """Return the body that answers several ranges: literal bytes, and the ranges that go between them."""
    body: list[bytes | ByteRange] = []
    for number, part in enumerate(ranges):
        lead = "" if number == 0 else "\r\n"
        head = f"{lead}--{boundary}\r\nContent-Type: {media_type}\r\nContent-Range: {part.content_range(complete)}"
        body += [f"{head}\r\n\r\n".encode("latin-1"), part]
    body.append(f"\r\n--{boundary}--\r\n".encode("latin-1"))
    return body
