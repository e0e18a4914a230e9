"""The state of a sensor, by how often it should be heard."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from sensor_overlay.instants import SECOND
from sensor_overlay.uplink import Quality

LATE_AFTER: Final = 2.0
"""Expected intervals after which a sensor is late: one uplink was lost, as happens on the radio."""
STALE_AFTER: Final = 4.0
"""After which its value says little about now."""
SILENT_AFTER: Final = 12.0
"""After which something is wrong, unless a rule says otherwise: three hours for a sensor heard each quarter hour."""


class State(StrEnum):
    """How much a sensor's last value is worth."""

    FRESH = "fresh"
    LATE = "late"
    STALE = "stale"
    SILENT = "silent"
    IMPLAUSIBLE = "implausible"
    TEST = "test"


def state_of(
    last: int | None,
    expected_interval: int,
    now: int,
    *,
    quality: int = 0,
    is_test: bool = False,
    silent_after: float = SILENT_AFTER,
) -> State:
    """Return the state of a sensor.

    Silence weighs more than what the last value was, and the test phase more than anything.

    Args:
        last: instant at which it was heard last (or of its last value); None where it never was.
        expected_interval: seconds.
        now: instant.
        quality: `Quality` of the last value, as a number.
        is_test: the thing is in its test phase.
        silent_after: expected intervals.

    Example:
        >>> minute = 60_000_000
        >>> [str(state_of(0, 900, at * minute)) for at in (0, 29, 31, 61, 180)]
        ['fresh', 'fresh', 'late', 'stale', 'silent']
    """
    if is_test:
        return State.TEST
    if last is None:
        return State.SILENT
    intervals = (now - last) / (expected_interval * SECOND)
    if intervals >= silent_after:
        return State.SILENT
    if quality & Quality.IMPLAUSIBLE:
        return State.IMPLAUSIBLE
    if intervals > STALE_AFTER:
        return State.STALE
    return State.LATE if intervals > LATE_AFTER else State.FRESH
