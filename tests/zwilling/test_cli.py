"""The command line, as a newcomer runs it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from lxml import etree

from zwilling.cli import main

HOUSE = "citygml/nrw/DUS5_LoD2_354_5667_1_NW_extract.xml"
NAMESPACES = {"bldg": "http://www.opengis.net/citygml/building/1.0", "gml": "http://www.opengis.net/gml"}
GML_ID = "{http://www.opengis.net/gml}id"


@pytest.fixture
def house(shared_data: Path) -> Path:
    return shared_data / HOUSE


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def refused(result: Result, output: Path, *parts: str) -> None:
    """One line on standard error with all `parts`, status 1, no traceback, nothing under the output's path."""
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    (line,) = result.stderr.strip().splitlines()
    for part in parts:
        assert part in line
    assert not output.exists()
    assert [path for path in output.parent.iterdir() if path.name.startswith(".")] == []


def edited(house: Path, target: Path, old: str, new: str) -> Path:
    text = house.read_text(encoding="utf-8")
    assert old in text
    target.write_text(text.replace(old, new), encoding="utf-8")
    return target


def test_tile_writes_a_tileset_and_a_report(house: Path, tmp_path: Path) -> None:
    result = run("tile", house, "-o", tmp_path / "out", "--report", tmp_path / "report.json")
    assert result.exit_code == 0, result.output
    assert "5 of 5 buildings in 1 tiles" in result.stdout
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    promised = {"features_in", "features_out", "points_in", "points_out", "losses", "tiles", "bytes", "seconds"}
    assert promised | {"peak_rss_bytes"} <= report.keys()
    assert (report["features_in"], report["features_out"], report["tiles"], report["losses"]) == (5, 5, 1, {})
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert report["bytes"] == sum(path.stat().st_size for path in files)


def test_json_goes_to_standard_output_alone(house: Path, tmp_path: Path) -> None:
    result = run("tile", house, "-o", tmp_path / "out", "--json", "--quiet")
    assert json.loads(result.stdout)["features_out"] == 5
    assert result.stderr == ""


def test_a_missing_file(tmp_path: Path) -> None:
    refused(run("tile", tmp_path / "no.gml", "-o", tmp_path / "out"), tmp_path / "out", "no.gml", "no such file")


def test_a_file_that_is_no_xml(tmp_path: Path) -> None:
    (tmp_path / "a.gml").write_bytes(b"%PDF-1.7\n" + bytes(100))
    refused(run("tile", tmp_path / "a.gml", "-o", tmp_path / "out"), tmp_path / "out", "a.gml", "XML")


