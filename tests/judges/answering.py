"""A program of somebody else's that is asked again and again: it takes longer to start than to answer."""

from __future__ import annotations

import atexit
import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.lines import Lines

PATIENCE_SECONDS = 300.0


class Answering:
    """A process that answers each line of JSON with one: `{"found": ...}`, or `{"error": "..."}`.

    It is started when it is asked for the first time, and again where it has ended since. It ends with this process.
    """

    def __init__(self, command: Sequence[str | Path]) -> None:
        """Start nothing yet."""
        self._command = [str(part) for part in command]
        self._process: subprocess.Popen[bytes] | None = None
        self._says = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process is there
        atexit.register(self.close)

    def ask(self, question: object) -> Any:
        """Return what it has found; fail where it has not, with what it says."""
        if self._process is not None and self._process.poll() is not None:
            self._end()
        if self._process is None:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._says
            )
            self._lines = Lines(self._process.stdout, PATIENCE_SECONDS)
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        self._process.stdin.flush()
        line = self._lines.next()
        if not line:
            self._end()
            raise AssertionError(f"no answer to {question}:\n{self._said()}")
        answer = json.loads(line)
        assert "found" in answer, f"{question}:\n{answer['error']}"
        return answer["found"]

    def close(self) -> None:
        """End it for good."""
        self._end()
        self._says.close()

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _said(self) -> str:
        self._says.seek(0)
        return self._says.read()[-4_000:].decode(errors="replace")
