"""Terrain for a globe: a pyramid of quantized-mesh tiles over the whole earth, fine where there is data.

Global geodetic profile (EPSG:4326, TMS): two tiles at level 0.  Every tile is meshed from 129 x 129 points of one
grid, and a point's height is the same in all tiles and levels that have it, so neighbours' edges are equal.

A unit of the work is a square of 512 x 512 cells at one level, its base: 4 x 4 tiles there, 2 x 2 tiles of the level
above and one of the next.  The finest units read heights, those of every later stage take each eighth point of the
units before.  The last stage is the whole earth.
"""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from tiler.terrain import relief
from tiler.terrain.ground import Ground
from tiler.terrain.quantized import CELLS, Grid, Place, encode
from tiler.terrain.quantized_fill import BLOCK, filled
from tiler.terrain.quantized_sampling import DEGREES, Lattice, Span, sampled
from tiler.terrain.work import Made, Unit
from zwilling.crs.plane import transformed
from zwilling.rasters import Rectangle

FOLDER: Final = "terrain"
_LEVELS_OF_UNIT: Final = 3
_SQUARE: Final = (BLOCK, BLOCK)
_SHARE: Final = BLOCK // 2**_LEVELS_OF_UNIT  # points along a side that a unit passes on
_METRES_PER_DEGREE: Final = 111319.49
_RADIUS: Final = 6371008.8
# A plane needs no fine tiles: in those of level 10, 20 km wide, the earth bends by half a millimetre within a cell.
_LEVEL_OF_PLANE: Final = 10
_FINEST: Final = 22
_ERROR_PER_CELL: Final = 1 / 16

# Blocks whose heights a process keeps, of 2 MB each: those around a unit and some beside it.
_BLOCKS_KEPT: Final = 24
_NOTHING: Final = np.full(_SQUARE, np.nan)

Blocks = OrderedDict[tuple[int, int, int], NDArray[np.float64]]
# Of the ground that this process works on; another one has other heights.
_KEPT: list[tuple[Ground, Blocks]] = []

Passed = tuple[NDArray[np.float32], NDArray[np.int32]]
"""What a unit passes on: heights of every eighth point, shape (64, 64), NaN where there are none; and all tiles below
it, its own included: level, x, y."""


