"""What a codec is: a function from payload to readings, with the models it is for and examples that prove it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from sensor_overlay.uplink import BadMessageError, Cause, Decoded, Reading

Decode = Callable[[bytes, int, int], Decoded]
"""From payload, port, and the instant at which it was received."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A payload and what it says.

    Attributes:
        payload: hexadecimal digits; spaces between them are for reading.
        readings: value of every property that the payload holds.
        f_port: port.
        history: number of remembered readings that it holds.
    """

    payload: str
    readings: Mapping[str, float]
    f_port: int = 1
    history: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """How the payloads of one kind of device are read.

    Attributes:
        key: short and unique: maker and model in lower case, `elsys-ers-co2`.
        title: what people call the device; names the Sensor in SensorThings.
        vendor: who makes it.
        models: names by which device profiles and registries call it; `ers-co2` is found in "Elsys ERS CO2 (Schulen)".
        decode: raises `undecodable(...)` where the payload is none of its device.
        fields: what the maker's own decoder for network servers calls things, where a name alone does not tell quantity
            and unit: name in lower case to our property and the number to divide by.
        examples: at least one; a codec that fails its own examples is not used.
        is_apart: it runs in another process, so that an answer may take its time; the twin sets it.
    """

    key: str
    title: str
    vendor: str
    models: tuple[str, ...]
    decode: Decode
    fields: Mapping[str, tuple[str, float]] = field(default_factory=lambda: MappingProxyType({}))
    examples: tuple[Example, ...]
    is_apart: bool = False


def decoded(
    readings: Mapping[str, float],
    *,
    history: Iterable[tuple[int, Mapping[str, float]]] = (),
    notes: Iterable[str] = (),
) -> Decoded:
    """Return values by property, and those of earlier instants, as `Decoded`.

    Example:
        >>> decoded({"co2": 776}).readings
        (Reading(observed_property='co2', value=776),)
    """
    return Decoded(
        readings=tuple([Reading(name, value) for name, value in readings.items()]),
        history=tuple([(then, Reading(name, value)) for then, values in history for name, value in values.items()]),
        notes=tuple(notes),
    )


def undecodable(detail: str) -> BadMessageError:
    """Return the error to raise for a payload that is none of the device's."""
    return BadMessageError(Cause.UNDECODABLE, detail)


def fault_of(codec: Codec) -> str:
    """Return how a codec fails its own examples, in a sentence; empty where it does not."""
    if not codec.examples:
        return "it has no example"
    for number, example in enumerate(codec.examples, start=1):
        try:
            found = codec.decode(bytes.fromhex(example.payload), example.f_port, 0)
            values = {reading.observed_property: reading.value for reading in found.readings}
            if values.keys() != example.readings.keys():
                return f"example {number} gives {sorted(values)}, not {sorted(example.readings)}"
            for name, value in example.readings.items():
                if not math.isclose(values[name], value, rel_tol=1e-9, abs_tol=1e-9):
                    return f"example {number} gives {name} {values[name]}, not {value}"
            if len(found.history) != example.history:
                return f"example {number} gives {len(found.history)} remembered readings, not {example.history}"
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            return f"example {number} raises {type(error).__name__}: {error}"
    return ""
