"""Coordinate texts to numbers: every way of writing one that XML Schema has, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from citygml.rings import read_rings
from citygml.surfaces import Polygon

PLAIN = "0 0 1 4 0 1 4 3.5 1 0 0 1"


def polygon(text: str) -> Polygon:
    return Polygon((text,), 0, "", False, 3)


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        f"\n      {PLAIN}\n    ",
        PLAIN.replace(" ", "\t"),
        PLAIN.replace(" 4", "\n  4"),
        "0 0 1 +4 0 1 4. 3.5 1 0 0 1",
        "00 .0 1 4e0 -0 1.0 04 35E-1 1 0 0 1",
    ],
)
def test_every_spelling_of_a_number_is_read(text: str) -> None:
    rings = read_rings([polygon(PLAIN), polygon(text), polygon(PLAIN)])
    assert not rings.is_unreadable.any()
    assert rings.length.tolist() == [3, 3, 3]
    assert rings.vertices.tolist() == [[0, 0, 1], [4, 0, 1], [4, 3.5, 1]] * 3


@pytest.mark.parametrize(
    "text",
    [
        "0,0 0,0 1,0 4,0 0,0 1,0 4,0 3,5 1,0 0,0 0,0 1,0",  # 24 numbers, were the comma a blank
        "[0 0 1] 4 0 1 4 3.5 1 0 0 1",
        "0 0 1 4 0 1 4 null 1 0 0 1",
        '0 0 1 4 0 1 4 "3.5" 1 0 0 1',
        "0 0 1 4 0 1 4 true 1 0 0 1",
        "0 0 1 4 0 1 4 NaN 1 0 0 1",
        "0 0 1 4 0 1 4 1e400 1 0 0 1",
        "",
    ],
)
def test_what_is_no_number_costs_its_own_ring_alone(text: str) -> None:
    rings = read_rings([polygon(PLAIN), polygon(text), polygon(PLAIN)])
    assert rings.is_unreadable.tolist() == [False, True, False]
    assert rings.length.tolist() == [3, 0, 3]


def test_numbers_are_the_nearest_doubles() -> None:
    texts = ["343995.306", "5673922.825", "42.871", "0.1", "1e-7", "1234.5678901234567"]
    rings = read_rings([polygon(f"{' '.join(texts)} 1 2 3")])
    assert np.array_equal(rings.vertices.ravel()[:6], [float(text) for text in texts])
