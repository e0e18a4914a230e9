"""Decoded pictures on disk: red, green, blue and alpha, pixel by pixel and row by row, without any head.

Rows are written where they belong, so several processes fill one file, and are read with plain reads: a mapped file
would count as memory of every process that looks into it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rasterio.io import DatasetReader
from rasterio.windows import Window

from orthophotos.channels import Channels
from orthophotos.emptiness import emptiness
from orthophotos.findings import finding
from orthophotos.heads import Head
from orthophotos.opening import opened
from zwilling.errors import SourceError, TilesetError
from zwilling.issues import Issue

PIXEL: Final = 4
# About as many pixels are decoded at once; whole rows of compressed pieces, so that none is decoded twice.
_PIXELS_AT_ONCE: Final = 8 << 20
# Of rows that are longer, a piece at a time: a picture may be a million pixels wide.
_MOST_AT_ONCE: Final = 32 << 20
# How far from nodata compression blurs it.
_BLUR: Final = 8


def parts_of(head: Head) -> int:
    """Return into how many parts the decoding of a picture is cut.

    What can only be decoded from its beginning on is one part.
    """
    return 1 if head.is_one_piece else -(-head.height // _rows_at_once(head))


def _rows_at_once(head: Head) -> int:
    block = head.block[0]
    return max(block, _PIXELS_AT_ONCE // max(1, head.width) // block * block)


class Correction(Protocol):
    """What is done to the colours of a picture."""

    def apply(self, pixels: NDArray[np.uint8], begin: int, left: int = 0) -> None:
        """Correct pixels in place, shape (height, width, 4), from row `begin` and column `left` of the picture on."""
        ...


def decode_part(
    head: Head, channels: Channels, part: int, place: Path, correction: Correction | None = None
) -> tuple[Issue, ...]:
    """Decode some rows of a picture to where they belong in the file `place`, and return what is odd.

    Raises:
        SourceError: the picture is cut off, damaged, or not what its head says.
    """
    rows = _rows_at_once(head)
    begins = [part * rows] if parts_of(head) > 1 else list(range(0, head.height, rows))
    issues: list[Issue] = []
    with opened(head.path, head.kind) as dataset:
        if (dataset.width, dataset.height, dataset.count) != (head.width, head.height, head.bands):
            raise SourceError("has changed while it was read", source=head.path, remedy="start again")
        for begin in begins:
            height, clipped, is_empty = min(rows, head.height - begin), 0, True
            for left, width in _pieces(head, height):
                pixels = np.empty((height, width, PIXEL), np.uint8)
                clipped += read_pixels(dataset, head, channels, Window(left, begin, width, height), pixels)
                is_empty = is_empty and not pixels[..., 3].any()
                if correction is not None:
                    correction.apply(pixels, begin, left)
                _write(place, pixels, begin * head.width + left, head.width)
            issues.extend(_oddities(head, channels, (begin, begin + height), clipped, is_empty=is_empty))
    return tuple(issues)


def _pieces(head: Head, height: int) -> Iterator[tuple[int, int]]:
    """Yield the first column and the width of what is decoded at once of some rows, in whole compressed pieces."""
    block = head.block[1]
    width = max(block, _MOST_AT_ONCE // height // block * block)
    for left in range(0, head.width, width):
        yield left, min(width, head.width - left)


def _oddities(
    head: Head, channels: Channels, rows: tuple[int, int], clipped: int, *, is_empty: bool
) -> Iterator[Issue]:
    where = f"rows {rows[0] + 1} to {rows[1]}"
    if clipped:
        message = f"{clipped} values need more than the {channels.bits} bits that the layer has; they show as white"
        yield finding("PICTURE_CLIPPED", str(head.path), where, message)
    if is_empty:
        message = "nodata or transparent everywhere"
        yield finding("PICTURE_WITHOUT_CONTENT", str(head.path), where, message)


def read_pixels(
    dataset: DatasetReader, head: Head, channels: Channels, window: Window, pixels: NDArray[np.uint8]
) -> int:
    """Fill `pixels`, shape (height, width, 4), with what a picture shows in a window; return how many were too large.

    Where `pixels` are fewer than the window has, they are taken from the file's overviews, if it has such.
    """
    clipped = _colours(dataset, channels, window, pixels)
    _alpha(dataset, head, channels, window, pixels)
    return clipped


def _colours(dataset: DatasetReader, channels: Channels, window: Window, pixels: NDArray[np.uint8]) -> int:
    """Fill in red, green and blue, and return how many values were too large."""
    shape = pixels.shape[:2]
    planes = pixels.transpose(2, 0, 1)[:3]
    if channels.palette:
        table = np.zeros((256, PIXEL), np.uint8)
        for index, colour in dataset.colormap(1).items():
            table[index & 0xFF] = colour
        indices = dataset.read(1, window=window, out_shape=shape)
        pixels[:] = table[indices if indices.dtype == np.uint8 else np.minimum(indices, 255)]
        return 0
    if len(channels.colours) == 3 and dataset.dtypes[0] == "uint8" and channels.bits == 8:
        dataset.read(channels.colours, window=window, out=planes)
        return 0
    clipped = 0
    for plane, band in zip(planes, channels.colours, strict=False):
        values = dataset.read(band, window=window, out_shape=shape)
        if values.dtype != np.uint8:
            beyond = values >= 1 << channels.bits if channels.bits < 16 else np.False_
            clipped += int(np.count_nonzero(beyond))
        plane[:] = channels.bytes_of(values)
    if len(channels.colours) == 1:
        planes[1:] = planes[0]
    return clipped


def _alpha(dataset: DatasetReader, head: Head, channels: Channels, window: Window, pixels: NDArray[np.uint8]) -> None:
    """Fill in alpha, from what of alpha, mask and nodata there is."""
    shape = pixels.shape[:2]
    if not channels.palette:
        pixels[..., 3] = 255
    if channels.alpha:
        values = dataset.read(channels.alpha, window=window, out_shape=shape)
        whole = head.largest
        pixels[..., 3] = values if whole == 255 else np.rint(np.minimum(values, whole) * (255 / whole))
    if head.masked:
        pixels[..., 3] &= dataset.read_masks(1, window=window, out_shape=shape)
    if channels.nodata is not None:
        candidates = _candidates(dataset, channels, window, pixels)
        if candidates.any():
            pixels[..., 3][emptiness(candidates)] = 0


def _candidates(
    dataset: DatasetReader, channels: Channels, window: Window, pixels: NDArray[np.uint8]
) -> NDArray[np.bool_]:
    """Return where all colours are nodata, or near it where compression blurs."""
    found = np.ones(pixels.shape[:2], np.bool_)
    for number, (band, nodata) in enumerate(zip(channels.colours, channels.nodata or (), strict=True)):
        # A byte is as it was read; of more bits only the upper ones were kept, fewer were spread, a palette's index is
        # gone.
        plain = dataset.dtypes[0] == "uint8" and channels.bits == 8 and not channels.palette
        values = pixels[..., number] if plain else dataset.read(band, window=window, out_shape=pixels.shape[:2])
        if channels.lossy and plain:
            low, high = max(0, nodata - _BLUR), min(255, nodata + _BLUR)
            found &= (values >= low) & (values <= high)
        else:
            found &= values == nodata
    return found


def _write(place: Path, pixels: NDArray[np.uint8], first: int, across: int) -> None:
    """Write pixels to where they belong: the first is number `first` of a picture that is `across` wide."""
    # Whole rows follow each other without a gap.
    lines = [pixels] if pixels.shape[1] == across else pixels
    try:
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            for number, line in enumerate(lines):
                left, offset = line.reshape(-1).data, (first + number * across) * PIXEL
                while left:
                    written = os.pwrite(descriptor, left, offset)
                    left, offset = left[written:], offset + written
        finally:
            os.close(descriptor)
    except OSError as error:
        raise TilesetError(
            f"decoded pictures cannot be written: {error.strerror}",
            source=place.parent,
            remedy="make room: each picture needs 4 bytes for each pixel while it is worked on",
        ) from error


@dataclass(frozen=True, slots=True)
class Decoded:
    """One decoded picture.

    Attributes:
        place: the scratch file.
        width, height: its size, pixels.
    """

    place: Path
    width: int
    height: int

    def read(self, column: int, row: int, width: int, height: int) -> NDArray[np.uint8]:
        """Return pixels, shape (height, width, 4); what lies outside is as the nearest pixel inside.

        Raises:
            SourceError: it has not been decoded.
        """
        first_row, last_row = _clamped(row, row + height, self.height)
        first, last = _clamped(column, column + width, self.width)
        pixels = np.empty((last_row - first_row, last - first, PIXEL), np.uint8)
        try:
            descriptor = os.open(self.place, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise SourceError("has not been decoded", source=self.place, remedy="decode all parts first") from error
        try:
            if last - first == self.width:
                _fill(descriptor, pixels.reshape(-1), first_row * self.width * PIXEL)
            else:
                for number, line in enumerate(pixels, start=first_row):
                    _fill(descriptor, line.reshape(-1), (number * self.width + first) * PIXEL)
        finally:
            os.close(descriptor)
        if pixels.shape[:2] == (height, width):
            return pixels
        rows = np.clip(np.arange(row, row + height), first_row, last_row - 1) - first_row
        columns = np.clip(np.arange(column, column + width), first, last - 1) - first
        return pixels[rows[:, None], columns]

    def reduced(self, column: int, row: int, width: int, height: int, factor: int) -> Image.Image:
        """Return pixels as an image, each the mean of `factor` x `factor`, weighted by alpha; see `as_image`.

        The width and height in result pixels are those asked for divided by `factor`, rounded up; a few rows are held
        in full at a time.
        """
        if factor == 1:
            return as_image(self.read(column, row, width, height))
        result = np.empty((-(-height // factor), -(-width // factor), PIXEL), np.uint8)
        at_once = max(1, _PIXELS_AT_ONCE // 4 // max(1, width) // factor) * factor
        for begin in range(0, height, at_once):
            rows = as_image(self.read(column, row + begin, width, min(at_once, height - begin)))
            result[begin // factor : (begin + at_once) // factor] = np.asarray(rows.reduce(factor))
        return as_image(result)


def as_image(pixels: NDArray[np.uint8]) -> Image.Image:
    """Return pixels, shape (height, width, 4), as an image in mode RGBA, or RGBX where all of them are opaque.

    Pillow resamples RGBA premultiplied, which is needless work for RGBX.
    """
    mode = "RGBX" if is_opaque(pixels) else "RGBA"
    size = (pixels.shape[1], pixels.shape[0])
    return Image.frombuffer(mode, size, np.ascontiguousarray(pixels), "raw", mode, 0, 1)


def is_opaque(pixels: NDArray[np.uint8]) -> bool:
    """Return whether alpha is 255 everywhere; pixels have the shape (height, width, 4)."""
    if not pixels.flags.c_contiguous:
        return bool(pixels[..., 3].min(initial=255) == 255)
    common = np.bitwise_and.reduce(pixels.view("<u4"), axis=None)
    return bool(common >> 24 == 255)


def _clamped(begin: int, end: int, size: int) -> tuple[int, int]:
    """Return the part of a range that lies within 0 to `size`, at least one long."""
    first = min(max(begin, 0), size - 1)
    return first, max(first + 1, min(end, size))


def _fill(descriptor: int, into: NDArray[np.uint8], offset: int) -> None:
    view = into.data
    while view:
        count = os.preadv(descriptor, [view], offset)
        if count == 0:
            raise SourceError("a decoded picture is incomplete", remedy="decode all of its parts first")
        view, offset = view[count:], offset + count
