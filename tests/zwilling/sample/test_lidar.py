"""The laser points of the sample quarter, read by laspy and held against the plan behind it."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import laspy
import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from zwilling.errors import SettingsError
from zwilling.rasters import Rectangle
from zwilling.sample import write_points
from zwilling.sample.ground.drawing_up import survey_of, trees
from zwilling.sample.ground.town import town
from zwilling.sample.lidar.files import scan
from zwilling.sample.lidar.flight import ALTITUDE, BAND, pulses, strips
from zwilling.sample.solids import Surface
from zwilling.sample.terrain import RIVER_LEVEL, elevation, river_line

COUNT, SEED = 700, 1
# 200 m by 100 m on both sides of the line between two square kilometres, in the old town.
SEAM = Rectangle(343_900.0, 5_673_900.0, 344_100.0, 5_674_000.0)
NOISE = 0.025


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_points(tmp_path_factory.mktemp("points"), buildings=COUNT, seed=SEED, jobs=1, within=SEAM)


@pytest.fixture(scope="session")
def cloud(written: list[Path]) -> NDArray[np.void]:
    """All points with coordinates in metres and the fields that LAS packs."""
    parts = []
    for path in written:
        file: Any = laspy.read(path)
        fields = {
            name: np.asarray(file[name])
            for name in (
                "x", "y", "z", "intensity", "return_number", "number_of_returns", "classification", "scan_angle_rank",
                "point_source_id", "gps_time",
            )
        }  # fmt: skip
        part = np.empty(len(file.points), [(name, column.dtype) for name, column in fields.items()])
        for name, column in fields.items():
            part[name] = column
        parts.append(part)
    return np.concatenate(parts)


def places(points: NDArray[np.void]) -> shapely.STRtree:
    return shapely.STRtree(
        [shapely.Point(x, y) for x, y in zip(points["x"].tolist(), points["y"].tolist(), strict=True)]
    )


def of_class(cloud: NDArray[np.void], *kinds: int) -> NDArray[np.void]:
    chosen = cloud[np.isin(cloud["classification"], kinds)]
    assert len(chosen), kinds
    return chosen


# ---------------------------------------------------------------- the files


def test_files_are_those_of_nrw(written: list[Path]) -> None:
    assert [path.name for path in written] == ["3dm_32_343_5673_1_nw.laz", "3dm_32_344_5673_1_nw.laz"]
    assert {path.name for path in written[0].parent.iterdir()} == {"SYNTHETISCH.txt", *(p.name for p in written)}
    for path, west in zip(written, (343_900.0, 344_000.0), strict=True):
        with laspy.open(path) as file:
            head = file.header
            assert (str(head.version), head.point_format.id) == ("1.2", 1)
            assert head.scales.tolist() == [0.01] * 3
            assert head.parse_crs().to_epsg() == 25832
            assert west <= head.mins[0] < west + 1
            assert west + 99 < head.maxs[0] < west + 100
            assert head.mins[1] >= 5_673_900
            assert head.maxs[1] < 5_674_000
            points: Any = file.read()
        assert len(points) == head.point_count
        for axis, low, high in zip("xyz", head.mins, head.maxs, strict=True):
            assert (points[axis].min(), points[axis].max()) == pytest.approx((low, high))
        counted = [int((np.asarray(points.return_number) == n).sum()) for n in range(1, 6)]
        assert head.number_of_points_by_return[:5].tolist() == counted


def test_same_bytes_in_other_processes(written: list[Path], tmp_path: Path) -> None:
    script = (
        "import sys, pathlib\n"
        "from zwilling.rasters import Rectangle\n"
        "from zwilling.sample import write_points\n"
        "if __name__ == '__main__':\n"
        f"    write_points(pathlib.Path(sys.argv[1]), buildings={COUNT}, seed={SEED}, jobs=2, within={SEAM})\n"
    )
    program = tmp_path / "other.py"
    program.write_text(script)
    folder = tmp_path / "again"
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, program, folder], check=True, env=environment, timeout=200)
    for path in written:
        assert (folder / path.name).read_bytes() == path.read_bytes(), path.name


def test_a_point_is_the_same_whatever_area_is_asked_for(cloud: NDArray[np.void]) -> None:
    middle = Rectangle(343_960.0, 5_673_930.0, 344_040.0, 5_673_985.0)
    part = np.concatenate(list(scan(middle, COUNT, SEED)))
    x, y = np.rint(cloud["x"] * 100).astype(int), np.rint(cloud["y"] * 100).astype(int)
    inside = (x >= middle.west * 100) & (x < middle.east * 100) & (y >= middle.south * 100) & (y < middle.north * 100)
    fields = ["x", "y", "z", "intensity", "classification", "gps_time"]

    def rows(points: NDArray[np.void], scale: float) -> set[tuple[float, ...]]:
        columns = [np.rint(points[name] * (scale if name in "xyz" else 1)) for name in fields[:-1]]
        return set(zip(*(column.tolist() for column in columns), points["gps_time"].tolist(), strict=True))

    assert rows(part, 1) == rows(cloud[inside], 100)
    assert len(part) == inside.sum() > 20_000


def test_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="cannot write"):
        write_points(tmp_path / "file", buildings=20)


# ---------------------------------------------------------------- what was hit


def test_ground_is_the_terrain(cloud: NDArray[np.void]) -> None:
    ground = of_class(cloud, 2)
    off = ground["z"] - elevation(ground["x"], ground["y"])
    assert np.abs(off).max() < 6 * NOISE + 0.01
    assert off.std() == pytest.approx(NOISE, rel=0.1)
    assert abs(off.mean()) < 0.003


def test_no_ground_under_roofs(cloud: NDArray[np.void]) -> None:
    ground = of_class(cloud, 2)
    plans = [plan.buffer(-0.3) for b in town(COUNT, SEED).buildings for plan in b.draft.footprints]
    hits = shapely.STRtree(plans).query(shapely.points(ground["x"], ground["y"]), predicate="within")
    assert hits.shape[1] == 0


def test_roof_points_lie_on_roof_faces(cloud: NDArray[np.void]) -> None:
    """On single faces, away from their edges, where neighbours or the beam's width have a say."""
    frame = shapely.box(SEAM.west, SEAM.south, SEAM.east, SEAM.north)
    last = of_class(cloud, 20)
    tree = places(last)
    compared, misses = 0, 0
    for building in town(COUNT, SEED).buildings:
        if len(building.draft.parts) > 1 or not building.draft.footprints[0].within(frame):
            continue
        for face in building.draft.parts[0].faces:
            ring = np.array(face.rings[0])
            inner = shapely.Polygon(ring[:, :2], [[(x, y) for x, y, _ in r] for r in face.rings[1:]])
            inner = inner.buffer(-0.5)
            if face.surface is not Surface.ROOF or inner.is_empty:
                continue
            found = tree.query(inner, predicate="contains")
            # The plane through all corners by least squares: another way than the sample's.
            middle = ring[:, :2].mean(axis=0)
            fit, *_ = np.linalg.lstsq(np.column_stack([ring[:, :2] - middle, np.ones(len(ring))]), ring[:, 2])
            slope = float(np.hypot(fit[0], fit[1]))
            expected = building.ground + (np.column_stack([last["x"], last["y"]])[found] - middle) @ fit[:2] + fit[2]
            off = last["z"][found] - expected
            # Coordinates are cut to the centimetre, which a slope turns into height.
            is_crown = off > 0.5
            off = off[~is_crown]
            compared += len(off)
            misses += int((np.abs(off) > 5 * NOISE + 0.015 * (1 + slope)).sum())
    assert compared > 10_000
    assert misses == 0


