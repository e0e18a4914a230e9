"""The JSON that viewers get; docs/developers/live.md explains each member.

Everything here is a plain function of the picture: what a viewer may see, and since when, is decided by the caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from sensor_overlay.instants import SECOND, text
from sensor_overlay.live.picture import Alert, Picture, Place, Thing, Value
from sensor_overlay.live.scales import Scale, Scales
from sensor_overlay.live.states import turns
from sensor_overlay.observed import PROPERTIES
from sensor_overlay.rules.states import state_of
from sensor_overlay.uplink import Quality

_QUALITY: Final = {
    Quality.IMPLAUSIBLE: "implausible",
    Quality.CLOCK: "clock",
    Quality.LATE: "late",
    Quality.TEST: "test",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a viewer asked for; empty sets are no limit.

    Attributes:
        sites: short ids of schools or plants.
        properties: keys of observed properties.
    """

    sites: frozenset[str] = frozenset()
    properties: frozenset[str] = frozenset()

    def has_site(self, place: Place) -> bool:
        """Return whether a thing is among what was asked for."""
        return not self.sites or place.site in self.sites

    def has_property(self, key: str) -> bool:
        """Return whether values of a property are among what was asked for."""
        return not self.properties or key in self.properties


EVERYTHING: Final = Wanted()
"""Asked for by who names no limit."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What one group of viewers gets to see.

    Attributes:
        things: ids of the things that they may see.
        wanted: what they asked for.
        knows_names: told who acknowledged and closed alerts.
        scales: what values mean.
    """

    things: frozenset[int]
    wanted: Wanted
    knows_names: bool
    scales: Scales


def shown(picture: Picture, sight: Sight) -> Iterator[Thing]:
    """Yield the things of a sight."""
    for thing_id, thing in picture.things.items():
        if thing_id in sight.things and sight.wanted.has_site(thing.place):
            yield thing


def describe(thing: Thing, sight: Sight, now: int) -> dict[str, Any]:
    """Return everything that is told of a thing."""
    place = thing.place
    described = {
        "id": str(place.id),
        "name": place.name,
        "site": place.site,
        "site_name": place.site_name,
        "building": place.building,
        "storey": place.storey,
        "room": place.room,
        "municipality": place.municipality,
        "is_test": place.is_test,
        "is_synthetic": place.is_synthetic,
        "expected_interval": place.expected_interval,
        "longitude": place.longitude,
        "latitude": place.latitude,
        "height": place.height,
        **_now(thing, now),
        "latest": {
            key: _value(value, sight.scales.at(place, key))
            for key, value in thing.values.items()
            if sight.wanted.has_property(key)
        },
    }
    if own := own_levels(thing, sight):
        described["levels"] = own
    return described


def own_levels(thing: Thing, sight: Sight) -> dict[str, Any]:
    """Return the levels of those properties of a thing whose levels are others than usual, by rules of its place."""
    found = {}
    for key in thing.values:
        scale = sight.scales.at(thing.place, key)
        if sight.wanted.has_property(key) and scale != sight.scales.usual(key):
            found[key] = scale.described()
    return found


def describe_change(thing: Thing, sight: Sight, since: int, now: int) -> dict[str, Any]:
    """Return what has changed of a thing since a commit."""
    return {
        "id": str(thing.place.id),
        **_now(thing, now),
        "latest": {
            key: _value(value, sight.scales.at(thing.place, key))
            for key, value in thing.values.items()
            if value.sequence > since and sight.wanted.has_property(key)
        },
    }


def describe_alert(alert: Alert, place: Place, sight: Sight) -> dict[str, Any]:
    """Return what is told of an alert."""
    described = {
        "id": str(alert.id),
        "thing": str(alert.thing_id),
        "site": place.site,
        "site_name": place.site_name,
        "room": place.room,
        "rule": alert.rule,
        "kind": alert.kind,
        "level": alert.level,
        "rank": alert.rank,
        "property": alert.property,
        "text": alert.text,
        "value": alert.value,
        "peak": alert.peak,
        "opened": text(alert.opened),
        "acknowledged": _time(alert.acknowledged),
        "closed": _time(alert.closed),
    }
    if sight.knows_names:
        described |= {"acknowledged_by": alert.acknowledged_by, "closed_by": alert.closed_by}
    return described


