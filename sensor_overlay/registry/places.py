"""Where a thing of the registry is, on the ellipsoid: from what its line says, or from its building."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from sensor_overlay.registry.columns import POSITION_FIELDS
from sensor_overlay.registry.values import height_reference, number
from zwilling.crs import Georeference, parse_crs
from zwilling.errors import UnknownCRSError
from zwilling.region import Region

STOREY_M: Final = 3.3
"""From floor to floor, where nothing else is known: schools have 3.2 to 3.6 m."""
_IN_ROOM_M: Final = 1.5
_FAR_M: Final = 50.0
_DEGREES: Final = "EPSG:4258+7837"
_METRES_PER_DEGREE: Final = 111_320.0
_LOWEST, _HIGHEST = -500.0, 9000.0


@dataclass(frozen=True, slots=True)
class Box:
    """Bounds of a building: degrees (ETRS89/WGS 84) and metres above the ellipsoid."""

    west: float
    south: float
    east: float
    north: float
    low: float
    high: float


class Surroundings(Protocol):
    """What the twin has built around a sensor."""

    def building(self, building_id: str) -> Box | None:
        """Return the bounds of the building with exactly this id, or None where no published layer has it."""

    def ground(self, longitude: float, latitude: float) -> float | None:
        """Return metres of the ground above the ellipsoid, or None where no published layer tells."""


@dataclass(frozen=True, slots=True)
class Position:
    """A point: degrees (ETRS89/WGS 84), metres above the ellipsoid or None, and whether a building had to do for it."""

    longitude: float
    latitude: float
    height: float | None
    is_of_building: bool = False


class PlaceError(ValueError):
    """A position that cannot be; `field` is the column at fault."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field = field


Warn = Callable[[str, str], None]
"""Takes the field and what is worth knowing about it."""


class Placing:
    """Turns what lines say about places into positions.

    Args:
        region: the county.
        surroundings: what it has built.
        crs: of `Ostwert` and `Nordwert`; None takes the region's.
    """

    def __init__(self, region: Region, surroundings: Surroundings, crs: str | None = None) -> None:
        self._region = region
        self._surroundings = surroundings
        self._metres = Georeference.create(parse_crs(crs or region.crs), region)
        self._degrees = Georeference.create(parse_crs(_DEGREES), region)

    def position(self, cells: Mapping[str, str], warn: Warn) -> Position | None:
        """Return where the thing of one line is, or None where the line tells no place.

        Raises:
            PlaceError: the line contradicts itself, or the place lies outside the county.
        """
        given = {field: cells[field] for field in POSITION_FIELDS if cells.get(field)}
        building_id = cells.get("building", "")
        box = self._surroundings.building(building_id) if building_id else None
        if building_id and box is None:
            warn("building", f"no published layer has a building '{building_id}' (case counts)")
        is_geographic = "longitude" in given or "latitude" in given
        is_projected = "easting" in given or "northing" in given
        if is_geographic and is_projected:
            raise PlaceError("longitude", "has degrees and Ostwert or Nordwert; keep one of them")
        if not is_geographic and not is_projected:
            if "height" in given:
                raise PlaceError("height", "is a height without a place")
            return None if box is None else _in_building(box, cells.get("storey", ""))
        names = ("longitude", "latitude") if is_geographic else ("easting", "northing")
        for name in names:
            if name not in given:
                raise PlaceError(name, "is missing beside the other coordinate")
        place = (_number(given, names[0]), _number(given, names[1]))
        if is_geographic:
            longitude, latitude = self._checked(names[0], *place)
        else:
            east, north, _ = self._ellipsoidal(self._metres, names[0], *place, 0.0)
            longitude, latitude = self._checked(names[0], east, north)
        if box is not None:
            distance = _metres_outside(box, longitude, latitude)
            if distance > _FAR_M:
                warn("building", f"the place is {distance:.0f} m away from that building")
        return Position(longitude, latitude, self._height(given, place, is_geographic, (longitude, latitude), box))

    def _height(
        self,
        given: Mapping[str, str],
        place: tuple[float, float],
        is_geographic: bool,
        degrees: tuple[float, float],
        box: Box | None,
    ) -> float | None:
        if "height" not in given:
            return None
        try:
            reference = height_reference(given.get("height_reference", ""))
        except ValueError as error:
            raise PlaceError("height_reference", str(error)) from None
        height = _number(given, "height")
        if reference == "ground":
            if not -100 <= height <= 500:
                raise PlaceError("height", f"{height:g} m is no height above ground")
            ground = self._surroundings.ground(*degrees)
            if ground is None:
                ground = None if box is None else box.low
            return None if ground is None else ground + height
        if reference == "nhn":
            way = self._degrees if is_geographic else self._metres
            height = self._ellipsoidal(way, "height", *place, height)[2]
        if not _LOWEST <= height <= _HIGHEST:
            raise PlaceError("height", f"{height:g} m above the ellipsoid is no height of a sensor")
        return height

    def _ellipsoidal(self, way: Georeference, field: str, x: float, y: float, z: float) -> tuple[float, float, float]:
        try:
            east, north, height = way.to_geographic(np.array([[x, y, z]]))[0]
        except UnknownCRSError as error:
            raise PlaceError(field, f"{error.problem}; {error.remedy}" if error.remedy else error.problem) from None
        return float(east), float(north), float(height)

    def _checked(self, field: str, longitude: float, latitude: float) -> tuple[float, float]:
        if self._region.contains(longitude, latitude):
            return longitude, latitude
        hint = "; longitude and latitude look swapped" if self._region.contains(latitude, longitude) else ""
        raise PlaceError(field, f"{longitude:g}, {latitude:g} lies outside {self._region.title}{hint}")


