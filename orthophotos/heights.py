"""Digital terrain models, any number of files as one surface: what their heads say, and whether they fit together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from orthophotos.heights_files import Kind, TerrainFile, candidates, read_terrain_head
from orthophotos.heights_lattice import Lattice, Span
from orthophotos.heights_terrain import Placed, Terrain
from orthophotos.placing import common_crs, hint
from zwilling.crs import ELLIPSOIDAL, parse_crs
from zwilling.crs.height_units import metres_of_heights
from zwilling.crs.plane import PlaneCRS, plane_of, transformed
from zwilling.errors import SourceError
from zwilling.issues import Issue, Severity
from zwilling.rasters import RasterFile, Rectangle
from zwilling.region import Region

_OUTLINE_STEPS: Final = 16


def open_heights(paths: Sequence[Path], *, crs: str | None, region: Region, into: str | None = None) -> Terrain:
    """Return terrain files as one surface, after having read their heads.

    Args:
        paths: GeoTIFF, ASCII grid, XYZ; also as gzip, or any number of them in a zip archive.
        crs: CRS of all files, with heights or without; what they say themselves if None.
        region: the county: its CRS is taken for files that name none, its height system likewise.
        into: projected CRS in which heights are to be read, for example that of pictures; chosen if None.

    Raises:
        SourceError: a file is no terrain model, or its place makes no sense.
        UnknownCRSError: a CRS is unknown, or has heights in no known unit.
    """
    fallback = plane_of(parse_crs(region.crs))
    issues: list[Issue] = []
    heads: list[tuple[TerrainFile, PlaneCRS]] = []
    unnamed: list[str] = []
    for path in paths:
        for candidate in candidates(path):
            file, plane, named = read_terrain_head(candidate, crs, fallback)
            if not named:
                unnamed.append(file.packed.name)
            heads.append((file, plane))
    if not heads:
        raise SourceError("no terrain files are named", remedy="name GeoTIFF, ASCII grid or XYZ files")
    heads.sort(key=lambda head: (head[0].date, head[0].packed.name))
    if unnamed:
        message = f"{len(unnamed)} files name no coordinate system; taken as {fallback.title} ({fallback.definition})"
        issues.append(Issue("HEIGHTS_CRS_ASSUMED", Severity.WARNING, unnamed[0], "", message))
    vertical = _vertical(heads, fallback, issues)
    factor = {file.packed.name: _height_factor(file, plane) for file, plane in heads}
    target = into or _mosaic_crs(heads)
    lattices: list[Lattice] = []
    placed: list[Placed] = []
    files: list[RasterFile] = []
    outside: list[str] = []
    for file, plane in heads:
        times = factor[file.packed.name]
        if times != 1.0:
            file = _scaled(file, times)
        number, column, row = _lattice_number(lattices, file)
        placed.append(Placed(file, number, Span(column, row, column + file.width, row + file.height)))
        covers, in_region = _place(file, plane, target, region)
        if not in_region:
            outside.append(file.packed.name)
        files.append(RasterFile(file.packed.name, f"{file.fingerprint} {target}", covers, file.parts, file.date))
    if outside:
        message = f"{len(outside)} files of heights lie outside {region.title}; check the CRS if that is not meant"
        issues.append(Issue("HEIGHTS_OUTSIDE_REGION", Severity.WARNING, outside[0], "", message))
    resolution = min(_resolution(one.file, target) for one in placed)
    return Terrain(target, vertical, resolution, tuple(files), tuple(issues), tuple(lattices), tuple(placed))


def _vertical(
    heads: Sequence[tuple[TerrainFile, PlaneCRS]], fallback: PlaneCRS, issues: list[Issue]
) -> int | Literal["ellipsoidal"]:
    """Return the height system of all files in metres; findings say where it was assumed."""
    systems: dict[int | Literal["ellipsoidal"], str] = {}
    silent: list[str] = []
    for file, plane in heads:
        if plane.is_ellipsoidal:
            systems.setdefault(ELLIPSOIDAL, file.packed.name)
        elif plane.vertical is None:
            silent.append(file.packed.name)
        else:
            systems.setdefault(metres_of_heights(plane.vertical)[0], file.packed.name)
    if len(systems) > 1:
        (one, first), (two, second) = list(systems.items())[:2]
        raise SourceError(
            f"has heights {_above(two)}, but {first} {_above(one)}",
            source=second,
            remedy="convert them to one height system, or pass --crs if one of them names a wrong one",
        )
    vertical = next(iter(systems), fallback.vertical)
    if vertical is None:
        raise SourceError(
            "does not say above what its heights are",
            source=heads[0][0].packed.name,
            remedy="pass --crs with a height system, for example --crs EPSG:25832+7837",
        )
    if silent:
        taken = ELLIPSOIDAL if vertical == ELLIPSOIDAL else f"EPSG:{vertical}"
        message = f"{len(silent)} files name no height system; their heights are taken as {taken}"
        issues.append(Issue("HEIGHT_SYSTEM_ASSUMED", Severity.WARNING, silent[0], "", message))
    return vertical


def _above(vertical: int | Literal["ellipsoidal"]) -> str:
    return "above the ellipsoid" if vertical == ELLIPSOIDAL else f"in EPSG:{vertical}"


def _height_factor(file: TerrainFile, plane: PlaneCRS) -> float:
    """Return by what heights are multiplied because of their CRS; a unit in the file itself goes before that."""
    if plane.vertical is None:
        return 1.0
    factor = metres_of_heights(plane.vertical)[1]
    return factor if file.kind is not Kind.TIFF or not file.has_unit else (-1.0 if factor < 0 else 1.0)


def _scaled(file: TerrainFile, times: float) -> TerrainFile:
    return replace(file, factor=file.factor * times, shift=file.shift * times)


def _mosaic_crs(heads: Sequence[tuple[TerrainFile, PlaneCRS]]) -> str:
    """Return the CRS of the surface; see `common_crs`."""
    return common_crs([plane for _, plane in heads], lambda: np.array([_middle(*head) for head in heads]))


def _middle(file: TerrainFile, plane: PlaneCRS) -> NDArray[np.float64]:
    """Return longitude and latitude of a file's middle, degrees."""
    middle = file.lattice.centres(np.array([file.width / 2]), np.array([file.height / 2]), plane.definition)
    place: NDArray[np.float64] = plane.to_degrees(middle)[0]
    if not np.isfinite(place).all():
        raise _nowhere(file, plane)
    return place


