"""A glTF document: declared extensions, nodes, meshes, and the geometry they make.

Spec: glTF 2.0; KHR_mesh_quantization.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tiler.check.buffers import MESHOPT, Accessor, BinaryData
from tiler.check.extensions import check_declarations
from tiler.check.fields import (
    JsonObject,
    get_array,
    get_integer,
    get_numbers,
    get_object,
    get_objects,
    get_string,
)
from tiler.check.findings import Place
from tiler.check.glb import Container

QUANTIZATION: Final = "KHR_mesh_quantization"
_Y_UP_TO_Z_UP: Final = np.array([[1, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]], dtype=np.float64)
_TRIANGLES: Final = 4
_FLOAT: Final = 5126
_QUANTIZED_FORMATS: Final = {
    "POSITION": {(5120, False), (5120, True), (5121, False), (5121, True)}
    | {(5122, False), (5122, True), (5123, False), (5123, True)},
    "NORMAL": {(5120, True), (5122, True)},
}
_GRAZING: Final = 0.35
"""How far (sine, some 20 degrees) the normals of a triangle may point below it before it looks inside out."""
_UNIT_TOLERANCES: Final = {5126: 0.005, 5122: 0.005, 5120: 0.03}
"""How far the length of a normal may be from 1, by component type: an int8 has steps of 1/127, and three add up."""


@dataclass(frozen=True, slots=True)
class Primitive:
    """One mesh primitive as it is placed by its node.

    Attributes:
        json: the primitive itself, and `place` where it is.
        attributes: accessors that can be read, by semantic.
        positions: float64, shape (n, 3), in the content's frame, z up; metres.
        triangles: int64, shape (t, 3); rows of `positions`.
    """

    json: JsonObject
    place: Place
    attributes: dict[str, Accessor]
    positions: NDArray[np.float64]
    triangles: NDArray[np.int64]


def read_primitives(container: Container, data: BinaryData, place: Place) -> list[Primitive]:
    """Return every mesh primitive that is drawn and can be read, once for each node that draws it."""
    document = container.document
    asset = get_object(document, "asset", place, required=True)
    if asset is not None:
        get_string(asset, "version", place.at("asset"), required=True, among=("2.0",))
    meshes = get_objects(document, "meshes", place)
    primitives: list[Primitive] = []
    parsed: dict[int, list[_Shape]] = {}
    for mesh_index, matrix, at in _placed_meshes(document, place, len(meshes)):
        if mesh_index not in parsed:
            mesh, mesh_place = meshes[mesh_index]
            parsed[mesh_index] = [
                shape
                for value, where in get_objects(mesh, "primitives", mesh_place, required=True, least=1)
                if (shape := _read_shape(value, where, data)) is not None
            ]
        content_from_node = _Y_UP_TO_Z_UP @ matrix
        for shape in parsed[mesh_index]:
            positions = shape.positions @ content_from_node[:3, :3].T + content_from_node[:3, 3]
            if not np.isfinite(positions).all():
                at.report("NODE_MATRIX_NON_TRS", "positions overflow")
                continue
            _check_triangles(positions, shape, content_from_node)
            primitives.append(Primitive(shape.json, shape.place, shape.attributes, positions, shape.triangles))
    return primitives


@dataclass(frozen=True, slots=True)
class _Shape:
    json: JsonObject
    place: Place
    attributes: dict[str, Accessor]
    positions: NDArray[np.float64]
    triangles: NDArray[np.int64]


def _read_shape(value: JsonObject, place: Place, data: BinaryData) -> _Shape | None:
    mode = get_integer(value, "mode", place, maximum=6) if "mode" in value else _TRIANGLES
    semantics = get_object(value, "attributes", place, required=True)
    if semantics is None:
        return None
    inside = place.at("attributes")
    attributes: dict[str, Accessor] = {}
    for semantic in semantics:
        accessor = data.accessor_at(semantics, semantic, inside)
        if accessor is not None:
            _check_attribute(semantic, accessor, inside.at(semantic))
            attributes[semantic] = accessor
    position = attributes.get("POSITION")
    if "POSITION" not in semantics:
        inside.report("PROPERTY_MISSING", "'POSITION' is required to draw anything")
    if position is None or position.type != "VEC3" or not np.isfinite(position.values).all():
        return None
    if {len(accessor.values) for accessor in attributes.values()} != {len(position.values)}:
        lengths = {semantic: len(accessor.values) for semantic, accessor in attributes.items()}
        inside.report("MESH_PRIMITIVE_UNEQUAL_ACCESSOR_COUNT", f"the attributes differ in length: {lengths}")
        return None
    corners = _read_corners(value, place, data, len(position.values))
    if corners is None:
        return None
    triangles = np.empty((0, 3), np.int64)
    if mode == _TRIANGLES:
        if len(corners) % 3:
            message = f"{len(corners)} corners make no whole triangles"
            place.report("MESH_PRIMITIVE_INCOMPATIBLE_MODE", message)
        triangles = corners[: len(corners) // 3 * 3].reshape(-1, 3)
    elif mode is not None and mode != 0:
        place.at("mode").report("NOT_CHECKED", f"triangles of mode {mode}")
    return _Shape(value, place, attributes, position.as_floats(), triangles)


def _read_corners(value: JsonObject, place: Place, data: BinaryData, count: int) -> NDArray[np.int64] | None:
    """Return the vertex numbers in drawing order."""
    if "indices" not in value:
        return np.arange(count)
    indices = data.accessor_at(value, "indices", place)
    if indices is None:
        return None
    at = place.at("indices")
    if indices.type != "SCALAR" or indices.values.dtype.kind != "u" or indices.normalized:
        at.report("MESH_PRIMITIVE_INDICES_ACCESSOR_INVALID_FORMAT", "indices must be unsigned integers")
        return None
    largest = int(indices.values.max())
    if largest == np.iinfo(indices.values.dtype).max:
        at.report("ACCESSOR_INDEX_PRIMITIVE_RESTART", f"{largest} is the restart value")
        return None
    if largest >= count:
        at.report("ACCESSOR_INDEX_OOB", f"the largest index is {largest}, but there are {count} vertices")
        return None
    return indices.values[:, 0].astype(np.int64)


def _check_attribute(semantic: str, accessor: Accessor, at: Place) -> None:
    if accessor.stride % 4 or accessor.byte_offset % 4:
        at.report("MESH_PRIMITIVE_ACCESSOR_UNALIGNED", "vertices must start at multiples of 4 bytes")
    code = "MESH_PRIMITIVE_ATTRIBUTES_ACCESSOR_INVALID_FORMAT"
    if accessor.component_type == 5125:
        at.report("MESH_PRIMITIVE_ATTRIBUTES_ACCESSOR_UNSIGNED_INT", "a vertex attribute cannot be of 32-bit integers")
    if semantic not in _QUANTIZED_FORMATS:
        return
    form = (accessor.component_type, accessor.normalized)
    if accessor.type != "VEC3" or (form not in _QUANTIZED_FORMATS[semantic] and form != (_FLOAT, False)):
        at.report(code, f"{semantic} cannot be {accessor.type} of component type {form[0]}, normalized {form[1]}")
        return
    if semantic == "NORMAL" and np.isfinite(accessor.values).all():
        lengths = np.linalg.norm(accessor.as_floats(), axis=1)
        bad = int((np.abs(lengths - 1) > _UNIT_TOLERANCES[form[0]]).sum())
        if bad:
            at.report("ACCESSOR_VECTOR3_NON_UNIT", f"{bad} of {len(lengths)} normals are not of length 1")


def _check_triangles(positions: NDArray[np.float64], shape: _Shape, matrix: NDArray[np.float64]) -> None:
    """Report triangles without area, and those that face away from their normals."""
    if not len(shape.triangles):
        return
    a, b, c = (positions[shape.triangles[:, corner]] for corner in range(3))
    facing = np.cross(b - a, c - a)
    double_area = np.linalg.norm(facing, axis=1)
    degenerate = int((double_area == 0).sum())
    if degenerate:
        message = f"{degenerate} of {len(shape.triangles)} triangles have no area"
        shape.place.report("TRIANGLE_DEGENERATE", message)
    normal = shape.attributes.get("NORMAL")
    if normal is None or normal.type != "VEC3" or not np.isfinite(normal.values).all():
        return
    # Normals are moved by the inverse transpose; only the sign of the dot product is wanted, so not made unit again.
    turned = normal.as_floats() @ np.linalg.inv(matrix[:3, :3])
    mean = turned[shape.triangles].mean(axis=1)
    longest = np.sqrt(np.maximum.reduce([((p - q) ** 2).sum(axis=1) for p, q in ((a, b), (b, c), (c, a))]))
    # Slivers thinner than 5 cm are left out: rounding of their corners alone can turn them over.
    is_solid = double_area > 0.05 * longest
    # A mirroring node turns the winding over, and glTF then counts the other side as the front.
    handedness = np.sign(np.linalg.det(matrix[:3, :3]))
    # Nor where light only grazes them: a skirt below the border of a tile of ground has the normals of that ground.
    least = -_GRAZING * double_area * np.linalg.norm(mean, axis=1)
    against = int(((handedness * (facing * mean).sum(axis=1) < least) & is_solid).sum())
    if against:
        message = f"{against} of {len(shape.triangles)} triangles face away from their normals"
        shape.place.report("TRIANGLE_AGAINST_NORMAL", message)


def _placed_meshes(
    document: JsonObject, place: Place, mesh_count: int
) -> Iterator[tuple[int, NDArray[np.float64], Place]]:
    """Yield the index of each mesh that the scene draws, the matrix of its node, and the node's place."""
    scenes = get_objects(document, "scenes", place)
    nodes = get_objects(document, "nodes", place)
    scene = get_integer(document, "scene", place) if "scene" in document else 0
    if scene is None or scene >= len(scenes):
        if scenes or "scene" in document:
            place.at("scene").report("UNRESOLVED_REFERENCE", f"there are {len(scenes)} scenes")
        return
    seen: set[int] = set()
    stack = [(index, np.eye(4)) for index in _references(scenes[scene], "nodes", len(nodes))]
    while stack:
        index, parent = stack.pop()
        node, at = nodes[index]
        if index in seen:
            at.report("NODE_LOOP", f"node {index} is reached twice")
            continue
        seen.add(index)
        local = _node_matrix(node, at)
        if local is None:
            continue
        matrix = parent @ local
        stack += [(child, matrix) for child in _references((node, at), "children", len(nodes))]
        if "mesh" in node:
            mesh = get_integer(node, "mesh", at)
            if mesh is not None and mesh < mesh_count:
                yield mesh, matrix, at
            elif mesh is not None:
                at.at("mesh").report("UNRESOLVED_REFERENCE", f"there are {mesh_count} meshes, so {mesh} leads nowhere")


