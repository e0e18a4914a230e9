"""What new values do to alerts, within the transaction that brings the values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import bindparam, delete, insert, select, update

from sensor_overlay.alerts.messages import (
    CATCHING_UP,
    CLOSED,
    OPENED,
    SETTLING,
    Telling,
    gathering,
    raised_to,
    reword,
    tell,
    tell_end,
)
from sensor_overlay.alerts.subjects import of_datastream, of_thing
from sensor_overlay.alerts.texts import heard_text, level_text, over_text
from sensor_overlay.instants import SECOND
from sensor_overlay.rules.levels import AT_REST, Pending, Standing, rank_of, step
from sensor_overlay.rules.rule import Rule, Rules
from sensor_overlay.rules.states import LATE_AFTER
from sensor_overlay.store.known import KnownThing
from sensor_overlay.store.lists import Texts, among
from sensor_overlay.store.opening import Commit
from sensor_overlay.store.schema import alert, thing, watch
from sensor_overlay.store.writing import Change

HELD: Final = -1
"""Rank of the row in `watch` that says up to which level a person has closed."""
_MOST_PLACES: Final = 50_000

_OPEN: Final = (
    select(alert.c.subject, alert.c.id, alert.c.rank, alert.c.peak, alert.c.text, thing.c.last_seen)
    .select_from(alert.join(thing))
    .where(alert.c.closed.is_(None), among(alert.c.subject, "subjects", Texts))
)
_WATCHES: Final = select(
    watch.c.subject, watch.c.rank, watch.c.since, watch.c.last, watch.c.readings, watch.c.held
).where(among(watch.c.subject, "subjects", Texts))
FORGET_WATCHES: Final = delete(watch).where(among(watch.c.subject, "subjects", Texts))
_CHANGE: Final = (
    update(alert)
    .where(alert.c.id == bindparam("of"))
    .values({name: bindparam(f"now_{name}") for name in ("level", "rank", "peak", "text", "closed", "sequence")})
)
_END: Final = (
    update(alert)
    .where(alert.c.id == bindparam("of"))
    .values(closed=bindparam("now_closed"), sequence=bindparam("now_sequence"))
)


@dataclass(slots=True)
class _Case:
    """A rule and a datastream that it is about, through one batch.

    Attributes:
        rule: about values.
        subject: of its alerts.
        values: that count, in the order of their times.
        alert_id: of the alert that was open before the batch; 0 for none.
        text: of that alert.
        before: how they stood before the batch.
        after: how they stand after it.
        opening: the value that opened the alert that is open now, where the batch opened it.
        has_ended: the alert that was open before has ended.
        passed: alerts that opened and ended within the batch: rank, value, peak. They are kept, and told to nobody.
    """

    rule: Rule
    subject: str
    values: list[Change]
    alert_id: int = 0
    text: str = ""
    before: Standing = AT_REST
    after: Standing = AT_REST
    opening: float = 0.0
    has_ended: bool = False
    passed: list[tuple[int, float, float]] = field(default_factory=list)

    def run(self) -> None:
        """Let the values pass by the rule."""
        standing = self.before
        for change in self.values:
            was = standing
            interval = change.thing.expected_interval * SECOND
            standing = step(self.rule, was, change.result, change.phenomenon_time, interval)
            if was.rank < 0 <= standing.rank:
                self.opening = change.result
            elif standing.rank < 0 <= was.rank and was.peak is not None:
                if self.alert_id and not self.has_ended:
                    self.has_ended = True
                else:
                    self.passed.append((was.rank, self.opening, was.peak))
        self.after = standing

    @property
    def is_still_open(self) -> bool:
        """Whether the alert that was open before is open now."""
        return bool(self.alert_id) and not self.has_ended

    @property
    def last(self) -> Change:
        """The newest value."""
        return self.values[-1]


class Alerts:
    """Judges what comes in; one for a store, in each process that takes uplinks in.

    It remembers nothing: how rules stand is in the store, so a restart, or another process, goes on where this one was.

    Attributes:
        rules: what it goes by.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._about: dict[tuple[str, str, str, str], tuple[Rule, ...]] = {}

    async def judge(self, commit: Commit, changes: Sequence[Change]) -> None:
        """Write what follows from `changes`; see `sensor_overlay.store.writing.Judge`.

        Values that are implausible, late, of a test or of a clock gone wrong neither raise an alert nor end one.
        """
        cases, heard = self._cases(changes)
        silences = {
            of_thing(rule.id, thing.id): (rule, thing) for rule in self.rules.silences for thing in heard.values()
        }
        if not cases and not silences:
            return
        subjects = {"subjects": [*cases, *silences]}
        watched: dict[str, dict[int, Any]] = {}
        for row in await commit.connection.execute(_WATCHES, subjects):
            watched.setdefault(row.subject, {})[row.rank] = row
        ended: list[tuple[int, Rule, KnownThing]] = []
        for subject, alert_id, rank, peak, text, last_seen in await commit.connection.execute(_OPEN, subjects):
            case = cases.get(subject)
            if case is None:
                rule, of = silences[subject]
                # What waited somewhere, and was sent before it fell silent, ends nothing.
                if not rule.is_silent(last_seen, of.expected_interval, commit.now):
                    ended.append((alert_id, rule, of))
            else:
                case.alert_id, case.text, case.before = alert_id, text, Standing(rank, peak)
        for subject, case in cases.items():
            if subject in watched:
                case.before = _with_watches(case.before, watched[subject])
            case.run()
        await _write_watches(commit, cases.values(), watched)
        await _write_alerts(commit, cases.values())
        await _end_silences(commit, ended)

    def _cases(self, changes: Sequence[Change]) -> tuple[dict[str, _Case], dict[int, KnownThing]]:
        """Return every case that `changes` are about, by its subject, and the things that were heard."""
        cases: dict[str, _Case] = {}
        heard: dict[int, KnownThing] = {}
        for change in changes:
            thing = change.thing
            if not thing.is_registered:
                continue
            heard[thing.id] = thing
            if change.quality:
                continue
            for rule in self._rules_about(change.observed_property, thing):
                subject = of_datastream(rule.id, change.datastream_id)
                case = cases.get(subject)
                if case is None:
                    cases[subject] = _Case(rule, subject, [change])
                else:
                    case.values.append(change)
        return cases, heard

    def _rules_about(self, observed: str, thing: KnownThing) -> tuple[Rule, ...]:
        place = (observed, thing.site, thing.municipality, thing.room)
        found = self._about.get(place)
        if found is None:
            if len(self._about) >= _MOST_PLACES:
                self._about.clear()
            found = self._about[place] = tuple(
                rule for rule in self.rules.levels if rule.observed_property == observed and rule.is_about(thing)
            )
        return found


