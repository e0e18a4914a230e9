"""CRS that point clouds spell out (WKT) or put together (GeoTIFF keys), as the EPSG registry knows them."""

from __future__ import annotations

from functools import lru_cache

import pyproj
from pyproj.exceptions import CRSError

from zwilling.crs.plane import code_in_name
from zwilling.crs.system import SourceCRS, parse_crs
from zwilling.errors import UnknownCRSError

_NAME_THE_CRS = "pass --crs, for example --crs EPSG:25832+7837"
# How EPSG ends the names of systems that exist in several units, by what a unit is in metres.
_FEET = {0.3048006096012192: ("ftUS", "US survey foot"), 0.3048: ("ft", "foot")}


@lru_cache(maxsize=256)
def crs_of_wkt(text: str) -> SourceCRS:
    """Return the CRS that a WKT describes, its heights included where it names some.

    Raises:
        UnknownCRSError: it cannot be read, is local, or the EPSG registry has no such CRS.

    Example:
        >>> crs_of_wkt(pyproj.CRS("EPSG:25832+7837").to_wkt("WKT1_GDAL")).name
        'EPSG:25832+7837'
    """
    try:
        crs = pyproj.CRS.from_wkt(text)
    except CRSError as error:
        raise UnknownCRSError("its WKT of the coordinate system cannot be read", remedy=_NAME_THE_CRS) from error
    crs = _unbound(crs)
    if not crs.is_compound:
        return parse_crs(f"EPSG:{_horizontal(crs)}")
    place, heights = (_unbound(part) for part in crs.sub_crs_list[:2])
    if len(place.axis_info) == 3:
        return parse_crs(f"EPSG:{_horizontal(place)}")
    return parse_crs(f"EPSG:{_horizontal(place)}+{_vertical(heights)}")


@lru_cache(maxsize=256)
def in_unit(code: int, metres: float) -> int:
    """Return the registered CRS that is `code` but counts in a unit of so many metres.

    Raises:
        UnknownCRSError: there is none, or `code` is none.

    Example:
        >>> in_unit(26995, 0.3048006096012192), in_unit(25832, 1.0), in_unit(5703, 0.3048006096012192)
        (2255, 25832, 6360)
    """
    try:
        crs = pyproj.CRS.from_epsg(code)
    except CRSError as error:
        raise UnknownCRSError(f"EPSG:{code} is not in the EPSG registry", remedy=_NAME_THE_CRS) from error
    own = crs.axis_info[0].unit_conversion_factor if crs.axis_info else metres
    if crs.is_geographic or crs.is_geocentric or abs(abs(own) - metres) < 1e-9:
        return code
    for unit, (ending, _) in _FEET.items():
        if abs(unit - metres) < 1e-9:
            try:
                other = pyproj.CRS.from_user_input(f"{crs.name} ({ending})").to_epsg()
            except CRSError:
                other = None
            if other is not None:
                return int(other)
    name = next((name for unit, (_, name) in _FEET.items() if abs(unit - metres) < 1e-9), f"{metres:g} m")
    raise UnknownCRSError(f"counts in units of {name}, and EPSG:{code} ({crs.name}) does not", remedy=_NAME_THE_CRS)


def _unbound(crs: pyproj.CRS) -> pyproj.CRS:
    return crs.source_crs if crs.is_bound and crs.source_crs is not None else crs


def _horizontal(crs: pyproj.CRS) -> int:
    if not (crs.is_projected or crs.is_geographic or crs.is_geocentric):
        raise UnknownCRSError(
            f"its coordinate system is a {crs.type_name} ({crs.name}), from which nothing can be placed",
            remedy=_NAME_THE_CRS,
        )
    code = crs.to_epsg() or (None if crs.is_geocentric else code_in_name(crs))
    if code is None:
        raise UnknownCRSError(f"its coordinate system '{crs.name}' is not in the EPSG registry", remedy=_NAME_THE_CRS)
    return int(code)


def _vertical(crs: pyproj.CRS) -> int:
    """Return the code of a height system, in the unit that the WKT says, which its code may contradict."""
    code = crs.to_epsg()
    if code is None:
        try:
            code = pyproj.CRS.from_user_input(crs.name).to_epsg()
        except CRSError:
            code = None
    if code is None or not pyproj.CRS.from_epsg(code).is_vertical:
        raise UnknownCRSError(f"its heights '{crs.name}' are not in the EPSG registry", remedy=_NAME_THE_CRS)
    unit = crs.axis_info[0].unit_name.lower().replace("_", " ")
    metres = next((size for size, (_, name) in _FEET.items() if unit == name.lower()), None)
    return int(code) if metres is None else in_unit(int(code), metres)
