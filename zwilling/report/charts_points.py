"""Points by class, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from zwilling.report.drawing import WIDTH, line, picture, places, text
from zwilling.report.german import counted, number, share
from zwilling.report.markup import Markup, element

_NAMES, _NUMBERS, _ROW, _BAR, _TOP = 210.0, 150.0, 26.0, 16.0, 6.0
_MOST: Final = 16


def class_bars(classes: Sequence[tuple[str, int]], total: int) -> Markup:
    """Return one bar for each class, the most frequent first; what is beyond the sixteenth stands together.

    Args:
        classes: name and points.
        total: points of all classes.
    """
    shown = list(classes[:_MOST])
    if rest := classes[_MOST:]:
        shown.append((f"{number(len(rest))} weitere", sum(points for _, points in rest)))
    most = max((points for _, points in shown), default=1)
    width = WIDTH - _NAMES - _NUMBERS
    height = 2 * _TOP + _ROW * len(shown)
    shapes = [line(_NAMES, _TOP, _NAMES, height - _TOP, "axis")]
    for i, (name, points) in enumerate(shown):
        middle = _TOP + (i + 0.5) * _ROW
        long = max(points / most * width, 1.0)
        said = element("title", f"{name}: {counted(points, 'Punkt', 'Punkte')}")
        shapes += [
            text(_NAMES - 10, middle + 4, name, "end"),
            element(
                "rect", said, class_="bar", x=places(_NAMES), y=places(middle - _BAR / 2), width=places(long),
                height=places(_BAR), rx=2,
            ),
            text(_NAMES + long + 8, middle + 4, f"{number(points)} ({share(points, total)})", "start", "quiet"),
        ]  # fmt: skip
    told = f"Balken für {counted(len(shown), 'Klasse', 'Klassen')}"
    if shown:
        told += f"; am häufigsten ist „{shown[0][0]}“ mit {share(shown[0][1], total)}"
    return picture(height, told, shapes)
