"""Crowns of trees seen from above, with their shadows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from zwilling.rasters import Window
from zwilling.sample.ground import noise
from zwilling.sample.ground.scene import SHADOW, SUN
from zwilling.sample.trees import Tree

_SIZE = 2048
_SHADE = 0.86  # what a crown takes of the sun
_LEAVES = ((86, 104, 62, 186), (74, 95, 58, 176), (96, 110, 64, 200), (104, 110, 70, 190), (70, 86, 56, 168))
_NEEDLES = (56, 72, 56, 140)

_Cut = tuple[slice, slice, NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


class Crowns:
    """The trees of a scene, from low to high: higher crowns hide lower ones."""

    def __init__(self, trees: Sequence[Tree], seed: int) -> None:
        self._trees = sorted(trees, key=lambda tree: (tree.height, tree.x, tree.y))
        self._bounds = np.array(
            [(t.x - _reach(t), t.y - _reach(t), t.x + _reach(t), t.y + _reach(t)) for t in self._trees], np.float64
        ).reshape(-1, 4)
        octaves = ((8, 0.5), (20, 0.55), (44, 0.3))
        lumps = noise.smooth(seed * 3 + 7, 0, 0, _SIZE, _SIZE, octaves).astype(np.float32) / 128.0
        self._lumps = lumps
        # Light on the lumps: how steeply they rise towards the sun, which stands in the south-south-east.
        self._light = (np.roll(lumps, (-3, -2), (0, 1)) - np.roll(lumps, (3, 2), (0, 1))) * np.float32(-0.9)

    def _within(self, frame: Window) -> Iterator[Tree]:
        b, box = self._bounds, frame.rectangle
        hit = (b[:, 0] <= box.east) & (b[:, 2] >= box.west) & (b[:, 1] <= box.north) & (b[:, 3] >= box.south)
        for i in np.flatnonzero(hit):
            yield self._trees[i]

    def shade(self, shadow: NDArray[np.uint8], frame: Window) -> None:
        """Add the crowns' shadows to those of the buildings."""
        for tree in self._within(frame):
            lift = max(tree.height - tree.radius * 0.9, 0.6)
            cut = self._cut(tree, frame, tree.x + SHADOW[0] * lift, tree.y + SHADOW[1] * lift)
            if cut is None:
                continue
            rows, columns, inside, _, _ = cut
            dark = np.clip(inside * np.float32(255 * 3.2), 0, np.float32(255 * _SHADE)).astype(np.uint8)
            np.maximum(shadow[rows, columns], dark, out=shadow[rows, columns])

    def paint(self, picture: NDArray[np.uint8], frame: Window) -> None:
        """Paint the crowns."""
        for tree in self._within(frame):
            cut = self._cut(tree, frame, tree.x, tree.y)
            if cut is None:
                continue
            rows, columns, inside, slope, light = cut
            number = round(tree.x * 7.0 + tree.y * 13.0)
            base = _NEEDLES if tree.is_conifer else _LEAVES[number % len(_LEAVES)]
            alpha = np.clip(inside * np.float32(5.0), 0, 1)
            bright = np.clip(np.float32(0.86) + slope * np.float32(0.36) + light * np.float32(0.5), 0.34, 1.6)
            part = picture[rows, columns]
            warmth = (number // 7 % 9 - 4) * 1.6
            for band in range(4):
                shift = (warmth, 0.0, -warmth * 0.6, 0.0)[band]
                colour = np.minimum((base[band] + shift) * bright, 250)
                old = part[:, :, band]
                part[:, :, band] = (old + (colour - old) * alpha).astype(np.uint8)

    def _cut(self, tree: Tree, frame: Window, x: float, y: float) -> _Cut | None:
        """Return where a crown lies in the frame, how far inside of it each pixel is, slope to the sun, lumps."""
        size, radius = frame.resolution, tree.radius
        reach = radius * 1.2
        # Counted on the grid of the whole country, so that a crown on an edge is the same in both windows.
        column, row = round(frame.west / size), round(frame.north / size)
        left, right = math.floor((x - reach) / size), math.ceil((x + reach) / size)
        low, high = math.floor((y - reach) / size), math.ceil((y + reach) / size)
        c0, c1 = max(left - column, 0), min(right - column, frame.width)
        r0, r1 = max(row - high, 0), min(row - low, frame.height)
        if c0 >= c1 or r0 >= r1:
            return None
        dx = ((np.arange(c0, c1) + column + 0.5) * size - x).astype(np.float32) / np.float32(radius)
        dy = ((row - np.arange(r0, r1) - 0.5) * size - y).astype(np.float32) / np.float32(radius)
        number = round(tree.x * 10.0) * 37 + round(tree.y * 10.0) * 101
        span_x, span_y = right - left, high - low
        at_x, at_y = number % max(_SIZE - span_x, 1), number // 3 % max(_SIZE - span_y, 1)
        top, side = row - high, left - column
        lines = slice(at_y + r0 - top, at_y + r1 - top)
        across = slice(at_x + c0 - side, at_x + c1 - side)
        lumps, light = self._lumps[lines, across], self._light[lines, across]
        distance = (dx * dx)[None, :] + (dy * dy)[:, None]
        inside = np.float32(0.92) - distance + lumps * np.float32(0.42)
        if tree.is_conifer:
            inside *= np.float32(1.2)
        slope = dx[None, :] * np.float32(SUN[0] * 1.4) + dy[:, None] * np.float32(SUN[1] * 1.4)
        return slice(r0, r1), slice(c0, c1), inside, slope, light


def _reach(tree: Tree) -> float:
    return tree.radius * 1.3 + tree.height
