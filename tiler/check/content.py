"""One tile content, read once: what is wrong with it, and the points that must lie in the volumes above it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tiler.check import files
from tiler.check.buffers import BinaryData
from tiler.check.fields import get_object, get_string
from tiler.check.files import Folder
from tiler.check.findings import Place
from tiler.check.glb import Container, open_glb
from tiler.check.gltf import Primitive, check_extensions, read_primitives
from tiler.check.mesh_features import check_features
from tiler.check.property_attributes import STRUCTURAL_METADATA, check_attributes
from tiler.check.property_tables import read_metadata


@dataclass(frozen=True, slots=True)
class Content:
    """What a GLB holds.

    Attributes:
        positions: all points that are drawn, float64, shape (n, 3), metres, in the frame of the tile, z up.
        triangles: how many.
        features: rows of its property tables.
        size_bytes: of the file.
    """

    positions: NDArray[np.float64]
    triangles: int
    features: int
    size_bytes: int


def read_content(data: bytes, path: Path, folder: Folder, place: Place) -> Content | None:
    """Return what the GLB `data` holds, and report what is wrong with it; None if nothing can be read."""
    container = open_glb(data, place)
    if container is None:
        return None
    before = len(place.findings)
    binary = BinaryData(container, place)
    binary.read_all()
    primitives = read_primitives(container, binary, place)
    metadata = read_metadata(container.document, binary, place, _external_schema(container, path, folder, place))
    check_features(primitives, metadata.tables)
    check_attributes(primitives, metadata.attributes)
    check_extensions(container, binary, place)
    if not primitives and len(place.findings) == before:
        place.report("CONTENT_EMPTY", "nothing in this content can be drawn")
    return Content(
        _joined(primitives),
        sum(len(primitive.triangles) for primitive in primitives),
        sum(table.count for table in metadata.tables if table is not None),
        len(data),
    )


def _joined(primitives: list[Primitive]) -> NDArray[np.float64]:
    return np.concatenate([p.positions for p in primitives]) if primitives else np.empty((0, 3))


def _external_schema(container: Container, path: Path, folder: Folder, place: Place) -> object:
    """Return the JSON that `schemaUri` leads to, or None."""
    extensions = container.document.get("extensions")
    if not isinstance(extensions, dict) or STRUCTURAL_METADATA not in extensions:
        return None
    at = place.at("extensions")
    extension = get_object(extensions, STRUCTURAL_METADATA, at) or {}
    uri = get_string(extension, "schemaUri", at.at(STRUCTURAL_METADATA))
    if uri is None:
        return None
    return load_json(uri, path.parent, folder, at.at(STRUCTURAL_METADATA, "schemaUri"))


def load_json(uri: str, base: Path, folder: Folder, place: Place) -> object:
    """Return the JSON document at an address, or None."""
    path = folder.locate(uri, base, place)
    data = None if path is None else files.read_bytes(path, place)
    decoded = None if data is None else files.decode_json(data, place)
    return None if decoded is None else decoded[0]
