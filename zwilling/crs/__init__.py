"""Coordinate reference systems: which one a name means, and the way from it to the ellipsoid.

Every call of pyproj in the project is here, always with x before y (east before north, longitude before
latitude) and never with PROJ's ballpark steps: those pass heights through unchanged, 45 m wrong in the Rhineland.

ETRS89 and WGS 84 are taken as one system, as PROJ does: the plates have drifted some 0.8 m apart since 1989,
and all data of a county drifts with its plate.
"""

from zwilling.crs.georeference import Georeference, HeightCheck, Method, check_heights, enu_to_ecef
from zwilling.crs.routes import grid_folders, grid_zeta
from zwilling.crs.system import ELLIPSOIDAL, SourceCRS, is_geographic, is_latitude_first, parse_crs

__all__ = [
    "ELLIPSOIDAL",
    "Georeference",
    "HeightCheck",
    "Method",
    "SourceCRS",
    "check_heights",
    "enu_to_ecef",
    "grid_folders",
    "grid_zeta",
    "is_geographic",
    "is_latitude_first",
    "parse_crs",
]
