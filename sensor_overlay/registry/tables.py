"""Files of a registry as records of text: CSV as spreadsheets write it, and GeoJSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from sensor_overlay.registry.columns import field_of, nearest_title
from zwilling.errors import SourceError

LARGEST: Final = 50_000_000
"""Bytes that a registry may have: a hundred thousand sensors need a fifth of it."""
_DELIMITERS: Final = ";,\t"
_DEGREES: Final = frozenset({"urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:OGC::CRS84", "EPSG:4326"})


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one place of a registry.

    Attributes:
        source: the file.
        line: of the file, or number of the feature; 0 for the file as a whole.
        column: its title in the file; empty for the line as a whole.
        problem: one sentence for a person.
        is_error: the line cannot be imported; else it is only worth knowing.
        unit: `line`, or `feature` where lines mean nothing.
    """

    source: str
    line: int
    column: str
    problem: str
    is_error: bool = True
    unit: str = "line"

    @property
    def where(self) -> str:
        """The place inside the file."""
        place = f"{self.unit} {self.line}" if self.line else ""
        return ", ".join(part for part in (place, f"column '{self.column}'" if self.column else "") if part)

    def __str__(self) -> str:
        return ": ".join(part for part in (self.source, self.where, self.problem) if part)


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a registry.

    Attributes:
        source: the file.
        line: as in `Fault`.
        unit: as in `Fault`.
        cells: text by field (see `columns.field_of`); a column that the file does not have is absent.
        titles: title in the file by field.
        calibration: of GeoJSON, where it is no text.
    """

    source: str
    line: int
    unit: str
    cells: Mapping[str, str]
    titles: Mapping[str, str]
    calibration: Mapping[str, Any] | None = None

    def fault(self, field: str, problem: str, *, is_error: bool = True) -> Fault:
        """Return a fault of this line."""
        return Fault(self.source, self.line, self.titles.get(field, ""), problem, is_error, self.unit)


@dataclass(frozen=True, slots=True)
class Table:
    """One file of a registry.

    Attributes:
        records: its lines that hold anything.
        faults: what was found while it was read.
        fields: the fields that it has columns for.
        in_degrees: positions are longitude and latitude by the format itself (GeoJSON).
    """

    records: tuple[Record, ...]
    faults: tuple[Fault, ...]
    fields: frozenset[str]
    in_degrees: bool = False


def read_table(path: Path) -> Table:
    """Return the content of a CSV or GeoJSON file; which of them it is, its first character tells.

    Raises:
        SourceError: it cannot be read, is too large, or is neither.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise SourceError(f"has {size / 1e6:.0f} MB; a registry has {LARGEST / 1e6:.0f} at most", source=path)
        content = path.read_bytes()
    except OSError as error:
        raise SourceError(f"cannot be read ({error.strerror})", source=path) from error
    text = _text(content, path)
    if not text.strip():
        raise SourceError("is empty", source=path, remedy="write one with 'zwilling sensors import --template'")
    return _geojson(text, path) if text.lstrip().startswith("{") else _csv(text, path)


def _text(content: bytes, path: Path) -> str:
    # UTF-16 is what a spreadsheet calls "Unicode text".
    is_wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if is_wide else ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    raise SourceError("is no text", source=path, remedy="save it as CSV (UTF-8) or GeoJSON")


def _csv(text: str, path: Path) -> Table:
    source = str(path)
    first, _, rest = text.partition("\n")
    skipped = 0
    if first.strip().lower().startswith("sep="):  # a note of spreadsheets to themselves
        text, skipped = rest, 1
    delimiter = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows = _rows(reader, path, skipped)
    try:
        line, titles = next(row for row in rows if any(cell.strip() for cell in row[1]))
    except StopIteration:
        raise SourceError("has no line with the columns' titles", source=path) from None
    titles = [title.strip() for title in titles]
    fields, faults = _fields(titles, source, line)
    records = []
    for number, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        if any(cell.strip() for cell in cells[len(titles) :]):
            problem = f"has {len(cells)} cells, but there are {len(titles)} columns"
            faults.append(Fault(source, number, "", problem))
            continue
        padded = [*cells, *[""] * (len(titles) - len(cells))]
        texts = {field: padded[index].strip() for index, field in fields.items()}
        own = {field: titles[index] for index, field in fields.items()}
        records.append(Record(source, number, "line", texts, own))
    return Table(tuple(records), tuple(faults), frozenset(fields.values()))


def _delimiter(text: str) -> str:
    """Return what separates the cells of the first line: what stands there most often outside quotes."""
    counts = dict.fromkeys(_DELIMITERS, 0)
    quoted = False
    for character in text.lstrip("\r\n"):
        if character == '"':
            quoted = not quoted
        elif character in "\r\n" and not quoted:
            break
        elif not quoted and character in counts:
            counts[character] += 1
    return max(counts, key=lambda sign: counts[sign])


