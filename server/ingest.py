"""`/ingest/chirpstack` and `/ingest/tts`: uplinks that network servers bring by HTTP.

They are answered after the commit, within a second: 204 where the message is kept (as a dead letter, where it makes no
sense: bringing it again would not help), 503 with `Retry-After` where the database is away.
"""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from sensor_overlay.intake.webhook import keep
from sensor_overlay.service import Service
from server.problems import HIDDEN, RETRY_SECONDS, problem


class Ingest:
    """Answers network servers."""

    def __init__(self, sensors: Service) -> None:
        self._sensors = sensors

    async def take(self, request: Request) -> Response:
        """Keep one message."""
        network = request.path_params["network"]
        headers = request.headers
        # Before anything is read, and the same for a network that there is no webhook for.
        secrets = self._sensors.secrets
        if not secrets.admit(network, headers.get("authorization", ""), headers.get("x-zwilling-secret", "")):
            return problem(401, headers={"www-authenticate": "Bearer", "connection": "close"})
        try:
            body = await request.body()
        except ClientDisconnect:
            return problem(400)
        event = request.query_params.get("event", "")[:40]
        if await keep(self._sensors.pipeline, network, body, event):
            return Response(status_code=204, headers={"cache-control": HIDDEN})
        return problem(503, headers={"retry-after": RETRY_SECONDS})
