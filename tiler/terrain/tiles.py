"""The ground as 3D Tiles: a quadtree of textured meshes, each made of exact pixels or of its four children.

Tiles are squares of the grid CRS, anchored at its origin, so that no tile depends on what else is built, and the pixels
of a picture are the texels of its tiles.  Level 0 has full detail; each level above has squares twice as large.  A unit
of the first stage makes 4 x 4 tiles of level 0 and the five tiles of levels 1 and 2 above them.  Coarser tiles are each
a unit made of four children: their published pictures and their heights.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tiler.glb import Compression
from tiler.ground import filled
from tiler.links import link
from tiler.target import TILESET_FILE, FolderTarget
from tiler.terrain import patch, relief, texture
from tiler.terrain.grids import (
    any_of_four,
    at_points,
    border_error,
    error_between,
    halving_error,
    normals_in,
    slopes_at,
)
from tiler.terrain.ground import Ground
from tiler.terrain.texture import Cutout
from tiler.terrain.work import Made, Unit
from tiler.tileset import Tile, Tileset
from zwilling.bounds import Box
from zwilling.crs import enu_to_ecef
from zwilling.issues import Issue, Severity
from zwilling.rasters import Rectangle, Window

TEXELS: Final = 1024
_CELLS_OF_A_PLANE: Final = 16
_LEAVES: Final = 4  # of a unit of the first stage, on each side
_UNIT_LEVEL: Final = 2
# Points around a unit whose heights its outermost normals need: one step of its coarsest tile.
_MARGIN: Final = 1 << _UNIT_LEVEL
# CesiumJS asks for more where an error is larger than 16 pixels on the screen: a texel is then one pixel wide.
_PIXELS: Final = 16
# Meshes are off by half a texel at most, and in full detail never by more than this, in metres.
_FINEST_TOLERANCE: Final = 0.1
# Rounding of float64 sums and of clients' float32 matrices; every volume is larger by this much on each side.
_ROUNDING: Final = 0.005
_MILLIMETRES: Final = 1000.0

Floats = NDArray[np.float64]
Place = tuple[int, int, int]  # level, column from west, row from south
Covered = tuple[int, int, int, int]  # left, top, right, bottom


@dataclass(frozen=True, slots=True)
class TileFacts:
    """What one tile is.

    Attributes:
        place: level (0 is full detail), column from west and row from south, from the origin of the grid CRS.
        uri: of its content.
        frame: from its east-north-up frame to ECEF, shape (4, 4).
        box: of its content, in that frame.
        geometric_error: metres, not smaller than that of any tile below.
        vertical_error: metres by which its mesh is off at most, measured against the terrain in full detail.
        triangles: with skirts.
        size: bytes of the file.
        covered: what of the tile holds data, in texels: left, top, right, bottom; its picture shows just that.
        is_textured: whether it carries a picture.
    """

    place: Place
    uri: str
    frame: Floats
    box: Box
    geometric_error: float
    vertical_error: float
    triangles: int
    size: int
    covered: Covered
    is_textured: bool


@dataclass(frozen=True, slots=True)
class Below:
    """What the tile above must know of a unit's coarsest tile.

    Attributes:
        heights: every second point of its grid, millimetres: differences along rows, int32, deflated.
        drawn: its cells, four as one, as packed bits, deflated.
        height_error: metres by which those points are off, joined by straight lines.
    """

    heights: bytes
    drawn: bytes
    height_error: float


@dataclass(frozen=True, slots=True)
class Value:
    """What a unit left: its tiles, the coarsest last, and what the next stage needs.

    Attributes:
        extent: longitude and latitude (degrees) and ellipsoidal height (metres): lowest, then highest; shape (2, 3).
    """

    tiles: tuple[TileFacts, ...]
    below: Below
    extent: Floats


@dataclass(frozen=True, slots=True)
class _Grid:
    """Heights of one tile, with one point more on each side.

    Attributes:
        heights: shape (n + 3, n + 3), finite.
        drawn: shape (n, n).
        error: metres by which the points, joined by straight lines, are off.
        covered: see `TileFacts`.
    """

    heights: Floats
    drawn: NDArray[np.bool_]
    error: float
    covered: Covered


@dataclass(frozen=True, slots=True)
class GroundTiles:
    """The product: textured tiles.

    Attributes:
        leaf: side of a tile of level 0, metres.
        cells: of a tile's grid of heights, on each side.
        area: rectangles that hold the data, in the grid CRS.
        compression, quality, method: of meshes, and of pictures; see `texture.encode`.
        copyright_lines: attribution.
        document_tiles: most tiles in one JSON document.
    """

    leaf: float
    cells: int
    area: tuple[Rectangle, ...]
    compression: Compression
    quality: int
    method: int
    copyright_lines: tuple[str, ...]
    document_tiles: int = 1000

    @classmethod
    def of(
        cls,
        ground: Ground,
        *,
        compression: Compression = Compression.MESHOPT,
        quality: int = 75,
        method: int = 0,
        copyright_lines: tuple[str, ...] = (),
        document_tiles: int = 1000,
    ) -> GroundTiles:
        """Return the product for `ground`: as large tiles as its pictures ask for, with heights as fine as they are."""
        area = tuple(file.covers for mosaic in ground.mosaics for file in mosaic.files)
        heights, pictures = ground.heights, ground.pictures
        if pictures is None and heights is None:
            raise ValueError("ground needs pictures or heights")
        cells = _CELLS_OF_A_PLANE if heights is None else 128
        leaf = pictures.resolution * TEXELS if pictures is not None else cells * heights.resolution  # type: ignore[union-attr]  # one of both is there
        while heights is not None and cells < 512 and leaf / cells > heights.resolution * 1.01:
            cells *= 2
        return cls(leaf, cells, area, compression, quality, method, copyright_lines, document_tiles)

    @property
    def options(self) -> str:
        """Everything besides the inputs that shapes the files, as text."""
        parts = (self.leaf, self.cells, self.compression, self.quality, self.method, self.copyright_lines)
        return repr(parts)

    def stages(self) -> Sequence[Sequence[Unit]]:
        """Return the units: those of levels 0 to 2, then those of each level above, up to the coarsest."""
        return [list(stage) for stage in self._stages()]

    def make(self, unit: Unit, children: Mapping[str, object], ground: Ground, scratch: Path, folder: Path) -> Made:
        """Make one unit; see `work.Product`."""
        if unit.children:
            below = {key: value for key, value in children.items() if isinstance(value, Value)}
            return _Above(self, ground, folder, _place_of(unit.key)).make(below)
        return _Exact(self, ground, folder, _place_of(unit.key)).make(scratch)

    def write_tileset(self, left: Iterable[Value], target: FolderTarget) -> None:
        """Write `tileset.json` of what all units left, and the documents that it links to."""
        facts = {tile.place: tile for value in left for tile in value.tiles}
        root = _root(facts)
        tileset = Tileset(root, max(2 * root.geometric_error, 1.0), "zwilling", self.copyright_lines)
        for document in link(root, self.document_tiles):
            part = Tileset(document.root, document.root.geometric_error, "zwilling", self.copyright_lines)
            target.write_json(document.name, part.to_json())
        target.write_json(TILESET_FILE, tileset.to_json())

    def side(self, level: int) -> float:
        """Return the side of a tile in metres."""
        return self.leaf * float(1 << level)

    def rectangle(self, place: Place) -> Rectangle:
        """Return what a tile covers."""
        level, column, row = place
        side = self.side(level)
        return Rectangle(column * side, row * side, (column + 1) * side, (row + 1) * side)

    def _stages(self) -> Iterator[list[Unit]]:
        here = sorted({(_UNIT_LEVEL, *place) for rectangle in self.area for place in self._covered(rectangle)})
        margin = (_MARGIN + 1) * self.leaf / self.cells
        yield [Unit(_key(place), self.rectangle(place), self.rectangle(place).grown(margin)) for place in here]
        while len({column for _, column, _ in here}) > 2 or len({row for _, _, row in here}) > 2:
            above: dict[Place, list[Place]] = {}
            for place in here:
                above.setdefault(_parent(place), []).append(place)
            yield [Unit(_key(place), children=tuple(map(_key, below))) for place, below in sorted(above.items())]
            here = sorted(above)
        if len(here) > 1 and len({_parent(place) for place in here}) == 1:
            yield [Unit(_key(_parent(here[0])), children=tuple(map(_key, here)))]

    def _covered(self, rectangle: Rectangle) -> Iterator[tuple[int, int]]:
        side = self.side(_UNIT_LEVEL)
        # A file's corner may stick out by what rounding adds.
        inner = rectangle.grown(-1e-6 * side)
        for column in range(int(inner.west // side), int(inner.east // side) + 1):
            for row in range(int(inner.south // side), int(inner.north // side) + 1):
                yield column, row


def values(made: Mapping[str, Made]) -> Iterator[Value]:
    """Yield what the units of this product left."""
    return (each.value for each in made.values() if isinstance(each.value, Value))


def _key(place: Place) -> str:
    level, column, row = place
    return f"tiles/{level}/{column}/{row}"


def _place_of(key: str) -> Place:
    level, column, row = key.split("/")[1:]
    return int(level), int(column), int(row)


def _parent(place: Place) -> Place:
    level, column, row = place
    return level + 1, column >> 1, row >> 1


class _Maker:
    """What units of both kinds do: tiles from grids and pictures."""

    def __init__(self, product: GroundTiles, ground: Ground, folder: Path, place: Place) -> None:
        self.product = product
        self.ground = ground
        self.folder = folder
        self.place = place
        self.facts: list[TileFacts] = []
        self.low = np.full(3, np.inf)
        self.high = np.full(3, -np.inf)

    def write_tiles(
        self, grids: Mapping[Place, _Grid], pictures: Mapping[Place, Cutout], errors: Mapping[Place, float]
    ) -> None:
        """Write the tiles of `grids`; those of lower levels come first.

        Args:
            pictures: by place; tiles without are bare.
            errors: geometric errors of tiles below that are not in `grids`.
        """
        places = list(grids)
        core = np.stack([grids[place].heights[1:-1, 1:-1] for place in places])
        drawn = np.stack([grids[place].drawn for place in places])
        tolerances = np.array([self._tolerance(place[0]) for place in places])
        meshes = relief.triangulate(relief.measure(core, drawn), tolerances)
        known = dict(errors)
        for place, mesh, tolerance in zip(places, meshes, tolerances.tolist(), strict=True):
            floor = max((known.get(child, 0.0) for child in _children(place)), default=0.0)
            facts = self._write(place, grids[place], mesh, tolerance, pictures.get(place), floor)
            known[place] = facts.geometric_error
            self.facts.append(facts)

    def made(self, coarsest: _Grid) -> Made:
        """Return what the unit left."""
        millimetres = np.rint(coarsest.heights[1:-1:2, 1:-1:2] * _MILLIMETRES).astype("<i4")
        millimetres[:, 1:] = np.diff(millimetres, axis=1)
        below = Below(
            zlib.compress(millimetres.tobytes(), 1),
            zlib.compress(np.packbits(any_of_four(coarsest.drawn)).tobytes(), 1),
            coarsest.error + halving_error(coarsest.heights[1:-1, 1:-1], coarsest.drawn),
        )
        value = Value(tuple(self.facts), below, np.stack([self.low, self.high]))
        files = tuple(facts.uri for facts in self.facts)
        return Made(files, sum(facts.size for facts in self.facts), value)

    def _tolerance(self, level: int) -> float:
        texel = self.product.leaf / TEXELS
        return min(texel / 2, _FINEST_TOLERANCE) * float(1 << level)

    def _write(
        self,
        place: Place,
        grid: _Grid,
        mesh: NDArray[np.int64],
        tolerance: float,
        picture: Cutout | None,
        floor: float,
    ) -> TileFacts:
        product = self.product
        level = place[0]
        cells = product.cells
        step = product.side(level) / cells
        vertices, triangles = patch.order_of_use(mesh, (cells + 1) ** 2)
        row, column = np.divmod(vertices, cells + 1)
        left, top, right, bottom = grid.covered
        size = TEXELS / cells
        # Where data ends within a cell, the mesh ends with it.
        r, c = np.clip(row, top / size, bottom / size), np.clip(column, left / size, right / size)
        # Whole numbers of steps from the origin: the same place has the same coordinates in every tile.
        east = (place[1] * cells + c) * step
        north = ((place[2] + 1) * cells - r) * step
        positions = np.stack([east, north, at_points(grid.heights[1:-1, 1:-1], r, c)], axis=1)
        low, high = self._extent(positions)
        frame = enu_to_ecef(float(low[0] + high[0]) / 2, float(low[1] + high[1]) / 2, float(low[2]))
        local = (self.ground.georeference.to_ecef(positions) - frame[:3, 3]) @ frame[:3, :3]
        slopes = slopes_at(grid.heights, row + 1, column + 1, step)
        texel = product.side(level) / TEXELS
        stored = None
        uv = np.zeros((len(vertices), 2))
        if picture is not None:
            uv = np.column_stack([(c * size - left) / (right - left), (r * size - top) / (bottom - top)])
            data = texture.encode(picture.image, product.quality, product.method)
            stored = patch.Picture(data, has_alpha=not picture.is_whole)
        made = patch.encode(
            patch.Surface(grid.drawn, vertices, local, normals_in(positions, local, slopes), uv, triangles),
            max(_PIXELS * texel, border_error(grid.heights[1:-1, 1:-1])),
            stored,
            compression=product.compression,
            copyright_line="; ".join(product.copyright_lines),
        )
        uri = f"tiles/{level}/{level}-{place[1]}-{place[2]}.glb"
        FolderTarget(self.folder).write(uri, made.glb)
        vertical = tolerance + grid.error + made.rounding
        error = max(floor, _PIXELS * texel, vertical) if level else 0.0
        return TileFacts(
            place,
            uri,
            frame,
            made.box,
            error,
            vertical,
            made.triangles,
            len(made.glb),
            grid.covered,
            stored is not None,
        )

    def _extent(self, positions: Floats) -> tuple[Floats, Floats]:
        """Return the lowest and highest longitude, latitude and height of a tile, and note those of the unit."""
        east, north, height = positions.T
        outermost = [east, north, east + north, east - north, height]
        ends = np.array([end(axis) for axis in outermost for end in (np.argmin, np.argmax)])
        geographic = self.ground.georeference.to_geographic(positions[ends])
        low, high = geographic.min(axis=0), geographic.max(axis=0)
        self.low, self.high = np.minimum(self.low, low), np.maximum(self.high, high)
        return low, high


class _Exact(_Maker):
    """A unit of the first stage: levels 0 to 2 from pixels and heights."""

    def make(self, scratch: Path) -> Made:
        heights, centres = self._heights(scratch)
        inner = slice(_MARGIN, -_MARGIN)
        is_known = np.isfinite(heights[inner, inner])
        drawn = is_known[:-1, :-1] & is_known[:-1, 1:] & is_known[1:, :-1] & is_known[1:, 1:]
        if self.ground.heights is None:
            drawn[:] = False  # a plane has no end; its pictures have
        leaves = self._leaves(scratch, drawn)
        if not drawn.any():
            return Made((), 0, None)
        if not bool(np.isfinite(heights).any()):
            # At the height of some plane they would stand like a wall beside the terrain.
            west, south = self.product.rectangle(self.place).west, self.product.rectangle(self.place).south
            message = "no heights are near the pictures; they were left out here"
            issue = Issue("GROUND_WITHOUT_HEIGHTS", Severity.ERROR, "", f"({west:.0f}, {south:.0f})", message)
            return Made((), 0, None, (issue,))
        heights = self._without_gaps(heights, drawn)
        grids, pictures = self._tiles(heights, centres, drawn, leaves)
        self.write_tiles(grids, pictures, {})
        return self.made(grids[self.place])

    def _leaves(self, scratch: Path, drawn: NDArray[np.bool_]) -> dict[tuple[int, int], Cutout]:
        """Return the pictures of the leaves by row and column, and note in `drawn` what they show."""
        pictures = self.ground.pictures
        own = self.product.rectangle(self.place)
        near = [] if pictures is None else [file.covers for file in pictures.files if file.covers.meets(own)]
        if pictures is None or not near:
            return {}
        # No more than what files cover is read: at the rim of a mosaic that is a small part of the unit.
        texel = self.product.leaf / TEXELS
        size = _LEAVES * TEXELS
        left = max(_floor((min(each.west for each in near) - own.west) / texel), 0)
        top = max(_floor((own.north - max(each.north for each in near)) / texel), 0)
        right = min(-_floor((own.west - max(each.east for each in near)) / texel), size)
        bottom = min(-_floor((min(each.south for each in near) - own.north) / texel), size)
        window = Window(own.west + left * texel, own.north - top * texel, texel, right - left, bottom - top)
        pixels = pictures.read(window, scratch)
        cells = self.product.cells
        leaves: dict[tuple[int, int], Cutout] = {}
        for row in range(top // TEXELS, -(-bottom // TEXELS)):
            for column in range(left // TEXELS, -(-right // TEXELS)):
                y, x = row * TEXELS, column * TEXELS
                part = pixels[max(y - top, 0) : y + TEXELS - top, max(x - left, 0) : x + TEXELS - left]
                picture = texture.cut_out(part, max(left - x, 0), max(top - y, 0))
                if picture is None:
                    continue
                here = drawn[row * cells : (row + 1) * cells, column * cells : (column + 1) * cells]
                leaves[row, column] = _on_drawn(picture, here)
        return leaves

    def _heights(self, scratch: Path) -> tuple[Floats, Floats]:
        """Return heights of the unit's points with a margin, and of the middles of its cells; whole millimetres."""
        cells = self.product.cells
        step = self.product.leaf / cells
        count = _LEAVES * cells
        column = np.arange(-_MARGIN, count + _MARGIN + 1) + self.place[1] * count
        row = (self.place[2] + 1) * count - np.arange(-_MARGIN, count + _MARGIN + 1)
        points = self._at(column * step, row * step, scratch)
        inner = slice(_MARGIN, _MARGIN + count)
        centres = self._at((column[inner] + 0.5) * step, (row[inner] - 0.5) * step, scratch)
        return np.rint(points * _MILLIMETRES) / _MILLIMETRES, centres

    def _at(self, east: NDArray[np.floating], north: NDArray[np.floating], scratch: Path) -> Floats:
        """Return heights at a grid of places, NaN where none are; only what lies on some file is asked for."""
        found = np.full((len(north), len(east)), np.nan)
        heights = self.ground.heights
        if heights is not None:
            wanted = Rectangle(east.min(), north.min(), east.max(), north.max()).grown(heights.resolution)
            near = [file.covers for file in heights.files if file.covers.meets(wanted)]
            if not near:
                return found
            columns = (east >= min(each.west for each in near)) & (east <= max(each.east for each in near))
            rows = (north >= min(each.south for each in near)) & (north <= max(each.north for each in near))
        else:
            columns, rows = np.ones(len(east), dtype=np.bool_), np.ones(len(north), dtype=np.bool_)
        shape = (int(rows.sum()), int(columns.sum()))
        places = np.empty((*shape, 2))
        places[..., 0] = east[columns]
        places[..., 1] = north[rows][:, None]
        if places.size:
            found[np.ix_(rows, columns)] = self.ground.heights_at(places.reshape(-1, 2), scratch).reshape(shape)
        return found

    def _without_gaps(self, heights: Floats, drawn: NDArray[np.bool_]) -> Floats:
        """Return heights that go on smoothly where none are: below pictures beyond the terrain, and at its rim.

        What is far from all drawn cells goes on level.
        """
        rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
        near = np.ix_(
            np.arange(rows[0], rows[-1] + 2 * _MARGIN + 2), np.arange(columns[0], columns[-1] + 2 * _MARGIN + 2)
        )
        is_known = np.isfinite(heights[near])
        if bool(np.isfinite(heights).all()):
            return heights
        part = filled(np.where(is_known, heights[near], 0.0), is_known.astype(np.float64))
        around = [
            (int(each[0]), size - 1 - int(each[-1]))
            for each, size in zip((near[0].ravel(), near[1].ravel()), heights.shape, strict=True)
        ]
        return np.pad(np.rint(part * _MILLIMETRES) / _MILLIMETRES, around, mode="edge")

    def _tiles(
        self,
        heights: Floats,
        centres: Floats,
        drawn: NDArray[np.bool_],
        leaves: Mapping[tuple[int, int], Cutout],
    ) -> tuple[dict[Place, _Grid], dict[Place, Cutout]]:
        """Return grids and pictures of all tiles, from level 0 up."""
        cells = self.product.cells
        grids: dict[Place, _Grid] = {}
        pictures: dict[Place, Cutout] = {}
        for level in range(_UNIT_LEVEL + 1):
            stride = 1 << level
            across = _LEAVES >> level
            here = heights[_MARGIN - stride : len(heights) - _MARGIN + stride : stride]
            here = here[:, _MARGIN - stride : heights.shape[1] - _MARGIN + stride : stride]
            if level:
                drawn = any_of_four(drawn)
            for row in range(across):
                for column in range(across):
                    r, c = row * cells, column * cells
                    part = drawn[r : r + cells, c : c + cells]
                    if not part.any():
                        continue
                    place = (level, self.place[1] * across + column, self.place[2] * across + across - 1 - row)
                    grid = here[r : r + cells + 3, c : c + cells + 3]
                    children = {child: grids[child] for child in _children(place) if child in grids}
                    if level == 0:
                        error = error_between(grid[1:-1, 1:-1], centres[r : r + cells, c : c + cells], part)
                        picture = leaves.get((row, column))
                        covered = _covered(part) if picture is None else picture.box
                    else:
                        error = max(
                            below.error + halving_error(below.heights[1:-1, 1:-1], below.drawn)
                            for below in children.values()
                        )
                        picture = _above({child: pictures.get(child) for child in children}, children)
                        covered = _covered_above(children) if picture is None else picture.box
                    grids[place] = _Grid(grid, part, error, covered)
                    if picture is not None:
                        pictures[place] = picture
        return grids, pictures


