"""Terrain files of every form, written by hand or by GDAL; and a surface decoded whole."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.transform import Affine

from orthophotos.heights import open_heights
from orthophotos.heights_terrain import Terrain
from zwilling.issues import Issue
from zwilling.region import load_region

REGION = load_region()
WEST, NORTH = 343000.0, 5674000.0
Grid = NDArray[np.float64]
Writer = Callable[[Path, Grid, float, float, float], Path]


def tiff(
    path: Path,
    grid: NDArray[np.generic],
    west: float,
    north: float,
    cell: float,
    *,
    crs: str | None = "EPSG:25832",
    nodata: float | None = None,
    scale: float = 1.0,
    offset: float = 0.0,
    south_up: bool = False,
    **options: object,
) -> Path:
    """Write a GeoTIFF whose outer corner is (west, north)."""
    transform = Affine(cell, 0, west, 0, -cell, north)
    if south_up:
        grid, transform = grid[::-1], Affine(cell, 0, west, 0, cell, north - grid.shape[0] * cell)
    profile = {"width": grid.shape[1], "height": grid.shape[0], "count": 1, "dtype": grid.dtype, **options}
    with rasterio.open(path, "w", driver="GTiff", crs=crs, transform=transform, nodata=nodata, **profile) as out:
        out.write(grid, 1)
        if (scale, offset) != (1.0, 0.0):
            out.scales, out.offsets = (scale,), (offset,)
    return path


def float32(path: Path, grid: Grid, west: float, north: float, cell: float) -> Path:
    return tiff(path.with_suffix(".tif"), grid.astype(np.float32), west, north, cell, compress="deflate")


def float64_point(path: Path, grid: Grid, west: float, north: float, cell: float) -> Path:
    """Write a TIFF whose tie point is the centre of the first pixel (GeoTIFF 1.1, 7.1: PixelIsPoint)."""
    place = tiff(path.with_suffix(".tif"), grid, west, north, cell, tiled=True, blockxsize=16, blockysize=16)
    with rasterio.open(place, "r+") as out:
        out.update_tags(AREA_OR_POINT="Point")
    return place


def south_up(path: Path, grid: Grid, west: float, north: float, cell: float) -> Path:
    return tiff(path.with_suffix(".tif"), grid.astype(np.float32), west, north, cell, south_up=True)


def scaled(path: Path, grid: Grid, west: float, north: float, cell: float) -> Path:
    """Write centimetres over 50 m as 16-bit integers."""
    numbers = np.rint((grid - 50.0) * 100).astype(np.int16)
    return tiff(path.with_suffix(".tif"), numbers, west, north, cell, scale=0.01, offset=50.0)


def ascii_grid(path: Path, grid: Grid, west: float, north: float, cell: float) -> Path:
    place = path.with_suffix(".asc")
    place.write_text(ascii_text(grid, west, north, cell))
    return place


def ascii_text(grid: Grid, west: float, north: float, cell: float) -> str:
    head = (
        f"ncols {grid.shape[1]}\nnrows {grid.shape[0]}\nxllcenter {west + cell / 2}\n"
        f"yllcorner {north - grid.shape[0] * cell}\ncellsize {cell}\nNODATA_value -9999\n"
    )
    return head + "\n".join(" ".join(f"{value:.4f}" for value in row) for row in grid) + "\n"


def rows_of(grid: Grid, west: float, north: float, cell: float) -> list[tuple[float, float, float]]:
    """Return x, y, z of each cell, from the south-west on as NRW delivers them."""
    return [
        (west + (column + 0.5) * cell, north - (row + 0.5) * cell, float(grid[row, column]))
        for row in reversed(range(grid.shape[0]))
        for column in range(grid.shape[1])
    ]


def xyz(path: Path, grid: Grid, west: float, north: float, cell: float) -> Path:
    place = path.with_suffix(".xyz")
    place.write_text("".join(f"{x:.2f} {y:.2f} {z:.4f}\n" for x, y, z in rows_of(grid, west, north, cell)))
    return place


def xyz_shuffled(path: Path, grid: Grid, west: float, north: float, cell: float) -> Path:
    """Write rows in no order, with decimal commas, columns in another order and a head."""
    rows = rows_of(grid, west, north, cell)
    np.random.default_rng(7).shuffle(rows)
    text = "Nr;Hochwert;Rechtswert;Höhe\n" + "".join(f"{n};{y};{x};{z:.4f}\n" for n, (x, y, z) in enumerate(rows))
    place = path.with_suffix(".csv")
    place.write_bytes(text.replace(".", ",").encode("latin-1"))
    return place


def ascii_gz(path: Path, grid: Grid, west: float, north: float, cell: float) -> Path:
    place = path.with_suffix(".asc.gz")
    place.write_bytes(gzip.compress(ascii_text(grid, west, north, cell).encode()))
    return place


def tiff_gz(path: Path, grid: Grid, west: float, north: float, cell: float) -> Path:
    plain = float32(path, grid, west, north, cell)
    place = path.with_suffix(".tif.gz")
    place.write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    return place


def zipped(path: Path, grid: Grid, west: float, north: float, cell: float) -> Path:
    """Write an archive of two halves, one XYZ and one TIFF, and of what else is in archives."""
    half = grid.shape[0] // 2
    upper = xyz(path.with_name("upper"), grid[:half], west, north, cell)
    lower = float32(path.with_name("lower"), grid[half:], west, north - half * cell, cell)
    place = path.with_suffix(".zip")
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("dgm/readme.txt", "DGM1, Stand 2023\n")
        archive.writestr("dgm/info.pdf", b"%PDF-1.4")
        archive.write(upper, "dgm/upper.xyz")
        archive.write(lower, "dgm/lower.tif")
    upper.unlink()
    lower.unlink()
    return place


WRITERS: tuple[Writer, ...] = (
    float32, float64_point, south_up, scaled, ascii_grid, xyz, xyz_shuffled, ascii_gz, tiff_gz, zipped,
)  # fmt: skip


def surface(
    paths: Sequence[Path], scratch: Path, crs: str | None = None, into: str | None = None
) -> tuple[Terrain, tuple[Issue, ...]]:
    """Return files as one surface, decoded, and what was found."""
    terrain = open_heights(paths, crs=crs, region=REGION, into=into)
    found = list(terrain.issues)
    for number, file in enumerate(terrain.files):
        for part in range(file.parts):
            found.extend(terrain.decode(number, part, scratch))
    return terrain, tuple(found)


def codes(issues: Sequence[Issue]) -> set[str]:
    return {issue.code for issue in issues}
