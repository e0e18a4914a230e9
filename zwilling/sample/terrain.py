"""The ground of the sample quarter: an elevation model that buildings, points, terrain and pictures share.

West to east: the town on a terrace, a dyke along its eastern edge, the foreshore, the river and its far bank.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CENTRE_E = 344_060.0
CENTRE_N = 5_673_940.0

LOWEST = 36.0
HIGHEST = 48.0

DYKE_CREST = 44.5
"""Elevation of the dyke's top, metres NHN: three to six metres above the town's edge."""
DYKE_HALF_CREST = 2.0
DYKE_SLOPE = 2.8
"""Metres forward for one metre up."""
FORESHORE = 39.3
RIVER_LEVEL = 37.6
"""Elevation of the water, metres NHN; the bed lies below."""
RIVER_BED = 36.2
_BED_HALF_WIDTH = 26.0
_BANK = 0.22
RIVER_HALF_WIDTH = _BED_HALF_WIDTH + (RIVER_LEVEL - RIVER_BED) / _BANK
"""From the middle of the river to the water's edge, metres."""
BANK_HALF_WIDTH = _BED_HALF_WIDTH + (FORESHORE - RIVER_BED) / _BANK
"""From the middle of the river to the upper edge of its banks, metres."""


def dyke_line(y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the easting of the dyke's middle at a northing."""
    line: NDArray[np.float64] = CENTRE_E + 768.0 + 9.0 * np.sin((y - CENTRE_N) / 230.0)
    return line


def river_line(y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the easting of the river's middle at a northing."""
    line: NDArray[np.float64] = CENTRE_E + 872.0 + 16.0 * np.sin((y - CENTRE_N) / 310.0 + 0.6)
    return line


def elevation(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the elevation of the ground in metres NHN (DHHN2016), for EPSG:25832 coordinates of any shape.

    A terrace of the Lower Rhine: the old town lies on a low rise, the ground falls gently to the north-east, and old
    channels leave shallow waves.  In the east a dyke, and behind it the river; there it is the elevation of the bed,
    under water of the level `RIVER_LEVEL`.  Between `LOWEST` and `HIGHEST` everywhere.

    Example:
        >>> round(float(elevation(np.array([CENTRE_E]), np.array([CENTRE_N]))[0]), 3)
        43.0
    """
    east = x - CENTRE_E
    north = y - CENTRE_N
    fall = 2.2 * np.tanh((east * 0.78 + north * 0.62) / 900.0)
    rise = 1.5 * np.exp(-(east * east + north * north) / (2.0 * 260.0**2))
    waves = 0.55 * np.sin(east / 173.0 + north / 411.0) + 0.4 * np.sin(north / 127.0 - east / 538.0)
    town = 41.5 - fall + rise + waves
    from_dyke = x - dyke_line(y)
    from_river = np.abs(x - river_line(y))
    banks = np.clip(RIVER_BED + (from_river - _BED_HALF_WIDTH) * _BANK, RIVER_BED, FORESHORE)
    dyke = DYKE_CREST - np.maximum(np.abs(from_dyke) - DYKE_HALF_CREST, 0.0) / DYKE_SLOPE
    # Both sides meet under the dyke, which is higher than either, so no step is left.
    return np.maximum(np.where(from_dyke < 0.0, town, banks), dyke)
