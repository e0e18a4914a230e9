"""The ground as 3D Tiles: a quadtree of textured meshes, each made of exact pixels or of its four children."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tiler.target import FolderTarget
from tiler.terrain.coarser import CoarserUnit
from tiler.terrain.exact import ExactUnit
from tiler.terrain.ground import Ground
from tiler.terrain.maker import Encoding, Value
from tiler.terrain.scheme import TEXELS, Scheme, place_of
from tiler.terrain.tree import write_tileset
from tiler.terrain.work import Made, Unit
from zwilling.rasters import Rectangle

_CELLS: Final = 128
_CELLS_OF_A_PLANE: Final = 16
_MOST_CELLS: Final = 512


@dataclass(frozen=True, slots=True)
class GroundTiles:
    """The product: textured tiles.

    Attributes:
        scheme: which tiles there are.
        area: rectangles that hold the data, in the grid CRS.
        encoding: how tiles are written.
        document_tiles: most tiles in one JSON document.
    """

    scheme: Scheme
    area: tuple[Rectangle, ...]
    encoding: Encoding
    document_tiles: int = 1000

    @classmethod
    def of(cls, ground: Ground, encoding: Encoding, *, document_tiles: int = 1000) -> GroundTiles:
        """Return the product for `ground`: as large tiles as its pictures ask for, with heights as fine as they are."""
        area = tuple(file.covers for mosaic in ground.mosaics for file in mosaic.files)
        heights, pictures = ground.heights, ground.pictures
        cells = _CELLS_OF_A_PLANE if heights is None else _CELLS
        if pictures is not None:
            leaf = pictures.resolution * TEXELS
        elif heights is not None:
            leaf = heights.resolution * cells
        else:
            raise ValueError("ground needs pictures or heights")
        while heights is not None and cells < _MOST_CELLS and leaf / cells > heights.resolution * 1.01:
            cells *= 2
        return cls(Scheme(leaf, cells), area, encoding, document_tiles)

    @property
    def options(self) -> str:
        """Everything besides the inputs that shapes the files, as text."""
        return repr((self.scheme, self.encoding))

    def stages(self) -> Sequence[Sequence[Unit]]:
        """Return the units: those of levels 0 to 2, then those of each level above, up to the coarsest."""
        return list(self.scheme.stages(self.area))

    def make(self, unit: Unit, children: Mapping[str, object], ground: Ground, scratch: Path, folder: Path) -> Made:
        """Make one unit; see `work.Product`."""
        place = place_of(unit.key)
        if unit.children:
            below = {key: value for key, value in children.items() if isinstance(value, Value)}
            return CoarserUnit(self.scheme, self.encoding, ground, folder, place).make(below)
        return ExactUnit(self.scheme, self.encoding, ground, folder, place).make(scratch)

    def write_tileset(self, left: Iterable[Value], target: FolderTarget) -> None:
        """Write `tileset.json` of what all units left, and the documents that it links to."""
        tiles = [tile for value in left for tile in value.tiles]
        write_tileset(tiles, target, self.encoding.copyright_lines, self.document_tiles)


def values(made: Mapping[str, Made]) -> Iterator[Value]:
    """Yield what the units of this product left."""
    return (each.value for each in made.values() if isinstance(each.value, Value))
