"""What a path of the service means.

Spec: OGC 18-088, 9.2 (resource paths): `Things(1)/Datastreams(2)/Observations`, `…/name`, `…/name/$value`, `…/$ref`.
Members of documents have addresses as in FROST-Server: `Things(1)/properties/site`, `…/properties/tags[0]`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sensor_overlay.sensorthings.errors import BadRequestError, NotFoundError
from sensor_overlay.sensorthings.model import COLLECTIONS, ENTITIES, Entity, Kind, Property, ToMany, ToOne

MAX_STEPS: Final = 12
"""Entities in one path."""
LARGEST_ID: Final = 2**63 - 1

_SEGMENT = re.compile(r"([A-Za-z]+)(?:\((.{1,100})\))?")
_MEMBER = re.compile(r"([^\[\]]+)((?:\[\d{1,9}\])*)")
_WITH_MEMBERS = (Kind.DOCUMENT, Kind.GEOMETRY, Kind.UNIT)


@dataclass(frozen=True, slots=True)
class Step:
    """An entity on the way.

    Attributes:
        entity: what it is.
        navigation: how it is reached from the step before; None for the first.
        id: which one; None where the step before has only one, or all of them are meant.
    """

    entity: Entity
    navigation: ToOne | ToMany | None
    id: int | None

    @property
    def is_collection(self) -> bool:
        """Whether it leads to several."""
        return self.id is None and not isinstance(self.navigation, ToOne)


@dataclass(frozen=True, slots=True)
class Address:
    """What a path leads to.

    Attributes:
        path: as it came, without slashes at its ends.
        steps: at least one.
        named: property of the last entity, where the path names one.
        members: names and places in lists that lead into that property, where the path goes on.
        names_id: the path names the id, which is no property of the model.
        is_value: the property alone (`$value`).
        is_reference: the addresses of entities alone (`$ref`).
    """

    path: str
    steps: tuple[Step, ...]
    named: Property | None = None
    members: tuple[str | int, ...] = ()
    names_id: bool = False
    is_value: bool = False
    is_reference: bool = False

    @property
    def methods(self) -> tuple[str, ...]:
        """Methods of HTTP that write here."""
        if self.last.is_collection:
            return () if self.is_reference else ("POST",)
        is_whole = not (self.named or self.names_id or self.is_reference)
        return ("PATCH", "PUT", "DELETE") if is_whole else ()

    @property
    def last(self) -> Step:
        """The last entity."""
        return self.steps[-1]


def parse_address(path: str) -> Address:
    """Return what a path below the service's root means, for example `Things(1)/Datastreams`.

    Raises:
        NotFoundError: it cannot mean anything.
        BadRequestError: it has more steps than are taken.
    """
    segments = path.strip("/").split("/")
    if len(segments) > MAX_STEPS:
        raise BadRequestError(f"a path has at most {MAX_STEPS} steps")
    is_value = is_reference = False
    if segments[-1] == "$value":
        is_value = True
        segments.pop()
    elif segments[-1] == "$ref":
        is_reference = True
        segments.pop()
    steps: list[Step] = []
    found: Property | None = None
    members: tuple[str | int, ...] = ()
    is_id = False
    for index, segment in enumerate(segments):
        step = _step(segment, steps[-1] if steps else None)
        if step is not None:
            steps.append(step)
            continue
        if not steps or steps[-1].is_collection:
            raise NotFoundError
        rest = segments[index + 1 :]
        is_id = segment in ("id", "@iot.id") and not rest
        found = steps[-1].entity.properties.get(segment)
        if (found is None and not is_id) or (rest and (found is None or found.kind not in _WITH_MEMBERS)):
            raise NotFoundError
        members = _members(rest)
        break
    if not steps or (is_value and found is None and not is_id) or (is_reference and (found is not None or is_id)):
        raise NotFoundError
    return Address(path.strip("/"), tuple(steps), found, members, is_id, is_value, is_reference)


def _members(segments: list[str]) -> tuple[str | int, ...]:
    found: list[str | int] = []
    for segment in segments:
        match = _MEMBER.fullmatch(segment)
        if match is None:
            raise NotFoundError
        name, places = match.groups()
        found += [name, *(int(place) for place in places[1:-1].split("][") if place)]
    return tuple(found)


def _step(segment: str, before: Step | None) -> Step | None:
    """Return the entity that a segment names, or None where it can only be a property."""
    match = _SEGMENT.fullmatch(segment)
    if match is None:
        return None
    name, key = match.groups()
    if before is None:
        entity = COLLECTIONS.get(name)
        if entity is None:
            raise NotFoundError
        return Step(entity, None, None if key is None else parse_id(key))
    if before.is_collection:
        return None
    navigation = before.entity.navigations.get(name)
    if navigation is None:
        return None
    if key is not None and isinstance(navigation, ToOne):
        raise NotFoundError
    return Step(ENTITIES[navigation.target], navigation, None if key is None else parse_id(key))


def parse_id(text: str) -> int:
    """Return the id that stands in parentheses, with or without quotation marks; ours are whole numbers.

    Raises:
        NotFoundError: it cannot be one of ours.
    """
    plain = text.strip()
    if len(plain) > 2 and plain[0] == plain[-1] == "'":
        plain = plain[1:-1]
    if not (plain.isascii() and plain.isdecimal()) or len(plain) > 19 or int(plain) > LARGEST_ID:
        raise NotFoundError
    return int(plain)
