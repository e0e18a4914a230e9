"""CityJSON 1.0, 1.1, 2.0 and CityJSONSeq: the same buildings as from CityGML, and one line for what is broken."""

from __future__ import annotations

import gzip
import json
import math
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from citygml.cityjson import CityJSONSource
from citygml.sources import is_cityjson, open_source
from tests.citygml.whole import Whole, check_contract, read
from zwilling.errors import EmptyGeometryError, SourceError, UnknownCRSError
from zwilling.features import SurfaceClass

TWIN = "citygml/cityjson/lod2_buildings_v2.json"

# A box of 10 m x 6 m x 3 m: eight corners in millimetres, faces that look outwards.
CORNERS = [[x, y, z] for z in (0, 3000) for x, y in ((0, 0), (10000, 0), (10000, 6000), (0, 6000))]
FACES = [[[0, 3, 2, 1]], [[4, 5, 6, 7]], [[0, 1, 5, 4]], [[1, 2, 6, 5]], [[2, 3, 7, 6]], [[3, 0, 4, 7]]]
KINDS = [{"type": "GroundSurface"}, {"type": "RoofSurface"}, {"type": "WallSurface"}]
SEMANTICS: dict[str, Any] = {"surfaces": KINDS, "values": [[0, 1, 2, 2, 2, 2]]}
SOLID = {"type": "Solid", "lod": "2", "boundaries": [FACES], "semantics": SEMANTICS}


def box_document(objects: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [0.001, 0.001, 0.001], "translate": [343000.0, 5674000.0, 40.0]},
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/25832"},
        "CityObjects": objects or {"B1": {"type": "Building", "geometry": [SOLID]}},
        "vertices": CORNERS,
    }
    return document | changes


def _building(*geometries: Any, **members: Any) -> dict[str, Any]:
    return {"B1": {"type": "Building", "geometry": list(geometries)} | members}


def _read(path: Path, **options: Any) -> Whole:
    (source,) = open_source(path, **options)
    batches = list(source.batches())
    for batch in batches:
        check_contract(batch)
    return Whole(batches)


