"""The written files, read as anyone else would read them: plain lxml, plain arithmetic."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import shapely
from lxml import etree
from shapely.geometry import Polygon

from zwilling.errors import SettingsError
from zwilling.sample import write_sample
from zwilling.sample.quarter import buildings as buildings_of_model
from zwilling.sample.terrain import elevation

NS = {
    "core": "http://www.opengis.net/citygml/1.0",
    "bldg": "http://www.opengis.net/citygml/building/1.0",
    "gen": "http://www.opengis.net/citygml/generics/1.0",
    "gml": "http://www.opengis.net/gml",
    "xAL": "urn:oasis:names:tc:ciq:xsdschema:xAL:2.0",
}
ID = f"{{{NS['gml']}}}id"
HREF = "{http://www.w3.org/1999/xlink}href"

# The profile allows both; the real files at hand happen to have neither.
ALSO_ALLOWED = re.compile(r"Building/\{gml\}name$|/\{gml\}Polygon/\{gml\}interior(/.*)?$")


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_sample(tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="session")
def trees(sample: list[Path]) -> dict[str, etree._Element]:
    return {path.stem: etree.parse(path).getroot() for path in sample}


def buildings(trees: dict[str, etree._Element]) -> Iterator[etree._Element]:
    for root in trees.values():
        yield from root.iterfind("core:cityObjectMember/bldg:Building", NS)


def solids(trees: dict[str, etree._Element]) -> Iterator[etree._Element]:
    """Buildings and parts that have a geometry of their own."""
    for root in trees.values():
        for element in root.iter(f"{{{NS['bldg']}}}Building", f"{{{NS['bldg']}}}BuildingPart"):
            if element.find("bldg:lod2Solid", NS) is not None:
                yield element


def polygons(element: etree._Element) -> list[tuple[str, list[np.ndarray]]]:
    """Surface class and rings (closed, n by 3) of every polygon of one solid."""
    found = []
    for surface in element.iterfind("bldg:boundedBy/*", NS):
        kind = etree.QName(surface).localname.removesuffix("Surface")
        for polygon in surface.iterfind(".//gml:Polygon", NS):
            rings = [numbers(text.text) for text in polygon.iterfind(".//gml:posList", NS)]
            found.append((kind, rings))
    return found


def numbers(text: str | None) -> np.ndarray:
    return np.array((text or "").split(), dtype=float).reshape(-1, 3)


def plan(element: etree._Element) -> Polygon:
    [rings] = [rings for kind, rings in polygons(element) if kind == "Ground"]
    return Polygon(rings[0][:, :2], [hole[:, :2] for hole in rings[1:]])


def paths(root: etree._Element) -> set[str]:
    """Every element and attribute by its way from the root, prefixes by namespace."""
    short = {space: f"{{{prefix}}}" for prefix, space in NS.items()}

    def say(tag: str) -> str:
        name = etree.QName(tag)
        return short.get(name.namespace or "", "") + name.localname

    found = set()
    stack = [(root, say(root.tag))]
    while stack:
        element, path = stack.pop()
        found.add(path)
        found |= {f"{path}@{say(str(key))}" for key in element.attrib}
        stack += [(child, f"{path}/{say(child.tag)}") for child in element.iterchildren(etree.Element)]
    return found


def test_count_is_what_was_asked_for(trees: dict[str, etree._Element]) -> None:
    assert sum(1 for _ in buildings(trees)) == 2500


def test_structure_is_that_of_the_real_files(trees: dict[str, etree._Element], shared_data: Path) -> None:
    real: set[str] = set()
    for path in sorted((shared_data / "citygml" / "nrw").iterdir()):
        real |= paths(etree.parse(path).getroot())
    ours = set().union(*(paths(root) for root in trees.values()))
    assert {path for path in ours - real if not ALSO_ALLOWED.search(path)} == set()
    never = {path for path in real - ours if "PostalCode" not in path and "BuildingPart/{bldg}address" not in path}
    assert never == set(), "what real files have, the sample must exercise"


def test_order_of_elements_is_that_of_the_real_tile(trees: dict[str, etree._Element], shared_data: Path) -> None:
    tile = etree.parse(shared_data / "citygml" / "nrw" / "Essen_EssenExample.gml").getroot()
    order = list(dict.fromkeys(child.tag for child in next(tile.iterfind(".//bldg:Building", NS))))
    whole = 0
    for building in buildings(trees):
        tags = list(dict.fromkeys(child.tag for child in building))
        ranks = [order.index(tag) for tag in tags if tag in order]
        assert ranks == sorted(ranks)
        whole += len(ranks) == len(order)
    assert whole > 100, "buildings with every element of the real ones"


def test_head_is_that_of_the_real_tile(sample: list[Path], shared_data: Path) -> None:
    real = (shared_data / "citygml" / "nrw" / "LoD2_32_280_5657_1_NW.gml").read_text(encoding="utf-8").splitlines()
    for path in sample:
        ours = path.read_text(encoding="utf-8").splitlines()
        assert ours[0] == real[0]
        assert "SYNTHETISCH" in ours[1]
        assert "Synthetic" in ours[1]
        assert ours[2] == real[1], "namespaces and schema locations, letter by letter"
        assert ours[3] == f"  <gml:name>{path.stem}</gml:name>"
        assert ours[5] == real[4], "envelope and its srsName"
        assert ours[-1] == real[-1] == "</core:CityModel>"


def test_envelope_is_the_tile_and_its_heights(trees: dict[str, etree._Element]) -> None:
    for name, root in trees.items():
        east, north = (int(number) * 1000 for number in name.split("_")[2:4])
        low, high = (
            numbers(root.findtext(f".//gml:{corner}Corner", namespaces=NS))[0] for corner in ("lower", "upper")
        )
        assert low[:2].tolist() == [east, north]
        assert high[:2].tolist() == [east + 1000, north + 1000]
        heights = np.concatenate(
            [ring[:, 2] for one in solids({name: root}) for _, rings in polygons(one) for ring in rings]
        )
        assert (low[2], high[2]) == (heights.min(), heights.max())


def test_buildings_lie_in_the_tile_of_the_name(trees: dict[str, etree._Element]) -> None:
    over_the_edge = 0
    for name, root in trees.items():
        east, north = (int(number) * 1000 for number in name.split("_")[2:4])
        square = shapely.box(east, north, east + 1000, north + 1000)
        for building in buildings({name: root}):
            footprint = plan(next(solids({name: building})))
            assert square.covers(footprint.representative_point())
            over_the_edge += not square.covers(footprint)
    assert over_the_edge > 0, "as in real tiles, buildings on the edge are not cut"


def test_ids_are_unique_and_some_differ_in_case_only(trees: dict[str, etree._Element]) -> None:
    every = [str(element.get(ID)) for root in trees.values() for element in root.iter(etree.Element) if element.get(ID)]
    assert len(every) == len(set(every))
    alkis = [str(building.get(ID)) for building in buildings(trees)]
    assert all(re.fullmatch(r"DENW99AL[0-9A-Za-z]{8}", one) for one in alkis)
    assert len({one.lower() for one in alkis}) < len(alkis)


def test_solids_are_closed_and_look_outwards(trees: dict[str, etree._Element]) -> None:
    for element in solids(trees):
        name = element.get(ID)
        parts = polygons(element)
        edges: Counter[tuple[bytes, bytes]] = Counter()
        volume = 0.0
        for _, rings in parts:
            for ring in rings:
                assert (ring[0] == ring[-1]).all()
                edges.update((a.tobytes(), b.tobytes()) for a, b in pairwise(ring))
                near = ring - parts[0][1][0][0]
                volume += float(np.dot(near[0], np.cross(near[:-1], near[1:]).sum(axis=0))) / 6
        assert all(count == 1 and edges[b, a] == 1 for (a, b), count in edges.items()), name
        assert volume > 1.0, name


def test_solids_refer_to_exactly_their_own_polygons(trees: dict[str, etree._Element]) -> None:
    for element in solids(trees):
        wanted = sorted(str(member.get(HREF)) for member in element.iterfind("bldg:lod2Solid//gml:surfaceMember", NS))
        held = sorted(f"#{polygon.get(ID)}" for polygon in element.iterfind("bldg:boundedBy//gml:Polygon", NS))
        assert wanted == held


def test_polygons_are_planar_and_walls_are_vertical(trees: dict[str, etree._Element]) -> None:
    worst = 0.0
    for element in solids(trees):
        for kind, rings in polygons(element):
            ring = rings[0][:-1] - rings[0][0]
            normal = np.cross(ring, np.roll(ring, -1, axis=0)).sum(axis=0)
            size = float(np.linalg.norm(normal))
            assert size > 0.01, "no slivers"
            normal /= size
            off = np.abs(ring @ normal - (ring @ normal).mean())
            worst = max(worst, float(off.max()))
            if kind == "Wall":
                assert abs(normal[2]) < 1e-3
            if kind == "Roof":
                assert normal[2] > 0.1
            if kind == "Ground":
                assert normal[2] == -1.0
    assert worst < 0.002


def test_buildings_do_not_overlap(trees: dict[str, etree._Element]) -> None:
    footprints = [plan(element) for element in solids(trees)]
    assert all(footprint.is_valid for footprint in footprints)
    tree = shapely.STRtree(footprints)
    first, second = tree.query(footprints, predicate="intersects")
    pairs = first < second
    areas = shapely.area(shapely.intersection(np.array(footprints)[first[pairs]], np.array(footprints)[second[pairs]]))
    assert areas.max() < 0.02, "neighbours touch; rounding to a millimetre is all they share"
    assert pairs.sum() > 1000, "and many do touch: party walls"


def test_ground_follows_the_terrain(trees: dict[str, etree._Element]) -> None:
    for building in buildings(trees):
        parts = (
            [building]
            if building.find("bldg:lod2Solid", NS) is not None
            else list(building.iter(f"{{{NS['bldg']}}}BuildingPart"))
        )
        grounds = {ring[0, 2] for part in parts for kind, rings in polygons(part) if kind == "Ground" for ring in rings}
        assert len(grounds) == 1, "one ground for all parts"
        ground = grounds.pop()
        cut = np.concatenate(
            [
                numbers(line.text)
                for part in parts
                for line in part.iterfind("bldg:lod2TerrainIntersection//gml:posList", NS)
            ]
        )
        assert np.abs(elevation(cut[:, 0], cut[:, 1]) - cut[:, 2]).max() < 0.002
        assert -0.001 <= cut[:, 2].min() - ground < 0.02, "the ground is where the terrain is lowest along the walls"
        assert 38.0 < ground < 46.0
        for part in parts:
            top = max(ring[:, 2].max() for _, rings in polygons(part) for ring in rings)
            measured = float(part.findtext("bldg:measuredHeight", namespaces=NS) or "nan")
            assert measured == pytest.approx(top - ground, abs=1e-6)


def test_closures_come_in_pairs(trees: dict[str, etree._Element]) -> None:
    for building in buildings(trees):
        parts = building.findall("bldg:consistsOfBuildingPart/bldg:BuildingPart", NS)
        assert len(parts) != 1
        areas: Counter[str] = Counter()
        for part in parts:
            closures = [rings[0] for kind, rings in polygons(part) if kind == "Closure"]
            assert closures, "a part that touches no other is a building"
            for ring in closures:
                normal = np.cross(ring[:-1] - ring[0], ring[1:] - ring[0]).sum(axis=0) / 2
                assert abs(normal[2]) < 2e-3 * float(np.linalg.norm(normal))
                areas["both"] += round(float(normal[0]) * 100) + round(float(normal[1]) * 100)
        assert abs(areas["both"]) <= 2 * len(parts), "facing areas cancel out"


def test_the_place_has_what_a_town_has(trees: dict[str, etree._Element]) -> None:
    functions = Counter(b.findtext("bldg:function", namespaces=NS) for b in buildings(trees))
    few = ("3021", "3211", "3041", "3012", "3065", "3091", "1022", "3072", "2010")
    most = {"31001_1010": 500, "31001_1000": 200, "31001_1123": 100, "31001_2463": 100, "51009_1610": 10}
    for code, least in {**most, **{f"31001_{value}": 1 for value in few}}.items():
        assert functions[code] >= least, code
    roofs = Counter(s.findtext("bldg:roofType", namespaces=NS) for s in solids(trees))
    many = {"1000": 300, "2100": 100, "3100": 1000, "3200": 20, "3300": 10, "3400": 50, "3500": 5}
    for code, least in {**many, **dict.fromkeys(("2200", "3800", "3900", "4000"), 1)}.items():
        assert roofs[code] >= least, code
    named = {name.text for b in buildings(trees) if (name := b.find("gml:name", NS)) is not None}
    assert {"Rathaus", "Bahnhof", "Pfarrhaus"} <= named
    assert sum(b.find("bldg:consistsOfBuildingPart", NS) is not None for b in buildings(trees)) > 100
    plans = [plan(element) for element in solids(trees)]
    assert sum(bool(footprint.interiors) for footprint in plans) >= 2, "courtyards"
    bent = [f for f in plans if len(f.exterior.coords) == 7 and f.area < 0.97 * f.convex_hull.area]
    assert len(bent) > 20, "L-shapes"


def test_addresses_are_unique_and_odd_faces_even(trees: dict[str, etree._Element]) -> None:
    places: dict[tuple[str, str], np.ndarray] = {}
    for building in buildings(trees):
        street = building.find(".//xAL:Thoroughfare", NS)
        if street is None:
            continue
        number, name = street
        assert number.tag.endswith("ThoroughfareNumber")
        key = (str(name.text), str(number.text))
        assert key not in places
        ring = numbers(building.findtext(".//bldg:GroundSurface//gml:posList", namespaces=NS))
        places[key] = ring[:, :2].mean(axis=0)
    assert len(places) > 1000
    gaps = [
        float(np.linalg.norm(places[street, str(int(number) + 2)] - place))
        for (street, number), place in places.items()
        if (street, str(int(number) + 2)) in places
    ]
    assert float(np.median(gaps)) < 25, "the next number is next door"


def test_same_seed_same_bytes_whatever_the_hash_seed(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from zwilling.sample import write_sample;"
        "write_sample(pathlib.Path(sys.argv[1]), buildings=400, seed=7)"
    )
    contents = []
    for hash_seed in ("1", "2"):
        folder = tmp_path / hash_seed
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        subprocess.run([sys.executable, "-c", script, str(folder)], check=True, env=environment, timeout=120)
        contents.append({path.name: path.read_bytes() for path in sorted(folder.iterdir())})
    assert contents[0] == contents[1]
    assert "SYNTHETISCH.txt" in contents[0]
    other = write_sample(tmp_path / "other", buildings=400, seed=8)
    assert all(path.read_bytes() != contents[0].get(path.name) for path in other)


def test_a_small_town_is_the_middle_of_a_larger_one(tmp_path: Path, trees: dict[str, etree._Element]) -> None:
    small = {path.stem: etree.parse(path).getroot() for path in write_sample(tmp_path, buildings=200)}
    large = {str(b.get(ID)): plan(s) for b in buildings(trees) for s in [next(solids({"": b}))]}
    for building in buildings(small):
        assert plan(next(solids({"": building}))).equals(large[str(building.get(ID))])


@pytest.mark.parametrize("seed", [2, 4])
def test_every_seed_has_its_public_buildings(seed: int) -> None:
    functions = Counter(building.draft.function for building in buildings_of_model(2500, seed))
    assert {f"31001_{value}" for value in ("3021", "3041", "3012", "3065", "3091", "1022", "3072")} <= set(functions)


def test_town_grows_into_new_districts_without_overlap(tmp_path: Path) -> None:
    files = write_sample(tmp_path, buildings=6500)
    grown = {path.stem: etree.parse(path).getroot() for path in files}
    assert sum(1 for _ in buildings(grown)) == 6500
    assert len(files) > 4
    churches = [b for b in buildings(grown) if b.findtext("bldg:function", namespaces=NS) == "31001_3041"]
    assert len(churches) >= 2
    test_buildings_do_not_overlap(grown)


@pytest.mark.parametrize("count", [0, -1, 200_001])
def test_count_out_of_range_is_refused(tmp_path: Path, count: int) -> None:
    with pytest.raises(SettingsError, match="200000"):
        write_sample(tmp_path, buildings=count)
    assert list(tmp_path.iterdir()) == []


def test_folder_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "taken"
    path.write_text("here I am")
    with pytest.raises(SettingsError) as caught:
        write_sample(path, buildings=10)
    assert str(path) in str(caught.value)
    assert path.read_text() == "here I am"


def test_nothing_half_written_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import zwilling.sample.citygml as citygml

    seen = 0
    real = citygml.member

    def break_after_fifty(building: object) -> str:
        nonlocal seen
        seen += 1
        if seen > 50:
            raise KeyboardInterrupt
        return real(building)  # type: ignore[arg-type]

    monkeypatch.setattr(citygml, "member", break_after_fifty)
    with pytest.raises(KeyboardInterrupt):
        write_sample(tmp_path, buildings=100)
    assert list(tmp_path.iterdir()) == []
