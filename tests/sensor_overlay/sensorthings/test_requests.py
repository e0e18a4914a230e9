"""Paths, options and answers, one by one as the standard requires them (OGC 18-088, 8 and 9; FROST's test classes)."""

from __future__ import annotations

import contextlib
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec
import pytest
from sqlalchemy import event

from sensor_overlay.access import PUBLIC
from sensor_overlay.sensorthings import answering, reading
from sensor_overlay.sensorthings.addresses import MAX_STEPS, parse_address
from sensor_overlay.sensorthings.errors import BadExpressionError, BadRequestError, NotFoundError
from sensor_overlay.sensorthings.model import COLLECTIONS, ToOne
from sensor_overlay.sensorthings.options import MAX_EXPANSIONS, parse_options, written
from sensor_overlay.store.opening import Store
from tests.sensor_overlay.sensorthings.twin import EVERYTHING, ROOT, ask, ids, run


def get(store: Store, target: str, principal: Any = PUBLIC) -> Any:
    """Return the parsed answer to a GET."""
    path, _, query = target.partition("?")
    answer = run(answering.read(store, principal, path, quote(query, safe="&=$;(),/'%*"), ROOT))
    return msgspec.json.decode(answer.body)


def below(link: str) -> str:
    """Return a link of an answer as a target of `get`."""
    parts = urlsplit(link)
    assert link.startswith(ROOT + "/")
    return parts.path.removeprefix("/sta/v1.1/") + (f"?{parts.query}" if parts.query else "")


def test_the_root_names_the_collections_and_what_is_true(store: Store) -> None:
    root = get(store, "")
    assert {entry["name"] for entry in root["value"]} == set(COLLECTIONS)
    for entry in root["value"]:
        assert get(store, below(entry["url"]))["value"]
    conformance = root["serverSettings"]["conformance"]
    assert len(set(conformance)) == len(conformance)
    assert not [uri for uri in conformance if "mqtt" in uri or "multi-datastream" in uri or "batch" in uri]


@pytest.mark.parametrize("plural", list(COLLECTIONS))
def test_each_entity_has_its_properties_links_and_parts(store: Store, plural: str) -> None:
    entity = COLLECTIONS[plural]
    listed = get(store, f"{plural}?$top=1")["value"][0]
    one = get(store, below(listed["@iot.selfLink"]))
    assert one == listed
    for known in entity.properties.values():
        if known.is_mandatory:
            assert known.name in one
            assert get(store, f"{plural}({one['@iot.id']})/{known.name}") == {known.name: one[known.name]}
    for navigation in entity.navigations.values():
        found = get(store, below(one[f"{navigation.name}@iot.navigationLink"]))
        assert ("value" in found) != isinstance(navigation, ToOne)
        by_expansion = get(store, f"{plural}({one['@iot.id']})?$expand={navigation.name}")[navigation.name]
        assert by_expansion == found.get("value", found)
        if isinstance(navigation, ToOne):
            continue
        for target in found["value"][:1]:
            key = target["@iot.id"]
            assert get(store, f"{plural}({one['@iot.id']})/{navigation.name}({key})") == target
        refs = get(store, f"{plural}({one['@iot.id']})/{navigation.name}/$ref")["value"]
        assert [ref["@iot.selfLink"] for ref in refs] == [target["@iot.selfLink"] for target in found["value"]]


def test_values_stand_alone_where_value_is_asked(store: Store) -> None:
    assert run(answering.read(store, PUBLIC, "Things(2)/name/$value", "", ROOT)).body == "Übergang O'Neil".encode()
    answer = run(answering.read(store, PUBLIC, "Datastreams(1)/unitOfMeasurement/$value", "", ROOT))
    assert msgspec.json.decode(answer.body)["symbol"] == "ppm"
    assert run(answering.read(store, PUBLIC, "Observations(1)/result/$value", "", ROOT)).body == b"401"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("Things(1)/properties/floor", {"floor": 1}),
        ("Things(1)/properties/site", {"site": "S01"}),
        ("Things(3)/properties/tags[1]/b", {"b": 7}),
        ("Things(3)/properties/tags[0]", {"0": "a"}),
        ("Things(4)/properties/pm2.5", {"pm2.5": 12}),
        ("Datastreams(1)/unitOfMeasurement/symbol", {"symbol": "ppm"}),
        ("Datastreams(1)/Thing/Locations(1)/location/coordinates[0]", {"0": 6.68}),
    ],
)
def test_members_of_documents_have_addresses(store: Store, path: str, expected: Any) -> None:
    assert get(store, path, EVERYTHING) == expected
    [value] = expected.values()
    assert run(answering.read(store, EVERYTHING, path + "/$value", "", ROOT)).body == str(value).encode()


