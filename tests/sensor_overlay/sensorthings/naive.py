"""Filters decided in plain Python on the documents that the service itself gives out: slow, simple, and without SQL.

It shares nothing with what it judges: it reads no syntax tree of odata-query's, but builds each query's text together
with a function that says what it means (OGC 18-088, 9.3.3.5; OData 4.0 part 2, 5.1.1).
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

Entity = dict[str, Any]
Meaning = Callable[[Entity], Any]
NOTHING = None


@dataclass(frozen=True, slots=True)
class Term:
    """A piece of a query.

    Attributes:
        text: in the query.
        means: its value for an entity, as one of its kind; None where it has none of that kind.
        is_there: whether it has one of any kind.
    """

    text: str
    means: Meaning
    is_there: Meaning = lambda _: True


@dataclass(frozen=True, slots=True)
class Span:
    """An instant, which ends as it begins, or an interval, to which its end does not belong.

    They compare as in FROST-Server: before is wholly before, and at most is what ends no later.
    """

    begin: datetime
    end: datetime
    is_interval: bool = False

    def __lt__(self, other: Span) -> bool:
        return self.end <= other.begin if self.is_interval else self.begin < other.begin

    def __gt__(self, other: Span) -> bool:
        return other < self

    def __le__(self, other: Span) -> bool:
        return self.end <= other.end

    def __ge__(self, other: Span) -> bool:
        return self.begin >= other.begin

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Span) and (self.begin, self.end) == (other.begin, other.end)

    def __hash__(self) -> int:
        return hash((self.begin, self.end))

    def moved(self, by: timedelta) -> Span:
        """Return the same, later."""
        return Span(self.begin + by, self.end + by, self.is_interval)


def moment(text: str) -> Span:
    """Return a time as the service writes it."""
    begin, slash, end = text.partition("/")
    first = datetime.fromisoformat(begin)
    return Span(first, datetime.fromisoformat(end) if slash else first, bool(slash))


def follow(*names: str) -> Meaning:
    """Return what stands at a path of a document; None where nothing does."""

    def found(entity: Entity) -> Any:
        value: Any = entity
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    return found


def is_number(value: Any) -> bool:
    """Return whether a JSON value is a number; truth values are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def only(kind: Callable[[Any], bool], meaning: Meaning) -> Meaning:
    """Return a meaning that is None where its value is of another kind."""

    def found(entity: Entity) -> Any:
        value = meaning(entity)
        return value if kind(value) else None

    return found


def both(left: Meaning, right: Meaning, work: Callable[[Any, Any], Any]) -> Meaning:
    """Return a meaning of two, which is None where one of them is."""

    def found(entity: Entity) -> Any:
        a, b = left(entity), right(entity)
        return None if a is None or b is None else work(a, b)

    return found


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: bool(a == b),
    "ne": lambda a, b: bool(a != b),
    "lt": lambda a, b: a is not None and b is not None and bool(a < b),
    "le": lambda a, b: a is not None and b is not None and bool(a <= b),
    "gt": lambda a, b: a is not None and b is not None and bool(a > b),
    "ge": lambda a, b: a is not None and b is not None and bool(a >= b),
}


def compare(choose: random.Random, left: Term, right: Term) -> Term:
    """Return a comparison, either way round."""
    name = choose.choice(list(COMPARE))
    if choose.random() < 0.3:
        left, right = right, left
    return Term(
        f"{left.text} {name} {right.text}",
        lambda entity: COMPARE[name](left.means(entity), right.means(entity)),
    )