def _references(owner: tuple[JsonObject, Place], key: str, count: int) -> list[int]:
    value, place = owner
    found = []
    for position, index in enumerate(get_array(value, key, place) or ()):
        if isinstance(index, bool) or not isinstance(index, int):
            place.at(key, position).report("ARRAY_ELEMENT_TYPE_MISMATCH", "must be an index")
        elif not 0 <= index < count:
            place.at(key, position).report("UNRESOLVED_REFERENCE", f"there are {count} nodes, so {index} leads nowhere")
        else:
            found.append(index)
    return found


def _node_matrix(node: JsonObject, at: Place) -> NDArray[np.float64] | None:
    if "matrix" in node:
        numbers = get_numbers(node, "matrix", at, 16)
        if numbers is None:
            return None
        matrix = np.array(numbers).reshape(4, 4).T
    else:
        parts = {"translation": [0.0] * 3, "rotation": [0.0, 0.0, 0.0, 1.0], "scale": [1.0] * 3}
        for key, default in parts.items():
            if key in node:
                numbers = get_numbers(node, key, at, len(default))
                if numbers is None:
                    return None
                parts[key] = numbers
        x, y, z, w = parts["rotation"]
        if abs(x * x + y * y + z * z + w * w - 1) > 1e-5:
            at.at("rotation").report("ROTATION_NON_UNIT", "a rotation must be a unit quaternion")
            return None
        rotation = np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
            ]
        )
        matrix = np.eye(4)
        matrix[:3, :3] = rotation * np.array(parts["scale"])
        matrix[:3, 3] = parts["translation"]
    if not is_affine(matrix):
        at.report("NODE_MATRIX_NON_TRS", "must be affine and invertible")
        return None
    return matrix


