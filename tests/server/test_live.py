"""`/live` and `/live/events` over real sockets."""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from sensor_overlay.access import Token, Tokens
from server.live import SUBPROTOCOL, is_own_origin
from server.live_connections import MOST_PINGS
from tests.sensor_overlay.live.conftest import QUICK
from tests.server.live_server import FRIEND, STAFF, TOKENS, LiveServer, serving

WAIT = 60
"""Seconds after which a test gives up; what is tested takes a fraction of it."""

Scene = Callable[[LiveServer], Coroutine[Any, Any, None]]


def play(folder: Path, scene: Scene, **options: Any) -> None:
    """Run a scene with a server."""

    async def run() -> None:
        async with asyncio.timeout(WAIT), serving(folder, **options) as server:
            await scene(server)

    asyncio.run(run())


async def told(socket: ClientConnection) -> dict[str, Any]:
    """Return the next message of a WebSocket."""
    message: dict[str, Any] = json.loads(await socket.recv())
    return message


async def events(response: httpx.Response) -> AsyncIterator[dict[str, str]]:
    """Yield the events of a stream as the standard has a browser read them."""
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line == "":
            if "data" in fields:
                yield fields
            fields = {}
            continue
        name, _, value = line.partition(":")
        fields[name] = value.removeprefix(" ")


def test_an_uplink_reaches_websockets_and_event_streams(tmp_path: Path) -> None:
    async def scene(server: LiveServer) -> None:
        await server.sensors.add(1)
        await server.sensors.tell(1, 500.0)
        async with server.live() as one, server.http.stream("GET", "/live/events") as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            assert response.headers["cache-control"] == "private, no-store"
            assert response.headers["x-accel-buffering"] == "no"
            stream = events(response)
            assert (await told(one))["type"] == "snapshot"
            first = await anext(stream)
            assert first["event"] == "snapshot"
            await server.sensors.tell(1, 1240.0)
            by_socket, by_event = await told(one), await anext(stream)
            assert by_event["id"] == by_socket["id"]
            assert json.loads(by_event["data"])["things"] == by_socket["things"]
            assert by_socket["things"][0]["latest"]["co2"]["value"] == 1240.0

    play(tmp_path, scene)


def test_streams_go_on_from_an_event_id(tmp_path: Path) -> None:
    async def scene(server: LiveServer) -> None:
        await server.sensors.add(1)
        await server.sensors.tell(1, 500.0)
        async with server.live() as one:
            position = (await told(one))["id"]
        await server.sensors.tell(1, 700.0)
        async with server.live(f"?since={position}") as again:
            assert (await told(again))["type"] == "changes"
        for options in ({"headers": {"last-event-id": position}}, {"params": {"since": position}}):
            async with server.http.stream("GET", "/live/events", **options) as response:  # type: ignore[arg-type]
                assert (await anext(events(response)))["event"] == "changes"
        async with server.http.stream("GET", "/live/events", headers={"last-event-id": "nonsense"}) as response:
            assert (await anext(events(response)))["event"] == "snapshot"

    play(tmp_path, scene)


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "",
        "file://",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "http://127.0.0.1.evil.example:{port}",
        "http://evil.example?127.0.0.1:{port}",
        "http://127.0.0.1:{port}@evil.example",
        "https://masterportal.example.evil.example",
        "http://masterportal.example",
        "http://[",
        "http://127.0.0.1:99999999",
    ],
)
def test_pages_of_other_origins_are_refused_before_anything_is_opened(tmp_path: Path, origin: str) -> None:
    async def scene(server: LiveServer) -> None:
        named = origin.format(port=server.port)
        with pytest.raises(InvalidStatus) as refused:
            async with server.live(additional_headers={"Origin": named}):
                pass
        assert refused.value.response.status_code == HTTPStatus.FORBIDDEN
        response = await server.http.get("/live/events", headers={"origin": named})
        assert response.status_code == HTTPStatus.FORBIDDEN
        assert "access-control-allow-origin" not in response.headers
        assert server.hub.viewers == 0

    play(tmp_path, scene)


def test_own_pages_and_named_friends_may_listen(tmp_path: Path) -> None:
    async def scene(server: LiveServer) -> None:
        for origin in (f"http://127.0.0.1:{server.port}", f"https://127.0.0.1:{server.port}", FRIEND, None):
            async with server.live(origin=origin) as one:
                assert (await told(one))["type"] == "snapshot"
        async with server.http.stream("GET", "/live/events", headers={"origin": FRIEND}) as response:
            assert response.headers["access-control-allow-origin"] == FRIEND
            assert response.headers["vary"] == "Origin"

    play(tmp_path, scene)


