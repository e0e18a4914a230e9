"""Source files by the patterns that name them, and what identifies their content."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

from zwilling.errors import SettingsError, SourceError

_END_BYTES = 1 << 16
_BESIDE = re.compile(r"\.(?:[a-z0-9]{1,4}w|wld|prj|tab|aux\.xml|(?:msk|ovr)(?:\.(?:msk|ovr))*)$", re.IGNORECASE)


def find_sources(patterns: Sequence[str], base: Path, layer: str) -> tuple[Path, ...]:
    """Return the files that `patterns` name, each once, in the order of their names.

    Args:
        base: folder that the patterns are relative to.
        layer: id of the layer, for errors.

    Raises:
        SettingsError: a pattern matches no file.
    """
    found: set[Path] = set()
    for pattern in patterns:
        root, relative = (
            (Path(Path(pattern).anchor), pattern.lstrip("/")) if Path(pattern).is_absolute() else (base, pattern)
        )
        matches = [path for path in root.glob(relative) if path.is_file()]
        if not matches:
            raise SettingsError(
                f"'{pattern}' matches no file", source=f"layer '{layer}'", remedy=f"looked in {root.resolve()}"
            )
        found.update(matches)
    return tuple(sorted(found))


def beside(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Return the files that have a say in how rasters are read, in the order of their names.

    World files, coordinate systems, masks and overviews, which bear the name of a raster: `a.tfw`, `a.prj` and
    `a.tif.msk` of `a.tif`.  A folder that cannot be listed has none.
    """
    names: dict[Path, set[str]] = {}
    for path in paths:
        plain = path.name.removesuffix(".gz")
        names.setdefault(path.parent, set()).update((path.name, plain.rpartition(".")[0]))
    found = []
    for folder, known in names.items():
        try:
            with os.scandir(folder) as entries:
                beside_them = [entry.name for entry in entries if entry.is_file()]
        except OSError:
            continue
        for name in beside_them:
            end = _BESIDE.search(name)
            if end is not None and name[: end.start()] in known:
                found.append(folder / name)
    return tuple(sorted(found))


def identities(paths: Sequence[Path]) -> list[list[str]]:
    """Return name and SHA-256 of each file.

    Raises:
        SourceError: a file cannot be read.
    """
    return [[path.name, _sha256(path)] for path in paths]


def quick_identities(paths: Sequence[Path]) -> list[list[str]]:
    """Return name and fingerprint of each file: of its size, its time, its beginning and its end.

    For files of which a layer has so many gigabytes that reading them all takes minutes where nothing is to be done.
    LAZ has the table of its chunks at its end, so whatever changes in the middle changes that, too; for LAS there is
    the time.

    Raises:
        SourceError: a file cannot be read.
    """
    return [[path.name, _fingerprint(path)] for path in paths]


def _fingerprint(path: Path) -> str:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            digest = hashlib.sha256(f"{status.st_size} {status.st_mtime_ns} ".encode())
            digest.update(file.read(_END_BYTES))
            file.seek(max(0, status.st_size - _END_BYTES))
            digest.update(file.read(_END_BYTES))
    except OSError as error:
        raise SourceError(f"cannot be read ({error.strerror})", source=path) from error
    return digest.hexdigest()


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SourceError(f"cannot be read ({error.strerror})", source=path) from error
