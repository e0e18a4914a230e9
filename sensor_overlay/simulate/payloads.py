"""What a sensor of each kind sends for given values: the codecs' tables, written instead of read."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from sensor_overlay.codecs import elsys, milesight
from sensor_overlay.codecs.elements import Element

Values = Mapping[str, float]


def _row(table: Mapping[int, Element], key_size: int, keys: Sequence[int]) -> Callable[[Values], bytes]:
    def encode(values: Values) -> bytes:
        return b"".join(
            key.to_bytes(key_size, "big") + table[key].write(values)
            for key in keys
            if any(name in values for name in table[key].names)
        )

    return encode


def _word(value: float) -> int:
    return min(max(round(value), 0), 0xFFFF)


def _decentlab(flags: int, device: int, words: Sequence[float]) -> bytes:
    return struct.pack(f">BHH{len(words)}H", 2, device, flags, *(_word(word) for word in words))


def _iam(values: Values) -> bytes:
    words = [
        values["battery_voltage"] * 1_000,
        (values["temperature"] + 45) * 65_535 / 175,
        values["humidity"] * 65_535 / 100,
        values["pressure"] * 100 / 2,
        values["illuminance"] / 1.5504,  # by artificial light: no infrared
        0,
        values["co2"] + 32_768,
        0,
        38_000,
        values["motion"],
        values["tvoc"],
    ]
    return _decentlab(0x7F, 1, words)


def _mbx(values: Values) -> bytes:
    return _decentlab(0x03, 2, [values["distance"] * 1_000, 5, values["battery_voltage"] * 1_000])


def _ldds75(values: Values) -> bytes:
    voltage, distance = _word(values["battery_voltage"] * 1_000), _word(values["distance"] * 1_000)
    return struct.pack(">HHBhB", voltage, distance, 0, round(values["temperature"] * 10), 1)


def _parking(values: Values) -> bytes:
    return bytes([int(values["occupancy"])])


def _meter(values: Values) -> bytes:
    return struct.pack(">IH", round(values["energy"] * 1_000), _word(values["power"] * 1_000))


ENCODE: Mapping[str, Callable[[Values], bytes]] = MappingProxyType(
    {
        "ers": _row(elsys.ELEMENTS, 1, (0x01, 0x02, 0x04, 0x05, 0x06, 0x07)),
        "am319": _row(
            milesight.AM319,
            2,
            (0x0175, 0x0367, 0x0468, 0x0500, 0x06CB, 0x077D, 0x087D, 0x0973, 0x0B7D, 0x0C7D),
        ),
        "em500": _row(milesight.EM500_CO2, 2, (0x0175, 0x0367, 0x0468, 0x057D, 0x0673)),
        "iam": _iam,
        "mbx": _mbx,
        "ldds75": _ldds75,
        "parking": _parking,
        "meter": _meter,
    }
)
"""By the model's key."""


def _milesight(values: Values) -> dict[str, object]:
    told: dict[str, object] = {name: value for name, value in values.items() if name != "occupancy"}
    if "occupancy" in values:
        told["pir"] = "trigger" if values["occupancy"] else "idle"
    if "tvoc_rating" in told:
        told["tvoc"] = told.pop("tvoc_rating")
    return told


OBJECT: Mapping[str, Callable[[Values], dict[str, object]]] = MappingProxyType(
    {
        "am319": _milesight,
        "em500": _milesight,
        "parking": lambda values: {"occupied": bool(values["occupancy"])},
        "meter": lambda values: {
            "total_energy": {"value": round(values["energy"], 3), "unit": "kWh"},
            "active_power": {"value": round(values["power"] * 1_000), "unit": "W"},
        },
    }
)
"""What the network server's codec makes of it, for the models whose profile has one."""
