"""Pictures over heights -> 3D Tiles, and whatever else is made of the same decoded files in the same run.

Decoding and making are shared among processes.  How the work is cut depends on the sources alone, so the files are the
same, byte for byte, however many processes there were, and whether or not a version before was built upon.
"""

from __future__ import annotations

import resource
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tiler.glb import Compression
from tiler.target import FolderTarget
from tiler.terrain.ground import Ground
from tiler.terrain.maker import Encoding
from tiler.terrain.tiles import GroundTiles, values
from tiler.terrain.tree import TileFacts
from tiler.terrain.work import Product, Worked, work
from tiler.workers import Workers
from zwilling.errors import EmptyGeometryError, UnknownCRSError
from zwilling.issues import Issue
from zwilling.layers import Extent
from zwilling.rasters import Rectangle

_SCRATCH = ".scratch"
# What workers need of the program.
_PRELOAD = (
    "tiler.terrain.build",
    "tiler.terrain.quantized_terrain",
    "tiler.terrain.imagery",
    "orthophotos.pictures",
    "orthophotos.heights",
)


@dataclass(frozen=True, slots=True)
class GroundOptions:
    """How the tiles are made.

    Attributes:
        compression: of meshes.
        quality: of WebP pictures, 0 to 100.
        methods: of WebP pictures in full detail and of coarser ones, 0 (fast) to 6 (small): three quarters of all bytes
            are in full detail, and coarser pictures are encoded anew at every change.
        copyright_lines: attribution of the data; that of the heights is added.
        document_tiles: most tiles in one JSON document; a tile takes some 600 bytes, the limit is 1 MB.
        jobs: how many processes share the work.
        code: changes where the program does, so that nothing that another one made is taken over.
    """

    compression: Compression = Compression.MESHOPT
    quality: int = 75
    methods: tuple[int, int] = (2, 0)
    copyright_lines: tuple[str, ...] = ()
    document_tiles: int = 1000
    jobs: int = 1
    code: str = ""


@dataclass(frozen=True, slots=True)
class LevelFacts:
    """What one level of the tree is.

    Attributes:
        level: 0 is full detail.
        tiles: their number.
        size: bytes of their files.
        geometric_error: the largest, metres.
        vertical_error_median, vertical_error_max: of the meshes against the terrain in full detail, metres.
    """

    level: int
    tiles: int
    size: int
    geometric_error: float
    vertical_error_median: float
    vertical_error_max: float


@dataclass(frozen=True, slots=True)
class GroundResult:
    """What came of it, for reports and for the layer's other files.

    Attributes:
        tiles, triangles, size: of the 3D Tiles; `size` in bytes without JSON.
        leaf: side of a tile of level 0, metres.
        textured_tiles: how many of the tiles carry a picture.
        attribution: every line that must be shown with the tiles, of the data and of what gave the heights.
        levels: full detail first.
        files: names of all source files, pictures first.
        decoded: those of them that had to be read.
        units, fresh: pieces of work, and how many of them were done and not taken over from the version before.
        peak_rss_bytes: upper bound of the peak memory of all processes together.
        worked: what every unit of every product left.
    """

    tiles: int
    textured_tiles: int
    triangles: int
    size: int
    leaf: float
    extent: Extent
    height_method: str
    attribution: tuple[str, ...]
    issues: tuple[Issue, ...]
    levels: tuple[LevelFacts, ...]
    tile_facts: tuple[TileFacts, ...]
    files: tuple[str, ...]
    decoded: tuple[str, ...]
    units: int
    fresh: int
    peak_rss_bytes: int
    worked: Worked


