"""Pictures and heights on their way from raster files to tiles: what the readers give and the tiler takes.

A mosaic is many files of one kind (orthophotos, or terrain) seen as one.  Each file is *decoded* once, in parts that
may run side by side, into a scratch folder; after that it is *read* in windows as often as anybody likes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from zwilling.issues import Issue


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A rectangle in a projected CRS, metres."""

    west: float
    south: float
    east: float
    north: float

    def meets(self, other: Rectangle) -> bool:
        """Return whether the two share some area.

        Example:
            >>> Rectangle(0, 0, 2, 2).meets(Rectangle(1, 1, 3, 3)), Rectangle(0, 0, 1, 1).meets(Rectangle(1, 0, 2, 1))
            (True, False)
        """
        return (
            self.west < other.east and other.west < self.east and self.south < other.north and other.south < self.north
        )

    def grown(self, margin: float) -> Rectangle:
        """Return the rectangle with every side moved outwards by `margin` metres."""
        return Rectangle(self.west - margin, self.south - margin, self.east + margin, self.north + margin)


@dataclass(frozen=True, slots=True)
class Window:
    """Square cells of a projected CRS, north up.

    Attributes:
        west, north: outer corner of the first cell, metres.
        resolution: side of a cell, metres.
        width, height: number of cells.
    """

    west: float
    north: float
    resolution: float
    width: int
    height: int

    @property
    def rectangle(self) -> Rectangle:
        """What the window covers."""
        return Rectangle(
            self.west,
            self.north - self.height * self.resolution,
            self.west + self.width * self.resolution,
            self.north,
        )


@dataclass(frozen=True, slots=True)
class RasterFile:
    """One file of a mosaic.

    Attributes:
        name: the file as the user named it.
        fingerprint: changes where the file's content or its way of being read does.
        covers: what it covers, in the mosaic's CRS.
        parts: into how many parts its decoding is cut.
        date: `YYYY`, `YYYY-MM-DD` or empty: how old the data is.
    """

    name: str
    fingerprint: str
    covers: Rectangle
    parts: int
    date: str


class Mosaic(Protocol):
    """Files of one kind as one surface; it can be pickled and holds no open file.

    Attributes:
        crs: canonical name of the projected CRS in which it is read: `EPSG:25832`.
        resolution: side of the finest cell, metres.
        files: oldest first; where they overlap, the later one is seen.
        issues: what was found when the files' heads were read.
    """

    @property
    def crs(self) -> str: ...
    @property
    def resolution(self) -> float: ...
    @property
    def files(self) -> Sequence[RasterFile]: ...
    @property
    def issues(self) -> Sequence[Issue]: ...

    def decode(self, file: int, part: int, scratch: Path) -> tuple[Issue, ...]:
        """Decode one part of one file into `scratch`; no pixel of a file is decoded by two parts.

        Raises:
            SourceError: the file is cut off, or not what its head says.
        """
        ...

    def forget(self, file: int, scratch: Path) -> None:
        """Remove what `decode` left in `scratch` of one file."""
        ...


class Pictures(Mosaic, Protocol):
    """Orthophotos."""

    def read(self, window: Window, scratch: Path) -> NDArray[np.uint8]:
        """Return colours, shape (height, width, 4): red, green, blue (sRGB) and alpha, 0 where no file covers.

        Every file that meets the window has been decoded into `scratch`.
        """
        ...


class Heights(Mosaic, Protocol):
    """Digital terrain models."""

    def at(self, places: NDArray[np.float64], scratch: Path) -> NDArray[np.float64]:
        """Return heights in the source's vertical CRS, shape (n,), bilinear between cell centres; NaN where none is.

        Args:
            places: shape (n, 2): easting and northing in the mosaic's CRS, close together: what lies between their
                outermost ones is held in memory.
            scratch: every file within one cell of a place has been decoded there.
        """
        ...
