"""Pictures on their way to textures: made coarser, put together, encoded as WebP, and read back from a GLB.

A picture is `RGB` (or `RGBX`, as it comes from four bytes a pixel) where it is whole, `RGBA` where data is missing;
what is missing is fully transparent.  No colour comes from where there is none: coarser pixels are averages of what
there is, and before the encoder, the hardware's filters and its mipmaps see a picture, its holes are filled with the
colours of their rim.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Ground that no picture shows, sRGB: the clay of the buildings' ground surfaces, a little lighter.
BARE: Final = (178, 172, 158)
_OPAQUE: Final = 255
# Transparency is all or nothing (`alphaMode` MASK): half a pixel's area decides.
_HALF: Final = 128


def from_pixels(pixels: NDArray[np.uint8]) -> Image.Image:
    """Return the picture of red, green, blue and alpha, shape (height, width, 4), without copying where it is whole.

    Example:
        >>> from_pixels(np.full((2, 2, 4), 255, np.uint8)).mode, from_pixels(np.zeros((2, 2, 4), np.uint8)).mode
        ('RGBX', 'RGBA')
    """
    pixels = np.ascontiguousarray(pixels)
    height, width, _ = pixels.shape
    lowest = np.bitwise_and.reduce(pixels.view("<u4").ravel()) >> 24
    mode = "RGBX" if lowest == _OPAQUE else "RGBA"
    return Image.frombuffer(mode, (width, height), pixels, "raw", mode, 0, 1)


def is_empty(picture: Image.Image) -> bool:
    """Return whether a picture shows nothing."""
    return picture.mode == "RGBA" and picture.getchannel("A").getextrema() == (0, 0)


def whole_if_possible(picture: Image.Image) -> Image.Image:
    """Return the same picture without alpha where that is full everywhere."""
    if picture.mode == "RGBA" and picture.getchannel("A").getextrema() == (_OPAQUE, _OPAQUE):
        return picture.convert("RGB")
    return picture


def on_bare_ground(picture: Image.Image, drawn: NDArray[np.bool_]) -> Image.Image:
    """Return the picture laid on bare ground: no pixel of a drawn cell shows through.

    Args:
        drawn: shape (n, n), cells of equal size that cover the picture.
    """
    alpha = Image.fromarray(drawn.astype(np.uint8) * _OPAQUE).resize(picture.size, Image.Resampling.NEAREST)
    ground = Image.new("RGBA", picture.size, BARE)
    ground.putalpha(alpha)
    own = picture.convert("RGBA")
    return Image.composite(own, ground, own.getchannel("A").point(_all_or_nothing))


def halved(picture: Image.Image) -> Image.Image:
    """Return the picture with half the pixels on each side; a pixel is the mean of what its four show."""
    return picture.reduce(2)  # weighs colours with alpha


def joined(quarters: Mapping[tuple[int, int], Image.Image], size: int) -> Image.Image:
    """Return one picture of `size` pixels on each side from its quarters, by (row, column); absent ones are empty."""
    whole = len(quarters) == 4 and all(quarter.mode != "RGBA" for quarter in quarters.values())
    picture = Image.new("RGB" if whole else "RGBA", (size, size))
    for (row, column), quarter in quarters.items():
        picture.paste(quarter.convert(picture.mode), (column * size // 2, row * size // 2))
    return picture


def encode(picture: Image.Image, quality: int, method: int) -> bytes:
    """Return the picture as WebP.

    Args:
        quality: 0 to 100.
        method: 0 (fast) to 6 (small).
    """
    buffer = io.BytesIO()
    picture = whole_if_possible(picture)
    if picture.mode == "RGBA":
        alpha = picture.getchannel("A").point(_all_or_nothing)
        picture = _spread(picture)
        picture.putalpha(alpha)
        picture.save(buffer, "WEBP", quality=quality, method=method, exact=True)
    else:
        picture.save(buffer, "WEBP", quality=quality, method=method)
    return buffer.getvalue()


def decode(data: bytes) -> Image.Image:
    """Return the picture of a WebP file that `encode` wrote."""
    with Image.open(io.BytesIO(data), formats=["WEBP"]) as picture:
        picture.load()
        return picture


def extract(glb: bytes) -> bytes | None:
    """Return the first picture inside a GLB that we wrote, as it is stored there; None where it has none.

    Spec: glTF 2.0, clause 4 "GLB File Format".
    """
    (length,) = struct.unpack_from("<I", glb, 12)
    document = json.loads(glb[20 : 20 + length])
    if not document.get("images"):
        return None
    view = document["bufferViews"][document["images"][0]["bufferView"]]
    begin = 20 + length + 8 + view["byteOffset"]
    return glb[begin : begin + view["byteLength"]]


def _spread(picture: Image.Image) -> Image.Image:
    """Return the picture without alpha, its holes filled from ever coarser pictures of what is around them."""
    if max(picture.size) <= 1 or picture.getchannel("A").getextrema() == (_OPAQUE, _OPAQUE):
        return picture.convert("RGB")
    below = _spread(halved(picture)).resize(picture.size, Image.Resampling.NEAREST)
    below.paste(picture.convert("RGB"), mask=picture.getchannel("A"))
    return below


def _all_or_nothing(alpha: int) -> int:
    return _OPAQUE if alpha >= _HALF else 0
