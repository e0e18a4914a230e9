"""3D Tiles: `/tiles/<layer>/tileset.json` for now, `/tiles/<layer>/<version>/…` for ever."""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from server.catalogue import Catalogue
from server.documents import Document
from server.files import FileStore, needs_no_decoding
from zwilling.layers import VERSION, Layer

PREFIX = "/tiles/"
MEDIA_TYPES = {
    ".json": "application/json",
    ".glb": "model/gltf-binary",
    ".gltf": "model/gltf+json",
    ".bin": "application/octet-stream",
    ".subtree": "application/octet-stream",
    ".terrain": "application/vnd.quantized-mesh",
    ".webp": "image/webp",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".ktx2": "image/ktx2",
}
"""What may be served from a version's folder; all else there is the build's own business."""

RESERVED = frozenset({"report.json"})
"""Not served: it names the files and folders of the machine that built."""

IMMUTABLE = "public, max-age=31536000, immutable"
CURRENT = "public, max-age=60"
_ENTRY = "tileset.json"
_PICTURE = re.compile(r"[^/]+/imagery/\d{1,2}/\d{1,9}/\d{1,9}\.webp")


class Tilesets:
    """Serves the public layers' tilesets.

    `/tiles/<layer>/tileset.json` is the current version's tileset with its relative URIs led into the versioned
    folder.  A redirect would be shorter, but CesiumJS and 3DTilesRendererJS resolve relative URIs against the
    address they asked for, not the one they were led to, and would look for every tile in the wrong place.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._files = FileStore(catalogue.root, MEDIA_TYPES, reserved=RESERVED)
        self._current: dict[str, tuple[tuple[str, int], Document]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request for a path below `PREFIX`."""
        relative = scope["path"].removeprefix(PREFIX)
        layer_id, _, rest = relative.partition("/")
        layer = self._catalogue.public_layer(layer_id) if needs_no_decoding(scope) else None
        if layer is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        if rest == _ENTRY:
            document = await asyncio.get_running_loop().run_in_executor(None, self._entry, layer)
            await document.response(scope, CURRENT)(scope, receive, send)
            return
        version, _, _ = rest.partition("/")
        if not VERSION.fullmatch(version):
            raise HTTPException(HTTPStatus.NOT_FOUND)
        try:
            await self._files.respond(relative, scope, send, IMMUTABLE)
        except HTTPException as error:
            if error.status_code != HTTPStatus.NOT_FOUND or not await self._is_empty_picture(layer, version, rest):
                raise
            empty = Response(status_code=HTTPStatus.NO_CONTENT, headers={"cache-control": IMMUTABLE})
            await empty(scope, receive, send)

    async def _is_empty_picture(self, layer: Layer, version: str, rest: str) -> bool:
        """Return whether a pyramid of pictures has nothing at a place.

        That is no fault: clients know a pyramid's bounds, not its holes, and browsers log each 404 as an error.
        """
        if _PICTURE.fullmatch(rest) is None:
            return False
        pyramid = self._catalogue.root / layer.id / version / "imagery/tiles.json"
        return await asyncio.get_running_loop().run_in_executor(None, pyramid.is_file)

    def _entry(self, layer: Layer) -> Document:
        """Return the current tileset of a layer, made anew only when the version changes."""
        path = self._catalogue.root / layer.id / layer.version / _ENTRY
        try:
            state = layer.version, path.stat().st_mtime_ns
            known = self._current.get(layer.id)
            if known is None or known[0] != state:
                known = state, Document(led_into(layer.version, msgspec.json.decode(path.read_bytes())))
                self._current[layer.id] = known
        except FileNotFoundError:
            raise HTTPException(HTTPStatus.NOT_FOUND) from None
        return known[1]


def led_into(folder: str, tileset: dict[str, Any]) -> dict[str, Any]:
    """Return the tileset as it must read one folder above its own: each relative URI leads into `folder`.

    `tileset` is changed in place.  External tilesets and subtrees keep their URIs: those are resolved against
    their own addresses, which lie in the folder already.

    Spec: 3D Tiles 1.1 (OGC 22-025r4), `core-uris`.

    Example:
        >>> led_into("v1", {"root": {"content": {"uri": "0.glb"}, "children": [{"content": {"uri": "/a.glb"}}]}})
        {'root': {'content': {'uri': 'v1/0.glb'}, 'children': [{'content': {'uri': '/a.glb'}}]}}
    """
    _lead(tileset, "schemaUri", folder)
    tiles = [tileset["root"]]
    while tiles:
        tile = tiles.pop()
        contents = [*tile.get("contents", ()), *([tile["content"]] if "content" in tile else ())]
        for content in contents:
            _lead(content, "uri", folder)
        _lead(tile.get("implicitTiling", {}).get("subtrees", {}), "uri", folder)
        tiles += tile.get("children", ())
    return tileset


def _lead(owner: dict[str, Any], key: str, folder: str) -> None:
    uri = owner.get(key)
    if isinstance(uri, str):
        address = urlsplit(uri)
        if not address.scheme and not address.netloc and not address.path.startswith("/"):
            owner[key] = f"{folder}/{uri}"


def tileset_path(layer: Layer) -> str:
    """Return the address of a layer's current version, for clients that keep what they load."""
    return f"{PREFIX}{layer.id}/{layer.version}/{_ENTRY}"


def part_path(layer: Layer, root: Path, marker: str, address: str = "") -> str | None:
    """Return the address of something that only some versions hold, or None where the current one has no `marker`.

    Args:
        root: folder that holds the layers.
        marker: a file of it, relative to the version's folder.
        address: what clients ask for, relative to the version's address; `marker` itself if empty.
    """
    is_there = (root / layer.id / layer.version / marker).is_file()
    return f"{PREFIX}{layer.id}/{layer.version}/{address or marker}" if is_there else None
