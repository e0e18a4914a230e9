"""The quarter as it stands: plan, buildings, house numbers and ids, put together in one fixed order."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import shapely
from shapely.geometry import Point as ShapelyPoint

from zwilling.sample import siting
from zwilling.sample.chance import chance
from zwilling.sample.landmarks import BUILDERS
from zwilling.sample.model import Address, Building, Draft
from zwilling.sample.plan import Block, District, LandUse, Street, district
from zwilling.sample.siting import Site
from zwilling.sample.terrain import elevation

_BUILDERS: dict[LandUse, Callable[[Site], None]] = {
    LandUse.OLD_TOWN: siting.old_town,
    LandUse.PERIMETER: siting.perimeter,
    LandUse.TERRACES: siting.terraces,
    LandUse.ROWS: siting.rows,
    LandUse.DETACHED: siting.gardens,
    LandUse.SLABS: siting.slabs,
    LandUse.COMMERCE: siting.commerce,
    **BUILDERS,
}

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_FIRST_ID = 62**3 * 2 + 62**2 * 45  # so that the ids look like those of the cadastre: DENW99AL00002j00


def buildings(count: int, seed: int) -> Iterator[Building]:
    """Yield `count` buildings from the old town outwards, district after district.

    The same arguments give the same buildings; memory holds one district at a time.
    """
    made = 0
    for column, row in outwards():
        part = district(seed, column, row)
        drafts: list[Draft] = []
        for block in part.blocks:
            drafts += built(block, seed)
            if made + len(drafts) >= count:
                break
        drafts = drafts[: count - made]
        yield from _numbered(part, drafts, made, seed)
        made += len(drafts)
        if made >= count:
            return


def built(block: Block, seed: int) -> list[Draft]:
    """Return what stands on a block."""
    site = Site(block, chance(seed, "site", block.key))
    _BUILDERS[block.use](site)
    return site.drafts


def alkis_id(number: int) -> str:
    """Return the id of the n-th building, in the form of the cadastre; 99 is no office, so none is a real id.

    Letters count in both cases, so some ids differ in case only.

    Example:
        >>> alkis_id(0), alkis_id(10), alkis_id(36)
        ('DENW99AL00002j00', 'DENW99AL00002j0A', 'DENW99AL00002j0a')
    """
    rest = number + _FIRST_ID
    text = ""
    while rest:
        rest, digit = divmod(rest, 62)
        text = _DIGITS[digit] + text
    return f"DENW99AL{text:0>8}"


def outwards() -> Iterator[tuple[int, int]]:
    """Yield columns and rows of districts by distance from the old town; none lies east of it, where the river is."""
    reach = 1
    done: set[tuple[int, int]] = set()
    while True:
        cells = [(c, r) for c in range(-reach, 1) for r in range(-reach, reach + 1)]
        for cell in sorted(cells, key=lambda cell: (math.hypot(*cell), cell)):
            if cell not in done and math.hypot(*cell) <= reach:
                done.add(cell)
                yield cell
        reach += 1


def _numbered(part: District, drafts: list[Draft], first: int, seed: int) -> Iterator[Building]:
    addresses = _addresses(part.streets, drafts)
    for i, draft in enumerate(drafts):
        number = first + i
        rng = chance(seed, "dates", number)
        surveyed = f"{rng.randint(2014, 2025)}-{rng.randint(1, 12):02}-01"
        yield Building(
            alkis_id(number),
            draft,
            _ground(draft),
            addresses.get(i),
            f"2025-{rng.choice(('03-14', '03-15', '06-30'))}",
            surveyed,
        )


def _ground(draft: Draft) -> float:
    """Return the lowest elevation along the walls, rounded down to a millimetre."""
    rings = [ring for footprint in draft.footprints for ring in (footprint.exterior, *footprint.interiors)]
    points = np.concatenate([shapely.get_coordinates(shapely.segmentize(ring, 1.0)) for ring in rings])
    return math.floor(float(elevation(points[:, 0], points[:, 1]).min()) * 1000 - 1) / 1000


def _addresses(streets: tuple[Street, ...], drafts: list[Draft]) -> dict[int, Address]:
    """Return house numbers for drafts with a door: by the nearest street, odd on its left, even on its right."""
    tree = shapely.STRtree([street.line for street in streets])
    sides: dict[tuple[int, bool], list[tuple[float, int]]] = {}
    for i, draft in enumerate(drafts):
        if draft.door is None:
            continue
        door = ShapelyPoint(draft.door)
        nearest = int(tree.nearest(door))
        line = streets[nearest].line
        at = line.project(door)
        here, ahead = line.interpolate(max(at - 1.0, 0.0)), line.interpolate(min(at + 1.0, line.length))
        cross = (ahead.x - here.x) * (door.y - here.y) - (ahead.y - here.y) * (door.x - here.x)
        sides.setdefault((nearest, cross > 0), []).append((at, i))
    addresses: dict[int, Address] = {}
    used: dict[tuple[str, bool], int] = {}
    for (street, is_left), entries in sides.items():
        name = streets[street].name
        number = used.get((name, is_left), 1 if is_left else 2)
        for _, i in sorted(entries):
            addresses[i] = Address(name, str(number))
            number += 2
        used[name, is_left] = number
    return addresses