def _with_watches(standing: Standing, rows: Mapping[int, Any]) -> Standing:
    pending = {rank: Pending(row.since, row.last, row.readings) for rank, row in rows.items() if rank != HELD}
    held = rows[HELD].held if HELD in rows else -1
    return Standing(standing.rank, standing.peak, MappingProxyType(pending), held)


async def _write_watches(commit: Commit, cases: Collection[_Case], watched: Mapping[str, object]) -> None:
    """Write which levels are on their way: what was known of a subject is replaced as a whole."""
    if watched:
        await commit.connection.execute(FORGET_WATCHES, {"subjects": list(watched)})
    rows: list[dict[str, Any]] = []
    for case in cases:
        for rank, one in case.after.pending.items():
            rows.append(_watch(case.subject, rank, one))
        if case.after.held >= 0:
            now = case.last.phenomenon_time
            rows.append(_watch(case.subject, HELD, Pending(now, now, 0), case.after.held))
    if rows:
        await commit.connection.execute(insert(watch), rows)


def _watch(subject: str, rank: int, one: Pending, held: int | None = None) -> dict[str, Any]:
    return {
        "subject": subject,
        "rank": rank,
        "since": one.since,
        "last": one.last,
        "readings": one.readings,
        "held": held,
    }


async def _write_alerts(commit: Commit, cases: Collection[_Case]) -> None:
    """Write alerts that opened, changed or ended, and what is to be told of them."""
    changed: list[dict[str, Any]] = []
    passed: list[dict[str, Any]] = []
    opened: list[tuple[_Case, dict[str, Any]]] = []
    tellings: list[Telling] = []
    ends: list[Telling] = []
    texts: list[tuple[int, str]] = []
    for case in cases:
        before, after = case.before, case.after
        if case.has_ended:
            changed.append(_changed(commit, case, before, case.text, commit.now))
            text = over_text(case.rule, case.last.thing, case.last.result) if case.rule.tells_end else ""
            worst = rank_of(case.rule, before.peak if before.peak is not None else case.last.result)
            ends.append(Telling(case.alert_id, CLOSED, text, case.rule.quiet_at(max(before.rank, worst))))
        elif case.alert_id and (after.rank, after.peak) != (before.rank, before.peak):
            text = case.text if after.rank == before.rank else _text(case, after.rank, case.last.result)
            changed.append(_changed(commit, case, after, text, None))
            if after.rank > before.rank:
                tellings.append(_telling(case, case.alert_id, raised_to(after.rank), after.rank, text))
            elif after.rank < before.rank:
                texts.append((case.alert_id, text))
        for rank, value, peak in case.passed:
            passed.append(_new(commit, case, rank, value, peak, commit.now))
        if after.rank >= 0 and not case.is_still_open:
            opened.append((case, _new(commit, case, after.rank, case.opening, after.peak, None)))
    if changed:
        await commit.connection.execute(_CHANGE, changed)
    if passed:
        await commit.connection.execute(insert(alert), passed)
    if opened:
        made = insert(alert).returning(alert.c.id, sort_by_parameter_order=True)
        numbers = (await commit.connection.execute(made, [row for _, row in opened])).scalars().all()
        for number, (case, row) in zip(numbers, opened, strict=True):
            tellings.append(_telling(case, number, OPENED, case.after.rank, row["text"]))
    await tell_end(commit, ends)
    await reword(commit, texts)
    await tell(commit, tellings)


