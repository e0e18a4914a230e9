"""Code lists that lie beside a source: `codeSpace` names a `gml:Dictionary`, which gives codes their meaning.

Only files inside the source's own folder are read, whatever `codeSpace` says; nothing is ever fetched.

Spec: CityGML 2.0 (OGC 12-019), 6.6 "External code lists"; GML 3.1.1, 16 "Dictionaries".
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from lxml import etree

from citygml.findings import Findings
from citygml.namespaces import GML, names
from citygml.prolog import Found, UnknownEncodingError, encoding_of, first_construct

_LARGEST: Final = 1 << 23
_LONGEST_NAME: Final = 1000
_CODE: Final = re.compile(r"[A-Za-z]{0,3}[\d_.]+")
_DEFINITIONS: Final = names(GML, "Definition", "DefinitionProxy")
_NAMES: Final = frozenset(names(GML, "name", "identifier"))
_DESCRIPTIONS: Final = frozenset(names(GML, "description"))


class Dictionaries:
    """The code lists beside one source; each is read when it is first named."""

    def __init__(self, folder: Path | None, findings: Findings) -> None:
        """Look into `folder` and below; None where the source lies in an archive."""
        self._folder = None if folder is None else folder.resolve()
        self._findings = findings
        self._known: dict[str, dict[str, str]] = {}

    def label(self, code_space: str, code: str) -> str:
        """Return what `code` means by the list that `code_space` names; `""` where that is not known."""
        known = self._known.get(code_space)
        if known is None:
            known = self._known[code_space] = self._load(code_space)
        return known.get(code, "")

    def _load(self, code_space: str) -> dict[str, str]:
        path = self._path_of(code_space)
        if path is None:
            return {}
        try:
            with path.open("rb") as file:
                text = file.read(_LARGEST + 1)
            return _read(text)
        except (OSError, ValueError, UnknownEncodingError, etree.XMLSyntaxError) as error:
            message = f"the code list '{path.name}' cannot be read ({error}); its codes have no labels"
            self._findings.add("CODE_LIST_UNREADABLE", f"codeSpace={code_space[:120]}", message)
            return {}

    def _path_of(self, code_space: str) -> Path | None:
        """Return the file that is meant: by its path from the source, or by its name alone in the source's folder."""
        if self._folder is None or len(code_space) > _LONGEST_NAME:
            return None
        place = unquote(code_space.partition("#")[0])
        for wanted in (place, re.split(r"[/\\:]", place)[-1]):
            try:
                path = (self._folder / wanted).resolve()
                if wanted and path.is_relative_to(self._folder) and path.is_file():
                    return path
            except (OSError, ValueError, RuntimeError):
                continue
        return None


def _read(text: bytes) -> dict[str, str]:
    """Return code → meaning.

    Raises:
        ValueError: it is too large, or has a DOCTYPE.
        UnknownEncodingError, etree.XMLSyntaxError: it cannot be read.
    """
    if len(text) > _LARGEST:
        raise ValueError(f"it is larger than {_LARGEST >> 20} MB")
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
