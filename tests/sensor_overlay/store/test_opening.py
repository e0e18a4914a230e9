"""Databases are made, brought up to date and refused; several processes may do it at once."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from sensor_overlay.instants import HOUR
from sensor_overlay.store.errors import StoreError, StoreUnavailableError
from sensor_overlay.store.opening import Store, open_store
from sensor_overlay.store.schema import metadata, thing, uplink
from sensor_overlay.store.writing import write
from tests.sensor_overlay.store.stores import observations, rows, using
from tests.sensor_overlay.store.uplinks import NOON, arrival


def test_the_migrations_make_the_tables_that_the_program_has(database_url: str) -> None:
    def difference(connection: Connection) -> list[Any]:
        def is_ours(_object: object, name: str | None, kind: str, *_: object) -> bool:
            return not (kind == "table" and name is not None and name.startswith("observation_"))

        options = {
            "compare_type": True,
            "compare_server_default": connection.dialect.name == "postgresql",
            "include_object": is_ours,
        }
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    async def body(store: Store) -> None:
        async with store.reading() as connection:
            assert await connection.run_sync(difference) == []

    using(database_url, body)


def test_a_second_opening_changes_nothing(database_url: str) -> None:
    async def body(store: Store) -> int:
        return (await write(store, [arrival(1)], now=NOON)).sequence

    assert using(database_url, body) == 1
    assert using(database_url, body) == 2


def test_a_database_of_a_newer_program_is_refused(database_url: str) -> None:
    async def age(store: Store) -> None:
        async with store.writing(NOON) as commit:
            await commit.connection.execute(text("update alembic_version set version_num = '9999'"))

    using(database_url, age)
    with pytest.raises(StoreError, match=r"a newer version of the program .*9999.*; install that version"):
        using(database_url, age)


def test_processes_that_start_at_once_agree(database_url: str) -> None:
    program = (
        "import asyncio, sys; from sensor_overlay.store.opening import open_store\n"
        "async def run():\n"
        "    store = await open_store(sys.argv[1], patience=60)\n"
        "    async with store.writing(1) as commit: print(commit.sequence)\n"
        "    await store.close()\n"
        "asyncio.run(run())"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", program, database_url], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    told = [process.communicate(timeout=120)[0] for process in started]
    assert sorted(told) == ["1\n", "2\n", "3\n", "4\n"]


def test_several_instances_share_the_load(database_url: str) -> None:
    """Two stores on one database, as two processes have them: each uplink once, what one makes the other finds."""

    async def run() -> None:
        first, second = await open_store(database_url), await open_store(database_url)
        try:
            batches = [[arrival(count, at=NOON + count * 60_000_000) for count in range(n, n + 12)] for n in range(8)]
            written = await asyncio.gather(
                *(write(store, batch, now=NOON + HOUR) for batch in batches for store in (first, second))
            )
            assert sum(one.stored for one in written) == 19
            assert sorted(one.sequence for one in written) == list(range(1, 17))
            assert len(await observations(first)) == 19
            assert len(await rows(second, select(thing.c.id))) == 1
            async with second.writing(NOON) as commit:  # somebody registers the device in the other process
                await commit.connection.execute(thing.update().values(is_test=True))
                await commit.registry_changed()
            tested = await write(first, [arrival(50, at=NOON + HOUR)], now=NOON + HOUR)
            assert tested.changes[0].thing.is_test
        finally:
            await first.close()
            await second.close()

    asyncio.run(run())


def test_other_users_of_the_machine_cannot_read_the_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "zwilling.db"
    using(str(path), observations)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600  # noqa: PTH116


def test_names_of_libpq_are_understood_in_addresses(postgresql_url: str) -> None:
    using(f"{postgresql_url}?sslmode=disable", observations)
    with pytest.raises(StoreUnavailableError, match="SSL"):
        using(f"{postgresql_url}?sslmode=require", observations)
    with pytest.raises(StoreError, match="'sslroot', which is not known here"):
        using(f"{postgresql_url}?sslroot=x", observations)


@pytest.mark.parametrize("prefix", ["", "sqlite:///"])
def test_a_path_is_taken_as_it_is(tmp_path: Path, prefix: str) -> None:
    path = tmp_path / "50 % + ä?#" / "zwilling.db"
    using(f"{prefix}{path}", observations)
    assert path.exists()


def test_readers_cannot_write(database_url: str) -> None:
    async def body(store: Store) -> None:
        async with store.reading() as connection:
            with pytest.raises(Exception, match=r"read-?only"):
                await connection.execute(uplink.delete())

    using(database_url, body)


@pytest.mark.parametrize(
    ("url", "message"),
    [("mysql://host/name", "'mysql' are not known"), ("://", "no address"), ("sqlite://", "are not known")],
)
def test_addresses_that_are_none(url: str, message: str) -> None:
    with pytest.raises(StoreError, match=message):
        using(url, observations)


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be opened"):
        using(str(tmp_path / "file" / "zwilling.db"), observations)


def test_passwords_are_not_in_what_is_told() -> None:
    async def run() -> None:
        with pytest.raises(Exception, match="127") as caught:
            await open_store("postgresql://somebody:secret1@127.0.0.1:1/name", password="secret2")  # noqa: S106
        assert "secret" not in str(caught.value)

    asyncio.run(run())


def test_whoever_is_cancelled_while_connecting_leaves_no_connection_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_asked, may_open = threading.Event(), threading.Event()
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def slowly(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        is_asked.set()
        may_open.wait()
        opened.append(connect(*args, **kwargs))
        return opened[-1]

    async def ask(store: Store) -> None:
        async with store.reading():
            raise AssertionError("cancelled before it could read")

    async def body() -> None:
        store = await open_store(tmp_path / "zwilling.db")
        monkeypatch.setattr(sqlite3, "connect", slowly)
        asking = asyncio.create_task(ask(store))
        await asyncio.to_thread(is_asked.wait)
        asking.cancel()
        await asyncio.sleep(0)
        may_open.set()
        assert isinstance((await asyncio.gather(asking, return_exceptions=True))[0], asyncio.CancelledError)
        await store.close()

    asyncio.run(body())
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opened[0].total_changes  # noqa: B018 - asked for the error alone


def test_readers_are_closed_whole_even_if_whoever_looked_at_tables_is_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispose = AsyncEngine.dispose

    async def body() -> None:
        is_closing, may_close = asyncio.Event(), asyncio.Event()
        closed: list[AsyncEngine] = []

        async def slowly(engine: AsyncEngine) -> None:
            is_closing.set()
            await may_close.wait()
            await dispose(engine)
            closed.append(engine)

        store = await open_store(tmp_path / "zwilling.db")
        monkeypatch.setattr(AsyncEngine, "dispose", slowly)
        looking = asyncio.create_task(store.analyse(NOON))
        await is_closing.wait()
        looking.cancel()
        await asyncio.sleep(0)
        may_close.set()
        assert isinstance((await asyncio.gather(looking, return_exceptions=True))[0], asyncio.CancelledError)
        assert len(closed) == 1
        await store.close()

    asyncio.run(body())


@pytest.mark.parametrize("is_writing", [False, True])
def test_what_is_in_use_when_the_store_is_closed_is_closed_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_writing: bool
) -> None:
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def noted(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        opened.append(connect(*args, **kwargs))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", noted)

    async def body() -> None:
        store = await open_store(tmp_path / "zwilling.db")
        is_at_it, may_end = asyncio.Event(), asyncio.Event()

        async def use() -> None:
            async with store.writing() if is_writing else store.reading():
                is_at_it.set()
                await may_end.wait()

        using = asyncio.create_task(use())
        await is_at_it.wait()
        closing = asyncio.create_task(store.close())
        for _ in range(3):
            await asyncio.sleep(0)
        assert not closing.done()
        may_end.set()
        await asyncio.gather(using, closing)

    asyncio.run(body())
    for connection in opened:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.total_changes  # noqa: B018 - asked for the error alone


def test_whoever_reads_while_readers_are_renewed_gets_one_that_is_closed_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[sqlite3.Connection] = []
    connect, dispose = sqlite3.connect, AsyncEngine.dispose

    def noted(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        opened.append(connect(*args, **kwargs))
        return opened[-1]

    async def body() -> None:
        is_closing, may_close = asyncio.Event(), asyncio.Event()

        async def slowly(engine: AsyncEngine) -> None:
            is_closing.set()
            await may_close.wait()
            await dispose(engine)

        async def read() -> None:
            async with store.reading() as connection:
                assert (await connection.execute(text("select 1"))).scalar() == 1

        store = await open_store(tmp_path / "zwilling.db")
        await read()
        monkeypatch.setattr(sqlite3, "connect", noted)
        monkeypatch.setattr(AsyncEngine, "dispose", slowly)
        looking = asyncio.create_task(store.analyse(NOON))
        await is_closing.wait()
        reading = asyncio.create_task(read())
        for _ in range(3):
            await asyncio.sleep(0)
        assert not opened
        may_close.set()
        await asyncio.gather(looking, reading)
        await store.close()

    asyncio.run(body())
    assert len(opened) == 1
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opened[0].total_changes  # noqa: B018 - asked for the error alone
