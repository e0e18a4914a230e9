"""HTTP around SensorThings: methods, credentials, caches, encodings, other origins."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from sensor_overlay.instants import DAY, now
from sensor_overlay.store.opening import open_store
from tests.sensor_overlay.alerts.school import School, school_rules
from tests.sensor_overlay.sensorthings.running import RunningServer
from tests.sensor_overlay.sensorthings.twin import run
from zwilling.sensor_settings import LevelSettings, RuleSettings, SensorSettings

MEASUREMENT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
STREAM = {
    "name": "CO2",
    "observationType": MEASUREMENT,
    "unitOfMeasurement": {"name": "Teile je Million", "symbol": "ppm", "definition": "https://ucum.org/ucum#x"},
    "Sensor": {"name": "ERS", "encodingType": "text/plain", "metadata": "x"},
    "ObservedProperty": {"name": "CO2", "definition": "https://d.example/co2"},
    "Observations": [{"result": number, "phenomenonTime": f"2026-11-20T08:{number:02}:00Z"} for number in range(30)],
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with a public thing, 1, and one of staff, 2."""
    folder = tmp_path_factory.mktemp("twin")
    with RunningServer(folder, str(folder / "zwilling.db")) as running:
        with running.client(running.writer) as client:
            public = {"name": "=HYPERLINK(1)", "properties": {"access": "public"}, "Datastreams": [STREAM]}
            assert client.post("/Things", json=public).status_code == 201
            assert client.post("/Things", json={"name": "R 102"}).status_code == 201
        yield running


@pytest.fixture
def client(server: RunningServer) -> Iterator[httpx.Client]:
    """Somebody without a token."""
    with server.client() as made:
        yield made


def test_the_root_answers_with_and_without_a_slash(client: httpx.Client, server: RunningServer) -> None:
    plain, slashed = httpx.get(server.url), httpx.get(server.url + "/")
    assert plain.status_code == slashed.status_code == 200
    assert plain.content == slashed.content
    assert plain.headers["content-type"] == "application/json"
    assert client.get("/Things/").json() == client.get("/Things").json()


def test_head_is_get_without_its_body(client: httpx.Client) -> None:
    got, head = client.get("/Observations"), client.head("/Observations")
    assert head.content == b""
    assert {**head.headers, "date": ""} == {**got.headers, "date": ""}
    assert client.head("/Things(2)").status_code == 404


