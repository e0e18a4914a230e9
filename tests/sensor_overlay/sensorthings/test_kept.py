"""Answers that are given again: to the same question, by those who may see the same, until something is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import event

from sensor_overlay.access import PUBLIC, Principal
from sensor_overlay.sensorthings import answering, changing, kept
from sensor_overlay.sensorthings.aliases import MOST, another, begin
from sensor_overlay.sensorthings.kept import Answer, Kept, Question
from sensor_overlay.store import schema
from sensor_overlay.store.opening import Store
from tests.sensor_overlay.sensorthings.twin import EVERYTHING, ROOT, STAFF, STAFF_S01, run, store_at


def question(number: int, principal: Principal = PUBLIC) -> Question:
    found = Question.of(principal, f"Things({number})", "", ROOT)
    assert found is not None
    return found


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Store]:
    """The small twin, for a test that writes."""
    store = store_at(str(tmp_path / "zwilling.db"))
    yield store
    run(store.close())


def test_what_was_asked_twice_is_read_once_until_something_is_written(own: Store) -> None:
    store = own
    engine = store._readers.sync_engine
    memory = Kept()
    statements: list[str] = []

    def count(target: str, principal: Principal) -> int:
        def ask() -> Any:
            path, _, query = target.partition("?")
            body = run(answering.read(store, principal, path, query, ROOT, memory)).body
            assert body == run(answering.read(store, principal, path, query, ROOT)).body
            return msgspec.json.decode(body)

        return int(ask()["@iot.count"])

    def heard(_connection: object, _cursor: object, text: str, *_: object) -> None:
        statements.append(text)

    target = "Things?$count=true&$expand=Datastreams"
    assert [count(target, who) for who in (PUBLIC, STAFF, STAFF_S01, EVERYTHING)] == [2, 4, 3, 6]
    event.listen(engine, "before_cursor_execute", heard)
    run(answering.read(store, PUBLIC, "Things", target.partition("?")[2], ROOT, memory))
    event.remove(engine, "before_cursor_execute", heard)
    asked = [text for text in statements if text.lower().startswith("select")]
    assert len(asked) == 1
    assert "FROM counter" in asked[0]
    assert [count(target, who) for who in (PUBLIC, STAFF, STAFF_S01, EVERYTHING)] == [2, 4, 3, 6]

    new = msgspec.json.encode({"name": "R 300", "properties": {"access": "public"}})
    run(changing.create(store, EVERYTHING, "Things", new, ROOT))
    assert [count(target, who) for who in (PUBLIC, STAFF, STAFF_S01, EVERYTHING)] == [3, 5, 4, 7]


def test_a_question_is_who_may_see_what_and_not_who_asks() -> None:
    assert question(1, STAFF) == question(1, replace(STAFF, name="somebody else"))
    assert len({question(1, who) for who in (PUBLIC, STAFF, STAFF_S01, EVERYTHING)}) == 4
    assert question(1) != Question.of(PUBLIC, "Things(1)", "", "https://other.example/sta/v1.1")
    for query in ("$filter=phenomenonTime%20lt%20now()", "$filter=phenomenonTime+lt+%6eOW()"):
        assert Question.of(PUBLIC, "Observations", query, ROOT) is None


def test_what_is_kept_is_bounded(monkeypatch: Any) -> None:
    monkeypatch.setattr(kept, "MOST_BYTES", 10 * (1024 + 200))
    monkeypatch.setattr(kept, "LARGEST_BYTES", 150)
    memory = Kept()
    assert memory.get(question(0), 5) is None
    for number in range(20):
        memory.put(question(number), 5, Answer(b"x" * 100))
        memory.put(question(number), 5, Answer(b"x" * 100))  # two asked at once
        assert memory.get(question(0), 5) is not None  # in use
    assert len(memory) == 10
    assert [number for number in range(20) if memory.get(question(number), 5)] == [0, *range(11, 20)]
    memory.put(question(30), 5, Answer(b"x" * 151))
    assert memory.get(question(30), 5) is None


@pytest.mark.parametrize("later", [6, 4])
def test_what_was_true_before_another_commit_is_forgotten(later: int) -> None:
    memory = Kept()
    assert memory.get(question(0), 5) is None
    memory.put(question(0), 5, Answer(b"then"))
    assert memory.get(question(1), later) is None
    memory.put(question(1), 5, Answer(b"late"))  # was begun before
    assert len(memory) == 0
    assert memory.get(question(0), later) is None
    assert memory.get(question(0), 5) is None  # a database that was put back has the same numbers again


def test_no_name_is_given_twice_in_one_request() -> None:
    begin()
    first = [another(schema.thing) for _ in range(MOST + 5)]
    assert len(set(map(id, first))) == len(first)
    begin()
    again = [another(schema.thing) for _ in range(MOST + 5)]
    assert [a is b for a, b in zip(first, again, strict=True)] == [True] * MOST + [False] * 5
