"""The sheet on which the ground is drawn up: town, scene, trees, and what may not be planted on."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely
from shapely.geometry import LineString, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient

from zwilling.sample.ground.palette import CAR_WEIGHTS, CARS, GLASS, HEDGE, MARKING, Paint
from zwilling.sample.ground.scene import SHADOW, Body, Level, Scene
from zwilling.sample.ground.town import Town
from zwilling.sample.houses import Frame
from zwilling.sample.siting import frontages
from zwilling.sample.solids import Point
from zwilling.sample.trees import Tree


@dataclass(slots=True)
class Survey:
    """Town, scene and trees while they are drawn up."""

    town: Town
    scene: Scene = field(default_factory=Scene)
    trees: list[Tree] = field(default_factory=list)

    def plant(self, rng: random.Random, x: float, y: float, radius: float, *, conifers: float = 0.06) -> bool:
        """Plant a tree unless a building is too near; return whether it was planted."""
        clear = shapely.Point(x, y).buffer(radius * 0.72 + 0.4, quad_segs=2)
        if len(self.town.footprints.query(clear, predicate="intersects")):
            return False
        is_conifer = rng.random() < conifers
        height = radius * rng.uniform(2.0, 2.8) + 1.0 if not is_conifer else radius * rng.uniform(3.4, 4.6)
        self.trees.append(Tree(round(x, 2), round(y, 2), round(min(height, 24.0), 1), round(radius, 2), is_conifer))
        return True

    def scatter(self, rng: random.Random, area: BaseGeometry, count: int, low: float, high: float) -> None:
        """Plant up to `count` trees anywhere in an area."""
        if area.is_empty:
            return
        west, south, east, north = area.bounds
        shapely.prepare(area)
        planted = 0
        for _ in range(count * 6):
            if planted >= count:
                return
            x, y = rng.uniform(west, east), rng.uniform(south, north)
            if shapely.contains_xy(area, x, y):
                planted += self.plant(rng, x, y, rng.uniform(low, high))

    def hedge(self, line: BaseGeometry, width: float, height: float, paint: Paint = HEDGE) -> None:
        """Draw a hedge, a wall or a fence with its shadow."""
        for part in shapely.get_parts(line):
            if part.geom_type != "LineString" or part.length < 0.8:
                continue
            self.scene.line(Level.FENCES, part, width, paint)
            coords = shapely.get_coordinates(part)
            self.scene.bodies.append(Body(coords, height, width))
            for a, b in itertools.pairwise(coords):
                top = (a[0] + SHADOW[0] * height, a[1] + SHADOW[1] * height)
                end = (b[0] + SHADOW[0] * height, b[1] + SHADOW[1] * height)
                self.scene.shade(np.array([a, b, end, top]))

    def car(self, rng: random.Random, x: float, y: float, way: Point) -> None:
        """Park a car, its front towards `way`."""
        if rng.random() < 0.5:
            way = (-way[0], -way[1])
        long, wide = rng.uniform(3.9, 4.8), rng.uniform(1.72, 1.88)
        if rng.random() < 0.06:
            long, wide = rng.uniform(5.0, 6.4), 2.0
        paint = rng.choices(CARS, CAR_WEIGHTS)[0]
        frame = Frame((x, y), way, (-way[1], way[0]))
        half, side = long / 2, wide / 2
        nose = 0.35
        body = [frame.at(-half, -side), frame.at(half - nose, -side), frame.at(half, -side + 0.3),
                frame.at(half, side - 0.3), frame.at(half - nose, side), frame.at(-half, side)]  # fmt: skip
        self.scene.shade_of(frame.rectangle(-half, -side, half, side), 1.3)
        self.scene.fill(Level.CARS, body, paint)
        self.scene.bodies.append(Body(np.array(body, np.float64), 0.9 if long < 4.9 else 1.2))
        cabin = frame.rectangle(-half + 0.45, -side + 0.25, half - 1.35, side - 0.25)
        self.scene.fill(Level.CARS, cabin, GLASS.mixed(paint, 0.2))
        roof = frame.rectangle(-half + 0.85, -side + 0.3, half - 1.95, side - 0.3)
        self.scene.fill(Level.CARS, roof, paint.lit(1.1))
        self.scene.bodies.append(Body(np.array(cabin, np.float64), 1.48 if long < 4.9 else 2.2))

    def car_park(self, rng: random.Random, frame: Frame, width: float, rows: int, paint: Paint, full: float) -> None:
        """Draw a car park: an aisle with bays on both sides for every two rows."""
        bay, deep, aisle = 2.5, 5.0, 6.0
        count = int(width / bay)
        v = 0.0
        for row in range(rows):
            self.scene.fill(
                Level.DETAILS, frame.rectangle(0, v - (aisle if row % 2 else 0), count * bay, v + deep), paint
            )
            ends = np.array([[frame.at(i * bay, v), frame.at(i * bay, v + deep)] for i in range(count + 1)])
            self.scene.hatch(Level.MARKINGS, ends, 0.12, MARKING)
            for i in range(count):
                if rng.random() < full:
                    self.car(rng, *frame.at((i + 0.5) * bay, v + deep / 2 + rng.uniform(-0.3, 0.3)), frame.inward)
            v += deep + (aisle if row % 2 == 0 else 0.0)


def stations(line: LineString, spacing: float, start: float = 0.0) -> Iterator[tuple[float, float, Point]]:
    """Yield places along a line with the direction there."""
    if line.length < start + 1.0:
        return
    at = np.arange(start, line.length - 0.5, spacing)
    here = shapely.get_coordinates(shapely.line_interpolate_point(line, at))
    before = shapely.get_coordinates(shapely.line_interpolate_point(line, np.maximum(at - 0.5, 0.0)))
    after = shapely.get_coordinates(shapely.line_interpolate_point(line, np.minimum(at + 0.5, line.length)))
    for (x, y), (dx, dy) in zip(here.tolist(), (after - before).tolist(), strict=True):
        length = math.hypot(dx, dy) or 1.0
        yield x, y, (dx / length, dy / length)


def spots(
    rng: random.Random, block: Polygon, taken: BaseGeometry, width: float, depth: float, count: int, *, tries: int = 40
) -> Iterator[Frame]:
    """Yield frames of free rectangles in a block, along its fronts; the caller need not say what it has taken."""
    lines = frontages(orient(block), min(width, 14.0))
    land = block.buffer(-0.4)
    found = 0
    mine: list[Polygon] = []
    for _ in range(tries if lines else 0):
        line = rng.choices(lines, [line.length for line in lines])[0]
        if line.length <= width:
            continue
        frame = line.frame.moved(rng.uniform(0, line.length - width), rng.uniform(0.6, 26.0))
        area = Polygon(frame.rectangle(0, 0, width, depth))
        if not land.contains(area) or area.intersects(taken) or any(area.intersects(other) for other in mine):
            continue
        mine.append(area)
        yield frame
        found += 1
        if found >= count:
            return


def blob(rng: random.Random, x: float, y: float, radius: float, corners: int = 11) -> list[Point]:
    """Return an irregular round outline."""
    start = rng.uniform(0, 6.28)
    points = []
    for i in range(corners):
        angle, reach = start + 2 * math.pi * i / corners, radius * rng.uniform(0.78, 1.18)
        points.append((x + reach * math.cos(angle), y + reach * math.sin(angle)))
    return points


def patchwork(rng: random.Random, paints: Sequence[Paint], weights: Sequence[float]) -> Paint:
    """Return one of the paints, a little lighter or darker."""
    return rng.choices(paints, weights)[0].lit(rng.uniform(0.94, 1.07))
