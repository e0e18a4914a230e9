"""Processes that share work, and the same without any where one job is enough."""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import resource
import sys
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.context import BaseContext
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from zwilling.errors import ZwillingError
from zwilling.orphans import end_with_parent

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Died:
    """Stands for the result of a task whose process died, or that was not begun since another of its kind died."""


_PRELOAD = ("tiler.buildings", "tiler.points.build", "citygml.sources", "pointclouds.sources")
_IN_FLIGHT_PER_WORKER = 4
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # mallopt(3)
_KEPT_PIECE, _KEPT = 32 << 20, 256 << 20  # the largest piece that is kept, and bytes of all free pieces at the top
_THREADS = Path("/proc/self/task")  # Linux lists the threads of a process here, also those that Python does not know
# Objects between two searches for reference cycles.  Reading makes millions of objects and next to no cycles, and
# with Python's own 700 the search takes a seventh of all time.
_CYCLE_THRESHOLD = 20_000


class Workers:
    """A pool of processes; a context manager, within which garbage is looked for rarely.

    Workers are forked from this process where it has no other thread, which costs no time.  Else they are forked from
    a clean server process: a fork copies locks that other threads may hold, and then waits for them for ever.

    Args:
        jobs: how many processes.
        preload: modules that such a server loads once for all workers; it keeps what the first pool asked for.
    """

    def __init__(self, jobs: int, preload: Sequence[str] = _PRELOAD) -> None:
        self._jobs = jobs
        self._preload = preload
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
            self._pool = self._new_pool()
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

    def map_guarded(
        self, function: Callable[[Task], Result], tasks: Sequence[Task], kind: Callable[[Task], Hashable]
    ) -> Iterator[Result | Died]:
        """Yield the result of each task, in their order, where a task may kill the process that runs it.

        Native readers can abort on hostile files.  All tasks run in processes of their own, even with one job.  Where
        one dies, the tasks that were under way are run again one by one, so that the guilty one is known; it and those
        of its kind that are still to come yield `Died`.

        Args:
            function: what to do.
            tasks: with what.
            kind: what a task belongs to: its file.
        """
        guilty: set[Hashable] = set()
        waiting: deque[tuple[Task, Future[tuple[Result, int, int]] | None]] = deque()
        pool = self._pool or self._new_pool()
        try:
            for task in tasks:
                if len(waiting) >= _IN_FLIGHT_PER_WORKER * self._jobs:
                    begun, future = waiting.popleft()
                    settled, pool = self._settled(function, begun, future, pool, kind, guilty)
                    yield settled
                future = None
                if kind(task) not in guilty:
                    try:
                        future = pool.submit(_weighed, function, task)
                    except BrokenProcessPool:
                        pool = self._renewed(pool)
                        future = pool.submit(_weighed, function, task)
                waiting.append((task, future))
            while waiting:
                begun, future = waiting.popleft()
                settled, pool = self._settled(function, begun, future, pool, kind, guilty)
                yield settled
        finally:
            if pool is not self._pool:
                pool.shutdown(cancel_futures=True)

    def _settled(
        self,
        function: Callable[[Task], Result],
        task: Task,
        future: Future[Any] | None,
        pool: ProcessPoolExecutor,
        kind: Callable[[Task], Hashable],
        guilty: set[Hashable],
    ) -> tuple[Result | Died, ProcessPoolExecutor]:
        """Return the result of a task that was begun, and the pool to go on with."""
        if future is None or kind(task) in guilty:
            return Died(), pool
        try:
            return self._noted(future.result()), pool
        except BrokenProcessPool:
            pool = self._renewed(pool)
        # Alone in a process, the task is guilty if that dies.
        with ProcessPoolExecutor(1, mp_context=_context(self._preload), initializer=_begin) as alone:
            try:
                return self._noted(alone.submit(_weighed, function, task).result()), pool
            except BrokenProcessPool:
                guilty.add(kind(task))
                return Died(), pool

    def _renewed(self, pool: ProcessPoolExecutor) -> ProcessPoolExecutor:
        """Return a pool that works, in the place of one that may be broken."""
        try:
            pool.submit(os.getpid).result()
        except BrokenProcessPool:
            pool.shutdown(cancel_futures=True)
            fresh = self._new_pool()
            if pool is self._pool:
                self._pool = fresh
            return fresh
        return pool

    def _new_pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self._jobs, mp_context=_context(self._preload), initializer=_begin)

    def _noted(self, weighed: tuple[Result, int, int]) -> Result:
        result, process, peak = weighed
        self._peaks[process] = max(peak, self._peaks.get(process, 0))
        return result


def _context(preload: Sequence[str]) -> BaseContext:
    """Return how workers are started: by "fork" where that is safe, else by "forkserver"."""
    if _THREADS.is_dir() and len(list(_THREADS.iterdir())) == 1:
        return multiprocessing.get_context("fork")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(preload))
    return context


def _begin() -> None:
    """Make ready a new worker."""
    end_with_parent()
    _keep_memory()
    _collect_rarely()


def _keep_memory() -> None:
    """Have glibc keep freed memory for what comes next, instead of giving it back and having it zeroed again.

    A worker makes and drops arrays of some megabytes all the time; terrain took an eighth less processor time.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(_M_MMAP_THRESHOLD, _KEPT_PIECE)
        libc.mallopt(_M_TRIM_THRESHOLD, _KEPT)


def _collect_rarely() -> None:
    """Leave what is loaded by now out of every search for garbage, and search less often."""
    gc.freeze()
    gc.set_threshold(_CYCLE_THRESHOLD, *gc.get_threshold()[1:])


def _weighed(function: Callable[[Task], Result], task: Task) -> tuple[Result, int, int]:
    """Return a result, the number of the process that made it, and that process's peak memory in bytes."""
    return function(task), os.getpid(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
