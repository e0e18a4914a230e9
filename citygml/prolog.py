"""What stands before the root element, looked at before an XML parser sees a byte of it.

A DOCTYPE must never reach libxml2: it opens external subsets and parameter entities whatever `load_dtd` and
`no_network` say, once some other option (lxml's `collect_ids=False` is one) makes it look at subsets at all.  So the
prolog is scanned here, in the encoding that the parser is then told to use, and everything but white space, comments
and processing instructions is refused.

Spec: XML 1.0 (fifth edition), 2.8 "Prolog and Document Type Declaration", 4.3.3 and appendix F "Character Encoding".
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

# Encodings in which no part of another character looks like markup, and no escape sequence changes what bytes mean:
# what this module reads is what the parser will read.
_ENCODINGS: Final = re.compile(r"utf-8|us-ascii|ascii|iso-8859-(?:[1-9]|1[013456])|latin1|windows-125[0-8]")
_DECLARED: Final = re.compile(r"""<\?xml\s[^>]*?\bencoding\s*=\s*["']([^"'<>]{1,60})["']""")
# A declaration that leaves no doubt about UTF-8, as nearly every file has it.
_PLAIN: Final = re.compile(
    rb"""<\?xml\s+version\s*=\s*["']1\.\d["'](?:\s+encoding\s*=\s*["'][Uu][Tt][Ff]-8["'])?"""
    rb"""(?:\s+standalone\s*=\s*["'](?:yes|no)["'])?\s*\?>"""
)
_WHITE: Final = " \t\r\n"
_NAME_START: Final = re.compile(r"[A-Za-z_:\u00c0-\U000effff]")


class Found(Enum):
    """What comes first that is no white space, comment or processing instruction."""

    ROOT = "root"
    DOCTYPE = "doctype"
    OTHER = "other"
    NOTHING_YET = "nothing yet"


class UnknownEncodingError(Exception):
    """The file states an encoding that is not read; its only argument is what it states."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the bytes of a file are to be read.

    Attributes:
        name: as libxml2 and Python know it.
        skip: length of the byte order mark in front.
        told: what the parser must be told for it to read the same; None where it cannot but come to the same
            result.  To be told costs it a fifth more time.
    """

    name: str
    skip: int
    told: str | None


def encoding_of(head: bytes) -> Encoding:
    """Return the encoding of a file from its first bytes.

    Args:
        head: at least the first kilobyte, or all there is.

    Raises:
        UnknownEncodingError: it is none of those that are read.

    Example:
        >>> encoding_of(b'<?xml version="1.0" encoding="ISO-8859-1"?><a/>')
        Encoding(name='iso-8859-1', skip=0, told='iso-8859-1')
    """
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise UnknownEncodingError("UTF-32")
    if head.startswith(codecs.BOM_UTF8):
        return Encoding("utf-8", 3, "utf-8")
    if head.startswith(codecs.BOM_UTF16_LE):
        return Encoding("utf-16le", 2, "utf-16le")
    if head.startswith(codecs.BOM_UTF16_BE):
        return Encoding("utf-16be", 2, "utf-16be")
    if head.startswith("<?".encode("utf-16-le")):
        return Encoding("utf-16le", 0, "utf-16le")
    if head.startswith("<?".encode("utf-16-be")):
        return Encoding("utf-16be", 0, "utf-16be")
    if _PLAIN.match(head[:1024]) or not head.startswith(b"<?xml"):
        return Encoding("utf-8", 0, None)
    declared = _DECLARED.match(head[:1024].decode("latin-1"))
    name = "utf-8" if declared is None else declared.group(1).strip().lower()
    # UTF-16 shows in the first bytes: what states it here, without showing it, lies.
    if not _ENCODINGS.fullmatch(name):
        raise UnknownEncodingError(name)
    return Encoding(name, 0, name)


def first_construct(head: bytes, encoding: Encoding) -> Found:
    """Return what the document begins with.

    Args:
        head: the first bytes of the file, from its very beginning.
        encoding: what `encoding_of` found.

    Example:
        >>> first_construct(b"<!-- a --><!DOCTYPE a>", Encoding("utf-8", 0, None))
        <Found.DOCTYPE: 'doctype'>
    """
    text = codecs.getincrementaldecoder(encoding.name)("replace").decode(head[encoding.skip :])
    at = 0
    while True:
        while at < len(text) and text[at] in _WHITE:
            at += 1
        rest = text[at : at + 9]
        if rest.startswith("<!--"):
            end = text.find("-->", at + 4)
            width = 3
        elif rest.startswith("<?"):
            end = text.find("?>", at + 2)
            width = 2
        elif rest == "<!DOCTYPE":
            return Found.DOCTYPE
        elif "<!DOCTYPE".startswith(rest) or rest == "<!-":
            return Found.NOTHING_YET
        elif rest.startswith("<") and _NAME_START.match(rest[1]):
            return Found.ROOT
        else:
            return Found.OTHER
        if end < 0:
            return Found.NOTHING_YET
        at = end + width
