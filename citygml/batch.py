"""Rows and polygons of some hundred buildings to one `FeatureBatch`: where XML ends and numpy begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from citygml.attributes import GenericNames, Row, build_table
from citygml.building import Part
from citygml.findings import Findings
from citygml.namespaces import Boundary
from citygml.orientation import turned_polygons
from citygml.rings import Rings, indexed_rings, read_rings
from citygml.surfaces import Polygon
from citygml.triangulation import Triangulation, triangulate
from zwilling.features import FeatureBatch, SurfaceClass

# Vertices further from their polygon's plane than this are reported (val3dity 203; its default is 0.01, which
# millimetre coordinates of real roofs pass by far too often to be of use).
_PLANAR = 0.05
_UNREADABLE = (
    "its coordinates are not finite numbers in threes, or its heights not between -1000 and 10000 m; it was left out"
)
# A surface that leans more than this from the vertical is a roof or ground: sine of about 6 degrees.
_STEEP = 0.1


@dataclass(frozen=True, slots=True)
class Frame:
    """The CRS of a batch and how its coordinates stand in the source.

    Attributes:
        name: canonical name of the CRS.
        horizontal: EPSG code of its horizontal part.
        has_heights: it says what heights refer to.
        is_latitude_first: the source gives latitude, longitude, height.
        is_geographic: x and y are degrees.
    """

    name: str
    horizontal: int
    has_heights: bool
    is_latitude_first: bool
    is_geographic: bool


@dataclass(slots=True)
class Gathered:
    """Buildings on their way into a batch.

    Attributes:
        features_in: buildings read, also empty ones.
        feature_ids: one for each building that has something to draw.
        rows: their parts' attributes.
        row_feature: number in `feature_ids` for each row.
        polygons: of all rows.
        polygon_row: number in `rows` for each polygon.
        vertices: what the rings count, where they are numbers of vertices and no texts.
    """

    features_in: int = 0
    feature_ids: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    row_feature: list[int] = field(default_factory=list)
    polygons: list[Polygon] = field(default_factory=list)
    polygon_row: list[int] = field(default_factory=list)
    vertices: list[NDArray[np.float64]] = field(default_factory=list)

    def add(self, feature_id: str, parts: Sequence[Part]) -> None:
        """Add one building that has something to draw."""
        number = len(self.feature_ids)
        self.feature_ids.append(feature_id)
        for part in parts:
            row = len(self.rows)
            self.rows.append(part.row)
            self.row_feature.append(number)
            self.polygons.extend(part.polygons)
            self.polygon_row.extend([row] * len(part.polygons))


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Triangles of all rows, ready for the batch; rows without triangles are still counted."""

    positions: NDArray[np.float64]
    triangles: NDArray[np.uint32]
    triangle_row: NDArray[np.int64]
    triangle_surface: NDArray[np.uint8]
    ground_elevation: NDArray[np.float64]
    roof_elevation: NDArray[np.float64]


def make_batch(
    gathered: Gathered,
    frame: Frame,
    names: GenericNames,
    municipalities: Mapping[str, str],
    findings: Findings,
    on_empty: Callable[[str], None],
) -> FeatureBatch:
    """Return the batch.

    Args:
        gathered: the buildings.
        frame: their CRS.
        names: the source's generic attributes.
        municipalities: eight-digit key → name.
        findings: where faults are noted; they are taken into the batch.
        on_empty: told the id of every building no surface of which could be drawn.
    """
    drawn = _draw(gathered, frame, findings)
    row_count = len(gathered.rows)
    has_triangles = np.bincount(drawn.triangle_row, minlength=row_count) > 0
    kept_rows = np.flatnonzero(has_triangles)
    row_feature = np.array(gathered.row_feature, np.int64)[kept_rows]
    kept_features = np.unique(row_feature)
    feature_ids = np.empty(len(gathered.feature_ids), object)
    feature_ids[:] = gathered.feature_ids
    is_lost = np.ones(len(feature_ids), bool)
    is_lost[kept_features] = False
    for feature_id in feature_ids[is_lost].tolist():
        on_empty(feature_id)
    new_row = np.cumsum(has_triangles) - 1
    elevations = {
        "ground_elevation": drawn.ground_elevation[kept_rows],
        "roof_elevation": drawn.roof_elevation[kept_rows],
    }
    rows = [gathered.rows[row] for row in kept_rows.tolist()]
    table, lost = build_table(rows, names, municipalities, elevations)
    for loss in lost:
        where = f"gml:id={rows[loss.row].values.get('part_id') or rows[loss.row].values['id']}"
        if loss.text:
            message = f"{loss.name} is '{loss.text[:60]}', which is no number that can be stored"
            findings.add("ATTRIBUTE_UNREADABLE", where, message)
        else:
            findings.add(
                "TOO_MANY_ATTRIBUTES", where, f"the file names so many attributes that {loss.name!r} is left out"
            )
    return FeatureBatch(
        crs=frame.name,
        positions=drawn.positions,
        triangles=drawn.triangles,
        triangle_row=new_row[drawn.triangle_row].astype(np.uint32),
        triangle_surface=drawn.triangle_surface,
        row_feature=np.searchsorted(kept_features, row_feature).astype(np.uint32),
        feature_ids=feature_ids[kept_features],
        table=table,
        features_in=gathered.features_in,
        issues=findings.take(),
    )


