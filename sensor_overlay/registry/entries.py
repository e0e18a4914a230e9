"""Records as entries: every cell understood, every fault of every line told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from sensor_overlay.registry import values
from sensor_overlay.registry.places import PlaceError, Placing, Position
from sensor_overlay.registry.tables import Fault, Record, Table
from sensor_overlay.rules.words import room_in_words

_LENGTHS: Final = MappingProxyType(
    {
        "name": 500,
        "description": 2000,
        "site": 200,
        "site_name": 500,
        "building": 200,
        "storey": 40,
        "room": 80,
        "municipality": 200,
    }
)
_KEY_LENGTH: Final = 200
_LARGEST_OFFSET: Final = 1e6


@dataclass(frozen=True, slots=True)
class Entry:
    """What the registry says about one thing.

    Attributes:
        key: the county's own id of it.
        values: by column of the table `thing`; columns that the file does not have are absent and stay as they are.
        position: where it is; None where the line tells no place, which leaves the thing where it was.
        record: where it stands, for messages.
    """

    key: str
    values: Mapping[str, Any]
    position: Position | None
    record: Record


@dataclass(frozen=True, slots=True)
class Models:
    """The models that can be decoded.

    Attributes:
        keys: names of the codecs.
        find: returns the key of the codec for a model as people write it, or None where there is none.
    """

    keys: Collection[str]
    find: Callable[[str], str | None]


def read_entries(
    tables: Iterable[Table],
    placing: Placing,
    models: Models | None = None,
    municipalities: Collection[str] = (),
) -> tuple[list[Entry], list[Fault]]:
    """Return every sound line of all files as an entry, and everything that is wrong, in the order of the files.

    Args:
        tables: the files.
        placing: finds positions.
        models: finds the codec of a model as people write it; None where any name is taken.
        municipalities: names in the county; others are worth knowing.
    """
    entries: list[Entry] = []
    faults: list[Fault] = []
    for table in tables:
        faults += table.faults
        if "key" not in table.fields and "dev_eui" not in table.fields and table.records:
            source = table.records[0].source
            faults.append(Fault(source, 0, "", "has neither a column 'Kennung' nor one 'DevEUI'"))
            continue
        for record in table.records:
            entry, wrong = _entry(record, placing, models, municipalities)
            faults += wrong
            if entry is not None:
                entries.append(entry)
    repeated = _repeated(entries)
    faults += [fault for _, fault in repeated]
    bad = {id(entry) for entry, _ in repeated}
    return [entry for entry in entries if id(entry) not in bad], faults


def _entry(
    record: Record,
    placing: Placing,
    models: Models | None,
    municipalities: Collection[str],
) -> tuple[Entry | None, list[Fault]]:
    faults: list[Fault] = []
    found: dict[str, Any] = {}
    cells = record.cells

    def take(field: str, column: str, read: Callable[[str], Any], default: Any) -> None:
        """Read a cell into a column; an empty one has the default."""
        if field not in cells:
            return
        try:
            found[column] = read(cells[field]) if cells[field] else default
        except ValueError as error:
            faults.append(record.fault(field, str(error)))

    take("key", "key", lambda text: values.line_of_text(text, _KEY_LENGTH), "")
    take("dev_eui", "dev_eui", values.dev_eui, None)
    for field, longest in _LENGTHS.items():
        take(field, field, lambda text, longest=longest: values.line_of_text(text, longest), "")  # type: ignore[misc]
    take("model", "model", lambda text: _model(text, models), "")
    take("access", "access", values.access, "staff")
    take("is_test", "is_test", values.flag, False)
    take("is_synthetic", "is_synthetic", values.flag, False)
    for field, unit in (("interval_minutes", 60), ("expected_interval", 1), ("interval_text", None)):
        told = found.get("expected_interval", 900)  # by another of these columns: an empty cell does not gainsay it
        take(field, "expected_interval", lambda text, unit=unit: values.interval(text, unit), told)  # type: ignore[misc]
    calibration, wrong = _calibration(record)
    faults += wrong
    if calibration is not None:
        found["calibration"] = calibration or None
    municipality = found.get("municipality", "")
    if municipality and municipalities and municipality not in municipalities:
        hint = values.nearest(municipality, municipalities)
        faults.append(record.fault("municipality", f"'{municipality}' is none of the county's{hint}", is_error=False))
    key = found.pop("key", "") or found.get("dev_eui") or ""
    if not key and not any(fault.is_error for fault in faults):
        faults.append(record.fault("key", "has neither a Kennung nor a DevEUI"))
    position = None
    try:
        position = placing.position(
            cells, lambda field, problem: faults.append(record.fault(field, problem, is_error=False))
        )
    except PlaceError as error:
        faults.append(record.fault(error.field, str(error)))
    if any(fault.is_error for fault in faults):
        return None, faults
    if not found.get("name"):
        found.pop("name", None)
    return Entry(key, MappingProxyType(found), position, record), faults


def _model(text: str, models: Models | None) -> str:
    word = values.line_of_text(text, 100)
    if models is None:
        return word
    found = models.find(word)
    if found is None:
        raise ValueError(f"there is no codec for '{values.shown(text)}'{values.nearest(text, models.keys)}")
    return found


def _calibration(record: Record) -> tuple[dict[str, dict[str, float]] | None, list[Fault]]:
    """Return offset and factor by observed property, or None where the file has no columns for them."""
    columns = [field for field in record.cells if ":" in field]
    if record.calibration is None and not columns and "calibration" not in record.cells:
        return None, []
    found: dict[str, dict[str, float]] = {}
    faults = []
    given: list[tuple[str, str, object, str]] = []
    for observed, parts in (record.calibration or {}).items():
        if not isinstance(parts, dict) or not parts.keys() <= {"offset", "factor"}:
            faults.append(record.fault("calibration", f"of '{observed}' is not {{offset, factor}}"))
            continue
        given += [(str(observed), part, amount, "calibration") for part, amount in parts.items()]
    for field in columns:
        part, _, observed = field.partition(":")
        if record.cells[field]:
            given.append((observed, part, record.cells[field], field))
    for observed, part, text, field in given:
        try:
            amount = values.number(str(text))
            if abs(amount) > _LARGEST_OFFSET or (part == "factor" and amount == 0):
                raise ValueError(f"'{values.shown(str(text))}' is no correction")
        except ValueError as error:
            faults.append(record.fault(field, str(error)))
            continue
        found.setdefault(observed, {})[part] = amount
    if record.cells.get("calibration"):
        faults.append(record.fault("calibration", "is an object in GeoJSON; in CSV write columns like 'Korrektur CO2'"))
    return found, faults


def derived_name(row: Mapping[str, Any]) -> str:
    """Return what people call a thing without a name of its own: its room and site, else its key."""
    room, site = row.get("room") or "", row.get("site_name") or row.get("site") or ""
    return ", ".join(part for part in (room_in_words(room), site) if part) if room else row.get("key") or ""


def _repeated(entries: Sequence[Entry]) -> list[tuple[Entry, Fault]]:
    """Return the entries that repeat the key or the DevEUI of an earlier one."""
    found = []
    keys: dict[str, Record] = {}
    devices: dict[str, Record] = {}
    for entry in entries:
        device = entry.values.get("dev_eui")
        for field, value, seen in (("key", entry.key, keys), ("dev_eui", device, devices)):
            if not value:
                continue
            first = seen.setdefault(value, entry.record)
            if first is not entry.record:
                file = "" if first.source == entry.record.source else f" of {first.source}"
                problem = f"'{value}' stands in {first.unit} {first.line}{file} already"
                found.append((entry, entry.record.fault(field, problem)))
                break
    return found
