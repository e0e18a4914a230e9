"""Files of a tileset: an address in a document becomes bytes, or a finding; nothing outside the folder is opened."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from tiler.check.fields import shown
from tiler.check.findings import Place

MAX_FILE_BYTES: Final = 512 * 2**20
_HAS_SCHEME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//")


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder of a tileset, with all links resolved; every file that is read lies in it."""

    root: Path

    def locate(self, uri: str, base: Path, place: Place) -> Path | None:
        """Return the file that `uri` leads to, relative to the folder `base`; None, and a finding, if it may not."""
        if _HAS_SCHEME.match(uri):
            place.report("URI_NOT_LOCAL", f"{shown(uri)} is not a relative address")
            return None
        name = unquote(re.split(r"[?#]", uri, maxsplit=1)[0])
        try:
            path = (base / name).resolve()
            is_inside = path.is_relative_to(self.root) and not name.startswith("/")
            is_file = path.is_file()
        except (OSError, ValueError, RuntimeError) as error:  # too long, a NUL byte, a loop of links
            place.report("IO_ERROR", f"{shown(uri)} cannot be opened: {error}")
            return None
        if not is_inside:
            place.report("URI_OUTSIDE_TILESET", f"{shown(uri)} leads out of the tileset's folder")
            return None
        if not is_file:
            place.report("IO_ERROR", f"{shown(uri)} is not there")
            return None
        return path


def read_bytes(path: Path, place: Place) -> bytes | None:
    """Return the content of a file; None, and a finding, if it cannot be read or is too large."""
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            place.report("TOO_LARGE", f"{size} bytes, more than {MAX_FILE_BYTES}")
            return None
        return path.read_bytes()
    except (OSError, ValueError) as error:
        place.report("IO_ERROR", f"cannot be read: {error}")
        return None


def decode_json(data: bytes, place: Place) -> tuple[Any] | None:
    """Return what a JSON file holds, in a tuple of one (JSON may be `null`); None, and a finding, if it is no JSON."""
    try:
        return (msgspec.json.decode(data),)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        place.report("JSON_PARSE_ERROR", f"is not JSON: {error}")
        return None
