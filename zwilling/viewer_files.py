"""Where the built viewer lies: in a checkout beside the rooms, in an installed wheel inside this package."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def viewer_directory() -> Path | None:
    """Return the folder with the viewer's `index.html`, or None where no viewer has been built.

    In a checkout that is `viewer/dist`, written by `make viewer`; an installed wheel carries a copy
    (see `hatch_build.py`).  A checkout never looks for the copy, so a stale one cannot be served.
    """
    checkout = PACKAGE.parent / "viewer"
    folder = checkout / "dist" if (checkout / "package.json").is_file() else PACKAGE / "viewer_dist"
    return folder if (folder / "index.html").is_file() else None
