"""How ground is shaded: alike on both sides of every border, right where slopes change, and without noise."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.tiler.terrain.mosaics import CRS, FakeHeights, ground
from tiler.glb import Compression
from tiler.target import replacing
from tiler.terrain import shade
from tiler.terrain.build import GroundOptions, tile_ground
from tiler.terrain.tree import TileFacts
from zwilling.crs import Georeference, parse_crs
from zwilling.rasters import Rectangle
from zwilling.region import load_region

Floats = NDArray[np.float64]
LEAF = 128.0
# Columns of level 3 begin at multiples of this; the terrain lies across one of them.
LINE = 335 * 8 * LEAF
FLOOR = 5541 * 8 * LEAF


def rough(east: Floats, north: Floats) -> Floats:
    """Return hills with furrows that no coarse grid holds, a dyke along a border of tiles of all levels."""
    x, y = east - LINE, north - FLOOR
    furrows = 0.1 * np.sin(x / 1.9 + y / 7.3) + 0.1 * np.sin(x / 3.7 - y / 2.9)
    dyke = np.clip(3 - np.abs(x - 2) / 8, 0, 2)
    return np.asarray(60 + 2 * np.sin(x / 40) * np.cos(y / 31) + furrows + dyke)


def mesh(folder: Path, tile: TileFacts, georeference: Georeference) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Return vertices in the grid CRS, normals on the earth, and triangles, of a tile of plain floats."""
    glb = (folder / tile.uri).read_bytes()
    (length,) = struct.unpack_from("<I", glb, 12)
    document = json.loads(glb[20 : 20 + length])
    (primitive,) = document["meshes"][0]["primitives"]

    def stored(number: int, dtype: str, width: int) -> NDArray[np.generic]:
        accessor = document["accessors"][number]
        begin = 28 + length + document["bufferViews"][accessor["bufferView"]]["byteOffset"]
        return np.frombuffer(glb, dtype, width * accessor["count"], begin)

    found = []
    for name in ("POSITION", "NORMAL"):
        x, y, z = stored(primitive["attributes"][name], "<f4", 3).reshape(-1, 3).T.astype(np.float64)
        found.append(np.column_stack([x, -z, y]) @ tile.frame[:3, :3].T)
    triangles = stored(primitive["indices"], "<u2", 1).reshape(-1, 3).astype(np.int64)
    return georeference.from_ecef(found[0] + tile.frame[:3, 3]), found[1], triangles


def on_line(places: Floats, normals: Floats, axis: int, line: float) -> dict[int, Floats]:
    """Return the normals of the upper vertices on a line of the grid, by whole metres along it.

    The ground is nowhere so steep that skirts have vertices of their own there.
    """
    there = np.flatnonzero(np.abs(places[:, axis] - line) < 0.01)
    there = there[np.argsort(places[there, 2])]
    return dict(zip(np.rint(places[there, 1 - axis]).astype(int).tolist(), normals[there], strict=True))


def test_shade_is_equal_on_both_sides_of_every_border(tmp_path: Path) -> None:
    area = Rectangle(LINE - 560, FLOOR + 30, LINE + 560, FLOOR + 230)
    heights = FakeHeights((area,), rough)
    with replacing(tmp_path / "out") as target:
        result = tile_ground(ground(None, heights), target, GroundOptions(compression=Compression.NONE))
    georeference = Georeference.create(parse_crs(f"{CRS}+7837"), load_region())
    read = {tile.place: mesh(tmp_path / "out", tile, georeference)[:2] for tile in result.tile_facts}
    compared = dict.fromkeys(range(4), 0)
    for (level, column, row), own in read.items():
        for axis, place in enumerate(((level, column + 1, row), (level, column, row + 1))):
            if place not in read:
                continue
            line = place[1 + axis] * LEAF * 2**level
            left, right = on_line(*own, axis, line), on_line(*read[place], axis, line)
            assert left.keys() == right.keys()
            # Beyond the rim of the data each unit makes up heights of its own.
            rim = shade.EVERY * 2**level
            low, high = ((area.south, area.north), (area.west, area.east))[axis]
            for metre, normal in left.items():
                if low + rim < metre < high - rim:
                    # Turned by what the grid is turned between the middles of two tiles, 1 km apart at most.
                    assert np.abs(normal - right[metre]).max() < 3e-4, (level, column, row, metre)
                    compared[level] += 1
    assert min(compared.values()) >= 5


