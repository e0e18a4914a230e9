"""What a check can find: every code, how much it matters, and what it means.

Three vocabularies meet here, and none is ours where a standard one exists: issue types of the CesiumGS 3D Tiles
validator for tilesets and metadata, codes of the Khronos glTF validator for GLB and glTF, and, where neither has
a word, our own.  `docs/developers/checking.md` lists them all; a test keeps the two the same.
"""

from __future__ import annotations

from zwilling.issues import Severity

_ERROR, _WARNING, _INFO = Severity.ERROR, Severity.WARNING, Severity.INFO

TILESET_CODES = {
    "ANY_OF_ERROR": (_ERROR, "none of several alternatives is given, for example a volume without box, region, sphere"),
    "ARRAY_ELEMENT_TYPE_MISMATCH": (_ERROR, "an element of a JSON array has the wrong type"),
    "ARRAY_LENGTH_MISMATCH": (_ERROR, "a JSON array has too few or too many elements"),
    "ASSET_VERSION_UNKNOWN": (_WARNING, "`asset.version` is neither 1.0 nor 1.1"),
    "BOUNDING_VOLUME_INVALID": (_ERROR, "a volume's numbers make no volume, for example a negative radius"),
    "BOUNDING_VOLUMES_INCONSISTENT": (_ERROR, "a content's volume is not inside its tile's volume"),
    "CONTENT_NOT_ENCLOSED_BY_BOUNDING_VOLUME": (_ERROR, "vertices lie outside their tile, an ancestor, or the content"),
    "EXTENSION_FOUND_BUT_NOT_USED": (_ERROR, "an extension is there, but not in `extensionsUsed`"),
    "EXTENSION_REQUIRED_BUT_NOT_DECLARED": (_ERROR, "no client can do without it, but `extensionsRequired` lacks it"),
    "EXTENSION_REQUIRED_BUT_NOT_USED": (_ERROR, "in `extensionsRequired`, but not in `extensionsUsed`"),
    "EXTENSION_USED_BUT_NOT_FOUND": (_WARNING, "in `extensionsUsed`, but nowhere in the document"),
    "IDENTIFIER_NOT_FOUND": (_ERROR, "a name refers to nothing, for example a class the schema does not have"),
    "IO_ERROR": (_ERROR, "a file cannot be read"),
    "JSON_PARSE_ERROR": (_ERROR, "a file is not JSON"),
    "ONE_OF_ERROR": (_ERROR, "two things are given that exclude each other, for example `content` and `contents`"),
    "PROPERTIES_MINIMUM_LARGER_THAN_MAXIMUM": (_ERROR, "an entry of `tileset.properties` has its ends swapped"),
    "PROPERTY_MISSING": (_ERROR, "a required JSON property is missing"),
    "REQUIRED_VALUE_NOT_FOUND": (_ERROR, "something needs another thing that is not there, as metadata a schema"),
    "STRING_LENGTH_MISMATCH": (_ERROR, "a string is too short"),
    "STRING_PATTERN_MISMATCH": (
        _ERROR,
        "a string does not match its pattern, for example an identifier with an umlaut",
    ),
    "TILE_GEOMETRIC_ERRORS_INCONSISTENT": (_WARNING, "a tile's geometric error is larger than its parent's"),
    "TILE_REFINE_MISSING_IN_ROOT": (_ERROR, "the root tile has no `refine`"),
    "TILE_REFINE_WRONG_CASE": (_WARNING, "`refine` is not in capitals"),
    "TRANSFORM_INVALID": (_ERROR, "a tile's matrix is not affine or cannot be inverted"),
    "TYPE_MISMATCH": (_ERROR, "a JSON property has the wrong type"),
    "VALUE_NOT_IN_LIST": (_ERROR, "a value is none of the allowed ones"),
    "VALUE_NOT_IN_RANGE": (_ERROR, "a number is too small or too large"),
}

