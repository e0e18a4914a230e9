"""The paints of the picture: colour as seen from the air in early summer, and how rough each surface is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Colour = tuple[float, float, float, float]
"""Red, green, blue, near infrared, 0 to 255."""


class Grain(IntEnum):
    """How a surface varies from place to place; each is a row of the three tables below."""

    SMOOTH = 0
    ASPHALT = 1
    PAVING = 2
    LAWN = 3
    MEADOW = 4
    CROP = 5
    TILES = 6
    GRAVEL = 7
    WATER = 8
    LEAVES = 9
    FLAT_ROOF = 10


# Amplitudes of 8-bit noise in 1/256: of single pixels, of patches of 0.4 to 6 m, and of patches of 3 to 50 m, the last
# for each band: a dry spot of a lawn is redder and darker in the near infrared.
_PIXEL = (1, 3, 6, 8, 10, 9, 5, 13, 2, 14, 6)
_PATCH = (3, 14, 16, 26, 38, 26, 20, 20, 9, 60, 16)
_WIDE = (
    (0, 0, 0, 0), (14, 14, 13, 10), (14, 13, 11, 10), (40, 17, 16, -34), (46, 22, 18, -40), (24, 18, 10, -22),
    (12, 9, 8, 8), (16, 15, 13, 10), (8, 9, 7, 3), (16, 12, 8, 22), (16, 16, 15, 12),
)  # fmt: skip
PIXEL: NDArray[np.int8] = np.array(_PIXEL, np.int8)
PATCH: NDArray[np.int8] = np.array(_PATCH, np.int8)
WIDE: NDArray[np.int8] = np.array(_WIDE, np.int8)


@dataclass(frozen=True, slots=True)
class Paint:
    """A colour and the grain of its surface."""

    colour: Colour
    grain: Grain

    def lit(self, share: float, tint: float = 0.0) -> Paint:
        """Return the paint in more or less light; `tint` warms it."""
        red, green, blue, infrared = self.colour
        return Paint((red * share + tint, green * share, blue * share - tint, infrared * share), self.grain)

    def mixed(self, other: Paint, share: float) -> Paint:
        """Return the paint with a share of another's colour."""
        a, b = self.colour, other.colour
        return Paint(
            (
                a[0] + (b[0] - a[0]) * share,
                a[1] + (b[1] - a[1]) * share,
                a[2] + (b[2] - a[2]) * share,
                a[3] + (b[3] - a[3]) * share,
            ),
            self.grain,
        )


def _paint(red: int, green: int, blue: int, infrared: int, grain: Grain) -> Paint:
    return Paint((red, green, blue, infrared), grain)


ASPHALT = _paint(132, 131, 128, 118, Grain.ASPHALT)
ASPHALT_NEW = _paint(104, 105, 107, 92, Grain.ASPHALT)
ASPHALT_OLD = _paint(148, 146, 140, 132, Grain.ASPHALT)
KERB = _paint(176, 173, 166, 152, Grain.SMOOTH)
SLABS = _paint(166, 162, 154, 146, Grain.PAVING)
COBBLES = _paint(146, 139, 130, 130, Grain.PAVING)
BRICKS = _paint(152, 130, 118, 138, Grain.PAVING)
MARKING = _paint(212, 211, 206, 190, Grain.SMOOTH)
YARD = _paint(150, 146, 139, 132, Grain.PAVING)
GRAVEL = _paint(180, 170, 150, 156, Grain.GRAVEL)
SAND = _paint(200, 187, 158, 170, Grain.GRAVEL)
SOIL = _paint(124, 106, 88, 122, Grain.CROP)
CLAY_COURT = _paint(170, 112, 88, 150, Grain.ASPHALT)
TARTAN = _paint(158, 96, 82, 142, Grain.ASPHALT)
LAWN = _paint(110, 122, 84, 182, Grain.LAWN)
LAWN_LUSH = _paint(96, 114, 74, 194, Grain.LAWN)
LAWN_DRY = _paint(138, 136, 98, 158, Grain.LAWN)
PITCH = _paint(100, 122, 76, 196, Grain.LAWN)
MEADOW = _paint(122, 128, 88, 176, Grain.MEADOW)
BANK = _paint(92, 102, 68, 176, Grain.LEAVES)
BED = _paint(90, 102, 64, 188, Grain.LEAVES)
HEDGE = _paint(66, 80, 52, 178, Grain.LEAVES)
FOREST = _paint(56, 66, 44, 150, Grain.LEAVES)
BALLAST = _paint(126, 116, 108, 114, Grain.GRAVEL)
SLEEPER = _paint(112, 105, 99, 104, Grain.SMOOTH)
RAIL = _paint(158, 146, 136, 124, Grain.SMOOTH)
STREAM = _paint(58, 78, 70, 26, Grain.WATER)
RIVER = _paint(66, 91, 91, 20, Grain.WATER)
RIVER_SHALLOW = _paint(98, 114, 98, 34, Grain.WATER)
RIPRAP = _paint(138, 132, 120, 124, Grain.GRAVEL)
POOL = _paint(104, 158, 166, 40, Grain.SMOOTH)
TERRACE = _paint(172, 163, 150, 150, Grain.PAVING)
WOOD = _paint(138, 122, 104, 134, Grain.TILES)
GLASS = _paint(64, 70, 76, 54, Grain.SMOOTH)
SOLAR = _paint(46, 52, 68, 44, Grain.SMOOTH)
CHIMNEY = _paint(124, 92, 80, 118, Grain.SMOOTH)
METAL = _paint(176, 178, 178, 160, Grain.SMOOTH)
CONCRETE = _paint(172, 169, 162, 156, Grain.FLAT_ROOF)