class _Above(_Maker):
    """A unit of a later stage: one tile from its children's published pictures and heights."""

    def make(self, children: Mapping[str, Value]) -> Made:
        cells = self.product.cells
        half = cells // 2
        if not children:
            return Made((), 0, None)
        heights = np.full((cells + 1, cells + 1), np.nan)
        drawn = np.zeros((cells, cells), dtype=np.bool_)
        pictures: dict[Place, Cutout | None] = {}
        grids: dict[Place, _Grid] = {}
        for value in children.values():
            facts, below = value.tiles[-1], value.below
            r, c = (1 - facts.place[2] % 2) * half, (facts.place[1] % 2) * half
            stored = np.frombuffer(zlib.decompress(below.heights), "<i4").reshape(half + 1, half + 1)
            heights[r : r + half + 1, c : c + half + 1] = stored.cumsum(axis=1) / _MILLIMETRES
            bits = np.frombuffer(zlib.decompress(below.drawn), np.uint8)
            part = np.unpackbits(bits, count=half * half).reshape(half, half).astype(np.bool_)
            drawn[r : r + half, c : c + half] = part
            grids[facts.place] = _Grid(stored.astype(np.float64), part, below.height_error, facts.covered)
            inside = texture.extract((self.folder / facts.uri).read_bytes()) if facts.is_textured else None
            left, top, _, _ = facts.covered
            pictures[facts.place] = None if inside is None else Cutout(texture.decode(inside), left, top)
        is_known = np.isfinite(heights)
        if not bool(is_known.all()):
            heights = filled(np.where(is_known, heights, 0.0), is_known.astype(np.float64))
        # One step beyond the border the ground goes on as steeply as before.
        ringed = np.pad(heights, 1, mode="reflect", reflect_type="odd")
        error = max(value.below.height_error for value in children.values())
        picture = _above(pictures, grids)
        grid = _Grid(ringed, drawn, error, _covered_above(grids) if picture is None else picture.box)
        errors = {value.tiles[-1].place: value.tiles[-1].geometric_error for value in children.values()}
        self.write_tiles({self.place: grid}, {} if picture is None else {self.place: picture}, errors)
        return self.made(grid)


