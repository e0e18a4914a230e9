"""Levels with hysteresis and duration: what one more value does to the alert of a datastream.

A level is passed at its limit and left beyond `clear`. It becomes an alert when as many values in a row as it wants
have passed it, from first to last for as long as it wants, by the values' own times. An open alert is raised in the
same way, is lowered to the worst level that is not left, and ends when the mildest is left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from sensor_overlay.rules.rule import Rule

GAP: Final = 4
"""Expected intervals without a value after which a level on its way begins anew: nobody knows what was in between."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A level on its way to an alert.

    Attributes:
        since: time of the first value in a row that passed it.
        last: time of the newest.
        readings: how many.
    """

    since: int
    last: int
    readings: int


_NOTHING: Final[Mapping[int, Pending]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Standing:
    """How a rule stands with a datastream.

    Attributes:
        rank: level of the open alert; -1 where none is open.
        peak: worst value since it opened; None where none is open.
        pending: levels on their way, by rank; all are above `rank`.
        held: levels up to this one were closed by a person, and do not open again until it is over; -1 for none.
    """

    rank: int = -1
    peak: float | None = None
    pending: Mapping[int, Pending] = field(default_factory=lambda: _NOTHING)
    held: int = -1


AT_REST: Final = Standing()


def step(rule: Rule, standing: Standing, value: float, time: int, expected_interval: int) -> Standing:
    """Return how the rule stands after a value.

    Values must be sound and come in the order of their times: of others this is never asked.

    Args:
        rule: with levels.
        standing: before the value.
        value: in the property's unit.
        time: its phenomenonTime.
        expected_interval: of the thing, microseconds.
    """
    if standing is AT_REST and not _is_passed(rule, 0, value):
        return AT_REST
    rank = min(standing.rank, len(rule.levels) - 1)  # the rule may have had more levels when it opened
    kept = max((level for level in range(rank + 1) if not _is_left(rule, level, value)), default=-1)
    held = standing.held if standing.held >= 0 and not _is_left(rule, 0, value) else -1
    pending: dict[int, Pending] = {}
    reached = kept
    for level in range(kept + 1, len(rule.levels)):
        if not _is_passed(rule, level, value):
            break
        before = standing.pending.get(level)
        if before is None or time - before.last > GAP * expected_interval:
            before = Pending(time, time, 0)
        now = Pending(before.since, time, before.readings + 1)
        wants = rule.levels[level]
        if now.readings >= wants.readings and time - now.since >= wants.lasting and level > held:
            reached = level
        else:
            pending[level] = now
    pending = {level: one for level, one in pending.items() if level > reached}
    peak = None
    if reached >= 0:
        peak = value if standing.peak is None else _worse(rule, standing.peak, value)
    if reached < 0 and not pending and held < 0:
        return AT_REST
    return Standing(reached, peak, MappingProxyType(pending), held)


def rank_of(rule: Rule, value: float) -> int:
    """Return the worst level whose limit a value passes; -1 for none."""
    return max((rank for rank in range(len(rule.levels)) if _is_passed(rule, rank, value)), default=-1)


def _is_passed(rule: Rule, rank: int, value: float) -> bool:
    limit = rule.levels[rank].limit
    return value >= limit if rule.rises else value <= limit


def _is_left(rule: Rule, rank: int, value: float) -> bool:
    clear = rule.levels[rank].clear
    return value < clear if rule.rises else value > clear


def _worse(rule: Rule, one: float, other: float) -> float:
    return max(one, other) if rule.rises else min(one, other)
