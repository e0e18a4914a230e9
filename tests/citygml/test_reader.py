"""`CityGMLSource`: batches, systems, references between parts, and files that chance has bitten."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from citygml.reader import CityGMLSource
from tests.citygml.whole import read
from zwilling.errors import UnknownCRSError, ZwillingError
from zwilling.features import FeatureSource, SurfaceClass
from zwilling.region import load_region

CONFORMANCE = Path(__file__).parent / "conformance"
SOUND = (CONFORMANCE / "sound.gml").read_text(encoding="utf-8")
HEAD, REST = SOUND.split("  <cityObjectMember>", 1)
MEMBER = "  <cityObjectMember>" + REST.removesuffix("</CityModel>\n")


def _write(path: Path, *members: str, head: str = HEAD) -> Path:
    path.write_text(head + "".join(members) + "</CityModel>\n", encoding="utf-8")
    return path


def _named(gml_id: str, member: str = MEMBER) -> str:
    return member.replace('gml:id="B1"', f'gml:id="{gml_id}"')


def test_it_is_a_feature_source() -> None:
    source: FeatureSource = CityGMLSource(CONFORMANCE / "sound.gml")
    assert len(list(source.batches())) == 1
    assert len(list(source.batches())) == 1, "a source can be read again"


def test_it_crosses_process_borders() -> None:
    source = CityGMLSource(CONFORMANCE / "sound.gml", crs="EPSG:25832+7837", region=load_region())
    again: CityGMLSource = pickle.loads(pickle.dumps(source))  # noqa: S301
    assert next(again.batches()).feature_ids.tolist() == ["B1"]


def test_buildings_come_in_batches_and_in_file_order(tmp_path: Path) -> None:
    ids = [f"B{number}" for number in range(1100)]
    whole = read(_write(tmp_path / "many.gml", *map(_named, ids)))
    assert [len(batch.feature_ids) for batch in whole.batches] == [512, 512, 76]
    assert whole.ids == ids
    assert {len(batch.triangles) // len(batch.feature_ids) for batch in whole.batches} == {12}


def test_a_batch_never_mixes_systems(tmp_path: Path) -> None:
    other = _named("B2").replace("<gml:MultiSurface>", '<gml:MultiSurface srsName="EPSG:25833">')
    whole = read(_write(tmp_path / "two.gml", MEMBER, other, _named("B3")))
    found = [(batch.crs, batch.feature_ids.tolist()) for batch in whole.batches]
    assert found == [("EPSG:25832+7837", ["B1"]), ("EPSG:25833", ["B2"]), ("EPSG:25832+7837", ["B3"])]


def test_heights_of_the_model_serve_geometries_that_name_the_place_alone(tmp_path: Path) -> None:
    member = MEMBER.replace("<gml:MultiSurface>", '<gml:MultiSurface srsName="urn:ogc:def:crs:EPSG::25832">')
    assert read(_write(tmp_path / "a.gml", member)).batches[0].crs == "EPSG:25832+7837"


def test_the_user_s_system_comes_before_the_file_s(tmp_path: Path) -> None:
    path = CONFORMANCE / "sound.gml"
    assert read(path, crs="urn:adv:crs:ETRS89_UTM33*DE_DHHN92_NH").batches[0].crs == "EPSG:25833+5783"
    assert read(CONFORMANCE / "srsNameMissing.gml", crs="EPSG:25832").batches[0].crs == "EPSG:25832"
    with pytest.raises(UnknownCRSError, match="--crs: 'EPSG:nonsense'"):
        CityGMLSource(path, crs="EPSG:nonsense")


@pytest.mark.parametrize(("name", "swapped"), [("EPSG:4258+7837", True), ("OGC:CRS84", False), ("EPSG:25832", False)])
def test_axis_order(name: str, swapped: bool, tmp_path: Path) -> None:
    positions = read(CONFORMANCE / "sound.gml").batches[0].positions
    text = SOUND.replace("EPSG:25832+7837", name)
    degrees = name != "EPSG:25832"
    if degrees:
        for number in range(11):
            text = text.replace(str(343000 + number), f"6.75{number:02d}").replace(
                str(5674000 + number), f"51.19{number:02d}"
            )
    path = tmp_path / "a.gml"
    path.write_text(text, encoding="utf-8")
    found = read(path).batches[0].positions
    if not degrees:
        assert np.array_equal(found, positions)
    elif swapped:
        assert (found[:, 0] > 50).all()
        assert (found[:, 1] < 7).all()
    else:
        assert (found[:, 0] < 7).all()
        assert (found[:, 1] > 50).all()


def test_shapes_in_degrees_are_cut_in_metres(tmp_path: Path) -> None:
    """A roof whose degrees are 70 km wide looks the same as one in metres: its classes come from its slopes."""
    text = (CONFORMANCE / "solidInline.gml").read_text(encoding="utf-8").replace("EPSG:25832+7837", "OGC:CRS84")
    for number in range(11):
        lon, lat = 6.75 + number / 70_000, 51.19 + number / 111_000
        text = text.replace(str(343000 + number), f"{lon:.9f}").replace(str(5674000 + number), f"{lat:.9f}")
    path = tmp_path / "a.gml"
    path.write_text(text, encoding="utf-8")
    batch = read(path).batches[0]
    assert np.bincount(batch.triangle_surface).tolist() == [2, 8, 2]


def test_a_wall_between_two_parts_is_drawn_once(tmp_path: Path) -> None:
    """The second part's solid borrows a polygon of the first, turned over, to be closed."""
    faces = SOUND.split("<bldg:Building ", 1)[1].split(">", 1)[1].split("    </bldg:Building>", 1)[0]
    surfaces = faces[: faces.index("      <bldg:lod2Solid>")]
    first = f'<bldg:BuildingPart gml:id="T1">{faces}</bldg:BuildingPart>'
    mirrored = surfaces.replace("p_", "q_")
    for number in range(10, -1, -1):
        mirrored = mirrored.replace(f"{343000 + number} ", f"{343010 + number}_ ")
    mirrored = mirrored.replace("_ ", " ")
    west = mirrored.index("q_w")
    begin, end = mirrored.rindex("      <bldg:boundedBy>", 0, west), mirrored.index("</bldg:boundedBy>\n", west)
    mirrored = mirrored[:begin] + mirrored[end + len("</bldg:boundedBy>\n") :]
    members = "".join(f'<gml:surfaceMember xlink:href="#q_{face}"/>' for face in "grsne")
    borrowed = (
        '<gml:surfaceMember><gml:OrientableSurface orientation="-"><gml:baseSurface xlink:href="#p_e"/>'
        "</gml:OrientableSurface></gml:surfaceMember>"
    )
    solid = (
        "<bldg:lod2Solid><gml:Solid><gml:exterior><gml:CompositeSurface>"
        f"{members}{borrowed}</gml:CompositeSurface></gml:exterior></gml:Solid></bldg:lod2Solid>"
    )
    second = f'<bldg:BuildingPart gml:id="T2">{mirrored}{solid}</bldg:BuildingPart>'
    parts = "".join(f"<bldg:consistsOfBuildingPart>{part}</bldg:consistsOfBuildingPart>" for part in (first, second))
    member = f'<cityObjectMember><bldg:Building gml:id="B1">{parts}</bldg:Building></cityObjectMember>'
    whole = read(_write(tmp_path / "parts.gml", member))
    assert [row["part_id"] for row in whole.rows] == ["T1", "T2"]
    assert {row["id"] for row in whole.rows} == {"B1"}
    assert np.bincount(whole.batches[0].triangle_row).tolist() == [12, 10]
    assert not whole.codes


