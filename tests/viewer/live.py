"""A twin with sensors to look at: registered in its own store, heard by its webhook as a network server calls it."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import httpx

from sensor_overlay.store.opening import open_store
from tests.sensor_overlay.live.twin import Sensors
from tests.viewer.twin import Server

SECRET = "of-the-network-server"  # noqa: S105 - for this test alone
_counter = itertools.count(1)


def dev_eui(number: int) -> str:
    """Return the EUI of a test's device."""
    return f"a81758fffe{number:06x}"


class LiveTwin:
    """A server, its store, and a network server that calls it.

    Attributes:
        longitude: where the sensors are, degrees.
        latitude: the same.
    """

    def __init__(self, settings: Path) -> None:
        """Serve what `settings` built; sensors stand in the middle of its buildings."""
        folder = settings.parent
        (folder / "secret.txt").write_text(SECRET)
        with settings.open("a", encoding="utf-8") as more:
            more.write('\n[[sensors.webhook]]\nnetwork = "chirpstack"\nsecret = { file = "secret.txt" }\n')
        extent = json.loads((folder / "data/layers/gebaeude/layer.json").read_text())["extent"]
        self.longitude = (extent["west"] + extent["east"]) / 2
        self.latitude = (extent["south"] + extent["north"]) / 2
        self._height = extent["low"] + 12
        self._database = folder / "data" / "zwilling.db"
        self.server = Server(settings)

    def write(self, act: Callable[[Sensors], Awaitable[object]]) -> None:
        """Change the store, as another process would."""

        async def writing() -> None:
            store = await open_store(self._database)
            try:
                await act(Sensors(store))
            finally:
                await store.close()

        with ThreadPoolExecutor(1) as elsewhere:  # this thread's loop is the browser's
            elsewhere.submit(lambda: asyncio.run(writing())).result()

    def register(self, number: int, *, east: float = 0.0, **columns: object) -> None:
        """Register a device, some metres east of the middle."""
        place = (self.longitude + east / 70_000, self.latitude, self._height)
        self.write(lambda sensors: sensors.register(number, dev_eui(number), place, **columns))

    def uplink(self, number: int, **values: float) -> None:
        """Have a device say something, and return when the server has kept it."""
        count = next(_counter)
        sent = datetime.now(UTC).isoformat()
        body = {
            "deduplicationId": f"00000000-0000-4000-8000-{time.time_ns() % 10**12:012d}",
            "time": sent,
            "deviceInfo": {
                "applicationId": "a",
                "applicationName": "schulen",
                "deviceProfileName": "ERS-CO2",
                "deviceName": f"sensor-{number}",
                "devEui": dev_eui(number),
            },
            "devAddr": f"{number:08x}",
            "fCnt": count,
            "fPort": 5,
            "data": base64.b64encode(count.to_bytes(4, "big")).decode(),
            "object": values,
        }
        answer = httpx.post(
            f"{self.server.address}ingest/chirpstack?event=up",
            json=body,
            headers={"authorization": f"Bearer {SECRET}"},
            timeout=60,
            trust_env=False,
        )
        assert answer.status_code == 204
