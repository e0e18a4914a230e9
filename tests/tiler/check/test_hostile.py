"""Whatever the bytes are: findings, never an exception, and nothing outside the folder is touched."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.judges import craft
from tiler.check import CheckResult, check_tileset
from tiler.check.content import read_content
from tiler.check.files import Folder
from tiler.check.findings import Findings, Place
from zwilling.errors import TilesetError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
ODD_VALUES = st.one_of(
    JSON,
    st.sampled_from([-1, 0, 2**31, 2**63, 10**400, 1e308, -0.0, 0.5, "", "\0", [], {}, [[]], [None], True, None]),
)
PLAIN = craft.houses_glb()
COMPRESSED = craft.houses_glb(compressed=True)
MANY = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def places_in(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the path of every value inside a JSON document, but for the document itself."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, inner in items for found in ((*path, key), *places_in(inner, (*path, key)))]


def replaced(document: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """Return a copy of `document` with another value at one place."""
    copy = json.loads(json.dumps(document))
    owner = copy
    for key in path[:-1]:
        owner = owner[key]
    owner[path[-1]] = value
    return copy


def check_glb(data: bytes, folder: Path) -> Findings:
    findings = Findings()
    with np.errstate(all="ignore"):  # as the walk over the tree has it
        read_content(data, folder / "houses.glb", Folder(folder), Place(findings, "houses.glb"))
    return findings


def check_json(tileset: bytes, folder: Path) -> CheckResult:
    (folder / "tileset.json").write_bytes(tileset)
    (folder / "houses.glb").write_bytes(PLAIN.pack())
    return check_tileset(folder)


@MANY
@given(data=st.binary(max_size=200))
def test_any_bytes_as_tileset(data: bytes, tmp_path: Path) -> None:
    assert not check_json(data, tmp_path).is_valid


@MANY
@given(data=st.binary(max_size=200))
def test_any_bytes_as_content(data: bytes, tmp_path: Path) -> None:
    assert check_glb(data, tmp_path).issues
    assert check_glb(struct.pack("<4sII", b"glTF", 2, 12 + len(data)) + data, tmp_path).issues


@MANY
@given(document=JSON, binary=st.binary(max_size=64))
def test_any_json_as_gltf(document: Any, binary: bytes, tmp_path: Path) -> None:
    assert check_glb(craft.pack(json.dumps(document).encode(), binary), tmp_path).issues


@MANY
@given(path=st.sampled_from(places_in(craft.houses_tileset())), value=ODD_VALUES)
def test_any_value_anywhere_in_a_tileset(path: tuple[str | int, ...], value: Any, tmp_path: Path) -> None:
    check_json(json.dumps(replaced(craft.houses_tileset(), path, value)).encode(), tmp_path)


@pytest.mark.parametrize("glb", [PLAIN, COMPRESSED], ids=["plain", "compressed"])
@MANY
@given(data=st.data())
def test_any_value_anywhere_in_a_gltf(glb: craft.Glb, data: st.DataObject, tmp_path: Path) -> None:
    glb.pack()  # fills in the buffer's length
    path = data.draw(st.sampled_from(places_in(glb.document)))
    document = replaced(glb.document, path, data.draw(ODD_VALUES))
    check_glb(craft.pack(json.dumps(document).encode(), bytes(glb.binary)), tmp_path)


@pytest.mark.parametrize("glb", [PLAIN, COMPRESSED], ids=["plain", "compressed"])
@MANY
@given(data=st.data())
def test_any_byte_of_a_glb_changed(glb: craft.Glb, data: st.DataObject, tmp_path: Path) -> None:
    packed = bytearray(glb.pack())
    for _ in range(data.draw(st.integers(1, 4))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    check_glb(bytes(packed), tmp_path)


@pytest.mark.parametrize("glb", [PLAIN, COMPRESSED], ids=["plain", "compressed"])
def test_glb_cut_off_anywhere(glb: craft.Glb, tmp_path: Path) -> None:
    packed = glb.pack()
    for length in range(0, len(packed), 37):
        assert check_glb(packed[:length], tmp_path).issues


@pytest.mark.parametrize("key", ["min", "max", "noData", "scale", "offset"])
def test_limits_of_four_hundred_digits(key: str, tmp_path: Path) -> None:
    glb = craft.houses_glb()
    schema = glb.document["extensions"]["EXT_structural_metadata"]["schema"]
    schema["classes"]["building"]["properties"]["height"][key] = 10**400
    check_glb(glb.pack(), tmp_path)


def test_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "tiles"
    folder.mkdir()
    (tmp_path / "secret.glb").write_bytes(PLAIN.pack())
    path = craft.write_tileset(folder)
    (folder / "houses.glb").unlink()
    (folder / "houses.glb").symlink_to(tmp_path / "secret.glb")
    assert [issue.code for issue in check_tileset(path).issues] == ["URI_OUTSIDE_TILESET"]


def test_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = craft.write_tileset(tmp_path)
    (tmp_path / "houses.glb").unlink()
    os.mkfifo(tmp_path / "houses.glb")
    assert [issue.code for issue in check_tileset(path).issues] == ["IO_ERROR"]


def test_loop_of_links(tmp_path: Path) -> None:
    path = craft.write_tileset(tmp_path)
    (tmp_path / "houses.glb").unlink()
    (tmp_path / "houses.glb").symlink_to("houses.glb")
    assert [issue.code for issue in check_tileset(path).issues] == ["IO_ERROR"]


def test_no_tileset_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(TilesetError, match=r"tileset\.json: there is no tileset; pass a tileset\.json or its folder"):
        check_tileset(tmp_path)


def test_issues_are_one_line_whatever_the_file_says(tmp_path: Path) -> None:
    tileset = craft.houses_tileset()
    tileset["root"]["refine"] = "ADD\n\x1b[31m" + "x" * 5000
    for issue in check_tileset(craft.write_tileset(tmp_path, tileset)).issues:
        assert issue.message.isprintable()
        assert len(issue.message) < 500
