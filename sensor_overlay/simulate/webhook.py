"""Publishing over HTTP, as ChirpStack's HTTP integration does: for a twin without a broker."""

from __future__ import annotations

import asyncio
import http.client
import queue
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from http import HTTPStatus
from urllib.parse import urlsplit

from sensor_overlay.simulate.publishing import Publish
from sensor_overlay.simulate.traffic import Transmission
from zwilling.errors import SettingsError, SourceError

CALLERS = 4
"""Connections that bring messages at the same time."""
_SECONDS = 30
_TRIES = 20
"""Times that a message is brought to a twin whose database is away; it asks for half a minute between them."""


@asynccontextmanager
async def calling(url: str, secret: str) -> AsyncIterator[Publish]:
    """Yield what brings one message to `/ingest/chirpstack` and returns when the twin has kept it.

    Where the twin asks for it (503, `Retry-After`) the message is brought again.

    Raises:
        SettingsError: `url` is no `http://` or `https://` address.
        SourceError: the twin cannot be reached, refuses, or asks to come back again and again.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(f"{url!r} is no twin's address", remedy="write http://host:8080/ingest/chirpstack")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    idle: queue.SimpleQueue[http.client.HTTPConnection] = queue.SimpleQueue()
    made = [kind(parts.hostname, parts.port, timeout=_SECONDS) for _ in range(CALLERS)]
    for connection in made:
        idle.put(connection)
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}

    def bring(message: Transmission) -> int | None:
        """Return None where it is kept, else the seconds after which the twin wants it again."""
        connection = idle.get()
        try:
            connection.request("POST", f"{parts.path or '/'}?event=up", message.body, headers)
            with connection.getresponse() as answer:
                answer.read()
                status, later = answer.status, answer.getheader("Retry-After", "")
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise SourceError(f"the twin does not answer: {error}", source=url) from error
        finally:
            idle.put(connection)
        if status == HTTPStatus.SERVICE_UNAVAILABLE and later.isdecimal():
            return int(later)
        if status >= 300:
            remedy = "is the secret right?" if status == HTTPStatus.UNAUTHORIZED else "see what its log says"
            raise SourceError(f"the twin answers {status}", source=url, remedy=remedy)
        return None

    with ThreadPoolExecutor(CALLERS, thread_name_prefix="simulate") as callers:
        loop = asyncio.get_running_loop()

        async def one(message: Transmission) -> None:
            for _ in range(_TRIES):
                later = await loop.run_in_executor(callers, bring, message)
                if later is None:
                    return
                await asyncio.sleep(later)
            raise SourceError("the twin does not keep what it gets", source=url, remedy="see what its log says")

        try:
            yield one
        finally:
            for connection in made:
                connection.close()
