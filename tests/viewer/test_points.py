"""Laser points in the viewer: classes in their colours, hidden ones not drawn, other styles, and what a click tells."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import laspy
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect
from pyproj import CRS, Transformer

from tests.viewer.browser import Visit
from tests.viewer.conftest import OpenVisit
from tests.viewer.test_ground import is_sound
from tests.viewer.twin import Server, run_zwilling
from zwilling.sample.terrain import CENTRE_E, CENTRE_N

pytestmark = pytest.mark.browser

PATCH, SPACING, HEIGHT = 40.0, 0.25, 60.0
UNDULATION = 45.7
OPTIONS = {"width": 480, "height": 480}

# Class, colour, intensity, echo and echoes of each patch, row by row from the north-west.
GROUND, TREE, ROOF = (2, (200, 60, 60), 100, 1, 1), (5, (60, 200, 60), 500, 2, 3), (6, (60, 60, 200), 3000, 1, 1)
NOISE, CELLAR, OWN = (7, (200, 200, 60), 65000, 1, 1), (24, (60, 200, 200), 90, 1, 1), (77, (200, 60, 200), 90, 1, 1)
PATCHES = ((GROUND, TREE, ROOF), (NOISE, CELLAR, OWN))
ABOVE = {2: 0.0, 5: 6.0, 6: 15.0, 7: 0.0, 24: 0.0, 77: 30.0}
"""Metres above ground, which is class 2 alone."""

# As viewer/src/twin/point_classes.ts has them.
MARK = (42, 148, 208)
HEIGHT_0, HEIGHT_6, HEIGHT_15, HEIGHT_30 = (217, 207, 189), (116, 162, 135), (70, 119, 148), (70, 58, 110)
CLASS_2, CLASS_5, CLASS_6, CLASS_7 = (185, 164, 134), (106, 146, 105), (185, 128, 108), (192, 104, 154)

Rgb = tuple[int, int, int]


def write_cloud(path: Path) -> None:
    """Write six level patches, each of one class and height."""
    side = round(PATCH / SPACING)
    x, y = (part.ravel() * SPACING + SPACING / 2 for part in np.meshgrid(np.arange(side), np.arange(side)))
    header = laspy.LasHeader(point_format=7, version="1.4")
    header.scales, header.offsets = np.full(3, 0.01), np.array([CENTRE_E, CENTRE_N, 0.0])
    header.add_crs(CRS("EPSG:25832+7837"))
    las = laspy.LasData(header)
    rows = [(column, row, patch) for row, patches in enumerate(PATCHES) for column, patch in enumerate(patches)]
    las.x = np.concatenate([CENTRE_E + column * PATCH + x for column, _, _ in rows])
    las.y = np.concatenate([CENTRE_N - row * PATCH - y for _, row, _ in rows])
    las.z = np.repeat([HEIGHT + ABOVE[patch[0]] for _, _, patch in rows], len(x))
    names = ("classification", "intensity", "return_number", "number_of_returns")
    for name, number in zip(names, (0, 2, 3, 4), strict=True):
        las[name] = np.repeat([patch[number] for _, _, patch in rows], len(x))
    for channel, name in enumerate(("red", "green", "blue")):
        las[name] = np.repeat([patch[1][channel] * 257 for _, _, patch in rows], len(x))
    las.write(str(path))


def place(column: float, row: float) -> tuple[float, float, float]:
    """Return longitude, latitude and ellipsoidal height of the middle of a patch."""
    east, north = CENTRE_E + (column + 0.5) * PATCH, CENTRE_N - (row + 0.5) * PATCH
    longitude, latitude = Transformer.from_crs(25832, 4326, always_xy=True).transform(east, north)
    above = ABOVE[PATCHES[int(row)][int(column)][0]]
    return longitude, latitude, HEIGHT + above + UNDULATION


@pytest.fixture(scope="module")
def points_twin(built_viewer: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("points")
    write_cloud(folder / "cloud.laz")
    settings = folder / "zwilling.toml"
    settings.write_text(
        """
