"""CityJSON files as features: `CityJSONSource`, for CityJSON 1.0, 1.1 and 2.0 and for CityJSONSeq.

A CityJSON document must be read whole, so its size is limited; attributes and geometries stay undecoded until their
building's turn.  Of a CityJSONSeq (one feature a line) one line at a time is in memory.

Spec: CityJSON 1.0.3, 1.1.3, 2.0.1 (OGC 20-072r5); CityJSONSeq 2.0.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
import numpy as np
from msgspec import Raw
from numpy.typing import NDArray

from citygml.assembly import Assembly, Reading, frame_of
from citygml.attributes import Row
from citygml.batch import Frame
from citygml.building import Part, footprints
from citygml.cityjson_attributes import address_of, read_attributes
from citygml.levels import by_preference
from citygml.namespaces import BOUNDARY_SUFFIXES, BOUNDARY_SURFACES, INTERIOR_SURFACES, Boundary, local_name
from citygml.surfaces import Polygon
from zwilling.errors import SourceError, UnknownCRSError
from zwilling.features import FeatureBatch
from zwilling.packed import opened
from zwilling.region import Region

# Of a document that is read whole: one of 218 MB took 504 MB of memory.
_LARGEST_TEXT: Final = 200_000_000
_VERSIONS: Final = ("1.0", "1.1", "2.0")
_DEEPEST_PARTS: Final = 50

_BOUNDARIES: Final = {local_name(name): boundary for name, boundary in BOUNDARY_SURFACES.items()}
_INTERIOR: Final = frozenset(map(local_name, INTERIOR_SURFACES))
_Surfaces = list[list[list[int]]]
# type -> how deep its surfaces lie in "boundaries", and how they are read
_GEOMETRIES: Final[dict[str, tuple[int, msgspec.json.Decoder[Any]]]] = {
    "MultiSurface": (1, msgspec.json.Decoder(_Surfaces)),
    "CompositeSurface": (1, msgspec.json.Decoder(_Surfaces)),
    "Solid": (2, msgspec.json.Decoder(list[_Surfaces])),
    "MultiSolid": (3, msgspec.json.Decoder(list[list[_Surfaces]])),
    "CompositeSolid": (3, msgspec.json.Decoder(list[list[_Surfaces]])),
}
_Levels = dict[float, list[Polygon]]


class _Transform(msgspec.Struct):
    scale: tuple[float, float, float]
    translate: tuple[float, float, float]


class _Object(msgspec.Struct):
    type: str
    attributes: Raw = Raw()
    geometry: Raw = Raw()
    address: Raw = Raw()
    parents: list[str] | None = None
    children: list[str] | None = None


class _Text(msgspec.Struct, rename={"objects": "CityObjects"}):
    """A CityJSON document, the first line of a CityJSONSeq, or (as a CityJSONFeature) one of the others."""

    type: str
    version: str = ""
    id: str = ""
    transform: _Transform | None = None
    metadata: Raw = Raw()
    objects: dict[str, _Object] = {}
    vertices: Raw = Raw()


class _Semantics(msgspec.Struct):
    surfaces: list[dict[str, Any]] = []
    values: Any = None


class _Geometry(msgspec.Struct):
    type: str
    lod: float | str | None = None
    boundaries: Raw = Raw()
    semantics: _Semantics | None = None


# What msgspec raises for text that is no JSON, not as the classes above say, no UTF-8, or nested without end.
_FAULTS: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_TEXT: Final = msgspec.json.Decoder(_Text)
_GEOMETRY_LIST: Final = msgspec.json.Decoder(list[_Geometry] | None)


class CityJSONSource:
    """The buildings of one CityJSON document or CityJSONSeq.

    Args:
        path: the file; gzip is unpacked.
        crs: CRS of the coordinates, in place of the file's own `referenceSystem`.
        region: whose names of municipalities are shown.
        skip_empty: leave out buildings without geometry, with a finding, instead of stopping.
        lod: level of detail to draw, 0 to 4, or the nearest below or above it; None for each building's highest.
        entry: name of the file in the zip archive that `path` is.

    Raises:
        UnknownCRSError: `crs` names no CRS.
    """

    def __init__(
        self,
        path: Path,
        *,
        crs: str | None = None,
        region: Region | None = None,
        skip_empty: bool = False,
        lod: int | None = None,
        entry: str = "",
    ) -> None:
        self.reading = Reading.create(path, entry, crs, region, skip_empty, lod)

    @property
    def name(self) -> str:
        """The file, as the user named it, and its place in an archive."""
        return self.reading.name

    def batches(self) -> Iterator[FeatureBatch]:
        """Yield every building once, in file order, some hundred at a time.

        Raises:
            SourceError: the file cannot be read to its end.
            UnknownCRSError: the file names no CRS, or an unknown one, and none was given.
            EmptyGeometryError: there is no building, or one without geometry and `skip_empty` is off.
        """
        with opened(self.reading.path, self.reading.entry) as stream:
            yield from _Pass(self.reading, stream).batches()


class _Pass:
    """One pass through a file."""

    def __init__(self, reading: Reading, stream: BinaryIO) -> None:
        self._reading = reading
        self._stream = stream
        self._assembly = Assembly(reading)
        self._transform = _Transform((1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
        self._reference_system = ""
        self._frame: Frame | None = None
        self._others: Counter[str] = Counter()

    def batches(self) -> Iterator[FeatureBatch]:
        head = self._head()
        self._take_head(head)
        if head.objects:
            yield from self._buildings(head, "", is_whole=True)
        del head
        number = 1
        while line := self._line():
            number += 1
            if line.isspace():
                continue
            text = self._decoded(line, f"line {number}")
            if text.type != "CityJSONFeature":
                problem = f"its type is '{text.type[:60]}', where a CityJSONFeature was expected"
                raise self._error(problem, f"line {number}", "give every CityJSONSeq as a file of its own")
            yield from self._buildings(text, f"line {number}", is_whole=False)
        yield self._assembly.finish(self._others, may_be_empty=False)

    def _head(self) -> _Text:
        """Return the first line, or the whole document where that is no document."""
        line = self._line()
        if not line:
            raise self._error("the file is empty", remedy="load it anew")
        if line.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise self._error("wrong encoding: it is UTF-16, where JSON is UTF-8", remedy="save the file as UTF-8")
        line = line.removeprefix(b"\xef\xbb\xbf")
        if _is_whole(line):
            return self._decoded(line, "line 1")
        rest = self._stream.read(_LARGEST_TEXT - len(line) + 1)
        self._check_size(len(line) + len(rest))
        return self._decoded(line + rest, None)

    def _line(self) -> bytes:
        line = self._stream.readline(_LARGEST_TEXT + 1)
        self._check_size(len(line))
        return line

    def _check_size(self, size: int) -> None:
        if size > _LARGEST_TEXT:
            raise self._error(
                f"one CityJSON text is larger than {_LARGEST_TEXT // 1_000_000} MB",
                remedy="convert the file to CityJSONSeq, one feature a line, which has no limit",
            )

    def _decoded(self, text: bytes, where: str | None) -> _Text:
        try:
            return _TEXT.decode(text)
        except _FAULTS as error:
            raise self._error(f"is no CityJSON ({error})", where, "check what file it is") from error

    def _take_head(self, head: _Text) -> None:
        if head.type == "CityJSONFeature":
            problem = "it begins with a CityJSONFeature; the CityJSON object that says the CRS is missing"
            raise self._error(problem, "line 1", "put the file's first line back")
        if head.type != "CityJSON":
            raise self._error(f"its type is '{head.type[:60]}', not CityJSON", remedy="check what file it is")
        if not head.version.startswith(_VERSIONS):
            problem = f"CityJSON version '{head.version[:20]}' is not read"
            raise self._error(problem, remedy=f"bring it to one of {', '.join(_VERSIONS)} with cjio")
        if head.transform is not None:
            self._transform = head.transform
        if not all(map(math.isfinite, self._transform.scale + self._transform.translate)):
            raise self._error("its transform is not finite", remedy="mend the file")
        metadata = _decoded_or_none(head.metadata)
        if isinstance(metadata, dict):
            self._reference_system = str(metadata.get("referenceSystem") or "").strip()
            self._assembly.source_date = str(metadata.get("referenceDate") or "")[:40]

    def _buildings(self, text: _Text, where: str, *, is_whole: bool) -> Iterator[FeatureBatch]:
        vertices = self._vertices(text.vertices, where)
        objects = text.objects
        inside = {child for found in objects.values() for child in found.children or ()}
        for object_id, found in objects.items():
            is_building = found.type == "Building"
            if found.type == "BuildingPart" and object_id not in inside:
                message = "this building part is in no building; it is drawn as a building of its own"
                self._assembly.findings.add("PART_WITHOUT_BUILDING", f"gml:id={object_id}", message)
                is_building = True
            if is_building:
                yield from self._building(object_id, objects, vertices, is_whole=is_whole)
            elif object_id not in inside and not found.parents:
                self._others[found.type] += 1

    def _building(
        self, object_id: str, objects: Mapping[str, _Object], vertices: NDArray[np.float64], *, is_whole: bool
    ) -> Iterator[FeatureBatch]:
        feature_id = self._assembly.feature_id(object_id)
        offset = self._assembly.use_vertices(vertices, is_whole=is_whole)
        reader = _Building(self._assembly, objects, offset, len(vertices), self._reading.lod)
        parts = reader.read(object_id, feature_id)
        if parts:
            yield from self._assembly.add(feature_id, parts, self._named_frame())
        else:
            self._assembly.empty(feature_id)

    def _named_frame(self) -> Frame:
        if self._reading.override is not None:
            return self._reading.override
        if self._frame is None:
            if not self._reference_system:
                raise UnknownCRSError(
                    "no referenceSystem", source=self._reading.name, remedy="pass --crs EPSG:25832+7837"
                )
            self._frame = frame_of(self._reference_system, self._reading.name, "referenceSystem")
        return self._frame

    def _vertices(self, raw: Raw, where: str) -> NDArray[np.float64]:
        """Return the vertices of a text in its CRS, shape (n, 3)."""
        numbers = _triples(bytes(raw) or b"[]")
        if numbers is None:
            raise self._error("its vertices are not lists of three numbers", where or None, "mend the file")
        with np.errstate(over="ignore", invalid="ignore"):
            return numbers * self._transform.scale + self._transform.translate

    def _error(self, problem: str, where: str | None = None, remedy: str | None = None) -> SourceError:
        return SourceError(problem, source=self._reading.name, where=where, remedy=remedy)


class _Building:
    """One Building with its children."""

    def __init__(
        self, assembly: Assembly, objects: Mapping[str, _Object], offset: int, count: int, lod: int | None
    ) -> None:
        self._findings = assembly.findings
        self._objects = objects
        self._offset = offset
        self._count = count
        self._lod = lod
        self._visited: set[str] = set()
        self._parts: list[Part] = []

    def read(self, object_id: str, feature_id: str) -> list[Part]:
        """Return the rows of a building: its own, where it has surfaces of its own, and its parts'."""
        found = self._objects[object_id]
        self._visited.add(object_id)
        self._object(object_id, found, Row({"id": feature_id, "class_name": "Building"}), 0)
        return self._parts

    def _object(self, object_id: str, found: _Object, row: Row, depth: int) -> None:
        where = f"gml:id={object_id}"
        attributes = _decoded_or_none(found.attributes)
        if isinstance(attributes, dict):
            read_attributes(attributes, row)
        elif attributes is not None or bytes(found.attributes) not in (b"", b"null"):
            self._findings.add("ATTRIBUTE_UNREADABLE", where, "its attributes are no JSON object; it has none")
        address = address_of(_decoded_or_none(found.address))
        if address:
            row.values["address"] = address
        children = [(child, self._objects[child]) for child in self._children(found, where)]
        installations = [self._levels(child, name) for name, child in children if child.type == "BuildingInstallation"]
        own = Row(dict(row.values), dict(row.generics))
        lod, polygons = self._drawn_level(self._levels(found, object_id), installations)
        if any(polygon.boundary != Boundary.CLOSURE for polygon in polygons):
            own.values["lod"] = str(math.floor(lod))
            self._parts.append(Part(own, polygons, math.floor(lod), self._known_levels))
        elif depth > 0:
            message = "building part has no geometry that can be drawn; its building is drawn without it"
            self._findings.add("PART_WITHOUT_GEOMETRY", where, message)
        for name, child in children:
            if child.type == "BuildingPart" and depth < _DEEPEST_PARTS:
                self._object(name, child, Row({**row.values, "part_id": name}, dict(row.generics)), depth + 1)

    def _children(self, found: _Object, where: str) -> Iterator[str]:
        for child in found.children or ():
            if child not in self._objects:
                message = f"reference to '{child[:120]}' leads to nothing"
                self._findings.add("XLINK_UNRESOLVED", where, message)
            elif child in self._visited:
                message = f"reference to '{child[:120]}' comes back to itself; it was followed once"
                self._findings.add("XLINK_LOOP", where, message)
            else:
                self._visited.add(child)
                yield child

    def _drawn_level(self, levels: _Levels, installations: list[_Levels]) -> tuple[float, list[Polygon]]:
        self._known_levels = tuple({math.floor(lod) for lod in levels})
        for lod in by_preference(levels, self._lod):
            polygons = levels[lod]
            if any(polygon.boundary != Boundary.CLOSURE for polygon in polygons):
                if math.floor(lod) == 0:
                    polygons = footprints(polygons)
                return lod, polygons + _up_to(lod, installations)
        highest = max((lod for levels in installations for lod in levels), default=0.0)
        self._known_levels = (math.floor(highest),)
        return highest, _up_to(highest, installations)

    def _levels(self, found: _Object, object_id: str) -> _Levels:
        """Return the polygons of an object in each level of detail."""
        where = f"gml:id={object_id}"
        levels: _Levels = {}
        if not bytes(found.geometry):
            return levels
        try:
            geometries = _GEOMETRY_LIST.decode(found.geometry)
        except _FAULTS as error:
            self._findings.add("COORDINATES_UNREADABLE", where, f"its geometry is no CityJSON ({error}); left out")
            return levels
        is_other = found.type == "BuildingInstallation"
        for geometry in geometries or ():
            lod = _level(geometry.lod)
            if geometry.type not in _GEOMETRIES or lod is None:
                what = geometry.type if geometry.type not in _GEOMETRIES else f"{geometry.type} of LoD '{geometry.lod}'"
                self._findings.add("UNSUPPORTED_GEOMETRY", where, f"{what[:80]} is no surface and was passed over")
                continue
            try:
                polygons = list(self._polygons(geometry, Boundary.FOOTPRINT if lod < 1 else Boundary.UNCLASSIFIED))
            except _FAULTS as error:
                message = f"the boundaries of its {geometry.type} are no CityJSON ({error}); left out"
                self._findings.add("COORDINATES_UNREADABLE", where, message)
                continue
            if is_other:
                for polygon in polygons:
                    if polygon.boundary in (Boundary.UNCLASSIFIED, Boundary.FOOTPRINT):
                        polygon.boundary = Boundary.OTHER
            levels.setdefault(lod, []).extend(polygons)
        return levels

    def _polygons(self, geometry: _Geometry, unknown: Boundary) -> Iterator[Polygon]:
        depth, decoder = _GEOMETRIES[geometry.type]
        semantics = geometry.semantics or _Semantics()
        kinds = [_boundary_of(str(surface.get("type", "")), unknown) for surface in semantics.surfaces]
        for rings, value in _surfaces(decoder.decode(geometry.boundaries), semantics.values, depth):
            is_known = type(value) is int and 0 <= value < len(kinds)
            boundary = kinds[value] if is_known else unknown
            if boundary is not None and rings:
                yield Polygon(tuple(map(self._ring, rings)), boundary, "", False, 3)

    def _ring(self, ring: list[int]) -> list[int]:
        """Return a ring's vertices as the assembly counts them; none where one of them is not there."""
        if not ring or min(ring) < 0 or max(ring) >= self._count:
            return []
        return ring if self._offset == 0 else [vertex + self._offset for vertex in ring]


