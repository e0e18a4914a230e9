"""Statistics of attributes."""

from __future__ import annotations

import numpy as np

from tiler.statistics import TableStatistics
from zwilling.features import INT32_MISSING, Property, PropertyTable, PropertyType

ROOF = Property("roof", PropertyType.STRING, "Dachform")
HEIGHT = Property("height", PropertyType.FLOAT64, "Höhe")
YEAR = Property("year", PropertyType.INT32, "Baujahr")


def table(roofs: list[str], heights: list[float], years: list[int]) -> PropertyTable:
    columns = {
        "roof": np.array(roofs, dtype=object),
        "height": np.array(heights),
        "year": np.array(years, dtype=np.int32),
    }
    return PropertyTable((ROOF, HEIGHT, YEAR), columns)


def test_missing_values_do_not_count() -> None:
    found = TableStatistics.of(
        table(["Satteldach", "", "Satteldach"], [3.5, float("nan"), 1.5], [1950, INT32_MISSING, 1990])
    )
    assert found.to_json("building") == {
        "classes": {
            "building": {
                "count": 3,
                "properties": {
                    "roof": {"extras": {"occurrences": {"Satteldach": 2}}},
                    "height": {"min": 1.5, "max": 3.5},
                    "year": {"min": 1950.0, "max": 1990.0},
                },
            }
        }
    }


def test_the_sum_of_parts_is_the_whole() -> None:
    parts = [table(["a"], [1.0], [2]), table(["b", "a"], [float("nan"), 5.0], [7, INT32_MISSING])]
    whole = TableStatistics.of(PropertyTable.concatenate(parts))
    assert TableStatistics.sum([TableStatistics.of(part) for part in parts]).to_json("x") == whole.to_json("x")


def test_the_most_frequent_comes_first_and_equals_by_name() -> None:
    found = TableStatistics.of(table(["b", "c", "c", "a"], [1.0] * 4, [1] * 4)).to_json("x")
    assert list(found["classes"]["x"]["properties"]["roof"]["extras"]["occurrences"]) == ["c", "a", "b"]


def test_too_many_different_texts_are_left_out() -> None:
    many = [str(i) for i in range(300)]
    found = TableStatistics.of(table(many, [1.0] * 300, [1] * 300)).to_json("x")
    assert "roof" not in found["classes"]["x"]["properties"]
    halves = [TableStatistics.of(table(part, [1.0] * 150, [1] * 150)) for part in (many[:150], many[150:])]
    assert "roof" not in TableStatistics.sum(halves).to_json("x")["classes"]["x"]["properties"]
