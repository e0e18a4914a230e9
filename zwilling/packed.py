"""The bytes of a source: a file as it is, gzip, or an entry of a zip archive, unpacked while it is read.

Nothing is written to disk, and no entry's name is ever used as a path.  What could make a reader work without end is
refused: too many entries, entries that share bytes, an archive in an archive, and whatever unpacks to more than a
hundred times its size.

Spec: RFC 1952 (gzip); PKWARE APPNOTE 6.3 (zip), of which "stored" and "deflated" are read.
"""

from __future__ import annotations

import gzip
import io
import os
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import BinaryIO, Final, cast

from zwilling.errors import SourceError

# CityGML and grids of heights shrink to a tenth or a fifteenth; a grid that is empty but for a corner, to a fiftieth.
_LARGEST_RATIO: Final = 100
# A small file of blanks, or a square kilometre of no heights, may well pass the ratio, and does no harm.
_RATIO_FROM: Final = 1 << 23
_LARGEST_ENTRY: Final = 1 << 35
_LARGEST_ARCHIVE: Final = 1 << 38
# A county has some 600 files.
_MOST_ENTRIES: Final = 4096
_LARGEST_DIRECTORY: Final = 1 << 21
_BUFFER: Final = 1 << 17
_ENTRY_HEADER: Final = 30  # bytes before an entry's name and data (APPNOTE 4.3.7)
# Of the others, zipfile cannot bound how much one step unpacks.
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_NOT_UNPACKED: Final = {
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"Rar!": "RAR",
}
_BROKEN: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, struct.error, ValueError)


class Packing(Enum):
    """How a file is packed, by its first bytes."""

    NONE = "none"
    GZIP = "gzip"
    ZIP = "zip"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file in a zip archive, and its unpacked size in bytes."""

    name: str
    size: int


def packing_of(head: bytes) -> Packing:
    """Return how the file with these first bytes is packed.

    Example:
        >>> packing_of(b"<?xml"), packing_of(bytes.fromhex("1f8b08"))
        (<Packing.NONE: 'none'>, <Packing.GZIP: 'gzip'>)
    """
    if head.startswith(b"\x1f\x8b"):
        return Packing.GZIP
    return Packing.ZIP if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")) else Packing.NONE


def plain_file(path: Path) -> BinaryIO:
    """Return the file, opened; a pipe or a device, which may have no end or keep one waiting, is none.

    Raises:
        OSError: it cannot be opened.
        SourceError: it is something else than a file.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    kind = os.fstat(handle).st_mode
    if stat.S_ISREG(kind):
        return os.fdopen(handle, "rb")
    os.close(handle)
    if stat.S_ISDIR(kind):
        raise SourceError("is a folder, not a file", source=path, remedy="name the files in it")
    raise SourceError("is a pipe or a device, not a file", source=path, remedy="write what comes from it to a file")


def packing(path: Path) -> Packing:
    """Return how a file is packed.

    Raises:
        SourceError: there is no such file, or it cannot be read.
    """
    with _reading(str(path)), plain_file(path) as file:
        return packing_of(file.read(4))


def most_unpacked(packed: int) -> int:
    """Return to how many bytes so many packed ones may unpack; what is larger is refused.

    Example:
        >>> most_unpacked(10), most_unpacked(1_000_000)
        (8388608, 100000000)
    """
    return min(_LARGEST_ENTRY, max(_RATIO_FROM, packed * _LARGEST_RATIO))


def source_name(path: Path, entry: str) -> str:
    """Return what a file, or an entry of an archive, is called in errors and findings."""
    return f"{path}/{entry}" if entry else str(path)


@contextmanager
def opened(path: Path, entry: str = "") -> Iterator[BinaryIO]:
    """Give the unpacked bytes of a file, or of an entry of a zip archive; only those of a plain file can be sought.

    Raises:
        SourceError: on opening or reading: there is no such file or entry, it cannot be read, it is broken, or made to
            exhaust its reader.
    """
    name = source_name(path, entry)
    with _reading(name), plain_file(path) as file:
        head = file.read(6)
        kind = packing_of(head)
        unread = next((what for begin, what in _NOT_UNPACKED.items() if head.startswith(begin)), None)
        if unread is not None:
            raise SourceError(f"is packed as {unread}", source=name, remedy="unpack it; gzip and zip are read")
        file.seek(0)
        if kind is Packing.NONE:
            yield file
        elif kind is Packing.GZIP:
            with closing(gzip.GzipFile(fileobj=file)) as unpacked:
                yield _limited(cast(BinaryIO, unpacked), os.fstat(file.fileno()).st_size, name)
        else:
            with _archive(path, file) as archive:
                info = next((info for info in _checked(path, archive) if info.filename == entry), None)
                if info is None:
                    problem = f"there is no '{entry}' in the archive" if entry else "an archive is not one file"
                    raise SourceError(problem, source=path, remedy="check what file it is")
                with _entry(archive, info, name) as unpacked_entry:
                    yield _limited(unpacked_entry, info.compress_size, name)


