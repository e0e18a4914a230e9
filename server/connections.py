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
        stall: until a client that stopped reading reads on.
        keep_alive: for the next request on an idle connection.
        drain: for answers that were begun when the server was told to stop.
    """

    head: float = 10.0
    stall: float = 60.0
    keep_alive: int = 15
    drain: int = 8


def connection_class(patience: Patience) -> type[asyncio.Protocol]:
    """Return uvicorn's HTTP/1.1 protocol, made to close connections that try `patience`."""

    class BoundedConnection(H11Protocol):
        _head: asyncio.TimerHandle | None = None
        _stall: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            if not isinstance(transport, asyncio.Transport):
                raise TypeError(f"a stream's transport is needed, not {type(transport).__name__}")
            super().connection_made(transport)
            self._watch_head()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch_head()

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            for timer in (self._head, self._stall):
                if timer is not None:
                    timer.cancel()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._stall = self.loop.call_later(patience.stall, self.transport.abort)

        def resume_writing(self) -> None:
            super().resume_writing()
            if self._stall is not None:
                self._stall.cancel()

        def _watch_head(self) -> None:
            """Start the clock where a request's head is incomplete, stop it where one is complete."""
            is_waiting = self.conn.their_state is h11.IDLE and not self.transport.is_closing()
            if is_waiting and self._head is None:
                self._head = self.loop.call_later(patience.head, self.transport.abort)
            elif not is_waiting and self._head is not None:
                self._head.cancel()
                self._head = None

    return BoundedConnection
