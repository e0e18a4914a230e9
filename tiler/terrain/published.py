"""Heights of a terrain as it is published: read back from its quantized-mesh tiles, as a globe shows them.

Our meshes are right-triangulated (see `relief`): where a point of the grid is no vertex, it lies in the middle of a
side that was not halved, so its height is the mean of that side's ends.  Thus a mesh becomes a grid again, exactly and
without looking for triangles.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tiler.terrain.quantized import CELLS
from tiler.terrain.quantized_terrain import FOLDER, max_error
from zwilling.errors import TilesetError

_STEPS: Final = 32767
_HEAD: Final = 88  # bytes before the count of vertices
_EXTREMES: Final = 24  # where lowest and highest height stand

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
            tile = _grid(self.folder / FOLDER / str(self.level) / str(x) / f"{y}.terrain")
            if tile is not None:
                heights[points] = _between(tile, grid[points] - (x, y))
        return heights


def _grid(path: Path) -> Floats | None:
    """Return the heights of a tile's mesh on its grid, shape (129, 129), rows from north; None for no tile.

    Spec: quantized-mesh 1.0, https://github.com/CesiumGS/quantized-mesh.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TilesetError(f"cannot be read ({error.strerror})", source=path) from error
    heights = np.full((CELLS + 1, CELLS + 1), np.nan)
    try:
        low, high = np.frombuffer(content, "<f4", 2, _EXTREMES).astype(np.float64)
        (count,) = np.frombuffer(content, "<u4", 1, _HEAD).tolist()
        code = np.frombuffer(content, "<u2", 3 * count, _HEAD + 4).astype(np.int64).reshape(3, count)
        u, v, h = ((code >> 1) ^ -(code & 1)).cumsum(axis=1)
        row, column = CELLS - np.rint(v * (CELLS / _STEPS)).astype(np.int64), np.rint(u * (CELLS / _STEPS))
        heights[row, column.astype(np.int64)] = low + h * ((high - low) / _STEPS)
    except (ValueError, IndexError) as error:
        raise TilesetError("is no terrain tile", source=path, remedy="build the layer anew") from error
    _fill(heights)
    if not np.isfinite(heights).all():
        raise TilesetError("is no whole terrain tile", source=path, remedy="build the layer anew")
    return heights


def _fill(heights: Floats) -> None:
    """Write the height of the mesh to all points that are no vertices, from the largest squares to the smallest."""
    side = CELLS
    while side > 1:
        half = side // 2
        corners = heights[::side, ::side]
        falling, rising = corners[:-1, :-1] + corners[1:, 1:], corners[:-1, 1:] + corners[1:, :-1]
        _complete(heights[half::side, half::side], np.where(_is_falling(len(falling)), falling, rising))
        _complete(heights[::side, half::side], corners[:, :-1] + corners[:, 1:])
        _complete(heights[half::side, ::side], corners[:-1] + corners[1:])
        side = half


def _complete(points: Floats, sums: Floats) -> None:
    np.copyto(points, sums / 2, where=np.isnan(points))


@cache
def _is_falling(across: int) -> NDArray[np.bool_]:
    """Return which squares of a grid are cut from north-west to south-east; the others are cut the other way."""
    number = np.arange(across)
    return np.asarray((number[:, None] + number) % 2 == 0)


def _between(heights: Floats, places: Floats) -> Floats:
    """Return heights at places within a tile (0 to 1 from west and from south), shape (n,)."""
    x, y = places[:, 0] * CELLS, (1.0 - places[:, 1]) * CELLS
    column, row = (np.clip(np.floor(value).astype(np.int64), 0, CELLS - 1) for value in (x, y))
    right, down = x - column, y - row
    north_west, north_east = heights[row, column], heights[row, column + 1]
    south_west, south_east = heights[row + 1, column], heights[row + 1, column + 1]
    # Each cell is two triangles.
    is_falling = (row + column) % 2 == 0
    by_north_east = north_west + right * (north_east - north_west) + down * (south_east - north_east)
    by_south_west = north_west + right * (south_east - south_west) + down * (south_west - north_west)
    by_north_west = north_west + right * (north_east - north_west) + down * (south_west - north_west)
    by_south_east = south_east + (1 - right) * (south_west - south_east) + (1 - down) * (north_east - south_east)
    return np.where(
        is_falling,
        np.where(right >= down, by_north_east, by_south_west),
        np.where(right + down <= 1, by_north_west, by_south_east),
    )