[region]
profile = "rhein-kreis-neuss"

[[layer]]
id = "laserpunkte"
kind = "points"
title = "Laserpunkte"
sources = ["cloud.laz"]
height_above_ground = true
licence = "EUPL-1.2"
attribution = ["Messamt"]
synthetic = true
""",
        encoding="utf-8",
    )
    run_zwilling("build", str(settings), "--jobs", "1", "--quiet")
    server = Server(settings)
    server.start()
    yield server
    server.stop()


def from_above(metres: float = 150.0) -> str:
    """Return a link's part that looks straight down on all patches."""
    longitude, latitude, height = place(1, 0.5)
    return f"kamera={longitude:.6f},{latitude:.6f},{height + metres:.1f},0,-90"


def colours(page: Visit) -> dict[tuple[int, int], Rgb]:
    """Return what the page shows in the middle of each patch: the median of some pixels."""
    picture = Image.open(io.BytesIO(page.page.screenshot())).convert("RGB")
    found = {}
    for row in range(2):
        for column in range(3):
            x, y = page.ask("at => zwilling.canvasPositionOf(...at)", list(place(column, row)))
            patch = np.asarray(picture.crop((round(x) - 8, round(y) - 8, round(x) + 9, round(y) + 9))).reshape(-1, 3)
            red, green, blue = (int(part) for part in np.median(patch, axis=0))
            found[column, row] = red, green, blue
    return found


def colour_at(page: Visit, where: tuple[float, float, float]) -> Rgb:
    """Return the colour of one pixel, where a place is."""
    picture = Image.open(io.BytesIO(page.page.screenshot())).convert("RGB")
    x, y = page.ask("at => zwilling.canvasPositionOf(...at)", list(where))
    red, green, blue = np.asarray(picture)[round(y), round(x)].tolist()
    return red, green, blue


def off(one: Rgb, other: Rgb) -> int:
    """Return by how much two colours differ, in the channel that differs most."""
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def test_classes_have_their_colours_and_can_be_hidden(visit: OpenVisit, points_twin: Server) -> None:
    page = visit(points_twin.address, **OPTIONS)
    page.open(from_above())
    page.settle()
    is_sound(page, points_twin)
    stats = page.ask("() => zwilling.stats()")
    assert stats["tilesLoaded"] == stats["tilesExpected"] > 0
    shown = colours(page)
    page.picture("points-class")
    assert off(shown[0, 0], CLASS_2) < 25, shown
    assert off(shown[1, 0], CLASS_5) < 25, shown
    assert off(shown[2, 0], CLASS_6) < 25, shown
    background = shown[0, 1]
    assert off(shown[1, 1], background) < 12, shown  # neither noise nor cellar is drawn
    assert off(shown[2, 1], background) > 25, shown

    page.page.get_by_role("button", name="Ebenen").click()
    classes = page.page.get_by_role("group", name="Klassen und Zahl der Punkte")
    expect(classes.get_by_role("listitem")).to_have_count(6)
    expect(classes.get_by_role("listitem").first).to_contain_text("25.600")
    expect(classes.get_by_role("checkbox", name="Boden")).to_be_checked()
    expect(classes.get_by_role("checkbox", name="Keller")).not_to_be_checked()
    assert page.violations() == []
    page.picture("points-legend")
    classes.get_by_role("checkbox", name="Rauschen, tief").check()
    classes.get_by_role("checkbox", name="Boden").uncheck()
    page.page.get_by_role("button", name="Schließen").click()
    page.settle()
    assert "laserklassen-aus=2-18-24" in page.page.url
    switched = colours(page)
    assert off(switched[0, 1], CLASS_7) < 25, switched
    assert off(switched[0, 0], background) < 12, switched
    assert off(switched[1, 0], shown[1, 0]) < 12, switched
    is_sound(page, points_twin)

    linked = visit(points_twin.address, **OPTIONS)
    linked.open(f"{from_above()}&laserklassen-aus=2-18-24")
    linked.settle()
    again = colours(linked)
    assert all(off(again[where], switched[where]) < 12 for where in again), again


