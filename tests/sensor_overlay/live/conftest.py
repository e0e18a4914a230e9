"""Fixtures: a store with sensors, and a hub that follows it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from sensor_overlay.live.hub import Hub, Pace
from sensor_overlay.store.opening import open_store
from tests.sensor_overlay.live.twin import NOW, Sensors

QUICK = Pace(least=0.0, per_viewer=0.0, poll=0.01, snapshot=0.0, renew=0.0)

Play = Callable[[Callable[[Sensors, Hub], Coroutine[Any, Any, None]]], None]


@asynccontextmanager
async def stage(place: Path | str, pace: Pace = QUICK) -> AsyncIterator[tuple[Sensors, Hub]]:
    """Give sensors in the store in a folder, or at a URL, and a hub that follows it."""
    store = await open_store(place / "zwilling.db" if isinstance(place, Path) else place)
    hub = Hub(store, pace=pace, now=lambda: NOW)
    await hub.start()
    try:
        yield Sensors(store), hub
    finally:
        await hub.stop()
        await store.close()


@pytest.fixture
def play(database_url: str) -> Play:
    """Run a test's own coroutine with sensors and a hub, on each kind of database."""

    def playing(scene: Callable[[Sensors, Hub], Coroutine[Any, Any, None]]) -> None:
        async def run() -> None:
            async with asyncio.timeout(60), stage(database_url) as (sensors, hub):
                await scene(sensors, hub)

        asyncio.run(run())

    return playing
