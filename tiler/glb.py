"""Binary glTF: chunks, buffer views and their compression.

Spec: glTF 2.0 (ISO/IEC 12113:2022), clause 4 "GLB File Format"; `EXT_meshopt_compression`.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import meshopt
import numpy as np
from numpy.typing import NDArray

_MAGIC = 0x46546C67
_JSON_CHUNK = 0x4E4F534A
_BIN_CHUNK = 0x004E4942
_ARRAY_BUFFER = 34962
_ELEMENT_ARRAY_BUFFER = 34963
# Of directions as octahedra: bytes for each, and bits of each of two numbers.
_DIRECTION_STRIDE = 8
_DIRECTION_BITS = 12
_COMPONENT_TYPES = {"|i1": 5120, "|u1": 5121, "<i2": 5122, "<u2": 5123, "<u4": 5125, "<f4": 5126}
_ACCESSOR_TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}
_ALIGNMENT = 8  # EXT_structural_metadata asks for 8; glTF itself for the component's size


class Compression(StrEnum):
    """How vertex and index data is stored."""

    MESHOPT = "meshopt"
    NONE = "none"


class GlbBuilder:
    """Collects buffer views and accessors, then gives the bytes of one GLB."""

    def __init__(self, compression: Compression) -> None:
        self._compression = compression
        self._binary = bytearray()
        self._fallback_length = 0
        self._views: list[dict[str, Any]] = []
        self._accessors: list[dict[str, Any]] = []

    def add_view(self, data: bytes, **properties: Any) -> int:
        """Append plain bytes on an 8-byte boundary and return the number of their buffer view."""
        # A buffer view of no bytes is not legal; a column of empty strings has none.
        data = data or b"\0"
        self._binary.extend(bytes(-len(self._binary) % _ALIGNMENT))
        self._views.append(
            {"buffer": 0, "byteOffset": len(self._binary), "byteLength": len(data), **properties},
        )
        self._binary.extend(data)
        return len(self._views) - 1

    def add_vertices(self, rows: NDArray[np.void]) -> int:
        """Append one buffer view of vertices and return its number.

        Args:
            rows: structured array, shape (n,), n >= 1; its item size is a multiple of 4, at most 256 bytes.
        """
        stride = rows.dtype.itemsize
        data = np.ascontiguousarray(rows).view(np.uint8).reshape(len(rows), stride)
        if self._compression is Compression.NONE:
            return self.add_view(data.tobytes(), byteStride=stride, target=_ARRAY_BUFFER)
        encoded = meshopt.encode_gltf_buffer(data, "ATTRIBUTES")
        return self._add_compressed(encoded, "ATTRIBUTES", len(rows), stride, _ARRAY_BUFFER)

    def add_directions(self, vectors: NDArray[np.float64]) -> int:
        """Append unit vectors, shape (n, 3), n >= 1, as one accessor and return its number.

        Compressed, they are normalized 16-bit numbers, right to a thousandth: bytes are off by half a degree, which
        shows as steps on level ground in a low sun.  As octahedra (a filter of `EXT_meshopt_compression`) they take
        hardly more room than bytes.
        """
        if self._compression is Compression.NONE:
            rows = np.zeros(len(vectors), dtype=[("vector", "<f4", 3)])
            rows["vector"] = vectors
            return self.add_attribute(self.add_vertices(rows), "vector", rows)
        four = np.zeros((len(vectors), 4), dtype=np.float32)
        four[:, :3] = vectors
        stored = meshopt.encode_filter_oct(four, _DIRECTION_STRIDE, _DIRECTION_BITS)
        data = np.ascontiguousarray(stored).view(np.uint8).reshape(len(vectors), _DIRECTION_STRIDE)
        encoded = meshopt.encode_gltf_buffer(data, "ATTRIBUTES")
        view = self._add_compressed(encoded, "ATTRIBUTES", len(vectors), _DIRECTION_STRIDE, _ARRAY_BUFFER, "OCTAHEDRAL")
        accessor = self._add_accessor(view, 0, np.dtype("<i2"), 3, len(vectors))
        self._accessors[accessor]["normalized"] = True
        return accessor

    def add_indices(self, indices: NDArray[np.uint32], vertex_count: int) -> int:
        """Append the indices of triangles as one accessor and return its number.

        Args:
            indices: shape (3 * n,), n >= 1, each below `vertex_count`.
            vertex_count: decides whether 16 or 32 bits are stored; 65,535 itself is the primitive restart value.
        """
        dtype = np.dtype("<u2") if vertex_count <= 0xFFFF else np.dtype("<u4")
        if self._compression is Compression.NONE:
            view = self.add_view(indices.astype(dtype).tobytes(), target=_ELEMENT_ARRAY_BUFFER)
        else:
            encoded = meshopt.encode_gltf_buffer(indices.astype(np.uint32), "TRIANGLES")
            view = self._add_compressed(encoded, "TRIANGLES", len(indices), dtype.itemsize, _ELEMENT_ARRAY_BUFFER)
        return self._add_accessor(view, 0, dtype, 1, len(indices))

    def add_lines(self, indices: NDArray[np.uint32], vertex_count: int) -> int:
        """Append the indices of line ends as one accessor, uncompressed, and return its number; see `add_indices`."""
        dtype = np.dtype("<u2") if vertex_count <= 0xFFFF else np.dtype("<u4")
        view = self.add_view(indices.astype(dtype).tobytes())
        return self._add_accessor(view, 0, dtype, 1, len(indices))

    def add_attribute(
        self,
        view: int,
        field: str,
        rows: NDArray[np.void],
        *,
        bounds: bool | tuple[Sequence[float], Sequence[float]] = False,
        is_normalized: bool = False,
    ) -> int:
        """Describe one field of the vertices in `view` as an accessor and return its number.

        Signed bytes are marked as normalized: they hold the unit vectors of `KHR_mesh_quantization`.  So are pairs of
        unsigned 16-bit numbers: texture coordinates.  Others are where `is_normalized` says so: colours.
        `bounds` states the smallest and largest value of each component, where they are not known yet (True) or are.
        """
        base, offset = rows.dtype.fields[field][:2]  # type: ignore[index]  # a structured dtype always has fields
        width = base.shape[0] if base.shape else 1
        accessor = self._add_accessor(view, offset, base.base, width, len(rows))
        if is_normalized or base.base == np.int8 or (base.base == np.uint16 and width == 2):
            self._accessors[accessor]["normalized"] = True
        if isinstance(bounds, tuple):
            self._accessors[accessor] |= {"min": list(bounds[0]), "max": list(bounds[1])}
        elif bounds:
            values = rows[field].astype(np.float64)
            self._accessors[accessor]["min"] = values.min(axis=0).tolist()
            self._accessors[accessor]["max"] = values.max(axis=0).tolist()
        return accessor

    def finish(self, document: dict[str, Any]) -> bytes:
        """Return the GLB of `document`, completed by the buffers, buffer views and accessors that were added."""
        buffers: list[dict[str, Any]] = [{"byteLength": len(self._binary)}]
        if self._fallback_length:
            marker = {"EXT_meshopt_compression": {"fallback": True}}
            buffers.append({"byteLength": self._fallback_length, "extensions": marker})
            for key in ("extensionsUsed", "extensionsRequired"):
                document.setdefault(key, []).append("EXT_meshopt_compression")
        document |= {"buffers": buffers, "bufferViews": self._views, "accessors": self._accessors}
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
        text += b" " * (-len(text) % 4)
        binary = bytes(self._binary) + bytes(-len(self._binary) % 4)
        length = 12 + 8 + len(text) + 8 + len(binary)
        return b"".join(
            (
                struct.pack("<III", _MAGIC, 2, length),
                struct.pack("<II", len(text), _JSON_CHUNK),
                text,
                struct.pack("<II", len(binary), _BIN_CHUNK),
                binary,
            )
        )

    def _add_accessor(self, view: int, offset: int, dtype: np.dtype[Any], width: int, count: int) -> int:
        accessor: dict[str, Any] = {
            "bufferView": view,
            "componentType": _COMPONENT_TYPES[dtype.str],
            "count": count,
            "type": _ACCESSOR_TYPES[width],
        }
        if offset:
            accessor["byteOffset"] = offset
        self._accessors.append(accessor)
        return len(self._accessors) - 1

    def _add_compressed(
        self, encoded: bytes, mode: str, count: int, stride: int, target: int, filter_name: str | None = None
    ) -> int:
        """Append an encoded buffer view; its plain form has a place in a fallback buffer that is never stored."""
        view = self.add_view(encoded)
        compressed = {
            "buffer": 0,
            "byteOffset": self._views[view]["byteOffset"],
            "byteLength": len(encoded),
            "byteStride": stride,
            "mode": mode,
            "count": count,
        }
        if filter_name is not None:
            compressed["filter"] = filter_name
        self._fallback_length += -self._fallback_length % _ALIGNMENT
        plain: dict[str, Any] = {"buffer": 1, "byteOffset": self._fallback_length, "byteLength": count * stride}
        if mode == "ATTRIBUTES":
            plain["byteStride"] = stride
        self._fallback_length += count * stride
        self._views[view] = {**plain, "target": target, "extensions": {"EXT_meshopt_compression": compressed}}
        return view
