"""What the expressions of one request share, and what they want to know of geometries before a statement can run."""

from __future__ import annotations

from dataclasses import dataclass, field

from sensor_overlay.access import Principal
from sensor_overlay.sensorthings.dialects import Dialect
from sensor_overlay.sensorthings.values import Measure


@dataclass(frozen=True, slots=True)
class Lookup:
    """What must be asked of geometries before the statement can run.

    Attributes:
        name: of the parameter that takes the answer.
        measure: the function, whose geometries they are, and its other arguments.
        operator: compares with `bound`, and the answer is a list of ids; empty: the answer is a number by id.
        bound: see `operator`.
    """

    name: str
    measure: Measure
    operator: str = ""
    bound: float | bool = True


@dataclass(slots=True)
class Request:
    """What the expressions of one HTTP request share.

    Attributes:
        principal: who asks; a path through a collection shows nothing else.
        dialect: of the database.
        now: what `now()` means, the same everywhere.
        lookups: see `Lookup`.
    """

    principal: Principal
    dialect: Dialect
    now: int
    lookups: list[Lookup] = field(default_factory=list)

    def look_up(self, measure: Measure, operator: str = "", bound: float | bool = True) -> str:
        """Return the name of the parameter that will hold the answer."""
        name = f"geometry_{len(self.lookups)}"
        self.lookups.append(Lookup(name, measure, operator, bound))
        return name
