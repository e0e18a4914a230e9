"""Height above ground: what is under a house, where blocks meet, and where nothing is known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.judges import judge
from tests.tiler.points.clouds import CENTIMETRES, Cloud, cloud
from tests.tiler.points.reading import read_tiles
from tests.tiler.points.test_build import REGION, SMALL
from tiler.points import ground
from tiler.points.build import PointsOptions, PointsResult, tile_points
from tiler.target import FolderTarget

BITS = 7
STEP = 0.05


def build(folder: Path, sources: Sequence[Cloud], **options: Any) -> PointsResult:
    folder.mkdir(parents=True, exist_ok=True)
    how = PointsOptions(height_above_ground=True, **({"limits": SMALL} | options))
    return tile_points(sources, FolderTarget(folder), REGION, how)


def heights(folder: Path) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return heights above ground of all points, metres (NaN where unknown), and what their intensity says."""
    tiles = read_tiles(folder / "tileset.json")
    coded, marks = (
        np.concatenate([tile.attributes[name][:, 0] for tile in tiles]).astype(np.int64)
        for name in ("_HEIGHT_ABOVE_GROUND", "_INTENSITY")
    )
    schema = json.loads((folder / "schema.json").read_bytes())
    prop = schema["classes"]["point"]["properties"]["HEIGHT_ABOVE_GROUND"]
    assert (prop["componentType"], prop["normalized"], prop["noData"]) == ("UINT16", True, 0)
    metres = prop["offset"] + prop["scale"] * (coded / 65_535)
    return np.where(coded == 0, np.nan, metres), marks


def scene(
    xyz: NDArray[np.floating], classes: NDArray[np.integer], marks: NDArray[np.integer], name: str = "a.laz"
) -> Cloud:
    """Return a cloud of points in metres."""
    source = cloud(name, np.rint(xyz * 100).astype(np.int64))
    columns: dict[str, NDArray[Any]] = {
        "classification": classes.astype(np.uint8),
        "intensity": marks.astype(np.uint16),
    }
    return replace(source, columns=columns, chunk_points=20_000)


def slope(x: NDArray[np.floating], y: NDArray[np.floating]) -> NDArray[np.floating]:
    return 40 + 0.05 * x - 0.03 * y


