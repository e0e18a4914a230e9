"""The database that a twin's settings name, open for as long as a command of `zwilling sensors` takes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sensor_overlay.store.opening import Store, open_store
from zwilling.sensor_settings import database_url
from zwilling.settings import Settings


@asynccontextmanager
async def database_of(settings: Settings, base: Path) -> AsyncIterator[Store]:
    """Yield the database.

    Args:
        settings: of the twin.
        base: folder of `zwilling.toml`.

    Raises:
        SettingsError: its password cannot be found.
        StoreError, StoreUnavailableError: it cannot be used.
    """
    store = await open_store(database_url(settings.database, base, base / settings.data))
    try:
        yield store
    finally:
        await store.close()
