"""Which bands of a file are red, green and blue, what stands for nothing, and how numbers become bytes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from orthophotos.findings import finding
from orthophotos.heads import Head
from orthophotos.opening import opened
from zwilling.errors import SourceError
from zwilling.issues import Issue

Picture = Literal["rgb", "infrared"]

_COLOURS: Final = ("red", "green", "blue")
_NAMES: Final = (
    ("nir", re.compile(r"\b(nir|near.?infra.?red|infra.?red|infrarot|nahes infrarot|ir)\b", re.IGNORECASE)),
    ("red", re.compile(r"\b(red|rot)\b", re.IGNORECASE)),
    ("green", re.compile(r"\b(green|gr(ü|ue)n)\b", re.IGNORECASE)),
    ("blue", re.compile(r"\b(blue|blau)\b", re.IGNORECASE)),
)
# How many files of a kind are looked into, and how many pieces of all together, at least one of each.
_SAMPLED_FILES: Final = 8
_SAMPLED_PIECES: Final = 8
_PIECE: Final = 256
# Bytes for numbers of few bits, as a file has them that was scanned in 16 greys.
_SPREAD: Final = {
    bits: np.round(np.arange(1 << bits) * (255 / ((1 << bits) - 1))).astype(np.uint8) for bits in range(1, 8)
}
# Alpha is nearly everywhere 0 or its largest value; where more than this share is neither, it is a picture.
_MAX_TRANSLUCENT: Final = 0.1


@dataclass(frozen=True, slots=True)
class Channels:
    """How the pixels of a file become red, green, blue and alpha.

    Attributes:
        colours: numbers (from 1) of the bands shown as red, green and blue; one band for grey or a palette.
        alpha: number of the band that is alpha, 0 where none is.
        nodata: the value of each colour that together stand for nothing; None where none do.
        palette: whether the one band is an index into the file's colour table.
        bits: how many bits of each number count; of more than 8 the upper 8, fewer are spread from 0 to 255.
        lossy: whether values near nodata are nodata, too, blurred by compression.
    """

    colours: tuple[int, ...]
    alpha: int = 0
    nodata: tuple[int, ...] | None = None
    palette: bool = False
    bits: int = 8
    lossy: bool = False

    def bytes_of(self, values: NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
        """Return values as bytes; what is more than `bits` can hold becomes 255."""
        if self.bits < 8:
            spread: NDArray[np.uint8] = _SPREAD[self.bits][np.minimum(values, (1 << self.bits) - 1)]
            return spread
        if values.dtype == np.uint8:
            return values.astype(np.uint8, copy=False)
        upper: NDArray[np.integer[Any]] = values >> (self.bits - 8)
        least: NDArray[np.integer[Any]] = np.minimum(upper, 255)
        return least.astype(np.uint8)


def channels_of(heads: Sequence[Head], picture: Picture) -> tuple[list[Channels], list[Issue]]:
    """Return for each file how its pixels become colours, by one rule for all files alike, and what is odd.

    Raises:
        SourceError: a file holds no picture (but heights), or no infrared where that is wanted.
    """
    alike: dict[object, list[int]] = {}
    for number, head in enumerate(heads):
        key = (head.bands, head.dtypes, head.colours, head.descriptions)
        alike.setdefault(key, []).append(number)
    found: list[Channels | None] = [None] * len(heads)
    issues: list[Issue] = []
    for numbers in alike.values():
        group = [heads[number] for number in numbers]
        rule = _rule(group, picture, issues)
        for number, head in zip(numbers, group, strict=True):
            bits = head.significant_bits if head.dtypes[0] == "uint8" and 0 < head.significant_bits < 8 else 8
            found[number] = replace(rule, nodata=_nodata(head, rule), lossy=head.lossy, bits=bits)
    chosen = [channels for channels in found if channels is not None]
    deep = [number for number, head in enumerate(heads) if head.dtypes[0] == "uint16"]
    if deep:
        bits = _bits([heads[number] for number in deep], [chosen[number] for number in deep])
        for number in deep:
            chosen[number] = replace(chosen[number], bits=bits)
        first = heads[deep[0]].path
        message = f"{len(deep)} files have 16 bits; {bits} are used, of which the upper 8 are shown"
        issues.append(finding("PICTURE_DEPTH_REDUCED", str(first), "", message))
    return chosen, issues


def _rule(group: Sequence[Head], picture: Picture, issues: list[Issue]) -> Channels:
    head = group[0]
    name = str(head.path)
    _check_numbers(head)
    if head.colours[0] == "palette":
        if picture == "infrared":
            raise _no_infrared(head)
        return Channels((1,), palette=True)
    roles = [_role(colour, text) for colour, text in zip(head.colours, head.descriptions, strict=True)]
    alpha = roles.index("alpha") + 1 if "alpha" in roles else 0
    if alpha == 4 and head.bands == 4 and _is_picture(group, alpha):
        message = f"band 4 says that it is alpha and is not; it is taken as near infrared ({len(group)} files alike)"
        issues.append(finding("PICTURE_ALPHA_IS_INFRARED", name, "band 4", message))
        roles[3], alpha = "nir", 0
    bands = [number for number, role in enumerate(roles, start=1) if role != "alpha"]
    if not bands:
        raise SourceError("holds alpha and no picture", source=head.path, remedy="check what file it is")
    if len(bands) < 3:
        if picture == "infrared":
            raise _no_infrared(head)
        issues.append(finding("PICTURE_GREY", name, "", f"one band: shown in grey ({len(group)} files alike)"))
        return Channels((bands[0],), alpha)
    named = all(colour in roles for colour in _COLOURS)
    red, green, blue = (roles.index(colour) + 1 for colour in _COLOURS) if named else bands[:3]
    if len(bands) > 3 and "nir" not in roles:
        others = [number for number in bands if number not in (red, green, blue)]
        roles[others[0] - 1] = "nir"
        message = (
            f"{head.bands} bands without names: taken as red, green, blue and near infrared ({len(group)} files alike)"
        )
        issues.append(finding("PICTURE_BANDS_ASSUMED", name, "", message))
    if picture == "rgb":
        return Channels((red, green, blue), alpha)
    if "nir" not in roles:
        raise _no_infrared(head)
    return Channels((roles.index("nir") + 1, red, green), alpha)


def _role(colour: str, description: str) -> str:
    """Return what a band is: what its name says goes before its interpretation, which writers choose by themselves."""
    for role, form in _NAMES:
        if form.search(description):
            return role
    return colour if colour in (*_COLOURS, "nir", "alpha") else ""


def _check_numbers(head: Head) -> None:
    if len(set(head.dtypes)) > 1:
        raise SourceError(
            f"mixes numbers of several kinds ({', '.join(head.dtypes)})",
            source=head.path,
            remedy="convert it: gdal_translate -ot Byte IN OUT.tif",
        )
    if head.dtypes[0] in ("uint8", "uint16"):
        return
    if head.bands == 1:
        raise SourceError(
            f"has one band of {head.dtypes[0]}: these are heights, not a picture",
            source=head.path,
            remedy="name it under heights, or convert it: gdal_translate -ot Byte -scale IN OUT.tif",
        )
    raise SourceError(
        f"has numbers of the kind {head.dtypes[0]}; pictures have 8 or 16 bits without sign",
        source=head.path,
        remedy="convert it: gdal_translate -ot Byte -scale IN OUT.tif",
    )


def _no_infrared(head: Head) -> SourceError:
    return SourceError(
        "has no near infrared band",
        source=head.path,
        remedy='set picture = "rgb"; a file whose three bands are infrared, red and green is then shown as it is',
    )


def _nodata(head: Head, rule: Channels) -> tuple[int, ...] | None:
    """Return the declared nodata of the bands shown, where they can have that value at all."""
    top = int(np.iinfo(head.dtypes[0]).max)  # nodata may lie beyond the bits that are used
    values = [head.nodata[band - 1] for band in rule.colours]
    whole = [int(value) for value in values if value is not None and 0 <= value <= top]
    if len(whole) != len(values) or any(value != whole[at] for at, value in enumerate(values)):
        return None
    return tuple(whole)


def _is_picture(group: Sequence[Head], band: int) -> bool:
    """Return whether a band that says alpha has the many values of a picture."""
    between = total = 0
    for head, count in _sampled(group):
        for values in _pieces(head, count, band):
            top = head.largest
            between += int(((values > 0) & (values < top)).sum())
            total += values.size
    return between > _MAX_TRANSLUCENT * total


def _bits(group: Sequence[Head], channels: Sequence[Channels]) -> int:
    """Return how many bits hold all values, 8 to 16: what the files say, else what some of them hold."""
    if all(head.significant_bits for head in group):
        return min(max(8, *(head.significant_bits for head in group)), 16)
    rules = dict(zip((head.path for head in group), channels, strict=True))
    largest = 0
    for head, count in _sampled(group):
        rule = rules[head.path]
        for band in rule.colours:
            nothing = None if rule.nodata is None else rule.nodata[rule.colours.index(band)]
            for values in _pieces(head, count, band):
                kept = values if nothing is None else values[values != nothing]
                largest = max(largest, int(kept.max(initial=0)))
    return max(8, largest.bit_length())


def _sampled(group: Sequence[Head]) -> list[tuple[Head, int]]:
    """Return a few of the files, evenly spread by their names, and how many pieces to look at: always the same."""
    ordered = sorted(group, key=lambda head: head.path.name)
    some = ordered[:: max(1, len(ordered) // _SAMPLED_FILES)][:_SAMPLED_FILES]
    return [(head, max(1, _SAMPLED_PIECES // len(some))) for head in some]


def _pieces(head: Head, count: int, band: int) -> list[NDArray[np.integer[Any]]]:
    with opened(head.path, head.kind) as dataset:
        return [_piece(dataset, band, (number + 0.5) / count) for number in range(count)]


def _piece(dataset: DatasetReader, band: int, share: float) -> NDArray[np.integer[Any]]:
    """Return some pixels at a place on the picture's diagonal, all of one compressed block."""
    rows, columns = dataset.block_shapes[0]
    column = int(dataset.width * share) // columns * columns
    row = int(dataset.height * share) // rows * rows
    window = Window(column, row, min(_PIECE, dataset.width - column), min(_PIECE, dataset.height - row))
    values: NDArray[np.integer[Any]] = dataset.read(band, window=window)
    return values
