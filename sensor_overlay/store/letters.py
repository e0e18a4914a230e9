"""Dead letters: messages that could not become observations, with the cause; to be looked at, and to be replayed."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from sensor_overlay.store.known import clean
from sensor_overlay.store.lists import Numbers, among
from sensor_overlay.store.opening import Commit
from sensor_overlay.store.schema import dead_letter

MOST_BODY: Final = 65_536
"""Bytes of a body that are kept; a whole LoRaWAN uplink as JSON has some thousand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A dead letter.

    Attributes:
        source: name of the broker, or `webhook`.
        network: `chirpstack` or `tts`.
        topic: of the message; empty for a webhook's.
        body: as it came.
        cause: see `sensor_overlay.uplink.Cause`.
        detail: one sentence for a person.
        dev_eui: as far as it was told.
        received: server time.
    """

    source: str
    network: str
    topic: str
    body: bytes
    cause: str
    detail: str
    dev_eui: str = ""
    received: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptLetter:
    """A dead letter with its place in the table.

    Attributes:
        id: of its row.
        letter: its body is cut where `size` is more.
        size: bytes of the whole body.
        times: how often exactly this came.
        replayed: when it became observations after all.
    """

    id: int
    letter: Letter
    size: int
    times: int
    replayed: int | None


def _upsert(dialect: str) -> Any:
    statement = postgresql.insert(dead_letter) if dialect == "postgresql" else sqlite.insert(dead_letter)
    return statement.on_conflict_do_update(
        index_elements=[dead_letter.c.digest],
        set_={
            "times": dead_letter.c.times + statement.excluded.times,
            "received": statement.excluded.received,
            "cause": statement.excluded.cause,
            "detail": statement.excluded.detail,
            "replayed": None,
        },
    )


_UPSERT = {dialect: _upsert(dialect) for dialect in ("sqlite", "postgresql")}


async def keep_letters(commit: Commit, letters: Sequence[Letter]) -> None:
    """Keep dead letters; one that is there already is counted, and has the newest cause."""
    rows: dict[bytes, dict[str, Any]] = {}
    for letter in letters:
        source, topic = clean(letter.source, 200), clean(letter.topic, 1_000)
        hashed = hashlib.blake2b(digest_size=16)
        for part in (source.encode(), topic.encode(), letter.body):
            hashed.update(len(part).to_bytes(8, "big") + part)
        row = rows.setdefault(hashed.digest(), {"times": 0})
        row.update(
            times=row["times"] + 1,
            received=letter.received,
            source=source,
            network=clean(letter.network, 20),
            topic=topic,
            body=letter.body[:MOST_BODY],
            size=len(letter.body),
            cause=clean(letter.cause, 40),
            detail=clean(letter.detail, 1_000),
            dev_eui=clean(letter.dev_eui, 16),
            digest=hashed.digest(),
        )
    if rows:
        await commit.connection.execute(_UPSERT[commit.connection.dialect.name], list(rows.values()))


async def letters_since(
    connection: AsyncConnection, after_id: int = 0, *, limit: int = 500, causes: Collection[str] = ()
) -> list[KeptLetter]:
    """Return dead letters that were not replayed yet, oldest first.

    Args:
        connection: that reads.
        after_id: greatest id that the caller has had, to go through all of them in steps.
        limit: at most so many.
        causes: of these only; all where empty.
    """
    query = select(dead_letter).where(dead_letter.c.id > after_id, dead_letter.c.replayed.is_(None))
    if causes:
        query = query.where(dead_letter.c.cause.in_(sorted(causes)))
    rows = await connection.execute(query.order_by(dead_letter.c.id).limit(limit))
    names = Letter.__dataclass_fields__
    return [
        KeptLetter(
            id=row["id"],
            letter=Letter(**{name: row[name] for name in names}),
            size=row["size"],
            times=row["times"],
            replayed=row["replayed"],
        )
        for row in rows.mappings()
    ]


async def mark_replayed(commit: Commit, ids: Sequence[int]) -> None:
    """Note that these became observations."""
    marked = update(dead_letter).where(among(dead_letter.c.id, "ids", Numbers)).values(replayed=commit.now)
    await commit.connection.execute(marked, {"ids": list(ids)})
