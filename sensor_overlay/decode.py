"""An uplink's readings: from what the network server decoded, else from the payload by the device's codec."""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections import deque
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from sensor_overlay.codecs import Codec, CodecFailedError, by_profile
from sensor_overlay.codecs.checking import LONGEST_NAME, MOST_READINGS, checked, named
from sensor_overlay.observed import BY_ALIAS, PROPERTIES
from sensor_overlay.uplink import BadMessageError, Cause, Decoded, Reading, Uplink

_MOST_VALUES = 512
_MOST_LEVELS = 8

# A value that is a text: a number as JavaScript's toFixed() leaves it, or with its unit ("2821 mm"), or a word.
_NUMBER_AND_UNIT = re.compile(
    r"\s*([+-]?(?:\d{1,15}(?:\.\d{0,15})?|\.\d{1,15})(?:[eE][+-]?\d{1,2})?)\s*([^\s\d]{0,8})\s*"
)
_WORDS = MappingProxyType(
    {
        **dict.fromkeys(("true", "yes", "on", "open", "opened", "trigger", "triggered", "occupied", "alarm"), 1.0),
        **dict.fromkeys(("false", "no", "off", "close", "closed", "idle", "vacant", "unoccupied", "normal"), 0.0),
    }
)
_UNITS: Mapping[str, tuple[str, float]] = MappingProxyType(
    {
        # as decoders write it, in lower case: its dimension, and what to divide by to come to our unit
        "pa": ("pressure", 100.0),
        "hpa": ("pressure", 1.0),
        "mbar": ("pressure", 1.0),
        "kpa": ("pressure", 0.1),
        "bar": ("pressure", 0.001),
        "mm": ("length", 1_000.0),
        "cm": ("length", 100.0),
        "m": ("length", 1.0),
        "mv": ("voltage", 1_000.0),
        "v": ("voltage", 1.0),
        "wh": ("energy", 1_000.0),
        "kwh": ("energy", 1.0),
        "mwh": ("energy", 0.001),
        "w": ("power", 1_000.0),
        "kw": ("power", 1.0),
        "f": ("fahrenheit", 1.0),
        "°f": ("fahrenheit", 1.0),
    }
)
_DIMENSIONS = MappingProxyType(
    {
        "pressure": "pressure",
        "water_level": "length",
        "distance": "length",
        "battery_voltage": "voltage",
        "energy": "energy",
        "power": "power",
    }
)
_OWN_UNITS = MappingProxyType(
    {
        # what decoders hang on a name to say the unit that it has here, too
        "temperature": ("c", "celsius", "degc", "deg_c", "degrees"),
        "humidity": ("percent", "pct", "rh"),
        "battery": ("percent", "pct"),
        "illuminance": ("lux", "lx"),
        "tvoc": ("ppb",),
        "sound": ("db", "dba"),
    }
)
_REMEMBERED = frozenset({"history", "historical", "datalog"})
_NOT_MEASURED = frozenset(
    {
        *("unit", "units", "displayname", "device_id", "id", "sn", "serial_number", "port", "fport"),
        *("version", "protocol_version", "hardware_version", "firmware_version", "ipso_version", "tsl_version"),
        *("timestamp", "time", "ts", "systimestamp", "historyseqnr", "prevhistseqnr"),
    }
)


def decode(uplink: Uplink, model: str, received: int) -> Decoded:
    """Return the readings of an uplink.

    The network server's object comes first, since whoever configured it there wanted it so; where it holds no number,
    the payload is read by the codec of the registry's model, else of the network server's profile.

    Args:
        uplink: what came.
        model: what the registry says that the device is; empty where it does not.
        received: instant at which we had it; what devices remember may count back from it.

    Raises:
        BadMessageError: NO_CODEC or UNDECODABLE; nothing else is ever raised for the uplink's sake.
    """
    codec = codec_of(uplink, model)
    if uplink.object:
        readings, notes = _from_object(uplink.object, codec.fields if codec else {})
        if readings:
            return Decoded(readings=readings, notes=notes)
    if not uplink.payload or uplink.f_port == 0:
        # Port 0 is the network's own; an empty frame answers it.
        return Decoded(readings=(), notes=("the frame carries no measurement",))
    if codec is None:
        raise BadMessageError(Cause.NO_CODEC, _without_codec(uplink, model), dev_eui=uplink.dev_eui)
    return _from_payload(uplink, codec, received)


def codec_of(uplink: Uplink, model: str) -> Codec | None:
    """Return the codec for a device: that of the registry's model, else of the network server's profile."""
    codec = by_profile(model) if model else None
    return by_profile(uplink.profile) if codec is None and uplink.profile else codec


def may_wait(uplink: Uplink, model: str) -> bool:
    """Return whether `decode` may wait for another process over an uplink: then no event loop should call it."""
    codec = codec_of(uplink, model)
    return codec is not None and codec.is_apart


def _without_codec(uplink: Uplink, model: str) -> str:
    known = [f"model {model!r}"] if model else []
    known += [f"device profile {uplink.profile!r}"] if uplink.profile else []
    what = "the network server decoded nothing" if not uplink.object else "the network server's object holds no number"
    whose = f"no codec is for {' or '.join(known)}" if known else "neither registry nor network server tells the model"
    return f"{what}, and {whose}"


