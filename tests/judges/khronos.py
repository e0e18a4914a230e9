"""The Khronos glTF validator over every GLB below a folder."""

from __future__ import annotations

from pathlib import Path

from tests.judges.node_tools import run_script

_SEVERITIES = ("error", "warning", "information", "hint")

ALLOWED = {
    "UNSUPPORTED_EXTENSION": (
        "EXT_mesh_features",
        "EXT_structural_metadata",
        "EXT_meshopt_compression",
        "CESIUM_primitive_outline",
    ),
    # Pictures end where the data does; WebGL 2 has mipmaps of any size.
    "IMAGE_NPOT_DIMENSIONS": ("/images/",),
    # The validator does not know the extensions above, so what only they refer to looks unused to it.
    "UNUSED_OBJECT": ("/bufferViews/", "/buffers/", "/accessors/"),
}
"""What it may say, by code; its message or pointer must hold one of the texts.  All are of severity information."""


def complaints(folder: Path) -> list[str]:
    """Return what the validator has against the GLB files below `folder`, one line each; hints aside, all counts."""
    files = sorted(folder.rglob("*.glb"))
    assert files, f"there is no GLB in {folder}"
    found = []
    for report in run_script("gltf_validate.mjs", text="\n".join(map(str, files))):
        for message in report["messages"]:
            severity = _SEVERITIES[message["severity"]]
            text = f"{message['message']} {message.get('pointer', '')}"
            expected = ALLOWED.get(message["code"], ())
            if severity != "information" or not any(part in text for part in expected):
                name = Path(report["file"]).relative_to(folder)
                found.append(f"{name}: {severity} {message['code']}: {text}")
    return found


def assert_valid_glbs(folder: Path) -> None:
    """Fail unless the validator has neither error nor warning, and no information but the expected, for any GLB."""
    found = complaints(folder)
    assert not found, "\n".join(found[:20])
