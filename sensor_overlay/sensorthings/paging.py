"""The order of a collection, and links to its next page by the key of the last entity.

A page that begins behind a key costs the same however far it is, and is not shifted by what was added meanwhile.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import BigInteger, Column, ColumnElement, Double, Integer, Text, and_, case, literal, or_

from sensor_overlay.sensorthings.errors import BadRequestError
from sensor_overlay.sensorthings.filters import ordering
from sensor_overlay.sensorthings.lookups import Request
from sensor_overlay.sensorthings.model import OBSERVATION
from sensor_overlay.sensorthings.options import Options
from sensor_overlay.sensorthings.scopes import Scope

MAX_KEYS: Final = 10


@dataclass(frozen=True, slots=True)
class Key:
    """One column that rows are ordered by; nulls come first, and last where it is descending (OData 4.0, 11.2.5.2)."""

    sql: ColumnElement[Any]
    is_descending: bool
    may_be_null: bool

    def terms(self) -> list[ColumnElement[Any]]:
        """Return what stands behind `order by`."""
        columns = [case((self.sql.is_(None), 0), else_=1), self.sql] if self.may_be_null else [self.sql]
        return [column.desc() if self.is_descending else column.asc() for column in columns]

    def equals(self, value: Any) -> ColumnElement[bool]:
        """Return whether a row has this value here."""
        return self.sql.is_(None) if value is None else self.sql == self._bound(value)

    def is_behind(self, value: Any) -> ColumnElement[bool] | None:
        """Return whether a row comes after those with this value; None where none can."""
        if value is None:
            return None if self.is_descending else self.sql.is_not(None)
        bound = self._bound(value)
        if self.is_descending:
            return or_(self.sql < bound, self.sql.is_(None)) if self.may_be_null else self.sql < bound
        return self.sql > bound

    def _bound(self, value: Any) -> ColumnElement[Any]:
        if isinstance(value, str):
            return literal(value, Text)
        if isinstance(value, int) and isinstance(self.sql.type, Integer):
            return literal(value, BigInteger)
        return literal(float(value), Double)


@dataclass(frozen=True, slots=True)
class Sequenced:
    """The order of a collection: keys of which the last is unique, the id."""

    keys: tuple[Key, ...]

    def terms(self) -> list[ColumnElement[Any]]:
        """Return what stands behind `order by`."""
        return [term for key in self.keys for term in key.terms()]

    def columns(self) -> list[ColumnElement[Any]]:
        """Return what a row must bring so that a link to the next page can be written."""
        return [key.sql.label(f"key_{index}") for index, key in enumerate(self.keys)]

    def token(self, row: Any) -> str:
        """Return the token of the page behind `row`."""
        values = [row[f"key_{index}"] for index in range(len(self.keys))]
        return base64.urlsafe_b64encode(msgspec.json.encode(values)).rstrip(b"=").decode()

    def behind(self, token: str) -> ColumnElement[bool]:
        """Return the condition that a row comes behind the one that `token` was written for.

        Raises:
            BadRequestError: it is no token for this order.
        """
        values = self._values(token)
        steps: list[ColumnElement[bool]] = []
        for index, (key, value) in enumerate(zip(self.keys, values, strict=True)):
            later = key.is_behind(value)
            if later is not None:
                same = [known.equals(at) for known, at in zip(self.keys[:index], values[:index], strict=True)]
                steps.append(and_(*same, later))
        first, start = self.keys[0], values[0]
        if start is None or first.may_be_null:
            return or_(*steps)
        # Says no more than the rest, but in a way that an index understands.
        bound = first._bound(start)
        return and_(first.sql <= bound if first.is_descending else first.sql >= bound, or_(*steps))

    def _values(self, token: str) -> Sequence[Any]:
        try:
            decoded = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            values = msgspec.json.decode(decoded, type=list[int | float | str | None])
        except (ValueError, binascii.Error, msgspec.DecodeError) as error:
            raise BadRequestError("$skiptoken is not one of ours") from error
        fits = len(values) == len(self.keys) and all(map(_fits, self.keys, values))
        if not fits:
            raise BadRequestError("$skiptoken belongs to another $orderby")
        return values


def _fits(key: Key, value: Any) -> bool:
    if value is None:
        return key.may_be_null
    if isinstance(value, str):
        return isinstance(key.sql.type, Text) and "\0" not in value
    if isinstance(key.sql.type, Text):
        return False
    return isinstance(value, float) or abs(value) < 2**63


def sequence(scope: Scope, options: Options, request: Request) -> Sequenced:
    """Return the order of a collection.

    What nobody ordered comes by id; observations by phenomenonTime, as the index of each datastream has them.

    Args:
        scope: its rows.
        options: with `$orderby`.
        request: see there.

    Raises:
        BadRequestError: `$orderby` has too many keys, or one that has no order.
    """
    if len(options.order) > MAX_KEYS:
        raise BadRequestError(f"$orderby has at most {MAX_KEYS} keys")
    keys = [
        Key(column, order.is_descending, _may_be_null(column, scope))
        for order in options.order
        for column in ordering(order.expression, scope, request)
    ]
    if not keys and scope.entity is OBSERVATION:
        keys = [Key(scope.row.c.phenomenon_time, False, False)]
    unique = next((index for index, key in enumerate(keys) if key.sql is scope.row.c.id), None)
    if unique is not None:
        return Sequenced(tuple(keys[: unique + 1]))  # the rest decides nothing
    keys.append(Key(scope.row.c.id, bool(keys) and keys[-1].is_descending, False))
    return Sequenced(tuple(keys))


def _may_be_null(sql: ColumnElement[Any], scope: Scope) -> bool:
    return not (isinstance(sql, Column) and sql.table is scope.row and not sql.nullable)
