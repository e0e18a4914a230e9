"""What the pages of all kinds of layers have in common, besides the sections of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final, Literal

from zwilling.report.german import counted, duration, number, size
from zwilling.report.markup import Markup, element, fragment
from zwilling.report.pieces import DASH, MOST_SHOWN, facts, folded

METHODS: Final = {
    "grid": "amtliches Quasigeoid GCG2016 (Gitter des BKG)",
    "surface": "Näherungsfläche des Kreises an das Quasigeoid GCG2016",
    "ellipsoid": "keiner: Die Höhen sind ellipsoidisch",
    "proj": "Umrechnung von PROJ",
}
"""How heights came to the ellipsoid."""


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a page.

    Attributes:
        key: its address within the page.
        title: its heading.
    """

    key: str
    title: str
    content: Markup


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a reader must know first.

    Attributes:
        state: how it is coloured and which sign it has.
        said: in a few words.
        more: one sentence.
    """

    state: Literal["good", "warn", "bad"]
    said: str
    more: str


def run(report: Mapping[str, Any]) -> Markup:
    """Return the section on sources and cost."""
    extent = report["extent"]
    degrees = (
        f"{number(extent['west'], 4)}° bis {number(extent['east'], 4)}° Ost, "
        f"{number(extent['south'], 4)}° bis {number(extent['north'], 4)}° Nord"
    )
    names = [PurePath(source).name for source in report["sources"]]
    return fragment(
        facts(
            [
                ("Dauer", duration(report["seconds"])),
                ("Arbeitsspeicher, höchstens", size(report["peak_rss_bytes"])),
                ("Ausdehnung (ETRS89/WGS 84)", degrees),
                ("Nachweis", "; ".join(report["attribution"]) or DASH),
            ]
        ),
        element("h3", "Quellen"),
        folded(
            counted(len(names), "Datei", "Dateien"),
            element("ul", [element("li", element("code", name)) for name in names], class_="files"),
            None,
            is_open=len(names) <= MOST_SHOWN,
        ),
    )
