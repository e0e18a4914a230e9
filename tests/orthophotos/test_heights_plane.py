"""A plane cut into many files of many forms is a plane again: everywhere, and without a step where files meet."""

from __future__ import annotations

import pickle
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.orthophotos.terrain_files import NORTH, WEST, WRITERS, Grid, Writer, float32, surface, tiff, xyz
from zwilling.crs.plane import transformed


class Plane:
    """z = 60 + a * east + b * north from the corner, metres; centimetres at every centre."""

    def __init__(self, a: float, b: float) -> None:
        self.a, self.b = a, b

    def at(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(60 + self.a * (places[:, 0] - WEST) + self.b * (places[:, 1] - NORTH))

    def grid(self, west: float, north: float, cell: float, columns: int, rows: int) -> Grid:
        x, y = np.meshgrid(west + (np.arange(columns) + 0.5) * cell, north - (np.arange(rows) + 0.5) * cell)
        return self.at(np.stack((x.ravel(), y.ravel()), axis=1)).reshape(rows, columns)


@settings(max_examples=25, deadline=None)
@given(
    slopes=st.tuples(st.integers(-20, 20), st.integers(-20, 20)),
    cell=st.sampled_from([0.5, 1.0, 2.0]),
    columns=st.lists(st.integers(4, 12), min_size=1, max_size=3),
    rows=st.lists(st.integers(4, 12), min_size=1, max_size=3),
    writers=st.lists(st.sampled_from(WRITERS), min_size=9, max_size=9),
    shift=st.sampled_from([0.0, 0.5]),
)
def test_a_plane_in_many_files_is_exact_and_has_no_step(
    slopes: tuple[int, int],
    cell: float,
    columns: list[int],
    rows: list[int],
    writers: list[Writer],
    shift: float,
) -> None:
    plane = Plane(slopes[0] * 0.04, slopes[1] * 0.04)
    west, north = WEST + shift * cell, NORTH - shift * cell
    with TemporaryDirectory() as name:
        folder, paths = Path(name), []
        lefts, tops = np.cumsum([0, *columns]), np.cumsum([0, *rows])
        for i, width in enumerate(columns):
            for j, height in enumerate(rows):
                x, y = west + lefts[i] * cell, north - tops[j] * cell
                write = writers[i * 3 + j]
                paths.append(write(folder / f"tile_{i}_{j}", plane.grid(x, y, cell, width, height), x, y, cell))
        terrain, issues = surface(paths, folder)
        assert not [issue for issue in issues if issue.code not in ("HEIGHT_SYSTEM_ASSUMED", "HEIGHTS_CRS_ASSUMED")]
        assert (terrain.full_crs, terrain.resolution) == ("EPSG:25832+7837", cell)
        terrain = pickle.loads(pickle.dumps(terrain))  # noqa: S301  # our own, as workers get it
        east, south = west + lefts[-1] * cell, north - tops[-1] * cell
        half = cell / 2
        random = np.random.default_rng(1)
        places = random.uniform((west + half, south + half), (east - half, north - half), (2000, 2))
        np.testing.assert_allclose(terrain.at(places, folder), plane.at(places), rtol=0, atol=5e-5)
        # On both sides of each border, a millimetre apart.
        for border in lefts[1:-1] * cell + west:
            y = random.uniform(south + half, north - half, 200)
            sides = [terrain.at(np.stack((np.full(200, border + d), y), axis=1), folder) for d in (-0.0005, 0.0005)]
            np.testing.assert_allclose(sides[1] - sides[0], plane.a * 0.001, rtol=0, atol=5e-5)
        # Half a cell beyond the outermost centres the ground goes on level; one cell beyond, it ends.
        edge = np.array([[west, north - half], [west - 0.49 * cell, north - half], [west - 0.6 * cell, north - half]])
        first = plane.at(np.array([[west + half, north - half]]))[0]
        np.testing.assert_allclose(terrain.at(edge, folder), [first, first, np.nan], rtol=0, atol=5e-5)


@pytest.mark.parametrize(("cell", "crs"), [(2.0, "EPSG:25832"), (0.25, "EPSG:25832"), (1.0, "EPSG:25831")])
def test_another_grid_or_another_zone_beside_makes_no_step(tmp_path: Path, cell: float, crs: str) -> None:
    plane = Plane(0.2, -0.12)
    one = float32(tmp_path / "one", plane.grid(WEST, NORTH, 1.0, 40, 40), WEST, NORTH, 1.0)
    if crs == "EPSG:25832":
        beside = plane.grid(WEST + 40, NORTH, cell, int(40 / cell), int(40 / cell))
        two = float32(tmp_path / "two", beside, WEST + 40, NORTH, cell)
    else:  # zone 31 is turned against zone 32: a larger square that the newer file overlaps
        x, y = np.floor(transformed(np.array([[WEST + 60, NORTH - 20]]), "EPSG:25832", crs)[0])
        columns, rows = np.meshgrid(x + np.arange(-30, 30) + 0.5, y - np.arange(-30, 30) - 0.5)
        centres = transformed(np.stack((columns.ravel(), rows.ravel()), axis=1), crs, "EPSG:25832")
        two = tiff(tmp_path / "two.tif", plane.at(centres).reshape(60, 60), x - 30, y + 30, 1.0, crs=crs)
    places = np.random.default_rng(3).uniform((WEST + 1, NORTH - 38), (WEST + 78, NORTH - 2), (5000, 2))
    for number, paths in enumerate(([one, two], [two, one])):
        scratch = tmp_path / str(number)
        terrain, _ = surface(paths, scratch, into="EPSG:25832")
        np.testing.assert_allclose(terrain.at(places, scratch), plane.at(places), rtol=0, atol=1e-3)


def test_places_far_apart_are_read_in_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plane = Plane(0.04, 0.08)
    paths = [
        xyz(tmp_path / f"{i}", plane.grid(WEST + i * 50, NORTH, 1.0, 50, 50), WEST + i * 50, NORTH, 1.0)
        for i in range(4)
    ]
    terrain, _ = surface(paths, tmp_path)
    places = np.random.default_rng(5).uniform((WEST + 1, NORTH - 49), (WEST + 199, NORTH - 1), (1000, 2))
    whole = terrain.at(places, tmp_path)
    monkeypatch.setattr("orthophotos.heights_terrain._MOST_CELLS", 64)
    np.testing.assert_array_equal(terrain.at(places, tmp_path), whole)


def test_a_file_that_was_not_decoded_is_the_programmers_mistake(tmp_path: Path) -> None:
    plane = Plane(0.04, 0.08)
    paths = [float32(tmp_path / f"{i}", plane.grid(WEST + i * 9, NORTH, 1.0, 9, 9), WEST + i * 9, NORTH, 1.0)
             for i in range(2)]  # fmt: skip
    terrain, _ = surface(paths, tmp_path)
    terrain.forget(1, tmp_path)
    assert np.isfinite(terrain.at(np.array([[WEST + 4, NORTH - 4]]), tmp_path)).all()
    with pytest.raises(ValueError, match="has not been decoded"):
        terrain.at(np.array([[WEST + 4, NORTH - 4], [WEST + 14, NORTH - 4]]), tmp_path)
    terrain.forget(0, tmp_path)
    assert not list((tmp_path / "heights").iterdir())
