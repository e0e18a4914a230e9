"""Files to sources: what a file holds is told by its content, never by its name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Final

from citygml.cityjson import CityJSONSource
from citygml.findings import finding
from citygml.prolog import Found, UnknownEncodingError, encoding_of, first_construct
from citygml.reader import CityGMLSource
from citygml.shares import Share, cut
from zwilling.errors import SourceError
from zwilling.features import FeatureBatch, FeatureSource
from zwilling.issues import Issue
from zwilling.packed import Packing, heads, opened, packing_of, plain_file
from zwilling.region import Region

_HEAD: Final = 1 << 16
_NO_ELEMENT: Final = re.compile(r"<!--.*?-->|<\?.*?\?>", re.DOTALL)
_ROOT: Final = re.compile(r"<(?:[^\s<>/:]+:)?([^\s<>/:]+)")
_USUAL_RATIO: Final = 12  # of gzip and CityGML
_CITYJSON: Final = re.compile(rb'"type"\s*:\s*"CityJSON')
_MOST_NAMED: Final = 5


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
    findings: tuple[Issue, ...] = ()
    if _packing(path) is Packing.ZIP:
        names, findings = _models(path)
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
    if findings:
        sources[0] = _Told(sources[0], findings)
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
        with plain_file(path) as file:
            return packing_of(file.read(4))
    except (OSError, SourceError):
        return Packing.NONE


@dataclass(frozen=True, slots=True)
class _Told:
    """A source with findings about the archive that it comes from."""

    source: FeatureSource
    findings: tuple[Issue, ...]

    @property
    def name(self) -> str:
        return self.source.name

    def batches(self) -> Iterator[FeatureBatch]:
        findings = self.findings
        for batch in self.source.batches():
            yield replace(batch, issues=(*findings, *batch.issues))
            findings = ()


class _Holds(Enum):
    """What an archive's entry is taken for."""

    MODEL = "a city model, or what has to be refused aloud"
    CODE_LIST = "a gml:Dictionary"
    ARCHIVE = "an archive"
    OTHER = "something else"


def _models(path: Path) -> tuple[list[str], tuple[Issue, ...]]:
    """Return the names of an archive's city models, and findings about what else there is.

    Raises:
        SourceError: the archive cannot be trusted, or holds no city model.
    """
    held = {name: _held(head) for name, head in heads(path, _HEAD)}
    models = [name for name, kind in held.items() if kind is _Holds.MODEL]
    archives = [name for name, kind in held.items() if kind is _Holds.ARCHIVE]
    if not models:
        remedy = "unpack the archives in it" if archives else "check what archive it is"
        raise SourceError("holds no CityGML and no CityJSON", source=path, remedy=remedy)
    others = [name for name, kind in held.items() if kind is _Holds.OTHER]
    findings = [
        finding(code, str(path), f"{len(found)} of {len(held)} entries", f"{problem}: {_listed(found)}")
        for code, found, problem in (
            ("ARCHIVE_IN_ARCHIVE", archives, "archives in the archive are not read"),
            ("ENTRIES_PASSED_OVER", others, "neither CityGML nor CityJSON, so not read"),
        )
        if found
    ]
    return models, tuple(findings)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(name[:80] for name in names[:_MOST_NAMED]) + more


def _held(head: bytes) -> _Holds:
    """Return what an archive's entry with these first bytes is taken for."""
    if packing_of(head) is not Packing.NONE:
        return _Holds.ARCHIVE
    if _begins_json(head):
        return _Holds.MODEL if _CITYJSON.search(head) else _Holds.OTHER
    try:
        encoding = encoding_of(head)
    except UnknownEncodingError:
        return _Holds.MODEL
    found = first_construct(head, encoding)
    if found is not Found.ROOT:
        return _Holds.MODEL if found is Found.DOCTYPE else _Holds.OTHER
    root = _ROOT.search(_NO_ELEMENT.sub("", head[encoding.skip :].decode(encoding.name, "replace")))
    return _ROOTS.get("" if root is None else root[1], _Holds.OTHER)


_ROOTS: Final = {
    "CityModel": _Holds.MODEL,
    "FeatureCollection": _Holds.MODEL,
    "Dictionary": _Holds.CODE_LIST,
}


def _is_json(path: Path, entry: str) -> bool:
    try:
        with opened(path, entry) as stream:
            return _begins_json(stream.read(_HEAD))
    except SourceError:
        return False  # its reader says why


def _begins_json(head: bytes) -> bool:
    # In UTF-16 it is no JSON, which its reader says.
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"{", b"\xff\xfe{", b"\xfe\xff\0{"))
