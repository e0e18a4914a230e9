"""Changes of sensors as they happen: `/live` (WebSocket) and `/live/events` (Server-Sent Events).

Spec: RFC 6455 (WebSocket), HTML Living Standard 9.2 (Server-sent events).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing, suppress
from http import HTTPStatus
from typing import Final, Protocol
from urllib.parse import urlsplit

from starlette.datastructures import Headers, QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from sensor_overlay.access import TOKEN_PREFIX, Principal, Tokens
from sensor_overlay.live.hub import Hub, TooManyViewersError, Update
from sensor_overlay.live.messages import Wanted
from server.callers import caller
from server.problems import HIDDEN, problem
from zwilling.errors import ZwillingError

SUBPROTOCOL: Final = "zwilling.live.v1"
POLICY_VIOLATION: Final = 1008
SERVICE_RESTART: Final = 1012
MOST_WISHES: Final = 50
_RETRY_AFTER: Final = {"retry-after": "10"}
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class RevokedError(Exception):
    """Somebody's token was revoked while they were told things."""


class Telling(Protocol):
    """What has a hub, as soon as its store could be opened."""

    @property
    def hub(self) -> Hub:
        """See `Hub`; raises StoreUnavailableError until there is one."""
        ...


class Live:
    """Answers those who want to be told of changes."""

    def __init__(self, service: Telling, tokens: Tokens, origins: Iterable[str] = ()) -> None:
        """Tell what the hub of `service` tells; pages of other `origins` than the server's own may listen, too."""
        self._service = service
        self._tokens = tokens
        self._origins = frozenset(origin.rstrip("/").lower() for origin in origins)

    def routes(self) -> list[BaseRoute]:
        """Return the routes of this server that it answers."""
        return [WebSocketRoute("/live", self.socket), Route("/live/events", self.events)]

    async def socket(self, websocket: WebSocket) -> None:
        """Serve one WebSocket: refuse it before it is opened, or tell changes until one of both ends it."""
        try:
            self._check_origin(websocket.headers)
            authorization = _authorization(websocket)
            principal = caller(self._tokens, Headers({"authorization": authorization} if authorization else {}))
            updates, first = await self._begin(principal, websocket.query_params, websocket.query_params.get("since"))
        except HTTPException as refusal:
            await websocket.send_denial_response(_refusal(refusal))
            return
        granted = self._until_revoked(authorization, principal, first, updates)
        async with aclosing(updates), aclosing(granted):
            is_ours = SUBPROTOCOL in websocket.scope["subprotocols"]
            await websocket.accept(subprotocol=SUBPROTOCOL if is_ours else None)
            await _converse(websocket, granted)

    async def events(self, request: Request) -> Response:
        """Serve one stream of events, or say why not."""
        headers = {"cache-control": HIDDEN, "x-accel-buffering": "no"}
        origin = request.headers.get("origin")
        try:
            self._check_origin(request.headers)
            principal = caller(self._tokens, request.headers)
            if origin is not None:
                headers |= {"access-control-allow-origin": origin, "vary": "Origin"}
            if request.method == "HEAD":
                return Response(media_type="text/event-stream", headers=headers)
            since = request.headers.get("last-event-id") or request.query_params.get("since")
            updates, first = await self._begin(principal, request.query_params, since)
        except HTTPException as refusal:
            return _refusal(refusal)
        granted = self._until_revoked(request.headers.get("authorization"), principal, first, updates)
        return StreamingResponse(_as_events(granted, updates), media_type="text/event-stream", headers=headers)

    def _check_origin(self, headers: Headers) -> None:
        """Refuse pages of other origins; browsers let any page open a WebSocket to any host.

        Raises:
            HTTPException: 403.
        """
        origin = headers.get("origin")
        if origin is None or origin.lower() in self._origins:  # None: not a browser, or a page's own GET
            return
        if not is_own_origin(origin, headers.get("host", "")):
            raise HTTPException(HTTPStatus.FORBIDDEN, "Seiten anderer Herkunft dürfen hier nicht mitlesen.")

    async def _until_revoked(
        self, authorization: str | None, principal: Principal, first: Update | None, updates: AsyncIterator[Update]
    ) -> AsyncGenerator[Update, None]:
        """Yield all updates, as long as whoever they are for may be told, which is asked again at each of them.

        It ends where a token means something else now: who comes back is told what that is.

        Raises:
            RevokedError: the token is none any more.
        """
        if first is None:
            return
        yield first
        async for update in updates:
            if principal.name:
                present = self._tokens.principal(authorization)
                if present is None:
                    raise RevokedError
                if present != principal:
                    return
            yield update

    async def _begin(
        self, principal: Principal, query: QueryParams, since: str | None
    ) -> tuple[AsyncGenerator[Update, None], Update | None]:
        """Return the updates behind the first, and the first: what can go wrong does so before an answer is begun."""
        wanted = wishes(query)
        try:
            updates = self._service.hub.follow(principal, since, wanted)
            return updates, await anext(updates, None)
        except (TooManyViewersError, ZwillingError) as error:
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, headers=_RETRY_AFTER) from error


