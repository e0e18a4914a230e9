"""Named steps, run one after the other; the first that fails says which it was, what happened and what to do."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
SHOWN_FIRST, SHOWN_LAST = 6, 10
"""How many lines of a failed command's output are shown: npm says first what is wrong, pip last."""


class StepFailedError(Exception):
    """A step cannot go on.

    Attributes:
        problem: what was found.
        remedy: what the user can do now.
        output: what the failed command printed.
    """

    def __init__(self, problem: str, remedy: str, output: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy
        self.output = output


@dataclass(frozen=True, slots=True)
class Step:
    """A piece of set-up: its title, and the work, which returns a few words on what it did."""

    title: str
    work: Callable[[], str]


def run_steps(steps: Sequence[Step], again: str) -> bool:
    """Run `steps` in order and print one line for each; return whether all of them succeeded.

    Args:
        steps: what to do.
        again: the command that goes on after a failure, as the user would type it.
    """
    for number, step in enumerate(steps, start=1):
        head = f"[{number}/{len(steps)}] {step.title}"
        print(f"{head} …", end=" ", flush=True)
        start = time.monotonic()
        try:
            try:
                done = step.work()
            except OSError as error:
                remedy = "see that the checkout is whole (`git status`) and the disk neither full nor read-only"
                raise StepFailedError(str(error), remedy) from error
        except StepFailedError as failure:
            print("failed", flush=True)
            sys.stderr.write(
                f"\nStep {number} of {len(steps)}, {step.title}, failed: {failure.problem}\n{_shown(failure.output)}"
                f"What to do: {failure.remedy}\nThen run `{again}` again; it goes on with this step.\n"
            )
            return False
        except KeyboardInterrupt:
            print("stopped", flush=True)
            sys.stderr.write(f"\nStopped in step {number} of {len(steps)}. `{again}` goes on with this step.\n")
            return False
        print(f"{done} ({time.monotonic() - start:.0f} s)", flush=True)
    return True


def _shown(output: str) -> str:
    lines = output.strip().splitlines()
    if len(lines) > SHOWN_FIRST + SHOWN_LAST:
        lines[SHOWN_FIRST:-SHOWN_LAST] = ["…"]
    return "".join(f"    {line}\n" for line in lines)


def call(
    command: Sequence[str | Path], *, remedy: str, folder: Path = PROJECT, env: Mapping[str, str] | None = None
) -> str:
    """Run `command` with its output kept back; return that output.

    The command gets no standard input, so it cannot wait for an answer, and a process group of its own,
    so that Ctrl-C here ends all that it started.

    Raises:
        StepFailedError: it cannot be started, or ends with another status than 0.
    """
    words = [str(word) for word in command]
    try:
        process = subprocess.Popen(
            words,
            cwd=folder,
            env=dict(env if env is not None else environment()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise StepFailedError(f"`{shlex.join(words)}` cannot be started: {error.strerror}", remedy) from error
    try:
        output, _ = process.communicate()
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        raise
    if process.returncode != 0:
        raise StepFailedError(f"`{shlex.join(words)}` ended with status {process.returncode}", remedy, output)
    return output


def environment(path: Iterable[Path] = ()) -> dict[str, str]:
    """Return this process's environment with `path` in front of PATH, and without foreign Python packages.

    PYTHONPATH and PYTHONHOME would let a foreign package named like one of our rooms win.
    """
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    env["PATH"] = os.pathsep.join([*(str(folder) for folder in path), env.get("PATH", os.defpath)])
    return env


def digest(*parts: bytes) -> str:
    """Return a hash of `parts`; their borders count."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8, "big") + part)
    return whole.hexdigest()
