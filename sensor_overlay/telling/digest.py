"""The words of a bundle, for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sensor_overlay.rules.words import time_in_words
from sensor_overlay.telling.bundle import Bundle, Line

_LONGEST_SUBJECT: Final = 150
_MOST_SHOWN: Final = 60


def subject_of(bundle: Bundle) -> str:
    """Return the subject of an e-mail: the message itself, or how many there are and where."""
    if len(bundle.lines) == 1:
        return _cut(one_line(bundle.lines[0].text))
    silent = [line for line in bundle.lines if line.kind == "silence" and line.event == "opened"]
    sites = list(dict.fromkeys(line.site_name or line.site for line in bundle.lines if line.site_name or line.site))
    where = f": {', '.join(sites[:3])}{' und weitere' if len(sites) > 3 else ''}" if sites else ""
    if len(silent) == len(bundle.lines):
        return _cut(one_line(f"{len(silent)} Sensoren senden nicht mehr{where}"))
    return _cut(one_line(f"{len(bundle.lines)} Meldungen{where}"))


def body_of(bundle: Bundle, title: str) -> str:
    """Return the text of an e-mail."""
    parts = [
        _part("Dringend", [line for line in bundle.lines if line.is_urgent]),
        _part("Neu", [line for line in bundle.lines if _is_new(line) and line.kind == "level"]),
        _part(
            "Sensoren, die nicht mehr senden", [line for line in bundle.lines if _is_new(line) and line.kind != "level"]
        ),
        _part("Beendet", [line for line in bundle.lines if line.event == "closed"]),
    ]
    if len(bundle.lines) == 1:
        line = bundle.lines[0]
        parts = [f"{line.text}\n\nGemeldet am {time_in_words(line.opened)}."]
    signature = f"-- \n{title}. Diese Nachricht wurde automatisch versandt.\n"
    return "\n\n".join([*(part for part in parts if part), signature])


def _is_new(line: Line) -> bool:
    return not line.is_urgent and line.event != "closed"


def _part(title: str, lines: Sequence[Line]) -> str:
    if not lines:
        return ""
    shown = [f"- {one_line(line.text)}" for line in lines[:_MOST_SHOWN]]
    if len(lines) > _MOST_SHOWN:
        shown.append(f"- und {len(lines) - _MOST_SHOWN} weitere")
    return "\n".join([f"{title} ({len(lines)}):", *shown])


def one_line(text: str) -> str:
    """Return a text without line breaks and without what cannot be printed."""
    return "".join(character if character.isprintable() else " " for character in " ".join(text.split()))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_SUBJECT else f"{text[: _LONGEST_SUBJECT - 1].rstrip()}…"
