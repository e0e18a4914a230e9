"""A network server for tests: publishes uplinks with QoS 1, again and again until the broker has taken each."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from sensor_overlay import instants
from tests.sensor_overlay.brokers import WAIT

APPLICATION = "5f3c1a52-5d84-4c1c-9a53-2a6a4f6f3f11"
BEGIN = instants.parse("2026-11-20T08:00:00Z")


def eui_of(device: int) -> str:
    """Return the EUI of a device that is made up."""
    return f"a81758fffe{device:06x}"


def topic_of(device: int, event: str = "up") -> str:
    """Return the topic of its events."""
    return f"application/{APPLICATION}/device/{eui_of(device)}/event/{event}"


def uplink(device: int, count: int, *, co2: int | None = None, time: int | None = None) -> dict[str, Any]:
    """Return an uplink of an Elsys ERS CO2 as ChirpStack tells it, with one value.

    Args:
        device: number of the device.
        count: frame counter, and minute after `BEGIN` that it was sent in.
        co2: its value; made of the two numbers where None.
        time: when it was sent.
    """
    value = 400 + (device * 7 + count) % 500 if co2 is None else co2
    sent = BEGIN + count * instants.MINUTE if time is None else time
    return {
        "deduplicationId": f"{device:08x}-0000-4000-8000-{count:012x}",
        "time": instants.text(sent),
        "deviceInfo": {"deviceProfileName": "ERS-CO2", "deviceName": f"Raum {device}", "devEui": eui_of(device)},
        "devAddr": f"{device:08x}",
        "fCnt": count,
        "fPort": 5,
        "data": base64.b64encode(b"\x06" + value.to_bytes(2, "big")).decode(),
        "rxInfo": [{"rssi": -97, "snr": 7.5}],
    }


Message = tuple[str, bytes]


def uplinks(number: int, *, devices: int = 20) -> list[Message]:
    """Return topics and bodies of uplinks, `devices` taking turns."""
    return [(topic_of(at % devices), json.dumps(uplink(at % devices, at // devices)).encode()) for at in range(number)]


class NetworkServer:
    """Publishes; what it has published is what the broker has confirmed."""

    def __init__(self, port: int) -> None:
        self.confirmed = 0
        self._changed = threading.Condition()
        self._client = Client(
            CallbackAPIVersion.VERSION2, "chirpstack", clean_session=None, protocol=MQTTProtocolVersion.MQTTv5
        )
        self._client.max_inflight_messages_set(200)
        self._client.max_queued_messages_set(0)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_publish = self._on_publish
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _on_publish(self, *_: object) -> None:
        with self._changed:
            self.confirmed += 1
            self._changed.notify_all()

    def publish(self, messages: Iterable[Message]) -> int:
        """Begin to publish; return how many."""
        number = 0
        for topic, body in messages:
            self._client.publish(topic, body, qos=1)
            number += 1
        return number

    def wait(self, number: int) -> None:
        """Return when so many are confirmed."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.confirmed >= number, WAIT), f"{self.confirmed} of {number}"

    def publish_all(self, messages: Iterable[Message]) -> None:
        """Publish, and return when all are confirmed."""
        before = self.confirmed
        self.wait(before + self.publish(messages))

    def stop(self) -> None:
        """Leave."""
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def network_server(port: int) -> Iterator[NetworkServer]:
    """Give a network server that is connected to the broker at `port`."""
    server = NetworkServer(port)
    try:
        yield server
    finally:
        server.stop()
