"""The report of a ground as one JSON document; see `zwilling.report.document` for that of buildings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tiler.terrain.build import GroundResult
from zwilling import __version__
from zwilling.issues import Severity
from zwilling.report.document import Subject


def ground_report(
    result: GroundResult, sources: Sequence[Path], subject: Subject, *, files: int, size_bytes: int, seconds: float
) -> dict[str, Any]:
    """Return the report of one ground.

    `losses` counts the findings of severity error by code; `findings` holds all of them, each with its place.
    """
    losses = Counter(issue.code for issue in result.issues if issue.severity is Severity.ERROR)
    return {
        "kind": "ground",
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
        "losses": dict(sorted(losses.items())),
        "triangles": result.triangles,
        "tiles": result.tiles,
        "textured_tiles": result.textured_tiles,
        "files": files,
        "bytes_in": sum(path.stat().st_size for path in sources if path.is_file()),
        "bytes": size_bytes,
        "files_decoded": list(result.decoded),
        "pieces": result.units,
        "pieces_made": result.fresh,
        "height_method": result.height_method,
        "attribution": list(result.attribution),
        "extent": asdict(result.extent),
        "seconds": round(seconds, 3),
        "peak_rss_bytes": result.peak_rss_bytes,
        "ground_levels": [asdict(level) for level in result.levels],
        "findings": [issue.to_json() for issue in result.issues],
    }
