"""Single values as people write them in lists: German numbers, yes and no, intervals, DevEUIs."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from sensor_overlay.registry.columns import folded

_ENGLISH: Final = re.compile(r"[+-]?\d{1,3}(,\d{3})+\.\d+|[+-]?\d+(\.\d*)?([eE][+-]?\d+)?|[+-]?\.\d+")
# One point alone is that of the decimals, in German lists too: programs wrote them.
_GERMAN: Final = re.compile(r"[+-]?\d{1,3}(\.\d{3}){2,}(,\d+)?|[+-]?\d{1,3}(\.\d{3})+,\d+|[+-]?\d+,\d*")
_GREATEST: Final = 1e15
_BLANKS: Final = "\u00a0\u202f\u2009 "
_YES: Final = frozenset({"ja", "j", "yes", "y", "true", "wahr", "1", "x"})
_NO: Final = frozenset({"nein", "n", "no", "false", "falsch", "0", ""})
_ACCESS: Final = MappingProxyType(
    {
        "public": "public",
        "oeffentlich": "public",
        "alle": "public",
        "staff": "staff",
        "verwaltung": "staff",
        "intern": "staff",
        "mitarbeiter": "staff",
        "crisis": "crisis",
        "krisenstab": "crisis",
    }
)
_HEIGHTS: Final = MappingProxyType(
    {
        "boden": "ground",
        "ueberboden": "ground",
        "gelaende": "ground",
        "uebergelaende": "ground",
        "ground": "ground",
        "aboveground": "ground",
        "nhn": "nhn",
        "uebernhn": "nhn",
        "nn": "nhn",
        "dhhn2016": "nhn",
        "ellipsoid": "ellipsoid",
        "wgs84": "ellipsoid",
    }
)
_SECONDS: Final = MappingProxyType(
    {"s": 1, "sek": 1, "sec": 1, "min": 60, "h": 3600, "std": 3600, "d": 86_400, "tag": 86_400}
)
_LONGEST_INTERVAL: Final = 31 * 86_400


def number(text: str) -> float:
    """Return the number that a German or English text writes.

    Where only points stand in it, one point is that of the decimals, as in `51.0897`; several group thousands.

    Raises:
        ValueError: it is no number, or one greater than anything that is measured.

    Example:
        >>> number("6,586712"), number("5.674.000"), number("343.123,5"), number("51.0897"), number("-12")
        (6.586712, 5674000.0, 343123.5, 51.0897, -12.0)
    """
    compact = text.strip().translate({ord(blank): None for blank in _BLANKS}).replace("−", "-")
    if len(compact) <= 40:
        value = math.inf
        if _GERMAN.fullmatch(compact):
            value = float(compact.replace(".", "").replace(",", "."))
        elif _ENGLISH.fullmatch(compact):
            value = float(compact.replace(",", ""))
        if abs(value) < _GREATEST:
            return value
    raise ValueError(f"'{shown(text)}' is no number")


def flag(text: str) -> bool:
    """Return whether a text says yes; empty says no.

    Raises:
        ValueError: it says neither.
    """
    word = folded(text)
    if word in _YES or word in _NO:
        return word in _YES
    raise ValueError(f"'{shown(text)}' is neither 'ja' nor 'nein'")


def access(text: str) -> str:
    """Return `public`, `staff` or `crisis`; empty is `staff`.

    Raises:
        ValueError: it is none of them.
    """
    if not text.strip():
        return "staff"
    found = _ACCESS.get(folded(text))
    if found is None:
        raise ValueError(f"'{shown(text)}' is none of 'öffentlich', 'Verwaltung', 'Krisenstab'")
    return found


def height_reference(text: str) -> str:
    """Return what a height counts from: `ground`, `nhn` or `ellipsoid`.

    Raises:
        ValueError: it is none of them.
    """
    found = _HEIGHTS.get(folded(text))
    if found is None:
        raise ValueError(f"'{shown(text)}' is none of 'Boden', 'NHN', 'Ellipsoid'")
    return found


def interval(text: str, unit: int | None) -> int:
    """Return whole seconds.

    Args:
        text: a number, perhaps with a unit.
        unit: seconds that a bare number counts; None where the unit must be written.

    Raises:
        ValueError: it is no interval between a second and 31 days.

    Example:
        >>> interval("15", 60), interval("1,5 h", None), interval("900 s", 60)
        (900, 5400, 900)
    """
    found = re.fullmatch(r"\s*([\d.,]+)\s*([a-zA-Z]*)\.?\s*", text)
    word = found.group(2).lower() if found else ""
    factor = _SECONDS.get(word) if word else unit
    if found is None or factor is None:
        raise ValueError(f"'{shown(text)}' is no interval; write it as 15 min or 900 s")
    seconds = number(found.group(1)) * factor
    if not 1 <= seconds <= _LONGEST_INTERVAL:
        raise ValueError(f"'{shown(text)}' is no interval between one second and 31 days")
    return round(seconds)


def dev_eui(text: str) -> str:
    """Return a DevEUI as 16 lower-case hexadecimal digits.

    Raises:
        ValueError: it is none.

    Example:
        >>> dev_eui("A8-17-58-FF-FE-0A-BC-DE")
        'a81758fffe0abcde'
    """
    compact = re.sub(r"[\s:.-]", "", text).lower().removeprefix("0x")
    if re.fullmatch(r"[0-9a-f]{16}", compact) and compact.strip("0") and compact.strip("f"):
        return compact
    if re.fullmatch(r"\d[.,]\d+e\+?\d+", text.strip().lower()):
        raise ValueError(f"'{shown(text)}' is what a spreadsheet makes of a DevEUI; format the column as text")
    if re.fullmatch(r"[0-9a-f]+", compact) and len(compact) != 16:
        raise ValueError(f"'{shown(text)}' has {len(compact)} digits; a DevEUI has 16")
    raise ValueError(f"'{shown(text)}' is no DevEUI (16 hexadecimal digits)")


def line_of_text(text: str, longest: int) -> str:
    """Return a text of one line without blanks around it.

    Raises:
        ValueError: it is longer than `longest`, or holds what cannot be printed.
    """
    stripped = " ".join(text.split())
    if len(stripped) > longest:
        raise ValueError(f"is {len(stripped)} characters long; {longest} are the most")
    if not all(character.isprintable() for character in stripped):
        raise ValueError("holds characters that cannot be printed")
    return stripped


def nearest(text: str, known: Iterable[str]) -> str:
    """Return a hint at the known name that a text probably means, or an empty string."""
    near = difflib.get_close_matches(text.lower(), list(known), n=1, cutoff=0.5)
    return f"; did you mean '{near[0]}'?" if near else ""


def shown(text: str) -> str:
    """Return a text as a message may repeat it: short, and printable."""
    cut = text if len(text) <= 40 else f"{text[:37]}..."
    return "".join(character if character.isprintable() else "�" for character in cut)