def _draw(gathered: Gathered, frame: Frame, findings: Findings) -> _Drawn:
    polygons, row_count = gathered.polygons, len(gathered.rows)
    polygon_row = np.array(gathered.polygon_row, np.int64)
    rings = indexed_rings(polygons, np.concatenate(gathered.vertices)) if gathered.vertices else read_rings(polygons)
    vertices = rings.vertices[:, [1, 0, 2]] if frame.is_latitude_first else rings.vertices
    ring_row = polygon_row[rings.polygon]
    vertex_row = np.repeat(ring_row, rings.length)
    origin, scale = _local_frame(vertices, vertex_row, row_count, frame)
    local = (vertices - origin[vertex_row]) * scale
    cut = triangulate(rings, local, len(polygons))
    points = np.concatenate((local, cut.added))
    boundary = np.fromiter((polygon.boundary for polygon in polygons), np.int64, len(polygons))
    is_reversed = np.fromiter((polygon.is_reversed for polygon in polygons), bool, len(polygons))
    turned = turned_polygons(points, cut.triangles, cut.triangle_polygon, polygon_row, boundary, is_reversed, row_count)
    _report(gathered, rings, cut, turned ^ is_reversed, boundary, polygon_row, findings)
    surface = _surface_classes(boundary, cut.normal, turned)

    added_row = polygon_row[cut.added_polygon]
    positions = np.concatenate((vertices, cut.added / scale + origin[added_row]))
    shown = boundary[cut.triangle_polygon] != Boundary.CLOSURE
    triangle_polygon = cut.triangle_polygon[shown]
    triangles = cut.triangles[shown]
    flip = turned[triangle_polygon]
    triangles[flip] = triangles[flip][:, ::-1]
    used = np.zeros(len(positions), bool)
    used[triangles.ravel()] = True
    new = np.cumsum(used) - 1
    row = polygon_row[triangle_polygon]
    ground, roof = _elevations(positions[:, 2], triangles, row, surface[triangle_polygon], row_count)
    return _Drawn(
        positions=positions[used],
        triangles=new[triangles].astype(np.uint32),
        triangle_row=row,
        triangle_surface=surface[triangle_polygon],
        ground_elevation=ground,
        roof_elevation=roof,
    )


