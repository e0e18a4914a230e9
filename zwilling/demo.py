"""The demo: sample quarter, tiles, sensors and server in one command."""

from __future__ import annotations

import os
import socket
import sys
import webbrowser
from pathlib import Path
from threading import Thread

from sensor_overlay.service import service_of
from server.run import serve
from zwilling.build import build_layer
from zwilling.demo_sensors import DemoSensors
from zwilling.errors import SettingsError
from zwilling.progress import Progress
from zwilling.rasters import Rectangle
from zwilling.region import load_region
from zwilling.sample import write_sample, write_surroundings
from zwilling.settings import load_settings, region_profile
from zwilling.standing import check_standing
from zwilling.viewer_files import viewer_directory

_FIRST_PORT = 8080
_PORTS_TO_TRY = 20
_SETTINGS = """\
# Demo of Zwilling: a synthetic quarter in Neuss.  It shows no real place.
[region]
profile = "rhein-kreis-neuss"

[[layer]]
id = "gebaeude"
title = "Gebäude (Beispielquartier)"
sources = ["{sources}/*.gml"]
licence = "EUPL-1.2"
attribution = ["Beispieldaten, frei erfunden (Zwilling)"]
synthetic = true
"""
_GROUND_LAYER = """
[[layer]]
id = "gelaende"
title = "Luftbild und Gelände (Beispielquartier)"
kind = "ground"
sources = ["{sources}/dop10*.tif"]
heights = ["{sources}/dgm1*.tif"]
licence = "EUPL-1.2"
attribution = ["Beispieldaten, frei erfunden (Zwilling)"]
synthetic = true
"""
_POINT_LAYER = """
[[layer]]
id = "laserpunkte"
title = "Laserpunkte (Beispielquartier)"
kind = "points"
sources = ["{sources}/3dm*.laz"]
colour_from = ["{sources}/dop10*.tif"]
height_above_ground = true
crs = "EPSG:25832+7837"
licence = "EUPL-1.2"
attribution = ["Beispieldaten, frei erfunden (Zwilling)"]
synthetic = true
"""
# What stands of the quarter, with the fields around it and the river: 2.7 of the 4 square kilometres that it touches.
# All of them would take a third longer, and nobody waits gladly for a first picture.
_GROUND = Rectangle(343_300.0, 5_673_200.0, 345_000.0, 5_674_800.0)
# The old town, 1.2 million points: enough to see roofs, crowns and cars, and a few seconds of the first start.
_POINTS = Rectangle(343_860.0, 5_673_740.0, 344_260.0, 5_674_140.0)
_MARGIN = 400.0  # of a smaller quarter, metres
_MOST_WITH_GROUND = 10_000
"""The picture is drawn from the plan of the whole town, which takes a second for every 300 buildings."""


def run_demo(folder: Path, *, host: str, port: int | None, buildings: int, open_browser: bool) -> None:
    """Write the sample quarter to `folder` where it is not there yet, tile it, and serve it until Ctrl-C.

    Raises:
        ZwillingError: a step failed; the message says which and what to do.
    """
    with DemoSensors(folder, buildings) as sensors:
        _run(folder, sensors, host=host, port=port, buildings=buildings, open_browser=open_browser)


def _run(
    folder: Path, sensors: DemoSensors, *, host: str, port: int | None, buildings: int, open_browser: bool
) -> None:
    settings_file = folder / "zwilling.toml"
    # Another name than in earlier versions, whose folders have no points.
    sources = f"town-{buildings}"
    has_ground = buildings <= _MOST_WITH_GROUND
    _say(f"[1/3] Sample quarter: {folder / sources}")
    if not (folder / sources / "complete").is_file():
        write_sample(folder / sources, buildings=buildings)
        if has_ground:
            write_surroundings(folder / sources, buildings=buildings, ground=_GROUND, margin=_MARGIN, points=_POINTS)
        (folder / sources / "complete").touch()
    text = (_SETTINGS + (_GROUND_LAYER + _POINT_LAYER if has_ground else "")).format(sources=sources)
    settings_file.write_text(text, encoding="utf-8")

    settings = load_settings(settings_file)
    region = load_region(region_profile(settings, folder))
    layers = []
    for layer in settings.layer:
        with Progress(f"[2/3] {layer.title}") as progress:
            built = build_layer(layer, folder, folder / settings.data, region, progress.update)
        layers.append(built.layer)
        state = "up to date" if built.outcome is None else built.outcome.amount
        _say(f"[2/3] {layer.title}: {state}")
    for standing in check_standing(layers, folder / settings.data):
        _say(f"[2/3] {standing.line}")

    chosen = _free_port(host) if port is None else port
    _say("[3/3] Server (Ctrl-C stops it), with invented sensors in 13 schools: give them a minute for their last day")
    settings_file.write_text(text + sensors.settings(), encoding="utf-8")
    settings = load_settings(settings_file)

    def listening(url: str) -> None:
        (_announce if open_browser else _print_url)(url)
        sensors.begin(url)

    serve(
        folder / settings.data,
        viewer_directory(),
        host=host,
        port=chosen,
        title=settings.region.title or region.title,
        region=region,
        sensors=service_of(settings, folder),
        quiet=True,
        on_listening=listening,
    )


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _print_url(url: str) -> None:
    _say(f"\n  Der Zwilling läuft · The twin is running:  {url}\n")


def _announce(url: str) -> None:
    _print_url(url)
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        # Some browsers' launchers wait for their window to close.
        Thread(target=webbrowser.open, args=(url,), daemon=True).start()


def _free_port(host: str) -> int:
    for port in range(_FIRST_PORT, _FIRST_PORT + _PORTS_TO_TRY):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise SettingsError(
        f"ports {_FIRST_PORT} to {_FIRST_PORT + _PORTS_TO_TRY - 1} are all in use", remedy="pass --port 0"
    )
