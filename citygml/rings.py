"""Coordinate texts to rings of vertices, for all polygons of a batch at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from citygml.surfaces import Polygon

# Stands between two rings while all texts are parsed in one call; no coordinate is as large.
_BETWEEN = 9e99
# Millimetres in UTM are read, and answered with what is wrong with them once they are placed.
_LARGEST = 1e11
# Metres: a height that says "no data" (-9999), or has slipped by some digits, would stand as a spike in the scene and
# stretch the tile that it is in.
_LOWEST_HEIGHT, _GREATEST_HEIGHT = -1_000.0, 10_000.0


@dataclass(frozen=True, slots=True)
class Rings:
    """Rings as columns; the rings of one polygon follow each other, its outer ring first.

    Attributes:
        vertices: float64, shape (v, 3), as they stand in the source; the closing vertex of a ring and repetitions
            of the vertex before are left out.
        start: int64, shape (r,); first vertex of each ring.
        length: int64, shape (r,); number of vertices, 0 where a ring could not be read.
        polygon: int64, shape (r,); number of the ring's polygon, not descending.
        is_outer: bool, shape (r,).
        is_open: bool, shape (r,); its last vertex was not its first (val3dity 103).
        has_repeats: bool, shape (r,); vertices were left out that repeat the one before (val3dity 102).
        is_unreadable: bool, shape (r,); the text held something other than finite numbers, not the right count, or
            heights at which there is nothing on earth.
    """

    vertices: NDArray[np.float64]
    start: NDArray[np.int64]
    length: NDArray[np.int64]
    polygon: NDArray[np.int64]
    is_outer: NDArray[np.bool_]
    is_open: NDArray[np.bool_]
    has_repeats: NDArray[np.bool_]
    is_unreadable: NDArray[np.bool_]


_FLOATS = msgspec.json.Decoder(list[float])
_NO_FLAG = np.zeros(0, bool)
_NO_NUMBER = np.zeros(0, np.int64)
_NONE = Rings(np.zeros((0, 3)), _NO_NUMBER, _NO_NUMBER, _NO_NUMBER, _NO_FLAG, _NO_FLAG, _NO_FLAG, _NO_FLAG)


def read_rings(polygons: Sequence[Polygon]) -> Rings:
    """Return the rings of `polygons`; two-dimensional vertices get z = 0."""
    texts = cast(list[str], [text for polygon in polygons for text in polygon.rings])
    dimensions = np.fromiter((polygon.dimension for polygon in polygons), np.int64, len(polygons))
    polygon, is_outer = _owners(polygons)
    if not texts:
        return _NONE
    numbers, size, unreadable = _parse(texts)
    dimension = dimensions[polygon]
    unreadable |= (size % dimension != 0) | (size == 0)
    vertices, length = _vertices(numbers, size, dimension, unreadable)
    return _tidy(vertices, length, polygon, is_outer, unreadable)


def indexed_rings(polygons: Sequence[Polygon], vertices: NDArray[np.float64]) -> Rings:
    """Return the rings of `polygons`, which are numbers of `vertices`; an empty one could not be read.

    The first vertex is not repeated at a ring's end here, so none is open.
    """
    numbers = cast(list[Sequence[int]], [ring for polygon in polygons for ring in polygon.rings])
    if not numbers:
        return _NONE
    polygon, is_outer = _owners(polygons)
    length = np.fromiter(map(len, numbers), np.int64, len(numbers))
    index = np.fromiter(chain.from_iterable(numbers), np.int64, int(length.sum()))
    rings = _tidy(vertices[index], length, polygon, is_outer, length == 0)
    return replace(rings, is_open=np.zeros(len(numbers), bool))


def _owners(polygons: Sequence[Polygon]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return for each ring the number of its polygon, and whether it is its outer one."""
    counts = np.fromiter((len(polygon.rings) for polygon in polygons), np.int64, len(polygons))
    polygon = np.repeat(np.arange(len(polygons)), counts)
    is_outer = np.zeros(len(polygon), bool)
    is_outer[(np.cumsum(counts) - counts)[counts > 0]] = True
    return polygon, is_outer


