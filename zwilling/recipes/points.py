"""Points: LiDAR files to a tileset."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from pointclouds.heads import read_head
from pointclouds.opening import Fence
from pointclouds.sources import LasSource, open_one
from tiler.points.build import PointsOptions, tile_points
from tiler.precompress import TEXT, precompress
from tiler.target import FolderTarget
from zwilling.crs import Georeference, parse_crs
from zwilling.errors import SourceError, TilesetError, UnknownCRSError, ZwillingError
from zwilling.issues import Issue, Severity
from zwilling.points import OPTIONAL_COLUMNS, PointSource
from zwilling.recipes import Outcome, Progress
from zwilling.recipes.heights import require_true_heights
from zwilling.recipes.sources import find_sources, quick_identities
from zwilling.region import Region
from zwilling.report import Stopwatch, Subject
from zwilling.report.points import FileFacts, points_report
from zwilling.settings import PointLayerSettings, memory_bytes

_PICTURES: Final = ".pictures"
_YEAR: Final = re.compile(r"_((?:19|20)\d\d)$")


@dataclass(frozen=True, slots=True)
class PointFiles:
    """LiDAR files that make one tileset, and how they are read.

    Attributes:
        paths: LAS, LAZ or COPC.
        crs: CRS of the coordinates, in place of the files' own; None for their own.
        colour_from: orthophotos that paint points of files without colours.
        skip_unreadable: leave out what cannot be read, with a finding, instead of stopping.
        dimensions: LAS names of what is read of each point beside what tiles always carry.
    """

    paths: tuple[Path, ...]
    region: Region
    crs: str | None = None
    colour_from: tuple[Path, ...] = ()
    skip_unreadable: bool = False
    dimensions: tuple[str, ...] = ()

    def opened(self, on_progress: Progress) -> tuple[list[LasSource], tuple[Issue, ...]]:
        """Return the files, each once, and findings about those that cannot be read.

        One process beside this one opens them all, since what they hold may end it.

        Raises:
            SourceError: a file is missing, or cannot be read; no file has a dimension that was asked for.
            UnknownCRSError: a file's CRS is missing or unknown, or does not reach where its points are.
        """
        opening = partial(
            open_one,
            crs=self.crs,
            region=self.region,
            columns=(*OPTIONAL_COLUMNS, *self.dimensions),
            skip_damaged=self.skip_unreadable,
        )
        sources: list[LasSource] = []
        issues: list[Issue] = []
        paths = list(dict.fromkeys(self.paths))
        with Fence() as fence:
            for done, path in enumerate(paths, 1):
                try:
                    if path.is_dir():
                        raise SourceError("is a folder", source=path, remedy="name the files in it")
                    sources.append(fence.run(path, opening, path))
                except ZwillingError as error:
                    if not self.skip_unreadable:
                        raise
                    issues.append(_lost(path, error))
                on_progress("open", done, len(paths))
        self._require_dimensions(sources)
        self._require_way_to_ellipsoid(sources)
        return sources, tuple(issues)

    def _require_dimensions(self, sources: Sequence[LasSource]) -> None:
        """Stop where no file has a dimension: its name is wrong."""
        for name in self.dimensions if sources else ():
            if not any(name in source.head.columns for source in sources):
                first = sources[0]
                raise SourceError(
                    f"has no dimension '{name}'; it has {', '.join(first.dimensions)}",
                    source=first.head.name,
                    remedy="ask for one of these by its name, or for none",
                )

    def _require_way_to_ellipsoid(self, sources: Sequence[LasSource]) -> None:
        """Stop where the middle of a file has no ellipsoidal height, before anything is decoded."""
        ways: dict[str, Georeference] = {}
        for source in sources:
            head = source.head
            try:
                if head.crs not in ways:
                    ways[head.crs] = Georeference.create(parse_crs(head.crs), self.region)
                if head.count:
                    ways[head.crs].to_geographic(np.array([head.low, head.high]).mean(axis=0)[None])
            except UnknownCRSError as error:
                raise UnknownCRSError(
                    error.problem, source=head.name, where=error.where, remedy=error.remedy
                ) from error


@dataclass(frozen=True, slots=True)
class PointRecipe:
    """The points of some files as one tileset.

    Attributes:
        subject: headings of the report.
    """

    files: PointFiles
    options: PointsOptions
    subject: Subject

    @classmethod
    def of(cls, settings: PointLayerSettings, base: Path, region: Region, jobs: int) -> PointRecipe:
        """Return the recipe of a layer.

        Raises:
            SettingsError: a pattern matches no file.
        """
        files = PointFiles(
            find_sources(settings.sources, base, settings.id),
            region,
            settings.crs or None,
            find_sources(settings.colour_from, base, settings.id),
            settings.skip_unreadable,
            tuple(settings.dimensions),
        )
        options = PointsOptions(
            copyright_lines=tuple(settings.attribution),
            drop_classes=frozenset(settings.drop_classes),
            dimensions=tuple(settings.dimensions),
            height_above_ground=settings.height_above_ground,
            skip_unreadable=settings.skip_unreadable,
            memory=memory_bytes(settings.memory),
            jobs=jobs or os.cpu_count() or 1,
        )
        return cls(files, options, Subject(settings.title, region.title, settings.synthetic))

    @property
    def made_from(self) -> Mapping[str, Any]:
        """Options and sources; see `Recipe`.

        The memory is one of them: it decides how the points are cut, which may show in the tiles.
        """
        files, options = self.files, self.options
        return {
            "kind": "points",
            "options": [
                files.crs,
                files.skip_unreadable,
                sorted(options.drop_classes),
                options.partition_points,
                options.copyright_lines,
                options.dimensions,
                options.height_above_ground,
            ],
            "heights": Georeference.create(parse_crs(files.region.crs), files.region).method,
            "sources": quick_identities(files.paths),
            "pictures": quick_identities(files.colour_from),
        }

    def write(
        self,
        target: FolderTarget,
        on_progress: Progress,
        *,
        is_layer: bool,
        previous: Path | None = None,  # noqa: ARG002 - of a recipe; points take nothing over from the version before
    ) -> Outcome:
        """Write the tileset; see `Recipe`."""
        watch = Stopwatch()
        require_true_heights(self.files.region)
        opened, lost = self.files.opened(on_progress)
        if not opened:
            first = lost[0]
            raise SourceError(first.message, source=first.source, remedy="no other file is left")
        facts = [_facts(source, is_painted=bool(self.files.colour_from)) for source in opened]
        sources: Sequence[PointSource] = opened
        pictures = target.folder / _PICTURES
        if self.files.colour_from:
            # Loaded where it is needed: GDAL takes a tenth of a second.
            from zwilling.recipes.painting import painted

            pictures.mkdir(parents=True)
            sources, found = painted(
                opened, self.files.colour_from, pictures, crs=_horizontal(self.files.crs), jobs=self.options.jobs
            )
            lost = (*lost, *found)
        try:
            result = tile_points(sources, target, self.files.region, self.options, on_progress)
        finally:
            shutil.rmtree(pictures, ignore_errors=True)
        if result.points_in != result.points_out + sum(result.dropped.values()) + result.outside:
            raise TilesetError(
                f"has {result.points_out} points of {result.points_in}, which is a fault in the program",
                source=target.folder,
                remedy="please report it",
            )
        result = replace(result, issues=(*lost, *result.issues))
        if is_layer:
            # Of the points themselves it saves little and takes as long as making them.
            precompress(target.folder, kinds=TEXT)
        report = points_report(
            result,
            facts,
            (*self.files.paths, *self.files.colour_from),
            self.subject,
            region=self.files.region,
            files=target.files,
            size_bytes=target.bytes,
            seconds=watch.seconds,
        )
        amount = f"{result.points_out} of {result.points_in} points in {result.tiles} tiles"
        return Outcome(report, result.issues, amount)


def _facts(source: LasSource, *, is_painted: bool) -> FileFacts:
    las = read_head(Path(source.head.name))
    packing = "COPC" if source.octree is not None else "LAZ" if las.is_packed else "LAS"
    has_own = {"red", "green", "blue"} <= set(source.head.columns)
    colours: Literal["own", "painted", "none"] = "own" if has_own else "painted" if is_painted else "none"
    # NRW's names end with the year of the flight, where they tell any; a file may have been written long after it.
    year = _YEAR.search(Path(source.head.name).stem)
    return FileFacts(source.head, f"{packing} 1.{las.version}", las.format, colours, year[1] if year else las.created)


def _horizontal(crs: str | None) -> str | None:
    """Return the horizontal part of a CRS, for pictures that name none."""
    return None if crs is None else crs.partition("+")[0]


def _lost(path: Path, error: ZwillingError) -> Issue:
    message = f"the file could not be read and was left out: {error.problem}"
    message += f"; {error.remedy}" if error.remedy else ""
    return Issue("POINTS_FILE_LOST", Severity.ERROR, str(path), error.where or "", message)
