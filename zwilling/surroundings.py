"""What the twin has built around a sensor: the bounds of its building, and the height of the ground."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np

from sensor_overlay.registry.places import Box
from tiler import feature_index
from tiler.terrain.published import PublishedTerrain
from zwilling.layers import Extent, Layer, layers_directory, read_layers


class PublishedSurroundings:
    """The layers under a data folder, as `sensor_overlay.registry.places.Surroundings` wants them.

    Args:
        data: the data folder of the twin.
    """

    def __init__(self, data: Path) -> None:
        self._data = data

    def building(self, building_id: str) -> Box | None:
        """Return the bounds of the building with exactly this id, or None where no published layer has it."""
        for layer in self._layers:
            index = self._folder(layer) / feature_index.FILE_NAME
            if layer.kind == "buildings" and index.is_file():
                found = feature_index.find(index, building_id)
                if found is not None:
                    return Box(found.west, found.south, found.east, found.north, found.low, found.high)
        return None

    def ground(self, longitude: float, latitude: float) -> float | None:
        """Return metres of the ground above the ellipsoid, or None where no published layer tells."""
        for extent, terrain in self._terrains:
            if extent.west <= longitude <= extent.east and extent.south <= latitude <= extent.north:
                height = float(terrain.heights_at(np.array([[longitude, latitude]]))[0])
                if np.isfinite(height):
                    return height
        return None

    @cached_property
    def _layers(self) -> list[Layer]:
        return read_layers(self._data)

    @cached_property
    def _terrains(self) -> list[tuple[Extent, PublishedTerrain]]:
        found = ((layer.extent, PublishedTerrain.of(self._folder(layer))) for layer in self._layers)
        return [(extent, terrain) for extent, terrain in found if terrain is not None]

    def _folder(self, layer: Layer) -> Path:
        return layers_directory(self._data) / layer.id / layer.version