@pytest.mark.parametrize(
    ("origin", "host", "is_own"),
    [
        ("https://twin.example", "twin.example", True),
        ("https://twin.example", "TWIN.example:443", True),
        ("http://twin.example", "twin.example:80", True),
        ("https://twin.example:8443", "twin.example", False),
        ("http://[::1]:8080", "[::1]:8080", True),
        ("https://twin.example", "", False),
        ("https://", "", False),
        ("https://twin.example", "twin.example:x", False),
    ],
)
def test_own_origins(origin: str, host: str, is_own: bool) -> None:
    assert is_own_origin(origin, host) == is_own


def test_tokens_come_as_subprotocol_or_header_and_never_in_the_address(tmp_path: Path) -> None:
    async def scene(server: LiveServer) -> None:
        await server.sensors.add(1)
        await server.sensors.add(2, access="staff")

        async def seen(query: str = "", **options: Any) -> list[str]:
            async with server.live(query, **options) as one:
                # The token is not told back to whoever reads the answer's headers.
                assert one.subprotocol == (SUBPROTOCOL if options.get("protocols") else None)
                return [entry["id"] for entry in (await told(one))["things"]]

        bearer = {"Authorization": f"Bearer {STAFF}"}
        assert await seen() == ["1"]
        assert await seen(protocols=[SUBPROTOCOL]) == ["1"]
        assert await seen(protocols=[SUBPROTOCOL, STAFF]) == ["1", "2"]
        assert await seen(additional_headers=bearer) == ["1", "2"]
        assert await seen(f"?token={STAFF}&access_token={STAFF}") == ["1"]
        async with server.http.stream("GET", "/live/events", headers=bearer) as response:
            assert len(json.loads((await anext(events(response)))["data"])["things"]) == 2
        for options in (
            {"protocols": [SUBPROTOCOL, "zw_wrong"]},
            {"additional_headers": {"Authorization": "Bearer x"}},
        ):
            with pytest.raises(InvalidStatus) as refused:
                await seen(**options)
            assert refused.value.response.status_code == HTTPStatus.UNAUTHORIZED
            assert refused.value.response.headers["www-authenticate"] == "Bearer"
        response = await server.http.get("/live/events", headers={"authorization": "Basic eDp5"})
        assert response.status_code == HTTPStatus.UNAUTHORIZED

    play(tmp_path, scene)


@pytest.mark.parametrize(("message", "code"), [("{}", 1008), (b"\0", 1008), ("x" * 70_000, 1009)])
def test_a_client_that_speaks_is_shown_out(tmp_path: Path, message: str | bytes, code: int) -> None:
    async def scene(server: LiveServer) -> None:
        async with server.live() as one:
            await told(one)
            await one.send(message)
            with pytest.raises(ConnectionClosed) as closed:
                await told(one)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == code

    play(tmp_path, scene)


@pytest.mark.parametrize(("groups", "code"), [(None, 1008), (["public"], 1012)])
def test_who_loses_their_token_is_told_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, groups: list[str] | None, code: int
) -> None:
    digest = hashlib.sha256(STAFF.encode()).hexdigest()
    left = [] if groups is None else [Token(name="Hausmeister", sha256=digest, groups=groups)]

    async def scene(server: LiveServer) -> None:
        await server.sensors.add(1, access="staff")
        await server.sensors.add(2)
        bearer = {"authorization": f"Bearer {STAFF}"}
        async with (
            server.live(protocols=["zwilling.live.v1", STAFF]) as staff,
            server.live() as public,
            server.http.stream("GET", "/live/events", headers=bearer) as response,
        ):
            stream = events(response)
            await anext(stream)
            assert len((await told(staff))["things"]) == 2
            await told(public)
            monkeypatch.setattr(TOKENS, "_tokens", Tokens(left)._tokens)
            await server.sensors.tell(1, 1.0)
            await server.sensors.tell(2, 2.0)
            with pytest.raises(ConnectionClosed) as closed:
                await told(staff)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == code  # 1012: come back, and see less
            assert [event async for event in stream] == []
            assert [entry["id"] for entry in (await told(public))["things"]] == ["2"]

    play(tmp_path, scene)


