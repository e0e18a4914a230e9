"""How long one client may keep a connection without making progress.

uvicorn waits for ever for the rest of a request's head and for a client that stopped reading; a few hundred such
connections would use up the process's file descriptors (slowloris).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that the server waits.

    Attributes:
        head: from a connection's begin, or a further request's first byte, until that request's head is complete.
        body: from there until the request's body is complete.
        stall: until a client that stopped reading reads on.
        live: the same for a WebSocket, where what waits is out of date soon.
        keep_alive: for the next request on an idle connection.
        drain: for answers that were begun when the server was told to stop.
    """

    head: float = 10.0
    body: float = 120.0
    stall: float = 60.0
    live: float = 10.0
    keep_alive: int = 15
    drain: int = 8


def connection_class(patience: Patience) -> type[asyncio.Protocol]:
    """Return uvicorn's HTTP/1.1 protocol, made to close connections that try `patience`."""

    limits = {h11.IDLE: ("head", patience.head), h11.SEND_BODY: ("body", patience.body)}

    class BoundedConnection(H11Protocol):
        _awaited: asyncio.TimerHandle | None = None
        _limit: tuple[str, float] | None = None
        _stall: asyncio.TimerHandle | None = None
        _is_ours = True

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            if not isinstance(transport, asyncio.Transport):
                raise TypeError(f"a stream's transport is needed, not {type(transport).__name__}")
            super().connection_made(transport)
            self._watch()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch()

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            self._stop_clocks()

        def handle_websocket_upgrade(self, event: h11.Request) -> None:
            self._is_ours = False  # from here on its WebSocket's, which watches it by pings
            self._stop_clocks()
            super().handle_websocket_upgrade(event)

        def pause_writing(self) -> None:
            super().pause_writing()
            self._stall = self.loop.call_later(patience.stall, self.transport.abort)

        def resume_writing(self) -> None:
            super().resume_writing()
            if self._stall is not None:
                self._stall.cancel()

        def _watch(self) -> None:
            """Start the clock where a request's head or body is incomplete, stop it where it is complete."""
            limit: tuple[str, float] | None = None
            if self._is_ours and not self.transport.is_closing():
                limit = limits.get(self.conn.their_state)
            if limit == self._limit:
                return
            if self._awaited is not None:
                self._awaited.cancel()
            self._limit = limit
            self._awaited = None if limit is None else self.loop.call_later(limit[1], self.transport.abort)

        def _stop_clocks(self) -> None:
            for timer in (self._awaited, self._stall):
                if timer is not None:
                    timer.cancel()

    return BoundedConnection