@dataclass(frozen=True, slots=True)
class GlobeTerrain:
    """The product `terrain/`.

    Attributes:
        crs: projected CRS of `covers`.
        covers: where the ground has heights.
        level: the finest one.
        title: name of the whole, for people.
        attribution: line that is shown with it.
    """

    crs: str
    covers: tuple[Rectangle, ...]
    level: int
    title: str = ""
    attribution: str = ""

    @classmethod
    def of(cls, ground: Ground, *, title: str = "", attribution: str = "") -> GlobeTerrain:
        """Return the product for a ground, which has pictures or heights or both."""
        mosaic = ground.mosaics[-1]
        level = _LEVEL_OF_PLANE if ground.heights is None else _level_for(ground.heights.resolution)
        return cls(mosaic.crs, tuple(file.covers for file in mosaic.files), level, title, attribution)

    @property
    def options(self) -> str:
        """What shapes the files."""
        return repr((self.crs, self.level, self.title, self.attribution))

    def stages(self) -> Sequence[Sequence[Unit]]:
        """Return the units, those of the finest level first."""
        blocks = _blocks_with_data(self.crs, self.covers, Lattice(self.level))
        windows = _windows(self.crs, blocks, Lattice(self.level))
        stages = [
            [Unit(_key(self.level, *block), heights=window) for block, window in zip(blocks, windows, strict=True)]
        ]
        base = self.level
        while base >= _LEVELS_OF_UNIT:
            below, base = set(blocks), base - _LEVELS_OF_UNIT
            side = 2**_LEVELS_OF_UNIT
            blocks = sorted({(row // side, column // side) for row, column in below})
            if base < _LEVELS_OF_UNIT:
                blocks = [(0, 0)]
            stages.append(
                [
                    Unit(
                        _key(base, *block),
                        children=tuple(
                            _key(base + _LEVELS_OF_UNIT, *child) for child in _around(block, base) if child in below
                        ),
                    )
                    for block in blocks
                ]
            )
        return stages

    def make(self, unit: Unit, children: Mapping[str, object], ground: Ground, scratch: Path, folder: Path) -> Made:
        """Write the tiles of a unit; see `Product.make`."""
        base, row, column = _numbers(unit.key)
        if base == self.level:
            sheet = self._sheet_of_ground(base, row, column, ground, scratch)
            known: list[NDArray[np.int32]] = []
        else:
            _KEPT.clear()
            passed = {_numbers(key): cast(Passed, value) for key, value in children.items() if value is not None}
            sheet = _sheet_of_children(base, row, column, passed)
            known = [
                part[1] for (_, *place), part in passed.items() if _parent(place[0], place[1], base) == (row, column)
            ]
        if sheet is None:
            return Made((), 0, None)
        files, size, made = [], 0, []
        for level in range(base, max(base - _LEVELS_OF_UNIT, -1), -1):
            for (x, y), content in sheet.tiles(level):
                name = f"{FOLDER}/{level}/{x}/{y}.terrain"
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)
                files.append(name)
                size += len(content)
                made.append((level, x, y))
        tiles = np.concatenate([*known, np.array(made, dtype=np.int32).reshape(-1, 3)])
        if base < _LEVELS_OF_UNIT:
            content = json.dumps(self._layer(tiles), ensure_ascii=False, separators=(",", ":")).encode()
            (folder / FOLDER / "layer.json").write_bytes(content)
            files.append(f"{FOLDER}/layer.json")
            size += len(content)
        return Made(tuple(files), size, (sheet.passed_on(), tiles))

    def _sheet_of_ground(self, base: int, row: int, column: int, ground: Ground, scratch: Path) -> _Sheet | None:
        lattice, top, left = Lattice(base), row * BLOCK, column * BLOCK
        # As far as slopes reach.  Only where something is missing there, what is all around matters, too.
        margin = 2 ** (_LEVELS_OF_UNIT - 1)
        near = Span(top - margin, left - margin, top + BLOCK + margin + 1, left + BLOCK + margin + 1)
        heights = sampled(ground, self.crs, self.covers, lattice, near, scratch)
        known = np.isfinite(heights)
        if not known.any():
            return None
        if known.all():
            return _Sheet(base, top, left, _SQUARE, margin, heights, known)
        around = ((row - 1, row, row + 1), (column - 1, column, column + 1))
        blocks = [[self._block(base, r, c, ground, scratch) for c in around[1]] for r in around[0]]
        heights = np.block(blocks)
        known = np.isfinite(heights)
        if not known[BLOCK : 2 * BLOCK, BLOCK : 2 * BLOCK].any():
            return None
        return _Sheet(base, top, left, _SQUARE, BLOCK, filled(heights), known)

    def _block(self, base: int, row: int, column: int, ground: Ground, scratch: Path) -> NDArray[np.float64]:
        """Return heights of a block, shape (512, 512); units at the rim of the data ask for those beside them, too."""
        blocks = _blocks_of(ground)
        key = (base, row, column)
        if key in blocks:
            blocks.move_to_end(key)
            return blocks[key]
        top, left = row * BLOCK, column * BLOCK
        span = Span(top, left, top + BLOCK, left + BLOCK)
        block = sampled(ground, self.crs, self.covers, Lattice(base), span, scratch)
        blocks[key] = block if np.isfinite(block).any() else _NOTHING
        if len(blocks) > _BLOCKS_KEPT:
            blocks.popitem(last=False)
        return blocks[key]

    def _layer(self, tiles: NDArray[np.int32]) -> dict[str, object]:
        """Return `layer.json`: what CesiumJS reads before any tile."""
        corners = np.array([(x, y) for c in self.covers for x in (c.west, c.east) for y in (c.south, c.north)])
        degrees = transformed(corners, self.crs, DEGREES)
        (west, south), (east, north) = degrees.min(axis=0).round(7).tolist(), degrees.max(axis=0).round(7).tolist()
        return {
            "tilejson": "2.1.0",
            "name": self.title,
            "version": "1.0.0",
            "format": "quantized-mesh-1.0",
            "scheme": "tms",
            "projection": "EPSG:4326",
            "tiles": ["{z}/{x}/{y}.terrain"],
            "bounds": [west, south, east, north],
            "minzoom": 0,
            "maxzoom": int(tiles[:, 0].max()),
            "extensions": ["octvertexnormals"],
            "attribution": self.attribution,
            "available": [
                ranges([(int(x), int(y)) for _, x, y in tiles[tiles[:, 0] == level]])
                for level in range(int(tiles[:, 0].max()) + 1)
            ],
        }


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Heights of a unit and around it, at its base level.

    Attributes:
        row, column: of the unit's first point, in the lattice of its base level.
        size: cells of the unit: rows, columns.
        margin: points around the unit, at least four; on its last sides one more.
        heights: at least the unit's points and the margin.
        known: where heights come from data.
    """

    base: int
    row: int
    column: int
    size: tuple[int, int]
    margin: int
    heights: NDArray[np.float64]
    known: NDArray[np.bool_]

    def tiles(self, level: int) -> Iterator[tuple[tuple[int, int], bytes]]:
        """Yield x, y and content of each tile of a level."""
        stride = 2 ** (self.base - level)
        side, margin = CELLS * stride, self.margin
        rows, columns = self.size
        places = [
            (top, left)
            for top in range(margin, margin + rows, side)
            for left in range(margin, margin + columns, side)
            if level == 0 or self.known[top : top + side, left : left + side].any()
        ]
        if not places:
            return
        grids = [self._grid(level, top, left) for top, left in places]
        curved = np.stack([grid.heights - _bulge(grid.place) for grid in grids])
        meshes = relief.triangulate(relief.measure(curved), max_error(level))
        for (top, left), grid, mesh in zip(places, grids, meshes, strict=True):
            yield self._name(level, top, left), encode(grid, mesh)

    def passed_on(self) -> NDArray[np.float32]:
        """Return the heights that the next stage is made from."""
        stride, end = 2**_LEVELS_OF_UNIT, self.margin + BLOCK
        return self.heights[self.margin : end : stride, self.margin : end : stride].astype(np.float32)

    def _name(self, level: int, top: int, left: int) -> tuple[int, int]:
        side = CELLS * 2 ** (self.base - level)
        row = (self.row + top - self.margin) // side
        return (self.column + left - self.margin) // side, 2**level - 1 - row

    def _grid(self, level: int, top: int, left: int) -> Grid:
        stride = 2 ** (self.base - level)
        place = Place.of_tile(level, *self._name(level, top, left))
        rows = slice(top - stride, top + (CELLS + 1) * stride + 1, stride)
        columns = slice(left - stride, left + (CELLS + 1) * stride + 1, stride)
        around = self.heights[rows, columns]
        lat = np.radians(np.linspace(place.north, place.south, CELLS + 1))
        cell = Lattice(level).step * _METRES_PER_DEGREE
        # At the poles a cell has no width; there is no slope to the east either.
        width = np.maximum(np.cos(lat), 1e-6)[:, None] * cell
        return Grid(
            place,
            around[1:-1, 1:-1],
            (around[1:-1, 2:] - around[1:-1, :-2]) / (2 * width),
            (around[:-2, 1:-1] - around[2:, 1:-1]) / (2 * cell),
        )


def _blocks_of(ground: Ground) -> Blocks:
    """Return the blocks that this process has kept of `ground`."""
    if not _KEPT or _KEPT[0][0] is not ground:
        _KEPT[:] = [(ground, OrderedDict())]
    return _KEPT[0][1]


def max_error(level: int) -> float:
    """Return how far the mesh of a level may be from its grid, metres: a sixteenth of a cell.

    CesiumJS shows a tile as long as 1/128 of its width is less than a pixel or two, so this is an eighth of one.
    """
    return Lattice(level).step * _METRES_PER_DEGREE * _ERROR_PER_CELL


def ranges(tiles: Sequence[tuple[int, int]]) -> list[dict[str, int]]:
    """Return rectangles that hold all tiles (x, y) and no other, none twice.

    Example:
        >>> ranges([(4, 1), (5, 1), (4, 2), (5, 2), (7, 2)])
        [{'startX': 4, 'startY': 1, 'endX': 5, 'endY': 2}, {'startX': 7, 'startY': 2, 'endX': 7, 'endY': 2}]
    """
    rows: dict[int, list[int]] = {}
    for x, y in tiles:
        rows.setdefault(y, []).append(x)
    found: list[dict[str, int]] = []
    open_runs: dict[tuple[int, int], dict[str, int]] = {}
    for y in sorted(rows):
        runs: list[tuple[int, int]] = []
        for x in sorted(rows[y]):
            if runs and runs[-1][1] == x - 1:
                runs[-1] = (runs[-1][0], x)
            else:
                runs.append((x, x))
        still: dict[tuple[int, int], dict[str, int]] = {}
        for run in runs:
            above = open_runs.get(run)
            if above is None or above["endY"] != y - 1:
                above = {"startX": run[0], "startY": y, "endX": run[1], "endY": y}
                found.append(above)
            above["endY"] = y
            still[run] = above
        open_runs = still
    return found


def _level_for(resolution: float) -> int:
    """Return the level whose cells, from north to south, are nearest to `resolution` metres.

    Example:
        >>> _level_for(1.0), _level_for(0.5), _level_for(25.0)
        (17, 18, 13)
    """
    return min(max(round(math.log2(180.0 / CELLS * _METRES_PER_DEGREE / resolution)), _LEVELS_OF_UNIT), _FINEST)


def _bulge(place: Place) -> NDArray[np.float64]:
    """Return how far the earth curves away from the tangent plane in the middle of a tile, shape (129, 129), metres.

    Meshes of coarse tiles must follow it, else they would cut through the globe.
    """
    step = np.radians((place.east - place.west) / CELLS)
    number = np.arange(CELLS + 1) - CELLS / 2
    lat = np.radians(np.linspace(place.north, place.south, CELLS + 1))[:, None]
    return np.asarray(_RADIUS / 2 * step**2 * (number[:, None] ** 2 + (number * np.cos(lat)) ** 2))


def _sheet_of_children(
    base: int, row: int, column: int, passed: Mapping[tuple[int, int, int], Passed]
) -> _Sheet | None:
    is_root = base < _LEVELS_OF_UNIT
    size = (CELLS * 2**base, CELLS * 2 ** (base + 1)) if is_root else _SQUARE
    # Blocks as wide as the earth, and one more on each side.
    across = -(-size[1] // BLOCK) + 2
    heights = np.full((3 * BLOCK, across * BLOCK), np.nan)
    for (_, child_row, child_column), (part, _) in passed.items():
        top = child_row * _SHARE - (row - 1) * BLOCK
        left = child_column * _SHARE - (column - 1) * BLOCK
        heights[top : top + _SHARE, left : left + _SHARE] = part
    known = np.isfinite(heights)
    if not is_root and not known[BLOCK : 2 * BLOCK, BLOCK : 2 * BLOCK].any():
        return None
    heights = filled(heights)
    if is_root:
        # What is far from the data is at its mean, and the date line is one line.
        heights[np.isnan(heights)] = heights[known].mean() if known.any() else 0.0
        heights[:, BLOCK + size[1]] = heights[:, BLOCK]
    return _Sheet(base, row * BLOCK, column * BLOCK, size, BLOCK, heights, known)


def _blocks_with_data(crs: str, covers: Sequence[Rectangle], lattice: Lattice) -> list[tuple[int, int]]:
    """Return row and column of each block of 512 x 512 cells that may share some area with a cover."""
    found: set[tuple[int, int]] = set()
    for cover in covers:
        xs, ys = np.linspace(cover.west, cover.east, 9), np.linspace(cover.south, cover.north, 9)
        rim = np.array([(x, y) for x in xs for y in (cover.south, cover.north)])
        rim = np.concatenate([rim, [(x, y) for y in ys for x in (cover.west, cover.east)]])
        rows, columns = lattice.numbers(transformed(rim, crs, DEGREES))
        found.update(
            (row, column)
            for row in range(int(rows.min() // BLOCK), int(rows.max() // BLOCK) + 1)
            for column in range(int(columns.min() // BLOCK), int(columns.max() // BLOCK) + 1)
        )
    return sorted(found)


def _windows(crs: str, blocks: Sequence[tuple[int, int]], lattice: Lattice) -> list[Rectangle]:
    """Return for each block a rectangle around it and the blocks beside it."""
    if not blocks:
        return []
    offsets = np.linspace(-1.0, 2.0, 7) * BLOCK
    number = np.array(blocks, dtype=np.float64) * BLOCK
    rows = (number[:, 0, None, None] + offsets[None, :, None] + np.zeros((1, 1, 7))).ravel()
    columns = (number[:, 1, None, None] + offsets[None, None, :] + np.zeros((1, 7, 1))).ravel()
    places = transformed(lattice.degrees(rows, columns), DEGREES, crs).reshape(len(blocks), 49, 2)
    low, high = places.min(axis=1), places.max(axis=1)
    margin = 4 * lattice.step * _METRES_PER_DEGREE
    return [
        Rectangle(*lowest, *highest).grown(margin) for lowest, highest in zip(low.tolist(), high.tolist(), strict=True)
    ]


def _around(block: tuple[int, int], base: int) -> Iterator[tuple[int, int]]:
    """Yield the blocks of the stage before that lie in a block or beside it; all of the earth for the last stage."""
    side = 2**_LEVELS_OF_UNIT
    row, column = block
    columns = 2 if base < _LEVELS_OF_UNIT else 1
    for child_row in range((row - 1) * side, (row + 2) * side):
        for child_column in range((column - 1) * side, (column + columns + 1) * side):
            yield child_row, child_column


def _parent(row: int, column: int, base: int) -> tuple[int, int]:
    """Return the block of the next stage that a block lies in."""
    side = 2**_LEVELS_OF_UNIT
    return (0, 0) if base < _LEVELS_OF_UNIT else (row // side, column // side)


def _key(base: int, row: int, column: int) -> str:
    return f"{FOLDER}/{base}/{row}/{column}"


def _numbers(key: str) -> tuple[int, int, int]:
    base, row, column = (int(part) for part in key.split("/")[1:])
    return base, row, column
