"""What every request must keep to, whatever the route: methods, sizes, and who may ask from where."""

from __future__ import annotations

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.headers import OPEN_PREFIXES, response_headers
from server.problems import problem

MAX_TARGET_BYTES = 8 << 10
MAX_HEADER_BYTES = 16 << 10
MAX_BODY_BYTES = 64 << 10

_PREFLIGHT = {
    "access-control-allow-methods": "GET, HEAD, OPTIONS",
    "access-control-allow-headers": "Accept, If-Modified-Since, If-None-Match, If-Range, Range",
    "access-control-max-age": "86400",
}
_READING = "GET, HEAD"
_READING_OPEN = "GET, HEAD, OPTIONS"


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
        is_open = scope["path"].startswith(OPEN_PREFIXES)
        own = self._encoded[is_open]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *own]
            elif scope["method"] == "HEAD":
                message["body"] = b""
            await send(message)

        refusal = _refusal(scope, is_open=is_open)
        if refusal is None:
            await self._app(scope, receive, send_with_headers)
        else:
            await refusal(scope, receive, send_with_headers)


def _refusal(scope: Scope, *, is_open: bool) -> ASGIApp | None:
    """Return the answer to a request that no route needs to see, or None."""
    target = len(scope.get("raw_path") or scope["path"].encode()) + len(scope["query_string"])
    if target > MAX_TARGET_BYTES:
        return problem(HTTPStatus.REQUEST_URI_TOO_LONG)
    if sum(len(name) + len(value) + 4 for name, value in scope["headers"]) > MAX_HEADER_BYTES:
        return problem(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    method = scope["method"]
    if method in ("GET", "HEAD"):
        return _body_refusal(scope)
    if method == "OPTIONS" and is_open:
        return _options(Headers(scope=scope))
    allow = _READING_OPEN if is_open else _READING
    # A body that nobody reads would be taken for the next request.
    return problem(HTTPStatus.METHOD_NOT_ALLOWED, headers={"allow": allow, "connection": "close"})


def _body_refusal(scope: Scope) -> ASGIApp | None:
    """Return 413 for a request that announces more data than a reading one can have use for."""
    length = Headers(scope=scope).get("content-length")
    if length is None or (length.isdecimal() and len(length) < 10 and int(length) <= MAX_BODY_BYTES):
        return None
    return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, headers={"connection": "close"})


def _options(headers: Headers) -> ASGIApp:
    """Return the answer to a browser that asks whether a page of another origin may read (a CORS preflight)."""
    is_preflight = "origin" in headers and "access-control-request-method" in headers
    return Response(status_code=HTTPStatus.NO_CONTENT, headers=_PREFLIGHT if is_preflight else {"allow": _READING_OPEN})
