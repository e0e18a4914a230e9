"""Heights between cells of which few are known."""

from __future__ import annotations

import numpy as np
import pytest

from orthophotos.heights_lattice import between


@pytest.mark.parametrize("share", [0.02, 0.2, 0.7])
def test_there_is_a_height_wherever_a_known_cell_is_within_one(share: float) -> None:
    chance = np.random.default_rng(1)
    for _ in range(200):
        window = np.full(tuple(chance.integers(4, 12, 2)), np.nan, np.float32)
        known = np.asarray(chance.random(window.shape) < share)
        window[known] = chance.normal(size=np.count_nonzero(known))
        # Some places are on a cell's centre, or beside it by less than a float can tell.
        nudge = chance.choice([0.0, 1e-7, -1e-7, 0.3, 0.5, 0.8], (2, 60))
        columns = (chance.integers(2, window.shape[1] - 1, 60) - 1 + np.abs(nudge[0])).clip(1, window.shape[1] - 2.001)
        rows = (chance.integers(2, window.shape[0] - 1, 60) - 1 + np.abs(nudge[1])).clip(1, window.shape[0] - 2.001)
        columns -= np.where((nudge[0] < 0) & (columns > 1.5), 2e-7, 0)

        across = np.abs(columns[:, None] - np.arange(window.shape[1])) <= 1 + 1e-6
        down = np.abs(rows[:, None] - np.arange(window.shape[0])) <= 1 + 1e-6
        expected = (down[:, :, None] & across[:, None, :] & known).any(axis=(1, 2))

        assert np.array_equal(np.isfinite(between(window, columns, rows)), expected)
