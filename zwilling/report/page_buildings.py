"""What a report on buildings says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zwilling.crs import parse_crs
from zwilling.errors import UnknownCRSError
from zwilling.report.charts import SIZE_CLASSES, histogram, tile_map
from zwilling.report.frame import METHODS, Section, Verdict, run
from zwilling.report.german import counted, number, quantity, share, size
from zwilling.report.markup import Markup, element, fragment
from zwilling.report.page_findings import findings
from zwilling.report.page_standing import standing
from zwilling.report.pieces import DASH, MOST_SHOWN, bar, cards, facts, figure, folded, signed, table

_SHOWN_VALUES = 15
# Sources state heights to the centimetre or coarser.
_NOTABLE_M = 0.005
_SMALL_TILE, _LARGE_TILE = 50_000, 1_000_000
_DHHN2016 = 7837


def sections(report: Mapping[str, Any]) -> list[Section]:
    """Return the sections of the page."""
    return [
        Section("ergebnis", "Ergebnis", _result(report)),
        Section("befunde", "Verluste und Befunde", findings(report)),
        Section("hoehen", "Höhen", _heights(report)),
        Section("merkmale", "Merkmale", _attributes(report)),
        Section("kacheln", "Kacheln", _tiles(report)),
        Section("lauf", "Quellen und Lauf", run(report)),
    ]


def verdict(report: Mapping[str, Any]) -> Verdict:
    """Return what a reader must know first: whether something is missing."""
    came, went, lost = report["features_in"], report["features_out"], sum(report["losses"].values())
    if went < came:
        missing = came - went
        return Verdict(
            "bad",
            counted(missing, "Gebäude fehlt", "Gebäude fehlen"),
            f"{number(went)} von {number(came)} Gebäuden sind im Ergebnis. Welche fehlen, steht unter Befunde.",
        )
    if lost:
        return Verdict(
            "warn",
            f"Alle Gebäude da, {counted(lost, 'Verlust', 'Verluste')}",
            f"Alle {number(came)} Gebäude sind im Ergebnis, aber einzelnes daran fehlt. Näheres unter Befunde.",
        )
    return Verdict(
        "good", "Ohne Verlust", f"{counted(came, 'Gebäude', 'Gebäude')} gelesen, {number(went)} geschrieben."
    )


def _result(report: Mapping[str, Any]) -> Markup:
    went, weight = report["features_out"], report["bytes"]
    most = [
        ("Gebäude", number(went), f"von {number(report['features_in'])} gelesenen"),
        ("Dreiecke", number(report["triangles"]), f"{number(report['triangles'] / max(went, 1), 1)} je Gebäude"),
        ("Kacheln", number(report["tiles"]), f"in {counted(len(report['tile_levels']), 'Stufe', 'Stufen')}"),
        ("Größe", size(weight), f"{size(weight / max(went, 1))} je Gebäude"),
    ]
    rows = [
        ("Gebäude", number(report["features_in"]), number(went)),
        ("Dateien", number(len(report["sources"])), number(report["files"])),
        ("Größe", size(report["bytes_in"]), size(weight)),
    ]
    return fragment(
        cards(most),
        table("Hinein und heraus", ("", "gelesen", "geschrieben"), rows),
        element(
            "p",
            f"Gebäude mit eigener Geometrie und Gebäudeteile, einzeln gezählt, sind es {number(report['rows'])}. Auf "
            "diese beziehen sich die Zahlen zu Höhen und Merkmalen.",
            class_="quiet",
        ),
    )


def _heights(report: Mapping[str, Any]) -> Markup:
    methods = [METHODS.get(method, method) for method in report["height_method"].split("+") if method]
    told = [
        ("Koordinatensystem der Quellen", ", ".join(report["crs"]) or DASH),
        ("Weg zum Ellipsoid", "; ".join(methods) or DASH),
    ]
    return fragment(
        facts(told),
        _elevations(report["elevations"], _height_name(report["crs"])),
        _differences(report),
        standing(report.get("standing")),
    )


def _height_name(crs: Sequence[str]) -> str:
    """Return what the sources' heights are; no more is said than the CRS says."""
    try:
        vertical = {parse_crs(name).vertical for name in crs}
    except UnknownCRSError:
        vertical = set()
    return "Höhe über NHN (DHHN2016)" if vertical == {_DHHN2016} else "Höhe wie in der Quelle"


