from __future__ import annotations

import email
import gzip
import json
import shutil
from email.message import Message
from pathlib import Path
from urllib.parse import urljoin

import brotli
import pytest

from server.tilesets import led_into
from tests.server.asgi import Client
from tests.server.conftest import CURRENT, GLB, HIDDEN, OLD, layer, tileset, write_version
from zwilling.layers import LAYER_FILE, switch_layer

TILES = f"/tiles/buildings/{CURRENT}"
ENTRY = "/tiles/buildings/tileset.json"
GROUND = f"{TILES}/ground.json"
DECODE = {"br": brotli.decompress, "gzip": gzip.decompress}


def test_versioned_files_are_kept_for_a_year(client: Client) -> None:
    response = client.get(f"{TILES}/content/0.glb")
    assert response.status_code == 200
    assert response.content == GLB
    assert response.headers["content-type"] == "model/gltf-binary"
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["accept-ranges"] == "bytes"
    assert response.headers["content-length"] == str(len(GLB))


def test_old_versions_stay_reachable(client: Client) -> None:
    assert client.get(f"/tiles/buildings/{OLD}/tileset.json").json() == tileset()


def test_a_client_that_resolves_against_the_address_it_asked_for_finds_every_tile(client: Client) -> None:
    response = client.get(ENTRY)
    assert response.status_code == 200  # no redirect: CesiumJS would resolve against the address before it
    assert response.headers["cache-control"] == "public, max-age=60"
    uris = [child["content"]["uri"] for child in response.json()["root"]["children"]]
    assert len(uris) == 60
    assert urljoin(f"http://host{ENTRY}", uris[0]) == f"http://host{TILES}/content/0.glb"
    assert client.get(urljoin(ENTRY, uris[0])).content == GLB


def test_the_entry_follows_a_new_build_at_once(client: Client, data: Path) -> None:
    before = client.get(ENTRY)
    switch_layer(data / "layers" / "buildings", layer("buildings", OLD))
    after = client.get(ENTRY, headers={"if-none-match": before.headers["etag"]})
    assert after.status_code == 200
    assert after.json()["root"]["children"][0]["content"]["uri"] == f"{OLD}/content/0.glb"


def test_all_kinds_of_uri_are_led_into_the_version() -> None:
    document = {
        "schemaUri": "schema.json",
        "root": {
            "contents": [{"uri": "a.glb"}, {"uri": "b.glb?x=1"}],
            "implicitTiling": {"subtrees": {"uri": "s/{level}.{x}.{y}.subtree"}},
            "children": [
                {
                    "content": {"uri": "https://elsewhere.example/t.json"},
                    "children": [{"content": {"uri": "deep.json"}}],
                },
                {"content": {"uri": "data:application/json,{}"}},
                {"content": {"uri": "//elsewhere.example/t.json"}},
            ],
        },
    }
    assert led_into("v", document) == {
        "schemaUri": "v/schema.json",
        "root": {
            "contents": [{"uri": "v/a.glb"}, {"uri": "v/b.glb?x=1"}],
            "implicitTiling": {"subtrees": {"uri": "v/s/{level}.{x}.{y}.subtree"}},
            "children": [
                {
                    "content": {"uri": "https://elsewhere.example/t.json"},
                    "children": [{"content": {"uri": "v/deep.json"}}],
                },
                {"content": {"uri": "data:application/json,{}"}},
                {"content": {"uri": "//elsewhere.example/t.json"}},
            ],
        },
    }


