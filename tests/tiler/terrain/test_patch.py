"""Skirts, read back from the GLB: no gap at their top, deep enough everywhere, and lit from the right side."""

from __future__ import annotations

import json
import struct
from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from tiler.glb import Compression
from tiler.terrain.grids import normals_in, righted
from tiler.terrain.patch import Surface, encode, order_of_use
from tiler.terrain.relief import measure, triangulate
from tiler.terrain.shade import slopes_of

N = 32
SIDE = 64.0
DEPTH = 3.0

Floats = NDArray[np.float64]


def surface(heights: Floats, drawn: NDArray[np.bool_]) -> Surface:
    """Return a mesh of a grid of heights, shape (N + 3, N + 3), whose frame is that of the grid."""
    step = SIDE / N
    (mesh,) = triangulate(measure(heights[None, 1:-1, 1:-1], drawn[None]), 0.2)
    vertices, triangles = order_of_use(mesh, (N + 1) ** 2)
    row, column = np.divmod(vertices, N + 1)
    local = np.column_stack([column * step, SIDE - row * step, heights[row + 1, column + 1]])
    normals = normals_in(local, local, slopes_of(heights, step)[row, column])
    uv = np.column_stack([column / N, row / N])
    return Surface(drawn, vertices, local, normals, uv, triangles)


def hills(scale: float) -> Floats:
    y, x = np.mgrid[-1 : N + 2, -1 : N + 2]
    return np.asarray(scale * (np.sin(x / 3.1) * np.cos(y / 4.3) + 0.3 * np.sin(x * 1.7 + y)))


