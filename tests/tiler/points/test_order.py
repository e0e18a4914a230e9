"""Which points stand for others, and the order in which a tile holds its points."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tiler.glb import Compression
from tiler.points.content import encode, quantize_places, tight_order
from tiler.points.metadata import PROPERTIES
from tiler.points.octree import GRID, Cell, Limits, grow

BITS = 14
STEP = 2**BITS // GRID  # of the root's grid


def hills(count: int, side: int) -> NDArray[np.uint32]:
    """Return points of a surface that no grid fits."""
    rng = np.random.default_rng(5)
    x, y = rng.integers(0, side, (2, count))
    z = 600 * np.sin(x / 900) + 500 * np.cos(y / 700) + 2000
    return np.stack([x, y, z.astype(np.int64)]).astype(np.uint32)


def apart(some: NDArray[np.uint32], others: NDArray[np.uint32]) -> NDArray[np.float64]:
    """Return distances of places, in cells of the root, shape (n, m)."""
    distances: NDArray[np.float64] = np.linalg.norm(
        (some.T[:, None] - others.T[None].astype(np.float64)) / STEP, axis=2
    )
    return distances


@pytest.mark.parametrize(("depth", "deviation", "closest"), [(0, 0.25, 0.4), (1, 0.25, 0.4), (2, 0.3, 0.35)])
def test_what_is_seen_at_a_level_is_even(depth: int, deviation: float, closest: float) -> None:
    """Below the third are leaves, so that it is not worth as much time."""
    places = hills(60_000, 32 * STEP)
    nodes = grow(places, Cell(0, (0, 0, 0)), BITS, 0, Limits(leaf=4_000, stray=20)).nodes
    seen = places[:, np.concatenate([node.rows for node in nodes if node.cell.depth <= depth])]
    seen, places = (some[:, (some[:2] < 16 * STEP).all(axis=0)] for some in (seen, places))
    between = apart(seen, seen) * 2**depth
    np.fill_diagonal(between, np.inf)
    nearest = between.min(axis=1)
    # Of the first points of cells in Morton order the deviation is 0.38 to 0.42 of the mean, and the closest
    # twentieth is within 0.17 to 0.23.
    assert nearest.std() < deviation * nearest.mean()
    assert np.percentile(nearest, 5) > closest
    # A cell without a point of its own has one beside it that is close.
    step = STEP >> depth
    cells = {tuple(cell) for cell in (seen // step).T.tolist()}
    lonely = places[:, [tuple(cell) not in cells for cell in (places // step).T.tolist()]]
    assert 0 < lonely.shape[1] < 0.15 * places.shape[1]
    assert (apart(lonely[:, ::7], seen) * 2**depth).min(axis=1).max() < 1.3


def test_points_of_cells_side_by_side_are_not_crowded() -> None:
    """Two cells of the root along each axis, with a point near the wall between them on either side of it."""
    wall = 5 * STEP  # in a cube of 8
    for axis in range(3):
        places = np.full((3, 2), 4 * STEP + STEP // 3, np.uint32)
        places[axis] = wall - STEP // 8, wall + STEP // 8
        assert shown(places) == 1
        places[axis] = wall - STEP // 3, wall + STEP // 3
        assert shown(places) == 2
        places[axis] = 8 * STEP - STEP // 8, 8 * STEP + STEP // 8  # of two cubes: nobody asks
        assert shown(places) == 2


def shown(places: NDArray[np.uint32]) -> int:
    """Return how many of few points the root shows, among others that are at one place far off."""
    far = np.full((3, 3_000), 2**BITS - 1, np.uint32)
    nodes = grow(np.concatenate([places, far], axis=1), Cell(0, (0, 0, 0)), BITS, 0, Limits(leaf=300, stray=0)).nodes
    return int(np.count_nonzero(nodes[0].rows < places.shape[1]))


def test_a_cell_has_its_point_where_all_cells_have_theirs() -> None:
    """Whatever level is looked at: a third of the way into cells of odd depth, two thirds into those of even depth."""
    rng = np.random.default_rng(1)
    places = rng.integers(0, 4 * STEP, (3, 200_000)).astype(np.uint32)
    nodes = grow(places, Cell(0, (0, 0, 0)), BITS, 0, Limits(leaf=20_000, stray=20)).nodes
    own = places[:, nodes[0].rows]
    assert own.shape[1] == 4**3
    assert np.abs(own % STEP / STEP - 1 / 3).max() < 0.125
    assert np.abs(own % (STEP // 2) / (STEP // 2) - 2 / 3).max() < 0.25


def test_a_tile_holds_its_points_in_an_order_that_takes_fewer_bytes() -> None:
    places = hills(20_000, 6_000)
    rng = np.random.default_rng(1)
    classes = rng.choice(np.array([2, 5, 6], np.uint32), places.shape[1])
    places[2] += 300 * classes

    def size(order: NDArray[np.intp]) -> int:
        quantized = quantize_places(places[:, order], 0.01, np.zeros(3))
        columns = [(PROPERTIES[0], classes[order])]
        how = Compression.MESHOPT
        return len(encode(quantized, None, columns, compression=how, copyright_lines=(), schema_uri=""))

    spread = [
        sum((int(v) >> bit & 1) << (3 * bit + axis) for axis, v in enumerate(p) for bit in range(BITS))
        for p in places.T
    ]
    tight = tight_order(places[0], places[1], classes.astype(np.uint16))
    assert np.array_equal(np.sort(tight), np.arange(places.shape[1]))
    assert size(tight) < 0.94 * size(np.argsort(np.array(spread), kind="stable"))


def test_the_order_holds_for_tiles_that_16_bits_do_not_hold() -> None:
    x = np.array([0, 3_000_000, 5, 3_000_000], np.uint32)
    y = np.array([9, 0, 3, 2_000_000], np.uint32)
    assert tight_order(x, y, np.zeros(4, np.uint16)).tolist() == [0, 2, 1, 3]
    assert tight_order(x, y, np.array([1, 0, 0, 0], np.uint16)).tolist() == [2, 1, 3, 0]
