"""Extensions: what a document declares must be what it has.

Spec: glTF 2.0, "Specifying Extensions"; 3D Tiles 1.1 (OGC 22-025r4), `core-extensions`.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Any

from tiler.check.fields import JsonObject, get_strings
from tiler.check.findings import Place


def check_declarations(
    document: JsonObject, place: Place, undeclared_code: str, *, found: Set[str] = frozenset()
) -> None:
    """Report extensions that are there and not declared, or declared and not there.

    Args:
        document: a tileset.json or glTF.
        place: of the document.
        undeclared_code: what its standard's validator calls an extension that is not declared.
        found: extensions that are there without an object of their name.
    """
    used = set(get_strings(document, "extensionsUsed", place))
    required = set(get_strings(document, "extensionsRequired", place))
    there = found | set(_names(document))
    for name in sorted(there - used):
        place.at("extensionsUsed").report(undeclared_code, f"{name} is there, but not in 'extensionsUsed'")
    for name in sorted(required - used):
        place.at("extensionsRequired").report("EXTENSION_REQUIRED_BUT_NOT_USED", f"{name} is not in 'extensionsUsed'")
    for name in sorted(used - there):
        place.at("extensionsUsed").report("EXTENSION_USED_BUT_NOT_FOUND", f"{name} is declared, but not found")


def _names(document: JsonObject) -> Iterator[str]:
    stack: list[Any] = [document]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            extensions = value.get("extensions")
            if isinstance(extensions, dict):
                yield from extensions
            # `extras` may hold anything, also what looks like an extension.
            stack += [inner for key, inner in value.items() if key != "extras"]
        elif isinstance(value, list):
            stack += value
