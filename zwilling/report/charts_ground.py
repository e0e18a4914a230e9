"""Maps of a ground, as SVG: which files it is made of, and how heavy its tiles are.  Both are in its own grid CRS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from zwilling.report.charts import size_class
from zwilling.report.drawing import WIDTH, north_arrow, picture, places, scale_bar, text
from zwilling.report.german import counted, quantity, size
from zwilling.report.markup import Markup, element

_MARGIN, _FOOT, _TALLEST = 10.0, 40.0, 420.0
_SHADES: Final = 5
# Room that a number needs within its square.
_ROOM: Final = 52


def ages(files: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return the years of pictures, the newest first, each with the number of its shade; the oldest share one.

    Example:
        >>> ages([{"kind": "pictures", "date": day} for day in ("2019", "2023-04-02", "")])
        {'2023': 4, '2019': 3, '': 2}
        >>> ages([{"kind": "pictures", "date": "2023"}])
        {'2023': 2}
    """
    years = sorted({file["date"][:4] for file in files if file["kind"] == "pictures"}, reverse=True)
    darkest = min(len(years) + 1, _SHADES - 1)
    return {year: max(darkest - i, 0) for i, year in enumerate(years)}


def file_map(files: Sequence[Mapping[str, Any]]) -> Markup:
    """Return a map of the source files: pictures by their age, as they lie over each other; heights as outlines."""
    sheet = _Sheet.around([file["covers"] for file in files])
    shade = ages(files)
    shapes = []
    for file in files:
        name = PurePath(file["name"]).name
        said = element("title", f"{name}{', ' if file['date'] else ''}{file['date']}")
        is_picture = file["kind"] == "pictures"
        kind = f"tile size-{shade[file['date'][:4]]}" if is_picture else "outline"
        shapes.append(sheet.rectangle(file["covers"], kind, said))
    told = f"Karte mit {counted(len(files), 'Quelldatei', 'Quelldateien')}, {sheet.extent_said}"
    return sheet.drawn(shapes, told)


def square_map(squares: Sequence[Sequence[int]], side: float) -> Markup:
    """Return a map of squares (column, row, bytes) whose sides are `side` metres."""
    boxes = [(column * side, row * side, (column + 1) * side, (row + 1) * side) for column, row, _ in squares]
    sheet = _Sheet.around(boxes)
    shapes = []
    for box, (_, _, weight) in zip(boxes, squares, strict=True):
        shade = size_class(weight / 10)
        shapes.append(sheet.rectangle(box, f"tile size-{shade}", element("title", size(weight))))
        x, y, width, height = sheet.place(box)
        if width >= _ROOM and height >= 20:
            shapes.append(text(x + width / 2, y + height / 2 + 4, size(weight), "middle", f"on-{shade}"))
    told = f"Karte mit {counted(len(squares), 'Quadrat', 'Quadraten')}, {sheet.extent_said}"
    return sheet.drawn(shapes, told)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A map without its content.

    Attributes:
        west, north: its upper left corner, metres.
        wide, high: metres.
        scale: units of the picture to the metre.
    """

    west: float
    north: float
    wide: float
    high: float
    scale: float

    @classmethod
    def around(cls, boxes: Sequence[Sequence[float]]) -> _Sheet:
        west, south = (min(box[side] for box in boxes) for side in (0, 1))
        east, north = (max(box[side] for box in boxes) for side in (2, 3))
        wide, high = max(east - west, 1.0), max(north - south, 1.0)
        return cls(west, north, wide, high, min((WIDTH - 2 * _MARGIN) / wide, _TALLEST / high))

    @property
    def extent_said(self) -> str:
        return (
            f"{quantity(self.wide / 1000, 'km', 1)} von West nach Ost, "
            f"{quantity(self.high / 1000, 'km', 1)} von Süd nach Nord"
        )

    def place(self, box: Sequence[float]) -> tuple[float, float, float, float]:
        """Return x, y, width and height of a box within the picture."""
        west, south, east, north = box
        x = (WIDTH - self.wide * self.scale) / 2 + (west - self.west) * self.scale
        y = _MARGIN + (self.north - north) * self.scale
        return x, y, max((east - west) * self.scale, 2.0), max((north - south) * self.scale, 2.0)

    def rectangle(self, box: Sequence[float], kind: str, said: Markup) -> Markup:
        x, y, width, height = map(places, self.place(box))
        return element("rect", said, class_=kind, x=x, y=y, width=width, height=height)

    def drawn(self, shapes: Sequence[Markup], said: str) -> Markup:
        height = self.high * self.scale + 2 * _MARGIN + _FOOT
        bar = scale_bar(self.scale, _MARGIN, height - 14)
        return picture(height, said, [*shapes, *bar, *north_arrow(WIDTH - _MARGIN - 12, height - _FOOT + 2)])
