"""Reading tilesets back with code that is not ours: 3d-tiles-tools and glTF-Transform, run by Node."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.judges.node_tools import run_script

_Y_UP_TO_Z_UP = np.array([[1, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class FeatureIds:
    """One feature id set of a primitive: its label, the property table or None, and the id of each vertex."""

    label: str
    feature_count: int
    table: int | None
    values: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Primitive:
    """One mesh primitive, placed.

    Attributes:
        material: name of its material.
        positions: float64, shape (n, 3): ECEF metres (EPSG:4978), through node and tile transforms.
        local: the same in the frame of the tile, z up.
        triangles: shape (t, 3); rows of `positions`.
        feature_ids: in the order of the file.
        attributes: of points, besides their positions, by name: shape (n, width), as they are stored.
    """

    material: str
    positions: NDArray[np.float64]
    local: NDArray[np.float64]
    triangles: NDArray[np.int64]
    feature_ids: tuple[FeatureIds, ...]
    attributes: Mapping[str, NDArray[np.float64]]

    def ids(self, label: str) -> NDArray[np.int64]:
        """Return the id of each vertex in the feature id set with this label."""
        return next(feature_ids.values for feature_ids in self.feature_ids if feature_ids.label == label)


@dataclass(frozen=True, slots=True)
class Content:
    """One GLB of a tileset.

    Attributes:
        uri: as in the tileset.
        path: of its tile in the tree.
        level: of its tile; the root is 0.
        is_leaf: whether its tile has no children.
        transform: from the tile to ECEF, shape (4, 4), for column vectors.
        outside: number of vertices outside a bounding volume, by path of the tile; empty if all is well.
        primitives: all that is drawn.
        tables: property tables as lists of rows.
    """

    uri: str
    path: str
    level: int
    is_leaf: bool
    transform: NDArray[np.float64]
    outside: Mapping[str, int]
    primitives: tuple[Primitive, ...]
    tables: tuple[Sequence[Mapping[str, Any]], ...]


@dataclass(frozen=True, slots=True)
class Tileset:
    """What 3d-tiles-tools finds in a tileset, external tilesets included."""

    tiles: int
    contents: tuple[Content, ...]

    def leaves(self) -> Iterator[Content]:
        """Yield the contents of tiles without children: the tileset in full detail, where refinement is REPLACE."""
        return (content for content in self.contents if content.is_leaf)


def read_tileset(tileset_json: Path) -> Tileset:
    """Return the whole tileset; a few hundred tiles take a few seconds."""
    with tempfile.TemporaryDirectory() as folder:
        arrays_path = Path(folder) / "arrays.bin"
        found = run_script("read_tileset.mjs", tileset_json, arrays_path)
        data = np.fromfile(arrays_path, dtype="<f8")
    return Tileset(found["tiles"], tuple(_content(value, data) for value in found["contents"]))


def buildings_in(tileset_json: Path) -> set[str]:
    """Return the ids of all buildings in the leaves of a tileset, from their property tables."""
    return {row["id"] for content in read_tileset(tileset_json).leaves() for table in content.tables for row in table}


def _content(value: Mapping[str, Any], data: NDArray[np.float64]) -> Content:
    transform = np.array(value["transform"]).reshape(4, 4).T
    return Content(
        uri=value["uri"],
        path=value["path"],
        level=value["level"],
        is_leaf=value["is_leaf"],
        transform=transform,
        outside=value["outside"],
        primitives=tuple(_primitive(primitive, data, transform) for primitive in value["primitives"]),
        tables=tuple(table["rows"] for table in value["tables"]),
    )


def _primitive(value: Mapping[str, Any], data: NDArray[np.float64], transform: NDArray[np.float64]) -> Primitive:
    def array(place: Sequence[int]) -> NDArray[np.float64]:
        return data[place[0] // 8 : place[0] // 8 + place[1]]

    tile_from_node = _Y_UP_TO_Z_UP @ np.array(value["matrix"]).reshape(4, 4).T
    local = _moved(array(value["positions"]).reshape(-1, 3), tile_from_node)
    corners = array(value["indices"]).astype(np.int64)
    return Primitive(
        material=value["material"],
        positions=_moved(local, transform),
        local=local,
        triangles=corners.reshape(-1, 3) if value["mode"] == 4 else np.empty((0, 3), np.int64),
        feature_ids=tuple(
            FeatureIds(ids["label"], ids["feature_count"], ids["table"], array(ids["values"]).astype(np.int64))
            for ids in value["feature_ids"]
        ),
        attributes={
            name: array(found["values"]).reshape(-1, found["width"]) for name, found in value["attributes"].items()
        },
    )


def _moved(points: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    moved: NDArray[np.float64] = points @ matrix[:3, :3].T + matrix[:3, 3]
    return moved
