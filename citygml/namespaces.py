"""The qualified names of CityGML 1.0, 2.0 and 3.0 and of GML 3.1 and 3.2 that the reader understands.

Names are matched by namespace, never by prefix: NRW writes `core:`, other Länder use the default namespace.

Spec: CityGML 1.0 (OGC 08-007r1), 2.0 (OGC 12-019), 3.0 (OGC 21-006r2); GML 3.1.1 (OGC 03-105r1), 3.2.1 (OGC 07-036).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Final

from zwilling.features import SurfaceClass

_OGC: Final = "http://www.opengis.net/citygml"
CORE: Final = tuple(f"{_OGC}/{version}" for version in ("1.0", "2.0", "3.0"))
BUILDING: Final = tuple(f"{_OGC}/building/{version}" for version in ("1.0", "2.0", "3.0"))
CONSTRUCTION: Final = (f"{_OGC}/construction/3.0",)
GENERICS: Final = tuple(f"{_OGC}/generics/{version}" for version in ("1.0", "2.0", "3.0"))
APPEARANCE: Final = tuple(f"{_OGC}/appearance/{version}" for version in ("1.0", "2.0", "3.0"))
GML: Final = ("http://www.opengis.net/gml", "http://www.opengis.net/gml/3.2")
XAL: Final = ("urn:oasis:names:tc:ciq:xsdschema:xAL:2.0", "urn:oasis:names:tc:ciq:xal:3")
XLINK_HREF: Final = "{http://www.w3.org/1999/xlink}href"
GML_IDS: Final = tuple(f"{{{namespace}}}id" for namespace in GML)

# The namespaces in which CityGML puts names that moved between versions: boundary surfaces were building's own
# in 1.0 and 2.0; 3.0 spread them over core and construction.
_THEMATIC: Final = BUILDING + CONSTRUCTION + CORE


def names(namespaces: Iterable[str], *local_names: str) -> tuple[str, ...]:
    """Return every qualified name that one of `local_names` has in one of `namespaces`.

    Example:
        >>> names(("urn:a", "urn:b"), "x")
        ('{urn:a}x', '{urn:b}x')
    """
    return tuple(f"{{{namespace}}}{local}" for namespace in namespaces for local in local_names)


def local_name(tag: str) -> str:
    """Return the qualified name `tag` without its namespace.

    Example:
        >>> local_name("{http://www.opengis.net/gml}Polygon")
        'Polygon'
    """
    return tag.rpartition("}")[2]


CITY_MODELS: Final = frozenset(names(CORE, "CityModel") + names(GML, "FeatureCollection"))
MEMBERS: Final = frozenset(names(CORE, "cityObjectMember", "featureMember") + names(GML, "featureMember"))
ENVELOPES: Final = frozenset(names(GML, "Envelope"))
BUILDINGS: Final = frozenset(names(BUILDING, "Building"))
BUILDING_PARTS: Final = frozenset(names(BUILDING, "BuildingPart"))

# Members of a model that hold no city object.  An appearance can be larger than all buildings together, so its
# surface data are let go one by one.
DISCARDED: Final = frozenset(
    names(APPEARANCE, "appearanceMember", "surfaceDataMember", "surfaceData")
    + names(CORE, "appearanceMember", "versionMember", "versionTransitionMember")
)


class Boundary(IntEnum):
    """What a polygon bounds: a `SurfaceClass` (0 to 3), or one of the two kinds that are settled later."""

    ROOF = SurfaceClass.ROOF
    WALL = SurfaceClass.WALL
    GROUND = SurfaceClass.GROUND
    OTHER = SurfaceClass.OTHER
    CLOSURE = 4  # closes a solid, is never drawn
    UNCLASSIFIED = 5  # no thematic surface says what it is; its normal decides
    OUTER_FLOOR = 6  # OTHER that faces up
    OUTER_CEILING = 7  # OTHER that faces down
    FOOTPRINT = 8  # GROUND that faces up: all there is to see of a building in level of detail 0


BOUNDARY_SURFACES: Final[dict[str, Boundary]] = {
    name: boundary
    for local, boundary in (
        ("RoofSurface", Boundary.ROOF),
        ("WallSurface", Boundary.WALL),
        ("GroundSurface", Boundary.GROUND),
        ("ClosureSurface", Boundary.CLOSURE),
        ("OuterFloorSurface", Boundary.OUTER_FLOOR),
        ("OuterCeilingSurface", Boundary.OUTER_CEILING),
        ("Window", Boundary.OTHER),
        ("Door", Boundary.OTHER),
        ("WindowSurface", Boundary.OTHER),
        ("DoorSurface", Boundary.OTHER),
    )
    for name in names(_THEMATIC, local)
}

# What a surface of an application domain extension stands in for, by what its name ends with.
BOUNDARY_SUFFIXES: Final = (
    ("RoofSurface", Boundary.ROOF),
    ("WallSurface", Boundary.WALL),
    ("GroundSurface", Boundary.GROUND),
)

# Surfaces that bound a room, not the building; they are inside and are not drawn.
INTERIOR_SURFACES: Final = frozenset(names(_THEMATIC, "InteriorWallSurface", "FloorSurface", "CeilingSurface"))

BOUNDED_BY: Final = frozenset(names(BUILDING, "boundedBy") + names(CORE, "boundary"))
OPENINGS: Final = frozenset(names(BUILDING, "opening") + names(CONSTRUCTION, "fillingSurface"))
INSTALLATIONS: Final = frozenset(names(BUILDING, "outerBuildingInstallation", "buildingInstallation"))
PARTS: Final = frozenset(names(BUILDING, "consistsOfBuildingPart", "buildingPart"))
ADDRESSES: Final = frozenset(names(BUILDING, "address"))

# qualified name -> (level of detail, is a solid, what an inline polygon bounds)
GEOMETRY_PROPERTIES: Final[dict[str, tuple[int, bool, Boundary]]] = {
    # In level of detail 0 a space's own surface is its footprint; CityGML 3.0 has no other word for it.
    name: (lod, local == "Solid", Boundary.FOOTPRINT if lod == 0 else Boundary.UNCLASSIFIED)
    for lod in range(5)
    for local in ("MultiSurface", "Solid", "Geometry")
    for name in names(_THEMATIC, f"lod{lod}{local}")
} | {
    name: (0, False, boundary)
    for local, boundary in (("lod0FootPrint", Boundary.FOOTPRINT), ("lod0RoofEdge", Boundary.ROOF))
    for name in names(BUILDING, local)
}


class GeometryKind(IntEnum):
    """How the reader walks through a GML element."""

    POLYGON = 1  # its rings are taken
    AGGREGATE = 2  # its properties are walked
    PROPERTY = 3  # its child geometry, or the geometry it refers to, is taken
    ORIENTABLE = 4  # its base surface is taken, turned over where orientation is "-"


GEOMETRY_KINDS: Final[dict[str, GeometryKind]] = {
    name: kind
    for kind, local_names in (
        (GeometryKind.POLYGON, ("Polygon", "PolygonPatch", "Triangle", "Rectangle")),
        (
            GeometryKind.AGGREGATE,
            (
                "MultiSurface", "CompositeSurface", "Surface", "PolyhedralSurface", "TriangulatedSurface", "Tin",
                "Shell", "Solid", "CompositeSolid", "MultiSolid", "MultiGeometry", "GeometricComplex", "MultiPolygon",
                "PolygonPatchArray", "TrianglePatchArray",
            ),
        ),
        (
            GeometryKind.PROPERTY,
            (
                "surfaceMember", "surfaceMembers", "exterior", "interior", "patches", "polygonPatches",
                "trianglePatches", "solidMember", "solidMembers", "geometryMember", "geometryMembers", "element",
                "baseSurface", "polygonMember",
            ),
        ),
        (GeometryKind.ORIENTABLE, ("OrientableSurface",)),
    )
    for name in names(GML, *local_names)
}  # fmt: skip

OUTER_RINGS: Final = frozenset(names(GML, "exterior", "outerBoundaryIs"))
INNER_RINGS: Final = frozenset(names(GML, "interior", "innerBoundaryIs"))
POS_LISTS: Final = frozenset(names(GML, "posList"))
POSITIONS: Final = frozenset(names(GML, "pos"))
# What may stand between a ring and its vertices; any other element is a curve that is not made of straight lines.
STRAIGHT: Final = frozenset(
    names(
        GML,
        "LinearRing", "Ring", "curveMember", "LineString", "Curve", "CompositeCurve", "segments", "LineStringSegment",
        "pointProperty", "pointRep", "Point", "X", "Y", "Z",
    )
)  # fmt: skip
COORDINATES: Final = frozenset(names(GML, "coordinates"))
COORD_TUPLES: Final = frozenset(names(GML, "coord"))
