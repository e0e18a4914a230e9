"""One line of JSON for each request, without anything personal.

Neither the client's address nor the query is written: the query of a viewer's link says which house somebody
looked at.  Everything but printable ASCII is escaped, so a request cannot forge or colour a line.
"""

from __future__ import annotations

import json
import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOGGER = "zwilling.access"
_MAX_PATH = 512

_log = logging.getLogger(LOGGER)


class AccessLog:
    """Middleware: logs method, path, status, body bytes and milliseconds when a request is answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request and log it, also where the answer failed half-way."""
        if scope["type"] != "http" or not _log.isEnabledFor(logging.INFO):
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        status, size = 500, 0

        async def send_and_count(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, send_and_count)
        finally:
            milliseconds = round((time.perf_counter() - start) * 1000, 1)
            record = {
                "method": scope["method"][:16],
                "path": scope["path"][:_MAX_PATH],
                "status": int(status),
                "bytes": size,
                "ms": milliseconds,
            }
            _log.info("request", extra={"fields": record})


class JsonLines(logging.Formatter):
    """Formats a record as one line of ASCII JSON: time (UTC), level, logger, message, and its `fields`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, object] = {
            "time": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)
