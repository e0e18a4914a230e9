"""Cells of an octree in Morton order, and how deep two neighbours of that order first lie in different cells.

A place is three whole numbers below `2 ** bits`.  Its Morton code interleaves their bits, so that sorting by it walks
the octree depth first.  Codes of all bits would need 96; here they are taken in digits of five levels, which are
numbers below 2 ** 15, and numpy sorts 16-bit numbers by counting.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

LEVELS_PER_DIGIT: Final = 5
MOST_JOINED: Final = 4
SAME: Final = 255
"""Stands for the depth at which two points part that no digit tells apart."""

Columns = NDArray[np.uint32]
"""Shape (3, n): x, y, z as whole numbers."""

# Of the 15 bits in which two digits differ, the highest one tells at which of the digit's five levels they part: 1-5.
_LEVEL_OF_DIFFERENCE: Final = np.array(
    [SAME] + [LEVELS_PER_DIGIT - (number.bit_length() - 1) // 3 for number in range(1, 1 << 15)], dtype=np.uint8
)


def digit(places: Columns, bits: int, number: int) -> NDArray[np.uint16]:
    """Return the Morton codes of five levels, x in the lowest of each three bits.

    Args:
        places: whole numbers, of which the lowest `bits` count.
        bits: how many levels there are below the cell that all places share.
        number: 0 for the five levels right below that cell, 1 for the five after those, and so on; levels beyond
            `bits` are zero.

    Example:
        >>> [int(digit(np.array([[1], [0], [1]], np.uint32), 5, number)[0]) for number in (0, 1)]
        [5, 0]
    """
    shift = bits - LEVELS_PER_DIGIT * (number + 1)
    codes = np.zeros(places.shape[1], np.uint16)
    for axis in range(3):
        level_bits = places[axis] >> np.uint32(shift) if shift >= 0 else places[axis] << np.uint32(-shift)
        part = level_bits.astype(np.uint16)
        part &= np.uint16(31)
        # abcde -> a00b00c00d00e, by halves
        for distance, mask in ((8, 0x100F), (4, 0x10C3), (2, 0x1249)):
            part |= part << np.uint16(distance)
            part &= np.uint16(mask)
        part <<= np.uint16(axis)
        codes |= part
    return codes


def sort(digits: Sequence[NDArray[np.uint16]]) -> NDArray[np.intp]:
    """Return the order of places by their digits, the first of which counts most; equal ones keep theirs."""
    order: NDArray[np.intp] = np.argsort(digits[-1], kind="stable")
    for key in reversed(digits[:-1]):
        order = order.take(np.argsort(key.take(order), kind="stable"))
    return order


def parting_depths(digits: Sequence[NDArray[np.uint16]]) -> NDArray[np.uint8]:
    """Return, for each of the sorted places but the first, the depth at which it leaves the cell of the one before.

    Depths count from the cell that all share, which has depth 0; `SAME` where the digits are equal.
    """
    depths = np.full(max(len(digits[0]) - 1, 0), SAME, np.uint8)
    for number in range(len(digits) - 1, -1, -1):
        codes = digits[number]
        levels = _LEVEL_OF_DIFFERENCE.take(codes[1:] ^ codes[:-1])
        parts = levels != SAME
        np.copyto(depths, levels + np.uint8(LEVELS_PER_DIGIT * number), where=parts)
    return depths


def joined(digits: Sequence[NDArray[np.uint16]]) -> NDArray[np.integer]:
    """Return the Morton codes of these digits, at most `MOST_JOINED`."""
    codes: NDArray[np.integer] = digits[0].astype(np.uint32 if len(digits) <= 2 else np.uint64)
    for key in digits[1:]:
        codes <<= 3 * LEVELS_PER_DIGIT
        codes |= key
    return codes


def interleave(x: NDArray[np.int64], y: NDArray[np.int64], z: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return the whole Morton codes of places below 2 ** 21: those of the few cells that partitions are made of."""
    codes: NDArray[np.uint64] = _spread(x) | _spread(y) << np.uint64(1) | _spread(z) << np.uint64(2)
    return codes


def _spread(numbers: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Put two zeros before each of 21 bits."""
    spread: NDArray[np.uint64] = numbers.astype(np.uint64)
    for distance, mask in (
        (32, 0x1F00000000FFFF),
        (16, 0x1F0000FF0000FF),
        (8, 0x100F00F00F00F00F),
        (4, 0x10C30C30C30C30C3),
        (2, 0x1249249249249249),
    ):
        spread |= spread << np.uint64(distance)
        spread &= np.uint64(mask)
    return spread
