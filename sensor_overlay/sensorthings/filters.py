"""SQL of `$filter` and `$orderby`: the syntax tree becomes bound parameters, columns and functions, never text.

Logic has two values, as in OData 4.0 (part 2, 5.1.1): a comparison with null is false, but for `eq null` and `ne`.
SQL's third value can only become false, because every `not` and every comparison of truth values asks for certainty.

A path through a collection (`Datastreams/ObservedProperty/name eq 'CO2'`) holds where it holds for one of its entities;
every comparison asks anew. Where two comparisons must speak of the same entity, `any` says so:
`Datastreams/any(d: d/ObservedProperty/name eq 'CO2' and d/Sensor/name eq 'ERS CO2')`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from odata_query import ast
from sqlalchemy import ColumnElement, Double, Text, and_, case, cast, false, func, literal, not_, or_

from sensor_overlay.sensorthings import registered, values
from sensor_overlay.sensorthings.errors import BadExpressionError
from sensor_overlay.sensorthings.expressions import parse, place
from sensor_overlay.sensorthings.functions import FUNCTIONS, Function
from sensor_overlay.sensorthings.geometries import of_constants
from sensor_overlay.sensorthings.lookups import Request
from sensor_overlay.sensorthings.model import THING, Kind, Property, ToMany, ToOne
from sensor_overlay.sensorthings.scopes import Crossing, Scope, exists
from sensor_overlay.sensorthings.temporal import compare_times
from sensor_overlay.sensorthings.trees import chain, constant, path_of
from sensor_overlay.sensorthings.values import Measure, Member, Place, Value

_T = TypeVar("_T")

MAX_PATH: Final = 12
"""Names in one path."""
MAX_NODES: Final = 100
"""Operators in operators, but for chains of `and` and of `or`, which may be as long as an expression."""

_OPERATORS: Final[Mapping[type[Any], str]] = {
    ast.Eq: "eq",
    ast.NotEq: "ne",
    ast.Lt: "lt",
    ast.LtE: "le",
    ast.Gt: "gt",
    ast.GtE: "ge",
}
_ARITHMETIC: Final[Mapping[type[Any], str]] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "div",
    ast.Mod: "mod",
}
_COMPARE: Final[Mapping[str, Callable[[Any, Any], ColumnElement[bool]]]] = {
    "eq": lambda left, right: left == right,
    "lt": lambda left, right: left < right,
    "le": lambda left, right: left <= right,
    "gt": lambda left, right: left > right,
    "ge": lambda left, right: left >= right,
}
_TURNED: Final = {"eq": "eq", "ne": "ne", "lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}


def condition(tree: Any, scope: Scope, request: Request) -> ColumnElement[bool]:
    """Return the SQL of a `$filter` on the rows of `scope`.

    Raises:
        BadExpressionError: it compares what cannot be compared, or names what is not there.
    """
    return _Translator(scope, request).condition(tree)


def ordering(text: str, scope: Scope, request: Request) -> list[ColumnElement[Any]]:
    """Return what rows are ordered by, for one key of an `$orderby`; several columns where its type is not known.

    Raises:
        BadExpressionError: it is none, or nothing that has an order.
    """
    return _Translator(scope, request).ordering(parse(text))


class _Translator:
    """Walks one syntax tree."""

    def __init__(self, scope: Scope, request: Request) -> None:
        self._scope = scope
        self._request = request
        self._dialect = request.dialect
        self._variables: dict[str, Scope] = {}
        self._crossings: list[Crossing] | None = None
        self._depth = 0

    def condition(self, tree: Any) -> ColumnElement[bool]:
        """Return a node as a condition, which may be null for false."""
        if isinstance(tree, ast.BoolOp):
            parts = [self.condition(part) for part in chain(tree)]
            return and_(*parts) if isinstance(tree.op, ast.And) else or_(*parts)
        if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not):
            return self._deeper(tree, lambda: not_(values.certain(self.condition(tree.operand))))
        if isinstance(tree, ast.CollectionLambda):
            return self._deeper(tree, lambda: self._lambda(tree))
        outer, self._crossings = self._crossings, []
        try:
            found = self._deeper(tree, lambda: self._predicate(tree))
            crossed = self._crossings
        finally:
            self._crossings = outer
        return exists(crossed, found) if crossed else found

    def ordering(self, tree: Any) -> list[ColumnElement[Any]]:
        """Return the columns that a node is ordered by."""
        value = self._value(tree)
        if value.kind is Kind.DOCUMENT:
            keys = [values.of_kind(value, kind, self._dialect) for kind in (Kind.NUMBER, Kind.TEXT)]
            value_number, value_text = (key.sql for key in keys if key is not None and key.sql is not None)
            return [value_number, self._dialect.ordered(value_text)]
        sql = self._sql(value)
        return [self._dialect.ordered(sql) if value.kind is Kind.TEXT else sql]

    def _deeper(self, tree: Any, work: Callable[[], _T]) -> _T:
        self._depth += 1
        if self._depth > MAX_NODES:
            raise BadExpressionError(f"more than {MAX_NODES} operators in operators", place(tree))
        found = work()
        self._depth -= 1
        return found

    def _predicate(self, tree: Any) -> ColumnElement[bool]:
        if isinstance(tree, ast.Compare):
            if isinstance(tree.left, ast.UnaryOp) and isinstance(tree.left.op, ast.Not):
                operand = tree.left.operand
                if not isinstance(operand, ast.Compare | ast.BoolOp | ast.CollectionLambda):
                    # The grammar binds `not` to the left side alone; whoever writes `not a eq b` means all of it.
                    whole = ast.Compare(tree.comparator, operand, tree.right)
                    return not_(values.certain(self.condition(whole)))
            if isinstance(tree.comparator, ast.In):
                return self._one_of(tree)
            operator = _OPERATORS[type(tree.comparator)]
            return self._compare(operator, self._value(tree.left), self._value(tree.right))
        value = self._value(tree)
        truth = values.of_kind(value, Kind.BOOLEAN, self._dialect)
        if truth is None or truth.sql is None:
            raise BadExpressionError(f"a condition is expected, and this is {values.describe(value)}", value.at)
        return truth.sql

    def _one_of(self, tree: ast.Compare) -> ColumnElement[bool]:
        left = self._value(tree.left)
        listed: Any = tree.right
        return or_(*(self._compare("eq", left, self._value(item)) for item in listed.val))

    def _lambda(self, tree: ast.CollectionLambda) -> ColumnElement[bool]:
        """Return `any` or `all` over a collection."""
        names = path_of(tree.owner)
        at = place(tree.owner)
        outer, self._crossings = self._crossings, []
        try:
            scope = self._walk(names, at)
            crossed = self._crossings
        finally:
            self._crossings = outer
        if scope is None or not crossed or crossed[-1].scope is not scope:
            raise BadExpressionError(f"{'/'.join(names)} is no collection", at)
        if tree.lambda_ is None:
            return exists(crossed)
        name = str(tree.lambda_.identifier.name)
        shadowed = self._variables.get(name)
        self._variables[name] = scope
        try:
            inner = self.condition(tree.lambda_.expression)
        finally:
            del self._variables[name]
            if shadowed is not None:
                self._variables[name] = shadowed
        if isinstance(tree.operator, ast.All):
            return not_(exists(crossed, not_(values.certain(inner))))
        return exists(crossed, inner)

    def _value(self, tree: Any) -> Value:
        """Return a node as a value."""
        return self._deeper(tree, lambda: self._value_of(tree))

    def _value_of(self, tree: Any) -> Value:
        at = place(tree)
        if isinstance(tree, ast._Literal):
            return constant(tree, at)
        if isinstance(tree, ast.Identifier | ast.Attribute):
            return self._path(path_of(tree), at)
        if isinstance(tree, ast.Call):
            return self._call(tree, at)
        if isinstance(tree, ast.BinOp):
            return self._arithmetic(_ARITHMETIC[type(tree.op)], self._value(tree.left), self._value(tree.right))
        if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
            return self._negative(self._value(tree.operand))
        if isinstance(tree, ast.Compare | ast.BoolOp | ast.UnaryOp | ast.CollectionLambda):
            return Value(Kind.BOOLEAN, at, values.certain(self.condition(tree)))
        raise BadExpressionError("this is no value", at)

    def _path(self, names: list[str], at: int) -> Value:
        scope = self._walk(names, at)
        if scope is not None:
            raise BadExpressionError(
                f"{'/'.join(names)} is an entity; a condition needs one of its properties: {_known(scope)}", at
            )
        return self._found

    def _walk(self, names: list[str], at: int) -> Scope | None:
        """Follow a path; return the entity it ends at, or None where it ends at a value, which is `_found`."""
        if len(names) > MAX_PATH:
            raise BadExpressionError(f"a path has at most {MAX_PATH} names", at)
        scope = self._scope
        start = 0
        if names[0] in self._variables:
            scope, start = self._variables[names[0]], 1
        elif names[0] in (scope.entity.plural, scope.entity.name) and names[0] not in scope.entity.navigations:
            start = 1  # `Things/name` of things, as Masterportal writes it and FROST-Server takes it
        for index in range(start, len(names)):
            name, rest = names[index], names[index + 1 :]
            if name in ("id", "@iot.id") and not rest:
                self._found = Value(Kind.NUMBER, at, scope.row.c.id, is_whole=True)
                return None
            known = scope.entity.properties.get(name)
            if known is not None:
                self._found = self._property(scope, known, rest, at)
                return None
            navigation = scope.entity.navigations.get(name)
            if navigation is None:
                where = getattr(names[index], "at", at)
                raise BadExpressionError(f"{scope.entity.name} has no {name!r}; it has {_known(scope)}", where)
            if isinstance(navigation, ToOne):
                if rest in (["id"], ["@iot.id"]):  # needs no join
                    self._found = Value(Kind.NUMBER, at, navigation.key(scope.row), is_whole=True)
                    return None
                scope = scope.joined(navigation)
            else:
                scope = self._cross(scope, navigation, at)
        return scope

    def _cross(self, scope: Scope, navigation: ToMany, at: int) -> Scope:
        if self._crossings is None:
            raise BadExpressionError(f"{navigation.name} are several, and have no order", at)
        crossing = Crossing(navigation, scope, self._request.principal)
        self._crossings.append(crossing)
        return crossing.scope

    def _property(self, scope: Scope, known: Property, rest: list[str], at: int) -> Value:
        row = scope.latest() if known.from_latest else scope.row
        columns = [row.c[name] for name in known.columns]
        if scope.entity is THING and known.kind is Kind.DOCUMENT and len(rest) == 1:
            if rest[0] in registered.TEXTS:
                return Value(Kind.TEXT, at, func.nullif(row.c[registered.TEXTS[rest[0]]], "", type_=Text))
            if rest[0] in registered.FLAGS:
                return Value(Kind.BOOLEAN, at, row.c[registered.FLAGS[rest[0]]])
        if known.kind is Kind.DOCUMENT:
            numbers = columns[0] if len(columns) == 2 and not rest else None
            return Value(Kind.DOCUMENT, at, member=Member(columns[-1], tuple(rest), numbers))
        if known.kind is Kind.GEOMETRY:
            if rest:
                return Value(Kind.DOCUMENT, at, member=Member(columns[0], tuple(rest)))
            return Value(Kind.GEOMETRY, at, place=Place(scope))
        if known.kind is Kind.UNIT:
            parts = dict(zip(("name", "symbol", "definition"), columns, strict=True))
            if len(rest) != 1 or rest[0] not in parts:
                raise BadExpressionError(f"{known.name} has name, symbol and definition", at)
            return Value(Kind.TEXT, at, parts[rest[0]])
        if rest:
            raise BadExpressionError(f"{known.name} has no members", at)
        end = columns[1] if len(columns) == 2 else None
        return Value(known.kind, at, columns[0], end)

    def _sql(self, value: Value) -> ColumnElement[Any]:
        """Return the SQL of a value that has a single column."""
        if value.measure is not None:
            name = self._request.look_up(value.measure)
            return self._dialect.looked_up(value.measure.scope.row.c.id, name)
        if value.sql is None:
            raise BadExpressionError(f"{values.describe(value)} cannot stand here", value.at)
        return value.sql

    def _as(self, value: Value, kind: Kind) -> ColumnElement[Any]:
        """Return the SQL of a value as one of a kind."""
        found = values.of_kind(value, kind, self._dialect)
        if found is None:
            wanted = values.describe(Value(kind, 0))
            raise BadExpressionError(f"{wanted} is expected, and this is {values.describe(value)}", value.at)
        return self._sql(found)

    def _compare(self, operator: str, left: Value, right: Value) -> ColumnElement[bool]:
        if Kind.NULL in (left.kind, right.kind):
            other = left if right.kind is Kind.NULL else right
            if operator not in ("eq", "ne"):
                return false()
            absent = values.is_null(other, self._dialect)
            return absent if operator == "eq" else not_(absent)
        if Kind.TIME in (left.kind, right.kind):
            sides = [values.of_kind(side, Kind.TIME, self._dialect) for side in (left, right)]
            if sides[0] is None or sides[1] is None:
                raise self._unlike(left, right)
            return compare_times(operator, sides[0], sides[1])
        if left.kind is right.kind is Kind.DOCUMENT:
            return self._compare_documents(operator, left, right)
        for side, other, turned in ((left, right, operator), (right, left, _TURNED[operator])):
            if side.measure is not None and other.is_constant and other.kind is Kind.NUMBER:
                name = self._request.look_up(side.measure, turned, other.constant)
                return self._dialect.is_one_of(side.measure.scope.row.c.id, name)
        kind = right.kind if left.kind is Kind.DOCUMENT else left.kind
        if values.of_kind(left, kind, self._dialect) is None or values.of_kind(right, kind, self._dialect) is None:
            raise self._unlike(left, right)
        if kind in (Kind.GEOMETRY, Kind.UNIT):
            raise BadExpressionError("geometries are compared by geo.distance, geo.intersects and st_…", left.at)
        return self._compare_columns(
            operator,
            kind,
            self._as(left, kind),
            self._as(right, kind),
            is_certain=left.is_constant or right.is_constant,
        )

    def _unlike(self, left: Value, right: Value) -> BadExpressionError:
        return BadExpressionError(
            f"{values.describe(left)} and {values.describe(right)} cannot be compared", left.at or right.at
        )

    def _compare_documents(self, operator: str, left: Value, right: Value) -> ColumnElement[bool]:
        """JSON values of different types are unequal, and have no order."""
        kinds = (Kind.NUMBER, Kind.TEXT, Kind.BOOLEAN)
        if operator in ("eq", "ne"):
            absent = and_(values.is_null(left, self._dialect), values.is_null(right, self._dialect))
            same = or_(absent, *(self._as(left, kind) == self._as(right, kind) for kind in kinds))
            return same if operator == "eq" else not_(values.certain(same))
        return or_(
            *(
                self._compare_columns(operator, kind, self._as(left, kind), self._as(right, kind), is_certain=False)
                for kind in kinds[:2]
            )
        )

    def _compare_columns(
        self, operator: str, kind: Kind, left: ColumnElement[Any], right: ColumnElement[Any], *, is_certain: bool
    ) -> ColumnElement[bool]:
        if kind is Kind.TEXT and operator not in ("eq", "ne"):
            left = self._dialect.ordered(left)
        if kind is Kind.BOOLEAN:
            if operator not in ("eq", "ne"):
                left, right = (case((side, 1), else_=0) for side in (left, right))
            else:
                left, right = (case((side, 1), (not_(side), 0)) for side in (left, right))
        if operator == "ne":
            return left.is_distinct_from(right)
        if operator == "eq" and not is_certain:
            return left.is_not_distinct_from(right)
        return _COMPARE[operator](left, right)

    def _arithmetic(self, operator: str, left: Value, right: Value) -> Value:
        at = left.at
        kinds = (left.kind, right.kind)
        if operator in ("add", "sub"):
            sign = 1 if operator == "add" else -1
            if kinds == (Kind.TIME, Kind.TIME) and sign < 0:
                return Value(Kind.DURATION, at, self._sql(left) - self._sql(right))
            if kinds == (Kind.TIME, Kind.DURATION):
                return self._moved(left, self._sql(right) * sign)
            if kinds == (Kind.DURATION, Kind.TIME) and sign > 0:
                return self._moved(right, self._sql(left))
            if kinds == (Kind.DURATION, Kind.DURATION):
                return Value(Kind.DURATION, at, self._sql(left) + self._sql(right) * sign)
        if Kind.DURATION in kinds and operator in ("mul", "div") and kinds != (Kind.DURATION, Kind.DURATION):
            if kinds[0] is not Kind.DURATION and operator == "div":
                raise BadExpressionError("a number cannot be divided by a duration", at)
            length, factor = (left, right) if kinds[0] is Kind.DURATION else (right, left)
            amount = cast(self._as(factor, Kind.NUMBER), Double)
            scaled = self._sql(length) * amount if operator == "mul" else self._sql(length) / func.nullif(amount, 0.0)
            return Value(Kind.DURATION, at, scaled)
        return self._calculate(operator, left, right)

    def _moved(self, time: Value, by: ColumnElement[Any]) -> Value:
        end = None if time.end is None else time.end + by
        return Value(Kind.TIME, time.at, self._sql(time) + by, end, is_constant=False)

    def _calculate(self, operator: str, left: Value, right: Value) -> Value:
        """Numbers are double, but for the whole-numbered division of whole numbers (OData 4.01, 5.1.1.2.4)."""
        is_whole = left.is_whole and right.is_whole
        a, b = (self._as(side, Kind.NUMBER) for side in (left, right))
        a, b = cast(a, Double), cast(b, Double)
        match operator:
            case "add":
                sql = a + b
            case "sub":
                sql = a - b
            case "mul":
                sql = a * b
            case "div":
                sql = _divided(a, b)
                if is_whole:
                    sql = func.trunc(sql, type_=Double)
            case _:
                sql = a - b * func.trunc(_divided(a, b), type_=Double)
        return Value(Kind.NUMBER, left.at, sql, is_whole=is_whole)

    def _negative(self, value: Value) -> Value:
        if value.kind is Kind.DURATION:
            return Value(Kind.DURATION, value.at, -self._sql(value))
        return Value(Kind.NUMBER, value.at, -self._as(value, Kind.NUMBER), is_whole=value.is_whole)

    def _call(self, tree: ast.Call, at: int) -> Value:
        name = tree.func.name
        function = FUNCTIONS.get(name)
        if function is None:
            raise BadExpressionError(f"there is no function {name!r}; there are {', '.join(FUNCTIONS)}", at)
        arguments = [self._value(argument) for argument in tree.args]
        if not function.least <= len(arguments) <= function.most:
            raise BadExpressionError(
                f"{name} takes {function.least if function.least == function.most else function.signature} "
                f"arguments, and has {len(arguments)}",
                at,
            )
        return self._apply(function, arguments, at)

    def _apply(self, function: Function, arguments: list[Value], at: int) -> Value:
        if function.is_geometric:
            return self._geometric(function, arguments, at)
        if function.name == "now":
            return values.instant(self._request.now, at)
        converted = [
            self._converted(function, argument, kinds)
            for argument, kinds in zip(arguments, function.takes, strict=False)
        ]
        return function.make(self._dialect, converted, at)

    def _converted(self, function: Function, argument: Value, kinds: tuple[Kind, ...]) -> Value:
        """Return an argument as the first of the kinds that it can be."""
        for kind in kinds:
            found = values.of_kind(argument, kind, self._dialect)
            if found is not None:
                return Value(kind, found.at, self._sql(found), found.end, is_constant=found.is_constant)
        wanted = " or ".join(values.describe(Value(kind, 0)) for kind in kinds)
        raise BadExpressionError(
            f"{function.name} takes {wanted} here, and this is {values.describe(argument)}", argument.at
        )

    def _geometric(self, function: Function, arguments: list[Value], at: int) -> Value:
        places: list[Place] = []
        others: list[str] = []
        for argument in arguments:
            if argument.place is not None:
                places.append(argument.place)
            elif argument.kind is Kind.TEXT and argument.is_constant:
                others.append(str(argument.constant))
            else:
                raise BadExpressionError(f"{function.name} takes geometries", argument.at)
        if len(places) != function.geometries or len(others) != len(arguments) - function.geometries:
            raise BadExpressionError(f"{function.name} takes {function.geometries} geometries", at)
        stored = [known for known in places if known.scope is not None]
        if not stored:
            found = of_constants(function.name, (*(known.wkt for known in places), *others))
            return values.truth(is_true=found, at=at) if isinstance(found, bool) else values.amount(found, at)
        if len(stored) != 1 or stored[0].scope is None:
            raise BadExpressionError(
                f"{function.name} takes a property of an entity"
                + (" and a geometry that stands in the query: geography'POINT (6.6 51.1)'" if len(places) > 1 else ""),
                at,
            )
        turned = "turned" if len(places) > 1 and places[1].scope is not None else ""
        constants = tuple(known.wkt for known in places if known.scope is None)
        measure = Measure(function.name + turned, stored[0].scope, (*constants, *others))
        if function.result is Kind.BOOLEAN:
            name = self._request.look_up(measure, "eq", True)
            return Value(Kind.BOOLEAN, at, self._dialect.is_one_of(measure.scope.row.c.id, name))
        return Value(Kind.NUMBER, at, measure=measure)


def _divided(a: ColumnElement[Any], b: ColumnElement[Any]) -> ColumnElement[Any]:
    return a / func.nullif(b, literal(0.0, Double))


def _known(scope: Scope) -> str:
    return ", ".join(["id", *scope.entity.properties, *scope.entity.navigations])
