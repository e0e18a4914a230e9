"""A real mosquitto of the tests' own: with the configuration that we ship, on a free port, stopped when they end."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.ports import free_port

PROJECT = Path(__file__).parents[2]
SHIPPED = (PROJECT / "deploy" / "mosquitto.conf").read_text(encoding="utf-8")
DEFAULTS = "persistence true\npersistence_location /var/lib/mosquitto/\nlistener 1883\nallow_anonymous true\n"
"""What Debian's package installs, as far as what is kept goes, with the access that a test needs."""
WAIT = 60.0
"""Seconds after which a test gives up; what is tested takes a fraction of it."""


def program() -> str:
    """Return the path of mosquitto; skip the test where there is none, and fail it where there must be one."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        if os.environ.get("CI") or os.environ.get("ZWILLING_CI_RUN"):
            pytest.fail("CI must have mosquitto; scripts/set_up installs it")
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    return found


def configured(text: str, settings: Mapping[str, str | None]) -> str:
    """Return a configuration in which lines have other values; None removes a line, what is not there is added."""
    for key, value in settings.items():
        line = "" if value is None else f"{key} {value}"
        text, count = re.subn(rf"(?m)^{key}\b.*$", line, text)
        if not count and value is not None:
            text += f"{line}\n"
    return text


OPEN: Mapping[str, str | None] = {
    "cafile": None,
    "certfile": None,
    "keyfile": None,
    "tls_version": None,
    "password_file": None,
    "acl_file": None,
    "allow_anonymous": "true",
}
"""What takes locks off the configuration that we ship."""


@dataclass(slots=True)
class Broker:
    """A mosquitto.

    Attributes:
        folder: of its data.
        port: that it listens at.
        conf: path of its configuration.
    """

    folder: Path
    port: int
    conf: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        log = (self.folder / "mosquitto.log").open("ab")
        with log:
            self._process = subprocess.Popen([program(), "-c", f"{self.conf}"], stdout=log, stderr=log)
        while True:  # as long as it takes to start, which it tells by answering or by ending
            if self._process.poll() is not None:
                raise RuntimeError(self.log())
            with suppress(ConnectionRefusedError), closing(socket.create_connection(("127.0.0.1", self.port), WAIT)):
                return

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Stop it, if it runs."""
        if self._process is not None:
            self._end(signal.SIGTERM)

    def save(self) -> None:
        """Have it write down what it keeps, as it does every `autosave_interval`; return when it has."""
        assert self._process is not None
        saved = self.folder / "mosquitto.db"
        before = saved.stat().st_mtime_ns if saved.exists() else 0
        self._process.send_signal(signal.SIGUSR1)
        while not saved.exists() or saved.stat().st_mtime_ns == before:
            # It looks at signals when something comes.
            with closing(socket.create_connection(("127.0.0.1", self.port), WAIT)):
                pass

    def log(self) -> str:
        """Return what it has logged."""
        return (self.folder / "mosquitto.log").read_text(errors="replace")

    def _end(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(WAIT)
        self._process = None


@contextmanager
def broker(
    folder: Path, conf: str = SHIPPED, settings: Mapping[str, str | None] = OPEN, *, start: bool = True
) -> Iterator[Broker]:
    """Give a broker whose data are in `folder`.

    Args:
        folder: is made.
        conf: text of its configuration.
        settings: what is different in it.
        start: start it, too.
    """
    program()
    folder.mkdir(parents=True)
    port = free_port()
    places: dict[str, str | None] = {
        "listener": f"{port} 127.0.0.1",
        "persistence_location": f"{folder}/",
        "log_dest": "stderr",
        "user": "root" if os.geteuid() == 0 else None,  # else it gives rights up, and with them the folder
    }
    path = folder / "mosquitto.conf"
    path.write_text(configured(conf, {**settings, **places}), encoding="utf-8")
    made = Broker(folder, port, path)
    if start:
        made.start()
    try:
        yield made
    finally:
        made.stop()
