"""Lists of values as one parameter: a statement stays the same however long the list is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ARRAY, BigInteger, BindParameter, Column, ColumnElement, Dialect, Text, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine


class _List(TypeDecorator[Sequence[Any]]):
    """A JSON array on SQLite, an array on PostgreSQL."""

    impl = Text
    cache_ok = True
    member: TypeEngine[Any]

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        kind = ARRAY(self.member) if dialect.name == "postgresql" else Text()
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: Sequence[Any] | None, dialect: Dialect) -> Any:
        members = list(value or ())
        return members if dialect.name == "postgresql" else msgspec.json.encode(members).decode()


class Numbers(_List):
    """A list of 64-bit integers."""

    cache_ok = True
    member = BigInteger()


class Texts(_List):
    """A list of texts."""

    cache_ok = True
    member = Text()


class _Members(FunctionElement[Any]):
    inherit_cache = True


@compiles(_Members, "sqlite")
def _members_of_json(element: _Members, compiler: Any, **options: Any) -> str:
    return f"(SELECT value FROM json_each({compiler.process(element.clauses, **options)}))"  # noqa: S608 - compiled


@compiles(_Members, "postgresql")
def _members_of_array(element: _Members, compiler: Any, **options: Any) -> str:
    return f"(SELECT unnest({compiler.process(element.clauses, **options)}))"


def among(column: Column[Any], name: str, kind: type[_List] = Numbers) -> ColumnElement[bool]:
    """Return the condition that `column` is a member of the list in parameter `name`.

    Example:
        >>> from sensor_overlay.store.schema import thing
        >>> print(among(thing.c.id, "ids").compile(dialect=__import__("sqlalchemy").create_engine("sqlite://").dialect))
        thing.id IN (SELECT value FROM json_each(?))
    """
    parameter: BindParameter[Any] = bindparam(name, type_=kind())
    return column.op("IN", is_comparison=True)(_Members(parameter))
