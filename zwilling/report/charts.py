"""Pictures of a report, as SVG that stands in the page: its colours are the page's, its figures are text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from zwilling.bounds import METRES_PER_DEGREE
from zwilling.report.drawing import WIDTH, line, north_arrow, picture, places, scale_bar, text
from zwilling.report.figures import round_step
from zwilling.report.german import counted, number, quantity, size
from zwilling.report.markup import Markup, element

# Upper limits in bytes of the classes in which tiles are coloured, and what the legend says.
SIZE_CLASSES = (
    (50_000, "unter 50 kB"),
    (200_000, "50 bis 200 kB"),
    (300_000, "200 bis 300 kB"),
    (500_000, "300 bis 500 kB"),
    (1_000_001, "500 kB bis 1 MB"),
    (math.inf, "über 1 MB"),
)


def size_class(size_bytes: float) -> int:
    """Return the number of the class in `SIZE_CLASSES` that a tile belongs to."""
    return next(i for i, (limit, _) in enumerate(SIZE_CLASSES) if size_bytes < limit)


def histogram(figures: Mapping[str, Any], unit_said: str) -> Markup:
    """Return how elevations are distributed.

    Args:
        figures: as `zwilling.report.figures.elevations` counted them.
        unit_said: what stands below the axis.
    """
    bins = figures["histogram"]
    counts, first, width = bins["counts"], float(bins["from"]), float(bins["width"])
    left, right, top, bottom = 56.0, 12.0, 30.0, 44.0
    height = 250.0
    last = first + width * len(counts)
    step = _tick_step(max(counts), 4)

    def x(value: float) -> float:
        return left + (value - first) / (last - first) * (WIDTH - left - right)

    ceiling: int = math.ceil(max(counts) / step) * step

    def y(count: float) -> float:
        return height - bottom - count / ceiling * (height - top - bottom)

    shapes: list[Markup] = []
    for count in range(0, ceiling + 1, step):
        shapes.append(line(left, y(count), WIDTH - right, y(count), "axis" if count == 0 else "grid"))
        shapes.append(text(left - 8, y(count) + 4, number(count), "end"))
    for i, count in enumerate(counts):
        if not count:
            continue
        low = first + i * width
        box = element("title", f"{number(low, 1)} bis {quantity(low + width, 'm', 1)}: {_buildings(count)}")
        shapes.append(
            element(
                "rect",
                box,
                class_="bar",
                x=places(x(low) + 0.75),
                y=places(y(count)),
                width=places(x(low + width) - x(low) - 1.5),
                height=places(height - bottom - y(count)),
            )
        )
    metres = round_step((last - first) / 8)
    tick = math.ceil(first / metres - 1e-9) * metres
    while tick <= last + 1e-9:
        shapes.append(line(x(tick), height - bottom, x(tick), height - bottom + 5, "axis"))
        shapes.append(text(x(tick), height - bottom + 19, number(tick, 0 if metres >= 1 else 1), "middle"))
        tick += metres
    shapes.append(text((left + WIDTH - right) / 2, height - 6, unit_said, "middle", "quiet"))
    median = figures["median"]
    shapes.append(line(x(median), top - 8, x(median), height - bottom, "mark"))
    side = "end" if x(median) > WIDTH * 0.7 else "start"
    nudge = -6 if side == "end" else 6
    shapes.append(text(x(median) + nudge, top - 12, f"Median {quantity(median, 'm', 1)}", side, "strong"))
    said = (
        f"Häufigkeit der Geländehöhe: {quantity(figures['min'], 'm', 1)} bis {quantity(figures['max'], 'm', 1)}, "
        f"Median {quantity(median, 'm', 1)}"
    )
    return picture(height, said, shapes)


def tile_map(tiles: Sequence[Mapping[str, Any]]) -> Markup:
    """Return a map of the leaf tiles: north is up; each rectangle encloses the buildings of one tile."""
    leaves = [tile for tile in tiles if tile["is_leaf"]]
    west, south = (min(tile["bounds"][i] for tile in leaves) for i in (0, 1))
    east, north = (max(tile["bounds"][i] for tile in leaves) for i in (2, 3))
    squeeze = math.cos(math.radians((south + north) / 2))
    wide, high = (east - west) * METRES_PER_DEGREE * squeeze, (north - south) * METRES_PER_DEGREE
    margin, foot, tallest = 10.0, 40.0, 560.0
    # A single building is a point on the map of a county, yet it has a map of its own.
    scale = min((WIDTH - 2 * margin) / max(wide, 1.0), tallest / max(high, 1.0))
    drawn = high * scale
    offset = (WIDTH - wide * scale) / 2
    height = drawn + 2 * margin + foot
    shapes = [_tile(tile, (west, north, squeeze), scale, (offset, margin)) for tile in leaves]
    shapes += scale_bar(scale, margin, height - 14)
    shapes += north_arrow(WIDTH - margin - 12, height - foot + 2)
    said = (
        f"Karte mit {counted(len(leaves), 'Kachel', 'Kacheln')}, {quantity(wide / 1000, 'km', 1)} von West nach Ost, "
        f"{quantity(high / 1000, 'km', 1)} von Süd nach Nord"
    )
    return picture(height, said, shapes)


def _tile(
    tile: Mapping[str, Any], origin: tuple[float, float, float], scale: float, offset: tuple[float, float]
) -> Markup:
    west, north, squeeze = origin
    box_west, box_south, box_east, box_north = tile["bounds"]
    x = offset[0] + (box_west - west) * METRES_PER_DEGREE * squeeze * scale
    y = offset[1] + (north - box_north) * METRES_PER_DEGREE * scale
    width = max((box_east - box_west) * METRES_PER_DEGREE * squeeze * scale, 2.0)
    height = max((box_north - box_south) * METRES_PER_DEGREE * scale, 2.0)
    held, weight = _buildings(tile["features"]), size(tile["size_bytes"])
    said = element("title", f"{tile['uri']}, Stufe {tile['level']}: {held}, {weight}")
    shade = size_class(tile["size_bytes"])
    shapes = [
        element(
            "rect",
            said,
            class_=f"tile size-{shade}",
            x=places(x),
            y=places(y),
            width=places(width),
            height=places(height),
            rx=2,
        )
    ]
    # Line by line as there is room; each needs its own width.
    wanted = ((number(tile["features"]), "strong", 34), (weight, "", 52), (f"Stufe {tile['level']}", "", 56))
    lines = [(told, kind) for told, kind, least in wanted if width >= least][: int((height - 4) // 16)]
    top = y + height / 2 - 8 * len(lines) + 12
    shapes += [
        text(x + width / 2, top + 16 * i, told, "middle", f"on-{shade} {kind}".strip())
        for i, (told, kind) in enumerate(lines)
    ]
    return element("g", shapes)


def _tick_step(most: int, lines: int) -> int:
    return max(1, int(round_step(most / lines)))


def _buildings(count: int) -> str:
    return counted(count, "Gebäude", "Gebäude")
