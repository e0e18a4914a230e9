"""Running the scripts of `tests/node`."""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.judges.answering import Answering

FOLDER = Path(__file__).resolve().parent.parent / "node"


@cache
def _answering(node: str) -> Answering:
    return Answering([node, FOLDER / "answer.mjs"])


def run_script(script: str, *arguments: str | Path, text: str = "") -> Any:
    """Return what a Node script does; one process runs all of them.

    Where Node or its packages are missing the test is skipped, but fails in CI, which must have them.
    """
    node = shutil.which("node")
    if node is None or not (FOLDER / "node_modules").is_dir():
        message = f"Node or the packages in {FOLDER} are missing; run `make test`"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return _answering(node).ask({"script": script, "arguments": [str(each) for each in arguments], "text": text})
