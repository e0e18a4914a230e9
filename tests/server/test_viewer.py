from __future__ import annotations

from pathlib import Path

import brotli
import pytest

from server.app import create_app
from tests.server.asgi import Client


def test_the_page_is_asked_for_anew_each_time(client: Client) -> None:
    reply = client.get("/?gebaeude=DENW43AL00001j2W")
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert reply.headers["cache-control"] == "no-cache"
    again = client.get("/", headers={"if-none-match": reply.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_names_made_from_the_content_are_kept_for_ever(client: Client) -> None:
    reply = client.get("/assets/index-Bx7_kQ2a.js", headers={"accept-encoding": "gzip, br"})
    assert reply.headers["cache-control"].endswith("immutable")
    assert reply.headers["content-type"] == "text/javascript; charset=utf-8"
    assert reply.headers["content-encoding"] == "br"
    assert brotli.decompress(reply.content) == b"export {};\n" * 500
    wasm = client.get("/assets/meshopt-DEADbeef.wasm")
    assert wasm.headers["content-type"] == "application/wasm"


def test_the_parts_that_workers_share_are_kept_too(client: Client, viewer: Path) -> None:
    (viewer / "cesium" / "Workers" / "chunk-D63Z7KKL.js").write_text("export {};\n")
    assert client.get("/cesium/Workers/chunk-D63Z7KKL.js").headers["cache-control"].endswith("immutable")


def test_other_files_are_asked_for_anew(client: Client) -> None:
    reply = client.get("/cesium/Workers/createTask.js")
    assert reply.status_code == 200
    assert reply.headers["cache-control"] == "no-cache"
    assert "etag" in reply.headers


def test_the_icon_that_browsers_ask_for(client: Client, viewer: Path) -> None:
    reply = client.get("/favicon.ico")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "image/svg+xml")
    (viewer / "favicon.ico").write_bytes(b"\0\0\1\0")
    assert client.get("/favicon.ico").headers["content-type"] == "image/x-icon"


@pytest.mark.parametrize("exists", [True, False])
def test_without_a_viewer_the_page_says_what_to_do(data: Path, tmp_path: Path, exists: bool) -> None:
    folder = tmp_path / "not-built"
    client = Client(create_app(data, folder if exists else None, title="T"))
    reply = client.get("/")
    assert reply.status_code == 503
    assert "Der Viewer ist noch nicht gebaut" in reply.content.decode()
    assert "make viewer" in reply.content.decode()
    assert client.get("/favicon.ico").status_code == 204
    assert client.get("/assets/index-Bx7_kQ2a.js").status_code == 404
    assert client.get("/api/twin").status_code == 200


def test_a_viewer_built_later_is_served_without_a_restart(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "dist"
    client = Client(create_app(data, folder, title="T"))
    assert client.get("/").status_code == 503
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html>built")
    assert client.get("/").content == b"<!doctype html>built"
