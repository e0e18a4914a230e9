"""What the values of a layer's attributes are like, for legends: smallest, largest, how often each text stands.

Spec: 3D Tiles 1.1 (OGC 22-025r4), `core-metadata-statistics`.  `occurrences` is for enums there; texts, which our
properties are, have theirs in `extras`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zwilling.features import PropertyTable, PropertyType, missing_mask

# A legend with more entries helps nobody; ids and addresses pass it at once.
_MOST_TEXTS = 256


@dataclass(frozen=True, slots=True)
class ColumnStatistics:
    """Of one property over some rows.

    Attributes:
        low, high: of numbers; NaN where there is none.
        texts: how often each text stands; None where there are too many different ones.
    """

    low: float = float("nan")
    high: float = float("nan")
    texts: Counter[str] | None = field(default_factory=Counter)

    def __add__(self, other: ColumnStatistics) -> ColumnStatistics:
        texts = None if self.texts is None or other.texts is None else self.texts + other.texts
        return ColumnStatistics(
            float(np.fmin(self.low, other.low)),
            float(np.fmax(self.high, other.high)),
            texts if texts is not None and len(texts) <= _MOST_TEXTS else None,
        )


@dataclass(frozen=True, slots=True)
class TableStatistics:
    """Of some rows: how many, and of each property."""

    rows: int
    columns: Mapping[str, ColumnStatistics]

    @classmethod
    def of(cls, table: PropertyTable) -> TableStatistics:
        """Return the statistics of all rows of `table`."""
        columns = {}
        for prop in table.properties:
            if prop.type is PropertyType.STRING:
                texts = Counter(table.columns[prop.id].tolist())
                del texts[""]
                columns[prop.id] = ColumnStatistics(texts=texts if len(texts) <= _MOST_TEXTS else None)
                continue
            values = table.columns[prop.id][~missing_mask(table, prop.id)]
            if len(values):
                columns[prop.id] = ColumnStatistics(float(values.min()), float(values.max()))
            else:
                columns[prop.id] = ColumnStatistics()
        return cls(len(table), columns)

    @classmethod
    def sum(cls, parts: Sequence[TableStatistics]) -> TableStatistics:
        """Return the statistics of all rows of `parts` together."""
        columns: dict[str, ColumnStatistics] = {}
        for part in parts:
            for key, column in part.columns.items():
                columns[key] = columns[key] + column if key in columns else column
        return cls(sum(part.rows for part in parts), columns)

    def to_json(self, feature_class: str) -> dict[str, Any]:
        """Return the `statistics` object of a tileset."""
        properties = {key: found for key, column in self.columns.items() if (found := _column_json(column))}
        return {"classes": {feature_class: {"count": self.rows, "properties": properties}}}


def _column_json(column: ColumnStatistics) -> dict[str, Any]:
    if not np.isnan(column.low):
        return {"min": column.low, "max": column.high}
    if column.texts:
        # The most frequent first, as a legend lists them; equal ones by name, so that the file is always the same.
        ordered = sorted(column.texts.items(), key=lambda item: (-item[1], item[0]))
        return {"extras": {"occurrences": dict(ordered)}}
    return {}