@pytest.mark.parametrize("level", [0, 2])
def test_a_dyke_is_shaded_as_it_stands(tmp_path: Path, level: int) -> None:
    """Vertices are so placed that slopes between them are right, though a decimetre of height allows for less."""
    area = Rectangle(LINE - 120, FLOOR, LINE + 120, FLOOR + 128)
    with replacing(tmp_path / "out") as target:
        made = tile_ground(
            ground(None, FakeHeights((area,), bank)), target, GroundOptions(compression=Compression.NONE)
        )
    georeference = Georeference.create(parse_crs(f"{CRS}+7837"), load_region())
    (tile,) = (tile for tile in made.tile_facts if tile.place[:2] == (level, LINE // (LEAF * 2**level)))
    places, normals, triangles = mesh(tmp_path / "out", tile, georeference)
    up = georeference.to_ecef(np.array([[LINE, FLOOR, 1.0]])) - georeference.to_ecef(np.array([[LINE, FLOOR, 0.0]]))
    north = np.random.default_rng(3).uniform(8, 120, 300)
    from_crest = np.tile([-8.5, 8.5], 150)
    shown = interpolated(places, normals, triangles, LINE + 24 + north / 4 + from_crest, FLOOR + north)
    steepness = np.degrees(np.arccos(shown @ up[0] / np.linalg.norm(up) / np.linalg.norm(shown, axis=1)))
    assert steepness == pytest.approx(math.degrees(math.atan(math.hypot(1, 0.25) / 2.8)), abs=4)


def interpolated(places: Floats, normals: Floats, triangles: NDArray[np.int64], east: Floats, north: Floats) -> Floats:
    """Return normals as a client has them between the vertices, by barycentric coordinates; shape (n, 3)."""
    corners = places[triangles][..., :2]
    a, to_b, to_c = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = to_b[:, 0] * to_c[:, 1] - to_c[:, 0] * to_b[:, 1]
    solid = area > 0.1  # no skirts
    x, y = east[:, None] - a[solid, 0], north[:, None] - a[solid, 1]
    b = (x * to_c[solid, 1] - to_c[solid, 0] * y) / area[solid]
    c = (to_b[solid, 0] * y - x * to_b[solid, 1]) / area[solid]
    inside = ((b >= -1e-6) & (c >= -1e-6) & (b + c <= 1 + 1e-6)).argmax(axis=1)
    one = np.arange(len(east))
    shares = np.stack([1 - b - c, b, c], axis=2)[one, inside]
    return np.asarray((shares[..., None] * normals[triangles[solid][inside]]).sum(axis=1))


def bank(east: Floats, north: Floats) -> Floats:
    """Return a dyke askew on level ground."""
    from_crest = np.abs(east - LINE - 24 - (north - FLOOR) / 4)
    return np.asarray(40 + np.clip(5 - from_crest / 2.8, 0, 4))


@given(seed=st.integers(0, 2**32), noise=st.sampled_from([0.0, 0.01, 0.1]), allowed=st.sampled_from([0.05, 0.15]))
@settings(max_examples=20, deadline=None)
def test_eased_slopes_stay_near(seed: int, noise: float, allowed: float) -> None:
    n = 32
    random = np.random.default_rng(seed)
    y, x = np.mgrid[: n + 1, : n + 1] / n
    smooth = random.normal(0, 0.1, (2, 1, 1, 2)) * x[..., None] + random.normal(0, 0.1, (2, 1, 1, 2)) * y[..., None]
    slopes = smooth + random.normal(0, noise, (2, n + 1, n + 1, 2))
    drawn = np.ones((2, n, n), np.bool_)
    errors = shade.measure(slopes, drawn, allowed)
    eased = shade.eased(slopes, errors, allowed)
    assert np.abs(eased - slopes).max() <= 2 * allowed + 1e-6
    assert (eased[:, :: shade.EVERY, :: shade.EVERY] == slopes[:, :: shade.EVERY, :: shade.EVERY]).all()
    # What a border shows is decided by the border alone: so its neighbour decides.
    other = random.normal(0, 1, slopes.shape)
    other[:, :, 0] = slopes[:, :, -1]
    beside = shade.eased(other, shade.measure(other, drawn, allowed), allowed)
    assert (beside[:, :, 0] == eased[:, :, -1]).all()
    # A plane's changes of slope are shown as they are; noise that nobody sees is gone.
    if noise == 0:
        assert eased == pytest.approx(slopes, abs=1e-12)
    if noise == 0.01:
        assert np.diff(eased, 2, axis=1).std() < 0.5 * np.diff(slopes, 2, axis=1).std()
