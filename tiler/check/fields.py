"""Reading JSON that may be anything: each function returns a typed value, or reports why there is none.

Messages state rule and value, as those of the CesiumGS validator do.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tiler.check.findings import Place

JsonObject = Mapping[str, Any]

IDENTIFIER = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
"""3D Metadata Specification, "Identifiers"; to be matched in full."""


def type_name(value: object) -> str:
    """Return the JSON name of the type of `value`."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    names = {str: "string", list: "array", dict: "object", type(None): "null"}
    return names.get(type(value), type(value).__name__)


def shown(value: object) -> str:
    """Return `value` as it may stand in a message: short, whatever a file puts there."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def as_number(value: object) -> float | None:
    """Return `value` if it is a JSON number that a float64 can hold; nothing is reported."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # an integer of hundreds of digits
        return None
    return number if math.isfinite(number) else None


def as_object(value: object, place: Place, name: str) -> JsonObject | None:
    """Return `value` if it is a JSON object."""
    if isinstance(value, dict):
        return value
    place.report("TYPE_MISMATCH", f"'{name}' must be an object, but is of type {type_name(value)}")
    return None


def get_object(parent: JsonObject, key: str, place: Place, *, required: bool = False) -> JsonObject | None:
    """Return the JSON object `parent[key]`; None if it is missing or something else."""
    if key not in parent:
        _missing(required, key, place)
        return None
    return as_object(parent[key], place.at(key), key)


def get_array(
    parent: JsonObject, key: str, place: Place, *, required: bool = False, least: int = 0
) -> Sequence[Any] | None:
    """Return the JSON array `parent[key]` of at least `least` elements; None if it is missing or something else."""
    if key not in parent:
        _missing(required, key, place)
        return None
    value = parent[key]
    if not isinstance(value, list):
        place.at(key).report("TYPE_MISMATCH", f"'{key}' must be an array, but is of type {type_name(value)}")
        return None
    if len(value) < least:
        place.at(key).report("ARRAY_LENGTH_MISMATCH", f"'{key}' must have at least {least} elements, has {len(value)}")
        return None
    return value


def get_objects(
    parent: JsonObject, key: str, place: Place, *, required: bool = False, least: int = 0
) -> list[tuple[JsonObject, Place]]:
    """Return the JSON objects in the array `parent[key]`, each with its place; what is no object is reported."""
    found: list[tuple[JsonObject, Place]] = []
    for index, value in enumerate(get_array(parent, key, place, required=required, least=least) or ()):
        at = place.at(key, index)
        if isinstance(value, dict):
            found.append((value, at))
        else:
            at.report("ARRAY_ELEMENT_TYPE_MISMATCH", f"must be an object, but is of type {type_name(value)}")
    return found


def get_numbers(parent: JsonObject, key: str, place: Place, count: int) -> list[float] | None:
    """Return the `count` finite numbers of the array `parent[key]`; None if it is missing or something else."""
    values = get_array(parent, key, place)
    if values is None:
        return None
    if len(values) != count:
        place.at(key).report("ARRAY_LENGTH_MISMATCH", f"'{key}' must have {count} elements, but has {len(values)}")
        return None
    numbers: list[float] = []
    for index, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, int | float):
            place.at(key, index).report(
                "ARRAY_ELEMENT_TYPE_MISMATCH", f"must be a number, but is of type {type_name(value)}"
            )
            return None
        number = as_number(value)
        if number is None:
            place.at(key, index).report("VALUE_NOT_IN_RANGE", f"must be a finite number, but is {shown(value)}")
            return None
        numbers.append(number)
    return numbers


def get_number(
    parent: JsonObject, key: str, place: Place, *, required: bool = False, minimum: float = -math.inf
) -> float | None:
    """Return the finite number `parent[key]`; None if it is missing or something else."""
    if key not in parent:
        _missing(required, key, place)
        return None
    value = parent[key]
    if isinstance(value, bool) or not isinstance(value, int | float):
        place.at(key).report("TYPE_MISMATCH", f"'{key}' must be a number, but is of type {type_name(value)}")
        return None
    number = as_number(value)
    if number is None or number < minimum:
        rule = "finite" if number is None else f"at least {minimum:g}"
        place.at(key).report("VALUE_NOT_IN_RANGE", f"'{key}' must be {rule}, but is {shown(value)}")
        return None
    return number


def get_integer(
    parent: JsonObject,
    key: str,
    place: Place,
    *,
    required: bool = False,
    minimum: int = 0,
    maximum: int = 2**53 - 1,
) -> int | None:
    """Return the integer `parent[key]`; None if it is missing or something else."""
    if key not in parent:
        _missing(required, key, place)
        return None
    value = parent[key]
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON knows one kind of number: 3.0 is an integer
    if isinstance(value, bool) or not isinstance(value, int):
        place.at(key).report("TYPE_MISMATCH", f"'{key}' must be an integer, but is {shown(value)}")
        return None
    if not minimum <= value <= maximum:
        place.at(key).report("VALUE_NOT_IN_RANGE", f"'{key}' must be in [{minimum}, {maximum}], but is {shown(value)}")
        return None
    return value


def get_string(
    parent: JsonObject,
    key: str,
    place: Place,
    *,
    required: bool = False,
    among: Sequence[str] | None = None,
    pattern: re.Pattern[str] | None = None,
) -> str | None:
    """Return the string `parent[key]`; None if it is missing or something else."""
    if key not in parent:
        _missing(required, key, place)
        return None
    value = parent[key]
    at = place.at(key)
    if not isinstance(value, str):
        at.report("TYPE_MISMATCH", f"'{key}' must be a string, but is of type {type_name(value)}")
        return None
    if among is not None and value not in among:
        at.report("VALUE_NOT_IN_LIST", f"'{key}' must be one of {', '.join(among)}, but is {shown(value)}")
        return None
    if pattern is not None and not pattern.fullmatch(value):
        at.report("STRING_PATTERN_MISMATCH", f"'{key}' must match {pattern.pattern}, but is {shown(value)}")
        return None
    return value


def get_flag(parent: JsonObject, key: str, place: Place) -> bool:
    """Return the boolean `parent[key]`; False if it is missing or something else."""
    value = parent.get(key, False)
    if isinstance(value, bool):
        return value
    place.at(key).report("TYPE_MISMATCH", f"'{key}' must be a boolean, but is of type {type_name(value)}")
    return False


def get_strings(parent: JsonObject, key: str, place: Place) -> list[str]:
    """Return the strings of the array `parent[key]`; what is no string is reported."""
    found = []
    for index, value in enumerate(get_array(parent, key, place, least=1) or ()):
        if isinstance(value, str):
            found.append(value)
        else:
            place.at(key, index).report(
                "ARRAY_ELEMENT_TYPE_MISMATCH", f"must be a string, but is of type {type_name(value)}"
            )
    return found


def _missing(required: bool, key: str, place: Place) -> None:
    if required:
        place.report("PROPERTY_MISSING", f"'{key}' is required")
