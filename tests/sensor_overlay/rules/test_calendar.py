"""Free days: the law's, the Land's, and those of calendars."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from sensor_overlay.rules.calendar import Calendar, Holidays, read_holidays
from sensor_overlay.rules.rule import calendar_of
from zwilling.errors import SettingsError
from zwilling.region import load_region
from zwilling.sensor_checks import check_sensors
from zwilling.sensor_settings import RuleSettings, SensorSettings

HEAD = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n"


def event(*lines: str) -> str:
    return "\r\n".join(["BEGIN:VEVENT", "UID:1", "DTSTAMP:20260101T000000Z", *lines, "END:VEVENT", ""])


def ics(tmp_path: Path, *events: str) -> Path:
    path = tmp_path / "frei.ics"
    path.write_text(HEAD + "".join(events) + "END:VCALENDAR\r\n", encoding="utf-8", newline="")
    return path


def test_public_holidays_of_the_land() -> None:
    land = Calendar("NW")
    assert land.name(date(2026, 6, 4)) == "Fronleichnam"
    assert land.name(date(2026, 11, 1)) == "Allerheiligen"
    assert not land.is_free(date(2026, 1, 6))  # Heilige Drei Könige: not in Nordrhein-Westfalen
    assert Calendar("BY").is_free(date(2026, 1, 6))
    with pytest.raises(SettingsError, match="there is no Land 'XX'"):
        Calendar("XX")


def test_the_county_knows_its_school_holidays() -> None:
    free = calendar_of(load_region(), SensorSettings(), Path())
    assert free.name(date(2026, 12, 23)) == "Weihnachtsferien"
    assert not free.is_free(date(2026, 12, 22))
    assert free.name(date(2027, 8, 31)) == "Sommerferien"
    assert not free.is_free(date(2027, 9, 1))
    assert free.known_until == date(2029, 8, 14)


def test_school_holidays_of_the_profile_are_what_the_law_can_mean() -> None:
    # Summer holidays begin on a Monday and take 44 days, those of Easter 13, that of Pentecost follows its Monday,
    # those of Christmas hold it; no period overlaps another.
    periods = [Holidays(*each) for each in load_region().school_holidays]
    assert [each.first for each in periods] == sorted(each.first for each in periods)
    assert all(one.last < other.first for one, other in itertools.pairwise(periods))
    for each in periods:
        assert (each.last - each.first).days + 1 == {
            "Osterferien": 13,
            "Pfingstferien": 1,
            "Sommerferien": 44,
            "Herbstferien": (each.last - each.first).days + 1,
            "Weihnachtsferien": (each.last - each.first).days + 1,
        }[each.name]
        if each.name == "Sommerferien":
            assert each.first.weekday() == 0
        if each.name == "Pfingstferien":
            assert Calendar("NW").name(each.first - timedelta(days=1)) == "Pfingstmontag"
        if each.name == "Weihnachtsferien":
            assert each.first <= date(each.first.year, 12, 24) < each.last


@pytest.mark.parametrize(
    ("lines", "first", "last"),
    [
        (["DTSTART;VALUE=DATE:20270211"], date(2027, 2, 11), date(2027, 2, 11)),
        (["DTSTART;VALUE=DATE:20270208", "DTEND;VALUE=DATE:20270210"], date(2027, 2, 8), date(2027, 2, 9)),
        (["DTSTART;VALUE=DATE:20270208", "DTEND;VALUE=DATE:20270208"], date(2027, 2, 8), date(2027, 2, 8)),
        (["DTSTART;VALUE=DATE:20270208", "DURATION:P3D"], date(2027, 2, 8), date(2027, 2, 10)),
        (["DTSTART:20270207T230000Z", "DTEND:20270208T230000Z"], date(2027, 2, 8), date(2027, 2, 8)),
        (["DTSTART:20270208T000000", "DTEND:20270210T000000"], date(2027, 2, 8), date(2027, 2, 9)),
    ],
)
def test_events_of_a_calendar(tmp_path: Path, lines: list[str], first: date, last: date) -> None:
    path = ics(tmp_path, event(*lines, "SUMMARY:Rosenmontag\\, frei"))
    assert read_holidays(path) == [Holidays(first, last, "Rosenmontag, frei")]


def test_calendars_that_the_settings_name(tmp_path: Path) -> None:
    ics(tmp_path, event("DTSTART;VALUE=DATE:20270208"))
    free = calendar_of(load_region(), SensorSettings(holiday_calendars=["frei.ics"]), tmp_path)
    assert free.is_free(date(2027, 2, 8))
    assert free.is_free(date(2026, 12, 23))


def test_days_that_the_settings_name(tmp_path: Path) -> None:
    settings = SensorSettings(free_days=[(date(2028, 2, 28), date(2028, 3, 1), "Karneval")])
    check_sensors(settings, None)
    free = calendar_of(load_region(), settings, tmp_path)
    days = [date(2028, 2, 27), date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 1), date(2028, 3, 2)]
    assert [free.name(day) for day in days] == [None, "Karneval", "Karneval", "Karneval", None]
    for first, last in ((date(2028, 3, 1), date(2028, 2, 28)), (date(2028, 1, 1), date(2028, 12, 31))):
        with pytest.raises(SettingsError, match=r"free_days: 'x' from 2028-0"):
            check_sensors(SensorSettings(free_days=[(first, last, "x")]), None)


def test_that_holidays_run_out_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ics(tmp_path, event("DTSTART;VALUE=DATE:20200208"))
    quiet = [RuleSettings(id="a", quiet_holidays=True)]
    county = load_region()
    nowhere = replace(county, school_holidays=())
    calendar_of(nowhere, SensorSettings(holiday_calendars=["frei.ics"]), tmp_path)
    assert caplog.messages == []
    calendar_of(nowhere, SensorSettings(holiday_calendars=["frei.ics"], rule=quiet), tmp_path)
    assert "known until 2020-02-08 only" in caplog.messages[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "has no events|no calendar"),
        ("kein Kalender", "is no calendar"),
        (HEAD + "END:VCALENDAR\r\n", "has no events"),
        (HEAD + event("SUMMARY:x") + "END:VCALENDAR\r\n", "is no calendar"),
        (HEAD + event("DTSTART;VALUE=DATE:20270208", "RRULE:FREQ=DAILY") + "END:VCALENDAR\r\n", "repeats"),
        (
            HEAD + event("DTSTART;VALUE=DATE:20270101", "DTEND;VALUE=DATE:20280101") + "END:VCALENDAR\r\n",
            "lasts longer than any holidays",
        ),
    ],
)
def test_what_is_no_calendar_of_holidays(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "x.ics"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match=message):
        read_holidays(path)


def test_a_calendar_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        read_holidays(tmp_path / "x.ics")
