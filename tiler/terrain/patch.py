"""The GLB of one tile of ground: a mesh, its skirts, and the picture on it.

Spec: glTF 2.0, `KHR_mesh_quantization`, `EXT_meshopt_compression`, `EXT_texture_webp`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tiler.glb import Compression, GlbBuilder
from tiler.terrain.texture import BARE
from zwilling.bounds import Box

_QUANTIZED: Final = np.dtype([("position", "<u2", 3), ("pad", "<u2")])
_PLAIN: Final = np.dtype([("position", "<f4", 3)])
_QUANTIZED_UV: Final = np.dtype([("uv", "<u2", 2)])
_PLAIN_UV: Final = np.dtype([("uv", "<f4", 2)])
_U2: Final = 65_535
# Texture filters: linear between pixels and between mipmaps; at the border the outermost pixels go on.
_SAMPLER: Final = {"magFilter": 9729, "minFilter": 9987, "wrapS": 33071, "wrapT": 33071}
_WEBP: Final = "EXT_texture_webp"
# A skirt is lit as the ground it hangs from, all the way down: seen edge-on, a pixel of it may be metres below its top.
# Where that ground's normals lean inwards by more than this (sine of the slope, 17 degrees), it would look inside out;
# there it has vertices of its own at the top, whose normals lean inwards by just so much.
_STEEPEST: Final = -0.3
# Points of the border from one vertex of a skirt's lower edge to the next, where that makes no skirt deeper than so
# many times what it must be; else half as many, and so on.
_HEM: Final = 8
_MORE: Final = 1.5


@dataclass(frozen=True, slots=True)
class Surface:
    """Points that a mesh uses, and the mesh.

    Attributes:
        drawn: cells of the tile's grid that the mesh covers, shape (n, n).
        vertices: numbers of the used points, row by row from north-west, in order of use; shape (v,).
        local: east, north, up in the tile's frame, metres, shape (v, 3).
        normals: unit vectors in that frame, shape (v, 3).
        uv: places in the picture from its north-western corner, 0 to 1, shape (v, 2).
        triangles: shape (t, 3), rows of `vertices`, counter-clockwise seen from above.
    """

    drawn: NDArray[np.bool_]
    vertices: NDArray[np.int64]
    local: NDArray[np.float64]
    normals: NDArray[np.float64]
    uv: NDArray[np.float64]
    triangles: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Picture:
    """The texture: a WebP file, and whether parts of it are transparent."""

    data: bytes
    has_alpha: bool


@dataclass(frozen=True, slots=True)
class Patch:
    """A GLB and what its tile must say about it.

    Attributes:
        glb: the file.
        box: encloses every vertex as a client decodes it, in the tile's frame (z up), metres.
        triangles: with skirts.
        rounding: largest vertical distance in metres between a vertex and what a client decodes.
    """

    glb: bytes
    box: Box
    triangles: int
    rounding: float


def order_of_use(triangles: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the numbers that occur in `triangles`, by first occurrence, and the triangles in terms of these.

    Example:
        >>> order_of_use(np.array([[7, 3, 5], [5, 3, 9]]), 10)
        (array([7, 3, 5, 9]), array([[0, 1, 2],
               [2, 1, 3]]))
    """
    flat = triangles.ravel()
    first = np.full(count, -1, dtype=np.int64)
    first[flat[::-1]] = np.arange(len(flat) - 1, -1, -1)
    used = flat[first[flat] == np.arange(len(flat))]
    renumber = np.empty(count, dtype=np.int64)
    renumber[used] = np.arange(len(used))
    return used, renumber[triangles]


