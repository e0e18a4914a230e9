"""One file of a terrain model: what its head says, and its heights in metres."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window as Pixels

from orthophotos.formats import Format, format_of_head
from orthophotos.heads import date_of, read_head
from orthophotos.heights_lattice import Lattice
from orthophotos.heights_packed import Packed, members
from orthophotos.heights_text import (
    MOST_CELLS,
    TextGrid,
    ascii_grid,
    is_ascii_grid,
    is_xyz,
    read_ascii,
    read_xyz,
    xyz_grid,
)
from orthophotos.opening import opened
from zwilling.crs.plane import PlaneCRS, plane_crs
from zwilling.errors import SourceError, UnknownCRSError

_HEAD: Final = 1 << 16
_PART_CELLS: Final = 1 << 24
_SUFFIXES: Final = (".tif", ".tiff", ".asc", ".xyz", ".txt", ".csv", ".dgm", ".dtm", ".grd", ".gz")
_PICTURE_SUFFIXES: Final = (".jp2", ".j2k", ".jpg", ".jpeg", ".png")
_SIDE_FILE_BYTES: Final = 1 << 16
_UNITS: Final = {
    "": 1.0, "m": 1.0, "metre": 1.0, "meter": 1.0, "metres": 1.0, "meters": 1.0, "dm": 0.1, "cm": 0.01, "mm": 0.001,
    "ft": 0.3048, "foot": 0.3048, "feet": 0.3048, "us-ft": 1200 / 3937, "us survey foot": 1200 / 3937,
    "us_survey_foot": 1200 / 3937, "ftus": 1200 / 3937,
}  # fmt: skip


class Kind(Enum):
    """How heights are written."""

    TIFF = "GeoTIFF"
    ASCII = "ASCII grid"
    XYZ = "XYZ"


@dataclass(frozen=True, slots=True)
class TerrainFile:
    """A file of heights whose head has been read.

    Attributes:
        packed: where it is.
        kind: how it is written.
        lattice: its cells; column 0, row 0 is the first that `read` gives.
        width, height: number of cells.
        parts: how many strips of rows are read one by one, `rows` in each.
        factor, shift: metres = factor * number + shift.
        has_unit: whether the file itself says what its unit is, which `factor` minds.
        nodata: number that stands for none; NaN where the file declares none.
        masked: whether a mask in the file says what is missing.
        turned: whether the file's rows run northwards, columns westwards.
        text: the grid of a text file.
        date, fingerprint: see `RasterFile`.
    """

    packed: Packed
    kind: Kind
    lattice: Lattice
    width: int
    height: int
    rows: int
    factor: float
    shift: float
    has_unit: bool
    nodata: float
    masked: bool
    turned: tuple[bool, bool]
    text: TextGrid | None
    date: str
    fingerprint: str

    @property
    def parts(self) -> int:
        """Into how many strips of rows it is cut."""
        return -(-self.height // self.rows)

    def strip(self, part: int) -> tuple[int, int]:
        """Return first and end row of a part."""
        return part * self.rows, min((part + 1) * self.rows, self.height)

    def read(self, top: int, bottom: int) -> tuple[NDArray[np.float32], int]:
        """Return heights of some rows, metres, NaN where the file declares none, and how many lie beside the grid.

        Raises:
            SourceError: the file is cut off, or not what its head says.
        """
        beside = 0
        if self.text is None:
            heights = self._pixels(top, bottom)
        elif self.kind is Kind.XYZ:
            heights, beside = read_xyz(self.packed, self.text)
        else:
            heights = read_ascii(self.packed, self.text)
            heights[heights == np.float32(self.nodata)] = np.nan
        if self.factor != 1.0 or self.shift != 0.0:
            heights *= np.float32(self.factor)
            heights += np.float32(self.shift)
        return heights, beside

    def _pixels(self, top: int, bottom: int) -> NDArray[np.float32]:
        upside_down, mirrored = self.turned
        if upside_down:
            top, bottom = self.height - bottom, self.height - top
        window = Pixels(0, top, self.width, bottom - top)
        with _on_disk(self.packed) as path, opened(path, Format.TIFF) as dataset:
            numbers = dataset.read(1, window=window)
            missing = np.isnan(numbers) if numbers.dtype.kind == "f" else np.zeros(numbers.shape, bool)
            if np.isfinite(self.nodata):
                # Written with few digits, 3.4028235e38 is no longer the same number.
                near = abs(self.nodata) * 1e-6 if numbers.dtype.kind == "f" else 0.0
                missing |= np.abs(numbers.astype(np.float64) - self.nodata) <= near
            elif np.isinf(self.nodata):
                missing |= numbers == self.nodata
            if self.masked:
                missing |= dataset.read_masks(1, window=window) == 0
        with np.errstate(over="ignore"):
            heights = numbers.astype(np.float32)
        heights[missing] = np.nan
        if upside_down:
            heights = heights[::-1]
        if mirrored:
            heights = heights[:, ::-1]
        return np.ascontiguousarray(heights)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that holds heights, and the CRS that stands beside it in its archive."""

    packed: Packed
    kind: Kind
    prj: Packed | None


