"""Heights beyond the edge of the data."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tests.tiler.terrain.quantized_ground import hills
from tiler.terrain.quantized_fill import BLOCK, Values, filled

INNER = slice(BLOCK, 2 * BLOCK + 1)


def county(rows: int, columns: int) -> Values:
    """Return hills over some blocks, with an edge that runs aslant and a hole."""
    row, column = np.mgrid[: rows * BLOCK, : columns * BLOCK].astype(float)
    heights = hills(344000 + column, 5674000 - row)
    gone = (row + 0.4 * column < 700) | (np.hypot(row - 900, column - 1100) < 60)
    return np.where(gone, np.nan, heights)


def test_what_is_known_stays_and_nothing_is_missing() -> None:
    heights = county(3, 3)
    result = filled(heights)
    known = np.isfinite(heights)
    assert_array_equal(result[known], heights[known])
    assert np.isfinite(result[INNER, INNER]).all()


def test_there_is_neither_cliff_nor_spike() -> None:
    heights = county(3, 3)
    result = filled(heights)[INNER, INNER]
    steepest = max(np.nanmax(np.abs(np.diff(heights, axis=axis))) for axis in (0, 1))
    assert max(np.abs(np.diff(result, axis=axis)).max() for axis in (0, 1)) < 1.5 * steepest
    assert result.min() >= np.nanmin(heights)
    assert result.max() <= np.nanmax(heights)


def test_far_from_the_data_heights_are_flat() -> None:
    heights = np.full((3 * BLOCK, 3 * BLOCK), np.nan)
    row, column = np.mgrid[:100, :100]
    heights[BLOCK : BLOCK + 100, BLOCK : BLOCK + 100] = 60 + 3 * np.sin(row / 5.0) + 3 * np.sin(column / 7.0)
    result = filled(heights)[INNER, INNER]
    assert np.ptp(result[400:, 400:]) < 0.05
    assert abs(result[-1, -1] - np.nanmean(heights)) < 0.5


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), share=st.sampled_from([0.0005, 0.01, 0.5]))
def test_neighbours_fill_the_edge_they_share_alike(seed: int, share: float) -> None:
    generator = np.random.default_rng(seed)
    heights = np.where(
        generator.random((3 * BLOCK, 4 * BLOCK)) < share, generator.normal(60, 20, (3 * BLOCK, 1)), np.nan
    )
    west, east = filled(heights[:, : 3 * BLOCK]), filled(heights[:, BLOCK:])
    assert_array_equal(west[INNER, 2 * BLOCK], east[INNER, BLOCK])


def test_nothing_comes_from_nothing() -> None:
    assert np.isnan(filled(np.full((3 * BLOCK, 3 * BLOCK), np.nan))).all()


def test_a_plane_goes_on_at_its_height() -> None:
    heights = np.full((3 * BLOCK, 3 * BLOCK), np.nan)
    heights[700:800, 600:900] = 41.5
    assert_allclose(filled(heights)[INNER, INNER], 41.5, rtol=1e-12)
