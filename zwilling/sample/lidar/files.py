"""The points as NRW delivers them: one `3dm` LAZ file for each square kilometre, LAS 1.2, point format 1."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zwilling.errors import SettingsError
from zwilling.rasters import Rectangle
from zwilling.sample.ground.files import squares
from zwilling.sample.lidar.flight import BAND, strips
from zwilling.sample.lidar.returns import POINT, scanned
from zwilling.sample.lidar.surface import CELL, MARGIN, Surfaces, surfaces

WATER, SYNTHETIC_GROUND = 9, 26
_WATER_SPACING = 2  # metres
_DAY, _YEAR = 71, 2025  # 12 March
_HEAD = 227
_SCALE = 0.01


def cloud_name(column: int, row: int) -> str:
    """Return the name of a file of points, by the kilometres of its south-west corner.

    Example:
        >>> cloud_name(343, 5673)
        '3dm_32_343_5673_1_nw.laz'
    """
    return f"3dm_32_{column}_{row}_1_nw.laz"


@dataclass(frozen=True, slots=True)
class Cloud:
    """A file to be written: a square kilometre, or what of it is wanted."""

    folder: Path
    buildings: int
    seed: int
    column: int
    row: int
    area: Rectangle

    def write(self) -> list[Path]:
        """Return the file, after writing it."""
        path = self.folder / cloud_name(self.column, self.row)
        write_points(path, scan(self.area, self.buildings, self.seed))
        return [path]


def clouds(folder: Path, buildings: int, seed: int, within: Rectangle | None) -> list[Cloud]:
    """Return the square kilometres that buildings touch, or what of them is within bounds: a task for each."""
    return [
        Cloud(folder, buildings, seed, square.column, square.row, square.area)
        for square in squares(folder, buildings, seed, within, None)
    ]


def scan(area: Rectangle, buildings: int, seed: int) -> Iterator[NDArray[np.void]]:
    """Yield the points of an area, whole metres: synthetic ones first, then strip after strip in the order of time."""
    surface = surfaces(area, buildings, seed)
    bands = range(int(area.south // BAND), int(-(-area.north // BAND)))
    yield _synthetic(surface, area)
    for strip in strips(area.west - MARGIN, area.east + MARGIN):
        for band in bands if strip.is_northward else reversed(bands):
            yield _within(scanned(surface, strip, band, seed), area)


def _within(points: NDArray[np.void], area: Rectangle) -> NDArray[np.void]:
    x, y = points["x"], points["y"]
    inside = (x >= area.west * 100) & (x < area.east * 100) & (y >= area.south * 100) & (y < area.north * 100)
    return points[inside]


def _synthetic(surface: Surfaces, area: Rectangle) -> NDArray[np.void]:
    """Return what NRW adds: points on the water, and ground along its edge, where the scanner finds little."""
    step = round(1.0 / CELL)
    is_water = surface.is_water[surface.ink[step // 2 :: step, step // 2 :: step]]
    is_water &= surface.numbers[step // 2 :: step, step // 2 :: step] == 0
    near = np.zeros_like(is_water)
    for axis in (0, 1):
        for shift in (-1, 1):
            near |= np.roll(is_water, shift, axis)
    row, column = np.nonzero(near & ~is_water)
    shore = _made(surface, column, row, SYNTHETIC_GROUND)

    row, column = np.nonzero(is_water)
    on_grid = ((column + round(surface.west)) % _WATER_SPACING == 0) & (
        (row + round(surface.south)) % _WATER_SPACING == 0
    )
    water = _made(surface, column[on_grid], row[on_grid], WATER)
    return _within(np.concatenate([shore, water]), area)


def _made(surface: Surfaces, column: NDArray[np.intp], row: NDArray[np.intp], kind: int) -> NDArray[np.void]:
    """Return points of no pulse in the middle of square metres."""
    x, y = column.astype(np.float64) + 0.5, row.astype(np.float64) + 0.5
    points = np.zeros(len(column), POINT)
    points["x"], points["y"] = np.rint((x + surface.west) * 100.0), np.rint((y + surface.south) * 100.0)
    points["z"] = np.rint(surface.ground(x, y) * 100.0)
    points["flags"] = 1 | 1 << 3
    points["classification"] = kind
    return points


def write_points(path: Path, batches: Iterable[NDArray[np.void]]) -> None:
    """Write a LAZ file of points, which appears under its name when it is whole.

    The head is written here and not by a library, so that the sample needs no more than the reader of points does.

    Raises:
        SettingsError: it cannot be written.
    """
    import lazrs

    part = path.with_name(f".{path.name}.part")
    laz = lazrs.LazVlr.new_for_compression(1, 0)
    records = [
        # GeoTIFF keys: a projected system, EPSG:25832; the heights' system is not named, as in real files.
        _record("LASF_Projection", 34735, struct.pack("<12H", 1, 1, 0, 2, 1024, 0, 1, 1, 3072, 0, 1, 25832)),
        _record("laszip encoded", 22204, bytes(laz.record_data())),
    ]
    start = _HEAD + sum(map(len, records))
    tally = _Tally()
    try:
        with part.open("wb") as file:
            file.write(bytes(_HEAD))
            for record in records:
                file.write(record)
            compressor = lazrs.LasZipCompressor(file, laz)
            for points in batches:
                tally.add(points)
                compressor.compress_many(points.view(np.uint8))
            compressor.done()
            file.seek(0)
            file.write(tally.head(start, len(records)))
        part.replace(path)
    except OSError as problem:
        raise SettingsError(
            f"cannot write: {problem.strerror or problem}", source=path, remedy="name another folder"
        ) from problem
    finally:
        part.unlink(missing_ok=True)


class _Tally:
    """What the head of a file says of its points."""

    def __init__(self) -> None:
        self._returns = np.zeros(8, np.int64)
        self._bounds: dict[str, tuple[int, int]] = {}

    def add(self, points: NDArray[np.void]) -> None:
        """Count some points."""
        if not len(points):
            return
        self._returns += np.bincount(points["flags"] & 7, minlength=8)
        for axis in "xyz":
            low, high = int(points[axis].min()), int(points[axis].max())
            before = self._bounds.get(axis, (low, high))
            self._bounds[axis] = min(low, before[0]), max(high, before[1])

    def head(self, start: int, records: int) -> bytes:
        """Return the public header block of LAS 1.2."""
        bounds = []
        for axis in "xyz":
            low, high = self._bounds.get(axis, (0, 0))
            bounds += [high * _SCALE, low * _SCALE]
        return struct.pack(
            "<4sHH16sBB32s32sHHHIIBHI5I12d",
            b"LASF", 0, 1, b"", 1, 2, b"SYNTHETISCHE DATEN", b"Zwilling", _DAY, _YEAR, _HEAD, start, records,
            1 | 0x80, POINT.itemsize, int(self._returns.sum()), *self._returns[1:6].tolist(),
            _SCALE, _SCALE, _SCALE, 0.0, 0.0, 0.0, *bounds,
        )  # fmt: skip


def _record(owner: str, number: int, body: bytes) -> bytes:
    """Return a variable length record (LAS 1.2, table 'Variable Length Record Header')."""
    return struct.pack("<H16sHH32s", 0, owner.encode(), number, len(body), b"") + body
