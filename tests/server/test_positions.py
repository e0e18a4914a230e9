"""Places in the county's own terms: its CRS, and heights above NHN."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.app import create_app
from tests.server.asgi import Client
from zwilling.region import load_region

REGION = load_region()
# From the official grid, see docs/operators/heights.md.
CONTROL = "longitude=6.752969948&latitude=51.195812145&height=85.8198"


@pytest.fixture
def places(tmp_path: Path) -> Client:
    return Client(create_app(tmp_path, None, title="T", region=REGION))


def test_a_place_is_told_in_the_countys_crs_with_its_height_above_nhn(places: Client) -> None:
    reply = places.get(f"/api/position?{CONTROL}")
    assert reply.status_code == 200
    told = reply.json()
    assert told["crs"] == "EPSG:25832+7837"
    assert told["height_system"] == "DHHN2016"
    assert told["easting"] == pytest.approx(343_000.0, abs=0.002)
    assert told["northing"] == pytest.approx(5_674_000.0, abs=0.002)
    assert told["height"] == pytest.approx(40.0, abs=0.01)  # the surface's error


@pytest.mark.parametrize(
    "query",
    [
        "",
        "longitude=6.75&latitude=51.19",
        "longitude=6.75&latitude=51.19&height=",
        "longitude=6.75&latitude=51.19&height=nan",
        "longitude=6.75&latitude=51.19&height=inf",
        "longitude=6.75&latitude=51.19&height=1e999",
        "longitude=6_7&latitude=51.19&height=1",
        "longitude=6.75&latitude=91&height=1",
        "longitude=6.75&latitude=51.19&height=20000",
        "longitude=6,75&latitude=51.19&height=1",
        "longitude=" + "6" * 5000 + "&latitude=51.19&height=1",
    ],
)
def test_what_names_no_place_is_refused(places: Client, query: str) -> None:
    reply = places.get(f"/api/position?{query}")
    assert reply.status_code == 400
    assert reply.headers["content-type"] == "application/problem+json"


def test_beyond_the_region_nothing_is_known(places: Client) -> None:
    assert places.get("/api/position?longitude=13.4&latitude=52.5&height=80").status_code == 404


def test_without_a_region_there_is_no_such_address(tmp_path: Path) -> None:
    client = Client(create_app(tmp_path, None, title="T"))
    assert client.get(f"/api/position?{CONTROL}").status_code == 404
