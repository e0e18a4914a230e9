"""Run the server: take the port, answer until told to stop, finish what was begun, leave."""

from __future__ import annotations

import errno
import gc
import logging
import logging.config
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import uvicorn

from server.access_log import LOGGER as ACCESS_LOGGER
from server.app import create_app
from server.connections import Patience, connection_class
from server.live_connections import socket_class
from server.security import MAX_HEADER_BYTES
from zwilling.errors import SettingsError
from zwilling.region import Region

if TYPE_CHECKING:
    from sensor_overlay.service import Service

MAX_MESSAGE_BYTES = 64 << 10
"""Of what a WebSocket's client may send at once."""


def serve(
    data: Path,
    viewer: Path | None,
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    title: str = "Digitaler Zwilling",
    region: Region | None = None,
    sensors: Service | None = None,
    access_log: bool = False,
    quiet: bool = False,
    patience: Patience = Patience(),  # noqa: B008 - frozen
    on_listening: Callable[[str], None] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, then return; answers that were begun are finished first.

    Args:
        data: folder of the built layers.
        viewer: folder of the built viewer, or None.
        host: name or address to listen on.
        port: TCP port; 0 takes any free one.
        title: name of the county.
        region: the county, in whose CRS places are told; without it they are not.
        sensors: live sensors, which are started and stopped here; None where the twin has none.
        access_log: write a line of JSON to stderr for each request.
        quiet: write errors alone, whatever `access_log` says.
        patience: how long a client may take.
        on_listening: called once with the URL as soon as connections are accepted.

    Raises:
        SettingsError: host or port cannot be listened on; the message says which option to change.
        StoreError: the sensors' database needs a person.
    """
    listener = listen(host, port)
    with listener:
        logging.config.dictConfig(logging_config(access_log=access_log, quiet=quiet))
        config = uvicorn.Config(
            create_app(data, viewer, title=title, region=region, sensors=sensors),
            http=connection_class(patience),
            ws=socket_class(patience.live),
            ws_max_size=MAX_MESSAGE_BYTES,
            ws_per_message_deflate=False,  # changes are small, and a window per client would cost more than it saves
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # nothing here depends on the client's address
            h11_max_incomplete_event_size=MAX_HEADER_BYTES + 1024,
            timeout_keep_alive=patience.keep_alive,
            timeout_graceful_shutdown=patience.drain,
        )
        server = _Server(config, sensors)
        _settle_memory()
        if on_listening is not None:
            # The socket listens already: who connects now waits in its queue until the first accept.
            on_listening(url_of(listener))
        with _stopped_by_signals(server):
            server.run(sockets=[listener])


def _settle_memory() -> None:
    """Leave what lives as long as the process out of every search for garbage, and search less often.

    Going through modules and tables of the program now and again kept single requests waiting for a tenth of a second
    (measured with 350 sensors: 30 ms each, every twentieth 120 to 170 ms).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


class _Server(uvicorn.Server):
    """uvicorn's, with the sensors in the same event loop: there before the first request, gone after the last."""

    def __init__(self, config: uvicorn.Config, sensors: Service | None) -> None:
        super().__init__(config)
        self._sensors = sensors

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        if self._sensors is None:
            await super().serve(sockets)
            return
        await self._sensors.start()
        try:
            await super().serve(sockets)
        finally:
            await self._sensors.stop()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._sensors is not None:
            self._sensors.leave()  # streams to viewers end by themselves, or would be waited for in vain
        await super().shutdown(sockets)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on `host` and `port`.

    Raises:
        SettingsError: it cannot be; the message says which option to change.
    """
    if not 0 <= port <= 65_535:  # getaddrinfo would take 70000 for 4464
        raise SettingsError(f"port {port} does not exist", remedy="pass --port with one from 0 to 65535")
    try:
        places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        raise SettingsError(f"host '{host}' is not known", remedy="pass --host, for example 127.0.0.1") from error
    family, kind, protocol, _, address = min(places, key=lambda place: place[0] != socket.AF_INET)
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(host != "::"))
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise _refused(host, port, error) from error
    return listener


def _refused(host: str, port: int, error: OSError) -> SettingsError:
    if error.errno == errno.EADDRINUSE:
        return SettingsError(f"port {port} is in use", remedy="pass --port with another one, or --port 0 for any")
    if error.errno == errno.EACCES:
        return SettingsError(f"port {port} may not be used by this account", remedy="pass --port with one above 1023")
    if error.errno == errno.EADDRNOTAVAIL:
        return SettingsError(f"'{host}' is no address of this machine", remedy="pass --host, for example 0.0.0.0")
    return SettingsError(f"cannot listen on {host}, port {port} ({error.strerror})", remedy="pass --host and --port")


def url_of(listener: socket.socket) -> str:
    """Return the address to type into a browser on this machine."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        host = "127.0.0.1"
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def logging_config(*, access_log: bool, quiet: bool) -> dict[str, Any]:
    """Return the configuration of logging: lines of JSON on stderr, see `server.access_log`."""
    level = "ERROR" if quiet else "WARNING"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "server.access_log.JsonLines"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "loggers": {
            "uvicorn": {"level": level, "handlers": ["stderr"], "propagate": False},
            "zwilling": {"level": level, "handlers": ["stderr"], "propagate": False},
            ACCESS_LOGGER: {"level": "INFO" if access_log and not quiet else "ERROR"},
        },
    }


@contextmanager
def _stopped_by_signals(server: uvicorn.Server) -> Iterator[None]:
    """Take SIGINT and SIGTERM as the wish to stop, from before uvicorn listens to them until after.

    uvicorn raises the signal again when it has drained, which would end the process as killed; stopping when
    asked to is success.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_: int, __: FrameType | None) -> None:
        server.should_exit = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
