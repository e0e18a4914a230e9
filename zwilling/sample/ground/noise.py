"""Noise that depends on the place alone, so that pictures meet without a seam and every run gives the same bytes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

STEP = 4
"""Pixels between the finest points of `smooth`."""
_ROWS = 16  # rows of pixels that share a generator
_SPAN = 10_000  # pixels in a row of them
_ONE, _TWO, _THREE = np.float32(1), np.float32(2), np.float32(3)


def pixels(seed: int, column: int, row: int, width: int, height: int) -> NDArray[np.int8]:
    """Return white noise from -128 to 127 for pixels counted from the south-west of the grid; `row` is the top one.

    Rows run to the south.
    """
    out = np.empty((height, width), np.int8)
    first, last = column // _SPAN, (column + width - 1) // _SPAN
    for band in range((row - height + 1) // _ROWS, row // _ROWS + 1):
        top, bottom = band * _ROWS + _ROWS - 1, band * _ROWS
        upper, lower = min(top, row), max(bottom, row - height + 1)
        for part in range(first, last + 1):
            block = np.random.default_rng((seed, part, band)).bytes(_ROWS * _SPAN)
            lines = np.frombuffer(block, np.int8).reshape(_ROWS, _SPAN)[top - upper : top - lower + 1]
            left, right = max(column, part * _SPAN), min(column + width, (part + 1) * _SPAN)
            out[row - upper : row - lower + 1, left - column : right - column] = lines[
                :, left - part * _SPAN : right - part * _SPAN
            ]
    return out


def smooth(
    seed: int, column: int, row: int, width: int, height: int, octaves: tuple[tuple[int, float], ...]
) -> NDArray[np.int16]:
    """Return noise from about -128 to 127 that changes slowly; `column`, `width` and so on are multiples of `STEP`.

    Args:
        seed: another number gives another noise.
        column, row, width, height: pixels; `row` is the top one's number plus one.
        octaves: distance of the points in pixels (a multiple of `STEP`) and weight of each layer of noise.
    """
    west, north = column // STEP, row // STEP
    wide, high = width // STEP + 2, height // STEP + 2
    total = np.zeros((high, wide), np.float32)
    x = (np.arange(wide) + west - 0.5) * STEP
    y = (north - np.arange(high) + 0.5) * STEP
    for number, (distance, weight) in enumerate(octaves):
        total += weight * _lattice(seed * 31 + number, x / distance, y / distance)
    total = np.clip(total * 128.0 + 128.0, 0.0, 255.0)
    image = Image.fromarray(np.rint(total).astype(np.uint8))
    box = (1.0, 1.0, wide - 1.0, high - 1.0)
    fine = image.resize((width, height), Image.Resampling.BILINEAR, box=box)
    return np.asarray(fine).astype(np.int16) - 128


def _lattice(seed: int, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return noise from -1 to 1 with one value at each whole number, on the grid of `x` and `y`."""
    x0, y0 = np.floor(x), np.floor(y)
    fx, fy = (x - x0).astype(np.float32), (y - y0).astype(np.float32)
    fx, fy = fx * fx * (_THREE - _TWO * fx), fy * fy * (_THREE - _TWO * fy)
    columns, rows = x0.astype(np.int64), y0.astype(np.int64)
    left, bottom = int(columns.min()), int(rows.min())
    table = _hashed(seed, np.arange(left, int(columns.max()) + 2), np.arange(bottom, int(rows.max()) + 2))
    across = columns - left
    lines = table[:, across] * (_ONE - fx) + table[:, across + 1] * fx
    up = rows - bottom
    values: NDArray[np.float32] = lines[up] * (_ONE - fy)[:, None] + lines[up + 1] * fy[:, None]
    return values


def _hashed(seed: int, columns: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return a number from -1 to 1 for each pair of whole numbers."""
    mixed = columns.astype(np.uint64)[None, :] * np.uint64(0x9E3779B97F4A7C15)
    mixed = mixed ^ (rows.astype(np.uint64)[:, None] * np.uint64(0xC2B2AE3D27D4EB4F))
    mixed = mixed + np.uint64(seed * 0xD6E8FEB86659FD93 % 2**64)
    for shift, factor in (
        (np.uint64(32), np.uint64(0xD6E8FEB86659FD93)),
        (np.uint64(29), np.uint64(0xFF51AFD7ED558CCD)),
    ):
        mixed = (mixed ^ (mixed >> shift)) * factor
    mixed ^= mixed >> np.uint64(32)
    return ((mixed >> np.uint64(40)).astype(np.float32) / np.float32(2**23)) - np.float32(1.0)
