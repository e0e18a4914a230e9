"""What values mean for people: the steps that a county's own rules name, so that colours, words and alerts agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from sensor_overlay.rules.rule import Placed, Rule

_Steps = tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class Scale:
    """Steps of one property; each is worse than the one before.

    Attributes:
        best: name of where no step is reached.
        rises: limits that are reached from below, rising, each with its name.
        falls: limits that are reached from above, falling, each with its name; all below those of `rises`.
    """

    best: str = ""
    rises: _Steps = ()
    falls: _Steps = ()

    def rank(self, value: float) -> int | None:
        """Return how many steps a value has passed, a limit itself included; None where there are none at all.

        Example:
            >>> scale = Scale("gut", ((26, "warm"), (30, "heiß")), ((18, "kalt"),))
            >>> [scale.rank(value) for value in (18, 18.1, 26, 29.9, 31)], Scale().rank(1)
            ([1, 0, 1, 1, 2], None)
        """
        if not (self.rises or self.falls):
            return None
        below = sum(value <= limit for limit, _ in self.falls)
        return below or sum(value >= limit for limit, _ in self.rises)

    def described(self) -> list[dict[str, Any]]:
        """Return the ranges that the steps cut numbers into, from the least on, as JSON.

        Example:
            >>> [band["rank"] for band in Scale("gut", ((26, "warm"),), ((18, "kalt"),)).described()]
            [1, 0, 1]
        """
        if not (self.rises or self.falls):
            return []
        ends = [limit for limit, _ in reversed(self.falls)]
        low = [(name, rank) for rank, (_, name) in reversed(list(enumerate(self.falls, 1)))]
        high = [(name, rank) for rank, (_, name) in enumerate(self.rises, 1)]
        begins = [None, *ends, *(limit for limit, _ in self.rises)]
        named = [*low, (self.best, 0), *high]
        return [{"from": begin, "name": name, "rank": rank} for begin, (name, rank) in zip(begins, named, strict=True)]


UNRATED: Final = Scale()
"""Of a property whose values mean nothing by themselves."""

GUIDES: Final[Mapping[str, Scale]] = MappingProxyType(
    {"co2": Scale("gut", ((1_000.0, "lüften"), (2_000.0, "dringend lüften")))}
)
"""Where no rule says anything. CO2: Umweltbundesamt, "Gesundheitliche Bewertung von Kohlendioxid in der Innenraumluft"
(Bundesgesundheitsblatt 51, 2008): below 1,000 ppm harmless, up to 2,000 elevated, above unacceptable."""

BEST: Final = "normal"
"""What is said of a property without a guide as long as no rule's level is reached."""


class Scales:
    """The scales of a twin, by its rules."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        """Take up the rules about values; what they say to whom is left aside."""
        self._rules: dict[str, list[Rule]] = {}
        for rule in rules:
            if rule.levels:
                self._rules.setdefault(rule.observed_property, []).append(rule)
        self._made: dict[tuple[str, tuple[str, ...]], Scale] = {}

    def usual(self, key: str) -> Scale:
        """Return the scale of a property wherever no rule of a single place says otherwise."""
        rules = self._rules.get(key, ())
        return self._scale(key, [rule for rule in rules if not (rule.sites or rule.municipalities or rule.rooms)])

    def at(self, place: Placed, key: str) -> Scale:
        """Return the scale of a property at a place: the levels of all rules that are about it."""
        rules = self._rules.get(key)
        if rules is None:
            return GUIDES.get(key, UNRATED)
        return self._scale(key, [rule for rule in rules if rule.is_about(place)])

    def _scale(self, key: str, rules: Sequence[Rule]) -> Scale:
        if not rules:
            return GUIDES.get(key, UNRATED)
        known = key, tuple(rule.id for rule in rules)
        if known not in self._made:
            guide = GUIDES.get(key)
            self._made[known] = scale_of(rules, BEST if guide is None else guide.best)
        return self._made[known]


def scale_of(rules: Sequence[Rule], best: str) -> Scale:
    """Return the scale of several rules about one property; of two levels with one limit the first rule names it.

    Levels that fall are left out where they lie above one that rises: no value would be the best then.
    """
    rises: dict[float, str] = {}
    falls: dict[float, str] = {}
    for rule in rules:
        for level in rule.levels:
            (rises if rule.rises else falls).setdefault(level.limit, level.name)
    least = min(rises, default=float("inf"))
    return Scale(
        best,
        tuple(sorted(rises.items())),
        tuple(sorted(((limit, name) for limit, name in falls.items() if limit < least), reverse=True)),
    )
