"""Terrain files as they are delivered: plain, as gzip, or any number of them in a zip archive."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from zwilling.errors import SourceError
from zwilling.packed import Packing, entries, most_unpacked, opened, packing, source_name

_BUFFER: Final = 1 << 18


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
        return source_name(self.path, self.entry)

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
        if self.entry:
            size = next((entry.size for entry in entries(self.path) if entry.name == self.entry), None)
            if size is None:
                raise SourceError("is no longer in the archive", source=self.name, remedy="build again")
            return size
        is_packed = self.is_packed
        size = self.path.stat().st_size
        return most_unpacked(size) if is_packed else size

    @property
    def is_packed(self) -> bool:
        """Whether it has to be unpacked to be read.

        Raises:
            SourceError: as `opened`.
        """
        return bool(self.entry) or packing(self.path) is not Packing.NONE

    def opened(self) -> AbstractContextManager[BinaryIO]:
        """Give the unpacked bytes, to be read from the beginning to the end.

        Raises:
            SourceError: on opening or reading: it is missing, broken, or unpacks beyond all measure.
        """
        return opened(self.path, self.entry)

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
    if packing(path) is not Packing.ZIP:
        return [Packed(path)]
    return [Packed(path, entry.name) for entry in entries(path)]
