"""One stored encoding of a file, and what to answer to a request for it.  Nothing here touches the disk.

Spec: RFC 9110, 8.8.3 (ETag), 14 (ranges), 15.3.7 (206), 15.4.5 (304), 15.5.17 (416).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus

from starlette.datastructures import Headers

from server.encodings import IDENTITY
from server.preconditions import evaluate, range_applies
from server.ranges import ByteRange, multipart, parse_ranges


@dataclass(frozen=True, slots=True)
class Representation:
    """One stored encoding of a file.

    Attributes:
        path: absolute path without symbolic links.
        coding: `identity`, `br` or `gzip`.
        media_type: of the file when decoded.
        codings: what is stored besides identity; more than none makes the answer vary.
        size: bytes on disk.
        mtime_ns: last change, nanoseconds since 1970.
    """

    path: str
    coding: str
    media_type: str
    codings: tuple[str, ...]
    size: int
    mtime_ns: int

    @property
    def etag(self) -> str:
        """Strong entity tag: files are published by rename, so time and size change with every byte."""
        suffix = "" if self.coding == IDENTITY else f"-{self.coding}"
        return f'"{self.mtime_ns:x}-{self.size:x}{suffix}"'

    @property
    def modified(self) -> int:
        """Last change in whole seconds, as HTTP dates have it."""
        return self.mtime_ns // 1_000_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send: status, header fields, and the parts of the body, which are ranges of the file or literal."""

    status: HTTPStatus
    fields: list[tuple[bytes, bytes]]
    parts: Sequence[bytes | ByteRange] = ()

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return sum(part.size if isinstance(part, ByteRange) else len(part) for part in self.parts)


def decide(found: Representation, method: str, headers: Headers, cache_control: str) -> Answer:
    """Return the answer to one request for a representation that is there."""
    fields = _fields(found, cache_control)
    status = evaluate(headers, found.etag, found.modified)
    if status != HTTPStatus.OK:
        return Answer(status, fields)
    fields.append((b"content-type", found.media_type.encode("latin-1")))
    if found.coding != IDENTITY:
        fields.append((b"content-encoding", found.coding.encode("latin-1")))
    parts: Sequence[bytes | ByteRange] = (ByteRange(0, found.size),) if found.size else ()
    if method == "GET" and "range" in headers and range_applies(headers, found.etag, found.modified):
        ranges = parse_ranges(headers["range"], found.size)
        if ranges is not None:
            status, parts = _partial(found, ranges, fields)
    answer = Answer(status, fields, parts)
    fields.append((b"content-length", str(answer.size).encode("latin-1")))
    return Answer(status, fields) if method == "HEAD" else answer


def _fields(found: Representation, cache_control: str) -> list[tuple[bytes, bytes]]:
    fields = [
        (b"etag", found.etag.encode("latin-1")),
        (b"last-modified", formatdate(found.modified, usegmt=True).encode("latin-1")),
        (b"cache-control", cache_control.encode("latin-1")),
        (b"accept-ranges", b"bytes"),
    ]
    if found.codings:
        fields.append((b"vary", b"Accept-Encoding"))
    return fields


def _partial(
    found: Representation, ranges: tuple[ByteRange, ...], fields: list[tuple[bytes, bytes]]
) -> tuple[HTTPStatus, Sequence[bytes | ByteRange]]:
    """Return status and body for ranges, and bring `fields` in line with them."""
    if not ranges:
        fields.append((b"content-range", f"bytes */{found.size}".encode("latin-1")))
        return HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, ()
    if len(ranges) == 1:
        fields.append((b"content-range", ranges[0].content_range(found.size).encode("latin-1")))
        return HTTPStatus.PARTIAL_CONTENT, ranges
    boundary = secrets.token_hex(16)
    fields[:] = [field for field in fields if field[0] != b"content-type"]
    fields.append((b"content-type", f"multipart/byteranges; boundary={boundary}".encode("latin-1")))
    return HTTPStatus.PARTIAL_CONTENT, multipart(ranges, found.size, found.media_type, boundary)
