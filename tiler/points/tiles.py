"""From runs to tiles: one partition, or one node above the partitions, is read, cut into nodes and written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tiler.glb import Compression
from tiler.points import dimensions, frames
from tiler.points.content import Quantized, encode, quantize_places, quantize_positions, tight_order
from tiler.points.cutting import Share
from tiler.points.ground import Ground, range_of
from tiler.points.metadata import (
    CLASSIFICATION,
    HEIGHT_ABOVE_GROUND,
    INTENSITY,
    NUMBER_OF_RETURNS,
    RETURN_NUMBER,
    SCHEMA_FILE,
    PointProperty,
    Range,
)
from tiler.points.octree import GRID, Cell, Limits, Node, grow
from tiler.points.partition import Cube
from tiler.points.runs import Segment, Table, read_segments, write_run
from tiler.points.spill import COLOUR, FACTS, PLACE_COLUMNS, Layer
from zwilling.errors import TilesetError

_SHIFTS: Final = {
    INTENSITY.id: (0, 0xFFFF),
    CLASSIFICATION.id: (16, 0xFF),
    RETURN_NUMBER.id: (24, 0xF),
    NUMBER_OF_RETURNS.id: (28, 0xF),
}


@dataclass(frozen=True, slots=True)
class Making:
    """What all workers must know to make tiles.

    Attributes:
        layer: the layer.
        cube: what the octree divides.
        limits: how large nodes are.
        properties: of points.
        compression: of vertices.
        copyright_lines: attribution.
        folder: where tiles go.
        ground: what heights are measured from; None where none are wanted, or there is no ground.
    """

    layer: Layer
    cube: Cube
    limits: Limits
    properties: tuple[PointProperty, ...]
    compression: Compression
    copyright_lines: tuple[str, ...]
    folder: Path
    ground: Ground | None = None

    @property
    def columns(self) -> int:
        """How many columns points have once a partition was read: those of runs, and their height above ground."""
        return self.layer.columns + (self.ground is not None)

    def spacing(self, depth: int) -> float:
        """Return metres between the points that a node at a depth shows, as far as its grid makes them even."""
        return self.layer.lattice.step * 2.0 ** (self.cube.bottom - depth) / GRID


@dataclass(frozen=True, slots=True)
class TileFacts:
    """What one tile is.

    Attributes:
        cell, part: which.
        parent: index of the tile above among those of the same task; -1 where it is to be looked for.
        points: how many it shows.
        size: bytes of its file.
        uri: of its file.
        low, high: corners of its points, in its frame.
        to_ecef: from its frame, shape (4, 4).
        error: how far a point is off at most, metres.
    """

    cell: Cell
    part: int
    parent: int
    points: int
    size: int
    uri: str
    low: tuple[float, float, float]
    high: tuple[float, float, float]
    to_ecef: NDArray[np.float64]
    error: float


@dataclass(frozen=True, slots=True)
class PartitionTask:
    """A partition whose tiles are to be made.

    Attributes:
        making: how.
        share: of which points.
        coarse: file for its points that belong to tiles above.
    """

    making: Making
    share: Share
    coarse: Path


@dataclass(frozen=True, slots=True)
class Made:
    """What came of a partition, or of a node above.

    Attributes:
        tiles: parents before children.
        coarse: by depth of the node above: its points among those that were handed on.
        heights: above ground, of all points of a partition.
    """

    tiles: tuple[TileFacts, ...]
    coarse: dict[int, Segment]
    heights: Range = field(default_factory=Range)


def make_partition(task: PartitionTask) -> Made:
    """Write the tiles of a partition, and to a file the points that belong above; runs in a worker."""
    making = task.making
    heights = Range()
    if making.ground is None:
        table = read_segments(task.share.segments, making.layer.columns)
    else:
        table = read_segments(task.share.segments, making.layer.columns, room=1)
        table[-1] = making.ground.heights(table[:PLACE_COLUMNS].view(np.int32))
        heights = range_of(table[-1])
    _into_cube(table, making.cube)
    share = task.share
    grown = grow(table[:PLACE_COLUMNS], share.cell, making.cube.bottom, share.first_depth, making.limits)
    coarse: dict[int, Segment] = {}
    if len(grown.coarse):
        write_run(task.coarse, table.take(grown.coarse, axis=1))
        depths, starts, counts = np.unique(grown.coarse_depths, return_index=True, return_counts=True)
        for depth, start, count in zip(depths.tolist(), starts.tolist(), counts.tolist(), strict=True):
            coarse[depth] = Segment(task.coarse, len(grown.coarse), start, count)
    nodes = [replace(node, part=share.first_part + node.part) for node in grown.nodes]
    return Made(_write(making, nodes, table), coarse, heights)


@dataclass(frozen=True, slots=True)
class CoarseTask:
    """A node above the partitions.

    Attributes:
        making: how.
        cell: which.
        segments: its points, in Morton order; coordinates within the cube.
    """

    making: Making
    cell: Cell
    segments: tuple[Segment, ...]


def make_coarse(task: CoarseTask) -> Made:
    """Write the tiles of a node above the partitions; runs in a worker."""
    table = read_segments(task.segments, task.making.columns)
    count = table.shape[1]
    pieces = -(-count // (2 * task.making.limits.leaf))
    nodes = [
        Node(task.cell, piece, -1 if piece == 0 else 0, np.arange(piece, count, pieces)) for piece in range(pieces)
    ]
    return Made(_write(task.making, nodes, table), {})


def _into_cube(table: Table, cube: Cube) -> None:
    """Count places from the cube's corner; they are signed until then."""
    for axis in range(PLACE_COLUMNS):
        table[axis] -= np.uint32(cube.low[axis] % 2**32)


