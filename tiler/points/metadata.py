"""What a point is besides its place: property attributes of `EXT_structural_metadata`, one schema for the whole layer.

Spec: 3D Metadata Specification 1.0, `EXT_structural_metadata`; ASPRS LAS 1.4 R15, table 17; classes above 18 as the
state survey of Nordrhein-Westfalen defines them ("Nutzerhinweise 3D-Messdaten").
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

POINT_CLASS: Final = "point"
SCHEMA_FILE: Final = "schema.json"
MOST: Final = float(np.finfo(np.float32).max)
"""The largest number that a tile holds."""
_ENUM: Final = "Classification"

CLASS_NAMES: Final[Mapping[int, str]] = {
    0: "Nie klassifiziert",
    1: "Nicht zugeordnet",
    2: "Boden",
    3: "Niedrige Vegetation",
    4: "Mittlere Vegetation",
    5: "Hohe Vegetation",
    6: "Gebäude",
    7: "Rauschen, tief",
    8: "Modellpunkt",
    9: "Wasser",
    10: "Schiene",
    11: "Straße",
    12: "Überlappung",
    13: "Leitungsschutz",
    14: "Leiterseil",
    15: "Freileitungsmast",
    16: "Isolator",
    17: "Brücke",
    18: "Rauschen, hoch",
    19: "Hängendes Bauteil",
    20: "Letzter Rücklauf, nicht Boden",
    21: "Gebäude, synthetisch",
    22: "Zeitweilig ausgeschlossen",
    24: "Keller",
    26: "Boden, synthetisch",
}
"""German names of LAS classes; those of the standard, and from 20 on those of Nordrhein-Westfalen."""


@dataclass(frozen=True, slots=True)
class PointProperty:
    """A property of points.

    Attributes:
        id: as clients ask for it; the attribute of the GLB has an underscore before it.
        column: LAS name of the dimension.
        dtype: as it is stored.
        title, description: for people.
        no_data: stands for none, where there are points without; None where there are not.
        origin: what numbers are counted from.
        lowest, step: where whole numbers stand for others, the first and by how much they differ; clients then see
            the others.  Step 0: they stand for themselves.
    """

    id: str
    column: str
    dtype: str
    title: str
    description: str
    no_data: float | None = None
    origin: float = 0.0
    lowest: float = 0.0
    step: float = 0.0

    @property
    def attribute(self) -> str:
        """Name of the vertex attribute."""
        return f"_{self.id}"


CLASSIFICATION: Final = PointProperty(
    "CLASSIFICATION", "classification", "|u1", "Klasse", "What the point hit, by the class codes of LAS."
)
INTENSITY: Final = PointProperty(
    "INTENSITY", "intensity", "<u2", "Intensität", "Strength of the echo, in units of the scanner."
)
RETURN_NUMBER: Final = PointProperty(
    "RETURN_NUMBER", "return_number", "|u1", "Nummer des Echos", "Which of its pulse's echoes the point is."
)
NUMBER_OF_RETURNS: Final = PointProperty(
    "NUMBER_OF_RETURNS", "number_of_returns", "|u1", "Anzahl der Echos", "How many echoes its pulse had."
)
LOWEST_HEIGHT: Final = -50.0
HEIGHT_STEP: Final = 0.05
HEIGHT_ABOVE_GROUND: Final = PointProperty(
    "HEIGHT_ABOVE_GROUND",
    "",
    "<u2",
    "Höhe über Gelände",
    "Metres above the ground points around, to 5 cm, from -49.95 on; those that lie lower are there, too.",
    no_data=0.0,
    lowest=LOWEST_HEIGHT,
    step=HEIGHT_STEP,
)
PROPERTIES: Final = (CLASSIFICATION, INTENSITY, RETURN_NUMBER, NUMBER_OF_RETURNS)

_COMPONENT_TYPES: Final = {"|u1": "UINT8", "<u2": "UINT16", "<i2": "INT16", "<f4": "FLOAT32"}


@dataclass(frozen=True, slots=True)
class Range:
    """Which numbers of a dimension occur.

    Attributes:
        low, high: the smallest and the largest; infinite and the other way round where there are none.
        is_whole: all are of whole-number types.
        gaps: points that have none.
    """

    low: float = math.inf
    high: float = -math.inf
    is_whole: bool = True
    gaps: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether no point has a number."""
        return self.low > self.high

    @classmethod
    def of(cls, values: NDArray[np.generic] | None, count: int) -> Range:
        """Return what occurs among the values of `count` points; None where their file lacks the dimension."""
        if values is None or not count:
            return cls(gaps=count)
        is_whole = values.dtype.kind in "iub"
        numbers: NDArray[np.generic] = values
        if not is_whole:
            numbers = doubles(values)
            numbers = numbers[~np.isnan(numbers)]
        if not len(numbers):
            return cls(is_whole=is_whole, gaps=count)
        return cls(float(numbers.min()), float(numbers.max()), is_whole, count - len(numbers))

    def plus(self, other: Range) -> Range:
        """Return what occurs in both together."""
        is_whole = self.is_whole and other.is_whole
        return Range(min(self.low, other.low), max(self.high, other.high), is_whole, self.gaps + other.gaps)


