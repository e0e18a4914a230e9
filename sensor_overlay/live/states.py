"""When a sensor becomes late, stale and silent, and what a value means for people."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sensor_overlay.instants import SECOND
from sensor_overlay.rules.states import LATE_AFTER, SILENT_AFTER, STALE_AFTER


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
    late, stale, silent = (
        round(after * expected_interval * SECOND) for after in (LATE_AFTER, STALE_AFTER, SILENT_AFTER)
    )
    # A sensor is late after its time, and silent at it (`rules.states`); a microsecond that nobody sees.
    return last_seen + late, last_seen + stale, last_seen + silent
