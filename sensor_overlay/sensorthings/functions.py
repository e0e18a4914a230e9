"""The functions of the query language, each with what it takes and the SQL that it becomes.

Spec: OGC 18-088, 9.3.3.5.2, and the relations between times that FROST-Server adds (`before` to `finishes`).
Times are in UTC, so `hour` and its like speak of UTC and `totaloffsetminutes` is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Double, Integer, Text, cast, func, literal

from sensor_overlay import instants
from sensor_overlay.sensorthings import values
from sensor_overlay.sensorthings.dialects import Dialect
from sensor_overlay.sensorthings.model import Kind
from sensor_overlay.sensorthings.temporal import relate_times
from sensor_overlay.sensorthings.values import Value

Make = Callable[[Dialect, Sequence[Value], int], Value]

TEXT = (Kind.TEXT,)
NUMBER = (Kind.NUMBER,)
TIME = (Kind.TIME,)
DAY = (Kind.TIME, Kind.DATE)
CLOCK = (Kind.TIME, Kind.CLOCK)


@dataclass(frozen=True, slots=True)
class Function:
    """A function.

    Attributes:
        name: as a query spells it.
        takes: for each argument the kinds that it may have.
        result: kind of what it gives.
        make: its value from the dialect, the arguments and the place; None where it is geometric.
        optional: how many arguments at the end may be left out.
        geometries: how many of the arguments are geometries.
    """

    name: str
    takes: tuple[tuple[Kind, ...], ...]
    result: Kind
    make: Make
    optional: int = 0
    geometries: int = 0

    @property
    def is_geometric(self) -> bool:
        """Whether the database cannot do it."""
        return self.geometries > 0

    @property
    def most(self) -> int:
        """Most arguments."""
        return len(self.takes)

    @property
    def least(self) -> int:
        """Least arguments."""
        return len(self.takes) - self.optional

    @property
    def signature(self) -> str:
        """How many arguments it takes, in words."""
        return f"{self.least} to {self.most}"


def _sql(value: Value) -> ColumnElement[Any]:
    if value.sql is None:
        raise TypeError("arguments were converted")
    return value.sql


def _of(kind: Kind, sql: Callable[..., ColumnElement[Any]], *, is_whole: bool = False) -> Make:
    def make(dialect: Dialect, arguments: Sequence[Value], at: int) -> Value:
        return Value(kind, at, sql(dialect, *(_sql(argument) for argument in arguments)), is_whole=is_whole)

    return make


def _within(moment: ColumnElement[Any], unit: int) -> ColumnElement[Any]:
    """Return what of `moment` is left over from whole units; never negative, before 1970 either."""
    return (moment % literal(unit, BigInteger) + unit) % literal(unit, BigInteger)


def _days(moment: ColumnElement[Any]) -> ColumnElement[Any]:
    return (moment - _within(moment, instants.DAY)) // literal(instants.DAY, BigInteger)


def _calendar(field: str) -> Make:
    def make(dialect: Dialect, arguments: Sequence[Value], at: int) -> Value:
        only = arguments[0]
        days = _sql(only) if only.kind is Kind.DATE else _days(_sql(only))
        return Value(Kind.NUMBER, at, dialect.calendar(field, days), is_whole=True)

    return make


def _clock(unit: int, of: int) -> Make:
    return _of(
        Kind.NUMBER,
        lambda _, moment: _within(moment, of) // literal(unit, BigInteger),
        is_whole=True,
    )


def _fraction(_: Dialect, moment: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(_within(moment, instants.SECOND), Double) / literal(1e6, Double)


def _starts_with(_: Dialect, text: ColumnElement[Any], part: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.substr(text, 1, func.length(part, type_=Integer), type_=Text) == part


def _ends_with(_: Dialect, text: ColumnElement[Any], part: ColumnElement[Any]) -> ColumnElement[Any]:
    begin = func.length(text, type_=Integer) - func.length(part, type_=Integer) + 1
    return (func.length(part, type_=Integer) <= func.length(text, type_=Integer)) & (
        func.substr(text, begin, type_=Text) == part
    )


def _substring(_: Dialect, text: ColumnElement[Any], *numbers: ColumnElement[Any]) -> ColumnElement[Any]:
    """From a place that is counted from 0; negative ones mean 0, as OData 4.01, 5.1.1.5.8, allows."""
    begin, *length = (cast(number, Integer) for number in numbers)
    least = literal(0, Integer)
    if length:
        return func.substr(text, _greatest(begin, least) + 1, _greatest(length[0], least), type_=Text)
    return func.substr(text, _greatest(begin, least) + 1, type_=Text)


def _greatest(a: ColumnElement[Any], b: ColumnElement[Any]) -> ColumnElement[Any]:
    # Neither greatest() nor max() is known to both databases.
    return (a + b + func.abs(a - b)) // literal(2, Integer)


def _related(relation: str) -> Make:
    def make(_: Dialect, arguments: Sequence[Value], at: int) -> Value:
        return Value(Kind.BOOLEAN, at, relate_times(relation, arguments[0], arguments[1]))

    return make


def _in_python(*_: Any) -> Value:
    raise TypeError("geometries are measured before the statement runs")


def _geometric(name: str, geometries: int, result: Kind, *others: tuple[Kind, ...]) -> Function:
    return Function(name, ((Kind.GEOMETRY,),) * geometries + others, result, _in_python, 0, geometries)


def _constant(moment: int) -> Make:
    return lambda _dialect, _arguments, at: values.instant(moment, at)


SPATIAL_RELATIONS: Final = (
    "st_equals",
    "st_disjoint",
    "st_touches",
    "st_within",
    "st_overlaps",
    "st_crosses",
    "st_intersects",
    "st_contains",
)
TEMPORAL_RELATIONS: Final = ("before", "after", "meets", "during", "overlaps", "starts", "finishes")

_ALL: Final = (
    Function(
        "substringof", (TEXT, TEXT), Kind.BOOLEAN, _of(Kind.BOOLEAN, lambda d, part, text: d.position(text, part) > 0)
    ),
    Function(
        "contains", (TEXT, TEXT), Kind.BOOLEAN, _of(Kind.BOOLEAN, lambda d, text, part: d.position(text, part) > 0)
    ),
    Function("endswith", (TEXT, TEXT), Kind.BOOLEAN, _of(Kind.BOOLEAN, _ends_with)),
    Function("startswith", (TEXT, TEXT), Kind.BOOLEAN, _of(Kind.BOOLEAN, _starts_with)),
    Function(
        "length", (TEXT,), Kind.NUMBER, _of(Kind.NUMBER, lambda _, t: func.length(t, type_=Integer), is_whole=True)
    ),
    Function(
        "indexof",
        (TEXT, TEXT),
        Kind.NUMBER,
        _of(Kind.NUMBER, lambda d, text, part: d.position(text, part) - 1, is_whole=True),
    ),
    Function("substring", (TEXT, NUMBER, NUMBER), Kind.TEXT, _of(Kind.TEXT, _substring), optional=1),
    Function("tolower", (TEXT,), Kind.TEXT, _of(Kind.TEXT, lambda d, text: d.lower(text))),
    Function("toupper", (TEXT,), Kind.TEXT, _of(Kind.TEXT, lambda d, text: d.upper(text))),
    Function("trim", (TEXT,), Kind.TEXT, _of(Kind.TEXT, lambda _, text: func.trim(text, type_=Text))),
    Function("concat", (TEXT, TEXT), Kind.TEXT, _of(Kind.TEXT, lambda _, a, b: a.concat(b))),
    Function("year", (DAY,), Kind.NUMBER, _calendar("year")),
    Function("month", (DAY,), Kind.NUMBER, _calendar("month")),
    Function("day", (DAY,), Kind.NUMBER, _calendar("day")),
    Function("hour", (CLOCK,), Kind.NUMBER, _clock(instants.HOUR, instants.DAY)),
    Function("minute", (CLOCK,), Kind.NUMBER, _clock(instants.MINUTE, instants.HOUR)),
    Function("second", (CLOCK,), Kind.NUMBER, _clock(instants.SECOND, instants.MINUTE)),
    Function("fractionalseconds", (CLOCK,), Kind.NUMBER, _of(Kind.NUMBER, _fraction)),
    Function("date", (TIME,), Kind.DATE, _of(Kind.DATE, lambda _, moment: _days(moment))),
    Function("time", (TIME,), Kind.CLOCK, _of(Kind.CLOCK, lambda _, moment: _within(moment, instants.DAY))),
    Function("totaloffsetminutes", (TIME,), Kind.NUMBER, _of(Kind.NUMBER, lambda _, moment: moment * 0, is_whole=True)),
    Function("now", (), Kind.TIME, _constant(0)),  # the translator knows when now is
    Function("mindatetime", (), Kind.TIME, _constant(values.FIRST)),
    Function("maxdatetime", (), Kind.TIME, _constant(values.LAST)),
    Function("round", (NUMBER,), Kind.NUMBER, _of(Kind.NUMBER, lambda d, number: d.round(number), is_whole=True)),
    Function(
        "floor", (NUMBER,), Kind.NUMBER, _of(Kind.NUMBER, lambda _, n: -func.ceil(-n, type_=Double), is_whole=True)
    ),
    Function(
        "ceiling", (NUMBER,), Kind.NUMBER, _of(Kind.NUMBER, lambda _, n: func.ceil(n, type_=Double), is_whole=True)
    ),
    _geometric("geo.distance", 2, Kind.NUMBER),
    _geometric("geo.length", 1, Kind.NUMBER),
    _geometric("geo.intersects", 2, Kind.BOOLEAN),
    *(_geometric(name, 2, Kind.BOOLEAN) for name in SPATIAL_RELATIONS),
    _geometric("st_relate", 2, Kind.BOOLEAN, TEXT),
    *(Function(name, (TIME, TIME), Kind.BOOLEAN, _related(name)) for name in TEMPORAL_RELATIONS),
)

FUNCTIONS: Final[Mapping[str, Function]] = MappingProxyType({known.name: known for known in _ALL})
"""By name."""
