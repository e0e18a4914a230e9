"""Parts of odata-query's syntax tree: literals, chains, paths."""

from __future__ import annotations

from typing import Any

from odata_query import ast

from sensor_overlay.sensorthings import values
from sensor_overlay.sensorthings.errors import BadExpressionError
from sensor_overlay.sensorthings.expressions import Interval
from sensor_overlay.sensorthings.model import Kind
from sensor_overlay.sensorthings.values import Place, Value


def constant(tree: Any, at: int) -> Value:
    """Return a literal as a value.

    Raises:
        BadExpressionError: it is a list, or names what there is not.
    """
    match tree:
        case ast.Null():
            return values.nothing(at)
        case ast.Integer() | ast.Float():
            return values.number(tree.val, at)
        case ast.Boolean():
            return values.truth(is_true=tree.val.lower() == "true", at=at)
        case ast.String() | ast.GUID():
            return values.words(str(tree.val), at)
        case ast.Geography():
            return Value(Kind.GEOMETRY, at, is_constant=True, place=Place(wkt=str(tree.val)))
        case Interval():
            begin, end = values.interval(tree.val, at)
            return values.instant(begin, at, end)
        case ast.DateTime():
            return values.instant(values.moment_of(tree.val, at), at)
        case ast.Date():
            return values.day(tree.val, at)
        case ast.Time():
            return values.clock(tree.val, at)
        case ast.Duration():
            return values.duration(tree.val, at)
        case _:
            raise BadExpressionError("a list stands only behind 'in'", at)


def chain(tree: ast.BoolOp) -> list[Any]:
    """Return the parts of a chain of one operator, however long it is."""
    parts: list[Any] = []
    waiting: list[Any] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.BoolOp) and type(node.op) is type(tree.op):
            waiting += [node.right, node.left]
        else:
            parts.append(node)
    return parts


def path_of(tree: Any) -> list[str]:
    """Return the names of a path; each knows its place."""
    found: list[str] = []
    while isinstance(tree, ast.Attribute):
        found.insert(0, tree.attr)
        tree = tree.owner
    return [tree.name, *found]
