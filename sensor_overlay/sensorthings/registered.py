"""Members of a thing's `properties` that the registry keeps in columns of its own.

They are shown, filtered and written as if they stood in the document, and they never do: what decides who sees a thing,
which rules apply to it and where it is in the twin has one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from sensor_overlay.sensorthings.errors import BadRequestError

TEXTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "site": "site",
        "siteName": "site_name",
        "building": "building",
        "storey": "storey",
        "room": "room",
        "municipality": "municipality",
    }
)
"""Column by member; an empty column is no member."""

FLAGS: Final[Mapping[str, str]] = MappingProxyType({"test": "is_test", "synthetic": "is_synthetic"})
"""Column by member; only what is true is shown."""

ACCESS: Final = "access"
"""Taken where it is written, and shown to nobody: who may see a thing is no business of those who see it."""
GROUPS: Final = ("public", "staff", "crisis")

COLUMNS: Final = (*TEXTS.values(), *FLAGS.values())
_LENGTHS: Final = {"site": 200, "building": 200, "storey": 40, "room": 80}


def merged(document: Any, row: Mapping[str, Any]) -> Any:
    """Return `properties` as it is shown."""
    found = {member: row[column] for member, column in TEXTS.items() if row[column]}
    found |= {member: True for member, column in FLAGS.items() if row[column]}
    if not found:
        return document
    return {**(document if isinstance(document, dict) else {}), **found}


def parted(properties: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what of `properties` is kept as a document, and columns of `thing` with their values.

    Raises:
        BadRequestError: a member that the registry knows is not what it must be.
    """
    columns: dict[str, Any] = {}
    document = dict(properties)
    for member, column in TEXTS.items():
        if member in document:
            value = document.pop(member)
            if not isinstance(value, str) or len(value) > _LENGTHS.get(column, 1_000):
                raise BadRequestError(
                    f"properties/{member} is a text of at most {_LENGTHS.get(column, 1_000)} characters"
                )
            columns[column] = value
    for member, column in FLAGS.items():
        if member in document:
            value = document.pop(member)
            if not isinstance(value, bool):
                raise BadRequestError(f"properties/{member} is true or false")
            columns[column] = value
    if ACCESS in document:
        value = document.pop(ACCESS)
        if value not in GROUPS:
            raise BadRequestError(f"properties/{ACCESS} is one of {', '.join(GROUPS)}")
        columns["access"] = value
    return document, columns