def encode(
    surface: Surface,
    skirt: float,
    picture: Picture | None,
    *,
    compression: Compression = Compression.MESHOPT,
    copyright_line: str = "",
) -> Patch:
    """Return the GLB of a tile.

    Args:
        skirt: metres by which the borders are drawn downwards.
        picture: covers the tile; None for bare ground.
        compression: `NONE` gives floats and no compressed buffers.
        copyright_line: attribution, shown by clients (`asset.copyright`).
    """
    room = 0.0 if compression is Compression.NONE else (float(np.ptp(surface.local, axis=0).max()) + 2 * skirt) / _U2
    local, normals, uv, triangles = _with_skirts(surface, skirt, room)
    builder = GlbBuilder(compression)
    y_up = np.stack([local[:, 0], local[:, 2], -local[:, 1]], axis=1)
    stored, node, decoded = _positions(y_up, compression)
    attributes = {
        "POSITION": builder.add_attribute(builder.add_vertices(stored), "position", stored, bounds=True),
        "NORMAL": builder.add_directions(np.stack([normals[:, 0], normals[:, 2], -normals[:, 1]], axis=1)),
    }
    if picture is not None:
        uv_rows = np.zeros(len(local), dtype=_PLAIN_UV if compression is Compression.NONE else _QUANTIZED_UV)
        uv_rows["uv"] = uv if compression is Compression.NONE else np.rint(uv * _U2)
        attributes["TEXCOORD_0"] = builder.add_attribute(builder.add_vertices(uv_rows), "uv", uv_rows)
    indices = builder.add_indices(_with_area(decoded, triangles).ravel().astype(np.uint32), len(local))
    primitive = {"attributes": attributes, "indices": indices, "material": 0, "mode": 4}
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "zwilling"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, **node}],
        "meshes": [{"primitives": [primitive]}],
        "materials": [_material(picture)],
    }
    if copyright_line:
        document["asset"]["copyright"] = copyright_line
    needed = []
    if picture is not None:
        needed.append(_WEBP)
        document["images"] = [{"bufferView": builder.add_view(picture.data), "mimeType": "image/webp"}]
        document["samplers"] = [_SAMPLER]
        document["textures"] = [{"sampler": 0, "extensions": {_WEBP: {"source": 0}}}]
    if compression is not Compression.NONE:
        needed.append("KHR_mesh_quantization")
    if needed:
        document["extensionsUsed"] = list(needed)
        document["extensionsRequired"] = list(needed)
    z_up = np.stack([decoded[:, 0], -decoded[:, 2], decoded[:, 1]], axis=1)
    return Patch(
        builder.finish(document), Box.around(z_up), len(triangles), float(np.abs(decoded[:, 1] - y_up[:, 1]).max())
    )


def _positions(
    y_up: NDArray[np.float64], compression: Compression
) -> tuple[NDArray[np.void], dict[str, Any], NDArray[np.float64]]:
    """Return positions as stored, the node that places them, and the positions that a client gets from both.

    A step is a 65,535th of the tile: a hundredth of a pixel of its picture.
    """
    if compression is Compression.NONE:
        plain = np.zeros(len(y_up), dtype=_PLAIN)
        plain["position"] = y_up
        return plain, {}, plain["position"].astype(np.float64)
    low = np.floor(y_up.min(axis=0))
    # One step for all axes: with a scale per axis, clients would have to bend the normals back.
    step = float((y_up - low).max()) / _U2 or 1.0
    stored = np.zeros(len(y_up), dtype=_QUANTIZED)
    stored["position"] = np.clip(np.rint((y_up - low) / step), 0, _U2)
    return stored, {"translation": low.tolist(), "scale": [step] * 3}, stored["position"] * step + low


