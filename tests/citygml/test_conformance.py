"""Every file of `conformance/`, one defect or form each, against the outcome it must have.

The folder is walked: a file without a line here fails, and so does a line without a file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from citygml.findings import SEVERITIES
from tests.citygml.whole import read
from zwilling.errors import EmptyGeometryError, SourceError, UnknownCRSError, ZwillingError

FOLDER = Path(__file__).parent / "conformance"


@dataclass(frozen=True)
class Drawn:
    """A file that is read: its findings, and what of the box of 10 m x 8 m x 6 m comes out."""

    codes: dict[str, int] = field(default_factory=dict)
    triangles: int = 12
    volume: float | None = 480.0
    ids: tuple[str, ...] = ("B1",)
    features_in: int | None = None
    skip_empty: bool = False


@dataclass(frozen=True)
class Refused:
    """A file that is not read: the error, and what its line must say."""

    error: type[ZwillingError]
    says: str


BOX = Drawn()
OUTCOMES: dict[str, Drawn | Refused] = {
    # Forms of geometry that are sound
    "sound": BOX,
    "solidBeforeSurfaces": BOX,
    "surfacesWithoutSolid": BOX,
    "solidInline": BOX,
    "solidThematicByReference": BOX,
    "compositeSurfaceReferenced": BOX,
    "orientableSurface": BOX,
    "triangulatedSurface": BOX,
    "positionsOneByOne": BOX,
    "coordinatesElement": BOX,
    "closureSurface": Drawn(triangles=10, volume=None),
    "hole": Drawn(triangles=24, volume=480.0 - 8.0),  # the shaft's walls are not in the file
    "footprintOnly": Drawn(triangles=2, volume=None),
    "footprintOfSpace": Drawn(triangles=2, volume=None),  # CityGML 3.0 has no word for it
    "footprintTwice": Drawn(triangles=2, volume=None),  # as a GroundSurface, too
    "levelsOfDetail": Drawn({"LEVELS_OF_DETAIL": 1}, triangles=2, volume=None),
    "idsDifferInCase": Drawn(triangles=24, volume=960.0, ids=("DENW01AL0000abCd", "DENW01AL0000ABcd")),
    "buildingInGroup": Drawn({"NOT_A_BUILDING": 1}),
    "otherObjects": Drawn({"NOT_A_BUILDING": 1}),
    "latin1": BOX,
    "utf16": BOX,
    # Faults that are mended or reported
    "solidInlineInsideOut": Drawn({"POLYGON_WRONG_ORIENTATION": 1}),
    "oneWallInsideOut": Drawn({"POLYGON_WRONG_ORIENTATION": 1}),
    "holeOfTwoPoints": Drawn({"HOLE_LOST": 1}),
    "holeOutside": Drawn({"RING_SELF_INTERSECTION": 1}),
    "ringCrossesItself": Drawn({"RING_SELF_INTERSECTION": 1, "POLYGON_WRONG_ORIENTATION": 1}, volume=None),
    "ringNotClosed": Drawn({"RING_NOT_CLOSED": 1}),
    "ringRepeatsPoints": Drawn({"CONSECUTIVE_POINTS_SAME": 1}),
    "ringOfTwoPoints": Drawn({"TOO_FEW_POINTS": 1}),
    "ringOfOnePoint": Drawn({"TOO_FEW_POINTS": 1, "CONSECUTIVE_POINTS_SAME": 1}),
    "ringCollinear": Drawn({"ZERO_AREA": 1}),
    "ringEmpty": Drawn({"COORDINATES_UNREADABLE": 1}),
    "polygonWithoutRing": Drawn({"TOO_FEW_POINTS": 1}),
    "polygonBent": Drawn({"NON_PLANAR_POLYGON": 1}, volume=None),
    "coordinateNaN": Drawn({"COORDINATES_UNREADABLE": 1}),
    "coordinateInfinite": Drawn({"COORDINATES_UNREADABLE": 1}),
    "coordinateOverflows": Drawn({"COORDINATES_UNREADABLE": 1}),
    "coordinateIsText": Drawn({"COORDINATES_UNREADABLE": 1}),
    "coordinateDecimalComma": Drawn({"COORDINATES_UNREADABLE": 1}),
    "coordinateCountOdd": Drawn({"COORDINATES_UNREADABLE": 1}),
    "coordinatesFlat": Drawn({"COORDINATES_2D": 1}, triangles=3, volume=None),
    "heightOfNoData": Drawn({"COORDINATES_UNREADABLE": 1}, triangles=10, volume=None),
    "millimetres": Drawn(volume=None),  # placing them is refused, with what is wrong
    "curvedRing": Drawn({"COORDINATES_UNREADABLE": 1}),
    "geometryNotASurface": Drawn({"UNSUPPORTED_GEOMETRY": 1}),
    "xlinkDangling": Drawn({"XLINK_UNRESOLVED": 1}),
    "wallShared": Drawn({"XLINK_OTHER_BUILDING": 1}, triangles=10 + 12, volume=None, ids=("B2", "B1")),
    "partAlone": Drawn({"PART_WITHOUT_BUILDING": 1}),
    "xlinkExternal": Drawn({"XLINK_EXTERNAL": 2}),
    "xlinkLoop": Drawn({"XLINK_LOOP": 1, "LEVELS_OF_DETAIL": 1}),
    "xlinkBomb": Drawn({"LEVELS_OF_DETAIL": 1}),  # 10^9 references to a surface that the building has already
    "idTwice": Drawn({"DUPLICATE_ID": 1}, triangles=24, volume=960.0, ids=("B1", "B1~2")),
    "idMissing": Drawn({"MISSING_ID": 1}, ids=("idMissing.1",)),
    "attributeNotNumber": Drawn({"ATTRIBUTE_UNREADABLE": 2}),
    "partWithoutGeometry": Drawn({"PART_WITHOUT_GEOMETRY": 1}),
    "buildingWithoutGeometry": Drawn({"BUILDING_WITHOUT_GEOMETRY": 1}, features_in=2, skip_empty=True),
    "buildingOfBrokenSurfaces": Drawn(
        {"TOO_FEW_POINTS": 1, "BUILDING_WITHOUT_GEOMETRY": 1}, features_in=2, skip_empty=True
    ),
    "closureSurfaceOnly": Drawn(
        {"BUILDING_WITHOUT_GEOMETRY": 1}, triangles=0, volume=None, ids=(), features_in=1, skip_empty=True
    ),
    # Files that are refused
    "noBuilding": Refused(EmptyGeometryError, "there is no building in it, but 1 Bridge"),
    "noMember": Refused(EmptyGeometryError, "there is no city object in it"),
    "srsNameMissing": Refused(UnknownCRSError, "gml:id=B1: no srsName; pass --crs EPSG:25832+7837"),
    "srsNameMisspelt": Refused(UnknownCRSError, "did you mean 'urn:ogc:def:crs:EPSG::25832'"),
    "srsNameUnknown": Refused(UnknownCRSError, "'EPSG:99999' is not in the EPSG registry"),
    "srsNameMixed": Refused(UnknownCRSError, "gml:id=B1: its geometries name different systems"),
    "externalEntity": Refused(SourceError, "the file has a DOCTYPE"),
    "externalSubset": Refused(SourceError, "the file has a DOCTYPE"),
    "parameterEntity": Refused(SourceError, "the file has a DOCTYPE"),
    "billionLaughs": Refused(SourceError, "the file has a DOCTYPE"),
    "harmlessDoctype": Refused(SourceError, "the file has a DOCTYPE"),
    "cutOff": Refused(SourceError, "line 20: the file ends in the middle of its XML"),
    "cutOffInProlog": Refused(SourceError, "line 2: the file ends in the middle of its XML"),
    "empty": Refused(SourceError, "the file is empty"),
    "blank": Refused(SourceError, "the file ends before its root element"),
    "notXML": Refused(SourceError, "is not XML: it begins with '%PDF-1.7"),
    "otherXML": Refused(SourceError, "the root element is '{http://www.topografix.com/GPX/1/1}gpx'"),
    "tagsMismatched": Refused(SourceError, "line 7: is not well-formed XML (Opening and ending tag mismatch"),
    "undeclaredPrefix": Refused(SourceError, "line 12: is not well-formed XML (Namespace prefix foo"),
    "wrongEncoding": Refused(SourceError, "line 6: wrong encoding"),
    "unknownEncoding": Refused(SourceError, "line 1: wrong encoding"),
}


def test_every_file_has_an_outcome() -> None:
    assert {path.stem for path in FOLDER.glob("*.gml")} == set(OUTCOMES)


def test_every_finding_is_shown_by_a_file() -> None:
    shown = {code for outcome in OUTCOMES.values() if isinstance(outcome, Drawn) for code in outcome.codes}
    # More attributes than a file may name would make a large file (test_attributes); the others: test_provenance.
    elsewhere = {"TOO_MANY_ATTRIBUTES", "LEVEL_OF_DETAIL_MISSING", "CODE_LIST_UNREADABLE"}
    assert set(SEVERITIES) - shown == elsewhere | {"ENTRIES_PASSED_OVER", "ARCHIVE_IN_ARCHIVE"}  # test_content


@pytest.mark.parametrize("name", sorted(name for name, outcome in OUTCOMES.items() if isinstance(outcome, Drawn)))
def test_file_is_drawn(name: str) -> None:
    expected = OUTCOMES[name]
    assert isinstance(expected, Drawn)
    whole = read(FOLDER / f"{name}.gml", skip_empty=expected.skip_empty)
    assert dict(whole.codes) == expected.codes
    assert tuple(whole.ids) == expected.ids
    assert whole.features_in == (len(expected.ids) if expected.features_in is None else expected.features_in)
    assert whole.triangle_count == expected.triangles
    if expected.volume is not None:
        assert sum(whole.volumes()) == pytest.approx(expected.volume, abs=1e-6)
    for issue in whole.issues:
        assert issue.severity is SEVERITIES[issue.code]
        assert issue.source == str(FOLDER / f"{name}.gml")
        assert issue.where
        assert "CANARY" not in issue.message


@pytest.mark.parametrize("name", sorted(name for name, outcome in OUTCOMES.items() if isinstance(outcome, Refused)))
def test_file_is_refused(name: str) -> None:
    expected = OUTCOMES[name]
    assert isinstance(expected, Refused)
    with pytest.raises(expected.error) as caught:
        read(FOLDER / f"{name}.gml")
    line = str(caught.value)
    assert line.startswith(f"{FOLDER / name}.gml: ")
    assert expected.says in line
    assert "; " in line, "there is no remedy"
    assert "CANARY" not in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("buildingWithoutGeometry", ""),
        ("buildingOfBrokenSurfaces", " (fewer than three different points (101); it was left out)"),
    ],
)
def test_an_empty_building_stops_the_reading(name: str, cause: str) -> None:
    with pytest.raises(EmptyGeometryError) as caught:
        read(FOLDER / f"{name}.gml")
    assert str(caught.value) == (
        f"{FOLDER / name}.gml: gml:id=B2: building has no geometry that can be drawn{cause}; "
        "mend the file or pass --skip-empty to leave it out"
    )
