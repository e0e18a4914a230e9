"""The section of findings, which is the same for every kind of layer."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final

from zwilling.report.findings import EXPLANATIONS, Explanation
from zwilling.report.german import counted, number
from zwilling.report.markup import Child, Markup, element, fragment
from zwilling.report.messages import in_german
from zwilling.report.pieces import DASH, MOST_SHOWN, table

# Severity -> order, sign and word: a sign and a word before it is a colour.
_SEVERITIES: Final = {"error": (0, "▲", "Verlust"), "warning": (1, "◆", "Warnung"), "info": (2, "●", "Hinweis")}


def findings(report: Mapping[str, Any]) -> Markup:
    """Return all findings by kind, the worst first."""
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
            PurePath(finding["source"]).name or DASH,
            _message(finding["message"]),
        )
        for finding in found[:MOST_SHOWN]
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
            table(None, ("Stelle", "Datei", "Meldung"), rows, numbers=False),
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
    return in_german(where) or element("code", where or DASH)
