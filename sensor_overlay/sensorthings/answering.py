"""The service itself: a request in, an answer out; HTTP is left to whoever calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

import msgspec
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from sensor_overlay import instants
from sensor_overlay.access import Principal
from sensor_overlay.sensorthings import formats
from sensor_overlay.sensorthings.addresses import Address, parse_address
from sensor_overlay.sensorthings.errors import BadRequestError, NotFoundError, RefusedError
from sensor_overlay.sensorthings.kept import Answer, Kept, Question, sequence_of
from sensor_overlay.sensorthings.model import COLLECTIONS, DATASTREAM, OBSERVATION
from sensor_overlay.sensorthings.options import Expansion, Options, parse_options
from sensor_overlay.sensorthings.reading import Page, Reader, next_link
from sensor_overlay.store.opening import Store

SECONDS: Final = 10
"""That the database may take for one request."""

_SPEC: Final = "http://www.opengis.net/spec/iot_sensing/1.1/req/"
_FROST: Final = "https://fraunhoferiosb.github.io/FROST-Server/extensions/"
CONFORMANCE: Final = (
    _SPEC + "datamodel",
    _SPEC + "resource-path/resource-path-to-entities",
    _SPEC + "request-data",
    _SPEC + "create-update-delete",
    _SPEC + "data-array/data-array",
    _FROST + "DeepSelect.html",
    _FROST + "GeoJSON-ResultFormat.html",
)
"""Requirement classes of OGC 18-088 and extensions of FROST-Server that this service keeps to; its root tells them."""


def root_document(root: str) -> Answer:
    """Return what stands at the service's root: its collections, and what it can do."""
    document = {
        "value": [{"name": name, "url": f"{root}/{name}"} for name in COLLECTIONS],
        "serverSettings": {"conformance": list(CONFORMANCE)},
    }
    return Answer(msgspec.json.encode(document))


async def read(
    store: Store, principal: Principal, path: str, query: str, root: str, kept: Kept | None = None
) -> Answer:
    """Return the answer to a GET.

    Args:
        store: where everything is.
        principal: who asks.
        path: below the service's root, without a slash before it.
        query: of the address, still encoded.
        root: address of the service, without a slash at its end.
        kept: answers given before; None for none.

    Raises:
        RefusedError: see there.
        StoreError: see there.
        StoreUnavailableError: see there.
    """
    if not path.strip("/"):
        return root_document(root)
    address = parse_address(path)
    options = parse_options(query, address.last.entity)
    _check(address, options)
    question = None if kept is None else Question.of(principal, path, query, root)
    async with store.reading() as connection:
        if kept is None or question is None:
            return await _answer(connection, principal, address, options, root)
        sequence = await sequence_of(connection)
        answer = kept.get(question, sequence)
        if answer is None:
            answer = await _answer(connection, principal, address, options, root)
            kept.put(question, sequence, answer)
        return answer


async def _answer(
    connection: AsyncConnection, principal: Principal, address: Address, options: Options, root: str
) -> Answer:
    async with limited(connection):
        reader = await Reader.on(connection, principal, instants.now(), root)
        if address.last.is_collection:
            return await _collection(reader, address, options, f"{root}/{address.path}", root)
        return await _one(reader, address, options, root)


def _check(address: Address, options: Options) -> None:
    """Refuse options that mean nothing for what an address leads to.

    Raises:
        BadRequestError: there is one.
    """
    if address.last.is_collection:
        if options.result_format == "dataArray" and (address.last.entity is not OBSERVATION or options.expand):
            raise BadRequestError("$resultFormat=dataArray serves Observations without $expand")
        return
    if replace(options, select=None, expand=()) != Options():
        raise BadRequestError("one entity takes $select and $expand; other options are for collections")
    if (address.named or address.names_id or address.is_reference) and options != Options():
        raise BadRequestError("one property takes no options")


async def _one(reader: Reader, address: Address, options: Options, root: str) -> Answer:
    if address.is_reference:
        found = await reader.id_of(address)
        return Answer(msgspec.json.encode({"@iot.selfLink": f"{root}/{address.last.entity.plural}({found})"}))
    if address.names_id:
        found = await reader.id_of(address)
        return _plain(found) if address.is_value else Answer(msgspec.json.encode({"@iot.id": found}))
    if address.named is None:
        return Answer(msgspec.json.encode(await reader.entity(address, options)))
    name = address.named.name
    content = await reader.entity(address, Options(select=(name,)))
    value = content.get(name)
    for member in address.members:
        name, value = str(member), _member(value, member)
    if value is None:
        return Answer(b"", status=HTTPStatus.NO_CONTENT)
    return _plain(value) if address.is_value else Answer(msgspec.json.encode({name: value}))