def _rows(reader: Any, path: Path, skipped: int) -> Iterator[tuple[int, Sequence[str]]]:
    while True:
        line = reader.line_num + 1 + skipped
        try:
            yield line, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise SourceError(f"is no CSV ({error})", source=path, where=f"line {line}") from error


def _fields(titles: Sequence[str], source: str, line: int) -> tuple[dict[int, str], list[Fault]]:
    """Return the field of each column that we know, by its index, and what is wrong with the others."""
    fields: dict[int, str] = {}
    faults = []
    for index, title in enumerate(titles):
        field = field_of(title)
        if field is not None and field in fields.values():
            first = titles[next(at for at, name in fields.items() if name == field)]
            faults.append(Fault(source, line, title, f"says the same as column '{first}'; remove one of them"))
        elif field is not None:
            fields[index] = field
        elif title:
            near = nearest_title(title)
            known = {field_of(other) for other in titles}
            if near is not None and field_of(near) not in known:
                faults.append(Fault(source, line, title, f"is not known; did you mean '{near}'?"))
            else:
                faults.append(Fault(source, line, title, "is not known and not taken over", is_error=False))
    return fields, faults


def _geojson(text: str, path: Path) -> Table:
    source = str(path)
    try:
        document = msgspec.json.decode(text.lstrip())
    except (msgspec.DecodeError, RecursionError) as error:
        raise SourceError(f"is no JSON ({error})", source=path) from error
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list) or document.get("type") != "FeatureCollection":
        raise SourceError("is no FeatureCollection", source=path, remedy="write GeoJSON as in RFC 7946")
    _refuse_foreign_crs(document.get("crs"), path)
    records: list[Record] = []
    faults: dict[str, Fault] = {}
    fields: set[str] = set()
    for number, feature in enumerate(features, 1):
        try:
            record, unknown = _feature(feature, number, source)
        except ValueError as error:
            faults[f"feature {number}"] = Fault(source, number, "", str(error), unit="feature")
            continue
        records.append(record)
        fields.update(record.cells)
        for title in unknown:
            near = nearest_title(title)
            hint = f"is not known; did you mean '{near}'?" if near else "is not known and not taken over"
            faults.setdefault(title, Fault(source, 0, title, hint, is_error=False))
    if any(record.calibration is not None for record in records):
        fields.add("calibration")
    return Table(tuple(records), tuple(faults.values()), frozenset(fields), in_degrees=True)


def _refuse_foreign_crs(crs: object, path: Path) -> None:
    name = crs.get("properties", {}).get("name") if isinstance(crs, dict) else None
    if crs is not None and name not in _DEGREES:
        raise SourceError(
            f"its positions are in {name}, but GeoJSON has longitude and latitude (RFC 7946)",
            source=path,
            remedy="export it in EPSG:4326, or as CSV with Ostwert and Nordwert",
        )


def _feature(feature: object, number: int, source: str) -> tuple[Record, list[str]]:
    if not isinstance(feature, dict) or not isinstance(feature.get("properties"), dict):
        raise ValueError("has no properties")
    cells: dict[str, str] = {}
    titles: dict[str, str] = {}
    unknown = []
    calibration: Mapping[str, Any] | None = None
    for title, value in feature["properties"].items():
        field = field_of(title)
        if field is None:
            unknown.append(title)
        elif field in cells:
            raise ValueError(f"'{title}' says the same as '{titles[field]}'")
        elif field == "calibration" and isinstance(value, dict):
            calibration = value
            titles[field] = title
        elif isinstance(value, (dict, list)):
            raise ValueError(f"'{title}' is no single value")
        else:
            cells[field] = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
            titles[field] = title
    if "key" not in cells and feature.get("id") is not None:
        cells["key"] = str(feature["id"])
    geometry = feature.get("geometry")
    if geometry is not None:
        cells.update(_point(geometry, cells))
    return Record(source, number, "feature", cells, titles, calibration), unknown


def _point(geometry: object, cells: Mapping[str, str]) -> dict[str, str]:
    places = geometry.get("coordinates") if isinstance(geometry, dict) and geometry.get("type") == "Point" else None
    if not isinstance(places, list) or not 2 <= len(places) <= 4:
        raise ValueError("its geometry is no point")
    if not all(isinstance(place, (int, float)) and not isinstance(place, bool) for place in places):
        raise ValueError("its geometry has coordinates that are no numbers")
    found = {"longitude": repr(places[0]), "latitude": repr(places[1])}
    if len(places) > 2 and "height" not in cells:
        found["height"] = repr(places[2])
        # RFC 7946, 3.1.1: the third element is a height above the ellipsoid.
        found["height_reference"] = cells.get("height_reference") or "Ellipsoid"
    return found
