"""py3dtiles as a second reader of the tree; it has an environment of its own, since it caps versions of ours."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.judges.answering import Answering

_PROJECT = Path(__file__).resolve().parent.parent.parent

_SCRIPT = """
import json, sys, traceback
from pathlib import Path
from py3dtiles.tileset.tileset import TileSet

def read(tileset_json):
    tileset = TileSet.from_file(Path(tileset_json))
    tiles, uris, stack = 0, [], [(tileset.root_tile, None)]
    while stack:
        tile, parent = stack.pop()
        tiles += 1
        assert tile.bounding_volume is not None
        assert parent is None or tile.geometric_error <= parent.geometric_error
        if tile.content_uri is not None:
            uris.append(str(tile.content_uri))
        stack += [(child, tile) for child in tile.children]
    return {"tiles": tiles, "contents": sorted(uris), "version": str(tileset.asset.version.value)}

for line in sys.stdin:
    try:
        answer = {"found": read(json.loads(line))}
    except Exception:
        answer = {"error": traceback.format_exc()}
    print(json.dumps(answer), flush=True)
"""


@cache
def _answering(python: Path) -> Answering:
    return Answering([python, "-c", _SCRIPT])


def python() -> Path:
    """Return the interpreter of the environment with py3dtiles; without one the test is skipped, in CI it fails."""
    found = Path(os.environ.get("ZWILLING_PEERS_PYTHON", _PROJECT / ".venv-peers" / "bin" / "python"))
    if not found.is_file():
        message = f"py3dtiles is not at {found}; run `make test`"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found


def read_tree(tileset_json: Path) -> dict[str, Any]:
    """Return what py3dtiles finds in one tileset.json: number of tiles, addresses of contents, version."""
    tree: dict[str, Any] = _answering(python()).ask(str(tileset_json))
    return tree
