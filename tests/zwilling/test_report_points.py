"""The report on a point cloud: its balance adds up, and nothing in it becomes markup."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.zwilling.test_report_page import EVIL, everywhere, finding, read, text
from zwilling.report.page import page
from zwilling.report.page_points import verdict

REPORT: dict[str, Any] = {
    "kind": "points",
    "title": "Laserpunkte",
    "region": "Rhein-Kreis Neuss",
    "is_synthetic": False,
    "created": "2026-11-21T13:05:00+00:00",
    "program": "zwilling 0.1.0",
    "sources": ["/home/someone/3dm_32_343_5674.laz"],
    "losses": {},
    "triangles": 0,
    "tiles": 12,
    "files": 14,
    "bytes_in": 40_000_000,
    "bytes": 9_000_000,
    "bytes_per_point": 7.25,
    "crs": ["EPSG:25832+7837"],
    "height_method": "grid",
    "attribution": ["Geobasis NRW"],
    "extent": {"west": 6.7, "south": 51.1, "east": 6.8, "north": 51.2, "low": 70.0, "high": 90.0},
    "seconds": 12.0,
    "peak_rss_bytes": 500_000_000,
    "scratch_bytes": 20_000_000,
    "points_promised": 1_300_010,
    "points_in": 1_300_000,
    "points_out": 1_240_000,
    "dropped": {"18": 59_000},
    "outside": 1000,
    "covered_km2": 0.25,
    "points_per_m2": 4.96,
    "position_error": 0.0004,
    "has_colour": True,
    "properties": [{"id": "CLASSIFICATION", "name": "Klasse"}],
    "classes": [
        {"code": 2, "name": "Boden", "points": 900_000, "dropped": 0},
        {"code": 18, "name": "Rauschen, hoch", "points": 0, "dropped": 59_000},
        {"code": 20, "name": "Letzter Rücklauf, nicht Boden", "points": 340_000, "dropped": 0},
    ],
    "point_files": [
        {
            "name": "/home/someone/3dm_32_343_5674.laz",
            "version": "LAZ 1.2",
            "format": 1,
            "crs": "EPSG:25832+7837",
            "points": 1_300_010,
            "low": [343000.0, 5674000.0, 30.25],
            "high": [343500.0, 5674500.0, 71.5],
            "colours": "painted",
            "date": "2021-03-04",
            "points_per_m2": 5.2,
            "lost": False,
        }
    ],
    "point_levels": [
        {
            "level": level,
            "spacing": 2.56 / 2**level,
            "tiles": 4**level,
            "leaves": 0,
            "points": 5,
            "size": 9,
            "largest": 9,
        }
        for level in range(3)
    ],
    "findings": [
        finding(
            "POINTS_WITHHELD",
            "info",
            source="3dm.laz",
            where="header",
            message="10 points are marked as withheld (deleted) and are left out",
        )
    ],
}


def rows(tree: Any) -> list[tuple[str, ...]]:
    return [tuple(text(cell).replace("\xa0", " ") for cell in row) for row in tree.iter("tr")]


def test_the_balance_of_points_stands_on_the_page() -> None:
    tree = read(page(REPORT))
    said = text(tree).replace("\xa0", " ")
    for part in ("1.240.000", "5,0 je m²", "auf 0,25 km²", "7,2 Byte je Punkt", "0,4 mm"):
        assert part in said, part
    found = rows(tree)
    for row in (
        ("in den Dateien angegeben", "1.300.010", ""),
        ("davon nicht gelesen (verloren oder als gelöscht gekennzeichnet)", "−10", ""),
        ("weggelassen: Klasse 18 (Rauschen, hoch)", "−59.000", "wie gewünscht"),
        ("weggelassen: außerhalb des Koordinatensystems", "−1.000", "siehe Befunde"),
        ("in den Kacheln", "1.240.000", ""),
        ("Boden", "2", "900.000", "72,6 %", "–"),
        ("Rauschen, hoch", "18", "0", "0 %", "59.000"),
        ("3dm_32_343_5674.laz", "LAZ 1.2", "1", "04.03.2021", "EPSG:25832+7837", "1.300.010", "5,2",
         "30,25 bis 71,50", "Luftbild"),
        ("2", "64,0 cm", "16", "0", "5", "9 Byte", "9 Byte"),
        ("Kopf der Datei", "3dm.laz", "10 Punkte sind als gelöscht gekennzeichnet (withheld); weggelassen"),
    ):  # fmt: skip
        assert row in found
    assert "/home/someone" not in page(REPORT)


def test_numbers_of_the_page_add_up() -> None:
    rows = REPORT["points_promised"] - 10 - 59_000 - 1000
    assert rows == REPORT["points_out"] == sum(one["points"] for one in REPORT["classes"])


def test_the_longest_bar_is_the_most_frequent_class() -> None:
    bars = [element for element in read(page(REPORT)).iter() if element.get("class") == "bar"]
    assert [float(bar.get("width", 0)) for bar in bars] == [360.0, 136.0]


@pytest.mark.parametrize(
    ("change", "state", "said"),
    [
        ({}, "good", "Ohne Verlust"),
        ({"losses": {"POINTS_FILE_LOST": 2}}, "warn", "2\xa0Verluste"),
        ({"findings": [finding("OUTSIDE_REGION", "warning")]}, "warn", "Ohne Verlust, 1\xa0Warnung"),
    ],
)
def test_the_verdict_tells_losses_first(change: dict[str, Any], state: str, said: str) -> None:
    found = verdict({**REPORT, **change})
    assert (found.state, found.said) == (state, said)
    assert ("Weggelassen, wie gewünscht, nach Klasse: 59.000" in found.more) == ("losses" not in change)


def test_nothing_in_a_report_becomes_markup() -> None:
    evil = everywhere(copy.deepcopy(REPORT))
    for sound, marred in zip(REPORT["point_files"], evil["point_files"], strict=True):
        marred["colours"] = sound["colours"]
    evil["kind"], evil["created"], evil["findings"][0]["severity"] = "points", REPORT["created"], "info"
    written = page(evil)
    written.encode("utf-8")
    assert EVIL not in written
    assert "&lt;script&gt;alert(1)" in written
    assert read(written).xpath("//script") == []
