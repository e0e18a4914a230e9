"""Renders the pictures of the documentation anew, from the demo in a headless browser.

    python -m scripts.screenshot             # all of them
    python -m scripts.screenshot sensors     # those whose names are given, without .png
    python -m scripts.screenshot --address http://127.0.0.1:8080/     # of a demo that runs already

What it does and waits for stands on standard error. Rooms are shown as they are at that moment of the invented day.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from playwright.sync_api import Page, sync_playwright

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
LARGEST_BYTES = 1_000_000
PATIENCE_MS = 1_200_000
"""For each wait: two minutes on two idle cores, where a processor draws, are ten times that on busy ones."""

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
SCHOOL_VIEW = "?zeit=2026-09-17T14:30&qualitaet=hoch"
"""Autumn, when school is on: the sun stands low, and on the front of the school below."""
SCHOOL = "Beispiel-Gesamtschule am Stadtwald"
DAY_HOURS = 20.0
"""So much of the last day must have been told before a room's chart is worth a picture."""
BEGAN = time.monotonic()


Found = TypeVar("Found")


def plain(view: str) -> str:
    """Return a view without shadows, which is drawn several times as fast."""
    return view.replace("qualitaet=hoch", "qualitaet=sparsam")


def say(text: str) -> None:
    """Tell how far it is, with the seconds since the start."""
    print(f"{time.monotonic() - BEGAN:6.1f} s  {text}", file=sys.stderr, flush=True)


def until(what: str, probe: Callable[[], Found | None], state: Callable[[], object], rest: Callable[[], None]) -> Found:
    """Return what `probe` gives as soon as it is not None; raise with `state` where that takes too long.

    Args:
        what: is waited for, for messages.
        probe: looks, and returns None where it is not there yet.
        state: how far it is, for messages.
        rest: passes some time between two looks.
    """
    say(f"waiting for {what}")
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE_MS / 1000:
        if (found := probe()) is not None:
            return found
        rest()
    raise RuntimeError(f"{what}: not there after {PATIENCE_MS / 1000:.0f} s; {state()}")


@contextmanager
def served(*arguments: str) -> Iterator[str]:
    """Run the program with `arguments`, which start a server; yield its address, and end it afterwards."""
    command = [sys.executable, "-m", "zwilling", *arguments, "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if process.stdout is None:
        raise AssertionError("a pipe was asked for")
    # Whatever else it says must not fill the pipe, or it would stand still.
    drain = threading.Thread(target=process.stdout.read, daemon=True)
    try:
        for line in process.stdout:
            if found := re.search(r"http://[\d.]+:\d+/", line):
                drain.start()
                yield found[0]
                break
        else:
            raise RuntimeError(f"the server ended with {process.wait()} before it named its address")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
        if drain.ident is not None:
            drain.join(timeout=60)
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
    open_view(page, address + plain(VIEW))
    chosen = building_in_view(page)
    open_view(page, f"{address}{VIEW}&gebaeude={chosen}&kamera={nearer(page, address, chosen, CLOSER)}")
    if page.evaluate("() => window.zwilling.selected") != chosen:
        raise RuntimeError(f"the link did not select {chosen}")
    save(page, into)


def take_sensors(page: Page, address: str, into: Path) -> None:
    """Save a picture of the rooms of a school, with the day of the one that most needs air."""
    room, camera = stuffy_room(address)
    open_view(page, f"{address}{SCHOOL_VIEW}&sensor={room}&kamera={camera}")
    wait_for(page, "the room's day", "() => document.querySelector('#details .plot') !== null")
    wait_for(page, "the view behind it", "() => window.zwilling.idle()")
    save(page, into)


def take_alerts(page: Page, address: str, into: Path) -> None:
    """Save a picture of the panel of alerts and sites, as a phone shows it; the scene behind it need not be there."""
    page.set_viewport_size({"width": 390, "height": 844})
    stuffy_room(address)
    page.goto(address + plain(VIEW), wait_until="load", timeout=PATIENCE_MS)
    wait_for(page, "sensors", "() => window.zwilling?.line === 'live'")
    page.get_by_role("button", name="Sensoren").click(timeout=PATIENCE_MS)
    wait_for(page, "alerts", "() => document.querySelector('.alerts li') !== null")
    page.locator("#panel").screenshot(path=into, timeout=PATIENCE_MS)


def save(page: Page, into: Path) -> None:
    """Save what the page shows."""
    into.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=into, timeout=PATIENCE_MS)
    if into.stat().st_size > LARGEST_BYTES:
        raise RuntimeError(f"{into} has {into.stat().st_size} bytes; at most {LARGEST_BYTES} may be committed")


