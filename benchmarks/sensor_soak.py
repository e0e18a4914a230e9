"""Half an hour of sensors, with broker and twin restarted in it: is everything kept once, and does nothing grow?

Needs mosquitto and Linux (`/proc`).  Run: `python -m benchmarks.sensor_soak`.  The 350 rooms of `zwilling sensors
simulate` send every few seconds instead of every ten minutes, one message in ten twice and one in ten late; the twin
runs as a user starts it (`zwilling serve`), with alerts, viewers that follow and come back, and somebody who asks.

Within the first third the twin is killed and told to stop, and the broker is restarted twice.  Two thirds run
undisturbed, and there memory is looked at: its trend over that time, and files, descriptors, threads and tasks.  Until
the database has 64 MB, memory grows as it does: SQLite keeps so much of it at hand.  On a busy machine it takes longer.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import json
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.measure import machine
from benchmarks.sensor_load import configured, free_port, wait_for_port
from benchmarks.sensors import SETTINGS, environment, until_ready
from sensor_overlay.instants import HOUR, SECOND, now
from sensor_overlay.simulate.days import school_shift
from sensor_overlay.simulate.plan import Plan, draw_up
from sensor_overlay.simulate.registry import write_registry
from sensor_overlay.simulate.traffic import Disorder, Traffic, Transmission

_IN_FLIGHT = 500
_SAMPLE_SECONDS = 10.0
_STEP = 5 * SECOND
_VIEWERS = 20
_PATIENCE_S = 120.0

# Counts what this process alone can count, for the one who watches it from outside.
_TWIN = """
import asyncio, gc, os, sys, threading, time
def count():
    while True:
        time.sleep(10)  # as often as the watcher looks
        tasks = sum(1 for one in gc.get_objects() if isinstance(one, asyncio.Task) and not one.done())
        with open("tasks", "w") as file:
            file.write(f"{os.getpid()} {tasks} {len(gc.get_objects())}")
threading.Thread(target=count, daemon=True).start()
from zwilling.cli import main
main()
"""


def raised(sensors: int, rate: float) -> Plan:
    """Return the plan of the simulator, its sensors sending so often that all together make `rate` uplinks a second."""
    plan = draw_up(sensors=sensors, others=False)
    interval = max(1, round(sensors / rate))
    return dataclasses.replace(
        plan,
        sensors=tuple(
            dataclasses.replace(one, model=dataclasses.replace(one.model, interval=interval)) for one in plan.sensors
        ),
    )


class Publisher:
    """Publishes what the plan's sensors send, with QoS 1, again after each connection until it is confirmed."""

    def __init__(self, plan: Plan, port: int, disorder: Disorder) -> None:
        self.uplinks: set[tuple[str, int]] = set()
        """Device and counter of each frame that the broker has confirmed."""
        self.messages = 0
        # Lessons, whatever day it is: so that there are alerts.
        self._traffic = Traffic(plan, disorder=disorder, shift=school_shift(now()), dead_since=now() - 10 * HOUR)
        self._of: dict[int, Transmission] = {}
        self._confirmed: deque[int] = deque()
        self._free = threading.Semaphore(_IN_FLIGHT)
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id="soak-publisher", clean_session=False, protocol=mqtt.MQTTv311
        )
        self._client.max_inflight_messages_set(_IN_FLIGHT)
        self._client.reconnect_delay_set(1, 2)
        self._client.on_publish = self._note
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def run(self, seconds: float) -> None:
        """Publish for so long, as it happens, and until all of it is confirmed."""
        begin = told = now()
        while told < begin + seconds * SECOND:
            for message in self._traffic.between(told, told + _STEP):
                if (wait := message.due - now()) > 0:
                    time.sleep(wait / SECOND)  # each is sent when it is due
                self._free.acquire()
                self._of[self._client.publish(message.topic, message.body, qos=1).mid] = message
                self._count()
            told += _STEP
        end = time.monotonic() + _PATIENCE_S
        while self._of and time.monotonic() < end:
            time.sleep(0.1)  # the client's own thread confirms
            self._count()
        self._client.disconnect()
        self._client.loop_stop()
        if self._of:
            raise RuntimeError(f"{len(self._of)} messages were never confirmed")

    def _note(self, _client: object, _data: object, mid: int, *_: object) -> None:
        # In the thread of paho, which holds its locks: everything else is done in the thread that publishes.
        self._confirmed.append(mid)
        self._free.release()

    def _count(self) -> None:
        for _ in range(len(self._confirmed)):
            message = self._of.pop(self._confirmed.popleft())
            self.messages += 1
            body = json.loads(message.body)
            self.uplinks.add((body["deviceInfo"]["devEui"], body["fCnt"]))


