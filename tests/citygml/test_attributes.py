"""Attributes: what a county's clerk sees in the panel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from citygml.address import address_line
from citygml.attributes import ADV_GENERICS, STANDARD, GenericNames, property_id
from citygml.codelists import function_label, roof_type_label, source_label
from tests.citygml.whole import Whole, read
from zwilling.features import INT32_MISSING, PropertyType
from zwilling.region import load_region

CONFORMANCE = Path(__file__).parent / "conformance"
SOUND = (CONFORMANCE / "sound.gml").read_text(encoding="utf-8")
FIRST = "      <bldg:boundedBy>"


def _with(content: str, tmp_path: Path, **options: object) -> Whole:
    path = tmp_path / "a.gml"
    path.write_text(SOUND.replace(FIRST, content + FIRST, 1), encoding="utf-8")
    return read(path, **options)


def _generic(kind: str, name: str, value: str, uom: str = "") -> str:
    return f'<gen:{kind}Attribute name="{name}"><gen:value{uom}>{value}</gen:value></gen:{kind}Attribute>'


def test_nrw_building(shared_data: Path) -> None:
    whole = read(shared_data / "citygml/nrw/LoD2_32_280_5657_1_NW.gml", region=load_region())
    row = next(row for row in whole.rows if row["id"] == "DENW43AL00001j2W")
    expected = {
        "part_id": "",
        "class_name": "Building",
        "function": "31001_2723",
        "function_label": "Schuppen",
        "roof_type": "1000",
        "roof_type_label": "Flachdach",
        "measured_height": 1.482,
        "storeys_above_ground": INT32_MISSING,
        "year_of_construction": INT32_MISSING,
        "municipality_key": "05370024",
        "municipality": "",  # not in the county
        "roof_height_source": "1000",
        "roof_height_source_label": "Laserscanning",
        "ground_height_source": "1100",
        "position_source": "1000",
        "footprint_date": "2020-07-01",
        "creation_date": "2020-12-18",
        "Geometrietyp2DReferenz": "3000",
    }
    assert {key: row[key] for key in expected} == expected
    assert row["roof_elevation"] - row["ground_elevation"] == pytest.approx(1.482, abs=0.002)


def test_measured_heights_are_those_of_the_geometry(shared_data: Path) -> None:
    """AdV defines measuredHeight as highest roof point less lowest ground point; NRW rounds to millimetres."""
    whole = read(shared_data / "citygml/nrw/LoD2_32_280_5657_1_NW.gml")
    differences = [row["roof_elevation"] - row["ground_elevation"] - row["measured_height"] for row in whole.rows]
    assert np.median(np.abs(differences)) < 0.002


def test_parts_inherit_from_their_building(shared_data: Path) -> None:
    whole = read(shared_data / "citygml/nrw/LoD2_32_280_5657_1_NW.gml")
    part = next(row for row in whole.rows if row["part_id"] == "UUID_75b7a2c4-ede9-4454-b6d2-6adb239c4b93")
    siblings = [row for row in whole.rows if row["id"] == part["id"]]
    assert len(siblings) > 1
    assert part["id"].startswith("DENW43AL")
    # From the building
    assert (part["function"], part["function_label"]) == ("31001_1010", "Wohnhaus")
    assert part["municipality_key"] == "05370024"
    assert len({row["address"] for row in siblings}) == 1
    # Its own
    assert (part["roof_type_label"], part["measured_height"]) == ("Satteldach", 6.528)
    assert len({row["roof_type"] for row in siblings}) > 1


def test_every_row_of_a_real_file_is_labelled(shared_data: Path) -> None:
    for name in ("LoD2_32_280_5657_1_NW.gml", "Essen_EssenExample.gml", "DUS5_LoD2_354_5667_1_NW_extract.xml"):
        for row in read(shared_data / "citygml/nrw" / name).rows:
            assert row["function_label"], row["function"]
            assert row["roof_type_label"], row["roof_type"]
            assert row["roof_height_source_label"], row["roof_height_source"]


def test_the_columns_of_the_contract_come_first() -> None:
    table = read(CONFORMANCE / "sound.gml").batches[0].table
    assert [prop.id for prop in table.properties] == [prop.id for prop in STANDARD]
    names = {prop.id: prop.name for prop in table.properties}
    assert names["id"] == "Gebäude-ID (ALKIS)"
    assert names["roof_elevation"] == "Firsthöhe (NHN)"
    assert all(prop.description for prop in STANDARD)


def test_missing_values_are_the_missing_values_of_their_type() -> None:
    (row,) = read(CONFORMANCE / "sound.gml").rows
    assert row["name"] == ""
    assert np.isnan(row["measured_height"])
    assert row["storeys_above_ground"] == INT32_MISSING


def test_generic_attributes_of_every_type(tmp_path: Path) -> None:
    whole = _with(
        _generic("string", "Straßenschlüssel", "00417")
        + _generic("int", "Wohneinheiten", "12")
        + _generic("double", "Dachneigung", "38.5")
        + _generic("measure", "Grundfläche", "120.25", ' uom="m2"')
        + _generic("date", "Begehung", "2026-11-21")
        + _generic("uri", "Akte", "https://example.org/a?b=c&amp;d")
        + _generic("int", "Kataster", "9000000000")
        + '<gen:genericAttributeSet name="Energie">'
        + _generic("double", "Bedarf", "97.1")
        + '<gen:genericAttributeSet name="Heizung">'
        + _generic("string", "Art", "Fernwärme")
        + "</gen:genericAttributeSet></gen:genericAttributeSet>"
        + _generic("string", "name", "heißt wie ein Spaltenname")
        + _generic("string", "2D", "beginnt mit einer Ziffer")
        + _generic("string", "Höhe", "a")
        + _generic("string", "Hoehe", "b"),
        tmp_path,
    )
    (row,) = whole.rows
    table = whole.batches[0].table
    expected: dict[str, tuple[PropertyType, str, object]] = {
        "Strassenschluessel": (PropertyType.STRING, "Straßenschlüssel", "00417"),
        "Wohneinheiten": (PropertyType.INT32, "Wohneinheiten", 12),
        "Dachneigung": (PropertyType.FLOAT64, "Dachneigung", 38.5),
        "Grundflaeche": (PropertyType.FLOAT64, "Grundfläche", 120.25),
        "Begehung": (PropertyType.STRING, "Begehung", "2026-11-21"),
        "Akte": (PropertyType.STRING, "Akte", "https://example.org/a?b=c&d"),
        "Kataster": (PropertyType.FLOAT64, "Kataster", 9e9),
        "Energie_Bedarf": (PropertyType.FLOAT64, "Energie.Bedarf", 97.1),
        "Energie_Heizung_Art": (PropertyType.STRING, "Energie.Heizung.Art", "Fernwärme"),
        "attribute_name": (PropertyType.STRING, "name", "heißt wie ein Spaltenname"),
        "_2D": (PropertyType.STRING, "2D", "beginnt mit einer Ziffer"),
        "Hoehe": (PropertyType.STRING, "Höhe", "a"),
        "Hoehe_2": (PropertyType.STRING, "Hoehe", "b"),
    }
    found = {
        prop.id: (prop.type, prop.name, row[prop.id])
        for prop in table.properties
        if prop.id not in {standard.id for standard in STANDARD}
    }
    assert found == expected
    assert {prop.unit for prop in table.properties if prop.id == "Grundflaeche"} == {"m2"}
    assert not whole.issues


def test_generic_attributes_of_version_three(tmp_path: Path) -> None:
    text = SOUND.replace("citygml/2.0", "citygml/3.0").replace("building/2.0", "building/3.0")
    text = text.replace("generics/2.0", "generics/3.0").replace(
        "http://www.opengis.net/gml", "http://www.opengis.net/gml/3.2"
    )
    text = text.replace("<bldg:boundedBy>", "<boundary>").replace("</bldg:boundedBy>", "</boundary>")
    text = text.replace("bldg:lod2", "lod2")
    for surface in ("Roof", "Wall", "Ground"):
        text = text.replace(f"bldg:{surface}Surface", f"con:{surface}Surface")
    text = text.replace("<CityModel ", "<CityModel xmlns:con='http://www.opengis.net/citygml/construction/3.0' ", 1)
    text = text.replace(
        "<boundary>",
        "<genericAttribute><gen:MeasureAttribute><gen:name>Fläche</gen:name><gen:value uom='m2'>7.5</gen:value>"
        "</gen:MeasureAttribute></genericAttribute><con:height>"
        "<con:Height><con:highReference>highestRoofEdge</con:highReference><con:value uom='m'>6.0</con:value>"
        "</con:Height></con:height><boundary>",
        1,
    )
    path = tmp_path / "three.gml"
    path.write_text(text, encoding="utf-8")
    whole = read(path)
    (row,) = whole.rows
    assert (row["Flaeche"], row["measured_height"]) == (7.5, 6.0)
    assert whole.triangle_count == 12


def test_more_attributes_than_a_file_may_name(tmp_path: Path) -> None:
    whole = _with("".join(_generic("string", f"a{number}", "x") for number in range(600)), tmp_path)
    assert whole.codes == {"TOO_MANY_ATTRIBUTES": 88}
    assert len(whole.batches[0].table.properties) == len(STANDARD) + 512


def test_several_functions_and_addresses_are_joined(tmp_path: Path) -> None:
    def address(number: str) -> str:
        return (
            "<bldg:address><Address><xalAddress><xAL:AddressDetails "
            'xmlns:xAL="urn:oasis:names:tc:ciq:xsdschema:xAL:2.0"><xAL:Country>'
            '<xAL:CountryName>Germany</xAL:CountryName><xAL:Locality Type="Town"><xAL:LocalityName>Neuss'
            '</xAL:LocalityName><xAL:Thoroughfare Type="Street">'
            f"<xAL:ThoroughfareNumber>{number}</xAL:ThoroughfareNumber>"
            "<xAL:ThoroughfareName>Musterstraße</xAL:ThoroughfareName></xAL:Thoroughfare></xAL:Locality></xAL:Country>"
            "</xAL:AddressDetails></xalAddress></Address></bldg:address>"
        )

    whole = _with(
        "<bldg:function>31001_1010</bldg:function><bldg:function>31001_2463</bldg:function>"
        + _generic("string", "Gemeindeschluessel", "05162024"),
        tmp_path,
        region=load_region(),
    )
    (row,) = whole.rows
    assert (row["function"], row["function_label"]) == ("31001_1010; 31001_2463", "Wohnhaus; Garage")
    assert row["municipality"] == "Neuss"
    (row,) = _with(address("12") + address("12 a") + address("12"), tmp_path).rows
    assert row["address"] == "Musterstraße 12, Neuss; Musterstraße 12 a, Neuss"


def test_addresses_of_a_real_file(shared_data: Path) -> None:
    rows = read(shared_data / "citygml/nrw/Essen_EssenExample.gml").rows
    addresses = [row["address"] for row in rows if row["address"]]
    assert len(addresses) > 50
    assert all(address.endswith(", Essen") for address in addresses)
    assert all(any(sign.isdigit() for sign in address) for address in addresses)


def test_address_of_version_three() -> None:
    element = etree.fromstring(
        '<a xmlns:x="urn:oasis:names:tc:ciq:xal:3"><x:Address><x:Locality><x:NameElement>Karlsruhe</x:NameElement>'
        "</x:Locality><x:Thoroughfare><x:NameElement>Moltkestraße</x:NameElement><x:Number>30</x:Number>"
        "</x:Thoroughfare><x:PostCode><x:Identifier>76133</x:Identifier></x:PostCode></x:Address></a>"
    )
    assert address_line(element) == "Moltkestraße 30, 76133 Karlsruhe"
    assert address_line(etree.fromstring("<a/>")) == ""


@given(st.text(max_size=40))
def test_property_ids_are_identifiers(name: str) -> None:
    """3D Metadata Specification: ^[a-zA-Z_][a-zA-Z0-9_]*$."""
    identifier = property_id(name)
    assert identifier.isascii()
    assert identifier.isidentifier()


@given(st.lists(st.text(max_size=12), max_size=60))
def test_every_name_has_an_id_of_its_own(attributes: list[str]) -> None:
    names = GenericNames()
    ids = [names.id_of(name) for name in attributes]
    assert ids == [names.id_of(name) for name in attributes]
    assert len(set(ids)) == len(set(attributes))
    assert not set(ids) & {prop.id for prop in STANDARD}


def test_adv_generics_have_columns() -> None:
    assert set(ADV_GENERICS.values()) <= {prop.id for prop in STANDARD}


def test_code_lists() -> None:
    """Codes of the AdV lists that a crisis team or a planner filters by."""
    assert function_label("31001_3021") == "Allgemein bildende Schule"
    assert function_label("31001_3072") == "Feuerwehr"
    assert function_label("31001_3051") == "Krankenhaus"
    assert function_label("51003_1201") == "Silo"
    assert function_label("51009_1611") == "Carport"
    assert function_label("31001_9998") == "Nach Quellenlage nicht zu spezifizieren"
    assert roof_type_label("3200") == "Walmdach"
    assert roof_type_label("9999") == "Sonstiges"
    assert source_label("6000") == "Manuell erfasst"
    assert function_label("") == roof_type_label("") == source_label("") == ""
    assert function_label("1000") == "", "a code without its object type may be of another list"
