"""Asks an ASGI application without a network, and without a client library that tidies addresses up first."""

from __future__ import annotations

import asyncio
import atexit
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message

PIECE = 60_000
"""Bytes that a body comes in at once."""
_RUNNER = asyncio.Runner()  # one loop for all requests: making one costs more than most answers
atexit.register(_RUNNER.close)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; `content` is as sent, not decoded."""

    status_code: int
    headers: Headers
    content: bytes
    pieces: int

    def json(self) -> Any:
        """Return the content as parsed JSON."""
        return json.loads(self.content)


class Client:
    """Sends requests to `app` one after the other."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    def get(self, target: str, headers: Mapping[str, str] | None = None) -> Reply:
        """Return the reply to a GET."""
        return self.request("GET", target, headers)

    def head(self, target: str, headers: Mapping[str, str] | None = None) -> Reply:
        """Return the reply to a HEAD."""
        return self.request("HEAD", target, headers)

    def request(self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Reply:
        """Return the reply to a request for `target`, which is sent as it is written, as uvicorn would hand it on.

        The length of `body` is not announced.
        """
        raw_path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(raw_path),
            "raw_path": raw_path.encode("latin-1"),
            "query_string": query.encode("latin-1"),
            "root_path": "",
            "headers": [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in (headers or {}).items()],
            "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 50_000),
        }
        sent: list[Message] = []
        pieces = [body[at : at + PIECE] for at in range(0, len(body), PIECE)] or [b""]

        async def receive() -> Message:
            if not pieces:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

        async def send(message: Message) -> None:
            sent.append(message)

        async def run() -> None:
            try:
                await self.app(scope, receive, send)
            except Exception:
                if not sent:  # an application may answer 500 and raise, for the server to log it
                    raise

        _RUNNER.run(run())
        start, *parts = sent
        assert start["type"] == "http.response.start"
        assert not parts[-1].get("more_body")
        headers_ = Headers(raw=list(start["headers"]))
        return Reply(start["status"], headers_, b"".join(part.get("body", b"") for part in parts), len(parts))
