"""In which unit a height system counts, and which one counts the same in metres."""

from __future__ import annotations

from functools import cache

import pyproj
from pyproj.exceptions import CRSError

from zwilling.errors import UnknownCRSError


@cache
def metres_of_heights(vertical: int) -> tuple[int, float]:
    """Return the height system in metres that belongs to one in any unit, and what its unit is in metres.

    Depths count downwards: their factor is negative.

    Args:
        vertical: EPSG code of a vertical CRS.

    Raises:
        UnknownCRSError: there is no such system in metres.

    Example:
        >>> metres_of_heights(7837)
        (7837, 1.0)
        >>> code, factor = metres_of_heights(6360)
        >>> code, round(factor, 7)
        (5703, 0.3048006)
    """
    crs = pyproj.CRS.from_epsg(vertical)
    axis = crs.axis_info[0]
    factor = axis.unit_conversion_factor * (-1.0 if axis.direction == "down" else 1.0)
    if factor == 1.0:
        return vertical, 1.0
    try:
        metric = pyproj.CRS.from_user_input(crs.name.split(" (")[0].replace(" depth", " height"))
        code = metric.to_epsg() if metric.axis_info[0].unit_conversion_factor == 1.0 else None
    except CRSError:
        code = None
    if code is None or code == vertical:
        raise UnknownCRSError(
            f"heights are in '{crs.name}' ({axis.unit_name}), and there is no such system in metres",
            remedy="convert the heights to metres first, and pass --crs with a height system in metres",
        )
    return code, factor
