"""Terrain tiles as a globe reads them: the format quantized-mesh 1.0.

Specification: https://github.com/CesiumGS/quantized-mesh.  Little endian, degrees of WGS 84, heights above its
ellipsoid.  A tile is a mesh in which every vertex has a place (u to the east, v to the north) and a height, each in
steps of 1/32767 of what the tile spans.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

CELLS: Final = 128
"""Cells along each side of the grid that a tile is meshed from."""

_STEPS: Final = 32767
_A: Final = 6378137.0
_B: Final = 6356752.3142451793
_RADII: Final = np.array([_A, _A, _B])
_E2: Final = 1.0 - (_B / _A) ** 2
# Of two vertices a quarter round the globe from each other neither hides behind the other's horizon, however far out a
# point is chosen; a point that far out is as good as one at infinity.
_FAR: Final = 1e6
_OCT_VERTEX_NORMALS: Final = 1
_INDEX_16: Final = 65536
_U2: Final[np.dtype[np.uint16]] = np.dtype("<u2")


@dataclass(frozen=True, slots=True)
class Place:
    """What a tile covers, degrees."""

    west: float
    south: float
    east: float
    north: float

    @classmethod
    def of_tile(cls, level: int, x: int, y: int) -> Place:
        """Return what a tile of the global geodetic profile covers: two tiles at level 0, y from the south (TMS)."""
        side = 180.0 / 2**level
        return cls(x * side - 180.0, y * side - 90.0, (x + 1) * side - 180.0, (y + 1) * side - 90.0)


@dataclass(frozen=True, slots=True)
class Grid:
    """Heights of a tile, and what it is made of them.

    All arrays are (129, 129), rows from north to south, both edges included.

    Attributes:
        place: what the tile covers.
        heights: metres above the ellipsoid.
        to_east, to_north: slope, metres per metre.
    """

    place: Place
    heights: NDArray[np.float64]
    to_east: NDArray[np.float64]
    to_north: NDArray[np.float64]


def encode(grid: Grid, triangles: NDArray[np.int64]) -> bytes:
    """Return a tile with the extension `octvertexnormals`.

    Args:
        grid: what the tile is made of.
        triangles: shape (t, 3): numbers of grid points, row by row from the north-west; counter-clockwise from above.
            All points of the border are among them.
    """
    points, indices = _in_order_of_use(triangles.ravel())
    row, column = np.divmod(points, CELLS + 1)
    # Neighbours number the points of a shared edge alike, and so round them alike.
    steps = np.rint(np.arange(CELLS + 1) * (_STEPS / CELLS)).astype(np.int64)
    u, v = steps[column], steps[CELLS - row]
    heights = grid.heights.ravel()[points]
    low, high = _float32_range(heights)
    h = np.zeros(len(points), dtype=np.int64)
    if high > low:
        h = np.rint((heights - low) * (_STEPS / (high - low))).astype(np.int64)

    # Spheres and horizon are those of what a reader decodes, not of what went in.
    frame = _Frame.of(grid.place, u, v)
    vertices = frame.ecef(np.asarray(low + h * ((high - low) / _STEPS), dtype=np.float64))
    centre = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    radius = float(np.sqrt(((vertices - centre) ** 2).sum(axis=1).max()))
    header = (
        centre.astype("<f8").tobytes()
        + np.array([low, high], dtype="<f4").tobytes()
        + np.array([*centre, radius, *horizon_occlusion_point(vertices, centre)], dtype="<f8").tobytes()
    )
    body = header + struct.pack("<I", len(points)) + b"".join(_zigzag(part) for part in (u, v, h))
    index = np.dtype("<u4" if len(points) > _INDEX_16 else "<u2")
    edges = (u == 0, v == 0, u == _STEPS, v == _STEPS)  # west, south, east, north
    lists = [np.flatnonzero(edge) for edge in edges]
    normals = _oct_encoded(frame.normals(grid.to_east.ravel()[points], grid.to_north.ravel()[points]))
    return b"".join(
        (
            body,
            bytes(-len(body) % index.itemsize),
            _counted(len(triangles), high_water_mark(indices).astype(index)),
            *(_counted(len(part), part.astype(index)) for part in lists),
            bytes([_OCT_VERTEX_NORMALS]),
            _counted(normals.size, normals),
        )
    )


def high_water_mark(indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return indices as differences to the highest one so far plus one; 0 for each index that is new.

    Args:
        indices: each appears for the first time only after all that are smaller.

    Example:
        >>> high_water_mark(np.array([0, 1, 2, 2, 1, 3])).tolist()
        [0, 0, 0, 1, 2, 0]
    """
    highest = np.maximum.accumulate(indices)
    before = np.concatenate([[-1], highest[:-1]]) + 1
    return before - indices


