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


@sensors.command()
def codecs() -> None:
    """List the codecs: what reads payloads, and for which models.

    Installed ones are tried on their own examples.  What is wrong with one stands on standard error; the exit status is
    1 then.
    """
    from sensor_overlay.codecs import codecs as known
    from sensor_overlay.codecs import findings

    for codec in known().values():
        click.echo(f"{codec.key}: {codec.title} ({', '.join(codec.models)})")
    for finding in findings():
        click.echo(f"error: {finding.source}: {finding.message}", err=True)
    if findings():
        raise click.exceptions.Exit(1)


@sensors.command()
@click.option("--broker", metavar="URL", help="Broker to publish to: mqtt://user:password@host:1883 or mqtts://…")
@click.option("--webhook", metavar="URL", help="Twin to bring them to instead: http://host:8080/ingest/chirpstack")
@click.option("--secret", "secret_file", type=_PATH, help="File with the webhook's secret.")
@click.option("--registry", type=_PATH, help="Write the sensors' registry to this file (CSV), for 'sensors import'.")
@click.option("--sensors", "count", type=click.IntRange(1, 100_000), default=350, show_default=True, help="In rooms.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another number gives other days.")
@click.option("--buildings", type=click.IntRange(1, 200_000), default=2_500, show_default=True, help="Of the quarter.")
@click.option("--hours", type=click.FloatRange(0, 24 * 400), default=0.0, help="Of the past that are told first.")
@click.option("--speed", type=click.FloatRange(0), default=0.0, help="How fast they are told.  [default: at once]")
@click.option("--rate", type=click.FloatRange(0), default=0.0, help="Messages a second at most.")
@click.option("--live/--no-live", default=True, show_default=True, help="Go on with the present until Ctrl-C.")
@click.option("--school-day", is_flag=True, help="Let the schools have lessons, whatever day and hour it is.")
@click.option("--protobuf", is_flag=True, help="Messages as protobuf instead of JSON (only with --broker).")
@click.option("--duplicates", type=click.FloatRange(0, 100), default=0.0, help="Per cent that come twice.")
@click.option("--out-of-order", type=click.FloatRange(0, 100), default=0.0, help="Per cent that come too late.")
def simulate(
    broker: str | None,
    webhook: str | None,
    secret_file: Path | None,
    registry: Path | None,
    count: int,
    seed: int,
    buildings: int,
    hours: float,
    speed: float,
    rate: float,
    live: bool,
    school_day: bool,
    protobuf: bool,
    duplicates: float,
    out_of_order: float,
) -> None:
    """Invent sensors in the schools of the sample quarter, and publish what they would send.

    Thirteen schools with CO2 sensors, gauges, meters and parking spaces; lessons, breaks, windows and the holidays of
    Nordrhein-Westfalen.  Nothing of it is real.  Messages are those of ChirpStack v4; the same seed at the same time
    gives the same values.
    """
    if broker is None and webhook is None and registry is None:
        raise click.UsageError("pass --broker, --webhook or --registry")
    if webhook is not None and (broker is not None or secret_file is None or protobuf):
        raise click.UsageError("--webhook goes with --secret, and with neither --broker nor --protobuf")
    import asyncio

    from sensor_overlay.simulate.plan import draw_up
    from sensor_overlay.simulate.publishing import Sent, connected
    from sensor_overlay.simulate.registry import write_registry
    from sensor_overlay.simulate.running import Run, run
    from sensor_overlay.simulate.traffic import Disorder
    from sensor_overlay.simulate.webhook import calling
    from zwilling.errors import SettingsError

    plan = draw_up(sensors=count, seed=seed, buildings=buildings)
    if registry is not None:
        try:
            click.echo(f"{registry}: {write_registry(plan, registry)} sensors, all of them invented", err=True)
        except OSError as problem:
            raise SettingsError(f"cannot write: {problem.strerror}", source=registry) from problem
    if broker is not None:
        channel = connected(broker)
    elif webhook is not None and secret_file is not None:
        try:
            channel = calling(webhook, secret_file.read_text(encoding="utf-8").rstrip("\r\n"))
        except (OSError, UnicodeDecodeError) as problem:
            raise SettingsError(f"cannot be read: {problem}", source=secret_file) from problem
    else:
        return
    wanted = Run(
        hours=hours,
        speed=speed,
        rate=rate,
        live=live,
        is_school_day=school_day,
        is_protobuf=protobuf,
        disorder=Disorder(duplicates=duplicates / 100, out_of_order=out_of_order / 100),
    )

    def told(sent: Sent) -> None:
        if hours:
            click.echo(f"{sent.messages} messages of the last {hours:g} hours", err=True)

    async def whole() -> None:
        async with channel as send:
            await run(plan, send, wanted, on_history=told)

    asyncio.run(whole())


@sensors.command()
@settings_option
@click.option("--from", "begin", metavar="TIME", required=True, help="First day or time: 2026-11-20, or RFC 3339.")
@click.option("--to", "end", metavar="TIME", help="The first one that is no longer part of it.  [default: now]")
@click.option("--site", metavar="ID", help="Only sensors of this site.")
@click.option("--property", "properties", metavar="KEY", multiple=True, help="Only this (co2).  May be repeated.")
@click.option("--format", "kind", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True)
@click.option("--public", is_flag=True, help="Only what everybody may see.")
@click.option("--output", type=_PATH, default=Path("-"), help="File to write.  [default: standard output]")
def export(
    settings_file: Path,
    begin: str,
    end: str | None,
    site: str | None,
    properties: tuple[str, ...],
    kind: str,
    public: bool,
    output: Path,
) -> None:
    """Write single observations as CSV or Parquet, while the twin goes on.

    Observations older than 'keep_days' are not there any more; the means of their hours are not part of this.
    """
    import asyncio

    from zwilling.sensor_keeping import export_file

    size = asyncio.run(
        export_file(
            settings_file,
            output,
            begin=begin,
            end=end,
            site=site,
            observed_properties=properties,
            parquet=kind == "parquet",
            public=public,
        )
    )
    click.echo(f"{output}: {size} bytes", err=True)


@sensors.command()
@settings_option
def keep(settings_file: Path) -> None:
    """Remove observations older than 'keep_days' now, as each night does; the means of their hours stay."""
    import asyncio

    from zwilling.sensor_keeping import keep_line, keep_now

    click.echo(keep_line(asyncio.run(keep_now(settings_file))))