METADATA_CODES = {
    "CLASS_PROPERTY_COMPONENT_TYPE_FOR_NON_NUMERIC_TYPE": (_ERROR, "a STRING, BOOLEAN or ENUM has a `componentType`"),
    "CLASS_PROPERTY_COMPONENT_TYPE_MISSING": (_ERROR, "a numeric property has no `componentType`"),
    "CLASS_PROPERTY_COUNT_FOR_NON_ARRAY": (_ERROR, "`count` is given, but the property is no array"),
    "CLASS_PROPERTY_ENUM_TYPE_WITHOUT_ENUMTYPE": (_ERROR, "an ENUM does not say which"),
    "CLASS_PROPERTY_ENUM_VALUE_NAME_NOT_FOUND": (_ERROR, "`noData` or `default` names no value of the enum"),
    "CLASS_PROPERTY_ENUMTYPE_NOT_FOUND": (_ERROR, "the schema has no such enum"),
    "CLASS_PROPERTY_ENUMTYPE_WITH_NON_ENUM_TYPE": (_ERROR, "`enumType` is given, but the type is not ENUM"),
    "CLASS_PROPERTY_INCONSISTENT": (_ERROR, "`noData` or `default` of a required property, or `noData` of a BOOLEAN"),
    "CLASS_PROPERTY_NORMALIZED_FOR_NON_NORMALIZABLE_TYPE": (_ERROR, "`normalized`, but no integer type"),
    "CLASS_PROPERTIES_DUPLICATE_SEMANTIC": (_ERROR, "two properties of one class have the same semantic"),
    "ENUM_VALUE_DUPLICATE_NAME": (_ERROR, "two values of an enum have the same name"),
    "ENUM_VALUE_DUPLICATE_VALUE": (_ERROR, "two names of an enum have the same value"),
    "FEATURE_COUNT_MISMATCH": (_ERROR, "there are more different feature ids than `featureCount`"),
    "INVALID_GLTF_STRUCTURE": (_ERROR, "a metadata extension points at something unfit, as a VEC3 of feature ids"),
    "METADATA_INVALID_ALIGNMENT": (_ERROR, "a column does not start at a multiple of its component's size"),
    "METADATA_INVALID_LENGTH": (_ERROR, "a column is too short for its rows"),
    "METADATA_INVALID_OFFSETS": (_ERROR, "string or array offsets go down, or past the end"),
    "METADATA_MIN_MAX_FOR_NON_NUMERIC_TYPE": (_ERROR, "`min` or `max` of something that is no number"),
    "METADATA_OFFSET_SCALE_FOR_NON_FLOATING_POINT_TYPE": (_ERROR, "`offset` or `scale` of something that has no parts"),
    "METADATA_VALUE_MISMATCH": (_ERROR, "a table's stated `min` or `max` is not that of its values"),
    "METADATA_VALUE_NOT_IN_RANGE": (_ERROR, "a value is outside the stated `min` and `max`"),
    "METADATA_VALUE_REQUIRED_BUT_MISSING": (_ERROR, "a required property has no value"),
}

