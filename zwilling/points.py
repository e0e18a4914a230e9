"""Points on their way from LiDAR files to tiles: what the readers give and the tiler takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from zwilling.issues import Issue

OPTIONAL_COLUMNS = ("classification", "intensity", "return_number", "number_of_returns", "red", "green", "blue")
"""LAS dimensions, by their LAS names, that tiles carry where a source has them."""


@dataclass(frozen=True, slots=True)
class Lattice:
    """The grid of a LAS file's coordinates: `x = X * scale + offset`.

    Attributes:
        scale, offset: of x, y, z, in the unit of the file's CRS.
    """

    scale: tuple[float, float, float]
    offset: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class PointBatch:
    """Points of one source, as columns.

    Attributes:
        xyz: int32, shape (n, 3): coordinates as the file stores them.
        lattice: what they mean in the source's CRS.
        columns: further dimensions by their LAS names, one number for each point: `intensity` and colours uint16,
            the others uint8 unless the source's own extra dimension has another type.
        issues: findings.
    """

    xyz: NDArray[np.int32]
    lattice: Lattice
    columns: dict[str, NDArray[np.generic]]
    issues: tuple[Issue, ...] = ()

    def __len__(self) -> int:
        return len(self.xyz)


@dataclass(frozen=True, slots=True)
class PointHead:
    """What is known of a source before its points are read.

    Attributes:
        name: the file, as the user named it.
        fingerprint: changes where the file's content does.
        crs: canonical name of the CRS, horizontal and vertical: `EPSG:25832+7837`.
        count: how many points its head promises.
        low, high: bounds of x, y, z that its head states, in its CRS.
        lattice: the grid of its coordinates.
        columns: LAS names of the dimensions that it has and that were asked for.
        chunks: in how many pieces it can be read side by side.
        has_colours_of_8_bits: red, green and blue are 0 to 255 although LAS gives them 16 bits.
    """

    name: str
    fingerprint: str
    crs: str
    count: int
    low: tuple[float, float, float]
    high: tuple[float, float, float]
    lattice: Lattice
    columns: tuple[str, ...]
    chunks: int
    has_colours_of_8_bits: bool = False


class PointSource(Protocol):
    """One file; it can be pickled and holds no open file."""

    @property
    def head(self) -> PointHead: ...
    @property
    def issues(self) -> Sequence[Issue]: ...

    def read(self, chunk: int) -> PointBatch:
        """Return the points of one piece, in an order that is always the same; no point is in two pieces.

        Raises:
            SourceError: the file is cut off or damaged.
        """
        ...
