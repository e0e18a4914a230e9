"""Closed solids of buildings: walls, roof, ground, and the closure surfaces between joined parts.

Plan coordinates are metres in EPSG:25832, heights are metres above the ground of the building.  Every
coordinate is rounded to a millimetre when its vertex is made and shared from then on, so that solids stay
watertight in a file with three decimals.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from shapely.geometry import Polygon

Point = tuple[float, float]
Vertex = tuple[float, float, float]
Ring = tuple[Vertex, ...]


class Surface(Enum):
    """The thematic class of a face; the value is the CityGML element without its suffix `Surface`."""

    GROUND = "Ground"
    WALL = "Wall"
    ROOF = "Roof"
    CLOSURE = "Closure"


class RoofType(Enum):
    """AdV code list of roof forms, as far as the quarter uses it."""

    FLAT = "1000"
    PENT = "2100"
    OFFSET_PENT = "2200"
    GABLE = "3100"
    HIP = "3200"
    HALF_HIP = "3300"
    MANSARD = "3400"
    TENT = "3500"
    SHED = "3800"
    BARREL = "3900"
    TOWER = "4000"
    MIXED = "5000"


@dataclass(frozen=True, slots=True)
class Face:
    """A planar polygon with outward normal: the outer ring runs counter-clockwise seen from outside, holes clockwise.

    Rings are not closed: the first vertex is not repeated.
    """

    surface: Surface
    rings: tuple[Ring, ...]


@dataclass(frozen=True, slots=True)
class Solid:
    """A closed shell of faces over a flat ground at height 0."""

    roof_type: RoofType
    faces: tuple[Face, ...]

    @property
    def height(self) -> float:
        """Highest vertex above the ground, metres."""
        return max(vertex[2] for face in self.faces for ring in face.rings for vertex in ring)

    @property
    def footprint(self) -> Polygon:
        """Plan of the ground surface."""
        ground = next(face for face in self.faces if face.surface is Surface.GROUND)
        outer, *holes = [[(x, y) for x, y, _ in reversed(ring)] for ring in ground.rings]
        return Polygon(outer, holes)

    def typed(self, roof_type: RoofType) -> Solid:
        """Return the same solid under another roof type."""
        return replace(self, roof_type=roof_type)


@dataclass(frozen=True, slots=True)
class End:
    """How the roof of a strip ends: `inset` 0 is a gable; `fraction` is how far up the gable wall still reaches.

    A hip has fraction 0, a half-hip (Krüppelwalm) something between 0 and 1.
    """

    inset: float = 0.0
    fraction: float = 0.0


GABLE_END = End()

Profile = Sequence[tuple[float, float]]


def vertex(x: float, y: float, z: float) -> Vertex:
    """Return the vertex on the millimetre grid."""
    return round(x, 3), round(y, 3), round(z, 3)


def strip(
    nodes: Sequence[Point],
    profile: Profile,
    roof_type: RoofType,
    *,
    start: End = GABLE_END,
    end: End = GABLE_END,
    start_across: Point | None = None,
    end_across: Point | None = None,
    is_closed: bool = False,
) -> Solid:
    """Return the solid that a cross-section leaves when it is drawn along a line.

    Most houses are this: a gable roof is a profile of three points, a pent roof one of two, a mansard roof
    one of five; bends give L- and U-shapes with hip and valley, a closed line gives a building around a courtyard.

    Args:
        nodes: the line, at least two points; three for a closed one, counter-clockwise.
        profile: offsets to the left of the line, not falling, with the height there; two equal offsets
            are a step in the roof.
        roof_type: written into the file.
        start: roof end at the first node; other than a gable only with a profile of three points.
        end: the same at the last node.
        start_across: direction of the end wall to the left; its part along the normal is made 1.
        end_across: the same at the last node.
        is_closed: the line returns to its first node.
    """
    across = _across(nodes, start_across, end_across, is_closed)
    table = [
        [vertex(x + t * ax, y + t * ay, z) for t, z in profile] for (x, y), (ax, ay) in zip(nodes, across, strict=True)
    ]
    floor_right = [(row[0][0], row[0][1], 0.0) for row in table]
    floor_left = [(row[-1][0], row[-1][1], 0.0) for row in table]
    count, last = len(nodes), len(profile) - 1
    roofs: list[Face] = []
    walls: list[Face] = []
    start_chain, start_tip, start_break = _roof_end(nodes, profile, table, across, start, at_start=True)
    end_chain, end_tip, end_break = _roof_end(nodes, profile, table, across, end, at_start=False)
    for i in range(count if is_closed else count - 1):
        k = (i + 1) % count
        walls.append(Face(Surface.WALL, ((floor_right[i], floor_right[k], table[k][0], table[i][0]),)))
        walls.append(Face(Surface.WALL, ((floor_left[k], floor_left[i], table[i][last], table[k][last]),)))
        near = start_tip if i == 0 and not is_closed else None
        far = end_tip if k == count - 1 and not is_closed else None
        for j in range(last):
            ring = _roof_ring(table, i, k, j, near, far, start_break, end_break)
            step = profile[j][0] == profile[j + 1][0]
            roofs.append(Face(Surface.WALL if step else Surface.ROOF, (ring,)))
    if is_closed:
        ground: tuple[Ring, ...] = (tuple(reversed(floor_right)), tuple(floor_left))
    else:
        ground = (tuple(reversed([*floor_right, *reversed(floor_left)])),)
        walls.append(Face(Surface.WALL, ((floor_left[0], floor_right[0], *start_chain),)))
        walls.append(Face(Surface.WALL, ((floor_right[-1], floor_left[-1], *reversed(end_chain)),)))
        for tip, cut, row, flip in (
            (start_tip, start_break, table[0], False),
            (end_tip, end_break, table[-1], True),
        ):
            if tip is not None:
                right, left = cut if cut is not None else (row[0], row[2])
                roofs.append(Face(Surface.ROOF, ((right, left, tip) if flip else (left, right, tip),)))
    return Solid(roof_type, (*walls, *roofs, Face(Surface.GROUND, ground)))


def _roof_ring(
    table: list[list[Vertex]],
    i: int,
    k: int,
    j: int,
    near: Vertex | None,
    far: Vertex | None,
    near_break: tuple[Vertex, Vertex] | None,
    far_break: tuple[Vertex, Vertex] | None,
) -> Ring:
    """Return the roof face between two nodes and two profile points; a hip moves the ridge, a half-hip cuts it."""
    ring = [table[i][j], table[k][j]]
    if far is None:
        ring += [table[k][j + 1], table[i][j + 1]]
    elif j == 0:
        ring += [*([far_break[0]] if far_break else []), far, table[i][1]]
    else:
        ring = [table[i][1], far, *([far_break[1]] if far_break else []), table[k][2], table[i][2]]
    if near is not None:
        position = ring.index(table[i][1])
        if j == 0:
            ring[position : position + 1] = [near, *([near_break[0]] if near_break else [])]
        else:
            ring[position] = near
            ring += [near_break[1]] if near_break else []
    return tuple(ring)


def _roof_end(
    nodes: Sequence[Point],
    profile: Profile,
    table: list[list[Vertex]],
    across: list[Point],
    end: End,
    *,
    at_start: bool,
) -> tuple[list[Vertex], Vertex | None, tuple[Vertex, Vertex] | None]:
    """Return the end wall's top from right to left, the ridge's moved tip, and where a half-hip cuts the verges."""
    row = table[0 if at_start else -1]
    if end.inset == 0.0:
        return row, None, None
    if len(profile) != 3:
        raise ValueError(f"a hip needs a profile of 3 points, got {len(profile)}")
    (x0, y0), (x1, y1) = (nodes[0], nodes[1]) if at_start else (nodes[-1], nodes[-2])
    ax, ay = across[0 if at_start else -1]
    length = math.hypot(x1 - x0, y1 - y0)
    share = end.inset / length
    ridge, height = profile[1]
    tip = vertex(x0 + (x1 - x0) * share + ridge * ax, y0 + (y1 - y0) * share + ridge * ay, height)
    if end.fraction == 0.0:
        return [row[0], row[2]], tip, None
    cuts = []
    for t, z in (profile[0], profile[2]):
        offset = t + (ridge - t) * end.fraction
        cuts.append(vertex(x0 + offset * ax, y0 + offset * ay, z + (height - z) * end.fraction))
    return [row[0], cuts[0], cuts[1], row[2]], tip, (cuts[0], cuts[1])


def _across(nodes: Sequence[Point], start: Point | None, end: Point | None, is_closed: bool) -> list[Point]:
    """Return for every node the vector to the left whose part along each neighbouring segment's normal is 1."""
    count = len(nodes)
    normals = []
    for i in range(count if is_closed else count - 1):
        (x0, y0), (x1, y1) = nodes[i], nodes[(i + 1) % count]
        length = math.hypot(x1 - x0, y1 - y0)
        normals.append(((y0 - y1) / length, (x1 - x0) / length))
    vectors = []
    for i in range(count):
        if not is_closed and i in (0, count - 1):
            given, (nx, ny) = (start, normals[0]) if i == 0 else (end, normals[-1])
            ax, ay = given if given is not None else (nx, ny)
            part = ax * nx + ay * ny
            vectors.append((ax / part, ay / part))
        else:
            (px, py), (nx, ny) = normals[i - 1], normals[i]
            part = 1.0 + px * nx + py * ny
            vectors.append(((px + nx) / part, (py + ny) / part))
    return vectors


