"""Puts the built viewer into the wheel, so that whoever installs it needs no Node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGED_AS = "zwilling/viewer_dist"
"""Where `zwilling.viewer_files` looks for the viewer in an installed wheel."""


class ViewerHook(BuildHookInterface[Any]):
    """Adds `viewer/dist`, which is built and therefore not in git, to the wheel under `PACKAGED_AS`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files of the viewer, or stop the build where there are none.

        Args:
            version: "standard", or "editable" for `pip install -e`, which serves the checkout's own viewer.
            build_data: what hatchling is about to build; `force_include` maps files to places in the wheel.

        Raises:
            FileNotFoundError: the viewer is not built; a wheel without it would start and show nothing.
        """
        if version == "editable":
            return
        dist = Path(self.root) / "viewer" / "dist"
        if not (dist / "index.html").is_file():
            raise FileNotFoundError(
                f"{dist}/index.html is missing: the wheel carries the built viewer; run `make viewer`"
            )
        for file in sorted(dist.rglob("*")):
            place = file.relative_to(dist)
            if file.is_file() and not any(part.startswith(".") for part in place.parts):
                build_data["force_include"][str(file)] = f"{PACKAGED_AS}/{place.as_posix()}"
