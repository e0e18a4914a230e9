"""Points -> tileset, out of core: files to runs on disk, runs to partitions of space, partitions to tiles.

Every file is decoded once.  How the work is cut depends on the sources and the options alone, and points of equal
place keep the order of their files' names, so the tileset is the same, byte for byte, however many processes there were
and in whatever order the files came.
"""

from __future__ import annotations

import resource
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from tiler.glb import Compression
from tiler.links import link
from tiler.points.account import Account, outside_region
from tiler.points.cutting import cut
from tiler.points.dimensions import property_of
from tiler.points.ground import Ground, block_tasks, blocks_of, make_block
from tiler.points.layer import plan
from tiler.points.metadata import (
    HEIGHT_ABOVE_GROUND,
    PROPERTIES,
    SCHEMA_FILE,
    PointProperty,
    PointStatistics,
    Range,
    schema_json,
)
from tiler.points.octree import Cell, Limits
from tiler.points.partition import Histogram
from tiler.points.runs import Index, Segment
from tiler.points.spill import Layer, SpillTask, spill
from tiler.points.tiles import CoarseTask, Making, PartitionTask, TileFacts, make_coarse, make_partition
from tiler.points.tree import tree
from tiler.target import TILESET_FILE, FolderTarget
from tiler.tileset import Refine, Tileset
from tiler.workers import Died, Workers
from zwilling.errors import EmptyGeometryError, SourceError, ZwillingError
from zwilling.issues import Issue, Severity
from zwilling.layers import Extent
from zwilling.points import PointSource
from zwilling.region import Region

_SCRATCH: Final = ".scratch"
_GENERATOR: Final = "zwilling"

# Measured: what a process has in memory before it begins, and what it needs for each point of a partition at its peak.
_PROCESS_BYTES: Final = 120_000_000
_BYTES_PER_POINT: Final = 110
_PIECE_BYTES: Final = 100_000_000
_BYTES_PER_DIMENSION: Final = 500_000 * 24  # of a piece or a partition, as doubles, in order and as read
_SHARE: Final = 4_000  # bytes of the whole memory for each point of the largest partition
_PARTITION_POINTS: Final = (50_000, 500_000)
_INDEXES_AT_ONCE: Final = 64


