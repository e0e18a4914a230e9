"""The command line: parse, call one function, print.

The rooms are imported inside the commands, so that `zwilling --help` does not wait for numpy and PROJ.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from zwilling import __version__
from zwilling.errors import ZwillingError
from zwilling.sensor_commands import sensors

if TYPE_CHECKING:
    from zwilling.issues import Issue
    from zwilling.recipes import Recipe

_PATH = click.Path(path_type=Path)


class _Commands(click.Group):
    """Translates the project's errors, once, into one line on standard error and exit status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        # Processes share the work.  Threads that numpy keeps for matrices have next to none, and a process that has
        # threads cannot be forked: each worker would load everything anew, for half a second of processor time.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        try:
            return super().invoke(ctx)
        except ZwillingError as error:
            click.echo(f"zwilling: {error}", err=True)
        except MemoryError:
            click.echo("zwilling: there is not enough memory; close other programs or use fewer jobs", err=True)
        except BrokenPipeError:
            sys.stderr.close()  # the reader of a pipe went away; there is nobody to tell
        except OSError as error:
            click.echo(f"zwilling: {error.filename or 'system'}: {error.strerror or error}", err=True)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # a fault of ours is said in one line, too
            click.echo(f"zwilling: fault in the program ({type(error).__name__}: {error}); please report it", err=True)
            if os.environ.get("ZWILLING_DEBUG"):
                raise
        return ctx.exit(1)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="zwilling")
