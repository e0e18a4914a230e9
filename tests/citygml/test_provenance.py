"""Where a building's data come from: source file and its date, external references, code lists beside the data."""

from __future__ import annotations

import gzip
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from citygml.dictionaries import Dictionaries
from citygml.findings import Findings
from citygml.sources import open_source
from tests.citygml.whole import Whole, read

CONFORMANCE = Path(__file__).parent / "conformance"
SOUND = (CONFORMANCE / "sound.gml").read_text(encoding="utf-8")

DICTIONARY = """<?xml version="1.0" encoding="UTF-8"?>
<gml:Dictionary xmlns:gml="http://www.opengis.net/gml" gml:id="d"><gml:name>Dächer</gml:name>
  <gml:dictionaryEntry><gml:Definition gml:id="a">
    <gml:description>Tonnendach</gml:description><gml:name>4711</gml:name>
  </gml:Definition></gml:dictionaryEntry>
  <gml:dictionaryEntry><gml:Definition gml:id="b">
    <gml:name>Kegel mit Loch</gml:name><gml:description>4712</gml:description>
  </gml:Definition></gml:dictionaryEntry>
  <gml:dictionaryEntry><gml:Definition gml:id="c"><gml:name>4713</gml:name></gml:Definition></gml:dictionaryEntry>
</gml:Dictionary>
"""


def _row(path: Path) -> dict[str, Any]:
    (source,) = open_source(path)
    (row,) = Whole(list(source.batches())).rows
    return row


def _with(text: str, added: str) -> str:
    return text.replace("      <bldg:boundedBy>", added + "      <bldg:boundedBy>", 1)


def _written(path: Path, added: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_with(SOUND, added), encoding="utf-8")
    return path


def test_the_source_file_is_named_without_its_folder(tmp_path: Path) -> None:
    plain = _written(tmp_path / "geheim" / "kachel.gml", "")
    assert _row(plain)["source_file"] == "kachel.gml"
    packed = tmp_path / "kachel.gml.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert _row(packed)["source_file"] == "kachel.gml.gz"
    with zipfile.ZipFile(tmp_path / "kreis.zip", "w") as archive:
        archive.write(plain, "lod2/kachel.gml")
    assert _row(tmp_path / "kreis.zip")["source_file"] == "kachel.gml"


def test_the_source_s_own_date(shared_data: Path, tmp_path: Path) -> None:
    """The model's, not a building's; nothing where the file says nothing."""
    assert _row(_written(tmp_path / "a.gml", "<creationDate>2020-01-01</creationDate>"))["source_date"] == ""
    three = (shared_data / "citygml/ogc/CityGMLv3_Building_LOD2-EPSG25832.gml").read_text(encoding="utf-8")
    path = tmp_path / "three.gml"
    at = three.index("<cityObjectMember")
    path.write_text(f"{three[:at]}<creationDate>2025-05-22T00:00:00</creationDate>{three[at:]}", encoding="utf-8")
    (row,) = read(path).rows
    assert row["source_date"] == "2025-05-22"
    document = json.loads((shared_data / "citygml/cityjson/lod2_buildings_v2.json").read_bytes())
    document["metadata"]["referenceDate"] = "2024-03-01"
    (tmp_path / "a.json").write_text(json.dumps(document), encoding="utf-8")
    (source,) = open_source(tmp_path / "a.json")
    rows = Whole(list(source.batches())).rows
    assert {row["source_date"] for row in rows} == {"2024-03-01"}
    assert {row["source_file"] for row in rows} == {"a.json"}


def _reference(name: str, system: str = "") -> str:
    told = f"<informationSystem>{system}</informationSystem>" if system else ""
    return f"<externalReference>{told}<externalObject><name>{name}</name></externalObject></externalReference>"


def test_external_references_beyond_the_own_id(tmp_path: Path) -> None:
    added = _reference("B1", "urn:alkis") + _reference("D-77", "urn:denkmal") + _reference("X") + _reference("X")
    assert _row(_written(tmp_path / "a.gml", added))["external_reference"] == "D-77 (urn:denkmal); X"
    assert _row(_written(tmp_path / "a.gml", _reference("B1", "urn:alkis")))["external_reference"] == ""


def test_real_references_are_the_alkis_ids_again(shared_data: Path) -> None:
    rows = read(shared_data / "citygml/nrw/LoD2_32_280_5657_1_NW.gml").rows
    assert {row["external_reference"] for row in rows} == {""}


def _roof(code: str, space: str) -> str:
    return f'<bldg:roofType codeSpace="{space}">{code}</bldg:roofType>'


