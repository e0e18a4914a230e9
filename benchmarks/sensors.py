"""Sensors: uplinks stored each second, how late viewers see them, and how long questions take.

Needs mosquitto (Debian: `apt-get install mosquitto`).  Run: `python -m benchmarks.sensors`; `--large` adds ten million
observations, `--only intake` is one part.  The twin runs as a user starts it (`zwilling serve`), on one core.

- **intake**: 10,000 sensors, alerts on, SQLite. Beside it the limit: the same messages read and acknowledged with
  aiomqtt on one core, and nothing done with them.
- **live**: 300 uplinks a second and 200 WebSockets; how late each value came to each of them.
- **questions**: latest of all 350; 1,000 datastreams each with its newest observation; counting everything.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import machine
from benchmarks.sensor_load import dev_eui, free_port, mosquitto
from benchmarks.server import cpu_seconds

SETTINGS = """\
[region]
profile = "rhein-kreis-neuss"

[[sensors.broker]]
name = "bench"
network = "chirpstack"
url = "mqtt://127.0.0.1:{broker}"

[[sensors.rule]]
id = "co2"
observed_property = "co2"

[[sensors.rule.level]]
name = "lüften"
above = 1000
clear = 900

[[sensors.rule.level]]
name = "dringend lüften"
above = 2000
clear = 1800
readings = 2

[[sensors.rule]]
id = "still"
kind = "silence"
"""
_PATIENCE_S = 60.0
_LISTEN = "Kennung;DevEUI;Modell;Name;Standort;Standortname;Raum;Zugang;Längengrad;Breitengrad;Intervall (min)"


def write_twin(folder: Path, broker: int, sensors: int) -> None:
    """Write the settings of a twin, and import the registry of its sensors."""
    (folder / "zwilling.toml").write_text(SETTINGS.format(broker=broker), encoding="utf-8")
    rows = [
        f"B{n};{dev_eui(n)};Elsys ERS CO2;CO2 {n};S{n % 13:02d};Schule {n % 13};{n};öffentlich;"
        f"{6.69 + n % 100 / 5000:.6f};{51.19 + n // 100 / 5000:.6f};15".replace(".", ",")
        for n in range(sensors)
    ]
    (folder / "sensors.csv").write_text("\n".join([_LISTEN, *rows]) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "zwilling", "sensors", "import", "sensors.csv"]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, env=environment())
    if done.returncode:
        raise RuntimeError(f"the registry was not imported: {done.stderr or done.stdout}")


def environment() -> dict[str, str]:
    """Return the environment of a process that runs this checkout."""
    return os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[1])}


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield address and process id of the twin in `folder`, held to one core."""
    port = free_port()
    command = [sys.executable, "-m", "zwilling", "serve", "zwilling.toml", "--port", str(port), "--quiet"]
    with subprocess.Popen(command, cwd=folder, env=environment()) as process:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(process.pid, {0})
        try:
            address = f"http://127.0.0.1:{port}"
            until_ready(address, process)
            yield address, process.pid
        finally:
            process.terminate()


def until_ready(address: str, process: subprocess.Popen[bytes]) -> None:
    """Return when the twin at `address` answers; it has three minutes.

    Raises:
        RuntimeError: it does not.
    """
    end = time.monotonic() + 180
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/api/sensors", timeout=5).read()  # noqa: S310 - our own
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the twin did not start")


def load(name: str, *arguments: str | float, core: int = 1) -> subprocess.Popen[str]:
    """Return a started process that runs a function of `benchmarks.sensor_load`."""
    code = f"from benchmarks.sensor_load import {name}; {name}(*{arguments!r})"
    command = [sys.executable, "-c", code]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment())
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(process.pid, {core})
    return process


def result(process: subprocess.Popen[str]) -> dict[str, float]:
    """Return what a process of `benchmarks.sensor_load` prints at its end."""
    output, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{process.args!r} ended with status {process.returncode}")
    found: dict[str, float] = json.loads(output.splitlines()[-1])
    return found


def stored(folder: Path) -> int:
    """Return how many uplinks the twin in `folder` has stored, as another reader of its database sees it."""
    with sqlite3.connect(f"file:{folder / 'data' / 'zwilling.db'}?mode=ro", uri=True, timeout=30) as database:
        return int(database.execute("select count(*) from uplink").fetchone()[0])


