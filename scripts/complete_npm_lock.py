"""Adds to npm's lock the packages for other platforms that the mirror, from which it was written, does not hold.

`npm ci` demands an entry for every optional package, whether it fits the platform or not, and stops where one is
missing.  A mirror that holds Linux packages only gives such a lock (seen with biome).  What is added here has a
version, as the package that names it pins it, and no hash; npm installs it on no Linux.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

PLATFORM = re.compile(
    r"-(?P<os>android|darwin|freebsd|linux|win32)-(?P<cpu>arm64|arm|x64|ia32)(?:-(?P<libc>musl|gnu))?$"
)
LIBC = {"gnu": "glibc", "musl": "musl"}


def completed(lock: dict[str, Any]) -> dict[str, Any]:
    """Return `lock` with an entry for every optional package of a platform that has none."""
    packages = dict(lock["packages"])
    for package in lock["packages"].values():
        for name, version in package.get("optionalDependencies", {}).items():
            platform = PLATFORM.search(name)
            if f"node_modules/{name}" in packages or platform is None:
                continue
            entry: dict[str, Any] = {"version": version, "cpu": [platform["cpu"]]}
            if package.get("dev"):
                entry["dev"] = True
            if platform["libc"]:
                entry["libc"] = [LIBC[platform["libc"]]]
            packages[f"node_modules/{name}"] = {**entry, "optional": True, "os": [platform["os"]]}
    root = {"": packages.pop("")}
    return {**lock, "packages": {**root, **dict(sorted(packages.items()))}}


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        text = json.dumps(completed(json.loads(path.read_text(encoding="utf-8"))), indent=2, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")