def _written(folder: Path, document: Any, name: str = "a.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_twins_are_the_same(shared_data: Path) -> None:
    """The same hundred houses, once as CityGML 3.0."""
    found, expected = _read(shared_data / TWIN), read(shared_data / "citygml/citygml4j/lod2_buildings_v3.gml")
    assert found.ids == expected.ids
    assert len(found.ids) == 100
    assert found.volumes() == pytest.approx(expected.volumes(), rel=1e-12)
    assert found.triangle_count == expected.triangle_count
    for surface in SurfaceClass:
        assert found.area(surface) == pytest.approx(expected.area(surface))
    assert found.codes == expected.codes == {}
    assert found.rows[0].items() >= {k: v for k, v in expected.rows[0].items() if k != "source_file"}.items()
    assert found.batches[0].crs == "EPSG:3068"


def test_a_box_by_hand(tmp_path: Path) -> None:
    whole = _read(_written(tmp_path, box_document()))
    assert (whole.ids, whole.triangle_count, whole.vertex_count) == (["B1"], 12, 24)
    assert whole.volumes() == [pytest.approx(180.0)]
    assert whole.area(SurfaceClass.ROOF) == whole.area(SurfaceClass.GROUND) == pytest.approx(60.0)
    assert whole.area(SurfaceClass.WALL) == pytest.approx(96.0)
    (batch,) = whole.batches
    assert batch.positions.min(axis=0).tolist() == [343000.0, 5674000.0, 40.0]
    assert batch.positions.max(axis=0).tolist() == pytest.approx([343010.0, 5674006.0, 43.0])
    assert batch.crs == "EPSG:25832"


@pytest.mark.parametrize(
    ("kind", "boundaries", "values"),
    [
        ("MultiSurface", FACES, SEMANTICS["values"][0]),
        ("CompositeSurface", FACES, SEMANTICS["values"][0]),
        ("MultiSolid", [[FACES]], [SEMANTICS["values"]]),
        ("CompositeSolid", [[FACES]], [SEMANTICS["values"]]),
    ],
)
def test_every_kind_of_surface_geometry(kind: str, boundaries: Any, values: Any, tmp_path: Path) -> None:
    geometry = {
        "type": kind,
        "lod": 2.2,
        "boundaries": boundaries,
        "semantics": {"surfaces": KINDS, "values": values},
    }
    whole = _read(_written(tmp_path, box_document(_building(geometry))))
    assert whole.volumes() == [pytest.approx(180.0)]
    assert whole.area(SurfaceClass.WALL) == pytest.approx(96.0)
    assert whole.rows[0]["lod"] == 2


def test_without_semantics_the_normal_decides(tmp_path: Path) -> None:
    geometry = {"type": "Solid", "lod": "1", "boundaries": [[face[:] for face in FACES]]}
    whole = _read(_written(tmp_path, box_document(_building(geometry))))
    assert [whole.area(kind) for kind in SurfaceClass] == pytest.approx([60.0, 96.0, 60.0, 0.0])


def test_holes_closures_openings_rooms_and_extensions(tmp_path: Path) -> None:
    vertices = [*CORNERS, [2000, 2000, 3000], [4000, 2000, 3000], [4000, 4000, 3000], [2000, 4000, 3000]]
    faces = [FACES[0], [FACES[1][0], [8, 11, 10, 9]], *FACES[2:]]
    kinds = [
        *KINDS,
        *({"type": kind} for kind in ("ClosureSurface", "Window", "InteriorWallSurface", "+GreenRoofSurface")),
    ]
    geometry = SOLID | {"boundaries": [faces], "semantics": {"surfaces": kinds, "values": [[0, 6, 2, 3, 4, 5]]}}
    whole = _read(_written(tmp_path, box_document(_building(geometry), vertices=vertices)))
    assert whole.area(SurfaceClass.ROOF) == pytest.approx(60.0 - 4.0)
    assert whole.area(SurfaceClass.WALL) == pytest.approx(30.0), "neither the closure nor the room's wall"
    assert whole.area(SurfaceClass.OTHER) == pytest.approx(30.0)


def test_parts_installations_and_what_they_inherit(tmp_path: Path) -> None:
    balcony = {"type": "MultiSurface", "lod": "2", "boundaries": [FACES[1]]}
    objects = {
        "B1": {
            "type": "Building",
            "attributes": {"function": "31001_1010", "Gemeindeschluessel": "05162024", "yearOfConstruction": 1987},
            "children": ["P1", "P2", "I1", "R1"],
            "address": [{"ThoroughfareName": "Markt", "ThoroughfareNumber": "2", "LocalityName": "Neuss"}],
        },
        "P1": {"type": "BuildingPart", "parents": ["B1"], "geometry": [SOLID], "attributes": {"roofType": "3100"}},
        "P2": {"type": "BuildingPart", "parents": ["B1"], "geometry": [SOLID], "children": ["I2"]},
        "I1": {"type": "BuildingInstallation", "parents": ["B1"], "geometry": [balcony]},
        "I2": {"type": "BuildingInstallation", "parents": ["P2"], "geometry": [balcony]},
        "R1": {"type": "BuildingRoom", "parents": ["B1"], "geometry": [SOLID]},
        "T1": {"type": "SolitaryVegetationObject"},
    }
    whole = _read(_written(tmp_path, box_document(objects)))
    assert whole.ids == ["B1"]
    assert [row["part_id"] for row in whole.rows] == ["", "P1", "P2"]
    assert {(row["id"], row["function_label"], row["address"]) for row in whole.rows} == {
        ("B1", "Wohnhaus", "Markt 2, Neuss")
    }
    assert [row["roof_type_label"] for row in whole.rows] == ["", "Satteldach", ""]
    assert {row["year_of_construction"] for row in whole.rows} == {1987}
    assert whole.area(SurfaceClass.OTHER) == pytest.approx(120.0), "the installations of the building and of P2"
    assert whole.codes == {"NOT_A_BUILDING": 1}


def test_attributes_of_every_type(tmp_path: Path) -> None:
    attributes = {
        "Höhe über NN": 41.25,
        "Wohnungen": 12,
        "Denkmal": True,
        "leer": None,
        "Liste": ["a", 1],
        "Satz": {"innen": {"tief": "x"}, "Zahl": 3},
        "Gemisch": [{"a": 1}],
        "groß": 2**40,
    }
    batch = _read(_written(tmp_path, box_document(_building(SOLID, attributes=attributes)))).batches[0]
    names = {prop.name: prop.id for prop in batch.table.properties}
    row = {name: batch.table.columns[key][0] for name, key in names.items()}
    assert names["Höhe über NN"] == "Hoehe_ueber_NN"
    assert (row["Höhe über NN"], row["Wohnungen"], row["Denkmal"], row["Liste"]) == (41.25, 12, "true", "a; 1")
    assert (row["Satz.innen.tief"], row["Satz.Zahl"], row["Gemisch"]) == ("x", 3, '[{"a": 1}]')
    assert row["groß"] == 2.0**40
    assert "leer" not in names


def test_address_of_version_1_0(tmp_path: Path) -> None:
    address = {"CountryName": "D", "LocalityName": "Neuss", "ThoroughfareName": "Am Tor", "ThoroughfareNumber": 3}
    document = box_document(_building(SOLID, address=address), version="1.0")
    assert _read(_written(tmp_path, document)).rows[0]["address"] == "Am Tor 3, Neuss"


def test_version_1_0_without_a_transform(tmp_path: Path) -> None:
    vertices = [[x / 1000 + 343000.5, y / 1000 + 5674000, z / 1000 + 40] for x, y, z in CORNERS]
    document = box_document(version="1.0", vertices=vertices)
    del document["transform"]
    document["metadata"] = {"referenceSystem": "urn:ogc:def:crs:EPSG::25832"}
    whole = _read(_written(tmp_path, document))
    assert whole.volumes() == [pytest.approx(180.0)]
    assert whole.batches[0].positions[:, 0].min() == 343000.5


@pytest.mark.parametrize(
    ("name", "crs"),
    [
        ("https://www.opengis.net/def/crs/EPSG/0/7415", "EPSG:28992+5709"),
        ("http://www.opengis.net/def/crs/EPSG/0/25832", "EPSG:25832"),
        ("urn:ogc:def:crs,crs:EPSG::25832,crs:EPSG::7837", "EPSG:25832+7837"),
        ("EPSG:25832+7837", "EPSG:25832+7837"),
    ],
)
def test_reference_systems(name: str, crs: str, tmp_path: Path) -> None:
    document = box_document(metadata={"referenceSystem": name})
    assert _read(_written(tmp_path, document)).batches[0].crs == crs


def test_the_user_s_system_and_none(tmp_path: Path) -> None:
    path = _written(tmp_path, box_document(metadata={}))
    with pytest.raises(UnknownCRSError, match="no referenceSystem; pass --crs"):
        _read(path)
    assert _read(path, crs="EPSG:25832+7837").batches[0].crs == "EPSG:25832+7837"


def sequence_lines(count: int) -> Iterator[str]:
    yield json.dumps(box_document({}, vertices=[], CityObjects={}))
    for number in range(count):
        objects = {f"B{number}": {"type": "Building", "geometry": [SOLID]}}
        vertices = [[x + number * 20000, y, z] for x, y, z in CORNERS]
        yield json.dumps({"type": "CityJSONFeature", "id": f"B{number}", "CityObjects": objects, "vertices": vertices})


def test_sequence(tmp_path: Path) -> None:
    path = tmp_path / "a.city.jsonl"
    path.write_text("\n".join(sequence_lines(1100)) + "\n\n", encoding="utf-8")
    whole = _read(path)
    assert [len(batch.feature_ids) for batch in whole.batches] == [512, 512, 76]
    assert whole.ids == [f"B{number}" for number in range(1100)]
    assert whole.volumes() == pytest.approx([180.0] * 1100)
    assert whole.batches[2].positions[:, 0].max() == pytest.approx(343000 + 1099 * 20 + 10)
    packed = tmp_path / "a.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert _read(packed).ids == whole.ids


def test_pretty_printed_and_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(box_document(), indent=2), encoding="utf-8-sig")
    assert _read(path).volumes() == [pytest.approx(180.0)]


