"""What a raster's head says, checked before anything is decoded."""

from __future__ import annotations

import hashlib
import html
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import MaskFlags
from rasterio.io import DatasetReader

from orthophotos.formats import Format, format_of
from orthophotos.opening import FAULTS, opened, tags_of
from zwilling.crs.plane import PlaneCRS, plane_crs
from zwilling.errors import SourceError, UnknownCRSError

MAX_PIXELS: Final = 4 << 30
_MAX_SIDE: Final = 1_000_000
_MAX_BLOCK_BYTES: Final = 600 << 20
# What claims more than a quarter of a gigapixel has to have some bytes for them.
_BIG_PIXELS: Final = 1 << 28
_MAX_PIXELS_PER_BYTE: Final = 4096
_SIDE_FILE_BYTES: Final = 1 << 20
_YEAR: Final = re.compile(r"(?<!\d)((?:19|20)\d\d)(?:[-_]?(0[1-9]|1[0-2])[-_]?(0[1-9]|[12]\d|3[01]))?$")
_TIFF_DATE: Final = re.compile(r"((?:19|20)\d\d):(\d\d):(\d\d)")
_AUX_SRS: Final = re.compile(r"<SRS(?:\s[^>]*)?>([^<]+)</SRS>")

Affine = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of a raster file without decoding it.

    Attributes:
        path: the file.
        kind: its format.
        width, height, bands: its size.
        dtypes: numpy name of each band's numbers.
        colours: colour interpretation of each band in GDAL's lower-case words: `red`, `nir`, `alpha`, `undefined`.
        descriptions: each band's name, empty where it has none.
        nodata: the value of each band that stands for nothing, None where none does.
        masked: whether it has a mask of its own (not alpha, not nodata).
        lossy: whether its compression changes values.
        significant_bits: how many bits of each number are used, 0 where the file does not say.
        crs: its CRS; None where it names none.
        affine: (a, b, c, d, e, f): x = a*column + b*row + c, y = d*column + e*row + f, at pixels' upper left corners;
            None where it has no place.
        block: height and width of the pieces in which it is compressed.
        is_one_piece: whether it is decoded from its beginning on, whichever part of it is wanted.
        date: `YYYY-MM-DD`, `YYYY` or empty: from the end of its name, else from its TIFF head.
        fingerprint: changes where the file does.
    """

    path: Path
    kind: Format
    width: int
    height: int
    bands: int
    dtypes: tuple[str, ...]
    colours: tuple[str, ...]
    descriptions: tuple[str, ...]
    nodata: tuple[float | None, ...]
    masked: bool
    lossy: bool
    significant_bits: int
    crs: PlaneCRS | None
    affine: Affine | None
    block: tuple[int, int]
    is_one_piece: bool
    date: str
    fingerprint: str

    @property
    def largest(self) -> int:
        """The largest number that a pixel can have."""
        return (1 << self.significant_bits) - 1 if self.significant_bits else int(np.iinfo(self.dtypes[0]).max)

    @property
    def is_axis_parallel(self) -> bool:
        """Whether rows run east or west and columns north or south."""
        return self.affine is not None and self.affine[1] == 0.0 == self.affine[3]

    def places(self, columns: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return places in the file's CRS, shape (n, 2), of pixel corners (0 is the outer side of the first)."""
        if self.affine is None:
            raise ValueError(f"{self.path} has no place")
        a, b, c, d, e, f = self.affine
        with np.errstate(over="ignore", invalid="ignore"):  # what a damaged head says; whoever asks sees infinity
            return np.stack([a * columns + b * rows + c, d * columns + e * rows + f], axis=1)

    def outline(self, steps: int = 16) -> NDArray[np.float64]:
        """Return places along its border in its CRS, shape (4 * steps, 2)."""
        along = np.linspace(0.0, 1.0, steps, endpoint=False)
        none = np.zeros(steps)
        columns = np.concatenate([along, none + 1, 1 - along, none]) * self.width
        rows = np.concatenate([none, along, none + 1, 1 - along]) * self.height
        return self.places(columns, rows)


