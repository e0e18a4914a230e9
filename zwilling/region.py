"""What is particular to one county: its name, its CRS, its municipalities, its quasigeoid."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import msgspec
import numpy as np

from zwilling.errors import SettingsError
from zwilling.height_surface import HeightSurface

DEFAULT_REGION = "rhein-kreis-neuss"


@dataclass(frozen=True, slots=True)
class ControlPoint:
    """A position whose ellipsoidal height is known from the official grid.

    Attributes:
        position: x, y, z in the region's CRS.
        lon_deg, lat_deg: the same place in degrees (ETRS89/WGS 84).
        height: its ellipsoidal height in metres.
    """

    position: tuple[float, float, float]
    lon_deg: float
    lat_deg: float
    height: float


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """One county, as its profile states it.

    Attributes:
        name: short name for settings and file names, lower case with hyphens.
        title: German name for people.
        crs: CRS in which the county's data comes, as `zwilling.crs.parse_crs` reads it.
        bbox_deg: west, south, east, north in degrees (ETRS89/WGS 84), around the county with some margin.
        municipalities: eight-digit key (AGS) → name.
        height_surface: quasigeoid over the county; None where the official grid must be installed.
        control_point: what the height check compares with.
        state: short name of the Land (ISO 3166-2:DE), whose public holidays hold; empty where the profile names none.
        school_holidays: first day, last day and name of each.
    """

    name: str
    title: str
    crs: str
    bbox_deg: tuple[float, float, float, float]
    municipalities: Mapping[str, str]
    height_surface: HeightSurface | None = None
    control_point: ControlPoint | None = None
    state: str = ""
    school_holidays: tuple[tuple[date, date, str], ...] = ()

    def contains(self, lon_deg: float, lat_deg: float) -> bool:
        """Return whether a place lies in the region's box."""
        west, south, east, north = self.bbox_deg
        return west <= lon_deg <= east and south <= lat_deg <= north

    def __reduce__(self) -> tuple[object, ...]:
        # A read-only mapping cannot cross process borders.
        state = (self.name, self.title, self.crs, self.bbox_deg, dict(self.municipalities))
        return Region, (*state, self.height_surface, self.control_point, self.state, self.school_holidays)


class _HeightSurfaceProfile(msgspec.Struct, forbid_unknown_fields=True):
    grid: str
    grid_sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    west: float
    south: float
    east: float
    north: float
    degree: Annotated[int, msgspec.Meta(ge=0, le=99)]
    max_error: float
    rms_error: float
    attribution: str
    coefficients: list[list[float]]


class _ControlPointProfile(msgspec.Struct, forbid_unknown_fields=True):
    position: tuple[float, float, float]
    lon_deg: float
    lat_deg: float
    height: float


class _CalendarProfile(msgspec.Struct, forbid_unknown_fields=True):
    state: Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")]
    school_holidays: list[tuple[date, date, str]] = []


class _Profile(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9-]*$")]
    title: str
    crs: str
    bbox_deg: tuple[float, float, float, float]
    municipalities: dict[Annotated[str, msgspec.Meta(pattern="^[0-9]{8}$")], str]
    height_surface: _HeightSurfaceProfile | None = None
    control_point: _ControlPointProfile | None = None
    calendar: _CalendarProfile | None = None


def load_region(name_or_path: str | Path = DEFAULT_REGION) -> Region:
    """Return a region: a shipped one by its name, any other by the path of its profile.

    Raises:
        SettingsError: there is no such profile, or it is broken.

    Example:
        >>> load_region("rhein-kreis-neuss").municipalities["05162024"]
        'Neuss'
    """
    text = str(name_or_path)
    if isinstance(name_or_path, str) and re.fullmatch(r"[a-z][a-z0-9-]*", text):
        shipped = resources.files("zwilling") / "regions" / f"{text}.toml"
        if not shipped.is_file():
            known = ", ".join(region_names())
            raise SettingsError(f"no region is called '{text}'", remedy=f"use one of {known}, or a profile's path")
        return _parse(shipped.read_bytes(), source=f"{text}.toml")
    try:
        content = Path(name_or_path).read_bytes()
    except OSError as error:
        problem = f"the region's profile cannot be read ({error.strerror})"
        raise SettingsError(problem, source=name_or_path, remedy="see docs/operators/heights.md") from error
    return _parse(content, source=name_or_path)


def region_names() -> list[str]:
    """Return the names of the shipped regions, sorted."""
    folder = resources.files("zwilling") / "regions"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def _parse(content: bytes, *, source: object) -> Region:
    remedy = "compare with zwilling/regions/rhein-kreis-neuss.toml"
    try:
        profile = msgspec.convert(tomllib.loads(content.decode("utf-8")), _Profile)
        surface = None if profile.height_surface is None else _surface(profile.height_surface)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError, ValueError) as error:
        raise SettingsError(str(error), source=source, remedy=remedy) from error
    west, south, east, north = profile.bbox_deg
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        problem = f"bbox_deg must be west, south, east, north in degrees, but is {list(profile.bbox_deg)}"
        raise SettingsError(problem, source=source, remedy=remedy)
    for first, last, name in profile.calendar.school_holidays if profile.calendar else ():
        if not 0 <= (last - first).days <= 100:
            raise SettingsError(f"{name} from {first} to {last} cannot be", source=source, remedy=remedy)
    point = profile.control_point
    return Region(
        name=profile.name,
        title=profile.title,
        crs=profile.crs,
        bbox_deg=profile.bbox_deg,
        municipalities=MappingProxyType(profile.municipalities),
        height_surface=surface,
        control_point=None
        if point is None
        else ControlPoint(point.position, point.lon_deg, point.lat_deg, point.height),
        state=profile.calendar.state if profile.calendar else "",
        school_holidays=tuple(profile.calendar.school_holidays) if profile.calendar else (),
    )


def _surface(profile: _HeightSurfaceProfile) -> HeightSurface:
    rows = profile.coefficients
    if len(rows) != profile.degree + 1 or any(len(row) != profile.degree + 1 for row in rows):
        raise ValueError(f"coefficients must be {profile.degree + 1} rows of {profile.degree + 1} numbers")
    return HeightSurface(
        west=profile.west,
        south=profile.south,
        east=profile.east,
        north=profile.north,
        coefficients=np.array(rows, dtype=np.float64),
        grid=profile.grid,
        grid_sha256=profile.grid_sha256,
        max_error=profile.max_error,
        rms_error=profile.rms_error,
        attribution=profile.attribution,
    )
