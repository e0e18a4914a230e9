"""CityGML files as features: `CityGMLSource`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from lxml import etree

from citygml.attributes import GenericNames
from citygml.batch import Frame, Gathered, make_batch
from citygml.building import BuildingReader
from citygml.content import source_name
from citygml.findings import Findings
from citygml.members import Document
from citygml.namespaces import BUILDINGS, ENVELOPES, local_name
from citygml.shares import Share
from citygml.surfaces import GML_32_ID, GML_ID, SurfaceReader
from zwilling.crs import is_geographic, is_latitude_first, parse_crs
from zwilling.errors import EmptyGeometryError, UnknownCRSError
from zwilling.features import FeatureBatch
from zwilling.region import Region

# A batch ends at whichever comes first; some megabytes of arrays then.
_MOST_FEATURES: Final = 512
_MOST_POLYGONS: Final = 16384

# The CRS of a batch without any position.
_NOWHERE: Final = Frame("", 0, False, False, False)


class CityGMLSource:
    """The buildings of one CityGML file (1.0, 2.0 or 3.0).

    A building is a feature, and so is every one that stands twice: the second of an id gets `~2` behind it.  Ids are
    kept as they are, upper and lower case.

    Args:
        path: the file; gzip is unpacked.
        crs: CRS of the coordinates, in place of the file's own `srsName`; any spelling `zwilling.crs` reads.
        region: whose names of municipalities are shown.
        skip_empty: leave out buildings without geometry, with a finding, instead of stopping.
        share: read this share of the file alone; it may be without buildings.
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
        share: Share | None = None,
        entry: str = "",
    ) -> None:
        self.path = path
        self.entry = entry
        self.skip_empty = skip_empty
        self.share = share
        self.override = None if crs is None else _frame(crs, str(path), "--crs")
        self.municipalities: Mapping[str, str] = {} if region is None else dict(region.municipalities)  # can be pickled

    @property
    def name(self) -> str:
        """The file, as the user named it, and its place in an archive."""
        return source_name(self.path, self.entry)

    def batches(self) -> Iterator[FeatureBatch]:
        """Yield every building once, in file order, some hundred at a time.

        Raises:
            SourceError: the file cannot be read to its end.
            UnknownCRSError: the file names no CRS, or an unknown one, and none was given.
            EmptyGeometryError: there is no building, or one without geometry and `skip_empty` is off.
        """
        return _Reading(self).batches()


