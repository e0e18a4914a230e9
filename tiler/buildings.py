"""Features -> tileset: read everything once, cut space into tiles, write each tile with its coarser ancestors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from tiler.blocks import blocks
from tiler.content import MAX_ROWS, TileContent, encode
from tiler.feature_index import FeatureLocation
from tiler.glb import Compression
from tiler.ground import GroundGrid, ground_grid
from tiler.partition import Node, partition
from tiler.target import TILESET_FILE, FolderTarget
from tiler.tileset import Tile, Tileset
from zwilling.bounds import Box
from zwilling.crs import Georeference, SourceCRS, enu_to_ecef, parse_crs
from zwilling.errors import EmptyGeometryError
from zwilling.features import FeatureBatch, FeatureSource, Property, SurfaceClass, unite_properties
from zwilling.issues import Issue
from zwilling.layers import Extent
from zwilling.region import Region

# Measured over the real NRW files, compressed: what a triangle and a row of attributes come to in a tile.
_BYTES_PER_TRIANGLE = 8.0
_BYTES_PER_ROW = 260.0
# Rounding of float64 sums and of clients' float32 matrices; every volume is larger by this much on each side.
_MARGIN = 0.005
_ECEF = "EPSG:4978"


@dataclass(frozen=True, slots=True)
class TilingOptions:
    """How a tileset is made.

    Attributes:
        compression: of vertices and indices.
        tile_bytes: estimated size that a tile must not pass; several times below 1 MB, since the estimate is a mean.
        copyright_lines: attribution of the data; that of the heights is added.
    """

    compression: Compression = Compression.MESHOPT
    tile_bytes: int = 300_000
    copyright_lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TilingResult:
    """What came of it, for reports and for the layer's other files.

    Attributes:
        attribution: every line that must be shown with the tiles, of the data and of what gave the heights.
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


@dataclass(slots=True)
class _Gathered:
    """Everything that was read: batches in ECEF, fine and coarse, and one entry per feature in each array."""

    fine: list[FeatureBatch] = field(default_factory=list)
    coarse: list[FeatureBatch] = field(default_factory=list)
    bounds: list[NDArray[np.float64]] = field(default_factory=list)
    deviation: list[NDArray[np.float64]] = field(default_factory=list)
    size: list[NDArray[np.float64]] = field(default_factory=list)
    weight: list[NDArray[np.float64]] = field(default_factory=list)
    coarse_weight: list[NDArray[np.float64]] = field(default_factory=list)
    ground: list[NDArray[np.float64]] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    features_in: int = 0


class _Georeferences:
    """One `Georeference` for each CRS that occurs, made when it is first met."""

    def __init__(self, region: Region) -> None:
        self._region = region
        self._known: dict[str, Georeference] = {}

    def of(self, name: str) -> Georeference:
        if name not in self._known:
            crs: SourceCRS = parse_crs(name)
            self._known[name] = Georeference.create(crs, self._region)
        return self._known[name]

    @property
    def issues(self) -> list[Issue]:
        return [issue for georeference in self._known.values() for issue in georeference.issues]

    @property
    def methods(self) -> str:
        return "+".join(sorted({georeference.method for georeference in self._known.values()}))

    @property
    def attribution(self) -> list[str]:
        return [georeference.attribution for georeference in self._known.values() if georeference.attribution]


def tile_features(
    source: FeatureSource,
    target: FolderTarget,
    region: Region,
    options: TilingOptions,
    on_progress: Callable[[str, int, int], None] = lambda _stage, _done, _total: None,
) -> TilingResult:
    """Write the tileset of all features of `source` to `target` and return what came of it.

    Args:
        on_progress: called with a stage ("read", "write"), how much is done, and the total (0 if unknown).

    Raises:
        EmptyGeometryError: the source has no feature that can be drawn.
        ZwillingError: the source cannot be read, or its CRS has no way to the ellipsoid here.
    """
    georeferences = _Georeferences(region)
    gathered = _gather(source, georeferences, on_progress)
    if not gathered.fine:
        raise EmptyGeometryError(
            "there is no building that can be drawn", remedy="check the files with 'zwilling check'"
        )
    lines = tuple(dict.fromkeys((*options.copyright_lines, *georeferences.attribution)))
    writer = _TreeWriter(gathered, target, replace(options, copyright_lines=lines), on_progress)
    tileset = writer.write()
    target.write_json(TILESET_FILE, tileset.to_json())
    bounds = writer.bounds
    ids = np.concatenate([batch.feature_ids for batch in gathered.fine])
    return TilingResult(
        features_in=gathered.features_in,
        features_out=len(ids),
        triangles=sum(len(batch.triangles) for batch in gathered.fine),
        tiles=writer.done,
        extent=_extent(bounds),
        height_method=georeferences.methods,
        attribution=lines,
        issues=(*gathered.issues, *georeferences.issues),
        locations=_locations(ids, bounds, writer.leaf_of),
        ground=ground_grid(np.concatenate(gathered.ground)) if gathered.ground else None,
    )


