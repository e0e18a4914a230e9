"""Rows that an expression is about: one entity's table, and what its paths join to it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, FromClause, literal, select, true

from sensor_overlay.access import Principal
from sensor_overlay.sensorthings.aliases import another
from sensor_overlay.sensorthings.model import ENTITIES, Entity, ToMany, ToOne
from sensor_overlay.store import schema


class Scope:
    """One entity's rows under a name of their own, with what its to-one paths lead to.

    To-one paths are joined, each once, so that the database may begin at either end. What may be seen of an entity
    may be seen of all that its to-one navigations lead to, so these joins hide nothing and show nothing more.
    """

    def __init__(self, entity: Entity) -> None:
        self.entity = entity
        self.row: FromClause = another(entity.table)
        self._joined: dict[str, Scope] = {}
        self._latest: FromClause | None = None

    def joined(self, navigation: ToOne) -> Scope:
        """Return the scope at the end of a to-one navigation."""
        if navigation.name not in self._joined:
            self._joined[navigation.name] = Scope(ENTITIES[navigation.target])
        return self._joined[navigation.name]

    def latest(self) -> FromClause:
        """Return the row of `latest` beside each datastream; all null where it has no observation."""
        if self._latest is None:
            self._latest = another(schema.latest)
        return self._latest

    def rows(self) -> FromClause:
        """Return the table with all that was joined to it."""
        return self._join_to(self.row)

    def rows_beside(self, others: FromClause, condition: ColumnElement[bool]) -> FromClause:
        """Return the same, joined to `others`."""
        return self._join_to(others.join(self.row, condition))

    def _join_to(self, rows: FromClause) -> FromClause:
        if self._latest is not None:
            rows = rows.outerjoin(self._latest, self._latest.c.datastream_id == self.row.c.id)
        for name, scope in self._joined.items():
            navigation = self.entity.navigations[name]
            if isinstance(navigation, ToOne):
                condition = scope.row.c.id == navigation.key(self.row)
                rows = rows.join(scope.row, condition, isouter=not navigation.column)
                rows = scope._join_to(rows)
        return rows

    def tables(self) -> list[FromClause]:
        """Return the names of all rows here, which a subselect must not take from the select around it."""
        own = [self.row] if self._latest is None else [self.row, self._latest]
        return own + [table for scope in self._joined.values() for table in scope.tables()]


class Crossing:
    """A to-many navigation inside a predicate: the predicate holds where it holds for one of the targets."""

    def __init__(self, navigation: ToMany, parent: Scope, principal: Principal) -> None:
        self.scope = Scope(ENTITIES[navigation.target])
        self.conditions = [navigation.link(parent.row.c.id, self.scope.row)]
        allowed = self.scope.entity.visible(self.scope.row, principal)
        if allowed is not None:
            self.conditions.append(allowed)


def exists(crossings: list[Crossing], *conditions: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return whether there are targets, one for each crossing, for which all conditions hold."""
    own = [table for crossing in crossings for table in crossing.scope.tables()]
    links = [condition for crossing in crossings for condition in crossing.conditions]
    rows = crossings[0].scope.rows()
    for crossing in crossings[1:]:
        rows = crossing.scope.rows_beside(rows, true())
    return select(literal(1)).select_from(rows).where(*links, *conditions).correlate_except(*own).exists()
