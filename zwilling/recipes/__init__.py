"""How a layer of each kind is made of its files: one recipe for each kind, all with the same few parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tiler.target import FolderTarget
from zwilling.issues import Issue

Progress = Callable[[str, int, int], None]
"""Called with a stage, how much of it is done, and how much there is."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a recipe.

    Attributes:
        report: the report's JSON.
        issues: the findings in it.
        amount: how much there is now, in English for the command line: `2500 of 2500 buildings in 8 tiles`.
    """

    report: dict[str, Any]
    issues: tuple[Issue, ...]
    amount: str


class Recipe(Protocol):
    """Files of one kind and how tiles are made of them."""

    @property
    def made_from(self) -> Mapping[str, Any]:
        """Everything that shapes the tiles, as JSON: the options, and each source by name and content.

        Raises:
            SourceError: a source cannot be read.
        """
        ...

    def write(
        self, target: FolderTarget, on_progress: Progress, *, is_layer: bool, previous: Path | None = None
    ) -> Outcome:
        """Write the tileset to `target`.

        Args:
            is_layer: write what a server needs beside the tiles, too.
            previous: folder of the version before, from which what is still true may be taken over.

        Raises:
            ZwillingError: a source is at fault, or nothing can be drawn.
        """
        ...
