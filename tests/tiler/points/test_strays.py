"""Points too few for a tile of their own are part of the one above, and of no other."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.tiler.points.clouds import cloud
from tests.tiler.points.reading import read_tiles
from tiler.points.build import PointsOptions, tile_points
from tiler.points.octree import Limits
from tiler.target import FolderTarget
from zwilling.region import load_region


def test_stray_points_between_small_neighbours_are_in_one_tile(tmp_path: Path) -> None:
    """A leaf that neighbours share reaches over what lies between them in Morton order and belongs above."""
    corners = np.array([[0, 0, 0], [60_000, 0, 0], [0, 60_000, 0], [60_000, 60_000, 60_000]])
    counts = [120, 8, 120, 200]
    steps = np.arange(max(counts))[:, None] * np.array([1, 2, 1])
    xyz = np.concatenate([corner + steps[:count] for corner, count in zip(corners, counts, strict=True)])
    result = tile_points(
        [cloud("a.laz", xyz.astype(np.int32))],
        FolderTarget(tmp_path),
        load_region(),
        PointsOptions(limits=Limits(leaf=300, stray=10)),
    )
    assert result.points_in == result.points_out == sum(counts)
    assert len(np.concatenate([tile.ecef for tile in read_tiles(tmp_path / "tileset.json")])) == sum(counts)
