"""Where a place in the scene is, in the county's own terms: `/api/position`.

Clients know places as CesiumJS does, by longitude, latitude and height above the ellipsoid. Plans, deeds and gauges
speak of easting, northing and height above NHN.
"""

from __future__ import annotations

import asyncio
import math
from functools import cache
from http import HTTPStatus
from typing import Any

import numpy as np
import pyproj
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from server.documents import Document
from zwilling.crs import Georeference, parse_crs
from zwilling.crs.routes import geocentric
from zwilling.errors import UnknownCRSError
from zwilling.region import Region

LASTS = "public, max-age=3600"
_LIMITS = {"longitude": 180.0, "latitude": 90.0, "height": 10_000.0}


class Positions:
    """Answers in the CRS of one region."""

    def __init__(self, region: Region) -> None:
        self._region = region

    async def describe(self, request: Request) -> Response:
        """Return a place in the region's CRS, with its height above NHN.

        Query: `longitude`, `latitude` (degrees, WGS 84), `height` (metres above the ellipsoid).

        Raises:
            HTTPException: 400 where a number is missing or none; 404 outside the region, where nothing is known.
        """
        try:
            longitude, latitude, height = (
                _number(request.query_params[name], limit) for name, limit in _LIMITS.items()
            )
        except (KeyError, ValueError):
            raise HTTPException(HTTPStatus.BAD_REQUEST) from None
        if not self._region.contains(longitude, latitude):
            raise HTTPException(HTTPStatus.NOT_FOUND)
        loop = asyncio.get_running_loop()
        content = await loop.run_in_executor(None, position, self._region, longitude, latitude, height)
        if content is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return Document(content).response(request.scope, LASTS)


def position(region: Region, longitude: float, latitude: float, height: float) -> dict[str, Any] | None:
    """Return a place (degrees, metres above the ellipsoid) in the region's CRS; None where its heights do not reach.

    Easting, northing and height are rounded to millimetres, which is finer than any source.
    """
    georeference = _georeference(region)
    ecef = np.array(geocentric().transform(longitude, latitude, height), np.float64)
    try:
        easting, northing, level = georeference.from_ecef(ecef[None, :])[0]
    except UnknownCRSError:
        return None
    vertical = georeference.crs.vertical
    return {
        "longitude": longitude,
        "latitude": latitude,
        "ellipsoidal_height": height,
        "crs": georeference.crs.name,
        "easting": round(float(easting), 3),
        "northing": round(float(northing), 3),
        "height": round(float(level), 3),
        "height_system": "" if vertical is None else pyproj.CRS.from_epsg(vertical).name.removesuffix(" height"),
    }


@cache
def _georeference(region: Region) -> Georeference:
    return Georeference.create(parse_crs(region.crs), region)


def _number(text: str, limit: float) -> float:
    """Return a decimal number; `float` alone would take 1_0, infinity and NaN."""
    if len(text) > 40 or not set(text) <= set("+-.0123456789eE"):
        raise ValueError(f"{text!r:.40} is no number")
    number = float(text)
    if not math.isfinite(number) or abs(number) > limit:
        raise ValueError(f"{number} is out of range")
    return number