def _in_building(box: Box, storey: str) -> Position:
    """Return the middle of a building, at the height of a storey."""
    level = storey_level(storey)
    height = box.low + _IN_ROOM_M + STOREY_M * (level if level is not None else 0)
    if level == TOP:
        height = box.high - _IN_ROOM_M
    longitude, latitude = (box.west + box.east) / 2, (box.south + box.north) / 2
    return Position(longitude, latitude, min(height, max(box.high - 0.5, box.low)), is_of_building=True)


TOP: Final = 99
"""What `storey_level` returns for the roof storey."""


def storey_level(storey: str) -> int | None:
    """Return how many storeys above the ground floor a storey is, or None where its name does not tell.

    Example:
        >>> [storey_level(name) for name in ("EG", "2. OG", "OG1", "UG", "-1", "Keller", "DG", "Turm")]
        [0, 2, 1, -1, -1, -1, 99, None]
    """
    word = re.sub(r"[\s._-]", "", storey.strip().lower().replace("obergeschoss", "og").replace("untergeschoss", "ug"))
    if word in {"eg", "erdgeschoss", "parterre", "0"}:
        return 0
    if word in {"dg", "dachgeschoss", "dach"}:
        return TOP
    if word in {"keller", "kg", "kellergeschoss", "souterrain"}:
        return -1
    if re.fullmatch(r"\s*-\d{1,2}\s*", storey):
        return int(storey)
    found = re.fullmatch(r"(\d{0,2})(og|ug|etage|stock)?(\d{0,2})", word)
    if found is None or not word:
        return None
    digits = found.group(1) or found.group(3)
    if not digits and found.group(2) not in {"og", "ug"}:
        return None
    level = int(digits or 1)
    return -level if found.group(2) == "ug" else level


def _number(given: Mapping[str, str], field: str) -> float:
    try:
        return number(given[field])
    except ValueError as error:
        raise PlaceError(field, str(error)) from None


def _metres_outside(box: Box, longitude: float, latitude: float) -> float:
    east = max(box.west - longitude, longitude - box.east, 0.0) * float(np.cos(np.radians(latitude)))
    north = max(box.south - latitude, latitude - box.north, 0.0)
    return float(np.hypot(east, north)) * _METRES_PER_DEGREE
