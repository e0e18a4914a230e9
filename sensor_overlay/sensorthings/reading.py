"""Answering a GET: one statement for each level of `$expand`, whatever the page's length."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Select, and_, func, literal, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from sensor_overlay.sensorthings.addresses import Address, Step
from sensor_overlay.sensorthings.aliases import another, begin
from sensor_overlay.sensorthings.dialects import dialect_of, install
from sensor_overlay.sensorthings.errors import NotFoundError
from sensor_overlay.sensorthings.filters import condition
from sensor_overlay.sensorthings.geometries import answers
from sensor_overlay.sensorthings.lookups import Request
from sensor_overlay.sensorthings.model import (
    ENTITIES,
    OBSERVATION,
    Entity,
    ToMany,
    ToOne,
    is_of_feature,
    sees_all,
    streams_of_feature,
    visible_datastreams,
)
from sensor_overlay.sensorthings.options import Expansion, Options, written
from sensor_overlay.sensorthings.paging import Sequenced, sequence
from sensor_overlay.sensorthings.representation import Shape, shape_of, writer
from sensor_overlay.sensorthings.scopes import Scope
from sensor_overlay.sensorthings.statements import Of, Statements, asks_for_latest, is_series
from sensor_overlay.sensorthings.streams import split
from sensor_overlay.store import schema

_Row = dict[str, Any]
"""A row by the names of its columns."""

MAX_ROWS: Final = 50_000
"""Of one level of an answer; pages within expansions are cut shorter to keep to it, with a link to their rest."""


DEEP: Final = 1_000
"""Observations of many datastreams, read or left out, from which on it is asked how many datastreams there are."""
SCARCE: Final = 50
"""Where less than one observation of so many is wanted, they are sorted rather than looked for among the others."""


@dataclass(slots=True)
class Page:
    """A part of a collection.

    Attributes:
        entities: as JSON objects.
        ids: of `entities`.
        token: of the next page; empty where this is the last.
        count: of the whole collection, where it was asked for.
    """

    entities: list[dict[str, Any]] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    token: str = ""
    count: int | None = None


class Reader:
    """Reads what one request asks for, on one connection."""

    def __init__(self, connection: AsyncConnection, request: Request, root: str) -> None:
        self._connection = connection
        self._request = request
        self._dialect = request.dialect
        self._statements = Statements(request)
        self._root = root
        self._answers: dict[str, Any] = {}

    @classmethod
    async def on(cls, connection: AsyncConnection, principal: Any, now: int, root: str) -> Reader:
        """Return a reader for `principal`; `root` is the service's address without a slash at its end."""
        await install(connection)
        begin()
        return cls(connection, Request(principal, dialect_of(connection), now), root)

    async def entity(self, address: Address, options: Options) -> dict[str, Any]:
        """Return the one entity at an address.

        Raises:
            NotFoundError: there is none that may be seen.
        """
        found = await self._found(address.steps)
        content = await self._by_ids(address.last.entity, [found], options)
        if found not in content:
            raise NotFoundError
        return content[found]

    async def collection(self, address: Address, options: Options) -> Page:
        """Return a page of the collection at an address.

        Raises:
            NotFoundError: what it belongs to is not there, or may not be seen.
        """
        last = address.last
        if last.navigation is None:
            return (await self._pages(last.entity, None, options))[0]
        parent = await self._found(address.steps[:-1])
        if not isinstance(last.navigation, ToMany):
            raise TypeError("an address with one entity is no collection")
        pages = await self._pages(last.entity, Of(last.navigation, [parent]), options)
        return pages[parent]

    async def id_of(self, address: Address) -> int:
        """Return the id of the one entity at an address.

        Raises:
            NotFoundError: there is none that may be seen.
        """
        return await self._found(address.steps)

    async def _found(self, steps: Sequence[Step]) -> int:
        """Return the id at the end of a path, every step of which exists, hangs together and may be seen."""
        first = steps[0]
        row = another(first.entity.table)
        rows: FromClause = row
        conditions = [row.c.id == first.id, *self._statements.visible(first.entity, row)]
        for step in steps[1:]:
            navigation, before = step.navigation, row
            row = another(step.entity.table)
            if isinstance(navigation, ToOne):
                rows = rows.join(row, row.c.id == navigation.key(before))
            elif navigation is not None:
                rows = rows.join(row, and_(navigation.link(before.c.id, row), row.c.id == step.id))
            conditions += self._statements.visible(step.entity, row)
        found = (await self._connection.execute(select(row.c.id).select_from(rows).where(*conditions))).scalar()
        if found is None:
            raise NotFoundError
        return int(found)

    async def _by_ids(self, entity: Entity, ids: Sequence[int], options: Options) -> dict[int, dict[str, Any]]:
        """Return entities by id; those that are hidden or gone are left out."""
        scope = Scope(entity)
        shape = shape_of(entity, options)
        query = select(*self._statements.columns(scope, shape, options)).select_from(scope.rows())
        query = query.where(
            self._dialect.is_one_of(scope.row.c.id, "ids"), *self._statements.visible(entity, scope.row)
        )
        rows = _by_name(await self._connection.execute(query, {"ids": self._dialect.ids(ids)}))
        write = writer(entity, shape, self._root)
        found = {row["id"]: write(row) for row in rows}
        await self._expand(entity, rows, found, options)
        return found

    async def _expand(
        self,
        entity: Entity,
        rows: Sequence[_Row],
        found: Mapping[int, dict[str, Any]],
        options: Options,
    ) -> None:
        """Bring along what is expanded."""
        for expansion in options.expand:
            navigation = expansion.navigation
            if isinstance(navigation, ToOne):
                keys = {row["id"]: row[f"to_{navigation.name}"] for row in rows}
                targets = await self._by_ids(
                    ENTITIES[navigation.target], sorted({key for key in keys.values() if key}), expansion.options
                )
                for parent, key in keys.items():
                    if key in targets:
                        found[parent][navigation.name] = targets[key]
                continue
            pages = await self._pages(ENTITIES[navigation.target], Of(navigation, list(found)), expansion.options)
            nest = _nester(expansion, f"{self._root}/{entity.plural}")
            for parent, page in pages.items():
                nest(parent, page, found[parent])

    async def _pages(self, entity: Entity, of: Of | None, options: Options) -> dict[int, Page]:
        """Return a page for each parent; of a whole collection under 0."""
        parents = [0] if of is None else list(of.parents)
        pages = {parent: Page() for parent in parents}
        if not parents:
            return pages
        limit = min(options.limit, max(1, MAX_ROWS // len(parents)))
        shape = shape_of(entity, options)
        rows: list[_Row] = []
        order: Sequenced | None = None
        if limit:
            rows, order = await self._rows(entity, of, options, shape, limit)
        elif options.filter or options.order:  # whoever wants none still hears that they make no sense
            self._statements.plain(entity, None, options, shape, 0)
        by_parent: dict[int, list[_Row]] = {}
        for row in rows:
            by_parent.setdefault(row["parent"], []).append(row)
        write = writer(entity, shape, self._root)
        shown: list[_Row] = []
        for parent, group in by_parent.items():
            page = pages[parent]
            if len(group) > limit and order is not None:
                page.token = order.token(group[limit - 1])
            for row in group[:limit]:
                page.entities.append(write(row))
                page.ids.append(row["id"])
                shown.append(row)
        await self._expand_pages(entity, shown, pages, options)
        if options.count:
            counts = await self._counts(entity, of, options)
            for parent, page in pages.items():
                page.count = counts.get(parent, 0)
        return pages

    async def _expand_pages(
        self, entity: Entity, rows: Sequence[_Row], pages: Mapping[int, Page], options: Options
    ) -> None:
        """Bring along what is expanded, once for an entity that stands in several pages."""
        if not options.expand or not rows:
            return
        brought: dict[int, dict[str, Any]] = {row["id"]: {} for row in rows}
        await self._expand(entity, rows, brought, options)
        for page in pages.values():
            for key, content in zip(page.ids, page.entities, strict=True):
                content.update(brought[key])

    async def _rows(
        self, entity: Entity, of: Of | None, options: Options, shape: Shape, limit: int
    ) -> tuple[list[_Row], Sequenced]:
        """Return up to one row more than `limit` for each parent, in order, and the order."""
        if of is not None and asks_for_latest(entity, of, options):
            return await self._latest(of, options, shape)
        if entity is OBSERVATION and self._statements.goes_by_time(of, options):
            return await self._merged(of, options, shape, limit)
        if of is None or len(of.parents) == 1:
            by_id = entity is OBSERVATION and await self._are_most(of, options)
            query, order = self._statements.plain(entity, of, options, shape, limit, by_id=by_id)
        else:
            query, order = self._statements.several(entity, of, options, shape, limit)
        return _by_name(await self._run(query)), order

    async def _are_most(self, of: Of | None, options: Options) -> bool:
        """Return whether SQLite should look for the next observations by id among all that there are.

        It knows neither how many may be seen nor how many a filter on datastreams leaves; the counters do.
        """
        if self._dialect.has_lateral or not self._statements.goes_by_id(of, options):
            return False
        of_streams, _ = split(options.filter) if options.filter else (None, None)
        wanted = (await self._counted(None, of_streams)).get(0, 0)
        total = (await self._connection.execute(select(func.sum(schema.latest.c.observations)))).scalar() or 0
        return wanted * SCARCE >= total

    async def _run(self, query: Select[Any], ids: Sequence[int] = ()) -> Any:
        """Return the result of a statement, with `ids` as the parameter of that name."""
        waiting = self._request.lookups[len(self._answers) :]
        self._answers.update(await answers(self._connection, waiting, self._request))
        given = {**self._answers, "ids": self._dialect.ids(ids)} if ids else self._answers
        return await self._connection.execute(query, given)

    async def _merged(self, of: Of | None, options: Options, shape: Shape, limit: int) -> tuple[list[_Row], Sequenced]:
        """Return observations of many datastreams in the order of their times, for which there is no index.

        There is one in each datastream. So each is asked for its first observation; of these the last that can be on
        the page bounds what is read of each. Where more are left out than there are datastreams, each is asked for a
        later one of its own: as many datastreams as it takes have that many before the bound.
        """
        scope = Scope(OBSERVATION)
        order = sequence(scope, options, self._request)
        last = limit + 1 + (0 if options.token else options.skip)
        of_streams, rest = split(options.filter) if options.filter else (None, None)
        latest = another(schema.latest)
        streams = select(latest.c.datastream_id.label("id"))
        streams = streams.where(*self._statements.of_streams(latest.c.datastream_id, of_streams))
        if not sees_all(self._request.principal):
            streams = streams.where(latest.c.datastream_id.in_(visible_datastreams(self._request.principal)))
        if of is not None:
            streams = streams.where(latest.c.datastream_id.in_(streams_of_feature(literal(of.parents[0]))))
        each = streams.subquery()

        def part(within: Scope, own: Sequenced, bound: int | None) -> list[ColumnElement[bool]]:
            conditions = [within.row.c.datastream_id == each.c.id]
            time = within.row.c.phenomenon_time
            if rest is not None:
                conditions.append(condition(rest, within, self._request))
            if of is not None:
                conditions.append(is_of_feature(literal(of.parents[0]), within.row))
            if options.token:
                conditions.append(own.behind(options.token))
            if bound is not None:
                conditions.append(time >= bound if own.keys[0].is_descending else time <= bound)
            return conditions

        each_has = 1
        if last > DEEP:
            count = (await self._run(select(func.count()).select_from(each))).scalar() or 1
            each_has = math.ceil(2 * last / count)
        first = select(scope.row.c.phenomenon_time).where(*part(scope, order, None)).order_by(*order.terms())
        first = first.limit(1).offset(each_has - 1)
        firsts = select(first.correlate(each).scalar_subquery().label("time")).select_from(each).subquery()
        time = firsts.c.time.desc() if order.keys[0].is_descending else firsts.c.time.asc()
        bounds = select(firsts.c.time).order_by(time.nulls_last()).limit(1).offset(math.ceil(last / each_has) - 1)
        bound = (await self._run(bounds)).scalar()

        inner = Scope(OBSERVATION)
        inner_order = sequence(inner, options, self._request)
        ids = select(inner.row.c.id).where(*part(inner, inner_order, bound))
        ids = ids.order_by(*inner_order.terms()).limit(last)
        parent = literal(0 if of is None else of.parents[0])
        columns = [parent.label("parent"), *self._statements.columns(scope, shape, options), *order.columns()]
        if self._dialect.has_lateral:
            found = ids.add_columns(inner.row.c.phenomenon_time).correlate(each).lateral()
            same = and_(scope.row.c.id == found.c.id, scope.row.c.phenomenon_time == found.c.phenomenon_time)
            rows = scope.rows_beside(each.join(found, true()), same)
        else:
            rows = scope.rows_beside(each, scope.row.c.id.in_(ids.correlate(each)))
        query = select(*columns).select_from(rows).order_by(*order.terms()).limit(limit + 1)
        if options.skip and not options.token:
            query = query.offset(options.skip)
        return _by_name(await self._run(query)), order

    async def _latest(self, of: Of, options: Options, shape: Shape) -> tuple[list[_Row], Sequenced]:
        """Return the newest observation of each datastream from the table that knows it.

        Where that table leaves a later one aside, whose clock was wrong, or one that retention has removed, the
        observations themselves are asked.
        """
        scope = Scope(OBSERVATION)
        order = sequence(scope, options, self._request)
        latest = another(schema.latest)
        columns = [
            latest.c.datastream_id.label("parent"),
            latest.c.observations,
            *self._statements.columns(scope, shape, options),
            *order.columns(),
        ]
        newest = and_(
            scope.row.c.id == latest.c.observation_id,
            scope.row.c.phenomenon_time == latest.c.phenomenon_time,
            latest.c.phenomenon_time == latest.c.last_time,
        )
        query = select(*columns).select_from(latest.outerjoin(scope.rows(), newest))
        query = query.where(self._dialect.is_one_of(latest.c.datastream_id, "ids"))
        if not sees_all(self._request.principal):
            query = query.where(latest.c.datastream_id.in_(visible_datastreams(self._request.principal)))
        found = await self._connection.execute(query, {"ids": self._dialect.ids(of.parents)})
        rows: list[_Row] = []
        doubtful = []
        for row in _by_name(found):
            if row["id"] is None:
                doubtful.append(row["parent"])
                continue
            rows += [row] if row["observations"] == 1 else [row, row]  # the second only says that there are more
        if doubtful:
            others = Of(of.navigation, doubtful)
            query, _ = self._statements.several(OBSERVATION, others, options, shape, 1)
            rows += _by_name(await self._run(query))
        return rows, order

    async def _counts(self, entity: Entity, of: Of | None, options: Options) -> dict[int, int]:
        """Return how many entities each parent has that may be seen and pass the filter."""
        if entity is OBSERVATION and (of is None or is_series(of)):
            of_streams, rest = split(options.filter) if options.filter else (None, None)
            if rest is None:
                return await self._counted(of, of_streams)
        scope = Scope(entity)
        conditions = self._statements.conditions(scope, options, of)
        if of is None or len(of.parents) == 1:
            parent: ColumnElement[Any] = literal(0 if of is None else of.parents[0])
            conditions += [] if of is None else [of.navigation.link(parent, scope.row)]
            query: Any = select(parent, func.count()).select_from(scope.rows()).where(*conditions)
        else:
            rows, _, parent = self._dialect.parents(of.parents)
            conditions.append(of.navigation.link(parent, scope.row))
            counted = select(func.count()).select_from(scope.rows()).where(*conditions)
            query = select(parent, counted.correlate(rows).scalar_subquery()).select_from(rows)
        return {row[0]: row[1] for row in await self._run(query)}

    async def _counted(self, of: Of | None, of_streams: Any) -> dict[int, int]:
        """Return how many observations there are, from the counters that are kept with them."""
        latest = another(schema.latest)
        conditions = self._statements.of_streams(latest.c.datastream_id, of_streams)
        if not sees_all(self._request.principal):
            conditions.append(latest.c.datastream_id.in_(visible_datastreams(self._request.principal)))
        if of is None:
            total: Any = select(literal(0), func.coalesce(func.sum(latest.c.observations), 0)).where(*conditions)
            return {row[0]: int(row[1]) for row in await self._run(total)}
        conditions.append(self._dialect.is_one_of(latest.c.datastream_id, "ids"))
        query = select(latest.c.datastream_id, latest.c.observations).where(*conditions)
        return {row[0]: row[1] for row in await self._run(query, of.parents)}


def next_link(address: str, options: Options, token: str) -> str:
    """Return the address of the next page."""
    return f"{address}?{written(replace(options, token=token, skip=0))}"


def _nester(expansion: Expansion, begin: str) -> Callable[[int, Page, dict[str, Any]], None]:
    """Return the function that adds an expanded collection to its parent; `begin` is the address of all parents."""
    name = expansion.navigation.name
    # Of a thousand parents only ids and tokens differ, and neither has signs that must be encoded.
    rest = written(replace(expansion.options, token="", skip=0))
    rest += "&$skiptoken=" if rest else "$skiptoken="

    def nest(parent: int, page: Page, content: dict[str, Any]) -> None:
        if page.count is not None:
            content[f"{name}@iot.count"] = page.count
        content[name] = page.entities
        if page.token:
            content[f"{name}@iot.nextLink"] = f"{begin}({parent})/{name}?{rest}{page.token}"

    return nest


def _by_name(result: Any) -> list[_Row]:
    """Return all rows of a result; plain dictionaries are read twice as fast as SQLAlchemy's mappings."""
    names = tuple(result.keys())
    return [dict(zip(names, row, strict=True)) for row in result]