def prism(
    outline: Sequence[Point],
    height: float | Callable[[float, float], float],
    roof_type: RoofType,
    holes: Iterable[Sequence[Point]] = (),
) -> Solid:
    """Return the solid under one roof plane over any simple polygon: flat for a number, else the plane's function.

    `outline` runs counter-clockwise, `holes` clockwise.
    """
    tops: list[Ring] = []
    floors: list[Ring] = []
    for ring in (outline, *holes):
        tops.append(tuple(vertex(x, y, height(x, y) if callable(height) else height) for x, y in ring))
        floors.append(tuple((x, y, 0.0) for x, y, _ in tops[-1]))
    walls = [
        Face(Surface.WALL, ((floor[i - 1], floor[i], top[i], top[i - 1]),))
        for floor, top in zip(floors, tops, strict=True)
        for i in range(len(floor))
    ]
    ground = Face(Surface.GROUND, tuple(tuple(reversed(ring)) for ring in floors))
    return Solid(roof_type, (*walls, Face(Surface.ROOF, tuple(tops)), ground))


def tent(outline: Sequence[Point], eave: float, apex: Vertex, roof_type: RoofType, open_edge: bool = False) -> Solid:
    """Return the solid with a roof of triangles from the eaves to one apex: tent roof, spire, half-cone of an apse.

    Args:
        outline: convex, counter-clockwise.
        eave: height of the eaves.
        apex: the tip.
        roof_type: written into the file.
        open_edge: the apex stands over the edge from the last point to the first, which gets a gable and no slope.
    """
    top = [vertex(x, y, eave) for x, y in outline]
    floor = [(x, y, 0.0) for x, y, _ in top]
    tip = vertex(*apex)
    faces = []
    for i in range(len(top)):
        if i == 0 and open_edge:
            faces.append(Face(Surface.WALL, ((floor[-1], floor[0], top[0], tip, top[-1]),)))
            continue
        faces.append(Face(Surface.WALL, ((floor[i - 1], floor[i], top[i], top[i - 1]),)))
        faces.append(Face(Surface.ROOF, ((top[i - 1], top[i], tip),)))
    return Solid(roof_type, (*faces, Face(Surface.GROUND, (tuple(reversed(floor)),))))
