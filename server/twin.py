"""What the viewer asks first: `/api/twin`, and where one feature is: `/api/collections/<layer>/items/<id>`."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from server.catalogue import Catalogue
from server.documents import Document
from server.tilesets import part_path, tileset_path
from tiler import feature_index
from zwilling.layers import Layer

REVALIDATE = "no-cache"
ITEM_LASTS = "public, max-age=60"
GEOJSON = "application/geo+json"


class Twin:
    """Answers about the layers of one twin, always from what `layer.json` says now."""

    def __init__(self, catalogue: Catalogue, title: str, *, has_sensors: bool = False) -> None:
        self._catalogue = catalogue
        self._title = title
        self._has_sensors = has_sensors
        self._described: tuple[tuple[Layer, ...], Document] | None = None

    async def describe(self, request: Request) -> Response:
        """Return title, layers, and what must be said about their data."""
        document = await asyncio.get_running_loop().run_in_executor(None, self._describe)
        return document.response(request.scope, REVALIDATE)

    async def item(self, request: Request) -> Response:
        """Return one feature of a layer as a GeoJSON Feature: its id, its 3D bounds and the tile that holds it.

        Its geometry is in the tile and not repeated here: the Feature is unlocated in the sense of RFC 7946, 3.2.

        Raises:
            HTTPException: 404, where no such layer is public or it has no such feature.
        """
        layer = self._catalogue.public_layer(request.path_params["layer"])
        if layer is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        index = self._catalogue.root / layer.id / layer.version / feature_index.FILE_NAME
        feature_id = request.path_params["id"]
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(None, feature_index.find, index, feature_id)
        if found is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return Document(feature(layer, found), GEOJSON).response(request.scope, ITEM_LASTS)

    def _describe(self) -> Document:
        layers = self._catalogue.public_layers()
        if self._described is None or self._described[0] != layers:
            self._described = layers, Document(self._description(layers))
        return self._described[1]

    def _description(self, layers: tuple[Layer, ...]) -> dict[str, Any]:
        return {
            "title": self._title,
            "has_sensors": self._has_sensors,
            "is_synthetic": any(layer.is_synthetic for layer in layers),
            "attribution": list(dict.fromkeys(line for layer in layers for line in layer.attribution)),
            "layers": [
                {
                    "id": layer.id,
                    "title": layer.title,
                    "kind": layer.kind,
                    "tileset": tileset_path(layer),
                    "ground": part_path(layer, self._catalogue.root, "ground.json"),
                    "terrain": part_path(layer, self._catalogue.root, "terrain/layer.json", "terrain/"),
                    "imagery": part_path(layer, self._catalogue.root, "imagery/tiles.json"),
                    "item": f"/api/collections/{layer.id}/items/{{id}}",
                    "extent": asdict(layer.extent),
                    "licence": layer.licence,
                    "attribution": list(layer.attribution),
                    "date": layer.date or None,
                    "is_synthetic": layer.is_synthetic,
                }
                for layer in layers
            ],
        }


def feature(layer: Layer, place: feature_index.FeatureLocation) -> dict[str, Any]:
    """Return a GeoJSON Feature; `bbox` is west, south, low, east, north, high (RFC 7946, 5)."""
    return {
        "type": "Feature",
        "id": place.id,
        "bbox": [place.west, place.south, place.low, place.east, place.north, place.high],
        "geometry": None,
        "properties": {"layer": layer.id, "tile": place.tile},
    }
