"""A twin on disk as builds leave it: one public layer with two versions, one that only staff may see."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from server.app import create_app
from tests.server.asgi import Client
from tiler import feature_index
from tiler.feature_index import FeatureLocation
from tiler.precompress import precompress
from zwilling.layers import Extent, Layer, switch_layer

CURRENT = "00112233445566aa"
OLD = "00112233445566bb"
HIDDEN = "00112233445566cc"
EXTENT = Extent(6.60, 51.10, 6.75, 51.25, 30.0, 150.0)
GLB = b"glTF\x02\x00\x00\x00" + bytes(range(256)) * 200
BUILDING = FeatureLocation("DENW43AL00001j2W", 6.60, 51.19, 6.61, 51.20, 81.5, 93.25, "content/0.glb")
SECRET = b"canary-in-a-file-nobody-may-read"


def tileset(count: int = 60) -> dict[str, Any]:
    """Return a tileset whose root has `count` children with a content each."""
    volume = {"region": [0.1152, 0.8918, 0.1178, 0.8945, 30.0, 150.0]}
    children = [
        {"boundingVolume": volume, "geometricError": 0, "content": {"uri": f"content/{number}.glb"}}
        for number in range(count)
    ]
    root = {"boundingVolume": volume, "geometricError": 64, "refine": "REPLACE", "children": children}
    return {"asset": {"version": "1.1"}, "geometricError": 512, "root": root}


def write_version(folder: Path, features: list[FeatureLocation]) -> None:
    """Write one version of a layer: what is served, and what must not be."""
    (folder / "content").mkdir(parents=True)
    (folder / "tileset.json").write_text(json.dumps(tileset()))
    (folder / "content" / "0.glb").write_bytes(GLB)
    (folder / "ground.json").write_text(json.dumps({"heights": [1.5] * 2000}))
    (folder / "report.json").write_text(json.dumps({"sources": ["/home/somebody/lod2.gml"]}))
    feature_index.write(folder / feature_index.FILE_NAME, features)
    (folder / ".hidden.json").write_bytes(SECRET)
    (folder / "half.glb.part").write_bytes(SECRET)
    (folder / "notes.txt").write_bytes(SECRET)
    precompress(folder)


def layer(layer_id: str, version: str, *, access: str = "public", synthetic: bool = False) -> Layer:
    """Return a layer as a build would state it."""
    return Layer(
        id=layer_id,
        title="Gebäude",
        kind="buildings",
        access=access,
        licence="dl-de/zero-2-0",
        attribution=("Geobasis NRW", "BKG"),
        extent=EXTENT,
        version=version,
        is_synthetic=synthetic,
        date="2025-05-22",
    )


@pytest.fixture(scope="session")
def prepared_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `data` is a copy of: its databases and encodings take long to write."""
    folder = tmp_path_factory.mktemp("prepared") / "data"
    write_version(folder / "layers" / "buildings" / CURRENT, [BUILDING])
    write_version(folder / "layers" / "buildings" / OLD, [])
    switch_layer(folder / "layers" / "buildings", layer("buildings", CURRENT))
    write_version(folder / "layers" / "plan" / HIDDEN, [BUILDING])
    switch_layer(folder / "layers" / "plan", layer("plan", HIDDEN, access="staff"))
    shutil.copytree(folder / "layers" / "buildings" / OLD, folder / "layers" / "buildings" / "backup")
    (folder / "zwilling.db").write_bytes(SECRET)
    (folder / "secret.json").write_bytes(SECRET)
    (folder / "layers-old").mkdir()
    (folder / "layers-old" / "secret.json").write_bytes(SECRET)
    return folder


@pytest.fixture
def data(tmp_path: Path, prepared_data: Path) -> Path:
    """Data folder with the layers `buildings` (public) and `plan` (staff), and a secret beside them."""
    return shutil.copytree(prepared_data, tmp_path / "data")


@pytest.fixture
def viewer(tmp_path: Path) -> Path:
    """Folder as the viewer's build leaves it."""
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "cesium" / "Workers").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><html lang=de><title>Zwilling</title>" + " " * 2000)
    (folder / "assets" / "index-Bx7_kQ2a.js").write_text("export {};\n" * 500)
    (folder / "assets" / "meshopt-DEADbeef.wasm").write_bytes(b"\0asm" + bytes(2000))
    (folder / "cesium" / "Workers" / "createTask.js").write_text("self.onmessage = () => {};\n")
    (folder / "favicon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / ".vite").mkdir()
    (folder / ".vite" / "manifest.json").write_bytes(SECRET)
    precompress(folder)
    return folder


@pytest.fixture
def client(data: Path, viewer: Path) -> Client:
    """Client of the whole application, without a network."""
    return Client(create_app(data, viewer, title="Rhein-Kreis Neuss"))
