"""The made-up LiDAR that point clouds are measured with: as many points as asked for, as a scanner would give them."""

from __future__ import annotations

from pathlib import Path

import laspy
import numpy as np

from benchmarks.point_inputs import POINTS_PER_M2, lidar


def test_lidar_has_the_density_and_fields_of_a_flight(tmp_path: Path) -> None:
    path = lidar(tmp_path, 200_000)
    las = laspy.read(path)
    assert (len(las.points), las.header.point_format.id, las.header.version.minor) == (200_000, 7, 4)
    size = las.header.maxs - las.header.mins
    assert 0.9 < size[0] * size[1] * POINTS_PER_M2 / 200_000 < 1.1
    classes, counts = np.unique(np.asarray(las.classification), return_counts=True)
    assert classes.tolist() == [2, 5, 6]
    assert counts.min() > 5_000
    assert (np.asarray(las.return_number) <= np.asarray(las.number_of_returns)).all()
    assert np.asarray(las.red).max() > 255  # 16 bits
    assert 6 < path.stat().st_size / 200_000 < 12  # what real flights take with colours


def test_lidar_is_the_same_anywhere(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    one, other = (laspy.read(lidar(tmp_path / name, 20_000)).points.array for name in ("a", "b"))
    assert np.array_equal(one, other)
