"""Processes that share work, and the same without any where one job is enough."""

from __future__ import annotations

import multiprocessing
import os
import resource
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Self, TypeVar

from zwilling.errors import ZwillingError

Task = TypeVar("Task")
Result = TypeVar("Result")

# Loaded once by the server that forks the workers, before any thread is started there.
_PRELOAD = ["tiler.buildings", "citygml.sources"]
_IN_FLIGHT_PER_WORKER = 4


class Workers:
    """A pool of processes; a context manager.

    Workers are forked from a clean server process ("forkserver"), never from this one: a fork copies locks that
    other libraries' threads may hold, and then waits for them for ever.
    """

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._pool: ProcessPoolExecutor | None = None
        self._peaks: dict[int, int] = {}

    @property
    def peak_rss_bytes(self) -> int:
        """Upper bound of what all workers together had in memory: the sum of each one's own peak."""
        return sum(self._peaks.values())

    def __enter__(self) -> Self:
        if self._jobs > 1:
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload(_PRELOAD)
            self._pool = ProcessPoolExecutor(self._jobs, mp_context=context)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

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


def _weighed(function: Callable[[Task], Result], task: Task) -> tuple[Result, int, int]:
    """Return a result, the number of the process that made it, and that process's peak memory in bytes."""
    return function(task), os.getpid(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
