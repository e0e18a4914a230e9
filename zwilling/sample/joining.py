"""Parts of one building that touch: closure surfaces where they meet, walls only where one can touch them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import shapely
from shapely.geometry import Polygon
from shapely.geometry.polygon import orient

from zwilling.sample.solids import Face, Point, Ring, Solid, Surface, Vertex, vertex

GRID = 0.001  # metres: coordinates are written with three decimals
TOUCH = 0.004  # metres: farther apart, two walls are not the same wall
SMALLEST = 0.02  # square metres: a narrower contact is none


def join(solids: Sequence[Solid]) -> tuple[Solid, ...]:
    """Return the same solids with closure surfaces in place of the walls they share.

    Where two walls lie in one plane and overlap, both solids get the overlap as a closure surface, each with its own
    outward normal, and keep the rest as wall.  All solids stay watertight: a vertex that appears on an edge of a
    neighbouring face is put into that face too.
    """
    shells = [list(solid.faces) for solid in solids]
    changed: set[int] = set()
    for i in range(len(shells)):
        for k in range(i + 1, len(shells)):
            if _meet(shells[i], shells[k]):
                changed |= {i, k}
    return tuple(
        Solid(solid.roof_type, tuple(_weld(shell))) if i in changed else solid
        for i, (solid, shell) in enumerate(zip(solids, shells, strict=True))
    )


def _meet(first: list[Face], second: list[Face]) -> bool:
    """Replace every shared wall in both shells; return whether there was one."""
    met = False
    while (contact := _contact(first, second)) is not None:
        met = True
        a, b, frame, flat_a, flat_b, pieces = contact
        first.remove(a)
        second.remove(b)
        first += [frame.raise_up(piece, Surface.CLOSURE, 1) for piece in pieces]
        second += [frame.raise_up(piece, Surface.CLOSURE, -1) for piece in pieces]
        rest = shapely.difference(flat_a, flat_b, grid_size=GRID)
        first += [frame.raise_up(piece, Surface.WALL, 1) for piece in _polygons(rest)]
        rest = shapely.difference(flat_b, flat_a, grid_size=GRID)
        second += [frame.raise_up(piece, Surface.WALL, -1) for piece in _polygons(rest)]
        for shell in (first, second):
            shell[:] = [Face(face.surface, tuple(frame.unify(ring) for ring in face.rings)) for face in shell]
    return met


_Contact = tuple[Face, Face, "_Frame", Polygon, Polygon, list[Polygon]]


def _contact(first: list[Face], second: list[Face]) -> _Contact | None:
    """Return the first two walls, one of each shell, that lie face to face."""
    for a in first:
        if a.surface is not Surface.WALL:
            continue
        frame = _Frame(a)
        for b in second:
            if b.surface is not Surface.WALL or not frame.faces(b):
                continue
            flat_a, flat_b = frame.flatten(a), frame.flatten(b)
            pieces = _polygons(shapely.intersection(flat_a, flat_b, grid_size=GRID))
            if sum(piece.area for piece in pieces) >= SMALLEST:
                return a, b, frame, flat_a, flat_b, pieces
    return None


def _polygons(geometry: shapely.Geometry) -> list[Polygon]:
    return [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon" and part.area > 0]


class _Frame:
    """The vertical plane of a wall: s along it as seen from outside, z up."""

    __slots__ = ("aliases", "known", "nx", "ny", "x0", "y0")

    def __init__(self, face: Face) -> None:
        ring = face.rings[0]
        nx, ny = _normal(ring)
        length = math.hypot(nx, ny)
        self.nx, self.ny = nx / length, ny / length
        self.x0, self.y0, _ = ring[0]
        self.known: dict[Point, Vertex] = {}
        # Corners of both walls that fall on one millimetre become one vertex.
        self.aliases: dict[Vertex, Vertex] = {}

    def faces(self, other: Face) -> bool:
        """Return whether the other wall lies in this plane and looks the other way."""
        ring = other.rings[0]
        for x, y, _ in ring:
            if abs((x - self.x0) * self.nx + (y - self.y0) * self.ny) > TOUCH:
                return False
        nx, ny = _normal(ring)
        return nx * self.nx + ny * self.ny < 0

    def flatten(self, face: Face) -> Polygon:
        """Return the wall in the plane's own coordinates."""
        flat = []
        for corner in face.rings[0]:
            s = round((corner[1] - self.y0) * self.nx - (corner[0] - self.x0) * self.ny, 3)
            flat.append((s, corner[2]))
            twin = self.known.setdefault(flat[-1], corner)
            if twin != corner:
                self.aliases[corner] = twin
        return Polygon(flat)

    def unify(self, ring: Ring) -> Ring:
        """Return the ring with twin corners replaced, at any height above the same place."""
        if not self.aliases:
            return ring
        return tuple(self.aliases.get(corner, corner) for corner in ring)

    def raise_up(self, flat: Polygon, surface: Surface, sign: int) -> Face:
        rings: list[Ring] = []
        flat = orient(flat, sign)
        for ring in (flat.exterior, *flat.interiors):
            corners = []
            for s, z in ring.coords[:-1]:
                key = (round(s, 3), round(z, 3))
                corner = self.known.get(key)
                if corner is None:
                    corner = vertex(self.x0 - self.ny * s, self.y0 + self.nx * s, z)
                    self.known[key] = corner
                corners.append(corner)
            rings.append(tuple(corners))
        return Face(surface, tuple(rings))


def _normal(ring: Ring) -> tuple[float, float]:
    """Return the horizontal part of the ring's normal (Newell), twice its area long."""
    nx = ny = 0.0
    x0, y0, z0 = ring[-1]
    for x1, y1, z1 in ring:
        nx += (y0 - y1) * (z0 + z1)
        ny += (z0 - z1) * (x0 + x1 - 2 * ring[0][0])
        x0, y0, z0 = x1, y1, z1
    return nx, ny


def _weld(faces: list[Face]) -> list[Face]:
    """Return the faces with every vertex of the shell put into the edges on which it lies."""
    corners = {corner for face in faces for ring in face.rings for corner in ring}
    return [Face(face.surface, tuple(_fill(ring, corners) for ring in face.rings)) for face in faces]


def _fill(ring: Ring, corners: set[Vertex]) -> Ring:
    filled: list[Vertex] = []
    previous = ring[-1]
    for corner in ring:
        dx, dy, dz = corner[0] - previous[0], corner[1] - previous[1], corner[2] - previous[2]
        square = dx * dx + dy * dy + dz * dz
        inside = []
        for other in corners:
            ox, oy, oz = other[0] - previous[0], other[1] - previous[1], other[2] - previous[2]
            share = (ox * dx + oy * dy + oz * dz) / square
            if 0.0 < share < 1.0 and other not in ring:
                off = (ox - share * dx) ** 2 + (oy - share * dy) ** 2 + (oz - share * dz) ** 2
                if off < TOUCH * TOUCH:
                    inside.append((share, other))
        filled += [other for _, other in sorted(inside)]
        filled.append(corner)
        previous = corner
    return tuple(filled)