@dataclasses.dataclass(slots=True)
class Running:
    """The twin and the broker, which end and begin again.

    Attributes:
        folder: of both.
        broker: port.
        web: port.
        processes: `broker` and `twin`.
    """

    folder: Path
    broker: int
    web: int
    processes: dict[str, subprocess.Popen[bytes]] = dataclasses.field(default_factory=dict)

    def start_broker(self) -> None:
        """Start mosquitto, and wait for it."""
        command = configured(self.folder, self.broker)
        self.processes["broker"] = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        wait_for_port(self.broker)

    def start_twin(self) -> None:
        """Start `zwilling serve`, and wait for it."""
        command = [sys.executable, "-c", _TWIN, "serve", "zwilling.toml", "--port", f"{self.web}", "--quiet"]
        with (self.folder / "twin.log").open("ab") as log:
            twin = subprocess.Popen(command, cwd=self.folder, env=environment(), stderr=log)
        self.processes["twin"] = twin
        until_ready(f"http://127.0.0.1:{self.web}", twin)

    def end(self, which: str, number: signal.Signals) -> None:
        """End one of them."""
        self.processes[which].send_signal(number)
        self.processes[which].wait(60)


def sample(running: Running, begin: float) -> dict[str, Any]:
    """Return what the twin and its files are now; sizes in MB."""
    pid = running.processes["twin"].pid
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    fields = dict(line.split(":", 1) for line in status.splitlines())
    data = running.folder / "data"
    found: dict[str, Any] = {
        "seconds": round(time.monotonic() - begin),
        "pid": pid,
        "rss": int(fields["VmRSS"].split()[0]) / 1024,
        "threads": int(fields["Threads"]),
        "descriptors": len(list(Path(f"/proc/{pid}/fd").iterdir())),
    }
    for name, file in (
        ("database", data / "zwilling.db"),
        ("wal", data / "zwilling.db-wal"),
        ("broker", running.folder / "mosquitto.db"),
    ):
        found[name] = file.stat().st_size / 2**20 if file.exists() else 0.0
    with contextlib.suppress(OSError, ValueError):
        owner, tasks, objects = map(int, (running.folder / "tasks").read_text(encoding="utf-8").split())
        if owner == pid:
            found |= {"tasks": tasks, "objects": objects}
    return found


async def view(port: int, seen: list[int]) -> None:
    """Follow `/live` with some WebSockets, and come back when they are closed; until cancelled."""
    from websockets.asyncio.client import connect

    async def one() -> None:
        async for live in connect(f"ws://127.0.0.1:{port}/live", max_size=None, open_timeout=60):
            with contextlib.suppress(Exception):
                async for _ in live:
                    seen[0] += 1

    await asyncio.gather(*(one() for _ in range(_VIEWERS)))


def ask(port: int, over: threading.Event, asked: list[int]) -> None:
    """Ask now and then what viewers and other programs ask, until it is over."""
    paths = (
        "/api/sensors",
        "/readyz",
        "/sta/v1.1/Datastreams?$top=200&$expand=Observations($top=1;$orderby=phenomenonTime%20desc)",
        "/sta/v1.1/Observations?$count=true&$top=10",
    )
    turn = 0
    while not over.wait(1):
        path = paths[turn % len(paths)]
        turn += 1
        with contextlib.suppress(OSError):  # it is away
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30).read()
            asked[0] += 1


def disturb(running: Running, third: float, over: threading.Event, told: list[str]) -> None:
    """Kill and restart, four times within the first third."""
    for name, action in (
        ("twin killed (-9), 5 s away", ("twin", signal.SIGKILL, 5.0)),
        ("broker restarted, 5 s away", ("broker", signal.SIGTERM, 5.0)),
        ("twin told to stop, 20 s away", ("twin", signal.SIGTERM, 20.0)),
        ("broker restarted, 20 s away", ("broker", signal.SIGTERM, 20.0)),
    ):
        if over.wait(third / 5):
            return
        which, number, away = action
        running.end(which, number)
        told.append(name)
        over.wait(away)
        running.start_broker() if which == "broker" else running.start_twin()


def slope(samples: Sequence[dict[str, Any]], key: str) -> float:
    """Return the trend of a figure by least squares, a minute."""
    pairs = [(one["seconds"] / 60, one[key]) for one in samples if key in one]
    if len(pairs) < 2:
        return 0.0
    return statistics.linear_regression([x for x, _ in pairs], [y for _, y in pairs]).slope


