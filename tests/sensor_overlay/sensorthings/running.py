"""The whole server with sensors, on a real port, for clients that nobody here wrote."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import httpx
import uvicorn

from sensor_overlay.access import new_token
from sensor_overlay.service import Service
from server.app import create_app
from server.run import listen
from zwilling.sensor_settings import DatabaseSettings, SensorSettings


class RunningServer:
    """A server in a thread of its own, with two tokens.

    Attributes:
        url: of SensorThings.
        writer: token that reads and writes everything.
        reader: token of staff without any right.
        narrow: token that writes what staff of site S01 see.
    """

    def __init__(self, folder: Path, database_url: str, settings: SensorSettings | None = None) -> None:
        self.writer, writer_hash = new_token()
        self.reader, reader_hash = new_token()
        self.narrow, narrow_hash = new_token()
        (folder / "tokens.toml").write_text(
            f'[[token]]\nname = "writer"\nsha256 = "{writer_hash}"\nrights = ["sensors:read", "sensors:write"]\n'
            f'[[token]]\nname = "reader"\nsha256 = "{reader_hash}"\n'
            f'[[token]]\nname = "narrow"\nsha256 = "{narrow_hash}"\nrights = ["sensors:write"]\nsites = ["S01"]\n',
            encoding="utf-8",
        )
        database = DatabaseSettings(url=database_url if "://" in database_url else "")
        self._service = Service(settings or SensorSettings(), database, base=folder, data=folder)
        app = create_app(folder, None, title="Rhein-Kreis Neuss", sensors=self._service)
        self._server = uvicorn.Server(uvicorn.Config(app, lifespan="on", log_config=None, access_log=False))
        self._socket = listen("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/sta/v1.1"
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        await self._service.start()
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            await self._service.stop()

    def __enter__(self) -> RunningServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(30)
        self._socket.close()
        assert not self._thread.is_alive()

    def client(self, token: str = "") -> httpx.Client:
        """Return an HTTP client of SensorThings."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)
