"""The format quantized-mesh, read by quantized-mesh-tile, which shares no code with us."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from quantized_mesh_tile.horizon_occlusion_point import fromPoints
from quantized_mesh_tile.terrain import TerrainTile

from tiler.terrain import relief
from tiler.terrain.quantized import CELLS, Grid, Place, encode, horizon_occlusion_point
from zwilling.crs import enu_to_ecef

PLACE = Place.of_tile(17, 136003, 102819)
STEPS = 32767


def made(heights: NDArray[np.float64], *, to_east: float = 0.0, to_north: float = 0.0, place: Place = PLACE) -> bytes:
    """Return a tile as it is written, meshed within a decimetre."""
    (mesh,) = relief.triangulate(relief.measure(heights[None]), 0.1)
    return encode(Grid(place, heights, np.full_like(heights, to_east), np.full_like(heights, to_north)), mesh)


def read(content: bytes, place: Place = PLACE) -> TerrainTile:
    """Return what another program finds in a tile."""
    tile = TerrainTile(west=place.west, south=place.south, east=place.east, north=place.north)
    stream = io.BytesIO(content)
    tile.fromBytesIO(stream, hasLighting=True)
    assert stream.read() == b""
    return tile


def waves() -> NDArray[np.float64]:
    """Return heights between 95 and 105 m, with a step of 3 m."""
    row, column = np.mgrid[: CELLS + 1, : CELLS + 1] / CELLS
    return np.asarray(100 + 5 * np.sin(6 * row) * np.cos(5 * column) + 3.0 * (column > 0.4) * (row > 0.6))


def test_another_reader_finds_the_heights_that_went_in() -> None:
    heights = waves()
    tile = read(made(heights))
    u, v, h = np.array(tile.u), np.array(tile.v), np.array(tile.h)
    low, high = tile.header["minimumHeight"], tile.header["maximumHeight"]
    column, row = np.rint(u * CELLS / STEPS).astype(int), CELLS - np.rint(v * CELLS / STEPS).astype(int)
    assert_allclose(low + h * (high - low) / STEPS, heights[row, column], atol=(high - low) / STEPS / 2 + 1e-9)
    assert low <= heights[row, column].min()
    assert high >= heights[row, column].max()
    assert (h.min(), h.max()) == (0, STEPS)


def test_all_points_of_the_border_are_in_the_edge_lists() -> None:
    tile = read(made(waves()))
    u, v = np.array(tile.u), np.array(tile.v)
    expected = np.rint(np.arange(CELLS + 1) * STEPS / CELLS)
    for edge, along, across, at in (
        (tile.westI, v, u, 0),
        (tile.southI, u, v, 0),
        (tile.eastI, v, u, STEPS),
        (tile.northI, u, v, STEPS),
    ):
        assert_array_equal(np.sort(along[edge]), expected)
        assert (across[edge] == at).all()


def test_triangles_cover_the_tile_once_and_are_seen_from_above() -> None:
    tile = read(made(waves()))
    corners = np.array([tile.u, tile.v]).T.astype(float)[np.array(tile.indices).reshape(-1, 3)]
    (ax, ay), (bx, by) = (corners[:, 1] - corners[:, 0]).T, (corners[:, 2] - corners[:, 0]).T
    doubled = ax * by - ay * bx
    assert (doubled > 0).all()
    assert doubled.sum() == 2 * STEPS**2
    assert 4 * CELLS - 2 < len(corners) < 2 * CELLS**2


def test_a_flat_tile_is_whole() -> None:
    tile = read(made(np.full((CELLS + 1, CELLS + 1), 91.25)))
    assert set(tile.h) == {0}
    assert tile.header["minimumHeight"] == 91.25
    assert len(tile.u) >= 4 * CELLS


def test_normals_stand_upright_on_slopes() -> None:
    tile = read(made(waves(), to_east=0.5, to_north=-0.25))
    frame = enu_to_ecef((PLACE.west + PLACE.east) / 2, (PLACE.south + PLACE.north) / 2, 100.0)[:3, :3]
    upright = frame @ np.array([-0.5, 0.25, 1.0])
    found = np.array(tile.vLight)
    assert len(found) == len(tile.u)
    assert_allclose(found, np.tile(upright / np.linalg.norm(upright), (len(found), 1)), atol=0.012)


def test_the_sphere_holds_all_vertices() -> None:
    tile = read(made(waves()))
    header = tile.header
    lon = PLACE.west + np.array(tile.u) / STEPS * (PLACE.east - PLACE.west)
    lat = PLACE.south + np.array(tile.v) / STEPS * (PLACE.north - PLACE.south)
    height = header["minimumHeight"] + np.array(tile.h) / STEPS * (header["maximumHeight"] - header["minimumHeight"])
    places = np.array([enu_to_ecef(*place)[:3, 3] for place in zip(lon, lat, height, strict=True)])
    centre = np.array([header[f"boundingSphereCenter{axis}"] for axis in "XYZ"])
    assert_allclose(np.linalg.norm(places - centre, axis=1).max(), header["boundingSphereRadius"], rtol=0, atol=1e-6)
    assert_allclose(centre, [header[f"center{axis}"] for axis in "XYZ"])


@pytest.mark.parametrize("level", [3, 10, 17])
def test_the_horizon_occlusion_point_is_that_of_another_program(level: int) -> None:
    x, y = int((6.8 + 180) / 180 * 2**level), int((51.2 + 90) / 180 * 2**level)
    place = Place.of_tile(level, x, y)
    lon, lat = np.meshgrid(np.linspace(place.west, place.east, 9), np.linspace(place.south, place.north, 9))
    vertices = np.array([enu_to_ecef(a, b, 200.0)[:3, 3] for a, b in zip(lon.ravel(), lat.ravel(), strict=True)])
    centre = vertices.mean(axis=0)
    assert_allclose(
        horizon_occlusion_point(vertices, centre), fromPoints(vertices.tolist(), _Sphere(centre)), rtol=1e-9
    )


class _Sphere:
    def __init__(self, centre: NDArray[np.float64]) -> None:
        self.center = centre.tolist()


def test_the_horizon_of_a_hemisphere_is_a_finite_point_far_out() -> None:
    place = Place.of_tile(0, 1, 0)
    heights = np.full((CELLS + 1, CELLS + 1), 120.0)
    header = read(made(heights, place=place), place).header
    point = np.array([header[f"horizonOcclusionPoint{axis}"] for axis in "XYZ"])
    assert np.isfinite(point).all()
    assert point[1] > 1e5
    assert_allclose(point[[0, 2]] / point[1], 0, atol=1e-9)
