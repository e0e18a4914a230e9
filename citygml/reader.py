"""CityGML files as features: `CityGMLSource`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from citygml.assembly import Assembly, Reading, frame_of
from citygml.batch import Frame
from citygml.building import BuildingReader
from citygml.dictionaries import Dictionaries
from citygml.members import Document
from citygml.namespaces import BUILDING_PARTS, BUILDINGS, ENVELOPES, local_name
from citygml.shares import Share
from citygml.surfaces import GML_32_ID, GML_ID, SurfaceReader
from zwilling.errors import UnknownCRSError
from zwilling.features import FeatureBatch
from zwilling.region import Region


class CityGMLSource:
    """The buildings of one CityGML file (1.0, 2.0 or 3.0).

    A building is a feature, and so is every one that stands twice: the second of an id gets `~2` behind it.  Ids are
    kept as they are, upper and lower case.

    Args:
        path: the file; gzip is unpacked.
        crs: CRS of the coordinates, in place of the file's own `srsName`; any spelling `zwilling.crs` reads.
        region: whose names of municipalities are shown.
        skip_empty: leave out buildings without geometry, with a finding, instead of stopping.
        lod: level of detail to draw, 0 to 4, or the nearest below or above it; None for each building's highest.
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
        lod: int | None = None,
        share: Share | None = None,
        entry: str = "",
    ) -> None:
        self.reading = Reading.create(path, entry, crs, region, skip_empty, lod)
        self.share = share

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
        return _Pass(self.reading, self.share).batches()


class _Pass:
    """One pass through a file."""

    def __init__(self, reading: Reading, share: Share | None) -> None:
        self._reading = reading
        self._share = share
        self._document = Document(reading.path, share, entry=reading.entry)
        self._assembly = Assembly(reading)
        self._surfaces = SurfaceReader()
        dictionaries = Dictionaries(reading.path, reading.entry, self._assembly.findings)
        self._buildings = BuildingReader(self._surfaces, self._assembly.findings, dictionaries, reading.lod)
        self._frames: dict[str, Frame] = {}
        self._frames_of: dict[tuple[str, ...], Frame] = {}

    def batches(self) -> Iterator[FeatureBatch]:
        others: Counter[str] = Counter()
        for member in self._document.members():
            self._assembly.source_date = self._document.date
            if member.tag in BUILDINGS or member.tag in BUILDING_PARTS:
                yield from self._building(member)
                continue
            others[local_name(member.tag)] += 1
            # A group may hold its buildings inline.
            for inner in member.iter(*BUILDINGS, *BUILDING_PARTS):
                if next(inner.iterancestors(*BUILDINGS, *BUILDING_PARTS), None) is None:
                    yield from self._building(inner)
        reading = self._reading
        self._buildings.strays.settle(Document(reading.path, entry=reading.entry).members())
        yield self._assembly.finish(others, may_be_empty=self._share is not None)

    def _building(self, element: etree._Element) -> Iterator[FeatureBatch]:
        number, line = "", f" (line {element.sourceline})"
        if self._share is not None:
            number, line = f"{self._share.number + 1}.{self._assembly.count + 1}", ""
        own_id = element.get(GML_ID) or element.get(GML_32_ID) or ""
        feature_id = self._assembly.feature_id(own_id, number, line)
        if element.tag in BUILDING_PARTS:
            message = "this building part is in no building; it is drawn as a building of its own"
            self._assembly.findings.add("PART_WITHOUT_BUILDING", f"gml:id={feature_id}", message)
        self._surfaces.srs_names.clear()
        self._surfaces.dimension = self._document.dimension
        parts = self._buildings.read(element, feature_id)
        if parts:
            yield from self._assembly.add(feature_id, parts, self._frame_of(element, feature_id))
        else:
            self._assembly.empty(feature_id)

    def _frame_of(self, element: etree._Element, feature_id: str) -> Frame:
        """Return the CRS of a building: the user's, its geometries', its envelope's, or the model's."""
        if self._reading.override is not None:
            return self._reading.override
        stated = list(self._surfaces.srs_names)
        if not stated:
            envelope = next(element.iter(*ENVELOPES), None)
            own = "" if envelope is None else (envelope.get("srsName") or "").strip()
            stated = [own or self._document.srs_name]
        # Nearly always the same as for the building before; what was refused is not kept.
        key = (*stated, self._document.srs_name)
        known = self._frames_of.get(key)
        if known is not None:
            return known
        where = f"gml:id={feature_id}"
        if not stated[0].strip():
            raise UnknownCRSError(
                "no srsName", source=self._reading.name, where=where, remedy="pass --crs EPSG:25832+7837"
            )
        frames = [self._named_frame(name, where) for name in stated]
        if any(frame.horizontal != frames[0].horizontal for frame in frames):
            raise UnknownCRSError(
                f"its geometries name different systems: {', '.join(stated)}",
                source=self._reading.name,
                where=where,
                remedy="mend the file, or pass --crs to have all of it read as one",
            )
        # Many files name the place on each geometry and the heights on the model alone.
        if self._document.srs_name:
            frames.append(self._named_frame(self._document.srs_name, where))
        same_place = [frame for frame in frames if frame.horizontal == frames[0].horizontal]
        chosen = next((frame for frame in same_place if frame.has_heights), frames[0])
        self._frames_of[key] = chosen
        return chosen

    def _named_frame(self, name: str, where: str) -> Frame:
        frame = self._frames.get(name)
        if frame is None:
            place = "srsName" if name == self._document.srs_name else where
            frame = self._frames[name] = frame_of(name, self._reading.name, place)
        return frame
