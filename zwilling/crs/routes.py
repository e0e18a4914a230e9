"""Ways between a source CRS and the ellipsoid, as PROJ and the quasigeoid give them; none is a ballpark one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np
import pyproj
from numpy.typing import ArrayLike, NDArray
from pyproj.datadir import get_data_dir, get_user_data_dir  # type: ignore[attr-defined]  # documented there
from pyproj.enums import TransformDirection
from pyproj.exceptions import ProjError

from zwilling import geoid
from zwilling.crs.system import SourceCRS
from zwilling.errors import UnknownCRSError

ETRS89 = 4258
WGS84_3D = 4979
INSTALL_GRID = "install the official grid: 'zwilling geoid install FILE', or 'zwilling geoid install --download'"

# Counties at a zone's edge keep their zone: in Nordrhein-Westfalen zone 32 reaches half a degree, in Bayern two
# degrees beyond the area that EPSG states.
_ZONE_MARGIN_DEG = 2.0


def grid_folders() -> tuple[Path, ...]:
    """Return where the official grid is looked for: our own folder first, then wherever PROJ looks."""
    proj = get_data_dir().split(os.pathsep)
    return (geoid.default_folder(), *map(Path, proj), Path(get_user_data_dir()))


def grid_zeta(grid: Path, lon_deg: ArrayLike, lat_deg: ArrayLike) -> NDArray[np.float64]:
    """Return the quasigeoid height in metres that a grid file has at each position; infinite outside the grid.

    Args:
        grid: a vertical grid that PROJ can read, heights in metres above the ellipsoid.
        lon_deg: shape (n,), degrees ETRS89.
        lat_deg: shape (n,), degrees ETRS89.

    Raises:
        UnknownCRSError: the file is not a grid.
    """
    return Grid.open(grid).zeta(np.asarray(lon_deg, dtype=np.float64), np.asarray(lat_deg, dtype=np.float64))


class Zeta(Protocol):
    """Quasigeoid height over places; not finite where it is not known."""

    def zeta(self, lon_deg: NDArray[np.float64], lat_deg: NDArray[np.float64], /) -> NDArray[np.float64]: ...


@dataclass(frozen=True, slots=True)
class Grid:
    """The official grid, read by PROJ."""

    transformer: pyproj.Transformer

    @classmethod
    def open(cls, file: Path) -> Grid:
        # The path stands in the pipeline itself: PROJ's list of data folders is global to the process, and
        # what one caller adds to it changes what another one gets.
        path = str(file.absolute())
        if any(sign in path for sign in '",'):
            raise UnknownCRSError("quotes and commas in the path confuse PROJ", source=file, remedy="move the grid")
        try:
            return cls(pyproj.Transformer.from_pipeline(f'+proj=vgridshift +grids="{path}" +multiplier=1'))
        except ProjError as error:
            raise UnknownCRSError("is no grid that PROJ can read", source=file, remedy=INSTALL_GRID) from error

    def zeta(self, lon_deg: NDArray[np.float64], lat_deg: NDArray[np.float64], /) -> NDArray[np.float64]:
        _, _, heights = self.transformer.transform(lon_deg, lat_deg, np.zeros(len(lon_deg)), radians=False)
        return np.asarray(heights)


class Route(Protocol):
    """A way between the source CRS and longitude, latitude (degrees), ellipsoidal height (metres)."""

    def forward(self, positions: NDArray[np.float64]) -> Columns: ...

    def back(self, lon: NDArray[np.float64], lat: NDArray[np.float64], height: NDArray[np.float64]) -> Columns: ...


Columns = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class ByQuasigeoid:
    """Place by PROJ; height by adding the quasigeoid height at that place."""

    horizontal: pyproj.Transformer
    quasigeoid: Zeta

    def forward(self, positions: NDArray[np.float64]) -> Columns:
        first, place = _places(positions[:, 0], positions[:, 1])
        lon, lat = self.horizontal.transform(positions[first, 0], positions[first, 1])
        zeta = self.quasigeoid.zeta(lon, lat)
        return lon[place], lat[place], positions[:, 2] + zeta[place]

    def back(self, lon: NDArray[np.float64], lat: NDArray[np.float64], height: NDArray[np.float64]) -> Columns:
        x, y = self.horizontal.transform(lon, lat, direction=TransformDirection.INVERSE)
        return x, y, height - self.quasigeoid.zeta(lon, lat)


def _places(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return one position for each place, and for each position the number of its place.

    What stands upright has most of its corners one above the other: buildings have six in a place.  Sorting by x
    alone is enough to find nearly all of them, and costs a third of what converting them costs.
    """
    order = np.argsort(x)
    sorted_x, sorted_y = x[order], y[order]
    is_first = np.ones(len(x), dtype=bool)
    is_first[1:] = (sorted_x[1:] != sorted_x[:-1]) | (sorted_y[1:] != sorted_y[:-1])
    place = np.empty(len(x), dtype=np.int64)
    place[order] = np.cumsum(is_first) - 1
    return order[is_first], place


