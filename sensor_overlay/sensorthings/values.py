"""What an expression comes to: SQL with its kind, and the constants of the query language."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import BigInteger, ColumnElement, Double, Text, false, func, literal, null, true

from sensor_overlay import instants
from sensor_overlay.sensorthings.dialects import Dialect
from sensor_overlay.sensorthings.errors import BadExpressionError
from sensor_overlay.sensorthings.model import Kind

if TYPE_CHECKING:
    from sensor_overlay.sensorthings.scopes import Scope

FIRST: Final = instants.parse("0001-01-01T00:00:00Z")
LAST: Final = instants.parse("9999-12-31T23:59:59.999999Z")
"""What `mindatetime()` and `maxdatetime()` mean; times beyond cannot be written."""

_DURATION = re.compile(
    r"([+-])?P(?:(\d{1,9})D)?(?:T(?=\d)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(?:\.(\d{1,12}))?S)?)?"
)
_CLOCK = re.compile(r"(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?")
_KINDS = {
    Kind.NUMBER: "a number",
    Kind.TEXT: "text",
    Kind.BOOLEAN: "a truth value",
    Kind.TIME: "a time",
    Kind.DATE: "a date",
    Kind.CLOCK: "a time of day",
    Kind.DURATION: "a duration",
    Kind.GEOMETRY: "a geometry",
    Kind.DOCUMENT: "a JSON value",
    Kind.UNIT: "a unit",
    Kind.NULL: "null",
}


@dataclass(frozen=True, slots=True)
class Member:
    """A place in a JSON column.

    Attributes:
        document: the column.
        path: names of members, and places in lists.
        numbers: column that holds `result` where it is a number.
    """

    document: ColumnElement[Any]
    path: tuple[str, ...] = ()
    numbers: ColumnElement[Any] | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A geometry: of an entity's property, or written in the query (`wkt`)."""

    scope: Scope | None = None
    wkt: str = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """A number that a geometry function gives for an entity; see `sensor_overlay.sensorthings.geometries`."""

    function: str
    scope: Scope
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """An expression.

    Attributes:
        kind: what it is.
        at: where it stands, from 1.
        sql: its SQL; of a time, that of its beginning. None for documents, geometries and measures.
        end: of a time that is an interval, or may be one where it is not null.
        is_constant: it stands in the query.
        is_whole: a number without decimals.
        member: of a document.
        place: of a geometry.
        measure: of a number that geometry gives.
    """

    kind: Kind
    at: int
    sql: ColumnElement[Any] | None = None
    end: ColumnElement[Any] | None = None
    is_constant: bool = False
    is_whole: bool = False
    constant: Any = None
    member: Member | None = field(default=None, repr=False)
    place: Place | None = field(default=None, repr=False)
    measure: Measure | None = field(default=None, repr=False)


def describe(value: Value) -> str:
    """Return what kind of value it is, for people."""
    return _KINDS[value.kind]


def number(text: str, at: int) -> Value:
    """Return a number that stands in the query."""
    is_whole = text.lstrip("+-").isdecimal()
    amount: float = float(text) if not is_whole or len(text) > 16 else int(text)
    if abs(amount) == float("inf"):
        raise BadExpressionError("this number is too large", at)
    sql = literal(amount, BigInteger if isinstance(amount, int) else Double)
    return Value(Kind.NUMBER, at, sql, is_constant=True, is_whole=is_whole, constant=amount)


def amount(number: float, at: int) -> Value:
    """Return a number that follows from what stands in the query."""
    return Value(Kind.NUMBER, at, literal(number, Double), is_constant=True, constant=number)


def words(text: str, at: int) -> Value:
    """Return text that stands in the query."""
    return Value(Kind.TEXT, at, literal(text, Text), is_constant=True, constant=text)


def truth(*, is_true: bool, at: int) -> Value:
    """Return `true` or `false`."""
    return Value(Kind.BOOLEAN, at, true() if is_true else false(), is_constant=True, constant=is_true)


def nothing(at: int) -> Value:
    """Return `null`."""
    return Value(Kind.NULL, at, null(), is_constant=True)


def instant(moment: int, at: int, until: int | None = None) -> Value:
    """Return an instant, or an interval."""
    end = None if until is None else literal(until, BigInteger)
    return Value(Kind.TIME, at, literal(moment, BigInteger), end, is_constant=True, constant=moment)


