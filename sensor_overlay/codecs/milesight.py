"""Milesight: AM102 to AM107, AM307, AM308, AM319 and EM500-CO2, in elements of channel, type and value, little-endian.

Channels are those of the maker's payload tables.  What a device remembered (0x20CE, 0x21CE) comes with its time and is
never taken for what is now.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType

from sensor_overlay.codecs.codec import Codec, Example, decoded, undecodable
from sensor_overlay.codecs.elements import Element, UnknownKey, element, elements, skipped
from sensor_overlay.instants import SECOND
from sensor_overlay.uplink import Decoded

HISTORY = (0x20CE, 0x21CE)

_COMMON: dict[int, Element] = {
    0x0175: element("<", ("battery", "B")),
    0x0367: element("<", ("temperature", "h", 10)),
    0x0468: element("<", ("humidity", "B", 2)),
    0xFF01: skipped(1),  # versions, serial number, class, reset, status: about the device, not what it measures
    0xFF08: skipped(6),
    0xFF09: skipped(2),
    0xFF0A: skipped(2),
    0xFF0B: skipped(1),
    0xFF0F: skipped(1),
    0xFF16: skipped(8),
    0xFFFE: skipped(1),
    0xFFFF: skipped(2),
}
_AM: dict[int, Element] = {
    **_COMMON,
    0x056A: element("<", ("motion", "H")),
    0x0665: element("<", ("illuminance", "H"), ("light_visible_infrared", "H"), ("light_infrared", "H")),
    0x077D: element("<", ("co2", "H")),
    0x0973: element("<", ("pressure", "H", 10)),
}
# What 0x087D counts in the AM300 series depends on firmware and setting: a rating of the air times 100, or ppb.  It
# goes by a name of its own, so that nobody takes one for the other.
_REMEMBERED = (
    ("timestamp", "I"),
    ("temperature", "h", 10),
    ("humidity", "H", 2),
    ("occupancy", "B"),
    ("light_level", "B"),
    ("co2", "H"),
)
_AM300: dict[int, Element] = {
    **_AM,
    0x0500: element("<", ("occupancy", "B")),
    0x06CB: element("<", ("light_level", "B")),
    0x087D: element("<", ("tvoc_rating", "H", 100)),
    0x08E6: element("<", ("tvoc_mass", "H")),
    0x0E01: element("<", ("buzzer", "B")),
}
_PRESSURE = ("pressure", "H", 10)

AM107 = MappingProxyType({**_AM, 0x087D: element("<", ("tvoc", "H"))})
AM307 = MappingProxyType(
    {
        **_AM300,
        0x20CE: element("<", *_REMEMBERED, ("tvoc_rating", "H", 100), _PRESSURE),
        0x21CE: element("<", *_REMEMBERED, ("tvoc_mass", "H"), _PRESSURE),
    }
)
# The last value of a record is formaldehyde or ozone, as the device was bought; the record does not say which.
_DUST = (_PRESSURE, ("pm2_5", "H"), ("pm10", "H"), ("", "H"))
AM319 = MappingProxyType(
    {
        **_AM300,
        0x0A7D: element("<", ("formaldehyde", "H", 100)),
        0x0B7D: element("<", ("pm2_5", "H")),
        0x0C7D: element("<", ("pm10", "H")),
        0x0D7D: element("<", ("ozone", "H", 100)),
        0x20CE: element("<", *_REMEMBERED, ("tvoc_rating", "H", 100), *_DUST),
        0x21CE: element("<", *_REMEMBERED, ("tvoc_mass", "H"), *_DUST),
    }
)
EM500_CO2 = MappingProxyType(
    {
        **_COMMON,
        0x057D: element("<", ("co2", "H")),
        0x0673: element("<", _PRESSURE),
        0x83D7: element("<", ("temperature", "h", 10), ("temperature_change", "h", 10), ("temperature_alarm", "B")),
        0x20CE: element(
            "<", ("timestamp", "I"), ("co2", "H"), _PRESSURE, ("temperature", "h", 10), ("humidity", "B", 2)
        ),
    }
)


def decode(payload: bytes, _f_port: int, _received: int, *, table: Mapping[int, Element]) -> Decoded:
    """Return what a payload says; the port (85) is the owner's choice."""
    readings: dict[str, float] = {}
    history = []
    notes = []
    try:
        for key, values in elements(payload, 0, 2, table):
            if key in HISTORY:
                history.append((int(values.pop("timestamp")) * SECOND, values))
            else:
                readings |= values
    except UnknownKey as end:
        if end.position == 0:
            raise undecodable(str(end)) from None
        notes.append(str(end))
    return decoded(readings, history=history, notes=notes)


