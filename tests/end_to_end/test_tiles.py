"""From files as the surveying office delivers them to tiles, through the command line, read back by others.

Nothing of the project is asked what the source holds: XPath counts the buildings and finds the corners, PROJ converts
them with the official grid.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
from lxml import etree
from numpy.typing import NDArray

from tests.end_to_end.program import zwilling
from tests.judges import Tileset, judge, loaders_gl

pytestmark = pytest.mark.node

NAMESPACES = {
    "bldg": "http://www.opengis.net/citygml/building/1.0",
    "gml": "http://www.opengis.net/gml",
}
REAL_FILES = {
    "Duesseldorf": "DUS5_LoD2_354_5667_1_NW_extract.xml",
    "Essen": "Essen_EssenExample.gml",
    "Selfkant": "LoD2_32_280_5657_1_NW.gml",
}


def xpath(file: Path, expression: str) -> list[Any]:
    """Return what an XPath finds in a file."""
    found: Any = etree.parse(file).xpath(expression, namespaces=NAMESPACES)
    return list(found)


def source_ids(files: list[Path]) -> set[str]:
    """Return the gml:id of every bldg:Building, by XPath alone."""
    found = [str(id_) for file in files for id_ in xpath(file, "//bldg:Building/@gml:id")]
    assert len(found) == len(set(found))
    return set(found)


def source_corners(file: Path) -> NDArray[np.float64]:
    """Return the corners of all roof, wall and ground polygons, in the CRS of the file."""
    lists = xpath(file, "(//bldg:RoofSurface|//bldg:WallSurface|//bldg:GroundSurface)//gml:posList/text()")
    numbers = [float(number) for text in lists for number in str(text).split()]
    return np.unique(np.array(numbers).reshape(-1, 3), axis=0)


def ids_in(tileset: Tileset) -> list[str]:
    """Return the building's id of each row in the leaves that has a vertex, so that an empty row does not count."""
    found = []
    for content in tileset.leaves():
        for primitive in content.primitives:
            rows = np.unique(primitive.ids("building"))
            found += [content.tables[0][row]["id"] for row in rows]
    return found


def in_source_crs(tileset: Tileset, grid: Path) -> NDArray[np.float64]:
    """Return all vertices of the leaves in EPSG:25832+7837."""
    ecef = np.concatenate([primitive.positions for content in tileset.leaves() for primitive in content.primitives])
    return in_source_crs_of(ecef, grid)


def in_source_crs_of(ecef: NDArray[np.float64], grid: Path) -> NDArray[np.float64]:
    """Return positions in EPSG:25832+7837, by a pipeline that names each step and the grid."""
    pipeline = pyproj.Transformer.from_pipeline(
        "+proj=pipeline +step +inv +proj=cart +ellps=GRS80"
        f" +step +inv +proj=vgridshift +grids={grid} +multiplier=1"
        " +step +proj=utm +zone=32 +ellps=GRS80"
    )
    return np.column_stack(pipeline.transform(*ecef.T))


def farthest_from(points: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """Return the largest distance that one of `points` has to the nearest of `others`."""
    farthest = 0.0
    for start in range(0, len(points), 500):
        some = points[start : start + 500]
        near = others[np.abs(others[:, 0, None] - some[None, :, 0]).min(axis=1) < 1.0]
        distances = np.linalg.norm(near[:, None, :] - some[None, :, :], axis=2)
        farthest = max(farthest, float(distances.min(axis=0, initial=np.inf).max()))
    return farthest


def test_distance_notices_two_centimetres() -> None:
    corners = np.array([[340_000.0, 5_670_000.0, 40.0], [340_010.0, 5_670_000.0, 40.0]])
    assert farthest_from(corners, np.add(corners[::-1], (0.0, 0.0, 0.02))) == pytest.approx(0.02)
    assert farthest_from(corners, corners[:1]) == pytest.approx(10.0)


def test_pipeline_gives_the_golden_height(grid: Path) -> None:
    # 40.000 m NHN is 85.820 m above the ellipsoid there.
    to_ecef = pyproj.Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)
    found = in_source_crs_of(np.array([to_ecef.transform(6.75297, 51.19581, 85.820)]), grid)
    assert found[0] == pytest.approx([343_000.0, 5_674_000.0, 40.0], abs=0.5)
    assert found[0, 2] == pytest.approx(40.0, abs=0.001)


@pytest.mark.parametrize("compression", ["meshopt", "none"])
@pytest.mark.parametrize("name", sorted(REAL_FILES))
def test_real_files(
    name: str, compression: str, shared_data: Path, grid: Path, home_with_grid: Path, tmp_path: Path
) -> None:
    source = shared_data / "citygml" / "nrw" / REAL_FILES[name]
    zwilling("tile", source, "-o", tmp_path / "tiles", "--compression", compression, home=home_with_grid)
    tileset = judge(tmp_path / "tiles" / "tileset.json")
    loaders_gl.assert_agrees(tmp_path / "tiles" / "tileset.json", tileset)
    assert set(ids_in(tileset)) == source_ids([source])
    vertices = in_source_crs(tileset, grid)
    corners = source_corners(source)
    assert farthest_from(corners, vertices) < 0.01
    assert farthest_from(vertices, corners) < 0.01


def test_heights_without_the_grid_are_within_a_centimetre(shared_data: Path, grid: Path, tmp_path: Path) -> None:
    source = shared_data / "citygml" / "nrw" / REAL_FILES["Duesseldorf"]
    zwilling("tile", source, "-o", tmp_path / "tiles", "--compression", "none", home=tmp_path / "empty")
    vertices = in_source_crs(judge(tmp_path / "tiles" / "tileset.json"), grid)
    assert farthest_from(source_corners(source), vertices) < 0.01


def test_sample_quarter_of_several_tiles(tmp_path: Path) -> None:
    zwilling("sample", tmp_path / "source", "--buildings", "1200", home=tmp_path)
    files = sorted((tmp_path / "source").glob("*.gml"))
    zwilling("tile", *files, "-o", tmp_path / "tiles", home=tmp_path)
    tileset = judge(tmp_path / "tiles" / "tileset.json")
    assert tileset.tiles > 1
    loaders_gl.assert_agrees(tmp_path / "tiles" / "tileset.json", tileset)
    ids = source_ids(files)
    assert set(ids_in(tileset)) == ids
    homes: dict[str, set[str]] = {}
    for content in tileset.leaves():
        for row in content.tables[0]:
            homes.setdefault(row["id"], set()).add(content.uri)
    assert {id_ for id_, uris in homes.items() if len(uris) > 1} == set()  # each building is in one leaf
    coarse = [content for content in tileset.contents if not content.is_leaf]
    assert {row["id"] for content in coarse for row in content.tables[0]} <= ids
