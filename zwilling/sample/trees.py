"""A tree of the sample quarter, as picture, points and viewer share it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree or a large shrub.

    Attributes:
        x, y: its trunk, EPSG:25832.
        height: above the ground, metres.
        radius: of the crown, metres.
        is_conifer: needles instead of leaves.
    """

    x: float
    y: float
    height: float
    radius: float
    is_conifer: bool = False