def _elevations(figures: Mapping[str, Any] | None, height_name: str) -> Markup:
    title = element("h3", "Gelände am Gebäude")
    if figures is None:
        return fragment(title, element("p", "Die Quellen haben keine Grundflächen; die Geländehöhe ist unbekannt."))
    bins, outliers = figures["histogram"], figures["outliers"]
    hidden = [
        f"{counted(bins[side], 'Gebäude liegt', 'Gebäude liegen')} {word} der Grafik"
        for side, word in (("below", "unterhalb"), ("above", "oberhalb"))
        if bins[side]
    ]
    unknown = figures["unknown"]
    span = f"{quantity(outliers['below'], 'm', 1)} bis {quantity(outliers['above'], 'm', 1)}"
    return fragment(
        title,
        element(
            "p",
            f"{height_name}, tiefster Punkt der Grundflächen, von {number(figures['rows'])} Gebäuden und "
            f"Gebäudeteilen; {counted(unknown, 'hat', 'haben')} keine Grundfläche."
            if unknown
            else f"{height_name}, tiefster Punkt der Grundflächen, von {number(figures['rows'])} Gebäuden und "
            "Gebäudeteilen.",
        ),
        facts(
            [
                ("kleinste", quantity(figures["min"], "m", 2)),
                ("Median", quantity(figures["median"], "m", 2)),
                ("größte", quantity(figures["max"], "m", 2)),
                ("Streuung (1,4826 · MAD, mindestens 0,5 m)", quantity(figures["robust_sigma"], "m", 2)),
            ]
        ),
        figure(
            "Häufigkeit der Geländehöhen",
            histogram(figures, f"{height_name} in Metern"),
            " ".join(("Anzahl der Gebäude und Gebäudeteile je Höhe.", *(f"{text}." for text in hidden))),
        ),
        element(
            "div",
            _extremes("Die zehn tiefsten", figures["lowest"]),
            _extremes("Die zehn höchsten", figures["highest"]),
            class_="pair",
        ),
        element("h3", "Auffällige Geländehöhen"),
        element(
            "p",
            f"Keine: Alle liegen im üblichen Bereich von {span} (drei robuste Standardabweichungen um den Median)."
            if not outliers["rows"]
            else f"{counted(outliers['rows'], 'Höhe liegt', 'Höhen liegen')} außerhalb von {span} (drei robuste "
            "Standardabweichungen um den Median). In hügeligem Gelände ist das nicht ungewöhnlich; in ebenem deutet "
            "es auf falsche Höhen.",
        ),
        folded("Die am weitesten abweichenden", _extremes(None, outliers["farthest"][:MOST_SHOWN]), outliers["rows"])
        if outliers["rows"]
        else None,
    )


def _extremes(title: str | None, rows: Sequence[Mapping[str, Any]]) -> Markup:
    return table(
        title,
        ("Gebäude oder Gebäudeteil", "Höhe"),
        [(element("code", row["id"]), quantity(row["value"], "m", 2)) for row in rows],
    )


def _differences(report: Mapping[str, Any]) -> Markup:
    title = element("h3", "Angegebene Gebäudehöhe und Geometrie")
    figures = report["height_differences"]
    if figures is None:
        return fragment(title, element("p", "Nicht vergleichbar: Höhenangaben oder Grundflächen fehlen."))
    worst = [row for row in figures["worst"] if abs(row["difference"]) >= _NOTABLE_M]
    return fragment(
        title,
        element(
            "p",
            "Verglichen wird die angegebene Gebäudehöhe mit dem Abstand zwischen tiefstem Punkt der Grundflächen und "
            f"höchstem Punkt des Daches, bei {number(figures['rows'])} Gebäuden und Gebäudeteilen.",
        ),
        facts(
            [
                ("Unterschied, Median", signed(figures["median"])),
                ("95 % unterscheiden sich um höchstens", quantity(figures["absolute_p95"], "m", 2)),
            ]
        ),
        element("p", "Nirgends beträgt der Unterschied 1 cm oder mehr.") if not worst else None,
        table(
            "Der größte Unterschied" if len(worst) == 1 else "Die größten Unterschiede",
            ("Gebäude oder Gebäudeteil", "angegeben", "Geometrie", "Unterschied"),
            [
                (
                    element("code", row["id"]),
                    quantity(row["stated"], "m", 2),
                    quantity(row["geometry"], "m", 2),
                    signed(row["difference"]),
                )
                for row in worst
            ],
        )
        if worst
        else None,
    )


