"""A running intake in the test's own event loop, and a look into its database with nothing of ours."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sensor_overlay.intake.listener import Listener, Patience
from sensor_overlay.intake.pipeline import Limits, Pipeline
from sensor_overlay.service import Service
from tests.sensor_overlay.brokers import WAIT, Broker
from zwilling.sensor_settings import BrokerSettings, DatabaseSettings, SensorSettings

QUICK = Patience(first=0.05, longest=0.2)


def listening_to(broker: Broker, name: str = "cs", **settings: Any) -> BrokerSettings:
    """Return the settings that name a broker of the tests."""
    return BrokerSettings(
        **{"name": name, "network": "chirpstack", "url": f"mqtt://127.0.0.1:{broker.port}", **settings}
    )


@dataclass(slots=True)
class Intake:
    """A running service.

    Attributes:
        service: the service.
        folder: of its database, where that is SQLite.
    """

    service: Service
    folder: Path
    _committed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def pipeline(self) -> Pipeline:
        """Its pipeline."""
        return self.service.pipeline

    @property
    def listener(self) -> Listener:
        """Its first listener."""
        return self.service.listeners[0]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return when something holds after a commit."""
        async with asyncio.timeout(WAIT):
            while not holds():
                self._committed.clear()
                await self._committed.wait()

    async def stored(self, number: int) -> None:
        """Return when so many uplinks are stored."""
        await self.until(lambda: self.pipeline.counts.stored >= number)

    def note_commits(self) -> None:
        """Notice each commit: the hub is woken then."""
        wake = self.service.hub.wake

        def woken() -> None:
            wake()
            self._committed.set()

        self.service.hub.wake = woken  # type: ignore[method-assign]


@asynccontextmanager
async def intake(
    folder: Path,
    *brokers: BrokerSettings,
    url: str = "",
    limits: Limits | None = None,
    patience: Patience = QUICK,
    wait: bool = True,
) -> AsyncIterator[Intake]:
    """Give an intake that listens to `brokers`.

    Args:
        folder: of its database.
        brokers: to listen to.
        url: of another database.
        limits: of its pipeline.
        patience: with brokers.
        wait: until it listens.
    """
    folder.mkdir(exist_ok=True)
    settings = SensorSettings(broker=list(brokers))
    service = Service(settings, DatabaseSettings(url=url), base=folder, data=folder, limits=limits, patience=patience)
    await service.start()
    try:
        made = Intake(service, folder)
        if service.is_open:
            made.note_commits()
        if wait:
            async with asyncio.timeout(WAIT):
                for listener in service.listeners:
                    await listener.listening()
        yield made
    finally:
        await service.stop()


@dataclass(frozen=True, slots=True)
class Kept:
    """What a database holds.

    Attributes:
        uplinks: how many.
        observations: how many.
        instants: different pairs of datastream and time among them.
        counted: observations that `latest` counts.
        letters: causes of dead letters, in order.
    """

    uplinks: int
    observations: int
    instants: int
    counted: int
    letters: tuple[str, ...] = ()

    @property
    def is_each_once(self) -> bool:
        """Whether each uplink brought one observation, at a time of its own."""
        return self.uplinks == self.observations == self.instants == self.counted


QUERIES = (
    "select count(*) from uplink",
    "select count(*) from observation",
    "select count(*) from (select distinct datastream_id, phenomenon_time from observation) as instants",
    "select coalesce(sum(observations), 0) from latest",
)


def kept(folder: Path) -> Kept:
    """Return what the SQLite database in `folder` holds."""
    with closing(sqlite3.connect(folder / "zwilling.db")) as database:
        uplinks, observations, instants, counted = (database.execute(query).fetchone()[0] for query in QUERIES)
        letters = [row[0] for row in database.execute("select cause from dead_letter order by id")]
    return Kept(uplinks, observations, instants, counted, tuple(letters))


def devices(folder: Path) -> set[str]:
    """Return the EUIs of the devices that were heard."""
    with closing(sqlite3.connect(folder / "zwilling.db")) as database:
        return {row[0] for row in database.execute("select dev_eui from thing")}


def latest(folder: Path) -> set[tuple[int, float]]:
    """Return number of the device and latest value of each datastream."""
    query = (
        "select dev_eui, result from latest join datastream d on d.id = datastream_id join thing t on t.id = thing_id"
    )
    with closing(sqlite3.connect(folder / "zwilling.db")) as database:
        return {(int(eui[10:], 16), value) for eui, value in database.execute(query)}
