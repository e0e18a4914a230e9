"""Which coordinate reference system a name means, as the EPSG registry knows it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Final

import pyproj
from pyproj.exceptions import CRSError

from zwilling.crs.names import codes_in, nearest_name
from zwilling.errors import UnknownCRSError

ELLIPSOIDAL: Final = "ellipsoidal"
"""Stands in place of a height system's code: heights over the ellipsoid, as satellite receivers give them."""

# Semi-major axis of GRS 80 and of WGS 84; their flattenings differ by a tenth of a millimetre on the ground.
_GRS80_METRES = 6_378_137.0
_NAME_THE_CRS = "pass --crs, for example --crs EPSG:25832+7837"


@dataclass(frozen=True, slots=True)
class SourceCRS:
    """The CRS of a source, by EPSG codes.

    Attributes:
        horizontal: projected or geographic CRS; a geographic 3D or geocentric CRS stands here alone.
        vertical: height system, or None where the source names none (or `horizontal` has ellipsoidal heights).
        is_ellipsoidal: heights over `horizontal`, which has two axes, are those over its ellipsoid.  EPSG has no code
            for such a pair, so it is written `EPSG:25832+ellipsoidal`.
    """

    horizontal: int
    vertical: int | None = None
    is_ellipsoidal: bool = False

    @property
    def name(self) -> str:
        """Canonical name, for example `EPSG:25832+7837`."""
        heights = ELLIPSOIDAL if self.is_ellipsoidal else self.vertical
        return f"EPSG:{self.horizontal}" if heights is None else f"EPSG:{self.horizontal}+{heights}"


def parse_crs(text: str, *, source: object | None = None, where: str | None = None) -> SourceCRS:
    """Return the CRS that a `srsName` or a user names.

    Args:
        text: any of AdV's, OGC's and EPSG's spellings, in upper or lower case (see `zwilling.crs.names`); where it
            names no heights, `+ellipsoidal` may stand behind it.
        source: the file, for the message.
        where: the place in it, for the message.

    Raises:
        UnknownCRSError: the name has no known form, or its code is not one of a CRS.

    Example:
        >>> parse_crs("urn:adv:crs:ETRS89_UTM32*DE_DHHN2016_NH*GCG2016").name
        'EPSG:25832+7837'
        >>> parse_crs("urn:ogc:def:crs:EPSG::5555").name
        'EPSG:25832+5783'
        >>> parse_crs("EPSG:25832+ellipsoidal").name
        'EPSG:25832+ellipsoidal'
    """
    if not text.strip():
        raise UnknownCRSError(
            "the name of the coordinate system is empty", source=source, where=where, remedy=_NAME_THE_CRS
        )
    shown = text if len(text) <= 120 else f"{text[:117]}..."
    place, plus, heights = text.strip().rpartition("+")
    is_ellipsoidal = bool(plus) and heights.strip().lower() == ELLIPSOIDAL
    codes = codes_in(place if is_ellipsoidal else text)
    if codes is None:
        if text.strip().startswith("#"):
            problem = f"'{shown}' is a local coordinate system, which no transformation leads out of"
            raise UnknownCRSError(problem, source=source, where=where, remedy=_NAME_THE_CRS)
        nearest = nearest_name(text)
        remedy = f"did you mean '{nearest}'? If so, pass --crs {nearest}" if nearest else _NAME_THE_CRS
        raise UnknownCRSError(f"'{shown}' names no known coordinate system", source=source, where=where, remedy=remedy)
    try:
        crs = _registered(*codes)
        return _with_ellipsoidal_heights(crs) if is_ellipsoidal else crs
    except CRSError as error:
        problem = f"'{shown}' is not in the EPSG registry"
        raise UnknownCRSError(problem, source=source, where=where, remedy=_NAME_THE_CRS) from error
    except ValueError as error:
        problem = f"'{shown}' {error}"
        raise UnknownCRSError(problem, source=source, where=where, remedy=_NAME_THE_CRS) from error


def is_geographic(crs: SourceCRS) -> bool:
    """Return whether `crs` counts in degrees."""
    return bool(pyproj.CRS.from_epsg(crs.horizontal).is_geographic)


def is_latitude_first(text: str) -> bool:
    """Return whether data under this `srsName` gives latitude before longitude.

    Geographic systems of EPSG have latitude first, OGC's CRS84 has longitude first.  Projected systems are taken as
    east before north, also where EPSG says otherwise (Gauß-Krüger): that is how CityGML is written.

    Raises:
        UnknownCRSError: as `parse_crs`.

    Example:
        >>> [is_latitude_first(name) for name in ("EPSG:4326", "OGC:CRS84", "EPSG:31467")]
        [True, False, False]
    """
    return is_geographic(parse_crs(text)) and "crs84" not in text.lower()


def has_gnss_ellipsoid(crs: pyproj.CRS) -> bool:
    """Return whether `crs` is on the ellipsoid over which satellite receivers give heights."""
    return crs.ellipsoid is not None and math.isclose(crs.ellipsoid.semi_major_metre, _GRS80_METRES)


@cache
def _with_ellipsoidal_heights(crs: SourceCRS) -> SourceCRS:
    """Return `crs` with heights over its ellipsoid; `ValueError` says why that cannot be."""
    if crs.vertical is not None:
        raise ValueError(f"names two height systems: {pyproj.CRS.from_epsg(crs.vertical).name} and {ELLIPSOIDAL}")
    horizontal = pyproj.CRS.from_epsg(crs.horizontal)
    if len(horizontal.axis_info) == 3:
        return crs
    if not has_gnss_ellipsoid(horizontal):
        # What people call ellipsoidal heights are over GRS 80, also where the place is on another ellipsoid.
        named = "of its own" if horizontal.ellipsoid is None else horizontal.ellipsoid.name
        raise ValueError(f"would put heights over the ellipsoid {named}, which is not that of satellite receivers")
    return SourceCRS(crs.horizontal, None, True)


@cache
def _registered(horizontal: int, vertical: int | None) -> SourceCRS:
    """Return the two codes as a CRS, a compound one split; `ValueError` says what else the codes mean."""
    crs = pyproj.CRS.from_epsg(horizontal)
    if crs.is_compound and vertical is None:
        first, second = (part.to_epsg() for part in crs.sub_crs_list)
        if first is None or second is None:
            raise ValueError("is compound of parts without EPSG codes")
        return _registered(first, second)
    if crs.is_vertical and not crs.is_compound:
        raise ValueError(f"names heights ({crs.name}) and no place")
    if not (crs.is_projected or crs.is_geographic or crs.is_geocentric) or crs.is_compound:
        raise ValueError(f"is a {crs.type_name} ({crs.name}), from which nothing can be placed")
    if vertical is None:
        return SourceCRS(horizontal)
    if len(crs.axis_info) == 3:
        raise ValueError(f"adds heights to {crs.name}, which has ellipsoidal heights already")
    heights = pyproj.CRS.from_epsg(vertical)
    if not heights.is_vertical or heights.is_compound:
        raise ValueError(f"names {heights.name} (EPSG:{vertical}) as its heights")
    return SourceCRS(horizontal, vertical)
