"""The figures of a report: what the numbers of a run say about heights, attributes and tiles.

Everything here is plain JSON: numbers are rounded to what they mean, so that reports can be compared.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiler.facts import RowFacts, TileFacts
from tiler.statistics import TableStatistics
from zwilling.features import Property

_EXTREMES = 10
_MOST_OUTLIERS = 200
_ROBUST_SIGMAS = 3.0
_BINS = 24
# MAD of a normal distribution, in standard deviations.
_MAD = 1.4826
# Where most values are the same, a spread of nothing would make all others outliers; a metre and a half will not do.
_LEAST_SIGMA_M = 0.5
# The histogram ends here; what lies farther out is counted, or one wrong height would press all others into one bar.
_HISTOGRAM_SIGMAS = 6.0


def elevations(rows: RowFacts) -> dict[str, Any] | None:
    """Return how the ground's elevation is distributed; None where no row tells it.

    An outlier lies more than three robust standard deviations (1.4826 MAD) from the median.
    """
    known = np.flatnonzero(np.isfinite(rows.ground))
    if not len(known):
        return None
    values, names = rows.ground[known], rows.names[known]
    order = np.argsort(values, kind="stable")
    median = float(np.median(values))
    sigma = max(_MAD * float(np.median(np.abs(values - median))), _LEAST_SIGMA_M)
    low, high = median - _ROBUST_SIGMAS * sigma, median + _ROBUST_SIGMAS * sigma
    distance = np.abs(values - median)
    stray = np.flatnonzero((values < low) | (values > high))
    stray = stray[np.argsort(-distance[stray], kind="stable")]
    return {
        "rows": len(known),
        "unknown": len(rows.ground) - len(known),
        "min": _round(values[order[0]]),
        "median": _round(median),
        "max": _round(values[order[-1]]),
        "robust_sigma": _round(sigma),
        "histogram": _histogram(values, median - _HISTOGRAM_SIGMAS * sigma, median + _HISTOGRAM_SIGMAS * sigma),
        "lowest": _named(names, values, order[:_EXTREMES]),
        "highest": _named(names, values, order[::-1][:_EXTREMES]),
        "outliers": {
            "below": _round(low),
            "above": _round(high),
            "rows": len(stray),
            "farthest": _named(names, values, stray[:_MOST_OUTLIERS]),
        },
    }


def height_differences(rows: RowFacts) -> dict[str, Any] | None:
    """Return how the stated height differs from that of the geometry; None where they cannot be compared.

    The difference is the stated height less the one between lowest ground and highest roof point.
    """
    geometry = rows.roof - rows.ground
    difference = rows.measured - geometry
    known = np.flatnonzero(np.isfinite(difference))
    if not len(known):
        return None
    worst = known[np.argsort(-np.abs(difference[known]), kind="stable")][:_EXTREMES]
    return {
        "rows": len(known),
        "median": _round(np.median(difference[known])),
        "absolute_p95": _round(np.percentile(np.abs(difference[known]), 95)),
        "worst": [
            {
                "id": str(rows.names[row]),
                "stated": _round(rows.measured[row]),
                "geometry": _round(geometry[row]),
                "difference": _round(difference[row]),
            }
            for row in worst.tolist()
        ],
    }


def attributes(properties: Sequence[Property], rows: RowFacts, count: int) -> list[dict[str, Any]]:
    """Return for each property how many of `count` rows have no value."""
    return [{"id": p.id, "name": p.name, "missing": count - rows.present.get(p.id, 0)} for p in properties]


def occurrences(statistics: TableStatistics, property_id: str) -> list[list[str | int]] | None:
    """Return each text of a property and how often it stands, the most frequent first; None where there are too many.

    Rows without the text are not counted.
    """
    column = statistics.columns.get(property_id)
    if column is None:
        return []
    if column.texts is None:
        return None
    return [[text, times] for text, times in sorted(column.texts.items(), key=lambda item: (-item[1], item[0]))]


_DATES = ("source_date", "creation_date")
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(?=$|T)")


def data_date(statistics: TableStatistics) -> str:
    """Return the day that the data is of (ISO 8601): of its youngest file, else of its youngest object; else empty.

    A date that is written in another way tells no order and is left out, as are dates of which there are so many
    that the statistics did not keep them.

    Example:
        >>> from collections import Counter
        >>> from tiler.statistics import ColumnStatistics
        >>> texts = Counter({"2025-05-22": 3, "2024-11-01T10:00:00": 1, "gestern": 9})
        >>> data_date(TableStatistics(13, {"creation_date": ColumnStatistics(texts=texts)}))
        '2025-05-22'
    """
    for property_id in _DATES:
        column = statistics.columns.get(property_id)
        days = [day[0] for text in (column and column.texts) or () if (day := _ISO_DAY.match(text))]
        if days:
            return max(days)
    return ""


def levels(tiles: Sequence[TileFacts]) -> list[dict[str, Any]]:
    """Return for each level of the tree how many tiles it has and how large they are."""
    table = []
    for level in sorted({tile.level for tile in tiles}):
        here = [tile for tile in tiles if tile.level == level]
        sizes = [tile.size_bytes for tile in here]
        table.append(
            {
                "level": level,
                "tiles": len(here),
                "leaves": sum(tile.is_leaf for tile in here),
                "features": sum(tile.features for tile in here),
                "bytes": sum(sizes),
                "min_bytes": min(sizes),
                "median_bytes": int(np.median(sizes)),
                "max_bytes": max(sizes),
            }
        )
    return table


def _histogram(values: NDArray[np.float64], low: float, high: float) -> dict[str, Any]:
    """Return counts in bins of a round width between `low` and `high`, and how many values lie outside."""
    low, high = max(low, float(values.min())), min(high, float(values.max()))
    width = round_step((high - low) / _BINS)
    first = int(np.floor(low / width))
    number = max(int(np.ceil(high / width)) - first, 1)
    place = np.floor(values / width).astype(np.int64) - first
    # A value on the last edge belongs to the last bin.
    place[(place == number) & (values <= high)] = number - 1
    inside = (place >= 0) & (place < number)
    return {
        "from": _round(first * width),
        "width": _round(width),
        "counts": np.bincount(place[inside], minlength=number).tolist(),
        "below": int(np.count_nonzero(place < 0)),
        "above": int(np.count_nonzero(place >= number)),
    }


def round_step(least: float) -> float:
    """Return the smallest of … 0.1, 0.2, 0.5, 1, 2, 5 … that is at least `least`, and at least 0.1.

    Example:
        >>> [round_step(value) for value in (0.0, 0.3, 1.0, 7.0, 260.0)]
        [0.1, 0.5, 1.0, 10.0, 500.0]
    """
    exponent = -1
    while True:
        for factor in (1, 2, 5):
            step = float(f"{factor}e{exponent}")
            if step >= least:
                return step
        exponent += 1


def _named(
    names: NDArray[np.object_], values: NDArray[np.float64], which: NDArray[np.int64]
) -> list[dict[str, str | float]]:
    return [{"id": str(names[i]), "value": _round(values[i])} for i in which.tolist()]


def _round(value: float | np.floating[Any]) -> float:
    """Return metres to the millimetre, which no source is better than; never the negative zero."""
    return round(float(value), 3) + 0.0
