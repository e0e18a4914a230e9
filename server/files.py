"""Files below one folder, as HTTP sees them: encodings, entity tags, ranges, and nothing but what is allowed.

All disk work of a request happens in one call on a worker thread: look up, decide, open, read.  Only a body
larger than `WHOLE_BYTES` is read piece by piece, so memory does not grow with the size of a file.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Scope, Send

from server.encodings import IDENTITY, PREFERRED, choose_encoding
from server.preconditions import evaluate, range_applies
from server.ranges import ByteRange, multipart, parse_ranges

WHOLE_BYTES = 1 << 20
"""Bodies up to this size are read at once; the tiles of a build stay below it."""
CHUNK_BYTES = 256 << 10

_SIBLINGS = {"br": ".br", "gzip": ".gz"}
_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.~+@=-]*")
_MAX_SEGMENTS = 32


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
    """A response that is decided: `body` is complete, or `file` is open and `parts` says what to read from it."""

    status: HTTPStatus
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes = b""
    file: BinaryIO | None = None
    parts: Sequence[bytes | ByteRange] = ()


class FileStore:
    """Serves the files below one folder whose suffix is allowed.

    Names are compared byte by byte.  A path is refused unless each segment is made of unreserved characters and
    does not begin with a dot, and where a symbolic link lies between the folder and the file: a link could lead
    out of the folder, or from a name that may be served to a file that may not.
    """

    def __init__(self, root: Path, media_types: Mapping[str, str], *, reserved: frozenset[str] = frozenset()) -> None:
        """Serve from `root`, which may come to be later.

        Args:
            media_types: media type of each suffix that may be served, for example `{".glb": "model/gltf-binary"}`.
            reserved: file names that are not served although their suffix is.
        """
        self._root = root
        self._media_types = dict(media_types)
        self._reserved = reserved

    def find(self, relative: str, accept_encoding: str | None) -> Representation | None:
        """Return the representation to send of the file at `relative`, or None where there is nothing to see.

        Raises:
            HTTPException: 406, where the client refuses every encoding that is stored.
        """
        segments = relative.split("/")
        if len(segments) > _MAX_SEGMENTS or not all(map(_SEGMENT.fullmatch, segments)):
            return None
        media_type = self._media_types.get(os.path.splitext(segments[-1])[1])  # noqa: PTH122 - Path costs 5 µs here
        if media_type is None or segments[-1] in self._reserved:
            return None
        root = os.path.realpath(self._root)
        path = f"{root}/{relative}"
        if os.path.realpath(path) != path:
            return None
        plain = _stat(path)
        if plain is None:
            return None
        encoded = {coding: found for coding in PREFERRED if (found := _stat(path + _SIBLINGS[coding])) is not None}
        coding = choose_encoding(accept_encoding, tuple(encoded))
        if coding is None:
            raise HTTPException(HTTPStatus.NOT_ACCEPTABLE)
        chosen = plain if coding == IDENTITY else encoded[coding]
        return Representation(
            path=path if coding == IDENTITY else path + _SIBLINGS[coding],
            coding=coding,
            media_type=media_type,
            codings=tuple(encoded),
            size=chosen.st_size,
            mtime_ns=chosen.st_mtime_ns,
        )

    def answer(self, relative: str, method: str, headers: Headers, cache_control: str) -> Answer | None:
        """Return the decided response for one request, or None where there is no such file.  Blocks on the disk."""
        found = self.find(
            relative, ", ".join(headers.getlist("accept-encoding")) if "accept-encoding" in headers else None
        )
        if found is None:
            return None
        fields = _fields(found, cache_control)
        status = evaluate(headers, found.etag, found.modified)
        if status != HTTPStatus.OK:
            return Answer(status, tuple(fields))
        fields += [(b"content-type", found.media_type.encode("latin-1"))]
        if found.coding != IDENTITY:
            fields += [(b"content-encoding", found.coding.encode("latin-1"))]
        parts: Sequence[bytes | ByteRange] = (ByteRange(0, found.size),)
        if method == "GET" and "range" in headers and range_applies(headers, found.etag, found.modified):
            ranges = parse_ranges(headers["range"], found.size)
            if ranges is not None:
                status, parts = _partial(found, ranges, fields)
        size = sum(part.size if isinstance(part, ByteRange) else len(part) for part in parts)
        fields += [(b"content-length", str(size).encode("latin-1"))]
        if method == "HEAD":
            return Answer(status, tuple(fields))
        return _opened(found, status, fields, parts, size)

    async def respond(self, relative: str, scope: Scope, send: Send, cache_control: str) -> None:
        """Send the file at `relative`.

        Raises:
            HTTPException: 404 where there is no such file to see, 406 where no encoding suits.
        """
        loop = asyncio.get_running_loop()
        headers = Headers(scope=scope)
        # One hop to a worker thread: a cold disk must not stop every other client.
        answer = await loop.run_in_executor(None, self.answer, relative, scope["method"], headers, cache_control)
        if answer is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        await send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})
        if answer.file is None:
            await send({"type": "http.response.body", "body": answer.body})
            return
        try:
            for part in answer.parts:
                if isinstance(part, bytes):
                    await send({"type": "http.response.body", "body": part, "more_body": True})
                    continue
                for start in range(part.start, part.end, CHUNK_BYTES):
                    chunk = ByteRange(start, min(part.end, start + CHUNK_BYTES))
                    body = await loop.run_in_executor(None, _read, answer.file, chunk)
                    await send({"type": "http.response.body", "body": body, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            answer.file.close()


def needs_no_decoding(scope: Scope) -> bool:
    """Return whether the request's path is written without percent signs, as every file we publish can be.

    A file then has one address only, and no decoding twice, of slashes or of NUL can go wrong.
    """
    return b"%" not in scope.get("raw_path", b"")


def _stat(path: str) -> os.stat_result | None:
    """Return the status of the regular file at `path`; links are not followed, they were resolved before."""
    try:
        found = os.stat(path, follow_symlinks=False)  # noqa: PTH116 - as above
    except (OSError, ValueError):
        return None
    return found if stat.S_ISREG(found.st_mode) else None


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


def _opened(
    found: Representation,
    status: HTTPStatus,
    fields: list[tuple[bytes, bytes]],
    parts: Sequence[bytes | ByteRange],
    size: int,
) -> Answer | None:
    try:
        file = Path(found.path).open("rb", buffering=0)  # noqa: SIM115 - a large one outlives this call
    except FileNotFoundError:
        return None  # a version that was cleared away between look-up and reading
    if size > WHOLE_BYTES:
        return Answer(status, tuple(fields), file=file, parts=parts)
    with file:
        body = b"".join(part if isinstance(part, bytes) else _read(file, part) for part in parts)
    return Answer(status, tuple(fields), body)


def _read(file: BinaryIO, part: ByteRange) -> bytes:
    """Return the bytes of `part`.

    Raises:
        OSError: the file is shorter than it was, so somebody changes published files in place.
    """
    data = os.pread(file.fileno(), part.size, part.start)
    if len(data) != part.size:
        raise OSError(f"{file.name} is shorter than it was when the request came")
    return data
