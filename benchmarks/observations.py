"""The store of observations by itself: batches written, questions asked, old observations removed.

Run: `python -m benchmarks.observations`; `--url postgresql://…` takes an empty PostgreSQL database instead of an SQLite
file, `--observations 10000000` fills it with as many first. Processor time is that of this process: with PostgreSQL the
server's own comes on top.

The limit for writing is the same rows put into the same tables by the driver alone, without looking whether they are
there, what is the latest, and whose they are (SQLite only).
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path

from sqlalchemy import text, update

from benchmarks.measure import machine
from sensor_overlay.access import PUBLIC
from sensor_overlay.instants import DAY, MINUTE, SECOND, parse
from sensor_overlay.live.picture import Picture
from sensor_overlay.sensorthings.answering import read
from sensor_overlay.store.opening import Commit, Counter, Store, open_store
from sensor_overlay.store.partitions import make_room
from sensor_overlay.store.reading import hourly_means
from sensor_overlay.store.retention import keep
from sensor_overlay.store.schema import latest, thing
from sensor_overlay.store.writing import Arrival, Change, write
from sensor_overlay.uplink import Decoded, Reading, Uplink

NOON = parse("2026-11-20T12:00:00Z")
KEYS = ("co2", "temperature", "humidity", "illuminance", "battery")
BATCH = 500


class Glance:
    """A judge that looks at every value, and does nothing."""

    seen = 0

    async def judge(self, _commit: Commit, changes: Sequence[Change]) -> None:
        """Count values that are high."""
        self.seen += sum(1 for change in changes if change.result > 99)


def batch(number: int, devices: int) -> list[Arrival]:
    """Return a batch of uplinks, each device in its turn."""
    arrivals = []
    for index in range(number * BATCH, (number + 1) * BATCH):
        time_sent = NOON + index * SECOND // 100
        sent = Uplink(
            network="chirpstack",
            dev_eui=f"{index % devices:016x}",
            time=time_sent,
            dev_addr="01020304",
            f_cnt=index // devices,
            f_port=5,
            payload=index.to_bytes(15, "big"),
            deduplication_id=f"5d0f2f5e-6a1c-4c0b-9f3e-{index:012x}",
            name="r204",
            profile="ERS-CO2",
            rssi=-97.0,
            snr=7.5,
        )
        readings = tuple(Reading(key, 50.0 + index % 50) for key in KEYS)
        arrivals.append(Arrival(uplink=sent, decoded=Decoded(readings), received=time_sent, source="bench"))
    return arrivals


async def writing(store: Store, devices: int, batches: int) -> None:
    """Print what an uplink costs, and what it costs to recognise it."""
    judge = Glance()
    for number in range(devices // BATCH):  # things and datastreams are made
        await write(store, batch(number, devices), judge=judge, now=NOON)
    costs = []
    first = devices // BATCH
    for number in range(first, first + batches):
        given = batch(number, devices)
        begin = time.process_time()
        await write(store, given, judge=judge, now=NOON)
        costs.append((time.process_time() - begin) / BATCH)
    begin = time.process_time()
    again = await write(store, given, judge=judge, now=NOON)
    cost = (time.process_time() - begin) / BATCH
    assert again.stored == 0  # noqa: S101 - a benchmark of something else would be none
    print(f"write, an uplink of {len(KEYS)} values, {devices} devices: {statistics.median(costs) * 1e3:.3f} ms CPU")
    print(f"the same batch again, an uplink:                  {cost * 1e3:.3f} ms CPU")


def limit(folder: Path, batches: int) -> None:
    """Print what the driver alone takes for the rows of an uplink."""
    path = folder / "limit.db"
    asyncio.run(_made(path))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("pragma synchronous=FULL")
        connection.execute("insert into thing (name, is_registered) values ('', true)")
        connection.execute("insert into sensor (name, metadata) values ('', '')")
        connection.execute("insert into observed_property (name) values ('')")
        stream = "insert into datastream (name, thing_id, sensor_id, observed_property_id, observation_type)"
        connection.execute(
            f"with recursive n(i) as (select 1 union all select i + 1 from n where i < 50000) {stream}"  # noqa: S608
            " select '', 1, 1, 1, '' from n"
        )
        frame = "insert into uplink values (?, 1, ?, ?, '01020304', '', ?, 5, ?, ?, 1)"
        value = "insert into observation (id, phenomenon_time, datastream_id, result, quality) values (?, ?, ?, ?, 0)"
        newest = "insert or replace into latest (datastream_id, sequence, observations, first_time, last_time) values"
        costs = []
        for number in range(batches):
            ids = range(number * BATCH, (number + 1) * BATCH)
            frames = [(index, NOON, NOON, index, b"0" * 15, f"{index:036}") for index in ids]
            values = [
                (index * 5 + key, NOON + index, index * 5 % 50_000 + key + 1, 1.0) for index in ids for key in range(5)
            ]
            begin = time.process_time()
            connection.execute("begin immediate")
            connection.executemany(frame, frames)
            connection.executemany(value, values)
            connection.executemany(f"{newest} (?, 1, 1, 1, 1)", [(row[2],) for row in values])
            connection.execute("commit")
            costs.append((time.process_time() - begin) / BATCH)
    print(f"limit, the driver alone, an uplink:               {statistics.median(costs) * 1e3:.3f} ms CPU")


async def _made(path: Path) -> None:
    await (await open_store(path)).close()


async def fill(store: Store, count: int) -> None:
    """Add observations of the last 90 days to the datastreams that there are, past `write`."""
    async with store.reading() as connection:
        streams = await connection.scalar(text("select count(*) from datastream")) or 1
    each = count // streams
    step = 90 * DAY // each
    async with store.writing(NOON) as commit:
        if store.dialect == "postgresql":
            await make_room(commit, [NOON - days * DAY for days in range(91)])
        first = await commit.numbers(Counter.OBSERVATION, each * streams)
        for begin in range(0, each, 20):
            numbers = ", ".join(f"({number})" for number in range(begin, min(begin + 20, each)))
            await commit.connection.execute(
                text(
                    "insert into observation (id, phenomenon_time, datastream_id, result_time, result, quality)"  # noqa: S608 - numbers
                    f" select {first} + n.i * {streams} + d.id - 1, {NOON} - {step} * ({each} - n.i), d.id, {NOON},"
                    f" 50.0 + n.i % 10, 0 from (select column1 as i from (values {numbers}) v) n, datastream d"
                )
            )
        counted = update(latest).values(observations=latest.c.observations + each, first_time=NOON - step * each)
        await commit.connection.execute(counted)


async def questions(store: Store) -> None:
    """Print what questions cost."""
    async with store.writing(NOON) as commit:
        await commit.connection.execute(
            update(thing).where(thing.c.id <= 350).values(is_registered=True, access="public")
        )
        if store.dialect == "postgresql":
            await commit.connection.execute(text("analyze"))
    await store.analyse(NOON)  # as each night does

    async def asked(what: str, question: Callable[[], Awaitable[object]]) -> None:
        costs, walls = [], []
        for _ in range(40):
            begin, start = time.process_time(), time.perf_counter()
            await question()
            costs.append(time.process_time() - begin)
            walls.append(time.perf_counter() - start)
        cpu = statistics.quantiles(costs, n=20)
        wall = statistics.quantiles(walls, n=20)
        print(
            f"{what:<49} {cpu[9] * 1e3:.1f} ms CPU (95 %: {cpu[18] * 1e3:.1f}),"
            f" wall {wall[9] * 1e3:.1f} (95 %: {wall[18] * 1e3:.1f})"
        )

    async def picture() -> None:
        async with store.reading() as connection:
            await Picture().load(connection, NOON)

    def sensorthings(path: str, query: str) -> Callable[[], Awaitable[object]]:
        return lambda: read(store, PUBLIC, path, query, "http://twin.example/sta/v1.1")

    async def by_hour() -> None:
        async with store.reading() as connection:
            await hourly_means(connection, 7, NOON - 90 * DAY, NOON, PUBLIC)

    newest = "$expand=Observations($orderby=phenomenonTime desc;$top=1)"
    await asked("picture for viewers, 350 things, 1,750 values:", picture)
    await asked(
        "latest CO2 of 350:", sensorthings("Datastreams", f"$top=350&{newest}&$filter=ObservedProperty/name eq 'CO2'")
    )
    await asked("1,000 datastreams with their newest:", sensorthings("Datastreams", f"$top=1000&{newest}"))
    await asked("count:", sensorthings("Observations", "$count=true&$top=0"))
    await asked("90 days of a datastream by the hour:", by_hour)


async def removing(store: Store, devices: int) -> None:
    """Print what it costs to remove a week, and how long intake waits meanwhile."""
    waited: list[float] = []
    ended = asyncio.Event()

    async def intake() -> None:
        number = 1_000
        while not ended.is_set():
            given = batch(number, devices)[:50]
            begin = time.perf_counter()
            await write(store, given, now=NOON)
            waited.append(time.perf_counter() - begin)
            number += 1
            await asyncio.sleep(0.1)

    task = asyncio.create_task(intake())
    begin, wall = time.process_time(), time.perf_counter()
    kept = await keep(store, NOON + 7 * DAY + 10 * MINUTE, days=90, letter_days=30)
    cpu, wall = time.process_time() - begin, time.perf_counter() - wall
    ended.set()
    await task
    print(f"retention of {kept.observations} observations: {cpu:.1f} s CPU with the intake's, wall {wall:.1f} s")
    print(f"a batch of 50 uplinks waited meanwhile, at most:  {max(waited) * 1e3:.0f} ms")


async def measured(url: str, devices: int, batches: int, observations: int) -> None:
    """Print all figures of one database."""
    store = await open_store(url)
    try:
        await writing(store, devices, batches)
        if observations:
            await fill(store, observations)
            print(f"with {observations} observations:")
        await questions(store)
        if observations:
            await removing(store, devices)
    finally:
        await store.close()


def main() -> None:
    """Print the machine and the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="of an empty PostgreSQL database; else an SQLite file in a temporary folder")
    parser.add_argument("--devices", type=int, default=10_000)
    parser.add_argument("--batches", type=int, default=40)
    parser.add_argument("--observations", type=int, default=0, help="beside those of the batches")
    options = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        url = options.url or f"{folder}/zwilling.db"
        asyncio.run(measured(url, options.devices, options.batches, options.observations))
        if not options.url:
            limit(Path(folder), options.batches)


if __name__ == "__main__":
    main()
