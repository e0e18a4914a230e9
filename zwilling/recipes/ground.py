"""Ground: orthophotos over terrain to textured 3D Tiles, and to what a globe needs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from orthophotos.heights import open_heights
from orthophotos.heights_repair import HIGHEST, LOWEST
from orthophotos.pictures import open_pictures
from tiler.precompress import precompress
from tiler.target import FolderTarget
from tiler.terrain.build import GroundOptions, tile_ground
from tiler.terrain.ground import Ground
from tiler.terrain.imagery import Imagery
from tiler.terrain.quantized_terrain import FOLDER as TERRAIN
from tiler.terrain.quantized_terrain import GlobeTerrain
from tiler.terrain.scheme import TEXELS
from tiler.terrain.work import Product
from zwilling.crs import ELLIPSOIDAL, Georeference, parse_crs
from zwilling.crs.plane import plane_of
from zwilling.crs.routes import INSTALL_GRID
from zwilling.errors import SourceError, UnknownCRSError
from zwilling.rasters import Heights, Pictures, Rectangle
from zwilling.recipes import Outcome, Progress
from zwilling.recipes.code import code_hash
from zwilling.recipes.heights import require_true_heights
from zwilling.recipes.sources import beside, find_sources, identities
from zwilling.region import Region
from zwilling.report import Stopwatch, Subject
from zwilling.report.ground import ground_report
from zwilling.settings import GroundLayerSettings

# A county's terrain has some 60,000 tiles below pictures of 10 cm; so many may be bare, and so many times those that
# have a picture.
_MOST_BARE_TILES: Final = 500_000
_MOST_BARE_SHARE: Final = 16


@dataclass(frozen=True, slots=True)
class RasterFiles:
    """Orthophotos and terrain that make one ground, and how they are read.

    Attributes:
        pictures: orthophotos; none for shaded ground.
        heights: terrain models; none for a plane.
        plane_height: height of that plane in the height system of `crs`, metres; None where there is terrain.
        crs: CRS of files that name none; None for the region's.
        picture: true colours, or near infrared, red and green.
        balance: draw colours of different dates together where they meet.
        globe: make terrain and pictures for a globe, too.
        jobs: how many processes may share the work; 0 for one on each core.
    """

    pictures: tuple[Path, ...]
    heights: tuple[Path, ...]
    region: Region
    plane_height: float | None = None
    crs: str | None = None
    picture: Literal["rgb", "infrared"] = "rgb"
    balance: bool = True
    globe: bool = True
    jobs: int = 0

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files, pictures first."""
        return (*self.pictures, *self.heights)

    def opened(self) -> Ground:
        """Return the ground that the files show, after having read their heads.

        Raises:
            SourceError: a file is not what it should be, or pictures have no heights to lie on.
            UnknownCRSError: a file names no CRS, an unknown one, or one without a way to the ellipsoid.
        """
        if self.heights and self.plane_height is not None:
            raise SourceError(
                "there is terrain, so no picture lies on a plane",
                source=self.heights[0],
                remedy="leave out either the terrain or the height of the plane (--plane-height, plane_height)",
            )
        if self.plane_height is not None and not LOWEST <= self.plane_height <= HIGHEST:
            raise SourceError(
                f"no picture can lie at {self.plane_height:g} m: heights of land go from {LOWEST:g} to {HIGHEST:g} m",
                source=self.pictures[0] if self.pictures else None,
                remedy="name another height of the plane (--plane-height, plane_height)",
            )
        if not self.heights and self.plane_height is None:
            raise SourceError(
                "there are pictures, but no terrain for them to lie on",
                source=self.pictures[0] if self.pictures else None,
                remedy="name terrain files, too, or the height of a plane (--plane-height, plane_height)",
            )
        pictures = None
        if self.pictures:
            pictures = open_pictures(self.pictures, crs=self.crs, picture=self.picture, is_balanced=self.balance)
        into = None if pictures is None else pictures.crs
        if not self.heights:
            crs = f"{into}+{self._plane_system}"
            is_assumed = parse_crs(self.crs or self.region.crs).vertical is None or self.crs is None
            ground = Ground(pictures, None, self.plane_height or 0.0, crs, self.region)
        else:
            heights = open_heights(self.heights, crs=self.crs, region=self.region, into=into)
            is_assumed = any(issue.code == "HEIGHT_SYSTEM_ASSUMED" for issue in heights.issues)
            if pictures is not None:
                self._require_like_sizes(pictures, heights)
            ground = Ground(pictures, heights, 0.0, heights.full_crs, self.region)
        self._require_way_to_ellipsoid(ground, is_assumed=is_assumed)
        return ground

    def _require_like_sizes(self, pictures: Pictures, heights: Heights) -> None:
        """Stop where tiles as small as few fine pictures need them would cover a terrain that is far larger."""
        side = pictures.resolution * TEXELS
        wanted, had = (sum(_area(file.covers) for file in mosaic.files) / side**2 for mosaic in (heights, pictures))
        if wanted > _MOST_BARE_TILES + _MOST_BARE_SHARE * had:
            raise SourceError(
                f"pictures of {pictures.resolution:g} m need tiles of {side:g} m, of which the terrain would have "
                f"{wanted:,.0f} and {had:,.0f} have a picture",
                source=self.heights[0],
                remedy="make two layers: the pictures with the terrain below them, and the whole terrain by itself",
            )

    def _require_way_to_ellipsoid(self, ground: Ground, *, is_assumed: bool) -> None:
        """Stop where the middle of the first file has no ellipsoidal height, before anything is decoded."""
        covers = ground.mosaics[0].files[0].covers
        middle = ((covers.west + covers.east) / 2, (covers.south + covers.north) / 2, ground.plane)
        try:
            ground.georeference.to_geographic(np.array([middle]))
        except UnknownCRSError as error:
            horizontal, _, vertical = ground.crs.rpartition("+")
            remedy = error.remedy
            if is_assumed:
                remedy = (
                    f"heights were taken as EPSG:{vertical}, since nothing else is said; pass --crs {horizontal}+CODE "
                    f"with the code of their height system, or --crs {horizontal}+{ELLIPSOIDAL}"
                )
                if error.remedy == INSTALL_GRID:
                    remedy += f"; or {INSTALL_GRID}"
            raise UnknownCRSError(error.problem, source=self.paths[0], where=error.where, remedy=remedy) from error

    @property
    def _plane_system(self) -> int | str:
        """Height system of the plane: the one that `crs` names, else the region's."""
        named = plane_of(parse_crs(self.crs or self.region.crs))
        if named.is_ellipsoidal:
            return ELLIPSOIDAL
        vertical = named.vertical or parse_crs(self.region.crs).vertical
        if vertical is None:
            raise SourceError(
                "nothing says above what the plane's height is",
                remedy="pass --crs with a height system, for example --crs EPSG:25832+7837",
            )
        return vertical


