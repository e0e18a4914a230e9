"""Publishing: messages to a broker over MQTT with QoS 1, at the pace of the clock or as fast as it takes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import aiomqtt

from sensor_overlay import instants
from sensor_overlay.instants import SECOND
from sensor_overlay.simulate.traffic import Transmission
from zwilling.errors import SettingsError, SourceError, ZwillingError

IN_FLIGHT = 200
"""Messages that may wait for the broker's acknowledgement."""
_PORTS = {"mqtt": 1883, "mqtts": 8883}

Publish = Callable[[Transmission], Awaitable[None]]
Clock = Callable[[], int]
Sleep = Callable[[float], Awaitable[None]]


@dataclass(slots=True)
class Sent:
    """What was published.

    Attributes:
        messages: acknowledged by the broker.
        copies: of these, such as came before.
    """

    messages: int = 0
    copies: int = 0


@asynccontextmanager
async def connected(url: str, *, client_id: str = "zwilling-simulate") -> AsyncIterator[Publish]:
    """Yield what publishes one message with QoS 1 and returns when the broker has acknowledged it.

    Raises:
        SettingsError: `url` is no `mqtt://` or `mqtts://` address.
        SourceError: the broker cannot be reached, or goes away.
    """
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in _PORTS or not parts.hostname or port == -1:
        raise SettingsError(f"{url!r} is no broker's address", remedy="write mqtt://host:1883 or mqtts://host:8883")

    def gone(error: aiomqtt.MqttError) -> SourceError:
        source = f"{parts.scheme}://{parts.hostname}:{port or _PORTS[parts.scheme]}"
        return SourceError(f"the broker does not answer: {error}", source=source, remedy="see whether it runs")

    try:
        async with aiomqtt.Client(
            hostname=parts.hostname,
            port=port or _PORTS[parts.scheme],
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            identifier=client_id,
            tls_params=aiomqtt.TLSParameters() if parts.scheme == "mqtts" else None,
            max_inflight_messages=IN_FLIGHT,
        ) as client:
            client.pending_calls_threshold = 10 * IN_FLIGHT

            async def one(message: Transmission) -> None:
                try:
                    await client.publish(message.topic, message.body, qos=1, timeout=60)
                except aiomqtt.MqttError as error:
                    raise gone(error) from error

            yield one
    except aiomqtt.MqttError as error:
        raise gone(error) from error


async def publish(
    messages: Iterable[Transmission],
    send: Publish,
    *,
    speed: float = 0.0,
    rate: float = 0.0,
    clock: Clock = instants.now,
    sleep: Sleep = asyncio.sleep,
    sent: Sent | None = None,
) -> Sent:
    """Return what was published, after publishing all messages.

    Args:
        messages: in the order in which they are due.
        send: see `connected`.
        speed: 1 waits until each is due, N goes N times as fast from the first one on; 0 does not wait.
        rate: messages a second at most; 0 without limit.
        clock, sleep: the time.
        sent: counted on while it goes on.

    Raises:
        ZwillingError: what `send` raises.
    """
    sent = sent or Sent()
    free = asyncio.Semaphore(IN_FLIGHT)
    began = clock()
    first: int | None = None

    async def one(message: Transmission) -> None:
        try:
            await send(message)
            sent.messages += 1
            sent.copies += message.is_copy
        finally:
            free.release()

    try:
        async with asyncio.TaskGroup() as tasks:
            for number, message in enumerate(messages):
                first = message.due if first is None else first
                at = began
                if speed == 1:
                    at = message.due
                elif speed:
                    at = began + int((message.due - first) / speed)
                if rate:
                    at = max(at, began + int(number / rate * SECOND))
                if (wait := at - clock()) > 0:
                    await sleep(wait / SECOND)
                await free.acquire()
                tasks.create_task(one(message))
    except ExceptionGroup as group:
        # Where the broker is gone, all that were under way say so; once is enough.
        if isinstance(group.exceptions[0], ZwillingError):
            raise group.exceptions[0] from None
        raise
    return sent
