"""Levels: hysteresis, duration, readings, raising and lowering; against a slow reader of the whole history."""

from __future__ import annotations

from enum import Enum, auto

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_overlay.instants import MINUTE
from sensor_overlay.rules.levels import AT_REST, GAP, Standing, step
from sensor_overlay.rules.rule import Rule
from tests.sensor_overlay.rules.making import AIR, rule
from zwilling.sensor_settings import LevelSettings

QUARTER = 15 * MINUTE


class Event(Enum):
    """What happened to an alert."""

    OPENED = auto()
    RAISED = auto()
    LOWERED = auto()
    CLOSED = auto()


def event_of(before: Standing, now: Standing) -> Event | None:
    """Return what a value did to the alert."""
    if before.rank == now.rank:
        return None
    if before.rank < 0:
        return Event.OPENED
    if now.rank < 0:
        return Event.CLOSED
    return Event.RAISED if now.rank > before.rank else Event.LOWERED


def after(
    about: Rule, *values: tuple[float, float], interval: int = QUARTER
) -> tuple[Standing, list[tuple[float, Event]]]:
    """Return how a rule stands after values (minute, value), and what happened when."""
    standing, events = AT_REST, []
    for minute, value in values:
        before = standing
        standing = step(about, before, value, round(minute * MINUTE), interval)
        event = event_of(before, standing)
        if event is not None:
            events.append((minute, event))
    return standing, events


def test_a_level_must_last() -> None:
    standing, events = after(rule(*AIR), (0, 1100), (4, 1100), (4.9, 1200), (5, 1150), (6, 1160))
    assert events == [(5, Event.OPENED)]
    assert (standing.rank, standing.peak) == (0, 1160)


def test_a_value_below_the_limit_begins_anew() -> None:
    assert after(rule(*AIR), (0, 1100), (4, 999), (5, 1100), (9, 1100))[1] == []
    assert after(rule(*AIR), (0, 1100), (4, 999), (5, 1100), (10, 1100))[1] == [(10, Event.OPENED)]


def test_the_limit_itself_passes_and_clear_itself_does_not_leave() -> None:
    standing, events = after(rule(*AIR), (0, 1000), (5, 1000), (10, 900), (15, 899.9))
    assert events == [(5, Event.OPENED), (15, Event.CLOSED)]
    assert standing is AT_REST


def test_between_clear_and_limit_nothing_opens_and_nothing_ends() -> None:
    assert after(rule(*AIR), (0, 950), (60, 950)) == (AT_REST, [])
    assert after(rule(*AIR), (0, 1100), (5, 1100), (10, 950), (600, 950))[1] == [(5, Event.OPENED)]


def test_as_many_values_in_a_row_as_it_takes() -> None:
    assert after(rule(*AIR), (0, 2500), (1, 1990), (2, 2500))[1] == []
    assert after(rule(*AIR), (0, 2500), (1, 2500))[1] == [(1, Event.OPENED)]


def test_the_worse_level_needs_not_wait_for_the_milder() -> None:
    standing, _ = after(rule(*AIR), (0, 2500), (1, 2500))
    assert standing.rank == 1


def test_an_open_alert_is_raised_lowered_and_raised_again() -> None:
    values = [(0, 1100), (5, 1100), (10, 2000), (15, 2100), (20, 1850), (25, 1799), (30, 2000), (35, 2000), (40, 800)]
    standing, events = after(rule(*AIR), *values)
    assert events == [
        (5, Event.OPENED),
        (15, Event.RAISED),
        (25, Event.LOWERED),
        (35, Event.RAISED),
        (40, Event.CLOSED),
    ]
    assert standing is AT_REST


def test_the_peak_is_the_worst_since_it_opened() -> None:
    assert after(rule(*AIR), (0, 1900), (5, 1100), (10, 1700), (15, 1000))[0].peak == 1700


def test_downward() -> None:
    cold = rule(LevelSettings(name="kalt", below=5, clear=6), LevelSettings(name="Frost", below=0))
    standing, events = after(cold, (0, 5.1), (1, 5), (2, 6), (3, 0), (4, 0.1), (5, 6.1))
    assert events == [(1, Event.OPENED), (3, Event.RAISED), (4, Event.LOWERED), (5, Event.CLOSED)]
    assert after(cold, (0, 3), (1, -7), (2, 2))[0].peak == -7
    assert standing is AT_REST


