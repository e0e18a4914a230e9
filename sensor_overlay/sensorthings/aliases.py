"""Names for tables that stand several times in one statement.

SQLAlchemy copies all columns of a table for each name, which takes longer than SQLite takes for the whole statement.
So names are made once and handed out again to the next request; within one request each only once.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final

from sqlalchemy import FromClause, Table

MOST: Final = 32
"""Names of one table that are kept; a request that needs more gets new ones."""

_made: dict[Table, list[FromClause]] = {}
_used: ContextVar[dict[Table, int] | None] = ContextVar("names of tables that this request has used", default=None)


def begin() -> None:
    """Begin a request, in whose task all statements are made from now on."""
    _used.set({})


def another(table: Table) -> Any:
    """Return a table under a name that nothing else in this request has."""
    used = _used.get()
    if used is None:
        return table.alias()
    number = used.get(table, 0)
    used[table] = number + 1
    if number >= MOST:
        return table.alias()
    names = _made.setdefault(table, [])
    while len(names) <= number:
        names.append(table.alias())
    return names[number]