def _extent(bounds: NDArray[np.float64]) -> Extent:
    west, south, _, _, low, _ = (float(value) for value in bounds.min(axis=0))
    _, _, east, north, _, high = (float(value) for value in bounds.max(axis=0))
    return Extent(west, south, east, north, low, high)


def _locations(
    ids: NDArray[np.object_], bounds: NDArray[np.float64], leaf_of: list[str]
) -> tuple[FeatureLocation, ...]:
    return tuple(
        FeatureLocation(feature_id, west, south, east, north, low, high, tile)
        for feature_id, (west, south, east, north, low, high), tile in zip(ids, bounds.tolist(), leaf_of, strict=True)
    )


def _gather(
    source: FeatureSource, georeferences: _Georeferences, on_progress: Callable[[str, int, int], None]
) -> _Gathered:
    gathered = _Gathered()
    for batch in source.batches():
        gathered.features_in += batch.features_in
        gathered.issues.extend(batch.issues)
        if len(batch.feature_ids):
            _take_in(gathered, batch, georeferences.of(batch.crs))
        on_progress("read", gathered.features_in, 0)
    return gathered


def _take_in(gathered: _Gathered, batch: FeatureBatch, georeference: Georeference) -> None:
    coarse = blocks(batch)
    gathered.deviation.append(coarse.deviation)
    gathered.fine.append(_in_ecef(batch, georeference))
    gathered.coarse.append(_in_ecef(coarse.batch, georeference))
    for weights, model in ((gathered.weight, batch), (gathered.coarse_weight, coarse.batch)):
        feature = model.row_feature[model.triangle_row]
        triangles = np.bincount(feature, minlength=len(model.feature_ids))
        rows = np.bincount(model.row_feature, minlength=len(model.feature_ids))
        weights.append(_BYTES_PER_TRIANGLE * triangles + _BYTES_PER_ROW * rows)
    gathered.bounds.append(_bounds(batch, georeference))
    is_ground = batch.triangle_surface == SurfaceClass.GROUND
    if bool(is_ground.any()):
        gathered.ground.append(georeference.to_geographic(batch.positions[np.unique(batch.triangles[is_ground])]))
    gathered.size.append(_size(gathered.bounds[-1]))


def _in_ecef(batch: FeatureBatch, georeference: Georeference) -> FeatureBatch:
    return replace(batch, crs=_ECEF, positions=georeference.to_ecef(batch.positions), issues=())


def _per_feature(batch: FeatureBatch) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lowest and highest coordinates of each feature, shapes (f, 3)."""
    corners = batch.positions[batch.triangles]
    feature = batch.row_feature[batch.triangle_row]
    low = np.full((len(batch.feature_ids), 3), np.inf)
    high = np.full((len(batch.feature_ids), 3), -np.inf)
    np.minimum.at(low, feature, corners.min(axis=1))
    np.maximum.at(high, feature, corners.max(axis=1))
    return low, high


def _bounds(batch: FeatureBatch, georeference: Georeference) -> NDArray[np.float64]:
    """Return west, south, east, north (degrees), low, high (ellipsoidal metres) of each feature, shape (f, 6).

    The four corners of the box in the source's CRS are converted, since its grid north is not true north.
    """
    low, high = _per_feature(batch)
    x, y, z = (np.stack([low[:, axis], high[:, axis]], axis=1) for axis in range(3))
    corners = np.stack([x[:, [0, 0, 1, 1]], y[:, [0, 1, 0, 1]], z[:, [0, 0, 1, 1]]], axis=2)
    lon, lat, height = georeference.to_geographic(corners.reshape(-1, 3)).reshape(-1, 4, 3).transpose(2, 0, 1)
    return np.stack(
        [lon.min(1), lat.min(1), lon.max(1), lat.max(1), height.min(1), height.max(1)],
        axis=1,
    )


def _size(bounds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the diagonal of each feature's box in metres: the error of not drawing it at all, shape (f,)."""
    west, south, east, north, low, high = bounds.T
    metres_per_degree = 111_320.0
    squeeze = np.cos(np.radians((south + north) / 2))
    sides = ((east - west) * metres_per_degree * squeeze, (north - south) * metres_per_degree, high - low)
    diagonal: NDArray[np.float64] = np.sqrt(sum(side**2 for side in sides))
    return diagonal


