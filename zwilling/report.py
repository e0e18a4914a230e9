"""The report of a run: what went in, what came out, what was lost, and what it cost."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tiler.buildings import TilingResult
from zwilling.errors import TilesetError
from zwilling.issues import Issue, Severity


class Stopwatch:
    """Seconds of wall clock since it was made."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start


def report_json(
    result: TilingResult, sources: Sequence[Path], *, files: int, size_bytes: int, seconds: float
) -> dict[str, Any]:
    """Return the report of one tileset.

    `losses` counts the findings of severity error by code; `findings` holds all of them, each with its place.
    """
    losses = Counter(issue.code for issue in result.issues if issue.severity is Severity.ERROR)
    return {
        "sources": [str(path) for path in sources],
        "features_in": result.features_in,
        "features_out": result.features_out,
        "points_in": 0,
        "points_out": 0,
        "losses": dict(sorted(losses.items())),
        "triangles": result.triangles,
        "tiles": result.tiles,
        "files": files,
        "bytes": size_bytes,
        "height_method": result.height_method,
        "attribution": list(result.attribution),
        "extent": asdict(result.extent),
        "seconds": round(seconds, 3),
        "peak_rss_bytes": result.peak_rss_bytes,
        "findings": [issue.to_json() for issue in result.issues],
    }


def write_report(path: Path, report: dict[str, Any]) -> None:
    """Write `report` as JSON.

    Raises:
        TilesetError: the file cannot be written.
    """
    try:
        path.write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise TilesetError(
            f"report cannot be written ({error.strerror})", source=path, remedy="choose another place with --report"
        ) from error


def summary_lines(issues: Sequence[Issue]) -> list[str]:
    """Return one line for each kind of finding: how often, and the first one in full."""
    first: dict[str, Issue] = {}
    for issue in issues:
        first.setdefault(issue.code, issue)
    times = Counter(issue.code for issue in issues)
    return [
        f"{issue.severity.value}: {code} ({times[code]}x), first: "
        + ": ".join(part for part in (issue.source, issue.where, issue.message) if part)
        for code, issue in first.items()
    ]
