"""Compress once, when files are published, what would otherwise be compressed for every client.

Beside `a.json` come `a.json.br` and `a.json.gz`; the server sends the one that a client can decode.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import brotli

from zwilling.errors import TilesetError

TEXT = frozenset(
    {".json", ".gltf", ".js", ".css", ".html", ".svg", ".txt", ".xml", ".webmanifest", ".wasm", ".subtree", ".ico"}
)
GEOMETRY = frozenset({".glb", ".bin"})
LEAST_BYTES = 1024
LEAST_SAVING = 0.05


@dataclass(frozen=True, slots=True)
class PrecompressReport:
    """What compressing a folder came to.

    Attributes:
        files: count of files that were looked at, being of a compressible kind.
        compressed: how many of them have at least one smaller sibling now.
        bytes_plain: size of all files that were looked at.
        bytes_br: size of the same files where each is taken as brotli if that was kept, else plain.
        bytes_gzip: likewise for gzip.
    """

    files: int = 0
    compressed: int = 0
    bytes_plain: int = 0
    bytes_br: int = 0
    bytes_gzip: int = 0

    def __add__(self, other: PrecompressReport) -> PrecompressReport:
        """Return both folders' figures together."""
        return PrecompressReport(
            self.files + other.files,
            self.compressed + other.compressed,
            self.bytes_plain + other.bytes_plain,
            self.bytes_br + other.bytes_br,
            self.bytes_gzip + other.bytes_gzip,
        )


def precompress(folder: Path, *, kinds: frozenset[str] = TEXT | GEOMETRY, jobs: int = 1) -> PrecompressReport:
    """Write the `.br` and `.gz` siblings of the files below `folder` and return what that came to.

    A sibling is written where the file has `LEAST_BYTES` or more and shrinks by `LEAST_SAVING` or more; one that
    an earlier state of the file left behind and that does not pay any more is removed.  Equal files give equal
    siblings, byte for byte.  Hidden files and symbolic links are passed over.

    Args:
        folder: is walked to the bottom.
        kinds: suffixes of the files to look at.
        jobs: threads; both compressors work outside Python's lock.

    Raises:
        TilesetError: a file cannot be read or written.
    """
    total = PrecompressReport()
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        for report in pool.map(_compress_file, _compressible(folder, kinds)):
            total += report
    return total


def _compressible(folder: Path, kinds: frozenset[str]) -> Iterator[Path]:
    """Yield the files to look at, in the order of their names."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(place, name)
            if path.suffix in kinds and not name.startswith(".") and not path.is_symlink():
                yield path


def _compress_file(path: Path) -> PrecompressReport:
    try:
        data = path.read_bytes()
        br = _write_sibling(path, ".br", data, partial(brotli.compress, quality=_quality(path)))
        gz = _write_sibling(path, ".gz", data, partial(gzip.compress, compresslevel=9, mtime=0))
    except OSError as error:
        raise TilesetError(
            f"cannot be compressed ({error.strerror})", source=error.filename or path, remedy="free space on the disk"
        ) from error
    plain = len(data)
    return PrecompressReport(1, int(min(br, gz) < plain), plain, br, gz)


def _quality(path: Path) -> int:
    """Return the brotli quality for a file: see the figures in docs/decisions/0006-server.md."""
    return 5 if path.suffix in GEOMETRY else 9


def _write_sibling(path: Path, suffix: str, data: bytes, compress: Callable[[bytes], bytes]) -> int:
    """Write `path` + `suffix`, if that pays, and return the bytes that a client then loads."""
    sibling = path.with_name(path.name + suffix)
    if len(data) >= LEAST_BYTES:
        compressed = compress(data)
        if len(compressed) <= len(data) * (1 - LEAST_SAVING):
            part = path.with_name(f".{sibling.name}.{os.getpid()}.part")
            try:
                part.write_bytes(compressed)
                part.replace(sibling)
            finally:
                part.unlink(missing_ok=True)
            return len(compressed)
    sibling.unlink(missing_ok=True)
    return len(data)
