"""Coordinate reference systems: which one a name means, and the way from it to the ellipsoid.

Every call of pyproj in the project is here, always with x before y (east before north, longitude before
latitude) and never with PROJ's ballpark steps: those pass heights through unchanged, 45 m wrong in the Rhineland.

ETRS89 and WGS 84 are taken as one system, as PROJ does: the plates have drifted some 0.8 m apart since 1989,
and all data of a county drifts with its plate.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, NoReturn, Protocol

import numpy as np
import pyproj
from numpy.typing import ArrayLike, NDArray
from pyproj.datadir import get_data_dir, get_user_data_dir  # type: ignore[attr-defined]  # documented there
from pyproj.enums import TransformDirection
from pyproj.exceptions import CRSError, ProjError
from pyproj.transformer import TransformerGroup

from zwilling import crs_name, geoid
from zwilling.errors import SettingsError, UnknownCRSError
from zwilling.height_surface import HeightSurface
from zwilling.issues import Issue, Severity
from zwilling.region import Region

Method = Literal["grid", "surface", "ellipsoid", "proj"]

DHHN2016 = 7837
DHHN92 = 5783
_ETRS89 = 4258
_DHDN = 4314
_WGS84_3D = 4979
_NAME_THE_CRS = "pass --crs, for example --crs EPSG:25832+7837"
_INSTALL_GRID = "install the official grid: 'zwilling geoid install FILE', or 'zwilling geoid install --download'"

# Counties at a zone's edge keep their zone: in Nordrhein-Westfalen zone 32 reaches half a degree, in Bayern two
# degrees beyond the area that EPSG states.
_ZONE_MARGIN_DEG = 2.0


@dataclass(frozen=True, slots=True)
class SourceCRS:
    """The CRS of a source, by EPSG codes.

    Attributes:
        horizontal: projected or geographic CRS; a geographic 3D or geocentric CRS stands here alone.
        vertical: height system, or None where the source names none (or `horizontal` has ellipsoidal heights).
    """

    horizontal: int
    vertical: int | None = None

    @property
    def name(self) -> str:
        """Canonical name, for example `EPSG:25832+7837`."""
        return f"EPSG:{self.horizontal}" if self.vertical is None else f"EPSG:{self.horizontal}+{self.vertical}"


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


def parse_crs(text: str, *, source: object | None = None, where: str | None = None) -> SourceCRS:
    """Return the CRS that a `srsName` or a user names.

    Args:
        text: any of AdV's, OGC's and EPSG's spellings, in upper or lower case (see `zwilling.crs_name`).
        source: the file, for the message.
        where: the place in it, for the message.

    Raises:
        UnknownCRSError: the name has no known form, or its code is not one of a CRS.

    Example:
        >>> parse_crs("urn:adv:crs:ETRS89_UTM32*DE_DHHN2016_NH*GCG2016").name
        'EPSG:25832+7837'
        >>> parse_crs("urn:ogc:def:crs:EPSG::5555").name
        'EPSG:25832+5783'
    """
    if not text.strip():
        raise UnknownCRSError(
            "the name of the coordinate system is empty", source=source, where=where, remedy=_NAME_THE_CRS
        )
    shown = text if len(text) <= 120 else f"{text[:117]}..."
    codes = crs_name.codes_in(text)
    if codes is None:
        if text.strip().startswith("#"):
            problem = f"'{shown}' is a local coordinate system, which no transformation leads out of"
            raise UnknownCRSError(problem, source=source, where=where, remedy=_NAME_THE_CRS)
        nearest = crs_name.nearest_name(text)
        remedy = f"did you mean '{nearest}'? If so, pass --crs {nearest}" if nearest else _NAME_THE_CRS
        raise UnknownCRSError(f"'{shown}' names no known coordinate system", source=source, where=where, remedy=remedy)
    try:
        return _registered(*codes)
    except CRSError as error:
        problem = f"'{shown}' is not in the EPSG registry"
        raise UnknownCRSError(problem, source=source, where=where, remedy=_NAME_THE_CRS) from error
    except ValueError as error:
        problem = f"'{shown}' {error}"
        raise UnknownCRSError(problem, source=source, where=where, remedy=_NAME_THE_CRS) from error


def is_geographic(crs: SourceCRS) -> bool:
    """Return whether `crs` counts in degrees."""
    return bool(pyproj.CRS.from_epsg(crs.horizontal).is_geographic)


def is_latitude_first(text: str) -> bool:
    """Return whether data under this `srsName` gives latitude before longitude.

    Geographic systems of EPSG have latitude first, OGC's CRS84 has longitude first.  Projected systems are taken as
    east before north, also where EPSG says otherwise (Gauß-Krüger): that is how CityGML is written.

    Raises:
        UnknownCRSError: as `parse_crs`.

    Example:
        >>> [is_latitude_first(name) for name in ("EPSG:4326", "OGC:CRS84", "EPSG:31467")]
        [True, False, False]
    """
    return is_geographic(parse_crs(text)) and "crs84" not in text.lower()


@cache
def _registered(horizontal: int, vertical: int | None) -> SourceCRS:
    """Return the two codes as a CRS, a compound one split; `ValueError` says what else the codes mean."""
    crs = pyproj.CRS.from_epsg(horizontal)
    if crs.is_compound and vertical is None:
        first, second = (part.to_epsg() for part in crs.sub_crs_list)
        if first is None or second is None:
            raise ValueError("is compound of parts without EPSG codes")
        return _registered(first, second)
    if crs.is_vertical and not crs.is_compound:
        raise ValueError(f"names heights ({crs.name}) and no place")
    if not (crs.is_projected or crs.is_geographic or crs.is_geocentric) or crs.is_compound:
        raise ValueError(f"is a {crs.type_name} ({crs.name}), from which nothing can be placed")
    if vertical is None:
        return SourceCRS(horizontal)
    if len(crs.axis_info) == 3:
        raise ValueError(f"adds heights to {crs.name}, which has ellipsoidal heights already")
    heights = pyproj.CRS.from_epsg(vertical)
    if not heights.is_vertical or heights.is_compound:
        raise ValueError(f"names {heights.name} (EPSG:{vertical}) as its heights")
    return SourceCRS(horizontal, vertical)


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
    return _Grid.open(grid).zeta(np.asarray(lon_deg, dtype=np.float64), np.asarray(lat_deg, dtype=np.float64))


class _Zeta(Protocol):
    """Quasigeoid height over places; not finite where it is not known."""

    def zeta(self, lon_deg: NDArray[np.float64], lat_deg: NDArray[np.float64], /) -> NDArray[np.float64]: ...


@dataclass(frozen=True, slots=True)
class _Grid:
    """The official grid, read by PROJ."""

    transformer: pyproj.Transformer

    @classmethod
    def open(cls, file: Path) -> _Grid:
        # The path stands in the pipeline itself: PROJ's list of data folders is global to the process, and
        # what one caller adds to it changes what another one gets.
        path = str(file.absolute())
        if any(sign in path for sign in '",'):
            raise UnknownCRSError("quotes and commas in the path confuse PROJ", source=file, remedy="move the grid")
        try:
            return cls(pyproj.Transformer.from_pipeline(f'+proj=vgridshift +grids="{path}" +multiplier=1'))
        except ProjError as error:
            raise UnknownCRSError("is no grid that PROJ can read", source=file, remedy=_INSTALL_GRID) from error

    def zeta(self, lon_deg: NDArray[np.float64], lat_deg: NDArray[np.float64], /) -> NDArray[np.float64]:
        _, _, heights = self.transformer.transform(lon_deg, lat_deg, np.zeros(len(lon_deg)), radians=False)
        return np.asarray(heights)


class _Route(Protocol):
    """A way between the source CRS and longitude, latitude (degrees), ellipsoidal height (metres)."""

    def forward(self, positions: NDArray[np.float64]) -> _Columns: ...

    def back(self, lon: NDArray[np.float64], lat: NDArray[np.float64], height: NDArray[np.float64]) -> _Columns: ...


_Columns = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class _ByQuasigeoid:
    """Place by PROJ; height by adding the quasigeoid height at that place."""

    horizontal: pyproj.Transformer
    quasigeoid: _Zeta

    def forward(self, positions: NDArray[np.float64]) -> _Columns:
        lon, lat = self.horizontal.transform(positions[:, 0], positions[:, 1])
        return lon, lat, positions[:, 2] + self.quasigeoid.zeta(lon, lat)

    def back(self, lon: NDArray[np.float64], lat: NDArray[np.float64], height: NDArray[np.float64]) -> _Columns:
        x, y = self.horizontal.transform(lon, lat, direction=TransformDirection.INVERSE)
        return x, y, height - self.quasigeoid.zeta(lon, lat)


@dataclass(frozen=True, slots=True)
class _ByProj:
    """Place and height by PROJ."""

    transformer: pyproj.Transformer

    def forward(self, positions: NDArray[np.float64]) -> _Columns:
        lon, lat, height = self.transformer.transform(positions[:, 0], positions[:, 1], positions[:, 2])
        return lon, lat, height

    def back(self, lon: NDArray[np.float64], lat: NDArray[np.float64], height: NDArray[np.float64]) -> _Columns:
        x, y, z = self.transformer.transform(lon, lat, height, direction=TransformDirection.INVERSE)
        return x, y, z


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
    _route: _Route
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
        if len(horizontal.axis_info) == 3:
            method, attribution = "ellipsoid", ""
            route: _Route = _ByProj(_transformer(horizontal, pyproj.CRS.from_epsg(_WGS84_3D), crs, source))
        elif crs.vertical in (DHHN2016, DHHN92) or (crs.vertical is None and _is_german(horizontal)):
            findings.on_height_system()
            quasigeoid, method, attribution = _quasigeoid(crs, region, source, grid, findings)
            transformer = _transformer(horizontal, pyproj.CRS.from_epsg(_ETRS89), crs, source)
            findings.on_datum(horizontal)
            route = _ByQuasigeoid(transformer, quasigeoid)
        elif crs.vertical is None:
            raise UnknownCRSError(
                f"{crs.name} ({horizontal.name}) says nothing about heights",
                source=source,
                remedy=f"pass --crs {crs.name}+CODE with the height system's code, for example +7837 for DHHN2016",
            )
        else:
            method, attribution = "proj", ""
            route = _ByProj(_compound_transformer(crs, source))
        return cls(crs, region, method, attribution, tuple(findings.issues), route, source, grid, _area_of(horizontal))

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
        return np.stack(_cart().transform(*self._forward(positions)), axis=1)

    def from_ecef(self, ecef: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return positions in the source CRS, shape (n, 3); the inverse of `to_ecef`.

        Args:
            ecef: shape (n, 3), EPSG:4978, metres.

        Raises:
            UnknownCRSError: a position lies where the CRS or the quasigeoid does not reach.
        """
        points = _checked_shape(ecef)
        lon, lat, height = _cart().transform(
            points[:, 0], points[:, 1], points[:, 2], direction=TransformDirection.INVERSE
        )
        columns = self._route.back(lon, lat, height)
        bad = _not_finite(np.stack(columns, axis=1))
        if bad.any():
            self._refuse(points, bad, "cannot be brought back")
        return np.stack(columns, axis=1)

    def __reduce__(self) -> tuple[object, ...]:
        source = None if self._source is None else str(self._source)
        return Georeference._create, (self.crs, self.region, source, self._grid)

    def _forward(self, positions: NDArray[np.floating]) -> _Columns:
        points = _checked_shape(positions)
        if not np.isfinite(points).all():
            self._refuse(points, _not_finite(points), "is not finite")
        lon, lat, height = self._route.forward(points)
        west, south, east, north = self._area
        inside = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
        if not inside.all():
            self._refuse(points, ~inside, f"lies outside the area of {self.crs.name}")
        if not np.isfinite(height).all():
            self._refuse(points, ~np.isfinite(height), self._beyond())
        return lon, lat, height

    def _beyond(self) -> str:
        if self.method == "surface":
            return f"lies outside {self.region.title}, for which alone there is a height surface"
        return f"lies where no height is known for {self.crs.name}"

    def _refuse(self, points: NDArray[np.float64], bad: NDArray[np.bool_], problem: str) -> NoReturn:
        first = points[int(np.argmax(bad))]
        remedy = "check the coordinates, or pass the CRS that they are in with --crs"
        if np.isfinite(first).all():
            remedy = self._hint(first) or (_INSTALL_GRID if self.method == "surface" else remedy)
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
            ("pass --crs EPSG:4258+7837 and longitude before latitude", _ETRS89, (y, x, z)),
            ("the coordinates look like millimetres: they must be metres", self.crs.horizontal, (x / 1e3, y / 1e3, z)),
            *((f"pass --crs EPSG:{code}+7837, with which it lies in {self.region.title}", code, (x, y, z))
              for code in _LIKELY if code != self.crs.horizontal),
        ]  # fmt: skip
        return next((hint for hint, code, place in guesses if self._in_region(code, place)), None)

    def _in_region(self, code: int, place: tuple[float, float, float]) -> bool:
        try:
            transformer = _transformer(pyproj.CRS.from_epsg(code), pyproj.CRS.from_epsg(_ETRS89), self.crs, None)
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
        if _datum(horizontal) != _DHDN:
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the warning says what `best_available` says
            ways = TransformerGroup(horizontal, _ETRS89, always_xy=True, allow_ballpark=False)
        if not ways.best_available:
            accuracy = max((way.accuracy for way in ways.transformers), default=-1.0)
            self.add(
                "HORIZONTAL_ACCURACY",
                Severity.WARNING,
                f"{horizontal.name} is brought to ETRS89 within {accuracy:g} m only, because PROJ's grid BETA2007 is "
                "not installed.",
            )


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
    matrix[:3, 3] = _cart().transform(lon_deg, lat_deg, height)
    return matrix


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


