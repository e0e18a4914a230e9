"""Polygons to triangles, each in its own plane, in bulk.

Rings arrive with the local shift already made (metres, small numbers).  A polygon's plane is the one of its outer
ring's Newell normal; triangles run counter-clockwise around that normal.  Convex polygons without holes, nearly all
walls, become fans in numpy; the rest goes through earcut one by one; where the triangles' area is not the
polygon's (a ring that crosses itself), a constrained Delaunay triangulation of the repaired polygon takes over.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import mapbox_earcut
import numpy as np
import shapely
from numpy.typing import NDArray

from citygml.rings import Rings
from citygml.vectors import cross, sum_by

# A polygon as small as this has collapsed to a line or a point: a square millimetre.
_COLLAPSED = 1e-6
# Relative difference of areas above which triangles do not cover their polygon.
_COVERS = 1e-4
# A ring that crosses itself more often is no outline; to repair it takes time and memory that grow with the square of
# its vertices.  Below so many vertices both stay small.
_MOST_CROSSINGS = 2000
_FEW_VERTICES = 200


@dataclass(frozen=True, slots=True)
class Triangulation:
    """Triangles of many polygons.

    Attributes:
        triangles: int64, shape (t, 3); indices of ring vertices, or of `added` after those.
        triangle_polygon: int64, shape (t,); not descending.
        added: float64, shape (a, 3); vertices that no ring has, where crossing edges had to be cut.
        added_polygon: int64, shape (a,); the polygon that each of them belongs to.
        normal: float64, shape (p, 3); area vectors: Newell normal times area of the outer ring; NaN-free.
        has_too_few: polygons whose outer ring has fewer than three different vertices (val3dity 101).
        is_collapsed: polygons without area (val3dity 104).
        is_crossing: polygons that had to be repaired: rings cross themselves or each other (val3dity 104, 201).
        lost_holes: polygons some hole of which has fewer than three vertices or no area (val3dity 101).
        deviation: float64, shape (p,); largest distance of an outer vertex from the polygon's plane, metres.
    """

    triangles: NDArray[np.int64]
    triangle_polygon: NDArray[np.int64]
    added: NDArray[np.float64]
    added_polygon: NDArray[np.int64]
    normal: NDArray[np.float64]
    has_too_few: NDArray[np.bool_]
    is_collapsed: NDArray[np.bool_]
    is_crossing: NDArray[np.bool_]
    lost_holes: NDArray[np.bool_]
    deviation: NDArray[np.float64]


def triangulate(rings: Rings, vertices: NDArray[np.float64], polygon_count: int) -> Triangulation:
    """Return the triangles of all polygons.

    Args:
        rings: the rings; their `vertices` are not looked at.
        vertices: float64, shape (v, 3); the same vertices in metres, near the origin of a local frame.
        polygon_count: how many polygons `rings.polygon` counts.
    """
    ring_count = len(rings.length)
    ring_of = np.repeat(np.arange(ring_count), rings.length)
    following = np.arange(1, len(vertices) + 1)
    filled = rings.length > 0
    following[(rings.start + rings.length - 1)[filled]] = rings.start[filled]
    local = vertices - vertices[rings.start[ring_of]]

    # Newell: half the sum of the cross products of successive vertices.
    terms = cross(local, local[following])
    area_vector = 0.5 * sum_by(ring_of, terms, ring_count)
    area = np.sqrt(np.einsum("ij,ij->i", area_vector, area_vector))
    good = (rings.length >= 3) & (area > _COLLAPSED)

    outer_ring = np.full(polygon_count, -1)
    outer_ring[rings.polygon[rings.is_outer]] = np.flatnonzero(rings.is_outer)
    has_ring = outer_ring >= 0
    normal = np.zeros((polygon_count, 3))
    normal[has_ring] = area_vector[outer_ring[has_ring]]
    is_good = np.zeros(polygon_count, bool)
    is_good[has_ring] = good[outer_ring[has_ring]]
    outer_length = np.zeros(polygon_count, np.int64)
    outer_length[has_ring] = rings.length[outer_ring[has_ring]]
    has_too_few = outer_length < 3
    is_collapsed = ~is_good & ~has_too_few
    holes = ~rings.is_outer & is_good[rings.polygon]
    lost_holes = np.zeros(polygon_count, bool)
    lost_holes[rings.polygon[holes & ~good]] = True
    holes &= good
    has_hole = np.zeros(polygon_count, bool)
    has_hole[rings.polygon[holes]] = True

    unit = np.zeros_like(normal)
    unit[is_good] = normal[is_good] / np.linalg.norm(normal[is_good], axis=1)[:, None]

    # Deviation from the plane through the outer ring's centre of vertices.
    polygon_of = rings.polygon[ring_of]
    height = np.einsum("ij,ij->i", local, unit[polygon_of])
    deviation = _deviation(height, ring_of, rings, outer_ring, is_good)

    # Convex: every corner turns left, and every triangle of the fan around the first vertex does.
    edge = local[following] - local
    previous = np.empty_like(following)
    previous[following] = np.arange(len(vertices))
    turn = np.einsum("ij,ij->i", cross(edge[previous], edge), unit[polygon_of])
    fan = np.einsum("ij,ij->i", terms, unit[polygon_of])
    position = np.arange(len(vertices)) - rings.start[ring_of]
    inside_fan = (position > 0) & (position < rings.length[ring_of] - 1)
    concave = (turn <= _COLLAPSED) | (inside_fan & (fan <= _COLLAPSED))
    is_convex = is_good & ~has_hole
    is_convex[rings.polygon[ring_of[concave & rings.is_outer[ring_of]]]] = False

    fans, fan_polygon = _fans(np.flatnonzero(is_convex), outer_ring, rings)
    others = np.flatnonzero(is_good & ~is_convex)
    cuts = _cut(others, rings, outer_ring, holes, vertices, area, unit)
    triangles = np.concatenate((fans, cuts.triangles))
    triangle_polygon = np.concatenate((fan_polygon, cuts.polygon))
    order = np.argsort(triangle_polygon, kind="stable")
    is_crossing = np.zeros(polygon_count, bool)
    is_crossing[cuts.crossing] = True
    return Triangulation(
        triangles=triangles[order],
        triangle_polygon=triangle_polygon[order],
        added=cuts.added,
        added_polygon=cuts.added_polygon,
        normal=normal,
        has_too_few=has_too_few,
        is_collapsed=is_collapsed,
        is_crossing=is_crossing,
        lost_holes=lost_holes,
        deviation=deviation,
    )


@dataclass(frozen=True, slots=True)
class _Cuts:
    triangles: NDArray[np.int64]
    polygon: NDArray[np.int64]
    added: NDArray[np.float64]
    added_polygon: NDArray[np.int64]
    crossing: NDArray[np.int64]


def _fans(
    polygons: NDArray[np.int64], outer_ring: NDArray[np.int64], rings: Rings
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return triangles around the first vertex of each polygon, and their polygons."""
    ring = outer_ring[polygons]
    count = rings.length[ring] - 2
    owner = np.repeat(np.arange(len(polygons)), count)
    step = np.arange(len(owner)) - (np.cumsum(count) - count)[owner]
    first = rings.start[ring][owner]
    return np.stack((first, first + step + 1, first + step + 2), axis=1), polygons[owner]