def _with_skirts(
    surface: Surface, depth: float, room: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Return positions, normals, texture coordinates and triangles of the mesh and of a skirt along each border.

    A skirt begins at the mesh's own vertices, all points of the border, so that there is no gap; below it needs few.

    Args:
        depth: of the skirts, metres.
        room: metres by which the border is moved outwards: a step of the positions, since rounding moves it by 0.7 of
            one at most.  So neighbours overlap, and nothing looks down between two skirts.
    """
    n = len(surface.drawn)
    points = n + 1
    place = np.full(points * points, -1, dtype=np.int64)
    place[surface.vertices] = np.arange(len(surface.vertices))
    number = np.arange(points)
    # Clockwise seen from above, so that the outside is on the left: north, east, south, west.
    borders = (surface.drawn[0], surface.drawn[:, -1], surface.drawn[-1, ::-1], surface.drawn[::-1, 0])
    sides = (number, number * points + n, n * points + number[::-1], number[::-1] * points)
    local = surface.local.copy()
    outer = []
    for side, there in zip(sides, borders, strict=True):
        if runs := _runs(there):
            outward = _outward(*surface.local[place[side[[runs[0][0], runs[-1][1]]]]])
            outer.append((side, runs, outward))
            for begin, end in runs:
                local[place[side[begin : end + 1]]] += room * outward
    positions, normals, uvs, triangles = [local], [surface.normals], [surface.uv], [surface.triangles]
    count = len(local)
    for side, runs, outward in outer:
        for begin, end in runs:
            top = place[side[begin : end + 1]]
            ground = local[top]
            lit = surface.normals[top]
            lean = lit @ outward
            if lean.min() < _STEEPEST:
                lit = _leaning(lit, lean, outward)
                positions.append(ground)
                normals.append(lit)
                uvs.append(surface.uv[top])
                top = np.arange(count, count + len(top))
                count += len(top)
            lower, foot, drop = _hem(begin, ground, depth)
            positions.append(ground[lower] - [0.0, 0.0, drop])
            normals.append(lit[lower])
            uvs.append(surface.uv[place[side[begin + lower]]])
            below = count + foot
            count += len(lower)
            triangles.append(np.stack([top[:-1], top[1:], below[:-1]], axis=1))
            goes_on = np.flatnonzero(np.diff(foot))
            triangles.append(np.stack([top[goes_on + 1], below[goes_on + 1], below[goes_on]], axis=1))
    return np.concatenate(positions), np.concatenate(normals), np.concatenate(uvs), np.concatenate(triangles)


def _leaning(
    normals: NDArray[np.float64], lean: NDArray[np.float64], outward: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return unit vectors that lean inwards by no more than a skirt may.

    Args:
        normals: unit vectors, shape (n, 3).
        lean: their part outwards, shape (n,).
        outward: unit vector.
    """
    level = normals - lean[:, None] * outward
    kept = np.maximum(lean, _STEEPEST)
    rest = np.sqrt(1 - kept**2) / np.maximum(np.linalg.norm(level, axis=1), np.finfo(np.float64).tiny)
    return np.asarray(level * rest[:, None] + kept[:, None] * outward)


def _runs(there: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return where cells follow each other without a gap: the first, and the one behind the last.

    Example:
        >>> _runs(np.array([True, True, False, True]))
        [(0, 2), (3, 4)]
    """
    change = np.flatnonzero(np.diff(there.astype(np.int8), prepend=0, append=0))
    return [(int(begin), int(end)) for begin, end in change.reshape(-1, 2)]


def _hem(begin: int, ground: NDArray[np.float64], depth: float) -> tuple[NDArray[np.int64], NDArray[np.int64], float]:
    """Return which points of a run have a vertex of the hem below them, which of these each is tied to, and how deep.

    No more of them than it takes to hang not much deeper than asked for: the hem goes straight from vertex to vertex,
    nowhere less than `depth` below the ground, and no triangle that leads to it is turned over.

    Args:
        begin: where on the border the run begins.
        ground: its points, shape (n, 3).

    Example:
        >>> level = np.column_stack([np.arange(13.0), np.zeros((13, 2))])
        >>> _hem(6, level, 2.0)
        (array([ 0,  2, 10, 12]), array([0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3]), 2.0)
    """
    end = len(ground) - 1
    along = np.hypot(*(ground[:, :2] - ground[0, :2]).T)
    height = ground[:, 2]
    run = np.diff(along)
    slope = np.divide(np.diff(height), run, out=np.zeros(end), where=run > 0)
    stride = _HEM
    while True:
        lower, foot = _feet(-begin % stride, end, stride)
        over = np.interp(along, along[lower], height[lower]) - height
        tied = lower[foot[:-1]]
        turns = height[tied] - height[:-1] - slope * (along[tied] - along[:-1])
        drop = max(depth + float(over.max()), float(turns.max()) + depth / 4, depth)
        if stride == 1 or drop <= _MORE * depth:
            return lower, foot, drop
        stride //= 2


@lru_cache(maxsize=256)
def _feet(first: int, end: int, stride: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return every `stride`-th number from `first` on, 0 and `end`; and for each number which of these is nearest."""
    lower = np.unique([0, *range(first, end, stride), end])
    foot = np.searchsorted((lower[1:] + lower[:-1]) / 2, np.arange(end + 1), side="right")
    lower.flags.writeable = foot.flags.writeable = False
    return lower, foot


def _with_area(positions: NDArray[np.float64], triangles: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the triangles that have an area: at the rim of a picture rounding can leave some without."""
    a, b, c = (positions[triangles[:, corner]] for corner in range(3))
    has_area: NDArray[np.bool_] = (np.cross(b - a, c - a) != 0).any(axis=1)
    return triangles[has_area] if has_area.any() else triangles


def _outward(begin: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the level unit vector to the left of the way from `begin` to `end`."""
    east, north = (end - begin)[:2] / np.hypot(*(end - begin)[:2])
    return np.array([-north, east, 0.0])


def _material(picture: Picture | None) -> dict[str, Any]:
    shading: dict[str, Any] = {"metallicFactor": 0.0, "roughnessFactor": 1.0}
    material: dict[str, Any] = {"name": "ground", "pbrMetallicRoughness": shading}
    if picture is None:
        shading["baseColorFactor"] = [*(_linear(value) for value in BARE), 1.0]
    else:
        shading["baseColorTexture"] = {"index": 0}
        if picture.has_alpha:
            material |= {"alphaMode": "MASK", "alphaCutoff": 0.5}
    return material


def _linear(value: int) -> float:
    """Return a linear colour factor from an sRGB byte (IEC 61966-2-1)."""
    share = value / 255
    return round(share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4, 4)
