"""The report: its figures, and an explanation for every finding there can be."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from citygml.findings import SEVERITIES
from orthophotos.findings import SEVERITIES as PICTURE_SEVERITIES
from pointclouds.findings import SEVERITIES as POINT_SEVERITIES
from server.tilesets import MEDIA_TYPES
from tests.tiler.towns import Town, houses
from tiler.buildings import TilingOptions, TilingResult, tile_features
from tiler.facts import RowFacts, TileFacts
from tiler.target import replacing
from zwilling.features import FeatureBatch, Property, PropertyTable, PropertyType
from zwilling.issues import Issue, Severity
from zwilling.region import load_region
from zwilling.report import Subject, report_json, summary_lines, write_report
from zwilling.report.figures import attributes, elevations, height_differences, levels
from zwilling.report.findings import EXPLANATIONS

PROJECT = Path(__file__).resolve().parent.parent.parent


def rows(ground: list[float], roof: list[float] | None = None, measured: list[float] | None = None) -> RowFacts:
    unknown = [float("nan")] * len(ground)
    return RowFacts(
        names=np.array([f"G{i}" for i in range(len(ground))], dtype=object),
        ground=np.array(ground),
        roof=np.array(roof or unknown),
        measured=np.array(measured or unknown),
        present={"id": len(ground)},
        crs=("EPSG:25832+7837",),
    )


def test_elevations_by_hand() -> None:
    """40, 41, 42, 43, 44: median 42, deviations 2 1 0 1 2, so MAD 1; outliers lie beyond 42 ± 3 * 1.4826."""
    figures = elevations(rows([41.0, 40.0, 44.0, 43.0, 42.0]))
    assert figures is not None
    assert (figures["min"], figures["median"], figures["max"], figures["robust_sigma"]) == (40.0, 42.0, 44.0, 1.483)
    assert (figures["outliers"]["below"], figures["outliers"]["above"]) == (37.552, 46.448)
    assert figures["outliers"]["rows"] == 0
    assert [row["id"] for row in figures["lowest"]] == ["G1", "G0", "G4", "G3", "G2"]
    assert [row["id"] for row in figures["highest"]] == ["G2", "G3", "G4", "G0", "G1"]


def test_a_wrong_height_is_named_and_does_not_squeeze_the_histogram() -> None:
    figures = elevations(rows([*np.linspace(40.0, 44.0, 99).tolist(), 0.0, float("nan"), 460.0]))
    assert figures is not None
    assert [row["id"] for row in figures["outliers"]["farthest"]] == ["G101", "G99"]
    bins = figures["histogram"]
    assert (bins["below"], bins["above"], sum(bins["counts"])) == (1, 1, 99)
    assert len(bins["counts"]) >= 8
    assert (figures["rows"], figures["unknown"]) == (101, 1)


@pytest.mark.parametrize("ground", [[40.0], [40.0] * 7, [-3.0, 0.0, 3.0], [39.95, 40.05], [0.1 * i for i in range(50)]])
def test_every_value_is_in_the_histogram_once(ground: list[float]) -> None:
    figures = elevations(rows(ground))
    assert figures is not None
    bins = figures["histogram"]
    assert bins["below"] + sum(bins["counts"]) + bins["above"] == len(ground)
    assert bins["from"] <= min(ground)
    assert max(ground) <= bins["from"] + bins["width"] * len(bins["counts"]) + 1e-9


def test_where_most_heights_are_the_same_a_step_is_no_outlier() -> None:
    figures = elevations(rows([40.0] * 20 + [41.0, 42.0]))
    assert figures is not None
    assert [row["value"] for row in figures["outliers"]["farthest"]] == [42.0]


def test_no_ground_no_elevations() -> None:
    assert elevations(rows([float("nan")] * 3)) is None
    assert height_differences(rows([float("nan")] * 3, [50.0] * 3, [10.0] * 3)) is None


def test_height_differences_by_hand() -> None:
    figures = height_differences(rows([40.0, 40.0, 40.0, float("nan")], [50.0] * 4, [10.0, 10.5, 7.0, 10.0]))
    assert figures is not None
    assert (figures["rows"], figures["median"]) == (3, 0.0)
    assert figures["absolute_p95"] == pytest.approx(2.75)  # of 0, 0.5, 3: nine tenths of the way from 0.5 to 3
    assert [(row["id"], row["difference"]) for row in figures["worst"]] == [("G2", -3.0), ("G1", 0.5), ("G0", 0.0)]


def test_levels_by_hand() -> None:
    box = (6.7, 51.1, 6.8, 51.2)
    tiles = [
        TileFacts("r.glb", 0, False, 5, 400, box),
        TileFacts("r0.glb", 1, True, 3, 100, box),
        TileFacts("r1.glb", 1, True, 4, 300, box),
    ]
    assert levels(tiles)[1] == {
        "level": 1,
        "tiles": 2,
        "leaves": 2,
        "features": 7,
        "bytes": 400,
        "min_bytes": 100,
        "median_bytes": 200,
        "max_bytes": 300,
    }


def test_missing_values_are_counted_over_sources_with_different_columns() -> None:
    ident = Property("id", PropertyType.STRING, "Kennung")
    colour = Property("colour", PropertyType.STRING, "Farbe")
    facts = RowFacts.sum([replace(rows([1.0, 2.0]), present={"id": 2, "colour": 1}), rows([3.0])])
    assert attributes((ident, colour), facts, 3) == [
        {"id": "id", "name": "Kennung", "missing": 0},
        {"id": "colour", "name": "Farbe", "missing": 2},
    ]


def made(folder: Path, source: Any, jobs: int = 1) -> TilingResult:
    with replacing(folder) as target:
        return tile_features([source, source], target, load_region(), TilingOptions(tile_bytes=20_000, jobs=jobs))


def stable(result: TilingResult) -> dict[str, Any]:
    report = report_json(result, [Path("town.gml")], Subject("Gebäude", "Kreis"), files=1, size_bytes=1, seconds=0.0)
    return {key: value for key, value in report.items() if key not in ("created", "peak_rss_bytes")}


def test_a_tileset_s_facts_agree_with_its_files_and_with_any_number_of_jobs(tmp_path: Path) -> None:
    result = made(tmp_path / "one", Town(12, 10))
    report = stable(result)
    assert report == stable(made(tmp_path / "two", Town(12, 10), jobs=2))
    sizes = {path.name: path.stat().st_size for path in (tmp_path / "one" / "tiles").iterdir()}
    assert {Path(tile["uri"]).name: tile["size_bytes"] for tile in report["tile_details"]} == sizes
    assert sum(tile["features"] for tile in report["tile_details"] if tile["is_leaf"]) == 240 == report["rows"]
    assert sum(level["tiles"] for level in report["tile_levels"]) == report["tiles"] == len(sizes)
    for tile in report["tile_details"]:
        west, south, east, north = tile["bounds"]
        inside = [place for place in result.locations if place.tile == tile["uri"]]
        assert all(west <= place.west and place.east <= east for place in inside)
        assert all(south <= place.south and place.north <= north for place in inside)


def test_parts_are_named_with_their_building() -> None:
    batch = houses([(0.0, 0.0), (40.0, 0.0)])
    part = Property("part_id", PropertyType.STRING, "Gebäudeteil-ID")
    columns = {**batch.table.columns, "part_id": np.array(["", "T1"], dtype=object)}
    batch = replace(batch, table=PropertyTable((*batch.table.properties, part), columns))
    facts = RowFacts.of(batch)
    assert facts.names.tolist() == ["DENW05AL00000000", "DENW05AL00000001 / T1"]
    assert batch.feature_ids.tolist() == ["DENW05AL00000000", "DENW05AL00000001"]
    assert facts.present["part_id"] == 1


def test_losses_count_errors_alone_and_findings_keep_all(tmp_path: Path) -> None:
    class Marred:
        name = "town.gml"

        def batches(self) -> Iterator[FeatureBatch]:
            found = (
                Issue("ZERO_AREA", Severity.ERROR, "town.gml", "gml:id=A", "flat"),
                Issue("XLINK_LOOP", Severity.WARNING, "town.gml", "gml:id=B", "round"),
            )
            yield replace(houses([(0.0, 0.0)]), issues=found)

    report = stable(made(tmp_path / "out", Marred()))
    assert report["losses"] == {"ZERO_AREA": 2}
    kept = [finding["code"] for finding in report["findings"]]
    assert (kept.count("ZERO_AREA"), kept.count("XLINK_LOOP")) == (2, 2)


def test_a_file_name_that_is_no_utf8_is_written(tmp_path: Path) -> None:
    write_report(tmp_path / "a.json", {"sources": ["H\udce4user.gml"]})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["sources"] == ["H\udce4user.gml"]


def codes_in(path: Path) -> Iterator[str]:
    """Yield what a module passes as first argument to `Issue(…)` or `….add(…)`, where it looks like a code."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        code = node.args[0].value
        if name in ("Issue", "add") and isinstance(code, str) and re.fullmatch(r"[A-Z0-9]+(_[A-Z0-9]+)+", code):
            yield code