def moment_of(text: str, at: int = 0) -> int:
    """Return the instant that a text names; without a zone it is UTC, and seconds may be left out.

    Raises:
        BadExpressionError: it names none.
    """
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d)(:\d\d(?:[.,]\d+)?)?\s*([Zz]|[-+ ]\d\d:?\d\d)?", text)
    if found is None:
        raise BadExpressionError(f"{text[:40]!r} is no time as ISO 8601 writes it", at)
    zone = (found[3] or "Z").replace(" ", "+")
    seconds = found[2] or ":00"
    if len(seconds) > 20:
        seconds = seconds[:20]
    try:
        moment = instants.parse(found[1] + seconds + zone)
    except ValueError as error:
        raise BadExpressionError(f"{text[:40]!r} is no time that there is", at) from error
    if not FIRST <= moment <= LAST:
        raise BadExpressionError(f"{text[:40]!r} lies outside the years 1 to 9999", at)
    return moment


def interval(text: str, at: int = 0) -> tuple[int, int]:
    """Return beginning and end of an interval.

    Raises:
        BadExpressionError: it is none, or ends before it begins.
    """
    first, _, last = text.partition("/")
    begin, end = moment_of(first, at), moment_of(last, at)
    if end < begin:
        raise BadExpressionError(f"{text[:80]!r} ends before it begins", at)
    return begin, end


def day(text: str, at: int) -> Value:
    """Return a date."""
    try:
        days = date.fromisoformat(text).toordinal() - date(1970, 1, 1).toordinal()
    except ValueError as error:
        raise BadExpressionError(f"{text!r} is no date", at) from error
    return Value(Kind.DATE, at, literal(days, BigInteger), is_constant=True, constant=days)


def clock(text: str, at: int) -> Value:
    """Return a time of day."""
    found = _CLOCK.fullmatch(text)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59 or int(found[3] or 0) > 59:
        raise BadExpressionError(f"{text!r} is no time of day", at)
    micro = int((found[4] or "").ljust(6, "0")[:6])
    since = int(found[1]) * instants.HOUR + int(found[2]) * instants.MINUTE + int(found[3] or 0) * instants.SECOND
    return Value(Kind.CLOCK, at, literal(since + micro, BigInteger), is_constant=True, constant=since + micro)


def duration(text: str, at: int) -> Value:
    """Return a duration: days and less, for months and years have no fixed length (OData ABNF, durationValue)."""
    found = _DURATION.fullmatch(text)
    if found is None or text.endswith(("P", "T")):
        raise BadExpressionError(f"{text!r} is no duration such as PT1H30M or P1D", at)
    sign, *parts, fraction = found.groups()
    days, hours, minutes, seconds = (int(part or 0) for part in parts)
    length = days * instants.DAY + hours * instants.HOUR + minutes * instants.MINUTE + seconds * instants.SECOND
    length += int((fraction or "").ljust(6, "0")[:6])
    length = -length if sign == "-" else length
    return Value(Kind.DURATION, at, literal(length, BigInteger), is_constant=True, constant=length)


def of_kind(value: Value, kind: Kind, dialect: Dialect) -> Value | None:
    """Return `value` as one of `kind`, where its kind allows that; else None.

    A JSON value is what it happens to be: where it is of another type, it is null as this kind.
    """
    if value.kind is kind:
        return value
    if value.kind is Kind.NULL:
        return Value(kind, value.at, null(), is_constant=True)
    if value.kind is Kind.DOCUMENT and value.member is not None:
        return _member_as(value, value.member, kind, dialect)
    if kind is Kind.TIME and value.is_constant and value.kind is Kind.TEXT:
        text = str(value.constant)
        return (
            instant(*_swap(interval(text, value.at), value.at))
            if "/" in text
            else instant(moment_of(text, value.at), value.at)
        )
    if kind is Kind.TIME and value.kind is Kind.DATE and value.sql is not None:
        return Value(kind, value.at, value.sql * instants.DAY, is_constant=value.is_constant)
    return None


def _swap(span: tuple[int, int], at: int) -> tuple[int, int, int]:
    return span[0], at, span[1]


def _member_as(value: Value, member: Member, kind: Kind, dialect: Dialect) -> Value | None:
    sql: ColumnElement[Any]
    if kind is Kind.NUMBER:
        sql = dialect.number(member.document, member.path) if member.numbers is None else member.numbers
    elif kind is Kind.TEXT:
        sql = dialect.text(member.document, member.path)
    elif kind is Kind.BOOLEAN:
        sql = dialect.truth(member.document, member.path)
    else:
        return None
    return Value(kind, value.at, sql)


def is_null(value: Value, dialect: Dialect) -> ColumnElement[bool]:
    """Return whether a value is null."""
    if value.kind is Kind.DOCUMENT and value.member is not None:
        missing = dialect.is_missing(value.member.document, value.member.path)
        return missing if value.member.numbers is None else missing & value.member.numbers.is_(None)
    if value.sql is None:
        raise BadExpressionError(f"{describe(value)} cannot be compared with null", value.at)
    return value.sql.is_(None)


def certain(condition: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return a condition that is false where SQL does not know."""
    return func.coalesce(condition, false())
