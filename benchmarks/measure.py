"""Whole processes, measured from outside: wall clock, CPU seconds and peak memory of the process tree."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SAMPLE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command.

    Attributes:
        wall: seconds from start to end.
        cpu: user and system seconds of the process tree: what the system accounts for children that were waited
            for, or the sum of what each process had used when last looked at, whichever is more (a server that
            forks workers is not waited for).
        peak: bytes; largest sum over the process tree of proportional set sizes, sampled.
    """

    wall: float
    cpu: float
    peak: int


@dataclass(frozen=True, slots=True)
class Median:
    """The medians of several runs, each figure by itself, and how many there were."""

    wall: float
    cpu: float
    peak: float
    runs: int

    @classmethod
    def of(cls, runs: Sequence[Run]) -> Median:
        """Return the medians of `runs`, at least one."""
        return cls(
            statistics.median(run.wall for run in runs),
            statistics.median(run.cpu for run in runs),
            statistics.median(run.peak for run in runs),
            len(runs),
        )


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Run:
    """Return what one run of `command` cost.

    Raises:
        RuntimeError: it failed; the message has its last output.
    """
    before = os.times()
    start = time.monotonic()
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # As installed: with compiled modules, which a machine for tests may forbid.
        env={key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        | dict(environment or {}),
    )
    watch = _Watch()
    watcher = threading.Thread(target=watch.follow, args=(process,), daemon=True)
    watcher.start()
    output = process.communicate()[0]
    wall = time.monotonic() - start
    after = os.times()
    watcher.join()
    if process.returncode != 0:
        tail = output.decode(errors="replace")[-2000:]
        raise RuntimeError(f"{' '.join(command)} ended with status {process.returncode}:\n{tail}")
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    return Run(wall, max(cpu, sum(watch.cpu.values())), watch.peak)


def alternate(
    commands: Mapping[str, Sequence[str]], times: int, environment: Mapping[str, str] | None = None
) -> dict[str, Median]:
    """Return the medians of each command, run in turn: A B A B ..., with the order turned round every other time.

    Each command is run once before, uncounted, so that files are in the cache and modules compiled.
    """
    for command in commands.values():
        run(command, environment)
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for turn in range(times):
        names = list(commands) if turn % 2 == 0 else list(reversed(list(commands)))
        for name in names:
            runs[name].append(run(commands[name], environment))
    return {name: Median.of(found) for name, found in runs.items()}


def machine() -> str:
    """Return one line about where the figures were taken."""
    model = next(
        (line.split(":")[1].strip() for line in _lines(Path("/proc/cpuinfo")) if line.startswith("model name")), "?"
    )
    memory = next((int(line.split()[1]) // 2**20 for line in _lines(Path("/proc/meminfo"))), 0)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{model}, {os.cpu_count()} cores, {memory} GiB, Python {platform.python_version()}, load {load}"


class _Watch:
    """Looks at a process tree while it runs."""

    def __init__(self) -> None:
        self.peak = 0
        self.cpu: dict[int, float] = {}

    def follow(self, process: subprocess.Popen[bytes]) -> None:
        """Sample until `process` has ended."""
        while process.poll() is None:
            tree = _tree(process.pid)
            self.peak = max(self.peak, sum(_pss(pid) for pid in tree))
            for pid in tree:
                self.cpu[pid] = max(self.cpu.get(pid, 0.0), _cpu(pid))
            time.sleep(_SAMPLE_SECONDS)


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the third on: a program's name may hold anything."""
    return "".join(_lines(Path(f"/proc/{pid}/stat"))).rpartition(")")[2].split()


def _cpu(pid: int) -> float:
    stat = _stat(pid)
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK") if stat else 0.0


def _tree(root: int) -> list[int]:
    """Return the process and all its descendants."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            stat = _stat(int(entry.name))
            if stat:
                parents.setdefault(int(stat[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found.extend(parents.get(pid, ()))
    return found


def _pss(pid: int) -> int:
    for line in _lines(Path(f"/proc/{pid}/smaps_rollup")):
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []  # the process has ended
