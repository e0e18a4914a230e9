"""What kind of layer a file belongs to, told by its first bytes and never by its name alone."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence, Set
from pathlib import Path, PurePosixPath
from typing import Literal

from zwilling.errors import SourceError

LayerKind = Literal["buildings", "ground", "points"]
_HEAD = 512
_POINTS = b"LASF"
_POINT_NAMES = frozenset((".las", ".laz"))
_RASTERS = (
    (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"\0\0\0\x0cjP", b"\xff\x4f\xff\x51", b"\xff\xd8\xff", b"\x89PNG")
)  # fmt: skip
_GRID_NAMES = frozenset((".xyz", ".asc", ".grd", ".dgm", ".dtm", ".tif", ".tiff"))
_PICTURE_NAMES = frozenset((".jp2", ".j2k", ".jpg", ".jpeg", ".png"))
_MODEL_NAMES = frozenset((".gml", ".citygml", ".jsonl"))
# Metadata beside rasters has such names, too.
_PERHAPS_MODEL_NAMES = frozenset((".xml", ".json"))
_PERHAPS_GRID_NAMES = frozenset((".txt", ".csv"))
_HELD = {"buildings": "a city model", "ground": "a picture or terrain", "points": "a point cloud"}


def kind_of_all(paths: Sequence[Path]) -> LayerKind:
    """Return the kind of layer that all files belong to; what is of no known kind follows the others.

    Raises:
        SourceError: they are of several kinds, which need a layer each, or a folder of point clouds is among them.
    """
    for path in paths:
        _refuse_folder_of_points(path)
    kinds = {path: kind for path in paths if (kind := _known_kind(path)) is not None}
    counts = Counter(kinds.values())
    if len(counts) > 1:
        rare = min(counts, key=lambda kind: counts[kind])
        odd = next(path for path, kind in kinds.items() if kind == rare)
        other, common = next((path, kind) for path, kind in kinds.items() if kind != rare)
        raise SourceError(
            f"holds {_HELD[rare]}, but {other.name} holds {_HELD[common]}",
            source=odd,
            remedy="run 'zwilling tile' for each kind, or name them as two layers in zwilling.toml",
        )
    return next(iter(counts), "buildings")


def kind_of(path: Path) -> LayerKind:
    """Return the kind of layer that a file belongs to; `buildings`, whose reader says what is wrong, where in doubt."""
    return _known_kind(path) or "buildings"


def _known_kind(path: Path) -> LayerKind | None:
    try:
        if not path.is_file():
            return None
        if path.suffix.lower() in _POINT_NAMES:
            return "points"  # whatever is in it: its reader has words for web pages and archives of that name
        with path.open("rb") as file:
            head = file.read(_HEAD)
        if head.startswith(b"\x1f\x8b"):
            with gzip.open(path) as unpacked:
                head = unpacked.read(_HEAD)
        elif head.startswith(b"PK\x03\x04"):
            with zipfile.ZipFile(path) as archive:
                return _kind_of_archive({PurePosixPath(name).suffix.lower() for name in archive.namelist()[:1000]})
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile):
        return None
    if head.startswith(_POINTS):
        return "points"
    if head.startswith(_RASTERS) or _is_grid_of_numbers(head):
        return "ground"
    is_named_raster = path.suffix.lower() in _GRID_NAMES | _PICTURE_NAMES
    if head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")[:1] in (b"<", b"{"):
        # A web page that says "not found", or a description of rasters elsewhere: their reader has words for it.
        return "ground" if is_named_raster and b"CityModel" not in head else "buildings"
    return "ground" if is_named_raster else None


def _kind_of_archive(names: Set[str]) -> LayerKind | None:
    """Return the kind of layer that an archive belongs to, by the suffixes of the names in it."""
    kinds: tuple[tuple[Set[str], LayerKind], ...] = (
        (_MODEL_NAMES, "buildings"),
        (_GRID_NAMES, "ground"),
        (_POINT_NAMES, "points"),
        (_PERHAPS_MODEL_NAMES, "buildings"),
        (_PICTURE_NAMES | _PERHAPS_GRID_NAMES, "ground"),
    )
    return next((kind for suffixes, kind in kinds if names & suffixes), None)


def _refuse_folder_of_points(path: Path) -> None:
    """Stop where a folder is named that holds point clouds: which files a layer is made of is said file by file."""
    if not path.is_dir():
        return
    names = sorted(child.name for child in path.iterdir() if child.suffix.lower() in _POINT_NAMES)
    if names:
        pattern = f"{path}/*{PurePosixPath(names[0]).suffix}"
        raise SourceError(
            f"is a folder, with {len(names)} point clouds", source=path, remedy=f"name its files: {pattern}"
        )


def _is_grid_of_numbers(head: bytes) -> bool:
    """Return whether text begins as XYZ and ASCII grids do: a word or a number, and no bracket anywhere."""
    if not head or b"\0" in head or b"<" in head or b"{" in head:
        return False
    lines = head.removeprefix(b"\xef\xbb\xbf").lstrip().decode("latin-1").splitlines()
    if not lines:
        return False
    words = lines[0].replace(";", " ").replace(",", " ").split()
    following = lines[1].replace(";", " ").replace(",", " ").split() if len(lines) > 1 else words
    return bool(words) and (words[0].lower() in ("ncols", "nrows") or _are_numbers(words) or _are_numbers(following))


def _are_numbers(words: Sequence[str]) -> bool:
    try:
        return len([float(word) for word in words]) >= 3
    except ValueError:
        return False
