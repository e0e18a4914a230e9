"""Messages of LoRaWAN network servers, read into `sensor_overlay.uplink`'s words.  Nothing here touches a network."""

from __future__ import annotations

from sensor_overlay.networks import chirpstack, things_stack
from sensor_overlay.networks.fields import MOST_BYTES, MOST_TOPIC
from sensor_overlay.uplink import BadMessageError, Cause, Message

__all__ = ["MOST_BYTES", "NETWORKS", "read", "topics"]

NETWORKS = ("chirpstack", "tts")
"""The network servers that `read` knows, as `[[sensors.broker]]` names them."""

_TOPICS = {"chirpstack": chirpstack.TOPICS, "tts": things_stack.TOPICS}


def topics(network: str) -> tuple[str, ...]:
    """Return the filters under which a network server publishes everything that `read` understands.

    Example:
        >>> topics("chirpstack")
        ('application/+/device/+/event/+',)
    """
    return _TOPICS[network]


def read(network: str, topic: str | None, body: bytes, *, event: str = "") -> Message:
    """Return what one message of a network server says.

    Args:
        network: `chirpstack` (v4, JSON or protobuf, told apart by the first byte) or `tts` (The Things Stack v3, JSON).
        topic: MQTT topic; None for a webhook.  Its EUI wins over the body's, because rights hang on topics.
        body: at most `MOST_BYTES`.
        event: for a webhook of ChirpStack the `event` of its address (`?event=up`), which a body does not tell.

    Raises:
        BadMessageError: the message is none that can be understood; nothing else is ever raised for its sake.
        ValueError: `network` is neither.
    """
    if network not in NETWORKS:
        raise ValueError(f"no network server is called {network!r}")
    if topic is not None and len(topic) > MOST_TOPIC:
        raise BadMessageError(Cause.TOPIC, f"the topic has {len(topic):,} characters; at most {MOST_TOPIC:,} are read")
    if len(body) > MOST_BYTES:
        dev_eui = chirpstack.eui_of_topic(topic) if network == "chirpstack" and topic is not None else ""
        detail = f"the message has {len(body):,} bytes; at most {MOST_BYTES:,} are read"
        raise BadMessageError(Cause.TOO_LARGE, detail, dev_eui=dev_eui)
    if network == "chirpstack":
        return chirpstack.read(topic, body, event)
    return things_stack.read(topic, body)
