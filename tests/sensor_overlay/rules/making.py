"""Rules for tests, made from what a county would write."""

from __future__ import annotations

from typing import Any

from sensor_overlay.rules.calendar import Calendar
from sensor_overlay.rules.rule import Rule, Rules, compile_rules
from zwilling.sensor_settings import LevelSettings, RecipientSettings, RuleSettings, SensorSettings

AMT = RecipientSettings(id="amt", webhook="https://amt.example.de/x")
CARETAKER = RecipientSettings(id="hausmeister", mail="h@example.de", sites=["S07"])
AIR = (
    LevelSettings(
        name="lüften",
        above=1000,
        clear=900,
        minutes=5,
        text="{room} ({site}): {property} {value} {unit}, bitte lüften.",
    ),
    LevelSettings(name="dringend lüften", above=2000, clear=1800, readings=2),
)


def rules(*settings: RuleSettings, calendar: Calendar | None = None) -> Rules:
    """Return compiled rules, with `amt`, who hears of everything, and `hausmeister`, who hears of S07."""
    everything = SensorSettings(rule=list(settings), recipient=[AMT, CARETAKER])
    return compile_rules(everything, calendar or Calendar("NW"))


def rule(*levels: LevelSettings, **more: Any) -> Rule:
    """Return one compiled rule about CO2."""
    return rules(RuleSettings(id="co2", observed_property="co2", level=list(levels), **more)).levels[0]
