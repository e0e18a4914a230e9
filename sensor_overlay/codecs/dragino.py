"""Dragino: LHT65 (temperature and humidity) and LDDS75 (distance by ultrasound, for water gauges), big-endian."""

from __future__ import annotations

import struct
from types import MappingProxyType

from sensor_overlay.codecs.codec import Codec, Example, decoded, undecodable
from sensor_overlay.codecs.elements import Element, element
from sensor_overlay.instants import SECOND
from sensor_overlay.uplink import Decoded

_LHT65 = struct.Struct(">HhHB4s")
_LDDS75 = struct.Struct(">HHBhB")
_MEASUREMENTS = 2
_STATUS = 5
_NO_PROBE = 0x7FFF
_REMEMBERED = 0x40
_DISCONNECTED = 0x80

# What hangs on the socket, by the low bits of byte 6; 9 and 15 change the bytes before it and are told below.
SOCKET: MappingProxyType[int, Element] = MappingProxyType(
    {
        0x1: element(">", ("external_temperature", "h", 100)),
        0x4: element(">", ("digital_1", "B")),
        0x5: element(">", ("illuminance", "H")),
        0x6: element(">", ("analog_1", "H", 1_000)),
        0x7: element(">", ("pulses_1_total", "H")),
        0x8: element(">", ("pulses_1_total", "I")),
    }
)
_PROBE_AND_TIME = 0x9
_PROBE_ID = 0xF


def decode_lht65(payload: bytes, f_port: int, _received: int) -> Decoded:
    """Return what a payload of an LHT65 says."""
    if f_port == _STATUS:
        return decoded({}, notes=("port 5: the device tells its settings, no measurement",))
    if f_port != _MEASUREMENTS:
        raise undecodable(f"an LHT65 measures on port 2, not on {f_port}")
    if len(payload) != _LHT65.size:
        raise undecodable(f"an LHT65 sends {_LHT65.size} bytes, not {len(payload)}")
    first, temperature, humidity, kind, socket = _LHT65.unpack(payload)
    readings: dict[str, float] = {}
    notes = []
    with_time = kind & 0xF == _PROBE_AND_TIME
    if not with_time:
        readings["battery_voltage"] = (first & 0x3FFF) / 1_000
    if kind & 0xF != _PROBE_ID:
        readings["temperature"] = temperature / 100
        readings["humidity"] = (humidity & 0xFFF) / 10
    probe = first - 0x1_0000 if first & 0x8000 else first
    if with_time and probe != _NO_PROBE:
        readings["external_temperature"] = probe / 100
    external = SOCKET.get(kind & 0xF)
    if kind & _DISCONNECTED or socket[:2] == b"\x7f\xff":
        notes.append("nothing is connected to the socket")
    elif external is not None:
        readings |= external.read(socket, 0)
    if with_time and kind & _REMEMBERED:
        return decoded({}, history=[(int.from_bytes(socket, "big") * SECOND, readings)], notes=notes)
    return decoded(readings, notes=notes)


def decode_ldds75(payload: bytes, f_port: int, _received: int) -> Decoded:
    """Return what a payload of an LDDS75 says; early ones send neither temperature nor flag."""
    if f_port == _STATUS:
        return decoded({}, notes=("port 5: the device tells its settings, no measurement",))
    if f_port != _MEASUREMENTS:
        raise undecodable(f"an LDDS75 measures on port 2, not on {f_port}")
    if len(payload) not in (5, _LDDS75.size):
        raise undecodable(f"an LDDS75 sends 5 or {_LDDS75.size} bytes, not {len(payload)}")
    battery, millimetres, _, temperature, _ = _LDDS75.unpack(payload.ljust(_LDDS75.size, b"\0"))
    readings: dict[str, float] = {"battery_voltage": (battery & 0x3FFF) / 1_000}
    notes = []
    if millimetres == 0:
        notes.append("no ultrasonic sensor was found")
    elif millimetres <= 20:
        notes.append("the surface is nearer than 28 cm, too near to measure")
    else:
        readings["distance"] = millimetres / 1_000
    if temperature:  # without the probe, which is an extra, it is 0
        readings["temperature"] = temperature / 10
    return decoded(readings, notes=notes)


_BATTERY = {"batv": ("battery_voltage", 1.0), "bat": ("battery_voltage", 1.0), "bat_v": ("battery_voltage", 1.0)}

CODECS = (
    Codec(
        key="dragino-lht65",
        title="Dragino LHT65",
        vendor="Dragino",
        models=("lht65", "lht65n"),
        decode=decode_lht65,
        fields=MappingProxyType(
            {**_BATTERY, "tempc_ds": ("external_temperature", 1.0), "ill_lx": ("illuminance", 1.0)}
        ),
        examples=(
            Example(
                # 0xcbea & 0x3fff = 3050 mV; 0x0866 = 2150; 0x01c2 = 450; 0x01 and 0xff38 = -200
                payload="cbea 0866 01c2 01 ff38 7fff",
                f_port=2,
                readings={
                    "battery_voltage": 3.05,
                    "temperature": 21.5,
                    "humidity": 45.0,
                    "external_temperature": -2.0,
                },
            ),
            Example(
                payload="cbea 0866 01c2 05 012c 7fff",
                f_port=2,
                readings={"battery_voltage": 3.05, "temperature": 21.5, "humidity": 45.0, "illuminance": 300},
            ),
            Example(payload="07d0 0866 01c2 49 6afffe00", f_port=2, readings={}, history=3),
        ),
    ),
    Codec(
        key="dragino-ldds75",
        title="Dragino LDDS75",
        vendor="Dragino",
        models=("ldds75",),
        decode=decode_ldds75,
        fields=MappingProxyType({**_BATTERY, "distance": ("distance", 1_000.0), "tempc_ds18b20": ("temperature", 1.0)}),
        examples=(
            Example(
                # 0x0ce4 = 3300 mV; 0x0b05 = 2821 mm; 0xfff6 = -10
                payload="0ce4 0b05 00 fff6 01",
                f_port=2,
                readings={"battery_voltage": 3.3, "distance": 2.821, "temperature": -1.0},
            ),
            Example(payload="0ce4 0014 00", f_port=2, readings={"battery_voltage": 3.3}),
        ),
    ),
)
