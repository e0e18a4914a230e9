"""What kind of raster a file is, told by its first bytes and never by its name."""

from __future__ import annotations

import re
import stat
from enum import Enum
from pathlib import Path
from typing import Final

from zwilling.errors import SourceError

_HEAD: Final = 4096
_ASCII_GRID: Final = re.compile(rb"\s*(ncols|nrows|xllcorner|xllcenter|yllcorner|yllcenter|cellsize)\s", re.IGNORECASE)
_NUMBER: Final = rb"[-+]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][-+]?\d+)?"
_XYZ: Final = re.compile(
    rb"(?:[^\n]*[A-Za-z][^\n]*\n)?\s*" + _NUMBER + rb"[ \t;,]+" + _NUMBER + rb"[ \t;,]+" + _NUMBER + rb"\s*(?:[;,\s]|$)"
)
_MARKUP: Final = re.compile(rb"<(?:[?!][^>]*>\s*<)*([A-Za-z_:][\w:.-]*)")


class Format(Enum):
    """A kind of file; the value is the GDAL driver that opens it, empty where none is to."""

    TIFF = "GTiff"
    JPEG2000 = "JP2OpenJPEG"
    JPEG = "JPEG"
    PNG = "PNG"
    ASCII_GRID = "AAIGrid"
    XYZ = "XYZ"
    GZIP = ""
    ZIP = " "

    @property
    def driver(self) -> str:
        """The one GDAL driver that may open such a file."""
        return self.value.strip()


PICTURES: Final = (Format.TIFF, Format.JPEG2000, Format.JPEG, Format.PNG)
_MAGIC: Final = (
    (b"II*\0", Format.TIFF),
    (b"MM\0*", Format.TIFF),
    (b"II+\0\x08\0\0\0", Format.TIFF),
    (b"MM\0+\0\x08\0\0", Format.TIFF),
    (b"\0\0\0\x0cjP  \r\n\x87\n", Format.JPEG2000),
    (b"\xff\x4f\xff\x51", Format.JPEG2000),
    (b"\xff\xd8\xff", Format.JPEG),
    (b"\x89PNG\r\n\x1a\n", Format.PNG),
    (b"\x1f\x8b", Format.GZIP),
    (b"PK\x03\x04", Format.ZIP),
    (b"PK\x05\x06", Format.ZIP),
)


def format_of(path: Path) -> Format:
    """Return what a file is.

    Raises:
        SourceError: there is no such file, it is a folder or no file at all, empty, or of a kind that is not read; a
            description of other rasters (VRT, GML, WMS) is refused, since it may name any file and any address.
    """
    return format_of_head(head_of(path), path)


def head_of(path: Path) -> bytes:
    """Return the first bytes of a regular file; nothing else is ever opened, so no pipe is waited for.

    Raises:
        SourceError: there is no such file, or it is empty.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise SourceError("is a folder", source=path, remedy="name the files in it, for example with *.tif")
        if not stat.S_ISREG(mode):
            raise SourceError("is no regular file but a pipe or a device", source=path, remedy="name a file")
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except FileNotFoundError as error:
        raise SourceError("there is no such file", source=path, remedy="check the path") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SourceError(f"cannot be read: {reason}", source=path, remedy="check the path and its rights") from error
    if not head:
        raise SourceError("is empty", source=path, remedy="fetch the file again")
    return head


def format_of_head(head: bytes, source: object) -> Format:
    """Return what the file is that begins with `head`; `source` names it in messages.

    Raises:
        SourceError: as `format_of`.
    """
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if markup := _MARKUP.match(text):
        root = markup[1].decode("ascii", "replace")
        if root.lower() in ("html", "head", "body"):
            raise SourceError(
                "is a web page and no raster",
                source=source,
                remedy="open it in a browser: it may say why the download failed; then fetch the file again",
            )
        raise SourceError(
            f"is no raster but a description of one (<{root[:40]}>), which may name any file or address",
            source=source,
            remedy="name the raster files themselves, or make one of them: gdal_translate -of COG IN.vrt OUT.tif",
        )
    if _ASCII_GRID.match(text):
        return Format.ASCII_GRID
    if _XYZ.match(text):
        return Format.XYZ
    if not text.strip(b"\0"):
        raise SourceError(
            "holds only zeros or blanks", source=source, remedy="fetch the file again; it was not fully written"
        )
    raise SourceError(
        "is none of the raster formats that are read: GeoTIFF, JPEG 2000, PNG, JPEG; for heights also ASCII grid and "
        "XYZ",
        source=source,
        remedy="convert it, for example: gdal_translate -of COG IN OUT.tif",
    )
