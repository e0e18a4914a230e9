"""The land around the town: fields with tramlines, farm tracks, a wood, a sports ground, allotments; dyke and river."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, Polygon
from shapely.geometry.base import BaseGeometry

from zwilling.sample.chance import chance
from zwilling.sample.ground.palette import (
    ASPHALT,
    ASPHALT_OLD,
    CLAY_COURT,
    CROPS,
    FOREST,
    GRAVEL,
    HEDGE,
    KERB,
    LAWN,
    LAWN_DRY,
    MARKING,
    MEADOW,
    PITCH,
    RIPRAP,
    RIVER,
    RIVER_SHALLOW,
    SLABS,
    SOIL,
    TARTAN,
    Grain,
    Paint,
)  # fmt: skip
from zwilling.sample.ground.scene import Level
from zwilling.sample.ground.survey import Survey, blob, patchwork, stations
from zwilling.sample.ground.yards import allotment
from zwilling.sample.houses import Frame
from zwilling.sample.plan import Street
from zwilling.sample.solids import Point
from zwilling.sample.terrain import (
    BANK_HALF_WIDTH,
    CENTRE_E,
    CENTRE_N,
    DYKE_HALF_CREST,
    RIVER_HALF_WIDTH,
    dyke_line,
    river_line,
)  # fmt: skip

_TURN = math.radians(14.0)
_FIELD = (268.0, 148.0)


def draw_fields(survey: Survey, west: float, south: float, east: float, north: float) -> None:
    """Draw fields over a rectangle; a field is the same whatever rectangle is asked for."""
    along = (math.cos(_TURN), math.sin(_TURN))
    across = (-along[1], along[0])
    origin = (CENTRE_E, CENTRE_N)
    corners = [(x - origin[0], y - origin[1]) for x in (west, east) for y in (south, north)]
    u = [x * along[0] + y * along[1] for x, y in corners]
    v = [x * across[0] + y * across[1] for x, y in corners]
    outside = survey.town.built_land
    shapely.prepare(outside)
    survey.scene.fill(Level.FIELDS, [(west, south), (east, south), (east, north), (west, north)], MEADOW)
    for i in range(math.floor(min(u) / _FIELD[0]), math.ceil(max(u) / _FIELD[0])):
        for k in range(math.floor(min(v) / _FIELD[1]), math.ceil(max(v) / _FIELD[1])):
            frame = Frame(origin, along, across).moved(i * _FIELD[0], k * _FIELD[1])
            area = Polygon(frame.rectangle(0, 0, *_FIELD))
            if area.intersects(shapely.box(west, south, east, north)) and not shapely.contains(outside, area):
                _parcel(survey, frame, chance(survey.town.seed, "field", i, k), outside)


def _parcel(survey: Survey, frame: Frame, rng: random.Random, town: BaseGeometry) -> None:
    """Draw a parcel: one to four strips of crops between tracks."""
    scene = survey.scene
    count = rng.choice((1, 2, 2, 3, 4))
    edges = [0.0, *sorted(rng.uniform(0.15, 0.85) for _ in range(count - 1)), 1.0]
    long, deep = _FIELD[0] - 5.0, _FIELD[1] - 4.0
    for first, last in itertools.pairwise(edges):
        low, high = 2.0 + deep * first, 2.0 + deep * last - 0.8
        if high - low < 6:
            continue
        paint = patchwork(rng, CROPS, (6, 4, 4, 6, 4, 3, 3, 2))
        scene.fill(Level.FIELDS, frame.rectangle(2.0, low, long, high), paint)
        if paint.grain is Grain.CROP:
            _rows(survey, frame, (2.0, long), (low, high), paint, rng)
        else:
            for _ in range(6):
                spot = frame.at(rng.uniform(6, long - 6), rng.uniform(low, high))
                patch = Polygon(blob(rng, *spot, rng.uniform(4, 14))).intersection(
                    Polygon(frame.rectangle(2, low, long, high))
                )
                scene.fill(Level.FIELDS, patch, paint.lit(rng.uniform(0.93, 1.06)))
    scene.line(Level.TRACKS, (frame.at(0, 0), frame.at(_FIELD[0], 0)), 4.4, MEADOW.lit(0.96))
    for offset in (-0.85, 0.85):
        scene.line(Level.TRACKS, (frame.at(0, offset), frame.at(_FIELD[0], offset)), 0.9, GRAVEL.lit(0.94))
    if rng.random() < 0.55:
        scene.line(Level.TRACKS, (frame.at(0, 0), frame.at(0, _FIELD[1])), 3.4, ASPHALT_OLD.lit(1.03))
    if rng.random() < 0.4:
        for x, y, _ in stations(LineString([frame.at(2, 3), frame.at(_FIELD[0], 3)]), 7.0, rng.uniform(0, 30)):
            is_waterside = x > float(dyke_line(np.array([y]))[0]) - 30.0
            if rng.random() < 0.6 and not is_waterside and not shapely.contains_xy(town, x, y):
                survey.plant(rng, x + rng.uniform(-1, 1), y + rng.uniform(-1, 1), rng.uniform(1.2, 4.2))


def _rows(
    survey: Survey, frame: Frame, u: tuple[float, float], v: tuple[float, float], paint: Paint, rng: random.Random
) -> None:
    """Draw seed rows as a faint stripe, the tramlines of the sprayer, patches of soil, and headlands at both ends."""
    scene = survey.scene
    for _ in range(int((u[1] - u[0]) * (v[1] - v[0]) / 900)):
        x, y = rng.uniform(u[0] + 12, u[1] - 12), rng.uniform(v[0] + 3, v[1] - 3)
        reach = min(rng.uniform(3, 11), y - v[0], v[1] - y)
        scene.fill(Level.FIELDS, blob(rng, *frame.at(x, y), reach * 0.8, 13), paint.lit(rng.uniform(0.95, 1.05)))
    spacing = rng.choice((0.9, 1.5, 3.0))
    scene.hatch(
        Level.FIELDS,
        _lines(frame, *u, np.arange(v[0] + 1, v[1] - 1, spacing)),
        0.3,
        paint.lit(rng.uniform(0.955, 0.985)),
    )
    wide = rng.choice((18.0, 21.0, 24.0))
    wheels = np.arange(v[0] + 8, v[1] - 3, wide)
    wheels = np.sort(np.concatenate([wheels - 0.9, wheels + 0.9]))
    scene.hatch(Level.FIELDS, _lines(frame, *u, wheels), 0.4, paint.mixed(SOIL, 0.45))
    for low, high in ((u[0], u[0] + 9.0), (u[1] - 9.0, u[1])):
        scene.fill(Level.FIELDS, frame.rectangle(low, v[0], high, v[1]), paint.lit(0.97))
        rows = np.arange(low + 0.6, high, 1.5)
        ends = np.array([[frame.at(w, v[0]), frame.at(w, v[1])] for w in rows.tolist()])
        scene.hatch(Level.FIELDS, ends, 0.3, paint.lit(0.94))


def _lines(frame: Frame, u0: float, u1: float, at: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([[frame.at(u0, v), frame.at(u1, v)] for v in at.tolist()]).reshape(-1, 2, 2)


def strip(low: float, high: float, south: float, north: float, *, of_dyke: bool) -> list[Point]:
    """Return the outline of a strip along dyke or river, by its distances east of the middle line."""
    y = np.arange(math.floor(south / 4.0) * 4.0, north + 4.0, 4.0)
    line = dyke_line(y) if of_dyke else river_line(y)
    left, right = np.column_stack([line + low, y]), np.column_stack([line + high, y])
    return [(float(a), float(b)) for a, b in np.concatenate([left, right[::-1]])]


def draw_river(survey: Survey, south: float, north: float) -> None:
    """Draw dyke, foreshore, river and far bank."""
    scene = survey.scene
    rng = chance(survey.town.seed, "river")

    def dyke(low: float, high: float) -> list[Point]:
        return strip(low, high, south, north, of_dyke=True)

    def river(low: float, high: float) -> list[Point]:
        return strip(low, high, south, north, of_dyke=False)

    scene.fill(Level.WATERSIDE, dyke(-26, 160), MEADOW)
    y = np.arange(south, north, 7.0)
    for at in y.tolist():
        here = float(river_line(np.array([at]))[0])
        for _ in range(2):
            side = rng.choice((-1, -1, 1))
            x = here + side * (BANK_HALF_WIDTH + rng.uniform(8, 34 if side < 0 else 10))
            scene.fill(
                Level.WATERSIDE,
                blob(rng, x, at, rng.uniform(2, 8)),
                MEADOW.lit(rng.uniform(0.95, 1.05)).mixed(LAWN_DRY, rng.random() * 0.3),
            )
    scene.fill(Level.WATERSIDE, river(-BANK_HALF_WIDTH - 1.5, BANK_HALF_WIDTH + 1.5), MEADOW.lit(0.9))
    scene.fill(Level.WATERSIDE, river(-RIVER_HALF_WIDTH - 3.4, RIVER_HALF_WIDTH + 3.4), RIPRAP)
    for step in range(24):
        paint = RIVER_SHALLOW.mixed(RIVER, min(step / 7.0, 1.0)).lit(1.0 - step * 0.004)
        scene.fill(Level.WATER, river(step * 1.1 - RIVER_HALF_WIDTH, RIVER_HALF_WIDTH - step * 1.1), paint)
    # Stone groynes hold the current in the middle.
    for at in np.arange(math.floor(south / 90) * 90.0, north, 90.0).tolist():
        here = float(river_line(np.array([at]))[0])
        for side in (-1, 1):
            start, end = here + side * (RIVER_HALF_WIDTH + 2), here + side * (RIVER_HALF_WIDTH - 9)
            scene.line(Level.WATER, ((start, at), (end, at + 2)), 3.4, RIPRAP)
    scene.fill(Level.DYKE, dyke(-17.0, 18.0), LAWN_DRY.mixed(LAWN, 0.5))
    scene.fill(Level.DYKE, dyke(-22.0, -18.0), LAWN)
    scene.fill(Level.DYKE, dyke(-21.0, -18.2), ASPHALT_OLD)
    for low in np.arange(-16.0, 17.0, 2.2).tolist():
        if abs(low) > 3:
            scene.fill(Level.DYKE, dyke(low, low + 0.9), LAWN_DRY.mixed(LAWN, rng.uniform(0.3, 0.75)))
    scene.fill(Level.DYKE, dyke(-DYKE_HALF_CREST, DYKE_HALF_CREST), LAWN_DRY)
    scene.fill(Level.DYKE, dyke(-1.4, 1.4), GRAVEL.lit(0.97))
    for at in np.arange(south, north, 9.0).tolist():
        if rng.random() < 0.42:
            side = rng.choice((-1, 1))
            here = float(river_line(np.array([at]))[0]) + side * rng.uniform(BANK_HALF_WIDTH + 1, BANK_HALF_WIDTH + 9)
            for _ in range(rng.randint(1, 4)):
                survey.plant(rng, here + rng.uniform(-6, 6), at + rng.uniform(-6, 6), rng.uniform(2.0, 6.0), conifers=0)


def draw_roads(survey: Survey, streets: list[Street], west: float, south: float, east: float, north: float) -> None:
    """Draw the main roads where nothing is built along them, and lead them on through the fields to the sheet's edge.

    The ferry road crosses the dyke and ends at the river; the others end at the dyke.
    """
    town = survey.town
    frame = shapely.box(west, south, east, north)
    for street in streets:
        if street.width < 15:
            continue
        _country_road(survey, street.line.difference(town.built_land), street.name)
        coords = shapely.get_coordinates(street.line)
        if len(coords) < 2 or np.allclose(coords[0], coords[-1]):
            continue
        for end, before in ((coords[-1], coords[-2]), (coords[0], coords[1])):
            if town.outline.boundary.distance(shapely.Point(end)) > 1.0:
                continue
            way = (end - before) / np.linalg.norm(end - before)
            if town.outline.contains(shapely.Point(end + way * 30)) or town.outline.boundary.contains(street.line):
                continue
            reach = 1500.0
            if way[0] > 0.5:
                reach = float(dyke_line(np.array([end[1]]))[0]) - 18.0 - float(end[0])
                if "Fähr" in street.name:
                    reach = float(river_line(np.array([end[1]]))[0]) - RIVER_HALF_WIDTH + 2 - float(end[0])
            _country_road(survey, LineString([end, end + way * reach]).intersection(frame), street.name)


def _country_road(survey: Survey, road: BaseGeometry, name: str) -> None:
    scene = survey.scene
    rng = chance(survey.town.seed, "avenue", name, *road.bounds)
    scene.line(Level.OUTLINE, road, 9.6, MEADOW.lit(0.95))
    scene.line(Level.ROADS, road, 6.0, ASPHALT.lit(rng.uniform(0.96, 1.06)))
    for line in shapely.get_parts(road):
        if line.geom_type != "LineString" or line.length < 30:
            continue
        for side in (-2.75, 2.75):
            scene.line(Level.MARKINGS, line.offset_curve(side), 0.12, MARKING)
        if rng.random() < 0.3:
            continue
        for side in (-1, 1):
            for x, y, way in stations(line, 13.0, 12.0):
                if rng.random() < 0.6:
                    aside = 6.4 * side
                    survey.plant(rng, x - way[1] * aside, y + way[0] * aside, rng.uniform(2.2, 4.6), conifers=0)


def draw_places(survey: Survey) -> None:
    """Draw sports ground, allotments and wood, where no district has been built over them."""
    for place, draw, size in (
        ((250.0, 735.0), _sports_ground, (190.0, 118.0)),
        ((-30.0, 745.0), _allotments, (190.0, 112.0)),
        ((-640.0, 800.0), _wood, (330.0, 210.0)),
        ((-1010.0, -420.0), _wood, (170.0, 260.0)),
    ):
        frame = Frame((CENTRE_E + place[0], CENTRE_N + place[1]), (1.0, 0.0), (0.0, 1.0))
        if not survey.town.outline.intersects(Polygon(frame.rectangle(-4, -4, size[0] + 4, size[1] + 4))):
            draw(survey, frame, *size)


def _sports_ground(survey: Survey, frame: Frame, width: float, depth: float) -> None:
    scene = survey.scene
    rng = chance(survey.town.seed, "sports")
    scene.fill(Level.BLOCKS, frame.rectangle(0, 0, width, depth), LAWN)
    a, b = frame.at(46, 48), frame.at(130, 48)
    core = LineString([a, b])
    scene.fill(Level.YARDS, core.buffer(45.0), TARTAN)
    for radius in np.arange(36.6, 45.1, 1.22).tolist():
        scene.line(Level.MARKINGS, core.buffer(radius).exterior, 0.1, MARKING)
    scene.fill(Level.DETAILS, core.buffer(36.5), PITCH.lit(0.97))
    pitch = frame.moved(36.0, 14.0)
    for i in range(21):
        scene.fill(Level.DETAILS, pitch.rectangle(i * 5, 0, i * 5 + 5, 68), PITCH.lit(1.0 if i % 2 else 1.06))
    for box in (
        (0.0, 0.0, 105.0, 68.0),
        (0.0, 13.8, 16.5, 54.2),
        (88.5, 13.8, 105.0, 54.2),
        (0.0, 24.8, 5.5, 43.2),
        (99.5, 24.8, 105.0, 43.2),
    ):
        ring = pitch.rectangle(*box)
        scene.line(Level.MARKINGS, [*ring, ring[0]], 0.12, MARKING)
    scene.line(Level.MARKINGS, (pitch.at(52.5, 0), pitch.at(52.5, 68)), 0.12, MARKING)
    scene.line(Level.MARKINGS, shapely.Point(pitch.at(52.5, 34)).buffer(9.15).exterior, 0.12, MARKING)
    for i in range(3):
        court = frame.moved(72.0 + i * 38.0, 97.0)
        scene.fill(Level.DETAILS, court.rectangle(0, 0, 36, 18), CLAY_COURT)
        for box in ((6.1, 3.5, 29.9, 14.5), (6.1, 4.9, 29.9, 13.1), (11.6, 4.9, 24.4, 13.1)):
            ring = court.rectangle(*box)
            scene.line(Level.MARKINGS, [*ring, ring[0]], 0.1, MARKING)
        scene.line(Level.MARKINGS, (court.at(18, 2.6), court.at(18, 15.4)), 0.14, SLABS.lit(0.5))
    survey.car_park(rng, frame.moved(4.0, 98.0), 60.0, 2, ASPHALT_OLD, 0.3)
    border = LineString([*frame.rectangle(2, 2, width - 2, depth - 2), frame.at(2, 2)])
    for x, y, _ in stations(border, 7.5, 3.0):
        if rng.random() < 0.7 and core.distance(shapely.Point(x, y)) > 48.0:
            survey.plant(rng, x, y, rng.uniform(2.4, 4.8))


def _allotments(survey: Survey, frame: Frame, width: float, depth: float) -> None:
    rng = chance(survey.town.seed, "allotments")
    survey.scene.fill(Level.BLOCKS, frame.rectangle(0, 0, width, depth), GRAVEL.mixed(MEADOW, 0.3))
    for row in range(int(depth / 26)):
        for i in range(int(width / 15.5)):
            plot = frame.moved(1.5 + i * 15.5, 1.5 + row * 26.0)
            allotment(survey, plot, 14.6, 23.0, rng)
            hut = plot.moved(rng.uniform(1, 9), rng.uniform(14, 18)).rectangle(0, 0, 4.2, 3.4)
            survey.scene.block_of(hut, 2.6)
            paint = patchwork(rng, (SLABS, HEDGE, TARTAN, ASPHALT, KERB, SOIL), (3, 1, 3, 4, 2, 2))
            survey.scene.fill(Level.CARS, hut, paint)
            survey.scene.fill(Level.CARS, [hut[0], hut[1], *_half(hut)], paint.lit(0.86))


def _half(box: list[Point]) -> list[Point]:
    """Return the middles of the second and fourth side of a rectangle."""
    (x1, y1), (x2, y2), (x3, y3), (x4, y4) = box
    return [((x2 + x3) / 2, (y2 + y3) / 2), ((x1 + x4) / 2, (y1 + y4) / 2)]


def _wood(survey: Survey, frame: Frame, width: float, depth: float) -> None:
    rng = chance(survey.town.seed, "wood", *frame.origin)
    x, y = frame.at(width / 2, depth / 2)
    outline = Polygon([(x + (a - x) * width / depth, b) for a, b in blob(rng, x, y, depth / 2, 17)])
    survey.scene.fill(Level.BLOCKS, outline, FOREST)
    survey.scatter(rng, outline, int(outline.area / 26), 2.4, 5.6)
    for spot in stations(LineString(outline.exterior.coords), 5.0):
        survey.plant(rng, spot[0], spot[1], rng.uniform(1.2, 2.8))
