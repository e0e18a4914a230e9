"""Attempts to read what is not served.  Each is sent as written; a client library would tidy it up."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from tests.server.asgi import Client
from tests.server.conftest import CURRENT, GLB, HIDDEN, SECRET

STARTS = (f"/tiles/buildings/{CURRENT}/", "/tiles/buildings/", "/tiles/", "/", "/assets/", "/cesium/Workers/")
UPWARDS = (
    "../",
    "..%2f",
    "..%2F",
    "%2e%2e/",
    "%2e%2e%2f",
    ".%2e/",
    "%252e%252e%252f",
    "..%252f",
    "..\\",
    "..%5c",
    "%2e%2e%5c",
    "..;/",
    "....//",
    ".../",
    "./../",
    "content/../../",
    "%c0%ae%c0%ae/",
    "%c0%ae%c0%ae%c0%af",
    "%uff0e%uff0e/",
    "..%00/",
    "%00../",
    "//",
    "/./",
)
ONE_OFF = (
    f"/tiles/buildings/{CURRENT}/tileset.json%00",
    f"/tiles/buildings/{CURRENT}/tileset.json%00.glb",
    f"/tiles/buildings/{CURRENT}/features.sqlite%00.json",
    f"/tiles/buildings/{CURRENT}/features.sqlite/.json",
    f"/tiles/buildings/{CURRENT}/features.sqlite?.json",
    f"/tiles/buildings/{CURRENT}/features.sqlite;.json",
    f"/tiles/buildings/{CURRENT}/tileset.json::$DATA",
    f"/tiles/buildings/{CURRENT}/tileset.json.",
    f"/tiles/buildings/{CURRENT}/tileset.json%20",
    f"/tiles/buildings/{CURRENT}/%74ileset.json",  # an address of its own kind: files have one spelling
    f"/tiles/buildings%2f{CURRENT}/tileset.json",
    f"/tiles/buildings//{CURRENT}/tileset.json",
    f"//tiles/buildings/{CURRENT}/tileset.json",
    f"/tiles/buildings/{CURRENT}//tileset.json",
    f"/tiles/buildings/{CURRENT}/./tileset.json",
    f"/tiles/buildings/{CURRENT}/content/..",
    f"/tiles/./buildings/{CURRENT}/tileset.json",
    f"/tiles/plan/../buildings/{CURRENT}/tileset.json",
    f"/tiles/buildings/../plan/{HIDDEN}/tileset.json",
    f"/tiles/buildings-old/{CURRENT}/secret.json",
    "/tiles/../layers-old/secret.json",
    "/tiles/..-old/secret.json",
    "/layers-old/secret.json",
    "/data/secret.json",
    "/tiles//etc/passwd",
    "/tiles/buildings//etc/passwd",
    "/etc/passwd",
    "//etc/passwd",
    "/C:/Windows/win.ini",
    "/\\\\server\\share\\a.json",
    "/.vite/manifest.json",
    "/assets/../.vite/manifest.json",
    "/index.html/",
    "/assets/index%2DBx7_kQ2a.js",
    "/%69ndex.html",
    "/tiles/buildings/backup/tileset.json",
    "/assets",
    "/assets/",
    "/server/app.py",
    "/tiles/buildings/" + "a/" * 2000 + "tileset.json",
    f"/tiles/buildings/{CURRENT}/" + "a" * 300 + ".json",
    "http://other.example/tiles/buildings/tileset.json",
    "*",
)
TARGETS = ("secret.json", "zwilling.db", "features.sqlite", "layers-old/secret.json", "etc/passwd")


def climbs(up: str) -> list[str]:
    """Return every address that tries to climb with `up`."""
    return [f"{start}{up * depth}{target}" for start, depth, target in itertools.product(STARTS, (1, 3, 8), TARGETS)]


def test_there_are_sixty_forms_and_more() -> None:
    assert len(UPWARDS) + len(ONE_OFF) >= 60
    assert len({address for up in UPWARDS for address in climbs(up)}) > 1000


@pytest.mark.parametrize("target", ONE_OFF)
def test_odd_addresses_lead_nowhere(client: Client, target: str) -> None:
    reply = client.get(target)
    assert reply.status_code in (404, 414)
    assert SECRET not in reply.content
    assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("up", UPWARDS)
def test_climbing_leads_nowhere(client: Client, up: str) -> None:
    for target in climbs(up):
        reply = client.get(target)
        assert reply.status_code == 404, target
        assert SECRET not in reply.content, target


def test_symbolic_links_are_not_followed(client: Client, data: Path, tmp_path: Path) -> None:
    version = data / "layers" / "buildings" / CURRENT
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "0.json").write_bytes(SECRET)
    (version / "link.json").symlink_to(outside / "0.json")
    (version / "index.json").symlink_to(version / "features.sqlite")
    (version / "folder").symlink_to(outside)
    (version / "hidden").symlink_to(data / "layers" / "plan" / HIDDEN)
    (version / "plain.json").write_bytes(b"{}" * 600)
    (version / "plain.json.br").symlink_to(outside / "0.json")
    for name in ("link.json", "index.json", "folder/0.json", "hidden/tileset.json"):
        assert client.get(f"/tiles/buildings/{CURRENT}/{name}").status_code == 404, name
    reply = client.get(f"/tiles/buildings/{CURRENT}/plain.json", headers={"accept-encoding": "br"})
    assert (reply.status_code, reply.content) == (200, b"{}" * 600)


def test_the_data_folder_itself_may_be_reached_over_a_link(data: Path, viewer: Path, tmp_path: Path) -> None:
    from server.app import create_app

    (tmp_path / "alias").symlink_to(data)
    client = Client(create_app(tmp_path / "alias", viewer, title="T"))
    assert client.get(f"/tiles/buildings/{CURRENT}/content/0.glb").content == GLB


def test_special_files_are_not_opened(client: Client, data: Path) -> None:
    os.mkfifo(data / "layers" / "buildings" / CURRENT / "pipe.json")  # opening it would wait for a writer
    assert client.get(f"/tiles/buildings/{CURRENT}/pipe.json").status_code == 404
