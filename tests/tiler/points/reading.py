"""Tilesets of points read back with code that is not the tiler's: JSON, numpy, and the decoder of meshopt."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import meshopt
import numpy as np
from numpy.typing import NDArray

_COMPONENTS = {5121: "u1", 5122: "<i2", 5123: "<u2", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}
_Y_UP_TO_Z_UP = np.array([[1, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class ReadTile:
    """One tile with content.

    Attributes:
        uri: of the content.
        depth: 0 is the root.
        geometric_error: metres.
        is_leaf: whether it has no children.
        ecef: positions, shape (n, 3).
        attributes: values by name of the vertex attribute, shape (n, width).
        outside: metres by which a point lies outside the tile's volume or one above it, at most.
    """

    uri: str
    depth: int
    geometric_error: float
    is_leaf: bool
    ecef: NDArray[np.float64]
    attributes: Mapping[str, NDArray[np.generic]]
    outside: float


def read_tiles(tileset_json: Path) -> list[ReadTile]:
    """Return all tiles of a tileset and of those that it links to, parents first."""
    return list(_walk(tileset_json, np.eye(4), [], 0))


def _walk(
    path: Path, frame: NDArray[np.float64], volumes: list[tuple[NDArray[np.float64], list[float]]], depth: int
) -> Iterator[ReadTile]:
    document = json.loads(path.read_bytes())
    assert document["root"]["refine"] == "ADD"
    yield from _tile(document["root"], path.parent, frame, volumes, depth)


def _tile(
    tile: Mapping[str, Any],
    folder: Path,
    above: NDArray[np.float64],
    volumes: list[tuple[NDArray[np.float64], list[float]]],
    depth: int,
) -> Iterator[ReadTile]:
    frame = above @ np.array(tile["transform"]).reshape(4, 4).T if "transform" in tile else above
    enclosing = [*volumes, (frame, tile["boundingVolume"]["box"])]
    uri = tile["content"]["uri"]
    if uri.endswith(".json"):
        yield from _walk(folder / uri, frame, enclosing, depth)
        return
    local, attributes = read_glb((folder / uri).read_bytes())
    ecef = local @ frame[:3, :3].T + frame[:3, 3]
    outside = max(_excess(ecef, *volume) for volume in enclosing)
    is_leaf = "children" not in tile
    yield ReadTile(uri, depth, tile["geometricError"], is_leaf, ecef, attributes, outside)
    for child in tile.get("children", ()):
        yield from _tile(child, folder, frame, enclosing, depth + 1)


def _excess(ecef: NDArray[np.float64], frame: NDArray[np.float64], box: list[float]) -> float:
    local = (ecef - frame[:3, 3]) @ np.linalg.inv(frame[:3, :3]).T - np.array(box[:3])
    return float((np.abs(local) - np.array([box[3], box[7], box[11]])).max())


def read_glb(data: bytes) -> tuple[NDArray[np.float64], dict[str, NDArray[np.generic]]]:
    """Return positions, z up, and the other vertex attributes of the one primitive in a GLB."""
    length, kind = struct.unpack_from("<I4s", data, 12)
    assert kind == b"JSON"
    document = json.loads(data[20 : 20 + length])
    binary = data[28 + length :]
    (primitive,) = document["meshes"][0]["primitives"]
    assert primitive["mode"] == 0
    found = {name: _accessor(document, binary, index) for name, index in primitive["attributes"].items()}
    matrix = _Y_UP_TO_Z_UP @ np.array(document["nodes"][0]["matrix"]).reshape(4, 4).T
    numbers = found.pop("POSITION").astype(np.float64)
    return numbers @ matrix[:3, :3].T + matrix[:3, 3], found


def _accessor(document: Mapping[str, Any], binary: bytes, index: int) -> NDArray[Any]:
    accessor = document["accessors"][index]
    view = document["bufferViews"][accessor["bufferView"]]
    stride = view["byteStride"]
    packed = view.get("extensions", {}).get("EXT_meshopt_compression")
    if packed is None:
        rows = np.frombuffer(binary, np.uint8, view["byteLength"], view.get("byteOffset", 0))
    else:
        begin = packed["byteOffset"]
        encoded = binary[begin : begin + packed["byteLength"]]
        rows = np.frombuffer(
            meshopt.decode_gltf_buffer(encoded, packed["count"], stride, packed["mode"], None), np.uint8
        )
    width = _WIDTHS[accessor["type"]]
    dtype = np.dtype(_COMPONENTS[accessor["componentType"]])
    begin = accessor.get("byteOffset", 0)
    table = rows.reshape(-1, stride)[:, begin : begin + width * dtype.itemsize]
    return np.ascontiguousarray(table).view(dtype)
