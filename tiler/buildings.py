"""Features -> tileset: store what the sources hold, cut space into tiles, write them.

Reading and writing are shared among processes.  How the work is cut depends on the sources alone, so the tileset is
the same, byte for byte, however many processes there were.
"""

from __future__ import annotations

import resource
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tiler.facts import RowFacts, TileFacts
from tiler.feature_index import FeatureLocation
from tiler.foundations import Foundations
from tiler.glb import Compression
from tiler.ground import GroundGrid, ground_grid
from tiler.links import link
from tiler.metadata import FEATURE_CLASS, schema_json
from tiler.statistics import TableStatistics
from tiler.store import Piece, Store, Stored
from tiler.target import TILESET_FILE, FolderTarget
from tiler.tree import Tree, TreeOptions
from tiler.workers import Workers
from zwilling.crs import Georeference, parse_crs
from zwilling.errors import EmptyGeometryError
from zwilling.features import FeatureSource, Property, unite_properties
from zwilling.issues import Issue, Severity
from zwilling.layers import Extent
from zwilling.region import Region


@dataclass(frozen=True, slots=True)
class TilingOptions:
    """How a tileset is made.

    Attributes:
        compression: of vertices and indices.
        tile_bytes: estimated size that a tile must not pass; several times below 1 MB, since the estimate is a mean.
        copyright_lines: attribution of the data; that of the heights is added.
        has_outlines: mark the edges of surfaces, for clients that draw them.
        document_tiles: most tiles in one JSON document; a tile takes some 600 bytes, the limit is 1 MB.
        jobs: how many processes share the work.
    """

    compression: Compression = Compression.MESHOPT
    tile_bytes: int = 300_000
    copyright_lines: tuple[str, ...] = ()
    has_outlines: bool = False
    document_tiles: int = 1000
    jobs: int = 1


@dataclass(frozen=True, slots=True)
class TilingResult:
    """What came of it, for reports and for the layer's other files.

    Attributes:
        attribution: every line that must be shown with the tiles, of the data and of what gave the heights.
        properties: of the rows, in the order in which people should see them.
        statistics: of their values.
        rows: of the rows themselves, that is buildings and parts.
        foundations: corners of their ground surfaces, by the numbers of the rows.
        tile_facts: of all tiles, parents first.
        peak_rss_bytes: upper bound of the peak memory of all processes together.
    """

    features_in: int
    features_out: int
    triangles: int
    tiles: int
    extent: Extent
    height_method: str
    attribution: tuple[str, ...]
    issues: tuple[Issue, ...]
    locations: tuple[FeatureLocation, ...]
    ground: GroundGrid | None
    properties: tuple[Property, ...]
    statistics: TableStatistics
    rows: RowFacts
    foundations: Foundations
    tile_facts: tuple[TileFacts, ...]
    peak_rss_bytes: int


def tile_features(
    sources: Sequence[FeatureSource],
    target: FolderTarget,
    region: Region,
    options: TilingOptions,
    on_progress: Callable[[str, int, int], None] = lambda _stage, _done, _total: None,
) -> TilingResult:
    """Write the tileset of all features of `sources` to `target` and return what came of it.

    Args:
        sources: each is read by one process, so what is large should come as several.
        on_progress: called with a stage ("read", "write"), how many sources or tiles are done, and the total.

    Raises:
        EmptyGeometryError: the sources have no feature that can be drawn.
        ZwillingError: a source cannot be read, or its CRS has no way to the ellipsoid here.
    """
    store = Store.create(target.folder)
    try:
        with Workers(options.jobs) as workers:
            gathered = _Gathered.of(_read(sources, store, region, workers, on_progress))
            lines = tuple(dict.fromkeys((*options.copyright_lines, *gathered.height_attribution)))
            tree_options = TreeOptions(options.compression, options.tile_bytes, lines, options.has_outlines)
            tree = Tree(gathered.pieces, gathered.properties, tree_options)
            tileset = tree.write(store, target, workers, lambda done: on_progress("write", done, tree.tiles))
            metadata = {
                "schema": schema_json(gathered.properties),
                "statistics": gathered.statistics.to_json(FEATURE_CLASS),
            }
    finally:
        store.remove()
    for document in link(tileset.root, options.document_tiles):
        part = replace(tileset, root=document.root, geometric_error=document.root.geometric_error)
        target.write_json(document.name, part.to_json())
    target.write_json(TILESET_FILE, replace(tileset, metadata=metadata).to_json())
    return TilingResult(
        features_in=gathered.features_in,
        features_out=len(tree.ids),
        triangles=sum(piece.triangles for piece in gathered.pieces),
        tiles=tree.tiles,
        extent=_extent(tree.bounds),
        height_method="+".join(gathered.methods),
        attribution=lines,
        issues=(*gathered.issues, *tree.issues, *_outside(tree, region)),
        locations=tuple(
            FeatureLocation(feature_id, west, south, east, north, low, high, tile)
            for feature_id, (west, south, east, north, low, high), tile in zip(
                tree.ids, tree.bounds.tolist(), tree.leaf_of, strict=True
            )
        ),
        ground=ground_grid(gathered.ground) if len(gathered.ground) else None,
        properties=gathered.properties,
        statistics=gathered.statistics,
        rows=gathered.facts,
        foundations=gathered.foundations,
        tile_facts=tuple(tree.tile_facts),
        peak_rss_bytes=workers.peak_rss_bytes + resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )


