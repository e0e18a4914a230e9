"""Sensors in the viewer: from an uplink to its marker, by keyboard and in words, with the line broken and mended."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Response, WebSocket, expect

from tests.viewer.browser import Visit
from tests.viewer.conftest import OpenVisit
from tests.viewer.live import LiveTwin, dev_eui

pytestmark = pytest.mark.browser

MARKER = """number => [...document.querySelectorAll('.marker')].find(
    marker => marker.dataset.sensors.split(' ').includes(String(number)))"""


def state_is(state: str) -> str:
    """Return the condition that the marker of a sensor is in a state."""
    return f"number => ({MARKER})(number)?.dataset.state === '{state}'"


def open_live(visit: OpenVisit, twin: LiveTwin, query: str, **options: object) -> Visit:
    """Return a page that hears of sensors and has drawn its view."""
    page = visit(twin.server.address, **{"width": 800, "height": 560, **options})
    page.open(f"qualitaet=sparsam&{query}")
    page.settle()
    page.wait_for("() => zwilling.line === 'live'")
    return page


def test_an_uplink_changes_its_marker_its_sheet_and_its_row(visit: OpenVisit, live_twin: LiveTwin) -> None:
    live_twin.uplink(1, co2=640, temperature=21.5, humidity=41)
    page = open_live(visit, live_twin, "sensor=1")
    page.wait_for(state_is("good"), 1)
    sheet = page.page.locator("#details")
    expect(sheet.get_by_role("heading", level=2)).to_have_text("Raum 204")
    expect(sheet.locator(".panel-subtitle")).to_have_text("Gymnasium am Markt, Neuss")
    expect(sheet.locator(".big strong")).to_have_text("640\u00a0ppm")
    expect(sheet.locator(".reading .word")).to_have_text("gut")
    expect(sheet.locator("[data-property=temperature] dd")).to_have_text("21,5\u00a0°C")
    page.page.get_by_role("button", name="Sensoren").click()
    page.page.locator(".site summary", has_text="Gymnasium").click()
    row = page.page.locator(".sensor-row[data-sensor='1']")
    expect(row).to_have_text("Raum 204gut640\u00a0ppm")
    frames = page.ask("() => zwilling.stats().frames")
    live_twin.uplink(1, co2=2310, temperature=21.7)
    page.wait_for(state_is("high"), 1)
    expect(sheet.locator(".big strong")).to_have_text("2.310\u00a0ppm")
    expect(sheet.locator(".reading .word")).to_have_text("dringend lüften")
    expect(sheet.locator(".age")).to_contain_text("gerade eben")
    expect(row).to_have_text("Raum 204dringend lüften2.310\u00a0ppm")
    assert page.ask(f"() => ({MARKER})(1).querySelector('text').textContent") == "2.310"
    # Markers stand over the scene, so a change of one asks for no picture of it.
    assert page.ask("() => zwilling.stats().frames") == frames
    assert page.ask("() => zwilling.errors") == []
    assert page.console == []
    assert page.failed == []
    assert "sensor=1" in page.page.url
    assert page.violations() == []
    page.picture("sensor")


def test_hidden_and_unknown_sensors_are_in_nothing_that_the_browser_gets(visit: OpenVisit, live_twin: LiveTwin) -> None:
    page = visit(live_twin.server.address, width=640, height=480)
    got: list[str] = []

    def keep(response: Response) -> None:
        if "/api/" in response.url or "/live" in response.url:
            got.append(response.text())

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda data: got.append(data if isinstance(data, str) else data.decode()))

    page.page.on("response", keep)
    page.page.on("websocket", listen)
    page.open("qualitaet=sparsam")
    page.wait_for("() => zwilling.line === 'live'")
    for number in (4, 77):
        live_twin.uplink(number, co2=2400, geheim=1)
    live_twin.uplink(2, co2=1799)
    page.wait_for("() => document.querySelector('.marker') !== null")
    page.page.get_by_role("button", name="Sensoren").click()
    expect(page.page.locator(".sensor-row[data-sensor='2']")).to_contain_text("1.799")
    told = "".join(got)
    assert '"value":1799' in told
    for secret in ("GEHEIM", "geheim", dev_eui(4), dev_eui(77), "sensor-77", '"id":"4"', "2400"):
        assert secret not in told, secret
    assert "GEHEIM" not in page.page.content()
    assert [url for url in page.requests if "token" in url or "secret" in url] == []


def test_a_broken_line_is_told_and_mended(visit: OpenVisit, live_twin: LiveTwin) -> None:
    live_twin.uplink(1, co2=650)
    page = open_live(visit, live_twin, "sensor=1", width=640, height=480)
    page.wait_for(state_is("good"), 1)
    live_twin.server.stop()
    page.wait_for("() => zwilling.line === 'waiting'")
    notice = page.page.locator("[data-kind=live]")
    expect(notice).to_contain_text("Verbindung unterbrochen. Letzter Stand:")
    page.wait_for(state_is("good"), 1)  # what was known is shown still
    live_twin.server.start()
    page.wait_for("() => zwilling.line === 'live'")
    expect(notice).to_have_count(0)
    live_twin.uplink(1, co2=1650)
    page.wait_for(state_is("raised"), 1)
    assert page.ask("() => zwilling.errors") == []


def test_where_websockets_are_barred_events_take_their_place(visit: OpenVisit, live_twin: LiveTwin) -> None:
    page = visit(live_twin.server.address, width=640, height=480)
    page.page.add_init_script(
        "window.WebSocket = class { constructor() { setTimeout(() => this.onclose?.()); } close() {} }"
    )
    live_twin.uplink(3, co2=900)
    page.open("qualitaet=sparsam&sensor=3")
    page.wait_for("() => zwilling.line === 'live'")
    assert any("/live/events" in url for url in page.requests)
    page.wait_for(state_is("good"), 3)
    live_twin.uplink(3, co2=1111)
    page.wait_for(state_is("raised"), 3)
    assert page.console == []


def test_everything_is_there_by_keyboard_and_in_words(visit: OpenVisit, live_twin: LiveTwin) -> None:
    for co2 in (420, 540, 1240):
        live_twin.uplink(3, co2=co2)
    page = open_live(visit, live_twin, "", width=360, height=720, color_scheme="dark", has_touch=True)
    keys = page.page.keyboard
    suggestion = page.page.get_by_role("button", name="Luft in den Schulen")
    expect(suggestion).to_be_visible()
    suggestion.focus()
    keys.press("Enter")
    expect(page.page.locator("#panel-title")).to_have_text("Sensoren")
    expect(page.page.locator(".line-state")).to_have_text("Live: Messwerte erscheinen sofort.")
    site = page.page.locator(".site summary", has_text="Grundschule Erftaue")
    expect(site).to_contain_text("1 Sensor: lüften")
    site.focus()
    keys.press("Enter")
    keys.press("Tab")
    assert page.violations() == []
    page.picture("sensors-phone-dark")
    keys.press("Enter")
    expect(page.page.locator("#details-title")).to_have_text("Aula")
    assert "sensor=3" in page.page.url
    plot = page.page.locator(".plot")
    assert described(page.page).startswith("CO2 der letzten 24 Stunden. Niedrigster Wert 420\u00a0ppm")
    plot.focus()
    keys.press("ArrowLeft")
    expect(page.page.locator(".tip")).to_contain_text("540\u00a0ppm, gut")
    keys.press("End")
    expect(page.page.locator(".chart [aria-live]")).to_contain_text("1.240\u00a0ppm, lüften")
    page.page.get_by_label("Tabelle").check()
    cells = page.page.locator(".history tbody tr").first
    expect(cells).to_contain_text("1.240lüften")
    assert page.violations() == []
    assert page.ask("() => document.documentElement.scrollWidth <= 360")
    for panel in ("#panel", "#details"):
        assert page.ask(
            "panel => { const it = document.querySelector(panel); return it.scrollWidth <= it.clientWidth; }", panel
        )
    page.page.get_by_role("button", name="English").click()
    expect(page.page.locator("#panel-title")).to_have_text("Sensors")
    expect(page.page.locator(".line-state")).to_have_text("Live: readings appear at once.")
    expect(page.page.locator(".reading .word")).to_have_text("ventilate")


def test_a_link_to_a_sensor_that_is_not_there_says_so(visit: OpenVisit, live_twin: LiveTwin) -> None:
    page = open_live(visit, live_twin, "sensor=4", width=640, height=480)
    expect(page.page.locator("[data-kind=choice]")).to_contain_text("Der Sensor 4 ist hier nicht bekannt.")
    assert not page.page.locator("#details").is_visible()


def described(page: Page) -> str:
    """Return what is said of the chart."""
    return page.locator(".plot").get_attribute("aria-label") or ""
