"""A unit of the first stage: tiles of levels 0 to 2, from pixels and heights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tiler.ground import filled
from tiler.terrain import covering, scheme, texture
from tiler.terrain.grids import any_of_four, error_between, halving_error, to_millimetres
from tiler.terrain.maker import Draft, Maker
from tiler.terrain.scheme import LEAVES, MARGIN, TEXELS, UNIT_LEVEL, Place
from tiler.terrain.shade import slopes_of
from tiler.terrain.texture import Cutout
from tiler.terrain.work import Made
from zwilling.issues import Issue, Severity
from zwilling.rasters import Rectangle, Window

Floats = NDArray[np.float64]


class ExactUnit(Maker):
    """4 x 4 tiles of level 0 and the five above them."""

    def make(self, scratch: Path) -> Made:
        """Make all of them, where there is something to draw."""
        heights, centres = self._heights(scratch)
        inner = slice(MARGIN, -MARGIN)
        is_known = np.isfinite(heights[inner, inner])
        drawn = is_known[:-1, :-1] & is_known[:-1, 1:] & is_known[1:, :-1] & is_known[1:, 1:]
        if self.ground.heights is None:
            drawn[:] = False  # a plane has no end; its pictures have
        leaves = self._leaves(scratch, drawn)
        if not drawn.any():
            return Made((), 0, None)
        if not bool(np.isfinite(heights).any()):
            # At the height of some plane they would stand like a wall beside the terrain.
            west, south = self.plan.rectangle(self.place).west, self.plan.rectangle(self.place).south
            message = "no heights are near the pictures; they were left out here"
            issue = Issue("GROUND_WITHOUT_HEIGHTS", Severity.ERROR, "", f"({west:.0f}, {south:.0f})", message)
            return Made((), 0, None, (issue,))
        heights = self._without_gaps(heights, drawn)
        drafts = self._drafts(heights, centres, drawn, leaves)
        self.write_tiles(drafts, {})
        return self.made(drafts[self.place])

    def _leaves(self, scratch: Path, drawn: NDArray[np.bool_]) -> dict[tuple[int, int], Cutout]:
        """Return the pictures of the leaves by row and column, and note in `drawn` what they show."""
        pictures = self.ground.pictures
        own = self.plan.rectangle(self.place)
        near = [] if pictures is None else [file.covers for file in pictures.files if file.covers.meets(own)]
        if pictures is None or not near:
            return {}
        # No more than what files cover is read: at the rim of a mosaic that is a small part of the unit.
        texel = self.plan.texel
        size = LEAVES * TEXELS
        left = max(_floor((min(each.west for each in near) - own.west) / texel), 0)
        top = max(_floor((own.north - max(each.north for each in near)) / texel), 0)
        right = min(-_floor((own.west - max(each.east for each in near)) / texel), size)
        bottom = min(-_floor((min(each.south for each in near) - own.north) / texel), size)
        window = Window(own.west + left * texel, own.north - top * texel, texel, right - left, bottom - top)
        pixels = pictures.read(window, scratch)
        cells = self.plan.cells
        leaves: dict[tuple[int, int], Cutout] = {}
        for row in range(top // TEXELS, -(-bottom // TEXELS)):
            for column in range(left // TEXELS, -(-right // TEXELS)):
                y, x = row * TEXELS, column * TEXELS
                part = pixels[max(y - top, 0) : y + TEXELS - top, max(x - left, 0) : x + TEXELS - left]
                picture = texture.cut_out(part, max(left - x, 0), max(top - y, 0))
                if picture is None:
                    continue
                here = drawn[row * cells : (row + 1) * cells, column * cells : (column + 1) * cells]
                leaves[row, column] = covering.on_drawn(picture, here)
        return leaves

    def _heights(self, scratch: Path) -> tuple[Floats, Floats]:
        """Return heights of the unit's points with a margin, and of the middles of its cells; whole millimetres."""
        cells = self.plan.cells
        step = self.plan.leaf / cells
        count = LEAVES * cells
        column = np.arange(-MARGIN, count + MARGIN + 1) + self.place[1] * count
        row = (self.place[2] + 1) * count - np.arange(-MARGIN, count + MARGIN + 1)
        points = self._at(column * step, row * step, scratch)
        inner = slice(MARGIN, MARGIN + count)
        centres = self._at((column[inner] + 0.5) * step, (row[inner] - 0.5) * step, scratch)
        return to_millimetres(points), centres

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
            np.arange(rows[0], rows[-1] + 2 * MARGIN + 2), np.arange(columns[0], columns[-1] + 2 * MARGIN + 2)
        )
        is_known = np.isfinite(heights[near])
        if bool(np.isfinite(heights).all()):
            return heights
        part = filled(np.where(is_known, heights[near], 0.0), is_known.astype(np.float64))
        around = [
            (int(each[0]), size - 1 - int(each[-1]))
            for each, size in zip((near[0].ravel(), near[1].ravel()), heights.shape, strict=True)
        ]
        return np.pad(to_millimetres(part), around, mode="edge")

    def _drafts(
        self, heights: Floats, centres: Floats, drawn: NDArray[np.bool_], leaves: Mapping[tuple[int, int], Cutout]
    ) -> dict[Place, Draft]:
        """Return what all tiles are made from, level 0 first."""
        cells = self.plan.cells
        drafts: dict[Place, Draft] = {}
        for level in range(UNIT_LEVEL + 1):
            stride = 1 << level
            across = LEAVES >> level
            inner = slice(MARGIN - stride, len(heights) - MARGIN + stride, stride)
            here = heights[inner, inner]
            slopes = slopes_of(here, self.plan.side(level) / cells)
            if level:
                drawn = any_of_four(drawn)
            for row in range(across):
                for column in range(across):
                    r, c = row * cells, column * cells
                    part = drawn[r : r + cells, c : c + cells]
                    if not part.any():
                        continue
                    place = (level, self.place[1] * across + column, self.place[2] * across + across - 1 - row)
                    own = slice(r, r + cells + 1), slice(c, c + cells + 1)
                    grid, slope = here[1:-1, 1:-1][own], slopes[own]
                    if level == 0:
                        error = error_between(grid, centres[r : r + cells, c : c + cells], part)
                        drafts[place] = Draft(grid, slope, error, covering.of_leaf(leaves.get((row, column)), part))
                        continue
                    below = {child: drafts[child] for child in scheme.children(place) if child in drafts}
                    error = max(
                        draft.error + halving_error(draft.heights, draft.shown.drawn) for draft in below.values()
                    )
                    shown = covering.of_children({child: draft.shown for child, draft in below.items()}, part)
                    drafts[place] = Draft(grid, slope, error, shown)
        return drafts


def _floor(texels: float) -> int:
    """Return the whole number of texels below, where what is within a thousandth of the next one is that."""
    return math.floor(texels + 1e-3)