def read_head(path: Path, *, crs: str | None = None, kind: Format | None = None) -> Head:
    """Return what the head of a raster file says.

    Args:
        path: GeoTIFF, JPEG 2000, PNG or JPEG; other kinds where GDAL has a driver for them.
        crs: the user's word, which goes before what the file says.
        kind: what `format_of` said, where the caller asked it already.

    Raises:
        SourceError: it cannot be opened, is too large, claims more than it can hold, or is cut off.
        UnknownCRSError: its CRS, or `crs`, is none from which places can be told.
    """
    kind = kind or format_of(path)
    if not kind.driver:
        raise SourceError("is packed", source=path, remedy="unpack it first")
    stat = path.stat()
    with opened(path, kind) as dataset:
        _check_size(dataset, path, stat.st_size)
        head = Head(
            path=path,
            kind=kind,
            width=dataset.width,
            height=dataset.height,
            bands=dataset.count,
            dtypes=tuple(dataset.dtypes),
            colours=tuple(colour.name for colour in dataset.colorinterp),
            descriptions=_descriptions(dataset),
            nodata=tuple(dataset.nodatavals),
            masked=MaskFlags.per_dataset in dataset.mask_flag_enums[0]
            and MaskFlags.alpha not in dataset.mask_flag_enums[0],
            lossy=_is_lossy(dataset, kind),
            significant_bits=_significant_bits(dataset),
            crs=_crs(dataset, path, crs),
            affine=_affine(dataset),
            block=dataset.block_shapes[0],
            is_one_piece=kind in (Format.PNG, Format.JPEG) or _is_one_strip(dataset),
            date=date_of(path.stem) or _tiff_date(dataset),
            fingerprint=_fingerprint(path, stat.st_size, stat.st_mtime_ns, crs),
        )
        _check_blocks(dataset, path, stat.st_size)
    return head


def date_of(stem: str) -> str:
    """Return the date at the end of a file's name without its suffix, empty where there is none.

    Example:
        >>> date_of("dop10rgbi_32_354_5643_1_nw_2023"), date_of("dop_20230501"), date_of("dop10_32_354_5643")
        ('2023', '2023-05-01', '')
    """
    # A northing in kilometres (5643) is no year; one that could be a year is not at the end of an official name.
    found = _YEAR.search(stem)
    return "" if found is None else "-".join(part for part in found.groups() if part)


def _check_size(dataset: DatasetReader, path: Path, size: int) -> None:
    """Refuse what would cost too much, by arithmetic on the head alone."""
    width, height, bands = dataset.width, dataset.height, dataset.count
    pixels = width * height
    if max(width, height) > _MAX_SIDE or pixels > MAX_PIXELS:
        raise SourceError(
            f"claims {width:,} x {height:,} pixels; more than {MAX_PIXELS:,} in one file are not read",
            source=path,
            remedy="cut it into tiles, for example with gdal_retile.py",
        )
    if bands > 32:
        raise SourceError(f"has {bands} bands", source=path, remedy="choose the bands: gdal_translate -b 1 -b 2 -b 3")
    if pixels > _BIG_PIXELS and pixels > size * _MAX_PIXELS_PER_BYTE:
        raise SourceError(
            f"claims {width:,} x {height:,} pixels in {size:,} bytes, which no picture of the ground packs into",
            source=path,
            remedy="fetch the file again, or cut it into tiles",
        )
    rows, columns = (height, width) if _is_one_strip(dataset) else dataset.block_shapes[0]
    # OpenJPEG works in 32 bits, whatever the picture has.
    bytes_each = 4 * dataset.count if dataset.driver == "JP2OpenJPEG" else 0
    block = rows * columns * max(bytes_each, sum(np.dtype(kind).itemsize for kind in dataset.dtypes))
    if block > _MAX_BLOCK_BYTES:
        raise SourceError(
            f"is compressed in pieces of {columns:,} x {rows:,} pixels, each of which needs {block >> 20:,} MB",
            source=path,
            remedy="convert it: gdal_translate -of COG IN OUT.tif",
        )


def _is_one_strip(dataset: DatasetReader) -> bool:
    """Return whether a TIFF is one compressed strip, which GDAL gives row by row, from the first one on."""
    if (
        dataset.driver != "GTiff"
        or dataset.block_shapes[0][0] > 1
        or "COMPRESSION" not in (tags_of(dataset, "IMAGE_STRUCTURE") or {})
    ):
        return False
    first, second = (dataset.get_tag_item(f"BLOCK_OFFSET_0_{row}", "TIFF", bidx=1) for row in (0, 1))
    return dataset.height > 1 and first is not None and second is None