def _member(document: Any, member: str | int) -> Any:
    """Return a member of a JSON object or list.

    Raises:
        NotFoundError: there is none.
    """
    try:
        if isinstance(document, dict | list) and isinstance(document, dict) == isinstance(member, str):
            return document[member]  # type: ignore[index]
    except (KeyError, IndexError):
        pass
    raise NotFoundError


def _plain(value: Any) -> Answer:
    """Return a value by itself (`$value`): text as it is, documents as JSON."""
    if isinstance(value, dict | list):
        return Answer(msgspec.json.encode(value))
    written = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return Answer(written.encode(), "text/plain; charset=utf-8")


async def _collection(reader: Reader, address: Address, options: Options, link: str, root: str) -> Answer:
    entity = address.last.entity
    if address.is_reference:
        options = replace(options, select=("@iot.selfLink",), expand=())
    if options.result_format == "dataArray":
        return await _data_array(reader, address, options, link, root)
    page = await reader.collection(address, options)
    if options.result_format == "CSV":
        content = formats.comma_separated(entity, page.entities, options)
        following = next_link(link, options, page.token) if page.token else ""
        return Answer(content.encode(), "text/csv; charset=utf-8", following=following)
    head = _head(page, options, link)
    if options.result_format == "GeoJSON":
        return Answer(msgspec.json.encode({**head, **formats.geojson(page.entities)}), "application/geo+json")
    return Answer(msgspec.json.encode({**head, "value": page.entities}))


def _head(page: Page, options: Options, link: str) -> dict[str, Any]:
    head: dict[str, Any] = {}
    if page.count is not None:
        head["@iot.count"] = page.count
    if page.token:
        head["@iot.nextLink"] = next_link(link, options, page.token)
    return head


async def _data_array(reader: Reader, address: Address, options: Options, link: str, root: str) -> Answer:
    names = (*formats.components(options), "@iot.id")
    datastream = Expansion(OBSERVATION.navigations[DATASTREAM.name], Options(select=("id",)))
    page = await reader.collection(address, replace(options, select=names, expand=(datastream,)))
    owners = [entity[DATASTREAM.name]["@iot.id"] for entity in page.entities]
    arrays = formats.data_arrays(page.entities, owners, options, root)
    return Answer(msgspec.json.encode({**_head(page, options, link), "value": arrays}))


@asynccontextmanager
async def limited(connection: AsyncConnection) -> AsyncIterator[None]:
    """Let the database work for `SECONDS` and no longer; and say whose fault it is where an expression fails there.

    Raises:
        RefusedError: the request is too costly.
        BadRequestError: a calculation in it left the numbers that there are.
    """
    is_late = False

    def stop() -> None:
        nonlocal is_late
        is_late = True
        running.append(asyncio.ensure_future(_interrupt(connection)))

    running: list[asyncio.Future[None]] = []
    if connection.dialect.name == "postgresql":
        await connection.execute(text(f"set local statement_timeout = {SECONDS * 1000}"))
    timer = asyncio.get_running_loop().call_later(SECONDS, stop)
    try:
        with _blamed():
            yield
    except DBAPIError as error:
        if is_late or _state(error) == "57014":
            raise RefusedError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"the answer takes longer than {SECONDS} seconds; ask for less, filter by phenomenonTime first, or"
                " follow @iot.nextLink where there is a large $skip",
            ) from error
        raise
    finally:
        timer.cancel()
        await asyncio.gather(*running)


async def _interrupt(connection: AsyncConnection) -> None:
    raw = (await connection.get_raw_connection()).driver_connection
    if connection.dialect.name == "sqlite" and raw is not None:
        await raw.interrupt()


@contextmanager
def _blamed() -> Iterator[None]:
    """Tell numbers that a query makes too large from mistakes of ours.

    Raises:
        BadRequestError: see `limited`.
    """
    try:
        yield
    except DBAPIError as error:
        state = _state(error)
        if (state is not None and state.startswith("22")) or "integer overflow" in str(error.orig):
            raise BadRequestError("a calculation in the query leaves the numbers that there are") from error
        raise


def _state(error: DBAPIError) -> str | None:
    cause = error.orig.__cause__ if error.orig is not None and error.orig.__cause__ is not None else error.orig
    state: str | None = getattr(cause, "sqlstate", None)
    return state
