"""Real servers to send to: SMTP (aiosmtpd) and HTTP, each on a free port of 127.0.0.1, stopped by the test."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from tests.ports import free_port


@dataclass
class Postbox:
    """An SMTP server's inbox.

    Attributes:
        port: that it listens at.
        inbox: what was delivered.
        answers: what the next deliveries are answered, before all others are taken.
        recipients: what the next recipients are answered.
        logins: users and passwords that came.
        is_encrypted: of each delivery.
        hangs_up: instead of a last word.
    """

    port: int = 0
    inbox: list[EmailMessage] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    is_encrypted: list[bool] = field(default_factory=list)
    hangs_up: bool = False
    came: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, count: int) -> None:
        """Return when so many messages have come."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.inbox) >= count, timeout=120)

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any) -> str:
        if self.recipients:
            return self.recipients.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, session: Any, envelope: Envelope) -> str:
        if self.answers:
            return self.answers.pop(0)
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        message["X-Test-To"] = ",".join(envelope.rcpt_tos)
        self.is_encrypted.append(session.ssl is not None)
        with self.came:
            self.inbox.append(message)
            self.came.notify_all()
        return "250 OK"

    async def handle_QUIT(self, server: Any, _session: Any, _envelope: Envelope) -> str:
        if self.hangs_up:
            server.transport.abort()
        return "221 Bye"

    def login(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == "geheim ä".encode(), handled=False)


@contextmanager
def smtp(tls: ssl.SSLContext | None = None, *, wants_login: bool = False, at_once: bool = False) -> Iterator[Postbox]:
    """Run a mail server; with `tls` it offers STARTTLS, or speaks nothing else `at_once`."""
    postbox = Postbox()
    controller = Controller(
        postbox,
        hostname="127.0.0.1",
        port=0,
        ssl_context=tls if at_once else None,
        tls_context=None if at_once else tls,
        require_starttls=tls is not None and not at_once,
        authenticator=postbox.login if wants_login else None,
        auth_required=wants_login,
        server_hostname="127.0.0.1",
        ready_timeout=30,
    )
    # Its `start` connects to the port that was asked for, so it may not be 0.
    controller.port = postbox.port = free_port()
    controller.start()
    try:
        yield postbox
    finally:
        controller.stop()


@dataclass
class Hook:
    """A web server's record.

    Attributes:
        url: its address.
        requests: headers and bodies that came.
        answers: statuses of the next answers, before all others are 204.
    """

    url: str = ""
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    came: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, count: int) -> None:
        """Return when so many requests have come."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.requests) >= count, timeout=120)


@contextmanager
def http() -> Iterator[Hook]:
    """Run a web server that takes everything."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:  # the sender died while it spoke
                return
            with hook.came:
                hook.requests.append((dict(self.headers), body))
                hook.came.notify_all()
            status = hook.answers.pop(0) if hook.answers else 204
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hook.url = f"http://127.0.0.1:{server.server_address[1]}/meldungen"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def dripping() -> Iterator[str]:
    """Run a web server that answers a byte at a time, for half a minute at most; give its address."""
    is_over = threading.Event()

    def drip(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65_536)
            for byte in b"HTTP/1.1 204 No Content\r\nX-Slow: " + b"x" * 570:
                try:
                    connection.sendall(bytes([byte]))
                except OSError:
                    return
                if is_over.wait(0.05):
                    return

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip, args=(listening,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/meldungen"
        finally:
            is_over.set()
            thread.join()


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return what a server named 127.0.0.1 shows, and what trusts it."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(cert), "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(cert, key)
    return server, ssl.create_default_context(cafile=str(cert))