@pytest.mark.parametrize(
    ("lod", "volume", "drawn"), [(None, 180.0, 2), (2, 180.0, 2), (1, 90.0, 1), (0, 0.0, 0), (4, 180.0, 2)]
)
def test_level_of_detail(lod: int | None, volume: float, drawn: int, tmp_path: Path) -> None:
    vertices = [*CORNERS, *([x, y, 1500] for x, y, z in CORNERS[:4])]
    low = [[[vertex if vertex < 4 else vertex + 4 for vertex in face[0]]] for face in FACES]
    block = {"type": "Solid", "lod": "1.2", "boundaries": [low]}
    footprint = {"type": "MultiSurface", "lod": "0", "boundaries": [[[0, 1, 2, 3]]]}
    whole = _read(_written(tmp_path, box_document(_building(block, SOLID, footprint), vertices=vertices)), lod=lod)
    assert whole.rows[0]["lod"] == drawn
    assert abs(whole.volumes()[0]) == pytest.approx(volume)
    assert whole.codes["LEVEL_OF_DETAIL_MISSING"] == (lod == 4)
    (levels,) = (issue.message for issue in whole.issues if issue.code == "LEVELS_OF_DETAIL")
    assert levels == "buildings and parts there are: 1 in LoD0, 1 in LoD1, 1 in LoD2"