def _up_to(lod: float, installations: list[_Levels]) -> list[Polygon]:
    """Return the polygons of installations, each in the highest level that is not above the building's."""
    polygons: list[Polygon] = []
    for levels in installations:
        fitting = [level for level in levels if math.floor(level) <= math.floor(lod)]
        if fitting:
            polygons += levels[max(fitting)]
    return polygons


def _surfaces(node: Any, values: Any, depth: int) -> Iterator[tuple[list[list[int]], Any]]:
    """Yield the rings of each surface and what "values" says of it."""
    if depth == 0:
        yield node, values
        return
    for number, child in enumerate(node):
        value = values[number] if isinstance(values, list) and number < len(values) else None
        yield from _surfaces(child, value, depth - 1)


def _boundary_of(kind: str, unknown: Boundary) -> Boundary | None:
    """Return what a semantic surface bounds; None for one that bounds a room."""
    if kind in _INTERIOR:
        return None
    known = _BOUNDARIES.get(kind)
    # A surface of an extension stands in for the one whose name it ends with.
    return known if known is not None else next((b for end, b in BOUNDARY_SUFFIXES if kind.endswith(end)), unknown)


def _level(lod: float | str | None) -> float | None:
    try:
        level = float(lod if lod is not None else "")
    except ValueError:
        return None
    return level if 0 <= level < 5 else None


def _triples(text: bytes) -> NDArray[np.float64] | None:
    """Return the numbers of a JSON array of arrays of three, shape (n, 3), without an object for each of them."""
    signs = text.translate(None, b"0123456789+-.eE \t\r\n")
    count = signs.count(b"[") - 1
    if signs != b"[" + b",".join([b"[,,]"] * count) + b"]":
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            numbers = np.fromstring(text.translate(bytes.maketrans(b"[],", b"   ")), sep=" ") if count else np.zeros(0)
        except (ValueError, DeprecationWarning):
            return None
    return numbers.reshape(-1, 3) if len(numbers) == 3 * count else None


def _is_whole(line: bytes) -> bool:
    """Return whether a line is a JSON text; what is wrong inside it is for the decoder to say."""
    try:
        msgspec.json.decode(line, type=Raw)
    except _FAULTS:
        return False
    return True


def _decoded_or_none(raw: Raw) -> Any:
    try:
        return msgspec.json.decode(raw)
    except _FAULTS:
        return None
