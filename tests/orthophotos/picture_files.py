"""Small picture files for tests, written by rasterio; and what they hold, for comparison."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning
from rasterio.shutil import copy
from rasterio.transform import Affine

from zwilling.rasters import Pictures, Window

WEST, NORTH, CELL = 354000.0, 5644000.0, 0.5
HERE = Affine(CELL, 0.0, WEST, 0.0, -CELL, NORTH)


def noise(height: int, width: int, bands: int = 3, *, dtype: str = "uint8", seed: int = 1) -> NDArray[Any]:
    """Return made-up pixels, shape (bands, height, width); never 0."""
    top = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(1, top, (bands, height, width), dtype=dtype, endpoint=True)


def write(
    path: Path,
    bands: NDArray[Any],
    *,
    transform: Affine | None = HERE,
    crs: str | None = "EPSG:25832",
    driver: str = "GTiff",
    colours: Sequence[ColorInterp] | None = None,
    names: Sequence[str] = (),
    palette: Mapping[int, tuple[int, ...]] | None = None,
    mask: NDArray[np.uint8] | None = None,
    **options: Any,
) -> Path:
    """Write `bands`, shape (bands, height, width), and return the path."""
    count, height, width = bands.shape
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        scratch = path if driver == "GTiff" else path.with_name(f"{path.name}.from.tif")
        own = options if driver == "GTiff" else {}
        profile: dict[str, Any] = {"count": count, "height": height, "width": width, "dtype": bands.dtype.name}
        if transform is not None:
            profile["transform"] = transform
        with (
            rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True, GDAL_PAM_ENABLED="NO"),
            rasterio.open(scratch, "w", driver="GTiff", crs=crs, **profile, **own) as file,
        ):
            if colours is not None:
                file.colorinterp = colours
            if palette is not None:
                file.write_colormap(1, palette)
            for number, name in enumerate(names, start=1):
                file.set_band_description(number, name)
            file.write(bands)
            if mask is not None:
                file.write_mask(mask)
        if driver != "GTiff":
            with rasterio.Env(GDAL_PAM_ENABLED="NO"):
                copy(scratch, path, driver=driver, **options)
            scratch.unlink()
    return path


def decoded(pictures: Pictures, scratch: Path) -> list[str]:
    """Decode all files, last part first, and return the codes of what was found."""
    codes: list[str] = []
    for number, file in enumerate(pictures.files):
        for part in reversed(range(file.parts)):
            codes += [issue.code for issue in pictures.decode(number, part, scratch)]
    return codes


def window_of(height: int, width: int, *, column: int = 0, row: int = 0) -> Window:
    """Return a window on the grid of `HERE`."""
    return Window(WEST + column * CELL, NORTH - row * CELL, CELL, width, height)