def stuffy_room(address: str) -> tuple[str, str]:
    """Return the id of the sensor whose room in the school most needs air, and a camera that looks at the school.

    Waits until the demo has told that room's last day.
    """
    told: dict[str, object] = {}

    def look() -> tuple[str, str] | None:
        things = [thing for thing in fetch(address + "api/sensors")["things"] if thing["site_name"] == SCHOOL]
        rooms = [thing for thing in things if thing["state"] == "fresh" and "level" in thing["latest"].get("co2", {})]
        told.update(sensors=len(things), fresh=len(rooms))
        if not rooms:
            return None
        room = max(rooms, key=lambda thing: thing["latest"]["co2"]["value"])
        times = fetch(f"{address}api/sensors/{room['id']}/series?property=co2")["times"]
        hours = (times[-1] - times[0]) / 3_600_000 if times else 0.0
        told.update(room=room["room"], hours=round(hours, 1))
        return (str(room["id"]), camera_before(things)) if hours >= DAY_HOURS else None

    # No page is open that could wait for it: the server is asked again and again.
    found = until(f"a day of {SCHOOL}", look, lambda: f"so far {told}", lambda: time.sleep(2))
    say(f"chosen: {told}")
    return found


def camera_before(things: Sequence[dict[str, Any]]) -> str:
    """Return a camera, as a link names it, that sees sensors from the south-east, low, left of the sheet."""
    heading, pitch, metres, turned = math.radians(316), math.radians(-13), 94.0, 9.0
    south = min(thing["latitude"] for thing in things)
    longitude, height = (sum(thing[key] for thing in things) / len(things) for key in ("longitude", "height"))
    away = metres * math.cos(pitch)
    place = (
        longitude - away * math.sin(heading) / (111_320 * math.cos(math.radians(south))),
        south - away * math.cos(heading) / 111_320,
        height - metres * math.sin(pitch),
    )
    return ",".join(f"{number:.6f}" for number in (*place, math.degrees(heading) + turned, math.degrees(pitch)))


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
    faults = page.evaluate("() => window.zwilling ? [...zwilling.errors, ...zwilling.tilesFailed] : []")
    if faults:
        raise RuntimeError(f"the page reports {faults}")


def wait_for(page: Page, what: str, condition: str) -> None:
    """Return when a JavaScript condition holds; raise if the page meets an error, or it never does."""

    def look() -> bool | None:
        refuse_faults(page)
        return page.evaluate(condition) or None

    def state() -> object:
        return page.evaluate("() => window.zwilling ? {...zwilling.stats(), line: zwilling.line} : 'no page yet'")

    # Seldom asked: every question asks for a frame, and a processor draws slowly.
    until(what, look, state, lambda: page.wait_for_timeout(500))


def open_view(page: Page, address: str) -> None:
    """Open `address` and wait until everything in view has been drawn; raise if the page meets an error instead."""
    page.goto(address, wait_until="load", timeout=PATIENCE_MS)
    wait_for(page, address, "() => window.zwilling?.idle()")


def fetch(address: str) -> Any:
    """Return the JSON document at `address`."""
    with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310 - the server that was started here
        return json.load(answer)


PICTURES: dict[str, Callable[[Page, str, Path], None]] = {
    "first-light": take,
    "sensors": take_sensors,
    "alerts": take_alerts,
}


def main() -> None:
    """Render the pictures that the command line names; every one where it names none."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", metavar="PICTURE", help=", ".join(PICTURES))
    parser.add_argument("--address", help="of a demo that runs already")
    wanted = parser.parse_args()
    if unknown := set(wanted.names) - set(PICTURES):
        parser.error(f"no such picture: {', '.join(sorted(unknown))}; there are {', '.join(PICTURES)}")
    with ExitStack() as stack:
        address = wanted.address and wanted.address.rstrip("/") + "/"
        if address is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            address = stack.enter_context(served("demo", "--dir", folder, "--no-browser"))
        new_page = stack.enter_context(browser())
        for name in wanted.names or PICTURES:
            page = new_page()
            PICTURES[name](page, address, IMAGES / f"{name}.png")
            page.close()


if __name__ == "__main__":
    main()
