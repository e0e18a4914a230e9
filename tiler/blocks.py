"""Coarser models for far tiles: each row of a batch as a block, its footprint raised to a representative height.

Spec: CityGML 2.0 (OGC 12-019), clause 6.2, LoD1: "blocks model comprising prismatic buildings with flat roofs".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zwilling.features import FeatureBatch, SurfaceClass


@dataclass(frozen=True, slots=True)
class Blocks:
    """The blocks of a batch, and how far they are from what they stand for.

    Attributes:
        batch: the same features, rows and attributes; every row that has a surface has a block or,
            where no footprint was found, its own surfaces.
        deviation: float64, shape (f,); per feature the largest vertical distance in metres between a roof
            vertex of the source and the roof of its block.
    """

    batch: FeatureBatch
    deviation: NDArray[np.float64]


def blocks(batch: FeatureBatch) -> Blocks:
    """Return a block for each row of `batch`, measured in the source's own CRS, where up is z.

    The footprint is what the row's ground surfaces cover; the height is the mean of its roof, weighted by the
    area that a roof triangle covers on the ground, so that the block has the volume of the building.  A row
    without ground or roof surfaces keeps its surfaces.
    """
    rows = len(batch.row_feature)
    corners = batch.positions[batch.triangles]
    plan_area = _plan_area(corners)
    row = batch.triangle_row.astype(np.int64)
    is_ground = batch.triangle_surface == SurfaceClass.GROUND
    is_roof = batch.triangle_surface == SurfaceClass.ROOF
    ground_area = np.bincount(row[is_ground], plan_area[is_ground], minlength=rows)
    roof_area = np.bincount(row[is_roof], plan_area[is_roof], minlength=rows)
    has_block = (ground_area > 0) & (roof_area > 0)

    mean_z = corners[:, :, 2].mean(axis=1)
    safe_area = np.where(has_block, roof_area, 1.0)
    top = np.bincount(row[is_roof], (plan_area * mean_z)[is_roof], minlength=rows) / safe_area
    bottom = np.full(rows, np.inf)
    np.minimum.at(bottom, row[is_ground], corners[is_ground, :, 2].min(axis=1))
    has_block &= top > bottom

    deviation = np.zeros(len(batch.feature_ids))
    roof_of_block = is_roof & has_block[row]
    reach = np.abs(corners[roof_of_block, :, 2] - top[row[roof_of_block], None]).max(axis=1)
    np.maximum.at(deviation, batch.row_feature[row[roof_of_block]], reach)
    return Blocks(_assemble(batch, has_block, top, bottom), deviation)


def _plan_area(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the area of each triangle's shadow on the ground, shape (t,)."""
    a = corners[:, 1, :2] - corners[:, 0, :2]
    b = corners[:, 2, :2] - corners[:, 0, :2]
    area: NDArray[np.float64] = np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) / 2
    return area


def _assemble(
    batch: FeatureBatch, has_block: NDArray[np.bool_], top: NDArray[np.float64], bottom: NDArray[np.float64]
) -> FeatureBatch:
    footprint = (batch.triangle_surface == SurfaceClass.GROUND) & has_block[batch.triangle_row]
    ground = batch.triangles[footprint].astype(np.int64)
    ground_row = batch.triangle_row[footprint].astype(np.int64)
    kept = ~has_block[batch.triangle_row]

    of_kept, kept_triangles = _compact(batch.triangles[kept], len(batch.positions))
    of_ground, ground_triangles = _compact(ground, len(batch.positions))
    vertex_row = np.zeros(len(of_ground), dtype=np.int64)
    vertex_row[ground_triangles] = ground_row[:, None]
    roof_positions = batch.positions[of_ground]
    floor_positions = roof_positions.copy()
    roof_positions[:, 2] = top[vertex_row]
    floor_positions[:, 2] = bottom[vertex_row]

    edges, edge_row = _outline(batch.positions, ground, ground_row)
    wall_positions, wall_triangles = _walls(batch.positions, edges, top[edge_row], bottom[edge_row])

    roof, floor = len(of_kept), len(of_kept) + len(of_ground)
    wall = floor + len(of_ground)
    parts = (
        (kept_triangles, batch.triangle_row[kept], batch.triangle_surface[kept]),
        (ground_triangles[:, ::-1] + roof, ground_row, np.full(len(ground), SurfaceClass.ROOF)),
        (ground_triangles + floor, ground_row, np.full(len(ground), SurfaceClass.GROUND)),
        (wall_triangles + wall, np.repeat(edge_row, 2), np.full(2 * len(edges), SurfaceClass.WALL)),
    )
    triangles = np.concatenate([part[0] for part in parts])
    triangle_row = np.concatenate([part[1] for part in parts])
    surface = np.concatenate([part[2] for part in parts])
    order = np.argsort(triangle_row, kind="stable")
    return replace(
        batch,
        positions=np.concatenate([batch.positions[of_kept], roof_positions, floor_positions, wall_positions]),
        triangles=triangles[order].astype(np.uint32),
        triangle_row=triangle_row[order].astype(np.uint32),
        triangle_surface=surface[order].astype(np.uint8),
        issues=(),
    )


def _compact(triangles: NDArray[np.integer[Any]], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which of `count` vertices the triangles use, and the triangles as numbers of those."""
    used = np.zeros(count, dtype=bool)
    used[triangles] = True
    return np.flatnonzero(used), (np.cumsum(used) - 1)[triangles]


def _outline(
    positions: NDArray[np.float64], ground: NDArray[np.int64], ground_row: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the edges of the footprints that no second triangle of the same row shares: shapes (e, 2) and (e,).

    Vertices are the same where they agree within a millimetre, since adjoining ground surfaces have their own.
    """
    if len(ground) == 0:
        return np.empty((0, 2), dtype=np.int64), np.empty(0, dtype=np.int64)
    used, _ = _compact(ground, len(positions))
    # As complex numbers, x and y are sorted in one go.
    _, place = np.unique(np.round(positions[used, :2], 3).view(np.complex128), return_inverse=True)
    same = np.zeros(len(positions), dtype=np.int64)
    same[used] = place.ravel()
    edges = ground[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    edge_row = np.repeat(ground_row, 3)
    ends = np.sort(same[edges], axis=1)
    places = int(place.max()) + 1
    key = (edge_row * places + ends[:, 0]) * places + ends[:, 1]
    _, inverse, times = np.unique(key, return_inverse=True, return_counts=True)
    alone = (times[inverse] == 1) & (ends[:, 0] != ends[:, 1])
    return edges[alone], edge_row[alone]


def _walls(
    positions: NDArray[np.float64],
    edges: NDArray[np.int64],
    top: NDArray[np.float64],
    bottom: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return four vertices and two triangles for each edge.

    Ground triangles face down, so their edges run clockwise seen from above: the wall's outside is on the left
    of an edge, and the quad runs from its first end up.
    """
    corners: NDArray[np.float64] = positions[edges[:, [0, 1, 1, 0]]]
    corners[:, :2, 2] = bottom[:, None]
    corners[:, 2:, 2] = top[:, None]
    first: NDArray[np.int64] = 4 * np.arange(len(edges), dtype=np.int64)
    two_triangles = np.array([[0, 2, 1], [0, 3, 2]])
    return corners.reshape(-1, 3), (first[:, None, None] + two_triangles).reshape(-1, 3)
