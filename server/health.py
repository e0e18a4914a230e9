"""Whether the server lives (`/healthz`) and whether it has something to show (`/readyz`)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from server.catalogue import Catalogue
from server.problems import HIDDEN, problem

if TYPE_CHECKING:
    from sensor_overlay.service import Service


class Health:
    """Answers for whoever watches the server: a supervisor, a load balancer, a person."""

    def __init__(self, catalogue: Catalogue, sensors: Service | None = None) -> None:
        self._catalogue = catalogue
        self._sensors = sensors

    async def alive(self, _: Request) -> Response:
        """Return 200 as long as the process can answer at all."""
        return JSONResponse({"status": "alive"}, headers={"cache-control": HIDDEN})

    async def ready(self, _: Request) -> Response:
        """Return 200 with the public layers and how many cannot be read, or 503 with the reason in `detail`.

        Sensors in trouble degrade the twin, and never make it unready: tiles and the last values are still there, and
        a load balancer that took every instance away for the broker's sake would take those, too.
        """
        troubles = None if self._sensors is None else self._sensors.health()
        return await asyncio.get_running_loop().run_in_executor(None, self._ready, troubles)

    def _ready(self, troubles: list[str] | None) -> Response:
        try:
            layers = self._catalogue.public_layers()
            broken = self._catalogue.broken()
        except OSError as error:
            return problem(503, detail=f"Der Datenordner ist nicht lesbar ({error.strerror}).")
        shown = [
            layer.id for layer in layers if (self._catalogue.root / layer.id / layer.version / "tileset.json").is_file()
        ]
        if len(shown) < len(layers):
            missing = ", ".join(layer.id for layer in layers if layer.id not in shown)
            return problem(503, detail=f"Kacheln der aktuellen Fassung fehlen: {missing}. Bitte neu bauen.")
        if not shown:
            reason = (
                "Keine Ebene ist lesbar; das Protokoll nennt die Datei." if broken else "Noch ist keine Ebene gebaut."
            )
            return problem(503, detail=reason)
        status = "degraded" if broken or troubles else "ready"
        content: dict[str, object] = {"status": status, "layers": shown, "broken": broken}
        if troubles is not None:
            content["sensors"] = troubles
        return JSONResponse(content, headers={"cache-control": HIDDEN})
