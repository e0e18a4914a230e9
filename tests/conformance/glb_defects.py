"""GLB contents broken in one place each: made from a sound one, since bytes cannot be read in a review.

Each function takes the sound GLB of `tests.judges.craft` and returns the bytes of a broken one.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.judges import craft
from tests.judges.craft import Glb

POSITION, NORMAL, ROWS, SURFACES, INDICES = range(5)
"""Accessors and buffer views of the sound GLB, in its order."""


@dataclass(frozen=True, slots=True)
class Defect:
    """A way to break a GLB, and the codes that must then be found, and no others."""

    make: Callable[[], bytes]
    codes: frozenset[str]


DEFECTS: dict[str, Defect] = {}


def _defect(*codes: str, compressed: bool = False) -> Callable[[Callable[[Glb], bytes | None]], None]:
    """Register a function that changes a GLB, or returns the bytes itself, under its own name."""

    def register(change: Callable[[Glb], bytes | None]) -> None:
        def make() -> bytes:
            glb = craft.houses_glb(compressed=compressed)
            changed = change(glb)
            return glb.pack() if changed is None else changed

        DEFECTS[change.__name__] = Defect(make, frozenset(codes))

    return register


def _primitive(glb: Glb) -> dict[str, Any]:
    primitive: dict[str, Any] = glb.document["meshes"][0]["primitives"][0]
    return primitive


def _features(glb: Glb) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _primitive(glb)["extensions"]["EXT_mesh_features"]["featureIds"]
    return found


def _metadata(glb: Glb) -> dict[str, Any]:
    extension: dict[str, Any] = glb.document["extensions"]["EXT_structural_metadata"]
    return extension


def _column(glb: Glb, name: str) -> dict[str, Any]:
    column: dict[str, Any] = _metadata(glb)["propertyTables"][0]["properties"][name]
    return column


def _class_property(glb: Glb, name: str) -> dict[str, Any]:
    found: dict[str, Any] = _metadata(glb)["schema"]["classes"]["building"]["properties"][name]
    return found


def _meshopt(glb: Glb, view: int) -> dict[str, Any]:
    extension: dict[str, Any] = glb.document["bufferViews"][view]["extensions"]["EXT_meshopt_compression"]
    return extension


# --- the container ---------------------------------------------------------------------------------------------------


@_defect("GLB_UNEXPECTED_END_OF_HEADER")
def glb_shorter_than_header(glb: Glb) -> bytes:
    return glb.pack()[:11]


@_defect("GLB_INVALID_VERSION")
def glb_version_1(glb: Glb) -> bytes:
    return b"glTF" + struct.pack("<I", 1) + glb.pack()[8:]


@_defect("GLB_CHUNK_TOO_BIG", "GLB_LENGTH_MISMATCH")
def glb_longer_than_its_header_says(glb: Glb) -> bytes:
    data = glb.pack()
    return data[:8] + struct.pack("<I", len(data) - 4) + data[12:]


@_defect("GLB_UNEXPECTED_END_OF_CHUNK_DATA", "REQUIRED_VALUE_NOT_FOUND")
def glb_cut_off(glb: Glb) -> bytes:
    return glb.pack()[:-8]


@_defect("GLB_EXTRA_DATA")
def glb_with_bytes_left_over(glb: Glb) -> bytes:
    return glb.pack() + b"ab"


@_defect("GLB_UNEXPECTED_END_OF_CHUNK_HEADER")
def glb_cut_off_in_a_chunk_header(glb: Glb) -> bytes:
    data = glb.pack() + b"ab"
    return data[:8] + struct.pack("<I", len(data)) + data[12:]


@_defect("GLB_CHUNK_LENGTH_UNALIGNED", "GLB_CHUNK_TOO_BIG")
def glb_chunk_unaligned(glb: Glb) -> bytes:
    data = glb.pack()
    return data[:12] + struct.pack("<I", len(data) - 20 + 1) + data[16:]


@_defect("GLB_UNEXPECTED_FIRST_CHUNK")
def glb_binary_chunk_first(glb: Glb) -> bytes:
    data = glb.pack()
    return data[:16] + b"BIN\0" + data[20:]


@_defect("GLB_LENGTH_TOO_SMALL")
def glb_without_chunks(glb: Glb) -> bytes:
    return struct.pack("<4sII", b"glTF", 2, 12)


@_defect("GLB_DUPLICATE_CHUNK")
def glb_two_binary_chunks(glb: Glb) -> bytes:
    data = glb.pack() + struct.pack("<I4s", 4, b"BIN\0") + bytes(4)
    return data[:8] + struct.pack("<I", len(data)) + data[12:]


@_defect("GLB_INVALID_MAGIC")
def content_is_text(glb: Glb) -> bytes:
    return b"<html>Not found</html>"


@_defect("GLB_UNEXPECTED_END_OF_HEADER")
def content_is_empty(glb: Glb) -> bytes:
    return b""


@_defect("JSON_PARSE_ERROR")
def content_is_broken_json(glb: Glb) -> bytes:
    return b"{"


@_defect("NOT_CHECKED")
def content_is_b3dm(glb: Glb) -> bytes:
    return b"b3dm" + bytes(24)


@_defect("JSON_PARSE_ERROR")
def gltf_json_broken(glb: Glb) -> bytes:
    return craft.pack(b'{"asset": ', b"")


@_defect("JSON_PARSE_ERROR")
def gltf_json_nested_too_deep(glb: Glb) -> bytes:
    return craft.pack(b"[" * 100_000, b"")


@_defect("TYPE_MISMATCH")
def gltf_json_is_array(glb: Glb) -> bytes:
    return craft.pack(b"[]", b"")


@_defect("PROPERTY_MISSING")
def gltf_empty(glb: Glb) -> bytes:
    return craft.pack(b"{}", b"")


@_defect("CONTENT_EMPTY")
def gltf_without_meshes(glb: Glb) -> bytes:
    return craft.pack(b'{"asset": {"version": "2.0"}}', b"")


@_defect("VALUE_NOT_IN_LIST")
def gltf_version_1(glb: Glb) -> None:
    glb.document["asset"]["version"] = "1.0"


# --- buffers, views, accessors ---------------------------------------------------------------------------------------


@_defect("BUFFER_BYTE_LENGTH_MISMATCH")
def buffer_longer_than_chunk(glb: Glb) -> None:
    glb.document["buffers"] = [{"byteLength": len(glb.binary) + 100}]


@_defect("BUFFER_GLB_CHUNK_TOO_BIG")
def buffer_much_shorter_than_chunk(glb: Glb) -> None:
    glb.document["buffers"] = [{"byteLength": len(glb.binary)}]
    glb.binary.extend(bytes(8))


@_defect("NOT_CHECKED")
def buffer_outside_the_glb(glb: Glb) -> None:
    glb.document["buffers"] = [{"byteLength": len(glb.binary), "uri": "houses.bin"}]


@_defect("BUFFER_VIEW_TOO_LONG")
def buffer_view_past_the_end(glb: Glb) -> None:
    glb.document["bufferViews"][POSITION]["byteOffset"] = len(glb.binary) - 10


@_defect("UNRESOLVED_REFERENCE")
def buffer_view_of_a_buffer_that_is_not_there(glb: Glb) -> None:
    glb.document["bufferViews"][POSITION]["buffer"] = 4


@_defect("VALUE_MULTIPLE_OF", "MESH_PRIMITIVE_ACCESSOR_UNALIGNED")
def buffer_view_stride_5(glb: Glb) -> None:
    surfaces = np.zeros((48, 5), np.uint8)
    surfaces[:, 0] = craft.house_mesh().surfaces
    glb.document["accessors"][SURFACES]["bufferView"] = glb.add_view(surfaces.tobytes(), byteStride=5)
    glb.document["bufferViews"][SURFACES].pop("byteStride")


@_defect("ACCESSOR_TOO_LONG")
def accessor_past_the_end(glb: Glb) -> None:
    glb.document["accessors"][POSITION]["count"] = 49


@_defect("ACCESSOR_TOO_LONG")
def accessor_claims_billions(glb: Glb) -> None:
    glb.document["accessors"][POSITION]["count"] = 2**40


@_defect("MESH_PRIMITIVE_ACCESSOR_UNALIGNED")
def feature_ids_without_padding(glb: Glb) -> None:
    surfaces = craft.house_mesh().surfaces.tobytes()
    glb.document["accessors"][SURFACES]["bufferView"] = glb.add_view(surfaces, target=34962)


@_defect("ACCESSOR_OFFSET_ALIGNMENT")
def accessor_offset_odd(glb: Glb) -> None:
    data = b"\0" + craft.house_mesh().triangles.tobytes()
    glb.document["accessors"][INDICES].update(bufferView=glb.add_view(data, target=34963), byteOffset=1)


@_defect("ACCESSOR_TOTAL_OFFSET_ALIGNMENT")
def accessor_unaligned(glb: Glb) -> None:
    glb.binary.extend(b"\0" + bytes(glb.view_bytes(INDICES)))
    view = glb.document["bufferViews"][INDICES]
    view["byteOffset"] = len(glb.binary) - view["byteLength"]


@_defect("UNRESOLVED_REFERENCE")
def accessor_of_a_view_that_is_not_there(glb: Glb) -> None:
    glb.document["accessors"][POSITION]["bufferView"] = 99


@_defect("VALUE_NOT_IN_LIST")
def accessor_component_type_double(glb: Glb) -> None:
    glb.document["accessors"][POSITION]["componentType"] = 5130


@_defect("NOT_CHECKED")
def accessor_sparse(glb: Glb) -> None:
    glb.document["accessors"][POSITION]["sparse"] = {"count": 1}


@_defect("ACCESSOR_MIN_MISMATCH")
def accessor_min_wrong(glb: Glb) -> None:
    glb.document["accessors"][POSITION]["min"][0] = -20.5


@_defect("ACCESSOR_MAX_MISMATCH")
def accessor_max_wrong(glb: Glb) -> None:
    glb.document["accessors"][POSITION]["max"][2] = 4.999


@_defect("ACCESSOR_INVALID_FLOAT")
def position_nan(glb: Glb) -> None:
    glb.write_view(POSITION, struct.pack("<f", float("nan")))


@_defect("ACCESSOR_INVALID_FLOAT")
def position_infinite(glb: Glb) -> None:
    glb.write_view(POSITION, struct.pack("<f", float("inf")))


# --- nodes and meshes ------------------------------------------------------------------------------------------------


@_defect("NODE_LOOP")
def node_is_its_own_child(glb: Glb) -> None:
    glb.document["nodes"][0]["children"] = [0]


@_defect("NODE_MATRIX_NON_TRS")
def node_matrix_zero(glb: Glb) -> None:
    glb.document["nodes"][0]["matrix"] = [0] * 16


@_defect("ROTATION_NON_UNIT")
def node_rotation_not_unit(glb: Glb) -> None:
    glb.document["nodes"][0]["rotation"] = [0, 0, 0, 0.5]


@_defect("CONTENT_NOT_ENCLOSED_BY_BOUNDING_VOLUME")
def node_translation_moves_houses_out(glb: Glb) -> None:
    glb.document["nodes"][0]["translation"] = [0, 0.001, 0]


@_defect("CONTENT_NOT_ENCLOSED_BY_BOUNDING_VOLUME")
def houses_z_up_instead_of_y_up(glb: Glb) -> None:
    # As if someone had written z-up coordinates into a glTF: the houses lie on their sides.
    glb.document["nodes"][0]["rotation"] = [2**-0.5, 0, 0, 2**-0.5]


@_defect("UNRESOLVED_REFERENCE")
def node_mesh_not_there(glb: Glb) -> None:
    glb.document["nodes"][0]["mesh"] = 3


@_defect("UNRESOLVED_REFERENCE")
def scene_not_there(glb: Glb) -> None:
    glb.document["scene"] = 1


@_defect("PROPERTY_MISSING")
def primitive_without_position(glb: Glb) -> None:
    _primitive(glb)["attributes"].pop("POSITION")


@_defect("MESH_PRIMITIVE_UNEQUAL_ACCESSOR_COUNT")
def attributes_of_different_length(glb: Glb) -> None:
    glb.document["accessors"][NORMAL]["count"] = 47


@_defect("MESH_PRIMITIVE_ATTRIBUTES_ACCESSOR_INVALID_FORMAT")
def position_of_two_numbers(glb: Glb) -> None:
    glb.document["accessors"][POSITION]["type"] = "VEC2"
    glb.document["accessors"][POSITION].pop("min")
    glb.document["accessors"][POSITION].pop("max")


@_defect("MESH_PRIMITIVE_ATTRIBUTES_ACCESSOR_UNSIGNED_INT", "INVALID_GLTF_STRUCTURE")
def feature_ids_of_32_bits(glb: Glb) -> None:
    glb.document["accessors"][ROWS]["componentType"] = 5125


@_defect("ACCESSOR_INDEX_OOB")
def index_past_the_last_vertex(glb: Glb) -> None:
    glb.write_view(INDICES, struct.pack("<H", 48))


@_defect("ACCESSOR_INDEX_PRIMITIVE_RESTART")
def index_is_restart_value(glb: Glb) -> None:
    glb.write_view(INDICES, struct.pack("<H", 0xFFFF))


@_defect("MESH_PRIMITIVE_INDICES_ACCESSOR_INVALID_FORMAT")
def indices_signed(glb: Glb) -> None:
    glb.document["accessors"][INDICES]["componentType"] = 5122


@_defect("MESH_PRIMITIVE_INCOMPATIBLE_MODE")
def indices_make_no_whole_triangles(glb: Glb) -> None:
    glb.document["accessors"][INDICES]["count"] -= 1


@_defect("NOT_CHECKED")
def triangle_strip(glb: Glb) -> None:
    _primitive(glb)["mode"] = 5


@_defect("ACCESSOR_VECTOR3_NON_UNIT")
def normal_too_long(glb: Glb) -> None:
    normals = craft.house_mesh().normals
    glb.write_view(NORMAL, (normals * np.float32(1.1)).tobytes())


@_defect("TRIANGLE_AGAINST_NORMAL")
def houses_inside_out(glb: Glb) -> None:
    glb.write_view(INDICES, craft.house_mesh().triangles.reshape(-1, 3)[:, ::-1].tobytes())


@_defect("TRIANGLE_AGAINST_NORMAL")
def normals_inwards(glb: Glb) -> None:
    glb.write_view(NORMAL, (-craft.house_mesh().normals).tobytes())


@_defect("TRIANGLE_DEGENERATE")
def triangle_without_area(glb: Glb) -> None:
    glb.write_view(INDICES, struct.pack("<3H", 0, 0, 1))


# --- extensions ------------------------------------------------------------------------------------------------------


@_defect("UNDECLARED_EXTENSION")
def extension_not_declared(glb: Glb) -> None:
    glb.document["extensionsUsed"].remove("EXT_mesh_features")


@_defect("EXTENSION_USED_BUT_NOT_FOUND")
def extension_declared_but_not_there(glb: Glb) -> None:
    glb.document["extensionsUsed"].append("KHR_materials_unlit")


@_defect("EXTENSION_REQUIRED_BUT_NOT_USED")
def extension_required_but_not_used(glb: Glb) -> None:
    glb.document["extensionsRequired"] = ["KHR_materials_unlit"]


@_defect("EXTENSION_REQUIRED_BUT_NOT_DECLARED", compressed=True)
def quantization_not_required(glb: Glb) -> None:
    glb.document["extensionsRequired"].remove("KHR_mesh_quantization")


@_defect("EXTENSION_REQUIRED_BUT_NOT_DECLARED", compressed=True)
def meshopt_not_required(glb: Glb) -> None:
    glb.document["extensionsRequired"].remove("EXT_meshopt_compression")


@_defect("MESHOPT_INVALID", compressed=True)
def meshopt_data_damaged(glb: Glb) -> None:
    at = _meshopt(glb, POSITION)
    start = at["byteOffset"]
    glb.binary[start + 1 : start + at["byteLength"]] = bytes([0xFF]) * (at["byteLength"] - 1)


@_defect("MESHOPT_INVALID", compressed=True)
def meshopt_data_of_version_1(glb: Glb) -> None:
    glb.binary[_meshopt(glb, POSITION)["byteOffset"]] = 0xA1


@_defect("MESHOPT_INVALID", compressed=True)
def meshopt_count_is_not_that_of_the_view(glb: Glb) -> None:
    _meshopt(glb, POSITION)["count"] = 47


@_defect("MESHOPT_INVALID", compressed=True)
def meshopt_stride_is_not_that_of_the_view(glb: Glb) -> None:
    _meshopt(glb, POSITION).update(byteStride=16, count=24)


@_defect("MESHOPT_INVALID", compressed=True)
def meshopt_filter_of_triangles(glb: Glb) -> None:
    _meshopt(glb, INDICES).update(filter="OCTAHEDRAL")


@_defect("MESHOPT_INVALID", compressed=True)
def meshopt_octahedral_of_12_bytes(glb: Glb) -> None:
    # A view of its own, so that nothing else is broken with it.
    glb.document["bufferViews"].append(
        {
            "buffer": 1,
            "byteLength": 24,
            "extensions": {
                "EXT_meshopt_compression": {
                    **_meshopt(glb, NORMAL),
                    "filter": "OCTAHEDRAL",
                    "byteStride": 12,
                    "count": 2,
                }
            },
        }
    )


@_defect("VALUE_NOT_IN_LIST", compressed=True)
def meshopt_mode_unknown(glb: Glb) -> None:
    _meshopt(glb, POSITION)["mode"] = "POINTS"


# --- feature ids -----------------------------------------------------------------------------------------------------


@_defect("ARRAY_LENGTH_MISMATCH")
def feature_ids_empty(glb: Glb) -> None:
    _features(glb).clear()


@_defect("FEATURE_COUNT_MISMATCH")
def feature_count_too_small(glb: Glb) -> None:
    _features(glb)[1]["featureCount"] = 2


@_defect("PROPERTY_MISSING")
def feature_count_missing(glb: Glb) -> None:
    _features(glb)[1].pop("featureCount")


@_defect("VALUE_NOT_IN_RANGE")
def feature_count_zero(glb: Glb) -> None:
    _features(glb)[1]["featureCount"] = 0


@_defect("VALUE_NOT_IN_RANGE")
def feature_id_without_row(glb: Glb) -> None:
    rows = craft.house_mesh().rows * 2
    padded = np.zeros((len(rows), 2), np.uint16)
    padded[:, 0] = rows
    glb.write_view(ROWS, padded.tobytes())


@_defect("INVALID_GLTF_STRUCTURE")
def feature_id_attribute_not_there(glb: Glb) -> None:
    _features(glb)[1]["attribute"] = 5


@_defect("INVALID_GLTF_STRUCTURE")
def feature_ids_normalized(glb: Glb) -> None:
    glb.document["accessors"][SURFACES]["normalized"] = True


@_defect("STRING_PATTERN_MISMATCH")
def feature_id_label_umlaut(glb: Glb) -> None:
    _features(glb)[0]["label"] = "Gebäude"


@_defect("VALUE_NOT_IN_RANGE")
def feature_id_table_not_there(glb: Glb) -> None:
    _features(glb)[1]["propertyTable"] = 1


@_defect("NOT_CHECKED")
def feature_ids_in_a_texture(glb: Glb) -> None:
    _features(glb)[1]["texture"] = {"index": 0}


@_defect("TRIANGLE_SPANS_FEATURES")
def triangle_between_two_houses(glb: Glb) -> None:
    glb.write_view(ROWS, struct.pack("<H", 1))


@_defect("FEATURE_WITHOUT_GEOMETRY")
def row_without_geometry(glb: Glb) -> None:
    glb.write_view(ROWS, bytes(glb.document["bufferViews"][ROWS]["byteLength"]))


# --- property tables -------------------------------------------------------------------------------------------------


@_defect("IDENTIFIER_NOT_FOUND")
def table_class_not_there(glb: Glb) -> None:
    _metadata(glb)["propertyTables"][0]["class"] = "street"


@_defect("IDENTIFIER_NOT_FOUND")
def table_property_not_there(glb: Glb) -> None:
    _metadata(glb)["propertyTables"][0]["properties"]["colour"] = dict(_column(glb, "id"))


@_defect("PROPERTY_MISSING")
def table_count_missing(glb: Glb) -> None:
    _metadata(glb)["propertyTables"][0].pop("count")


@_defect("PROPERTY_MISSING")
def metadata_without_schema(glb: Glb) -> None:
    _metadata(glb).pop("schema")


@_defect("ONE_OF_ERROR", "URI_NOT_LOCAL")
def metadata_schema_twice(glb: Glb) -> None:
    _metadata(glb)["schemaUri"] = "https://example.org/schema.json"


@_defect("IO_ERROR")
def metadata_schema_file_missing(glb: Glb) -> None:
    _metadata(glb).pop("schema")
    _metadata(glb)["schemaUri"] = "schema.json"


@_defect("NOT_CHECKED")
def property_textures(glb: Glb) -> None:
    _metadata(glb)["propertyTextures"] = []


@_defect("METADATA_VALUE_REQUIRED_BUT_MISSING")
def required_column_missing(glb: Glb) -> None:
    _metadata(glb)["propertyTables"][0]["properties"].pop("id")


@_defect("PROPERTY_MISSING")
def column_without_values(glb: Glb) -> None:
    _column(glb, "height").pop("values")


@_defect("UNRESOLVED_REFERENCE")
def column_of_a_view_that_is_not_there(glb: Glb) -> None:
    _column(glb, "height")["values"] = 99


@_defect("METADATA_INVALID_LENGTH")
def column_too_short(glb: Glb) -> None:
    glb.document["bufferViews"][_column(glb, "height")["values"]]["byteLength"] = 8


@_defect("METADATA_INVALID_LENGTH")
def column_of_flags_too_short(glb: Glb) -> None:
    _class_property(glb, "listed").update(array=True, count=8)


@_defect("METADATA_INVALID_ALIGNMENT")
def column_unaligned(glb: Glb) -> None:
    glb.binary.extend(bytes(-len(glb.binary) % 8) + bytes(4))
    view = glb.document["bufferViews"][_column(glb, "height")["values"]]
    data = bytes(glb.view_bytes(_column(glb, "height")["values"]))
    view["byteOffset"] = len(glb.binary)
    glb.binary.extend(data)


@_defect("METADATA_INVALID_LENGTH")
def string_offsets_too_short(glb: Glb) -> None:
    _column(glb, "id")["stringOffsetType"] = "UINT64"


@_defect("METADATA_INVALID_OFFSETS")
def string_offsets_descending(glb: Glb) -> None:
    glb.write_view(_column(glb, "id")["stringOffsets"], struct.pack("<3I", 0, 33, 32))


@_defect("METADATA_INVALID_OFFSETS")
def string_offsets_past_the_end(glb: Glb) -> None:
    glb.write_view(_column(glb, "id")["stringOffsets"], struct.pack("<3I", 0, 16, 33))


@_defect("METADATA_INVALID_OFFSETS")
def array_offsets_descending(glb: Glb) -> None:
    glb.write_view(_column(glb, "names")["arrayOffsets"], bytes([0, 2, 1]))


@_defect("VALUE_NOT_IN_LIST", "METADATA_INVALID_OFFSETS")
def array_offset_type_signed(glb: Glb) -> None:
    # The default, UINT32, then reads three one-byte offsets and their padding as one large number.
    _column(glb, "names")["arrayOffsetType"] = "INT8"
    glb.document["bufferViews"][_column(glb, "names")["arrayOffsets"]]["byteLength"] = 12
    glb.write_view(_column(glb, "names")["arrayOffsets"], struct.pack("<2I", 2, 1))


@_defect("METADATA_VALUE_NOT_UTF8")
def text_in_latin_1(glb: Glb) -> None:
    text = bytes(glb.view_bytes(_column(glb, "names")["values"]))
    glb.write_view(_column(glb, "names")["values"], text.replace("ü".encode(), b"\xfc\xfc"))


@_defect("METADATA_VALUE_NOT_UTF8")
def string_offset_inside_a_character(glb: Glb) -> None:
    # "Rathaus" + "Büro": the ü takes bytes 8 and 9.
    glb.write_view(_column(glb, "names")["stringOffsets"], struct.pack("<3I", 0, 9, 12))


@_defect("METADATA_VALUE_NOT_FINITE")
def height_nan(glb: Glb) -> None:
    glb.write_view(_column(glb, "height")["values"], struct.pack("<d", float("nan")))


@_defect("METADATA_VALUE_NOT_IN_RANGE")
def storeys_above_max(glb: Glb) -> None:
    glb.write_view(_column(glb, "storeys")["values"], struct.pack("<i", 201))


@_defect("METADATA_VALUE_NOT_IN_RANGE")
def storeys_without_no_data(glb: Glb) -> None:
    _class_property(glb, "storeys").pop("noData")


@_defect("METADATA_VALUE_NOT_IN_RANGE")
def enum_value_unknown(glb: Glb) -> None:
    glb.write_view(_column(glb, "kind")["values"], struct.pack("<H", 7))


@_defect("METADATA_VALUE_MISMATCH")
def table_max_larger_than_values(glb: Glb) -> None:
    _column(glb, "height")["max"] = 10.0


@_defect("STRING_PATTERN_MISMATCH")
def schema_property_id_umlaut(glb: Glb) -> None:
    schema = _metadata(glb)["schema"]["classes"]["building"]["properties"]
    schema["Höhe"] = {"type": "SCALAR", "componentType": "FLOAT64"}