def is_affine(matrix: NDArray[np.float64]) -> bool:
    """Return whether a (4, 4) matrix for column vectors moves points to points, and can be inverted.

    Example:
        >>> is_affine(np.eye(4)), is_affine(np.zeros((4, 4)))
        (True, False)
    """
    if not np.isfinite(matrix).all() or np.abs(matrix[3] - (0, 0, 0, 1)).max() > 1e-12:
        return False
    scales = np.linalg.norm(matrix[:3, :3], axis=0)
    if not (np.isfinite(scales).all() and scales.min() > 1e-30 and scales.max() < 1e30):
        return False
    # The determinant of the directions alone, so that neither small nor large units count as degenerate.
    return bool(abs(np.linalg.det(matrix[:3, :3] / scales)) > 1e-9)


def check_extensions(container: Container, data: BinaryData, place: Place) -> None:
    """Report extensions that are used and not declared, or declared and not used."""
    needed = {MESHOPT} if data.needs_meshopt else set()
    if _is_quantized(container.document):
        needed.add(QUANTIZATION)
    check_declarations(container.document, place, "UNDECLARED_EXTENSION", found=needed)
    required = _list(container.document, "extensionsRequired")
    for name in sorted(name for name in needed if name not in required):
        message = f"{name} is not in 'extensionsRequired', but without it nothing can be drawn"
        place.at("extensionsRequired").report("EXTENSION_REQUIRED_BUT_NOT_DECLARED", message)


def _is_quantized(document: JsonObject) -> bool:
    """Return whether a position or normal is stored as integers; what is broken was reported by others."""
    accessors = _list(document, "accessors")
    for mesh in _list(document, "meshes"):
        for primitive in _list(mesh, "primitives"):
            attributes = primitive.get("attributes") if isinstance(primitive, dict) else None
            if not isinstance(attributes, dict):
                continue
            for semantic in _QUANTIZED_FORMATS:
                index = attributes.get(semantic)
                accessor = accessors[index] if isinstance(index, int) and 0 <= index < len(accessors) else None
                if isinstance(accessor, dict) and accessor.get("componentType") in (5120, 5121, 5122, 5123):
                    return True
    return False


def _list(value: Any, key: str) -> list[Any]:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []
