"""The ground as 3D Tiles, from mosaics in memory: judged, read back by others, and held against its sources."""

from __future__ import annotations

import io
import json
import pickle
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from PIL import Image

from tests.judges import judge
from tests.tiler.terrain.mosaics import (
    CRS,
    SOUTH,
    WEST,
    FakeHeights,
    FakePictures,
    fields,
    ground,
    hills,
    square,
)
from tiler.glb import Compression
from tiler.target import replacing
from tiler.terrain.build import GroundOptions, GroundResult, tile_ground
from tiler.terrain.ground import Ground
from tiler.terrain.texture import BARE, extract
from zwilling.crs import Georeference, parse_crs
from zwilling.errors import EmptyGeometryError, UnknownCRSError
from zwilling.issues import Issue
from zwilling.rasters import Rectangle
from zwilling.region import load_region

PICTURES = FakePictures((square(0, 0, 300), square(300, 0, 300)), (fields, fields), resolution=0.25)
HEIGHTS = FakeHeights((square(-50, -50, 700),))
GEOREFERENCE = Georeference.create(parse_crs(f"{CRS}+7837"), load_region())


def build(source: Ground, folder: Path, *, previous: Path | None = None, jobs: int = 1, **options: Any) -> GroundResult:
    with replacing(folder) as target:
        return tile_ground(source, target, GroundOptions(jobs=jobs, **options), previous=previous)


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".units")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, GroundResult]:
    folder = tmp_path_factory.mktemp("ground") / "out"
    return folder, build(ground(PICTURES, HEIGHTS), folder, copyright_lines=("© Test",))


def in_grid(ecef: NDArray[np.float64], georeference: Georeference = GEOREFERENCE) -> NDArray[np.float64]:
    """Return easting, northing and height of a reader's vertices."""
    return georeference.from_ecef(ecef)


