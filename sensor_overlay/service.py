"""The sensors of a running twin: the store, what comes in, who is told; put together, started and stopped."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sensor_overlay import instants
from sensor_overlay.access import WatchedTokens
from sensor_overlay.alerts import Alerts, Listening, keep_watch
from sensor_overlay.codecs import codecs, rest, troubles
from sensor_overlay.configured import has_sensors
from sensor_overlay.decode import decode, may_wait
from sensor_overlay.intake.delivery import WEBHOOK, Batch
from sensor_overlay.intake.listener import Listener, Patience
from sensor_overlay.intake.pipeline import Limits, Pipeline, waits
from sensor_overlay.intake.sources import sources, webhook_secrets
from sensor_overlay.intake.webhook import Secrets
from sensor_overlay.live.hub import Hub
from sensor_overlay.live.scales import UNRATED, Scales
from sensor_overlay.live.sites import Classes
from sensor_overlay.rules.rule import calendar_of, compile_rules
from sensor_overlay.store.errors import StoreError, StoreUnavailableError
from sensor_overlay.store.known import models
from sensor_overlay.store.opening import Store, open_store
from sensor_overlay.store.retention import keep_nightly
from sensor_overlay.store.writing import Judge, Written, write
from sensor_overlay.telling import senders_of, trouble
from zwilling.errors import SettingsError
from zwilling.region import Region, load_region
from zwilling.sensor_settings import DatabaseSettings, SensorSettings, database_url
from zwilling.settings import Settings, region_profile

_log = logging.getLogger("zwilling.sensors")

LEAVING_SECONDS = 5.0
"""For what has come in to be stored when the twin is told to stop."""
_LOOK_SECONDS = 30.0


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


@dataclass(slots=True)
class Running:
    """What there is once the database could be opened.

    Attributes:
        store: see there.
        hub: see there.
        pipeline: see there.
        listeners: one a broker.
        listening: tasks that end by themselves when their listener leaves.
        others: tasks that run until they are cancelled.
        broken: names of tasks that ended by a mistake of ours.
        untold: recipients that something could not be sent to, as of the last look.
    """

    store: Store
    hub: Hub
    pipeline: Pipeline
    listeners: tuple[Listener, ...]
    listening: list[asyncio.Task[None]] = field(default_factory=list)
    others: list[asyncio.Task[None]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)

    def spawn(self, work: Coroutine[object, object, None], name: str) -> asyncio.Task[None]:
        """Return a task whose unforeseen end is told."""
        task = asyncio.create_task(work, name=f"sensors: {name}")

        def ended(_: asyncio.Task[None]) -> None:
            if not task.cancelled() and (error := task.exception()) is not None:
                _log.critical("%s stopped by a mistake of ours", name, exc_info=error)
                self.broken.append(name)

        task.add_done_callback(ended)
        return task


class Service:
    """The sensors of one twin.

    A database that is away when the twin starts is tried again until it is there; until then `store`, `hub` and
    `pipeline` raise StoreUnavailableError, and the rest of the twin works.

    Attributes:
        settings: `[sensors]`.
        secrets: what callers of webhooks have to show.
        tokens: what callers of everything else may show; the file is looked at again when it changes.
        alerts: by whose rules values are judged.
    """

    def __init__(
        self,
        settings: SensorSettings,
        database: DatabaseSettings,
        *,
        base: Path,
        data: Path,
        region: Region | None = None,
        title: str = "",
        limits: Limits | None = None,
        patience: Patience | None = None,
    ) -> None:
        """Read what the settings name; nothing is opened yet.

        Args:
            settings: `[sensors]`.
            database: `[database]`.
            base: folder of `zwilling.toml`.
            data: folder `data`.
            region: whose holidays are quiet; None takes the one that is shipped.
            title: of the twin, as messages name it; empty takes the region's.
            limits: of intake; None takes what suits a county.
            patience: with brokers; None takes the usual.

        Raises:
            SettingsError: a secret or a file that the settings name is not there, or a rule is about nothing.
        """
        region = region or load_region()
        self.settings = settings
        self.tokens = WatchedTokens(base / settings.tokens)
        self.secrets = Secrets(webhook_secrets(settings, base))
        self.alerts = Alerts(compile_rules(settings, calendar_of(region, settings, base)))
        self._scales = Scales(self.alerts.rules.levels)
        self._classes = _classes(settings, self._scales)
        self._base = base
        self._title = title or region.title
        self._url = database_url(database, base, data)
        self._sources = sources(settings, base)
        self._limits = limits or Limits()
        self._patience = patience or Patience()
        self._running: Running | None = None
        self._opening: asyncio.Task[None] | None = None
        self._leaving: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()

    # What there is

    @property
    def is_open(self) -> bool:
        """Whether the database could be opened."""
        return self._running is not None

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
        found += troubles()
        if self._running.broken:
            found.append("Ein Teil des Dienstes steht still; das Protokoll nennt den Fehler. Bitte neu starten.")
        if self._running.untold:
            untold = len(self._running.untold)
            found.append(
                "Ein Empfänger ist nicht erreichbar; Meldungen an ihn warten."
                if untold == 1
                else f"{untold} Empfänger sind nicht erreichbar; Meldungen an sie warten."
            )
        return found

    def listening(self) -> Listening:
        """Return since when uplinks can come in without a break, by the broker that they come from."""
        storing = self._running.pipeline.storing_since if self._running is not None else None
        if self._running is None or storing is None:
            return Listening()
        since: dict[str, int | None] = {WEBHOOK: storing}
        for listener in self._running.listeners:
            own = listener.listening_since
            since[listener.source.name] = None if own is None else max(own, storing)
        known = [instant for instant in since.values() if instant is not None]
        return Listening(since, max(known) if len(known) == len(since) else None)

    # Running

    async def start(self) -> None:
        """Open the database and begin to take in; where it is away, go on trying in the background.

        Raises:
            StoreError: the database needs a person before it can be used.
            SettingsError: a secret that the settings name is not there.
        """
        # Installed ones are tried now, so that the log names a broken one before the first uplink.
        await asyncio.to_thread(codecs)
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
            except StoreError as error:
                if not self._tried.is_set():
                    raise
                _log.error("%s", error)
            await asyncio.sleep(next(pauses))
        try:
            await self._begin(store)
        except BaseException:
            await store.close()
            raise

    async def _begin(self, store: Store) -> None:
        senders = senders_of(store, self.settings, self.alerts.rules.recipients, self._base, self._title)
        hub = Hub(store, scales=self._scales, classes=self._classes)
        keeper = Keeper(store, self.alerts)
        pipeline = Pipeline(keeper, decode, may_wait=may_wait, written=lambda _: hub.wake(), limits=self._limits)
        listeners = tuple(Listener(source, pipeline, patience=self._patience) for source in self._sources)
        running = Running(store, hub, pipeline, listeners)
        await hub.start()
        pipeline.start()
        running.listening = [running.spawn(one.run(), f"broker {one.source.name}") for one in listeners]
        sensors = self.settings
        watch = keep_watch(store, self.alerts, self.listening, lambda: hub.wake())
        running.others = [
            running.spawn(watch, "alerts"),
            running.spawn(_look_at(running), "look at messages"),
            running.spawn(
                keep_nightly(store, days=sensors.keep_days, letter_days=sensors.keep_letters_days), "retention"
            ),
            *(running.spawn(sender.run(), "messages") for sender in senders),
        ]
        self._running = running

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
        # Listeners say goodbye to brokers. What could not be stored is not settled, so brokers keep it.
        await _end(running.listening, patience=1.0)
        await _end(running.others)

    async def stop(self) -> None:
        """Leave, and close everything; some seconds later at most, with all that is stored acknowledged."""
        if self._opening is not None:
            self._opening.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await self._opening
            self._opening = None
        self.leave()
        if self._running is not None and self._leaving is not None:
            await self._leaving
            await self._running.hub.stop()
            await self._running.store.close()
        self._running = self._leaving = None
        rest()


def _classes(settings: SensorSettings, scales: Scales) -> Classes:
    for key in settings.site_classes:
        if scales.usual(key) == UNRATED:
            raise SettingsError(
                f"values of '{key}' have no levels, so a site has no class of them",
                where="sensors.site_classes",
                remedy="write a rule with levels for it, or name 'co2'",
            )
    return Classes(tuple(dict.fromkeys(settings.site_classes)), settings.site_classes_least)


async def _end(tasks: Sequence[asyncio.Task[None]], *, patience: float = 0.0) -> None:
    """Return when tasks have ended: by themselves within `patience` seconds, or cancelled then."""
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=patience)
    for task in late:
        task.cancel()
    await asyncio.wait(tasks)


async def _look_at(running: Running) -> None:
    """Note now and then who cannot be told anything."""
    while True:
        with contextlib.suppress(StoreError, StoreUnavailableError):
            async with running.store.reading() as connection:
                found = await trouble(connection, instants.now())
            running.untold = [f"{one.channel} {one.recipient}" for one in found]
        await asyncio.sleep(_LOOK_SECONDS)


def service_of(settings: Settings, base: Path) -> Service | None:
    """Return the sensors of a twin, or None where nothing in its settings or its folder speaks of any.

    Args:
        settings: of the twin.
        base: folder of `zwilling.toml`.

    Raises:
        SettingsError: see `Service`.
    """
    if not has_sensors(settings, base):
        return None
    return Service(
        settings.sensors,
        settings.database,
        base=base,
        data=base / settings.data,
        region=load_region(region_profile(settings, base)),
        title=settings.region.title,
    )
