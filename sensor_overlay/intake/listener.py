"""Listens to one broker for as long as the twin runs, whatever becomes of connections."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from sensor_overlay import instants
from sensor_overlay.intake.connection import BrokerError, Connection, Endpoint
from sensor_overlay.intake.delivery import Delivery
from sensor_overlay.intake.pipeline import Pipeline, waits

_log = logging.getLogger("zwilling.sensors.intake")

SHARED: Final = "$share"
"""Where the filters of shared subscriptions begin (MQTT 5, 4.8.2)."""

SHORT_ONES: Final = 4
"""Connections in a row that the broker welcomed and that did not last: somebody else has our name, probably."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A broker that uplinks come from.

    Attributes:
        name: stands in dead letters and logs.
        network: `chirpstack` or `tts`.
        endpoint: where it is.
        filters: of topics.
        share: name of the group that shares the load; empty for none.
        silence: seconds without any message after which the connection is made anew; 0 never.
    """

    name: str
    network: str
    endpoint: Endpoint
    filters: tuple[str, ...]
    share: str = ""
    silence: float = 900.0

    def subscriptions(self) -> list[str]:
        """Return the filters as they are subscribed to."""
        return [f"{SHARED}/{self.share}/{topic}" if self.share else topic for topic in self.filters]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds.

    Attributes:
        first: until a connection that failed is tried again; doubled each time.
        longest: at most.
        steady: that a connection has to last for the next failure to count as the first.
    """

    first: float = 1.0
    longest: float = 30.0
    steady: float = 30.0


