"""Features -> tileset, read back with libraries that know nothing of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import trimesh
from numpy.typing import NDArray

from tests.judges import buildings_in, judge
from tests.tiler.towns import CRS, DEPTH, EAVES, ORIGIN, RIDGE, TRIANGLES_PER_HOUSE, WIDTH, Town, houses
from tiler.buildings import TilingOptions, TilingResult, tile_features
from tiler.glb import Compression
from tiler.target import replacing
from zwilling.crs import Georeference, parse_crs
from zwilling.errors import EmptyGeometryError, UnknownCRSError
from zwilling.features import FeatureBatch, FeatureSource
from zwilling.region import load_region


def make(folder: Path, source: FeatureSource, **options: Any) -> TilingResult:
    with replacing(folder) as target:
        return tile_features([source], target, load_region(), TilingOptions(**options))


def tiles(folder: Path) -> Iterator[tuple[dict[str, Any], NDArray[np.float64]]]:
    """Yield each tile's JSON and the matrix of its frame to ECEF."""

    def visit(
        tile: dict[str, Any], parent: NDArray[np.float64]
    ) -> Iterator[tuple[dict[str, Any], NDArray[np.float64]]]:
        local = np.array(tile["transform"]).reshape(4, 4).T if "transform" in tile else np.eye(4)
        matrix = parent @ local
        yield tile, matrix
        for child in tile.get("children", []):
            yield from visit(child, matrix)

    yield from visit(json.loads((folder / "tileset.json").read_text())["root"], np.eye(4))


def meshes(folder: Path, tile: dict[str, Any]) -> list[trimesh.Trimesh]:
    """Return a tile's meshes with the node's matrix applied."""
    scene = trimesh.load_scene(folder / tile["content"]["uri"], process=False)
    return [mesh for mesh in scene.dump() if isinstance(mesh, trimesh.Trimesh)]


