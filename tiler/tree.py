"""From features to tiles: which tile shows what, how wrong it is, and the files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tiler.content import encode
from tiler.facts import TileFacts
from tiler.glb import Compression
from tiler.partition import Node, partition
from tiler.store import Piece, Store
from tiler.target import FolderTarget
from tiler.tileset import Tile, Tileset
from tiler.workers import Workers
from zwilling.bounds import Box
from zwilling.crs import enu_to_ecef
from zwilling.features import Property, PropertyTable
from zwilling.issues import Issue, Severity

# Rounding of float64 sums and of clients' float32 matrices; every volume is larger by this much on each side.
_MARGIN = 0.005


@dataclass(frozen=True, slots=True)
class TreeOptions:
    """See `tiler.buildings.TilingOptions`; `copyright_lines` is complete here."""

    compression: Compression
    tile_bytes: int
    copyright_lines: tuple[str, ...]
    has_outlines: bool


@dataclass(frozen=True, slots=True)
class _Plan:
    """One tile to write: where it is, what it shows (with new ids where an old one stood twice), what is below."""

    uri: str
    frame: NDArray[np.float64]
    error: float
    parts: list[tuple[str, NDArray[np.int64]]]
    ids: list[str] | None
    children: list[_Plan]
    level: int
    bounds: tuple[float, float, float, float]

    @property
    def is_leaf(self) -> bool:
        return not self.children


class Tree:
    """The plan of a tileset over features, and its writing.

    Attributes:
        ids: of all features, in the order of the pieces; unique.
        issues: what had to be done to make them so.
        bounds: of all features, shape (n, 6); see `tiler.store.Piece`.
        leaf_of: URI of the leaf tile that holds each feature.
        tiles: how many tiles there are.
        tile_facts: of all tiles, parents first, once they are written.
    """

    def __init__(self, pieces: Sequence[Piece], properties: Sequence[Property], options: TreeOptions) -> None:
        stated: list[str] = [feature_id for piece in pieces for feature_id in piece.ids.tolist()]
        self.ids = _made_unique(stated)
        self._is_renamed = np.array([new != old for new, old in zip(self.ids, stated, strict=True)])
        self.issues = [
            Issue(
                "DUPLICATE_ID",
                Severity.WARNING,
                "",
                f"gml:id={old}",
                f"the id stands in another source, or before in a large one; this building is kept as {new}",
            )
            for new, old in zip(self.ids, stated, strict=True)
            if new != old
        ]
        self.bounds = np.concatenate([piece.bounds for piece in pieces])
        self.leaf_of = [""] * len(self.ids)
        self.tiles = 0
        self.tile_facts: list[TileFacts] = []
        self._names = [piece.name for piece in pieces]
        self._first = np.cumsum([0] + [len(piece.ids) for piece in pieces])
        self._deviation = np.concatenate([piece.deviation for piece in pieces])
        self._size = np.concatenate([piece.size for piece in pieces])
        self._coarse_weight = np.concatenate([piece.coarse_weight for piece in pieces])
        self._properties = tuple(properties)
        self._options = options
        centre = (self.bounds[:, :2] + self.bounds[:, 2:4]) / 2
        squeeze = np.array([np.cos(np.radians(centre[:, 1].mean())), 1.0])
        weight = np.concatenate([piece.weight for piece in pieces])
        self._root = self._plan(partition(centre * squeeze, weight, options.tile_bytes))

    def write(self, store: Store, target: FolderTarget, workers: Workers, on_tile: Callable[[int], None]) -> Tileset:
        """Write every tile and return the document that links them.

        Args:
            store: where the pieces are.
            target: where the tiles go.
            workers: share the encoding.
            on_tile: called with the number of tiles written so far.
        """
        # Leaves first: what is near the root looks at everything, and would keep the results behind it waiting.
        plans = sorted(_walk(self._root), key=lambda plan: -plan.level)
        tasks = [
            _TileTask(store, plan.frame, plan.parts, plan.ids, not plan.is_leaf, self._properties, self._options)
            for plan in plans
        ]
        boxes: dict[str, Box] = {}
        for plan, (glb, box) in zip(plans, workers.map(_encode, tasks), strict=True):
            target.write(plan.uri, glb)
            boxes[plan.uri] = box
            shown = sum(len(features) for _, features in plan.parts)
            self.tile_facts.append(TileFacts(plan.uri, plan.level, plan.is_leaf, shown, len(glb), plan.bounds))
            on_tile(len(boxes))
        order = {plan.uri: number for number, plan in enumerate(_walk(self._root))}
        self.tile_facts.sort(key=lambda facts: order[facts.uri])
        root = _tile(self._root, boxes)
        root.to_parent = self._root.frame
        return Tileset(
            root=root,
            geometric_error=max(root.geometric_error, float(self._size.max())),
            generator="zwilling",
            copyright_lines=self._options.copyright_lines,
        )

    def _plan(self, node: Node) -> _Plan:
        """Return what the tiles at and below `node` show."""
        self.tiles += 1
        uri = f"tiles/r{node.path}.glb"
        children = [self._plan(child) for child in node.children]
        if not children:
            for feature in node.features.tolist():
                self.leaf_of[feature] = uri
            return self._one(node, uri, 0.0, node.features, [])
        shown = self._affordable(node.features)
        error = self._error(node.features, shown, children)
        return self._one(node, uri, error, shown, children)

    def _one(self, node: Node, uri: str, error: float, shown: NDArray[np.int64], children: list[_Plan]) -> _Plan:
        renamed = bool(self._is_renamed[shown].any())
        ids = [self.ids[feature] for feature in shown.tolist()] if renamed else None
        bounds = self.bounds[node.features]
        west, south = bounds[:, :2].min(axis=0).tolist()
        east, north = bounds[:, 2:4].max(axis=0).tolist()
        box = (west, south, east, north)
        return _Plan(uri, self._frame(node.features), error, self._parts(shown), ids, children, len(node.path), box)

    def _frame(self, features: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the east-north-up frame at the middle of `features`, at the height of the lowest."""
        low, high = self.bounds[features].min(axis=0), self.bounds[features].max(axis=0)
        return enu_to_ecef(float(low[0] + high[2]) / 2, float(low[1] + high[3]) / 2, float(low[4]))

    def _affordable(self, features: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the largest of `features` whose blocks fit into one tile, ascending."""
        order = features[np.argsort(-self._size[features], kind="stable")]
        fits = np.cumsum(self._coarse_weight[order]) <= self._options.tile_bytes
        fits[0] = True
        return np.sort(order[fits])

    def _error(self, features: NDArray[np.int64], shown: NDArray[np.int64], children: list[_Plan]) -> float:
        """Return the metres by which the blocks of `shown` differ from the full models of `features`."""
        left_out = np.setdiff1d(features, shown, assume_unique=True)
        return max(
            float(self._deviation[shown].max()),
            float(self._size[left_out].max(initial=0.0)),
            *(child.error for child in children),
        )

    def _parts(self, features: NDArray[np.int64]) -> list[tuple[str, NDArray[np.int64]]]:
        """Return where `features`, ascending, are in the store."""
        piece = np.searchsorted(self._first, features, side="right") - 1
        starts = [0, *(np.flatnonzero(np.diff(piece)) + 1).tolist()]
        return [
            (self._names[i], those - self._first[i])
            for i, those in zip(piece[starts].tolist(), np.split(features, starts[1:]), strict=True)
        ]


@dataclass(frozen=True, slots=True)
class _TileTask:
    store: Store
    frame: NDArray[np.float64]
    parts: list[tuple[str, NDArray[np.int64]]]
    ids: list[str] | None
    is_coarse: bool
    properties: tuple[Property, ...]
    options: TreeOptions


def _encode(task: _TileTask) -> tuple[bytes, Box]:
    """Return one tile's GLB and the box around it, in the tile's frame; runs in a worker."""
    batch = task.store.load(task.parts, is_coarse=task.is_coarse)
    table = batch.table.conform(task.properties)
    if task.ids is not None:
        columns = {**table.columns, "id": np.array(task.ids, dtype=object)[batch.row_feature]}
        table = PropertyTable(table.properties, columns)
    batch = replace(batch, table=table)
    local: NDArray[np.float64] = (batch.positions - task.frame[:3, 3]) @ task.frame[:3, :3]
    content = encode(
        batch,
        local,
        compression=task.options.compression,
        copyright_line="; ".join(task.options.copyright_lines),
        has_outlines=task.options.has_outlines,
    )
    return content.glb, content.box


def _made_unique(ids: Sequence[str]) -> list[str]:
    """Return `ids` with `~2`, `~3` … behind each that stood before."""
    taken = set(ids)
    if len(taken) == len(ids):
        return list(ids)
    times: dict[str, int] = {}
    unique = []
    for stated in ids:
        count = times.get(stated, 0) + 1
        candidate = stated
        if count > 1:
            while (candidate := f"{stated}~{count}") in taken:
                count += 1
            taken.add(candidate)
        times[stated] = count
        unique.append(candidate)
    return unique


def _walk(plan: _Plan) -> list[_Plan]:
    """Return the plan and all below it, parents first."""
    return [plan, *(below for child in plan.children for below in _walk(child))]


def _tile(plan: _Plan, boxes: dict[str, Box]) -> Tile:
    """Return the tile of `plan` with all below it; its volume encloses its content and its children's volumes."""
    children = []
    corners = [boxes[plan.uri].corners]
    for child_plan in plan.children:
        child = _tile(child_plan, boxes)
        child.to_parent = np.asarray(np.linalg.solve(plan.frame, child_plan.frame), dtype=np.float64)
        corners.append(child.bounding_volume.corners @ child.to_parent[:3, :3].T + child.to_parent[:3, 3])
        children.append(child)
    box = Box.around(np.concatenate(corners)).grown(_MARGIN)
    return Tile(plan.error, box, content_uri=plan.uri, children=children)
