"""From files to runs: one piece of a file is read, put on the layer's grid, sorted by cell and stored."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tiler.points import colours, dimensions, ground
from tiler.points.frames import georeference, remember
from tiler.points.lattice import LayerLattice
from tiler.points.metadata import PointStatistics, Range
from tiler.points.runs import Index, Table, sort_by_cell, write_run
from zwilling.crs import Georeference
from zwilling.errors import SourceError, UnknownCRSError
from zwilling.issues import Issue
from zwilling.points import PointBatch, PointSource
from zwilling.region import Region

PLACE_COLUMNS: Final = 3
FACTS: Final = 3
"""Column of a run: intensity in 16 bits, class in 8, number of the return and of all returns in 4 each."""
COLOUR: Final = 4
"""Column of a run: see `colours.packed`."""

UNCOLOURED: Final = 0xFFB0B0B0
"""A light grey, for points without colour in a layer that has some."""

COLOURS: Final = ("red", "green", "blue")


@dataclass(frozen=True, slots=True)
class Layer:
    """What all workers must know of a layer.

    Attributes:
        crs: canonical name of the CRS that its grid is in.
        region: the county.
        lattice: the grid.
        cell_bits: cells of runs are `2 ** cell_bits` steps a side.
        has_colour: whether any of its files has.
        drop_classes: points of these are left out.
        dimensions: LAS names of what else points carry, in this order.
        ground_bits: cells of ground are `2 ** ground_bits` steps a side; None where no heights above it are wanted.
    """

    crs: str
    region: Region
    lattice: LayerLattice
    cell_bits: int
    has_colour: bool
    drop_classes: frozenset[int]
    dimensions: tuple[str, ...] = ()
    ground_bits: int | None = None

    @property
    def columns(self) -> int:
        """How many columns runs have."""
        return PLACE_COLUMNS + 1 + self.has_colour + dimensions.COLUMNS_EACH * len(self.dimensions)

    def columns_of(self, number: int) -> slice:
        """Return which columns of a run hold the dimension of this number."""
        first = PLACE_COLUMNS + 1 + self.has_colour + dimensions.COLUMNS_EACH * number
        return slice(first, first + dimensions.COLUMNS_EACH)

    def way(self, crs: str | None = None) -> Georeference:
        """Return the way from a CRS, the layer's if None, to the ellipsoid; each process makes it once."""
        return georeference(crs or self.crs, remember(self.region))


@dataclass(frozen=True, slots=True)
class SpillTask:
    """One piece of a file.

    Attributes:
        source, chunk: which.
        number: of the file in the canonical order of all.
        layer: where to.
        path: of the run.
    """

    source: PointSource
    number: int
    chunk: int
    layer: Layer
    path: Path


@dataclass(frozen=True, slots=True)
class Spilled:
    """What became of one piece of a file.

    Attributes:
        index: its points by cell; None where none were kept.  It stands beside the run, too.
        points_in: how many were read.
        dropped: how many were left out for their class.
        outside: how many lie where the CRS does not reach.
        first_outside: the first of them: x, y, z in the file's CRS.
        is_rounded: the file's grid does not fit the layer's.
        statistics: of the points kept.
        dropped_classes: points left out by class, shape (256,).
        low, high: bounds of the points kept, on the layer's grid.
        issues: findings of the reader.
        ground: of all points read, where heights above it are wanted and there is any.
    """

    index: Index | None
    points_in: int
    dropped: int
    outside: int
    first_outside: tuple[float, float, float] | None
    is_rounded: bool
    statistics: PointStatistics
    dropped_classes: NDArray[np.int64]
    low: tuple[int, int, int]
    high: tuple[int, int, int]
    issues: tuple[Issue, ...]
    ground: ground.Found | None = None


def spill(task: SpillTask) -> Spilled | SourceError | UnknownCRSError:
    """Read one piece, store it as a run and return what is in it, or why it cannot be read; runs in a worker.

    Raises:
        TilesetError: the disk is full.
    """
    try:
        return _spill(task)
    except (SourceError, UnknownCRSError) as error:
        return error


