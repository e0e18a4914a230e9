"""Processes that share work, and the same without any where one job is enough."""

from __future__ import annotations

import gc
import multiprocessing
import os
import resource
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import BaseContext
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from zwilling.errors import ZwillingError

Task = TypeVar("Task")
Result = TypeVar("Result")

# Loaded once by the server that forks the workers, where this process cannot be forked itself.
_PRELOAD = ["tiler.buildings", "citygml.sources"]
_IN_FLIGHT_PER_WORKER = 4
_THREADS = Path("/proc/self/task")  # Linux lists the threads of a process here, also those that Python does not know
# Objects between two searches for reference cycles.  Reading makes millions of objects and next to no cycles, and
# with Python's own 700 the search takes a seventh of all time.
_CYCLE_THRESHOLD = 20_000


class Workers:
    """A pool of processes; a context manager, within which garbage is looked for rarely.

    Workers are forked from this process where it has no other thread, which costs no time.  Else they are forked from
    a clean server process: a fork copies locks that other threads may hold, and then waits for them for ever.
    """

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._pool: ProcessPoolExecutor | None = None
        self._peaks: dict[int, int] = {}
        self._thresholds = gc.get_threshold()

    @property
    def peak_rss_bytes(self) -> int:
        """Upper bound of what all workers together had in memory: the sum of each one's own peak."""
        return sum(self._peaks.values())

    def __enter__(self) -> Self:
        _collect_rarely()
        if self._jobs > 1:
            self._pool = ProcessPoolExecutor(self._jobs, mp_context=_context(), initializer=_collect_rarely)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        gc.unfreeze()
        gc.set_threshold(*self._thresholds)

    def map(self, function: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Result]:
        """Yield the result of each task, in the order of the tasks; few results wait at a time.

        Raises:
            ZwillingError: a worker process died; whatever `function` raises.
        """
        if self._pool is None or len(tasks) == 1:
            yield from map(function, tasks)
            return
        waiting: list[Future[tuple[Result, int, int]]] = []
        try:
            for task in tasks:
                if len(waiting) >= _IN_FLIGHT_PER_WORKER * self._jobs:
                    yield self._noted(waiting.pop(0).result())
                waiting.append(self._pool.submit(_weighed, function, task))
            while waiting:
                yield self._noted(waiting.pop(0).result())
        except BrokenProcessPool as error:
            raise ZwillingError(
                "a worker process was killed, perhaps for want of memory", remedy="try again with --jobs 1"
            ) from error

    def _noted(self, weighed: tuple[Result, int, int]) -> Result:
        result, process, peak = weighed
        self._peaks[process] = max(peak, self._peaks.get(process, 0))
        return result


def _context() -> BaseContext:
    """Return how workers are started: by "fork" where that is safe, else by "forkserver"."""
    if _THREADS.is_dir() and len(list(_THREADS.iterdir())) == 1:
        return multiprocessing.get_context("fork")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOAD)
    return context


def _collect_rarely() -> None:
    """Leave what is loaded by now out of every search for garbage, and search less often."""
    gc.freeze()
    gc.set_threshold(_CYCLE_THRESHOLD, *gc.get_threshold()[1:])


def _weighed(function: Callable[[Task], Result], task: Task) -> tuple[Result, int, int]:
    """Return a result, the number of the process that made it, and that process's peak memory in bytes."""
    return function(task), os.getpid(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
