"""Terrain files as they are delivered: plain, as gzip, or any number of them in a zip archive.

No entry's name is ever used as a path, and what unpacks to more than a hundred times its size is refused.

Spec: RFC 1952 (gzip); PKWARE APPNOTE 6.3 (zip), of which "stored" and "deflated" are read.
"""

from __future__ import annotations

import gzip
import io
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

from zwilling.errors import SourceError

# Text grids shrink to a tenth; one that is nodata but for a corner, to a fiftieth.
_LARGEST_RATIO: Final = 100
_RATIO_FROM: Final = 1 << 24
_LARGEST: Final = 1 << 34
_MOST_ENTRIES: Final = 10_000
_BUFFER: Final = 1 << 18
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN: Final = (
    zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, struct.error,
)  # fmt: skip
_BEWARE: Final = "check where it comes from, or unpack it yourself"


@dataclass(frozen=True, slots=True)
class Packed:
    """A file, or an entry of a zip archive.

    Attributes:
        path: the file on disk.
        entry: name in the archive that `path` is; empty where `path` is the file itself, or its gzip.
    """

    path: Path
    entry: str = ""

    @property
    def name(self) -> str:
        """What it is called in errors and findings."""
        return f"{self.path}/{self.entry}" if self.entry else str(self.path)

    @property
    def stem(self) -> str:
        """Its file name without folder, suffix and `.gz`."""
        last = (self.entry or self.path.name).rsplit("/", 1)[-1]
        return last.removesuffix(".gz").rsplit(".", 1)[0]

    @property
    def largest_size(self) -> int:
        """How many bytes it has at most when unpacked.

        Raises:
            SourceError: as `opened`.
        """
        try:
            size = self.path.stat().st_size
            with self.path.open("rb") as file:
                if self.entry:
                    with zipfile.ZipFile(file) as archive:
                        return archive.getinfo(self.entry).file_size
                return _limit(size) if file.read(2) == b"\x1f\x8b" else size
        except KeyError as error:
            raise SourceError("is no longer in the archive", source=self.name, remedy="build again") from error
        except _BROKEN as error:
            raise _broken(self.name, error) from error
        except OSError as error:
            raise _unreadable(self.name, error) from error

    @property
    def is_packed(self) -> bool:
        """Whether it has to be unpacked to be read.

        Raises:
            SourceError: as `opened`.
        """
        if self.entry:
            return True
        try:
            with self.path.open("rb") as file:
                return file.read(2) == b"\x1f\x8b"
        except OSError as error:
            raise _unreadable(self.name, error) from error

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Give the unpacked bytes, to be read from the beginning to the end.

        Raises:
            SourceError: on opening or reading: it is missing, broken, or unpacks beyond all measure.
        """
        try:
            with self.path.open("rb") as file:
                if self.entry:
                    with zipfile.ZipFile(file) as archive, archive.open(self.entry) as entry:
                        yield _bounded(cast(BinaryIO, entry), archive.getinfo(self.entry).compress_size, self.name)
                elif file.peek(2)[:2] == b"\x1f\x8b":
                    with gzip.GzipFile(fileobj=file) as stream:
                        yield _bounded(cast(BinaryIO, stream), self.path.stat().st_size, self.name)
                else:
                    yield file
        except KeyError as error:
            raise SourceError("is no longer in the archive", source=self.name, remedy="build again") from error
        except _BROKEN as error:
            raise _broken(self.name, error) from error
        except OSError as error:
            raise _unreadable(self.name, error) from error

    @contextmanager
    def on_disk(self) -> Iterator[Path]:
        """Give a path under which the unpacked file stands, for readers that must seek: itself, or a passing copy.

        Raises:
            SourceError: as `opened`.
        """
        if self.is_packed:
            with tempfile.NamedTemporaryFile(prefix="zwilling-", suffix=".tif") as copy:
                with self.opened() as stream:
                    shutil.copyfileobj(stream, copy, _BUFFER)
                copy.flush()
                yield Path(copy.name)
            return
        yield self.path


def members(path: Path) -> list[Packed]:
    """Return what a file holds: itself, or all files of an archive, after having seen that it can be trusted.

    Raises:
        SourceError: the file is missing, or the archive is refused.
    """
    try:
        with path.open("rb") as file:
            if not file.read(4).startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
                return [Packed(path)]
            with zipfile.ZipFile(file) as archive:
                infos = archive.infolist()
    except _BROKEN as error:
        raise _broken(str(path), error) from error
    except OSError as error:
        raise _unreadable(str(path), error) from error
    if len(infos) > _MOST_ENTRIES:
        raise SourceError(f"holds {len(infos)} entries; at most {_MOST_ENTRIES} are read", source=path, remedy=_BEWARE)
    names: set[str] = set()
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        fault = _fault(info)
        if info.filename in names:
            fault = "stands more than once in the archive"
        elif info.header_offset < end:
            fault = "shares bytes with another entry, as archives made to exhaust do"
        if fault:
            raise SourceError(fault, source=f"{path}/{info.filename}", remedy=_BEWARE)
        names.add(info.filename)
        end = info.header_offset + 30 + info.compress_size  # 30: the entry's own head (APPNOTE 4.3.7)
    return [Packed(path, info.filename) for info in infos if not info.is_dir()]


def _fault(info: zipfile.ZipInfo) -> str:
    """Return why an entry cannot be trusted, or nothing."""
    name = info.orig_filename
    if not name or name.startswith("/") or "\\" in name or name[1:2] == ":" or ".." in name.split("/"):
        return "has a name that leads out of the archive"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "is a link"
    if info.flag_bits & 0x1:
        return "is encrypted"
    if info.compress_type not in _METHODS:
        return "is neither stored nor deflated"
    if info.file_size > _limit(info.compress_size):
        return f"unpacks to {info.file_size >> 20} MB from {info.compress_size} bytes"
    return ""


def _limit(packed: int) -> int:
    return min(_LARGEST, max(_RATIO_FROM, packed * _LARGEST_RATIO))


class _Bounded(io.RawIOBase):
    def __init__(self, stream: BinaryIO, packed: int, name: str) -> None:
        self._stream = stream
        self._limit = _limit(packed)
        self._name = name
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # Buffer has no name before Python 3.12
        data = self._stream.read(len(buffer))
        self._read += len(data)
        if self._read > self._limit:
            problem = f"unpacks to more than {self._limit >> 20} MB, {_LARGEST_RATIO} times its size"
            raise SourceError(problem, source=self._name, remedy=_BEWARE)
        buffer[: len(data)] = data
        return len(data)


def _bounded(stream: BinaryIO, packed: int, name: str) -> BinaryIO:
    return io.BufferedReader(_Bounded(stream, packed, name), _BUFFER)


def _broken(name: str, error: Exception) -> SourceError:
    return SourceError(f"the archive is broken ({error})", source=name, remedy="load it anew")


def _unreadable(name: str, error: OSError) -> SourceError:
    if isinstance(error, FileNotFoundError):
        return SourceError("there is no such file", source=name, remedy="check the path")
    if isinstance(error, IsADirectoryError):
        return SourceError("is a folder, not a file", source=name, remedy="name the files in it")
    return SourceError(f"cannot be read ({error.strerror or error})", source=name, remedy="check its permissions")
