"""What brokers do to us: published is stored, each once."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from sensor_overlay.intake.pipeline import Limits
from tests.sensor_overlay.brokers import DEFAULTS, OPEN, WAIT, Broker, broker
from tests.sensor_overlay.faults.running import devices, intake, kept, latest, listening_to
from tests.sensor_overlay.network_server import network_server, topic_of, uplink, uplinks


def publish(port: int, messages: list[tuple[str, bytes]]) -> None:
    """Publish, and return when the broker has confirmed each."""
    with network_server(port) as server:
        server.publish_all(messages)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_each_uplink_is_stored_once(tmp_path: Path, protocol: str) -> None:
    async def test(broker_: Broker) -> None:
        async with intake(tmp_path / "twin", listening_to(broker_, protocol=protocol)) as running:
            await asyncio.to_thread(publish, broker_.port, uplinks(1000))
            await running.stored(1000)
            assert running.service.health() == []

    with broker(tmp_path / "broker") as broker_:
        asyncio.run(test(broker_))
    assert kept(tmp_path / "twin").uplinks == 1000
    assert kept(tmp_path / "twin").is_each_once


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_broker_that_is_killed_again_and_again(tmp_path: Path, protocol: str) -> None:
    """mosquitto confirms uplinks that it has in memory alone: what it has not handed on when it dies is lost, as the
    operators' page says. So no more are on their way here than it hands on at once."""
    messages = uplinks(2000)

    async def test(broker_: Broker) -> None:
        async with intake(tmp_path / "twin", listening_to(broker_, protocol=protocol)) as running:
            await asyncio.to_thread(broker_.save)  # it knows us since more than `autosave_interval`
            with network_server(broker_.port) as server:
                for begin in range(0, 2000, 500):
                    server.publish(messages[begin : begin + 500])
                    await asyncio.to_thread(server.wait, begin + chance.randrange(1, 499))
                    before = running.listener.connections
                    broker_.kill()
                    broker_.start()
                    while running.listener.connections == before:
                        await asyncio.sleep(0.005)
                    await asyncio.to_thread(server.wait, begin + 500)
                    await running.stored(begin + 500)

    chance = random.Random(3)  # noqa: S311 - the same in every run
    with broker(tmp_path / "broker") as broker_:
        asyncio.run(test(broker_))
    assert kept(tmp_path / "twin").uplinks == 2000
    assert kept(tmp_path / "twin").is_each_once


def test_a_broker_that_is_away_is_told_and_found_again(tmp_path: Path) -> None:
    async def test(broker_: Broker) -> None:
        async with intake(tmp_path / "twin", listening_to(broker_)) as running:
            await asyncio.to_thread(publish, broker_.port, uplinks(100))
            await running.stored(100)
            broker_.stop()
            while not running.service.health():
                await asyncio.sleep(0.005)
            assert running.service.health()[0].startswith("Der Broker „cs“ ist seit 20")
            assert str(broker_.port) not in running.service.health()[0]
            broker_.start()
            await asyncio.wait_for(running.listener.listening(), WAIT)
            assert running.service.health() == []
            await asyncio.to_thread(publish, broker_.port, uplinks(200))
            await running.stored(200)

    with broker(tmp_path / "broker") as broker_:
        asyncio.run(test(broker_))
    assert kept(tmp_path / "twin").is_each_once


def test_a_broker_that_is_not_there_yet(tmp_path: Path) -> None:
    async def test(broker_: Broker) -> None:
        async with intake(tmp_path / "twin", listening_to(broker_), wait=False) as running:
            assert running.service.health()
            broker_.start()
            await asyncio.wait_for(running.listener.listening(), WAIT)
            await asyncio.to_thread(publish, broker_.port, uplinks(10))
            await running.stored(10)

    with broker(tmp_path / "broker", start=False) as broker_:
        asyncio.run(test(broker_))


def test_a_broker_that_forgot_everything(tmp_path: Path) -> None:
    async def test(broker_: Broker) -> None:
        async with intake(tmp_path / "twin", listening_to(broker_)) as running:
            before = running.listener.connections
            broker_.stop()
            (broker_.folder / "mosquitto.db").unlink()
            broker_.start()
            while running.listener.connections == before:
                await asyncio.sleep(0.005)
            await asyncio.wait_for(running.listener.listening(), WAIT)
            await asyncio.to_thread(publish, broker_.port, uplinks(10))
            await running.stored(10)

    with broker(tmp_path / "broker") as broker_:
        asyncio.run(test(broker_))


