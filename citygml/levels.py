"""Which of a building's levels of detail is drawn."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TypeVar

Level = TypeVar("Level", int, float)


def by_preference(levels: Iterable[Level], wish: int | None) -> list[Level]:
    """Return a building's levels, the one to be drawn first, then what stands in for it where it has no surface.

    Args:
        levels: what there is; CityJSON divides levels further, as in 2.2.
        wish: the level that the user chose; None for the highest there is.

    Example:
        >>> by_preference([0, 1, 2, 3], None), by_preference([0, 1, 3, 4], 2), by_preference([1.2, 2.0, 2.2], 2)
        ([3, 2, 1, 0], [1, 0, 3, 4], [2.2, 2.0, 1.2])
    """
    falling = sorted(levels, reverse=True)
    if wish is None:
        return falling
    nearest = [level for level in falling if math.floor(level) == wish]
    lower = [level for level in falling if math.floor(level) < wish]
    return nearest + lower + [level for level in reversed(falling) if math.floor(level) > wish]
