"""Rules as they are applied: the settings, compiled and checked against what is observed."""

from __future__ import annotations

import difflib
import fnmatch
import logging
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final, Protocol

from sensor_overlay.instants import MINUTE, SECOND
from sensor_overlay.observed import BY_ALIAS, PROPERTIES
from sensor_overlay.rules.calendar import Calendar, Holidays, read_holidays
from sensor_overlay.rules.quiet import ALWAYS_AWAKE, Quiet
from zwilling.errors import SettingsError
from zwilling.region import Region
from zwilling.sensor_settings import LevelSettings, RecipientSettings, RuleSettings, SensorSettings

_REMEMBERED: Final = 20_000
_WELL_AHEAD: Final = timedelta(days=90)

logger = logging.getLogger(__name__)


class Placed(Protocol):
    """What a rule looks at in a thing."""

    @property
    def site(self) -> str:
        """Short id of its school or plant."""

    @property
    def municipality(self) -> str:
        """Name of its municipality."""

    @property
    def room(self) -> str:
        """Its room."""


@dataclass(frozen=True, slots=True)
class Level:
    """One step of a rule.

    Attributes:
        name: for people.
        limit: value from which it is passed.
        clear: value beyond which it is left.
        lasting: microseconds that it must last.
        readings: values in a row that it takes.
        is_urgent: it is told in quiet times, too.
        text: what is told, with places to be filled in.
    """

    name: str
    limit: float
    clear: float
    lasting: int
    readings: int
    is_urgent: bool
    text: str


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who is told.

    Attributes:
        id: in the settings.
        channels: `mail`, `webhook`.
        sites: nothing of other sites is told; empty for all.
    """

    id: str
    channels: tuple[str, ...]
    sites: frozenset[str]

    def hears_of(self, site: str) -> bool:
        """Return whether something at a site is told."""
        return not self.sites or site in self.sites


@dataclass(frozen=True, slots=True)
class Rule:
    """What is told, about what, to whom, and when not.

    Attributes:
        id: in the settings.
        title: for people.
        observed_property: key; empty for silence.
        rises: levels are passed upward.
        levels: mildest first; none for silence.
        sites, municipalities: what it is for; empty for all.
        rooms: patterns; empty for all.
        silent_after: expected intervals.
        quiet: when nothing is sent.
        recipients: who is told.
        escalate_after: microseconds outside quiet times; 0 never.
        escalate_to: who is told then.
        tells_end: the end is told, too.
    """

    id: str
    title: str
    observed_property: str
    rises: bool
    levels: tuple[Level, ...]
    sites: frozenset[str]
    municipalities: frozenset[str]
    rooms: tuple[str, ...]
    silent_after: float
    quiet: Quiet
    recipients: tuple[Recipient, ...]
    escalate_after: int
    escalate_to: tuple[Recipient, ...]
    tells_end: bool

    def is_about(self, thing: Placed) -> bool:
        """Return whether the rule is for a thing."""
        return (
            (not self.sites or thing.site in self.sites)
            and (not self.municipalities or thing.municipality in self.municipalities)
            and (not self.rooms or _is_like(thing.room, self.rooms))
        )

    def is_silent(self, last: int | None, expected_interval: int, now: int) -> bool:
        """Return whether a sensor is silent by this rule; one that was never heard is not.

        Args:
            last: instant at which it was heard last.
            expected_interval: seconds.
            now: instant.
        """
        return last is not None and last + int(expected_interval * self.silent_after * SECOND) <= now

    def quiet_at(self, rank: int) -> Quiet:
        """Return when nothing is sent of a level: never, where it or a milder one is urgent.

        Args:
            rank: of the level; one that the rule has no more counts as the worst; any for a rule about silence.
        """
        return ALWAYS_AWAKE if any(level.is_urgent for level in self.levels[: rank + 1]) else self.quiet

    def heard_by(self, site: str) -> tuple[Recipient, ...]:
        """Return those who are told of something at a site."""
        return tuple(recipient for recipient in self.recipients if recipient.hears_of(site))


@lru_cache(_REMEMBERED)
def _is_like(room: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(room.lower(), pattern.lower()) for pattern in patterns)


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules of a twin.

    Attributes:
        levels: about values.
        silences: about sensors that are no longer heard.
        recipients: everybody who is told, by id.
    """

    levels: tuple[Rule, ...]
    silences: tuple[Rule, ...]
    recipients: dict[str, Recipient]

    def named(self, rule_id: str) -> Rule | None:
        """Return the rule with this id."""
        return next((rule for rule in (*self.levels, *self.silences) if rule.id == rule_id), None)


