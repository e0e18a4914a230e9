"""What people read: numbers, times and places in plain German."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sensor_overlay.instants import DAY, HOUR, MINUTE, moment_of
from sensor_overlay.observed import PROPERTIES

BERLIN: Final = ZoneInfo("Europe/Berlin")


def room_in_words(room: str) -> str:
    """Return how people say a room: a bare number is a Raum.

    Example:
        >>> room_in_words("204"), room_in_words("A1.03"), room_in_words("Aula")
        ('Raum 204', 'Raum A1.03', 'Aula')
    """
    has_digit = any(character.isdigit() for character in room)
    is_number = has_digit and " " not in room and sum(character.isalpha() for character in room) <= 2
    return f"Raum {room}" if is_number else room


def number_in_words(value: float, digits: int) -> str:
    """Return a number with a point between thousands and a comma before decimals.

    Example:
        >>> number_in_words(1240.4, 0), number_in_words(-0.04, 1), number_in_words(12.35, 2)
        ('1.240', '0,0', '12,35')
    """
    text = f"{value:,.{digits}f}"
    if not any(character in "123456789" for character in text):
        text = text.removeprefix("-")
    return text.translate(str.maketrans(",.", ".,"))


def value_in_words(value: float, observed_property: str) -> str:
    """Return a value with as many decimals as are worth showing, without its unit."""
    described = PROPERTIES.get(observed_property)
    return number_in_words(value, described.digits if described else 2)


def unit_of(observed_property: str) -> str:
    """Return the unit's symbol; empty where there is none."""
    described = PROPERTIES.get(observed_property)
    return described.unit if described else ""


def name_of(observed_property: str) -> str:
    """Return the German name of a property; a device's own as it is."""
    described = PROPERTIES.get(observed_property)
    return described.name if described else observed_property


def time_in_words(instant: int) -> str:
    """Return a time as people in Germany read it.

    Example:
        >>> time_in_words(1_795_162_502_000_000)
        '20.11.2026, 09:15 Uhr'
    """
    local: datetime = moment_of(instant).astimezone(BERLIN)
    return f"{local:%d.%m.%Y, %H:%M} Uhr"


def span_in_words(span: int) -> str:
    """Return how long something lasts, in its largest unit.

    Example:
        >>> hour = 3_600_000_000
        >>> span_in_words(3 * hour), span_in_words(hour), span_in_words(49 * hour), span_in_words(hour // 40)
        ('3 Stunden', '1 Stunde', '2 Tagen', '1 Minute')
    """
    for unit, one, many in ((DAY, "Tag", "Tagen"), (HOUR, "Stunde", "Stunden")):
        if span >= 2 * unit or (unit == HOUR and span >= unit):
            count = span // unit
            return f"{count} {one if count == 1 else many}"
    count = max(1, span // MINUTE)
    return f"{count} {'Minute' if count == 1 else 'Minuten'}"


def filled(template: str, **words: str) -> str:
    """Return a text with its places filled in; what stays empty leaves no brackets and no double blanks.

    Example:
        >>> filled("{room} ({site}): {value} {unit}, lüften", room="Raum 204", site="", value="7", unit="")
        'Raum 204: 7, lüften'
    """
    text = template.format_map(words)
    text = re.sub(r"\s*\(\s*\)", "", text)
    return re.sub(r" +([,.:;!?])", r"\1", re.sub(r" {2,}", " ", text)).strip()
