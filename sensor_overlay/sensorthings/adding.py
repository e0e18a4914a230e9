"""Adding what clients observed: judged like what uplinks bring, in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import func, select

from sensor_overlay.instants import DAY
from sensor_overlay.store.known import KnownThing
from sensor_overlay.store.lists import among
from sensor_overlay.store.observing import Observed, observe, quality_of
from sensor_overlay.store.opening import Commit
from sensor_overlay.store.schema import datastream, observed_property, thing
from sensor_overlay.store.writing import Change, Judge

NEWS: Final = DAY
"""What is older when a client brings it is history: it is kept, and no alert follows from it."""

_OF_STREAMS: Final = (
    select(
        datastream.c.id.label("stream"),
        func.coalesce(datastream.c.key, observed_property.c.key, "").label("observed"),
        *(thing.c[name] for name in KnownThing.__dataclass_fields__),
    )
    .join(thing, thing.c.id == datastream.c.thing_id)
    .join(observed_property, observed_property.c.id == datastream.c.observed_property_id)
    .where(among(datastream.c.id, "ids"))
)


async def add(commit: Commit, rows: Sequence[Observed], judge: Judge | None) -> None:
    """Add observations, with their quality and the alerts that follow from them.

    Args:
        commit: the transaction.
        rows: see `observe`; a result that is no number, and an interval, are no concern of rules.
        judge: is called with those that are of now.
    """
    if not rows:
        return
    ids = list({row.datastream_id for row in rows})
    about: dict[int, tuple[str, KnownThing]] = {}
    for found in (await commit.connection.execute(_OF_STREAMS, {"ids": ids})).mappings():
        columns = dict(found)
        stream, key = columns.pop("stream"), columns.pop("observed")
        about[stream] = key, KnownThing(**columns)
    for row in rows:
        key, of = about[row.datastream_id]
        if row.result is not None:
            row.quality |= quality_of(key, row.result, of.is_test)
    await observe(commit, rows)
    if judge is None:
        return
    changes = [
        Change(
            row.datastream_id,
            of,
            key,
            row.phenomenon_time,
            row.result,
            row.quality,
            row.is_latest,
            commit.now,
        )
        for row in sorted(rows, key=lambda each: each.phenomenon_time)
        for key, of in (about[row.datastream_id],)
        if row.result is not None and row.phenomenon_end is None and row.phenomenon_time >= commit.now - NEWS
    ]
    await judge.judge(commit, changes)
