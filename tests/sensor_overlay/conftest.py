"""Fixtures that every room of the sensors shares: a database of either kind, and PostgreSQL itself."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sensor_overlay.databases import Cluster, new_cluster, programs

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server for the whole run; tests that stop it start it again."""
    binaries = programs()
    if binaries is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have PostgreSQL; scripts/set_up installs it")
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    made = new_cluster(binaries)
    made.start()
    try:
        yield made
    finally:
        made.remove()


@pytest.fixture
def postgresql_url(cluster: Cluster) -> Iterator[str]:
    """URL of a new, empty PostgreSQL database."""
    name = f"zwilling_{next(_numbers)}"
    yield cluster.create(name)
    cluster.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a new, empty database; the test runs once for each kind."""
    if request.param == "sqlite":
        return str(tmp_path / "zwilling.db")
    url: str = request.getfixturevalue("postgresql_url")
    return url
