"""LiDAR of a town that does not exist, as LAZ: what a scanner in an aeroplane would deliver of any number of points.

Ten points to a square metre, in scan lines along strips of 200 m; rolling ground, houses with gable roofs,
trees with several echoes, colours as of an orthophoto, 16 bits each.  LAS 1.4, point format 7, centimetres.
"""

from __future__ import annotations

import math
from pathlib import Path

import laspy
import numpy as np
import pyproj
from numpy.typing import NDArray

WEST, SOUTH = 343_000.0, 5_674_000.0
POINTS_PER_M2 = 10
_STRIP = 200.0
_AT_ONCE = 1_000_000
_LOT = 25.0
_GROUND, _TREE, _HOUSE = 2, 5, 6
_COLOURS = np.array([[118, 112, 98], [62, 88, 48], [150, 84, 66]], np.float64)


def lidar(folder: Path, points: int) -> Path:
    """Return a LAZ file of so many points; made once, the same anywhere."""
    path = folder / f"lidar-{points}.laz"
    if path.is_file():
        return path
    header = laspy.LasHeader(point_format=7, version="1.4")
    header.scales, header.offsets = np.full(3, 0.01), np.array([WEST, SOUTH, 0.0])
    header.add_crs(pyproj.CRS("EPSG:25832+7837"))
    part = path.with_suffix(".part.laz")
    strips = max(1, round(math.sqrt(points / POINTS_PER_M2) / _STRIP))
    length = points / POINTS_PER_M2 / (strips * _STRIP)
    with laspy.open(part, "w", header=header) as file:
        for begin in range(0, points, _AT_ONCE):
            numbers = np.arange(begin, min(begin + _AT_ONCE, points))
            file.write_points(_record(numbers, points, strips, length, header))
    part.rename(path)
    return path


def _record(
    numbers: NDArray[np.int64], points: int, strips: int, length: float, header: laspy.LasHeader
) -> laspy.ScaleAwarePointRecord:
    """Return the points of some numbers, in the order in which the scanner sees them."""
    chance = np.random.default_rng(int(numbers[0]))
    count = len(numbers)
    along_all = numbers / points * strips
    strip = np.minimum(along_all.astype(np.int64), strips - 1)
    along = along_all - strip
    # Every scan line crosses the strip; there and back, strip by strip.
    per_line = math.sqrt(POINTS_PER_M2) * _STRIP
    across = np.abs(2 * ((numbers / per_line) % 1.0) - 1)
    y = np.where(strip % 2 == 0, along, 1 - along) * length + chance.normal(0, 0.05, count)
    x = strip * _STRIP + across * _STRIP + chance.normal(0, 0.05, count)
    kind, above = _town(x, y, chance)
    ground = 40 + 4 * np.sin(x / 310) + 3 * np.sin(y / 270 + 1)
    record = laspy.ScaleAwarePointRecord.zeros(count, header=header)
    record["x"] = WEST + np.maximum(x, 0)
    record["y"] = SOUTH + np.maximum(y, 0)
    record["z"] = ground + above + chance.normal(0, 0.02, count)
    place = np.array([_GROUND, _TREE, _HOUSE])
    record["classification"] = place[kind]
    echoes = np.where(kind == 1, chance.integers(1, 5, count), 1)
    record["number_of_returns"] = echoes
    record["return_number"] = np.minimum(1 + chance.integers(0, 4, count), echoes)
    shade = chance.normal(0, 9, count) + 12 * np.sin(x / 7) * np.sin(y / 9)
    for channel, name in enumerate(("red", "green", "blue")):
        eight = np.clip(_COLOURS[kind, channel] + shade + chance.normal(0, 6, count), 0, 255).astype(np.uint16)
        record[name] = eight * 257
    record["intensity"] = np.clip(400 + 250 * kind + chance.normal(0, 150, count), 0, 65535)
    record["gps_time"] = 3.2e8 + numbers * 2e-6 + chance.uniform(0, 1e-6, count)
    record["scan_angle"] = ((across - 0.5) * 6000).astype(np.int16)
    record["point_source_id"] = 1 + strip
    return record


def _town(
    x: NDArray[np.float64], y: NDArray[np.float64], chance: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return what each place is (0 ground, 1 tree, 2 house) and how high above the ground the point is."""
    lot = np.floor(x / _LOT).astype(np.int64) * 7919 + np.floor(y / _LOT).astype(np.int64) * 104_729
    dice = (lot * 2_654_435_761 % 2**32) / 2**32
    inside_x, inside_y = x % _LOT - _LOT / 2, y % _LOT - _LOT / 2
    is_house = (np.abs(inside_x) < 6) & (np.abs(inside_y) < 5) & (dice < 0.7)
    from_tree = np.hypot(inside_x - 8, inside_y - 8)
    is_tree = (from_tree < 4) & (dice > 0.3)
    roof = 6 + 4 * dice + (5 - np.abs(inside_y)) * 0.8
    crown = (3 + 6 * dice + np.sqrt(np.maximum(16 - from_tree**2, 0))) * chance.uniform(0.3, 1, len(x))
    kind = np.where(is_house, 2, np.where(is_tree, 1, 0))
    return kind, np.where(is_house, roof, np.where(is_tree, crown, 0.0))
