"""Bounding volumes: are they valid, and how far do points stick out of them.

Spec: 3D Tiles 1.1 (OGC 22-025r4), `core-bounding-volumes`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tiler.check.fields import JsonObject, as_object, get_numbers
from tiler.check.findings import Place

Points = NDArray[np.float64]
Matrix = NDArray[np.float64]

TOLERANCE_M = 1e-5
"""How far a point may lie outside, in metres of the volume's own frame.

ECEF coordinates in float64 have a step of 1e-9 m and the few multiplications that lead there and back add some
1e-8 m, so this is what rounding can do, with room; a box that is wrong by a tenth of a millimetre is found.  The
CesiumGS validator takes the same value.
"""

_SEMI_MAJOR_AXIS_M = 6378137.0  # WGS 84, OGC 22-025r4 `core-coordinate-reference-system`
_FLATTENING = 1 / 298.257223563


class Volume(Protocol):
    """A bounding volume, placed in the frame of the tileset's root (ECEF, where the root has no other frame)."""

    @property
    def is_convex(self) -> bool:
        """Whether a hull lies inside as soon as its corners do."""
        ...

    def excess(self, points: Points) -> NDArray[np.float64]:
        """Return how far each of the points (n, 3) lies outside, in metres; zero or less is inside."""
        ...

    def samples(self) -> Points:
        """Return points of the volume's border, shape (n, 3): all corners, where it has some."""
        ...


@dataclass(frozen=True, slots=True)
class Box:
    """Oriented box. `half_axes` are the rows of a (3, 3) array, in the frame that `frame` leads out of."""

    center: Points
    half_axes: Matrix
    frame: Matrix

    @property
    def is_convex(self) -> bool:
        return True

    def excess(self, points: Points) -> NDArray[np.float64]:
        to_local = np.linalg.inv(self.frame)
        local = points @ to_local[:3, :3].T + (to_local[:3, 3] - self.center)
        directions, half_lengths = _directions(self.half_axes)
        along = np.linalg.solve(directions.T, local.T).T
        excess: NDArray[np.float64] = (np.abs(along) - half_lengths).max(axis=1)
        return excess

    def samples(self) -> Points:
        signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=np.float64)
        return _apply(self.frame, self.center + signs @ self.half_axes)


@dataclass(frozen=True, slots=True)
class Sphere:
    """Sphere around `center`, in the frame that `frame` leads out of."""

    center: Points
    radius: float
    frame: Matrix

    @property
    def is_convex(self) -> bool:
        return True

    def excess(self, points: Points) -> NDArray[np.float64]:
        to_local = np.linalg.inv(self.frame)
        local = points @ to_local[:3, :3].T + (to_local[:3, 3] - self.center)
        excess: NDArray[np.float64] = np.sqrt((local * local).sum(axis=1)) - self.radius
        return excess

    def samples(self) -> Points:
        steps = np.linspace(-1, 1, 5)
        cube = np.array([[x, y, z] for x in steps for y in steps for z in steps if max(abs(x), abs(y), abs(z)) == 1])
        shell = cube / np.linalg.norm(cube, axis=1, keepdims=True)
        return _apply(self.frame, self.center + shell * self.radius)


@dataclass(frozen=True, slots=True)
class Region:
    """Part of the ellipsoid: west, south, east, north in radians, lowest and highest ellipsoidal height in metres.

    A tile's transform does not apply to it.
    """

    west: float
    south: float
    east: float
    north: float
    low: float
    high: float

    @property
    def is_convex(self) -> bool:
        return False

    def excess(self, points: Points) -> NDArray[np.float64]:
        longitude, latitude, height = _geographic(points)
        width = (self.east - self.west) % (2 * math.pi) if self.east < self.west else self.east - self.west
        middle = self.west + width / 2
        apart = np.abs((longitude - middle + math.pi) % (2 * math.pi) - math.pi) - width / 2
        sideways = apart * np.cos(latitude) * _SEMI_MAJOR_AXIS_M
        lengthwise = np.maximum(self.south - latitude, latitude - self.north) * _SEMI_MAJOR_AXIS_M
        upright = np.maximum(self.low - height, height - self.high)
        return np.maximum(np.maximum(sideways, lengthwise), upright)

    def samples(self) -> Points:
        east = self.east if self.east >= self.west else self.east + 2 * math.pi
        grid = np.meshgrid(
            np.linspace(self.west, east, 3), np.linspace(self.south, self.north, 3), [self.low, self.high]
        )
        longitude, latitude, height = (axis.ravel() for axis in grid)
        return ecef(longitude, latitude, height)


