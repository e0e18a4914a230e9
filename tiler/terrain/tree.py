"""The tileset of the ground: what its tiles are, and the tree that ties them together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tiler.links import link
from tiler.target import TILESET_FILE, FolderTarget
from tiler.terrain import scheme
from tiler.terrain.scheme import Place
from tiler.tileset import Tile, Tileset
from zwilling.bounds import Box

# Rounding of float64 sums and of clients' float32 matrices; every volume is larger by this much on each side.
_ROUNDING: Final = 0.005

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TileFacts:
    """What one tile is.

    Attributes:
        place: level (0 is full detail), column from west and row from south, from the origin of the grid CRS.
        uri: of its content.
        frame: from its east-north-up frame to ECEF, shape (4, 4).
        box: of its content, in that frame.
        geometric_error: metres, not smaller than that of any tile below.
        vertical_error: metres by which its mesh is off at most, measured against the terrain in full detail.
        triangles: with skirts.
        size: bytes of the file.
        covered: what of the tile holds data, in texels: left, top, right, bottom; its picture shows just that.
        is_textured: whether it carries a picture.
    """

    place: Place
    uri: str
    frame: Floats
    box: Box
    geometric_error: float
    vertical_error: float
    triangles: int
    size: int
    covered: tuple[int, int, int, int]
    is_textured: bool


def write_tileset(
    tiles: Iterable[TileFacts], target: FolderTarget, copyright_lines: tuple[str, ...], document_tiles: int
) -> None:
    """Write `tileset.json` of `tiles`, and the documents that it links to, of `document_tiles` at most."""
    facts = {tile.place: tile for tile in tiles}
    root = _root(facts)
    # Clients leave out a tileset whose own error is too small to be seen, and without it all of the ground is missing.
    error = max(root.geometric_error, _side(root.bounding_volume))
    tileset = Tileset(root, error, "zwilling", copyright_lines)
    for document in link(root, document_tiles):
        part = Tileset(document.root, document.root.geometric_error, "zwilling", copyright_lines)
        target.write_json(document.name, part.to_json())
    target.write_json(TILESET_FILE, tileset.to_json())


def _root(facts: Mapping[Place, TileFacts]) -> Tile:
    """Return the tree of all tiles; where the coarsest are several, below a root that shows nothing itself."""
    has_parent = {child for place in facts for child in scheme.children(place)}
    tops = [facts[place] for place in sorted(facts) if place not in has_parent]
    if len(tops) == 1:
        root = _tile(tops[0], facts)
        root.to_parent = tops[0].frame
        return root
    frame = tops[0].frame
    tiles = [_below(frame, top, facts) for top in tops]
    volume = _around([], tiles)
    # Where it is not refined, nothing is shown.
    error = max(*(tile.geometric_error for tile in tiles), _side(volume))
    return Tile(error, volume, frame, None, tiles)


def _tile(own: TileFacts, facts: Mapping[Place, TileFacts]) -> Tile:
    children = [_below(own.frame, facts[child], facts) for child in scheme.children(own.place) if child in facts]
    return Tile(own.geometric_error, _around([own.box.corners], children), content_uri=own.uri, children=children)


def _below(frame: Floats, own: TileFacts, facts: Mapping[Place, TileFacts]) -> Tile:
    tile = _tile(own, facts)
    tile.to_parent = np.asarray(np.linalg.solve(frame, own.frame), dtype=np.float64)
    return tile


def _side(box: Box) -> float:
    """Return the longest side of a box, metres."""
    return float(np.subtract(box.high, box.low).max())


def _around(corners: list[Floats], children: Sequence[Tile]) -> Box:
    """Return the box around a tile's content and its children's volumes."""
    below = [tile.bounding_volume.corners @ tile.to_parent[:3, :3].T + tile.to_parent[:3, 3] for tile in children]
    return Box.around(np.concatenate([*corners, *below])).grown(_ROUNDING)