def test_cars_stand_where_the_picture_has_them(cloud: NDArray[np.void]) -> None:
    frame = shapely.box(SEAM.west, SEAM.south, SEAM.east, SEAM.north)
    last = of_class(cloud, 20)
    tree = places(last)
    heights = []
    for body in survey_of(COUNT, SEED).scene.bodies:
        if body.height == 1.48:
            roof = shapely.Polygon(body.coords)
            if roof.within(frame):
                on = tree.query(roof.buffer(-0.3), predicate="contains")
                heights.append(last["z"][on] - elevation(last["x"][on], last["y"][on]))
    above = np.concatenate(heights)
    assert len(above) > 50
    assert np.median(above) == pytest.approx(1.48, abs=0.1)


def test_crowns_give_several_returns_and_let_some_light_through(cloud: NDArray[np.void]) -> None:
    frame = shapely.box(SEAM.west + 5, SEAM.south + 5, SEAM.east - 5, SEAM.north - 5)
    many = cloud[(cloud["number_of_returns"] > 1) & (cloud["classification"] == 1)]
    tree = places(many)
    ground = of_class(cloud, 2)
    below = places(ground)
    all_trees = [t for t in trees(COUNT, SEED) if shapely.Point(t.x, t.y).within(frame.buffer(20))]
    tall = [t for t in all_trees if t.radius > 2 and shapely.Point(t.x, t.y).within(frame)]
    assert len(tall) > 5
    for one in tall:
        crown = shapely.Point(one.x, one.y).buffer(one.radius)
        if any(crown.intersects(shapely.Point(t.x, t.y).buffer(t.radius)) for t in all_trees if t != one):
            continue
        hits = tree.query(crown.buffer(-0.3), predicate="contains")
        assert len(hits) > 5
        top = many["z"][hits].max() - elevation(np.array([one.x]), np.array([one.y]))[0]
        assert one.height * 0.6 < top < one.height + 0.1
    assert (
        sum(len(below.query(shapely.Point(t.x, t.y).buffer(t.radius * 0.7), predicate="contains")) for t in tall) > 50
    )


