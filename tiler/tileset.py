"""The tree of a tileset, as the standard names it, and its JSON.

Spec: 3D Tiles 1.1 (OGC 22-025r4), `core-tileset-json`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zwilling.bounds import Box

IDENTITY: NDArray[np.float64] = np.eye(4)


class Refine(StrEnum):
    """What children are to their parent: drawn in its place, or besides it."""

    REPLACE = "REPLACE"
    ADD = "ADD"


@dataclass(slots=True)
class Tile:
    """One tile of an explicit tree.

    Attributes:
        geometric_error: metres by which the tile's content differs from the full model; 0 for a leaf.
        bounding_volume: encloses the tile's own content and that of all descendants, in the tile's frame.
        to_parent: 4 x 4, column vectors; from the tile's frame to its parent's (for the root: to ECEF, EPSG:4978).
        content_uri: relative to the tileset's JSON, or None.
        children: refine this tile as the tileset says.
    """

    geometric_error: float
    bounding_volume: Box
    to_parent: NDArray[np.float64] = field(default_factory=IDENTITY.copy)
    content_uri: str | None = None
    children: list[Tile] = field(default_factory=list)

    def walk(self) -> Iterator[Tile]:
        """Yield the tile and all its descendants, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()

    def to_json(self) -> dict[str, Any]:
        """Return the tile object, with `transform` in the standard's column-major order."""
        document: dict[str, Any] = {
            "boundingVolume": {"box": self.bounding_volume.to_json()},
            "geometricError": self.geometric_error,
        }
        if not np.array_equal(self.to_parent, IDENTITY):
            document["transform"] = self.to_parent.T.ravel().tolist()
        if self.content_uri is not None:
            document["content"] = {"uri": self.content_uri}
        if self.children:
            document["children"] = [child.to_json() for child in self.children]
        return document


@dataclass(frozen=True, slots=True)
class Tileset:
    """A tileset document.

    Attributes:
        root: the tree.
        geometric_error: metres of error where the whole tileset is not drawn.
        copyright_lines: attribution that clients must show (`asset.copyright` of each GLB, repeated in `asset.extras`).
        metadata: `schema` and `statistics` of the layer, as JSON.
        refine: how all tiles are refined.
    """

    root: Tile
    geometric_error: float
    generator: str
    copyright_lines: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    refine: Refine = Refine.REPLACE

    def to_json(self) -> dict[str, Any]:
        """Return the content of `tileset.json`."""
        root = self.root.to_json()
        root["refine"] = self.refine.value
        return {
            "asset": {
                "version": "1.1",
                "extras": {"generator": self.generator, "copyright": list(self.copyright_lines)},
            },
            "geometricError": self.geometric_error,
            **self.metadata,
            "root": root,
        }
