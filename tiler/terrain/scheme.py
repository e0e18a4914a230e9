"""Which tiles there are, where they lie, and which unit of work makes them.

Tiles are squares of the grid CRS, anchored at its origin, so that no tile depends on what else is built, and the pixels
of a picture are the texels of its tiles.  Level 0 has full detail; each level above has squares twice as large.  A unit
of the first stage makes 4 x 4 tiles of level 0 and the five tiles of levels 1 and 2 above them.  Each coarser tile is a
unit of its own, made of its four children.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tiler.terrain.work import Unit
from zwilling.rasters import Rectangle

TEXELS: Final = 1024
LEAVES: Final = 4  # of a unit of the first stage, on each side
UNIT_LEVEL: Final = 2
# Points around a unit whose heights its outermost normals need: one step of its coarsest tile.
MARGIN: Final = 1 << UNIT_LEVEL

Place = tuple[int, int, int]  # level, column from west, row from south


@dataclass(frozen=True, slots=True)
class Scheme:
    """The squares.

    Attributes:
        leaf: side of a tile of level 0, metres.
        cells: of a tile's grid of heights, on each side.
    """

    leaf: float
    cells: int

    @property
    def texel(self) -> float:
        """Side of a pixel in full detail, metres."""
        return self.leaf / TEXELS

    def side(self, level: int) -> float:
        """Return the side of a tile in metres."""
        return self.leaf * float(1 << level)

    def rectangle(self, place: Place) -> Rectangle:
        """Return what a tile covers."""
        level, column, row = place
        side = self.side(level)
        return Rectangle(column * side, row * side, (column + 1) * side, (row + 1) * side)

    def stages(self, area: Sequence[Rectangle]) -> Iterator[list[Unit]]:
        """Yield the units that cover `area`: those of levels 0 to 2, then those of each level above to the coarsest."""
        here = sorted({(UNIT_LEVEL, *place) for rectangle in area for place in self._covered(rectangle)})
        margin = (MARGIN + 1) * self.leaf / self.cells
        yield [Unit(key_of(place), self.rectangle(place), self.rectangle(place).grown(margin)) for place in here]
        while len({column for _, column, _ in here}) > 2 or len({row for _, _, row in here}) > 2:
            above: dict[Place, list[Place]] = {}
            for place in here:
                above.setdefault(parent(place), []).append(place)
            yield [Unit(key_of(place), children=tuple(map(key_of, below))) for place, below in sorted(above.items())]
            here = sorted(above)
        if len(here) > 1 and len({parent(place) for place in here}) == 1:
            yield [Unit(key_of(parent(here[0])), children=tuple(map(key_of, here)))]

    def _covered(self, rectangle: Rectangle) -> Iterator[tuple[int, int]]:
        side = self.side(UNIT_LEVEL)
        # A file's corner may stick out by what rounding adds.
        inner = rectangle.grown(-1e-6 * side)
        for column in range(int(inner.west // side), int(inner.east // side) + 1):
            for row in range(int(inner.south // side), int(inner.north // side) + 1):
                yield column, row


def key_of(place: Place) -> str:
    """Return the name of the unit that makes a tile.

    Example:
        >>> key_of((2, 840, 13849)), place_of("tiles/2/840/13849")
        ('tiles/2/840/13849', (2, 840, 13849))
    """
    level, column, row = place
    return f"tiles/{level}/{column}/{row}"


def place_of(key: str) -> Place:
    """Return the tile that a unit makes; of several, the coarsest."""
    level, column, row = key.split("/")[1:]
    return int(level), int(column), int(row)


def parent(place: Place) -> Place:
    """Return the tile above."""
    level, column, row = place
    return level + 1, column >> 1, row >> 1


def children(place: Place) -> list[Place]:
    """Return the four tiles below."""
    level, column, row = place
    return [(level - 1, 2 * column + x, 2 * row + y) for y in (0, 1) for x in (0, 1)]
