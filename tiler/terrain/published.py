"""Heights of a terrain as it is published: read back from its quantized-mesh tiles, as a globe shows them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tiler.terrain.quantized_terrain import FOLDER, max_error
from zwilling.errors import TilesetError

_STEPS: Final = 32767
_HEAD: Final = 88  # bytes before the count of vertices
_EXTREMES: Final = 24  # where lowest and highest height stand
_INDEX_16: Final = 65536
# Twice the area of a triangle, in steps, by which a point on an edge may lie outside by rounding.
_ON_EDGE: Final = 1.0
# Points times triangles that are looked at together: bounds memory.
_AT_ONCE: Final = 1 << 21

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PublishedTerrain:
    """The finest tiles of a terrain that was made for a globe.

    Attributes:
        folder: of the version: holds `terrain/`.
        level: of its finest tiles.
    """

    folder: Path
    level: int

    @classmethod
    def of(cls, folder: Path) -> PublishedTerrain | None:
        """Return the terrain of a version; None where it has none.

        Raises:
            TilesetError: its `layer.json` is broken.
        """
        path = folder / FOLDER / "layer.json"
        try:
            return cls(folder, int(json.loads(path.read_bytes())["maxzoom"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TilesetError(f"cannot be read ({error})", source=path, remedy="build the layer anew") from error

    @property
    def error(self) -> float:
        """How far it may be from its source, metres."""
        return max_error(self.level)

    def heights_at(self, lon_lat: Floats) -> Floats:
        """Return ellipsoidal heights in metres, shape (n,); NaN where there is no tile of the finest level.

        Args:
            lon_lat: degrees, shape (n, 2).

        Raises:
            TilesetError: a tile is broken.
        """
        heights = np.full(len(lon_lat), np.nan)
        side = 180.0 / 2**self.level
        grid = (lon_lat + np.array([180.0, 90.0])) / side
        tiles = np.floor(grid).astype(np.int64)
        order = np.lexsort((tiles[:, 1], tiles[:, 0]))
        breaks = np.flatnonzero((np.diff(tiles[order], axis=0) != 0).any(axis=1)) + 1
        for points in np.split(order, breaks) if len(order) else ():
            x, y = tiles[points[0]].tolist()
            mesh = _mesh(self.folder / FOLDER / str(self.level) / str(x) / f"{y}.terrain")
            if mesh is not None:
                heights[points] = _heights_on(mesh, (grid[points] - (x, y)) * _STEPS)
        return heights


def _mesh(path: Path) -> Floats | None:
    """Return the corners of a tile's triangles, shape (t, 3, 3): u, v (steps) and height (metres); None for no tile.

    Spec: quantized-mesh 1.0, https://github.com/CesiumGS/quantized-mesh.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TilesetError(f"cannot be read ({error.strerror})", source=path) from error
    try:
        low, high = np.frombuffer(content, "<f4", 2, _EXTREMES).astype(np.float64)
        (count,) = np.frombuffer(content, "<u4", 1, _HEAD).tolist()
        code = np.frombuffer(content, "<u2", 3 * count, _HEAD + 4).astype(np.int64).reshape(3, count)
        u, v, h = ((code >> 1) ^ -(code & 1)).cumsum(axis=1)
        index = np.dtype("<u4" if count > _INDEX_16 else "<u2")
        place = _HEAD + 4 + 6 * count
        place += -place % index.itemsize
        (triangles,) = np.frombuffer(content, "<u4", 1, place).tolist()
        marks = np.frombuffer(content, index, 3 * triangles, place + 4).astype(np.int64)
        # Each index counts down from the highest one so far plus one; a zero is new.
        highest = np.cumsum(marks == 0) - (marks == 0)
        corners = np.stack([u, v, low + h * ((high - low) / _STEPS)], axis=1)[highest - marks]
    except (ValueError, IndexError) as error:
        raise TilesetError("is no terrain tile", source=path, remedy="build the layer anew") from error
    return np.asarray(corners.reshape(-1, 3, 3), dtype=np.float64)


def _heights_on(mesh: Floats, places: Floats) -> Floats:
    """Return heights at places (u, v in steps), shape (n,); NaN where no triangle lies."""
    edges = _edges(mesh)
    slopes = _slopes(mesh)
    heights = np.empty(len(places))
    for part in _parts(len(places), len(mesh)):
        at = np.column_stack([places[part], np.ones(len(places[part]))])
        inside = np.minimum(np.minimum(at @ edges[0], at @ edges[1]), at @ edges[2])
        best = inside.argmax(axis=1)
        found = (at * slopes[best]).sum(axis=1)
        heights[part] = np.where(inside[np.arange(len(at)), best] >= -_ON_EDGE * _STEPS, found, np.nan)
    return heights


def _parts(points: int, triangles: int) -> Iterator[slice]:
    step = max(_AT_ONCE // triangles, 1)
    for begin in range(0, points, step):
        yield slice(begin, begin + step)


def _edges(mesh: Floats) -> list[Floats]:
    """Return for each edge what a place times it gives: positive on its inner side; shape (3, t) each."""
    edges = []
    for here, there in ((0, 1), (1, 2), (2, 0)):
        (x0, y0), (x1, y1) = mesh[:, here, :2].T, mesh[:, there, :2].T
        edges.append(np.stack([y0 - y1, x1 - x0, x0 * y1 - x1 * y0]))
    return edges


def _slopes(mesh: Floats) -> Floats:
    """Return for each triangle what a place (u, v, 1) times it gives: the height there; shape (t, 3)."""
    a, b, c = mesh[:, 0], mesh[:, 1], mesh[:, 2]
    normal = np.cross(b - a, c - a)
    along_u, along_v = -normal[:, 0] / normal[:, 2], -normal[:, 1] / normal[:, 2]
    return np.stack([along_u, along_v, a[:, 2] - along_u * a[:, 0] - along_v * a[:, 1]], axis=1)
