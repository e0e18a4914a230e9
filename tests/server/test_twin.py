from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from server.app import create_app
from tests.server.asgi import Client
from tests.server.conftest import BUILDING, CURRENT, OLD, layer, write_version
from tiler.feature_index import FeatureLocation
from zwilling.layers import LAYER_FILE, switch_layer

ITEM = "/api/collections/buildings/items/"


def test_the_description_is_what_the_viewer_expects(client: Client) -> None:
    reply = client.get("/api/twin")
    assert reply.status_code == 200
    assert reply.headers["cache-control"] == "no-cache"
    assert reply.json() == {
        "title": "Rhein-Kreis Neuss",
        "has_sensors": False,
        "is_synthetic": False,
        "attribution": ["Geobasis NRW", "BKG"],
        "layers": [
            {
                "id": "buildings",
                "title": "Gebäude",
                "kind": "buildings",
                "tileset": f"/tiles/buildings/{CURRENT}/tileset.json",
                "ground": f"/tiles/buildings/{CURRENT}/ground.json",
                "terrain": None,
                "imagery": None,
                "item": "/api/collections/buildings/items/{id}",
                "extent": {"west": 6.6, "south": 51.1, "east": 6.75, "north": 51.25, "low": 30.0, "high": 150.0},
                "licence": "dl-de/zero-2-0",
                "attribution": ["Geobasis NRW", "BKG"],
                "date": "2025-05-22",
                "is_synthetic": False,
            }
        ],
    }


def test_every_address_in_the_description_leads_somewhere(client: Client) -> None:
    (described,) = client.get("/api/twin").json()["layers"]
    for address in (described["tileset"], described["ground"], described["item"].replace("{id}", BUILDING.id)):
        assert client.get(address).status_code == 200


def test_a_switch_is_seen_with_the_next_request(client: Client, data: Path) -> None:
    before = client.get("/api/twin").headers["etag"]
    assert client.get("/api/twin", headers={"if-none-match": before}).status_code == 304
    switch_layer(data / "layers" / "buildings", layer("buildings", OLD, synthetic=True))
    after = client.get("/api/twin", headers={"if-none-match": before})
    assert after.status_code == 200
    assert after.json()["is_synthetic"] is True
    assert OLD in after.json()["layers"][0]["tileset"]


def test_a_layer_that_is_published_or_hidden_later(client: Client, data: Path) -> None:
    staff = data / "layers" / "plan"
    hidden = client.get("/api/collections/plan/items/" + BUILDING.id)
    absent = client.get("/api/collections/none/items/" + BUILDING.id)
    assert (hidden.status_code, hidden.content, hidden.headers) == (404, absent.content, absent.headers)
    switch_layer(staff, layer("plan", "00112233445566cc"))
    assert [found["id"] for found in client.get("/api/twin").json()["layers"]] == ["buildings", "plan"]
    assert client.get("/api/collections/plan/items/" + BUILDING.id).status_code == 200
    switch_layer(staff, layer("plan", "00112233445566cc", access="crisis"))
    assert [found["id"] for found in client.get("/api/twin").json()["layers"]] == ["buildings"]
    assert client.get("/api/collections/plan/items/" + BUILDING.id).status_code == 404


def test_ground_is_null_where_the_source_told_none(client: Client, data: Path) -> None:
    (data / "layers" / "buildings" / OLD / "ground.json").unlink()
    switch_layer(data / "layers" / "buildings", layer("buildings", OLD))
    assert client.get("/api/twin").json()["layers"][0]["ground"] is None


