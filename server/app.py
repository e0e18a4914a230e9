"""The application: which address leads where."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route

from server.access_log import AccessLog
from server.catalogue import Catalogue
from server.health import Health
from server.positions import Positions
from server.problems import HANDLERS
from server.security import Guard
from server.tilesets import Tilesets
from server.twin import Twin
from server.viewer import Viewer
from zwilling.region import Region

if TYPE_CHECKING:
    from sensor_overlay.service import Service


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
    of_sensors: list[BaseRoute] = []
    handlers: dict[Any, Callable[..., Any]] = dict(HANDLERS)
    if sensors is not None:
        from server import sensor_routes

        of_sensors = sensor_routes.sensor_routes(sensors)
        handlers |= sensor_routes.HANDLERS
    return Starlette(
        routes=[
            Route("/healthz", health.alive),
            Route("/readyz", health.ready),
            Route("/api/twin", twin.describe),
            Route("/api/collections/{layer}/items/{id:path}", twin.item),
            *([] if region is None else [Route("/api/position", Positions(region).describe)]),
            *of_sensors,
            Route("/tiles/{path:path}", Tilesets(catalogue)),
            Route("/{path:path}", Viewer(viewer)),  # takes all that is left, so no route ever redirects
        ],
        middleware=[Middleware(AccessLog), Middleware(Guard)],
        exception_handlers=handlers,
    )
