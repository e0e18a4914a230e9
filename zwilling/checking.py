"""Findings about a source file or a tileset, without building anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from citygml.sources import is_cityjson, open_source
from tiler.check import check_tileset
from tiler.target import TILESET_FILE
from zwilling.crs import Georeference, parse_crs
from zwilling.errors import SourceError
from zwilling.issues import Issue, Severity
from zwilling.kinds import kind_of
from zwilling.rasters import Mosaic, Rectangle
from zwilling.region import Region

_CELLS_AT_ONCE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Checked:
    """What was looked at, what it consists of, and what is wrong with it.

    Attributes:
        source: as the user named it.
        kind: `city model`, `picture`, `terrain`, `point cloud` or `tileset`.
        statistics: of a city model `features_in`, `features_out`, `rows`, `triangles`; of a picture, terrain and a
            point cloud see `_picture`, `_terrain` and `zwilling.checking_points`; of a tileset those of
            `tiler.check.Statistics`.
    """

    source: Path
    kind: str
    statistics: Mapping[str, Any]
    issues: tuple[Issue, ...]


def check_source(path: Path, region: Region, crs: str | None) -> Checked:
    """Return what is wrong with a city model, picture, terrain or point cloud, or with the tileset `path` names.

    Raises:
        ZwillingError: the file is missing, or so broken that it cannot be read to its end.
    """
    if path.is_dir() and (path / TILESET_FILE).is_file():
        return _tileset(path, path / TILESET_FILE)
    if path.is_dir():
        raise SourceError(
            f"the folder holds no {TILESET_FILE}", source=path, remedy="name files, or a tileset's folder"
        )
    if path.suffix == ".json" and not is_cityjson(path):
        return _tileset(path, path)
    kind = kind_of(path)
    if kind == "points":
        return _point_cloud(path, region, crs)
    if kind == "ground":
        # Loaded where it is needed: GDAL takes a tenth of a second.
        from orthophotos.sorting import sort_rasters

        return _picture(path, crs) if sort_rasters([path]).pictures else _terrain(path, region, crs)
    return _city_model(path, region, crs)


def _picture(path: Path, crs: str | None) -> Checked:
    """Return what an orthophoto is: `width`, `height`, `bands`, `resolution` (metres), `crs`, `date`."""
    from orthophotos.heads import read_head
    from orthophotos.pictures import open_pictures

    pictures = open_pictures([path], crs=crs)
    head = read_head(path, crs=crs)
    statistics = {
        "width": head.width,
        "height": head.height,
        "bands": head.bands,
        "resolution": pictures.resolution,
        "crs": "" if head.crs is None else head.crs.title,
        "date": head.date,
    }
    with TemporaryDirectory(prefix="zwilling-") as scratch:
        found = _decoded(pictures, Path(scratch))
    return Checked(path, "picture", statistics, (*pictures.issues, *found))


def _terrain(path: Path, region: Region, crs: str | None) -> Checked:
    """Return what terrain is: `files`, `low` and `high` (metres, or None), `resolution`, `crs`, `date`."""
    from orthophotos.heights import open_heights

    terrain = open_heights([path], crs=crs, region=region)
    low, high = np.inf, -np.inf
    with TemporaryDirectory(prefix="zwilling-") as scratch:
        found = _decoded(terrain, Path(scratch))
        for file in terrain.files:
            for places in _centres(file.covers, terrain.resolution):
                heights = terrain.at(places, Path(scratch))
                low, high = np.fmin.reduce(heights, initial=low), np.fmax.reduce(heights, initial=high)
    statistics = {
        "files": len(terrain.files),
        "low": round(float(low), 3) if low <= high else None,
        "high": round(float(high), 3) if low <= high else None,
        "resolution": terrain.resolution,
        "crs": terrain.full_crs,
        "date": max(file.date for file in terrain.files),
    }
    return Checked(path, "terrain", statistics, (*terrain.issues, *found))


def _point_cloud(path: Path, region: Region, crs: str | None) -> Checked:
    """Return what a point cloud is: see `zwilling.checking_points.point_cloud`."""
    from zwilling.checking_points import point_cloud

    statistics, issues = point_cloud(path, region, crs)
    return Checked(path, "point cloud", statistics, issues)


def _decoded(mosaic: Mosaic, scratch: Path) -> list[Issue]:
    return [
        issue
        for number, file in enumerate(mosaic.files)
        for part in range(file.parts)
        for issue in mosaic.decode(number, part, scratch)
    ]


def _centres(covers: Rectangle, resolution: float) -> Iterator[NDArray[np.float64]]:
    """Yield the centres of all cells of a rectangle, some rows at once, shape (n, 2)."""
    columns = max(round((covers.east - covers.west) / resolution), 1)
    rows = max(round((covers.north - covers.south) / resolution), 1)
    x = covers.west + (np.arange(columns) + 0.5) * resolution
    step = max(_CELLS_AT_ONCE // columns, 1)
    for top in range(0, rows, step):
        y = covers.north - (np.arange(top, min(top + step, rows)) + 0.5) * resolution
        yield np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def _tileset(path: Path, document: Path) -> Checked:
    result = check_tileset(document)
    return Checked(path, "tileset", asdict(result.statistics), result.issues)


def _city_model(path: Path, region: Region, crs: str | None) -> Checked:
    found: list[Issue] = []
    statistics = {"features_in": 0, "features_out": 0, "rows": 0, "triangles": 0}
    known: dict[str, Georeference] = {}
    sources = open_source(path, crs=crs, region=region, skip_empty=True)
    for batch in (batch for source in sources for batch in source.batches()):
        found.extend(batch.issues)
        statistics["features_in"] += batch.features_in
        statistics["features_out"] += len(batch.feature_ids)
        statistics["rows"] += len(batch.table)
        statistics["triangles"] += len(batch.triangles)
        if not len(batch.feature_ids):
            continue
        if batch.crs not in known:
            known[batch.crs] = Georeference.create(parse_crs(batch.crs), region, source=path)
            found.extend(known[batch.crs].issues)
        # What has no way to the ellipsoid would stop the tiling.
        known[batch.crs].to_geographic(batch.positions)
    return Checked(path, "city model", statistics, tuple(found))


def checked_json(checked: Sequence[Checked]) -> dict[str, Any]:
    """Return what `zwilling check --json` prints; its shape does not depend on what was found."""
    issues = [issue for one in checked for issue in one.issues]
    return {
        "sources": [
            {
                "source": str(one.source),
                "kind": one.kind,
                "statistics": dict(one.statistics),
                "counts": _counts(one.issues),
            }
            for one in checked
        ],
        "counts": _counts(issues),
        "findings": [issue.to_json() for issue in issues],
    }


def checked_lines(checked: Sequence[Checked]) -> list[str]:
    """Return the findings, one on each line, and below them a summary by source and by code."""
    issues = [issue for one in checked for issue in one.issues]
    lines = [
        f"{issue.severity.value}: {issue.code}: "
        + ": ".join(part for part in (issue.source, issue.where, issue.message) if part)
        for issue in issues
    ]
    lines += [""] if lines else []
    lines += [f"{one.source}: {one.kind}, {_consists_of(one)}" for one in checked]
    times: dict[tuple[Severity, str], int] = {}
    for issue in issues:
        times[issue.severity, issue.code] = times.get((issue.severity, issue.code), 0) + 1
    worst_first = sorted(times, key=lambda kind: (list(Severity).index(kind[0]), -times[kind], kind[1]))
    width = len(str(max(times.values(), default=0)))
    lines += [f"  {times[kind]:>{width}} x {kind[0].value:<7} {kind[1]}" for kind in worst_first]
    counts = ", ".join(_counted(count, severity) for severity, count in _counts(issues).items())
    return [*lines, f"{_counted(len(issues), 'finding')}: {counts}" if issues else "no findings"]


def _consists_of(one: Checked) -> str:
    numbers = one.statistics
    if one.kind == "tileset":
        return (
            f"{_counted(numbers['tiles'], 'tile')}, {_counted(numbers['features'], 'feature')}, "
            f"{_counted(numbers['triangles'], 'triangle')}, {numbers['size_bytes'] / 1e6:.1f} MB"
        )
    if one.kind == "point cloud":
        low, high = numbers["low"], numbers["high"]
        span = "" if low is None else f"{low[2]:.2f} to {high[2]:.2f} m, "
        return (
            f"{_counted(numbers['points'], 'point')}, {span}{numbers['version']}, format {numbers['format']}, "
            f"{numbers['crs']}"
        )
    if one.kind in ("picture", "terrain"):
        of_date = f", {numbers['date']}" if numbers["date"] else ""
        grid = f"{numbers['resolution']:.3g} m, {numbers['crs'] or 'no CRS'}{of_date}"
        if one.kind == "picture":
            return f"{numbers['width']} x {_counted(numbers['height'], 'pixel')}, {numbers['bands']} bands, {grid}"
        span = "no heights" if numbers["low"] is None else f"{numbers['low']:.2f} to {numbers['high']:.2f} m"
        return f"{_counted(numbers['files'], 'file')}, {span}, {grid}"
    return (
        f"{numbers['features_out']} of {_counted(numbers['features_in'], 'building')} can be drawn, "
        f"{_counted(numbers['triangles'], 'triangle')}"
    )


def _counts(issues: Sequence[Issue]) -> dict[str, int]:
    return {severity.value: sum(issue.severity is severity for issue in issues) for severity in Severity}


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun if count == 1 or noun == Severity.INFO else f'{noun}s'}"
