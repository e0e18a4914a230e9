"""A twin to look at: built by the command line from source files, served by a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_port


@dataclass(frozen=True, slots=True)
class SourceFile:
    """What a twin is built from."""

    sources: str
    title: str
    licence: str
    attribution: str
    is_synthetic: bool = False


@dataclass(frozen=True, slots=True)
class GroundFiles:
    """What the ground of a twin is built from."""

    pictures: str
    heights: str
    title: str
    attribution: str


def build_twin(folder: Path, source: SourceFile, ground: GroundFiles | None = None) -> Path:
    """Write settings to `folder`, build the layers, and return the settings file."""
    settings = folder / "zwilling.toml"
    settings.write_text(
        f"""
[region]
profile = "rhein-kreis-neuss"

[[layer]]
id = "gebaeude"
title = "{source.title}"
sources = ["{source.sources}"]
licence = "{source.licence}"
attribution = ["{source.attribution}"]
synthetic = {str(source.is_synthetic).lower()}
""",
        encoding="utf-8",
    )
    if ground is not None:
        with settings.open("a", encoding="utf-8") as more:
            more.write(f"""
[[layer]]
id = "boden"
kind = "ground"
title = "{ground.title}"
sources = ["{ground.pictures}"]
heights = ["{ground.heights}"]
licence = "EUPL-1.2"
attribution = ["{ground.attribution}"]
synthetic = true
""")
    run_zwilling("build", str(settings), "--jobs", "1", "--quiet")
    return settings


def write_sample(folder: Path, buildings: int) -> None:
    """Write the sample quarter's source files."""
    run_zwilling("sample", str(folder), "--buildings", str(buildings))


class Server:
    """`zwilling serve` on a free port, and later again on the same one."""

    def __init__(self, settings: Path) -> None:
        self._settings = settings
        self._process: subprocess.Popen[str] | None = None
        self.port = free_port()

    @property
    def address(self) -> str:
        """The viewer's URL."""
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        """Return when connections are accepted."""
        # Quiet: nobody reads the pipe after the first line, and a full one would stop the server.
        command = [sys.executable, "-m", "zwilling", "serve", str(self._settings), "--port", str(self.port), "--quiet"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said: list[str] = []
        for line in self._process.stdout or ():
            said.append(line)
            if self.address in line:
                return
        raise AssertionError(f"the server ended with {self._process.wait()}: {''.join(said)}")

    def stop(self) -> None:
        """End the process; asked twice, do nothing."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        self._process = None


def run_zwilling(*arguments: str) -> None:
    """Fail with what the command said where it does not end well."""
    done = subprocess.run([sys.executable, "-m", "zwilling", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"zwilling {' '.join(arguments)} ended with {done.returncode}: {done.stderr}")
