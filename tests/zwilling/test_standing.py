"""Whether buildings stand on the ground: offsets made by hand come out again, by id, and nothing is compared twice."""

from __future__ import annotations

import io
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner, Result
from numpy.typing import NDArray
from quantized_mesh_tile.terrain import TerrainTile
from rasterio.transform import from_origin

from tests.tiler.terrain.quantized_ground import EAST, NORTH, hills
from tiler.foundations import Foundations
from tiler.terrain.published import PublishedTerrain
from tiler.terrain.quantized import Grid, Place, encode
from tiler.terrain.relief import measure, triangulate
from zwilling.cli import main
from zwilling.errors import TilesetError
from zwilling.standing import figures

LEVEL, X, Y = 17, 135980, 102818
# The town's terrain, and how far above it each house stands.
WEST, SOUTH = 343900.0, 5673900.0
OFFSETS = {"A": 0.0, "B": 0.02, "lifted": 1.5, "D": -0.01, "sunk": -0.7, "F": 0.03, "G": 0.0, "H": -0.02}
SETTINGS = """
[[layer]]
id = "haeuser"
title = "Häuser"
sources = ["town.city.json"]
crs = "EPSG:25832+7837"

[[layer]]
id = "gelaende"
title = "Gelände"
kind = "ground"
heights = ["dgm1*.tif"]
"""


def corners(*rows: list[tuple[float, float, float]]) -> Foundations:
    row = [number for number, places in enumerate(rows) for _ in places]
    return Foundations(np.array(row), np.array([place for places in rows for place in places]))


def test_the_lowest_ground_is_held_against_the_lowest_terrain() -> None:
    """On a slope: terrain 10 and 12 below the first house, whose ground is level at 10.25; the second hangs."""
    houses = corners([(6, 51, 10.25), (6.1, 51, 10.25)], [(7, 52, 21.5), (7.1, 52, 22.0)], [(8, 53, 5.0)])
    found = figures(houses, ["slope", "hanging", "beside"], np.array([10.0, 12.0, 20.0, 20.5, np.nan]))
    assert (found["rows"], found["beside"]) == (2, 1)
    assert found["median"] == pytest.approx((0.25 + 1.5) / 2)
    assert found["absolute_p95"] == pytest.approx(0.25 + 0.95 * 1.25, abs=0.001)
    assert (found["above"], found["below"]) == (1, 0)
    assert [(one["id"], one["ground"], one["terrain"], one["difference"]) for one in found["worst"]] == [
        ("hanging", 21.5, 20.0, 1.5),
        ("slope", 10.25, 10.0, 0.25),
    ]
    assert (found["worst"][0]["lon"], found["worst"][0]["lat"]) == (7.0, 52.0)


def test_a_house_half_of_which_is_beside_the_terrain_is_not_compared() -> None:
    found = figures(corners([(6, 51, 10.0), (6.1, 51, 10.0)]), ["rim"], np.array([9.0, np.nan]))
    assert found == {"rows": 0, "beside": 1}


def test_the_ten_worst_are_named_and_no_more() -> None:
    houses = corners(*([(6.0, 51.0, float(height))] for height in range(15)))
    found = figures(houses, [f"H{number}" for number in range(15)], np.zeros(15))
    assert [one["id"] for one in found["worst"]] == [f"H{number}" for number in range(14, 4, -1)]


def test_foundations_come_back_as_they_were_written(tmp_path: Path) -> None:
    houses = Foundations(
        np.array([1, 1, 4]), np.array([[179.7, 51.2, 80.123], [-179.9, 51.1, -3.5], [-9.0, -70.0, 1.0]])
    )
    names = np.array(["", "Grünes Haus / Teil 1", "", "", "\udce4"], dtype=object)
    houses.write(tmp_path / "foundations.npz", names)
    found = Foundations.read(tmp_path / "foundations.npz")
    assert found is not None
    assert (found[0].row.tolist(), found[1]) == ([0, 0, 1], ["Grünes Haus / Teil 1", "\udce4"])
    np.testing.assert_allclose(found[0].places, houses.places, atol=1e-7)
    assert Foundations.read(tmp_path / "no.npz") is None
    (tmp_path / "foundations.npz").write_bytes(b"PK\x03\x04" + bytes(40))
    with pytest.raises(TilesetError, match="build the layer anew"):
        Foundations.read(tmp_path / "foundations.npz")


