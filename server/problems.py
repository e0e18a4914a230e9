"""What goes wrong, told to the client as a problem document; the details stay in the log.

Spec: RFC 9457 (Problem Details for HTTP APIs).
"""

from __future__ import annotations

import logging
from types import MappingProxyType

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from server.headers import response_headers
from zwilling.errors import ZwillingError

MEDIA_TYPE = "application/problem+json"
HIDDEN = "private, no-store"
RETRY_SECONDS = "30"
"""After which a client may ask again what cannot be answered now."""

_log = logging.getLogger("zwilling.server")

_PROBLEMS = MappingProxyType(
    {
        400: ("bad-request", "Fehlerhafte Anfrage", "Die Anfrage ist nicht zu verstehen."),
        401: ("unauthorized", "Nicht angemeldet", "Für diese Anfrage wird ein gültiges Zugangstoken gebraucht."),
        403: ("forbidden", "Nicht erlaubt", "Das Zugangstoken der Anfrage hat dieses Recht nicht."),
        404: ("not-found", "Nicht gefunden", "Unter dieser Adresse gibt es nichts. Bitte prüfen Sie die Schreibweise."),
        405: ("method-not-allowed", "Methode nicht erlaubt", "Diese Adresse kennt die Methode der Anfrage nicht."),
        406: ("not-acceptable", "Keine passende Darstellung", "Die Anfrage schließt jede Kodierung aus, die vorliegt."),
        409: ("conflict", "Widerspruch", "Die Anfrage passt nicht zu dem, was schon gespeichert ist."),
        412: (
            "precondition-failed",
            "Bedingung nicht erfüllt",
            "Was vorliegt, ist nicht mehr die Fassung der Anfrage.",
        ),
        413: ("content-too-large", "Anfrage zu groß", "Die Anfrage bringt mehr Daten, als diese Adresse annimmt."),
        414: ("uri-too-long", "Adresse zu lang", "Die Adresse ist länger, als der Server annimmt."),
        415: ("unsupported-media-type", "Format nicht unterstützt", "Dieses Format nimmt die Adresse nicht an."),
        429: ("too-many-requests", "Zu viele Anfragen", "Bitte warten Sie einen Augenblick."),
        431: (
            "header-fields-too-large",
            "Kopfzeilen zu groß",
            "Die Kopfzeilen der Anfrage sind größer, als der Server annimmt.",
        ),
        500: (
            "internal-error",
            "Interner Fehler",
            "Der Server konnte die Anfrage nicht beantworten. Der Fehler steht im Protokoll.",
        ),
        503: (
            "unavailable",
            "Nicht verfügbar",
            "Der Dienst kann gerade nicht antworten. Bitte versuchen Sie es später erneut.",
        ),
    }
)


def problem(status: int, *, detail: str | None = None, headers: dict[str, str] | None = None) -> Response:
    """Return a problem document: English `type` for programs, German `title` and `detail` for people.

    It never repeats what was asked for, so the answers for a hidden thing and for no thing are equal byte for byte.
    """
    # A status that nobody wrote words for is a route's mistake; a client still gets a sound answer.
    name, title, usual = _PROBLEMS.get(status, _PROBLEMS[400 if status < 500 else 500])
    content = {"type": f"/problems/{name}", "title": title, "status": status, "detail": detail or usual}
    fields = {"cache-control": HIDDEN, **(headers or {})}
    return Response(msgspec.json.encode(content), status, fields, MEDIA_TYPE)


def on_http_exception(_: Request, error: Exception) -> Response:
    """Return the problem document for an answer that a route gave up with."""
    if not isinstance(error, HTTPException):
        raise TypeError(f"registered for HTTPException, called with {type(error).__name__}")
    return problem(error.status_code, headers=dict(error.headers or {}))


def on_zwilling_error(request: Request, error: Exception) -> Response:
    """Return 500; the message names files of this machine, so it goes to the log and not to the client."""
    _log.error("%s %s: %s", request.method, request.url.path, error)
    return problem(500)


def on_away(request: Request, error: Exception) -> Response:
    """Return 503: the database is away now, and comes back."""
    _log.error("%s %s: %s", request.method, request.url.path, error)
    return problem(503, headers={"retry-after": RETRY_SECONDS})


def on_any_error(request: Request, _: Exception) -> Response:
    """Return 500 with the headers that the middleware would have added; uvicorn logs the traceback."""
    return problem(500, headers=response_headers(request.url.path))


HANDLERS = MappingProxyType(
    {
        HTTPException: on_http_exception,
        ZwillingError: on_zwilling_error,
        Exception: on_any_error,
    }
)
"""Which exception becomes which answer, for `Starlette(exception_handlers=…)`."""
