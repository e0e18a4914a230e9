"""Streets with kerbs, lanes, markings, crossings and cars; railway and stream."""

from __future__ import annotations

import random

import numpy as np
import shapely
from shapely.geometry import LineString
from shapely.geometry.base import BaseGeometry

from zwilling.sample.chance import chance
from zwilling.sample.ground.palette import (
    ASPHALT,
    ASPHALT_NEW,
    ASPHALT_OLD,
    BALLAST,
    BANK,
    BRICKS,
    COBBLES,
    GRAVEL,
    KERB,
    MARKING,
    MEADOW,
    RAIL,
    SLABS,
    SLEEPER,
    STREAM,
    Paint,
)  # fmt: skip
from zwilling.sample.ground.scene import Level
from zwilling.sample.ground.survey import Survey, stations
from zwilling.sample.plan import District, Street
from zwilling.sample.solids import Point

TRACK_DISTANCE = 4.2
_GAUGE = 1.435


def carriageway(width: float) -> float:
    """Return the width of the asphalt between kerbs, parked cars left out."""
    return 7.0 if width >= 18 else 6.2 if width >= 13 else 5.2 if width >= 9.5 else 4.9 if width >= 9 else width - 1.6


def draw_streets(survey: Survey, part: District) -> None:
    """Draw all streets of a district."""
    land = survey.town.built_land
    areas = [street.line.buffer(street.width / 2 + 1.5) for street in part.streets]
    tree = shapely.STRtree(areas)
    scene = survey.scene
    scene.fill(Level.OUTLINE, part.outline.buffer(9.0).intersection(land), SLABS)
    for street in part.streets:
        rng = chance(survey.town.seed, "street", part.key, street.name, round(street.line.length, 1))
        road = carriageway(street.width)
        is_lane = street.width < 9
        age = rng.choices((ASPHALT, ASPHALT_NEW, ASPHALT_OLD), (5, 2, 4))[0].lit(rng.uniform(0.95, 1.05))
        paint = COBBLES.lit(rng.uniform(0.94, 1.04)) if is_lane or (street.width == 9.0 and rng.random() < 0.3) else age
        parking = 2.1 if street.width >= 13 else 0.0
        line = street.line.intersection(land)
        scene.line(Level.KERBS, line, road + 2 * parking + 0.5, KERB)
        if parking:
            scene.line(Level.ROADS, line, road + 2 * parking, BRICKS.mixed(age, rng.choice((0.35, 1.0, 1.0))))
        scene.line(Level.ROADS, line, road, paint)
    for i, street in enumerate(part.streets):
        rng = chance(survey.town.seed, "cars", part.key, i)
        others = [areas[k] for k in tree.query(street.line, predicate="intersects") if k != i]
        free = street.line.intersection(land).difference(shapely.union_all(others))
        _furnish(survey, street, free, rng)


def _furnish(survey: Survey, street: Street, free: BaseGeometry, rng: random.Random) -> None:
    """Mark a street, park cars and plant trees where no other street meets it."""
    scene, road = survey.scene, carriageway(street.width)
    for stretch in shapely.get_parts(free):
        if stretch.geom_type != "LineString" or stretch.length < 8.0:
            continue
        if street.width >= 15:
            dashes = np.array([
                [(x - way[0] * 1.5, y - way[1] * 1.5), (x + way[0] * 1.5, y + way[1] * 1.5)]
                for x, y, way in stations(stretch, 9.0, 3.0)
            ])  # fmt: skip
            scene.hatch(Level.MARKINGS, dashes, 0.14, MARKING)
        if street.width >= 13 and stretch.length > 24:
            for place in (2.6, stretch.length - 2.6):
                if rng.random() < 0.42:
                    _crossing(survey, stretch, place, road)
        _repairs(survey, stretch, road, rng)
        _park_cars(survey, street, stretch, road, rng)
        if street.width >= 15:
            density = 0.86 if street.width >= 20 else 0.62
            for side in (-1, 1):
                offset = road / 2 + 2.1 + min((street.width - road - 4.2) / 2 * 0.4, 1.3)
                for x, y, way in stations(stretch, 11.5, 5.0 + rng.uniform(0, 3)):
                    if rng.random() < density:
                        jitter = rng.uniform(-1, 1)
                        survey.plant(
                            rng,
                            x - way[1] * offset * side + way[0] * jitter,
                            y + way[0] * offset * side + way[1] * jitter,
                            rng.uniform(2.1, 3.9),
                            conifers=0.0,
                        )


def _crossing(survey: Survey, line: LineString, at: float, road: float) -> None:
    x, y, way = next(stations(line, 1e6, max(min(at, line.length - 1.1), 0.6)))
    bars = []
    for k in np.arange(-road / 2 + 0.5, road / 2 - 0.2, 1.0).tolist():
        a, b = x - way[1] * k, y + way[0] * k
        bars.append([(a - way[0] * 1.6, b - way[1] * 1.6), (a + way[0] * 1.6, b + way[1] * 1.6)])
    survey.scene.hatch(Level.MARKINGS, np.array(bars), 0.5, MARKING)


