"""The ground that tiles are made of: what pictures and heights there are, and the way to the ellipsoid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zwilling.crs import Georeference, parse_crs
from zwilling.rasters import Heights, Mosaic, Pictures
from zwilling.region import Region


@dataclass(frozen=True, slots=True)
class Ground:
    """Pictures over heights, both read in one projected CRS; it can be pickled.

    Attributes:
        pictures: orthophotos; None for shaded ground.
        heights: terrain; None for a plane.
        plane: height of that plane in the source's vertical CRS, metres.
        crs: horizontal and vertical CRS of the whole: `EPSG:25832+7837`.
        region: the county, whose height surface serves where the official grid is absent.
    """

    pictures: Pictures | None
    heights: Heights | None
    plane: float
    crs: str
    region: Region

    @property
    def mosaics(self) -> tuple[Mosaic, ...]:
        """The mosaics there are: pictures first."""
        return tuple(mosaic for mosaic in (self.pictures, self.heights) if mosaic is not None)

    @property
    def georeference(self) -> Georeference:
        """The way from `crs` to the ellipsoid; made once in each process."""
        key = (self.crs, self.region.name)
        if key not in _KNOWN:
            _KNOWN[key] = Georeference.create(parse_crs(self.crs), self.region)
        return _KNOWN[key]

    def heights_at(self, places: NDArray[np.float64], scratch: Path) -> NDArray[np.float64]:
        """Return heights in the vertical CRS of `crs`, shape (n,), NaN where there is none; see `Heights.at`."""
        if self.heights is None:
            return np.full(len(places), self.plane)
        return self.heights.at(places, scratch)


# A process that makes many units makes the way to the ellipsoid once.
_KNOWN: dict[tuple[str, str], Georeference] = {}
