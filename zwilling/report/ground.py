"""The report of a ground as one JSON document; see `zwilling.report.document` for that of buildings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any, Final

from tiler.terrain.build import GroundResult
from tiler.terrain.ground import Ground
from tiler.terrain.imagery import FOLDER as IMAGERY
from tiler.terrain.quantized_terrain import FOLDER as TERRAIN
from zwilling.rasters import Mosaic
from zwilling.report.coverage import coverage
from zwilling.report.document import Subject, common

# Squares of the map of tiles: more are too small to be told apart on a page.
_MOST_SQUARES: Final = 400


def ground_report(
    result: GroundResult,
    ground: Ground,
    sources: Sequence[Path],
    subject: Subject,
    *,
    files: int,
    size_bytes: int,
    seconds: float,
) -> dict[str, Any]:
    """Return the report of one ground."""
    return common("ground", result, sources, subject, files=files, size_bytes=size_bytes, seconds=seconds) | {
        "triangles": result.triangles,
        "textured_tiles": result.textured_tiles,
        "crs": [ground.crs],
        "plane": None if ground.heights is not None else ground.plane,
        "data_date": _data_date(ground),
        "files_decoded": list(result.decoded),
        "pieces": result.units,
        "pieces_made": result.fresh,
        "resolutions": {
            "pictures": None if ground.pictures is None else ground.pictures.resolution,
            "heights": None if ground.heights is None else ground.heights.resolution,
        },
        "coverage": coverage(
            [file.covers for file in ground.pictures.files] if ground.pictures is not None else [],
            [file.covers for file in ground.heights.files] if ground.heights is not None else [],
        ),
        "ground_files": [
            *_files("pictures", ground.pictures, result.decoded),
            *_files("heights", ground.heights, result.decoded),
        ],
        "ground_levels": [asdict(level) for level in result.levels],
        "ground_map": _map(result),
        "globe": {name: _published(name, result) for name in (TERRAIN, IMAGERY)},
    }


def _files(kind: str, mosaic: Mosaic | None, decoded: Sequence[str]) -> list[dict[str, Any]]:
    """Return the files of a mosaic, the one that is seen on top last."""
    if mosaic is None:
        return []
    fresh = frozenset(decoded)
    return [
        {
            "name": file.name,
            "kind": kind,
            "date": file.date,
            "covers": [round(side, 3) for side in astuple(file.covers)],
            "decoded": file.name in fresh,
        }
        for file in mosaic.files
    ]


def _data_date(ground: Ground) -> str:
    """Return day or year of the newest picture, or heights where no picture tells its own; empty where none does."""
    dates = (max((file.date for file in mosaic.files), default="") for mosaic in ground.mosaics)
    return next(filter(None, dates), "")


def _map(result: GroundResult) -> dict[str, Any]:
    """Return squares that a page can show: what all tiles below each weigh together.

    `squares` has column (from west), row (from south) and bytes of each; `level` is theirs, `side` in metres.
    """
    level = 0
    while True:
        weights: Counter[tuple[int, int]] = Counter()
        for tile in result.tile_facts:
            own, column, row = tile.place
            if own <= level:
                weights[column >> (level - own), row >> (level - own)] += tile.size
        if len(weights) <= _MOST_SQUARES:
            break
        level += 1
    return {
        "level": level,
        "side": result.leaf * 2.0**level,
        "squares": [[*place, weight] for place, weight in sorted(weights.items())],
    }


def _published(folder: str, result: GroundResult) -> dict[str, Any] | None:
    """Return tiles, bytes and levels of what was made for a globe; None where it was not."""
    made = [made for key, made in result.worked.made.items() if key.startswith(f"{folder}/")]
    levels = [int(parts[1]) for one in made for name in one.files if len(parts := name.split("/")) == 4]
    if not levels:
        return None
    counts = Counter(levels)
    return {
        "tiles": len(levels),
        "bytes": sum(one.size for one in made),
        "levels": [{"level": level, "tiles": counts[level]} for level in sorted(counts)],
    }
