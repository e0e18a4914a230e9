"""What `run.py` offers: each command is a list of steps, and then the program that they were for."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from scripts.set_up import debian, node
from scripts.set_up.environments import PythonEnvironment
from scripts.set_up.steps import PROJECT, Step, StepFailedError, run_steps

RUNTIME_LOCK = PROJECT / "requirements.lock"
DEV_LOCK = PROJECT / "requirements-dev.lock"
PEERS_LOCK = PROJECT / "requirements-peers.lock"
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class SetUp:
    """The steps, and what they find out for one another.

    Attributes:
        venv: the project's own environment.
        peers: the environment of the packages that read our tiles in tests and must not mix with ours.
        node: the Node to use, once a step has found it.
    """

    def __init__(self) -> None:
        self.venv = PythonEnvironment(PROJECT / ".venv")
        self.peers = PythonEnvironment(PROJECT / ".venv-peers")
        self.node = node.Node("")

    def for_users(self) -> list[Step]:
        """Return the steps after which `zwilling` runs and the viewer is built."""
        return [
            Step("Python environment", self.venv.create),
            Step("Python packages", lambda: self.venv.install_lock(RUNTIME_LOCK)),
            Step("the project itself", self.venv.install_project),
            Step("the viewer", self._viewer_for_users),
        ]

    def for_developers(self) -> list[Step]:
        """Return the steps after which every check and test can run."""
        return [
            Step("Python environment", self.venv.create),
            Step("Python packages", lambda: self.venv.install_lock(DEV_LOCK, contains=(RUNTIME_LOCK,))),
            Step("the project itself", self.venv.install_project),
            Step("Python packages of the independent readers", self._peers),
            Step("Node", self.find_node),
            Step("the viewer's packages", lambda: node.install_packages(node.VIEWER, self.node)),
            Step("the viewer", lambda: node.build_viewer(self.node)),
            Step("the validators' packages", lambda: node.install_packages(node.JUDGES, self.node)),
            Step("Chromium", self._chromium),
            Step("mosquitto", self._mosquitto),
            Step("PostgreSQL", self._postgresql),
        ]

    def env(self) -> dict[str, str]:
        """Return the environment for the programs that the steps were for."""
        return self.node.env(self.venv.bin)

    def _viewer_for_users(self) -> str:
        if node.viewer_is_built():
            return "there"
        self.find_node()
        node.install_packages(node.VIEWER, self.node)
        return f"{node.build_viewer(self.node)} with Node {self.node.version}"

    def find_node(self) -> str:
        """Find Node, or install it; return which it is."""
        self.node = node.find_or_install()
        return f"{self.node.version}, {'on PATH' if self.node.folder is None else self.node.folder}"

    def _peers(self) -> str:
        self.peers.create()
        return self.peers.install_lock(PEERS_LOCK)

    @staticmethod
    def _chromium() -> str:
        found = next(filter(None, map(shutil.which, CHROMIUMS)), None)
        if found is None:
            debian.install("chromium", "Chromium, in which the viewer is tested,")
            found = shutil.which("chromium")
        if found is None:
            raise StepFailedError("Chromium is installed, but not on PATH", "add the folder of `chromium` to PATH")
        return found

    @staticmethod
    def _mosquitto() -> str:
        folders = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"  # not on everybody's PATH
        found = shutil.which("mosquitto", path=folders)
        if found is None:
            debian.install("mosquitto", "mosquitto, the broker that sensors are tested with,")
            found = shutil.which("mosquitto", path=folders)
        if found is None:
            raise StepFailedError("mosquitto is installed, but not found", "add the folder of `mosquitto` to PATH")
        return found

    @staticmethod
    def _postgresql() -> str:
        if (found := _postgresql_programs()) is None:
            debian.install("postgresql", "PostgreSQL, one of the databases that sensors are tested with,")
            found = _postgresql_programs()
        if found is None:
            raise StepFailedError("PostgreSQL is installed, but not found", "add the folder of `pg_ctl` to PATH")
        return found


def _postgresql_programs() -> str | None:
    """Return where `pg_ctl` is: Debian keeps a folder for each version, and none of them on PATH."""
    return shutil.which("pg_ctl") or next(map(str, Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")), None)


def demo(arguments: Sequence[str]) -> int:
    """Start the demo: sample quarter, tiles, server."""
    set_up = SetUp()
    if not run_steps(set_up.for_users(), again="make demo"):
        return 1
    return _become([set_up.venv.bin / "zwilling", "demo", *arguments], set_up.env())


def serve(arguments: Sequence[str]) -> int:
    """Start the server on what has been built."""
    set_up = SetUp()
    if not run_steps(set_up.for_users(), again="make serve"):
        return 1
    return _become([set_up.venv.bin / "zwilling", "serve", *arguments], set_up.env())


def build(arguments: Sequence[str]) -> int:
    """Set up what a user needs, without starting anything."""
    del arguments
    return 0 if run_steps(SetUp().for_users(), again="make build") else 1


def viewer(arguments: Sequence[str]) -> int:
    """Build the viewer where it is missing or older than its sources."""
    del arguments
    set_up = SetUp()
    steps = [
        Step("Node", set_up.find_node),
        Step("the viewer's packages", lambda: node.install_packages(node.VIEWER, set_up.node)),
        Step("the viewer", lambda: node.build_viewer(set_up.node)),
    ]
    return 0 if run_steps(steps, again="make viewer") else 1


def develop(arguments: Sequence[str]) -> int:
    """Set up everything that checks and tests need, without running them."""
    del arguments
    return 0 if run_steps(SetUp().for_developers(), again="make develop") else 1


def check(arguments: Sequence[str]) -> int:
    """Run `scripts/check`: format, lint, types, import rules, locks, documentation."""
    return _after_set_up("make check", [["scripts/check", *arguments]])


def test(arguments: Sequence[str]) -> int:
    """Run `scripts/check` and `scripts/test`; arguments are pytest's, and leave out the checks."""
    programs = [["scripts/test", *arguments]] if arguments else [["scripts/check"], ["scripts/test"]]
    return _after_set_up("make test", programs)


