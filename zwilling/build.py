"""From source files to a published layer: make a version beside the current one, then switch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tiler.target import replacing, sweep
from zwilling.layers import LAYER_FILE, Extent, Layer, layers_directory, read_layer, switch_layer
from zwilling.recipes import Outcome, Progress, Recipe
from zwilling.recipes.code import code_hash
from zwilling.region import Region
from zwilling.report import write_report
from zwilling.settings import AnyLayerSettings, GroundLayerSettings, PointLayerSettings

REPORT_FILE = "report.json"
REPORT_PAGE = "report.html"


@dataclass(frozen=True, slots=True)
class Built:
    """A layer after a build; `outcome` is None where the inputs had not changed."""

    layer: Layer
    folder: Path
    outcome: Outcome | None


def recipe_of(settings: AnyLayerSettings, base: Path, region: Region, jobs: int) -> Recipe:
    """Return how a layer is made.

    Args:
        base: folder that the layer's source patterns are relative to.
        jobs: how many processes may share the work; 0 for one on each core.

    Raises:
        SettingsError: a pattern matches no file.
    """
    # Each is loaded where it is needed: GDAL takes a tenth of a second, what reads CityGML two tenths.
    if isinstance(settings, GroundLayerSettings):
        from zwilling.recipes.ground import GroundRecipe

        return GroundRecipe.of(settings, base, region, jobs)
    if isinstance(settings, PointLayerSettings):
        from zwilling.recipes.points import PointRecipe

        return PointRecipe.of(settings, base, region, jobs)
    from zwilling.recipes.buildings import BuildingRecipe

    return BuildingRecipe.of(settings, base, region, jobs)


def tile_to_folder(recipe: Recipe, folder: Path, on_progress: Progress) -> Outcome:
    """Write one tileset to `folder`, whole or not at all."""
    with replacing(folder) as target:
        return recipe.write(target, on_progress, is_layer=False)


def build_layer(
    settings: AnyLayerSettings,
    base: Path,
    data: Path,
    region: Region,
    on_progress: Progress,
    *,
    force: bool = False,
    jobs: int = 0,
) -> Built:
    """Bring one layer up to date and make it the one that the server shows.

    Args:
        base: folder that the layer's source patterns are relative to.
        data: the data folder of the twin.
        force: build anew even where a version with the same inputs and options stands.
        jobs: how many processes may share the work; 0 for one on each core.
    """
    recipe = recipe_of(settings, base, region, jobs)
    directory = layers_directory(data) / settings.id
    directory.mkdir(parents=True, exist_ok=True)
    sweep(directory)
    version = version_of(recipe.made_from)
    folder = directory / version
    outcome = None
    if force or not (folder / REPORT_FILE).is_file():
        with replacing(folder) as target:
            outcome = recipe.write(target, on_progress, is_layer=True, previous=_current(directory))
            write_report(target.folder / REPORT_FILE, outcome.report)
            write_report(target.folder / REPORT_PAGE, outcome.report)
    report = json.loads((folder / REPORT_FILE).read_bytes())
    layer = Layer(
        id=settings.id,
        title=settings.title,
        kind=settings.kind,
        access=settings.access,
        licence=settings.licence,
        attribution=tuple(report["attribution"]),
        extent=Extent(**report["extent"]),
        version=version,
        is_synthetic=settings.synthetic,
        date=report.get("data_date", ""),
    )
    switch_layer(directory, layer)
    return Built(layer, folder, outcome)


def _current(directory: Path) -> Path | None:
    """Return the folder of a layer's current version; None where nothing was built."""
    if not (directory / LAYER_FILE).is_file():
        return None
    return directory / read_layer(directory).version


def version_of(made_from: Mapping[str, Any]) -> str:
    """Return the version that these inputs and options make: the same inputs give the same version anywhere.

    What only describes the layer (title, access, licence) is not part of it, since it stands in `layer.json`.
    """
    text = json.dumps({"code": code_hash(), **made_from}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
