"""What SQLite and PostgreSQL say differently."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol

import msgspec
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    Double,
    FromClause,
    Integer,
    Text,
    bindparam,
    case,
    cast,
    collate,
    false,
    func,
    literal,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

Json = ColumnElement[Any]
Path = Sequence[str]


class Dialect(Protocol):
    """The SQL of one database for what has no common one."""

    has_lateral: bool

    def number(self, document: Json, path: Path) -> ColumnElement[Any]:
        """Return a member of a document where it is a number, else null."""

    def text(self, document: Json, path: Path) -> ColumnElement[Any]:
        """Return a member of a document where it is text, else null."""

    def truth(self, document: Json, path: Path) -> ColumnElement[Any]:
        """Return a member of a document where it is a truth value, else null."""

    def is_missing(self, document: Json, path: Path) -> ColumnElement[bool]:
        """Return whether a document has no such member, or null there."""

    def position(self, text: ColumnElement[Any], part: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return where `part` begins in `text`, from 1; 0 where it does not."""

    def lower(self, text: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return text in lower case, umlauts too."""

    def upper(self, text: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return text in upper case, umlauts too."""

    def ordered(self, text: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return text that is compared by code point, whatever the database's locale is."""

    def round(self, number: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return the nearest whole number, half away from zero (OData 4.0, 5.1.1.9.1)."""

    def calendar(self, field: str, days: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return `year`, `month` or `day` of a count of days since 1970-01-01."""

    def is_one_of(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        """Return whether `column` is one of the ids that the parameter `name` will list; see `ids`."""

    def ids(self, ids: Iterable[int]) -> Any:
        """Return the value of a parameter that lists ids."""

    def looked_up(self, key: ColumnElement[Any], name: str) -> ColumnElement[Any]:
        """Return the number that the parameter `name`, a JSON object as text, has for `key`."""

    def parents(self, ids: Sequence[int]) -> tuple[FromClause, ColumnElement[Any], ColumnElement[Any]]:
        """Return rows for `ids`, their place in the list and the id itself."""


class Sqlite:
    """SQLite 3.38 or newer, which has JSON and mathematical functions."""

    has_lateral = False

    @staticmethod
    def _path(path: Path) -> str:
        # SQLite's paths have no way to write a quotation mark; no name can have one here.
        return "$" + "".join(f"[{name}]" if name.isdecimal() else f'."{name}"' for name in path)

    def number(self, document: Json, path: Path) -> ColumnElement[Any]:
        at = self._path(path)
        found = func.json_type(document, at).in_(("integer", "real"))
        return case((found, func.json_extract(document, at, type_=Double)))

    def text(self, document: Json, path: Path) -> ColumnElement[Any]:
        at = self._path(path)
        return case((func.json_type(document, at) == "text", func.json_extract(document, at, type_=Text)))

    def truth(self, document: Json, path: Path) -> ColumnElement[Any]:
        kind = func.json_type(document, self._path(path))
        return case((kind == "true", true()), (kind == "false", false()))

    def is_missing(self, document: Json, path: Path) -> ColumnElement[bool]:
        return func.coalesce(func.json_type(document, self._path(path)), "null") == "null"

    def position(self, text: ColumnElement[Any], part: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.instr(text, part, type_=Integer)

    def lower(self, text: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.zwilling_lower(text, type_=Text)

    def upper(self, text: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.zwilling_upper(text, type_=Text)

    def ordered(self, text: ColumnElement[Any]) -> ColumnElement[Any]:
        return text

    def round(self, number: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.round(number, type_=Double)

    def calendar(self, field: str, days: ColumnElement[Any]) -> ColumnElement[Any]:
        letter = {"year": "%Y", "month": "%m", "day": "%d"}[field]
        return cast(func.strftime(letter, days * 86_400, "unixepoch"), Integer)

    def is_one_of(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        listed = func.json_each(bindparam(name, type_=Text)).table_valued("value")
        return column.in_(select(listed.c.value).correlate_except(listed))

    def ids(self, ids: Iterable[int]) -> Any:
        return msgspec.json.encode(list(ids)).decode()

    def looked_up(self, key: ColumnElement[Any], name: str) -> ColumnElement[Any]:
        path = literal('$."') + cast(key, Text) + literal('"')
        return func.json_extract(bindparam(name, type_=Text), path, type_=Double)

    def parents(self, ids: Sequence[int]) -> tuple[FromClause, ColumnElement[Any], ColumnElement[Any]]:
        rows = func.json_each(literal(self.ids(ids), Text)).table_valued("key", "value")
        return rows, rows.c.key, rows.c.value


class Postgresql:
    """PostgreSQL 14 or newer."""

    has_lateral = True

    @staticmethod
    def _plain(document: Json, path: Path) -> ColumnElement[Any]:
        return document.op("#>>", return_type=Text())(literal(list(path), ARRAY(Text)))

    @staticmethod
    def _kind(document: Json, path: Path) -> ColumnElement[Any]:
        member = func.jsonb_extract_path(document, *path) if path else document
        return func.jsonb_typeof(member, type_=Text)

    def _where(self, document: Json, path: Path, kind: str, type_: Any) -> ColumnElement[Any]:
        # Only a case keeps PostgreSQL from casting what is no number.
        plain = self._plain(document, path)
        return case((self._kind(document, path) == kind, plain if type_ is Text else cast(plain, type_)))

    def number(self, document: Json, path: Path) -> ColumnElement[Any]:
        return self._where(document, path, "number", Double)

    def text(self, document: Json, path: Path) -> ColumnElement[Any]:
        return self._where(document, path, "string", Text)

    def truth(self, document: Json, path: Path) -> ColumnElement[Any]:
        return self._where(document, path, "boolean", Boolean)

    def is_missing(self, document: Json, path: Path) -> ColumnElement[bool]:
        return func.coalesce(self._kind(document, path), "null") == "null"

    def position(self, text: ColumnElement[Any], part: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.strpos(text, part, type_=Integer)

    def lower(self, text: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.lower(text, type_=Text)

    def upper(self, text: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.upper(text, type_=Text)

    def ordered(self, text: ColumnElement[Any]) -> ColumnElement[Any]:
        return collate(text, "C")

    def round(self, number: ColumnElement[Any]) -> ColumnElement[Any]:
        # round(double) rounds half to even.
        return func.sign(number) * func.floor(func.abs(number) + 0.5, type_=Double)

    def calendar(self, field: str, days: ColumnElement[Any]) -> ColumnElement[Any]:
        day = func.make_date(1970, 1, 1) + cast(days, Integer)
        return func.date_part(field, day, type_=Double)

    def is_one_of(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        listed = bindparam(name, type_=ARRAY(BigInteger))
        return column == func.any(listed)

    def ids(self, ids: Iterable[int]) -> Any:
        return list(ids)

    def looked_up(self, key: ColumnElement[Any], name: str) -> ColumnElement[Any]:
        return cast(
            func.jsonb_extract_path_text(cast(bindparam(name, type_=Text), JSONB), cast(key, Text), type_=Text), Double
        )

    def parents(self, ids: Sequence[int]) -> tuple[FromClause, ColumnElement[Any], ColumnElement[Any]]:
        listed = cast(literal(list(ids), ARRAY(BigInteger)), ARRAY(BigInteger))
        rows = func.unnest(listed).table_valued("parent", with_ordinality="ordinal").render_derived()
        return rows, rows.c.ordinal, rows.c.parent


_DIALECTS: Final[dict[str, Dialect]] = {"sqlite": Sqlite(), "postgresql": Postgresql()}


def dialect_of(connection: AsyncConnection) -> Dialect:
    """Return the dialect of a connection."""
    return _DIALECTS[connection.dialect.name]


_FUNCTIONS: Final[dict[str, Callable[[str], str]]] = {"zwilling_lower": str.lower, "zwilling_upper": str.upper}


async def install(connection: AsyncConnection) -> None:
    """Give an SQLite connection the functions that `Sqlite` relies on; once in its life."""
    if connection.dialect.name != "sqlite" or "sensorthings" in connection.info:
        return
    raw = (await connection.get_raw_connection()).driver_connection
    if raw is None:
        raise RuntimeError("the connection is closed")
    for name, function in _FUNCTIONS.items():

        def of_text(value: object, function: Callable[[str], str] = function) -> str | None:
            return function(value) if isinstance(value, str) else None

        await raw.create_function(name, 1, of_text, deterministic=True)
    connection.info["sensorthings"] = True


__all__ = ["Dialect", "Postgresql", "Sqlite", "dialect_of", "install"]
