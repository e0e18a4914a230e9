"""Fixtures: a home with the official grid."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.program import zwilling

GRID = "de_bkg_gcg2016.tif"


@pytest.fixture(scope="session")
def grid(shared_data: Path) -> Path:
    return shared_data / "geoid" / GRID


@pytest.fixture(scope="session")
def home_with_grid(grid: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    zwilling("geoid", "install", grid, home=home)
    return home
