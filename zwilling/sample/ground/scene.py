"""What the camera sees, as flat shapes in the order in which they lie upon each other."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, Polygon
from shapely.geometry.base import BaseGeometry

from zwilling.sample.ground.palette import Paint, Palette
from zwilling.sample.solids import Point

SUN_AZIMUTH = math.radians(150.0)
SUN_HEIGHT = math.radians(50.0)
SUN = (
    math.sin(SUN_AZIMUTH) * math.cos(SUN_HEIGHT),
    math.cos(SUN_AZIMUTH) * math.cos(SUN_HEIGHT),
    math.sin(SUN_HEIGHT),
)
SHADOW = (-SUN[0] / SUN[2], -SUN[1] / SUN[2])
"""How far a point casts its shadow for each metre of height: east and north."""


class Level(IntEnum):
    """What lies upon what."""

    FIELDS = 0
    TRACKS = 1
    WATERSIDE = 2
    WATER = 3
    DYKE = 4
    OUTLINE = 5
    BLOCKS = 6
    YARDS = 7
    DETAILS = 8
    GREEN = 9
    STREAM = 10
    RAILWAY = 11
    KERBS = 12
    ROADS = 13
    MARKINGS = 14
    CARS = 15
    FENCES = 16
    ROOFS = 17
    ON_ROOFS = 18


@dataclass(frozen=True, slots=True)
class Shape:
    """Something to draw.

    Attributes:
        coords: shape (n, 2): a ring; for `width` above 0 a line; for `is_hatching` n / 2 lines of two points.
        ink: number in the palette; for a shadow how dark it is.
        width: of a line, metres.
    """

    coords: NDArray[np.float64]
    ink: int
    width: float = 0.0
    is_hatching: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """Something upright on the ground that is no building: a car, a hut, a hedge.

    Attributes:
        coords: shape (n, 2): its outline; for `width` above 0 the line along which it stands.
        height: above the ground, metres.
        width: of what stands along a line, metres.
    """

    coords: NDArray[np.float64]
    height: float
    width: float = 0.0


class Scene:
    """Shapes and shadows, collected level by level and found by where they are."""

    def __init__(self) -> None:
        self.palette = Palette()
        self.bodies: list[Body] = []
        self._levels: dict[int, list[Shape]] = {level: [] for level in Level}
        self._shadows: list[Shape] = []
        self._lifted: list[Shape] = []

    def fill(self, level: Level, area: BaseGeometry | Iterable[Point], paint: Paint) -> None:
        """Fill a polygon, or each part of several; holes are not left out: what lies in them must come later."""
        ink = self.palette.ink(paint)
        if not isinstance(area, BaseGeometry):
            self._levels[level].append(Shape(np.array(list(area), np.float64), ink))
            return
        for part in shapely.get_parts(area):
            if part.geom_type == "Polygon" and not part.is_empty:
                self._levels[level].append(Shape(shapely.get_coordinates(part.exterior), ink))

    def line(self, level: Level, line: BaseGeometry | Sequence[Point], width: float, paint: Paint) -> None:
        """Draw a line, or each part of several."""
        ink = self.palette.ink(paint)
        if not isinstance(line, BaseGeometry):
            self._levels[level].append(Shape(np.array(line, np.float64), ink, width))
            return
        for part in shapely.get_parts(line):
            if part.geom_type in ("LineString", "LinearRing") and part.length > 0.2:
                self._levels[level].append(Shape(shapely.get_coordinates(part), ink, width))

    def hatch(self, level: Level, ends: NDArray[np.float64], width: float, paint: Paint) -> None:
        """Draw many straight lines, shape (n, 2, 2)."""
        if len(ends):
            self._levels[level].append(Shape(ends.reshape(-1, 2), self.palette.ink(paint), width, True))

    def shade(self, ring: NDArray[np.float64]) -> None:
        """Put a ring on the ground into shadow."""
        self._shadows.append(Shape(ring, 255))

    def block_of(self, outline: Sequence[Point], height: float) -> None:
        """Stand a convex body with upright sides on the ground, and cast its shadow."""
        self.bodies.append(Body(np.array(outline, np.float64), height))
        self.shade_of(outline, height)

    def shade_of(self, outline: Sequence[Point], height: float) -> None:
        """Cast the shadow of a convex body with upright sides."""
        base = np.array(outline, np.float64)
        top = base + np.array(SHADOW) * height
        hull = shapely.convex_hull(shapely.multipoints(np.concatenate([base, top])))
        # The body itself is lit from above.
        for part in shapely.get_parts(shapely.difference(hull, Polygon(base))):
            if part.geom_type == "Polygon":
                self.shade(shapely.get_coordinates(part.exterior))

    def lift(self, footprint: Polygon) -> None:
        """Take an area that stands higher out of the shadows on the ground."""
        self._lifted.append(Shape(shapely.get_coordinates(footprint.exterior), 0))

    def finished(self) -> tuple[Drawing, Drawing]:
        """Return the shapes in the order of drawing, and the shadows."""
        shapes = [shape for level in Level for shape in self._levels[level]]
        return Drawing(shapes), Drawing(self._shadows + self._lifted)


class Drawing:
    """Shapes in a fixed order, with their bounds."""

    def __init__(self, shapes: list[Shape]) -> None:
        self.shapes = shapes
        self._bounds = np.array(
            [(*(s.coords.min(axis=0) - s.width), *(s.coords.max(axis=0) + s.width)) for s in shapes],
            np.float64,
        ).reshape(-1, 4)

    def within(self, west: float, south: float, east: float, north: float) -> list[Shape]:
        """Return what touches a rectangle."""
        b = self._bounds
        hit = (b[:, 0] <= east) & (b[:, 2] >= west) & (b[:, 1] <= north) & (b[:, 3] >= south)
        return [self.shapes[i] for i in np.flatnonzero(hit)]


def straight(a: Point, b: Point) -> LineString:
    """Return the line between two points."""
    return LineString([a, b])