def _local_frame(
    vertices: NDArray[np.float64], vertex_row: NDArray[np.int64], row_count: int, frame: Frame
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return an origin for each row and the metres that one unit of each axis is."""
    origin = np.zeros((row_count, 3))
    if len(vertices):
        rows, first = np.unique(vertex_row, return_index=True)
        origin[rows] = vertices[first]
    if not frame.is_geographic or len(vertices) == 0:
        return origin, np.ones(3)
    # Only shapes depend on these, not places: a sphere does, and one latitude for the whole batch.
    per_degree = 6371000.0 * np.pi / 180.0
    return origin, np.array([per_degree * np.cos(np.radians(np.median(vertices[:, 1]))), per_degree, 1.0])


def _surface_classes(
    boundary: NDArray[np.int64], normal: NDArray[np.float64], turned: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Return the `SurfaceClass` of each polygon; the normal decides where no thematic surface does."""
    surface = np.where(boundary > SurfaceClass.OTHER, int(SurfaceClass.OTHER), boundary).astype(np.uint8)
    surface[boundary == Boundary.FOOTPRINT] = SurfaceClass.GROUND
    unknown = boundary == Boundary.UNCLASSIFIED
    length = np.linalg.norm(normal, axis=1)
    up = np.where(turned, -1.0, 1.0) * normal[:, 2] / np.where(length > 0, length, 1.0)
    by_normal = np.where(up > _STEEP, SurfaceClass.ROOF, np.where(up < -_STEEP, SurfaceClass.GROUND, SurfaceClass.WALL))
    surface[unknown] = by_normal[unknown]
    return surface


def _elevations(
    z: NDArray[np.float64],
    triangles: NDArray[np.int64],
    row: NDArray[np.int64],
    surface: NDArray[np.uint8],
    row_count: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lowest z of ground and the highest z of anything for each row; NaN where there is none."""
    lowest = np.full(row_count, np.inf)
    highest = np.full(row_count, -np.inf)
    if len(triangles):
        corners = z[triangles]
        is_ground = surface == SurfaceClass.GROUND
        np.minimum.at(lowest, row[is_ground], corners[is_ground].min(axis=1))
        np.maximum.at(highest, row, corners.max(axis=1))
    lowest[np.isinf(lowest)] = np.nan
    highest[np.isinf(highest)] = np.nan
    return lowest, highest


def _report(
    gathered: Gathered,
    rings: Rings,
    cut: Triangulation,
    mended: NDArray[np.bool_],
    boundary: NDArray[np.int64],
    polygon_row: NDArray[np.int64],
    findings: Findings,
) -> None:
    """Note what was wrong with the polygons."""

    def of_rings(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
        result = np.zeros(len(gathered.polygons), bool)
        result[rings.polygon[flags]] = True
        return result

    unreadable = of_rings(rings.is_unreadable & rings.is_outer)
    bad_hole = of_rings(rings.is_unreadable & ~rings.is_outer) | cut.lost_holes
    is_flat = np.fromiter((polygon.dimension == 2 for polygon in gathered.polygons), bool, len(gathered.polygons))
    is_open = of_rings(rings.is_open & ~rings.is_unreadable)
    kinds = (
        ("COORDINATES_UNREADABLE", unreadable, _UNREADABLE),
        ("TOO_FEW_POINTS", cut.has_too_few & ~unreadable, "fewer than three different points (101); it was left out"),
        ("ZERO_AREA", cut.is_collapsed, "its ring has collapsed to a line (104); it was left out"),
        ("RING_SELF_INTERSECTION", cut.is_crossing, "its rings cross (104, 201); a repaired form is drawn"),
        ("HOLE_LOST", bad_hole & ~unreadable, "an inner ring has no area (101); drawn without that hole"),
        ("RING_NOT_CLOSED", is_open, "its ring is not closed (103); it was closed"),
        ("CONSECUTIVE_POINTS_SAME", of_rings(rings.has_repeats), "points repeat the one before (102); left out"),
        ("COORDINATES_2D", is_flat, "its coordinates have no heights; 0 was taken"),
    )  # fmt: skip
    for code, flags, message in kinds:
        if flags.any():
            for number in np.flatnonzero(flags).tolist():
                findings.add(code, _where(gathered, number), message)
    bent = cut.deviation > _PLANAR
    for number in np.flatnonzero(bent).tolist():
        message = f"its points lie up to {cut.deviation[number]:.2f} m from their plane (203)"
        findings.add("NON_PLANAR_POLYGON", _where(gathered, number), message)
    if mended.any():
        drawn = mended & (boundary != Boundary.CLOSURE) & (boundary != Boundary.FOOTPRINT)
        for row in np.unique(polygon_row[drawn]).tolist():
            values = gathered.rows[row].values
            count = int((polygon_row[drawn] == row).sum())
            where = f"gml:id={values.get('part_id') or values['id']}"
            findings.add("POLYGON_WRONG_ORIENTATION", where, f"{count} surfaces faced inwards (307); they were turned")


def _where(gathered: Gathered, number: int) -> str:
    """Return the place of a polygon: its building or part, and its own id where it has one."""
    values = gathered.rows[gathered.polygon_row[number]].values
    own = gathered.polygons[number].gml_id
    building = values.get("part_id") or values["id"]
    return f"gml:id={building}: gml:id={own}" if own else f"gml:id={building}"
