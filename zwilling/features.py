"""City objects as columns: the contract between a reader and the tiler.

A Python object per polygon is too slow for a county, so a batch holds some hundreds of objects as a few
numpy arrays, together with the coordinate reference system that gives them meaning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from zwilling.issues import Issue


class SurfaceClass(IntEnum):
    """What a triangle is part of; the numbers are written into tiles as feature ids of the set `surface`.

    Closure surfaces have no number: they close a solid for computing and are never drawn.

    Spec: CityGML 2.0 (OGC 12-019), clause 10.3.3 "Boundary surfaces".
    """

    ROOF = 0
    WALL = 1
    GROUND = 2
    OTHER = 3


class PropertyType(StrEnum):
    """How a column is stored.  The array of a missing value is stated per type.

    - `STRING`: object array of `str`; missing is `""`.
    - `FLOAT64`: float64 array; missing is NaN.
    - `INT32`: int32 array; missing is `INT32_MISSING`.
    """

    STRING = "STRING"
    FLOAT64 = "FLOAT64"
    INT32 = "INT32"


INT32_MISSING = -(2**31)


@dataclass(frozen=True, slots=True)
class Property:
    """One attribute of a feature.

    Attributes:
        id: machine name, matches `^[a-zA-Z_][a-zA-Z0-9_]*$` (3D Metadata Specification, "Class properties").
        type: how the column is stored.
        name: what a German reader sees, umlauts kept.
        description: one sentence in English for developers, with the source's own element name.
        unit: unit symbol where the number has one, else empty.
    """

    id: str
    type: PropertyType
    name: str
    description: str = ""
    unit: str = ""


Column = NDArray[np.object_] | NDArray[np.float64] | NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class PropertyTable:
    """Attributes of rows, one typed column for each property.

    Attributes:
        properties: in the order in which people should see them; ids are unique.
        columns: one array of shape (n,) for each property id, typed as `PropertyType` says.
    """

    properties: tuple[Property, ...]
    columns: Mapping[str, Column]

    def __post_init__(self) -> None:
        ids = [p.id for p in self.properties]
        if len(set(ids)) != len(ids) or set(ids) != set(self.columns):
            raise ValueError(f"columns {sorted(self.columns)} do not match properties {ids}")
        if len({len(column) for column in self.columns.values()}) > 1:
            raise ValueError("columns of one table must have the same length")

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def take(self, rows: NDArray[np.integer[Any]]) -> PropertyTable:
        """Return the table of the given rows, in the given order."""
        return PropertyTable(self.properties, {key: column[rows] for key, column in self.columns.items()})


@dataclass(frozen=True, slots=True)
class FeatureBatch:
    """Some top-level city objects (features) with their parts (rows), as columns.

    A feature is a top-level object: a Building with all its parts is one.  A row is what one can click:
    a Building, or a BuildingPart that carries its building's id.  A Building whose geometry lies in its parts
    alone has no row of its own.

    Attributes:
        crs: canonical name of the CRS of `positions`, as `zwilling.crs.SourceCRS.name` gives it.
        positions: float64, shape (v, 3); x (east or longitude), y (north or latitude), z in that CRS,
            whatever axis order the source had.
        triangles: uint32, shape (t, 3); indices into `positions`, counter-clockwise seen from outside.
            Triangles of one planar surface share vertices; triangles of different surfaces never do.
        triangle_row: uint32, shape (t,); row of `table`; not descending.
        triangle_surface: uint8, shape (t,); a `SurfaceClass`.
        row_feature: uint32, shape (r,); number of the feature that a row belongs to; not descending.
        feature_ids: the features' stable ids (gml:id; for NRW the ALKIS id), shape (f,).
        table: r rows.
        features_in: top-level objects that were read to make this batch, also those that had nothing to draw.
        issues: findings about those objects.
    """

    crs: str
    positions: NDArray[np.float64]
    triangles: NDArray[np.uint32]
    triangle_row: NDArray[np.uint32]
    triangle_surface: NDArray[np.uint8]
    row_feature: NDArray[np.uint32]
    feature_ids: NDArray[np.object_]
    table: PropertyTable
    features_in: int
    issues: tuple[Issue, ...] = field(default=())


class FeatureSource(Protocol):
    """Anything that yields features: the seam between the readers and the tiler."""

    def batches(self) -> Iterator[FeatureBatch]:
        """Yield every feature of the source once.

        Raises:
            ZwillingError: the source cannot be read to its end; what was yielded before must not be published.
        """
        ...
