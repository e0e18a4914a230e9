"""The town plan: streets, stream, railway, parks, and the blocks between them with their land use."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import shapely
from shapely.geometry import LineString, Polygon
from shapely.geometry import Point as ShapelyPoint
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient

from zwilling.sample import names
from zwilling.sample.chance import chance
from zwilling.sample.solids import Point
from zwilling.sample.terrain import CENTRE_E, CENTRE_N

CELL = 1320.0
"""Side of a district, metres.  The town grows district by district."""


class LandUse(StrEnum):
    """What a block is for; it decides how streets divide it and what is built on it."""

    OLD_TOWN = "old town"
    PERIMETER = "perimeter blocks of about 1900"
    TERRACES = "terraced houses with gardens"
    ROWS = "rows of flats of the 1950s and 60s"
    DETACHED = "houses with gardens"
    SLABS = "multi-storey slabs of the 1970s"
    COMMERCE = "halls and shops"
    CHURCH = "church and churchyard"
    TOWN_HALL = "town hall on the market square"
    SCHOOL = "school with gym"
    KINDERGARTEN = "day-care centre"
    STATION = "railway station"
    CARE_HOME = "home for the elderly"
    FIRE_STATION = "fire station"
    SUPERMARKET = "supermarket with car park"
    PARK = "park, allotments, sports ground"


@dataclass(frozen=True, slots=True)
class Street:
    """A street between two building lines.

    Attributes:
        name: as on the sign.
        line: centre line, EPSG:25832.
        width: metres from building line to building line.
    """

    name: str
    line: LineString
    width: float


@dataclass(frozen=True, slots=True)
class Block:
    """Land between streets, counter-clockwise, in one use.  `key` is the same in every run."""

    key: str
    polygon: Polygon
    use: LandUse


@dataclass(frozen=True, slots=True)
class District:
    """One cell of the town.

    Attributes:
        key: column and row, the old town's being 0/0.
        centre: where its life is.
        outline: its land, to the middle of the roads around it.
        streets: all that touch its blocks.
        blocks: by growing distance from the centre.
        water: stream with banks.
        railway: track with embankment.
        courses: centre lines of stream and railway, in this order, where there are any.
    """

    key: str
    centre: Point
    outline: Polygon
    streets: tuple[Street, ...]
    blocks: tuple[Block, ...]
    water: tuple[Polygon, ...] = ()
    railway: tuple[Polygon, ...] = ()
    courses: tuple[LineString, ...] = ()


@dataclass(frozen=True, slots=True)
class _Grain:
    """How finely streets divide land: the longest and deepest block, the width of new streets, their bend."""

    long: float
    deep: float
    width: float
    bend: float


_GRAIN = {
    LandUse.OLD_TOWN: _Grain(92, 66, 6.0, 0.05),
    LandUse.PERIMETER: _Grain(128, 96, 15.0, 0.0),
    LandUse.TERRACES: _Grain(150, 74, 9.0, 0.02),
    LandUse.ROWS: _Grain(190, 125, 11.0, 0.02),
    LandUse.DETACHED: _Grain(165, 78, 9.0, 0.05),
    LandUse.SLABS: _Grain(230, 150, 12.0, 0.0),
    LandUse.COMMERCE: _Grain(260, 150, 14.0, 0.0),
}
_WHOLE = _Grain(math.inf, math.inf, 10.0, 0.0)

# The old town's main streets, drawn by hand; metres from the centre.  (name, width, is a ring, points)
_MAIN: tuple[tuple[str, float, bool, tuple[Point, ...]], ...] = (
    ("Lindenwall", 22.0, True, ((-196, -40), (-172, -128), (-92, -182), (12, -190), (112, -164), (178, -92),
                               (196, 8), (166, 104), (88, 164), (-16, 176), (-118, 150), (-182, 66))),
    ("Markttorstraße", 13.0, False, ((-196, -30), (-120, -34), (-52, -22), (6, -30))),
    ("Tuchmacherstraße", 13.0, False, ((6, -30), (78, -36), (138, -16), (196, 0))),
    ("Stiftsstraße", 11.0, False, ((-8, 176), (-22, 104), (-34, 52), (-52, -22))),
    ("Haferstraße", 10.0, False, ((6, -30), (16, -96), (8, -190))),
    ("Pfauengasse", 9.0, False, ((78, -36), (84, 40), (56, 92), (-22, 104))),
    ("Xantener Straße", 20.0, False, ((-196, -30), (-330, -62), (-480, -72), (-700, -20))),
    ("Fährstraße", 20.0, False, ((196, 0), (300, 22), (450, 16), (700, 24))),
    ("Bahnhofstraße", 20.0, False, ((-8, 176), (-16, 270), (-40, 376), (-46, 424))),
    ("Nettetaler Straße", 18.0, False, ((8, -190), (22, -300), (-6, -440), (10, -700))),
    ("Güterstraße", 15.0, False, ((-700, 330), (-520, 350), (-300, 372), (-40, 376), (220, 342), (440, 300),
                                (700, 310))),
    ("Mühlbachstraße", 14.0, False, ((-480, -72), (-440, -210), (-330, -330), (-6, -440), (200, -430), (420, -350),
                                   (520, -190), (450, 16))),
    ("Gerberring", 16.0, False, ((-480, -72), (-470, 120), (-440, 250), (-400, 362))),
    ("Deichring", 16.0, False, ((450, 16), (452, 160), (440, 300))),
    ("Ackerring", 15.0, False, ((-700, -470), (-440, -560), (-180, -580), (2, -570), (260, -590), (500, -520),
                               (700, -470))),
)  # fmt: skip
_STREAM: tuple[Point, ...] = (
    (-720, -330), (-560, -262), (-395, -268), (-290, -236), (-160, -262), (-40, -262), (90, -252), (205, -205),
    (278, -110), (330, -60), (372, 60), (352, 170), (392, 250), (470, 372), (520, 470), (640, 560), (720, 640),
)  # fmt: skip
_RAILWAY: tuple[Point, ...] = ((-740, 452), (-420, 472), (-46, 470), (320, 448), (740, 400))

# Land use by the nearest of these points; a site of its own takes the block in which it lies.
_USES: tuple[tuple[float, float, LandUse], ...] = (
    (0, 0, LandUse.OLD_TOWN), (-100, -90, LandUse.OLD_TOWN), (90, -90, LandUse.OLD_TOWN), (90, 80, LandUse.OLD_TOWN),
    (-100, 70, LandUse.OLD_TOWN), (0, 120, LandUse.OLD_TOWN), (0, -130, LandUse.OLD_TOWN),
    (-300, 60, LandUse.PERIMETER), (-120, 270, LandUse.PERIMETER), (110, 260, LandUse.PERIMETER),
    (-300, 250, LandUse.DETACHED), (275, 110, LandUse.PERIMETER), (-300, -150, LandUse.DETACHED),
    (260, 240, LandUse.TERRACES), (120, -215, LandUse.PERIMETER), (-120, -215, LandUse.PERIMETER),
    (-150, -350, LandUse.ROWS), (120, -350, LandUse.TERRACES), (330, -300, LandUse.DETACHED),
    (400, -100, LandUse.ROWS), (420, 110, LandUse.SLABS),
    (-560, 40, LandUse.TERRACES), (-560, 200, LandUse.DETACHED), (-560, -180, LandUse.TERRACES),
    (-560, -400, LandUse.DETACHED), (-300, -470, LandUse.DETACHED), (-100, -510, LandUse.DETACHED),
    (120, -510, LandUse.DETACHED), (330, -480, LandUse.DETACHED), (560, -400, LandUse.DETACHED),
    (570, -100, LandUse.DETACHED), (580, 150, LandUse.SLABS), (560, 380, LandUse.DETACHED),
    (-500, 410, LandUse.COMMERCE), (-200, 412, LandUse.COMMERCE), (150, 400, LandUse.DETACHED),
    (-400, 570, LandUse.COMMERCE), (-100, 580, LandUse.COMMERCE), (200, 560, LandUse.TERRACES),
    (400, 580, LandUse.DETACHED), (-400, -620, LandUse.DETACHED), (0, -630, LandUse.DETACHED),
    (400, -620, LandUse.DETACHED),
)  # fmt: skip
_SITES: tuple[tuple[float, float, LandUse], ...] = (
    (30, 40, LandUse.CHURCH), (-90, 40, LandUse.TOWN_HALL), (-240, 90, LandUse.SCHOOL),
    (-110, -310, LandUse.KINDERGARTEN), (-46, 445, LandUse.STATION), (130, -330, LandUse.CARE_HOME),
    (470, 90, LandUse.SUPERMARKET), (-400, 190, LandUse.FIRE_STATION), (250, 60, LandUse.SCHOOL),
)  # fmt: skip


def district(seed: int, column: int, row: int) -> District:
    """Return one cell of the town; 0/0 is the old town with what grew around it, the others are later districts."""
    rng = chance(seed, "plan", column, row)
    return _old_district(seed, rng) if column == row == 0 else _new_district(seed, rng, column, row)


def _spline(points: Sequence[Point], *, is_ring: bool = False, step: int = 6) -> list[Point]:
    """Return the Catmull-Rom curve through the points, `step` pieces between two."""
    count = len(points)
    curve: list[Point] = []
    for i in range(count if is_ring else count - 1):
        if is_ring:
            p0, p1, p2, p3 = (points[(i + k) % count] for k in (-1, 0, 1, 2))
        else:
            p0, p1, p2, p3 = points[max(i - 1, 0)], points[i], points[i + 1], points[min(i + 2, count - 1)]
        for k in range(step):
            t = k / step
            curve.append(
                (
                    _cubic(p0[0], p1[0], p2[0], p3[0], t),
                    _cubic(p0[1], p1[1], p2[1], p3[1], t),
                )
            )
    curve.append(points[0] if is_ring else points[-1])
    return curve


def _cubic(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t**3)


def _node(seed: int, column: int, row: int) -> Point:
    """Return a crossing of the roads between districts."""
    rng = chance(seed, "node", column, row)
    x = CENTRE_E + (column - 0.5) * CELL + rng.uniform(-45, 45)
    y = CENTRE_N + (row - 0.5) * CELL + rng.uniform(-45, 45)
    return x, y


_TOWNS = ("Rheydter", "Emmericher", "Rheiner", "Wachtendonker", "Jülicher", "Dürener", "Aachener", "Viersener",
          "Kempener", "Venloer", "Solinger", "Erkelenzer")  # fmt: skip


def _edge(seed: int, column: int, row: int, *, is_north: bool) -> tuple[list[Point], str]:
    """Return the road from a crossing to the next one east or north, and its name."""
    rng = chance(seed, "edge", column, row, is_north)
    a = _node(seed, column, row)
    c = _node(seed, column + (not is_north), row + is_north)
    # The middle is fixed, so that the main streets of both districts meet on it.
    x, y = CENTRE_E + column * CELL, CENTRE_N + row * CELL
    b = (x - CELL / 2, y + rng.uniform(-20, 20)) if is_north else (x + rng.uniform(-20, 20), y - CELL / 2)
    name = f"{rng.choice(_TOWNS)} {rng.choice(('Straße', 'Landstraße', 'Chaussee'))}"
    return _spline((a, b, c)), name


def _cell(seed: int, column: int, row: int) -> tuple[Polygon, list[Street]]:
    """Return the outline of a district and the roads along it."""
    south, south_name = _edge(seed, column, row, is_north=False)
    east, east_name = _edge(seed, column + 1, row, is_north=True)
    north, north_name = _edge(seed, column, row + 1, is_north=False)
    west, west_name = _edge(seed, column, row, is_north=True)
    outline = Polygon([*south, *east[1:], *reversed(north[:-1]), *reversed(west[1:-1])])
    roads = zip((south_name, east_name, north_name, west_name), (south, east, north, west), strict=True)
    return outline, [Street(name, LineString(line), 18.0) for name, line in roads]


def _old_district(seed: int, rng: random.Random) -> District:
    outline, streets = _cell(seed, 0, 0)
    for name, width, is_ring, points in _MAIN:
        line = LineString(_move(_spline(points, is_ring=is_ring)))
        streets.append(Street(name, line if is_ring else _inside(line, outline), width))
    stream = _inside(LineString(_move(_spline(_STREAM))), outline)
    track = _inside(LineString(_move(_spline(_RAILWAY))), outline)
    meadow = stream.buffer(19.0, cap_style="flat")
    embankment = track.buffer(11.0, cap_style="flat")
    sites = [((CENTRE_E + x, CENTRE_N + y), use) for x, y, use in _SITES]
    zones = [((CENTRE_E + x, CENTRE_N + y), use) for x, y, use in _USES]
    land = _between(outline, streets).difference(shapely.union_all([meadow, embankment]))
    part = _divide("0/0", (CENTRE_E, CENTRE_N), outline, rng, land, streets, zones, sites, 0)
    return replace(part, water=(meadow,), railway=(embankment,), courses=(stream, track))


def _new_district(seed: int, rng: random.Random, column: int, row: int) -> District:
    outline, streets = _cell(seed, column, row)
    x, y = CENTRE_E + column * CELL, CENTRE_N + row * CELL
    centre = (x + rng.uniform(-60, 60), y + rng.uniform(-60, 60))
    ends = []
    for c, r, is_north in (
        (column, row, False),
        (column + 1, row, True),
        (column, row + 1, False),
        (column, row, True),
    ):
        line, _ = _edge(seed, c, r, is_north=is_north)
        ends.append(line[len(line) // 2])
    pool = names.town(rng)
    for end in ends:
        bend = rng.uniform(-40, 40)
        mid = ((end[0] + centre[0]) / 2 + (end[1] - centre[1]) * bend / CELL,
               (end[1] + centre[1]) / 2 - (end[0] - centre[0]) * bend / CELL)  # fmt: skip
        streets.append(Street(next(pool), LineString(_spline((end, mid, centre))), 17.0))
    ring: list[Point] = []
    for i in range(9):
        angle, radius = 2 * math.pi * i / 9, rng.uniform(300, 370)
        ring.append((centre[0] + radius * math.cos(angle), centre[1] + radius * math.sin(angle)))
    streets.append(Street(next(pool), LineString(_spline(ring, is_ring=True)), 15.0))
    mix = [LandUse.TERRACES, LandUse.ROWS, LandUse.DETACHED, LandUse.DETACHED, LandUse.DETACHED, LandUse.SLABS,
           LandUse.COMMERCE, LandUse.TERRACES]  # fmt: skip
    zones = [(centre, LandUse.PERIMETER)]
    for i in range(16):
        angle, radius = 2 * math.pi * (i + rng.random()) / 16, rng.uniform(240, 560)
        zones.append(((centre[0] + radius * math.cos(angle), centre[1] + radius * math.sin(angle)), rng.choice(mix)))
    sites = []
    for radius, use in ((60, LandUse.CHURCH), (180, LandUse.SCHOOL), (260, LandUse.KINDERGARTEN),
                        (380, LandUse.SUPERMARKET), (330, LandUse.PARK)):  # fmt: skip
        angle = rng.uniform(0, 2 * math.pi)
        sites.append(((centre[0] + radius * math.cos(angle), centre[1] + radius * math.sin(angle)), use))
    land = _between(outline, streets)
    return _divide(f"{column}/{row}", centre, outline, rng, land, streets, zones, sites, 2 + abs(3 * column + 5 * row))


def _move(points: Sequence[Point]) -> list[Point]:
    return [(CENTRE_E + x, CENTRE_N + y) for x, y in points]


def _inside(line: LineString, outline: Polygon) -> LineString:
    return LineString(shapely.get_coordinates(line.intersection(outline)))


def _between(outline: Polygon, streets: Sequence[Street]) -> BaseGeometry:
    """Return the land of a district without its streets."""
    return outline.difference(shapely.union_all([street.line.buffer(street.width / 2) for street in streets]))


@dataclass(slots=True)
class _Surveyor:
    """Divides land by new streets until every block has the size that its use asks for."""

    rng: random.Random
    zones: list[tuple[Point, LandUse]]
    sites: list[tuple[Point, LandUse]]
    pools: dict[LandUse, Iterator[str]]
    centre: Point
    streets: list[Street] = field(default_factory=list)
    blocks: list[tuple[Polygon, LandUse]] = field(default_factory=list)

    def divide(self, land: Polygon) -> None:
        if land.area < 250.0:
            return
        middle = land.centroid
        site = next(((p, u) for p, u in self.sites if shapely.contains_xy(land, *p)), None)
        zone = min(self.zones, key=lambda entry: math.dist(entry[0], (middle.x, middle.y)))[1]
        grain = _GRAIN.get(zone, _WHOLE)
        corner, along, across, length, depth = _box(land)
        if site is not None and land.area < _SITE_AREA[site[1]]:
            self.sites.remove(site)
            self.blocks.append((land, site[1]))
            return
        if site is not None and zone is not LandUse.OLD_TOWN:
            grain = _Grain(min(grain.long, 150), min(grain.deep, 110), grain.width, grain.bend)
        too_long, too_deep = length / grain.long, depth / grain.deep
        if max(too_long, too_deep) <= 1.0:
            if site is not None:
                self.sites.remove(site)
            self.blocks.append((land, zone if site is None else site[1]))
            return
        is_along = too_deep > 1.0 and too_deep >= too_long * 0.8
        frame = (corner, along, across, length, depth) if is_along else (corner, across, along, depth, length)
        third = 1 / 3 if frame[4] / (grain.deep if is_along else grain.long) > 2.0 else 0.0
        kept = [ShapelyPoint(point) for point, _ in self.sites if shapely.contains_xy(land, *point)]
        tries = (self._street(frame, grain, third, 0.012 * attempt) for attempt in range(16))
        # A new street keeps clear of the places that are meant for public buildings.
        centre_line = next((line for line in tries if all(line.distance(place) > 26.0 for place in kept)), None)
        if centre_line is None:
            centre_line = self._street(frame, grain, 1 / 3, 0.0)
        street = land.intersection(centre_line)
        self.streets += [
            Street(next(self.pools[zone]), piece, grain.width)
            for piece in shapely.get_parts(street)
            if piece.geom_type == "LineString" and piece.length > 15.0
        ]
        for part in shapely.get_parts(land.difference(centre_line.buffer(grain.width / 2, cap_style="flat"))):
            self.divide(part)

    def settle(self) -> None:
        """Give every place that streets have swallowed the nearest block that is large enough."""
        for point, use in self.sites:
            candidates = [i for i, (land, zone) in enumerate(self.blocks) if zone in _GRAIN and land.area > 3200.0]
            if candidates:
                place = ShapelyPoint(point)
                nearest = min(candidates, key=lambda i: self.blocks[i][0].distance(place))
                self.blocks[nearest] = (self.blocks[nearest][0], use)
        self.sites.clear()

    def _street(
        self, frame: tuple[Point, Point, Point, float, float], grain: _Grain, third: float, spread: float
    ) -> LineString:
        """Return a new street across the land, near its middle or a third, slightly bent in a garden suburb."""
        (x, y), way, side, run, span = frame
        share = self.rng.uniform(0.44 - spread, 0.56 + spread)
        if third and self.rng.random() < 0.5:
            share += third / 2 if self.rng.random() < 0.5 else -third / 2
        bend = self.rng.uniform(-1, 1) * grain.bend * min(span, run)
        line = []
        for t, shift in ((-0.05, -bend), (0.3, bend * 0.4), (0.7, bend * 0.4), (1.05, -bend)):
            forward, aside = run * t, span * share + shift
            line.append((x + way[0] * forward + side[0] * aside, y + way[1] * forward + side[1] * aside))
        return LineString(_spline(line, step=3) if bend else [line[0], line[-1]])


_SITE_AREA = {
    LandUse.CHURCH: 7500.0, LandUse.TOWN_HALL: 6500.0, LandUse.SCHOOL: 19000.0, LandUse.KINDERGARTEN: 9000.0,
    LandUse.STATION: 14000.0, LandUse.CARE_HOME: 13000.0, LandUse.FIRE_STATION: 12000.0, LandUse.SUPERMARKET: 16000.0,
    LandUse.PARK: 30000.0,
}  # fmt: skip


def _divide(
    key: str,
    centre: Point,
    outline: Polygon,
    rng: random.Random,
    land: BaseGeometry,
    streets: list[Street],
    zones: list[tuple[Point, LandUse]],
    sites: list[tuple[Point, LandUse]],
    theme: int,
) -> District:
    outer = names.themed(rng, theme)
    inner = names.town(rng)
    pools = dict.fromkeys(LandUse, outer) | {LandUse.PERIMETER: inner, LandUse.OLD_TOWN: names.lanes(rng)}
    surveyor = _Surveyor(rng, zones, list(sites), pools, centre)
    for part in sorted(shapely.get_parts(land), key=lambda p: math.dist((p.centroid.x, p.centroid.y), centre)):
        surveyor.divide(part)
    surveyor.settle()
    blocks = sorted(surveyor.blocks, key=lambda block: math.dist((block[0].centroid.x, block[0].centroid.y), centre))
    return District(
        key,
        centre,
        outline,
        (*streets, *surveyor.streets),
        tuple(Block(f"{key}/{i}", _tidy(polygon), use) for i, (polygon, use) in enumerate(blocks)),
    )


def _tidy(polygon: Polygon) -> Polygon:
    """Return the block with rounded corners and curves as a few straight building lines."""
    return orient(Polygon(shapely.get_coordinates(Polygon(polygon.exterior).simplify(0.8))), 1.0)


def _box(land: Polygon) -> tuple[Point, Point, Point, float, float]:
    """Return corner, unit vectors and sides of the smallest rectangle around the land, the longer side first."""
    a, b, c, *_ = shapely.get_coordinates(shapely.minimum_rotated_rectangle(land)).tolist()
    first, second = math.dist(a, b), math.dist(b, c)
    if first >= second:
        return (
            (b[0], b[1]),
            ((a[0] - b[0]) / first, (a[1] - b[1]) / first),
            ((c[0] - b[0]) / second, (c[1] - b[1]) / second),
            first,
            second,
        )
    return (
        (b[0], b[1]),
        ((c[0] - b[0]) / second, (c[1] - b[1]) / second),
        ((a[0] - b[0]) / first, (a[1] - b[1]) / first),
        second,
        first,
    )