def _parse(texts: list[str]) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]:
    """Return all numbers, how many each text holds, and which texts are not numbers throughout."""
    unreadable = np.zeros(len(texts), bool)
    try:
        numbers = _numbers(" 9e99 ".join(texts))
        between = np.flatnonzero(numbers == _BETWEEN)
    except (ValueError, DeprecationWarning):
        between = np.zeros(0, np.int64)
    if len(between) != len(texts) - 1:
        # Some text is at fault: look at each alone.
        rows = []
        for i, text in enumerate(texts):
            try:
                row = np.array(text.split(), np.float64)
            except ValueError:
                row = np.zeros(0)
                unreadable[i] = True
            rows.append(row)
        size = np.array([len(row) for row in rows])
        return np.concatenate(rows), size, unreadable
    edges = np.concatenate(([-1], between, [len(numbers)]))
    return np.delete(numbers, between), np.diff(edges) - 1, unreadable


def _numbers(text: str) -> NDArray[np.float64]:
    # A decoder of JSON makes the same numbers in a quarter of numpy's time.  A comma must not pass as a blank.
    if "," not in text:
        row = " ".join(text.split()) if "\n" in text or "  " in text else text
        try:
            return np.array(_FLOATS.decode(f"[{row.replace(' ', ',')}]"), np.float64)
        except msgspec.DecodeError:
            pass  # XML also has +1, 1. and 007, and there is what is no number at all
    # numpy before 2.3 only warns about what is no number and stops there: the count of rings then tells.
    return np.fromstring(text, sep=" ")


def _vertices(
    numbers: NDArray[np.float64],
    size: NDArray[np.int64],
    dimension: NDArray[np.int64],
    unreadable: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return vertices of shape (v, 3) and their number per ring; unreadable rings get none."""
    if unreadable.any():
        numbers = numbers[np.repeat(~unreadable, size)]
        size = np.where(unreadable, 0, size)
    length = size // dimension
    if (dimension == 3).all():
        return numbers.reshape(-1, 3), length
    is_flat = np.repeat(dimension == 2, length)
    width = np.where(is_flat, 2, 3)
    first = np.cumsum(width) - width
    vertices = np.zeros((len(width), 3))
    vertices[:, 0] = numbers[first]
    vertices[:, 1] = numbers[first + 1]
    vertices[~is_flat, 2] = numbers[first[~is_flat] + 2]
    return vertices, length


def _tidy(
    vertices: NDArray[np.float64],
    length: NDArray[np.int64],
    polygon: NDArray[np.int64],
    is_outer: NDArray[np.bool_],
    unreadable: NDArray[np.bool_],
) -> Rings:
    """Return rings without closing vertices and repetitions, and without what is not finite."""
    count = len(length)
    ring = np.repeat(np.arange(count), length)
    with np.errstate(invalid="ignore"):
        heights = vertices[:, 2]
        wild = ~(np.abs(vertices) < _LARGEST).all(axis=1)
        wild |= (heights < _LOWEST_HEIGHT) | (heights > _GREATEST_HEIGHT)
    if wild.any():
        unreadable = unreadable.copy()
        unreadable[ring[wild]] = True
        keep = ~unreadable[ring]
        vertices, ring = vertices[keep], ring[keep]
        length = np.where(unreadable, 0, length)
    end = np.cumsum(length)
    start = end - length
    filled = length > 0
    first, last = start[filled], end[filled] - 1
    closes = np.zeros(count, bool)
    closes[filled] = (vertices[first] == vertices[last]).all(axis=1) & (length[filled] > 1)
    repeats = np.zeros(len(vertices), bool)
    repeats[1:] = (vertices[1:] == vertices[:-1]).all(axis=1) & (ring[1:] == ring[:-1])
    dropped = repeats.copy()
    # A ring that ends by repeating its closing vertex loses the whole run: the run's head is the closing vertex.
    has_repeats = np.zeros(count, bool)
    if repeats.any():
        has_repeats[ring[repeats]] = True
    head = np.arange(len(vertices))
    head[repeats] = 0
    head = np.maximum.accumulate(head)
    closing = head[end[closes] - 1]
    dropped[closing[closing != start[closes]]] = True
    kept = ~dropped
    new_length = np.bincount(ring[kept], minlength=count).astype(np.int64)
    return Rings(
        vertices=vertices[kept],
        start=np.cumsum(new_length) - new_length,
        length=new_length,
        polygon=polygon,
        is_outer=is_outer,
        is_open=~closes & filled,
        has_repeats=has_repeats,
        is_unreadable=unreadable,
    )
