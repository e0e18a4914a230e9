"""OGC SensorThings 1.1 at `/sta/v1.1`: HTTP around `sensor_overlay.sensorthings`.

Spec: OGC 18-088, 9 and 10; RFC 9110 for what stands around the content.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import gzip
import hashlib
import re
from http import HTTPStatus
from typing import Final

import msgspec
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sensor_overlay.access import Principal, Right, Tokens
from sensor_overlay.sensorthings import answering, changing
from sensor_overlay.sensorthings.addresses import parse_address
from sensor_overlay.sensorthings.errors import RefusedError
from sensor_overlay.sensorthings.kept import Answer, Kept
from sensor_overlay.service import Service
from server.callers import caller
from server.encodings import IDENTITY, choose_encoding
from server.preconditions import evaluate
from server.problems import HIDDEN, problem

ROOT: Final = "/sta/v1.1"
METHODS: Final = ("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE")

_TAKEN: Final = ("application/json", changing.JSON_PATCH)
_HOST: Final = re.compile(r"[A-Za-z0-9._-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")
_WORTH_BYTES: Final = 1024  # what fits into one packet gains nothing from being smaller
_LARGE_BYTES: Final = 64 << 10  # packing more than this would hold up other answers


class SensorThings:
    """Answers below `/sta/v1.1`."""

    def __init__(self, service: Service, tokens: Tokens) -> None:
        self._service = service
        self._tokens = tokens
        self._kept = Kept()

    def routes(self) -> tuple[BaseRoute, ...]:
        """Return the routes of this server that it answers."""
        methods = list(METHODS)
        return (Route(ROOT, self.answer, methods=methods), Route(ROOT + "/{path:path}", self.answer, methods=methods))

    async def answer(self, request: Request) -> Response:
        """Answer one request.

        Raises:
            HTTPException: 401 or 403, see `caller`.
            StoreUnavailableError: the database is away.
        """
        is_reading = request.method in ("GET", "HEAD")
        principal = caller(self._tokens, _with_bearer(request.headers), None if is_reading else Right.WRITE)
        try:
            if is_reading:
                return await _response(request, await self._read(request, principal), principal)
            return _written(await self._write(request, principal))
        except RefusedError as refusal:
            return _refused(refusal, request.path_params.get("path", ""))

    async def _read(self, request: Request, principal: Principal) -> Answer:
        path = request.path_params.get("path", "")
        query, root = request.url.query, _root(request)
        return await answering.read(self._service.store, principal, path, query, root, self._kept)

    async def _write(self, request: Request, principal: Principal) -> Answer:
        store, path, root = self._service.store, request.path_params.get("path", ""), _root(request)
        if request.method == "DELETE":
            found = await changing.remove(store, principal, path, root)
        else:
            media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if media_type not in _TAKEN:
                raise RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"the body is {' or '.join(_TAKEN)}")
            body = await request.body()
            if request.method == "POST":
                found = await changing.create(store, principal, path, body, root, judge=self._service.alerts)
            else:
                is_whole = request.method == "PUT"
                found = await changing.change(
                    store, principal, path, body, root, is_whole=is_whole, media_type=media_type
                )
        self._service.hub.wake()
        return found


def _with_bearer(headers: Headers) -> Headers:
    """Return headers in which a password is a token: frost_sta_client and QGIS can send nothing but Basic.

    Spec: RFC 7617. The name that stands before the password means nothing.
    """
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return headers
    try:
        _, _, password = base64.b64decode(credentials.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        password = ""
    return Headers({"authorization": f"Bearer {password}"})


def _root(request: Request) -> str:
    """Return the service's address as the client sees it; absolute, as the standard wants links to be.

    Raises:
        HTTPException: 400, where `Host` is none.
    """
    host = request.headers.get("host") or "{}:{}".format(*request.scope["server"])
    if not _HOST.fullmatch(host):
        raise HTTPException(HTTPStatus.BAD_REQUEST)
    scheme = request.headers.get("x-forwarded-proto", request.scope["scheme"])
    return f"{'https' if scheme == 'https' else 'http'}://{host}{ROOT}"


def _refused(refusal: RefusedError, path: str) -> Response:
    """Return a problem document; `code` and `message` are what clients of FROST-Server look for."""
    if refusal.status == HTTPStatus.NOT_FOUND:
        return problem(HTTPStatus.NOT_FOUND)
    answer = problem(refusal.status, detail=refusal.detail)
    document = msgspec.json.decode(bytes(answer.body))
    body = msgspec.json.encode({**document, "code": int(refusal.status), "message": refusal.detail})
    fields = {"cache-control": HIDDEN}
    if refusal.status == HTTPStatus.METHOD_NOT_ALLOWED:
        fields["allow"] = ", ".join(("GET", "HEAD", "OPTIONS", *parse_address(path).methods))
    return Response(body, refusal.status, fields, answer.media_type)


async def _response(request: Request, answer: Answer, principal: Principal) -> Response:
    """Return the HTTP response of what was read; what is not for everybody is not to be kept by anybody."""
    if answer.status != HTTPStatus.OK:
        return Response(status_code=answer.status, headers={"cache-control": HIDDEN})
    is_public = not principal.name
    fields = {"cache-control": "no-cache" if is_public else HIDDEN, "vary": "Accept-Encoding, Authorization"}
    if answer.following:
        fields["link"] = f'<{answer.following}>; rel="next"'
    body = answer.body
    if "tag" not in answer.forms:
        answer.forms["tag"] = hashlib.sha256(body).hexdigest()[:24].encode()
    tag = answer.forms["tag"].decode()
    coding = IDENTITY
    if len(body) >= _WORTH_BYTES:
        accepted = request.headers.getlist("accept-encoding")
        coding = choose_encoding(", ".join(accepted) if accepted else None, ("gzip",)) or IDENTITY
    fields["etag"] = f'W/"{tag}"' if coding == IDENTITY else f'W/"{tag}-{coding}"'
    if is_public:
        status = evaluate(request.headers, fields["etag"].removeprefix("W/"), None)
        if status != HTTPStatus.OK:
            return Response(status_code=status, headers=fields)
    if coding != IDENTITY:
        fields["content-encoding"] = coding
        if coding not in answer.forms:
            is_large = len(body) > _LARGE_BYTES
            answer.forms[coding] = await asyncio.to_thread(_packed, body) if is_large else _packed(body)
        body = answer.forms[coding]
    return Response(body, headers=fields, media_type=answer.media_type)


def _written(answer: Answer) -> Response:
    """Return the HTTP response of what was written."""
    fields = {"cache-control": HIDDEN}
    if answer.location:
        fields["location"] = answer.location
    return Response(answer.body, answer.status, fields, answer.media_type if answer.body else None)


def _packed(body: bytes) -> bytes:
    return gzip.compress(body, 1, mtime=0)
