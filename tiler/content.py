"""The GLB of one tile: flat-shaded surfaces, told apart by class and by feature.

One primitive for each surface class, each with a material of its own, so that every client draws roofs and walls
in different colours without a style.  Each vertex carries two feature ids: of its row in the property table
(`building`), and of its surface class (`surface`), so that a style or shader can tell roof, wall and ground apart.

Spec: glTF 2.0, `EXT_mesh_features`, `EXT_structural_metadata`, `KHR_mesh_quantization`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiler.glb import Compression, GlbBuilder
from tiler.metadata import FEATURE_CLASS, schema_json, write_property_table
from zwilling.bounds import Box
from zwilling.features import FeatureBatch, SurfaceClass

# sRGB colours of the clay model, as linear base colour factors.
_MATERIALS: dict[SurfaceClass, tuple[str, tuple[float, float, float]]] = {
    SurfaceClass.ROOF: ("roof", (0.508, 0.258, 0.184)),
    SurfaceClass.WALL: ("wall", (0.831, 0.791, 0.708)),
    SurfaceClass.GROUND: ("ground", (0.381, 0.356, 0.319)),
    SurfaceClass.OTHER: ("other", (0.571, 0.546, 0.503)),
}
# Half a quantization step along three axes must stay below 1 cm: step <= 0.02 / sqrt(3).
_LARGEST_STEP = 0.0115
# Where quantization is too coarse, float32 positions are rounded to 1/256 m: 2 mm at worst, and they compress.
_FLOAT_STEP = 1.0 / 256.0

_QUANTIZED = np.dtype([("position", "<u2", 3), ("pad", "<u2")])
_PLAIN = np.dtype([("position", "<f4", 3)])
_QUANTIZED_NORMAL = np.dtype([("normal", "i1", 3), ("pad", "i1")])
_PLAIN_NORMAL = np.dtype([("normal", "<f4", 3)])
# Each attribute starts on a 4-byte boundary (glTF 2.0, 3.6.2.4); the gaps compress to nothing.
_IDS = np.dtype([("row", "<u2"), ("pad0", "<u2"), ("surface", "u1"), ("pad1", "u1", 3)])
MAX_ROWS = 65_536


@dataclass(frozen=True, slots=True)
class TileContent:
    """A GLB and what its tile must say about it.

    Attributes:
        glb: the file.
        box: encloses every vertex as a client decodes it, in the tile's frame (z up), metres.
    """

    glb: bytes
    box: Box


def encode(
    batch: FeatureBatch,
    local: NDArray[np.float64],
    *,
    compression: Compression = Compression.MESHOPT,
    copyright_line: str = "",
    has_outlines: bool = False,
) -> TileContent:
    """Return the GLB of all features of `batch`.

    Args:
        batch: at most `MAX_ROWS` rows and at least one triangle; its own positions are not looked at.
        local: float64, shape (v, 3); the batch's vertices in the tile's frame: metres, east, north, up.
        compression: `NONE` gives float32 positions and no required extension, for readers that know none.
        copyright_line: attribution, shown by clients (`asset.copyright`).
        has_outlines: mark the edges of surfaces, which CesiumJS draws as lines (`CESIUM_primitive_outline`).
    """
    if len(batch.row_feature) > MAX_ROWS:
        raise ValueError(f"{len(batch.row_feature)} rows do not fit 16-bit feature ids")
    builder = GlbBuilder(compression)
    y_up = np.stack([local[:, 0], local[:, 2], -local[:, 1]], axis=1)
    stored, node, decoded = _positions(y_up, compression)
    normals = _normals(y_up, batch.triangles, compression)

    primitives: list[dict[str, Any]] = []
    materials: list[dict[str, Any]] = []
    for surface in SurfaceClass:
        triangles = batch.triangles[batch.triangle_surface == surface]
        if len(triangles) == 0:
            continue
        rows = batch.triangle_row[batch.triangle_surface == surface]  # not descending
        used, indices = _order_of_use(triangles, len(local))
        ids = np.zeros(len(used), dtype=_IDS)
        ids["row"][indices] = np.repeat(rows, 3)
        ids["surface"] = surface.value
        shown = 1 + int(np.count_nonzero(np.diff(rows)))
        primitives.append(_primitive(builder, stored[used], normals[used], ids, indices, shown, len(materials)))
        if has_outlines:
            outline = {"indices": builder.add_lines(_edges(indices), len(used))}
            primitives[-1]["extensions"]["CESIUM_primitive_outline"] = outline
        materials.append(_material(surface))

    document: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "zwilling"},
        "extensionsUsed": ["EXT_mesh_features", "EXT_structural_metadata"],
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, **node}],
        "meshes": [{"primitives": primitives}],
        "materials": materials,
        "extensions": {
            "EXT_structural_metadata": {
                "schema": schema_json(batch.table.properties),
                "propertyTables": [write_property_table(builder, batch.table)],
            }
        },
    }
    if has_outlines:
        document["extensionsUsed"].append("CESIUM_primitive_outline")
    if copyright_line:
        document["asset"]["copyright"] = copyright_line
    if compression is not Compression.NONE:
        document["extensionsUsed"].append("KHR_mesh_quantization")
        document["extensionsRequired"] = ["KHR_mesh_quantization"]
    z_up = np.stack([decoded[:, 0], -decoded[:, 2], decoded[:, 1]], axis=1)
    return TileContent(builder.finish(document), Box.around(z_up))


def _positions(
    y_up: NDArray[np.float64], compression: Compression
) -> tuple[NDArray[np.void], dict[str, Any], NDArray[np.float64]]:
    """Return positions as stored, the node that places them, and the positions that a client gets from both."""
    low = np.floor(y_up.min(axis=0))
    step = float((y_up - low).max()) / 65_535 or 1.0
    if compression is not Compression.NONE and step <= _LARGEST_STEP:
        # One step for all axes: with a scale per axis, clients would have to bend the normals back.
        stored = np.zeros(len(y_up), dtype=_QUANTIZED)
        stored["position"] = np.clip(np.rint((y_up - low) / step), 0, 65_535)
        node = {"translation": low.tolist(), "scale": [step, step, step]}
        return stored, node, stored["position"] * step + low
    stored = np.zeros(len(y_up), dtype=_PLAIN)
    stored["position"] = y_up if compression is Compression.NONE else np.rint(y_up / _FLOAT_STEP) * _FLOAT_STEP
    return stored, {}, stored["position"].astype(np.float64)


def _normals(
    positions: NDArray[np.float64], triangles: NDArray[np.uint32], compression: Compression
) -> NDArray[np.void]:
    """Return a normal for each vertex: that of the surface it belongs to, as `FeatureBatch` promises just one."""
    (ax, ay, az), (bx, by, bz), (cx, cy, cz) = (positions[triangles[:, corner]].T for corner in range(3))
    ux, uy, uz, vx, vy, vz = bx - ax, by - ay, bz - az, cx - ax, cy - ay, cz - az
    across = (uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx)
    flat = triangles.ravel()
    total = np.stack(
        [np.bincount(flat, np.repeat(component, 3), minlength=len(positions)) for component in across], axis=1
    )
    length = np.sqrt(np.einsum("ij,ij->i", total, total))[:, None]
    unit = np.where(length > 0, total / np.where(length > 0, length, 1.0), [0.0, 1.0, 0.0])
    if compression is Compression.NONE:
        plain = np.zeros(len(positions), dtype=_PLAIN_NORMAL)
        plain["normal"] = unit
        return plain
    quantized = np.zeros(len(positions), dtype=_QUANTIZED_NORMAL)
    quantized["normal"] = np.rint(unit * 127)
    return quantized


def _order_of_use(triangles: NDArray[np.uint32], count: int) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Return the vertices that `triangles` use, and the triangles' indices into those, shape (3 * t,)."""
    used = np.zeros(count, dtype=bool)
    used[triangles] = True
    renumber = np.cumsum(used) - 1
    return np.flatnonzero(used), renumber[triangles.ravel()].astype(np.uint32)


