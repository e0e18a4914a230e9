"""What a principal may not see cannot be found, by no path, filter, expansion, order or count.

Things 3 to 6 of the small twin are hidden from the public: of staff, of the crisis team, and a device nobody knows.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from sensor_overlay.access import PUBLIC, Principal
from sensor_overlay.sensorthings.errors import NotFoundError
from sensor_overlay.sensorthings.model import COLLECTIONS
from sensor_overlay.store.opening import Store
from tests.sensor_overlay.sensorthings.twin import EVERYTHING, STAFF, STAFF_S01, ask, ids

CRISIS = Principal("crisis", frozenset({"public", "staff", "crisis"}))


@pytest.mark.parametrize(
    ("principal", "things"),
    [(PUBLIC, [1, 2]), (STAFF, [1, 2, 3, 4]), (STAFF_S01, [1, 2, 4]), (CRISIS, [1, 2, 3, 4, 5])],
    ids=["public", "staff", "staff of one site", "crisis"],
)
def test_each_sees_their_things_and_what_belongs_to_them(store: Store, principal: Principal, things: list[int]) -> None:
    assert ids(store, "Things", principal) == things
    expected = {f"Things({number})" for number in things}
    for collection in ("Locations", "HistoricalLocations", "FeaturesOfInterest"):  # one a thing, of the same number
        assert ids(store, collection, principal) == things
    seen = ask(store, "Datastreams?$expand=Thing($select=id)&$top=1000", principal)
    assert {f"Things({entity['Thing']['@iot.id']})" for entity in seen.entities} == expected
    whole = ask(store, "Observations?$expand=Datastream($expand=Thing($select=id))&$top=1000&$count=true", principal)
    assert {f"Things({entity['Datastream']['Thing']['@iot.id']})" for entity in whole.entities} == expected
    assert whole.count == len(whole.ids)
    # The gauge's sensor and property serve the crisis team's thing alone.
    assert (2 in ids(store, "Sensors", principal)) == (5 in things)
    assert (3 in ids(store, "ObservedProperties", principal)) == (5 in things)


def everything_hidden(store: Store) -> list[tuple[str, int]]:
    """Return each entity that only those with all rights see."""
    found = []
    for plural in COLLECTIONS:
        public = set(ids(store, f"{plural}?$top=1000"))
        found += [(plural, key) for key in ids(store, f"{plural}?$top=1000", EVERYTHING) if key not in public]
    return found


def test_a_hidden_entity_has_no_address(store: Store) -> None:
    hidden = everything_hidden(store)
    assert {plural for plural, _ in hidden} == set(COLLECTIONS)
    for plural, key in hidden[:: max(1, len(hidden) // 60)]:
        navigations = list(COLLECTIONS[plural].navigations)
        for target in (f"{plural}({key})", *(f"{plural}({key})/{name}" for name in navigations)):
            with pytest.raises(NotFoundError):
                ask(store, target)


@pytest.mark.parametrize(
    "target",
    [
        "Sensors(1)/Datastreams(5)",
        "ObservedProperties(1)/Datastreams(5)",
        "Sensors(1)/Datastreams(5)/Thing",
        "Sensors(1)/Datastreams(5)/Observations",
        "Things(1)/Datastreams(5)",  # another thing's, and hidden
        "Things(1)/Datastreams(3)",  # another thing's, though public
        "Observations(1)/Datastream/Thing/Datastreams(3)",
    ],
)
def test_no_detour_leads_to_what_is_hidden_or_elsewhere(store: Store, target: str) -> None:
    with pytest.raises(NotFoundError):
        ask(store, target)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("Sensors(1)/Datastreams?$count=true", 4),
        ("ObservedProperties(1)/Datastreams?$count=true", 2),
        ("Datastreams?$count=true&$filter=Sensor/id eq 1", 4),
        ("Sensors?$count=true&$filter=Datastreams/Thing/name eq 'R 201'", 0),
        ("Sensors?$count=true&$filter=Datastreams/any(d: d/Thing/name eq 'R 201')", 0),
        ("Sensors?$count=true&$filter=Datastreams/all(d: d/Thing/name ne 'R 201')", 1),
        ("ObservedProperties?$count=true&$filter=Datastreams/Observations/result gt 1228", 0),
        ("Locations?$count=true&$filter=Things/name eq 'R 201'", 0),
        ("Locations?$count=true&$filter=id eq 3", 0),
        ("FeaturesOfInterest?$count=true&$filter=Observations/Datastream/Thing/properties/school eq 'S02'", 0),
        ("Observations?$count=true&$filter=Datastream/Thing/name eq 'R 201'", 0),
        ("Observations?$count=true&$filter=Datastream/id eq 5", 0),
        ("Observations?$count=true&$filter=FeatureOfInterest/id eq 3", 0),
        ("Things?$count=true&$filter=geo.distance(Locations/location,geography'POINT(6.7 51.19)') lt 1e-6", 0),
        ("HistoricalLocations?$count=true&$filter=Locations/name eq 'Ort 3'", 0),
    ],
)
def test_counts_and_filters_do_not_tell_of_what_is_hidden(store: Store, target: str, expected: int) -> None:
    page = ask(store, quote(target, safe="?&=$/()"))
    assert (page.count, len(page.ids)) == (expected, expected)


def test_the_same_filters_do_find_it_for_those_who_may(store: Store) -> None:
    for target, expected in (
        ("Sensors?$filter=Datastreams/Thing/name eq 'R 201'", [1]),
        ("Locations?$filter=Things/name eq 'R 201'", [3]),
        ("Things?$filter=geo.distance(Locations/location,geography'POINT(6.7 51.19)') lt 1e-6", [3]),
        ("FeaturesOfInterest?$filter=Observations/Datastream/Thing/properties/school eq 'S02'", [1, 3]),
    ):
        assert ids(store, quote(target, safe="?&=$/()"), EVERYTHING) == expected


def test_a_place_that_all_see_does_not_tell_what_else_was_observed_there(store: Store) -> None:
    for order in ("phenomenonTime", "result"):
        target = f"FeaturesOfInterest(1)/Observations?$top=1000&$count=true&$orderby={order}"
        seen, whole = ask(store, target), ask(store, target, EVERYTHING)
        assert (len(seen.ids), seen.count, len(whole.ids), whole.count) == (28, 28, 29, 29)
        assert set(whole.ids) - set(seen.ids) == {65}
    expanded = ask(store, "FeaturesOfInterest?$expand=Observations($top=1000;$count=true;$select=id)").entities
    assert [(len(one["Observations"]), one["Observations@iot.count"]) for one in expanded] == [(28, 28), (24, 24)]


def test_expansions_bring_nothing_hidden(store: Store) -> None:
    whole: list[Any] = []
    for target in (
        "Sensors?$expand=Datastreams($expand=Thing,Observations($count=true);$count=true)",
        "ObservedProperties?$expand=Datastreams/Thing/Locations,Datastreams/Observations",
        "Locations?$expand=Things($expand=Datastreams),HistoricalLocations($expand=Thing)",
        "FeaturesOfInterest?$expand=Observations($expand=Datastream/Thing;$count=true)",
        "HistoricalLocations?$expand=Thing,Locations/Things",
    ):
        whole += ask(store, target).entities
    text = msgspec.json.encode(whole).decode()
    for secret in ("R 201", "R 202", "Pegel", "a81758fffe0abcde", "Things(3)", "Things(4)", "Things(5)", "Things(6)"):
        assert secret not in text
    assert '"Datastreams@iot.count":4' in text  # of ten
    assert '"Observations@iot.count":12' in text


def test_an_order_by_what_is_hidden_orders_what_is_seen(store: Store) -> None:
    page = ask(store, "Datastreams?$orderby=Thing/name,id&$top=1000")
    assert len(page.ids) == 4
