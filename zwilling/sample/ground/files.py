"""Terrain and picture as NRW delivers them: DGM1 and DOP10, one GeoTIFF of each for each square kilometre."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zwilling.errors import SettingsError
from zwilling.rasters import Rectangle, Window
from zwilling.sample.citygml import MARK
from zwilling.sample.terrain import elevation

YEAR = 2025
_NODATA = -9999.0
_STRIP = 512  # rows of the picture that are made at once: one row of blocks
_BLOCK = 512


def terrain_name(column: int, row: int) -> str:
    """Return the name of a terrain file, by the kilometres of its south-west corner.

    Example:
        >>> terrain_name(343, 5673)
        'dgm1_32_343_5673_1_nw_2025.tif'
    """
    return f"dgm1_32_{column}_{row}_1_nw_{YEAR}.tif"


def picture_name(column: int, row: int) -> str:
    """Return the name of an orthophoto.

    Example:
        >>> picture_name(343, 5673)
        'dop10rgbi_32_343_5673_1_nw_2025.tif'
    """
    return f"dop10rgbi_32_{column}_{row}_1_nw_{YEAR}.tif"


def squares(folder: Path, buildings: int, seed: int, within: Rectangle | None, margin: float | None) -> list[Square]:
    """Return the square kilometres that buildings touch, or what of them is within bounds: a task for each."""
    from zwilling.sample.ground.drawing_up import square_kilometres, surroundings

    if margin is not None:
        near = surroundings(buildings, seed, margin)
        within = near if within is None else _common(near, within)
    return [
        Square(folder, buildings, seed, column, row, area)
        for column, row in square_kilometres(buildings, seed)
        if (area := _part(column, row, within)) is not None
    ]


@dataclass(frozen=True, slots=True)
class Square:
    """A square kilometre, or what of it is wanted."""

    folder: Path
    buildings: int
    seed: int
    column: int
    row: int
    area: Rectangle

    def write(self) -> list[Path]:
        """Return terrain and picture, after writing them."""
        terrain = self.folder / terrain_name(self.column, self.row)
        picture = self.folder / picture_name(self.column, self.row)
        write_terrain(terrain, self.area)
        write_picture(picture, self.area, self.buildings, self.seed)
        return [terrain, picture]


def _part(column: int, row: int, within: Rectangle | None) -> Rectangle | None:
    west, south = column * 1000.0, row * 1000.0
    if within is None:
        return Rectangle(west, south, west + 1000.0, south + 1000.0)
    part = _common(Rectangle(west, south, west + 1000.0, south + 1000.0), within)
    return part if part.west < part.east and part.south < part.north else None


def _common(a: Rectangle, b: Rectangle) -> Rectangle:
    return Rectangle(max(a.west, b.west), max(a.south, b.south), min(a.east, b.east), min(a.north, b.north))


def cell_heights(area: Rectangle) -> NDArray[np.float32]:
    """Return the elevation at the centres of the cells of 1 m, shape (rows, columns), north first."""
    x = np.arange(area.west, area.east) + 0.5
    y = np.arange(area.north, area.south, -1.0) - 0.5
    # NRW gives centimetres; rounding also makes the file a third of the size.
    return np.round(elevation(*np.meshgrid(x, y)), 2).astype(np.float32)


def write_terrain(path: Path, area: Rectangle) -> None:
    """Write the terrain of an area: 1 m, float32, heights DHHN2016."""
    heights = cell_heights(area)
    profile = {
        "width": heights.shape[1], "height": heights.shape[0], "count": 1, "dtype": "float32", "nodata": _NODATA,
        "compress": "deflate", "predictor": 3, "blockxsize": 256, "blockysize": 256,
    }  # fmt: skip
    with _Whole(path, (area.west, area.north, 1.0), profile) as file:
        file.write(heights, 1)


def write_picture(path: Path, area: Rectangle, buildings: int, seed: int) -> None:
    """Write the orthophoto of an area: 10 cm, red, green, blue and near infrared."""
    from rasterio.enums import ColorInterp
    from rasterio.windows import Window as Part

    from zwilling.sample.ground.drawing_up import camera

    width, height = round((area.east - area.west) * 10), round((area.north - area.south) * 10)
    # NRW delivers JPEG 2000, which takes many times as long to write; whoever reads the one reads the other.
    profile = {
        "width": width, "height": height, "count": 4, "dtype": "uint8", "compress": "jpeg", "jpeg_quality": 75,
        "photometric": "MINISBLACK", "interleave": "pixel", "blockxsize": _BLOCK, "blockysize": _BLOCK,
    }  # fmt: skip
    eye = camera(buildings, seed)
    with _Whole(path, (area.west, area.north, 0.1), profile) as file:
        file.colorinterp = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.undefined)
        for top in range(0, height, _STRIP):
            high = min(_STRIP, height - top)
            taken = eye.take(Window(area.west, round(area.north - top * 0.1, 1), 0.1, width, high))
            file.write(np.moveaxis(taken, 2, 0), window=Part(0, top, width, high))
        for band, name in enumerate(("Rot", "Grün", "Blau", "Nahes Infrarot"), 1):
            file.set_band_description(band, name)


class _Whole:
    """A GeoTIFF that appears under its name when it is whole."""

    def __init__(self, path: Path, place: tuple[float, float, float], profile: dict[str, Any]) -> None:
        self._path = path
        self._part = path.with_name(f".{path.name}.part")
        self._place = place
        self._profile = profile
        self._file: Any = None

    def __enter__(self) -> Any:
        import rasterio
        from rasterio import Affine

        west, north, size = self._place
        try:
            self._file = rasterio.open(
                self._part, "w", driver="GTiff", tiled=True, crs="EPSG:25832",
                transform=Affine(size, 0.0, west, 0.0, -size, north), **self._profile,
            )  # fmt: skip
        except (OSError, rasterio.errors.RasterioIOError) as problem:
            raise SettingsError(
                f"cannot write: {problem}", source=self._path, remedy="name another folder"
            ) from problem
        self._file.update_tags(
            TIFFTAG_IMAGEDESCRIPTION=MARK, TIFFTAG_DATETIME=f"{YEAR}:06:24 12:10:00", AREA_OR_POINT="Area"
        )
        return self._file

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._file.close()
        if kind is None:
            self._part.replace(self._path)
        self._part.unlink(missing_ok=True)