def test_height_above_ground_has_its_colours_and_its_scale(visit: OpenVisit, points_twin: Server) -> None:
    page = visit(points_twin.address, **OPTIONS)
    page.open(f"{from_above()}&laserpunkte=hoehe")
    page.settle()
    shown = colours(page)
    page.picture("points-height")
    for where, expected in (((0, 0), HEIGHT_0), ((1, 0), HEIGHT_6), ((2, 0), HEIGHT_15), ((2, 1), HEIGHT_30)):
        assert off(shown[where], expected) < 25, (where, shown)
    page.page.get_by_role("button", name="Ebenen").click()
    style = page.page.get_by_role("group", name="Farbe der Laserpunkte")
    expect(style.get_by_role("radio", name="Nach Höhe")).to_be_checked()
    expect(page.page.locator(".intensity-scale:visible h3")).to_have_text("Höhe über Gelände, Meter")
    expect(page.page.locator(".ramp-figures:visible")).to_have_text("0261530 m")
    page.picture("points-height-legend")
    assert page.violations() == []
    style.get_by_role("radio", name="Nach Intensität").check()
    expect(page.page.locator(".intensity-scale:visible h3")).to_have_text("Intensität, ohne Einheit")
    page.page.get_by_role("button", name="Schließen").click()
    is_sound(page, points_twin)


def test_intensity_and_colours_as_a_link_says(visit: OpenVisit, points_twin: Server) -> None:
    page = visit(points_twin.address, **OPTIONS)
    page.open(f"{from_above()}&laserpunkte=intensitaet")
    page.settle()
    shown = colours(page)
    weak, middle, strong = (sum(shown[column, 0]) / 3 for column in range(3))
    assert weak + 20 < middle < strong - 20, shown
    assert all(max(shown[column, 0]) - min(shown[column, 0]) < 25 for column in range(3)), shown
    assert off(shown[0, 1], shown[1, 1]) < 12, shown  # hidden classes stay hidden

    page.page.get_by_role("button", name="Ebenen").click()
    style = page.page.get_by_role("group", name="Farbe der Laserpunkte")
    expect(style.get_by_role("radio", name="Nach Intensität")).to_be_checked()
    expect(page.page.locator(".ramp-figures:visible")).to_contain_text("65.000")
    style.get_by_role("radio", name="Farben").check()
    expect(page.page.locator(".ramp-figures:visible")).to_have_count(0)
    page.page.get_by_role("button", name="Schließen").click()
    page.settle()
    assert "laserpunkte=farben" in page.page.url
    painted = colours(page)
    for column, patch in enumerate(PATCHES[0]):
        assert off(painted[column, 0], patch[1]) < 25, painted
    is_sound(page, points_twin)


def test_a_click_tells_what_the_point_is(visit: OpenVisit, points_twin: Server) -> None:
    page = visit(points_twin.address, **OPTIONS)
    page.open(from_above())
    page.settle()
    x, y = page.ask("at => zwilling.canvasPositionOf(...at)", list(place(1, 0)))
    page.page.mouse.click(x, y)
    expect(page.page.locator("#details")).to_contain_text("Hohe Vegetation")
    assert page.facts() == {"classification": "5", "height": "6,0 m", "intensity": "500", "return": "2 von 3"}
    page.picture("points-picked")
    longitude, latitude, height = (float(part) for part in page.ask("() => zwilling.selected").split(","))
    at = place(1, 0)
    assert abs(longitude - at[0]) < 1e-5
    assert abs(latitude - at[1]) < 1e-5
    assert abs(height - at[2]) < 0.5
    page.settle()
    assert off(colour_at(page, (longitude, latitude, height)), MARK) < 25
    page.page.locator("#details").get_by_role("button", name="Schließen").click()
    page.settle()
    assert off(colour_at(page, (longitude, latitude, height)), MARK) > 50
    is_sound(page, points_twin)
