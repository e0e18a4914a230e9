"""The report as a page for surveyors: German, in one file, without scripts; for the screen and for A4."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from types import ModuleType
from typing import Any, Final

from zwilling.report import page_buildings, page_ground, page_points
from zwilling.report.frame import Section, Verdict
from zwilling.report.german import moment
from zwilling.report.markup import Markup, element, raw

# Nothing may be loaded or run, whatever stands in the data.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
_SIGNS: Final = {"good": "✓", "warn": "◆", "bad": "▲"}
_KINDS: Final[Mapping[str, ModuleType]] = {
    "buildings": page_buildings,
    "ground": page_ground,
    "points": page_points,
}


def page(report: Mapping[str, Any]) -> str:
    """Return the report as HTML that needs no other file.

    Only names of files stand in it, never their folders, so that it may be handed on.

    Args:
        report: as `zwilling.report.document`, `zwilling.report.ground` or `zwilling.report.points` made it.
    """
    name = f"Bericht: {report['title']}, {report['region']}"
    kind = _KINDS[report["kind"]]
    sections: list[Section] = kind.sections(report)
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name_="color-scheme", content="light dark"),
        element("title", name),
        element("style", raw(resources.files(__package__).joinpath("page.css").read_text(encoding="utf-8"))),
    )
    body = element(
        "body",
        element(
            "header",
            element("p", "Bericht zur Ebene", class_="eyebrow"),
            element("h1", str(report["title"])),
            element("p", f"{report['region']} · erstellt am {moment(report['created'])} · {report['program']}"),
            _synthetic(report),
            _verdict(kind.verdict(report)),
            element(
                "nav",
                element("ul", [element("li", element("a", one.title, href=f"#{one.key}")) for one in sections]),
                aria_label="Abschnitte",
            ),
        ),
        element(
            "main",
            [
                element("section", element("h2", one.title, id=one.key), one.content, aria_labelledby=one.key)
                for one in sections
            ],
        ),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='de')}\n"


def _synthetic(report: Mapping[str, Any]) -> Markup | None:
    if not report["is_synthetic"]:
        return None
    return element("p", "Beispieldaten, frei erfunden: Diesen Ort gibt es nicht.", class_="note")


def _verdict(verdict: Verdict) -> Markup:
    return element(
        "div",
        element("span", _SIGNS[verdict.state], class_="sign", aria_hidden="true"),
        element("div", element("strong", verdict.said), element("p", verdict.more)),
        class_=f"verdict {verdict.state}",
    )