def test_what_a_globe_needs_is_named_where_a_layer_has_it(client: Client, data: Path) -> None:
    folder = data / "layers" / "buildings" / CURRENT
    for name, content in (
        ("terrain/layer.json", b"{}"),
        ("terrain/0/0/0.terrain", b"mesh"),
        ("imagery/tiles.json", b"{}"),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    switch_layer(data / "layers" / "buildings", layer("buildings", CURRENT, synthetic=True))
    (described,) = client.get("/api/twin").json()["layers"]
    assert client.get(described["terrain"] + "layer.json").status_code == 200
    assert client.get(described["imagery"]).status_code == 200
    tile = client.get(described["terrain"] + "0/0/0.terrain")
    assert (tile.headers["content-type"], tile.content) == ("application/vnd.quantized-mesh", b"mesh")
    assert client.get("/tiles/buildings/layer.json").status_code == 404


def test_nothing_built_is_an_empty_twin(tmp_path: Path) -> None:
    reply = Client(create_app(tmp_path / "nowhere", None, title="T")).get("/api/twin")
    assert reply.json() == {
        "title": "T",
        "has_sensors": False,
        "is_synthetic": False,
        "attribution": [],
        "layers": [],
    }


@pytest.mark.parametrize("broken", [b"", b"{", b"[]", b'{"id": "b"}', b"\xff\xfe", b"[" * 100_000])
def test_one_broken_layer_does_not_take_the_others_away(client: Client, data: Path, broken: bytes) -> None:
    folder = data / "layers" / "broken"
    folder.mkdir()
    (folder / LAYER_FILE).write_bytes(broken)
    assert [found["id"] for found in client.get("/api/twin").json()["layers"]] == ["buildings"]
    assert client.get("/tiles/broken/tileset.json").status_code == 404


def test_a_layer_in_the_wrong_folder_is_not_shown(client: Client, data: Path) -> None:
    (data / "layers" / "copy").mkdir()
    switch_layer(data / "layers" / "copy", layer("buildings", CURRENT))
    assert [found["id"] for found in client.get("/api/twin").json()["layers"]] == ["buildings"]


def test_an_item_is_a_geojson_feature_with_its_bounds_in_space(client: Client) -> None:
    reply = client.get(ITEM + BUILDING.id)
    assert reply.headers["content-type"] == "application/geo+json"
    assert reply.json() == {
        "type": "Feature",
        "id": "DENW43AL00001j2W",
        "bbox": [6.60, 51.19, 81.5, 6.61, 51.20, 93.25],
        "geometry": None,
        "properties": {"layer": "buildings", "tile": "content/0.glb"},
    }


@pytest.mark.parametrize(
    "wrong",
    [
        "DENW43AL00001J2W",
        "denw43al00001j2w",
        "DENW43AL00001j2W/",
        " DENW43AL00001j2W",
        "",
        "%00",
        "'%20OR%201=1--",
        "%ff",
    ],
)
def test_ids_are_taken_to_the_letter(client: Client, wrong: str) -> None:
    assert client.get(ITEM + wrong).status_code == 404


@pytest.mark.parametrize("feature_id", ["a/b", "a%2Fb", "Straße 7 #3?", "{id}", "..", "ü̈ 🏠", "a+b c", "\u202eabc"])
def test_any_id_can_be_asked_for(data: Path, feature_id: str) -> None:
    version = "00112233445566dd"
    write_version(data / "layers" / "odd" / version, [FeatureLocation(feature_id, 6, 51, 6, 51, 0, 1, "0.glb")])
    switch_layer(data / "layers" / "odd", layer("odd", version))
    client = Client(create_app(data, None, title="T"))
    reply = client.get("/api/collections/odd/items/" + quote(feature_id, safe=""))
    assert reply.status_code == 200
    assert reply.json()["id"] == feature_id


def test_a_damaged_index_is_our_fault_and_tells_no_path(client: Client, data: Path) -> None:
    (data / "layers" / "buildings" / CURRENT / "features.sqlite").write_bytes(b"no database at all" * 100)
    reply = client.get(ITEM + BUILDING.id)
    assert reply.status_code == 500
    assert reply.json() == {
        "type": "/problems/internal-error",
        "title": "Interner Fehler",
        "status": 500,
        "detail": "Der Server konnte die Anfrage nicht beantworten. Der Fehler steht im Protokoll.",
    }
    assert str(data).encode() not in reply.content
