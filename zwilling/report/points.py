"""The report of a point cloud as one JSON document; see `zwilling.report.document` for that of buildings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from tiler.points.build import PointsResult
from tiler.points.metadata import class_name
from zwilling.crs import Georeference, parse_crs
from zwilling.errors import ZwillingError
from zwilling.points import PointHead
from zwilling.rasters import Rectangle
from zwilling.region import Region
from zwilling.report.coverage import coverage
from zwilling.report.document import Subject, common

_M2_PER_KM2: Final = 1e6


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a report says of one file.

    Attributes:
        head: what is known of it.
        version: how it is packed and which version of LAS it is of: `LAZ 1.2`.
        format: point data record format, 0 to 10.
        colours: `own`, `painted` (from orthophotos) or `none`.
        date: day or year that its points are of, as far as the file tells (ISO 8601); empty where it does not.
    """

    head: PointHead
    version: str
    format: int
    colours: Literal["own", "painted", "none"]
    date: str = ""


def points_report(
    result: PointsResult,
    read: Sequence[FileFacts],
    sources: Sequence[Path],
    subject: Subject,
    *,
    region: Region,
    files: int,
    size_bytes: int,
    seconds: float,
) -> dict[str, Any]:
    """Return the report of one point cloud.

    `points_in` is `points_out` and what was left out (`dropped`, `outside`) together; `points_promised` counts what the
    heads of all files promise that could be opened.
    """
    lost = frozenset(result.lost)
    boxes = {one.head.name: _covers(one.head, result.crs, region) for one in read}
    covered = coverage([], [box for name, box in boxes.items() if box is not None and name not in lost])["heights"]
    return common("points", result, sources, subject, files=files, size_bytes=size_bytes, seconds=seconds) | {
        "data_date": max((one.date for one in read if one.head.count and one.head.name not in lost), default=""),
        "points_promised": sum(one.head.count for one in read),
        "points_in": result.points_in,
        "points_out": result.points_out,
        "dropped": {str(code): count for code, count in sorted(result.dropped.items())},
        "outside": result.outside,
        "bytes_per_point": round(result.size / max(result.points_out, 1), 3),
        "crs": [result.crs],
        "scratch_bytes": result.scratch_bytes,
        "covered_km2": covered,
        "points_per_m2": round(result.points_out / (covered * _M2_PER_KM2), 3) if covered else None,
        "position_error": round(result.position_error, 6),
        "has_colour": result.has_colour,
        "properties": [{"id": prop.id, "name": prop.title} for prop in result.properties],
        "classes": _classes(result),
        "point_files": [_file(one, boxes[one.head.name], is_lost=one.head.name in lost) for one in read],
        "point_levels": _levels(result),
    }


def _classes(result: PointsResult) -> list[dict[str, Any]]:
    """Return every class that occurs, with its German name, how many points were drawn and how many dropped."""
    drawn: Mapping[int, int] = result.statistics.by_class()
    return [
        {"code": code, "name": class_name(code), "points": drawn.get(code, 0), "dropped": result.dropped.get(code, 0)}
        for code in sorted({*drawn, *result.dropped})
    ]


def _file(one: FileFacts, box: Rectangle | None, *, is_lost: bool) -> dict[str, Any]:
    head = one.head
    area = 0.0 if box is None else (box.east - box.west) * (box.north - box.south)
    return {
        "name": head.name,
        "version": one.version,
        "format": one.format,
        "crs": head.crs,
        "points": head.count,
        "low": list(head.low),
        "high": list(head.high),
        "colours": one.colours,
        "date": one.date,
        "points_per_m2": round(head.count / area, 3) if area else None,
        "lost": is_lost,
    }


def _levels(result: PointsResult) -> list[dict[str, Any]]:
    """Return tiles, points, bytes and the spacing of each level, the coarsest first."""
    by_level = defaultdict(list)
    for tile in result.tile_facts:
        by_level[tile.cell.depth].append(tile)
    parents = {id_above for tile in result.tile_facts if (id_above := _above(tile.cell.depth, tile.cell.place))}
    return [
        {
            "level": level,
            "spacing": round(result.spacing / 2.0**level, 4),
            "tiles": len(tiles),
            "leaves": sum((level, tile.cell.place) not in parents for tile in tiles),
            "points": sum(tile.points for tile in tiles),
            "size": sum(tile.size for tile in tiles),
            "largest": max(tile.size for tile in tiles),
        }
        for level, tiles in sorted(by_level.items())
    ]


def _above(level: int, place: tuple[int, int, int]) -> tuple[int, tuple[int, int, int]] | None:
    return None if level == 0 else (level - 1, (place[0] >> 1, place[1] >> 1, place[2] >> 1))


def _covers(head: PointHead, crs: str, region: Region) -> Rectangle | None:
    """Return the rectangle around a file's points in the layer's CRS; None where it has none, or no way there."""
    if not head.count:
        return None
    corners = np.array(list(product(*zip(head.low, head.high, strict=True))))
    if head.crs != crs:
        try:
            ecef = Georeference.create(parse_crs(head.crs), region).to_ecef(corners)
            corners = Georeference.create(parse_crs(crs), region).from_ecef(ecef)
        except ZwillingError:
            return None
    (west, south), (east, north) = corners[:, :2].min(axis=0).tolist(), corners[:, :2].max(axis=0).tolist()
    return Rectangle(west, south, east, north)
