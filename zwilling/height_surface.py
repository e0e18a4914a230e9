"""The quasigeoid over one region as a polynomial: heights above NHN become ellipsoidal without a grid file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Positions worked on at once: the basis functions of one block fit into a core's second-level cache.
_BLOCK = 4096


@dataclass(frozen=True, slots=True, eq=False)
class HeightSurface:
    """Quasigeoid height zeta (metres) over a box of longitude and latitude, as a Chebyshev series.

    zeta(lon, lat) = sum of `coefficients[i, j]` T_i(u) T_j(v), where u and v run from -1 to 1 over the box.
    Ellipsoidal height = height above NHN + zeta.

    Attributes:
        west, south, east, north: the box in degrees, ETRS89 (EPSG:4258).
        coefficients: shape (degree + 1, degree + 1), metres; rows belong to longitude.
        grid: file name of the official grid that it was fitted to.
        grid_sha256: checksum of that file.
        max_error: largest distance from the grid, in metres, at random places in the box.
        rms_error: root mean square of the same.
        attribution: line that the grid's licence demands.
    """

    west: float
    south: float
    east: float
    north: float
    coefficients: NDArray[np.float64]
    grid: str
    grid_sha256: str
    max_error: float
    rms_error: float
    attribution: str

    def __post_init__(self) -> None:
        if not (self.west < self.east and self.south < self.north):
            raise ValueError("the box of a height surface is empty")
        shape = self.coefficients.shape
        if len(shape) != 2 or shape[0] != shape[1] or not np.isfinite(self.coefficients).all():
            raise ValueError("coefficients must be a square of finite numbers")

    @property
    def degree(self) -> int:
        """Highest degree in each direction."""
        return len(self.coefficients) - 1

    def covers(self, lon_deg: NDArray[np.float64], lat_deg: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which positions (degrees) lie in the box, its edge included; NaN lies outside."""
        inside = (lon_deg >= self.west) & (lon_deg <= self.east) & (lat_deg >= self.south) & (lat_deg <= self.north)
        return np.asarray(inside)

    def zeta(self, lon_deg: NDArray[np.float64], lat_deg: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the quasigeoid height in metres at each position.

        Args:
            lon_deg: shape (n,), degrees ETRS89.
            lat_deg: shape (n,), degrees ETRS89.

        Outside the box the result is NaN: a polynomial that is continued beyond its data is wrong by metres soon.
        """
        u = (2 * lon_deg - (self.west + self.east)) / (self.east - self.west)
        v = (2 * lat_deg - (self.south + self.north)) / (self.north - self.south)
        inside = self.covers(lon_deg, lat_deg)
        if not inside.all():
            u, v = np.where(inside, u, 0.0), np.where(inside, v, 0.0)
        result = np.empty(len(u))
        transposed = np.ascontiguousarray(self.coefficients.T)
        basis_u, basis_v = np.empty((2, self.degree + 1, _BLOCK))
        for start in range(0, len(u), _BLOCK):
            block = slice(start, min(start + _BLOCK, len(u)))
            size = block.stop - start
            _fill_basis(basis_u[:, :size], u[block])
            _fill_basis(basis_v[:, :size], v[block])
            terms = transposed @ basis_u[:, :size]
            terms *= basis_v[:, :size]
            terms.sum(axis=0, out=result[block])
        result[~inside] = np.nan
        return result


def fit_coefficients(zeta: NDArray[np.float64], degree: int) -> NDArray[np.float64]:
    """Return the Chebyshev coefficients that fit samples best, in the sense of least squares.

    Args:
        zeta: shape (n, n), metres, at `sample_nodes(n)` along longitude (rows) and latitude (columns).
        degree: highest degree in each direction, less than n.

    Returns:
        Shape (degree + 1, degree + 1).
    """
    count = len(zeta)
    if zeta.shape != (count, count) or degree >= count or not np.isfinite(zeta).all():
        raise ValueError("a fit needs a square of finite samples, more of them in each direction than the degree")
    # On these nodes the basis is orthogonal, so that projecting is solving.
    projection = np.empty((degree + 1, count))
    _fill_basis(projection, sample_nodes(count))
    projection *= 2.0 / count
    projection[0] /= 2.0
    return np.asarray(projection @ zeta @ projection.T)


def sample_nodes(count: int) -> NDArray[np.float64]:
    """Return the `count` Chebyshev nodes in (-1, 1), ascending; they are dense at the ends, where a fit is worst."""
    return np.asarray(np.sin(0.5 * np.pi / count * np.arange(1 - count, count + 1, 2)))


def _fill_basis(basis: NDArray[np.float64], x: NDArray[np.float64]) -> None:
    """Write T_0(x), T_1(x) … into the rows of `basis` by the three-term recurrence."""
    basis[0] = 1.0
    if len(basis) > 1:
        basis[1] = x
    doubled = 2.0 * x
    for k in range(2, len(basis)):
        np.multiply(doubled, basis[k - 1], out=basis[k])
        basis[k] -= basis[k - 2]
