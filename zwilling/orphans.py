"""Processes that do not outlive the one that began them."""

from __future__ import annotations

import ctypes
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1  # prctl(2)


def end_with_parent() -> None:
    """Have the system end this process when its parent dies, even by SIGKILL; else workers would wait for ever.

    Linux alone can do that.  The parent of workers that a fork server started is that server, which ends with its own.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
