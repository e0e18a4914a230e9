"""What is told, in plain German."""

from __future__ import annotations

from typing import Protocol

from sensor_overlay.rules.rule import Rule
from sensor_overlay.rules.words import (
    filled,
    name_of,
    room_in_words,
    span_in_words,
    time_in_words,
    unit_of,
    value_in_words,
)


class Named(Protocol):
    """What a text says about a thing."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def site(self) -> str:
        """Short id of its school or plant."""

    @property
    def site_name(self) -> str:
        """Name of that."""

    @property
    def room(self) -> str:
        """Its room."""


def place_of(thing: Named) -> str:
    """Return where something is: `Raum 204 (BBZ Grevenbroich)`; without a room, the thing's name."""
    site = thing.site_name or thing.site
    name = room_in_words(thing.room) or thing.name
    return name if not site or site in name else f"{name} ({site})"


def level_text(rule: Rule, rank: int, thing: Named, value: float) -> str:
    """Return what a level tells: `Raum 204 (BBZ Grevenbroich): CO2 1.240 ppm, bitte lüften.`"""
    room, site = room_in_words(thing.room) or thing.name, thing.site_name or thing.site
    return filled(
        rule.levels[rank].text,
        value=value_in_words(value, rule.observed_property),
        unit=unit_of(rule.observed_property),
        property=name_of(rule.observed_property),
        room=room,
        site="" if site in room else site,
        name=thing.name,
        level=rule.levels[rank].name,
    )


def over_text(rule: Rule, thing: Named, value: float) -> str:
    """Return what is told when values are harmless again."""
    amount = f"{value_in_words(value, rule.observed_property)} {unit_of(rule.observed_property)}".strip()
    return f"{place_of(thing)}: {name_of(rule.observed_property)} wieder bei {amount}, die Meldung ist beendet."


def silence_text(thing: Named, last_seen: int, now: int) -> str:
    """Return what is told of a sensor that is no longer heard."""
    return f"{place_of(thing)}: keine Daten seit {span_in_words(now - last_seen)} (zuletzt {time_in_words(last_seen)})."


def heard_text(thing: Named) -> str:
    """Return what is told when it is heard again."""
    return f"{place_of(thing)}: sendet wieder."


def escalation_text(text: str, waited: int) -> str:
    """Return what the next ones are told."""
    return f"Seit {span_in_words(waited)} nicht bestätigt: {text}"


def closed_text(text: str) -> str:
    """Return what is told when a person has closed an alert."""
    return f"Geschlossen: {text}"
