"""Bounding volumes against values by hand and against PROJ."""

from __future__ import annotations

import math

import numpy as np
import pyproj
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tiler.check.findings import Findings, Place
from tiler.check.volumes import TOLERANCE_M, Box, Region, Sphere, ecef, read_volume

NOWHERE = np.eye(4)
ANGLES = st.floats(0, 2 * math.pi)
METRES = st.floats(-500, 500)


def test_box_excess_is_the_distance_to_the_nearest_face_plane() -> None:
    box = Box(np.array([1.0, 2.0, 3.0]), np.diag([4.0, 5.0, 6.0]), NOWHERE)
    points = np.array([[1.0, 2.0, 3.0], [5.0, 7.0, 9.0], [5.25, 2.0, 3.0], [1.0, -3.5, 3.0], [6.0, 9.0, 3.0]])
    assert_allclose(box.excess(points), [-4.0, 0.0, 0.25, 0.5, 2.0], atol=1e-12)


def test_box_without_height_holds_points_of_its_plane_alone() -> None:
    flat = Box(np.zeros(3), np.array([[2.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 0.0]]), NOWHERE)
    assert_allclose(flat.excess(np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.5], [1.0, 1.0, -0.5]])), [0.0, 0.5, 0.5])


def test_box_that_is_one_point() -> None:
    point = Box(np.array([1.0, 0.0, 0.0]), np.zeros((3, 3)), NOWHERE)
    assert_allclose(point.excess(np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 2.0]])), [0.0, 2.0])


def test_sphere_excess() -> None:
    sphere = Sphere(np.array([0.0, 0.0, 1.0]), 5.0, NOWHERE)
    assert_allclose(sphere.excess(np.array([[3.0, 4.0, 1.0], [0.0, 0.0, 7.0], [0.0, 0.0, 1.0]])), [0.0, 1.0, -5.0])


@given(turn=ANGLES, tilt=ANGLES, point=st.tuples(METRES, METRES, METRES))
def test_turning_box_and_point_together_changes_nothing(
    turn: float, tilt: float, point: tuple[float, float, float]
) -> None:
    around_z = np.array([[math.cos(turn), -math.sin(turn), 0], [math.sin(turn), math.cos(turn), 0], [0, 0, 1]])
    around_x = np.array([[1, 0, 0], [0, math.cos(tilt), -math.sin(tilt)], [0, math.sin(tilt), math.cos(tilt)]])
    frame = np.eye(4)
    frame[:3, :3] = around_z @ around_x
    frame[:3, 3] = (3_978_000.0, 464_200.0, 4_946_700.0)
    box = Box(np.array([1.0, 2.0, 3.0]), np.diag([400.0, 300.0, 20.0]), NOWHERE)
    moved = Box(box.center, box.half_axes, frame)
    points = np.array([point])
    there = moved.excess(points @ frame[:3, :3].T + frame[:3, 3])
    # What rounding does in ECEF must be far below what the check lets pass.
    assert_allclose(there, box.excess(points), atol=TOLERANCE_M / 100)


@given(longitude=st.floats(-math.pi, math.pi), latitude=st.floats(-1.55, 1.55), height=st.floats(-500, 9000))
def test_geographic_coordinates_are_those_of_proj(longitude: float, latitude: float, height: float) -> None:
    to_ecef = pyproj.Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)
    expected = to_ecef.transform(math.degrees(longitude), math.degrees(latitude), height)
    found = ecef(np.array([longitude]), np.array([latitude]), np.array([height]))
    assert_allclose(found, [expected], atol=1e-8)
    point = Region(longitude, latitude, longitude, latitude, height, height)
    assert point.excess(np.array([expected]))[0] <= 1e-6


def test_region_excess_in_metres() -> None:
    region = Region(0.116, 0.893, 0.117, 0.894, 40.0, 90.0)
    above = ecef(np.array([0.1165]), np.array([0.8935]), np.array([92.5]))
    north = ecef(np.array([0.1165]), np.array([0.894 + 1e-6]), np.array([50.0]))
    east = ecef(np.array([0.117 + 1e-6]), np.array([0.8935]), np.array([50.0]))
    inside = ecef(np.array([0.1165]), np.array([0.8935]), np.array([65.0]))
    assert_allclose(region.excess(above), [2.5], atol=1e-6)
    assert_allclose(region.excess(north), [6.378], atol=1e-3)  # 1e-6 rad of 6,378,137 m
    assert_allclose(region.excess(east), [6.378 * math.cos(0.8935)], atol=1e-3)
    assert region.excess(inside)[0] == pytest.approx(-25.0, abs=1e-6)


def test_region_across_the_antimeridian() -> None:
    region = Region(math.radians(179), 0.0, math.radians(-179), 0.1, 0.0, 10.0)
    places = np.radians([179.5, -179.5, 178.5, -178.5, 0.0])
    excess = region.excess(ecef(places, np.full(5, 0.05), np.full(5, 5.0)))
    assert (excess[:2] <= 0).all()
    assert (excess[2:] > 50_000).all()


@pytest.mark.parametrize(
    "volume",
    [
        {"box": [1, 2, 3, 4, 0, 0, 0, 5, 0, 0, 0, 6]},
        {"sphere": [1, 2, 3, 4]},
        {"region": [0.116, 0.893, 0.117, 0.894, 40, 90]},
    ],
    ids=["box", "sphere", "region"],
)
def test_samples_lie_on_the_border(volume: dict[str, list[float]]) -> None:
    findings = Findings()
    found = read_volume({"boundingVolume": volume}, Place(findings, "tileset.json"), NOWHERE)
    assert found is not None
    assert not findings.issues
    excess = found.excess(found.samples())
    assert excess.max() == pytest.approx(0.0, abs=1e-8)
