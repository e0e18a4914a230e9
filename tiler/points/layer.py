"""What a layer is made in: one CRS and one grid for all its files, planned from their heads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tiler.points.frames import georeference, remember
from tiler.points.ground import cell_bits_of
from tiler.points.lattice import LayerLattice, finest_reach
from tiler.points.metadata import PROPERTIES
from tiler.points.spill import COLOURS, Layer
from zwilling.crs import ELLIPSOIDAL, parse_crs
from zwilling.crs.plane import PlaneCRS, utm_at
from zwilling.errors import EmptyGeometryError, UnknownCRSError
from zwilling.points import PointHead
from zwilling.region import Region

_CELL_POINTS: Final = 30_000  # about as many in a cell of runs
_HEIGHTS_M: Final = (-20_000.0, 50_000.0)  # what lies beyond is noise, for which no grid is made coarser
_MOST_POINTS: Final = 0.5  # of a layer are in files whose bounds are believed
_CELL_BITS: Final = (11, 26)  # no fewer: cells are numbered by 21 bits


def plan(
    heads: Sequence[PointHead],
    region: Region,
    drop_classes: frozenset[int],
    dimensions: Sequence[str] = (),
    *,
    above_ground: bool = False,
) -> Layer:
    """Return what the layer of these files, in canonical order, is made in.

    Args:
        heads: of the files.
        region: the county.
        drop_classes: points of these are left out.
        dimensions: LAS names of what points carry beside what they always do; those that no file has are passed over.
        above_ground: heights above ground are wanted; they are made where some file tells classes.

    Raises:
        EmptyGeometryError: there is no file, or no file has points.
        UnknownCRSError: a CRS has no way to the ellipsoid here.
    """
    if not sum(head.count for head in heads):
        raise EmptyGeometryError("there are no points", remedy="look at the sources with 'zwilling check'")
    crs = _crs(heads, region)
    known = [(box, head.count) for head in heads if (box := _box(head, crs, region)) is not None]
    boxes = [box for box, _ in known]
    lattices = [head.lattice for head in heads if head.crs == crs]
    if boxes:
        low, high = _bounds(np.array(boxes), np.array([count for _, count in known]), finest_reach(lattices))
    else:  # what all heads state is wrong; the points may be right
        low = high = np.array(heads[0].lattice.offset)
    lattice = LayerLattice.of(lattices, low, high)
    area = sum(float(np.prod(np.maximum(box[1] - box[0], 1.0)[:2])) for box in boxes) or 1.0
    side = math.sqrt(_CELL_POINTS * area / sum(head.count for head in heads)) / lattice.step
    cell_bits = min(max(round(math.log2(max(side, 1.0))), _CELL_BITS[0]), _CELL_BITS[1])
    has_colour = any(set(COLOURS) <= set(head.columns) for head in heads)
    own = {prop.column for prop in PROPERTIES}
    further = tuple(
        name for name in dict.fromkeys(dimensions) if name not in own and any(name in head.columns for head in heads)
    )
    is_classified = any("classification" in head.columns for head in heads)
    bits = cell_bits_of(lattice.step) if above_ground and is_classified else None
    return Layer(crs, region, lattice, cell_bits, has_colour, drop_classes, further, bits)


def _crs(heads: Sequence[PointHead], region: Region) -> str:
    """Return the CRS that most points are in, of those that count in metres.

    Where there is none it is the region's, or the UTM zone that the first file lies in, if that is elsewhere.
    """
    points: dict[str, int] = {}
    for head in heads:
        code = parse_crs(head.crs, source=head.name).horizontal
        if PlaneCRS(f"EPSG:{code}", "", code).is_metric:
            points[head.crs] = points.get(head.crs, 0) + head.count
    if points:
        return min(points, key=lambda crs: (-points[crs], crs))
    first = next(head for head in heads if head.count)
    try:
        middle = georeference(first.crs, remember(region)).to_geographic(np.array([first.low, first.high]))
    except UnknownCRSError:
        return parse_crs(region.crs).name
    lon, lat, _ = middle.mean(axis=0).tolist()
    west, south, east, north = region.bbox_deg
    if west <= lon <= east and south <= lat <= north:
        return parse_crs(region.crs).name
    return f"{utm_at(lon, lat)}+{ELLIPSOIDAL}"


def _bounds(
    boxes: NDArray[np.float64], counts: NDArray[np.int64], reach: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the bounds of a layer, those of few files left aside that would make the grid coarser for all.

    What those files state may be wrong, or a stray point: the grid has room for points beyond the bounds.

    Args:
        boxes: of the files, shape (n, 2, 3).
        counts: their points.
        reach: metres that the finest grid spans.
    """
    low, high = boxes[:, 0].min(axis=0), boxes[:, 1].max(axis=0)
    if (high - low).max() <= reach:
        return low, high
    middle = np.median(np.repeat(boxes.mean(axis=1), np.maximum(counts * 1000 // counts.sum(), 1), axis=0), axis=0)
    near = (np.abs(boxes - middle) <= reach / 2).all(axis=(1, 2))
    if counts[near].sum() < _MOST_POINTS * counts.sum():
        return low, high
    return boxes[near, 0].min(axis=0), boxes[near, 1].max(axis=0)


def _box(head: PointHead, crs: str, region: Region) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return the bounds that a head states, in the layer's CRS; None where they cannot be true."""
    ends = np.array([head.low, head.high], np.float64)
    if not head.count or not np.isfinite(ends).all() or (ends[0] > ends[1]).any():
        return None
    corners = np.array([[ends[i, 0], ends[j, 1], ends[k, 2]] for i, j, k in product((0, 1), repeat=3)])
    way = georeference(head.crs, remember(region))
    try:
        way.to_geographic(corners)
        if head.crs != crs:
            corners = georeference(crs, remember(region)).from_ecef(way.to_ecef(corners))
    except UnknownCRSError:
        return None
    corners[:, 2] = np.clip(corners[:, 2], *_HEIGHTS_M)
    return corners.min(axis=0), corners.max(axis=0)
