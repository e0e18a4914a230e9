"""Buildings of one source, whatever its format, to batches: ids made unique, systems kept apart, what is empty told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from citygml.attributes import GenericNames
from citygml.batch import Frame, Gathered, make_batch
from citygml.building import Part
from citygml.findings import Findings
from zwilling.crs import is_geographic, is_latitude_first, parse_crs
from zwilling.errors import EmptyGeometryError
from zwilling.features import FeatureBatch
from zwilling.packed import source_name
from zwilling.region import Region

# A batch ends at whichever comes first; some megabytes of arrays then.
_MOST_FEATURES: Final = 512
_MOST_POLYGONS: Final = 16384

# The CRS of a batch without any position.
_NOWHERE: Final = Frame("", 0, False, False, False)


@dataclass(frozen=True, slots=True)
class Reading:
    """What is to be read, and how; it can be pickled.

    Attributes:
        path: the file.
        entry: name of the file in the zip archive that `path` is, else empty.
        override: CRS in place of the file's own.
        municipalities: eight-digit key → name.
        skip_empty: leave out buildings without geometry instead of stopping.
        lod: level of detail to draw, 0 to 4; None for the highest that each building has.
    """

    path: Path
    entry: str
    override: Frame | None
    municipalities: Mapping[str, str]
    skip_empty: bool
    lod: int | None

    @classmethod
    def create(
        cls, path: Path, entry: str, crs: str | None, region: Region | None, skip_empty: bool, lod: int | None
    ) -> Reading:
        """Return it as users say it.

        Raises:
            UnknownCRSError: `crs` names no CRS.
        """
        override = None if crs is None else frame_of(crs, str(path), "--crs")
        return cls(path, entry, override, {} if region is None else dict(region.municipalities), skip_empty, lod)

    @property
    def name(self) -> str:
        """The file, as the user named it, and its place in an archive."""
        return source_name(self.path, self.entry)

    @property
    def file_name(self) -> str:
        """The file's own name, without any folder."""
        return Path(self.entry or self.path.name).name