def compile_rules(settings: SensorSettings, calendar: Calendar, *, source: object = None) -> Rules:
    """Return the rules that the settings state, whose cross references were checked when they were loaded.

    Args:
        settings: `[sensors]`.
        calendar: free days.
        source: `zwilling.toml`, for messages.

    Raises:
        SettingsError: a rule is about a property under a name that is not its key.
    """
    recipients = {recipient.id: _recipient(recipient) for recipient in settings.recipient}
    rules = [_rule(rule, recipients, calendar, source) for rule in settings.rule]
    return Rules(
        tuple(rule for rule in rules if rule.levels), tuple(rule for rule in rules if not rule.levels), recipients
    )


def calendar_of(region: Region, settings: SensorSettings, base: Path) -> Calendar:
    """Return the free days of a region, and those and the calendars that the settings name.

    Args:
        region: the county.
        settings: `[sensors]`.
        base: folder of `zwilling.toml`.

    Raises:
        SettingsError: a calendar cannot be read.
    """
    decreed = [Holidays(*each) for each in (*region.school_holidays, *settings.free_days)]
    own = [each for name in settings.holiday_calendars for each in read_holidays(base / name)]
    calendar = Calendar(region.state, [*decreed, *own])
    if any(rule.quiet_holidays for rule in settings.rule):
        known = calendar.known_until
        if known is None or known < date.today() + _WELL_AHEAD:  # noqa: DTZ011 - by the clock on the wall
            logger.warning(
                "school holidays are known until %s only: rules with quiet_holidays will tell in later ones; name newer"
                " ones in [sensors] free_days or holiday_calendars",
                known or "today",
            )
    return calendar


def _recipient(settings: RecipientSettings) -> Recipient:
    channels = tuple(
        channel for channel, address in (("mail", settings.mail), ("webhook", settings.webhook)) if address
    )
    return Recipient(settings.id, channels, frozenset(settings.sites))


def _rule(settings: RuleSettings, recipients: dict[str, Recipient], calendar: Calendar, source: object) -> Rule:
    observed = settings.observed_property
    if observed and observed not in PROPERTIES:
        _refuse_misspelt(settings, source)
    quiet = Quiet(
        _time(settings.quiet_from),
        _time(settings.quiet_until),
        settings.quiet_weekends,
        calendar if settings.quiet_holidays else None,
    )
    return Rule(
        id=settings.id,
        title=settings.title or settings.id,
        observed_property=observed,
        rises=bool(settings.level) and settings.level[0].above is not None,
        levels=tuple(_level(level) for level in settings.level),
        sites=frozenset(settings.sites),
        municipalities=frozenset(settings.municipalities),
        rooms=tuple(settings.rooms),
        silent_after=settings.after_intervals,
        quiet=quiet,
        recipients=tuple(recipients[name] for name in dict.fromkeys(settings.recipients)),
        escalate_after=round(settings.escalate_after * MINUTE),
        escalate_to=tuple(recipients[name] for name in dict.fromkeys(settings.escalate_to)),
        tells_end=settings.tell_end,
    )


def _refuse_misspelt(settings: RuleSettings, source: object) -> None:
    """Refuse another spelling of a property that we know; a device's own property is anybody's guess, and passes."""
    observed = settings.observed_property
    known = BY_ALIAS.get(observed.strip().lower())
    near = [known] if known else difflib.get_close_matches(observed.lower(), PROPERTIES, n=1, cutoff=0.7)
    if near:
        raise SettingsError(
            f"there is no observed property '{observed}'",
            source=source,
            where=f"sensors.rule '{settings.id}'.observed_property",
            remedy=f"did you mean '{near[0]}'?",
        )


def _level(settings: LevelSettings) -> Level:
    clear = settings.limit if settings.clear is None else settings.clear
    lasting = round(settings.minutes * 60 * SECOND)
    return Level(settings.name, settings.limit, clear, lasting, settings.readings, settings.urgent, settings.text)


def _time(text: str) -> time | None:
    return time.fromisoformat(text) if text else None
