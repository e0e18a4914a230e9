"""Publishing: to a real broker over MQTT, at the pace asked for, by a clock that tests turn themselves."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import aiomqtt
import pytest
from click.testing import CliRunner

from sensor_overlay import instants
from sensor_overlay.instants import HOUR, MINUTE, SECOND
from sensor_overlay.networks import read
from sensor_overlay.simulate.broker import demo_broker, mosquitto
from sensor_overlay.simulate.plan import Plan, draw_up
from sensor_overlay.simulate.publishing import connected, publish
from sensor_overlay.simulate.running import Run, run
from sensor_overlay.simulate.traffic import Disorder, Traffic, Transmission
from sensor_overlay.simulate.webhook import calling
from sensor_overlay.uplink import Uplink
from zwilling.cli import main
from zwilling.errors import SettingsError, SourceError

NOW = instants.parse("2026-11-20T10:00:00Z")


@pytest.fixture(scope="module")
def plan() -> Plan:
    return draw_up(sensors=40)


class Clock:
    """A clock that stands still, but for those who sleep."""

    def __init__(self) -> None:
        self.now = NOW
        self.slept: list[float] = []

    def __call__(self) -> int:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += round(seconds * SECOND)


def messages(*dues: int) -> Iterator[Transmission]:
    for number, due in enumerate(dues):
        yield Transmission(due, number, due, number, "t", b"")


@pytest.mark.parametrize(
    ("speed", "rate", "waits"),
    [
        (1, 0, [10, 30]),  # when each is due
        (10, 0, [1, 3]),
        (0, 0, []),
        (0, 2, [0.5, 0.5]),
        (1, 0.01, [100, 100]),
    ],
)
def test_the_pace(speed: float, rate: float, waits: list[float]) -> None:
    clock = Clock()
    sent: list[int] = []

    async def send(message: Transmission) -> None:
        sent.append(message.due)

    dues = [NOW, NOW + 10 * SECOND, NOW + 40 * SECOND]
    asyncio.run(publish(messages(*dues), send, speed=speed, rate=rate, clock=clock, sleep=clock.sleep))
    assert clock.slept == pytest.approx(waits)
    assert sent == dues


def test_the_past_is_told_until_it_has_become_the_present(plan: Plan) -> None:
    """The clock goes on while the past is told; nothing is left out and nothing comes twice."""
    clock = Clock()
    sent: list[Transmission] = []

    async def send(message: Transmission) -> None:
        sent.append(message)
        clock.now += SECOND  # a slow broker

    whole = asyncio.run(run(plan, send, Run(hours=2, live=False), clock=clock))
    expected = list(Traffic(plan, dead_since=NOW - 10 * HOUR).between(NOW - 2 * HOUR, NOW))
    assert sent == expected
    assert whole.messages == len(expected)


def test_then_it_goes_on_with_the_present(plan: Plan) -> None:
    clock = Clock()
    sent: list[Transmission] = []
    told: list[int] = []

    class EnoughError(Exception):
        pass

    async def send(message: Transmission) -> None:
        sent.append(message)
        clock.now += 0 if told else SECOND // 10
        if message.due > NOW + 20 * MINUTE:
            raise EnoughError

    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(
            run(
                plan,
                send,
                Run(hours=1),
                clock=clock,
                sleep=clock.sleep,
                on_history=lambda one: told.append(one.messages),
            )
        )
    assert caught.group_contains(EnoughError)
    assert told
    assert told[0] >= 200
    expected = list(Traffic(plan, dead_since=NOW - 10 * HOUR).between(NOW - HOUR, sent[-1].due + 1))
    assert sent == expected


@pytest.fixture
def has_mosquitto() -> None:
    if mosquitto() is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")


@pytest.mark.usefixtures("has_mosquitto")
def test_a_broker_gets_every_message(plan: Plan) -> None:
    disorder = Disorder(duplicates=0.1, out_of_order=0.1)

    async def whole() -> tuple[list[tuple[str, bytes]], int, int]:
        got: list[tuple[str, bytes]] = []
        async with demo_broker() as url:
            port = int(url.rpartition(":")[2])
            async with aiomqtt.Client("127.0.0.1", port, max_queued_incoming_messages=100_000) as client:
                await client.subscribe("application/+/device/+/event/+", qos=1)
                async with connected(url) as send:
                    sent = await run(plan, send, Run(hours=2, live=False, disorder=disorder), clock=Clock())
                async for message in client.messages:
                    assert isinstance(message.payload, bytes)
                    assert message.qos == 1
                    got.append((message.topic.value, message.payload))
                    if len(got) == sent.messages:
                        break
        return got, sent.messages, sent.copies

    got, sent, copies = asyncio.run(whole())
    expected = list(Traffic(plan, dead_since=NOW - 10 * HOUR, disorder=disorder).between(NOW - 2 * HOUR, NOW))
    assert sent == len(expected) > 500
    assert copies == sum(message.is_copy for message in expected) > 30
    assert got == [(message.topic, message.body) for message in expected]
    assert all(isinstance(read("chirpstack", topic, body), Uplink) for topic, body in got)


@pytest.mark.usefixtures("has_mosquitto")
def test_the_broker_is_gone_afterwards() -> None:
    async def whole() -> str:
        for _ in range(5):  # at once: mosquitto is not quite there then
            async with demo_broker() as url:
                pass
        return url

    url = asyncio.run(whole())

    async def knock() -> None:
        async with connected(url):
            pass

    with pytest.raises(SourceError, match="does not answer"):
        asyncio.run(knock())


@pytest.mark.usefixtures("has_mosquitto")
def test_a_broker_that_goes_away_is_told_once(plan: Plan) -> None:
    async def whole() -> None:
        async with contextlib.AsyncExitStack() as stack:
            url = await stack.enter_async_context(demo_broker())
            async with connected(url) as send:
                await run(plan, send, Run(hours=1, live=False), clock=Clock())
                await stack.aclose()
                await run(plan, send, Run(hours=1, live=False), clock=Clock())

    with pytest.raises(SourceError, match="the broker does not answer"):
        asyncio.run(whole())


@pytest.mark.parametrize("url", ["http://127.0.0.1", "127.0.0.1:1883", "mqtt://", "mqtt://host:99999", ""])
def test_addresses_that_are_none(url: str) -> None:
    async def knock() -> None:
        async with connected(url):
            pass

    with pytest.raises(SettingsError, match="mqtt://host:1883"):
        asyncio.run(knock())


@pytest.mark.usefixtures("has_mosquitto")
def test_the_command(tmp_path: Path) -> None:
    registry = tmp_path / "registry.csv"
    refused = CliRunner().invoke(main, ["sensors", "simulate"])
    assert refused.exit_code == 2
    assert "--broker" in refused.output
    for more in ([], ["--secret", "file", "--protobuf"], ["--secret", "file", "--broker", "mqtt://127.0.0.1"]):
        refused = CliRunner().invoke(main, ["sensors", "simulate", "--webhook", "http://127.0.0.1:1", *more])
        assert refused.exit_code == 2
    missing = ["sensors", "simulate", "--webhook", "http://127.0.0.1:1", "--secret", str(tmp_path / "none")]
    assert "cannot be read" in CliRunner().invoke(main, missing).output
    done = CliRunner().invoke(main, ["sensors", "simulate", "--registry", str(registry), "--sensors", "40"])
    assert (done.exit_code, done.output) == (0, f"{registry}: 46 sensors, all of them invented\n")

    async def invoked() -> str:
        async with demo_broker() as url:
            command = ["sensors", "simulate", "--broker", url, "--hours", "1", "--no-live", "--sensors", "40"]
            result = await asyncio.to_thread(CliRunner().invoke, main, command)
            assert result.exit_code == 0, result.output
            return result.output

    assert "messages of the last 1 hours" in asyncio.run(invoked())


@contextlib.contextmanager
def answering(status: Callable[[bytes], int]) -> Iterator[tuple[str, list[str]]]:
    """Yield the address of a twin that answers bodies as told, and what callers asked for."""
    asked: list[str] = []

    class Twin(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(f"{self.path} {self.headers['Authorization']}")
            self.send_response(status(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_header("Retry-After", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Twin) as twin:
        serving = threading.Thread(target=twin.serve_forever)
        serving.start()
        try:
            yield f"http://127.0.0.1:{twin.server_port}/ingest/chirpstack", asked
        finally:
            twin.shutdown()
            serving.join()


def test_a_twin_whose_database_is_away_gets_each_message_again(plan: Plan) -> None:
    seen: list[bytes] = []

    def at_the_third_time(body: bytes) -> int:
        seen.append(body)
        return 204 if seen.count(body) == 3 else 503

    async def brought(url: str) -> int:
        async with calling(url, "secret") as send:
            return (await run(plan, send, Run(hours=0.1, live=False), clock=Clock())).messages

    with answering(at_the_third_time) as (url, _):
        sent = asyncio.run(brought(url))
    assert sent > 10
    assert len(seen) == 3 * sent
    assert len(set(seen)) == sent
    with answering(lambda _: 503) as (url, _), pytest.raises(SourceError, match="does not keep what it gets"):
        asyncio.run(brought(url))


def test_a_twin_that_refuses_or_is_not_there(plan: Plan) -> None:
    async def brought(url: str) -> None:
        async with calling(url, "secret") as send:
            await run(plan, send, Run(hours=0.1, live=False), clock=Clock())

    with answering(lambda _: 401) as (url, asked), pytest.raises(SourceError, match="the twin answers 401; is the"):
        asyncio.run(brought(url))
    assert asked[0] == "/ingest/chirpstack?event=up Bearer secret"
    with pytest.raises(SourceError, match="the twin does not answer"):
        asyncio.run(brought(url))
    with pytest.raises(SettingsError, match="no twin's address"):
        asyncio.run(brought("mqtt://127.0.0.1"))
