"""How times compare, where each may be an instant or an interval that its end does not belong to.

Spec: OGC 18-088, 9.3.3.5.1, says which operators there are and not what they mean for intervals; so do it as
FROST-Server does: `lt` is wholly before, `gt` wholly after, `le` ends no later, `ge` begins no earlier.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, func, not_, or_

from sensor_overlay.sensorthings.errors import BadExpressionError
from sensor_overlay.sensorthings.values import Value


def compare_times(operator: str, left: Value, right: Value) -> ColumnElement[bool]:
    """Return the condition `left operator right`; conditions on plain columns stay such, so that an index serves."""
    match operator:
        case "lt":
            return _before(left, right)
        case "gt":
            return _before(right, left)
        case "ge":
            return _begin(left) >= _begin(right)
        case "le":
            return _ends_by(left, right)
        case "eq":
            return _same(left, right)
        case _:
            return not_(func.coalesce(_same(left, right), False))


def relate_times(relation: str, left: Value, right: Value) -> ColumnElement[bool]:
    """Return the condition of one of the relations between times that FROST-Server adds to the standard's."""
    match relation:
        case "before":
            return _before(left, right)
        case "after":
            return _before(right, left)
        case "meets":
            return or_(_end(left) == _begin(right), _end(right) == _begin(left))
        case "during":
            inside = _begin(left) < _end(right) if left.end is None else _end(left) <= _end(right)
            return and_(_begin(left) >= _begin(right), inside)
        case "overlaps":
            return and_(_starts_before_end(left, right), _starts_before_end(right, left))
        case "starts":
            return _begin(left) == _begin(right)
        case _:  # finishes
            return _end(left) == _end(right)


def _begin(value: Value) -> ColumnElement[Any]:
    if value.sql is None:
        raise BadExpressionError("this is no time", value.at)
    return value.sql


def _end(value: Value) -> ColumnElement[Any]:
    """Return the end of an interval; an instant ends as it begins."""
    if value.end is None:
        return _begin(value)
    return value.end if value.is_constant else func.coalesce(value.end, _begin(value))


def _before(left: Value, right: Value) -> ColumnElement[bool]:
    if left.end is None:
        return _begin(left) < _begin(right)
    if left.is_constant:
        return left.end <= _begin(right)
    return and_(_begin(left) < _begin(right), or_(left.end.is_(None), left.end <= _begin(right)))


def _ends_by(left: Value, right: Value) -> ColumnElement[bool]:
    if left.end is None or left.is_constant:
        return _end(left) <= _end(right)
    return and_(_begin(left) <= _end(right), or_(left.end.is_(None), left.end <= _end(right)))


def _same(left: Value, right: Value) -> ColumnElement[bool]:
    begins = _begin(left) == _begin(right)
    if left.end is None and right.end is None:
        return begins
    return and_(begins, _end(left) == _end(right))


def _starts_before_end(left: Value, right: Value) -> ColumnElement[bool]:
    """An instant fills its own moment."""
    if right.end is None:
        return _begin(left) <= _begin(right)
    if right.is_constant:
        return _begin(left) < right.end
    return or_(_begin(left) < right.end, and_(right.end.is_(None), _begin(left) <= _begin(right)))
