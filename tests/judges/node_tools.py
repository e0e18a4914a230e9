"""Running the scripts of `tests/node`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "node"


def run_script(script: str, *arguments: str | Path, text: str = "", timeout_s: float = 300) -> Any:
    """Return the JSON that a Node script prints.

    Where Node or its packages are missing the test is skipped, but fails in CI, which must have them.
    """
    node = shutil.which("node")
    if node is None or not (FOLDER / "node_modules").is_dir():
        message = f"Node or the packages in {FOLDER} are missing; run `make test`"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    done = subprocess.run(
        [node, str(FOLDER / script), *map(str, arguments)],
        input=text,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, f"{script} {' '.join(map(str, arguments))} failed:\n{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout)
