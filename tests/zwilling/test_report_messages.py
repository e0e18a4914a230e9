"""The messages of findings in German: complete, none left over, nothing lost that was filled in."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.citygml.test_conformance import FOLDER, OUTCOMES, Drawn
from tests.citygml.whole import read
from zwilling.report.messages import GERMAN, in_german

PROJECT = Path(__file__).resolve().parent.parent.parent
MODULES = [
    *(PROJECT / "citygml").glob("*.py"),
    *(PROJECT / "orthophotos").glob("*.py"),
    *(PROJECT / "pointclouds").glob("*.py"),
    *(PROJECT / "tiler").glob("*.py"),
    *(PROJECT / "tiler" / "points").glob("*.py"),
    *(PROJECT / "tiler" / "terrain").glob("*.py"),
    *(PROJECT / "zwilling" / "recipes").glob("*.py"),
    *(PROJECT / "zwilling" / "crs").glob("*.py"),
]
# Which argument of these holds the message; that of `add` is the third in all of them.
ARGUMENT = {"add": 2, "finding": 3, "Issue": 4, "_note": 1}
PUT_TOGETHER = {
    "building number {} of the file (line {}) has no gml:id",
    "building number {} of the file has no gml:id",
    "buildings and parts there are: none",
    "archives in the archive are not read: {} and {} more",
    "archives in the archive are not read: {}",
    "neither CityGML nor CityJSON, so not read: {} and {} more",
    "neither CityGML nor CityJSON, so not read: {}",
}
"""Forms that the program does not have in one string."""


def as_text(node: ast.expr) -> str | None:
    """Return a string or f-string with `{}` for what is filled in."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def is_named(one: ast.expr, other: ast.expr) -> bool:
    return isinstance(one, ast.Name) and isinstance(other, ast.Name) and one.id == other.id


def messages_in(path: Path) -> Iterator[str]:
    """Yield the messages that a module gives to findings, where they stand there or in a variable beside."""
    for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(function, ast.FunctionDef):
            continue
        values = [node for node in ast.walk(function) if isinstance(node, ast.Assign)]
        for call in ast.walk(function):
            if not isinstance(call, ast.Call) or not call.args or not isinstance(call.args[0], ast.Constant):
                continue
            name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
            code, place = call.args[0].value, ARGUMENT.get(name)
            if place is None or len(call.args) <= place or not (isinstance(code, str) and code.isupper()):
                continue
            given = call.args[place]
            told = [value.value for value in values if is_named(given, value.targets[0])]
            yield from filter(None, map(as_text, told or [given]))


def strings_in(path: Path) -> Iterator[str]:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return filter(None, (as_text(node) for node in nodes if isinstance(node, ast.expr)))


def test_every_message_has_a_german_form() -> None:
    found = {message for path in MODULES for message in messages_in(path)}
    assert len(found) >= 30
    assert {message for message in found if in_german(message.replace("{}", "7")) is None} == {
        "building number {} of the file{} has no gml:id"  # the second is its line, or nothing
    }


def test_no_german_form_is_left_over() -> None:
    said = {text for path in MODULES for text in strings_in(path)}
    assert {english for english in GERMAN if english not in said} == PUT_TOGETHER


@pytest.mark.parametrize("english", GERMAN)
def test_everything_filled_in_stands_in_the_german_form(english: str) -> None:
    parts = [f"<{number}>" for number in range(english.count("{}"))]
    german = in_german(english.format(*parts))
    assert german == GERMAN[english].format(*parts)
    assert all(german.count(part) == 1 for part in parts)


@pytest.mark.parametrize("name", sorted(name for name, outcome in OUTCOMES.items() if isinstance(outcome, Drawn)))
def test_every_finding_of_the_conformance_files_is_said_in_german(name: str) -> None:
    for issue in read(FOLDER / f"{name}.gml", skip_empty=True).issues:
        assert in_german(issue.message), issue.message


def test_numbers_are_german_and_ids_are_kept() -> None:
    message = "its surface 'p.1 (a) {}' stands in 'DENW.1.5' and is drawn there"
    assert in_german(message) == "seine Fläche „p.1 (a) {}“ steht in „DENW.1.5“ und ist dort gezeichnet"
    assert in_german("its points lie up to 1.25 m from their plane (203)") == (
        "Punkte liegen bis zu 1,25 m neben ihrer Ebene (203)"
    )
    assert in_german("1,234,567 values of 'a' are no number") == "1.234.567 Werte von „a“ sind keine Zahl"
    assert in_german("of tomorrow") is None
