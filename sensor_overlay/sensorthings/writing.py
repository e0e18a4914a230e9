"""Making, changing and deleting entities, each request in one transaction.

Spec: OGC 18-088, 10 (create, update, delete: deep insert, links to what is there, the feature of interest that follows
from a location, what a deletion takes with it), 8.2.3 (historical locations).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Table, delete, exists, func, insert, select, update

from sensor_overlay.access import Principal, visible
from sensor_overlay.sensorthings import incoming
from sensor_overlay.sensorthings.adding import add
from sensor_overlay.sensorthings.aliases import another
from sensor_overlay.sensorthings.errors import BadRequestError, RefusedError
from sensor_overlay.sensorthings.model import (
    DATASTREAM,
    ENTITIES,
    FEATURE_OF_INTEREST,
    HISTORICAL_LOCATION,
    LOCATION,
    OBSERVATION,
    THING,
    Entity,
    ToMany,
    ToOne,
)
from sensor_overlay.store import schema
from sensor_overlay.store.observing import Observed, restate
from sensor_overlay.store.opening import Commit
from sensor_overlay.store.partitions import make_room
from sensor_overlay.store.writing import Judge

MAX_ENTITIES: Final = 50_000
"""That one request may make."""
MAX_DEEP: Final = 10
"""Entities in entities."""
_SHARED: Final[Mapping[str, Table]] = MappingProxyType(
    {"Sensor": schema.datastream, "ObservedProperty": schema.datastream, "Location": schema.thing_location}
)
"""Entities that things of several sites may have in common, and where it stands whose they are."""


class Writer:
    """Writes for one principal, in one transaction."""

    def __init__(self, commit: Commit, principal: Principal, judge: Judge | None = None) -> None:
        self._commit = commit
        self._judge = judge
        self._connection = commit.connection
        self._principal = principal
        self._made = 0
        self._touched: set[int] = set()
        self._observed: list[Observed] = []

    async def create(self, entity: Entity, document: Any, parent: tuple[Entity, int] | None = None) -> int:
        """Return the id of an entity that is made, with all that stands inside it.

        Args:
            entity: what it is.
            document: as the client sent it.
            parent: whose collection it was sent to.

        Raises:
            BadRequestError: the document is not what it must be, or names what is not there.
        """
        made = await self._create(entity, document, {} if parent is None else {parent[0].name: parent[1]}, 0)
        last = await self._settle()
        return last if entity is OBSERVATION and made is None else int(made or 0)

    async def observe_all(self, rows: Sequence[Observed]) -> list[int]:
        """Return the ids of observations that are added at once."""
        self._count(len(rows))
        await add(self._commit, rows, self._judge)
        return [row.id for row in rows]

    async def observed(self, document: Any, datastream_id: int) -> Observed:
        """Return an observation that a client describes, without adding it.

        Raises:
            BadRequestError: see `create`.
        """
        checked = incoming.as_object(document, "Observation")
        incoming.check_names(OBSERVATION, checked)
        return await self._observation(checked, datastream_id, {}, 0)

    async def datastream(self, document: Any) -> int:
        """Return the id of the datastream that a link names.

        Raises:
            BadRequestError: there is none that may be seen.
        """
        key = incoming.linked(document)
        if key is None:
            raise BadRequestError('Datastream is a link: {"@iot.id": 1}')
        return await self._existing(DATASTREAM, key)

    async def check_own(self, entity: Entity, key: int) -> None:
        """Pass, or refuse to touch what serves things that this one may not write as well.

        Raises:
            RefusedError: 403.
        """
        if not self._principal.sites or entity.name not in _SHARED:
            return
        user = _SHARED[entity.name]
        own = select(schema.thing.c.id).where(visible(self._principal))
        others = select(user.c.thing_id).where(user.c[f"{entity.table.name}_id"] == key, user.c.thing_id.not_in(own))
        if (await self._connection.execute(others.limit(1))).first() is not None:
            raise RefusedError(HTTPStatus.FORBIDDEN, f"this {entity.name} serves things of other sites, too")

    async def change(self, entity: Entity, key: int, document: Any, *, is_whole: bool) -> None:
        """Change an entity that is there.

        Args:
            entity: what it is.
            key: its id.
            document: properties, and links to what it shall belong to, or shall belong to it.
            is_whole: what the document leaves out gets its default (PUT).

        Raises:
            BadRequestError: see `create`; or it has entities to be made inside, which only a new one may have.
        """
        content = incoming.as_object(document, entity.name)
        incoming.check_names(entity, content)
        if incoming.linked(content) not in (None, key):
            raise BadRequestError("the id of an entity cannot be changed")
        values = incoming.columns(entity, content, is_partial=not is_whole)
        if entity is OBSERVATION and values.get("phenomenon_time", 0) is None:
            del values["phenomenon_time"]  # an observation has one; what is absent stays
            values.pop("phenomenon_end", None)
        for navigation in entity.navigations.values():
            named = incoming.targets(content, navigation.name, is_one=isinstance(navigation, ToOne))
            if not named:
                continue
            keys = [await self._link(navigation, target) for target in named]
            if isinstance(navigation, ToOne):
                values[navigation.column or "feature_of_interest_id"] = keys[0]
            elif incoming.is_mutual(entity, ENTITIES[navigation.target]):
                if entity is HISTORICAL_LOCATION:
                    then = schema.historical_location_location
                    await self._connection.execute(delete(then).where(then.c.historical_location_id == key))
                await self._pair(entity, key, navigation, keys)
            else:
                for target in keys:
                    await self._hand_over(entity, key, navigation, target)
        await self._update(entity, key, values)
        await self._settle()

    async def remove(self, entity: Entity, key: int) -> None:
        """Delete an entity, and what cannot be without it.

        Raises:
            RefusedError: 409, for the feature of a location whose things go on being observed.
        """
        row = entity.table
        if entity is OBSERVATION:
            owners = await self._ids(select(row.c.datastream_id).where(row.c.id == key))
            await self._connection.execute(delete(row).where(row.c.id == key))
            await restate(self._commit, owners)
            return
        if entity is FEATURE_OF_INTEREST:
            await self._remove_observations_of(key)
        if entity is LOCATION:
            then = schema.historical_location_location
            moved = select(then.c.historical_location_id).where(then.c.location_id == key)
            table = schema.historical_location
            await self._connection.execute(delete(table).where(table.c.id.in_(moved)))
        await self._connection.execute(delete(row).where(row.c.id == key))
        await self._commit.registry_changed()

    # Making

    async def _create(self, entity: Entity, document: Any, known: Mapping[str, int], depth: int) -> int | None:
        """Make an entity; None for an observation, which gets its id when all are added."""
        if depth > MAX_DEEP:
            raise BadRequestError(f"at most {MAX_DEEP} entities in entities")
        self._count(1)
        content = incoming.as_object(document, entity.name)
        incoming.check_names(entity, content)
        if "@iot.id" in content:
            raise BadRequestError("ids are given by the service; leave @iot.id out, or use it to name what is there")
        if entity is OBSERVATION:
            owner = await self._one(entity, DATASTREAM.name, content, known, depth)
            self._observed.append(await self._observation(content, owner, known, depth))
            return None
        values = incoming.columns(entity, content, is_partial=False)
        for navigation in incoming.mandatory(entity):
            values[navigation.column] = await self._one(entity, navigation.name, content, known, depth)
        if entity is THING:
            values["is_registered"] = True
        made = await self._connection.execute(insert(entity.table).values(**values).returning(entity.table.c.id))
        key = int(made.scalar_one())
        await self._attach(entity, key, content, known, depth)
        return key

    async def _one(
        self, entity: Entity, name: str, content: Mapping[str, Any], known: Mapping[str, int], depth: int
    ) -> int:
        """Return the id of what an entity cannot be without: known, linked or made."""
        navigation = entity.navigations[name]
        named = incoming.targets(content, name, is_one=True)
        if navigation.target in known:
            if named and incoming.linked(named[0]) != known[navigation.target]:
                raise BadRequestError(f"{entity.name}: {name} is another one than the address says")
            return known[navigation.target]
        if not named:
            raise BadRequestError(f"{entity.name}: {name} is missing")
        return await self._made_or_linked(navigation, named[0], {}, depth)

    async def _made_or_linked(
        self, navigation: ToOne | ToMany, document: Any, known: Mapping[str, int], depth: int
    ) -> int:
        target = ENTITIES[navigation.target]
        key = incoming.linked(document)
        if key is not None:
            return await self._existing(target, key)
        made = await self._create(target, document, known, depth + 1)
        if made is None:
            raise BadRequestError(f"{target.name} cannot be made here")
        return made

    async def _attach(
        self, entity: Entity, key: int, content: Mapping[str, Any], known: Mapping[str, int], depth: int
    ) -> None:
        """Link a new entity to what its document, or its address, says it has."""
        for navigation in entity.navigations.values():
            if isinstance(navigation, ToOne):
                continue
            named = incoming.targets(content, navigation.name, is_one=False)
            keys = [known[navigation.target]] if navigation.target in known else []
            owner = {entity.name: key}
            if navigation.target in (LOCATION.name, THING.name) or entity is LOCATION:
                keys += [await self._made_or_linked(navigation, target, {}, depth) for target in named]
                await self._pair(entity, key, navigation, keys)
                continue
            for target in named:
                linked = incoming.linked(target)
                if linked is not None:
                    await self._hand_over(
                        entity, key, navigation, await self._existing(ENTITIES[navigation.target], linked)
                    )
                else:
                    await self._create(ENTITIES[navigation.target], target, owner, depth + 1)

    async def _hand_over(self, entity: Entity, key: int, navigation: ToMany, target: int) -> None:
        """Make an entity that is there belong to the new one."""
        owner = ENTITIES[navigation.target].navigations[incoming.inverse(entity, ENTITIES[navigation.target])]
        if not isinstance(owner, ToOne):
            raise BadRequestError(f"{navigation.name} cannot be linked here")
        column = owner.column or "feature_of_interest_id"
        await self._update(ENTITIES[navigation.target], target, {column: key})

    async def _pair(self, entity: Entity, key: int, navigation: ToMany, keys: list[int]) -> None:
        """Link things, locations and historical locations, which have several of each other."""
        if not keys:
            return
        if entity is THING:
            await self._move(key, keys)
        elif entity is LOCATION and navigation.target == THING.name:
            for thing_id in keys:
                await self._move(thing_id, [key])
        elif entity is HISTORICAL_LOCATION:
            await self._place_then(key, keys)
            await self._follow(key, keys)
        else:
            for then in keys:
                await self._place_then(then, [key])

    async def _move(self, thing_id: int, locations: Sequence[int]) -> None:
        """Put a thing where it is now, and remember it (8.2.3): its locations are one place in several encodings."""
        place, history = schema.thing_location, schema.historical_location
        await self._connection.execute(delete(place).where(place.c.thing_id == thing_id))
        pairs = [{"thing_id": thing_id, "location_id": key} for key in dict.fromkeys(locations)]
        await self._connection.execute(insert(place), pairs)
        made = await self._connection.execute(
            insert(history).values(thing_id=thing_id, time=self._commit.now).returning(history.c.id)
        )
        await self._place_then(int(made.scalar_one()), list(dict.fromkeys(locations)))
        self._touched.add(thing_id)

    async def _follow(self, historical_id: int, locations: Sequence[int]) -> None:
        """Put a thing where the newest that is known of its past says; as FROST-Server does, the standard is silent."""
        place, history = schema.thing_location, schema.historical_location
        told = (await self._connection.execute(select(history).where(history.c.id == historical_id))).one()
        later = select(history.c.id).where(
            history.c.thing_id == told.thing_id, history.c.time > told.time, history.c.id != told.id
        )
        if (await self._connection.execute(later.limit(1))).first() is not None:
            return
        await self._connection.execute(delete(place).where(place.c.thing_id == told.thing_id))
        pairs = [{"thing_id": told.thing_id, "location_id": key} for key in dict.fromkeys(locations)]
        await self._connection.execute(insert(place), pairs)
        self._touched.add(told.thing_id)

    async def _place_then(self, historical_id: int, locations: Sequence[int]) -> None:
        table = schema.historical_location_location
        told = table.c.historical_location_id == historical_id, table.c.location_id.in_(locations)
        await self._connection.execute(delete(table).where(*told))  # said again, it is the same
        pairs = [{"historical_location_id": historical_id, "location_id": key} for key in dict.fromkeys(locations)]
        await self._connection.execute(insert(table), pairs)

    # Observations

    async def _observation(
        self, content: Mapping[str, Any], datastream_id: int, known: Mapping[str, int], depth: int
    ) -> Observed:
        values = incoming.columns(OBSERVATION, content, is_partial=False)
        if values["phenomenon_time"] is None:
            values["phenomenon_time"] = self._commit.now
        if FEATURE_OF_INTEREST.name in known:
            feature: int | None = known[FEATURE_OF_INTEREST.name]
        else:
            named = incoming.targets(content, FEATURE_OF_INTEREST.name, is_one=True)
            navigation = OBSERVATION.navigations[FEATURE_OF_INTEREST.name]
            feature = (
                await self._made_or_linked(navigation, named[0], {}, depth)
                if named
                else await self._feature_of(datastream_id)
            )
        return Observed(datastream_id=datastream_id, feature_of_interest_id=feature, **values)

    async def _feature_of(self, datastream_id: int) -> int | None:
        """Return the feature that follows from where the datastream's thing is; None where nobody knows where it is."""
        stream, place = schema.datastream, schema.thing_location
        query = (
            select(func.min(place.c.location_id))
            .join(stream, stream.c.thing_id == place.c.thing_id)
            .where(stream.c.id == datastream_id)
        )
        location_id = (await self._connection.execute(query)).scalar()
        return None if location_id is None else await feature_of_location(self._commit, location_id)

    async def _remove_observations_of(self, feature_id: int) -> None:
        row, feature = schema.observation, schema.feature_of_interest
        stream, place, latest = schema.datastream, schema.thing_location, schema.latest
        going_on = (
            select(latest.c.datastream_id)
            .join(stream, stream.c.id == latest.c.datastream_id)
            .join(place, place.c.thing_id == stream.c.thing_id)
            .join(feature, feature.c.location_id == place.c.location_id)
            .where(feature.c.id == feature_id)
            .where(
                exists().where(row.c.datastream_id == latest.c.datastream_id, row.c.feature_of_interest_id.is_(None))
            )
        )
        if (await self._connection.execute(going_on.limit(1))).first() is not None:
            raise RefusedError(
                HTTPStatus.CONFLICT, "this feature is the location of things that are observed; delete those instead"
            )
        owners = await self._ids(
            select(row.c.datastream_id).where(row.c.feature_of_interest_id == feature_id).distinct()
        )
        await self._connection.execute(delete(row).where(row.c.feature_of_interest_id == feature_id))
        await restate(self._commit, owners)

    # Changing

    async def _update(self, entity: Entity, key: int, values: Mapping[str, Any]) -> None:
        if not values:
            return
        row = entity.table
        if entity is OBSERVATION:
            await self._update_observation(key, values)
            return
        await self._connection.execute(update(row).where(row.c.id == key).values(**values))
        if entity is THING:
            self._touched.add(key)
        elif entity is DATASTREAM:
            self._touched.update(await self._ids(select(row.c.thing_id).where(row.c.id == key)))
        elif entity is LOCATION:
            place = schema.thing_location
            self._touched.update(await self._ids(select(place.c.thing_id).where(place.c.location_id == key)))

    async def _update_observation(self, key: int, values: Mapping[str, Any]) -> None:
        row = schema.observation
        owners = await self._ids(select(row.c.datastream_id).where(row.c.id == key))
        moment = values.get("phenomenon_time")
        if moment is not None and self._connection.dialect.name == "postgresql":
            await make_room(self._commit, [moment])
        await self._connection.execute(update(row).where(row.c.id == key).values(**values))
        owners += await self._ids(select(row.c.datastream_id).where(row.c.id == key))
        await restate(self._commit, owners)

    async def _settle(self) -> int:
        """Add the observations of this request, and tell everybody what changed; return the last id."""
        await add(self._commit, self._observed, self._judge)
        await self._commit.registry_changed()
        if self._touched:
            latest, stream = schema.latest, schema.datastream
            streams = select(stream.c.id).where(stream.c.thing_id.in_(sorted(self._touched)))
            touch = update(latest).where(latest.c.datastream_id.in_(streams)).values(sequence=self._commit.sequence)
            await self._connection.execute(touch)
        return self._observed[-1].id if self._observed else 0

    # Looking

    async def _link(self, navigation: ToOne | ToMany, target: Any) -> int:
        key = incoming.linked(target)
        if key is None:
            raise BadRequestError(f'{navigation.name}: an entity that is there takes links alone: {{"@iot.id": 1}}')
        return await self._existing(ENTITIES[navigation.target], key)

    async def _existing(self, entity: Entity, key: int) -> int:
        """Return the id of an entity that may be seen.

        Raises:
            BadRequestError: there is none.
        """
        row = another(entity.table)
        query = select(row.c.id).where(row.c.id == key)
        # What everybody's datastreams share may be used by whoever sees it.
        seer = replace(self._principal, is_writing=False) if entity.name in _SHARED else self._principal
        allowed = entity.visible(row, seer)
        if allowed is not None:
            query = query.where(allowed)
        if (await self._connection.execute(query)).first() is None:
            raise BadRequestError(f"there is no {entity.name} with @iot.id {key}")
        return key

    async def _ids(self, query: Any) -> list[int]:
        return [int(key) for key in (await self._connection.execute(query)).scalars()]

    def _count(self, more: int) -> None:
        self._made += more
        if self._made > MAX_ENTITIES:
            raise BadRequestError(f"at most {MAX_ENTITIES} entities in one request")


async def feature_of_location(commit: Commit, location_id: int) -> int:
    """Return the feature of interest that was made from a location; it is made where there is none yet."""
    feature, location = schema.feature_of_interest, schema.location
    known = await commit.connection.execute(select(feature.c.id).where(feature.c.location_id == location_id))
    key = known.scalar()
    if key is None:
        names = ("name", "description", "properties", "encoding_type", "longitude", "latitude")
        copied = select(*(location.c[name] for name in names), location.c.location, location.c.id)
        made = insert(feature).from_select(
            [*names, "feature", "location_id"], copied.where(location.c.id == location_id)
        )
        key = (await commit.connection.execute(made.returning(feature.c.id))).scalar_one()
    return int(key)