@pytest.mark.parametrize(
    "path",
    [
        "/tiles/buildings/tileset.json/",
        f"{TILES}/tileset.json/",
        f"{TILES}/",
        TILES,
        "/tiles/buildings/",
        "/tiles/buildings",
        "/tiles/",
        "/tiles",
        "/tiles/BUILDINGS/tileset.json",
        f"/tiles/buildings/{CURRENT.upper()}/tileset.json",
        f"{TILES}/Tileset.json",
        f"{TILES}/tileset.JSON",
        f"{TILES}/features.sqlite",
        f"{TILES}/report.json",
        f"{TILES}/.hidden.json",
        f"{TILES}/half.glb.part",
        f"{TILES}/notes.txt",
        f"{TILES}/tileset.json.br",
        f"{TILES}/tileset.json.gz",
        f"{TILES}/content",
        f"/tiles/buildings/{LAYER_FILE}",
        f"/tiles/buildings/{HIDDEN}/tileset.json",
        "/tiles/buildings/0/tileset.json",
    ],
)
def test_nothing_else_has_an_address(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


def pyramid(data: Path) -> Path:
    """Return the folder of a pyramid of pictures that holds nothing yet."""
    folder = data / "layers" / "buildings" / CURRENT / "imagery"
    folder.mkdir()
    (folder / "tiles.json").write_text(json.dumps({"tiles": ["{z}/{x}/{y}.webp"]}))
    return folder


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_hole_in_a_pyramid_of_pictures_is_no_error(client: Client, data: Path, method: str) -> None:
    folder = pyramid(data)
    picture = folder / "3" / "4" / "5.webp"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"RIFF\x04\x00\x00\x00WEBP")
    assert client.get(f"{TILES}/imagery/3/4/5.webp").content == picture.read_bytes()
    hole = client.request(method, f"{TILES}/imagery/3/4/6.webp")
    assert (hole.status_code, hole.content) == (204, b"")
    assert hole.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert hole.headers["access-control-allow-origin"] == "*"
    # No hole is where there is no pyramid, and a picture is not just any name.
    (folder / "tiles.json").unlink()
    assert client.request(method, f"{TILES}/imagery/3/4/6.webp").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        f"{TILES}/imagery/3/4/6.png",
        f"{TILES}/imagery/3/4/-6.webp",
        f"{TILES}/imagery/3/4/6.webp/",
        f"{TILES}/imagery/3/6.webp",
        f"{TILES}/content/3/4/6.webp",
        f"/tiles/buildings/{HIDDEN}/imagery/3/4/6.webp",
        f"/tiles/plan/{HIDDEN}/imagery/3/4/6.webp",
    ],
)
def test_only_holes_are_holes(client: Client, data: Path, path: str) -> None:
    pyramid(data)
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("headers", [{}, {"range": "bytes=0-1"}, {"if-none-match": "*"}])
@pytest.mark.parametrize("rest", ["tileset.json", f"{HIDDEN}/tileset.json", f"{HIDDEN}/content/0.glb"])
def test_a_hidden_layer_answers_like_none(client: Client, method: str, headers: dict[str, str], rest: str) -> None:
    hidden = client.request(method, f"/tiles/plan/{rest}", headers=headers)
    absent = client.request(method, f"/tiles/none/{rest}", headers=headers)
    assert hidden.status_code == absent.status_code == 404
    assert hidden.content == absent.content
    assert hidden.headers == absent.headers
    assert hidden.headers["cache-control"] == "private, no-store"


def test_encodings_are_stored_ready_and_have_tags_of_their_own(client: Client) -> None:
    plain = client.get(GROUND)
    packed = {coding: client.get(GROUND, headers={"accept-encoding": coding}) for coding in ("br", "gzip")}
    assert "content-encoding" not in plain.headers
    for coding, response in packed.items():
        assert response.headers["content-encoding"] == coding
        assert response.headers["content-type"] == "application/json"
        assert int(response.headers["content-length"]) < len(plain.content) / 4
        assert DECODE[coding](response.content) == plain.content
    everything = [plain, *packed.values()]
    assert len({response.headers["etag"] for response in everything}) == 3
    assert {response.headers["vary"] for response in everything} == {"Accept-Encoding"}


def test_not_modified_needs_the_tag_of_the_same_encoding(client: Client) -> None:
    etag = client.get(GROUND, headers={"accept-encoding": "br"}).headers["etag"]
    same = client.get(GROUND, headers={"accept-encoding": "br", "if-none-match": etag})
    other = client.get(GROUND, headers={"accept-encoding": "gzip", "if-none-match": etag})
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["etag"] == etag
    assert same.headers["vary"] == "Accept-Encoding"
    assert same.headers["cache-control"].endswith("immutable")
    assert "content-length" not in same.headers
    assert other.status_code == 200


@pytest.mark.parametrize("coding", ["br", "gzip"])
def test_a_range_of_an_encoded_file_is_of_the_encoded_bytes(client: Client, data: Path, coding: str) -> None:
    suffix = {"br": ".br", "gzip": ".gz"}[coding]
    stored = (data / "layers" / "buildings" / CURRENT / f"ground.json{suffix}").read_bytes()
    assert json.loads(DECODE[coding](stored))
    middle = len(stored) // 2
    etag = client.get(GROUND, headers={"accept-encoding": coding}).headers["etag"]
    pieces = b""
    for span in (f"0-{middle}", f"{middle + 1}-"):
        headers = {"accept-encoding": coding, "range": f"bytes={span}", "if-range": etag}
        response = client.get(GROUND, headers)
        assert response.status_code == 206
        assert response.headers["content-encoding"] == coding
        assert response.headers["content-range"].endswith(f"/{len(stored)}")
        pieces += response.content
    assert pieces == stored