class _Reading:
    """One pass through a file."""

    def __init__(self, source: CityGMLSource) -> None:
        self._source = source.name
        self._stem = Path((source.entry or source.path.name).removesuffix(".gz")).stem
        self._document = Document(source.path, source.share, entry=source.entry)
        self._share = source.share
        self._override = source.override
        self._municipalities = source.municipalities
        self._skip_empty = source.skip_empty
        self._findings = Findings(self._source)
        self._surfaces = SurfaceReader()
        self._buildings = BuildingReader(self._surfaces, self._findings)
        self._names = GenericNames()
        self._frames: dict[str, Frame] = {}
        self._seen: Counter[str] = Counter()
        self._others: Counter[str] = Counter()
        self._gathered = Gathered()
        self._frame: Frame | None = None
        self._count = 0

    def batches(self) -> Iterator[FeatureBatch]:
        for member in self._document.members():
            if member.tag in BUILDINGS:
                yield from self._building(member)
                continue
            self._others[local_name(member.tag)] += 1
            # A group may hold its buildings inline.
            for inner in member.iter(*BUILDINGS):
                yield from self._building(inner)
        if self._count == 0 and self._share is None:
            held = ", ".join(f"{count} {name}" for name, count in sorted(self._others.items()))
            problem = f"there is no building in it, but {held}" if held else "there is no city object in it"
            raise EmptyGeometryError(problem, source=self._source, remedy="choose a file with buildings")
        for name, count in sorted(self._others.items()):
            message = f"{count} {name} not read: only buildings are drawn"
            self._findings.add("NOT_A_BUILDING", f"class {name}", message)
        yield self._flush()

    def _building(self, element: etree._Element) -> Iterator[FeatureBatch]:
        self._count += 1
        feature_id = self._feature_id(element)
        self._surfaces.srs_names.clear()
        self._surfaces.dimension = self._document.dimension
        parts = self._buildings.read(element, feature_id)
        if not parts:
            self._empty(feature_id)
            self._gathered.features_in += 1
            return
        frame = self._frame_of(element, feature_id)
        if self._frame is not None and frame != self._frame:
            yield self._flush()
        self._frame = frame
        self._gathered.features_in += 1
        self._gathered.add(feature_id, parts)
        if len(self._gathered.feature_ids) >= _MOST_FEATURES or len(self._gathered.polygons) >= _MOST_POLYGONS:
            yield self._flush()

    def _flush(self) -> FeatureBatch:
        frame = self._frame or self._override or _NOWHERE
        gathered, self._gathered = self._gathered, Gathered()
        return make_batch(gathered, frame, self._names, self._municipalities, self._findings, self._empty)

    def _empty(self, feature_id: str) -> None:
        """Report a building that cannot be drawn, or stop at it."""
        if not self._skip_empty:
            raise EmptyGeometryError(
                "building has no geometry that can be drawn",
                source=self._source,
                where=f"gml:id={feature_id}",
                remedy="mend the file or pass --skip-empty to leave it out",
            )
        message = "building has no geometry that can be drawn; it was left out"
        self._findings.add("BUILDING_WITHOUT_GEOMETRY", f"gml:id={feature_id}", message)

    def _feature_id(self, element: etree._Element) -> str:
        """Return the building's id, made unique within the file."""
        gml_id = element.get(GML_ID) or element.get(GML_32_ID) or ""
        if not gml_id:
            if self._share is None:
                number, place = str(self._count), f" (line {element.sourceline})"
            else:
                number, place = f"{self._share.number + 1}.{self._count}", ""
            gml_id = f"{self._stem}.{number}"
            message = f"building number {number} of the file{place} has no gml:id"
            self._findings.add("MISSING_ID", f"gml:id={gml_id}", message)
        self._seen[gml_id] += 1
        times = self._seen[gml_id]
        if times == 1:
            return gml_id
        unique = f"{gml_id}~{times}"
        while self._seen[unique]:
            times += 1
            unique = f"{gml_id}~{times}"
        self._seen[unique] += 1
        message = f"the id stands in the file before; this building is kept as {unique}"
        self._findings.add("DUPLICATE_ID", f"gml:id={gml_id}", message)
        return unique

    def _frame_of(self, element: etree._Element, feature_id: str) -> Frame:
        """Return the CRS of a building: the user's, its geometries', its envelope's, or the model's."""
        if self._override is not None:
            return self._override
        where = f"gml:id={feature_id}"
        stated = list(self._surfaces.srs_names)
        if not stated:
            envelope = next(element.iter(*ENVELOPES), None)
            own = "" if envelope is None else (envelope.get("srsName") or "").strip()
            stated = [own or self._document.srs_name]
        if not stated[0].strip():
            raise UnknownCRSError("no srsName", source=self._source, where=where, remedy="pass --crs EPSG:25832+7837")
        frames = [self._named_frame(name, where) for name in stated]
        if any(frame.horizontal != frames[0].horizontal for frame in frames):
            raise UnknownCRSError(
                f"its geometries name different systems: {', '.join(stated)}",
                source=self._source,
                where=where,
                remedy="mend the file, or pass --crs to have all of it read as one",
            )
        # Many files name the place on each geometry and the heights on the model alone.
        if self._document.srs_name:
            frames.append(self._named_frame(self._document.srs_name, where))
        same_place = [frame for frame in frames if frame.horizontal == frames[0].horizontal]
        return next((frame for frame in same_place if frame.has_heights), frames[0])

    def _named_frame(self, name: str, where: str) -> Frame:
        frame = self._frames.get(name)
        if frame is None:
            place = "srsName" if name == self._document.srs_name else where
            frame = self._frames[name] = _frame(name, self._source, place)
        return frame


def _frame(name: str, source: str, where: str) -> Frame:
    crs = parse_crs(name, source=source, where=where)
    return Frame(crs.name, crs.horizontal, crs.vertical is not None, is_latitude_first(name), is_geographic(crs))