@dataclass(frozen=True, slots=True)
class PointsOptions:
    """How a tileset is made.

    Attributes:
        compression: of vertices.
        copyright_lines: attribution of the data; that of the heights is added.
        drop_classes: points of these LAS classes are left out.
        dimensions: LAS names of what points carry beside class, intensity and returns; sources must give them.
        height_above_ground: points carry it, where ground is told by class.
        skip_unreadable: go on without a file that cannot be read, with a finding, instead of giving up.
        limits: how large tiles are.
        memory: bytes that all processes together may take; fewer jobs are used where they would need more.
        document_tiles: most tiles in one JSON document; a tile takes some 700 bytes, the limit is 1 MB.
        jobs: how many processes share the work.
    """

    compression: Compression = Compression.MESHOPT
    copyright_lines: tuple[str, ...] = ()
    drop_classes: frozenset[int] = frozenset()
    dimensions: tuple[str, ...] = ()
    height_above_ground: bool = False
    skip_unreadable: bool = False
    limits: Limits = field(default_factory=Limits)
    memory: int = 2_000_000_000
    document_tiles: int = 1000
    jobs: int = 1

    @property
    def partition_points(self) -> int:
        """Most points of a partition; depends on the memory alone, since it may show in the tiles."""
        least, most = _PARTITION_POINTS
        return max(least, min(most, self.memory // _SHARE))

    @property
    def processes(self) -> int:
        """How many processes the memory allows, of those that are wanted."""
        further = len(self.dimensions) * _BYTES_PER_DIMENSION
        each = _PROCESS_BYTES + max(_PIECE_BYTES, self.partition_points * _BYTES_PER_POINT) + further
        return max(1, min(self.jobs, (self.memory - _PROCESS_BYTES) // each))


@dataclass(frozen=True, slots=True)
class PointsResult:
    """What came of it, for reports and for the layer's other files.

    Attributes:
        points_in: points that were read.
        points_out: points in the tiles.
        dropped: points left out by class, for those that were to be.
        outside: points left out because they lie where the CRS does not reach.
        tiles, size: of the tileset; `size` in bytes without JSON.
        crs: canonical name of the CRS that the layer was made in.
        position_error: metres by which a point is off at most, beside what a file's grid differs from the layer's.
        spacing: metres between the points of the root.
        lost: files that could not be read.
        properties: of the points.
        has_colour: whether points have colours.
        statistics: of the points in the tiles.
        peak_rss_bytes: upper bound of the peak memory of all processes together.
        scratch_bytes: most bytes that lay in the scratch folder.
    """

    points_in: int
    points_out: int
    dropped: dict[int, int]
    outside: int
    tiles: int
    size: int
    crs: str
    position_error: float
    spacing: float
    extent: Extent
    height_method: str
    attribution: tuple[str, ...]
    issues: tuple[Issue, ...]
    lost: tuple[str, ...]
    properties: tuple[PointProperty, ...]
    has_colour: bool
    statistics: PointStatistics
    tile_facts: tuple[TileFacts, ...]
    peak_rss_bytes: int
    scratch_bytes: int


def tile_points(
    sources: Sequence[PointSource],
    target: FolderTarget,
    region: Region,
    options: PointsOptions,
    on_progress: Callable[[str, int, int], None] = lambda _stage, _done, _total: None,
) -> PointsResult:
    """Write the tileset of all points of `sources` to `target` and return what came of it.

    Args:
        sources: files; their order does not matter.
        on_progress: called with a stage ("read", "write"), how many pieces or partitions are done, and the total.

    Raises:
        EmptyGeometryError: there are no points.
        SourceError: a file cannot be read, and is not to be skipped.
        UnknownCRSError: a CRS has no way to the ellipsoid here.
        TilesetError: the disk is full.
    """
    return _Build(sources, target, region, options, on_progress).run()


class _Build:
    def __init__(
        self,
        sources: Sequence[PointSource],
        target: FolderTarget,
        region: Region,
        options: PointsOptions,
        on_progress: Callable[[str, int, int], None],
    ) -> None:
        self._sources = sorted(sources, key=lambda source: (source.head.name, source.head.fingerprint))
        self._target = target
        self._region = region
        self._options = options
        self._on_progress = on_progress
        self._scratch = target.folder / _SCRATCH

    def run(self) -> PointsResult:
        heads = [source.head for source in self._sources]
        options = self._options
        layer = plan(
            heads, self._region, options.drop_classes, options.dimensions, above_ground=options.height_above_ground
        )
        account = Account(self._sources, layer)
        way = layer.way()
        lines = (*self._options.copyright_lines, *((way.attribution,) if way.attribution else ()))
        lines = tuple(dict.fromkeys(lines))
        self._scratch.mkdir(parents=True)
        try:
            with Workers(self._options.processes) as workers:
                runs = self._spill(layer, account, workers)
                surface = self._ground(layer, account, workers)
                properties = self._properties(layer, account, has_heights=surface is not None)
                histogram = Histogram.of(_sum(runs), layer.cell_bits)
                making = Making(
                    layer=layer,
                    cube=histogram.cube,
                    limits=self._options.limits,
                    properties=properties,
                    compression=self._options.compression,
                    copyright_lines=lines,
                    folder=self._target.folder,
                    ground=surface,
                )
                groups, heights = self._make(making, histogram, runs, workers)
            peak = workers.peak_rss_bytes
        finally:
            shutil.rmtree(self._scratch, ignore_errors=True)
        facts = tuple(tile for group in groups for tile in group)
        statistics = replace(account.statistics, heights=heights)
        self._write_documents(groups, making, statistics)
        extent = account.extent()
        return PointsResult(
            points_in=account.points_in,
            points_out=sum(tile.points for tile in facts),
            dropped=account.dropped,
            outside=account.outside,
            tiles=len(facts),
            size=sum(tile.size for tile in facts),
            crs=layer.crs,
            position_error=max(tile.error for tile in facts),
            spacing=making.spacing(0),
            extent=extent,
            height_method=way.method,
            attribution=lines,
            issues=(
                *account.issues(),
                *self._without_heights(heights, surface),
                *way.issues,
                *outside_region(extent, self._region),
            ),
            lost=account.lost,
            properties=properties,
            has_colour=layer.has_colour,
            statistics=statistics,
            tile_facts=facts,
            peak_rss_bytes=peak + resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            scratch_bytes=4 * layer.columns * statistics.count,
        )

    def _spill(self, layer: Layer, account: Account, workers: Workers) -> list[Path]:
        """Read everything and return the runs, in canonical order."""
        tasks = [
            SpillTask(source, number, chunk, layer, self._scratch / f"{number}-{chunk}")
            for number, source in enumerate(self._sources)
            for chunk in range(source.head.chunks)
        ]
        results = workers.map_guarded(spill, tasks, lambda task: task.number)
        for done, (task, result) in enumerate(zip(tasks, results, strict=True), 1):
            if isinstance(result, Died):
                result = SourceError(
                    "the program that reads it was killed by its content; the file is damaged, or was made to do harm",
                    source=task.source.head.name,
                    remedy="leave the file out, or fetch it anew",
                )
            if isinstance(result, ZwillingError) and not self._options.skip_unreadable:
                raise result
            account.note(task, result)
            self._on_progress("read", done, len(tasks))
        runs = account.runs()
        if not runs:
            outside = next((issue for issue in account.issues() if issue.code == "POINTS_OUTSIDE_AREA"), None)
            if outside is not None:
                raise EmptyGeometryError(
                    f"no point is left that could be drawn: {outside.message}",
                    source=outside.source,
                    remedy="check the coordinates, or pass the CRS that they are in with --crs",
                )
            raise EmptyGeometryError(
                "no point is left that could be drawn", remedy="look at the sources with 'zwilling check'"
            )
        return runs

    def _ground(self, layer: Layer, account: Account, workers: Workers) -> Ground | None:
        """Make the ground that heights are measured from; None where none are wanted, or there is no ground."""
        if layer.ground_bits is None or not (found := account.ground):
            return None
        step = layer.lattice.step
        near = blocks_of(account.boxes(), layer.ground_bits)
        made = workers.map(make_block, block_tasks(found, near, step, self._scratch))
        return Ground(self._scratch, frozenset(made), layer.ground_bits, step)

    def _without_heights(self, heights: Range, surface: Ground | None) -> list[Issue]:
        if not self._options.height_above_ground or (surface is not None and not heights.gaps):
            return []
        message = (
            "no point is classified as ground, so heights above it are not known"
            if surface is None
            else f"{heights.gaps:,} points are too far from any ground for their height above it to be known"
        )
        return [Issue("POINTS_NO_GROUND", Severity.WARNING if surface is None else Severity.INFO, "", "", message)]

    def _properties(self, layer: Layer, account: Account, *, has_heights: bool) -> tuple[PointProperty, ...]:
        """Return what points carry, known once all were read."""
        heads = [source.head for source in self._sources]
        found = [prop for prop in PROPERTIES if any(prop.column in head.columns for head in heads)]
        if has_heights:
            found.append(HEIGHT_ABOVE_GROUND)
        ranges = account.statistics.dimensions
        for name in layer.dimensions:
            found.append(property_of(name, ranges[name], [*(prop.id for prop in PROPERTIES), *(p.id for p in found)]))
        return tuple(found)

    def _make(
        self, making: Making, histogram: Histogram, runs: Sequence[Path], workers: Workers
    ) -> tuple[list[tuple[TileFacts, ...]], Range]:
        """Make all tiles, and return them, those above the partitions first, and which heights above ground occur."""
        shares = cut(runs, histogram, self._options.partition_points, making.layer.columns, workers)
        tasks = [
            PartitionTask(making, share, self._scratch / f"coarse-{number}") for number, share in enumerate(shares)
        ]
        groups = []
        above: dict[Cell, list[Segment]] = {}
        heights = Range(is_whole=False)
        for done, (task, made) in enumerate(zip(tasks, workers.map(make_partition, tasks), strict=True), 1):
            groups.append(made.tiles)
            heights = heights.plus(made.heights)
            for depth, segment in made.coarse.items():
                above.setdefault(task.share.cell.above(depth), []).append(segment)
            self._on_progress("write", done, len(tasks))
        coarse = [CoarseTask(making, cell, tuple(found)) for cell, found in sorted(above.items(), key=_by_cell)]
        return [*(made.tiles for made in workers.map(make_coarse, coarse)), *groups], heights

    def _write_documents(
        self, groups: Sequence[Sequence[TileFacts]], making: Making, statistics: PointStatistics
    ) -> None:
        for group in groups:
            self._target.files += len(group)
            self._target.bytes += sum(tile.size for tile in group)
        schema = schema_json(making.properties, sorted(statistics.by_class()))
        self._target.write_json(SCHEMA_FILE, schema)
        root = tree(groups, making.spacing)
        error = making.layer.lattice.step * making.cube.side(0)
        tileset = Tileset(root, error, _GENERATOR, making.copyright_lines, refine=Refine.ADD)
        for document in link(root, self._options.document_tiles):
            part = replace(tileset, root=document.root, geometric_error=document.root.geometric_error)
            self._target.write_json(document.name, part.to_json())
        metadata = {"schema": schema, "statistics": statistics.to_json(making.properties)}
        self._target.write_json(TILESET_FILE, replace(tileset, metadata=metadata).to_json())


def _by_cell(item: tuple[Cell, list[Segment]]) -> tuple[int, tuple[int, int, int]]:
    return item[0].depth, item[0].place


def _sum(runs: Sequence[Path]) -> Index:
    total = Index.read(runs[0])
    for start in range(1, len(runs), _INDEXES_AT_ONCE):
        total = Index.sum([total, *map(Index.read, runs[start : start + _INDEXES_AT_ONCE])])
    return total
