"""The members of a CityGML document one by one, from a parser that expands no entity and opens no other file.

What has been handed out is let go, so memory does not grow with the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final, Literal, cast

from lxml import etree

from citygml.namespaces import CITY_MODELS, DISCARDED, ENVELOPES, MEMBERS
from zwilling.errors import SourceError

_Event = Literal["start", "end"]

_CHUNK: Final = 1 << 18
# The root element of a real file begins within the first kilobytes.
_LONGEST_PROLOG: Final = 1 << 20
# One city object with a full interior is some ten megabytes; what is larger is made to exhaust its reader.
_LARGEST_MEMBER: Final = 1 << 28


class Document:
    """A CityGML file, to be read once from front to back.

    Attributes:
        path: the file.
        srs_name: `srsName` of the model's envelope, `""` where it states none.
        dimension: `srsDimension` of the model's envelope.
        root: qualified name of the root element, `""` until it is known.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.srs_name = ""
        self.dimension = 3
        self.root = ""

    def members(self) -> Iterator[etree._Element]:
        """Yield every top-level city object, whole; it is emptied when the next one is asked for.

        Raises:
            SourceError: the file is missing, cannot be read, is no XML, is cut off, has a DOCTYPE, is no CityGML,
                or is made to exhaust its reader.
        """
        try:
            with self.path.open("rb") as stream:
                first = self._check_prolog(stream)
                yield from self._parse(first, stream)
        except FileNotFoundError:
            raise self._error("there is no such file", remedy="check the path") from None
        except IsADirectoryError:
            raise self._error("is a folder, not a file", remedy="name the files in it") from None
        except OSError as error:
            raise self._error(f"the file cannot be read ({error.strerror})", remedy="check its permissions") from error

    def _check_prolog(self, stream: BinaryIO) -> bytes:
        """Return the first bytes of the file after having seen what root element they begin."""
        parser = _parser(("start",))
        read = b""
        while True:
            chunk = stream.read(_CHUNK)
            if not chunk and not read:
                raise self._error("the file is empty", remedy="load it anew")
            if read[:2] == b"" and chunk[:2] in (b"\x1f\x8b", b"PK"):
                raise self._error("is compressed", remedy="unpack it first")
            read += chunk
            try:
                if not chunk:
                    parser.close()
                parser.feed(chunk)
                root = _first_start(parser)
            except etree.XMLSyntaxError as error:
                # A fault behind the root element's start is for the main pass, which names the same line.
                root = _first_start(parser) if chunk else None
                if root is None:
                    raise self._not_xml(error, is_end=not chunk) from error
            if root is not None:
                self._check_root(root)
                return read
            if len(read) > _LONGEST_PROLOG or not chunk:
                raise self._error(f"no root element in the first {len(read)} bytes", remedy="check what file it is")

    def _check_root(self, root: etree._Element) -> None:
        info = root.getroottree().docinfo
        if info.internalDTD is not None:
            raise self._error(
                "the file has a DOCTYPE; entities and document type definitions are refused, because they can read "
                "other files and grow without bound",
                remedy="remove the DOCTYPE",
            )
        self.root = root.tag
        if root.tag not in CITY_MODELS:
            raise self._error(
                f"the root element is '{root.tag[:200]}', not a CityModel of CityGML 1.0, 2.0 or 3.0",
                remedy="check what file it is",
            )

    def _parse(self, first: bytes, stream: BinaryIO) -> Iterator[etree._Element]:
        tags = [*sorted(MEMBERS), *sorted(ENVELOPES), *sorted(DISCARDED)]
        parser = _parser(("start", "end"), tags)
        chunk = first
        since_member = 0
        while chunk:
            try:
                parser.feed(chunk)
            except etree.XMLSyntaxError as error:
                raise self._not_xml(error) from error
            since_member += len(chunk)
            for event, element in _events(parser):
                tag = element.tag
                if event == "start":
                    if tag in ENVELOPES:
                        self._envelope(element)
                elif tag in MEMBERS:
                    since_member = 0
                    yield from element
                    _let_go(element)
                elif tag in DISCARDED:
                    since_member = 0
                    _let_go(element)
            if since_member > _LARGEST_MEMBER:
                raise self._error(f"one object is larger than {_LARGEST_MEMBER >> 20} MB", remedy="check the file")
            chunk = stream.read(_CHUNK)
        try:
            parser.close()
        except etree.XMLSyntaxError as error:
            raise self._not_xml(error, is_end=True) from error

    def _envelope(self, element: etree._Element) -> None:
        if len(list(element.iterancestors())) != 2:
            return  # the envelope of a city object, not the model's
        self.srs_name = (element.get("srsName") or "").strip()
        if element.get("srsDimension", "").strip() == "2":
            self.dimension = 2

    def _not_xml(self, error: etree.XMLSyntaxError, *, is_end: bool = False) -> SourceError:
        """Return the parser's complaint as a user can act on it.

        Args:
            error: what the parser says.
            is_end: whether it says so because the file has ended.
        """
        message = " ".join(str(error.msg or error).split()).removesuffix(
            f", line {error.lineno}, column {error.offset}"
        )
        where = f"line {error.lineno or 1}"
        if any(sign in message for sign in ("encoding", "UTF-8")):
            return self._error(f"wrong encoding ({message})", where, "save the file in the encoding that it states")
        if any(sign in message for sign in ("Excessive depth", "huge text", "Huge input", "too long", "too large")):
            return self._error(f"XML beyond every sound measure ({message})", where, "check where the file comes from")
        if is_end and "Namespace" not in message:  # of these the parser only speaks at the end
            return self._error(f"the file ends in the middle of its XML ({message})", where, "load the file anew")
        return self._error(f"is not well-formed XML ({message})", where, "check what file it is")

    def _error(self, problem: str, where: str | None = None, remedy: str | None = None) -> SourceError:
        return SourceError(problem, source=self.path, where=where, remedy=remedy)


def _parser(events: tuple[_Event, ...], tags: Sequence[str] | None = None) -> etree.XMLPullParser:
    return etree.XMLPullParser(
        events,
        tag=tags,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        remove_blank_text=True,  # a third less time: the line breaks of a pretty file are half of its nodes
        collect_ids=False,
    )


def _events(parser: etree.XMLPullParser) -> Iterator[tuple[str, etree._Element]]:
    return cast(Iterator[tuple[str, etree._Element]], parser.read_events())


def _first_start(parser: etree.XMLPullParser) -> etree._Element | None:
    return next((element for _, element in _events(parser)), None)


def _let_go(element: etree._Element) -> None:
    """Free an element that was read, and all before it.

    The element itself stays, empty: the parser may be writing the text behind it.
    """
    element.clear(keep_tail=True)  # type: ignore[call-arg]
    parent = element.getparent()
    if parent is not None:
        while element.getprevious() is not None:
            del parent[0]
