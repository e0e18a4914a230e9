"""Features between reading and writing: on disk, so that memory does not grow with the county.

Each batch is converted to ECEF and gets its blocks; both are one file, with the attributes that they share.
"""

from __future__ import annotations

import mmap
import pickle
import shutil
import struct
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tiler.blocks import blocks
from tiler.facts import RowFacts
from tiler.foundations import Foundations
from tiler.statistics import TableStatistics
from zwilling.bounds import METRES_PER_DEGREE
from zwilling.crs import Georeference
from zwilling.features import FeatureBatch, Property
from zwilling.issues import Issue

# Measured over the real NRW files, compressed: what a triangle and a row of attributes come to in a tile.
_BYTES_PER_TRIANGLE = 8.0
_BYTES_PER_ROW = 260.0
_ECEF = "EPSG:4978"
# Batches that each process keeps at hand: neighbouring tiles need the same ones.  One takes some 2 MB.
_OPEN_BATCHES = 4
_ALIGNMENT = 8  # of arrays in a file, as numpy likes it
# Ground points kept of each batch; the grid that is made of them is coarse.
_GROUND_POINTS = 4096


@dataclass(frozen=True, slots=True)
class Piece:
    """The features of one batch, and what the tree must know of them; arrays have one entry for each feature.

    Attributes:
        name: of the batch's file in the store.
        ids: the features' ids.
        bounds: west, south, east, north (degrees), low, high (ellipsoidal metres), shape (f, 6).
        deviation: metres between a feature's roof and that of its block.
        size: diagonal in metres: the error of not drawing the feature at all.
        weight, coarse_weight: estimated bytes of the feature and of its blocks in a tile.
        triangles: how many triangles all features have together.
    """

    name: str
    ids: NDArray[np.object_]
    bounds: NDArray[np.float64]
    deviation: NDArray[np.float64]
    size: NDArray[np.float64]
    weight: NDArray[np.float64]
    coarse_weight: NDArray[np.float64]
    triangles: int


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of one batch.

    Attributes:
        piece: its features; None where it had none.
        properties: the batch's schema.
        statistics: of the batch's attributes.
        facts: of the batch's rows.
        foundations: corners of the ground surfaces, by the batch's rows.
        ground: some of these corners, shape (n, 3).
    """

    piece: Piece | None
    features_in: int
    issues: tuple[Issue, ...]
    properties: tuple[Property, ...]
    statistics: TableStatistics
    facts: RowFacts
    foundations: Foundations
    ground: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Store:
    """A folder of batches; several processes may add to it under names of their own."""

    folder: Path

    @classmethod
    def create(cls, parent: Path) -> Store:
        """Return a new store in `parent`.  No other ever has its name, so what is kept of its files stays true."""
        return cls(Path(tempfile.mkdtemp(prefix=".store-", dir=parent)))

    def remove(self) -> None:
        """Remove the store, and what this process keeps of it."""
        _read.cache_clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def add(self, batch: FeatureBatch, georeference: Georeference | None, name: str) -> Stored:
        """Store `batch` and return what the tree must know of it.

        Args:
            batch: features in a source's CRS.
            georeference: the way from there to the ellipsoid; None where the batch has no feature.
            name: unique within the store.
        """
        if georeference is None:
            return _stored(batch, None, Foundations.none())
        coarse = blocks(batch)
        bounds = _bounds(batch, georeference)
        # At once, since blocks stand on the same places.
        ecef = georeference.to_ecef(np.concatenate([batch.positions, coarse.batch.positions]))
        fine = replace(batch, crs=_ECEF, positions=ecef[: len(batch.positions)], issues=())
        far = replace(coarse.batch, crs=_ECEF, positions=ecef[len(batch.positions) :])
        _write(self.folder / name, (fine, far))
        piece = Piece(
            name,
            batch.feature_ids,
            bounds,
            coarse.deviation,
            _size(bounds),
            _weight(fine),
            _weight(far),
            len(fine.triangles),
        )
        return _stored(batch, piece, Foundations.of(batch, georeference))

    def load(self, parts: Sequence[tuple[str, NDArray[np.int64]]], *, is_coarse: bool) -> FeatureBatch:
        """Return one batch in ECEF of some features of some pieces.

        Args:
            parts: name of a piece, and numbers of its features.
            is_coarse: their blocks instead of themselves.
        """
        return FeatureBatch.concatenate(
            [_read(self.folder / name)[is_coarse].select(features) for name, features in parts]
        )


def _write(path: Path, stored: tuple[FeatureBatch, FeatureBatch]) -> None:
    """Write features and their blocks; what both share is written once, and arrays as they are.

    The file is a count, as many lengths, and the pickle and its arrays, each of them on an aligned place.
    """
    arrays: list[pickle.PickleBuffer] = []
    head = pickle.dumps(stored, protocol=5, buffer_callback=arrays.append)
    sections = [memoryview(head), *(array.raw() for array in arrays)]
    with path.open("wb") as file:
        file.write(struct.pack(f"<{1 + len(sections)}Q", len(sections), *map(len, sections)))
        for section in sections:
            file.write(section)
            file.write(bytes(-len(section) % _ALIGNMENT))


@lru_cache(_OPEN_BATCHES)
def _read(path: Path) -> tuple[FeatureBatch, FeatureBatch]:
    """Return the features of a file, and their blocks; of their arrays, only what is used is ever read."""
    with path.open("rb") as file:
        content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    (count,) = struct.unpack_from("<Q", content)
    place = 8 * (1 + count)
    sections = []
    for length in struct.unpack_from(f"<{count}Q", content, 8):
        sections.append(content[place : place + length])
        place += length + -length % _ALIGNMENT
    head, *arrays = sections
    stored: tuple[FeatureBatch, FeatureBatch] = pickle.loads(head, buffers=arrays)  # noqa: S301 - this run wrote it
    return stored


def _stored(batch: FeatureBatch, piece: Piece | None, foundations: Foundations) -> Stored:
    statistics, facts = TableStatistics.of(batch.table), RowFacts.of(batch)
    step = -(-len(foundations.row) // _GROUND_POINTS) or 1
    ground = foundations.places[::step]
    return Stored(
        piece, batch.features_in, batch.issues, batch.table.properties, statistics, facts, foundations, ground
    )


def _weight(batch: FeatureBatch) -> NDArray[np.float64]:
    count = len(batch.feature_ids)
    triangles = np.bincount(batch.row_feature[batch.triangle_row], minlength=count)
    rows = np.bincount(batch.row_feature, minlength=count)
    weight: NDArray[np.float64] = _BYTES_PER_TRIANGLE * triangles + _BYTES_PER_ROW * rows
    return weight


def _bounds(batch: FeatureBatch, georeference: Georeference) -> NDArray[np.float64]:
    """Return west, south, east, north (degrees), low, high (ellipsoidal metres) of each feature, shape (f, 6).

    The four corners of the box in the source's CRS are converted, since its grid north is not true north.
    """
    corners = batch.positions[batch.triangles.ravel()]
    first = 3 * np.searchsorted(batch.row_feature[batch.triangle_row], np.arange(len(batch.feature_ids)))
    low, high = np.minimum.reduceat(corners, first), np.maximum.reduceat(corners, first)
    x, y, z = (np.stack([low[:, axis], high[:, axis]], axis=1) for axis in range(3))
    box = np.stack([x[:, [0, 0, 1, 1]], y[:, [0, 1, 0, 1]], z[:, [0, 0, 1, 1]]], axis=2)
    lon, lat, height = georeference.to_geographic(box.reshape(-1, 3)).reshape(-1, 4, 3).transpose(2, 0, 1)
    return np.stack([lon.min(1), lat.min(1), lon.max(1), lat.max(1), height.min(1), height.max(1)], axis=1)


def _size(bounds: NDArray[np.float64]) -> NDArray[np.float64]:
    west, south, east, north, low, high = bounds.T
    squeeze = np.cos(np.radians((south + north) / 2))
    sides = ((east - west) * METRES_PER_DEGREE * squeeze, (north - south) * METRES_PER_DEGREE, high - low)
    diagonal: NDArray[np.float64] = np.sqrt(sum(side**2 for side in sides))
    return diagonal
