"""Renders the pictures of the documentation anew, from the demo in a headless browser."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
LARGEST_BYTES = 1_000_000
PATIENCE_MS = 400_000
"""Software rendering on two busy cores: most of it is start-up."""

# A processor draws as well as a graphics card, only slower; the rest keeps Chromium from calling its maker.
CHROMIUM = [
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    "--lang=de-DE",  # the browser's own date field follows it
]
GERMAN: dict[str, str | float | bool] = {**os.environ, "LANGUAGE": "de", "LANG": "de_DE.UTF-8"}
# Summer, mid-afternoon: long enough shadows to read the roofs by, whenever the picture is taken.
VIEW = "?zeit=2026-06-21T16:00"


@contextmanager
def demo(folder: Path) -> Iterator[str]:
    """Run the demo in `folder`; yield its address."""
    command = [sys.executable, "-m", "zwilling", "demo", "--dir", str(folder), "--port", "0", "--no-browser"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    if process.stdout is None:
        raise AssertionError("a pipe was asked for")
    try:
        for line in process.stdout:
            if found := re.search(r"http://[\d.]+:\d+/", line):
                yield found[0]
                break
        else:
            raise RuntimeError(f"the demo ended with {process.wait()} before it named its address")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
        process.stdout.close()


def take(page: Page, address: str, into: Path) -> None:
    """Save a picture of the demo with one building selected, once everything in view has been drawn."""
    page.goto(address + VIEW, wait_until="load")
    # Seldom asked: every question asks for a frame, and a processor draws slowly.
    page.wait_for_function("() => window.zwilling?.idle()", timeout=PATIENCE_MS, polling=500)
    size = page.viewport_size
    if size is None:
        raise AssertionError("the page has a viewport")
    # The building nearest to the middle that can be seen, looking outwards in a spiral of eight directions.
    chosen = page.evaluate(
        """([width, height]) => {
            for (let away = 0; away < Math.min(width, height) / 3; away += 12)
                for (let turn = 0; turn < 8; turn++) {
                    const x = width / 2 + away * Math.cos(turn * Math.PI / 4);
                    const y = height / 2 + away * Math.sin(turn * Math.PI / 4);
                    const found = window.zwilling.pickAt(x, y);
                    if (found) return found;
                }
            return null;
        }""",
        [size["width"], size["height"]],
    )
    if chosen is None:
        raise RuntimeError("no building is in view")
    page.evaluate("id => window.zwilling.select(id)", chosen)
    page.wait_for_function(
        "() => window.zwilling.selected !== null && window.zwilling.idle()", timeout=PATIENCE_MS, polling=500
    )
    faults = page.evaluate("() => [...window.zwilling.errors, ...window.zwilling.tilesFailed]")
    if faults:
        raise RuntimeError(f"the page reports {faults}")
    into.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=into)
    if into.stat().st_size > LARGEST_BYTES:
        raise RuntimeError(f"{into} has {into.stat().st_size} bytes; at most {LARGEST_BYTES} may be committed")


def main() -> None:
    """Render every picture."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        sys.exit("no Chromium on PATH; `make screenshot` installs it")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright, demo(Path(folder)) as address:
        chromium = playwright.chromium.launch(
            executable_path=browser, chromium_sandbox=False, args=CHROMIUM, env=GERMAN
        )
        page = chromium.new_page(viewport={"width": 1440, "height": 810}, locale="de-DE", reduced_motion="reduce")
        take(page, address, IMAGES / "first-light.png")
        chromium.close()


if __name__ == "__main__":
    main()
