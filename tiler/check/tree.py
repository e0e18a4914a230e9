"""The tree of tiles: from a tileset.json down through all children and external tilesets.

Spec: 3D Tiles 1.1 (OGC 22-025r4), `core-tileset-and-tiles`.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tiler.check import files
from tiler.check.content import Content, read_content
from tiler.check.document import Declared, check_document, check_metadata
from tiler.check.fields import (
    JsonObject,
    as_object,
    get_number,
    get_numbers,
    get_object,
    get_objects,
    get_string,
    shown,
)
from tiler.check.files import Folder
from tiler.check.findings import Findings, Place
from tiler.check.glb import MAGIC
from tiler.check.gltf import is_affine
from tiler.check.volumes import TOLERANCE_M, Points, Volume, read_volume

MAX_DEPTH: Final = 512
MAX_TILES: Final = 2_000_000
_KEPT_CONTENTS: Final = 8
_OTHER_FORMATS: Final = {b"b3dm", b"i3dm", b"pnts", b"cmpt", b"subt"}


@dataclass(slots=True)
class Counts:
    """What was met on the way; `triangles`, `vertices` and `features` count full detail only."""

    tilesets: int = 0
    tiles: int = 0
    contents: int = 0
    depth: int = 0
    triangles: int = 0
    vertices: int = 0
    features: int = 0
    size_bytes: int = 0
    largest_content_bytes: int = 0
    largest_json_bytes: int = 0


@dataclass(frozen=True, slots=True)
class _Tile:
    """A tile to be looked at, with what it has from those above it.

    While its contents are looked at, the `parent_` attributes are already its own: they are what holds below it.
    """

    json: JsonObject
    place: Place
    document: _Document
    parent_frame: NDArray[np.float64]
    parent_error: float | None
    parent_refine: str | None
    enclosing: tuple[tuple[Volume, str], ...]
    depth: int


@dataclass(frozen=True, slots=True)
class _Document:
    """A tileset.json: its path, those that lead to it, and what it declares."""

    path: Path
    ancestors: frozenset[Path]
    declared: Declared


@dataclass(slots=True)
class Walk:
    """One walk over a tileset; afterwards `counts` and the findings are complete."""

    folder: Folder
    name: str
    findings: Findings
    counts: Counts = field(default_factory=Counts)
    _stack: list[_Tile] = field(default_factory=list)
    _contents: OrderedDict[Path, Content | None] = field(default_factory=OrderedDict)
    _seen: set[Path] = field(default_factory=set)

    def run(self, path: Path) -> None:
        """Check the tileset.json at `path` and all that it leads to."""
        place = Place(self.findings, self._shown(path))
        data = files.read_bytes(path, place)
        with np.errstate(all="ignore"):  # hostile numbers overflow; every result that matters is tested for it
            if data is not None:
                self._open(data, path, place, None)
            while self._stack:
                if self.counts.tiles >= MAX_TILES:
                    place.report("TOO_LARGE", f"more than {MAX_TILES} tiles; the others were not looked at")
                    return
                self._visit(self._stack.pop())

    def _shown(self, path: Path) -> str:
        """Return `path` as the user would write it."""
        return str(Path(self.name) / path.relative_to(self.folder.root))

    def _open(self, data: bytes, path: Path, place: Place, above: _Tile | None) -> None:
        """Put the root of a tileset.json onto the stack; `above` is the tile whose content it is."""
        self.counts.tilesets += 1
        if path not in self._seen:
            self._seen.add(path)
            self.counts.size_bytes += len(data)
            self.counts.largest_json_bytes = max(self.counts.largest_json_bytes, len(data))
        decoded = files.decode_json(data, place)
        tileset = None if decoded is None else as_object(decoded[0], place, "tileset")
        if tileset is None:
            return
        declared = check_document(tileset, path, self.folder, place)
        get_number(tileset, "geometricError", place, required=True, minimum=0)
        root = get_object(tileset, "root", place, required=True)
        if root is None:
            return
        if "refine" not in root:
            place.at("root").report("TILE_REFINE_MISSING_IN_ROOT", "'refine' is required in the root tile")
        if above is None:
            document = _Document(path, frozenset(), declared)
            self._stack.append(_Tile(root, place.at("root"), document, np.eye(4), None, None, (), 1))
            return
        document = _Document(path, above.document.ancestors | {above.document.path}, declared)
        self._stack.append(
            replace(
                above, json=root, place=place.at("root"), document=document, parent_refine=None, depth=above.depth + 1
            )
        )

    def _visit(self, tile: _Tile) -> None:
        self.counts.tiles += 1
        self.counts.depth = max(self.counts.depth, tile.depth)
        if tile.depth > MAX_DEPTH:
            tile.place.report("TOO_LARGE", f"the tree is deeper than {MAX_DEPTH} tiles")
            return
        frame = self._frame(tile)
        if frame is None:
            return
        volume = read_volume(tile.json, tile.place, frame)
        enclosing = tile.enclosing
        if volume is not None:
            enclosing = (*enclosing, (volume, f"{tile.place.source} {tile.place.pointer}"))
        if "viewerRequestVolume" in tile.json:
            request = {"boundingVolume": tile.json["viewerRequestVolume"]}
            read_volume(request, tile.place.at("viewerRequestVolume"), frame)
        error = self._geometric_error(tile)
        refine = _read_refine(tile.json, tile.place) or tile.parent_refine
        if "metadata" in tile.json:
            check_metadata(tile.json["metadata"], tile.place.at("metadata"), tile.document.declared)
        below = replace(tile, parent_frame=frame, parent_error=error, parent_refine=refine, enclosing=enclosing)
        if "implicitTiling" in tile.json:
            tile.place.at("implicitTiling").report("NOT_CHECKED", "implicit tiling; its subtrees were not opened")
            return
        self._visit_contents(below, volume)
        children = get_objects(tile.json, "children", tile.place, least=1)
        for child, place in reversed(children):
            self._stack.append(replace(below, json=child, place=place, depth=tile.depth + 1))

    def _frame(self, tile: _Tile) -> NDArray[np.float64] | None:
        if "transform" not in tile.json:
            return tile.parent_frame
        numbers = get_numbers(tile.json, "transform", tile.place, 16)
        if numbers is None:
            return None
        matrix = np.array(numbers).reshape(4, 4).T
        frame: NDArray[np.float64] = tile.parent_frame @ matrix
        if not is_affine(matrix) or not is_affine(frame):
            tile.place.at("transform").report("TRANSFORM_INVALID", f"must be affine and invertible: {shown(numbers)}")
            return None
        return frame

    def _geometric_error(self, tile: _Tile) -> float | None:
        error = get_number(tile.json, "geometricError", tile.place, required=True, minimum=0)
        if error is not None and tile.parent_error is not None and error > tile.parent_error:
            message = f"'geometricError' is {error}, larger than {tile.parent_error} above it"
            tile.place.report("TILE_GEOMETRIC_ERRORS_INCONSISTENT", message)
        return tile.parent_error if error is None else error

    def _visit_contents(self, tile: _Tile, volume: Volume | None) -> None:
        if "content" in tile.json and "contents" in tile.json:
            tile.place.report("ONE_OF_ERROR", "a tile may have 'content' or 'contents', but not both")
        contents = get_objects(tile.json, "contents", tile.place, least=1)
        content = get_object(tile.json, "content", tile.place)
        if content is not None:
            contents.append((content, tile.place.at("content")))
        for value, place in contents:
            self._visit_content(value, place, tile, volume)

    def _visit_content(self, value: JsonObject, place: Place, tile: _Tile, volume: Volume | None) -> None:
        enclosing = tile.enclosing
        if "boundingVolume" in value:
            own = read_volume(value, place, tile.parent_frame)
            if own is not None:
                enclosing = (*enclosing, (own, f"{place.source} {place.pointer}"))
                _check_consistent(own, volume, place.at("boundingVolume"))
        if "metadata" in value:
            check_metadata(value["metadata"], place.at("metadata"), tile.document.declared)
        uri = get_string(value, "uri", place, required=True)
        if uri is None:
            return
        at = place.at("uri")
        path = self.folder.locate(uri, tile.document.path.parent, at)
        if path is None:
            return
        below = replace(tile, enclosing=enclosing)
        if path in self._contents:
            self._contents.move_to_end(path)
            self._place_content(self._contents[path], path, below)
            return
        data = files.read_bytes(path, at)
        if data is None:
            return
        if data[:4] == MAGIC:
            self._contents[path] = self._read(data, path)
            if len(self._contents) > _KEPT_CONTENTS:
                self._contents.popitem(last=False)
            self._place_content(self._contents.get(path), path, below)
        elif data[:4] in _OTHER_FORMATS:
            at.report("NOT_CHECKED", f"content of the format {data[:4].decode()}")
        elif data.lstrip()[:1] == b"{":
            self._enter(data, path, below, at)
        else:
            # Content says what it is by its first bytes; an address and its ending are only a name.
            code = "GLB_INVALID_MAGIC" if len(data) >= 4 else "GLB_UNEXPECTED_END_OF_HEADER"
            at.report(code, f"{shown(uri)} is neither a GLB nor JSON, but begins with {data[:4]!r}")

    def _enter(self, data: bytes, path: Path, tile: _Tile, at: Place) -> None:
        """Go on with JSON content: an external tileset."""
        if path == tile.document.path or path in tile.document.ancestors:
            at.report("EXTERNAL_TILESET_CYCLE", f"{path.name} is the tileset itself or one that contains it")
            return
        self._open(data, path, Place(self.findings, self._shown(path)), tile)

    def _read(self, data: bytes, path: Path) -> Content | None:
        # A file that is used again later, and no longer kept, must not report its findings twice.
        is_new = path not in self._seen
        findings = self.findings if is_new else Findings()
        content = read_content(data, path, self.folder, Place(findings, self._shown(path)))
        if is_new:
            self._seen.add(path)
            self.counts.size_bytes += len(data)
            self.counts.largest_content_bytes = max(self.counts.largest_content_bytes, len(data))
        return content

    def _place_content(self, content: Content | None, path: Path, tile: _Tile) -> None:
        self.counts.contents += 1
        if content is None:
            return
        if not tile.json.get("children") or tile.parent_refine == "ADD":
            self.counts.triangles += content.triangles
            self.counts.vertices += len(content.positions)
            self.counts.features += content.features
        if not len(content.positions):
            return
        place = Place(self.findings, self._shown(path))
        _check_enclosed(content.positions, tile.parent_frame, tile.enclosing, place)


def _check_enclosed(
    positions: Points, frame: NDArray[np.float64], enclosing: tuple[tuple[Volume, str], ...], place: Place
) -> None:
    """Report vertices that lie outside one of the volumes.

    Positions are tested only where the corners of their own box do not all lie inside: a convex volume that holds
    the corners holds every point between, and in a sound tileset that is the case for all volumes but the closest.
    """
    low, high = positions.min(axis=0), positions.max(axis=0)
    ends = np.array([low, high])
    corners = np.array([[ends[i, 0], ends[j, 1], ends[k, 2]] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    placed_corners = corners @ frame[:3, :3].T + frame[:3, 3]
    placed: Points | None = None
    for volume, name in enclosing:
        if volume.is_convex and (volume.excess(placed_corners) <= TOLERANCE_M).all():
            continue
        if placed is None:
            placed = positions @ frame[:3, :3].T + frame[:3, 3]
        excess = volume.excess(placed)
        outside = ~(excess <= TOLERANCE_M)  # NaN, from numbers that overflow, is outside too
        if outside.any():
            farthest = float(np.nan_to_num(excess[outside], nan=np.inf).max())
            message = (
                f"{int(outside.sum())} of {len(placed)} vertices lie outside the bounding volume of {name},"
                f" the farthest by {farthest:.6g} m"
            )
            place.report("CONTENT_NOT_ENCLOSED_BY_BOUNDING_VOLUME", message)


def _check_consistent(inner: Volume, outer: Volume | None, place: Place) -> None:
    if outer is None:
        return
    excess = float(outer.excess(inner.samples()).max())
    if not excess <= TOLERANCE_M:
        message = f"the content's volume sticks out of its tile's volume by {excess:.6g} m"
        place.report("BOUNDING_VOLUMES_INCONSISTENT", message)


def _read_refine(tile: JsonObject, place: Place) -> str | None:
    refine = tile.get("refine")
    if isinstance(refine, str) and refine not in ("ADD", "REPLACE") and refine.upper() in ("ADD", "REPLACE"):
        place.at("refine").report("TILE_REFINE_WRONG_CASE", f"must be ADD or REPLACE, but is {refine}")
        return refine.upper()
    return get_string(tile, "refine", place, among=("ADD", "REPLACE"))
