"""A page of the viewer as tests see it: what it asked the network, what it said on the console, when it is at rest."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, expect

PROJECT = Path(__file__).resolve().parents[2]
PICTURES = PROJECT / "artefacts" / "viewer"
PATIENCE_SECONDS = 240.0
"""Software rendering on two shared cores: nothing here measures speed, and no correct page comes near this."""

expect.set_options(timeout=PATIENCE_SECONDS * 1000)

FLAGS = [
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    "--disable-dev-shm-usage",
]
# Chromium warns that a processor draws; that says nothing about the page.
_HARMLESS = ("GPU stall due to ReadPixels", "GL Driver Message", "software WebGL", "SwiftShader")
_TIME = "zeit=2026-06-21T16:00"


@dataclass
class Visit:
    """One opened page and everything it did since."""

    page: Page
    address: str
    requests: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Start to take notes; before the first navigation."""
        self.page.on("request", self._requested)
        self.page.on("response", self._answered)
        self.page.on("requestfailed", lambda request: self.failed.append(f"{request.url}: {request.failure}"))
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.console.append(f"pageerror: {error}"))

    def open(self, query: str = "") -> None:
        """Load the page with a fixed sun; `query` without a question mark."""
        self.page.goto(f"{self.address}?{'&'.join(filter(None, (_TIME, query)))}")

    def ask(self, expression: str, argument: object = None) -> Any:
        """Return what a JavaScript function or expression gives on the page."""
        return self.page.evaluate(expression, argument)

    def wait_for(self, expression: str, argument: object = None) -> None:
        """Return as soon as an expression holds; fail with the page's state where it never does."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            if self.ask(expression, argument):
                return
            self.page.wait_for_timeout(100)  # asking asks for frames: not more often than they can be drawn
        raise AssertionError(f"never true: {expression}\n{self.state()}")

    def settle(self) -> None:
        """Return when everything the view needs has been drawn."""
        self.wait_for("() => window.zwilling?.idle() ?? false")

    def state(self) -> str:
        """Return what the page knows about itself, for messages."""
        stats = self.ask(
            "() => window.zwilling ? JSON.stringify({stats: zwilling.stats(), errors: zwilling.errors,"
            " failed: zwilling.tilesFailed, selected: zwilling.selected}) : 'no page'"
        )
        return f"{stats}\nconsole: {self.console}\nfailed: {self.failed}"

    def facts(self) -> dict[str, str]:
        """Return the rows of the open details sheet, by property id."""
        rows = self.ask(
            "() => [...document.querySelectorAll('#details [data-property]')]"
            ".map(row => [row.dataset.property, row.querySelector('bdi').textContent])"
        )
        return dict(rows)

    def label(self, property_id: str) -> tuple[str, str]:
        """Return the name of a row of the open details sheet, and what its tooltip says of the value's origin."""
        name, origin = self.ask(
            """id => { const term = document.querySelector(`#details [data-property=${id}] dt`);
                return [term.textContent, term.title]; }""",
            property_id,
        )
        return name, origin

    def picture(self, name: str) -> Path:
        """Save what the page shows, for people to look at."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        path = PICTURES / f"{name}.png"
        self.page.screenshot(path=path)
        return path

    def violations(self) -> list[str]:
        """Return what axe-core finds against WCAG 2.2 A and AA, one line for each rule and place."""
        source = (PROJECT / "viewer" / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
        if not self.ask("() => 'axe' in window"):
            self.ask(f"() => {{ {source} }}")
        found = self.ask(
            """rules => axe.run(document, {runOnly: rules}).then(result =>
                JSON.stringify(result.violations.map(v => [v.id, v.nodes.map(n => n.target.join(' '))])))""",
            ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
        )
        return [f"{rule}: {place}" for rule, places in json.loads(found) for place in places]

    def _requested(self, request: Request) -> None:
        self.requests.append(request.url)

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.failed.append(f"{response.url}: {response.status}")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(text in message.text for text in _HARMLESS):
            self.console.append(f"{message.type}: {message.text}")


def open_visit(browser: Browser, address: str, *, width: int = 900, height: int = 600, **context: Any) -> Visit:
    """Return a watched page in a context of its own, with nothing loaded yet."""
    own = browser.new_context(
        viewport={"width": width, "height": height},
        locale="de-DE",
        timezone_id="America/New_York",  # the page shows German time wherever its visitor is
        reduced_motion="reduce",
        **context,
    )
    own.set_default_timeout(PATIENCE_SECONDS * 1000)
    visit = Visit(own.new_page(), address)
    visit.watch()
    return visit
