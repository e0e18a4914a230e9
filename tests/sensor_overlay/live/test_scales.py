"""What values mean: by the county's rules where there are some, for CO2 by the guide values where there are none."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from sensor_overlay.access import PUBLIC
from sensor_overlay.live.hub import Hub
from sensor_overlay.live.scales import GUIDES, UNRATED, Scale, Scales
from sensor_overlay.rules.calendar import Calendar
from sensor_overlay.rules.rule import compile_rules
from sensor_overlay.store.opening import open_store
from tests.sensor_overlay.live.twin import NOW, Sensors
from zwilling.sensor_settings import SensorSettings

CLASSROOM = SimpleNamespace(site="S01", municipality="Neuss", room="204")
LABORATORY = SimpleNamespace(site="S01", municipality="Neuss", room="Labor 1")

CO2 = {"id": "co2", "observed_property": "co2"}
STRICT = {**CO2, "level": [{"name": "Fenster auf", "above": 800}, {"name": "Pause", "above": 1500}]}
OFFICE = {"id": "amt", "observed_property": "co2", "level": [{"name": "sehr hoch", "above": 2500}]}
LABS = {"id": "labor", "observed_property": "co2", "rooms": ["Labor*"], "level": [{"name": "Abzug an", "above": 600}]}
COLD = {
    "id": "kalt",
    "observed_property": "temperature",
    "level": [{"name": "kühl", "below": 18}, {"name": "kalt", "below": 15}],
}
WARM = {"id": "warm", "observed_property": "temperature", "level": [{"name": "warm", "above": 26}]}


def scales(*rules: dict[str, Any]) -> Scales:
    settings = msgspec.convert({"rule": list(rules)}, SensorSettings)
    return Scales(compile_rules(settings, Calendar("NW", [])).levels)


def test_without_rules_the_guide_values_hold() -> None:
    assert scales().at(CLASSROOM, "co2") == scales(COLD).usual("co2") == GUIDES["co2"]
    assert scales().usual("temperature") == UNRATED
    assert UNRATED.described() == []


def test_rules_take_the_place_of_guide_values_and_are_joined() -> None:
    scale = scales(STRICT, OFFICE).at(CLASSROOM, "co2")
    assert scale == Scale("gut", ((800, "Fenster auf"), (1500, "Pause"), (2500, "sehr hoch")))
    assert [scale.rank(value) for value in (799.9, 800, 1500, 2600)] == [0, 1, 2, 3]


def test_a_rule_for_some_rooms_holds_there_alone() -> None:
    some = scales(LABS)
    assert some.usual("co2") == some.at(CLASSROOM, "co2") == GUIDES["co2"]
    assert some.at(LABORATORY, "co2") == Scale("gut", ((600, "Abzug an"),))
    assert scales(STRICT, LABS).at(LABORATORY, "co2").rises[0] == (600, "Abzug an")


def test_levels_that_fall_lie_below_the_best() -> None:
    scale = scales(COLD, WARM).usual("temperature")
    assert scale.described() == [
        {"from": None, "name": "kalt", "rank": 2},
        {"from": 15, "name": "kühl", "rank": 1},
        {"from": 18, "name": "normal", "rank": 0},
        {"from": 26, "name": "warm", "rank": 1},
    ]
    assert [scale.rank(value) for value in (15, 15.1, 18, 18.1, 26)] == [2, 1, 1, 0, 1]


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_names_for_one_limit_the_first_rule_gives_it(order: int) -> None:
    other = {"id": "z", "observed_property": "co2", "level": [{"name": "anders", "above": 800}]}
    first, second = [STRICT, other][::order]
    assert scales(first, second).usual("co2").rises[0] == (800, first["level"][0]["name"])  # type: ignore[index]


def test_viewers_are_told_the_levels_of_their_rules(tmp_path: Path) -> None:
    async def scene() -> None:
        store = await open_store(tmp_path / "zwilling.db")
        sensors = Sensors(store)
        await sensors.add(1, room="204")
        await sensors.add(2, room="Labor 1")
        for number in (1, 2):
            await sensors.tell(number, 700.0)
        told = json.loads(await Hub(store, scales=scales(STRICT, LABS), now=lambda: NOW).snapshot(PUBLIC))
        await store.close()
        assert [level["from"] for level in told["properties"]["co2"]["levels"]] == [None, 800, 1500]
        classroom, laboratory = told["things"]
        assert classroom["latest"]["co2"]["level"] == 0
        assert "levels" not in classroom
        assert laboratory["latest"]["co2"]["level"] == 1
        assert [level["from"] for level in laboratory["levels"]["co2"]] == [None, 600, 800, 1500]

    asyncio.run(scene())