class Listener:
    """See the module; `run` it in a task of its own."""

    def __init__(
        self,
        source: Source,
        pipeline: Pipeline,
        *,
        patience: Patience = Patience(),
        now: Callable[[], int] = instants.now,
    ) -> None:
        """Make a listener that does nothing yet.

        Args:
            source: the broker.
            pipeline: where messages go.
            patience: see there.
            now: the clock.
        """
        self.source = source
        self.connections = 0
        """How often the broker has welcomed us."""
        self._pipeline = pipeline
        self._patience = patience
        self._now = now
        self._is_leaving = asyncio.Event()
        self._is_listening = asyncio.Event()
        self._is_full = asyncio.Event()
        self._is_settled = asyncio.Event()
        self._is_settled.set()
        self._unsettled = 0
        self._heard = 0.0
        self._heard_at = now()
        self._trouble: str | None = "not reached yet"
        self._trouble_since = now()
        self._is_silent = False
        self._short_ones = 0
        self._listening_from = now()

    # For those who watch

    async def listening(self) -> None:
        """Return when the broker has welcomed us, and granted what we subscribe to."""
        await self._is_listening.wait()

    @property
    def listening_since(self) -> int | None:
        """Instant since which the broker brings us everything; None while it does not."""
        return None if self._trouble is not None or self._is_silent else self._listening_from

    def troubles(self) -> list[str]:
        """Return what is wrong, a German sentence each; the log knows more."""
        if self._is_silent:
            return [f"Vom Broker „{self.source.name}“ kam seit {_second(self._heard_at)} nichts."]
        if self._short_ones >= SHORT_ONES and not self._has_lasted():
            name = self.source.name
            guess = "Hat ein anderer Dienst dieselbe client_id?"
            return [f"Der Broker „{name}“ beendet jede Verbindung gleich wieder. {guess}"]
        if self._trouble is not None:
            return [f"Der Broker „{self.source.name}“ ist seit {_second(self._trouble_since)} nicht erreichbar."]
        return []

    def _has_lasted(self) -> bool:
        """Whether the present connection is no short one any more."""
        since = self.listening_since
        return since is not None and self._now() - since >= self._patience.steady * instants.SECOND

    # Running

    def leave(self) -> None:
        """Take nothing more; `run` returns when everything that came is settled, or where it is cancelled."""
        self._is_leaving.set()

    async def run(self) -> None:
        """Listen until told to leave."""
        pauses = waits(self._patience.first, self._patience.longest)
        loop = asyncio.get_running_loop()
        while not self._is_leaving.is_set():
            # What cannot be held is not fetched.
            await _first(self._is_leaving.wait(), self._pipeline.room())
            began, before = loop.time(), self.connections
            connection = Connection(self.source.endpoint, self._arrived)
            try:
                reason = await self._listen(connection)
            except BrokerError as error:
                reason = str(error)
            except Exception as error:  # noqa: BLE001 - a mistake of ours; the next connection may go well
                _log.exception("broker %s", self.source.name)
                reason = f"a mistake of ours ({type(error).__name__})"
            finally:
                self._is_listening.clear()
                await connection.close()
            if self._is_leaving.is_set():
                return
            self._tell_trouble(reason)
            if loop.time() - began >= self._patience.steady:
                pauses = waits(self._patience.first, self._patience.longest)
                self._short_ones = 0
            elif self.connections > before and not self._is_silent:
                self._short_ones += 1
                if self._short_ones == SHORT_ONES:
                    hint = "does another one use the client id %s? The broker would drop us in turn"
                    _log.error(f"broker %s: {hint}", self.source.name, self.source.endpoint.client_id)
            await _first(self._is_leaving.wait(), timeout=next(pauses))

    async def _listen(self, connection: Connection) -> str:
        """Use one connection to its end, and return why it ended.

        Raises:
            BrokerError: it did not come to be.
        """
        is_resumed = await connection.open()
        self.connections += 1
        # Always, also in a session that was kept: subscriptions have been lost before (chirpstack#972).
        granted = await connection.subscribe(self.source.subscriptions())
        self._heard = asyncio.get_running_loop().time()
        self._tell_listening(is_resumed=is_resumed, qos=min(granted))
        lost, leaving = asyncio.ensure_future(connection.lost()), asyncio.ensure_future(self._is_leaving.wait())
        try:
            while not lost.done() and not leaving.done():
                if self._pipeline.is_full:
                    connection.pause()
                    await _first(lost, leaving, self._pipeline.room())
                    connection.resume()
                elif (left := self._until_silent()) is not None and left <= 0:
                    self._is_silent = True
                    return f"nothing came for {self.source.silence:g} s"
                else:
                    self._is_full.clear()
                    await _first(lost, leaving, self._is_full.wait(), timeout=left)
            if leaving.done():
                connection.pause()
                await _first(lost, self._is_settled.wait())
            return lost.result() if lost.done() else "we are leaving"
        finally:
            lost.cancel()
            leaving.cancel()

    def _arrived(self, connection: Connection, topic: str, body: bytes, packet_id: int) -> None:
        self._heard_at = self._now()
        self._is_silent = False
        self._unsettled += 1
        self._is_settled.clear()

        def settle() -> None:
            connection.acknowledge(packet_id)
            self._heard = connection.loop.time()
            self._unsettled -= 1
            if not self._unsettled:
                self._is_settled.set()

        self._pipeline.put(Delivery(self.source.name, self.source.network, topic, body, self._heard_at, settle))
        if self._pipeline.is_full:
            connection.pause()
            self._is_full.set()

    def _until_silent(self) -> float | None:
        """Return the seconds after which the connection has brought nothing for too long; None for never."""
        if not self.source.silence:
            return None
        # As long as we owe the broker an answer, it may be waiting for us.
        heard = self._heard if not self._unsettled else asyncio.get_running_loop().time()
        return heard + self.source.silence - asyncio.get_running_loop().time()

    def _tell_listening(self, *, is_resumed: bool, qos: int) -> None:
        if self.connections > 1 and not is_resumed:
            _log.warning("broker %s kept nothing for us while we were away: is its persistence on?", self.source.name)
        level = logging.WARNING if self.connections > 1 else logging.INFO
        resumed = ", session resumed" if is_resumed else ""
        _log.log(level, "broker %s: listening, QoS %d%s", self.source.name, qos, resumed)
        self._trouble = None
        self._listening_from = self._now()
        self._is_listening.set()

    def _tell_trouble(self, reason: str) -> None:
        if self._trouble is None:
            self._trouble_since = self._now()
        if self._trouble != reason:
            _log.error("broker %s: %s; trying again", self.source.name, reason)
        self._trouble = reason


async def _first(*awaited: Awaitable[object], timeout: float | None = None) -> None:
    """Return when the first of these is done, or after `timeout` seconds; coroutines among them are cancelled then."""
    tasks = [asyncio.ensure_future(one) for one in awaited]
    try:
        await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task, one in zip(tasks, awaited, strict=True):
            if task is not one:
                task.cancel()


def _second(instant: int) -> str:
    return instants.text(instant - instant % instants.SECOND)
