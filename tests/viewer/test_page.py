"""The page around the scene: the sample quarter, phone, dark theme, language, time, and a server that is away."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Route, expect

from tests.viewer.conftest import OpenVisit
from tests.viewer.twin import Server

pytestmark = pytest.mark.browser


def test_the_sample_quarter_loads_whole_and_says_that_it_is_synthetic(visit: OpenVisit, sample_twin: Server) -> None:
    page = visit(sample_twin.address, width=1200, height=750)
    page.open("qualitaet=hoch")
    page.settle()
    stats = page.ask("() => zwilling.stats()")
    assert stats["tilesLoaded"] == stats["tilesExpected"] > 0
    assert stats["quality"] == "high"
    assert page.ask("() => zwilling.tilesFailed") == []
    assert page.ask("() => zwilling.errors") == []
    assert page.failed == []
    assert page.console == []
    assert {urlsplit(url).netloc for url in page.requests if url.startswith("http")} == {
        f"127.0.0.1:{sample_twin.port}"
    }

    expect(page.page.get_by_role("heading", level=1)).to_have_text("Rhein-Kreis Neuss")
    expect(page.page.get_by_text("Beispieldaten – kein realer Ort")).to_be_visible()
    expect(page.page.locator(".credits")).to_contain_text("Bundesamt für Kartographie und Geodäsie")
    expect(page.page.locator(".loading")).to_be_hidden()
    page.picture("sample-quarter")

    assert page.violations() == []

    page.page.get_by_role("button", name="Ebenen").click()
    switch = page.page.get_by_role("switch", name="Beispielquartier")
    expect(switch).to_be_checked()
    expect(page.page.locator("#panel")).to_contain_text("EUPL-1.2")
    expect(page.page.locator("#panel")).to_contain_text("Geneigtes Dach")
    day = page.ask("() => fetch('api/twin').then(answer => answer.json()).then(twin => twin.layers[0].date)")
    year, month, of_month = day.split("-")
    expect(page.page.locator("#panel dl")).to_contain_text(f"Stand{of_month}.{month}.{year}")
    assert page.violations() == []
    middle = page.ask(
        """() => {
            for (let away = 0; away < 250; away += 10) for (const side of [1, -1]) {
                const at = [innerWidth / 2 + side * away, innerHeight / 2];
                if (zwilling.pickAt(...at)) return at;
            }
        }"""
    )
    assert middle is not None
    switch.click()
    page.settle()
    assert page.ask("at => zwilling.pickAt(...at)", middle) is None
    switch.click()
    page.settle()
    assert page.ask("at => zwilling.pickAt(...at)", middle) is not None


def test_language_time_and_dark_theme(visit: OpenVisit, real_twin: Server) -> None:
    page = visit(real_twin.address, color_scheme="dark")
    page.open()
    page.settle()
    expect(page.page.locator("output.clock")).to_have_text("16:00 Uhr")  # German time in a browser set to New York
    slider = page.page.get_by_role("slider", name="Uhrzeit")
    assert "° über dem Horizont" in (slider.get_attribute("aria-valuetext") or "")
    day = page.page.get_by_role("textbox", name="Datum")
    expect(day).to_have_value("21.06.2026")
    day.fill("31.02.2026")
    day.press("Enter")
    expect(day).to_have_value("21.06.2026")
    elevation = slider.get_attribute("aria-valuetext")
    day.fill("21.12.2026")
    day.press("Enter")
    expect(slider).not_to_have_attribute("aria-valuetext", elevation or "")
    slider.fill("120")
    expect(page.page.locator("output.clock")).to_have_text("02:00 Uhr")
    expect(slider).to_have_attribute("aria-valuetext", "02:00 Uhr, Die Sonne steht unter dem Horizont")
    assert page.violations() == []
    page.picture("dark-night")

    page.page.get_by_role("button", name="English").click()
    expect(page.page.get_by_role("button", name="Deutsch")).to_be_focused()
    expect(page.page.locator("html")).to_have_attribute("lang", "en")
    expect(page.page.get_by_role("button", name="Layers")).to_be_visible()
    assert "sprache=en" in page.page.url
    assert page.ask("() => document.body.innerText").find("Ebenen") == -1
    assert page.violations() == []


def test_a_phone_gets_a_sheet_from_below(visit: OpenVisit, real_twin: Server) -> None:
    page = visit(real_twin.address, width=390, height=844, has_touch=True, is_mobile=True)
    page.open("gebaeude=DENW20AL00006apq")
    expect(page.page.locator("#details [data-property=id] bdi")).to_have_text("DENW20AL00006apq")
    page.settle()
    box = page.page.locator("#details").bounding_box()
    assert box is not None
    assert box["x"] == 0
    assert box["width"] == 390
    assert box["y"] > 844 * 0.4
    assert abs(box["y"] + box["height"] - 844) < 1
    # Above the sheet the building can be seen, and nothing reaches over the page's edge.
    assert page.ask(
        """top => { for (let x = 0; x < innerWidth; x += 10) for (let y = 60; y < top; y += 10)
            if (zwilling.pickAt(x, y) === zwilling.selected) return true; return false; }""",
        box["y"],
    )
    assert page.ask("() => document.documentElement.scrollWidth") == 390
    assert page.violations() == []
    page.picture("phone")


def test_400_percent_on_a_desk_loses_no_control(visit: OpenVisit, real_twin: Server) -> None:
    page = visit(real_twin.address, width=320, height=256)
    page.open()
    page.settle()
    assert page.ask("() => document.documentElement.scrollWidth") == 320
    outside = page.ask(
        """() => [...document.querySelectorAll('button, input')]
            .filter(e => e.checkVisibility() && !e.classList.contains('skip'))
            .filter(e => {
                const box = e.getBoundingClientRect();
                return box.left < 0 || box.right > innerWidth || box.top < 0 || box.bottom > innerHeight;
            })
            .map(e => e.outerHTML)"""
    )
    assert outside == []


def test_a_server_that_is_away_is_said_and_waited_for(visit: OpenVisit, real_settings: Path) -> None:
    server = Server(real_settings)
    server.start()
    try:
        page = visit(server.address)
        # The page itself is there; the description of the twin is not.
        page.page.route("**/api/twin", lambda route: route.abort())
        page.open()
        alert = page.page.get_by_role("alert")
        expect(alert).to_contain_text("Der Server antwortet nicht")
        expect(alert).to_contain_text("Sekunden erneut")
        assert page.violations() == []
        page.picture("server-away")

        page.page.unroute("**/api/twin")
        server.stop()
        page.page.get_by_role("button", name="Jetzt erneut versuchen").click()
        expect(alert).to_contain_text("Der Server antwortet nicht")
        server.start()  # nobody clicks: the page tries by itself
        expect(alert).to_be_hidden()
        page.settle()
        assert page.ask("() => zwilling.stats().tilesLoaded") > 0
    finally:
        server.stop()


def test_tiles_that_fail_are_said(visit: OpenVisit, real_twin: Server) -> None:
    page = visit(real_twin.address)
    page.page.route("**/*.glb", lambda route: route.fulfill(status=503, body=""))
    page.open()
    notice = page.page.locator(".notice[data-kind=tiles]")
    expect(notice).to_contain_text("konnte nicht geladen werden")
    assert len(page.ask("() => zwilling.tilesFailed")) > 0


def test_no_webgl_and_no_data_have_a_page_of_their_own(visit: OpenVisit, real_twin: Server) -> None:
    page = visit(real_twin.address)
    page.page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    page.open()
    expect(page.page.get_by_role("alert")).to_contain_text("Ihr Browser kann keine 3D-Ansicht zeigen")
    assert page.violations() == []

    empty = visit(real_twin.address)
    empty.page.route(
        "**/api/twin",
        lambda route: route.fulfill(
            json={"title": "Leerer Kreis", "is_synthetic": False, "attribution": [], "layers": []}
        ),
    )
    empty.open()
    expect(empty.page.get_by_role("alert")).to_contain_text("Hier liegen noch keine Daten")
    assert empty.violations() == []


def test_all_of_the_data_is_in_the_first_view(visit: OpenVisit, sample_twin: Server) -> None:
    for width, height in ((900, 500), (390, 700)):
        page = visit(sample_twin.address, width=width, height=height)
        page.open()
        page.settle()
        corners, sides, top, bottom = page.ask(
            """async () => {
                const [{extent}] = (await (await fetch('api/twin')).json()).layers;
                const [x, y] = [(extent.west + extent.east) / 2, (extent.south + extent.north) / 2];
                const corners = [extent.west, extent.east].flatMap(x => [extent.south, extent.north].map(y => [x, y]));
                const sides = [[x, extent.south], [x, extent.north], [extent.west, y], [extent.east, y]];
                const box = selector => document.querySelector(selector).getBoundingClientRect();
                const shown = ([x, y]) => zwilling.canvasPositionOf(x, y, extent.low);
                const free = [box('.top-bar').bottom, box('.camera-buttons').top];
                return [corners.map(shown), sides.map(shown), ...free];
            }"""
        )
        assert all(0 < x < width and 0 < y < height for x, y in corners), corners
        assert all(0 < x < width and top < y < bottom for x, y in sides), sides
        # And it fills the view: from side to side, or from the bar to the controls.
        across = max(x for x, _ in corners) - min(x for x, _ in corners)
        along = max(y for _, y in sides) - min(y for _, y in sides)
        assert across > 0.75 * width or along > 0.6 * (bottom - top)


def test_layers_of_a_kind_that_this_viewer_does_not_know_are_left_out(visit: OpenVisit, real_twin: Server) -> None:
    page = visit(real_twin.address)

    def with_another(route: Route) -> None:
        twin = route.fetch().json()
        twin["layers"].insert(0, {**twin["layers"][0], "id": "holo", "kind": "hologram", "title": "Hologramm"})
        route.fulfill(json=twin)

    page.page.route("**/api/twin", with_another)
    page.open()
    page.settle()
    assert page.ask("() => zwilling.errors") == []
    assert page.ask("() => zwilling.stats().tilesLoaded") > 0
    page.page.get_by_role("button", name="Ebenen").click()
    expect(page.page.locator("#panel .layer")).to_have_count(1)
    expect(page.page.locator("#panel")).not_to_contain_text("Hologramm")


def test_a_layer_that_does_not_come_leaves_the_others_standing(visit: OpenVisit, real_twin: Server) -> None:
    page = visit(real_twin.address)

    def with_a_broken_one(route: Route) -> None:
        twin = route.fetch().json()
        absent = "/tiles/gebaeude/0000000000000000/tileset.json"
        twin["layers"].append({**twin["layers"][0], "id": "weg", "title": "Plan <b>Nord</b>", "tileset": absent})
        route.fulfill(json=twin)

    page.page.route("**/api/twin", with_a_broken_one)
    page.open()
    page.settle()
    expect(page.page.locator(".notice[data-kind=layer-weg]")).to_contain_text(
        "Die Ebene „Plan <b>Nord</b>“ konnte nicht geladen werden."
    )
    assert page.ask("() => zwilling.stats().tilesLoaded") > 0
    assert page.violations() == []


def test_a_lost_graphics_card_is_said(visit: OpenVisit, real_twin: Server) -> None:
    page = visit(real_twin.address)
    page.open()
    page.settle()
    page.ask(
        """() => document.querySelector('.scene canvas').getContext('webgl2')
            .getExtension('WEBGL_lose_context').loseContext()"""
    )
    alert = page.page.get_by_role("alert")
    expect(alert).to_contain_text("Die 3D-Ansicht wurde unterbrochen")
    expect(alert.get_by_role("button", name="Seite neu laden")).to_be_visible()
    assert page.violations() == []