def _extent(bounds: NDArray[np.float64]) -> Extent:
    west, south, _, _, low, _ = (float(value) for value in bounds.min(axis=0))
    _, _, east, north, _, high = (float(value) for value in bounds.max(axis=0))
    return Extent(west, south, east, north, low, high)


def _outside(tree: Tree, region: Region) -> list[Issue]:
    """Return a finding where buildings lie outside the county: a wrong zone lands elsewhere without any error."""
    west, south, east, north = region.bbox_deg
    bounds = tree.bounds
    stray = (bounds[:, 2] < west) | (bounds[:, 0] > east) | (bounds[:, 3] < south) | (bounds[:, 1] > north)
    if not bool(stray.any()):
        return []
    first = int(np.argmax(stray))
    message = (
        f"{int(stray.sum())} buildings lie outside {region.title}, the first at "
        f"{bounds[first, 0]:.3f} E, {bounds[first, 1]:.3f} N; check the CRS if that is not meant"
    )
    return [Issue("OUTSIDE_REGION", Severity.WARNING, "", f"gml:id={tree.ids[first]}", message)]


@dataclass(frozen=True, slots=True)
class _ReadTask:
    source: FeatureSource
    store: Store
    region: Region
    name: str


@dataclass(frozen=True, slots=True)
class _ReadResult:
    """What one source held, and how its heights became ellipsoidal."""

    stored: tuple[Stored, ...]
    methods: tuple[str, ...]
    attribution: tuple[str, ...]
    issues: tuple[Issue, ...]


def _read(
    sources: Sequence[FeatureSource],
    store: Store,
    region: Region,
    workers: Workers,
    on_progress: Callable[[str, int, int], None],
) -> list[_ReadResult]:
    tasks = [_ReadTask(source, store, region, str(number)) for number, source in enumerate(sources)]
    results = []
    for result in workers.map(_read_one, tasks):
        results.append(result)
        on_progress("read", len(results), len(tasks))
    return results


def _read_one(task: _ReadTask) -> _ReadResult:
    """Store everything that one source holds; runs in a worker."""
    stored: list[Stored] = []
    known: dict[str, Georeference] = {}
    for number, batch in enumerate(task.source.batches()):
        if batch.crs not in known and len(batch.feature_ids):
            known[batch.crs] = Georeference.create(parse_crs(batch.crs), task.region, source=task.source.name)
        stored.append(task.store.add(batch, known.get(batch.crs), f"{task.name}-{number}"))
    return _ReadResult(
        tuple(stored),
        tuple(georeference.method for georeference in known.values()),
        tuple(georeference.attribution for georeference in known.values() if georeference.attribution),
        tuple(issue for georeference in known.values() for issue in georeference.issues),
    )


@dataclass(frozen=True, slots=True)
class _Gathered:
    """What all sources held together, in their order."""

    pieces: tuple[Piece, ...]
    features_in: int
    issues: tuple[Issue, ...]
    properties: tuple[Property, ...]
    statistics: TableStatistics
    facts: RowFacts
    foundations: Foundations
    methods: tuple[str, ...]
    height_attribution: tuple[str, ...]
    ground: NDArray[np.float64]

    @classmethod
    def of(cls, results: Sequence[_ReadResult]) -> _Gathered:
        """Return the sum of `results`.

        Raises:
            EmptyGeometryError: there is nothing to draw.
        """
        batches = [stored for result in results for stored in result.stored]
        pieces = tuple(stored.piece for stored in batches if stored.piece is not None)
        if not pieces:
            raise EmptyGeometryError(
                "there is no building that can be drawn", remedy="look at the sources with 'zwilling check'"
            )
        found = [issue for stored in batches for issue in stored.issues]
        # What a CRS demands to be known is the same for every source that uses it.
        on_heights = dict.fromkeys(issue for result in results for issue in result.issues)
        return cls(
            pieces=pieces,
            features_in=sum(stored.features_in for stored in batches),
            issues=(*found, *on_heights),
            properties=unite_properties([stored.properties for stored in batches]),
            statistics=TableStatistics.sum([stored.statistics for stored in batches]),
            facts=RowFacts.sum([stored.facts for stored in batches]),
            foundations=Foundations.sum([(stored.foundations, len(stored.facts.names)) for stored in batches]),
            methods=tuple(sorted({method for result in results for method in result.methods})),
            height_attribution=tuple(dict.fromkeys(line for result in results for line in result.attribution)),
            ground=np.concatenate([stored.ground for stored in batches]),
        )
