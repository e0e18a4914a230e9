"""COPC 1.0: the octree that a cloud-optimised LAZ file brings along, checked before it is believed.

It says in which order the chunks are near to each other.  Tiles have an octree of their own (decision record 0013).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from pointclouds.heads import LasHead, read_vlr
from pointclouds.packing import Rows

_INFO: Final = struct.Struct("<5d2Q2d")
_ENTRY: Final = np.dtype([("key", "<i4", (4,)), ("offset", "<u8"), ("bytes", "<i4"), ("points", "<i4")])
_DEEPEST: Final = 30


@dataclass(frozen=True, slots=True, eq=False)
class CopcOctree:
    """The octree of a COPC file, nodes depth first, each before those below it, wherever their chunks stand.

    Neighbours in this order are neighbours in space, which the order of the chunks in the file is free not to be.

    Attributes:
        keys: int32, shape (k, 4): level, x, y, z of each node that has points.
        rows: int64, shape (k, 3): where its chunk begins, its bytes, its points.
    """

    keys: NDArray[np.int32]
    rows: Rows


class BrokenOctreeError(ValueError):
    """The octree contradicts itself or the file; the points may still be read without it."""


def octree_of(head: LasHead) -> CopcOctree | None:
    """Return the octree of a COPC file, None where the file is none.

    Raises:
        BrokenOctreeError: it loops, points outside of the file, or does not hold the points that the head promises.
    """
    vlr = head.find("copc", 1)
    if vlr is None or not head.is_packed or head.format not in (6, 7, 8):
        return None
    data = read_vlr(head.path, vlr)
    if len(data) < _INFO.size:
        raise BrokenOctreeError("its info record is cut off")
    *centre, half_side, spacing, root_at, root_bytes, _, _ = _INFO.unpack_from(data)
    if not (np.isfinite((*centre, half_side, spacing)).all() and 0 < half_side < 1e10 and 0 < spacing < 1e10):
        raise BrokenOctreeError("its cube has no size")
    with head.path.open("rb") as file:
        entries = _entries(head, file, int(root_at), int(root_bytes))
    nodes = entries[entries["points"] > 0]
    _check(head, nodes)
    nodes = nodes[np.argsort(nodes["offset"], kind="stable")]
    starts = nodes["offset"].astype(np.int64)
    if (starts[1:] < starts[:-1] + nodes["bytes"][:-1]).any():
        raise BrokenOctreeError("chunks of its nodes overlap")
    nodes = nodes[_depth_first(nodes["key"])]
    starts = nodes["offset"].astype(np.int64)
    rows = np.stack([starts, nodes["bytes"].astype(np.int64), nodes["points"].astype(np.int64)], axis=1)
    return CopcOctree(np.ascontiguousarray(nodes["key"]), rows)


def _entries(head: LasHead, file: BinaryIO, root_at: int, root_bytes: int) -> NDArray[np.void]:
    """Return the entries of all pages; every page is read once, and all together are no longer than the file."""
    pages = [(root_at, root_bytes)]
    seen: set[int] = set()
    found: list[NDArray[np.void]] = []
    total = 0
    while pages:
        at, length = pages.pop()
        total += length
        if at in seen:
            raise BrokenOctreeError("a page of its hierarchy leads back to itself")
        if length <= 0 or length % _ENTRY.itemsize or at < head.points_at or at + length > head.size:
            raise BrokenOctreeError(f"a page of its hierarchy is said to be {length:,} bytes at {at:,}")
        if total > head.size:
            raise BrokenOctreeError("its hierarchy is larger than the file")
        seen.add(at)
        file.seek(at)
        entries = np.frombuffer(file.read(length), _ENTRY)
        found.append(entries)
        further = entries[entries["points"] == -1]
        pages += [(int(entry["offset"]), int(entry["bytes"])) for entry in further]
    return np.concatenate(found)


def _depth_first(keys: NDArray[np.int32]) -> NDArray[np.intp]:
    levels = keys[:, 0]
    deepest = int(levels.max())
    x, y, z = (keys[:, axis].astype(np.int64) << (deepest - levels) for axis in (1, 2, 3))
    # Which eighth of each cell on the way down; a node above goes with its first eighth, before what is there.
    eighths = [x >> at & 1 | (y >> at & 1) << 1 | (z >> at & 1) << 2 for at in range(deepest)]
    return np.lexsort((levels, *eighths))


def _check(head: LasHead, nodes: NDArray[np.void]) -> None:
    keys = nodes["key"]
    levels = keys[:, 0]
    if len(nodes) == 0 or levels.min() < 0 or levels.max() > _DEEPEST:
        raise BrokenOctreeError("its nodes have no level")
    if (keys[:, 1:] < 0).any() or (keys[:, 1:] >= np.left_shift(np.int64(1), levels.astype(np.int64))[:, None]).any():
        raise BrokenOctreeError("a node lies outside of its cube")
    if len(np.unique(keys, axis=0)) != len(nodes):
        raise BrokenOctreeError("a node stands in it twice")
    ends = nodes["offset"].astype(np.float64) + nodes["bytes"]
    if nodes["bytes"].min() <= 0 or nodes["offset"].min() < head.points_at + 8 or ends.max() > head.points_end:
        raise BrokenOctreeError("a node's chunk lies outside of the points")
    if int(nodes["points"].astype(np.int64).sum()) != head.count:
        raise BrokenOctreeError(
            f"its nodes hold {int(nodes['points'].astype(np.int64).sum()):,} points, the head promises {head.count:,}"
        )
