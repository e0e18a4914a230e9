"""Seams: where a picture ends upon one of another date, and what colours both have there.

Pictures of one date are taken as one flight, whose colours its makers have matched.  Along each visible side of a
picture small squares are looked at: its own, and that of the picture of another date that is seen next.  Where both
show the same ground (they overlap), both squares are of one place; where they only touch, they lie side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from orthophotos.channels import Channels
from orthophotos.heads import Head
from orthophotos.opening import opened
from orthophotos.sampling import Placed
from orthophotos.scratch import PIXEL, read_pixels
from zwilling.rasters import Rectangle

Floats = NDArray[np.float64]

# Side of a square, and the distance between two, in pixels of the mosaic.
SQUARE: Final = 16
_APART: Final = 32
# The most pixels of an overview that are read at once.
_MOST_AT_ONCE: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class Flown:
    """A picture, where it lies, and how old it is."""

    head: Head
    channels: Channels
    placed: Placed
    covers: Rectangle

    @property
    def is_grey(self) -> bool:
        """Whether it has no colours to be compared."""
        return len(self.channels.colours) == 1 and not self.channels.palette


@dataclass(frozen=True, slots=True)
class Seams:
    """Places on seams, each with the two pictures that meet there.

    Attributes:
        upper, lower: numbers of the newer and of the older picture, shape (n,).
        places: on the side of the newer one, in the mosaic's CRS, shape (n, 2).
        above, below: mean red, green and blue of the newer and of the older one at that place, shape (n, 3).
    """

    upper: NDArray[np.int64]
    lower: NDArray[np.int64]
    places: Floats
    above: Floats
    below: Floats


def seams(pictures: Sequence[Flown], crs: str, resolution: float) -> Seams:
    """Return the seams between pictures of different dates; none where all have one, and then no pixel is read.

    Args:
        pictures: the lowest first.
        crs: of the mosaic.
        resolution: its pixel, metres.

    Raises:
        SourceError: a picture cannot be read there.
    """
    found = [
        part
        for number in range(len(pictures))
        if (part := _sides(pictures, number, crs, resolution)) is not None and len(part[1])
    ]
    if not found:
        none = np.empty(0, np.int64)
        return Seams(none, none, np.empty((0, 2)), np.empty((0, 3)), np.empty((0, 3)))
    upper = np.concatenate([np.full(len(lower), number) for number, lower, *_ in found])
    lower, sides = (np.concatenate([part[n] for part in found]) for n in (1, 2))
    places, inside, outside = (np.concatenate([part[n] for part in found]) for n in (3, 4, 5))
    above, below = np.full((len(upper), 3), np.nan), np.full((len(upper), 3), np.nan)
    for number in np.unique(np.concatenate([upper, lower])).tolist():
        own, other = np.flatnonzero(upper == number), np.flatnonzero(lower == number)
        both = np.concatenate([own, other])
        looked_at = np.concatenate([inside[own], outside[other]])
        colours = _colours(pictures[number], looked_at, 4 * upper[both] + sides[both], crs, resolution)
        above[own], below[other] = colours[: len(own)], colours[len(own) :]
    seen = np.isfinite(above).all(axis=1) & np.isfinite(below).all(axis=1)
    return Seams(upper[seen], lower[seen], places[seen], above[seen], below[seen])


def _sides(
    pictures: Sequence[Flown], number: int, crs: str, resolution: float
) -> tuple[int, NDArray[np.int64], NDArray[np.int64], Floats, Floats, Floats] | None:
    """Return a picture's number and, along its sides, the older pictures that are seen next, and where to look.

    These are their numbers, the numbers of the sides (0 to 3), places on the side, within the picture, and where to
    look at the older one.
    """
    own = pictures[number]
    around = own.covers.grown(2 * SQUARE * resolution)
    near = [other for other in reversed(range(len(pictures))) if pictures[other].covers.meets(around)]
    if all(pictures[other].head.date == own.head.date or other > number for other in near):
        return None
    pixels = own.placed.side(crs) / resolution
    corners = np.array([own.placed.width, own.placed.height]) * pixels
    if corners.min() < 2 * SQUARE:
        return None
    sides, inward = [], []
    for axis in (0, 1):
        count = int(corners[axis] // _APART) or 1
        along = (np.arange(count) + 0.5) / count
        for end in (0.0, 1.0):
            side = np.empty((count, 2))
            side[:, axis], side[:, 1 - axis] = along, end
            sides.append(side * (own.placed.width, own.placed.height))
            step = np.zeros((count, 2))
            step[:, 1 - axis] = (0.5 - end) * SQUARE / pixels
            inward.append(step)
    side, step = np.concatenate(sides), np.concatenate(inward)
    places, inside, outside = (own.placed.places(at, crs) for at in (side, side + step, side - step))
    hidden = np.zeros(len(side), np.bool_)
    for other in near:
        if other > number:
            hidden |= pictures[other].placed.covers(inside, crs)
    lower = np.full(len(side), -1)
    for other in near:
        if other != number:
            lower[(lower < 0) & pictures[other].placed.covers(outside, crs)] = other
    fits = np.array([other.head.date != own.head.date and other.is_grey == own.is_grey for other in pictures])
    fits[number:] = False  # a newer one has the seam on its own side
    kept = ~hidden & (lower >= 0) & fits[lower]
    which = np.repeat(np.arange(4), [len(each) for each in sides])[kept]
    lower, places, inside, outside = lower[kept], places[kept], inside[kept], outside[kept]
    for other in np.unique(lower).tolist():
        both = (lower == other) & pictures[other].placed.covers(inside, crs)
        outside[both] = inside[both]
    return number, lower, which, places, inside, outside


def _colours(
    picture: Flown, places: Floats, lines: NDArray[np.int64], crs: str, resolution: float
) -> NDArray[np.float64]:
    """Return mean colours of squares around places, shape (n, 3); NaN where half of a square or more is nothing.

    Args:
        picture: what is looked at.
        places: shape (n, 2).
        lines: numbers of the sides on which they lie, shape (n,): those of one side lie in a line.
        crs: of `places`.
        resolution: pixel of the mosaic, metres.
    """
    side = SQUARE * resolution / picture.placed.side(crs)
    found = np.full((len(places), 3), np.nan)
    with opened(picture.head.path, picture.head.kind) as dataset:
        factor = max((each for each in dataset.overviews(1) if each <= side), default=1)
        size = max(1, round(side / factor))
        whole = np.maximum(np.array([picture.head.width, picture.head.height]) // factor, 1)
        corners = np.rint((picture.placed.pixels(places, crs) - side / 2) / factor).astype(np.int64)
        corners = np.clip(corners, 0, np.maximum(whole - size, 0))
        for some in _together(corners, lines, size, picture.head.block[0] // factor, one_by_one=factor == 1):
            low = corners[some].min(axis=0)
            width, height = np.minimum(corners[some].max(axis=0) + size, whole) - low
            pixels = np.empty((height, width, PIXEL), np.uint8)
            window = Window(*(low * factor).tolist(), int(width) * factor, int(height) * factor)
            read_pixels(dataset, picture.head, picture.channels, window, pixels)
            for number, (x, y) in zip(some.tolist(), (corners[some] - low).tolist(), strict=True):
                square = pixels[y : y + size, x : x + size]
                seen = square[..., 3] == 255
                if 2 * int(seen.sum()) > seen.size:
                    found[number] = square[seen][:, :3].mean(axis=0)
    return found


def _together(
    corners: NDArray[np.int64], lines: NDArray[np.int64], size: int, rows: int, *, one_by_one: bool
) -> Iterator[NDArray[np.int64]]:
    """Yield numbers of squares that are read at once.

    From overviews a whole line: JPEG 2000 takes as long for one pixel as for many.  Without overviews, and where a line
    is slanting and its rectangle large, one by one, in the order in which they lie in the file, so that no piece of it
    is decoded twice.
    """
    alone = []
    for line in np.unique(lines):
        some = np.flatnonzero(lines == line)
        if one_by_one or int((np.ptp(corners[some], axis=0) + size).prod()) > _MOST_AT_ONCE:
            alone.append(some)
        else:
            yield some
    if alone:
        some = np.concatenate(alone)
        order = np.lexsort((corners[some, 0], corners[some, 1] // max(1, rows)))
        yield from some[order][:, None]
