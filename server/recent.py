"""Files that were asked for lately: what is known of them, and the bytes of small ones.

Saves the worker thread for what many clients ask for at once, as they do for the first tiles of a view.  What is
known counts for `LASTS_SECONDS`; after that the disk is asked again, and bytes are kept only if nothing changed.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from server.representation import Representation

LASTS_SECONDS = 1.0
MOST_BYTES = 32 << 20
"""Bound of the bytes that are kept; the oldest go first."""
LARGEST_BYTES = 256 << 10
"""Larger bodies are not kept: a tile of a city centre would push out a whole village."""

_OVERHEAD_BYTES = 2048  # of an entry besides its bodies, rounded up, so that entries without bodies are bounded too


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of one file.

    Attributes:
        encodings: its stored representations by content coding, `identity` among them.
        checked: when the disk was asked, in seconds of the clock.
        bodies: bytes of some of the representations.
    """

    encodings: Mapping[str, Representation]
    checked: float
    bodies: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes that the entry is counted as."""
        return _OVERHEAD_BYTES + sum(map(len, self.bodies.values()))


class RecentFiles:
    """Entries by path, bounded; used from the event loop alone."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._bytes = 0

    @property
    def size(self) -> int:
        """Bytes that all entries together are counted as."""
        return self._bytes

    def get(self, path: str) -> Entry | None:
        """Return the entry of a path, however old, and take it for the youngest in use."""
        entry = self._entries.get(path)
        if entry is not None:
            self._entries.move_to_end(path)
        return entry

    def is_fresh(self, entry: Entry) -> bool:
        """Return whether the entry still counts without asking the disk."""
        return self.clock() - entry.checked < LASTS_SECONDS

    def put(self, path: str, entry: Entry) -> None:
        """Remember `entry`, and forget those that were not used for longest until the bound is kept."""
        self.forget(path)
        self._entries[path] = entry
        self._bytes += entry.size
        while self._bytes > MOST_BYTES:
            oldest = next(iter(self._entries))
            self.forget(oldest)

    def forget(self, path: str) -> None:
        """Drop what is known of a path, if anything is."""
        entry = self._entries.pop(path, None)
        if entry is not None:
            self._bytes -= entry.size
