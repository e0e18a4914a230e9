"""Blocks for far tiles."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.tiler.towns import DEPTH, EAVES, ORIGIN, RIDGE, TRIANGLES_PER_HOUSE, WIDTH, houses
from tiler.blocks import blocks
from zwilling.features import FeatureBatch, SurfaceClass


def volume(batch: FeatureBatch, row: int) -> float:
    """Signed volume by the divergence theorem: positive where every face looks outwards."""
    corners = (batch.positions - ORIGIN)[batch.triangles[batch.triangle_row == row]]
    return float(np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6)


def test_a_gable_house_becomes_a_box_of_its_own_volume() -> None:
    coarse = blocks(houses([(0, 0), (50, 10)]))
    by_hand = WIDTH * DEPTH * (EAVES + RIDGE) / 2
    assert volume(coarse.batch, 0) == pytest.approx(by_hand, abs=1e-6)
    assert volume(coarse.batch, 1) == pytest.approx(by_hand, abs=1e-6)
    assert len(coarse.batch.triangles) == 2 * 12  # a box has six faces of two triangles
    assert coarse.batch.table is not None
    assert coarse.batch.feature_ids.tolist() == ["DENW05AL00000000", "DENW05AL00000001"]


def test_deviation_is_the_distance_from_the_box_to_ridge_and_eaves() -> None:
    assert blocks(houses([(0, 0)])).deviation.tolist() == [pytest.approx((RIDGE - EAVES) / 2)]


def test_surfaces_face_where_they_should() -> None:
    batch = blocks(houses([(0, 0)])).batch
    corners = batch.positions[batch.triangles]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (normal[batch.triangle_surface == SurfaceClass.ROOF, 2] > 0).all()
    assert (normal[batch.triangle_surface == SurfaceClass.GROUND, 2] < 0).all()
    wall = batch.triangle_surface == SurfaceClass.WALL
    middle = corners[wall].mean(axis=1)[:, :2] - (ORIGIN[0] + WIDTH / 2, ORIGIN[1] + DEPTH / 2)
    assert (np.einsum("ij,ij->i", normal[wall, :2], middle) > 0).all()


def _without(batch: FeatureBatch, keep: NDArray[np.bool_]) -> FeatureBatch:
    from dataclasses import replace

    return replace(
        batch,
        triangles=batch.triangles[keep],
        triangle_row=batch.triangle_row[keep],
        triangle_surface=batch.triangle_surface[keep],
    )


@pytest.mark.parametrize("surface", [SurfaceClass.GROUND, SurfaceClass.ROOF])
def test_a_building_without_ground_or_roof_keeps_its_surfaces(surface: SurfaceClass) -> None:
    batch = houses([(0, 0), (30, 0)])
    broken = _without(batch, (batch.triangle_row == 1) | (batch.triangle_surface != surface))
    coarse = blocks(broken).batch
    assert (coarse.triangle_row == 0).sum() == TRIANGLES_PER_HOUSE - (2 if surface == SurfaceClass.GROUND else 4)
    assert (coarse.triangle_row == 1).sum() == 12
    assert (np.diff(coarse.triangle_row.astype(int)) >= 0).all()


def test_two_ground_surfaces_side_by_side_have_no_wall_between_them() -> None:
    batch = houses([(0, 0)])
    # Cut the ground in two along x = 5 m.
    ox, oy, oz = ORIGIN
    new = np.array([[ox + 5, oy, oz], [ox + 5, oy + DEPTH, oz], [ox + 5, oy, oz], [ox + 5, oy + DEPTH, oz]])
    ground = batch.triangle_surface == SurfaceClass.GROUND
    n = len(batch.positions)
    # corners of the ground polygon are vertices 0..3: (0,0) (0,D) (W,D) (W,0)
    halves = np.array([[0, 1, n + 1], [0, n + 1, n], [n + 2, n + 3, 2], [n + 2, 2, 3]], dtype=np.uint32)
    from dataclasses import replace

    cut = replace(
        batch,
        positions=np.concatenate([batch.positions, new]),
        triangles=np.concatenate([halves, batch.triangles[~ground]]),
        triangle_row=np.zeros(len(batch.triangles) + 2, dtype=np.uint32),
        triangle_surface=np.concatenate([np.full(4, SurfaceClass.GROUND), batch.triangle_surface[~ground]]).astype(
            np.uint8
        ),
    )
    coarse = blocks(cut).batch
    assert volume(coarse, 0) == pytest.approx(WIDTH * DEPTH * (EAVES + RIDGE) / 2, abs=1e-6)
    assert (coarse.triangle_surface == SurfaceClass.WALL).sum() == 2 * 6  # six outer edges, none inside
