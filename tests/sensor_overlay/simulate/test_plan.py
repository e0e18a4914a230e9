"""The plan: invented schools stand in buildings of the sample quarter, and the registry says what is so of them."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path

import pytest
import shapely
from click.testing import CliRunner

from sensor_overlay.codecs import by_profile
from sensor_overlay.simulate.models import ROOM_MODELS
from sensor_overlay.simulate.plan import CRS, Fault, Plan, _grid, draw_up
from sensor_overlay.simulate.registry import write_registry
from zwilling.cli import main
from zwilling.crs.plane import transformed
from zwilling.errors import SettingsError
from zwilling.sample.quarter import buildings


@pytest.fixture(scope="module")
def plan() -> Plan:
    return draw_up()


def test_thirteen_schools_with_350_sensors_of_every_kind(plan: Plan) -> None:
    rooms = [sensor for sensor in plan.sensors if sensor.room]
    by_site = Counter(sensor.site.key for sensor in rooms)
    assert len(by_site) == 13
    assert sum(by_site.values()) == 350
    assert min(by_site.values()) >= 8
    for model in ROOM_MODELS:
        share = sum(sensor.model is model for sensor in rooms) / 350
        assert abs(share - model.share) < 0.06
    assert Counter(sensor.fault for sensor in rooms if sensor.fault is not Fault.NONE) == {
        Fault.DEAD: 1,
        Fault.IMPLAUSIBLE: 1,
        Fault.LATE: 1,
        Fault.DRIFTING: 2,
    }
    assert all("Beispiel" in site.name for site in plan.sites if site.pupils)
    assert len({sensor.key for sensor in plan.sensors}) == len({sensor.dev_eui for sensor in plan.sensors}) == 357
    assert sum(not sensor.is_registered for sensor in plan.sensors) == 1


def test_no_eui_can_be_that_of_a_real_device(plan: Plan) -> None:
    # The second lowest bit of the first byte: administered locally (IEEE 802).
    assert all(re.fullmatch(r"[0-9a-f]{16}", sensor.dev_eui) for sensor in plan.sensors)
    assert all(int(sensor.dev_eui[:2], 16) & 2 for sensor in plan.sensors)


def test_every_room_lies_within_the_walls_and_below_the_roof_of_its_building(plan: Plan) -> None:
    houses = {house.alkis_id: house.draft for house in buildings(2_500, 1)}
    names = {site.key: houses[site.building].name for site in plan.sites if site.pupils}
    assert sum(name in ("Realschule", "Gemeinschaftsgrundschule") for name in names.values()) == 2
    for sensor in plan.sensors:
        if sensor.room:
            draft = houses[sensor.site.building]
            walls = shapely.union_all(draft.footprints)
            assert walls.contains(shapely.Point(sensor.easting, sensor.northing)), sensor.key
            assert sensor.height < 3.5 * (draft.storeys or 1)
    by_place = Counter((sensor.easting, sensor.northing, sensor.storey) for sensor in plan.sensors if sensor.room)
    assert max(by_place.values()) == 1


def test_rooms_of_a_bent_house_lie_in_it() -> None:
    bent = shapely.Polygon([(0, 0), (60, 0), (60, 40), (48, 40), (48, 12), (0, 12)])
    places = _grid(bent, 11)
    assert len(set(places)) == 11
    assert all(bent.buffer(-0.5).contains(shapely.Point(place)) for place in places)


@pytest.mark.parametrize("number", [1, 5, 60])
def test_a_small_quarter_has_room_for_them_too(number: int) -> None:
    plan = draw_up(sensors=40, buildings=number)
    ids = {house.alkis_id for house in buildings(number, 1)}
    assert len([sensor for sensor in plan.sensors if sensor.room]) == 40
    assert {site.building for site in plan.sites if site.pupils} <= ids


def test_the_same_seed_gives_the_same_plan(plan: Plan) -> None:
    assert draw_up() == plan
    assert draw_up(seed=2) != plan


def test_many_sensors_for_load() -> None:
    plan = draw_up(sensors=10_000, others=False)
    assert len({sensor.dev_eui for sensor in plan.sensors}) == 10_000
    assert len({sensor.key for sensor in plan.sensors}) == 10_000


@pytest.mark.parametrize(("sensors", "buildings"), [(0, 1), (100_001, 1), (1, 0)])
def test_numbers_out_of_range(sensors: int, buildings: int) -> None:
    with pytest.raises(SettingsError, match="ask for 1 to"):
        draw_up(sensors=sensors, buildings=buildings)


def test_the_registry_says_all_of_it(plan: Plan, tmp_path: Path) -> None:
    file = tmp_path / "registry.csv"
    assert write_registry(plan, file) == 356
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter=";"))
    assert len(rows) == 356
    assert {row["Simuliert"] for row in rows} == {"ja"}
    assert sum(row["Testbetrieb"] == "ja" for row in rows) == 2
    for row, sensor in zip(rows, plan.sensors, strict=False):
        assert (row["Kennung"], row["DevEUI"], row["Gebäude-ID"]) == (sensor.key, sensor.dev_eui, sensor.site.building)
        place = [[float(row[axis].replace(",", ".")) for axis in ("Längengrad", "Breitengrad")]]
        back = transformed(shapely.get_coordinates(shapely.points(place)), "EPSG:4326", CRS)[0]
        assert back == pytest.approx((sensor.easting, sensor.northing), abs=0.02)
        if sensor.model.key in ("parking", "meter"):
            assert row["Modell"] == ""
        else:
            codec = by_profile(row["Modell"])
            assert codec is not None
            assert codec is by_profile(sensor.model.profile)


def test_the_registry_is_imported_as_it_is(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "zwilling.toml").write_text('[region]\nprofile = "rhein-kreis-neuss"\n', encoding="utf-8")
    (tmp_path / "data").mkdir()
    write_registry(plan, tmp_path / "registry.csv")
    command = ["sensors", "import", "--settings", str(tmp_path / "zwilling.toml"), str(tmp_path / "registry.csv")]
    done = CliRunner().invoke(main, [*command, "--json"])
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert (len(result["new"]), [fault for fault in result["faults"] if fault["is_error"]]) == (356, [])
