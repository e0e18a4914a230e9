"""Buildings: CityGML and CityJSON to a tileset."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from citygml.sources import open_source, unpacked_size
from tiler import feature_index, foundations
from tiler.buildings import TilingOptions, TilingResult, tile_features
from tiler.glb import Compression
from tiler.precompress import precompress
from tiler.target import FolderTarget
from zwilling.crs import Georeference, parse_crs
from zwilling.errors import SourceError
from zwilling.features import FeatureSource
from zwilling.recipes import Outcome, Progress
from zwilling.recipes.heights import require_true_heights
from zwilling.recipes.sources import find_sources, identities
from zwilling.region import Region
from zwilling.report import Stopwatch, Subject, report_json
from zwilling.settings import BuildingLayerSettings

GROUND_FILE = "ground.json"
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
class BuildingRecipe:
    """Buildings of some files as one tileset.

    Attributes:
        subject: headings of the report.
    """

    files: CityGMLFiles
    options: TilingOptions
    subject: Subject

    @classmethod
    def of(cls, settings: BuildingLayerSettings, base: Path, region: Region, jobs: int) -> BuildingRecipe:
        """Return the recipe of a layer.

        Raises:
            SettingsError: a pattern matches no file.
        """
        paths = find_sources(settings.sources, base, settings.id)
        return cls(
            CityGMLFiles(paths, region, settings.crs or None, settings.skip_empty, jobs, settings.lod),
            TilingOptions(
                Compression(settings.compression),
                copyright_lines=tuple(settings.attribution),
                has_outlines=settings.outlines,
            ),
            Subject(settings.title, region.title, settings.synthetic),
        )

    @property
    def made_from(self) -> Mapping[str, Any]:
        """Options and sources; see `Recipe`."""
        files, options = self.files, self.options
        return {
            "kind": "buildings",
            "options": [
                files.crs,
                files.skip_empty,
                files.lod,
                options.compression,
                options.has_outlines,
                options.copyright_lines,
            ],
            "heights": Georeference.create(parse_crs(files.crs or files.region.crs), files.region).method,
            "sources": identities(files.paths),
        }

    def write(
        self,
        target: FolderTarget,
        on_progress: Progress,
        *,
        is_layer: bool,
        previous: Path | None = None,  # noqa: ARG002 - of a recipe; buildings take nothing over from the version before
    ) -> Outcome:
        """Write the tileset; see `Recipe`."""
        watch = Stopwatch()
        require_true_heights(self.files.region)
        result = self._tile(target, on_progress)
        if is_layer:
            feature_index.write(target.folder / feature_index.FILE_NAME, result.locations)
            if result.ground is not None:
                target.write_json(GROUND_FILE, result.ground.to_json())
            if len(result.foundations.row):
                result.foundations.write(target.folder / foundations.FILE_NAME, result.rows.names)
            precompress(target.folder)
        report = report_json(
            result, self.files.paths, self.subject, files=target.files, size_bytes=target.bytes, seconds=watch.seconds
        )
        amount = f"{result.features_out} of {result.features_in} buildings in {result.tiles} tiles"
        return Outcome(report, result.issues, amount)

    def _tile(self, target: FolderTarget, on_progress: Progress) -> TilingResult:
        """Write the tiles; a fault in a share is judged by reading its file as a whole.

        That names the fault's own line, and tells a broken file from a sound one that was cut in a comment.
        """
        region = self.files.region
        options = replace(self.options, jobs=self.files.useful_jobs())
        sources = self.files.sources(in_shares=True)
        try:
            return tile_features(sources, target, region, options, on_progress)
        except SourceError:
            whole = self.files.sources(in_shares=False)
            if len(sources) == len(whole):
                raise
            return tile_features(whole, target, region, options, on_progress)