def screenshot(arguments: Sequence[str]) -> int:
    """Render the pictures of the documentation anew."""
    return _after_set_up("make screenshot", [["python", "-m", "scripts.screenshot", *arguments]])


def docs(arguments: Sequence[str]) -> int:
    """Build the documentation into `site/`."""
    return _after_set_up("make docs", [["mkdocs", "build", "--strict", *arguments]])


_ON_REQUEST: Final = ("globe_terrain", "sensor_soak")
"""Part of another benchmark, which gives it its files; half an hour long."""


def bench(arguments: Sequence[str]) -> int:
    """Run the benchmarks, or those that are named, and print what they measured; without a name not all of them."""
    programs = [
        file.stem for file in sorted((PROJECT / "benchmarks").glob("*.py")) if "__main__" in file.read_text("utf-8")
    ]
    every = [name for name in programs if name not in _ON_REQUEST]
    return _after_set_up("make bench", [["python", "-m", f"benchmarks.{name}"] for name in arguments or every])


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    command.__name__: command for command in (demo, serve, build, viewer, develop, check, test, screenshot, docs, bench)
}


def run(arguments: Sequence[str]) -> int:
    """Run the command that `arguments` name; return the exit status."""
    if not arguments or arguments[0] not in COMMANDS:
        lines = [f"  {name:<11} {command.__doc__}\n" for name, command in COMMANDS.items()]
        asked_for_help = bool(arguments) and arguments[0] in ("-h", "--help", "help")
        stream = sys.stdout if asked_for_help else sys.stderr
        stream.write("usage: python3 run.py COMMAND [ARGUMENT…]\n\n" + "".join(lines))
        return 0 if asked_for_help else 2
    return COMMANDS[arguments[0]](arguments[1:])


def _become(program: Sequence[str | Path], env: dict[str, str]) -> int:
    # The server takes this process's place, so that signals reach it and its exit status is ours.
    sys.stdout.flush()
    words = [str(word) for word in program]
    os.execve(words[0], words, env)


def _after_set_up(again: str, programs: Sequence[Sequence[str]]) -> int:
    set_up = SetUp()
    if not run_steps(set_up.for_developers(), again=again):
        return 1
    status = 0
    for program in programs:
        status = _run_through(program, set_up.env()) or status
    return status


def _run_through(program: Sequence[str], env: dict[str, str]) -> int:
    """Run `program` with its output passed on; return its exit status."""
    found = shutil.which(program[0], path=env["PATH"]) or str(PROJECT / program[0])
    print(f"\n$ {' '.join(program)}", flush=True)
    process = subprocess.Popen([found, *program[1:]], cwd=PROJECT, env=env, stdin=subprocess.DEVNULL)
    while True:
        # Ctrl-C reaches the program as well; it decides how to end.
        with contextlib.suppress(KeyboardInterrupt):
            status = process.wait()
            break
    return status if status >= 0 else 128 - status
