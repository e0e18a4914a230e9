"""Virtual environments that hold exactly what a lock file says."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from scripts.set_up import debian
from scripts.set_up.steps import PROJECT, StepFailedError, call, digest, environment

NETWORK = (
    "check the connection to the Python package index, or the proxy or mirror that pip is set up with"
    " (`pip config list` shows it)"
)


@dataclass(frozen=True, slots=True)
class PythonEnvironment:
    """A virtual environment of this checkout, and a record in it of what was installed from which lock file.

    Attributes:
        folder: where it lies.  Nothing in it is precious: it is made again when it is broken or was moved.
    """

    folder: Path

    @property
    def bin(self) -> Path:
        """The folder of its commands."""
        return self.folder / "bin"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.bin / "python"

    @property
    def _unfinished(self) -> Path:
        return self.folder / "zwilling-unfinished"

    @property
    def _record(self) -> Path:
        return self.folder / "zwilling-installed.json"

    def create(self) -> str:
        """Make the environment where it is missing, half made, moved or too old; return what was done."""
        if self.folder.exists():
            if not (self.folder / "pyvenv.cfg").is_file() and not self._unfinished.is_file():
                raise StepFailedError(
                    f"{self.folder} is in the way: it is not a virtual environment", f"move {self.folder} away"
                )
            if self._works():
                return "there"
            shutil.rmtree(self.folder)
        if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
            debian.install(self._venv_package(), "Python's module for virtual environments")
        self.folder.mkdir(parents=True)
        self._unfinished.touch()
        call(
            [sys.executable, "-m", "venv", self.folder],
            remedy=f"make `{sys.executable} -m venv DIRECTORY` work; on Debian and Ubuntu "
            f"`apt-get install -y {self._venv_package()}` brings it",
        )
        self._note("environment", self._identity())
        self._unfinished.unlink()
        return f"Python {sys.version.split()[0]}"

    def install_lock(self, lock: Path, *, contains: tuple[Path, ...] = ()) -> str:
        """Install what `lock` lists, every file checked against its hash; return what was done.

        Args:
            lock: a requirements file with hashes.
            contains: locks whose packages are all in `lock`, so that they need no installing any more.
        """
        if self._noted(lock.name) == digest(lock.read_bytes()):
            return "there"
        call(
            [self.python, "-m", "pip", "install", "--require-hashes", "--no-deps", "--requirement", lock],
            remedy=NETWORK,
            env={**environment(), "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        )
        for done in (lock, *contains):
            self._note(done.name, digest(done.read_bytes()))
        return f"{lock.read_text(encoding='utf-8').count('==')} packages"

    def install_project(self) -> str:
        """Install this checkout itself, editable and without network; return what was done."""
        files = [PROJECT / "pyproject.toml", PROJECT / "hatch_build.py"]
        wanted = digest(str(PROJECT).encode(), *(file.read_bytes() for file in files))
        if self._noted("project") == wanted:
            return "there"
        options = ["--no-index", "--no-deps", "--no-build-isolation", "--quiet", "--editable"]
        call(
            [self.python, "-m", "pip", "install", *options, PROJECT], remedy="read the lines above; pip names the file"
        )
        self._note("project", wanted)
        return "linked"

    def _works(self) -> bool:
        if self._unfinished.exists() or self._noted("environment") not in (None, self._identity()):
            return False
        test = "import pip, sys; sys.exit(sys.version_info < (3, 11))"
        try:
            call([self.python, "-c", test], remedy="")
        except StepFailedError:
            return False
        return True

    def _identity(self) -> str:
        # Scripts in it name the folder, and compiled packages fit one minor version of Python.
        return f"{self.folder} {sys.version_info.major}.{sys.version_info.minor}"

    def _noted(self, key: str) -> str | None:
        try:
            record = json.loads(self._record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        value = record.get(key)
        return value if isinstance(value, str) else None

    def _note(self, key: str, value: str) -> None:
        try:
            record = json.loads(self._record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            record = {}
        beside = self._record.with_suffix(".new")
        beside.write_text(json.dumps({**record, key: value}, indent=1), encoding="utf-8")
        beside.replace(self._record)

    @staticmethod
    def _venv_package() -> str:
        # Debian's own interpreter has one package without a number; every other has its number in the name.
        own = Path("/usr/bin/python3").resolve() == Path(sys.executable).resolve()
        return "python3-venv" if own else f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