@pytest.mark.parametrize(
    "space",
    [
        "listen/daecher.xml",
        "./listen/../listen/daecher.xml",
        "http://example.org/x/roof.xml",
        "urn:x:roof.xml",
        "roof.xml#a",
        "https://example.org/roof.xml?version=2",
        "file:///C:/listen/roof.xml",
        "../../nowhere/roof.xml",
    ],
)
def test_code_lists_beside_the_data(space: str, tmp_path: Path) -> None:
    for name in ("listen/daecher.xml", "roof.xml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(DICTIONARY, encoding="utf-8")
    for code, label in (("4711", "Tonnendach"), ("4712", "Kegel mit Loch"), ("4713", ""), ("3100", "Satteldach")):
        assert _row(_written(tmp_path / "a.gml", _roof(code, space)))["roof_type_label"] == label


def test_code_lists_of_other_attributes(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(DICTIONARY, encoding="utf-8")
    row = _row(_written(tmp_path / "a.gml", '<bldg:usage codeSpace="a.xml">4711</bldg:usage>'))
    assert (row["usage"], row["usage__Bedeutung_"]) == ("4711", "Tonnendach")


@pytest.mark.parametrize(
    "space",
    [
        "../secret.txt",
        "../linked.xml",
        "../link/daecher.xml",
        "../pipe.xml",
        "{outside}",
        "file://{outside}",
        "link.xml",
        "pipe",
        ".",
        "\0",
        "x" * 5000,
    ],
)
def test_code_lists_elsewhere_are_not_opened(space: str, tmp_path: Path) -> None:
    outside = tmp_path / "secret.xml"
    outside.write_text(DICTIONARY, encoding="utf-8")
    (tmp_path / "secret.txt").write_text(DICTIONARY, encoding="utf-8")
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "daecher.xml").write_text(DICTIONARY, encoding="utf-8")
    (tmp_path / "linked.xml").symlink_to(outside)
    (tmp_path / "link").symlink_to(tmp_path / "lists")
    os.mkfifo(tmp_path / "pipe.xml")
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "link.xml").symlink_to(outside)
    os.mkfifo(folder / "pipe")
    space = space.format(outside=outside).replace("\0", "%00")
    assert _row(_written(folder / "a.gml", _roof("4711", space)))["roof_type_label"] == ""


@pytest.mark.parametrize(("folders", "label"), [(1, "Tonnendach"), (4, "Tonnendach"), (5, "")])
def test_code_lists_above_the_data(folders: int, label: str, tmp_path: Path) -> None:
    """As PLATEAU lays them out: `udx/bldg/a.gml` names `../../codelists/daecher.xml`."""
    (tmp_path / "codelists").mkdir()
    (tmp_path / "codelists" / "daecher.xml").write_text(DICTIONARY, encoding="utf-8")
    path = tmp_path.joinpath(*"abcde"[:folders], "a.gml")
    space = "../" * folders + "codelists/daecher.xml"
    assert _row(_written(path, _roof("4711", space)))["roof_type_label"] == label


@pytest.mark.parametrize(
    ("space", "label"),
    [
        ("../../codelists/daecher.xml", "Tonnendach"),
        ("roof.xml", "Tonnendach"),
        ("http://example.org/roof.xml", "Tonnendach"),
        ("../../../outside.xml", ""),
        ("../../../kreis/codelists/daecher.xml", ""),
        ("/codelists/daecher.xml", ""),
        ("..", ""),
    ],
)
def test_code_lists_in_an_archive(space: str, label: str, tmp_path: Path) -> None:
    plain = _written(tmp_path / "plain" / "a.gml", _roof("4711", space))
    (tmp_path / "outside.xml").write_text(DICTIONARY, encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "kreis.zip", "w") as archive:
        archive.write(plain, "udx/bldg/a.gml")
        archive.writestr("udx/bldg/roof.xml", DICTIONARY)
        archive.writestr("codelists/daecher.xml", DICTIONARY)
    assert _row(tmp_path / "kreis.zip")["roof_type_label"] == label


def test_code_lists_are_read_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file may name any number of lists, and one list by any number of names."""
    (tmp_path / "a.xml").write_text(DICTIONARY, encoding="utf-8")
    (tmp_path / "b.xml").write_text(DICTIONARY, encoding="utf-8")
    monkeypatch.setattr("citygml.dictionaries._LARGEST_TOGETHER", len(DICTIONARY.encode()) + 10)
    findings = Findings("a.gml")
    lists = Dictionaries(tmp_path / "a.gml", "", findings)
    assert [lists.label(name, "4711") for name in ("a.xml", "./a.xml", "b.xml")] == ["Tonnendach", "Tonnendach", ""]
    (told,) = findings.take()
    assert (told.code, told.where) == ("CODE_LIST_UNREADABLE", "codeSpace=b.xml")
    monkeypatch.setattr("citygml.dictionaries._MOST", 4)
    assert [lists.label(f"{n * './'}a.xml", "4711") for n in (2, 3)] == ["Tonnendach", ""]


@pytest.mark.parametrize(
    "text",
    ["", "no XML", DICTIONARY[:-20], '<!DOCTYPE a [<!ENTITY x "y">]>' + DICTIONARY.split("\n", 1)[1], "<a" * 100],
)
def test_a_broken_code_list_is_a_finding(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(text, encoding="utf-8")
    whole = read(_written(tmp_path / "a.gml", _roof("3100", "a.xml")))
    assert whole.codes == {"CODE_LIST_UNREADABLE": 1}
    assert whole.rows[0]["roof_type_label"] == "Satteldach"


@pytest.mark.parametrize(("lod", "drawn"), [(None, 1), (0, 0), (1, 1), (2, 1), (4, 1)])
def test_level_of_detail(lod: int | None, drawn: int, shared_data: Path) -> None:
    """Three houses in Delft, each as footprint and as block."""
    whole = read(shared_data / "citygml/misc/delft-citygml2.xml", lod=lod)
    assert [row["lod"] for row in whole.rows] == [drawn] * 3
    assert whole.codes["LEVEL_OF_DETAIL_MISSING"] == (3 if lod in (2, 4) else 0)
    (levels,) = (issue.message for issue in whole.issues if issue.code == "LEVELS_OF_DETAIL")
    assert levels == "buildings and parts there are: 3 in LoD0, 3 in LoD1"
