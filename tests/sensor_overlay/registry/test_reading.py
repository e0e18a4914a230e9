"""Lists of sensors as counties keep them: read cell by cell, every fault named with its line and column."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_overlay.registry import values
from sensor_overlay.registry.columns import FIELDS, field_of, template
from sensor_overlay.registry.entries import Entry, Models, read_entries
from sensor_overlay.registry.places import TOP, Box, Placing, storey_level
from sensor_overlay.registry.tables import Fault, read_table
from zwilling.errors import SourceError
from zwilling.region import load_region

REGION = load_region()
MODELS = Models({"elsys-ers"}, {"elsys-ers": "elsys-ers", "Elsys ERS CO2": "elsys-ers"}.get)
BOX = Box(6.5860, 51.0890, 6.5870, 51.0900, 95.0, 110.0)


class Surroundings:
    """One building, and ground at 96 m above the ellipsoid."""

    def building(self, building_id: str) -> Box | None:
        return BOX if building_id == "DENW22AL500001kE" else None

    def ground(self, longitude: float, latitude: float) -> float | None:
        return 96.0 if longitude < 7 and latitude < 52 else None


def read(path: Path, crs: str | None = None, models: Models | None = None) -> tuple[list[Entry], list[Fault]]:
    placing = Placing(REGION, Surroundings(), crs)
    return read_entries([read_table(path)], placing, models, frozenset(REGION.municipalities.values()))


def write(tmp_path: Path, text: str, encoding: str = "utf-8", name: str = "liste.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


LINE = "K1;A8-17-58-FF-FE-0A-BC-DE;Aula Süd;Grevenbroich;6,5867;51,0897;8,5;Boden;15;öffentlich"
HEAD = "Kennung;DevEUI;Raum;Gemeinde;Längengrad;Breitengrad;Höhe;Höhenbezug;Intervall (min);Zugang"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("break_", ["\n", "\r\n"])
def test_a_list_from_a_german_spreadsheet(tmp_path: Path, encoding: str, break_: str) -> None:
    entries, faults = read(write(tmp_path, break_.join([HEAD, LINE, ""]), encoding))
    assert faults == []
    (entry,) = entries
    assert entry.key == "K1"
    assert dict(entry.values) == {
        "dev_eui": "a81758fffe0abcde",
        "room": "Aula Süd",
        "municipality": "Grevenbroich",
        "expected_interval": 900,
        "access": "public",
    }
    assert entry.position is not None
    assert (entry.position.longitude, entry.position.latitude, entry.position.height) == (6.5867, 51.0897, 104.5)


def test_english_titles_and_commas(tmp_path: Path) -> None:
    text = 'sep=,\nkey,dev_eui,room,lon,lat,expected_interval\n"a,1",A81758FFFE0ABCDE,204,6.5867,51.0897,600\n'
    entries, faults = read(write(tmp_path, text))
    assert faults == []
    assert (entries[0].key, entries[0].values["expected_interval"]) == ("a,1", 600)


def test_an_empty_interval_does_not_gainsay_the_one_beside_it(tmp_path: Path) -> None:
    text = "Kennung;Intervall (min);Intervall\na;5;\nb;;10 min\nc;;\n"
    entries, faults = read(write(tmp_path, text))
    assert faults == []
    assert [entry.values["expected_interval"] for entry in entries] == [300, 600, 900]


def test_the_template_is_a_list_that_can_be_read(tmp_path: Path) -> None:
    entries, faults = read(write(tmp_path, template()), models=MODELS)
    assert faults == []
    (entry,) = entries
    assert entry.values["calibration"] == {"co2": {"offset": -12.0}}
    assert entry.values["is_test"] is False
    assert entry.values["model"] == "elsys-ers"


def test_every_fault_of_every_line_is_named_with_line_and_column(tmp_path: Path) -> None:
    head = "Kennung;DevEUI;Modell;Längengrad;Breitengrad;Intervall (min);Testbetrieb;Zugang;Korrektur CO2"
    lines = [
        head,
        "K1;a81758fffe0abcde;elsys-er;6,58;51,08;15;nein;alle;",
        ";;;;;;;;",
        "K2;1,6E+15;;51,08;6,58;15;vielleicht;geheim;viel",
        "K3;a81758;;6,58;;0;;;",
        ";;elsys-ers;;;;;;",
        "K1;;;;;;;;",
        "K4;A81758FFFE0ABCDE;;;;;;;",
        "K5;0000000000000000;;;;;;;;zu viel",
    ]
    entries, faults = read(write(tmp_path, "\r\n".join(lines)), models=MODELS)
    assert [entry.key for entry in entries] == ["K1", "K4"]
    told = [(fault.line, fault.column, fault.problem) for fault in faults]
    assert (2, "Modell", "there is no codec for 'elsys-er'; did you mean 'elsys-ers'?") in told
    problem = "'1,6E+15' is what a spreadsheet makes of a DevEUI; format the column as text"
    assert (4, "DevEUI", problem) in told
    assert (4, "Testbetrieb", "'vielleicht' is neither 'ja' nor 'nein'") in told
    assert (4, "Zugang", "'geheim' is none of 'öffentlich', 'Verwaltung', 'Krisenstab'") in told
    assert (4, "Korrektur CO2", "'viel' is no number") in told
    swapped = "51.08, 6.58 lies outside Rhein-Kreis Neuss; longitude and latitude look swapped"
    assert (4, "Längengrad", swapped) in told
    assert (5, "DevEUI", "'a81758' has 6 digits; a DevEUI has 16") in told
    assert (5, "Breitengrad", "is missing beside the other coordinate") in told
    assert (5, "Intervall (min)", "'0' is no interval between one second and 31 days") in told
    assert (6, "Kennung", "has neither a Kennung nor a DevEUI") in told
    assert (9, "", "has 10 cells, but there are 9 columns") in told
    assert all(str(tmp_path / "liste.csv") in str(fault) for fault in faults)


def test_what_stands_twice_names_the_first(tmp_path: Path) -> None:
    text = f"{HEAD}\n{LINE}\n{LINE.replace('A8-17-58-FF-FE-0A-BC-DE', '')}\n{LINE.replace('K1', 'K2')}\n"
    entries, faults = read(write(tmp_path, text))
    assert [entry.key for entry in entries] == ["K1"]
    assert [(fault.line, fault.column, fault.problem) for fault in faults] == [
        (3, "Kennung", "'K1' stands in line 2 already"),
        (4, "DevEUI", "'a81758fffe0abcde' stands in line 2 already"),
    ]


def test_lines_are_counted_as_an_editor_counts_them(tmp_path: Path) -> None:
    text = 'Kennung;Beschreibung;DevEUI\nK1;"zwei\nZeilen";\n\nK2;;falsch\n'
    entries, faults = read(write(tmp_path, text))
    assert entries[0].values["description"] == "zwei Zeilen"
    assert [(fault.line, fault.column) for fault in faults] == [(5, "DevEUI")]


def test_an_unknown_column_is_told_and_a_misspelt_one_is_an_error(tmp_path: Path) -> None:
    _, faults = read(write(tmp_path, "Kennung;Inventarnummer;Breitengard\nK1;4711;51,08\n"))
    assert [(fault.column, fault.is_error) for fault in faults] == [("Inventarnummer", False), ("Breitengard", True)]
    assert faults[1].problem == "is not known; did you mean 'Breitengrad'?"


def test_two_columns_that_say_the_same_are_refused(tmp_path: Path) -> None:
    _, faults = read(write(tmp_path, "Kennung;Raum;Zimmer\nK1;1;2\n"))
    assert [(fault.column, fault.is_error) for fault in faults] == [("Zimmer", True)]


def test_metres_of_the_county_and_heights_above_nhn(tmp_path: Path) -> None:
    # The control point of the region: the official grid has 85.8198 m above the ellipsoid there.
    point = REGION.control_point
    assert point is not None
    text = "Kennung;Ostwert;Nordwert;Höhe;Höhenbezug\nK1;343.000,0;5.674.000;40,0;NHN\n"
    (entry,), faults = read(write(tmp_path, text))
    assert faults == []
    assert entry.position is not None
    assert entry.position.longitude == pytest.approx(point.lon_deg, abs=1e-8)
    assert entry.position.latitude == pytest.approx(point.lat_deg, abs=1e-8)
    assert entry.position.height == pytest.approx(point.height, abs=0.007)


def test_degrees_and_heights_above_nhn(tmp_path: Path) -> None:
    point = REGION.control_point
    assert point is not None
    text = f"Kennung;lon;lat;Höhe;Höhenbezug\nK1;{point.lon_deg};{point.lat_deg};40,0;NHN\n"
    (entry,), _ = read(write(tmp_path, text))
    assert entry.position is not None
    assert entry.position.height == pytest.approx(point.height, abs=0.007)


def test_another_crs_by_name(tmp_path: Path) -> None:
    text = "Kennung;Rechtswert;Hochwert\nK1;2552000;5674000\n"
    entries, _ = read(write(tmp_path, text), "EPSG:31466")
    assert entries[0].position is not None
    assert entries[0].position.longitude == pytest.approx(6.74, abs=0.05)
    _, faults = read(write(tmp_path, text))
    assert faults[0].column == "Rechtswert"
    assert "31466" in faults[0].problem  # what it probably is


def test_swapped_metres_are_recognised(tmp_path: Path) -> None:
    _, faults = read(write(tmp_path, "Kennung;Ostwert;Nordwert\nK1;5674000;343000\n"))
    assert "x and y look swapped" in faults[0].problem


def test_a_height_must_say_what_it_counts_from(tmp_path: Path) -> None:
    _, faults = read(write(tmp_path, "Kennung;lon;lat;Höhe\nK1;6,58;51,08;60\n"))
    assert [(fault.column, fault.problem) for fault in faults] == [("", "'' is none of 'Boden', 'NHN', 'Ellipsoid'")]


def test_a_building_stands_in_for_a_place(tmp_path: Path) -> None:
    text = "Kennung;ALKIS-ID;Geschoss\nK1;DENW22AL500001kE;2. OG\nK2;DENW22AL500001kE;DG\nK3;denw22al500001ke;EG\n"
    entries, faults = read(write(tmp_path, text))
    first, roof, unknown = (entry.position for entry in entries)
    assert first is not None
    assert roof is not None
    assert (first.longitude, first.latitude, first.is_of_building) == (6.5865, 51.0895, True)
    assert first.height == pytest.approx(95 + 1.5 + 2 * 3.3)
    assert roof.height == pytest.approx(108.5)
    assert unknown is None
    assert [(fault.column, fault.is_error) for fault in faults] == [("ALKIS-ID", False)]
    assert "case counts" in faults[0].problem


def test_a_place_far_from_its_building_is_told(tmp_path: Path) -> None:
    text = "Kennung;ALKIS-ID;lon;lat\nK1;DENW22AL500001kE;6,5880;51,0895\n"
    entries, faults = read(write(tmp_path, text))
    assert len(entries) == 1
    assert faults[0].problem == "the place is 70 m away from that building"


@pytest.mark.parametrize(
    ("storey", "level"),
    [("EG", 0), ("1.OG", 1), ("3. Obergeschoss", 3), ("2", 2), ("UG", -1), ("2. UG", -2), ("-2", -2), ("DG", TOP)],
)
def test_storeys(storey: str, level: int) -> None:
    assert storey_level(storey) == level


@pytest.mark.parametrize("storey", ["", "Turm", "OG links", "1a", "ganz oben"])
def test_storeys_that_tell_no_level(storey: str) -> None:
    assert storey_level(storey) is None


def feature(**properties: object) -> dict[str, object]:
    point = {"type": "Point", "coordinates": [6.5867, 51.0897, 104.5]}
    return {"type": "Feature", "geometry": point, "properties": properties}


def collection(*features: object, **more: object) -> str:
    return json.dumps({"type": "FeatureCollection", "features": features, **more})


def test_geojson(tmp_path: Path) -> None:
    text = collection(
        feature(Kennung="K1", Raum=204, Testbetrieb=True, calibration={"co2": {"offset": -12, "factor": 1.02}}),
        {"type": "Feature", "id": 7, "geometry": None, "properties": {"room": None}},
    )
    entries, faults = read(write(tmp_path, text, name="a.geojson"))
    assert faults == []
    first, second = entries
    assert dict(first.values) == {
        "room": "204",
        "is_test": True,
        "calibration": {"co2": {"offset": -12.0, "factor": 1.02}},
    }
    assert first.position is not None
    assert first.position.height == 104.5  # RFC 7946: above the ellipsoid
    assert (second.key, second.position) == ("7", None)


def test_faults_of_geojson_name_the_feature(tmp_path: Path) -> None:
    line = {"type": "LineString", "coordinates": [[6.5, 51], [6.6, 51]]}
    text = collection(
        {"type": "Feature", "geometry": line, "properties": {"key": "a"}},
        {"type": "Feature", "geometry": None},
        feature(key="b", dev_eui="x"),
        feature(key="c", calibration={"co2": 3}),
    )
    entries, faults = read(write(tmp_path, text))
    assert entries == []
    assert [(fault.where, fault.problem) for fault in faults] == [
        ("feature 1", "its geometry is no point"),
        ("feature 2", "has no properties"),
        ("feature 3, column 'dev_eui'", "'x' is no DevEUI (16 hexadecimal digits)"),
        ("feature 4, column 'calibration'", "of 'co2' is not {offset, factor}"),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\x00\x01\x02", "is no text"),
        (b'{"type": "Feature"}', "is no FeatureCollection"),
        (b'{"type": ', "is no JSON"),
        (b'{"a":' * 5000, "is no JSON"),
        (b'Kennung;Raum\nK1;"offen\n', "is no CSV"),
        (b"\n\n \n", "is empty"),
    ],
)
def test_what_is_no_list_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "liste.csv"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=message):
        read_table(path)


def test_geojson_in_metres_is_refused(tmp_path: Path) -> None:
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::25832"}}
    with pytest.raises(SourceError, match="EPSG::25832, but GeoJSON has longitude and latitude"):
        read_table(write(tmp_path, collection(feature(key="a"), crs=crs)))


def test_a_list_without_keys_is_refused(tmp_path: Path) -> None:
    _, faults = read(write(tmp_path, "Raum;Gemeinde\n204;Neuss\n"))
    assert faults[-1].problem == "has neither a column 'Kennung' nor one 'DevEUI'"


def test_a_municipality_of_another_county_is_told(tmp_path: Path) -> None:
    entries, faults = read(write(tmp_path, "Kennung;Gemeinde\nK1;Grevenbroch\n"))
    assert len(entries) == 1
    assert "did you mean 'Grevenbroich'" in faults[0].problem


def test_every_field_is_found_by_all_its_names() -> None:
    names = [(name, field.name) for field in FIELDS for name in (field.name, field.title, *field.others)]
    assert [(name, field_of(name)) for name, _ in names] == names


@given(st.floats(min_value=-1e7, max_value=1e7).map(lambda value: round(value, 4)))
def test_a_german_number_is_read_as_it_was_written(value: float) -> None:
    german = f"{value:,.4f}".translate(str.maketrans(",.", ".,"))
    assert values.number(german) == pytest.approx(value, abs=1e-9)
    assert values.number(f"{value:.4f}") == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize(
    "text", ["1E100", "1e999", "9" * 40, "1" + ".000" * 6, "nan", "inf", "1,2,3", "1.23.4", "--1", ""]
)
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(ValueError, match="is no number"):
        values.number(text)


@given(st.text(max_size=30))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    try:
        assert abs(values.number(text)) < 1e15
    except ValueError as error:
        said = str(error)
        assert len(said) < 80


@given(st.text(max_size=200))
def test_any_text_is_a_list_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "anything.csv"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with contextlib.suppress(SourceError):
        read(path)