class _TreeWriter:
    """Writes the tiles of a tree, children before parents, since a parent's volume and error enclose theirs."""

    def __init__(
        self,
        gathered: _Gathered,
        target: FolderTarget,
        options: TilingOptions,
        on_progress: Callable[[str, int, int], None],
    ) -> None:
        self._gathered = gathered
        self._target = target
        self._options = options
        self._on_progress = on_progress
        self._first = np.cumsum([0] + [len(batch.feature_ids) for batch in gathered.fine])
        self._deviation = np.concatenate(gathered.deviation)
        self._size = np.concatenate(gathered.size)
        self._coarse_weight = np.concatenate(gathered.coarse_weight)
        self._schema: tuple[Property, ...] = unite_properties([batch.table.properties for batch in gathered.fine])
        self._total = 0
        self.bounds = np.concatenate(gathered.bounds)
        self.leaf_of: list[str] = [""] * len(self.bounds)
        self.done = 0

    def write(self) -> Tileset:
        centre = self.bounds.mean(axis=0)
        squeeze = np.cos(np.radians((centre[1] + centre[3]) / 2))
        places = np.stack(
            [(self.bounds[:, 0] + self.bounds[:, 2]) * squeeze, self.bounds[:, 1] + self.bounds[:, 3]], axis=1
        )
        limit = self._options.tile_bytes
        root = partition(places, np.concatenate(self._gathered.weight), min(limit, MAX_ROWS * _BYTES_PER_ROW / 2))
        self._total = _count(root)
        tile, frame = self._tile(root)
        tile.to_parent = frame
        return Tileset(
            root=tile,
            geometric_error=max(tile.geometric_error, float(self._size.max())),
            generator="zwilling",
            copyright_lines=self._options.copyright_lines,
        )

    def _tile(self, node: Node) -> tuple[Tile, NDArray[np.float64]]:
        """Write the tiles at and below `node`; return its tile and its frame's matrix to ECEF."""
        frame = self._frame(node.features)
        children = [self._tile(child) for child in node.children]
        if children:
            shown = self._affordable(node.features)
            error = self._error(node.features, shown, [child for child, _ in children])
        else:
            shown, error = node.features, 0.0
        content = self._encode(shown, self._gathered.coarse if children else self._gathered.fine, frame)
        uri = f"tiles/{'r' + node.path}.glb"
        self._target.write(uri, content.glb)
        self.done += 1
        self._on_progress("write", self.done, self._total)
        if not children:
            for feature in node.features:
                self.leaf_of[feature] = uri

        volumes = [content.box.corners]
        for child, child_frame in children:
            child.to_parent = np.asarray(np.linalg.solve(frame, child_frame), dtype=np.float64)
            corners = child.bounding_volume.corners @ child.to_parent[:3, :3].T + child.to_parent[:3, 3]
            volumes.append(corners)
        box = Box.around(np.concatenate(volumes)).grown(_MARGIN)
        return Tile(error, box, content_uri=uri, children=[child for child, _ in children]), frame

    def _frame(self, features: NDArray[np.int64]) -> NDArray[np.float64]:
        west, south = self.bounds[features, 0].min(), self.bounds[features, 1].min()
        east, north = self.bounds[features, 2].max(), self.bounds[features, 3].max()
        return enu_to_ecef((west + east) / 2, (south + north) / 2, float(self.bounds[features, 4].min()))

    def _affordable(self, features: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the largest of `features` whose blocks fit into one tile, ascending."""
        order = features[np.argsort(-self._size[features], kind="stable")]
        fits = np.cumsum(self._coarse_weight[order]) <= self._options.tile_bytes
        fits[0] = True
        return np.sort(order[fits])

    def _error(self, features: NDArray[np.int64], shown: NDArray[np.int64], children: list[Tile]) -> float:
        """Return the metres by which blocks of `shown` differ from the full models of `features`."""
        left_out = np.setdiff1d(features, shown, assume_unique=True)
        return max(
            float(self._deviation[shown].max()),
            float(self._size[left_out].max(initial=0.0)),
            *(child.geometric_error for child in children),
        )

    def _encode(
        self, features: NDArray[np.int64], models: list[FeatureBatch], frame: NDArray[np.float64]
    ) -> TileContent:
        batch_of = np.searchsorted(self._first, features, side="right") - 1
        parts = [models[i].select(features[batch_of == i] - self._first[i]) for i in np.unique(batch_of)]
        batch = FeatureBatch.concatenate(parts)
        batch = replace(batch, table=batch.table.conform(self._schema))
        local: NDArray[np.float64] = (batch.positions - frame[:3, 3]) @ frame[:3, :3]
        return encode(
            batch,
            local,
            compression=self._options.compression,
            copyright_line="; ".join(self._options.copyright_lines),
        )


def _count(node: Node) -> int:
    return 1 + sum(_count(child) for child in node.children)
