"""The report on ground: how much its files cover, what is on the page, and that nothing in it becomes markup."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.zwilling.test_report_page import EVIL, everywhere, finding, read, text
from zwilling.rasters import Rectangle
from zwilling.report.coverage import coverage
from zwilling.report.page import page

OLD, NEW, DGM = "/home/someone/alt_2019.tif", "/home/someone/neu_2023.tif", "/home/someone/dgm1_2022.tif"
REPORT: dict[str, Any] = {
    "kind": "ground",
    "title": "Gelände",
    "region": "Rhein-Kreis Neuss",
    "is_synthetic": False,
    "created": "2026-11-21T13:05:00+00:00",
    "program": "zwilling 0.1.0",
    "sources": [OLD, NEW, DGM],
    "losses": {},
    "triangles": 1200,
    "tiles": 6,
    "textured_tiles": 5,
    "files": 9,
    "bytes_in": 20_000_000,
    "bytes": 5_000_000,
    "crs": ["EPSG:25832+7837"],
    "height_method": "grid",
    "plane": None,
    "attribution": ["Geobasis NRW"],
    "extent": {"west": 6.7, "south": 51.1, "east": 6.8, "north": 51.2, "low": 70.0, "high": 90.0},
    "seconds": 12.0,
    "peak_rss_bytes": 500_000_000,
    "files_decoded": [NEW],
    "pieces": 20,
    "pieces_made": 3,
    "resolutions": {"pictures": 0.1, "heights": 1.0},
    "coverage": coverage([Rectangle(0, 0, 2000, 1000), Rectangle(1000, 0, 3000, 1000)], [Rectangle(0, 0, 1000, 2000)]),
    "ground_files": [
        {"name": OLD, "kind": "pictures", "date": "2019", "covers": [0, 0, 2000, 1000], "decoded": False},
        {"name": NEW, "kind": "pictures", "date": "2023-05-09", "covers": [1000, 0, 3000, 1000], "decoded": True},
        {"name": DGM, "kind": "heights", "date": "2022", "covers": [0, 0, 1000, 2000], "decoded": False},
    ],
    "ground_levels": [
        {
            "level": level,
            "tiles": tiles,
            "size": 1000 * tiles,
            "geometric_error": 0.0,
            "vertical_error_median": 0.04,
            "vertical_error_max": 0.12,
        }
        for level, tiles in ((0, 5), (1, 1))
    ],
    "ground_map": {"level": 1, "side": 204.8, "squares": [[5, 9, 6000], [6, 9, 30_000_000]]},
    "globe": {
        "terrain": {"tiles": 3, "bytes": 900, "levels": [{"level": 0, "tiles": 2}, {"level": 17, "tiles": 1}]},
        "imagery": None,
    },
    "findings": [finding("PICTURE_GREY", "info")],
}


def test_areas_are_those_counted_by_hand() -> None:
    """Two pictures of 2 km² that share 1 km², and heights of 2 km² that share 1 km² with the first."""
    assert REPORT["coverage"] == {
        "any": 4.0,
        "pictures": 3.0,
        "heights": 2.0,
        "both": 1.0,
        "pictures_alone": 2.0,
        "heights_alone": 1.0,
        "pictures_twice": 1.0,
        "heights_twice": 0.0,
    }


def test_borders_that_differ_by_rounding_leave_no_sliver() -> None:
    beside = [Rectangle(0, 0, 1000 + 1e-7, 1000), Rectangle(1000, 0, 2000, 1000 - 1e-7)]
    found = coverage(beside, [])
    assert (found["pictures"], found["pictures_twice"], found["heights"]) == (2.0, 0.0, 0.0)


def test_what_matters_is_said(subtests: pytest.Subtests) -> None:
    said = text(read(page(REPORT)))
    for part in (
        "Ohne Verlust 3 Dateien gelesen, 6 Kacheln geschrieben.",
        "Neu gemacht wurden 3 von 20 Arbeitsstücken, gelesen dazu 1 von 3 Dateien.",
        "mit Luftbild3,00 km²",
        "nur Gelände1,00 km²",
        "Auf 1,00 km² liegen mehrere Luftbilder übereinander; zu sehen ist das jüngste.",
        "Wo es nur Luftbilder gibt, sind Höhen der Umgebung fortgesetzt.",
        "neu_2023.tifLuftbild09.05.20232,00 km²gelesen",
        "dgm1_2022.tifGelände20222,00 km²übernommen",
        "amtliches Quasigeoid GCG2016",
        "Stufe 1 mit einer Seite von 205 m",
        "Stufen des Geländes für den Globus: 3 Kacheln, 900 Byte",
    ):
        with subtests.test(part):
            assert part.replace(" ", "") in said.replace("\u00a0", "").replace(" ", "")
    assert "someone" not in said
    assert "Luftbilds für den Globus" not in said


def test_the_map_shows_the_newest_picture_on_top() -> None:
    drawn = read(page(REPORT)).xpath("//section[@aria-labelledby='abdeckung']//*[local-name()='rect']")
    assert [text(one).split(",")[0] for one in drawn] == ["alt_2019.tif", "neu_2023.tif", "dgm1_2022.tif"]
    assert [one.get("class") for one in drawn] == ["tile size-2", "tile size-3", "outline"]
    # 3 km from west to east, 2 km from south to north, north up: the heights reach farthest north.
    assert float(drawn[2].get("y")) < float(drawn[1].get("y"))
    assert float(drawn[1].get("x")) > float(drawn[0].get("x"))
    assert float(drawn[0].get("height")) == pytest.approx(float(drawn[0].get("width")) / 2, abs=0.02)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "Ohne Verlust"),
        ({"findings": [finding("HEIGHT_SYSTEM_ASSUMED", "warning")]}, "Ohne Verlust, 1 Warnung"),
        ({"losses": {"SOME_LOSS": 2}}, "2 Verluste"),
    ],
)
def test_the_verdict_comes_first(changes: dict[str, Any], verdict: str) -> None:
    (strong,) = read(page({**REPORT, **changes})).xpath("//header//strong")
    assert text(strong).replace("\u00a0", " ") == verdict


def test_pictures_on_a_plane_have_no_table_of_errors() -> None:
    plane = {**REPORT, "plane": 40.0, "resolutions": {"pictures": 0.1, "heights": None}}
    said = text(read(page(plane)))
    assert "Höhe der Ebene40,00 m" in said.replace("\u00a0", " ")
    assert "Abweichung" not in said


def test_nothing_in_the_data_becomes_markup() -> None:
    evil = everywhere(copy.deepcopy(REPORT))
    for sound, marred in zip(REPORT["ground_files"], evil["ground_files"], strict=True):
        marred["kind"] = sound["kind"]
    evil["kind"], evil["created"], evil["findings"][0]["severity"] = "ground", REPORT["created"], "info"
    plain, marred_page = page(REPORT), page(evil)
    marred_page.encode("utf-8")
    assert EVIL not in marred_page
    assert "&lt;script&gt;alert(1)" in marred_page
    assert not [name for node in read(marred_page).iter() for name in node.attrib if name.startswith("on")]
    assert len(read(plain).xpath("//script")) == len(read(marred_page).xpath("//script")) == 0
