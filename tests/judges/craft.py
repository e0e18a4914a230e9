"""A tileset made by hand, valid to the last byte, for tests that break it in one place.

It owes nothing to the tiler's writers: two houses, each a box of 24 vertices, with every kind of column that a
property table can have.
"""

from __future__ import annotations

import copy
import json
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import meshopt
import numpy as np
from numpy.typing import NDArray

ENU_IN_NEUSS = (
    *(-0.11591, 0.99326, 0.0, 0.0),
    *(-0.77415312, -0.09034028, 0.62651858, 0.0),
    *(0.62229574, 0.07261946, 0.77940671, 0.0),
    *(3978000.0, 464200.0, 4946700.0, 1.0),
)
"""A tile transform about where Neuss is; nearly, not exactly, a rotation, as numbers of few digits are."""

HOUSES = (((-20.0, -5.0, 0.0), (-8.0, 5.0, 9.0)), ((8.0, -4.0, 1.0), (20.0, 4.0, 7.5)))
"""Lowest and highest corner of each house: east, north, up in metres."""

BOX = [0.0, 0.0, 4.5, 20.0, 0.0, 0.0, 0.0, 5.0, 0.0, 0.0, 0.0, 4.5]
"""`boundingVolume.box` that just holds both houses."""

ROWS = (
    {"id": "DENW22AL500001kE", "height": 9.0, "storeys": 3, "kind": 1, "listed": True, "names": ["Rathaus", "Büro"]},
    {"id": "DENW22AL500001kF", "height": 6.5, "storeys": -1, "kind": 0, "listed": False, "names": []},
)

SCHEMA: dict[str, Any] = {
    "id": "houses",
    "version": "1",
    "enums": {"Kind": {"values": [{"name": "HOME", "value": 0}, {"name": "OFFICE", "value": 1}]}},
    "classes": {
        "building": {
            "properties": {
                "id": {"type": "STRING", "required": True, "semantic": "ID"},
                "height": {"type": "SCALAR", "componentType": "FLOAT64", "noData": -1e6, "name": "Gebäudehöhe"},
                "storeys": {"type": "SCALAR", "componentType": "INT32", "noData": -1, "min": 0, "max": 200},
                "kind": {"type": "ENUM", "enumType": "Kind"},
                "listed": {"type": "BOOLEAN"},
                "names": {"type": "STRING", "array": True},
                "corner": {"type": "VEC3", "componentType": "FLOAT32"},
            }
        }
    },
}


