"""What is built on ordinary blocks: houses along the streets, rows, slabs, halls; and what must not overlap."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import shapely
from shapely.geometry import Point as ShapelyPoint
from shapely.geometry import Polygon
from shapely.geometry.polygon import orient

from zwilling.sample import houses
from zwilling.sample.houses import DETACHED_STYLES, Frame, Style
from zwilling.sample.joining import join
from zwilling.sample.model import Draft
from zwilling.sample.plan import Block
from zwilling.sample.solids import GABLE_END, End, Point, RoofType, Solid, prism, strip

HOUSE = "31001_1010"
FLATS = "31001_1000"
SHOP_AND_FLATS = "31001_1123"
GARAGE = "31001_2463"
SHED = "31001_2723"
GARDEN_HOUSE = "31001_1313"
CARPORT = "51009_1610"
WORKSHOP = "31001_2120"
OUTBUILDING = "31001_2112"


@dataclass(slots=True)
class Site:
    """A block while it is being built on: land that is still free, and the drafts so far."""

    block: Block
    rng: random.Random
    drafts: list[Draft] = field(default_factory=list)
    taken: list[Polygon] = field(default_factory=list)

    def is_free(self, outline: Polygon | Sequence[Point], clearance: float = 0.0, setback: float = 0.0) -> bool:
        """Return whether the outline lies in the block, `setback` from its edge and `clearance` from what stands."""
        polygon = outline if isinstance(outline, Polygon) else Polygon(outline)
        land = self.block.polygon if setback <= 0 else self.block.polygon.buffer(-setback, join_style="mitre")
        if not land.buffer(0.02).contains(polygon):
            return False
        zone = polygon.buffer(clearance, join_style="mitre") if clearance else polygon.buffer(-0.02)
        return not any(zone.intersects(other) for other in self.taken)

    def build(self, draft: Draft, *, clearance: float = 0.0) -> bool:
        """Take the draft if its ground is free; return whether it was."""
        footprints = draft.footprints
        if not all(self.is_free(footprint, clearance) for footprint in footprints):
            return False
        self.taken += footprints
        self.drafts.append(draft)
        return True

    def year(self, first: int, last: int) -> int | None:
        """Return a year of construction, or none: the cadastre knows about every second one."""
        year = self.rng.randint(first, last)
        return year if self.rng.random() < 0.5 else None


# ---------------------------------------------------------------- frontages


@dataclass(frozen=True, slots=True)
class Frontage:
    """One straight building line of a block, the block to its left."""

    frame: Frame
    length: float


def frontages(polygon: Polygon, shortest: float) -> list[Frontage]:
    """Return the straight edges of a block that are long enough to build along, the longest first."""
    ring = list(polygon.exterior.coords)
    found = []
    for a, b in itertools.pairwise(ring):
        length = math.dist(a, b)
        if length >= shortest:
            along = ((b[0] - a[0]) / length, (b[1] - a[1]) / length)
            found.append(Frontage(Frame((a[0], a[1]), along, (-along[1], along[0])), length))
    return sorted(found, key=lambda frontage: -frontage.length)


def _split(rng: random.Random, length: float, low: float, high: float) -> list[float]:
    """Return widths between about `low` and `high` that fill the length."""
    count = max(1, round(length / ((low + high) / 2)))
    shares = [rng.uniform(low, high) for _ in range(count)]
    total = sum(shares)
    return [share * length / total for share in shares]


# ---------------------------------------------------------------- closed blocks


@dataclass(frozen=True, slots=True)
class _Closed:
    """How a closed block is built: depth of the houses, widths, storeys, pitch, share of mansard roofs, years."""

    depth: float
    low: float
    high: float
    storeys: tuple[int, ...]
    storey: float
    pitch: tuple[float, float]
    mansard: float
    flat: float
    shops: float
    years: tuple[int, int]


_OLD = _Closed(9.5, 6.2, 10.5, (2, 2, 3, 3), 2.75, (44, 52), 0.05, 0.0, 0.45, (1650, 1900))
_1900 = _Closed(12.0, 10.5, 16.0, (3, 3, 4, 4, 4), 3.35, (36, 42), 0.3, 0.06, 0.25, (1880, 1914))


def old_town(site: Site) -> None:
    """Fill a block of the old town: narrow houses wall to wall around small yards."""
    _closed(site, _OLD)
    _yard(site, _OLD, (4.0, 6.5), (SHED, WORKSHOP, GARAGE), clearance=1.2, tries=14)


def perimeter(site: Site) -> None:
    """Fill a block of about 1900: houses of several storeys around a courtyard with workshops and garages."""
    _closed(site, _1900)
    _yard(site, _1900, (5.5, 11.0), (WORKSHOP, GARAGE, GARAGE, OUTBUILDING), clearance=3.0, tries=16)


def _closed(site: Site, style: _Closed) -> None:
    polygon = site.block.polygon
    core = polygon.buffer(-style.depth, join_style="mitre")
    if core.is_empty or core.area < 90.0 or core.geom_type != "Polygon":
        _shallow(site, style)
        return
    ring = [(x, y) for x, y in polygon.exterior.coords[:-1]]
    count = len(ring)
    angles = [_interior_angle(ring[i - 1], ring[i], ring[(i + 1) % count]) for i in range(count)]
    lengths = [math.dist(ring[i], ring[(i + 1) % count]) for i in range(count)]
    arms = [0.0] * count
    for i, angle in enumerate(angles):
        if 50.0 < angle < 148.0:
            reach = style.depth / math.tan(math.radians(angle) / 2) + site.rng.uniform(1.5, 4.0)
            if reach < lengths[i] * 0.5 and reach < lengths[i - 1] * 0.5:
                arms[i] = reach
    for i in range(count):
        if arms[i]:
            _corner(site, style, ring[i - 1], ring[i], ring[(i + 1) % count], arms[i])
    for i in range(count):
        k = (i + 1) % count
        a, b = ring[i], ring[k]
        along = ((b[0] - a[0]) / lengths[i], (b[1] - a[1]) / lengths[i])
        frame = Frame(a, along, (-along[1], along[0]))
        room = lengths[i] - arms[i] - arms[k]
        if room < 5.0:
            continue
        start_across = None if arms[i] else _mitre(ring[i - 1], a, b, angles[i])
        end_across = None if arms[k] else _mitre(a, b, ring[(k + 1) % count], angles[k])
        widths = _split(site.rng, room, style.low, style.high)
        u = arms[i]
        for n, width in enumerate(widths):
            _townhouse(
                site,
                style,
                frame.moved(u, 0.0),
                width,
                start_across if n == 0 else None,
                end_across if n == len(widths) - 1 else None,
            )
            u += width


def _interior_angle(a: Point, b: Point, c: Point) -> float:
    first = math.atan2(a[1] - b[1], a[0] - b[0])
    second = math.atan2(c[1] - b[1], c[0] - b[0])
    return math.degrees((first - second) % (2 * math.pi))


def _mitre(a: Point, b: Point, c: Point, angle: float) -> Point | None:
    """Return the direction of the party wall at a bend of the building line, if the bend is slight."""
    if not 148.0 <= angle <= 214.0:
        return None
    first, second = math.dist(a, b), math.dist(b, c)
    nx = (a[1] - b[1]) / first + (b[1] - c[1]) / second
    ny = (b[0] - a[0]) / first + (c[0] - b[0]) / second
    return nx, ny


def _heights(site: Site, style: _Closed) -> tuple[int, float, float]:
    storeys = site.rng.choice(style.storeys)
    eave = storeys * style.storey + site.rng.uniform(0.3, 1.1)
    return storeys, eave, site.rng.uniform(*style.pitch)


def _corner(site: Site, style: _Closed, a: Point, b: Point, c: Point, arm: float) -> None:
    """Build the house on a street corner: hip outside, valley towards the yard."""
    storeys, eave, pitch = _heights(site, style)
    p, q = _towards(b, a, arm), _towards(b, c, arm)
    depth = style.depth
    rng = site.rng
    if rng.random() < style.mansard:
        profile, roof = houses.mansard_profile(depth, eave), RoofType.MANSARD
    else:
        profile, roof = houses.gable_profile(depth, eave, pitch), RoofType.GABLE
    solid = strip((p, b, q), profile, roof)
    site.build(_dwelling(site, style, (solid,), b, storeys, shop=0.8))


def _towards(a: Point, b: Point, distance: float) -> Point:
    share = distance / math.dist(a, b)
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def _townhouse(
    site: Site, style: _Closed, frame: Frame, width: float, start_across: Point | None, end_across: Point | None
) -> None:
    storeys, eave, pitch = _heights(site, style)
    rng = site.rng
    depth = style.depth + (0.0 if start_across or end_across else rng.uniform(-0.9, 1.4))
    chance = rng.random()
    if chance < style.mansard:
        profile, roof = houses.mansard_profile(depth, eave), RoofType.MANSARD
    elif chance < style.mansard + style.flat:
        profile, roof = ((0.0, eave), (depth, eave)), RoofType.FLAT
    else:
        profile, roof = houses.gable_profile(depth, eave, pitch), RoofType.GABLE
    if style is _OLD and width < 8.0 and not start_across and not end_across and rng.random() < 0.28:
        main = houses.gable_to_street(frame, width, depth, eave, rng.uniform(48, 55), GABLE_END)
    else:
        main = houses.along_street(frame, width, profile, roof, start_across=start_across, end_across=end_across)
    parts: tuple[Solid, ...] = (main,)
    if width > 9.0 and rng.random() < 0.35 and not start_across and not end_across:
        parts = _side_wing(rng, frame, main, width, depth, eave)
        if all(site.is_free(part.footprint) for part in parts):
            site.build(_dwelling(site, style, parts, frame.at(width / 2, 0.0), storeys, shop=style.shops))
            return
    site.build(_dwelling(site, style, (main,), frame.at(width / 2, 0.0), storeys, shop=style.shops))


def _side_wing(
    rng: random.Random, frame: Frame, main: Solid, width: float, depth: float, eave: float
) -> tuple[Solid, ...]:
    """Return the house with a wing into the yard along one party wall, its pent roof falling to the yard."""
    wide, deep = rng.uniform(3.8, 5.2), rng.uniform(4.0, 9.0)
    top = eave - rng.uniform(0.4, 3.2)
    part = frame.moved(0.0, depth) if rng.random() < 0.5 else frame.moved(width - wide, depth)
    high_first = part.origin == frame.at(0.0, depth)
    # The wing's line runs into the yard, so the left of its profile points against the street's direction.
    profile = ((-wide, top - 1.4), (0.0, top)) if high_first else ((-wide, top), (0.0, top - 1.4))
    wing = strip((part.at(0.0, 0.0), part.at(0.0, deep)), profile, RoofType.PENT)
    return join((main, wing))


def _dwelling(site: Site, style: _Closed, parts: tuple[Solid, ...], door: Point, storeys: int, shop: float) -> Draft:
    function = SHOP_AND_FLATS if site.rng.random() < shop else FLATS if storeys > 2 else HOUSE
    return Draft(parts, function, site.year(*style.years), storeys if site.rng.random() < 0.6 else None, door=door)


def _shallow(site: Site, style: _Closed) -> None:
    """Build on a block too shallow for a yard: houses along one side after the other, as far as there is room."""
    thin = replace(style, depth=min(style.depth, 8.5))
    for frontage in frontages(site.block.polygon, 6.0):
        widths = _split(site.rng, frontage.length, style.low, style.high)
        u = 0.0
        for width in widths:
            _townhouse(site, thin, frontage.frame.moved(u, 0.0), width, None, None)
            u += width


def _yard(
    site: Site, style: _Closed, sizes: tuple[float, float], uses: Sequence[str], clearance: float, tries: int
) -> None:
    """Put low buildings into the yard: along the backs of the plots, with flat or pent roofs."""
    yard = site.block.polygon.buffer(-style.depth - 3.0, join_style="mitre")
    rng = site.rng
    for piece in shapely.get_parts(yard):
        lines = frontages(orient(Polygon(piece.exterior)), 6.0)
        for _ in range(tries if lines else 0):
            line = rng.choice(lines)
            use = rng.choice(tuple(uses))
            deep = rng.uniform(*sizes)
            width = deep * rng.uniform(1.0, 1.9) if use != GARAGE else 3.0 * rng.randint(2, 6)
            deep = 5.8 if use == GARAGE else deep
            if width > line.length:
                continue
            frame = line.frame.moved(rng.uniform(0, line.length - width), rng.uniform(0.5, 9.0))
            high = 2.6 if use == GARAGE else rng.uniform(3.0, 5.4)
            if use == GARAGE:
                _garage_court(site, frame, width, clearance)
            elif rng.random() < 0.5:
                solid = houses.along_street(frame, width, houses.pent_profile(deep, high + 1.0, high), RoofType.PENT)
                site.build(Draft((solid,), use), clearance=clearance)
            else:
                solid = prism(frame.rectangle(0, 0, width, deep), high, RoofType.FLAT)
                site.build(Draft((solid,), use), clearance=clearance)


def _garage_court(site: Site, frame: Frame, width: float, clearance: float) -> None:
    """Build a row of garages wall to wall, each a building of its own."""
    count = round(width / 3.0)
    if not site.is_free(frame.rectangle(0, 0, count * 3.0, 5.8), clearance):
        return
    for i in range(count):
        solid = prism(frame.rectangle(i * 3.0, 0, (i + 1) * 3.0, 5.8), 2.5, RoofType.FLAT)
        site.build(Draft((solid,), GARAGE, is_surveyed=i % 3 != 0))


# ---------------------------------------------------------------- open blocks


def gardens(site: Site) -> None:
    """Fill a block with detached and semi-detached houses, garages beside them and sheds in the gardens."""
    rng = site.rng
    style = rng.choice(DETACHED_STYLES)
    setback = rng.uniform(4.0, 6.0)
    for frontage in frontages(site.block.polygon, 15.0):
        u = 0.0
        for plot in _split(rng, frontage.length, 16.0, 21.0):
            _plot(site, style, frontage.frame.moved(u, setback + rng.choice((0.0, 0.0, 0.0, 0.8, 1.6))), plot)
            u += plot


def _plot(site: Site, style: Style, frame: Frame, plot: float) -> None:
    rng = site.rng
    if plot > 17.5 and rng.random() < 0.18:
        _semi_detached(site, style, frame, plot)
        return
    garage = rng.random() < 0.72 and plot > 15.5
    width = min(rng.uniform(9.2, 13.0), plot - (6.2 if garage else 5.0))
    depth = rng.uniform(8.6, 10.8)
    side = rng.choice((0, 1))
    u = 2.9 if side else plot - 2.9 - width
    parts = houses.detached(rng, frame.moved(u, 0.0), width, depth, style)
    door = frame.at(plot / 2, 0.0)
    draft = Draft(parts, HOUSE, site.year(*style.years), style.storeys if rng.random() < 0.5 else None, door=door)
    for back in (0.0, 2.0, 4.5):
        if back:
            parts = houses.detached(rng, frame.moved(u, back), width, depth, style)
            draft = replace(draft, parts=parts)
        if site.build(draft, clearance=2.6):
            break
    else:
        return
    if garage:
        edge = plot - 3.05 if side else 0.05
        _garage(site, frame.moved(edge, rng.choice((0.0, 1.5, 4.0))), rng)
    if rng.random() < 0.55:
        wide = rng.uniform(2.2, 3.8)
        shed = frame.moved(rng.uniform(0.8, plot - wide - 0.8), rng.uniform(depth + 8.0, depth + 15.0))
        _shed(site, shed, wide, rng)


def _garage(site: Site, frame: Frame, rng: random.Random) -> None:
    if rng.random() < 0.16:
        solid = prism(frame.rectangle(0, 0, 3.0, 5.4), 2.4, RoofType.FLAT)
        site.build(Draft((solid,), CARPORT, is_surveyed=False))
    elif rng.random() < 0.2:
        solid = houses.gable_to_street(frame, 3.0, 6.4, 2.4, 35, GABLE_END)
        site.build(Draft((solid,), GARAGE))
    else:
        solid = prism(
            frame.rectangle(0, 0, 3.0, rng.choice((6.0, 6.0, 8.5))), rng.choice((2.5, 2.6, 2.75)), RoofType.FLAT
        )
        site.build(Draft((solid,), GARAGE, is_surveyed=rng.random() < 0.9))


def _shed(site: Site, frame: Frame, width: float, rng: random.Random) -> None:
    depth = rng.uniform(2.0, 3.2)
    kind = rng.random()
    if kind < 0.45:
        solid = houses.along_street(frame, width, houses.pent_profile(depth, 2.4, 2.0), RoofType.PENT)
    elif kind < 0.75:
        solid = houses.along_street(frame, width, houses.gable_profile(depth, 2.0, 28), RoofType.GABLE)
    else:
        solid = prism(frame.rectangle(0, 0, width, depth), 2.2, RoofType.FLAT)
    site.build(Draft((solid,), rng.choice((SHED, GARDEN_HOUSE)), is_surveyed=False), clearance=1.0)


def _semi_detached(site: Site, style: Style, frame: Frame, plot: float) -> None:
    rng = site.rng
    width, depth = min(7.0, plot / 2 - 3.2), rng.uniform(9.5, 11.0)
    profile = houses.gable_profile(depth, style.eave + 0.8, max(style.pitch_deg, 32))
    first = plot / 2 - width
    if not site.is_free(frame.rectangle(first, 0, first + 2 * width, depth), 2.6):
        return
    hip = End(depth * 0.3) if rng.random() < 0.3 else GABLE_END
    for i in range(2):
        solid = houses.along_street(
            frame.moved(first + i * width, 0.0), width, profile, RoofType.HIP if hip.inset else RoofType.GABLE,
            start=hip if i == 0 else GABLE_END, end=hip if i == 1 else GABLE_END,
        )  # fmt: skip
        year = site.year(*style.years)
        site.build(Draft((solid,), HOUSE, year, 2, door=frame.at(first + (i + 0.5) * width, 0.0)))
    for edge in (0.05, plot - 3.05):
        if rng.random() < 0.7:
            _garage(site, frame.moved(edge, 3.0), rng)


def terraces(site: Site) -> None:
    """Fill a block with terraced houses: groups of four to eight, gardens behind, garages at the ends."""
    rng = site.rng
    depth, eave, pitch = rng.uniform(9.6, 10.8), rng.uniform(5.4, 6.0), rng.uniform(30, 38)
    flat = rng.random() < 0.12
    setback = rng.uniform(3.5, 5.0)
    width = rng.uniform(5.7, 6.6)
    for frontage in frontages(site.block.polygon, 24.0):
        room = frontage.length - 8.0
        u = 4.0
        while room >= 3 * width:
            count = min(int(room / width), rng.choice((4, 5, 6, 7, 8)))
            for i in range(count):
                frame = frontage.frame.moved(u + i * width, setback)
                if not site.is_free(frame.rectangle(0, -1, width, depth + 6)):
                    continue
                if flat:
                    solid = prism(frame.rectangle(0, 0, width, depth), 6.2, RoofType.FLAT)
                else:
                    solid = houses.along_street(frame, width, houses.gable_profile(depth, eave, pitch), RoofType.GABLE)
                door = frame.at(width / 2, 0.0)
                site.build(Draft((solid,), HOUSE, site.year(1952, 1979), 2, door=door))
                if rng.random() < 0.4:
                    _shed(site, frame.moved(0.6, depth + 9.0 + rng.uniform(0, 4)), 2.6, rng)
            used = count * width
            if room - used > 14.0:
                for i in range(2):
                    _garage(site, frontage.frame.moved(u + used + 2.5 + i * 3.0, setback + 1.0), rng)
            u += used + 11.0
            room -= used + 11.0


def rows(site: Site) -> None:
    """Fill a block with rows of flats: parallel bars in a green, one building for each staircase."""
    rng = site.rng
    land = site.block.polygon.buffer(-6.0, join_style="mitre")
    depth, eave = rng.uniform(10.0, 11.0), rng.choice((3, 3, 4)) * 2.85 + 0.9
    lines = frontages(site.block.polygon, 20.0)
    if not lines or land.is_empty:
        return
    turn = math.radians(rng.choice((90.0, 90.0, 78.0)))
    base = lines[0].frame.along
    along = (base[0] * math.cos(turn) - base[1] * math.sin(turn), base[0] * math.sin(turn) + base[1] * math.cos(turn))
    _bars(site, land, along, depth, 24.0 + rng.uniform(0, 4), eave, rng.uniform(26, 33))


def _bars(site: Site, land: Polygon, along: Point, depth: float, spacing: float, eave: float, pitch: float) -> None:
    rng = site.rng
    inward = (-along[1], along[0])
    middle = (site.block.polygon.centroid.x, site.block.polygon.centroid.y)
    reach = math.sqrt(site.block.polygon.area) * 2
    steps = int(reach / spacing)
    for step in range(-steps, steps + 1):
        frame = Frame(middle, along, inward).moved(-reach, step * spacing)
        front = shapely.LineString([frame.at(0, 0), frame.at(2 * reach, 0)])
        back = shapely.LineString([frame.at(0, depth), frame.at(2 * reach, depth)])
        spans = []
        for line in (front, back):
            cut = land.intersection(line)
            pieces = [p for p in shapely.get_parts(cut) if p.geom_type == "LineString" and not p.is_empty]
            if not pieces:
                break
            piece = max(pieces, key=lambda p: p.length)
            spans.append(sorted(front.project(ShapelyPoint(c)) for c in (piece.coords[0], piece.coords[-1])))
        if len(spans) < 2:
            continue
        first, last = max(s[0] for s in spans), min(s[1] for s in spans)
        while last - first > 26.0:
            entry = rng.uniform(14.5, 17.0)
            count = min(int((last - first) / entry), rng.choice((3, 3, 4)))
            row_eave = eave + rng.choice((0.0, 0.0, 2.85))
            for i in range(count):
                place = frame.moved(first + i * entry, 0.0)
                solid = houses.along_street(place, entry, houses.gable_profile(depth, row_eave, pitch), RoofType.GABLE)
                door = place.at(entry / 2, 0.0)
                site.build(Draft((solid,), FLATS, site.year(1951, 1968), round(row_eave / 2.85), door=door))
            if last - first - count * entry > 10.0 and rng.random() < 0.8:
                _garage_court(site, frame.moved(first + count * entry + 4.0, 2.0), 12.0, 2.0)
            first += count * entry + 22.0


def slabs(site: Site) -> None:
    """Fill a block with multi-storey slabs and a tower, flat-roofed, with a low entrance part."""
    rng = site.rng
    lines = frontages(site.block.polygon, 40.0)
    if not lines:
        return
    for line in lines:
        u = 9.0
        while u + 26.0 < line.length:
            length = min(rng.uniform(30.0, 48.0), line.length - u - 9.0)
            if length < 18.0:
                break
            storeys = rng.choice((5, 6, 8, 8, 11))
            depth, height = 12.5, storeys * 2.8 + 0.9
            frame = line.frame.moved(u, rng.choice((9.0, 14.0)))
            slab = prism(frame.rectangle(0, 0, length, depth), height, RoofType.FLAT)
            entrance = prism(frame.moved(length * 0.4, -3.5).rectangle(0, 0, 6.0, 3.5), 3.2, RoofType.FLAT)
            draft = Draft(
                join((slab, entrance)), FLATS, site.year(1966, 1979), storeys, door=frame.at(length * 0.45, -3.5)
            )
            site.build(draft, clearance=9.0)
            u += length + rng.uniform(20.0, 30.0)
    _yard(site, _1900, (5.5, 7.0), (GARAGE,), clearance=4.0, tries=8)


def commerce(site: Site) -> None:
    """Fill a block with halls: shed roofs, arched roofs, large flat roofs with an office in front."""
    rng = site.rng
    for line in frontages(site.block.polygon, 30.0):
        u = 7.0
        while u + 24.0 < line.length:
            width = min(rng.uniform(28.0, 62.0), line.length - u - 7.0)
            if width < 18.0:
                break
            for share in (1.0, 0.7, 0.45):
                if _hall(site, line.frame.moved(u, rng.uniform(10.0, 16.0)), width, rng.uniform(30.0, 58.0) * share):
                    break
            u += width + rng.uniform(9.0, 16.0)


def _hall(site: Site, frame: Frame, width: float, depth: float) -> bool:
    rng = site.rng
    if width > 38.0 and depth > 36.0 and rng.random() < 0.3:
        return _offices(site, frame, width, min(depth, 46.0))
    eave = rng.uniform(5.5, 8.5)
    kind = rng.choice(("flat", "flat", "shed", "barrel", "gable"))
    if kind == "shed":
        hall = houses.along_street(frame, width, houses.shed_profile(depth, eave, 9.0, 2.6), RoofType.SHED)
    elif kind == "barrel":
        hall = houses.along_street(frame, width, houses.barrel_profile(depth, eave, depth * 0.12), RoofType.BARREL)
    elif kind == "gable":
        hall = houses.along_street(frame, width, houses.gable_profile(depth, eave, 12), RoofType.GABLE)
    else:
        hall = prism(frame.rectangle(0, 0, width, depth), eave, RoofType.FLAT)
    parts: tuple[Solid, ...] = (hall,)
    if rng.random() < 0.6:
        office = frame.moved(width * 0.1, -7.0)
        parts = join((hall, prism(office.rectangle(0, 0, width * 0.35, 7.0), min(eave - 0.6, 6.4), RoofType.FLAT)))
    use = rng.choice(("31001_2100", "31001_2143", "31001_2112", "31001_2010"))
    return site.build(Draft(parts, use, site.year(1955, 2015), door=frame.at(width * 0.2, 0.0)), clearance=5.0)


def _offices(site: Site, frame: Frame, width: float, depth: float) -> bool:
    """Build offices of four storeys around a courtyard."""
    wing = 13.0
    court = [frame.at(wing, wing), frame.at(wing, depth - wing), frame.at(width - wing, depth - wing),
             frame.at(width - wing, wing)]  # fmt: skip
    solid = prism(frame.rectangle(0, 0, width, depth), 14.2, RoofType.FLAT, (court,))
    draft = Draft((solid,), "31001_2020", site.year(1985, 2020), 4, door=frame.at(width / 2, 0.0))
    return site.build(draft, clearance=5.0)
