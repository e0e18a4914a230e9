"""A CityGML file read whole, for comparing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citygml.reader import CityGMLSource
from zwilling.features import FeatureBatch, SurfaceClass
from zwilling.issues import Issue


@dataclass(frozen=True)
class Whole:
    """All batches of a source together."""

    batches: list[FeatureBatch]

    @property
    def features_in(self) -> int:
        return sum(batch.features_in for batch in self.batches)

    @property
    def ids(self) -> list[str]:
        return [gml_id for batch in self.batches for gml_id in batch.feature_ids.tolist()]

    @property
    def issues(self) -> list[Issue]:
        return [issue for batch in self.batches for issue in batch.issues]

    @property
    def codes(self) -> Counter[str]:
        return Counter(issue.code for issue in self.issues)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The table, row by row."""
        return [
            {key: column[row] for key, column in batch.table.columns.items()}
            for batch in self.batches
            for row in range(len(batch.table))
        ]

    @property
    def triangle_count(self) -> int:
        return sum(len(batch.triangles) for batch in self.batches)

    @property
    def vertex_count(self) -> int:
        return sum(len(batch.positions) for batch in self.batches)

    def area(self, surface: SurfaceClass | None = None) -> float:
        """Area of all triangles, or of those of one class."""
        total = 0.0
        for batch in self.batches:
            wanted = np.ones(len(batch.triangles), bool) if surface is None else batch.triangle_surface == surface
            total += float(np.linalg.norm(area_vectors(batch)[wanted], axis=1).sum())
        return total

    def volumes(self) -> list[float]:
        """Signed volume under the triangles of each row; of a closed row its volume."""
        volumes: list[float] = []
        for batch in self.batches:
            shifted = batch.positions - (batch.positions[0] if len(batch.positions) else 0.0)
            a, b, c = (shifted[batch.triangles[:, corner]] for corner in range(3))
            each = np.einsum("ij,ij->i", a, np.cross(b, c)) / 6.0
            volumes.extend(np.bincount(batch.triangle_row, each, len(batch.table)).tolist())
        return volumes


def area_vectors(batch: FeatureBatch) -> NDArray[np.float64]:
    """Return half the cross product of each triangle's edges, shape (t, 3)."""
    shifted = batch.positions - (batch.positions[0] if len(batch.positions) else 0.0)
    a, b, c = (shifted[batch.triangles[:, corner]] for corner in range(3))
    return np.asarray(0.5 * np.cross(b - a, c - a))


def read(path: Path, **options: Any) -> Whole:
    """Return a file read to its end, its batches checked against what `FeatureBatch` promises."""
    batches = list(CityGMLSource(path, **options).batches())
    for batch in batches:
        check_contract(batch)
    return Whole(batches)


def check_contract(batch: FeatureBatch) -> None:
    """Assert what `FeatureBatch` says about its arrays."""
    count = len(batch.positions)
    assert batch.positions.shape == (count, 3)
    assert batch.positions.dtype == np.float64
    assert np.isfinite(batch.positions).all()
    assert batch.triangles.dtype == np.uint32
    assert batch.triangles.shape == (len(batch.triangle_row), 3)
    assert batch.triangle_surface.dtype == np.uint8
    assert len(batch.triangle_surface) == len(batch.triangles)
    assert set(batch.triangle_surface.tolist()) <= {int(surface) for surface in SurfaceClass}
    # Every vertex is used, so none can lie where nothing is.
    assert np.array_equal(np.unique(batch.triangles), np.arange(count))
    assert (np.diff(batch.triangle_row.astype(np.int64)) >= 0).all()
    assert np.array_equal(np.unique(batch.triangle_row), np.arange(len(batch.table)))
    assert (np.diff(batch.row_feature.astype(np.int64)) >= 0).all()
    assert np.array_equal(np.unique(batch.row_feature), np.arange(len(batch.feature_ids)))
    assert len(batch.row_feature) == len(batch.table)
    assert len(set(batch.feature_ids.tolist())) == len(batch.feature_ids)
    assert batch.features_in >= len(batch.feature_ids)
    # Triangles of different rows or classes share no vertex.
    owner = np.full(count, -1)
    for key in (batch.triangle_row.astype(np.int64), batch.triangle_surface.astype(np.int64)):
        owner[batch.triangles.ravel()] = np.repeat(key, 3)
        assert np.array_equal(owner[batch.triangles], np.repeat(key[:, None], 3, axis=1))
