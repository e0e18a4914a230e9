"""The load for `benchmarks.sensors`: a broker, sensors that send, viewers that listen, and a reader that keeps nothing.

`publish`, `read` and `listen` run in processes of their own, and print what they did as JSON.
"""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

TOPIC = "application/bench/device/{dev_eui}/event/up"
ALL = "application/+/device/+/event/+"
_WINDOW = 65_536
"""Milliseconds that an uplink's light value, two bytes, can tell apart."""


def dev_eui(number: int) -> str:
    """Return the address of sensor `number`."""
    return f"a81758fffe{number:06x}"


def co2(number: int, turn: int) -> int:
    """Return what sensor `number` reads in its uplink `turn`: most below the limits, some across them and back."""
    wave = abs((turn * 7 + number * 13) % 40 - 20) / 20
    return round(450 + wave * (1_900 if number % 10 == 0 else 450))


def uplink(number: int, turn: int, now: float) -> bytes:
    """Return an uplink of an Elsys ERS CO2 as ChirpStack publishes it; its light is the time of sending.

    Args:
        number: of the sensor.
        turn: its frame counter.
        now: seconds since 1970.
    """
    payload = struct.pack(
        ">BhBBBHBBBHBH",
        *(1, 215 + number % 20, 2, 40 + turn % 10, 4, round(now * 1000) % _WINDOW),
        *(5, turn % 9, 6, co2(number, turn), 7, 3_600),
    )
    address = dev_eui(number)
    return msgspec.json.encode(
        {
            "deduplicationId": f"{number:08x}-{turn:04x}-4000-8000-{round(now * 1000) & 0xFFFFFFFFFFFF:012x}",
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
            + f".{round(now % 1 * 1e6) % 1000000:06d}+00:00",
            "deviceInfo": {
                "tenantName": "bench",
                "applicationId": "bench",
                "applicationName": "schulen",
                "deviceProfileName": "ERS-CO2",
                "deviceName": f"bench-{number}",
                "devEui": address,
                "tags": {},
            },
            "devAddr": f"01{number:06x}",
            "adr": True,
            "dr": 5,
            "fCnt": turn,
            "fPort": 5,
            "data": base64.b64encode(payload).decode(),
            "rxInfo": [
                {"gatewayId": "0016c001f153a14c", "uplinkId": 1, "rssi": -97, "snr": 7.5, "context": "AAAAAA=="}
            ],
            "txInfo": {"frequency": 868100000, "modulation": {"lora": {"bandwidth": 125000, "spreadingFactor": 7}}},
        }
    )


def free_port() -> int:
    """Return a TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def mosquitto(folder: Path) -> Iterator[int]:
    """Yield the port of a broker with the limits of `deploy/mosquitto.conf`.

    Raises:
        FileNotFoundError: mosquitto is not installed.
    """
    port = free_port()
    with subprocess.Popen(configured(folder, port), stderr=subprocess.DEVNULL) as process:
        try:
            wait_for_port(port)
            yield port
        finally:
            process.send_signal(signal.SIGTERM)


def configured(folder: Path, port: int) -> list[str]:
    """Return the command that starts a broker with the limits of `deploy/mosquitto.conf`, its files in `folder`.

    Raises:
        FileNotFoundError: mosquitto is not installed.
    """
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/opt/homebrew/sbin")
    if program is None:
        raise FileNotFoundError("mosquitto is missing; on Debian: apt-get install mosquitto")
    shipped = Path(__file__).resolve().parents[1] / "deploy" / "mosquitto.conf"
    kept = ("max_queued", "max_inflight", "autosave", "persistent_client", "queue_qos0", "message_size")
    lines = [line for line in shipped.read_text(encoding="utf-8").splitlines() if line.startswith(kept)]
    lines += [
        f"listener {port} 127.0.0.1",
        "allow_anonymous true",
        "persistence true",
        f"persistence_location {folder}/",
    ]
    lines += ["user root", "log_type error"]
    (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [program, "-c", str(folder / "mosquitto.conf")]


def wait_for_port(port: int) -> None:
    """Return when somebody listens on a TCP port; they have ten seconds."""
    end = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


def publish(port: int, count: int, sensors: int, rate: float, first_turn: int) -> None:
    """Publish `count` uplinks of `sensors` sensors with QoS 1; `rate` a second, 0 for as many as the broker takes."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.max_inflight_messages_set(500)
    client.connect("127.0.0.1", port)
    client.loop_start()
    begin = time.monotonic()
    last = None
    for sent in range(count):
        if rate:
            wait = begin + sent / rate - time.monotonic()
            if wait > 0.001:
                time.sleep(wait)
        elif sent % 500 == 499 and last is not None:
            last.wait_for_publish()
        number = sent % sensors
        body = uplink(number, first_turn + sent // sensors, time.time())
        last = client.publish(TOPIC.format(dev_eui=dev_eui(number)), body, qos=1)
    if last is not None:
        last.wait_for_publish()
    seconds = time.monotonic() - begin
    client.disconnect()
    client.loop_stop()
    print(json.dumps({"sent": count, "seconds": seconds}))


def read(port: int, count: int) -> None:
    """Read and acknowledge `count` messages as our intake does, with aiomqtt, and keep nothing: the limit."""

    async def reading() -> None:
        import aiomqtt

        got = 0
        async with aiomqtt.Client("127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V5) as client:
            await client.subscribe(ALL, qos=1)
            print("ready", flush=True)
            begin = 0.0
            cpu = 0.0
            async for _ in client.messages:
                if got == 0:
                    begin, cpu = time.monotonic(), time.process_time()
                got += 1
                if got == count:
                    break
        print(json.dumps({"seconds": time.monotonic() - begin, "cpu": time.process_time() - cpu}), flush=True)

    asyncio.run(reading())


def listen(url: str, clients: int, seconds: float) -> None:
    """Follow `/live` with `clients` WebSockets; print how late each value came, milliseconds."""

    async def listening() -> None:
        from websockets.asyncio.client import connect

        late: list[float] = []
        messages = 0
        connected = 0
        everybody = asyncio.Event()

        async def one() -> None:
            nonlocal messages, connected
            # Without compression, as a browser in the same house would have it with `permessage-deflate` off.
            async with connect(url, compression=None, max_size=None, open_timeout=60) as live:
                await live.recv()  # the snapshot
                connected += 1
                if connected == clients:
                    everybody.set()
                    print("ready", flush=True)
                while True:
                    data = await live.recv(decode=False)
                    now = round(time.time() * 1000)
                    messages += 1
                    for thing in msgspec.json.decode(data).get("things", ()):
                        light = thing["latest"].get("illuminance")
                        if light is not None:
                            late.append((now - round(light["value"])) % _WINDOW)

        tasks = [asyncio.create_task(one()) for _ in range(clients)]
        waiting = asyncio.create_task(everybody.wait())
        await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait(tasks, timeout=seconds)
        lost = sum(task.done() for task in tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        late.sort()
        share = {f"p{p}": late[min(round(len(late) * p / 100), len(late) - 1)] if late else None for p in (50, 95, 99)}
        print(json.dumps({**share, "values": len(late), "messages": messages, "lost": lost}), flush=True)

    asyncio.run(listening())
