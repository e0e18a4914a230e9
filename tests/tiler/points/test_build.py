"""Clouds of points to tiles and back: nothing is lost, nothing is twice, everything is where it was."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.judges import judge
from tests.tiler.points.clouds import CRS, NEUSS, Cloud, cloud
from tests.tiler.points.reading import ReadTile, read_tiles
from tiler.glb import Compression
from tiler.points.build import PointsOptions, PointsResult, tile_points
from tiler.points.octree import Limits
from tiler.target import FolderTarget, replacing
from zwilling.crs import Georeference, parse_crs
from zwilling.errors import EmptyGeometryError, SourceError
from zwilling.points import Lattice
from zwilling.region import load_region

SMALL = Limits(leaf=300, stray=10)
REGION = load_region()


def build(folder: Path, sources: Sequence[Cloud], **options: object) -> PointsResult:
    folder.mkdir(parents=True, exist_ok=True)
    return tile_points(sources, FolderTarget(folder), REGION, PointsOptions(**options))  # type: ignore[arg-type]


def way(crs: str = CRS) -> Georeference:
    return Georeference.create(parse_crs(crs), REGION)


def assert_same_points(tiles: Sequence[ReadTile], sources: Sequence[Cloud], error: float) -> None:
    """Fail unless the tiles hold each point of the sources once, within `error` metres, with all its properties."""
    wanted = way(sources[0].crs).to_ecef(np.concatenate([source.positions for source in sources]))
    names = ("classification", "intensity", "return_number", "number_of_returns")
    facts = np.concatenate([np.stack([source.columns[name] for name in names], axis=1) for source in sources])
    found = np.concatenate([tile.ecef for tile in tiles])
    found_facts = np.concatenate(
        [np.concatenate([tile.attributes[f"_{name.upper()}"] for name in names], axis=1) for tile in tiles]
    )
    # Each point of `clouds.cloud` has facts of its own, so pairs are the same points.
    rows, found_rows = np.lexsort(facts.T), np.lexsort(found_facts.T)
    assert np.array_equal(facts[rows], found_facts[found_rows])
    assert np.linalg.norm(wanted[rows] - found[found_rows], axis=1).max() <= error + 1e-6


def town(count: int, side: int = 20_000, seed: int = 0) -> NDArray[np.int64]:
    """Return points of ground and flat roofs, in centimetres, in lines as a scanner flies."""
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, side, (2, count))
    order = np.argsort(y // (side // 10 + 1), kind="stable")
    x, y = x[order], y[order]
    z = 4000 + ((x // 3000 + y // 3000) % 3 == 0) * 800 + rng.integers(0, 10, count)
    return np.stack([x, y, z], axis=1)


def test_the_judges_find_nothing(tmp_path: Path) -> None:
    source = cloud("a.laz", town(30_000))
    result = build(tmp_path, [source], limits=Limits(leaf=2_000, stray=50))
    tileset = judge(tmp_path / "tileset.json")
    assert result.points_in == result.points_out == 30_000
    assert sum(len(p.positions) for content in tileset.contents for p in content.primitives) == 30_000
    assert result.tiles == tileset.tiles > 10


@pytest.mark.parametrize("compression", list(Compression))
def test_every_point_comes_back_once_with_all_that_is_known_of_it(tmp_path: Path, compression: Compression) -> None:
    sources = [cloud("a.laz", town(9_000)), cloud("b.laz", town(8_000, seed=1) + np.array([15_000, 0, 0]), seed=1)]
    result = build(tmp_path, sources, limits=SMALL, compression=compression)
    tiles = read_tiles(tmp_path / "tileset.json")
    assert_same_points(tiles, sources, result.position_error)
    assert max(tile.outside for tile in tiles) <= 1e-6


_NUMBERS = st.integers(-40_000, 40_000)
_PLACES = st.lists(
    st.one_of(
        st.tuples(_NUMBERS, _NUMBERS, _NUMBERS),
        st.tuples(st.integers(0, 3), st.integers(0, 3), st.just(0)),
        _NUMBERS.map(lambda number: (number, number, number)),
        st.just((7, 7, 7)),
    ),
    min_size=1,
    max_size=120,
)


@settings(max_examples=60, deadline=None)
@given(_PLACES, st.sampled_from([1, 2, 7, 50]), st.sampled_from([0, 1, 5]), st.integers(1, 60))
def test_any_small_cloud_comes_back(places: list[tuple[int, int, int]], leaf: int, stray: int, chunk: int) -> None:
    source = replace(cloud("a.laz", np.array(places)), chunk_points=chunk)
    with tempfile.TemporaryDirectory() as folder:
        result = _in_process(Path(folder), [source], Limits(leaf=leaf, stray=min(stray, leaf)))
        tiles = read_tiles(Path(folder) / "tileset.json")
        assert result.points_out == len(places)
        assert_same_points(tiles, [source], result.position_error)
        assert max(tile.outside for tile in tiles) <= 1e-6


def _in_process(folder: Path, sources: Sequence[Cloud], limits: Limits) -> PointsResult:
    return build(folder, sources, limits=limits)


def test_two_million_points_at_one_place(tmp_path: Path) -> None:
    source = cloud("a.laz", np.full((2_000_000, 3), 1234))
    result = build(tmp_path, [source])
    assert result.points_out == 2_000_000
    tiles = read_tiles(tmp_path / "tileset.json")
    assert sum(len(tile.ecef) for tile in tiles) == 2_000_000
    assert max(len(tile.ecef) for tile in tiles) <= 50_000
    assert max(tile.depth for tile in tiles) < 10


def test_geometric_error_is_the_spacing_and_points_are_evenly_spaced(tmp_path: Path) -> None:
    """Of a flat cloud each level shows one point of each cell of its grid, and none shows two."""
    xyz = town(200_000)
    xyz[:, 2] = 4000
    build(tmp_path, [cloud("a.laz", xyz)], limits=Limits(leaf=5_000, stray=50))
    tiles = read_tiles(tmp_path / "tileset.json")
    root = tiles[0]
    errors = {tile.depth: tile.geometric_error for tile in tiles if not tile.is_leaf}
    assert [errors[depth] / errors[0] for depth in sorted(errors)] == [0.5**depth for depth in sorted(errors)]
    assert {tile.geometric_error for tile in tiles if tile.is_leaf} == {0.0}
    # 200 m in a cube of 327.68 m: cells of 2.56 m, 79 a side that hold points.
    assert root.geometric_error == pytest.approx(2.56)
    assert 78 * 78 <= len(root.ecef) <= 80 * 80
    shown = way().from_ecef(root.ecef)
    corner = (shown[:, :2] < shown[:, :2].mean(axis=0)).all(axis=1)
    near = _nearest(shown[corner][:, :2])
    # 33 points to a cell, of which the one next to a spot is taken.
    assert np.median(near) > 0.75 * root.geometric_error
    assert near.min() > 0.5 * root.geometric_error
    assert near.max() < 1.3 * root.geometric_error


def _nearest(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each point's distance to its nearest neighbour."""
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    nearest: NDArray[np.float64] = distances.min(axis=1)
    return nearest


