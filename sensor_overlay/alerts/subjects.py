"""What an alert is about, as one text: only one alert of a subject is open at a time."""

from __future__ import annotations

import re
from typing import Final

_SUBJECT: Final = re.compile(r"([^/]+)/(t?)(\d+)")


def of_datastream(rule_id: str, datastream_id: int) -> str:
    """Return the subject of a rule about values."""
    return f"{rule_id}/{datastream_id}"


def of_thing(rule_id: str, thing_id: int) -> str:
    """Return the subject of a rule about silence."""
    return f"{rule_id}/t{thing_id}"


def rule_in(subject: str) -> str:
    """Return the id of the rule in a subject; empty where it is none.

    Example:
        >>> rule_in(of_thing("stille", 7))
        'stille'
    """
    found = _SUBJECT.fullmatch(subject)
    return found.group(1) if found else ""
