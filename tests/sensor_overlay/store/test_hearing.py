"""When a thing was heard, by the clocks of the network, of gateways and of ours."""

from __future__ import annotations

import pytest

from sensor_overlay.instants import DAY, HOUR, MINUTE, SECOND
from sensor_overlay.store.hearing import Heard

NOON = 20_000 * DAY
QUARTER = 900


def heard(*messages: tuple[int | None, int], interval: int = QUARTER) -> int | None:
    """Return when a thing was heard last after messages, each with the time that it tells and its arrival."""
    state = Heard()
    for told, arrived in messages:
        state = state.then(told, arrived, interval)
    return state.seen


@pytest.mark.parametrize("told", [None, 0, NOON - 500 * DAY, NOON + 40 * 365 * DAY, NOON + 2 * HOUR, NOON + MINUTE])
def test_a_time_that_cannot_be_or_is_to_come_gives_way_to_ours(told: int | None) -> None:
    assert heard((told, NOON)) == NOON


def test_what_waited_counts_by_when_it_was_sent() -> None:
    backlog = [(NOON + count * 15 * MINUTE, NOON + 8 * HOUR + count * SECOND) for count in range(12)]
    assert heard((NOON, NOON), *backlog) == NOON + 11 * 15 * MINUTE
    assert heard((NOON, NOON), *backlog, (NOON + 9 * HOUR, NOON + 9 * HOUR)) == NOON + 9 * HOUR


def test_what_waited_and_comes_slowly_is_no_slow_clock() -> None:
    """As fast as twice the pace at which it was sent: each comes less late than the one before."""
    backlog = [(NOON + count * 15 * MINUTE, NOON + 20 * HOUR + count * 7 * MINUTE) for count in range(12)]
    assert heard((NOON, NOON), *backlog) == NOON + 11 * 15 * MINUTE


@pytest.mark.parametrize("lag", [HOUR, 5 * HOUR, 300 * DAY])
@pytest.mark.parametrize("interval", [60, 900, 86_400])
def test_a_clock_that_is_slow_is_known_by_the_second_message(lag: int, interval: int) -> None:
    apart = interval * SECOND
    regular = [(NOON + count * apart - lag, NOON + count * apart + count % 3 * SECOND) for count in range(4)]
    assert heard(*regular[:1], interval=interval) == NOON - lag
    for count in range(1, 4):
        assert heard(*regular[: count + 1], interval=interval) == regular[count][1]


def test_copies_do_not_make_what_waited_new() -> None:
    """A broker that brings each message twice, and a device that sends two at once."""
    backlog = [
        (NOON + count * 15 * MINUTE + twin * SECOND, NOON + 8 * HOUR + count * SECOND)
        for count in range(5)
        for twin in (0, 0, 1)
    ]
    assert heard((NOON, NOON), *backlog) == NOON + 60 * MINUTE + SECOND


def test_a_late_one_takes_nothing_back() -> None:
    assert heard((NOON, NOON), (NOON - HOUR, NOON + MINUTE)) == NOON
    state = Heard(NOON, NOON, NOON).then(NOON - HOUR, NOON - MINUTE, QUARTER)  # brought by another instance before
    assert state == Heard(NOON, NOON, NOON)


def test_a_clock_that_jumps() -> None:
    """Half an hour fast, then set right; and ours, which goes back an hour and on again."""
    assert heard((NOON + 30 * MINUTE, NOON), (NOON + 15 * MINUTE, NOON + 15 * MINUTE)) == NOON + 15 * MINUTE
    back = (NOON - HOUR + MINUTE, NOON - HOUR + MINUTE)
    assert heard((NOON, NOON), back) == NOON
    assert heard((NOON, NOON), back, (NOON + HOUR, NOON + HOUR)) == NOON + HOUR


def test_our_clock_was_a_day_fast_and_is_set_back() -> None:
    ahead = Heard().then(NOON + DAY, NOON + DAY, QUARTER)
    assert ahead.by(NOON + DAY) is ahead
    assert ahead.by(NOON).then(NOON, NOON, QUARTER) == Heard(NOON, NOON, NOON)
