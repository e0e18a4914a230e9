from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from sensor_overlay.intake.connection import BrokerError, Connection, Endpoint
from tests.ports import free_port
from tests.sensor_overlay.brokers import WAIT
from tests.sensor_overlay.intake.fake_broker import REFUSED, Peer, fake_broker, publish

FILTERS = ["application/#"]


def nothing(*_: object) -> None:
    return


async def opened(endpoint: Endpoint, arrived: Callable[[Connection, str, bytes, int], None] = nothing) -> Connection:
    connection = Connection(endpoint, arrived)
    await connection.open()
    await connection.subscribe(FILTERS)
    return connection


def test_acknowledgements_are_sent_before_the_goodbye() -> None:
    def behave(peer: Peer) -> None:
        peer.welcome()
        peer.sock.sendall(b"".join(publish("application/a", b"{}", number) for number in range(1, 301)))
        peer.serve()

    async def test() -> None:
        got: list[int] = []
        all_there = asyncio.Event()

        def arrived(_: Connection, topic: str, body: bytes, packet_id: int) -> None:
            assert (topic, body) == ("application/a", b"{}")
            got.append(packet_id)
            if len(got) == 300:
                all_there.set()

        connection = await opened(broker.endpoint, arrived)
        await asyncio.wait_for(all_there.wait(), WAIT)
        assert broker.peers[0].acknowledged == []
        for number in got:
            connection.acknowledge(number)
        await connection.close()
        assert not connection.is_open
        assert await connection.lost()

    with fake_broker(behave) as broker:
        asyncio.run(test())
    assert broker.peers[0].acknowledged == list(range(1, 301))


def test_what_a_dying_broker_sent_last_is_read_although_it_can_no_longer_be_answered() -> None:
    go, gone = threading.Event(), threading.Event()

    def behave(peer: Peer) -> None:
        peer.welcome()
        peer.sock.sendall(publish("application/a", b"{}", 1))
        assert go.wait(WAIT)
        peer.sock.sendall(b"".join(publish("application/a", b"{}", number) for number in range(2, 502)))
        peer.reset()
        gone.set()

    async def test() -> None:
        got: list[int] = []
        first = asyncio.Event()

        def arrived(_: Connection, __: str, ___: bytes, packet_id: int) -> None:
            got.append(packet_id)
            first.set()

        connection = await opened(broker.endpoint, arrived)
        await asyncio.wait_for(first.wait(), WAIT)
        go.set()
        assert gone.wait(WAIT)  # in this thread, so that nothing is read meanwhile
        connection.acknowledge(1)
        await asyncio.wait_for(connection.lost(), WAIT)
        await connection.close()
        assert got == list(range(1, 502))

    with fake_broker(behave) as broker:
        asyncio.run(test())


def test_nothing_is_acknowledged_on_a_connection_that_is_gone_or_is_another_one() -> None:
    def first(peer: Peer) -> None:
        peer.welcome()
        peer.sock.sendall(publish("application/a", b"{}", 7))
        # The client is lost, as after a restart of the broker.

    def second(peer: Peer) -> None:
        peer.welcome()
        peer.serve()

    async def test() -> None:
        packets: list[tuple[Connection, int]] = []
        old = await opened(broker.endpoint, lambda on, _, __, packet_id: packets.append((on, packet_id)))
        await asyncio.wait_for(old.lost(), WAIT)
        new = await opened(broker.endpoint)
        assert [(on is old, packet_id) for on, packet_id in packets] == [(True, 7)]
        old.acknowledge(7)
        await old.close()
        await new.close()

    with fake_broker(first, second) as broker:
        asyncio.run(test())
    assert [peer.acknowledged for peer in broker.peers] == [[], []]


def test_a_pause_leaves_everything_with_the_broker() -> None:
    def behave(peer: Peer) -> None:
        peer.welcome()
        peer.sock.sendall(b"".join(publish("application/a", b"{}", number) for number in range(1, 201)))
        peer.serve()

    async def test() -> None:
        got: list[int] = []
        changed = asyncio.Event()

        def arrived(connection: Connection, _: str, __: bytes, packet_id: int) -> None:
            got.append(packet_id)
            if packet_id % 50 == 0:
                connection.pause()
            changed.set()

        connection = await opened(broker.endpoint, arrived)
        for number in (50, 100, 150, 200):
            async with asyncio.timeout(WAIT):
                while len(got) < number:
                    changed.clear()
                    await changed.wait()
            for _ in range(20):
                await asyncio.sleep(0)
            assert got == list(range(1, number + 1))
            connection.resume()
        await connection.close()

    with fake_broker(behave) as broker:
        asyncio.run(test())


def refuses(peer: Peer) -> None:
    peer.packet()
    peer.sock.sendall(REFUSED)


def says_nothing(peer: Peer) -> None:
    peer.serve()


def hangs_up(peer: Peer) -> None:
    peer.packet()


def speaks_http(peer: Peer) -> None:
    peer.packet()
    peer.sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def refuses_the_subscription(peer: Peer) -> None:
    peer.welcome(0x80)
    peer.serve()


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (refuses, "refuses us"),
        (says_nothing, "does not answer"),
        (hangs_up, "broke"),
        (speaks_http, "broke"),
        (refuses_the_subscription, "subscription to application/# is refused"),
    ],
)
def test_a_broker_that_does_not_take_us(behave: Callable[[Peer], None], reason: str) -> None:
    async def test() -> None:
        connection = Connection(broker.endpoint, nothing)
        connection.timeout = 0.2 if behave is says_nothing else WAIT
        try:
            with pytest.raises(BrokerError, match=reason):
                await connection.open()
                await connection.subscribe(FILTERS)
        finally:
            await connection.close()
        assert not connection.is_open

    with fake_broker(behave) as broker:
        asyncio.run(test())


def test_a_broker_that_is_not_there() -> None:
    async def test() -> None:
        connection = Connection(Endpoint(host="127.0.0.1", port=free_port(), client_id="zwilling"), nothing)
        with pytest.raises(BrokerError, match="cannot be reached"):
            await connection.open()
        await connection.close()

    asyncio.run(test())
