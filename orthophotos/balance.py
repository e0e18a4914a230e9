"""Colours of different flights drawn together where they meet, so that their seams are not seen.

What of two flights is compared says `seams`.  From it, for each stretch of a seam and each colour, a gain and an offset
are found that turn one flight's colours into the other's.  Either flight goes half of the way, fully on the seam, less
and less away from it, and not at all from `REACH` pixels on.  So a picture far from every seam stays as it is, a flight
keeps its colours, and a changed picture changes others only along the seams that it has a part in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from orthophotos.seams import Flown, Seams
from zwilling.rasters import Rectangle

Floats = NDArray[np.float64]

REACH: Final = 4096
"""Pixels of the mosaic from a seam to where colours are as they were."""
# Side of the squares into which seams are cut, and how many of them to each side are looked at together.
_CELL: Final = 1024
_CELLS_AROUND: Final = 2
# Pixels of the mosaic between two places at which a correction is kept.
_NODE: Final = 256
# How far from a stretch of a seam its gain and offset still count.
_FAR: Final = 1.5 * REACH
_NEAR: Final = 512
# Fewer squares tell nothing.
_FEWEST: Final = 3
# Neighbouring squares often show the same thing; so many count as one.
_ALIKE: Final = 4
# What is not seen: grey values and a share of contrast.
_UNSEEN_STEP: Final = 1.5
_UNSEEN_GAIN: Final = 0.03
# The most that two flights are taken to differ by: grey values, and contrast.
_MOST_STEP: Final = 64.0
_MOST_GAIN: Final = 1.5
_GAIN_UNIT, _OFFSET_UNIT = 4096, 64
_ROWS: Final = 16


@dataclass(frozen=True, slots=True)
class Correction:
    """What a picture's colours are multiplied with and what is added, at nodes `step` pixels apart; between, bilinear.

    Attributes:
        gain: shape (rows, columns, 3), in units of 1/4096.
        offset: shape (rows, columns, 3), in 64ths of a grey value.
        across, down: pixels of the picture between two nodes.
    """

    gain: NDArray[np.int16]
    offset: NDArray[np.int16]
    across: float
    down: float

    @property
    def digest(self) -> str:
        """Changes where the correction does."""
        return hashlib.sha256(self.gain.tobytes() + self.offset.tobytes()).hexdigest()

    def apply(self, pixels: NDArray[np.uint8], begin: int, left: int = 0) -> None:
        """Correct colours in place.

        Args:
            pixels: shape (height, width, 4).
            begin: number of the first row in the picture.
            left: number of the first column.
        """
        x = (np.arange(left, left + pixels.shape[1]) + 0.5) / self.across
        nodes = np.minimum(x.astype(np.int64), self.gain.shape[1] - 2)
        share = (x - nodes)[:, None].astype(np.float32)
        for first in range(0, len(pixels), _ROWS):
            rows = pixels[first : first + _ROWS]
            # Along so few rows it changes by a fifth of a grey value at most.
            y = (begin + first + len(rows) / 2) / self.down
            gain, offset = _line(self.gain, y, _GAIN_UNIT), _line(self.offset, y, 0)
            changes = np.flatnonzero((gain != _GAIN_UNIT).any(axis=1) | (offset != 0).any(axis=1))
            if not len(changes):
                continue
            here = slice(*np.searchsorted(nodes, (changes[0] - 1, changes[-1] + 1)).tolist())
            node, part = nodes[here], share[here]
            times = _between(gain / np.float32(_GAIN_UNIT), node, part)
            # A fraction is cut off when it becomes a byte.
            plus = _between(offset / np.float32(_OFFSET_UNIT) + np.float32(0.5), node, part)
            colours = rows[:, here] * times
            colours += plus
            np.clip(colours, 0.0, 255.0, out=colours)
            rows[:, here] = colours.astype(np.uint8)


def _line(nodes: NDArray[np.int16], y: float, alpha: int) -> NDArray[np.float32]:
    """Return values between two rows of nodes, shape (columns, 4), the last of them `alpha`."""
    top = min(int(y), len(nodes) - 2)
    line = np.full((nodes.shape[1], 4), alpha, np.float32)
    line[:, :3] = nodes[top] * (top + 1 - y) + nodes[top + 1] * (y - top)
    return line


def _between(line: NDArray[np.float32], node: NDArray[np.int64], share: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return values at a share of the way from each node to the next, shape (n, 4)."""
    result = np.diff(line, axis=0).take(node, axis=0)
    result *= share
    result += line.take(node, axis=0)
    return result


