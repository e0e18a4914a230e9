"""Fixtures: the browser, a twin from a real file, and a twin from the sample quarter."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.viewer.browser import FLAGS, PROJECT, Visit, open_visit
from tests.viewer.ground import write_ground
from tests.viewer.live import LiveTwin
from tests.viewer.twin import GroundFiles, Server, SourceFile, build_twin, write_sample

REAL_FILE = "citygml/nrw/DUS5_LoD2_354_5667_1_NW_extract.xml"

OpenVisit = Callable[..., Visit]


def _unavailable(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"CI must be able to run the browser tests: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def built_viewer() -> None:
    if not (PROJECT / "viewer" / "dist" / "index.html").is_file():
        _unavailable("the viewer is not built; run `make viewer`")
    if not (PROJECT / "viewer" / "node_modules" / "axe-core").is_dir():
        _unavailable("the viewer's packages are not installed; run `make viewer`")


# Gone with the last test of this folder: playwright keeps an event loop running, beside which no other may run.
@pytest.fixture(scope="package")
def browser(built_viewer: None) -> Iterator[Browser]:
    executable = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if executable is None:
        _unavailable("there is no Chromium on PATH")
    with sync_playwright() as playwright:
        # As root (in a container) Chromium's own sandbox cannot start.
        chromium = playwright.chromium.launch(
            executable_path=executable,
            chromium_sandbox=os.geteuid() != 0,
            args=FLAGS,
            env={**os.environ, "LANGUAGE": "de", "LANG": "de_DE.UTF-8"},
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def real_source(shared_data: Path) -> Path:
    return shared_data / REAL_FILE


def _serving(settings: Path) -> Iterator[Server]:
    server = Server(settings)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def real_settings(built_viewer: None, real_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = SourceFile(str(real_source), "Gebäude", "dl-de/zero-2-0", "Geobasis NRW")
    return build_twin(tmp_path_factory.mktemp("real"), source)


@pytest.fixture(scope="session")
def real_twin(real_settings: Path) -> Iterator[Server]:
    yield from _serving(real_settings)


@pytest.fixture(scope="session")
def sample_twin(built_viewer: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder / "sample", buildings=300)
    source = SourceFile("sample/*.gml", "Beispielquartier", "EUPL-1.2", "Beispieldaten, frei erfunden", True)
    yield from _serving(build_twin(folder, source))


@pytest.fixture(scope="session")
def ground_twin(built_viewer: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("ground")
    write_sample(folder / "sample", buildings=100)
    write_ground(folder)
    source = SourceFile("sample/*.gml", "Beispielquartier", "EUPL-1.2", "Beispieldaten, frei erfunden", True)
    yield from _serving(build_twin(folder, source, GroundFiles("dop*.tif", "dgm1.tif", "Boden", "Bodenamt")))


@pytest.fixture(scope="session")
def live_twin(built_viewer: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveTwin]:
    folder = tmp_path_factory.mktemp("live")
    write_sample(folder / "sample", buildings=100)
    source = SourceFile("sample/*.gml", "Beispielquartier", "EUPL-1.2", "Beispieldaten, frei erfunden", True)
    twin = LiveTwin(build_twin(folder, source))
    twin.register(1, room="204", storey="2. Obergeschoss", municipality="Neuss")
    twin.register(2, room="101", east=25)
    twin.register(3, room="Aula", site="S02", site_name="Grundschule Erftaue", east=250)
    twin.register(4, room="GEHEIM", name="GEHEIM", site_name="GEHEIM", site="GEHEIM", access="staff", east=50)
    twin.server.start()
    for number, co2 in ((1, 640), (2, 812), (3, 1240), (4, 700)):
        twin.uplink(number, co2=co2, temperature=21.5)
    yield twin
    twin.server.stop()


@pytest.fixture
def visit(browser: Browser) -> Iterator[OpenVisit]:
    """Open pages that are closed at the end of the test."""
    opened: list[Visit] = []

    def opening(address: str, **options: Any) -> Visit:
        opened.append(open_visit(browser, address, **options))
        return opened[-1]

    yield opening
    for one in opened:
        one.page.context.close()
