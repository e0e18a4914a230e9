"""From pulses to returns: what each ray meets on its way down, roofs before the ground behind them, twigs before roofs.

All rays of a strip lie in planes from west to east, so along one row of cells the scanner sees a profile from one place
high above it.  Seen from there, each cell reaches to some place on the level `REFERENCE`; the running maximum of these
places, outwards from the flight line, tells which cells are hidden, and a binary search in it which cell a ray hits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from zwilling.sample.lidar.flight import ALTITUDE, BAND, DEPTH, HALF_SWATH, REFERENCE, Pulses, Strip, pulses
from zwilling.sample.lidar.surface import CELL, PER_METRE, Hit, Surfaces

POINT = np.dtype([
    ("x", "<i4"), ("y", "<i4"), ("z", "<i4"), ("intensity", "<u2"), ("flags", "u1"), ("classification", "u1"),
    ("scan_angle_rank", "i1"), ("user_data", "u1"), ("point_source_id", "<u2"), ("gps_time", "<f8"),
])  # fmt: skip
"""LAS point format 1, with coordinates in centimetres."""

NOT_LAST, GROUND, HIGH_NOISE, LAST_NOT_GROUND, CELLAR = 1, 2, 18, 20, 24
"""NRW's classes of what a scanner measures."""

_NOISE = 0.025  # metres, one sigma of height
_BEAM = 0.3  # metres from one side of the beam to the other, on the ground
_GAP = 0.8  # metres between two returns that the receiver can tell apart
_STEP = 0.8  # metres: a rise of less from one cell to the next is a slope, not a wall
_FAR = 4096.0  # more than any ray's distance, so that rows stay apart in one sorted array
_WALL_REFLECTANCE, _TWIG_REFLECTANCE = 120.0, 150.0
_CROWN_RETURNS = 4
_THROUGH = 0.62  # of the pulses that hit a twig, what goes on
_TWIGS, _NEEDLES = 0.26, 0.5  # hits to be expected for each metre in a crown
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_HIGH_NOISE = 1.2e-5  # of all pulses


@dataclass(frozen=True, slots=True)
class _Rays:
    """Rays of one strip in one band, as far as they may matter.

    Attributes:
        across: where they meet the level `REFERENCE`, metres east of the flight line.
        row: of cells, in the band.
        y: from the rasters' corner.
    """

    across: NDArray[np.float64]
    row: NDArray[np.intp]
    y: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Struck:
    """Where rays end; one number for each ray.

    Attributes:
        x, z: place; z is NaN where a ray leaves the rasters.
        plane: number of the plane, 0 for the ground.
        is_wall: the side of what bears that plane was hit.
        beyond: where on the level `REFERENCE` the shadow of the struck cell ends, from the flight line outwards.
        drop: by how much the next cell outwards lies lower, metres.
    """

    x: NDArray[np.float64]
    z: NDArray[np.float64]
    plane: NDArray[np.int32]
    is_wall: NDArray[np.bool_]
    beyond: NDArray[np.float64]
    drop: NDArray[np.float32]


def scanned(surface: Surfaces, strip: Strip, band: int, seed: int) -> NDArray[np.void]:
    """Return the points of a strip in a band, of type `POINT`, in the order of time.

    Points at the rasters' margins are there, too, but may lack what hides them.
    """
    rng = np.random.default_rng((seed, 3, strip.number, band))
    sent = pulses(strip, band, rng)
    count = len(sent.y)
    # Drawn for all pulses of the band, so that the same pulse meets the same chance in every file.
    noise = rng.standard_normal(count, np.float32)
    chances = rng.random((4, count), np.float32)
    line = strip.easting - surface.west
    width = surface.numbers.shape[1] * CELL
    row = int(band * BAND - surface.south) * PER_METRE
    first, last = max(row, 0), min(row + BAND * PER_METRE, len(surface.numbers))
    y = sent.y - surface.south
    kept = (np.abs(line + sent.across - width / 2) < width / 2) & (y >= first * CELL) & (y < last * CELL)
    index = np.flatnonzero(kept)
    rays = _Rays(sent.across[index], (y[index] / CELL).astype(np.intp) - first, y[index])
    chances = chances[:, index]
    if not len(index):
        return np.empty(0, POINT)

    profile = _Profile(surface, line, first, last)
    struck = profile.strike(rays)
    sheet = _Sheet(len(index))
    chance = _Chance(int(rng.integers(2**63)), index)
    in_crown, ends = _crowns(surface, line, rays, struck, chance, sheet, first, last)
    is_open = ~np.isnan(struck.z)
    is_open[in_crown[ends]] = False
    _birds(line, rays, chances, is_open, sheet)
    _land(surface, profile, rays, struck, chances, is_open, sheet)
    return sheet.points(surface, rays, sent, index, noise, strip)