def _lattice_number(lattices: list[Lattice], file: TerrainFile) -> tuple[int, int, int]:
    """Return the lattice of a file, which is added where it is new, and the file's first cell in it."""
    for number, lattice in enumerate(lattices):
        offset = lattice.offset_of(file.lattice, file.width, file.height)
        if offset is not None:
            return number, *offset
    lattices.append(file.lattice)
    return len(lattices) - 1, 0, 0


def _place(file: TerrainFile, plane: PlaneCRS, target: str, region: Region) -> tuple[Rectangle, bool]:
    """Return what a file covers in the mosaic's CRS, and whether some of it lies in the region."""
    along = np.linspace(0.0, 1.0, _OUTLINE_STEPS, endpoint=False)
    ends = np.zeros_like(along)
    columns = np.concatenate([along, ends + 1, 1 - along, ends]) * file.width - 0.5
    rows = np.concatenate([ends, along, ends + 1, 1 - along]) * file.height - 0.5
    outline = file.lattice.centres(columns, rows, plane.definition)
    degrees = plane.to_degrees(outline)
    west, south, east, north = plane.area()
    lon, lat = degrees[:, 0], degrees[:, 1]
    if not (np.isfinite(degrees).all() and ((lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)).any()):
        swapped = plane.to_degrees(outline[:, ::-1])
        if np.isfinite(swapped).all() and region.contains(*swapped.mean(axis=0)):
            raise SourceError(
                "x and y are swapped: x must be east (longitude), y north (latitude)",
                source=file.packed.name,
                remedy="swap its axes, or its columns if it is a text file",
            )
        raise _nowhere(file, plane)
    covered = transformed(outline, plane.definition, target)
    if not np.isfinite(covered).all():
        raise _nowhere(file, plane)
    box = region.bbox_deg
    in_region = lon.min() < box[2] and lon.max() > box[0] and lat.min() < box[3] and lat.max() > box[1]
    (x0, y0), (x1, y1) = covered.min(axis=0), covered.max(axis=0)
    return Rectangle(float(x0), float(y0), float(x1), float(y1)), bool(in_region)


def _nowhere(file: TerrainFile, plane: PlaneCRS) -> SourceError:
    x, y = file.lattice.x0, file.lattice.y0
    return SourceError(
        f"begins at {x:.10g}, {y:.10g}, which lies outside the area of {plane.title} ({plane.definition[:40]})",
        source=file.packed.name,
        remedy=hint(plane, x, y),
    )


def _resolution(file: TerrainFile, target: str) -> float:
    sides = file.lattice.sides(file.width / 2, file.height / 2, target)
    return round(float(np.hypot(sides[:, 0], sides[:, 1]).min()), 6)
