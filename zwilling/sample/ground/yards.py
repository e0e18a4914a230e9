"""What lies around the buildings of a block: gardens, courts, greens, car parks, yards of halls and schools."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import shapely
from shapely.geometry import LineString, Polygon
from shapely.geometry import Point as ShapelyPoint
from shapely.geometry.base import BaseGeometry

from zwilling.sample.chance import chance
from zwilling.sample.ground.palette import (
    ASPHALT,
    ASPHALT_NEW,
    ASPHALT_OLD,
    BED,
    BRICKS,
    COBBLES,
    CONCRETE,
    GRAVEL,
    HEDGE,
    KERB,
    LAWN,
    LAWN_DRY,
    LAWN_LUSH,
    MARKING,
    MEADOW,
    METAL,
    PITCH,
    POOL,
    SAND,
    SLABS,
    SOIL,
    TARTAN,
    TERRACE,
    WOOD,
    YARD,
    Grain,
    Paint,
)  # fmt: skip
from zwilling.sample.ground.scene import Level
from zwilling.sample.ground.survey import Survey, blob, patchwork, spots, stations
from zwilling.sample.houses import Frame
from zwilling.sample.model import Building
from zwilling.sample.plan import Block, LandUse
from zwilling.sample.siting import CARPORT, GARAGE, frontages

_LAWNS = (LAWN, LAWN_LUSH, LAWN_DRY, MEADOW)
_DRIVES = (YARD, BRICKS, SLABS, COBBLES, GRAVEL)


class _Land(NamedTuple):
    """A block, what stands on it, and the land that this takes with a little room around it."""

    survey: Survey
    block: Block
    standing: list[Building]
    taken: BaseGeometry
    rng: random.Random


def draw_block(survey: Survey, block: Block) -> None:
    """Draw the ground of a block."""
    rng = chance(survey.town.seed, "yard", block.key)
    standing = survey.town.standing_on(block)
    if not standing:
        return
    taken = shapely.union_all([plan.buffer(0.8) for building in standing for plan in building.draft.footprints])
    _DRAWN[block.use](_Land(survey, block, standing, taken, rng))


def _anywhere(rng: random.Random, area: Polygon) -> tuple[float, float]:
    west, south, east, north = area.bounds
    for _ in range(30):
        x, y = rng.uniform(west, east), rng.uniform(south, north)
        if shapely.contains_xy(area, x, y):
            return x, y
    point = area.representative_point()
    return point.x, point.y


def _plots(block: Block, standing: list[Building], smallest: float) -> list[tuple[Polygon, Building]]:
    """Return the plot of each house: what of the block is nearer to it than to any other house."""
    houses = [b for b in standing if sum(plan.area for plan in b.draft.footprints) >= smallest and b.draft.door]
    if len(houses) < 2:
        return [(block.polygon, house) for house in houses]
    middles = [b.draft.parts[0].footprint.centroid for b in houses]
    cells = shapely.get_parts(
        shapely.voronoi_polygons(shapely.multipoints([(p.x, p.y) for p in middles]), extend_to=block.polygon)
    )
    tree = shapely.STRtree(cells)
    found = []
    for middle, house in zip(middles, houses, strict=True):
        cell = cells[int(tree.nearest(middle))]
        plot = cell.intersection(block.polygon)
        plot = max(shapely.get_parts(plot), key=lambda piece: float(piece.area), default=None)
        if plot is not None and plot.geom_type == "Polygon" and plot.area > 20:
            found.append((plot, house))
    return found


def _gardens(land: _Land) -> None:
    """Draw front gardens, drives, terraces, lawns, beds, hedges and trees of houses on plots of their own."""
    survey, block, standing, taken, rng = land
    scene = survey.scene
    scene.fill(Level.BLOCKS, block.polygon, LAWN)
    edge = block.polygon.exterior
    for plot, house in _plots(block, standing, 38.0):
        scene.fill(Level.YARDS, plot, patchwork(rng, _LAWNS, (6, 4, 4, 1)))
        door = ShapelyPoint(house.draft.door)  # type: ignore[arg-type]
        plan = house.draft.parts[0].footprint
        middle = plan.centroid
        gate = edge.interpolate(edge.project(door))
        dx, dy = middle.x - gate.x, middle.y - gate.y
        far = math.hypot(dx, dy) or 1.0
        inward = (dx / far, dy / far)
        front = plot.intersection(shapely.buffer(LineString(_near(edge, gate, 30.0)), max(plan.distance(gate), 1.2)))
        scene.fill(Level.YARDS, front, patchwork(rng, (LAWN, BED, GRAVEL, YARD, BRICKS, LAWN_LUSH), (5, 3, 2, 3, 2, 2)))
        scene.line(
            Level.DETAILS,
            ((gate.x, gate.y), (middle.x, middle.y)),
            rng.uniform(1.2, 2.2),
            patchwork(rng, _DRIVES, (4, 3, 3, 1, 1)),
        )
        _terrace(survey, plot, plan, inward, rng)
        garden = plot.difference(plan.buffer(3.2)).difference(front.buffer(0.3)).buffer(-1.0)
        _garden(survey, garden, rng)
        boundary = plot.boundary.difference(edge.buffer(1.6)).difference(taken)
        if rng.random() < 0.62:
            wide = rng.uniform(0.6, 1.2)
            survey.hedge(
                boundary, wide, rng.uniform(1.1, 2.0), HEDGE.mixed(BED, rng.random() * 0.6).lit(rng.uniform(0.92, 1.1))
            )
        else:
            survey.hedge(boundary, 0.16, 1.2, WOOD)
        if rng.random() < 0.45:
            survey.hedge(plot.boundary.intersection(edge.buffer(1.0)).difference(gate.buffer(2.4)).difference(
                shapely.union_all([p.buffer(3) for p in _garages(standing)])), 0.55, 0.9)  # fmt: skip
    for plan in _garages(standing):
        middle = plan.centroid
        gate = edge.interpolate(edge.project(middle))
        if gate.distance(middle) < 22.0:
            scene.line(
                Level.DETAILS, ((middle.x, middle.y), (gate.x, gate.y)), 3.1, patchwork(rng, _DRIVES, (4, 3, 3, 1, 1))
            )
            if rng.random() < 0.45 and gate.distance(plan) > 5.2:
                way = (gate.x - middle.x, gate.y - middle.y)
                far = math.hypot(*way)
                at = (gate.distance(plan) / 2) / far
                survey.car(rng, gate.x - way[0] * at, gate.y - way[1] * at, (way[0] / far, way[1] / far))


def _garages(standing: list[Building]) -> list[Polygon]:
    return [b.draft.parts[0].footprint for b in standing if b.draft.function in (GARAGE, CARPORT)]


def _near(ring: LineString, place: ShapelyPoint, reach: float) -> list[tuple[float, float]]:
    """Return the piece of a ring around a place."""
    at = ring.project(place)
    steps = np.linspace(at - reach, at + reach, 31) % ring.length
    coords: list[tuple[float, float]] = [
        tuple(c) for c in shapely.get_coordinates(shapely.line_interpolate_point(ring, steps)).tolist()
    ]
    return coords


def _terrace(survey: Survey, plot: Polygon, plan: Polygon, inward: tuple[float, float], rng: random.Random) -> None:
    middle = plan.centroid
    reach = math.sqrt(plan.area) / 2
    start = (middle.x + inward[0] * reach * 0.6, middle.y + inward[1] * reach * 0.6)
    end = (
        middle.x + inward[0] * (reach + rng.uniform(2.6, 4.2)),
        middle.y + inward[1] * (reach + rng.uniform(2.6, 4.2)),
    )
    area = LineString([start, end]).buffer(rng.uniform(1.7, 2.7), cap_style="flat").intersection(plot)
    survey.scene.fill(Level.DETAILS, area, patchwork(rng, (TERRACE, WOOD, SLABS, BRICKS), (5, 2, 3, 2)))
    if rng.random() < 0.35:
        shade = Polygon(Frame(end, inward, (-inward[1], inward[0])).rectangle(-3.0, -1.4, -0.4, 1.4))
        colour = rng.choice(((206, 202, 190, 180), (150, 92, 78, 150), (96, 116, 104, 130), (196, 180, 140, 170)))
        survey.scene.block_of(shapely.get_coordinates(shade.exterior)[:-1].tolist(), 2.2)
        survey.scene.fill(Level.CARS, shade, Paint(colour, Grain.SMOOTH))


def _garden(survey: Survey, garden: BaseGeometry, rng: random.Random) -> None:
    scene = survey.scene
    for piece in shapely.get_parts(garden):
        if piece.geom_type != "Polygon" or piece.area < 12:
            continue
        for _ in range(rng.randint(0, 2 + int(piece.area / 90))):
            x, y = _anywhere(rng, piece)
            scene.fill(Level.DETAILS, Polygon(blob(rng, x, y, rng.uniform(0.6, 2.2))).intersection(piece),
                       rng.choice((BED, BED, SOIL, LAWN_DRY, LAWN_LUSH, HEDGE)))  # fmt: skip
        border = piece.difference(piece.buffer(-rng.uniform(0.4, 1.6)))
        if rng.random() < 0.4 and border.area > 2:
            for part in shapely.get_parts(border.intersection(Polygon(blob(rng, *_anywhere(rng, piece), 7.0)))):
                scene.fill(Level.DETAILS, part, BED.mixed(SOIL, rng.uniform(0, 0.6)))
        if piece.area > 60 and rng.random() < 0.12:
            clear = piece.buffer(-2.4)
            x, y = _anywhere(rng, clear if clear.geom_type == "Polygon" and not clear.is_empty else piece)
            paint = rng.choice((POOL, POOL, Paint((58, 60, 66, 60), Grain.SMOOTH)))
            scene.fill(
                Level.DETAILS, ShapelyPoint(x, y).buffer(rng.uniform(1.3, 2.0)), KERB if paint is POOL else HEDGE
            )
            scene.fill(Level.DETAILS, ShapelyPoint(x, y).buffer(1.25), paint)
        survey.scatter(
            rng, piece, min(int(piece.area / 75 + rng.random() * 1.6), 7), 0.9, 3.1 if rng.random() < 0.75 else 4.4
        )


def _courts(land: _Land) -> None:
    """Draw the yards of houses that stand wall to wall: paved, gravelled or green, divided by walls."""
    survey, block, standing, taken, rng = land
    scene = survey.scene
    is_old = block.use is LandUse.OLD_TOWN
    scene.fill(Level.BLOCKS, block.polygon, YARD)
    for plot, _ in _plots(block, standing, 38.0):
        weights = (6, 4, 2, 2, 3, 1) if is_old else (4, 2, 2, 2, 7, 4)
        paint = patchwork(rng, (YARD, COBBLES, BRICKS, GRAVEL, LAWN, LAWN_LUSH), weights)
        scene.fill(Level.YARDS, plot, paint)
        free = plot.difference(taken).buffer(-0.6)
        if free.area < 14:
            continue
        if paint.grain is Grain.PAVING and rng.random() < 0.6:
            area = max(shapely.get_parts(free), key=lambda piece: float(piece.area))
            if area.geom_type == "Polygon":
                x, y = _anywhere(rng, area)
                scene.fill(
                    Level.DETAILS,
                    Polygon(blob(rng, x, y, rng.uniform(1.4, 4.0))).intersection(area),
                    patchwork(rng, (LAWN, BED, LAWN_LUSH), (3, 2, 2)),
                )
        if rng.random() < (0.5 if is_old else 0.75):
            survey.scatter(rng, free, rng.randint(1, 1 + int(free.area / 90)), 1.4, 3.4 if is_old else 4.6)
        if rng.random() < 0.5:
            survey.hedge(
                plot.boundary.difference(block.polygon.exterior.buffer(1.0)).difference(taken),
                0.26,
                1.3,
                BRICKS.lit(0.85),
            )
    yard = block.polygon.buffer(-16.0)
    if not is_old and yard.area > 500:
        for place in list(shapely.get_parts(yard.difference(taken)))[:1]:
            survey.scatter(rng, place, 2 + int(place.area / 320), 3.0, 5.6)


def _green(land: _Land) -> None:
    """Draw the common green of rows and slabs: paths to the doors, shrubs at the walls, car parks, playgrounds."""
    survey, block, standing, taken, rng = land
    scene = survey.scene
    edge = block.polygon.exterior
    scene.fill(Level.BLOCKS, block.polygon, patchwork(rng, (LAWN, LAWN_LUSH, LAWN_DRY), (4, 3, 2)))
    for _ in range(int(block.polygon.area / 900)):
        x, y = _anywhere(rng, block.polygon)
        worn = Polygon(blob(rng, x, y, rng.uniform(3, 9))).intersection(block.polygon)
        scene.fill(Level.YARDS, worn, patchwork(rng, (LAWN_DRY, LAWN_LUSH, MEADOW), (3, 3, 2)))
    for building in standing:
        plan = building.draft.parts[0].footprint
        if building.draft.door is None or plan.area < 60:
            continue
        shrubs = plan.buffer(rng.uniform(0.8, 1.8), join_style="mitre")
        if rng.random() < 0.7:
            scene.fill(Level.YARDS, shrubs, BED.lit(rng.uniform(0.9, 1.05)))
        door = ShapelyPoint(building.draft.door)
        gate = edge.interpolate(edge.project(door))
        middle = plan.centroid
        x, y = door.x + (door.x - middle.x) * 0.35, door.y + (door.y - middle.y) * 0.35
        for line in (((middle.x, middle.y), (x, y)), ((x, y), (gate.x, gate.y))):
            if math.dist(*line) < 60:
                scene.line(Level.DETAILS, line, 1.7, SLABS)
    if block.use is LandUse.SLABS:
        for building in standing:
            plan = building.draft.parts[0].footprint
            if plan.area > 300:
                scene.line(Level.DETAILS, plan.buffer(5.0, join_style="mitre").exterior, 2.2, SLABS)
    paths: BaseGeometry = taken.buffer(1.2)
    is_slabs = block.use is LandUse.SLABS
    for rows in (2, 2, 1) if is_slabs else (1, 1):
        width, depth = rng.uniform(22, 38), 11.0 if rows == 1 else 16.0
        for frame in spots(rng, block.polygon, paths, width, depth, 2 if is_slabs else 1, tries=16):
            scene.line(
                Level.DETAILS, (frame.at(width / 2, -frame_reach(frame, edge)), frame.at(width / 2, 2.0)), 5.0, ASPHALT
            )
            survey.car_park(rng, frame, width, rows, patchwork(rng, (ASPHALT, ASPHALT_OLD, BRICKS), (3, 2, 2)), 0.6)
            paths = shapely.union(paths, Polygon(frame.rectangle(0, 0, width, depth)))
    for frame in spots(rng, block.polygon, paths, 11.0, 9.0, 1):
        _playground(survey, frame, rng)
        paths = shapely.union(paths, Polygon(frame.rectangle(0, 0, 11, 9)))
    survey.scatter(
        rng, block.polygon.buffer(-2.0).difference(paths.buffer(1.5)), int(block.polygon.area / 210), 1.8, 5.4
    )


def frame_reach(frame: Frame, edge: LineString) -> float:
    """Return how far a frame lies behind the building line."""
    return edge.distance(ShapelyPoint(frame.origin))


def _playground(survey: Survey, frame: Frame, rng: random.Random) -> None:
    middle = frame.at(5.0, 4.5)
    survey.scene.fill(Level.DETAILS, blob(rng, *middle, 5.0), GRAVEL.mixed(SAND, 0.4))
    survey.scene.fill(Level.DETAILS, blob(rng, *frame.at(3.4, 4.0), 2.2), SAND)
    for u, v in ((7.0, 3.0), (6.0, 6.5)):
        thing = frame.rectangle(u, v, u + 1.6, v + 1.2)
        survey.scene.block_of(thing, 2.2)
        survey.scene.fill(Level.CARS, thing, rng.choice((WOOD, Paint((150, 74, 60, 130), Grain.SMOOTH), METAL)))


def _works(land: _Land) -> None:
    """Draw the yard around halls: a planted rim, asphalt and concrete, entrances, bays, lorries and stores."""
    survey, block, standing, taken, rng = land
    scene = survey.scene
    edge = block.polygon.exterior
    scene.fill(Level.BLOCKS, block.polygon, patchwork(rng, (LAWN, LAWN_DRY, MEADOW), (3, 2, 2)))
    yard = block.polygon.buffer(-rng.uniform(2.4, 4.0), join_style="mitre")
    scene.fill(Level.YARDS, yard, patchwork(rng, (ASPHALT, ASPHALT_OLD, YARD), (3, 2, 2)))
    for _ in range(int(block.polygon.area / 700)):
        x, y = _anywhere(rng, block.polygon)
        slab = LineString([(x, y), (x + rng.uniform(-18, 18), y + rng.uniform(-18, 18))]).buffer(
            rng.uniform(1, 5), cap_style="flat"
        )
        scene.fill(
            Level.YARDS,
            slab.intersection(yard),
            patchwork(rng, (ASPHALT_NEW, ASPHALT_OLD, ASPHALT, CONCRETE, YARD), (3, 3, 3, 1, 2)),
        )
    for building in standing:
        plan = building.draft.parts[0].footprint
        scene.fill(Level.YARDS, plan.buffer(1.6, join_style="mitre").intersection(yard), CONCRETE.lit(0.95))
    for x, y, way in stations(LineString(edge.coords), 62.0, rng.uniform(8, 40)):
        inward = (-way[1], way[0])
        scene.line(
            Level.DETAILS,
            ((x - inward[0] * 3, y - inward[1] * 3), (x + inward[0] * 6, y + inward[1] * 6)),
            7.0,
            ASPHALT,
        )
    free: BaseGeometry = taken.buffer(2.0)
    full = 0.66 if block.use is LandUse.SUPERMARKET else 0.5
    for rows, count in ((4, 1), (2, 2), (1, 3)) if block.use is LandUse.SUPERMARKET else ((2, 1), (1, 3)):
        width = rng.uniform(26, 46) if rows > 1 else rng.uniform(15, 30)
        depth = {1: 5.2, 2: 16.2, 4: 26.4}[rows]
        for frame in spots(rng, yard, free, width, depth, count, tries=30):
            survey.car_park(rng, frame, width, rows, patchwork(rng, (ASPHALT, BRICKS, ASPHALT_NEW), (3, 2, 2)), full)
            free = shapely.union(free, Polygon(frame.rectangle(-1, -1, width + 1, depth + 1)))
            if rows > 1 and rng.random() < 0.8:
                for i in range(int(width / 10)):
                    survey.plant(rng, *frame.at(i * 10 + 5, 5.0), rng.uniform(1.4, 2.4), conifers=0)
    if block.use is not LandUse.SUPERMARKET:
        for frame in spots(rng, yard, free, 13.0, 4.0, 3):
            _lorry(survey, frame, rng)
            free = shapely.union(free, Polygon(frame.rectangle(0, 0, 13, 4)))
        for frame in spots(rng, yard, free, 12.0, 8.0, 3):
            _store(survey, frame, rng)
    rim = block.polygon.difference(yard.buffer(-0.6)).difference(free)
    survey.scatter(rng, rim, int(edge.length / 17), 1.3, 3.6)


def _lorry(survey: Survey, frame: Frame, rng: random.Random) -> None:
    paint = rng.choice(
        (
            Paint((206, 206, 202, 186), Grain.SMOOTH),
            Paint((150, 156, 164, 140), Grain.SMOOTH),
            Paint((112, 72, 62, 110), Grain.SMOOTH),
        )
    )
    survey.scene.block_of(frame.rectangle(0, 0.7, 12.0, 3.2), 3.4)
    survey.scene.fill(Level.CARS, frame.rectangle(0, 0.7, 9.6, 3.2), paint)
    survey.scene.fill(
        Level.CARS,
        frame.rectangle(10.0, 0.75, 12.0, 3.15),
        rng.choice((paint, METAL, Paint((70, 86, 112, 80), Grain.SMOOTH))),
    )


def _store(survey: Survey, frame: Frame, rng: random.Random) -> None:
    colours = ((128, 72, 60, 118), (84, 98, 112, 96), (150, 148, 140, 134), (92, 106, 92, 108), (166, 142, 104, 150))
    for k in range(rng.randint(1, 3)):
        box = frame.rectangle(0, k * 2.6, 6.1 if rng.random() < 0.5 else 12.0, k * 2.6 + 2.4)
        survey.scene.block_of(box, 2.6)
        survey.scene.fill(Level.CARS, box, Paint(rng.choice(colours), Grain.SMOOTH).lit(rng.uniform(0.9, 1.1)))


def _school(land: _Land) -> None:
    """Draw a schoolyard, greens and a pitch."""
    survey, block, _, taken, rng = land
    scene = survey.scene
    scene.fill(Level.BLOCKS, block.polygon, LAWN)
    yard = taken.buffer(13.0).intersection(block.polygon)
    scene.fill(Level.YARDS, yard, patchwork(rng, (ASPHALT_OLD, SLABS, YARD), (3, 2, 2)))
    for _ in range(5):
        x, y = _anywhere(rng, block.polygon)
        scene.fill(
            Level.YARDS,
            Polygon(blob(rng, x, y, rng.uniform(3, 8))).intersection(yard),
            patchwork(rng, (ASPHALT, BRICKS, SLABS), (3, 2, 2)),
        )
    free: BaseGeometry = taken.buffer(1.5)
    for width, depth, paint in ((44.0, 26.0, PITCH), (28.0, 16.0, TARTAN), (20.0, 12.0, TARTAN)):
        for frame in spots(rng, block.polygon, free, width, depth, 1, tries=80):
            _pitch(survey, frame, width, depth, paint)
            free = shapely.union(free, Polygon(frame.rectangle(-1, -1, width + 1, depth + 1)))
            break
    for frame in spots(rng, block.polygon, free, 24.0, 11.0, 1):
        survey.car_park(rng, frame, 24.0, 1, BRICKS, 0.7)
        free = shapely.union(free, Polygon(frame.rectangle(0, 0, 24, 11)))
    survey.scatter(
        rng, block.polygon.buffer(-1.5).difference(free.buffer(1.0)), int(block.polygon.area / 300), 2.0, 5.2
    )


def _pitch(survey: Survey, frame: Frame, width: float, depth: float, paint: Paint) -> None:
    scene = survey.scene
    scene.fill(Level.DETAILS, frame.rectangle(0, 0, width, depth), paint)
    if paint is PITCH:
        for i in range(0, int(width / 4), 2):
            scene.fill(Level.DETAILS, frame.rectangle(i * 4, 0, i * 4 + 4, depth), paint.lit(1.05))
    inner = (
        frame.at(1, 1),
        frame.at(width - 1, 1),
        frame.at(width - 1, depth - 1),
        frame.at(1, depth - 1),
        frame.at(1, 1),
    )
    scene.line(Level.MARKINGS, inner, 0.12, MARKING)
    scene.line(Level.MARKINGS, (frame.at(width / 2, 1), frame.at(width / 2, depth - 1)), 0.12, MARKING)
    ring = ShapelyPoint(frame.at(width / 2, depth / 2)).buffer(depth / 8)
    scene.line(Level.MARKINGS, ring.exterior, 0.12, MARKING)
    for u in (1.0, width - 1.0 - depth / 6):
        box = frame.rectangle(u, depth * 0.28, u + depth / 6, depth * 0.72)
        scene.line(Level.MARKINGS, [*box, box[0]], 0.12, MARKING)


def _square(land: _Land) -> None:
    """Draw a square or a churchyard: paving in fields, trees around, stalls on market day."""
    survey, block, _, taken, rng = land
    scene = survey.scene
    is_church = block.use is LandUse.CHURCH
    scene.fill(Level.BLOCKS, block.polygon, LAWN if is_church else BRICKS.mixed(SLABS, 0.4))
    if is_church:
        scene.fill(Level.YARDS, taken.buffer(6.5).intersection(block.polygon), COBBLES)
        middle = block.polygon.representative_point()
        for x, y, _ in stations(LineString(block.polygon.exterior.coords), 38.0, 12.0):
            scene.line(Level.DETAILS, ((x, y), (middle.x, middle.y)), 2.2, GRAVEL)
    else:
        west, south, east, north = block.polygon.bounds
        for lines in (np.arange(west - 60, east + 60, 6.0), ()):
            for x in lines:
                strip = LineString([(x, south - 5), (x + 40, north + 5)]).intersection(block.polygon)
                scene.line(Level.YARDS, strip, 0.4, SLABS.lit(1.06))
    free: BaseGeometry = taken.buffer(2.5)
    if block.use is LandUse.TOWN_HALL:
        for frame in spots(rng, block.polygon, free, 30.0, 14.0, 2, tries=60):
            for i in range(6):
                for k in range(2):
                    if rng.random() < 0.8:
                        stall = frame.rectangle(i * 5, k * 8, i * 5 + 3.6, k * 8 + 2.6)
                        colours = ((208, 204, 194, 186), (158, 96, 82, 150), (112, 128, 112, 140), (206, 190, 150, 180))
                        scene.block_of(stall, 2.6)
                        scene.fill(Level.CARS, stall, Paint(rng.choice(colours), Grain.SMOOTH))
            free = shapely.union(free, Polygon(frame.rectangle(0, 0, 30, 14)))
    if block.use in (LandUse.STATION, LandUse.FIRE_STATION):
        for frame in spots(rng, block.polygon, free, 25.0, 16.0, 2):
            survey.car_park(rng, frame, 25.0, 2, BRICKS, 0.75)
            free = shapely.union(free, Polygon(frame.rectangle(0, 0, 25, 16)))
    inner = block.polygon.buffer(-3.5)
    for part in shapely.get_parts(inner):
        for x, y, _ in stations(LineString(part.exterior.coords), 9.5, 4.0):
            if rng.random() < 0.8 and not free.contains(ShapelyPoint(x, y)):
                survey.plant(rng, x, y, rng.uniform(2.6, 4.6), conifers=0)
    if is_church:
        survey.scatter(rng, block.polygon.difference(taken.buffer(6.0)), int(block.polygon.area / 260), 2.6, 5.8)


def _garden_home(land: _Land) -> None:
    """Draw the grounds of a home or a day-care centre: lawns, winding paths, beds, play."""
    survey, block, standing, taken, rng = land
    scene = survey.scene
    edge = block.polygon.exterior
    scene.fill(Level.BLOCKS, block.polygon, LAWN_LUSH)
    scene.fill(Level.YARDS, taken.buffer(2.4).intersection(block.polygon), SLABS)
    ring = shapely.buffer(taken.convex_hull, 6.0).boundary
    scene.line(Level.DETAILS, ring.intersection(block.polygon), 1.8, GRAVEL)
    for building in standing:
        if building.draft.door is not None:
            door = ShapelyPoint(building.draft.door)
            gate = edge.interpolate(edge.project(door))
            scene.line(Level.DETAILS, ((door.x, door.y), (gate.x, gate.y)), 3.0, SLABS)
    free: BaseGeometry = taken.buffer(2.5)
    for frame in spots(rng, block.polygon, free, 22.0, 11.0, 2):
        survey.car_park(rng, frame, 22.0, 1, BRICKS, 0.6)
        free = shapely.union(free, Polygon(frame.rectangle(0, 0, 22, 11)))
    for frame in spots(rng, block.polygon, free, 11.0, 9.0, 3):
        _playground(survey, frame, rng)
        free = shapely.union(free, Polygon(frame.rectangle(0, 0, 11, 9)))
    _garden(survey, block.polygon.buffer(-2.0).difference(free.buffer(1.0)), rng)
    survey.scatter(rng, block.polygon.difference(free), int(block.polygon.area / 240), 2.0, 5.4)


def _park(land: _Land) -> None:
    """Draw a park: meadows, paths, groups of old trees, allotments along one front."""
    survey, block, _, _, rng = land
    scene = survey.scene
    scene.fill(Level.BLOCKS, block.polygon, MEADOW)
    inner = block.polygon.buffer(-16.0)
    middle = block.polygon.representative_point()
    for x, y, _ in stations(LineString(block.polygon.exterior.coords), 55.0, 20.0):
        scene.line(
            Level.DETAILS,
            ((x, y), (middle.x + (x - middle.x) * 0.4, middle.y + (y - middle.y) * 0.4), (middle.x, middle.y)),
            2.6,
            GRAVEL,
        )
    for part in shapely.get_parts(inner):
        if part.geom_type == "Polygon" and not part.is_empty:
            scene.fill(Level.YARDS, part.intersection(Polygon(blob(rng, *_anywhere(rng, part), 30.0))), LAWN_LUSH)
            scene.line(Level.DETAILS, part.exterior, 2.4, GRAVEL)
    for line in frontages(block.polygon, 40.0)[:1]:
        u = 2.0
        while u + 14 < line.length:
            plot = line.frame.moved(u, 1.0)
            allotment(survey, plot, 13.0, 17.0, rng)
            u += 14.5
    survey.scatter(rng, block.polygon.buffer(-4), int(block.polygon.area / 190), 3.0, 6.4)


def allotment(survey: Survey, frame: Frame, width: float, depth: float, rng: random.Random) -> None:
    """Draw an allotment: lawn, beds in rows, a path, a hedge."""
    scene = survey.scene
    scene.fill(
        Level.DETAILS, frame.rectangle(0, 0, width, depth), patchwork(rng, (LAWN, LAWN_LUSH, LAWN_DRY), (3, 3, 2))
    )
    for k in range(int(depth / 2.2)):
        if rng.random() < 0.6:
            start = rng.uniform(0.5, width * 0.5)
            scene.fill(
                Level.DETAILS,
                frame.rectangle(start, k * 2.2, start + rng.uniform(2, width * 0.45), k * 2.2 + 1.3),
                patchwork(rng, (SOIL, BED, BED.mixed(SOIL, 0.5)), (3, 3, 3)),
            )
    scene.line(Level.DETAILS, (frame.at(width / 2, 0), frame.at(width / 2, depth)), 0.9, SLABS)
    box = frame.rectangle(0, 0, width, depth)
    survey.hedge(LineString([box[1], box[2], box[3], box[0]]), 0.7, 1.3)
    for _ in range(rng.randint(1, 3)):
        survey.plant(rng, *frame.at(rng.uniform(1, width - 1), rng.uniform(1, depth - 1)), rng.uniform(1.0, 2.6))


_DRAWN: dict[LandUse, Callable[[_Land], None]] = {
    LandUse.OLD_TOWN: _courts, LandUse.PERIMETER: _courts, LandUse.TERRACES: _gardens, LandUse.DETACHED: _gardens,
    LandUse.ROWS: _green, LandUse.SLABS: _green, LandUse.COMMERCE: _works, LandUse.SUPERMARKET: _works,
    LandUse.CHURCH: _square, LandUse.TOWN_HALL: _square, LandUse.STATION: _square, LandUse.FIRE_STATION: _square,
    LandUse.SCHOOL: _school, LandUse.KINDERGARTEN: _garden_home, LandUse.CARE_HOME: _garden_home, LandUse.PARK: _park,
}  # fmt: skip