def doubles(values: NDArray[np.generic]) -> NDArray[np.float64]:
    """Return numbers of a dimension as doubles; NaN for those that are none, or that no single float holds."""
    with np.errstate(invalid="ignore"):  # NaN of the kind that signals
        numbers = values.astype(np.float64)
    if values.dtype.kind not in "iub":
        numbers[~(np.abs(numbers) < MOST)] = np.nan
    return numbers


@dataclass(slots=True)
class PointStatistics:
    """How often each class occurs, and the ranges of the other properties.

    Attributes:
        classes: points by class, shape (256,).
        ranges: smallest and largest value by id of the property.
        dimensions: what occurs of each that was asked for, by LAS name.
        heights: above ground, metres; known once tiles are made.
    """

    classes: NDArray[np.int64]
    ranges: dict[str, tuple[float, float]]
    dimensions: dict[str, Range] = field(default_factory=dict)
    heights: Range = field(default_factory=Range)

    @classmethod
    def none(cls) -> PointStatistics:
        """Return the statistics of no points."""
        return cls(np.zeros(256, np.int64), {})

    @property
    def count(self) -> int:
        """How many points there are."""
        return int(self.classes.sum())

    @classmethod
    def sum(cls, parts: Sequence[PointStatistics]) -> PointStatistics:
        """Return the statistics of all points together."""
        total = cls.none()
        for part in parts:
            total.classes += part.classes
            for key, (low, high) in part.ranges.items():
                known = total.ranges.get(key, (low, high))
                total.ranges[key] = (min(known[0], low), max(known[1], high))
            for name, found in part.dimensions.items():
                total.dimensions[name] = total.dimensions.get(name, Range()).plus(found)
        return total

    def by_class(self) -> dict[int, int]:
        """Return how many points each class has; classes without any are left out."""
        return {int(code): int(self.classes[code]) for code in np.flatnonzero(self.classes)}

    def to_json(self, properties: Sequence[PointProperty]) -> dict[str, Any]:
        """Return the `statistics` object of a tileset."""
        found: dict[str, Any] = {}
        for prop in properties:
            if prop is CLASSIFICATION:
                found[prop.id] = {"occurrences": {class_name(code): count for code, count in self.by_class().items()}}
            elif prop.id in self.ranges:
                low, high = self.ranges[prop.id]
                found[prop.id] = {"min": low, "max": high}
            elif prop.id == HEIGHT_ABOVE_GROUND.id and not self.heights.is_empty:
                found[prop.id] = {"min": round(self.heights.low, 2), "max": round(self.heights.high, 2)}
            elif prop.column in self.dimensions and not (ends := self.dimensions[prop.column]).is_empty:
                low, high = (
                    number(float(np.dtype(prop.dtype).type(end - prop.origin))) for end in (ends.low, ends.high)
                )
                found[prop.id] = {"min": low, "max": high}
        return {"classes": {POINT_CLASS: {"count": self.count, "properties": found}}}


def number(value: float) -> float:
    """Return a number as JSON shows it best: whole ones without a point.

    Example:
        >>> number(2.0), number(0.5)
        (2, 0.5)
    """
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def class_name(code: int) -> str:
    """Return the German name of a LAS class; different classes have different names.

    Example:
        >>> class_name(2), class_name(77)
        ('Boden', 'Klasse 77')
    """
    return CLASS_NAMES.get(code, f"Klasse {code}")


def schema_json(properties: Sequence[PointProperty], classes: Sequence[int]) -> dict[str, Any]:
    """Return the schema of a layer.

    Args:
        properties: that its points have.
        classes: codes that occur; those without a name of their own get one.
    """
    document: dict[str, Any] = {
        "id": "zwilling_points",
        "classes": {
            POINT_CLASS: {
                "name": "Laserpunkt",
                "description": "A point of a laser scan.",
                "properties": {prop.id: _property_json(prop) for prop in properties},
            }
        },
    }
    if CLASSIFICATION in properties:
        values = [{"name": class_name(code), "value": code} for code in sorted({*CLASS_NAMES, *classes})]
        document["enums"] = {_ENUM: {"name": "Klasse", "valueType": "UINT8", "values": values}}
    return document


def _property_json(prop: PointProperty) -> dict[str, Any]:
    kind = (
        {"type": "ENUM", "enumType": _ENUM}
        if prop is CLASSIFICATION
        else {"type": "SCALAR", "componentType": _COMPONENT_TYPES[prop.dtype]}
    )
    found: dict[str, Any] = {"name": prop.title, "description": prop.description, **kind}
    if prop.no_data is None:
        found["required"] = True
    else:
        found["noData"] = number(prop.no_data)
    if prop.step:
        # Normalized, the largest number is 1.
        most = np.iinfo(prop.dtype).max
        found |= {"normalized": True, "offset": prop.lowest, "scale": prop.step * int(most)}
    if prop.origin:
        found["extras"] = {"origin": prop.origin}
    return found
