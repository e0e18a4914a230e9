"""The demo's sensors: broker, registry and readings, in a process of their own beside the server.

That process starts at once but does nothing that takes time before the server answers: the first picture comes first.
Where mosquitto is installed the messages go over MQTT, else over the server's own webhook, as ChirpStack can do both.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Self

from zwilling.errors import SettingsError, SourceError, ZwillingError

_SECRET_FILE = "demo-secret"  # noqa: S105 - its name
_STATE_FILE = "demo-sensors-until"
_HOURS = 24.0
_SPARSE_HOURS = 2.0
_RATE = 500.0
"""Messages a second: a good part of what the server can store, and time is left for the first picture."""
_STATE_SECONDS = 5.0
_PATIENCE_SECONDS = 20.0

_MQTT = """
[[sensors.broker]]
name = "demo"
network = "chirpstack"
url = "{url}"
"""
_WEBHOOK = f"""
[[sensors.webhook]]
network = "chirpstack"
secret = {{ file = "{_SECRET_FILE}" }}
"""
_RULES = """
[[sensors.rule]]
id = "co2"
title = "Luft in den Schulen (erfunden)"
observed_property = "co2"

[[sensors.rule.level]]
name = "lüften"
above = 1000
clear = 900
minutes = 5
text = "{room} ({site}): {property} {value} {unit}, bitte lüften."

[[sensors.rule.level]]
name = "dringend lüften"
above = 2000
clear = 1800
readings = 2
text = "{room} ({site}): {property} {value} {unit}, bitte sofort lüften!"

[[sensors.rule]]
id = "stumm"
title = "Sensoren, die nichts mehr senden (erfunden)"
kind = "silence"
"""


class DemoSensors:
    """The process that plays the demo's sensors; ends with the `with` block, or with its parent however that ends.

    Args:
        folder: of the demo.
        buildings: of the sample quarter.
        hours: of the past that the sensors tell at the first start; later ones tell what has been since the last.
        with_broker: False goes without one even where mosquitto is installed.
    """

    def __init__(self, folder: Path, buildings: int, *, hours: float = _HOURS, with_broker: bool = True) -> None:
        self._folder = folder
        context = multiprocessing.get_context("spawn")
        self._here, there = context.Pipe()
        arguments = (there, _Part(folder, buildings, hours, with_broker))
        self._process = context.Process(target=_play, args=arguments, name="demo sensors", daemon=True)
        self._there = there

    def __enter__(self) -> Self:
        self._process.start()
        self._there.close()
        return self

    def settings(self) -> str:
        """Return what `zwilling.toml` has to say of the sensors; waits for the broker, some tenths of a second.

        To be called before the server opens the database.
        """
        # The process starts with this module, and need not wait for what settings take.
        from zwilling.sensor_settings import DATABASE_FILE

        if not (self._folder / "data" / DATABASE_FILE).is_file():
            (self._folder / "data" / _STATE_FILE).unlink(missing_ok=True)  # what was told is gone
        url = ""
        with contextlib.suppress(EOFError, OSError):
            if self._here.poll(_PATIENCE_SECONDS):
                url = self._here.recv()
        if url:
            return _MQTT.format(url=url) + _RULES
        secret = self._folder / _SECRET_FILE
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_urlsafe(32), encoding="ascii")
        return _WEBHOOK + _RULES

    def begin(self, server: str) -> None:
        """Let the sensors send, now that the server answers at an address."""
        with contextlib.suppress(OSError):
            self._here.send(server)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._here.close()  # which the process takes as the end
        self._process.join(timeout=10)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join()
        self._process.close()


@dataclass(frozen=True, slots=True)
class _Part:
    """What the process has to play; attributes as in `DemoSensors`."""

    folder: Path
    buildings: int
    hours: float
    with_broker: bool


def _play(parent: Connection, part: _Part) -> None:
    os.nice(5)  # the first picture comes first
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's Ctrl-C; it tells us when to go
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_until_parent_leaves(parent, part))


async def _until_parent_leaves(parent: Connection, part: _Part) -> None:
    loop = asyncio.get_running_loop()
    heard: asyncio.Queue[str | None] = asyncio.Queue()

    def hear() -> None:
        try:
            heard.put_nowait(parent.recv())
        except (EOFError, OSError):
            loop.remove_reader(parent.fileno())
            heard.put_nowait(None)

    loop.add_reader(parent.fileno(), hear)
    loop.add_signal_handler(signal.SIGTERM, heard.put_nowait, None)
    async with _broker(part) as url:
        parent.send(url)
        server = await heard.get()
        if server is None:
            return
        playing = asyncio.create_task(_told(part, url, server))
        # Nothing more is said until the parent closes its end, or is gone.
        leaving = asyncio.create_task(heard.get())
        await asyncio.wait([playing, leaving], return_when=asyncio.FIRST_COMPLETED)
        if playing.done():
            playing.result()
            await leaving
        playing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await playing


@contextlib.asynccontextmanager
async def _broker(part: _Part) -> AsyncIterator[str]:
    from sensor_overlay.simulate.broker import demo_broker

    async with contextlib.AsyncExitStack() as stack:
        url = ""
        if part.with_broker:
            with contextlib.suppress(SettingsError):
                url = await stack.enter_async_context(demo_broker())
        yield url


async def _told(part: _Part, url: str, server: str) -> None:
    """Play, and say in one line why it ended where it did."""
    try:
        await _simulate(part, url, server)
    except* ZwillingError as group:
        sys.stderr.write(f"sensors: {group.exceptions[0]}\n")


async def _simulate(part: _Part, url: str, server: str) -> None:
    from sensor_overlay import instants
    from sensor_overlay.simulate.plan import draw_up
    from sensor_overlay.simulate.publishing import connected
    from sensor_overlay.simulate.registry import write_registry
    from sensor_overlay.simulate.running import Run, run
    from sensor_overlay.simulate.traffic import Transmission
    from sensor_overlay.simulate.webhook import calling
    from zwilling.sensor_registry import import_files

    folder = part.folder
    plan = await asyncio.to_thread(draw_up, buildings=part.buildings)
    registry = folder / "sensoren.csv"
    write_registry(plan, registry)
    done = await import_files(folder / "zwilling.toml", (registry,), None, dry_run=False, skip_bad=False, retire=False)
    if done.is_refused:
        raise SourceError(str(done.faults[0]) if done.faults else done.line, source=registry)
    state = folder / "data" / _STATE_FILE
    began = instants.now()
    until = _read(state)
    hours = min(part.hours, max((began - until) / instants.HOUR, 0.0))
    latest = until
    secret_file = folder / _SECRET_FILE
    channel = (
        connected(url) if url else calling(f"{server.rstrip('/')}/ingest/chirpstack", secret_file.read_text("ascii"))
    )
    async with channel as publish_one:

        async def send(message: Transmission) -> None:
            nonlocal latest
            await publish_one(message)
            latest = max(latest, message.due)

        async def remember() -> None:
            while True:
                await asyncio.sleep(_STATE_SECONDS)
                state.write_text(str(latest), encoding="ascii")

        wanted = Run(hours=hours, sparse_hours=_SPARSE_HOURS, rate=_RATE, is_school_day=True)
        async with asyncio.TaskGroup() as tasks:
            remembering = tasks.create_task(remember())
            try:
                await run(plan, send, wanted)
            finally:
                remembering.cancel()
                state.write_text(str(latest), encoding="ascii")


def _read(state: Path) -> int:
    """Return the instant up to which an earlier run has told; 0 where there was none."""
    try:
        return int(state.read_text("ascii"))
    except (OSError, ValueError):
        return 0