@pytest.fixture
def tile(tmp_path: Path) -> tuple[PublishedTerrain, Path, NDArray[np.float64]]:
    """A terrain of one tile, its file, and the grid of heights that it is made of."""
    place = Place.of_tile(LEVEL, X, Y)
    column, row = np.meshgrid(np.arange(129.0), np.arange(129.0))
    heights = 45.0 + hills(EAST + 1.2 * column, NORTH - 1.2 * row)
    flat = np.zeros_like(heights)
    mesh = triangulate(measure(heights[None]), 0.05)[0]
    file = tmp_path / f"terrain/{LEVEL}/{X}/{Y}.terrain"
    file.parent.mkdir(parents=True)
    file.write_bytes(encode(Grid(place, heights, flat, flat), mesh))
    (tmp_path / "terrain/layer.json").write_text(json.dumps({"maxzoom": LEVEL}), encoding="utf-8")
    terrain = PublishedTerrain.of(tmp_path)
    assert terrain is not None
    return terrain, file, heights


def test_published_terrain_is_read_as_another_reader_reads_it(
    tile: tuple[PublishedTerrain, Path, NDArray[np.float64]],
) -> None:
    terrain, file, _ = tile
    place = Place.of_tile(LEVEL, X, Y)
    other = TerrainTile(west=place.west, south=place.south, east=place.east, north=place.north)
    other.fromBytesIO(io.BytesIO(file.read_bytes()), hasLighting=True)
    vertices = np.array(other.getVerticesCoordinates())
    inner = vertices[(vertices[:, 0] < place.east - 1e-9) & (vertices[:, 1] < place.north - 1e-9)]
    assert len(inner) > 500
    np.testing.assert_allclose(terrain.heights_at(inner[:, :2]), inner[:, 2], atol=0.003)
    # Between vertices: the middle of any edge lies halfway between its ends.
    indices = np.array(other.indices).reshape(-1, 3)
    middles = (vertices[indices[:, 0]] + vertices[indices[:, 1]]) / 2
    middles = middles[(middles[:, 0] < place.east - 1e-9) & (middles[:, 1] < place.north - 1e-9)]
    np.testing.assert_allclose(terrain.heights_at(middles[:, :2]), middles[:, 2], atol=0.003)
    # Within triangles: their middles, too.
    middles = vertices[indices].mean(axis=1)
    np.testing.assert_allclose(terrain.heights_at(middles[:, :2]), middles[:, 2], atol=0.003)
    # At 10,000 places it is as true as it says.
    places = np.random.default_rng(5).uniform(1, 127, (10_000, 2))
    lon_lat = np.array([place.west, place.north]) + places * np.array([1, -1]) * (place.east - place.west) / 128
    column, row = places.T
    expected = 45.0 + hills(EAST + 1.2 * column, NORTH - 1.2 * row)
    assert np.abs(terrain.heights_at(lon_lat) - expected).max() < 0.05 + 0.15  # the mesh, and the grid between points


def test_where_there_is_no_tile_there_is_no_height(
    tile: tuple[PublishedTerrain, Path, NDArray[np.float64]],
) -> None:
    terrain, file, _ = tile
    assert np.isnan(terrain.heights_at(np.array([[0.0, 0.0], [180.0, 90.0]]))).all()
    assert len(terrain.heights_at(np.empty((0, 2)))) == 0
    file.write_bytes(file.read_bytes()[:2000])
    place = Place.of_tile(LEVEL, X, Y)
    with pytest.raises(TilesetError, match=r"102818\.terrain: is no terrain tile"):
        terrain.heights_at(np.array([[(place.west + place.east) / 2, (place.south + place.north) / 2]]))


def town(path: Path, offsets: dict[str, float]) -> None:
    """Write boxes of 8 x 8 m whose ground is so far above the terrain, which is 40 m everywhere."""
    vertices: list[list[int]] = []
    objects: dict[str, Any] = {}
    for number, (name, offset) in enumerate(offsets.items()):
        x, y, z = WEST + 20 + 20 * number, SOUTH + 50, 40 + offset
        first = len(vertices)
        ring = ((0, 0), (8, 0), (8, 8), (0, 8))
        vertices += [
            [round(1000 * (x + dx)), round(1000 * (y + dy)), round(1000 * (z + dz))] for dz in (0, 6) for dx, dy in ring
        ]
        walls = [[[a, b, b + 4, a + 4]] for a, b in pairwise([0, 1, 2, 3, 0])]
        shell = [[[3, 2, 1, 0]], [[4, 5, 6, 7]], *walls]
        objects[name] = {
            "type": "Building",
            "geometry": [
                {
                    "type": "MultiSurface",
                    "lod": "2.2",
                    "boundaries": [[[first + corner for corner in polygon[0]]] for polygon in shell],
                    "semantics": {
                        "surfaces": [{"type": "GroundSurface"}, {"type": "RoofSurface"}, {"type": "WallSurface"}],
                        "values": [0, 1, 2, 2, 2, 2],
                    },
                }
            ],
        }
    document = {
        "type": "CityJSON",
        "version": "1.1",
        "transform": {"scale": [0.001] * 3, "translate": [0, 0, 0]},
        "CityObjects": objects,
        "vertices": vertices,
    }
    path.write_text(json.dumps(document), encoding="utf-8")


