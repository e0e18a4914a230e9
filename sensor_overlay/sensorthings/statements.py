"""Statements that read entities: one collection, or one for each of several parents; built here, run elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnClause, ColumnElement, FromClause, Select, SelectBase, and_, func, literal, select, true
from sqlalchemy.sql.visitors import iterate

from sensor_overlay.sensorthings.expressions import parse
from sensor_overlay.sensorthings.filters import condition
from sensor_overlay.sensorthings.geometries import area_of_thing
from sensor_overlay.sensorthings.lookups import Request
from sensor_overlay.sensorthings.model import (
    DATASTREAM,
    OBSERVATION,
    Entity,
    ToMany,
    ToOne,
    is_of_feature,
    streams_of_feature,
    visible_datastreams,
)
from sensor_overlay.sensorthings.options import Options
from sensor_overlay.sensorthings.paging import Sequenced, sequence
from sensor_overlay.sensorthings.representation import Shape, columns_of
from sensor_overlay.sensorthings.scopes import Scope
from sensor_overlay.sensorthings.streams import split
from sensor_overlay.store import schema


@dataclass(frozen=True, slots=True)
class Of:
    """Whose entities are read: those that a navigation leads to, from each of some parents."""

    navigation: ToMany
    parents: Sequence[int]


class Statements:
    """Builds the statements of one request."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._dialect = request.dialect

    def goes_by_time(self, of: Of | None, options: Options) -> bool:
        """Return whether observations of many datastreams are wanted by their time, whatever else they are."""
        if of is not None and (is_series(of) or len(of.parents) != 1):
            return False
        scope = Scope(OBSERVATION)
        order = sequence(scope, options, self._request)
        if order.keys[0].sql is not scope.row.c.phenomenon_time or len(scope.tables()) > 1:
            return False
        rest = split(options.filter)[1] if options.filter else None
        return rest is None or _says_only_when(condition(rest, scope, self._request), scope)

    def goes_by_id(self, of: Of | None, options: Options) -> bool:
        """Return whether all observations are wanted by their ids, as far as they may be seen or a filter allows."""
        scope = Scope(OBSERVATION)
        return (
            of is None and bool(options.order) and sequence(scope, options, self._request).keys[0].sql is scope.row.c.id
        )

    def plain(
        self, entity: Entity, of: Of | None, options: Options, shape: Shape, limit: int, *, by_id: bool = False
    ) -> tuple[Select[Any], Sequenced]:
        """One collection: of all entities, or of one parent's.

        Args:
            entity: what they are.
            of: whose they are; None for all.
            options: see there.
            shape: what is read.
            limit: most of them.
            by_id: most observations are wanted: SQLite is to go through them by id, and not to sort those of all
                datastreams for every page.
        """
        scope = Scope(entity)
        parent = literal(0 if of is None else of.parents[0])
        order = sequence(scope, options, self._request)
        columns = [parent.label("parent"), *self.columns(scope, shape, options), *order.columns()]
        link = None if of is None else of.navigation.link(parent, scope.row)
        return self._select(scope, of, link, columns, options, limit, order, by_id=by_id), order

    def several(
        self, entity: Entity, of: Of, options: Options, shape: Shape, limit: int
    ) -> tuple[Select[Any], Sequenced]:
        """A collection for each of several parents, each cut to its page by the database."""
        build = self._lateral if self._dialect.has_lateral else self._correlated
        return build(entity, of, options, shape, limit)

    def _lateral(
        self, entity: Entity, of: Of, options: Options, shape: Shape, limit: int
    ) -> tuple[Select[Any], Sequenced]:
        """The same where there are lateral joins."""
        rows, place, parent = self._dialect.parents(of.parents)
        scope = Scope(entity)
        order = sequence(scope, options, self._request)
        columns = [*self.columns(scope, shape, options), *order.columns()]
        if entity is OBSERVATION and not is_series(of) and len(scope.tables()) == 1:
            inner = self._by_stream(rows, parent, of, options, limit, scope, order, columns)
        else:
            inner = self._select(scope, of, of.navigation.link(parent, scope.row), columns, options, limit, order)
        ranked = inner.add_columns(func.row_number().over(order_by=order.terms()).label("rank"))
        page = ranked.correlate(rows).lateral()
        query = select(parent.label("parent"), *page.c).select_from(rows.join(page, true()))
        return query.order_by(place, page.c.rank), order

    def _correlated(
        self, entity: Entity, of: Of, options: Options, shape: Shape, limit: int
    ) -> tuple[Select[Any], Sequenced]:
        """The same where there are none (SQLite): the ids of each page, and their rows by id."""
        rows, place, parent = self._dialect.parents(of.parents)
        inner_scope = Scope(entity)
        inner_order = sequence(inner_scope, options, self._request)
        link = of.navigation.link(parent, inner_scope.row)
        ids = self._select(inner_scope, of, link, [inner_scope.row.c.id], options, limit, inner_order)
        scope = Scope(entity)
        order = sequence(scope, options, self._request)
        columns = [parent.label("parent"), *self.columns(scope, shape, options), *order.columns()]
        on_page = scope.row.c.id.in_(ids.correlate(rows))
        query = select(*columns).select_from(scope.rows_beside(rows, on_page))
        return query.order_by(place, *order.terms()), order

    def _by_stream(
        self,
        rows: FromClause,
        parent: ColumnElement[Any],
        of: Of,
        options: Options,
        limit: int,
        scope: Scope,
        order: Sequenced,
        columns: list[ColumnElement[Any]],
    ) -> Select[Any]:
        """Return the observations of the feature `parent` by way of each of its datastreams, which have an index."""
        each = streams_of_feature(parent).lateral()
        own = Scope(OBSERVATION)
        own_order = sequence(own, options, self._request)
        conditions = self.conditions(own, options, of)
        conditions += [own.row.c.datastream_id == each.c[0], is_of_feature(parent, own.row)]
        if options.token:
            conditions.append(own_order.behind(options.token))
        first = select(own.row.c.id, own.row.c.phenomenon_time).select_from(own.rows()).where(*conditions)
        first = first.order_by(*own_order.terms()).limit(limit + 1 + options.skip)
        found = first.correlate(rows, each).lateral()
        same = and_(scope.row.c.id == found.c.id, scope.row.c.phenomenon_time == found.c.phenomenon_time)
        query = select(*columns).select_from(scope.rows_beside(each.join(found, true()), same))
        query = query.order_by(*order.terms()).limit(limit + 1)
        return query.offset(options.skip) if options.skip and not options.token else query

    def _select(
        self,
        scope: Scope,
        of: Of | None,
        link: ColumnElement[bool] | None,
        columns: list[ColumnElement[Any]],
        options: Options,
        limit: int,
        order: Sequenced,
        *,
        by_id: bool = False,
    ) -> Select[Any]:
        conditions = self.conditions(scope, options, of, by_id=by_id)
        if link is not None:
            conditions.append(link)
        if options.token:
            conditions.append(order.behind(options.token))
        query = select(*columns).select_from(scope.rows()).where(*conditions).order_by(*order.terms())
        query = query.limit(limit + 1)
        return query.offset(options.skip) if options.skip and not options.token else query

    def visible(self, entity: Entity, row: FromClause) -> list[ColumnElement[bool]]:
        allowed = entity.visible(row, self._request.principal)
        return [] if allowed is None else [allowed]

    def conditions(
        self, scope: Scope, options: Options, of: Of | None, *, by_id: bool = False
    ) -> list[ColumnElement[bool]]:
        """Return what holds for every entity of a collection, whoever's it is."""
        conditions = self.visible(scope.entity, scope.row)
        if conditions and scope.entity is OBSERVATION and (of is not None or by_id):
            # The parent, or the page, leads to fewer of them than visibility does; an expression keeps SQLite from the
            # wrong index.
            owner = scope.row.c.datastream_id + 0
            conditions = [owner.in_(visible_datastreams(self._request.principal))]
        if options.filter and scope.entity is OBSERVATION:
            of_streams, rest = split(options.filter)
            stream = scope.row.c.datastream_id
            conditions += self.of_streams(stream + 0 if by_id else stream, of_streams)
            conditions += [] if rest is None else [condition(rest, scope, self._request)]
        elif options.filter:
            conditions.append(condition(parse(options.filter), scope, self._request))
        return conditions

    def of_streams(self, datastream_id: ColumnElement[Any], tree: Any) -> list[ColumnElement[bool]]:
        """Return the condition that a datastream is one of those that a filter wants, if it says anything of them."""
        if tree is None:
            return []
        scope = Scope(DATASTREAM)
        wanted = condition(tree, scope, self._request)
        chosen = select(scope.row.c.id).select_from(scope.rows()).where(wanted)
        return [datastream_id.in_(chosen.correlate_except(*scope.tables()))]

    def columns(self, scope: Scope, shape: Shape, options: Options) -> list[ColumnElement[Any]]:
        """Return what must be read of each row, under the names that `representation` knows."""
        names = dict(columns_of(scope.entity, shape))
        columns: list[ColumnElement[Any]] = [scope.row.c.id.label("id")]
        for name, is_from_latest in names.items():
            column: ColumnElement[Any] = (scope.latest() if is_from_latest else scope.row).c[name]
            if scope.entity is DATASTREAM and name == "observed_area":
                column = func.coalesce(column, area_of_thing(scope.row.c.thing_id), type_=schema.Document)
            columns.append(column.label(name))
        for expansion in options.expand:
            if isinstance(expansion.navigation, ToOne):
                key = expansion.navigation.key(scope.row)
                columns.append(key.label(f"to_{expansion.navigation.name}"))
        return columns


def is_series(of: Of | None) -> bool:
    return of is not None and of.navigation is DATASTREAM.navigations["Observations"]


def _says_only_when(filtered: ColumnElement[bool], scope: Scope) -> bool:
    """Return whether a filter speaks of nothing but the times of observations."""
    if len(scope.tables()) > 1:
        return False
    times = (scope.row.c.phenomenon_time, scope.row.c.phenomenon_end)
    for part in iterate(filtered):
        if isinstance(part, SelectBase) or (isinstance(part, ColumnClause) and part not in set(times)):
            return False
    return True


def asks_for_latest(entity: Entity, of: Of, options: Options) -> bool:
    """Return whether the newest observation of each datastream is meant."""
    return (
        entity is OBSERVATION
        and is_series(of)
        and options.limit == 1
        and not (options.filter or options.skip or options.token)
        and len(options.order) == 1
        and options.order[0].expression == "phenomenonTime"
        and options.order[0].is_descending
    )
