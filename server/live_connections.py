"""How long a WebSocket's client may stop reading.

uvicorn waits until its pings go unanswered, which a client answers that reads slowly: its changes would be held back
for as long as it likes. Dropped, it may come back and go on from where it was.
"""

from __future__ import annotations

import asyncio
from typing import Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

TRY_AGAIN_LATER: Final = 1013
"""The close code (IANA, WebSocket Close Code Number Registry) for one that is dropped and may come back. 1008 would say
that it broke a rule, and should not."""
POLICY_VIOLATION: Final = 1008
LEAVING: Final = 5.0
"""Seconds for the closing to be read."""
MOST_PINGS: Final = 60
"""That a client may send in `PING_SECONDS`: each is answered, and clients that watch their line send two."""
PING_SECONDS: Final = 60.0


def socket_class(stall: float) -> type[asyncio.Protocol]:
    """Return uvicorn's WebSocket protocol, made to drop clients that have stopped reading for `stall` seconds."""

    class BoundedSocket(WebSocketsSansIOProtocol):
        _stall: asyncio.TimerHandle | None = None
        _pings = 0
        _pings_since = 0.0

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_clock()
            super().connection_lost(exc)

        def pause_writing(self) -> None:
            super().pause_writing()
            if self._stall is None:
                self._stall = self.loop.call_later(stall, self._drop)

        def resume_writing(self) -> None:
            super().resume_writing()
            if not self.close_sent:
                self._stop_clock()

        def handle_ping(self) -> None:
            now = self.loop.time()
            if now - self._pings_since > PING_SECONDS:
                self._pings, self._pings_since = 0, now
            self._pings += 1
            if self._pings <= MOST_PINGS:
                super().handle_ping()
            elif self._pings == MOST_PINGS + 1 and not self.close_sent and not self.transport.is_closing():
                self.stop_keepalive()
                self.conn.fail(POLICY_VIOLATION, "too many pings")
                self.transport.write(b"".join(self.conn.data_to_send()))
                self.close_sent = True
                self.queue.put_nowait({"type": "websocket.disconnect", "code": POLICY_VIOLATION})
                self.transport.close()

        def _drop(self) -> None:
            if not (self.handshake_complete and not self.close_sent):
                self.transport.abort()
                return
            # Behind what it has not read yet; whoever waits to send more is told that nobody is there.
            self.stop_keepalive()
            self.conn.send_close(TRY_AGAIN_LATER, "too slow")
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
            self.disconnected = True
            self.queue.put_nowait({"type": "websocket.disconnect", "code": TRY_AGAIN_LATER})
            self.writable.set()
            self._stall = self.loop.call_later(LEAVING, self.transport.abort)

        def _stop_clock(self) -> None:
            if self._stall is not None:
                self._stall.cancel()
                self._stall = None

    return BoundedSocket
