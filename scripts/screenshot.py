"""Renders the pictures of the documentation anew, from the demo in a headless browser."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
]
# Summer, mid-afternoon: long enough shadows to read the roofs by, drawn as a graphics card would draw them.
VIEW = "?zeit=2026-06-21T16:00&qualitaet=hoch"
CLOSER = 0.42
"""How near the camera goes to the chosen building, as a part of its first distance."""


@contextmanager
def served(*arguments: str) -> Iterator[str]:
    """Run the program with `arguments`, which start a server; yield its address, and end it afterwards."""
    command = [sys.executable, "-m", "zwilling", *arguments, "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if process.stdout is None:
        raise AssertionError("a pipe was asked for")
    try:
        for line in process.stdout:
            if found := re.search(r"http://[\d.]+:\d+/", line):
                yield found[0]
                break
        else:
            raise RuntimeError(f"the server ended with {process.wait()} before it named its address")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
        process.stdout.close()


@contextmanager
def browser() -> Iterator[Callable[[], Page]]:
    """Start Chromium; yield a function that opens a page of the pictures' size."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        sys.exit("no Chromium on PATH; `make screenshot` installs it")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, chromium_sandbox=False, args=CHROMIUM)
        yield lambda: chromium.new_page(
            viewport={"width": 1440, "height": 810}, locale="de-DE", reduced_motion="reduce"
        )
        chromium.close()


def take(page: Page, address: str, into: Path) -> None:
    """Save a picture of the demo with one building selected, once everything in view has been drawn."""
    open_view(page, address + VIEW)
    chosen = building_in_view(page)
    open_view(page, f"{address}{VIEW}&gebaeude={chosen}&kamera={nearer(page, address, chosen, CLOSER)}")
    if page.evaluate("() => window.zwilling.selected") != chosen:
        raise RuntimeError(f"the link did not select {chosen}")
    save(page, into)


def take_sensors(page: Page, address: str, into: Path) -> None:
    """Save a picture of the demo's sensors, with the day of a room that needs air."""
    open_view(page, f"{address}{VIEW}&sensor={stuffy_room(address)}")
    page.get_by_role("button", name="Sensoren").click()
    page.locator("#details svg").first.wait_for(timeout=PATIENCE_MS)
    page.wait_for_function("() => window.zwilling.idle()", timeout=PATIENCE_MS, polling=500)
    refuse_faults(page)
    save(page, into)


def save(page: Page, into: Path) -> None:
    """Save what the page shows."""
    into.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=into, timeout=PATIENCE_MS)
    if into.stat().st_size > LARGEST_BYTES:
        raise RuntimeError(f"{into} has {into.stat().st_size} bytes; at most {LARGEST_BYTES} may be committed")


def stuffy_room(address: str) -> str:
    """Return the id of a sensor whose room needs air, as soon as one has its last day."""
    end = time.monotonic() + PATIENCE_MS / 1000
    while time.monotonic() < end:
        for thing in fetch(address + "api/sensors")["things"]:
            value = thing["latest"].get("co2", {})
            if value.get("level") == 1 and thing["state"] == "fresh":
                day = fetch(f"{address}api/sensors/{thing['id']}/series?property=co2")
                if len(day["times"]) > 60:
                    return str(thing["id"])
        time.sleep(2)
    raise RuntimeError("no sensor of the demo has a day to show")


def building_in_view(page: Page) -> str:
    """Return the id of the building nearest to the middle that can be seen, looking outwards in eight directions."""
    size = page.viewport_size
    if size is None:
        raise AssertionError("the page has a viewport")
    chosen: str | None = page.evaluate(
        """([width, height]) => {
            for (let away = 0; away < Math.min(width, height) / 3; away += 12)
                for (let turn = 0; turn < 8; turn++) {
                    const x = width / 2 + away * Math.cos(turn * Math.PI / 4);
                    const y = height / 2 + away * Math.sin(turn * Math.PI / 4);
                    const found = window.zwilling.pickAt(x, y);
                    if (found && !found.includes(",")) return found; // a place on the ground has commas
                }
            return null;
        }""",
        [size["width"], size["height"]],
    )
    if chosen is None:
        raise RuntimeError("no building is in view")
    return chosen


def nearer(page: Page, address: str, building: str, part: float) -> str:
    """Return the camera, as a link names it, at a `part` of its distance to a building, looking the same way."""
    layer = next(layer for layer in fetch(address + "api/twin")["layers"] if layer["kind"] == "buildings")
    west, south, low, east, north, _ = fetch(address.rstrip("/") + layer["item"].replace("{id}", building))["bbox"]
    camera = page.evaluate("() => window.zwilling.camera")
    place = [
        at + part * (camera[axis] - at)
        for axis, at in (("longitude", (west + east) / 2), ("latitude", (south + north) / 2), ("height", low))
    ]
    return ",".join(f"{number:.6f}" for number in [*place, camera["heading"], camera["pitch"]])


def refuse_faults(page: Page) -> None:
    """Raise if the page has met an error, or a tile that does not load."""
    faults = page.evaluate("() => [...window.zwilling.errors, ...window.zwilling.tilesFailed]")
    if faults:
        raise RuntimeError(f"the page reports {faults}")


def open_view(page: Page, address: str) -> None:
    """Open `address` and wait until everything in view has been drawn; raise if the page meets an error instead."""
    page.goto(address, wait_until="load")
    # Seldom asked: every question asks for a frame, and a processor draws slowly.
    ended = "() => window.zwilling && (window.zwilling.idle() || window.zwilling.errors.length > 0)"
    page.wait_for_function(ended, timeout=PATIENCE_MS, polling=500)
    refuse_faults(page)


def fetch(address: str) -> Any:
    """Return the JSON document at `address`."""
    with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310 - the server that was started here
        return json.load(answer)


def main() -> None:
    """Render every picture."""
    with (
        tempfile.TemporaryDirectory() as folder,
        browser() as new_page,
        served("demo", "--dir", folder, "--no-browser") as address,
    ):
        take(new_page(), address, IMAGES / "first-light.png")
        take_sensors(new_page(), address, IMAGES / "sensors.png")


if __name__ == "__main__":
    main()
