"""One grid of whole numbers for all points of a layer.

LAS files store coordinates as whole numbers, each file on a grid of its own.  A layer counts on one: the finest step of
its files in all directions, from a place that fits the first of them.  Where the files' grids fit each other, which
is so for all that one agency delivers, nothing is rounded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from zwilling.points import Lattice

REACH: Final = 2**31 - 1
"""Places lie within this many steps of the origin."""

_MOST_STEPS: Final = 2**29  # across the bounds that heads state: leaves room for points beyond them
_NEAR: Final = 1e-3  # of a step: what floating point leaves of an offset of millions of steps
_DEFAULT_STEP_M: Final = 0.001
_FINEST_M: Final = 0.0001  # finer than laser scanners measure; counts only where all files are as fine


@dataclass(frozen=True, slots=True)
class LayerLattice:
    """The grid of a layer: `x = anchor + (X + shift) * step`, for each axis.

    Attributes:
        step: metres.
        anchor: offset of the file that gave the grid, in the layer's CRS.
        shift: steps from there to the origin of the layer's numbers.
    """

    step: float
    anchor: tuple[float, float, float]
    shift: tuple[int, int, int]

    @classmethod
    def of(cls, lattices: Sequence[Lattice], low: NDArray[np.float64], high: NDArray[np.float64]) -> LayerLattice:
        """Return a grid for points on `lattices`.

        Args:
            lattices: of the files in the layer's CRS; may be empty.
            low, high: bounds of all points, as heads state them, in the layer's CRS; shape (3,).
        """
        step = _finest(lattices)
        while float((high - low).max()) / step > _MOST_STEPS:
            step *= 10
        common = Counter(lattices).most_common()
        anchor = min(
            (lattice.offset for lattice, times in common if times == common[0][1]), default=tuple(low.tolist())
        )
        first = [int(np.floor(value)) for value in (low - np.array(anchor)) / step]
        return cls(step, (float(anchor[0]), float(anchor[1]), float(anchor[2])), (first[0], first[1], first[2]))

    def factors(self, lattice: Lattice) -> tuple[tuple[int, int, int], tuple[int, int, int]] | None:
        """Return by what to multiply a file's numbers and what to add, for each axis; None where that would round."""
        multiply, add = [], []
        for axis in range(3):
            factor = lattice.scale[axis] / self.step
            offset = (lattice.offset[axis] - self.anchor[axis]) / self.step
            if abs(factor - round(factor)) > 1e-9 * factor or abs(offset - round(offset)) > _NEAR or round(factor) < 1:
                return None
            multiply.append(round(factor))
            add.append(round(offset) - self.shift[axis])
        return (multiply[0], multiply[1], multiply[2]), (add[0], add[1], add[2])

    def exact(self, xyz: NDArray[np.int32], lattice: Lattice) -> tuple[NDArray[np.int32], NDArray[np.bool_] | None]:
        """Return points of a file on the layer's grid, shape (3, n), and which lie within reach (None: all).

        Args:
            xyz: shape (n, 3), as the file stores them.
            lattice: what they mean, for which `factors` is not None.
        """
        found = self.factors(lattice)
        if found is None:
            raise ValueError("the file's grid does not fit the layer's")
        places = np.empty((3, len(xyz)), np.int32)
        within: NDArray[np.bool_] | None = None
        for axis, (factor, add) in enumerate(zip(*found, strict=True)):
            column = xyz[:, axis]
            ends = [int(end) * factor + add for end in (column.min(), column.max())]
            if ends[0] >= -REACH and ends[1] <= REACH and factor == 1 and abs(add) <= REACH:
                np.add(column, np.int32(add), out=places[axis])
                continue
            wide = column.astype(object) * factor + add if abs(add) > 2**62 else column.astype(np.int64) * factor + add
            near = np.asarray(np.abs(wide) <= REACH, dtype=np.bool_)
            within = near if within is None else within & near
            places[axis] = np.where(near, wide, 0).astype(np.int32)
        return places, None if within is None or bool(within.all()) else within

    def rounded(self, positions: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.bool_] | None]:
        """Return positions in the layer's CRS, shape (n, 3), as `exact` does: each at most half a step off."""
        steps = np.rint((positions - np.array(self.anchor)) / self.step) - np.array(self.shift, np.float64)
        within = (np.abs(steps) <= REACH).all(axis=1)
        places = np.where(within[:, None], steps, 0).astype(np.int32).T.copy()
        return places, None if bool(within.all()) else within

    def positions(self, places: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return coordinates in the layer's CRS, shape (n, 3), of places, shape (3, n)."""
        wide = places.T.astype(np.int64) + np.array(self.shift, np.int64)
        positions: NDArray[np.float64] = np.array(self.anchor) + wide * self.step
        return positions


def finest_reach(lattices: Sequence[Lattice]) -> float:
    """Return the metres that a grid spans whose step is the finest of some, as `LayerLattice.of` takes it."""
    return _finest(lattices) * _MOST_STEPS


def _finest(lattices: Sequence[Lattice]) -> float:
    steps = [min(lattice.scale) for lattice in lattices]
    return min((step for step in steps if step >= _FINEST_M), default=min(steps, default=_DEFAULT_STEP_M))
