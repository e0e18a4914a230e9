"""Adding observations: the rows, the latest value of each datastream, and the counts, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.dialects import postgresql, sqlite

from sensor_overlay.instants import DAY, HOUR
from sensor_overlay.store.lists import among
from sensor_overlay.store.opening import Commit, Counter
from sensor_overlay.store.partitions import make_room
from sensor_overlay.store.schema import latest, observation
from sensor_overlay.uplink import Quality

FUTURE = HOUR
"""A time further ahead of the server's than this is a clock gone wrong."""
PAST = 400 * DAY
"""So is one that lies further back."""


@dataclass(slots=True, kw_only=True)
class Observed:
    """An observation on its way into the store; names as in OGC 18-088, 8.2.6.

    Attributes:
        datastream_id: whose it is.
        phenomenon_time: instant, or beginning of an interval.
        result: a number; None where `result_document` holds the result.
        result_time: instant.
        quality: `Quality` as a number; LATE is added where a newer one is there.
        uplink_id: that brought it; None where it came another way.
        phenomenon_end: end of an interval.
        result_document: text, truth value or document.
        feature_of_interest_id: None for the one that follows from the thing's location.
        valid_from: beginning of validTime.
        valid_until: its end.
        result_quality: document.
        parameters: document.
        id: filled in when it is added.
        is_latest: filled in: it is the datastream's latest now.
    """

    datastream_id: int
    phenomenon_time: int
    result: float | None = None
    result_time: int | None = None
    quality: int = 0
    uplink_id: int | None = None
    phenomenon_end: int | None = None
    result_document: Any = None
    feature_of_interest_id: int | None = None
    valid_from: int | None = None
    valid_until: int | None = None
    result_quality: Any = None
    parameters: Any = None
    id: int = 0
    is_latest: bool = False

    def is_plain(self) -> bool:
        """Return whether it has nothing but what uplinks bring."""
        return (
            self.result_document is None
            and self.phenomenon_end is None
            and self.feature_of_interest_id is None
            and self.valid_from is None
            and self.valid_until is None
            and self.result_quality is None
            and self.parameters is None
        )


_PLAIN = ("id", "phenomenon_time", "datastream_id", "result_time", "result", "quality", "uplink_id")
_WHOLE = (
    *_PLAIN,
    "phenomenon_end",
    "result_document",
    "feature_of_interest_id",
    "valid_from",
    "valid_until",
    "result_quality",
    "parameters",
)
_STATE = [column for column in latest.c if column.name != "datastream_id"]
_CURRENT = select(*latest.c).where(among(latest.c.datastream_id, "ids"))
_INSERT = insert(observation)


def _upsert(dialect: str) -> Any:
    statement = postgresql.insert(latest) if dialect == "postgresql" else sqlite.insert(latest)
    return statement.on_conflict_do_update(
        index_elements=[latest.c.datastream_id], set_={c.name: statement.excluded[c.name] for c in _STATE}
    )


_UPSERT = {dialect: _upsert(dialect) for dialect in ("sqlite", "postgresql")}


def clock_quality(time: int, now: int) -> int:
    """Return `Quality.CLOCK` for a time that cannot be, else 0."""
    return 0 if now - PAST <= time <= now + FUTURE else _CLOCK


_CLOCK = int(Quality.CLOCK)
_LATE = int(Quality.LATE)


async def observe(commit: Commit, rows: Sequence[Observed]) -> None:
    """Add observations, and bring `latest` up to date: values, times and counts.

    A row whose time cannot be (`Quality.CLOCK`, which is set here too) goes to its place and never becomes the latest.
    Of two at one instant the one that is added later is the latest.

    Args:
        commit: the transaction.
        rows: their `id`, `is_latest` and `quality` are filled in.
    """
    if not rows:
        return
    connection = commit.connection
    number = await commit.numbers(Counter.OBSERVATION, len(rows))
    ids = list({row.datastream_id for row in rows})
    states: dict[int, dict[str, Any]] = {
        state["datastream_id"]: dict(state) for state in (await connection.execute(_CURRENT, {"ids": ids})).mappings()
    }
    winners: dict[int, Observed] = {}
    for row in rows:
        row.id = number
        number += 1
        time = row.phenomenon_time
        quality = row.quality | clock_quality(time, commit.now)
        state = states.get(row.datastream_id)
        if state is None:
            state = states[row.datastream_id] = _first(row)
        state["observations"] += 1
        if time < state["first_time"]:
            state["first_time"] = time
        end = row.phenomenon_end if row.phenomenon_end is not None else time
        if end > state["last_time"]:
            state["last_time"] = end
        arrived = row.result_time
        if arrived is not None:
            if state["first_result_time"] is None or arrived < state["first_result_time"]:
                state["first_result_time"] = arrived
            if state["last_result_time"] is None or arrived > state["last_result_time"]:
                state["last_result_time"] = arrived
        if not quality & _CLOCK:
            newest = state["phenomenon_time"]
            if newest is None or time >= newest:
                state["phenomenon_time"] = time
                winners[row.datastream_id] = row
            else:
                quality |= _LATE
        row.quality = quality
    for datastream_id, state in states.items():
        state["sequence"] = commit.sequence
        winner = winners.get(datastream_id)
        if winner is not None:
            winner.is_latest = True
            state["observation_id"] = winner.id
            state["result_time"] = winner.result_time
            state["result"] = winner.result
            state["quality"] = winner.quality
    if connection.dialect.name == "postgresql":
        await make_room(commit, [row.phenomenon_time for row in rows])
    for names, chosen in (
        (_PLAIN, [row for row in rows if row.is_plain()]),
        (_WHOLE, [row for row in rows if not row.is_plain()]),
    ):
        if chosen:
            await connection.execute(_INSERT, [{name: getattr(row, name) for name in names} for row in chosen])
    await connection.execute(_UPSERT[connection.dialect.name], list(states.values()))


def _first(row: Observed) -> dict[str, Any]:
    """Return the state of a datastream before its first observation, `row`."""
    return {
        "datastream_id": row.datastream_id,
        "sequence": 0,
        "observations": 0,
        "first_time": row.phenomenon_time,
        "last_time": row.phenomenon_time,
        "first_result_time": None,
        "last_result_time": None,
        "observation_id": None,
        "phenomenon_time": None,
        "result_time": None,
        "result": None,
        "quality": None,
    }