@dataclass(frozen=True, slots=True)
class Balance:
    """How the flights of a mosaic are drawn together.

    Attributes:
        corrections: of each picture; None for one that stays as it is.
        dates: of the flights that meet on seams, in order.
        before, after: median difference of colours across the seams, grey values; 0 where there are none.
    """

    corrections: tuple[Correction | None, ...]
    dates: tuple[str, ...]
    before: float
    after: float


def balance(pictures: Sequence[Flown], found: Seams, crs: str, resolution: float) -> Balance:
    """Return how pictures are corrected; for each, it depends on nothing but the seams near it.

    Args:
        pictures: the lowest first.
        found: their seams.
        crs: of the mosaic.
        resolution: its pixel, metres.
    """
    dates = np.array([picture.head.date for picture in pictures])
    newer, older = dates[found.upper], dates[found.lower]
    stretches: list[_Stretch] = []
    for pair in sorted(set(zip(newer.tolist(), older.tolist(), strict=True))):
        own = np.flatnonzero((newer == pair[0]) & (older == pair[1]))
        stretches.extend(_stretches(pair, found.places[own], found.above[own], found.below[own], resolution))
    flights = {
        date: _Flight.of(date, found.places[(newer == date) | (older == date)], stretches, resolution)
        for date in sorted({date for stretch in stretches for date in stretch.dates})
    }
    corrections = [
        None if (flight := flights.get(picture.head.date)) is None else flight.correction(picture, crs, resolution)
        for picture in pictures
    ]
    before = [np.abs(stretch.above - stretch.below) for stretch in stretches]
    after = [
        np.abs(flights[stretch.dates[0]].seen(stretch, 0) - flights[stretch.dates[1]].seen(stretch, 1))
        for stretch in stretches
    ]
    return Balance(tuple(corrections), tuple(flights), _median(before), _median(after))