def test_the_public_may_keep_an_answer_as_long_as_it_is_true(client: httpx.Client, server: RunningServer) -> None:
    first = client.get("/Observations", headers={"accept-encoding": "identity"})
    assert first.headers["cache-control"] == "no-cache"
    assert "Authorization" in first.headers["vary"]
    again = client.get("/Observations", headers={"accept-encoding": "identity", "if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    packed = client.get("/Observations", headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["etag"] != first.headers["etag"]
    assert packed.content == first.content
    with server.client(server.reader) as reader:
        assert reader.get("/Things").headers["cache-control"] == "private, no-store"


def test_other_pages_may_read_and_ask_what_else(client: httpx.Client) -> None:
    assert client.get("/Things").headers["access-control-allow-origin"] == "*"
    assert client.get("/Things(9)").headers["access-control-allow-origin"] == "*"
    asked = client.options("/Things", headers={"origin": "https://e.example", "access-control-request-method": "POST"})
    assert "POST" in asked.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in asked.headers


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
def test_only_holders_of_the_right_write(client: httpx.Client, server: RunningServer, method: str) -> None:
    refused = client.request(method, "/Things(1)", json={"name": "x"})
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    with server.client(server.reader) as reader:
        assert reader.request(method, "/Things(1)", json={"name": "x"}).status_code == 403
    with server.client(server.narrow) as narrow:
        assert narrow.request(method, "/Things(2)", json={"name": "x"}).status_code in (404, 405)
    assert client.get("/Things(1)/name/$value").text == "=HYPERLINK(1)"


def test_an_address_tells_what_it_takes(server: RunningServer) -> None:
    with server.client(server.writer) as writer:
        asked = [("POST", "/Things(1)"), ("DELETE", "/Things"), ("PATCH", "/Things(1)/name"), ("POST", "/Things/$ref")]
        answers = [writer.request(method, path, json={}) for method, path in asked]
    assert {answer.status_code for answer in answers} == {405}
    assert [answer.headers["allow"].removeprefix("GET, HEAD, OPTIONS") for answer in answers] == [
        ", PATCH, PUT, DELETE",
        ", POST",
        "",
        "",
    ]


def test_a_token_that_nobody_knows_is_refused_even_for_reading(server: RunningServer) -> None:
    with server.client("zw_nothing") as somebody:
        assert somebody.get("/Things").status_code == 401
    for credentials in ("x", base64.b64encode(b"anybody:wrong").decode(), "%%%"):
        assert httpx.get(f"{server.url}/Things", headers={"authorization": f"Basic {credentials}"}).status_code == 401


def test_a_token_may_come_as_a_password(server: RunningServer) -> None:
    answer = httpx.get(f"{server.url}/Things", auth=("anybody", server.reader))
    assert [thing["name"] for thing in answer.json()["value"]] == ["=HYPERLINK(1)", "R 102"]


def test_what_is_hidden_and_what_is_not_there_look_alike(client: httpx.Client) -> None:
    hidden, absent = client.get("/Things(2)/Datastreams"), client.get("/Things(3)/Datastreams")
    assert (hidden.status_code, hidden.content) == (absent.status_code, absent.content)
    assert hidden.status_code == 404
    left_out = ("date", "content-length")
    assert [h for h in hidden.headers.items() if h[0] not in left_out] == [
        h for h in absent.headers.items() if h[0] not in left_out
    ]


def test_mistakes_are_told_as_frosts_clients_expect_it(client: httpx.Client) -> None:
    answer = client.get("/Things", params={"$filter": "nme eq 1"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    document = answer.json()
    assert (document["status"], document["code"]) == (400, 400)
    assert "nme" in document["message"]
    assert "character 1" in document["detail"]


def test_a_body_must_be_json_and_not_too_large(server: RunningServer) -> None:
    with server.client(server.writer) as writer:
        plain = writer.post("/Things", content=b'{"name": "x"}', headers={"content-type": "text/plain"})
        assert plain.status_code == 415
        large = writer.post("/Things", content=b" " * (26 << 20), headers={"content-type": "application/json"})
        assert large.status_code == 413
        utf8 = writer.post("/Things", content=b'{"x', headers={"content-type": "application/json; charset=utf-8"})
        assert utf8.status_code == 400


def test_links_lead_where_the_client_came_from(client: httpx.Client) -> None:
    there = client.get("/Things", headers={"host": "twin.example:8443", "x-forwarded-proto": "https"}).json()
    assert there["value"][0]["@iot.selfLink"] == "https://twin.example:8443/sta/v1.1/Things(1)"
    assert client.get("/Things", headers={"host": 'x"><script>'}).status_code == 400


def test_links_to_next_pages_are_followed_over_http(client: httpx.Client) -> None:
    target = "/Observations?$top=7&$orderby=result desc&$select=result&$filter=result ge 0 and Datastream/name eq 'CO2'"
    results: list[int] = []
    while target:
        page = client.get(target).json()
        results += [entry["result"] for entry in page["value"]]
        target = page.get("@iot.nextLink", "")
    assert results == list(reversed(range(30)))


def test_tables_for_spreadsheets(client: httpx.Client) -> None:
    answer = client.get("/Things?$resultFormat=CSV&$select=name")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text == "name\r\n'=HYPERLINK(1)\r\n"  # no formula
    page = client.get("/Observations?$resultFormat=CSV&$select=result&$top=2")
    following = page.headers["link"].partition(">")[0].removeprefix("<")
    assert client.get(following).text == "result\r\n2\r\n3\r\n"


def test_making_answers_with_the_address_and_the_content(server: RunningServer, client: httpx.Client) -> None:
    with server.client(server.writer) as writer:
        made = writer.post(
            "/Datastreams(1)/Observations", json={"result": 99, "phenomenonTime": "2026-11-20T09:00:00Z"}
        )
        assert made.status_code == 201
        location = made.headers["location"]
        assert client.get(location).json() == made.json()
        assert writer.patch(location, json={"result": 98}).json()["result"] == 98
        assert writer.delete(location).status_code == 200
        assert client.get(location).status_code == 404


def test_what_is_posted_raises_an_alert_by_the_rules_of_the_twin(tmp_path: Path) -> None:
    database = tmp_path / "zwilling.db"
    store = run(open_store(str(database)))
    school = School(store, school_rules(), now() - DAY)
    run(school.add("a81758fffe000204", access="public"))
    run(school.hear(("a81758fffe000204", 600)))
    run(store.close())
    level = LevelSettings(name="lüften", above=1000, text="{room}: bitte lüften, {value}")
    settings = SensorSettings(rule=[RuleSettings(id="co2", observed_property="co2", level=[level])])
    with RunningServer(tmp_path, str(database), settings) as running, running.client(running.writer) as writer:
        assert writer.post("/Datastreams(1)/Observations", json={"result": 1240}).status_code == 201
        (alert,) = writer.get(running.url.replace("/sta/v1.1", "/api/alerts")).json()["alerts"]
        assert alert["text"] == "Raum 204: bitte lüften, 1.240"
