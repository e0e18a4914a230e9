"""The traffic: every uplink of every sensor, in the order in which the broker gets it, as ChirpStack v4 writes it."""

from __future__ import annotations

import base64
import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from google.protobuf.json_format import ParseDict

from sensor_overlay import instants
from sensor_overlay.instants import HOUR, MINUTE, SECOND
from sensor_overlay.networks import chirpstack_protobuf
from sensor_overlay.simulate import chance
from sensor_overlay.simulate.days import Days
from sensor_overlay.simulate.payloads import ENCODE, OBJECT
from sensor_overlay.simulate.plan import Fault, Plan, Sensor

_APPLICATION = "7a77696c-6c69-4e67-8000-000000000001"
_STEP = 5 * MINUTE
_LATE_BY = 45 * MINUTE
_HELD_BACK = 6 * MINUTE
_BATTERY_DAYS = 2_500
_EPOCH = instants.parse("2026-01-01T00:00:00Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Disorder:
    """How the way to us misbehaves.

    Attributes:
        duplicates: share of uplinks that come twice, half of them under another id of the network server.
        out_of_order: share of uplinks that are held back for up to six minutes.
    """

    duplicates: float = 0.0
    out_of_order: float = 0.0


@dataclass(frozen=True, slots=True, order=True)
class Transmission:
    """One message for the broker.

    Attributes:
        due: instant at which it is published.
        number: tells messages of one instant apart.
        time: instant at which the network server received the uplink.
        sensor: number of the sensor.
        topic: MQTT topic.
        body: JSON or protobuf.
        is_copy: it came before.
    """

    due: int
    number: int
    time: int
    sensor: int
    topic: str
    body: bytes
    is_copy: bool = False


class Traffic:
    """What a plan's sensors send.

    Args:
        plan: the sensors.
        disorder: how the way to us misbehaves.
        shift: added to the clock before the schools are asked what they do, see `days.school_shift`.
        dead_since: instant from which sensors that die are silent.
        sparse_until: instant before which two of three uplinks are lost.
        is_protobuf: messages are ChirpStack's protobuf, not its JSON.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        disorder: Disorder | None = None,
        shift: int = 0,
        dead_since: int = 0,
        sparse_until: int = 0,
        is_protobuf: bool = False,
    ) -> None:
        self.plan = plan
        self._days = Days(plan)
        self._disorder = disorder or Disorder()
        self._shift = shift
        self._dead_since = dead_since
        self._sparse_until = sparse_until
        self._write = _protobuf if is_protobuf else msgspec.json.encode

    def between(self, begin: int, end: int) -> Iterator[Transmission]:
        """Yield what becomes due from one instant up to but not including another, in order; costs little memory."""
        waiting: list[Transmission] = []
        # Something received before `begin` may become due after it.
        at = begin - _LATE_BY - _HELD_BACK - MINUTE
        while at < end:
            until = min(at + _STEP, end)
            for sensor in self.plan.sensors:
                for message in self._of(sensor, at, until, begin, end):
                    heapq.heappush(waiting, message)
            while waiting and waiting[0].due < until:
                yield heapq.heappop(waiting)
            at = until
        while waiting:
            yield heapq.heappop(waiting)

    def _of(self, sensor: Sensor, begin: int, end: int, due_from: int, due_until: int) -> Iterator[Transmission]:
        """Yield the messages of one sensor for uplinks received in one span of time that become due in another."""
        interval = sensor.model.interval * SECOND
        phase = int(chance.uniform(self.plan.seed, sensor.number, -2)[0] * interval)
        for count in range((begin - phase) // interval, (end - phase) // interval + 1):
            drawn = chance.uniform(self.plan.seed, sensor.number, count)
            time = count * interval + phase + int(drawn[0] * 8 * SECOND)
            if not begin <= time < end or (sensor.fault is Fault.DEAD and time >= self._dead_since):
                continue
            if time < self._sparse_until and count % 3:
                continue
            due = time + (_LATE_BY if sensor.fault is Fault.LATE else 0)
            if drawn[1] < self._disorder.out_of_order:
                due += int(drawn[2] * _HELD_BACK)
            topic = f"application/{_APPLICATION}/device/{sensor.dev_eui}/event/up"
            number = sensor.number
            if due_from <= due < due_until:
                yield Transmission(due, number, time, number, topic, self._body(sensor, count, time, drawn, 0))
            if drawn[3] < self._disorder.duplicates:
                # A broker gives the same message again; a network server makes one anew, with an id of its own.
                copy = int(drawn[4] * 2)
                again = due + (48 * SECOND if copy else 2 * SECOND)
                if due_from <= again < due_until:
                    body = self._body(sensor, count, time, drawn, copy)
                    yield Transmission(again, number, time, number, topic, body, is_copy=True)

    def _body(self, sensor: Sensor, count: int, time: int, drawn: tuple[float, ...], copy: int) -> bytes:
        values = self.values(sensor, time, drawn)
        payload = ENCODE[sensor.model.key](values)
        identity = chance.name(self.plan.seed, sensor.number * 2 + copy, count)
        gateways = 1 + int(drawn[5] * 3)
        rssi = -72 - int(drawn[6] * 40)
        message: dict[str, Any] = {
            "deduplicationId": f"{identity[:8]}-{identity[8:12]}-4{identity[13:16]}-8{identity[17:20]}-{identity[20:]}",
            "time": instants.text(time).replace("Z", "+00:00"),
            "deviceInfo": {
                "tenantId": "7a77696c-6c69-4e67-8000-000000000000",
                "tenantName": "Beispielkreis (erfunden)",
                "applicationId": _APPLICATION,
                "applicationName": "Simulation",
                "deviceProfileId": f"7a77696c-6c69-4e67-8000-0000000001{sensor.model.f_port:02x}",
                "deviceProfileName": sensor.model.profile,
                "deviceName": sensor.key,
                "devEui": sensor.dev_eui,
                "tags": {"simuliert": "ja"},
            },
            "devAddr": sensor.dev_addr,
            "adr": True,
            "dr": 5,
            "fCnt": count % 2**32,
            "fPort": sensor.model.f_port,
            "data": base64.b64encode(payload).decode(),
            "rxInfo": [
                {
                    "gatewayId": f"02005a57490000{gateway:02x}",
                    "uplinkId": (count * 3 + gateway) % 2**32,
                    "rssi": rssi - 9 * gateway,
                    "snr": round(9.0 - 4 * gateway - drawn[6], 1),
                }
                for gateway in range(gateways)
            ],
            "txInfo": {
                "frequency": 868_100_000 + 200_000 * (count % 3),
                "modulation": {"lora": {"bandwidth": 125_000, "spreadingFactor": 7, "codeRate": "CR_4_5"}},
            },
        }
        if sensor.model.has_object:
            message["object"] = OBJECT[sensor.model.key](values)
        return self._write(message)

    def values(self, sensor: Sensor, time: int, drawn: tuple[float, ...]) -> dict[str, float]:
        """Return what a sensor measures at an instant, rounded as it sends it."""
        at = time + self._shift
        if sensor.room or not sensor.is_registered:
            return self._indoors(sensor, at, time, drawn)
        hours = at / HOUR
        flood = 0.35 * math.sin(hours / 31) + 0.15 * math.sin(hours / 7.3) + 0.01 * drawn[7]
        voltage = round(3.6 - 0.4 * _worn(sensor, time), 3)
        match sensor.model.key:
            case "mbx":
                return {"distance": round(2.1 - flood, 3), "battery_voltage": voltage}
            case "ldds75":
                water = round(9.0 + 5 * math.sin(hours / 24 / 58), 1)
                return {"distance": round(2.6 - flood, 3), "battery_voltage": voltage, "temperature": water}
            case "parking":
                return {"occupancy": float(self._is_busy(at, drawn[7]))}
            case _:
                power = 12 + 40 * self._business(at) + 6 * drawn[7]
                return {"energy": round(184_000 + (time - _EPOCH) / HOUR * 24.5, 3), "power": round(power, 3)}

    def _indoors(self, sensor: Sensor, at: int, time: int, drawn: tuple[float, ...]) -> dict[str, float]:
        days = self._days
        co2 = days.value("co2", sensor.air, at) + 16 * (drawn[7] - 0.5)
        people = days.value("people", sensor.air, at)
        if sensor.fault is Fault.IMPLAUSIBLE:
            co2 = 12 + 30 * drawn[7]
        elif sensor.fault is Fault.DRIFTING:
            co2 += 160
        worn = _worn(sensor, time)
        pressure = 1013.0 + 9 * math.sin(at / HOUR / 41) + 3 * math.sin(at / HOUR / 13)
        is_lit = people > 0
        values = {
            "temperature": round(days.value("temperature", sensor.air, at) + 0.2 * (drawn[6] - 0.5), 1),
            "humidity": float(round(days.value("humidity", sensor.air, at))),
            "co2": float(round(co2)),
        }
        match sensor.model.key:
            case "ers":
                values |= {
                    "illuminance": float(int(380 + 90 * drawn[5]) if is_lit else int(3 * drawn[5])),
                    "motion": float(int(people * (0.4 + drawn[4]))),
                    "battery_voltage": round(3.62 - 0.5 * worn, 3),
                }
            case "iam":
                values |= {
                    "illuminance": float(int(380 + 90 * drawn[5]) if is_lit else int(3 * drawn[5])),
                    "motion": float(int(people * (0.4 + drawn[4]))),
                    "battery_voltage": round(3.0 - 0.5 * worn, 3),
                    "pressure": round(pressure * 50) / 50,
                    "tvoc": float(int(60 + (co2 - 400) * 0.2)) if co2 > 400 else 60.0,
                }
            case "am319":
                values |= {
                    "battery": float(round(100 - 90 * worn)),
                    "occupancy": float(is_lit),
                    "light_level": 4.0 if is_lit else 0.0,
                    "pressure": round(pressure, 1),
                    "tvoc_rating": round(1.0 + max(co2 - 400, 0) / 900, 2),
                    "pm2_5": float(int(5 + 7 * drawn[5] + 0.15 * people)),
                    "pm10": float(int(9 + 9 * drawn[5] + 0.4 * people)),
                }
            case _:
                values |= {"battery": float(round(100 - 90 * worn)), "pressure": round(pressure, 1)}
        return values

    def _business(self, at: int) -> float:
        """Return how much is going on in offices, 0 to 1."""
        return min(self._days.value("people", 0, at) / 20, 1.0)

    def _is_busy(self, at: int, drawn: float) -> bool:
        return drawn < 0.15 + 0.7 * self._business(at)


def _protobuf(message: dict[str, Any]) -> bytes:
    built = ParseDict(message, chirpstack_protobuf.CLASSES["UplinkEvent"](), ignore_unknown_fields=True)
    return built.SerializeToString()


def _worn(sensor: Sensor, time: int) -> float:
    """Return how empty the battery is, 0 to 1; each was put in at a time of its own."""
    days = (time - _EPOCH) / (24 * HOUR) + sensor.number * 37 % 900
    return min(max(days / _BATTERY_DAYS, 0.0), 1.0)
