"""Writes `docs/reference/cli.md` from the commands' own `--help`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from zwilling.cli import main

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "cli.md"
HEAD = """# Command line

What `--help` says, command by command. `scripts/bless` writes this page; a test compares it with the program.

Exit status: 0 done, 1 the data or the set-up is at fault (one line says where, what was found and what to do),
2 wrong usage.
"""


def page(command: click.Command, name: str) -> str:
    """Return the reference of `command` and of every command below it, as Markdown."""
    return "\n".join([HEAD, *_sections(command, name, None)])


def _sections(command: click.Command, name: str, parent: click.Context | None) -> Iterator[str]:
    # The width is set, so that the page does not depend on the terminal of whoever writes it.
    context = command.make_context(name, [], parent=parent, resilient_parsing=True, terminal_width=100)
    yield f"## {context.command_path}\n\n```text\n{command.get_help(context).rstrip()}\n```\n"
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            if found is not None and not found.hidden:
                yield from _sections(found, below, context)


if __name__ == "__main__":
    PAGE.write_text(page(main, "zwilling"), encoding="utf-8")
