"""The GLB of one tile of ground: a mesh, its skirts, and the picture on it.

Spec: glTF 2.0, `KHR_mesh_quantization`, `EXT_meshopt_compression`, `EXT_texture_webp`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tiler.glb import Compression, GlbBuilder
from tiler.terrain.texture import BARE
from zwilling.bounds import Box

_QUANTIZED: Final = np.dtype([("position", "<u2", 3), ("pad", "<u2")])
_PLAIN: Final = np.dtype([("position", "<f4", 3)])
_QUANTIZED_NORMAL: Final = np.dtype([("normal", "i1", 3), ("pad", "i1")])
_PLAIN_NORMAL: Final = np.dtype([("normal", "<f4", 3)])
_QUANTIZED_UV: Final = np.dtype([("uv", "<u2", 2)])
_PLAIN_UV: Final = np.dtype([("uv", "<f4", 2)])
_U2: Final = 65_535
# Texture filters: linear between pixels and between mipmaps; at the border the outermost pixels go on.
_SAMPLER: Final = {"magFilter": 9729, "minFilter": 9987, "wrapS": 33071, "wrapT": 33071}
_WEBP: Final = "EXT_texture_webp"
# A skirt is lit as the ground it hangs from, but never from behind: normals lean outwards by at least this much.
_LEAN: Final = 0.06


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
    local, normals, uv, triangles = _with_skirts(surface, skirt)
    builder = GlbBuilder(compression)
    y_up = np.stack([local[:, 0], local[:, 2], -local[:, 1]], axis=1)
    stored, node, decoded = _positions(y_up, compression)
    normal_rows = np.zeros(
        len(local), dtype=_QUANTIZED_NORMAL if compression is not Compression.NONE else _PLAIN_NORMAL
    )
    y_up_normals = np.stack([normals[:, 0], normals[:, 2], -normals[:, 1]], axis=1)
    normal_rows["normal"] = y_up_normals if compression is Compression.NONE else np.rint(y_up_normals * 127)
    attributes = {
        "POSITION": builder.add_attribute(builder.add_vertices(stored), "position", stored, bounds=True),
        "NORMAL": builder.add_attribute(builder.add_vertices(normal_rows), "normal", normal_rows),
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
    surface: Surface, depth: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Return positions, normals, texture coordinates and triangles of the mesh and of a skirt along each border.

    A skirt has points of its own at the top, since its normals differ.
    """
    n = len(surface.drawn)
    points = n + 1
    place = np.full(points * points, -1, dtype=np.int64)
    place[surface.vertices] = np.arange(len(surface.vertices))
    number = np.arange(points)
    # Clockwise seen from above, so that the outside is on the left: north, east, south, west.
    borders = (surface.drawn[0], surface.drawn[:, -1], surface.drawn[-1, ::-1], surface.drawn[::-1, 0])
    sides = (number, number * points + n, n * points + number[::-1], number[::-1] * points)
    positions, normals, uvs, triangles = [surface.local], [surface.normals], [surface.uv], [surface.triangles]
    count = len(surface.local)
    for side, there in zip(sides, borders, strict=True):
        # All points of the border are vertices, so each drawn cell there has a side of its own.
        segment = np.flatnonzero(there)
        if not len(segment):
            continue
        corner, renumbered = order_of_use(np.stack([segment, segment + 1], axis=1), points)
        top = place[side[corner]]
        outward = _outward(surface.local[place[side[segment[0]]]], surface.local[place[side[segment[-1] + 1]]])
        lean = surface.normals[top]
        lean = lean + np.maximum(_LEAN - lean @ outward, 0)[:, None] * outward
        lean /= np.linalg.norm(lean, axis=1, keepdims=True)
        upper = surface.local[top]
        # Top and bottom in turn, as the strip goes.
        positions.append(np.stack([upper, upper - [0.0, 0.0, depth]], axis=1).reshape(-1, 3))
        normals.append(np.repeat(lean, 2, axis=0))
        uvs.append(np.repeat(surface.uv[top], 2, axis=0))
        t0, t1 = count + 2 * renumbered[:, 0], count + 2 * renumbered[:, 1]
        triangles.append(np.stack([t0, t1, t0 + 1, t1, t1 + 1, t0 + 1], axis=1).reshape(-1, 3))
        count += 2 * len(corner)
    return np.concatenate(positions), np.concatenate(normals), np.concatenate(uvs), np.concatenate(triangles)


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
