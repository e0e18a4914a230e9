"""Which points stand for others, and the order in which a tile holds its points."""

from __future__ import annotations

import numpy as np
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


def distances(places: NDArray[np.uint32], rows: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return each point's distance to its nearest neighbour, in cells."""
    shown = places[:, rows].T / STEP
    found = np.linalg.norm(shown[:, None] - shown[None], axis=2)
    np.fill_diagonal(found, np.inf)
    nearest: NDArray[np.float64] = found.min(axis=1)
    return nearest


def test_points_that_stand_for_a_cell_are_more_even_than_those_in_its_low_corner() -> None:
    places = hills(60_000, 32 * STEP)
    limits = Limits(leaf=20_000, stray=20)
    own = grow(places, Cell(0, (0, 0, 0)), BITS, 0, limits).nodes[0].rows
    cells = places // STEP
    codes = [
        sum((int(value) >> bit & 1) << (3 * bit + axis) for axis, value in enumerate(place) for bit in range(BITS))
        for place in places.T
    ]
    low: dict[tuple[int, ...], int] = {}
    for row in np.argsort(np.array(codes), kind="stable").tolist():
        low.setdefault(tuple(cells[:, row].tolist()), row)
    # One point of each cell, which is what makes the spacing true.
    assert len(own) == len(low) == len({tuple(cell) for cell in cells[:, own].T.tolist()})
    ours, corners = distances(places, own), distances(places, np.array(list(low.values())))
    assert ours.std() / ours.mean() < 0.92 * corners.std() / corners.mean()
    assert np.percentile(ours, 5) > 1.05 * np.percentile(corners, 5)


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