@pytest.mark.parametrize(
    ("geometry", "code"),
    [
        ({"type": "GeometryInstance", "template": 0, "boundaries": [0]}, "UNSUPPORTED_GEOMETRY"),
        ({"type": "MultiLineString", "lod": "0", "boundaries": [[0, 1]]}, "UNSUPPORTED_GEOMETRY"),
        ({"type": "Solid", "lod": "two", "boundaries": [FACES]}, "UNSUPPORTED_GEOMETRY"),
        ({"type": "Solid", "lod": "3", "boundaries": FACES}, "COORDINATES_UNREADABLE"),
        ({"type": "MultiSurface", "lod": "2", "boundaries": [[[0, 1, 99]]]}, "COORDINATES_UNREADABLE"),
        ({"type": "MultiSurface", "lod": "2", "boundaries": [[[0, 1, -1]]]}, "COORDINATES_UNREADABLE"),
        ({"type": "MultiSurface", "lod": "2", "boundaries": [[[0, 1, 1.5]]]}, "COORDINATES_UNREADABLE"),
        ({"type": "MultiSurface", "lod": "2", "boundaries": [[[0, 1]]]}, "TOO_FEW_POINTS"),
        (5, "COORDINATES_UNREADABLE"),
    ],
)
def test_faulty_geometry_is_a_finding(geometry: Any, code: str, tmp_path: Path) -> None:
    other = {"B2": {"type": "Building", "geometry": [SOLID]}}
    path = _written(tmp_path, box_document(_building(geometry) | other))
    whole = _read(path, skip_empty=True)
    assert whole.ids == ["B2"]
    assert (whole.codes[code], whole.codes["BUILDING_WITHOUT_GEOMETRY"]) == (1, 1)
    assert whole.features_in == 2
    with pytest.raises(EmptyGeometryError, match="gml:id=B1: building has no geometry"):
        _read(path)


def test_bytes_that_are_no_utf_8(tmp_path: Path) -> None:
    """The decoder passes over what it is not asked for, so some are found only when the building is read."""
    path = tmp_path / "a.json"
    for place, code in (('"Solid"', "COORDINATES_UNREADABLE"), ('"x"', "ATTRIBUTE_UNREADABLE")):
        text = json.dumps(box_document(_building(SOLID, attributes={"name": "x"})))
        path.write_bytes(text.encode().replace(place.encode(), place.encode()[:-1] + b'\x80"'))
        assert _read(path, skip_empty=True).codes[code] == 1


def test_children_that_are_not_there_loops_and_orphans(tmp_path: Path) -> None:
    objects = {
        "B1": {"type": "Building", "geometry": [SOLID], "children": ["P1", "gone"]},
        "P1": {"type": "BuildingPart", "geometry": [SOLID], "children": ["B1", "P1"], "parents": ["B1"]},
        "P9": {"type": "BuildingPart", "geometry": [SOLID], "parents": ["B9"]},
    }
    whole = _read(_written(tmp_path, box_document(objects)))
    assert whole.ids == ["B1", "P9"]
    assert whole.codes == {"PART_WITHOUT_BUILDING": 1, "XLINK_UNRESOLVED": 1, "XLINK_LOOP": 2}


def test_utf_16_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(json.dumps(box_document()).encode("utf-16"))
    (source,) = open_source(path)
    with pytest.raises(SourceError, match="wrong encoding: it is UTF-16, where JSON is UTF-8; save the file as UTF-8"):
        list(source.batches())


