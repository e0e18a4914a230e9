"""The members of a CityGML document one by one, from a parser that expands no entity and opens no other file.

What has been handed out is let go, so memory does not grow with the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final, Literal, cast

from lxml import etree

from citygml.namespaces import CITY_MODELS, CORE, DISCARDED, ENVELOPES, GML, MEMBERS, local_name, names
from citygml.prolog import Encoding, Found, UnknownEncodingError, encoding_of, first_construct
from citygml.shares import Share
from zwilling.errors import SourceError
from zwilling.packed import opened, source_name

_DATES: Final = names(CORE, "creationDate")
_BOUNDED_BY: Final = names(GML, "boundedBy")
_DATE: Final = re.compile(r"\s*\d{4}-\d{2}-\d{2}")
_LOOKED_FOR: Final = sorted({f"{{*}}{local_name(tag)}" for tag in MEMBERS | DISCARDED})
_Event = Literal["start", "end"]

_CHUNK: Final = 1 << 18
# The root element of a real file begins within the first kilobytes.
_LONGEST_PROLOG: Final = 1 << 20
# One city object with a full interior is some ten megabytes; what is larger is made to exhaust its reader.
_LARGEST_MEMBER: Final = 1 << 28
# An element takes up to thirty times its text in memory, so their number is limited, too; it is only looked at in an
# object that is large.
_MOST_TAGS: Final = 4_000_000
_COUNTED_FROM: Final = 1 << 22


class Document:
    """A CityGML file, or a share of one, to be read once from front to back.

    Attributes:
        name: the file, and its place in an archive, for errors.
        srs_name: `srsName` of the model's envelope, `""` where it states none.
        dimension: `srsDimension` of the model's envelope.
        date: `creationDate` of the model (CityGML 3.0), `""` where it states none.
        root: qualified name of the root element, `""` until it is known.
    """

    def __init__(self, path: Path, share: Share | None = None, *, entry: str = "") -> None:
        self.name = source_name(path, entry)
        self._path = path
        self._entry = entry
        self._share = share
        self.srs_name = ""
        self.dimension = 3
        self.date = ""
        self.root = ""
        self._encoding = Encoding("utf-8", 0, None)

    def members(self) -> Iterator[etree._Element]:
        """Yield every top-level city object, whole; it may be empty once the one after the next was asked for.

        Raises:
            SourceError: the file is missing, cannot be read, is no XML, is cut off, has a DOCTYPE, is no CityGML,
                or is made to exhaust its reader.
        """
        with opened(self._path, self._entry) as stream:
            head = self._read_prolog(stream)
            yield from self._parse(self._check_root(head, stream), stream)

    def _read_prolog(self, stream: BinaryIO) -> bytes:
        """Return the first bytes of the file, after having seen that nothing but a root element follows."""
        head = stream.read(_CHUNK)
        if not head:
            raise self._error("the file is empty", remedy="load it anew")
        try:
            self._encoding = encoding_of(head)
        except UnknownEncodingError as error:
            problem = f"wrong encoding: it states '{error}', which is not read or not true"
            raise self._error(problem, "line 1", "save the file as UTF-8") from None
        while (found := first_construct(head, self._encoding)) is Found.NOTHING_YET:
            chunk = stream.read(_CHUNK)
            if not chunk:
                raise self._error("the file ends before its root element", remedy="load it anew")
            head += chunk
            if len(head) > _LONGEST_PROLOG:
                raise self._error(f"no root element in the first {len(head)} bytes", remedy="check what file it is")
        if found is Found.DOCTYPE:
            raise self._error(
                "the file has a DOCTYPE; entities and document type definitions are refused, because they can read "
                "other files and grow without bound",
                remedy="remove the DOCTYPE",
            )
        if found is Found.OTHER:
            begin = head[:20].decode("latin-1")
            raise self._error(f"is not XML: it begins with '{begin}'", remedy="check what file it is")
        return head[self._encoding.skip :]

    def _check_root(self, head: bytes, stream: BinaryIO) -> bytes:
        """Return the bytes read so far, after having seen that they begin a city model."""
        parser = _parser(self._encoding.told, ("start",))
        chunk = head
        while True:
            try:
                parser.feed(chunk)
                if not chunk:
                    parser.close()
                root = _first_start(parser)
            except etree.XMLSyntaxError as error:
                # A fault behind the root element's start is for the main pass, which names the same line.
                root = _first_start(parser) if chunk else None
                if root is None:
                    raise self._not_xml(error, is_end=not chunk) from error
            if root is not None:
                break
            if len(head) > _LONGEST_PROLOG:
                raise self._error(f"the root element is longer than {len(head)} bytes", remedy="check what file it is")
            chunk = stream.read(_CHUNK)
            head += chunk
        self.root = str(root.tag)
        if root.tag not in CITY_MODELS:
            raise self._error(
                f"the root element is '{self.root[:200]}', not a CityModel of CityGML 1.0, 2.0 or 3.0",
                remedy="check what file it is",
            )
        return head

    def _parse(self, first: bytes, stream: BinaryIO) -> Iterator[etree._Element]:
        # Ends alone, and few names to compare each of them with: to look at more takes a fifth of the parser's time.
        parser = _parser(self._encoding.told, ("end",), _LOOKED_FOR)
        since_member = 0
        tags = 0
        is_head = True
        before: etree._Element | None = None
        for chunk in self._chunks(first, stream):
            try:
                parser.feed(chunk)
            except etree.XMLSyntaxError as error:
                raise self._not_xml(error) from error
            since_member += len(chunk)
            if since_member > _COUNTED_FROM:
                tags += chunk.count(b"<")
            for _, element in _events(parser):
                tag = element.tag
                if tag not in MEMBERS and tag not in DISCARDED:
                    continue
                since_member = 0
                if is_head:
                    self._read_head(element)
                if tag in MEMBERS:
                    is_head = False
                    yield from element
                # One later: whoever was given an object holds it until there is the next, and to empty what is held
                # takes half as long as to parse it.
                if before is not None:
                    _let_go(before)
                before = element
            if since_member > _LARGEST_MEMBER:
                raise self._error(f"one object is larger than {_LARGEST_MEMBER >> 20} MB", remedy="check the file")
            if tags > _MOST_TAGS:
                raise self._error(f"one object has more than {_MOST_TAGS} XML tags", remedy="check the file")
        try:
            parser.close()
        except etree.XMLSyntaxError as error:
            raise self._not_xml(error, is_end=True) from error

    def _chunks(self, first: bytes, stream: BinaryIO) -> Iterator[bytes]:
        """Yield the document's bytes: the file's, or those of the share as a document of its own."""
        share = self._share
        if share is None:
            yield first
            while chunk := stream.read(_CHUNK):
                yield chunk
            return
        stream.seek(self._encoding.skip)
        yield stream.read(share.head - self._encoding.skip)
        stream.seek(share.start)
        left = share.end - share.start
        while left > 0 and (chunk := stream.read(min(_CHUNK, left))):
            left -= len(chunk)
            yield chunk
        if share.closing:
            yield share.closing

    def _read_head(self, element: etree._Element) -> None:
        """Take what the model says of itself before `element`, its first member or appearance."""
        parent = element.getparent()
        if parent is None or parent.getparent() is not None:
            return  # a part of an appearance
        dates = [_DATE.match(node.text or "") for node in element.itersiblings(*_DATES, preceding=True)]
        self.date = next((date[0].strip() for date in dates if date), self.date)
        for node in element.itersiblings(*_BOUNDED_BY, preceding=True):
            for envelope in node.iterchildren(*ENVELOPES):
                self.srs_name = (envelope.get("srsName") or "").strip()
                if envelope.get("srsDimension", "").strip() == "2":
                    self.dimension = 2

    def _not_xml(self, error: etree.XMLSyntaxError, *, is_end: bool = False) -> SourceError:
        """Return the parser's complaint as a user can act on it.

        Args:
            error: what the parser says.
            is_end: whether it says so because the file has ended.
        """
        message = re.sub(r", line \d+, column \d+$", "", " ".join(str(error.msg or error).split()))
        message = re.sub(r", (?:try|use) XML_PARSE_HUGE(?: option)?", "", message).strip()
        where = f"line {error.lineno or 1}"
        if any(sign in message for sign in ("encoding", "UTF-8")):
            return self._error(f"wrong encoding ({message})", where, "save the file in the encoding that it states")
        if any(sign in message for sign in ("Excessive depth", "huge text", "Resource limit", "too long", "too large")):
            return self._error(f"XML beyond every sound measure ({message})", where, "check where the file comes from")
        if is_end and "Namespace" not in message:  # of these the parser only speaks at the end
            return self._error(f"the file ends in the middle of its XML ({message})", where, "load the file anew")
        return self._error(f"is not well-formed XML ({message})", where, "check what file it is")

    def _error(self, problem: str, where: str | None = None, remedy: str | None = None) -> SourceError:
        return SourceError(problem, source=self.name, where=where, remedy=remedy)


def _parser(encoding: str | None, events: tuple[_Event, ...], tags: Sequence[str] | None = None) -> etree.XMLPullParser:
    # collect_ids=False would save a twentieth of the time, but makes libxml2 load external subsets (lxml 6.1); no
    # DOCTYPE comes here, yet one lock is not enough.
    return etree.XMLPullParser(
        events,
        tag=tags,
        encoding=encoding,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        remove_blank_text=True,  # a third less time: the line breaks of a pretty file are half of its nodes
    )


def _events(parser: etree.XMLPullParser) -> Iterator[tuple[str, etree._Element]]:
    return cast(Iterator[tuple[str, etree._Element]], parser.read_events())


def _first_start(parser: etree.XMLPullParser) -> etree._Element | None:
    return next((element for _, element in _events(parser)), None)


def _let_go(element: etree._Element) -> None:
    """Free an element that was read, and all before it.

    The element itself stays, empty: the parser may be writing the text behind it.
    """
    element.clear(keep_tail=True)  # type: ignore[call-arg]  # the stubs do not know it
    parent = element.getparent()
    if parent is not None:
        while element.getprevious() is not None:
            del parent[0]
