"""Shapes that the pictures of a report are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from zwilling.report.figures import round_step
from zwilling.report.german import quantity
from zwilling.report.markup import Markup, element

WIDTH: Final = 720.0
"""Of every picture, in its own units."""


def scale_bar(scale: float, x: float, y: float) -> list[Markup]:
    """Return a bar that shows a round length, for a map of `scale` units to the metre."""
    metres = round_step(WIDTH / 7 / scale)
    length = metres * scale
    said = quantity(metres / 1000, "km") if metres >= 1000 else quantity(metres, "m", 0 if metres >= 1 else 1)
    path = f"M{places(x)} {places(y - 6)}V{places(y)}H{places(x + length)}V{places(y - 6)}"
    return [element("path", class_="rule", d=path), text(x + length + 8, y + 1, said, "start")]


def north_arrow(x: float, y: float) -> list[Markup]:
    """Return an arrow that points up."""
    corners = ((0, 0), (7, 20), (0, 15), (-7, 20))
    arrow = f"M{'L'.join(f'{places(x + right)} {places(y + down)}' for right, down in corners)}Z"
    return [element("path", class_="arrow", d=arrow), text(x, y + 35, "N", "middle", "strong")]


def picture(height: float, said: str, shapes: Sequence[Markup]) -> Markup:
    """Return shapes as one SVG, with what it shows for those who cannot see it."""
    return element(
        "svg",
        shapes,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {places(WIDTH)} {places(height)}",
        role="img",
        aria_label=said,
    )


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    """Return a straight line."""
    return element("line", class_=kind, x1=places(x1), y1=places(y1), x2=places(x2), y2=places(y2))


def text(x: float, y: float, said: str, anchor: str, kind: str | None = None) -> Markup:
    """Return text; `anchor` is which end of it stands at `x`."""
    return element("text", said, x=places(x), y=places(y), text_anchor=anchor, class_=kind)


def places(value: float) -> str:
    """Return a coordinate with two decimals at most."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
