"""A store with sensors in it, written row by row: what is read must not be tested by what writes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, update

from sensor_overlay.instants import SECOND
from sensor_overlay.store.opening import Store
from sensor_overlay.store.schema import (
    alert,
    datastream,
    latest,
    location,
    observed_property,
    sensor,
    thing,
    thing_location,
)
from sensor_overlay.uplink import Quality

NOW = 1_795_162_500 * SECOND
"""2026-11-20T08:15:00Z."""


class Sensors:
    """Sensors in a store, for tests to change."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._properties: dict[str, int] = {}

    async def add(self, thing_id: int, **columns: Any) -> int:
        """Make a registered, public thing with a place and a CO2 datastream of the same number."""
        row = {"site_name": "Schule 1", "room": f"R{thing_id}", **columns}
        await self._stand(thing_id, (6.6, 51.1, 90.0), row)
        await self.measure(thing_id, "co2")
        return thing_id

    async def register(self, thing_id: int, dev_eui: str, place: tuple[float, float, float], **columns: Any) -> None:
        """Register a device at a place, for a server that takes in its uplinks."""
        await self._stand(thing_id, place, {"dev_eui": dev_eui, "site_name": "Gymnasium am Markt", **columns})

    async def _stand(self, thing_id: int, place: tuple[float, float, float], columns: dict[str, Any]) -> None:
        """Make a registered, public thing at a place."""
        row = {
            "id": thing_id,
            "name": f"Sensor {thing_id}",
            "site": "S01",
            "access": "public",
            "is_registered": True,
            "expected_interval": 600,
            **columns,
        }
        longitude, latitude, height = place
        where = {"longitude": longitude, "latitude": latitude, "height": height}
        async with self.store.writing(NOW) as commit:
            await commit.connection.execute(insert(thing).values(row))
            await commit.connection.execute(insert(location).values(id=thing_id, name="", location={}, **where))
            await commit.connection.execute(insert(thing_location).values(thing_id=thing_id, location_id=thing_id))
            await commit.registry_changed()

    async def measure(self, thing_id: int, key: str) -> int:
        """Make a datastream; return its id."""
        number = thing_id * 100 + len(key)
        async with self.store.writing(NOW) as commit:
            connection = commit.connection
            if not self._properties:
                await connection.execute(insert(sensor).values(id=1, name="Sensor", metadata={}))
            if key not in self._properties:
                self._properties[key] = len(self._properties) + 1
                await connection.execute(insert(observed_property).values(id=self._properties[key], name=key, key=key))
            await connection.execute(
                insert(datastream).values(
                    id=number,
                    name=key,
                    thing_id=thing_id,
                    sensor_id=1,
                    observed_property_id=self._properties[key],
                    key=key,
                    observation_type="OM_Measurement",
                )
            )
            await commit.registry_changed()
        return number

    async def tell(self, thing_id: int, value: float, key: str = "co2", *, at: int = NOW, quality: int = 0) -> int:
        """Write the newest value of a datastream; return the commit's sequence."""
        number = thing_id * 100 + len(key)
        row = {
            "phenomenon_time": at,
            "result_time": at,
            "last_time": at,
            "result": value,
            "quality": quality,
            "first_time": at,
        }
        async with self.store.writing(at) as commit:
            row["sequence"] = commit.sequence
            changed = await commit.connection.execute(
                update(latest).where(latest.c.datastream_id == number).values(row)
            )
            if changed.rowcount == 0:
                await commit.connection.execute(insert(latest).values(datastream_id=number, observations=1, **row))
            await commit.connection.execute(update(thing).where(thing.c.id == thing_id).values(last_seen=at))
            return commit.sequence

    async def change(self, thing_id: int, **columns: Any) -> None:
        """Change what the registry says of a thing."""
        async with self.store.writing(NOW) as commit:
            await commit.connection.execute(update(thing).where(thing.c.id == thing_id).values(columns))
            await commit.registry_changed()

    async def alarm(self, number: int, thing_id: int, **columns: Any) -> None:
        """Open an alert, or change it."""
        async with self.store.writing(NOW) as commit:
            row = {**columns, "sequence": commit.sequence}
            changed = await commit.connection.execute(update(alert).where(alert.c.id == number).values(row))
            if changed.rowcount == 0:
                row = {
                    "id": number,
                    "rule": "co2",
                    "kind": "level",
                    "level": "lüften",
                    "rank": 0,
                    "thing_id": thing_id,
                    "datastream_id": thing_id * 100 + 3,
                    "subject": f"co2/{thing_id}",
                    "opened": NOW,
                    "value": 1240.0,
                    "text": f"Raum R{thing_id} (Schule 1): CO2 1.240 ppm, bitte lüften.",
                    **row,
                }
                await commit.connection.execute(insert(alert).values(row))


IMPLAUSIBLE = int(Quality.IMPLAUSIBLE)
