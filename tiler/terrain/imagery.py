"""A pyramid of pictures for a globe or a web map: WebMercatorQuad, tiles of 512 x 512 pixels, WebP.

A unit of the work is a square of 8 x 8 tiles at one zoom and all tiles above them, up to one.  The finest units draw
the pictures; every later stage begins with the published tiles of the one before, so that one changed picture costs
its own tiles and their ancestors, and gives the same bytes as a build from nothing.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import numpy as np
from PIL import Image

from tiler.terrain.ground import Ground
from tiler.terrain.imagery_warp import DEGREES, TILE, Mercator, Sheet, Source, joined, reduced_alpha, zoom_for
from tiler.terrain.work import Made, Unit
from zwilling.crs.plane import transformed
from zwilling.rasters import Rectangle

FOLDER: Final = "imagery"
_ZOOMS_OF_UNIT: Final = 4
_SIDE: Final = 2 ** (_ZOOMS_OF_UNIT - 1)  # tiles along a side of a unit
_FINEST: Final = 24
# Tiles along a side that are drawn from one window of the source: bounds memory.
_AT_ONCE: Final = 4
# libwebp's fastest method: some four times as fast as its default, with a fifth more bytes (decision record 0010).
_QUALITY: Final = 75
_METHOD: Final = 0


@dataclass(frozen=True, slots=True)
class Imagery:
    """The product `imagery/`.

    Attributes:
        crs: projected CRS of `covers`.
        covers: where there are pictures.
        resolution: side of the finest pixel, metres.
        zoom: the finest one.
        title: name of the whole, for people.
        attribution: line that is shown with it.
    """

    crs: str
    covers: tuple[Rectangle, ...]
    resolution: float
    zoom: int
    title: str = ""
    attribution: str = ""

    @classmethod
    def of(cls, ground: Ground, *, title: str = "", attribution: str = "") -> Imagery:
        """Return the product for a ground that has pictures."""
        pictures = ground.pictures
        if pictures is None:
            raise ValueError("a ground without pictures has no imagery")
        covers = tuple(file.covers for file in pictures.files)
        _, south, _, north = _bounds(pictures.crs, covers)
        zoom = min(zoom_for(pictures.resolution, (south + north) / 2), _FINEST)
        return cls(pictures.crs, covers, pictures.resolution, zoom, title, attribution)

    @property
    def options(self) -> str:
        """What shapes the files."""
        return repr((self.crs, self.resolution, self.zoom, self.title, self.attribution, _QUALITY, _METHOD))

    def stages(self) -> Sequence[Sequence[Unit]]:
        """Return the units, those of the finest zoom first."""
        areas = _units_with_data(self.crs, self.covers, Mercator(self.zoom), margin=4 * self.resolution)
        stages = [[Unit(_key(self.zoom, *place), pictures=area) for place, area in areas.items()]]
        base, places = self.zoom, list(areas)
        while base >= _ZOOMS_OF_UNIT:
            base -= _ZOOMS_OF_UNIT
            side = 2**_ZOOMS_OF_UNIT
            children: dict[tuple[int, int], list[str]] = {}
            for x, y in places:
                children.setdefault((x // side, y // side), []).append(_key(base + _ZOOMS_OF_UNIT, x, y))
            places = sorted(children)
            stages.append([Unit(_key(base, *place), children=tuple(children[place])) for place in places])
        return stages

    def make(self, unit: Unit, children: Mapping[str, object], ground: Ground, scratch: Path, folder: Path) -> Made:
        """Write the tiles of a unit; see `Product.make`."""
        zoom, x, y = _numbers(unit.key)
        writer = _Writer(folder)
        if zoom == self.zoom:
            area = unit.pictures
            if ground.pictures is None or area is None:
                raise ValueError("imagery is made of pictures")
            # Of those that the unit reads, which its fingerprint knows: another one elsewhere must not move its grid.
            newest = next(cover for cover in reversed(self.covers) if cover.meets(area))
            source = Source(ground.pictures, (newest.west, newest.north), scratch)
            _draw(writer, source, Mercator(zoom), x * _SIDE, y * _SIDE, _SIDE)
        else:
            below = {(_numbers(key)[1], _numbers(key)[2]) for key, value in children.items() if value is not None}
            _join(writer, below, zoom, x * _SIDE, y * _SIDE, _SIDE)
        # What is passed on is the coarsest zoom that has a tile.  It may be a child's: little pictures fade away.
        zooms = writer.zooms | {cast(int, value) for value in children.values() if value is not None}
        if not zooms and zoom >= _ZOOMS_OF_UNIT:
            return Made((), 0, None)
        coarsest = min(zooms, default=self.zoom)
        if zoom < _ZOOMS_OF_UNIT:
            writer.note(f"{FOLDER}/tiles.json", json.dumps(self._tiles(coarsest), ensure_ascii=False).encode())
        return Made(tuple(writer.files), writer.size, coarsest)

    def _tiles(self, coarsest: int) -> dict[str, object]:
        """Return the TileJSON."""
        return {
            "tilejson": "3.0.0",
            "name": self.title,
            "scheme": "xyz",
            "format": "webp",
            "tiles": ["{z}/{x}/{y}.webp"],
            "bounds": [round(number, 7) for number in _bounds(self.crs, self.covers)],
            "minzoom": coarsest,
            "maxzoom": self.zoom,
            "tileSize": TILE,
            "attribution": self.attribution,
        }


class _Writer:
    """Writes tiles and notes which."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.files: list[str] = []
        self.zooms: set[int] = set()
        self.size = 0

    def write(self, zoom: int, x: int, y: int, picture: Image.Image) -> None:
        content = io.BytesIO()
        picture.save(content, "WEBP", quality=_QUALITY, method=_METHOD)
        self.zooms.add(zoom)
        self.note(f"{FOLDER}/{zoom}/{x}/{y}.webp", content.getvalue())

    def note(self, name: str, content: bytes) -> None:
        (self._folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self._folder / name).write_bytes(content)
        self.files.append(name)
        self.size += len(content)

    def read(self, zoom: int, x: int, y: int) -> Image.Image | None:
        """Return a tile of an earlier stage, RGB or RGBA; None where there is none."""
        try:
            with Image.open(self._folder / FOLDER / str(zoom) / str(x) / f"{y}.webp") as picture:
                picture.load()
                return picture
        except FileNotFoundError:
            return None