def candidates(path: Path) -> Iterator[Candidate]:
    """Give the terrain files that a path holds: itself, or those in the archive.

    Raises:
        SourceError: it is no terrain file, or holds none.
    """
    found = members(path)
    is_archive = any(packed.entry for packed in found) or not found
    beside = {packed.entry.lower(): packed for packed in found}
    count = 0
    for packed in found:
        if is_archive and (not packed.entry.lower().endswith(_SUFFIXES) or _is_of_macos(packed.entry)):
            continue
        kind = _kind(packed)
        if kind is None:
            continue
        count += 1
        prj = beside.get(f"{packed.entry.rsplit('.', 1)[0].lower()}.prj") if is_archive else None
        yield Candidate(packed, kind, prj)
    if not count:
        if any(packed.entry.lower().endswith(_PICTURE_SUFFIXES) for packed in found):
            raise SourceError(
                "holds pictures, which are not read from archives", source=path, remedy="unpack it, and name its files"
            )
        raise SourceError(
            "holds no terrain model (GeoTIFF, ASCII grid, XYZ)", source=path, remedy="check what archive it is"
        )


def read_terrain_head(candidate: Candidate, crs: str | None, fallback: PlaneCRS) -> tuple[TerrainFile, PlaneCRS, bool]:
    """Return what the head of a terrain file says, its CRS with heights, and whether it named the CRS itself.

    Args:
        candidate: the file.
        crs: the user's word, which goes before what the file says.
        fallback: taken where neither says anything.

    Raises:
        SourceError: it has no place, or claims more than it can hold.
        UnknownCRSError: its CRS, or `crs`, is none from which places can be told.
    """
    if candidate.kind is Kind.TIFF:
        return _tiff_head(candidate.packed, crs, fallback)
    return _text_head(candidate, crs, fallback)


def _is_of_macos(entry: str) -> bool:
    """Return whether an entry is what the archiver of macOS adds to each file, under the file's own name.

    Example:
        >>> _is_of_macos("__MACOSX/._dgm1.xyz"), _is_of_macos("a/._dgm1.xyz"), _is_of_macos("a/dgm1.xyz")
        (True, True, False)
    """
    return entry.startswith("__MACOSX/") or entry.rsplit("/", 1)[-1].startswith("._")


def _kind(packed: Packed) -> Kind | None:
    """Return how a file is written; None where a text in an archive is no terrain."""
    with packed.opened() as stream:
        head = stream.read(_HEAD)
    if is_ascii_grid(head):
        return Kind.ASCII
    if is_xyz(head):
        return Kind.XYZ
    try:
        kind = format_of_head(head, packed.name)
    except SourceError:
        if packed.entry.lower().endswith((".txt", ".csv")):
            return None  # a read-me
        raise
    if kind is Format.TIFF:
        return Kind.TIFF
    if kind in (Format.XYZ, Format.ASCII_GRID):
        raise SourceError(
            "begins as text with heights does, and goes on as none", source=packed.name, remedy="load it anew"
        )
    what = "is an archive in an archive" if kind in (Format.GZIP, Format.ZIP) else "is a picture, not a terrain model"
    raise SourceError(what, source=packed.name, remedy="name GeoTIFF, ASCII grid or XYZ files with heights")


def _tiff_head(packed: Packed, crs: str | None, fallback: PlaneCRS) -> tuple[TerrainFile, PlaneCRS, bool]:
    with _on_disk(packed) as path:
        head = read_head(path, crs=crs, kind=Format.TIFF)
        dtype = np.dtype(head.dtypes[0])
        if dtype.kind not in "iuf" or (head.bands >= 3 and dtype == np.uint8):
            raise SourceError(
                f"has {head.bands} bands of {dtype.name}, which is a picture, not heights",
                source=packed.name,
                remedy="name it under the layer's sources, not its heights",
            )
        if head.affine is None:
            raise SourceError(
                "does not say where it lies",
                source=packed.name,
                remedy="give it a place with gdal_edit.py -a_ullr WEST NORTH EAST SOUTH",
            )
        with opened(path, Format.TIFF) as dataset:
            scale, shift, unit = dataset.scales[0], dataset.offsets[0], dataset.units[0] or ""
    plane = head.crs or fallback
    factor = _UNITS.get(unit.strip().lower())
    if factor is None:
        raise SourceError(f"has heights in '{unit[:40]}'", source=packed.name, remedy="convert them to metres")
    a, b, c, d, e, f = head.affine
    turned = (b == 0.0 == d and e > 0, b == 0.0 == d and a < 0)
    if turned[0]:
        e, f = -e, f + e * head.height
    if turned[1]:
        a, c = -a, c + a * head.width
    lattice = Lattice(plane.definition, c + (a + b) / 2, f + (d + e) / 2, a, b, d, e)
    nodata = head.nodata[0]
    file = TerrainFile(
        packed=packed,
        kind=Kind.TIFF,
        lattice=lattice,
        width=head.width,
        height=head.height,
        rows=_strip_rows(head.width, head.height, head.block[0]),
        factor=scale * factor,
        shift=shift * factor,
        has_unit=bool(unit.strip()),
        nodata=float("nan") if nodata is None else float(nodata),
        masked=head.masked,
        turned=turned,
        text=None,
        date=date_of(packed.stem) or head.date,
        fingerprint=_fingerprint(packed, head.fingerprint if not packed.is_packed else "", plane),
    )
    return file, plane, head.crs is not None


