"""Every CityGML and CityJSON file that we have goes through the program: drawn, or refused with a sentence that helps.

The counts are those that others made of the files, and XPath makes them again.  A folder walk sees to it that no file
is forgotten.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lxml import etree
from numpy.typing import NDArray

from tests.end_to_end.program import run
from tests.judges import Tileset, judge, loaders_gl

pytestmark = pytest.mark.node

BESIDE_THE_DATA = {".jpg", ".png"}
"""Endings of what lies in the folder and is no city model: textures."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A file that becomes tiles.

    Attributes:
        path: below the folder of the city models.
        buildings: how many there are in it, parts not counted.
        crs: given by the user, where the file names none or no heights.
        losses: what cannot be drawn of it, by code.
        warnings: codes of what the user must know, beyond that it is far from Rhein-Kreis Neuss.
    """

    path: str
    buildings: int
    crs: str | None = None
    losses: dict[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


DHHN92 = ("HEIGHT_SYSTEM_DHHN92",)
BERLIN = ("HEIGHT_SYSTEM_DHHN92", "HORIZONTAL_ACCURACY")  # DHDN is brought to ETRS89 without BETA2007
DRAWN = [
    Drawn("berlin/berlin_open_data_sample_data.citygml", 61, warnings=("HEIGHT_SYSTEM_ASSUMED",)),
    Drawn("citygml4j/lod2_buildings_v3.gml", 100, warnings=BERLIN),
    Drawn("citygml4j/lod2_test_ade_v2.gml", 1, warnings=DHHN92),
    # Ten of its polygons are smaller than a square millimetre.
    Drawn("citygml4j/lod3_building_v2.gml", 1, losses={"ZERO_AREA": 10}, warnings=BERLIN),
    Drawn("citygml4j/lod4_building_v2.gml", 1, warnings=DHHN92),
    Drawn("cityjson/lod2_buildings_v2.json", 100, warnings=("HEIGHT_SYSTEM_ASSUMED", "HORIZONTAL_ACCURACY")),
    # Four of its polygons go from a point to another and back.
    Drawn(
        "ingolstadt_lod3/4018133/4018133.xml", 1, "EPSG:32632+7837", {"TOO_FEW_POINTS": 4}, ("UNSUPPORTED_GEOMETRY",)
    ),
    Drawn("ingolstadt_lod3/4018155/4018155.xml", 1, "EPSG:32632+7837"),
    Drawn("ingolstadt_lod3/4018211/4018211.xml", 1, "EPSG:32632+7837"),
    Drawn("ingolstadt_lod3/4018271/4018271.xml", 1, "EPSG:32632+7837", warnings=("UNSUPPORTED_GEOMETRY",)),
    Drawn("kit/FZK-Haus-LoD0-KIT-IAI-KHH-B36-V1.gml", 1, warnings=DHHN92),
    Drawn("kit/FZK-Haus-LoD2-KIT-IAI-KHH-B36-V1.gml", 1, warnings=DHHN92),
    Drawn("misc/Test_XLink_0.gml", 1, "EPSG:25832+7837"),
    Drawn("nrw/DUS5_LoD2_354_5667_1_NW_extract.xml", 5),
    Drawn("nrw/Essen_EssenExample.gml", 117),
    Drawn("nrw/LoD2_32_280_5657_1_NW.gml", 83, warnings=("NON_PLANAR_POLYGON",)),
    Drawn("ogc/BuildingUnits_Storeys_xlink.gml", 1, warnings=DHHN92),
    Drawn("ogc/Building_CityGML3.0_Dynamizer_inline_Timeseries.gml", 1, warnings=BERLIN),
    *(
        Drawn(f"ogc/CityGML{version}_Building_LOD{lod}-EPSG25832.gml", 1, warnings=DHHN92)
        for version in ("v2", "v3")
        for lod in range(4)
    ),
    # Latitude comes first in it.  Its own height system leads nowhere without a grid (see REFUSED), so for this test
    # its heights are said to be ellipsoidal.
    Drawn("plateau/yokosuka_52397519_bldg/52397519_bldg_6697_op.gml", 13, "EPSG:6668+ellipsoidal"),
]

NO_SRSNAME = "no srsName; pass --crs EPSG:25832+7837"
NO_HEIGHTS = (
    "EPSG:{0} says nothing about heights; pass --crs EPSG:{1}+CODE with the height system's code, "
    "for example +7837 for DHHN2016"
)
# Offered where nobody can mistake the ellipsoid: not on Bessel's.
OR_ELLIPSOIDAL = ", or EPSG:{0}+ellipsoidal"
NO_GRID = (
    "PROJ knows no way from {} to ellipsoidal heights with the grids on this machine; "
    "install the grid that PROJ names for it, or convert the data to EPSG:25832+7837 first"
)
NO_BUILDING = "there is no building in it, but {}; choose a file with buildings"
ELSEWHERE = (
    "lies outside the area of EPSG:25832+7837 (4 of 4 positions); check the coordinates, "
    "or pass the CRS that they are in with --crs"
)
NAME_CRS = "; pass --crs, for example --crs EPSG:25832+7837"
INGOLSTADT = NO_HEIGHTS.format("32632 (WGS 84 / UTM zone 32N)", 32632) + OR_ELLIPSOIDAL.format(32632)

REFUSED = [
    # Local coordinates and no CRS: refused, and still refused when a wrong one is given.
    ("citygml4j/invalid_building_v3.gml", None, f"gml:id=1F3E679D-E226-4535-926C-7390977FB25A: {NO_SRSNAME}"),
    ("citygml4j/invalid_building_v3.gml", "EPSG:25832+7837", f"position (0.000, 0.000, 0.000): {ELSEWHERE}"),
    ("misc/BridgeAndBuilding.gml", "EPSG:25832+7837", f"position (15.000, 0.000, 0.000): {ELSEWHERE}"),
    (
        "misc/BridgeAndBuilding.gml",
        None,
        f"srsName: 'EPSG:23632' is not in the EPSG registry{NAME_CRS}",
    ),
    ("misc/Polygon_Multi_Interior_0.gml", None, f"gml:id=BUILDING_GMLID: {NO_SRSNAME}"),
    ("misc/Polygon_Multi_Interior_0.gml", "EPSG:25832+7837", f"position (0.000, 0.000, 0.000): {ELSEWHERE}"),
    (
        "ogc/CityGMLv2_Building_LOD1-LocalEngineeringCRS.gml",
        None,
        f"srsName: '#local-CRS-1' is a local coordinate system, which no transformation leads out of{NAME_CRS}",
    ),
    (
        "ogc/CityGMLv2_Building_LOD1-LocalEngineeringCRS.gml",
        "EPSG:25832+7837",
        f"position (7.000, 7.000, 0.000): {ELSEWHERE}",
    ),
    ("ogc/ParkingGarage_CityGML3.0_LOD2_XLinks.gml", None, f"gml:id=building1: {NO_SRSNAME}"),
    (
        "ogc/ParkingGarage_CityGML3.0_LOD2_XLinks.gml",
        "EPSG:25832+7837",
        f"position (-46.750, 12.087, 0.000): {ELSEWHERE}",
    ),
    # A CRS is missing that the user can give (see DRAWN).
    ("misc/Test_XLink_0.gml", None, f"gml:id=DENW20AL0000nnRb: {NO_SRSNAME}"),
    *(
        (f"ingolstadt_lod3/{name}/{name}.xml", None, INGOLSTADT)
        for name in ("4018133", "4018155", "4018211", "4018271")
    ),
    # Height systems of other countries, for which this machine has no grid.
    ("misc/delft-citygml2.xml", None, NO_GRID.format("EPSG:28992+5709 (NAP height)")),
    (
        "misc/zurich-lod2-citygml1.xml",
        None,
        f"gml:id=UUID_39ea5cbd-d1fb-4298-aa60-ea489dcc869d: 'CH1903' names no known coordinate system{NAME_CRS}",
    ),
    ("misc/zurich-lod2-citygml1.xml", "EPSG:21781", NO_HEIGHTS.format("21781 (CH1903 / LV03)", 21781)),
    ("misc/zurich-lod2-citygml1.xml", "EPSG:21781+5728", NO_GRID.format("EPSG:21781+5728 (LN02 height)")),
    ("ogc/historicalSuccession_CityGML_3.0_Versioning.gml", None, f"gml:id=BU_69381AL47_2000-01-01: {NO_SRSNAME}"),
    (
        "ogc/historicalSuccession_CityGML_3.0_Versioning.gml",
        "EPSG:3946+5720",
        NO_GRID.format("EPSG:3946+5720 (NGF-IGN69 height)"),
    ),
    (
        "plateau/yokosuka_52397519_bldg/52397519_bldg_6697_op.gml",
        None,
        NO_GRID.format("EPSG:6668+6695 (JGD2011 (vertical) height)"),
    ),
    # No buildings: refused with what there is instead.
    ("ogc/Melbourne_roads_3wayintersection.gml", None, NO_BUILDING.format("2 Road")),
    ("ogc/Road_over_Bridge_CityGML3.0_LOD2.gml", None, NO_BUILDING.format("1 Bridge, 1 Road")),
    ("plateau/kawasaki_53391597_frn_6697_op.gml", None, NO_BUILDING.format("28 CityFurniture")),
    ("plateau/numazu_52385721_fld_6697_l1_op.gml", None, NO_BUILDING.format("3 WaterBody")),
    ("plateau/yokosuka_523965_dem_6697_05_op.gml", None, NO_BUILDING.format("2 ReliefFeature")),
]
"""File, CRS that the user gives, and all that the program says about it."""

TWINS = [
    *(
        (f"ogc/CityGMLv2_Building_LOD{lod}-EPSG25832.gml", f"ogc/CityGMLv3_Building_LOD{lod}-EPSG25832.gml")
        for lod in (0, 1, 2)
    ),
    ("citygml4j/lod2_buildings_v3.gml", "cityjson/lod2_buildings_v2.json"),
]
"""The same houses in two encodings."""


@pytest.fixture(scope="module")
def models(shared_data: Path) -> Path:
    return shared_data / "citygml"


def building_ids(source: Path) -> list[str]:
    """Return the ids of all buildings of a file, by XPath or from the JSON."""
    if source.suffix == ".json":
        city_objects = json.loads(source.read_bytes())["CityObjects"]
        return [id_ for id_, city_object in city_objects.items() if city_object["type"] == "Building"]
    found = etree.parse(source).xpath(
        "//*[local-name() = 'Building' and contains(namespace-uri(), '/citygml/building/')]"
        "/@*[local-name() = 'id' and contains(namespace-uri(), '/gml')]"
    )
    assert isinstance(found, list)
    return [str(id_) for id_ in found]


@dataclass(frozen=True, slots=True)
class Result:
    """Tiles as the judges found them, and what the program said about them."""

    tileset_json: Path
    tileset: Tileset
    report: dict[str, Any]


@pytest.fixture(scope="module")
def result_of(
    models: Path, home_with_grid: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Drawn], Result]:
    """Return a function that makes tiles of a file, judged; asked again it returns the same."""

    @cache
    def tile(path: str, crs: str | None) -> Result:
        folder = tmp_path_factory.mktemp("tiles")
        options = ["--crs", crs] if crs else []
        report = folder / "report.json"
        done = run("tile", models / path, "-o", folder / "tiles", "--report", report, *options, home=home_with_grid)
        assert done.returncode == 0, done.stderr
        tileset_json = folder / "tiles" / "tileset.json"
        return Result(tileset_json, judge(tileset_json), json.loads(report.read_bytes()))

    return lambda drawn: tile(drawn.path, drawn.crs)


def test_no_file_is_forgotten(models: Path) -> None:
    files = {
        path.relative_to(models).as_posix()
        for path in models.rglob("*")
        if path.is_file() and path.suffix.lower() not in BESIDE_THE_DATA
    }
    assert files == {drawn.path for drawn in DRAWN} | {path for path, _, _ in REFUSED}


@pytest.mark.parametrize("drawn", DRAWN, ids=lambda drawn: drawn.path.rpartition("/")[2])
def test_drawn(drawn: Drawn, models: Path, result_of: Callable[[Drawn], Result]) -> None:
    result = result_of(drawn)
    loaders_gl.assert_agrees(result.tileset_json, result.tileset)

    ids = building_ids(models / drawn.path)
    assert len(ids) == len(set(ids)) == drawn.buildings
    assert ids_in(result.tileset) == set(ids)
    for content in result.tileset.leaves():  # every row is seen somewhere
        rows = np.unique(np.concatenate([primitive.ids("building") for primitive in content.primitives]))
        assert rows.tolist() == list(range(len(content.tables[0])))

    assert result.report["features_in"] == result.report["features_out"] == drawn.buildings
    assert result.report["losses"] == drawn.losses
    warnings = {finding["code"] for finding in result.report["findings"] if finding["severity"] == "warning"}
    assert warnings - {"OUTSIDE_REGION"} == set(drawn.warnings)


@pytest.mark.parametrize(("path", "crs", "message"), REFUSED)
def test_refused(path: str, crs: str | None, message: str, models: Path, home_with_grid: Path, tmp_path: Path) -> None:
    options = ["--crs", crs] if crs else []
    done = run("tile", models / path, "-o", tmp_path / "tiles", *options, home=home_with_grid)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"zwilling: {models / path}: {message}\n"
    assert not (tmp_path / "tiles").exists()


def corners(tileset: Tileset) -> NDArray[np.float64]:
    """Return the different vertices of the leaves in ECEF, to centimetres, in an order that is always the same."""
    positions = [primitive.positions for content in tileset.leaves() for primitive in content.primitives]
    return np.unique(np.concatenate(positions).round(2), axis=0)


def ids_in(tileset: Tileset) -> set[str]:
    """Return the ids of the buildings in the leaves."""
    return {row["id"] for content in tileset.leaves() for table in content.tables for row in table}


@pytest.mark.parametrize("twins", TWINS, ids=lambda twins: twins[0].rpartition("/")[2])
def test_two_encodings_of_one_town_give_the_same_tiles(
    twins: tuple[str, str], result_of: Callable[[Drawn], Result]
) -> None:
    first, second = (result_of(drawn) for path in twins for drawn in DRAWN if drawn.path == path)
    np.testing.assert_array_equal(corners(first.tileset), corners(second.tileset))
    assert first.report["triangles"] == second.report["triangles"]
    assert ids_in(first.tileset) == ids_in(second.tileset)
