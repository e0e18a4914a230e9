"""Buffers, buffer views and accessors of a glTF document, as numpy arrays; compressed views are decoded.

Spec: glTF 2.0, "Binary Data Storage"; EXT_meshopt_compression.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import meshopt
import numpy as np
from numpy.typing import NDArray

from tiler.check.fields import JsonObject, get_flag, get_integer, get_numbers, get_object, get_objects, get_string
from tiler.check.findings import Place
from tiler.check.glb import Container

MESHOPT: Final = "EXT_meshopt_compression"
MAX_DECODED_BYTES = 512 * 2**20
"""What one GLB may decode to; a hostile file of some bytes can claim gigabytes."""
MAX_STRIDE: Final = 252

COMPONENT_TYPES: Final = {5120: "int8", 5121: "uint8", 5122: "int16", 5123: "uint16", 5125: "uint32", 5126: "float32"}
COMPONENTS: Final = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
_FIRST_BYTES: Final = {"ATTRIBUTES": 0xA0, "TRIANGLES": 0xE1, "INDICES": 0xD1}
"""The headers of the bitstreams; ATTRIBUTES is version 0: version 1 belongs to KHR_meshopt_compression alone."""


@dataclass(frozen=True, slots=True)
class Accessor:
    """An accessor that can be read.

    Attributes:
        values: as stored, shape (count, components).
        type: SCALAR, VEC3, ...
        component_type: glTF's number for it.
        normalized: whether integers stand for fractions of 1.
        byte_offset: where its first element starts in its buffer view.
        stride: bytes from one element to the next.
        place: where its JSON is.
    """

    values: NDArray[Any]
    type: str
    component_type: int
    normalized: bool
    byte_offset: int
    stride: int
    place: Place

    def as_floats(self) -> NDArray[np.float64]:
        """Return the values as the shader sees them: normalised integers as fractions (glTF 2.0, "Animations")."""
        floats = self.values.astype(np.float64)
        if not self.normalized:
            return floats
        scaled: NDArray[np.float64] = floats / np.iinfo(self.values.dtype).max
        return np.maximum(scaled, -1.0)


@dataclass(slots=True)
class BinaryData:
    """What a document's buffer views and accessors hold, each read once and reported once.

    A view or accessor that is broken is None; its findings are put down when it is first asked for.

    Attributes:
        container: the GLB.
        place: of the glTF document.
        needs_meshopt: whether a view was met that only EXT_meshopt_compression can read.
    """

    container: Container
    place: Place
    needs_meshopt: bool = False
    _buffers: list[memoryview | None] = field(default_factory=list)
    _view_objects: list[tuple[JsonObject, Place]] = field(default_factory=list)
    _accessor_objects: list[tuple[JsonObject, Place]] = field(default_factory=list)
    _views: dict[int, memoryview | None] = field(default_factory=dict)
    _accessors: dict[int, Accessor | None] = field(default_factory=dict)
    _decoded_bytes: int = 0

    def __post_init__(self) -> None:
        document = self.container.document
        self._buffers = [
            self._read_buffer(index, value, at)
            for index, (value, at) in enumerate(get_objects(document, "buffers", self.place))
        ]
        self._view_objects = get_objects(document, "bufferViews", self.place)
        self._accessor_objects = get_objects(document, "accessors", self.place)

    def read_all(self) -> None:
        """Read every buffer view and accessor, also those that nothing refers to."""
        for index in range(len(self._view_objects)):
            self.view(index)
        for index in range(len(self._accessor_objects)):
            self.accessor(index)

    def view(self, index: int) -> memoryview | None:
        """Return the bytes of a buffer view, decoded where they are compressed."""
        if index not in self._views:
            self._views[index] = self._read_view(*self._view_objects[index])
        return self._views[index]

    def view_at(self, parent: JsonObject, key: str, place: Place, *, required: bool = False) -> memoryview | None:
        """Return the bytes of the buffer view whose index is `parent[key]`."""
        index = self._index(parent, key, place, self._view_objects, required)
        return None if index is None else self.view(index)

    def view_offset(self, index: int) -> int:
        """Return the byte offset that a buffer view has in its buffer, for questions of alignment."""
        offset = self._view_objects[index][0].get("byteOffset", 0)
        return offset if isinstance(offset, int) else 0

    def accessor(self, index: int) -> Accessor | None:
        """Return an accessor."""
        if index not in self._accessors:
            self._accessors[index] = self._read_accessor(*self._accessor_objects[index])
        return self._accessors[index]

    def accessor_at(self, parent: JsonObject, key: str, place: Place) -> Accessor | None:
        """Return the accessor whose index is `parent[key]`."""
        index = self._index(parent, key, place, self._accessor_objects, True)
        return None if index is None else self.accessor(index)

    @staticmethod
    def _index(parent: JsonObject, key: str, place: Place, objects: Sequence[object], required: bool) -> int | None:
        index = get_integer(parent, key, place, required=required)
        if index is not None and index >= len(objects):
            place.at(key).report("UNRESOLVED_REFERENCE", f"there are {len(objects)}, so {index} leads nowhere")
            return None
        return index

    def _read_buffer(self, index: int, value: JsonObject, at: Place) -> memoryview | None:
        length = get_integer(value, "byteLength", at, required=True, minimum=1)
        extensions = value.get("extensions")
        fallback = extensions.get(MESHOPT) if isinstance(extensions, dict) else None
        if isinstance(fallback, dict) and get_flag(fallback, "fallback", at.at("extensions", MESHOPT)):
            return None  # a stand-in for readers that need a size; its views are compressed elsewhere
        if "uri" in value:
            at.at("uri").report("NOT_CHECKED", "a buffer outside the GLB")
            return None
        if index > 0 or self.container.binary is None:
            at.report("REQUIRED_VALUE_NOT_FOUND", "a buffer without 'uri' must be the first, and needs a binary chunk")
            return None
        if length is None:
            return None
        available = len(self.container.binary)
        if length > available:
            at.report("BUFFER_BYTE_LENGTH_MISMATCH", f"says {length} bytes, but the binary chunk has {available}")
            return None
        if available > length + 3:
            at.report("BUFFER_GLB_CHUNK_TOO_BIG", f"says {length} bytes, but the binary chunk has {available}")
        return self.container.binary[:length]

    def _slice(self, value: JsonObject, at: Place) -> memoryview | None:
        index = self._index(value, "buffer", at, self._buffers, True)
        offset = get_integer(value, "byteOffset", at) or 0
        length = get_integer(value, "byteLength", at, required=True, minimum=1)
        buffer = None if index is None else self._buffers[index]
        if buffer is None or length is None:
            return None
        if offset + length > len(buffer):
            at.report("BUFFER_VIEW_TOO_LONG", f"bytes {offset} to {offset + length} of a buffer of {len(buffer)} bytes")
            return None
        return buffer[offset : offset + length]

    def _read_view(self, value: JsonObject, at: Place) -> memoryview | None:
        stride = get_integer(value, "byteStride", at, minimum=4, maximum=MAX_STRIDE)
        if stride is not None and stride % 4:
            at.at("byteStride").report("VALUE_MULTIPLE_OF", f"must be a multiple of 4, but is {stride}")
        extensions = get_object(value, "extensions", at) or {}
        compressed = get_object(extensions, MESHOPT, at.at("extensions"))
        if compressed is None:
            return self._slice(value, at)
        stand_in = value.get("buffer")
        # With real data in the outer view a reader could do without the extension; ours never has that.
        if not (isinstance(stand_in, int) and stand_in < len(self._buffers) and self._buffers[stand_in] is not None):
            self.needs_meshopt = True
        return self._decode(value, at, compressed, at.at("extensions", MESHOPT))

    def _decode(self, value: JsonObject, at: Place, compressed: JsonObject, inside: Place) -> memoryview | None:
        length = get_integer(value, "byteLength", at, required=True, minimum=1)
        data = self._slice(compressed, inside)
        stride = get_integer(compressed, "byteStride", inside, required=True, minimum=1, maximum=256)
        count = get_integer(compressed, "count", inside, required=True, minimum=1)
        modes = ("ATTRIBUTES", "TRIANGLES", "INDICES")
        mode = get_string(compressed, "mode", inside, required=True, among=modes)
        names = ("NONE", "OCTAHEDRAL", "QUATERNION", "EXPONENTIAL")
        name = get_string(compressed, "filter", inside, among=names) if "filter" in compressed else "NONE"
        if data is None or stride is None or count is None or mode is None or name is None or length is None:
            return None
        fault = _meshopt_fault(mode, name, stride, count)
        if fault is None and data[0] != _FIRST_BYTES[mode]:
            fault = f"the data of {mode} must begin with {_FIRST_BYTES[mode]:#x}, but begin with {data[0]:#x}"
        if fault is None and length != stride * count:
            fault = f"{count} elements of {stride} bytes are not the {length} bytes of the buffer view"
        if fault is None and value.get("byteStride", stride) != stride:
            fault = f"the stride is {stride}, but that of the buffer view is {value['byteStride']}"
        if fault is not None:
            inside.report("MESHOPT_INVALID", fault)
            return None
        if self._decoded_bytes + length > MAX_DECODED_BYTES:
            inside.report("TOO_LARGE", f"the file decodes to more than {MAX_DECODED_BYTES} bytes")
            return None
        self._decoded_bytes += length
        try:
            decoded = meshopt.decode_gltf_buffer(bytes(data), count, stride, mode, None if name == "NONE" else name)
        except (ValueError, RuntimeError, MemoryError) as error:
            inside.report("MESHOPT_INVALID", f"cannot be decoded: {error}")
            return None
        return memoryview(np.ascontiguousarray(decoded).view(np.uint8).reshape(-1).data)

    def _read_accessor(self, value: JsonObject, at: Place) -> Accessor | None:
        component_type = get_integer(value, "componentType", at, required=True)
        if component_type is not None and component_type not in COMPONENT_TYPES:
            at.at("componentType").report("VALUE_NOT_IN_LIST", f"{component_type} is no component type")
            component_type = None
        kind = get_string(value, "type", at, required=True, among=tuple(COMPONENTS))
        count = get_integer(value, "count", at, required=True, minimum=1)
        offset = get_integer(value, "byteOffset", at) or 0
        if "sparse" in value or "bufferView" not in value:
            at.report("NOT_CHECKED", "an accessor that is sparse, or all zero")
            return None
        data = self.view_at(value, "bufferView", at)
        if data is None or component_type is None or kind is None or count is None:
            return None
        dtype = np.dtype(COMPONENT_TYPES[component_type])
        components = COMPONENTS[kind]
        size = dtype.itemsize * components
        view_index = int(value["bufferView"])
        view_object = self._view_objects[view_index][0]
        given = view_object.get("byteStride")
        stride = size  # where none is given, or none that is legal, which is reported already
        if isinstance(given, int) and not isinstance(given, bool) and 0 < given <= MAX_STRIDE:
            stride = given
        if offset % dtype.itemsize:
            at.report("ACCESSOR_OFFSET_ALIGNMENT", f"'byteOffset' must be a multiple of {dtype.itemsize}, is {offset}")
        elif (offset + self.view_offset(view_index)) % dtype.itemsize:
            at.report("ACCESSOR_TOTAL_OFFSET_ALIGNMENT", f"must start at a multiple of {dtype.itemsize} bytes")
        if stride < size or offset + stride * (count - 1) + size > len(data):
            at.report("ACCESSOR_TOO_LONG", f"{count} elements of {size} bytes do not fit into {len(data)} bytes")
            return None
        values = np.ndarray((count, components), dtype, data, offset, (stride, dtype.itemsize))
        accessor = Accessor(values, kind, component_type, get_flag(value, "normalized", at), offset, stride, at)
        _check_values(accessor, value)
        return accessor


def _check_values(accessor: Accessor, value: JsonObject) -> None:
    """Report NaN and infinity, and `min` and `max` that are not those of the values."""
    if accessor.values.dtype.kind == "f" and not np.isfinite(accessor.values).all():
        bad = int((~np.isfinite(accessor.values)).sum())
        accessor.place.report("ACCESSOR_INVALID_FLOAT", f"{bad} numbers are NaN or infinite")
        return
    for key, found in (("min", accessor.values.min(axis=0)), ("max", accessor.values.max(axis=0))):
        stated = get_numbers(value, key, accessor.place, accessor.values.shape[1])
        if stated is None:
            continue
        rounded = np.array(stated)
        if accessor.values.dtype.kind == "f":
            rounded = rounded.astype(np.float32)  # JSON may carry fewer digits than the float64 of a float32
        if (rounded != found).any():
            code = f"ACCESSOR_{key.upper()}_MISMATCH"
            accessor.place.at(key).report(code, f"is {stated}, but the values' is {found.tolist()}")


def _meshopt_fault(mode: str, name: str, stride: int, count: int) -> str | None:
    """Return what in the parameters breaks the rules of EXT_meshopt_compression, or None."""
    if mode == "ATTRIBUTES":
        if stride % 4:
            return f"ATTRIBUTES need a stride in fours, not {stride}"
    elif stride not in (2, 4):
        return f"{mode} need a stride of 2 or 4, not {stride}"
    elif name != "NONE":
        return f"{mode} cannot have the filter {name}"
    if mode == "TRIANGLES" and count % 3:
        return f"TRIANGLES need a count in threes, not {count}"
    allowed = {"OCTAHEDRAL": (4, 8), "QUATERNION": (8,)}.get(name)
    if allowed is not None and stride not in allowed:
        return f"the filter {name} needs a stride of {' or '.join(map(str, allowed))}, not {stride}"
    return None