def _text_head(candidate: Candidate, crs: str | None, fallback: PlaneCRS) -> tuple[TerrainFile, PlaneCRS, bool]:
    packed = candidate.packed
    grid = ascii_grid(packed) if candidate.kind is Kind.ASCII else xyz_grid(packed)
    if candidate.kind is Kind.ASCII and grid.width * grid.height * 2 - 1 > packed.largest_size:
        raise SourceError(
            f"its head claims {grid.width} x {grid.height} heights, which its bytes cannot hold",
            source=packed.name,
            where="line 1",
            remedy="load it anew; it seems to be cut off",
        )
    if grid.width * grid.height > MOST_CELLS:
        raise SourceError(
            f"has {grid.width} x {grid.height} cells; as text at most {MOST_CELLS:,} are read",
            source=packed.name,
            remedy="make a GeoTIFF of it: gdal_translate -of COG IN OUT.tif",
        )
    own = plane_crs(crs, source="--crs") if crs is not None else _beside(candidate)
    plane = own or fallback
    file = TerrainFile(
        packed=packed,
        kind=candidate.kind,
        lattice=Lattice(plane.definition, grid.west, grid.north, grid.dx, 0.0, 0.0, -grid.dy),
        width=grid.width,
        height=grid.height,
        rows=grid.height,
        factor=1.0,
        shift=0.0,
        has_unit=False,
        nodata=grid.nodata,
        masked=False,
        turned=(False, False),
        text=grid,
        date=date_of(packed.stem),
        fingerprint=_fingerprint(packed, "", plane),
    )
    return file, plane, own is not None


def _beside(candidate: Candidate) -> PlaneCRS | None:
    """Return the CRS of the `.prj` beside a text file or in the same archive."""
    text = ""
    if candidate.prj is not None:
        with candidate.prj.opened() as stream:
            text = stream.read(_SIDE_FILE_BYTES).decode("utf-8-sig", "replace")
    elif not candidate.packed.entry:
        for place in _prj_places(candidate.packed.path):
            try:
                if place.is_file() and place.stat().st_size <= _SIDE_FILE_BYTES:
                    text = place.read_text("utf-8-sig", "replace")
                    break
            except OSError:
                continue
    if not text.strip():
        return None
    try:
        return plane_crs(text, source=candidate.packed.name)
    except UnknownCRSError as error:
        raise UnknownCRSError(
            f"the .prj beside it: {error.problem}", source=candidate.packed.name, remedy=error.remedy
        ) from error


def _prj_places(path: Path) -> Sequence[Path]:
    plain = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return plain.with_suffix(".prj"), plain.with_suffix(".PRJ")


def _strip_rows(width: int, height: int, block: int) -> int:
    """Return how many rows are read at once: whole blocks, some sixteen million cells."""
    rows = max(_PART_CELLS // width, 1)
    return min(max(rows // block, 1) * block, height)


def _fingerprint(packed: Packed, head: str, plane: PlaneCRS) -> str:
    stat = packed.path.stat()
    above = plane.vertical, plane.is_ellipsoidal
    seen = f"{stat.st_size} {stat.st_mtime_ns} {packed.entry} {head} {plane.definition} {above}"
    return hashlib.sha256(seen.encode()).hexdigest()


@contextmanager
def _on_disk(packed: Packed) -> Iterator[Path]:
    """Give the unpacked file; errors of readers are said of the file that the user knows."""
    with packed.on_disk() as path:
        try:
            yield path
        except SourceError as error:
            if path == packed.path:
                raise
            raise SourceError(error.problem, source=packed.name, where=error.where, remedy=error.remedy) from error
        except UnknownCRSError as error:
            if path == packed.path:
                raise
            raise UnknownCRSError(error.problem, source=packed.name, where=error.where, remedy=error.remedy) from error
