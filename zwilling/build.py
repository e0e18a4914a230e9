"""From source files to a published layer: read, tile, compress, switch."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import citygml
import tiler
import zwilling
from citygml.sources import open_source, unpacked_size
from tiler import feature_index
from tiler.buildings import TilingOptions, TilingResult, tile_features
from tiler.glb import Compression
from tiler.precompress import precompress
from tiler.target import FolderTarget, replacing, sweep
from zwilling.crs import Georeference, check_heights, parse_crs
from zwilling.errors import SettingsError, SourceError, UnknownCRSError
from zwilling.features import FeatureSource
from zwilling.layers import Extent, Layer, layers_directory, switch_layer
from zwilling.region import Region
from zwilling.report import Stopwatch, Subject, report_json, write_report
from zwilling.settings import LayerSettings

Progress = Callable[[str, int, int], None]
GROUND_FILE = "ground.json"
REPORT_FILE = "report.json"
REPORT_PAGE = "report.html"
_BYTES_PER_JOB = 8_000_000


@dataclass(frozen=True, slots=True)
class CityGMLFiles:
    """Files of CityGML or CityJSON that make one tileset, and how they are read.

    Attributes:
        paths: in the order in which their buildings are stored.
        crs: CRS of the coordinates, in place of the files' own; None for their own.
        skip_empty: leave out buildings without geometry instead of stopping.
        jobs: how many processes may share the work; 0 for one on each core.
        lod: level of detail to draw, 0 to 4; None for the highest that each building has.
    """

    paths: tuple[Path, ...]
    region: Region
    crs: str | None = None
    skip_empty: bool = False
    jobs: int = 0
    lod: int | None = None

    def sources(self, *, in_shares: bool) -> list[FeatureSource]:
        """Return one source for each file, for each model in an archive, or for each share of a large file."""
        return [source for path in self.paths for source in self._of(path, in_shares=in_shares)]

    def _of(self, path: Path, *, in_shares: bool) -> list[FeatureSource]:
        return open_source(
            path, crs=self.crs, region=self.region, skip_empty=self.skip_empty, lod=self.lod, in_shares=in_shares
        )

    def useful_jobs(self) -> int:
        """Return how many processes are worth their start: it costs as much as reading some megabytes."""
        size = sum(unpacked_size(path) for path in self.paths)
        return max(1, min(self.jobs or os.cpu_count() or 1, size // _BYTES_PER_JOB))


@dataclass(frozen=True, slots=True)
class Built:
    """A layer after a build; `result` is None where the inputs had not changed."""

    layer: Layer
    folder: Path
    result: TilingResult | None


@dataclass(frozen=True, slots=True)
class Tiled:
    """A tileset that was written: what came of it, and its report as JSON."""

    result: TilingResult
    json: dict[str, Any]


def tile_to_folder(files: CityGMLFiles, folder: Path, options: TilingOptions, on_progress: Progress) -> Tiled:
    """Write one tileset to `folder`, whole or not at all."""
    watch = Stopwatch()
    with replacing(folder) as target:
        result = _tile(files, target, options, on_progress)
    subject = Subject("Gebäude", files.region.title)
    report = report_json(
        result, files.paths, subject, files=target.files, size_bytes=target.bytes, seconds=watch.seconds
    )
    return Tiled(result, report)


def _tile(files: CityGMLFiles, target: FolderTarget, options: TilingOptions, on_progress: Progress) -> TilingResult:
    """Write the tileset of `files`; a fault in a share is judged by reading its file as a whole.

    That names the fault's own line, and tells a broken file from a sound one that was cut in a comment.
    """
    require_true_heights(files.region)
    options = replace(options, jobs=files.useful_jobs())
    sources = files.sources(in_shares=True)
    try:
        return tile_features(sources, target, files.region, options, on_progress)
    except SourceError:
        whole = files.sources(in_shares=False)
        if len(sources) == len(whole):
            raise
        return tile_features(whole, target, files.region, options, on_progress)


def require_true_heights(region: Region) -> None:
    """Stop where this machine's PROJ does not give the height that is known for the region's control point.

    Raises:
        UnknownCRSError: the height is wrong; nothing may be built with it.
    """
    check = check_heights(region)
    if not check.passed:
        raise UnknownCRSError(
            f"the height check of {region.title} failed", remedy="install Zwilling and its PROJ anew, or the grid"
        )


def build_layer(
    settings: LayerSettings,
    base: Path,
    data: Path,
    region: Region,
    on_progress: Progress,
    *,
    force: bool = False,
    jobs: int = 0,
) -> Built:
    """Bring one layer up to date and make it the one that the server shows.

    Args:
        base: folder that the layer's source patterns are relative to.
        data: the data folder of the twin.
        force: build anew even where a version with the same inputs and options stands.
        jobs: how many processes may share the work; 0 for one on each core.
    """
    paths = find_sources(settings, base)
    directory = layers_directory(data) / settings.id
    directory.mkdir(parents=True, exist_ok=True)
    sweep(directory)
    version = version_of(settings, paths, region)
    folder = directory / version
    result = None
    if force or not (folder / REPORT_FILE).is_file():
        files = CityGMLFiles(paths, region, settings.crs or None, settings.skip_empty, jobs, settings.lod)
        result = _build_version(files, settings, folder, on_progress)
    report = json.loads((folder / REPORT_FILE).read_bytes())
    layer = Layer(
        id=settings.id,
        title=settings.title,
        kind=settings.kind,
        access=settings.access,
        licence=settings.licence,
        attribution=tuple(report["attribution"]),
        extent=Extent(**report["extent"]),
        version=version,
        is_synthetic=settings.synthetic,
    )
    switch_layer(directory, layer)
    return Built(layer, folder, result)


def _build_version(files: CityGMLFiles, settings: LayerSettings, folder: Path, on_progress: Progress) -> TilingResult:
    watch = Stopwatch()
    options = TilingOptions(
        Compression(settings.compression),
        copyright_lines=tuple(settings.attribution),
        has_outlines=settings.outlines,
    )
    with replacing(folder) as target:
        result = _tile(files, target, options, on_progress)
        feature_index.write(target.folder / feature_index.FILE_NAME, result.locations)
        if result.ground is not None:
            target.write_json(GROUND_FILE, result.ground.to_json())
        precompress(target.folder)
        subject = Subject(settings.title, files.region.title, settings.synthetic)
        report = report_json(
            result, files.paths, subject, files=target.files, size_bytes=target.bytes, seconds=watch.seconds
        )
        write_report(target.folder / REPORT_FILE, report)
        write_report(target.folder / REPORT_PAGE, report)
    return result


def find_sources(settings: LayerSettings, base: Path) -> tuple[Path, ...]:
    """Return the files that a layer's patterns name, each once, in the order of their names.

    Raises:
        SettingsError: a pattern matches no file.
    """
    found: set[Path] = set()
    for pattern in settings.sources:
        root, relative = (
            (Path(Path(pattern).anchor), pattern.lstrip("/")) if Path(pattern).is_absolute() else (base, pattern)
        )
        matches = [path for path in root.glob(relative) if path.is_file()]
        if not matches:
            raise SettingsError(
                f"'{pattern}' matches no file", source=f"layer '{settings.id}'", remedy=f"looked in {root.resolve()}"
            )
        found.update(matches)
    return tuple(sorted(found))


def version_of(settings: LayerSettings, paths: Sequence[Path], region: Region) -> str:
    """Return the version that these inputs and options make: the same inputs give the same version anywhere.

    What only describes the layer (title, access, licence) is not part of it, since it stands in `layer.json`.
    """
    made_from = {
        "code": _code_hash(),
        "options": [
            settings.kind,
            settings.crs,
            settings.skip_empty,
            settings.lod,
            settings.compression,
            settings.outlines,
            settings.attribution,
        ],
        "heights": Georeference.create(parse_crs(settings.crs or region.crs), region).method,
        "sources": [[path.name, _sha256(path)] for path in paths],
    }
    return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:16]


@cache
def _code_hash() -> str:
    """Return a hash of everything that shapes tiles: a checkout between two releases must not trust old ones."""
    digest = hashlib.sha256()
    for package in (zwilling, citygml, tiler):
        folder = Path(next(iter(package.__path__)))
        for file in sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".tsv", ".toml")):
            digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SourceError(f"cannot be read ({error.strerror})", source=path) from error
