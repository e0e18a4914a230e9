"""The way from a source CRS to the ellipsoid and back: which one is taken, what it is worth, and what it refuses."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn

import numpy as np
import pyproj
from numpy.typing import NDArray
from pyproj.enums import TransformDirection
from pyproj.transformer import TransformerGroup

from zwilling import geoid
from zwilling.crs import routes
from zwilling.crs.routes import (
    ETRS89,
    INSTALL_GRID,
    WGS84_3D,
    ByProj,
    ByQuasigeoid,
    Columns,
    Grid,
    Route,
    Zeta,
    area_of,
    datum_of,
    exact,
    exact_compound,
    geocentric,
)
from zwilling.crs.system import ELLIPSOIDAL, SourceCRS, has_gnss_ellipsoid, parse_crs
from zwilling.errors import SettingsError, UnknownCRSError
from zwilling.height_surface import HeightSurface
from zwilling.issues import Issue, Severity
from zwilling.region import Region

Method = Literal["grid", "surface", "ellipsoid", "proj"]

DHHN2016 = 7837
DHHN92 = 5783
_DHDN = 4314


@dataclass(frozen=True, slots=True, eq=False)
class Georeference:
    """The way from a source CRS to the ellipsoid and back, checked before the first position is sent along it.

    It may be shared by threads; where it is pickled, the other process makes it anew with the same grid.

    Attributes:
        crs: the source's CRS.
        region: the county, whose height surface serves where the official grid is absent.
        method: where ellipsoidal heights come from: the official `grid`, the region's `surface`, the CRS itself
            (`ellipsoid`), or another transformation that PROJ knows (`proj`).
        attribution: line that must be shown with the result; empty where nothing was used that demands one.
        issues: what must be known about the result, for the report.
    """

    crs: SourceCRS
    region: Region
    method: Method
    attribution: str
    issues: tuple[Issue, ...]
    _route: Route
    _source: object | None
    _grid: Path | None
    _area: tuple[float, float, float, float]

    @classmethod
    def create(
        cls,
        crs: SourceCRS,
        region: Region,
        *,
        source: object | None = None,
        grid_folders: Sequence[Path] | None = None,
    ) -> Georeference:
        """Return the way from `crs` to the ellipsoid.

        Args:
            crs: the source's CRS.
            region: the county.
            source: the file, for messages.
            grid_folders: where the official grid is looked for; `zwilling.crs.grid_folders()` if None, and
                nowhere if empty.

        Raises:
            UnknownCRSError: there is no way that keeps heights true.
        """
        return cls._create(crs, region, source, _find_grid(grid_folders))

    @classmethod
    def _create(cls, crs: SourceCRS, region: Region, source: object | None, grid: Path | None) -> Georeference:
        horizontal = pyproj.CRS.from_epsg(crs.horizontal)
        findings = _Findings(crs, source)
        method: Method
        if len(horizontal.axis_info) == 3 or crs.is_ellipsoidal:
            method, attribution = "ellipsoid", ""
            route: Route = ByProj(exact(horizontal.to_3d(), pyproj.CRS.from_epsg(WGS84_3D), crs, source))
        elif crs.vertical in (DHHN2016, DHHN92) or (crs.vertical is None and _is_german(horizontal)):
            findings.on_height_system()
            quasigeoid, method, attribution = _quasigeoid(crs, region, source, grid, findings)
            transformer = exact(horizontal, pyproj.CRS.from_epsg(ETRS89), crs, source)
            findings.on_datum(horizontal)
            route = ByQuasigeoid(transformer, quasigeoid)
        elif crs.vertical is None:
            raise UnknownCRSError(
                f"{crs.name} ({horizontal.name}) says nothing about heights",
                source=source,
                remedy=f"pass --crs {crs.name}+CODE with the height system's code, for example +7837 for DHHN2016"
                + (f", or {crs.name}+{ELLIPSOIDAL}" if has_gnss_ellipsoid(horizontal) else ""),
            )
        else:
            method, attribution = "proj", ""
            route = ByProj(exact_compound(crs, source))
        return cls(crs, region, method, attribution, tuple(findings.issues), route, source, grid, area_of(horizontal))

    def to_geographic(self, positions: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return longitude, latitude (degrees) and ellipsoidal height (metres), shape (n, 3).

        Args:
            positions: shape (n, 3): x, y, z in the source CRS.

        Raises:
            UnknownCRSError: a position is not finite, or lies where the CRS or the quasigeoid does not reach.
        """
        return np.stack(self._forward(positions), axis=1)

    def to_ecef(self, positions: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return earth-centred, earth-fixed positions (EPSG:4978, metres), shape (n, 3).

        Args:
            positions: shape (n, 3): x, y, z in the source CRS.

        Raises:
            UnknownCRSError: as `to_geographic`.
        """
        return np.stack(geocentric().transform(*self._forward(positions)), axis=1)

    def from_ecef(self, ecef: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return positions in the source CRS, shape (n, 3); the inverse of `to_ecef`.

        Args:
            ecef: shape (n, 3), EPSG:4978, metres.

        Raises:
            UnknownCRSError: a position lies where the CRS or the quasigeoid does not reach.
        """
        points = _checked_shape(ecef)
        lon, lat, height = geocentric().transform(
            points[:, 0], points[:, 1], points[:, 2], direction=TransformDirection.INVERSE
        )
        columns = self._route.back(lon, lat, height)
        bad = _not_finite(np.stack(columns, axis=1))
        if bad.any():
            self._refuse(points, bad, "cannot be brought back")
        return np.stack(columns, axis=1)

    def reaches(self, positions: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Return which positions `to_geographic` takes, shape (n,); for many of which some are bad, it is the fast way.

        Args:
            positions: shape (n, 3): x, y, z in the source CRS.
        """
        points = _checked_shape(positions)
        is_reached = ~_not_finite(points)
        lon, lat, height = self._route.forward(np.where(is_reached[:, None], points, 0.0))
        is_reached &= self._inside(lon, lat) & np.isfinite(height)
        return is_reached

    def __reduce__(self) -> tuple[object, ...]:
        source = None if self._source is None else str(self._source)
        return Georeference._create, (self.crs, self.region, source, self._grid)

    def _forward(self, positions: NDArray[np.floating]) -> Columns:
        points = _checked_shape(positions)
        if not np.isfinite(points).all():
            self._refuse(points, _not_finite(points), "is not finite")
        lon, lat, height = self._route.forward(points)
        inside = self._inside(lon, lat)
        if not inside.all():
            self._refuse(points, ~inside, f"lies outside the area of {self.crs.name}")
        if not np.isfinite(height).all():
            self._refuse(points, ~np.isfinite(height), self._beyond())
        return lon, lat, height

    def _inside(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
        west, south, east, north = self._area
        inside: NDArray[np.bool_] = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
        return inside

    def _beyond(self) -> str:
        if self.method == "surface":
            return self._beyond_surface()
        return f"lies where no height is known for {self.crs.name}"

    def _beyond_surface(self) -> str:
        return f"lies outside {self.region.title}, for which alone there is a height surface"

    def _refuse(self, points: NDArray[np.float64], bad: NDArray[np.bool_], problem: str) -> NoReturn:
        first = points[int(np.argmax(bad))]
        remedy = "check the coordinates, or pass the CRS that they are in with --crs"
        if np.isfinite(first).all():
            remedy = self._hint(first) or (INSTALL_GRID if problem == self._beyond_surface() else remedy)
        others = f" ({bad.sum()} of {len(bad)} positions)" if len(bad) > 1 else ""
        raise UnknownCRSError(
            problem + others,
            source=self._source,
            where=f"position ({', '.join(f'{value:.3f}' for value in first)})",
            remedy=remedy,
        )

    def _hint(self, point: NDArray[np.float64]) -> str | None:
        """Return what is probably wrong with a position that should lie in the region, or None."""
        x, y, z = point
        guesses = [
            ("x and y look swapped: x must be east (longitude), y north (latitude)", self.crs.horizontal, (y, x, z)),
            ("pass --crs EPSG:4258+7837 and longitude before latitude", ETRS89, (y, x, z)),
            ("the coordinates look like millimetres: they must be metres", self.crs.horizontal, (x / 1e3, y / 1e3, z)),
            *((f"pass --crs EPSG:{code}+7837, with which it lies in {self.region.title}", code, (x, y, z))
              for code in _LIKELY if code != self.crs.horizontal),
        ]  # fmt: skip
        return next((hint for hint, code, place in guesses if self._in_region(code, place)), None)

    def _in_region(self, code: int, place: tuple[float, float, float]) -> bool:
        try:
            transformer = exact(pyproj.CRS.from_epsg(code), pyproj.CRS.from_epsg(ETRS89), self.crs, None)
        except UnknownCRSError:
            return False
        lon, lat = transformer.transform(*place)[:2]
        return self.region.contains(lon, lat)


# What German data is in when it is not in what it says: UTM, UTM with the zone before the easting, Gauß-Krüger.
_LIKELY = (25832, 25833, 25831, 4647, 5650, 31466, 31467, 31468, 31469, 4258)


class _Findings:
    """Collects what must be known about a way."""

    def __init__(self, crs: SourceCRS, source: object | None) -> None:
        self.crs = crs
        self.source = "" if source is None else str(source)
        self.issues: list[Issue] = []

    def add(self, code: str, severity: Severity, message: str) -> None:
        self.issues.append(Issue(code, severity, self.source, self.crs.name, message))

    def on_height_system(self) -> None:
        if self.crs.vertical is None:
            self.add(
                "HEIGHT_SYSTEM_ASSUMED",
                Severity.WARNING,
                f"{self.crs.name} names no height system; heights are taken as DHHN2016 (NHN). If they are "
                "ellipsoidal, everything stands some 45 m too high.",
            )
        elif self.crs.vertical == DHHN92:
            self.add(
                "HEIGHT_SYSTEM_DHHN92",
                Severity.WARNING,
                "Heights are DHHN92 and are taken as DHHN2016, which differs by some centimetres in "
                "Nordrhein-Westfalen (more where mining lowers the ground).",
            )

    def on_datum(self, horizontal: pyproj.CRS) -> None:
        if datum_of(horizontal) != _DHDN:
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the warning says what `best_available` says
            ways = TransformerGroup(horizontal, ETRS89, always_xy=True, allow_ballpark=False)
        if not ways.best_available:
            accuracy = max((way.accuracy for way in ways.transformers), default=-1.0)
            self.add(
                "HORIZONTAL_ACCURACY",
                Severity.WARNING,
                f"{horizontal.name} is brought to ETRS89 within {accuracy:g} m only, because PROJ's grid BETA2007 is "
                "not installed.",
            )


def _find_grid(folders: Sequence[Path] | None) -> Path | None:
    candidates = (folder / geoid.GRID for folder in (routes.grid_folders() if folders is None else folders))
    return next((file for file in candidates if file.is_file()), None)


def _quasigeoid(
    crs: SourceCRS, region: Region, source: object | None, grid: Path | None, findings: _Findings
) -> tuple[Zeta, Method, str]:
    if grid is not None:
        if geoid.sha256_of(grid) != geoid.GRID_SHA256:
            message = f"{grid} is another edition of {geoid.GRID} than the one that was tested; check known heights."
            findings.add("HEIGHT_GRID_UNKNOWN", Severity.WARNING, message)
        return Grid.open(grid), "grid", geoid.ATTRIBUTION
    surface: HeightSurface | None = region.height_surface
    if surface is None:
        raise UnknownCRSError(
            f"heights of {crs.name} need the quasigeoid, but {region.title} has no height surface and the official "
            "grid is not installed",
            source=source,
            remedy=INSTALL_GRID,
        )
    findings.add(
        "HEIGHTS_BY_SURFACE",
        Severity.INFO,
        f"The official grid {surface.grid} is not installed; heights come from the surface of {region.title}, which "
        f"follows it within {surface.max_error * 1000:.1f} mm.",
    )
    return surface, "surface", surface.attribution


def _is_german(crs: pyproj.CRS) -> bool:
    """Return whether a CRS without heights is one that German authorities use with heights above NHN."""
    return datum_of(crs) in (ETRS89, _DHDN)


def _not_finite(rows: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(np.logical_not(np.isfinite(rows).all(axis=1)))


def _checked_shape(positions: NDArray[np.floating]) -> NDArray[np.float64]:
    points = np.asarray(positions, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 3:
        raise ValueError(f"positions must have the shape (n, 3), but have {points.shape}")
    return points


def enu_to_ecef(lon_deg: float, lat_deg: float, height: float) -> NDArray[np.float64]:
    """Return the matrix from the east-north-up frame at a place to ECEF (EPSG:4978), shape (4, 4).

    Column vectors: `matrix @ [east, north, up, 1]`, metres.  A `tile.transform` lists it column by column.

    Args:
        lon_deg: longitude in degrees.
        lat_deg: latitude in degrees.
        height: ellipsoidal height in metres.
    """
    lon, lat = np.radians(lon_deg), np.radians(lat_deg)
    sin_lon, cos_lon, sin_lat, cos_lat = np.sin(lon), np.cos(lon), np.sin(lat), np.cos(lat)
    matrix = np.eye(4)
    matrix[:3, 0] = -sin_lon, cos_lon, 0.0
    matrix[:3, 1] = -sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat
    matrix[:3, 2] = cos_lat * cos_lon, cos_lat * sin_lon, sin_lat
    matrix[:3, 3] = geocentric().transform(lon_deg, lat_deg, height)
    return matrix


@dataclass(frozen=True, slots=True)
class HeightCheck:
    """What became of a place whose ellipsoidal height is known.

    Attributes:
        method: see `Georeference.method`.
        expected: ellipsoidal height in metres, from the official grid.
        found: the same as computed here.
        shift: distance on the ground in metres between the expected and the computed place.
        tolerance: largest difference in metres that passes.
    """

    method: Method
    expected: float
    found: float
    shift: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether height and place are right."""
        return abs(self.found - self.expected) <= self.tolerance and self.shift <= 0.01


def check_heights(region: Region, *, grid_folders: Sequence[Path] | None = None) -> HeightCheck:
    """Return how the region's control point comes out, for a check before work begins.

    Raises:
        SettingsError: the region's profile has no control point.
        UnknownCRSError: its CRS has no way to the ellipsoid.
    """
    point = region.control_point
    if point is None:
        raise SettingsError(
            f"the profile of {region.title} has no [control_point]", remedy="run scripts/fit_height_surface.py"
        )
    georeference = Georeference.create(parse_crs(region.crs), region, grid_folders=grid_folders)
    ecef = georeference.to_ecef(np.array([point.position]))[0]
    east, north, up, _ = np.linalg.solve(enu_to_ecef(point.lon_deg, point.lat_deg, point.height), np.append(ecef, 1.0))
    return HeightCheck(
        method=georeference.method,
        expected=point.height,
        found=point.height + float(up),
        shift=float(np.hypot(east, north)),
        tolerance=0.01 if georeference.method == "surface" else 0.001,
    )
