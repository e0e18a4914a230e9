"""Adding observations: the rows, the latest value of each datastream, and the counts, in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, bindparam, delete, func, insert, select, update

from sensor_overlay.instants import DAY, HOUR
from sensor_overlay.observed import PROPERTIES
from sensor_overlay.store.batches import Insertion
from sensor_overlay.store.lists import among
from sensor_overlay.store.opening import Commit, Counter
from sensor_overlay.store.partitions import make_room
from sensor_overlay.store.schema import datastream, latest, observation, uplink
from sensor_overlay.uplink import Quality

FUTURE: Final = HOUR
"""A time further ahead of the server's than this is a clock gone wrong."""
PAST: Final = 400 * DAY
"""So is one of an uplink that lies further back; other ways to the store may bring history."""


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
_INSERT_PLAIN = Insertion(observation, _PLAIN)
_INSERT = insert(observation)

_STATE = tuple(column.name for column in latest.c)
_CURRENT = select(*latest.c).where(among(latest.c.datastream_id, "ids"))
_KEEP = Insertion(
    latest,
    _STATE,
    lambda made: made.on_conflict_do_update(
        index_elements=[latest.c.datastream_id],
        set_={name: made.excluded[name] for name in _STATE if name != "datastream_id"},
    ),
)


@dataclass(slots=True)
class _State:
    """A row of `latest`, in the order of its columns."""

    datastream_id: int
    sequence: int
    observations: int
    first_time: int
    last_time: int
    first_result_time: int | None
    last_result_time: int | None
    observation_id: int | None = None
    phenomenon_time: int | None = None
    result_time: int | None = None
    result: float | None = None
    quality: int | None = None

    def row(self) -> tuple[Any, ...]:
        return (
            self.datastream_id,
            self.sequence,
            self.observations,
            self.first_time,
            self.last_time,
            self.first_result_time,
            self.last_result_time,
            self.observation_id,
            self.phenomenon_time,
            self.result_time,
            self.result,
            self.quality,
        )


_CLOCK = int(Quality.CLOCK)
_LATE = int(Quality.LATE)
_TEST = int(Quality.TEST)
_IMPLAUSIBLE = int(Quality.IMPLAUSIBLE)
_ANYTHING = (-1e15, 1e15)  # beyond, sums and means are no numbers any more
_BELIEVABLE = {key: (known.low, known.high) for key, known in PROPERTIES.items()}


def quality_of(key: str, value: float, is_test: bool) -> int:
    """Return what must be known about a value whatever its time is: `Quality` as a number."""
    low, high = _BELIEVABLE.get(key, _ANYTHING)
    quality = _TEST if is_test else 0
    return quality if low <= value <= high else quality | _IMPLAUSIBLE


async def observe(commit: Commit, rows: Sequence[Observed]) -> None:
    """Add observations, and bring `latest` up to date: values, times and counts.

    A row whose time cannot be (`Quality.CLOCK`, which is set here where the time is to come) goes to its place and
    never becomes the latest. Of two at one instant the one that is added later is the latest.

    Args:
        commit: the transaction.
        rows: their `id`, `is_latest` and `quality` are filled in.
    """
    if not rows:
        return
    connection = commit.connection
    number = await commit.numbers(Counter.OBSERVATION, len(rows))
    ids = list({row.datastream_id for row in rows})
    states = {row[0]: _State(*row) for row in await connection.execute(_CURRENT, {"ids": ids})}
    winners: dict[int, Observed] = {}
    for row in rows:
        row.id = number
        number += 1
        time, arrived = row.phenomenon_time, row.result_time
        quality = row.quality if time <= commit.now + FUTURE else row.quality | _CLOCK
        state = states.get(row.datastream_id)
        if state is None:
            state = _State(row.datastream_id, 0, 0, time, time, arrived, arrived)
            states[row.datastream_id] = state
        state.observations += 1
        if time < state.first_time:
            state.first_time = time
        end = time if row.phenomenon_end is None else row.phenomenon_end
        if end > state.last_time:
            state.last_time = end
        if arrived is not None:
            if state.first_result_time is None or arrived < state.first_result_time:
                state.first_result_time = arrived
            if state.last_result_time is None or arrived > state.last_result_time:
                state.last_result_time = arrived
        if not quality & _CLOCK:
            if state.phenomenon_time is None or time >= state.phenomenon_time:
                state.phenomenon_time = time
                winners[row.datastream_id] = row
            else:
                quality |= _LATE
        row.quality = quality
    for state in states.values():
        state.sequence = commit.sequence
    for datastream_id, winner in winners.items():
        winner.is_latest = True
        state = states[datastream_id]
        state.observation_id = winner.id
        state.result_time, state.result, state.quality = winner.result_time, winner.result, winner.quality
    if connection.dialect.name == "postgresql":
        await make_room(commit, [row.phenomenon_time for row in rows])
    plain = [
        (row.id, row.phenomenon_time, row.datastream_id, row.result_time, row.result, row.quality, row.uplink_id)
        for row in rows
        if row.is_plain()
    ]
    if plain:
        await _INSERT_PLAIN.execute(connection, plain)
    if len(plain) < len(rows):
        whole = [{name: getattr(row, name) for name in _WHOLE} for row in rows if not row.is_plain()]
        await connection.execute(_INSERT, whole)
    await _KEEP.execute(connection, [state.row() for state in states.values()])