class Assembly:
    """Takes the buildings of one source and gives batches of them.

    Attributes:
        findings: what is wrong with them.
        count: how many were announced by `feature_id`.
        source_date: what the source says of its own date; empty where it says nothing.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self.findings = Findings(reading.name)
        self._file_name = reading.file_name
        self.count = 0
        self.source_date = ""
        self._names = GenericNames()
        self._seen: Counter[str] = Counter()
        self._levels: Counter[int] = Counter()
        self._gathered = Gathered()
        self._frame: Frame | None = None

    def feature_id(self, own_id: str, number: str = "", where: str = "") -> str:
        """Return the id of the next building, made unique within the source.

        Args:
            own_id: what the source calls it; empty where it has no id.
            number: stands for the id that is missing.
            where: said of a building without an id, such as its line.
        """
        self.count += 1
        if not own_id:
            number = number or str(self.count)
            own_id = f"{Path(self._reading.file_name.removesuffix('.gz')).stem}.{number}"
            message = f"building number {number} of the file{where} has no gml:id"
            self.findings.add("MISSING_ID", f"gml:id={own_id}", message)
        self._seen[own_id] += 1
        times = self._seen[own_id]
        if times == 1:
            return own_id
        unique = f"{own_id}~{times}"
        while self._seen[unique]:
            times += 1
            unique = f"{own_id}~{times}"
        self._seen[unique] += 1
        message = f"the id stands in the file before; this building is kept as {unique}"
        self.findings.add("DUPLICATE_ID", f"gml:id={own_id}", message)
        return unique

    def use_vertices(self, vertices: NDArray[np.float64], *, is_whole: bool) -> int:
        """Take the vertices that the next building's rings count, and return the number that the first of them gets.

        Args:
            vertices: shape (n, 3).
            is_whole: they are those of all buildings of the source.
        """
        if is_whole:
            self._gathered.vertices = [vertices]
            return 0
        self._gathered.vertices.append(vertices)
        return sum(map(len, self._gathered.vertices)) - len(vertices)

    def empty(self, feature_id: str) -> None:
        """Take a building without anything to draw: report it, or stop there.

        Raises:
            EmptyGeometryError: `skip_empty` is off.
        """
        self._report_empty(feature_id)
        self._gathered.features_in += 1

    def add(self, feature_id: str, parts: Sequence[Part], frame: Frame) -> Iterator[FeatureBatch]:
        """Take a building with something to draw; yield a batch where that fills one."""
        if self._frame is not None and frame != self._frame:
            yield self.flush()
        self._frame = frame
        self._gathered.features_in += 1
        for part in parts:
            part.row.values["source_file"] = self._file_name
            part.row.values["source_date"] = self.source_date
        self._gathered.add(feature_id, parts)
        self._note_levels(parts)
        if len(self._gathered.feature_ids) >= _MOST_FEATURES or len(self._gathered.polygons) >= _MOST_POLYGONS:
            yield self.flush()

    def finish(self, others: Mapping[str, int], *, may_be_empty: bool) -> FeatureBatch:
        """Return the last batch.

        Args:
            others: how many objects of each other class the source held.
            may_be_empty: it is part of a source only.

        Raises:
            EmptyGeometryError: there was no building.
        """
        if self.count == 0 and not may_be_empty:
            held = ", ".join(f"{count} {name}" for name, count in sorted(others.items()))
            problem = f"there is no building in it, but {held}" if held else "there is no city object in it"
            raise EmptyGeometryError(problem, source=self._reading.name, remedy="choose a file with buildings")
        for name, count in sorted(others.items()):
            message = f"{count} {name} not read: only buildings are drawn"
            self.findings.add("NOT_A_BUILDING", f"class {name}", message)
        if len(self._levels) > 1 or self._reading.lod is not None:
            held = ", ".join(f"{count} in LoD{lod}" for lod, count in sorted(self._levels.items()))
            self.findings.add("LEVELS_OF_DETAIL", "all buildings", f"buildings and parts there are: {held or 'none'}")
        return self.flush()

    def flush(self) -> FeatureBatch:
        """Return what was taken since the last batch."""
        frame = self._frame or self._reading.override or _NOWHERE
        gathered, self._gathered = self._gathered, Gathered()
        municipalities = self._reading.municipalities
        return make_batch(gathered, frame, self._names, municipalities, self.findings, self._report_empty)

    def _note_levels(self, parts: Sequence[Part]) -> None:
        wish = self._reading.lod
        for part in parts:
            self._levels.update(part.levels)
            if wish is not None and part.lod != wish:
                values = part.row.values
                where = f"gml:id={values.get('part_id') or values['id']}"
                self.findings.add("LEVEL_OF_DETAIL_MISSING", where, f"it has no LoD{wish}; LoD{part.lod} is drawn")

    def _report_empty(self, feature_id: str) -> None:
        where = f"gml:id={feature_id}"
        if not self._reading.skip_empty:
            cause = self.findings.about(where)
            raise EmptyGeometryError(
                "building has no geometry that can be drawn" + (f" ({cause})" if cause else ""),
                source=self._reading.name,
                where=where,
                remedy="mend the file or pass --skip-empty to leave it out",
            )
        message = "building has no geometry that can be drawn; it was left out"
        self.findings.add("BUILDING_WITHOUT_GEOMETRY", where, message)


def frame_of(name: str, source: str, where: str) -> Frame:
    """Return the system that `name` means, in any spelling that `zwilling.crs` reads.

    Raises:
        UnknownCRSError: it means none.
    """
    crs = parse_crs(name, source=source, where=where)
    has_heights = crs.vertical is not None or crs.is_ellipsoidal
    return Frame(crs.name, crs.horizontal, has_heights, is_latitude_first(name), is_geographic(crs))
