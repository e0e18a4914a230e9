"""What a report on ground says: orthophotos and terrain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from zwilling.report.charts_ground import ages, file_map, square_map
from zwilling.report.frame import METHODS, Section, Verdict, run
from zwilling.report.german import counted, day, number, quantity, size
from zwilling.report.markup import Markup, element, fragment
from zwilling.report.page_findings import findings
from zwilling.report.pieces import DASH, MOST_SHOWN, cards, facts, figure, folded, table

# Below this an area is what rounding leaves.
_NOTABLE_KM2 = 0.0005
_KINDS = {"pictures": "Luftbild", "heights": "Gelände"}


def sections(report: Mapping[str, Any]) -> list[Section]:
    """Return the sections of the page."""
    return [
        Section("ergebnis", "Ergebnis", _result(report)),
        Section("befunde", "Verluste und Befunde", findings(report)),
        Section("abdeckung", "Abdeckung", _coverage(report)),
        Section("hoehen", "Höhen", _heights(report)),
        Section("kacheln", "Kacheln", _tiles(report)),
        Section("lauf", "Quellen und Lauf", run(report)),
    ]


def verdict(report: Mapping[str, Any]) -> Verdict:
    """Return what a reader must know first: whether something is missing."""
    lost = sum(report["losses"].values())
    came = counted(len(report["ground_files"]), "Datei", "Dateien")
    if lost:
        return Verdict("warn", counted(lost, "Verlust", "Verluste"), f"{came} gelesen. Näheres unter Befunde.")
    warned = sum(finding["severity"] == "warning" for finding in report["findings"])
    more = f"{came} gelesen, {counted(report['tiles'], 'Kachel', 'Kacheln')} geschrieben."
    if warned:
        return Verdict("warn", f"Ohne Verlust, {counted(warned, 'Warnung', 'Warnungen')}", f"{more} Siehe Befunde.")
    return Verdict("good", "Ohne Verlust", more)


def _result(report: Mapping[str, Any]) -> Markup:
    covered, weight, levels = report["coverage"]["any"], report["bytes"], report["ground_levels"]
    tiles = sum(level["size"] for level in levels)
    most = [
        ("Fläche", _area(covered), _what(report)),
        ("Kacheln", number(report["tiles"]), f"in {counted(len(levels), 'Stufe', 'Stufen')}"),
        ("Dreiecke", number(report["triangles"]), f"{number(report['triangles'] / report['tiles'])} je Kachel"),
        ("Größe", size(weight), f"{size(weight / covered)} je km²" if covered >= _NOTABLE_KM2 else "mit allem"),
    ]
    rows = [("3D Tiles", number(report["tiles"]), _span(levels), size(tiles))]
    names = {"terrain": "Gelände für den Globus (quantized-mesh)", "imagery": "Luftbild für den Globus (Web Mercator)"}
    rows += [
        (names[name], number(made["tiles"]), _span(made["levels"]), size(made["bytes"]))
        for name, made in report["globe"].items()
        if made is not None
    ]
    fresh, pieces, read = report["pieces_made"], report["pieces"], len(report["files_decoded"])
    files = counted(len(report["ground_files"]), "Datei", "Dateien")
    said = (
        f"Alle {number(pieces)} Arbeitsstücke wurden neu gemacht, dazu {files} gelesen."
        if fresh == pieces
        else f"Neu gemacht wurden {number(fresh)} von {number(pieces)} Arbeitsstücken, gelesen dazu "
        f"{number(read)} von {files}. Alles andere ist aus der Fassung davor übernommen."
    )
    return fragment(
        cards(most), table("Was entstand", ("", "Kacheln", "Stufen", "Größe"), rows), element("p", said, class_="quiet")
    )


def _what(report: Mapping[str, Any]) -> str:
    has = report["resolutions"]
    if has["pictures"] is None:
        return "Gelände ohne Luftbild"
    return "Luftbild auf einer Ebene" if has["heights"] is None else "Luftbild und Gelände"


def _span(levels: Sequence[Mapping[str, Any]]) -> str:
    numbers = [level["level"] for level in levels]
    low, high = min(numbers), max(numbers)
    return number(low) if low == high else f"{number(low)} bis {number(high)}"


def _area(square_kilometres: float) -> str:
    """Return an area in km², or in m² where it is less than a hectare."""
    if square_kilometres < 0.01:
        return quantity(square_kilometres * 1e6, "m²")
    return quantity(square_kilometres, "km²", 2 if square_kilometres < 100 else 0)


def _coverage(report: Mapping[str, Any]) -> Markup:
    areas, files = report["coverage"], report["ground_files"]
    has = report["resolutions"]
    told = [("mit Luftbild", _area(areas["pictures"]))] if has["pictures"] is not None else []
    told += [("mit Gelände", _area(areas["heights"]))] if has["heights"] is not None else []
    if len(told) == 2:
        told += [
            ("mit beidem", _area(areas["both"])),
            ("nur Luftbild", _area(areas["pictures_alone"])),
            ("nur Gelände", _area(areas["heights_alone"])),
        ]
    notes = []
    if areas["pictures_twice"] >= _NOTABLE_KM2:
        notes.append(
            f"Auf {_area(areas['pictures_twice'])} liegen mehrere Luftbilder übereinander; zu sehen ist das jüngste."
        )
    if areas["heights_twice"] >= _NOTABLE_KM2:
        notes.append(f"Auf {_area(areas['heights_twice'])} gibt es mehrere Geländedateien; die jüngste gilt.")
    if len(told) > 2 and areas["pictures_alone"] >= _NOTABLE_KM2:
        notes.append("Wo es nur Luftbilder gibt, sind Höhen der Umgebung fortgesetzt.")
    if len(told) > 2 and areas["heights_alone"] >= _NOTABLE_KM2:
        notes.append("Wo es nur Gelände gibt, ist es ohne Bild, nur schattiert.")
    listed = [
        (
            element("code", PurePath(file["name"]).name),
            _KINDS[file["kind"]],
            day(file["date"]) or "unbekannt",
            _area(_size(file["covers"])),
            "gelesen" if file["decoded"] else "übernommen",
        )
        for kind in _KINDS
        for file in reversed(files)
        if file["kind"] == kind
    ]
    head = ("Datei, die obersten zuerst", "Art", "Stand", "Fläche", "in diesem Lauf")
    return fragment(
        facts(told),
        [element("p", note) for note in notes],
        figure("Karte der Quelldateien", file_map(files), _legend_said(files), _legend(files)),
        folded(
            counted(len(files), "Datei mit Stand und Fläche", "Dateien mit Stand und Fläche"),
            table(None, head, listed),
            None,
            is_open=len(files) <= MOST_SHOWN,
        ),
    )


def _size(covers: Sequence[float]) -> float:
    west, south, east, north = covers
    return (east - west) * (north - south) / 1e6


def _legend(files: Sequence[Mapping[str, Any]]) -> Markup:
    by_shade: dict[int, list[str]] = {}
    for year, shade in ages(files).items():
        by_shade.setdefault(shade, []).append(year or "unbekannt")
    items = [
        element("li", element("span", class_=f"swatch size-{shade}", aria_hidden="true"), _years(years))
        for shade, years in by_shade.items()
    ]
    if any(file["kind"] == "heights" for file in files):
        items.append(element("li", element("span", class_="swatch outline", aria_hidden="true"), "Gelände"))
    return element("ul", items, class_="legend")


def _years(years: Sequence[str]) -> str:
    return f"Luftbild, Stand {years[0]}" + (" und älter" if len(years) > 1 else "")


def _legend_said(files: Sequence[Mapping[str, Any]]) -> str:
    said = "Norden ist oben. Jedes Rechteck umschließt eine Datei."
    if any(file["kind"] == "pictures" for file in files):
        said += " Luftbilder sind nach ihrem Stand gefärbt und liegen so übereinander, wie man sie sieht."
    if any(file["kind"] == "heights" for file in files):
        said += " Geländedateien sind umrandet."
    return said


def _heights(report: Mapping[str, Any]) -> Markup:
    methods = [METHODS.get(method, method) for method in report["height_method"].split("+") if method]
    has, plane = report["resolutions"], report["plane"]
    told = [
        ("Koordinatensystem", ", ".join(report["crs"]) or DASH),
        ("Weg zum Ellipsoid", "; ".join(methods) or DASH),
        *([("Gitterweite des Geländes", _resolution(has["heights"]))] if has["heights"] is not None else []),
        *([("Höhe der Ebene", quantity(plane, "m", 2))] if plane is not None else []),
        *([("Bildpunkt am Boden", _resolution(has["pictures"]))] if has["pictures"] is not None else []),
    ]
    if plane is not None:
        return facts(told)
    rows = [
        (
            number(level["level"]),
            number(level["tiles"]),
            quantity(level["vertical_error_median"], "m", 2),
            quantity(level["vertical_error_max"], "m", 2),
        )
        for level in report["ground_levels"]
    ]
    return fragment(
        facts(told),
        table(
            "Wie genau die Kacheln dem Gelände folgen", ("Stufe", "Kacheln", "Abweichung, Median", "höchstens"), rows
        ),
        element(
            "p",
            "Gemessen an allen Höhen der Quelle. Stufe 0 ist die feinste; die gröberen sieht man aus der Ferne.",
            class_="quiet",
        ),
    )


def _resolution(metres: float) -> str:
    return quantity(metres * 100, "cm", 0 if metres >= 0.1 else 1) if metres < 1 else quantity(metres, "m", 2)


def _tiles(report: Mapping[str, Any]) -> Markup:
    levels, squares = report["ground_levels"], report["ground_map"]
    side = squares["side"]
    legend = element(
        "ul",
        [
            element("li", element("span", class_=f"swatch size-{i}", aria_hidden="true"), said)
            for i, said in enumerate(_WEIGHTS)
        ],
        class_="legend",
    )
    bare = report["tiles"] - report["textured_tiles"]
    return fragment(
        figure(
            "Karte der Kacheln",
            square_map(squares["squares"], side),
            f"Norden ist oben. Jedes Quadrat ist eine Kachel der Stufe {squares['level']} mit einer Seite von "
            f"{quantity(side, 'm')}; gefärbt ist es danach, wie viel sie und alle feineren darunter wiegen.",
            legend,
        ),
        facts([("mit Bild", number(report["textured_tiles"])), ("ohne Bild", number(bare))]),
        table(
            "Stufen der 3D Tiles",
            ("Stufe", "Seite", "Kacheln", "Größe", "im Mittel"),
            [
                (
                    number(level["level"]),
                    quantity(side * 2.0 ** (level["level"] - squares["level"]), "m", 1),
                    number(level["tiles"]),
                    size(level["size"]),
                    size(level["size"] / level["tiles"]),
                )
                for level in levels
            ],
        ),
        [_globe(title, report["globe"][name]) for name, title in _GLOBE.items()],
    )


# A square of the map holds many tiles, so its classes are ten times those of one tile.
_WEIGHTS = ("unter 500 kB", "500 kB bis 2 MB", "2 bis 3 MB", "3 bis 5 MB", "5 bis 10 MB", "über 10 MB")
_GLOBE = {"terrain": "Stufen des Geländes für den Globus", "imagery": "Stufen des Luftbilds für den Globus"}


def _globe(title: str, made: Mapping[str, Any] | None) -> Markup | None:
    if made is None:
        return None
    rows = [(number(level["level"]), number(level["tiles"])) for level in made["levels"]]
    return folded(
        f"{title}: {counted(made['tiles'], 'Kachel', 'Kacheln')}, {size(made['bytes'])}",
        table(None, ("Stufe", "Kacheln"), rows),
        None,
    )