def test_a_session_that_lost_its_subscription(tmp_path: Path) -> None:
    def unsubscribe(port: int) -> None:
        """Come with our name, as a broker's fault would have it, and take the subscription out of the session."""
        client = Client(
            CallbackAPIVersion.VERSION2, "zwilling-cs", clean_session=None, protocol=MQTTProtocolVersion.MQTTv5
        )

        @client.connect_callback()
        def connected(*_: object) -> None:
            client.unsubscribe("application/+/device/+/event/+")

        @client.unsubscribe_callback()
        def unsubscribed(*_: object) -> None:
            client.disconnect()

        client.connect("127.0.0.1", port, clean_start=False)
        client.loop_forever()

    async def test(broker_: Broker) -> None:
        async with intake(tmp_path / "twin", listening_to(broker_)) as running:
            before = running.listener.connections
            await asyncio.to_thread(unsubscribe, broker_.port)
            while running.listener.connections == before:
                await asyncio.sleep(0.005)
            await asyncio.wait_for(running.listener.listening(), WAIT)
            await asyncio.to_thread(publish, broker_.port, uplinks(10))
            await running.stored(10)

    with broker(tmp_path / "broker") as broker_:
        asyncio.run(test(broker_))


def test_five_thousand_wait_while_we_are_away(tmp_path: Path) -> None:
    async def listen(broker_: Broker, number: int) -> int:
        async with intake(tmp_path / "twin", listening_to(broker_)) as running:
            await running.stored(number)
            return running.pipeline.counts.received

    with broker(tmp_path / "broker") as broker_:
        asyncio.run(listen(broker_, 0))
        publish(broker_.port, uplinks(5000))
        broker_.save()
        broker_.kill()  # and it loses power, too
        broker_.start()
        asyncio.run(listen(broker_, 5000))
        assert asyncio.run(listen(broker_, 0)) == 0  # nothing is left unacknowledged
    assert kept(tmp_path / "twin").uplinks == 5000
    assert kept(tmp_path / "twin").is_each_once


def test_with_the_defaults_of_debian_most_of_them_would_be_lost(tmp_path: Path) -> None:
    async def listen(broker_: Broker) -> int:
        async with intake(tmp_path / "twin", listening_to(broker_)) as running:
            with network_server(broker_.port) as server:
                # Behind what waits; the first uplink of a device that has sent nothing before.
                await asyncio.to_thread(server.publish_all, [(topic_of(999), json.dumps(uplink(999, 0)).encode())])
            await running.until(lambda: kept_of_last(tmp_path / "twin"))
            return running.pipeline.counts.stored

    def kept_of_last(folder: Path) -> bool:
        return any(eui.endswith("0003e7") for eui in devices(folder))

    with broker(tmp_path / "broker", DEFAULTS, {}) as broker_:

        async def come_and_go() -> None:
            async with intake(tmp_path / "twin", listening_to(broker_)):
                pass

        asyncio.run(come_and_go())
        publish(broker_.port, uplinks(5000))
        stored = asyncio.run(listen(broker_))
    assert 1000 <= stored < 1100


def test_instances_share_the_load(tmp_path: Path) -> None:
    async def test(broker_: Broker) -> None:
        first = listening_to(broker_, share="zwilling", client_id="zwilling-1")
        second = listening_to(broker_, share="zwilling", client_id="zwilling-2")
        async with intake(tmp_path / "twin", first) as one, intake(tmp_path / "twin", second) as other:
            await asyncio.to_thread(publish, broker_.port, uplinks(1000))
            async with asyncio.timeout(WAIT):
                while one.pipeline.counts.stored + other.pipeline.counts.stored < 1000:
                    await asyncio.sleep(0.005)
            assert one.pipeline.counts.stored > 100
            assert other.pipeline.counts.stored > 100
            assert one.pipeline.counts.duplicates + other.pipeline.counts.duplicates == 0

    with broker(tmp_path / "broker") as broker_:
        asyncio.run(test(broker_))
    assert kept(tmp_path / "twin").uplinks == 1000
    assert kept(tmp_path / "twin").is_each_once


