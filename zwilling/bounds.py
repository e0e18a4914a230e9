"""Boxes around points, in metres of a frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from zwilling.errors import EmptyGeometryError

# Of latitude, and of longitude at the equator: for sizes, never for places.
METRES_PER_DEGREE = 111_320.0


@dataclass(frozen=True, slots=True)
class Box:
    """Axis-aligned box of a right-handed frame, z up, in metres; no CRS is implied.

    Spec: 3D Tiles 1.1 (OGC 22-025r4), `core-box`; its half-axes are parallel to the frame's axes.
    """

    low: tuple[float, float, float]
    high: tuple[float, float, float]

    @classmethod
    def around(cls, points: NDArray[np.floating]) -> Self:
        """Return the smallest box that encloses `points`.

        Args:
            points: shape (n, 3), n >= 1; metres in the frame.

        Raises:
            EmptyGeometryError: `points` has no rows.

        Example:
            >>> Box.around(np.array([[0.0, 0.0, 0.0], [2.0, 4.0, 6.0]])).to_json()
            [1.0, 2.0, 3.0, 1.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 3.0]
        """
        if len(points) == 0:
            raise EmptyGeometryError("a box needs at least one point")
        low, high = points.min(axis=0), points.max(axis=0)
        return cls((float(low[0]), float(low[1]), float(low[2])), (float(high[0]), float(high[1]), float(high[2])))

    @property
    def corners(self) -> NDArray[np.float64]:
        """The eight corners, shape (8, 3)."""
        ends = np.array([self.low, self.high])
        return np.array([[ends[i, 0], ends[j, 1], ends[k, 2]] for i in (0, 1) for j in (0, 1) for k in (0, 1)])

    def grown(self, margin: float) -> Box:
        """Return the box with every face moved outwards by `margin` metres."""
        x0, y0, z0 = self.low
        x1, y1, z1 = self.high
        return Box((x0 - margin, y0 - margin, z0 - margin), (x1 + margin, y1 + margin, z1 + margin))

    def to_json(self) -> list[float]:
        """Return the twelve numbers of a `boundingVolume.box`: centre, then the three half-axes."""
        low, high = np.array(self.low), np.array(self.high)
        cx, cy, cz = ((low + high) / 2).tolist()
        hx, hy, hz = ((high - low) / 2).tolist()
        return [cx, cy, cz, hx, 0.0, 0.0, 0.0, hy, 0.0, 0.0, 0.0, hz]
