"""Requests that write: POST, PATCH, PUT and DELETE, each one transaction and then an answer.

Spec: OGC 18-088, 10 (create, update, delete), 12.2 (`CreateObservations`).
"""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

import msgspec
from sqlalchemy.exc import IntegrityError

from sensor_overlay.access import Principal
from sensor_overlay.sensorthings import incoming
from sensor_overlay.sensorthings.addresses import Address, parse_address
from sensor_overlay.sensorthings.answering import limited
from sensor_overlay.sensorthings.errors import BadRequestError, NotFoundError, RefusedError
from sensor_overlay.sensorthings.json_patch import patched
from sensor_overlay.sensorthings.kept import Answer
from sensor_overlay.sensorthings.model import OBSERVATION, Entity, ToMany
from sensor_overlay.sensorthings.options import Options
from sensor_overlay.sensorthings.reading import Reader
from sensor_overlay.sensorthings.writing import Writer
from sensor_overlay.store.observing import Observed
from sensor_overlay.store.opening import Store
from sensor_overlay.store.writing import Judge

CREATE_OBSERVATIONS: Final = "CreateObservations"
JSON_PATCH: Final = "application/json-patch+json"
_WRITTEN: Final = (
    "phenomenonTime",
    "resultTime",
    "result",
    "resultQuality",
    "validTime",
    "parameters",
    "FeatureOfInterest/id",
)


async def create(
    store: Store, principal: Principal, path: str, body: bytes, root: str, *, judge: Judge | None = None
) -> Answer:
    """Return the answer to a POST: 201 with the address and the content of what was made.

    Args:
        store: where everything is.
        principal: who asks, with the right to write.
        path: below the service's root, without a slash before it.
        body: JSON.
        root: address of the service, without a slash at its end.
        judge: raises the alerts that follow from observations.

    Raises:
        RefusedError: see there.
        StoreError: see there.
        StoreUnavailableError: see there.
    """
    principal = principal.writing()
    document = incoming.parse_json(body)
    if path.strip("/") == CREATE_OBSERVATIONS:
        return await _create_observations(store, principal, document, root, judge)
    address = parse_address(path)
    if "POST" not in address.methods:
        raise RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, "new entities are sent to a collection")
    entity = address.last.entity
    async with store.writing() as commit, limited(commit.connection):
        reader = await Reader.on(commit.connection, principal, commit.now, root)
        parent = None
        if isinstance(address.last.navigation, ToMany):
            before = replace(address, steps=address.steps[:-1])
            parent = (before.last.entity, await reader.id_of(before))
        key = await _carried(Writer(commit, principal, judge).create(entity, document, parent))
        content = await _outcome(reader, entity, key)
    link = f"{root}/{entity.plural}({key})"
    return Answer(msgspec.json.encode(content), status=HTTPStatus.CREATED, location=link)


async def change(
    store: Store, principal: Principal, path: str, body: bytes, root: str, *, is_whole: bool, media_type: str
) -> Answer:
    """Return the answer to a PATCH or, where `is_whole`, a PUT: the entity as it is now.

    A PATCH brings the properties that change, or a JSON Patch (RFC 6902) where its media type says so. The arguments
    and exceptions are those of `create`.
    """
    principal = principal.writing()
    document = incoming.parse_json(body)
    address = _of_one(path)
    entity = address.last.entity
    async with store.writing() as commit, limited(commit.connection):
        reader = await Reader.on(commit.connection, principal, commit.now, root)
        key = await reader.id_of(address)
        if media_type == JSON_PATCH and not is_whole:
            present = await reader.entity(address, Options(select=tuple(entity.properties)))
            document, is_whole = patched(present, document), True
        writer = Writer(commit, principal)
        await writer.check_own(entity, key)
        await _carried(writer.change(entity, key, document, is_whole=is_whole))
        content = await _outcome(reader, entity, key)
    return Answer(msgspec.json.encode(content))


async def remove(store: Store, principal: Principal, path: str, root: str) -> Answer:
    """Return the answer to a DELETE; the arguments and exceptions are those of `create`."""
    principal = principal.writing()
    address = _of_one(path)
    async with store.writing() as commit, limited(commit.connection):
        reader = await Reader.on(commit.connection, principal, commit.now, root)
        key = await reader.id_of(address)
        writer = Writer(commit, principal)
        await writer.check_own(address.last.entity, key)
        await writer.remove(address.last.entity, key)
    return Answer(b"")


def _of_one(path: str) -> Address:
    """Return the address of one entity.

    Raises:
        RefusedError: 405, where it is that of a collection, or of a part of an entity.
    """
    address = parse_address(path)
    if "PATCH" not in address.methods:
        raise RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, "only one entity at a time is changed, and as a whole")
    return address


async def _outcome(reader: Reader, entity: Entity, key: int) -> Any:
    """Return an entity as the request leaves it, within the transaction: what would be out of sight is undone.

    Raises:
        RefusedError: 403, where who wrote it could not see it.
    """
    try:
        return await reader.entity(parse_address(f"{entity.plural}({key})"), Options())
    except NotFoundError as error:
        raise RefusedError(
            HTTPStatus.FORBIDDEN,
            f"your token would not see this {entity.name}; a thing needs properties/site and access that it may see",
        ) from error


async def _carried(work: Any) -> Any:
    """Return what `work` returns; what the database's own rules refuse is the request's fault.

    Raises:
        RefusedError: 409.
    """
    try:
        return await work
    except IntegrityError as error:
        raise RefusedError(HTTPStatus.CONFLICT, "the request does not fit what is there") from error


async def _create_observations(
    store: Store, principal: Principal, document: Any, root: str, judge: Judge | None
) -> Answer:
    """Return the answer to a data array: for each row the address of its observation, or what is wrong with it."""
    if not isinstance(document, list):
        raise BadRequestError("CreateObservations takes a list of data arrays")
    async with store.writing() as commit, limited(commit.connection):
        writer = Writer(commit, principal, judge)
        found: list[Observed | str] = []
        for group in document:
            found += await _rows(writer, group)
        await writer.observe_all([row for row in found if isinstance(row, Observed)])
    links = [row if isinstance(row, str) else f"{root}/{OBSERVATION.plural}({row.id})" for row in found]
    return Answer(msgspec.json.encode(links), status=HTTPStatus.CREATED)


async def _rows(writer: Writer, group: Any) -> list[Observed | str]:
    """Return the observations of one data array, or what is wrong with each; a bad row does not spoil the others."""
    content = incoming.as_object(group, "a data array")
    names, rows = content.get("components"), content.get("dataArray")
    if not isinstance(names, list) or not isinstance(rows, list) or len(set(map(str, names))) != len(names):
        raise BadRequestError("a data array has components and dataArray, both lists")
    unknown = [name for name in names if name not in _WRITTEN]
    if unknown:
        raise BadRequestError(f"components are some of {', '.join(_WRITTEN)}, not {str(unknown[0])[:60]!r}")
    datastream_id = await writer.datastream(content.get("Datastream"))
    found: list[Observed | str] = []
    for row in rows:
        try:
            if not isinstance(row, list) or len(row) != len(names):
                raise BadRequestError("a row has a value for each component")
            described = dict(zip(names, row, strict=True))
            feature = described.pop("FeatureOfInterest/id", None)
            if feature is not None:
                described["FeatureOfInterest"] = {"@iot.id": feature}
            found.append(await writer.observed(described, datastream_id))
        except BadRequestError as error:
            found.append(f"error: {error.detail}")
    return found
