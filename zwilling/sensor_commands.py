"""`zwilling sensors …`: the registry, tokens, and what runs without HTTP.

As in `zwilling.cli`, the rooms are imported inside the commands, so that `--help` waits for nothing.
"""

from __future__ import annotations

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
