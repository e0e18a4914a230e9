"""The real server on a real socket: what a client library would never send, and how it stops."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from server.run import listen, url_of
from tests.server.conftest import CURRENT, GLB, SECRET
from zwilling.errors import SettingsError

WAIT = 60
"""Seconds after which a test gives up; what is tested takes a fraction of it."""

PROGRAM = """
import sys
from pathlib import Path
from server.connections import Patience
from server.run import serve
serve(Path(sys.argv[1]), None, port=0, title="T", access_log=True, patience=Patience({patience}),
      on_listening=lambda url: print(url, flush=True))
print("left", flush=True)
"""


@dataclass(frozen=True, slots=True)
class Running:
    """A server in a process of its own."""

    process: subprocess.Popen[str]
    port: int

    def connect(self) -> socket.socket:
        """Return a new connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=WAIT)

    def exchange(self, request: bytes) -> bytes:
        """Return everything that comes back for `request` until the server closes."""
        with closing(self.connect()) as connection:
            with suppress(OSError):  # the server may have answered and closed before it has read all
                connection.sendall(request)
            return read_all(connection)

    def get(self, target: str, *headers: str) -> bytes:
        """Return the raw response to a GET on a connection of its own."""
        lines = [f"GET {target} HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", ""]
        return self.exchange("\r\n".join(lines).encode("latin-1"))

    def stop(self) -> tuple[int, str]:
        """Return exit status and log after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        output, log = self.process.communicate(timeout=WAIT)
        assert "left" in output
        return self.process.returncode, log


def read_all(connection: socket.socket) -> bytes:
    pieces = []
    while True:
        try:
            piece = connection.recv(1 << 16)
        except ConnectionResetError:
            break
        if not piece:
            break
        pieces.append(piece)
    return b"".join(pieces)


@contextmanager
def running(data: Path, patience: str = "", program: str = PROGRAM) -> Iterator[Running]:
    program = textwrap.dedent(program).format(patience=patience)
    command = [sys.executable, "-W", "error", "-c", program, str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            ready, _, _ = select.select([process.stdout], [], [], WAIT)
            line = process.stdout.readline() if ready else ""
            assert line.startswith("http://127.0.0.1:"), line
            yield Running(process, int(line.rstrip("/\n").rpartition(":")[2]))
        finally:
            process.kill()


@pytest.fixture(scope="module")
def server(prepared_data: Path) -> Iterator[Running]:
    with running(prepared_data) as server:
        yield server


def test_a_tile_over_a_real_connection(server: Running) -> None:
    reply = server.get(f"/tiles/buildings/{CURRENT}/content/0.glb")
    head, _, body = reply.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert body == GLB


def test_head_over_a_real_connection_keeps_it_usable(server: Running) -> None:
    target = f"/tiles/buildings/{CURRENT}/content/0.glb"
    twice = f"HEAD {target} HTTP/1.1\r\nHost: h\r\n\r\nGET {target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    reply = server.exchange(twice.encode())
    assert reply.count(b"HTTP/1.1 200 OK") == 2
    assert reply.endswith(b"\r\n\r\n" + GLB)


@pytest.mark.parametrize(
    "target",
    [
        f"/tiles/buildings/{CURRENT}/../../../secret.json",
        f"/tiles/buildings/{CURRENT}/%2e%2e/%2e%2e/%2e%2e/secret.json",
        f"/tiles/buildings/{CURRENT}/..%2f..%2f..%2fsecret.json",
        f"/tiles/buildings/{CURRENT}/..\\..\\..\\secret.json",
        f"/tiles/buildings/{CURRENT}/tileset.json%00",
        "/tiles/../../secret.json",
        "/../secret.json",
        "//etc/passwd",
        "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    ],
)
def test_climbing_on_the_wire(server: Running, target: str) -> None:
    reply = server.get(target)
    assert reply.startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 400 "))
    assert SECRET not in reply
    assert b"root:" not in reply


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\n\r\n",  # no Host
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
        b"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + b"a" * 200_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: a\r\n" % i for i in range(20_000)) + b"\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS to a plain port\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ids=lambda request: repr(request[:40]),
)
def test_what_is_no_sound_request_is_refused(server: Running, request_: bytes) -> None:
    reply = server.exchange(request_)
    assert reply == b"" or reply.startswith(b"HTTP/1.1 4")
    assert server.get("/healthz").startswith(b"HTTP/1.1 200")


def test_a_smuggled_second_request_is_not_answered(server: Running) -> None:
    inner = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
    reply = server.exchange(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(inner) + inner)
    assert reply.startswith(b"HTTP/1.1 405 ")
    assert reply.count(b"HTTP/1.1") == 1


def test_a_bomb_of_ranges_costs_no_more_than_the_file(server: Running) -> None:
    target = f"/tiles/buildings/{CURRENT}/content/0.glb"
    many = "Range: bytes=" + ",".join(f"{number}-{number + 1}" for number in range(0, 3000, 2))
    assert server.get(target, many).endswith(b"\r\n\r\n" + GLB)
    overlapping = "Range: bytes=" + ",".join(["0-"] * 32)
    reply = server.get(target, overlapping)
    assert reply.startswith(b"HTTP/1.1 206 ")
    assert len(reply) < len(GLB) + 4096
    odd = "Range: bytes=" + "-" * 15_000
    assert server.get(target, odd).endswith(b"\r\n\r\n" + GLB)


def test_uploads_are_refused_without_being_read(server: Running) -> None:
    before = rss(server)
    for _ in range(4):
        head = b"POST /api/twin HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n"
        with closing(server.connect()) as connection:
            connection.sendall(head)
            assert b"405" in connection.recv(100)
            with suppress(OSError):  # closed, as it should be
                connection.sendall(bytes(50_000_000))
    assert server.get("/healthz").startswith(b"HTTP/1.1 200")
    assert rss(server) - before < 100_000_000


def rss(server: Running) -> int:
    pages = Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


LIVE_PROGRAM = """
import asyncio
import sys
from pathlib import Path
from starlette.responses import StreamingResponse
from starlette.routing import Route, WebSocketRoute
from server import run
from server.connections import Patience

