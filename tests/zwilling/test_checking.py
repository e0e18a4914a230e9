"""`zwilling check`: findings, what was looked at, and a summary."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import rasterio

from tests.zwilling.test_cli import HOUSE, edited, run
from zwilling.checking import Checked, checked_json, checked_lines
from zwilling.issues import Issue, Severity


def issue(code: str, severity: Severity, where: str = "gml:id=A") -> Issue:
    return Issue(code, severity, "a.gml", where, "what is wrong")


CITY_MODEL = {"features_in": 3, "features_out": 2, "rows": 4, "triangles": 99}
MARRED = Checked(
    Path("a.gml"),
    "city model",
    CITY_MODEL,
    (
        issue("XLINK_LOOP", Severity.WARNING),
        issue("RING_NOT_CLOSED", Severity.INFO),
        *(issue("ZERO_AREA", Severity.ERROR, f"gml:id=B{i}") for i in range(10)),
        issue("TOO_FEW_POINTS", Severity.ERROR, ""),
    ),
)
SOUND = Checked(Path("b.gml"), "city model", {**CITY_MODEL, "features_in": 1, "features_out": 1, "triangles": 1}, ())


def test_findings_come_first_then_what_was_looked_at_then_a_summary_worst_first() -> None:
    lines = checked_lines([MARRED, SOUND])
    assert lines[0] == "warning: XLINK_LOOP: a.gml: gml:id=A: what is wrong"
    assert lines[12] == "error: TOO_FEW_POINTS: a.gml: what is wrong"
    assert lines[13:] == [
        "",
        "a.gml: city model, 2 of 3 buildings can be drawn, 99 triangles",
        "b.gml: city model, 1 of 1 building can be drawn, 1 triangle",
        "  10 x error   ZERO_AREA",
        "   1 x error   TOO_FEW_POINTS",
        "   1 x warning XLINK_LOOP",
        "   1 x info    RING_NOT_CLOSED",
        "13 findings: 11 errors, 1 warning, 1 info",
    ]


def test_nothing_found_is_said() -> None:
    assert checked_lines([SOUND])[-1] == "no findings"


@pytest.mark.parametrize("checked", [[MARRED, SOUND], [SOUND]])
def test_the_json_has_the_same_shape_whatever_is_found(checked: list[Checked]) -> None:
    document = checked_json(checked)
    assert list(document) == ["sources", "counts", "findings"]
    assert list(document["counts"]) == ["error", "warning", "info"]
    assert [list(source) for source in document["sources"]] == [["source", "kind", "statistics", "counts"]] * len(
        checked
    )
    assert sum(document["counts"].values()) == len(document["findings"])


def test_a_file_and_its_tileset_consist_of_the_same(shared_data: Path, tmp_path: Path) -> None:
    house = shared_data / HOUSE
    assert run("tile", house, "-o", tmp_path / "out").exit_code == 0
    result = run("check", house, tmp_path / "out", "--json")
    assert result.exit_code == 0
    model, tileset = json.loads(result.stdout)["sources"]
    assert (model["kind"], tileset["kind"]) == ("city model", "tileset")
    assert (model["statistics"]["features_in"], model["statistics"]["features_out"]) == (5, 5)
    assert model["statistics"]["rows"] == tileset["statistics"]["features"]
    assert model["statistics"]["triangles"] == tileset["statistics"]["triangles"]
    sizes = [path.stat().st_size for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert tileset["statistics"]["size_bytes"] == sum(sizes)


def test_a_loss_is_status_1(shared_data: Path, tmp_path: Path) -> None:
    text = (shared_data / HOUSE).read_text(encoding="utf-8")
    coordinates = text.split("<gml:LinearRing", 1)[1].split("<gml:posList", 1)[1].split(">", 1)[1].split("<", 1)[0]
    marred = edited(shared_data / HOUSE, tmp_path / "a.gml", coordinates, "1 2 3 NaN 5 6 7 8 9 1 2 3")
    result = run("check", marred)
    assert result.exit_code == 1
    assert "  1 x error   COORDINATES_UNREADABLE" in result.stdout.splitlines()


def test_orthophotos_and_terrain_are_checked(shared_data: Path) -> None:
    picture = shared_data / "orthophotos/ign_montpellier/test_data_rgb.tif"
    terrain = shared_data / "terrain/ign_montpellier/DTM_test_data_77055_627760_LA93_IGN69_50CM.tif"
    result = run("check", picture, terrain, "--crs", "EPSG:2154+ellipsoidal", "--json")
    assert result.exit_code == 0, result.output
    first, second = json.loads(result.stdout)["sources"]
    assert (first["kind"], second["kind"]) == ("picture", "terrain")
    assert first["statistics"] == {
        "width": 252,
        "height": 252,
        "bands": 3,
        "resolution": 0.2,
        "crs": "RGF93 v1 / Lambert-93",
        "date": "",
    }
    with rasterio.open(terrain) as file:
        heights = file.read(1, masked=True)
    statistics = second["statistics"]
    assert (statistics["low"], statistics["high"]) == pytest.approx((heights.min(), heights.max()), abs=0.001)
    assert (statistics["resolution"], statistics["crs"]) == (0.5, "EPSG:2154+ellipsoidal")
    said = run("check", picture).stdout
    assert "picture, 252 x 252 pixels, 3 bands, 0.2 m, RGF93 v1 / Lambert-93" in said


def test_what_decoding_finds_is_a_finding_of_the_check(tmp_path: Path) -> None:
    (tmp_path / "dgm1.xyz").write_text(
        "".join(f"{344000.5 + x} {5674009.5 - y} -9999\n" for y in range(10) for x in range(10)), encoding="ascii"
    )
    result = run("check", tmp_path / "dgm1.xyz", "--crs", "EPSG:25832+7837")
    assert "HEIGHTS_MISSING" in result.stdout
    assert "terrain, 1 file, no heights, 1 m, EPSG:25832+7837" in result.stdout
