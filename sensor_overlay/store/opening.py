"""Opening the database, and the two ways to use it: reading, and the one serialised transaction that writes."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import URL, bindparam, event, make_url, select, text, update
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from sensor_overlay.instants import now as present
from sensor_overlay.store.errors import StoreError, translated
from sensor_overlay.store.migrations import migrate
from sensor_overlay.store.schema import counter

_T = TypeVar("_T")

WRITERS_LOCK: Final = 0x5A57494C4C494E47
"""The advisory lock that a writing transaction on PostgreSQL holds."""

_PATIENCE_SECONDS = 5
_GOODBYE_SECONDS = 10
_READERS = 4
_LOOKED_AT = 1_000


class Counter(enum.StrEnum):
    """The rows of table `counter`."""

    COMMIT = "commit"
    """The sequence of changes that viewers follow: one more with each writing transaction."""
    REGISTRY = "registry"
    """One more with each change of things and datastreams that other processes may remember."""
    UPLINK = "uplink"
    """The greatest id in `uplink` so far."""
    OBSERVATION = "observation"
    """The greatest id in `observation` so far."""
    RESTATED = "restated"
    """One more with each removal or correction of observations."""
    KEPT = "kept"
    """Instant at which retention last came to its end; 0 where it never has."""
    RAW_SINCE = "raw_since"
    """Instant before which retention has removed single observations; 0 where it never has."""


@dataclass(slots=True)
class Commit:
    """A writing transaction: no other writes until it ends.

    Attributes:
        connection: within the transaction.
        sequence: of this commit; stands in each row of `latest` and `alert` that it changes.
        now: server time.
        counters: as they are in this transaction.
        memory: see `Store.memory`; forgotten as a whole where the transaction is undone.
    """

    connection: AsyncConnection
    sequence: int
    now: int
    counters: dict[str, int] = field(repr=False)
    memory: dict[str, Any] = field(repr=False)

    async def numbers(self, name: Counter, count: int) -> int:
        """Return the first of `count` new numbers in a row."""
        first = self.counters[name] + 1
        self.counters[name] += count
        await self.connection.execute(_SET_COUNTER, {"named": name.value, "now": self.counters[name]})
        return first

    async def registry_changed(self) -> None:
        """Tell every process, this one too, that things or datastreams are not as it remembers them."""
        await self.numbers(Counter.REGISTRY, 1)


_SET_COUNTER = update(counter).where(counter.c.name == bindparam("named")).values(value=bindparam("now"))
_ALL_COUNTERS = select(counter.c.name, counter.c.value)
_NEXT_COMMIT = update(counter).where(counter.c.name == Counter.COMMIT.value).values(value=counter.c.value + 1)


class Store:
    """An open database; see `open_store`.

    Attributes:
        source: its name for people and logs, without a password.
        dialect: `sqlite` or `postgresql`.
        memory: what modules remember between transactions, by their name; changed within transactions only.
    """

    def __init__(self, source: str, writer: AsyncEngine, readers: AsyncEngine) -> None:
        self.source = source
        self.dialect = writer.dialect.name
        self.memory: dict[str, Any] = {}
        self._writer = writer
        self._readers = readers
        self._turn = asyncio.Lock()
        self._in_use = {writer: 0, readers: 0}
        self._idle, self._may_read = asyncio.Event(), asyncio.Event()
        self._idle.set()
        self._may_read.set()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection that sees one state of the database (SQLite) or each statement's (PostgreSQL).

        Raises:
            StoreUnavailableError: see there.
            StoreError: see there.
        """
        with translated(self.source):
            async with self._connected(self._readers) as connection:
                yield connection

    @asynccontextmanager
    async def writing(self, now: int | None = None) -> AsyncIterator[Commit]:
        """Give the one transaction that writes; it is committed where the block ends, and undone where it raises.

        Nobody should be cancelled within it but by a service that ends: SQLAlchemy then gives the connection up, and
        its lock on an SQLite file may stay until the process is gone.

        Args:
            now: server time; the clock's where None.

        Raises:
            StoreUnavailableError: see there.
            StoreError: see there.
        """
        async with self._turn:
            try:
                with translated(self.source):
                    async with self._connected(self._writer) as connection, connection.begin():
                        if self.dialect == "postgresql":
                            await lock_writers(connection)
                        await connection.execute(_NEXT_COMMIT)
                        counters = {row[0]: row[1] for row in await connection.execute(_ALL_COUNTERS)}
                        sequence = counters[Counter.COMMIT.value]
                        yield Commit(connection, sequence, present() if now is None else now, counters, self.memory)
            except BaseException:
                self.memory.clear()  # it may tell of rows that were undone
                raise

    @asynccontextmanager
    async def aside(self) -> AsyncIterator[AsyncConnection]:
        """Give a transaction beside the one that writes (PostgreSQL only), for work that takes long.

        Raises:
            StoreUnavailableError: see there.
            StoreError: see there.
        """
        with translated(self.source):
            async with self._connected(self._writer) as connection, connection.begin():
                yield connection

    async def analyse(self, now: int) -> None:
        """Let SQLite look at its tables, by which it plans questions; PostgreSQL does that by itself.

        Else it goes through all values to find those of the few things that are public.
        """
        if self.dialect == "sqlite":
            async with self.writing(now) as commit:
                await commit.connection.exec_driver_sql(f"pragma analysis_limit={_LOOKED_AT}")
                await commit.connection.exec_driver_sql("analyze")
            # What was found is read when a connection is opened. Connections in use would be left behind unclosed, as
            # would those that are opened meanwhile; with some in use readers plan as before until the next time.
            if not self._in_use[self._readers]:
                self._may_read.clear()
                try:
                    await _whole(asyncio.ensure_future(self._readers.dispose()))
                finally:
                    self._may_read.set()

    async def close(self) -> None:
        """Close every connection; those in use when they are handed back, for which this waits a while."""
        # A pool forgets connections that are not in it.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await self._idle.wait()
        await self._readers.dispose()
        await self._writer.dispose()

    @asynccontextmanager
    async def _connected(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        """Give a connection of an engine's, and hand it back; see `close` and `analyse`."""
        while engine is self._readers and not self._may_read.is_set():
            await self._may_read.wait()
        self._in_use[engine] += 1
        self._idle.clear()
        try:
            async with _connected(engine) as connection:
                yield connection
        finally:
            self._in_use[engine] -= 1
            if not any(self._in_use.values()):
                self._idle.set()


@asynccontextmanager
async def _connected(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Give a connection of an engine's, and hand it back.

    Whoever is cancelled while one is being opened waits for it and closes it: nobody else knows of it yet.
    """
    opening = asyncio.ensure_future(engine.connect().start())
    try:
        connection = await _whole(opening)
    except asyncio.CancelledError:
        if opening.exception() is None:
            await opening.result().close()
        raise
    try:
        yield connection
    finally:
        await _whole(asyncio.ensure_future(connection.close()))


async def _whole(work: asyncio.Future[_T]) -> _T:
    """Return what `work` gives; whoever is cancelled meanwhile waits for its end first."""
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise


async def lock_writers(connection: AsyncConnection) -> None:
    """Wait until no other transaction writes, and keep others from it until this one ends (PostgreSQL)."""
    await connection.execute(text(f"select pg_advisory_xact_lock({WRITERS_LOCK})"))


async def open_store(
    url: str | Path, *, password: str = "", readers: int = _READERS, patience: float = _PATIENCE_SECONDS
) -> Store:
    """Return the database at `url`, brought up to this program's version.

    Args:
        url: path of an SQLite file, which is made where there is none; or `postgresql://user@host:port/name`.
        password: of that user, where it does not stand in a place that PostgreSQL's clients know (`~/.pgpass`).
        readers: connections that read at the same time.
        patience: seconds to wait for somebody else's lock.

    Raises:
        StoreError: the URL is none, a driver is missing, the database is damaged, refuses us, or a newer version of
            the program has been at it.
        StoreUnavailableError: it does not answer, or is locked.
    """
    address = _address(url)
    is_file = address.get_backend_name() == "sqlite"
    source = address.database if is_file else address.set(drivername="postgresql").render_as_string()
    if password:
        address = address.set(password=password)
    milliseconds = round(patience * 1000)
    engines = (_sqlite if is_file else _postgresql)(address, readers, milliseconds)
    store = Store(str(source), *engines)
    try:
        with translated(store.source):
            async with engines[0].begin() as connection:
                if store.dialect == "postgresql":
                    await lock_writers(connection)
                await connection.run_sync(migrate, store.source)
    except BaseException:
        await store.close()
        raise
    return store


def _address(url: str | Path) -> URL:
    """Return the address with the driver that is used for it."""
    written = str(url)
    file = written.removeprefix("sqlite:///")  # a path may hold what means something in URLs
    if file and ("://" not in written or file != written):
        return URL.create("sqlite+aiosqlite", database=str(Path(file).absolute()))
    try:
        address = make_url(written)
    except (ArgumentError, ValueError) as error:
        raise StoreError("this is no address of a database", remedy="write postgresql://user@host/name") from error
    backend = address.get_backend_name()
    if backend in ("postgresql", "postgres"):
        query = {_QUERY.get(key, key): value for key, value in address.query.items()}
        unknown = sorted(query.keys() - {"host", "port", "ssl"})
        if unknown:
            raise StoreError(f"the address of the database has {unknown[0]!r}, which is not known here")
        return address.set(drivername="postgresql+asyncpg", query=query)
    raise StoreError(
        f"databases of the kind {backend!r} are not known", remedy="write postgresql://user@host/name, or a file's path"
    )


_QUERY = {"sslmode": "ssl"}  # libpq's name, which everybody knows, and the driver's


def _documents() -> dict[str, Any]:
    return {
        "json_serializer": lambda value: msgspec.json.encode(value).decode(),
        "json_deserializer": msgspec.json.decode,
    }


def _sqlite(address: URL, readers: int, patience: int) -> tuple[AsyncEngine, AsyncEngine]:
    """Return the engines of one writer and of several readers, who do not wait for it (write-ahead log)."""
    path = Path(str(address.database))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Not for every user of the machine to read. Only a new file is opened: to close one that another connection of
        # this process has open would drop SQLite's locks on it (sqlite.org/howtocorrupt.html, 2.2).
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        if not path.is_file() or not os.access(path, os.R_OK | os.W_OK):
            raise StoreError("the database cannot be opened: no file to read and write", source=path) from None
    except OSError as error:
        raise StoreError(f"the database cannot be opened ({error.strerror})", source=path) from error
    # What is acknowledged must outlive a power cut: FULL waits for the disk once a transaction, and one holds hundreds
    # of uplinks.
    pragmas = (
        f"busy_timeout={patience}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        "wal_autocheckpoint=8000",
        "journal_size_limit=67108864",
    )

    def engine(size: int, begin: str, *more: str) -> AsyncEngine:
        made = create_async_engine(address, pool_size=size, max_overflow=0, pool_timeout=30, **_documents())

        @event.listens_for(made.sync_engine, "connect")
        def _connected(connection: Any, _record: object) -> None:
            connection.isolation_level = None  # the driver would begin transactions by itself, and not at once
            cursor = connection.cursor()
            for pragma in (*pragmas, *more):
                cursor.execute(f"pragma {pragma}")
            cursor.close()

        @event.listens_for(made.sync_engine, "begin")
        def _begun(connection: Any) -> None:
            connection.exec_driver_sql(begin)

        return made

    return engine(1, "begin immediate", "cache_size=-65536"), engine(readers, "begin", "query_only=ON")


def _postgresql(address: URL, readers: int, patience: int) -> tuple[AsyncEngine, AsyncEngine]:
    """Return the engines of one writer and of several readers."""

    def engine(size: int, **server_settings: str) -> AsyncEngine:
        settings = {"application_name": "zwilling", "jit": "off", "timezone": "UTC", **server_settings}
        return create_async_engine(
            address,
            pool_size=size,
            max_overflow=0,
            pool_timeout=30,
            pool_pre_ping=True,
            connect_args={"timeout": 10, "command_timeout": 60, "server_settings": settings},
            **_documents(),
        )

    try:
        writer = engine(
            2,  # one for `Store.aside`
            lock_timeout=f"{patience}ms",
            # A process that stopped in mid-transaction must not keep the others from writing.
            idle_in_transaction_session_timeout="60s",
        )
        return writer, engine(readers, default_transaction_read_only="on")
    except ModuleNotFoundError as error:
        raise StoreError(
            "PostgreSQL needs a driver that is not installed", remedy="pip install 'zwilling[postgres]'"
        ) from error
