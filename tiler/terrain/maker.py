"""Tiles from heights and pictures: what units of all stages do."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tiler.glb import Compression
from tiler.target import FolderTarget
from tiler.terrain import patch, relief, scheme, shade, texture
from tiler.terrain.covering import Shown
from tiler.terrain.grids import (
    MILLIMETRES,
    any_of_four,
    at_points,
    border_error,
    halving_error,
    normals_in,
    righted,
)
from tiler.terrain.ground import Ground
from tiler.terrain.scheme import TEXELS, Place, Scheme
from tiler.terrain.tree import TileFacts
from tiler.terrain.work import Made
from zwilling.crs import enu_to_ecef

# CesiumJS asks for more where an error is larger than 16 pixels on the screen: a texel is then one pixel wide.
_PIXELS: Final = 16
# Meshes are off by half a texel at most, and in full detail never by more than this, in metres.
_FINEST_TOLERANCE: Final = 0.1

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Encoding:
    """How tiles are written.

    Attributes:
        compression: of meshes.
        quality: of pictures.
        methods: of pictures in full detail and of coarser ones; see `texture.encode`.
        copyright_lines: attribution.
    """

    compression: Compression
    quality: int
    methods: tuple[int, int]
    copyright_lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """What one tile is made from.

    Attributes:
        heights: of its points, shape (n + 1, n + 1), finite.
        slopes: there, shape (n + 1, n + 1, 2); see `shade`.
        error: metres by which the points, joined by straight lines, are off.
    """

    heights: Floats
    slopes: Floats
    error: float
    shown: Shown


@dataclass(frozen=True, slots=True)
class Below:
    """What the tile above must know of a unit's coarsest tile, of n x n cells.

    Attributes:
        heights: every second point of its grid, millimetres: differences along rows, int32, deflated.
        drawn: its cells, four as one, as packed bits, deflated.
        slopes: along its borders, of which the tile above may have two; see `shade.passed_on`; float16, deflated.
        height_error: metres by which those points are off, joined by straight lines.
    """

    heights: bytes
    drawn: bytes
    slopes: bytes
    height_error: float

    @classmethod
    def of(cls, draft: Draft) -> Below:
        """Return what must be known of a tile."""
        heights, drawn = draft.heights, draft.shown.drawn
        millimetres = np.rint(heights[::2, ::2] * MILLIMETRES).astype("<i4")
        millimetres[:, 1:] = np.diff(millimetres, axis=1)
        return cls(
            zlib.compress(millimetres.tobytes(), 1),
            zlib.compress(np.packbits(any_of_four(drawn)).tobytes(), 1),
            zlib.compress(shade.passed_on(draft.slopes).astype("<f2").tobytes(), 1),
            draft.error + halving_error(heights, drawn),
        )

    def unpacked(self, half: int) -> tuple[Floats, NDArray[np.bool_]]:
        """Return the points in metres, shape (half + 1, half + 1), and the cells, shape (half, half)."""
        stored = np.frombuffer(zlib.decompress(self.heights), "<i4").reshape(half + 1, half + 1)
        bits = np.frombuffer(zlib.decompress(self.drawn), np.uint8)
        drawn = np.unpackbits(bits, count=half * half).reshape(half, half).astype(np.bool_)
        return stored.cumsum(axis=1) / MILLIMETRES, drawn

    def border_slopes(self, half: int) -> Floats:
        """Return slopes along the north, south, west and east, shape (4, half + 1, 2)."""
        stored = np.frombuffer(zlib.decompress(self.slopes), "<f2").reshape(4, half + 1, 2)
        return stored.astype(np.float64)


@dataclass(frozen=True, slots=True)
class Value:
    """What a unit left: its tiles, the coarsest last, and what the next stage needs.

    Attributes:
        extent: longitude and latitude (degrees) and ellipsoidal height (metres): lowest, then highest; shape (2, 3).
    """

    tiles: tuple[TileFacts, ...]
    below: Below
    extent: Floats


class Maker:
    """A unit at work: writes tiles and keeps what is to be known of them."""

    def __init__(self, plan: Scheme, encoding: Encoding, ground: Ground, folder: Path, place: Place) -> None:
        self.plan = plan
        self.encoding = encoding
        self.ground = ground
        self.folder = folder
        self.place = place
        self.facts: list[TileFacts] = []
        self.low = np.full(3, np.inf)
        self.high = np.full(3, -np.inf)

    def write_tiles(self, drafts: Mapping[Place, Draft], errors: Mapping[Place, float]) -> None:
        """Write tiles; those of lower levels come first.

        Args:
            errors: geometric errors of tiles below that are not in `drafts`.
        """
        heights = np.stack([draft.heights for draft in drafts.values()])
        slopes = np.stack([draft.slopes for draft in drafts.values()])
        drawn = np.stack([draft.shown.drawn for draft in drafts.values()])
        tolerances = np.array([self._tolerance(level) for level, _, _ in drafts])
        allowed = shade.BARE if self.ground.pictures is None else shade.PICTURED
        unevenness = shade.measure(slopes, drawn, allowed)
        needed = np.maximum(relief.measure(heights, drawn).errors / tolerances[:, None, None], unevenness)
        if self.ground.pictures is None:
            needed[:, :: shade.EVERY, :: shade.EVERY] = np.inf
        meshes = relief.triangulate(relief.Relief(needed.astype(np.float32), drawn), 1.0)
        slopes = shade.eased(slopes, unevenness, allowed)
        known = dict(errors)
        for (place, draft), mesh, own, tolerance in zip(
            drafts.items(), meshes, slopes, tolerances.tolist(), strict=True
        ):
            floor = max((known.get(child, 0.0) for child in scheme.children(place)), default=0.0)
            facts = self._write(place, draft, mesh, own, tolerance, floor)
            known[place] = facts.geometric_error
            self.facts.append(facts)

    def made(self, coarsest: Draft) -> Made:
        """Return what the unit left."""
        value = Value(tuple(self.facts), Below.of(coarsest), np.stack([self.low, self.high]))
        files = tuple(facts.uri for facts in self.facts)
        return Made(files, sum(facts.size for facts in self.facts), value)

    def _tolerance(self, level: int) -> float:
        return min(self.plan.texel / 2, _FINEST_TOLERANCE) * float(1 << level)

    def _write(
        self, place: Place, draft: Draft, mesh: NDArray[np.int64], slopes: Floats, tolerance: float, floor: float
    ) -> TileFacts:
        encoding, cells, level = self.encoding, self.plan.cells, place[0]
        step = self.plan.side(level) / cells
        heights, picture = draft.heights, draft.shown.picture
        vertices, triangles = patch.order_of_use(mesh, (cells + 1) ** 2)
        row, column = np.divmod(vertices, cells + 1)
        left, top, right, bottom = draft.shown.covered
        size = TEXELS / cells
        # Where data ends within a cell, the mesh ends with it.
        r, c = np.clip(row, top / size, bottom / size), np.clip(column, left / size, right / size)
        # Whole numbers of steps from the origin: the same place has the same coordinates in every tile.
        east = (place[1] * cells + c) * step
        north = ((place[2] + 1) * cells - r) * step
        positions = np.stack([east, north, at_points(heights, r, c)], axis=1)
        low, high = self._extent(positions)
        frame = enu_to_ecef(float(low[0] + high[0]) / 2, float(low[1] + high[1]) / 2, float(low[2]))
        local = (self.ground.georeference.to_ecef(positions) - frame[:3, 3]) @ frame[:3, :3]
        texel = self.plan.side(level) / TEXELS
        stored = None
        uv = np.zeros((len(vertices), 2))
        if picture is not None:
            uv = np.column_stack([(c * size - left) / (right - left), (r * size - top) / (bottom - top)])
            data = texture.encode(picture.image, encoding.quality, encoding.methods[level > 0])
            stored = patch.Picture(data, has_alpha=not picture.is_whole)
        made = patch.encode(
            patch.Surface(
                draft.shown.drawn,
                vertices,
                local,
                righted(normals_in(positions, local, slopes[row, column]), local, triangles),
                uv,
                triangles,
            ),
            max(_PIXELS * texel, border_error(heights)),
            stored,
            compression=encoding.compression,
            copyright_line="; ".join(encoding.copyright_lines),
        )
        uri = f"tiles/{level}/{level}-{place[1]}-{place[2]}.glb"
        FolderTarget(self.folder).write(uri, made.glb)
        vertical = tolerance + draft.error + made.rounding
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
            draft.shown.covered,
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
