"""A real PostgreSQL of the tests' own: in a temporary folder, on a free port of 127.0.0.1, stopped when they end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_port

USER = "postgres"


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs (15 or newer), or None where it is not installed."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    on_path = shutil.which("pg_ctl")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    return folders[-1] if folders else None


@dataclass(slots=True)
class Cluster:
    """A PostgreSQL server.

    Attributes:
        folder: of its data.
        bin: of its programs.
        port: that it listens at.
    """

    folder: Path
    bin: Path
    port: int

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = (
            f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories=''"
            " -c shared_buffers=64MB -c fsync=off"
        )
        self.run_program(
            "pg_ctl", "-w", "-t", "60", "-D", f"{self.folder}", "-l", f"{self.folder}.log", "-o", options, "start"
        )

    def stop(self, mode: str = "fast") -> None:
        """Stop it, if it runs; `immediate` is a crash."""
        if (self.folder / "postmaster.pid").exists():
            self.run_program("pg_ctl", "-w", "-t", "60", "-D", f"{self.folder}", "-m", mode, "stop")

    def kill(self) -> None:
        """Kill its main process with -9, as a power cut would."""
        lines = (self.folder / "postmaster.pid").read_text().splitlines()
        os.kill(int(lines[0]), signal.SIGKILL)

    def create(self, name: str) -> str:
        """Make a database, and return its URL."""
        self.run_program("psql", *self._at(), "-d", USER, "-q", "-c", f"create database {name}")
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{name}"

    def drop(self, name: str) -> None:
        """Remove a database, whoever is in it."""
        self.run_program("psql", *self._at(), "-d", USER, "-q", "-c", f"drop database if exists {name} with (force)")

    def run(self, name: str, statement: str) -> str:
        """Return what psql prints for a statement: rows without heads, columns with `|` between."""
        return self.run_program("psql", *self._at(), "-d", name, "-q", "-A", "-t", "-c", statement)

    def _at(self) -> Sequence[str]:
        return "-X", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", f"{self.port}", "-U", USER

    def remove(self) -> None:
        """Stop it, and remove its data."""
        self.stop("immediate")
        shutil.rmtree(self.folder.parent)

    def run_program(self, program: str, *arguments: str) -> str:
        """Return what one of PostgreSQL's programs prints."""
        done = subprocess.run(
            [*as_postgres(), f"{self.bin / program}", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
            cwd="/",
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stdout}")
        return done.stdout


def as_postgres() -> Sequence[str]:
    """Return what goes before a command: root may not run PostgreSQL, so the user that its package made does."""
    return ("setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups") if os.geteuid() == 0 else ()


def _open_to_others() -> Path:
    """Return a folder for temporary files that PostgreSQL's user can get to; root's own may be closed."""
    candidates = [Path(tempfile.gettempdir()).resolve(), Path("/tmp"), Path("/var/tmp")]  # noqa: S108 - mkdtemp follows
    if os.geteuid() != 0:
        return candidates[0]
    for folder in candidates:
        if all(part.stat().st_mode & 0o001 for part in (folder, *folder.parents)):
            return folder
    raise RuntimeError("no folder for temporary files is open to other users than root")


def new_cluster(binaries: Path) -> Cluster:
    """Return a new server that has not started; it does not wait for the disk, which no test cuts the power of.

    Its folder is not one of pytest's: those are closed to other users, and each run of pytest closes them anew.
    """
    folder = Path(tempfile.mkdtemp(prefix="zwilling-postgresql-", dir=_open_to_others()))
    if os.geteuid() == 0:
        shutil.chown(folder, USER, USER)
    cluster = Cluster(folder / "data", binaries, free_port())
    cluster.run_program(
        "initdb", "-D", f"{cluster.folder}", "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"
    )
    return cluster