@dataclass(slots=True)
class Glb:
    """A glTF document and its binary chunk, to be changed and packed."""

    document: dict[str, Any]
    binary: bytearray = field(default_factory=bytearray)

    def add_view(self, data: bytes, **keys: Any) -> int:
        self.binary.extend(bytes(-len(self.binary) % 8))
        views = self.document.setdefault("bufferViews", [])
        views.append({"buffer": 0, "byteOffset": len(self.binary), "byteLength": len(data), **keys})
        self.binary.extend(data)
        return len(views) - 1

    def add_accessor(self, values: NDArray[Any], *, target: int, limits: bool = False, pad_to: int = 4) -> int:
        """Append an accessor with a buffer view of its own; rows of vertices are padded to multiples of four bytes."""
        component = {"int8": 5120, "uint8": 5121, "int16": 5122, "uint16": 5123, "uint32": 5125, "float32": 5126}
        rows = values.reshape(len(values), -1)
        keys: dict[str, Any] = {"target": target}
        data = rows.tobytes()
        if target == 34962:
            size = rows.itemsize * rows.shape[1]
            stride = -(-size // pad_to) * pad_to
            padded = np.zeros((len(rows), stride), np.uint8)
            padded[:, :size] = np.frombuffer(data, np.uint8).reshape(len(rows), size)
            data, keys["byteStride"] = padded.tobytes(), stride
        accessor: dict[str, Any] = {
            "bufferView": self.add_view(data, **keys),
            "componentType": component[values.dtype.name],
            "count": len(rows),
            "type": {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}[rows.shape[1]],
        }
        if limits:
            accessor["min"], accessor["max"] = rows.min(axis=0).tolist(), rows.max(axis=0).tolist()
        accessors = self.document.setdefault("accessors", [])
        accessors.append(accessor)
        return len(accessors) - 1

    def view_bytes(self, index: int) -> bytearray:
        view = self.document["bufferViews"][index]
        return self.binary[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]

    def write_view(self, index: int, data: bytes) -> None:
        """Replace the first bytes of a buffer view."""
        offset = self.document["bufferViews"][index]["byteOffset"]
        self.binary[offset : offset + len(data)] = data

    def pack(self) -> bytes:
        if self.binary:
            buffers = self.document.setdefault("buffers", [{}])
            buffers[0].setdefault("byteLength", len(self.binary))
        return pack(json.dumps(self.document).encode(), bytes(self.binary))


def pack(json_chunk: bytes, binary: bytes) -> bytes:
    """Return a GLB of a JSON chunk and, where there is one, a binary chunk."""
    json_chunk += b" " * (-len(json_chunk) % 4)
    binary += bytes(-len(binary) % 4)
    body = struct.pack("<I4s", len(json_chunk), b"JSON") + json_chunk
    if binary:
        body += struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body


@dataclass(frozen=True, slots=True)
class Mesh:
    """Vertices of the houses, y up as glTF has them, with the row of each, and triangles that face outwards."""

    positions: NDArray[np.float32]
    normals: NDArray[np.float32]
    rows: NDArray[np.uint16]
    surfaces: NDArray[np.uint8]
    triangles: NDArray[np.uint16]


def house_mesh(houses: tuple[tuple[tuple[float, float, float], tuple[float, float, float]], ...] = HOUSES) -> Mesh:
    """Return boxes with a normal for each side."""
    positions: list[list[float]] = []
    normals: list[list[float]] = []
    rows: list[int] = []
    surfaces: list[int] = []
    triangles: list[int] = []
    for row, (low, high) in enumerate(houses):
        for axis in range(3):
            for side in (0, 1):
                u, v = (axis + 1) % 3, (axis + 2) % 3
                start = len(positions)
                for at_u, at_v in ((0, 0), (1, 0), (1, 1), (0, 1)):
                    corner = [0.0, 0.0, 0.0]
                    corner[axis], corner[u], corner[v] = (
                        (low, high)[side][axis],
                        (low, high)[at_u][u],
                        (low, high)[at_v][v],
                    )
                    positions.append(corner)
                    normal = [0.0, 0.0, 0.0]
                    normal[axis] = 1.0 if side else -1.0
                    normals.append(normal)
                    rows.append(row)
                    surfaces.append(1 if axis < 2 else (0 if side else 2))
                corners = (0, 1, 2, 0, 2, 3) if side else (0, 2, 1, 0, 3, 2)
                triangles += [start + corner for corner in corners]
    y_up = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])  # (x, y, z) becomes (x, z, -y)
    return Mesh(
        (np.array(positions) @ y_up.T).astype(np.float32) + np.float32(0),  # plus 0 turns -0.0 into 0.0
        (np.array(normals) @ y_up.T).astype(np.float32) + np.float32(0),
        np.array(rows, np.uint16),
        np.array(surfaces, np.uint8),
        np.array(triangles, np.uint16),
    )


def houses_glb(*, compressed: bool = False) -> Glb:
    """Return a GLB of two houses, plain, or quantised and compressed."""
    mesh = house_mesh()
    glb = Glb(
        {
            "asset": {"version": "2.0"},
            "scene": 0,
            "scenes": [{"nodes": [0]}],
            "nodes": [{"mesh": 0}],
            "materials": [{"name": "wall", "pbrMetallicRoughness": {"metallicFactor": 0.0}}],
            "extensionsUsed": ["EXT_mesh_features", "EXT_structural_metadata"],
        }
    )
    positions: NDArray[Any] = mesh.positions
    normals: NDArray[Any] = mesh.normals
    if compressed:
        # Steps of 1/16 m: all numbers of the houses are multiples of it, so nothing is rounded.
        positions = np.rint(mesh.positions * 16).astype(np.int16)
        normals = np.rint(mesh.normals * 127).astype(np.int8)
        glb.document["nodes"][0]["scale"] = [1 / 16] * 3
    attributes = {
        "POSITION": glb.add_accessor(positions, target=34962, limits=True),
        "NORMAL": glb.add_accessor(normals, target=34962),
        "_FEATURE_ID_0": glb.add_accessor(mesh.rows, target=34962),
        "_FEATURE_ID_1": glb.add_accessor(mesh.surfaces, target=34962),
    }
    if compressed:
        glb.document["accessors"][attributes["NORMAL"]]["normalized"] = True
    indices = glb.add_accessor(mesh.triangles, target=34963)
    features = [
        {"featureCount": 2, "attribute": 0, "propertyTable": 0, "label": "building"},
        {"featureCount": 3, "attribute": 1, "label": "surface"},
    ]
    primitive = {
        "attributes": attributes,
        "indices": indices,
        "material": 0,
        "extensions": {"EXT_mesh_features": {"featureIds": features}},
    }
    glb.document["meshes"] = [{"primitives": [primitive]}]
    if compressed:
        _compress(glb)
    _add_table(glb)
    return glb


