"""Files to sources: what a file holds is told by its content, never by its name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from citygml.cityjson import CityJSONSource
from citygml.content import Packing, entries, opened, packing_of
from citygml.prolog import Found, UnknownEncodingError, encoding_of, first_construct
from citygml.reader import CityGMLSource
from citygml.shares import Share, cut
from zwilling.errors import SourceError
from zwilling.features import FeatureSource
from zwilling.region import Region

_HEAD: Final = 1 << 16
_NO_ELEMENT: Final = re.compile(r"<!--.*?-->|<\?.*?\?>", re.DOTALL)
_ROOT: Final = re.compile(r"<(?:[^\s<>/:]+:)?([^\s<>/:]+)")
_USUAL_RATIO: Final = 12  # of gzip and CityGML
_CITYJSON: Final = re.compile(rb'"type"\s*:\s*"CityJSON')
_MODEL_ROOTS: Final = ("CityModel", "FeatureCollection")


def open_source(
    path: Path,
    *,
    crs: str | None = None,
    region: Region | None = None,
    skip_empty: bool = False,
    lod: int | None = None,
    in_shares: bool = False,
) -> list[FeatureSource]:
    """Return what a file holds, in its own order: one source, one for each model in an archive, or its shares.

    Args:
        path: CityGML, CityJSON or CityJSONSeq; also as gzip, or any number of them in a zip archive.
        crs: see `CityGMLSource`, as for `region`, `skip_empty` and `lod`.
        in_shares: cut a large file, so that several processes can read it; what is packed is never cut.

    Raises:
        SourceError: an archive cannot be trusted, or holds no city model.
        UnknownCRSError: `crs` names no CRS.
    """
    names = [""]
    if _packing(path) is Packing.ZIP:
        names = [entry.name for entry in entries(path) if _is_model(path, entry.name)]
        if not names:
            raise SourceError("holds no CityGML and no CityJSON", source=path, remedy="check what archive it is")
    sources: list[FeatureSource] = []
    for name in names:
        if _is_json(path, name):
            sources.append(CityJSONSource(path, crs=crs, region=region, skip_empty=skip_empty, lod=lod, entry=name))
            continue
        shares: Sequence[Share | None] = cut(path) if in_shares and not name else ()
        sources.extend(
            CityGMLSource(path, crs=crs, region=region, skip_empty=skip_empty, lod=lod, share=share, entry=name)
            for share in shares or (None,)
        )
    return sources


def is_cityjson(path: Path) -> bool:
    """Return whether a file says that it is CityJSON, as the tilesets and settings do not that are JSON, too."""
    try:
        with opened(path) as stream:
            head = stream.read(_HEAD)
            if not _begins_json(head):
                return False
            tail = b""
            while chunk := stream.read(_HEAD):
                tail = (tail + chunk)[-_HEAD:]
    except SourceError:
        return False
    return _CITYJSON.search(head) is not None or _CITYJSON.search(tail) is not None


def unpacked_size(path: Path) -> int:
    """Return about how many bytes a file has when it is unpacked, without unpacking it; 0 where it cannot be read."""
    try:
        size = path.stat().st_size
    except OSError:
        return 0
    return size if _packing(path) is Packing.NONE else size * _USUAL_RATIO


def _packing(path: Path) -> Packing:
    """Return how a file is packed; one that cannot be opened is left to its reader, which says why."""
    try:
        with path.open("rb") as file:
            return packing_of(file.read(4))
    except OSError:
        return Packing.NONE


def _is_model(path: Path, entry: str) -> bool:
    """Return whether an archive's entry should be read: it seems to be a city model, or has to be refused aloud."""
    with opened(path, entry) as stream:
        head = stream.read(_HEAD)
    if _begins_json(head):
        return _CITYJSON.search(head) is not None
    try:
        encoding = encoding_of(head)
    except UnknownEncodingError:
        return True
    found = first_construct(head, encoding)
    if found is not Found.ROOT:
        return found is Found.DOCTYPE
    root = _ROOT.search(_NO_ELEMENT.sub("", head[encoding.skip :].decode(encoding.name, "replace")))
    return root is not None and root[1] in _MODEL_ROOTS


def _is_json(path: Path, entry: str) -> bool:
    try:
        with opened(path, entry) as stream:
            return _begins_json(stream.read(_HEAD))
    except SourceError:
        return False  # its reader says why


def _begins_json(head: bytes) -> bool:
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")
