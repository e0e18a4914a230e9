"""The tree of a tileset of points: volumes from the leaves up, frames from the root down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tiler.points.octree import Cell
from tiler.points.tiles import TileFacts
from tiler.tileset import Tile
from zwilling.bounds import Box

_MARGIN_M: Final = 0.001  # around points, so that no box is flat


@dataclass(slots=True)
class _Branch:
    """A tile and those below it."""

    facts: TileFacts
    children: list[_Branch] = field(default_factory=list)


def tree(groups: Sequence[Sequence[TileFacts]], spacing: Callable[[int], float]) -> Tile:
    """Return the root of the tree of all tiles.

    Args:
        groups: tiles of each task, in Morton order, parents before children.
        spacing: metres between the points of a node at a depth of the octree.
    """
    branches = [[_Branch(facts) for facts in group] for group in groups]
    by_cell = {branch.facts.cell: branch for group in branches for branch in group if branch.facts.part == 0}
    roots: list[_Branch] = []
    for group in branches:
        for branch in group:
            if branch.facts.parent >= 0:
                group[branch.facts.parent].children.append(branch)
                continue
            above = _above(branch.facts.cell, by_cell)
            (roots if above is None else above.children).append(branch)
    if len(roots) != 1:
        raise ValueError(f"a tree has one root, not {len(roots)}")
    return _tile(roots[0], spacing, np.eye(4))


def _above(cell: Cell, by_cell: dict[Cell, _Branch]) -> _Branch | None:
    """Return the tile of the nearest cell above that has one."""
    return next((by_cell[up] for depth in range(cell.depth - 1, -1, -1) if (up := cell.above(depth)) in by_cell), None)


def _tile(branch: _Branch, spacing: Callable[[int], float], above: NDArray[np.float64]) -> Tile:
    facts = branch.facts
    children = [_tile(child, spacing, facts.to_ecef) for child in branch.children]
    volume = Box(facts.low, facts.high).grown(_MARGIN_M)
    if children:
        corners = [volume.corners]
        for child in children:
            frame = child.to_parent
            corners.append(child.bounding_volume.corners @ frame[:3, :3].T + frame[:3, 3])
        volume = Box.around(np.concatenate(corners))
    return Tile(
        geometric_error=spacing(facts.cell.depth) if children else 0.0,
        bounding_volume=volume,
        to_parent=np.linalg.inv(above) @ facts.to_ecef,
        content_uri=facts.uri,
        children=children,
    )
