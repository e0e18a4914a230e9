"""Roofs: tiles by building, light by slope, ridges, gutters, chimneys, skylights, solar panels; and shadows."""

from __future__ import annotations

import math
import random

import numpy as np
import shapely
import shapely.affinity
from numpy.typing import NDArray

from zwilling.sample.chance import chance
from zwilling.sample.ground.palette import (
    CHIMNEY,
    CONCRETE,
    FLAT_ROOFS,
    GLASS,
    LAWN,
    METAL,
    PITCHED_ROOFS,
    SLABS,
    SOLAR,
    Paint,
)
from zwilling.sample.ground.scene import SHADOW, SUN, Level
from zwilling.sample.ground.survey import Survey
from zwilling.sample.model import Building
from zwilling.sample.solids import Face, RoofType, Solid, Surface

_HALLS = (FLAT_ROOFS[3], FLAT_ROOFS[4], PITCHED_ROOFS[6])
_LONG = 0.33  # of a roof tile, metres


def draw_building(survey: Survey, building: Building, near: int) -> None:
    """Draw a building's roofs and shadow; `near` is the same for neighbours, whose roofs are often alike."""
    seed = survey.town.seed
    rng = chance(seed, "roof", building.alkis_id)
    shared = chance(seed, "roofs", near)
    weights = [6, 5, 5, 3, 3, 2, 2]
    weights[shared.randrange(7)] += 14
    pitched = rng.choices(PITCHED_ROOFS, weights)[0].lit(rng.uniform(0.93, 1.07))
    flat = rng.choices(FLAT_ROOFS, (5, 4, 4, 3, 2, 2))[0].lit(rng.uniform(0.94, 1.06))
    if building.draft.function.startswith(("31001_21", "31001_20")):
        pitched = rng.choice(_HALLS).lit(rng.uniform(0.95, 1.05))
    is_monument = building.draft.year is not None and building.draft.year < 1900
    solar = not is_monument and rng.random() < (0.2 if building.draft.storeys == 3 else 0.8)
    for part in sorted(building.draft.parts, key=lambda solid: solid.height):
        cast(survey, part)
        survey.scene.lift(part.footprint)
        is_flat = part.roof_type is RoofType.FLAT
        for face in part.faces:
            if face.surface is Surface.ROOF:
                _face(survey, face, flat if is_flat else pitched, rng, part, solar=solar)


def cast(survey: Survey, part: Solid) -> None:
    """Cast the shadow of a solid: of every wall and roof face, which together are its silhouette."""
    for face in part.faces:
        if face.surface in (Surface.WALL, Surface.ROOF):
            ring = np.array(face.rings[0], np.float64)
            flat = ring[:, :2] + ring[:, 2:] * np.array(SHADOW)
            survey.scene.shade(flat)


def _face(survey: Survey, face: Face, paint: Paint, rng: random.Random, part: Solid, *, solar: bool) -> None:
    ring = np.array(face.rings[0], np.float64)
    normal = _normal(ring)
    slope = math.degrees(math.acos(min(1.0, max(-1.0, float(normal[2])))))
    light = max(0.0, float(normal @ np.array(SUN))) / SUN[2]
    scene = survey.scene
    scene.fill(Level.ROOFS, ring[:, :2].tolist(), paint.lit(0.48 + 0.52 * light))
    if slope < 3.0:
        _flat(survey, ring, paint, rng)
        for hole in face.rings[1:]:
            scene.fill(Level.ON_ROOFS, [(x, y) for x, y, _ in hole], rng.choice((LAWN, SLABS)).lit(0.72))  # a courtyard
        return
    if slope > 80.0:
        return
    lit = paint.lit(0.48 + 0.52 * light)
    up = -normal[:2] / np.linalg.norm(normal[:2])
    along = np.array((up[1], -up[0]))
    origin = ring[0, :2]
    u, v = (ring[:, :2] - origin) @ along, (ring[:, :2] - origin) @ up
    if slope > 14.0:
        step = _LONG * math.cos(math.radians(slope)) * (2 if part.roof_type in (RoofType.TOWER, RoofType.BARREL) else 1)
        scene.hatch(Level.ROOFS, _courses(u, v, step, origin, along, up), 0.1, lit.lit(0.88))
    _edges(survey, ring, lit)
    _furniture(survey, u, v, origin, along, up, lit, slope, light, rng, solar=solar)