class _Chance:
    """Chance that hangs on a pulse's number in its band, not on which other pulses are looked at."""

    def __init__(self, key: int, index: NDArray[np.intp]) -> None:
        self._key, self._index = np.uint64(key), index

    def draw(self, ray: NDArray[np.intp], number: int) -> NDArray[np.float64]:
        """Return the n-th number of each of some rays, above 0 and up to 1: the finaliser of SplitMix64."""
        mixed = self._key + (self._index[ray].astype(np.uint64) * np.uint64(16) + np.uint64(number)) * _GOLDEN
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return ((mixed >> np.uint64(11)).astype(np.float64) + 1.0) * 2.0**-53


class _Profile:
    """The rows of a band as the scanner sees them, on each side of the flight line."""

    def __init__(self, surface: Surfaces, line: float, first: int, last: int) -> None:
        self._surface, self._line, self._first = surface, line, first
        tops = surface.tops(first, last - first)
        numbers = surface.numbers[first:last]
        columns = tops.shape[1]
        middle = min(max(int(line / CELL), 0), columns)
        reach = int((HALF_SWATH + 30.0) / CELL)
        high, low = min(columns, middle + reach), max(0, middle - reach)
        self._sides = (
            _Side(tops[:, low:middle][:, ::-1], numbers[:, low:middle][:, ::-1], line - middle * CELL, -1.0),
            _Side(tops[:, middle:high], numbers[:, middle:high], middle * CELL - line, 1.0),
        )

    def strike(self, rays: _Rays) -> _Struck:
        """Return where rays end."""
        count = len(rays.y)
        struck = _Struck(
            np.zeros(count), np.full(count, np.nan), np.zeros(count, np.int32), np.zeros(count, np.bool_),
            np.zeros(count), np.zeros(count, np.float32),
        )  # fmt: skip
        for side in self._sides:
            self._strike(side, rays, np.flatnonzero((rays.across >= 0) == (side.sign > 0)), struck)
        return struck

    def _strike(self, side: _Side, rays: _Rays, index: NDArray[np.intp], out: _Struck) -> None:
        columns = side.tops.shape[1]
        if not columns or not len(index):
            return
        reach, row = np.abs(rays.across[index]), rays.row[index]
        at = np.searchsorted(side.shadows, row * _FAR + reach, side="right")
        column = at - row * columns
        is_inside = (column >= 0) & (column < columns)
        index, reach, row, column, at = (part[is_inside] for part in (index, reach, row, column, at))
        near = side.start + column * CELL
        top = side.flat_tops[at]
        plane = side.numbers[row, column]
        inner = side.flat_tops[np.maximum(at - 1, 0)]
        slope = reach / DEPTH
        height = top.astype(np.float64)
        away = slope * (ALTITUDE - height)
        # On a plane: where ray and plane meet, kept in the cell that was found.
        on_plane = np.flatnonzero(plane)
        a, b, c = self._surface.planes[plane[on_plane]].T
        y, lean = rays.y[index[on_plane]], side.sign * slope[on_plane]
        met = (a * (self._line + lean * ALTITUDE) + b * y + c) / (1.0 + a * lean)
        low = near[on_plane]
        away[on_plane] = np.clip(slope[on_plane] * (ALTITUDE - met), low, low + CELL)
        height[on_plane] = a * (self._line + side.sign * away[on_plane]) + b * y + c
        # On a wall: the ray passes the cell's near edge below its top.
        below = ALTITUDE - near / np.maximum(slope, 1e-9)
        is_wall = (plane > 0) & (top - inner > _STEP) & (column > 0) & (below < top)
        away[is_wall], height[is_wall] = near[is_wall], np.maximum(below, inner)[is_wall]
        x = self._line + side.sign * away
        on_ground = np.flatnonzero(plane == 0)
        height[on_ground] = self._surface.ground(x[on_ground], rays.y[index[on_ground]])
        out.x[index], out.z[index], out.plane[index], out.is_wall[index] = x, height, plane, is_wall
        out.beyond[index] = side.shadows[at] - row * _FAR
        after = side.flat_tops[np.minimum(at + 1, len(side.flat_tops) - 1)]
        out.drop[index] = np.where(column < columns - 1, top - after, 0.0)