def horizon_occlusion_point(vertices: NDArray[np.float64], centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the point that is hidden by the globe only where all of `vertices` are.

    In the frame in which the ellipsoid is a sphere of radius 1, on the ray from its centre through `centre`; see
    https://cesium.com/blog/2013/05/09/computing-the-horizon-occlusion-point/.  A tile that is a hemisphere has none;
    its point is as good as at infinity.
    """
    direction = centre / _RADII
    length = np.sqrt((direction**2).sum())
    direction = direction / length if length > 0 else np.array([1.0, 0.0, 0.0])
    scaled = vertices / _RADII
    magnitude = np.sqrt((scaled**2).sum(axis=1))
    cos_alpha = (scaled @ direction) / magnitude
    sin_alpha = np.sqrt(((scaled - (scaled @ direction)[:, None] * direction) ** 2).sum(axis=1)) / magnitude
    cos_beta = 1.0 / np.maximum(magnitude, 1.0)
    sin_beta = np.sqrt(1.0 - cos_beta**2)
    nearest = float((cos_alpha * cos_beta - sin_alpha * sin_beta).min())
    return np.asarray(direction * (1.0 / max(nearest, 1.0 / _FAR)))


@dataclass(frozen=True, slots=True)
class _Frame:
    """Sines and cosines of the vertices' longitudes and latitudes; every grid line's are computed once."""

    sin_lon: NDArray[np.float64]
    cos_lon: NDArray[np.float64]
    sin_lat: NDArray[np.float64]
    cos_lat: NDArray[np.float64]

    @classmethod
    def of(cls, place: Place, u: NDArray[np.int64], v: NDArray[np.int64]) -> _Frame:
        lon = np.radians(place.west + u * ((place.east - place.west) / _STEPS))
        lat = np.radians(place.south + v * ((place.north - place.south) / _STEPS))
        return cls(np.sin(lon), np.cos(lon), np.sin(lat), np.cos(lat))

    def ecef(self, heights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return earth-centred, earth-fixed places, shape (n, 3)."""
        prime = _A / np.sqrt(1.0 - _E2 * self.sin_lat**2)
        flat = (prime + heights) * self.cos_lat
        return np.stack(
            [flat * self.cos_lon, flat * self.sin_lon, (prime * (1.0 - _E2) + heights) * self.sin_lat], axis=1
        )

    def normals(self, to_east: NDArray[np.float64], to_north: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what stands upright on a slope, ECEF, shape (n, 3), of any length."""
        outwards = self.cos_lat + to_north * self.sin_lat
        return np.stack(
            [
                outwards * self.cos_lon + to_east * self.sin_lon,
                outwards * self.sin_lon - to_east * self.cos_lon,
                self.sin_lat - to_north * self.cos_lat,
            ],
            axis=1,
        )


def _in_order_of_use(corners: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the points in the order in which triangles use them first, and the triangles' corners as indices."""
    first = np.full((CELLS + 1) ** 2, len(corners), dtype=np.int64)
    # Written backwards, so that the first use is what stays.
    first[corners[::-1]] = np.arange(len(corners) - 1, -1, -1)
    used = np.flatnonzero(first < len(corners))
    points = used[np.argsort(first[used])]
    number = np.empty((CELLS + 1) ** 2, dtype=np.int64)
    number[points] = np.arange(len(points))
    return points, number[corners]


def _float32_range(heights: NDArray[np.float64]) -> tuple[float, float]:
    """Return float32 bounds that no height lies outside of."""
    low, high = np.float32(heights.min()), np.float32(heights.max())
    if low > heights.min():
        low = np.nextafter(low, np.float32(-np.inf))
    if high < heights.max():
        high = np.nextafter(high, np.float32(np.inf))
    return float(low), float(high)


def _zigzag(values: NDArray[np.int64]) -> bytes:
    deltas: NDArray[np.int64] = np.diff(values, prepend=0)
    code: NDArray[np.uint16] = ((deltas << 1) ^ (deltas >> 63)).astype(_U2)
    return code.tobytes()


def _counted(count: int, values: NDArray[np.generic]) -> bytes:
    return struct.pack("<I", count) + values.tobytes()


def _oct_encoded(normals: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return unit vectors folded onto an octahedron, two bytes each, shape (n, 2)."""
    flat = normals[:, :2] / np.abs(normals).sum(axis=1, keepdims=True)
    folded = np.where(flat < 0, -1.0, 1.0) * (1.0 - np.abs(flat[:, ::-1]))
    flat = np.where(normals[:, 2:] < 0, folded, flat)
    return np.asarray(np.floor((flat * 0.5 + 0.5) * 255.0 + 0.5), dtype=np.uint8)