async def echo(socket):
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(text)

async def events(request):
    async def endless():
        while True:
            yield "data: 1\\n\\n"
            await asyncio.sleep(0.2)
    return StreamingResponse(endless(), media_type="text/event-stream")

async def swallow(request):
    await request.body()

create_app = run.create_app
def with_live(*args, **kwargs):
    app = create_app(*args, **kwargs)
    app.router.routes[:0] = [WebSocketRoute("/live", echo), Route("/live/events", events),
                              Route("/ingest/tts", swallow, methods=["POST"])]
    return app
run.create_app = with_live
run.serve(Path(sys.argv[1]), None, port=0, title="T", patience=Patience({patience}),
          on_listening=lambda url: print(url, flush=True))
print("left", flush=True)
"""


def test_a_websocket_outlives_the_patience_with_heads_and_is_told_when_the_server_leaves(prepared_data: Path) -> None:
    with running(prepared_data, "head=0.5, body=0.5", LIVE_PROGRAM) as server:
        with connect(f"ws://127.0.0.1:{server.port}/live") as live, closing(server.connect()) as slow:
            slow.sendall(b"GET / HT")
            assert read_all(slow) == b""  # so the time of a head has passed
            live.send("still here")
            assert live.recv(timeout=WAIT) == "still here"
            live.send("a" * 100_000)
            with pytest.raises(ConnectionClosed) as caught:
                live.recv(timeout=WAIT)
            assert caught.value.rcvd is not None
            assert caught.value.rcvd.code == 1009
        with connect(f"ws://127.0.0.1:{server.port}/live") as live:
            server.process.send_signal(signal.SIGTERM)
            with pytest.raises(ConnectionClosed) as caught:
                live.recv(timeout=WAIT)
            assert caught.value.rcvd is not None
            assert caught.value.rcvd.code == 1012
        assert server.stop()[0] == 0


def test_a_stream_of_events_outlives_the_patience_with_heads(prepared_data: Path) -> None:
    with running(prepared_data, "head=0.5, drain=1", LIVE_PROGRAM) as server, closing(server.connect()) as stream:
        stream.sendall(b"GET /live/events HTTP/1.1\r\nHost: a\r\n\r\n")
        with closing(server.connect()) as slow:
            slow.sendall(b"GET / HT")
            assert read_all(slow) == b""
        received = b""
        while received.count(b"data: 1") < 10:
            piece = stream.recv(1 << 16)
            assert piece
            received += piece
        assert server.stop()[0] == 0


def test_slow_bodies_are_hung_up_on(prepared_data: Path) -> None:
    with running(prepared_data, "body=1", LIVE_PROGRAM) as server, closing(server.connect()) as connection:
        connection.sendall(b"POST /ingest/tts HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nslow")
        read_all(connection)  # ends within WAIT
        assert server.get("/healthz").startswith(b"HTTP/1.1 200")


def test_a_websocket_is_not_opened_where_there_is_none(server: Running) -> None:
    reply = server.get("/live", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
    assert not reply.startswith(b"HTTP/1.1 101")


def test_slow_heads_are_hung_up_on_and_do_not_hold_others_up(prepared_data: Path) -> None:
    with running(prepared_data, "head=1") as server:
        slow = [server.connect() for _ in range(200)]
        for number, connection in enumerate(slow):
            connection.sendall([b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "][number % 3])
        assert server.get("/healthz").startswith(b"HTTP/1.1 200")
        for connection in slow:
            assert read_all(connection) == b""  # the end, within WAIT
            connection.close()
        assert server.stop()[0] == 0


def test_a_further_request_on_a_connection_has_to_be_whole_too(prepared_data: Path) -> None:
    with running(prepared_data, "head=1") as server, closing(server.connect()) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        reply = b""
        while not reply.endswith(b'{"status":"alive"}'):
            reply += connection.recv(1 << 16)
        connection.sendall(b"GET /healthz HT")
        assert read_all(connection) == b""


def large(data: Path) -> str:
    with (data / "layers" / "buildings" / CURRENT / "large.bin").open("wb") as file:
        file.truncate(100_000_000)  # more than all buffers between the two ends hold
    return f"/tiles/buildings/{CURRENT}/large.bin"


def begun(server: Running, target: str) -> socket.socket:
    """Return a connection on which the answer has begun and cannot be finished without reading."""
    connection = server.connect()
    connection.sendall(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert connection.recv(12) == b"HTTP/1.1 200"
    return connection


def test_a_client_that_stops_reading_is_hung_up_on(data: Path) -> None:
    with running(data, "stall=1") as server, closing(begun(server, large(data))):
        # The server gives the answer up, which its log tells; nobody reads on this side.
        assert server.process.stderr is not None
        ready, _, _ = select.select([server.process.stderr], [], [], WAIT)
        assert ready
        assert "large.bin" in server.process.stderr.readline()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_was_begun_is_finished_and_leaving_is_success(data: Path, number: signal.Signals) -> None:
    with running(data) as server:
        idle = server.connect()
        with closing(idle), closing(begun(server, large(data))) as connection:
            server.process.send_signal(number)
            assert read_all(idle) == b""
            assert len(read_all(connection)) > 100_000_000
        output, _ = server.process.communicate(timeout=WAIT)
        assert server.process.returncode == 0
        assert "left" in output


def test_a_client_that_never_reads_does_not_hold_the_end_up(data: Path) -> None:
    with running(data, "drain=1") as server, closing(begun(server, large(data))):
        status, log = server.stop()
        assert status == 0
        assert "timeout graceful shutdown exceeded" in log


def test_the_log_is_lines_of_json(prepared_data: Path) -> None:
    with running(prepared_data) as server:
        server.get("/%0anothing")
        server.exchange(b"no request\r\n\r\n")
        _, log = server.stop()
    lines = [json.loads(line) for line in log.splitlines()]
    assert [line["path"] for line in lines if line["message"] == "request"] == ["/\nnothing"]
    assert any("Invalid HTTP request" in line["message"] for line in lines)


def test_a_port_in_use_says_what_to_do() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError) as caught:
            listen("127.0.0.1", port)
    assert str(caught.value) == f"port {port} is in use; pass --port with another one, or --port 0 for any"


@pytest.mark.parametrize(
    ("host", "port", "words"),
    [
        ("203.0.113.1", 0, "no address of this machine"),
        ("no such host", 0, "not known"),
        ("a" * 70 + ".example", 0, "not known"),
        ("127.0.0.1", 70_000, "does not exist"),
        ("127.0.0.1", -1, "does not exist"),
    ],
)
def test_a_place_that_cannot_be_listened_on(host: str, port: int, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        listen(host, port)


def test_the_url_is_one_that_a_browser_here_can_open() -> None:
    for host in ("127.0.0.1", "localhost", "0.0.0.0"):  # noqa: S104 - said, not exposed: closed at once
        with listen(host, 0) as listener:
            port = listener.getsockname()[1]
            assert url_of(listener) == f"http://127.0.0.1:{port}/"


def test_ipv6_where_the_machine_has_it() -> None:
    try:
        listener = listen("::1", 0)
    except SettingsError:
        pytest.skip("this machine has no IPv6")
    with listener:
        assert url_of(listener) == f"http://[::1]:{listener.getsockname()[1]}/"


def test_a_twin_without_sensors_loads_nothing_of_them() -> None:
    program = """
import sys
from pathlib import Path
import server.run
from server.app import create_app
create_app(Path("."), None, title="T")
print(sorted({"sqlalchemy", "alembic", "paho", "sensor_overlay"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=WAIT)
    assert done.stdout == "[]\n"