def _attributes(report: Mapping[str, Any]) -> Markup:
    rows = report["rows"]
    # Most buildings have no parts, and rightly so.
    expected = [item for item in report["attributes"] if item["id"] != "part_id"]
    nowhere = ", ".join(item["name"] for item in expected if item["missing"] >= rows)
    everywhere = ", ".join(item["name"] for item in expected if not item["missing"])
    partly = sorted((item for item in expected if 0 < item["missing"] < rows), key=lambda item: -item["missing"])
    return fragment(
        element("h3", "Fehlende Angaben"),
        element("p", f"Bezogen auf {counted(rows, 'Gebäude oder Gebäudeteil', 'Gebäude und Gebäudeteile')}."),
        table(
            None,
            ("Merkmal", "ohne Angabe", "Anteil", ""),
            [
                (item["name"], number(item["missing"]), share(item["missing"], rows), bar(item["missing"] / rows))
                for item in partly
            ],
        )
        if partly
        else None,
        facts([("Nirgends angegeben", nowhere or DASH), ("Überall angegeben", everywhere or DASH)], "stacked"),
        element(
            "div",
            _occurrences("Dachformen", report["occurrences"]["roof_type_label"], rows),
            _occurrences("Gebäudefunktionen", report["occurrences"]["function_label"], rows),
            class_="pair",
        ),
    )


def _occurrences(title: str, found: Sequence[tuple[str, int]] | None, rows: int) -> Markup:
    if not found:
        said = "Keine angegeben." if found is not None else "Zu viele verschiedene Werte für eine Übersicht."
        return element("div", element("h3", title), element("p", said))
    most = found[0][1]
    rows_of = [(text, number(times), share(times, rows), bar(times / most)) for text, times in found[:_SHOWN_VALUES]]
    rest = found[_SHOWN_VALUES:]
    if rest:
        times = sum(count for _, count in rest)
        rows_of.append((f"{number(len(rest))} weitere", number(times), share(times, rows), bar(times / most)))
    return element("div", element("h3", title), table(None, ("Wert", "Anzahl", "Anteil", ""), rows_of))


def _tiles(report: Mapping[str, Any]) -> Markup:
    tiles = report["tile_details"]
    sizes = sorted(tile["size_bytes"] for tile in tiles)
    small = sum(weight < _SMALL_TILE for weight in sizes)
    large = sum(weight > _LARGE_TILE for weight in sizes)
    legend = element(
        "ul",
        [
            element("li", element("span", class_=f"swatch size-{i}", aria_hidden="true"), said)
            for i, (_, said) in enumerate(SIZE_CLASSES)
        ],
        class_="legend",
    )
    return fragment(
        figure(
            "Karte der Kacheln",
            tile_map(tiles),
            "Die feinsten Kacheln, Norden ist oben. Jedes Rechteck umschließt die Gebäude einer Kachel; wo Platz ist, "
            "stehen darin ihre Anzahl, die Größe der Datei und die Stufe.",
            legend,
        ),
        facts(
            [
                ("kleinste Kachel", size(sizes[0])),
                ("Median", size(sizes[len(sizes) // 2])),
                ("größte Kachel", size(sizes[-1])),
                ("unter 50 kB", number(small)),
                ("über 1 MB", number(large)),
            ]
        ),
        table(
            "Stufen",
            ("Stufe", "Kacheln", "davon feinste", "Gebäude", "Größe", "kleinste", "Median", "größte"),
            [
                (
                    number(level["level"]),
                    number(level["tiles"]),
                    number(level["leaves"]),
                    number(level["features"]),
                    *(size(level[key]) for key in ("bytes", "min_bytes", "median_bytes", "max_bytes")),
                )
                for level in report["tile_levels"]
            ],
        ),
        element(
            "p",
            "Stufe 0 zeigt das Ganze mit vereinfachten Gebäuden; wer näher kommt, sieht die feineren Stufen. Nur die "
            "feinsten Kacheln zeigen die Gebäude, wie die Quelle sie enthält.",
            class_="quiet",
        ),
    )
