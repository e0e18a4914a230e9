"""The ground of the sample quarter: a smooth elevation model that buildings, points and pictures can share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CENTRE_E = 344_060.0
CENTRE_N = 5_673_940.0

LOWEST = 36.0
HIGHEST = 48.0


def elevation(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the elevation of the ground in metres NHN (DHHN2016), for EPSG:25832 coordinates of any shape.

    A terrace of the Lower Rhine: the old town lies on a low rise, the ground falls gently to the north-east,
    towards the river, and old channels leave shallow waves.  Between `LOWEST` and `HIGHEST` everywhere.

    Example:
        >>> round(float(elevation(np.array([CENTRE_E]), np.array([CENTRE_N]))[0]), 3)
        43.0
    """
    east = x - CENTRE_E
    north = y - CENTRE_N
    fall = 2.2 * np.tanh((east * 0.78 + north * 0.62) / 900.0)
    rise = 1.5 * np.exp(-(east * east + north * north) / (2.0 * 260.0**2))
    waves = 0.55 * np.sin(east / 173.0 + north / 411.0) + 0.4 * np.sin(north / 127.0 - east / 538.0)
    return 41.5 - fall + rise + waves
