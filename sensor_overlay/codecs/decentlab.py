"""Decentlab: DL-IAM (indoor air), DL-PR26 (water level by pressure) and DL-MBX (distance by ultrasound).

Protocol 2, big-endian: version, device, a word of flags, then for each flag that is set, lowest first, its words.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sensor_overlay.codecs.codec import Codec, Example, decoded, undecodable
from sensor_overlay.uplink import Decoded

_HEAD = struct.Struct(">BHH")
METRES_OF_WATER = 10.1972
"""Metres of water in a bar: 100,000 Pa over the conventional 9,806.65 Pa."""

Values = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Part:
    """What one flag announces.

    Attributes:
        words: how many 16-bit words.
        values: property by property, from the words.
    """

    words: int
    values: Callable[[tuple[int, ...]], Values]


def _light(words: tuple[int, ...]) -> Values:
    both, infrared = words
    # the maker's formula for the TSL2591's two diodes
    lux = max(both - 1.64 * infrared, 0.59 * both - 0.86 * infrared, 0) * 1.5504
    return {"illuminance": lux, "light_visible_infrared": both, "light_infrared": infrared}


def _battery(words: tuple[int, ...]) -> Values:
    return {"battery_voltage": words[0] / 1_000}


IAM = (
    Part(1, _battery),
    Part(2, lambda x: {"temperature": 175 * x[0] / 65_535 - 45, "humidity": 100 * x[1] / 65_535}),
    Part(1, lambda x: {"pressure": x[0] * 2 / 100}),
    Part(2, _light),
    Part(3, lambda x: {"co2": x[0] - 32_768, "co2_sensor_status": x[1]}),
    Part(1, lambda x: {"motion": x[0]}),
    Part(1, lambda x: {"tvoc": x[0]}),
)
MBX = (
    # Without one valid sample the distance means nothing.
    Part(2, lambda x: {"distance": x[0] / 1_000, "valid_samples": x[1]} if x[1] else {"valid_samples": 0}),
    Part(1, _battery),
)


def _level(words: tuple[int, ...]) -> Values:
    bar = (words[0] - 16_384) / 32_768  # of 1 bar
    return {"water_level": bar * METRES_OF_WATER, "water_temperature": (words[1] - 384) * 0.003125 - 50}


PR26_0_1 = (Part(2, _level), Part(1, _battery))


def decode(payload: bytes, _f_port: int, _received: int, *, parts: tuple[Part, ...]) -> Decoded:
    """Return what a payload says."""
    if len(payload) < _HEAD.size or len(payload) % 2 == 0:
        raise undecodable(f"{len(payload)} bytes are no message of Decentlab's protocol 2")
    version, _, flags = _HEAD.unpack_from(payload)
    if version != 2:
        raise undecodable(f"version {version} is not Decentlab's protocol 2")
    words = struct.unpack_from(f">{(len(payload) - _HEAD.size) // 2}H", payload, _HEAD.size)
    readings: dict[str, float] = {}
    position = 0
    for bit, part in enumerate(parts):
        if flags >> bit & 1:
            own = words[position : position + part.words]
            if len(own) < part.words:
                raise undecodable("the payload ends before what its flags announce")
            readings |= part.values(own)
            position += part.words
    notes = []
    if flags >> len(parts):
        notes.append(f"flags {flags:#06x} announce more than is known; the rest was not read")
    elif position < len(words):
        raise undecodable("the payload goes on after what its flags announce")
    return decoded(readings, notes=notes)


def _codec(
    key: str,
    title: str,
    parts: tuple[Part, ...],
    models: tuple[str, ...],
    fields: Mapping[str, tuple[str, float]],
    *examples: Example,
) -> Codec:
    return Codec(
        key=key,
        title=title,
        vendor="Decentlab",
        models=models,
        decode=functools.partial(decode, parts=parts),
        fields=MappingProxyType(fields),
        examples=examples,
    )


_ONLY_BATTERY = Example(payload="02 0001 0002 0bb8", readings={"battery_voltage": 3.0})

CODECS = (
    _codec(
        "decentlab-dl-iam",
        "Decentlab DL-IAM",
        IAM,
        ("dl-iam",),
        {
            "activity_counter": ("motion", 1.0),
            "total_voc": ("tvoc", 1.0),
            "barometric_pressure": ("pressure", 100.0),
            "ambient_light_visible_infrared": ("light_visible_infrared", 1.0),
            "ambient_light_infrared": ("light_infrared", 1.0),
        },
        Example(
            # 3000 mV; 26214 = 0.4 of 65535: 25 °C, 40 %; 50650 * 2 Pa; CO2 33768 - 32768; motion 3; 250 ppb
            payload="02 0001 0077 0bb8 6666 6666 c5da 83e8 0000 93d4 0003 00fa",
            readings={
                "battery_voltage": 3.0,
                "temperature": 25.0,
                "humidity": 40.0,
                "pressure": 1013.0,
                "co2": 1000,
                "co2_sensor_status": 0,
                "motion": 3,
                "tvoc": 250,
            },
        ),
    ),
    _codec(
        "decentlab-dl-pr26-0-1",
        "Decentlab DL-PR26 (0 bis 1 bar)",
        PR26_0_1,
        ("dl-pr26-0-1",),  # with its range: the payload does not tell it
        {"pressure": ("water_level", 1 / METRES_OF_WATER), "temperature": ("water_temperature", 1.0)},
        Example(
            # half of the range: 16384 + 16384; 22784 - 384 = 22400: 20 °C
            payload="02 0001 0003 8000 5900 0bb8",
            readings={"water_level": 5.0986, "water_temperature": 20.0, "battery_voltage": 3.0},
        ),
        _ONLY_BATTERY,
    ),
    _codec(
        "decentlab-dl-mbx",
        "Decentlab DL-MBX",
        MBX,
        ("dl-mbx",),
        {"distance": ("distance", 1_000.0), "number_of_valid_samples": ("valid_samples", 1.0)},
        Example(
            payload="02 0001 0003 04d2 0003 0bb8",
            readings={"distance": 1.234, "valid_samples": 3, "battery_voltage": 3.0},
        ),
        _ONLY_BATTERY,
    ),
)
