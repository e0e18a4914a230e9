"""What reports say about a tileset's rows and tiles: gathered while both pass by, a few numbers for each.

Plain numbers and names; what they mean for a reader is the report's business (`zwilling.report`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zwilling.features import FeatureBatch, Property, PropertyTable, PropertyType, missing_mask


@dataclass(frozen=True, slots=True)
class RowFacts:
    """Of some rows, that is buildings and parts of buildings; arrays have one entry for each.

    Attributes:
        names: the source's ids: the building's, or "building / part".
        ground, roof: lowest and highest elevation in metres, in the source's height system; NaN where unknown.
        measured: height that the source states, in metres; NaN where it states none.
        present: how many rows have a value, by property id.
        crs: names of the coordinate reference systems, ascending.
    """

    names: NDArray[np.object_]
    ground: NDArray[np.float64]
    roof: NDArray[np.float64]
    measured: NDArray[np.float64]
    present: Mapping[str, int]
    crs: tuple[str, ...]

    @classmethod
    def of(cls, batch: FeatureBatch) -> RowFacts:
        """Return the facts of all rows of `batch`."""
        table = batch.table
        return cls(
            _names(batch),
            _numbers(table, "ground_elevation"),
            _numbers(table, "roof_elevation"),
            _numbers(table, "measured_height"),
            {prop.id: _present(table, prop) for prop in table.properties},
            (batch.crs,) if len(batch.feature_ids) else (),
        )

    @classmethod
    def sum(cls, parts: Sequence[RowFacts]) -> RowFacts:
        """Return the facts of all rows of `parts`, one after the other."""
        present: Counter[str] = Counter()
        for part in parts:
            present.update(part.present)
        return cls(
            np.concatenate([np.empty(0, object), *(part.names for part in parts)]),
            np.concatenate([np.empty(0), *(part.ground for part in parts)]),
            np.concatenate([np.empty(0), *(part.roof for part in parts)]),
            np.concatenate([np.empty(0), *(part.measured for part in parts)]),
            dict(present),
            tuple(sorted({crs for part in parts for crs in part.crs})),
        )


@dataclass(frozen=True, slots=True)
class TileFacts:
    """Of one tile's content.

    Attributes:
        uri: of the content, relative to the tileset.
        level: 0 for the root.
        is_leaf: nothing refines it.
        features: how many it shows.
        size_bytes: of the file.
        bounds: west, south, east, north in degrees, around all features at and below it.
    """

    uri: str
    level: int
    is_leaf: bool
    features: int
    size_bytes: int
    bounds: tuple[float, float, float, float]


def _names(batch: FeatureBatch) -> NDArray[np.object_]:
    names = batch.feature_ids[batch.row_feature]
    if "part_id" in batch.table.columns:
        parts = batch.table.columns["part_id"]
        for row in np.flatnonzero(parts != "").tolist():
            names[row] = f"{names[row]} / {parts[row]}"
    return names


def _present(table: PropertyTable, prop: Property) -> int:
    if prop.type is PropertyType.STRING:
        return len(table) - int(table.columns[prop.id].tolist().count(""))
    return len(table) - int(np.count_nonzero(missing_mask(table, prop.id)))


def _numbers(table: PropertyTable, property_id: str) -> NDArray[np.float64]:
    """Return a column of numbers; NaN throughout where the table has none of that name."""
    kind = next((prop.type for prop in table.properties if prop.id == property_id), None)
    if kind is not PropertyType.FLOAT64:
        return np.full(len(table), np.nan)
    return np.asarray(table.columns[property_id], dtype=np.float64)