def hill_with_houses(seed: int = 1) -> Cloud:
    """Return sloping ground over a border of blocks, with two houses of 30 m and of 60 m that are 9 m high."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, [[900], [120]], (2, 300_000))
    small = (np.abs(x - 200) < 15) & (np.abs(y - 60) < 15)
    large = (np.abs(x - 655.36) < 30) & (np.abs(y - 60) < 30)  # over the border of two blocks
    roof = small | large
    classes = np.where(roof, 6, np.where(x < 450, 2, 26))
    z = slope(x, y) + np.where(roof, 9.0, 0.0)
    return scene(np.stack([x, y, z], axis=1), classes, small + 2 * large)


def test_what_stands_on_a_slope_is_as_high_as_it_is(tmp_path: Path) -> None:
    result = build(tmp_path, [hill_with_houses()], limits=replace(SMALL, leaf=20_000))
    judge(tmp_path / "tileset.json")
    found, mark = heights(tmp_path)
    assert not np.isnan(found).any()
    # The mean of a cell of 1.28 m and what lies between; under houses the ground beside them.
    assert np.abs(found[mark == 0]).max() <= 0.25
    assert np.percentile(np.abs(found[mark == 0]), 99) <= STEP
    assert np.abs(found[mark == 1] - 9).max() <= 0.2
    assert np.abs(found[mark == 2] - 9).max() <= 0.3
    stated = result.statistics.to_json(result.properties)["classes"]["point"]["properties"]["HEIGHT_ABOVE_GROUND"]
    assert [stated["min"], stated["max"]] == pytest.approx([found.min(), found.max()], abs=1e-3)


def test_files_jobs_and_dropped_ground_do_not_show(tmp_path: Path) -> None:
    whole = hill_with_houses()
    parts = [
        replace(
            whole,
            name=f"{name}.laz",
            xyz=whole.xyz[rows],
            columns={key: column[rows] for key, column in whole.columns.items()},
        )
        for name, rows in (("a", slice(0, None, 2)), ("b", slice(1, None, 2)))
    ]
    limits = replace(SMALL, leaf=20_000)
    build(tmp_path / "1", parts, limits=limits)
    build(tmp_path / "2", parts[::-1], limits=limits, jobs=2)
    files = sorted(path.relative_to(tmp_path / "1") for path in (tmp_path / "1").rglob("*") if path.is_file())
    assert files
    assert all((tmp_path / "1" / path).read_bytes() == (tmp_path / "2" / path).read_bytes() for path in files)
    build(tmp_path / "houses", parts, limits=limits, drop_classes=frozenset({2, 26}))
    (all_of_them, mark), (alone, _) = heights(tmp_path / "1"), heights(tmp_path / "houses")
    assert np.array_equal(np.sort(all_of_them[mark > 0]), np.sort(alone))


@pytest.mark.parametrize("reach", [10_000, 70_000])
def test_blocks_meet_without_a_step(tmp_path: Path, reach: int) -> None:
    """Each block holds one cell of its neighbours on each side: the same number in both, also in wide holes."""
    rng = np.random.default_rng(7)
    x, y = rng.integers(0, 5 << 16, (2, 150_000))
    hole = (np.abs(x - (1 << 16)) < reach) & (np.abs(y - (1 << 16)) < reach)
    x, y = x[~hole], y[~hole]
    z = 2_000 * np.sin(x / 30_000) + 1_000 * np.cos(y / 17_000) + rng.normal(0, 40, len(x))
    sums = ground.Sums.of(np.stack([x, y, z]).astype(np.int32), BITS)
    found = [ground.store(sums, tmp_path / "sums")]
    made = {}
    for task in ground.block_tasks(found, None, 0.01, tmp_path):
        block = ground.make_block(task)
        made[block] = np.load(task.path)
    assert len(made) > 40
    for (column, row), block in made.items():
        assert block.shape == (514, 514)
        for (dx, dy), own, other in (
            ((1, 0), np.s_[1:-1, -2:], np.s_[1:-1, :2]),
            ((0, 1), np.s_[-2:, 1:-1], np.s_[:2, 1:-1]),
        ):
            beside = made.get((column + dx, row + dy))
            if beside is not None:
                assert np.array_equal(block[own], beside[other], equal_nan=True)
    # Farther than a block from all ground nothing is known.
    assert ((0, 0) in made) == (reach == 10_000)
    if (0, 0) in made:
        middle = made[0, 0][-60:, -60:]
        assert np.isfinite(middle).all()
        assert np.abs(np.diff(middle, axis=0)).max() < 0.25


def test_sums_are_the_same_in_parts_and_as_a_whole(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    places = rng.integers(-(2**20), 2**20, (3, 5_000)).astype(np.int32)
    whole = ground.Sums.of(places, BITS).cells
    cells = {(int(x), int(y)): [0, 0] for x, y in places[:2].T >> BITS}
    for x, y, z in places.T.tolist():
        cells[x >> BITS, y >> BITS][0] += z
        cells[x >> BITS, y >> BITS][1] += 1
    assert {(x, y): [z, n] for x, y, z, n in whole.T.tolist()} == cells
    # So far apart that they are not counted in a grid.
    far = np.concatenate([places, [[2**31 - 1], [-(2**31) + 1], [5]]], axis=1).astype(np.int32)
    assert {(x, y): [z, n] for x, y, z, n in ground.Sums.of(far, BITS).cells.T.tolist()} == cells | {
        ((2**31 - 1) >> BITS, (-(2**31) + 1) >> BITS): [5, 1]
    }
    found = ground.store(ground.Sums.of(places, BITS), tmp_path / "sums")
    back = np.concatenate([part.read() for part in found.parts.values()], axis=1)
    assert sorted(back.T.tolist()) == sorted(whole.T.tolist())
    assert found.coarse.cells[2:].sum(axis=1).tolist() == whole[2:].sum(axis=1).tolist()


def test_far_from_ground_nothing_is_known_and_that_is_told(tmp_path: Path) -> None:
    near = np.array([[x, y, 40.0] for x in range(20) for y in range(20)])
    far = np.array([[5_000.0, 10.0, 60.0], [5_001.0, 10.0, 60.0]])
    classes = np.array([2] * len(near) + [6, 6])
    result = build(tmp_path, [scene(np.concatenate([near, far]), classes, classes)])
    judge(tmp_path / "tileset.json")
    found, mark = heights(tmp_path)
    assert np.isnan(found[mark == 6]).all()
    assert np.abs(found[mark == 2]).max() <= STEP
    (told,) = [issue for issue in result.issues if issue.code == "POINTS_NO_GROUND"]
    assert told.message.startswith("2 points are too far from any ground")


def test_without_ground_there_are_no_heights(tmp_path: Path) -> None:
    xyz = np.random.default_rng(1).uniform(0, 50, (500, 3))
    result = build(tmp_path, [scene(xyz, np.full(500, 6), np.zeros(500, int))])
    assert "HEIGHT_ABOVE_GROUND" not in (tmp_path / "schema.json").read_text()
    assert [issue.severity.value for issue in result.issues if issue.code == "POINTS_NO_GROUND"] == ["warning"]


def test_heights_beyond_what_tiles_hold_are_the_nearest_that_they_do() -> None:
    metres = np.array([-80, -50, -49.95, 0, 0.024, 0.026, 3226.7, 9000, np.nan], np.float32)
    assert ground.coded_height(metres).tolist() == [1, 1, 1, 1000, 1000, 1001, 65_534, 65_535, 0]


def test_cells_are_about_a_metre() -> None:
    assert [ground.cell_bits_of(step) for step in (0.001, CENTIMETRES.scale[0], 0.25, 1.0, 3.0)] == [10, BITS, 2, 0, 0]