def _spill(task: SpillTask) -> Spilled:
    batch = task.source.read(task.chunk)
    count = len(batch)
    dropped = np.zeros(256, np.int64)
    classes = _bytes(batch, "classification")
    found = _ground(batch, classes, task)
    if classes is not None and task.layer.drop_classes:
        is_dropped = np.zeros(256, np.bool_)
        is_dropped[sorted(task.layer.drop_classes)] = True
        hit = is_dropped.take(classes)
        if hit.any():
            dropped = np.bincount(classes[hit], minlength=256)
            batch = _only(batch, ~hit)
    if not len(batch):
        nowhere = (0, 0, 0)
        none = PointStatistics.none()
        return Spilled(
            None, count, int(dropped.sum()), 0, None, False, none, dropped, nowhere, nowhere, batch.issues, found
        )
    places, within, is_rounded = _place(batch, task.source.head.crs, task.layer)
    first_outside = None
    outside = 0
    if within is not None:
        outside = int(len(within) - np.count_nonzero(within))
        x, y, z = _positions(batch, slice(int(np.argmin(within)), int(np.argmin(within)) + 1))[0].tolist()
        first_outside = (x, y, z)
        batch, places = _only(batch, within), places[:, within]
    index = None
    low = high = (0, 0, 0)
    if len(batch):
        order, index = sort_by_cell(places, task.layer.cell_bits)
        ends = places.min(axis=1).tolist(), places.max(axis=1).tolist()
        low, high = (ends[0][0], ends[0][1], ends[0][2]), (ends[1][0], ends[1][1], ends[1][2])
        write_run(task.path, _table(places, batch, order, task))
        index.write(task.path)
    return Spilled(
        index, count, int(dropped.sum()), outside, first_outside, is_rounded, _statistics(batch, task.layer), dropped,
        low, high, batch.issues, found,
    )  # fmt: skip


def _ground(batch: PointBatch, classes: NDArray[np.uint8] | None, task: SpillTask) -> ground.Found | None:
    """Store the ground among the points of a piece and return where it is; None where none is wanted, or there."""
    if task.layer.ground_bits is None or classes is None:
        return None
    is_ground = np.zeros(256, np.bool_)
    is_ground[list(ground.GROUND_CLASSES)] = True
    hit = is_ground.take(classes)
    if not hit.any():
        return None
    places, within, _ = _place(
        PointBatch(batch.xyz.take(np.flatnonzero(hit), axis=0), batch.lattice, {}), task.source.head.crs, task.layer
    )
    if within is not None:
        places = places[:, within]
    if not places.shape[1]:
        return None
    return ground.store(ground.Sums.of(places, task.layer.ground_bits), task.path.with_name(f"{task.path.name}.ground"))


def _only(batch: PointBatch, keep: NDArray[np.bool_]) -> PointBatch:
    rows = np.flatnonzero(keep)  # by which numpy takes points five times as fast as by a mask
    columns = {name: column.take(rows) for name, column in batch.columns.items()}
    return PointBatch(batch.xyz.take(rows, axis=0), batch.lattice, columns, batch.issues)


def _positions(batch: PointBatch, rows: slice = slice(None)) -> NDArray[np.float64]:
    """Return coordinates in the file's CRS, shape (n, 3)."""
    positions: NDArray[np.float64] = batch.xyz[rows] * np.array(batch.lattice.scale) + np.array(batch.lattice.offset)
    return positions


def _place(batch: PointBatch, crs: str, layer: Layer) -> tuple[NDArray[np.int32], NDArray[np.bool_] | None, bool]:
    """Return places on the layer's grid, which of them can be placed (None: all), and whether any were rounded."""
    if crs == layer.crs and layer.lattice.factors(batch.lattice) is not None:
        places, within = layer.lattice.exact(batch.xyz, batch.lattice)
        ends = layer.lattice.positions(np.stack([places.min(axis=1), places.max(axis=1)], axis=1))
        if within is None and layer.way().reaches(_box(ends)).all():
            return places, None, False
        return places, _both(within, reachable(_positions(batch), layer.way())), False
    positions = _positions(batch)
    reached = _mask(positions, layer.way(crs))
    if crs != layer.crs and reached.any():
        rows = np.flatnonzero(reached)
        positions[rows] = layer.way().from_ecef(layer.way(crs).to_ecef(positions[rows]))
        # What one CRS reaches may lie beyond the other.
        reached[rows] = _mask(positions[rows], layer.way())
    places, within = layer.lattice.rounded(positions)
    return places, _both(within, None if bool(reached.all()) else reached), True