_TALLY = (
    select(
        observation.c.datastream_id,
        func.count().label("observations"),
        func.min(observation.c.phenomenon_time).label("first_time"),
        func.max(func.coalesce(observation.c.phenomenon_end, observation.c.phenomenon_time)).label("last_time"),
        func.min(observation.c.result_time).label("first_result_time"),
        func.max(observation.c.result_time).label("last_result_time"),
    )
    .where(among(observation.c.datastream_id, "ids"))
    .group_by(observation.c.datastream_id)
)
_NEWEST_ID = (
    select(observation.c.id)
    .where(observation.c.datastream_id == latest.c.datastream_id, observation.c.quality.op("&")(_CLOCK) == 0)
    .order_by(observation.c.phenomenon_time.desc(), observation.c.id.desc())
    .limit(1)
    .correlate(latest)
    .scalar_subquery()
)
_NEWEST = (
    select(
        observation.c.datastream_id,
        observation.c.id.label("observation_id"),
        observation.c.phenomenon_time,
        observation.c.result_time,
        observation.c.result,
        observation.c.quality,
    )
    .join_from(latest, observation, observation.c.id == _NEWEST_ID)
    .where(among(latest.c.datastream_id, "ids"))
)
_GONE = delete(latest).where(among(latest.c.datastream_id, "ids"))


async def restate(commit: Commit, datastream_ids: Collection[int]) -> None:
    """Reckon `latest` anew from the observations: after some were removed or changed.

    Args:
        commit: the transaction that did it.
        datastream_ids: whose they were.
    """
    if not datastream_ids:
        return
    await commit.numbers(Counter.RESTATED, 1)
    ids = list(set(datastream_ids))
    connection = commit.connection
    states = {
        row.datastream_id: _State(
            row.datastream_id,
            commit.sequence,
            row.observations,
            row.first_time,
            row.last_time,
            row.first_result_time,
            row.last_result_time,
        )
        for row in await connection.execute(_TALLY, {"ids": ids})
    }
    gone = [number for number in ids if number not in states]
    if gone:
        await connection.execute(_GONE, {"ids": gone})
    if states:
        # Each has a row after this, which _NEWEST goes by.
        await _KEEP.execute(connection, [state.row() for state in states.values()])
        for newest in await connection.execute(_NEWEST, {"ids": list(states)}):
            state = states[newest.datastream_id]
            state.observation_id = newest.observation_id
            state.phenomenon_time, state.result_time = newest.phenomenon_time, newest.result_time
            state.result, state.quality = newest.result, newest.quality
        await _KEEP.execute(connection, [state.row() for state in states.values()])


@dataclass(frozen=True, slots=True)
class Moved:
    """An uplink whose time turned out to be earlier.

    Attributes:
        uplink_id: which.
        thing_id: whose.
        before: instant that its observations stand at.
        after: where they belong.
    """

    uplink_id: int
    thing_id: int
    before: int
    after: int


_OF_THING = select(datastream.c.id).where(datastream.c.thing_id == bindparam("of")).scalar_subquery()
_MOVE_UPLINK = update(uplink).where(uplink.c.id == bindparam("one")).values(time=bindparam("after", type_=BigInteger()))
_MOVE = (
    update(observation)
    .where(
        observation.c.datastream_id.in_(_OF_THING),
        observation.c.phenomenon_time == bindparam("before", type_=BigInteger()),
        observation.c.uplink_id == bindparam("one", type_=BigInteger()),
    )
    .values(phenomenon_time=bindparam("after", type_=BigInteger()))
)


async def move(commit: Commit, moves: Sequence[Moved]) -> None:
    """Put the observations of uplinks where they belong in time."""
    if not moves:
        return
    if commit.connection.dialect.name == "postgresql":
        await make_room(commit, [moved.after for moved in moves])
    for moved in moves:
        which = {"one": moved.uplink_id, "after": moved.after}
        await commit.connection.execute(_MOVE_UPLINK, which)
        await commit.connection.execute(_MOVE, {**which, "before": moved.before, "of": moved.thing_id})
    things = {"ids": list({moved.thing_id for moved in moves})}
    query = select(datastream.c.id).where(among(datastream.c.thing_id, "ids"))
    await restate(commit, [row[0] for row in await commit.connection.execute(query, things)])
