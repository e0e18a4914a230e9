"""City objects as columns."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tiler.towns import houses
from zwilling.features import (
    INT32_MISSING,
    FeatureBatch,
    Property,
    PropertyTable,
    PropertyType,
    missing_mask,
    unite_properties,
)

TEXT = Property("a", PropertyType.STRING, "A")
REAL = Property("a", PropertyType.FLOAT64, "A")
WHOLE = Property("a", PropertyType.INT32, "A")


def corners(batch: FeatureBatch) -> list[list[object]]:
    """The drawn triangles with id and class: what must survive cutting and joining."""
    ids = batch.feature_ids[batch.row_feature[batch.triangle_row]]
    spots = batch.positions[batch.triangles].reshape(-1, 9).tolist()
    drawn: list[list[object]] = [
        [str(i), int(s), *spot] for i, s, spot in zip(ids, batch.triangle_surface, spots, strict=True)
    ]
    return sorted(drawn, key=repr)


@settings(max_examples=25, deadline=None)
@given(st.sets(st.integers(0, 6)))
def test_cut_in_two_and_joined_again_nothing_is_lost(chosen: set[int]) -> None:
    town = houses([(20.0 * i, 0.0) for i in range(7)])
    some = np.array(sorted(chosen), dtype=np.int64)
    others = np.array(sorted(set(range(7)) - chosen), dtype=np.int64)
    parts = [town.select(some), town.select(others)]
    joined = FeatureBatch.concatenate(parts)
    assert corners(joined) == corners(town)
    assert len(joined.positions) == len(town.positions)
    assert joined.table.columns["id"].tolist() == [str(town.feature_ids[i]) for i in [*some, *others]]


def test_batches_of_different_crs_are_not_joined() -> None:
    from dataclasses import replace

    with pytest.raises(ValueError, match="one CRS"):
        FeatureBatch.concatenate([houses([(0, 0)]), replace(houses([(0, 0)]), crs="EPSG:4978")])


def test_the_wider_type_wins_where_sources_differ() -> None:
    assert unite_properties([[WHOLE], [REAL]]) == (REAL,)
    assert unite_properties([[TEXT], [WHOLE]]) == (TEXT,)


def test_columns_are_cast_and_missing_stays_missing() -> None:
    table = PropertyTable((WHOLE,), {"a": np.array([7, INT32_MISSING], dtype=np.int32)})
    as_text = table.conform([TEXT]).columns["a"]
    as_real = table.conform([REAL]).columns["a"]
    assert as_text.tolist() == ["7", ""]
    assert as_real[0] == 7.0
    assert np.isnan(as_real[1])


@pytest.mark.parametrize("kind", list(PropertyType))
def test_an_absent_column_is_missing_everywhere(kind: PropertyType) -> None:
    table = PropertyTable((TEXT,), {"a": np.array(["x", "y"], dtype=object)})
    wider = table.conform([TEXT, Property("b", kind, "B")])
    assert missing_mask(wider, "b").tolist() == [True, True]
    assert missing_mask(wider, "a").tolist() == [False, False]


def test_a_table_whose_columns_differ_in_length_is_refused() -> None:
    with pytest.raises(ValueError, match="same length"):
        PropertyTable(
            (TEXT, Property("b", PropertyType.STRING, "B")),
            {"a": np.array(["x"], dtype=object), "b": np.array([], dtype=object)},
        )


@pytest.mark.parametrize("rows", [0, 3])
def test_a_table_comes_back_from_a_pickle_as_it_was_with_each_text_once(rows: int) -> None:
    texts, numbers = ["Neuss", "", "Neu" + "ss"][:rows], [1.5, np.nan, 2.5][:rows]
    table = PropertyTable(
        (Property("town", PropertyType.STRING, "Ort"), Property("height", PropertyType.FLOAT64, "Höhe")),
        {"height": np.array(numbers), "town": np.array(texts, dtype=object)},
    )
    back = pickle.loads(pickle.dumps(table))  # noqa: S301
    assert back.properties == table.properties
    assert back.columns["town"].tolist() == texts
    np.testing.assert_array_equal(back.columns["height"], numbers)
    assert len({id(text) for text in back.columns["town"].tolist()}) == len(set(texts))


def test_a_table_without_texts_can_be_pickled() -> None:
    table = PropertyTable((Property("height", PropertyType.FLOAT64, "Höhe"),), {"height": np.array([1.0, 2.0])})
    back = pickle.loads(pickle.dumps(table))  # noqa: S301
    assert back.columns["height"].tolist() == [1.0, 2.0]
