"""Files of the sample, written side by side."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Protocol

from zwilling.orphans import end_with_parent


class Task(Protocol):
    """Some files to be written; it can be pickled."""

    def write(self) -> list[Path]:
        """Return the files, after writing them."""
        ...


def write_all(tasks: Sequence[Task], jobs: int) -> list[Path]:
    """Return the files of all tasks in their order, after writing them with so many processes; 0 for one on each core.

    A process draws up the plan of the town once for all of its tasks.
    """
    jobs = min(jobs or os.cpu_count() or 1, len(tasks))
    if jobs <= 1:
        written = [task.write() for task in tasks]
    else:
        # Fresh processes: the libraries that draw and write have threads, which a fork would cut off.
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=end_with_parent) as pool:
            written = list(pool.map(_write, tasks))
    return [path for paths in written for path in paths]


def _write(task: Task) -> list[Path]:
    return task.write()
