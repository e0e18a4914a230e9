"""Elsys: ERS, ERS CO2, ELT and EMS, which share one format of type and value, big-endian.

Types and lengths are those of the maker's "Sensor payload" document; 0x3D and above are not measurements.
"""

from __future__ import annotations

from types import MappingProxyType

from sensor_overlay.codecs.codec import Codec, Example, decoded, undecodable
from sensor_overlay.codecs.elements import UnknownKey, element, elements, skipped
from sensor_overlay.uplink import Decoded

ELEMENTS = MappingProxyType(
    {
        0x01: element(">", ("temperature", "h", 10)),
        0x02: element(">", ("humidity", "B")),
        0x03: element(">", ("acceleration_x", "b", 63), ("acceleration_y", "b", 63), ("acceleration_z", "b", 63)),
        0x04: element(">", ("illuminance", "H")),
        0x05: element(">", ("motion", "B")),
        0x06: element(">", ("co2", "H")),
        0x07: element(">", ("battery_voltage", "H", 1_000)),
        0x08: element(">", ("analog_1", "H", 1_000)),
        0x09: skipped(6),  # position
        0x0A: element(">", ("pulses_1", "H")),
        0x0B: element(">", ("pulses_1_total", "I")),
        0x0C: element(">", ("external_temperature", "h", 10)),
        0x0D: element(">", ("digital_1", "B")),
        0x0E: element(">", ("distance", "H", 1_000)),
        0x0F: element(">", ("vibration", "B")),
        0x10: element(">", ("infrared_temperature_inside", "h", 10), ("infrared_temperature", "h", 10)),
        0x11: element(">", ("occupancy", "B")),  # 0 nobody, 1 soon nobody, 2 somebody
        0x12: element(">", ("water_leak", "B")),
        0x13: skipped(65),  # picture of warmth, 8 by 8
        0x14: element(">", ("pressure", "I", 1_000)),
        0x15: element(">", ("sound_peak", "B"), ("sound", "B")),
        0x16: element(">", ("pulses_2", "H")),
        0x17: element(">", ("pulses_2_total", "I")),
        0x18: element(">", ("analog_2", "H", 1_000)),
        0x19: element(">", ("external_temperature_2", "h", 10)),
        0x1A: element(">", ("digital_2", "B")),
        0x1B: element(">", ("analog_load_cell", "i", 1_000_000)),
        0x1C: element(">", ("tvoc", "H")),
        0x3D: skipped(4),  # for the maker
    }
)

_PROBE = 0x19
_PROBES = tuple(f"external_temperature_{number}" for number in range(2, 11))

FIELDS = MappingProxyType(
    {
        "vdd": ("battery_voltage", 1_000.0),
        "externaltemperature": ("external_temperature", 1.0),
        "externaltemperature2": ("external_temperature_2", 1.0),
        "distance": ("distance", 1_000.0),
        "accmotion": ("vibration", 1.0),
        "soundpeak": ("sound_peak", 1.0),
        "waterleak": ("water_leak", 1.0),
    }
)


def decode(payload: bytes, _f_port: int, _received: int) -> Decoded:
    """Return what a payload says; the port is the owner's choice."""
    readings: dict[str, float] = {}
    notes = []
    try:
        for key, values in elements(payload, 0, 1, ELEMENTS):
            if key == _PROBE and _PROBES[0] in readings:  # several hang on one device: an element each
                probe = next((name for name in _PROBES if name not in readings), "")
                values = {probe: values[_PROBES[0]]} if probe else {}
            readings |= values
    except UnknownKey as end:
        if end.position == 0:
            raise undecodable(str(end)) from None
        notes.append(str(end))
    return decoded(readings, notes=notes)


_EXAMPLES = (
    Example(
        # 0x00e2 = 226, 0x0027 = 39, 0x0308 = 776, 0x0d62 = 3426
        payload="01 00e2  02 29  04 0027  05 06  06 0308  07 0d62",
        f_port=5,
        readings={
            "temperature": 22.6,
            "humidity": 41,
            "illuminance": 39,
            "motion": 6,
            "co2": 776,
            "battery_voltage": 3.426,
        },
    ),
    Example(
        # 0xfff6 = -10; 0x000f6a74 = 1010292
        payload="01 fff6  14 000f6a74  15 4a 2d  11 02  1c 0140",
        f_port=5,
        readings={
            "temperature": -1.0,
            "pressure": 1010.292,
            "sound_peak": 74,
            "sound": 45,
            "occupancy": 2,
            "tvoc": 320,
        },
    ),
)


def _codec(key: str, title: str, *models: str) -> Codec:
    return Codec(key=key, title=title, vendor="Elsys", models=models, decode=decode, fields=FIELDS, examples=_EXAMPLES)


CODECS = (
    _codec("elsys-ers-co2", "Elsys ERS CO2", "ers-co2", "ers2-co2"),
    _codec("elsys-ers", "Elsys ERS", "ers", "ers2"),
    _codec("elsys-elt", "Elsys ELT", "elt", "elt2"),
    _codec("elsys-ems", "Elsys EMS", "ems"),
)
