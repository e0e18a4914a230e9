"""Deliveries: messages on their way from a network server into the store; and how one is understood."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from sensor_overlay import networks
from sensor_overlay.store.letters import Letter
from sensor_overlay.store.writing import Arrival
from sensor_overlay.uplink import BadMessageError, Cause, Decoded, DeviceStatus, Message, Uplink

_log = logging.getLogger("zwilling.sensors.intake")

WEBHOOK: Final = "webhook"
"""What stands as the source of what came by HTTP; brokers have names of their own."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message, as it came.

    Attributes:
        source: name of the broker, or `WEBHOOK`.
        network: `chirpstack` or `tts`.
        topic: MQTT topic; None for a webhook.
        body: of the message.
        received: server time.
        settle: called once it is kept for good, or is of no interest.
        event: kind of message that a webhook's address names; empty where it does not.
    """

    source: str
    network: str
    topic: str | None
    body: bytes
    received: int
    settle: Callable[[], None]
    event: str = ""


class Decode(Protocol):
    """`sensor_overlay.decode.decode`."""

    def __call__(self, uplink: Uplink, model: str, received: int) -> Decoded:
        """Return what an uplink says, or raise BadMessageError."""


@dataclass(slots=True)
class Batch:
    """What deliveries came to: written together, or not at all.

    Attributes:
        arrivals: uplinks.
        letters: what could not be read or decoded.
        statuses: what devices told of themselves.
    """

    arrivals: list[Arrival] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)
    statuses: list[DeviceStatus] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.arrivals or self.letters or self.statuses)


def letter(delivery: Delivery, cause: Cause, detail: str, dev_eui: str = "") -> Letter:
    """Return the dead letter that a delivery becomes."""
    return Letter(
        source=delivery.source,
        network=delivery.network,
        topic=delivery.topic or "",
        body=delivery.body,
        cause=cause.value,
        detail=detail,
        dev_eui=dev_eui,
        received=delivery.received,
    )


def understood(delivery: Delivery) -> Message | Letter:
    """Return the message that a delivery is, or the dead letter that it becomes; it raises nothing."""
    try:
        return networks.read(delivery.network, delivery.topic, delivery.body, event=delivery.event)
    except BadMessageError as error:
        return letter(delivery, error.cause, error.detail, error.dev_eui)
    except Exception as error:  # noqa: BLE001 - whatever it is, one message must not stop all others
        _log.exception("a message of %s could not be read", delivery.source)
        return letter(delivery, Cause.MALFORMED, f"reading it failed ({type(error).__name__}): a mistake of ours")


def add(batch: Batch, delivery: Delivery, message: Message | Letter, models: Mapping[str, str], decode: Decode) -> None:
    """Add to a batch what a delivery came to; it raises nothing.

    Args:
        batch: what is to be written.
        delivery: what came.
        message: what `understood` made of it.
        models: the registry's models of devices, by EUI.
        decode: `sensor_overlay.decode.decode`, or another.
    """
    match message:
        case Letter():
            batch.letters.append(message)
        case DeviceStatus():
            batch.statuses.append(message)
        case Uplink(is_simulated=False):
            decoded, failure = _decoded(delivery, message, models.get(message.dev_eui, ""), decode)
            if failure is not None:
                batch.letters.append(failure)
            batch.arrivals.append(
                Arrival(
                    uplink=message,
                    decoded=decoded,
                    received=delivery.received,
                    source=delivery.source,
                    topic=delivery.topic or "",
                    body=delivery.body,
                )
            )
        case _:  # simulated in the network server's console, a join, or of no interest: a session tells itself
            pass


def _decoded(delivery: Delivery, uplink: Uplink, model: str, decode: Decode) -> tuple[Decoded | None, Letter | None]:
    try:
        return decode(uplink, model, delivery.received), None
    except BadMessageError as error:
        return None, letter(delivery, error.cause, error.detail, uplink.dev_eui)
    except Exception as error:  # noqa: BLE001 - codecs come from others, too
        _log.exception("the codec of %s failed", model or uplink.profile or "a device")
        detail = f"the codec failed ({type(error).__name__})"
        return None, letter(delivery, Cause.UNDECODABLE, detail, uplink.dev_eui)
