"""Orthophotos that paint points without colours.

Every picture is decoded once, made as coarse as a laser's footprint, and stored as plain pixels, so that any process
may look up any place with plain reads; what was decoded in full is removed at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from orthophotos.pictures import open_pictures
from tiler.workers import Workers
from zwilling.crs import parse_crs
from zwilling.crs.plane import plane_of, transformed
from zwilling.errors import TilesetError
from zwilling.issues import Issue, Severity
from zwilling.points import PointBatch, PointHead, PointSource
from zwilling.rasters import Rectangle, Window

COLOURS: Final = ("red", "green", "blue")
UNPAINTED: Final = 216
"""A light grey (sRGB), for points that no picture covers."""

_FINEST: Final = 0.2  # metres; a laser's footprint is no smaller
_ROWS_AT_ONCE: Final = 1024
_PIXEL: Final = 4
_MARGIN: Final = 10.0  # metres by which the box that a head states is taken larger


@dataclass(frozen=True, slots=True)
class Canvas:
    """One picture as plain pixels: red, green, blue (sRGB) and alpha, from the north-western corner.

    Attributes:
        path: of the pixels.
        definition: of the CRS, see `zwilling.crs.plane.PlaneCRS`.
        west, north: outer corner of the first pixel, metres.
        step: side of a pixel, metres.
        width, height: number of pixels.
    """

    path: Path
    definition: str
    west: float
    north: float
    step: float
    width: int
    height: int

    def at(self, places: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Return the pixels at places, shape (n, 4); alpha is 0 where the picture shows nothing.

        Args:
            places: shape (n, 2): x and y in the picture's CRS.
        """
        found = np.zeros((len(places), _PIXEL), np.uint8)
        with np.errstate(invalid="ignore"):
            columns = np.floor((places[:, 0] - self.west) / self.step)
            rows = np.floor((self.north - places[:, 1]) / self.step)
            inside = np.flatnonzero((columns >= 0) & (columns < self.width) & (rows >= 0) & (rows < self.height))
        if not len(inside):
            return found
        column, row = columns[inside].astype(np.int64), rows[inside].astype(np.int64)
        band = row // _ROWS_AT_ONCE
        with self.path.open("rb") as file:
            for number in np.unique(band).tolist():
                here = np.flatnonzero(band == number)
                first, last = int(row[here].min()), int(row[here].max())
                file.seek(first * self.width * _PIXEL)
                data = file.read((last - first + 1) * self.width * _PIXEL)
                pixels = np.frombuffer(data, np.uint8).reshape(-1, self.width, _PIXEL)
                found[inside[here]] = pixels[row[here] - first, column[here]]
        return found


@dataclass(frozen=True, slots=True)
class PaintedSource:
    """Points of a source without colours, with those of pictures; the picture that is seen on top comes first.

    Attributes:
        source: gives the points.
        canvases: the pictures.
    """

    source: PointSource
    canvases: tuple[Canvas, ...]

    @property
    def head(self) -> PointHead:
        """What is known of the source, with its new colours."""
        head = self.source.head
        return replace(head, columns=(*head.columns, *COLOURS), has_colours_of_8_bits=True)

    @property
    def issues(self) -> Sequence[Issue]:
        """Findings of the source."""
        return self.source.issues

    def read(self, chunk: int) -> PointBatch:
        """Return the points of one piece, in file order; see `PointSource`."""
        batch = self.source.read(chunk)
        pixels = self._pixels(batch)
        bare = pixels[:, 3] == 0
        pixels[bare] = UNPAINTED
        columns = batch.columns | {name: pixels[:, i].astype(np.uint16) for i, name in enumerate(COLOURS)}
        issues = batch.issues
        if count := int(np.count_nonzero(bare)):
            message = f"{count} of {len(batch)} points lie where no picture shows anything; they are light grey"
            name = self.source.head.name
            issues = (*issues, Issue("POINTS_UNPAINTED", Severity.INFO, name, f"piece {chunk + 1}", message))
        return replace(batch, columns=columns, issues=issues)

    def _pixels(self, batch: PointBatch) -> NDArray[np.uint8]:
        scale, offset = np.array(batch.lattice.scale[:2]), np.array(batch.lattice.offset[:2])
        places = batch.xyz[:, :2] * scale + offset
        pixels = np.zeros((len(batch), _PIXEL), np.uint8)
        given = plane_of(parse_crs(self.source.head.crs)).definition
        known: dict[str, NDArray[np.float64]] = {}
        for canvas in self.canvases:
            waiting = np.flatnonzero(pixels[:, 3] == 0)
            if not len(waiting):
                break
            if canvas.definition not in known:
                known[canvas.definition] = transformed(places, given, canvas.definition)
            pixels[waiting] = canvas.at(known[canvas.definition][waiting])
        return pixels