def alerts(picture: Picture, sight: Sight, since: int = -1) -> list[dict[str, Any]]:
    """Return the alerts of a sight that have changed since a commit, newest first."""
    found = []
    for alert in picture.alerts.values():
        thing = picture.things.get(alert.thing_id)
        if alert.sequence > since and thing and alert.thing_id in sight.things and sight.wanted.has_site(thing.place):
            found.append((alert.opened, alert.id, describe_alert(alert, thing.place, sight)))
    return [described for *_, described in sorted(found, key=lambda entry: entry[:2], reverse=True)]


def properties(picture: Picture, things: Iterable[Thing], sight: Sight) -> dict[str, Any]:
    """Return names, units and levels of every property that some things have, in the order for people."""
    occurring = {key for thing in things for key in thing.values if sight.wanted.has_property(key)}
    by_key = {series.property: series for series in picture.series.values()}
    ranked = sorted(occurring, key=lambda key: (_RANK.get(key, len(_RANK)), key))
    usual = sight.scales.usual
    return {key: property_description(key, by_key[key].name, by_key[key].unit, usual(key)) for key in ranked}


def property_description(key: str, name: str, unit: str, scale: Scale) -> dict[str, Any]:
    """Return the name, unit, decimals and levels of a property; `name` and `unit` are for one that is not known."""
    known = PROPERTIES.get(key)
    return {
        "name": {"de": known.name, "en": known.name_en} if known else {"de": name, "en": name},
        "unit": known.unit if known else unit,
        "digits": known.digits if known else None,
        "levels": scale.described(),
    }


def snapshot(picture: Picture, sight: Sight, event_id: str, now: int) -> bytes:
    """Return the message that begins each stream: everything, in place of all that was known."""
    things = list(shown(picture, sight))
    return msgspec.json.encode(
        {
            "type": "snapshot",
            "id": event_id,
            "time": _to_second(now),
            "properties": properties(picture, things, sight),
            "things": [describe(thing, sight, now) for thing in things],
            "alerts": alerts(picture, sight),
        }
    )


def changes(picture: Picture, sight: Sight, since: int, event_id: str, now: int) -> bytes | None:
    """Return the message with everything that has changed since a commit; None where nothing in sight has."""
    changed = []
    for thing in shown(picture, sight):
        if thing.sequence > since:
            entry = describe_change(thing, sight, since, now)
            if entry["latest"] or not sight.wanted.properties:
                changed.append(entry)
    told = alerts(picture, sight, since)
    if not changed and not told:
        return None
    return msgspec.json.encode(
        {"type": "changes", "id": event_id, "time": _to_second(now), "things": changed, "alerts": told}
    )


def heartbeat(event_id: str, now: int, *, is_current: bool) -> bytes:
    """Return the message that says no more than that all is told; `is_current` is false where the store is away."""
    return msgspec.json.encode({"type": "heartbeat", "id": event_id, "time": _to_second(now), "is_current": is_current})


def _now(thing: Thing, now: int) -> dict[str, Any]:
    late, stale, silent = turns(thing.last_seen, thing.place.expected_interval)
    return {
        "state": state_of(thing.last_seen, thing.place.expected_interval, now, is_test=thing.place.is_test),
        "last_seen": _time(thing.last_seen),
        "late_from": _time(late),
        "stale_from": _time(stale),
        "silent_from": _time(silent),
    }


def _value(value: Value, scale: Scale) -> dict[str, Any]:
    told: dict[str, Any] = {"time": _to_second(value.time), "value": value.result}
    quality = [word for flag, word in _QUALITY.items() if value.quality & flag]
    if quality:
        told["quality"] = quality
    reached = scale.rank(value.result)
    if reached is not None and not value.quality & Quality.IMPLAUSIBLE:
        told["level"] = reached
    return told


def _time(instant: int | None) -> str | None:
    return None if instant is None else _to_second(instant)


def _to_second(instant: int) -> str:
    """Return an instant as text; what lies below a second is of no use to a viewer."""
    return text(instant - instant % SECOND)


_RANK: Final = {key: rank for rank, key in enumerate(PROPERTIES)}
