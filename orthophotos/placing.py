"""Where rasters lie: whether that can be true, and the grid in which many of them are read."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from orthophotos.heads import Head
from zwilling.crs.plane import PlaneCRS, plane_crs, transformed, utm_at
from zwilling.errors import SourceError, UnknownCRSError
from zwilling.rasters import Rectangle

# Metres on the map that are not metres on the ground.
_WEB_MERCATOR: Final = 3857
_SMALLEST_CELL, _LARGEST_CELL = 0.001, 10_000.0
# What German data is in when it is not in what it says: UTM, UTM with the zone before the easting, Gauß-Krüger.
_LIKELY: Final = (25832, 25833, 25831, 4647, 5650, 31466, 31467, 31468, 31469, 4258)
_SAME: Final = 1e-6


def placed(head: Head) -> PlaneCRS:
    """Return the CRS of a raster that can lie where its head says.

    Raises:
        SourceError: it has no place, or one that its CRS does not reach.
        UnknownCRSError: it has no CRS.
    """
    if head.affine is None:
        unread = next((place.name for place in _world_files(head.path) if place.is_file()), None)
        if unread is not None:
            raise SourceError(
                f"says nowhere where it lies, since {unread} beside it is not six lines of one number each",
                source=head.path,
                remedy=f"write {unread} anew, as plain text without a byte order mark, or use gdal_edit.py -a_ullr",
            )
        raise SourceError(
            "says nowhere where it lies",
            source=head.path,
            remedy="put its world file (.tfw, .jgw, .pgw, .j2w) beside it, or use gdal_edit.py -a_ullr",
        )
    if head.crs is None:
        raise UnknownCRSError(
            "names no coordinate system", source=head.path, remedy="pass --crs, for example --crs EPSG:25832"
        )
    middle = head.places(np.array([head.width / 2]), np.array([head.height / 2]))
    if not _reaches(head.crs, middle[0, 0], middle[0, 1]):
        x, y = middle[0]
        raise SourceError(
            f"lies around ({x:.10g}, {y:.10g}), where {head.crs.definition[:80]} ({head.crs.title}) does not reach",
            source=head.path,
            remedy=hint(head.crs, x, y),
        )
    return head.crs


def _world_files(path: Path) -> Iterator[Path]:
    """Yield what GDAL takes for the world file of a raster: `a.tfw`, `a.tifw` or `a.wld` of `a.tif`."""
    suffix = path.suffix[1:]
    for name in (f"{suffix[:1]}{suffix[-1:]}w", f"{suffix}w", "wld"):
        for cased in (name.lower(), name.upper()):
            yield path.with_suffix(f".{cased}")


def _reaches(crs: PlaneCRS, x: float, y: float) -> bool:
    lon, lat = crs.to_degrees(np.array([[x, y]]))[0]
    west, south, east, north = crs.area()
    return bool(west <= lon <= east and south <= lat <= north)


def hint(crs: PlaneCRS, x: float, y: float) -> str:
    """Return what to do about a place that `crs` does not reach."""
    if _reaches(crs, y, x):
        return "its axes are swapped: give it x to the east and y to the north, with gdal_edit.py -a_ullr"
    for code in _LIKELY:
        if code != crs.code and _in_germany(plane_crs(f"EPSG:{code}"), x, y):
            return f"pass --crs EPSG:{code}, with which it lies in Germany"
    return "check its place, or pass the CRS that it is in with --crs"


def _in_germany(crs: PlaneCRS, x: float, y: float) -> bool:
    lon, lat = crs.to_degrees(np.array([[x, y]]))[0]
    return bool(5.8 <= lon <= 15.1 and 47.2 <= lat <= 55.1 and _reaches(crs, x, y))


def grid_crs(heads: Sequence[Head]) -> str:
    """Return the name of the projected CRS in which all are read: the most frequent, else the UTM zone of the middle.

    Raises:
        SourceError, UnknownCRSError: as `placed`.
    """
    systems = [placed(head) for head in heads]

    def middles() -> NDArray[np.float64]:
        found = [
            crs.to_degrees(head.places(np.array([head.width / 2]), np.array([head.height / 2])))[0]
            for head, crs in zip(heads, systems, strict=True)
        ]
        return np.array(found)

    return common_crs(systems, middles)


def common_crs(systems: Sequence[PlaneCRS], middles: Callable[[], NDArray[np.float64]]) -> str:
    """Return the name of the CRS in which files are read: the most frequent that is metric, else a UTM zone.

    Args:
        systems: of the files.
        middles: returns the files' middles, longitude and latitude in degrees, shape (n, 2); asked for the zone.
    """
    metric = Counter(
        crs.definition for crs in systems if crs.code is not None and crs.code != _WEB_MERCATOR and crs.is_metric
    )
    if metric:
        # Where two are equally frequent, the smaller code, whatever the order of the files.
        return min(metric, key=lambda name: (-metric[name], name))
    lon, lat = np.median(middles(), axis=0)
    return utm_at(float(lon), float(lat))


def cover(head: Head, crs: str) -> Rectangle:
    """Return what a placed raster covers in a CRS; where it is turned or warped, the rectangle around it.

    Raises:
        SourceError: the CRS does not reach there.
    """
    outline = transformed(head.outline(), _definition(head), crs)
    if not np.isfinite(outline).all():
        raise SourceError(
            f"lies where {crs} does not reach",
            source=head.path,
            remedy="build it as a layer of its own, or leave it out",
        )
    (west, south), (east, north) = outline.min(axis=0), outline.max(axis=0)
    # A curved side may bulge out between the places that were transformed.
    margin = 0.0 if head.is_axis_parallel and _definition(head) == crs else cell_side(head, crs)
    return Rectangle(float(west), float(south), float(east), float(north)).grown(margin)


def cell_side(head: Head, crs: str) -> float:
    """Return the side of a placed raster's cells in a CRS, metres: as the file has it, else rounded to 3 digits.

    Raises:
        SourceError: it is no size that a cell can have.
    """
    middle = np.array([head.width / 2, head.width / 2 + 1, head.width / 2])
    across = np.array([head.height / 2, head.height / 2, head.height / 2 + 1])
    first, right, below = transformed(head.places(middle, across), _definition(head), crs)
    own = head.is_axis_parallel and _definition(head) == crs
    (ax, ay), (bx, by) = right - first, below - first
    side = min(abs(head.affine[0]), abs(head.affine[4])) if own and head.affine else math.sqrt(abs(ax * by - ay * bx))
    if not _SMALLEST_CELL <= side <= _LARGEST_CELL:
        raise SourceError(
            f"has pixels of {side:g} m: its place or its coordinate system is wrong",
            source=head.path,
            remedy="check its world file, or pass the CRS that it is in with --crs",
        )
    rounded = float(f"{side:.6g}")
    if own:
        return rounded if abs(rounded - side) < _SAME * side else side
    return float(f"{side:.3g}")


def _definition(head: Head) -> str:
    return "" if head.crs is None else head.crs.definition
