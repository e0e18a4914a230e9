"""Workers: how they are started, what they leave behind, and what becomes of a dead one."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tiler.workers import Died, Workers
from zwilling.errors import ZwillingError

_IN_A_FRESH_PROCESS = """
import threading
from tests.tiler.test_workers import place
from tiler.workers import Died, Workers

idle = threading.Event()
if {with_thread}:
    threading.Thread(target=idle.wait).start()
with Workers(2) as workers:
    print(*workers.map(place, range(20)), sep="\\n")
idle.set()
"""


def place(number: int) -> tuple[int, int, int]:
    """Return the task's number, and the numbers of its process and of the one that started it."""
    return number, os.getpid(), os.getppid()


def die(number: int) -> int:
    """End the process that runs this, as a system without memory does."""
    os._exit(number)


def stay(number: int) -> int:
    """Say so, and never return."""
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()
    signal.pause()
    return number


def processes(*, with_thread: bool) -> tuple[int, list[tuple[int, ...]]]:
    """Return the number of a fresh process that used workers, and what they said."""
    code = _IN_A_FRESH_PROCESS.format(with_thread=with_thread)
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        cwd=Path(__file__).parents[2],
    ) as process:
        output = process.communicate()[0]
    assert process.returncode == 0
    return process.pid, [tuple(map(int, line.strip("()").split(","))) for line in output.splitlines()]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="only Linux tells how many threads a process has")
def test_a_process_without_threads_forks_its_workers_itself() -> None:
    own, said = processes(with_thread=False)
    assert [number for number, _, _ in said] == list(range(20))
    assert {parent for _, _, parent in said} == {own}


def test_a_process_with_a_thread_has_them_forked_elsewhere() -> None:
    own, said = processes(with_thread=True)
    assert [number for number, _, _ in said] == list(range(20))
    assert own not in {number for _, process, parent in said for number in (process, parent)}


def test_one_job_needs_no_process() -> None:
    with Workers(1) as workers:
        assert {process for _, process, _ in workers.map(place, range(3))} == {os.getpid()}


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_collector_is_afterwards_as_it_was_before(jobs: int) -> None:
    before = gc.get_threshold(), gc.get_freeze_count()
    with Workers(jobs):
        assert gc.get_threshold()[0] > before[0][0]
    assert (gc.get_threshold(), gc.get_freeze_count()) == before


def test_a_worker_that_dies_is_an_error_with_a_remedy() -> None:
    with Workers(2) as workers, pytest.raises(ZwillingError, match="--jobs 1"):
        list(workers.map(die, [1, 2]))


def die_if_odd(number: int) -> int:
    """End the process where the number is odd, as native code does that meets a hostile file."""
    if number % 2:
        os.abort()
    return number


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_guarded_task_that_kills_its_process_costs_its_kind_alone(jobs: int) -> None:
    tasks = [0, 2, 4, 11, 6, 8, 13, 10, 11, 12, 13, 14]
    with Workers(jobs) as workers:
        found = list(workers.map_guarded(die_if_odd, tasks, lambda number: number))
        assert [
            task if isinstance(result, Died) else result for task, result in zip(tasks, found, strict=True)
        ] == tasks
        assert [isinstance(result, Died) for result in found] == [bool(task % 2) for task in tasks]
        # What comes afterwards finds processes that work.
        assert list(workers.map(abs, [-1, -2, -3])) == [1, 2, 3]


def test_a_guarded_task_never_runs_in_this_process() -> None:
    with Workers(1) as workers:
        (found,) = workers.map_guarded(place, [1], lambda number: number)
        assert not isinstance(found, Died)
        assert found[1] != os.getpid()


def test_workers_of_a_killed_process_end_with_it() -> None:
    code = _IN_A_FRESH_PROCESS.format(with_thread=False).replace("place", "stay").replace("range(20)", "range(2)")
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    ) as process:
        assert process.stdout is not None
        assert {process.stdout.readline(), process.stdout.readline()} == {"0\n", "1\n"}
        process.kill()
        # The output ends when nobody holds it any more.
        assert process.communicate(timeout=60)[0] == ""