def _children(place: Place) -> list[Place]:
    level, column, row = place
    return [(level - 1, 2 * column + x, 2 * row + y) for y in (0, 1) for x in (0, 1)]


def _floor(texels: float) -> int:
    """Return the whole number of texels below, where what is within a thousandth of the next one is that."""
    return math.floor(texels + 1e-3)


def _on_drawn(picture: Cutout, drawn: NDArray[np.bool_]) -> Cutout:
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


def _above(pictures: Mapping[Place, Cutout | None], grids: Mapping[Place, _Grid]) -> Cutout | None:
    """Return the picture of a tile from those of its children, bare ground where a child has none."""
    if all(picture is None for picture in pictures.values()):
        return None
    quarters = {}
    for (level, column, row), picture in pictures.items():
        grid = grids[level, column, row]
        own = picture or texture.on_bare_ground(None, grid.drawn, TEXELS, grid.covered)
        if own is not None:
            quarters[1 - row % 2, column % 2] = texture.halved(own)
    return texture.joined(quarters, TEXELS)


def _covered(drawn: NDArray[np.bool_]) -> Covered:
    """Return the rectangle of a leaf's drawn cells, in texels."""
    size = TEXELS // len(drawn)
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    return int(columns[0]) * size, int(rows[0]) * size, int(columns[-1] + 1) * size, int(rows[-1] + 1) * size


