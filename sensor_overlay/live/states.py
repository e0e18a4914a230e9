"""How recent a thing's newest uplink is, and what a value means for people."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sensor_overlay.instants import SECOND

LATE_AFTER: Final = 2
STALE_AFTER: Final = 4
SILENT_AFTER: Final = 12
"""Expected intervals without an uplink; with the usual 15 minutes, a sensor is silent after three hours."""


@dataclass(frozen=True, slots=True)
class Level:
    """One step of what a value means.

    Attributes:
        threshold: it begins with this value.
        name: German, as markers say it.
    """

    threshold: float | None
    name: str


LEVELS: Final = MappingProxyType(
    {"co2": (Level(None, "gut"), Level(1_000.0, "lüften"), Level(2_000.0, "dringend lüften"))}
)
"""By property, the best first. CO2: Umweltbundesamt, "Gesundheitliche Bewertung von Kohlendioxid in der Innenraumluft"
(Bundesgesundheitsblatt 51, 2008): below 1,000 ppm harmless, up to 2,000 elevated, above unacceptable."""


def level(key: str, value: float) -> int | None:
    """Return the step of `LEVELS` that a value has reached; None for a property without steps.

    Example:
        >>> level("co2", 999.9), level("co2", 1000), level("co2", 2400), level("temperature", 20)
        (0, 1, 2, None)
    """
    steps = LEVELS.get(key)
    if steps is None:
        return None
    return max(number for number, step in enumerate(steps) if step.threshold is None or value >= step.threshold)


def turns(last_seen: int | None, expected_interval: int) -> tuple[int | None, int | None, int | None]:
    """Return the instants from which a thing is late, stale and silent if nothing more comes; None before its first."""
    if last_seen is None:
        return None, None, None
    interval = expected_interval * SECOND
    return last_seen + LATE_AFTER * interval, last_seen + STALE_AFTER * interval, last_seen + SILENT_AFTER * interval


def state(last_seen: int | None, expected_interval: int, now: int, *, is_test: bool) -> str:
    """Return `fresh`, `late`, `stale` or `silent`; `never` before the first uplink, `test` in the test phase."""
    if is_test:
        return "test"
    late, stale, silent = turns(last_seen, expected_interval)
    if late is None or stale is None or silent is None:
        return "never"
    if now < late:
        return "fresh"
    return "late" if now < stale else "stale" if now < silent else "silent"
