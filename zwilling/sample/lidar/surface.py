"""What a ray can hit from above: roofs, cars, huts and hedges as planes, found in a raster of their numbers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import shapely
from numpy.typing import NDArray

from zwilling.rasters import Rectangle, Window
from zwilling.sample.chance import chance
from zwilling.sample.ground.drawing_up import camera, survey_of
from zwilling.sample.ground.palette import Grain
from zwilling.sample.ground.picture import drawn
from zwilling.sample.ground.survey import Survey
from zwilling.sample.ground.town import Town
from zwilling.sample.model import Building
from zwilling.sample.solids import Surface as Kind
from zwilling.sample.terrain import RIVER_HALF_WIDTH, RIVER_LEVEL, elevation, river_line
from zwilling.sample.trees import Tree

CELL = 0.25
PER_METRE = 4
MARGIN = 32
"""Metres around what is wanted: so far a tower hides the ground behind it, and a crown leans over an edge."""
_STRIP = 1000  # rows of cells that are painted at once
_LEAST_UPRIGHT = 0.03  # of a face's unit normal; what is steeper is a wall to a scanner


class Hit(IntEnum):
    """What a plane belongs to."""

    GROUND = 0
    SHAFT = 1
    HEDGE = 2
    BODY = 3
    ROOF = 4


@dataclass(frozen=True, slots=True)
class Surfaces:
    """Everything opaque in a window; row 0 is the southernmost.

    Attributes:
        west, south: corner of the rasters.
        numbers: which plane is uppermost in each cell; 0 is the ground.
        planes: shape (n, 3): height = a (x - west) + b (y - south) + c.
        kinds: `Hit` of each plane.
        ink: number of the paint of each cell.
        reflectance: of each paint in the near infrared, 0 to 255.
        is_water: of each paint.
        trees: shape (n, 6): x - west, y - south, height of the ground, height of the tree, radius, 1 for a conifer;
            from low to high.
    """

    west: float
    south: float
    numbers: NDArray[np.int32]
    planes: NDArray[np.float64]
    kinds: NDArray[np.uint8]
    ink: NDArray[np.uint16]
    reflectance: NDArray[np.float32]
    is_water: NDArray[np.bool_]
    trees: NDArray[np.float64]

    def ground(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the height of the ground or the water at places counted from the corner."""
        return ground_or_water(x + self.west, y + self.south)

    def tops(self, row: int, rows: int) -> NDArray[np.float32]:
        """Return the heights at the centres of some rows of cells, the ground's to the metre."""
        numbers = self.numbers[row : row + rows]
        x = np.arange(numbers.shape[1] // PER_METRE) + 0.5
        y = np.arange(row // PER_METRE, (row + rows) // PER_METRE) + 0.5
        coarse = self.ground(*np.meshgrid(x, y)).astype(np.float32)
        heights = np.repeat(np.repeat(coarse, PER_METRE, axis=0), PER_METRE, axis=1)
        rows_of, columns_of = np.nonzero(numbers)
        a, b, c = self.planes[numbers[rows_of, columns_of]].T
        heights[rows_of, columns_of] = a * (columns_of + 0.5) * CELL + b * (rows_of + row + 0.5) * CELL + c
        return heights


def ground_or_water(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the height of the terrain, and of the water where the river covers it."""
    height = elevation(x, y)
    in_river = np.abs(x - river_line(y)) < RIVER_HALF_WIDTH + 5.0
    return np.where(in_river, np.maximum(height, RIVER_LEVEL), height)


def surfaces(area: Rectangle, count: int, seed: int) -> Surfaces:
    """Return what rays can hit in an area, whole metres, and `MARGIN` around it."""
    from rasterio import Affine
    from rasterio.features import rasterize

    box = area.grown(MARGIN)
    width, height = round(box.east - box.west) * PER_METRE, round(box.north - box.south) * PER_METRE
    survey, eye = survey_of(count, seed), camera(count, seed)
    shapes: list[tuple[dict[str, object], int]] = []
    planes, kinds = [(0.0, 0.0, 0.0)], [int(Hit.GROUND)]
    for rings, plane, kind in (*_low(survey, box), *_roofs(survey.town, box)):
        shapes.append(({"type": "Polygon", "coordinates": rings}, len(planes)))
        planes.append(plane)
        kinds.append(int(kind))
    numbers = np.zeros((height, width), np.int32)
    if shapes:
        # Later shapes lie upon earlier ones.
        rasterize(shapes, out=numbers, transform=Affine(CELL, 0.0, box.west, 0.0, -CELL, box.north))
    ink = np.empty((height, width), np.uint16)
    for top in range(0, height, _STRIP):
        rows = min(_STRIP, height - top)
        frame = Window(box.west, box.north - top * CELL, CELL, width, rows)
        ink[top : top + rows] = drawn(eye.shapes, frame, "I")
    colours, grains = survey.scene.palette.tables()
    return Surfaces(
        box.west,
        box.south,
        numbers[::-1],
        np.array(planes),
        np.array(kinds, np.uint8),
        ink[::-1],
        colours[:, 3].astype(np.float32),
        grains == Grain.WATER,
        _trees(survey.trees, box),
    )


_Rings = list[list[tuple[float, float]]]
_Plane = tuple[float, float, float]


def _roofs(town: Town, box: Rectangle) -> list[tuple[_Rings, _Plane, Hit]]:
    """Return the roof faces of all buildings near, low parts first."""
    frame = shapely.box(box.west, box.south, box.east, box.north)
    near = town.footprints.query(frame)
    owners = [(building, part) for building in town.buildings for part in building.draft.parts]
    found = []
    for building, part in sorted((owners[int(i)] for i in sorted(near)), key=lambda pair: pair[1].height):
        for face in part.faces:
            if face.surface is not Kind.ROOF:
                continue
            ring = np.array(face.rings[0])
            plane = _plane(ring, box, building.ground)
            if plane is not None:
                rings = [[(x, y) for x, y, _ in (*r, r[0])] for r in face.rings]
                found.append((rings, plane, Hit.ROOF))
    return found


def _plane(ring: NDArray[np.float64], box: Rectangle, ground: float) -> _Plane | None:
    local = ring - ring[0]
    normal = np.cross(local, np.roll(local, -1, axis=0)).sum(axis=0)
    if normal[2] < _LEAST_UPRIGHT * float(np.linalg.norm(normal)):
        return None
    a, b = float(-normal[0] / normal[2]), float(-normal[1] / normal[2])
    x, y, z = ring[0].tolist()
    return a, b, z + ground - a * (x - box.west) - b * (y - box.south)


def _low(survey: Survey, box: Rectangle) -> list[tuple[_Rings, _Plane, Hit]]:
    """Return cellar shafts, hedges and fences, then cars and huts, in the order in which they lie upon each other."""
    found: list[tuple[_Rings, _Plane, Hit]] = []
    for building in survey.town.buildings:
        x, y = building.reference_point
        if box.west < x < box.east and box.south < y < box.north:
            shaft = _shaft(building, survey.town)
            if shaft is not None:
                found.append(([shaft[0]], (0.0, 0.0, shaft[1]), Hit.SHAFT))
    bodies = sorted(survey.scene.bodies, key=lambda body: body.width == 0.0)
    middles = np.array([body.coords.mean(axis=0) for body in bodies]).reshape(-1, 2)
    heights = elevation(middles[:, 0], middles[:, 1])
    for body, height in zip(bodies, heights, strict=True):
        low, high = body.coords.min(axis=0), body.coords.max(axis=0)
        if low[0] > box.east or high[0] < box.west or low[1] > box.north or high[1] < box.south:
            continue
        if body.width:
            found += _hedge(body.coords, body.width, body.height)
        else:
            ring = [(float(a), float(b)) for a, b in (*body.coords, body.coords[0])]
            found.append(([ring], (0.0, 0.0, float(height) + body.height), Hit.BODY))
    return found


def _hedge(line: NDArray[np.float64], width: float, height: float) -> list[tuple[_Rings, _Plane, Hit]]:
    """Return the top of a hedge or a fence."""
    found: list[tuple[_Rings, _Plane, Hit]] = []
    # A fence is thinner than a cell; the scanner sees it where a cell's centre happens to lie in it.
    area = shapely.buffer(shapely.linestrings(line), width / 2, cap_style="flat", quad_segs=2)
    for part in shapely.get_parts(area):
        if part.geom_type != "Polygon" or part.is_empty:
            continue
        rings = [[(float(x), float(y)) for x, y in ring.coords] for ring in (part.exterior, *part.interiors)]
        x, y = line.mean(axis=0)
        found.append((rings, (0.0, 0.0, float(elevation(np.array([x]), np.array([y]))[0]) + height), Hit.HEDGE))
    return found


def _shaft(building: Building, town: Town) -> tuple[list[tuple[float, float]], float] | None:
    """Return the outline of a building's cellar stairs and the height of their foot, for one in twelve houses."""
    rng = chance(town.seed, "shaft", building.alkis_id)
    if building.address is None or rng.random() > 0.085:
        return None
    coords = shapely.get_coordinates(building.draft.parts[0].footprint.exterior)
    sides = np.hypot(*(coords[1:] - coords[:-1]).T)
    i = int(np.argmax(sides))
    if sides[i] < 4.0:
        return None
    way = (coords[i + 1] - coords[i]) / sides[i]
    outward = np.array((way[1], -way[0]))
    start = coords[i] + way * (sides[i] - 3.0) * rng.uniform(0.1, 0.9) + outward * 0.1
    corners = [start, start + way * 3.0, start + way * 3.0 + outward * 1.2, start + outward * 1.2]
    outline = [(float(x), float(y)) for x, y in (*corners, corners[0])]
    if len(town.footprints.query(shapely.Polygon(outline), predicate="intersects")):
        return None
    return outline, building.ground - rng.uniform(1.7, 2.3)


def _trees(trees: list[Tree], box: Rectangle) -> NDArray[np.float64]:
    near = [
        tree
        for tree in sorted(trees, key=lambda tree: (tree.height, tree.x, tree.y))
        if box.west < tree.x < box.east and box.south < tree.y < box.north
    ]
    x, y = np.array([tree.x for tree in near]), np.array([tree.y for tree in near])
    ground = elevation(x, y) if near else x
    rest = np.array([(tree.height, tree.radius, float(tree.is_conifer)) for tree in near]).reshape(-1, 3)
    return np.column_stack([x - box.west, y - box.south, ground, rest])
