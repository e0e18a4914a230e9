"""A spatial tree over features, balanced by the bytes that their tiles will have."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(slots=True)
class Node:
    """One node: all the features below it, and how it splits.

    Attributes:
        path: digits 0-3 of the way from the root; the root's is empty.
        features: numbers of the features below the node, ascending, shape (n,), n >= 1.
        children: none for a leaf.
    """

    path: str
    features: NDArray[np.int64]
    children: list[Node] = field(default_factory=list)


def partition(places: NDArray[np.float64], weights: NDArray[np.float64], limit: float) -> Node:
    """Return a tree whose leaves weigh at most `limit` each, or hold a single feature.

    A node is cut in two at the weighted median of its longer side, and each half again, so that leaves weigh
    between a quarter of the limit and the limit however unevenly a county is built: a regular quadtree would
    leave nearly empty tiles at every village's edge.

    Args:
        places: float64, shape (n, 2), n >= 1; where each feature is, metres in a plane.
        weights: float64, shape (n,), each > 0; estimated bytes of each feature.
        limit: estimated bytes of a leaf.
    """
    return _node("", np.arange(len(places), dtype=np.int64), places, weights, limit)


def _node(
    path: str,
    features: NDArray[np.int64],
    places: NDArray[np.float64],
    weights: NDArray[np.float64],
    limit: float,
) -> Node:
    node = Node(path, np.sort(features))
    if len(features) == 1 or weights[features].sum() <= limit:
        return node
    halves = _halves(features, places, weights)
    quarters = [
        quarter
        for half in halves
        for quarter in (_halves(half, places, weights) if weights[half].sum() > limit and len(half) > 1 else [half])
    ]
    node.children = [_node(f"{path}{i}", quarter, places, weights, limit) for i, quarter in enumerate(quarters)]
    return node


def _halves(
    features: NDArray[np.int64], places: NDArray[np.float64], weights: NDArray[np.float64]
) -> list[NDArray[np.int64]]:
    """Return `features` cut across their longer side into two parts of about the same weight, neither empty."""
    spot = places[features]
    axis = int(np.argmax(spot.max(axis=0) - spot.min(axis=0)))
    # Ties are broken by the other axis and then by number, so that the result never depends on a sort's whim.
    order = features[np.lexsort((features, spot[:, 1 - axis], spot[:, axis]))]
    total = np.cumsum(weights[order])
    cut = int(np.searchsorted(total, total[-1] / 2, side="right"))
    cut = min(max(cut, 1), len(order) - 1)
    return [order[:cut], order[cut:]]