def places_on(triangles: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the height of a mesh of triangles, shape (t, 3, 3), at places, shape (n, 2); NaN beside it."""
    tree = shapely.STRtree(np.asarray(shapely.polygons(triangles[..., :2])))
    place, triangle = tree.query(shapely.points(places), predicate="intersects")
    a, b, c = (triangles[triangle, corner] for corner in range(3))
    to_b, to_c, to_place = b - a, c - a, places[place] - a[:, :2]
    area = to_b[:, 0] * to_c[:, 1] - to_c[:, 0] * to_b[:, 1]
    share_b = (to_place[:, 0] * to_c[:, 1] - to_c[:, 0] * to_place[:, 1]) / area
    share_c = (to_b[:, 0] * to_place[:, 1] - to_place[:, 0] * to_b[:, 1]) / area
    heights = np.full(len(places), np.nan)
    heights[place] = a[:, 2] + share_b * to_b[:, 2] + share_c * to_c[:, 2]
    return heights


def flat_triangles(primitive: Any, georeference: Georeference = GEOREFERENCE) -> NDArray[np.float64]:
    """Return the corners of all triangles but those of skirts, in the grid CRS, shape (t, 3, 3)."""
    corners = in_grid(primitive.positions, georeference)[primitive.triangles]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return np.asarray(corners[np.abs(across[:, 2]) > 0.05 * np.linalg.norm(across, axis=1)])


def test_judges_find_nothing(built: tuple[Path, GroundResult]) -> None:
    folder, result = built
    tileset = judge(folder / "tileset.json")
    assert tileset.tiles == len(tileset.contents) + (result.levels[-1].tiles > 1)
    assert len(tileset.contents) == result.tiles == len(list((folder / "tiles").rglob("*.glb")))
    assert result.size == sum(path.stat().st_size for path in (folder / "tiles").rglob("*.glb"))
    assert result.triangles == sum(len(p.triangles) for content in tileset.contents for p in content.primitives)
    assert not (folder / ".scratch").exists()
    assert "© Test" in json.loads((folder / "tileset.json").read_bytes())["asset"]["extras"]["copyright"]


def test_the_ground_is_not_left_out_when_it_is_small_on_the_screen(built: tuple[Path, GroundResult]) -> None:
    folder, _ = built
    document = json.loads((folder / "tileset.json").read_bytes())
    # At 16 pixels, CesiumJS' default, and 1,000 pixels in 60 degrees of view, what is 600 m wide goes at 30 km.
    assert document["geometricError"] >= 600
    # A root of several trees shows nothing itself: it must be refined wherever it is seen at all.
    assert "content" not in document["root"]
    assert document["root"]["geometricError"] >= 600


def test_heights_are_within_the_stated_error_at_random_places(built: tuple[Path, GroundResult]) -> None:
    folder, result = built
    stated = {tile.uri: tile.vertical_error for tile in result.tile_facts}
    random = np.random.default_rng(7)
    places = np.column_stack([WEST + random.uniform(-50, 650, 10_000), SOUTH + random.uniform(-50, 650, 10_000)])
    true = hills(*places.T)
    for level in range(3):
        found = np.full(len(places), np.nan)
        for content in judge_free(folder):
            if not content.uri.startswith(f"tiles/{level}/"):
                continue
            (primitive,) = content.primitives
            heights = places_on(flat_triangles(primitive), places)
            here = np.isfinite(heights)
            off = np.abs(heights - true)[here]
            # Between the points where it was measured the terrain may be a little farther off.
            assert off.max(initial=0) <= stated[content.uri] * 1.1 + 0.01, content.uri
            found[here] = heights[here]
        # The outermost metre is where terrain at whole cells ends.
        inner = ((places > (WEST - 47, SOUTH - 47)) & (places < (WEST + 647, SOUTH + 647))).all(axis=1)
        assert np.isfinite(found[inner]).all(), f"level {level} has no gap"
    medians = [facts.vertical_error_median for facts in result.levels]
    assert medians[0] < 0.25
    assert medians == sorted(medians)


_READ: dict[Path, Sequence[Any]] = {}


def judge_free(folder: Path) -> Sequence[Any]:
    """Return the contents as 3d-tiles-tools reads them; they are read once."""
    from tests.judges import read_tileset

    if folder not in _READ:
        _READ[folder] = read_tileset(folder / "tileset.json").contents
    return _READ[folder]


def test_borders_of_neighbours_are_equal(built: tuple[Path, GroundResult]) -> None:
    folder, result = built
    by_place = {tile.place: tile for tile in result.tile_facts}
    contents_by_uri = {content.uri: content for content in judge_free(folder)}
    compared = 0
    for (level, column, row), tile in by_place.items():
        for other in (by_place.get((level, column + 1, row)), by_place.get((level, column, row + 1))):
            if other is None:
                continue
            axis = 0 if other.place[1] > column else 1
            side = 256.0 * 2**level
            line = (column + 1, row + 1)[axis] * side
            own = border(contents_by_uri[tile.uri], axis, line, 2.0**level)
            beside = border(contents_by_uri[other.uri], axis, line, 2.0**level)
            assert len(own) == len(beside) > 1
            # 16-bit steps of both tiles, and nothing else; across, so many more that they overlap and show no crack.
            off = own - beside
            assert off[:, axis].min() > 0
            assert off[:, axis].max() < side / 65_535 * 4
            assert np.abs(np.delete(off, axis, axis=1)).max() < side / 65_535 * 1.5 + 1e-3
            compared += 1
    assert compared > 10


def border(content: Any, axis: int, line: float, step: float) -> NDArray[np.float64]:
    """Return the upper vertices on a line of the grid CRS, in its order."""
    (primitive,) = content.primitives
    positions = in_grid(primitive.positions)
    on_line = positions[np.abs(positions[:, axis] - line) < 0.02]
    # In the cell that the terrain's own rim cuts, one end of each side is made up.
    along = on_line[:, 1 - axis] - (SOUTH, WEST)[axis]
    on_line = on_line[(along > -49.5 + step) & (along < 649.5 - step)]
    order = np.lexsort((-on_line[:, 2], np.rint(on_line[:, 1 - axis] * 4)))
    on_line = on_line[order]
    first = np.ones(len(on_line), dtype=np.bool_)
    first[1:] = np.diff(np.rint(on_line[:, 1 - axis] * 4)) > 0
    return np.asarray(on_line[first])


def test_pixels_lie_where_their_places_are(built: tuple[Path, GroundResult]) -> None:
    """Look up the texture at vertices: the reader's position and texture coordinate lead to the source's colour."""
    folder, result = built
    checked = 0
    for tile in result.tile_facts:
        if not tile.is_textured:
            continue
        glb = (folder / tile.uri).read_bytes()
        positions, uv = vertices_of(folder, tile.uri)
        data = extract(glb)
        assert data is not None
        picture = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA")).astype(int)
        east, north, _ = in_grid(positions).T
        x, y = (uv * (picture.shape[1], picture.shape[0])).T
        inside = (x > 4) & (y > 4) & (x < picture.shape[1] - 4) & (y < picture.shape[0] - 4)
        texel = 0.25 * 2 ** tile.place[0]
        near = picture[y[inside].astype(int), x[inside].astype(int)]
        on_picture = ((east - WEST > 2 * texel) & (east - WEST < 600 - 2 * texel))[inside]
        on_picture &= ((north - SOUTH > 2 * texel) & (north - SOUTH < 300 - 2 * texel))[inside]
        if not on_picture.any():
            continue
        true = fields(east[inside], north[inside]).astype(int)
        off = np.abs(near[..., :3] - true)[on_picture]
        assert np.median(off) <= 3, tile.uri
        # Colours change by less than three a metre, and WebP is off by a few.
        assert off.max() <= 20 + 3 * texel, tile.uri
        checked += int(on_picture.sum())
    assert checked > 5_000


def vertices_of(folder: Path, uri: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ECEF positions and texture coordinates by an independent decoder of the compressed views."""
    import meshopt

    content = next(content for content in judge_free(folder) if content.uri == uri)
    glb = (folder / uri).read_bytes()
    (length,) = struct.unpack_from("<I", glb, 12)
    document = json.loads(glb[20 : 20 + length])
    (primitive,) = document["meshes"][0]["primitives"]
    accessor = document["accessors"][primitive["attributes"]["TEXCOORD_0"]]
    assert accessor["normalized"] is True
    assert accessor["componentType"] == 5123
    packed = document["bufferViews"][accessor["bufferView"]]["extensions"]["EXT_meshopt_compression"]
    begin = 28 + length + packed["byteOffset"]
    raw = glb[begin : begin + packed["byteLength"]]
    decoded = np.asarray(meshopt.decode_gltf_buffer(raw, packed["count"], packed["byteStride"], "ATTRIBUTES"))
    uv = decoded.view(np.uint8).reshape(packed["count"], packed["byteStride"]).copy().view("<u2")
    return content.primitives[0].positions, uv.astype(np.float64) / 65_535


@pytest.mark.parametrize("is_picture", [True, False])
def test_a_file_outside_the_height_surface_is_refused_before_any_is_decoded(is_picture: bool, tmp_path: Path) -> None:
    near, far = square(0, 0, 100), square(60_000, 0, 100)
    decoded: list[str] = []

    class Pictures(FakePictures):
        def decode(self, file: int, part: int, scratch: Path) -> tuple[Issue, ...]:
            decoded.append(self.files[file].name)
            return super().decode(file, part, scratch)

    pictures = Pictures((near, far) if is_picture else (near,), (fields, fields)[: 1 + is_picture])
    heights = FakeHeights((near,) if is_picture else (near, far))
    with pytest.raises(UnknownCRSError) as error:
        build(ground(pictures, heights), tmp_path / "out")
    name = "dop1.tif" if is_picture else "dgm1.tif"
    assert str(error.value).startswith(f"{name}: position (404000.000, 5673000.000, 40.000): lies outside Rhein-Kreis")
    assert "for which alone there is a height surface" in str(error.value)
    assert not decoded


def test_ground_without_pictures_is_bare(tmp_path: Path) -> None:
    result = build(ground(None, HEIGHTS), tmp_path / "out")
    tileset = judge(tmp_path / "out" / "tileset.json")
    assert result.textured_tiles == 0
    assert {tile.place[0] for tile in result.tile_facts} >= {0, 1, 2}
    assert result.levels[0].vertical_error_max < 0.3
    glb = next((tmp_path / "out" / "tiles" / "0").glob("*.glb")).read_bytes()
    assert extract(glb) is None
    assert b"webp" not in glb
    leaves = [content for content in tileset.contents if content.is_leaf]
    corners = np.concatenate([in_grid(content.primitives[0].positions) for content in leaves])
    assert np.abs(corners[:, 0].min() - (WEST - 50)) < 1.01
    assert np.abs(corners[:, 1].max() - (SOUTH + 650)) < 1.01


def test_pictures_without_terrain_lie_on_a_plane(tmp_path: Path) -> None:
    result = build(ground(PICTURES, None, plane=37.25), tmp_path / "out")
    tileset = judge(tmp_path / "out" / "tileset.json")
    assert result.textured_tiles == result.tiles
    for content in tileset.contents:
        heights = flat_triangles(content.primitives[0])[..., 2]
        assert np.abs(heights - 37.25).max() < 0.02
    corners = np.concatenate(
        [in_grid(content.primitives[0].positions) for content in tileset.contents if content.is_leaf]
    )
    # Meshes end where pictures end, to a step of 16 bits.
    assert np.abs(corners[:, 0].min() - WEST) < 0.02
    assert np.abs(corners[:, 0].max() - (WEST + 600)) < 0.02
    assert np.abs(corners[:, 1].max() - (SOUTH + 300)) < 0.02


def test_terrain_beyond_the_pictures_is_drawn_bare(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    result = build(ground(PICTURES, HEIGHTS), folder)
    mixed = next(tile for tile in result.tile_facts if tile.place[0] == 2 and tile.is_textured)
    data = extract((folder / mixed.uri).read_bytes())
    assert data is not None
    picture = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
    bare = np.abs(picture - BARE).max(axis=-1) < 6
    assert 0.2 < bare.mean() < 0.9
    assert any(not tile.is_textured for tile in result.tile_facts), "far from pictures there are no textures"


def test_a_hole_in_the_terrain_stays_a_hole_and_is_no_spike(tmp_path: Path) -> None:
    heights = FakeHeights((square(0, 0, 600),), hole=Rectangle(WEST + 200, SOUTH + 100, WEST + 330, SOUTH + 180))
    build(ground(None, heights), tmp_path / "bare")
    tileset = judge(tmp_path / "bare" / "tileset.json")
    places = np.array([[WEST + 265, SOUTH + 140], [WEST + 265, SOUTH + 300]])
    for content in tileset.contents:
        triangles = flat_triangles(content.primitives[0])
        assert triangles[..., 2].min() > 25
        if content.is_leaf:
            assert np.isnan(places_on(triangles, places)[0])
    # Below a picture the hole is filled from its rim.
    picture = FakePictures((square(0, 0, 600),), (fields,), resolution=0.5)
    build(ground(picture, heights), tmp_path / "shown")
    found = []
    for content in judge(tmp_path / "shown" / "tileset.json").contents:
        triangles = flat_triangles(content.primitives[0])
        if content.is_leaf:
            found.append(places_on(triangles, places)[0])
    assert np.nanmax(np.abs(np.array(found) - hills(*places[:1].T))) < 4


def test_pictures_far_from_any_terrain_are_left_out_and_told(tmp_path: Path) -> None:
    pictures = FakePictures((square(0, 0, 100), square(3000, 0, 100)), (fields, fields), resolution=0.25)
    result = build(ground(pictures, FakeHeights((square(0, 0, 100),)), plane=44.0), tmp_path / "out")
    tileset = judge(tmp_path / "out" / "tileset.json")
    assert [issue.code for issue in result.issues if issue.code != "SEEN"].count("GROUND_WITHOUT_HEIGHTS") == 1
    heights = np.concatenate([flat_triangles(content.primitives[0])[..., 2].ravel() for content in tileset.contents])
    assert heights.min() > 30


def test_nothing_at_all_is_an_error(tmp_path: Path) -> None:
    nothing = FakeHeights((square(0, 0, 100),), hole=square(-10, -10, 200))
    with pytest.raises(EmptyGeometryError):
        build(ground(None, nothing), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_plain_floats_where_no_extension_is_wanted(tmp_path: Path) -> None:
    build(ground(None, HEIGHTS), tmp_path / "out", compression=Compression.NONE)
    judge(tmp_path / "out" / "tileset.json")
    glb = next((tmp_path / "out" / "tiles" / "0").glob("*.glb")).read_bytes()
    assert b"extensionsRequired" not in glb


def test_large_trees_are_linked_documents(tmp_path: Path) -> None:
    build(ground(None, HEIGHTS), tmp_path / "out", document_tiles=9)
    judge(tmp_path / "out" / "tileset.json")
    assert len(list((tmp_path / "out").glob("tileset-*.json"))) > 1


def test_the_files_are_the_same_for_any_number_of_jobs(built: tuple[Path, GroundResult], tmp_path: Path) -> None:
    folder, _ = built
    build(ground(PICTURES, HEIGHTS), tmp_path / "out", jobs=3, copyright_lines=("© Test",))
    assert contents(tmp_path / "out") == contents(folder)


def paler(east: NDArray[np.float64], north: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.asarray(fields(east, north) // 2 + 100, dtype=np.uint8)


WIDE = FakePictures(
    tuple(square(400 * number, 0, 400) for number in range(6)),
    (fields,) * 6,
    resolution=0.25,
)
WIDE_HEIGHTS = FakeHeights((square(0, 0, 2400),), resolution=2.0)


def test_one_changed_picture_remakes_its_own_tiles_and_their_ancestors(tmp_path: Path) -> None:
    first = build(ground(WIDE, WIDE_HEIGHTS), tmp_path / "first")
    assert first.fresh == first.units
    again = build(ground(WIDE, WIDE_HEIGHTS), tmp_path / "again", previous=tmp_path / "first")
    assert (again.fresh, again.decoded) == (0, ())
    assert contents(tmp_path / "again") == contents(tmp_path / "first")
    assert [issue for issue in again.issues if issue.code == "SEEN"] == [
        issue for issue in first.issues if issue.code == "SEEN"
    ]

    colours: tuple[Callable[..., Any], ...] = (*WIDE.colours[:-1], paler)
    changed = ground(FakePictures(WIDE.rectangles, colours, WIDE.resolution), WIDE_HEIGHTS)
    before = contents(tmp_path / "first")
    part = build(changed, tmp_path / "part", previous=tmp_path / "first")
    whole = build(changed, tmp_path / "whole")
    assert contents(tmp_path / "part") == contents(tmp_path / "whole")
    assert contents(tmp_path / "first") == before, "the version before is as it was"
    assert 0 < part.fresh < whole.fresh
    assert len(part.decoded) < len(whole.decoded)
    new = contents(tmp_path / "part")
    touched = {tile.place for tile in part.tile_facts if new[tile.uri] != before.get(tile.uri)}
    east, north = WIDE.rectangles[-1].west, WIDE.rectangles[-1].south
    assert touched
    for level, column, row in touched:
        side = 256.0 * 2**level
        assert (column + 1) * side > east
        assert (row + 1) * side > north


def test_tiles_are_remade_where_a_file_of_them_is_lost(tmp_path: Path) -> None:
    build(ground(PICTURES, HEIGHTS), tmp_path / "first")
    lost = sorted((tmp_path / "first" / "tiles" / "0").glob("*.glb"))[-1]
    before = contents(tmp_path / "first")
    lost.unlink()
    result = build(ground(PICTURES, HEIGHTS), tmp_path / "again", previous=tmp_path / "first")
    assert 0 < result.fresh < result.units or result.units <= 2
    assert contents(tmp_path / "again") == before
    lost.write_bytes(b"")
    del before[lost.relative_to(tmp_path / "first").as_posix()]
    assert {name: data for name, data in contents(tmp_path / "first").items() if data} == before


def test_what_another_program_made_is_not_taken_over(tmp_path: Path) -> None:
    build(ground(PICTURES, HEIGHTS), tmp_path / "first", code="one")
    result = build(ground(PICTURES, HEIGHTS), tmp_path / "again", previous=tmp_path / "first", code="two")
    assert result.fresh == result.units
    (tmp_path / "first" / ".units").write_bytes(pickle.dumps(["something else"]))
    result = build(ground(PICTURES, HEIGHTS), tmp_path / "third", previous=tmp_path / "first", code="one")
    assert result.fresh == result.units