def _authorization(websocket: WebSocket) -> str | None:
    """Return what a client shows: browsers cannot send `Authorization` here, so a token may come as a subprotocol."""
    tokens = [offered for offered in websocket.scope["subprotocols"] if offered.startswith(TOKEN_PREFIX)]
    return f"Bearer {tokens[0]}" if tokens else websocket.headers.get("authorization")


def is_own_origin(origin: str, host: str) -> bool:
    """Return whether `origin` is that of the page that the server at `host` (the header) gave out.

    The scheme is left out of account: behind a proxy that ends TLS the server does not know it.

    Example:
        >>> is_own_origin("https://zwilling.example", "zwilling.example:443"), is_own_origin("null", "")
        (True, False)
    """
    try:
        asked, own = urlsplit(origin), urlsplit(f"{urlsplit(origin).scheme}://{host}")
        default = _DEFAULT_PORTS.get(asked.scheme)
        same_port = (asked.port or default) == (own.port or default)
    except ValueError:
        return False
    return default is not None and bool(asked.hostname) and asked.hostname == own.hostname and same_port


def _refusal(error: HTTPException) -> Response:
    detail = None if error.detail == HTTPStatus(error.status_code).phrase else error.detail
    return problem(error.status_code, detail=detail, headers=dict(error.headers or {}))


def wishes(query: QueryParams) -> Wanted:
    """Return what `site` and `property`, each any number of times, ask for.

    Raises:
        HTTPException: 400 for more than anybody needs.
    """
    sites, properties = frozenset(query.getlist("site")), frozenset(query.getlist("property"))
    if len(sites) + len(properties) > MOST_WISHES or any(len(wish) > 200 for wish in sites | properties):
        raise HTTPException(HTTPStatus.BAD_REQUEST)
    return Wanted(sites, properties)


async def _converse(websocket: WebSocket, updates: AsyncIterator[Update]) -> None:
    """Send updates until there are no more or the client leaves; a client that speaks is shown out."""
    telling = asyncio.create_task(_tell(websocket, updates))
    listening = asyncio.create_task(websocket.receive())
    try:
        await asyncio.wait({telling, listening}, return_when=asyncio.FIRST_COMPLETED)
        if listening.done():
            if listening.result()["type"] == "websocket.receive":
                await websocket.close(POLICY_VIOLATION, "this address only sends")
        elif (ended := await telling) is not None:
            await websocket.close(*ended)
    except WebSocketDisconnect:
        pass
    finally:
        for task in (telling, listening):
            task.cancel()
        await asyncio.gather(telling, listening, return_exceptions=True)


async def _tell(websocket: WebSocket, updates: AsyncIterator[Update]) -> tuple[int, str] | None:
    """Send all updates; return with which words to close, or None where the client is not there any more."""
    try:
        async for update in updates:
            await websocket.send_text(update.data.decode())
    except WebSocketDisconnect:
        return None
    except RevokedError:
        return POLICY_VIOLATION, "this token is not valid any more"
    return SERVICE_RESTART, "come back"


async def _as_events(
    granted: AsyncGenerator[Update, None], updates: AsyncGenerator[Update, None]
) -> AsyncIterator[bytes]:
    begin = b"retry: 5000\n\n"
    async with aclosing(updates), aclosing(granted):
        with suppress(RevokedError):
            async for update in granted:
                yield begin + _as_event(update)
                begin = b""


def _as_event(update: Update) -> bytes:
    # JSON has no line breaks of its own here.
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (update.id.encode(), update.kind.encode(), update.data)