@cache
def _cart() -> pyproj.Transformer:
    """Return degrees and ellipsoidal metres → EPSG:4978."""
    return _exact(_WGS84_3D, 4978)


def _exact(source: int, target: int) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source, target, always_xy=True, allow_ballpark=False)


def _transformer(
    horizontal: pyproj.CRS, target: pyproj.CRS, crs: SourceCRS, source: object | None
) -> pyproj.Transformer:
    try:
        return pyproj.Transformer.from_crs(horizontal, target, always_xy=True, allow_ballpark=False)
    except ProjError as error:
        raise UnknownCRSError(
            f"PROJ knows no exact way from {crs.name} ({horizontal.name}) to ETRS89",
            source=source,
            remedy="convert the data to EPSG:25832+7837 first",
        ) from error


def _compound_transformer(crs: SourceCRS, source: object | None) -> pyproj.Transformer:
    try:
        compound = pyproj.CRS.from_user_input(crs.name)
        transformer = pyproj.Transformer.from_crs(compound, _WGS84_3D, always_xy=True, allow_ballpark=False)
        area = compound.sub_crs_list[0].area_of_use
        if area is not None:
            lon, lat = (area.west + area.east) / 2, (area.south + area.north) / 2
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


def _find_grid(folders: Sequence[Path] | None) -> Path | None:
    candidates = (folder / geoid.GRID for folder in (grid_folders() if folders is None else folders))
    return next((file for file in candidates if file.is_file()), None)


