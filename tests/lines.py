"""What another process says, line by line."""

from __future__ import annotations

import os
import select
from typing import IO, Any


class Lines:
    """The lines that come through a pipe, of which nobody else reads.

    A file object reads ahead, and nobody can wait for what it has: the pipe is empty then, and stays so.
    """

    def __init__(self, pipe: IO[Any] | None, patience: float) -> None:
        """Wait for each line no longer than `patience` seconds."""
        assert pipe is not None
        self._pipe = pipe
        self._patience = patience
        self._read = bytearray()

    def next(self) -> str:
        """Return the next line without its end; empty where the pipe was closed, or nothing came."""
        looked_at = 0
        while (end := self._read.find(b"\n", looked_at)) < 0:
            looked_at = len(self._read)
            ready, _, _ = select.select([self._pipe], [], [], self._patience)
            more = os.read(self._pipe.fileno(), 1 << 20) if ready else b""
            if not more:
                return ""
            self._read += more
        line = self._read[:end].decode()
        del self._read[: end + 1]
        return line