def test_a_cut_off_file(house: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.gml").write_bytes(house.read_bytes()[:60_000])
    refused(run("tile", tmp_path / "cut.gml", "-o", tmp_path / "out"), tmp_path / "out", "cut.gml", "line ")


def test_a_file_with_an_entity_is_refused_and_the_named_file_is_not_read(house: Path, tmp_path: Path) -> None:
    (tmp_path / "canary").write_text("CANARY-4711", encoding="utf-8")
    doctype = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{(tmp_path / "canary").as_uri()}">]>'
    text = house.read_text(encoding="utf-8")
    head, rest = text.split("?>", 1)
    evil = tmp_path / "evil.gml"
    evil.write_text(f"{head}?>{doctype}{rest.replace('DENW43', '&e;', 1)}", encoding="utf-8")
    result = run("tile", evil, "-o", tmp_path / "out")
    refused(result, tmp_path / "out", "evil.gml", "DOCTYPE")
    assert "CANARY" not in result.output


def test_no_srs_name_and_no_crs(house: Path, tmp_path: Path) -> None:
    text = house.read_text(encoding="utf-8")
    name = text[text.index("srsName=") :].split('"')[1]
    bare = edited(house, tmp_path / "bare.gml", f' srsName="{name}"', "")
    refused(run("tile", bare, "-o", tmp_path / "out"), tmp_path / "out", "bare.gml", "srsName", "--crs")
    assert run("tile", bare, "-o", tmp_path / "out", "--crs", "EPSG:25832+7837").exit_code == 0


def test_an_unknown_crs(house: Path, tmp_path: Path) -> None:
    wrong = edited(house, tmp_path / "wrong.gml", "urn:adv:crs:ETRS89_UTM32", "urn:adv:crs:ETRS98_UTM32")
    refused(run("tile", wrong, "-o", tmp_path / "out"), tmp_path / "out", "wrong.gml", "ETRS98_UTM32")


def without_geometry(house: Path, target: Path) -> tuple[Path, str]:
    """Write `house` with one building's geometry taken out; return the file and the building's id."""
    document = etree.parse(house)
    building = document.findall(".//bldg:Building", NAMESPACES)[2]
    for child in list(building):
        if isinstance(child.tag, str) and child.tag.endswith(("}boundedBy", "}lod2Solid", "}lod2TerrainIntersection")):
            building.remove(child)
    document.write(target)
    return target, str(building.attrib[GML_ID])


def test_a_building_without_geometry(house: Path, tmp_path: Path) -> None:
    bare, gml_id = without_geometry(house, tmp_path / "bare.gml")
    refused(run("tile", bare, "-o", tmp_path / "out"), tmp_path / "out", "bare.gml", f"gml:id={gml_id}", "--skip-empty")


def test_a_building_without_geometry_can_be_left_out_and_is_reported(house: Path, tmp_path: Path) -> None:
    bare, gml_id = without_geometry(house, tmp_path / "bare.gml")
    result = run("tile", bare, "-o", tmp_path / "out", "--skip-empty", "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert (report["features_in"], report["features_out"]) == (5, 4)
    assert sum(report["losses"].values()) == 1
    assert gml_id in json.dumps(report["findings"])


def test_a_failed_run_leaves_the_tileset_before_as_it_was(house: Path, tmp_path: Path) -> None:
    assert run("tile", house, "-o", tmp_path / "out").exit_code == 0
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    (tmp_path / "cut.gml").write_bytes(house.read_bytes()[:60_000])
    assert run("tile", tmp_path / "cut.gml", "-o", tmp_path / "out").exit_code == 1
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before


def test_wrong_usage_is_status_2(tmp_path: Path) -> None:
    assert run("tile", "a.gml").exit_code == 2
    assert run("tile", "a.gml", "-o", tmp_path, "--compression", "zip").exit_code == 2
    assert run("fly").exit_code == 2


def test_check_finds_nothing_wrong_with_a_good_file_and_with_our_tileset(house: Path, tmp_path: Path) -> None:
    assert run("tile", house, "-o", tmp_path / "out").exit_code == 0
    for source in (house, tmp_path / "out", tmp_path / "out" / "tileset.json"):
        result = run("check", source, "--json")
        assert result.exit_code == 0, result.output
        assert [finding for finding in json.loads(result.stdout)["findings"] if finding["severity"] != "info"] == []


def test_check_of_a_damaged_tileset_fails(house: Path, tmp_path: Path) -> None:
    assert run("tile", house, "-o", tmp_path / "out").exit_code == 0
    (tmp_path / "out" / "tiles" / "r.glb").unlink()
    result = run("check", tmp_path / "out")
    assert result.exit_code == 1
    assert "r.glb" in result.stdout


def test_build_makes_versions_and_does_nothing_twice(house: Path, tmp_path: Path) -> None:
    shutil.copy(house, tmp_path / "a.gml")
    (tmp_path / "zwilling.toml").write_text(
        '[[layer]]\nid = "gebaeude"\ntitle = "Gebäude"\nsources = ["*.gml"]\nattribution = ["Geobasis NRW"]\n',
        encoding="utf-8",
    )
    first = json.loads(run("build", tmp_path / "zwilling.toml", "--json").stdout)
    second = json.loads(run("build", tmp_path / "zwilling.toml", "--json").stdout)
    assert [first[0]["changed"], second[0]["changed"]] == [True, False]
    assert first[0]["version"] == second[0]["version"]

    edited(house, tmp_path / "a.gml", "<bldg:roofType>1000<", "<bldg:roofType>3100<")
    third = json.loads(run("build", tmp_path / "zwilling.toml", "--json").stdout)
    assert third[0]["changed"]
    assert third[0]["version"] != first[0]["version"]
    folder = tmp_path / "data" / "layers" / "gebaeude"
    assert {path.name for path in folder.iterdir()} == {"layer.json", first[0]["version"], third[0]["version"]}
    layer = json.loads((folder / "layer.json").read_text(encoding="utf-8"))
    assert layer["version"] == third[0]["version"]
    assert layer["attribution"][0] == "Geobasis NRW"
    assert "BKG" in layer["attribution"][1]

    shutil.copy(house, tmp_path / "a.gml")
    back = json.loads(run("build", tmp_path / "zwilling.toml", "--json").stdout)
    assert (back[0]["changed"], back[0]["version"]) == (False, first[0]["version"])


def test_build_sweeps_what_a_killed_build_left(house: Path, tmp_path: Path) -> None:
    shutil.copy(house, tmp_path / "a.gml")
    (tmp_path / "zwilling.toml").write_text(
        '[[layer]]\nid = "gebaeude"\ntitle = "Gebäude"\nsources = ["*.gml"]\n', encoding="utf-8"
    )
    # No process has a number beyond the kernel's limit of 2**22.
    left = tmp_path / "data" / "layers" / "gebaeude" / ".0123456789abcdef.99999999.part"
    left.mkdir(parents=True)
    assert run("build", tmp_path / "zwilling.toml").exit_code == 0
    assert not left.exists()


def test_a_pattern_that_matches_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "zwilling.toml").write_text(
        '[[layer]]\nid = "gebaeude"\ntitle = "Gebäude"\nsources = ["lod2/*.gml"]\n', encoding="utf-8"
    )
    result = run("build", tmp_path / "zwilling.toml")
    assert result.exit_code == 1
    assert "layer 'gebaeude'" in result.stderr
    assert "'lod2/*.gml' matches no file" in result.stderr


def test_sample_names_what_it_wrote(tmp_path: Path) -> None:
    result = run("sample", tmp_path / "quarter", "--buildings", 120)
    assert result.exit_code == 0
    written = [Path(line) for line in result.stdout.splitlines()]
    assert written
    assert all(path.is_file() for path in written)


def test_geoid_needs_a_file_or_the_download(tmp_path: Path) -> None:
    assert run("geoid", "install").exit_code == 2
    result = run("geoid", "install", tmp_path / "absent.tif")
    assert result.exit_code == 1
    assert "absent.tif" in result.stderr
