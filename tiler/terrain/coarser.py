"""A unit of a later stage: one tile from the published pictures and the heights of its four children."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tiler.ground import filled
from tiler.terrain import covering, shade, texture
from tiler.terrain.covering import Shown
from tiler.terrain.maker import Draft, Maker, Value
from tiler.terrain.scheme import Place
from tiler.terrain.texture import Cutout
from tiler.terrain.work import Made


class CoarserUnit(Maker):
    """A tile above others."""

    def make(self, below: Mapping[str, Value]) -> Made:
        """Make the tile.

        Args:
            below: what the units of its children left, by key.
        """
        cells = self.plan.cells
        half = cells // 2
        if not below:
            return Made((), 0, None)
        heights = np.full((cells + 1, cells + 1), np.nan)
        drawn = np.zeros((cells, cells), dtype=np.bool_)
        children: dict[Place, Shown] = {}
        borders = np.full((4, cells + 1, 2), np.nan)
        for value in below.values():
            facts = value.tiles[-1]
            r, c = (1 - facts.place[2] % 2) * half, (facts.place[1] % 2) * half
            heights[r : r + half + 1, c : c + half + 1], part = value.below.unpacked(half)
            drawn[r : r + half, c : c + half] = part
            outer = value.below.border_slopes(half)
            for side, begin in ((int(r > 0), c), (2 + int(c > 0), r)):
                borders[side, begin : begin + half + 1] = outer[side]
            inside = texture.extract((self.folder / facts.uri).read_bytes()) if facts.is_textured else None
            left, top, _, _ = facts.covered
            picture = None if inside is None else Cutout(texture.decode(inside), left, top)
            children[facts.place] = Shown(picture, part, facts.covered)
        is_known = np.isfinite(heights)
        if not bool(is_known.all()):
            heights = filled(np.where(is_known, heights, 0.0), is_known.astype(np.float64))
        # One step beyond the border the ground goes on as steeply as before; where it is known better, so it is taken.
        ringed = np.pad(heights, 1, mode="reflect", reflect_type="odd")
        slopes = shade.slopes_of(ringed, self.plan.side(self.place[0]) / cells)
        for border, known in zip((slopes[0], slopes[-1], slopes[:, 0], slopes[:, -1]), borders, strict=True):
            border[:] = np.where(np.isfinite(known), known, border)
        error = max(value.below.height_error for value in below.values())
        draft = Draft(heights, slopes, error, covering.of_children(children, drawn))
        errors = {value.tiles[-1].place: value.tiles[-1].geometric_error for value in below.values()}
        self.write_tiles({self.place: draft}, errors)
        return self.made(draft)
