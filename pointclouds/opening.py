"""A fence around what opens point clouds: native code meets a file for the first time in a process of its own."""

from __future__ import annotations

import multiprocessing
import resource
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Final, ParamSpec, Self, TypeVar

from pointclouds.heads import FETCH_AGAIN
from zwilling.errors import SourceError
from zwilling.orphans import end_with_parent

_MEMORY_BYTES: Final = 6 << 30
_PATIENCE_S: Final = 300.0

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Fence:
    """One process beside this one, with limits on memory and time; started anew where a file ends it."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def run(
        self,
        source: object,
        function: Callable[Arguments, Result],
        *arguments: Arguments.args,
        **options: Arguments.kwargs,
    ) -> Result:
        """Return what a function returns in the other process.

        Args:
            source: the file at fault where the process ends.
            function: with its arguments, can be pickled.

        Raises:
            SourceError: the process ended, took far too long, or wanted too much memory; whatever the function raises.
        """
        if self._pool is None:
            # Forking would copy locks that other threads hold, and a fork server is better started by those who
            # know what all workers need.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=_begin)
        try:
            return self._pool.submit(function, *arguments, **options).result(timeout=_PATIENCE_S)
        except BrokenProcessPool as error:
            self._stop()
            raise SourceError(
                "makes the decoder abort: it is damaged, or made to do so", source=source, remedy=FETCH_AGAIN
            ) from error
        except MemoryError as error:
            raise SourceError(
                f"needs more than {_MEMORY_BYTES >> 30} GB of memory to be read, which no point cloud does",
                source=source,
                remedy=FETCH_AGAIN,
            ) from error
        except TimeoutError as error:
            self._stop()
            raise SourceError(
                f"cannot be opened within {_PATIENCE_S:.0f} s", source=source, remedy=FETCH_AGAIN
            ) from error

    def _stop(self) -> None:
        """End the process, whatever it does."""
        if self._pool is not None:
            for process in list((self._pool._processes or {}).values()):
                process.kill()
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


def _begin() -> None:
    """Make ready the process: it ends with this one, and gets no more memory than a point cloud needs."""
    end_with_parent()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = _MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(_MEMORY_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
