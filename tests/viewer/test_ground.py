"""Ground below buildings, in both forms: pictures where they belong, nothing missing, nothing asked for in vain."""

from __future__ import annotations

import io
from urllib.parse import urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Route, expect

from tests.viewer.browser import Visit
from tests.viewer.conftest import OpenVisit
from tests.viewer.ground import NORTH, UNDULATION, WEST, place
from tests.viewer.twin import Server

pytestmark = pytest.mark.browser

# Metres from the north-west corner, between the houses and well inside a patch of one colour.
IN_RED, IN_BLUE, IN_GREEN, IN_HOLE = (12.0, 20.0), (12.0, 300.0), (250.0, 12.0), (380.0, 300.0)
IN_TRENCH = (320.0, 12.0)
BEYOND = (430.0, 200.0)
OPTIONS = {"width": 480, "height": 480}


def from_above(metres_above: float = 560.0) -> str:
    """Return a link's part that looks straight down on the whole ground."""
    longitude, latitude, height = place(200.0, 200.0)
    return f"kamera={longitude:.6f},{latitude:.6f},{height + metres_above:.1f},0,-90"


def color(page: Visit, *where: tuple[float, float]) -> list[tuple[int, int, int]]:
    """Return what the page shows at places on the ground: the mean of a few pixels, red, green and blue."""
    picture = Image.open(io.BytesIO(page.page.screenshot())).convert("RGB")
    found = []
    for one in where:
        x, y = page.ask("at => zwilling.canvasPositionOf(...at)", list(place(*one)))
        patch = picture.crop((round(x) - 2, round(y) - 2, round(x) + 3, round(y) + 3))
        red, green, blue = (round(sum(band.tobytes()) / 25) for band in patch.split())
        found.append((red, green, blue))
    return found


def chroma(rgb: tuple[int, int, int]) -> int:
    """Return how far from grey a colour is."""
    return max(rgb) - min(rgb)


def is_sound(page: Visit, server: Server) -> None:
    """Fail where anything went wrong or somebody else was asked."""
    assert page.ask("() => zwilling.tilesFailed") == []
    assert page.ask("() => zwilling.errors") == []
    assert page.failed == []
    assert page.console == []
    hosts = {urlsplit(url).netloc for url in page.requests if not url.startswith(("blob:", "data:"))}
    assert hosts == {f"127.0.0.1:{server.port}"}


def test_mesh_and_globe_show_the_same_ground(visit: OpenVisit, ground_twin: Server) -> None:
    page = visit(ground_twin.address, **OPTIONS)
    page.open(from_above())
    page.settle()
    stats = page.ask("() => zwilling.stats()")
    assert stats["tilesLoaded"] == stats["tilesExpected"] > 4
    is_sound(page, ground_twin)
    assert not any("/imagery/" in url and url.endswith(".webp") for url in page.requests)
    red, blue, green, trench, hole, beyond = color(page, IN_RED, IN_BLUE, IN_GREEN, IN_TRENCH, IN_HOLE, BEYOND)
    assert 100 > red[0] - red[2] > 60  # 120 in the photo
    assert blue[2] > blue[0] + 60
    assert green[1] > green[0] + 20
    # Neither coarse ground from buildings nor the globe's terrain comes through what lies deeper.
    assert chroma(trench) > 0.8 * chroma(green)
    assert chroma(hole) < 20
    assert chroma(beyond) < 20
    page.picture("ground-mesh")

    page.page.get_by_role("button", name="Ebenen").click()
    form = page.page.get_by_role("group", name="Darstellung des Geländes")
    picture = page.page.get_by_role("group", name="Luftbild")
    expect(form.get_by_role("radio", name="Netz (3D Tiles)")).to_be_checked()
    expect(picture.get_by_role("radio", name="Zurückgenommen")).to_be_checked()
    expect(page.page.locator(".credits")).to_contain_text("Bodenamt")
    assert page.violations() == []

    form.get_by_role("radio", name="Globus").check()
    page.page.get_by_role("button", name="Schließen").click()
    page.settle()
    assert "gelaende=globus" in page.page.url
    assert any(url.endswith(".terrain") for url in page.requests)
    assert any("/imagery/" in url and url.endswith(".webp") for url in page.requests)
    is_sound(page, ground_twin)
    *globe, hole = color(page, IN_RED, IN_BLUE, IN_GREEN, IN_TRENCH, BEYOND, IN_HOLE)
    for one, other in zip((red, blue, green, trench, beyond), globe, strict=True):
        assert max(abs(a - b) for a, b in zip(one, other, strict=True)) < 12, (one, other)
    assert chroma(hole) < 20
    page.picture("ground-globe")