@pytest.mark.parametrize(
    "path",
    [
        "Things(1)/properties/nothing", "Things(1)/properties/floor/1", "Things(1)/properties[0]",
        "Things(3)/properties/tags[2]", "Things(3)/properties/tags/0", "Things(3)/properties/tags[-1]",
        "Datastreams(1)/unitOfMeasurement/first", "Things(1)/properties/access", "Things(5)/properties/a",
        "Thing", "things", "Things(0)", "Things(99)", "Things(-1)", "Things(1.5)", "Things('x')", "Things(1)/Nothing",
        "Things(9999999999999999999999)", "Things/name", "Things(1)/name/first", "Things(1)/Datastreams/Observations",
        "Observations(1)/Datastream(1)", "Things(1)/Datastreams(3)", "Things(1)/$value", "$value", "Things(1", "()",
        "Things(1)/name/$ref", "Things()", "Things(1)(2)", "Things(1) or 1=1", "Things(1;drop table thing)",
    ],
)  # fmt: skip
def test_what_is_no_address_is_not_found(store: Store, path: str) -> None:
    with pytest.raises(NotFoundError):
        run(answering.read(store, PUBLIC, path, "", ROOT))


def test_a_path_may_be_long_but_not_endless(store: Store) -> None:
    path = "Things(1)" + "/Datastreams(1)/Thing" * 4 + "/Datastreams"
    assert get(store, path)["value"]
    with pytest.raises(BadRequestError):
        parse_address("Observations(1)" + "/Datastream/Thing" * MAX_STEPS)


def test_select_leaves_what_it_names(store: Store) -> None:
    assert get(store, "Things?$select=name&$top=1")["value"] == [{"name": "R 101"}]
    assert get(store, "Things(1)?$select=id,name") == {"@iot.id": 1, "name": "R 101"}
    assert set(get(store, "Things(1)?$select=Datastreams,description")) == {
        "description",
        "Datastreams@iot.navigationLink",
    }
    expanded = get(store, "Datastreams?$top=1&$select=name&$expand=Observations($top=1;$select=result)")["value"]
    assert [(set(one), one["Observations"]) for one in expanded] == [
        ({"name", "Observations", "Observations@iot.nextLink"}, [{"result": 401}])
    ]


def test_pages_within_an_expansion_go_on_where_they_end(store: Store) -> None:
    things = get(store, "Things?$expand=Datastreams($top=1;$select=id;$count=true)")["value"]
    for thing in things:
        assert thing["Datastreams@iot.count"] == 2
        first = [entry["@iot.id"] for entry in thing["Datastreams"]]
        rest = get(store, below(thing["Datastreams@iot.nextLink"]))
        assert "@iot.nextLink" not in rest
        assert [*first, *(entry["@iot.id"] for entry in rest["value"])] == ids(
            store, f"Things({thing['@iot.id']})/Datastreams"
        )


def test_top_skip_and_count_go_together(store: Store) -> None:
    everything = ids(store, "Observations?$top=1000", EVERYTHING)
    assert len(everything) == 137
    page = get(store, "Observations?$top=10&$skip=20&$count=true", EVERYTHING)
    assert page["@iot.count"] == 137
    assert [entry["@iot.id"] for entry in page["value"]] == everything[20:30]
    following = get(store, below(page["@iot.nextLink"]), EVERYTHING)
    assert [entry["@iot.id"] for entry in following["value"]] == everything[30:40]
    assert get(store, "Observations?$top=0&$count=true", EVERYTHING) == {"@iot.count": 137, "value": []}
    assert len(get(store, "Observations", EVERYTHING)["value"]) == 100  # as FROST-Server cuts pages by itself
    assert "@iot.nextLink" not in get(store, "Observations?$top=137", EVERYTHING)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("$orderby=phenomenonTime desc&$top=3", [52, 40, 24]),
        ("$orderby=phenomenonTime&$top=2", [28, 27]),
        ("$orderby=Datastream/Thing/name desc,result desc&$top=1", [40]),
        ("$orderby=result desc&$top=2&$filter=Datastream/id eq 1", [12, 11]),
        ("$orderby=phenomenonTime desc&$top=2&$skip=1&$filter=Datastream/Thing/id eq 1", [12, 23]),
    ],
)
def test_orders(store: Store, query: str, expected: list[int]) -> None:
    found = get(store, f"Observations?{query}")["value"]
    assert [entry["@iot.id"] for entry in found] == expected


