"""When a sensor becomes late, stale and silent."""

from __future__ import annotations

from sensor_overlay.instants import SECOND
from sensor_overlay.rules.states import LATE_AFTER, SILENT_AFTER, STALE_AFTER


def turns(last_seen: int | None, expected_interval: int) -> tuple[int | None, int | None, int | None]:
    """Return the instants from which a thing is late, stale and silent if nothing more comes; None before its first."""
    if last_seen is None:
        return None, None, None
    late, stale, silent = (
        round(after * expected_interval * SECOND) for after in (LATE_AFTER, STALE_AFTER, SILENT_AFTER)
    )
    # A sensor is late after its time, and silent at it (`rules.states`); a microsecond that nobody sees.
    return last_seen + late, last_seen + stale, last_seen + silent
