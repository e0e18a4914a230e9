"""What a codec may give: finite numbers under names as ours are, and not more of them than a frame can hold."""

from __future__ import annotations

import math
import re

from sensor_overlay.uplink import BadMessageError, Cause, Decoded, Reading

MOST_READINGS = 64
"""An uplink with more values than this is none of a sensor's."""
MOST_REMEMBERED = 1_024
"""A frame of 242 bytes cannot hold as many."""
LONGEST_NAME = 64

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NOT_IN_A_NAME = re.compile(r"[^0-9a-z_]+")


def named(name: str) -> str:
    """Return a name as ours are: lower-case letters, digits and underscores, beginning with a letter, at most 64.

    Example:
        >>> named("CO2_Concentration (ppm)"), named("soilTemp"), named("2nd")
        ('co2_concentration_ppm', 'soil_temp', 'n2nd')
    """
    snake = _NOT_IN_A_NAME.sub("_", _CAMEL.sub("_", name[:200]).lower()).strip("_")
    return (snake if not snake or snake[0].isalpha() else f"n{snake}")[:LONGEST_NAME].rstrip("_")


def checked(found: Decoded) -> Decoded:
    """Return what a codec gave, without what no table can hold.

    Raises:
        BadMessageError: UNDECODABLE, there are too many values.
        Exception: whatever comes of values that are no numbers.
    """
    readings = {reading.observed_property: reading for reading in found.readings if _is_sound(reading)}
    history = tuple([(then, reading) for then, reading in found.history if _is_sound(reading)])
    if len(readings) > MOST_READINGS or len(history) > MOST_REMEMBERED:
        raise BadMessageError(Cause.UNDECODABLE, f"more than {MOST_READINGS} values are no uplink of a sensor")
    lost = len(found.readings) - len(readings) + len(found.history) - len(history)
    if not lost:
        return found
    note = f"{lost} values were left out: no finite number, no name as ours are, or a name twice"
    return Decoded(readings=tuple(readings.values()), history=history, notes=(*found.notes, note))


def _is_sound(reading: Reading) -> bool:
    # An overflow is an integer of hundreds of digits; it becomes UNDECODABLE like whatever else a codec does wrong.
    return math.isfinite(reading.value) and named(reading.observed_property) == reading.observed_property
