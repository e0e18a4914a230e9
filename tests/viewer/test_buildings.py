"""Buildings of a real NRW file: loaded, clicked at a known place, read in German, opened by link and by keyboard."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from lxml import etree
from playwright.sync_api import expect
from pyproj import Transformer

from tests.viewer.conftest import OpenVisit
from tests.viewer.twin import Server

pytestmark = pytest.mark.browser

BUILDING = "DENW20AL00006apq"
BLDG = "{http://www.opengis.net/citygml/building/1.0}"
GML = "{http://www.opengis.net/gml}"
# Height of the quasigeoid there; a click needs metres, not millimetres.
UNDULATION = 45.7


def german(value: float, digits: int) -> str:
    """Return a number of metres as people in Germany write it."""
    return f"{value:.{digits}f}".replace(".", ",") + "\u00a0m"


@pytest.fixture(scope="module")
def element(real_source: Path) -> etree._Element:
    """The building in the source, by plain XPath."""
    found = etree.parse(real_source).xpath(f"//*[@*[local-name()='id']='{BUILDING}']")
    assert isinstance(found, list)
    (building,) = found
    assert isinstance(building, etree._Element)
    return building


def corners(element: etree._Element, surface: str) -> np.ndarray:
    """Return all corners of a building's surfaces of one class: float64, shape (n, 3)."""
    texts = [ring.text or "" for one in element.iter(f"{BLDG}{surface}") for ring in one.iter(f"{GML}posList")]
    return np.concatenate([np.array(text.split(), dtype=float).reshape(-1, 3) for text in texts])


def top(element: etree._Element) -> tuple[float, float, float]:
    """Return a place on the roof: longitude, latitude, ellipsoidal height."""
    roof = corners(element, "RoofSurface")
    east, north = roof[:, 0].mean(), roof[:, 1].mean()
    longitude, latitude = Transformer.from_crs(25832, 4326, always_xy=True).transform(east, north)
    return longitude, latitude, float(roof[:, 2].mean()) + UNDULATION


def test_a_click_on_a_known_building_shows_what_the_source_says(
    visit: OpenVisit, real_twin: Server, element: etree._Element
) -> None:
    longitude, latitude, height = top(element)
    page = visit(real_twin.address)
    # From above and a little beside it: no other building hides this one.
    page.open(f"kamera={longitude + 0.0003:.6f},{latitude - 0.0002:.6f},{height + 100:.1f},0,-85")
    page.settle()
    assert page.ask("() => zwilling.tilesFailed") == []

    x, y = page.ask("place => zwilling.canvasPositionOf(...place)", [longitude, latitude, height])
    assert page.ask("at => zwilling.pickAt(...at)", [x, y]) == BUILDING
    page.page.mouse.click(x, y)
    expect(page.page.get_by_role("heading", level=2)).to_have_text("Bad Harzburger Straße 57, 40595 Düsseldorf")
    page.settle()

    facts = page.facts()
    height = float(element.findtext(f"{BLDG}measuredHeight") or "nan")
    assert facts["id"] == BUILDING
    assert facts["measured_height"] == german(height, 1) == "12,4\u00a0m"
    assert facts["ground_elevation"] == german(float(corners(element, "GroundSurface")[:, 2].min()), 2)
    assert facts["roof_elevation"] == german(float(corners(element, "RoofSurface")[:, 2].max()), 2)
    assert facts["roof_type_label"] == "Satteldach"
    assert facts["address"] == "Bad Harzburger Straße 57, 40595 Düsseldorf"
    assert facts["storeys_above_ground"] == "2"
    assert "Laser" in facts["roof_height_source_label"]
    assert facts["creation_date"] == "31.12.2018"
    # What the page has no words for is named by the tileset's schema, which also tells where each value comes from.
    assert page.label("lod") == ("Detaillierungsgrad", "level of detail (LoD) that is drawn")
    assert page.label("measured_height") == ("Gebäudehöhe", "bldg:measuredHeight Unit: m.")

    hosts = {urlsplit(url).netloc for url in page.requests if not url.startswith(("blob:", "data:"))}
    assert hosts == {f"127.0.0.1:{real_twin.port}"}
    assert page.failed == []
    assert page.console == []
    assert page.ask("() => zwilling.errors") == []
    assert BUILDING in page.page.url
    page.picture("real-building")

    assert page.violations() == []
    page.page.get_by_role("button", name="Schließen").click()
    assert page.ask("() => zwilling.selected") is None
    assert BUILDING not in page.page.url


