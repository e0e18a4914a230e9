"""Terrain for a globe, as a whole: read by CesiumJS and by quantized-mesh-tile."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from tests.judges.node_tools import run_script
from tests.tiler.terrain.quantized_ground import EAST, NORTH, ground, hills, square
from tests.tiler.terrain.test_quantized import STEPS, read
from tiler.terrain.ground import Ground
from tiler.terrain.quantized import Place
from tiler.terrain.quantized_sampling import Lattice, Span, sampled
from tiler.terrain.quantized_terrain import GlobeTerrain, max_error
from tiler.terrain.work import Worked, work
from tiler.workers import Workers
from zwilling.crs.plane import transformed
from zwilling.rasters import Pictures, Rectangle

# 400 m x 300 m and, beside its corner, 200 m x 200 m: an edge with a notch.
COVERS = (Rectangle(EAST, NORTH, EAST + 400, NORTH + 300), Rectangle(EAST + 400, NORTH + 200, EAST + 600, NORTH + 400))
FINEST = 17


def built(of: Ground, folder: Path, *, jobs: int = 1, previous: Path | None = None) -> Worked:
    """Build the terrain of a ground into a folder."""
    scratch = folder.with_name(folder.name + "-scratch")
    for place in (folder, scratch):
        place.mkdir(parents=True)
    with Workers(jobs) as workers:
        return work([GlobeTerrain.of(of)], of, folder, scratch, workers, code="1", previous=previous)


@pytest.fixture(scope="module")
def terrain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `terrain/` of the notched county."""
    folder = tmp_path_factory.mktemp("globe") / "version"
    built(ground(hills, COVERS), folder)
    return folder / "terrain"