def _repairs(survey: Survey, line: LineString, road: float, rng: random.Random) -> None:
    """Put patches, trenches and manholes into the asphalt."""
    tones: tuple[Paint, ...] = (ASPHALT_NEW, ASPHALT, ASPHALT_OLD)
    for x, y, way in stations(line, 21.0, rng.uniform(2, 14)):
        side = rng.uniform(-road / 2 + 0.8, road / 2 - 0.8)
        a, b = x - way[1] * side, y + way[0] * side
        if rng.random() < 0.3:
            long = rng.uniform(1.0, 7.0)
            ends: tuple[Point, Point] = ((a, b), (a + way[0] * long, b + way[1] * long))
            survey.scene.line(
                Level.MARKINGS, ends, rng.uniform(0.5, 1.5), rng.choice(tones).lit(rng.uniform(0.94, 1.03))
            )
        elif rng.random() < 0.7:
            hole = shapely.Point(a, b).buffer(0.34, quad_segs=3)
            survey.scene.fill(Level.MARKINGS, hole, ASPHALT_NEW.lit(0.84))


def _park_cars(survey: Survey, street: Street, line: LineString, road: float, rng: random.Random) -> None:
    if street.width < 9:
        return
    share = rng.uniform(0.35, 0.72) if street.width >= 13 else rng.uniform(0.12, 0.4)
    for side in (-1, 1):
        if street.width < 13 and side < 0:
            continue
        offset = (road / 2 + 1.02 if street.width >= 13 else road / 2 - 0.7) * side
        for x, y, way in stations(line, 5.7, 4.5 + rng.uniform(0, 2)):
            if rng.random() < share:
                aside = offset + rng.uniform(-0.12, 0.12)
                survey.car(rng, x - way[1] * aside, y + way[0] * aside, way)
    if street.width >= 13:
        for x, y, way in stations(line, 46.0, rng.uniform(6, 40)):
            if rng.random() < 0.4:
                aside = road / 4 * rng.choice((-1, 1))
                survey.car(rng, x - way[1] * aside, y + way[0] * aside, way)


def draw_railway(survey: Survey, course: LineString) -> None:
    """Draw two tracks on ballast with grass beside them, and a platform's length of paving at the station."""
    scene = survey.scene
    rng = chance(survey.town.seed, "railway")
    scene.line(Level.RAILWAY, course, 21.0, MEADOW)
    scene.line(Level.RAILWAY, course, 13.0, GRAVEL.mixed(MEADOW, 0.55).lit(0.92))
    scene.line(Level.RAILWAY, course, 9.6, BALLAST)
    for side in (-1, 1):
        track = LineString(shapely.get_coordinates(course.offset_curve(side * TRACK_DISTANCE / 2)))
        scene.line(Level.RAILWAY, track, 2.8, BALLAST.lit(rng.uniform(0.86, 0.93)))
        ties = []
        for x, y, way in stations(track, 0.6):
            ties.append([(x - way[1] * 1.3, y + way[0] * 1.3), (x + way[1] * 1.3, y - way[0] * 1.3)])
        scene.hatch(Level.RAILWAY, np.array(ties), 0.26, SLEEPER)
        for rail in (-_GAUGE / 2, _GAUGE / 2):
            scene.line(Level.RAILWAY, track.offset_curve(rail), 0.14, RAIL)
    for side in (-1, 1):
        for x, y, way in stations(course, 17.0, rng.uniform(0, 9)):
            if rng.random() < 0.3:
                offset = rng.uniform(8.0, 10.0) * side
                survey.plant(rng, x - way[1] * offset, y + way[0] * offset, rng.uniform(1.2, 2.6), conifers=0.0)


def draw_stream(survey: Survey, course: LineString) -> None:
    """Draw the stream in its green strip, with a path and the trees along it."""
    scene = survey.scene
    rng = chance(survey.town.seed, "stream")
    scene.line(Level.GREEN, course, 38.0, MEADOW)
    path = course.offset_curve(12.5)
    scene.line(Level.GREEN, path, 2.6, GRAVEL)
    scene.line(Level.STREAM, course, 9.4, BANK)
    for x, y, _ in stations(course, 3.1):
        scene.line(Level.STREAM, ((x, y), (x + 1.0, y + 0.5)), rng.uniform(4.6, 6.6), STREAM)
    scene.line(Level.STREAM, course, 4.6, STREAM)
    scene.line(Level.STREAM, course, 2.2, STREAM.lit(0.86))
    for side in (-1, 1):
        for x, y, way in stations(course, 8.0, rng.uniform(0, 6)):
            if rng.random() < 0.62:
                offset = rng.choice((rng.uniform(5.0, 8.0), rng.uniform(8.0, 17.0))) * side
                if abs(offset - 12.5) > 2.0:
                    survey.plant(rng, x - way[1] * offset, y + way[0] * offset, rng.uniform(2.0, 5.2), conifers=0.0)
