"""Small made-up towns for tests: boxes with gable roofs, whose every number can be computed by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from zwilling.features import FeatureBatch, Property, PropertyTable, PropertyType, SurfaceClass

CRS = "EPSG:25832+7837"
ORIGIN = (343_000.0, 5_674_000.0, 40.0)
WIDTH, DEPTH, EAVES, RIDGE = 10.0, 8.0, 6.0, 9.0

ID = Property("id", PropertyType.STRING, "Gebäude-ID (ALKIS)")
HEIGHT = Property("measured_height", PropertyType.FLOAT64, "Gebäudehöhe", unit="m")
STOREYS = Property("storeys_above_ground", PropertyType.INT32, "Geschosse über Grund")

# One house as polygons: (surface class, corners); ridge along x, at half the depth.
_W, _D, _E, _R = WIDTH, DEPTH, EAVES, RIDGE
HOUSE: list[tuple[SurfaceClass, list[tuple[float, float, float]]]] = [
    (SurfaceClass.GROUND, [(0, 0, 0), (0, _D, 0), (_W, _D, 0), (_W, 0, 0)]),
    (SurfaceClass.WALL, [(0, 0, 0), (_W, 0, 0), (_W, 0, _E), (0, 0, _E)]),
    (SurfaceClass.WALL, [(_W, _D, 0), (0, _D, 0), (0, _D, _E), (_W, _D, _E)]),
    (SurfaceClass.WALL, [(_W, 0, 0), (_W, _D, 0), (_W, _D, _E), (_W, _D / 2, _R), (_W, 0, _E)]),
    (SurfaceClass.WALL, [(0, _D, 0), (0, 0, 0), (0, 0, _E), (0, _D / 2, _R), (0, _D, _E)]),
    (SurfaceClass.ROOF, [(0, 0, _E), (_W, 0, _E), (_W, _D / 2, _R), (0, _D / 2, _R)]),
    (SurfaceClass.ROOF, [(_W, _D, _E), (0, _D, _E), (0, _D / 2, _R), (_W, _D / 2, _R)]),
]
TRIANGLES_PER_HOUSE = sum(len(corners) - 2 for _, corners in HOUSE)


def houses(places: list[tuple[float, float]], first: int = 0) -> FeatureBatch:
    """Return a batch of houses with their south-west corners at `places`, metres from `ORIGIN`."""
    positions: list[tuple[float, float, float]] = []
    triangles: list[tuple[int, int, int]] = []
    surfaces: list[int] = []
    rows: list[int] = []
    for row, (east, north) in enumerate(places):
        for surface, corners in HOUSE:
            start = len(positions)
            positions += [(ORIGIN[0] + east + x, ORIGIN[1] + north + y, ORIGIN[2] + z) for x, y, z in corners]
            for k in range(1, len(corners) - 1):
                triangles.append((start, start + k, start + k + 1))
                surfaces.append(surface)
                rows.append(row)
    count = len(places)
    ids = np.array([f"DENW05AL{first + i:08d}" for i in range(count)], dtype=object)
    columns = {
        "id": ids,
        "measured_height": np.full(count, RIDGE),
        "storeys_above_ground": np.full(count, 2, dtype=np.int32),
    }
    return FeatureBatch(
        crs=CRS,
        positions=np.array(positions),
        triangles=np.array(triangles, dtype=np.uint32),
        triangle_row=np.array(rows, dtype=np.uint32),
        triangle_surface=np.array(surfaces, dtype=np.uint8),
        row_feature=np.arange(count, dtype=np.uint32),
        feature_ids=ids,
        table=PropertyTable((ID, HEIGHT, STOREYS), columns),
        features_in=count,
    )


@dataclass(frozen=True)
class Town:
    """A grid of houses, 20 m apart, in batches of 50."""

    columns: int
    rows: int
    name: str = "town.gml"

    def batches(self) -> Iterator[FeatureBatch]:
        places = [(20.0 * i, 20.0 * j) for j in range(self.rows) for i in range(self.columns)]
        for start in range(0, len(places), 50):
            yield houses(places[start : start + 50], start)
