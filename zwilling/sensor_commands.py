"""`zwilling sensors …`: the registry, tokens, and what runs without HTTP.

As in `zwilling.cli`, the rooms are imported inside the commands, so that `--help` waits for nothing.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

_PATH = click.Path(path_type=Path)

settings_option = click.option(
    "--settings",
    "settings_file",
    type=_PATH,
    default=Path("zwilling.toml"),
    show_default=True,
    help="Settings of the twin.",
)


@click.group()
def sensors() -> None:
    """Live sensors: their registry, their readings, their alerts."""


@sensors.command("import")
@click.argument("files", nargs=-1, type=_PATH)
@settings_option
@click.option("--crs", help="CRS of Ostwert and Nordwert.  [default: the region's]")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--skip-bad", is_flag=True, help="Leave out lines with errors instead of importing nothing.")
@click.option("--retire", is_flag=True, help="Take sensors that are in no FILE out of the registry; readings stay.")
@click.option("--template", is_flag=True, help="Print a list to be filled in (CSV), and do nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def import_(
    ctx: click.Context,
    files: tuple[Path, ...],
    settings_file: Path,
    crs: str | None,
    dry_run: bool,
    skip_bad: bool,
    retire: bool,
    template: bool,
    as_json: bool,
) -> None:
    """Read the registry of sensors from lists: CSV or GeoJSON.

    Everything that is wrong is said first, each with its line and column; while anything is wrong, nothing is written.
    Sensors are known by their key (Kennung): what a list says of them is changed, what it has no column for stays.
    """
    if template:
        from sensor_overlay.registry.columns import template as empty_list

        click.echo(empty_list(), nl=False)
        return
    if not files:
        raise click.UsageError("name a FILE, or pass --template", ctx)
    import asyncio

    from zwilling.sensor_registry import import_files

    done = asyncio.run(import_files(settings_file, files, crs, dry_run=dry_run, skip_bad=skip_bad, retire=retire))
    if as_json:
        click.echo(json.dumps(done.to_json(), ensure_ascii=False, indent=2))
    else:
        for fault in done.faults:
            click.echo(f"{'error' if fault.is_error else 'note'}: {fault}", err=True)
        click.echo(done.line)
    if done.is_refused:
        raise click.exceptions.Exit(1)


@sensors.command("list")
@settings_option
@click.option("--unknown", is_flag=True, help="Devices that were heard and are in no registry.")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def list_(settings_file: Path, unknown: bool, as_json: bool) -> None:
    """List the sensors: where they are, when they were heard, and what state they are in."""
    import asyncio

    from zwilling.sensor_registry import listed, listed_lines

    rows = asyncio.run(listed(settings_file, unknown=unknown))
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join(listed_lines(rows)))


@sensors.command()
@click.argument("name")
@settings_option
@click.option(
    "--right",
    "rights",
    type=click.Choice(["sensors:read", "sensors:write", "alerts"]),
    multiple=True,
    help="What the holder may do.  May be repeated.  [default: look at what its groups see]",
)
@click.option(
    "--group",
    "groups",
    type=click.Choice(["staff", "crisis"]),
    multiple=True,
    help="Whose sensors the holder sees beside the public ones.  May be repeated.",
)
@click.option("--site", "sites", metavar="ID", multiple=True, help="Only sensors of this site.  May be repeated.")
def token(
    name: str, settings_file: Path, rights: tuple[str, ...], groups: tuple[str, ...], sites: tuple[str, ...]
) -> None:
    """Make an API token for NAME, and print it this one time; the twin keeps its hash alone."""
    from sensor_overlay.access import Right
    from sensor_overlay.token_file import add_token
    from zwilling.settings import load_settings

    settings = load_settings(settings_file)
    path = settings_file.absolute().parent / settings.sensors.tokens
    new = add_token(path, name, rights=[Right(right) for right in rights], groups=groups, sites=sites)
    click.echo(f"the token of {name}, which is shown only now ({path} has its hash):", err=True)
    click.echo(new)


@sensors.command()
@settings_option
@click.option("--quiet", is_flag=True, help="Log errors alone.")
def run(settings_file: Path, quiet: bool) -> None:
    """Take readings in without serving anything: a further instance, or one beside the web server.

    Runs until SIGINT or SIGTERM; what has come in by then is stored and acknowledged first.
    """
    import asyncio

    from zwilling.sensor_running import run_alone

    asyncio.run(run_alone(settings_file, quiet=quiet))


@sensors.command()
@settings_option
@click.option("--cause", "causes", metavar="CAUSE", multiple=True, help="Only those with this cause.  May be repeated.")
@click.option("--since", metavar="TIME", help="Only those that came at this time or later: 2026-11-20, or RFC 3339.")
@click.option("--dry-run", is_flag=True, help="Say what would become of them, and do nothing.")
def replay(settings_file: Path, causes: tuple[str, ...], since: str | None, dry_run: bool) -> None:
    """Try messages again that could not be understood: after a codec was added or mended.

    Readings go to their place in time.  What still cannot be understood stays, with its cause.
    """
    import asyncio

    from zwilling.sensor_running import replay_letters

    click.echo(asyncio.run(replay_letters(settings_file, causes, since, dry=dry_run)))


@sensors.command()
@settings_option
@click.option("--cause", "causes", metavar="CAUSE", multiple=True, help="Only those with this cause.  May be repeated.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many, the newest.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON, with their bodies.")
def letters(settings_file: Path, causes: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List messages that could not be understood, with their causes."""
    import asyncio

    from zwilling.sensor_running import letter_lines, listed_letters

    found = asyncio.run(listed_letters(settings_file, causes, limit))
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join(letter_lines(found)))
