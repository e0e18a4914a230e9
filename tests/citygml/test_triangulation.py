"""Triangles against shapely's areas, for polygons of every shape in any plane."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from citygml.namespaces import Boundary
from citygml.rings import read_rings
from citygml.surfaces import Polygon
from citygml.triangulation import Triangulation, triangulate

Flat = list[tuple[float, float]]


@st.composite
def stars(draw: st.DrawFn, radius: float = 10.0) -> Flat:
    """Simple rings around the origin: one vertex in each of many directions."""
    count = draw(st.integers(3, 24))
    radii = draw(st.lists(st.floats(0.2 * radius, radius), min_size=count, max_size=count))
    return [(r * math.cos(2 * math.pi * i / count), r * math.sin(2 * math.pi * i / count)) for i, r in enumerate(radii)]


@st.composite
def planes(draw: st.DrawFn) -> NDArray[np.float64]:
    """Right-handed frames: rows are two axes in the plane, and the normal."""
    rotation, _ = np.linalg.qr(
        np.array(draw(st.lists(st.integers(-9, 9), min_size=9, max_size=9)), float).reshape(3, 3)
    )
    if np.linalg.det(rotation) < 0:
        rotation[2] *= -1
    return np.asarray(rotation)


def _text(ring: Flat, plane: NDArray[np.float64]) -> str:
    points = np.array([*ring, ring[0]]) @ plane[:2] + np.array([343000.0, 5674000.0, 40.0])
    return " ".join(repr(float(number)) for number in points.ravel())


def _cut(rings: list[Flat], plane: NDArray[np.float64]) -> tuple[Triangulation, NDArray[np.float64]]:
    polygon = Polygon(tuple(_text(ring, plane) for ring in rings), Boundary.ROOF, "", False, 3)
    read = read_rings([polygon])
    local = read.vertices - read.vertices[0]
    result = triangulate(read, local, 1)
    return result, np.concatenate((local, result.added))


def _areas(points: NDArray[np.float64], triangles: NDArray[np.int64]) -> NDArray[np.float64]:
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    return np.asarray(0.5 * np.cross(b - a, c - a))


@given(stars(), planes())
@settings(max_examples=300, deadline=None)
def test_any_ring_in_any_plane(ring: Flat, plane: NDArray[np.float64]) -> None:
    expected = shapely.Polygon(ring).area
    result, points = _cut([ring], plane)
    vectors = _areas(points, result.triangles)
    assert np.linalg.norm(vectors, axis=1).sum() == pytest.approx(expected, rel=1e-6)
    # All of them run counter-clockwise around the plane's normal, as the ring does.
    assert (vectors @ plane[2] >= -1e-9).all()
    assert result.deviation[0] < 1e-6
    assert not result.is_crossing[0]
    assert not result.is_collapsed[0]
    assert len(result.added) == 0


@given(stars(), stars(radius=1.5), planes())
@settings(max_examples=200, deadline=None)
def test_a_hole_is_left_open(ring: Flat, hole: Flat, plane: NDArray[np.float64]) -> None:
    expected = shapely.Polygon(ring, [hole])
    result, points = _cut([ring, hole[::-1]], plane)
    if expected.is_valid:
        assert not result.is_crossing[0]
    area = shapely.Polygon(ring).difference(shapely.Polygon(hole)).area
    assert np.linalg.norm(_areas(points, result.triangles), axis=1).sum() == pytest.approx(area, rel=1e-5)
    # Nothing lies over the hole's middle.
    flat = points @ plane[:2].T
    origin = (np.array([343000.0, 5674000.0, 40.0]) - np.array([*_text_first(ring, plane)])) @ plane[:2].T
    if shapely.Polygon(hole).contains(shapely.Point(0, 0)):
        triangles = shapely.polygons(flat[result.triangles])
        middle = shapely.Point(*origin).buffer(1e-3)
        assert shapely.area(shapely.intersection(triangles, middle)).sum() < 1e-9


def _text_first(ring: Flat, plane: NDArray[np.float64]) -> list[float]:
    return [float(number) for number in _text(ring, plane).split()[:3]]


@given(stars(), st.integers(2, 6), planes())
@settings(max_examples=100, deadline=None)
def test_many_holes(ring: Flat, count: int, plane: NDArray[np.float64]) -> None:
    """Round holes side by side in a square that is large enough."""
    size = 3.0 * count
    outer = [(-2.0, -2.0), (size, -2.0), (size, 2.0), (-2.0, 2.0)]
    holes = [[(3.0 * i + x / 12, y / 12) for x, y in ring] for i in range(count)]
    result, points = _cut([outer, *holes], plane)
    expected = shapely.Polygon(outer, holes)
    assert np.linalg.norm(_areas(points, result.triangles), axis=1).sum() == pytest.approx(expected.area, rel=1e-6)
    vertices = 4 + count * len(ring)
    # Euler, for a plane polygon with holes; three vertices that happen to lie on one line can save a triangle.
    assert len(result.triangles) <= vertices + 2 * count - 2


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=3, max_size=10))
@settings(max_examples=400, deadline=None)
def test_whatever_ring_on_a_grid(corners: list[tuple[int, int]]) -> None:
    """Rings that cross, touch and repeat themselves: no crash, and no area that is neither right nor reported."""
    ring = [(float(x), float(y)) for x, y in corners]
    result, points = _cut([ring], np.eye(3))
    assert np.isfinite(points).all()
    area = float(np.linalg.norm(_areas(points, result.triangles), axis=1).sum())
    shape = shapely.Polygon(ring)
    if shape.is_valid and shape.area > 0:
        assert area == pytest.approx(shape.area)
    elif result.is_crossing[0]:
        assert area <= shapely.MultiPoint(ring).convex_hull.area + 1e-9
    elif len(result.triangles):
        # It touches itself, runs back on itself or goes round twice: the picture shows what its vertices enclose.
        assert area == pytest.approx(abs(_signed_area(ring)))


def _signed_area(ring: Flat) -> float:
    return sum(ax * by - bx * ay for (ax, ay), (bx, by) in zip(ring, ring[1:] + ring[:1], strict=True)) / 2


def test_pentagram_is_not_taken_for_convex() -> None:
    corners = [(math.cos(4 * math.pi * i / 5), math.sin(4 * math.pi * i / 5)) for i in range(5)]
    result, points = _cut([corners], np.eye(3))
    assert result.is_crossing[0]
    assert np.linalg.norm(_areas(points, result.triangles), axis=1).sum() <= shapely.Polygon(corners).convex_hull.area


def test_sixty_thousand_vertices() -> None:
    count = 60_000
    ring = [
        ((20 + i % 2) * math.cos(2 * math.pi * i / count), (20 + i % 2) * math.sin(2 * math.pi * i / count))
        for i in range(count)
    ]
    result, points = _cut([ring], np.eye(3))
    expected = abs(_signed_area(ring))
    assert np.linalg.norm(_areas(points, result.triangles), axis=1).sum() == pytest.approx(expected, rel=1e-6)


def test_polygons_of_every_kind_together() -> None:
    """Triangles come in the order of their polygons, whichever way each was cut."""
    square = [(0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (0.0, 2.0)]
    corner = [(0.0, 0.0), (2.0, 0.0), (2.0, 1.0), (1.0, 1.0), (1.0, 2.0), (0.0, 2.0)]
    bow = [(0.0, 0.0), (3.0, 3.0), (3.0, 0.0), (0.0, 2.0)]
    line = [(0.0, 0.0), (1.0, 0.0), (2.0, 0.0)]
    shapes = [corner, square, bow, line, square, corner]
    polygons = [Polygon((_text(shape, np.eye(3)),), Boundary.ROOF, "", False, 3) for shape in shapes]
    rings = read_rings(polygons)
    result = triangulate(rings, rings.vertices - rings.vertices[0], len(polygons))
    assert (np.diff(result.triangle_polygon) >= 0).all()
    assert np.bincount(result.triangle_polygon, minlength=6).tolist() == [4, 2, 2, 0, 2, 4]
    assert result.is_collapsed.tolist() == [False, False, False, True, False, False]
    assert result.is_crossing.tolist() == [False, False, True, False, False, False]
    assert result.added_polygon.tolist() == [2]


def test_a_ring_that_crosses_itself_without_measure_is_not_repaired(monkeypatch: pytest.MonkeyPatch) -> None:
    """To repair it would take time and memory that grow with the square of its vertices."""

    def never(*_: object, **__: object) -> None:
        raise AssertionError("it was repaired")

    tangle = np.random.default_rng(1).random((3000, 2)) * 10
    monkeypatch.setattr(shapely, "make_valid", never)
    cut, _ = _cut([[(x, y) for x, y in tangle.tolist()]], np.eye(3))
    assert cut.is_crossing.tolist() == [True]
    assert len(cut.triangles)


def test_a_long_ring_that_crosses_itself_once_is_repaired() -> None:
    """A circle of 10,000 vertices, two neighbours of which have changed places."""
    angle = np.linspace(0, 2 * np.pi, 10_000, endpoint=False)
    circle = np.column_stack((10 * np.cos(angle), 10 * np.sin(angle)))
    circle[[70, 4000]] = circle[[4000, 70]]
    cut, points = _cut([[(x, y) for x, y in circle.tolist()]], np.eye(3))
    assert cut.is_crossing.tolist() == [True]
    assert len(cut.added) > 0
    area = float(np.linalg.norm(_areas(points, cut.triangles), axis=1).sum())
    assert area == pytest.approx(100 * np.pi, rel=1e-2)
