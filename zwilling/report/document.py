"""The report as one JSON document; the page is made of it alone."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tiler.target import sweep
from zwilling import __version__
from zwilling.errors import TilesetError
from zwilling.issues import Issue, Severity
from zwilling.layers import Extent
from zwilling.report.figures import attributes, data_date, elevations, height_differences, levels, occurrences
from zwilling.report.page import page

if TYPE_CHECKING:
    from tiler.buildings import TilingResult

_PAGE_SUFFIXES = (".html", ".htm")


class Stopwatch:
    """Seconds of wall clock since it was made."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report is about, for its headings.

    Attributes:
        title: of the layer; German.
        region: title of the county; German.
        is_synthetic: the data shows no real place.
    """

    title: str
    region: str
    is_synthetic: bool = False


class Result(Protocol):
    """What came of making a tileset of any kind, as far as every report tells it."""

    @property
    def tiles(self) -> int: ...
    @property
    def extent(self) -> Extent: ...
    @property
    def height_method(self) -> str: ...
    @property
    def attribution(self) -> tuple[str, ...]: ...
    @property
    def issues(self) -> tuple[Issue, ...]: ...
    @property
    def peak_rss_bytes(self) -> int: ...


def common(
    kind: str,
    result: Result,
    sources: Sequence[Path],
    subject: Subject,
    *,
    files: int,
    size_bytes: int,
    seconds: float,
) -> dict[str, Any]:
    """Return what the reports of all kinds of layers say.

    `losses` counts the findings of severity error by code; `findings` holds all of them, each with its place.
    """
    losses = Counter(issue.code for issue in result.issues if issue.severity is Severity.ERROR)
    return {
        "kind": kind,
        "title": subject.title,
        "region": subject.region,
        "is_synthetic": subject.is_synthetic,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "program": f"zwilling {__version__}",
        "sources": [str(path) for path in sources],
        "features_in": 0,
        "features_out": 0,
        "points_in": 0,
        "points_out": 0,
        "triangles": 0,
        "losses": dict(sorted(losses.items())),
        "tiles": result.tiles,
        "files": files,
        "bytes_in": sum(path.stat().st_size for path in sources if path.is_file()),
        "bytes": size_bytes,
        "height_method": result.height_method,
        "attribution": list(result.attribution),
        "extent": asdict(result.extent),
        "seconds": round(seconds, 3),
        "peak_rss_bytes": result.peak_rss_bytes,
        "findings": [issue.to_json() for issue in result.issues],
    }


def report_json(
    result: TilingResult, sources: Sequence[Path], subject: Subject, *, files: int, size_bytes: int, seconds: float
) -> dict[str, Any]:
    """Return the report of one tileset of buildings."""
    return common("buildings", result, sources, subject, files=files, size_bytes=size_bytes, seconds=seconds) | {
        "features_in": result.features_in,
        "features_out": result.features_out,
        "rows": result.statistics.rows,
        "triangles": result.triangles,
        "crs": list(result.rows.crs),
        "data_date": data_date(result.statistics),
        "elevations": elevations(result.rows),
        "height_differences": height_differences(result.rows),
        "attributes": attributes(result.properties, result.rows, result.statistics.rows),
        "occurrences": {key: occurrences(result.statistics, key) for key in ("roof_type_label", "function_label")},
        "tile_levels": levels(result.tile_facts),
        "tile_details": [asdict(tile) for tile in result.tile_facts],
    }


def write_report(path: Path, report: dict[str, Any]) -> None:
    """Write `report`: as a page where the name ends in `.html` or `.htm`, else as JSON.

    Raises:
        TilesetError: the file cannot be written.
    """
    try:
        path.write_bytes(_written(path, report))
    except OSError as error:
        raise TilesetError(
            f"report cannot be written ({error.strerror})", source=path, remedy="choose another place with --report"
        ) from error


def replace_report(path: Path, report: dict[str, Any]) -> None:
    """Put `report` in the place of one that was written before, by one atomic rename.

    Raises:
        TilesetError: the file cannot be written.
    """
    sweep(path.parent, path.name)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(_written(path, report))
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise TilesetError(f"report cannot be written ({error.strerror})", source=path) from error


def _written(path: Path, report: dict[str, Any]) -> bytes:
    is_page = path.suffix.lower() in _PAGE_SUFFIXES
    text = page(report) if is_page else json.dumps(report, ensure_ascii=False, indent=2) + "\n"
    # A file name that is no UTF-8 has lone surrogates; written like this they are valid JSON.
    return text.encode("utf-8", "backslashreplace")
