"""Writing many rows with one statement, at the price of the driver alone.

SQLAlchemy prepares the parameters of each row by itself, which takes as long as the database takes to insert them. Here
the statement is compiled once for each database, and rows are tuples that go to the driver as they are: so only for
columns whose values both drivers take as Python has them (numbers, texts, bytes, truth values).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, Update, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

Conflict = Callable[[Any], Any]
"""Adds to an insert what is done where the row is there already."""


class Insertion:
    """A prepared insert."""

    def __init__(self, table: Table, names: Sequence[str], conflict: Conflict | None = None) -> None:
        """Prepare it.

        Args:
            table: that rows go into.
            names: of the columns, in the order of the values in a row.
            conflict: see `Conflict`; an error where None.
        """
        self._table = table
        self._names = tuple(names)
        self._conflict = conflict
        self._compiled: dict[str, str] = {}

    async def execute(self, connection: AsyncConnection, rows: list[tuple[Any, ...]]) -> None:
        """Insert the rows, of which there is at least one."""
        name = connection.dialect.name
        if name not in self._compiled:
            statement: Any = insert(self._table)
            if self._conflict is not None:
                made = postgresql.insert(self._table) if name == "postgresql" else sqlite.insert(self._table)
                statement = self._conflict(made)
            compiled = statement.compile(dialect=connection.dialect, column_keys=self._names)
            order = tuple(compiled.positiontup or ())
            if order != self._names:
                raise ValueError(f"columns of {self._table.name} must be named in the order {order}")
            self._compiled[name] = str(compiled)
        await connection.exec_driver_sql(self._compiled[name], rows)


class Alteration:
    """A prepared update of single rows."""

    def __init__(self, statement: Update) -> None:
        """Keep the statement, whose parameters each stand in it once."""
        self._statement = statement
        self._compiled: dict[str, tuple[str, tuple[str, ...]]] = {}

    async def execute(self, connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Update once for each of the rows, of which there is at least one; they hold the parameters by name."""
        name = connection.dialect.name
        if name not in self._compiled:
            compiled = self._statement.compile(dialect=connection.dialect)
            self._compiled[name] = str(compiled), tuple(compiled.positiontup or ())
        statement, order = self._compiled[name]
        await connection.exec_driver_sql(statement, [tuple([row[each] for each in order]) for row in rows])
