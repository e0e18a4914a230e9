"""The GLB container and its glTF document: from bytes that may be anything to JSON and one binary chunk.

Spec: glTF 2.0, "GLB File Format Specification".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import msgspec

from tiler.check.fields import JsonObject, as_object
from tiler.check.findings import Place

MAGIC = b"glTF"
_JSON_CHUNK = 0x4E4F534A
_BIN_CHUNK = 0x004E4942


@dataclass(frozen=True, slots=True)
class Container:
    """A GLB taken apart: the glTF document, and the binary chunk or None."""

    document: JsonObject
    binary: memoryview | None


def open_glb(data: bytes, place: Place) -> Container | None:
    """Return the parts of the GLB `data`; None, and findings, if it cannot be read at all."""
    if len(data) < 12:
        place.report("GLB_UNEXPECTED_END_OF_HEADER", f"a GLB has a header of 12 bytes, this file has {len(data)} bytes")
        return None
    magic, version, length = struct.unpack_from("<4sII", data)
    if magic != MAGIC:
        place.report("GLB_INVALID_MAGIC", f"must begin with {MAGIC!r}, but begins with {magic!r}")
        return None
    if version != 2:
        place.report("GLB_INVALID_VERSION", f"must be version 2, but is {version}")
        return None
    if length < 20:
        place.report("GLB_LENGTH_TOO_SMALL", f"the header says {length} bytes, too few for a chunk")
        return None
    chunks = _chunks(memoryview(data), length, place)
    if chunks is None:
        return None
    json_chunk, binary = chunks
    try:
        document = msgspec.json.decode(json_chunk)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        place.report("JSON_PARSE_ERROR", f"the JSON chunk cannot be read: {error}")
        return None
    found = as_object(document, place, "glTF")
    return None if found is None else Container(found, binary)


def _chunks(data: memoryview, total: int, place: Place) -> tuple[memoryview, memoryview | None] | None:
    """Return the JSON chunk and the binary chunk, if there is one; `total` is the length that the header gives."""
    offset, number = 12, 0
    json_chunk: memoryview | None = None
    binary: memoryview | None = None
    while offset < min(total, len(data)):
        if len(data) - offset < 8:
            place.report("GLB_UNEXPECTED_END_OF_CHUNK_HEADER", f"chunk {number} is cut off at byte {offset}")
            break
        length, kind = struct.unpack_from("<II", data, offset)
        offset += 8
        if length % 4:
            place.report("GLB_CHUNK_LENGTH_UNALIGNED", f"chunk {number} is {length} bytes long, no multiple of 4")
        if length > total - offset:
            message = f"chunk {number} says {length} bytes, but only {total - offset} are left"
            place.report("GLB_CHUNK_TOO_BIG", message)
        if number == 0 and kind != _JSON_CHUNK:
            place.report("GLB_UNEXPECTED_FIRST_CHUNK", f"the first chunk must be JSON, but its type is {kind:#010x}")
            return None
        if length > len(data) - offset:
            if length <= total - offset:
                message = f"chunk {number} says {length} bytes, but the file has only {len(data) - offset} more"
                place.report("GLB_UNEXPECTED_END_OF_CHUNK_DATA", message)
            break
        chunk = data[offset : offset + length]
        if (kind == _JSON_CHUNK and number > 0) or (kind == _BIN_CHUNK and binary is not None):
            place.report("GLB_DUPLICATE_CHUNK", f"chunk {number} repeats type {kind:#010x}")
        elif kind == _JSON_CHUNK:
            json_chunk = chunk
        elif kind == _BIN_CHUNK:
            binary = chunk
        offset += length
        number += 1
    else:
        if offset != total:
            place.report("GLB_LENGTH_MISMATCH", f"the header says {total} bytes, but the chunks end at {offset}")
        elif len(data) > total:
            place.report("GLB_EXTRA_DATA", f"the header says {total} bytes, but the file has {len(data)}")
    return None if json_chunk is None else (json_chunk, binary)
