"""The sensors of a running twin: the store, what comes in, and who is told; put together, started and stopped."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sensor_overlay.access import load_tokens
from sensor_overlay.decode import decode
from sensor_overlay.intake.delivery import Batch
from sensor_overlay.intake.listener import Listener, Patience
from sensor_overlay.intake.pipeline import Limits, Pipeline, waits
from sensor_overlay.intake.sources import sources, webhook_secrets
from sensor_overlay.intake.webhook import Secrets
from sensor_overlay.live.hub import Hub
from sensor_overlay.store.errors import StoreError, StoreUnavailableError
from sensor_overlay.store.known import models
from sensor_overlay.store.opening import Store, open_store
from sensor_overlay.store.writing import Judge, Written, write
from zwilling.sensor_settings import DatabaseSettings, SensorSettings, database_url
from zwilling.settings import Settings

_log = logging.getLogger("zwilling.sensors")

DATABASE_FILE = "zwilling.db"
LEAVING_SECONDS = 5.0
"""For what has come in to be stored when the twin is told to stop."""


class Keeper:
    """The store as `sensor_overlay.intake.pipeline` uses it."""

    def __init__(self, store: Store, judge: Judge | None) -> None:
        self._store = store
        self._judge = judge

    async def models(self, dev_euis: Sequence[str]) -> Mapping[str, str]:
        """See `pipeline.Keeper`."""
        async with self._store.reading() as connection:
            return await models(connection, dev_euis)

    async def write(self, batch: Batch, *, judged: bool, now: int) -> Written:
        """See `pipeline.Keeper`."""
        judge = self._judge if judged else None
        return await write(self._store, batch.arrivals, batch.letters, batch.statuses, judge=judge, now=now)


@dataclass(frozen=True, slots=True)
class Running:
    """What there is once the database could be opened.

    Attributes:
        store: see there.
        hub: see there.
        pipeline: see there.
        listeners: one a broker.
        tasks: theirs.
    """

    store: Store
    hub: Hub
    pipeline: Pipeline
    listeners: tuple[Listener, ...]
    tasks: tuple[asyncio.Task[None], ...]


class Service:
    """The sensors of one twin.

    A database that is away when the twin starts is tried again until it is there; until then `store`, `hub` and
    `pipeline` raise StoreUnavailableError, and the rest of the twin works.

    Attributes:
        settings: `[sensors]`.
        secrets: what callers of webhooks have to show.
        tokens: what callers of everything else may show.
    """

    def __init__(
        self,
        settings: SensorSettings,
        database: DatabaseSettings,
        *,
        base: Path,
        data: Path,
        limits: Limits | None = None,
        patience: Patience | None = None,
    ) -> None:
        """Read what the settings name; nothing is opened yet.

        Args:
            settings: `[sensors]`.
            database: `[database]`.
            base: folder of `zwilling.toml`.
            data: folder `data`.
            limits: of intake; None takes what suits a county.
            patience: with brokers; None takes the usual.

        Raises:
            SettingsError: a secret or a file that the settings name is not there.
        """
        self.settings = settings
        self._url = database_url(database, base, data)
        self._limits = limits or Limits()
        self._patience = patience or Patience()
        self._sources = sources(settings, base)
        self.tokens = load_tokens(base / settings.tokens)
        self.secrets = Secrets(webhook_secrets(settings, base))
        self._running: Running | None = None
        self._opening: asyncio.Task[None] | None = None
        self._leaving: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()
        self._judge: Judge | None = None

    # What there is

    @property
    def store(self) -> Store:
        """The database.

        Raises:
            StoreUnavailableError: it could not be opened yet.
        """
        return self._there().store

    @property
    def hub(self) -> Hub:
        """Tells viewers of changes; raises as `store` does."""
        return self._there().hub

    @property
    def pipeline(self) -> Pipeline:
        """What comes in; raises as `store` does."""
        return self._there().pipeline

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """One a broker; raises as `store` does."""
        return self._there().listeners

    @property
    def is_open(self) -> bool:
        """Whether the database could be opened."""
        return self._running is not None

    def _there(self) -> Running:
        if self._running is None:
            raise StoreUnavailableError("the database could not be opened yet")
        return self._running

    def health(self) -> list[str]:
        """Return what is wrong, a German sentence each that everybody may read; the log knows more."""
        if self._running is None:
            return ["Die Datenbank der Sensoren ist nicht erreichbar."]
        found = self._running.pipeline.troubles()
        for listener in self._running.listeners:
            found += listener.troubles()
        return found

    # Running

    async def start(self) -> None:
        """Open the database and begin to take in; where it is away, go on trying in the background.

        Raises:
            StoreError: the database needs a person before it can be used.
        """
        self._opening = asyncio.create_task(self._open(), name="sensors: opening")
        first = asyncio.create_task(self._tried.wait())
        await asyncio.wait([self._opening, first], return_when=asyncio.FIRST_COMPLETED)
        first.cancel()
        if self._opening.done():
            self._opening.result()

    async def _open(self) -> None:
        pauses = waits(0.5, 10.0)
        while True:
            try:
                store = await open_store(self._url)
                break
            except StoreUnavailableError as error:
                if not self._tried.is_set():
                    _log.error("%s; sensors wait for it", error)
                self._tried.set()
                await asyncio.sleep(next(pauses))
        hub = Hub(store)
        pipeline = Pipeline(Keeper(store, self._judge), decode, written=lambda _: hub.wake(), limits=self._limits)
        listeners = tuple(Listener(source, pipeline, patience=self._patience) for source in self._sources)
        await hub.start()
        pipeline.start()
        tasks = tuple(
            asyncio.create_task(listener.run(), name=f"sensors: broker {listener.source.name}")
            for listener in listeners
        )
        self._running = Running(store, hub, pipeline, listeners, tasks)

    def leave(self) -> None:
        """Take nothing more, end all streams to viewers, and begin to store what has come in: the twin is to stop."""
        if self._running is not None and self._leaving is None:
            self._running.hub.close()
            self._leaving = asyncio.create_task(self._finish(self._running), name="sensors: leaving")

    @staticmethod
    async def _finish(running: Running) -> None:
        for listener in running.listeners:
            listener.leave()
        await running.pipeline.stop(LEAVING_SECONDS)
        if running.tasks:
            # They say goodbye to brokers. What could not be stored is not settled, so brokers keep it.
            _, late = await asyncio.wait(running.tasks, timeout=1.0)
            for task in late:
                task.cancel()
            await asyncio.wait(running.tasks)

    async def stop(self) -> None:
        """Leave, and close everything; some seconds later at most, with all that is stored acknowledged."""
        if self._opening is not None:
            self._opening.cancel()
            with contextlib.suppress(asyncio.CancelledError, StoreError):
                await self._opening
            self._opening = None
        self.leave()
        if self._running is not None and self._leaving is not None:
            await self._leaving
            await self._running.hub.stop()
            await self._running.store.close()
        self._running = self._leaving = None


def service_of(settings: Settings, base: Path) -> Service | None:
    """Return the sensors of a twin, or None where nothing in its settings or its folder speaks of any.

    Args:
        settings: of the twin.
        base: folder of `zwilling.toml`.

    Raises:
        SettingsError: see `Service`.
    """
    data = base / settings.data
    sensors = settings.sensors
    if sensors.broker or sensors.webhook or settings.database.url or (data / DATABASE_FILE).exists():
        return Service(sensors, settings.database, base=base, data=data)
    return None