def test_water_is_sparse_and_level(tmp_path: Path) -> None:
    y = 5_673_900.0
    x = float(np.floor(river_line(np.array([y]))[0]))
    area = Rectangle(x - 60, y - 20, x + 60, y + 20)
    points = np.concatenate(list(scan(area, COUNT, SEED)))
    water = points[points["classification"] == 9]
    assert (water["z"] >= RIVER_LEVEL * 100 - 0.5).all()
    assert np.mean(np.abs(water["z"] - RIVER_LEVEL * 100) < 0.5) > 0.9, "but for the shore, where waves are drawn"
    assert water["z"].max() < RIVER_LEVEL * 100 + 15
    wet = np.abs(points["x"] / 100 - river_line(points["y"] / 100)) < 20
    measured = wet & np.isin(points["classification"], (2, 20))
    assert measured.sum() < 0.15 * wet.sum(), "but for the groynes"
    shore = points[points["classification"] == 26]
    assert len(shore) > 50
    dry = elevation(shore["x"] / 100, shore["y"] / 100)
    assert np.abs(shore["z"] / 100 - np.maximum(dry, RIVER_LEVEL)).max() < 0.006


# ---------------------------------------------------------------- pulses


def test_returns_of_a_pulse_are_whole_and_fall(cloud: NDArray[np.void]) -> None:
    """Away from the files' edges every pulse has all its returns, in order, with times that rise in each strip."""
    number, total = cloud["return_number"], cloud["number_of_returns"]
    assert number.min() == 1
    assert (number <= total).all()
    assert total.max() >= 4
    inner = (np.abs(cloud["x"] - 343_950) < 30) & (np.abs(cloud["y"] - 5_673_950) < 45)
    pulse: dict[float, list[tuple[int, int, float, int]]] = {}
    for point in cloud[inner & (cloud["point_source_id"] > 0)]:
        key = float(point["gps_time"])
        row = (int(point["return_number"]), int(point["number_of_returns"]), float(point["z"]))
        pulse.setdefault(key, []).append((*row, int(point["classification"])))
    partial = 0
    for returns in pulse.values():
        if len(returns) != returns[0][1]:
            partial += 1  # cut off by the frame
            continue
        assert [r[0] for r in returns] == list(range(1, len(returns) + 1))
        heights = [r[2] for r in returns]
        assert all(a - b > 0.6 for a, b in pairwise(heights))
        assert {r[3] for r in returns[:-1]} <= {1}
        assert returns[-1][3] in (2, 18, 20, 24)
    assert partial < 0.01 * len(pulse)
    for strip in np.unique(cloud["point_source_id"]):
        for half in (cloud["x"] < 344_000, cloud["x"] >= 344_000):
            assert (np.diff(cloud["gps_time"][half & (cloud["point_source_id"] == strip)]) >= 0).all()


def test_density_and_angle_are_a_flight_s(cloud: NDArray[np.void]) -> None:
    first = cloud[(cloud["return_number"] == 1) & (cloud["point_source_id"] > 0)]
    assert 4.5 < len(first) / 20_000 < 11
    assert np.abs(first["scan_angle_rank"]).max() <= 20
    for strip in strips(SEAM.west, SEAM.east):
        mine = first[first["point_source_id"] == strip.number]
        if len(mine):
            seen = np.degrees(np.arctan((mine["x"] - strip.easting) / (ALTITUDE - mine["z"])))
            side = 1 if strip.is_northward else -1
            assert np.abs(seen * side - mine["scan_angle_rank"]).max() < 1.2


def test_pulses_stay_in_their_band() -> None:
    for strip in strips(344_000.0, 344_400.0):
        sent = pulses(strip, 56_739, np.random.default_rng(1))
        assert sent.y.min() >= 56_739 * BAND
        assert sent.y.max() < 56_740 * BAND - 0.005
        assert (np.diff(sent.time) > 0).all()
