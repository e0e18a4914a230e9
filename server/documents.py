"""Small JSON documents that the server makes itself, answered like files: encodings, entity tags, 304."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import brotli
import msgspec
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from server.encodings import IDENTITY, choose_encoding
from server.preconditions import evaluate

_WORTH_BYTES = 1024  # what fits into one packet gains nothing from being smaller


class Document:
    """JSON content with its encodings; made once, answered many times."""

    def __init__(self, content: Any, media_type: str = "application/json") -> None:
        """Encode `content`: anything msgspec can write.  A large one takes tens of milliseconds."""
        body = msgspec.json.encode(content)
        self._media_type = media_type
        self._bodies: Mapping[str, bytes] = {IDENTITY: body}
        if len(body) >= _WORTH_BYTES:
            encoded = {"br": brotli.compress(body, quality=5), "gzip": gzip.compress(body, 6, mtime=0)}
            self._bodies = {**encoded, IDENTITY: body}
        self._tag = hashlib.sha256(body).hexdigest()[:24]

    def response(self, scope: Scope, cache_control: str) -> Response:
        """Return the response to one GET or HEAD request.

        Raises:
            HTTPException: 406, where the client refuses every encoding.
        """
        headers = Headers(scope=scope)
        accepted = ", ".join(headers.getlist("accept-encoding")) if "accept-encoding" in headers else None
        coding = choose_encoding(accepted, tuple(name for name in self._bodies if name != IDENTITY))
        if coding is None:
            raise HTTPException(HTTPStatus.NOT_ACCEPTABLE)
        etag = f'"{self._tag}"' if coding == IDENTITY else f'"{self._tag}-{coding}"'
        fields = {"etag": etag, "cache-control": cache_control}
        if len(self._bodies) > 1:
            fields["vary"] = "Accept-Encoding"
        status = evaluate(headers, etag, None)
        if status != HTTPStatus.OK:
            return Response(status_code=status, headers=fields)
        if coding != IDENTITY:
            fields["content-encoding"] = coding
        return Response(self._bodies[coding], headers=fields, media_type=self._media_type)