def _mask(positions: NDArray[np.float64], way: Georeference) -> NDArray[np.bool_]:
    reached = reachable(positions, way)
    return np.ones(len(positions), np.bool_) if reached is None else reached


def _both(one: NDArray[np.bool_] | None, other: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _box(ends: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([[ends[i, 0], ends[j, 1], ends[k, 2]] for i, j, k in product((0, 1), repeat=3)])


def reachable(positions: NDArray[np.float64], way: Georeference) -> NDArray[np.bool_] | None:
    """Return which positions the CRS reaches; None where it reaches all.

    The area of a CRS is convex enough that a box lies in it when its corners do, so few are asked where all are right.
    """
    if way.reaches(_box(np.array([positions.min(axis=0), positions.max(axis=0)]))).all():
        return None
    is_reached = way.reaches(positions)
    return None if bool(is_reached.all()) else is_reached


def _table(places: NDArray[np.int32], batch: PointBatch, order: NDArray[np.intp], task: SpillTask) -> Table:
    table = np.empty((task.layer.columns, len(order)), np.uint32)
    for axis in range(PLACE_COLUMNS):
        places[axis].view(np.uint32).take(order, out=table[axis], mode="clip")
    _facts(batch).take(order, out=table[FACTS], mode="clip")
    if task.layer.has_colour:
        channels = [batch.columns.get(name) for name in COLOURS]
        if any(channel is None for channel in channels):
            table[COLOUR] = UNCOLOURED
        else:
            red, green, blue = (np.asarray(channel, np.uint16) for channel in channels)
            of_8_bits = task.source.head.has_colours_of_8_bits
            colours.packed(red, green, blue, of_8_bits=of_8_bits).take(order, out=table[COLOUR], mode="clip")
    for number, name in enumerate(task.layer.dimensions):
        dimensions.put(batch, name, order, table[task.layer.columns_of(number)])
    return table


def _facts(batch: PointBatch) -> NDArray[np.uint32]:
    facts = np.zeros((len(batch), 2), np.uint16)
    columns = batch.columns
    intensity = columns.get("intensity")
    if intensity is not None:
        facts[:, 0] = intensity
    high = facts[:, 1]
    number, returns = _bytes(batch, "return_number"), _bytes(batch, "number_of_returns")
    classes = _bytes(batch, "classification")
    if number is not None:
        high |= (number & np.uint8(15)).astype(np.uint16) << np.uint16(8)
    if returns is not None:
        high |= (returns & np.uint8(15)).astype(np.uint16) << np.uint16(12)
    if classes is not None:
        high |= classes
    whole: NDArray[np.uint32] = facts.view("<u4").ravel()
    return whole


def _bytes(batch: PointBatch, name: str) -> NDArray[np.uint8] | None:
    column = batch.columns.get(name)
    return None if column is None else column.astype(np.uint8, copy=False)


def _statistics(batch: PointBatch, layer: Layer) -> PointStatistics:
    classes = _bytes(batch, "classification")
    counts = np.zeros(256, np.int64)
    if classes is None:
        counts[0] = len(batch)
    else:
        counts += np.bincount(classes, minlength=256)
    ranges: dict[str, tuple[float, float]] = {}
    for name in ("intensity", "return_number", "number_of_returns"):
        column = batch.columns.get(name)
        if len(batch):
            ends = (0, 0) if column is None else (int(column.min()), int(column.max()))
            ranges[name.upper()] = ends
    further = {name: Range.of(batch.columns.get(name), len(batch)) for name in layer.dimensions}
    return PointStatistics(counts, ranges, further)
