"""Sensative Strips: climate, doors, leaks; elements of type and value, and a port for what is remembered."""

from __future__ import annotations

from types import MappingProxyType

from sensor_overlay.codecs.codec import Codec, Example, decoded, undecodable
from sensor_overlay.codecs.elements import UnknownKey, element, elements, skipped
from sensor_overlay.instants import SECOND
from sensor_overlay.uplink import Decoded

_NOW = 1
_REMEMBERED = 2

ELEMENTS = MappingProxyType(
    {
        0: skipped(0),
        1: element(">", ("battery", "B")),
        2: element(">", ("temperature", "h", 10)),
        3: skipped(1),  # alarms that the device derives from values which it sends as well
        4: element(">", ("average_temperature", "h", 10)),
        5: skipped(1),
        6: element(">", ("humidity", "B", 2)),
        7: element(">", ("illuminance", "H")),
        8: element(">", ("illuminance_2", "H")),
        9: element(">", ("door", "B")),
        10: element(">", ("door_alarm", "B")),
        11: element(">", ("tamper", "B")),
        12: element(">", ("tamper_alarm", "B")),
        13: element(">", ("wetness", "B")),
        14: element(">", ("water_leak", "B")),
        15: element(">", ("oil_alarm", "B")),
        16: element(">", ("user_alarm", "B")),
        17: element(">", ("door_count", "H")),
        18: element(">", ("occupancy", "B")),
        19: element(">", ("proximity", "H")),
        20: element(">", ("close_proximity", "H")),
        21: element(">", ("close_proximity_alarm", "B")),
        22: element(">", ("disinfection", "B")),
        80: element(">", ("humidity", "B", 2), ("temperature", "h", 10)),
        81: element(">", ("humidity", "B", 2), ("average_temperature", "h", 10)),
        82: element(">", ("door", "B"), ("temperature", "h", 10)),
        110: skipped(8),  # check-in: version and settings
        112: skipped(2),
        113: skipped(2),
        114: skipped(2),
    }
)


def decode(payload: bytes, f_port: int, received: int) -> Decoded:
    """Return what a payload says; the type's highest bit only tells that the value is kept in the device as well."""
    if f_port not in (_NOW, _REMEMBERED):
        raise undecodable(f"a Strip measures on ports 1 and 2, not on {f_port}")
    if len(payload) < 2:
        raise undecodable("a Strip's payload begins with two bytes that count its memory")
    readings: dict[str, float] = {}
    history = []
    notes = []
    try:
        if f_port == _NOW:
            for _, values in elements(payload, 2, 1, ELEMENTS, mask=0x7F):
                readings |= values
        else:
            position = 2
            while position < len(payload):
                ago = int.from_bytes(payload[position : position + 4], "big")
                key = payload[position + 4] & 0x7F if position + 4 < len(payload) else -1
                size = 5 + ELEMENTS[key].layout.size if key in ELEMENTS else len(payload)
                values = {}
                for _, values in elements(payload[: position + size], position + 4, 1, ELEMENTS, mask=0x7F):
                    history.append((received - ago * SECOND, values))
                position += size
    except UnknownKey as end:
        if not readings and not history:
            raise undecodable(str(end)) from None
        notes.append(str(end))
    return decoded(readings, history=history, notes=notes)


CODECS = (
    Codec(
        key="sensative-strips",
        title="Sensative Strips",
        vendor="Sensative",
        models=("strips", "strip", "sensative"),
        decode=decode,
        fields=MappingProxyType({"lux": ("illuminance", 1.0), "averagetemperature": ("average_temperature", 1.0)}),
        examples=(
            Example(
                payload="0102  01 5a  02 ff9c  06 5b  89 01",
                readings={"battery": 90, "temperature": -10.0, "humidity": 45.5, "door": 1},
            ),
            Example(payload="0102  00000e10 02 00e2  0000001e 09 00", f_port=2, readings={}, history=2),
        ),
    ),
)
