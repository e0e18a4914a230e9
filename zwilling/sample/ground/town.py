"""The town as the camera finds it: the districts that are built on, with all that stands in them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import shapely
from shapely.geometry.base import BaseGeometry

from zwilling.sample.model import Building
from zwilling.sample.plan import Block, District, district
from zwilling.sample.quarter import buildings, outwards


@dataclass(frozen=True)
class Town:
    """Plan and buildings of one sample.

    Attributes:
        seed: of the sample.
        buildings: all of them.
        districts: those that have a building, from the middle outwards.
    """

    seed: int
    buildings: tuple[Building, ...]
    districts: tuple[District, ...]

    @cached_property
    def outline(self) -> BaseGeometry:
        """The land of all districts."""
        return shapely.union_all([part.outline for part in self.districts])

    @cached_property
    def built_land(self) -> BaseGeometry:
        """The land of the blocks on which something stands, with the streets between them."""
        blocks = [block.polygon for part in self.districts for block in part.blocks if self.standing_on(block)]
        return shapely.union_all([block.buffer(14.0) for block in blocks]).buffer(8.0).buffer(-8.0)

    @cached_property
    def footprints(self) -> shapely.STRtree:
        """Footprints of all building parts, in the order of `buildings`."""
        return shapely.STRtree([plan for building in self.buildings for plan in building.draft.footprints])

    def standing_on(self, block: Block) -> list[Building]:
        """Return the buildings of a block."""
        return self._by_block.get(block.key, [])

    @cached_property
    def _by_block(self) -> dict[str, list[Building]]:
        blocks = [block for part in self.districts for block in part.blocks]
        tree = shapely.STRtree([block.polygon for block in blocks])
        points = [shapely.Point(building.reference_point) for building in self.buildings]
        found: dict[str, list[Building]] = {}
        for i, k in zip(*tree.query(points, predicate="within"), strict=True):
            found.setdefault(blocks[int(k)].key, []).append(self.buildings[int(i)])
        return found


@lru_cache(maxsize=2)
def town(count: int, seed: int) -> Town:
    """Return the town with so many buildings."""
    standing = tuple(buildings(count, seed))
    points = [shapely.Point(building.reference_point) for building in standing]
    shapely.prepare(points)
    districts: list[District] = []
    left = len(points)
    for column, row in outwards():
        part = district(seed, column, row)
        districts.append(part)
        left -= int(shapely.contains(part.outline, points).sum())
        if left <= 0:
            break
    return Town(seed, standing, tuple(districts))
