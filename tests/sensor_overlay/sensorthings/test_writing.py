"""Making, changing and deleting (OGC 18-088, 10), in both databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from sensor_overlay.access import PUBLIC, Principal, Right
from sensor_overlay.instants import DAY, MINUTE, now, text
from sensor_overlay.sensorthings import answering, changing
from sensor_overlay.sensorthings.errors import BadRequestError, NotFoundError, RefusedError
from sensor_overlay.sensorthings.json_patch import patched
from sensor_overlay.store.opening import Store, open_store
from tests.sensor_overlay.alerts.school import School, school_rules
from tests.sensor_overlay.sensorthings.twin import EVERYTHING, ROOT, run

CARETAKER = Principal("caretaker", frozenset({"public", "staff"}), frozenset({Right.WRITE}), frozenset({"S01"}))
MEASUREMENT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
POINT = {"type": "Point", "coordinates": [6.68, 51.2, 40.5]}
SENSOR = {"name": "ERS", "description": "", "encodingType": "text/plain", "metadata": "x"}
PROPERTY = {"name": "CO2", "definition": "https://d.example/co2", "description": ""}
LOCATION = {"name": "Schule", "description": "", "encodingType": "application/geo+json", "location": POINT}
DATASTREAM = {
    "name": "CO2",
    "description": "",
    "observationType": MEASUREMENT,
    "unitOfMeasurement": {"name": "Teile je Million", "symbol": "ppm", "definition": "https://ucum.org/ucum#x"},
    "Sensor": SENSOR,
    "ObservedProperty": PROPERTY,
}
THING = {
    "name": "R 101",
    "description": "Raum",
    "properties": {"colour": "blue", "site": "S01", "access": "public"},
    "Locations": [LOCATION],
    "Datastreams": [{**DATASTREAM, "Observations": [{"result": 5, "phenomenonTime": "2026-11-20T08:00:00Z"}]}],
}

BACKWARDS = "2026-11-20T09:00:00Z/2026-11-20T08:00:00Z"


@pytest.fixture
def empty(database_url: str) -> Iterator[Store]:
    """A store with nothing in it."""
    store = run(open_store(database_url))
    yield store
    run(store.close())


def post(store: Store, path: str, document: Any, principal: Principal = EVERYTHING) -> Any:
    """Return what was made, whose address must be that of its content."""
    answer = run(changing.create(store, principal, path, msgspec.json.encode(document), ROOT))
    made = msgspec.json.decode(answer.body)
    assert answer.status == HTTPStatus.CREATED
    if isinstance(made, dict):
        assert answer.location == made["@iot.selfLink"]
    return made


def patch(store: Store, path: str, document: Any, kind: str = "application/json", *, whole: bool = False) -> Any:
    body = msgspec.json.encode(document)
    answer = run(changing.change(store, EVERYTHING, path, body, ROOT, is_whole=whole, media_type=kind))
    return msgspec.json.decode(answer.body)


def delete(store: Store, path: str, principal: Principal = EVERYTHING) -> None:
    run(changing.remove(store, principal, path, ROOT))


def get(store: Store, target: str, principal: Principal = EVERYTHING) -> Any:
    path, _, query = target.partition("?")
    answer = run(answering.read(store, principal, path, quote(query, safe="&=$;(),/'"), ROOT))
    return msgspec.json.decode(answer.body)


def names(store: Store, path: str) -> list[str]:
    return [entry["name"] for entry in get(store, path)["value"]]


def test_a_thing_comes_with_all_that_stands_inside_it(empty: Store) -> None:
    made = post(empty, "Things", THING)
    assert made["properties"] == {"colour": "blue", "site": "S01"}  # who may see it is told to nobody
    whole = get(
        empty,
        f"Things({made['@iot.id']})?$expand=Locations,HistoricalLocations/Locations,"
        "Datastreams($expand=Sensor,ObservedProperty,Observations/FeatureOfInterest)",
    )
    assert whole["Locations"][0]["location"] == POINT
    assert [then["Locations"] for then in whole["HistoricalLocations"]] == [whole["Locations"]]
    [datastream] = whole["Datastreams"]
    assert (datastream["Sensor"]["name"], datastream["ObservedProperty"]["name"]) == ("ERS", "CO2")
    assert datastream["phenomenonTime"] == "2026-11-20T08:00:00Z/2026-11-20T08:00:00Z"
    assert datastream["observedArea"] == POINT
    [observation] = datastream["Observations"]
    assert observation["result"] == 5
    assert observation["FeatureOfInterest"]["feature"] == POINT
    # Only what the client said is public: the next one is not.
    other = post(empty, "Things", {"name": "R 102"})
    assert [thing["name"] for thing in get(empty, "Things", PUBLIC)["value"]] == ["R 101"]
    with pytest.raises(NotFoundError):
        get(empty, f"Things({other['@iot.id']})", PUBLIC)


def test_observations_are_made_below_their_datastream_with_links_and_without(empty: Store) -> None:
    post(empty, "Things", THING)
    [stream] = get(empty, "Datastreams")["value"]
    key = stream["@iot.id"]
    first = post(empty, f"Datastreams({key})/Observations", {"result": 776, "phenomenonTime": "2026-11-20T09:00:00Z"})
    feature = {"name": "Luft", "description": "", "encodingType": "application/geo+json", "feature": POINT}
    second = post(
        empty,
        "Observations",
        {
            "result": {"level": 3},
            "phenomenonTime": "2026-11-20T09:00:00+01:00/2026-11-20T10:00:00+01:00",
            "resultTime": "2026-11-20T10:00:01.5Z",
            "validTime": "2026-11-20T00:00:00Z/2026-11-21T00:00:00Z",
            "parameters": {"by": "Meier"},
            "resultQuality": "gut",
            "Datastream": {"@iot.id": key},
            "FeatureOfInterest": feature,
        },
    )
    assert second["phenomenonTime"] == "2026-11-20T08:00:00Z/2026-11-20T09:00:00Z"
    assert second["resultTime"] == "2026-11-20T10:00:01.500Z"
    assert (second["result"], second["parameters"], second["resultQuality"]) == ({"level": 3}, {"by": "Meier"}, "gut")
    assert get(empty, f"Observations({second['@iot.id']})/FeatureOfInterest")["name"] == "Luft"
    assert get(empty, f"Observations({first['@iot.id']})/FeatureOfInterest")["name"] == "Schule"
    assert len(get(empty, "FeaturesOfInterest")["value"]) == 2  # the location's was made once
    now = post(empty, f"Datastreams({key})/Observations", {"result": "Text"})
    assert now["phenomenonTime"] > "2026"
    newest = get(empty, f"Datastreams({key})?$expand=Observations($top=1;$orderby=phenomenonTime desc;$count=true)")
    assert newest["Observations"][0]["result"] == "Text"
    assert newest["Observations@iot.count"] == 4


def test_data_arrays_are_stored_row_by_row(empty: Store) -> None:
    post(empty, "Things", THING)
    key = get(empty, "Datastreams")["value"][0]["@iot.id"]
    array = {
        "Datastream": {"@iot.id": key},
        "components": ["phenomenonTime", "result", "FeatureOfInterest/id"],
        "dataArray@iot.count": 3,
        "dataArray": [
            ["2026-11-20T08:01:00Z", 1, None],
            ["yesterday", 2, None],
            ["2026-11-20T08:02:00Z", 3, 1],
            ["2026-11-20T08:02:00Z"],
            ["2026-11-20T08:03:00Z", 4, 99],
        ],
    }
    links = post(empty, "CreateObservations", [array])
    assert [link.startswith("error") for link in links] == [False, True, False, True, True]
    assert links[0].startswith(f"{ROOT}/Observations(")
    found = get(empty, f"Datastreams({key})/Observations?$resultFormat=dataArray&$select=phenomenonTime,result")
    assert found["value"][0]["dataArray"] == [
        ["2026-11-20T08:00:00Z", 5],
        ["2026-11-20T08:01:00Z", 1],
        ["2026-11-20T08:02:00Z", 3],
    ]
    assert get(empty, "Observations?$count=true&$top=0")["@iot.count"] == 3


def test_a_thing_moves_and_its_past_is_kept(empty: Store) -> None:
    key = post(empty, "Things", THING)["@iot.id"]
    elsewhere = {**LOCATION, "name": "Turnhalle", "location": {"type": "Point", "coordinates": [6.7, 51.1]}}
    post(empty, f"Things({key})/Locations", elsewhere)
    assert names(empty, f"Things({key})/Locations") == ["Turnhalle"]
    past = get(empty, f"Things({key})/HistoricalLocations?$expand=Locations")["value"]
    assert [then["Locations"][0]["name"] for then in past] == ["Schule", "Turnhalle"]
    patch(empty, f"Things({key})", {"Locations": [{"@iot.id": 1}]})
    assert names(empty, f"Things({key})/Locations") == ["Schule"]
    assert len(get(empty, f"Things({key})/HistoricalLocations")["value"]) == 3
    # The public sees where a public thing is, and was.
    assert len(get(empty, "Locations", PUBLIC)["value"]) == 2


def test_the_newest_of_its_past_is_where_a_thing_is(empty: Store) -> None:
    post(empty, "Things", THING)
    post(empty, "Locations", {**LOCATION, "name": "Turnhalle"})
    then = {"Thing": {"@iot.id": 1}, "Locations": [{"@iot.id": 2}]}
    post(empty, "HistoricalLocations", {"time": "2020-01-01T00:00:00Z", **then})
    assert names(empty, "Things(1)/Locations") == ["Schule"]
    post(empty, "HistoricalLocations", {"time": "2098-01-01T00:00:00Z", **then})
    assert names(empty, "Things(1)/Locations") == ["Turnhalle"]


def test_links_are_changed_from_either_side(empty: Store) -> None:
    post(empty, "Things", THING)
    post(empty, "Things", {"name": "R 102"})
    patch(empty, "Things(2)", {"Datastreams": [{"@iot.id": 1}]})
    assert names(empty, "Things(2)/Datastreams") == ["CO2"]
    patch(empty, "Locations(1)", {"Things": [{"@iot.id": 2}]})
    assert names(empty, "Things(2)/Locations") == ["Schule"]
    made = post(empty, "Datastreams", {**DATASTREAM, "name": "other", "Thing": {"@iot.id": 1}})
    patch(empty, f"Datastreams({made['@iot.id']})", {"Observations": [{"@iot.id": 1}]})
    assert "phenomenonTime" not in get(empty, "Datastreams(1)")
    assert get(empty, f"Datastreams({made['@iot.id']})/Observations?$count=true")["@iot.count"] == 1
    post(empty, "Locations", {**LOCATION, "name": "Turnhalle"})
    for _ in range(2):  # said again, it is the same
        patch(empty, "HistoricalLocations(1)", {"Locations": [{"@iot.id": 1}, {"@iot.id": 2}]})
    assert names(empty, "HistoricalLocations(1)/Locations") == ["Schule", "Turnhalle"]
    patch(empty, "HistoricalLocations(1)", {"Locations": [{"@iot.id": 2}]})
    assert names(empty, "HistoricalLocations(1)/Locations") == ["Turnhalle"]
    with pytest.raises(BadRequestError, match="links alone"):
        patch(empty, "Things(2)", {"Datastreams": [DATASTREAM]})


def test_patch_changes_what_it_names_and_put_all(empty: Store) -> None:
    post(empty, "Things", THING)
    changed = patch(empty, "Things(1)", {"name": "R 103", "@iot.id": 1})
    assert (changed["name"], changed["description"], changed["properties"]["colour"]) == ("R 103", "Raum", "blue")
    changed = patch(empty, "Things(1)", {"properties": {"n": 1}})
    assert changed["properties"] == {"n": 1, "site": "S01"}
    changed = patch(empty, "Things(1)", {"name": "R 104"}, whole=True)
    assert (changed["name"], changed["description"], changed.get("properties")) == ("R 104", "", {"site": "S01"})
    operations = [
        {"op": "add", "path": "/properties/tags", "value": ["a"]},
        {"op": "add", "path": "/properties/tags/-", "value": "b"},
        {"op": "test", "path": "/name", "value": "R 104"},
        {"op": "replace", "path": "/name", "value": "R 105"},
    ]
    changed = patch(empty, "Things(1)", operations, changing.JSON_PATCH)
    assert (changed["name"], changed["properties"]) == ("R 105", {"tags": ["a", "b"], "site": "S01"})
    with pytest.raises(BadRequestError):
        patch(empty, "Things(1)", [{"op": "test", "path": "/name", "value": "no"}], changing.JSON_PATCH)
    moved = patch(empty, "Locations(1)", {"location": {"type": "Point", "coordinates": [7.0, 51.0]}})
    assert moved["location"]["coordinates"] == [7.0, 51.0]
    near = "Things?$filter=geo.distance(Locations/location,geography'POINT(7 51)') lt 0.1"
    assert len(get(empty, near)["value"]) == 1


def test_observations_that_change_or_go_change_what_is_latest(empty: Store) -> None:
    post(empty, "Things", THING)
    newer = post(empty, "Datastreams(1)/Observations", {"result": 9, "phenomenonTime": "2026-11-20T10:00:00Z"})
    latest = "Datastreams(1)?$expand=Observations($top=1;$orderby=phenomenonTime desc;$count=true)"
    assert get(empty, latest)["Observations"][0]["result"] == 9
    patch(empty, f"Observations({newer['@iot.id']})", {"phenomenonTime": "2025-06-01T00:00:00Z"})
    found = get(empty, latest)
    assert (found["Observations"][0]["result"], found["Observations@iot.count"]) == (5, 2)
    assert found["phenomenonTime"] == "2025-06-01T00:00:00Z/2026-11-20T08:00:00Z"
    delete(empty, f"Observations({newer['@iot.id']})")
    found = get(empty, latest)
    assert (found["Observations@iot.count"], found["phenomenonTime"]) == (
        1,
        "2026-11-20T08:00:00Z/2026-11-20T08:00:00Z",
    )


@pytest.mark.parametrize(
    ("path", "gone", "left"),
    [
        ("Things(1)", ["Things", "HistoricalLocations", "Datastreams", "Observations"], ["Locations", "Sensors"]),
        ("Locations(1)", ["Locations", "HistoricalLocations"], ["Things", "Datastreams", "Observations"]),
        ("Datastreams(1)", ["Datastreams", "Observations"], ["Things", "Sensors", "ObservedProperties"]),
        ("Sensors(1)", ["Sensors", "Datastreams", "Observations"], ["Things", "ObservedProperties"]),
        ("ObservedProperties(1)", ["ObservedProperties", "Datastreams", "Observations"], ["Things", "Sensors"]),
        ("HistoricalLocations(1)", ["HistoricalLocations"], ["Things", "Locations", "Observations"]),
        ("FeaturesOfInterest(1)", ["FeaturesOfInterest", "Observations"], ["Things", "Datastreams"]),
    ],
)
def test_a_deletion_takes_with_it_what_cannot_be_alone(
    empty: Store, path: str, gone: list[str], left: list[str]
) -> None:
    post(empty, "Things", THING)
    delete(empty, path)
    assert {plural: len(get(empty, plural)["value"]) for plural in gone} == dict.fromkeys(gone, 0)
    assert {plural: len(get(empty, plural)["value"]) for plural in left} == dict.fromkeys(left, 1)
    assert get(empty, "Observations?$count=true&$top=0")["@iot.count"] == ("Observations" in left)
    with pytest.raises(NotFoundError):
        delete(empty, path)


@pytest.mark.parametrize(
    ("path", "document", "says"),
    [
        ("Things", {}, "name is missing"),
        ("Things", {"name": 5}, "is a text"),
        ("Things", {"name": "x", "colour": 1}, "has no 'colour'"),
        ("Things", {"name": "x", "@iot.id": 7}, "ids are given by the service"),
        ("Things", {"name": "x", "properties": []}, "JSON object"),
        ("Things", {"name": "x", "properties": {"access": "all"}}, "one of public"),
        ("Things", {"name": "x", "properties": {"site": 7}}, "is a text"),
        ("Things", {"name": "a\0b"}, "characters"),
        ("Things", [], "JSON object"),
        ("Things", {"name": "x", "Datastreams": [{"name": "y"}]}, "observationType is missing"),
        ("Things", {"name": "x", "Datastreams": [{"@iot.id": 99}]}, "no Datastream with @iot.id 99"),
        ("Things", {"name": "x", "Locations": [{"@iot.id": "a"}]}, "whole number"),
        ("Locations", {**LOCATION, "location": {"type": "Point", "coordinates": [6.6]}}, "no GeoJSON"),
        ("Locations", {**LOCATION, "location": {"type": "Point", "coordinates": [2564000, 5671000]}}, "outside"),
        ("Locations", {**LOCATION, "location": "Neuss"}, "no GeoJSON"),
        ("Datastreams", DATASTREAM, "Thing is missing"),
        ("Datastreams(1)/Observations", {}, "result is missing"),
        ("Datastreams(1)/Observations", {"result": 1, "phenomenonTime": "now"}, "no time"),
        ("Datastreams(1)/Observations", {"result": 1, "phenomenonTime": BACKWARDS}, "ends before"),
        ("Datastreams(1)/Observations", {"result": 1, "validTime": "2026-11-20T08:00:00Z"}, "interval"),
        ("Datastreams(1)/Observations", {"result": 1, "Datastream": {"@iot.id": 2}}, "another one"),
        ("Observations", {"result": 1}, "Datastream is missing"),
        ("CreateObservations", [{"Datastream": {"@iot.id": 1}, "components": ["x"], "dataArray": []}], "components"),
        ("CreateObservations", {}, "list of data arrays"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_and_nothing_is_kept(empty: Store, path: str, document: Any, says: str) -> None:
    post(empty, "Things", THING)
    with pytest.raises(BadRequestError, match=says):
        post(empty, path, document)
    assert [len(get(empty, plural)["value"]) for plural in ("Things", "Locations", "Sensors", "Observations")] == [
        1
    ] * 4


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"nul", b"\xff", b'{"name": 1e999}', b"[" * 100_000, b'{"name":' + b"[" * 60 + b"]" * 60 + b"}",
        b'{"name": "\\ud800"}', b'{"name": "\\u0000"}', b'{"name": NaN}',
    ],
)  # fmt: skip
def test_bodies_that_are_no_json_are_refused(empty: Store, body: bytes) -> None:
    with pytest.raises(BadRequestError):
        run(changing.create(empty, EVERYTHING, "Things", body, ROOT))


def test_nobody_writes_to_what_they_do_not_see(empty: Store) -> None:
    for site, access in (("S01", "staff"), ("S02", "staff"), ("S01", "crisis")):
        properties = {"site": site, "access": access}
        post(empty, "Things", {**THING, "name": f"{site} {access}", "properties": properties})
    assert [thing["name"] for thing in get(empty, "Things", CARETAKER)["value"]] == ["S01 staff"]
    for key in (2, 3):
        with pytest.raises(NotFoundError):
            delete(empty, f"Things({key})", CARETAKER)
        with pytest.raises(NotFoundError):
            post(empty, f"Datastreams({key})/Observations", {"result": 1}, CARETAKER)
        with pytest.raises(BadRequestError, match=f"no Datastream with @iot.id {key}"):
            post(empty, "Observations", {"result": 1, "Datastream": {"@iot.id": key}}, CARETAKER)
    post(empty, "Datastreams(1)/Observations", {"result": 1}, CARETAKER)
    # What belongs to nobody's thing yet, a writer sees: to make it theirs.
    sensor = post(empty, "Sensors", SENSOR, CARETAKER)
    observed = post(empty, "ObservedProperties", PROPERTY, CARETAKER)
    mine = {
        **DATASTREAM,
        "Thing": {"@iot.id": 1},
        "Sensor": {"@iot.id": sensor["@iot.id"]},
        "ObservedProperty": {"@iot.id": observed["@iot.id"]},
    }
    assert post(empty, "Datastreams", mine, CARETAKER)["name"] == "CO2"
    with pytest.raises(NotFoundError):
        get(empty, f"Sensors({sensor['@iot.id']})", PUBLIC)
    assert get(empty, "Observations?$count=true&$top=0")["@iot.count"] == 4


def test_who_writes_for_one_site_changes_nothing_public_of_others(empty: Store) -> None:
    public = {"access": "public"}
    for site in ("S01", "S02"):
        post(empty, "Things", {**THING, "name": site, "properties": {"site": site, **public}})
    shared = {**DATASTREAM, "Sensor": {"@iot.id": 1}, "ObservedProperty": {"@iot.id": 1}, "Thing": {"@iot.id": 1}}
    post(empty, "Datastreams", shared, CARETAKER)
    assert len(get(empty, "Things", CARETAKER)["value"]) == 2  # which it sees, as everybody does
    body = msgspec.json.encode({"name": "x"})
    paths = ("Things(2)", "Datastreams(2)", "Observations(2)", "Locations(2)")
    for writer in (CARETAKER, replace(CARETAKER, rights=frozenset({Right.READ, Right.WRITE}))):
        for path in paths:
            with pytest.raises(NotFoundError):
                run(changing.change(empty, writer, path, body, ROOT, is_whole=False, media_type="application/json"))
            with pytest.raises(NotFoundError):
                delete(empty, path, writer)
        for path, value in (("Things(2)/Datastreams", shared), ("Datastreams(2)/Observations", {"result": 1})):
            with pytest.raises(NotFoundError):
                post(empty, path, value, writer)
        with pytest.raises(BadRequestError, match=r"no Datastream with @iot\.id 2"):
            post(empty, "Observations", {"result": 1, "Datastream": {"@iot.id": 2}}, writer)
        with pytest.raises(RefusedError) as caught:
            post(empty, "Things", {**THING, "properties": {"site": "S02", **public}}, writer)
        assert caught.value.status == HTTPStatus.FORBIDDEN
    # The sensor of the first is its own until a datastream of the second has it, too.
    delete(empty, "Datastreams(3)", CARETAKER)
    post(empty, "Datastreams", {**shared, "Thing": {"@iot.id": 2}})
    for path in ("Sensors(1)", "ObservedProperties(1)"):
        with pytest.raises(RefusedError, match="serves things of other sites") as caught:
            delete(empty, path, CARETAKER)
        assert caught.value.status == HTTPStatus.FORBIDDEN
    assert len(get(empty, "Things")["value"]) == 2


@pytest.mark.parametrize("properties", [{}, {"site": "S02"}, {"site": "S01", "access": "crisis"}])
def test_nobody_makes_what_they_would_not_see(empty: Store, properties: dict[str, str]) -> None:
    post(empty, "Things", {"name": "R 101", "properties": {"site": "S01"}}, CARETAKER)
    with pytest.raises(RefusedError) as caught:
        post(empty, "Things", {**THING, "properties": properties}, CARETAKER)
    assert caught.value.status == HTTPStatus.FORBIDDEN
    if properties:  # a thing is not given away either
        body = msgspec.json.encode({"properties": properties})
        with pytest.raises(RefusedError) as caught:
            run(
                changing.change(
                    empty, CARETAKER, "Things(1)", body, ROOT, is_whole=False, media_type="application/json"
                )
            )
        assert caught.value.status == HTTPStatus.FORBIDDEN
    assert names(empty, "Things") == ["R 101"]
    assert get(empty, "Things(1)")["properties"] == {"site": "S01"}
    assert get(empty, "Locations")["value"] == get(empty, "Observations")["value"] == []


def test_only_one_entity_at_a_time_is_changed(empty: Store) -> None:
    post(empty, "Things", THING)
    for path in ("Things", "Things(1)/name", "Things(1)/Datastreams"):
        with pytest.raises(RefusedError) as caught:
            delete(empty, path)
        assert caught.value.status == HTTPStatus.METHOD_NOT_ALLOWED
    with pytest.raises(RefusedError) as caught:
        post(empty, "Things(1)", THING)
    assert caught.value.status == HTTPStatus.METHOD_NOT_ALLOWED


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([{"op": "add", "path": "/a/-", "value": 3}, {"op": "remove", "path": "/a/0"}], {"a": [2, 3], "b": {"d": "e"}}),
        ([{"op": "move", "from": "/a/0", "path": "/b/c"}], {"a": [2], "b": {"d": "e", "c": 1}}),
        ([{"op": "copy", "from": "/b", "path": "/a/1"}], {"a": [1, {"d": "e"}, 2], "b": {"d": "e"}}),
        (
            [{"op": "test", "path": "/a", "value": [1, 2.0]}, {"op": "add", "path": "/x~1y~0z", "value": {}}],
            {"a": [1, 2], "b": {"d": "e"}, "x/y~z": {}},
        ),
        ([{"op": "replace", "path": "", "value": [1]}], [1]),
        ([{"op": "replace", "path": "/b", "value": None}], {"a": [1, 2], "b": None}),
        ([{"op": "remove", "path": "/nothing"}], None),
        ([{"op": "add", "path": "/a/5", "value": 0}], None),
        ([{"op": "add", "path": "/a/01", "value": 0}], None),
        ([{"op": "add", "path": "/a/-1", "value": 0}], None),
        ([{"op": "test", "path": "/a/0", "value": True}], None),
        ([{"op": "move", "from": "/b", "path": "/b/c"}], None),
        ([{"op": "nothing", "path": "/a"}], None),
        ([{"op": "add", "path": "a", "value": 0}], None),
        ([{"op": "add", "path": 7, "value": 0}], None),
        ([{"op": "add"}], None),
        ([{"op": "copy", "path": "/a/-"}], None),
        (["add"], None),
        ([None], None),
        ({"op": "remove", "path": "/a"}, None),
        ([{"op": "copy", "from": "", "path": "/a/-"}] * 40, None),  # doubles each time
        ([{"op": "test", "path": "/a/0", "value": 1}] * 1_001, None),
    ],
)
def test_a_json_patch_does_what_rfc_6902_says(operations: Any, expected: Any) -> None:
    document = {"a": [1, 2], "b": {"d": "e"}}
    if expected is None:
        with pytest.raises(BadRequestError):
            patched(document, operations)
    else:
        assert patched(document, operations) == expected
    assert document == {"a": [1, 2], "b": {"d": "e"}}


def test_an_observation_from_a_clock_gone_wrong_is_where_it_says_and_marked(empty: Store) -> None:
    post(empty, "Things", THING)
    post(empty, "Datastreams(1)/Observations", {"result": 7, "phenomenonTime": "2099-01-01T00:00:00Z"})
    newest = "Datastreams?$expand=Observations($top=1;$orderby=phenomenonTime desc)"
    [observation] = get(empty, newest)["value"][0]["Observations"]  # asked by time, answered by time
    assert (observation["phenomenonTime"], observation["resultQuality"]) == (
        "2099-01-01T00:00:00Z",
        {"flags": ["clock"]},
    )
    listed = get(empty, "Datastreams(1)/Observations?$orderby=phenomenonTime desc")["value"]
    assert [entry["result"] for entry in listed] == [7, 5]
    delete(empty, f"Observations({observation['@iot.id']})")
    assert [entry["result"] for entry in get(empty, newest)["value"][0]["Observations"]] == [5]


@pytest.mark.parametrize("way", ["Observations", "CreateObservations"])
def test_what_clients_observe_raises_alerts_as_uplinks_do(empty: Store, way: str) -> None:
    school = School(empty, school_rules(), now() - 50 * DAY)
    run(school.add("a81758fffe000204"))
    run(school.hear(("a81758fffe000204", 600)))
    [stream] = get(empty, "Datastreams")["value"]
    link = {"@iot.id": stream["@iot.id"]}

    def bring(*values: tuple[int, float]) -> None:
        rows = [[text(instant), value] for instant, value in values]
        described: list[Any] = [{"phenomenonTime": then, "result": value, "Datastream": link} for then, value in rows]
        if way == "CreateObservations":
            described = [[{"Datastream": link, "components": ["phenomenonTime", "result"], "dataArray": rows}]]
        for document in described:
            body = msgspec.json.encode(document)
            answer = run(changing.create(empty, EVERYTHING, way, body, ROOT, judge=school.alerts))
            assert answer.status == HTTPStatus.CREATED

    at = now()
    bring((at - 40 * DAY, 2500), (at - 40 * DAY + 15 * MINUTE, 2500))  # history
    bring((at - 50 * MINUTE, 90_000), (at - 40 * MINUTE, 90_000))  # more than there can be
    assert run(school.alerts_now("text")) == []
    flagged = get(empty, "Observations?$filter=result eq 90000&$select=resultQuality")["value"]
    assert flagged == [{"resultQuality": {"flags": ["implausible"]}}] * 2
    bring((at - 30 * MINUTE, 1240), (at - 15 * MINUTE, 1240))
    assert run(school.alerts_now("text", "closed")) == [
        ("Raum 204 (BBZ Grevenbroich): CO2 1.240 ppm, bitte lüften.", None)
    ]
    assert len(run(school.messages("event"))) == 2
    bring((at, 700))
    [(closed,)] = run(school.alerts_now("closed"))
    assert closed is not None