def test_after_a_gap_it_begins_anew() -> None:
    gap = GAP * 15
    assert after(rule(*AIR), (0, 1100), (gap, 1100))[1] == [(gap, Event.OPENED)]
    assert after(rule(*AIR), (0, 1100), (gap + 1, 1100))[1] == []
    assert after(rule(*AIR), (0, 1100), (gap + 1, 1100), (gap + 6, 1100))[1] == [(gap + 6, Event.OPENED)]


def test_an_alert_stays_open_over_a_gap() -> None:
    assert after(rule(*AIR), (0, 1100), (5, 1100), (5000, 1100))[1] == [(5, Event.OPENED)]


def test_what_a_person_closed_does_not_open_until_it_is_over() -> None:
    about = rule(*AIR)
    held = Standing(held=0)
    for minute in range(0, 60, 5):
        held = step(about, held, 1100, minute * MINUTE, QUARTER)
        assert held.rank == -1
    worse = step(about, held, 2100, 61 * MINUTE, QUARTER)
    assert (worse.rank, step(about, worse, 2100, 62 * MINUTE, QUARTER).rank) == (-1, 1)  # a worse level is news
    assert step(about, held, 850, 61 * MINUTE, QUARTER) is AT_REST


def test_a_rule_that_lost_a_level() -> None:
    short = rule(AIR[0])
    assert step(short, Standing(rank=1, peak=2500), 2500, 0, QUARTER).rank == 0
    assert step(short, Standing(rank=1, peak=2500), 100, 0, QUARTER) is AT_REST


def slow_rank(about: Rule, history: list[tuple[int, float]], interval: int) -> list[int]:
    """Return the rank after each value, from the whole history each time: the definition."""
    ranks: list[int] = []
    for count in range(1, len(history) + 1):
        seen = history[:count]
        before = ranks[-1] if ranks else -1
        value = seen[-1][1]
        sign = 1 if about.rises else -1
        kept = [level for level in range(before + 1) if sign * value >= sign * about.levels[level].clear]
        rank = max(kept, default=-1)
        for level in range(rank + 1, len(about.levels)):
            run: list[tuple[int, float]] = []
            for at, (time, each) in reversed(list(enumerate(seen))):
                if sign * each < sign * about.levels[level].limit:
                    break
                if ranks[at : at + 1] and ranks[at] >= level:
                    break  # it was an alert then: a new run begins after that
                if run and run[-1][0] - time > GAP * interval:
                    break
                run.append((time, each))
            wants = about.levels[level]
            if run and len(run) >= wants.readings and run[0][0] - run[-1][0] >= wants.lasting:
                rank = level
        ranks.append(rank)
    return ranks


LEVELS = st.builds(
    lambda limit, span, minutes, readings: LevelSettings(
        name=f"ab {limit}", above=limit, clear=limit - span, minutes=minutes, readings=readings
    ),
    st.just(0.0),
    st.integers(0, 3),
    st.integers(0, 30),
    st.integers(1, 3),
)


@given(
    st.lists(LEVELS, min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(1, 90), st.integers(-2, 12)), max_size=25),
    st.booleans(),
)
def test_it_is_what_the_slow_reader_finds(
    levels: list[LevelSettings], steps: list[tuple[int, int]], rises: bool
) -> None:
    made = []
    for number, level in enumerate(levels):
        limit, span = 3.0 * (number + 1), float(level.clear or 0)
        above, below = (limit, None) if rises else (None, -limit)
        clear = limit + span if rises else -limit - span
        made.append(
            LevelSettings(
                name=str(number),
                above=above,
                below=below,
                clear=clear,
                minutes=level.minutes,
                readings=level.readings,
            )
        )
    about_it = rule(*made)
    time, history = 0, []
    for minutes, value in steps:
        time += minutes * MINUTE
        history.append((time, float(value if rises else -value)))
    standing, ranks = AT_REST, []
    for at, reading in history:
        standing = step(about_it, standing, reading, at, QUARTER)
        ranks.append(standing.rank)
    assert ranks == slow_rank(about_it, history, QUARTER)


@pytest.mark.parametrize("value", [float("-inf"), -1e300, 0.0])
def test_what_is_harmless_costs_nothing(value: float) -> None:
    assert step(rule(*AIR), AT_REST, value, 0, QUARTER) is AT_REST
