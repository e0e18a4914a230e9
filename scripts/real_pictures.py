"""Takes three pictures of a CityGML file in the viewer, for people to look at: the whole, a quarter, one house.

    python -m scripts.real_pictures FILE...

They go to `artefacts/real/`, which git ignores: real data is not ours to publish.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page

from scripts.screenshot import PATIENCE_MS, VIEW, browser, building_in_view, nearer, open_view, served

PICTURES = Path(__file__).resolve().parent.parent / "artefacts" / "real"
DISTANCES = {"quarter": 0.35, "house": 0.06}
"""How near the camera goes to the building in the middle, as parts of its distance when the whole file is in view."""


@contextmanager
def twin(source: Path, folder: Path) -> Iterator[str]:
    """Build a twin from one file in `folder` and serve it; yield its address."""
    settings = folder / "zwilling.toml"
    settings.write_text(
        f"""
[region]
profile = "rhein-kreis-neuss"

[[layer]]
id = "gebaeude"
title = "Gebäude"
sources = ["{source.resolve()}"]
licence = "dl-de/zero-2-0"
attribution = ["Geobasis NRW"]
""",
        encoding="utf-8",
    )
    subprocess.run([sys.executable, "-m", "zwilling", "build", str(settings), "--quiet"], check=True)
    with served("serve", str(settings), "--quiet") as address:
        yield address


def take(page: Page, address: str, name: str) -> None:
    """Save the three pictures of what is served at `address`."""
    open_view(page, address + VIEW)
    save(page, f"{name}-whole")
    building = building_in_view(page)
    views = {view: nearer(page, address, building, part) for view, part in DISTANCES.items()}
    for view, camera in views.items():
        open_view(page, f"{address}{VIEW}&kamera={camera}")
        save(page, f"{name}-{view}")


def save(page: Page, name: str) -> None:
    """Save what the page shows."""
    page.screenshot(path=PICTURES / f"{name}.png", timeout=PATIENCE_MS)
    print(PICTURES / f"{name}.png", flush=True)


def main() -> None:
    """Take the pictures of every file that the command line names."""
    if not sys.argv[1:]:
        sys.exit(__doc__)
    PICTURES.mkdir(parents=True, exist_ok=True)
    with browser() as new_page:
        for source in map(Path, sys.argv[1:]):
            page = new_page()
            with tempfile.TemporaryDirectory() as folder, twin(source, Path(folder)) as address:
                take(page, address, source.stem)
            page.close()


if __name__ == "__main__":
    main()
