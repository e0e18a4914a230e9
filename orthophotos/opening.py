"""GDAL behind a fence: one driver for each file, no network, no file but the named one and its world file.

Rasterio's GDAL has 130 drivers.  Some follow names in the file to other files and to the internet, so each file is
opened with the one driver that its first bytes call for.  Side files in GDAL's own XML (`.aux.xml`) are not read by
GDAL, since they may name overviews anywhere; world files (`.tfw`, `.jgw`, …) beside a file are.  So are overviews
(`.ovr`) and masks (`.msk`) beside it, where they are TIFF: GDAL itself opens them with any of its drivers, and takes
overviews from wherever the metadata of a file says.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final

import rasterio
from rasterio._err import CPLE_BaseError
from rasterio.errors import CRSError, NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.session import DummySession

from orthophotos.formats import Format, format_of
from zwilling.errors import SourceError

_FENCE: Final = {
    "GDAL_PAM_ENABLED": "NO",
    "GDAL_DISABLE_READDIR_ON_OPEN": "TRUE",
    "GDAL_CACHEMAX": 64 << 20,  # bytes, in each process; rasterio hands it to GDALSetCacheMax as it is
    "GDAL_NUM_THREADS": "1",  # processes share the work
    "GDAL_HTTP_TIMEOUT": "1",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": "{none}",
    "CPL_VSIL_CURL_USE_HEAD": "NO",
    "GDAL_PNG_WHOLE_IMAGE_OPTIM": "NO",  # else what is cut off becomes black
    "OGR_CT_FORCE_TRADITIONAL_GIS_ORDER": "YES",
    "OSR_DEFAULT_AXIS_MAPPING_STRATEGY": "TRADITIONAL_GIS_ORDER",
    "PROJ_NETWORK": "OFF",
    # The one file system on the net that does not ask which suffixes are allowed goes nowhere without these.
    "SWIFT_AUTH_V1_URL": "",
    "SWIFT_STORAGE_URL": "",
    "OS_IDENTITY_API_VERSION": "",
}
# GDAL looks for these names beside a file, and beside what it finds there again.
_BESIDE: Final = (".msk", ".MSK", ".ovr", ".OVR")
FAULTS: Final = (RasterioError, CPLE_BaseError, CRSError)
"""What rasterio raises about a file; the second is GDAL's own error, where rasterio does not translate it."""
_PATHS: Final = re.compile(r"(?:/[^\s:,;'\"]+)+/([^\s:,;'\"/]+)")


@contextmanager
def fence() -> Iterator[None]:
    """Give GDAL the settings under which any file may be read; cheap, and may be nested."""
    with rasterio.Env(session=DummySession(), **_FENCE), warnings.catch_warnings(), _undecodable_words_unsaid():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield


@contextmanager
def _undecodable_words_unsaid() -> Iterator[None]:
    """Keep quiet what GDAL says in words that are no UTF-8, since it quotes the file: rasterio prints a traceback each.

    It has no way to raise it from where it is called; Cython tells first one hook, then the other.
    """
    printed, told = sys.excepthook, sys.unraisablehook

    def show(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        if kind is not UnicodeDecodeError:
            printed(kind, error, traceback)

    def tell(unraisable: sys.UnraisableHookArgs) -> None:
        if unraisable.exc_type is not UnicodeDecodeError:
            told(unraisable)

    sys.excepthook, sys.unraisablehook = show, tell
    try:
        yield
    finally:
        sys.excepthook, sys.unraisablehook = printed, told


@contextmanager
def opened(path: Path, kind: Format, **options: str) -> Iterator[DatasetReader]:
    """Open a raster file with the one driver for its kind, inside the fence.

    Args:
        path: the file.
        kind: what `orthophotos.formats.format_of` said of it.
        options: open options of the driver.

    Raises:
        SourceError: GDAL cannot open it, or, inside the `with`, cannot read it.
    """
    with fence():
        try:
            with rasterio.open(path.absolute(), driver=kind.driver, sharing=False, **options) as dataset:
                _refuse_overviews_elsewhere(dataset, path)
                _check_beside(path, path)
                yield dataset
        except FAULTS as error:
            raise unreadable(path, error) from error
        except UnicodeDecodeError as error:
            raise SourceError(
                "names its coordinate system in letters that are no UTF-8, which is not read",
                source=path,
                remedy="name it anew: gdal_edit.py -a_srs EPSG:25832 FILE",
            ) from error
        except UnicodeEncodeError as error:
            raise SourceError(
                "has a name that is no UTF-8, which GDAL cannot open", source=path, remedy="rename the file"
            ) from error
        except MemoryError as error:
            raise SourceError(
                "needs more memory than there is", source=path, remedy="try again with --jobs 1, or cut the file"
            ) from error


def tags_of(dataset: DatasetReader, domain: str = "", band: int = 0) -> dict[str, str] | None:
    """Return what a file says about itself, or one of its bands, by name; None where that is no UTF-8.

    Args:
        dataset: an open file.
        domain: of GDAL's metadata; that of the file's own words if empty.
        band: number of a band, counted from 1; 0 for the file.
    """
    try:
        return dict(dataset.tags(band, ns=domain or None))
    except UnicodeDecodeError:
        return None


def _refuse_overviews_elsewhere(dataset: DatasetReader, path: Path) -> None:
    """Stop where a file's metadata names another one, or an address, that GDAL would open for overviews."""
    if tags_of(dataset, "OVERVIEWS") != {}:
        raise SourceError(
            "names another file for its overviews, which is not followed",
            source=path,
            remedy="make it anew: gdal_translate -of COG IN OUT.tif",
        )


def _check_beside(path: Path, source: Path) -> None:
    """Stop where overviews or a mask beside a file could lead elsewhere; `source` is the file that the user named."""
    for suffix in _BESIDE:
        place = path.with_name(path.name + suffix)
        try:
            if not place.is_file():
                continue
        except OSError:  # no name may be as long as this one would be
            continue
        name = place.name
        try:
            if format_of(place) is not Format.TIFF:
                raise SourceError("is no TIFF", source=place)
            with rasterio.open(place.absolute(), driver=Format.TIFF.driver, sharing=False) as dataset:
                _refuse_overviews_elsewhere(dataset, place)
        except (SourceError, *FAULTS) as error:
            raise SourceError(
                f"{name} beside it is no TIFF that stands for itself, and nothing else is followed",
                source=source,
                remedy=f"delete {name}, or make it anew with GDAL",
            ) from error
        _check_beside(place, source)


def unreadable(path: Path, error: BaseException) -> SourceError:
    """Return what GDAL says of a file in plain words."""
    said = str(error.__cause__ or error)
    text = _PATHS.sub(r"\1", " ".join(said.split()))
    if "See previous exception" in text or not text:
        text = "its data cannot be decoded"
    return SourceError(
        f"is cut off or damaged: {text[:300]}",
        source=path,
        remedy="fetch the file again; gdalinfo -checksum tells whether a copy is whole",
    )