class Maker:
    """Makes random conditions on one kind of entity.

    Args:
        choose: the randomness.
        numbers: terms of that kind; likewise the others.
    """

    def __init__(
        self, choose: random.Random, *, numbers: list[Term], texts: list[Term], times: list[Term], truths: list[Term]
    ) -> None:
        self._choose = choose
        self._numbers = numbers
        self._texts = texts
        self._times = times
        self._truths = truths

    def condition(self, depth: int) -> Term:
        """Return a condition with up to `depth` connectives in one another."""
        choice = self._choose.random()
        if depth and choice < 0.45:
            left, right = self.condition(depth - 1), self.condition(depth - 1)
            if self._choose.random() < 0.5:
                return Term(f"({left.text}) and ({right.text})", lambda e: bool(left.means(e)) and bool(right.means(e)))
            return Term(f"({left.text}) or ({right.text})", lambda e: bool(left.means(e)) or bool(right.means(e)))
        if depth and choice < 0.6:
            inner = self.condition(depth - 1)
            return Term(f"not ({inner.text})", lambda e: not inner.means(e))
        return self._choose.choice([self.of_number, self.of_text, self.of_time, self.of_truth, self.of_null])()

    def of_null(self) -> Term:
        """Return a comparison with null."""
        term = self._choose.choice(self._numbers + self._texts + self._times)
        name = self._choose.choice(["eq", "ne"])
        return Term(f"{term.text} {name} null", lambda e: bool(term.is_there(e)) == (name == "ne"))

    def of_truth(self) -> Term:
        """Return a comparison of truth values."""
        if not self._truths:
            return self.of_number()
        term, is_true = self._choose.choice(self._truths), self._choose.random() < 0.5
        name = self._choose.choice(["eq", "ne"])
        return Term(
            f"{term.text} {name} {'true' if is_true else 'false'}", lambda e: COMPARE[name](term.means(e), is_true)
        )

    def of_number(self) -> Term:
        """Return a comparison of numbers."""
        return compare(self._choose, self.number(2), self.number(1))

    def number(self, depth: int) -> Term:
        """Return a number: constant, property, function or calculation."""
        choice = self._choose.random()
        if choice < 0.3:
            value = self._choose.choice([0, 1, 2, 3, 7, 20, 400, 401, 476, 1000.5, 18.25, -2, 0.5])
            return Term(str(value), lambda _: value)
        if depth == 0 or choice < 0.6:
            return self._choose.choice(self._numbers)
        if choice < 0.75:
            return self._rounded(self.number(depth - 1))
        if choice < 0.85 and self._texts:
            text = self._choose.choice(self._texts)
            return Term(f"length({text.text})", lambda e: None if text.means(e) is None else len(text.means(e)))
        return self._calculated(self.number(depth - 1), self.number(depth - 1))

    def _rounded(self, number: Term) -> Term:
        name = self._choose.choice(["round", "floor", "ceiling"])

        def means(entity: Entity) -> Any:
            value = number.means(entity)
            if value is None:
                return None
            if name == "round":
                return math.copysign(math.floor(abs(value) + 0.5), value)
            return math.floor(value) if name == "floor" else math.ceil(value)

        return Term(f"{name}({number.text})", means)

    def _calculated(self, left: Term, right: Term) -> Term:
        name, work = self._choose.choice(
            [("add", lambda a, b: a + b), ("sub", lambda a, b: a - b), ("mul", lambda a, b: a * b)]
        )
        return Term(f"({left.text} {name} {right.text})", both(left.means, right.means, work))

    def of_text(self) -> Term:
        """Return a comparison of texts, or a function of them that is true or false."""
        if not self._texts:
            return self.of_number()
        text, word = self.text(1), self.word()
        name = self._choose.choice(["", "substringof", "startswith", "endswith", "indexof"])
        match name:
            case "substringof":
                return Term(f"substringof({word.text},{text.text})", both(word.means, text.means, lambda a, b: a in b))
            case "startswith" | "endswith":
                return Term(
                    f"{name}({text.text},{word.text})", both(text.means, word.means, lambda a, b: getattr(a, name)(b))
                )
            case "indexof":
                found = Term(f"indexof({text.text},{word.text})", both(text.means, word.means, lambda a, b: a.find(b)))
                return compare(self._choose, found, Term("1", lambda _: 1))
            case _:
                return compare(self._choose, text, word)

    def word(self) -> Term:
        """Return a text that stands in the query."""
        value = self._choose.choice(["", "R", "S01", "0", "O'Neil", "Über", "ü", "%", "_", "co2", "D1", "ppm", "Ort "])
        quoted = value.replace("'", "''")
        return Term(f"'{quoted}'", lambda _: value)

    def text(self, depth: int) -> Term:
        """Return a text: property, or a function of one."""
        plain = self._choose.choice(self._texts)
        if depth == 0 or self._choose.random() < 0.5:
            return plain
        inner = self.text(depth - 1)
        name = self._choose.choice(["tolower", "toupper", "trim", "concat", "substring"])
        if name == "concat":
            word = self.word()
            return Term(f"concat({inner.text},{word.text})", both(inner.means, word.means, lambda a, b: a + b))
        if name == "substring":
            at = self._choose.randrange(4)
            return Term(
                f"substring({inner.text},{at})", lambda e: None if inner.means(e) is None else inner.means(e)[at:]
            )
        work: Callable[[str], str] = {"tolower": str.lower, "toupper": str.upper, "trim": lambda text: text.strip(" ")}[
            name
        ]
        return Term(f"{name}({inner.text})", lambda e: None if inner.means(e) is None else work(inner.means(e)))

    def of_time(self) -> Term:
        """Return a comparison of times, or of a part of one."""
        if not self._times:
            return self.of_number()
        time = self._choose.choice(self._times)
        part = self._choose.choice(["", "year", "month", "day", "hour", "minute", "second", "moved"])
        at = datetime(2026, 11, self._choose.choice([9, 10, 20]), self._choose.randrange(24), 2, tzinfo=UTC)
        if part == "moved":
            hours = self._choose.randrange(1, 30)
            moved = Term(
                f"{time.text} add duration'PT{hours}H'",
                lambda e: None if time.means(e) is None else time.means(e).moved(timedelta(hours=hours)),
            )
            return compare(self._choose, moved, self._constant(at))
        if part:
            value = getattr(at, part)
            found = Term(
                f"{part}({time.text})", lambda e: None if time.means(e) is None else getattr(time.means(e).begin, part)
            )
            return compare(self._choose, found, Term(str(value), lambda _: value))
        return compare(self._choose, time, self._constant(at))

    def _constant(self, at: datetime) -> Term:
        """Return an instant, or an interval from it on, that stands in the query."""
        written = f"{at:%Y-%m-%dT%H:%M:%SZ}"
        if self._choose.random() < 0.6:
            return Term(written, lambda _: Span(at, at))
        until = at + timedelta(hours=self._choose.choice([1, 10, 24]))
        return Term(f"{written}/{until:%Y-%m-%dT%H:%M:%SZ}", lambda _: Span(at, until, True))
