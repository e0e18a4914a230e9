"""What of a filter on observations speaks of their datastreams alone.

`Datastream/Thing/properties/site eq 'S07' and phenomenonTime ge …` has two parts. The first can be answered from
hundreds of datastreams instead of millions of observations, and then counts come from the counters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from functools import reduce
from typing import Any

from odata_query import ast

from sensor_overlay.sensorthings.expressions import parse

_ROOT = "Datastream"


def split(text: str) -> tuple[Any, Any]:
    """Return the part of a `$filter` on observations as a tree for datastreams, and the rest as one for observations.

    Each is None where there is none; all of the filter holds where both do.

    Raises:
        BadExpressionError: it is no expression.
    """
    parts = list(_parts(parse(text)))
    of_streams = [_without_root(part) for part in parts if _is_of_streams(part)]
    others = [part for part in parts if not _is_of_streams(part)]
    return _joined(of_streams), _joined(others)


def _parts(tree: Any) -> Iterator[Any]:
    """Yield what `and` connects, from left to right."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
            waiting += [node.right, node.left]
        else:
            yield node


def _joined(parts: list[Any]) -> Any:
    return reduce(lambda left, right: ast.BoolOp(ast.And(), left, right), parts) if parts else None


def _is_of_streams(part: Any) -> bool:
    """Return whether every path in it leads through the datastream, and there is one."""
    found = False
    waiting = [part]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.CollectionLambda):
            return False
        if isinstance(node, ast.Identifier | ast.Attribute):
            if not isinstance(node, ast.Attribute) or _first(node) != _ROOT:
                return False
            found = True
        elif isinstance(node, ast.Call):
            waiting += node.args
        else:
            waiting += _children(node)
    return found


def _first(node: Any) -> str:
    while isinstance(node, ast.Attribute):
        node = node.owner
    return str(node.name)


def _children(node: Any) -> list[Any]:
    found = []
    for known in fields(node):
        value = getattr(node, known.name)
        found += [member for member in (value if isinstance(value, list) else [value]) if isinstance(member, ast._Node)]
    return found


def _without_root(node: Any) -> Any:
    """Return a tree whose paths begin one step later."""
    if isinstance(node, ast.Attribute):
        if isinstance(node.owner, ast.Attribute):
            return ast.Attribute(_without_root(node.owner), node.attr)
        return ast.Identifier(node.attr)
    if isinstance(node, ast.Call):
        return replace(node, args=[_without_root(argument) for argument in node.args])
    changes: dict[str, Any] = {}
    for known in fields(node):
        value = getattr(node, known.name)
        if isinstance(value, ast._Node):
            changes[known.name] = _without_root(value)
        elif isinstance(value, list):
            changes[known.name] = [_without_root(member) for member in value]
    return replace(node, **changes) if changes else node
