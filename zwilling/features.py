"""City objects as columns: the contract between a reader and the tiler.

A Python object per polygon is too slow for a county, so a batch holds some hundreds of objects as a few
numpy arrays, together with the coordinate reference system that gives them meaning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from itertools import chain
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

    def __reduce__(self) -> tuple[object, ...]:
        # Each batch in the store has some dozens; a dataclass with slots pickles itself ten times slower.
        return Property, (self.id, self.type, self.name, self.description, self.unit)


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

    def __reduce__(self) -> tuple[object, ...]:
        # The same texts stand in row after row: each is written once, and equal ones are one object when they are back.
        ids = [p.id for p in self.properties if p.type is PropertyType.STRING]
        number: dict[str, int] = {}
        texts = chain.from_iterable(self.columns[key].tolist() for key in ids)
        numbers = np.array([number.setdefault(text, len(number)) for text in texts], dtype=np.uint32)
        numbers = numbers.reshape(len(ids), len(self))
        others = {key: column for key, column in self.columns.items() if key not in ids}
        return _table, (self.properties, others, ids, list(number), numbers)

    def take(self, rows: NDArray[np.integer[Any]]) -> PropertyTable:
        """Return the table of the given rows, in the given order."""
        return PropertyTable(self.properties, {key: column[rows] for key, column in self.columns.items()})

    def conform(self, properties: Sequence[Property]) -> PropertyTable:
        """Return the table with exactly `properties`: absent columns are missing, others are cast or left out."""
        own = {p.id: p.type for p in self.properties}
        columns = {
            p.id: _cast(self.columns[p.id], own[p.id], p.type) if p.id in own else _missing(p.type, len(self))
            for p in properties
        }
        return PropertyTable(tuple(properties), columns)

    @classmethod
    def concatenate(cls, tables: Sequence[PropertyTable]) -> PropertyTable:
        """Return the rows of all `tables`, one after the other, under the union of their properties."""
        properties = unite_properties([table.properties for table in tables])
        parts = [table.conform(properties).columns for table in tables]
        return cls(properties, {p.id: np.concatenate([part[p.id] for part in parts]) for p in properties})


def _table(
    properties: tuple[Property, ...],
    numeric: dict[str, Column],
    ids: list[str],
    texts: list[str],
    numbers: NDArray[np.uint32],
) -> PropertyTable:
    """Return a table from its numeric columns and, for the others, numbers of `texts`, shape (columns, rows)."""
    columns = np.array(texts, dtype=object)[numbers]
    return PropertyTable(properties, {**numeric, **dict(zip(ids, columns, strict=True))})


def unite_properties(schemas: Sequence[Sequence[Property]]) -> tuple[Property, ...]:
    """Return the union of several schemas by id, in the order of first sight.

    Where two sources store one id differently, the wider type wins: INT32 < FLOAT64 < STRING.
    """
    width = {PropertyType.INT32: 0, PropertyType.FLOAT64: 1, PropertyType.STRING: 2}
    united: dict[str, Property] = {}
    for schema in schemas:
        for new in schema:
            old = united.get(new.id)
            if old is None or width[new.type] > width[old.type]:
                united[new.id] = new
    return tuple(united.values())


def _missing(kind: PropertyType, count: int) -> Column:
    if kind is PropertyType.STRING:
        return np.full(count, "", dtype=object)
    if kind is PropertyType.FLOAT64:
        return np.full(count, np.nan)
    return np.full(count, INT32_MISSING, dtype=np.int32)


def _cast(column: Column, old: PropertyType, new: PropertyType) -> Column:
    if old is new:
        return column
    if new is PropertyType.STRING:
        absent = _missing_mask(column, old)
        return np.array(["" if gone else str(value) for value, gone in zip(column, absent, strict=True)], dtype=object)
    if old is PropertyType.INT32 and new is PropertyType.FLOAT64:
        return np.where(column == INT32_MISSING, np.nan, column.astype(np.float64))
    raise ValueError(f"a {old} column cannot become {new}")


def _missing_mask(column: Column, kind: PropertyType) -> NDArray[np.bool_]:
    if kind is PropertyType.STRING:
        return np.asarray(column == "", dtype=np.bool_)
    if kind is PropertyType.FLOAT64:
        return np.isnan(column.astype(np.float64))
    return np.asarray(column == INT32_MISSING, dtype=np.bool_)


def missing_mask(table: PropertyTable, property_id: str) -> NDArray[np.bool_]:
    """Return where a column of `table` has no value, shape (n,)."""
    kind = next(p.type for p in table.properties if p.id == property_id)
    return _missing_mask(table.columns[property_id], kind)


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

    def select(self, features: NDArray[np.integer[Any]]) -> FeatureBatch:
        """Return the batch of some of its features, in their present order and without the vertices of the others.

        Args:
            features: numbers of the features to keep, shape (n,), in any order.
        """
        keep_feature = np.zeros(len(self.feature_ids), dtype=bool)
        keep_feature[features] = True
        keep_row = keep_feature[self.row_feature]
        keep_triangle = keep_row[self.triangle_row]
        triangles = self.triangles[keep_triangle]
        used = np.zeros(len(self.positions), dtype=bool)
        used[triangles] = True
        return FeatureBatch(
            crs=self.crs,
            positions=self.positions[used],
            triangles=_renumber(used)[triangles],
            triangle_row=_renumber(keep_row)[self.triangle_row[keep_triangle]],
            triangle_surface=self.triangle_surface[keep_triangle],
            row_feature=_renumber(keep_feature)[self.row_feature[keep_row]],
            feature_ids=self.feature_ids[keep_feature],
            table=self.table.take(np.flatnonzero(keep_row)),
            features_in=int(keep_feature.sum()),
        )

    @classmethod
    def concatenate(cls, batches: Sequence[FeatureBatch]) -> FeatureBatch:
        """Return one batch of all features of `batches`, which must share a CRS.

        Raises:
            ValueError: there is no batch, or their CRSs differ.
        """
        if len({batch.crs for batch in batches}) != 1:
            raise ValueError("batches to concatenate must have one CRS")
        vertex = _offsets([len(b.positions) for b in batches])
        row = _offsets([len(b.row_feature) for b in batches])
        feature = _offsets([len(b.feature_ids) for b in batches])
        return cls(
            crs=batches[0].crs,
            positions=np.concatenate([b.positions for b in batches]),
            triangles=np.concatenate([b.triangles + n for b, n in zip(batches, vertex, strict=True)]),
            triangle_row=np.concatenate([b.triangle_row + n for b, n in zip(batches, row, strict=True)]),
            triangle_surface=np.concatenate([b.triangle_surface for b in batches]),
            row_feature=np.concatenate([b.row_feature + n for b, n in zip(batches, feature, strict=True)]),
            feature_ids=np.concatenate([b.feature_ids for b in batches]),
            table=PropertyTable.concatenate([b.table for b in batches]),
            features_in=sum(b.features_in for b in batches),
            issues=tuple(issue for b in batches for issue in b.issues),
        )


def _renumber(keep: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """Return for each old number the new one, once everything that is not kept has gone."""
    return (np.cumsum(keep) - 1).astype(np.uint32)


def _offsets(lengths: list[int]) -> NDArray[np.uint32]:
    return np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.uint32)


class FeatureSource(Protocol):
    """Anything that yields features: the seam between the readers and the tiler.

    A source can be pickled, since another process may read it.
    """

    @property
    def name(self) -> str:
        """The file or address, as the user named it, for errors and findings."""
        ...

    def batches(self) -> Iterator[FeatureBatch]:
        """Yield every feature of the source once.

        Raises:
            ZwillingError: the source cannot be read to its end; what was yielded before must not be published.
        """
        ...
