"""Answers that were given lately, to be given again as long as nothing was written since.

Maps and dashboards ask the same question every few seconds, each of them for itself; a county's sensors speak a few
times in a second at most. Who asks, what, and the last commit decide: nobody is given what only others may see.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote_plus

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from sensor_overlay.access import Principal
from sensor_overlay.store.opening import Counter
from sensor_overlay.store.schema import counter

JSON: Final = "application/json"
MOST_BYTES: Final = 32 << 20
"""Bound of all bodies that are kept; those that were not asked for longest go first."""
LARGEST_BYTES: Final = 4 << 20
"""Larger ones are not kept: exports come once."""

_OVERHEAD_BYTES: Final = 1024
_SEQUENCE: Final = select(counter.c.value).where(counter.c.name == Counter.COMMIT.value)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back.

    Attributes:
        body: content, empty for none.
        media_type: of the content.
        status: of HTTP.
        location: address of what was made; empty for none.
        following: address of the next page, for formats that have no place for it; empty for none.
        forms: what was made of `body` for sending it, by name; whoever sends it fills this in.
    """

    body: bytes
    media_type: str = JSON
    status: HTTPStatus = HTTPStatus.OK
    location: str = ""
    following: str = ""
    forms: dict[str, bytes] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Question:
    """What an answer depends on beside what is stored.

    Attributes:
        principal: who asks; two that may see and do the same are one.
        target: path, query and address of the service, as they came.
    """

    principal: Principal
    target: tuple[str, str, str]

    @classmethod
    def of(cls, principal: Principal, path: str, query: str, root: str) -> Question | None:
        """Return a question, or None for one whose answer changes by time passing."""
        if "now" in unquote_plus(query).lower():
            return None
        nameless = Principal("", principal.groups, principal.rights, principal.sites)
        return cls(nameless, (path, query, root))


class Kept:
    """Answers by question, all as of one commit. Used from the event loop alone."""

    def __init__(self) -> None:
        self._answers: OrderedDict[Question, Answer] = OrderedDict()
        self._bytes = 0
        self._sequence = -1

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, question: Question, sequence: int) -> Answer | None:
        """Return the answer to a question as of a commit, where it is known."""
        if sequence != self._sequence:  # also where it is lower: then the database was restored from a copy
            self._answers.clear()
            self._bytes, self._sequence = 0, sequence
        answer = self._answers.get(question)
        if answer is not None:
            self._answers.move_to_end(question)
        return answer

    def put(self, question: Question, sequence: int, answer: Answer) -> None:
        """Keep an answer; `sequence` was read before anything that stands in it, and asked for with `get`."""
        if sequence != self._sequence or len(answer.body) > LARGEST_BYTES:
            return  # somebody else has seen a newer commit meanwhile
        before = self._answers.pop(question, None)
        self._bytes += _size(answer) - (0 if before is None else _size(before))
        self._answers[question] = answer
        while self._bytes > MOST_BYTES:
            self._bytes -= _size(self._answers.popitem(last=False)[1])


def _size(answer: Answer) -> int:
    return _OVERHEAD_BYTES + 2 * len(answer.body)  # with what is made of it for sending


async def sequence_of(connection: AsyncConnection) -> int:
    """Return the sequence of the newest commit that a connection sees."""
    return int((await connection.execute(_SEQUENCE)).scalar() or 0)