def until_stored(folder: Path, count: int) -> None:
    """Wait until the twin in `folder` has stored so many uplinks.

    Raises:
        RuntimeError: no more were stored for a minute.
    """
    most, end = 0, time.monotonic() + _PATIENCE_S
    while (now := stored(folder)) < count:
        if now > most:
            most, end = now, time.monotonic() + _PATIENCE_S
        elif time.monotonic() > end:
            raise RuntimeError(f"{now:,} of {count:,} uplinks are stored, and no more come")
        time.sleep(0.2)  # SQLite tells no other process of a commit


def alerts(folder: Path) -> int:
    """Return how many alerts there were."""
    with sqlite3.connect(f"file:{folder / 'data' / 'zwilling.db'}?mode=ro", uri=True, timeout=30) as database:
        return int(database.execute("select count(*) from alert").fetchone()[0])


def intake(count: int, sensors: int, runs: int) -> None:
    """Print uplinks stored each second, and what the same costs where nothing is stored."""
    ours: list[tuple[float, float]] = []
    limit: list[tuple[float, float]] = []
    for turn in range(runs):
        with tempfile.TemporaryDirectory() as place, mosquitto(Path(place)) as broker:
            folder = Path(place)
            write_twin(folder, broker, sensors)

            def ours_once(folder: Path = folder, broker: int = broker) -> None:
                with serving(folder) as (_, pid):
                    begin, cpu = time.monotonic(), cpu_seconds(pid)
                    sender = load("publish", broker, count, sensors, 0, 0)
                    until_stored(folder, count)
                    ours.append(((time.monotonic() - begin), cpu_seconds(pid) - cpu))
                    sent = result(sender)
                    print(f"  published at {sent['sent'] / sent['seconds']:,.0f}/s, {alerts(folder)} alerts")

            def limit_once(broker: int = broker) -> None:
                reader = load("read", broker, count, core=0)
                assert reader.stdout is not None  # noqa: S101 - PIPE was asked for
                reader.stdout.readline()
                sender = load("publish", broker, count, sensors, 0, 20_000)
                found = result(reader)
                result(sender)
                limit.append((found["seconds"], found["cpu"]))

            # The twin's session would keep, and the broker hand out, what the bare reader is measured with.
            for step in (ours_once, limit_once) if turn % 2 == 0 else (limit_once, ours_once):
                step()
    ours_wall, ours_cpu = (statistics.median(column) for column in zip(*ours, strict=True))
    limit_wall, limit_cpu = (statistics.median(column) for column in zip(*limit, strict=True))
    print(f"intake, {count:,} uplinks of {sensors:,} sensors, alerts on, SQLite, one core, {runs} runs")
    print(f"  zwilling       {count / ours_wall:8,.0f}/s   {ours_cpu / count * 1e6:6.0f} µs of CPU each")
    print(f"  reading alone  {count / limit_wall:8,.0f}/s   {limit_cpu / count * 1e6:6.0f} µs of CPU each")
    print(f"  ratio          {limit_wall / ours_wall:8.2f} of its rate, {ours_cpu / limit_cpu:.2f} times its CPU")


def live(rate: int, clients: int, seconds: int, sensors: int) -> None:
    """Print how late values come to viewers."""
    with tempfile.TemporaryDirectory() as place, mosquitto(Path(place)) as broker:
        folder = Path(place)
        write_twin(folder, broker, sensors)
        with serving(folder) as (address, pid):
            # Every datastream is there before anybody listens: sensors are new once.
            result(load("publish", broker, sensors, sensors, 0, 0))
            until_stored(folder, sensors)
            url = address.replace("http", "ws", 1) + "/live"
            listener = load("listen", url, clients, seconds)
            assert listener.stdout is not None  # noqa: S101 - PIPE was asked for
            listener.stdout.readline()
            cpu = cpu_seconds(pid)
            sender = load("publish", broker, rate * (seconds - 3), sensors, rate, 1)
            late = result(listener)
            spent = cpu_seconds(pid) - cpu
            result(sender)
    print(f"live, {rate} uplinks/s of {sensors} sensors, {clients} WebSockets, {seconds - 3} s")
    print(f"  uplink to client: p50 {late['p50']} ms, p95 {late['p95']} ms, p99 {late['p99']} ms")
    print(
        f"  {late['values']:,} values in {late['messages']:,} messages, {late['lost']} connections lost,"
        f" {spent:.1f} CPU s of the twin"
    )