def read(glb: bytes) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Return positions and normals (z up) and triangles of an uncompressed GLB."""
    (length,) = struct.unpack_from("<I", glb, 12)
    document = json.loads(glb[20 : 20 + length])
    (primitive,) = document["meshes"][0]["primitives"]

    def values(number: int, width: int) -> NDArray[np.generic]:
        accessor = document["accessors"][number]
        dtype = {5126: "<f4", 5123: "<u2", 5125: "<u4"}[accessor["componentType"]]
        begin = 28 + length + document["bufferViews"][accessor["bufferView"]]["byteOffset"]
        return np.frombuffer(glb, dtype, accessor["count"] * width, begin).reshape(-1, width)

    y_up = [values(primitive["attributes"][name], 3).astype(np.float64) for name in ("POSITION", "NORMAL")]
    positions, normals = (np.column_stack([each[:, 0], -each[:, 2], each[:, 1]]) for each in y_up)
    return positions, normals, values(primitive["indices"], 1).reshape(-1, 3).astype(np.int64)


def partly() -> NDArray[np.bool_]:
    drawn = np.ones((N, N), dtype=np.bool_)
    drawn[:7, :13] = drawn[:3, 20:22] = drawn[30:, 31] = False
    return drawn


@pytest.mark.parametrize("drawn", [np.ones((N, N), dtype=np.bool_), partly()], ids=["whole", "partly"])
@pytest.mark.parametrize("scale", [0.0, 2.0, 12.0], ids=["flat", "hills", "steep"])
def test_skirts(scale: float, drawn: NDArray[np.bool_]) -> None:
    own = surface(hills(scale), drawn)
    made = encode(own, DEPTH, None, compression=Compression.NONE)
    positions, normals, triangles = read(made.glb)
    skirts = triangles[len(own.triangles) :]
    assert made.triangles == len(triangles)

    # Each side of a drawn cell on the border belongs to one triangle of the mesh and to one of a skirt, whose ends are
    # the same points to the last bit, the other way round.
    def sides(of: NDArray[np.int64]) -> Counter[tuple[tuple[float, ...], tuple[float, ...]]]:
        places = [tuple(row) for row in positions.tolist()]
        return Counter((places[p[a]], places[p[b]]) for p in of.tolist() for a, b in ((0, 1), (1, 2), (2, 0)))

    mesh, skirt = sides(triangles[: len(own.triangles)]), sides(skirts)
    on_border = 0
    for (begin, end), times in mesh.items():
        assert times == 1
        if any(begin[axis] == end[axis] == rim for axis in (0, 1) for rim in (0.0, SIDE)):
            assert skirt[end, begin] == 1
            on_border += 1
    assert on_border == drawn[0].sum() + drawn[-1].sum() + drawn[:, 0].sum() + drawn[:, -1].sum()

    # Below every point along the border the skirt hangs down by the depth at least.
    ends = {axis: positions[skirts][(np.ptp(positions[skirts][:, :, axis], axis=1) == 0)] for axis in (0, 1)}
    assert len(ends[0]) + len(ends[1]) == len(skirts)
    for axis, corners in ends.items():
        for rim in (0.0, SIDE):
            here = corners[corners[:, 0, axis] == rim]
            ground = own.local[own.local[:, axis] == rim]
            along = 1 - axis
            for point in ground:
                lowest = min(lowest_at(triangle[:, [along, 2]], float(point[along])) for triangle in here)
                if np.isfinite(lowest):
                    assert lowest <= point[2] - DEPTH + 1e-4
    # Seen from outside, with the normals on the same side.
    a, b, c = (positions[skirts[:, corner]] for corner in range(3))
    facing = np.cross(b - a, c - a)
    middle = positions[skirts].mean(axis=1)[:, :2] - SIDE / 2
    assert ((facing[:, :2] * middle).sum(axis=1) > 0).all()
    # As the ground they hang from is lit, so are they; where that would be inside out, little less.
    lit = (facing * normals[skirts].mean(axis=1)).sum(axis=1) / np.linalg.norm(facing, axis=1)
    assert lit.min() > -0.31
    # Level ground needs few vertices more, and nothing makes a skirt much deeper than it must be.
    if scale == 0:
        assert len(positions) - len(own.local) <= 4 * (N // 8 + 1) + (0 if drawn.all() else 8)
    assert positions[:, 2].min() >= own.local[:, 2].min() - 1.5 * DEPTH - 1e-4


def lowest_at(triangle: Floats, place: float) -> float:
    """Return the lowest height of a standing triangle, shape (3, 2), at a place along it; infinity beside it."""
    heights = [np.inf]
    for (x0, z0), (x1, z1) in zip(triangle, np.roll(triangle, -1, axis=0), strict=True):
        if min(x0, x1) <= place <= max(x0, x1):
            heights.append(min(z0, z1) if x0 == x1 else z0 + (z1 - z0) * (place - x0) / (x1 - x0))
    return float(min(heights))


@pytest.mark.parametrize("roughness", [0.2, 2.0, 8.0, 40.0])
@pytest.mark.parametrize("seed", range(4))
def test_no_triangle_is_lit_from_below(roughness: float, seed: int) -> None:
    """Not even in the crowns of trees, where heights jump by metres from point to point."""
    heights = np.random.default_rng(seed).uniform(-roughness, roughness, (N + 3, N + 3))
    rough = surface(heights, np.ones((N, N), np.bool_))
    normals = righted(rough.normals, rough.local, rough.triangles)
    assert np.linalg.norm(normals, axis=1) == pytest.approx(np.ones(len(normals)))
    a, b, c = (rough.local[rough.triangles[:, corner]] for corner in range(3))
    facing = np.cross(b - a, c - a)

    def lit(some: Floats) -> Floats:
        return np.asarray((facing * some[rough.triangles].mean(axis=1)).sum(axis=1))

    assert (lit(normals) > 0).all()
    assert roughness < 8 or (lit(rough.normals) < 0).any()
    if roughness <= 2:  # where all triangles around it agreed from the first, a normal stays as it was measured
        against = np.unique(rough.triangles[lit(rough.normals) < 0.03 * np.linalg.norm(facing, axis=1)])
        near = np.isin(rough.triangles, against).any(axis=1)
        calm = np.setdiff1d(np.arange(len(normals)), rough.triangles[near])
        assert (normals[calm] == rough.normals[calm]).all()


def test_gentle_ground_keeps_its_normals() -> None:
    gentle = surface(hills(1.0), np.ones((N, N), np.bool_))
    assert righted(gentle.normals, gentle.local, gentle.triangles) is gentle.normals


def test_compressed_normals_are_right_to_a_thousandth() -> None:
    """Bytes were off by 0.004, which level ground shows as steps of two grey values."""
    import meshopt

    gentle = surface(hills(0.3), np.ones((N, N), np.bool_))
    glb = encode(gentle, DEPTH, None).glb
    (length,) = struct.unpack_from("<I", glb, 12)
    document = json.loads(glb[20 : 20 + length])
    accessor = document["accessors"][document["meshes"][0]["primitives"][0]["attributes"]["NORMAL"]]
    assert accessor["componentType"] == 5122
    assert accessor["normalized"] is True
    packed = document["bufferViews"][accessor["bufferView"]]["extensions"]["EXT_meshopt_compression"]
    assert (packed["filter"], packed["byteStride"]) == ("OCTAHEDRAL", 8)
    begin = 28 + length + packed["byteOffset"]
    raw = glb[begin : begin + packed["byteLength"]]
    rows = meshopt.decode_gltf_buffer(raw, packed["count"], 8, "ATTRIBUTES", "OCTAHEDRAL")
    x, y, z, _ = np.ascontiguousarray(rows).view("<i2").reshape(-1, 4).T / 32_767
    read = np.column_stack([x, -z, y])[: len(gentle.normals)]
    assert np.abs(read - gentle.normals).max() < 1e-3
