"""How the air of a school is, told to everybody without telling of any room.

What a room measures shows who is there when, so a room's values are for staff. Citizens may hear how the school stands:
the class in which the middle one of all its rooms is, if there are enough of them, and a new one every ten minutes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Final

import msgspec

from sensor_overlay.access import Principal
from sensor_overlay.instants import MINUTE, text
from sensor_overlay.live.messages import property_description
from sensor_overlay.live.picture import Picture, Place, Thing
from sensor_overlay.live.scales import Scale, Scales
from sensor_overlay.rules.states import State, state_of
from sensor_overlay.uplink import Quality

LASTS_SECONDS: Final = 600.0
COUNTED: Final = Principal("", frozenset({"public", "staff"}))
"""Whose things make a site's class: what the crisis team alone sees is left out, even of a sum."""

_DIGITS: Final = 4  # of degrees: ten metres, which is a school and not a room
_UNSOUND: Final = Quality.IMPLAUSIBLE | Quality.CLOCK
_HEARD: Final = (State.FRESH, State.LATE)


@dataclass(frozen=True, slots=True)
class Classes:
    """What is told of sites.

    Attributes:
        properties: keys of observed properties.
        least: sensors that a site must have, and that must be heard, for a class to be told.
    """

    properties: tuple[str, ...] = ()
    least: int = 5


def describe_sites(picture: Picture, things: AbstractSet[int], scales: Scales, wanted: Classes, now: int) -> bytes:
    """Return the sites and their classes as JSON; `things` are those that count."""
    by_site: dict[str, list[Thing]] = {}
    for number, thing in picture.things.items():
        if number in things and thing.place.site and not thing.place.is_test:
            by_site.setdefault(thing.place.site, []).append(thing)
    sites = []
    for site, members in sorted(by_site.items()):
        classes = {}
        for key in wanted.properties:
            measuring = [thing for thing in members if key in thing.values]
            if len(measuring) >= wanted.least:
                classes[key] = _class(measuring, key, scales, wanted.least, now)
        if classes:
            sites.append({**_site(site, [thing.place for thing in members]), "classes": classes})
    known = {series.property: series for series in picture.series.values() if series.property in wanted.properties}
    return msgspec.json.encode(
        {
            "time": text(now - now % MINUTE),
            "properties": {
                key: property_description(key, known[key].name, known[key].unit, scales.usual(key))
                for key in wanted.properties
                if key in known
            },
            "sites": sites,
        }
    )


def _class(things: Sequence[Thing], key: str, scales: Scales, least: int, now: int) -> Mapping[str, Any] | None:
    """Return the class of the middle one of those that are heard, of two the worse; None where they are too few."""
    ranks = []
    for thing in things:
        place, value = thing.place, thing.values[key]
        rank = scales.at(place, key).rank(value.result)
        is_heard = state_of(value.time, place.expected_interval, now) in _HEARD
        if rank is not None and is_heard and not value.quality & _UNSOUND:
            ranks.append(rank)
    if len(ranks) < least:
        return None
    rank = sorted(ranks)[len(ranks) // 2]
    return {"rank": rank, "name": _name(scales.usual(key), rank)}


def _name(scale: Scale, rank: int) -> str:
    named = {band["rank"]: str(band["name"]) for band in scale.described()}
    return named.get(rank) or named.get(max(named, default=0), "")


def _site(site: str, places: Sequence[Place]) -> dict[str, Any]:
    where = [(place.longitude, place.latitude) for place in places]
    known = [(east, north) for east, north in where if east is not None and north is not None]
    return {
        "site": site,
        "name": next((place.site_name for place in places if place.site_name), site),
        "municipality": next((place.municipality for place in places if place.municipality), ""),
        "is_synthetic": any(place.is_synthetic for place in places),
        "longitude": round(fmean(east for east, _ in known), _DIGITS) if known else None,
        "latitude": round(fmean(north for _, north in known), _DIGITS) if known else None,
    }