def test_references_are_visited_once_however_many_there_are(tmp_path: Path) -> None:
    reference = '<gml:surfaceMember xlink:href="#p_r"/>'
    member = MEMBER.replace(reference, reference * 20_000)
    whole = read(_write(tmp_path / "a.gml", member))
    assert whole.triangle_count == 12
    assert not whole.codes


def test_surfaces_keep_their_class_whichever_way_they_face() -> None:
    whole = read(CONFORMANCE / "oneWallInsideOut.gml")
    assert [whole.area(surface) for surface in SurfaceClass] == pytest.approx([80.0, 216.0, 80.0, 0.0])


@given(
    st.lists(
        st.tuples(
            st.integers(0, len(SOUND) - 1), st.sampled_from([*"<>/=\"'&;#- .9eN\0\n", "é", "<!--", "]]>", "1e999"])
        ),
        min_size=1,
        max_size=6,
    )
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_that_chance_has_bitten(tmp_path: Path, bites: list[tuple[int, str]]) -> None:
    """It is read with findings, or refused in one line: nothing else happens."""
    text = SOUND
    for place, sign in bites:
        text = text[:place] + sign + text[place + 1 :]
    path = tmp_path / "bitten.gml"
    path.write_text(text, encoding="utf-8", errors="replace")
    try:
        whole = read(path, skip_empty=True)
    except ZwillingError as error:
        line = str(error)
    else:
        assert whole.features_in >= 1
        return
    assert line.startswith(f"{path}: ")
    assert "\n" not in line


@given(
    st.lists(
        st.sampled_from(
            ["0", "1", "-1", "343000", "5674000.5", "1e308", "-1e308", "NaN", "INF", "1e-300", "x", ",", "9e99"]
        ),
        max_size=40,
    )
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_numbers_in_a_ring(tmp_path: Path, numbers: list[str]) -> None:
    """The surface is drawn or reported; the building stays, and no triangle has a wild corner."""
    wall = (
        "<bldg:boundedBy><bldg:WallSurface><bldg:lod2MultiSurface><gml:MultiSurface><gml:surfaceMember>"
        f'<gml:Polygon gml:id="x"><gml:exterior><gml:LinearRing><gml:posList>{" ".join(numbers)}</gml:posList>'
        "</gml:LinearRing></gml:exterior>"
        "</gml:Polygon></gml:surfaceMember></gml:MultiSurface></bldg:lod2MultiSurface></bldg:WallSurface>"
        "</bldg:boundedBy>"
    )
    whole = read(
        _write(tmp_path / "a.gml", MEMBER.replace("      <bldg:lod2Solid>", wall + "      <bldg:lod2Solid>", 1))
    )
    assert whole.ids == ["B1"]
    assert whole.triangle_count >= 12
    assert np.abs(whole.batches[0].positions).max() < 1e8
    if whole.triangle_count == 12:
        assert whole.codes


def test_surfaces_of_a_storey_that_bound_the_building(shared_data: Path, tmp_path: Path) -> None:
    """CityGML 3.0: the building's boundary refers to a surface that a storey has; it is drawn, once."""
    text = (shared_data / "citygml/ogc/CityGMLv3_Building_LOD2-EPSG25832.gml").read_text(encoding="utf-8")
    whole = read(shared_data / "citygml/ogc/CityGMLv3_Building_LOD2-EPSG25832.gml")
    text = text.replace("<con:GroundSurface>", '<con:GroundSurface gml:id="W1">', 1)
    begin, end = text.index("<boundary>"), text.index("</boundary>") + len("</boundary>")
    wall = text[begin:end]
    reference = '<boundary xlink:href="#W1"/>'
    storey = f'<bldg:buildingSubdivision><bldg:Storey gml:id="S">{wall}</bldg:Storey></bldg:buildingSubdivision>'
    moved = text[:begin] + reference * 2 + text[end:]
    moved = moved.replace("</bldg:Building>", storey + "</bldg:Building>", 1)
    path = tmp_path / "a.gml"
    path.write_text(moved, encoding="utf-8")
    assert read(path).volumes() == pytest.approx(whole.volumes())
    assert read(path).codes == whole.codes
    path.write_text(text.replace(wall, wall + reference, 1), encoding="utf-8")
    assert read(path).triangle_count == whole.triangle_count
    path.write_text(text.replace(wall, wall + '<boundary xlink:href="#gone"/>', 1), encoding="utf-8")
    assert read(path).codes - whole.codes == {"XLINK_UNRESOLVED": 1}


def test_a_part_by_reference_is_a_finding(tmp_path: Path) -> None:
    """Where it is a member of its own, nothing is lost: it is drawn as a building of its own."""
    part = '<bldg:consistsOfBuildingPart xlink:href="#P"/>'
    member = MEMBER.replace("      <bldg:boundedBy>", part + "      <bldg:boundedBy>", 1)
    assert read(_write(tmp_path / "a.gml", member)).codes == {"XLINK_UNRESOLVED": 1}
    alone = MEMBER.replace("bldg:Building>", "bldg:BuildingPart>").replace("bldg:Building ", "bldg:BuildingPart ")
    whole = read(_write(tmp_path / "a.gml", member + alone.replace('"B1"', '"P"')))
    assert whole.codes == {"XLINK_UNRESOLVED": 1, "PART_WITHOUT_BUILDING": 1}
    assert [(row["id"], row["class_name"]) for row in whole.rows] == [("B1", "Building"), ("P", "BuildingPart")]


def test_both_buildings_of_a_shared_wall_are_named() -> None:
    """The one that has it draws it; whichever of them stands first in the file."""
    (issue,) = read(CONFORMANCE / "wallShared.gml").issues
    assert (issue.where, issue.message) == ("gml:id=B2", "its surface 'p_e' stands in 'B1' and is drawn there")


def test_references_that_leave_their_building_are_looked_for_up_to_a_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("citygml.strays._MOST", 2)
    lost = "".join(f'<gml:surfaceMember xlink:href="#gone{number}"/>' for number in range(5))
    member = MEMBER.replace("<gml:CompositeSurface>", "<gml:CompositeSurface>" + lost)
    whole = read(_write(tmp_path / "a.gml", member))
    assert whole.codes == {"XLINK_UNRESOLVED": 5}
    assert {issue.message for issue in whole.issues} == {
        f"reference to '#gone{number}' leads to nothing" for number in range(5)
    }
