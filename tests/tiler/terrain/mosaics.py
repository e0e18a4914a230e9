"""Mosaics in memory: what the readers of orthophotos and terrain give, without files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tiler.terrain.ground import Ground
from zwilling.issues import Issue, Severity
from zwilling.rasters import RasterFile, Rectangle, Window
from zwilling.region import load_region

CRS = "EPSG:25832"
# A corner of Neuss that is no round number of tiles.
WEST, SOUTH = 344_000.0, 5_673_000.0

Colours = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.uint8]]
Relief = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]


def hills(east: NDArray[np.float64], north: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return heights of rolling ground with a dyke: no plane, and no symmetry."""
    x, y = east - WEST, north - SOUTH
    dyke = np.clip(4 - np.abs(x - 0.3 * y - 150) / 2, 0, 3)
    return np.asarray(40 + 6 * np.sin(x / 90) * np.cos(y / 70) + x / 80 + dyke)


def fields(east: NDArray[np.float64], north: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return colours that change slowly and tell where they are, shape (…, 3)."""
    x, y = east - WEST, north - SOUTH
    red = 128 + 90 * np.sin(x / 37)
    green = 128 + 90 * np.cos(y / 41)
    blue = 128 + 60 * np.sin((x + y) / 53)
    return np.asarray(np.rint(np.stack([red, green, blue], axis=-1)), dtype=np.uint8)


class Marked:
    """Files of a fake mosaic, of one part each; a file of their number tells that they have been decoded."""

    covers: tuple[Rectangle, ...]

    @property
    def files(self) -> tuple[RasterFile, ...]:
        return tuple(RasterFile(f"{n}.tif", f"{c}", c, 1, "") for n, c in enumerate(self.covers))

    def decode(self, file: int, part: int, scratch: Path) -> tuple[Issue, ...]:
        (scratch / f"{file}").write_text(f"part {part} is decoded")
        return ()

    def forget(self, file: int, scratch: Path) -> None:
        (scratch / f"{file}").unlink()


@dataclass(frozen=True)
class FakePictures:
    """Orthophotos that are computed; a file is a rectangle with colours of its own."""

    rectangles: tuple[Rectangle, ...]
    colours: tuple[Colours, ...]
    resolution: float = 0.5
    crs: str = CRS
    issues: tuple[Issue, ...] = ()

    @property
    def files(self) -> tuple[RasterFile, ...]:
        return tuple(
            RasterFile(f"dop{number}.tif", _print(rectangle, colours.__name__), rectangle, 2, "")
            for number, (rectangle, colours) in enumerate(zip(self.rectangles, self.colours, strict=True))
        )

    def decode(self, file: int, part: int, scratch: Path) -> tuple[Issue, ...]:
        marker = scratch / f"dop{file}.{part}"
        assert not marker.exists(), "a part is decoded once"
        marker.touch()
        return (Issue("SEEN", Severity.INFO, self.files[file].name, f"part {part}", "decoded"),) if part else ()

    def forget(self, file: int, scratch: Path) -> None:
        for part in range(2):
            (scratch / f"dop{file}.{part}").unlink()

    def read(self, window: Window, scratch: Path) -> NDArray[np.uint8]:
        east = window.west + (np.arange(window.width) + 0.5) * window.resolution
        north = window.north - (np.arange(window.height) + 0.5) * window.resolution
        pixels = np.zeros((window.height, window.width, 4), np.uint8)
        for number, (rectangle, colours) in enumerate(zip(self.rectangles, self.colours, strict=True)):
            if not rectangle.meets(window.rectangle):
                continue
            assert (scratch / f"dop{number}.0").exists(), "a file is decoded before it is read"
            columns = np.flatnonzero((east > rectangle.west) & (east < rectangle.east))
            rows = np.flatnonzero((north > rectangle.south) & (north < rectangle.north))
            here = np.ix_(rows, columns)
            grid = np.meshgrid(east[columns], north[rows])
            pixels[..., :3][here] = colours(*grid)
            pixels[..., 3][here] = 255
        return pixels


@dataclass(frozen=True)
class FakeHeights:
    """Terrain that is computed, NaN outside its rectangles and where `hole` is."""

    rectangles: tuple[Rectangle, ...]
    relief: Relief = hills
    resolution: float = 1.0
    crs: str = CRS
    hole: Rectangle | None = None
    issues: tuple[Issue, ...] = field(default=())

    @property
    def files(self) -> tuple[RasterFile, ...]:
        return tuple(
            RasterFile(f"dgm{number}.tif", _print(rectangle, self.relief.__name__), rectangle, 1, "")
            for number, rectangle in enumerate(self.rectangles)
        )

    def decode(self, file: int, part: int, scratch: Path) -> tuple[Issue, ...]:
        assert part == 0
        (scratch / f"dgm{file}").touch(exist_ok=False)
        return ()

    def forget(self, file: int, scratch: Path) -> None:
        (scratch / f"dgm{file}").unlink()

    def at(self, places: NDArray[np.float64], scratch: Path) -> NDArray[np.float64]:
        east, north = places.T
        heights = np.full(len(places), np.nan)
        for number, each in enumerate(self.rectangles):
            inside = (east >= each.west) & (east <= each.east) & (north >= each.south) & (north <= each.north)
            if inside.any():
                assert (scratch / f"dgm{number}").exists(), "a file is decoded before it is read"
                heights[inside] = self.relief(east[inside], north[inside])
        if self.hole is not None:
            h = self.hole
            heights[(east > h.west) & (east < h.east) & (north > h.south) & (north < h.north)] = np.nan
        return heights


def square(east: float, north: float, side: float) -> Rectangle:
    """Return a square by its offset from the corner of all fakes."""
    return Rectangle(WEST + east, SOUTH + north, WEST + east + side, SOUTH + north + side)


def ground(pictures: FakePictures | None, heights: FakeHeights | None, plane: float = 40.0) -> Ground:
    """Return the ground of fakes."""
    return Ground(pictures, heights, plane, f"{CRS}+7837", load_region())


def _print(rectangle: Rectangle, name: str) -> str:
    return hashlib.sha256(f"{rectangle} {name}".encode()).hexdigest()