def tile_ground(
    ground: Ground,
    target: FolderTarget,
    options: GroundOptions,
    *,
    products: Sequence[Product] = (),
    previous: Path | None = None,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> GroundResult:
    """Write the tileset of `ground` to `target`, with everything that `products` add, and return what came of it.

    Args:
        products: what else is made of the same decoded files.
        previous: folder of the version before; what is still true there is linked, not made again.
        on_progress: called with how many units are done, and the total.

    Raises:
        EmptyGeometryError: there is nothing to draw.
        SourceError: a file cannot be decoded.
        UnknownCRSError: the CRS has no way to the ellipsoid, or not where a file lies; nothing has been decoded then.
    """
    georeference = ground.georeference
    _require_ways(ground)
    lines = (*options.copyright_lines, *((georeference.attribution,) if georeference.attribution else ()))
    encoding = Encoding(options.compression, options.quality, options.methods, tuple(dict.fromkeys(lines)))
    tiles = GroundTiles.of(ground, encoding, document_tiles=options.document_tiles)
    scratch = target.folder / _SCRATCH
    scratch.mkdir(parents=True)
    try:
        with Workers(options.jobs, _PRELOAD) as workers:
            worked = work(
                (tiles, *products),
                ground,
                target.folder,
                scratch,
                workers,
                code=options.code,
                previous=previous,
                on_progress=on_progress,
            )
            peak = workers.peak_rss_bytes
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    left = list(values(worked.made))
    if not left:
        raise EmptyGeometryError(
            "no picture shows anything and no height is known", remedy="look at the sources with 'zwilling check'"
        )
    tiles.write_tileset(left, target)
    facts = tuple(sorted((tile for value in left for tile in value.tiles), key=lambda tile: tile.place))
    low = np.min([value.extent[0] for value in left], axis=0).tolist()
    high = np.max([value.extent[1] for value in left], axis=0).tolist()
    # Files of all products are written by the units; the target has counted only what was written here.
    target.files += sum(len(made.files) for made in worked.made.values())
    target.bytes += sum(made.size for made in worked.made.values())
    heads = tuple(issue for mosaic in ground.mosaics for issue in mosaic.issues)
    return GroundResult(
        tiles=len(facts),
        textured_tiles=sum(tile.is_textured for tile in facts),
        triangles=sum(tile.triangles for tile in facts),
        size=sum(tile.size for tile in facts),
        leaf=tiles.scheme.leaf,
        extent=Extent(low[0], low[1], high[0], high[1], low[2], high[2]),
        height_method=georeference.method,
        attribution=encoding.copyright_lines,
        issues=(*heads, *georeference.issues, *worked.issues),
        levels=_levels(facts),
        tile_facts=facts,
        files=tuple(file.name for mosaic in ground.mosaics for file in mosaic.files),
        decoded=worked.decoded,
        units=len(worked.made),
        fresh=worked.fresh,
        peak_rss_bytes=peak + resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        worked=worked,
    )


def _require_ways(ground: Ground) -> None:
    """See that there is a way to the ellipsoid from every corner of every file.

    Raises:
        UnknownCRSError: there is none; names the file.
    """
    files = [file for mosaic in ground.mosaics for file in mosaic.files]
    corners = np.array([_corners(file.covers, ground.plane) for file in files])
    try:
        ground.georeference.to_geographic(corners.reshape(-1, 3))
    except UnknownCRSError:
        for file, own in zip(files, corners, strict=True):
            try:
                ground.georeference.to_geographic(own)
            except UnknownCRSError as error:
                raise UnknownCRSError(
                    error.problem, source=file.name, where=error.where, remedy=error.remedy
                ) from error
        raise


def _corners(covers: Rectangle, height: float) -> list[tuple[float, float, float]]:
    return [(east, north, height) for east in (covers.west, covers.east) for north in (covers.south, covers.north)]


def _levels(facts: Sequence[TileFacts]) -> tuple[LevelFacts, ...]:
    levels = []
    for level in sorted({tile.place[0] for tile in facts}):
        tiles = [tile for tile in facts if tile.place[0] == level]
        off = [tile.vertical_error for tile in tiles]
        levels.append(
            LevelFacts(
                level,
                len(tiles),
                sum(tile.size for tile in tiles),
                max(tile.geometric_error for tile in tiles),
                float(np.median(off)),
                max(off),
            )
        )
    return tuple(levels)
