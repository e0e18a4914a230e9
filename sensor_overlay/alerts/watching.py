"""What time alone does to alerts: sensors fall silent, alerts escalate, rules and things go."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import BigInteger, Double, Text, bindparam, cast, exists, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sensor_overlay.alerts.judging import FORGET_WATCHES, Alerts
from sensor_overlay.alerts.messages import CLOSED, ESCALATED, OPENED, SETTLING, Telling, gathering, tell, tell_end
from sensor_overlay.alerts.subjects import of_thing, rule_in
from sensor_overlay.alerts.texts import escalation_text, heard_text, silence_text
from sensor_overlay.instants import SECOND
from sensor_overlay.instants import now as present
from sensor_overlay.rules.levels import rank_of
from sensor_overlay.rules.quiet import ALWAYS_AWAKE
from sensor_overlay.rules.rule import Rule
from sensor_overlay.rules.states import LATE_AFTER
from sensor_overlay.store.errors import StoreError, StoreUnavailableError
from sensor_overlay.store.opening import Commit, Store
from sensor_overlay.store.schema import alert, thing, watch

TICK_SECONDS: Final = 10
"""How often one looks: it is the most that an alert about silence comes late."""

logger = logging.getLogger(__name__)

_PLACE: Final = (
    thing.c.id.label("thing_id"),
    thing.c.name,
    thing.c.site,
    thing.c.site_name,
    thing.c.municipality,
    thing.c.room,
    thing.c.last_seen,
    thing.c.source,
    thing.c.expected_interval,
    thing.c.is_registered,
    thing.c.is_test,
)
_OPEN: Final = (
    select(
        alert.c.id,
        alert.c.rule,
        alert.c.kind,
        alert.c.rank,
        alert.c.peak,
        alert.c.text,
        alert.c.opened,
        alert.c.acknowledged,
        alert.c.escalated,
        *_PLACE,
    )
    .select_from(alert.join(thing))
    .where(alert.c.closed.is_(None))
)
_SET: Final = 30 * SECOND
"""By which a clock that is only kept right does not move between two looks."""
_CATCHING_UP: Final = LATE_AFTER * SECOND
_SUBJECT: Final = bindparam("rule", type_=Text()) + literal("/t") + cast(thing.c.id, Text)
_SILENT: Final = select(*_PLACE).where(
    thing.c.is_registered,
    thing.c.is_test.is_(False),
    # Never heard: it hangs nowhere yet.
    thing.c.last_seen + cast(thing.c.expected_interval * bindparam("patience", type_=Double()), BigInteger)
    <= bindparam("now"),
    # What waited while we were away may still be coming.
    thing.c.arrived + cast(thing.c.expected_interval * _CATCHING_UP, BigInteger) <= bindparam("now"),
    ~exists().where(alert.c.subject == _SUBJECT, alert.c.closed.is_(None)),
    # A person closed it, and it was not heard since.
    ~exists().where(watch.c.subject == _SUBJECT, watch.c.since >= thing.c.last_seen),
)
_END: Final = (
    update(alert)
    .where(alert.c.id == bindparam("of"))
    .values(closed=bindparam("now_closed"), closed_by=bindparam("now_by"), sequence=bindparam("now_sequence"))
)
_ESCALATE: Final = (
    update(alert)
    .where(alert.c.id == bindparam("of"))
    .values(escalated=bindparam("now_escalated"), sequence=bindparam("now_sequence"))
)


@dataclass(slots=True)
class _Due:
    """What is to be done.

    Attributes:
        silent: rules, and things that are no longer heard.
        over: alerts that end, with the text that is told and their rule; None where the rule is gone.
        escalating: alerts that the next ones are told of.
    """

    silent: list[tuple[Rule, Any]] = field(default_factory=list)
    over: list[tuple[Any, str, Rule | None]] = field(default_factory=list)
    escalating: list[tuple[Any, Rule]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.silent or self.over or self.escalating)


@dataclass(frozen=True, slots=True)
class Listening:
    """Since when uplinks can come in without a break; an instant, or None while they cannot.

    Attributes:
        by_source: of each broker, by its name, and of the webhooks.
        otherwise: of things that came by none of these, or of which that is not known: the worst of all.
    """

    by_source: Mapping[str, int | None] = field(default_factory=dict)
    otherwise: int | None = None

    def after(self, instant: int, now: int) -> Listening:
        """Return the same where nothing is known of what was before an instant: the clock was set then."""

        def later(since: int | None) -> int | None:
            return since if since is None or instant <= since <= now else instant

        return Listening({source: later(since) for source, since in self.by_source.items()}, later(self.otherwise))

    def has_had(self, source: str, span: float, now: int) -> bool:
        """Return whether what comes by a source could come in for so many microseconds until now."""
        since = self.by_source.get(source, self.otherwise)
        return since is not None and now - since >= span


class EvenClock:
    """Notices that the clock on the wall was set, or that the machine slept: then spans by it mean nothing."""

    def __init__(self, wall: Callable[[], int] = present, steady: Callable[[], int] = time.monotonic_ns) -> None:
        """Begin now.

        Args:
            wall: instants.
            steady: nanoseconds that nobody sets.
        """
        self._wall = wall
        self._steady = steady
        self._apart = wall() - steady() // 1_000
        self._since = wall()

    def even_since(self) -> int:
        """Return the instant, by the clock as it is now, since which it has gone on evenly."""
        now = self._wall()
        apart = now - self._steady() // 1_000
        if abs(apart - self._apart) > _SET:
            logger.warning(
                "the clock was set by %+.0f s; sensors get time to be heard again", (apart - self._apart) / SECOND
            )
            self._since = now
        self._apart = apart
        return self._since


async def tick(store: Store, alerts: Alerts, now: int, listening: Listening) -> bool:
    """Do what time has made due, and return whether there was anything.

    A sensor is silent only while we listen to the broker by which it came last: after a restart, or after that broker
    was away, it has two of its intervals to be heard, whatever its last uplink was.

    Args:
        store: the database.
        alerts: by whose rules.
        now: instant.
        listening: to whom, and since when.
    """
    async with store.reading() as connection:
        if not await _due(connection, alerts, now, listening):
            return False
    async with store.writing(now) as commit:
        due = await _due(commit.connection, alerts, now, listening)
        await _open_silences(commit, due.silent)
        await _end(commit, due.over)
        await _escalate(commit, due.escalating)
    return True


async def settle(store: Store, alerts: Alerts) -> None:
    """Forget levels on their way under rules that are no more; call it once, when the process starts."""
    async with store.reading() as connection:
        subjects = (await connection.execute(select(watch.c.subject).distinct())).scalars().all()
    gone = [subject for subject in subjects if alerts.rules.named(rule_in(subject)) is None]
    if gone:
        async with store.writing() as commit:
            await commit.connection.execute(FORGET_WATCHES, {"subjects": gone})


async def keep_watch(
    store: Store,
    alerts: Alerts,
    listening: Callable[[], Listening],
    wake: Callable[[], None],
    *,
    seconds: float = TICK_SECONDS,
) -> None:
    """Look every few seconds, until cancelled; a database that is away is tried again.

    Args:
        store: the database.
        alerts: by whose rules.
        listening: see `tick`.
        wake: tells viewers that something changed.
        seconds: between two looks.
    """
    is_settled = False
    clock = EvenClock()
    while True:
        try:
            if not is_settled:
                await settle(store, alerts)
                is_settled = True
            even_since, now = clock.even_since(), present()
            if await tick(store, alerts, now, listening().after(even_since, now)):
                wake()
        except (StoreError, StoreUnavailableError) as error:
            logger.warning("alerts: %s", error)
        except Exception:  # nobody would hear of silence any more
            logger.exception("alerts: fault in the program")
        await asyncio.sleep(seconds)


async def _due(connection: AsyncConnection, alerts: Alerts, now: int, listening: Listening) -> _Due:
    due = _Due()
    rules = alerts.rules
    for row in await connection.execute(_OPEN):
        rule = rules.named(row.rule)
        is_rule_there = rule is not None and bool(rule.levels) == (row.kind == "level")
        if not is_rule_there or rule is None:
            due.over.append((row, "", None))
        elif not row.is_registered or row.is_test or not rule.is_about(row):
            due.over.append((row, "", rule))
        elif row.kind == "silence" and not rule.is_silent(row.last_seen, row.expected_interval, now):
            due.over.append((row, heard_text(row) if rule.tells_end else "", rule))
        elif (
            rule.escalate_after
            and row.acknowledged is None
            and row.escalated is None
            and now - row.opened >= rule.escalate_after
            and rule.quiet_at(row.rank).awake(row.opened, now) >= rule.escalate_after
        ):
            due.escalating.append((row, rule))
    for rule in rules.silences:
        asked = {"rule": rule.id, "now": now, "patience": rule.silent_after * SECOND}
        due.silent += [
            (rule, row)
            for row in await connection.execute(_SILENT, asked)
            if rule.is_about(row) and listening.has_had(row.source, row.expected_interval * _CATCHING_UP, now)
        ]
    return due


async def _open_silences(commit: Commit, silent: Sequence[tuple[Rule, Any]]) -> None:
    if not silent:
        return
    rows = [
        {
            "rule": rule.id,
            "kind": "silence",
            "level": "",
            "rank": 0,
            "thing_id": row.thing_id,
            "subject": of_thing(rule.id, row.thing_id),
            "opened": commit.now,
            "text": silence_text(row, row.last_seen, commit.now),
            "sequence": commit.sequence,
        }
        for rule, row in silent
    ]
    made = insert(alert).returning(alert.c.id, sort_by_parameter_order=True)
    numbers = (await commit.connection.execute(made, rows)).scalars().all()
    await tell(
        commit,
        [
            Telling(
                number,
                OPENED,
                values["text"],
                rule.quiet,
                rule.heard_by(row.site),
                gathering(row.expected_interval),
                gathers=True,
            )
            for number, values, (rule, row) in zip(numbers, rows, silent, strict=True)
        ],
    )


def _worst(row: Any, rule: Rule) -> int:
    return int(row.rank) if row.peak is None else max(row.rank, rank_of(rule, row.peak))


async def _end(commit: Commit, over: Sequence[tuple[Any, str, Rule | None]]) -> None:
    if not over:
        return
    rows = [
        {
            "of": row.id,
            "now_closed": commit.now,
            "now_by": None if rule is not None else "Regel entfallen",
            "now_sequence": commit.sequence,
        }
        for row, _, rule in over
    ]
    await commit.connection.execute(_END, rows)
    await tell_end(
        commit,
        [
            Telling(
                row.id,
                CLOSED,
                text,
                rule.quiet_at(_worst(row, rule)) if rule is not None else ALWAYS_AWAKE,
                after=gathering(row.expected_interval) if row.kind == "silence" else SETTLING,
                gathers=row.kind == "silence",
            )
            for row, text, rule in over
        ],
    )


async def _escalate(commit: Commit, escalating: Sequence[tuple[Any, Rule]]) -> None:
    if not escalating:
        return
    rows = [{"of": row.id, "now_escalated": commit.now, "now_sequence": commit.sequence} for row, _ in escalating]
    await commit.connection.execute(_ESCALATE, rows)
    await tell(
        commit,
        [
            Telling(
                row.id,
                ESCALATED,
                escalation_text(row.text, rule.escalate_after),
                rule.quiet_at(row.rank),
                tuple(recipient for recipient in rule.escalate_to if recipient.hears_of(row.site)),
            )
            for row, rule in escalating
        ],
    )