def test_every_finding_of_a_build_has_an_explanation_and_none_is_left_over() -> None:
    modules = [
        *(PROJECT / "citygml").rglob("*.py"),
        *(PROJECT / "orthophotos").glob("*.py"),
        *(PROJECT / "tiler" / "terrain").glob("*.py"),
        *(PROJECT / "tiler" / "points").glob("*.py"),
        *(PROJECT / "tiler").glob("*.py"),  # what the check of tilesets finds is not part of a build
        *(PROJECT / "zwilling").rglob("*.py"),
    ]
    rooms = set(SEVERITIES) | set(PICTURE_SEVERITIES) | set(POINT_SEVERITIES)
    emitted = rooms | {code for module in modules for code in codes_in(module)}
    assert {"OUTSIDE_REGION", "HEIGHTS_BY_SURFACE", "DUPLICATE_ID"} < emitted
    assert emitted == set(EXPLANATIONS)


def test_summaries_count_by_code_and_show_the_first() -> None:
    issue = Issue("XLINK_LOOP", Severity.WARNING, "a.gml", "gml:id=A", "round")
    assert summary_lines([issue, replace(issue, where="gml:id=B")]) == [
        "warning: XLINK_LOOP (2x), first: a.gml: gml:id=A: round"
    ]


def test_the_server_does_not_hand_the_page_out() -> None:
    assert not {".html", ".htm"} & MEDIA_TYPES.keys()
