"""Many point clouds opened behind a fence: native code meets a file for the first time in a process of its own."""

from __future__ import annotations

import multiprocessing
import resource
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, ParamSpec, Self, TypeVar

from pointclouds.heads import FETCH_AGAIN
from pointclouds.sources import LasSource, open_one
from zwilling.errors import SourceError
from zwilling.points import OPTIONAL_COLUMNS
from zwilling.region import Region

_SUFFIXES: Final = (".las", ".laz")
_MEMORY_BYTES: Final = 6 << 30
_PATIENCE_S: Final = 300.0

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def open_points(
    path: Path,
    *,
    crs: str | None = None,
    region: Region,
    columns: Sequence[str] = OPTIONAL_COLUMNS,
    keep_withheld: bool = False,
    skip_damaged: bool = False,
) -> list[LasSource]:
    """Return the point clouds at a path as sources: of one file, or of all `.las` and `.laz` files below a folder.

    Arguments are those of `pointclouds.sources.open_one`.  Files are opened in one other process, which dies where a
    file makes lazrs abort; the file is then named.

    Raises:
        SourceError: a file cannot be read, or there is none.
        UnknownCRSError: a file's CRS is missing or unknown, or does not reach where the points are.
    """
    opening = partial(
        open_one,
        crs=crs,
        region=region,
        columns=tuple(columns),
        keep_withheld=keep_withheld,
        skip_damaged=skip_damaged,
    )
    with Fence() as fence:
        return [fence.run(file, opening, file) for file in files_at(path)]


def files_at(path: Path) -> list[Path]:
    """Return the point clouds at a path, sorted by name.

    Raises:
        SourceError: there is nothing, or no point cloud in the folder.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise SourceError("does not exist", source=path, remedy="check its name")
    files = sorted(file for file in path.rglob("*") if file.suffix.lower() in _SUFFIXES and file.is_file())
    if not files:
        raise SourceError("holds no .las or .laz file", source=path, remedy="name the folder with the point clouds")
    return files


def check_piece(source: LasSource, chunk: int) -> None:
    """Read one piece in a process of its own and forget it: tells which file it was that ended a worker.

    Raises:
        SourceError: the piece is damaged, or ends the process that reads it.
    """
    with Fence() as fence:
        fence.run(source.head.name, _read, source, chunk)


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
            SourceError: the process ended, or took far too long; whatever the function raises.
        """
        if self._pool is None:
            # Forking would copy locks that other threads hold, and a fork server is better started by those who
            # know what all workers need.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=_limit)
        try:
            return self._pool.submit(function, *arguments, **options).result(timeout=_PATIENCE_S)
        except BrokenProcessPool as error:
            self._stop()
            raise SourceError(
                "makes the decoder abort: it is damaged, or made to do so", source=source, remedy=FETCH_AGAIN
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


def _limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = _MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(_MEMORY_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))


def _read(source: LasSource, chunk: int) -> None:
    source.read(chunk)