def _write(making: Making, nodes: Sequence[Node], table: Table) -> tuple[TileFacts, ...]:
    if not nodes:
        return ()
    layer, cube = making.layer, making.cube
    own = [table.take(_tight(table, node.rows), axis=1) for node in nodes]
    ends = np.array([[part[:PLACE_COLUMNS].min(axis=1), part[:PLACE_COLUMNS].max(axis=1)] for part in own], np.int64)
    low = np.array(cube.low, np.int64)
    boxes = layer.lattice.positions((ends.reshape(-1, 3) + low).T).reshape(-1, 2, 3)
    way = layer.way()
    facts = []
    for node, part, box, frame in zip(nodes, own, boxes, frames.frames(boxes, way), strict=True):
        places = part[:PLACE_COLUMNS]
        if frame.is_affine:
            quantized = quantize_places(places, layer.lattice.step, box[0] - frame.centre)
        else:
            positions = layer.lattice.positions(places.astype(np.int64) + low[:, None])
            quantized = quantize_positions(frame.local(positions, way), layer.lattice.step / 2)
        data = encode(
            quantized,
            part[COLOUR] if layer.has_colour else None,
            [(prop, _values(part, prop, layer)) for prop in making.properties],
            compression=making.compression,
            copyright_lines=making.copyright_lines,
            schema_uri=f"../{SCHEMA_FILE}",
        )
        facts.append(_facts(making, node, quantized, frame, data))
    return tuple(facts)


def _tight(table: Table, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the rows of a node in the order in which its tile holds them."""
    x, y, facts = (table[column].take(rows) for column in (0, 1, FACTS))
    return rows.take(tight_order(x, y, (facts >> np.uint32(16)).astype(np.uint16)))


def _values(part: Table, prop: PointProperty, layer: Layer) -> NDArray[np.generic]:
    if prop.id == HEIGHT_ABOVE_GROUND.id:
        heights: NDArray[np.uint32] = part[-1]
        return heights
    if prop.column in layer.dimensions:
        numbers = dimensions.taken(part[layer.columns_of(layer.dimensions.index(prop.column))])
        return dimensions.stored(numbers, prop)
    shift, mask = _SHIFTS[prop.id]
    facts: NDArray[np.uint32] = part[FACTS] >> np.uint32(shift) & np.uint32(mask)
    return facts


def _facts(making: Making, node: Node, quantized: Quantized, frame: frames.Frame, data: bytes) -> TileFacts:
    name = node.cell.name + (f"-{node.part}" if node.part else "")
    uri = f"{node.cell.depth}/{name}.glb"
    path = making.folder / uri
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise TilesetError(
            f"cannot be written ({error.strerror})",
            source=path,
            remedy="free some disk space or choose another folder with -o",
        ) from error
    (x0, y0, z0), (x1, y1, z1) = quantized.low.tolist(), quantized.high.tolist()
    return TileFacts(
        cell=node.cell,
        part=node.part,
        parent=node.parent,
        points=len(node.rows),
        size=len(data),
        uri=uri,
        low=(x0, y0, z0),
        high=(x1, y1, z1),
        to_ecef=frame.to_ecef,
        error=quantized.error + frame.error,
    )
