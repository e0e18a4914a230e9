"""Real files against counts and areas that plain XPath and a few lines of arithmetic give, without the reader."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from lxml import etree

from citygml.reader import CityGMLSource
from tests.citygml.whole import read
from zwilling.errors import EmptyGeometryError, UnknownCRSError
from zwilling.features import SurfaceClass

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Model:
    """A file that is supported: its counts as data/README.md gives them, and what its srsName means."""

    path: str
    buildings: int
    rows: int
    crs: str
    # Where the file names no CRS, or one without an EPSG code, a user must say it.
    given: str | None = None
    thematic: bool = True


MODELS = [
    Model("nrw/LoD2_32_280_5657_1_NW.gml", 83, 113, "EPSG:25832+7837"),
    Model("nrw/Essen_EssenExample.gml", 117, 117, "EPSG:25832+7837"),
    Model("nrw/DUS5_LoD2_354_5667_1_NW_extract.xml", 5, 5, "EPSG:25832+7837"),
    Model("berlin/berlin_open_data_sample_data.citygml", 61, 61, "EPSG:25833"),
    Model("kit/FZK-Haus-LoD2-KIT-IAI-KHH-B36-V1.gml", 1, 1, "EPSG:25832+5783"),
    Model("kit/FZK-Haus-LoD0-KIT-IAI-KHH-B36-V1.gml", 1, 1, "EPSG:25832+5783", thematic=False),
    Model("ogc/CityGMLv2_Building_LOD0-EPSG25832.gml", 1, 1, "EPSG:25832+5783", thematic=False),
    Model("ogc/CityGMLv2_Building_LOD1-EPSG25832.gml", 1, 1, "EPSG:25832+5783", thematic=False),
    Model("ogc/CityGMLv2_Building_LOD1-LocalEngineeringCRS.gml", 1, 1, "EPSG:25832+7837", "EPSG:25832+7837", False),
    Model("ogc/CityGMLv2_Building_LOD2-EPSG25832.gml", 1, 1, "EPSG:25832+5783"),
    Model("ogc/CityGMLv2_Building_LOD3-EPSG25832.gml", 1, 1, "EPSG:25832+5783", thematic=False),
    Model("ogc/CityGMLv3_Building_LOD0-EPSG25832.gml", 1, 1, "EPSG:25832+5783", thematic=False),
    Model("ogc/CityGMLv3_Building_LOD1-EPSG25832.gml", 1, 1, "EPSG:25832+5783", thematic=False),
    Model("ogc/CityGMLv3_Building_LOD2-EPSG25832.gml", 1, 1, "EPSG:25832+5783"),
    Model("ogc/CityGMLv3_Building_LOD3-EPSG25832.gml", 1, 1, "EPSG:25832+5783", thematic=False),
    Model("ogc/Building_CityGML3.0_Dynamizer_inline_Timeseries.gml", 1, 1, "EPSG:31468+5783"),
    Model("ogc/BuildingUnits_Storeys_xlink.gml", 1, 1, "EPSG:25832+5783", thematic=False),
    Model("ogc/ParkingGarage_CityGML3.0_LOD2_XLinks.gml", 1, 1, "EPSG:25832+7837", "EPSG:25832+7837", False),
    Model("ogc/historicalSuccession_CityGML_3.0_Versioning.gml", 4, 5, "EPSG:3946", "EPSG:3946"),
    Model("citygml4j/lod2_buildings_v3.gml", 100, 100, "EPSG:3068+5783"),
    Model("citygml4j/lod2_test_ade_v2.gml", 1, 1, "EPSG:25832+5783", thematic=False),
    Model("citygml4j/lod3_building_v2.gml", 1, 1, "EPSG:3068+5783", thematic=False),
    Model("citygml4j/lod4_building_v2.gml", 1, 1, "EPSG:25832+5783", thematic=False),
    Model("citygml4j/invalid_building_v3.gml", 1, 1, "EPSG:25832+7837", "EPSG:25832+7837"),
    Model("ingolstadt_lod3/4018133/4018133.xml", 1, 1, "EPSG:32632", thematic=False),
    Model("ingolstadt_lod3/4018155/4018155.xml", 1, 1, "EPSG:32632", thematic=False),
    Model("ingolstadt_lod3/4018211/4018211.xml", 1, 1, "EPSG:32632", thematic=False),
    Model("ingolstadt_lod3/4018271/4018271.xml", 1, 1, "EPSG:32632", thematic=False),
    Model("misc/zurich-lod2-citygml1.xml", 4, 6, "EPSG:21781", "EPSG:21781"),
    Model("misc/delft-citygml2.xml", 3, 3, "EPSG:28992+5709", thematic=False),
    Model("misc/BridgeAndBuilding.gml", 1, 1, "EPSG:25832+7837", "EPSG:25832+7837"),
    Model("misc/Test_XLink_0.gml", 1, 1, "EPSG:25832+7837", "EPSG:25832+7837"),
    Model("misc/Polygon_Multi_Interior_0.gml", 1, 1, "EPSG:25832+7837", "EPSG:25832+7837"),
    Model("plateau/yokosuka_52397519_bldg/52397519_bldg_6697_op.gml", 13, 14, "EPSG:6668+6695", thematic=False),
]
NO_BUILDINGS = {
    "ogc/Melbourne_roads_3wayintersection.gml": "2 Road",
    "ogc/Road_over_Bridge_CityGML3.0_LOD2.gml": "1 Bridge, 1 Road",
    "plateau/kawasaki_53391597_frn_6697_op.gml": "28 CityFurniture",
    "plateau/numazu_52385721_fld_6697_l1_op.gml": "3 WaterBody",
    "plateau/yokosuka_523965_dem_6697_05_op.gml": "2 ReliefFeature",
}
UNNAMED_CRS = {
    "misc/Test_XLink_0.gml": "no srsName; pass --crs EPSG:25832+7837",
    "misc/Polygon_Multi_Interior_0.gml": "no srsName; pass --crs EPSG:25832+7837",
    "misc/zurich-lod2-citygml1.xml": "'CH1903' names no known coordinate system",
    "misc/BridgeAndBuilding.gml": "'EPSG:23632' is not in the EPSG registry",
    "ogc/CityGMLv2_Building_LOD1-LocalEngineeringCRS.gml": "'#local-CRS-1' is a local coordinate system",
}


def _ids(model: Model) -> str:
    return Path(model.path).stem


@pytest.fixture(scope="module")
def models(shared_data: Path) -> Path:
    return shared_data / "citygml"


def test_no_file_is_forgotten(models: Path) -> None:
    found = {str(path.relative_to(models)) for path in models.rglob("*") if path.suffix in (".gml", ".xml", ".citygml")}
    assert found == {model.path for model in MODELS} | set(NO_BUILDINGS)


@pytest.mark.parametrize("model", MODELS, ids=_ids)
def test_counts(model: Model, models: Path) -> None:
    path = models / model.path
    whole = read(path, crs=model.given)
    tree = etree.parse(path)
    assert whole.features_in == model.buildings
    assert tree.xpath("count(//*[local-name()='Building'])") == model.buildings
    assert len(whole.ids) == model.buildings
    assert len(whole.rows) == model.rows
    assert {batch.crs for batch in whole.batches} == {model.crs}
    named = tree.xpath("//*[local-name()='Building']/@*[local-name()='id']")
    assert isinstance(named, list)
    if len(named) == model.buildings:
        assert whole.ids == named


@pytest.mark.parametrize("model", [model for model in MODELS if model.thematic], ids=_ids)
def test_vertices_and_areas_by_class(model: Model, models: Path) -> None:
    """Every polygon under a thematic surface is drawn once, whole, and in its class."""
    path = models / model.path
    whole = read(path, crs=model.given)
    tree = etree.parse(path)
    vertices = 0
    for surface in (SurfaceClass.ROOF, SurfaceClass.WALL, SurfaceClass.GROUND):
        area = 0.0
        name = f"{surface.name.capitalize()}Surface"
        for polygon in tree.iterfind(f".//{{*}}{name}//{{*}}Polygon"):
            rings = [_ring(ring) for ring in polygon.iterfind(".//{*}LinearRing")]
            vertices += sum(len(ring) for ring in rings)
            area += _area(rings[0]) - sum(_area(ring) for ring in rings[1:])
        # Two triangles of a bent quadrilateral have a little more area than its plane has.
        assert whole.area(surface) == pytest.approx(area, rel=2e-4, abs=1e-4), surface
    lost = whole.codes["TOO_FEW_POINTS"] + whole.codes["ZERO_AREA"] + whole.codes["COORDINATES_UNREADABLE"]
    assert lost == 0
    assert whole.vertex_count == vertices


@pytest.mark.parametrize("path", NO_BUILDINGS)
def test_files_without_buildings_say_what_they_hold(path: str, models: Path) -> None:
    with pytest.raises(EmptyGeometryError, match=f"there is no building in it, but {NO_BUILDINGS[path]}"):
        read(models / path)


@pytest.mark.parametrize("path", UNNAMED_CRS)
def test_files_without_a_known_crs_say_so(path: str, models: Path) -> None:
    with pytest.raises(UnknownCRSError) as caught:
        read(models / path)
    assert UNNAMED_CRS[path] in str(caught.value)


@pytest.mark.parametrize("model", MODELS[:3], ids=_ids)
def test_nrw_solids_face_outwards(model: Model, models: Path) -> None:
    """The solids of NRW are closed and oriented; what comes out encloses as much as they do."""
    path = models / model.path
    whole = read(path)
    solids = list(etree.parse(path).iterfind(".//{*}Solid"))
    assert whole.codes["POLYGON_WRONG_ORIENTATION"] == 0
    compared = 0
    for solid, found in zip(solids, whole.volumes(), strict=True):
        if _holder(solid).find("{*}boundedBy/{*}ClosureSurface") is not None:
            continue  # closes the solid and is not drawn
        assert found == pytest.approx(_solid_volume(solid), rel=2e-3)  # bent walls are cut another way
        assert found > 0
        compared += 1
    assert compared >= model.buildings - 34


def test_versions_two_and_three_of_one_house_agree(models: Path) -> None:
    for lod in (1, 2):
        two, three = (read(models / f"ogc/CityGMLv{version}_Building_LOD{lod}-EPSG25832.gml") for version in (2, 3))
        assert two.volumes() == pytest.approx(three.volumes())
        assert two.volumes()[0] == pytest.approx({1: 10 * 5 * 4, 2: 10 * 5 * 3 + 10 * 5 * 2 / 2}[lod])
        for surface in SurfaceClass:
            assert two.area(surface) == pytest.approx(three.area(surface))


def test_fzk_house_by_hand(models: Path) -> None:
    """12 m x 10 m, eaves 3.630940107676 m and ridge 6.517691453624 m above the ground at 111.8 m."""
    whole = read(models / "kit/FZK-Haus-LoD2-KIT-IAI-KHH-B36-V1.gml")
    eaves, ridge = 115.430940107676 - 111.8, 118.317691453624 - 111.8
    slope = (5**2 + (ridge - eaves) ** 2) ** 0.5
    gable = 10 * eaves + 10 * (ridge - eaves) / 2
    assert whole.volumes()[0] == pytest.approx(gable * 12, abs=1e-6)
    assert whole.volumes()[0] == pytest.approx(608.9179, abs=1e-3)
    assert whole.area(SurfaceClass.GROUND) == pytest.approx(120.0)
    assert whole.area(SurfaceClass.ROOF) == pytest.approx(2 * 12 * slope, abs=1e-6)
    assert whole.area(SurfaceClass.WALL) == pytest.approx(2 * 12 * eaves + 2 * gable, abs=1e-6)
    assert whole.area(SurfaceClass.OTHER) == 0.0
    (row,) = whole.rows
    assert row["id"] == "UUID_d281adfc-4901-0f52-540b-4cc1a9325f82"
    assert (row["part_id"], row["class_name"], row["name"]) == ("", "Building", "AC14-FZK-Haus")
    assert (row["function"], row["roof_type"], row["roof_type_label"]) == ("1000", "1030", "Satteldach")
    assert (row["year_of_construction"], row["storeys_above_ground"]) == (1948, 2)
    assert row["creation_date"] == "2017-01-23"
    assert row["ground_elevation"] == 111.8
    assert row["roof_elevation"] == pytest.approx(118.317691453624)
    assert row["address"] == "Spöcker Straße 4711, 76344 Eggenstein-Leopoldshafen"
    assert (row["GrossPlannedArea"], row["ConstructionMethod"], row["IsLandmarked"]) == (120.0, "New Building", "NO")
    units = {prop.id: prop.unit for prop in whole.batches[0].table.properties}
    assert units["GrossPlannedArea"] == "m2"


def test_latitude_first_becomes_x_east(models: Path) -> None:
    path = models / "plateau/yokosuka_52397519_bldg/52397519_bldg_6697_op.gml"
    positions = read(path).batches[0].positions
    assert (positions[:, 0] > 139.7).all()
    assert (positions[:, 0] < 139.8).all()
    assert (positions[:, 1] > 35.2).all()
    assert (positions[:, 1] < 35.3).all()
    first = etree.parse(path).find(".//{*}lod1Solid//{*}posList")
    assert first is not None
    lat, lon, height = (float(number) for number in str(first.text).split()[:3])
    assert [lon, lat, height] in positions.tolist()


def test_lod3_takes_openings_as_other(models: Path) -> None:
    """Two windows of 1.5 m x 1 m and a door of 1 m x 2 m; rooms and furniture inside are not drawn."""
    for name in ("ogc/CityGMLv2_Building_LOD3-EPSG25832.gml", "citygml4j/lod4_building_v2.gml"):
        whole = read(models / name)
        assert whole.area(SurfaceClass.OTHER) == pytest.approx(2 * 1.5 + 2.0), name
        assert whole.area(SurfaceClass.GROUND) == pytest.approx(50.0), name


def test_reading_twice_gives_the_same(models: Path) -> None:
    path = models / MODELS[0].path
    first, second = (list(CityGMLSource(path).batches()) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        for name in ("positions", "triangles", "triangle_row", "triangle_surface", "row_feature"):
            assert getattr(one, name).tobytes() == getattr(other, name).tobytes()
        assert one.table.properties == other.table.properties
        assert one.issues == other.issues


def _ring(element: etree._Element) -> list[Point]:
    numbers = [float(number) for number in " ".join(map(str, element.itertext())).split()]
    points = list(zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True))
    return points[:-1] if points[0] == points[-1] else points


def _area(ring: list[Point]) -> float:
    x0, y0, z0 = ring[0]
    shifted = [(x - x0, y - y0, z - z0) for x, y, z in ring]
    nx = ny = nz = 0.0
    for (ax, ay, az), (bx, by, bz) in zip(shifted, shifted[1:] + shifted[:1], strict=True):
        nx += ay * bz - az * by
        ny += az * bx - ax * bz
        nz += ax * by - ay * bx
    return math.sqrt(nx * nx + ny * ny + nz * nz) / 2


def _holder(solid: etree._Element) -> etree._Element:
    """Return the building or part whose solid it is."""
    return next(element for element in solid.iterancestors() if "Building" in str(element.tag))


def _solid_volume(solid: etree._Element) -> float:
    """Volume under the polygons that a solid refers to, as cones over their vertices' fans."""
    polygons = {}
    for element in _holder(solid).iterfind(".//{*}Polygon"):
        polygons[str(element.get("{http://www.opengis.net/gml}id"))] = element
    rings = []
    for member in solid.iterfind(".//{*}surfaceMember"):
        polygon = polygons[str(member.get("{http://www.w3.org/1999/xlink}href")).removeprefix("#")]
        rings += [_ring(ring) for ring in polygon.iterfind(".//{*}LinearRing")]
    x0, y0, z0 = rings[0][0]
    volume = 0.0
    for ring in rings:
        (ax, ay, az), *rest = [(x - x0, y - y0, z - z0) for x, y, z in ring]
        for (bx, by, bz), (cx, cy, cz) in pairwise(rest):
            volume += ax * (by * cz - bz * cy) + ay * (bz * cx - bx * cz) + az * (bx * cy - by * cx)
    return volume / 6
