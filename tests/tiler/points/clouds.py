"""Sources of points made by numpy, for tests: what a reader of files would give."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from zwilling.errors import SourceError
from zwilling.issues import Issue
from zwilling.points import OPTIONAL_COLUMNS, Lattice, PointBatch, PointHead

NEUSS = (343_000.0, 5_674_000.0, 0.0)
CENTIMETRES = Lattice((0.01, 0.01, 0.01), NEUSS)
CRS = "EPSG:25832+7837"
FURTHER = ("gps_time", "scan_angle", "user_data", "Deviation", "deviation", "0 / Höhe")
"""Further dimensions that clouds of tests may have."""


@dataclass(frozen=True, slots=True, eq=False)
class Cloud:
    """Points in memory; a file that fails where `fails` says so.

    Attributes:
        xyz: int32, shape (n, 3).
        chunk_points: points of a piece.
        fails: "" or "error", "abort": what reading the last piece leads to.
        stated: bounds that the head states instead of the true ones.
    """

    name: str
    xyz: NDArray[np.int32]
    columns: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)
    lattice: Lattice = CENTIMETRES
    crs: str = CRS
    chunk_points: int = 500_000
    fails: str = ""
    has_colours_of_8_bits: bool = False
    stated: tuple[tuple[float, float, float], tuple[float, float, float]] | None = None
    issues: Sequence[Issue] = ()

    @property
    def positions(self) -> NDArray[np.float64]:
        """Coordinates in the CRS, shape (n, 3)."""
        positions: NDArray[np.float64] = self.xyz * np.array(self.lattice.scale) + np.array(self.lattice.offset)
        return positions

    @property
    def head(self) -> PointHead:
        bounds = self.stated or ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
        if self.stated is None and len(self.xyz):
            (x0, y0, z0), (x1, y1, z1) = np.sort(self.positions, axis=0)[[0, -1]].tolist()
            bounds = (x0, y0, z0), (x1, y1, z1)
        return PointHead(
            name=self.name,
            fingerprint="",
            crs=self.crs,
            count=len(self.xyz),
            low=bounds[0],
            high=bounds[1],
            lattice=self.lattice,
            columns=tuple(name for name in (*OPTIONAL_COLUMNS, *FURTHER) if name in self.columns),
            chunks=-(-len(self.xyz) // self.chunk_points),
            has_colours_of_8_bits=self.has_colours_of_8_bits,
        )

    def read(self, chunk: int) -> PointBatch:
        rows = slice(chunk * self.chunk_points, (chunk + 1) * self.chunk_points)
        if self.fails and rows.stop >= len(self.xyz):
            if self.fails == "abort":
                os.abort()
            raise SourceError("is cut off", source=self.name)
        return PointBatch(self.xyz[rows], self.lattice, {name: col[rows] for name, col in self.columns.items()})


def cloud(name: str, xyz: NDArray[np.integer], seed: int = 0, **keys: object) -> Cloud:
    """Return points with every column that tiles carry; what each has tells it from all others of fewer than 2^24.

    Args:
        seed: another for each cloud of a layer, at most 255.
    """
    count = len(xyz)
    # An odd factor makes different numbers of 32 bits from different ones.
    numbers = (np.arange(count, dtype=np.uint64) + np.uint64(seed << 24)) * np.uint64(2_654_435_761)
    rng = np.random.default_rng(seed)
    columns: dict[str, NDArray[np.generic]] = {
        "classification": (numbers >> np.uint64(16)).astype(np.uint8),
        "intensity": numbers.astype(np.uint16),
        "return_number": (numbers >> np.uint64(24)).astype(np.uint8) & np.uint8(15),
        "number_of_returns": (numbers >> np.uint64(28)).astype(np.uint8) & np.uint8(15),
        **{key: rng.integers(0, 65536, count).astype(np.uint16) for key in ("red", "green", "blue")},
    }
    return Cloud(name, np.asarray(xyz, np.int32).reshape(-1, 3), columns, **keys)  # type: ignore[arg-type]