def _check_blocks(dataset: DatasetReader, path: Path, size: int) -> None:
    """Refuse a TIFF whose corners' data lies past its end, which a cut-off one shows without being decoded."""
    if dataset.driver != "GTiff":
        return
    rows, columns = dataset.block_shapes[0]
    across, down = -(-dataset.width // columns), -(-dataset.height // rows)
    for column, row in {(0, 0), (across - 1, 0), (0, down - 1), (across - 1, down - 1)}:
        offset = dataset.get_tag_item(f"BLOCK_OFFSET_{column}_{row}", "TIFF", bidx=1)
        length = dataset.get_tag_item(f"BLOCK_SIZE_{column}_{row}", "TIFF", bidx=1)
        if offset is not None and length is not None and int(offset) + int(length) > size:
            raise SourceError(
                f"is cut off: its data goes on to byte {int(offset) + int(length):,}, the file has {size:,}",
                source=path,
                remedy="fetch the file again",
            )


def _crs(dataset: DatasetReader, path: Path, wanted: str | None) -> PlaneCRS | None:
    if wanted is not None:
        return plane_crs(wanted, source="--crs")
    try:
        wkt = "" if dataset.crs is None else dataset.crs.to_wkt(version="WKT2_2019")
    except (*FAULTS, UnicodeDecodeError):
        try:
            wkt = dataset.crs.to_wkt()
        except (*FAULTS, UnicodeDecodeError) as error:
            raise UnknownCRSError(
                "names a coordinate system that cannot be read",
                source=path,
                remedy="pass --crs, for example --crs EPSG:25832",
            ) from error
    wkt = wkt or _from_prj(path) or _from_aux(path)
    return plane_crs(wkt, source=path) if wkt.strip() else None


def _from_prj(path: Path) -> str:
    """Return the CRS that ArcGIS wrote beside a file with a world file; empty where there is none."""
    return _text_of(path.with_suffix(".prj")) or _text_of(path.with_suffix(".PRJ"))


def _from_aux(path: Path) -> str:
    """Return the CRS that GDAL or ArcGIS wrote beside a file; nothing else of what they wrote is believed."""
    found = _AUX_SRS.search(_text_of(path.with_name(f"{path.name}.aux.xml")))
    return "" if found is None else html.unescape(found[1])


def _text_of(path: Path) -> str:
    try:
        if path.is_file() and path.stat().st_size <= _SIDE_FILE_BYTES:
            return path.read_text("utf-8-sig", "replace")
    except OSError:
        pass
    return ""


def _affine(dataset: DatasetReader) -> Affine | None:
    affine = dataset.transform
    numbers: Affine = (affine.a, affine.b, affine.c, affine.d, affine.e, affine.f)
    if numbers in ((1.0, 0.0, 0.0, 0.0, 1.0, 0.0), (1.0, 0.0, 0.0, 0.0, -1.0, 0.0)):
        return None  # GDAL's way to say so
    if not all(map(math.isfinite, numbers)) or abs(affine.a * affine.e - affine.b * affine.d) < 1e-18:
        raise SourceError(
            "has no usable place: its pixels have no size, or one that is no number",
            source=dataset.name,
            remedy="give it one with gdal_edit.py -a_ullr WEST NORTH EAST SOUTH",
        )
    return numbers


def _descriptions(dataset: DatasetReader) -> tuple[str, ...]:
    try:
        return tuple(text or "" for text in dataset.descriptions)
    except UnicodeDecodeError:  # names in Latin-1 tell nothing that GDAL would hand on
        return ("",) * int(dataset.count)


def _is_lossy(dataset: DatasetReader, kind: Format) -> bool:
    structure = tags_of(dataset, "IMAGE_STRUCTURE") or {}
    says = f"{structure.get('COMPRESSION', '')} {structure.get('COMPRESSION_REVERSIBILITY', '')}".upper()
    return kind is Format.JPEG or any(word in says for word in ("JPEG", "LOSSY", "WEBP", "LERC"))


def _significant_bits(dataset: DatasetReader) -> int:
    bits = (tags_of(dataset, "IMAGE_STRUCTURE", 1) or {}).get("NBITS", "")
    return int(bits) if bits.isdecimal() else 0


def _tiff_date(dataset: DatasetReader) -> str:
    found = _TIFF_DATE.match((tags_of(dataset) or {}).get("TIFFTAG_DATETIME", ""))
    return "" if found is None else "-".join(found.groups())


def _fingerprint(path: Path, size: int, changed_ns: int, crs: str | None) -> str:
    """Return what changes with a file: its size, time, head and tail, and the files beside it that place it."""
    digest = hashlib.sha256(f"{size} {changed_ns} {crs}".encode())
    for place in sorted(path.parent.glob(f"{_glob_safe(path.stem)}.*")):
        if place != path and place.is_file():
            beside = place.stat()
            digest.update(f"{place.name} {beside.st_size} {beside.st_mtime_ns}".encode())
    return digest.hexdigest()


def _glob_safe(stem: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", stem)
