"""What a point cloud consists of, and what is wrong with it: every point is read, in a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from pointclouds.heads import read_head
from pointclouds.opening import Fence
from pointclouds.sources import LasSource, open_one
from zwilling.crs import Georeference, parse_crs
from zwilling.issues import Issue
from zwilling.points import PointBatch
from zwilling.region import Region

COLOURS: Final = ("red", "green", "blue")


def point_cloud(path: Path, region: Region, crs: str | None) -> tuple[dict[str, Any], tuple[Issue, ...]]:
    """Return statistics of a point cloud, and all findings.

    The statistics are `points`, `promised` (by its head), `classes` (code to count), `low` and `high` (x, y, z; None
    without points), `columns`, `has_colours`, `version`, `format`, `packing`, `octree_levels` (None where there
    is no octree) and `crs`.

    Raises:
        SourceError: it cannot be read to its end.
        UnknownCRSError: there is no way from its CRS to the ellipsoid.
    """
    with Fence() as fence:
        source = fence.run(path, open_one, path, crs=crs, region=region)
        head, las = source.head, read_head(path)
        issues = list(source.issues)
        points = 0
        classes = np.zeros(256, np.int64)
        low, high = np.full(3, np.iinfo(np.int64).max), np.full(3, np.iinfo(np.int64).min)
        for chunk in range(head.chunks):
            batch: PointBatch = fence.run(path, LasSource.read, source, chunk)
            issues += batch.issues
            points += len(batch)
            if len(batch):
                low, high = np.minimum(low, batch.xyz.min(axis=0)), np.maximum(high, batch.xyz.max(axis=0))
            if "classification" in batch.columns:
                classes += np.bincount(batch.columns["classification"].astype(np.uint8), minlength=256)
    scale, offset = np.array(head.lattice.scale), np.array(head.lattice.offset)
    if points:
        way = Georeference.create(parse_crs(head.crs), region, source=path)
        issues += way.issues
        # What has no way to the ellipsoid would stop the tiling.
        way.to_geographic(((low + high) / 2 * scale + offset)[None])
    statistics = {
        "points": points,
        "promised": head.count,
        "classes": {str(code): int(classes[code]) for code in np.flatnonzero(classes)},
        "low": np.round(low * scale + offset, 6).tolist() if points else None,
        "high": np.round(high * scale + offset, 6).tolist() if points else None,
        "columns": [name for name in head.columns if name not in COLOURS],
        "has_colours": set(COLOURS) <= set(head.columns),
        "version": f"LAS 1.{las.version}",
        "format": las.format,
        "packing": "COPC" if source.octree is not None else "LAZ" if las.is_packed else "none",
        "octree_levels": None if source.octree is None else int(source.octree.keys[:, 0].max()) + 1,
        "crs": head.crs,
    }
    return statistics, tuple(issues)