def _normal(ring: NDArray[np.float64]) -> NDArray[np.float64]:
    # Summed about the first vertex: about the origin, coordinates of millions would eat the digits.
    local = ring - ring[0]
    normal = np.cross(local, np.roll(local, -1, axis=0)).sum(axis=0)
    length = float(np.linalg.norm(normal))
    upright: NDArray[np.float64] = normal / length if length else np.array((0.0, 0.0, 1.0))
    return upright


def _courses(
    u: NDArray[np.float64],
    v: NDArray[np.float64],
    step: float,
    origin: NDArray[np.float64],
    along: NDArray[np.float64],
    up: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the lines of the courses of tiles across a convex face, shape (n, 2, 2)."""
    rows = np.arange(v.min() + step, v.max() - step / 2, step)
    if not len(rows):
        return np.empty((0, 2, 2))
    u2, v2 = np.roll(u, -1), np.roll(v, -1)
    rise = np.where(np.abs(v2 - v) < 1e-6, np.inf, v2 - v)
    t = (rows[:, None] - v) / rise
    is_hit = (t >= 0) & (t <= 1) & np.isfinite(rise)
    at = u + t * (u2 - u)
    low, high = np.where(is_hit, at, np.inf).min(axis=1), np.where(is_hit, at, -np.inf).max(axis=1)
    keep = high - low > 0.3
    low, high, rows = low[keep], high[keep], rows[keep]
    a = origin + low[:, None] * along + rows[:, None] * up
    b = origin + high[:, None] * along + rows[:, None] * up
    return np.stack([a, b], axis=1)


def _edges(survey: Survey, ring: NDArray[np.float64], lit: Paint) -> None:
    """Draw gutters at the eaves, ridge tiles at the top, and verges."""
    low, high = ring[:, 2].min(), ring[:, 2].max()
    for a, b in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        ends = ((a[0], a[1]), (b[0], b[1]))
        if a[2] < low + 0.05 and b[2] < low + 0.05:
            survey.scene.line(Level.ON_ROOFS, ends, 0.16, METAL.lit(0.72))
        elif a[2] > high - 0.05 and b[2] > high - 0.05:
            survey.scene.line(Level.ON_ROOFS, ends, 0.24, lit.lit(1.1))
        else:
            survey.scene.line(Level.ON_ROOFS, ends, 0.14, lit.lit(0.9))


def _furniture(
    survey: Survey,
    u: NDArray[np.float64],
    v: NDArray[np.float64],
    origin: NDArray[np.float64],
    along: NDArray[np.float64],
    up: NDArray[np.float64],
    lit: Paint,
    slope: float,
    light: float,
    rng: random.Random,
    *,
    solar: bool,
) -> None:
    """Put chimneys, skylights and solar panels on a face that is large enough."""
    wide, deep = float(np.ptp(u)), float(np.ptp(v))
    if len(u) < 4 or wide < 5.0 or deep < 2.6 or slope > 62:
        return
    u0, v0 = float(u.min()), float(v.min())
    scene = survey.scene

    def box(at: float, above: float, width: float, depth: float) -> list[tuple[float, float]]:
        corners = [(at, above), (at + width, above), (at + width, above + depth), (at, above + depth)]
        return [tuple((origin + a * along + b * up).tolist()) for a, b in corners]

    squeeze = math.cos(math.radians(slope))
    if solar and light > 1.02 and wide > 6.0 and rng.random() < 0.3:
        high = 1.7 * squeeze
        rows = int((deep - 1.2) / high)
        columns = int((wide * rng.uniform(0.5, 0.85) - 1.0) / 1.05)
        start = u0 + (wide - columns * 1.05) * rng.uniform(0.3, 0.7)
        for row in range(min(rows, 4)):
            for column in range(columns):
                scene.fill(Level.ON_ROOFS, box(start + column * 1.05, v0 + 0.7 + row * high, 0.97, high - 0.08), SOLAR)
        return
    for _ in range(rng.choice((0, 0, 1, 2, 3)) if slope > 24 else 0):
        at, above = u0 + rng.uniform(0.25, 0.7) * wide, v0 + deep * rng.uniform(0.3, 0.55)
        scene.fill(Level.ON_ROOFS, box(at - 0.08, above - 0.08, 0.95, 1.2 * squeeze + 0.16), METAL.lit(0.6))
        scene.fill(Level.ON_ROOFS, box(at, above, 0.78, 1.2 * squeeze), GLASS.lit(rng.uniform(0.9, 1.9)))
    if rng.random() < 0.5:
        at, above = u0 + rng.uniform(0.2, 0.8) * wide, v0 + deep * 0.82
        base = np.array(box(at, above, 0.7, 0.6))
        shadow = np.concatenate([base, base + np.array(SHADOW) * 1.1])
        hull = shapely.convex_hull(shapely.multipoints(shadow))
        scene.fill(Level.ON_ROOFS, hull, lit.lit(0.58))
        scene.fill(Level.ON_ROOFS, box(at, above, 0.7, 0.6), CHIMNEY)


def _flat(survey: Survey, ring: NDArray[np.float64], paint: Paint, rng: random.Random) -> None:
    """Draw a parapet with its shadow, and what stands on a large flat roof."""
    scene = survey.scene
    outline = shapely.Polygon(ring[:, :2])
    if not outline.is_valid or outline.area < 14.0:
        return
    closed = np.concatenate([ring[:, :2], ring[:1, :2]])
    middle = outline.centroid
    if outline.area > 60.0:
        # The parapet's shadow falls on the roof from its sunny edges.
        moved = shapely.affinity.translate(outline, SHADOW[0] * 0.55, SHADOW[1] * 0.55)
        scene.fill(Level.ROOFS, outline.difference(moved), paint.lit(0.62))
    scene.line(Level.ON_ROOFS, [(x, y) for x, y in closed.tolist()], 0.3, METAL.mixed(paint, 0.5))
    if outline.area < 130.0:
        return
    inner = outline.buffer(-2.2)
    if inner.is_empty:
        return
    box = shapely.minimum_rotated_rectangle(inner)
    if box.geom_type != "Polygon":
        return
    corners = shapely.get_coordinates(box)
    a, b, d = corners[0], corners[1] - corners[0], corners[3] - corners[0]
    wide, deep = float(np.linalg.norm(b)), float(np.linalg.norm(d))
    kind = rng.choice(("domes", "domes", "plant", "solar" if outline.area > 300 else "plant"))
    shapely.prepare(inner)
    if kind == "domes" or outline.area > 900:
        nx, ny = max(1, int(wide / 7.5)), max(1, int(deep / 7.5))
        for i in range(nx):
            for k in range(ny):
                spot = a + b * ((i + 0.5) / nx) + d * ((k + 0.5) / ny)
                if shapely.contains_xy(inner, *spot):
                    _stand(survey, spot, b / wide, d / deep, 1.4, 1.4, 0.4, METAL.lit(1.12), paint)
    elif kind == "solar":
        for k in range(int(deep / 2.6)):
            for i in range(int(wide / 1.1)):
                spot = a + b * ((i + 0.5) * 1.1 / wide) + d * ((k + 0.5) * 2.6 / deep)
                if shapely.contains_xy(inner, *spot):
                    _stand(survey, spot, b / wide, d / deep, 1.0, 1.5, 0.4, SOLAR, paint)
    for _ in range(1 + int(outline.area / 420)):
        spot = np.array((middle.x, middle.y)) + b * rng.uniform(-0.3, 0.3) + d * rng.uniform(-0.3, 0.3)
        if shapely.contains_xy(inner, *spot):
            _stand(
                survey,
                spot,
                b / wide,
                d / deep,
                rng.uniform(1.2, 3.4),
                rng.uniform(1.2, 2.4),
                rng.uniform(0.8, 2.4),
                CONCRETE.lit(rng.uniform(0.9, 1.1)),
                paint,
            )


def _stand(
    survey: Survey,
    spot: NDArray[np.float64],
    along: NDArray[np.float64],
    across: NDArray[np.float64],
    width: float,
    depth: float,
    height: float,
    paint: Paint,
    roof: Paint,
) -> None:
    """Stand a box on a flat roof."""
    base = np.array(
        [spot + along * width * i / 2 + across * depth * k / 2 for i, k in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    )
    hull = shapely.convex_hull(shapely.multipoints(np.concatenate([base, base + np.array(SHADOW) * height])))
    survey.scene.fill(Level.ON_ROOFS, hull, roof.lit(0.55))
    survey.scene.fill(Level.ON_ROOFS, base.tolist(), paint)
