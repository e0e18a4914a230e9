"""The days: a timetable that schools have, and air that follows the mass balance."""

from __future__ import annotations

import datetime
import math

import holidays
import numpy as np
import pytest

from sensor_overlay import instants
from sensor_overlay.simulate.days import ZONE, Days, is_school_day, school_shift
from sensor_overlay.simulate.plan import Plan, draw_up
from zwilling.region import load_region

MONDAY = datetime.date(2026, 11, 16)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return draw_up(others=False)


@pytest.fixture(scope="module")
def days(plan: Plan) -> Days:
    return Days(plan)


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("2026-11-16", True),
        ("2026-11-21", False),  # Saturday
        ("2026-11-22", False),
        ("2026-10-30", False),  # autumn holidays of Nordrhein-Westfalen
        ("2026-12-28", False),
        ("2027-01-07", True),
        ("2027-05-27", False),  # Corpus Christi
        ("2026-07-17", True),
        ("2026-07-20", False),  # summer
        ("2026-09-01", False),
        ("2026-09-02", True),
    ],
)
def test_school_days_of_nordrhein_westfalen(date: str, expected: bool) -> None:
    assert is_school_day(datetime.date.fromisoformat(date)) is expected


def test_two_calendars_agree() -> None:
    """The library's school holidays against those that the region's profile lists, from another source."""
    profile = load_region("rhein-kreis-neuss").school_holidays
    listed = {first + datetime.timedelta(days=n) for first, last, _ in profile for n in range((last - first).days + 1)}
    public = holidays.country_holidays("DE", subdiv="NW")
    span = (max(listed) - min(listed)).days
    assert span > 1_000
    for number in range(span):
        date = min(listed) + datetime.timedelta(days=number)
        if date.weekday() < 5:
            assert is_school_day(date) == (date not in listed and date not in public), date


def test_a_school_day_is_believable(days: Days) -> None:
    day = days.on(MONDAY)
    night, lesson, evening = (np.median(day.co2[:, minute]) for minute in (5 * 60, 10 * 60 + 35, 22 * 60))
    assert 400 < night < 500
    assert 900 < lesson < 1_700
    assert evening < 600
    # Some rooms are stuffy and some are well aired, at the end of the sixth lesson.
    assert 0.05 < (day.co2[:, 13 * 60] > 2_000).mean() < 0.4
    assert 0.2 < (day.co2[:, 13 * 60] < 1_000).mean() < 0.7
    assert day.co2.min() > 420
    assert day.co2.max() < 6_000
    # The long break does good.
    assert np.median(day.co2[:, 9 * 60 + 54]) < 0.7 * np.median(day.co2[:, 9 * 60 + 34])
    assert 16 < day.temperature.min() < day.temperature.max() < 29
    assert day.humidity.min() >= 10
    assert day.humidity.max() <= 99
    assert day.people[:, : 8 * 60].max() == 0
    assert day.people.max() <= 28


def test_a_sunday_is_empty(days: Days) -> None:
    day = days.on(datetime.date(2026, 11, 22))
    assert day.people.max() == 0
    assert day.co2.max() < 600


def test_the_air_follows_the_mass_balance(days: Days) -> None:
    """With windows shut and as many people, the gap to the balance closes by the same factor each minute."""
    day = days.on(MONDAY)
    seen = 0
    for room in range(days.rooms):
        lesson = day.co2[room, 480:495].astype(float)  # nobody opens a window in the first quarter of an hour
        if day.people[room, 480] == 0:
            continue
        steps = np.diff(lesson)
        factors = steps[1:] / steps[:-1]
        assert steps.min() > 0
        assert np.ptp(factors) < 2e-3
        change = -60 * math.log(factors.mean())  # air changes an hour
        assert 0.15 < change < 4.0
        balance = lesson[0] + steps[0] / (1 - factors.mean())
        # People breathe out 13 to 20 litres an hour each, into 180 to 250 m³.
        litres = (balance - 425) * change / 1_000
        people = day.people[room, 480] + 1
        assert people * 12.5 / 250 < litres < people * 20.5 / 180
        seen += 1
    assert seen > 250


def test_days_follow_each_other_without_a_step(days: Days) -> None:
    for date in (MONDAY, MONDAY + datetime.timedelta(days=1)):
        before, after = days.on(date), days.on(date + datetime.timedelta(days=1))
        assert np.abs(after.co2[:, 0] - before.co2[:, -1]).max() < 60
        assert np.median(np.abs(after.co2[:, 0] - before.co2[:, -1])) < 5


def test_the_same_seed_gives_the_same_day(plan: Plan, days: Days) -> None:
    again = Days(plan).on(MONDAY)
    assert np.array_equal(again.co2, days.on(MONDAY).co2)
    assert not np.array_equal(Days(draw_up(seed=2, others=False)).on(MONDAY).co2, again.co2)


def test_a_value_between_two_minutes(days: Days) -> None:
    at = instants.parse("2026-11-16T09:35:00+01:00")
    minutes = days.on(MONDAY).co2[3]
    assert days.value("co2", 3, at) == pytest.approx(minutes[575])
    between = days.value("co2", 3, at + 30 * instants.SECOND)
    assert between == pytest.approx((minutes[575] + minutes[576]) / 2, rel=1e-5)


@pytest.mark.parametrize("now", ["2026-11-22T07:00:00Z", "2026-11-20T22:00:00Z", "2026-08-05T12:00:00Z"])
def test_a_demonstration_is_moved_to_a_school_morning(now: str) -> None:
    shown = instants.moment_of(instants.parse(now) + school_shift(instants.parse(now))).astimezone(ZONE)
    assert is_school_day(shown.date())
    assert is_school_day(shown.date() - datetime.timedelta(days=1))
    assert (shown.hour, shown.minute) == (10, 30)


def test_a_school_morning_is_left_alone() -> None:
    assert school_shift(instants.parse("2026-11-20T09:00:00Z")) == 0
