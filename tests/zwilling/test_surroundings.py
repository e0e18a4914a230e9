"""What a list of sensors learns from published layers: where a building is, and how high the ground."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from sensor_overlay.registry.places import Box
from tiler import feature_index
from tiler.feature_index import FeatureLocation
from tiler.terrain.quantized import Grid, Place, encode
from tiler.terrain.relief import measure, triangulate
from zwilling.cli import main
from zwilling.layers import Extent, Layer, layers_directory, switch_layer
from zwilling.surroundings import PublishedSurroundings

LEVEL, X, Y = 17, 135980, 102818
SIDE = 180 / 2**LEVEL
LON, LAT = (X + 0.5) * SIDE - 180, (Y + 0.5) * SIDE - 90
GROUND_M = 81.25
EXTENT = Extent(LON - SIDE / 2, LAT - SIDE / 2, LON + SIDE / 2, LAT + SIDE / 2, 80.0, 100.0)
HOUSE = FeatureLocation("DENW22AL500001kE", LON - 1e-4, LAT - 1e-4, LON + 1e-4, LAT + 1e-4, 82.0, 96.0, "content/0.glb")


def published(data: Path, kind: str) -> Path:
    """Publish an empty layer, and return the folder of its version."""
    version = "0123456789abcdef"
    folder = layers_directory(data) / kind
    (folder / version).mkdir(parents=True)
    switch_layer(folder, Layer(kind, kind, kind, "public", "", (), EXTENT, version))
    return folder / version


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder `data` with one house on flat ground."""
    folder = tmp_path / "data"
    feature_index.write(published(folder, "buildings") / feature_index.FILE_NAME, [HOUSE])
    ground = published(folder, "ground")
    heights = np.full((129, 129), GROUND_M)
    mesh = triangulate(measure(heights[None]), 0.05)[0]
    tile = ground / f"terrain/{LEVEL}/{X}/{Y}.terrain"
    tile.parent.mkdir(parents=True)
    tile.write_bytes(encode(Grid(Place.of_tile(LEVEL, X, Y), heights, heights * 0, heights * 0), mesh))
    (ground / "terrain/layer.json").write_text(json.dumps({"maxzoom": LEVEL}), encoding="utf-8")
    return folder


def test_a_building_by_exactly_its_id(data: Path) -> None:
    around = PublishedSurroundings(data)
    assert around.building("DENW22AL500001kE") == Box(LON - 1e-4, LAT - 1e-4, LON + 1e-4, LAT + 1e-4, 82.0, 96.0)
    assert around.building("denw22al500001ke") is None


def test_the_ground_where_there_is_terrain(data: Path) -> None:
    around = PublishedSurroundings(data)
    assert around.ground(LON, LAT) == pytest.approx(GROUND_M, abs=0.01)
    assert around.ground(LON + 2 * SIDE, LAT) is None


def test_without_layers_nothing_is_known(tmp_path: Path) -> None:
    around = PublishedSurroundings(tmp_path)
    assert (around.building("x"), around.ground(LON, LAT)) == (None, None)


def test_a_list_is_placed_by_the_twin(data: Path) -> None:
    settings = data.parent / "zwilling.toml"
    settings.write_text("", encoding="utf-8")
    head = "Kennung;Gebäude-ID;Geschoss;Längengrad;Breitengrad;Höhe;Höhenbezug"
    lines = [head, "K1;DENW22AL500001kE;1. OG;;;;", f"K2;;;{LON};{LAT};2,5;Boden"]
    (data.parent / "liste.csv").write_text("\n".join(lines), encoding="utf-8")
    command = ["sensors", "import", str(data.parent / "liste.csv"), "--settings", str(settings)]
    done = CliRunner().invoke(main, command)
    assert (done.exit_code, done.stdout) == (0, "imported: 2 new\n")
    with closing(sqlite3.connect(data / "zwilling.db")) as database:
        query = (
            "select t.key, l.longitude, l.latitude, l.height, l.description from thing t"
            " join thing_location tl on tl.thing_id = t.id join location l on l.id = tl.location_id order by t.key"
        )
        first, second = database.execute(query).fetchall()
    assert first == ("K1", pytest.approx(LON), pytest.approx(LAT), pytest.approx(82 + 1.5 + 3.3), "Mitte des Gebäudes")
    assert second == ("K2", pytest.approx(LON), pytest.approx(LAT), pytest.approx(GROUND_M + 2.5, abs=0.01), "")
