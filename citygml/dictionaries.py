"""Code lists that lie beside a source: `codeSpace` names a `gml:Dictionary`, which gives codes their meaning.

Looked for, in this order, and nowhere else: by its path from the source; by the last part of the path in the source's
own folder.  Nothing is ever fetched.  A path may climb out of the folder, as those of PLATEAU do
(`../../codelists/Building_usage.xml`), but only so far, only to a file named `*.xml`, and not by a link; in an archive
it never leaves the archive.

Spec: CityGML 2.0 (OGC 12-019), 6.6 "External code lists"; GML 3.1.1, 16 "Dictionaries".
"""

from __future__ import annotations

import os
import posixpath
import re
import stat
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from lxml import etree

from citygml.findings import Findings
from citygml.namespaces import GML, names
from citygml.prolog import Found, UnknownEncodingError, encoding_of, first_construct
from zwilling.errors import SourceError
from zwilling.packed import entries, opened

_LARGEST: Final = 1 << 23
# Of one source; PLATEAU's names some hundred.
_LARGEST_TOGETHER: Final = 1 << 26
_MOST: Final = 1000
_LONGEST_NAME: Final = 1000
# PLATEAU's water bodies climb four folders.
_MOST_FOLDERS_UP: Final = 4
_CODE: Final = re.compile(r"[A-Za-z]{0,3}[\d_.]+")
_DEFINITIONS: Final = names(GML, "Definition", "DefinitionProxy")
_NAMES: Final = frozenset(names(GML, "name", "identifier"))
_DESCRIPTIONS: Final = frozenset(names(GML, "description"))


class Dictionaries:
    """The code lists of one source; each is read when it is first named."""

    def __init__(self, path: Path, entry: str, findings: Findings) -> None:
        """Look beside the file `path`, or inside it, beside its `entry`, where it is an archive."""
        self._beside: _Folder | _Archive = _Archive(path, entry) if entry else _Folder(path.parent)
        self._findings = findings
        self._by_name: dict[str, dict[str, str]] = {}
        self._by_place: dict[str, dict[str, str]] = {}
        self._left = _LARGEST_TOGETHER

    def label(self, code_space: str, code: str) -> str:
        """Return what `code` means by the list that `code_space` names; `""` where that is not known."""
        known = self._by_name.get(code_space)
        if known is None:
            if not code_space or len(code_space) > _LONGEST_NAME or len(self._by_name) >= _MOST:
                return ""
            known = self._by_name[code_space] = self._load(code_space)
        return known.get(code, "")

    def _load(self, code_space: str) -> dict[str, str]:
        path = unquote(re.split("[#?]", code_space, maxsplit=1)[0])
        places = (self._beside.place_of(wanted) for wanted in (path, re.split(r"[/\\:]", path)[-1]))
        place = next(filter(None, places), None)
        if place is None:
            return {}
        if place not in self._by_place:
            self._by_place[place] = self._read(code_space, place)
        return self._by_place[place]

    def _read(self, code_space: str, place: str) -> dict[str, str]:
        try:
            most = min(_LARGEST, self._left)
            text = self._beside.read(place, most + 1)
            if len(text) > most:
                raise ValueError(f"it has more than the {most} bytes that may be read of it")
            self._left -= len(text)
            return _read(text)
        except SourceError as error:
            problem = error.problem
        except (OSError, ValueError, UnknownEncodingError, etree.XMLSyntaxError) as error:
            problem = str(error)
        message = f"the code list '{posixpath.basename(place)}' cannot be read ({problem}); its codes have no labels"
        self._findings.add("CODE_LIST_UNREADABLE", f"codeSpace={code_space[:120]}", message)
        return {}


class _Folder:
    """The folder that a source lies in, those below it, and a few above it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def place_of(self, wanted: str) -> str | None:
        """Return the path of the list that is meant, if there is one that may be read."""
        try:
            named = Path(os.path.normpath(self._folder / wanted))
            found = named.resolve()
            is_allowed = found.is_relative_to(self._folder) or (found == named and self._may_climb_to(wanted, found))
            return str(found) if is_allowed and found.is_file() else None
        except (OSError, ValueError, RuntimeError):
            return None

    def read(self, place: str, size: int) -> bytes:
        """Return the first `size` bytes of a list.

        Raises:
            OSError: it cannot be read.
        """
        # Neither waits for a pipe that was put there since, nor follows a link.
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise OSError("it is no file")
            return file.read(size)

    def _may_climb_to(self, wanted: str, found: Path) -> bool:
        common = Path(os.path.commonpath((self._folder, found)))
        folders_up = len(self._folder.parts) - len(common.parts)
        is_path = not wanted.startswith("/") and common != Path(common.anchor)
        return is_path and folders_up <= _MOST_FOLDERS_UP and found.suffix.lower() == ".xml"


class _Archive:
    """The archive that a source lies in."""

    def __init__(self, path: Path, entry: str) -> None:
        self._path = path
        self._folder = posixpath.dirname(entry)
        self._names: frozenset[str] | None = None

    def place_of(self, wanted: str) -> str | None:
        """Return the name of the entry that is meant, if there is one; one that climbs out names none."""
        if self._names is None:
            self._names = frozenset(entry.name for entry in entries(self._path))
        name = posixpath.normpath(posixpath.join(self._folder, wanted))
        return name if name in self._names else None

    def read(self, place: str, size: int) -> bytes:
        """Return the first `size` bytes of a list.

        Raises:
            SourceError: it cannot be read.
        """
        with opened(self._path, place) as stream:
            return stream.read(size)


def _read(text: bytes) -> dict[str, str]:
    """Return code → meaning.

    Raises:
        ValueError: it has a DOCTYPE.
        UnknownEncodingError, etree.XMLSyntaxError: it cannot be read.
    """
    encoding = encoding_of(text)
    if first_construct(text, encoding) is not Found.ROOT:
        raise ValueError("it has a DOCTYPE, or is no XML")
    parser = etree.XMLParser(encoding=encoding.told, resolve_entities=False, no_network=True, load_dtd=False)
    meanings: dict[str, str] = {}
    for definition in etree.fromstring(text[encoding.skip :], parser).iter(*_DEFINITIONS):
        own = [_text(child) for child in definition if child.tag in _NAMES]
        said = next((_text(child) for child in definition if child.tag in _DESCRIPTIONS), "")
        texts = list(dict.fromkeys(filter(None, [*own, said])))
        if len(texts) < 2:
            continue
        # Most lists name the code and describe what it means, some the other way round.
        code = next((text for text in texts if _CODE.fullmatch(text)), texts[0])
        meaning = said if said and said != code else next(text for text in texts if text != code)
        meanings.setdefault(code, meaning)
    return meanings


def _text(element: etree._Element) -> str:
    return " ".join((element.text or "").split())