def _quasigeoid(
    crs: SourceCRS, region: Region, source: object | None, grid: Path | None, findings: _Findings
) -> tuple[_Zeta, Method, str]:
    if grid is not None:
        if geoid.sha256_of(grid) != geoid.GRID_SHA256:
            message = f"{grid} is another edition of {geoid.GRID} than the one that was tested; check known heights."
            findings.add("HEIGHT_GRID_UNKNOWN", Severity.WARNING, message)
        return _Grid.open(grid), "grid", geoid.ATTRIBUTION
    surface: HeightSurface | None = region.height_surface
    if surface is None:
        raise UnknownCRSError(
            f"heights of {crs.name} need the quasigeoid, but {region.title} has no height surface and the official "
            "grid is not installed",
            source=source,
            remedy=_INSTALL_GRID,
        )
    findings.add(
        "HEIGHTS_BY_SURFACE",
        Severity.INFO,
        f"The official grid {surface.grid} is not installed; heights come from the surface of {region.title}, which "
        f"follows it within {surface.max_error * 1000:.1f} mm.",
    )
    return surface, "surface", surface.attribution


def _datum(crs: pyproj.CRS) -> int | None:
    base = crs.geodetic_crs
    return None if base is None else base.to_epsg()


def _is_german(crs: pyproj.CRS) -> bool:
    """Return whether a CRS without heights is one that German authorities use with heights above NHN."""
    return _datum(crs) in (_ETRS89, _DHDN)


def _area_of(crs: pyproj.CRS) -> tuple[float, float, float, float]:
    area = crs.area_of_use
    if area is None:
        return -180.0, -90.0, 180.0, 90.0
    margin = _ZONE_MARGIN_DEG
    return area.west - margin, max(area.south - margin, -90.0), area.east + margin, min(area.north + margin, 90.0)


def _not_finite(rows: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(np.logical_not(np.isfinite(rows).all(axis=1)))


def _checked_shape(positions: NDArray[np.floating]) -> NDArray[np.float64]:
    points = np.asarray(positions, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 3:
        raise ValueError(f"positions must have the shape (n, 3), but have {points.shape}")
    return points
