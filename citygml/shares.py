"""A large file cut between its members, so that several processes read it at once.

The cuts depend on the file alone, never on how many processes there are.  They are found in the bytes, without
parsing: a cut that falls into a comment or a CDATA section gives shares that are not well-formed, which the reader
refuses; the file is then read as a whole.
"""

from __future__ import annotations

import mmap
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SHARE_BYTES: Final = 12_000_000
# The count of shares is a multiple of this, and they are about the same size: two or four processes end together.
_SHARES_AT_ONCE: Final = 4
# What was looked through counts as memory of the process; sound files have a member every few kilobytes.
_LONGEST_SEARCH: Final = 1 << 26
_MEMBER: Final = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?(?:cityObjectMember|featureMember)[\s>]")
_ROOT: Final = re.compile(rb"<((?:[A-Za-z_][\w.-]*:)?CityModel)[\s>]")
_ENCODING: Final = re.compile(rb"""^(?:\xef\xbb\xbf)?<\?xml[^>]*?encoding\s*=\s*["']([^"']+)["']""")
# Of these, a byte below 128 is the same sign everywhere, so `<` can be looked for in the bytes.
_READABLE: Final = {b"utf-8", b"us-ascii", b"ascii", b"iso-8859-1", b"iso-8859-15", b"windows-1252", b"latin1"}


@dataclass(frozen=True, slots=True)
class Share:
    """One share of a file: the head of the document, and some members.

    Attributes:
        number: 0 for the first.
        head: bytes from the file's start to the first member: XML declaration, root element, envelope.
        start, end: bytes of the share's members.
        closing: what must be added to end the document; nothing for the last share, which has the file's own end.
    """

    number: int
    head: int
    start: int
    end: int
    closing: bytes


def cut(path: Path) -> list[Share]:
    """Return the shares of a file, in file order, or none where it is best read as a whole.

    A file that cannot be opened or understood has none: the reader will say what is wrong with it.
    """
    try:
        if path.stat().st_size < 2 * _SHARE_BYTES:
            return []
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return _cut(content)
    except (OSError, ValueError):
        return []


def _cut(content: mmap.mmap) -> list[Share]:
    encoding = _ENCODING.match(content[:200])
    root, first = _ROOT.search(content, 0, _LONGEST_SEARCH), _MEMBER.search(content, 0, _LONGEST_SEARCH)
    if root is None or first is None or root.start() > first.start():
        return []
    if content[:2] in (b"\xff\xfe", b"\xfe\xff") or (encoding and encoding[1].lower() not in _READABLE):
        return []
    closing = b"</" + root[1] + b">"
    starts = [first.start()]
    size = len(content) - starts[0]
    count = _SHARES_AT_ONCE * -(-size // (_SHARES_AT_ONCE * _SHARE_BYTES))
    for number in range(1, count):
        wish = starts[0] + number * size // count
        following = _MEMBER.search(content, wish, wish + _LONGEST_SEARCH)
        if following is None:
            break
        if following.start() > starts[-1]:  # one member may be larger than a share
            starts.append(following.start())
    ends = [*starts[1:], len(content)]
    last = len(starts) - 1
    return [
        Share(number, starts[0], start, end, b"" if number == last else closing)
        for number, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]