def test_a_hand_computed_place(tmp_path: Path) -> None:
    """PROJ with the official grid gives this height for this place, within the 6 mm of the region's surface."""
    lattice = Lattice((0.001, 0.001, 0.001), (343_000.0, 5_674_000.0, 40.0))
    source = replace(cloud("a.laz", np.zeros((1, 3), np.int32)), lattice=lattice)
    result = build(tmp_path, [source])
    (tile,) = read_tiles(tmp_path / "tileset.json")
    back = way().from_ecef(tile.ecef)[0]
    assert np.abs(back - [343_000.0, 5_674_000.0, 40.0]).max() <= 0.001 + result.position_error
    # ETRS89 / UTM 32N -> ECEF by PROJ's own steps; the height is the golden one of tests/zwilling/test_crs.py.
    x, y, z = 343_000.0, 5_674_000.0, 85.820
    golden = pyproj.Transformer.from_pipeline(
        "+proj=pipeline +step +inv +proj=utm +zone=32 +ellps=GRS80 +step +proj=cart +ellps=GRS80"
    ).transform(x, y, z)
    assert np.linalg.norm(tile.ecef[0] - golden) <= 0.007


def digest(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_order_of_files_and_jobs_do_not_show(tmp_path: Path) -> None:
    sources = [
        replace(cloud(f"{name}.laz", town(7_000, seed=seed) // 100 * 100, seed=seed), chunk_points=2_000)
        for seed, name in enumerate("abc")
    ]
    build(tmp_path / "1", sources, limits=SMALL)
    build(tmp_path / "2", sources[::-1], limits=SMALL, jobs=2)
    one, two = digest(tmp_path / "1"), digest(tmp_path / "2")
    assert one.keys() == two.keys()
    assert one == two
    assert not any(".scratch" in name for name in one)


def test_partitions_do_not_show(tmp_path: Path) -> None:
    """With the least memory the cloud is cut into partitions, whose coarse points make the nodes above."""
    side = 2**14  # a square that fills the octree's, so that no cell is nearly empty
    source = cloud("a.laz", town(260_000, side))
    limits = Limits(leaf=8_000, stray=200)
    cut = build(tmp_path / "cut", [source], memory=1, limits=limits)
    whole = build(tmp_path / "whole", [source], limits=limits)
    # Which point stands for a cell may differ, and so who yields to it: smaller cells are told apart more finely, and
    # what is above the partitions is worth more time.
    counts, others = ({tile.uri: tile.points for tile in made.tile_facts} for made in (cut, whole))
    assert counts.keys() == others.keys()
    assert all(abs(count - others[uri]) <= 0.15 * count for uri, count in counts.items())
    tiles = read_tiles(tmp_path / "cut" / "tileset.json")
    assert_same_points(tiles, [source], cut.position_error)
    assert max(tile.outside for tile in tiles) <= 1e-6
    judge(tmp_path / "cut" / "tileset.json")


def test_points_far_denser_than_the_head_says_are_cut_finer(tmp_path: Path) -> None:
    """One stray point far off makes cells of runs large; all others are in one of them, and 70,000 at one place."""
    rng = np.random.default_rng(5)
    dense = rng.integers(0, 3_000, (200_000, 3))
    xyz = np.concatenate([dense, np.full((70_000, 3), 1_500), [[2_000_000, 1_000_000, 0]]])
    source = replace(cloud("a.laz", xyz), chunk_points=90_000)
    limits = Limits(leaf=8_000, stray=200)
    result = build(tmp_path / "cut", [source], memory=1, limits=limits)
    tiles = read_tiles(tmp_path / "cut" / "tileset.json")
    assert_same_points(tiles, [source], result.position_error)
    assert max(tile.outside for tile in tiles) <= 1e-6
    assert max(len(tile.ecef) for tile in tiles) <= 16_000
    whole = build(tmp_path / "whole", [source], limits=limits)
    counts, others = (
        {tile.cell: tile.points for tile in made.tile_facts if tile.cell.depth < 10} for made in (result, whole)
    )
    assert counts.keys() == others.keys()
    assert all(abs(count - others[cell]) <= 0.15 * count for cell, count in counts.items())


@pytest.mark.parametrize(
    "odd",
    [
        {"stated": ((450_000.0, 5_270_000.0, 0.0), (550_000.0, 6_050_000.0, 9.0))},
        {"stated": ((343_000.0, 5_674_000.0, -2e6), (343_200.0, 5_674_200.0, 2e6))},
        {"lattice": Lattice((3e-9, 3e-9, 3e-9), NEUSS)},
        {"lattice": Lattice((0.001, 0.001, 0.001), (NEUSS[0] + 0.12345, *NEUSS[1:]))},
    ],
)
def test_an_odd_file_costs_the_others_no_accuracy(tmp_path: Path, odd: dict[str, Any]) -> None:
    millimetres = Lattice((0.001, 0.001, 0.001), NEUSS)
    crs = "EPSG:25832+ellipsoidal"  # which reaches as far as the first box
    good = [
        replace(cloud(f"{name}.laz", town(200, seed=seed), seed=seed), lattice=millimetres, crs=crs)
        for seed, name in enumerate("bc")
    ]
    bad = replace(cloud("a.laz", town(100, seed=2), seed=2), crs=crs, **{"lattice": millimetres, **odd})
    result = build(tmp_path, [bad, *good])
    assert result.points_out == 500
    assert not [issue for issue in result.issues if issue.code == "POINTS_GRID_DIFFERS" and issue.source != "a.laz"]


def test_many_points_where_the_crs_does_not_reach(tmp_path: Path) -> None:
    """As many as a damaged file has, all over the place; each asked for by itself took a tenth of a second."""
    xyz = town(20_000)
    rows = np.random.default_rng(1).choice(len(xyz), 8_000, replace=False)
    xyz[rows] = np.random.default_rng(2).integers(-(2**31), 2**31, (8_000, 3))
    xyz[rows, 0] = -(2**31)
    result = build(tmp_path, [cloud("a.laz", xyz)], limits=SMALL)
    assert (result.points_out, result.outside) == (12_000, 8_000)


def test_classes_are_dropped_and_counted(tmp_path: Path) -> None:
    source = cloud("a.laz", town(5_000))
    classes = source.columns["classification"]
    result = build(tmp_path, [source], drop_classes=frozenset({20, 24}), limits=SMALL)
    assert result.dropped == {20: int((classes == 20).sum()), 24: int((classes == 24).sum())}
    assert result.points_out == 5_000 - result.dropped[20] - result.dropped[24]
    tiles = read_tiles(tmp_path / "tileset.json")
    shown = np.concatenate([tile.attributes["_CLASSIFICATION"][:, 0] for tile in tiles])
    assert np.array_equal(np.sort(shown), np.sort(classes[(classes != 20) & (classes != 24)]))
    document = json.loads((tmp_path / "tileset.json").read_bytes())
    occurrences = document["statistics"]["classes"]["point"]["properties"]["CLASSIFICATION"]["occurrences"]
    assert occurrences["Boden"] == int((classes == 2).sum())
    assert sum(occurrences.values()) == result.points_out
    names = {value["value"]: value["name"] for value in document["schema"]["enums"]["Classification"]["values"]}
    assert names[24] == "Keller"
    assert json.loads((tmp_path / "schema.json").read_bytes()) == document["schema"]


def test_a_class_without_a_name_gets_one(tmp_path: Path) -> None:
    source = cloud("a.laz", town(100))
    source.columns["classification"][:] = 199
    result = build(tmp_path, [source])
    assert result.statistics.by_class() == {199: 100}
    judge(tmp_path / "tileset.json")


def test_files_on_other_grids_are_put_onto_one(tmp_path: Path) -> None:
    fine = Lattice((0.001, 0.001, 0.001), (343_000.5, 5_674_000.0, 10.0))
    odd = Lattice((0.01, 0.01, 0.01), (343_000.0037, 5_674_000.0, 0.0))
    sources = [
        cloud("a.laz", town(2_000)),
        replace(cloud("b.laz", town(2_000, seed=1), seed=1), lattice=fine),
        replace(cloud("c.laz", town(2_000, seed=2), seed=2), lattice=odd),
    ]
    result = build(tmp_path, sources, limits=SMALL)
    tiles = read_tiles(tmp_path / "tileset.json")
    assert_same_points(tiles, sources, result.position_error + 0.001)
    differing = [issue for issue in result.issues if issue.code == "POINTS_GRID_DIFFERS"]
    assert [issue.source for issue in differing] == ["c.laz"]
    assert "0.5 mm" in differing[0].message


def test_a_file_in_another_crs_goes_where_the_others_are(tmp_path: Path) -> None:
    main = cloud("a.laz", town(3_000))
    degrees = Lattice((1e-8, 1e-8, 0.001), (6.75, 51.19, 0.0))
    rng = np.random.default_rng(3)
    other = replace(
        cloud("b.laz", np.stack([*rng.integers(0, 100_000, (2, 1_000)), np.full(1_000, 90_000)], axis=1), seed=3),
        lattice=degrees,
        crs="EPSG:4979",
    )
    result = build(tmp_path, [main, other], limits=SMALL)
    assert result.crs == CRS
    assert [(issue.code, issue.source) for issue in result.issues if issue.source] == [("POINTS_OTHER_CRS", "b.laz")]
    tiles = read_tiles(tmp_path / "tileset.json")
    found = np.concatenate([tile.ecef for tile in tiles])
    wanted = np.concatenate([way().to_ecef(main.positions), way("EPSG:4979").to_ecef(other.positions)])
    near = np.abs(found[:, None, :] - wanted[None, ::97, :]).max(axis=2).min(axis=0)
    assert near.max() <= result.position_error + 0.01
    assert len(found) == 4_000


def test_columns_that_one_file_lacks_are_filled_and_told(tmp_path: Path) -> None:
    full, bare = cloud("a.laz", town(500)), cloud("b.laz", town(400, seed=1))
    bare = replace(bare, columns={})
    result = build(tmp_path, [full, bare])
    missing = {issue.message.split(";")[0] for issue in result.issues if issue.code == "POINTS_COLUMN_MISSING"}
    assert "1 of 2 files have no classification" in missing
    assert "1 of 2 files have no colours" in missing
    assert result.statistics.by_class()[0] == 400 + int((full.columns["classification"] == 0).sum())
    judge(tmp_path / "tileset.json")


def test_a_cloud_without_anything_but_places(tmp_path: Path) -> None:
    bare = replace(cloud("a.laz", town(500)), columns={})
    result = build(tmp_path, [bare])
    assert (result.has_colour, result.properties) == (False, ())
    (tile,) = read_tiles(tmp_path / "tileset.json")
    assert not tile.attributes
    judge(tmp_path / "tileset.json")


def test_points_where_the_crs_does_not_reach_are_left_out_and_told(tmp_path: Path) -> None:
    xyz = town(3_000)
    xyz[[5, 1_700]] = [-34_300_000, -567_400_000, 0]  # 0, 0 in the CRS: what garbage looks like
    source = cloud("a.laz", xyz)
    result = build(tmp_path, [source], limits=SMALL)
    assert (result.points_in, result.points_out, result.outside) == (3_000, 2_998, 2)
    (told,) = [issue for issue in result.issues if issue.code == "POINTS_OUTSIDE_AREA"]
    assert told.source == "a.laz"
    assert "2 of 3000 points" in told.message
    assert "(0.00, 0.00, 0.00)" in told.message


def test_all_points_outside_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EmptyGeometryError, match=r"a.laz: no point is left .*: 10 of 10 points lie where .* --crs"):
        build(tmp_path, [cloud("a.laz", np.full((10, 3), [-34_300_000, -567_400_000, 0]))])
    with pytest.raises(EmptyGeometryError):
        build(tmp_path, [])


def test_heads_that_lie_about_bounds_do_no_harm(tmp_path: Path) -> None:
    far = (1e300, float("nan"), 0.0)
    lies: list[tuple[tuple[float, float, float], tuple[float, float, float]]] = [
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
        (far, far),
        ((300_000.0, 5_600_000.0, -1e5), (700_000.0, 6_000_000.0, 1e5)),
        ((343_100.0, 5_674_100.0, 41.0), (343_100.5, 5_674_100.5, 41.0)),
    ]
    for number, stated in enumerate(lies):
        source = replace(cloud("a.laz", town(3_000)), stated=stated)
        result = build(tmp_path / str(number), [source], limits=SMALL)
        tiles = read_tiles(tmp_path / str(number) / "tileset.json")
        assert_same_points(tiles, [source], result.position_error)


@pytest.mark.parametrize("fails", ["error", "abort"])
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_file_that_cannot_be_read_costs_itself_alone(tmp_path: Path, fails: str, jobs: int) -> None:
    good = [replace(cloud(f"{name}.laz", town(3_000, seed=5)), chunk_points=500) for name in "ac"]
    bad = replace(cloud("b.laz", town(3_000, seed=6)), chunk_points=500, fails=fails)
    sources = [good[0], bad, good[1]]
    result = build(tmp_path / "on", sources, skip_unreadable=True, jobs=jobs, limits=SMALL)
    assert result.lost == ("b.laz",)
    assert result.points_out == 6_000
    (told,) = [issue for issue in result.issues if issue.code == "POINTS_FILE_LOST"]
    assert told.source == "b.laz"
    build(tmp_path / "without", good, limits=SMALL)
    assert digest(tmp_path / "on") == digest(tmp_path / "without")
    with pytest.raises(SourceError, match=r"^b\.laz: "):
        build(tmp_path / "stop", sources, jobs=jobs, limits=SMALL)


def test_a_kill_leaves_nothing_after_the_next_run(tmp_path: Path) -> None:
    """What a killed run had begun stands in the target's own unfinished folder, which the next run sweeps away."""
    program = (
        "import os, signal, pathlib\n"
        "from tests.tiler.points.clouds import cloud\n"
        "from tests.tiler.points.test_build import town, REGION\n"
        "from tiler.points.build import PointsOptions, tile_points\n"
        "from tiler.target import replacing\n"
        "def stop(stage, done, total):\n"
        "    if stage == 'write': os.kill(os.getpid(), signal.SIGKILL)\n"
        f"with replacing(pathlib.Path({str(tmp_path / 'out')!r})) as target:\n"
        "    tile_points([cloud('a.laz', town(3000))], target, REGION, PointsOptions(), stop)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[3], check=False)
    assert done.returncode == -9
    assert any(".scratch" in str(path) for path in tmp_path.rglob("*"))
    with replacing(tmp_path / "out") as target:
        tile_points([cloud("a.laz", town(3_000))], target, REGION, PointsOptions())
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert not (tmp_path / "out" / ".scratch").exists()


def test_colours_are_linear_and_8_bits_are_noticed(tmp_path: Path) -> None:
    source = cloud("a.laz", town(256))
    grey = np.arange(256, dtype=np.uint16)
    for of_8_bits, stored in ((True, grey), (False, grey * np.uint16(257))):
        columns = {**source.columns, "red": stored, "green": stored, "blue": stored, "intensity": grey}
        painted = replace(source, columns=columns, has_colours_of_8_bits=of_8_bits)
        build(tmp_path / str(of_8_bits), [painted])
        (tile,) = read_tiles(tmp_path / str(of_8_bits) / "tileset.json")
        red = dict(zip(tile.attributes["_INTENSITY"][:, 0].tolist(), tile.attributes["COLOR_0"].tolist(), strict=True))
        # sRGB 0, 128, 188, 255 are 0, 21.6 %, 50.3 % and all of the light.
        assert [red[number][0] for number in (0, 128, 188, 255)] == [0, 55, 128, 255]
        assert {tuple(colour[:3]) == (colour[0],) * 3 and colour[3] == 255 for colour in red.values()} == {True}


def test_large_trees_are_several_documents(tmp_path: Path) -> None:
    source = cloud("a.laz", town(20_000))
    result = build(tmp_path, [source], limits=SMALL, document_tiles=20)
    assert len(list(tmp_path.glob("tileset-*.json"))) > 3
    tiles = read_tiles(tmp_path / "tileset.json")
    assert len(tiles) == result.tiles
    assert_same_points(tiles, [source], result.position_error)
    assert max(tile.outside for tile in tiles) <= 1e-6


def test_memory_bounds_the_jobs() -> None:
    assert PointsOptions(jobs=64).processes < 10
    assert PointsOptions(jobs=64, memory=1).processes == 1
    assert PointsOptions(jobs=2).partition_points == PointsOptions(jobs=64).partition_points
