"""`zwilling check TILESET`: is this tileset what 3D Tiles 1.1 says, down to the last vertex.

The rules are those of the specifications (3D Tiles 1.1, 3D Metadata, glTF 2.0, EXT_mesh_features,
EXT_structural_metadata, EXT_meshopt_compression, KHR_mesh_quantization), the names of findings those of the CesiumGS
and Khronos validators.  Nothing of the tiler's writers is used here, so that a fault of theirs cannot hide itself, and
nothing is taken on trust: any bytes give findings, never an exception.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tiler.check.files import Folder
from tiler.check.findings import Findings
from tiler.check.tree import Walk
from zwilling.errors import TilesetError
from zwilling.issues import Issue, Severity

__all__ = ["CheckResult", "Statistics", "check_tileset"]


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a tileset consists of.

    `triangles`, `vertices` and `features` count full detail: tiles without children, and those of refinement ADD.

    Attributes:
        tilesets: tileset.json files, external ones included, each as often as it is referred to.
        tiles: tiles, with and without content.
        contents: contents, each as often as it is referred to.
        depth: of the tree, in tiles.
        triangles: drawn in full detail.
        vertices: of these triangles.
        features: rows of property tables, that is buildings or parts of buildings.
        size_bytes: of all files that were read, each once.
        largest_content_bytes: size of the largest GLB.
        largest_json_bytes: size of the largest tileset.json.
    """

    tilesets: int
    tiles: int
    contents: int
    depth: int
    triangles: int
    vertices: int
    features: int
    size_bytes: int
    largest_content_bytes: int
    largest_json_bytes: int


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The findings about a tileset, in the order of the tree, and what it consists of."""

    issues: tuple[Issue, ...]
    statistics: Statistics

    def count(self, severity: Severity) -> int:
        """Return how many findings matter this much."""
        return sum(issue.severity is severity for issue in self.issues)

    @property
    def is_valid(self) -> bool:
        """Whether there is neither an error nor a warning."""
        return not any(issue.severity in (Severity.ERROR, Severity.WARNING) for issue in self.issues)

    def to_json(self) -> Mapping[str, Any]:
        """Return the result as it stands in reports."""
        return {
            "valid": self.is_valid,
            "counts": {severity.value: self.count(severity) for severity in Severity},
            "statistics": asdict(self.statistics),
            "issues": [issue.to_json() for issue in self.issues],
        }


def check_tileset(path: Path) -> CheckResult:
    """Return all findings about a tileset, and what it consists of.

    Args:
        path: a tileset.json, or the folder that holds one.  Files outside this folder and addresses of the network
            are findings; they are not opened.

    Raises:
        TilesetError: there is no such file.
    """
    document = path / "tileset.json" if path.is_dir() else path
    if not document.is_file():
        raise TilesetError("there is no tileset", source=document, remedy="pass a tileset.json or its folder")
    resolved = document.resolve()
    findings = Findings()
    walk = Walk(Folder(resolved.parent), str(document.parent), findings)
    walk.run(resolved)
    return CheckResult(findings.close(str(document)), Statistics(**asdict(walk.counts)))
