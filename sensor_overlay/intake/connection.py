"""One connection to an MQTT broker, from CONNECT to its end, in the event loop of its maker.

It is paho's client, driven through the callbacks that it has for foreign event loops (docs/decisions/0016-intake.md
says why not through aiomqtt). An object stands for one connection and is never used again: packet ids mean nothing
beyond it, so that no message is ever acknowledged that the broker sent on another one.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

MOST_PACKET: Final = 16 << 20
"""Bytes of one MQTT packet; a broker that speaks MQTT 5 sends us no larger one."""

_PACKETS_A_TURN: Final = 64
_TICK_SECONDS: Final = 1.0
_LONGEST_EXPIRY: Final = 0xFFFFFFFE  # the next one means "never" (MQTT 5, 3.1.2.11.2)


class BrokerError(Exception):
    """The broker cannot be reached, refuses us, or ended the connection; the message is for a log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A broker, and how to speak with it.

    Attributes:
        host: name or address.
        port: TCP port.
        client_id: names the session that the broker keeps for us.
        version: of MQTT: 5, or 4 for 3.1.1.
        username: empty for none.
        password: empty for none.
        is_encrypted: TLS.
        ca_file: what the broker's certificate is checked against; None for the system's.
        client_certificate: PEM; None for none.
        client_key: PEM; None for none.
        in_flight: messages that the broker may send before the first is acknowledged (MQTT 5).
        session_seconds: how long the broker keeps the session while we are away (MQTT 5).
        keep_alive: seconds after which a silent connection is asked for a sign of life.
    """

    host: str
    port: int
    client_id: str
    version: MQTTProtocolVersion = MQTTProtocolVersion.MQTTv5
    username: str = ""
    password: str = ""
    is_encrypted: bool = False
    ca_file: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    in_flight: int = 1000
    session_seconds: int = 7 * 86_400
    keep_alive: int = 30


Arrived = Callable[["Connection", str, bytes, int], None]
"""Called with the connection, the topic (empty where it is no UTF-8), the body, and the packet id, 0 for QoS 0."""


class _Context(ssl.SSLContext):
    """TLS that checks certificate and host name (Python's default for clients), and shakes hands within `patience`.

    paho waits for as long as a keep-alive, and forgets to close what failed.
    """

    patience = 5.0

    def wrap_socket(self, sock: socket.socket, *arguments: Any, **options: Any) -> ssl.SSLSocket:
        wrapped = super().wrap_socket(sock, *arguments, **options)
        try:
            wrapped.settimeout(self.patience)
            wrapped.do_handshake()
        except BaseException:
            wrapped.close()
            raise
        return wrapped


class Connection:
    """See the module."""

    timeout = 5.0
    """Seconds for the connection, and for each answer of the broker."""

    def __init__(self, endpoint: Endpoint, arrived: Arrived) -> None:
        self._endpoint = endpoint
        self._arrived = arrived
        self.loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[bool] = self.loop.create_future()
        self._subscribed: dict[int, asyncio.Future[list[ReasonCode]]] = {}
        self._lost: asyncio.Future[str] = self.loop.create_future()
        self._tick: asyncio.TimerHandle | None = None
        self._is_paused = False
        self._arrivals = 0
        self._client = self._new_client()

    def _new_client(self) -> Client:
        is_5 = self._endpoint.version is MQTTProtocolVersion.MQTTv5
        client = Client(
            CallbackAPIVersion.VERSION2,
            self._endpoint.client_id,
            clean_session=None if is_5 else False,
            protocol=self._endpoint.version,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = self.timeout
        if self._endpoint.username:
            client.username_pw_set(self._endpoint.username, self._endpoint.password or None)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        # The first two come from the thread that connects.
        client.on_socket_open = self._on_socket_open
        client.on_socket_register_write = self._on_socket_register_write
        client.on_socket_unregister_write = self._on_socket_unregister_write
        client.on_socket_close = self._on_socket_close
        return client

    @property
    def is_open(self) -> bool:
        """True from the broker's welcome until the end."""
        return self._answer.done() and not self._answer.cancelled() and not self._lost.done()

    async def open(self) -> bool:
        """Connect; return whether the broker kept our session, and with it what came while we were away.

        Raises:
            BrokerError: it cannot be reached, or refuses us.
        """
        endpoint = self._endpoint
        # Resolving a name, connecting and shaking hands block. Once begun it is waited for: a thread cannot be stopped.
        connecting = self.loop.run_in_executor(None, self._connect)
        try:
            await asyncio.shield(connecting)
            async with asyncio.timeout(self.timeout):
                return await self._answer
        except TimeoutError:
            raise BrokerError(f"{endpoint.host}:{endpoint.port} does not answer") from None
        except (OSError, ValueError) as error:
            raise BrokerError(f"{endpoint.host}:{endpoint.port} cannot be reached ({error})") from error
        except asyncio.CancelledError:
            with contextlib.suppress(OSError, ValueError):
                await connecting
            raise

    def _connect(self) -> None:
        endpoint = self._endpoint
        if endpoint.is_encrypted:
            context = _Context(ssl.PROTOCOL_TLS_CLIENT)
            context.patience = self.timeout
            if endpoint.ca_file is None:
                context.load_default_certs()
            else:
                context.load_verify_locations(endpoint.ca_file)
            if endpoint.client_certificate is not None:
                context.load_cert_chain(endpoint.client_certificate, endpoint.client_key)
            self._client.tls_set_context(context)
        if endpoint.version is not MQTTProtocolVersion.MQTTv5:
            self._client.connect(endpoint.host, endpoint.port, endpoint.keep_alive)
            return
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = min(endpoint.session_seconds, _LONGEST_EXPIRY)
        properties.ReceiveMaximum = endpoint.in_flight
        properties.MaximumPacketSize = MOST_PACKET
        self._client.connect(
            endpoint.host, endpoint.port, endpoint.keep_alive, clean_start=False, properties=properties
        )

    async def subscribe(self, filters: Sequence[str]) -> list[int]:
        """Ask for QoS 1 under `filters`; return what is granted for each.

        Raises:
            BrokerError: one of them is refused, or there is no answer.
        """
        wanted: list[tuple[str, Any]]
        if self._endpoint.version is MQTTProtocolVersion.MQTTv5:
            # What a broker retains is old, so it is of use only where we have never been.
            options = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
            wanted = [(topic, options) for topic in filters]
        else:
            wanted = [(topic, 1) for topic in filters]
        code, packet_id = self._client.subscribe(wanted)
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS or packet_id is None:
            raise BrokerError(f"the subscription could not be sent ({code.name})")
        answer = self._subscribed[packet_id] = self.loop.create_future()
        await asyncio.wait([answer, self._lost], timeout=self.timeout, return_when=asyncio.FIRST_COMPLETED)
        self._subscribed.pop(packet_id, None)
        if not answer.done():
            raise BrokerError(self._lost.result() if self._lost.done() else "the subscription is not answered")
        for topic, reason in zip(filters, answer.result(), strict=True):
            if reason.is_failure:
                raise BrokerError(f"the subscription to {topic} is refused ({reason})")
        return [reason.value for reason in answer.result()]

    async def lost(self) -> str:
        """Return why the connection ended, once it has."""
        return await asyncio.shield(self._lost)

    def acknowledge(self, packet_id: int) -> None:
        """Tell the broker that a message is kept; nothing where the connection, or QoS, knows no such thing."""
        if packet_id and self.is_open:
            self._client.ack(packet_id, 1)

    def pause(self) -> None:
        """Read nothing more: the broker has to keep what it has."""
        sock = self._client.socket()
        if not self._is_paused and sock is not None:
            self._is_paused = True
            self.loop.remove_reader(sock.fileno())

    def resume(self) -> None:
        """Read on."""
        sock = self._client.socket()
        if self._is_paused and sock is not None:
            self._is_paused = False
            self.loop.add_reader(sock.fileno(), self._read)
            self.loop.call_soon(self._read)  # TLS may hold what the socket no longer shows

    async def close(self) -> None:
        """Say goodbye where somebody is there to hear it, with every acknowledgement before it, and be gone."""
        if self.is_open:
            self._client.disconnect()
            await asyncio.wait([self._lost], timeout=1.0)
        self._end("closed by us")

    def _end(self, reason: str) -> None:
        """Let go of everything, whatever state it is in."""
        if self._tick is not None:
            self._tick.cancel()
        sock = self._client.socket()
        if sock is not None and sock.fileno() >= 0:
            self.loop.remove_reader(sock.fileno())
            self.loop.remove_writer(sock.fileno())
            sock.close()
        if not self._lost.done():
            self._lost.set_result(reason)
        if not self._answer.done():
            self._answer.cancel()

    # What paho asks for

    def _on_socket_open(self, _: Client, __: Any, sock: Any) -> None:
        self.loop.call_soon_threadsafe(self._watch, sock)

    def _watch(self, sock: Any) -> None:
        if sock.fileno() >= 0 and not self._lost.done():
            self.loop.add_reader(sock.fileno(), self._read)
            self._tick = self.loop.call_later(_TICK_SECONDS, self._keep_alive)

    def _on_socket_register_write(self, _: Client, __: Any, sock: Any) -> None:
        self.loop.call_soon_threadsafe(self._watch_writing, sock)

    def _watch_writing(self, sock: Any) -> None:
        if sock.fileno() >= 0 and not self._lost.done():
            self.loop.add_writer(sock.fileno(), self._write)

    def _on_socket_unregister_write(self, _: Client, __: Any, sock: Any) -> None:
        if sock.fileno() >= 0:
            self.loop.remove_writer(sock.fileno())

    def _on_socket_close(self, _: Client, __: Any, sock: Any) -> None:
        if sock.fileno() >= 0:
            self.loop.remove_reader(sock.fileno())
            self.loop.remove_writer(sock.fileno())

    def _read(self) -> None:
        """Take in what is there; paho takes one packet at a time."""
        for _ in range(_PACKETS_A_TURN):
            if not self._read_one():
                return
        self.loop.call_soon(self._read)

    def _read_one(self) -> bool:
        """Take in one packet, and return whether there may be another."""
        if self._is_paused or self._client.socket() is None:
            return False
        before = self._arrivals
        self._guarded(self._client.loop_read)
        sock = self._client.socket()
        is_buffered = isinstance(sock, ssl.SSLSocket) and sock.fileno() >= 0 and sock.pending() > 0
        return sock is not None and (self._arrivals > before or is_buffered)

    def _write(self) -> None:
        """Send what waits, after everything that is there was read.

        paho closes a connection that it cannot write to, and what was not read by then would be gone: of a broker
        that was killed it may be the only copy.
        """
        while self._read_one():
            pass
        if self._client.socket() is not None:
            self._guarded(self._client.loop_write)

    def _keep_alive(self) -> None:
        self._guarded(self._client.loop_misc)
        if not self._lost.done():
            self._tick = self.loop.call_later(_TICK_SECONDS, self._keep_alive)

    def _guarded(self, step: Callable[[], MQTTErrorCode]) -> None:
        """Do one of paho's steps; whatever it raises ends this connection, and nothing else."""
        try:
            step()
        except Exception as error:  # noqa: BLE001 - what a broken packet or socket raises is not documented
            self._end(f"{type(error).__name__}: {error}")

    def _on_connect(self, _: Client, __: Any, flags: ConnectFlags, reason: ReasonCode, ___: Properties | None) -> None:
        if self._answer.done():
            return
        if reason.is_failure:
            self._answer.set_exception(BrokerError(f"the broker refuses us ({reason})"))
        else:
            self._answer.set_result(flags.session_present)

    def _on_disconnect(
        self, _: Client, __: Any, flags: DisconnectFlags, reason: ReasonCode, ___: Properties | None
    ) -> None:
        if flags.is_disconnect_packet_from_server:
            text = f"the broker ended the connection ({reason})"
        else:  # paho knows no more
            text = "the connection broke" + ("" if reason == "Unspecified error" else f" ({reason})")
        if not self._answer.done():
            self._answer.set_exception(BrokerError(text))
        self._end(text)

    def _on_subscribe(
        self, _: Client, __: Any, packet_id: int, reasons: list[ReasonCode], ___: Properties | None
    ) -> None:
        answer = self._subscribed.get(packet_id)
        if answer is not None and not answer.done():
            answer.set_result(reasons)

    def _on_message(self, _: Client, __: Any, message: MQTTMessage) -> None:
        self._arrivals += 1
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        self._arrived(self, topic, bytes(message.payload), message.mid if message.qos else 0)
