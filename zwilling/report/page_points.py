"""What a report on a point cloud says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Final

from zwilling.report.charts_points import class_bars
from zwilling.report.frame import METHODS, Section, Verdict, run
from zwilling.report.german import counted, day, number, quantity, share, size
from zwilling.report.markup import Markup, element, fragment
from zwilling.report.page_findings import findings
from zwilling.report.pieces import DASH, MOST_SHOWN, cards, facts, figure, folded, table

_POINTS: Final = ("Punkt", "Punkte")
_COLOURS: Final = {"own": "eigene", "painted": "Luftbild", "none": DASH}


def sections(report: Mapping[str, Any]) -> list[Section]:
    """Return the sections of the page."""
    return [
        Section("ergebnis", "Ergebnis", _result(report)),
        Section("befunde", "Verluste und Befunde", findings(report)),
        Section("klassen", "Klassen", _classes(report)),
        Section("dateien", "Quelldateien", _files(report)),
        Section("hoehen", "Lage und Höhen", _heights(report)),
        Section("stufen", "Stufen", _levels(report)),
        Section("lauf", "Quellen und Lauf", run(report)),
    ]


def verdict(report: Mapping[str, Any]) -> Verdict:
    """Return what a reader must know first: whether points are missing that nobody wanted left out."""
    lost = sum(report["losses"].values())
    came = (
        f"{counted(report['points_out'], *_POINTS)} von {number(report['points_in'])} gelesenen stehen in den Kacheln."
    )
    if lost:
        return Verdict("warn", counted(lost, "Verlust", "Verluste"), f"{came} Näheres unter Befunde.")
    dropped = sum(report["dropped"].values())
    if dropped:
        came += f" Weggelassen, wie gewünscht, nach Klasse: {number(dropped)}."
    warned = sum(finding["severity"] == "warning" for finding in report["findings"])
    if warned:
        return Verdict("warn", f"Ohne Verlust, {counted(warned, 'Warnung', 'Warnungen')}", f"{came} Siehe Befunde.")
    return Verdict("good", "Ohne Verlust", came)


def _result(report: Mapping[str, Any]) -> Markup:
    density, covered = report["points_per_m2"], report["covered_km2"]
    levels = report["point_levels"]
    most = [
        ("Punkte", number(report["points_out"]), "jeder in genau einer Kachel"),
        ("Dichte", DASH if density is None else f"{number(density, 1)} je m²", f"auf {_area(covered)}"),
        ("Kacheln", number(report["tiles"]), f"in {counted(len(levels), 'Stufe', 'Stufen')}"),
        ("Größe", size(report["bytes"]), f"{number(report['bytes_per_point'], 1)} Byte je Punkt"),
    ]
    # What heads promise and nobody read: files that were lost, and points that are marked as deleted.
    unread = report["points_promised"] - report["points_in"]
    rows = [
        ("in den Dateien angegeben", number(report["points_promised"]), ""),
        *([("davon nicht gelesen (verloren oder als gelöscht gekennzeichnet)", _minus(unread), "")] if unread else []),
        *[
            (f"weggelassen: Klasse {one['code']}{_named(one)}", _minus(one["dropped"]), "wie gewünscht")
            for one in report["classes"]
            if one["dropped"]
        ],
        *(
            [("weggelassen: außerhalb des Koordinatensystems", _minus(report["outside"]), "siehe Befunde")]
            if report["outside"]
            else []
        ),
        ("in den Kacheln", number(report["points_out"]), ""),
    ]
    told = ["Farben"] if report["has_colour"] else []
    told += [prop["name"] for prop in report["properties"]]
    return fragment(
        cards(most),
        table("Woher die Punkte kommen und wo sie blieben", ("", "Punkte", ""), rows),
        facts([("Angaben je Punkt", ", ".join(told) or "keine")]),
    )


def _named(one: Mapping[str, Any]) -> str:
    """Return the name of a class, where it has one."""
    return "" if one["name"] == f"Klasse {one['code']}" else f" ({one['name']})"


def _minus(count: int) -> str:
    return number(-count)


def _area(square_kilometres: float) -> str:
    """Return an area in km², or in m² where it is less than a hectare."""
    if square_kilometres < 0.01:
        return quantity(square_kilometres * 1e6, "m²")
    return quantity(square_kilometres, "km²", 2 if square_kilometres < 100 else 0)


def _classes(report: Mapping[str, Any]) -> Markup:
    classes, total = report["classes"], report["points_out"]
    drawn = sorted((one for one in classes if one["points"]), key=lambda one: -one["points"])
    rows = [
        (
            one["name"],
            number(one["code"]),
            number(one["points"]),
            share(one["points"], total),
            number(one["dropped"]) if one["dropped"] else DASH,
        )
        for one in classes
    ]
    return fragment(
        figure(
            "Punkte nach Klasse",
            class_bars([(one["name"], one["points"]) for one in drawn], total),
            "Wie viele Punkte der Kacheln jede Klasse hat.",
        ),
        table("Klassen der Punkte", ("Klasse", "Code", "Punkte", "Anteil", "weggelassen"), rows),
        element(
            "p",
            "Codes nach LAS 1.4; ab 20 nach den Nutzerhinweisen zu den 3D-Messdaten von Nordrhein-Westfalen. "
            "Klasse 20 ist dort der letzte Rücklauf, der nicht vom Boden kam: Gebäude, Fahrzeuge, Bäume.",
            class_="quiet",
        ),
    )


def _files(report: Mapping[str, Any]) -> Markup:
    files = report["point_files"]
    rows = [
        (
            element("code", PurePath(file["name"]).name),
            file["version"],
            number(file["format"]),
            day(file["date"]) or DASH,
            file["crs"],
            number(file["points"]),
            DASH if file["points_per_m2"] is None else number(file["points_per_m2"], 1),
            f"{number(file['low'][2], 2)} bis {number(file['high'][2], 2)}",
            "verloren" if file["lost"] else _COLOURS[file["colours"]],
        )
        for file in files
    ]
    head = ("Datei", "Art", "Format", "Stand", "Koordinaten", "Punkte", "je m²", "Höhen", "Farben")
    return fragment(
        folded(
            counted(len(files), "Datei mit Format und Dichte", "Dateien mit Format und Dichte"),
            table(None, head, rows),
            None,
            is_open=len(files) <= MOST_SHOWN,
        ),
        element(
            "p",
            "Punkte, Höhen und Fläche sind die, die der Kopf jeder Datei angibt; die Höhen stehen in ihrer Einheit und "
            "ihrem Höhensystem. „Stand“ ist das Jahr am Ende des Dateinamens, sonst der Tag, an dem die Datei nach "
            "ihrem Kopf geschrieben wurde.",
            class_="quiet",
        ),
    )


def _heights(report: Mapping[str, Any]) -> Markup:
    methods = [METHODS.get(method, method) for method in report["height_method"].split("+") if method]
    extent = report["extent"]
    error = report["position_error"] * 1000
    return facts(
        [
            ("Koordinatensystem", ", ".join(report["crs"]) or DASH),
            ("Weg zum Ellipsoid", "; ".join(methods) or DASH),
            (
                "Höhen über dem Ellipsoid",
                f"{quantity(extent['low'], 'm', 2)} bis {quantity(extent['high'], 'm', 2)}",
            ),
            ("Abweichung der Lage durch Rundung, höchstens", quantity(error, "mm", 1 if error >= 0.1 else 3)),
        ]
    )


def _levels(report: Mapping[str, Any]) -> Markup:
    rows = [
        (
            number(level["level"]),
            _spacing(level["spacing"]),
            number(level["tiles"]),
            number(level["leaves"]),
            number(level["points"]),
            size(level["size"]),
            size(level["largest"]),
        )
        for level in report["point_levels"]
    ]
    head = ("Stufe", "Abstand", "Kacheln", "davon feinste", "Punkte", "Größe", "größte")
    return fragment(
        table("Stufen der 3D Tiles", head, rows),
        element(
            "p",
            "Aus der Ferne sieht man die ersten Stufen; je näher man kommt, desto mehr kommen hinzu. Keine Stufe "
            "wiederholt Punkte einer anderen. „Abstand“ ist die Weite des Rasters, nach dem die Punkte einer Stufe "
            "ausgewählt sind; in den feinsten Kacheln liegen sie dichter.",
            class_="quiet",
        ),
    )


def _spacing(metres: float) -> str:
    return quantity(metres * 100, "cm", 1) if metres < 1 else quantity(metres, "m", 2)