def test_several_brokers_bring_the_same_once(tmp_path: Path) -> None:
    async def test(first: Broker, second: Broker) -> None:
        async with intake(tmp_path / "twin", listening_to(first, "a"), listening_to(second, "b")) as running:
            await asyncio.to_thread(publish, first.port, uplinks(300))
            await asyncio.to_thread(publish, second.port, uplinks(400))
            await running.until(lambda: running.pipeline.counts.stored + running.pipeline.counts.duplicates >= 700)
            assert running.pipeline.counts.duplicates == 300

    with broker(tmp_path / "first") as first, broker(tmp_path / "second") as second:
        asyncio.run(test(first, second))
    assert kept(tmp_path / "twin").uplinks == 400


def test_one_in_ten_twice_and_one_in_ten_late(tmp_path: Path) -> None:
    chance = random.Random(11)  # noqa: S311 - the same in every run
    messages = uplinks(2000)
    twice = messages + chance.sample(messages, 200)
    for _ in range(200):  # up to 50 places later than it was sent
        at = chance.randrange(len(twice) - 50)
        twice.insert(at + chance.randrange(1, 50), twice.pop(at))

    async def test(broker_: Broker) -> None:
        async with intake(tmp_path / "twin", listening_to(broker_)) as running:
            await asyncio.to_thread(publish, broker_.port, twice)
            await running.until(lambda: running.pipeline.counts.stored + running.pipeline.counts.duplicates >= 2200)

    with broker(tmp_path / "broker") as broker_:
        asyncio.run(test(broker_))
    found = kept(tmp_path / "twin")
    assert found.uplinks == 2000
    assert found.is_each_once
    # 2000 uplinks of 20 devices: each has sent its 100th last, whatever came last.
    assert latest(tmp_path / "twin") == {(device, float(400 + (device * 7 + 99) % 500)) for device in range(20)}


def test_what_cannot_be_held_is_left_with_the_broker(tmp_path: Path) -> None:
    limits = Limits(batch=50, waiting=100, gather=0.001)
    most = 0

    async def test(broker_: Broker) -> None:
        nonlocal most
        async with intake(tmp_path / "twin", listening_to(broker_), limits=limits) as running:
            put = running.pipeline.put

            def noting(delivery: object) -> None:
                nonlocal most
                put(delivery)  # type: ignore[arg-type]
                most = max(most, running.pipeline.waiting)

            running.pipeline.put = noting  # type: ignore[method-assign]
            await asyncio.to_thread(publish, broker_.port, uplinks(3000))
            await running.stored(3000)

    with broker(tmp_path / "broker", settings={**OPEN, "max_inflight_messages": "0"}) as broker_:
        asyncio.run(test(broker_))
    assert 50 < most <= 100
    assert kept(tmp_path / "twin").is_each_once


def test_a_twin_with_our_name_pushes_us_out_which_is_guessed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def test(broker_: Broker) -> None:
        async with intake(tmp_path / "twin", listening_to(broker_)) as running:
            async with intake(tmp_path / "other", listening_to(broker_)), asyncio.timeout(WAIT):
                while "dieselbe client_id" not in "".join(running.service.health()):
                    await asyncio.sleep(0.005)
            assert "the client id zwilling-cs?" in caplog.text

    with broker(tmp_path / "broker") as broker_:
        asyncio.run(test(broker_))


def test_a_network_server_without_qos_1(tmp_path: Path) -> None:
    def publish_at_most_once(port: int) -> None:
        client = Client(CallbackAPIVersion.VERSION2, "tts", protocol=MQTTProtocolVersion.MQTTv311)
        client.connect("127.0.0.1", port)
        client.loop_start()
        for topic, body in uplinks(300):
            client.publish(topic, body, qos=0).wait_for_publish(WAIT)
        client.disconnect()
        client.loop_stop()

    async def test(broker_: Broker) -> None:
        async with intake(tmp_path / "twin", listening_to(broker_, protocol="3.1.1")) as running:
            await asyncio.to_thread(publish_at_most_once, broker_.port)
            await running.stored(300)

    with broker(tmp_path / "broker") as broker_:
        asyncio.run(test(broker_))
    assert kept(tmp_path / "twin").is_each_once
