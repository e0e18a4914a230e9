"""One `bldg:Building` with its parts: which surfaces are drawn, and what its rows say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from citygml.address import address_line
from citygml.attributes import ADV_GENERICS, Row, Value
from citygml.dictionaries import Dictionaries
from citygml.findings import Findings
from citygml.levels import by_preference
from citygml.namespaces import (
    ADDRESSES,
    BOUNDARY_SUFFIXES,
    BOUNDARY_SURFACES,
    BOUNDED_BY,
    BUILDING,
    BUILDING_PARTS,
    CONSTRUCTION,
    CORE,
    GENERICS,
    GEOMETRY_PROPERTIES,
    GML,
    INSTALLATIONS,
    INTERIOR_SURFACES,
    OPENINGS,
    PARTS,
    XLINK_HREF,
    Boundary,
    local_name,
    names,
)
from citygml.strays import Strays
from citygml.surfaces import GML_32_ID, GML_ID, Polygon, SurfaceReader, SurfaceSet, children
from zwilling.errors import SourceError
from zwilling.features import PropertyType

_MOST_XML_ATTRIBUTES: Final = 1000

# qualified name -> property id
_TEXTS: Final[dict[str, str]] = (
    dict.fromkeys(names(GML, "name"), "name")
    | dict.fromkeys(names(CORE, "creationDate"), "creation_date")
    | {
        name: key
        for local, key in (
            ("function", "function"),
            ("roofType", "roof_type"),
            ("measuredHeight", "measured_height"),
            ("storeysAboveGround", "storeys_above_ground"),
            ("storeysBelowGround", "storeys_below_ground"),
            ("yearOfConstruction", "year_of_construction"),
            ("dateOfConstruction", "year_of_construction"),
        )
        for name in names(BUILDING + CONSTRUCTION, local)
    }
)
# Standard attributes without a column of their own: they get one where there are any, under their own name.
_EXTRAS: Final[dict[str, str]] = {
    name: local
    for local in ("class", "usage", "dateOfDemolition", "yearOfDemolition", "relativeToTerrain", "relativeToWater",
                  "storeyHeightsAboveGround", "storeyHeightsBelowGround", "terminationDate", "conditionOfConstruction")
    for name in names(BUILDING + CONSTRUCTION + CORE, local)
} | dict.fromkeys(names(GML, "description"), "description")  # fmt: skip
# Of these a building may have several; they are joined.
_REPEATABLE: Final = frozenset(("name", "function"))
_HEIGHTS: Final = frozenset(names(CONSTRUCTION, "height"))

_GENERIC_TYPES: Final[dict[str, PropertyType]] = {
    name: kind
    for local, kind in (
        ("string", PropertyType.STRING),
        ("int", PropertyType.INT32),
        ("double", PropertyType.FLOAT64),
        ("measure", PropertyType.FLOAT64),
        ("date", PropertyType.STRING),
        ("uri", PropertyType.STRING),
        ("code", PropertyType.STRING),
    )
    for name in names(GENERICS, f"{local}Attribute", f"{local.capitalize()}Attribute")
}
_GENERIC_SETS: Final = frozenset(names(GENERICS, "genericAttributeSet", "GenericAttributeSet"))
_GENERIC_PROPERTIES: Final = frozenset(names(CORE, "genericAttribute") + names(GENERICS, "genericAttribute"))
_GENERIC_NAMES: Final = frozenset(names(GENERICS, "name"))
_GENERIC_VALUES: Final = frozenset(names(GENERICS, "value"))
_CODES: Final = frozenset(("function", "roof_type"))
_EXTERNAL_REFERENCES: Final = frozenset(names(CORE, "externalReference"))
_INFORMATION_SYSTEMS: Final = frozenset(names(CORE, "informationSystem"))
_EXTERNAL_NAMES: Final = frozenset(names(CORE, "name", "uri", "targetResource"))


@dataclass(slots=True)
class Part:
    """A Building or a BuildingPart that can be drawn: one row.

    Attributes:
        row: its attributes, with what it inherits from its building.
        polygons: its polygons in the level of detail that is drawn.
        lod: that level.
        levels: all levels in which it has geometry.
    """

    row: Row
    polygons: list[Polygon]
    lod: int
    levels: tuple[int, ...]


@dataclass(slots=True)
class _Object:
    """A Building or BuildingPart while it is being read."""

    gml_id: str
    row: Row
    levels: dict[int, SurfaceSet] = field(default_factory=dict)
    installations: list[dict[int, SurfaceSet]] = field(default_factory=list)


class BuildingReader:
    """Reads the buildings of one document.

    Attributes:
        strays: references that lead out of their building, to be settled at the end.
        surfaces: takes the polygons; knows the CRS names it met.
    """

    __slots__ = ("_dictionaries", "_elements", "_findings", "_followed", "_lod", "_root", "strays", "surfaces")

    def __init__(
        self, surfaces: SurfaceReader, findings: Findings, dictionaries: Dictionaries, lod: int | None
    ) -> None:
        self.surfaces = surfaces
        self._findings = findings
        self.strays = Strays(findings)
        self._dictionaries = dictionaries
        self._lod = lod
        self._root: etree._Element
        self._elements: Mapping[str, etree._Element] | None = None
        self._followed: set[str] = set()

    def read(self, element: etree._Element, feature_id: str) -> list[Part]:
        """Return the rows of a building: its own, where it has surfaces of its own, and its parts'.

        Args:
            element: the `bldg:Building`.
            feature_id: the id by which the building is known.

        Raises:
            SourceError: the element is made to exhaust its reader.
        """
        self._root = element
        self._elements = None
        self._followed.clear()
        objects: list[_Object] = []
        row = Row({"id": feature_id, "class_name": local_name(element.tag)})
        self._object(element, feature_id, row, objects, 0)
        resolver = _Resolver(self._element_of, objects, self.surfaces, self._findings, self.strays, feature_id)
        parts = []
        for number, found in enumerate(objects):
            lod, polygons = resolver.drawn_level(found, self._lod)
            if any(polygon.boundary != Boundary.CLOSURE for polygon in polygons):
                found.row.values["lod"] = str(lod)
                parts.append(Part(found.row, polygons, lod, tuple(found.levels) or (lod,)))
            elif number > 0:
                message = "building part has no geometry that can be drawn; its building is drawn without it"
                self._findings.add("PART_WITHOUT_GEOMETRY", f"gml:id={found.gml_id}", message)
        for tag in self.surfaces.unread:
            message = f"gml:{local_name(tag)} is no surface and was passed over"
            self._findings.add("UNSUPPORTED_GEOMETRY", f"gml:id={feature_id}", message)
        self.surfaces.unread.clear()
        return parts

    def _object(self, element: etree._Element, gml_id: str, row: Row, objects: list[_Object], depth: int) -> None:
        if len(element.attrib) > _MOST_XML_ATTRIBUTES:
            raise SourceError(
                f"an element with {len(element.attrib)} XML attributes is no city model",
                source=self._findings.source,
                where=f"gml:id={gml_id}",
                remedy="mend the file",
            )
        current = _Object(gml_id, row)
        objects.append(current)
        values: dict[str, str] = {}
        parts: list[etree._Element] = []
        for child in children(element):
            tag = child.tag
            if tag in BOUNDED_BY:
                if len(child):
                    self._boundary(child, current.levels, Boundary.UNCLASSIFIED)
                else:
                    self._boundary_elsewhere(child, current.levels, gml_id)
            elif tag in GEOMETRY_PROPERTIES:
                self._geometry(child, current.levels, None)
            elif tag in _TEXTS:
                text = " ".join((child.text or "").split())
                if text:
                    key = _TEXTS[tag]
                    values[key] = f"{values[key]}; {text}" if key in _REPEATABLE and key in values else text
                    code_space = child.get("codeSpace")
                    if code_space and key in _CODES:
                        _join(values, f"{key}_label", self._dictionaries.label(code_space, text))
            elif tag in _GENERIC_TYPES or tag in _GENERIC_PROPERTIES or tag in _GENERIC_SETS:
                self._generic(child, "", values, row.generics)
            elif tag in PARTS:
                parts.extend(part for part in child if part.tag in BUILDING_PARTS)
                href = child.get(XLINK_HREF)
                if href:
                    message = f"its part '{href[:120]}' stands elsewhere and is not drawn with it"
                    self._findings.add("XLINK_UNRESOLVED", f"gml:id={gml_id}", message)
            elif tag in INSTALLATIONS:
                for installation in child:
                    current.installations.append(self._installation(installation))
            elif tag in ADDRESSES:
                _join(values, "address", address_line(child))
            elif tag in _EXTRAS:
                text = " ".join((child.text or "").split())
                if text:
                    key = _EXTRAS[tag]
                    known = row.generics.get(key)
                    text = text if known is None else f"{known[1]}; {text}"
                    row.generics[key] = (PropertyType.STRING, text, child.get("uom", ""))
                    label = self._dictionaries.label(child.get("codeSpace", ""), text)
                    if label:
                        row.generics[f"{key} (Bedeutung)"] = (PropertyType.STRING, label, "")
            elif tag in _EXTERNAL_REFERENCES:
                _join(values, "external_reference", self._external(child, gml_id))
            elif tag in _HEIGHTS:
                self._height(child, values)
        year = values.get("year_of_construction")
        if year:
            values["year_of_construction"] = year[:4]  # a year, or a date that begins with one
        row.values.update(values)
        if depth > 50:
            return
        for part in parts:
            part_id = part.get(GML_ID) or part.get(GML_32_ID) or ""
            part_row = Row({**row.values, "part_id": part_id}, dict(row.generics))
            self._object(part, part_id or gml_id, part_row, objects, depth + 1)

    def _boundary_elsewhere(self, prop: etree._Element, levels: dict[int, SurfaceSet], gml_id: str) -> None:
        """Read a thematic surface that a `core:boundary` refers to: one that a storey or unit of the building has."""
        href = prop.get(XLINK_HREF)
        if not href or href in self._followed:
            return
        self._followed.add(href)
        target = self._element_of(href[1:]) if href.startswith("#") else None
        holder = None if target is None else target.getparent()
        owner = None if holder is None else holder.getparent()
        if holder is None or owner is None or holder.tag not in BOUNDED_BY:
            message = f"its surface '{href[:120]}' is not in the building and is not drawn"
            self._findings.add("XLINK_UNRESOLVED", f"gml:id={gml_id}", message)
        elif owner is not self._root and owner.tag not in BUILDING_PARTS:  # these draw it themselves
            self._boundary(holder, levels, Boundary.UNCLASSIFIED)

    def _element_of(self, gml_id: str) -> etree._Element | None:
        """Return the element of the building that has an id."""
        if self._elements is None:
            elements: dict[str, etree._Element] = {}
            for element in self._root.iter():
                found = element.get(GML_ID) or element.get(GML_32_ID)
                if found:
                    elements.setdefault(found, element)
            self._elements = elements
        return self._elements.get(gml_id)

    def _boundary(self, prop: etree._Element, levels: dict[int, SurfaceSet], fallback: Boundary) -> None:
        """Read the thematic surfaces under a `bldg:boundedBy` or `core:boundary`."""
        for surface in children(prop):
            boundary = BOUNDARY_SURFACES.get(surface.tag)
            if boundary is None:
                if surface.tag in INTERIOR_SURFACES:
                    continue
                # A surface of an application domain extension stands in for the one whose name it ends with.
                boundary = next((kind for end, kind in BOUNDARY_SUFFIXES if surface.tag.endswith(end)), fallback)
            for child in children(surface):
                tag = child.tag
                if tag in GEOMETRY_PROPERTIES:
                    self._geometry(child, levels, boundary)
                elif tag in OPENINGS:
                    self._boundary(child, levels, Boundary.OTHER)

    def _geometry(self, prop: etree._Element, levels: dict[int, SurfaceSet], boundary: Boundary | None) -> None:
        lod, is_solid, own = GEOMETRY_PROPERTIES[prop.tag]
        into = levels.get(lod)
        if into is None:
            into = levels[lod] = SurfaceSet()
        into.is_solid |= is_solid
        self.surfaces.read(prop, own if boundary is None else boundary, into)

    def _installation(self, element: etree._Element) -> dict[int, SurfaceSet]:
        levels: dict[int, SurfaceSet] = {}
        for child in element:
            if child.tag in GEOMETRY_PROPERTIES:
                self._geometry(child, levels, Boundary.OTHER)
            elif child.tag in BOUNDED_BY:
                self._boundary(child, levels, Boundary.OTHER)
        return levels

    def _external(self, element: etree._Element, gml_id: str) -> str:
        """Return what an external reference names, with the system it is in; nothing where that is `gml_id` itself."""
        name, system = "", ""
        for node in element.iter():
            text = " ".join((node.text or "").split())
            if node.tag in _EXTERNAL_NAMES:
                name = name or text
            elif node.tag in _INFORMATION_SYSTEMS:
                system = text
        if not name or name == gml_id:
            return ""
        return f"{name} ({system})" if system else name

    def _height(self, element: etree._Element, values: dict[str, str]) -> None:
        """Take the measured height of CityGML 3.0: `con:height/con:Height/con:value`."""
        for node in element.iter(*names(CONSTRUCTION, "value")):
            if node.text and "measured_height" not in values:
                values["measured_height"] = node.text.strip()

    def _generic(
        self, element: etree._Element, prefix: str, values: dict[str, str], generics: dict[str, Value]
    ) -> None:
        """Read a generic attribute, or a set of them, whose members get the set's name in front."""
        if element.tag in _GENERIC_PROPERTIES:
            for inner in element:
                self._generic(inner, prefix, values, generics)
            return
        name = element.get("name")
        text, unit = "", ""
        for child in children(element):
            if child.tag in _GENERIC_VALUES:
                text, unit = (child.text or "").strip(), child.get("uom", "")
            elif child.tag in _GENERIC_NAMES and name is None:
                name = (child.text or "").strip()
        if not name:
            return
        name = " ".join(name.split())
        if element.tag in _GENERIC_SETS:
            for inner in element:
                if inner.tag in _GENERIC_TYPES or inner.tag in _GENERIC_PROPERTIES or inner.tag in _GENERIC_SETS:
                    self._generic(inner, f"{prefix}{name}.", values, generics)
            return
        kind = _GENERIC_TYPES.get(element.tag)
        if kind is None:
            return
        column = ADV_GENERICS.get(name) if not prefix else None
        if column is not None:
            values[column] = text
        else:
            generics[f"{prefix}{name}"] = (kind, text, unit)


