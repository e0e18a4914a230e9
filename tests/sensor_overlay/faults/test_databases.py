"""What databases do to us: published is stored, each once, as soon as they let us; and everybody can see why not."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from sensor_overlay.intake.pipeline import Limits
from tests.sensor_overlay.brokers import Broker, broker
from tests.sensor_overlay.databases import Cluster
from tests.sensor_overlay.faults.running import QUERIES, Intake, Kept, intake, kept, listening_to
from tests.sensor_overlay.faults.test_brokers import publish
from tests.sensor_overlay.network_server import uplinks as made

TRYING = Limits(first_wait=0.05, longest_wait=0.2)


async def trouble(running: Intake) -> str:
    """Return what is wrong, as soon as something is."""
    while not running.service.health():
        await asyncio.sleep(0.005)
    return running.service.health()[0]


async def disturbed(running: Intake, broker_: Broker, disturbance: Iterator[None]) -> None:
    """Publish 500 uplinks, of which 400 meet a database that is away."""
    await asyncio.to_thread(publish, broker_.port, made(100))
    await running.stored(100)
    next(disturbance)
    await asyncio.to_thread(publish, broker_.port, made(500)[100:])
    assert (await trouble(running)).startswith("Die Datenbank ist seit ")
    assert running.pipeline.counts.stored == 100
    next(disturbance, None)
    await running.stored(500)
    assert running.service.health() == []


def locked(folder: Path) -> Iterator[None]:
    with closing(sqlite3.connect(folder / "zwilling.db", isolation_level=None)) as other:
        other.execute("begin exclusive")
        yield
        other.execute("rollback")


def test_a_database_that_somebody_else_has_locked(tmp_path: Path) -> None:
    async def test(broker_: Broker) -> None:
        async with intake(tmp_path / "twin", listening_to(broker_), limits=TRYING) as running:
            await disturbed(running, broker_, locked(tmp_path / "twin"))

    with broker(tmp_path / "broker") as broker_:
        asyncio.run(test(broker_))
    assert kept(tmp_path / "twin").uplinks == 500
    assert kept(tmp_path / "twin").is_each_once


@contextmanager
def small_files(most: int) -> Iterator[None]:
    """Let no file of this process grow beyond `most` bytes: what a full disk is to SQLite."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def full_disk(folder: Path) -> Iterator[None]:
    written = max(path.stat().st_size for path in folder.glob("zwilling.db*"))
    with small_files(written):
        yield


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    async def test(broker_: Broker) -> None:
        async with intake(tmp_path / "twin", listening_to(broker_), limits=TRYING) as running:
            await disturbed(running, broker_, full_disk(tmp_path / "twin"))

    with broker(tmp_path / "broker") as broker_:
        asyncio.run(test(broker_))
    assert kept(tmp_path / "twin").uplinks == 500
    assert kept(tmp_path / "twin").is_each_once


def stopped(cluster: Cluster, mode: str) -> Iterator[None]:
    cluster.stop(mode)
    yield
    cluster.start()


def kept_in(cluster: Cluster, url: str) -> Kept:
    name = url.rpartition("/")[2]
    uplinks, observations, instants, counted = (int(cluster.run(name, query)) for query in QUERIES)
    return Kept(uplinks, observations, instants, counted)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_postgresql_stopped_and_started(tmp_path: Path, cluster: Cluster, postgresql_url: str, mode: str) -> None:
    async def test(broker_: Broker) -> None:
        async with intake(tmp_path / "twin", listening_to(broker_), url=postgresql_url, limits=TRYING) as running:
            await disturbed(running, broker_, stopped(cluster, mode))

    with broker(tmp_path / "broker") as broker_:
        asyncio.run(test(broker_))
    assert kept_in(cluster, postgresql_url).uplinks == 500
    assert kept_in(cluster, postgresql_url).is_each_once


def test_postgresql_that_is_not_there_when_we_start(tmp_path: Path, cluster: Cluster, postgresql_url: str) -> None:
    async def test(broker_: Broker) -> None:
        cluster.stop()
        try:
            async with intake(tmp_path / "twin", listening_to(broker_), url=postgresql_url, wait=False) as running:
                assert running.service.health() == ["Die Datenbank der Sensoren ist nicht erreichbar."]
                await asyncio.to_thread(cluster.start)
                while running.service.health():
                    await asyncio.sleep(0.005)
                running.note_commits()
                await asyncio.to_thread(publish, broker_.port, made(100))
                await running.stored(100)
        finally:
            cluster.stop()  # where something failed before it was started
            cluster.start()

    with broker(tmp_path / "broker") as broker_:
        asyncio.run(test(broker_))


def test_no_more_than_is_in_flight_comes_before_it_is_stored(tmp_path: Path) -> None:
    async def test(broker_: Broker) -> None:
        async with intake(tmp_path / "twin", listening_to(broker_, in_flight=50), limits=TRYING) as running:
            lock = locked(tmp_path / "twin")
            next(lock)
            await asyncio.to_thread(publish, broker_.port, made(500))
            await trouble(running)
            assert running.pipeline.counts.received == 50
            next(lock, None)
            await running.stored(500)

    with broker(tmp_path / "broker") as broker_:
        asyncio.run(test(broker_))
    assert kept(tmp_path / "twin").is_each_once


@pytest.mark.slow
def test_a_database_that_is_locked_for_thirty_seconds_while_uplinks_come(tmp_path: Path) -> None:
    async def test(broker_: Broker) -> None:
        async with intake(tmp_path / "twin", listening_to(broker_)) as running:
            lock = locked(tmp_path / "twin")
            next(lock)
            for begin in range(0, 3000, 100):
                await asyncio.to_thread(publish, broker_.port, made(3000)[begin : begin + 100])
                await asyncio.sleep(1)  # what is tested is that it lasts
            assert running.pipeline.counts.stored == 0
            next(lock, None)
            await running.stored(3000)

    with broker(tmp_path / "broker") as broker_:
        asyncio.run(test(broker_))
    assert kept(tmp_path / "twin").uplinks == 3000
    assert kept(tmp_path / "twin").is_each_once
