"""What a twin with sensors adds to the server; loaded by such a twin alone, being most of what there is to load."""

from __future__ import annotations

from types import MappingProxyType

from starlette.routing import BaseRoute, Route

from sensor_overlay.service import Service
from sensor_overlay.store.errors import StoreUnavailableError
from server.ingest import Ingest
from server.live import Live
from server.problems import on_away
from server.sensors import Sensors
from server.sensorthings import SensorThings

HANDLERS = MappingProxyType({StoreUnavailableError: on_away})
"""Beside `server.problems.HANDLERS`."""


def sensor_routes(sensors: Service) -> list[BaseRoute]:
    """Return the addresses that a twin with sensors has."""
    ingest = Ingest(sensors)
    return [
        Route("/ingest/{network}", ingest.take, methods=["POST"]),
        Route("/ingest/{network}/{rest:path}", ingest.take, methods=["POST"]),
        *Live(sensors, sensors.tokens, sensors.settings.origins).routes(),
        *Sensors(sensors, sensors.tokens).routes(),
        *SensorThings(sensors, sensors.tokens).routes(),
    ]