class _Side:
    """One side of the profile; column 0 is nearest to the flight line.

    Attributes:
        shadows: the row times `_FAR` and how far a cell and all before it hide the level `REFERENCE`, flat, rising.
        start: from the flight line to the near edge of the first column, metres.
        sign: 1 towards the east.
    """

    def __init__(self, tops: NDArray[np.float32], numbers: NDArray[np.int32], start: float, sign: float) -> None:
        self.tops, self.numbers, self.start, self.sign = np.ascontiguousarray(tops), numbers, start, sign
        self.flat_tops = self.tops.ravel()
        edges = np.maximum(start + (np.arange(tops.shape[1]) + 1) * CELL, 0.0)
        ends = edges * (DEPTH / (ALTITUDE - self.tops.astype(np.float64)))
        ends = np.maximum.accumulate(ends, axis=1)
        self.shadows = (ends + np.arange(len(tops))[:, None] * _FAR).ravel()


class _Sheet:
    """Returns while they are collected: for each the ray, place, class, and how bright its surface is.

    Attributes:
        counted: how many returns each ray has.
    """

    def __init__(self, rays: int) -> None:
        self.counted = np.zeros(rays, np.uint8)
        self._ray: list[NDArray[np.intp]] = []
        self._order: list[NDArray[np.uint8]] = []
        self._columns: list[
            tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.uint8], NDArray[np.float32]]
        ] = []

    def add(
        self,
        ray: NDArray[np.intp],
        x: NDArray[np.float64],
        z: NDArray[np.float64],
        kind: NDArray[np.uint8] | int,
        bright: NDArray[np.float32] | float,
    ) -> None:
        """Add one return to each of some rays, below those that they have."""
        self.counted[ray] += 1
        self._ray.append(ray)
        self._order.append(self.counted[ray])
        kinds = np.broadcast_to(np.asarray(kind, np.uint8), ray.shape)
        self._columns.append((x, z, kinds, np.broadcast_to(np.asarray(bright, np.float32), ray.shape)))

    def points(
        self,
        surface: Surfaces,
        rays: _Rays,
        sent: Pulses,
        index: NDArray[np.intp],
        noise: NDArray[np.float32],
        strip: Strip,
    ) -> NDArray[np.void]:
        """Return all returns in the order of time."""
        ray, order = np.concatenate(self._ray), np.concatenate(self._order)
        x, z, kind, bright = (np.concatenate(parts) for parts in zip(*self._columns, strict=True))
        sorting = np.argsort(ray * 8 + order, kind="stable")
        ray, order = ray[sorting], order[sorting]
        kind, total = kind[sorting], self.counted[ray]
        pulse = index[ray]
        # What is not the pulse's last return has no other class, whatever it hit.
        kind = np.where((order < total) & (kind != HIGH_NOISE), np.uint8(NOT_LAST), kind)
        points = np.empty(len(ray), POINT)
        points["x"] = np.floor((x[sorting] + surface.west) * 100.0)
        points["y"] = np.floor((rays.y[ray] + surface.south) * 100.0)
        points["z"] = np.rint((z[sorting] + noise[pulse] * _NOISE) * 100.0)
        share = np.float32(1.0) / np.sqrt(total.astype(np.float32))
        grain = np.float32(1.0) + noise[(pulse * 7 + order) % len(noise)] * np.float32(0.07)
        points["intensity"] = np.clip(bright[sorting] * share * grain * np.float32(8.0), 8, 4000)
        points["flags"] = order | (total << 3) | sent.flags[pulse]
        points["classification"] = kind
        points["scan_angle_rank"] = sent.angle[pulse]
        points["user_data"] = 42 + 9 * (total > 1) + (np.abs(noise[pulse]) * 3).astype(np.uint8)
        points["point_source_id"] = strip.number
        points["gps_time"] = sent.time[pulse]
        return points


