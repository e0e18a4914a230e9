"""Meshes that follow the relief: their error, their borders, no gap and no overlap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tiler.terrain.relief import measure, triangulate


def mesh(
    heights: NDArray[np.float64], max_error: float, drawn: NDArray[np.bool_] | None = None
) -> list[NDArray[np.int64]]:
    return triangulate(measure(heights, drawn), max_error)


def worst(heights: NDArray[np.float64], triangles: NDArray[np.int64]) -> float:
    """Return how far any grid point of one grid is off the triangles that hold it, by barycentric coordinates."""
    points = len(heights)
    largest = 0.0
    for corners in triangles:
        row, column = np.divmod(corners, points)
        r, c = np.mgrid[row.min() : row.max() + 1, column.min() : column.max() + 1]
        matrix = np.linalg.inv(np.stack([row, column, np.ones(3)]).astype(float))
        shares = matrix @ np.stack([r.ravel(), c.ravel(), np.ones(r.size)])
        inside = (shares >= -1e-9).all(axis=0)
        on_mesh = heights[row, column] @ shares
        largest = max(largest, float(np.abs(on_mesh - heights[r, c].ravel())[inside].max()))
    return largest


def areas(triangles: NDArray[np.int64], points: int) -> NDArray[np.float64]:
    """Return signed areas in cells; positive is counter-clockwise with north up."""
    row, column = np.divmod(triangles, points)
    x, y = column, -row
    return np.asarray(
        ((x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (y[:, 1] - y[:, 0]) * (x[:, 2] - x[:, 0])) / 2, dtype=np.float64
    )


def edges(triangles: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    ends = np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    unique, count = np.unique(ends, axis=0, return_counts=True)
    return unique, count


def grids(seed: int, n: int, count: int = 2) -> NDArray[np.float64]:
    """Return rough ground: a random walk, with a step and some noise."""
    random = np.random.default_rng(seed)
    rough = random.normal(size=(count, n + 1, n + 1)).cumsum(axis=1).cumsum(axis=2) / n
    rough[:, n // 3 :, n // 2 :] += random.uniform(0, 5)
    return np.asarray(rough + random.normal(0, 0.02, rough.shape) + 40)


@given(seed=st.integers(0, 2**32), power=st.integers(1, 5), max_error=st.sampled_from([0.0, 0.05, 0.3, 1.0, 20.0]))
@settings(max_examples=60, deadline=None)
def test_laws_of_a_mesh(seed: int, power: int, max_error: float) -> None:
    n = 2**power
    heights = grids(seed, n)
    for grid, triangles in zip(heights, mesh(heights, max_error), strict=True):
        assert (areas(triangles, n + 1) > 0).all(), "all face up"
        assert areas(triangles, n + 1).sum() == n * n, "the square is covered once"
        assert worst(grid, triangles) <= max_error + 1e-4
        # No vertex lies on another triangle's side: all sides but those of the border belong to two triangles, and
        # those of the border are single cells long.
        ends, count = edges(triangles)
        assert set(count.tolist()) <= {1, 2}
        outer = ends[count == 1]
        assert len(outer) == 4 * n
        row, column = np.divmod(outer, n + 1)
        assert (np.abs(np.diff(row, axis=1)) + np.abs(np.diff(column, axis=1)) == 1).all()
        assert (np.isin(row, (0, n)).all(axis=1) | np.isin(column, (0, n)).all(axis=1)).all()


@given(seed=st.integers(0, 2**32), power=st.integers(1, 5), share=st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_cells_can_be_left_out(seed: int, power: int, share: float) -> None:
    n = 2**power
    heights = grids(seed, n)
    drawn = np.random.default_rng(seed).random((2, n, n)) < share
    for grid, here, triangles in zip(heights, drawn, mesh(heights, 0.3, drawn), strict=True):
        assert areas(triangles, n + 1).sum() == here.sum()
        row, column = np.divmod(triangles, n + 1)
        middle_row, middle_column = row.sum(axis=1) // 3, column.sum(axis=1) // 3
        assert here[middle_row, middle_column].all()
        assert edges(triangles)[1].max(initial=0) <= 2
        assert worst(grid, triangles) <= 0.3 + 1e-4
        # Where cells meet the outside or what is left out, sides are one cell long: what is beside may be anything.
        ends, count = edges(triangles)
        ends_row, ends_column = np.divmod(ends[count == 1], n + 1)
        assert (np.abs(np.diff(ends_row, axis=1)) + np.abs(np.diff(ends_column, axis=1)) == 1).all()


def test_a_plane_needs_its_border_alone() -> None:
    row, column = np.mgrid[:129, :129].astype(float)
    plane = (3 * row - 2 * column)[None]
    (triangles,) = mesh(plane, 1e-3)
    used = np.unique(triangles)
    row, column = np.divmod(used, 129)
    on_border = np.isin(row, (0, 128)) | np.isin(column, (0, 128))
    assert on_border.sum() == 4 * 128
    assert len(triangles) < 2600  # of 32,768: the border's points, and what it takes to reach them


def test_detail_is_where_the_relief_is() -> None:
    heights = np.zeros((1, 129, 129))
    heights[0, 60:68, 60:68] = 5.0
    (rough,) = mesh(heights, 0.1)
    (flat,) = mesh(heights * 0, 0.1)
    assert len(flat) + 100 < len(rough) < len(flat) + 1500

    def far(triangles: NDArray[np.int64]) -> int:
        middle = np.array(np.divmod(triangles, 129)).mean(axis=2)
        return int((np.abs(middle - 64) > 50).any(axis=0).sum())

    assert far(rough) == far(flat)


def test_every_grid_has_an_error_of_its_own() -> None:
    heights = np.repeat(grids(1, 32, 1), 3, axis=0)
    three = triangulate(measure(heights), np.array([0.0, 0.2, 5.0]))
    for triangles, max_error in zip(three, (0.0, 0.2, 5.0), strict=True):
        np.testing.assert_array_equal(triangles, mesh(heights[:1], max_error)[0])
    assert len(three[0]) > len(three[1]) > len(three[2])


def test_neighbours_have_equal_borders() -> None:
    wide = np.random.default_rng(5).normal(size=(33, 65)).cumsum(axis=1)
    west, east = mesh(np.stack([wide[:, :33], wide[:, 32:]]), 0.4)
    on_west = {divmod(int(point), 33)[0] for point in np.unique(west) if point % 33 == 32}
    on_east = {divmod(int(point), 33)[0] for point in np.unique(east) if point % 33 == 0}
    assert on_west == on_east == set(range(33))


def test_triangles_follow_each_other() -> None:
    (triangles,) = mesh(grids(3, 64, 1), 0.3)
    shared = [len(set(a) & set(b)) for a, b in zip(triangles.tolist(), triangles[1:].tolist(), strict=False)]
    assert np.mean(np.array(shared) == 2) > 0.95


@pytest.mark.parametrize("shape", [(1, 4, 4), (1, 7, 7), (1, 2, 2), (1, 5, 9)])
def test_other_grids_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"2 \*\* k"):
        measure(np.zeros(shape))
