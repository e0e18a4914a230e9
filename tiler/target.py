"""Where a tileset is written: a folder that appears whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from zwilling.errors import TilesetError

TILESET_FILE = "tileset.json"


class FolderTarget:
    """Files in a folder; counts what it writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = 0
        self.bytes = 0

    def write(self, name: str, data: bytes) -> None:
        """Store `data` under `name`.

        Raises:
            TilesetError: the disk is full or the folder cannot be written.
        """
        path = self.folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except OSError as error:
            raise TilesetError(f"cannot be written ({error.strerror})", source=path, remedy=_REMEDY) from error
        self.files += 1
        self.bytes += len(data)

    def write_json(self, name: str, document: dict[str, Any]) -> None:
        """Store `document` under `name` without white space; NaN and infinity are refused, since JSON has none."""
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        self.write(name, text.encode("utf-8"))


_REMEDY = "free some disk space or choose another folder with -o"


@contextmanager
def replacing(folder: Path, *, marker: str = TILESET_FILE) -> Iterator[FolderTarget]:
    """Give a target whose files stand under `folder` once the block has ended without an error.

    The files are written beside `folder`, which is replaced by two renames; what stood there before is put back
    where the second fails, and an interrupted run leaves the old folder as it was.

    Args:
        folder: what to create; it may exist if it is empty or holds `marker`, which shows that it is ours to replace.
        marker: the file that must be there at the end.

    Raises:
        TilesetError: `folder` holds something else, or its parent cannot be written.
    """
    folder = folder.absolute()
    sweep(folder.parent, folder.name)
    _refuse_foreign(folder, marker)
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
    except OSError as error:
        raise TilesetError(f"cannot be created ({error.strerror})", source=folder, remedy=_REMEDY) from error
    try:
        yield FolderTarget(part)
        _swap(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def sweep(directory: Path, name: str = "*") -> None:
    """Put right what runs that were killed left in `directory` for the folder `name`, or for every folder.

    What they had begun is removed.  A folder that was moved away and never replaced is put back.
    """
    for part in directory.glob(f".{name}.*.part"):
        if _is_abandoned(part):
            shutil.rmtree(part, ignore_errors=True) if part.is_dir() else part.unlink(missing_ok=True)
    for old in directory.glob(f".{name}.*.old"):
        if _is_abandoned(old):
            folder = directory / old.name[1:].rsplit(".", 2)[0]
            shutil.rmtree(old, ignore_errors=True) if folder.exists() else old.rename(folder)


def _is_abandoned(path: Path) -> bool:
    """Return whether the process whose number is in the name of `path` is gone."""
    process = path.name.rsplit(".", 2)[-2]
    if not process.isdecimal():
        return False
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        return False
    return False


def _refuse_foreign(folder: Path, marker: str) -> None:
    if folder.is_dir():
        if any(folder.iterdir()) and not (folder / marker).is_file():
            raise TilesetError(
                f"the folder is not empty and holds no {marker}", source=folder, remedy="choose another folder with -o"
            )
    elif folder.exists() or folder.is_symlink():
        raise TilesetError("is a file, not a folder", source=folder, remedy="choose another folder with -o")


def _swap(part: Path, folder: Path) -> None:
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    try:
        if folder.exists():
            folder.rename(old)
        try:
            part.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
    except OSError as error:
        raise TilesetError(f"cannot be replaced ({error.strerror})", source=folder, remedy=_REMEDY) from error
    shutil.rmtree(old, ignore_errors=True)
