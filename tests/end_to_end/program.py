"""Running the program as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def run(*arguments: str | Path, home: Path) -> subprocess.CompletedProcess[str]:
    """Run the program to its end, whatever that is; `home` holds the official grid, if it was installed there."""
    return subprocess.run(
        [sys.executable, "-m", "zwilling", *map(str, arguments)],
        env={**os.environ, "XDG_DATA_HOME": str(home), "PROJ_NETWORK": "OFF"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def zwilling(*arguments: str | Path, home: Path) -> None:
    """Run the program and fail unless it ends well."""
    done = run(*arguments, home=home)
    assert done.returncode == 0, done.stderr