GLTF_CODES = {
    "ACCESSOR_INDEX_OOB": (_ERROR, "an index points past the last vertex"),
    "ACCESSOR_INDEX_PRIMITIVE_RESTART": (_ERROR, "an index is the restart value"),
    "ACCESSOR_INVALID_FLOAT": (_ERROR, "a number is NaN or infinite"),
    "ACCESSOR_MAX_MISMATCH": (_ERROR, "`max` of an accessor is not the largest value"),
    "ACCESSOR_MIN_MISMATCH": (_ERROR, "`min` of an accessor is not the smallest value"),
    "ACCESSOR_OFFSET_ALIGNMENT": (_ERROR, "an accessor's offset is not a multiple of its component's size"),
    "ACCESSOR_TOTAL_OFFSET_ALIGNMENT": (_ERROR, "together with the offset of its buffer view it is not"),
    "ACCESSOR_TOO_LONG": (_ERROR, "an accessor reaches past its buffer view"),
    "ACCESSOR_VECTOR3_NON_UNIT": (_ERROR, "a normal is not of length 1"),
    "BUFFER_GLB_CHUNK_TOO_BIG": (_WARNING, "the binary chunk is more than 3 bytes longer than its buffer"),
    "BUFFER_BYTE_LENGTH_MISMATCH": (_ERROR, "a buffer is longer than its binary chunk"),
    "BUFFER_VIEW_TOO_LONG": (_ERROR, "a buffer view reaches past its buffer"),
    "GLB_CHUNK_LENGTH_UNALIGNED": (_ERROR, "a chunk's length is not a multiple of 4"),
    "GLB_CHUNK_TOO_BIG": (_ERROR, "a chunk reaches past the length that the header gives"),
    "GLB_DUPLICATE_CHUNK": (_ERROR, "there are two JSON or two binary chunks"),
    "GLB_EXTRA_DATA": (_WARNING, "the file is longer than its header says"),
    "GLB_INVALID_MAGIC": (_ERROR, "the file does not begin with `glTF`"),
    "GLB_INVALID_VERSION": (_ERROR, "the container is not version 2"),
    "GLB_LENGTH_MISMATCH": (_ERROR, "the length in the header is not that of the chunks"),
    "GLB_LENGTH_TOO_SMALL": (_ERROR, "the length in the header leaves no room for a chunk"),
    "GLB_UNEXPECTED_END_OF_CHUNK_DATA": (_ERROR, "the file ends within a chunk"),
    "GLB_UNEXPECTED_END_OF_CHUNK_HEADER": (_ERROR, "the file ends within a chunk header"),
    "GLB_UNEXPECTED_END_OF_HEADER": (_ERROR, "the file is shorter than a header"),
    "GLB_UNEXPECTED_FIRST_CHUNK": (_ERROR, "the first chunk is not the JSON chunk"),
    "MESH_PRIMITIVE_ATTRIBUTES_ACCESSOR_INVALID_FORMAT": (_ERROR, "an attribute has a type it cannot have"),
    "MESH_PRIMITIVE_ATTRIBUTES_ACCESSOR_UNSIGNED_INT": (_ERROR, "a vertex attribute is of 32-bit integers"),
    "MESH_PRIMITIVE_INCOMPATIBLE_MODE": (_WARNING, "the number of indices makes no whole triangles"),
    "MESH_PRIMITIVE_INDICES_ACCESSOR_INVALID_FORMAT": (_ERROR, "indices are no unsigned integers"),
    "MESH_PRIMITIVE_UNEQUAL_ACCESSOR_COUNT": (_ERROR, "the attributes of one primitive differ in length"),
    "MESH_PRIMITIVE_ACCESSOR_UNALIGNED": (_ERROR, "vertices do not start at multiples of 4 bytes"),
    "NODE_LOOP": (_ERROR, "a node is its own ancestor, or has two parents"),
    "NODE_MATRIX_NON_TRS": (_ERROR, "a node's matrix is not affine, or cannot be inverted"),
    "ROTATION_NON_UNIT": (_ERROR, "a node's rotation is not a unit quaternion"),
    "UNDECLARED_EXTENSION": (_ERROR, "an extension is there, but not in the glTF's `extensionsUsed`"),
    "UNRESOLVED_REFERENCE": (_ERROR, "an index points past the end of its list"),
    "VALUE_MULTIPLE_OF": (_ERROR, "a stride is not a multiple of 4"),
}

OWN_CODES = {
    "BOX_AXES_NOT_ORTHOGONAL": (_WARNING, "a box is skewed; clients take its axes for orthogonal"),
    "CONTENT_EMPTY": (_WARNING, "a content draws nothing"),
    "EXTERNAL_TILESET_CYCLE": (_ERROR, "an external tileset contains itself"),
    "FEATURE_WITHOUT_GEOMETRY": (_INFO, "rows of a property table that no vertex refers to"),
    "MESHOPT_INVALID": (_ERROR, "a compressed buffer view breaks EXT_meshopt_compression, or cannot be decoded"),
    "METADATA_VALUE_NOT_FINITE": (_WARNING, "a column holds NaN or infinity; `noData` is the way to say missing"),
    "METADATA_VALUE_NOT_UTF8": (_ERROR, "a text in a column is not UTF-8"),
    "NOT_CHECKED": (_WARNING, "valid perhaps, but this check does not look into it"),
    "TOO_LARGE": (_ERROR, "larger than this check is willing to read; nothing further was looked at there"),
    "TOO_MANY_ISSUES": (_ERROR, "further findings were counted, but not kept"),
    "TRIANGLE_AGAINST_NORMAL": (
        _WARNING,
        "triangles that face away from their normals by more than 20 degrees: they look inside out",
    ),
    "TRIANGLE_DEGENERATE": (_INFO, "triangles without area"),
    "TRIANGLE_SPANS_FEATURES": (_WARNING, "triangles whose corners belong to different features"),
    "URI_NOT_LOCAL": (_ERROR, "an address leads to the network or is a `data:` URI; nothing is fetched"),
    "URI_OUTSIDE_TILESET": (_ERROR, "an address leads out of the tileset's folder"),
}

CODES: dict[str, tuple[Severity, str]] = {**TILESET_CODES, **METADATA_CODES, **GLTF_CODES, **OWN_CODES}
