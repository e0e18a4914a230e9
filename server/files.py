"""Files below one folder, as HTTP sees them: encodings, entity tags, ranges, and nothing but what is allowed.

All disk work of a request happens in one call on a worker thread, so a slow disk does not hold up other clients.
What many ask for at once is answered from memory (`server.recent`); what is large is read piece by piece.
"""

from __future__ import annotations

import asyncio
import os
import re
import stat
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO, ParamSpec, TypeVar

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Scope, Send

from server.encodings import IDENTITY, PREFERRED, choose_encoding
from server.ranges import ByteRange
from server.recent import LARGEST_BYTES, Entry, RecentFiles
from server.representation import Answer, Representation, decide

P = ParamSpec("P")
T = TypeVar("T")

WHOLE_BYTES = 1 << 20
"""Bodies up to this size are read in one go; the tiles of a build stay below it."""
CHUNK_BYTES = 256 << 10

_SUFFIXES = {IDENTITY: "", "br": ".br", "gzip": ".gz"}
_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.~+@=-]*")
_MAX_SEGMENTS = 32


class ChangedError(Exception):
    """A file was replaced or removed between look-up and reading."""


class FileStore:
    """Serves the files below one folder whose suffix is allowed.

    Names are compared byte by byte.  A path is refused unless each segment is made of unreserved characters and
    does not begin with a dot, and where a symbolic link lies between the folder and the file: a link could lead
    out of the folder, or from a name that may be served to a file that may not.
    """

    def __init__(
        self,
        root: Path,
        media_types: Mapping[str, str],
        *,
        reserved: frozenset[str] = frozenset(),
        recent: RecentFiles | None = None,
    ) -> None:
        """Serve from `root`, which may come to be later.

        Args:
            media_types: media type of each suffix that may be served, for example `{".glb": "model/gltf-binary"}`.
            reserved: file names that are not served although their suffix is.
            recent: memory to use; None for one of its own.
        """
        self._root = root
        self._media_types = dict(media_types)
        self._reserved = reserved
        self._recent = RecentFiles() if recent is None else recent

    def look_up(self, relative: str) -> dict[str, Representation]:
        """Return the stored representations of the file at `relative` by coding; none where there is no such file."""
        segments = relative.split("/")
        if len(segments) > _MAX_SEGMENTS or not all(map(_SEGMENT.fullmatch, segments)):
            return {}
        media_type = self._media_types.get(os.path.splitext(segments[-1])[1])  # noqa: PTH122 - Path costs 5 µs here
        if media_type is None or segments[-1] in self._reserved:
            return {}
        path = f"{os.path.realpath(self._root)}/{relative}"
        if os.path.realpath(path) != path:
            return {}
        found = {coding: _stat(path + suffix) for coding, suffix in _SUFFIXES.items()}
        if found[IDENTITY] is None:
            return {}
        codings = tuple(coding for coding in PREFERRED if found[coding] is not None)
        return {
            coding: Representation(
                path + _SUFFIXES[coding], coding, media_type, codings, status.st_size, status.st_mtime_ns
            )
            for coding, status in found.items()
            if status is not None
        }

    async def respond(self, relative: str, scope: Scope, send: Send, cache_control: str) -> None:
        """Send the file at `relative`.

        Raises:
            HTTPException: 404 where there is no such file to see, 406 where no encoding suits.
        """
        headers = Headers(scope=scope)
        try:
            await self._send(relative, scope["method"], headers, send, cache_control)
        except ChangedError:
            # Looked up a moment ago and built anew since: ask the disk, once more.
            self._recent.forget(relative)
            await self._send(relative, scope["method"], headers, send, cache_control)

    async def _send(self, relative: str, method: str, headers: Headers, send: Send, cache_control: str) -> None:
        entry = self._recent.get(relative)
        if entry is None or not self._recent.is_fresh(entry):
            entry = await _on_thread(self._load, relative, headers, entry)
            if entry.encodings:
                self._recent.put(relative, entry)
            else:
                self._recent.forget(relative)
        found = _chosen(entry, headers)
        answer = decide(found, method, headers, cache_control)
        body = entry.bodies.get(found.coding)
        if not answer.parts:
            await _send_whole(send, answer, b"")
        elif body is not None:
            await _send_whole(send, answer, _joined(body, answer.parts))
        elif answer.size <= WHOLE_BYTES:
            await _send_whole(send, answer, await _on_thread(_read_parts, found, answer.parts))
        else:
            await _send_streamed(send, answer, found)

    def _load(self, relative: str, headers: Headers, known: Entry | None) -> Entry:
        """Return what the disk says of a file now, with the bytes that a request with `headers` will need."""
        checked = self._recent.clock()
        encodings = self.look_up(relative)
        if not encodings:
            return Entry({}, checked)
        bodies = {}
        if known is not None:
            bodies = {k: body for k, body in known.bodies.items() if known.encodings[k] == encodings.get(k)}
        chosen = _choose(encodings, headers)
        if chosen is not None and chosen.coding not in bodies and chosen.size <= LARGEST_BYTES:
            with suppress(ChangedError):
                bodies[chosen.coding] = _read_parts(chosen, (ByteRange(0, chosen.size),))
        return Entry(encodings, checked, bodies)


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


