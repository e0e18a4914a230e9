"""What every request must keep to, whatever the route: methods, sizes, and who may ask from where."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.headers import OPEN_PREFIXES, response_headers
from server.problems import problem

MAX_TARGET_BYTES = 8 << 10
MAX_HEADER_BYTES = 16 << 10
MAX_BODY_BYTES = 64 << 10
"""Of a request that only reads, and has no use for a body."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What the addresses below a prefix take.

    Attributes:
        prefix: of the path.
        methods: in the order in which `Allow` names them.
        max_body: bytes of a body with a method that writes.
    """

    prefix: str
    methods: tuple[str, ...]
    max_body: int = 0


_READING = ("GET", "HEAD")
# The first that fits counts. A route may still take less, never more.
GATES = (
    Gate("/ingest/", ("POST",), 1 << 20),
    Gate("/sta/", (*_READING, "OPTIONS", "POST", "PATCH", "PUT", "DELETE"), 25 << 20),
    Gate("/api/alerts/", (*_READING, "OPTIONS", "POST"), 16 << 10),
    Gate("/api/", (*_READING, "OPTIONS")),
    Gate("/tiles/", (*_READING, "OPTIONS")),
    Gate("/", _READING),
)
_ONLY_READ = "Diese Adresse kann nur gelesen werden (GET oder HEAD)."


class Guard:
    """Middleware: refuses what no route of this server accepts, and adds `response_headers` to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._encoded = {
            is_open: [(k.encode(), v.encode()) for k, v in response_headers("/api/" if is_open else "/").items()]
            for is_open in (True, False)
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        gate = next((gate for gate in GATES if path.startswith(gate.prefix)), GATES[-1])
        own = self._encoded[path.startswith(OPEN_PREFIXES)]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *own]
            elif scope["method"] == "HEAD":
                message["body"] = b""
            await send(message)

        refusal = _refusal(scope, gate)
        if refusal is None:
            is_reading = scope["method"] in _READING
            await self._app(scope, receive if is_reading else _bounded(receive, gate.max_body), send_with_headers)
        else:
            await refusal(scope, receive, send_with_headers)


def _refusal(scope: Scope, gate: Gate) -> ASGIApp | None:
    """Return the answer to a request that no route needs to see, or None."""
    target = len(scope.get("raw_path") or scope["path"].encode()) + len(scope["query_string"])
    if target > MAX_TARGET_BYTES:
        return problem(HTTPStatus.REQUEST_URI_TOO_LONG)
    if sum(len(name) + len(value) + 4 for name, value in scope["headers"]) > MAX_HEADER_BYTES:
        return problem(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    method = scope["method"]
    if method not in gate.methods:
        detail = _ONLY_READ if set(gate.methods) <= {*_READING, "OPTIONS"} else None
        # A body that nobody reads would be taken for the next request.
        headers = {"allow": ", ".join(gate.methods), "connection": "close"}
        return problem(HTTPStatus.METHOD_NOT_ALLOWED, detail=detail, headers=headers)
    if method == "OPTIONS":
        return _options(Headers(scope=scope), gate)
    return _body_refusal(scope, MAX_BODY_BYTES if method in _READING else gate.max_body)


def _body_refusal(scope: Scope, most: int) -> ASGIApp | None:
    """Return 413 for a request that announces more data than `most` bytes."""
    length = Headers(scope=scope).get("content-length")
    if length is None or (length.isdecimal() and length.isascii() and len(length) < 10 and int(length) <= most):
        return None
    return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, headers={"connection": "close"})


def _bounded(receive: Receive, most: int) -> Receive:
    """Return `receive` for a request that may bring `most` bytes, announced or not."""
    left = most

    async def bounded() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, headers={"connection": "close"})
        return message

    return bounded


def _options(headers: Headers, gate: Gate) -> ASGIApp:
    """Return the answer to a browser that asks whether a page of another origin may ask (a CORS preflight)."""
    if not ("origin" in headers and "access-control-request-method" in headers):
        return Response(status_code=HTTPStatus.NO_CONTENT, headers={"allow": ", ".join(gate.methods)})
    asked = ["Accept", "Authorization", "If-Modified-Since", "If-None-Match", "If-Range", "Range"]
    if gate.max_body:
        asked += ["Content-Type", "If-Match", "Prefer"]
    preflight = {
        "access-control-allow-methods": ", ".join(gate.methods),
        "access-control-allow-headers": ", ".join(asked),
        "access-control-max-age": "86400",
    }
    return Response(status_code=HTTPStatus.NO_CONTENT, headers=preflight)
