"""The demo's sensors: a process that brings broker, registry and readings, and goes when it should."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import func, select

from sensor_overlay.service import service_of
from sensor_overlay.simulate.broker import mosquitto
from sensor_overlay.store.opening import open_store
from sensor_overlay.store.schema import dead_letter, thing, uplink
from zwilling.demo_sensors import DemoSensors
from zwilling.settings import load_settings

_TWIN = '[region]\nprofile = "rhein-kreis-neuss"\n'
_ENOUGH = 120
"""Seconds after which a test gives up; each takes a few."""


async def _kept(folder: Path) -> tuple[int, int, int]:
    """Return how many registered sensors, uplinks and dead letters the database holds."""
    store = await open_store(str(folder / "data" / "zwilling.db"))
    try:
        async with store.reading() as connection:
            known = await connection.scalar(select(func.count()).select_from(thing).where(thing.c.is_registered))
            kept = await connection.scalar(select(func.count()).select_from(uplink))
            letters = await connection.scalar(select(func.count()).select_from(dead_letter))
    finally:
        await store.close()
    return known or 0, kept or 0, letters or 0


async def _until_kept(folder: Path, uplinks: int) -> tuple[int, int, int]:
    async with asyncio.timeout(_ENOUGH):
        while (kept := await _kept(folder))[1] < uplinks:
            await asyncio.sleep(0.2)
    return kept


@contextmanager
def demo(folder: Path, *, hours: float, with_broker: bool) -> Iterator[DemoSensors]:
    (folder / "data").mkdir(exist_ok=True)
    with DemoSensors(folder, 100, hours=hours, with_broker=with_broker) as sensors:
        (folder / "zwilling.toml").write_text(_TWIN + sensors.settings(), encoding="utf-8")
        yield sensors


async def _serve(folder: Path, sensors: DemoSensors, uplinks: int) -> tuple[int, int, int]:
    service = service_of(load_settings(folder / "zwilling.toml"), folder)
    assert service is not None
    await service.start()
    try:
        sensors.begin("http://127.0.0.1:1")
        await _until_kept(folder, uplinks)
    finally:
        await service.stop()
    return await _kept(folder)  # with what was stored on leaving


def _meanwhile(begun: float) -> float:
    """Return how many uplinks the sensors may have sent since then: 36 a minute, and half as many again."""
    return (time.monotonic() - begun) * 0.9


@pytest.mark.skipif(mosquitto() is None and "CI" not in os.environ, reason="apt-get install mosquitto")
def test_over_mqtt_and_again_from_where_it_ended(tmp_path: Path) -> None:
    begun = time.monotonic()
    with demo(tmp_path, hours=0.5, with_broker=True) as sensors:
        known, kept, letters = asyncio.run(_serve(tmp_path, sensors, 1_000))
    # 350 sensors every ten minutes, for half an hour; one is dead
    assert (known, letters) == (356, 0)
    assert 1_000 <= kept < 1_200 + _meanwhile(begun)
    until = int((tmp_path / "data" / "demo-sensors-until").read_text("ascii"))
    begun = time.monotonic()
    with demo(tmp_path, hours=0.5, with_broker=True) as sensors:
        # More than one: the last may be stored before its sender has heard of it.
        _, later, letters = asyncio.run(_serve(tmp_path, sensors, kept + 5))
    assert letters == 0
    assert later - kept < 100 + _meanwhile(begun)  # not the half hour again
    assert int((tmp_path / "data" / "demo-sensors-until").read_text("ascii")) > until


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Run the server in a process of its own; yields its address."""
    command = [str(Path(sys.executable).with_name("zwilling")), "serve"]
    command += [str(folder / "zwilling.toml"), "--port", "0", "--quiet"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            yield next(line.split()[1] for line in process.stderr if line.startswith("serving "))
        finally:
            process.terminate()
            process.stderr.read()


def test_over_the_servers_own_webhook_where_there_is_no_broker(tmp_path: Path) -> None:
    with demo(tmp_path, hours=0.2, with_broker=False) as sensors:
        assert "webhook" in (tmp_path / "zwilling.toml").read_text(encoding="utf-8")
        assert (tmp_path / "demo-secret").stat().st_mode & 0o077 == 0
        with served(tmp_path) as url:
            sensors.begin(url)
            known, kept, letters = asyncio.run(_until_kept(tmp_path, 300))
    assert (known, letters) == (356, 0)
    assert kept >= 300


def _until_refused(port: int) -> None:
    """Return when nobody listens any more: the system takes a dead process's connections and ports one by one."""
    given_up = time.monotonic() + _ENOUGH
    while time.monotonic() < given_up:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            return
        except ConnectionResetError:
            pass
        time.sleep(0.01)
    pytest.fail("the broker is still there")


@pytest.mark.skipif(mosquitto() is None and "CI" not in os.environ, reason="apt-get install mosquitto")
@pytest.mark.parametrize("killer", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_stays_when_the_demo_is_killed(tmp_path: Path, killer: signal.Signals) -> None:
    code = """
        import sys, time
        from pathlib import Path
        from zwilling.demo_sensors import DemoSensors

        if __name__ == "__main__":
            with DemoSensors(Path(sys.argv[1]), 100) as sensors:
                print(sensors.settings(), flush=True)
                time.sleep(600)
    """
    script = tmp_path / "killed.py"
    script.write_text(textwrap.dedent(code), encoding="utf-8")
    with subprocess.Popen([sys.executable, script, tmp_path], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(next(line for line in process.stdout if line.startswith("url")).rpartition(":")[2].strip('"\n'))
        with socket.create_connection(("127.0.0.1", port)) as open_connection:
            process.send_signal(killer)
            # It is closed as the broker goes; reset, where the broker had not taken it yet.
            open_connection.settimeout(_ENOUGH)
            with suppress(ConnectionResetError):
                assert open_connection.recv(1) == b""
    _until_refused(port)
