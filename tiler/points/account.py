"""The books of a build: what was read, what was left out and why, and what must be told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import numpy as np

from tiler.points.ground import Found
from tiler.points.metadata import PROPERTIES, PointStatistics
from tiler.points.spill import COLOURS, Layer, Spilled, SpillTask
from zwilling.errors import UnknownCRSError, ZwillingError
from zwilling.issues import Issue, Severity
from zwilling.layers import Extent
from zwilling.points import PointSource
from zwilling.region import Region


@dataclass(slots=True)
class _File:
    """What became of one file."""

    runs: list[Path] = field(default_factory=list)
    found: list[Spilled] = field(default_factory=list)
    error: ZwillingError | None = None


class Account:
    """What became of each file; a file that was lost is lost with all its points."""

    def __init__(self, sources: Sequence[PointSource], layer: Layer) -> None:
        self._sources = sources
        self._layer = layer
        self._files = [_File() for _ in sources]

    def note(self, task: SpillTask, result: Spilled | ZwillingError) -> None:
        """Enter the result of one piece."""
        file = self._files[task.number]
        if isinstance(result, ZwillingError):
            file.error = file.error or result
            return
        file.found.append(result)
        if result.index is not None:
            file.runs.append(task.path)

    def runs(self) -> list[Path]:
        """Return the runs of all files that were read, in canonical order."""
        return [run for file in self._kept for run in file.runs]

    @property
    def _kept(self) -> list[_File]:
        return [file for file in self._files if file.error is None]

    @property
    def _found(self) -> list[Spilled]:
        return [found for file in self._kept for found in file.found]

    @property
    def ground(self) -> list[Found]:
        """Ground of all files that were read."""
        return [found.ground for found in self._found if found.ground is not None]

    def boxes(self) -> Iterator[tuple[tuple[int, int, int], tuple[int, int, int]]]:
        """Yield lowest and highest corner of the points of each piece, on the layer's grid."""
        for found in self._found:
            if found.index is not None:
                yield found.low, found.high

    @property
    def points_in(self) -> int:
        """Points read, of files that were not lost."""
        return sum(found.points_in for found in self._found)

    @property
    def outside(self) -> int:
        """Points left out since they lie where their CRS does not reach."""
        return sum(found.outside for found in self._found)

    @property
    def dropped(self) -> dict[int, int]:
        """Points left out for their class, by class."""
        total = sum((found.dropped_classes for found in self._found), np.zeros(256, np.int64))
        return {int(code): int(total[code]) for code in np.flatnonzero(total)}

    @property
    def statistics(self) -> PointStatistics:
        """Statistics of the points in the tiles."""
        return PointStatistics.sum([found.statistics for found in self._found])

    @property
    def lost(self) -> tuple[str, ...]:
        """Names of the files that could not be read."""
        named = zip(self._sources, self._files, strict=True)
        return tuple(source.head.name for source, file in named if file.error is not None)

    def extent(self) -> Extent:
        """Return the region that the points cover."""
        way = self._layer.way()
        corners = []
        for found in self._found:
            if found.index is not None:
                ends = np.array([found.low, found.high], np.int64).T
                box = self._layer.lattice.positions(np.array(list(product(*ends.tolist()))).T)
                try:
                    corners.append(way.to_geographic(box))
                except UnknownCRSError:  # a corner lies beyond the CRS, though no point does
                    continue
        if not corners:
            west, south, east, north = self._layer.region.bbox_deg
            return Extent(west, south, east, north, 0.0, 0.0)
        places = np.concatenate(corners)
        (west, south, low), (east, north, high) = places.min(axis=0).tolist(), places.max(axis=0).tolist()
        return Extent(west, south, east, north, low, high)

    def issues(self) -> tuple[Issue, ...]:
        """Return all findings: those of the readers, and what the layer did with the files."""
        issues: list[Issue] = []
        for source, file in zip(self._sources, self._files, strict=True):
            issues.extend(source.issues)
            issues.extend(issue for found in file.found for issue in found.issues)
            issues.extend(self._of_file(source, file))
        return (*dict.fromkeys(issues), *self._missing_columns())

    def _of_file(self, source: PointSource, file: _File) -> list[Issue]:
        head = source.head
        if file.error is not None:
            where = file.error.where or ""
            return [Issue("POINTS_FILE_LOST", Severity.ERROR, head.name, where, _sentence(file.error))]
        issues = []
        outside = sum(found.outside for found in file.found)
        if outside:
            first = next(found.first_outside for found in file.found if found.first_outside is not None)
            place = ", ".join(f"{value:.2f}" for value in first)
            message = (
                f"{outside} of {sum(found.points_in for found in file.found)} points lie where {head.crs} does not "
                f"reach, the first at ({place}); they were left out"
            )
            issues.append(Issue("POINTS_OUTSIDE_AREA", Severity.WARNING, head.name, "", message))
        if head.crs != self._layer.crs:
            message = f"its points are in {head.crs}; they were brought to {self._layer.crs}, that of the layer"
            issues.append(Issue("POINTS_OTHER_CRS", Severity.INFO, head.name, "", message))
        elif any(found.is_rounded for found in file.found):
            off = self._layer.lattice.step * 1000 / 2
            message = f"its grid of coordinates does not fit that of the layer; places were rounded by up to {off:g} mm"
            issues.append(Issue("POINTS_GRID_DIFFERS", Severity.INFO, head.name, "", message))
        return issues

    def _missing_columns(self) -> list[Issue]:
        issues = []
        heads = [source.head for source, file in zip(self._sources, self._files, strict=True) if file.error is None]
        names = (*(prop.column for prop in PROPERTIES), COLOURS[0])
        for name in (*names, *self._layer.dimensions):
            without = [head.name for head in heads if name not in head.columns]
            if without and len(without) < len(heads):
                what = "colours" if name == COLOURS[0] and name in names else name
                filled = "light grey" if what != name else "0" if name in names else "no value"
                message = f"{len(without)} of {len(heads)} files have no {what}; their points are given {filled}"
                issues.append(Issue("POINTS_COLUMN_MISSING", Severity.INFO, without[0], "", message))
        return issues


def _sentence(error: ZwillingError) -> str:
    return f"the file could not be read and was left out: {error.problem}" + (
        f"; {error.remedy}" if error.remedy else ""
    )


def outside_region(extent: Extent, region: Region) -> list[Issue]:
    """Return a finding where points lie outside the county: a wrong zone lands elsewhere without any error."""
    west, south, east, north = region.bbox_deg
    if extent.west >= west and extent.east <= east and extent.south >= south and extent.north <= north:
        return []
    message = (
        f"points reach from {extent.west:.3f} to {extent.east:.3f} E and from {extent.south:.3f} to "
        f"{extent.north:.3f} N, beyond {region.title}; check the CRS if that is not meant"
    )
    return [Issue("OUTSIDE_REGION", Severity.WARNING, "", "", message)]