@dataclass(frozen=True, slots=True)
class _Task:
    """One picture that is to be stored for looking up."""

    path: Path
    crs: str | None
    wanted: tuple[tuple[Rectangle, str], ...]
    scratch: Path
    number: int


def painted(
    sources: Sequence[PointSource], pictures: Sequence[Path], scratch: Path, *, crs: str | None, jobs: int
) -> tuple[list[PointSource], tuple[Issue, ...]]:
    """Return sources of which all have colours, and what was found in the pictures.

    Sources with colours of their own keep them.

    Args:
        sources: any.
        pictures: orthophotos; the newest is seen.
        scratch: folder that is there, for 100 MB of each square kilometre of pictures (at 20 cm).
        crs: of pictures that name none.
        jobs: how many processes share the work.

    Raises:
        SourceError: a picture cannot be read.
        UnknownCRSError: a picture names no CRS, or there is no way from the points' to it.
    """
    bare = [source for source in sources if not set(COLOURS) <= set(source.head.columns)]
    wanted = tuple((_covers(source.head), plane_of(parse_crs(source.head.crs)).definition) for source in bare)
    order = [Path(file.name) for file in reversed(open_pictures(pictures, crs=crs).files)]
    tasks = [_Task(path, crs, wanted, scratch, number) for number, path in enumerate(order)]
    canvases: list[Canvas] = []
    issues: list[Issue] = []
    with Workers(jobs) as workers:
        for made, found in workers.map(_stored, tasks):
            canvases += [] if made is None else [made]
            issues += found
    each: list[PointSource] = []
    for source in sources:
        has_own = set(COLOURS) <= set(source.head.columns)
        each.append(source if has_own else PaintedSource(source, tuple(canvases)))
    return each, tuple(dict.fromkeys(issues))


def _covers(head: PointHead) -> Rectangle:
    return Rectangle(head.low[0], head.low[1], head.high[0], head.high[1])


def _stored(task: _Task) -> tuple[Canvas | None, tuple[Issue, ...]]:
    """Store one picture, where points lie on it; runs in a worker."""
    pictures = open_pictures([task.path], crs=task.crs)
    covers = pictures.files[0].covers
    boxes = [_brought(box, given, pictures.crs) for box, given in task.wanted]
    if not any(box.grown(_MARGIN).meets(covers) for box in boxes):
        return None, ()
    issues = list(pictures.issues)
    decoded = task.scratch / f"decoded-{task.number}"
    decoded.mkdir()
    for part in range(pictures.files[0].parts):
        issues += pictures.decode(0, part, decoded)
    step = max(pictures.resolution, _FINEST)
    width = max(round((covers.east - covers.west) / step), 1)
    height = max(round((covers.north - covers.south) / step), 1)
    path = task.scratch / f"canvas-{task.number}"
    try:
        with path.open("wb") as file:
            for row in range(0, height, _ROWS_AT_ONCE):
                rows = min(_ROWS_AT_ONCE, height - row)
                window = Window(covers.west, covers.north - row * step, step, width, rows)
                file.write(np.ascontiguousarray(pictures.read(window, decoded)).data)
    except OSError as error:
        raise TilesetError(
            f"cannot be written ({error.strerror})", source=path, remedy="free some disk space"
        ) from error
    pictures.forget(0, decoded)
    return Canvas(path, pictures.crs, covers.west, covers.north, step, width, height), tuple(issues)


def _brought(box: Rectangle, given: str, wanted: str) -> Rectangle:
    """Return a rectangle around another one's corners in another CRS."""
    corners = np.array([[x, y] for x in (box.west, box.east) for y in (box.south, box.north)])
    places = transformed(corners, given, wanted)
    west, south = places.min(axis=0).tolist()
    east, north = places.max(axis=0).tolist()
    return Rectangle(west, south, east, north)