def _area(rectangle: Rectangle) -> float:
    return (rectangle.east - rectangle.west) * (rectangle.north - rectangle.south)


@dataclass(frozen=True, slots=True)
class GroundRecipe:
    """The ground of some files as one tileset.

    Attributes:
        subject: headings of the report.
        copyright_lines: attribution of the data; that of the heights is added.
    """

    files: RasterFiles
    subject: Subject
    copyright_lines: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: GroundLayerSettings, base: Path, region: Region, jobs: int) -> GroundRecipe:
        """Return the recipe of a layer.

        Raises:
            SettingsError: a pattern matches no file.
        """
        files = RasterFiles(
            find_sources(settings.sources, base, settings.id),
            find_sources(settings.heights, base, settings.id),
            region,
            settings.plane_height,
            settings.crs or None,
            settings.picture,
            settings.balance,
            settings.globe,
            jobs,
        )
        return cls(files, Subject(settings.title, region.title, settings.synthetic), tuple(settings.attribution))

    @property
    def made_from(self) -> Mapping[str, Any]:
        """Options and sources; see `Recipe`."""
        files = self.files
        return {
            "kind": "ground",
            "options": [files.crs, files.plane_height, files.picture, files.balance, files.globe, self.copyright_lines],
            "heights": Georeference.create(parse_crs(files.region.crs), files.region).method,
            "sources": identities((*files.paths, *beside(files.paths))),
        }

    def write(
        self, target: FolderTarget, on_progress: Progress, *, is_layer: bool, previous: Path | None = None
    ) -> Outcome:
        """Write the tileset, and terrain and pictures for a globe; see `Recipe`."""
        watch = Stopwatch()
        require_true_heights(self.files.region)
        ground = self.files.opened()
        attribution = " · ".join(self.copyright_lines)
        products: list[Product] = []
        if self.files.globe:
            products.append(GlobeTerrain.of(ground, title=self.subject.title, attribution=attribution))
            if ground.pictures is not None:
                products.append(Imagery.of(ground, title=self.subject.title, attribution=attribution))
        # Nothing is taken over that was made by another program, or with heights that mean something else.
        code = repr((code_hash(), ground.crs, ground.plane, ground.georeference.method))
        options = GroundOptions(
            copyright_lines=self.copyright_lines, jobs=self.files.jobs or os.cpu_count() or 1, code=code
        )
        result = tile_ground(
            ground,
            target,
            options,
            products=products,
            previous=previous,
            on_progress=lambda done, total: on_progress("ground", done, total),
        )
        if is_layer and self.files.globe:
            precompress(target.folder / TERRAIN)
        report = ground_report(
            result,
            ground,
            self.files.paths,
            self.subject,
            files=target.files,
            size_bytes=target.bytes,
            seconds=watch.seconds,
        )
        amount = f"{result.tiles} tiles of ground from {len(result.files)} files"
        if previous is not None:
            amount += f", {result.fresh} of {result.units} pieces made anew"
        return Outcome(report, result.issues, amount)
