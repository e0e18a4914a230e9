"""Colours of LAS files as glTF wants them.

LAS stores red, green and blue as 16 bits of a gamma-coded picture, in practice sRGB; many programs store only 8 bits.
Vertex colours of glTF are linear.  CesiumJS takes them as such and turns them back to sRGB on the screen.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


@lru_cache(maxsize=2)
def _linear(*, of_8_bits: bool) -> NDArray[np.uint8]:
    """Return the linear intensity, 0 to 255, of each stored number.

    Spec: IEC 61966-2-1 (sRGB).
    """
    stored = np.arange(2**16, dtype=np.float64)
    coded = np.minimum(stored / 255, 1.0) if of_8_bits else stored / 65535
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    table: NDArray[np.uint8] = np.rint(linear * 255).astype(np.uint8)
    return table


def packed(
    red: NDArray[np.uint16], green: NDArray[np.uint16], blue: NDArray[np.uint16], *, of_8_bits: bool
) -> NDArray[np.uint32]:
    """Return linear colours, red in the lowest byte, full opacity in the highest."""
    table = _linear(of_8_bits=of_8_bits)
    colours = np.empty((len(red), 4), np.uint8)
    for number, channel in enumerate((red, green, blue)):
        colours[:, number] = table.take(channel)
    colours[:, 3] = 255
    whole: NDArray[np.uint32] = colours.view("<u4").ravel()
    return whole
