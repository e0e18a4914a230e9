"""Checks the lock files: every package pinned by hash, no registry named.

So a lock serves behind any mirror, and gives away none: docs/decisions/0003-lock-files.md.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
ADDRESS = re.compile(
    r'"resolved"|files\.python|/simple(?![\w-])|registry\.|^\s*--?(index|extra|find|trusted)|@ ?(https?|file):'
)
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}(?![0-9a-f])")


def lock_files(project: Path = PROJECT) -> list[Path]:
    """Return every lock file of the project, Python's and npm's."""
    npm = [project / folder / "package-lock.json" for folder in ("viewer", "tests/node")]
    return [*sorted(project.glob("requirements*.lock")), *(lock for lock in npm if lock.is_file())]


def faults(lock: Path) -> list[str]:
    """Return what is wrong with `lock`, one line each.

    Args:
        lock: a requirements file as pip reads it, or npm's `package-lock.json`.
    """
    text = lock.read_text(encoding="utf-8")
    found = [
        f"{lock.name}:{number}: names where packages come from: {line.strip()}"
        for number, line in enumerate(text.splitlines(), start=1)
        if ADDRESS.search(line)
    ]
    if lock.suffix == ".json":
        packages = json.loads(text)["packages"]
        without = [
            name
            for name, package in packages.items()
            if name and "integrity" not in package and not _elsewhere(package)
        ]
    else:
        pins = text.replace("\\\n", " ").splitlines()
        without = [pin.split()[0] for pin in pins if pin.strip() and not pin.startswith("#") and not HASH.search(pin)]
    return found + [f"{lock.name}: {name} has no hash" for name in without]


def _elsewhere(package: dict[str, Any]) -> bool:
    # What our mirror does not hold has no hash (scripts/complete_npm_lock.py); no Linux with glibc installs it.
    others = "linux" not in package.get("os", ["linux"]) or package.get("libc") == ["musl"]
    return bool(package.get("link")) or (bool(package.get("optional")) and others)


if __name__ == "__main__":
    lines = [line for lock in lock_files() for line in faults(lock)]
    if lines:
        sys.exit("\n".join([*lines, "write the lock files with scripts/lock"]))
