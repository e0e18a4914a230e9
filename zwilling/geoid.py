"""The official quasigeoid grid GCG2016 of the BKG: where it lies on this machine, and how it gets there."""

from __future__ import annotations

import hashlib
import http.client
import os
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from zwilling.errors import SourceError

GRID = "de_bkg_gcg2016.tif"
GRID_SHA256 = "598f18324dea7f8e72421d18add7ac6228259adf91eeb335cc9c27d98484f7ac"
GRID_URL = f"https://cdn.proj.org/{GRID}"
ATTRIBUTION = "Quasigeoid GCG2016: © Bundesamt für Kartographie und Geodäsie (BKG), CC BY 4.0"

_LARGEST = 5_000_000  # bytes; the grid has 995,647


def default_folder() -> Path:
    """Return the user's folder for grids: `$XDG_DATA_HOME/zwilling/proj`, else `~/.local/share/zwilling/proj`."""
    home = os.environ.get("XDG_DATA_HOME", "")
    # The XDG specification says to ignore a relative path.
    base = Path(home) if Path(home).is_absolute() else Path.home() / ".local" / "share"
    return base / "zwilling" / "proj"


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of a file, in lower-case hexadecimal."""
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def is_installed(*, folder: Path | None = None) -> bool:
    """Return whether the grid lies in `folder` (default: `default_folder()`)."""
    return ((folder or default_folder()) / GRID).is_file()


def install(file: Path, *, folder: Path | None = None, force: bool = False) -> Path:
    """Return where the grid `file` was copied to, after its checksum was found right.

    Args:
        file: a copy of the official grid, under any name.
        folder: where to put it; `default_folder()` if None.
        force: also take a file whose checksum is another (a later edition).

    Raises:
        SourceError: the file cannot be read, or is not that grid, or the folder cannot be written.
    """
    try:
        size = file.stat().st_size
        content = file.read_bytes() if size <= _LARGEST else b""
    except OSError as error:
        raise SourceError(f"cannot be read ({error.strerror})", source=file, remedy=f"pass the file {GRID}") from error
    if not content:
        raise SourceError(f"has {size} bytes and is not a quasigeoid grid", source=file, remedy=f"pass {GRID}")
    return _store(content, source=file, folder=folder, force=force)


def download(*, folder: Path | None = None, url: str = GRID_URL, timeout_s: float = 30.0) -> Path:
    """Return where the grid was put after it was fetched from PROJ's server.

    Raises:
        SourceError: there is no way to the server, or what came is not the grid.
    """
    by_hand = f"fetch {GRID} on another machine and run 'zwilling geoid install FILE'"
    if not url.startswith("https://"):
        raise SourceError("only https is accepted", source=url, remedy=by_hand)
    try:
        # Whatever a redirect leads to, the checksum decides.
        with urllib.request.urlopen(url, timeout=timeout_s) as response:  # noqa: S310
            content = response.read(_LARGEST + 1)
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        reason = getattr(error, "reason", None) or error
        raise SourceError(f"cannot be fetched ({reason})", source=url, remedy=by_hand) from error
    if len(content) > _LARGEST:
        raise SourceError(f"is larger than {_LARGEST} bytes, so it is not the grid", source=url, remedy=by_hand)
    return _store(content, source=url, folder=folder, force=False)


def _store(content: bytes, *, source: object, folder: Path | None, force: bool) -> Path:
    found = hashlib.sha256(content).hexdigest()
    if found != GRID_SHA256 and not force:
        raise SourceError(
            f"is not the official {GRID} (SHA-256 {found}, expected {GRID_SHA256})",
            source=source,
            remedy="fetch it anew",
        )
    target = (folder or default_folder()) / GRID
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Beside the target, so that the last step is a rename: PROJ never opens half a grid.
        handle, part = tempfile.mkstemp(prefix=f".{GRID}.", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            Path(part).chmod(0o644)
            Path(part).replace(target)
        except BaseException:
            Path(part).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise SourceError(f"cannot be written ({error.strerror})", source=target, remedy="free or own it") from error
    return target