def _compress(glb: Glb) -> None:
    """Compress all buffer views there are so far with EXT_meshopt_compression."""
    plain = Glb(glb.document, glb.binary)
    datas = [bytes(plain.view_bytes(index)) for index in range(len(glb.document["bufferViews"]))]
    glb.binary = bytearray()
    fallback = 0
    for view, data in zip(glb.document["bufferViews"], datas, strict=True):
        stride = view.get("byteStride", 2)
        mode = "ATTRIBUTES" if "byteStride" in view else "TRIANGLES"
        rows = np.frombuffer(data, np.uint16 if mode == "TRIANGLES" else np.uint8).reshape(
            -1, 1 if mode == "TRIANGLES" else stride
        )
        encoded = meshopt.encode_gltf_buffer(rows.ravel() if mode == "TRIANGLES" else rows, mode)
        offset = len(glb.binary) + -len(glb.binary) % 8
        glb.binary.extend(bytes(offset - len(glb.binary)) + encoded)
        compression = {"buffer": 0, "byteOffset": offset, "byteLength": len(encoded), "byteStride": stride}
        compression |= {"count": len(rows), "mode": mode}
        fallback += -fallback % 8
        view |= {"buffer": 1, "byteOffset": fallback, "extensions": {"EXT_meshopt_compression": compression}}
        fallback += view["byteLength"]
    glb.document["buffers"] = [
        {},
        {"byteLength": fallback, "extensions": {"EXT_meshopt_compression": {"fallback": True}}},
    ]
    names = ["EXT_meshopt_compression", "KHR_mesh_quantization"]
    glb.document["extensionsRequired"] = names
    glb.document["extensionsUsed"] += names


def _add_table(glb: Glb) -> None:
    def text(values: list[str]) -> dict[str, int]:
        encoded = [value.encode() for value in values]
        offsets = np.cumsum([0, *map(len, encoded)]).astype(np.uint32)
        return {"values": glb.add_view(b"".join(encoded) or b"\0"), "stringOffsets": glb.add_view(offsets.tobytes())}

    def numbers(values: Any, dtype: str) -> dict[str, int]:
        return {"values": glb.add_view(np.array(values, dtype).tobytes())}

    names: list[list[str]] = [list(map(str, row["names"])) for row in ROWS]  # type: ignore[call-overload]  # a list
    flags = sum(1 << index for index, row in enumerate(ROWS) if row["listed"])
    properties = {
        "id": text([str(row["id"]) for row in ROWS]),
        "height": numbers([row["height"] for row in ROWS], "float64"),
        "storeys": numbers([row["storeys"] for row in ROWS], "int32"),
        "kind": numbers([row["kind"] for row in ROWS], "uint16"),
        "listed": numbers([flags], "uint8"),
        "names": {
            **text([name for row in names for name in row]),
            "arrayOffsets": glb.add_view(np.cumsum([0, *map(len, names)]).astype(np.uint8).tobytes()),
            "arrayOffsetType": "UINT8",
        },
        "corner": numbers([low for low, _ in HOUSES], "float32"),
    }
    table = {"name": "houses", "class": "building", "count": len(ROWS), "properties": properties}
    extension = {"schema": copy.deepcopy(SCHEMA), "propertyTables": [table]}
    glb.document["extensions"] = {"EXT_structural_metadata": extension}


def houses_tileset() -> dict[str, Any]:
    """Return a tileset.json: an empty root over one tile with the houses of `houses.glb`."""
    child = {"boundingVolume": {"box": list(BOX)}, "geometricError": 0, "content": {"uri": "houses.glb"}}
    root = {
        "transform": list(ENU_IN_NEUSS),
        "boundingVolume": {"box": list(BOX)},
        "geometricError": 32,
        "refine": "REPLACE",
        "children": [child],
    }
    return {"asset": {"version": "1.1"}, "geometricError": 64, "root": root}


def write_tileset(folder: Path, tileset: dict[str, Any] | None = None, content: bytes | None = None) -> Path:
    """Write a tileset with its content into `folder`; return the path of its tileset.json."""
    (folder / "houses.glb").write_bytes(houses_glb().pack() if content is None else content)
    path = folder / "tileset.json"
    path.write_text(json.dumps(houses_tileset() if tileset is None else tileset), encoding="utf-8")
    return path
