"""The application: which address leads where."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route

from sensor_overlay.service import Service
from server.access_log import AccessLog
from server.catalogue import Catalogue
from server.health import Health
from server.ingest import Ingest
from server.live import Live
from server.positions import Positions
from server.problems import HANDLERS
from server.security import Guard
from server.sensors import Sensors
from server.sensorthings import SensorThings
from server.tilesets import Tilesets
from server.twin import Twin
from server.viewer import Viewer
from zwilling.region import Region


def create_app(
    data: Path, viewer: Path | None, *, title: str, region: Region | None = None, sensors: Service | None = None
) -> Starlette:
    """Return the server of one twin.

    Nothing is read yet: layers that are built, switched or removed later are seen with the next request.

    Args:
        data: folder of the built layers.
        viewer: folder of the built viewer, or None where there is none.
        title: name of the county, as the viewer shows it.
        region: the county, in whose CRS places are told; without it they are not.
        sensors: live sensors, started and stopped by the caller; None where the twin has none.
    """
    catalogue = Catalogue(data)
    twin = Twin(catalogue, title, has_sensors=sensors is not None)
    health = Health(catalogue, sensors)
    return Starlette(
        routes=[
            Route("/healthz", health.alive),
            Route("/readyz", health.ready),
            Route("/api/twin", twin.describe),
            Route("/api/collections/{layer}/items/{id:path}", twin.item),
            *([] if region is None else [Route("/api/position", Positions(region).describe)]),
            *([] if sensors is None else sensor_routes(sensors)),
            Route("/tiles/{path:path}", Tilesets(catalogue)),
            Route("/{path:path}", Viewer(viewer)),  # takes all that is left, so no route ever redirects
        ],
        middleware=[Middleware(AccessLog), Middleware(Guard)],
        exception_handlers=dict(HANDLERS),
    )


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
