"""Polygons out of GML elements: their rings as texts, what they bound, and the references between them.

This is the inner loop of reading: it only looks at elements and keeps their texts.  Numbers are made of the texts
of a whole batch at once, in `citygml.rings`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Final

from lxml import etree

from citygml.namespaces import (
    COORD_TUPLES,
    COORDINATES,
    GEOMETRY_KINDS,
    GML_IDS,
    INNER_RINGS,
    OUTER_RINGS,
    POS_LISTS,
    POSITIONS,
    STRAIGHT,
    XLINK_HREF,
    GeometryKind,
)

GML_ID, GML_32_ID = GML_IDS
# All at once, as a slice: half the time that it takes to ask lxml for one after the other.
children: Final[Callable[[etree._Element], list[etree._Element]]] = itemgetter(slice(None))
_POLYGON, _AGGREGATE, _PROPERTY, _ORIENTABLE = GeometryKind

# GML nests surfaces in surfaces without a limit; libxml2 stops at 256 elements, so this only guards the stack.
_DEEPEST: Final = 200


Rings = tuple[str, ...] | tuple[Sequence[int], ...]


class Polygon:
    """One polygon as it stands in the source.

    Attributes:
        rings: the outer one first: coordinate texts, or the numbers of their vertices.
        boundary: what it bounds.
        gml_id: its own id, `""` where it has none.
        is_reversed: its vertices run clockwise seen from outside (`gml:OrientableSurface` with orientation "-").
        dimension: how many numbers make a vertex, 2 or 3.
    """

    __slots__ = ("boundary", "dimension", "gml_id", "is_reversed", "rings")

    def __init__(self, rings: Rings, boundary: int, gml_id: str, is_reversed: bool, dimension: int) -> None:
        self.rings = rings
        self.boundary = boundary
        self.gml_id = gml_id
        self.is_reversed = is_reversed
        self.dimension = dimension


class SurfaceSet:
    """The polygons of one object in one level of detail, and its references to polygons elsewhere.

    Attributes:
        polygons: in document order.
        references: (gml:id, is reversed, what the referring surface bounds).
        is_solid: whether a solid of this level was seen, so that outside is known.
    """

    __slots__ = ("is_solid", "polygons", "references")

    def __init__(self) -> None:
        self.polygons: list[Polygon] = []
        self.references: list[tuple[str, bool, int]] = []
        self.is_solid = False


class SurfaceReader:
    """Takes the polygons out of geometry properties of one document.

    Attributes:
        dimension: `srsDimension` where no geometry states one.
        srs_names: every `srsName` met since it was last cleared.
        unread: local names of geometries met that are no surfaces and were passed over.
    """

    __slots__ = ("dimension", "srs_names", "unread")

    def __init__(self, dimension: int = 3) -> None:
        self.dimension = dimension
        self.srs_names: dict[str, None] = {}
        self.unread: dict[str, None] = {}

    def read(self, geometry_property: etree._Element, boundary: int, into: SurfaceSet) -> None:
        """Add the surfaces under `geometry_property` (such as `bldg:lod2MultiSurface`) to `into`."""
        href = geometry_property.get(XLINK_HREF)
        if href is not None:
            into.references.append((href, False, boundary))
        else:
            self._geometries(children(geometry_property), boundary, False, self.dimension, into, 0)

    def read_geometry(self, geometry: etree._Element, boundary: int, into: SurfaceSet) -> None:
        """Add the surfaces of one geometry element, such as the target of a reference, to `into`."""
        self._geometries((geometry,), boundary, False, self.dimension, into, 0)

    def _geometries(
        self,
        geometries: Iterable[etree._Element],
        boundary: int,
        is_reversed: bool,
        dimension: int,
        into: SurfaceSet,
        depth: int,
    ) -> None:
        for geometry in geometries:
            kind = GEOMETRY_KINDS.get(geometry.tag)
            if kind is _POLYGON:
                into.polygons.append(self._polygon(geometry, boundary, is_reversed, dimension))
            elif kind is _AGGREGATE or kind is _ORIENTABLE:
                if depth > _DEEPEST:
                    return
                srs_name = geometry.get("srsName")
                if srs_name:
                    self.srs_names[srs_name] = None
                stated = geometry.get("srsDimension")
                inner = dimension if stated is None else _dimension(stated, dimension)
                turned = is_reversed
                if kind is _ORIENTABLE and geometry.get("orientation") == "-":
                    turned = not is_reversed
                for child in children(geometry):
                    if GEOMETRY_KINDS.get(child.tag) is not _PROPERTY:
                        continue
                    href = child.get(XLINK_HREF)
                    if href is not None:
                        into.references.append((href, turned, boundary))
                    else:
                        self._geometries(children(child), boundary, turned, inner, into, depth + 1)
            elif kind is None:
                self.unread[geometry.tag] = None

    def _polygon(self, element: etree._Element, boundary: int, is_reversed: bool, dimension: int) -> Polygon:
        gml_id = element.get(GML_ID)
        if gml_id is None:
            gml_id = element.get(GML_32_ID, "")
        srs_name = element.get("srsName")
        if srs_name:
            self.srs_names[srs_name] = None
        stated = element.get("srsDimension")
        if stated is not None:
            dimension = _dimension(stated, dimension)
        outer: list[str] = []
        inner: list[str] = []
        for side in children(element):
            tag = side.tag
            if tag in OUTER_RINGS:
                target = outer
            elif tag in INNER_RINGS:
                target = inner
            else:
                continue
            for ring in children(side):
                # The one shape that nearly every ring has is looked at first.
                if len(ring) == 1:
                    positions = ring[0]
                    if positions.tag in POS_LISTS:
                        stated = positions.get("srsDimension") or ring.get("srsDimension")
                        if stated is not None:
                            dimension = _dimension(stated, dimension)
                        target.append(positions.text or "")
                        continue
                target.append(" ".join(_ring_texts(ring)))
        return Polygon((*outer, *inner), boundary, gml_id, is_reversed, dimension)


def _dimension(stated: str, inherited: int) -> int:
    stated = stated.strip()
    return 3 if stated == "3" else 2 if stated == "2" else inherited


def _ring_texts(ring: etree._Element) -> Iterator[str]:
    """Yield the coordinate texts of a ring that is not one `gml:posList`."""
    for child in ring.iter():
        tag = child.tag
        if tag in POS_LISTS or tag in POSITIONS:
            yield child.text or ""
        elif tag in COORDINATES:
            decimal, comma = child.get("decimal", "."), child.get("cs", ",")
            yield (child.text or "").replace(comma, " ").replace(decimal, ".")
        elif tag in COORD_TUPLES:
            yield " ".join(part.text or "" for part in child)
        elif tag not in STRAIGHT:
            # A curve that is not made of straight lines: its control points alone would be another shape.
            yield f"<{tag}>"