def _join(values: dict[str, str], key: str, text: str) -> None:
    """Add `text` to what `key` says already, once."""
    if text and text not in values.get(key, "").split("; "):
        values[key] = f"{values[key]}; {text}" if key in values else text


class _Resolver:
    """Follows references inside one building; each target is looked at once for each set that refers to it."""

    __slots__ = ("_find", "_findings", "_objects", "_owners", "_strays", "_surfaces", "_where")

    def __init__(
        self,
        find: Callable[[str], etree._Element | None],
        objects: list[_Object],
        surfaces: SurfaceReader,
        findings: Findings,
        strays: Strays,
        feature_id: str,
    ) -> None:
        self._strays = strays
        self._find = find
        self._objects = objects
        self._surfaces = surfaces
        self._findings = findings
        self._where = f"gml:id={feature_id}"
        self._owners: dict[str, tuple[_Object, Polygon]] | None = None

    def drawn_level(self, found: _Object, wish: int | None) -> tuple[int, list[Polygon]]:
        """Return the level of detail that is drawn of `found`, and its polygons.

        Args:
            wish: the level that the user chose; the nearest one below or above it stands in where it has no surface.
        """
        for lod in by_preference(found.levels, wish):
            surfaces = found.levels[lod]
            self._resolve(surfaces, found)
            if any(polygon.boundary != Boundary.CLOSURE for polygon in surfaces.polygons):
                polygons = surfaces.polygons
                if lod == 0:
                    polygons = footprints(polygons)
                return lod, polygons + self._installations(found, lod)
        highest = max((lod for levels in found.installations for lod in levels), default=0)
        return highest, self._installations(found, highest)

    def _installations(self, found: _Object, highest: int) -> list[Polygon]:
        polygons: list[Polygon] = []
        for levels in found.installations:
            lod = max((lod for lod in levels if lod <= highest), default=None)
            if lod is not None:
                self._resolve(levels[lod], found)
                polygons += levels[lod].polygons
        return polygons

    def _resolve(self, surfaces: SurfaceSet, owner: _Object) -> None:
        """Add to `surfaces` the polygons it refers to, and tell polygons of its own what refers to them."""
        if not surfaces.references:
            return
        own = {polygon.gml_id: polygon for polygon in surfaces.polygons}
        own.pop("", None)
        unresolved: list[tuple[str, bool, int]] = []
        for reference in surfaces.references:
            href, is_reversed, boundary = reference
            target = own.get(href[1:])
            if target is None:
                unresolved.append(reference)
                continue
            if target.boundary == Boundary.UNCLASSIFIED:
                target.boundary = boundary
            if is_reversed and boundary == Boundary.UNCLASSIFIED:
                target.is_reversed = True
        surfaces.references = []
        if unresolved:
            self._elsewhere(unresolved, surfaces, own, owner)

    def _elsewhere(
        self,
        pending: list[tuple[str, bool, int]],
        surfaces: SurfaceSet,
        own: dict[str, Polygon],
        owner: _Object,
    ) -> None:
        """Resolve references to what is no polygon of the set itself."""
        owners = self._all_polygons()
        known = {polygon.rings for polygon in surfaces.polygons}
        visited: set[str] = set()
        while pending:
            href, is_reversed, boundary = pending.pop()
            target = href[1:]
            if not href.startswith("#"):
                self._findings.add("XLINK_EXTERNAL", self._where, f"reference to '{href[:120]}' is never followed")
                continue
            if target in own or target in visited:
                continue
            visited.add(target)
            if target in owners:
                holder, polygon = owners[target]
                # Another part draws it; here it only closes the solid.
                kind = polygon.boundary if holder is owner else Boundary.CLOSURE
                surfaces.polygons.append(Polygon(polygon.rings, kind, target, is_reversed, polygon.dimension))
                continue
            element = self._find(target)
            if element is None:
                self._strays.add(self._where, target)
                continue
            found = SurfaceSet()
            self._surfaces.read_geometry(element, boundary, found)
            for polygon in found.polygons:
                if polygon.rings in known or polygon.gml_id in own:
                    continue
                if polygon.gml_id in owners and owners[polygon.gml_id][0] is not owner:
                    polygon.boundary = Boundary.CLOSURE
                polygon.is_reversed ^= is_reversed
                known.add(polygon.rings)
                surfaces.polygons.append(polygon)
            for inner, turned, _ in found.references:
                if inner[1:] in visited:
                    message = f"reference to '{inner[:120]}' comes back to itself; it was followed once"
                    self._findings.add("XLINK_LOOP", self._where, message)
                else:
                    pending.append((inner, turned ^ is_reversed, boundary))

    def _all_polygons(self) -> dict[str, tuple[_Object, Polygon]]:
        if self._owners is None:
            self._owners = {}
            for found in self._objects:
                for level in found.levels.values():
                    for polygon in level.polygons:
                        if polygon.gml_id:
                            self._owners.setdefault(polygon.gml_id, (found, polygon))
        return self._owners


def footprints(polygons: list[Polygon]) -> list[Polygon]:
    """Return the footprint of a building in level of detail 0, or its roof edge where it has no footprint.

    Two at once would be two areas on top of each other; many files give them the same height.  A `GroundSurface`,
    which faces down where it closes a solid, faces up where it is all there is to see.
    """
    for kind in (Boundary.FOOTPRINT, Boundary.GROUND):
        found = [polygon for polygon in polygons if polygon.boundary == kind]
        if found:
            for polygon in found:
                polygon.boundary = Boundary.FOOTPRINT
            return found
    return polygons
