"""Whatever stops a batch, nothing of it is kept; and the same batch again is kept exactly once."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select

from sensor_overlay.instants import HOUR, MINUTE
from sensor_overlay.store.errors import StoreError, StoreUnavailableError
from sensor_overlay.store.letters import Letter
from sensor_overlay.store.opening import Commit, Store, open_store
from sensor_overlay.store.schema import counter, dead_letter, thing, uplink
from sensor_overlay.store.writing import Change, Written, write
from sensor_overlay.uplink import DeviceStatus, Reading
from tests.sensor_overlay.databases import Cluster
from tests.sensor_overlay.store.stores import newest, observations, rows, using
from tests.sensor_overlay.store.uplinks import NOON, ROOM, arrival

NEIGHBOUR = "a81758fffe0abcdf"
FIRST = [arrival(count, at=NOON + count * MINUTE) for count in range(3)]
# New and known devices, properties and frames; a copy that moves one; remembered values; a letter; a status.
BATCH = [
    *FIRST[1:],
    arrival(0, at=NOON - MINUTE),
    arrival(9, at=NOON + 9 * MINUTE, readings={"co2": 1.0, "ammonia": 2.0}, history=((NOON, Reading("ammonia", 3.0)),)),
    arrival(0, at=NOON, dev_eui=NEIGHBOUR),
]
LETTERS = [Letter(source="county", network="tts", topic="", body=b"?", cause="not-json", detail="", received=NOON)]
STATUSES = [DeviceStatus(dev_eui=ROOM, battery=50.0)]


class Quiet:
    """A judge with one statement of its own."""

    async def judge(self, commit: Commit, _changes: Sequence[Change]) -> None:
        await commit.connection.execute(select(func.count()).select_from(thing))


async def write_first(store: Store) -> None:
    await write(store, FIRST, now=NOON + HOUR)


async def write_batch(store: Store) -> Written:
    return await write(store, BATCH, LETTERS, STATUSES, judge=Quiet(), now=NOON + HOUR)


async def contents(store: Store) -> list[Any]:
    """Return all that a batch may change, but numbers that may have gaps."""
    return [
        await observations(store),
        await newest(store),
        await rows(store, select(uplink.c.time, uplink.c.f_cnt, uplink.c.is_decoded).order_by(uplink.c.id)),
        await rows(store, select(dead_letter.c.body, dead_letter.c.times)),
        await rows(store, select(thing.c.dev_eui, thing.c.uplinks, thing.c.battery).order_by(thing.c.dev_eui)),
        await rows(store, select(counter.c.name, counter.c.value).order_by(counter.c.name)),
    ]


class FaultError(Exception):
    """What the tests inject."""


@contextmanager
def failing_at(store: Store, number: int) -> Iterator[None]:
    """Let the `number`-th statement of the writer fail, the commit being one."""
    seen = 0

    def count(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            raise FaultError

    engine = store._writer.sync_engine
    event.listen(engine, "before_cursor_execute", count)
    event.listen(engine, "commit", count)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", count)
        event.remove(engine, "commit", count)


def test_each_statement_fails_once_and_the_batch_is_kept_once(database_url: str) -> None:
    async def body(store: Store) -> None:
        await write_first(store)
        before = await contents(store)
        store.memory.clear()
        number = 1
        while True:
            try:
                with failing_at(store, number):
                    await write_batch(store)
                break
            except FaultError:
                pass
            assert await contents(store) == before, f"statement {number} left something behind"
            number += 1
        assert number > 15
        after = await contents(store)
        assert len(after[0]) == 3 + 4
        await write_batch(store)
        assert (await contents(store))[0] == after[0]

    using(database_url, body)


def kill_at(url: str, number: int) -> bool:
    """Write the batch in a process that kills itself at the `number`-th statement; return whether it came so far."""
    child = os.fork()
    if child == 0:  # pragma: no cover - it ends by kill or by _exit
        status = 1
        try:

            async def run() -> None:
                store = await open_store(url)
                seen = 0

                def count(*_: object) -> None:
                    nonlocal seen
                    seen += 1
                    if seen == number:
                        os.kill(os.getpid(), signal.SIGKILL)

                event.listen(store._writer.sync_engine, "before_cursor_execute", count)
                event.listen(store._writer.sync_engine, "commit", count)
                await write_batch(store)

            asyncio.run(run())
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


# The child uses no other thread: it writes, and is gone.
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_killed_at_each_statement_nothing_is_half_written(database_url: str) -> None:
    async def first(store: Store) -> list[Any]:
        await write_first(store)
        return await contents(store)

    before = using(database_url, first)
    number = 1
    while kill_at(database_url, number):
        assert using(database_url, contents) == before, f"killed at statement {number}, something was left behind"
        number += 1
    assert number > 15
    after = using(database_url, contents)
    assert len(after[0]) == 3 + 4

    async def again(store: Store) -> tuple[int, int]:
        written = await write_batch(store)
        return written.stored, written.observations

    assert using(database_url, again) == (0, 0)


def test_a_locked_file_is_waited_for_and_then_told(tmp_path: Path) -> None:
    path = tmp_path / "zwilling.db"

    async def run() -> None:
        store = await open_store(path, patience=0.05)
        other = sqlite3.connect(path, isolation_level=None)
        try:
            other.execute("begin immediate")
            with pytest.raises(StoreUnavailableError, match=r"zwilling\.db: the database cannot be used now .*locked"):
                await write_batch(store)
            assert await observations(store) == []  # who reads does not wait
            other.execute("rollback")
            assert (await write_batch(store)).stored == 5
        finally:
            other.close()
            await store.close()

    asyncio.run(run())


def test_a_full_disk_is_waited_for(tmp_path: Path) -> None:
    async def body(store: Store) -> None:
        await write_first(store)
        before = await contents(store)
        async with store._writer.connect() as connection:
            pages = (await connection.exec_driver_sql("pragma page_count")).scalar_one()
            await connection.exec_driver_sql(f"pragma max_page_count={pages}")
        many = [arrival(count, at=NOON + count * MINUTE, payload=bytes(200)) for count in range(100, 400)]
        for _ in range(3):
            with pytest.raises(StoreUnavailableError, match="full"):
                await write(store, many, now=NOON + 9 * HOUR)
            assert await contents(store) == before
        async with store._writer.connect() as connection:
            await connection.exec_driver_sql("pragma max_page_count=1000000")
        assert (await write(store, many, now=NOON + 9 * HOUR)).stored == 300

    using(str(tmp_path / "zwilling.db"), body)


def test_a_full_disk_of_postgresql_is_waited_for(cluster: Cluster, postgresql_url: str) -> None:
    name = postgresql_url.rsplit("/", 1)[1]

    async def body(store: Store) -> None:
        await write_first(store)
        before = await contents(store)
        cluster.run(
            name,
            "create function full_disk() returns trigger language plpgsql as"
            " $$ begin raise exception 'could not extend file' using errcode = 'disk_full'; end $$;"
            " create trigger full_disk before insert on uplink execute function full_disk()",
        )
        with pytest.raises(StoreUnavailableError, match="could not extend file"):
            await write_batch(store)
        assert await contents(store) == before
        cluster.run(name, "drop trigger full_disk on uplink")
        assert (await write_batch(store)).stored == 2

    using(postgresql_url, body)


class Interrupting:
    """A judge in whose time something happens, once."""

    def __init__(self, happening: Callable[[], object]) -> None:
        self.happening: Callable[[], object] | None = happening

    async def judge(self, commit: Commit, _changes: Sequence[Change]) -> None:
        happening, self.happening = self.happening, None
        if happening is not None:
            happening()
        await commit.connection.execute(select(func.count()).select_from(thing))


def test_postgresql_crashes_in_mid_batch_and_comes_back(cluster: Cluster, postgresql_url: str) -> None:
    async def body(store: Store) -> None:
        await write_first(store)
        before = await contents(store)
        judge = Interrupting(lambda: cluster.stop("immediate"))
        with pytest.raises(StoreUnavailableError):
            await write(store, BATCH, LETTERS, STATUSES, judge=judge, now=NOON + HOUR)
        with pytest.raises(StoreUnavailableError):
            await write_batch(store)
        with pytest.raises(StoreUnavailableError):
            async with store.reading() as connection:
                await connection.execute(select(thing.c.id))
        cluster.start()
        assert await contents(store) == before
        assert (await write_batch(store)).stored == 2
        assert (await write_batch(store)).stored == 0

    try:
        using(postgresql_url, body)
    finally:
        if not (cluster.folder / "postmaster.pid").exists():
            cluster.start()


def test_our_session_is_ended_in_mid_batch(cluster: Cluster, postgresql_url: str) -> None:
    name = postgresql_url.rsplit("/", 1)[1]
    kill = (
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
        " and pid <> pg_backend_pid()"
    )

    async def body(store: Store) -> None:
        judge = Interrupting(lambda: cluster.run(name, kill))
        with pytest.raises(StoreUnavailableError):
            await write(store, BATCH, judge=judge, now=NOON + HOUR)
        assert await observations(store) == []
        assert (await write(store, BATCH, judge=judge, now=NOON + HOUR)).stored == 5

    using(postgresql_url, body)


def test_no_server_at_all(cluster: Cluster) -> None:
    with pytest.raises(StoreUnavailableError, match="the database cannot be used now"):
        using("postgresql://nobody@127.0.0.1:1/nothing", contents)
    with pytest.raises(StoreError, match="does not exist"):
        using(f"postgresql://postgres@127.0.0.1:{cluster.port}/nothing", contents)


def test_a_caller_that_is_cancelled_leaves_nothing(database_url: str) -> None:
    async def body(store: Store) -> None:
        await write_first(store)
        before = await contents(store)
        reached = asyncio.Event()

        class Waiting:
            async def judge(self, _commit: Commit, _changes: Sequence[Change]) -> None:
                reached.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(write(store, BATCH, judge=Waiting(), now=NOON + HOUR))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await contents(store) == before
        assert (await write_batch(store)).stored == 2

    using(database_url, body)


def test_a_damaged_file_is_told_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "zwilling.db"
    path.write_bytes(b"this is no database, whatever its name says" * 100)
    with pytest.raises(StoreError, match=r"zwilling\.db: the database is damaged .*; stop the twin"):
        using(str(path), contents)


def test_damage_in_the_middle_is_told_too(tmp_path: Path) -> None:
    path = tmp_path / "zwilling.db"
    using(str(path), write_first)
    with sqlite3.connect(path) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
        root, size = connection.execute(
            "select rootpage, (select page_size from pragma_page_size) from sqlite_schema where name = 'uplink'"
        ).fetchone()
    connection.close()
    content = bytearray(path.read_bytes())
    content[(root - 1) * size : root * size] = b"\xff" * size
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        using(str(path), write_batch)
