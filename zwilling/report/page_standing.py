"""Whether buildings stand on the ground: what the height check found, as a section of the buildings' report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zwilling.report.german import counted, number, quantity
from zwilling.report.markup import Markup, element, fragment
from zwilling.report.pieces import facts, signed, table


def standing(checks: list[Mapping[str, Any]] | None) -> Markup | None:
    """Return how the buildings' ground surfaces lie to each ground; None where none was compared."""
    return fragment([_check(check) for check in checks]) if checks else None


def _check(check: Mapping[str, Any]) -> Markup:
    title = element("h3", f"Stehen die Gebäude auf „{check['title']}“?")
    rows, beside = check["rows"], check["beside"]
    there = (
        counted(rows, "Gebäude oder Gebäudeteil", "Gebäuden und Gebäudeteilen")
        if rows == 1
        else (f"{number(rows)} Gebäuden und Gebäudeteilen")
    )
    if not rows:
        return fragment(title, element("p", "Nicht vergleichbar: Unter keinem Gebäude sind Geländehöhen bekannt."))
    said = (
        f"Verglichen ist an {there} der tiefste Punkt der Grundflächen mit dem tiefsten Gelände unter deren Ecken, so "
        "wie die Ebene es zeigt; sie folgt ihrer Quelle auf "
        f"{quantity(100 * check['terrain_error'], 'cm', 1)}."
    )
    if beside:
        said += f" {counted(beside, 'liegt', 'liegen')} außerhalb des Geländes."
    return fragment(
        title,
        element("p", said),
        facts(
            [
                ("Abstand, Median", signed(check["median"])),
                ("bei 95 % höchstens", quantity(check["absolute_p95"], "m", 2)),
                ("mehr als 0,5 m darüber", number(check["above"])),
                ("mehr als 0,5 m darunter", number(check["below"])),
            ]
        ),
        table(
            "Die größten Abstände: + schwebt über dem Gelände, − steckt darin",
            ("Gebäude oder Gebäudeteil", "Grundfläche", "Gelände", "Abstand"),
            [
                (
                    element("code", row["id"]),
                    quantity(row["ground"], "m", 2),
                    quantity(row["terrain"], "m", 2),
                    signed(row["difference"]),
                )
                for row in check["worst"]
            ],
        ),
        element("p", "Grundfläche und Gelände sind hier ellipsoidische Höhen.", class_="quiet"),
    )