def dgm(path: Path, height: float, side: int = 200) -> None:
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=side,
        height=200,
        count=1,
        dtype="float32",
        crs="EPSG:25832",
        transform=from_origin(WEST, SOUTH + 200, 1, 1),
    ) as file:
        file.write(np.full((200, side), height, np.float32), 1)


def build(folder: Path) -> Result:
    result = CliRunner().invoke(main, ["build", str(folder / "zwilling.toml"), "--jobs", "1"])
    assert result.exit_code == 0, result.output
    return result


def report_of(folder: Path) -> tuple[dict[str, Any], Path]:
    version = json.loads((folder / "data/layers/haeuser/layer.json").read_bytes())["version"]
    path = folder / "data/layers/haeuser" / version / "report.json"
    return json.loads(path.read_bytes()), path


# rasterio's own way of writing a position.
@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
def test_a_lifted_house_is_the_worst_and_nothing_is_compared_twice(tmp_path: Path) -> None:
    (tmp_path / "zwilling.toml").write_text(SETTINGS, encoding="utf-8")
    town(tmp_path / "town.city.json", OFFSETS)
    dgm(tmp_path / "dgm1_2023.tif", 40.0)
    said = build(tmp_path).stdout
    assert "Häuser on Gelände: 8 compared, median +0.00 m, 95% within 1.22 m, worst +1.50 m (lifted)" in said
    report, path = report_of(tmp_path)
    (check,) = report["standing"]
    assert (check["rows"], check["beside"], check["above"], check["below"]) == (8, 0, 1, 1)
    expected = sorted(OFFSETS.items(), key=lambda item: -abs(item[1]))
    assert [one["id"] for one in check["worst"][:2]] == ["lifted", "sunk"]
    found = {one["id"]: one["difference"] for one in check["worst"]}
    assert found == pytest.approx(dict(expected), abs=0.003)
    page = path.with_name("report.html").read_text(encoding="utf-8")
    _, _, page = page.partition("Stehen die Gebäude auf „Gelände“?")
    assert page.index(">lifted<") < page.index(">sunk<")

    before = path.stat().st_mtime_ns
    assert "compared" not in build(tmp_path).stdout
    assert path.stat().st_mtime_ns == before

    # The terrain is lowered by half a metre: the buildings' own tiles stay, their report is told.
    dgm(tmp_path / "dgm1_2023.tif", 39.5)
    said = build(tmp_path).stdout
    assert "Häuser: is up to date" in said
    assert "worst +2.00 m (lifted)" in said
    assert report_of(tmp_path)[0]["standing"][0]["median"] == pytest.approx(0.5, abs=0.003)
    assert not [one for one in path.parent.iterdir() if one.name.endswith(".part")]

    # A layer that is gone is no longer in the report.
    (tmp_path / "zwilling.toml").write_text(SETTINGS.split('[[layer]]\nid = "gelaende"', 1)[0], encoding="utf-8")
    build(tmp_path)
    assert report_of(tmp_path)[0]["standing"] == []


@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
def test_terrain_that_goes_on_beyond_its_data_proves_nothing(tmp_path: Path) -> None:
    """The terrain ends between the second and the third house; its tiles do not."""
    (tmp_path / "zwilling.toml").write_text(SETTINGS, encoding="utf-8")
    town(tmp_path / "town.city.json", OFFSETS)
    dgm(tmp_path / "dgm1_2023.tif", 40.0, side=52)
    build(tmp_path)
    (check,) = report_of(tmp_path)[0]["standing"]
    assert (check["rows"], check["beside"]) == (2, 6)
    assert {one["id"] for one in check["worst"]} == {"A", "B"}


@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
def test_ground_elsewhere_and_ground_for_no_globe_are_not_compared(tmp_path: Path) -> None:
    (tmp_path / "zwilling.toml").write_text(SETTINGS + "globe = false\n", encoding="utf-8")
    town(tmp_path / "town.city.json", OFFSETS)
    dgm(tmp_path / "dgm1_2023.tif", 40.0)
    assert "compared" not in build(tmp_path).stdout
    assert report_of(tmp_path)[0].get("standing", []) == []
