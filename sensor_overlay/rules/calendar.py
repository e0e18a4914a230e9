"""Days on which nobody is at school: public holidays of a Land, and its school holidays.

Public holidays follow from the law, and a library knows them. School holidays are decreed year by year: they come with
the region's profile and from iCalendar files (RFC 5545).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

import holidays
import icalendar

from sensor_overlay.rules.words import BERLIN
from zwilling.errors import SettingsError

_LARGEST: Final = 5_000_000
_LONGEST: Final = timedelta(days=100)


@dataclass(frozen=True, slots=True)
class Holidays:
    """School holidays of one name.

    Attributes:
        first: first day.
        last: last day.
        name: German.
    """

    first: date
    last: date
    name: str = ""


class Calendar:
    """Which days are free.

    Args:
        state: short name of the Land as in ISO 3166-2 (`NW`); empty knows no public holidays.
        school: school holidays, in any order.
    """

    def __init__(self, state: str = "", school: Iterable[Holidays] = ()) -> None:
        self._public: holidays.HolidayBase | None = None
        if state:
            try:
                self._public = holidays.country_holidays("DE", subdiv=state, language="de")
            except NotImplementedError:
                raise SettingsError(
                    f"there is no Land '{state}'", remedy="write NW for Nordrhein-Westfalen (ISO 3166-2:DE)"
                ) from None
        self._school: dict[date, str] = {}
        for each in school:
            for number in range((each.last - each.first).days + 1):
                self._school[each.first + timedelta(days=number)] = each.name

    @property
    def known_until(self) -> date | None:
        """The last day of school holidays that is known; None where none are."""
        return max(self._school, default=None)

    def name(self, day: date) -> str | None:
        """Return what a free day is called, or None where it is none."""
        if self._public is not None and day in self._public:
            return str(self._public[day])
        return self._school.get(day)

    def is_free(self, day: date) -> bool:
        """Return whether a day is a public holiday or lies in school holidays."""
        return (self._public is not None and day in self._public) or day in self._school


def read_holidays(path: Path) -> list[Holidays]:
    """Return the events of an iCalendar file as school holidays, each from its first day to its last.

    Raises:
        SettingsError: it cannot be read, is no calendar, or has an event that repeats or lasts longer than a summer.
    """
    try:
        content = path.read_bytes()
        if len(content) > _LARGEST:
            raise ValueError("it is too large")
        calendars = icalendar.Calendar.from_ical(content, multiple=True)
        found = [_holidays(event) for calendar in calendars for event in calendar.events]
    except OSError as error:
        raise SettingsError(f"cannot be read ({error.strerror})", source=path) from error
    except (ValueError, KeyError, AttributeError, IndexError, TypeError) as error:
        raise SettingsError(
            f"is no calendar of school holidays ({error})", source=path, remedy="export it as iCalendar (.ics)"
        ) from error
    if not found:
        raise SettingsError("has no events", source=path, remedy="export it again, with the holidays in it")
    return found


def _holidays(event: icalendar.Event) -> Holidays:
    name = str(event.get("SUMMARY", ""))
    if "RRULE" in event or "RDATE" in event:
        raise ValueError(f"'{name}' repeats; school holidays are single events")
    first, end = _day(event.start), event.end
    # RFC 5545, 3.6.1: the end is not part of the event; one at midnight ends the day before.
    last = max(first, _day(end - (timedelta(microseconds=1) if isinstance(end, datetime) else timedelta(days=1))))
    if last - first > _LONGEST:
        raise ValueError(f"'{name}' lasts longer than any holidays")
    return Holidays(first, last, name)


def _day(moment: date | datetime) -> date:
    if not isinstance(moment, datetime):
        return moment
    return moment.date() if moment.tzinfo is None else moment.astimezone(BERLIN).date()
