"""Shapes against values worked out by hand."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from zwilling.sample.joining import join
from zwilling.sample.solids import End, Face, RoofType, Solid, Surface, prism, strip, tent

SQUARE = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)]
GABLE = ((-4.0, 3.0), (0.0, 6.0), (4.0, 3.0))


def area_vector(face: Face) -> np.ndarray:
    total = np.zeros(3)
    for ring in face.rings:
        points = np.array(ring)
        total += np.cross(points, np.roll(points, -1, axis=0)).sum(axis=0) / 2
    return total


def volume(solid: Solid) -> float:
    """Signed volume by the divergence theorem: positive only if the faces look outwards."""
    return float(sum(np.dot(face.rings[0][0], area_vector(face)) for face in solid.faces)) / 3


def open_edges(solid: Solid) -> list[object]:
    edges = Counter((ring[i - 1], ring[i]) for face in solid.faces for ring in face.rings for i in range(len(ring)))
    return [edge for edge, count in edges.items() if count != 1 or edges[edge[1], edge[0]] != 1]


def classes(solid: Solid) -> Counter[Surface]:
    return Counter(face.surface for face in solid.faces)


def test_gable_house_has_the_volume_of_its_cross_section() -> None:
    solid = strip([(0, 0), (12, 0)], GABLE, RoofType.GABLE)
    assert volume(solid) == pytest.approx(12 * (8 * 3 + 8 * 3 / 2))
    assert open_edges(solid) == []
    assert classes(solid) == {Surface.WALL: 4, Surface.ROOF: 2, Surface.GROUND: 1}
    assert solid.height == 6.0
    assert solid.footprint.area == pytest.approx(96)


def test_hip_takes_a_sixth_of_a_pyramid_at_each_end() -> None:
    solid = strip([(0, 0), (12, 0)], GABLE, RoofType.HIP, start=End(4), end=End(4))
    gable = 12 * 8 * 3 / 2
    cut = 4 * (8 * 3 / 2) / 3  # a pyramid over the gable triangle, 4 m long
    assert volume(solid) == pytest.approx(12 * 8 * 3 + gable - 2 * cut)
    assert open_edges(solid) == []
    assert classes(solid)[Surface.ROOF] == 4


def test_half_hip_keeps_the_lower_half_of_the_gable() -> None:
    solid = strip([(0, 0), (12, 0)], GABLE, RoofType.HALF_HIP, start=End(2, 0.5))
    cut = 2 * (4 * 1.5 / 2) / 3
    assert volume(solid) == pytest.approx(12 * 8 * 3 + 12 * 8 * 3 / 2 - cut)
    assert open_edges(solid) == []


def test_l_shape_has_hip_and_valley() -> None:
    solid = strip([(0, 20), (0, 0), (20, 0)], GABLE, RoofType.GABLE)
    assert open_edges(solid) == []
    section = 8 * 3 + 8 * 3 / 2
    assert volume(solid) == pytest.approx(2 * 20 * section)  # what the corner adds outside it lacks inside
    assert solid.footprint.area == pytest.approx(2 * 24 * 8 - 64)


def test_courtyard_is_a_hole_in_the_ground() -> None:
    solid = strip(SQUARE, ((0.0, 3.0), (1.0, 4.0), (2.0, 3.0)), RoofType.HIP, is_closed=True)
    assert open_edges(solid) == []
    assert len(solid.footprint.interiors) == 1
    assert solid.footprint.area == pytest.approx(100 - 36)
    flat = prism(SQUARE, 3.0, RoofType.FLAT, holes=[[(3, 3), (3, 7), (7, 7), (7, 3)]])
    assert open_edges(flat) == []
    assert volume(flat) == pytest.approx((100 - 16) * 3)


def test_step_in_a_pent_roof_is_a_wall() -> None:
    solid = strip([(0, 0), (10, 0)], ((0, 3), (4, 5), (4, 4), (8, 3)), RoofType.OFFSET_PENT)
    assert open_edges(solid) == []
    assert classes(solid)[Surface.WALL] == 5
    assert volume(solid) == pytest.approx(10 * (4 * 4 + 4 * 3.5))


def test_tent_is_a_pyramid_on_a_block() -> None:
    solid = tent(SQUARE, 5.0, (5.0, 5.0, 11.0), RoofType.TENT)
    assert volume(solid) == pytest.approx(500 + 100 * 6 / 3)
    assert open_edges(solid) == []


def test_lower_part_in_the_middle_of_a_wall_leaves_an_arch() -> None:
    main = prism(SQUARE, 6.0, RoofType.FLAT)
    porch = prism([(4, -3), (7, -3), (7, 0), (4, 0)], 2.5, RoofType.FLAT)
    a, b = join((main, porch))
    for part, before in ((a, main), (b, porch)):
        assert open_edges(part) == []
        assert volume(part) == pytest.approx(volume(before))
        assert classes(part)[Surface.CLOSURE] == 1
    sizes = [
        float(np.linalg.norm(area_vector(face)))
        for part in (a, b)
        for face in part.faces
        if face.surface is Surface.CLOSURE
    ]
    assert sizes == pytest.approx([7.5, 7.5])
    assert classes(b)[Surface.WALL] == 3, "all of the porch's back is closure"


@pytest.mark.parametrize("turn_deg", [0.0, 17.3, 123.4])
def test_gable_against_gable_of_other_size_stays_closed(turn_deg: float) -> None:
    c, s = math.cos(math.radians(turn_deg)), math.sin(math.radians(turn_deg))
    line = [(344000 + u * c, 5674000 + u * s) for u in (0.0, 10.0, 22.0)]
    high = strip(line[:2], ((-5.0, 6.0), (0.0, 10.0), (5.0, 6.0)), RoofType.GABLE)
    low = strip(line[1:], ((-4.0, 4.0), (0.0, 9.0), (4.0, 4.0)), RoofType.GABLE)
    parts = join((high, low))
    for part in parts:
        assert open_edges(part) == []
        assert classes(part)[Surface.CLOSURE] >= 1


def test_solids_apart_are_left_alone() -> None:
    a = prism(SQUARE, 3.0, RoofType.FLAT)
    b = prism([(10.1, 0), (20, 0), (20, 10), (10.1, 10)], 3.0, RoofType.FLAT)
    assert join((a, b)) == (a, b)


def test_hip_needs_a_ridge() -> None:
    with pytest.raises(ValueError, match="3 points"):
        strip([(0, 0), (10, 0)], ((0, 3), (8, 4)), RoofType.PENT, start=End(2))
