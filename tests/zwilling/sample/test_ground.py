"""Terrain and orthophoto of the sample quarter, read as anyone else would read them: rasterio, and plain arithmetic."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from numpy.typing import NDArray

from zwilling.errors import SettingsError
from zwilling.rasters import Rectangle, Window
from zwilling.sample import trees, write_ground
from zwilling.sample.ground import files
from zwilling.sample.ground.drawing_up import camera, square_kilometres
from zwilling.sample.ground.picture import drawn
from zwilling.sample.ground.roofs import cast
from zwilling.sample.ground.survey import Survey
from zwilling.sample.ground.town import town
from zwilling.sample.plan import LandUse, Street
from zwilling.sample.solids import RoofType, prism
from zwilling.sample.terrain import (
    CENTRE_E,
    CENTRE_N,
    DYKE_CREST,
    HIGHEST,
    LOWEST,
    RIVER_HALF_WIDTH,
    RIVER_LEVEL,
    dyke_line,
    elevation,
    river_line,
)

COUNT, SEED = 700, 1
# 200 m by 100 m on both sides of the line between two square kilometres, in the old town.
SEAM = Rectangle(343_900.0, 5_673_900.0, 344_100.0, 5_674_000.0)


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_ground(tmp_path_factory.mktemp("ground"), buildings=COUNT, seed=SEED, jobs=1, within=SEAM)


def at(x: float, y: float) -> float:
    return float(elevation(np.array([x]), np.array([y]))[0])


def photo(x: float, y: float, side: float = 4.0) -> NDArray[np.uint8]:
    """The picture of a small square around a place."""
    west, north = round((x - side / 2) / 0.4) * 0.4, round((y + side / 2) / 0.4) * 0.4
    pixels = math.ceil(side / 0.4) * 4
    return camera(COUNT, SEED).take(Window(west, north, 0.1, pixels, pixels))


def colour(x: float, y: float, side: float = 1.2) -> NDArray[np.float64]:
    """Its middle colour, which neither a marking nor a leaf spoils."""
    middle: NDArray[np.float64] = np.median(photo(x, y, side).reshape(-1, 4).astype(float), axis=0)
    return middle


# ---------------------------------------------------------------- the files


def test_names_are_those_of_nrw(written: list[Path]) -> None:
    assert [path.name for path in written] == [
        "dgm1_32_343_5673_1_nw_2025.tif",
        "dop10rgbi_32_343_5673_1_nw_2025.tif",
        "dgm1_32_344_5673_1_nw_2025.tif",
        "dop10rgbi_32_344_5673_1_nw_2025.tif",
    ]
    assert sorted(path.name for path in written[0].parent.iterdir()) == sorted(
        ["SYNTHETISCH.txt", *(path.name for path in written)]
    )


def test_terrain_file_is_a_dgm1_and_true_at_every_cell_centre(written: list[Path]) -> None:
    with rasterio.open(written[0]) as file:
        assert (file.dtypes, file.nodata, file.crs.to_epsg(), file.res) == (("float32",), -9999.0, 25832, (1.0, 1.0))
        heights = file.read(1)
        for row, column in ((0, 0), (99, 99), (3, 57), (70, 12)):
            x, y = file.xy(row, column)  # the cell's centre
            assert heights[row, column] == pytest.approx(at(x, y), abs=0.0051)
    assert heights.shape == (100, 100)


def test_a_whole_square_kilometre_has_a_thousand_cells_each_way() -> None:
    heights = files.cell_heights(Rectangle(344_000, 5_673_000, 345_000, 5_674_000))
    assert heights.shape == (1000, 1000)
    assert heights[0, 0] == pytest.approx(at(344_000.5, 5_673_999.5), abs=0.0051)
    assert heights[999, 999] == pytest.approx(at(344_999.5, 5_673_000.5), abs=0.0051)
    assert LOWEST <= heights.min() <= heights.max() <= HIGHEST


def test_picture_file_has_four_named_bands_of_ten_centimetres(written: list[Path]) -> None:
    with rasterio.open(written[1]) as file:
        assert (file.count, set(file.dtypes), file.crs.to_epsg()) == (4, {"uint8"}, 25832)
        assert file.res == pytest.approx((0.1, 0.1))
        assert file.descriptions == ("Rot", "Grün", "Blau", "Nahes Infrarot")
        assert file.colorinterp[:3] == tuple(rasterio.enums.ColorInterp[name] for name in ("red", "green", "blue"))
        assert (file.width, file.height) == (1000, 1000)
        assert "SYNTHETISCHE DATEN" in file.tags()["TIFFTAG_IMAGEDESCRIPTION"]
        stored = file.read().astype(int)
    taken = camera(COUNT, SEED).take(Window(343_900.0, 5_674_000.0, 0.1, 1000, 1000)).astype(int)
    assert np.abs(stored - np.moveaxis(taken, 2, 0)).mean() < 4, "JPEG's loss and no more"


def test_squares_are_those_that_buildings_touch() -> None:
    touched = {
        (math.floor(x / 1000), math.floor(y / 1000))
        for building in town(COUNT, SEED).buildings
        for plan in building.draft.footprints
        for x, y in shapely.get_coordinates(plan)
    }
    assert set(square_kilometres(COUNT, SEED)) == touched


def test_same_bytes_in_other_processes(written: list[Path], tmp_path: Path) -> None:
    script = (
        "import sys, pathlib\n"
        "from zwilling.rasters import Rectangle\n"
        "from zwilling.sample import write_ground\n"
        "if __name__ == '__main__':\n"
        f"    write_ground(pathlib.Path(sys.argv[1]), buildings={COUNT}, seed={SEED}, jobs=2, within={SEAM})\n"
    )
    program = tmp_path / "other.py"
    program.write_text(script)
    folder = tmp_path / "again"
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, program, folder], check=True, env=environment, timeout=200)
    for path in written:
        assert (folder / path.name).read_bytes() == path.read_bytes(), path.name


def test_margin_keeps_to_what_is_built(tmp_path: Path) -> None:
    paths = write_ground(tmp_path, buildings=20, jobs=1, margin=10.0)
    pieces = []
    for path in paths:
        with rasterio.open(path) as file:
            if file.count == 1:
                pieces.append(shapely.box(*file.bounds))
    plans = shapely.union_all([plan for b in town(20, 1).buildings for plan in b.draft.footprints])
    covered = shapely.union_all(pieces)
    assert covered.contains(plans.buffer(10.0))
    assert covered.area <= (plans.bounds[2] - plans.bounds[0] + 220) * (plans.bounds[3] - plans.bounds[1] + 220)


def test_folder_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "taken"
    path.write_text("here I am")
    with pytest.raises(SettingsError) as caught:
        write_ground(path, buildings=10)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("count", [0, 200_001])
def test_count_out_of_range_is_refused(tmp_path: Path, count: int) -> None:
    with pytest.raises(SettingsError, match="200000"):
        write_ground(tmp_path, buildings=count)
    assert list(tmp_path.iterdir()) == []


def test_nothing_half_written_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object, window: Window) -> NDArray[np.uint8]:
        raise KeyboardInterrupt

    monkeypatch.setattr("zwilling.sample.ground.picture.Camera.take", broken)
    with pytest.raises(KeyboardInterrupt):
        files.write_picture(tmp_path / "picture.tif", SEAM, COUNT, SEED)
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- the picture


def test_windows_meet_without_a_seam() -> None:
    """What two windows share is the same, across the line between square kilometres as well.

    PIL draws slanting edges in single precision, so a pixel of an edge may fall to the other side in another window.
    """
    eye = camera(COUNT, SEED)
    both = eye.take(Window(343_980.0, 5_674_020.0, 0.1, 400, 400)).astype(int)
    assert len(np.unique(both.reshape(-1, 4), axis=0)) > 5000, "no flat fill"
    for left, top in ((0, 0), (200, 0), (0, 200), (200, 200)):
        part = eye.take(Window(343_980.0 + left / 10, 5_674_020.0 - top / 10, 0.1, 200, 200)).astype(int)
        step = np.abs(part - both[top : top + 200, left : left + 200])
        assert (step > 1).mean() < 0.0005


def test_another_seed_is_another_picture() -> None:
    window = Window(344_040.0, 5_673_960.0, 0.1, 200, 200)
    assert (camera(60, 2).take(window) != camera(COUNT, SEED).take(window)).mean() > 0.5


def test_streets_are_grey() -> None:
    seen = []
    for street in (s for part in town(COUNT, SEED).districts for s in part.streets if s.width >= 13):
        for share in (0.15, 0.35, 0.55, 0.75):
            place = _beside_the_middle(street, share)
            is_clear = all(math.hypot(t.x - place.x, t.y - place.y) > t.radius + 1 for t in trees(COUNT, SEED))
            if is_clear and town(COUNT, SEED).built_land.contains(place):
                seen.append(colour(place.x, place.y))
    assert len(seen) >= 20
    reds, blues, infrareds = (np.array(seen)[:, band] for band in (0, 2, 3))
    assert float(np.median(np.abs(reds - blues))) < 14, "grey"
    assert 100 < float(np.percentile(reds, 75)) < 175, "in the sun"
    assert float(np.median(infrareds / reds)) < 1.15, "nothing grows there"


def _beside_the_middle(street: Street, share: float) -> shapely.Point:
    """A place on the carriageway beside its middle line, where a marking may be."""
    here, ahead = (street.line.interpolate(share + step, normalized=True) for step in (0.0, 0.01))
    length = here.distance(ahead)
    return shapely.Point(here.x - (ahead.y - here.y) / length * 1.6, here.y + (ahead.x - here.x) / length * 1.6)


def test_trees_are_green_and_bright_in_the_near_infrared() -> None:
    large = [tree for tree in trees(COUNT, SEED) if tree.radius > 4.0 and not tree.is_conifer][:60]
    assert len(large) == 60
    seen = np.array([colour(tree.x, tree.y) for tree in large])
    assert np.all(seen[:, 1] > seen[:, 2]), "greener than blue"
    assert float(np.median(seen[:, 3])) > 130
    assert float(np.median(seen[:, 3] / seen[:, 0])) > 1.7


def test_stream_and_river_are_dark_in_the_near_infrared() -> None:
    y = CENTRE_N + 120.0
    river = colour(float(river_line(np.array([y]))[0]), y)
    assert river[3] < 60
    assert river[1] < 120
    bank = colour(float(river_line(np.array([y]))[0]) - RIVER_HALF_WIDTH - 25.0, y)
    assert bank[3] > 120, "the foreshore is grass"


def test_roofs_are_lighter_towards_the_sun() -> None:
    """Of every gable roof the side that looks south is seen lighter than the one that looks north."""
    lighter: list[bool] = []
    for building in town(COUNT, SEED).buildings:
        for part in building.draft.parts:
            if part.roof_type is not RoofType.GABLE or len(lighter) >= 80:
                continue
            plan = part.footprint
            middle = plan.centroid
            x, y = middle.x, middle.y
            roofs = [np.array(face.rings[0]) for face in part.faces if face.surface.value == "Roof"]
            by_north = sorted(roofs, key=lambda ring: float(ring[:, 1].mean()))
            if len(roofs) != 2 or abs(by_north[1][:, 1].mean() - by_north[0][:, 1].mean()) < 4.0 or plan.area < 60:
                continue
            south, north = (colour(ring[:, 0].mean(), ring[:, 1].mean())[:3].sum() for ring in by_north)
            lighter.append(bool(south > north))
            assert plan.contains(shapely.Point(x, y))
    assert len(lighter) >= 40
    assert np.mean(lighter) > 0.85


def test_shadows_fall_to_the_north_north_west_as_long_as_buildings_are_high() -> None:
    """At 50 degrees of sun a wall of height h shades h / tan(50) of ground, on the side away from the sun."""
    survey = Survey(town(COUNT, SEED))
    solid = prism([(1000.0, 1000.0), (1020.0, 1000.0), (1020.0, 1010.0), (1000.0, 1010.0)], 12.0, RoofType.FLAT)
    cast(survey, solid)
    _, shadows = survey.scene.finished()
    window = Window(980.0, 1040.0, 0.1, 600, 600)
    seen = drawn(shadows, window, "L")
    length = 12.0 / math.tan(math.radians(50.0))
    away = (math.sin(math.radians(330.0)), math.cos(math.radians(330.0)))

    def is_dark(x: float, y: float) -> bool:
        return bool(seen[int((window.north - y) * 10), int((x - window.west) * 10)])

    for share, expected in ((0.05, True), (0.95, True), (1.05, False)):
        assert is_dark(1010.0 + away[0] * length * share, 1010.0 + away[1] * length * share) is expected
    assert not is_dark(1010.0, 999.0), "the sunny side"
    assert not is_dark(1021.0, 1005.0)
    # The building's own roof is lit once it is taken out of the shadow.
    survey.scene.lift(solid.footprint)
    _, shadows = survey.scene.finished()
    assert not drawn(shadows, window, "L")[350, 300]


# ---------------------------------------------------------------- the place


def test_buildings_stand_on_the_terrain_file() -> None:
    """A ground surface lies at the lowest terrain along the walls: the DGM says so to within its cells."""
    worst = 0.0
    for building in town(COUNT, SEED).buildings[::7]:
        rings = [plan.exterior for plan in building.draft.footprints]
        points = np.concatenate([shapely.get_coordinates(shapely.segmentize(ring, 1.0)) for ring in rings])
        west, south = np.floor(points.min(axis=0))
        east, north = np.ceil(points.max(axis=0)) + 1
        heights = files.cell_heights(Rectangle(west, south, east, north))
        rows, columns = (north - points[:, 1]).astype(int), (points[:, 0] - west).astype(int)
        worst = max(worst, abs(float(heights[rows, columns].min()) - building.ground))
    assert worst < 0.05, "cells of 1 m on slopes of a few per cent"


@pytest.mark.parametrize("seed", [5])
def test_no_building_and_no_street_reaches_the_dyke(seed: int) -> None:
    grown = town(4800, seed)
    for plan in grown.footprints.geometries:
        _, south, east, north = plan.bounds
        assert east < float(dyke_line(np.array([(south + north) / 2]))[0]) - 25.0
    for part in grown.districts:
        coords = shapely.get_coordinates(part.outline)
        assert np.all(coords[:, 0] < dyke_line(coords[:, 1]) - 25.0)


def test_dyke_stands_above_town_and_water_and_the_bed_below() -> None:
    y = np.arange(5_673_000.0, 5_675_000.0, 10.0)
    crest = elevation(dyke_line(y), y)
    np.testing.assert_allclose(crest, DYKE_CREST)
    assert np.all(crest - elevation(dyke_line(y) - 30.0, y) > 2.5)
    bed = elevation(river_line(y), y)
    assert np.all(bed < RIVER_LEVEL - 1.0)
    edge = elevation(river_line(y) - RIVER_HALF_WIDTH, y)
    np.testing.assert_allclose(edge, RIVER_LEVEL, atol=1e-9)
    # No wall anywhere: the steepest slope is the dyke's.
    x = np.arange(CENTRE_E + 600.0, CENTRE_E + 1000.0, 0.5)
    profile = elevation(x, np.full_like(x, CENTRE_N))
    assert np.abs(np.diff(profile) / 0.5).max() < 1 / 2.8 + 0.03


def test_trees_stand_clear_of_houses_and_are_the_same_every_time() -> None:
    planted = trees(COUNT, SEED)
    assert len(planted) > 2000
    assert len({(tree.x, tree.y) for tree in planted}) > 0.99 * len(planted)
    inside = town(COUNT, SEED).footprints.query([shapely.Point(t.x, t.y) for t in planted], predicate="within")
    assert inside.shape[1] == 0
    assert all(1.5 < tree.height <= 24 and 0.5 < tree.radius < 8 for tree in planted)
    assert planted == trees(COUNT, SEED)


def test_every_use_of_land_can_be_drawn() -> None:
    from zwilling.sample.ground.yards import _DRAWN

    assert set(_DRAWN) == set(LandUse)