def _covered_above(children: Mapping[Place, _Grid]) -> Covered:
    """Return the rectangle of all that the children of a tile cover, in its texels."""
    boxes = []
    for (_, column, row), grid in children.items():
        left, top, right, bottom = grid.covered
        x, y = column % 2 * TEXELS, (1 - row % 2) * TEXELS
        boxes.append((x + left, y + top, x + right, y + bottom))
    left, top = (min(box[side] for box in boxes) // 2 for side in (0, 1))
    right, bottom = (-(-max(box[side] for box in boxes) // 2) for side in (2, 3))
    return left, top, right, bottom


def _root(facts: Mapping[Place, TileFacts]) -> Tile:
    """Return the tree of all tiles; where the coarsest are several, below a root that shows nothing itself."""
    has_parent = {child for place in facts for child in _children(place)}
    tops = [facts[place] for place in sorted(facts) if place not in has_parent]
    if len(tops) == 1:
        root = _tile(tops[0], facts)
        root.to_parent = tops[0].frame
        return root
    frame = tops[0].frame
    tiles = [_below(frame, top, facts) for top in tops]
    error = max(tile.geometric_error for tile in tiles)
    return Tile(2 * error, _around([], tiles), frame, None, tiles)


def _tile(own: TileFacts, facts: Mapping[Place, TileFacts]) -> Tile:
    children = [_below(own.frame, facts[child], facts) for child in _children(own.place) if child in facts]
    return Tile(own.geometric_error, _around([own.box.corners], children), content_uri=own.uri, children=children)


def _below(frame: Floats, own: TileFacts, facts: Mapping[Place, TileFacts]) -> Tile:
    tile = _tile(own, facts)
    tile.to_parent = np.asarray(np.linalg.solve(frame, own.frame), dtype=np.float64)
    return tile


def _around(corners: list[Floats], children: Sequence[Tile]) -> Box:
    """Return the box around a tile's content and its children's volumes."""
    below = [tile.bounding_volume.corners @ tile.to_parent[:3, :3].T + tile.to_parent[:3, 3] for tile in children]
    return Box.around(np.concatenate([*corners, *below])).grown(_ROUNDING)
