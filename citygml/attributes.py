"""Attributes of buildings: from element texts to typed columns.

The columns of a building come in one fixed order (`STANDARD`), then generic attributes under their own names.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from citygml.codelists import function_label as function_label_of
from citygml.codelists import roof_type_label, source_label
from zwilling.features import INT32_MISSING, Column, Property, PropertyTable, PropertyType

_STRING, _FLOAT64, _INT32 = PropertyType.STRING, PropertyType.FLOAT64, PropertyType.INT32

STANDARD: Final = (
    Property("id", _STRING, "Gebäude-ID (ALKIS)", "gml:id of the Building"),
    Property("part_id", _STRING, "Gebäudeteil-ID", "gml:id of the BuildingPart"),
    Property("class_name", _STRING, "Objektart", "CityGML class of the top-level object"),
    Property("name", _STRING, "Name", "gml:name"),
    Property("function", _STRING, "Gebäudefunktion (Schlüssel)", "bldg:function"),
    Property("function_label", _STRING, "Gebäudefunktion", "bldg:function by AdV's BuildingFunctionTypeAdV"),
    Property("roof_type", _STRING, "Dachform (Schlüssel)", "bldg:roofType"),
    Property("roof_type_label", _STRING, "Dachform", "bldg:roofType by AdV's RoofTypeTypeAdV"),
    Property("measured_height", _FLOAT64, "Gebäudehöhe", "bldg:measuredHeight", "m"),
    Property("storeys_above_ground", _INT32, "Geschosse über Grund", "bldg:storeysAboveGround"),
    Property("storeys_below_ground", _INT32, "Geschosse unter Grund", "bldg:storeysBelowGround"),
    Property("year_of_construction", _INT32, "Baujahr", "bldg:yearOfConstruction"),
    Property("address", _STRING, "Adresse", "bldg:address"),
    Property("municipality_key", _STRING, "Gemeindeschlüssel", "Gemeindeschluessel"),
    Property("municipality", _STRING, "Gemeinde", "Gemeindeschluessel by the region's list of municipalities"),
    Property("roof_height_source", _STRING, "Herkunft der Dachhöhe (Schlüssel)", "DatenquelleDachhoehe"),
    Property("roof_height_source_label", _STRING, "Herkunft der Dachhöhe", "DatenquelleDachhoehe by AdV's list"),
    Property("ground_height_source", _STRING, "Herkunft der Bodenhöhe (Schlüssel)", "DatenquelleBodenhoehe"),
    Property("position_source", _STRING, "Herkunft der Lage (Schlüssel)", "DatenquelleLage"),
    Property("footprint_date", _STRING, "Stand des Grundrisses", "Grundrissaktualitaet"),
    Property("creation_date", _STRING, "Erzeugt am", "core:creationDate"),
    Property("ground_elevation", _FLOAT64, "Geländehöhe am Gebäude (NHN)", "lowest z of its ground surfaces", "m"),
    Property("roof_elevation", _FLOAT64, "Firsthöhe (NHN)", "highest z of its surfaces", "m"),
    Property("lod", _INT32, "Detaillierungsgrad", "level of detail (LoD) that is drawn"),
    Property("external_reference", _STRING, "Externe Verweise", "core:externalReference, if not the ALKIS id again"),
    Property("source_file", _STRING, "Quelldatei", "name of the file that was read"),
    Property("source_date", _STRING, "Stand der Quelldatei", "core:creationDate of the CityModel, or referenceDate"),
)
STANDARD_IDS: Final = frozenset(prop.id for prop in STANDARD)

# Generic attributes of AdV's profile that have a column of their own.
ADV_GENERICS: Final[dict[str, str]] = {
    "Gemeindeschluessel": "municipality_key",
    "DatenquelleDachhoehe": "roof_height_source",
    "DatenquelleBodenhoehe": "ground_height_source",
    "DatenquelleLage": "position_source",
    "Grundrissaktualitaet": "footprint_date",
}

_MOST_GENERICS: Final = 512
_UMLAUTS: Final = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "é": "e", "è": "e", "á": "a"}
)
_RANK: Final = {_INT32: 0, _FLOAT64: 1, _STRING: 2}

Value = tuple[PropertyType, str, str]
"""How a generic attribute is to be stored, its text, its unit."""


@dataclass(slots=True)
class Row:
    """What one row of the table will say, as texts.

    Attributes:
        values: texts by property id of `STANDARD`.
        generics: values by the attribute's own name.
    """

    values: dict[str, str] = field(default_factory=dict)
    generics: dict[str, Value] = field(default_factory=dict)


def property_id(name: str) -> str:
    """Return `name` as an identifier that 3D Tiles metadata accepts.

    Spec: 3D Metadata Specification, "Class properties": `^[a-zA-Z_][a-zA-Z0-9_]*$`.

    Example:
        >>> [property_id(name) for name in ("Höhe über NN", "2DReferenz", "名前")]
        ['Hoehe_ueber_NN', '_2DReferenz', '__']
    """
    plain = re.sub(r"[^a-zA-Z0-9_]", "_", name.strip().translate(_UMLAUTS))
    return f"_{plain}" if not plain or plain[0].isdigit() else plain


class GenericNames:
    """Gives every generic attribute of one source an id of its own, always the same."""

    __slots__ = ("_ids", "_taken")

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}
        self._taken = set(STANDARD_IDS)

    def id_of(self, name: str) -> str | None:
        """Return the id of attribute `name`; None where the source has named too many already."""
        known = self._ids.get(name)
        if known is not None:
            return known
        if len(self._ids) >= _MOST_GENERICS:
            return None
        wish = property_id(name)
        if wish in STANDARD_IDS:
            wish = f"attribute_{wish}"
        unique, number = wish, 1
        while unique in self._taken:
            number += 1
            unique = f"{wish}_{number}"
        self._ids[name] = unique
        self._taken.add(unique)
        return unique


@dataclass(frozen=True, slots=True)
class Lost:
    """An attribute value that could not be stored.

    Attributes:
        row: number of the row.
        name: the attribute, as the source names it.
        text: its value; empty where the source had too many attributes.
    """

    row: int
    name: str
    text: str


def build_table(
    rows: Sequence[Row],
    names: GenericNames,
    municipalities: Mapping[str, str],
    elevations: Mapping[str, Column],
) -> tuple[PropertyTable, list[Lost]]:
    """Return the rows as columns, and what could not be stored.

    Args:
        rows: the rows' texts.
        names: the source's generic attributes.
        municipalities: eight-digit key → name.
        elevations: columns that geometry gives: `ground_elevation` and `roof_elevation`.
    """
    lost: list[Lost] = []
    columns: dict[str, Column] = {}
    for prop in STANDARD:
        if prop.id in elevations:
            columns[prop.id] = elevations[prop.id]
        else:
            columns[prop.id] = _column([row.values.get(prop.id) for row in rows], prop.type, prop.description, lost)
    for key, label_of in (("function", function_label_of), ("roof_type", roof_type_label)):
        # A code list that the source brings along comes first.
        own = columns[f"{key}_label"]
        columns[f"{key}_label"] = np.where(own == "", _labels(columns[key], label_of), own)
    columns["roof_height_source_label"] = _labels(columns["roof_height_source"], source_label)
    columns["municipality"] = np.array([municipalities.get(key, "") for key in columns["municipality_key"]], object)
    properties = list(STANDARD)
    for name in dict.fromkeys(name for row in rows for name in row.generics):
        unique = names.id_of(name)
        if unique is None:
            lost.extend(Lost(i, name, "") for i, row in enumerate(rows) if name in row.generics)
            continue
        values = [row.generics.get(name) for row in rows]
        kind = max((value[0] for value in values if value), key=_RANK.__getitem__)
        unit = next((value[2] for value in values if value and value[2]), "")
        texts = [None if value is None else value[1] for value in values]
        if kind is _INT32 and not all(text is None or _fits_int32(text) for text in texts):
            kind = _FLOAT64 if all(text is None or _is_number(text) for text in texts) else _STRING
        properties.append(Property(unique, kind, name, f"generic attribute {name}", unit))
        columns[unique] = _column(texts, kind, name, lost)
    return PropertyTable(tuple(properties), columns), lost


def _column(texts: Sequence[str | None], kind: PropertyType, name: str, lost: list[Lost]) -> Column:
    if kind is _STRING:
        strings = np.empty(len(texts), object)
        strings[:] = [text or "" for text in texts]
        return strings
    if kind is _FLOAT64:
        numbers = np.full(len(texts), math.nan)
        for i, text in enumerate(texts):
            if text:
                if _is_number(text):
                    numbers[i] = float(text)
                else:
                    lost.append(Lost(i, name, text))
        return numbers
    integers = np.full(len(texts), INT32_MISSING, np.int32)
    for i, text in enumerate(texts):
        if text:
            if _fits_int32(text):
                integers[i] = int(float(text))
            else:
                lost.append(Lost(i, name, text))
    return integers


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _fits_int32(text: str) -> bool:
    try:
        value = float(text)
    except ValueError:
        return False
    return math.isfinite(value) and value == int(value) and INT32_MISSING < value < 2**31


def _labels(codes: Column, label_of: Callable[[str], str]) -> Column:
    known: dict[str, str] = {}
    labels = np.empty(len(codes), object)
    for i, code in enumerate(codes.tolist()):
        if code not in known:
            known[code] = label_of(code)
        labels[i] = known[code]
    return labels
