"""Instants: whole microseconds since 1970-01-01T00:00:00Z, as the store keeps every time.

One integer sorts and compares alike in SQLite, PostgreSQL, Python and JavaScript, and has no time zone to lose.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,18}))?(?:([Zz])|([+-])([01]\d|2[0-3]):?([0-5]\d))",
    re.ASCII,
)


def now() -> int:
    """Return the present instant of this machine's clock."""
    return time.time_ns() // 1_000


def instant_of(moment: datetime) -> int:
    """Return the instant of an aware `datetime`.

    Raises:
        ValueError: it has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment_of(instant: int) -> datetime:
    """Return an instant as a `datetime` in UTC.

    Raises:
        OverflowError: it lies outside the years 1 to 9999.
    """
    return _EPOCH + timedelta(microseconds=instant)


def parse(text: str) -> int:
    """Return the instant that an RFC 3339 text names; digits below a microsecond are cut off.

    Raises:
        ValueError: it is no such text, has no zone, or names no real time.

    Example:
        >>> parse("1970-01-01T01:00:00.5+01:00"), parse("2026-11-20T08:15:02.123456789Z")
        (500000, 1795162502123456)
    """
    found = _RFC3339.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:40]!r} is no time with a zone (RFC 3339)")
    *parts, fraction, _, sign, hours, minutes = found.groups()
    year, month, day, hour, minute, second = map(int, parts)
    leap = second == 60  # RFC 3339, 5.7: it ends the minute
    whole = instant_of(datetime(year, month, day, hour, minute, 59 if leap else second, tzinfo=UTC))
    whole += int((fraction or "").ljust(6, "0")[:6]) + (SECOND if leap else 0)
    offset = (int(hours) * HOUR + int(minutes) * MINUTE) if sign else 0
    return whole + offset if sign == "-" else whole - offset


def text(instant: int) -> str:
    """Return an instant as RFC 3339 in UTC, with as many digits as it has.

    Raises:
        OverflowError: it lies outside the years 1 to 9999.

    Example:
        >>> text(500_000), text(1_000_000), text(-1)
        ('1970-01-01T00:00:00.500Z', '1970-01-01T00:00:01Z', '1969-12-31T23:59:59.999999Z')
    """
    # An answer has thousands of them: the calendar is asked once a minute, not once an instant.
    minutes, of_minute = divmod(instant, MINUTE)
    seconds, fraction = divmod(of_minute, SECOND)
    clock = _minute(minutes) + _TWO_DIGITS[seconds]
    if fraction == 0:
        return clock + "Z"
    return f"{clock}.{fraction // 1_000:03}Z" if fraction % 1_000 == 0 else f"{clock}.{fraction:06}Z"


_TWO_DIGITS: Final = tuple(f"{number:02}" for number in range(60))


@lru_cache(maxsize=4_096)
def _minute(minutes: int) -> str:
    return moment_of(minutes * MINUTE).isoformat()[:17]
