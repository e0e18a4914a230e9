"""The house types of the quarter: how each one's roof sits on its plan.

Frame of every house: `u` runs along the street, `v` from the street into the block; metres.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from zwilling.sample.joining import join
from zwilling.sample.solids import GABLE_END, End, Point, Profile, RoofType, Solid, prism, strip, tent

STOREY = 2.95  # metres from floor to floor


@dataclass(frozen=True, slots=True)
class Frame:
    """A place to build: origin on the building line, unit vectors along the street and into the block."""

    origin: Point
    along: Point
    inward: Point

    def at(self, u: float, v: float) -> Point:
        """Return the point `u` along the street and `v` behind the building line."""
        return (
            self.origin[0] + u * self.along[0] + v * self.inward[0],
            self.origin[1] + u * self.along[1] + v * self.inward[1],
        )

    def moved(self, u: float, v: float) -> Frame:
        """Return the same frame with its origin elsewhere."""
        return Frame(self.at(u, v), self.along, self.inward)

    def turned(self) -> Frame:
        """Return the frame whose `u` runs into the block and whose `v` runs against the street."""
        return Frame(self.origin, self.inward, (-self.along[0], -self.along[1]))

    def rectangle(self, u0: float, v0: float, u1: float, v1: float) -> list[Point]:
        """Return a rectangle counter-clockwise."""
        return [self.at(u0, v0), self.at(u1, v0), self.at(u1, v1), self.at(u0, v1)]


def gable_profile(depth: float, eave: float, pitch_deg: float) -> Profile:
    """Return the cross-section of a gable roof from the street's eaves at 0 to the garden's at `depth`."""
    rise = depth / 2 * math.tan(math.radians(pitch_deg))
    return ((0.0, eave), (depth / 2, eave + rise), (depth, eave))


def mansard_profile(depth: float, eave: float) -> Profile:
    """Return the cross-section of a mansard roof: a steep storey below, a shallow top."""
    inset, steep = 1.3, 2.9
    return (
        (0.0, eave),
        (inset, eave + steep),
        (depth / 2, eave + steep + (depth / 2 - inset) * 0.42),
        (depth - inset, eave + steep),
        (depth, eave),
    )


def pent_profile(depth: float, front: float, back: float) -> Profile:
    """Return the cross-section of a pent roof."""
    return ((0.0, front), (depth, back))


def barrel_profile(depth: float, eave: float, rise: float, pieces: int = 8) -> Profile:
    """Return the cross-section of an arched roof as a polygon."""
    return tuple(
        (depth * i / pieces, eave + rise * math.sin(math.pi * i / pieces) ** 0.8 if 0 < i < pieces else eave)
        for i in range(pieces + 1)
    )


def shed_profile(depth: float, eave: float, bay: float, rise: float) -> Profile:
    """Return the sawtooth of a factory hall."""
    count = max(2, round(depth / bay))
    points: list[Point] = []
    for i in range(count):
        points += [(depth * i / count, eave), (depth * (i + 1) / count, eave + rise)]
    return tuple(points)


def along_street(
    frame: Frame,
    width: float,
    profile: Profile,
    roof_type: RoofType,
    *,
    start: End = GABLE_END,
    end: End = GABLE_END,
    start_across: Point | None = None,
    end_across: Point | None = None,
) -> Solid:
    """Return a house whose ridge runs along the street; the profile starts at the building line."""
    return strip(
        (frame.at(0.0, 0.0), frame.at(width, 0.0)),
        profile,
        roof_type,
        start=start,
        end=end,
        start_across=start_across,
        end_across=end_across,
    )


def gable_to_street(frame: Frame, width: float, depth: float, eave: float, pitch_deg: float, end: End) -> Solid:
    """Return a house whose gable looks at the street."""
    rise = width / 2 * math.tan(math.radians(pitch_deg))
    half = width / 2
    roof = RoofType.HALF_HIP if end.fraction else RoofType.HIP if end.inset else RoofType.GABLE
    return strip(
        (frame.at(half, 0.0), frame.at(half, depth)),
        ((-half, eave), (0.0, eave + rise), (half, eave)),
        roof,
        start=end,
        end=end,
    )


def detached(rng: random.Random, frame: Frame, width: float, depth: float, style: Style) -> tuple[Solid, ...]:
    """Return a house with a garden around it: gable, hip, half-hip, tent, pent or flat roof, some L-shaped."""
    eave, pitch = style.eave + rng.uniform(-0.15, 0.15), style.pitch_deg + rng.uniform(-2, 2)
    kind = rng.choices(("gable", "across", "hip", "half-hip", "tent", "pent", "flat", "corner", "wing"), style.mix)[0]
    profile = gable_profile(depth, eave, pitch)
    if kind == "across":
        return (gable_to_street(frame, min(width, depth), max(width, depth), eave, pitch, GABLE_END),)
    if kind == "hip" and width > depth * 1.12:
        inset = End(depth / 2)
        return (along_street(frame, width, profile, RoofType.HIP, start=inset, end=inset),)
    if kind == "half-hip" and width > 9.0:
        cut = End(depth / 2 * 0.45, 0.55)
        return (along_street(frame, width, profile, RoofType.HALF_HIP, start=cut, end=cut),)
    if kind in ("tent", "hip"):
        apex = frame.at(width / 2, depth / 2)
        height = eave + min(width, depth) / 2 * math.tan(math.radians(pitch - 8))
        return (tent(frame.rectangle(0, 0, width, depth), eave, (*apex, height), RoofType.TENT),)
    if kind == "pent":
        low, high = (eave, eave + depth * 0.3) if rng.random() < 0.4 else (eave + depth * 0.28, eave)
        if rng.random() < 0.4:
            half = depth * 0.55
            step = ((0.0, eave), (half, eave + half * 0.36), (half, eave + 0.6), (depth, eave + 0.1))
            return (along_street(frame, width, step, RoofType.OFFSET_PENT),)
        return (along_street(frame, width, pent_profile(depth, low, high), RoofType.PENT),)
    if kind == "flat":
        return _bungalow(rng, frame, width, depth)
    if kind == "corner" and width > 9.0:
        return (corner_house(rng, frame, width, depth, eave, pitch),)
    if kind == "wing" and width > 9.0:
        return _with_wing(rng, frame, width, depth, eave, pitch)
    return (along_street(frame, width, profile, RoofType.GABLE),)


def corner_house(rng: random.Random, frame: Frame, width: float, depth: float, eave: float, pitch: float) -> Solid:
    """Return an L-shaped house: one roof with a hip outside and a valley inside the corner."""
    half = min(depth, 8.4) / 2
    rise = half * math.tan(math.radians(pitch))
    leg = half * 2 + rng.uniform(3.4, 5.2)
    if rng.random() < 0.5:
        nodes = (frame.at(half, leg), frame.at(half, half), frame.at(width, half))
    else:
        nodes = (frame.at(0.0, half), frame.at(width - half, half), frame.at(width - half, leg))
    ends = End(half * 0.9) if rng.random() < 0.35 else GABLE_END
    profile = ((-half, eave), (0.0, eave + rise), (half, eave))
    return strip(nodes, profile, RoofType.HIP if ends.inset else RoofType.GABLE, start=ends, end=ends)


def _bungalow(rng: random.Random, frame: Frame, width: float, depth: float) -> tuple[Solid, ...]:
    height = rng.choice((3.1, 3.2, 3.3, 6.1))
    if height > 4 or width < 10:
        return (prism(frame.rectangle(0, 0, width, depth), height, RoofType.FLAT),)
    if width > 11.2 and rng.random() < 0.5:  # atrium house
        court = [frame.at(3.6, 3.4), frame.at(3.6, depth - 3.0), frame.at(width - 3.6, depth - 3.0),
                 frame.at(width - 3.6, 3.4)]  # fmt: skip
        return (prism(frame.rectangle(0, 0, width, depth), height, RoofType.FLAT, (court,)),)
    cut = width * rng.uniform(0.45, 0.6)
    outline = [frame.at(0, 0), frame.at(width, 0), frame.at(width, depth * 0.62), frame.at(cut, depth * 0.62),
               frame.at(cut, depth), frame.at(0, depth)]  # fmt: skip
    return (prism(outline, height, RoofType.FLAT),)


def _with_wing(
    rng: random.Random, frame: Frame, width: float, depth: float, eave: float, pitch: float
) -> tuple[Solid, ...]:
    """Return a gable-roofed house with a lower part behind it: a conservatory, a kitchen, a flat-roofed living room."""
    main = along_street(frame, width, gable_profile(depth, eave, pitch), RoofType.GABLE)
    wide, deep = rng.uniform(3.5, 5.5), rng.uniform(2.6, 4.2)
    u = rng.choice((0.0, width - wide, rng.uniform(1.0, width - wide - 1.0)))
    low = min(eave - 0.4, 2.7)
    part = frame.moved(u, depth)
    if rng.random() < 0.5:
        wing = prism(part.rectangle(0, 0, wide, deep), low, RoofType.FLAT)
    else:
        wing = along_street(part, wide, pent_profile(deep, min(eave - 0.2, low + 0.55), low - 0.3), RoofType.PENT)
    return join((main, wing))


@dataclass(frozen=True, slots=True)
class Style:
    """What the houses of one block have in common: height, roof, years, and how often each type is built.

    `mix` weighs: gable, gable to the street, hip, half-hip, tent, pent, flat, L-shape, gable with a lower wing.
    """

    eave: float
    pitch_deg: float
    mix: Sequence[float]
    years: tuple[int, int]
    storeys: int


DETACHED_STYLES = (
    Style(3.4, 46, (5, 3, 1, 4, 0, 0, 0, 4, 3), (1930, 1955), 1),
    Style(3.6, 38, (6, 2, 1, 0, 0, 0, 1, 6, 3), (1958, 1975), 1),
    Style(3.1, 32, (2, 0, 1, 0, 0, 1, 8, 2, 2), (1964, 1978), 1),
    Style(4.2, 40, (4, 3, 2, 6, 0, 0, 0, 6, 3), (1978, 1998), 2),
    Style(6.0, 26, (1, 0, 4, 0, 5, 3, 3, 1, 1), (2002, 2022), 2),
)
