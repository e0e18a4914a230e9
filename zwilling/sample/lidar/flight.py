"""The flight: parallel strips, on each of them zigzag scan lines, and the pulses of a band of them.

The scanner sweeps across the direction of flight, so every ray lies in a vertical plane from west to east.  A pulse is
named by where its ray meets the level `REFERENCE`; where it really hits is the business of `returns`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zwilling.sample.terrain import CENTRE_E, CENTRE_N

BAND = 100
"""Length of a band, metres: pulses are drawn band by band, whoever asks, so that files meet without a seam."""
ALTITUDE = 840.0
"""Of the scanner, metres NHN."""
REFERENCE = 40.0
DEPTH = ALTITUDE - REFERENCE
_STRIP_DISTANCE = 450.0
_HALF_ANGLE = math.radians(20.0)
_SWAY = 3.0  # metres by which a strip's edge wanders
HALF_SWATH = DEPTH * math.tan(_HALF_ANGLE) + _SWAY + 1.0
"""From the flight line to the outermost ray at the reference level, metres."""
_LINES = 250  # scan lines in a band
_PULSES = 1200  # in a scan line
_SPEED = 60.0
_LINE_DISTANCE = BAND / _LINES
_LINE_TIME = _LINE_DISTANCE / _SPEED
# 12 March 2025, 10:00 UTC: trees are bare.  Adjusted standard GPS time, which has 18 leap seconds by then.
_START = 1_425_808_818.0 - 1e9
_STRIP_TIME = 900.0
_FAR = 20_000.0
_JITTER = 0.06


@dataclass(frozen=True, slots=True)
class Strip:
    """A strip from south to north or back.

    Attributes:
        number: from west to east; also `point_source_id`.
        easting: of the flight line.
        is_northward: which way it was flown.
    """

    number: int
    easting: float
    is_northward: bool


@dataclass(frozen=True, slots=True)
class Pulses:
    """Pulses of one strip in one band, in the order of time, one number for each.

    Attributes:
        across: where the ray meets the level `REFERENCE`, metres east of the flight line.
        y: northing of the ray's plane.
        time: adjusted standard GPS time, seconds.
        angle: of the ray, degrees, positive towards the right of the flight.
        flags: LAS: bit 6 the scan direction, bit 7 the last pulse before it changes.
    """

    across: NDArray[np.float64]
    y: NDArray[np.float64]
    time: NDArray[np.float64]
    angle: NDArray[np.int8]
    flags: NDArray[np.uint8]


def strips(west: float, east: float) -> list[Strip]:
    """Return the strips that see something between two eastings, from west to east."""
    first = math.ceil((west - HALF_SWATH) / _STRIP_DISTANCE)
    last = math.floor((east + HALF_SWATH) / _STRIP_DISTANCE)
    return [Strip(number, number * _STRIP_DISTANCE, number % 2 == 0) for number in range(first, last + 1)]


def pulses(strip: Strip, band: int, rng: np.random.Generator) -> Pulses:
    """Return the pulses of a band: those with a northing from `band * BAND` to less than `BAND` more."""
    count = _LINES * _PULSES
    line = np.repeat(np.arange(_LINES), _PULSES)
    step = np.tile(np.arange(_PULSES), _LINES)
    jitter = rng.standard_normal((2, count), np.float32) * np.float32(_JITTER)
    # The mirror's turns and the laser's beat have no common measure: no line begins as its neighbour does.
    phase = np.modf((np.arange(_LINES) + band * _LINES) * 0.6180339887 + strip.number * 0.37)[0]
    share = (step + np.repeat(phase, _PULSES)) / _PULSES
    # Within its line a pulse stays in its band, and a little short of the end, where rounding would lift it over.
    ahead = np.clip(share + jitter[0] / _LINE_DISTANCE, 0.04, 0.96)
    along = (line + ahead) * _LINE_DISTANCE
    start = _START + (strip.number - round(CENTRE_E / _STRIP_DISTANCE)) * _STRIP_TIME
    if strip.is_northward:
        y = band * BAND + along
        begun = (band * BAND - (CENTRE_N - _FAR)) / _SPEED
    else:
        y = (band + 1) * BAND - along
        begun = (CENTRE_N + _FAR - (band + 1) * BAND) / _SPEED
    # Zigzag lines meet at the swath's edges; those of the next strip turn in between: overlaps are evenly dense.
    is_back = line % 2 == (1 if strip.is_northward else 0)
    angle = (share * 2.0 - 1.0) * _HALF_ANGLE * np.where(is_back, -1.0, 1.0)
    # To the right of the flight, so towards the east on the way north.
    side = 1.0 if strip.is_northward else -1.0
    sway = _SWAY * np.sin(y / 170.0 + strip.number)
    across = DEPTH * np.tan(angle) * side + sway + jitter[1]
    flags = np.where(is_back, 0, 0x40) | np.where(step == _PULSES - 1, 0x80, 0)
    return Pulses(
        across,
        y,
        start + begun + (line + share) * _LINE_TIME,
        np.rint(np.degrees(angle)).astype(np.int8),
        flags.astype(np.uint8),
    )
