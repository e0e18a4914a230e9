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
async def stage(folder: Path, pace: Pace = QUICK) -> AsyncIterator[tuple[Sensors, Hub]]:
    """Give sensors in a new store, and a hub that follows it."""
    store = await open_store(folder / "zwilling.db")
    hub = Hub(store, pace=pace, now=lambda: NOW)
    await hub.start()
    try:
        yield Sensors(store), hub
    finally:
        await hub.stop()
        await store.close()


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Run a test's own coroutine with sensors and a hub; a minute is more than any of them needs."""

    def playing(scene: Callable[[Sensors, Hub], Coroutine[Any, Any, None]]) -> None:
        async def run() -> None:
            async with asyncio.timeout(60), stage(tmp_path) as (sensors, hub):
                await scene(sensors, hub)

        asyncio.run(run())

    return playing
