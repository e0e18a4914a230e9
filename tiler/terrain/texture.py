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
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Ground that no picture shows, sRGB: the clay of the buildings' ground surfaces, a little lighter.
BARE: Final = (178, 172, 158)
_OPAQUE: Final = 255
# Transparency is all or nothing (`alphaMode` MASK): half a pixel's area decides.
_HALF: Final = 128


@dataclass(frozen=True, slots=True)
class Cutout:
    """The smallest rectangle of a square picture outside of which it shows nothing.

    Attributes:
        image: `RGB` or `RGBX` where it has no holes, else `RGBA`.
        left, top: pixels from the square's corner.
    """

    image: Image.Image
    left: int
    top: int

    @property
    def right(self) -> int:
        """The first column behind it."""
        return self.left + self.image.width

    @property
    def bottom(self) -> int:
        """The first row behind it."""
        return self.top + self.image.height

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom."""
        return self.left, self.top, self.right, self.bottom

    @property
    def is_whole(self) -> bool:
        """Whether it has no holes."""
        return self.image.mode != "RGBA"


def cut_out(pixels: NDArray[np.uint8], left: int = 0, top: int = 0) -> Cutout | None:
    """Return what red, green, blue and alpha, shape (height, width, 4), show; None for nothing.

    Example:
        >>> corner = np.zeros((8, 8, 4), np.uint8)
        >>> corner[2:5, 1:3] = 255
        >>> cut_out(corner).image.size, cut_out(corner).left, cut_out(corner).top
        ((2, 3), 1, 2)
    """
    pixels = np.ascontiguousarray(pixels)
    height, width, _ = pixels.shape
    if not pixels.size:
        return None
    lowest = int(np.bitwise_and.reduce(pixels.view("<u4").ravel()) >> 24)
    mode = "RGBX" if lowest == _OPAQUE else "RGBA"
    image = Image.frombuffer(mode, (width, height), pixels, "raw", mode, 0, 1)
    return _trimmed(image, left, top)


def _trimmed(image: Image.Image, left: int, top: int) -> Cutout | None:
    """Return the part of a picture that shows something."""
    if image.mode != "RGBA":
        return Cutout(image, left, top)
    alpha = image.getchannel("A")
    box = alpha.getbbox()
    if box is None:
        return None
    if box != (0, 0, *image.size):
        image, alpha = image.crop(box), alpha.crop(box)
    if alpha.getextrema() == (_OPAQUE, _OPAQUE):
        image = image.convert("RGB")
    return Cutout(image, left + box[0], top + box[1])


def on_bare_ground(
    picture: Cutout | None, drawn: NDArray[np.bool_], size: int, box: tuple[int, int, int, int] | None = None
) -> Cutout | None:
    """Return the picture laid on bare ground: no pixel of a drawn cell shows through.

    Args:
        drawn: shape (n, n), cells of equal size that cover the square.
        size: pixels on each side of the square.
        box: left, top, right and bottom of what is wanted; everything if None.
    """
    alpha = Image.fromarray(drawn.astype(np.uint8) * _OPAQUE).resize((size, size), Image.Resampling.NEAREST)
    ground = Image.new("RGBA", (size, size), BARE)
    ground.putalpha(alpha)
    if picture is not None:
        own = picture.image.convert("RGBA")
        ground.paste(own, (picture.left, picture.top), own.getchannel("A").point(_all_or_nothing))
    return _trimmed(ground, 0, 0) if box is None else _trimmed(ground.crop(box), box[0], box[1])


def halved(picture: Cutout) -> Cutout:
    """Return the picture with half the pixels on each side; a pixel is the mean of what its four show."""
    left, top = picture.left // 2, picture.top // 2
    width, height = -(-picture.right // 2) - left, -(-picture.bottom // 2) - top
    image = picture.image
    if (2 * left, 2 * top, 2 * width, 2 * height) != (picture.left, picture.top, *image.size):
        image = Image.new("RGBA", (2 * width, 2 * height))
        image.paste(picture.image.convert("RGBA"), (picture.left - 2 * left, picture.top - 2 * top))
    return Cutout(image.reduce(2), left, top)  # weighs colours with alpha


def joined(quarters: Mapping[tuple[int, int], Cutout], size: int) -> Cutout:
    """Return one picture of a square of `size` pixels from those of its quarters, by (row, column)."""
    placed = [
        (quarter.image, quarter.left + column * size // 2, quarter.top + row * size // 2)
        for (row, column), quarter in quarters.items()
    ]
    left, top = min(x for _, x, _ in placed), min(y for _, _, y in placed)
    width = max(x + image.width for image, x, _ in placed) - left
    height = max(y + image.height for image, _, y in placed) - top
    filled = sum(image.width * image.height for image, _, _ in placed) == width * height
    is_whole = filled and all(quarter.is_whole for quarter in quarters.values())
    picture = Image.new("RGB" if is_whole else "RGBA", (width, height))
    for image, x, y in placed:
        picture.paste(image.convert(picture.mode), (x - left, y - top))
    return Cutout(picture, left, top)


def encode(picture: Image.Image, quality: int, method: int) -> bytes:
    """Return the picture as WebP.

    Args:
        quality: 0 to 100.
        method: 0 (fast) to 6 (small).
    """
    buffer = io.BytesIO()
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
    below = _spread(picture.reduce(2)).resize(picture.size, Image.Resampling.NEAREST)
    below.paste(picture.convert("RGB"), mask=picture.getchannel("A"))
    return below


def _all_or_nothing(alpha: int) -> int:
    return _OPAQUE if alpha >= _HALF else 0
