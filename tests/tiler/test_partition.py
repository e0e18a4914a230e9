"""The tree over features."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tiler.partition import Node, partition


def leaves(node: Node) -> list[Node]:
    return [leaf for child in node.children for leaf in leaves(child)] if node.children else [node]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.floats(1, 500)),
        min_size=1,
        max_size=200,
    )
)
def test_every_feature_is_in_exactly_one_leaf_and_no_leaf_of_several_passes_the_limit(
    spots: list[tuple[float, float, float]],
) -> None:
    table = np.array(spots)
    root = partition(table[:, :2], table[:, 2], 1000.0)
    found = np.concatenate([leaf.features for leaf in leaves(root)])
    assert sorted(found.tolist()) == list(range(len(spots)))
    for leaf in leaves(root):
        assert len(leaf.features) == 1 or table[leaf.features, 2].sum() <= 1000.0


def test_a_node_holds_what_its_children_hold_and_paths_are_unique() -> None:
    places = np.random.default_rng(1).uniform(0, 5000, (3000, 2))
    root = partition(places, np.full(3000, 10.0), 1000.0)
    paths = []

    def visit(node: Node) -> None:
        paths.append(node.path)
        if node.children:
            assert 2 <= len(node.children) <= 4
            united = np.sort(np.concatenate([child.features for child in node.children]))
            assert united.tolist() == node.features.tolist()
        for child in node.children:
            visit(child)

    visit(root)
    assert len(set(paths)) == len(paths)


def test_leaves_are_balanced_by_weight_where_density_is_not_even() -> None:
    rng = np.random.default_rng(2)
    places = np.concatenate([rng.normal(0, 50, (900, 2)), rng.uniform(-5000, 5000, (100, 2))])
    root = partition(places, np.full(1000, 10.0), 1000.0)
    weights = [10.0 * len(leaf.features) for leaf in leaves(root)]
    assert min(weights) >= 250.0


def test_all_in_one_place_ends() -> None:
    root = partition(np.zeros((100, 2)), np.full(100, 300.0), 1000.0)
    assert sum(len(leaf.features) for leaf in leaves(root)) == 100


def test_one_feature_heavier_than_the_limit_is_a_leaf() -> None:
    root = partition(np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([5000.0, 10.0]), 1000.0)
    assert [leaf.features.tolist() for leaf in leaves(root)] == [[0], [1]]
