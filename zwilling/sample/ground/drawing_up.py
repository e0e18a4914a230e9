"""From the town to the scene before the camera, and to its trees."""

from __future__ import annotations

import math
from functools import lru_cache

import shapely
from shapely.geometry import LineString, Polygon

from zwilling.rasters import Rectangle
from zwilling.sample.ground.crowns import Crowns
from zwilling.sample.ground.outskirts import draw_fields, draw_places, draw_river, draw_roads, strip
from zwilling.sample.ground.palette import STREAM
from zwilling.sample.ground.picture import Camera
from zwilling.sample.ground.roofs import draw_building
from zwilling.sample.ground.scene import Level
from zwilling.sample.ground.streets import draw_railway, draw_stream, draw_streets
from zwilling.sample.ground.survey import Survey
from zwilling.sample.ground.town import town
from zwilling.sample.ground.yards import draw_block
from zwilling.sample.terrain import RIVER_HALF_WIDTH
from zwilling.sample.trees import Tree

_BEYOND = 1500.0


def square_kilometres(count: int, seed: int) -> list[tuple[int, int]]:
    """Return the square kilometres that buildings touch: kilometres east and north of their south-west corners."""
    found = set()
    for plan in town(count, seed).footprints.geometries:
        west, south, east, north = plan.bounds
        for column in range(math.floor(west / 1000), math.floor(east / 1000) + 1):
            for row in range(math.floor(south / 1000), math.floor(north / 1000) + 1):
                if plan.intersects(shapely.box(column * 1000, row * 1000, column * 1000 + 1000, row * 1000 + 1000)):
                    found.add((column, row))
    return sorted(found)


def surroundings(count: int, seed: int, margin: float) -> Rectangle:
    """Return the rectangle around all buildings with a margin, in whole hundreds of metres."""
    west, south, east, north = shapely.total_bounds(town(count, seed).footprints.geometries).tolist()
    return Rectangle(
        math.floor((west - margin) / 100) * 100.0,
        math.floor((south - margin) / 100) * 100.0,
        math.ceil((east + margin) / 100) * 100.0,
        math.ceil((north + margin) / 100) * 100.0,
    )


def trees(count: int, seed: int) -> list[Tree]:
    """Return the trees of the sample, in a fixed order; picture, points and viewer show the same ones."""
    return survey_of(count, seed).trees


@lru_cache(maxsize=2)
def camera(count: int, seed: int) -> Camera:
    """Return the camera over a sample."""
    survey = survey_of(count, seed)
    shapes, shadows = survey.scene.finished()
    return Camera(survey.scene, shapes, shadows, Crowns(survey.trees, seed), seed)


@lru_cache(maxsize=2)
def survey_of(count: int, seed: int) -> Survey:
    """Return the sheet of a sample: its town, all that the camera sees, its trees."""
    survey = Survey(town(count, seed))
    squares = square_kilometres(count, seed)
    west, east = min(c for c, _ in squares) * 1000.0 - 30, max(c for c, _ in squares) * 1000.0 + 1030
    south, north = min(r for _, r in squares) * 1000.0 - 30, max(r for _, r in squares) * 1000.0 + 1030
    draw_fields(survey, west, south, east, north)
    draw_river(survey, south, north)
    draw_places(survey)
    streets = [street for part in survey.town.districts for street in part.streets]
    draw_roads(survey, streets, west, south, east, north)
    for part in survey.town.districts:
        draw_streets(survey, part)
        for block in part.blocks:
            draw_block(survey, block)
        if part.courses:
            stream, track = (_led_on(course) for course in part.courses)
            # Under the dyke it runs in a pipe, and it ends in the river.
            dyke = Polygon(strip(-20.0, 19.0, south, north, of_dyke=True))
            river = Polygon(strip(-RIVER_HALF_WIDTH - 18.0, 2000.0, south, north, of_dyke=False))
            mouth = Polygon(strip(-RIVER_HALF_WIDTH - 19.0, 1.0 - RIVER_HALF_WIDTH, south, north, of_dyke=False))
            survey.scene.line(Level.STREAM, stream.intersection(mouth), 4.6, STREAM)
            for piece in shapely.get_parts(stream.difference(shapely.union(dyke, river))):
                draw_stream(survey, piece)
            draw_railway(survey, track)
    blocks = shapely.STRtree([block.polygon for part in survey.town.districts for block in part.blocks])
    for building in survey.town.buildings:
        near = blocks.nearest(shapely.Point(building.reference_point))
        draw_building(survey, building, int(near or 0))
    return survey


def _led_on(course: LineString) -> LineString:
    """Return a course led straight on beyond the sheet's edges."""
    coords = [(float(x), float(y)) for x, y in shapely.get_coordinates(course)]
    for at, before in ((0, 1), (-1, -2)):
        (x, y), (a, b) = coords[at], coords[before]
        far = math.hypot(x - a, y - b)
        point = (x + (x - a) / far * _BEYOND, y + (y - b) / far * _BEYOND)
        coords.insert(0, point) if at == 0 else coords.append(point)
    return LineString(coords)