REFUSED: dict[str, tuple[Any, str]] = {
    "version": (box_document(version="0.9"), "CityJSON version '0.9' is not read; bring it to one of 1.0, 1.1, 2.0"),
    "type": (box_document() | {"type": "Topology"}, "its type is 'Topology', not CityJSON"),
    "vertices": (box_document(vertices=[[1, 2], [3, 4, 5, 6]]), "its vertices are not lists of three numbers"),
    "words": (box_document(vertices=[["NaN", 2, 3]]), "its vertices are not lists of three numbers"),
    "nothing": (box_document(vertices=[[None, 2, 3]]), "its vertices are not lists of three numbers"),
    "objects": (box_document([1]), "is no CityJSON (Expected `object`, got `array` - at `$.CityObjects`)"),  # type: ignore[arg-type]
    "transform": (box_document(transform={"scale": [1, 1]}), "is no CityJSON (Expected `array` of length 3"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, tmp_path: Path) -> None:
    document, problem = REFUSED[name]
    with pytest.raises(SourceError) as caught:
        list(CityJSONSource(_written(tmp_path, document)).batches())
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the file is empty"),
        ('{"type": "CityJSON", ', "is no CityJSON (Input data was truncated)"),
        ('{"type": "CityJSON", "version": NaN}', "is no CityJSON"),
        ("[" * 100_000, "is no CityJSON"),
        ('{"type":"CityJSON","version":"2.0","a":' + "[" * 100_000 + "]" * 100_000 + "}", "is no CityJSON"),
        ('{"type":"CityJSONFeature"}\n', "line 1: it begins with a CityJSONFeature"),
        ('{"type":"CityJSON","version":"2.0"}\n{"type":"x"}', "line 2: its type is 'x', where a CityJSONFeature"),
        ('{"type":"CityJSON","version":"2.0"}\n{"type"', "line 2: is no CityJSON (Input data was truncated)"),
        ('{"type":"CityJSON","version":"2.0","transform":{"scale":[1,1,1e999],"translate":[0,0,0]}}', ""),
    ],
)
def test_broken_texts(text: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        list(CityJSONSource(path).batches())
    assert problem in str(caught.value)


def test_a_document_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("citygml.cityjson._LARGEST_TEXT", 2000)
    document = box_document(metadata={"referenceSystem": "EPSG:25832", "note": "x" * 2000})
    for indent in (None, 2):
        path = tmp_path / "a.json"
        path.write_text(json.dumps(document, indent=indent), encoding="utf-8")
        with pytest.raises(SourceError, match="convert the file to CityJSONSeq"):
            list(CityJSONSource(path).batches())


def test_wild_vertices_cost_their_polygons_only(tmp_path: Path) -> None:
    vertices = [*CORNERS[:-1], [1e300, 0, 0]]
    whole = _read(_written(tmp_path, box_document(vertices=vertices)))
    assert whole.codes["COORDINATES_UNREADABLE"] == 3
    assert math.isclose(whole.area(SurfaceClass.GROUND), 60.0)


def test_what_is_cityjson(tmp_path: Path, shared_data: Path) -> None:
    assert is_cityjson(shared_data / TWIN)
    assert is_cityjson(_written(tmp_path, box_document()))
    assert is_cityjson(_written(tmp_path, {"vertices": CORNERS * 5000} | box_document() | {"type": "CityJSON"}))
    assert not is_cityjson(_written(tmp_path, {"asset": {"version": "1.1"}, "geometricError": 1, "root": {}}))
    assert not is_cityjson(tmp_path / "nowhere")


def test_it_crosses_process_borders(tmp_path: Path) -> None:
    source = CityJSONSource(_written(tmp_path, box_document()), lod=2)
    again: CityJSONSource = pickle.loads(pickle.dumps(source))  # noqa: S301
    assert next(again.batches()).feature_ids.tolist() == ["B1"]


def test_memory_does_not_grow_with_a_sequence(tmp_path: Path) -> None:
    peaks = []
    for count in (600, 12_000):
        path = tmp_path / f"{count}.jsonl"
        path.write_text("\n".join(sequence_lines(count)), encoding="utf-8")
        script = (
            "import sys, pathlib; from citygml.cityjson import CityJSONSource\n"
            "n = sum(len(b.feature_ids) for b in CityJSONSource(pathlib.Path(sys.argv[1])).batches())\n"
            "print(pathlib.Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])\n"
        )
        done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout) * 1024)
    assert peaks[1] - peaks[0] < 12e6