def _from_payload(uplink: Uplink, codec: Codec, received: int) -> Decoded:
    at = uplink.time if uplink.time is not None else received
    try:
        found = codec.decode(uplink.payload, uplink.f_port, at)
        return checked(found)
    except BadMessageError as error:
        detail = f"{codec.title}: {error.detail}"
        raise BadMessageError(Cause.UNDECODABLE, detail, dev_eui=uplink.dev_eui) from None
    except CodecFailedError as error:
        raise BadMessageError(Cause.UNDECODABLE, f"{codec.title}: its codec: {error}", dev_eui=uplink.dev_eui) from None
    except Exception as error:
        detail = f"{codec.title}: its codec failed with {type(error).__name__}"
        raise BadMessageError(Cause.UNDECODABLE, detail, dev_eui=uplink.dev_eui) from error


def _from_object(
    told: Mapping[str, Any], fields: Mapping[str, tuple[str, float]]
) -> tuple[tuple[Reading, ...], tuple[str, ...]]:
    """Return the numbers of a decoded object, outer ones before inner ones, under our names and in our units."""
    found: dict[str, float] = {}
    notes: dict[str, None] = {}
    waiting: deque[tuple[tuple[str, ...], str, Any]] = deque(((), key, value) for key, value in told.items())
    for seen in itertools.count(1):
        if not waiting:
            break
        if seen > _MOST_VALUES:
            notes[f"the object holds more than {_MOST_VALUES} values; the rest was not read"] = None
            break
        path, key, value = waiting.popleft()
        name = key.lower()
        if name in _REMEMBERED:
            notes[f"{name!r} of the network server's object was not read: those values are not of now"] = None
        elif name in _NOT_MEASURED or len(key) > LONGEST_NAME:
            continue  # a name that long is none, and must not fill the memory of names
        elif not isinstance(value, dict):
            _take(found, path, key, value, "", fields)
        elif not isinstance(value.get("value", {}), dict):
            # {"displayName": "Barometric pressure", "unit": "Pa", "value": 96412}
            unit = value.get("unit")
            _take(found, path, key, value["value"], unit if isinstance(unit, str) else "", fields)
        elif len(path) + 1 < _MOST_LEVELS:
            waiting.extend(((*path, key), inner, part) for inner, part in value.items())
        else:
            notes[f"the object is nested more than {_MOST_LEVELS} levels deep; the innermost was not read"] = None
    if len(found) > MOST_READINGS:
        notes[f"the object holds {len(found)} numbers; the first {MOST_READINGS} were taken"] = None
    taken = itertools.islice(found.items(), MOST_READINGS)
    return tuple([Reading(name, value) for name, value in taken]), tuple(notes)


def _take(
    found: dict[str, float],
    path: tuple[str, ...],
    key: str,
    value: Any,
    unit: str,
    fields: Mapping[str, tuple[str, float]],
) -> None:
    """Put one value of an object into `found`, if it is a number."""
    number, own_unit, is_quantity = _number(value)
    if number is None:
        return
    full, name, name_unit = _known_name(path, key)
    divisor = 1.0
    if key.lower() in fields:
        name, divisor = fields[key.lower()]
    if not is_quantity and name in PROPERTIES and PROPERTIES[name].unit:
        # {"alarms": {"co2": true}} is no concentration
        if not path:
            return
        name = full
    if path and name in found:
        name = full  # a second temperature, of {"outside": {...}}
    dimension, factor = _UNITS.get((unit or own_unit or name_unit).lower(), ("", 1.0))
    if name in ("battery", "bat") and (dimension == "voltage" or number > 100):
        # Nothing is charged to more than 100 %: these are millivolts, unless a unit tells otherwise.
        name, number = "battery_voltage", number / (factor if dimension == "voltage" else 1_000)
    elif dimension == "fahrenheit" and name.endswith("temperature"):
        number = (number - 32) / 1.8
    elif dimension and dimension == _DIMENSIONS.get(name):
        number /= factor
    else:
        number /= divisor
    if name and math.isfinite(number):
        found.setdefault(name, number)


def _number(value: Any) -> tuple[float | None, str, bool]:
    """Return the number that a value of JSON is, its unit where a text tells one, and whether it is a quantity at all.

    None for what is no number.  True is 1, and so are words like "open"; these are no quantities.
    """
    if isinstance(value, bool):
        return float(value), "", False
    if isinstance(value, int | float):
        try:
            return (float(value), "", True) if math.isfinite(value) else (None, "", True)
        except OverflowError:
            return None, "", True
    if isinstance(value, str) and len(value) <= LONGEST_NAME:
        matched = _NUMBER_AND_UNIT.fullmatch(value)
        if matched:
            return float(matched[1]), matched[2], True
        return _WORDS.get(value.strip().lower()), "", False
    return None, "", False


@functools.lru_cache(maxsize=4_096)  # names come from outside: bounded
def _known_name(path: tuple[str, ...], key: str) -> tuple[str, str, str]:
    """Return the name of a value with all that it is in, the property that it is, and the unit that its name tells."""
    own = named(key)
    full = named("_".join((*path, key)))
    for name in (key.lower(), own, full):
        if name in BY_ALIAS:
            return full, BY_ALIAS[name], ""
    # "level_cm", "barometric_pressure_pa"
    stem, _, unit = own.rpartition("_")
    if stem in BY_ALIAS and unit in _UNITS:
        return full, BY_ALIAS[stem], unit
    for known, units in _OWN_UNITS.items():
        for unit in units:
            if BY_ALIAS.get(own.removesuffix(f"_{unit}")) == known and own.endswith(f"_{unit}"):
                return full, known, ""
    return full, full, ""
