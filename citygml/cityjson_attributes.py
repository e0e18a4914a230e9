"""Attributes and addresses of CityJSON objects, as the texts that rows are made of.

Spec: CityJSON 2.0.1, 2.3 "Attributes" and 3.2 "Building"; 1.0 has one address as an object, later versions a list.
"""

from __future__ import annotations

import json
from typing import Any, Final

from citygml.attributes import ADV_GENERICS, Row, Value
from zwilling.features import PropertyType

_STANDARD: Final = {
    "name": "name",
    "function": "function",
    "roofType": "roof_type",
    "measuredHeight": "measured_height",
    "storeysAboveGround": "storeys_above_ground",
    "storeysBelowGround": "storeys_below_ground",
    "yearOfConstruction": "year_of_construction",
    "dateOfConstruction": "year_of_construction",
    "creationDate": "creation_date",
}
_DEEPEST: Final = 8
_STREETS: Final = ("ThoroughfareName", "thoroughfareName", "street", "Street")
_NUMBERS: Final = ("ThoroughfareNumber", "thoroughfareNumber", "houseNumber", "number", "Number")
_POSTCODES: Final = ("PostalCode", "postalCode", "postcode", "Postcode")
_TOWNS: Final = ("LocalityName", "localityName", "Locality", "locality", "city", "City")


def read_attributes(attributes: dict[str, Any], row: Row) -> None:
    """Add an object's attributes to `row`; sets in sets get their names joined by dots, as those of CityGML."""
    for name, value in attributes.items():
        column = _STANDARD.get(name) or ADV_GENERICS.get(name)
        if column is None:
            _add(name, value, row.generics, 0)
            continue
        texts = value if isinstance(value, list) else [value]
        text = "; ".join(_value(item)[1] for item in texts if item is not None)
        if text:
            row.values[column] = text[:4] if column == "year_of_construction" else text


def address_of(address: Any) -> str:
    """Return the address of an object as `Musterstraße 12, 41460 Neuss`; several are joined by "; "."""
    lines: dict[str, None] = {}
    for one in address if isinstance(address, list) else [address]:
        if isinstance(one, dict):
            street, number, postcode, town = (_first(one, keys) for keys in (_STREETS, _NUMBERS, _POSTCODES, _TOWNS))
            parts = (" ".join(filter(None, (street, number))), " ".join(filter(None, (postcode, town))))
            lines[", ".join(filter(None, parts))] = None
    return "; ".join(filter(None, lines))


def _add(name: str, value: Any, generics: dict[str, Value], depth: int) -> None:
    if value is None:
        return
    if isinstance(value, dict) and depth < _DEEPEST:
        for inner, item in value.items():
            _add(f"{name}.{inner}", item, generics, depth + 1)
        return
    generics[" ".join(name.split())] = _value(value)


def _value(value: Any) -> Value:
    if isinstance(value, bool):
        return (PropertyType.STRING, "true" if value else "false", "")
    if isinstance(value, int):
        return (PropertyType.INT32, str(value), "")
    if isinstance(value, float):
        return (PropertyType.FLOAT64, repr(value), "")
    if isinstance(value, str):
        return (PropertyType.STRING, value.strip(), "")
    if isinstance(value, list) and all(isinstance(item, (str, int, float)) for item in value):
        return (PropertyType.STRING, "; ".join(_value(item)[1] for item in value), "")
    return (PropertyType.STRING, json.dumps(value, ensure_ascii=False), "")


def _first(address: dict[str, Any], keys: tuple[str, ...]) -> str:
    for key in keys:
        value = address.get(key)
        if isinstance(value, (str, int)) and str(value).strip():
            return " ".join(str(value).split())
    return ""
