"""Random filters, asked of both databases and decided in plain Python: the same entities must come."""

from __future__ import annotations

import contextlib
import itertools
import random
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from sensor_overlay.access import PUBLIC
from sensor_overlay.sensorthings.errors import BadExpressionError
from sensor_overlay.store.opening import Store
from tests.sensor_overlay.sensorthings.naive import Entity, Maker, Meaning, Span, Term, follow, is_number, moment, only
from tests.sensor_overlay.sensorthings.twin import EVERYTHING, ask

QUERIES = 40


def term(kind: Callable[[Any], bool], *names: str) -> Term:
    found = follow(*names)
    return Term("/".join(names), only(kind, found), lambda entity: found(entity) is not None)


def text(*names: str) -> Term:
    return term(lambda value: isinstance(value, str), *names)


def number(*names: str) -> Term:
    return term(is_number, *names)


def truth(*names: str) -> Term:
    return term(lambda value: isinstance(value, bool), *names)


def time(*names: str) -> Term:
    found = follow(*names)

    def means(entity: Entity) -> Any:
        value = found(entity)
        return None if value is None else moment(value)

    return Term("/".join(names), means, lambda entity: found(entity) is not None)


def identity(*names: str) -> Term:
    return Term("/".join([*names, "id"]), follow(*names, "@iot.id"))


COLLECTIONS: dict[str, tuple[str, dict[str, list[Term]]]] = {
    "Things": (
        "",
        {
            "numbers": [identity(), number("properties", "floor"), number("properties", "school")],
            "texts": [text("name"), text("description"), text("properties", "school")],
            "times": [],
            "truths": [truth("properties", "lit")],
        },
    ),
    "Datastreams": (
        "Thing,ObservedProperty,Sensor",
        {
            "numbers": [identity(), identity("Thing"), number("Thing", "properties", "floor")],
            "texts": [
                text("name"),
                text("unitOfMeasurement", "symbol"),
                text("Thing", "name"),
                text("ObservedProperty", "name"),
                text("Thing", "properties", "school"),
            ],
            "times": [time("phenomenonTime"), time("resultTime")],
            "truths": [truth("Thing", "properties", "lit")],
        },
    ),
    "Observations": (
        "Datastream($expand=Thing,ObservedProperty),FeatureOfInterest",
        {
            "numbers": [
                identity(),
                number("result"),
                number("result"),
                number("result", "level"),
                number("parameters", "n"),
                identity("Datastream"),
                identity("Datastream", "Thing"),
                identity("FeatureOfInterest"),
            ],
            "texts": [
                text("result", "text"),
                text("parameters", "who"),
                text("Datastream", "name"),
                text("Datastream", "Thing", "name"),
                text("Datastream", "ObservedProperty", "name"),
                text("FeatureOfInterest", "name"),
            ],
            "times": [time("resultTime"), time("validTime"), time("phenomenonTime")],
            "truths": [truth("result"), truth("resultQuality", "ok")],
        },
    ),
    "Locations": ("", {"numbers": [identity()], "texts": [text("name")], "times": [], "truths": []}),
}


@pytest.mark.parametrize("principal", [PUBLIC, EVERYTHING], ids=["public", "everything"])
@pytest.mark.parametrize("collection", list(COLLECTIONS))
def test_a_filter_means_the_same_in_sql_and_in_python(store: Store, collection: str, principal: Any) -> None:
    expand, terms = COLLECTIONS[collection]
    query = f"$expand={quote(expand)}&" if expand else ""
    entities = ask(store, f"{collection}?{query}$top=1000", principal).entities
    assert entities
    choose = random.Random(f"{collection} {principal.name}")  # noqa: S311 - the same queries each time
    maker = Maker(choose, **terms)
    answers: set[int] = set()
    for _ in range(QUERIES):
        asked = maker.condition(3)
        found = ask(store, f"{collection}?$top=1000&$count=true&$filter={quote(asked.text)}", principal)
        expected = {entity["@iot.id"] for entity in entities if asked.means(entity)}
        assert set(found.ids) == expected, asked.text
        assert found.count == len(expected), asked.text
        answers.add(len(expected))
    assert len(answers) >= min(4, len(entities))  # the queries do tell entities apart


@pytest.mark.parametrize("collection", ["Observations", "Datastreams"])
def test_any_order_and_any_page_length_bring_every_entity_once(store: Store, collection: str) -> None:
    expand, terms = COLLECTIONS[collection]
    query = f"$expand={quote(expand)}&" if expand else ""
    by_id = {e["@iot.id"]: e for e in ask(store, f"{collection}?{query}$top=1000", EVERYTHING).entities}
    choose = random.Random(collection)  # noqa: S311
    mixed = ("result", "properties/school", "Thing/properties/school")  # numbers here and texts there
    ordered = [key for key in terms["numbers"] + terms["texts"] + terms["times"] if key.text not in mixed]
    for _ in range(12):
        keys = choose.sample(ordered, choose.choice([1, 2, 3]))
        directions = [choose.choice(["asc", "desc"]) for _ in keys]
        order = ",".join(f"{key.text} {direction}" for key, direction in zip(keys, directions, strict=True))
        top = choose.choice([3, 7, 50])
        listed: list[int] = []
        token = ""
        while True:
            target = f"{collection}?$top={top}&$orderby={quote(order)}" + (f"&$skiptoken={token}" if token else "")
            page = ask(store, target, EVERYTHING)
            listed += page.ids
            token = page.token
            if not token:
                break
        assert sorted(listed) == sorted(by_id), order
        for one, other in itertools.pairwise(listed):
            assert in_order(by_id[one], by_id[other], [key.means for key in keys], directions), (order, one, other)


def in_order(one: Entity, other: Entity, keys: list[Meaning], directions: list[str]) -> bool:
    """Nulls come first, and last where the order is descending (OData 4.0 part 1, 11.2.5.2)."""
    for key, direction in zip(keys, directions, strict=True):
        a, b = key(one), key(other)
        if a is None and b is None:
            continue
        if a is None or b is None:
            return (a is None) == (direction == "asc")
        if isinstance(a, Span):  # by their beginnings
            a, b = a.begin, b.begin
        if a != b:
            return bool(a < b) == (direction == "asc")
    return True


def test_random_bytes_are_refused_and_never_fail(store: Store) -> None:
    choose = random.Random(1)  # noqa: S311
    words = [*"(),'/:;[]\\é", "''", "name", "id", "eq", "ne", "and", "or", "not", "geo.distance", "any", "d", "1", "-1"]
    words += ["2.5", "true", "null", "$it", "@iot.id", "--", "\0"]
    for _ in range(400):
        expression = " ".join(choose.choices(words, k=choose.randrange(1, 12)))
        with contextlib.suppress(BadExpressionError):
            ask(store, f"Things?$filter={quote(expression)}")