@pytest.mark.parametrize("form", ["netz", "globus"])
def test_the_picture_is_full_or_away_as_a_link_says(visit: OpenVisit, ground_twin: Server, form: str) -> None:
    full = visit(ground_twin.address, **OPTIONS)
    full.open(f"{from_above()}&gelaende={form}&luftbild=voll")
    full.settle()
    [red] = color(full, IN_RED)
    assert chroma(red) > 100  # of 120 in the photo, of which a third is gone where it is laid back
    full.page.get_by_role("button", name="Ebenen").click()
    full.page.get_by_role("radio", name="Aus (nur Relief)").check()
    full.page.get_by_role("button", name="Schließen").click()
    full.settle()
    assert "luftbild=aus" in full.page.url
    bare, trench = color(full, IN_RED, IN_TRENCH)
    assert chroma(bare) < 30
    assert chroma(trench) < 30
    is_sound(full, ground_twin)


def test_ground_without_a_globe_is_never_pierced_by_the_coarse_one(visit: OpenVisit, ground_twin: Server) -> None:
    page = visit(ground_twin.address, **OPTIONS)

    def without_globe(route: Route) -> None:
        twin = route.fetch().json()
        for layer in twin["layers"]:
            layer["terrain"] = layer["imagery"] = None
        route.fulfill(json=twin)

    page.page.route("**/api/twin", without_globe)
    page.open(from_above())
    page.settle()
    green, trench = color(page, IN_GREEN, IN_TRENCH)
    assert chroma(trench) > 0.8 * chroma(green) > 10
    is_sound(page, ground_twin)
    # Where the ground is switched off, the coarse one is there again, and the trench is not.
    page.page.get_by_role("button", name="Ebenen").click()
    expect(page.page.get_by_role("group", name="Darstellung des Geländes")).to_have_count(0)
    page.page.get_by_role("switch", name="Boden").click()
    page.page.get_by_role("button", name="Schließen").click()
    page.settle()
    assert chroma(color(page, IN_TRENCH)[0]) < 30
    is_sound(page, ground_twin)


@pytest.mark.parametrize("form", ["netz", "globus"])
def test_a_click_on_the_ground_tells_its_height_above_nhn(visit: OpenVisit, ground_twin: Server, form: str) -> None:
    page = visit(ground_twin.address, **OPTIONS)
    page.open(f"{from_above()}&gelaende={form}")
    page.settle()
    longitude, latitude, height = place(*IN_TRENCH)
    x, y = page.ask("at => zwilling.canvasPositionOf(...at)", [longitude, latitude, height])
    page.page.mouse.click(x, y)
    page.wait_for("() => document.querySelector('#details [data-property=height]') !== null")
    facts = page.facts()
    assert page.label("height")[0] == "Höhe über NHN (DHHN2016)"
    # The trench, which coarser ground does not know; a pixel is more than a metre wide.
    assert metres(facts["height"]) == pytest.approx(height - UNDULATION, abs=0.3)
    assert metres(facts["easting"]) == pytest.approx(WEST + IN_TRENCH[0], abs=2.0)
    assert metres(facts["northing"]) == pytest.approx(NORTH - IN_TRENCH[1], abs=2.0)
    assert "ort=" in page.page.url
    assert page.violations() == []
    is_sound(page, ground_twin)
    page.picture(f"ground-place-{form}")


def test_a_link_to_a_place_shows_it(visit: OpenVisit, ground_twin: Server) -> None:
    longitude, latitude, height = place(*IN_TRENCH)
    page = visit(ground_twin.address, **OPTIONS)
    page.open(f"{from_above()}&ort={longitude:.6f},{latitude:.6f},{height:.2f}")
    page.wait_for("() => document.querySelector('#details [data-property=height]') !== null")
    assert metres(page.facts()["height"]) == pytest.approx(height - UNDULATION, abs=0.2)  # which is rounded
    page.page.get_by_role("button", name="Schließen").click()
    assert "ort=" not in page.page.url


def metres(text: str) -> float:
    """Return a German figure in metres."""
    return float(text.removesuffix("\u00a0m").replace(".", "").replace(",", "."))
