"""Terrain and orthophotos of a place that no other data knows: large patches of colour, a trench, and a hole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio import Affine

from zwilling.sample.terrain import CENTRE_E, CENTRE_N, elevation

SIDE = 400
"""Metres along each side."""
WEST, NORTH = CENTRE_E - SIDE / 2, CENTRE_N + SIDE / 2
TEXEL = 0.2

RED, BLUE, GREEN = (190, 90, 70), (70, 100, 180), (80, 150, 80)

TRENCH = (300, 340)
"""Columns of the terrain, metres from the west, between which the ground lies deeper than buildings know."""
TRENCH_DEPTH = 6.0
UNDULATION = 45.7
"""Height of the quasigeoid there, metres; a pixel of a patch needs no millimetres."""


def write_ground(folder: Path) -> None:
    """Write a terrain model, and orthophotos of its west and its north: the south-east has none."""
    east, north = np.meshgrid(WEST + np.arange(SIDE) + 0.5, NORTH - np.arange(SIDE) - 0.5)
    heights = elevation(east, north)
    heights[:, slice(*TRENCH)] -= TRENCH_DEPTH
    _write(folder / "dgm1.tif", heights[None].astype(np.float32), WEST, 1.0)

    pixels = round(SIDE / TEXEL)
    half = pixels // 2
    grain = np.random.default_rng(5).normal(0.0, 4.0, (pixels, pixels, 1))
    picture = np.zeros((pixels, pixels, 3))
    picture[:half, :half] = RED
    picture[half:, :half] = BLUE
    picture[:half, half:] = GREEN
    picture = np.clip(picture + grain, 0, 255).astype(np.uint8)
    _write(folder / "dop_west.tif", np.moveaxis(picture[:, :half], 2, 0), WEST, TEXEL)
    _write(folder / "dop_north.tif", np.moveaxis(picture[:half, half:], 2, 0), WEST + SIDE / 2, TEXEL)


def place(metres_east: float, metres_south: float) -> tuple[float, float, float]:
    """Return longitude, latitude and ellipsoidal height of the ground at a place, from the north-west corner."""
    east, north = WEST + metres_east, NORTH - metres_south
    longitude, latitude = Transformer.from_crs(25832, 4326, always_xy=True).transform(east, north)
    height = float(elevation(np.array([east]), np.array([north]))[0])
    if TRENCH[0] <= metres_east < TRENCH[1]:
        height -= TRENCH_DEPTH
    return longitude, latitude, height + UNDULATION


def _write(path: Path, bands: NDArray[np.generic], west: float, cell: float) -> None:
    count, height, width = bands.shape
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        crs="EPSG:25832",
        transform=Affine(cell, 0.0, west, 0.0, -cell, NORTH),
        width=width,
        height=height,
        count=count,
        dtype=bands.dtype,
    ) as file:
        file.write(bands)