@pytest.mark.parametrize("principal", [PUBLIC, EVERYTHING])
@pytest.mark.parametrize(
    "query", ["", "$orderby=phenomenonTime desc&", "$filter=phenomenonTime ge 2026-11-20T04:00:00Z&"]
)
def test_however_many_are_left_out_the_next_ones_come(
    store: Store, query: str, principal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = f"Observations?{quote(query, safe='=&$')}"
    everyone = ids(store, f"{target}$top=1000", principal)
    monkeypatch.setattr(reading, "DEEP", 0)  # as for what lies a thousand observations ahead
    for skip in (0, 1, 7, 20, len(everyone) - 2, len(everyone), 1_000):
        assert ids(store, f"{target}$top=3&$skip={skip}", principal) == everyone[skip : skip + 3]


@pytest.mark.parametrize("scarce", [0, 10**9])
@pytest.mark.parametrize(
    "filtered", ["", "$filter=Datastream/name eq 'D2' and result gt 19&", "$filter=result gt 500&"]
)
def test_pages_by_id_are_the_same_whichever_way_they_are_read(
    store: Store, filtered: str, scarce: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "SCARCE", scarce)
    target = f"Observations?{quote(filtered, safe='=&$')}"
    expected = sorted(ids(store, f"{target}$top=1000"))
    assert len(expected) > 3
    assert ids(store, f"{target}$orderby=id&$top=1000") == expected
    assert ids(store, f"{target}$orderby=@iot.id desc&$top=3&$skip=1") == expected[::-1][1:4]


def test_the_newest_of_each_datastream(store: Store) -> None:
    query = "$expand=Observations($orderby=phenomenonTime desc;$top=1)&$top=1000"
    for one in get(store, f"Datastreams?{query}", EVERYTHING)["value"]:
        [newest] = one["Observations"]
        listed = get(store, f"Datastreams({one['@iot.id']})/Observations?$top=1000", EVERYTHING)["value"]
        assert newest == max(listed, key=lambda entry: entry["phenomenonTime"])
        assert len(listed) > 1
        rest = get(store, below(one["Observations@iot.nextLink"]), EVERYTHING)["value"]
        assert rest[0]["phenomenonTime"] < newest["phenomenonTime"]


@pytest.mark.parametrize(
    ("filtered", "expected"),
    [
        ("phenomenonTime eq 2026-11-10T12:00:00Z/2026-11-11T12:00:00Z", [25]),
        ("phenomenonTime lt 2026-11-10T12:00:00Z", [28, 27, 26]),
        ("phenomenonTime lt 2026-11-11T11:59:59Z", [28, 27, 26]),
        ("phenomenonTime lt 2026-11-11T12:00:00Z", [28, 27, 26, 25]),
        ("phenomenonTime le 2026-11-11T12:00:00Z", [28, 27, 26, 25]),
        ("phenomenonTime le 2026-11-11T11:59:59Z", [28, 27, 26]),
        ("during(phenomenonTime, 2026-11-10T11:00:00Z/2026-11-11T12:00:00Z)", [26, 25]),
        ("overlaps(phenomenonTime, 2026-11-11T00:00:00Z/2026-11-12T00:00:00Z)", [25]),
        ("before(phenomenonTime, 2026-11-10T10:30:00Z)", [28, 27]),
        ("after(phenomenonTime, 2026-11-20T11:01:30Z) and Datastream/id le 2", [24]),
        ("starts(phenomenonTime, 2026-11-10T12:00:00Z)", [25]),
        ("finishes(phenomenonTime, 2026-11-11T12:00:00Z)", [25]),
        ("meets(phenomenonTime, 2026-11-11T12:00:00Z/2026-11-12T00:00:00Z)", [25]),
        ("phenomenonTime eq 2026-11-10T13:00:00+02:00", [26]),
        ("phenomenonTime eq 2026-11-10T11:00:00", [26]),
        ("phenomenonTime eq '2026-11-10T11:00:00Z'", [26]),
        ("date(phenomenonTime) eq 2026-11-10", [28, 27, 26, 25]),
        ("time(phenomenonTime) eq 11:00:00", [26]),
        ("fractionalseconds(resultTime) eq 0.25 and id le 2", [1, 2]),
        ("totaloffsetminutes(resultTime) eq 0 and id le 2", [1, 2]),
        ("phenomenonTime gt mindatetime() and phenomenonTime lt maxdatetime() and id eq 5", [5]),
        ("now() sub phenomenonTime gt duration'P1D'", [28, 27, 26, 25]),
        ("resultTime sub phenomenonTime eq duration'PT0.25S' and id le 2", [1, 2]),
        ("phenomenonTime add duration'P10D' gt now() and id eq 25", []),
        ("validTime eq 2026-11-10T12:00:00Z/2026-11-11T12:00:00Z", [28]),
        ("result/text eq 'hoch' and parameters/n mul 2 eq 4", [28]),
        ("result mod 2 eq 0 and 7 div 2 eq 3 and 7 div 2.0 eq 3.5 and Datastream/id eq 1 and result lt 500", [2]),
        ("-7 div 2 eq -3 and -7 mod 2 eq -1 and id eq 1", [1]),
        ("1 div 0 eq null and id eq 1", [1]),
        ("id in (1, 2, 400)", [1, 2]),
        ("not result gt 402 and Datastream/ObservedProperty/name eq 'co2'", [1]),
        ("concat(Datastream/name, 'x') eq 'D2x' and result eq true", [27]),
    ],
)
def test_filters_on_observations(store: Store, filtered: str, expected: list[int]) -> None:
    assert ids(store, f"Observations?$filter={quote(filtered)}&$top=1000") == expected


SQUARE = "geography'POLYGON((6.675 51.19,6.695 51.19,6.695 51.21,6.675 51.21,6.675 51.19))'"


@pytest.mark.parametrize(
    ("filtered", "expected"),
    [
        ("geo.distance(location, geography'POINT(6.68 51.2)') lt 0.0101", [1, 2]),
        ("0.0101 gt geo.distance(geography'POINT(6.68 51.2)', location)", [1, 2]),
        ("geo.distance(location, geography'POINT(6.68 51.2)') mul 2 lt 0.01", [1]),
        ("geo.length(location) eq 0 and id lt 3", [1, 2]),
        (f"geo.intersects(location, {SQUARE})", [1, 2]),
        (f"st_intersects(location, {SQUARE})", [1, 2]),
        (f"st_within(location, {SQUARE})", [1, 2]),
        (f"st_contains({SQUARE}, location)", [1, 2]),
        (f"not st_disjoint(location, {SQUARE})", [1, 2]),
        (f"st_disjoint(location, {SQUARE})", [3, 4, 5, 6]),
        (f"st_contains(location, {SQUARE}) or st_touches(location, {SQUARE}) or st_overlaps(location, {SQUARE})", []),
        (f"st_crosses(location, {SQUARE})", []),
        ("st_equals(location, geography'SRID=4326;POINT(6.7 51.19)')", [3]),
        (f"st_relate(location, {SQUARE}, 'T*F**F***')", [1, 2]),
        (f"geo.intersects(location, {SQUARE}) and name eq 'Ort 2' or id eq 6", [2, 6]),
        ("geo.length(geography'LINESTRING(0 0, 0 2)') eq id", [2]),
        ("geo.distance(geography'POINT(0 0)', geography'POINT(3 4)') eq id", [5]),
        (f"geo.intersects(geography'POINT(0 0)', {SQUARE})", []),
        ("st_relate(geography'POINT(0 0)', geography'POINT(0 0)', '0********') and id gt 4", [5, 6]),
        ("location/type eq 'Point' and location/coordinates/0 gt 6.7", [4]),
        ("location/coordinates[1] lt 51.06", [6]),
        (f"Things/Datastreams/any(d: geo.intersects(d/observedArea, {SQUARE}))", [1, 2]),
    ],
)
def test_geometry(store: Store, filtered: str, expected: list[int]) -> None:
    page = ask(store, f"Locations?$count=true&$filter={quote(filtered)}", EVERYTHING)
    assert (page.ids, page.count) == (expected, len(expected))


@pytest.mark.parametrize(
    ("filtered", "at", "says"),
    [
        ("nam eq 'x'", 1, "name"),
        ("name eq 'x' and Datastreams/nme eq 1", 29, "unitOfMeasurement"),
        ("name eq", 8, "too early"),
        ("name eq 'x", 9, "cannot be read"),
        ("name eq eq 'x'", 9, "not expected"),
        ("name", 1, "a condition is expected"),
        ("name gt 3", 1, "text and a number"),
        ("length(id) eq 1", 8, "takes text"),
        ("lenght(name) eq 1", 1, "there are substringof"),
        ("substring(name) eq 'x'", 1, "2 to 3"),
        ("Datastreams eq 1", 1, "is an entity"),
        ("st_within(Locations/location, 'x')", 1, "geometries"),
        ("geo.distance(Locations/location, geography'POINT(x)') lt 1", 0, "no geometry"),
        ("(" * 60 + "1 eq 1" + ")" * 60, 51, "brackets"),
        (" or ".join(["id eq 1"] * 300), 0, "at most"),
        (" add ".join(["1"] * 200) + " eq 1", 0, "operators"),
        ("phenomenonTime gt 2026-13-01T00:00:00Z", 0, ""),
    ],
)
def test_what_is_wrong_in_a_filter_is_told_with_its_place(store: Store, filtered: str, at: int, says: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        ask(store, f"Things?$filter={quote(filtered)}")
    assert says in str(caught.value)
    if at:
        assert isinstance(caught.value, BadExpressionError)
        assert caught.value.position == at


@pytest.mark.parametrize(
    "query",
    [
        "$top=-1", "$top=x", "$skip=1.5", "$count=yes", "$select=nothing", "$expand=Nothing", "$expand=Datastreams(",
        "$orderby=nothing", "$orderby=Datastreams/name", "$top=1&$top=2", "$limit=3", "$expand=Datastreams(x)",
        "$resultFormat=xml", "$expand=Datastreams($top=1),Datastreams($top=2)", "$skiptoken=x", "$skiptoken=WyJ4Il0",
        "$skiptoken=WzEsMl0", "$expand=" + "Datastreams/Thing/" * 5 + "Datastreams", "$resultFormat=dataArray",
        "$expand=" + ",".join(["Datastreams/Observations"] * MAX_EXPANSIONS), "$expand=Datastreams($resultFormat=CSV)",
    ],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(store: Store, query: str) -> None:
    with pytest.raises(BadRequestError):
        get(store, f"Things?{query}")


def test_options_are_written_as_they_were_read() -> None:
    query = (
        "$filter=name eq 'a;b,(c)'&$orderby=name desc,id&$top=5&$count=true&$select=name"
        "&$expand=Datastreams($filter=name eq 'x';$expand=Sensor,Observations($top=1;$orderby=phenomenonTime desc))"
    )
    options = parse_options(quote(query, safe="&=$"), COLLECTIONS["Things"])
    assert parse_options(written(options), COLLECTIONS["Things"]) == options


@pytest.mark.parametrize(
    "attack",
    [
        "name eq 'x'' or 1=1 --'",
        "name eq 'x''; drop table thing; --'",
        "substringof('%'' or ''1''=''1', name)",
        "properties/x')=1 or ('1'='1 eq 1",
        "properties/a\"')); drop table thing;-- eq 1",
        "properties/$.school eq 1",
        "name eq 'x' union select sha256 from token",
        "startswith(name,'%') or endswith(name,'_')",
        "Things;drop table thing eq 1",
        "name eq CHAR(82)",
        "1 eq 1) or (1 eq 1",
        'name eq "R 101"',
    ],
)
def test_injections_find_nothing_and_break_nothing(store: Store, attack: str) -> None:
    try:
        found = ids(store, f"Things?$filter={quote(attack)}")
    except BadRequestError:
        found = []
    assert found == []
    with contextlib.suppress(BadRequestError):
        assert set(ids(store, f"Things?$orderby={quote(attack)}")) == {1, 2}
    assert ids(store, "Things") == [1, 2]


@pytest.mark.parametrize(
    ("target", "most"),
    [
        ("Datastreams?$top=1000&$expand=Observations($orderby=phenomenonTime desc;$top=1)", 2),
        ("Datastreams?$top=1000&$expand=Observations($top=2),Thing/Locations,Sensor,ObservedProperty", 6),
        ("Things?$expand=Locations,Datastreams($expand=Observations($top=3;$expand=FeatureOfInterest))", 5),
        ("Datastreams?$count=true&$expand=Observations($count=true;$top=1)", 4),
        ("Things(1)/Datastreams(1)/Observations?$count=true", 3),
    ],
)
def test_statements_grow_with_levels_and_not_with_entities(store: Store, target: str, most: int) -> None:
    counts = []
    for principal in (PUBLIC, EVERYTHING):
        statements: list[str] = []

        def note(_c: Any, _cursor: Any, statement: str, *_rest: Any, found: list[str] = statements) -> None:
            if statement.startswith("SELECT"):
                found.append(statement)

        engine = store._readers.sync_engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            get(store, target, principal)
        finally:
            event.remove(engine, "before_cursor_execute", note)
        counts.append(len(statements))
    assert counts[0] == counts[1] <= most


NEWEST_CO2 = (
    "Datastreams($filter=ObservedProperty/name eq 'co2';$expand=Observations($top=1;$orderby=phenomenonTime desc))"
)
RANGE = "$filter=phenomenonTime gt 2026-11-20T09:00:00.000Z and phenomenonTime lt 2026-11-20T11:00:00.000Z"
BOX = "geography'POLYGON ((6.67 51.19,6.685 51.19,6.685 51.21,6.67 51.21,6.67 51.19))'"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        # Masterportal, as it asks Hamburg's FROST-Server: the collection's own name before a property.
        (
            f"Things?$filter=startswith(Things/name,'R 1') and st_within(Locations/location,{BOX})&$expand=Locations",
            [1],
        ),
        (f"Things?$filter=Datastreams/ObservedProperty/name eq 'co2'&$expand=Locations,{NEWEST_CO2}", [1, 2]),
        # QGIS: by the kind of geometry, plain or in a feature, and by the map's extent.
        ("Locations?$filter=location/type eq 'Point' or location/geometry/type eq 'Point'&$top=0&$count=true", []),
        (f"Locations?$filter=(location/geometry/type eq 'Point') and (geo.intersects(location, {BOX}))", []),
        ("Locations?$filter=location/geometry/type eq 'Point'&$top=200&$count=false&$skip=0", [2]),
        ("FeaturesOfInterest?$filter=feature/type eq 'Point'&$expand=Observations($top=1;$expand=Datastream)", [1, 2]),
        ("Locations?$expand=Things($expand=Datastreams($top=5;$filter=ObservedProperty/name eq 'co2'))", [1, 2]),
        # Grafana: a panel's range, as it writes times.
        (f"Datastreams(1)/Observations?{RANGE}&$select=phenomenonTime,result&$orderby=phenomenonTime asc", [10, 11]),
        ("Things?$select=id,name,properties/floor&$expand=Locations($select=location)&$top=10000", [1, 2]),
    ],
)
def test_what_known_clients_ask(store: Store, target: str, expected: list[int]) -> None:
    page = ask(store, quote(target, safe="?&=$;(),/'"))
    assert page.ids == expected
    if "$count=true" in target:
        assert page.count == 2


def test_members_of_documents_are_selected(store: Store) -> None:
    found = get(store, "Things?$select=name,properties/floor,properties/nothing&$top=1")["value"]
    assert found == [{"name": "R 101", "properties": {"floor": 1}}]
    assert get(store, "Datastreams(1)?$select=unitOfMeasurement/symbol") == {"unitOfMeasurement": {"symbol": "ppm"}}


def test_things_are_features_where_their_locations_are_expanded(store: Store) -> None:
    found = get(store, "Things?$select=id,properties/floor&$expand=Locations($select=location)&$resultFormat=GeoJSON")
    assert [feature["geometry"]["coordinates"] for feature in found["features"]] == [[6.68, 51.2], [6.69, 51.2]]
    assert found["features"][1]["properties"]["properties"] == {"floor": 2.5}
