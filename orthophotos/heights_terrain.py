"""Terrain files laid side by side on their lattices: decoded once, read between any cells.

Every file keeps its own grid: heights are interpolated once, between the centres that were delivered.  Files of one
grid (the usual case) are laid side by side first, so there is no step where one ends; where a file of another grid or
another CRS begins, the cells beyond the border are taken from it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from orthophotos.heights_files import TerrainFile
from orthophotos.heights_lattice import Lattice, Span, between
from orthophotos.heights_repair import Cleaned, Filled, clean, fill_gaps
from zwilling.issues import Issue, Severity
from zwilling.rasters import RasterFile

_MOST_CELLS: Final = 1 << 24  # of a window: 64 MB
_MARGIN_ROWS: Final = 64  # beyond a strip, to see the other side of a gap
# A cell beside a file comes from another lattice, where it may lie beside the outermost centres in its turn.
_NEIGHBOURS: Final = 2
_HEIGHTS: Final = np.dtype("<f4")
_GAP: Final = np.dtype([("cell", "<i8"), ("height", "<f4")])


@dataclass(frozen=True, slots=True)
class Placed:
    """A file, and which cells of which lattice it has."""

    file: TerrainFile
    lattice: int
    span: Span


@dataclass(frozen=True, slots=True)
class Terrain:
    """Terrain models as one surface; see `zwilling.rasters.Heights`.

    A height is known up to half a cell beyond the outermost centres, that is, on all cells that have one; small gaps
    within a file are closed.  Beyond that, a place still gets the height of the nearest centre within one cell.

    Attributes:
        crs: see `Mosaic`.
        vertical: EPSG code of the height system, in metres, or `ellipsoidal`.
        resolution, files, issues: see `Mosaic`.
    """

    crs: str
    vertical: int | Literal["ellipsoidal"]
    resolution: float
    files: tuple[RasterFile, ...]
    issues: tuple[Issue, ...]
    _lattices: tuple[Lattice, ...]
    _placed: tuple[Placed, ...]

    @property
    def full_crs(self) -> str:
        """CRS of places and heights together: `EPSG:25832+7837`."""
        return f"{self.crs}+{self.vertical}"

    def decode(self, file: int, part: int, scratch: Path) -> tuple[Issue, ...]:
        """Decode some rows of one file into `scratch`; see `Mosaic`.

        Raises:
            SourceError: the file is cut off, or not what its head says.
        """
        source = self._placed[file].file
        top, bottom = source.strip(part)
        heights, beside = source.read(top, bottom)
        cleaned = clean(heights)
        filled = self._filled(source, heights, top, bottom)
        place = _raw(scratch, file)
        place.parent.mkdir(parents=True, exist_ok=True)
        number = os.open(place, os.O_RDWR | os.O_CREAT, 0o600)
        with open(number, "r+b", closefd=True) as raw:  # noqa: PTH123  # parts may be written side by side
            os.ftruncate(raw.fileno(), source.width * source.height * _HEIGHTS.itemsize)
            raw.seek(top * source.width * _HEIGHTS.itemsize)
            raw.write(np.ascontiguousarray(heights, dtype=_HEIGHTS).data)
        if len(filled.cells):
            gaps = np.empty(len(filled.cells), dtype=_GAP)
            gaps["cell"], gaps["height"] = filled.cells + top * source.width, filled.heights
            np.save(_gaps(scratch, file, part), gaps)
        missing = int(np.count_nonzero(np.isnan(heights))) - len(filled.cells)
        return tuple(self._findings(source, top, bottom, cleaned, filled, missing, beside))

    def forget(self, file: int, scratch: Path) -> None:
        """Remove what `decode` left of one file."""
        _raw(scratch, file).unlink(missing_ok=True)
        for part in range(self._placed[file].file.parts):
            _gaps(scratch, file, part).unlink(missing_ok=True)

    def at(self, places: NDArray[np.float64], scratch: Path) -> NDArray[np.float64]:
        """Return heights at places; see `Heights`.

        Raises:
            ValueError: a file that lies under a place has not been decoded.
        """
        heights = np.full(len(places), np.nan)
        if not len(places):
            return heights
        if len(self._lattices) == 1:
            return self._on_lattice(0, places, scratch, 0)
        newest = self._newest_lattice(places)
        order = list(dict.fromkeys(placed.lattice for placed in reversed(self._placed)))
        for lattice in order:
            mine = np.flatnonzero(newest == lattice)
            if len(mine):
                heights[mine] = self._on_lattice(lattice, places[mine], scratch, _NEIGHBOURS)
        for lattice in order:
            rest = np.flatnonzero(np.isnan(heights))
            if not len(rest):
                break
            heights[rest] = self._on_lattice(lattice, places[rest], scratch, 0)
        return heights

    def _newest_lattice(self, places: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return for each place which lattice the newest file on it has; -1 where there is none."""
        newest = np.full(len(places), -1, dtype=np.int64)
        cells = {}
        for placed in reversed(self._placed):
            open_places = newest < 0
            if not open_places.any():
                break
            if placed.lattice not in cells:
                cells[placed.lattice] = self._lattices[placed.lattice].cells(places, self.crs)
            newest[open_places & placed.span.holds(*cells[placed.lattice])] = placed.lattice
        return newest

    def _on_lattice(
        self, lattice: int, places: NDArray[np.float64], scratch: Path, neighbours: int
    ) -> NDArray[np.float64]:
        """Return heights from files of one lattice; cells beside them from the others, if `neighbours` is not 0."""
        columns, rows = self._lattices[lattice].cells(places, self.crs)
        known = np.isfinite(columns) & np.isfinite(rows)
        if not known.all():
            heights = np.full(len(places), np.nan)
            if known.any():
                heights[known] = self._on_lattice(lattice, places[known], scratch, neighbours)
            return heights
        span = Span.around(columns, rows)
        extent = self._extent(lattice)
        if not extent.meeting(span).cells:
            return np.full(len(places), np.nan)
        if span.cells > _MOST_CELLS and len(places) > 1:
            return self._in_halves(lattice, places, columns, rows, scratch, neighbours)
        window = self._window(lattice, span, columns, rows, scratch)

        def fill(cells: NDArray[np.intp]) -> NDArray[np.float32]:
            row, column = np.divmod(cells, window.shape[1])
            centres = self._lattices[lattice].centres(column + float(span.left), row + float(span.top), self.crs)
            found = np.full(len(cells), np.nan)
            for other in dict.fromkeys(placed.lattice for placed in reversed(self._placed)):
                rest = np.flatnonzero(np.isnan(found))
                if other != lattice and len(rest):
                    found[rest] = self._on_lattice(other, centres[rest], scratch, neighbours - 1)
            return found.astype(np.float32)

        return between(window, columns - span.left, rows - span.top, fill if neighbours else None)

    def _in_halves(
        self,
        lattice: int,
        places: NDArray[np.float64],
        columns: NDArray[np.float64],
        rows: NDArray[np.float64],
        scratch: Path,
        neighbours: int,
    ) -> NDArray[np.float64]:
        """Return heights of places that lie so far apart that what is between them is not to be held at once."""
        along = columns if np.ptp(columns) >= np.ptp(rows) else rows
        low = along < (along.min() + along.max()) / 2
        if low.all() or not low.any():  # all at one place, or not told apart by floats
            low = np.arange(len(places)) < len(places) // 2
        heights = np.empty(len(places))
        for half in (low, ~low):
            heights[half] = self._on_lattice(lattice, places[half], scratch, neighbours)
        return heights

    def _extent(self, lattice: int) -> Span:
        spans = [placed.span for placed in self._placed if placed.lattice == lattice]
        return Span(
            min(span.left for span in spans) - 1,
            min(span.top for span in spans) - 1,
            max(span.right for span in spans) + 1,
            max(span.bottom for span in spans) + 1,
        )

    def _window(
        self,
        lattice: int,
        span: Span,
        columns: NDArray[np.float64],
        rows: NDArray[np.float64],
        scratch: Path,
    ) -> NDArray[np.float32]:
        """Return heights of some cells of a lattice: those of the newest file that has one, then those of gaps."""
        window = np.full((span.bottom - span.top, span.right - span.left), np.nan, dtype=np.float32)
        met: list[tuple[int, Span]] = []
        for number, placed in enumerate(self._placed):
            if placed.lattice != lattice or not placed.span.meeting(span).cells:
                continue
            try:
                raw = np.memmap(_raw(scratch, number), _HEIGHTS, "r", shape=(placed.file.height, placed.file.width))
            except FileNotFoundError:
                # Beyond the places, a file need not be there.
                if placed.span.holds(columns, rows).any():
                    raise ValueError(f"{placed.file.packed.name} has not been decoded") from None
                continue
            part = placed.span.meeting(span)
            here = raw[
                part.top - placed.span.top : part.bottom - placed.span.top,
                part.left - placed.span.left : part.right - placed.span.left,
            ]
            there = window[part.top - span.top : part.bottom - span.top, part.left - span.left : part.right - span.left]
            np.copyto(there, here, where=~np.isnan(here))
            met.append((number, part))
        for number, part in reversed(met):
            self._close_gaps(window, span, number, part, scratch)
        return window

    def _close_gaps(self, window: NDArray[np.float32], span: Span, number: int, part: Span, scratch: Path) -> None:
        placed = self._placed[number]
        first, end = part.top - placed.span.top, part.bottom - placed.span.top
        for strip in range(first // placed.file.rows, (end - 1) // placed.file.rows + 1):
            try:
                gaps = np.load(_gaps(scratch, number, strip))
            except FileNotFoundError:
                continue
            cells = gaps["cell"]
            begin, stop = np.searchsorted(cells, (first * placed.file.width, end * placed.file.width))
            row, column = np.divmod(cells[begin:stop], placed.file.width)
            row, column = row + (placed.span.top - span.top), column + (placed.span.left - span.left)
            inside = (column >= part.left - span.left) & (column < part.right - span.left)
            row, column, heights = row[inside], column[inside], gaps["height"][begin:stop][inside]
            none = np.isnan(window[row, column])
            window[row[none], column[none]] = heights[none]

    def _filled(self, source: TerrainFile, heights: NDArray[np.float32], top: int, bottom: int) -> Filled:
        """Return what closes the gaps in a strip; where one goes on in the next strip, that is looked at, too."""
        area = self._cell_area(source)
        above = _MARGIN_ROWS if top > 0 and np.isnan(heights[0]).any() else 0
        below = _MARGIN_ROWS if bottom < source.height and np.isnan(heights[-1]).any() else 0
        if not above and not below:
            return fill_gaps(heights, area)
        first, end = max(top - above, 0), min(bottom + below, source.height)
        rows = [heights]
        if above:
            rows.insert(0, source.read(first, top)[0])
            clean(rows[0])
        if below:
            rows.append(source.read(bottom, end)[0])
            clean(rows[-1])
        filled = fill_gaps(np.concatenate(rows), area)
        cells = filled.cells - (top - first) * source.width
        own = (cells >= 0) & (cells < heights.size)
        return Filled(cells[own], filled.heights[own], filled.gaps if own.any() else 0)

    def _cell_area(self, source: TerrainFile) -> float:
        (a, b), (c, d) = source.lattice.sides(source.width / 2, source.height / 2, self.crs)
        return float(abs(a * d - b * c))

    def _findings(
        self, source: TerrainFile, top: int, bottom: int, cleaned: Cleaned, filled: Filled, missing: int, beside: int
    ) -> list[Issue]:
        name = source.packed.name
        where = "" if source.parts == 1 else f"rows {top + 1} to {bottom}"
        total = (bottom - top) * source.width
        area = self._cell_area(source)
        found: list[Issue] = []
        if missing + len(filled.cells) == total:
            message = "no cell has a height; check whether the file was written whole, and what it declares as nodata"
            found.append(Issue("HEIGHTS_MISSING", Severity.ERROR, name, where, message))
        elif missing:
            message = f"{missing} of {total} cells ({missing * area:.0f} m²) have no height"
            found.append(Issue("HEIGHTS_INCOMPLETE", Severity.INFO, name, where, message))
        for value, count in cleaned.undeclared:
            message = f"{count} cells hold {value:g}, which the file does not declare as nodata; taken as no height"
            found.append(Issue("HEIGHTS_NODATA_UNDECLARED", Severity.WARNING, name, where, message))
        if cleaned.impossible:
            row, column, height = cleaned.example
            x, y = source.lattice.centres(np.array([float(column)]), np.array([float(row + top)]), self.crs)[0]
            message = f"{cleaned.impossible} cells hold heights that land cannot have, such as {height:g} m; left out"
            found.append(Issue("HEIGHTS_IMPOSSIBLE", Severity.WARNING, name, f"{x:.2f}, {y:.2f}", message))
        if filled.gaps:
            message = f"{filled.gaps} gaps of {len(filled.cells) * area:.0f} m² together were closed from their rims"
            found.append(Issue("HEIGHTS_GAPS_FILLED", Severity.INFO, name, where, message))
        if beside:
            message = f"{beside} rows name places beside the grid of all others; left out"
            found.append(Issue("HEIGHTS_BESIDE_GRID", Severity.WARNING, name, where, message))
        return found


def _raw(scratch: Path, file: int) -> Path:
    return scratch / "heights" / f"{file}.raw"


def _gaps(scratch: Path, file: int, part: int) -> Path:
    return scratch / "heights" / f"{file}.{part}.gaps.npy"
