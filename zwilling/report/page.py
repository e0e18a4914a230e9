"""The report as a page for surveyors: German, in one file, without scripts; for the screen and for A4."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import PurePath
from typing import Any, Final

from zwilling.crs import parse_crs
from zwilling.errors import UnknownCRSError
from zwilling.report.charts import SIZE_CLASSES, histogram, tile_map
from zwilling.report.findings import EXPLANATIONS, Explanation
from zwilling.report.german import counted, duration, moment, number, quantity, share, size
from zwilling.report.markup import Child, Markup, element, fragment, raw
from zwilling.report.messages import in_german

_SHOWN_FINDINGS = 20
_SHOWN_OUTLIERS = 20
_SHOWN_VALUES = 15
# Sources state heights to the centimetre or coarser.
_NOTABLE_M = 0.005
_SMALL_TILE, _LARGE_TILE = 50_000, 1_000_000
_DHHN2016 = 7837
# Nothing may be loaded or run, whatever stands in the data.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
# Severity -> order, sign and word: a sign and a word before it is a colour.
_SEVERITIES: Final = {"error": (0, "▲", "Verlust"), "warning": (1, "◆", "Warnung"), "info": (2, "●", "Hinweis")}
_METHODS: Final = {
    "grid": "amtliches Quasigeoid GCG2016 (Gitter des BKG)",
    "surface": "Näherungsfläche des Kreises an das Quasigeoid GCG2016",
}
_DASH = "–"


def page(report: Mapping[str, Any]) -> str:
    """Return the report as HTML that needs no other file.

    Only names of files stand in it, never their folders, so that it may be handed on.

    Args:
        report: as `zwilling.report.report_json` made it.
    """
    name = f"Bericht: {report['title']}, {report['region']}"
    sections = _ground_sections(report) if report.get("kind") == "ground" else _building_sections(report)
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
            _verdict(report),
            element(
                "nav",
                element("ul", [element("li", element("a", title, href=f"#{key}")) for key, title, _ in sections]),
                aria_label="Abschnitte",
            ),
        ),
        element(
            "main",
            [
                element("section", element("h2", title, id=f"{key}"), content, aria_labelledby=key)
                for key, title, content in sections
            ],
        ),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='de')}\n"


def _building_sections(report: Mapping[str, Any]) -> list[tuple[str, str, Markup]]:
    return [
        ("ergebnis", "Ergebnis", _result(report)),
        ("befunde", "Verluste und Befunde", _findings(report)),
        ("hoehen", "Höhen", _heights(report)),
        ("merkmale", "Merkmale", _attributes(report)),
        ("kacheln", "Kacheln", _tiles(report)),
        ("lauf", "Quellen und Lauf", _run(report)),
    ]


def _ground_sections(report: Mapping[str, Any]) -> list[tuple[str, str, Markup]]:
    rows = [
        (
            number(level["level"]),
            number(level["tiles"]),
            size(level["size"]),
            quantity(level["vertical_error_median"], "m", 2),
            quantity(level["vertical_error_max"], "m", 2),
        )
        for level in report["ground_levels"]
    ]
    head = ("Stufe", "Kacheln", "Größe", "Höhenfehler, Median", "größter")
    return [
        ("ergebnis", "Ergebnis", _table("Stufen, 0 ist die feinste", head, rows)),
        ("befunde", "Verluste und Befunde", _findings(report)),
        ("lauf", "Quellen und Lauf", _run(report)),
    ]


def _synthetic(report: Mapping[str, Any]) -> Markup | None:
    if not report["is_synthetic"]:
        return None
    return element("p", "Beispieldaten, frei erfunden: Diesen Ort gibt es nicht.", class_="note")


def _verdict(report: Mapping[str, Any]) -> Markup:
    came, went, lost = report["features_in"], report["features_out"], sum(report["losses"].values())
    if report.get("kind") == "ground":
        state, sign = ("warn", "◆") if lost else ("good", "✓")
        said = counted(lost, "Verlust", "Verluste") if lost else "Ohne Verlust"
        rest = f"{counted(len(report['sources']), 'Datei', 'Dateien')} gelesen, {number(report['tiles'])} Kacheln."
    elif went < came:
        missing = came - went
        state, sign = "bad", "▲"
        said = f"{counted(missing, 'Gebäude fehlt', 'Gebäude fehlen')}"
        rest = f"{number(went)} von {number(came)} Gebäuden sind im Ergebnis. Welche fehlen, steht unter Befunde."
    elif lost:
        state, sign = "warn", "◆"
        said = f"Alle Gebäude da, {counted(lost, 'Verlust', 'Verluste')}"
        rest = f"Alle {number(came)} Gebäude sind im Ergebnis, aber einzelnes daran fehlt. Näheres unter Befunde."
    else:
        state, sign = "good", "✓"
        said = "Ohne Verlust"
        rest = f"{counted(came, 'Gebäude', 'Gebäude')} gelesen, {number(went)} geschrieben."
    return element(
        "div",
        element("span", sign, class_="sign", aria_hidden="true"),
        element("div", element("strong", said), element("p", rest)),
        class_=f"verdict {state}",
    )


def _result(report: Mapping[str, Any]) -> Markup:
    went, weight = report["features_out"], report["bytes"]
    cards = [
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
        element(
            "dl",
            [
                element("div", element("dt", label), element("dd", value, element("small", below)))
                for label, value, below in cards
            ],
            class_="cards",
        ),
        _table("Hinein und heraus", ("", "gelesen", "geschrieben"), rows),
        element(
            "p",
            f"Gebäude mit eigener Geometrie und Gebäudeteile, einzeln gezählt, sind es {number(report['rows'])}. Auf "
            "diese beziehen sich die Zahlen zu Höhen und Merkmalen.",
            class_="quiet",
        ),
    )


def _findings(report: Mapping[str, Any]) -> Markup:
    by_code: dict[tuple[str, str], list[Mapping[str, str]]] = defaultdict(list)
    for finding in report["findings"]:
        by_code[finding["severity"], finding["code"]].append(finding)
    if not by_code:
        return element("p", "Keine. An den Quellen fiel nichts auf.")
    kinds = Counter(finding["severity"] for finding in report["findings"])
    words = {"error": ("Verlust", "Verluste"), "warning": ("Warnung", "Warnungen"), "info": ("Hinweis", "Hinweise")}
    said = ", ".join(counted(kinds[severity], *words[severity]) for severity in _SEVERITIES if kinds[severity])
    ordered = sorted(by_code.items(), key=lambda item: (_SEVERITIES[item[0][0]][0], -len(item[1]), item[0][1]))
    return fragment(
        element(
            "p",
            f"{said}. Bei einem Verlust fehlt etwas im Ergebnis, eine Warnung kann in die Irre führen, ein Hinweis "
            "steht der Vollständigkeit halber da.",
        ),
        [_finding(severity, code, found) for (severity, code), found in ordered],
    )


def _finding(severity: str, code: str, found: Sequence[Mapping[str, str]]) -> Markup:
    _, sign, word = _SEVERITIES[severity]
    about = EXPLANATIONS.get(code, Explanation(code, "Zu dieser Art von Befund gibt es noch keine Erklärung."))
    rows = [
        (
            _place(finding["where"]),
            PurePath(finding["source"]).name or _DASH,
            _message(finding["message"]),
        )
        for finding in found[:_SHOWN_FINDINGS]
    ]
    rest = len(found) - len(rows)
    return element(
        "details",
        element(
            "summary",
            element("span", f"{sign} {word}", class_=f"badge {severity}"),
            element("span", about.title, class_="kind"),
            element("span", f"{number(len(found))}-mal", class_="times"),
        ),
        element(
            "div",
            element("p", about.meaning, f" {about.remedy}" if about.remedy else None),
            _table(None, ("Stelle", "Datei", "Meldung"), rows, numbers=False),
            element(
                "p",
                f"Gezeigt sind die ersten {number(len(rows))}; alle {number(len(found))} stehen im Bericht als JSON.",
                class_="quiet",
            )
            if rest
            else None,
            element("p", "Kennwort im Bericht als JSON: ", element("code", code), class_="quiet"),
        ),
        open=severity == "error",
    )


def _message(message: str) -> Markup:
    german = in_german(message)
    if german is None:
        return element("span", message, class_="message", lang="en")
    return element("span", german, class_="message")


def _place(where: str) -> Child:
    """Return the place of a finding: an id as it stands in the source, or words."""
    return in_german(where) or element("code", where or _DASH)


def _heights(report: Mapping[str, Any]) -> Markup:
    methods = [_METHODS.get(method, method) for method in report["height_method"].split("+") if method]
    facts = [
        ("Koordinatensystem der Quellen", ", ".join(report["crs"]) or _DASH),
        ("Weg zum Ellipsoid", "; ".join(methods) or _DASH),
    ]
    return fragment(_facts(facts), _elevations(report["elevations"], _height_name(report["crs"])), _differences(report))


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
        _facts(
            [
                ("kleinste", quantity(figures["min"], "m", 2)),
                ("Median", quantity(figures["median"], "m", 2)),
                ("größte", quantity(figures["max"], "m", 2)),
                ("Streuung (1,4826 · MAD, mindestens 0,5 m)", quantity(figures["robust_sigma"], "m", 2)),
            ]
        ),
        _figure(
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
        _folded(
            "Die am weitesten abweichenden", _extremes(None, outliers["farthest"][:_SHOWN_OUTLIERS]), outliers["rows"]
        )
        if outliers["rows"]
        else None,
    )


def _extremes(title: str | None, rows: Sequence[Mapping[str, Any]]) -> Markup:
    return _table(
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
        _facts(
            [
                ("Unterschied, Median", _signed(figures["median"])),
                ("95 % unterscheiden sich um höchstens", quantity(figures["absolute_p95"], "m", 2)),
            ]
        ),
        element("p", "Nirgends beträgt der Unterschied 1 cm oder mehr.") if not worst else None,
        _table(
            "Der größte Unterschied" if len(worst) == 1 else "Die größten Unterschiede",
            ("Gebäude oder Gebäudeteil", "angegeben", "Geometrie", "Unterschied"),
            [
                (
                    element("code", row["id"]),
                    quantity(row["stated"], "m", 2),
                    quantity(row["geometry"], "m", 2),
                    _signed(row["difference"]),
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
        _table(
            None,
            ("Merkmal", "ohne Angabe", "Anteil", ""),
            [
                (item["name"], number(item["missing"]), share(item["missing"], rows), _bar(item["missing"] / rows))
                for item in partly
            ],
        )
        if partly
        else None,
        _facts([("Nirgends angegeben", nowhere or _DASH), ("Überall angegeben", everywhere or _DASH)], "stacked"),
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
    table = [(text, number(times), share(times, rows), _bar(times / most)) for text, times in found[:_SHOWN_VALUES]]
    rest = found[_SHOWN_VALUES:]
    if rest:
        times = sum(count for _, count in rest)
        table.append((f"{number(len(rest))} weitere", number(times), share(times, rows), _bar(times / most)))
    return element("div", element("h3", title), _table(None, ("Wert", "Anzahl", "Anteil", ""), table))


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
        _figure(
            "Karte der Kacheln",
            tile_map(tiles),
            "Die feinsten Kacheln, Norden ist oben. Jedes Rechteck umschließt die Gebäude einer Kachel; wo Platz ist, "
            "stehen darin ihre Anzahl, die Größe der Datei und die Stufe.",
            legend,
        ),
        _facts(
            [
                ("kleinste Kachel", size(sizes[0])),
                ("Median", size(sizes[len(sizes) // 2])),
                ("größte Kachel", size(sizes[-1])),
                ("unter 50 kB", number(small)),
                ("über 1 MB", number(large)),
            ]
        ),
        _table(
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


def _run(report: Mapping[str, Any]) -> Markup:
    extent = report["extent"]
    degrees = (
        f"{number(extent['west'], 4)}° bis {number(extent['east'], 4)}° Ost, "
        f"{number(extent['south'], 4)}° bis {number(extent['north'], 4)}° Nord"
    )
    names = [PurePath(source).name for source in report["sources"]]
    return fragment(
        _facts(
            [
                ("Dauer", duration(report["seconds"])),
                ("Arbeitsspeicher, höchstens", size(report["peak_rss_bytes"])),
                ("Ausdehnung (ETRS89/WGS 84)", degrees),
                ("Nachweis", "; ".join(report["attribution"]) or _DASH),
            ]
        ),
        element("h3", "Quellen"),
        _folded(
            counted(len(names), "Datei", "Dateien"),
            element("ul", [element("li", element("code", name)) for name in names], class_="files"),
            None,
            is_open=len(names) <= _SHOWN_FINDINGS,
        ),
    )


def _table(
    caption: str | None, head: Sequence[str], rows: Sequence[Sequence[Child]], *, numbers: bool = True
) -> Markup:
    """Return a table; all columns but the first hold numbers unless `numbers` is False."""
    kinds = [None if i == 0 or not numbers else "number" for i in range(len(head))]
    return element(
        "div",
        element(
            "table",
            element("caption", caption) if caption else None,
            element(
                "thead",
                element(
                    "tr",
                    [
                        element("th", title, scope="col", class_=kind) if title else element("td", class_=kind)
                        for title, kind in zip(head, kinds, strict=True)
                    ],
                ),
            ),
            element(
                "tbody",
                [
                    element(
                        "tr",
                        element("th", row[0], scope="row"),
                        [element("td", cell, class_=kind) for cell, kind in zip(row[1:], kinds[1:], strict=True)],
                    )
                    for row in rows
                ],
            ),
        ),
        class_="wide",
    )


def _facts(pairs: Sequence[tuple[str, str]], kind: str = "facts") -> Markup:
    return element(
        "dl", [element("div", element("dt", label), element("dd", value)) for label, value in pairs], class_=kind
    )


def _figure(name: str, picture: Markup, caption: str, *more: Markup) -> Markup:
    """Return a picture that scrolls sideways where the window is narrow, with what it shows."""
    scrolled = element("div", picture, class_="scroll", tabindex="0", role="group", aria_label=name)
    return element("figure", scrolled, more, element("figcaption", caption))


def _folded(title: str, content: Markup, count: int | None, *, is_open: bool = False) -> Markup:
    times = None if count is None else element("span", number(count), class_="times")
    return element(
        "details",
        element("summary", element("span", title, class_="kind"), times),
        element("div", content),
        open=is_open,
    )


def _bar(part: float) -> Markup:
    return element("span", class_="share", style=f"--share:{100 * part:.1f}%", aria_hidden="true")


def _signed(metres: float) -> str:
    rounded = round(metres, 2) + 0.0  # never the negative zero
    return ("+" if rounded > 0 else "") + quantity(rounded, "m", 2)
