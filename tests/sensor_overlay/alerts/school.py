"""A small school for tests: things in a real store, uplinks that arrive, and what came of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import insert, select

from sensor_overlay.alerts import Alerts, Listening, tick
from sensor_overlay.instants import MINUTE, parse
from sensor_overlay.rules.rule import Rules
from sensor_overlay.store.opening import Store
from sensor_overlay.store.schema import alert, message, thing, watch
from sensor_overlay.store.writing import write
from tests.sensor_overlay.rules.making import AIR, rules
from tests.sensor_overlay.store.uplinks import arrival
from zwilling.sensor_settings import RuleSettings

MONDAY = parse("2026-11-23T09:00:00+01:00")


def school_rules(**more: Any) -> Rules:
    """Return a rule about air and one about silence, told to `amt` and to the caretaker of S07."""
    told = {"recipients": ["amt", "hausmeister"], **more}
    return rules(
        RuleSettings(id="co2", observed_property="co2", level=list(AIR), **told),
        RuleSettings(id="stille", kind="silence", **told),
    )


class School:
    """Rooms with sensors in a store, and a clock.

    Attributes:
        store: open.
        alerts: who judges.
        now: instant; moved by hand.
    """

    def __init__(self, store: Store, rules: Rules, now: int = MONDAY) -> None:
        self.store = store
        self.alerts = Alerts(rules)
        self.now = now
        self._count = 0

    async def add(self, *devices: str, site: str = "S07", site_name: str = "BBZ Grevenbroich", **more: Any) -> None:
        """Add things; the room is the end of the device's number."""
        rows = [
            {
                "name": f"Sensor {device}",
                "key": device,
                "dev_eui": device,
                "site": site,
                "site_name": site_name,
                "room": device[-3:],
                "is_registered": True,
                "expected_interval": 900,
                **more,
            }
            for device in devices
        ]
        async with self.store.writing(self.now) as commit:
            await commit.connection.execute(insert(thing), rows)
            await commit.registry_changed()

    async def hear(
        self, *values: tuple[str, float], key: str = "co2", at: int | None = None, source: str = "kreis"
    ) -> None:
        """Take one batch in: a value of each device, sent now or at another instant."""
        arrivals = []
        for device, value in values:
            self._count += 1
            sent = self.now if at is None else at
            one = arrival(self._count, at=sent, received=self.now, dev_eui=device, readings={key: value})
            arrivals.append(replace(one, source=source))
        await write(self.store, arrivals, judge=self.alerts, now=self.now)

    async def course(self, device: str, *values: float, minutes: float = 15) -> None:
        """Take values in, one every few minutes."""
        for value in values:
            await self.hear((device, value))
            self.now += round(minutes * MINUTE)

    async def tick(self, *, listening_since: int | None = 0, **by_source: int | None) -> bool:
        """Look at what time has made due; brokers whose own time is not named are heard since `listening_since`."""
        return await tick(self.store, self.alerts, self.now, Listening(by_source, listening_since))

    async def alerts_now(self, *columns: str) -> list[tuple[Any, ...]]:
        """Return columns of all alerts, in the order in which they opened."""
        return await self.rows(select(*(alert.c[name] for name in columns)).order_by(alert.c.id))

    async def messages(self, *columns: str) -> list[tuple[Any, ...]]:
        """Return columns of all messages, in the order in which they were written."""
        return await self.rows(select(*(message.c[name] for name in columns)).order_by(message.c.id))

    async def watches(self) -> list[tuple[Any, ...]]:
        """Return what is on its way."""
        return await self.rows(select(watch).order_by(watch.c.subject, watch.c.rank))

    async def rows(self, query: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        async with self.store.reading() as connection:
            return [tuple(row) for row in await connection.execute(query)]

    async def all_sent(self) -> None:
        """Let everything that is written be sent."""
        async with self.store.writing(self.now) as commit:
            await commit.connection.execute(
                message.update().where(message.c.sent.is_(None)).values(sent=self.now, attempts=1)
            )
