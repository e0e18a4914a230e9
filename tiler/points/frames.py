"""The frame of a tile: an affine map from its coordinates to the ellipsoid where that is true to the millimetre.

Map projections and the quasigeoid are smooth.  Over some 200 m an affine map follows them within a millimetre, so the
numbers of a LAS file go into a tile as they are, and `tile.transform` does the rest.  Where a tile is larger, a
polynomial of the second degree says how far each point is off the affine map; where that fails too, each point is
converted exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from zwilling.crs import Georeference, enu_to_ecef, parse_crs
from zwilling.region import Region

Points = NDArray[np.float64]

AFFINE_M: Final = 0.001
"""How far an affine map may be off; it is off most in the corners and the middle, which are among the samples."""

CURVED_M: Final = 0.0005
"""How far a polynomial may be off at its samples, between which it may be off a little more."""

# A polynomial is fitted on a grid of 3 and tried on one of 4 a side, whose points lie farthest between.
_FITTED: Final = np.array(list(product((-1.0, 0.0, 1.0), repeat=3)))
_TRIED: Final = np.array(list(product((-0.9, -0.3, 0.3, 0.9), repeat=3)))
_SAMPLES: Final = np.concatenate([_FITTED, _TRIED])
_LARGEST_M: Final = 20_000.0  # where a polynomial is tried at all


def _terms(unit: Points) -> Points:
    """Return 1, x, y, z and their products of two, shape (n, 10)."""
    x, y, z = unit.T
    return np.stack([np.ones(len(unit)), x, y, z, x * x, y * y, z * z, x * y, x * z, y * z], axis=1)


_FIT: Final = np.linalg.pinv(_terms(_FITTED))
_FIT_AFFINE: Final = np.linalg.pinv(_terms(_FITTED)[:, :4])


@lru_cache(maxsize=4)
def georeference(crs: str, region_name: str) -> Georeference:
    """Return the way from a CRS to the ellipsoid that `remember` was told of in this process."""
    return Georeference.create(parse_crs(crs), _REGIONS[region_name])


_REGIONS: dict[str, Region] = {}


def remember(region: Region) -> str:
    """Keep a region for this process and return the name to ask for it; making a way anew takes a tenth of a second."""
    _REGIONS.setdefault(region.name, region)
    return region.name


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a tile's coordinates lie.

    Attributes:
        to_ecef: from the tile's frame to ECEF, shape (4, 4), for column vectors.
        centre: what is the origin of the frame, in the layer's CRS, shape (3,).
        curve: coefficients of how far a place is off the affine map, in the tile's frame, shape (10, 3), of places
            in units of `half`; None where that is nothing.
        half: half the size of the box that the coefficients are for, shape (3,).
        is_exact: points must be converted one by one.
        error: metres by which it is off at most, where samples were tried.
    """

    to_ecef: Points
    centre: Points
    curve: Points | None
    half: Points
    is_exact: bool
    error: float

    @property
    def is_affine(self) -> bool:
        """Whether places in the frame are coordinates of the CRS, less the centre."""
        return self.curve is None and not self.is_exact

    def local(self, positions: Points, way: Georeference) -> Points:
        """Return positions of the layer's CRS in the tile's frame, both shape (n, 3)."""
        if self.is_exact:
            return (way.to_ecef(positions) - self.to_ecef[:3, 3]) @ np.linalg.inv(self.to_ecef[:3, :3]).T
        offsets = positions - self.centre
        if self.curve is None:
            return offsets
        moved: Points = offsets + _terms(offsets / self.half) @ self.curve
        return moved


def frames(boxes: NDArray[np.float64], way: Georeference) -> list[Frame]:
    """Return the frames of tiles whose points lie in `boxes`.

    Args:
        boxes: lowest and highest corner of each, in the layer's CRS, shape (n, 2, 3).
        way: from the layer's CRS.
    """
    centres = boxes.mean(axis=1)
    halves = np.maximum((boxes[:, 1] - boxes[:, 0]) / 2, 0.5)
    samples = centres[:, None] + _SAMPLES * halves[:, None]
    is_reached = np.asarray(way.reaches(samples.reshape(-1, 3)).reshape(len(boxes), -1).all(axis=1))
    ecef = way.to_ecef(samples[is_reached].reshape(-1, 3)).reshape(-1, len(_SAMPLES), 3)
    found = iter([_frame(*sample) for sample in zip(centres[is_reached], halves[is_reached], ecef, strict=True)])
    # Else a corner lies outside the area of the CRS, though no point does.
    return [next(found) if reached else _upright(box, way) for box, reached in zip(boxes, is_reached, strict=True)]


def _frame(centre: Points, half: Points, ecef: Points) -> Frame:
    fitted, tried = ecef[: len(_FITTED)], ecef[len(_FITTED) :]
    origin = fitted.mean(axis=0)
    affine = _FIT_AFFINE @ (fitted - origin)
    to_ecef = np.eye(4)
    to_ecef[:3, :3] = affine[1:].T / half
    to_ecef[:3, 3] = origin + affine[0]
    error = _off(_terms(_SAMPLES)[:, :4] @ affine, ecef - origin)
    if error <= AFFINE_M:
        return Frame(to_ecef, centre, None, half, False, error)
    if half.max() <= _LARGEST_M:
        polynomial = _FIT @ (fitted - origin)
        error = _off(_terms(_TRIED) @ polynomial, tried - origin)
        if error <= CURVED_M:
            polynomial[:4] -= affine
            return Frame(to_ecef, centre, polynomial @ np.linalg.inv(to_ecef[:3, :3]).T, half, False, error)
    return Frame(to_ecef, centre, None, half, True, 0.0)


def _off(found: Points, expected: Points) -> float:
    return float(np.linalg.norm(found - expected, axis=1).max())


def _upright(box: Points, way: Georeference) -> Frame:
    """Return the east-north-up frame at the corner of a box that can be converted; of points one corner always can."""
    places = box[0] + (box[1] - box[0]) * np.array(list(product((0.5, 0.0, 1.0), repeat=3)))
    reached = np.flatnonzero(way.reaches(places))
    if len(reached):
        place = places[reached[0]]
        lon, lat, height = way.to_geographic(place[None])[0].tolist()
        return Frame(enu_to_ecef(lon, lat, height), place, None, np.ones(3), True, 0.0)
    west, south, east, north = way.region.bbox_deg
    lon, lat = (west + east) / 2, (south + north) / 2
    return Frame(enu_to_ecef(lon, lat, 0.0), box[0], None, np.ones(3), True, 0.0)
