"""What tests of the store share: opening it, and looking at what it holds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from sqlalchemy import Select, select

from sensor_overlay.store.opening import Store, open_store
from sensor_overlay.store.schema import datastream, latest, observation, thing

T = TypeVar("T")


def using(url: str, body: Callable[[Store], Awaitable[T]]) -> T:
    """Return what `body` returns, called with the open database."""

    async def run() -> T:
        store = await open_store(url)
        try:
            return await body(store)
        finally:
            await store.close()

    return asyncio.run(run())


async def rows(store: Store, query: Select[Any]) -> list[tuple[Any, ...]]:
    """Return the rows of a query."""
    async with store.reading() as connection:
        return [tuple(row) for row in await connection.execute(query)]


async def observations(store: Store) -> list[tuple[Any, ...]]:
    """Return device, property, time, result and quality of all observations, in order of time."""
    return await rows(
        store,
        select(
            thing.c.dev_eui,
            datastream.c.key,
            observation.c.phenomenon_time,
            observation.c.result,
            observation.c.quality,
        )
        .join(datastream, datastream.c.id == observation.c.datastream_id)
        .join(thing, thing.c.id == datastream.c.thing_id)
        .order_by(observation.c.phenomenon_time, thing.c.dev_eui, datastream.c.key, observation.c.result),
    )


async def newest(store: Store) -> list[tuple[Any, ...]]:
    """Return device, property, time, result and count of the latest values."""
    return await rows(
        store,
        select(
            thing.c.dev_eui,
            datastream.c.key,
            latest.c.phenomenon_time,
            latest.c.result,
            latest.c.observations,
            latest.c.first_time,
            latest.c.last_time,
        )
        .join(datastream, datastream.c.id == latest.c.datastream_id)
        .join(thing, thing.c.id == datastream.c.thing_id)
        .order_by(thing.c.dev_eui, datastream.c.key),
    )
