"""The real server with the real store, in the test's own event loop."""

from __future__ import annotations

import asyncio
import hashlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from sensor_overlay.access import Right, Token, Tokens
from sensor_overlay.live.hub import Hub, Pace
from sensor_overlay.store.opening import Store, open_store
from server.connections import Patience, connection_class
from server.live import Live
from server.live_connections import socket_class
from server.problems import HANDLERS
from server.run import MAX_MESSAGE_BYTES, listen
from server.security import Guard
from server.sensors import Sensors as SensorRoutes
from tests.sensor_overlay.live.conftest import QUICK
from tests.sensor_overlay.live.twin import Sensors

STAFF = "zw_staff"
DUTY = "zw_duty"
READER = "zw_reader"
FRIEND = "https://masterportal.example"


def _token(token: str, name: str, *rights: Right) -> Token:
    return Token(name=name, sha256=hashlib.sha256(token.encode()).hexdigest(), groups=["staff"], rights=list(rights))


TOKENS = Tokens(
    [_token(STAFF, "Hausmeister"), _token(DUTY, "Bereitschaft", Right.ALERTS), _token(READER, "Leser", Right.READ)]
)


class LeavingServer(uvicorn.Server):
    """Ends the streams of a hub first when it stops, as `server.run` does."""

    def __init__(self, config: uvicorn.Config, hub: Hub) -> None:
        super().__init__(config)
        self._hub = hub

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn.Server."""
        self._hub.close()
        await super().shutdown(sockets)


@dataclass(frozen=True, slots=True)
class Opened:
    """A store and its hub."""

    store: Store
    hub: Hub


@dataclass(frozen=True, slots=True)
class LiveServer:
    """A running server."""

    server: LeavingServer
    port: int
    sensors: Sensors
    hub: Hub
    http: httpx.AsyncClient

    def live(
        self, query: str = "", *, origin: str | None = None, protocols: list[str] | None = None, **options: object
    ) -> connect:
        """Return a WebSocket to be opened."""
        return connect(
            f"ws://127.0.0.1:{self.port}/live{query}",
            origin=None if origin is None else Origin(origin),
            subprotocols=None if protocols is None else [Subprotocol(one) for one in protocols],
            compression=None,
            proxy=None,
            **options,  # type: ignore[arg-type]
        )


@asynccontextmanager
async def serving(
    folder: Path, *, pace: Pace = QUICK, stall: float = 10.0, drain: int = 8
) -> AsyncIterator[LiveServer]:
    """Give a server on a free port; stop it at the end."""
    store = await open_store(folder / "zwilling.db")
    hub = Hub(store, pace=pace)
    await hub.start()
    service = Opened(store, hub)
    app = Starlette(
        routes=[*Live(service, TOKENS, [FRIEND]).routes(), *SensorRoutes(service, TOKENS).routes()],
        middleware=[Middleware(Guard)],
        exception_handlers=dict(HANDLERS),
    )
    patience = Patience(drain=drain)
    config = uvicorn.Config(
        app,
        http=connection_class(patience),
        ws=socket_class(stall),
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=drain,
    )
    server = LeavingServer(config, hub)
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        running = asyncio.create_task(server._serve(sockets=[listener]))  # serve() would take the test's signals
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as http:
                yield LiveServer(server, port, Sensors(store), hub, http)
        finally:
            server.should_exit = True
            await running
            await hub.stop()
            await store.close()


__all__ = ["DUTY", "FRIEND", "READER", "STAFF", "TOKENS", "ClientConnection", "LiveServer", "serving"]