def test_a_client_that_does_nothing_but_ping_is_shown_out(tmp_path: Path) -> None:
    async def scene(server: LiveServer) -> None:
        async with server.live(ping_interval=None) as one:
            await told(one)
            for _ in range(MOST_PINGS):
                await (await one.ping())  # each is answered
            await one.ping()
            with pytest.raises(ConnectionClosed) as closed:
                await told(one)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1008
        while server.hub.viewers:
            await asyncio.sleep(0)

    play(tmp_path, scene)


def test_a_client_that_stops_reading_is_dropped_and_the_others_do_not_notice(tmp_path: Path) -> None:
    async def scene(server: LiveServer) -> None:
        for number in range(1, 301):
            await server.sensors.add(number, name="x" * 2_000)  # more than socket buffers take in a few rounds
        stalled = socket.socket()
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.connect(("127.0.0.1", server.port))
        stalled.sendall(
            b"GET /live HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        stalled.settimeout(WAIT)
        async with server.live(max_size=None) as other:
            await told(other)
            value = 400.0
            while server.hub.viewers < 2:
                await asyncio.sleep(0)
            while server.hub.viewers > 1:  # each change of a name is a snapshot of 0.7 MB
                value += 1
                await server.sensors.change(1, room=str(value))
                assert (await told(other))["type"] == "snapshot"
        received = await asyncio.to_thread(read_all, stalled)
        stalled.close()
        # The last frame is a close, 1013, with a reason.
        assert received.endswith(b"\x88\x0a" + (1013).to_bytes(2, "big") + b"too slow")

    play(tmp_path, scene, stall=0.05)


def read_all(connection: socket.socket) -> bytes:
    """Return what comes until the other side is done."""
    pieces = []
    try:
        while piece := connection.recv(1 << 16):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces)


def test_a_stopping_server_ends_all_streams_at_once(tmp_path: Path) -> None:
    async def scene(server: LiveServer) -> None:
        await server.sensors.add(1)
        async with server.live() as one, server.http.stream("GET", "/live/events") as response:
            stream = events(response)
            await told(one)
            await anext(stream)
            server.server.should_exit = True
            with pytest.raises(ConnectionClosed) as closed:
                await told(one)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
            assert [event async for event in stream] == []  # a whole answer: httpx would complain of a broken one

    play(tmp_path, scene, drain=WAIT)


def test_more_viewers_than_there_is_room_for(tmp_path: Path) -> None:
    async def scene(server: LiveServer) -> None:
        async with server.live() as one:
            await told(one)
            with pytest.raises(InvalidStatus) as refused:
                async with server.live():
                    pass
            response = refused.value.response
            assert (response.status_code, response.headers["retry-after"]) == (HTTPStatus.SERVICE_UNAVAILABLE, "10")
            for path in ("/live/events", "/api/sensors", "/api/alerts"):
                assert (await server.http.get(path)).status_code == HTTPStatus.SERVICE_UNAVAILABLE
        while server.hub.viewers:
            await asyncio.sleep(0)
        async with server.live() as again:
            await told(again)

    play(tmp_path, scene, pace=replace(QUICK, viewers=1))


def test_wishes_are_bounded(tmp_path: Path) -> None:
    async def scene(server: LiveServer) -> None:
        await server.sensors.add(1)
        await server.sensors.add(2, site="S02")
        async with server.live("?site=S02&property=co2") as one:
            assert [entry["id"] for entry in (await told(one))["things"]] == ["2"]
        many = "&".join(f"site={number}" for number in range(51))
        with pytest.raises(InvalidStatus) as refused:
            async with server.live(f"?{many}"):
                pass
        assert refused.value.response.status_code == HTTPStatus.BAD_REQUEST
        assert (await server.http.get(f"/live/events?property={'x' * 300}")).status_code == HTTPStatus.BAD_REQUEST

    play(tmp_path, scene)


def test_a_head_of_the_event_stream_ends(tmp_path: Path) -> None:
    async def scene(server: LiveServer) -> None:
        response = await server.http.head("/live/events")
        assert response.status_code == HTTPStatus.OK
        assert response.headers["content-type"].startswith("text/event-stream")
        assert server.hub.viewers == 0

    play(tmp_path, scene)


def test_a_client_that_leaves_is_forgotten(tmp_path: Path) -> None:
    async def scene(server: LiveServer) -> None:
        async with server.live() as one, server.http.stream("GET", "/live/events") as response:
            await told(one)
            await anext(events(response))
            assert server.hub.viewers == 2
        while server.hub.viewers:
            await asyncio.sleep(0)

    play(tmp_path, scene)
