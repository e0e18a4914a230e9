"""An intake in a process of its own, which can be killed; run as a program it is that process."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sensor_overlay.intake.delivery import Batch
from sensor_overlay.intake.pipeline import Pipeline
from sensor_overlay.service import Keeper, Service
from sensor_overlay.store.writing import Written
from tests.lines import Lines
from tests.sensor_overlay.brokers import WAIT
from tests.sensor_overlay.faults.running import QUICK
from zwilling.settings import load_settings

SETTINGS = """
[[sensors.broker]]
name = "cs"
network = "chirpstack"
url = "mqtt://127.0.0.1:{port}"
protocol = "{protocol}"
"""


@dataclass(slots=True)
class Instance:
    """A running process."""

    process: subprocess.Popen[bytes]
    _lines: Lines = field(init=False)

    def __post_init__(self) -> None:
        self._lines = Lines(self.process.stdout, WAIT)

    def stored(self, number: int) -> None:
        """Return when the database holds so many uplinks; the process says so after each commit."""
        while True:
            line = self._lines.next()
            assert line, self.process.poll()
            if int(line) >= number:
                return

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait(WAIT)

    def died(self) -> None:
        """Return when it has killed itself."""
        assert self.process.wait(WAIT) == -signal.SIGKILL

    def stop(self) -> None:
        """Tell it to leave, and return when it has."""
        self.process.terminate()
        assert self.process.wait(WAIT) == 0


def write_settings(folder: Path, port: int, protocol: str = "5") -> Path:
    """Write the settings of a twin that listens to the broker at `port`; return their file."""
    folder.mkdir(exist_ok=True)
    (folder / "data").mkdir(exist_ok=True)
    path = folder / "zwilling.toml"
    path.write_text(SETTINGS.format(port=port, protocol=protocol))
    return path


@contextmanager
def instance(settings: Path, *how: str) -> Iterator[Instance]:
    """Give an intake in a process of its own; `how` it dies, or misbehaves: see `main`."""
    command = [sys.executable, "-m", __name__, str(settings), *how]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            yield Instance(process)
        finally:
            process.kill()


def die() -> None:
    """End this process without another step."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_in_batch(number: int, when: str) -> None:
    """Have this process end in the `number`-th batch, at one point of its way."""
    seen = 0

    def is_it() -> bool:
        nonlocal seen
        seen += 1
        return seen == number

    if when == "before":
        keep = Pipeline._keep

        async def keep_or_die(self: Pipeline, pairs: Any) -> bool:
            if is_it():
                die()
            return await keep(self, pairs)

        Pipeline._keep = keep_or_die  # type: ignore[method-assign]
        return

    class Deadly:
        async def judge(self, *_: object) -> None:
            if when == "within" and is_it():
                die()

    write = Keeper.write

    async def write_and_die(self: Keeper, batch: Batch, *, judged: bool, now: int) -> Written:
        self._judge = Deadly()
        written = await write(self, batch, judged=judged, now=now)
        if when == "after" and is_it():
            die()
        return written

    Keeper.write = write_and_die  # type: ignore[method-assign]


def acknowledge_early() -> None:
    """Do what must never be done: tell the broker at once that everything is kept."""
    put = Pipeline.put

    def put_settled(self: Pipeline, delivery: Any) -> None:
        delivery.settle()
        put(self, delivery)

    Pipeline.put = put_settled  # type: ignore[method-assign]


def main(settings_file: str, *how: str) -> None:
    """Run an intake until SIGTERM, and print how many uplinks its database holds after each commit.

    Args:
        settings_file: `zwilling.toml`.
        how: `before=3`, `within=3` or `after=3` to die in the third batch, before its transaction, within it or
            after it; `early` to acknowledge before anything is stored.
    """
    for word in how:
        if word == "early":
            acknowledge_early()
        else:
            when, _, number = word.partition("=")
            die_in_batch(int(number), when)
    base = Path(settings_file).parent
    settings = load_settings(Path(settings_file))
    asyncio.run(run(Service(settings.sensors, settings.database, base=base, data=base / "data", patience=QUICK), base))


async def run(service: Service, base: Path) -> None:
    """Run a service until SIGTERM."""

    def tell() -> None:
        with closing(sqlite3.connect(base / "data" / "zwilling.db", timeout=WAIT)) as database:
            (number,) = database.execute("select count(*) from uplink").fetchone()
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()

    asked = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked.set)
    await service.start()
    wake: Callable[[], None] = service.hub.wake

    def woken() -> None:
        wake()
        tell()

    service.hub.wake = woken  # type: ignore[method-assign]
    for listener in service.listeners:
        await listener.listening()
    tell()
    await asked.wait()
    await service.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