def test_a_link_opens_with_its_building_selected_and_free_of_the_sheet(visit: OpenVisit, real_twin: Server) -> None:
    page = visit(real_twin.address)
    page.open(f"gebaeude={BUILDING}")
    expect(page.page.locator("#details [data-property=id] bdi")).to_have_text(BUILDING)
    page.settle()
    assert page.ask("() => zwilling.selected") == BUILDING
    hit = page.ask(
        """() => {
            const sheet = document.querySelector('#details').getBoundingClientRect();
            const free = {left: 0, right: sheet.left, bottom: innerHeight};
            let seen = 0, covered = 0;
            for (let x = 8; x < innerWidth; x += 16) for (let y = 80; y < innerHeight - 90; y += 16)
                if (zwilling.pickAt(x, y) === zwilling.selected) x < free.right ? seen++ : covered++;
            return [seen, covered];
        }"""
    )
    assert hit[0] > 10
    assert hit[1] == 0
    assert page.console == []


def test_an_unknown_building_is_said_in_plain_words_and_the_scene_stays(visit: OpenVisit, real_twin: Server) -> None:
    page = visit(real_twin.address)
    hostile = "DENW<img src=x onerror=alert(1)>\u202eABC"
    page.page.on("dialog", lambda _dialog: pytest.fail("a script from the link ran"))
    page.page.goto(real_twin.address + "?gebaeude=DENW00AL00000000")
    notice = page.page.locator(".notice[data-kind=choice]")
    expect(notice).to_contain_text("Ein Gebäude mit der ID „DENW00AL00000000“ ist hier nicht bekannt")
    page.page.goto(real_twin.address + "?" + "gebaeude=" + hostile)
    expect(notice).to_contain_text("<img src=x")
    assert page.ask("() => document.querySelectorAll('.notice img').length") == 0
    assert page.ask("() => zwilling.selected") is None


def test_everything_can_be_done_by_keyboard(visit: OpenVisit, real_twin: Server, element: etree._Element) -> None:
    page = visit(real_twin.address)
    longitude, latitude, height = top(element)
    # Straight down on the roof: the building stands in the middle of the picture.
    page.open(f"kamera={longitude:.6f},{latitude:.6f},{height + 90:.1f},0,-90")
    page.settle()
    keys = page.page.keyboard
    keys.press("Tab")
    expect(page.page.get_by_role("button", name="Zur 3D-Ansicht springen")).to_be_focused()
    keys.press("Enter")
    expect(page.page.locator(".scene")).to_be_focused()
    keys.press("Enter")
    expect(page.page.locator("#details [data-property=id] bdi")).to_have_text(BUILDING)
    expect(page.page.locator("[aria-live=polite]").first).to_contain_text("Ausgewählt: Bad Harzburger Straße 57")

    page.settle()
    before = page.ask("() => zwilling.camera")
    keys.press("ArrowRight")
    keys.press("+")
    after = page.ask("() => zwilling.camera")
    assert after["longitude"] > before["longitude"]
    assert after["height"] < before["height"]
    keys.press("Shift+ArrowUp")
    assert page.ask("() => zwilling.camera.pitch") > after["pitch"]

    keys.press("Escape")
    assert page.ask("() => zwilling.selected") is None
    expect(page.page.locator("#details")).to_be_hidden()

    # Each control can be reached, and shows that it has been.
    page.page.get_by_role("button", name="Hilfe").focus()
    keys.press("Enter")
    expect(page.page.get_by_role("heading", name="Hilfe")).to_be_focused()
    assert page.violations() == []
    page.picture("help")
    keys.press("Escape")
    expect(page.page.get_by_role("button", name="Hilfe")).to_be_focused()


def test_close_to_the_ground_the_scene_goes_on(visit: OpenVisit, real_twin: Server, element: etree._Element) -> None:
    """Five metres above the ground beside a house: CesiumJS once refined the ground beyond its last level there."""
    longitude, latitude, _ = top(element)
    ground = float(corners(element, "GroundSurface")[:, 2].min()) + UNDULATION
    page = visit(real_twin.address)
    page.open(f"kamera={longitude:.6f},{latitude - 0.0003:.6f},{ground + 5:.1f},0,-20")
    page.settle()
    assert page.ask("() => zwilling.errors") == []
    assert page.console == []
