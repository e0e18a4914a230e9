from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from sensor_overlay.intake.connection import Connection
from sensor_overlay.intake.listener import Listener, Patience, Source
from sensor_overlay.intake.pipeline import Pipeline
from tests.sensor_overlay.brokers import WAIT
from tests.sensor_overlay.intake.fake_broker import FakeBroker, Peer, fake_broker, publish
from tests.sensor_overlay.intake.test_pipeline import QUICK, FakeStore, decode
from tests.sensor_overlay.network_server import topic_of, uplink

SOON = Patience(first=0.01, longest=0.02)
UPLINK = publish(topic_of(1), json.dumps(uplink(1, 1)).encode(), 7)


def mute(peer: Peer) -> None:
    """Look alive, and bring nothing."""
    peer.welcome()
    peer.serve()


def sound(peer: Peer) -> None:
    """Bring one uplink."""
    peer.welcome()
    peer.sock.sendall(UPLINK)
    peer.serve()


@asynccontextmanager
async def listening(broker: FakeBroker, store: FakeStore, silence: float = 0.0) -> AsyncIterator[Listener]:
    source = Source(
        name="cs", network="chirpstack", endpoint=broker.endpoint, filters=("application/#",), silence=silence
    )
    pipeline = Pipeline(store, decode, limits=QUICK)
    store.received = lambda: pipeline.counts.received
    listener = Listener(source, pipeline, patience=SOON)
    pipeline.start()
    task = asyncio.create_task(listener.run())
    try:
        yield listener
    finally:
        listener.leave()
        await pipeline.stop()
        await asyncio.wait_for(task, WAIT)


async def until_kept(store: FakeStore) -> None:
    async with asyncio.timeout(WAIT):
        while not store.batches:
            await asyncio.sleep(0.005)


def test_a_connection_that_looks_alive_and_brings_nothing_is_made_anew() -> None:
    async def test(broker: FakeBroker) -> None:
        store = FakeStore()
        async with listening(broker, store, silence=0.2) as listener:
            async with asyncio.timeout(WAIT):
                while not listener.troubles() or listener.connections < 2:
                    await asyncio.sleep(0.005)
            await until_kept(store)
            assert listener.connections == 2

    with fake_broker(mute, sound) as broker:
        asyncio.run(test(broker))
    assert broker.peers[1].acknowledged == [7]


def test_silence_is_told_as_long_as_it_lasts() -> None:
    async def test(broker: FakeBroker) -> None:
        async with listening(broker, FakeStore(), silence=0.05) as listener:
            assert listener.listening_since is None
            async with asyncio.timeout(WAIT):
                while listener.connections < 3:
                    await asyncio.sleep(0.005)
            assert listener.troubles()[0].startswith("Vom Broker „cs“ kam seit 20")
            assert listener.listening_since is None

    with fake_broker(mute) as broker:
        asyncio.run(test(broker))


def test_a_database_that_is_away_is_no_silence_of_the_broker() -> None:
    async def test(broker: FakeBroker) -> None:
        store = FakeStore()
        store.let.clear()
        async with listening(broker, store, silence=0.05) as listener:
            async with asyncio.timeout(WAIT):
                while not store.tries:
                    await asyncio.sleep(0.005)
            for _ in range(20):  # longer than the silence would be
                await asyncio.sleep(0.01)
            assert listener.connections == 1
            assert listener.troubles() == []
            store.let.set()
            await until_kept(store)

    with fake_broker(sound) as broker:
        asyncio.run(test(broker))
    assert broker.peers[0].acknowledged == [7]


def test_what_came_on_a_connection_that_is_gone_is_acknowledged_when_it_comes_again() -> None:
    def once(peer: Peer) -> None:
        peer.welcome()
        peer.sock.sendall(UPLINK)
        # Gone, as after a restart of the broker, before the database has let us store anything.

    def again(peer: Peer) -> None:
        peer.welcome()
        other = json.dumps(uplink(2, 1)).encode()
        # The same packet id, for another message: it is the broker's to choose.
        peer.sock.sendall(publish(topic_of(2), other, 7))
        peer.serve()

    async def test(broker: FakeBroker) -> None:
        store = FakeStore()
        store.let.clear()
        async with listening(broker, store) as listener:
            async with asyncio.timeout(WAIT):
                while store.received() < 2:
                    await asyncio.sleep(0.005)
            assert listener.connections == 2
            assert [peer.acknowledged for peer in broker.peers] == [[], []]
            store.let.set()

    with fake_broker(once, again) as broker:
        asyncio.run(test(broker))
    assert [peer.acknowledged for peer in broker.peers] == [[], [7]]


def test_leaving_while_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "timeout", 0.2)

    def deaf(peer: Peer) -> None:
        peer.serve()

    async def test(broker: FakeBroker) -> None:
        async with listening(broker, FakeStore()) as listener:
            async with asyncio.timeout(WAIT):
                while not broker.peers:
                    await asyncio.sleep(0.005)
            assert listener.connections == 0

    with fake_broker(deaf) as broker:
        asyncio.run(test(broker))