def layer(terrain: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((terrain / "layer.json").read_text())
    return content


def tiles(terrain: Path) -> set[tuple[int, int, int]]:
    """Return level, x and y of each file."""
    return {(int(file.parts[-3]), int(file.parts[-2]), int(file.stem)) for file in terrain.glob("*/*/*.terrain")}


@cache
def vertices(terrain: Path, level: int, x: int, y: int) -> tuple[NDArray[np.int64], NDArray[np.float64], float]:
    """Return u and v, shape (n, 2), heights, and the size of half a step of these."""
    tile = read((terrain / f"{level}/{x}/{y}.terrain").read_bytes())
    low, high = tile.header["minimumHeight"], tile.header["maximumHeight"]
    return np.array([tile.u, tile.v]).T, low + np.array(tile.h) * (high - low) / STEPS, (high - low) / STEPS / 2


def edge(terrain: Path, tile: tuple[int, int, int], axis: int, at: int) -> tuple[NDArray[np.float64], float]:
    uv, heights, half = vertices(terrain, *tile)
    there = uv[:, axis] == at
    order = np.argsort(uv[there, 1 - axis])
    along = uv[there, 1 - axis][order]
    assert_array_equal(along, np.rint(np.arange(129) * STEPS / 128))
    return heights[there][order], half


def test_edges_of_neighbours_are_equal(terrain: Path) -> None:
    there = tiles(terrain)
    compared = 0
    for level, x, y in sorted(there):
        for axis, neighbour in ((0, (level, x + 1, y)), (1, (level, x, y + 1))):
            if neighbour in there:
                ours, half = edge(terrain, (level, x, y), axis, STEPS)
                theirs, other_half = edge(terrain, neighbour, axis, 0)
                assert np.abs(ours - theirs).max() <= half + other_half + 1e-6
                compared += 1
    assert compared > 50
    # The date line is an edge, too.
    west, half = edge(terrain, (0, 0, 0), 0, 0)
    east, other_half = edge(terrain, (0, 1, 0), 0, STEPS)
    assert np.abs(west - east).max() <= half + other_half + 1e-6


def test_available_is_what_is_there(terrain: Path) -> None:
    listed = [
        (level, x, y)
        for level, ranges in enumerate(layer(terrain)["available"])
        for part in ranges
        for x in range(part["startX"], part["endX"] + 1)
        for y in range(part["startY"], part["endY"] + 1)
    ]
    assert len(listed) == len(set(listed))
    assert set(listed) == tiles(terrain)
    assert {(0, 0, 0), (0, 1, 0)} <= set(listed)
    # Every tile stands on one that is there.
    assert all(level == 0 or (level - 1, x // 2, y // 2) in set(listed) for level, x, y in listed)


def test_finest_tiles_are_just_those_with_data(terrain: Path) -> None:
    lon, lat = _many_places(COVERS, 4000).T
    side = 180 / 2**FINEST
    wanted = {(FINEST, int(x), int(y)) for x, y in zip((lon + 180) // side, (lat + 90) // side, strict=True)}
    assert wanted == {tile for tile in tiles(terrain) if tile[0] == FINEST}


def test_the_layer_says_what_clients_need(terrain: Path) -> None:
    found = layer(terrain)
    assert {key: found[key] for key in ("format", "scheme", "projection", "extensions", "tilejson")} == {
        "format": "quantized-mesh-1.0",
        "scheme": "tms",
        "projection": "EPSG:4326",
        "extensions": ["octvertexnormals"],
        "tilejson": "2.1.0",
    }
    assert (found["minzoom"], found["maxzoom"]) == (0, FINEST)
    west, south, east, north = found["bounds"]
    lon, lat = _many_places(COVERS, 1000).T
    assert west <= lon.min() < lon.max() <= east
    assert south <= lat.min() < lat.max() <= north
    assert east - west < 0.01


@pytest.mark.node
def test_cesiumjs_finds_the_ground_within_the_stated_error(terrain: Path) -> None:
    degrees = _many_places(COVERS, 10_000)
    found = run_script("globe_terrain.mjs", terrain, text=json.dumps({"level": FINEST, "places": degrees.tolist()}))
    assert found["failed"] == []
    assert {tuple(tile) for tile in found["tiles"]} == tiles(terrain)
    assert found["has_normals"]
    x, y = transformed(degrees, "OGC:CRS84", "EPSG:25832").T
    nhn = hills(x, y)
    true = ground().georeference.to_geographic(np.stack([x, y, nhn], axis=1))[:, 2]
    error = np.abs(np.array(found["heights"], dtype=float) - true)
    # Between its points the grid itself is off by what the ground curves within a cell.
    assert error.max() < max_error(FINEST) + _curve_of_a_cell()
    assert np.median(error) < max_error(FINEST) / 3
    # Heights above NHN would be 46 m off here.
    assert (true - nhn).min() > 45


def _curve_of_a_cell() -> float:
    """Return how far the hills are from bilinear between points 1.2 m apart, at most: measured at the dyke."""
    u = np.linspace(EAST, EAST + 1000, 200_001)
    v = np.full_like(u, NORTH + 250.0)
    step = 240
    middle = hills(u[step // 2 : -step // 2], v[step // 2 : -step // 2])
    return float(2 * np.abs(middle - (hills(u[:-step], v[:-step]) + hills(u[step:], v[step:])) / 2).max())


def test_no_height_is_zero_or_that_of_a_gap(terrain: Path) -> None:
    """What cesium-terrain-builder writes from UTM (zeros) and beyond the data (nodata mixed into heights)."""
    x, y = np.concatenate(
        [
            np.stack(np.meshgrid(np.arange(c.west, c.east + 1), np.arange(c.south, c.north + 1)), axis=-1).reshape(
                -1, 2
            )
            for c in COVERS
        ]
    ).T
    heights = ground().georeference.to_geographic(np.stack([x, y, hills(x, y)], axis=1))[:, 2]
    for tile in tiles(terrain):
        _, found, _ = vertices(terrain, *tile)
        assert found.min() > heights.min() - 0.1
        assert found.max() < heights.max() + 0.1


def _holed(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.hypot(x - EAST - 150, y - NORTH - 150) < 40, np.nan, hills(x, y))


def test_nodata_within_the_data_is_closed_without_a_spike(tmp_path: Path) -> None:
    built(ground(_holed, (square(side=300.0),)), tmp_path / "version")
    for tile in tiles(tmp_path / "version" / "terrain"):
        _, found, _ = vertices(tmp_path / "version" / "terrain", *tile)
        assert 80 < found.min() < found.max() < 125


@pytest.mark.parametrize("resolution", [0.5, 2.0, 25.0])
def test_other_resolutions(resolution: float, tmp_path: Path) -> None:
    built(ground(hills, (square(side=300.0),), resolution), tmp_path / "version")
    found = layer(tmp_path / "version" / "terrain")
    cell = 180 / 2 ** found["maxzoom"] / 128 * 111319.5
    assert 2**-0.5 <= cell / resolution <= 2**0.5
    assert tiles(tmp_path / "version" / "terrain")


def test_a_plane_has_terrain_at_its_height(tmp_path: Path) -> None:
    pictures = cast(Pictures, ground().heights)
    of = dataclasses.replace(ground(), heights=None, pictures=pictures, plane=33.0)
    built(of, tmp_path / "version")
    terrain = tmp_path / "version" / "terrain"
    expected = of.georeference.to_geographic(np.array([[EAST + 500, NORTH + 500, 33.0]]))[0, 2]
    for tile in tiles(terrain):
        assert_allclose(vertices(terrain, *tile)[1], expected, atol=0.05)


def test_heights_between_knots_are_projs_own() -> None:
    """Within a millimetre: the way to the ellipsoid is asked at every 32nd point only."""
    of = ground(lambda x, y: 60 + (x - EAST) / 20 + (y - NORTH) / 30)
    assert of.heights is not None
    lattice = Lattice(17)
    rows, columns = lattice.numbers(np.array([[6.7741, 51.2007]]))
    span = Span(int(rows[0]), int(columns[0]), int(rows[0]) + 100, int(columns[0]) + 100)
    scratch = Path("/nonexistent")
    of = dataclasses.replace(of, heights=_Unguarded(of.heights))
    found = sampled(of, "EPSG:25832", (square(),), lattice, span, scratch)
    row, column = np.mgrid[span.row : span.row_end, span.column : span.column_end].astype(float)
    xy = transformed(lattice.degrees(row.ravel(), column.ravel()), "OGC:CRS84", "EPSG:25832")
    nhn = 60 + (xy[:, 0] - EAST) / 20 + (xy[:, 1] - NORTH) / 30
    true = of.georeference.to_geographic(np.column_stack([xy, nhn]))[:, 2]
    assert np.abs(found.ravel() - true).max() < 0.0002


class _Unguarded:
    """Heights that are read without having been decoded."""

    def __init__(self, sheets: Any) -> None:
        self._sheets = sheets

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sheets, name)

    def at(self, places: NDArray[np.float64], _scratch: Path) -> NDArray[np.float64]:
        return np.asarray(self._sheets.surface(*places.T))


def test_any_number_of_jobs_gives_the_same_bytes(terrain: Path, tmp_path: Path) -> None:
    built(ground(hills, COVERS), tmp_path / "version", jobs=2)
    assert _content(tmp_path / "version" / "terrain") == _content(terrain)


def test_a_changed_sheet_costs_its_surroundings_and_gives_what_a_new_build_gives(tmp_path: Path) -> None:
    covers = tuple(square(EAST + 1000 * column, NORTH) for column in range(5))
    before = built(ground(hills, covers), tmp_path / "before")
    of = ground(hills, covers)
    changed = dataclasses.replace(of, heights=_Changed(of.heights, 4))
    after = built(changed, tmp_path / "after", previous=tmp_path / "before")
    assert after.decoded == ("4.tif", "3.tif") or set(after.decoded) == {"3.tif", "4.tif"}
    assert 0 < after.fresh < before.fresh / 2
    built(changed, tmp_path / "anew")
    assert _content(tmp_path / "after" / "terrain") == _content(tmp_path / "anew" / "terrain")
    assert _content(tmp_path / "after" / "terrain") != _content(tmp_path / "before" / "terrain")


class _Changed:
    """Sheets of which one is three metres higher than it was."""

    def __init__(self, sheets: Any, number: int) -> None:
        self._sheets, self._number = sheets, number
        self.crs, self.resolution, self.issues = sheets.crs, sheets.resolution, ()
        self.files = tuple(
            dataclasses.replace(file, fingerprint="new") if n == number else file for n, file in enumerate(sheets.files)
        )
        self.decode, self.forget = sheets.decode, sheets.forget

    def at(self, places: NDArray[np.float64], scratch: Path) -> NDArray[np.float64]:
        heights = self._sheets.at(places, scratch)
        return np.asarray(heights + 3.0 * (places[:, 0] > self._sheets.covers[self._number].west))


def _content(terrain: Path) -> Mapping[str, bytes]:
    return {str(file.relative_to(terrain)): file.read_bytes() for file in sorted(terrain.rglob("*")) if file.is_file()}


def _many_places(covers: tuple[Rectangle, ...], count: int) -> NDArray[np.float64]:
    """Return longitudes and latitudes of random places within the covers, and a little off their rim."""
    generator = np.random.default_rng(7)
    areas = np.array([(c.east - c.west) * (c.north - c.south) for c in covers])
    parts = []
    for cover, share in zip(covers, areas / areas.sum(), strict=True):
        inside = generator.uniform(
            (cover.west + 0.1, cover.south + 0.1), (cover.east - 0.1, cover.north - 0.1), (round(count * share), 2)
        )
        parts.append(inside)
    return transformed(np.concatenate(parts), "EPSG:25832", "OGC:CRS84")


def test_a_tile_says_what_it_covers() -> None:
    assert Place.of_tile(0, 1, 0) == Place(0.0, -90.0, 180.0, 90.0)
    assert Place.of_tile(2, 3, 2) == Place(-45.0, 0.0, 0.0, 45.0)
