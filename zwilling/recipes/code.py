"""Which program made the tiles."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import citygml
import orthophotos
import pointclouds
import tiler
import zwilling


@cache
def code_hash() -> str:
    """Return a hash of everything that shapes tiles: a checkout between two releases must not trust old ones."""
    digest = hashlib.sha256()
    for package in (zwilling, citygml, orthophotos, pointclouds, tiler):
        folder = Path(next(iter(package.__path__)))
        for file in sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".tsv", ".toml")):
            digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()