def entries(path: Path) -> list[Entry]:
    """Return the files in a zip archive, in its own order, after having seen that all of it can be trusted.

    Raises:
        SourceError: the archive cannot be read or is broken, or one of its entries is refused.
    """
    with _reading(str(path)), plain_file(path) as file, _archive(path, file) as archive:
        return [Entry(info.filename, info.file_size) for info in _checked(path, archive) if not info.is_dir()]


def heads(path: Path, size: int) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the first `size` bytes of every file in a zip archive, in its own order.

    Raises:
        SourceError: the archive cannot be read or is broken, or one of its entries is refused.
    """
    with _reading(str(path)), plain_file(path) as file, _archive(path, file) as archive:
        for info in _checked(path, archive):
            if not info.is_dir():
                name = source_name(path, info.filename)
                try:
                    with _entry(archive, info, name) as entry:
                        head = entry.read(size)
                except _BROKEN as error:
                    raise _broken(name, error) from error
                yield info.filename, head


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """Have what the disk says of a file said as its reader would."""
    try:
        yield
    except FileNotFoundError:
        raise SourceError("there is no such file", source=name, remedy="check the path") from None
    except OSError as error:
        problem = f"the file cannot be read ({error.strerror or error})"
        raise SourceError(problem, source=name, remedy="check its permissions") from error


class _Limited(io.RawIOBase):
    """Bytes that are unpacked as they are read, up to a limit."""

    def __init__(self, stream: BinaryIO, packed_size: int, name: str) -> None:
        self._stream = stream
        self._name = name
        self._limit = most_unpacked(packed_size)
        self._size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # Buffer has no name before Python 3.12
        try:
            data = self._stream.read(len(buffer))
        except (*_BROKEN, OSError) as error:
            raise _broken(self._name, error) from error
        self._size += len(data)
        if self._size > self._limit:
            raise SourceError(
                f"unpacks to more than {self._limit >> 20} MB, {_LARGEST_RATIO} times its size or beyond all measure",
                source=self._name,
                remedy="check where it comes from, or unpack it yourself",
            )
        if packing_of(data) is not Packing.NONE and self._size == len(data):
            raise SourceError("is an archive in an archive", source=self._name, remedy="unpack the outer one")
        buffer[: len(data)] = data
        return len(data)


def _limited(stream: BinaryIO, packed_size: int, name: str) -> BinaryIO:
    return io.BufferedReader(_Limited(stream, packed_size, name), _BUFFER)


class _SmallReads:
    """A file of which no large part is read at once: zipfile asks for a whole directory, whatever size it claims."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(min(size, _LARGEST_DIRECTORY + 1) if size >= 0 else _LARGEST_DIRECTORY + 1)
        if len(data) > _LARGEST_DIRECTORY:
            raise zipfile.BadZipFile(f"its directory is larger than {_LARGEST_DIRECTORY >> 20} MB")
        return data


def _archive(path: Path, file: BinaryIO) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(cast(BinaryIO, _SmallReads(file)))
    except _BROKEN as error:
        raise _broken(str(path), error) from error


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> BinaryIO:
    try:
        return cast(BinaryIO, archive.open(info))
    except _BROKEN as error:
        raise _broken(name, error) from error


def _checked(path: Path, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the archive's entries; one that is refused refuses all."""
    found = archive.infolist()
    if len(found) > _MOST_ENTRIES:
        raise _refused(path, "", f"holds {len(found)} entries; at most {_MOST_ENTRIES} are read")
    for name, times in Counter(info.filename for info in found).items():
        if times > 1:
            raise _refused(path, name, f"stands {times} times in the archive")
    for info in found:
        fault = _fault(info)
        if fault:
            raise _refused(path, info.filename, fault)
    if sum(info.file_size for info in found) > _LARGEST_ARCHIVE:
        raise _refused(path, "", f"unpacks to more than {_LARGEST_ARCHIVE >> 30} GB")
    end = 0
    for info in sorted(found, key=lambda info: info.header_offset):
        if info.header_offset < end:
            raise _refused(path, info.filename, "shares bytes with another entry, as archives made to exhaust do")
        end = info.header_offset + _ENTRY_HEADER + info.compress_size
    return found


def _fault(info: zipfile.ZipInfo) -> str:
    """Return why an entry cannot be trusted, or nothing."""
    name = info.orig_filename
    if not name or name.startswith("/") or "\\" in name or name[1:2] == ":" or ".." in name.split("/"):
        return "has a name that leads out of the archive"
    if not name.isprintable():
        return "has a name with control characters"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "is a link"
    if info.flag_bits & 0x1:
        return "is encrypted"
    if info.compress_type not in _METHODS:
        return "is neither stored nor deflated"
    if info.file_size > most_unpacked(info.compress_size):
        return f"unpacks to {info.file_size >> 20} MB from {info.compress_size} bytes"
    return ""


def _refused(path: Path, entry: str, problem: str) -> SourceError:
    return SourceError(
        problem, source=source_name(path, entry), remedy="check where the archive comes from, or unpack it yourself"
    )


def _broken(name: str, error: Exception) -> SourceError:
    return SourceError(f"the archive is broken ({error})", source=name, remedy="load it anew")
