"""A broker for demonstrations: mosquitto on this machine alone, gone when it is no longer needed."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from zwilling.errors import SettingsError

_SETTINGS = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
max_queued_messages 100000
log_dest none
"""
_PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")
_TRIES = 100


def mosquitto() -> str | None:
    """Return the program, which Debian keeps where only root looks; None where it is not installed."""
    return shutil.which("mosquitto") or next(
        (found for place in _PLACES if (found := shutil.which("mosquitto", path=place))), None
    )


@contextlib.asynccontextmanager
async def demo_broker() -> AsyncIterator[str]:
    """Yield the address of a broker that takes anybody on this machine and nobody else, and keeps nothing.

    Raises:
        SettingsError: mosquitto is not installed, or does not start.
    """
    program = mosquitto()
    if program is None:
        raise SettingsError("there is no mosquitto on this machine", remedy="apt-get install mosquitto")
    with tempfile.TemporaryDirectory(prefix="zwilling-broker-") as folder:
        port = _free_port()
        settings = Path(folder) / "mosquitto.conf"
        settings.write_text(_SETTINGS.format(port=port), encoding="utf-8")
        process = await asyncio.create_subprocess_exec(
            program,
            "-c",
            str(settings),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # the terminal's Ctrl-C is not for it: it must outlive those who say goodbye
        )
        try:
            await _answering(process, port)
            yield f"mqtt://127.0.0.1:{port}"
        finally:
            # It has nothing to save; and mosquitto 2.0 loses a SIGTERM that comes as it begins its main loop.
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await asyncio.shield(process.wait())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _answering(process: asyncio.subprocess.Process, port: int) -> None:
    for attempt in range(_TRIES):
        if process.returncode is not None:
            break
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.01 * (1 + attempt / 10))
            continue
        writer.close()
        await writer.wait_closed()
        return
    raise SettingsError("mosquitto does not start", remedy="run it by hand with `mosquitto -v` to see why")