_INDOOR = Example(
    # 0x0112 = 274, 0x03d9 = 985 (low byte first), 0x2766 = 10086
    payload="0175 5c  0367 1201  0468 57  077d d903  0973 6627",
    f_port=85,
    readings={"battery": 92, "temperature": 27.4, "humidity": 43.5, "co2": 985, "pressure": 1008.6},
)
_AM107_FIELDS = {
    "infrared_and_visible": ("light_visible_infrared", 1.0),
    "infrared": ("light_infrared", 1.0),
}
_AM300_FIELDS = {
    "tvoc": ("", 1.0),  # the makers' decoders divide by 100, those of The Things Network do not: nobody can tell
    "pir": ("occupancy", 1.0),
    "activity": ("occupancy", 1.0),
    "beep": ("buzzer", 1.0),
    "buzzer_status": ("buzzer", 1.0),
    "hcho": ("formaldehyde", 1.0),
    "o3": ("ozone", 1.0),
}


def _codec(key: str, title: str, table: Mapping[int, Element], models: tuple[str, ...], *examples: Example) -> Codec:
    return Codec(
        key=key,
        title=title,
        vendor="Milesight",
        models=models,
        decode=functools.partial(decode, table=table),
        fields=MappingProxyType(_AM300_FIELDS if table in (AM307, AM319) else _AM107_FIELDS),
        examples=examples,
    )


CODECS = (
    _codec(
        "milesight-am107",
        "Milesight AM107",
        AM107,
        ("am107", "am104", "am103", "am102"),
        _INDOOR,
        Example(
            payload="056a 0700  0665 2c01 9001 3200  087d 7b00",
            f_port=85,
            readings={
                "motion": 7,
                "illuminance": 300,
                "light_visible_infrared": 400,
                "light_infrared": 50,
                "tvoc": 123,
            },
        ),
    ),
    _codec(
        "milesight-am307",
        "Milesight AM307",
        AM307,
        ("am307", "am307l"),
        _INDOOR,
        Example(
            # the record is of 2026-11-20T08:00:00Z, seconds 0x6afffe00
            payload="0500 01  06cb 03  087d 9600  20ce 00feff6a d200 5a00 00 02 f401 6400 7e27",
            f_port=85,
            readings={"occupancy": 1, "light_level": 3, "tvoc_rating": 1.5},
            history=7,
        ),
    ),
    _codec(
        "milesight-am319",
        "Milesight AM319",
        AM319,
        ("am319", "am319l", "am308", "am308l"),
        _INDOOR,
        Example(
            payload="0a7d 0300  0b7d 1100  0c7d 1900  0d7d 0200  0e01 00",
            f_port=85,
            readings={"formaldehyde": 0.03, "pm2_5": 17, "pm10": 25, "ozone": 0.02, "buzzer": 0},
        ),
    ),
    _codec(
        "milesight-em500-co2",
        "Milesight EM500-CO2",
        EM500_CO2,
        ("em500-co2",),
        Example(
            # 0x9c40 = 40000: read with a sign it would be -25536
            payload="0175 64  0367 1901  0468 73  057d 409c  0673 6827",
            f_port=85,
            readings={"battery": 100, "temperature": 28.1, "humidity": 57.5, "co2": 40_000, "pressure": 1008.8},
        ),
    ),
)
