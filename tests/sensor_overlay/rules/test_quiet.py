"""Quiet times by the clocks of Germany: midnight, weekends, holidays, and the hours that come twice or never."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensor_overlay.instants import DAY, HOUR, MINUTE, instant_of
from sensor_overlay.rules.calendar import Calendar, Holidays
from sensor_overlay.rules.quiet import ALWAYS_AWAKE, Quiet
from sensor_overlay.rules.words import BERLIN

NIGHT = Quiet(time(18), time(7))
SCHOOL = Quiet(
    time(18), time(7), True, Calendar("NW", [Holidays(date(2026, 12, 23), date(2027, 1, 6), "Weihnachtsferien")])
)


def local(text: str, fold: int = 0) -> int:
    return instant_of(datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold))


@pytest.mark.parametrize(
    ("at", "over"),
    [
        ("2026-11-23 12:00", "2026-11-23 12:00"),
        ("2026-11-23 17:59:59", "2026-11-23 17:59:59"),
        ("2026-11-23 18:00", "2026-11-24 07:00"),
        ("2026-11-24 00:00", "2026-11-24 07:00"),
        ("2026-11-24 06:59:59", "2026-11-24 07:00"),
        ("2026-11-27 18:00", "2026-11-30 07:00"),  # Friday evening, until Monday
        ("2026-11-29 12:00", "2026-11-30 07:00"),
        ("2026-12-22 18:00", "2027-01-07 07:00"),  # until the holidays are over
        ("2026-05-14 09:00", "2026-05-15 07:00"),  # Christi Himmelfahrt
        ("2026-05-13 20:00", "2026-05-15 07:00"),
    ],
)
def test_until_when_nothing_is_sent(at: str, over: str) -> None:
    assert SCHOOL.over(local(at)) == local(over)


def test_quiet_within_a_day() -> None:
    noon = Quiet(time(12), time(13, 30))
    assert noon.over(local("2026-11-23 12:15")) == local("2026-11-23 13:30")
    assert not noon.is_quiet(local("2026-11-23 13:30"))
    assert not noon.is_quiet(local("2026-11-23 00:00"))


def test_without_quiet_times_nothing_waits() -> None:
    assert ALWAYS_AWAKE.over(12345) == 12345
    assert ALWAYS_AWAKE.awake(0, 3 * DAY + 1) == 3 * DAY + 1


@pytest.mark.parametrize(
    ("begin", "end", "at", "over"),
    [
        # 29 March 2026: 02:00 becomes 03:00, so half past two never is.
        ("18:00", "02:30", "2026-03-29 01:59", "2026-03-29 03:00"),
        ("18:00", "07:00", "2026-03-28 20:00", "2026-03-29 07:00"),
        # 25 October 2026: 03:00 becomes 02:00, so half past two is twice; quiet ends with the first.
        ("18:00", "02:30", "2026-10-25 01:00", "2026-10-25 02:30"),
        ("18:00", "07:00", "2026-10-24 20:00", "2026-10-25 07:00"),
    ],
)
def test_when_clocks_change(begin: str, end: str, at: str, over: str) -> None:
    quiet = Quiet(time.fromisoformat(begin), time.fromisoformat(end))
    assert quiet.over(local(at)) == local(over)


def test_a_night_in_which_clocks_change_is_an_hour_longer_or_shorter() -> None:
    assert NIGHT.over(local("2026-03-28 18:00")) - local("2026-03-28 18:00") == 12 * HOUR
    assert NIGHT.over(local("2026-10-24 18:00")) - local("2026-10-24 18:00") == 14 * HOUR
    assert NIGHT.over(local("2026-11-23 18:00")) - local("2026-11-23 18:00") == 13 * HOUR


def test_a_year_without_an_hour_awake_ends() -> None:
    never = Quiet(weekends=True, calendar=Calendar("NW", [Holidays(date(2026, 1, 1), date(2030, 1, 1))]))
    at = local("2026-06-01 12:00")
    assert 0 < never.over(at) - at < 402 * DAY


def test_escalation_counts_only_hours_awake() -> None:
    assert SCHOOL.awake(local("2026-11-27 17:30"), local("2026-11-30 07:30")) == HOUR
    assert SCHOOL.awake(local("2026-11-23 08:00"), local("2026-11-23 09:00")) == HOUR
    assert SCHOOL.awake(local("2026-11-23 19:00"), local("2026-11-23 20:00")) == 0
    assert SCHOOL.awake(local("2026-11-23 07:00"), local("2026-11-25 18:00")) == 33 * HOUR


def test_a_quarter_of_an_hour_that_comes_twice_is_quiet_twice() -> None:
    short = Quiet(time(2, 30), time(2, 45))
    begin, end = local("2026-10-25 01:00"), local("2026-10-25 04:00")
    assert end - begin == 4 * HOUR
    assert short.awake(begin, end) == 4 * HOUR - 30 * MINUTE
    assert short.over(local("2026-10-25 02:35", fold=1)) == local("2026-10-25 02:45", fold=1)


QUIETS = st.builds(
    lambda times, weekends, free: Quiet(
        times[0],
        times[1],
        weekends,
        Calendar("NW", [Holidays(date(2026, 10, 23), date(2026, 10, 24))]) if free else None,
    ),
    st.one_of(
        st.just((None, None)),
        st.tuples(st.times(), st.times())
        .map(lambda both: tuple(each.replace(second=0, microsecond=0, fold=0) for each in both))
        .filter(lambda both: both[0] != both[1]),
    ),
    st.booleans(),
    st.booleans(),
)
# Weeks around both changes of clocks, in whole minutes.
TIMES = st.one_of(
    st.integers(local("2026-03-26 00:00") // MINUTE, local("2026-04-02 00:00") // MINUTE),
    st.integers(local("2026-10-22 00:00") // MINUTE, local("2026-10-29 00:00") // MINUTE),
).map(lambda minute: minute * MINUTE)


@settings(max_examples=60)
@given(QUIETS, TIMES)
def test_it_ends_at_the_first_minute_that_is_not_quiet(quiet: Quiet, at: int) -> None:
    over = quiet.over(at)
    assert not quiet.is_quiet(over)
    minute = at
    while minute < over:
        assert quiet.is_quiet(minute)
        minute += MINUTE


@given(QUIETS, TIMES, st.integers(0, 4 * 24 * 60))
def test_hours_awake_are_the_minutes_that_are_not_quiet(quiet: Quiet, at: int, minutes: int) -> None:
    counted = sum(not quiet.is_quiet(at + minute * MINUTE) for minute in range(minutes))
    assert quiet.awake(at, at + minutes * MINUTE) == counted * MINUTE