def _draw(
    writer: _Writer, source: Source, mercator: Mercator, x: int, y: int, tiles: int, sheet: Sheet | None = None
) -> Image.Image | None:
    """Write a square of finest tiles and those above it; return the coarsest picture, of one tile's size."""
    if tiles == _AT_ONCE:
        sheet = Sheet.read(source, mercator, x * TILE, y * TILE, tiles * TILE)
        if sheet is None:
            return None
    if tiles == 1 and sheet is not None:
        picture = sheet.drawn(x * TILE, y * TILE, TILE)
        if picture is not None:
            writer.write(mercator.zoom, x, y, picture)
        return picture
    half = tiles // 2
    parts = [
        (left * TILE // 2, top * TILE // 2, _halved(_draw(writer, source, mercator, *place, half, sheet)))
        for left, top, place in ((i, j, (x + i * half, y + j * half)) for j in (0, 1) for i in (0, 1))
    ]
    return _published(writer, mercator.zoom - tiles.bit_length() + 1, x // tiles, y // tiles, parts)


def _join(writer: _Writer, below: set[tuple[int, int]], zoom: int, x: int, y: int, tiles: int) -> Image.Image | None:
    """Write a square of tiles and those above it from the published ones of the zoom below `zoom`."""
    level = zoom - tiles.bit_length() + 1
    half = tiles // 2
    parts: list[tuple[int, int, Image.Image | None]] = []
    for j in (0, 1):
        for i in (0, 1):
            if tiles == 1:
                child = (2 * x + i, 2 * y + j)
                part = writer.read(zoom + 1, *child) if child in below else None
            else:
                part = _join(writer, below, zoom, x + i * half, y + j * half, half)
            parts.append((i * TILE // 2, j * TILE // 2, _halved(part)))
    return _published(writer, level, x // tiles, y // tiles, parts) if level >= 0 else None


def _published(
    writer: _Writer, zoom: int, x: int, y: int, parts: list[tuple[int, int, Image.Image | None]]
) -> Image.Image | None:
    picture = joined(parts, TILE)
    if picture is not None and picture.mode == "RGBA":
        picture = reduced_alpha(picture)
    if picture is not None and zoom >= 0:
        writer.write(zoom, x, y, picture)
    return picture


def _halved(picture: Image.Image | None) -> Image.Image | None:
    """Return a picture at half its size; colours are weighted with alpha."""
    return None if picture is None else picture.reduce(2)


def _bounds(crs: str, covers: Sequence[Rectangle]) -> tuple[float, float, float, float]:
    """Return west, south, east, north of what is covered, degrees."""
    share = np.linspace(0.0, 1.0, 9)
    rims = [
        (c.west + i * (c.east - c.west), c.south + j * (c.north - c.south))
        for c in covers
        for i in share
        for j in share
        if i in (0.0, 1.0) or j in (0.0, 1.0)
    ]
    degrees = transformed(np.array(rims), crs, DEGREES)
    west, south = degrees.min(axis=0).tolist()
    east, north = degrees.max(axis=0).tolist()
    return west, south, east, north


def _units_with_data(
    crs: str, covers: Sequence[Rectangle], mercator: Mercator, *, margin: float
) -> dict[tuple[int, int], Rectangle]:
    """Return what each unit reads, by its x and y, for all that may share some area with a cover."""
    side = _SIDE * TILE
    found: dict[tuple[int, int], Rectangle] = {}
    number = np.linspace(0.0, 1.0, 5) * side
    for cover in covers:
        west, south, east, north = _bounds(crs, [cover])
        corners = mercator.pixels(np.array([(west, north), (east, south)])) // side
        (left, top), (right, bottom) = corners.astype(int).tolist()
        for x in range(left, right + 1):
            for y in range(top, bottom + 1):
                if (x, y) in found:
                    continue
                across, down = np.meshgrid(x * side + number, y * side + number)
                pixels = np.stack([across.ravel(), down.ravel()], axis=1)
                places = transformed(mercator.degrees(pixels), DEGREES, crs)
                low, high = places.min(axis=0).tolist(), places.max(axis=0).tolist()
                found[x, y] = Rectangle(*low, *high).grown(margin)
    met = {place: area for place, area in found.items() if any(area.meets(cover) for cover in covers)}
    return dict(sorted(met.items()))


def _key(zoom: int, x: int, y: int) -> str:
    return f"{FOLDER}/{zoom}/{x}/{y}"


def _numbers(key: str) -> tuple[int, int, int]:
    zoom, x, y = (int(part) for part in key.split("/")[1:])
    return zoom, x, y
