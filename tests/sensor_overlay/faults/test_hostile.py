"""What comes in through a real broker and makes no sense: each a dead letter, and life goes on."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.sensor_overlay.brokers import OPEN, Broker, broker
from tests.sensor_overlay.faults.running import intake, kept, listening_to
from tests.sensor_overlay.faults.test_brokers import publish
from tests.sensor_overlay.network_server import APPLICATION, eui_of, topic_of, uplink

ANY_SIZE = {**OPEN, "max_packet_size": None}
"""Without the limit of the configuration that we ship, which keeps the largest from us."""


def with_(**fields: Any) -> bytes:
    """Return an uplink in which some fields are others."""
    return json.dumps({**uplink(1, 1), **fields}).encode()


BAD: dict[str, tuple[str, bytes, str]] = {
    "not JSON": (topic_of(1), b"\xff\xfe no", "not-json"),
    "half of it": (topic_of(1), with_()[:80], "not-json"),
    "empty": (topic_of(1), b"", "malformed"),
    "5 MB": (topic_of(1), with_(object={"x": "a" * 5_000_000}), "too-large"),
    "100,000 levels": (topic_of(1), b'{"object":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "malformed"),
    "NaN": (topic_of(1), with_(fCnt=float("nan")), "not-json"),
    "5,000 digits": (topic_of(1), b'{"fCnt":' + b"9" * 5_000 + b"}", "malformed"),
    "1e999": (topic_of(1), b'{"fCnt":1e999}', "malformed"),
    "lone surrogate": (topic_of(1), b'{"devAddr":"\\ud800"}', "not-json"),
    "no EUI": (f"application/{APPLICATION}/device/xyz/event/up", with_(), "topic"),
    "SQL in the topic": (f"application/'; drop table thing; --/device/{eui_of(1)}/event/up'--", with_(), "topic"),
    "foreign event": (topic_of(1, "explode"), with_(), "topic"),
    "array": (topic_of(1), b"[1,2,3]", "malformed"),
    "payload no base64": (topic_of(1), with_(data="%%%"), "malformed"),
    "undecodable": (topic_of(1), with_(data="//8=", fCnt=7), "undecodable"),
    "unknown model": (
        topic_of(2),
        json.dumps({**uplink(2, 1), "deviceInfo": {"devEui": eui_of(2), "deviceProfileName": "?"}}).encode(),
        "no-codec",
    ),
}


def letters(folder: Path) -> list[tuple[str, str]]:
    """Return topic and cause of each dead letter."""
    with closing(sqlite3.connect(folder / "zwilling.db")) as database:
        return list(database.execute("select topic, cause from dead_letter order by id"))


def test_each_becomes_a_dead_letter_and_life_goes_on(tmp_path: Path) -> None:
    messages = []
    for number, (topic, body, _) in enumerate(BAD.values()):
        sound = topic_of(100 + number), json.dumps(uplink(100 + number, 1)).encode()
        messages += [(topic, body), sound]

    async def test(broker_: Broker) -> None:
        subscribed = listening_to(broker_, topics=["application/#"])
        async with intake(tmp_path / "twin", subscribed) as running:
            await asyncio.to_thread(publish, broker_.port, messages)
            await running.until(lambda: running.pipeline.counts.received >= len(messages))
            await running.until(lambda: running.pipeline.counts.stored >= len(BAD))
            await running.until(lambda: running.pipeline.counts.letters >= len(BAD))
            assert running.service.health() == []
            assert running.listener.connections == 1

    with broker(tmp_path / "broker", settings=ANY_SIZE) as broker_:
        asyncio.run(test(broker_))
    found = dict(zip(BAD, letters(tmp_path / "twin"), strict=True))
    assert found == {name: (topic, cause) for name, (topic, _, cause) in BAD.items()}
    assert kept(tmp_path / "twin").observations == len(BAD)


def test_the_topic_decides_whose_uplink_it_is(tmp_path: Path) -> None:
    """Rights at the broker hang on topics: whoever may publish for one device cannot speak for another."""

    async def test(broker_: Broker) -> None:
        async with intake(tmp_path / "twin", listening_to(broker_)) as running:
            forged = json.dumps(uplink(7, 1)).encode()  # of the 7th, published as the 8th
            await asyncio.to_thread(publish, broker_.port, [(topic_of(8), forged)])
            await running.until(lambda: running.pipeline.counts.stored + running.pipeline.counts.letters >= 1)

    with broker(tmp_path / "broker") as broker_:
        asyncio.run(test(broker_))
    with closing(sqlite3.connect(tmp_path / "twin" / "zwilling.db")) as database:
        heard = {row[0] for row in database.execute("select dev_eui from thing")}
    assert eui_of(7) not in heard


def test_what_was_simulated_in_the_network_servers_console_is_no_reading(tmp_path: Path) -> None:
    up = {
        "end_device_ids": {"device_id": "raum", "dev_eui": eui_of(1).upper(), "dev_addr": "01020304"},
        "received_at": "2026-11-20T08:15:02Z",
        "uplink_message": {
            "f_cnt": 1,
            "f_port": 5,
            "frm_payload": "BgMI",
            "decoded_payload": {"co2": 776},
            "version_ids": {"model_id": "ers-co2"},
        },
    }
    topic = "v3/schulen@kreis/devices/raum/up"

    async def test(broker_: Broker) -> None:
        async with intake(tmp_path / "twin", listening_to(broker_, network="tts", protocol="3.1.1")) as running:
            simulated = json.dumps({**up, "simulated": True}).encode()
            await asyncio.to_thread(publish, broker_.port, [(topic, simulated), (topic, json.dumps(up).encode())])
            await running.stored(1)
            assert running.pipeline.counts.received == 2

    with broker(tmp_path / "broker") as broker_:
        asyncio.run(test(broker_))
    assert kept(tmp_path / "twin").uplinks == 1