def _text(case: _Case, rank: int, value: float) -> str:
    return level_text(case.rule, rank, case.last.thing, value)


def _telling(case: _Case, alert_id: int, event: str, rank: int, text: str) -> Telling:
    change = case.last
    is_old = change.received - change.phenomenon_time > LATE_AFTER * change.thing.expected_interval * SECOND
    recipients = case.rule.heard_by(change.thing.site)
    return Telling(alert_id, event, text, case.rule.quiet_at(rank), recipients, CATCHING_UP if is_old else SETTLING)


def _new(
    commit: Commit, case: _Case, rank: int, value: float, peak: float | None, closed: int | None
) -> dict[str, Any]:
    return {
        "rule": case.rule.id,
        "kind": "level",
        "level": case.rule.levels[rank].name,
        "rank": rank,
        "thing_id": case.last.thing.id,
        "datastream_id": case.last.datastream_id,
        "subject": case.subject,
        "opened": commit.now,
        "value": value,
        "peak": peak,
        "text": _text(case, rank, value),
        "closed": closed,
        "sequence": commit.sequence,
    }


def _changed(commit: Commit, case: _Case, standing: Standing, text: str, closed: int | None) -> dict[str, Any]:
    rank = min(standing.rank, len(case.rule.levels) - 1)  # the rule may have had more levels when the alert opened
    return {
        "of": case.alert_id,
        "now_level": case.rule.levels[rank].name,
        "now_rank": rank,
        "now_peak": standing.peak,
        "now_text": text,
        "now_closed": closed,
        "now_sequence": commit.sequence,
    }


async def _end_silences(commit: Commit, ended: Sequence[tuple[int, Rule, KnownThing]]) -> None:
    """End the alerts of sensors that are heard again."""
    if not ended:
        return
    rows = [{"of": number, "now_closed": commit.now, "now_sequence": commit.sequence} for number, _, _ in ended]
    await commit.connection.execute(_END, rows)
    await tell_end(
        commit,
        [
            Telling(
                number,
                CLOSED,
                heard_text(thing) if rule.tells_end else "",
                rule.quiet,
                after=gathering(thing.expected_interval),
                gathers=True,
            )
            for number, rule, thing in ended
        ],
    )