def ecef(
    longitude: NDArray[np.float64], latitude: NDArray[np.float64], height: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return EPSG:4978 coordinates (n, 3) of radians and ellipsoidal metres.

    Example:
        >>> ecef(np.zeros(1), np.zeros(1), np.zeros(1)).tolist()
        [[6378137.0, 0.0, 0.0]]
    """
    eccentricity2 = _FLATTENING * (2 - _FLATTENING)
    normal = _SEMI_MAJOR_AXIS_M / np.sqrt(1 - eccentricity2 * np.sin(latitude) ** 2)
    return np.column_stack(
        (
            (normal + height) * np.cos(latitude) * np.cos(longitude),
            (normal + height) * np.cos(latitude) * np.sin(longitude),
            (normal * (1 - eccentricity2) + height) * np.sin(latitude),
        )
    )


def read_volume(parent: JsonObject, place: Place, frame: Matrix) -> Volume | None:
    """Return the volume of `parent["boundingVolume"]`; None, and a finding, if there is none that is valid.

    Args:
        parent: a tile or a content.
        place: where `parent` is.
        frame: leads from the tile's frame to that of the root; shape (4, 4), for column vectors, invertible.
    """
    if "boundingVolume" not in parent:
        place.report("PROPERTY_MISSING", "'boundingVolume' is required")
        return None
    at = place.at("boundingVolume")
    value = as_object(parent["boundingVolume"], at, "boundingVolume")
    if value is None:
        return None
    if not value.keys() & {"box", "region", "sphere"}:
        if value.get("extensions"):
            at.report("NOT_CHECKED", "the bounding volume is given by an extension alone")
        else:
            at.report("ANY_OF_ERROR", "a bounding volume must have a 'box', a 'region' or a 'sphere'")
        return None
    volumes = (_read_box(value, at, frame), _read_region(value, at), _read_sphere(value, at, frame))
    return next((volume for volume in volumes if volume is not None), None)


def _read_box(value: JsonObject, at: Place, frame: Matrix) -> Box | None:
    numbers = get_numbers(value, "box", at, 12)
    if numbers is None:
        return None
    half_axes = np.array(numbers[3:]).reshape(3, 3)
    directions, _ = _directions(half_axes)
    cosines = np.abs(directions @ directions.T - np.eye(3)).max()
    if abs(np.linalg.det(directions)) < 1e-6:
        at.at("box").report("BOUNDING_VOLUME_INVALID", f"the half-axes lie in one plane: {numbers[3:]}")
        return None
    if cosines > 1e-3:
        at.at("box").report("BOX_AXES_NOT_ORTHOGONAL", f"the half-axes of a box must be orthogonal: {numbers[3:]}")
    return Box(np.array(numbers[:3]), half_axes, frame)


def _read_sphere(value: JsonObject, at: Place, frame: Matrix) -> Sphere | None:
    numbers = get_numbers(value, "sphere", at, 4)
    if numbers is None:
        return None
    if numbers[3] < 0:
        at.at("sphere", 3).report("BOUNDING_VOLUME_INVALID", f"the radius may not be negative, but is {numbers[3]}")
        return None
    return Sphere(np.array(numbers[:3]), numbers[3], frame)


def _read_region(value: JsonObject, at: Place) -> Region | None:
    numbers = get_numbers(value, "region", at, 6)
    if numbers is None:
        return None
    west, south, east, north, low, high = numbers
    faults = [
        (0, "west", west, math.pi),
        (1, "south", south, math.pi / 2),
        (2, "east", east, math.pi),
        (3, "north", north, math.pi / 2),
    ]
    is_valid = True
    for index, name, number, limit in faults:
        if abs(number) > limit:
            rule = f"'{name}' must be in [{-limit:.6f}, {limit:.6f}] radians, but is {number}"
            at.at("region", index).report("BOUNDING_VOLUME_INVALID", rule)
            is_valid = False
    if south > north:
        at.at("region").report("BOUNDING_VOLUME_INVALID", f"south {south} may not be larger than north {north}")
        is_valid = False
    if low > high:
        at.at("region").report("BOUNDING_VOLUME_INVALID", f"lowest height {low} may not be above the highest {high}")
        is_valid = False
    return Region(west, south, east, north, low, high) if is_valid else None


def _directions(half_axes: Matrix) -> tuple[Matrix, NDArray[np.float64]]:
    """Return unit vectors along the half-axes, as rows, and their lengths.

    An axis of length zero (a flat roof alone in its tile) has no direction: it gets one that is orthogonal to the
    others, since the box has no extent there whichever way it points.
    """
    lengths = np.linalg.norm(half_axes, axis=1)
    directions = np.zeros((3, 3))
    given = lengths > 0
    directions[given] = half_axes[given] / lengths[given, None]
    for axis in np.flatnonzero(~given):
        # The right singular vector of the smallest singular value is orthogonal to all rows there are so far.
        directions[axis] = np.linalg.svd(directions)[2][-1]
    return directions, lengths


def _apply(matrix: Matrix, points: Points) -> Points:
    moved: Points = points @ matrix[:3, :3].T + matrix[:3, 3]
    return moved


def _geographic(points: Points) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return longitude and latitude in radians and ellipsoidal height in metres of EPSG:4978 points.

    Bowring's latitude with three rounds; below 1e-9 m for heights within 100 km of the ellipsoid.
    """
    eccentricity2 = _FLATTENING * (2 - _FLATTENING)
    semi_minor_axis = _SEMI_MAJOR_AXIS_M * (1 - _FLATTENING)
    x, y, z = points.T
    from_axis = np.hypot(x, y)
    reduced = np.arctan2(z * _SEMI_MAJOR_AXIS_M, from_axis * semi_minor_axis)
    latitude = reduced
    for _ in range(3):
        latitude = np.arctan2(
            z + eccentricity2 / (1 - eccentricity2) * semi_minor_axis * np.sin(reduced) ** 3,
            from_axis - eccentricity2 * _SEMI_MAJOR_AXIS_M * np.cos(reduced) ** 3,
        )
        reduced = np.arctan2((1 - _FLATTENING) * np.sin(latitude), np.cos(latitude))
    normal = _SEMI_MAJOR_AXIS_M / np.sqrt(1 - eccentricity2 * np.sin(latitude) ** 2)
    height = from_axis * np.cos(latitude) + z * np.sin(latitude) - normal * (1 - eccentricity2 * np.sin(latitude) ** 2)
    return np.arctan2(y, x), latitude, height
