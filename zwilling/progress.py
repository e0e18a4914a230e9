"""Progress of long work: a bar with rate and remaining time on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self, TextIO

_STAGES = {"read": "reading", "write": "writing tiles", "ground": "making tiles", "compare": "comparing"}
_SECONDS_BETWEEN_FRAMES = 0.2
_SECONDS_BETWEEN_LINES = 10.0
_BAR = 24


class Progress:
    """Shows how far work is; a context manager, so that the line is cleared however the work ends."""

    def __init__(self, title: str, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        self._title = title
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._is_terminal = self._stream.isatty()
        self._stage = ""
        self._stage_start = 0.0
        self._last_shown = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_terminal and not self._quiet:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def update(self, stage: str, done: int, total: int) -> None:
        """Show that `done` of `total` (0 if unknown) are done in `stage`."""
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._stage_start = stage, now
            self._last_shown = now if self._is_terminal else now - _SECONDS_BETWEEN_LINES / 2
        wait = _SECONDS_BETWEEN_FRAMES if self._is_terminal else _SECONDS_BETWEEN_LINES
        if self._quiet or now - self._last_shown < wait:
            return
        self._last_shown = now
        text = self._text(stage, done, total, now - self._stage_start)
        self._stream.write(f"\r\x1b[K{text}" if self._is_terminal else f"{text}\n")
        self._stream.flush()

    def _text(self, stage: str, done: int, total: int, seconds: float) -> str:
        rate = done / seconds if seconds > 0 else 0.0
        head = f"{self._title}: {_STAGES.get(stage, stage)} "
        if total <= 0 or rate <= 0:
            return f"{head}{done} ({rate:,.0f}/s)"
        filled = round(_BAR * done / total)
        return f"{head}[{'#' * filled}{'.' * (_BAR - filled)}] {done}/{total}, {(total - done) / rate:,.0f} s left"