def test_one_range(client: Client) -> None:
    response = client.get(f"{TILES}/content/0.glb", headers={"range": "bytes=4-7"})
    assert (response.status_code, response.content) == (206, GLB[4:8])
    assert response.headers["content-range"] == f"bytes 4-7/{len(GLB)}"
    assert response.headers["content-type"] == "model/gltf-binary"
    assert response.headers["content-length"] == "4"


def test_several_ranges_come_as_parts(client: Client) -> None:
    response = client.get(f"{TILES}/content/0.glb", headers={"range": "bytes=0-3,100-199,-5"})
    assert response.status_code == 206
    assert int(response.headers["content-length"]) == len(response.content)
    head = f"Content-Type: {response.headers['content-type']}\r\n\r\n".encode()
    # An independent reader of multipart: the one for mail.
    parts = email.message_from_bytes(head + response.content).get_payload()
    assert isinstance(parts, list)
    got = []
    for part in parts:
        assert isinstance(part, Message)
        assert part["Content-Type"] == "model/gltf-binary"
        got.append(part["Content-Range"])
    size = len(GLB)
    assert got == [f"bytes 0-3/{size}", f"bytes 100-199/{size}", f"bytes {size - 5}-{size - 1}/{size}"]
    assert all(wanted in response.content for wanted in (GLB[:4], GLB[100:200], GLB[-5:]))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"range": "bytes=999999-"}, 416),
        ({"range": "bytes=5-3"}, 200),
        ({"range": "lines=1-2"}, 200),
        ({"range": "bytes=0-0", "if-range": '"other"'}, 200),
        ({"range": "bytes=0-0", "if-none-match": "*"}, 304),
        ({"range": "bytes=0-0", "if-match": '"other"'}, 412),
    ],
)
def test_ranges_that_do_not_count(client: Client, headers: dict[str, str], status: int) -> None:
    response = client.get(f"{TILES}/content/0.glb", headers=headers)
    assert response.status_code == status
    if status == 416:
        assert response.headers["content-range"] == f"bytes */{len(GLB)}"
        assert response.content == b""
    if status == 200:
        assert response.content == GLB


@pytest.mark.parametrize("path", [f"{TILES}/content/0.glb", GROUND, ENTRY, "/", "/api/twin", "/healthz", "/nothing"])
def test_head_has_the_headers_of_get_and_no_body(client: Client, path: str) -> None:
    get, head = client.get(path), client.head(path)
    assert head.content == b""
    assert head.status_code == get.status_code
    assert head.headers == get.headers


def test_head_ignores_ranges(client: Client) -> None:
    response = client.head(f"{TILES}/content/0.glb", headers={"range": "bytes=0-3"})
    assert response.status_code == 200
    assert response.headers["content-length"] == str(len(GLB))


@pytest.mark.parametrize("path", [GROUND, ENTRY])
def test_a_client_that_refuses_every_encoding_is_told_so(client: Client, path: str) -> None:
    response = client.get(path, headers={"accept-encoding": "*;q=0"})
    assert response.status_code == 406
    assert response.json()["type"] == "/problems/not-acceptable"


def test_a_version_that_is_cleared_away_is_gone(client: Client, data: Path) -> None:
    assert client.get(f"/tiles/buildings/{OLD}/tileset.json").status_code == 200
    shutil.rmtree(data / "layers" / "buildings" / OLD)
    # What was asked for a moment ago may still be remembered: tests/server/test_files.py has the clock.
    assert client.get(f"/tiles/buildings/{OLD}/content/0.glb").status_code == 404


def test_a_version_built_anew_under_its_name_is_served_as_it_is_now(client: Client, data: Path) -> None:
    before = client.get(ENTRY).headers["etag"]
    folder = data / "layers" / "buildings" / CURRENT
    shutil.rmtree(folder)
    write_version(folder, [])
    (folder / "content" / "0.glb").write_bytes(GLB * 2)
    (folder / "tileset.json").write_text(json.dumps(tileset(3)))
    assert client.get(f"{TILES}/content/0.glb").content == GLB * 2
    assert client.get(ENTRY).headers["etag"] != before


def test_an_entry_without_its_version_is_absent(client: Client, data: Path) -> None:
    switch_layer(data / "layers" / "buildings", layer("buildings", "f" * 16))
    assert client.get(ENTRY).status_code == 404