def _land(
    surface: Surfaces,
    profile: _Profile,
    rays: _Rays,
    struck: _Struck,
    chances: NDArray[np.float32],
    is_open: NDArray[np.bool_],
    sheet: _Sheet,
) -> None:
    """Add the returns of roofs, walls, cars and ground, and let some pulses split at an edge or in a hedge."""
    kinds = surface.kinds[struck.plane]
    ink = _ink(surface, struck.x, rays.y)
    # Water swallows the pulse or throws it aside.
    is_open &= ~(surface.is_water[ink] & (struck.plane == 0))
    bright = np.where(struck.is_wall, np.float32(_WALL_REFLECTANCE), surface.reflectance[ink])
    in_hedge = is_open & (kinds == Hit.HEDGE)
    classes = np.full(len(ink), LAST_NOT_GROUND, np.uint8)
    classes[kinds == Hit.GROUND] = GROUND
    classes[kinds == Hit.SHAFT] = CELLAR
    z = struck.z.copy()
    floor = surface.ground(struck.x[in_hedge], rays.y[in_hedge])
    z[in_hedge] -= np.clip(z[in_hedge] - floor, 0.0, 3.0) * chances[1, in_hedge] * 0.45
    hit = np.flatnonzero(is_open)
    sheet.add(hit, struck.x[hit], z[hit], classes[hit], bright[hit])

    is_first = sheet.counted == 1
    through = np.flatnonzero(in_hedge & is_first & (chances[2] < 0.45))
    ground = surface.ground(struck.x[through], rays.y[through])
    is_apart = z[through] - ground > _GAP
    through, ground = through[is_apart], ground[is_apart]
    sheet.add(through, struck.x[through], ground, GROUND, bright[through])

    is_edge = is_open & is_first & (kinds >= Hit.BODY) & ~struck.is_wall & (struck.drop > _STEP * 1.5)
    left = struck.beyond - np.abs(rays.across)
    split = np.flatnonzero(is_edge & (left < _BEAM) & (chances[2] < 0.7))
    outward = np.where(rays.across[split] < 0, -1.0, 1.0) * (struck.beyond[split] + 0.02 + chances[1, split] * 0.2)
    behind = profile.strike(_Rays(outward, rays.row[split], rays.y[split]))
    other = _ink(surface, behind.x, rays.y[split])
    is_ground = behind.plane == 0
    good = (struck.z[split] - behind.z > _GAP) & ~(surface.is_water[other] & is_ground)
    good &= is_ground | (surface.kinds[behind.plane] == Hit.ROOF)
    split, other, is_ground = split[good], other[good], is_ground[good]
    classes = np.where(is_ground, GROUND, LAST_NOT_GROUND).astype(np.uint8)
    sheet.add(split, behind.x[good], behind.z[good], classes, surface.reflectance[other])


def _birds(line: float, rays: _Rays, chances: NDArray[np.float32], is_open: NDArray[np.bool_], sheet: _Sheet) -> None:
    """Let some pulses meet a bird or a cloud of exhaust high above, which hides what is below."""
    ray = np.flatnonzero(is_open & (chances[3] < _HIGH_NOISE))
    z = REFERENCE + 40.0 + 180.0 * chances[0, ray].astype(np.float64)
    sheet.add(ray, line + rays.across[ray] / DEPTH * (ALTITUDE - z), z, HIGH_NOISE, 12.0)
    is_open[ray] = False


def _ink(surface: Surfaces, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.uint16]:
    rows, columns = surface.ink.shape
    at = np.clip((x / CELL).astype(np.intp), 0, columns - 1)
    return surface.ink[np.clip((y / CELL).astype(np.intp), 0, rows - 1), at]


