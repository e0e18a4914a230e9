"""Large trees as several documents: a tileset's JSON never grows beyond what a phone can parse at once.

A tile whose content is another tileset has no content of its own; the linked document's root carries it.

Spec: 3D Tiles 1.1 (OGC 22-025r4), `core-external-tilesets`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from tiler.tileset import IDENTITY, Tile


@dataclass(frozen=True, slots=True)
class LinkedDocument:
    """A document that another one links to.

    Attributes:
        name: file name, beside the first document, so that the URIs of contents stay as they are.
        root: its tree.
    """

    name: str
    root: Tile


def link(root: Tile, most_tiles: int) -> list[LinkedDocument]:
    """Cut the largest branches of `root` off into documents of their own, until none has more than `most_tiles`.

    Returns:
        the documents that were cut off, in the order of their names; `root` itself is changed.
    """
    documents: list[LinkedDocument] = []
    _link(root, most_tiles, documents)
    return sorted(documents, key=lambda document: document.name)


def _link(tile: Tile, most_tiles: int, documents: list[LinkedDocument]) -> int:
    """Return how many tiles of `tile`'s branch stay in its document."""
    counts = [_link(child, most_tiles, documents) for child in tile.children]
    for position in sorted(range(len(counts)), key=lambda i: (-counts[i], i)):
        if 1 + sum(counts) <= most_tiles or counts[position] == 1:
            break
        tile.children[position] = _cut_off(tile.children[position], documents)
        counts[position] = 1
    return 1 + sum(counts)


def _cut_off(tile: Tile, documents: list[LinkedDocument]) -> Tile:
    if tile.content_uri is None:
        raise ValueError("a tile without content has no name for a document")
    name = f"tileset-{PurePosixPath(tile.content_uri).stem}.json"
    linking = Tile(tile.geometric_error, tile.bounding_volume, tile.to_parent, name)
    tile.to_parent = IDENTITY.copy()
    documents.append(LinkedDocument(name, tile))
    return linking
