"""Which way is out: polygons whose vertices run clockwise seen from outside are found, so that they can be turned.

A closed, consistent set of polygons tells by the sign of its volume.  Where it is open or its polygons disagree,
neighbours are brought to agree along shared edges, and then roofs face up and ground faces down.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from citygml.namespaces import Boundary
from citygml.vectors import cross, sum_by

# The area vectors of a closed surface add up to nothing; this part of its area may be left over.
_CLOSED = 1e-3
# Vertices of neighbours are the same place when they agree to a millimetre.
_GRID = 1e-3

_FACING: dict[int, float] = {
    Boundary.ROOF: 1.0,
    Boundary.OUTER_FLOOR: 1.0,
    Boundary.FOOTPRINT: 1.0,
    Boundary.GROUND: -1.0,
    Boundary.OUTER_CEILING: -1.0,
}


def turned_polygons(
    points: NDArray[np.float64],
    triangles: NDArray[np.int64],
    triangle_polygon: NDArray[np.int64],
    polygon_row: NDArray[np.int64],
    boundary: NDArray[np.int64],
    is_reversed: NDArray[np.bool_],
    row_count: int,
) -> NDArray[np.bool_]:
    """Return which polygons must be turned over for their triangles to face outwards, shape (p,).

    Args:
        points: float64, shape (n, 3); metres, in a frame near each row.
        triangles: shape (t, 3); all triangles, those of closure surfaces too.
        triangle_polygon: shape (t,); not descending.
        polygon_row: shape (p,); not descending.
        boundary: shape (p,); `Boundary` of each polygon.
        is_reversed: shape (p,); what the source itself says.
        row_count: number of rows.
    """
    turned = is_reversed.copy()
    if len(triangles) == 0:
        return turned
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    area = 0.5 * cross(b - a, c - a)
    volume = np.einsum("ij,ij->i", a, cross(b, c)) / 6.0
    sign = np.where(turned, -1.0, 1.0)[triangle_polygon]
    row = polygon_row[triangle_polygon]
    total = np.bincount(row, np.linalg.norm(area, axis=1), row_count)
    rest = np.linalg.norm(sum_by(row, area * sign[:, None], row_count), axis=1)
    is_closed = rest <= _CLOSED * total
    row_volume = np.bincount(row, volume * sign, row_count)
    turned ^= (is_closed & (row_volume < 0))[polygon_row]
    open_rows = np.flatnonzero(~is_closed & (total > 0))
    if len(open_rows):
        polygon_area = sum_by(triangle_polygon, area, len(polygon_row))
        first = np.searchsorted(triangle_polygon, np.arange(len(polygon_row) + 1))
        starts = np.searchsorted(polygon_row, np.arange(row_count + 1))
        for number in open_rows.tolist():
            members = np.arange(starts[number], starts[number + 1])
            span = slice(first[members[0]], first[members[-1] + 1])
            _settle(
                points, triangles[span], triangle_polygon[span] - members[0], polygon_area, boundary, members, turned
            )
    return turned


def _settle(
    points: NDArray[np.float64],
    triangles: NDArray[np.int64],
    owner: NDArray[np.int64],
    polygon_area: NDArray[np.float64],
    boundary: NDArray[np.int64],
    members: NDArray[np.int64],
    turned: NDArray[np.bool_],
) -> None:
    """Decide for the polygons of one row, in place."""
    flips, group = _agree(points, triangles, owner, len(members))
    centre = points[triangles].reshape(-1, 3).mean(axis=0)
    a, b, c = (points[triangles[:, corner]] - centre for corner in range(3))
    sign = np.where(flips, -1.0, 1.0)
    volume = np.bincount(owner, np.einsum("ij,ij->i", a, cross(b, c)) / 6.0, len(members)) * sign
    facing = np.array([_FACING.get(int(boundary[member]), 0.0) for member in members])
    vote = facing * polygon_area[members, 2] * sign
    weight = np.abs(facing * polygon_area[members, 2])
    groups = int(group.max()) + 1
    group_vote = np.bincount(group, vote, groups)
    group_weight = np.bincount(group, weight, groups)
    group_volume = np.bincount(group, volume, groups)
    # A vote that is nearly a draw says nothing; then what encloses the row's centre decides.
    is_clear = np.abs(group_vote) > 0.1 * np.maximum(group_weight, 1e-9)
    wrong = np.where(is_clear, group_vote < 0, group_volume < 0)
    turned[members] = flips ^ wrong[group]


def _agree(
    points: NDArray[np.float64], triangles: NDArray[np.int64], owner: NDArray[np.int64], count: int
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return flips that make neighbours agree, and the group of connected polygons each belongs to."""
    corners = np.round(points[triangles] / _GRID).astype(np.int64)
    borders: dict[tuple[tuple[int, ...], tuple[int, ...]], list[tuple[int, bool]]] = defaultdict(list)
    for polygon, triangle in zip(owner.tolist(), corners.tolist(), strict=True):
        places = [tuple(corner) for corner in triangle]
        for i in range(3):
            begin, end = places[i], places[(i + 1) % 3]
            if begin != end:
                borders[min(begin, end), max(begin, end)].append((polygon, begin < end))
    neighbours: dict[int, list[tuple[int, bool]]] = defaultdict(list)
    for sides in borders.values():
        if len(sides) == 2 and sides[0][0] != sides[1][0]:
            (one, forward), (other, backward) = sides
            neighbours[one].append((other, forward == backward))
            neighbours[other].append((one, forward == backward))
    flips = np.zeros(count, bool)
    group = np.full(count, -1)
    groups = 0
    for seed in range(count):
        if group[seed] >= 0:
            continue
        group[seed] = groups
        pending = [seed]
        while pending:
            polygon = pending.pop()
            for other, disagrees in neighbours[polygon]:
                if group[other] < 0:
                    group[other] = groups
                    flips[other] = flips[polygon] ^ disagrees
                    pending.append(other)
        groups += 1
    return flips, group
