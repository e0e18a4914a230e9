"""Sensors and alerts as the viewer wants them: `/api/sensors`, `/api/sites` and `/api/alerts`.

Each answer holds what the public, or the holder of a token, may see; anything else is as if it were not there.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final, Protocol

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sensor_overlay import instants
from sensor_overlay.access import Principal, Right, Tokens
from sensor_overlay.alerts.handling import Handled, acknowledge, close
from sensor_overlay.live.hub import TooManyViewersError
from sensor_overlay.live.messages import property_description
from sensor_overlay.live.scales import Scale
from sensor_overlay.live.series import Stretch, stretch
from sensor_overlay.store.opening import Commit, Store
from server.callers import caller
from server.live import Telling, wishes
from server.problems import HIDDEN, problem
from zwilling.errors import ZwillingError

_log = logging.getLogger("zwilling.server")
_UNCACHED: Final = {"cache-control": HIDDEN}
LONGEST: Final = 400 * instants.DAY
"""Of a series; with hourly means that is less than 10,000 points."""


Act = Callable[[Commit, int, Principal], Awaitable[Handled]]


class Sensing(Telling, Protocol):
    """What has a store and a hub, as soon as the store could be opened."""

    @property
    def store(self) -> Store:
        """See `Store`; raises StoreUnavailableError until there is one."""
        ...


class Sensors:
    """Answers about sensors and alerts."""

    def __init__(self, service: Sensing, tokens: Tokens) -> None:
        self._service = service
        self._tokens = tokens

    def routes(self) -> tuple[BaseRoute, ...]:
        """Return the routes of this server that it answers."""
        return (
            Route("/api/sensors", self.list),
            Route("/api/sensors/{id}/series", self.series),
            Route("/api/sites", self.sites),
            Route("/api/alerts", self.alerts),
            Route("/api/alerts/{id}/acknowledge", self.acknowledge, methods=["POST"]),
            Route("/api/alerts/{id}/close", self.close, methods=["POST"]),
        )

    async def list(self, request: Request) -> Response:
        """Return every sensor that the caller may see, with its newest values: what `/live` begins with."""
        principal = caller(self._tokens, request.headers)
        try:
            data = await self._service.hub.snapshot(principal, wishes(request.query_params))
        except (TooManyViewersError, ZwillingError) as error:
            return _unavailable(error)
        return Response(data, media_type="application/json", headers=_UNCACHED)

    async def sites(self, _: Request) -> Response:
        """Return how each site stands as a whole, for everybody alike: no room can be told from it."""
        try:
            data = await self._service.hub.sites()
        except ZwillingError as error:
            return _unavailable(error)
        return Response(data, media_type="application/json", headers={"cache-control": "public, max-age=60"})

    async def alerts(self, request: Request) -> Response:
        """Return the alerts that are open, and those that were until a day ago, newest first."""
        principal = caller(self._tokens, request.headers)
        try:
            return _json({"alerts": await self._service.hub.alerts(principal, wishes(request.query_params))})
        except (TooManyViewersError, ZwillingError) as error:
            return _unavailable(error)

    async def acknowledge(self, request: Request) -> Response:
        """Note that the caller takes care of an alert; who has the right `alerts` may."""
        return await self._handle(request, acknowledge)

    async def close(self, request: Request) -> Response:
        """End an alert by hand; who has the right `alerts` may."""
        return await self._handle(request, close)

    async def _handle(self, request: Request, act: Act) -> Response:
        """Return `{"result": "done"}`, or `already` where it was done before.

        Raises:
            HTTPException: 401, 403; 404 for an alert that the caller may not see, or that never was.
        """
        principal = caller(self._tokens, request.headers, Right.ALERTS)
        number = _number(request)
        try:
            service = self._service
            async with service.store.writing() as commit:
                handled = await act(commit, number, principal)
            service.hub.wake()
        except ZwillingError as error:
            return _unavailable(error)
        if handled is Handled.ABSENT:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return _json({"result": handled})

    async def series(self, request: Request) -> Response:
        """Return what a property of a sensor was over time.

        Query: `property`; `from` and `to` (RFC 3339), which are the last 24 hours where they are absent.
        """
        principal = caller(self._tokens, request.headers)
        key = request.query_params.get("property", "")
        begin, end = _between(request)
        number = _number(request)
        if not key:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        try:
            async with self._service.store.reading() as connection:
                found = await stretch(connection, number, key, begin, end, principal)
        except ZwillingError as error:
            return _unavailable(error)
        if found is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return _json(_series(key, begin, end, found, self._service.hub.scales.at(found, key)))


def _number(request: Request) -> int:
    """Return the id in a request's path.

    Raises:
        HTTPException: 404 for one that nothing can have.
    """
    number: str = request.path_params["id"]
    if not (number.isascii() and number.isdecimal()) or len(number) > 18:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return int(number)


def _between(request: Request) -> tuple[int, int]:
    """Return the instants that a request asks for.

    Raises:
        HTTPException: 400 where they are no times, or not in order, or further apart than `LONGEST`.
    """
    try:
        end = _instant(request, "to", instants.now() + instants.MINUTE)
        begin = _instant(request, "from", end - instants.DAY)
        instants.text(begin), instants.text(end)  # the answer repeats them
    except (ValueError, OverflowError) as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST) from error
    if not 0 < end - begin <= LONGEST:
        raise HTTPException(HTTPStatus.BAD_REQUEST)
    return begin, end


def _instant(request: Request, name: str, default: int) -> int:
    asked = request.query_params.get(name)
    # A plus sign that nobody wrote as %2B has become a space.
    return default if asked is None else instants.parse(asked.replace(" ", "+"))


def _series(key: str, begin: int, end: int, found: Stretch, scale: Scale) -> dict[str, Any]:
    return {
        **property_description(key, found.name, found.unit, scale),
        "property": key,
        "from": instants.text(begin),
        "to": instants.text(end),
        "resolution": "hour" if found.is_hourly else "single",
        "gap": found.gap,
        "times": [time // 1_000 for time in found.times],
        "values": found.values,
        "lows": found.lows,
        "highs": found.highs,
    }


def _json(content: object) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json", headers=_UNCACHED)


def _unavailable(error: Exception) -> Response:
    _log.warning("sensors: %s", str(error) or type(error).__name__)
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, headers={"retry-after": "10"})