def main() -> None:
    """Zwilling: the open 3D digital twin server for counties.

    CityGML or CityJSON in, OGC 3D Tiles out, served with a viewer.  Start with 'zwilling demo'.
    """
    # Before numpy is loaded: its threads for large matrices, which we have none of, would cost each process time, and
    # keep workers from being forked (see `tiler.workers`).
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@main.command()
@click.option(
    "--dir",
    "folder",
    type=_PATH,
    default=Path("zwilling-demo"),
    show_default=True,
    help="Where the demo keeps its files.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), help="TCP port; 0 for any free one.  [default: 8080 or next]")
@click.option(
    "--buildings", type=click.IntRange(100, 200_000), default=2500, show_default=True, help="Size of the quarter."
)
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
def demo(folder: Path, host: str, port: int | None, buildings: int, no_browser: bool) -> None:
    """Everything in one command: sample quarter, tiles, sensors, server.

    The quarter is synthetic: it lies in Neuss and shows no real place.  A second run starts at once.
    """
    from zwilling.demo import run_demo

    run_demo(folder, host=host, port=port, buildings=buildings, open_browser=not no_browser)


@main.command()
@click.argument("settings_file", metavar="[zwilling.toml]", type=_PATH, default=Path("zwilling.toml"))
@click.option("--force", is_flag=True, help="Build anew even what has not changed.")
@click.option(
    "--jobs", type=click.IntRange(0), default=0, help="Processes that share the work.  [default: one on each core]"
)
@click.option("--quiet", is_flag=True, help="Print errors only.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def build(settings_file: Path, force: bool, jobs: int, quiet: bool, as_json: bool) -> None:
    """Build or update every layer of the twin; only what changed."""
    from zwilling.build import build_layer
    from zwilling.progress import Progress
    from zwilling.region import load_region
    from zwilling.settings import load_settings, region_profile
    from zwilling.standing import check_standing

    settings = load_settings(settings_file)
    base = settings_file.absolute().parent
    region = load_region(region_profile(settings, base))
    results = []
    layers = []
    for layer in settings.layer:
        with Progress(layer.title, quiet=quiet or as_json) as progress:
            built = build_layer(layer, base, base / settings.data, region, progress.update, force=force, jobs=jobs)
        layers.append(built.layer)
        results.append({"layer": layer.id, "version": built.layer.version, "changed": built.outcome is not None})
        if built.outcome is not None:
            _say_issues(built.outcome.issues, quiet)
        if not (quiet or as_json):
            state = "is up to date" if built.outcome is None else f"has {built.outcome.amount}"
            click.echo(f"{layer.title}: {state} (version {built.layer.version})")
    with Progress("Buildings on ground", quiet=quiet or as_json) as progress:
        compared = check_standing(layers, base / settings.data, progress.update)
    if not (quiet or as_json):
        for standing in compared:
            click.echo(standing.line)
    if as_json:
        click.echo(json.dumps(results))


@main.command()
@click.argument("sources", nargs=-1, required=True, type=_PATH)
@click.option("-o", "--output", type=_PATH, required=True, help="Folder for the tileset; it is replaced as a whole.")
@click.option("--crs", help="CRS of sources that name none (or a wrong one), e.g. EPSG:25832+7837.")
@click.option(
    "--region", "region_name", default="rhein-kreis-neuss", show_default=True, help="Region profile, or its file."
)
@click.option("--skip-empty", is_flag=True, help="Leave out buildings without any surface; each is reported.")
@click.option(
    "--lod", type=click.IntRange(0, 4), help="Level of detail to draw.  [default: the highest that each building has]"
)
@click.option(
    "--compression",
    type=click.Choice(["meshopt", "none"]),
    default="meshopt",
    show_default=True,
    help="Of the GLB files.",
)
@click.option("--outlines", is_flag=True, help="Mark the edges of surfaces, for clients that draw them as lines.")
@click.option("--plane-height", type=float, help="Metres at which orthophotos without terrain lie.")
@click.option(
    "--picture",
    type=click.Choice(["rgb", "infrared"]),
    default="rgb",
    show_default=True,
    help="Bands of orthophotos that are shown.",
)
@click.option(
    "--drop-class",
    "drop_classes",
    metavar="N",
    type=click.IntRange(0, 255),
    multiple=True,
    help="Leave out points of this LAS class.  May be repeated.",
)
@click.option(
    "--colour-from",
    metavar="FILE",
    type=_PATH,
    multiple=True,
    help="Orthophoto that paints points of files without colours.  May be repeated.",
)
@click.option(
    "--dimension",
    "dimensions",
    metavar="NAME",
    multiple=True,
    help="Further LAS dimension that points carry: gps_time, scan_angle, extra bytes.  May be repeated.",
)
@click.option("--height-above-ground", is_flag=True, help="Points carry their height above those classified as ground.")
@click.option(
    "--memory",
    default="2 GB",
    show_default=True,
    callback=lambda _ctx, _param, amount: _bytes_of(amount),
    help="What all processes together may take for points.",
)
@click.option("--skip-unreadable", is_flag=True, help="Leave out point clouds that are damaged; each is reported.")
@click.option("--no-balance", is_flag=True, help="Leave colours of orthophotos as they are where dates meet.")
@click.option("--no-globe", is_flag=True, help="Ground as 3D Tiles alone, without terrain and pictures for a globe.")
@click.option(
    "--jobs", type=click.IntRange(0), default=0, help="Processes that share the work.  [default: one on each core]"
)
@click.option(
    "--report",
    "reports",
    type=_PATH,
    multiple=True,
    help="Write a report to this file: a page for people if it ends in .html, else JSON.  May be repeated.",
)
@click.option("--quiet", is_flag=True, help="Print errors only.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_context
def tile(
    ctx: click.Context,
    sources: tuple[Path, ...],
    output: Path,
    crs: str | None,
    region_name: str,
    skip_empty: bool,
    lod: int | None,
    compression: str,
    outlines: bool,
    plane_height: float | None,
    picture: Literal["rgb", "infrared"],
    drop_classes: tuple[int, ...],
    colour_from: tuple[Path, ...],
    dimensions: tuple[str, ...],
    height_above_ground: bool,
    memory: int,
    skip_unreadable: bool,
    no_balance: bool,
    no_globe: bool,
    jobs: int,
    reports: tuple[Path, ...],
    quiet: bool,
    as_json: bool,
) -> None:
    """Write one 3D Tiles tileset from files of one kind, which is seen from the files.

    Buildings: CityGML or CityJSON, which may be packed (gzip, zip).  Ground: orthophotos (GeoTIFF, JPEG 2000, PNG,
    JPEG), terrain (GeoTIFF, XYZ, ASCII grids, which may be packed), or both.  Points: LiDAR (LAS, LAZ, COPC).
    """
    from zwilling.build import tile_to_folder
    from zwilling.kinds import kind_of_all
    from zwilling.progress import Progress
    from zwilling.region import load_region
    from zwilling.report import Subject, write_report

    region = load_region(region_name)
    kind = kind_of_all(sources)
    _refuse_unfit(ctx, kind)
    recipe: Recipe
    if kind == "ground":
        from orthophotos.sorting import sort_rasters
        from zwilling.recipes.ground import GroundRecipe, RasterFiles

        rasters = sort_rasters(sources)
        raster_files = RasterFiles(
            rasters.pictures, rasters.heights, region, plane_height, crs, picture, not no_balance, not no_globe, jobs
        )
        recipe = GroundRecipe(raster_files, Subject("Gelände", region.title))
    elif kind == "points":
        from tiler.points.build import PointsOptions
        from zwilling.recipes.points import PointFiles, PointRecipe

        point_files = PointFiles(sources, region, crs, colour_from, skip_unreadable, dimensions)
        how = PointsOptions(
            drop_classes=frozenset(drop_classes),
            dimensions=dimensions,
            height_above_ground=height_above_ground,
            skip_unreadable=skip_unreadable,
            memory=memory,
            jobs=jobs or os.cpu_count() or 1,
        )
        recipe = PointRecipe(point_files, how, Subject("Punktwolke", region.title))
    else:
        from tiler.buildings import TilingOptions
        from tiler.glb import Compression
        from zwilling.recipes.buildings import BuildingRecipe, CityGMLFiles

        files = CityGMLFiles(sources, region, crs, skip_empty, jobs, lod)
        options = TilingOptions(Compression(compression), has_outlines=outlines)
        recipe = BuildingRecipe(files, options, Subject("Gebäude", region.title))
    with Progress(kind.capitalize(), quiet=quiet or as_json) as progress:
        outcome = tile_to_folder(recipe, output, progress.update)
    for path in reports:
        write_report(path, outcome.report)
    _say_issues(outcome.issues, quiet)
    if as_json:
        click.echo(json.dumps(outcome.report, ensure_ascii=False))
    elif not quiet:
        report = outcome.report
        click.echo(f"{output}: {outcome.amount}, {report['bytes'] / 1e6:.1f} MB, {report['seconds']:.1f} s")


@main.command()
@click.argument("sources", nargs=-1, required=True, type=_PATH)
@click.option("--crs", help="CRS of sources that name none, e.g. EPSG:25832+7837.")
@click.option(
    "--region", "region_name", default="rhein-kreis-neuss", show_default=True, help="Region profile, or its file."
)
@click.option("--json", "as_json", is_flag=True, help="Print findings and statistics as JSON.")
def check(sources: tuple[Path, ...], crs: str | None, region_name: str, as_json: bool) -> None:
    """Findings about city models, orthophotos, terrain, point clouds or a tileset, without building.

    A tileset is named by its JSON file or its folder.  Exit status 1 when there is a finding of severity 'error'.
    """
    from zwilling.checking import check_source, checked_json, checked_lines
    from zwilling.issues import Severity
    from zwilling.region import load_region

    region = load_region(region_name)
    checked = [check_source(source, region, crs) for source in sources]
    if as_json:
        click.echo(json.dumps(checked_json(checked), ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join(checked_lines(checked)))
    if any(issue.severity is Severity.ERROR for one in checked for issue in one.issues):
        raise click.exceptions.Exit(1)


@main.command()
@click.argument("settings_file", metavar="[zwilling.toml]", type=_PATH, default=Path("zwilling.toml"))
@click.option("--host", help="Address to listen on, instead of the one in the file.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), help="TCP port, instead of the one in the file; 0 for any free one."
)
@click.option("--quiet", is_flag=True, help="Do not log requests.")
def serve(settings_file: Path, host: str | None, port: int | None, quiet: bool) -> None:
    """Serve viewer and tiles, and take in and show the readings of sensors where the settings name any."""
    from sensor_overlay.configured import has_sensors
    from server.run import serve as run_server
    from zwilling.region import load_region
    from zwilling.settings import load_settings, region_profile
    from zwilling.viewer_files import viewer_directory

    settings = load_settings(settings_file)
    base = settings_file.absolute().parent
    region = load_region(region_profile(settings, base))
    sensors = None
    if has_sensors(settings, base):
        from sensor_overlay.service import service_of

        sensors = service_of(settings, base)
    run_server(
        base / settings.data,
        viewer_directory(),
        host=host or settings.server.host,
        port=settings.server.port if port is None else port,
        title=settings.region.title or region.title,
        region=region,
        sensors=sensors,
        access_log=not quiet,
        quiet=quiet,
        on_listening=lambda url: click.echo(f"serving {url}", err=True),
    )


@main.command()
@click.argument("folder", type=_PATH)
@click.option(
    "--buildings", type=click.IntRange(100, 200_000), default=2500, show_default=True, help="How many buildings."
)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="The same seed gives the same quarter, byte by byte."
)
@click.option("--ground", is_flag=True, help="Terrain and orthophoto, too: 12 s and 35 MB for each square kilometre.")
@click.option("--points", is_flag=True, help="Laser points, too: 8 s and 25 MB for each square kilometre.")
def sample(folder: Path, buildings: int, seed: int, ground: bool, points: bool) -> None:
    """Write the synthetic sample quarter as source files in the form in which NRW delivers."""
    from zwilling.sample import write_ground, write_points, write_sample

    for path in write_sample(folder, buildings=buildings, seed=seed):
        click.echo(str(path))
    if ground:
        for path in write_ground(folder, buildings=buildings, seed=seed):
            click.echo(str(path))
    if points:
        for path in write_points(folder, buildings=buildings, seed=seed):
            click.echo(str(path))


main.add_command(sensors)


@main.group()
def geoid() -> None:
    """The official quasigeoid grid GCG2016 of the BKG, which gives heights to the millimetre."""


@geoid.command()
@click.argument("file", required=False, type=_PATH)
@click.option("--download", is_flag=True, help="Fetch the grid from PROJ's public store instead of reading FILE.")
def install(file: Path | None, download: bool) -> None:
    """Install the grid from FILE, or download it."""
    from zwilling import geoid as room

    if (file is None) == (not download):
        raise click.UsageError("name a FILE or pass --download")
    click.echo(f"installed {room.download() if file is None else room.install(file)}")


# Options of `tile` that mean nothing for another kind of layer.
_FOR_ONE_KIND = {
    "buildings": ("skip_empty", "lod", "compression", "outlines"),
    "ground": ("plane_height", "picture", "no_balance", "no_globe"),
    "points": ("drop_classes", "colour_from", "dimensions", "height_above_ground", "memory", "skip_unreadable"),
}


def _refuse_unfit(ctx: click.Context, kind: str) -> None:
    """Refuse options that were given and do not fit: nobody should wonder why they did nothing."""
    for fits, names in _FOR_ONE_KIND.items():
        for name in names if fits != kind else ():
            if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
                option = next(param.opts[0] for param in ctx.command.params if param.name == name)
                raise click.UsageError(f"{option} is for {fits}, and these files are {kind}.", ctx)


def _bytes_of(amount: str) -> int:
    from zwilling.settings import memory_bytes

    try:
        return memory_bytes(amount)
    except ValueError as error:
        raise click.BadParameter(f"{error}.") from None


def _say_issues(issues: tuple[Issue, ...], quiet: bool) -> None:
    from zwilling.report import summary_lines

    if not quiet:
        for line in summary_lines(issues):
            click.echo(line, err=True)
