"""Coordinate reference systems of flat data: those of pictures and terrain files, which need not be registered."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyproj
from numpy.typing import NDArray
from pyproj.exceptions import CRSError, ProjError
from pyproj.transformer import TransformerGroup

from zwilling.crs.routes import area_of, datum_of
from zwilling.crs.system import SourceCRS, parse_crs
from zwilling.errors import UnknownCRSError

_NAME_THE_CRS = "pass --crs, for example --crs EPSG:25832"
_METRES = "metre"
_DHDN = 4314

# ETRS89 in Europe (the area of EPSG:4258), by UTM zone; WGS 84 elsewhere.
_ETRS89_ZONES = range(28, 39)
_EUROPE_DEG = (-16.1, 32.88, 40.18, 84.73)


@dataclass(frozen=True, slots=True)
class PlaneCRS:
    """A horizontal CRS, as EPSG code or spelled out, and the heights that came with it.

    Attributes:
        definition: `EPSG:25832`, or WKT 2 where the EPSG registry has no such CRS.
        title: its name for people.
        code: EPSG code, None where there is none.
        vertical: EPSG code of the heights, None where none were named.
        is_ellipsoidal: the heights that were named are those over its ellipsoid.
    """

    definition: str
    title: str
    code: int | None = None
    vertical: int | None = None
    is_ellipsoidal: bool = False

    @property
    def is_geographic(self) -> bool:
        """Whether it counts in degrees."""
        return bool(_crs(self.definition).is_geographic)

    @property
    def is_metric(self) -> bool:
        """Whether it is projected and counts in metres."""
        crs = _crs(self.definition)
        return bool(crs.is_projected) and all(axis.unit_name == _METRES for axis in crs.axis_info)

    def area(self) -> tuple[float, float, float, float]:
        """Return where it may be used: west, south, east, north in degrees, with a margin."""
        return area_of(_crs(self.definition))

    def to_degrees(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return longitudes and latitudes (WGS 84 or ETRS89), shape (n, 2); infinite where there are none."""
        return transformed(places, self.definition, "OGC:CRS84")


def plane_crs(text: str, *, source: object | None = None) -> PlaneCRS:
    """Return the CRS that a file's WKT, or a user's name, describes.

    A WKT that has its code for a name (`PROJCS["EPSG:2154", …]`) and does not know its datum is taken by that name
    where its projection is the registered one; such files are common.

    Raises:
        UnknownCRSError: it is none from which places can be told: unreadable, local, geocentric, heights alone.
    """
    if not text.lstrip().startswith("+") and "[" not in text:
        named = plane_of(parse_crs(text, source=source))
        if _crs(named.definition).is_geocentric:
            raise _nowhere(_crs(named.definition), source)
        return named
    try:
        crs = pyproj.CRS.from_user_input(text.strip())
    except CRSError as error:
        raise UnknownCRSError(
            "names a coordinate system that cannot be read", source=source, remedy=_NAME_THE_CRS
        ) from error
    vertical = None
    if crs.is_bound and crs.source_crs is not None:
        crs = crs.source_crs
    if crs.is_compound:
        crs, heights = crs.sub_crs_list[:2]
        vertical = heights.to_epsg()
        if crs.is_bound and crs.source_crs is not None:
            crs = crs.source_crs
    if not (crs.is_projected or crs.is_geographic):
        raise _nowhere(crs, source)
    is_ellipsoidal = len(crs.axis_info) == 3
    flat = crs.to_2d() if is_ellipsoidal else crs
    code = flat.to_epsg() or code_in_name(flat)
    if code is not None:
        return PlaneCRS(f"EPSG:{code}", _crs(f"EPSG:{code}").name, code, vertical, is_ellipsoidal)
    return PlaneCRS(flat.to_wkt(), flat.name, None, vertical, is_ellipsoidal)


def _nowhere(crs: pyproj.CRS, source: object | None) -> UnknownCRSError:
    return UnknownCRSError(
        f"its coordinate system is a {crs.type_name} ({crs.name}), from which nothing can be placed",
        source=source,
        remedy=_NAME_THE_CRS,
    )


