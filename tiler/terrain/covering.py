"""What of a tile is shown: its picture, the cells that are drawn, and the rectangle that holds both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tiler.terrain import texture
from tiler.terrain.scheme import TEXELS, Place
from tiler.terrain.texture import Cutout

Covered = tuple[int, int, int, int]  # left, top, right, bottom


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown of one tile.

    Attributes:
        picture: None for bare ground.
        drawn: cells of its grid of heights, shape (n, n).
        covered: what of the tile holds data, in texels; its picture shows just that.
    """

    picture: Cutout | None
    drawn: NDArray[np.bool_]
    covered: Covered


def of_leaf(picture: Cutout | None, drawn: NDArray[np.bool_]) -> Shown:
    """Return what a tile of full detail shows, of which some cell is drawn."""
    if picture is not None:
        return Shown(picture, drawn, picture.box)
    size = TEXELS // len(drawn)
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    box = int(columns[0]) * size, int(rows[0]) * size, int(columns[-1] + 1) * size, int(rows[-1] + 1) * size
    return Shown(None, drawn, box)


def of_children(children: Mapping[Place, Shown], drawn: NDArray[np.bool_]) -> Shown:
    """Return what a tile shows of what its children do.

    Args:
        drawn: its own cells, each of four of a child's.
    """
    picture = _picture(children)
    return Shown(picture, drawn, _covered(children) if picture is None else picture.box)


def on_drawn(picture: Cutout, drawn: NDArray[np.bool_]) -> Cutout:
    """Return the picture of a leaf, on bare ground where cells are drawn that it does not show; note those it does."""
    if picture.is_whole and picture.image.size == (TEXELS, TEXELS):
        drawn[:] = True
        return picture
    cells = len(drawn)
    alpha = np.zeros((TEXELS, TEXELS), dtype=np.uint8)
    own = 255 if picture.is_whole else np.asarray(picture.image.getchannel("A"))
    alpha[picture.top : picture.bottom, picture.left : picture.right] = own
    by_cell = alpha.reshape(cells, TEXELS // cells, cells, TEXELS // cells)
    if bool((drawn & (by_cell.min(axis=(1, 3)) == 0)).any()):
        laid = texture.on_bare_ground(picture, drawn, TEXELS)
        picture = picture if laid is None else laid
    drawn |= by_cell.max(axis=(1, 3)) > 0
    return picture


def _picture(children: Mapping[Place, Shown]) -> Cutout | None:
    """Return the picture of a tile from those of its children, bare ground where a child has none."""
    if all(child.picture is None for child in children.values()):
        return None
    quarters = {}
    for (_, column, row), child in children.items():
        own = child.picture or texture.on_bare_ground(None, child.drawn, TEXELS, child.covered)
        if own is not None:
            quarters[1 - row % 2, column % 2] = texture.halved(own)
    return texture.joined(quarters, TEXELS)


def _covered(children: Mapping[Place, Shown]) -> Covered:
    """Return the rectangle of all that the children of a tile cover, in its texels."""
    boxes = []
    for (_, column, row), child in children.items():
        left, top, right, bottom = child.covered
        x, y = column % 2 * TEXELS, (1 - row % 2) * TEXELS
        boxes.append((x + left, y + top, x + right, y + bottom))
    left, top = (min(box[side] for box in boxes) // 2 for side in (0, 1))
    right, bottom = (-(-max(box[side] for box in boxes) // 2) for side in (2, 3))
    return left, top, right, bottom
