"""Whether buildings stand on the ground: published foundations held against published terrain.

Both layers must be built, in whatever order that was; so the comparison comes after all of them, and goes into the
report of the buildings.  No source is read again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tiler import foundations
from tiler.foundations import Foundations
from zwilling.build import REPORT_FILE, REPORT_PAGE
from zwilling.crs import parse_crs
from zwilling.crs.plane import plane_of, transformed
from zwilling.layers import Extent, Layer, layers_directory
from zwilling.report import replace_report

_WORST: Final = 10
# What a reader sees with the naked eye: a house half a metre above or below its ground.
_NOTABLE_M: Final = 0.5
_DEGREES: Final = "OGC:CRS84"


@dataclass(frozen=True, slots=True)
class Standing:
    """What came of comparing one layer of buildings with one of ground.

    Attributes:
        buildings, ground: the layers.
        figures: as they stand in the report.
    """

    buildings: Layer
    ground: Layer
    figures: Mapping[str, Any]

    @property
    def line(self) -> str:
        """The result in one line, in English for the command line."""
        figures, on = self.figures, f"{self.buildings.title} on {self.ground.title}"
        if not figures["rows"]:
            return f"{on}: no building has ground heights below it"
        worst = figures["worst"][0]
        return (
            f"{on}: {figures['rows']} compared, median {figures['median']:+z.2f} m, 95% within "
            f"{figures['absolute_p95']:.2f} m, worst {worst['difference']:+.2f} m ({worst['id']})"
        )


def check_standing(
    layers: Sequence[Layer],
    data: Path,
    on_progress: Callable[[str, int, int], None] = lambda _stage, _done, _total: None,
) -> list[Standing]:
    """Compare every layer of buildings with every layer of ground that it overlaps, and put it into its report.

    What was compared before is not compared again while neither version has changed.

    Args:
        layers: all layers of the twin, built.
        data: the data folder of the twin.
        on_progress: called with the stage, how many pairs are done, and the total.

    Returns:
        What was compared now.

    Raises:
        TilesetError: what was built is broken.
    """
    grounds = [layer for layer in layers if layer.kind == "ground"]
    pairs = {
        buildings: [ground for ground in grounds if _overlap(buildings.extent, ground.extent)]
        for buildings in layers
        if buildings.kind == "buildings"
    }
    total, done = sum(map(len, pairs.values())), 0
    fresh: list[Standing] = []
    for buildings, below in pairs.items():
        folder = _folder(data, buildings)
        report = json.loads((folder / REPORT_FILE).read_bytes())
        known = {(check["ground"], check["version"]): check for check in report.get("standing", ())}
        checks: list[Mapping[str, Any]] = []
        stored = Foundations.read(folder / foundations.FILE_NAME) if _is_news(known, below) else None
        for ground in below:
            check = known.get((ground.id, ground.version))
            if check is None and stored is not None:
                check = _compared(stored, ground, _folder(data, ground))
                if check is not None:
                    fresh.append(Standing(buildings, ground, check))
            checks += [check] if check is not None else []
            done += 1
            on_progress("compare", done, total)
        if checks != report.get("standing", []):
            report["standing"] = checks
            # The JSON last: it is what says that the comparison was made.
            replace_report(folder / REPORT_PAGE, report)
            replace_report(folder / REPORT_FILE, report)
    return fresh


def _is_news(known: Mapping[tuple[str, str], object], grounds: Sequence[Layer]) -> bool:
    return any((ground.id, ground.version) not in known for ground in grounds)


def _folder(data: Path, layer: Layer) -> Path:
    return layers_directory(data) / layer.id / layer.version


def _overlap(one: Extent, other: Extent) -> bool:
    return one.west < other.east and other.west < one.east and one.south < other.north and other.south < one.north


def _compared(stored: tuple[Foundations, list[str]], ground: Layer, folder: Path) -> dict[str, Any] | None:
    """Return the figures; None where the ground has no heights of its own, or none that were made for a globe."""
    # The terrain's module is loaded where there is ground.
    from tiler.terrain.published import PublishedTerrain

    report = json.loads((folder / REPORT_FILE).read_bytes())
    terrain = PublishedTerrain.of(folder)
    covers = [file["covers"] for file in report["ground_files"] if file["kind"] == "heights"]
    if terrain is None or not covers:
        return None
    corners, names = stored
    lon_lat = corners.places[:, :2]
    plane = plane_of(parse_crs(report["crs"][0]))
    heights = np.full(len(lon_lat), np.nan)
    inside = _inside(transformed(lon_lat, _DEGREES, plane.definition), covers)
    heights[inside] = terrain.heights_at(lon_lat[inside])
    return {
        "ground": ground.id,
        "version": ground.version,
        "title": ground.title,
        "terrain_error": round(terrain.error, 3),
        **figures(corners, names, heights),
    }


def _inside(places: NDArray[np.float64], covers: Sequence[Sequence[float]]) -> NDArray[np.bool_]:
    """Return which places lie in a rectangle: terrain goes on beyond its data, and proves nothing there."""
    order = np.argsort(places[:, 0], kind="stable")
    x, y = places[order].T
    found = np.zeros(len(order), dtype=bool)
    for west, south, east, north in covers:
        span = slice(np.searchsorted(x, west, "left"), np.searchsorted(x, east, "right"))
        found[span] |= (y[span] >= south) & (y[span] <= north)
    inside = np.empty_like(found)
    inside[order] = found
    return inside


def figures(corners: Foundations, names: Sequence[str], terrain: NDArray[np.float64]) -> dict[str, Any]:
    """Return how far ground surfaces are from the terrain below them.

    Of each row, the lowest corner of its ground surfaces is compared with the lowest terrain below them: surveyors
    put the ground surface of a building where it meets the ground lowest, so that no wall ends in the air.

    Args:
        corners: of the ground surfaces.
        names: of the rows.
        terrain: height below each corner, NaN where it is unknown; rows with such a corner are not compared.
    """
    places = corners.places
    lowest, below = (np.full(len(names), np.inf) for _ in range(2))
    first = np.flatnonzero(np.diff(corners.row, prepend=-1))
    if len(first):
        rows = corners.row[first]
        lowest[rows] = np.minimum.reduceat(places[:, 2], first)
        below[rows] = np.minimum.reduceat(terrain, first)  # NaN where one of them is
    known = np.flatnonzero(np.isfinite(lowest) & np.isfinite(below))
    difference = lowest[known] - below[known]
    result: dict[str, Any] = {"rows": len(known), "beside": len(names) - len(known)}
    if not len(known):
        return result
    distance = np.abs(difference)
    begin = dict(zip(corners.row[first].tolist(), first.tolist(), strict=True))
    return {
        **result,
        "median": _metres(np.median(difference)),
        "absolute_p95": _metres(np.percentile(distance, 95)),
        "above": int(np.count_nonzero(difference > _NOTABLE_M)),
        "below": int(np.count_nonzero(difference < -_NOTABLE_M)),
        "worst": [
            {
                "id": names[row],
                "lon": round(float(places[begin[row], 0]), 6),
                "lat": round(float(places[begin[row], 1]), 6),
                "ground": _metres(lowest[row]),
                "terrain": _metres(below[row]),
                "difference": _metres(lowest[row] - below[row]),
            }
            for row in known[np.argsort(-distance, kind="stable")[:_WORST]].tolist()
        ],
    }


def _metres(value: float | np.floating[Any]) -> float:
    return round(float(value), 3) + 0.0
