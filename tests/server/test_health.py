from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from server.app import create_app
from server.catalogue import Catalogue
from tests.server.asgi import Client
from tests.server.conftest import CURRENT
from zwilling.layers import LAYER_FILE


def test_alive_whatever_the_data_is_like(tmp_path: Path) -> None:
    client = Client(create_app(tmp_path / "nowhere", None, title="T"))
    assert client.get("/healthz").json() == {"status": "alive"}


def test_ready_names_the_public_layers_alone(client: Client) -> None:
    reply = client.get("/readyz")
    assert (reply.status_code, reply.json()) == (200, {"status": "ready", "layers": ["buildings"], "broken": 0})
    assert reply.headers["cache-control"] == "private, no-store"


def test_not_ready_before_the_first_build(tmp_path: Path) -> None:
    reply = Client(create_app(tmp_path, None, title="T")).get("/readyz")
    assert reply.status_code == 503
    assert reply.json()["type"] == "/problems/unavailable"
    assert reply.json()["detail"] == "Noch ist keine Ebene gebaut."


def test_not_ready_where_the_tiles_of_a_layer_are_gone(client: Client, data: Path) -> None:
    shutil.rmtree(data / "layers" / "buildings" / CURRENT)
    reply = client.get("/readyz")
    assert reply.status_code == 503
    assert "buildings" in reply.json()["detail"]


def test_a_broken_layer_degrades_and_the_last_one_stops(client: Client, data: Path) -> None:
    (data / "layers" / "plan" / LAYER_FILE).write_text("{")
    assert client.get("/readyz").json() == {"status": "degraded", "layers": ["buildings"], "broken": 1}
    (data / "layers" / "buildings" / LAYER_FILE).write_text("{")
    reply = client.get("/readyz")
    assert reply.status_code == 503
    assert "Protokoll" in reply.json()["detail"]


def test_not_ready_where_the_folder_cannot_be_read(client: Client, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Tests run as root too, whom no permission stops: a file in the folder's place is what os.scandir refuses.
    shutil.rmtree(data / "layers")
    (data / "layers").write_text("")
    reply = client.get("/readyz")
    assert reply.status_code == 503
    assert "nicht lesbar" in reply.json()["detail"]


def test_an_unchanged_layer_is_read_once(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[Path] = []
    original = Path.read_bytes

    def counted(path: Path) -> bytes:
        reads.append(path)
        return original(path)

    monkeypatch.setattr(Path, "read_bytes", counted)
    catalogue = Catalogue(data)
    for _ in range(5):
        assert catalogue.public_layer("buildings") is not None
    assert len(reads) == 1
