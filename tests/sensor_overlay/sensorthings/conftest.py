"""Fixtures: the small twin in either database, and a whole server that starts empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sensor_overlay.store.opening import Store
from tests.sensor_overlay.databases import Cluster
from tests.sensor_overlay.sensorthings.running import RunningServer
from tests.sensor_overlay.sensorthings.twin import run, store_at


@pytest.fixture(params=["sqlite", "postgresql"], scope="package")
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The small twin, which no test here changes; every test runs once for each kind of database."""
    url = str(tmp_path_factory.mktemp("sensorthings") / "zwilling.db")
    if request.param == "postgresql":
        cluster: Cluster = request.getfixturevalue("cluster")
        url = cluster.create("sensorthings")
    filled = store_at(url)
    yield filled
    run(filled.close())
    if request.param == "postgresql":
        cluster.drop("sensorthings")


@pytest.fixture
def running(database_url: str, tmp_path: Path) -> Iterator[RunningServer]:
    """A whole server on a port, without any entity."""
    with RunningServer(tmp_path, database_url) as server:
        yield server
