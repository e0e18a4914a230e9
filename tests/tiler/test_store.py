"""The store: what comes out of it is what went in, in ECEF."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.tiler.towns import CRS, houses
from tiler.blocks import blocks
from tiler.store import Store
from zwilling.crs import Georeference, parse_crs
from zwilling.region import load_region


@pytest.fixture(scope="module")
def georeference() -> Georeference:
    return Georeference.create(parse_crs(CRS), load_region())


def test_features_and_their_blocks_come_back_in_ecef(tmp_path: Path, georeference: Georeference) -> None:
    store = Store.create(tmp_path)
    one, two = houses([(0, 0), (40, 0), (80, 0)]), houses([(0, 90), (40, 90)], first=3)
    for name, batch in (("one", one), ("two", two)):
        store.add(batch, georeference, name)
    parts = [("one", np.array([0, 2])), ("two", np.array([1]))]
    for is_coarse in (False, True):
        loaded = store.load(parts, is_coarse=is_coarse)
        picked = [one.select(np.array([0, 2])), two.select(np.array([1]))]
        expected = [blocks(batch).batch if is_coarse else batch for batch in picked]
        assert loaded.crs == "EPSG:4978"
        assert loaded.feature_ids.tolist() == [one.feature_ids[0], one.feature_ids[2], two.feature_ids[1]]
        assert loaded.table.columns["id"].tolist() == [i for b in picked for i in b.table.columns["id"].tolist()]
        corners = np.concatenate([georeference.to_ecef(batch.positions)[batch.triangles] for batch in expected])
        np.testing.assert_allclose(loaded.positions[loaded.triangles], corners, rtol=0, atol=1e-6)
    store.remove()
    assert not any(tmp_path.iterdir())


def test_a_second_store_in_the_same_place_gives_nothing_of_the_first(
    tmp_path: Path, georeference: Georeference
) -> None:
    for first in (0, 7):
        store = Store.create(tmp_path)
        store.add(houses([(0, 0)], first=first), georeference, "0-0")
        expected = houses([(0, 0)], first=first).feature_ids.tolist()
        assert store.load([("0-0", np.array([0]))], is_coarse=False).feature_ids.tolist() == expected
        store.remove()


def test_bounds_are_those_of_each_feature_s_own_vertices(tmp_path: Path, georeference: Georeference) -> None:
    places = [(0.0, 0.0), (500.0, 0.0), (0.0, 900.0)]
    batch = houses(places)
    piece = Store.create(tmp_path).add(batch, georeference, "0").piece
    assert piece is not None
    for number in range(len(places)):
        own = batch.select(np.array([number]))
        at = georeference.to_geographic(own.positions)
        # Of the box in the source's CRS, whose corners the house need not reach: degrees and metres.
        assert (np.abs(piece.bounds[number, [0, 1, 4]] - at.min(axis=0)) < [2e-6, 2e-6, 1e-3]).all()
        assert (np.abs(piece.bounds[number, [2, 3, 5]] - at.max(axis=0)) < [2e-6, 2e-6, 1e-3]).all()
        assert (piece.bounds[number, :2] <= at.min(axis=0)[:2]).all()
        assert (piece.bounds[number, 2:4] >= at.max(axis=0)[:2]).all()
