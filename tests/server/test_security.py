from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from server.app import create_app
from server.problems import HANDLERS
from server.security import Guard
from tests.server.asgi import Client
from tests.server.conftest import CURRENT

PATHS = ["/", "/nothing", "/healthz", "/readyz", "/api/twin", "/tiles/buildings/tileset.json", "/tiles/none/x.glb"]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_carries_the_policies(client: Client, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'self'"
    assert not any("http" in sources or sources.strip() == "*" for sources in policy.values())
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "referrer-policy" in headers
    assert "permissions-policy" in headers
    assert "server" not in headers
    for name in set(headers.keys()):
        assert len(headers.getlist(name)) == 1, name


def test_an_unforeseen_error_is_told_like_any_other(data: Path) -> None:
    app = create_app(data, None, title="T")

    async def fails(_: Request) -> Response:
        raise RuntimeError("/home/somebody: a secret")

    app.router.routes.insert(0, Route("/api/fails", fails))
    reply = Client(app).get("/api/fails")
    assert reply.status_code == 500
    assert reply.json()["type"] == "/problems/internal-error"
    assert b"secret" not in reply.content
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("path", ["/api/twin", f"/tiles/buildings/{CURRENT}/content/0.glb", "/tiles/none/x.glb"])
def test_open_data_may_be_read_from_any_origin_without_credentials(client: Client, path: str) -> None:
    headers = client.get(path, headers={"origin": "https://other.example"}).headers
    assert headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in headers
    assert headers["cross-origin-resource-policy"] == "cross-origin"
    assert "etag" in headers["access-control-expose-headers"].lower()


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/assets/index-Bx7_kQ2a.js"])
def test_the_rest_is_for_our_own_pages(client: Client, path: str) -> None:
    headers = client.get(path, headers={"origin": "https://other.example"}).headers
    assert "access-control-allow-origin" not in headers
    assert headers["cross-origin-resource-policy"] == "same-origin"


def test_preflight(client: Client) -> None:
    asked = {
        "origin": "https://other.example",
        "access-control-request-method": "GET",
        "access-control-request-headers": "range, if-none-match",
    }
    reply = client.request("OPTIONS", f"/tiles/buildings/{CURRENT}/content/0.glb", asked)
    assert (reply.status_code, reply.content) == (204, b"")
    assert reply.headers["access-control-allow-origin"] == "*"
    assert "Range" in reply.headers["access-control-allow-headers"]
    assert reply.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"
    plain = client.request("OPTIONS", "/api/twin")
    assert (plain.status_code, plain.headers["allow"]) == (204, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "get", ""])
def test_only_reading_is_allowed(client: Client, method: str, path: str) -> None:
    reply = client.request(method, path)
    assert reply.status_code == 405
    assert reply.headers["allow"].startswith("GET, HEAD")
    assert reply.headers["connection"] == "close"  # a body that nobody reads must not be taken for a request
    assert reply.json()["title"] == "Methode nicht erlaubt"


def test_what_is_too_long_is_refused(client: Client) -> None:
    assert client.get("/" + "a" * 9000).status_code == 414
    assert client.get("/?" + "a" * 9000).status_code == 414
    assert client.get("/", headers={"x-long": "a" * 20_000}).status_code == 431
    assert client.get("/", headers={f"x-{number}": "a" for number in range(4000)}).status_code == 431


@pytest.mark.parametrize("length", ["70000", "9" * 5000, "-1", "1e9", "²"])
def test_a_reading_request_brings_no_data(client: Client, length: str) -> None:
    assert client.get("/", headers={"content-length": length}).status_code == 413


@pytest.mark.parametrize("length", ["0", "2", "65536"])
def test_a_little_data_is_let_pass_unread(client: Client, length: str) -> None:
    assert client.get("/", headers={"content-length": length}).status_code == 200


async def echo(request: Request) -> Response:
    """Return how much came."""
    return Response(str(len(await request.body())))


@pytest.fixture
def writable() -> Client:
    """A server in which every address exists and takes what the guard lets through."""
    route = Route("/{path:path}", echo, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    return Client(Starlette(routes=[route], middleware=[Middleware(Guard)], exception_handlers=dict(HANDLERS)))


@pytest.mark.parametrize(
    ("path", "methods", "most"),
    [
        ("/ingest/chirpstack", {"POST"}, 1 << 20),
        ("/sta/v1.1/Things", {"GET", "POST", "PUT", "PATCH", "DELETE"}, 25 << 20),
        ("/api/alerts/7/acknowledge", {"GET", "POST"}, 16 << 10),
        ("/api/twin", {"GET"}, 64 << 10),
        ("/live/events", {"GET"}, 64 << 10),
    ],
)
def test_what_may_be_written_where(writable: Client, path: str, methods: set[str], most: int) -> None:
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        reply = writable.request(method, path)
        assert reply.status_code == (200 if method in methods else 405)
        assert method in methods or method not in reply.headers["allow"].split(", ")
    for method in methods - {"GET"}:
        assert writable.request(method, path, body=bytes(most)).content == str(most).encode()
        for announced in ({}, {"content-length": str(most + 1)}):
            reply = writable.request(method, path, announced, bytes(most + 1))
            assert reply.status_code == 413
            assert reply.headers["connection"] == "close"


def test_preflight_where_may_be_written(writable: Client) -> None:
    asked = {"origin": "https://other.example", "access-control-request-method": "PATCH"}
    reply = writable.request("OPTIONS", "/sta/v1.1/Things(1)", asked)
    assert reply.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS, POST, PATCH, PUT, DELETE"
    assert {"Authorization", "Content-Type"} <= set(reply.headers["access-control-allow-headers"].split(", "))
    assert reply.headers["access-control-allow-origin"] == "*"
    assert writable.request("OPTIONS", "/ingest/tts", asked).status_code == 405  # machines alone


def test_other_protocols_pass_the_guard_untouched() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    async def receive() -> Message:
        return {}

    async def send(_: Message) -> None:
        return

    asyncio.run(Guard(app)({"type": "lifespan"}, receive, send))
    assert seen == ["lifespan"]
