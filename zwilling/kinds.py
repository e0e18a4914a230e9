"""What kind of layer a file belongs to, told by its first bytes and never by its name alone."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Literal

from zwilling.errors import SourceError

LayerKind = Literal["buildings", "ground"]
_HEAD = 512
_RASTERS = (
    (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"\0\0\0\x0cjP", b"\xff\x4f\xff\x51", b"\xff\xd8\xff", b"\x89PNG")
)  # fmt: skip
_RASTER_NAMES = frozenset((".xyz", ".asc", ".txt", ".csv", ".tif", ".tiff"))


def kind_of_all(paths: Sequence[Path]) -> LayerKind:
    """Return the kind of layer that all files belong to.

    Raises:
        SourceError: they are of several kinds, which need a layer each.
    """
    kinds = {path: kind_of(path) for path in paths}
    if len(set(kinds.values())) > 1:
        counts = Counter(kinds.values())
        rare = min(counts, key=lambda kind: counts[kind])
        odd = next(path for path, kind in kinds.items() if kind == rare)
        common = next(kind for kind in counts if kind != rare)
        raise SourceError(
            f"belongs to a layer of kind '{rare}', other files to one of kind '{common}'",
            source=odd,
            remedy="make a tileset of each kind",
        )
    return next(iter(kinds.values()))


def kind_of(path: Path) -> LayerKind:
    """Return the kind of layer that a file belongs to; `buildings`, whose reader says what is wrong, where in doubt."""
    try:
        if not path.is_file():
            return "buildings"
        with path.open("rb") as file:
            head = file.read(_HEAD)
        if head.startswith(b"\x1f\x8b"):
            with gzip.open(path) as unpacked:
                head = unpacked.read(_HEAD)
        elif head.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(path) as archive:
                names = [PurePosixPath(name).suffix.lower() for name in archive.namelist()[:1000]]
            return "ground" if any(name in _RASTER_NAMES for name in names) and ".gml" not in names else "buildings"
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile):
        return "buildings"
    if head.startswith(_RASTERS):
        return "ground"
    return "ground" if _is_grid_of_numbers(head) else "buildings"


def _is_grid_of_numbers(head: bytes) -> bool:
    """Return whether text begins as XYZ and ASCII grids do: a word or a number, and no bracket anywhere."""
    if not head or b"\0" in head or b"<" in head or b"{" in head:
        return False
    lines = head.decode("latin-1").splitlines()
    words = lines[0].replace(";", " ").replace(",", " ").split()
    following = lines[1].replace(";", " ").replace(",", " ").split() if len(lines) > 1 else words
    return bool(words) and (words[0].lower() in ("ncols", "nrows") or _are_numbers(words) or _are_numbers(following))


def _are_numbers(words: Sequence[str]) -> bool:
    try:
        return len([float(word) for word in words]) >= 3
    except ValueError:
        return False