@dataclass(frozen=True, slots=True)
class ByProj:
    """Place and height by PROJ."""

    transformer: pyproj.Transformer

    def forward(self, positions: NDArray[np.float64]) -> Columns:
        lon, lat, height = self.transformer.transform(positions[:, 0], positions[:, 1], positions[:, 2])
        return lon, lat, height

    def back(self, lon: NDArray[np.float64], lat: NDArray[np.float64], height: NDArray[np.float64]) -> Columns:
        x, y, z = self.transformer.transform(lon, lat, height, direction=TransformDirection.INVERSE)
        return x, y, z


@cache
def geocentric() -> pyproj.Transformer:
    """Return degrees and ellipsoidal metres → EPSG:4978."""
    return pyproj.Transformer.from_crs(WGS84_3D, 4978, always_xy=True, allow_ballpark=False)


def exact(horizontal: pyproj.CRS, target: pyproj.CRS, crs: SourceCRS, source: object | None) -> pyproj.Transformer:
    """Return the transformation between two systems; `crs` and `source` are named where there is none."""
    try:
        return pyproj.Transformer.from_crs(horizontal, target, always_xy=True, allow_ballpark=False)
    except ProjError as error:
        raise UnknownCRSError(
            f"PROJ knows no exact way from {crs.name} ({horizontal.name}) to ETRS89",
            source=source,
            remedy="convert the data to EPSG:25832+7837 first",
        ) from error


def exact_compound(crs: SourceCRS, source: object | None) -> pyproj.Transformer:
    """Return PROJ's own way from a CRS with heights to longitude, latitude and ellipsoidal height."""
    try:
        compound = pyproj.CRS.from_user_input(crs.name)
        transformer = pyproj.Transformer.from_crs(compound, WGS84_3D, always_xy=True, allow_ballpark=False)
        area = compound.sub_crs_list[0].area_of_use
        if area is not None:
            lon, lat = (area.west + area.east) / 2, (area.south + area.north) / 2
            # A second bolt on the door: nowhere is the quasigeoid at exactly zero, so a height that stays is a mistake.
            x, y, z = transformer.transform(lon, lat, 0.0, direction=TransformDirection.INVERSE)
            if z != 0.0 and np.isfinite((x, y, z)).all():
                return transformer
    except ProjError:
        pass
    heights = "" if crs.vertical is None else f" ({pyproj.CRS.from_epsg(crs.vertical).name})"
    raise UnknownCRSError(
        f"PROJ knows no way from {crs.name}{heights} to ellipsoidal heights with the grids on this machine",
        source=source,
        remedy="install the grid that PROJ names for it, or convert the data to EPSG:25832+7837 first",
    )


def datum_of(crs: pyproj.CRS) -> int | None:
    """Return the EPSG code of the geographic system under a CRS."""
    base = crs.geodetic_crs
    return None if base is None else base.to_epsg()


def area_of(crs: pyproj.CRS) -> tuple[float, float, float, float]:
    """Return where a CRS may be used: west, south, east, north in degrees, with a margin."""
    area = crs.area_of_use
    if area is None:
        return -180.0, -90.0, 180.0, 90.0
    margin = _ZONE_MARGIN_DEG
    return area.west - margin, max(area.south - margin, -90.0), area.east + margin, min(area.north + margin, 90.0)
