"""Dimensions that tiles carry on request: GPS time, scan angle, a file's own extra bytes.

Runs keep each as a double, so that files of one layer may disagree about its type; a gap, which is what a file leaves
that lacks it, is no number.  Once all points were read, the numbers that occur decide how tiles store it: in 8 or 16
bits where these hold all of them, else as single floats.  Vertices have no doubles and no whole numbers of 32 bits.
What a single float would blur, it counts from an origin.

Spec: glTF 2.0, 3.6.2.2 (component types of vertex attributes); 3D Metadata Specification 1.0, "noData".
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tiler.points.metadata import MOST, PointProperty, Range, doubles
from zwilling.points import PointBatch

COLUMNS_EACH: Final = 2
"""Columns of a run that a dimension takes."""

_WHOLE_TYPES: Final = ("|u1", "<u2", "<i2")  # a signed byte would gain nothing once packed
_EXACT_UP_TO: Final = 2**24  # whole numbers in a single float
_NO_DATA: Final = -MOST
# Words that CesiumJS's styles take for something else, and names that glTF gives a meaning.
_TAKEN: Final = frozenset({"POSITION", "POSITION_ABSOLUTE", "NORMAL", "COLOR", "TANGENT", "BATCHID", "FEATURE_ID"})
_TITLES: Final = {
    "gps_time": ("GPS-Zeit", "When the point was measured, seconds of GPS time."),
    "scan_angle": (
        "Scanwinkel",
        "Angle of the beam, as the file counts it: steps of 0.006° from LAS 1.4's format 6 on.",
    ),
    "scan_angle_rank": ("Scanwinkel", "Angle of the beam, degrees."),
    "user_data": ("Nutzerdaten", "A number whose meaning the producer knows."),
    "point_source_id": ("Flugstreifen", "From which flight line, or other source, the point comes."),
    "scanner_channel": ("Kanal", "Which head of the scanner measured the point."),
    "nir": ("Nahes Infrarot", "Near infrared, 16 bits."),
}


def put(batch: PointBatch, name: str, order: NDArray[np.intp], columns: NDArray[np.uint32]) -> None:
    """Store a dimension in two columns of a run, shape (2, n), in an order; gaps are NaN."""
    values = batch.columns.get(name)
    numbers = np.full(len(order), np.nan) if values is None else doubles(values).take(order)
    halves = numbers.view("<u4").reshape(-1, 2)
    columns[0], columns[1] = halves[:, 0], halves[:, 1]


def taken(columns: NDArray[np.uint32]) -> NDArray[np.float64]:
    """Return what `put` stored, shape (n,)."""
    numbers: NDArray[np.float64] = np.ascontiguousarray(columns.T).view("<f8").ravel()
    return numbers


def property_of(name: str, found: Range, others: Collection[str]) -> PointProperty:
    """Return how tiles store a dimension.

    Args:
        name: LAS name of the dimension.
        found: which numbers occur.
        others: ids that are taken.
    """
    title, description = _TITLES.get(name, (name, f"The dimension '{name}' of the source."))
    dtype, no_data = _whole_type(found) if found.is_whole else ("<f4", _NO_DATA)
    origin = 0.0
    if dtype == "<f4":
        origin = _origin(found)
        description = f"{description} {_accuracy(found, origin)}".strip()
    return PointProperty(
        _id(name, others),
        name,
        dtype,
        title,
        description,
        no_data=no_data if found.gaps else None,
        origin=origin,
    )


def stored(numbers: NDArray[np.float64], prop: PointProperty) -> NDArray[np.generic]:
    """Return doubles as tiles store them."""
    if prop.origin:
        numbers = numbers - prop.origin
    if prop.no_data is not None:
        numbers = np.where(np.isnan(numbers), prop.no_data, numbers)
    return numbers.astype(prop.dtype)


def _whole_type(found: Range) -> tuple[str, float]:
    """Return the smallest type that holds all whole numbers, and one that stands for none."""
    if found.is_empty:
        return "|u1", 255.0
    for dtype in _WHOLE_TYPES:
        ends = np.iinfo(dtype)
        # The number for gaps is the last one of unsigned types and the first one of signed ones.
        no_data = ends.min if ends.min else ends.max
        low, high = (ends.min + 1, ends.max) if ends.min else (0, ends.max - 1)
        if not found.gaps:
            low, high = ends.min, ends.max
        if low <= found.low and found.high <= high:
            return dtype, float(no_data)
    return "<f4", _NO_DATA


def _origin(found: Range) -> float:
    """Return from where single floats count: zero, unless numbers are much larger than they differ."""
    if found.is_empty or (found.is_whole and max(abs(found.low), abs(found.high)) <= _EXACT_UP_TO):
        return 0.0
    if max(abs(found.low), abs(found.high)) <= 4 * (found.high - found.low):
        return 0.0
    origin = math.floor(found.low)
    # A single number, such as a constant of 0.1, needs no origin to be told.
    return float(origin) if found.high > found.low and abs(origin) > 1 else 0.0


def _accuracy(found: Range, origin: float) -> str:
    """Return what must be known to read a single float."""
    words = [f"Counted from {origin:.0f}."] if origin else []
    if not found.is_empty:
        most: float = max(abs(found.low - origin), abs(found.high - origin))
        error = float(np.spacing(np.float32(min(most, -_NO_DATA)))) / 2
        if not (found.is_whole and most <= _EXACT_UP_TO):
            words.append(f"Rounded to a single float, by {error:.1g} at most.")
    return " ".join(words)


def _id(name: str, others: Collection[str]) -> str:
    """Return an id for a dimension that is fit for a shader's variable and unlike all others."""
    plain = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_") or "DIMENSION"
    plain = f"D_{plain}" if plain[0].isdigit() else plain
    number, found = 2, plain
    while found in others or found in _TAKEN or found.startswith("FEATURE_ID"):
        found = f"{plain}_{number}" if not plain.startswith("FEATURE_ID") else f"D_{plain}_{number}"
        number += 1
    return found