def _edges(indices: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return the ends of the edges that only one triangle has, shape (2 * e,): those between flat surfaces.

    Triangles of one surface share their vertices, and those of different surfaces never do.
    """
    triangles = indices.reshape(-1, 3)
    edges = np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    unique, times = np.unique(edges, axis=0, return_counts=True)
    alone: NDArray[np.uint32] = unique[times == 1].ravel().astype(np.uint32)
    return alone


def _primitive(
    builder: GlbBuilder,
    positions: NDArray[np.void],
    normals: NDArray[np.void],
    ids: NDArray[np.void],
    indices: NDArray[np.uint32],
    rows: int,
    material: int,
) -> dict[str, Any]:
    id_view = builder.add_vertices(ids)
    return {
        "attributes": {
            "POSITION": builder.add_attribute(builder.add_vertices(positions), "position", positions, bounds=True),
            "NORMAL": builder.add_attribute(builder.add_vertices(normals), "normal", normals),
            "_FEATURE_ID_0": builder.add_attribute(id_view, "row", ids),
            "_FEATURE_ID_1": builder.add_attribute(id_view, "surface", ids),
        },
        "indices": builder.add_indices(indices, len(positions)),
        "material": material,
        "mode": 4,
        "extensions": {
            "EXT_mesh_features": {
                "featureIds": [
                    {
                        "featureCount": rows,
                        "attribute": 0,
                        "label": FEATURE_CLASS,
                        "propertyTable": 0,
                    },
                    {"featureCount": 1, "attribute": 1, "label": "surface"},
                ]
            }
        },
    }


def _material(surface: SurfaceClass) -> dict[str, Any]:
    name, colour = _MATERIALS[surface]
    return {
        "name": name,
        # Closure surfaces are not drawn, so a building can be open where its parts meet.
        "doubleSided": True,
        "pbrMetallicRoughness": {
            "baseColorFactor": [*colour, 1.0],
            "metallicFactor": 0.0,
            "roughnessFactor": 1.0,
        },
    }
