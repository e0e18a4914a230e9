"""Numbers, sizes and times as Germans write them; a number and its unit stay on one line."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_SPACE = "\u00a0"


def number(value: float, digits: int = 0) -> str:
    """Return `value` with a comma for decimals, points for thousands, and a true minus.

    Example:
        >>> number(1240), number(-12.345, 1)
        ('1.240', '−12,3')
    """
    text = f"{value:,.{digits}f}".replace(",", "\0").replace(".", ",").replace("\0", ".")
    return text.replace("-", "−")


def quantity(value: float, unit: str, digits: int = 0) -> str:
    """Return a number with its unit.

    Example:
        >>> quantity(12.42, "m", 1)
        '12,4\\xa0m'
    """
    return f"{number(value, digits)}{_SPACE}{unit}"


def size(size_bytes: float) -> str:
    """Return a number of bytes in kB, MB or GB (powers of 1000).

    Example:
        >>> size(80), size(312_400), size(12_420_000), size(3_000_000_000)
        ('80\\xa0Byte', '312\\xa0kB', '12,4\\xa0MB', '3,0\\xa0GB')
    """
    if size_bytes < 1000:
        return quantity(size_bytes, "Byte")
    if size_bytes < 999_500:
        return quantity(size_bytes / 1e3, "kB")
    if size_bytes < 999_950_000:
        return quantity(size_bytes / 1e6, "MB", 1)
    return quantity(size_bytes / 1e9, "GB", 1)


def share(part: float, whole: float) -> str:
    """Return a share in percent; what is not quite nothing, or not quite all, is not shown as such.

    Example:
        >>> share(1, 8), share(0, 8), share(1, 10_000), share(9_999, 10_000)
        ('12,5\\xa0%', '0\\xa0%', '<\\xa00,1\\xa0%', '>\\xa099,9\\xa0%')
    """
    if not whole or not part:
        return f"0{_SPACE}%"
    if part == whole:
        return f"100{_SPACE}%"
    percent = 100 * part / whole
    if percent < 0.1:
        return f"<{_SPACE}0,1{_SPACE}%"
    if percent > 99.9:
        return f">{_SPACE}99,9{_SPACE}%"
    return quantity(percent, "%", 1)


def duration(seconds: float) -> str:
    """Return a span of time.

    Example:
        >>> duration(0.84), duration(192), duration(7_500)
        ('0,8\\xa0s', '3\\xa0min 12\\xa0s', '2\\xa0h 5\\xa0min')
    """
    if seconds < 60:
        return quantity(seconds, "s", 1)
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{quantity(minutes, 'min')} {quantity(rest, 's')}"
    return f"{quantity(minutes // 60, 'h')} {quantity(minutes % 60, 'min')}"


def moment(iso: str) -> str:
    """Return a point in time as the clocks in Germany show it; in UTC, and saying so, where the zone is unknown here.

    Example:
        >>> moment("2026-07-01T12:05:00+00:00")
        '01.07.2026, 14:05 Uhr'
    """
    at = datetime.fromisoformat(iso)
    try:
        return f"{at.astimezone(ZoneInfo('Europe/Berlin')):%d.%m.%Y, %H:%M} Uhr"
    except ZoneInfoNotFoundError:
        return f"{at.astimezone(UTC):%d.%m.%Y, %H:%M} Uhr (UTC)"


def day(iso: str) -> str:
    """Return a day as Germans write it; a year, or nothing, stays as it is.

    Example:
        >>> day("2023-05-09"), day("2023"), day("")
        ('09.05.2023', '2023', '')
    """
    return ".".join(reversed(iso.split("-")))


def counted(count: int, one: str, many: str) -> str:
    """Return a number with its noun.

    Example:
        >>> counted(1, "Kachel", "Kacheln"), counted(1200, "Kachel", "Kacheln")
        ('1\\xa0Kachel', '1.200\\xa0Kacheln')
    """
    return f"{number(count)}{_SPACE}{one if count == 1 else many}"
