"""A broker that does what no real one can be made to do: MQTT 3.1.1 by hand, one connection after the other."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from paho.mqtt.enums import MQTTProtocolVersion

from sensor_overlay.intake.connection import Endpoint

CONNACK = b"\x20\x02\x00\x00"
REFUSED = b"\x20\x02\x00\x05"
PINGRESP = b"\xd0\x00"
CONNECT, PUBACK, SUBSCRIBE, PINGREQ, DISCONNECT = 1, 4, 8, 12, 14


def publish(topic: str, body: bytes, packet_id: int) -> bytes:
    """Return a PUBLISH with QoS 1."""
    rest = struct.pack("!H", len(topic)) + topic.encode() + struct.pack("!H", packet_id) + body
    length = bytes([len(rest) % 128 | 128, len(rest) // 128]) if len(rest) > 127 else bytes([len(rest)])
    return b"\x32" + length + rest


@dataclass(slots=True)
class Peer:
    """One client that has connected."""

    sock: socket.socket
    acknowledged: list[int] = field(default_factory=list)

    def packet(self) -> tuple[int, bytes]:
        """Return kind and content of the next packet; kind 0 where there is none any more."""
        head = self._read(1)
        if not head:
            return 0, b""
        length = shift = 0
        while True:
            digit = self._read(1)[0]
            length |= (digit & 127) << shift
            shift += 7
            if digit < 128:
                return head[0] >> 4, self._read(length)

    def _read(self, number: int) -> bytes:
        found = b""
        with suppress(OSError):
            while len(found) < number and (piece := self.sock.recv(number - len(found))):
                found += piece
        return found

    def welcome(self, code: int = 0x01) -> None:
        """Answer CONNECT and SUBSCRIBE; `code` is what the subscription is answered with."""
        assert self.packet()[0] == CONNECT
        self.sock.sendall(CONNACK)
        kind, content = self.packet()
        assert kind == SUBSCRIBE
        self.sock.sendall(b"\x90\x03" + content[:2] + bytes([code]))

    def serve(self) -> None:
        """Answer pings and note acknowledgements until the client is gone."""
        while (kind := self.packet())[0]:
            if kind[0] == PINGREQ:
                self.sock.sendall(PINGRESP)
            elif kind[0] == PUBACK:
                self.acknowledged.append(int.from_bytes(kind[1][:2], "big"))
            elif kind[0] == DISCONNECT:
                return

    def reset(self) -> None:
        """End the connection as a killed process does whose mail was not read."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


@dataclass(slots=True)
class FakeBroker:
    """See the module."""

    port: int
    peers: list[Peer]

    @property
    def endpoint(self) -> Endpoint:
        """Where it is."""
        return Endpoint(host="127.0.0.1", port=self.port, client_id="zwilling", version=MQTTProtocolVersion.MQTTv311)


@contextmanager
def fake_broker(*behaviours: Callable[[Peer], None]) -> Iterator[FakeBroker]:
    """Give a broker whose first client meets the first behaviour, and so on; the last is for all that follow."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = FakeBroker(listener.getsockname()[1], [])

        def accept() -> None:
            with suppress(OSError):
                while True:
                    sock, _ = listener.accept()
                    peer = Peer(sock)
                    made.peers.append(peer)
                    behave = behaviours[min(len(made.peers), len(behaviours)) - 1]
                    with sock, suppress(OSError):
                        behave(peer)

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield made
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for peer in made.peers:
                with suppress(OSError):
                    peer.sock.shutdown(socket.SHUT_RDWR)
            thread.join()
