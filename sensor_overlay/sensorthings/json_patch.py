"""Changes of a JSON document, as a list of operations: jsonpatch, with bounds.

Spec: RFC 6902 (JSON Patch), RFC 6901 (JSON Pointer).
"""

from __future__ import annotations

import copy
from typing import Any, Final

import msgspec
from jsonpatch import JsonPatchException, apply_patch
from jsonpointer import JsonPointerException, resolve_pointer

from sensor_overlay.sensorthings.errors import BadRequestError

MOST_OPERATIONS: Final = 1_000
MOST_COPIED: Final = 1 << 20
"""Bytes that all `copy` of one patch may add: thirty that double a list would fill any memory."""


def patched(document: Any, operations: Any) -> Any:
    """Return a document after all operations; the one given stays as it is.

    Raises:
        BadRequestError: an operation is none, or cannot be done; then none is.

    Example:
        >>> patched({"a": [1, 2]}, [{"op": "add", "path": "/a/1", "value": 9}, {"op": "remove", "path": "/a/0"}])
        {'a': [9, 2]}
    """
    if not isinstance(operations, list) or len(operations) > MOST_OPERATIONS:
        raise BadRequestError(f"a JSON Patch is a list of at most {MOST_OPERATIONS} operations")
    result = copy.deepcopy(document)
    copied = 0
    for number, operation in enumerate(operations, 1):
        try:
            if operation["op"] == "copy":
                copied += len(msgspec.json.encode(resolve_pointer(result, operation["from"])))
                if copied > MOST_COPIED:
                    raise BadRequestError(f"operation {number} of the JSON Patch copies too much")
            result = apply_patch(result, [operation], in_place=True)
        except (JsonPatchException, JsonPointerException, KeyError, IndexError, TypeError, ValueError) as error:
            raise BadRequestError(f"operation {number} of the JSON Patch cannot be done") from error
    return result