def plane_of(crs: SourceCRS) -> PlaneCRS:
    """Return a registered CRS without its heights; what they are is kept.

    Example:
        >>> plane_of(parse_crs("EPSG:4979"))
        PlaneCRS(definition='EPSG:4326', title='WGS 84', code=4326, vertical=None, is_ellipsoidal=True)
    """
    full = _crs(f"EPSG:{crs.horizontal}")
    if len(full.axis_info) < 3 or full.is_geocentric:
        return PlaneCRS(f"EPSG:{crs.horizontal}", full.name, crs.horizontal, crs.vertical, crs.is_ellipsoidal)
    flat = full.to_2d()
    code = flat.to_epsg()
    return PlaneCRS(flat.to_wkt() if code is None else f"EPSG:{code}", flat.name, code, None, True)


def utm_at(lon_deg: float, lat_deg: float) -> str:
    """Return the UTM zone of a place: of ETRS89 in Europe, of WGS 84 elsewhere.

    Example:
        >>> utm_at(6.7, 51.2), utm_at(-105.7, 40.3), utm_at(18.4, -33.9)
        ('EPSG:25832', 'EPSG:32613', 'EPSG:32734')
    """
    zone = min(int((lon_deg + 180.0) // 6.0) + 1, 60)
    west, south, east, north = _EUROPE_DEG
    if zone in _ETRS89_ZONES and west <= lon_deg <= east and south <= lat_deg <= north:
        return f"EPSG:{25800 + zone}"
    return f"EPSG:{(32600 if lat_deg >= 0 else 32700) + zone}"


def transformed(places: NDArray[np.float64], given: str, wanted: str) -> NDArray[np.float64]:
    """Return places in another horizontal CRS, shape (n, 2), x before y; infinite where the CRS does not reach.

    Args:
        places: shape (n, 2), x before y (longitude before latitude).
        given, wanted: definitions, see `PlaneCRS`.

    Raises:
        UnknownCRSError: PROJ knows no way that is better than ballpark.
    """
    if given == wanted:
        return places
    return np.stack(_way(given, wanted).transform(places[:, 0], places[:, 1]), axis=1)


def shortfall(given: str, wanted: str) -> float | None:
    """Return how far off places may be, metres, because a grid for the best way is not installed; None where none is.

    Only for German data before ETRS89 (DHDN), whose grid BETA2007 counties have to install.
    """
    if datum_of(_crs(given)) != _DHDN or datum_of(_crs(wanted)) == _DHDN:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the warning says what `best_available` says
        ways = TransformerGroup(_crs(given), _crs(wanted), always_xy=True, allow_ballpark=False)
    if ways.best_available:
        return None
    return max((way.accuracy for way in ways.transformers), default=-1.0)


@lru_cache(maxsize=64)
def _crs(definition: str) -> pyproj.CRS:
    return pyproj.CRS.from_user_input(definition)


@lru_cache(maxsize=64)
def _way(given: str, wanted: str) -> pyproj.Transformer:
    try:
        return pyproj.Transformer.from_crs(_crs(given), _crs(wanted), always_xy=True, allow_ballpark=False)
    except ProjError as error:
        raise UnknownCRSError(
            f"PROJ knows no exact way from {_crs(given).name} to {_crs(wanted).name}",
            remedy="pass the registered CRS with --crs, or convert the files to EPSG:25832 first",
        ) from error


def code_in_name(crs: pyproj.CRS) -> int | None:
    """Return the EPSG code that a CRS has for a name, where it is that CRS but for its datum's name."""
    try:
        named = parse_crs(crs.name)
    except UnknownCRSError:
        return None
    registered = _crs(f"EPSG:{named.horizontal}")
    return named.horizontal if _parameters(crs) == _parameters(registered) != {} else None


def _parameters(crs: pyproj.CRS) -> dict[str, float]:
    """Return the numbers of a projection by their names, none where the CRS has no projection."""
    operation = crs.coordinate_operation
    return {} if operation is None else {each.name: round(float(each.value), 9) for each in operation.params}
