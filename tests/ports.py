"""Ports for servers that have to know theirs before they start, or start again at the same one."""

from __future__ import annotations

import itertools
import os
import socket
from contextlib import suppress

_LOWEST = 10_100  # browsers refuse 10080
_COUNT = 22_000  # below 32,768, from where Linux takes ports for connections, and for those who ask for any
# Processes that begin one after the other, as those that share the tests do, begin far apart.
_turn = itertools.count(os.getpid() * 1009)


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens at, and that no connection is given by chance."""
    for number in itertools.islice(_turn, _COUNT):
        port = _LOWEST + number % _COUNT
        with suppress(OSError), socket.socket() as listener:
            listener.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("every port is taken")
