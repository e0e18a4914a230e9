"""Changes of a JSON document, as a list of operations.

Spec: RFC 6902 (JSON Patch), RFC 6901 (JSON Pointer).
"""

from __future__ import annotations

import copy
from typing import Any

from sensor_overlay.sensorthings.errors import BadRequestError


def patched(document: Any, operations: Any) -> Any:
    """Return a document after all operations; the one given stays as it is.

    Raises:
        BadRequestError: an operation is none, or cannot be done; then none is.

    Example:
        >>> patched({"a": [1, 2]}, [{"op": "add", "path": "/a/1", "value": 9}, {"op": "remove", "path": "/a/0"}])
        {'a': [9, 2]}
    """
    if not isinstance(operations, list):
        raise BadRequestError("a JSON Patch is a list of operations")
    result = copy.deepcopy(document)
    for number, operation in enumerate(operations, 1):
        try:
            result = _applied(result, operation)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise BadRequestError(f"operation {number} of the JSON Patch cannot be done") from error
    return result


def _applied(document: Any, operation: Any) -> Any:
    path = _pointer(operation["path"])
    match operation["op"]:
        case "add":
            return _added(document, path, operation["value"])
        case "remove":
            return _removed(document, path)[0]
        case "replace":
            _at(document, path)
            if not path:
                return operation["value"]
            return _added(_removed(document, path)[0], path, operation["value"])
        case "move":
            source = _pointer(operation["from"])
            if path[: len(source)] == source and path != source:
                raise ValueError("into itself")
            rest, value = _removed(document, source)
            return _added(rest, path, value)
        case "copy":
            return _added(document, path, copy.deepcopy(_at(document, _pointer(operation["from"]))))
        case "test":
            if not _equal(_at(document, path), operation["value"]):
                raise ValueError("is not so")
            return document
        case _:
            raise ValueError("no operation")


def _pointer(text: Any) -> list[str]:
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise ValueError("no pointer")
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _index(part: str, most: int) -> int:
    if not part.isascii() or not part.isdecimal() or (len(part) > 1 and part[0] == "0") or int(part) > most:
        raise IndexError(part)
    return int(part)


def _at(document: Any, path: list[str]) -> Any:
    for part in path:
        document = document[_index(part, len(document) - 1)] if isinstance(document, list) else document[part]
    return document


def _added(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    parent, last = _at(document, path[:-1]), path[-1]
    if isinstance(parent, list):
        parent.insert(len(parent) if last == "-" else _index(last, len(parent)), value)
    elif isinstance(parent, dict):
        parent[last] = value
    else:
        raise TypeError("neither object nor list")
    return document


def _removed(document: Any, path: list[str]) -> tuple[Any, Any]:
    if not path:
        raise ValueError("the whole document")
    parent, last = _at(document, path[:-1]), path[-1]
    return document, parent.pop(_index(last, len(parent) - 1) if isinstance(parent, list) else last)


def _equal(a: Any, b: Any) -> bool:
    """JSON's equality: `true` is not 1."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_equal(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_equal, a, b))
    return bool(a == b)
