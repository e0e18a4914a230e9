"""Which layers there are now: reads `layer.json` again as soon as a build has switched it."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from zwilling.errors import TilesetError
from zwilling.layers import LAYER_FILE, LAYER_ID, Layer, layers_directory, read_layer

PUBLIC = "public"

_log = logging.getLogger("zwilling.server")
_Signature = tuple[int, int, int]


class Catalogue:
    """The layers of one data folder, as they are at the moment of asking.

    Each question costs one `stat` per layer; a file that did not change is not read again.  A `layer.json` that
    cannot be read is logged once, and its layer is away until a build mends it; the others are not affected.
    """

    def __init__(self, data: Path) -> None:
        self._root = layers_directory(data)
        self._known: dict[str, tuple[_Signature, Layer | None]] = {}

    @property
    def root(self) -> Path:
        """The folder with one folder for each layer."""
        return self._root

    def public_layer(self, layer_id: str) -> Layer | None:
        """Return the layer with this id if everybody may see it.

        A layer that is hidden, broken or absent is None alike, so no answer can tell them apart.
        """
        if not LAYER_ID.fullmatch(layer_id):
            return None
        layer = self._read(layer_id)
        return layer if layer is not None and layer.access == PUBLIC else None

    def public_layers(self) -> tuple[Layer, ...]:
        """Return the layers that everybody may see, in the order of their ids."""
        layers = (self.public_layer(layer_id) for layer_id in self._ids())
        return tuple(layer for layer in layers if layer is not None)

    def broken(self) -> int:
        """Return how many layers are there but cannot be read."""
        return sum(self._read(layer_id) is None for layer_id in self._ids())

    def _ids(self) -> list[str]:
        """Return the ids of all layers on disk, whoever may see them.

        Raises:
            OSError: the data folder cannot be read; its absence is no error, nothing has been built then.
        """
        try:
            with os.scandir(self._root) as entries:
                names = [entry.name for entry in entries if LAYER_ID.fullmatch(entry.name)]
        except FileNotFoundError:
            return []
        return sorted(name for name in names if (self._root / name / LAYER_FILE).is_file())

    def _read(self, layer_id: str) -> Layer | None:
        directory = self._root / layer_id
        try:
            found = (directory / LAYER_FILE).stat()
        except OSError:
            self._known.pop(layer_id, None)
            return None
        signature = (found.st_mtime_ns, found.st_ino, found.st_size)
        known = self._known.get(layer_id)
        if known is not None and known[0] == signature:
            return known[1]
        layer = _read_or_log(directory)
        self._known[layer_id] = signature, layer
        return layer


def _read_or_log(directory: Path) -> Layer | None:
    try:
        layer = read_layer(directory)
        if layer.id != directory.name:
            raise TilesetError(
                f"states the id '{layer.id}'", source=directory / LAYER_FILE, remedy="build the layer anew"
            )
    except TilesetError as error:
        _log.error("layer is not shown: %s", error)
        return None
    return layer