def _crowns(
    surface: Surfaces,
    line: float,
    rays: _Rays,
    struck: _Struck,
    chance: _Chance,
    sheet: _Sheet,
    first: int,
    last: int,
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Add the returns of trees; return the rays that meet a crown, and which of them end in it."""
    none = np.empty(0, np.intp), np.empty(0, np.bool_)
    trees = surface.trees
    south, north = first * CELL, last * CELL
    trees = trees[(trees[:, 1] + trees[:, 4] > south) & (trees[:, 1] - trees[:, 4] < north)]
    trees = trees[np.abs(trees[:, 0] - line) < HALF_SWATH + 20.0]
    if not len(trees):
        return none
    number = _foremost(trees, line, south, rays, last - first)
    ray = np.flatnonzero(number)
    x0, y0, ground, tall, radius, is_conifer = trees[number[ray] - 1].T
    half = tall * np.where(is_conifer > 0, 0.47, 0.37)
    middle = ground + tall - half
    # The ray is x = line + slope (ALTITUDE - z), the crown an ellipsoid; in t = (z - middle) / half both meet where
    # (p - q t)^2 + t^2 = 1 - s^2.
    slope = rays.across[ray] / DEPTH
    p = (line + slope * (ALTITUDE - middle) - x0) / radius
    q = slope * half / radius
    s = (rays.y[ray] - y0) / radius
    root = p * p * q * q - (1.0 + q * q) * (p * p + s * s - 1.0)
    is_met = root > 0
    root = np.sqrt(np.maximum(root, 0.0))
    upper = middle + half * (p * q + root) / (1.0 + q * q)
    lower = middle + half * (p * q - root) / (1.0 + q * q)
    floor = np.where(np.isnan(struck.z[ray]), -np.inf, struck.z[ray])
    lower = np.maximum(lower, floor + _GAP)
    rate = np.where(is_conifer > 0, _NEEDLES, _TWIGS)
    z = upper.copy()
    is_going = is_met & (upper > lower)
    has_ended = np.zeros(len(ray), np.bool_)
    for turn in range(_CROWN_RETURNS):
        z += np.log(chance.draw(ray, 2 * turn)) / rate
        is_going &= z > lower
        x = line + slope * (ALTITUDE - z)
        aside = np.hypot(x - x0, rays.y[ray] - y0)
        # A conifer is a cone in its ellipsoid.
        is_hit = is_going & ((is_conifer == 0) | (aside < radius * (ground + tall - z) / (1.5 * half)))
        sheet.add(ray[is_hit], x[is_hit], z[is_hit], LAST_NOT_GROUND, _TWIG_REFLECTANCE)
        has_ended |= is_hit & (chance.draw(ray, 2 * turn + 1) > _THROUGH)
        is_going &= ~has_ended
        z -= np.where(is_hit, _GAP, 0.0)
    # What comes through may meet the trunk.
    trunk = ALTITUDE - (x0 - line) / np.where(slope == 0, 1e-9, slope)
    thick = 0.08 + 0.012 * tall
    is_trunk = ~has_ended & (np.abs(rays.y[ray] - y0) < thick) & (trunk > ground + 0.3) & (trunk < lower - _GAP)
    is_trunk &= trunk > floor + _GAP
    sheet.add(ray[is_trunk], x0[is_trunk], trunk[is_trunk], LAST_NOT_GROUND, _TWIG_REFLECTANCE)
    return ray, has_ended | is_trunk


def _foremost(trees: NDArray[np.float64], line: float, south: float, rays: _Rays, rows: int) -> NDArray[np.intp]:
    """Return for each ray the number of the highest tree in its way plus one, or 0."""
    side = 0.5
    reach = HALF_SWATH + 40.0
    width, height = int(2 * reach / side), int(rows * CELL / side) + 1
    image = Image.new("I", (width, height), 0)
    draw = ImageDraw.Draw(image)
    x0, y0, ground, tall, radius, is_conifer = trees.T
    half = tall * np.where(is_conifer > 0, 0.47, 0.37)
    middle = ground + tall - half
    scale = DEPTH / (ALTITUDE - middle)
    centre = (x0 - line) * scale
    wide = np.hypot(radius, half * (x0 - line) / DEPTH) * scale
    boxes = np.column_stack([
        np.floor((centre - wide + reach) / side), np.floor((y0 - radius - south) / side),
        np.ceil((centre + wide + reach) / side), np.ceil((y0 + radius - south) / side),
    ])  # fmt: skip
    for number, box in enumerate(boxes.astype(np.int64).tolist(), 1):
        draw.ellipse(tuple(box), fill=number)
    raster = np.asarray(image)
    column = ((rays.across + reach) / side).astype(np.intp)
    found: NDArray[np.intp] = raster[((rays.y - south) / side).astype(np.intp), column].astype(np.intp)
    return found