# Dry straw and bare soil are as bright in the near infrared as in red; only water and shadows are dark there.
CROPS = (
    _paint(186, 168, 122, 182, Grain.CROP),  # ripe wheat
    _paint(170, 156, 108, 176, Grain.CROP),  # barley
    _paint(178, 164, 130, 172, Grain.CROP),  # stubble
    _paint(98, 118, 74, 200, Grain.CROP),  # sugar beet
    _paint(88, 108, 64, 190, Grain.CROP),  # maize
    _paint(106, 116, 78, 184, Grain.CROP),  # potatoes
    _paint(116, 128, 84, 186, Grain.MEADOW),  # pasture
    _paint(142, 122, 100, 138, Grain.CROP),  # bare
)
PITCHED_ROOFS = (
    _paint(156, 98, 78, 148, Grain.TILES),  # red
    _paint(140, 92, 76, 136, Grain.TILES),
    _paint(124, 86, 74, 126, Grain.TILES),  # brown-red
    _paint(104, 84, 74, 108, Grain.TILES),  # brown
    _paint(92, 92, 95, 84, Grain.TILES),  # anthracite
    _paint(78, 79, 83, 72, Grain.TILES),
    _paint(116, 114, 112, 108, Grain.TILES),  # weathered grey
)
FLAT_ROOFS = (
    _paint(164, 160, 152, 148, Grain.FLAT_ROOF),  # gravel
    _paint(150, 146, 138, 138, Grain.FLAT_ROOF),
    _paint(112, 112, 113, 98, Grain.FLAT_ROOF),  # bitumen
    _paint(134, 133, 130, 118, Grain.FLAT_ROOF),
    _paint(192, 191, 187, 178, Grain.FLAT_ROOF),  # light membrane
    _paint(124, 122, 90, 154, Grain.MEADOW),  # planted
)
CARS = (
    _paint(74, 76, 80, 62, Grain.SMOOTH),
    _paint(56, 57, 60, 50, Grain.SMOOTH),
    _paint(208, 208, 206, 186, Grain.SMOOTH),
    _paint(158, 160, 162, 142, Grain.SMOOTH),
    _paint(122, 124, 127, 112, Grain.SMOOTH),
    _paint(60, 76, 104, 74, Grain.SMOOTH),
    _paint(132, 54, 48, 118, Grain.SMOOTH),
    _paint(150, 146, 134, 136, Grain.SMOOTH),
)
CAR_WEIGHTS = (26, 18, 20, 16, 12, 8, 6, 4)


_HAZE = 0.17


class Palette:
    """The paints of one scene by number, so that a shape needs to be drawn once for all bands."""

    def __init__(self) -> None:
        self._numbers: dict[Paint, int] = {}

    def ink(self, paint: Paint) -> int:
        """Return the number of a paint."""
        red, green, blue, infrared = paint.colour
        key = Paint((round(red), round(green), round(blue), round(infrared)), paint.grain)
        return self._numbers.setdefault(key, len(self._numbers))

    def tables(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return the colours, shape (n, 4), and the grains, shape (n,), of all inks."""
        colours = np.array([paint.colour for paint in self._numbers], np.float64)
        # A thousand metres of air take colour and contrast.
        grey = colours[:, :3] @ (0.3, 0.59, 0.11)
        colours[:, :3] += (grey[:, None] - colours[:, :3]) * _HAZE
        colours[:, :3] = colours[:, :3] * 0.97 + 10.0
        return np.clip(colours, 0, 255).astype(np.uint8), np.array([p.grain for p in self._numbers], np.uint8)