def _choose(encodings: Mapping[str, Representation], headers: Headers) -> Representation | None:
    accepted = ", ".join(headers.getlist("accept-encoding")) if "accept-encoding" in headers else None
    coding = choose_encoding(accepted, tuple(coding for coding in PREFERRED if coding in encodings))
    return None if coding is None else encodings[coding]


def _chosen(entry: Entry, headers: Headers) -> Representation:
    """Return the representation to send.

    Raises:
        HTTPException: 404 where there is none, 406 where the client refuses all.
    """
    if not entry.encodings:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    chosen = _choose(entry.encodings, headers)
    if chosen is None:
        raise HTTPException(HTTPStatus.NOT_ACCEPTABLE)
    return chosen


async def _on_thread(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    return await asyncio.get_running_loop().run_in_executor(None, partial(call, *args, **kwargs))


async def _send_whole(send: Send, answer: Answer, body: bytes) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.fields})
    await send({"type": "http.response.body", "body": body})


async def _send_streamed(send: Send, answer: Answer, found: Representation) -> None:
    file = await _on_thread(_open, found)
    try:
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.fields})
        for part in answer.parts:
            if isinstance(part, bytes):
                await send({"type": "http.response.body", "body": part, "more_body": True})
                continue
            for start in range(part.start, part.end, CHUNK_BYTES):
                chunk = ByteRange(start, min(part.end, start + CHUNK_BYTES))
                body = await _on_thread(_read, file, chunk)
                await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        file.close()


def _open(found: Representation) -> BinaryIO:
    """Return the opened file.

    Raises:
        ChangedError: it is not the file that was looked up.
    """
    try:
        file = Path(found.path).open("rb", buffering=0)  # noqa: SIM115 - the caller closes it
    except FileNotFoundError:
        raise ChangedError(found.path) from None
    status = os.fstat(file.fileno())
    if (status.st_size, status.st_mtime_ns) != (found.size, found.mtime_ns):
        file.close()
        raise ChangedError(found.path)
    return file


def _read_parts(found: Representation, parts: Sequence[bytes | ByteRange]) -> bytes:
    with _open(found) as file:
        return b"".join(part if isinstance(part, bytes) else _read(file, part) for part in parts)


def _joined(body: bytes, parts: Sequence[bytes | ByteRange]) -> bytes:
    return b"".join(part if isinstance(part, bytes) else body[part.start : part.end] for part in parts)


def _read(file: BinaryIO, part: ByteRange) -> bytes:
    """Return the bytes of `part`.

    Raises:
        OSError: the file is shorter than it was, so somebody changes published files in place.
    """
    data = os.pread(file.fileno(), part.size, part.start)
    if len(data) != part.size:
        raise OSError(f"{file.name} is shorter than it was when the request came")
    return data
