"""Many orthophotos as one surface of colours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from orthophotos.balance import Correction, balance
from orthophotos.channels import Channels, Picture, channels_of
from orthophotos.findings import finding
from orthophotos.formats import PICTURES, format_of
from orthophotos.heads import Head, read_head
from orthophotos.placing import cell_side, cover, grid_crs, placed
from orthophotos.sampling import Placed, seen
from orthophotos.scratch import PIXEL, Decoded, decode_part, is_opaque, parts_of
from orthophotos.seams import Flown, seams
from zwilling.crs.plane import shortfall
from zwilling.errors import SourceError
from zwilling.issues import Issue, Severity
from zwilling.rasters import Pictures, RasterFile, Rectangle, Window


def open_pictures(
    paths: Sequence[Path], *, crs: str | None = None, picture: Picture = "rgb", is_balanced: bool = False
) -> Pictures:
    """Return orthophotos as one surface; their heads are read, and of some of them a few pixels.

    They lie one over the other by their dates (the end of the file's name, `_2023`, else what the TIFF says), the
    newest on top; those without a date or of the same one by their names.

    Args:
        paths: GeoTIFF (COG), JPEG 2000, PNG and JPEG, the latter two with world files.
        crs: the horizontal CRS of all files, where they name none or a wrong one.
        picture: true colours, or near infrared, red and green.
        is_balanced: draw the colours of different dates together where they meet; see `orthophotos.balance`.

    Raises:
        SourceError: a file is missing, damaged, no picture, too large, or lies where it cannot.
        UnknownCRSError: a file names no CRS, or `crs` is none.
    """
    if not paths:
        raise SourceError("no pictures are named", remedy="name GeoTIFF, JPEG 2000, PNG or JPEG files")
    issues: list[Issue] = []
    heads = [_head(path, crs) for path in _once(paths, issues)]
    heads.sort(key=lambda head: (head.date, head.path.name, str(head.path)))
    name = grid_crs(heads)
    channels, found = channels_of(heads, picture)
    issues.extend(found)
    covers = [cover(head, name) for head in heads]
    resolution = _resolution(heads, covers, name)
    sources = [
        _Source(
            head,
            rule,
            RasterFile(str(head.path), f"{head.fingerprint} {rule!r} {name}", covers_here, parts_of(head), head.date),
        )
        for head, rule, covers_here in zip(heads, channels, covers, strict=True)
    ]
    issues.extend(_resampled(sources, name, resolution))
    if is_balanced:
        sources, found = _balanced(sources, name, resolution)
        issues.extend(found)
    return _Orthophotos(name, resolution, tuple(sources), tuple(issues))


# So many times as many pixels as the files have may be made of them where they are not equally fine.
_MOST_TIMES: Final = 16
_MUCH_FINER: Final = 1.5


@dataclass(frozen=True, slots=True)
class _Source:
    head: Head
    channels: Channels
    file: RasterFile
    correction: Correction | None = None

    @property
    def placed(self) -> Placed:
        if self.head.affine is None or self.head.crs is None:
            raise ValueError(f"{self.head.path} has no place")
        return Placed(self.head.affine, self.head.width, self.head.height, self.head.crs.definition)


@dataclass(frozen=True, slots=True)
class _Orthophotos:
    """See `zwilling.rasters.Pictures`."""

    crs: str
    resolution: float
    sources: tuple[_Source, ...]
    issues: tuple[Issue, ...]

    @property
    def files(self) -> Sequence[RasterFile]:
        return [source.file for source in self.sources]

    def decode(self, file: int, part: int, scratch: Path) -> tuple[Issue, ...]:
        source = self.sources[file]
        return decode_part(source.head, source.channels, part, _place(scratch, file), source.correction)

    def forget(self, file: int, scratch: Path) -> None:
        _place(scratch, file).unlink(missing_ok=True)

    def read(self, window: Window, scratch: Path) -> NDArray[np.uint8]:
        result: NDArray[np.uint8] | None = None
        looked_at = window.rectangle
        for number in reversed(range(len(self.sources))):
            source = self.sources[number]
            if not source.file.covers.meets(looked_at):
                continue
            decoded = Decoded(_place(scratch, number), source.head.width, source.head.height)
            part = seen(source.placed, decoded, self.crs, window)
            if part is None:
                continue
            if part.pixels.shape[:2] == (window.height, window.width) and result is None:
                result = part.pixels if part.pixels.flags.writeable else part.pixels.copy()
            else:
                if result is None:
                    result = np.zeros((window.height, window.width, PIXEL), np.uint8)
                height, width = part.pixels.shape[:2]
                rows, columns = slice(part.row, part.row + height), slice(part.column, part.column + width)
                _under(result[rows, columns], part.pixels)
            if is_opaque(result):
                return result
        if result is None:
            return np.zeros((window.height, window.width, PIXEL), np.uint8)
        whole = result.view("<u4")[..., 0]  # alpha is its highest byte
        whole[whole < 1 << 24] = 0
        return result


def _resolution(heads: Sequence[Head], covers: Sequence[Rectangle], crs: str) -> float:
    """Return the side of the mosaic's pixels, metres: that of the finest files which the others can follow.

    One drone's picture of a yard at a centimetre among a county's at ten would make a hundred pixels of each of theirs.
    """
    area = sum((each.east - each.west) * (each.north - each.south) for each in covers)
    most = _MOST_TIMES * sum(head.width * head.height for head in heads)
    sides = sorted({cell_side(head, crs) for head in heads})
    return next((side for side in sides if area / side**2 <= most), sides[-1])


def _balanced(sources: list[_Source], crs: str, resolution: float) -> tuple[list[_Source], list[Issue]]:
    """Return the pictures with their colours drawn together along seams, and what is told about it."""
    flown = [Flown(source.head, source.channels, source.placed, source.file.covers) for source in sources]
    how = balance(flown, seams(flown, crs, resolution), crs, resolution)
    result = [
        source
        if correction is None
        else replace(
            source,
            file=replace(source.file, fingerprint=f"{source.file.fingerprint} {correction.digest}"),
            correction=correction,
        )
        for source, correction in zip(sources, how.corrections, strict=True)
    ]
    changed = [source for source in result if source.correction is not None]
    if not changed:
        return result, []
    message = (
        f"the colours of {len(changed)} of {len(sources)} files were drawn together where flights meet "
        f"({', '.join(date or 'no date' for date in how.dates)}): along their seams they differ by {how.after:.1f} "
        f"grey values (median), before by {how.before:.1f}"
    )
    return result, [finding("PICTURES_BALANCED", changed[-1].file.name, "", message)]


def _under(upper: NDArray[np.uint8], lower: NDArray[np.uint8]) -> None:
    """Lay `lower` under `upper`, in place; both shape (height, width, 4)."""
    alpha = upper[..., 3]
    nothing = alpha == 0
    if nothing.all():
        upper[:] = lower
        return
    partly = ~nothing & (alpha < 255)
    upper[nothing] = lower[nothing]
    if partly.any():
        above, below = upper[partly].astype(np.float64), lower[partly].astype(np.float64)
        share = above[:, 3:] / 255.0
        rest = (1.0 - share) * below[:, 3:] / 255.0
        total = share + rest
        colours = (above[:, :3] * share + below[:, :3] * rest) / total
        upper[partly] = np.rint(np.concatenate([colours, total * 255.0], axis=1)).astype(np.uint8)


def _finer(sources: Sequence[_Source], crs: str, resolution: float) -> tuple[str, float] | None:
    """Return name and resolution in metres of the finest file where it is much finer than the mosaic."""
    side, source = min(((cell_side(each.head, crs), each) for each in sources), key=lambda pair: pair[0])
    if side * _MUCH_FINER > resolution:
        return None
    return source.head.path.name, side


def _place(scratch: Path, file: int) -> Path:
    return scratch / f"picture-{file}.rgba"


def _once(paths: Sequence[Path], issues: list[Issue]) -> list[Path]:
    """Return the files, each of them once."""
    known: dict[Path, Path] = {}
    for path in paths:
        place = path.absolute() if not path.exists() else path.resolve()
        if place in known:
            issues.append(finding("PICTURE_NAMED_TWICE", str(path), "", f"is the same file as {known[place]}"))
        else:
            known[place] = path
    return list(known.values())


def _head(path: Path, crs: str | None) -> Head:
    kind = format_of(path)
    if kind not in PICTURES:
        raise SourceError(
            f"is no picture ({kind.name.replace('_', ' ').lower()})",
            source=path,
            remedy="unpack archives first; name terrain under heights",
        )
    head = read_head(path, crs=crs, kind=kind)
    placed(head)
    return head


def _resampled(sources: Sequence[_Source], crs: str, resolution: float) -> list[Issue]:
    """Return findings about files that are not copied pixel by pixel, one for each reason and each old CRS."""
    inexact: list[Issue] = []
    first: dict[str, _Source] = {}
    times: Counter[str] = Counter()
    for source in sources:
        if source.placed.agrees(crs, resolution, 0.0, 0.0):
            continue
        code = (
            "PICTURE_GRID_DIFFERS"
            if source.placed.definition == crs and source.head.is_axis_parallel
            else "PICTURE_WARPED"
        )
        first.setdefault(code, source)
        times[code] += 1
    for name in sorted({source.placed.definition for source in sources}):
        if (accuracy := shortfall(name, crs)) is not None:
            source = next(source for source in sources if source.placed.definition == name)
            title = name if source.head.crs is None else source.head.crs.title
            message = (
                f"{title} is brought to ETRS89 within {accuracy:g} m only, because PROJ's grid BETA2007 is not "
                "installed."
            )
            inexact.append(Issue("HORIZONTAL_ACCURACY", Severity.WARNING, source.file.name, name, message))
    told = list[Issue]()
    finer = _finer(sources, crs, resolution) if first else None
    for code, source in first.items():
        message = f"{times[code]} of {len(sources)} files are resampled to {crs} at {resolution:g} m"
        if finer is not None:
            name, side = finer
            message = (
                f"{times[code]} of {len(sources)} files are resampled to {crs} at {resolution:g} m; {name} has "
                f"{side:g} m, to which the others cannot follow: make a layer of its own of it to see all"
            )
        told.append(finding(code, source.file.name, "", message))
    return inexact + told