def _cut(
    polygons: NDArray[np.int64],
    rings: Rings,
    outer_ring: NDArray[np.int64],
    holes: NDArray[np.bool_],
    vertices: NDArray[np.float64],
    area: NDArray[np.float64],
    unit: NDArray[np.float64],
) -> _Cuts:
    """Return triangles of polygons that are not convex or have holes.

    Args:
        polygons: their numbers, ascending.
        rings: all rings.
        outer_ring: number of each polygon's outer ring.
        holes: which rings are holes to be left open.
        vertices: in metres.
        area: of each ring.
        unit: unit normal of each polygon.
    """
    along, across = _plane_axes(unit[polygons])
    # Rings of these polygons that count, one polygon after the other, the outer ring first.
    is_member = holes.copy()
    is_member[outer_ring[polygons]] = True
    wanted = np.zeros(len(outer_ring), bool)
    wanted[polygons] = True
    members = np.flatnonzero(is_member & wanted[rings.polygon])
    lengths = rings.length[members]
    index = np.repeat(rings.start[members] - (np.cumsum(lengths) - lengths), lengths) + np.arange(lengths.sum())
    slot = np.searchsorted(polygons, rings.polygon[members])
    vertex_slot = np.repeat(slot, lengths)
    shifted = vertices[index] - vertices[rings.start[outer_ring[polygons]]][vertex_slot]
    flat = np.stack(
        (np.einsum("ij,ij->i", shifted, along[vertex_slot]), np.einsum("ij,ij->i", shifted, across[vertex_slot])),
        axis=1,
    )
    first_vertex = np.searchsorted(vertex_slot, np.arange(len(polygons) + 1))
    first_ring = np.searchsorted(slot, np.arange(len(polygons) + 1))
    ring_end = np.cumsum(lengths)

    found: list[NDArray[np.uint32]] = []
    for k, (begin, end) in enumerate(pairwise(first_vertex.tolist())):
        ends = (ring_end[first_ring[k] : first_ring[k + 1]] - begin).astype(np.uint32)
        found.append(mapbox_earcut.triangulate_float64(flat[begin:end], ends))
    counts = np.array([len(corners) // 3 for corners in found], np.int64)
    triangle_slot = np.repeat(np.arange(len(polygons)), counts)
    corners = np.concatenate(found).astype(np.int64) if found else np.zeros(0, np.int64)
    triangles = corners.reshape(-1, 3) + first_vertex[triangle_slot][:, None]
    doubled = _doubled_areas(flat, triangles)
    triangles = np.where((doubled < 0)[:, None], triangles[:, ::-1], triangles)

    sign = np.where(rings.is_outer[members], 2.0, -2.0)
    expected = np.bincount(slot, area[members] * sign, len(polygons))
    covered = np.bincount(triangle_slot, np.abs(doubled), len(polygons))
    covers = np.abs(covered - expected) <= _COVERS * np.abs(expected) + _COLLAPSED
    kept = covers[triangle_slot] & (doubled != 0)
    pieces = [index[triangles[kept]]]
    owners = [polygons[triangle_slot[kept]]]
    added: list[NDArray[np.float64]] = []
    added_polygon: list[NDArray[np.int64]] = []
    added_count = 0
    crossing = np.flatnonzero(~covers)
    for k in crossing.tolist():
        span = slice(first_vertex[k], first_vertex[k + 1])
        own = index[span]
        repaired, places = _repair(flat[span], ring_end[first_ring[k] : first_ring[k + 1]] - first_vertex[k])
        if len(repaired) == 0:
            # It cannot be repaired; what earcut made is all there is.
            mine = (triangle_slot == k) & (doubled != 0)
            pieces.append(index[triangles[mine]])
        else:
            new = _known_or_added(flat[span], own, places, len(vertices) + added_count)
            is_new = new >= len(vertices)
            lifted = np.outer(places[:, 0], along[k]) + np.outer(places[:, 1], across[k])
            added.append((lifted + vertices[rings.start[outer_ring[polygons[k]]]])[is_new])
            added_polygon.append(np.full(int(is_new.sum()), polygons[k]))
            added_count += int(is_new.sum())
            pieces.append(new[repaired])
        owners.append(np.full(len(pieces[-1]), polygons[k]))
    return _Cuts(
        triangles=np.concatenate(pieces),
        polygon=np.concatenate(owners),
        added=np.concatenate(added) if added else np.zeros((0, 3)),
        added_polygon=np.concatenate(added_polygon) if added_polygon else np.zeros(0, np.int64),
        crossing=polygons[crossing],
    )


def _repair(flat: NDArray[np.float64], ends: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return counter-clockwise triangles over the valid form of a polygon, and their corners in the plane.

    There are none where the polygon has no valid form, or crosses itself without measure.
    """
    outlines = np.split(flat, ends[:-1])
    if any(_crossings(ring) > _MOST_CROSSINGS for ring in outlines if len(ring) > _FEW_VERTICES):
        return np.zeros((0, 3), np.int64), np.zeros((0, 2))
    areas = [shapely.make_valid(shapely.Polygon(ring), method="structure", keep_collapsed=False) for ring in outlines]
    # Holes are taken away one from all, because make_valid turns a hole outside into a second area.
    repaired = shapely.get_parts(shapely.difference(areas[0], shapely.union_all(areas[1:])))
    repaired = repaired[shapely.get_type_id(repaired) == shapely.GeometryType.POLYGON]
    pieces = shapely.get_parts(shapely.constrained_delaunay_triangles(repaired))
    if len(pieces) == 0:
        return np.zeros((0, 3), np.int64), np.zeros((0, 2))
    corners = shapely.get_coordinates(shapely.get_exterior_ring(pieces)).reshape(-1, 4, 2)[:, :3].reshape(-1, 2)
    unique, index = np.unique(corners, axis=0, return_inverse=True)
    triangles = index.reshape(-1, 3).astype(np.int64)
    doubled = _doubled_areas(unique, triangles)
    return np.where((doubled < 0)[:, None], triangles[:, ::-1], triangles)[doubled != 0], unique


def _crossings(ring: NDArray[np.float64]) -> float:
    """Return about how often a ring crosses itself, from looking at some of its edges."""
    edges = np.asarray(shapely.linestrings(np.stack((ring, np.roll(ring, -1, axis=0)), axis=1)))
    some = edges[:: max(len(edges) // 32, 1)]
    found = shapely.STRtree(edges).query(some, predicate="crosses").shape[1]
    return float(found) * len(edges) / len(some) / 2


def _known_or_added(
    flat: NDArray[np.float64], index: NDArray[np.int64], corners: NDArray[np.float64], first_added: int
) -> NDArray[np.int64]:
    """Return an index for each corner: that of the ring vertex at its place, or a new one."""
    known = {(x, y): i for (x, y), i in zip(flat.tolist(), index.tolist(), strict=True)}
    result = np.empty(len(corners), np.int64)
    for i, (x, y) in enumerate(corners.tolist()):
        place = known.get((x, y))
        if place is None:
            place = first_added
            first_added += 1
        result[i] = place
    return result


def _plane_axes(unit: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return two axes in each plane that make a right-handed frame with its normal."""
    helper = np.zeros_like(unit)
    helper[np.arange(len(unit)), np.abs(unit).argmin(axis=1)] = 1.0
    along = cross(helper, unit)
    length = np.linalg.norm(along, axis=1)
    along /= np.where(length > 0, length, 1.0)[:, None]
    return along, cross(unit, along)


def _deviation(
    height: NDArray[np.float64],
    ring_of: NDArray[np.int64],
    rings: Rings,
    outer_ring: NDArray[np.int64],
    is_good: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Return how far each polygon's outer vertices lie from the plane through their mean, at most."""
    mean = np.bincount(ring_of, height, len(rings.length)) / np.maximum(rings.length, 1)
    distance = np.abs(height - mean[ring_of])
    result = np.zeros(len(outer_ring))
    filled = np.flatnonzero(rings.length > 0)
    largest = np.zeros(len(rings.length))
    if len(filled):
        largest[filled] = np.maximum.reduceat(distance, rings.start[filled])
    result[is_good] = largest[outer_ring[is_good]]
    return result


def _doubled_areas(flat: NDArray[np.float64], triangles: NDArray[np.int64]) -> NDArray[np.float64]:
    a, b, c = flat[triangles[:, 0]], flat[triangles[:, 1]], flat[triangles[:, 2]]
    return np.asarray((b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0]))