def ecef_vertices(folder: Path, tile: dict[str, Any], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the vertices of a tile in ECEF, by trimesh: glTF's y is up, the tile's z is."""
    points = np.concatenate([mesh.vertices for mesh in meshes(folder, tile)])
    z_up = np.stack([points[:, 0], -points[:, 2], points[:, 1]], axis=1)
    return z_up @ matrix[:3, :3].T + matrix[:3, 3]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TilingResult]:
    folder = tmp_path_factory.mktemp("town") / "tileset"
    return folder, make(folder, Town(30, 20), tile_bytes=20_000, compression=Compression.NONE)


def test_every_house_is_in_exactly_one_leaf_with_all_its_triangles(town: tuple[Path, TilingResult]) -> None:
    folder, result = town
    assert (result.features_in, result.features_out) == (600, 600)
    triangles = 0
    for tile, _ in tiles(folder):
        if "children" not in tile:
            triangles += sum(len(mesh.faces) for mesh in meshes(folder, tile))
    assert triangles == 600 * TRIANGLES_PER_HOUSE == result.triangles
    assert {location.id for location in result.locations} == {f"DENW05AL{i:08d}" for i in range(600)}


def test_vertices_are_where_the_source_has_them(town: tuple[Path, TilingResult]) -> None:
    """Back to UTM and DHHN2016, each corner of each house is found again within 2 mm (float32 in the tile's frame)."""
    folder, _ = town
    back = Georeference.create(parse_crs(CRS), load_region())
    found = [
        back.from_ecef(ecef_vertices(folder, tile, matrix)) for tile, matrix in tiles(folder) if "children" not in tile
    ]
    spots = np.concatenate(found)
    expected = np.concatenate([batch.positions for batch in Town(30, 20).batches()])
    assert set(map(tuple, np.round(spots, 2).tolist())) == set(map(tuple, np.round(expected, 2).tolist()))
    worst = max(np.abs(spots - np.round(spots)).max(), 0.0)
    assert worst < 0.002


def test_heights_are_ellipsoidal(town: tuple[Path, TilingResult]) -> None:
    """The golden height: 40 m NHN at (343000, 5674000) is 85.820 m above the ellipsoid."""
    folder, _ = town
    to_geographic = pyproj.Transformer.from_crs(4978, 4979, always_xy=True)
    spots = np.concatenate([ecef_vertices(folder, tile, matrix) for tile, matrix in tiles(folder)])
    lowest = float(np.min(to_geographic.transform(spots[:, 0], spots[:, 1], spots[:, 2])[2]))
    assert lowest == pytest.approx(85.82, abs=0.05)


def test_every_vertex_lies_in_the_boxes_of_its_tile_and_of_all_ancestors(town: tuple[Path, TilingResult]) -> None:
    folder, _ = town

    def visit(tile: dict[str, Any], parent: NDArray[np.float64], boxes: list[tuple[Any, Any]]) -> int:
        matrix = parent @ (np.array(tile["transform"]).reshape(4, 4).T if "transform" in tile else np.eye(4))
        chain = [*boxes, (matrix, np.array(tile["boundingVolume"]["box"]))]
        points = ecef_vertices(folder, tile, matrix)
        for frame, box in chain:
            local = (points - frame[:3, 3]) @ np.linalg.inv(frame[:3, :3]).T - box[:3]
            half = box[3:].reshape(3, 3)
            assert (np.abs(local @ (half / (half**2).sum(axis=1, keepdims=True)).T) <= 1.0).all()
        return 1 + sum(visit(child, matrix, chain) for child in tile.get("children", []))

    root = json.loads((folder / "tileset.json").read_text())["root"]
    assert visit(root, np.eye(4), []) == town[1].tiles > 10


def test_errors_fall_towards_the_leaves_and_state_what_was_measured(town: tuple[Path, TilingResult]) -> None:
    folder, _ = town

    def visit(tile: dict[str, Any]) -> None:
        for child in tile.get("children", []):
            assert child["geometricError"] <= tile["geometricError"]
            visit(child)
        if "children" not in tile:
            assert tile["geometricError"] == 0.0
        else:
            assert tile["geometricError"] >= (RIDGE - EAVES) / 2

    document = json.loads((folder / "tileset.json").read_text())
    visit(document["root"])
    diagonal = (WIDTH**2 + DEPTH**2 + RIDGE**2) ** 0.5
    assert document["geometricError"] == pytest.approx(diagonal, rel=0.1)


@pytest.mark.node
@pytest.mark.parametrize("compression", list(Compression))
def test_every_judge_is_content(tmp_path: Path, compression: Compression) -> None:
    make(tmp_path / "town", Town(30, 20), tile_bytes=20_000, compression=compression)
    judge(tmp_path / "town" / "tileset.json")
    assert buildings_in(tmp_path / "town" / "tileset.json") == {f"DENW05AL{i:08d}" for i in range(600)}


def test_the_same_input_gives_the_same_bytes_with_any_number_of_jobs(tmp_path: Path) -> None:
    sources = [Town(12, 10), Town(9, 8), Town(3, 4)]  # their ids repeat
    runs = {"a": 1, "b": 1, "c": 2, "d": 3}
    for name, jobs in runs.items():
        with replacing(tmp_path / name) as target:
            tile_features(sources, target, load_region(), TilingOptions(tile_bytes=30_000, jobs=jobs))
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert len(files) > 3
    for name in runs:
        assert sorted(p.relative_to(tmp_path / name) for p in (tmp_path / name).rglob("*") if p.is_file()) == files
        for file in files:
            assert (tmp_path / "a" / file).read_bytes() == (tmp_path / name / file).read_bytes()


def test_a_single_house_is_a_tileset_of_one_tile(tmp_path: Path) -> None:
    result = make(tmp_path / "one", Town(1, 1))
    assert result.tiles == 1
    document = json.loads((tmp_path / "one" / "tileset.json").read_text())
    assert document["root"]["geometricError"] == 0.0
    assert document["geometricError"] > 0.0


def test_large_tiles_keep_a_centimetre(tmp_path: Path) -> None:
    """Two houses 30 km apart in one tile: 16 bits would be 0.5 m coarse, so positions are stored as floats."""

    class Far:
        name = "far.gml"

        def batches(self) -> Iterator[FeatureBatch]:
            yield houses([(0.0, 0.0), (20_000.0, -10_000.0)])

    make(tmp_path / "far", Far(), tile_bytes=10_000_000)
    glb = (tmp_path / "far" / "tiles" / "r.glb").read_bytes()
    document = json.loads(glb[20 : 20 + int.from_bytes(glb[12:16], "little")])
    position = document["meshes"][0]["primitives"][0]["attributes"]["POSITION"]
    assert document["accessors"][position]["componentType"] == 5126
    assert "scale" not in document["nodes"][0]


def test_nothing_to_draw_is_an_error(tmp_path: Path) -> None:
    class Empty:
        name = "empty.gml"

        def batches(self) -> Iterator[FeatureBatch]:
            yield replace(houses([]), features_in=3, positions=np.empty((0, 3)), triangles=np.empty((0, 3), np.uint32))

    with pytest.raises(EmptyGeometryError, match="no building that can be drawn"):
        make(tmp_path / "none", Empty())
    assert list(tmp_path.iterdir()) == []


def test_ground_follows_what_buildings_stand_on(town: tuple[Path, TilingResult]) -> None:
    _, result = town
    assert result.ground is not None
    assert ORIGIN[2] + 45.0 < result.ground.heights.min() <= result.ground.heights.max() < ORIGIN[2] + 46.5
    assert result.ground.west < result.extent.west < result.extent.east < result.ground.east
    assert result.ground.south < result.extent.south < result.extent.north < result.ground.north


def test_buildings_outside_the_county_are_counted_in_a_finding(tmp_path: Path) -> None:
    class Stray:
        name = "stray.gml"

        def batches(self) -> Iterator[FeatureBatch]:
            yield houses([(0.0, 0.0), (20_000.0, -10_000.0), (20_030.0, -10_000.0)])

    region = replace(load_region(), bbox_deg=(6.7, 51.15, 6.8, 51.25))
    with replacing(tmp_path / "stray") as target:
        result = tile_features([Stray()], target, region, TilingOptions())
    (finding,) = [issue for issue in result.issues if issue.code == "OUTSIDE_REGION"]
    assert finding.message.startswith("2 buildings lie outside Rhein-Kreis Neuss")
    assert result.features_out == 3


def test_a_height_that_cannot_be_converted_names_the_file(tmp_path: Path) -> None:
    class Elsewhere:
        name = "hamburg.gml"

        def batches(self) -> Iterator[FeatureBatch]:
            batch = houses([(0.0, 0.0)])
            yield replace(batch, positions=batch.positions + np.array([220_000.0, 250_000.0, 0.0]))

    with pytest.raises(UnknownCRSError, match=r"hamburg\.gml"):
        make(tmp_path / "out", Elsewhere())


@pytest.mark.node
def test_a_large_tree_is_linked_documents_and_every_judge_follows(tmp_path: Path) -> None:
    result = make(tmp_path / "town", Town(30, 20), tile_bytes=20_000, document_tiles=6)
    documents = {path.name for path in (tmp_path / "town").glob("*.json")}
    assert len(documents) > 2
    tileset = judge(tmp_path / "town" / "tileset.json")
    assert buildings_in(tmp_path / "town" / "tileset.json") == {location.id for location in result.locations}
    assert len(tileset.contents) == result.tiles
    for name in documents:
        text = (tmp_path / "town" / name).read_text(encoding="utf-8")
        assert text.count('"uri":"tiles/') <= 6


def test_an_id_that_stands_in_two_sources_stays_findable_in_both(tmp_path: Path) -> None:
    with replacing(tmp_path / "out") as target:
        result = tile_features([Town(2, 1), Town(2, 1, "again.gml")], target, load_region(), TilingOptions())
    assert [location.id for location in result.locations] == [
        "DENW05AL00000000",
        "DENW05AL00000001",
        "DENW05AL00000000~2",
        "DENW05AL00000001~2",
    ]
    assert buildings_in(tmp_path / "out" / "tileset.json") == {location.id for location in result.locations}
    assert [issue.code for issue in result.issues if issue.code == "DUPLICATE_ID"] == ["DUPLICATE_ID"] * 2


def test_statistics_are_those_of_all_rows(tmp_path: Path) -> None:
    make(tmp_path / "town", Town(12, 10))
    document = json.loads((tmp_path / "town" / "tileset.json").read_text())
    found = document["statistics"]["classes"]["building"]
    assert found["count"] == 120
    assert found["properties"]["measured_height"] == {"min": RIDGE, "max": RIDGE}
    assert found["properties"]["storeys_above_ground"] == {"min": 2.0, "max": 2.0}
    texts = found["properties"]["id"]["extras"]["occurrences"]
    assert len(texts) == 120
    assert set(texts.values()) == {1}
    assert document["schema"]["classes"]["building"]["properties"]["measured_height"]["name"] == "Gebäudehöhe"


@pytest.mark.node
@pytest.mark.parametrize("compression", list(Compression))
def test_outlines_are_the_edges_between_surfaces(tmp_path: Path, compression: Compression) -> None:
    make(tmp_path / "town", Town(3, 1), has_outlines=True, compression=compression)
    judge(tmp_path / "town" / "tileset.json")
    glb = (tmp_path / "town" / "tiles" / "r.glb").read_bytes()
    document = json.loads(glb[20 : 20 + int.from_bytes(glb[12:16], "little")])
    lines = [
        document["accessors"][primitive["extensions"]["CESIUM_primitive_outline"]["indices"]]["count"] // 2
        for primitive in document["meshes"][0]["primitives"]
    ]
    # roof: two quads; walls: two quads and two pentagons; ground: one quad
    assert lines == [3 * 8, 3 * 18, 3 * 4]