def _median(values: Sequence[Floats]) -> float:
    return float(np.median(np.concatenate(values))) if values else 0.0


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A piece of a seam.

    Attributes:
        dates: of the newer and of the older flight.
        place: its middle, shape (2,).
        above, below: the median of the newer one's colours, and what the older one has there, shape (3,).
        change: what makes them alike: gain less one, then offset, of the newer and of the older, shape (2, 2, 3).
    """

    dates: tuple[str, str]
    place: Floats
    above: Floats
    below: Floats
    change: Floats


def _stretches(
    dates: tuple[str, str], places: Floats, above: Floats, below: Floats, resolution: float
) -> list[_Stretch]:
    """Return the stretches of the seams between two flights."""
    members: dict[tuple[int, int], list[int]] = {}
    for number, (x, y) in enumerate(np.floor(places / (_CELL * resolution)).astype(int).tolist()):
        members.setdefault((x, y), []).append(number)
    around = range(-_CELLS_AROUND, _CELLS_AROUND + 1)
    result = []
    for (x, y), own in sorted(members.items()):
        some = np.array([number for i in around for j in around for number in members.get((x + i, y + j), ())])
        if len(some) >= _FEWEST:
            upper, lower = above[some], below[some]
            middle, step = np.median(upper, axis=0), np.median(lower - upper, axis=0)
            result.append(_Stretch(dates, places[own].mean(axis=0), middle, middle + step, _change(upper, lower)))
    return result


def _change(above: Floats, below: Floats) -> Floats:
    """Return gain less one and offset of either side, shape (2, 2, 3), which take both half of the way.

    What a few squares tell is not certain, so less than the whole difference is taken, and nothing where it is not
    seen or may be chance (the positive part of James and Stein's estimator).  A field's border that happens to be on
    the seam is no difference of flights: squares that differ much more than the others are left out.
    """
    differences = below - above
    step = np.median(differences, axis=0)
    spread = 1.4826 * np.median(np.abs(differences - step), axis=0)
    like = (np.abs(differences - step) <= 3 * spread + 1).all(axis=1)
    above, below = above[like], below[like]
    count = max(1.0, len(above) / _ALIKE)
    doubt = (1.2533 * spread) ** 2 / count
    share = _kept(float((step**2).sum()), float(doubt.sum()) + 3 * _UNSEEN_STEP**2)
    step = np.clip(step * share, -_MOST_STEP, _MOST_STEP)
    gain = np.ones(3)
    if len(above) >= 4 * _ALIKE:
        for colour in range(3):
            first, second = above[:, colour], below[:, colour]
            deviations = float(first.std()), float(second.std())
            if min(deviations) > 1:
                alike = float(np.clip(np.corrcoef(first, second)[0, 1], 0, 1))
                ratio = float(np.log(deviations[1] / deviations[0]))
                ratio *= _kept(ratio**2, 4 * (1 - alike**2) / count + _UNSEEN_GAIN**2) * share
                gain[colour] = np.exp(np.clip(ratio, -np.log(_MOST_GAIN), np.log(_MOST_GAIN)))
    middle = np.median(above, axis=0)
    # The older side is gain x newer + offset; each goes half of the way to what the other's would be.
    offset = middle + step - gain * middle
    return np.array([[(gain - 1) / 2, offset / 2], [(1 / gain - 1) / 2, -offset / gain / 2]])


def _kept(found: float, doubt: float) -> float:
    return max(0.0, 1.0 - doubt / found) if found > 0 else 0.0


@dataclass(frozen=True, slots=True)
class _Flight:
    """How the pictures of one date are corrected, anywhere.

    Attributes:
        seams: places on its seams, shape (n, 2).
        knots: of the stretches, shape (m, 2).
        changes: gain less one and offset at these, shape (m, 6).
        resolution: pixel of the mosaic, metres.
    """

    seams: Floats
    knots: Floats
    changes: Floats
    resolution: float

    @classmethod
    def of(cls, date: str, seams: Floats, stretches: Sequence[_Stretch], resolution: float) -> _Flight:
        """Return it for the flight of a date."""
        own = [stretch for stretch in stretches if date in stretch.dates]
        changes = [stretch.change[stretch.dates.index(date)].reshape(6) for stretch in own]
        return cls(seams, np.array([stretch.place for stretch in own]), np.array(changes), resolution)

    def near(self, box: Rectangle) -> _Flight:
        """Return only what counts in a rectangle."""
        seams = _within(self.seams, box.grown(REACH * self.resolution))
        knots = _within(self.knots, box.grown(_FAR * self.resolution))
        return _Flight(self.seams[seams], self.knots[knots], self.changes[knots], self.resolution)

    def at(self, places: Floats) -> Floats:
        """Return gain less one and offset, shape (n, 6)."""
        result = np.zeros((len(places), 6))
        if not len(self.seams) or not len(self.knots):
            return result
        for begin in range(0, len(places), 64):
            some = slice(begin, begin + 64)
            fade = 1 - np.sqrt(_squares(places[some], self.seams).min(axis=1)) / (REACH * self.resolution)
            squares = _squares(places[some], self.knots)
            weights = np.maximum(0, 1 - np.sqrt(squares) / (_FAR * self.resolution)) ** 2
            weights /= (squares + (_NEAR * self.resolution) ** 2) ** 2
            total = weights.sum(axis=1)
            total[total == 0] = 1.0
            result[some] = weights @ self.changes * (_smooth(fade) / total)[:, None]
        return result

    def seen(self, stretch: _Stretch, side: int) -> Floats:
        """Return the median colours of one side of a stretch, corrected, shape (3,)."""
        change = self.near(Rectangle(*stretch.place, *stretch.place)).at(stretch.place[None])[0]
        colours = (stretch.above, stretch.below)[side]
        return np.asarray(colours * (1 + change[:3]) + change[3:])

    def correction(self, picture: Flown, crs: str, resolution: float) -> Correction | None:
        """Return the correction of a picture; None where it is none."""
        here = self.near(picture.covers)
        if not len(here.seams):
            return None
        side = _NODE * resolution / picture.placed.side(crs)
        size = np.array([picture.placed.width, picture.placed.height])
        columns, rows = (max(2, 1 + int(np.ceil(each / side))) for each in size.tolist())
        across, down = size / (columns - 1, rows - 1)
        x, y = np.meshgrid(np.arange(columns) * across, np.arange(rows) * down)
        change = here.at(picture.placed.places(np.stack([x.ravel(), y.ravel()], axis=1), crs)).reshape(
            rows, columns, 2, 3
        )
        gain = np.rint((1 + change[:, :, 0]) * _GAIN_UNIT).astype(np.int16)
        offset = np.rint(change[:, :, 1] * _OFFSET_UNIT).astype(np.int16)
        if not offset.any() and (gain == _GAIN_UNIT).all():
            return None
        return Correction(gain, offset, float(across), float(down))


def _within(places: Floats, box: Rectangle) -> NDArray[np.bool_]:
    x, y = places.T
    inside: NDArray[np.bool_] = (x >= box.west) & (x <= box.east) & (y >= box.south) & (y <= box.north)
    return inside


def _squares(some: Floats, others: Floats) -> Floats:
    """Return squared distances, shape (n, m)."""
    distances: Floats = ((some[:, None] - others) ** 2).sum(axis=2)
    return distances


def _smooth(share: Floats) -> Floats:
    """Return 0 below 0, 1 above 1, and between them what begins and ends level."""
    inside = np.clip(share, 0, 1)
    level: Floats = inside * inside * (3 - 2 * inside)
    return level
