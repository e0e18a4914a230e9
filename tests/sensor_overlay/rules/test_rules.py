"""Rules from settings: what they are about, and what they refuse."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from sensor_overlay.rules.states import State, state_of
from sensor_overlay.uplink import Quality
from tests.sensor_overlay.rules.making import AIR, rule, rules
from zwilling.errors import SettingsError
from zwilling.sensor_settings import RuleSettings

MINUTE = 60_000_000


@dataclass(frozen=True, slots=True)
class Place:
    site: str = "S07"
    municipality: str = "Neuss"
    room: str = "204"


@pytest.mark.parametrize(
    ("settings", "is_about"),
    [
        ({}, True),
        ({"sites": ["S07", "S08"]}, True),
        ({"sites": ["S08"]}, False),
        ({"municipalities": ["Neuss"]}, True),
        ({"municipalities": ["Kaarst"]}, False),
        ({"rooms": ["2*"]}, True),
        ({"rooms": ["1*", "aula"]}, False),
        ({"sites": ["S07"], "rooms": ["3*"]}, False),
    ],
)
def test_what_a_rule_is_about(settings: dict[str, list[str]], is_about: bool) -> None:
    assert rule(*AIR, **settings).is_about(Place()) is is_about


def test_levels_and_silences_are_told_apart() -> None:
    made = rules(
        RuleSettings(id="a", observed_property="co2", level=list(AIR), recipients=["amt", "amt"]),
        RuleSettings(id="b", kind="silence", after_intervals=6),
    )
    assert [each.id for each in made.levels] == ["a"]
    assert [(each.id, each.silent_after) for each in made.silences] == [("b", 6)]
    assert [each.id for each in made.levels[0].recipients] == ["amt"]
    assert made.named("b") is made.silences[0]
    assert made.named("c") is None


def test_a_recipient_hears_of_its_sites_only() -> None:
    made = rules()
    assert made.recipients["amt"].hears_of("S01")
    assert made.recipients["hausmeister"].hears_of("S07")
    assert not made.recipients["hausmeister"].hears_of("S08")
    assert made.recipients["hausmeister"].channels == ("mail",)


@pytest.mark.parametrize(("key", "near"), [("CO2", "co2"), ("temp", "temperature"), ("humidty", "humidity")])
def test_another_spelling_of_a_property_is_refused(key: str, near: str) -> None:
    with pytest.raises(SettingsError, match=f"did you mean '{near}'"):
        rules(RuleSettings(id="a", observed_property=key, level=list(AIR)))


def test_a_property_of_the_devices_own_passes() -> None:
    assert rules(RuleSettings(id="a", observed_property="leak_status", level=list(AIR))).levels[0].levels


@pytest.mark.parametrize(
    ("minutes", "quality", "state"),
    [
        (0, 0, State.FRESH),
        (30, 0, State.FRESH),
        (31, 0, State.LATE),
        (61, 0, State.STALE),
        (180, 0, State.SILENT),
        (0, Quality.IMPLAUSIBLE, State.IMPLAUSIBLE),
        (61, Quality.IMPLAUSIBLE, State.IMPLAUSIBLE),
        (180, Quality.IMPLAUSIBLE, State.SILENT),
        (0, Quality.CLOCK, State.FRESH),
        (-5, 0, State.FRESH),
    ],
)
def test_states_by_the_things_own_interval(minutes: int, quality: int, state: State) -> None:
    assert state_of(0, 900, minutes * MINUTE, quality=quality) is state
    assert state_of(0, 9000, 10 * minutes * MINUTE, quality=quality) is state


def test_a_thing_in_its_test_phase_and_one_never_heard() -> None:
    assert state_of(None, 900, 0) is State.SILENT
    assert state_of(0, 900, 999 * MINUTE, quality=Quality.IMPLAUSIBLE, is_test=True) is State.TEST
