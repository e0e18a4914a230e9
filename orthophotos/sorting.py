"""Pictures apart from terrain, where a user names both in one breath."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orthophotos.formats import Format, format_of
from orthophotos.heads import read_head


@dataclass(frozen=True, slots=True)
class Rasters:
    """Files by what they show.

    Attributes:
        pictures: orthophotos.
        heights: terrain models.
    """

    pictures: tuple[Path, ...]
    heights: tuple[Path, ...]


def sort_rasters(paths: Sequence[Path]) -> Rasters:
    """Return which files are pictures and which are terrain, each in the order in which it was named.

    Terrain is what stands in text or is packed, and a TIFF of one band whose numbers are no bytes.

    Raises:
        SourceError: a file cannot be read, or is of a kind that is not read.
    """
    heights = tuple(path for path in paths if _is_terrain(path))
    return Rasters(tuple(path for path in paths if path not in heights), heights)


def _is_terrain(path: Path) -> bool:
    kind = format_of(path)
    if kind in (Format.JPEG2000, Format.JPEG, Format.PNG):
        return False
    if kind is not Format.TIFF:
        return True
    head = read_head(path, kind=kind)
    return head.bands == 1 and head.dtypes[0] not in ("uint8", "int8")