def stored(database: Path) -> tuple[set[tuple[str, int]], dict[str, int]]:
    """Return device and counter of each uplink that is kept, and how many rows tables have."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as reader:
        rows = reader.execute("select dev_eui, f_cnt from uplink join thing on thing.id = thing_id").fetchall()
        counts = {
            table: int(reader.execute(f"select count(*) from {table}").fetchone()[0])  # noqa: S608 - named below
            for table in ("uplink", "observation", "alert", "dead_letter")
        }
        counts["counted"] = int(reader.execute("select sum(observations) from latest").fetchone()[0])
        counts["twice"] = int(
            reader.execute(
                "select count(*) from (select 1 from observation where uplink_id is not null"
                " group by datastream_id, phenomenon_time, uplink_id having count(*) > 1)"
            ).fetchone()[0]
        )
    return set(rows), counts


def main() -> None:
    """Run, print a line each minute, and the figures at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=float, default=58)
    parser.add_argument("--sensors", type=int, default=350)
    asked = parser.parse_args()
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as place:
        run(Path(place), asked.minutes * 60, asked.rate, asked.sensors)


def run(folder: Path, seconds: float, rate: float, sensors: int) -> None:
    """Run for so many seconds in a folder."""
    plan = raised(sensors, rate)
    running = Running(folder, free_port(), free_port())
    (folder / "zwilling.toml").write_text(SETTINGS.format(broker=running.broker), encoding="utf-8")
    write_registry(plan, folder / "sensors.csv")
    command = [sys.executable, "-m", "zwilling", "sensors", "import", "sensors.csv"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env=environment())
    over = threading.Event()
    told: list[str] = []
    seen, requests = [0], [0]
    with _ended(running):
        running.start_broker()
        running.start_twin()
        publisher = Publisher(plan, running.broker, Disorder(duplicates=0.1, out_of_order=0.1))
        begin = time.monotonic()
        loop = asyncio.new_event_loop()
        viewing = loop.create_task(view(running.web, seen))
        threads = [
            threading.Thread(target=ask, args=(running.web, over, requests)),
            threading.Thread(target=disturb, args=(running, seconds / 3, over, told)),
            threading.Thread(target=lambda: _until_cancelled(loop, viewing)),
        ]
        publishing = threading.Thread(target=publisher.run, args=(seconds,))
        for thread in (*threads, publishing):
            thread.start()
        samples = []
        while publishing.is_alive():
            publishing.join(_SAMPLE_SECONDS)
            with contextlib.suppress(OSError):  # it is away
                samples.append(sample(running, begin))
                if len(samples) % 6 == 0:
                    print(json.dumps({key: round(value, 1) for key, value in samples[-1].items()}), flush=True)
        _until_all_are_stored(folder / "data" / "zwilling.db", len(publisher.uplinks))
        over.set()
        loop.call_soon_threadsafe(viewing.cancel)
        for thread in threads:
            thread.join()
        loop.close()
        running.end("twin", signal.SIGTERM)
    kept, counts = stored(folder / "data" / "zwilling.db")
    spent = time.monotonic() - begin
    print(f"{sensors} sensors, {spent / 60:.1f} min: " + "; ".join(told))
    print(f"  published {publisher.messages:,} messages of {len(publisher.uplinks):,} uplinks, {rate:g}/s aimed at")
    print(
        f"  stored {counts['uplink']:,} uplinks; missing {len(publisher.uplinks - kept):,},"
        f" never published {len(kept - publisher.uplinks):,}, twice {counts['uplink'] - len(kept) + counts['twice']:,}"
    )
    print(
        f"  {counts['observation']:,} observations (counted {counts['counted']:,}), {counts['alert']:,} alerts,"
        f" {counts['dead_letter']} dead letters, {seen[0]:,} messages to {_VIEWERS} viewers, {requests[0]:,} requests"
    )
    calm = [one for one in samples if one["seconds"] > seconds / 3 + 120]
    for key, unit in (
        *(("rss", "MB"), ("threads", ""), ("descriptors", ""), ("tasks", ""), ("objects", "")),
        *(("database", "MB"), ("wal", "MB"), ("broker", "MB")),
    ):
        values = [one[key] for one in calm if key in one]
        if values:
            print(
                f"  {key:<12} first {values[0]:10,.1f}  least {min(values):10,.1f}  most {max(values):10,.1f}"
                f"  last {values[-1]:10,.1f} {unit:<3} {slope(calm, key):+9.3f} a minute"
            )


def _until_all_are_stored(database: Path, count: int) -> None:
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as reader:
            if reader.execute("select count(*) from uplink").fetchone()[0] >= count:
                return
        time.sleep(0.5)  # SQLite tells no other process of a commit


def _until_cancelled(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        loop.run_until_complete(task)
    left = asyncio.all_tasks(loop)
    for one in left:
        one.cancel()
    loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())


@contextlib.contextmanager
def _ended(running: Running) -> Iterator[None]:
    try:
        yield
    finally:
        for process in running.processes.values():
            if process.poll() is None:
                process.terminate()
                process.wait(60)


if __name__ == "__main__":
    main()
