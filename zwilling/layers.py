"""A layer on disk: what a build leaves and the server reads.

```
<data>/layers/<layer>/layer.json                 title, access, licence, extent, current version
<data>/layers/<layer>/<version>/tileset.json …   immutable; version = hash of inputs and options
<data>/layers/<layer>/<version>/features.sqlite  where each feature is (never served as a file)
<data>/layers/<layer>/<version>/ground.json      coarse ground heights, where the source tells them
<data>/layers/<layer>/<version>/report.json      what went in, what came out, what was lost
<data>/layers/<layer>/<version>/report.html      the same as a page for people
```

A build writes a new version beside the current one and switches `layer.json` by one atomic rename, so a
reader never sees half a build and the previous version can be brought back.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from zwilling.errors import TilesetError

LAYER_FILE = "layer.json"
LAYER_ID = re.compile(r"[a-z][a-z0-9-]{0,62}")
VERSION = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Extent:
    """Region that a layer covers: degrees (ETRS89/WGS 84, longitude first) and ellipsoidal metres."""

    west: float
    south: float
    east: float
    north: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Layer:
    """One published layer, as `layer.json` states it.

    Attributes:
        id: matches `LAYER_ID`; part of URLs.
        title: German name for people.
        kind: `buildings`, `ground` or `points`.
        access: `public`, `staff` or `crisis`; the server shows `public` layers alone until accounts exist.
        licence: SPDX id or name of the data's licence.
        attribution: lines that must be shown with the data, in German.
        extent: what the current version covers.
        version: the current version, matches `VERSION`.
        is_synthetic: the data was generated and shows no real place.
        date: day that the data is of (ISO 8601), as far as the source tells; empty where it does not.
    """

    id: str
    title: str
    kind: str
    access: str
    licence: str
    attribution: tuple[str, ...]
    extent: Extent
    version: str
    is_synthetic: bool = False
    date: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the content of `layer.json`."""
        document: dict[str, Any] = msgspec.to_builtins(self)
        return document

    @classmethod
    def from_json(cls, document: object, *, source: object) -> Layer:
        """Return the layer that a parsed `layer.json` states.

        Raises:
            TilesetError: a key is missing or has the wrong type.
        """
        try:
            layer = msgspec.convert(document, cls)
        except msgspec.ValidationError as error:
            raise TilesetError(str(error), source=source, remedy="build the layer anew") from error
        if not LAYER_ID.fullmatch(layer.id) or not VERSION.fullmatch(layer.version):
            raise TilesetError("id or version is malformed", source=source, remedy="build the layer anew")
        return layer

    def with_version(self, version: str) -> Layer:
        """Return the layer switched to another version."""
        return replace(self, version=version)


def layers_directory(data: Path) -> Path:
    """Return the folder that holds one folder for each layer."""
    return data / "layers"


def read_layer(directory: Path) -> Layer:
    """Return the layer that `directory` publishes.

    Raises:
        TilesetError: there is no `layer.json`, or it is broken.
    """
    path = directory / LAYER_FILE
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise TilesetError("no such layer", source=path, remedy="run 'zwilling build'") from None
    except (OSError, ValueError, RecursionError) as error:
        raise TilesetError(f"cannot be read ({error})", source=path, remedy="build the layer anew") from error
    return Layer.from_json(document, source=path)


def read_layers(data: Path) -> list[Layer]:
    """Return every published layer under `data`, in the order of their ids; none where nothing was built."""
    root = layers_directory(data)
    if not root.is_dir():
        return []
    return [read_layer(child) for child in sorted(root.iterdir()) if (child / LAYER_FILE).is_file()]


def switch_layer(directory: Path, layer: Layer) -> None:
    """Make `layer.version` the current version for readers, by one atomic rename."""
    part = directory / f".{LAYER_FILE}.{os.getpid()}.part"
    part.write_text(json.dumps(layer.to_json(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    with part.open("rb") as handle:
        os.fsync(handle.fileno())
    part.replace(directory / LAYER_FILE)