def ask(address: str, path: str, times: int, *, anew: bool = False) -> tuple[list[float], bytes]:
    """Return how long a question took, each time, in seconds, and its last answer.

    SensorThings gives an answer again as long as nothing is written; `anew` makes each question another one, by an
    option that means nothing to it.
    """
    took = []
    answer = b""
    for number in range(times):
        other = f"{'&' if '?' in path else '?'}ask={number}" if anew else ""
        begin = time.perf_counter()
        with urllib.request.urlopen(f"{address}{path}{other}", timeout=60) as reply:  # noqa: S310 - our own
            answer = reply.read()
        took.append(time.perf_counter() - begin)
    return took, answer


def tell(name: str, took: Sequence[float], size: int) -> None:
    """Print the median and 95th percentile of a question."""
    ordered = sorted(took)
    p95 = ordered[min(int(len(ordered) * 0.95), len(ordered) - 1)]
    print(f"  {name:<66} median {statistics.median(ordered) * 1e3:7.1f} ms  p95 {p95 * 1e3:7.1f} ms  {size:9,} B")


LATEST = "/sta/v1.1/Datastreams?$top=10000&$expand=Observations($orderby=phenomenonTime%20desc;$top=1)"
CO2 = "&$filter=ObservedProperty/name%20eq%20'CO2'"


def questions(*, is_large: bool) -> None:
    """Print how long questions take over HTTP."""
    for sensors, turns in ((350, 20), (1_000, 5)):
        with tempfile.TemporaryDirectory() as place, mosquitto(Path(place)) as broker:
            folder = Path(place)
            write_twin(folder, broker, sensors)
            with serving(folder) as (address, _):
                result(load("publish", broker, sensors * turns, sensors, 0, 0))
                until_stored(folder, sensors * turns)
                print(f"questions over HTTP, {sensors} sensors with six datastreams each")
                _ask_all(address, sensors)
                if is_large and sensors == 1_000:
                    print("the same with ten million observations")
                    _fill(folder, 10_000_000)
                    _ask_all(address, sensors)


def _ask_all(address: str, sensors: int) -> None:
    for name, path, times in (
        ("/api/sensors", "/api/sensors", 30),
        (f"latest CO2 of all {sensors} (SensorThings, $expand, $top=1)", LATEST + CO2, 20),
        ("1,000 datastreams, each with its newest observation", LATEST.replace("10000", "1000"), 20),
        ("count of all observations", "/sta/v1.1/Observations?$count=true&$top=0", 30),
        ("newest 100 observations", "/sta/v1.1/Observations?$orderby=phenomenonTime%20desc&$top=100", 20),
    ):
        took, answer = ask(address, path, times, anew=path.startswith("/sta/"))
        tell(name, took, len(answer))
    took, answer = ask(address, LATEST + CO2, 20)
    tell(f"latest CO2 of all {sensors}, given again", took, len(answer))


def _fill(folder: Path, count: int) -> None:
    """Add observations to every datastream, older than those there are, and count them where the store counts."""
    with sqlite3.connect(folder / "data" / "zwilling.db", timeout=60) as database:
        streams = [row[0] for row in database.execute("select datastream_id from latest order by 1")]
        each = count // len(streams)
        first = int(database.execute("select max(id) from observation").fetchone()[0]) + 1
        database.execute(
            """insert into observation (id, phenomenon_time, datastream_id, result_time, result, quality)
            with recursive turn(n) as (select 0 union all select n + 1 from turn where n < ? - 1)
            select ? + n * ? + row_number() over () - 1 - n * ?,
              1700000000000000 + n * 900000000, datastream_id, 1700000000000000 + n * 900000000, 400 + n % 600, 0
            from turn, latest""",
            (each, first, len(streams), len(streams)),
        )
        database.execute("update latest set observations = observations + ?, first_time = 1700000000000000", (each,))
        newest = database.execute("select max(id) from observation").fetchone()[0]
        database.execute("update counter set value = ? where name = 'observation'", (newest,))


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("intake", "live", "questions"))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--uplinks", type=int, default=20_000)
    parser.add_argument("--sensors", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--rate", type=int, default=300)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--large", action="store_true", help="ask with ten million observations, too")
    asked = parser.parse_args()
    print(machine())
    if asked.only in (None, "intake"):
        intake(asked.uplinks, asked.sensors, asked.runs)
    if asked.only in (None, "live"):
        live(asked.rate, asked.clients, asked.seconds, 1_000)
    if asked.only in (None, "questions"):
        questions(is_large=asked.large)


if __name__ == "__main__":
    main()
