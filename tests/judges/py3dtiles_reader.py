"""py3dtiles as a second reader of the tree; it has an environment of its own, since it caps versions of ours."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

_PROJECT = Path(__file__).resolve().parent.parent.parent

_SCRIPT = """
import json, sys
from pathlib import Path
from py3dtiles.tileset.tileset import TileSet

tileset = TileSet.from_file(Path(sys.argv[1]))
tiles, uris, errors, stack = 0, [], [], [(tileset.root_tile, None)]
while stack:
    tile, parent = stack.pop()
    tiles += 1
    assert tile.bounding_volume is not None
    assert parent is None or tile.geometric_error <= parent.geometric_error
    if tile.content_uri is not None:
        uris.append(str(tile.content_uri))
    stack += [(child, tile) for child in tile.children]
print(json.dumps({"tiles": tiles, "contents": sorted(uris), "version": str(tileset.asset.version.value)}))
"""


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
    done = subprocess.run(
        [str(python()), "-c", _SCRIPT, str(tileset_json)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"py3dtiles cannot read {tileset_json}:\n{done.stderr}"
    tree: dict[str, Any] = json.loads(done.stdout)
    return tree
